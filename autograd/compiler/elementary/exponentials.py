"""exp, tanh, log, log1p, pow."""

import math
from fractions import Fraction
from typing import Any

from .pairs import Pair, added, fast_two_sum, polynomial, product, quotient, two_sum

# log 2 in two: a whole number below 2^21 times the first is exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# (exp(r) - 1 - r) / r^2, for |r| <= log(2) / 2, to 2^-58
EXP = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136, 0.0013888888888883748,
    0.00019841269874820627, 2.4801587325547743e-05, 2.7557255400206422e-06, 2.75572736431103e-07,
    2.5105217004720745e-08, 2.0914686968086876e-09,
)  # fmt: skip
# (log((1 + s) / (1 - s)) - 2 s) / s^3 by z = s^2, for s up to (sqrt(2) - 1) / (sqrt(2) + 1),
# to 2^-51
LOG = (
    0.666666666666667, 0.39999999999899444, 0.2857142862600327, 0.22222211130259878,
    0.18182889455674947, 0.15331710618210773, 0.14616585424888623,
)  # fmt: skip
# (log((1 + s) / (1 - s)) - 2 s - 2/3 s^3 - 2/5 s^5) / s^7, likewise, to 2^-51
LOG_REST = (
    0.285714285714286, 0.22222222222140664, 0.1818181822608058, 0.15384606389061298,
    0.13334202049145272, 0.11721811990546963, 0.11566360418810438,
)  # fmt: skip


def exp_parts(m: Any, x: Pair) -> tuple[Any, Any, Any]:
    """Three numbers: exp(x) = 2^k (1 + r + t) with |r| <= log(2) / 2, so that t is small."""
    k = m.nearest(x[0] * (1.0 / math.log(2.0)))
    high, low = m.fma(-k, LN2_HIGH, x[0]), m.fma(-k, LN2_LOW, x[1])
    r, rest = fast_two_sum(high, low)
    return k, r, m.fma(r * r, polynomial(m, r, EXP), rest)


def scaled(m: Any, x: Any, k: Any) -> Any:
    """2^k x for k from -2044 to 2046, rounded once, and only if it is subnormal."""
    half = m.nearest(0.5 * k)
    return x * m.two_to(half) * m.two_to(k - half)


def exp_pair(m: Any, x: Any, low: Any) -> Any:
    """exp(x + low), for a low that is far smaller; inf and 0 where it leaves the floats."""
    x = m.choose(x > 710.0, 710.0, m.choose(x < -746.0, -746.0, x))  # nan stays
    k, r, t = exp_parts(m, (x, low))
    high, low = fast_two_sum(1.0, r, t)
    return scaled(m, high + low, k)


def exp(m: Any, x: Any) -> Any:
    """Below 1 ulp: 0.5 by the last sum, 0.2 by t, 0.25 if it is subnormal. Found: 0.78."""
    return exp_pair(m, x, 0.0)


def tanh(m: Any, x: Any) -> Any:
    """Below 1 ulp: -e / (2 + e), e = exp(-2 |x|) - 1, with rounding errors. Found: 0.94."""
    size = m.abs(x)
    k, r, t = exp_parts(m, (-2.0 * m.choose(size > 20.0, 20.0, size), 0.0))
    power = m.two_to(k)
    high, low = fast_two_sum(-1.0, power)
    high, low_2 = fast_two_sum(high, power * r)
    e, e_low = fast_two_sum(high, m.fma(power, t, low + low_2))
    high, low = quotient(m, (e, e_low), fast_two_sum(2.0, e, e_low))
    return m.copysign(high + low, x)


def log_parts(m: Any, x: Any) -> Pair:
    """Two numbers, k and f: x = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2), for 0 < x < inf."""
    subnormal = x < 2.0**-1022
    x = m.choose(subnormal, x * 2.0**54, x)
    k, fraction = m.exponent(x) - m.choose(subnormal, 54.0, 0.0), m.fraction(x)
    large = fraction > math.sqrt(2.0)
    return k + m.number(large), m.choose(large, 0.5 * fraction, fraction) - 1.0


def log_sum(m: Any, k: Any, f: Any, rest: Any) -> Any:
    """The sum of k log 2, log(1 + f) and a rest that is far smaller.

    With s = f / (2 + f), log(1 + f) is f - f^2/2 + s (f^2/2 + z LOG(z)), of which only f is large.
    Source: FreeBSD's e_log.c (Sun Microsystems, 1993), with its bound of 1 ulp.
    """
    s = f / (2.0 + f)
    z, half = s * s, 0.5 * f * f
    small = m.fma(s, half + z * polynomial(m, z, LOG), m.fma(k, LN2_LOW, rest))
    return m.fma(k, LN2_HIGH, f - (half - small))


def log_range(m: Any, x: Any, result: Any) -> Any:
    """The logarithm of x, where x is positive and finite the result."""
    at_end = m.choose(m.make("differs", x, 0.0), math.nan, -math.inf)
    return m.choose(x > 0.0, m.choose(x < math.inf, result, x), at_end)


def log(m: Any, x: Any) -> Any:
    """Below 1 ulp. Found: 0.84."""
    return log_range(m, x, log_sum(m, *log_parts(m, x), 0.0))


def log1p(m: Any, x: Any) -> Any:
    """Below 1 ulp: log(1 + x), with the rounding error of that sum. Found: 0.84."""
    y, error = two_sum(1.0, x)
    result = log_sum(m, *log_parts(m, y), error / y)
    return log_range(m, y, m.copysign(result, x))  # at -0.0 it is -0.0


def log_pair(m: Any, x: Any) -> Pair:
    """log(x) to 2^-67, for x positive and finite: the series in s = f / (2 + f), in pairs."""
    k, f = log_parts(m, x)
    s = quotient(m, (f, 0.0), fast_two_sum(2.0, f))
    z = product(m, s, s)
    series = added(Fraction(2, 5), (z[0] * polynomial(m, z[0], LOG_REST), 0.0))
    for c in (Fraction(2, 3), Fraction(2)):
        series = added(c, product(m, z, series))
    of_f = product(m, s, series)
    high, low = fast_two_sum(k * LN2_HIGH, of_f[0])
    return fast_two_sum(high, low + m.fma(k, LN2_LOW, of_f[1]))


def pow(m: Any, x: Any, y: Any) -> Any:
    """Below 1 ulp: exp(y log |x|), the product in a pair. Found: 0.78.

    Zeros, infinities and nan as in C's annex F: x^0 and 1^y are 1 even for nan, (-1)^inf is 1.
    """
    size = m.abs(x)
    high, low = log_pair(m, size)
    ends = log_range(m, size, high)
    exponent = y * ends
    low = m.fma(y, high, -exponent) + y * low
    low = m.choose(m.abs(exponent) < 750.0, low, 0.0)
    is_one = m.make("not", m.make("differs", y, 0.0) & m.make("differs", size, 1.0))
    exponent = m.choose(is_one, 0.0, exponent)
    result = exp_pair(m, exponent, low)
    is_fraction = m.make("differs", m.nearest(y), y)
    is_even = m.make("not", m.make("differs", m.nearest(0.5 * y), 0.5 * y))
    signed = m.choose(is_even | is_fraction, result, m.copysign(result, x))
    return m.choose((x < 0.0) & (x > -math.inf) & is_fraction, math.nan, signed)
