"""Every activation, row by row: its numbers, one node, and all who read the row."""

import functools
import math
import re

import numpy as np
import pytest
from mpmath import mp, mpf

import nn
from autograd import Value, grad
from nn import MLP, backpropagate, bernoulli_nll, fit, gaussian_nll
from nn.cli import main
from nn.model import activations
from nn.model.activations import ACTIVATIONS, Activation
from nn.show.snapshots import snapshot
from tests.cases import many


def _sigmoid(a):
    return 1 / (1 + mp.exp(-a))


# The exact g; its derivatives are mpmath's.
EXACT = {
    "sigmoid": _sigmoid,
    "relu": lambda a: max(a, mpf(0)),
    "tanh": mp.tanh,
    "softplus": lambda a: mp.log1p(mp.exp(a)),
    "leaky_relu": lambda a: a if a > 0 else mpf(0.01) * a,
    "elu": lambda a: a if a > 0 else mp.expm1(a),
    "silu": lambda a: a * _sigmoid(a),
    "gelu": lambda a: a * mp.erfc(-a / mp.sqrt(2)) / 2,
    "linear": lambda a: a,
}
# g' where the terms of its formula cancel: errors are counted at the size of these.
SIZE = {
    "silu": lambda a: _sigmoid(mpf(a)),
    "gelu": lambda a: mp.erfc(-mpf(a) / mp.sqrt(2)) / 2,
}
ROWS = pytest.mark.parametrize("name", ACTIVATIONS)
POINTS = [*np.random.default_rng(0).normal(0.0, 3.0, 15).tolist(), 1e-8, -1e-8, 1e-100, 15.0, -20.0,
          -29.37, 36.1, -35.93, 700.0, -700.0]  # fmt: skip


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(400):
        yield


def ulps(got, exact, size=None):
    """How far off, in units of the last place of the exact number, or of one of another size."""
    return float(abs(mpf(got) - exact) / mpf(math.ulp(float(exact if size is None else size))))


@functools.cache
def exact_at(name, a):
    """g and g' at a, in digits that take a while."""
    return EXACT[name](mpf(a)), mp.diff(EXACT[name], mpf(a), h=mpf(10) ** -120)


def test_every_row_is_tested_here():
    assert set(EXACT) == set(ACTIVATIONS)
    assert all(name == row.name for name, row in ACTIVATIONS.items())


@ROWS
def test_it_is_one_node_right_to_a_few_ulp(name):
    row = ACTIVATIONS[name]
    for a in POINTS[-many(len(POINTS)) :]:  # the hardest stand last
        leaf = Value(a)
        x = row.record(leaf)
        exact, slope = exact_at(name, a)
        assert ulps(x.data, exact) <= 6, a
        if row.is_identity:
            assert x is leaf
            continue
        assert (x.op, x.inputs) == (name, (leaf,))
        size = SIZE[name](a) if name in SIZE else slope
        assert ulps(x.partials[0], slope, max(abs(size), abs(slope))) <= 8, a


@ROWS
def test_its_second_derivative_is_right(name):
    row = ACTIVATIONS[name]
    for a in (-3.1, -0.6, 0.4, 2.7):
        exact = mp.diff(EXACT[name], mpf(a), 2, h=mpf(10) ** -80)
        assert grad(grad(row.record))(a) == pytest.approx(float(exact), rel=1e-13, abs=1e-15)


@ROWS
def test_by_hand_it_is_the_same(name):
    points = POINTS[-many(len(POINTS)) :]
    row, a = ACTIVATIONS[name], np.array(points)
    g, slope = row.g(a), row.slope(a)
    exact, slopes = zip(*([*map(float, exact_at(name, v))] for v in points), strict=True)
    np.testing.assert_allclose(g, exact, rtol=1e-12)
    np.testing.assert_allclose(slope, slopes, rtol=1e-9, atol=1e-15)
    assert row.g(a[:0]).shape == row.slope(a[:0]).shape == (0,)


@ROWS
def test_at_zero_it_has_the_slope_of_the_engine(name):
    row = ACTIVATIONS[name]
    for zero in (0.0, -0.0):
        x = row.record(leaf := Value(zero))
        assert row.slope(np.array([zero])) == [1.0 if x is leaf else x.partials[0]]


def test_first_weights_have_the_published_variances():
    """Glorot and Bengio (2010), eq. 16; He et al. (2015), eq. 10, and 15 with a slope of 0.01."""
    assert activations.glorot(30, 20) == 2 / 50
    assert activations.he(30, 20) == 2 / 30
    assert activations.leaky_he(30, 20) == pytest.approx(2 / (1.0001 * 30), rel=1e-15)


@ROWS
def test_it_goes_through_infinity(name):
    """Nothing raises, and nan stays nan, its slope too; an infinite a has the limit, or is nan."""
    for a in (math.inf, -math.inf, math.nan):
        x = ACTIVATIONS[name].record(Value(a))
        with np.errstate(all="ignore"):
            by_hand = float(ACTIVATIONS[name].g(np.array([a]))[0])
        assert x.data == by_hand or math.isnan(x.data)
        if math.isnan(a):
            assert math.isnan(x.data)
            if name != "linear":
                assert math.isnan(x.partials[0])
                assert math.isnan(ACTIVATIONS[name].slope(np.array([a]))[0])


@pytest.mark.slow
@ROWS
@pytest.mark.parametrize("engine", ["native", "program", "graph"])
def test_networks_train_with_it(name, engine):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=30)
    net = MLP(3, [5, 4, 1], name, rng=np.random.default_rng(1))
    history = fit(net, gaussian_nll, X, y, epochs=3, batch_size=5, lr=0.05, engine=engine,
                  rng=np.random.default_rng(2), progress=False)  # fmt: skip
    assert history[-1].loss < history[0].loss
    a = net.predict(np.vstack([X, X]))  # by a program
    np.testing.assert_allclose(a[:30], [net(row).data for row in X.tolist()], rtol=1e-12)


@ROWS
def test_pictures_and_the_recursion_have_its_slope(name):
    x, y = [0.3, -1.2, 0.8], 1
    net = MLP(3, [4, 1], name, rng=np.random.default_rng(3))
    numbers = snapshot(net, x, y, bernoulli_nll)
    by_hand = backpropagate(net, bernoulli_nll, x, y)
    np.testing.assert_allclose(numbers.slope[1], ACTIVATIONS[name].slope(by_hand.a[1]), rtol=1e-12)
    np.testing.assert_allclose(numbers.x[1], by_hand.x[1], rtol=1e-12)
    np.testing.assert_allclose(numbers.delta[1], by_hand.delta[1], rtol=1e-12)
    title = nn.draw(net, x, y, bernoulli_nll).steps().frames[1].title
    assert (f"x1 = {name}(a1)" in title) is not ACTIVATIONS[name].is_identity


@pytest.mark.slow
@ROWS
def test_first_weights_have_its_variance(name):
    variance = ACTIVATIONS[name].variance(200, 50)
    layer = nn.Layer(200, 50, name, rng=np.random.default_rng(0))
    assert layer.theta.var() == pytest.approx(variance, rel=0.05)
    leaky = 2 / (1 + 0.01**2) / 200  # He et al. (2015), eq. 15
    assert variance in (2 / 250, 2 / 200) or variance == pytest.approx(leaky, rel=1e-12)
    assert name != "leaky_relu" or variance < 2 / 200


@ROWS
def test_it_is_kept_in_files(name, tmp_path):
    nn.save(MLP(2, [3, 1], name), tmp_path / "network.npz")
    assert nn.load(tmp_path / "network.npz").layers[0].activation == name


@pytest.mark.slow
@pytest.mark.usefixtures("quick_files")
def test_it_is_chosen_on_the_command_line(tmp_path, capsys):
    main(["train", "moons", "--activation", "gelu", "--widths", "3", "--epochs", "1", "--quiet",
          "--out", str(tmp_path)])  # fmt: skip
    assert "3 (gelu)" in capsys.readouterr().out
    assert nn.load(tmp_path / "network.npz").layers[0].activation == "gelu"
    with pytest.raises(SystemExit):
        main(["train", "moons", "--activation", "none"])
    offered = capsys.readouterr().err.partition("choose from ")[2]
    assert re.findall(r"\w+", offered) == [*ACTIVATIONS]


# What is refused


@pytest.mark.parametrize(
    "formula",
    [
        lambda a: a * a.sigmoid(),
        lambda a: 2.0 * a,
        lambda a: a * a,
        lambda a: (a + 1.0).tanh(),
        lambda a: Value(1.0),
        lambda a: 1.0,
    ],
)
def test_a_formula_of_several_nodes_is_refused_by_name(formula):
    with pytest.raises(ValueError, match=r"'mine' must record one node.*autograd\.primitive"):
        Activation("mine", formula, np.tanh, np.ones_like, lambda d_in, d_out: 1.0)


@pytest.mark.parametrize("name", ["swish", "ReLU", "", None, 3, ["relu"]])
def test_an_unknown_name_lists_those_that_exist(name):
    for make in (lambda: MLP(2, [3, 1], [name]), lambda: nn.Neuron(2, name)):
        with pytest.raises(ValueError, match="unknown activation") as info:
            make()
        assert ", ".join(ACTIVATIONS) in str(info.value)
