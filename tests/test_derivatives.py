"""Derivatives of functions: against mpmath, against results worked out by hand, and of each other.

What is promised: numbers give numbers and Values give Values; derivatives nest to any order and
never mix up their variables; nothing outside is touched; `gradcheck` finds what is wrong.
"""

import math
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import (
    Value,
    checks,
    cos,
    dot,
    exp,
    finite_difference,
    grad,
    gradcheck,
    hessian,
    jacobian,
    jvp,
    log,
    logsumexp,
    primitive,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    step,
    tanh,
    value_and_grad,
    where,
)
from autograd.differences import Line, Slopes
from tests.cases import examples, for_each

FOUR_WAYS = [grad, value_and_grad, jacobian, hessian]  # all of them are called as way(f)(*x)


def nth(f, order):
    """The derivative of ``f``, ``order`` times over."""
    for _ in range(order):
        f = grad(f)
    return f


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


# ------------------------------------------------------------------------------------------ grad


def test_one_argument_gives_a_float():
    slope = grad(lambda x: x * x)(3.0)
    assert slope == 6.0
    assert type(slope) is float


def test_several_arguments_give_a_tuple_of_floats():
    slopes = grad(lambda x, y, z: x * y - z / x)(2.0, 5.0, 8.0)
    assert slopes == (5.0 + 8.0 / 4.0, 2.0, -0.5)
    assert type(slopes) is tuple
    assert {type(d) for d in slopes} == {float}


def test_the_function_of_the_readme():
    slopes = grad(lambda x, y: log(x) + x * y - sin(y))(2.0, 5.0)
    assert slopes == (5.5, 1.7163378145367738)


@pytest.mark.parametrize("x", [2, 2.0, np.float64(2), np.float32(2), np.int64(2)])
def test_any_real_number_is_a_point(x):
    slope = grad(lambda v: v**3)(x)
    assert slope == 12.0
    assert type(slope) is float


def test_an_argument_that_is_not_used_gets_zero():
    assert grad(lambda x, y: 3 * x)(1.0, 2.0) == (3.0, 0.0)
    assert value_and_grad(lambda x, y: y)(1.0, 2.0) == (2.0, (0.0, 1.0))


@pytest.mark.parametrize("constant", [7, 7.0, np.float64(7.0), Value(7.0)])
def test_a_constant_function_has_derivative_zero(constant):
    assert value_and_grad(lambda x: constant)(1.0) == (7.0, 0.0)
    assert grad(lambda x, y: constant)(1.0, 2.0) == (0.0, 0.0)
    assert hessian(lambda x, y: constant)(1.0, 2.0).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert jvp(lambda x: constant, [1.0], [1.0]) == (7.0, 0.0)


def test_an_argument_used_many_times_collects_every_path():
    # x*x + 3x + x, and by the product rule for x * sin(x)
    assert grad(lambda x: x * x + 3 * x + x)(5.0) == 14.0
    assert grad(lambda x: x * x.sin())(0.5) == pytest.approx(
        math.sin(0.5) + 0.5 * math.cos(0.5), rel=1e-15
    )


def test_a_function_of_python_with_loops_and_branches():
    def power(x, n):
        y = 1.0
        for _ in range(n):
            y = y * x
        return y if x > 0 else -y

    assert grad(lambda x: power(x, 4))(3.0) == 4 * 27.0
    assert grad(lambda x: power(x, 4))(-3.0) == 4 * 27.0


@for_each("way", [grad, value_and_grad, hessian])
@for_each("f", [lambda x: [x], lambda x: (x, x), lambda x: np.array([x, x]), lambda x: np.ones(2)])
def test_several_outputs_are_refused_with_the_way_out(way, f):
    with pytest.raises(TypeError, match="jacobian"):
        way(f)(1.0)


@for_each("way", FOUR_WAYS)
@for_each("result", [None, "1", 1j, {}])
def test_a_result_that_is_no_number_is_refused(way, result):
    with pytest.raises(TypeError, match="return"):
        way(lambda x: result)(1.0)


@for_each("way", [*FOUR_WAYS, lambda f: lambda *x: finite_difference(f, *x)])
@for_each("x", ["1.0", None, 1j, [1.0], (1.0, 2.0), np.array([1.0, 2.0])])
def test_a_point_that_is_no_number_is_refused(way, x):
    with pytest.raises(TypeError):
        way(lambda v: v * 1.0)(x)


@pytest.mark.parametrize("way", FOUR_WAYS)
def test_a_point_is_needed(way):
    with pytest.raises(TypeError, match="point"):
        way(lambda: 1.0)()


def test_value_and_grad_gives_both():
    value, slopes = value_and_grad(lambda x, y: x**2 * y)(3.0, 5.0)
    assert (value, slopes) == (45.0, (30.0, 9.0))
    assert type(value) is float


def test_f_is_called_once_for_a_gradient_of_many_inputs():
    calls = []

    def f(*x):
        calls.append(x)
        return autograd.sum(x)

    assert grad(f)(*[1.0] * 50) == (1.0,) * 50
    assert len(calls) == 1


@pytest.mark.slow
def test_a_deep_function_needs_no_deep_recursion():
    def f(x):
        for _ in range(20_000):
            x = x + 1.0
        return x * x

    assert value_and_grad(f)(0.0) == (4e8, 40_000.0)
    assert jvp(f, [0.0], [1.0]) == (4e8, 40_000.0)


# ------------------------------------------------------------------------------------------- jvp


@pytest.mark.parametrize("v", [(1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, -2.0, 0.5)])
def test_jvp_is_the_gradient_times_the_direction(v):
    def f(x, y, z):
        return x * y.sin() + logsumexp([x, y, z]) / z + dot([x, y], [y, z], x)

    x = (0.7, -1.2, 2.0)
    value, slope = jvp(f, x, v)
    assert type(slope) is float
    assert value == f(*map(Value, x)).data
    assert slope == pytest.approx(np.dot(grad(f)(*x), v), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x, y: x + y.sqrt(), (1.0, 0.0), 1.0),
        (lambda x, y: x**y, (-2.0, 3.0), 12.0),
        (lambda x, y: x * x + y.log(), (3.0, 0.0), 6.0),
    ],
)
@pytest.mark.parametrize("zero", [0.0, -0.0, 0, np.float32(0)])
def test_an_input_that_does_not_move_has_no_share_in_a_jvp(f, x, slope, zero):
    assert not math.isfinite(grad(f)(*x)[1])
    assert jvp(f, x, [1.0, zero])[1] == slope
    assert jvp(f, [Value(v) for v in x], [1.0, zero])[1].data == slope


@pytest.mark.parametrize(("x", "v"), [([1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0]), ([1.0], [])])
def test_jvp_wants_a_direction_of_the_length_of_the_point(x, v):
    with pytest.raises(ValueError, match=rf"{len(x)} and {len(v)}"):
        jvp(lambda *x: x[0] * 2.0, x, v)


@pytest.mark.parametrize("sequence", [list, tuple, np.array])
def test_jvp_takes_any_sequences(sequence):
    assert jvp(lambda x, y: x * y, sequence([2.0, 3.0]), sequence([1.0, 10.0])) == (6.0, 23.0)


def test_jvp_with_values_in_the_point_gives_values_recorded_on_them():
    x = Value(3.0)
    value, slope = jvp(lambda a: a**3, [x], [1.0])
    assert isinstance(value, Value)
    assert (value.data, slope.data) == (27.0, 27.0)
    slope.backward()
    assert x.grad == 18.0  # d(3 x^2)/dx


def test_jvp_of_a_constant_gives_values_too_where_values_went_in():
    value, slope = jvp(lambda a: 7.0, [Value(3.0)], [1.0])
    assert isinstance(value, Value)
    assert isinstance(slope, Value)
    assert (value.data, slope.data) == (7.0, 0.0)


def test_jvp_with_values_in_the_direction_gives_values_recorded_on_them():
    v = Value(2.0)
    value, slope = jvp(lambda a: a**3, [3.0], [v])
    assert isinstance(value, Value)
    assert (value.data, slope.data) == (27.0, 54.0)
    slope.backward()
    assert v.grad == 27.0


def test_jvp_of_jvp_is_the_second_derivative():
    def f(x):
        return x.sin() * x

    def slope(x):
        return jvp(f, [x], [1.0])[1]

    second = jvp(slope, [0.3], [1.0])[1]
    assert second == pytest.approx(2 * math.cos(0.3) - 0.3 * math.sin(0.3), rel=1e-14)
    assert grad(slope)(0.3) == pytest.approx(second, rel=1e-14)


# -------------------------------------------------------------------------- jacobian and hessian


def test_jacobian_has_a_row_per_output_and_a_column_per_input():
    matrix = jacobian(lambda x, y, z: [x * y, y + 2 * z])(2.0, 3.0, 4.0)
    assert matrix.dtype == float
    assert matrix.shape == (2, 3)
    assert matrix.tolist() == [[3.0, 2.0, 0.0], [0.0, 1.0, 2.0]]


@pytest.mark.parametrize(
    "f", [lambda x, y: x * y, lambda x, y: [x * y], lambda x, y: np.array([x * y])]
)
def test_jacobian_of_a_single_output_is_one_row(f):
    assert jacobian(f)(2.0, 3.0).tolist() == [[3.0, 2.0]]


def test_jacobian_of_one_input_is_one_column():
    assert jacobian(lambda x: (x, x * x, 5.0))(3.0).tolist() == [[1.0], [6.0], [0.0]]


def test_jacobian_of_no_output_has_no_row():
    assert jacobian(lambda x, y: [])(2.0, 3.0).shape == (0, 2)


def test_jacobian_of_values_is_an_array_of_values():
    x, y = Value(2.0), Value(3.0)
    matrix = jacobian(lambda a, b: [a * a * b, 7.0])(x, y)
    assert matrix.shape == (2, 2)
    assert [v.data for v in matrix.flat] == [12.0, 4.0, 0.0, 0.0]
    matrix[0, 0].backward()  # 2ab
    assert (x.grad, y.grad) == (6.0, 4.0)


def test_jacobian_of_the_gradient_is_the_hessian():
    point = (0.5, -1.5)
    twice = jacobian(lambda x, y: grad(rosenbrock)(x, y))(*point)
    np.testing.assert_allclose(twice, hessian(rosenbrock)(*point), rtol=1e-14)


@pytest.mark.parametrize("point", [(1.0, 1.0), (-1.2, 1.0), (0.0, 0.0)])
def test_hessian_of_the_rosenbrock_function(point):
    x, y = point
    by_hand = [[2 - 400 * (y - x * x) + 800 * x * x, -400 * x], [-400 * x, 200.0]]
    matrix = hessian(rosenbrock)(x, y)
    assert matrix.dtype == float
    np.testing.assert_allclose(matrix, by_hand, rtol=1e-14)


def test_hessian_against_mpmath():
    def f(m):
        return lambda x, y, z: m.exp(x * y) * m.sin(z) + z**3 / x - m.log(y) * m.tanh(x + z)

    point = (0.7, 1.3, -0.4)
    matrix = hessian(f(autograd))(*point)
    with mpmath.workdps(40):
        for i in range(3):
            for j in range(3):
                orders = [0, 0, 0]
                orders[i] += 1
                orders[j] += 1
                exact = mpmath.diff(f(mpmath), point, tuple(orders))
                assert matrix[i, j] == pytest.approx(float(exact), rel=1e-13)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-14)


def test_hessian_of_logsumexp_is_the_covariance_of_softmax():
    x = np.array([0.3, -1.0, 2.0])
    p = np.exp(x) / np.exp(x).sum()
    matrix = hessian(lambda *v: logsumexp(v))(*x)
    np.testing.assert_allclose(matrix, np.diag(p) - np.outer(p, p), rtol=1e-13)


def test_hessian_of_a_dot_product_couples_the_two_sides():
    matrix = hessian(lambda w, v, x, y, b: dot([w, v], [x, y], b))(1.0, 2.0, 3.0, 4.0, 5.0)
    expected = np.zeros((5, 5))
    expected[0, 2] = expected[2, 0] = expected[1, 3] = expected[3, 1] = 1.0
    assert matrix.tolist() == expected.tolist()


@for_each(
    "f", [relu, abs, step, lambda x: where(x, 3 * x, 2 * x), lambda x: autograd.max([x, 1.0])]
)
@for_each("x", [-2.0, 0.0, 2.0])
def test_what_is_made_of_straight_pieces_has_no_second_derivative(f, x):
    assert hessian(f)(x).tolist() == [[0.0]]
    assert nth(f, 2)(x) == 0.0


def test_hessian_of_values_is_an_array_of_values():
    x, y = Value(2.0), Value(3.0)
    matrix = hessian(lambda a, b: a**3 * b)(x, y)
    assert [v.data for v in matrix.flat] == [36.0, 12.0, 12.0, 0.0]
    matrix[0, 0].backward()  # 6ab
    assert (x.grad, y.grad) == (18.0, 12.0)


matrices = st.integers(1, 3).flatmap(
    lambda n: st.lists(
        st.lists(st.floats(-1e6, 1e6), min_size=n, max_size=n), min_size=1, max_size=3
    )
)
squares = st.integers(1, 3).flatmap(
    lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n), min_size=n, max_size=n)
)


@examples(40)
@given(matrices, st.booleans())
def test_the_jacobian_of_a_linear_map_is_its_matrix(A, by_dot):
    def f(*x):
        if by_dot:
            return [dot(row, x) for row in A]
        return [autograd.sum([a * v for a, v in zip(row, x, strict=True)]) for row in A]

    assert jacobian(f)(*[0.5] * len(A[0])).tolist() == A


@examples(40)
@given(squares, st.floats(-3, 3))
def test_the_hessian_of_a_quadratic_form_is_A_plus_its_transpose(A, at):
    def f(*x):
        return dot(x, [dot(row, x) for row in A])

    A = np.array(A)
    assert hessian(f)(*[at] * len(A)).tolist() == (A + A.T).tolist()


# --------------------------------------------------------------------------- nested derivatives


def mp_sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


@for_each("order", [1, 2, 3, 4])
@for_each("x", [-1.3, 0.0, 0.4, 2.0])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (sin, mpmath.sin),
        (exp, mpmath.exp),
        (lambda x: x**5, lambda x: x**5),
        (tanh, mpmath.tanh),
        (sigmoid, mp_sigmoid),
        (softplus, lambda x: mpmath.log(1 + mpmath.exp(x))),
        (lambda x: sin(x) * exp(x) / (2 + cos(x)), None),
    ],
    ids=["sin", "exp", "x**5", "tanh", "sigmoid", "softplus", "a mixture"],
)
def test_derivatives_up_to_the_fourth(ours, theirs, x, order):
    if theirs is None:

        def theirs(x):
            return mpmath.sin(x) * mpmath.exp(x) / (2 + mpmath.cos(x))

    derivative = nth(ours, order)(x)
    assert type(derivative) is float
    with mpmath.workdps(50):
        exact = float(mpmath.diff(theirs, mpmath.mpf(x), order))
    assert derivative == pytest.approx(exact, rel=2e-13, abs=2e-15)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("ours", "theirs"), [(log, mpmath.log), (sqrt, mpmath.sqrt)])
def test_derivatives_of_log_and_sqrt(ours, theirs, order):
    with mpmath.workdps(50):
        exact = float(mpmath.diff(theirs, mpmath.mpf(0.7), order))
    assert nth(ours, order)(0.7) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_a_power_at_zero_has_finite_derivatives_past_its_last(n):
    for order in range(1, n + 2):
        expected = math.factorial(n) if order == n else 0.0
        assert nth(lambda x: x**n, order)(0.0) == expected, f"order {order} of x**{n}"


def test_perturbations_are_not_confused():
    # The two that a derivative by mere tagging gets wrong (Siskind and Pearlmutter, 2005).
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(2.0) == 4.0


@pytest.mark.parametrize(
    "inner",
    [
        lambda f: grad(f)(1.0),
        lambda f: value_and_grad(f)(1.0)[1],
        lambda f: jacobian(f)(1.0)[0, 0],
        lambda f: jvp(f, [1.0], [1.0])[1],
    ],
    ids=["grad", "value_and_grad", "jacobian", "jvp"],
)
def test_perturbations_are_not_confused_by_any_pair(inner):
    def sums(x):
        return x * inner(lambda y: x + y)

    def products(x):
        return x * inner(lambda y: x * y)

    for f, x, expected in ((sums, 1.0, 1.0), (products, 2.0, 4.0)):
        assert grad(f)(x) == expected
        assert value_and_grad(f)(x)[1] == expected
        assert jvp(f, [x], [1.0])[1] == expected
        assert jacobian(f)(x).tolist() == [[expected]]


def test_a_hessian_inside_a_derivative():
    # d/dx of d2/dy2 (x^2 y^3) at y = 1 is 12 x
    assert grad(lambda x: hessian(lambda y: x * x * y**3)(1.0)[0, 0])(2.0) == 24.0
    # d2/dx2 of d/dy (x^2 y^2) at y = 1 is 4
    assert hessian(lambda x: grad(lambda y: x * x * y * y)(1.0))(2.0).tolist() == [[4.0]]


def test_three_levels_each_with_its_own_variable():
    def f(x):
        return grad(lambda y: grad(lambda z: x * x * y * y * z * z)(y))(x)

    # 2 x^2 y^3 at z = y; 6 x^2 y^2 at y = x; 6 x^4; its derivative 24 x^3
    assert grad(f)(2.0) == 24.0 * 8.0


def test_the_same_function_may_be_differentiated_inside_itself():
    def f(x, n):
        return x if n == 0 else grad(lambda y: f(y, n - 1) * y)(x)

    assert f(3.0, 2) == 12.0  # f(x, n) = 2^n x
    assert grad(lambda x: f(x, 3))(1.0) == 8.0


# ------------------------------------------------------------- numbers or Values, in and out


def test_values_in_values_out_recorded_on_them():
    x, y = Value(2.0), Value(3.0)
    value, (dx, dy) = value_and_grad(lambda a, b: a * a * b)(x, y)
    assert (value.data, dx.data, dy.data) == (12.0, 12.0, 4.0)
    (dx + dy).backward()  # 2xy + x^2
    assert (x.grad, y.grad) == (6.0 + 4.0, 4.0)


def test_one_value_among_numbers_is_enough():
    x = Value(2.0)
    dx, dy = grad(lambda a, b: a * b)(x, 3.0)
    assert isinstance(dx, Value)
    assert isinstance(dy, Value)
    assert (dx.data, dy.data) == (3.0, 2.0)


@pytest.mark.parametrize("f", [lambda a: 7.0, lambda a: 2 * a, lambda a: Value(1.0)])
def test_values_come_out_even_where_the_derivative_is_constant(f):
    value, slope = value_and_grad(f)(Value(2.0))
    assert isinstance(value, Value)
    assert isinstance(slope, Value)
    assert hessian(f)(Value(2.0))[0, 0].data == 0.0


def test_the_same_value_twice_is_two_arguments():
    v = Value(3.0)
    da, db = grad(lambda a, b: a * a * b)(v, v)
    assert (da.data, db.data) == (18.0, 9.0)
    da.backward()  # 2ab, by both of its arguments: 2b + 2a
    assert v.grad == 12.0


def test_a_value_closed_over_is_a_constant_even_if_it_is_the_argument():
    v = Value(3.0)
    slope = grad(lambda a: a * v)(v)
    assert slope.data == 3.0
    assert grad(lambda a: a * v)(5.0) == 3.0


def test_nothing_outside_is_touched():
    w, x = Value(2.0, label="w"), Value(3.0, label="x")
    w.grad, x.grad = 11.0, 22.0
    kept = []

    def f(a, b):
        kept.append(a * w + b.sin())
        return kept[-1] * a

    grad(f)(1.0, 2.0)
    value_and_grad(f)(x, 2.0)
    jacobian(lambda a, b: [f(a, b), w])(x, 2.0)
    hessian(f)(1.0, 2.0)
    jvp(f, [1.0, x], [1.0, w])
    gradcheck(f, 1.0, 2.0)
    assert (w.grad, x.grad, w.label, x.label) == (11.0, 22.0, "w", "x")
    assert all(node.grad == 0.0 for node in kept)


def test_f_may_use_backward_itself():
    def f(x):
        y = x * x
        y.backward()
        return y * x.grad  # the number 2x, a constant to the derivative

    assert value_and_grad(f)(3.0) == (54.0, 36.0)


# ----------------------------------------------------------------------- nesting leaves no trace


def test_a_finished_derivative_leaves_nothing_behind():
    kept = []

    def f(x):
        kept.append(x)
        return x * x

    assert grad(f)(3.0) == 6.0
    # Its variable is a plain constant from now on, and does not turn results into Values.
    value, slope = value_and_grad(lambda y: y * kept[0])(2.0)
    assert (value, slope) == (6.0, 3.0)
    assert type(value) is float
    assert type(slope) is float


def test_a_derivative_that_failed_leaves_nothing_behind():
    kept = []

    def f(x):
        kept.append(x)
        raise RuntimeError("in f")

    with pytest.raises(RuntimeError, match="in f"):
        grad(f)(3.0)
    slope = grad(lambda y: y * kept[0])(2.0)
    assert slope == 3.0
    assert type(slope) is float


def test_an_inner_derivative_does_not_turn_the_outer_one_into_values():
    inner = []

    def f(x):
        inner.append(grad(lambda y: y * y)(5.0))  # does not depend on x
        inner.append(grad(lambda y: y * x)(5.0))  # does
        return x * inner[0] + inner[1]

    slope = grad(f)(2.0)
    assert slope == 11.0
    assert type(slope) is float
    assert type(inner[0]) is float
    assert isinstance(inner[1], Value)


def test_many_threads_at_once():
    shared = Value(2.0)
    barrier = Barrier(4, timeout=20)

    def f(x):
        y = x * shared
        barrier.wait()  # four calls of f are under way from here on
        y = y * grad(lambda z: z * z * x)(3.0)
        barrier.wait()
        return y

    with ThreadPoolExecutor(4) as pool:
        slopes = list(pool.map(grad(f), [float(i) for i in range(40)]))
    assert slopes == [24.0 * i for i in range(40)]  # f = 2x * 6x
    assert {type(d) for d in slopes} == {float}
    assert shared.grad == 0.0


# ------------------------------------------------------------------------- infinities and nan

INF, NAN = math.inf, math.nan


@for_each(
    ("f", "order", "x", "expected"),
    [
        (lambda x: x / 0.0, 1, 1.0, INF),
        (lambda x: x / 0.0, 2, 1.0, 0.0),
        (lambda x: x / -0.0, 1, 1.0, -INF),
        (lambda x: x * x / 0.0, 2, 1.0, INF),
        (lambda x: x * INF, 1, 0.0, INF),
        (lambda x: x * INF, 2, 0.0, 0.0),
        (lambda x: x * x * INF, 1, 0.0, NAN),
        (lambda x: 1 / x, 1, 0.0, -INF),
        (lambda x: 1 / x, 2, 0.0, INF),
        (lambda x: 0.0 / x, 2, 0.0, NAN),
        (lambda x: log(x), 1, 0.0, INF),
        (lambda x: log(x), 2, 0.0, -INF),
        (lambda x: sqrt(x), 1, 0.0, INF),
        (lambda x: 0.0 * sqrt(x), 1, 0.0, NAN),  # 0 x inf: a gradient of zero is not skipped
        (lambda x: exp(x), 3, 1000.0, INF),
        (lambda x: exp(exp(x)), 2, 100.0, INF),
        (lambda x: log(0.0 * x), 1, 2.0, NAN),
        (lambda x: (-8.0) ** x, 1, 2.0, NAN),
        (lambda x: (-8.0) ** x, 2, 2.0, NAN),
        (lambda x: x ** (1 / 3), 1, -8.0, NAN),
        (lambda x: sin(x), 2, INF, NAN),
        (lambda x: x * NAN, 1, 1.0, NAN),
        (lambda x: x + NAN, 1, 1.0, 1.0),
        (lambda x: x + INF, 2, 1.0, 0.0),
    ],
)
def test_infinities_and_nan_follow_ieee(f, order, x, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        derivative = nth(f, order)(x)
        recorded = nth(f, order)(Value(x)).data
    assert type(derivative) is float
    for d in (derivative, recorded):
        assert math.isnan(d) if math.isnan(expected) else d == expected


def test_a_hessian_of_infinities_neither_raises_nor_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hessian(lambda x, y: x * x / 0.0 + y)(1.0, 2.0).tolist() == [[INF, 0.0], [0.0, 0.0]]
        assert hessian(lambda x: exp(x))(1000.0).tolist() == [[INF]]
        assert jvp(lambda x: x * 1e308 * 10.0, [1.0], [1.0]) == (INF, INF)


# ------------------------------------------------------------------------- finite differences


@pytest.mark.parametrize(
    ("f", "x"), [(sin, 0.7), (exp, 1.0), (log, 3.0), (lambda x: x**3, -2.0), (sqrt, 1e4)]
)
def test_finite_differences_are_good_to_half_the_digits(f, x):
    numeric = finite_difference(f, x)
    assert type(numeric) is float
    assert numeric == pytest.approx(grad(f)(x), rel=1e-8)


def test_finite_differences_of_several_inputs_are_a_tuple():
    numeric = finite_difference(lambda x, y: x * y**2, 3.0, 2.0)
    assert type(numeric) is tuple
    assert numeric == pytest.approx((4.0, 12.0), rel=1e-9)


@pytest.mark.parametrize("h", [1, 0.5, 2.0**-10])
def test_the_step_can_be_chosen(h):
    # ((x+h)^3 - (x-h)^3) / 2h is h^2 at x = 0: the error of the formula, seen alone
    assert finite_difference(lambda x: x**3, 0.0, h=h) == h * h


@for_each("h", [0, 0.0, -1e-3, NAN, INF, "1e-3", [1e-3], 1j])
def test_a_step_that_is_no_positive_number_is_refused(h):
    with pytest.raises(ValueError, match="h must"):
        finite_difference(lambda x: x * x, 1.0, h=h)
    with pytest.raises(ValueError, match="h must"):
        gradcheck(lambda x: x * x, 1.0, h=h)


def test_a_step_too_small_to_move_x_is_refused():
    with pytest.raises(ValueError, match="h = 1e-20 is too small: it does not move x"):
        finite_difference(lambda x: x * x, 1.0, h=1e-20)


def test_finite_differences_call_f_twice_per_input():
    calls = []

    def f(*x):
        calls.append([v.data for v in x])
        return autograd.sum(x)

    finite_difference(f, 1.0, 2.0, 3.0, h=0.25)
    assert sorted(calls) == sorted(
        [
            [1.25, 2.0, 3.0], [0.75, 2.0, 3.0],
            [1.0, 2.25, 3.0], [1.0, 1.75, 3.0],
            [1.0, 2.0, 3.25], [1.0, 2.0, 2.75],
        ]
    )  # fmt: skip


@pytest.mark.parametrize(("x", "size"), [(0.5, 1.0), (-1.0, 1.0), (8.0, 8.0), (-1000.0, 1000.0)])
def test_the_step_of_finite_differences_grows_with_x(x, size):
    calls = []
    finite_difference(lambda v: calls.append(v.data) or v, x)
    assert calls == pytest.approx([x + 6.0555e-6 * size, x - 6.0555e-6 * size], rel=1e-9)


def test_finite_differences_refuse_several_outputs():
    with pytest.raises(TypeError, match="jacobian"):
        finite_difference(lambda x: [x], 1.0)


@pytest.mark.parametrize("check", [finite_difference, gradcheck])
def test_checks_refuse_values(check):
    with pytest.raises(TypeError, match="plain number"):
        check(lambda x: x, Value(1.0))
    with pytest.raises(TypeError, match="point"):
        check(lambda: 1.0)


# ---------------------------------------------------------------------------------- gradcheck


def verdicts(report):
    return [row.verdict for row in report.rows]


def test_the_report_has_a_row_per_input():
    report = gradcheck(lambda x, y: x * exp(y), 2.0, 0.5)
    assert report
    assert verdicts(report) == ["ok", "ok"]
    for i, (row, x, d) in enumerate(
        zip(report.rows, (2.0, 0.5), (math.exp(0.5), 2 * math.exp(0.5)), strict=True)
    ):
        assert (row.input, row.x) == (i, x)
        assert row.analytic == pytest.approx(d, rel=1e-15)
        assert row.numeric == pytest.approx(d, rel=1e-8)
        assert row.error < 1e-8


def test_the_printed_report_says_where_it_is_wrong():
    report = gradcheck(lambda x, y: x * y, 2.0, 5.0, gradient=lambda x, y: (y, 17.25))
    assert not report
    assert verdicts(report) == ["ok", "wrong"]
    lines = str(report).splitlines()
    (bad,) = [line for line in lines if "wrong" in line]
    assert "17.25" in bad  # theirs
    assert bad.split()[:2] == ["1", "5"]  # which input, and where
    assert len([line for line in lines if line.endswith(" ok")]) == 1
    assert "1 of 2" in lines[0]
    assert repr(report) == str(report)


def test_the_printed_report_says_that_all_is_well():
    text = str(gradcheck(lambda x, y: x * y, 2.0, 5.0))
    assert "wrong" not in text
    assert "2" in text.splitlines()[0]
    assert "agree" in text.splitlines()[0]


@pytest.mark.parametrize("f", [relu, abs, lambda x: autograd.max([x, -3 * x])])
def test_a_corner_is_a_kink_and_no_error(f):
    report = gradcheck(f, 0.0)
    assert verdicts(report) == ["kink"]
    assert report
    assert "kink" in str(report)
    assert verdicts(gradcheck(f, 0.5)) == ["ok"]
    assert verdicts(gradcheck(f, -0.5)) == ["ok"]


def test_a_corner_of_a_derivative_whose_slopes_cancel_is_a_kink():
    def softsign(x):
        return x / (1 + abs(x))

    assert verdicts(gradcheck(grad(softsign), 0.0)) == ["kink"]  # s' has slopes 2 and -2


@pytest.mark.parametrize(("f", "slope"), [(relu, 7.0), (relu, -0.1), (abs, 1.1), (abs, NAN)])
def test_a_corner_excuses_only_what_lies_between_its_two_slopes(f, slope):
    report = gradcheck(f, 0.0, gradient=lambda x: slope)
    assert verdicts(report) == ["wrong"]
    assert not report


@pytest.mark.parametrize(
    ("f", "x"), [(log, -1.0), (log, 0.0), (sqrt, 0.0), (exp, 800.0), (sin, INF), (sin, NAN)]
)
def test_where_f_is_not_finite_on_both_sides_the_derivative_is_undefined(f, x):
    report = gradcheck(f, x)
    assert verdicts(report) == ["undefined"]
    assert not report
    assert "undefined" in str(report)


def test_a_pole_is_no_agreement():
    report = gradcheck(lambda x: 1 / x, 0.0)  # -inf, and a difference of 3e10
    assert not report
    assert verdicts(report) != ["ok"]


@pytest.mark.parametrize("slope", [INF, -INF, NAN])
def test_a_gradient_that_is_not_finite_is_wrong(slope):
    report = gradcheck(lambda x: x**2, 1.0, gradient=lambda x: slope)
    assert not report
    assert verdicts(report) == ["wrong"]


def test_a_wrong_primitive_is_caught():
    cube = primitive("cube", lambda x: x * x * x, lambda z, x: (3 * x,))  # 3 x^2 was meant
    report = gradcheck(cube, 2.0)
    assert not report
    assert verdicts(report) == ["wrong"]
    assert (report.rows[0].analytic, round(report.rows[0].numeric, 6)) == (6.0, 12.0)
    # also deep inside something else, and for the right input alone
    assert verdicts(gradcheck(lambda x, y: sin(cube(x) * y) + y, 0.7, 0.3)) == ["wrong", "ok"]
    assert gradcheck(cube, 1.0), "3x and 3x^2 do agree at 1: one point proves nothing"


def test_a_right_primitive_passes():
    cube = primitive("cube", lambda x: x * x * x, lambda z, x: (3 * x * x,))
    assert verdicts(gradcheck(cube, 2.0)) == ["ok"]


@pytest.mark.parametrize("kind", [tuple, list, np.array])
def test_a_students_own_gradient(kind):
    def f(x, y):
        return x**2 * y

    assert gradcheck(f, 3.0, 2.0, gradient=lambda x, y: kind([2 * x * y, x**2]))
    report = gradcheck(f, 3.0, 2.0, gradient=lambda x, y: kind([2 * x * y, 2 * x]))
    assert verdicts(report) == ["ok", "wrong"]


def test_a_students_gradient_is_called_with_plain_floats():
    seen = []

    def gradient(*x):
        seen.extend(x)
        return x[1], x[0]

    assert gradcheck(lambda x, y: x * y, 2, np.float32(3.0), gradient=gradient)
    assert [type(x) for x in seen] == [float, float] * 2  # to see that it is the same twice
    assert gradcheck(lambda x: x * x, 2.0, gradient=lambda x: 2 * math.sqrt(x * x))


@pytest.mark.parametrize("result", [(1.0,), (1.0, 2.0, 3.0), 1.0, (), [[2.0, 1.0]]])
def test_a_students_gradient_of_the_wrong_length_is_refused(result):
    with pytest.raises(ValueError, match="2 derivatives, got " + re.escape(repr(result))):
        gradcheck(lambda x, y: x * y, 1.0, 2.0, gradient=lambda x, y: result)


@pytest.mark.parametrize("result", [None, "2", 2j, Value(2.0)])
def test_a_students_gradient_that_is_no_number_is_refused(result):
    with pytest.raises(TypeError, match="gradient"):
        gradcheck(lambda x: x * x, 1.0, gradient=lambda x: result)


def test_the_tolerance_and_the_step_can_be_chosen():
    def nearly(x):
        return 2 * x + 1e-3

    assert not gradcheck(lambda x: x * x, 1.0, gradient=nearly)
    assert gradcheck(lambda x: x * x, 1.0, gradient=nearly, tolerance=1e-2)
    assert gradcheck(log, 1e-5, h=1e-9)
    assert gradcheck(lambda x: x**3, 0.0, h=1.0).rows[0].numeric == 1.0


@for_each(
    ("f", "x"),
    [
        (log, 1e-5),
        (lambda x: -log(x), 1e-3),
        (lambda x: 1 / x, 1e-4),
        (sin, 1e6),
        (exp, 700.0),
        (lambda x: x**3, 1e100),
        (lambda x: x**3, 1e-100),
        (lambda x: x + 1e10, 1.0),
        (lambda x: 1e10 * sin(x), 1.0),
        (lambda x: sin(1000 * x), 1.0),
    ],
)
def test_a_right_derivative_is_not_called_wrong_where_f_is_steep_or_x_small_or_large(f, x):
    assert verdicts(gradcheck(f, x)) == ["ok"]


@for_each("x", [1.0, 0.1, -2.7, 3e4])
@for_each("k", [1e9, 3e9, 1e11, 1e14, 3e15, 1e16, math.pi * 2.0**21])
@for_each("more", [0.0, 1.0])
def test_nothing_is_said_of_what_varies_between_the_moves(more, k, x):
    def f(x):
        return (k * x).sin() + more * x

    assert verdicts(gradcheck(f, x))[0] in ("ok", "undefined")


def test_a_fast_function_far_away_and_an_infinite_slope_are_undefined():
    def cube_root(x):
        return autograd.where(x, x ** (1 / 3), -((-x) ** (1 / 3)))

    assert verdicts(gradcheck(sin, 1e12)) == ["undefined"]
    assert verdicts(gradcheck(cube_root, 0.0)) == ["undefined"]
    assert verdicts(gradcheck(cube_root, 0.0, gradient=lambda x: 2.62)) == ["undefined"]


def test_a_primitive_that_is_wrong_by_far_is_still_called_wrong():
    for factor in (-1.0, 1e-3, 1.0001, 100.0, 1e6, -1e9, math.inf):
        q = primitive("q", lambda x: x * x, lambda z, x, c=factor: (c * 2 * x,))
        assert verdicts(gradcheck(lambda x, q=q: q(x) + 1e4, 0.7)) == ["wrong"]
    constant = primitive("five", lambda x: 5.0 + 0.0 * x, lambda z, x: (1.0,))
    assert verdicts(gradcheck(constant, 0.7)) == ["wrong"]


@pytest.mark.parametrize("wrong", [1e-3, 1.0, -100.0, 1e12])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x * x, 0.0), (lambda x: x**4, 0.0), (lambda x: x.cos(), math.pi),
        (lambda x: (x - 0.7) ** 2, 0.7), (lambda x: 1e6 * (3.0 * x - 6.0) ** 2, 2.0),
        (lambda x: abs(x) ** 1.5, 0.0), (lambda x: (x.exp() + (-x).exp()).log(), 0.0),
    ],
)  # fmt: skip
def test_a_wrong_gradient_at_a_minimum_is_called_wrong(f, x, wrong):
    assert gradcheck(f, x)
    assert verdicts(gradcheck(f, x, gradient=lambda x: wrong)) == ["wrong"]


@pytest.mark.parametrize("wrong", [1e-3, 1.0, -100.0, 1e6])
def test_a_wrong_gradient_of_a_constant_that_is_rounded_is_called_wrong(wrong):
    for f, x in [
        (lambda x: x.sin() ** 2 + x.cos() ** 2, 0.7), (lambda x: x.exp() * (-x).exp(), 1.3),
    ]:  # fmt: skip
        assert gradcheck(f, x)
        assert verdicts(gradcheck(f, x, gradient=lambda x: wrong)) == ["wrong"]


def test_right_derivatives_below_the_smallest_normal_float_are_not_called_wrong():
    for f, x in [
        (lambda x: 1e-320 * x * x, 1.0), (lambda x: x * 1e-323, 3.0), (lambda x: (-x).exp(), 744.0),
    ]:  # fmt: skip
        assert gradcheck(f, x)
    assert verdicts(gradcheck(lambda x: 1e-310 * x, 1.0, gradient=lambda x: 3e-310)) == ["wrong"]


def test_a_gradient_of_ones_own_is_judged_by_the_differences_alone():
    def unrecorded(x):  # much rounding, which the graph does not show
        return Value((x.data + 1e4) ** 2 - 1e8)

    assert gradcheck(unrecorded, 0.7, gradient=lambda x: 2 * (x + 1e4))
    assert verdicts(gradcheck(unrecorded, 0.7)) == ["wrong"]


# Random smooth functions: trees of operations over the inputs and a few constants.
leaves = st.one_of(
    st.integers(0, 2).map(lambda i: lambda x: x[i % len(x)]),
    st.floats(-1.5, 1.5).map(lambda c: lambda x: c),
)


def grow(trees):
    unary = st.sampled_from([sin, cos, tanh, sigmoid, softplus, lambda v: exp(0.5 * v)])
    binary = st.sampled_from(
        [
            lambda a, b: a + b,
            lambda a, b: a - b,
            lambda a, b: a * b,
            lambda a, b: a / (2.0 + b * b),
            lambda a, b: logsumexp([a, b, 0.3]),
            lambda a, b: dot([a, b], [b, 0.7], a),
            lambda a, b: (1.0 + a * a) ** b,
        ]
    )
    return st.one_of(
        st.tuples(unary, trees).map(lambda t: lambda x: t[0](t[1](x))),
        st.tuples(binary, trees, trees).map(lambda t: lambda x: t[0](t[1](x), t[2](x))),
    )


smooth = st.recursive(leaves, grow, max_leaves=5)
points = st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=3)


@examples(80)
@given(smooth, points)
def test_random_smooth_functions_pass_gradcheck(tree, x):
    report = gradcheck(lambda *v: tree(v), *x)
    assert set(verdicts(report)) == {"ok"}, str(report)


@examples(40)
@given(smooth, points)
def test_hessians_of_random_smooth_functions_are_symmetric_and_the_derivative_of_the_gradient(
    tree, x
):
    def f(*v):
        return tree(v)

    matrix = hessian(f)(*x)
    scale = max(1.0, np.abs(matrix).max())
    assert np.abs(matrix - matrix.T).max() <= 1e-12 * scale
    for i in range(len(x)):
        report = gradcheck(lambda *v, i=i: grad(f)(*v)[i], *x, gradient=lambda *v, i=i: matrix[i])
        assert report, str(report)


@for_each("x", [0.5, 2.0])
@for_each("y", [0.0, 1.0, 2.0, -1.0, 0.5])
def test_second_derivatives_of_a_power_in_both_its_inputs(x, y):
    # d2/dxdy x^y = x^(y-1) (1 + y log x): also where y is 0, and d/dx alone is a constant 0
    mixed = x ** (y - 1) * (1 + y * math.log(x))
    exact = [[y * (y - 1) * x ** (y - 2), mixed], [mixed, x**y * math.log(x) ** 2]]
    np.testing.assert_allclose(hessian(lambda x, y: x**y)(x, y), exact, rtol=1e-14, atol=1e-15)


def test_rounding_does_not_hide_a_wrong_sign():
    for x in np.random.default_rng(0).uniform(-1, 1, 50).tolist():
        assert gradcheck(lambda x: x * x + 1e8, x)
        assert not gradcheck(lambda x: x * x + 1e8, x, gradient=lambda x: -2 * x)


@pytest.mark.parametrize("slope", [0.0, 0.5, 123.0])
def test_a_jump_is_no_corner(slope):
    assert not gradcheck(autograd.step, 0.0, gradient=lambda x: slope)


def test_keyword_arguments_are_constants_of_f():
    def f(x, y=1.0, *, power=2):
        return x**power * y

    assert grad(f)(3.0, y=10.0) == 60.0
    assert grad(f)(3.0, 10.0) == (60.0, 9.0)
    assert value_and_grad(f)(3.0, power=3) == (27.0, 27.0)
    assert jacobian(f)(3.0, y=2.0).tolist() == [[12.0]]
    assert hessian(f)(3.0, y=2.0).tolist() == [[4.0]]
    y = Value(10.0)
    slope = grad(f)(3.0, y=y)
    assert (slope, y.grad, type(slope)) == (60.0, 0.0, float)
    assert grad(lambda y: grad(f)(3.0, y=y))(10.0) == 6.0
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        grad(f)(3.0, z=1.0)


# What gradcheck can tell, and what it can't


def noisy(size, seed=0):
    rng = np.random.default_rng(seed)
    return lambda x: x * x + size * rng.normal()


@pytest.mark.parametrize("size", [1e-3, 1e-9, 1e-15])
def test_what_is_not_the_same_twice_is_not_a_function(size):
    for seed in range(20):
        for gradient in (None, lambda x: 2 * x, lambda x: 2.1 * x):
            report = gradcheck(noisy(size, seed), 1.5, gradient=gradient)
            assert verdicts(report) == ["not a function"]
            assert not report
            assert "differ" not in str(report)
            assert "two results at one point" in str(report).splitlines()[0]


def test_dropout_and_a_counter_are_not_functions():
    rng = np.random.default_rng(0)
    calls = iter(range(1000))
    for f in (lambda x, y: x * y * int(rng.integers(2)), lambda x, y: x * y + next(calls)):
        report = gradcheck(f, 2.0, 3.0)
        assert set(verdicts(report)) == {"not a function"}
    slopes = iter([[3.0, 2.0], [3.0, 2.5]])
    report = gradcheck(lambda x, y: x * y, 2.0, 3.0, gradient=lambda x, y: next(slopes))
    assert set(verdicts(report)) == {"not a function"}


def test_the_head_of_the_report_says_differ_only_where_something_does():
    head = str(gradcheck(log, 0.0)).splitlines()[0]
    assert head == "gradcheck: 1 of 1 derivatives can't be judged"
    f = lambda x, y, z: x * x + log(y) + z  # noqa: E731
    head = str(gradcheck(f, 1.0, 0.0, 1.0)).splitlines()[0]
    assert head == "gradcheck: 3 of 3 derivatives can't be judged"  # f is -inf
    g = lambda x, y: x * x + autograd.step(y)  # noqa: E731
    head = str(gradcheck(g, 1.0, 0.0, gradient=lambda x, y: (x, 0.0))).splitlines()[0]
    assert head == "gradcheck: 1 of 2 derivatives differ, 1 of 2 derivatives can't be judged"
    head = str(gradcheck(lambda x, y: relu(x) + y, 0.0, 1.0)).splitlines()[0]
    assert head == "gradcheck: none of 2 derivatives is wrong, 1 at a kink"


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e200])
def test_the_tolerance_is_relative_to_the_derivative(scale):
    def f(x, y):
        return scale * sin(x) * exp(y)

    assert gradcheck(f, 0.5, 0.25)
    right = np.array(grad(f)(0.5, 0.25))
    assert gradcheck(f, 0.5, 0.25, gradient=lambda x, y: right * (1 + 1e-6))
    assert not gradcheck(f, 0.5, 0.25, gradient=lambda x, y: right * (1 + 1e-4))
    assert not gradcheck(f, 0.5, 0.25, gradient=lambda x, y: right[::-1])


def test_a_small_derivative_beside_a_large_value_is_judged():
    def f(x):
        return 1.0 + 1e-6 * sin(x)

    assert gradcheck(f, 0.5)
    assert not gradcheck(f, 0.5, gradient=lambda x: 1e-6 * math.cos(x) * (1 + 1e-4))
    assert not gradcheck(f, 0.5, gradient=lambda x: 0.0)


@pytest.mark.parametrize("tolerance", [NAN, INF, -INF, -1e-5, "1e-5", None, [1e-5]])
def test_a_tolerance_that_judges_nothing_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance must be a finite number"):
        gradcheck(sin, 1.0, tolerance=tolerance)
    assert gradcheck(lambda x: 2 * x, 1.0, tolerance=0)


def test_second_derivatives_of_several_inputs():
    def g(x, y):
        return x**3 * y + sin(x * y)

    report = gradcheck(grad(g), 0.7, 1.3)
    assert verdicts(report) == ["ok"] * 4
    assert [(row.output, row.input) for row in report.rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [row.analytic for row in report.rows] == hessian(g)(0.7, 1.3).ravel().tolist()
    assert gradcheck(grad(g), 0.7, 1.3, gradient=hessian(g))
    report = gradcheck(grad(g), 0.7, 1.3, gradient=lambda *x: hessian(g)(*x) * [[1, 1], [1, 1.01]])
    assert verdicts(report) == ["ok", "ok", "ok", "wrong"]
    assert str(report).splitlines()[1].split()[:2] == ["output", "input"]
    assert str(report).splitlines()[-1].split()[:2] == ["1", "1"]
    with pytest.raises(ValueError, match="2 derivatives for each of 2 outputs"):
        gradcheck(grad(g), 0.7, 1.3, gradient=grad(g))


@pytest.mark.slow
def test_random_gradients_none_is_called_wrong_and_none_that_is_wrong_passes():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n = int(rng.integers(2, 4))
        w, scale = rng.normal(size=(3, n)).tolist(), 10.0 ** rng.integers(-6, 4)

        def f(*x, w=w, scale=scale):
            h = [tanh(dot(w_j, x, 0.1)) for w_j in w]
            return scale * autograd.sum([logsumexp(h), h[0] * x[0], relu(h[1]) * x[1]])

        x = rng.normal(size=n).tolist()
        assert gradcheck(f, *x), str(gradcheck(f, *x))
        right = np.array(grad(f)(*x))
        i = int(rng.integers(n))
        slightly, swapped, missing = right.copy(), np.roll(right, 1), right.copy()
        slightly[i] *= 1 + 1e-4
        missing[0] -= scale * math.tanh(sum(a * b for a, b in zip(w[0], x, strict=True)) + 0.1)
        for wrong in (slightly, swapped, missing):
            assert not gradcheck(f, *x, gradient=lambda *x, wrong=wrong: wrong)


@pytest.mark.parametrize("y", [-400.0, -3.0, -2.5, 0.0, 0.5, 1.0, 2.0, 2.0**53, -(2.0**53), 1e300])
@for_each("x", [5e-324, 1e-300, 1e-200, 0.0, 0.5, 1.0, 3.0, 1e200, math.inf])
def test_a_recorded_derivative_of_a_power_is_the_number(x, y):
    def power(x, y):
        return x**y

    recorded = grad(power)(Value(x), Value(y))
    np.testing.assert_allclose([v.data for v in recorded], grad(power)(x, y), rtol=1e-12)


@for_each("x", [-0.0, 0.0, -2.0, 1.0, INF, -INF, NAN])
def test_a_power_of_0_has_no_slope_by_its_base_in_any_order(x):
    def power(x, y):
        return x**y

    def by_x(x, y):
        return grad(power)(x, y)[0]

    assert by_x(x, 0.0) == by_x(Value(x), Value(0.0)).data == 0.0
    assert grad(by_x)(x, 0.0)[0] == 0.0
    assert grad(by_x)(x, 1.0)[0] == 0.0


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x.exp(), 709.0),  # beyond the floats a step further
        (lambda x: x.exp(), 709.7),
        (lambda x: x.log(), 1e-9),  # nan there
        (lambda x: x.sqrt(), 1e-12),
        (lambda x: (1.0 - x * x).log(), 0.99999),
    ],
)
def test_steps_that_leave_the_floats_say_nothing(f, x):
    assert gradcheck(f, x)
    assert not gradcheck(f, x, gradient=lambda x: grad(f)(x) * 1.01)


@for_each("x", [[1.0, 2.0], (1.0,), np.array([1.0, 2.0]), np.array([]), range(2)])
@for_each("of", [grad, value_and_grad, jacobian, hessian])
def test_a_vector_is_to_be_passed_number_by_number(of, x):
    with pytest.raises(TypeError, match=r"pass its numbers one by one, as in grad\(f\)\(\*x\)"):
        of(lambda *v: v[0])(x)


@pytest.mark.parametrize("x", [[3.0], [-2.0, 5.0]])
def test_gradcheck_looks_at_the_point_first_and_then_along_one_input_at_a_time(x):
    seen = []

    def f(*v):
        seen.append([float(v_i.data) for v_i in v])
        return autograd.dot(v, v)

    assert gradcheck(f, *x)
    assert seen[0] == x
    assert all(sum(a != b for a, b in zip(point, x, strict=True)) <= 1 for point in seen)
    assert {i for point in seen for i in range(len(x)) if point[i] != x[i]} == {*range(len(x))}


@pytest.mark.parametrize("x", [1.0, -2.0, 0.5])
def test_differences_extrapolated_to_h_0_are_exact_for_a_cubic(x):
    # (f(x+h) - f(x-h)) / 2h is 3 x^2 + h^2: two moves cancel the h^2
    [row] = gradcheck(lambda x: x**3, x).rows
    assert row.numeric == pytest.approx(3 * x * x, rel=1e-13)
    assert row.error < 1e-8


@pytest.mark.parametrize(
    ("f", "moves"),
    [
        (lambda x: 2 * x, 3),
        (lambda x: x**3, 3),
        (lambda x: 0 * x, 3),
        (lambda x: 5 + 0 * x, 3),  # 0 among the rounding errors of 5
        (lambda x: x.exp(), 3),
        (lambda x: (20 * x).sin(), 5),
    ],
)
def test_gradcheck_takes_smaller_moves_only_until_the_slope_no_longer_changes(f, moves):
    seen = set()
    assert gradcheck(lambda x: seen.add(x.data) or f(x), 1.0)
    assert seen == {1.0 + sign * 4.0**-k for k in range(4, 4 + moves) for sign in (1, -1)} | {1.0}


def test_gradcheck_ends_where_moves_no_longer_move_x():
    assert verdicts(gradcheck(lambda x: abs(x - 1), 1.0)) == ["kink"]
    [row] = gradcheck(lambda x: 2 * x, 1.0, h=2.0**-53).rows  # 1 + h is 1, and 1 - h is not
    assert (row.numeric, row.verdict) == (2.0, "undefined")


def test_a_chosen_h_is_compared_with_four_times_it():
    seen = set()
    assert gradcheck(lambda x: seen.add(x.data) or x * x, 1.0, h=0.25)
    assert seen == {0.0, 0.75, 1.0, 1.25, 2.0}


@for_each(
    ("a", "slopes", "verdict"),
    [
        (1.0, Slopes(1.0, 1.0, 1.0, 0.25, 0.0), "ok"),
        (1.0 + 0.9e-5, Slopes(1.0, 1.0, 1.0, 0.25, 0.0), "ok"),
        (1.0 + 1.1e-5, Slopes(1.0, 1.0, 1.0, 0.25, 0.0), "wrong"),
        (1.0 + 4.9e-5, Slopes(1.0, 1.0, 1.0, 0.25, 1e-5), "ok"),  # four times the error more
        (1.0 + 5.1e-5, Slopes(1.0, 1.0, 1.0, 0.25, 1e-5), "wrong"),
        (1.0, Slopes(1.0, 1.0, 1.0, 0.25, 1.1e-5), "undefined"),
        (1.0, Slopes(1.0, 1.0, 1.0, 0.25, 1.1e-5, lost=1.2e-5), "ok"),
        (0.0, Slopes(-1.0, 1.0, 0.0, 1.0, 1e-9), "kink"),  # a corner
        (0.9, Slopes(-1.0, 1.0, 0.0, 1.0, 1e-9), "kink"),
        (0.9, Slopes(1.0, -1.0, 0.0, 1.0, 1e-9), "kink"),
        (1.1, Slopes(-1.0, 1.0, 0.0, 1.0, 1e-9), "wrong"),
        (1.1, Slopes(1.0, -1.0, 0.0, 1.0, 1e-9), "wrong"),
        (1.0 + 3e-9, Slopes(-1.0, 1.0, 0.0, 1.0, 1e-9), "kink"),
        (-1.0 - 3e-9, Slopes(-1.0, 1.0, 0.0, 1.0, 1e-9), "kink"),
        (1.0 + 5e-9, Slopes(-1.0, 1.0, 0.0, 1.0, 1e-9), "wrong"),
        (0.9, Slopes(-1.0, 1.0, 0.0, 0.61, 1e-9), "kink"),
        (0.9, Slopes(-1.0, 1.0, 0.0, 0.59, 1e-9), "wrong"),  # it grows as where f is smooth
        (0.9, Slopes(-1.0, 1.0, 0.0, 1.79, 1e-9), "kink"),
        (0.9, Slopes(-1.0, 1.0, 0.0, 1.81, 1e-9), "undefined"),  # a jump
        (0.0, Slopes(-1.0, 1.0, 0.0, 2.0, 1e-9), "undefined"),  # sqrt(|x|)
        (1.5e-9, Slopes(0.0, 7.9e-9, 0.0, 1.0, 1e-9, lost=1e-8), "ok"),  # of rounding
        (4.1e-9, Slopes(0.0, 8.1e-9, 0.0, 1.0, 1e-9), "kink"),
        (0.0, Slopes(0.0, 0.0, 0.0, 0.25, 0.0), "ok"),
        (1e-300, Slopes(0.0, 0.0, 0.0, 0.25, 0.0), "wrong"),
        (NAN, Slopes(1.0, 1.0, 1.0, 0.25, 0.0), "wrong"),
    ],
)  # fmt: skip
def test_the_verdict_on_a_derivative(a, slopes, verdict):
    assert checks._judge(a, slopes, 1e-5)[0] == verdict


def test_the_error_is_relative_to_what_is_allowed():
    _, error = checks._judge(2.0 + 1e-3, Slopes(2.0, 2.0, 2.0, 0.25, 0.0), 1e-5)
    assert error == pytest.approx(5e-4)
    _, error = checks._judge(1e-3, Slopes(0.0, 0.0, 0.0, 0.25, 0.0), 1e-5)
    assert error == 1e-3
    _, error = checks._judge(2e-3, Slopes(0.0, 0.0, 0.0, 0.25, 1e-4), 1e-5)
    assert error == pytest.approx(5e-5)  # 5 times what is allowed, and so 5 times the tolerance


@pytest.mark.parametrize(("x", "size"), [(1.0, 1.0), (0.25, 8.0), (-4.0, 1e6), (4.0, 0.0)])
def test_what_rounding_hides_is_relative_to_the_numbers_met(x, size):
    scale, h = max(1.0, abs(x)), 2.0**-8
    found = Line(lambda v: 3.0 * v, [x], 0).slopes(0, h, 1e-5, size)
    near, far = (max(size, 3 * (abs(x) + move)) for move in (h, 4 * h))
    assert found.lost == pytest.approx(2.0**-32 * far / scale, rel=1e-12)
    assert found.error == pytest.approx(4 * 2.0**-52 * near / (2 * h), rel=1e-12)
    assert (found.left, found.right, found.central) == (3.0, 3.0, 3.0)


@pytest.mark.parametrize(
    ("f", "growth"), [(lambda x: x * x, 0.25), (abs, 1.0), (step, 4.0), (lambda x: x**3, None)]
)
def test_how_the_difference_of_the_slopes_grows(f, growth):
    found = Line(f, [0.0], 0).slopes(0, 0.25, 1e-5, 1.0)
    assert math.isnan(found.growth) if growth is None else found.growth == growth
    h = 0.25
    left, right = ((f(Value(s * h)).data - f(Value(0.0)).data) / (s * h) for s in (-1, 1))
    assert (found.left, found.right, found.central) == (left, right, (left + right) / 2)


@for_each("wrong", [3, None, "sin", [sin], Value(2.0) * 3])
def test_what_is_not_a_function_is_refused_at_once(wrong):
    advice = "got Value.*: give the function, not its result" if isinstance(wrong, Value) else "got"
    for ask in (
        grad, value_and_grad, jacobian, hessian, lambda f: jvp(f, [1.0], [1.0]),
        lambda f: gradcheck(f, 1.0), lambda f: finite_difference(f, 1.0), autograd.replay,
    ):  # fmt: skip
        with pytest.raises(TypeError, match=f"^f must be a function, {advice}"):
            ask(wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=f"^gradient must be a function, {advice}"):
            gradcheck(sin, 1.0, gradient=wrong)


def test_sequences_and_plain_results_are_asked_for():
    for x, v, name in ((3.0, [1.0], "x"), ([1.0], 3.0, "v"), (list, [1.0], "x")):
        with pytest.raises(TypeError, match=f"{name} must be a sequence of numbers or Values"):
            jvp(sin, x, v)
    with pytest.raises(TypeError, match="use grad inside grad"):
        grad(lambda x: finite_difference(lambda y: x * y, 1.0))(2.0)
    for wrong in ("exp", None):
        with pytest.raises(TypeError, match="value must be a function"):
            primitive("f", wrong, lambda z, x: (1.0,))
        with pytest.raises(TypeError, match="partials must be a function"):
            primitive("f", lambda x: x, wrong)


@pytest.mark.parametrize("kind", [iter, set, dict.fromkeys, lambda values: map(abs, values)])
def test_what_is_no_sequence_is_refused_with_what_is(kind):
    with pytest.raises(TypeError, match=r"f must return one Value .*, a flat sequence of them"):
        jacobian(lambda x, y: kind([x, y]))(1.0, 2.0)
