"""One example in plain floats, many in blocks: the numbers are those of the whole batch.

Python's floats raise errors where IEEE has inf or nan. Then nothing is written, and NumPy runs.
"""

import math
import threading

import numpy as np
import pytest
from random_graphs import assert_same, record, values

import autograd
from autograd import compiler, primitive
from autograd.compiler import floats
from autograd.compiler.floats import Example
from autograd.compiler.structure import Kept
from autograd.compiler.written import LARGEST, LEAST
from nn import MLP, categorical_nll

INF, NAN = math.inf, math.nan


@pytest.fixture
def answers(monkeypatch):
    """What plain floats answered: None where NumPy has to run."""
    found = []
    answer = Example.__call__

    def noted(self, *arguments):
        found.append(answer(self, *arguments))
        return found[-1]

    monkeypatch.setattr(Example, "__call__", noted)
    return found


def compiled(build, n, m):
    inputs, parameters, roots = record(build, [0.5] * n, [0.75] * m)
    return autograd.compile(roots if len(roots) > 1 else roots[0], inputs, parameters)


def in_both(program, row, theta):
    """Outputs and gradients for a row, run alone; and half of those of two such rows."""
    alone, d_alone = program([row], theta)
    both, d_both = program([row, row], theta)
    return alone[0], d_alone, both[0], d_both / 2.0


def assert_equal_in_both(program, row, theta, rtol=1e-14):
    alone, d_alone, both, d_both = in_both(program, row, theta)
    np.testing.assert_allclose(alone, both, rtol=rtol)
    np.testing.assert_allclose(d_alone, d_both, rtol=rtol)
    np.testing.assert_array_equal(program.forward([row], theta)[0], alone)
    return alone


# One example

FUNCTIONS = {
    "exp": (lambda v: v.exp(), [0.5, -0.0, INF, -INF, NAN], [710.0]),
    "log": (lambda v: v.log(), [0.5, 1.0, INF, NAN], [0.0, -0.0, -1.0, -INF]),
    "sqrt": (lambda v: v.sqrt(), [0.5, INF, NAN], [-1.0, -INF]),
    "sin": (lambda v: v.sin(), [0.5, -0.0, NAN], [INF, -INF]),
    "cos": (lambda v: v.cos(), [0.5, -0.0, NAN], [INF, -INF]),
    "tanh": (lambda v: v.tanh(), [0.5, -0.0, 800.0, -800.0, INF, NAN], []),
    "erf": (lambda v: autograd.erf(v), [0.5, -30.0, INF, NAN], []),
    "sigmoid": (lambda v: v.sigmoid(), [0.5, 800.0, -800.0, NAN], []),
    "softplus": (lambda v: v.softplus(), [0.5, 800.0, -800.0, NAN], []),
    "relu": (lambda v: v.relu(), [0.5, 0.0, -0.0, -2.0, INF, -INF, NAN], []),
    "abs": (lambda v: abs(v), [0.5, 0.0, -0.0, -2.0, INF, -INF, NAN], []),
    "step": (lambda v: autograd.step(v), [0.5, 0.0, -0.0, -2.0, INF, NAN], []),
    "negative": (lambda v: -v, [0.5, 0.0, -0.0, NAN], []),
    "product": (lambda v: v * v * 1e200, [1.0, 1e200, INF, -INF, NAN, 0.0], []),
    "difference": (lambda v: v * 2.0 - v, [1.0, INF, -INF, NAN], []),
    "division": (lambda v: 1.0 / v, [0.5, INF, -INF, NAN], [0.0, -0.0]),
    "0 by 0": (lambda v: v / v, [0.5, INF, NAN], [0.0]),
    "square": (lambda v: v**2, [0.5, 1e200, -INF, NAN], []),
    "root of a power": (lambda v: v**1.5, [0.5, 0.0, INF, NAN], [-1.0, 1e300]),
    "reciprocal power": (lambda v: v**-2.5, [0.5, INF, NAN], [0.0, -1.0]),
    "power of it": (lambda v: 2.0**v, [0.5, -INF, NAN], [2000.0]),
    "maximum": (lambda v: autograd.max([v, 1.0, v * 0.5]), [0.5, 3.0, INF, -INF, NAN], []),
    "logsumexp": (lambda v: autograd.logsumexp([v, 1.0]), [0.5, 800.0, -INF], []),
    "where": (lambda v: autograd.where(v, v * 2.0, -v), [0.5, 0.0, -0.0, -2.0, INF, NAN], []),
    "branch not taken": (
        lambda v: autograd.where(v - 1.0, v, 2.0 - v), [0.5, 1.0, 2.0, INF, -INF, NAN], []),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_at_its_special_points_is_that_of_numpy(name, answers):
    f, finite, raising = FUNCTIONS[name]
    program = compiled(lambda x, p: f(x[0] * p[0]) * p[1], 1, 2)
    for x in (*finite, *raising):
        answers.clear()
        assert_equal_in_both(program, [x], [1.0, 1.5])
        assert [a is None for a in answers] == [x in raising] * 2, x
    rows = [[x] for x in finite if math.isfinite(x)]
    assert_same(lambda x, p: f(x[0] * p[0]) * p[1], rows[:1], [1.0, 1.5])


@pytest.mark.parametrize("x", [0.0, -0.0])
def test_signs_of_zero_are_those_of_numpy(x):
    f = lambda x, p: [x[0] * 2.0, -x[0], abs(x[0]), x[0] - x[0], x[0].sin(), x[0] + 0.0]  # noqa: E731
    program = compiled(f, 1, 0)
    alone, both = program.forward([[x]])[0], program.forward([[x], [x]])[0]
    assert list(map(str, alone)) == list(map(str, both))


def test_where_floats_do_not_suffice_nothing_is_written_before_numpy_runs(answers):
    program = compiled(lambda x, p: (x[0] * p[0]).log() * p[1], 1, 2)
    theta, out = np.array([1.0, 2.0]), np.array([7.0, 7.0])
    with np.errstate(all="ignore"):
        losses = program.bind(theta, out)(np.array([[0.0]]))
    assert answers == [None]
    np.testing.assert_array_equal([*losses, *out], [-INF, NAN, -INF])
    example = program._written.example
    out[:] = 7.0
    assert Example.__call__(example, np.array([[0.0]]), theta, out) is None
    assert out.tolist() == [7.0, 7.0]


def test_a_slope_may_be_infinite_where_the_value_is_not(answers):
    program = compiled(lambda x, p: (x[0] * p[0]).sqrt(), 1, 1)
    assert program.forward([[0.0]]).tolist() == [0.0]
    assert answers[-1] is not None
    assert_equal_in_both(program, [0.0], [2.0])
    assert None in answers


def test_a_branch_that_is_not_taken_may_be_infinite(answers):
    def build(x, p):
        v = x[0] * p[0]
        return autograd.where(v, v.log(), v.exp()) + autograd.where(x[1], 1.0 / v, v)

    program = assert_same(build, [[-1.0, -1.0]], [1.5])
    for row in ([-1.0, -1.0], [0.0, -1.0], [2.0, 1.0], [-1.0, 1.0], [0.0, 0.0]):
        assert_equal_in_both(program, row, [1.5])
        assert_same(build, [row], [1.5])
    assert None in answers and any(a is not None for a in answers)


def recurrence(x, p):
    a, b, kept = x[0], x[1], []
    for t in range(12):
        a, b = autograd.where(a, (a * p[0] + b).sin(), b * 0.5 - a), (b * p[1] + x[t % 3]).tanh()
        kept.append(a * b)
    return [autograd.sum(kept), kept[3], b]


def matrix(x, p):
    z = [autograd.dot(p[3 * i : 3 * i + 3], x, p[9]).tanh() for i in range(3)]
    z = [autograd.dot([p[3 * i + j] for i in range(3)], z) for j in range(3)]
    e = [v.exp() for v in z]
    return [v / autograd.sum(e) for v in e]


def positions(x, p):
    a = [autograd.dot(p[:2], x[i : i + 2]).sin() for i in range(3)]
    return autograd.sum([v * w for v in a for w in a]) + autograd.max(a)


def many_shares(x, p):
    z = [(w * x[0]).sin() for w in p]
    return autograd.dot([x[1] * k for k in range(1, 20)], [z[k * k % 7] for k in range(19)])


@pytest.mark.parametrize(
    ("build", "n", "m"),
    [(recurrence, 3, 2), (matrix, 3, 10), (positions, 4, 2), (many_shares, 2, 20)],
)
def test_whatever_a_program_consists_of(build, n, m, answers):
    rng = np.random.default_rng(0)
    for _ in range(3):
        row, theta = rng.normal(size=n), rng.normal(size=m)
        assert_same(build, [row], theta.tolist())
        alone, d_alone, both, d_both = in_both(compiled(build, n, m), row, theta)
        np.testing.assert_allclose(alone, both, rtol=1e-12)
        np.testing.assert_allclose(d_alone, d_both, rtol=1e-10, atol=1e-13)
    assert answers and all(a is not None for a in answers)


def test_a_root_may_be_a_leaf_or_a_constant(answers):
    program = assert_same(lambda x, p: [x[0], p[0], autograd.Value(3.0), x[0]], [[2.0]], [5.0])
    assert program.forward([[2.0]]).tolist() == [[2.0, 5.0, 3.0, 2.0]]
    assert answers[-1] is not None


def test_results_of_one_example_are_the_callers_own():
    program = compiled(lambda x, p: x[0] * p[0], 1, 1)
    first, second = program([[2.0]]), program([[3.0]])
    assert (first[0].tolist(), second[0].tolist()) == ([1.5], [2.25])
    assert (first[0].shape, first[0].dtype) == ((1,), float)
    first[0][:] = 0.0
    assert program([[2.0]])[0].tolist() == [1.5]


def test_parameters_are_read_at_every_call():
    program = compiled(lambda x, p: x[0] * p[0], 1, 1)
    theta, out = np.array([2.0]), np.zeros(1)
    run = program.bind(theta, out)
    assert (run(np.array([[3.0]])).tolist(), out.tolist()) == ([6.0], [3.0])
    theta[0] = 5.0
    assert run(np.array([[3.0]])).tolist() == [15.0]


def test_own_primitives_run_in_numpy():
    square = primitive("square", lambda x: x * x, lambda z, x: (2 * x,))
    program = assert_same(lambda x, p: square(x[0] * p[0]), [[2.0]], [0.5])
    assert program._written.example is None


def test_wide_arrays_run_in_numpy_and_short_ones_in_floats(monkeypatch):
    def of(sizes):
        net = MLP(sizes[0], sizes[1:], rng=np.random.default_rng(0))
        x, y = values(*[0.5] * sizes[0]), values(*[1.0] + [0.0] * (sizes[-1] - 1))
        root = categorical_nll(net(x), y)
        return autograd.compile(root, x + y, net.parameters())._written.example

    assert of([2, 3, 2]) is not None
    assert of([30, 40, 10]) is None
    # A text that is too long takes too long to be read.
    monkeypatch.setattr(compiler, "_kept", Kept())
    monkeypatch.setattr(floats, "LONGEST", 10)
    assert of([2, 3, 2]) is None


def test_each_operation_of_the_text_is_counted_however_often_it_runs(monkeypatch):
    def chain(x, p):
        v = x[0]
        for _ in range(50):
            v = (v * p[0]).sin()
        return v

    monkeypatch.setattr(compiler, "_kept", Kept())
    monkeypatch.setattr(floats, "LONGEST", 40)  # a step is but a few operations
    assert compiled(chain, 1, 1)._written.example is not None


def test_text_is_written_at_the_first_call_and_for_all_threads():
    program = compiled(lambda x, p: (x[0] * p[0]).cos(), 1, 1)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(program([[0.5]])[0][0])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [math.cos(0.375)] * 8


def test_programs_are_shared_as_before(monkeypatch):
    monkeypatch.setattr(compiler, "_kept", Kept())
    first = compiled(lambda x, p: x[0] * p[0], 1, 1)
    first([[1.0]])
    second = compiled(lambda x, p: x[0] * p[0], 1, 1)
    assert second._written is first._written
    assert len(compiler._kept.items()) == 1


# Many examples


def deep(x, p):
    """A program whose blocks are of 64 rows: its arrays are large."""
    a = [(p[i % 7] * x[i % 2] + i).sin() for i in range(LARGEST // LEAST)]
    return [autograd.sum(a), a[3]]


def test_a_large_batch_is_run_in_blocks():
    program = compiled(deep, 2, 7)
    written = program._written
    assert written.block == LEAST
    seen, run = [], written.run
    written.run = lambda batch, *rest: (seen.append(len(batch)), run(batch, *rest))[1]
    rng = np.random.default_rng(0)
    batch, theta = rng.normal(size=(1000, 2)), rng.normal(size=7)
    with np.errstate(all="ignore"):
        ones = [run(row[None], written.views(theta), None)[0] for row in batch]
    try:
        for b, blocks in {
            63: [63], 64: [64], 127: [127], 128: [64, 64], 129: [64, 64, 1],
            1000: [64] * 15 + [40],
        }.items():  # fmt: skip
            seen.clear()
            losses, gradient = program(batch[:b], theta)
            assert seen == blocks
            assert losses.shape == (b, 2)
            np.testing.assert_allclose(losses, ones[:b], rtol=1e-12, atol=1e-11)
            np.testing.assert_array_equal(program.forward(batch[:b], theta), losses)
            whole = np.empty(7)
            run(batch[:b], written.views(theta), written.views(whole))
            np.testing.assert_allclose(gradient, whole, rtol=1e-11, atol=1e-11)
    finally:
        written.run = run


@pytest.mark.parametrize("b", [0, 1, 2, 63, 64, 127, 128, 129, 1000])
@pytest.mark.parametrize("one", [True, False])
def test_any_number_of_rows_gives_what_the_rows_give_one_by_one(b, one, monkeypatch):
    def build(x, p):
        a = [autograd.dot(p[2 * i : 2 * i + 2], x).tanh() for i in range(3)]
        return autograd.sum(a) * p[6] if one else [a[0] * p[6], a[1], x[0], p[6]]

    program = compiled(build, 2, 7)
    monkeypatch.setattr(program._written, "block", 64)
    rng = np.random.default_rng(b)
    batch, theta = rng.normal(size=(b, 2)), rng.normal(size=7)
    losses, gradient = program(batch, theta)
    assert losses.shape == ((b,) if one else (b, 4))
    found = [program(row[None], theta) for row in batch]
    if b:
        ones = np.concatenate([a for a, _ in found])
        np.testing.assert_allclose(losses, ones, rtol=1e-13, atol=1e-15)
    total = np.sum([d for _, d in found], axis=0) if b else np.zeros(7)
    np.testing.assert_allclose(gradient, total, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(program.forward(batch, theta), losses)


def test_blocks_are_as_large_as_their_own_costs_ask_for():
    # Of a small program a block costs more by itself than its numbers do: 1000 ns a statement.
    small = compiled(lambda x, p: x[0] * p[0], 1, 1)._written.block
    assert small == LARGEST
    large = compiled(deep, 2, 7)._written.block
    assert large == LEAST

    def shared(x, p):  # one statement for a thousand parameters
        return autograd.dot(p, [x[0] * k for k in range(1000)])

    assert compiled(shared, 1, 1000)._written.block >= LEAST

    def many_steps(x, p):
        v = x[0]
        for _ in range(1000):
            v = (v * p[0]).sin()
        return v

    # Each step is of one number for each example, whatever the room for all of them.
    assert compiled(many_steps, 1, 1)._written.block == LARGEST
