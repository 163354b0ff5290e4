"""The table of likelihoods: every row, and all who read it, also for a row that is new."""

import dataclasses

import numpy as np
import pytest

import nn
import nn.cli
from nn import MLP, Table, backpropagate, evaluate, fit
from nn.arrays import real_array
from nn.model import likelihoods
from nn.model.activations import ACTIVATIONS
from nn.model.likelihoods import (
    LIKELIHOODS,
    R2,
    SCORES,
    Likelihood,
    known_likelihood,
    likelihood_for,
    likelihood_of,
)
from nn.train.history import Epoch
from tests.cases import for_each


def poisson_nll(a, y):
    """Counts: exp(a) - y a. As in a row that somebody adds."""
    return a.exp() - y * a


POISSON = Likelihood(
    "poisson", poisson_nll, np.exp, "exp", R2, lambda outputs, true: 0.25,
    lambda y, d: [float(y)], lambda y, d: y >= 0, one_hot=False, classes=(0, 0), targets="counts",
)  # fmt: skip
ROWS = {**LIKELIHOODS, "poisson": POISSON}
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


@pytest.fixture(autouse=True)
def _one_more(monkeypatch):
    monkeypatch.setitem(LIKELIHOODS, "poisson", POISSON)


def case(row, n=30, seed=0):
    """A network, inputs and targets that suit a row."""
    rng = np.random.default_rng(seed)
    K = {0: 0, 2: 3 if row.one_hot else 2}[row.classes[0]]
    X = rng.normal(size=(n, 3))
    y = rng.integers(K, size=n) if K else rng.poisson(2.0, size=n)
    net = MLP(3, [4, row.outputs(K)], "tanh", rng=np.random.default_rng(1))
    return net, X, y, K


def dataset(row):
    _, X, y, K = case(row)
    return nn.datasets.Dataset(
        "mine", X[:20], y[:20], X[20:], y[20:], row.loss, row.outputs(K),
        tuple("abc"[:K]), ("u", "v", "w"), "y", np.zeros(3), np.ones(3), 0.0, 1.0,
    )  # fmt: skip


def test_the_rows_are_consistent():
    for name, row in LIKELIHOODS.items():
        assert row.name == name
        assert likelihood_of(row.loss) is known_likelihood(row.loss) is row
        assert row.score in SCORES.values()
        assert f"validation_{row.score.name}" in Epoch.__dataclass_fields__
    chosen = {K: likelihood_for(K).name for K in (0, 2, 3, 10)}
    assert chosen == {0: "gaussian", 2: "bernoulli", 3: "categorical", 10: "categorical"}


@each_row
def test_delta_is_mean_minus_y(row):
    net, X, y, _ = case(row)
    for x, target in zip(X[:5], y[:5].tolist(), strict=True):
        a = net(x.tolist())
        outputs = a if isinstance(a, list) else [a]
        loss = row.loss(a, target)
        loss.backward()
        values = np.array([v.data for v in outputs])
        delta = row.mean(values) - np.array(row.target(target, len(outputs)))
        np.testing.assert_allclose([v.grad for v in outputs], delta, atol=1e-14)
        np.testing.assert_allclose(backpropagate(net, row.loss, x, target).delta[2], delta,
                                   atol=1e-14)  # fmt: skip
        batch = row.mean(np.stack([values, values]))
        np.testing.assert_allclose(batch, [row.mean(values)] * 2)


@each_row
def test_pictures_write_its_mean(row):
    net, X, y, _ = case(row)
    steps = nn.draw(net, X[0], y[0], row.loss).steps()
    title = next(f.title for f in steps.frames if f.title.startswith("Backward, layer 2"))
    assert (f"{row.link}(a2) - y" if row.link else "= a2 - y") in title
    assert ("one-hot" in title) is row.one_hot
    line = next(f for f in steps.frames if f.title == title).lines[0]
    assert " - " in line.replace("\N{MINUS SIGN}", "-")


@pytest.mark.slow
@each_row
@pytest.mark.parametrize("engine", ["program", "graph"])
def test_training_and_evaluation_have_its_score(row, engine):
    net, X, y, _ = case(row)
    history = fit(net, row.loss, X, y, epochs=2, batch_size=5, lr=0.01, engine=engine,
                  rng=np.random.default_rng(0), validation=(X, y), progress=False)  # fmt: skip
    scores = evaluate(net, row.loss, X, y, engine=engine)
    assert list(scores) == ["loss", row.score.name]
    expected = row.measure(net.predict(X), real_array(y, "y"))  # of other matrix products
    assert scores[row.score.name] == pytest.approx(expected, rel=1e-13)
    assert getattr(history[-1], f"validation_{row.score.name}") == scores[row.score.name]
    assert history.plot().axes[1].get_ylabel() == row.score.label


@each_row
def test_a_known_row_needs_no_comparison_of_graphs(row, monkeypatch):
    net, X, y, _ = case(row)
    compared = []
    monkeypatch.setattr("nn.train.engines.ProgramEngine._compare", lambda *_: compared.append(1))
    fit(net, row.loss, X, y, epochs=1, batch_size=5, lr=0.01, progress=False)
    assert not compared


@each_row
def test_tables_and_reports_read_it(row, tmp_path):
    data = dataset(row)
    table = Table.of(data)
    assert table.loss == row.name
    assert table.outputs == data.outputs
    assert Table.from_json(table.to_json()) == table
    net = MLP(3, [data.outputs], rng=np.random.default_rng(0))
    a = net.predict(data.X_test)
    answers, probabilities = table.answers(a)
    assert len(answers) == len(a)
    if data.classes:
        np.testing.assert_allclose(sum(probabilities.values()), 1.0)
        assert list(probabilities) == [f"P({name})" for name in data.classes]
    else:
        np.testing.assert_allclose([float(v) for v in answers], row.mean(a))
    outcome = nn.plots.Outcome.of(data, net)
    if not data.classes:
        np.testing.assert_allclose(outcome.predicted, row.mean(a))
    assert dict(nn.plots.figures(outcome))
    nn.save(net, tmp_path / "net.npz", table)
    assert nn.load_table(tmp_path / "net.npz")[1] == table


@each_row
def test_what_it_is_not_for_is_refused(row):
    data = dataset(row)
    wrong = {0: ("a", "b"), 2: ()}[row.classes[0]]
    about = {**Table.of(data).to_json(), "classes": wrong}
    with pytest.raises(ValueError, match=f"its loss is {row.name}, and its classes are"):
        Table.from_json(about)


def test_one_that_is_unknown_lists_those_that_exist():
    for refuse in (
        lambda: known_likelihood(lambda a, y: a),
        lambda: backpropagate(MLP(1, [1]), lambda a, y: a, [1.0], 1.0),
    ):
        with pytest.raises(ValueError, match="loss must be") as info:
            refuse()
        assert all(row.loss.__name__ in str(info.value) for row in LIKELIHOODS.values())


@pytest.mark.parametrize("measure", ["_right_signs", "_right_classes"])
def test_accuracy_counts(measure):
    outputs = np.array([[2.0, -1.0], [-1.0, 3.0], [0.5, 1.0]])
    if measure == "_right_signs":
        true = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        assert getattr(likelihoods, measure)(outputs, true) == 4 / 6
        assert getattr(likelihoods, measure)(outputs[:, 0], true[:, :1]) == 1 / 3
    else:
        assert getattr(likelihoods, measure)(outputs, np.array([0.0, 1.0, 0.0])) == 2 / 3
        assert getattr(likelihoods, measure)(outputs, np.eye(2)[[0, 1, 0]]) == 2 / 3


@for_each("row", LIKELIHOODS.values())
def test_of_an_output_that_is_nan_there_is_no_score(row):
    net, X, y = MLP(1, [row.outputs(2)]), [[0.0], [1.0]], [0, 1]
    net.parameters()[0].data = np.nan
    assert np.isnan(evaluate(net, row.loss, X, y)[row.score.name])


@pytest.mark.slow
@pytest.mark.usefixtures("quick_files")
def test_the_command_line_chooses_by_name(tmp_path, capsys):
    common = ["--epochs", "1", "--widths", "2", "--quiet", "--out", str(tmp_path)]
    for data, K in (("moons", 2), ("iris", 3)):
        for name, row in LIKELIHOODS.items():
            if row.takes(K):
                assert nn.cli.main(["train", data, "--loss", name, *common]) == 0
                assert row.loss.__name__ in capsys.readouterr().out
            else:
                with pytest.raises(SystemExit):
                    nn.cli.main(["train", data, "--loss", name, *common])
                assert f"--loss {name} is for {row.targets}" in capsys.readouterr().err


@for_each(
    ("row", "column"),
    [
        *[(row, "loss") for row in LIKELIHOODS.values()],
        *[(row.score, "label") for row in LIKELIHOODS.values()],
        *[(row, "slope") for row in ACTIVATIONS.values()],
    ],
    ids=lambda x: getattr(x, "name", x),
)
def test_a_row_of_a_table_can_not_be_changed(row, column):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(row, column, None)


NUMBERS = [-0.5, 0.0, 0.5, 1.0, 1.5]
PROBABILITIES = [
    [1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5 + 5e-7], [0.2, 0.3, 0.5 - 5e-7],
    [0.2, 0.3, 0.51], [0.2, 0.3, 0.49], [1.5, -0.5, 0.0], [0.0, 0.0, 0.0],
]  # fmt: skip


@for_each(
    ("name", "y", "d", "expected"),
    [
        ("gaussian", NUMBERS, 1, [1, 1, 1, 1, 1]),
        ("gaussian", NUMBERS, 2, [0, 0, 0, 0, 0]),
        ("gaussian", [NUMBERS, NUMBERS], 5, [1, 1]),
        ("gaussian", [NUMBERS, NUMBERS], 1, [0, 0]),
        ("gaussian", NUMBERS[:4], 4, [0, 0, 0, 0]),
        ("bernoulli", NUMBERS, 1, [0, 1, 1, 1, 0]),
        ("bernoulli", [[0.0, 1.0], [0.5, 1.5], [-0.5, 1.0]], 2, [1, 0, 0]),
        ("bernoulli", NUMBERS, 2, [0, 0, 0, 0, 0]),
        ("categorical", [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0], 3, [0, 1, 0, 1, 1, 0]),
        ("categorical", PROBABILITIES, 3, [1, 1, 1, 1, 0, 0, 0, 0]),
        ("categorical", PROBABILITIES, 2, [0] * 8),
        ("categorical", [0.0, 1.0], 1, [0, 0]),
        ("categorical", [[1.0], [1.0]], 1, [0, 0]),
    ],
)
def test_which_targets_fit(name, y, d, expected):
    row = LIKELIHOODS[name]
    y = np.array(y)
    assert row.fits(y, d).tolist() == [bool(fit) for fit in expected]
    for y_i, fits in zip(y, expected, strict=True):  # one example alone is judged as all are
        try:
            row.target(y_i, d)
            assert fits or (name, d, y.ndim) == ("gaussian", 4, 1)
        except ValueError:
            assert not fits


@pytest.mark.parametrize("K", [0, 1, 2, 3, 1000])
def test_which_number_of_classes_a_row_takes(K):
    takes = {
        name for name in ("gaussian", "bernoulli", "categorical") if LIKELIHOODS[name].takes(K)
    }
    assert takes == {0: {"gaussian"}, 1: set(), 2: {"bernoulli", "categorical"}}.get(
        K, {"categorical"}
    )
