"""Derivatives at the rim: first and second, of every row of the table, at hard points.

The points are zeros, subnormal numbers, tiny and huge ones, ties, infinities and nan; the reference
is `mpmath`. The worst error of each row, in ulp, is shown at the end of the tests' output.
"""

import copy
import itertools
import math
import pickle

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import autograd
from autograd import Value, grad, hessian, jvp
from autograd import primitives as p
from autograd.functions import apply
from tests.cases import for_each, many

INF, NAN = math.inf, math.nan
TINY, HUGE = 2.0**-1022, 2.0**1023 * (2 - 2.0**-52)

SIZES = [5e-324, 1e-310, TINY, 1e-300, 1e-154, 1e-20, 1e-12, 1e-8, 1e-3, 0.1, 0.3, 0.5, 0.7, 1.0,
         1.1, 1.5, 2.0, 3.0, 10.0, 20.0, 36.0, 40.0, 300.0, 700.0, 709.7, 740.0, 1e4, 1e8, 1e16,
         1e154, 1e300, HUGE]  # fmt: skip
LINE = [0.0, -0.0, *SIZES, *[-x for x in SIZES]]
FEW = [0.0, 5e-324, 1e-300, 1e-154, 1e-8, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 710.0, 1e8, 2.0**53 + 2,
       1e154, 1e300]  # fmt: skip
PLANE = list(itertools.product([*FEW, *[-x for x in FEW]], repeat=2))


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


def s(x):
    return 1 / (1 + mp.exp(-x))


def sech2(x):
    return 4 * s(2 * x) * s(-2 * x)


def gauss(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def sign(x):
    return mpf(0 if x == 0 else 1 if x > 0 else -1)


# Of each row of one number: the points, the first and the second derivative.
UNARY = {
    "NEG": (LINE, lambda x: -1, lambda x: 0),
    "POS": (LINE, lambda x: 1, lambda x: 0),
    "ABS": (LINE, sign, lambda x: 0),
    "EXP": (LINE, mp.exp, mp.exp),
    "LOG": (LINE[2:34], lambda x: 1 / x, lambda x: -1 / x**2),
    "SQRT": (LINE[2:34], lambda x: 1 / mp.sqrt(x) / 2, lambda x: -1 / mp.sqrt(x) / x / 4),
    "SIN": (LINE, mp.cos, lambda x: -mp.sin(x)),
    "COS": (LINE, lambda x: -mp.sin(x), lambda x: -mp.cos(x)),
    "TANH": (LINE, sech2, lambda x: -2 * mp.tanh(x) * sech2(x)),
    "SIGMOID": (
        LINE, lambda x: s(x) * s(-x), lambda x: -mp.tanh(x / 2) * s(x) * s(-x)),
    "ERF": (LINE, gauss, lambda x: -2 * x * gauss(x)),
    "ERFC": (LINE, lambda x: -gauss(x), lambda x: 2 * x * gauss(x)),
    "RELU": (LINE, lambda x: mpf(x > 0), lambda x: 0),
    "SOFTPLUS": (LINE, s, lambda x: s(x) * s(-x)),
    "STEP": (LINE, lambda x: 0, lambda x: 0),
}  # fmt: skip


def pow_first(x, y):
    return y * mp.power(x, y - 1), mp.power(x, y) * mp.log(x)


def pow_second(x, y):
    z, log = mp.power(x, y), mp.log(x)
    mixed = z / x * (1 + y * log)
    return [[y * (y - 1) * z / x / x, mixed], [mixed, z * log * log]]


def div_second(x, y):
    return [[0, -1 / y**2], [-1 / y**2, 2 * x / y**3]]


ZEROS = [[0, 0], [0, 0]]
# Of each row of two numbers: the points, the value, the gradient, the Hessian.
BINARY = {
    "ADD": (PLANE, lambda x, y: x + y, lambda x, y: (1, 1), lambda x, y: ZEROS),
    "SUB": (PLANE, lambda x, y: x - y, lambda x, y: (1, -1), lambda x, y: ZEROS),
    "MUL": (PLANE, lambda x, y: x * y, lambda x, y: (y, x), lambda x, y: [[0, 1], [1, 0]]),
    "DIV": (
        [(x, y) for x, y in PLANE if y], lambda x, y: x / y, lambda x, y: (1 / y, -x / y**2),
        div_second),
    "POW": ([(x, y) for x, y in PLANE if x > 0], mp.power, pow_first, pow_second),
}  # fmt: skip


def softmax(*x):
    e = [mp.exp(v - max(x)) for v in x]
    return [v / mp.fsum(e) for v in e]


def lse_second(*x):
    return [
        [p_i * ((i == j) - p_j) if i != j else p_i * mp.fsum(q for k, q in enumerate(softmax(*x))
                                                            if k != i)
         for j, p_j in enumerate(softmax(*x))]
        for i, p_i in enumerate(softmax(*x))
    ]  # fmt: skip


def zeros(*x):
    return [[0] * len(x) for _ in x]


def shared(*x):
    return [mpf(v == max(x)) / x.count(max(x)) for v in x]


def swap(*x):
    return [[float(abs(i - j) == 2) for j in range(4)] for i in range(4)]


VECTORS = [(0.0, 0.0), (1.0, 1.0, 1.0), (1e300, 1e300), (5e-324, 0.0), (-1e300, 1e300), (1.0, 2.0),
           (30.0, 1.0, -5.0), (700.0, 0.0), (-700.0, -701.0), (1e-300, -1e-300, 2.0), (1e8, 1e8),
           (-1e8, -1e8 + 1.0), (3.0,), (HUGE, -HUGE)]  # fmt: skip
VECTOR = {
    "SUM": (VECTORS, lambda *x: [1] * len(x), zeros),
    "MAX": (VECTORS, shared, zeros),
    "LOGSUMEXP": (VECTORS, softmax, lse_second),
    "WHERE": (
        [(c, a, b) for c in (-1e-300, 5e-324, 1.0, 0.0) for a, b in PLANE[::37]],
        lambda c, a, b: (0, c > 0, not c > 0), zeros),
    "DOT": (
        [(*a, *b) for a in PLANE[::41] for b in PLANE[::43]],
        lambda a, b, c, d: (c, d, a, b), swap),
}  # fmt: skip

# The worst error allowed, in ulp: of first derivatives, and of second ones.
BOUNDS = {
    "EXP": (1, 1), "LOG": (0.5, 1.5), "SQRT": (1.5, 3), "SIN": (1, 1), "COS": (1, 1),
    "TANH": (6, 12), "SIGMOID": (3, 8), "SOFTPLUS": (2, 4), "DIV": (2, 5), "POW": (8, 16),
    "LOGSUMEXP": (4, 8), "MAX": (0.5, 0), "ERF": (2, 4), "ERFC": (2, 4),
}  # fmt: skip


def function(name):
    row = getattr(p, name)
    if name == "DOT":
        return lambda a, b, c, d: apply(row, (a, b), (c, d))
    return (lambda *x: apply(row, x)) if name in VECTOR else (lambda *x: apply(row, *x))


def error(got, exact, size=0):
    """In ulp of the exact result (or of ``size``, what it is the sum of, if that cancels).

    0 where it overflows, and so does what we got.
    """
    exact = mpf(exact)
    if abs(exact) >= mpf(HUGE) + mpf(math.ulp(HUGE)) / 2:
        return 0.0 if got == INF * sign(exact) else INF
    if not math.isfinite(got):
        return INF
    return float(abs(mpf(got) - exact) / mpf(math.ulp(float(max(abs(exact), size)))))


def parts(name):
    """The points of a row, its gradient and its Hessian."""
    if name in UNARY:
        points, first, second = UNARY[name]
        return [(x,) for x in points], lambda x: (first(x),), lambda x: [[second(x)]]
    if name in VECTOR:
        return VECTOR[name]
    points, value, first, second = BINARY[name]

    def ordinary(x, y):
        # A subnormal z holds fewer digits, and so do its derivatives; 1/x of such an x is inf.
        z = abs(value(mpf(x), mpf(y)))
        divisor = {"DIV": y, "POW": x}.get(name, 1.0)
        return (z == 0 or TINY <= z <= HUGE) and abs(divisor) >= TINY

    return [xy for xy in points if ordinary(*xy)], first, second


def size_of(name, x):
    """What the terms of a second derivative come to without their signs, where they may cancel."""
    if name != "POW":
        return 0
    x, y = map(mpf, x)
    return min(mp.power(x, y) / x * (1 + abs(y * mp.log(x))), mpf(HUGE))


ROWS = [*UNARY, *BINARY, *VECTOR]


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_derivatives_at_hard_points(name, record_property):
    points, first, second = parts(name)
    f = function(name)
    worst = {"first": (0.0, None), "recorded": (0.0, None), "second": (0.0, None)}

    def note(kind, x, pairs):
        size = size_of(name, x) if kind == "second" else 0
        at = max(error(float(got), exact, size) for got, exact in pairs)
        worst[kind] = max(worst[kind], (at, x), key=lambda pair: pair[0])

    for x in points:
        exact = first(*map(mpf, x))
        note("first", x, zip(f(*map(Value, x)).partials, exact, strict=True))
        recorded = grad(f)(*map(Value, x))
        recorded = recorded if isinstance(recorded, tuple) else (recorded,)
        exact_second = [*itertools.chain(*second(*map(mpf, x)))]
        if name == "POW" and x[0] ** (mpf(x[1]) - 2) > HUGE / 1e3:
            # The second derivative by x, or a factor of it, overflows: to inf, and never to nan.
            assert not np.isnan(hessian(f)(*x)).any(), x
            continue
        note("recorded", x, zip([d.data for d in recorded], exact, strict=True))
        note("second", x, zip(hessian(f)(*x).ravel(), exact_second, strict=True))
    record_property("worst ulp", (name, *[f"{at:.2f} at {x}" for at, x in worst.values()]))
    bounds = BOUNDS.get(name, (0, 0))
    for (at, _), bound in zip(worst.values(), (bounds[0], bounds[0], bounds[1]), strict=True):
        assert at <= bound, (name, worst)


def test_every_row_is_at_the_rim():
    assert {getattr(p, name) for name in ROWS} == set(p.TABLE)


# By name: what has been asked for, or was wrong once.


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (0.3, [[-INF, -INF], [-INF, 0.0]]),
        (1.0, [[0.0, -INF], [-INF, 0.0]]),
        (1.5, [[INF, 0.0], [0.0, 0.0]]),
        (2.0, [[2.0, 0.0], [0.0, 0.0]]),
        (3.0, [[0.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_the_hessian_of_a_power_at_a_base_of_zero(y, expected):
    # Limits for x from above: x^(y-1) (1 + y log x) is the mixed derivative.
    assert hessian(lambda x, y: x**y)(0.0, y).tolist() == expected
    assert hessian(lambda x, y: x**y)(-0.0, y).tolist() == expected


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 0.0, [[0.0, INF], [INF, INF]]),
        (INF, 1.0, [[0.0, INF], [INF, INF]]),
        (INF, -3.0, [[0.0, 0.0], [0.0, 0.0]]),
        (0.0, INF, [[0.0, 0.0], [0.0, 0.0]]),
        (INF, 2.0, [[2.0, INF], [INF, INF]]),
        (1e200, 2.0, [[2.0, 1e200 * (1 + 2 * math.log(1e200))], [9.220340371976184e202, INF]]),
        (0.0, -2.0, [[INF, INF], [INF, INF]]),
    ],
)
def test_the_hessian_of_a_power_where_one_order_of_differentiation_was_nan(x, y, expected):
    np.testing.assert_allclose(hessian(lambda x, y: x**y)(x, y), expected, rtol=1e-15)


@for_each("x", [-INF, -2.0, -0.0, 0.0, 5e-324, 0.5, 1.0, 3.0, 1e200, INF, NAN])
@for_each("y", [-INF, -2.0, -0.5, 0.0, 5e-324, 0.3, 1.0, 3.0, 1e200, INF, NAN])
def test_the_hessian_of_a_power_is_symmetric_everywhere(x, y):
    np.testing.assert_array_equal(*[hessian(lambda x, y: x**y)(x, y)[i] for i in ((0, 1), (1, 0))])


@for_each("n", range(4))
@for_each("k", range(4))
def test_a_derivative_of_a_power_of_any_order(n, k):
    for x, y in ((0.3, 0.7), (2.5, -1.3), (1.7, 3.0), (4.0, 0.0), (0.6, 2.0)):
        exact = mpmath.diff(mp.power, (mpf(x), mpf(y)), (n, k))
        got = p.power_derivative(n, k).value_at(x, y)
        assert abs(got - exact) <= 1e-14 * max(abs(exact), 0.01), (x, y)


def test_a_recorded_derivative_of_a_power_is_compiled_copied_and_pickled():
    x, y = Value(2.0), Value(3.0)
    by_x, by_y = grad(lambda x, y: x**y)(x, y)
    root = by_x.sin() * by_y
    root.backward()
    outputs, gradient = autograd.compile(root, [], [x, y])(np.empty((1, 0)))
    np.testing.assert_allclose([outputs[0], *gradient], [root.data, x.grad, y.grad], rtol=1e-14)
    for twin in (copy.deepcopy(by_x), pickle.loads(pickle.dumps(by_x))):
        assert twin.primitive is by_x.primitive


@pytest.mark.parametrize("base", [2.0, 1.5, 1e300])
def test_derivatives_of_an_exponential_past_overflow_are_infinite(base):
    f = lambda x: base**x  # noqa: E731
    variable = lambda x: Value(base) ** x  # noqa: E731
    for _ in range(4):
        f, variable = grad(f), grad(variable)
        assert f(1e6) == INF
        assert variable(1e6) == INF


def test_the_slope_of_tanh_and_of_sigmoid_near_zero_to_the_last_digits():
    for x in (1e-300, 1e-12, -1e-8, 1e-3):
        assert error(hessian(autograd.tanh)(x)[0, 0], -2 * mp.tanh(mpf(x)) * sech2(mpf(x))) < 4
        exact = -mp.tanh(mpf(x) / 2) * s(mpf(x)) * s(-mpf(x))
        assert error(hessian(autograd.sigmoid)(x)[0, 0], exact) < 4
        third = grad(grad(grad(autograd.tanh)))(x)
        assert error(third, mpmath.diff(mp.tanh, mpf(x), 3, h=mpf(10) ** -15)) < 8


NAN_ROWS = [
    "ABS", "EXP", "LOG", "SQRT", "SIN", "COS", "TANH", "SIGMOID", "ERF", "ERFC", "RELU", "SOFTPLUS",
]  # fmt: skip


@for_each("name", ["TANH", "SIGMOID", "ERF", "ERFC"])
@for_each("x", [-INF, -1e200, 1e200, INF])
def test_the_derivatives_of_what_levels_out_are_0_at_infinity(name, x):
    f = function(name)
    for _ in range(3):
        f = grad(f)
        assert f(x) == 0.0


@for_each("name", NAN_ROWS)
def test_the_derivative_at_nan_is_nan(name):
    f = function(name)
    assert math.isnan(f(Value(NAN)).partials[0])
    assert math.isnan(grad(f)(Value(NAN)).data)
    assert math.isnan(jvp(f, [NAN], [1.0])[1])
    x, w = Value(0.5), Value(1.0)
    _, gradient = autograd.compile(f(w * x), [x], [w])([[NAN]])
    assert np.isnan(gradient[0])


@pytest.mark.parametrize("x", [5e-324, -1e-310, 5.5e-309, 1e-300, 2.0, 0.0])
def test_a_power_whose_exponent_is_a_variable_that_is_zero(x):
    v, y = Value(x), Value(0.0)
    assert (v**y).partials[0] == 0.0
    assert grad(lambda x, y: x**y)(v, y)[0].data == 0.0
    _, gradient = autograd.compile(v**y, [y], [v])([[0.0]])
    assert gradient[0] == 0.0


def test_the_sign_of_the_slope_of_a_power_beyond_whole_floats():
    for y in (2.0**53, 2.0**53 + 2, 2.0**60):
        assert (Value(-1.0) ** y).partials[0] == -y  # y (-1)^(y-1), and y - 1 is odd
        assert (Value(-1.0) ** Value(y)).partials[0] == -y
        assert grad(lambda x, y: x**y)(Value(-1.0), Value(y))[0].data == -y


def test_slopes_of_random_powers_are_good_to_a_few_ulp():
    rng = np.random.default_rng(0)
    for _ in range(many(1000)):
        x = float(10 ** rng.uniform(-300, 300))
        y = float(rng.uniform(-1, 1) * rng.choice([1, 300]) / max(abs(math.log10(x)), 1e-3))
        exact = pow_first(mpf(x), mpf(y))
        if not TINY < mp.power(mpf(x), mpf(y)) < HUGE:
            continue
        for node in (Value(x) ** Value(y), Value(x) ** y):
            assert error(node.partials[0], exact[0]) < 4, (x, y)


@pytest.mark.slow
def test_arrays_give_the_derivatives_of_floats():
    for name in [*UNARY, *BINARY]:
        points, _, _ = parts(name)
        columns = [np.array(column) for column in zip(*points, strict=True)]
        with np.errstate(all="ignore"):
            value, partials = getattr(p, name).on(p.ARRAYS)
            ds = [np.broadcast_to(d, columns[0].shape) for d in partials(value(*columns), *columns)]
        for i, x in enumerate(points):
            for a, b in zip(apply(getattr(p, name), *map(Value, x)).partials, ds, strict=True):
                assert a == b[i] or error(b[i], a) <= 8, (name, x, a, b[i])


@pytest.mark.parametrize("x", [-INF, Value(-INF), np.float64(-INF), np.array([-INF, -INF])])
def test_the_square_root_as_a_power_of_minus_infinity(x):
    z = apply(
        p.POW, x, 0.5
    )  # C99, F.9.4.4: pow(-inf, y) is +inf for a y > 0 that is no odd integer
    assert (np.asarray(z.data if isinstance(z, Value) else z) == INF).all()
