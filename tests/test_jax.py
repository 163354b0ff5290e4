"""Programs for JAX: their numbers are the program's, under jit, vmap, and JAX's derivatives."""

import importlib
import math
import re
import sys

import numpy as np
import pytest
from benchmarks.kinds import SMALL
from benchmarks.kinds.kind import rows, vector
from random_graphs import RandomGraph, by_graph, cube, mixed, only_compiled, record, values
from random_patterns import PatternGraph

import autograd
from autograd import Value, primitive
from autograd.compiler.jax import printed
from autograd.compiler.numpy import CALLED
from nn import bernoulli_nll
from tests.cases import for_each, make_net


@pytest.fixture
def jax():
    """JAX with floats of 64 bits; where it is missing, the test is skipped."""
    module = pytest.importorskip("jax", reason="no JAX: it has no wheel for this system")
    # To compile takes most time.
    options = ("jax_enable_x64", "jax_disable_most_optimizations")
    for option in options:
        module.config.update(option, True)
    yield module
    for option in options:
        module.config.update(option, False)


def source_of(program):
    return printed(program.source, program.functions, program.constants)


def assert_same(jax, program, batch, theta, size=1.0, derivatives=True):
    """JAX's losses and gradient are the program's, within 1e-12 of the size of their terms.

    With ``derivatives``, so are those that JAX finds by its own rules.
    """
    batch, theta = np.asarray(batch, dtype=float), np.asarray(theta, dtype=float)
    f = program.jax()

    @jax.jit
    def everything(batch, theta):
        losses = f.forward(batch, theta)
        own = jax.grad(lambda theta: f.forward(batch, theta).sum())(theta) if derivatives else None
        return *f(batch, theta), losses, own

    losses, gradient = program(batch, theta)
    found, found_gradient, found_again, own = everything(batch, theta)
    atol = 1e-12 * size if math.isfinite(size) else 0.0
    np.testing.assert_allclose(found, losses, rtol=1e-12, atol=atol)
    np.testing.assert_allclose(found_again, losses, rtol=1e-12, atol=atol)
    np.testing.assert_allclose(found_gradient, gradient, rtol=1e-12, atol=atol)
    if derivatives:
        np.testing.assert_allclose(own, gradient, rtol=1e-12, atol=atol)
    assert found.dtype == found_gradient.dtype == np.float64
    return f


def network():
    net = make_net(1, 2, (3,), "relu")
    x, y = values(0.0, 0.0), Value(0.0, label="y")
    program = autograd.compile(bernoulli_nll(net(x), y), [*x, y], net.parameters())
    rng = np.random.default_rng(0)
    batch = np.column_stack([rng.normal(size=(5, 2)), rng.integers(2, size=5)])
    return program, batch, rng.normal(size=len(program.parameters))


def logistic_map(n=60):
    x0, r = Value(0.0, label="x"), Value(3.2, label="r")
    x = x0
    for _ in range(n):
        x = r * x * (1 - x)
    return autograd.compile(x, [x0], [r])


# The numbers: to compile takes a second for each, and the fast subset has one.


@pytest.mark.slow
def test_network(jax):
    program, batch, theta = network()
    assert_same(jax, program, batch, theta, 10.0)


def test_loop(jax):
    assert_same(jax, logistic_map(), [[0.1], [0.2], [0.7]], [3.2], 100.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv, plain", "RNN", "attention"])
def test_kinds(name, jax):
    rng = np.random.default_rng(0)
    inputs, parameters = SMALL[name].inputs(rng, 3), SMALL[name].parameters(rng)
    program = SMALL[name].example(inputs, parameters).compile()
    size = np.abs(program(rows(inputs), vector(parameters))[1]).max()
    assert_same(jax, program, rows(inputs), vector(parameters), size)


# 135: a loop over constants. 10: a gradient that is the number of examples.
@pytest.mark.slow
@pytest.mark.parametrize("graph", [*map(RandomGraph, (10, 28)), *map(PatternGraph, (21, 135))])
def test_random_graphs(graph, jax):
    inputs, parameters, roots = record(graph, graph.rows[0], graph.numbers)
    program = autograd.compile(roots[0] if len(roots) == 1 else roots, inputs, parameters)
    batch = np.reshape(graph.rows, (len(graph.rows), -1))
    size = by_graph(graph, graph.rows, graph.numbers)[2]
    assert_same(jax, program, batch, graph.numbers, size, derivatives=len(parameters) > 0)


@pytest.mark.slow
@for_each("name", [*sorted(CALLED), "tanh", "sigmoid", "softplus", "log", "exp", "sqrt"])
def test_functions_at_hard_points(name, jax):
    program = only_compiled(lambda x, w: getattr(autograd, name)(x[0] + w[0]), 1, 1)
    f = jax.jit(program.jax())
    for x in (-30.0, -5.3, -1e-9, 0.0, 1e-300, 3.3333, 9.1, 26.0, 700.0, 710.0, math.inf, math.nan):
        batch = np.full((2, 1), x)
        losses, gradient = program(batch, [0.0])
        found, slope = f(batch, np.zeros(1))
        np.testing.assert_allclose(found, losses, rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(slope, gradient, rtol=1e-12, atol=1e-300)


@pytest.mark.slow
def test_a_branch_not_taken_poisons_nothing(jax):
    c, (w, v) = Value(1.0, label="c"), values(0.3, 0.4)
    root = autograd.where(c, (w * c).log(), w * c) + autograd.max([v * c, c.log() * v])
    program = autograd.compile(root, [c], [w, v])
    f = assert_same(jax, program, [[0.0], [2.0]], [0.3, 0.4], derivatives=False)
    assert np.isfinite(program([[0.0]], [0.3, 0.4])[1]).all()
    # By JAX's rules it does: 0 times inf.
    own = jax.jit(jax.grad(lambda theta: f.forward(np.zeros((1, 1)), theta).sum()))
    assert np.isnan(own(np.array([0.3, 0.4]))[0])


@pytest.mark.slow
def test_kinks(jax):
    c, w = Value(0.0), values(0.3, 0.4, 0.5)
    root = autograd.max([w[0] * c, (w[1] * c).relu(), abs(w[2] * c)]) + w[1].relu()
    program = autograd.compile(root, [c], w)
    f = assert_same(jax, program, [[0.0], [1.0], [-2.0]], [0.3, 0.0, 0.5], derivatives=False)
    own = jax.jit(jax.grad(lambda theta: f.forward(np.ones((1, 1)), theta).sum()))
    assert own(np.array([1.0, 0.0, 0.5])).tolist() == [
        1.0,
        0.5,
        0.0,
    ]  # by JAX's rules half of relu's slope


# Own primitives


@pytest.mark.slow
def test_own_primitives(jax):
    several = primitive(
        "several",
        lambda a, b, c: (
            autograd.max([a, b, autograd.sum([c, a])]) + autograd.erf(a) + cube(b)
            + autograd.where(b, a, autograd.sqrt(c)) + autograd.sigmoid(c) ** 0.5 + 1 / a
        ),
        lambda z, a, b, c: (z, a / b, autograd.logsumexp([a, c])),
    )  # fmt: skip
    constant = primitive("constant", lambda x, y: 2.0, lambda z, x, y: (0.0, 1.0))
    deep = primitive("d_deep", lambda x: doubled(x, 40), lambda z, x: (2.0**40,))
    x, w = Value(1.0), values(0.3, 0.4, 0.5)
    roots = [
        several(w[0] * x, w[1], w[2]), cube(w[0]) * constant(w[1], x), constant(w[0], w[1]),
        deep(w[2] * x), mixed(w[0], 0.5, x) / several(0.5, x, w[2]),
    ]  # fmt: skip
    program = autograd.compile(roots, [x], w)
    # JAX differentiates by these partial derivatives too, right or wrong.
    f = assert_same(jax, program, [[1.0], [2.0]], [0.3, 0.4, 0.5], 2.0**40)
    assert "def cube(" in f.source and "custom_jvp" in f.source
    zero = program([[0.0]], [0.0, 0.4, 0.5])[0]
    np.testing.assert_allclose(f(np.zeros((1, 1)), np.array([0.0, 0.4, 0.5]))[0], zero)  # 1 / 0


def doubled(x, n):
    for _ in range(n):
        x = x + x  # written out it would have 2^n terms
    return x


def test_own_primitives_that_are_refused():
    numpys = primitive("numpy's exp", lambda x: np.exp(x), lambda z, x: (z,))
    with pytest.raises(ValueError, match=r'"numpy\'s exp" can\'t be printed for JAX .*operators'):
        source_of(only_compiled(lambda x, w: numpys(x[0] * w[0]), 1, 1))


# The source


def test_lines():
    source = source_of(logistic_map(1000))
    expected = """
    v6 = v6.at[0].set(v3)  # (1, b)
    def turn(arrays, t):
        v4, v5, v6 = arrays
        v4 = v4.at[t].set(r * v6[t - 1])  # (1, b)
        v5 = v5.at[t].set(1.0 - v6[t - 1])  # (1, b)
        v6 = v6.at[t].set(v4[t] * v5[t])  # (1, b)
        return (v4, v5, v6), None
    v4, v5, v6 = jax.lax.scan(turn, (v4, v5, v6), jnp.arange(1, 1000))[0]
    if gradients is None:
        return v6[999][0]
    # backward
    d_r, d_flat = gradients
    d_flat = jnp.full_like(d_flat, 0.0)
"""
    assert expected in source
    assert "(d_v6, total), jnp.arange(1, 1000), reverse=True)[0]\n    d_r = d_r + total" in source
    assert not re.search(r"\] [+]?= ", source)  # nothing is written to


@pytest.mark.slow
def test_labels_that_are_names_of_modules(jax):
    x, w = Value(0.1, label="turn"), [Value(0.3, label=name) for name in ("jax", "jnp", "arrays")]
    y = x
    for _ in range(8):
        y = (w[0] * y + w[1]).sin() * w[2]
    f = assert_same(jax, autograd.compile(y, [x], w), [[0.1], [0.2]], [0.3, 0.4, 0.5])
    assert f.source.startswith("import jax as jax_2\nimport jax.numpy as jnp_2\n")


@pytest.mark.slow
def test_the_source_runs_by_itself(jax):
    program, batch, theta = network()
    f = program.jax()
    exec(f.source, namespace := dict(f.constants))
    losses, _ = namespace["losses_and_gradient"](jax.numpy.array(batch), jax.numpy.array(theta))
    np.testing.assert_allclose(losses, program(batch, theta)[0], rtol=1e-12)


# Transformations


@pytest.mark.slow
def test_vmap(jax):
    program, batch, theta = network()
    f = program.jax()
    thetas = np.array([theta, 2.0 * theta])
    losses, gradients = jax.jit(jax.vmap(f, (None, 0)))(batch, thetas)  # of several networks
    for k in range(2):
        np.testing.assert_allclose(losses[k], program(batch, thetas[k])[0], rtol=1e-12)
        np.testing.assert_allclose(gradients[k], program(batch, thetas[k])[1], atol=1e-12)
    each = jax.jit(jax.vmap(lambda row: f(row[None], theta)[1]))(batch)  # of each example
    for row, gradient in zip(batch, each, strict=True):
        np.testing.assert_allclose(gradient, program([row], theta)[1], atol=1e-12)


@pytest.mark.slow
def test_second_derivatives_and_those_by_the_inputs(jax):
    x, r = 0.3, 3.2

    def written(x, r, n):
        for _ in range(n):
            x = r * x * (1 - x)
        return x

    f, loop = logistic_map(3).jax(), logistic_map(8).jax()
    ours = autograd.hessian(lambda x, r: written(x, r, 3))(x, r)

    def loss(x, r):
        return f.forward(jax.numpy.array([[x]]), jax.numpy.array([r]))[0]

    np.testing.assert_allclose(jax.jit(jax.hessian(loss, (0, 1)))(x, r), ours, rtol=1e-11)
    by_r = jax.jit(jax.jacfwd(lambda r: loop(np.array([[x]]), r)[1]))(np.array([r]))
    ours = autograd.hessian(lambda r: written(x, r, 8))(r)
    np.testing.assert_allclose(by_r, ours, rtol=1e-11)


@pytest.mark.slow
def test_floats_of_32_bits(jax):
    jax.config.update("jax_enable_x64", False)
    program, batch, theta = network()
    losses, gradient = jax.jit(program.jax())(batch, theta)
    assert losses.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(losses, program(batch, theta)[0], rtol=1e-5)
    np.testing.assert_allclose(gradient, program(batch, theta)[1], rtol=1e-4, atol=1e-6)


# What is given


def test_bad_input(jax):
    program, batch, theta = network()
    f = program.jax()
    for run in (f, f.forward, jax.jit(f)):
        with pytest.raises(ValueError, match=r"batch must have .* shape \(b, 3\), got \(5, 2\)"):
            run(batch[:, :2], theta)
        with pytest.raises(ValueError, match=r"a vector of 13 numbers, got shape \(12,\)"):
            run(batch, theta[:-1])
        with pytest.raises(ValueError, match="batch must hold real numbers, got dtype complex"):
            run(batch * 1j, theta)
    with pytest.raises(ValueError, match="parameters must hold real numbers, got dtype object"):
        f(batch, [None] * 13)
    with pytest.raises(ValueError, match="batch must be an array of numbers, with rows of one"):
        f([[1.0, 2.0, 3.0], [1.0]], theta)


@pytest.mark.slow
def test_ints_lists_and_no_examples(jax):
    w, x = Value(0.0), Value(1.0)
    f = autograd.compile(x / w + w.log(), [x], [w]).jax()
    for array in (list, jax.numpy.array, lambda x: np.array(x, np.float32)):
        losses, gradient = f(array([[6], [10]]), array([1]))
        assert losses.dtype == gradient.dtype == np.float64
        assert losses.tolist() == [6.0, 10.0] and gradient.tolist() == [-14.0]
    assert f(np.array([[2**40]]), [1])[0].tolist() == [2.0**40]
    within = jax.jit(lambda w: f([[6.0]], [w]))(1.0)  # a list of what JAX traces
    assert within[1].tolist() == [-5.0]
    losses, gradient = f(np.empty((0, 1)), [0.0])  # where 0 examples times inf would be nan
    assert losses.shape == (0,) and gradient.tolist() == [0.0]


@pytest.mark.slow
def test_no_parameters(jax):
    x = Value(1.0)
    losses, gradient = autograd.compile([x * x, x], [x], []).jax()([[3.0]], [])
    assert losses.tolist() == [[9.0, 3.0]] and gradient.shape == (0,)


def test_without_jax(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install jax \(part of .*chalkgrad\[jax\]"):
        network()[0].jax()


def test_every_function_that_numpy_lacks_is_in_jax(jax):
    special = importlib.import_module("jax.scipy.special")
    assert all(hasattr(special, name) for name in CALLED)
