"""Every optimizer: its numbers, by hand and by PyTorch; in both engines, in files, as an option."""

import argparse
import importlib.util
import math
import shlex

import numpy as np
import pytest

import nn
from autograd import Value
from nn import MLP, SGD, Optimizer, bernoulli_nll, fit, gaussian_nll
from nn.choosing import settle
from nn.cli import main
from nn.options import add_train_options, rule_of
from nn.train.optimizers import OPTIMIZERS, make_rule
from nn.train.stepping import defaults
from tests.cases import for_each

# By PyTorch 2.13.0: theta from 1.0 by the gradients below, with lr = 0.1.
GRADIENTS = [1.0, -0.5, 0.25, 2.0]
COURSES = {
    "sgd": [
        ({}, [0.9, 0.9500000000000001, 0.925, 0.7250000000000001]),
        ({"momentum": 0.9}, [0.9, 0.86, 0.7989999999999999, 0.5440999999999999]),
        (
            {"momentum": 0.9, "nesterov": True},
            [0.81, 0.8240000000000001, 0.7441000000000001, 0.31469],
        ),
        ({"weight_decay": 0.1}, [0.89, 0.9311, 0.8967890000000001, 0.68782111]),
        (
            {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
            [0.7909999999999999, 0.7818709999999999, 0.6734183509999998, 0.2125528572309997],
        ),
    ],
    "rmsprop": [
        ({}, [9.99999903994464e-08, 0.44901331474435047, 0.22890913854633047, -0.6417100624231521]),
        (
            {"alpha": 0.9, "eps": 1e-3},
            [0.6847690816739788, 0.8317775335545444, 0.7565409994017164, 0.4737515820793959],
        ),
        (
            {"momentum": 0.9},
            [9.999999027732188e-08, -0.45098659525565843, -1.0769787971837623, -2.5109909798885384],
        ),
        (
            {"centered": True},
            [-0.005037714249120917, 0.4444108427412178, 0.22384424861718885, -0.6529782987217373],
        ),
        (
            {"weight_decay": 0.1, "momentum": 0.5, "centered": True},
            [-0.005037723431855545, -0.09118383430727, -0.3319159057811959, -1.3092029036078325],
        ),
    ],
    "adam": [
        ({}, [0.900000001, 0.8733662973709032, 0.8393233830648466, 0.7750341915258842]),
        (
            {"betas": (0.8, 0.9)},
            [0.900000001, 0.8785771817114573, 0.8470206963032012, 0.7797371973858915],
        ),
        (
            {"eps": 0.1},
            [0.9090909090909091, 0.8854482412517926, 0.8558775872534413, 0.7967195385241301],
        ),
        (
            {"weight_decay": 0.1},
            [0.9000000009090909, 0.8632183547937828, 0.8182785084911186, 0.749528908563999],
        ),
    ],
    "adamw": [
        ({}, [0.899000001, 0.8714672973699032, 0.8365529157664767, 0.7714271713117479]),
        (
            {"betas": (0.8, 0.9)},
            [0.899000001, 0.8766781817104573, 0.8442450181204908, 0.7761172741850606],
        ),
        (
            {"weight_decay": 0.1},
            [0.890000001, 0.8544662973609032, 0.8118787200812375, 0.7394707413414627],
        ),
        (
            {"weight_decay": 0.0, "eps": 0.1},
            [0.9090909090909091, 0.8854482412517926, 0.8558775872534413, 0.7967195385241301],
        ),
    ],
}
CASES = [(name, settings) for name, courses in COURSES.items() for settings, _ in courses]
# A setting of each, and what it must not be.
WRONG = {
    "betas": [0.9, (0.9,), (0.9, 1.0), (-0.1, 0.9), "ab", (0.9, 0.99, 0.999)],
    "alpha": [-0.1, 1.0, math.nan],
    "eps": [-1e-8, math.inf, "0"],
    "momentum": [-0.1, 1.0, math.nan, "0.9", None],
    "weight_decay": [-0.1, math.inf, math.nan, "0.1"],
    "nesterov": ["no", 1, [], None],
    "centered": ["no", 0, [False], None],
}


def stepped(optimizer, parameters, gradients):
    """The parameters after each of some steps with these gradients, ``(steps, m)``."""
    course = []
    for g in gradients:
        for p, g_i in zip(parameters, np.atleast_1d(g).tolist(), strict=True):
            p.grad = g_i
        optimizer.step()
        course.append([p.data for p in parameters])
    return np.array(course)


def random_steps(m=5, steps=30):
    rng = np.random.default_rng(0)
    return rng.normal(size=m), rng.normal(size=(steps, m)) * 10 ** rng.uniform(-3, 3, (steps, m))


def test_every_optimizer_is_tested_and_exported():
    assert set(COURSES) == set(OPTIMIZERS)
    for kind in OPTIMIZERS.values():
        assert getattr(nn, kind.__name__) is kind
        assert kind.__name__ in nn.__all__
        settings = {name for case, given in CASES if OPTIMIZERS[case] is kind for name in given}
        assert settings == set(defaults(kind))  # each is tried
        assert set(defaults(kind)) <= set(WRONG)
        assert kind.__doc__ != Optimizer.__doc__


@for_each(
    ("name", "settings", "course"),
    [(name, *case) for name, cases in COURSES.items() for case in cases],
)
def test_numbers_of_pytorch(name, settings, course):
    p = Value(1.0)
    got = stepped(OPTIMIZERS[name]([p], lr=0.1, **settings), [p], GRADIENTS)
    np.testing.assert_allclose(got[:, 0], course, rtol=1e-14, atol=1e-15)


if importlib.util.find_spec("torch"):

    @pytest.mark.parametrize(("name", "settings"), CASES)
    def test_pytorch_itself(name, settings):
        import torch

        start, gradients = random_steps()
        parameters = [Value(w) for w in start.tolist()]
        ours = OPTIMIZERS[name](parameters, **settings)  # with the usual rate
        tensor = torch.nn.Parameter(torch.tensor(start))
        theirs = getattr(torch.optim, type(ours).__name__)([tensor], **settings)
        for g in gradients:
            for p, g_i in zip(parameters, g.tolist(), strict=True):
                p.grad = g_i
            ours.step()
            tensor.grad = torch.tensor(g)
            theirs.step()
            got, expected = [p.data for p in parameters], tensor.detach().numpy()
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


@for_each(("name", "settings"), CASES)
def test_the_rule_keeps_to_its_contract(name, settings):
    """``update`` leaves theta alone, and what it carries on is arrays of its own."""
    rule, (theta, gradients) = OPTIMIZERS[name](**settings), random_steps()
    state, parameters = rule.start(len(theta)), [Value(w) for w in theta.tolist()]
    expected = stepped(OPTIMIZERS[name](parameters, lr=0.02, **settings), parameters, gradients)
    assert all(array.dtype == float for array in state.values())
    for g, after in zip(gradients, expected, strict=True):
        before, given = theta.copy(), g.copy()
        step = rule.update(state, theta, given, 0.02)
        assert theta.tobytes() == before.tobytes()
        assert not any(np.shares_memory(array, given) for array in state.values())
        theta = theta - step
        assert theta.tobytes() == after.tobytes()
    if rule.is_plain:  # either factor may be scaled
        assert np.array_equal(rule.update({}, theta, 4.0 * g, 0.5), rule.update({}, theta, g, 2.0))


@for_each(("name", "settings"), CASES)
def test_a_refused_step_changes_nothing(name, settings):
    parameters = [Value(1.0, label="first"), Value(2.0, label="second")]
    optimizer = OPTIMIZERS[name](parameters, lr=0.1, **settings)
    twin = [Value(1.0), Value(2.0)]
    other = OPTIMIZERS[name](twin, lr=0.1, **settings)
    stepped(optimizer, parameters, [[1.0, 2.0]])
    stepped(other, twin, [[1.0, 2.0]])
    before = [p.data for p in parameters]
    with pytest.raises(FloatingPointError, match="second"):
        stepped(optimizer, parameters, [[1.0, math.nan]])
    assert [p.data for p in parameters] == before
    stepped(optimizer, parameters, [[3.0, -1.0]])
    stepped(other, twin, [[3.0, -1.0]])
    assert [p.data for p in parameters] == [p.data for p in twin]


# In fit


rng = np.random.default_rng(5)
X = rng.normal(size=(24, 3))
Y = rng.normal(size=24)


def trained(rule, epochs=4, **options):
    net = MLP(3, [4, 1], "tanh", rng=np.random.default_rng(0))
    history = fit(
        net, gaussian_nll, X, Y, epochs=epochs, batch_size=5, lr=0.02, optimizer=rule,
        rng=np.random.default_rng(1), progress=False, **options,
    )  # fmt: skip
    return np.array([p.data for p in net.parameters()]), history


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_both_engines_and_the_loop_by_hand_agree(name, settings):
    rule = OPTIMIZERS[name](**settings)
    program, _ = trained(rule)
    graph, _ = trained(rule, engine="graph")
    np.testing.assert_allclose(program, graph, rtol=1e-9, atol=1e-12)

    net = MLP(3, [4, 1], "tanh", rng=np.random.default_rng(0))
    optimizer, batches = rule.over(net.parameters()), np.random.default_rng(1)
    optimizer.lr = 0.02
    for _ in range(4):
        for batch in nn.minibatches(24, 5, batches):
            optimizer.zero_grad()
            for i in batch.tolist():
                (gaussian_nll(net(X[i].tolist()), Y[i].item()) / 5).backward()
            optimizer.step()
    by_hand = [p.data for p in net.parameters()]
    np.testing.assert_allclose(program, by_hand, rtol=1e-9, atol=1e-12)
    assert rule.parameters is None  # it was not used up: the next training starts afresh
    assert np.array_equal(trained(rule)[0], program)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["program", "graph"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_it_is_resumed_to_the_bit(name, settings, engine, tmp_path):
    rule, file = OPTIMIZERS[name](**settings), tmp_path / "run.npz"
    whole, history = trained(rule, engine=engine)
    trained(rule, epochs=2, engine=engine, checkpoint=file)
    rest, resumed = trained(rule, engine=engine, checkpoint=file, resume=file)
    assert rest.tobytes() == whole.tobytes()
    assert list(resumed) == list(history)
    assert nn.load(file).predict(X).shape == (24,)  # a network's file too


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_checkpoint_of_another_optimizer_is_refused(name, settings, tmp_path):
    file = tmp_path / "run.npz"
    trained(OPTIMIZERS[name](**settings), epochs=2, checkpoint=file)
    before = file.read_bytes()
    for other in [*CASES, ("sgd", {"momentum": 0.123})]:
        if other != (name, settings):
            with pytest.raises(ValueError, match="a training with another optimizer") as info:
                trained(OPTIMIZERS[other[0]](**other[1]), checkpoint=file, resume=file)
            assert repr(OPTIMIZERS[name](**settings)) in str(info.value)
            assert file.read_bytes() == before


def test_a_name_is_the_rule_with_its_usual_settings():
    assert np.array_equal(trained(None)[0], trained("sgd")[0])
    for name, kind in OPTIMIZERS.items():
        assert np.array_equal(trained(name)[0], trained(kind())[0])


# Bad input


@pytest.mark.parametrize("name", ["adamax", "SGD", ""])
def test_an_unknown_name_lists_those_that_exist(name):
    with pytest.raises(ValueError, match=f"unknown optimizer '{name}'") as info:
        trained(name)
    assert ", ".join(OPTIMIZERS) in str(info.value)


@pytest.mark.parametrize("optimizer", [3, OPTIMIZERS["sgd"], lambda g: g])
def test_what_is_no_optimizer_is_a_type_error(optimizer):
    with pytest.raises(TypeError, match=r"optimizer must be a name \(.*sgd.*\) or a rule"):
        trained(optimizer)


def test_a_setting_that_does_not_belong_is_named_with_those_that_do():
    for name, kind in OPTIMIZERS.items():
        with pytest.raises(ValueError, match=f"{name} has no warmth: its settings are") as info:
            make_rule(name, warmth=1.0)
        assert all(setting in str(info.value) for setting in defaults(kind))


def test_momentum_goes_with_sgd_by_name():
    assert np.array_equal(trained("sgd", momentum=0.5)[0], trained(SGD(momentum=0.5))[0])
    for name in OPTIMIZERS.keys() - {"sgd"}:
        with pytest.raises(ValueError, match="momentum"):
            trained(OPTIMIZERS[name](), momentum=0.5)
    with pytest.raises(ValueError, match=r"momentum= belongs in the optimizer .*SGD\(\)"):
        trained(SGD(), momentum=0.5)


def test_a_rule_has_no_rate_and_no_parameters():
    with pytest.raises(ValueError, match="a rule for fit"):
        SGD(lr=0.1)
    with pytest.raises(ValueError, match="parameters of its own"):
        trained(SGD([Value(1.0)], lr=0.1))
    for call in (SGD().step, SGD().zero_grad):
        with pytest.raises(ValueError, match=r"SGD\(net.parameters\(\), lr=...\)"):
            call()


@for_each("kind", OPTIMIZERS.values())
def test_what_is_computed_is_not_trained(kind):
    a = Value(2.0)
    with pytest.raises(ValueError, match=r"^parameters\[1\] is computed, by '\*'.*give the Values"):
        kind([a, a * 2], lr=0.1)


def test_parameters_are_values_and_each_is_listed_once():
    a, b = Value(2.0), Value(3.0)
    with pytest.raises(ValueError, match=r"^parameters\[2\] is parameters\[0\] already"):
        SGD([a, b, a], lr=0.1)
    with pytest.raises(
        TypeError, match=r"^parameters must hold Values, but parameters\[1\] is 'b'"
    ):
        SGD([a, "b"], lr=0.1)
    with pytest.raises(TypeError, match=r"^parameters must be a list of Values, as .* got MLP\("):
        SGD(MLP(2, [1]), lr=0.1)


@for_each(("name", "setting"), [(n, s) for n, kind in OPTIMIZERS.items() for s in defaults(kind)])
def test_settings_out_of_their_range_are_refused_by_name(name, setting):
    for wrong in WRONG[setting]:
        with pytest.raises(ValueError, match=setting):
            OPTIMIZERS[name](**{setting: wrong})


def test_nesterov_is_a_kind_of_momentum():
    with pytest.raises(ValueError, match="give momentum"):
        SGD(nesterov=True)


def test_a_rule_shows_what_is_not_as_usual():
    assert repr(SGD()) == "SGD()"
    assert repr(SGD(momentum=0.9, nesterov=True)) == "SGD(momentum=0.9, nesterov=True)"
    assert repr(SGD(momentum=np.float64(0.5))) == "SGD(momentum=0.5)"


# On the command line


def options(settings):
    """Settings as options of the command line."""
    words = []
    for name, value in settings.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words += [str(v) for v in (value if isinstance(value, tuple) else (value,))]
    return words


def command(folder, *more):
    return main(["train", "moons", "--epochs", "2", "--widths", "3", "--quiet", "--lr", "0.01",
                 "--out", str(folder), *more])  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_every_setting_is_an_option(name, settings, tmp_path, capsys, monkeypatch):
    told = []  # what a report would have at its top; it takes a second, and so do curves
    monkeypatch.setattr(nn.cli, "svg", lambda figure: "curves")
    monkeypatch.setattr(
        nn.cli, "write_report", lambda _, data, runs, facts, *more: told.append(facts)
    )
    command(tmp_path / "out", "--optimizer", name, *options(settings))
    line = next(line for line in capsys.readouterr().out.splitlines() if "epochs" in line)
    usual = {"weight_decay": 1 / 400} if name == "sgd" else {}
    rule = OPTIMIZERS[name](**{**usual, **settings})
    assert line.startswith(type(rule).__name__)
    moons = nn.datasets.load("moons")
    net = MLP(2, [3, 1], rng=np.random.default_rng(0).spawn(2)[0])
    fit(net, bernoulli_nll, moons.X_train, moons.y_train, epochs=2, batch_size=16, lr=0.01,
        optimizer=rule, rng=np.random.default_rng(0).spawn(2)[1], progress=False)  # fmt: skip
    kept = nn.load(tmp_path / "out" / "network.npz").state_dict()
    assert all(np.array_equal(kept[k], array) for k, array in net.state_dict().items())
    for setting, value in settings.items():
        words = (
            setting.replace("_", " ") if value is True else f"{setting.replace('_', ' ')} {value}"
        )
        assert words in line
        assert words in told[0][type(rule).__name__]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_in_a_sweep_a_rate_that_is_not_given_is_the_usual_one(name):
    parser = argparse.ArgumentParser()
    add_train_options(parser)
    given = parser.parse_args(["moons", "--optimizer", name])
    rule = rule_of(given, 400)
    assert rule.given == ({"weight_decay": 1 / 400} if name == "sgd" else {})
    settle(given, rule, 400)
    assert given.lr[1](100) == (0.1 if name == "sgd" else rule.usual_lr)
    assert (given.batch_size, given.epochs) == (["16"], 20)


@pytest.mark.parametrize(
    "words", ["--optimizer adamax", "--momentum 2", "--nesterov", "--weight-decay -1"]
)
def test_wrong_options_are_one_line(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as info:
        command(tmp_path / "out", *shlex.split(words))
    assert info.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
