"""`autograd.compile`: a program gives what the graph gives, for whole batches.

The reference is always the graph itself, recorded afresh for each row and swept by `backward`.
"""

import ast
import gc
import inspect
import math
import random
import re
import tracemalloc

import numpy as np
import pytest
import random_graphs
from random_graphs import MANY, ONE, TWO, RandomGraph, assert_same, by_source, values

import autograd
from autograd import Value, primitive, primitives, topological_order
from autograd.compiler.checking import _size, check_example
from autograd.compiler.expressions import Arithmetic
from autograd.compiler.names import Names, common_label
from autograd.functions import apply
from autograd.primitives import ARRAYS, FLOATS, TABLE, Primitive
from nn import MLP, bernoulli_nll, categorical_nll, gaussian_nll
from tests.cases import ACTIVATIONS, HARD_POWERS, for_each, hard_power, labelled

LOSSES = {"gaussian": gaussian_nll, "bernoulli": bernoulli_nll, "categorical": categorical_nll}

each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def network(sizes, loss=gaussian_nll, activation="tanh", bias=True):
    """A network and its program for one loss, inputs and targets both being columns."""
    net = MLP(sizes[0], sizes[1:], activation=activation, bias=bias, rng=np.random.default_rng(0))
    x = values(*np.linspace(-1.0, 1.0, sizes[0]).tolist())
    y = [Value(float(k == 0), label="y") for k in range(sizes[-1])]
    a = net(x)
    root = loss(a, y if sizes[-1] > 1 else y[0])
    return net, root, autograd.compile(root, x + y, net.parameters())


def small():
    """A program of two inputs and three parameters, and its leaves."""
    x, p = values(0.5, -1.0), values(1.5, 0.25, -2.0)
    root = (autograd.dot(p[:2], x) + p[2]).tanh() * p[0]
    return autograd.compile(root, x, p), x, p


# What a graph may be made of


@pytest.mark.parametrize("name", ONE)
def test_a_function_of_one_number(name):
    def build(x, p):
        return ONE[name](x[0] * p[0], random.Random(0)) * ONE[name](p[1], random.Random(1))

    assert_same(build, [[0.5], [-2.0], [30.0]], [0.75, -1.5])


@pytest.mark.parametrize("name", TWO)
def test_an_operator(name):
    def build(x, p):
        mine = TWO[name]
        return mine(x[0], p[0]) * mine(p[0], x[0]) * mine(p[1], p[0]) * mine(2.0, p[1])

    assert_same(build, [[0.5], [-2.0], [3.0]], [0.75, -1.5])


@pytest.mark.parametrize("name", MANY)
def test_a_function_of_many_numbers(name):
    def build(x, p):
        mine = MANY[name]
        return mine([x[0], p[0], 1.0, x[0]]) * mine([p[0], p[1], p[1]]) * mine([x[0]])

    assert_same(build, [[0.5], [-2.0], [3.0]], [0.75, -1.5])


def test_kinks_and_ties_are_those_of_the_graph():
    def build(x, p):
        kinks = [x[0].relu(), abs(x[0]), autograd.step(x[0]), autograd.where(x[0], p[0], p[1])]
        return autograd.dot(kinks, [*p, 2.0]) + autograd.max([p[0], p[1], x[0], p[0] + x[0]])

    assert_same(build, [[0.0], [-0.0], [1.0], [-1.0]], [1.0, 1.0, 3.0])


@pytest.mark.parametrize(("x", "y"), [(0.0, 2.0), (0.0, 0.0), (-2.0, 3.0), (2.0, -1.0), (0.0, 1.0)])
def test_powers_at_their_special_points(x, y):
    def build(inputs, p):
        return inputs[0] ** p[0] + p[1] ** inputs[1] + p[1] ** 2 + inputs[0] ** 0

    assert_same(build, [[x, y], [1.0, 1.0]], [y, x])


@for_each("example", [1.0, None, [2.0], ([2.0], 1, 2)])
def test_an_example_to_check_must_be_a_pair(example):
    x, w = values(2.0, 3.0)
    with pytest.raises(TypeError, match=r"check\[1\] must be a pair, .* got .*: write check=\[\("):
        autograd.compile(x * w, [x], [w], check=[([2.0], x * w), example])
    with pytest.raises(TypeError, match=r"check\[0\] must be a pair, .* got 3: write check=\[\("):
        autograd.compile(x * w, [x], [w], check=3)


def test_an_example_to_check_with_too_many_numbers_is_named():
    x, w = values(2.0, 3.0)
    words = r"the inputs of check\[1\] must be 1 number, got shape \(2,\)"
    with pytest.raises(ValueError, match=words):
        autograd.compile(x * w, [x], [w], check=[([2.0], x * w), ([2.0, 1.0], x * w)])


@for_each("root", [0, 1.5, None])
def test_a_root_that_is_no_value_is_refused_with_what_may_have_made_it(root):
    x, w = values(2.0, 3.0)
    with pytest.raises(TypeError, match=r"root must hold Values, .*max\(0, v\).*v\.relu\(\)"):
        autograd.compile(root, [x], [w])


@for_each(("x", "y"), HARD_POWERS)
@for_each("b", [1, 4, 5])
def test_powers_at_signed_zeros_and_nan(x, y, b):
    program = assert_same(hard_power, [[0.0, 0.0]] * b, [x, y])
    if y == 0.0:
        assert program([[0.0, 0.0]] * b)[1][0] == 0.0
    # Both as numbers of an example, one of several.
    assert_same(lambda v, p: v[0] ** v[1] * p[0], [[2.0, 3.0]] * (b - 1) + [[x, y]], [1.0])


def test_repeated_operands_all_count():
    def build(x, p):
        total = autograd.sum([p[0], p[0], x[0], x[0], p[0]])
        return autograd.dot([p[0], p[1], p[0]], [x[0], x[0], p[0]], p[1]) * total + p[0] * p[0]

    assert_same(build, [[0.5], [2.0]], [3.0, -1.0])


@pytest.mark.parametrize(
    "build",
    [
        lambda x, p: x[1],
        lambda x, p: p[1],
        lambda x, p: Value(3.0),
        lambda x, p: Value(3.0).sin() * 2.0,
        lambda x, p: p[1].sin(),
        lambda x, p: x[1].sin(),
        lambda x, p: [x[1], p[1], Value(3.0), p[1], x[1] * p[1]],
    ],
    ids=["input", "parameter", "constant", "computed", "of parameters", "of inputs", "several"],
)
def test_roots_of_every_kind(build):
    program = assert_same(build, [[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0, 7.0])
    assert program([[1.0, 2.0], [3.0, 4.0]])[1][[0, 2]].tolist() == [0.0, 0.0]


def test_no_inputs_or_no_parameters():
    losses, gradient = autograd.compile(Value(2.0).sin(), [], [])(np.zeros((3, 0)))
    assert losses.tolist() == [math.sin(2.0)] * 3
    assert gradient.shape == (0,)
    (w,) = values(2.0)
    losses, gradient = autograd.compile(w * w, [], [w])([[], []])
    assert (losses.tolist(), gradient.tolist()) == ([4.0, 4.0], [8.0])


def test_constants_are_frozen_and_get_no_gradient():
    x, w, c = values(2.0, 3.0, 5.0)
    program = autograd.compile(x * w * c * 7.0, [x], [w])
    c.data = 1.0
    losses, gradient = program([[1.0]])
    assert (losses.tolist(), gradient.tolist()) == ([105.0], [35.0])


# IEEE 754

reciprocal = primitive("reciprocal", lambda x: 1 / x, lambda z, x: (-z / x,))
SPECIAL = {
    "exp": (lambda v: v.exp(), 710.0, math.inf),
    "log at 0": (lambda v: v.log(), 0.0, -math.inf),
    "log below 0": (lambda v: v.log(), -1.0, math.nan),
    "sqrt": (lambda v: v.sqrt(), -1.0, math.nan),
    "1/x": (lambda v: 1 / v, 0.0, math.inf),
    "1/-0": (lambda v: 1 / v, -0.0, -math.inf),
    "pow": (lambda v: v**-1.5, 0.0, math.inf),
    "own 1/x": (reciprocal, 0.0, math.inf),
    "own 1/-0": (reciprocal, -0.0, -math.inf),
    "times": (lambda v: v * v, 1e200, math.inf),
    "inf - inf": (lambda v: v - v, math.inf, math.nan),
    "logsumexp": (lambda v: autograd.logsumexp([v, 1.0]), math.inf, math.inf),
    "max": (lambda v: autograd.max([v, 1.0]), math.nan, math.nan),
    "dot": (lambda v: autograd.dot([v, 2.0], [1e300, 1.0]), 1e300, math.inf),
}


@for_each("name", SPECIAL)
def test_infinities_and_nans_are_those_of_the_graph(name):
    f, at, expected = SPECIAL[name]
    program = assert_same(lambda x, p: f(x[0]), [[at], [1.0]], [])
    np.testing.assert_array_equal(program([[at]])[0], [expected])
    assert_same(lambda x, p: f(p[0]) + x[0], [[1.0], [2.0]], [at])


def test_plain_numbers_in_a_primitive_of_ones_own_are_ieee_too():
    scaled = primitive("scaled", lambda x, y: x * (1 / y), lambda z, x, y: (1 / y, -x / y / y))
    assert_same(lambda x, p: scaled(x[0], 0.0) + scaled(p[0], -0.0), [[1.0], [-1.0]], [2.0])
    assert_same(lambda x, p: scaled(x[0] * p[0], 0.0), [[1.0], [-1.0]], [2.0])


def test_zeros_keep_their_signs_among_constants():
    def build(x, p):
        u = [p[0].sin() * 0.0, p[1].sin() * 2.0]
        v = [x[0].sin() * -0.0, x[1].sin() * 2.0]
        return [1.0 / w for w in (*u, *v)]

    program = assert_same(build, [[1.0, 1.0]], [1.0, 1.0])
    assert program.forward([[1.0, 1.0]])[0, [0, 2]].tolist() == [math.inf, -math.inf]


# Networks


SOURCE = '''\
import numpy as np


def views(flat):
    """The arrays inside a flat vector (13,) of parameters, or of gradients."""
    theta1 = flat[0:9].reshape(3, 3)[:, :2]  # (3, 2)
    b1 = flat[2:9:3, None]  # (3, 1)
    theta2 = flat[None, 9:12]  # (1, 3)
    b2 = flat[12:13, None]  # (1, 1)
    return theta1, b1, theta2, b2


def program(batch, parameters, gradients=None):
    """Outputs for a batch (b, 3); the gradient of their sum: into gradients."""
    theta1, b1, theta2, b2 = parameters
    # forward
    x0 = batch[:, 0:2].T  # (2, b)
    a1 = theta1 @ x0 + b1  # (3, b)
    x1 = np.tanh(a1)  # (3, b)
    a2 = theta2 @ x1 + b2  # (1, b)
    y = batch[:, 2:3].T  # (1, b)
    v1 = y - a2  # (1, b)
    v2 = v1 * v1  # (1, b)
    loss = v2 / 2.0  # (1, b)
    if gradients is None:
        return loss[0]
    # backward
    d_theta1, d_b1, d_theta2, d_b2 = gradients
    delta2 = -v1  # (1, b)
    d_b2[:] = delta2.sum(axis=1, keepdims=True)  # (1, 1)
    d_theta2[:] = delta2 @ x1.T  # (1, 3)
    e = np.exp(-np.abs(2.0 * a1))  # (3, b)
    t1 = 1.0 + e  # (3, b)
    delta1 = (theta2.T @ delta2) * (4.0 * e / (t1 * t1))  # (3, b)
    d_b1[:] = delta1.sum(axis=1, keepdims=True)  # (3, 1)
    d_theta1[:] = delta1 @ x0.T  # (3, 2)
    return loss[0]
'''


def test_the_source_of_a_small_network():
    _, _, program = network([2, 3, 1])
    assert program.source == SOURCE


def test_the_source_runs_with_numpy_alone():
    _, _, program = network([2, 3, 1])
    namespace = {}
    exec(program.source, namespace)
    rng = np.random.default_rng(1)
    batch, theta, gradient = rng.normal(size=(4, 3)), rng.normal(size=13), np.empty(13)
    views, run = namespace["views"], namespace["program"]
    losses = run(batch, views(theta), views(gradient))
    expected = program(batch, theta)
    np.testing.assert_array_equal(losses, expected[0])
    np.testing.assert_array_equal(gradient, expected[1])
    np.testing.assert_array_equal(run(batch, views(theta)), expected[0])


def test_powers_of_two_come_together_only_while_they_are_finite():
    w, x = values(0.1, 1.0)
    root = (w * x) ** 4 * 2.0**1022
    root.backward()
    _, gradient = autograd.compile(root, [x], [w])([[1.0]])
    assert gradient == pytest.approx([w.grad], rel=1e-12)
    assert math.isfinite(w.grad)


def test_what_is_run_is_the_source_laid_out_for_speed():
    net, _, program = network([5, 64, 8, 3], categorical_nll, "relu")
    read, run = program.source.splitlines(), program.code.splitlines()
    assert read[0] == run[0] == "import numpy as np"
    kept = [line.split(" = ")[0] for line in run if line.startswith("    ")]
    assert [name for name in kept if "out=" not in name] == [
        line.split(" = ")[0] for line in read if line.startswith("    ") and "[:] = " not in line
    ]
    # Gradients are written where they belong,
    assert program.source.count("[:] = ") == 6
    assert "[:] = " not in program.code
    out = re.findall(r"out=(\w+)\)", program.code)
    assert out == re.findall(r"(\w+)\[:\] = ", program.source)
    # products of the wide layer column by column,
    assert "a1 = theta1 @ x0 + b1" in program.source
    assert 'a1 = np.matmul(theta1, x0, order="F") + b1' in program.code
    assert 'delta1 = np.matmul(theta2.T, delta2, order="F") * ' in program.code
    assert "a2 = theta2 @ x1 + b2" in program.code
    # targets, but not what a matrix is multiplied by, in rows,
    assert "x0 = batch[:, 0:5].T  #" in program.code
    assert "y = batch[:, 5:8].T.copy()  #" in program.code
    # and numbers are arrays.
    body = program.code[program.code.index("# forward") :]
    assert not re.search(r"\d\.\d", re.sub("#.*", "", body))
    # A batch of one has its own way to a matrix product.
    rng = np.random.default_rng(0)
    for b in (1, 2, 100):
        rows = rng.normal(size=(b, 8))
        theta = [p.data for p in net.parameters()]
        losses, gradient = program(rows, theta)
        expected = by_source(program, rows, theta)
        np.testing.assert_allclose(losses, expected[0], rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-12, atol=1e-12)


@each_loss
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_network_is_that_of_the_graph(loss, activation, bias):
    net = MLP(3, [4, 2, 3], activation, bias=bias, rng=np.random.default_rng(0))
    theta = [p.data for p in net.parameters()]
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(5, 3)), np.eye(3)[[0, 2, 1, 1, 0]]

    def build(inputs, parameters):
        parameters = iter(parameters)
        for layer in net.layers:
            for neuron in layer.neurons:
                neuron.w = [next(parameters) for _ in neuron.w]
                neuron.b = next(parameters) if bias else None
        return loss(net(inputs[:3]), inputs[3:])

    assert_same(build, np.hstack([x, y]), theta)


@pytest.mark.slow
@each_loss
@pytest.mark.parametrize("L", [1, 2, 4])
def test_the_length_of_the_source_does_not_depend_on_the_widths(loss, L):
    sources = [
        network([d0, *[width] * (L - 1), K], loss, "relu")[2].source
        for d0, width, K in ((2, 3, 2), (9, 17, 5), (30, 40, 12))
    ]
    assert len({source.count("\n") for source in sources}) == 1


@each_loss
def test_the_source_grows_by_the_same_lines_for_each_layer(loss):
    counts = [network([3, *[4] * L], loss, "relu")[2].source.count("\n") for L in range(2, 7)]
    assert len(set(np.diff(counts))) == 1
    assert counts[1] > counts[0]


@each_loss
def test_a_network_is_written_as_matrix_products(loss):
    for sizes in ([4, 5, 3], [20, 30, 10, 12]):
        source = network(sizes, loss, "relu")[2].source
        for text in ("theta1 @ x0 + b1", "theta2 @ x1 + b2", "delta1 @ x0.T", "theta2.T @ delta2"):
            assert text in source
        assert not re.search(r"\[\[?\d+, \d+", source)
        assert "np.add.at" not in source
        assert "concatenate" not in source
        assert "index" not in source


def test_no_digit_of_a_tiny_loss_is_lost():
    net = MLP(1, [1])
    x, y = values(1.0, 1.0)
    program = autograd.compile(bernoulli_nll(net([x]), y), [x, y], net.parameters())
    losses, gradient = program([[1.0, 1.0]], [40.0, 0.0])
    assert losses[0] == pytest.approx(4.248354255291589e-18, rel=1e-14)
    # theta and b: sigmoid(a) - y
    assert gradient == pytest.approx([-4.248354255291589e-18] * 2, rel=1e-14)
    assert program([[1.0, 0.0]], [-40.0, 0.0])[0][0] == losses[0]

    net = MLP(1, [2])
    y = values(1.0, 0.0)
    program = autograd.compile(categorical_nll(net([x]), y), [x, *y], net.parameters())
    losses, gradient = program([[1.0, 1.0, 0.0]], [40.0, 0.0, 0.0, 0.0])
    assert losses[0] == pytest.approx(4.248354255291589e-18, rel=1e-14)
    assert gradient[2:] == pytest.approx([4.248354255291589e-18] * 2, rel=1e-14)


# Groups


def test_graph_size_counts_the_nodes():
    _, root, program = network([3, 5, 4, 2], categorical_nll)
    assert program.graph_size == len(topological_order(root))
    x, w = values(1.0, 2.0)
    roots = [x * w, (x * w).sin()]
    nodes = {v for root in roots for v in topological_order(root)}
    assert autograd.compile(roots, [x], [w]).graph_size == len(nodes) == 5


def test_operations_of_a_network():
    _, _, program = network([4, 5, 3], gaussian_nll, "relu")
    named = [(o.name, o.op, o.nodes, o.varies) for o in program.operations]
    assert named[:3] == [("a1", "dot", 5, True), ("x1", "relu", 5, True), ("a2", "dot", 3, True)]
    assert named[-1] == ("loss", "sum", 1, True)
    assert [(o.op, o.nodes) for o in program.operations[3:-1]] == [("-", 3), ("*", 3), ("/", 3)]
    assert all(re.search(rf"\b{o.name} = ", program.source) for o in program.operations)


def test_nodes_of_one_depth_become_one_operation():
    def build(x, p):
        return autograd.sum([v.sin() for v in x] + [v.sin() for v in p])

    program = assert_same(build, np.arange(20.0).reshape(2, 10), [0.5, 1.5])
    # Those that have a column for each example, and those that do not.
    assert {(o.op, o.nodes, o.varies) for o in program.operations} == {
        ("sin", 10, True), ("sin", 2, False), ("sum", 1, True),
    }  # fmt: skip


def layer(x, theta, b):
    return autograd.affine(theta, x, b)


def neurons(x, theta, b):
    return [autograd.dot(row, x, b_j) for row, b_j in zip(theta, b, strict=True)]


def neurons_of_copies(x, theta, b):
    return [autograd.dot(iter(row), list(x), b_j) for row, b_j in zip(theta, b, strict=True)]


def swapped(x, theta, b):
    return [autograd.dot(x, row, b_j) for row, b_j in zip(theta, b, strict=True)]


@for_each("order", ["as recorded", "shuffled", "reversed", "columns"])
@for_each("write", [layer, neurons, neurons_of_copies, swapped])
def test_a_layer_is_one_operation_however_it_is_written(write, order):
    flat = np.arange(15)  # positions of theta (4, 3), then of b (3,), in the parameters
    at = {
        "as recorded": flat,
        "shuffled": np.random.default_rng(0).permutation(flat),
        "reversed": flat[::-1],
        "columns": np.append(flat[:12].reshape(4, 3).T.ravel(), [13, 12, 14]),
    }[order]
    at = np.append(at, 15)

    def build(x, p):
        p = [p[i] for i in at]
        theta = [p[4 * j : 4 * j + 4] for j in range(3)]
        return autograd.sum([a.tanh() * p[12] for a in write(x, theta, p[12:15])]) + p[15]

    rng = np.random.default_rng(1)
    program = assert_same(build, rng.normal(size=(3, 4)), rng.normal(size=16).tolist())
    assert [(o.op, o.nodes) for o in program.operations if o.op == "dot"] == [("dot", 3)]
    assert program.source.count(" @ ") == 2


def test_layers_over_different_vectors_are_two_operations():
    def build(x, p):
        first, second = autograd.dot(p[:2], x[:2]), autograd.dot(p[2:], x[2:])
        return first.sin() * second.cos()

    program = assert_same(build, [[1.0, 2.0, 3.0, 4.0], [0.5] * 4], [0.5, -1.0, 2.0, 0.25])
    assert [(o.op, o.nodes) for o in program.operations if o.op == "dot"] == [("dot", 1)] * 2


# Calling a program


def test_shapes():
    program, _, _ = small()
    for b in (1, 2, 7):
        losses, gradient = program(np.ones((b, 2)))
        assert (losses.shape, gradient.shape) == ((b,), (3,))
        assert losses.dtype == gradient.dtype == float
        assert program.forward(np.ones((b, 2))).shape == (b,)


def test_several_roots_have_a_column_each_and_one_gradient():
    x, w = values(1.0, 2.0)
    program = autograd.compile([x * w, x * x * w, w], [x], [w])
    outputs, gradient = program([[3.0], [5.0]])
    assert outputs.tolist() == [[6.0, 18.0, 2.0], [10.0, 50.0, 2.0]]
    assert gradient.tolist() == [3.0 + 9.0 + 1.0 + 5.0 + 25.0 + 1.0]
    assert program.forward([[3.0]]).tolist() == [[6.0, 18.0, 2.0]]
    assert autograd.compile([x * w], [x], [w])([[3.0], [5.0]])[0].shape == (2, 1)
    assert autograd.compile((x * w, x * w), [x], [w])([[3.0]])[1].tolist() == [6.0]


def test_lists_and_other_arrays_are_accepted():
    program, _, _ = small()
    rows = [[1, 2], [3, -4], [0, 1]]
    expected = program(np.array(rows, dtype=float))
    fortran = np.asfortranarray(rows, dtype=float)
    every_other = np.repeat(np.array(rows, dtype=float), 2, axis=0)[::2]
    for batch in (rows, tuple(map(tuple, rows)), np.array(rows), np.float32(rows), fortran,
                  every_other):  # fmt: skip
        losses, gradient = program(batch)
        np.testing.assert_allclose(losses, expected[0], rtol=1e-15)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-14)


def test_parameters_are_read_from_the_values_at_every_call():
    x, w = values(1.0, 2.0)
    program = autograd.compile(x * w * w, [x], [w])
    assert program([[1.0]])[0].tolist() == [4.0]
    w.data = 3.0
    losses, gradient = program([[1.0]])
    assert (losses.tolist(), gradient.tolist()) == ([9.0], [6.0])
    assert program.forward([[1.0]]).tolist() == [9.0]


def test_a_vector_of_parameters_is_read_at_every_call():
    program, _, _ = small()
    batch = np.array([[1.0, 2.0], [3.0, 4.0]])
    rng = np.random.default_rng(0)
    theta, other = rng.normal(size=(2, 3))
    out = np.empty(3)

    def fresh(theta):
        return small()[0](batch, theta.copy())

    for _ in range(3):  # the same array, with new numbers in it
        theta += 0.25
        for gradient in (program(batch, theta)[1], program(batch, theta, out)[1]):
            np.testing.assert_array_equal(gradient, fresh(theta)[1])
        np.testing.assert_array_equal(program.forward(batch, theta), fresh(theta)[0])
    for vector in (other, theta, other * 2, theta):
        np.testing.assert_array_equal(program(batch, vector)[1], fresh(vector)[1])
    # And the Values again, where none is given.
    np.testing.assert_array_equal(program(batch)[1], small()[0](batch)[1])


def test_vectors_of_other_kinds():
    program, _, _ = small()
    batch = [[1.0, 2.0], [3.0, 4.0]]
    expected = program(batch, np.array([1.0, 0.0, -2.0]))
    strided = np.zeros(6)[::2]
    integers, listed = np.array([1, 0, -2]), [1, 0, -2]
    strided[:] = integers
    for vector in (strided, integers, listed, np.float32(listed)):
        for _ in range(2):
            result = program(batch, vector)
            np.testing.assert_array_equal(result[0], expected[0])
            np.testing.assert_array_equal(result[1], expected[1])
    for vector in (strided, integers, listed):
        vector[1] = 3  # in place: a copy that was kept would not know
        expected = program(batch, [1.0, 3.0, -2.0])
        np.testing.assert_array_equal(program(batch, vector)[1], expected[1])


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 0, 2, 1]])
def test_out_is_returned_and_overwritten(order):
    x = values(1.0, 2.0)
    p = values(1.0, 2.0, 3.0, 4.0)
    chosen = [p[i] for i in order]  # the last is not used
    program = autograd.compile(autograd.dot(p[:2], x) * p[0] * p[2], x, chosen)
    batch = [[1.0, -1.0], [0.5, 2.0]]
    expected = program(batch)[1]
    assert expected[order.index(3)] == 0.0
    out = np.full(4, np.nan)
    for other in (out, out, np.full(4, np.nan), out):
        assert program(batch, None, other)[1] is other
        np.testing.assert_array_equal(other, expected)
    outer = np.full(6, 9.0)
    program(batch, out=outer[1:5])
    np.testing.assert_array_equal(outer, [9.0, *expected, 9.0])


@for_each(
    "out",
    [
        np.zeros(2), np.zeros(4), np.zeros((3, 1)), np.zeros(3, int), np.zeros(3, np.float32),
        np.zeros(6)[::2], np.frombuffer(bytes(24)), [0.0] * 3, "abc",
    ],
    ids=["short", "long", "matrix", "int", "float32", "strided", "readonly", "list", "string"],
)  # fmt: skip
def test_out_of_another_kind_is_refused(out):
    program, _, _ = small()
    with pytest.raises(ValueError, match=r"^out must be"):
        program([[1.0, 2.0]], None, out)


def test_bind_reads_and_writes_the_same_vectors_every_time():
    program, _, _ = small()
    theta, out = np.array([1.0, -0.5, 2.0]), np.full(3, np.nan)
    step = program.bind(theta, out)
    for b in (1, 3):
        batch = np.arange(2.0 * b).reshape(b, 2)
        expected = program(batch, theta)
        np.testing.assert_array_equal(step(batch), expected[0])
        np.testing.assert_array_equal(out, expected[1])
        theta += 0.25
    theta.setflags(write=False)  # is only read
    np.testing.assert_array_equal(program.bind(theta, out)(batch), program(batch, theta)[0])


def test_bind_refuses_what_it_would_have_to_copy():
    program, _, _ = small()
    good = np.zeros(3)
    readonly = np.frombuffer(bytes(24))
    for bad in ([0.0] * 3, np.zeros(2), np.zeros(3, int), np.zeros(6)[::2], np.zeros((3, 1))):
        with pytest.raises(ValueError, match=r"^parameters must be"):
            program.bind(bad, good)
        with pytest.raises(ValueError, match=r"^out must be"):
            program.bind(good, bad)
    with pytest.raises(ValueError, match=r"^out must be"):
        program.bind(good, readonly)


def test_results_are_the_callers_own():
    program, _, _ = small()
    batch, theta = np.ones((2, 2)), np.ones(3)
    first, second = program(batch, theta), program(batch, theta)
    forward = program.forward(batch, theta)
    arrays = [*first, *second, forward, batch, theta]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])
    before = first[0].copy(), first[1].copy()
    program(batch * 2, theta * 3)
    np.testing.assert_array_equal(first[0], before[0])
    np.testing.assert_array_equal(first[1], before[1])


@pytest.mark.parametrize("leaf", ["input", "parameter", "both"])
def test_a_leaf_as_root_is_copied(leaf):
    x, w = values(1.0, 2.0)
    root = {"input": x, "parameter": w, "both": [x, w]}[leaf]
    program = autograd.compile(root, [x], [w])
    batch, theta = np.ones((3, 1)), np.ones(1)
    losses, _ = program(batch, theta)
    losses += 1.0
    assert batch.tolist() == [[1.0]] * 3
    assert theta.tolist() == [1.0]


def test_an_empty_batch():
    for program in (small()[0], *[network([2, 3, 2], loss)[2] for loss in LOSSES.values()]):
        m = len(program.parameters)
        out = np.full(m, np.nan)
        losses, gradient = program(np.zeros((0, len(program.inputs))), out=out)
        assert losses.shape == (0,)
        assert gradient.tolist() == [0.0] * m
        assert program.forward(np.zeros((0, len(program.inputs)))).shape == (0,)
    x, w = values(1.0, 2.0)
    outputs, gradient = autograd.compile([w, x, w * w], [x], [w])(np.zeros((0, 1)))
    assert (outputs.shape, gradient.tolist()) == ((0, 3), [0.0])


@for_each(
    "batch",
    [
        [[1.0]], [[1.0, 2.0, 3.0]], [1.0, 2.0], [], 1.0, np.zeros((1, 2, 1)), [["1", "2"]], "12",
        [[1j, 2.0]], np.array([[1.0, None]]), None, np.array([[1.0, 2.0]], dtype=object),
    ],
    ids=["1 column", "3 columns", "1-D", "empty", "0-D", "3-D", "strings", "string", "complex",
         "None inside", "None", "object"],
)  # fmt: skip
def test_a_batch_of_another_kind_is_refused(batch):
    program, _, _ = small()
    for call in (program, program.forward):
        with pytest.raises(ValueError, match=r"^batch must"):
            call(batch)


def test_a_refused_batch_says_which_shape_it_should_have():
    program, _, _ = small()
    with pytest.raises(ValueError, match=r"\(b, 2\), got \(4, 3\)"):
        program(np.zeros((4, 3)))


@for_each(
    "parameters",
    [[1.0, 2.0], np.ones(4), np.ones((3, 1)), [], "abc", [1j] * 3, [None] * 3, ["1"] * 3],
    ids=["short", "long", "matrix", "empty", "string", "complex", "None", "strings"],
)
def test_parameters_of_another_kind_are_refused(parameters):
    program, _, _ = small()
    for call in (program, program.forward):
        with pytest.raises(ValueError, match=r"^parameters must"):
            call([[1.0, 2.0]], parameters)


def test_no_value_is_touched():
    x, p = values(0.5, -1.0), values(1.5, 0.25, -2.0)
    root = (autograd.dot(p[:2], x) + p[2]).tanh() * p[0]
    root.backward()
    everything = topological_order(root)
    before = [(v.data, v.grad, v.label, v.inputs) for v in everything]
    program = autograd.compile(root, x, p, check=[([0.5, -1.0], root)])
    program([[3.0, 4.0]])
    program([[3.0, 4.0]], np.ones(3), np.empty(3))
    program.forward([[3.0, 4.0]], np.ones(3))
    assert [(v.data, v.grad, v.label, v.inputs) for v in everything] == before


# What compile refuses


@pytest.mark.parametrize(
    ("recorded", "error", "words"),
    [
        (lambda root: 3.0, TypeError, r"check\[1\].*must be a Value, got 3\.0"),
        (lambda root: [root.data], TypeError, r"check\[1\].*must be a Value"),
        (lambda root: None, TypeError, r"check\[1\].*must be a Value, got None"),
        (lambda root: [root, root], ValueError, r"check\[1\] has 2 roots, and root 1"),
    ],
)
def test_what_is_checked_must_be_recorded(recorded, error, words):
    x, w = Value(2.0), Value(1.5)
    root = w * x
    with pytest.raises(error, match=words):
        autograd.compile(root, [x], [w], check=[([2.0], root), ([2.0], recorded(root))])


@pytest.mark.parametrize("root", [1.0, None, "x", [1.0], [Value(1.0), 2.0]], ids=repr)
def test_a_root_must_be_a_value(root):
    with pytest.raises(TypeError, match="root must hold Values"):
        autograd.compile(root, [], [])


def test_there_must_be_a_root():
    with pytest.raises(ValueError, match="root is empty"):
        autograd.compile([], [], [])


@pytest.mark.parametrize("wrong", [1.0, None, "x"])
def test_leaves_must_be_values(wrong):
    x = Value(1.0)
    with pytest.raises(TypeError, match="inputs must hold Values"):
        autograd.compile(x * 2, [x, wrong], [])
    with pytest.raises(TypeError, match="parameters must hold Values"):
        autograd.compile(x * 2, [], [x, wrong])


def test_what_is_computed_is_no_input_and_no_parameter():
    x, w = values(1.0, 2.0)
    product = x * w
    with pytest.raises(ValueError, match=r"inputs\[1\] is not a leaf.*'\*'"):
        autograd.compile(product.sin(), [x, product], [w])
    with pytest.raises(ValueError, match=r"parameters\[0\] is not a leaf.*'\*'"):
        autograd.compile(product.sin(), [x], [product])


def test_a_leaf_is_given_once():
    x, w = values(1.0, 2.0)
    with pytest.raises(ValueError, match=r"inputs\[1\] is inputs\[0\] already"):
        autograd.compile(x * w, [x, x], [w])
    with pytest.raises(ValueError, match=r"parameters\[2\] is parameters\[1\] already"):
        autograd.compile(x * w, [], [x, w, w])
    with pytest.raises(ValueError, match=r"parameters\[0\] is inputs\[1\] already"):
        autograd.compile(x * w, [x, w], [w])


def test_generators_of_leaves_are_accepted():
    x, w = values(1.0, 2.0)
    program = autograd.compile(x * w, (v for v in [x]), (v for v in [w]))
    assert program.inputs == [x]
    assert program.parameters == [w]
    assert program([[3.0]])[1].tolist() == [3.0]


def test_a_primitive_that_branches_in_python_is_refused():
    leaky = primitive(
        "leaky", lambda x: x if x > 0 else x / 2, lambda z, x: (1.0 if x > 0 else 0.5,)
    )
    x, w = values(1.0, 2.0)
    with pytest.raises(ValueError, match=r"'leaky' can't run on arrays.*where\(c, a, b\)"):
        autograd.compile(leaky(x * w), [x], [w])


def test_a_primitive_whose_partials_branch_in_python_is_refused():
    leaky = primitive(
        "leaky", lambda x: autograd.where(x, x, x / 2), lambda z, x: (1.0 if x > 0 else 0.5,)
    )
    x, w = values(1.0, 2.0)
    with pytest.raises(ValueError, match=r"'leaky' can't run on arrays.*where\(c, a, b\)"):
        autograd.compile(leaky(x * w), [x], [w])


def test_a_primitive_of_pythons_math_is_refused():
    sine = primitive("sine", lambda x: math.sin(x), lambda z, x: (math.cos(x),))
    x = Value(1.0)
    with pytest.raises(ValueError, match="'sine' can't run on arrays"):
        autograd.compile(sine(x), [x], [])


def test_a_primitive_that_branches_with_where_works():
    leaky = primitive(
        "leaky",
        lambda x: autograd.where(x, x, x / 2),
        lambda z, x: (autograd.where(x, 1.0, 0.5),),
    )
    assert_same(lambda x, p: leaky(x[0] * p[0]) * leaky(p[1]), [[1.0], [-3.0]], [2.0, -1.0])


def test_a_primitive_may_ignore_its_arguments():
    three = primitive("three", lambda x, y: 3.0, lambda z, x, y: (0.0, 1.0))
    assert_same(lambda x, p: three(x[0], p[0]) * three(p[0], 1.0), [[1.0], [-3.0]], [2.0])


def test_a_function_that_the_printer_lacks_is_refused_by_name(monkeypatch):
    for m, cosh in ((FLOATS, math.cosh), (ARRAYS, np.cosh)):
        monkeypatch.setattr(m, "cosh", cosh, raising=False)
    chain = Primitive("chain", lambda m: (m.cosh, lambda z, x: (m.exp(x) - z,)))
    monkeypatch.setattr(primitives, "TABLE", (*TABLE, chain))
    x, w = values(1.0, 2.0)
    root = apply(chain, x * w)
    assert root.data == math.cosh(2.0)
    with pytest.raises(ValueError, match=r"'chain' uses .* 'cosh', .* printer for NumPy lacks"):
        autograd.compile(root, [x], [w])


# check


def straight(x, w):
    return autograd.where(x, x * w, w * w)


def bent(x, w):
    return x * w if x.data > 0 else w * w


def same_values(x, w):
    """Both branches give 2 w at w = 2: they differ in the gradient alone."""
    return w * w if x.data > 0 else 2.0 * w


def pairs(f, w, *points):
    for point in points:
        x = Value(point)
        yield [point], f(x, w)


def test_check_passes_where_the_graph_is_the_same_for_all():
    x, w = values(1.0, 2.0)
    program = autograd.compile(straight(x, w), [x], [w], pairs(straight, w, 1.0, -1.0, 3.0))
    assert program([[-1.0]])[0].tolist() == [4.0]
    check = [([2.0], [x * w, w.sin()])]
    with pytest.raises(ValueError, match=r"check\[0\]"):
        autograd.compile([x * w, w.sin()], [x], [w], check)  # recorded at 1, not at 2
    check = [([1.0], [x * w, w.sin()])]
    assert autograd.compile([x * w, w.sin()], [x], [w], check).graph_size == 4


def test_check_names_the_first_example_that_differs():
    x, w = values(1.0, 2.0)
    with pytest.raises(ValueError, match=r"^check\[2\]: the value recorded is 4.*where\(c, a, b\)"):
        autograd.compile(bent(x, w), [x], [w], pairs(bent, w, 1.0, 3.0, -1.0, -2.0))
    autograd.compile(bent(x, w), [x], [w], pairs(bent, w, 1.0, 3.0))


def test_check_compares_gradients_too():
    x, w = values(1.0, 2.0)
    with pytest.raises(ValueError, match=r"^check\[1\]: the gradient recorded is 2"):
        autograd.compile(same_values(x, w), [x], [w], pairs(same_values, w, 1.0, -1.0))


def test_check_shows_up_to_six_numbers_in_full():
    for n, dots in ((6, False), (7, True)):
        w = values(*range(1, n + 1))
        roots = [autograd.sum([v * v for v in w]), autograd.sum([v * v.data for v in w])]
        with pytest.raises(ValueError, match="the gradient recorded is") as info:
            autograd.compile(roots[0], [], w, [([], roots[1])])
        assert ("..." in str(info.value)) is dots


@pytest.mark.parametrize("size", [1.0, 1e3, 1e8])
def test_check_allows_for_rounding_relative_to_the_numbers_that_cancel(size):
    w = Value(3.0)
    root = (w + size) - (w + size) + w * 0.0  # 0, of numbers of this size; its gradient is 0 too
    largest = 3.0 + size

    def check(value, slope):
        check_example(0, root, 1, np.array([value]), np.array([slope]), [w])

    check(0.9e-12 * largest, 0.0)
    check(0.0, -0.9e-12 * largest)
    with pytest.raises(ValueError, match="the value recorded is"):
        check(1.1e-12 * largest, 0.0)
    with pytest.raises(ValueError, match="the gradient recorded is"):
        check(0.0, 1.1e-12 * largest)


def test_check_takes_infinities_and_nans_as_they_are():
    x, w = values(1.0, 2.0)

    def f(x, w):
        return x.log() * w

    program = autograd.compile(f(x, w), [x], [w], pairs(f, w, 0.0, -1.0))
    assert program([[0.0]])[0].tolist() == [-math.inf]


# Labels

LABELS = [
    "two words", "1st", "a-b", "x'", "class", "None", "lambda", "np", "batch", "len", "flat", "b",
    "views", "program", "parameters", "gradients", "range", "v1", "t1", "c1", "index1", "theta",
    "inputs", "outputs", "d_v1", "delta1", "a1", "loss", "λ", "θ₁", "Δ", "ſ", "½", "名", "🙂", "_",
    "__name__", "import os", "'", '"', '"""', "\\", "\n", "x\n    raise", "{}", "{0}", "}{", "{x",
    "%s", "#", "x; import os", "__import__('os')", "x = 1", "x[0]", "x[0][1]", "[", "\ud800", " ",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS, ids=ascii)
def test_any_label_will_do(label):
    f = primitive(label, lambda x, y: x * y, lambda z, x, y: (y, x))

    def build(x, p):
        u, v = labelled(label, x[0]), labelled(label, p[0])
        a, b = labelled(label, u * v), labelled(label, f(u, p[1]))
        c = labelled(label, autograd.dot([p[2], p[3]], [a, b], p[4])).tanh()
        return labelled(label, c * autograd.logsumexp([p[1], x[1]]) + p[0].sin())

    assert_same(build, [[0.5, 2.0], [-1.0, 0.25]], [0.5, -1.0, 1.5, 0.75, -0.25])


def test_all_labels_at_once():
    def build(x, p):
        leaves = [labelled(label, v) for label, v in zip(LABELS, p, strict=True)]
        nodes = [
            labelled(label, (w * x[0]).sin()) for label, w in zip(LABELS[::-1], leaves, strict=True)
        ]
        chain = nodes[0]
        for label, node in zip(LABELS[1:], nodes[1:], strict=True):
            chain = labelled(label, (chain + node).cos())
        return chain

    numbers = np.random.default_rng(0).normal(size=len(LABELS)).tolist()
    assert_same(build, [[0.5], [-1.0]], numbers)


def test_a_label_is_the_name_in_the_source():
    x, w = Value(1.0, label="x"), Value(2.0, label="weight")
    source = autograd.compile(labelled("product", x * w).sin(), [x], [w]).source
    assert "product = x * weight" in source


# Depth and size


@pytest.mark.slow
def test_a_deep_chain():
    x, w = values(0.5, 0.75)
    node = x * w
    functions = [Value.sin, Value.cos, Value.__neg__, Value.tanh, Value.__pos__, Value.softplus]
    for i in range(3000):
        node = functions[i % 6](node)
    program = autograd.compile(node, [x], [w])
    node.backward()
    losses, gradient = program([[0.5]])
    assert program.graph_size == 3003
    assert losses == pytest.approx([node.data], rel=1e-12)
    assert gradient == pytest.approx([w.grad], rel=1e-9)
    assert max(map(len, program.source.splitlines())) < 200


def test_a_deep_chain_of_operations_without_a_line_of_their_own():
    x, w = values(0.5, 0.75)
    node, gradient = x, 0.0
    for i in range(1200):
        node = node + w if i % 3 else -node  # their partials are 1 and -1: all of it is signs
        gradient = gradient + 1.0 if i % 3 else -gradient
    program = autograd.compile(node, [x], [w])
    assert program([[0.5]])[0] == pytest.approx([node.data], rel=1e-12)
    assert program([[0.5]])[1].tolist() == [gradient]


@pytest.mark.slow
def test_a_wide_irregular_graph():
    def build(x, p):
        r = random.Random(7)
        pool = [*x, *p]
        for _ in range(4000):
            a, b = r.choice(pool[-200:]), r.choice(pool)
            pool.append(r.choice([(a * b).tanh, a.sin, (a + b).cos, (a - 0.5 * b).tanh])())
        return autograd.sum(pool[-60:])

    rng = np.random.default_rng(0)
    program = assert_same(build, rng.normal(size=(2, 5)), rng.normal(size=9).tolist(), 1e-9)
    assert program.graph_size > 2500
    assert len(program.operations) < program.graph_size / 5


def test_memory_is_that_of_the_rows_not_of_the_graph():
    def peak(width, b):
        _, _, program = network([width, width, width], gaussian_nll, "relu")
        m = len(program.parameters)
        batch, theta, out = np.ones((b, 2 * width)), np.zeros(m), np.empty(m)
        program(batch, theta, out)
        tracemalloc.start()
        try:
            program(batch, theta, out)
            return tracemalloc.get_traced_memory()[1], program.graph_size
        finally:
            tracemalloc.stop()

    (narrow, small_graph), (wide, large_graph) = peak(24, 256), peak(48, 256)
    assert large_graph > 3.2 * small_graph
    assert 1.5 * narrow < wide < 2.5 * narrow
    assert peak(24, 512)[0] < 2.5 * narrow


# How it shows itself


def test_repr_has_a_row_for_each_operation():
    _, _, program = network([2, 3, 1])
    assert repr(program) == inspect.cleandoc("""
        Program of 3 inputs and 13 parameters: 26 nodes of the graph in 6 array operations
        name  op    nodes  shape
        a1    dot       3  (3, b)
        x1    tanh      3  (3, b)
        a2    dot       1  (1, b)
        v1    -         1  (1, b)
        v2    *         1  (1, b)
        loss  /         1  (1, b)
    """)


def unlike(x, n):
    """A chain of so many operations, without equal steps."""
    chosen = random.Random(0)
    for _ in range(n):
        root = x = chosen.choice([autograd.sin, autograd.tanh, autograd.exp])(x)
    return root


@pytest.mark.parametrize("n", [39, 40, 41, 60])
def test_repr_shows_forty_operations_or_the_first_and_the_last_twenty(n):
    x = Value(0.5)
    root = unlike(x, n)
    _, _, *rows = repr(autograd.compile(root, [x], [])).splitlines()
    every = [f"v{i}" for i in range(1, n + 1)]
    assert [row.split()[0] for row in rows] == (
        every if n <= 40 else [*every[:20], "...", *every[-20:]]
    )


def test_names_and_those_of_their_derivatives_are_free_together():
    names = Names(["d_a"])
    assert [names.pair("a"), names.pair("a"), names.new("d_a_2"), names.new("a")] == [
        "a_2", "a_3", "d_a_2_2", "a_4",
    ]  # fmt: skip


def test_repr_of_what_does_not_vary():
    x, w = values(1.0, 2.0)
    lines = repr(autograd.compile(w.sin() * x, [x], [w])).splitlines()
    assert lines[0].startswith("Program of 1 input and 1 parameter: 4 nodes")
    assert lines[2].split() == ["v1", "sin", "1", "(1,", "1)"]
    assert lines[3].split() == ["v2", "*", "1", "(1,", "b)"]
    assert repr(autograd.compile(x, [x], [])).splitlines()[0].endswith("0 array operations")


def test_repr_of_many_operations_leaves_out_the_middle():
    x = Value(0.5)
    lines = repr(autograd.compile(unlike(x, 100), [x], [])).splitlines()
    assert len(lines) < 50
    assert "100 array operations" in lines[0]
    assert (lines[2].split()[0], lines[-1].split()[0]) == ("v1", "v100")


def test_markdown_is_the_source():
    _, _, program = network([2, 3, 1])
    text = program._repr_markdown_()
    assert text.startswith("Program of 3 inputs and 13 parameters")
    assert f"\n\n```python\n{program.source}```\n" in text


@for_each(
    "root",
    [
        lambda x: +x, lambda x: x * 1.0, lambda x: x / 1.0, lambda x: x**1.0,
        lambda x: (-x).__neg__(),
        lambda x: autograd.where(1.0, x, 2.0), lambda x: autograd.where(-1.0, x, 2.0),
        primitive("identity", lambda x: x, lambda z, x: (1.0,)),
        primitive("one", lambda x: 1.0, lambda z, x: (0.0,)),
    ],
    ids=["+", "*", "/", "**", "--", "where", "where not", "identity", "one"],
)  # fmt: skip
def test_a_root_that_is_as_good_as_a_leaf_is_copied(root):
    x = Value(2.0)
    batch = np.ones((3, 1))
    losses, _ = autograd.compile(root(x), [x], [])(batch)
    losses += 1.0
    assert batch.tolist() == [[1.0]] * 3


@pytest.mark.parametrize("name", ["w", "flat", "theta"])
def test_labels_like_the_names_of_gradients(name):
    def build(x, p):
        first = labelled(f"d_{name}", labelled(name, p[0]) * x[0]).sin()
        return first * autograd.sum([p[1], p[0], p[1]]).sin()

    assert_same(build, [[0.5], [1.0]], [0.5, -1.5])


@pytest.mark.parametrize("label", ["__debug__", "৴", "a৴", "a𐄇"])
def test_labels_that_python_does_not_take(label):
    assert_same(lambda x, p: labelled(label, labelled(label, p[0]) * x[0]).sin(), [[1.0]], [2.0])


@pytest.mark.parametrize("c", [math.inf, -math.inf, math.nan])
def test_constants_that_are_not_finite(c):
    assert_same(lambda x, p: autograd.max([x[0] * c, p[0] * 2.0 + x[0] * 3.0]), [[1.0]], [2.0])
    assert_same(lambda x, p: autograd.sum([x[0] * c, x[1] * 2.0]), [[1.0, 2.0]], [])


def test_an_empty_batch_has_no_gradient_even_at_infinite_partials():
    x, w = values(1.0, 0.0)
    _, gradient = autograd.compile(w.sqrt() * x, [x], [w])(np.zeros((0, 1)))
    assert gradient.tolist() == [0.0]


def test_ragged_arguments_are_named():
    program, _, _ = small()
    with pytest.raises(ValueError, match=r"^batch must"):
        program([[1.0, 2.0], [3.0]])
    with pytest.raises(ValueError, match=r"^parameters must"):
        program([[1.0, 2.0]], [[1.0], [2.0, 3.0]])


def test_values_in_place_of_numbers_are_refused_with_their_data():
    x, w = values(1.0, 2.0)
    program = autograd.compile(x * w, [x], [w])
    for wrong in ({"batch": [[x]]}, {"batch": [[1.0]], "parameters": [w]}):
        with pytest.raises(ValueError, match=r"got dtype object: give the numbers of .* v\.data"):
            program(**wrong)


def test_masked_arguments_are_refused():
    program, _, _ = small()
    row = np.ma.array([[1.0, 2.0]], mask=[[False, True]])
    with pytest.raises(ValueError, match=r"^batch must hold real numbers, but some are masked"):
        program(row)
    assert program(np.ma.array([[1.0, 2.0]]))[0] == program([[1.0, 2.0]])[0]
    with pytest.raises(TypeError, match="some are masked"):
        autograd.exp(row)
    with pytest.raises(TypeError, match="some are masked"):
        autograd.sum(row[0])


def test_a_number_is_no_vector_of_parameters():
    x, w = values(1.0, 2.0)
    with pytest.raises(ValueError, match=r"^parameters must"):
        autograd.compile(x * w, [x], [w])([[1.0]], 3.0)


def commented():
    """A program with lines of every kind, for rows of 23 numbers, and 17 parameters."""
    net = MLP(2, [3, 2], "softplus", rng=np.random.default_rng(0))
    x, c, y = values(0.5, -1.0), values(*range(20)), Value(2.0, label="y")
    cubed = random_graphs.cube(autograd.sum([a * float(i) for i, a in enumerate(c)]))
    root = autograd.sum(net(x)) * autograd.erf(y) + cubed
    for p in net.parameters()[::2]:
        root = root + (p * y + p).sin()
    return autograd.compile(root, [*x, *c, y], net.parameters())


def test_comments_say_what_is_computed():
    """The shape behind a line is that of what the line computes, when it runs for 7 rows."""
    program, b, told = commented(), 7, []
    watched = []
    for line in program.source.splitlines():
        watched.append(line)
        code, _, said = line.partition("  # ")
        if " = " in code or " += " in code:
            statement = ast.parse(code.strip()).body[0]
            what = statement.target if " += " in code else statement.targets[0]
            if said:
                indent = code[: len(code) - len(code.lstrip())]
                shape = f"np.shape({ast.unparse(what)})"
                watched.append(f"{indent}told.append(({line.strip()!r}, {said!r}, {shape}))")
            else:
                assert re.search(r" \+?= (parameters|gradients|[01]\.0)$", code), line
    namespace = {**program.constants, **program.functions, "told": told}
    exec("\n".join(watched), namespace)
    m, d = len(program.parameters), len(program.inputs)
    flat = np.zeros(m)
    namespace["program"](np.ones((b, d)), namespace["views"](flat), namespace["views"](flat))
    assert len(told) > 35
    for line, said, shape in told:
        assert eval(said, {"b": b}) == shape, line
    assert [
        line.strip() for line in program.source.splitlines() if line.strip().startswith("#")
    ] == [
        "# c1: an array (20, 1) of constants",
        "# erf: the error function",
        "# cube: your own primitive; d_cube: its partial derivatives",
        "# forward",
        "# backward",
    ]
    assert f"a flat vector ({m},) of parameters" in namespace["views"].__doc__
    assert f"Outputs for a batch (b, {d}); the gradient" in namespace["program"].__doc__


def test_the_gradient_is_not_written_over_the_parameters():
    x, w = values(1.0, 2.0)
    theta = np.array([2.0])
    with pytest.raises(ValueError, match="out must not be"):
        autograd.compile(x * w, [x], [w])([[1.0]], theta, out=theta)


@pytest.mark.parametrize("label", ["float", "d_w", "d_theta", "d_flat"])
def test_labels_that_the_source_needs_itself(label):
    def build(x, p):
        u = labelled(label, x[0])
        y = p[0] * u
        return autograd.max([y, u, p[0]]) + y.relu() * autograd.step(y)

    assert_same(build, [[1.5], [-0.5]], [2.0])


def test_division_by_a_plain_zero():
    assert_same(lambda x, p: p[0] * x[0] / 0.0, [[1.0], [-2.0]], [2.0])
    assert_same(lambda x, p: (p[0] * x[0]) ** -1.0 / 0.0, [[1.0]], [2.0])


@pytest.mark.parametrize("name", ["inputs", "parameters"])
def test_one_value_is_not_a_list(name):
    x, w = values(1.0, 2.0)
    arguments = {"inputs": [x], "parameters": [w], name: x}
    with pytest.raises(TypeError, match=rf"{name} must hold Values, in a list.*write \[x\]"):
        autograd.compile(x * w, **arguments)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled):
    x, w = values(1.0, 2.0)
    branching = primitive("branching", lambda x: x if x > 0 else -x, lambda z, x: (1.0,))
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        autograd.compile(x * w, [x], [w])
        assert gc.isenabled() is enabled
        with pytest.raises(ValueError, match="can't run on arrays"):
            autograd.compile(branching(x * w), [x], [w])
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


@pytest.mark.parametrize(
    ("sizes", "bias", "views"),
    [
        ((3, [2, 2]), True, ["flat[0:8].reshape(2, 4)[:, :3]", "flat[3:8:4, None]",
                             "flat[8:14].reshape(2, 3)[:, :2]", "flat[10:14:3, None]"]),
        ((3, [2, 2]), False, ["flat[0:6].reshape(2, 3)", "flat[6:10].reshape(2, 2)"]),
        ((1, [2, 1]), True, ["flat[0:3:2, None]", "flat[1:4:2, None]",
                             "flat[None, 4:6]", "flat[6:7, None]"]),
        ((1, [2, 1]), False, ["flat[0:2, None]", "flat[None, 2:4]"]),
    ],
)  # fmt: skip
def test_views_are_written_as_short_as_they_can_be(sizes, bias, views):
    net, x = MLP(*sizes, "tanh", bias=bias), values(*[0.5] * sizes[0])
    a = net(x)
    root = a if isinstance(a, Value) else autograd.sum(a)
    source = autograd.compile(root, x, net.parameters()).source
    assert re.findall(r" = (flat.*?)  #", source) == views


def test_a_number_has_no_shape_in_the_source():
    x, w = values(0.5, 2.0)
    source = autograd.compile((x * w).sin() + w.exp(), [x], [w]).source
    assert "# ()" not in source


def test_brackets_stand_only_where_they_are_needed():
    """As Python itself would write the line; but a matrix product in a sum has some, to be seen."""
    brackets = 0
    for seed in range(14, 40):
        graph = RandomGraph(seed)
        x, w = values(*[0.5] * graph.counts[0]), values(*graph.numbers)
        program = autograd.compile(graph(x, w), x, w)
        for line in program.source.splitlines():
            line = re.sub(r"\(\S+ @ \S+\)", "product", line.partition("  #")[0].strip())
            if re.match(r"[^(),]* \+?= ", line):  # Python 3.10 puts (a, b) = ... in brackets
                brackets += line.count("(")
                assert line.count("(") == ast.unparse(ast.parse(line)).count("("), line
    assert brackets > 300


@pytest.mark.parametrize(("width", "by_columns"), [(1, False), (63, False), (64, True)])
def test_products_of_wide_layers_are_laid_out_by_columns(width, by_columns):
    _, _, program = network([2, width, 1])
    assert ('order="F"' in program.code) is by_columns
    assert 'order="F"' not in program.source


@pytest.mark.parametrize(("n", "written_out"), [(2, True), (8, True), (9, False)])
def test_short_constants_are_written_out(n, written_out):
    x = Value(1.0)
    c = [0.5 * k * k for k in range(n)]
    program = autograd.compile([x * c_k for c_k in c], [x], [])
    assert [array.shape for array in program.constants.values()] == [(n, 1)]
    array = str(np.array(c)[:, None].tolist())
    assert (f"np.array({array})" in program.source) is written_out
    assert (f"an array ({n}, 1) of constants" in program.source) is not written_out
    assert program.forward([[2.0]]).tolist() == [[2.0 * c_k for c_k in c]]


@pytest.mark.parametrize(("n", "listed"), [(3, True), (8, True), (9, False)])
def test_short_indexes_are_written_out(n, listed):
    x = values(*range(50))
    at = [k * (k + 1) // 2 for k in range(n)]  # not evenly spaced
    program = autograd.compile([x[k].sin() for k in at], x, [])
    assert (f"batch[:, {at}].T" in program.source) is listed
    assert len(program.constants) == (0 if listed else 1)
    assert program.forward([np.arange(50.0)]).tolist() == [[math.sin(k) for k in at]]


@for_each(
    "labels, shared",
    [
        (["a[0]", "a[1]"], "a"), (["a", "a"], "a"), (["a[0]", "b[1]"], ""), (["a", "b"], ""),
        (["a[0]", "a"], "a"), (["a[0][1]", "a[0][2]"], "a[0]"), (["a[0]", "a[1", "a[2]"], ""),
        (["", ""], ""), (["a]", "a]"], ""), (["a[0]", ""], ""), (["a\n[0]", "a\n[1]"], "a\n"),
    ],
)  # fmt: skip
def test_the_label_that_nodes_share(labels, shared):
    assert common_label([Value(0.0, label) for label in labels]) == shared


@pytest.mark.parametrize(
    ("shape", "axis", "reduced"),
    [
        ((3, "b"), 0, (1, "b")), ((3, "b"), 1, (3, 1)), ((2, 3, "b"), 0, (3, "b")),
        ((2, 3, "b"), 1, (2, "b")), ((2, 3, "b"), 2, (2, 3)), ((4,), 0, ()),
    ],
)  # fmt: skip
def test_the_shape_of_a_sum_along_an_axis(shape, axis, reduced):
    m = Arithmetic()
    assert m.reduce("sum", m.name("x", shape), axis).shape == reduced


def test_rounding_errors_are_relative_to_what_cancels():
    x = Value(1e-8)
    assert _size(x * 1e8 - x * 3e8) == pytest.approx(4e8)  # of the gradient
    assert _size(Value(1e8) - 1e8) == 1e8  # of the value
