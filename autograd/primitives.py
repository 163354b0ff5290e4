"""The table of primitives: the whole calculus of this package, one row each.

A scalar primitive is completely described by its **value** ``z`` and its **partial derivatives**
``dz/dx``. A row writes both once, as a function of the arithmetic ``m`` that it is to run in, so
that the same row serves

- Python floats (`FLOATS`), when a graph is recorded,
- NumPy arrays (`ARRAYS`), when many numbers are computed at once,
- graph values (the functions of `autograd` themselves), when a derivative is differentiated again.

A primitive takes one or two arguments. An argument is a number, or a tuple of numbers (a *vector*,
for the n-ary primitives); its partial derivative has the same shape.

Every arithmetic keeps to IEEE 754: ``exp(710)`` is ``inf``, ``log(-1)`` is ``nan``, ``1/0`` is
``inf``, and nothing raises. At kinks: relu'(0) = 0, |x|'(0) = 0, tied maxima share equally.
"""

import math
import operator
from collections.abc import Callable
from functools import cache, partial, reduce
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import powers
from .powers import LARGEST_ODD, times

RAISED = (ArithmeticError, ValueError)  # by Python's floats, where IEEE has inf or nan

Row = Callable[[Any], tuple[Callable[..., Any], Callable[..., Any]]]


def _where(c: Any, a: Any, b: Any) -> Any:
    chosen: Any = np.where(c > 0.0, a, b)
    return chosen[()]  # a scalar for scalars


def _power(x: Any, y: Any) -> Any:
    # For a plain 0.5 np.power takes the square root, which at -inf is nan and not inf.
    is_root = np.ndim(y) == 0 and y == 0.5
    return np.float_power(x, y) if is_root else np.power(x, y)


@cache
def _scipy() -> Any:
    """SciPy's special functions, or None where it is not installed."""
    try:
        from scipy import special
    except ModuleNotFoundError:
        return None
    return special


def _by_entry(function: Callable[[float], float], x: Any) -> Any:
    return np.vectorize(function, otypes=[float])(x)[()]


def _erf(x: Any) -> Any:
    return _by_entry(math.erf, x) if _scipy() is None else _scipy().erf(x)


def _erfc(x: Any) -> Any:
    special = _scipy()
    if special is None:
        return _by_entry(math.erfc, x)
    # SciPy's erfc loses digits at large x; its erfcx, which is exp(x^2) erfc(x), does not.
    far = special.erfcx(np.maximum(x, 0.0)) * gaussian(ARRAYS, x)
    return _where(x - 1.5, far, special.erfc(x))


# The functions that the rows below use, beside + - * / and unary -. On floats a call may raise
# where IEEE has inf or nan (math.exp(710)): `Primitive.at` then takes over. It must never give a
# complex number, nor raise at ordinary points: x**2 asks for the log of a negative x, since the
# derivative by the exponent needs it.
FLOATS: Any = SimpleNamespace(
    exp=math.exp, log1p=math.log1p, sqrt=math.sqrt,
    sin=math.sin, cos=math.cos, tanh=math.tanh, erf=math.erf, erfc=math.erfc,
    abs=abs, pow=math.pow,
    log=lambda x: math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan,
    where=lambda c, a, b: a if c > 0.0 else b,
    maximum=lambda x, y: x if x > y or x != x else y,
    sum=math.fsum,
    max=lambda x: reduce(FLOATS.maximum, x),
)  # fmt: skip
ARRAYS: Any = SimpleNamespace(
    exp=np.exp, log=np.log, log1p=np.log1p, sqrt=np.sqrt,
    sin=np.sin, cos=np.cos, tanh=np.tanh, erf=_erf, erfc=_erfc,
    abs=np.abs, pow=_power,
    where=_where,
    maximum=np.maximum,
    sum=lambda x: reduce(operator.add, x),
    max=lambda x: reduce(np.maximum, x),
)  # fmt: skip


class Primitive:
    """One row of the table.

    Attributes:
        symbol: what the picture and the trace print, ``"+"`` or ``"exp"``.
        on: the row itself: ``on(m)`` gives ``(value, partials)`` in the arithmetic ``m``.
            ``value(*arguments)`` is z; ``partials(z, *arguments)`` is a tuple with one entry per
            argument. For a vector argument the entry is a tuple, which may be longer than the
            argument: its last entries are then ignored.
        chooses: whether it takes some of its inputs and ignores the others. An input whose partial
            derivative is 0 then gets no share of the gradient, not even 0 times inf.
        value, partials: the row on floats.
        function: of a user's own primitive, the function that records it; else None.
    """

    __slots__ = ("chooses", "function", "on", "partials", "symbol", "value")

    def __init__(self, symbol: str, row: Row, chooses: bool = False) -> None:
        self.symbol = symbol
        self.on = row
        self.chooses = chooses
        self.value, self.partials = row(FLOATS)
        self.function: Any = None

    def at(self, *arguments: Any) -> tuple[float, tuple[Any, ...]]:
        """Value and partial derivatives at floats: inf or nan, never an error.

        Python's floats are some ten times faster than NumPy's scalars and give the same numbers,
        but they raise an exception where IEEE has inf or nan; NumPy's then take over.
        """
        try:
            z = self.value(*arguments)
            return z, self.partials(z, *arguments)
        except RAISED:
            value, partials = self.on(ARRAYS)
            with np.errstate(all="ignore"):
                arguments = each(np.float64, arguments)
                z = value(*arguments)
                return float(z), each(float, partials(z, *arguments))

    def value_at(self, *arguments: Any) -> float:
        """The value alone, as `at` gives it."""
        try:
            z: float = self.value(*arguments)
        except RAISED:
            z, _ = self.at(*arguments)
        return z

    def __repr__(self) -> str:
        return f"<primitive {self.symbol}>"

    def __copy__(self) -> "Primitive":
        return self  # a copied graph must keep to the same rows

    def __deepcopy__(self, memo: object) -> "Primitive":
        return self


def each(f: Callable[[Any], Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """``f`` of every number among ``arguments``, those inside vectors included."""
    return tuple([tuple(map(f, x)) if type(x) is tuple else f(x) for x in arguments])


def _sigmoid(m: Any, x: Any) -> Any:
    e = m.exp(-m.abs(x))  # at most 1: no overflow on either side
    return m.where(x, 1.0, e) / (1.0 + e)


def _logsumexp(m: Any, x: Any) -> Any:
    # The largest terms are counted exactly and the rest goes into log1p, so that the result keeps
    # its digits even if one term is far larger than all others.
    top = m.max(x)
    ties = m.sum([m.where(top - v, 0.0, 1.0) for v in x])
    rest = m.sum([m.where(top - v, m.exp(v - top), 0.0) for v in x])
    return top + m.log1p(rest + (ties - 1.0))


def _softmax(m: Any, x: Any) -> tuple[Any, ...]:
    # exp(v - z) would be shorter, but v - z is rounded where both are large.
    top = m.max(x)
    e = [m.exp(v - top) for v in x]
    total = m.sum(e)
    return (tuple([v / total for v in e]),)


def _max_partials(m: Any, z: Any, x: Any) -> tuple[Any, ...]:
    hits = [1.0 - m.step(z - v) for v in x]
    ties = m.sum(hits) + 0.0 * m.tanh(z)  # nan if the maximum is
    return (tuple([hit / ties for hit in hits]),)


def _where_partials(m: Any, c: Any) -> tuple[Any, ...]:
    return ((0.0, m.step(c), m.where(c, 0.0, 1.0)),)


def _is_recorded(m: Any) -> bool:
    """Whether the arithmetic is that of graph values: partials are then differentiated again.

    Two formulas may agree to the last digit while their derivatives do not, because one cancels.
    """
    return bool(vars(m).get("recorded", False))


def _pow_partials(m: Any) -> Callable[..., Any]:
    # dx is y x^(y-1), with 0 where y = 0; dy is z log x, with 0 where z = 0 and log x is infinite.
    recorded = _is_recorded(m)
    by_x, by_y = _power_partials(m, 0, 0)
    if not recorded:  # with the z that is there
        by_x, by_y = partial(powers.by_base, m), lambda z, x, y: times(m, z, m.log(x))

    def partials(z: Any, x: Any, y: Any) -> tuple[Any, Any]:
        dx = dy = 0.0
        if isinstance(y, float):  # a plain exponent: derivatives of x**3 end in 0 at any order
            if y != 0.0:
                less = y - 1.0
                is_exact = less + 1.0 == y and -LARGEST_ODD < y < LARGEST_ODD
                dx = y * m.pow(x, less) if is_exact else by_x(z, x, y)
        elif not recorded or not isinstance(x, float):
            dx = by_x(z, x, y)
        if isinstance(x, float):
            dy = z * m.log(x) if x != 0.0 and x < math.inf else times(m, z, m.log(x))
        elif not recorded or not isinstance(y, float):
            dy = by_y(z, x, y)
        return dx, dy

    return partials


class PowerDerivative(Primitive):
    """The ``n``-th derivative by x of the ``k``-th by y of x^y, as a row of its own.

    Its partial derivatives are two more of the kind. So a mixed derivative is one number, in
    whatever order it is taken, at the rim of the floats too.
    """

    __slots__ = ("k", "n")

    def __init__(self, n: int, k: int) -> None:
        self.n, self.k = n, k

        def row(m: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
            by_x, by_y = _power_partials(m, n, k)
            return _power_of(m, n, k), lambda *zxy: (by_x(*zxy), by_y(*zxy))

        super().__init__(f"**({n},{k})", row)

    def __reduce__(self) -> Any:
        return power_derivative, (self.n, self.k)


@cache
def power_derivative(n: int, k: int) -> Primitive:
    """The one row for this derivative of x^y."""
    return PowerDerivative(n, k)


def _power_of(m: Any, n: int, k: int) -> Callable[..., Any]:
    if _is_recorded(m):
        return partial(m.apply, power_derivative(n, k))
    return partial(powers.derivative, m, n, k)


def _power_partials(m: Any, n: int, k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    by_x, by_y = _power_of(m, n + 1, k), _power_of(m, n, k + 1)
    return lambda z, x, y: by_x(x, y), lambda z, x, y: by_y(x, y)


def _tanh_partials(m: Any) -> Callable[..., Any]:
    # 1 - z^2 would be 0 for large x.
    def accurate(z: Any, x: Any) -> tuple[Any]:
        e = m.exp(-m.abs(2.0 * x))
        return (4.0 * e / ((1.0 + e) * (1.0 + e)),)

    def partials(z: Any, x: Any) -> tuple[Any]:
        tail = 4.0 * m.sigmoid(2.0 * x) * m.sigmoid(-2.0 * x)
        return (m.where(0.25 - z * z, 1.0 - z * z, tail),)

    return partials if _is_recorded(m) else accurate


def _sigmoid_partials(m: Any) -> Callable[..., Any]:
    if not _is_recorded(m):
        return lambda z, x: (z * m.sigmoid(-x),)

    def partials(z: Any, x: Any) -> tuple[Any]:
        t = m.tanh(0.5 * x)  # z is (1 + t) / 2
        return (m.where(0.25 - t * t, 0.25 - 0.25 * t * t, z * m.sigmoid(-x)),)

    return partials


GRID = 1.5 * 2.0**32  # added and subtracted, it rounds to a multiple of 2^-20


def gaussian(m: Any, x: Any, c: float = 1.0) -> Any:
    """exp(-c x^2), for a c of 1 or 1/2: right also in its tails.

    In the tails, exp would magnify the rounding error of x^2. So x is cut in two: the square of its
    first 25 bits is exact, and the rest of x^2 is small.
    """
    x = m.where(m.abs(x) - 40.0, 40.0, x)  # beyond, it is 0, and so are its derivatives
    high = x + GRID - GRID
    return m.exp(-c * (high * high)) * m.exp(-c * ((x - high) * (x + high)))


# In DOT, w may have one entry more than x: the bias, which is the weight of a constant 1.
# fmt: off
#                         symbol               value z                          partial derivatives
ADD       = Primitive("+",         lambda m: (operator.add,                    lambda z, x, y: (1.0, 1.0)))
SUB       = Primitive("-",         lambda m: (operator.sub,                    lambda z, x, y: (1.0, -1.0)))
MUL       = Primitive("*",         lambda m: (operator.mul,                    lambda z, x, y: (y, x)))
DIV       = Primitive("/",         lambda m: (operator.truediv,                lambda z, x, y: (1.0 / y, -z / y)))
POW       = Primitive("**",        lambda m: (m.pow,                           _pow_partials(m)))
NEG       = Primitive("-",         lambda m: (operator.neg,                    lambda z, x: (-1.0,)))
POS       = Primitive("+",         lambda m: (operator.pos,                    lambda z, x: (1.0,)))
ABS       = Primitive("abs",       lambda m: (m.abs,                           lambda z, x: (m.where(x, 1.0, m.where(-x, -1.0, z)),)))
EXP       = Primitive("exp",       lambda m: (m.exp,                           lambda z, x: (z,)))
LOG       = Primitive("log",       lambda m: (m.log,                           lambda z, x: (1.0 / x,)))
SQRT      = Primitive("sqrt",      lambda m: (m.sqrt,                          lambda z, x: (0.5 / z,)))
SIN       = Primitive("sin",       lambda m: (m.sin,                           lambda z, x: (m.cos(x),)))
COS       = Primitive("cos",       lambda m: (m.cos,                           lambda z, x: (-m.sin(x),)))
TANH      = Primitive("tanh",      lambda m: (m.tanh,                          _tanh_partials(m)))
SIGMOID   = Primitive("sigmoid",   lambda m: (lambda x: _sigmoid(m, x),        _sigmoid_partials(m)))
ERF       = Primitive("erf",       lambda m: (m.erf,                           lambda z, x: (2.0 / math.sqrt(math.pi) * gaussian(m, x),)))
ERFC      = Primitive("erfc",      lambda m: (m.erfc,                          lambda z, x: (-2.0 / math.sqrt(math.pi) * gaussian(m, x),)))
RELU      = Primitive("relu",      lambda m: (lambda x: m.maximum(x, 0.0),     lambda z, x: (m.where(x, 1.0, z),)))
SOFTPLUS  = Primitive("softplus",  lambda m: (lambda x: m.maximum(x, 0.0) + m.log1p(m.exp(-m.abs(x))),
                                                                               lambda z, x: (m.sigmoid(x),)))
STEP      = Primitive("step",      lambda m: (lambda x: m.where(x, 1.0, 0.0),  lambda z, x: (0.0,)), chooses=True)
WHERE     = Primitive("where",     lambda m: (lambda cab: m.where(*cab),       lambda z, cab: _where_partials(m, cab[0])), chooses=True)
SUM       = Primitive("sum",       lambda m: (m.sum,                           lambda z, x: ((1.0,) * len(x),)))
DOT       = Primitive("dot",       lambda m: (lambda w, x: m.sum(map(operator.mul, w, x if len(x) == len(w) else (*x, 1.0))),    lambda z, w, x: (x if len(x) == len(w) else (*x, 1.0), w)))
LOGSUMEXP = Primitive("logsumexp", lambda m: (lambda x: _logsumexp(m, x),      lambda z, x: _softmax(m, x)))
MAX       = Primitive("max",       lambda m: (m.max,                           lambda z, x: _max_partials(m, z, x)), chooses=True)
# fmt: on

TABLE = (
    ADD, SUB, MUL, DIV, POW, NEG, POS, ABS, EXP, LOG, SQRT, SIN, COS, TANH, SIGMOID, ERF, ERFC,
    RELU, SOFTPLUS, STEP, WHERE, SUM, DOT, LOGSUMEXP, MAX,
)  # fmt: skip

# What the functions of one number are, for `help`.
IN_WORDS = {
    NEG: "Minus x",
    POS: "x itself",
    EXP: "e to the power x; inf past 709.78",
    LOG: "The natural logarithm; -inf at 0, nan below",
    SQRT: "The square root; nan below 0",
    SIN: "The sine of x, in radians",
    COS: "The cosine of x, in radians",
    TANH: "The hyperbolic tangent",
    SIGMOID: "The logistic sigmoid, 1 / (1 + exp(-x))",
    ERF: "The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x",
    ERFC: "1 - erf(x), right also where that is tiny",
    RELU: "x where x > 0, else 0; its derivative at 0 is 0",
    SOFTPLUS: "log(1 + exp(x)), accurate for every x",
    ABS: "The absolute value; its derivative at 0 is 0",
    STEP: "1 where x > 0, else 0; its derivative is 0 everywhere",
}

# These two are built from the others, and used in the partial derivatives above.
for _m in (FLOATS, ARRAYS):
    _m.step, _m.sigmoid = STEP.on(_m)[0], SIGMOID.on(_m)[0]
