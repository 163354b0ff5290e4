"""Functions that processors lack, written as they are computed: in the operations that they have.

Each is a formula without branches, so that LLVM can make one of it for several numbers at once. The
way is always the same. An identity, such as exp(x + log 2) = 2 exp(x), brings the argument into a
small interval. There a polynomial follows the function: ``mpmath.chebyfit`` of what the comment
beside it says, over the interval that it says; the tests fit it anew. And where a sum or a product
would lose digits, its rounding error is computed too, and added to what is small.

Errors are in ulp, the spacing of floats at the exact result: 0.5 if it is only rounded. "Found" is
the largest of some million arguments.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

FUNCTIONS: dict[str, Callable[..., Any]] = {}
TABLES: dict[str, Callable[[], list[float]]] = {}  # 128 numbers each

Pair = tuple[Any, Any]  # a number and its rounding error, or what else is to be added to it

# log 2 in two: a whole number below 2^21 times the first is exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
PI_2: Pair = (math.pi / 2.0, 6.123233995736766e-17)

# (exp(r) - 1 - r) / r^2, for |r| <= log(2) / 2
EXP = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136, 0.0013888888888883748,
    0.00019841269874820627, 2.4801587325547743e-05, 2.7557255400206422e-06, 2.75572736431103e-07,
    2.5105217004720745e-08, 2.0914686968086876e-09,
)  # fmt: skip
# (log((1 + s) / (1 - s)) - 2 s) / s^3 by z = s^2, for s up to (sqrt(2) - 1) / (sqrt(2) + 1)
LOG = (
    0.666666666666667, 0.39999999999899444, 0.2857142862600327, 0.22222211130259878,
    0.18182889455674947, 0.15331710618210773, 0.14616585424888623,
)  # fmt: skip
# (log((1 + s) / (1 - s)) - 2 s - 2/3 s^3 - 2/5 s^5) / s^7, likewise
LOG_REST = (
    0.285714285714286, 0.22222222222140664, 0.1818181822608058, 0.15384606389061298,
    0.13334202049145272, 0.11721811990546963, 0.11566360418810438,
)  # fmt: skip
# (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 by z = r^2, for r up to pi/4
SIN = (
    -0.16666666666666666, 0.008333333333330946, -0.0001984126983675497, 2.755731610068303e-06,
    -2.5051131455427946e-08, 1.591810123027412e-10,
)  # fmt: skip
COS = (
    0.041666666666666664, -0.0013888888888887395, 2.4801587298763433e-05, -2.7557317270560326e-07,
    2.0876146024689747e-09, -1.1382614868556325e-11,
)  # fmt: skip
# erf(x) / x - 1 by z = x^2, for x up to 0.83
ERF = (
    0.12837916709551256, -0.376126389031835, 0.11283791670940244, -0.026866170641754086,
    0.005223977586095155, -0.000854832434517215, 0.00012055219088790315, -1.4922529635306683e-05,
    1.6406867741379384e-06, -1.5751577895025758e-07, 1.0838061947634561e-08,
)  # fmt: skip
# (1 + 2 x) exp(x^2) erfc(x) by t = (x - 3.5) / (x + 3.5), for x from 0.47 to 27.3
ERFC = (
    1.2423492448711544, -0.1400091801376194, -0.010555596332218342, 0.09751909515325541,
    -0.11508959816018866, 0.08798315382498069, -0.04882332582797686, 0.01909933094054062,
    -0.004215019907013876, -0.00030226786126906664, 0.0005643844138842532, -0.00012151250330379645,
    -4.278222376560843e-05, 2.4261188645846815e-05, 2.328313069540605e-06, -3.814889098098718e-06,
    -4.4275516226558923e-08, 6.007685760812103e-07, -7.877152501773975e-09, -9.3437534269186e-08,
    5.485976199565076e-10, 1.0522143723370408e-08,
)  # fmt: skip


def _function(f: Callable[..., Any]) -> Callable[..., Any]:
    FUNCTIONS[f.__name__] = f
    return f


def polynomial(m: Any, x: Any, coefficients: tuple[Any, ...]) -> Any:
    """c0 + c1 x + c2 x^2 + ..., by neighbours, then by neighbours of these: it waits less.

    Source: G. Estrin, Organization of computer systems, 1960.
    """
    if len(coefficients) == 1:
        return coefficients[0]
    pairs = [m.fma(b, x, a) for a, b in zip(coefficients[::2], coefficients[1::2])]
    return polynomial(m, x * x, (*pairs, *coefficients[2 * len(pairs) :]))


# Numbers with their rounding errors. Sources: D. Knuth, The Art of Computer Programming 2, 4.2.2;
# T. Dekker, A floating-point technique for extending the available precision, 1971.


def two_sum(x: Any, y: Any) -> Pair:
    """x + y."""
    total = x + y
    of_y = total - x
    return total, (x - (total - of_y)) + (y - of_y)


def fast_two_sum(x: Any, y: Any, low: Any = None) -> Pair:
    """x + y where |x| >= |y|, or x is 0; more may be added to the error."""
    total = x + y
    error = y - (total - x)
    return total, error if low is None else error + low


def two_product(m: Any, x: Any, y: Any) -> Pair:
    """x y."""
    product = x * y
    return product, m.fma(x, y, -product)


def product(m: Any, x: Pair, y: Pair) -> Pair:
    """x y, to some 2^-100."""
    high, low = two_product(m, x[0], y[0])
    return high, low + m.fma(x[0], y[1], x[1] * y[0])


def quotient(m: Any, x: Pair, y: Pair) -> Pair:
    """x / y, to some 2^-100."""
    inverse = 1.0 / y[0]
    high = x[0] * inverse
    return high, inverse * (m.fma(-high, y[0], x[0]) + m.fma(-high, y[1], x[1]))


def added(x: Fraction, y: Pair) -> Pair:
    """x + y, to some 2^-100, where |x| >= |y|."""
    high, low = fast_two_sum(float(x), y[0])
    return high, low + (y[1] + float(x - Fraction(float(x))))


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


# exp


def exp_parts(m: Any, x: Pair) -> tuple[Any, Any, Any]:
    """k, r and t with exp(x) = 2^k (1 + r + t): |r| <= log(2) / 2, and t = exp(r) - 1 - r."""
    k = m.nearest(x[0] * (1.0 / math.log(2.0)))
    high, low = m.fma(-k, LN2_HIGH, x[0]), m.fma(-k, LN2_LOW, x[1])
    r, rest = fast_two_sum(high, low)
    return k, r, m.fma(r * r, polynomial(m, r, EXP), rest)


def scaled(m: Any, x: Any, k: Any) -> Any:
    """2^k x for k from -2044 to 2046, rounded once, and only if it is subnormal."""
    half = m.nearest(0.5 * k)
    return x * m.two_to(half) * m.two_to(k - half)


def exp_pair(m: Any, x: Any, low: Any) -> Any:
    """exp(x + low), for a low that is far smaller. 0.5 ulp by the last sum, 0.2 by t."""
    x = m.choose(x > 710.0, 710.0, m.choose(x < -746.0, -746.0, x))  # nan stays
    k, r, t = exp_parts(m, (x, low))
    high, low = fast_two_sum(1.0, r, t)
    return scaled(m, high + low, k)


@_function
def exp(m: Any, x: Any) -> Any:
    """Below 1 ulp: 0.5 by the last sum, 0.25 by r + t, the rest by r and t. Found: 0.86."""
    return exp_pair(m, x, 0.0)


@_function
def tanh(m: Any, x: Any) -> Any:
    """Below 1 ulp: -e / (2 + e), e = exp(-2 |x|) - 1, with rounding errors. Found: 0.92."""
    size = m.abs(x)
    k, r, t = exp_parts(m, (-2.0 * m.choose(size > 20.0, 20.0, size), 0.0))
    power = m.two_to(k)
    high, low = fast_two_sum(-1.0, power)
    high, low_2 = fast_two_sum(high, power * r)
    e, e_low = fast_two_sum(high, m.fma(power, t, low + low_2))
    high, low = quotient(m, (e, e_low), fast_two_sum(2.0, e, e_low))
    return m.copysign(high + low, x)


# log


def log_parts(m: Any, x: Any) -> Pair:
    """k and f with x = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2); x positive and finite."""
    subnormal = x < 2.0**-1022
    x = m.choose(subnormal, x * 2.0**54, x)
    k, fraction = m.exponent(x) - m.choose(subnormal, 54.0, 0.0), m.fraction(x)
    large = fraction > math.sqrt(2.0)
    return k + m.number(large), m.choose(large, 0.5 * fraction, fraction) - 1.0


def log_sum(m: Any, k: Any, f: Any, rest: Any) -> Any:
    """k log 2 + log(1 + f) + rest, for a rest that is far smaller.

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


@_function
def log(m: Any, x: Any) -> Any:
    """Below 1 ulp. Found: 0.84."""
    return log_range(m, x, log_sum(m, *log_parts(m, x), 0.0))


@_function
def log1p(m: Any, x: Any) -> Any:
    """Below 1 ulp: log(1 + x), with the rounding error of that sum. Found: 0.84."""
    y, error = two_sum(1.0, x)
    result = log_sum(m, *log_parts(m, y), error / y)
    return log_range(m, y, m.copysign(result, x))  # at -0.0 it is -0.0


# pow


def log_pair(m: Any, x: Any) -> Pair:
    """log(x) to 2^-68, for x positive and finite: the series in s = f / (2 + f), in pairs."""
    k, f = log_parts(m, x)
    s = quotient(m, (f, 0.0), fast_two_sum(2.0, f))
    z = product(m, s, s)
    series = added(Fraction(2, 5), (z[0] * polynomial(m, z[0], LOG_REST), 0.0))
    for c in (Fraction(2, 3), Fraction(2)):
        series = added(c, product(m, z, series))
    of_f = product(m, s, series)
    high, low = fast_two_sum(k * LN2_HIGH, of_f[0])
    return fast_two_sum(high, low + m.fma(k, LN2_LOW, of_f[1]))


@_function
def pow(m: Any, x: Any, y: Any) -> Any:
    """Below 1 ulp: exp(y log |x|), the product in a pair. Found: .

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


# sin, cos


def two_over_pi() -> list[float]:
    """In row j, of the binary digits of 2/pi those from 2^(1 - 16 j) to 2^(-46 - 16 j), times 2^(16 j).

    pi by J. Machin's formula, 16 arctan(1/5) - 4 arctan(1/239).
    """
    one = 1 << 2400

    def arctan(n: int) -> int:
        terms, power, k = 0, one // n, 1
        while power:
            terms, power, k = terms + power // k, -power // (n * n), k + 2
        return terms

    digits = 2 * one * one // (16 * arctan(5) - 4 * arctan(239))
    return [float((digits << 16 * j + 46 >> 2400) % 2**48) / 2.0**46 for j in range(128)]


TABLES["two_over_pi"] = two_over_pi


def quarters(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """n and a pair r: x = n pi/2 + r plus some whole turns, with |r| <= pi/4 and n from -2 to 2.

    x 2/pi, of which multiples of 4 may be left out: x is cut into a whole number times 2^(16 j), so
    that digits of 2/pi from 2^(1 - 16 j) on are enough (from j = 1 on; before, x is the whole). No x
    is nearer than some 2^-62 to a multiple of pi/2: the digits go on to 2^-121 of the product.
    Source: M. Payne, R. Hanek, Radian reduction for trigonometric functions, 1983.
    """
    size = m.abs(x)
    j = m.maximum(m.nearest((m.exponent(size) - 59.5) * 0.0625), 0.0)
    whole = x * m.two_to(-16.0 * j)

    def part(i: int) -> Pair:
        return two_product(m, whole * 2.0 ** (-48 * i), m.two_over_pi(j + 3.0 * i))

    def turned(x: Any) -> Any:
        return m.fma(-4.0, m.nearest(0.25 * x), x)

    first, second, third = part(0), part(1), part(2)
    fourth = whole * 2.0**-144 * m.two_over_pi(j + 9.0)
    total, low = fast_two_sum(turned(first[0]), turned(first[1]))
    total, low_2 = two_sum(total, turned(second[0]))
    n = m.nearest(total)
    # Where x is near a multiple of pi/2, what is left cancels: in this order nothing is lost then.
    total, low = two_sum(total - n, low + low_2)
    total, low_2 = two_sum(total, second[1])
    total, low_3 = two_sum(total, third[0])
    r = product(m, fast_two_sum(total, low + low_2 + low_3 + (third[1] + fourth)), PI_2)
    near = size <= math.pi / 4.0
    return m.choose(near, 0.0, turned(n)), m.choose(near, x, r[0]), m.choose(near, 0.0, r[1])


def wave(m: Any, n: Any, r: Any, low: Any) -> Any:
    """sin(n pi/2 + r + low). Source: FreeBSD's k_sin.c, k_cos.c (Sun Microsystems, 1993)."""
    z = r * r
    half = 0.5 * z
    sine = r + m.fma(z * r, polynomial(m, z, SIN), m.fma(-half, low, low))
    most = 1.0 - half
    rest = m.fma(z * z, polynomial(m, z, COS), (1.0 - most) - half - r * low)
    result = m.choose(m.make("differs", m.abs(n), 1.0), sine, most + rest)
    return m.choose((n > 1.5) | (n < -0.5), -result, result)


@_function
def sin(m: Any, x: Any) -> Any:
    """Below 1 ulp. Found: ."""
    return m.choose(m.make("differs", x, 0.0), wave(m, *quarters(m, x)), x)


@_function
def cos(m: Any, x: Any) -> Any:
    """Below 1 ulp: sin(x + pi/2). Found: ."""
    n, r, low = quarters(m, x)
    return wave(m, m.choose(n > 1.5, -1.0, n + 1.0), r, low)


# erf, erfc


def erf_near(m: Any, x: Any) -> Any:
    """erf(x) for |x| up to 0.83."""
    return m.fma(x, polynomial(m, x * x, ERF), x)


def erfc_far(m: Any, x: Any) -> Any:
    """erfc(x) for x >= 0.47.

    The polynomial by (x - 3.5) / (x + 3.5) as in M. Shepherd, J. Laframboise, Chebyshev approximation
    of (1 + 2x) exp(x^2) erfc x, 1981; exp magnifies the rounding error of x^2, so that is a pair.
    """
    x = m.choose(x > 28.0, 28.0, x)  # from where it is 0; nan stays
    high, low = quotient(m, (7.0, 0.0), two_sum(x, 3.5))
    t = 1.0 - high - low
    series = fast_two_sum(ERFC[0], t * polynomial(m, t, ERFC[1:]))
    scaled_up = quotient(m, series, fast_two_sum(2.0 * x, 1.0))
    square, square_low = two_product(m, x, x)
    k, r, rest = exp_parts(m, (-square, -square_low))
    high, low = product(m, scaled_up, fast_two_sum(1.0, r, rest))
    return scaled(m, high + low, k)


@_function
def erf(m: Any, x: Any) -> Any:
    """Below 1 ulp. Found: ."""
    size = m.abs(x)
    return m.choose(size < 0.82, erf_near(m, x), m.copysign(1.0 - erfc_far(m, size), x))


@_function
def erfc(m: Any, x: Any) -> Any:
    """Below 1.5 ulp. Found: ."""
    size = m.abs(x)
    far = erfc_far(m, size)
    return m.choose(size < 0.477, 1.0 - erf_near(m, x), m.choose(x < 0.0, 2.0 - far, far))
