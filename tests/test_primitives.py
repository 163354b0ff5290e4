"""The table of primitives, row by row, against `mpmath` at 50 digits; the rules for inf and nan.

Errors are counted in ulp, the spacing of floats at the exact result. A row has to be right

- on floats: the value and the partials that a recorded node keeps,
- on arrays: the same numbers, to a few ulp,
- on graph values: the second derivatives that `grad(grad(f))` gives.
"""

import copy
import math
import operator
import sys
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import autograd
from autograd import Value, grad, hessian, primitive
from autograd import primitives as p
from autograd.functions import apply
from autograd.primitives import ARRAYS, TABLE, Primitive
from tests.cases import for_each

INF, NAN = math.inf, math.nan
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mp.workdps(50):
        yield


NAMES = {name: row for name, row in vars(p).items() if isinstance(row, Primitive)}


# Points: arguments for a row, each a number or a tuple of numbers.


def anywhere(size=80):
    """Ordinary numbers, very small ones, and large ones of either sign."""
    logs = np.concatenate([rng.uniform(-300, 0, size // 2), rng.uniform(0, 2.8, size // 2)])
    return [*rng.uniform(-4, 4, size), *rng.choice([-1.0, 1.0], len(logs)) * 10**logs]


def positive():
    return [abs(x) for x in anywhere()] + [*10 ** rng.uniform(-290, 290, 80)]


def one(numbers):
    return [(float(x),) for x in numbers]


def two(exponent):
    size = 10 ** rng.uniform(-exponent, exponent, (100, 2))
    pairs = np.concatenate([rng.normal(size=(100, 2)), rng.choice([-1.0, 1.0], (100, 2)) * size])
    return [(x, y) for x, y in pairs.tolist()]


def powers():
    ordinary = [
        (x, y) for x, y in zip(rng.uniform(0.1, 4, 100), rng.uniform(-5, 5, 100), strict=True)
    ]
    base = 10 ** rng.uniform(-100, 100, 100)
    far = list(zip(base, rng.uniform(-180, 180, 100) / np.log10(base), strict=True))
    return [(float(x), float(y)) for x, y in [*ordinary, *far] if abs(y) > 0.01]


def vectors(scale, count=120):
    """One vector argument, of one to five numbers."""
    return [
        (tuple(rng.normal(0, s, rng.integers(1, 6)).tolist()),) for s in 10 ** scale.uniform(count)
    ]


class Exponents(NamedTuple):
    low: float
    high: float

    def uniform(self, count):
        return rng.uniform(self.low, self.high, count)


def weights_and_inputs():
    pairs = []
    for n in rng.integers(1, 6, 100):
        w, x = rng.normal(size=(2, n)) * 10 ** rng.uniform(-50, 50, (2, n))
        pairs.append((tuple(w.tolist()), tuple(x.tolist())))
    return pairs + [((*w, 0.75), x) for w, x in pairs[:50]]  # w longer by one: a bias


# The exact value and partials, of the numbers in the arguments, at 50 digits.


def mp_sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def mp_step(x):
    return mpf(1 if x > 0 else 0)


def mp_logsumexp(*x):
    return mp.log(mp.fsum(mp.exp(v) for v in x))


def mp_dot(n):
    """Of w, perhaps with the bias behind, and x, of length n, one after the other."""

    def dot(*wx):
        w, x = wx[:-n], [*wx[-n:], mpf(1)]
        return mp.fsum(v * u for v, u in zip(w, x, strict=False))

    return dot


def dot_partials(n):
    return lambda *wx: [*wx[-n:], *[mpf(1)] * (len(wx) - 2 * n), *wx[:n]]


def one_hot(*x):
    return [mpf(v == max(x)) for v in x]


def sharp(*_):
    """The tolerance of one correctly rounded operation, in ulp."""
    return 0.5


def few(*_):
    """That of a short formula, none of whose steps cancels."""
    return 4


def exact(*_):
    return 0


class Case(NamedTuple):
    """A row's points, its exact value and partials, and the error each may have, in ulp."""

    points: list
    value: object
    partials: object
    value_ulp: object
    partials_ulp: object
    scale: object = abs  # the value's error is counted in the spacing at this, for sums that cancel


def pow_ulp(x, y):
    # y - 1 is rounded, by up to half its ulp; log x magnifies that.
    return 4 + ulp(y - 1) / 2 * abs(mp.log(x)) * 2**53


def lse_ulp(*x):
    return 4 + min(max(x) - min(x), 40) / 2  # x_i - max is rounded, and then magnified by exp


def softmax_ulp(*x):
    # exp(x_i - z): both z and the difference are rounded, and exp magnifies.
    z = float(mp_logsumexp(*x))
    return 4 + 4 * abs(z) + max(abs(v - z) for v in x)


TIMES, SUMMED = Exponents(-100, 100), Exponents(-5, 5)
CASES = {
    "ADD": Case(two(300), operator.add, lambda x, y: (1, 1), sharp, exact),
    "SUB": Case(two(300), operator.sub, lambda x, y: (1, -1), sharp, exact),
    "MUL": Case(two(70), operator.mul, lambda x, y: (y, x), sharp, exact),
    "DIV": Case(two(70), operator.truediv, lambda x, y: (1 / y, -x / y**2), sharp, few),
    "POW": Case(
        powers(), mp.power, lambda x, y: (y * x ** (y - 1), x**y * mp.log(x)), few, pow_ulp
    ),
    "NEG": Case(one(anywhere()), operator.neg, lambda x: (-1,), exact, exact),
    "POS": Case(one(anywhere()), operator.pos, lambda x: (1,), exact, exact),
    "ABS": Case(one(anywhere()), abs, lambda x: (mp.sign(x),), exact, exact),
    "EXP": Case(one(anywhere()), mp.exp, lambda x: (mp.exp(x),), few, few),
    "LOG": Case(one(positive()), mp.log, lambda x: (1 / x,), few, sharp),
    "SQRT": Case(one(positive()), mp.sqrt, lambda x: (1 / (2 * mp.sqrt(x)),), sharp, few),
    "SIN": Case(one(anywhere()), mp.sin, lambda x: (mp.cos(x),), few, few),
    "COS": Case(one(anywhere()), mp.cos, lambda x: (-mp.sin(x),), few, few),
    "TANH": Case(one(anywhere()), mp.tanh, lambda x: (mp.sech(x) ** 2,), few, lambda x: 6),
    "SIGMOID": Case(
        one(anywhere()), mp_sigmoid, lambda x: (mp_sigmoid(x) * mp_sigmoid(-x),), few, few
    ),
    "ERF": Case(
        one(anywhere()), mp.erf, lambda x: (2 / mp.sqrt(mp.pi) * mp.exp(-x * x),), few, few
    ),
    "ERFC": Case(
        one(anywhere()), mp.erfc, lambda x: (-2 / mp.sqrt(mp.pi) * mp.exp(-x * x),), few, few
    ),
    "RELU": Case(one(anywhere()), lambda x: max(x, mpf(0)), lambda x: (mp_step(x),), exact, exact),
    "SOFTPLUS": Case(
        one(anywhere()),
        lambda x: mp.log1p(mp.exp(x)),
        lambda x: (mp_sigmoid(x),),
        few,
        few,
    ),
    "STEP": Case(one(anywhere()), mp_step, lambda x: (0,), exact, exact),
    "WHERE": Case(
        [((c, *ab),) for c, ab in zip(rng.normal(size=100).tolist(), two(300)[50:], strict=False)],
        lambda c, a, b: a if c > 0 else b,
        lambda c, a, b: (0, mp_step(c), 1 - mp_step(c)),
        exact,
        exact,
    ),
    "SUM": Case(
        vectors(SUMMED), lambda *x: mp.fsum(x), lambda *x: [1] * len(x), sharp, exact,
        lambda *x: sum(map(abs, x)),
    ),
    "DOT": Case(weights_and_inputs(), mp_dot, dot_partials, lambda *_: 2, exact),
    "LOGSUMEXP": Case(
        vectors(Exponents(-3, 2.8)),
        mp_logsumexp,
        lambda *x: [mp.exp(v - mp_logsumexp(*x)) for v in x],
        lse_ulp,
        softmax_ulp,
        lambda *x: max(abs(mp_logsumexp(*x)), *map(abs, x)),
    ),
    "MAX": Case(vectors(TIMES), lambda *x: max(x), one_hot, exact, exact),
}  # fmt: skip
rows = pytest.mark.parametrize("name", CASES)


def flat(arguments):
    return [v for x in arguments for v in (x if isinstance(x, tuple) else (x,))]


def like(arguments, numbers):
    """``numbers``, in the shape of ``arguments``."""
    left = iter(numbers)
    return tuple(
        tuple(next(left) for _ in x) if isinstance(x, tuple) else next(left) for x in arguments
    )


def formulas(name, arguments):
    """The exact value and partials of a row, as functions of all its numbers."""
    case = CASES[name]
    if name == "DOT":
        n = len(arguments[1])
        return case.value(n), case.partials(n)
    return case.value, case.partials


def scale_of(name, arguments, z):
    if name == "DOT":
        w, x = arguments
        return sum(abs(mpf(v) * u) for v, u in zip(w, [*x, 1.0], strict=False))
    return abs(z) if CASES[name].scale is abs else CASES[name].scale(*map(mpf, flat(arguments)))


def ulp(x):
    return mpf(math.ulp(float(x)))


def recorded(name, arguments):
    """The row at ``arguments``, all of them Values."""
    values = [Value(x) for x in flat(arguments)]
    return apply(NAMES[name], *like(arguments, values))


def test_every_row_of_the_table_is_tested():
    assert set(NAMES.values()) == set(TABLE)
    assert len(TABLE) == len(NAMES)
    assert set(CASES) == set(NAMES)


def test_a_copied_row_is_the_row_itself():
    assert copy.deepcopy(p.EXP) is p.EXP


def test_rows_show_their_symbol():
    assert repr(p.EXP) == "<primitive exp>"


@rows
def test_on_floats(name):
    case = CASES[name]
    for arguments in case.points:
        numbers = [mpf(x) for x in flat(arguments)]
        value, partials = formulas(name, arguments)
        z = value(*numbers)
        node = recorded(name, arguments)
        assert type(node.data) is float
        error = abs(node.data - z) / ulp(scale_of(name, arguments, z))
        assert error <= case.value_ulp(*numbers) + 1e-9, (arguments, node.data, float(z))
        assert len(node.partials) == len(numbers)
        for got, d in zip(node.partials, partials(*numbers), strict=True):
            assert type(got) is float
            allowed = case.partials_ulp(*numbers) + 1e-9
            assert abs(got - d) / ulp(d) <= allowed, (arguments, node.partials, float(d))


@rows
def test_on_arrays(name):
    case = CASES[name]
    groups = {}  # vectors of one length make one array each
    for arguments in case.points:
        shape = tuple(len(x) if isinstance(x, tuple) else 0 for x in arguments)
        groups.setdefault(shape, []).append(arguments)
    for points in groups.values():
        arrays = like(points[0], np.array([flat(x) for x in points]).T)
        z = apply(NAMES[name], *arrays)
        assert z.shape == (len(points),)
        _, partials = NAMES[name].on(ARRAYS)
        with np.errstate(all="ignore"):
            ds = partials(z, *arrays)
        ds = [
            d
            for x, dx in zip(arrays, ds, strict=True)
            for _, d in zip(
                *map(in_tuple, (x, dx)), strict=False
            )  # of x, a dot's w has b beside it
        ]
        ds = [np.broadcast_to(d, z.shape) for d in ds]
        for i, arguments in enumerate(points):
            node = recorded(name, arguments)
            size = scale_of(name, arguments, mpf(node.data))
            most = 9 if name == "ERFC" else 5  # in SciPy's erfc: 7
            assert abs(mpf(node.data) - z[i]) / ulp(size) <= most, (arguments, node.data, z[i])
            few = 4 + 2 * case.partials_ulp(*map(mpf, flat(arguments)))
            for expected, d in zip(node.partials, ds, strict=True):
                assert abs(mpf(expected) - d[i]) / ulp(expected) <= few, (arguments, expected, d[i])


def in_tuple(x):
    return x if isinstance(x, tuple) else (x,)


SECOND = {  # a few ordinary points, off the kinks
    "LOG": [(0.3,), (2.5,)],
    "SQRT": [(0.3,), (2.5,)],
    "POW": [(0.5, 1.5), (2.5, -0.75), (1.25, 3.0), (3.0, 0.5)],
    "WHERE": [((1.5, 0.3, 0.4),), ((-1.5, 0.3, 0.4),)],
    "SUM": [((0.5, -0.25, 2.0),), ((1.5,),)],
    "MAX": [((0.5, -0.25, 2.0),), ((1.5,),)],
    "LOGSUMEXP": [((0.5, -0.25, 2.0),), ((1.5, -3.0),), ((30.0, 1.0),)],
    "DOT": [((0.5, -2.0), (1.5, 3.0)), ((0.5, -2.0, 0.75), (1.5, 3.0))],
}
BINARY = [(1.5, 2.5), (-0.5, 3.0), (2.0, -0.25)]


def second_derivative(f, x, i, j):
    """By differentiating twice: along input j, and what that gives, along input i."""

    def at(change):
        return f(*[change.get(k, v) for k, v in enumerate(x)])

    if i == j:
        return grad(grad(lambda u: at({i: u})))(x[i])
    return grad(lambda u: grad(lambda v: at({i: u, j: v}))(x[j]))(x[i])


@rows
def test_on_graph_values_second_derivatives(name):
    one_argument = [(-2.5,), (-0.3,), (0.7,), (3.0,)]
    binary = name in ("ADD", "SUB", "MUL", "DIV")
    for arguments in SECOND.get(name, BINARY if binary else one_argument):
        value, _ = formulas(name, arguments)
        numbers = flat(arguments)
        x = [mpf(v) for v in numbers]

        def f(*values, name=name, arguments=arguments):
            return apply(NAMES[name], *like(arguments, values))

        # softmax is exp(x_i - z), good to |z| ulp of 1: p (1 - p) is small, and its error is not.
        floor = 1.0 if name == "LOGSUMEXP" else 1e-6
        matrix = hessian(f)(*numbers)
        for i in range(len(x)):
            for j in range(len(x)):
                order = tuple((k == i) + (k == j) for k in range(len(x)))
                exact = mpmath.diff(value, *((x[0], 2) if len(x) == 1 else (tuple(x), order)))
                got = second_derivative(f, numbers, i, j)
                assert type(got) is float
                assert abs(got - exact) <= 1e-13 * max(abs(exact), floor), (arguments, i, j)
                assert abs(matrix[i, j] - exact) <= 1e-13 * max(abs(exact), floor)


@for_each("name", ["SIGMOID", "TANH", "SOFTPLUS"])
@for_each("x", [-300.0, -40.0, 40.0, 300.0])
def test_second_derivatives_keep_their_digits_in_the_tails(name, x):
    s = mp_sigmoid(mpf(x))
    exact = {
        "SIGMOID": s * mp_sigmoid(-mpf(x)) * mp.tanh(-mpf(x) / 2),
        "SOFTPLUS": s * mp_sigmoid(-mpf(x)),
        "TANH": -2 * mp.tanh(mpf(x)) * mp.sech(mpf(x)) ** 2,
    }[name]
    got = grad(grad(lambda v: apply(NAMES[name], v)))(x)
    assert abs(got - exact) <= 1e-14 * abs(exact)


@for_each(
    ("name", "x", "value", "partial"),
    [
        # 1 - tanh(x)^2 and s (1 - s) would be 0 here, log(1 + exp(x)) 0 or inf.
        ("TANH", 300.0, 1.0, 1.0601586212017243e-260),
        ("SIGMOID", 300.0, 1.0, 5.148200222412013e-131),
        ("SIGMOID", -700.0, 9.85967654375977e-305, 9.85967654375977e-305),
        ("SOFTPLUS", -700.0, 9.85967654375977e-305, 9.85967654375977e-305),
        ("SOFTPLUS", -40.0, 4.248354255291589e-18, 4.248354255291589e-18),
        ("SOFTPLUS", 1e300, 1e300, 1.0),
        ("TANH", 1e-300, 1e-300, 1.0),
        # exp(-x * x), x * x rounded, would be wrong in the 14th digit.
        ("ERF", 25.7, 1.0, 1.604326314829186e-287),
    ],
)
def test_tails_by_number(name, x, value, partial):
    node = recorded(name, (x,))
    assert node.data == pytest.approx(value, rel=1e-15, abs=0)
    assert node.partials == pytest.approx((partial,), rel=2e-15, abs=0)


def test_without_scipy_arrays_go_entry_by_entry(monkeypatch):
    x = np.linspace(-3.0, 3.0, 7)
    with_scipy = autograd.erf(x), autograd.erfc(x)
    for module in [m for m in sys.modules if m.split(".")[0] == "scipy"]:
        monkeypatch.setitem(sys.modules, module, None)
    p._scipy.cache_clear()
    try:
        assert autograd.erf(x).tolist() == [math.erf(v) for v in x.tolist()]
        assert autograd.erf(x[:0]).shape == (0,)
        assert isinstance(autograd.erf(np.float64(0.5)), np.float64)
        np.testing.assert_allclose([autograd.erf(x), autograd.erfc(x)], with_scipy, rtol=2e-15)
    finally:
        p._scipy.cache_clear()


def test_logsumexp_keeps_what_a_sure_class_has_left():
    node = recorded("LOGSUMEXP", ((0.0, -40.0),))
    assert node.data == pytest.approx(4.248354255291589e-18, rel=1e-15, abs=0)
    assert node.partials == pytest.approx((1.0, 4.248354255291589e-18), rel=1e-15, abs=0)


# Numbers: IEEE 754, on floats, arrays and Values alike. A warning would be an error here.


def same(got, expected):
    """Equal as IEEE numbers: nan is nan; close where both are ordinary."""
    if math.isnan(expected):
        return math.isnan(got)
    return got == expected or math.isclose(got, expected, rel_tol=1e-15)


IEEE = [
    ("EXP", (710.0,), INF, (INF,)),
    ("EXP", (-800.0,), 0.0, (0.0,)),
    ("LOG", (0.0,), -INF, (INF,)),
    ("LOG", (-1.0,), NAN, None),
    ("LOG", (INF,), INF, (0.0,)),
    ("SQRT", (-1.0,), NAN, (NAN,)),
    ("SQRT", (0.0,), 0.0, (INF,)),
    ("POW", (-8.0, 1 / 3), NAN, None),
    ("POW", (0.0, -1.0), INF, None),
    ("POW", (-2.0, 2.0), 4.0, None),
    ("POW", (10.0, 400.0), INF, None),
    ("POW", (0.0, 0.5), 0.0, (INF, 0.0)),
    ("DIV", (1.0, 0.0), INF, (INF, -INF)),
    ("DIV", (-1.0, 0.0), -INF, (INF, INF)),
    ("DIV", (1.0, -0.0), -INF, (-INF, -INF)),
    ("DIV", (0.0, 0.0), NAN, (INF, NAN)),
    ("SUB", (INF, INF), NAN, (1.0, -1.0)),
    ("ADD", (INF, -INF), NAN, (1.0, 1.0)),
    ("ADD", (1e308, 1e308), INF, (1.0, 1.0)),
    ("MUL", (0.0, INF), NAN, (INF, 0.0)),
    ("MUL", (1e200, 1e200), INF, (1e200, 1e200)),
    ("SIN", (INF,), NAN, (NAN,)),
    ("COS", (-INF,), NAN, (NAN,)),
    ("TANH", (INF,), 1.0, (0.0,)),
    ("SIGMOID", (-INF,), 0.0, (0.0,)),
    ("SIGMOID", (INF,), 1.0, (0.0,)),
    ("SOFTPLUS", (-INF,), 0.0, (0.0,)),
    ("SOFTPLUS", (INF,), INF, (1.0,)),
    ("ERF", (INF,), 1.0, (0.0,)),
    ("ERF", (-INF,), -1.0, (0.0,)),
    ("ERF", (1e308,), 1.0, (0.0,)),
    ("ERF", (NAN,), NAN, (NAN,)),
    ("ERFC", (INF,), 0.0, (0.0,)),
    ("ERFC", (-INF,), 2.0, (0.0,)),
    ("ERFC", (NAN,), NAN, (NAN,)),
    ("RELU", (NAN,), NAN, None),
    ("RELU", (INF,), INF, (1.0,)),
    ("RELU", (-INF,), 0.0, (0.0,)),
    ("ABS", (-INF,), INF, (-1.0,)),
    ("STEP", (NAN,), 0.0, (0.0,)),
    ("SUM", ((1e308, 1e308),), INF, (1.0, 1.0)),
    ("SUM", ((INF, -INF),), NAN, (1.0, 1.0)),
    ("DOT", ((0.0, 1.0), (INF, 1.0)), NAN, (INF, 1.0, 0.0, 1.0)),
    ("DOT", ((1e200,), (1e200,)), INF, (1e200, 1e200)),
    ("MAX", ((1.0, NAN),), NAN, None),
    ("MAX", ((NAN, 1.0),), NAN, None),
    ("MAX", ((-INF, 1.0),), 1.0, (0.0, 1.0)),
    ("LOGSUMEXP", ((-INF, -INF),), -INF, None),
    ("LOGSUMEXP", ((INF, 1.0),), INF, None),
    ("LOGSUMEXP", ((NAN, 1.0),), NAN, (NAN, NAN)),
    ("WHERE", ((-1.0, NAN, 2.0),), 2.0, (0.0, 0.0, 1.0)),
    ("WHERE", ((NAN, 1.0, 2.0),), 2.0, (0.0, 0.0, 1.0)),
    # Kinks, and what the design fixes about powers at 0.
    ("RELU", (0.0,), 0.0, (0.0,)),
    ("RELU", (-0.0,), 0.0, (0.0,)),
    ("ABS", (0.0,), 0.0, (0.0,)),
    ("ABS", (-0.0,), 0.0, (0.0,)),
    ("STEP", (0.0,), 0.0, (0.0,)),
    ("MAX", ((3.0, 1.0, 3.0),), 3.0, (0.5, 0.0, 0.5)),
    ("MAX", ((2.0, 2.0, 2.0, 2.0),), 2.0, (0.25, 0.25, 0.25, 0.25)),
    ("POW", (0.0, 0.0), 1.0, (0.0, -INF)),
    ("POW", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("POW", (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("POW", (0.0, 3.5), 0.0, (0.0, 0.0)),
    ("POW", (-2.0, 0.0), 1.0, (0.0, NAN)),
]
ieee = for_each(("name", "arguments", "value", "partials"), IEEE)


@ieee
def test_ieee_on_floats(name, arguments, value, partials):
    z = apply(NAMES[name], *arguments)
    assert type(z) is float
    assert same(z, value)


@ieee
def test_ieee_on_numpy_scalars(name, arguments, value, partials):
    z = apply(NAMES[name], *p.each(np.float64, arguments))
    assert isinstance(z, float)
    assert same(z, value)


@ieee
def test_ieee_on_arrays(name, arguments, value, partials):
    z = apply(NAMES[name], *p.each(lambda x: np.array([x, x]), arguments))
    assert z.shape == (2,)
    assert z.dtype == np.float64
    assert same(z[0], value)
    assert same(z[1], value)


@ieee
def test_ieee_on_values(name, arguments, value, partials):
    node = recorded(name, arguments)
    assert type(node.data) is float
    assert same(node.data, value)
    assert all(type(d) is float for d in node.partials)
    if partials is not None:
        assert all(map(same, node.partials, partials)), node.partials
        assert len(node.partials) == len(partials)


OPERATORS = {"ADD": "add", "SUB": "sub", "MUL": "mul", "DIV": "truediv", "POW": "pow"}


@for_each(("name", "arguments", "value", "partials"), [row for row in IEEE if row[0] in OPERATORS])
def test_ieee_on_operators(name, arguments, value, partials):
    f = getattr(operator, OPERATORS[name])
    x, y = arguments
    expected = recorded(name, arguments).partials
    for a, b in ((Value(x), Value(y)), (Value(x), y), (x, Value(y)), (np.float64(x), Value(y))):
        node = f(a, b)
        assert type(node.data) is float
        assert same(node.data, value)
        assert all(map(same, node.partials, expected))


@ieee
def test_ieee_on_the_recorded_gradient(name, arguments, value, partials):
    """The row in the arithmetic of graph values: grad at Values, and a derivative of that."""

    def f(*values):
        return apply(NAMES[name], *like(arguments, values))

    numbers = flat(arguments)
    gradient = grad(f)(*[Value(x) for x in numbers])
    gradient = gradient if isinstance(gradient, tuple) else (gradient,)
    assert all(map(same, [d.data for d in gradient], recorded(name, arguments).partials))
    assert hessian(f)(*numbers).dtype == np.float64


@ieee
def test_ieee_with_numbers_that_are_constants(name, arguments, value, partials):
    """One Value, the others plain numbers: the same value, and the same partial derivative."""
    numbers = flat(arguments)
    for i, x in enumerate(numbers):

        def f(v, i=i):
            return apply(NAMES[name], *like(arguments, [*numbers[:i], v, *numbers[i + 1 :]]))

        node = f(Value(x))
        assert same(node.data, value)
        assert same(node.partials[i], recorded(name, arguments).partials[i])
        assert same(grad(f)(Value(x)).data, node.partials[i])


@for_each("x", [-INF, -8.0, -1.0, -0.0, 0.0, 5e-324, 0.5, 2.0, 710.0, 1e308, INF, NAN])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_raises_or_goes_complex_anywhere(name, x):
    """Every row, at every pair of awkward numbers: floats in, float or nan out, no warning."""
    for y in (-INF, -8.0, -1.0, -0.0, 0.0, 0.5, 2.0, 1e308, INF, NAN):
        arguments = {
            "WHERE": ((x, y, 1.0),),
            "DOT": ((x, y, 0.5), (y, x)),
            **dict.fromkeys(("SUM", "LOGSUMEXP", "MAX"), ((x, y),)),
            **dict.fromkeys(("ADD", "SUB", "MUL", "DIV", "POW"), (x, y)),
        }.get(name, (x,))
        node = recorded(name, arguments)
        assert all(type(d) is float for d in (node.data, *node.partials))
        assert same(apply(NAMES[name], *arguments), node.data)
        array = apply(NAMES[name], *p.each(lambda v: np.array([v]), arguments))
        assert same(array[0], node.data)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_every_derivative_of_a_power_at_zero(n):
    """x^n at 0: all derivatives up to order n + 1 are 0, but for the n-th, which is n!."""

    def f(x):
        return x**n

    for order in range(1, n + 2):
        f = grad(f)
        assert f(0.0) == (math.factorial(n) if order == n else 0.0)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_powers_at_zero_with_a_value_in_the_exponent(n):
    node = Value(0.0) ** Value(float(n))
    assert node.partials == (float(n == 1), 0.0)
    assert hessian(lambda x, y: x**y)(0.0, float(n))[0, 0] == (2.0 if n == 2 else 0.0)


# A user's own primitives


square = primitive("square", lambda x: x * x, lambda z, x: (2 * x,))
inverse = primitive("inverse", lambda x: 1 / x, lambda z, x: (-z * z,))
root = primitive("root", lambda x: x**0.5, lambda z, x: (0.5 / z,))
ratio = primitive("ratio", lambda x, y: x / y, lambda z, x, y: (1 / y, -z / y))
swish = primitive(
    "swish",
    lambda x: x * autograd.sigmoid(x),
    lambda z, x: (autograd.sigmoid(x) + z * autograd.sigmoid(-x),),
)
fma = primitive("fma", lambda x, y, z: x * y + z, lambda _, x, y, z: (y, x, 1.0))


def test_own_primitive_of_one_input():
    x = Value(3.0)
    node = square(x)
    assert (node.op, node.data, node.inputs, node.partials) == ("square", 9.0, (x,), (6.0,))
    node.backward()
    assert x.grad == 6.0
    assert square(3) == 9.0
    assert type(square(3)) is float
    assert square(np.array([1, 2, 3])).tolist() == [1.0, 4.0, 9.0]


def test_own_primitive_of_two_inputs():
    x, y = Value(3.0), Value(4.0)
    node = ratio(x, y)
    assert (node.data, node.inputs, node.partials) == (0.75, (x, y), (0.25, -0.1875))
    assert ratio(x, 4).inputs == (x, 4.0)
    assert ratio(3, y).inputs == (3.0, y)
    assert ratio(3, 4) == 0.75
    assert ratio(np.array([3.0, 6.0]), 4).tolist() == [0.75, 1.5]
    assert ratio(x, x).partials == (1 / 3, -1 / 3)


def test_own_primitive_of_three_inputs():
    x, y, z = Value(2.0), Value(3.0), Value(5.0)
    node = fma(x, y, z)
    assert (node.op, node.data, node.inputs) == ("fma", 11.0, (x, y, z))
    assert node.partials == (3.0, 2.0, 1.0)
    assert fma(2, y, 5).inputs == (2.0, y, 5.0)
    assert fma(2, 3, 5) == 11.0
    assert fma(np.array([1.0, 2.0]), 3.0, np.array([5.0, 6.0])).tolist() == [8.0, 12.0]
    fma(x, x, x).backward()  # x^2 + x
    assert x.grad == 5.0


def test_own_primitives_second_derivatives():
    assert grad(grad(square))(3.0) == 2.0
    assert grad(grad(inverse))(2.0) == 0.25
    assert hessian(ratio)(3.0, 4.0).tolist() == [[0.0, -1 / 16], [-1 / 16, 2 * 3 / 64]]
    assert hessian(fma)(2.0, 3.0, 5.0).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    f = mpmath.diff(lambda x: x * mp_sigmoid(x), mpf("0.7"), 2)
    assert grad(grad(swish))(0.7) == pytest.approx(float(f), rel=1e-14)


@pytest.mark.parametrize("zero", [0, 0.0, np.float64(0.0)])
def test_own_primitive_divides_by_zero(zero):
    assert inverse(zero) == INF
    node = inverse(Value(zero))
    assert (node.data, node.partials) == (INF, (-INF,))
    assert inverse(np.array([zero, 2.0])).tolist() == [INF, 0.5]
    assert grad(grad(inverse))(zero) == INF


@pytest.mark.parametrize("x", [-1, -1.0, np.float64(-1.0)])
def test_own_primitive_never_goes_complex(x):
    assert math.isnan(root(x))
    node = root(Value(x))
    assert math.isnan(node.data)
    assert math.isnan(node.partials[0])
    assert type(node.data) is float
    assert math.isnan(grad(grad(root))(x))
    assert np.isnan(root(np.array([x, 4.0]))).tolist() == [True, False]


def test_own_primitive_overflows_to_inf():
    power = primitive("p", lambda x: x**400, lambda z, x: (400 * x**399,))
    assert power(10.0) == INF
    assert power(Value(10.0)).partials == (INF,)


@pytest.mark.parametrize("partials", [lambda z, x: 2 * x, lambda z, x: [2 * x], lambda z, x: None])
def test_own_partials_that_are_no_tuple_are_a_type_error(partials):
    f = primitive("f", lambda x: x * x, partials)
    with pytest.raises(TypeError, match="partials of 'f' must be a tuple"):
        f(Value(3.0))


@pytest.mark.parametrize(
    ("value", "partials", "n", "given"),
    [
        (lambda x: x, lambda z, x: (1.0, 2.0), 1, 2),
        (lambda x: x, lambda z, x: (), 1, 0),
        (lambda x, y: x * y, lambda z, x, y: (y,), 2, 1),
        (lambda x, y, z: x * y * z, lambda _, x, y, z: (y * z, x * z), 3, 2),
    ],
)
def test_own_partials_of_the_wrong_length_are_a_value_error(value, partials, n, given):
    f = primitive("f", value, partials)
    with pytest.raises(ValueError, match=f"'f' has {n} inputs, but partials gave {given}"):
        f(*[Value(2.0)] * n)


@pytest.mark.parametrize(
    ("value", "partials", "n"),
    [(lambda x: x * x, lambda x: (2 * x,), 1), (lambda x, y: x * y, lambda x, y: (y, x), 2)],
)
def test_own_partials_that_do_not_take_the_value_are_told_so(value, partials, n):
    with pytest.raises(TypeError, match="'f' must be a function of the value z and the inputs"):
        primitive("f", value, partials)(*[Value(2.0)] * n)


def test_a_type_error_of_own_partials_comes_through_as_it_is():
    with pytest.raises(TypeError, match=r"^unsupported operand"):
        primitive("f", lambda x: x * x, lambda z, x: (x + "1",))(Value(2.0))
    with pytest.raises(TypeError, match=r"^must be real number"):
        primitive("f", lambda x: x * x, lambda z, x: (math.exp("1"),))(Value(2.0))


def test_own_primitive_whose_value_is_no_number_is_a_type_error():
    f = primitive("f", lambda x: "x", lambda z, x: (1.0,))
    with pytest.raises(TypeError, match="value of 'f'"):
        f(Value(1.0))
    g = primitive("g", lambda x: x, lambda z, x: ("1",))
    with pytest.raises(TypeError, match="partial of 'g'"):
        g(Value(1.0))


def test_own_primitive_without_arguments_or_beside_an_array():
    with pytest.raises(TypeError, match="at least one argument"):
        square()
    with pytest.raises(TypeError, match="mixed"):
        ratio(Value(1.0), np.ones(2))
    with pytest.raises(TypeError):
        square(1.0, 2.0)


def test_a_primitive_with_numpys_where_is_told_of_ours():
    mine = primitive("mine", lambda x: np.where(x > 0, x, 0.0), lambda z, x: (autograd.step(x),))
    slope = primitive("slope", autograd.relu, lambda z, x: (np.where(x > 0, 1.0, 0.0),))
    for f, name in ((mine, "the value of 'mine'"), (slope, "a partial of 'slope'")):
        with pytest.raises(TypeError, match=rf"{name} must be .* write autograd\.where\(c, a, b\)"):
            f(Value(2.0))
