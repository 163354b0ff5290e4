"""A branch that is not taken poisons nothing: in the sweep and its steps, and in any order.

CppAD's conditional expressions are meant so too; PyTorch, JAX and TensorFlow give nan here, 0 times
an infinite derivative.
"""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import assert_same

import autograd
from autograd import Value, grad, hessian, jacobian, jvp, steps, trace, value_and_grad, where
from tests.cases import examples, for_each

INF, NAN = math.inf, math.nan

# Functions of one number, a point at which the branch that is not taken has an infinite or nan
# value or derivative, and there: the value, the first and the second derivative.
BRANCHES = {
    "x log x": (lambda x: where(x, x * x.log(), 0.0), 0.0, 0.0, 0.0, 0.0),
    "sqrt": (lambda x: where(x, x.sqrt(), x * 2.0), 0.0, 0.0, 2.0, 0.0),
    "reciprocal": (lambda x: where(x * x, 1.0 / x, x * x), 0.0, 0.0, 0.0, 2.0),
    "norm": (lambda x: where(x * x, (x * x).sqrt(), 0.0 * x), 0.0, 0.0, 0.0, 0.0),
    "exp": (lambda x: where(x - 9.0, x * 3.0, x.exp().exp()), 800.0, 2400.0, 3.0, 0.0),
    "deep": (lambda x: where(x, (x.log() * x.log()).sqrt().sin(), x * x), -1.0, 1.0, -2.0, 2.0),
    "nested": (lambda x: where(x, where(x - 1, x.log(), 1 / x), x * x), 0.0, 0.0, 0.0, 2.0),
    "max": (lambda x: autograd.max([x * x, -1.0 / x.sqrt() * 0.0 - 1e9]), -2.0, NAN, NAN, NAN),
    "smaller": (lambda x: autograd.max([x * x + 1, x.sqrt()]), 0.0, 1.0, 0.0, 2.0),
    "condition": (lambda x: where(x.sqrt(), x * 2.0, x * 5.0), 0.0, 0.0, 5.0, 0.0),
    "step": (lambda x: autograd.step(x.log()) * x + x * x, 0.0, 0.0, 0.0, 2.0),
    "shared": (lambda x: (lambda r: where(x, r, 0.0) + x * 7.0)(x.sqrt()), 0.0, 0.0, 7.0, 0.0),
}


def same(a, b):
    return a == b or (a != a and b != b)


@for_each("name", BRANCHES)
def test_first_and_second_derivatives(name):
    f, point, value, first, second = BRANCHES[name]
    x = Value(point)
    y = f(x)
    y.backward()
    assert same(y.data, value) and same(x.grad, first)
    assert same(grad(f)(point), first)
    assert all(map(same, value_and_grad(f)(point), (value, first)))
    assert all(map(same, jvp(f, [point], [1.0]), (value, first)))
    assert same(grad(grad(f))(point), second)
    assert same(hessian(f)(point)[0, 0], second)
    assert same(jacobian(f)(point)[0, 0], first)
    tangent = jvp(grad(f), [point], [1.0])
    assert all(map(same, tangent, (first, second)))


@for_each("name", BRANCHES)
def test_steps_and_trace_say_what_backward_does(name):
    f, point, _, first, _ = BRANCHES[name]
    x = Value(point, label="x")
    y = f(x)
    walked = list(steps(y))
    assert same(x.grad, first)
    for step in walked[1:]:
        for share in step.shares:
            if not share.is_given:
                assert share.product == 0.0 and same(share.before, share.after)
    by_name = {row[0]: row[-1] for row in trace(y).rows}
    assert by_name["x"] == autograd.show.notation.digits(first)


def test_what_nothing_reaches_stays_at_zero():
    x = Value(0.0, label="x")
    log = x.log()
    branch = log * x
    f = where(x, branch, x * 2.0)
    for _ in range(2):  # also after a sweep in which it was reached
        f.backward()
        assert (log.grad, branch.grad) == (0.0, 0.0)
        assert type(log.grad) is float
        log.backward()
        assert log.grad == 1.0
    walked = {step.node: step for step in steps(f)}
    assert walked[log].lines() == [
        "no share reaches it: it is a condition, or on a branch that is not taken"
    ]
    assert [share.is_given for share in walked[f].shares] == [False, False, True]
    assert f.partials == (0.0, 0.0, 1.0)
    assert log in autograd.topological_order(f)


def test_steps_say_what_gets_no_share():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    walked = {step.node: step for step in steps(where(x, y * 2.0, x * x))}
    chosen, *_ = (step for step in walked.values() if step.node.op == "where" and step.shares)
    assert [line.split("  ")[0] for line in chosen.lines()] == [
        "x gets no share", "v1.grad += 1 × 1", "v2 gets no share",
    ]  # fmt: skip
    slope = {step.node.op: step for step in steps(autograd.step(x) * y) if step.shares}["step"]
    assert slope.is_reached and slope.lines() == ["x gets no share"]
    rows = {row[0]: row[5] for row in trace(where(x, y * 2.0, x * x)).rows}
    assert rows["v2"] == "(no share)"


def test_a_zero_gradient_is_still_a_share():
    """Structure decides, not the number: what is taken, times 0, is 0 times its derivative."""
    x = Value(0.0)
    (x.sqrt() ** 2).backward()
    assert math.isnan(x.grad)
    y = Value(0.0)
    where(1.0, y.sqrt() * 0.0, 5.0).backward()
    assert math.isnan(y.grad)
    z = Value(0.0)
    (autograd.relu(z.sqrt() - 1.0) + z).backward()  # relu multiplies by its derivative, 0
    assert math.isnan(z.grad)


def test_tied_maxima_all_get_their_share_and_a_nan_maximum_gives_nan_to_all():
    def f(*x):
        return autograd.max(x)

    assert grad(f)(2.0, 2.0, 1.0) == (0.5, 0.5, 0.0)
    assert grad(f)(INF, 1.0, INF) == (0.5, 0.0, 0.5)
    assert all(map(math.isnan, grad(f)(NAN, 1.0)))
    assert all(map(math.isnan, grad(f)(1.0, NAN)))
    assert all(map(math.isnan, grad(lambda x, y: f(x, y) * 3.0)(1.0, NAN)))


def test_a_nan_condition_takes_the_second():
    assert grad(lambda c, a, b: where(c, a, b))(NAN, 1.0, 2.0) == (0.0, 0.0, 1.0)
    assert grad(lambda c, a, b: where(c, a.log(), b))(NAN, 0.0, 2.0) == (0.0, 0.0, 1.0)


def test_an_infinite_gradient_passes_through_the_branch_that_is_taken_alone():
    x = Value(0.0)
    a, b = x + 1.0, x + 2.0
    (where(1.0, a, b) * INF).backward()
    assert (a.grad, b.grad, x.grad) == (INF, 0.0, INF)


@pytest.mark.slow
def test_a_long_iterated_choice_is_recorded_right():
    """How often a node is reached is not counted: 2^1024 ways would be infinitely many."""

    def f(x):
        for _ in range(1030):
            x = where(x - 0.5, x * (1.0 - x) * 3.7, 3.6 * x * (1.0 - x))
        return x

    assert grad(f)(Value(0.3)).data == grad(f)(0.3) != 0.0


# Recorded derivatives, and programs of them, whose rows take either branch

REPLAYED = {
    "polynomials": lambda x, w: where(x, x * x * w, -3.0 * x * w),
    "log": lambda x, w: where(x, x * x.log() * w, w * w * x),
    "max": lambda x, w: autograd.max([x * w, (x * w * w).sqrt(), -w]),
    "both use w": lambda x, w: where(x, (w * x).sqrt(), (w - x).log() * w) + w * w,
    "nested": lambda x, w: where(x, where(x - w, (x - w).log(), (w - x).sqrt()), w / (x - 4.0)),
    "below": lambda x, w: where(x, autograd.max([(x * w).log(), x - 1.0]), w**3).sin(),
}
ROWS = [[0.5], [-0.5], [0.0], [3.0], [1.0]]


@for_each("name", REPLAYED)
@for_each("recorded_at", [0.5, -0.5, 0.0])
def test_a_recorded_derivative_is_right_on_both_branches(name, recorded_at):
    f = REPLAYED[name]
    x, w = Value(recorded_at, label="x"), Value(1.5, label="w")
    program = autograd.compile(list(grad(f)(x, w)), [x], [w])
    for row in ROWS:
        np.testing.assert_allclose(program([row])[0][0], grad(f)(*row, 1.5), rtol=1e-12)


@for_each("name", REPLAYED)
@for_each("recorded_at", [0.5, -0.5, 0.0])
def test_a_program_gives_the_gradient_of_each_example_as_the_graph_does(name, recorded_at):
    f = REPLAYED[name]
    x, w = Value(recorded_at, label="x"), Value(1.5, label="w")
    program = autograd.compile(f(x, w), [x], [w])
    gradients = [grad(f)(*row, 1.5)[1] for row in ROWS]
    for row, gradient in zip(ROWS, gradients, strict=True):
        np.testing.assert_allclose(program([row])[1], [gradient], rtol=1e-12)
    np.testing.assert_allclose(program(ROWS)[1], [sum(gradients)], rtol=1e-12)


def masked_layer(x, w):
    """A layer over exp(x), infinite in some examples, that these do not take."""
    hidden = autograd.affine([[w, 2.0], [w * w, w]], [x.exp(), x])
    return where(5.0 - x, hidden[0].tanh() + hidden[1] / 100, w * x)


def of_parameters_alone(x, w):
    """What no input has a say in, but which branch takes it."""
    return where(x, (w - 1.5).log(), w) + where(1.0 - x, (1.5 - w).sqrt(), -w)


def a_condition_alone(x, w):
    """Of two logarithms, one is only asked for its sign."""
    logs = [(x + 1.0).log(), (w * x).log()]
    return where(logs[1], logs[0] * w, w * 3.0)


def some_rows(x, w):
    """Rows of one operation that some shares reach always, some by one branch, some by both."""
    a, b, c, d = ((x - k).sqrt() for k in (-9.0, 1.0, 0.0, 0.5))
    return a * w + where(x - 1.0, b * w, 0.0) + where(x, c * w, w) + where(x - 0.5, d, d * 0.0 + w)


def stacked(x, w):
    sums = [autograd.sum([(x * k).log(), w]) for k in (1.0, -1.0, 0.0)]
    return where(x, sums[0], where(-x, sums[1] * w, w)) + autograd.max([sums[2], w * x])


def computed_weights(x, w):
    """A layer whose weights have an infinite derivative, where no example reaches it."""
    return where(x, autograd.dot([(w - 1.5).sqrt(), w], [x, 2.0]), w * 3.0)


def a_computed_bias(x, w):
    return where(x, autograd.affine([[w]], [x], [(w - 1.5).sqrt()])[0], w * 3.0)


def a_bias_that_varies_alone(x, w):
    return where(x, autograd.affine([[w]], [(w - 1.5).sqrt()], [x])[0], w * 3.0)


def an_infinite_input(x, w):
    return where(x, autograd.affine([[w]], [((w - 1.5) * x).sqrt()])[0], w * 3.0)


def neurons_of_other_examples(x, w):
    """Two neurons of a layer, each reached by other examples."""
    h = autograd.affine([[(w - 1.5).sqrt()], [w]], [(w * x).tanh()])
    return where(x, h[0], h[1])


def sums_of_other_examples(x, w):
    sums = [autograd.sum([w, (x * w * k).log()]) for k in (1.0, -1.0)]
    return where(x, sums[0], where(-x, sums[1] * w, w))


def minus_zero(x, w):
    return w / where(x, 1.0, -0.0)


PARTIAL = [
    masked_layer, of_parameters_alone, a_condition_alone, some_rows, stacked, computed_weights,
    a_computed_bias, a_bias_that_varies_alone, an_infinite_input, neurons_of_other_examples,
    sums_of_other_examples, minus_zero,
]  # fmt: skip


@for_each("f", PARTIAL)
@for_each("point", [2.0, 1.5])
def test_programs_of_groups_that_are_reached_in_part(f, point):
    rows = [[0.25], [3.0], [0.0], [1.0], [0.5], [800.0], [-2.0]]
    x, w = Value(0.25, label="x"), Value(point, label="w")
    program = autograd.compile(f(x, w), [x], [w])
    gradients = [grad(f)(*row, point)[1] for row in rows]
    for row, gradient in zip(rows, gradients, strict=True):
        np.testing.assert_allclose(program([row])[1], [gradient], rtol=1e-12)
        np.testing.assert_allclose(program([row])[0], [f(*map(Value, (*row, point))).data])
    finite = [row for row, gradient in zip(rows, gradients, strict=True) if math.isfinite(gradient)]
    expected = sum(g for g in gradients if math.isfinite(g))
    assert len(finite) >= 3 or point == 1.5
    if finite:
        np.testing.assert_allclose(program(finite)[1], [expected], rtol=1e-12)


FUNCTIONS = [
    Value.log, Value.sqrt, Value.exp, Value.tanh, autograd.step, lambda v: 1.0 / v,
    lambda v: v * v, lambda v: -v,
]  # fmt: skip


def random_branches(seed, leaves):
    """A graph of functions with poles and edges, among choices."""
    r = random.Random(seed)
    pool = list(leaves)
    for _ in range(r.randint(3, 12)):
        kind = r.random()
        a, b, c = (r.choice(pool) for _ in range(3))
        if kind < 0.45:
            pool.append(r.choice(FUNCTIONS)(a))
        elif kind < 0.7:
            pool.append(where(a, b, r.choice([c, 0.0, 2.0])))
        elif kind < 0.8:
            pool.append(autograd.max([a, b, c]))
        elif kind < 0.9:
            pool.append(a + b)
        else:
            pool.append(a * b)
    return pool[-1]


@pytest.mark.slow
@examples(8)
@given(st.integers(0, 2**40))
def test_random_branches_at_hard_points(start):
    """Program, recorded derivative and sweep agree, example by example, at 0, 1, -1 and 800."""
    for seed in range(start, start + 5):

        def f(x, y, w, seed=seed):
            return random_branches(seed, [x, y, w])

        x, y, w = Value(1.0), Value(-1.0), Value(2.0)
        program = autograd.compile(f(x, y, w), [x, y], [w])
        gradients = [g if isinstance(g, Value) else Value(g) for g in grad(f)(x, y, w)]
        recorded = autograd.compile(gradients, [x, y, w], [])
        for row in itertools.product([0.0, 1.0, -1.0, 800.0], repeat=2):
            expected = grad(f)(*row, 2.0)
            leaves = [Value(v) for v in (*row, 2.0)]
            f(*leaves).backward()
            # Sums of infinities of either sign depend on their order: such points say nothing.
            np.testing.assert_allclose([v.grad for v in leaves], expected, err_msg=str((seed, row)))
            np.testing.assert_allclose(program([row])[1], expected[2:], err_msg=str((seed, row)))
            np.testing.assert_allclose(
                recorded([[*row, 2.0]])[0][0], expected, err_msg=str((seed, row))
            )


@pytest.mark.parametrize("varying", ["nothing", "inputs", "biases", "both"])
@pytest.mark.parametrize("infinite", [False, True])
def test_each_neuron_of_a_layer_is_reached_by_examples_of_its_own(varying, infinite):
    def build(x, p):
        inputs = x[:2] if varying in ("inputs", "both") else [p[6], p[7]]
        biases = x[2:4] if varying in ("biases", "both") else p[4:6]
        a = autograd.affine([p[:2], p[2:4]], inputs, biases)
        parts = [where(gate, (a_j * a_j).sqrt() if infinite else a_j * gate, 0.0)
                 for gate, a_j in zip(x[4:], a, strict=True)]  # fmt: skip
        return parts[0] * 3.0 + parts[1]

    rows = [[0.5, -1.0, 2.0, 0.0, *gates] for gates in ((1, -1), (2, 3), (-1, 1), (-1, -2), (1, 1))]
    # The second neuron is at 0, where the root has an infinite derivative, and is reached or not.
    parameters = [0.3, -0.7, 0.5, 0.25, 0.1, 0.0, 0.5, -1.0]
    rows = [row for row in rows if row[5] < 0] if infinite else rows
    assert_same(build, rows, parameters)
