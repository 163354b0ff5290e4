"""Functions that processors lack, written as they are computed: in the operations that they have.

Each is a formula without branches, of which LLVM makes one for several numbers at once. The way is
always the same: the argument is brought into a small interval, by an identity such as exp(x + log 2)
= 2 exp(x); there a polynomial follows the function; and where a sum would lose digits its rounding
error is computed too and added to what is small. An error is given in ulp, the spacing of floats at
the exact result; 0.5 is the least that a result can have that is rounded.

The polynomials are ``mpmath.chebyfit`` of the function that the comment beside them names, over the
interval that it names; the tests compute them anew.
"""

import math
from collections.abc import Callable
from typing import Any

FUNCTIONS: dict[str, Callable[..., Any]] = {}

# log 2 in two parts; a whole number below 2^21 times the first is exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10

# (exp(r) - 1 - r) / r^2 for |r| <= log(2)/2, to 2^-54
EXP = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136, 0.0013888888888883748,
    0.00019841269874820627, 2.4801587325547743e-05, 2.7557255400206422e-06, 2.75572736431103e-07,
    2.5105217004720745e-08, 2.0914686968086876e-09,
)  # fmt: skip
# (log((1 + s) / (1 - s)) - 2 s) / s^3, of z = s^2 for z <= (sqrt(2) - 1)^2 / (sqrt(2) + 1)^2
LOG = (
    0.666666666666667, 0.39999999999899444, 0.2857142862600327, 0.22222211130259878,
    0.18182889455674947, 0.15331710618210773, 0.14616585424888623,
)  # fmt: skip


def _function(f: Callable[..., Any]) -> Callable[..., Any]:
    FUNCTIONS[f.__name__.removesuffix("_")] = f
    return f


def polynomial(m: Any, x: Any, coefficients: tuple[Any, ...]) -> Any:
    """c0 + c1 x + c2 x^2 + ..., by neighbours, then by neighbours of these: there is less to wait for.

    Source: G. Estrin, Organization of computer systems (1960).
    """
    if len(coefficients) == 1:
        return coefficients[0]
    pairs = [m.fma(b, x, a) for a, b in zip(coefficients[::2], coefficients[1::2])]
    return polynomial(m, x * x, (*pairs, *coefficients[2 * len(pairs) :]))


def split(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """k, r and the rounding error of r: x = k log 2 + r, with |r| <= log(2)/2."""
    k = m.nearest(x * (1.0 / math.log(2.0)))
    high, low = m.fma(-k, LN2_HIGH, x), k * LN2_LOW
    r = high - low
    return k, r, high - r - low


def scaled(m: Any, x: Any, k: Any) -> Any:
    """2^k x, for k from -2044 to 2046; rounded at most once, where it is subnormal."""
    half = m.nearest(0.5 * k)
    return x * m.two_to(half) * m.two_to(k - half)


@_function
def maximum(m: Any, x: Any, y: Any) -> Any:
    """The larger of two; nan if one of them is."""
    return m.choose((x > y) | m.make("differs", x, x), x, y)


@_function
def minimum(m: Any, x: Any, y: Any) -> Any:
    """The smaller of two; nan if one of them is."""
    return m.choose((x < y) | m.make("differs", x, x), x, y)


@_function
def sign(m: Any, x: Any) -> Any:
    """1, 0, -1 or nan, as np.sign."""
    return m.choose(m.abs(x) > 0.0, m.copysign(1.0, x), x + 0.0)


@_function
def exp(m: Any, x: Any) -> Any:
    """Below 1 ulp: 0.5 of the last sum, 0.25 of r, 0.2 of the other sum; 0.5 more if subnormal."""
    x = m.choose(x > 710.0, 710.0, m.choose(x < -746.0, -746.0, x))  # nan stays
    k, r, low = split(m, x)
    return scaled(m, 1.0 + (r + m.fma(r * r, polynomial(m, r, EXP), low)), k)


def log_parts(m: Any, x: Any) -> tuple[Any, Any]:
    """k and f: x = 2^k (1 + f), with 1 + f from sqrt(1/2) to sqrt(2), for x from 2^-1022."""
    k, fraction = m.exponent(x), m.fraction(x)
    large = fraction > math.sqrt(2.0)
    return k + m.number(large), m.choose(large, 0.5 * fraction, fraction) - 1.0


def log_sum(m: Any, k: Any, f: Any, rest: Any) -> Any:
    """k log 2 + log(1 + f) + rest, for a rest far smaller.

    With s = f / (2 + f), log(1 + f) is f - f^2/2 + s (f^2/2 + z LOG(z)), of which only f is large.
    Source: FreeBSD's e_log.c (Sun Microsystems, 1993), with its bound of 1 ulp.
    """
    s = f / (2.0 + f)
    z, half = s * s, 0.5 * f * f
    small = m.fma(s, half + z * polynomial(m, z, LOG), m.fma(k, LN2_LOW, rest))
    return m.fma(k, LN2_HIGH, f - (half - small))


@_function
def log(m: Any, x: Any) -> Any:
    """Below 1 ulp."""
    subnormal = x < 2.0**-1022
    k, f = log_parts(m, m.choose(subnormal, x * 2.0**54, x))
    result = log_sum(m, m.choose(subnormal, k - 54.0, k), f, 0.0)
    return log_ends(m, x, result)


def log_ends(m: Any, x: Any, result: Any) -> Any:
    """The logarithm of x, given where x is positive and finite."""
    at_end = m.choose(m.make("differs", x, 0.0), math.nan, -math.inf)
    return m.choose(x > 0.0, m.choose(x < math.inf, result, x), at_end)


@_function
def log1p(m: Any, x: Any) -> Any:
    """Below 1 ulp: the logarithm of 1 + x, with the rounding error of that sum."""
    y, error = two_sum(1.0, x)
    result = log_sum(m, *log_parts(m, y), error / y)
    return log_ends(m, y, m.copysign(result, x))  # at -0.0 the result is -0.0


def two_sum(x: Any, y: Any) -> tuple[Any, Any]:
    """x + y and its rounding error. Source: D. Knuth, TAOCP 2, 4.2.2."""
    total = x + y
    of_y = total - x
    return total, (x - (total - of_y)) + (y - of_y)


def fast_two_sum(x: Any, y: Any) -> tuple[Any, Any]:
    """The same where |x| >= |y|, or x is 0."""
    total = x + y
    return total, y - (total - x)


@_function
def tanh(m: Any, x: Any) -> Any:
    """Below 1 ulp: -t / (2 + t) with t = exp(-2 |x|) - 1, all with their rounding errors."""
    size = m.abs(x)
    k, r, low = split(m, -2.0 * m.choose(size > 20.0, 20.0, size))
    scale = m.two_to(k)
    less, error = fast_two_sum(-1.0, scale)
    high, error_2 = fast_two_sum(less, scale * r)
    rest = m.fma(scale, m.fma(r * r, polynomial(m, r, EXP), low), error + error_2)
    t, t_low = fast_two_sum(high, rest)
    below, below_low = fast_two_sum(2.0, t)
    inverse = 1.0 / below
    quotient = t * inverse
    rest = m.fma(-quotient, below, t) + m.fma(-quotient, below_low + t_low, t_low)
    return m.copysign(m.fma(rest, inverse, quotient), x)
