"""sin and cos."""

import math
from typing import Any

from .pairs import Pair, fast_two_sum, polynomial, product, two_product, two_sum

PI_2: Pair = (math.pi / 2.0, 6.123233995736766e-17)
# (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 by z = r^2, for r up to
# pi/4, to 2^-54 and 2^-58
SIN = (
    -0.16666666666666666, 0.008333333333330946, -0.0001984126983675497, 2.755731610068303e-06,
    -2.5051131455427946e-08, 1.591810123027412e-10,
)  # fmt: skip
COS = (
    0.041666666666666664, -0.0013888888888887395, 2.4801587298763433e-05, -2.7557317270560326e-07,
    2.0876146024689747e-09, -1.1382614868556325e-11,
)  # fmt: skip


def two_over_pi() -> list[float]:
    """Entry j holds 48 binary digits of 2/pi, from that of 2^(1 - 16 j) on, times 2^(16 j).

    By J. Machin's formula: pi = 16 arctan(1/5) - 4 arctan(1/239).
    """
    one = 1 << 2400

    def arctan(n: int) -> int:
        terms, power, k = 0, one // n, 1
        while power:
            terms, power, k = terms + power // k, -power // (n * n), k + 2
        return terms

    digits = 2 * one * one // (16 * arctan(5) - 4 * arctan(239))
    return [float((digits << 16 * j + 46 >> 2400) % 2**48) / 2.0**46 for j in range(128)]


def quarters(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """Whole quarters of a turn, n from -2 to 2, and the pair r that is left of x, |r| <= pi/4.

    That is, x is n pi/2 + r, and whole turns. Of x 2/pi, multiples of 4 may be left out: where x is
    a whole number times 2^(16 j), the product with all digits of 2/pi before entry j of the table.
    (j is as large as it can be, or 0 if x is small.) No float is nearer to a multiple of pi/2 than
    some 2^-62, and the digits go on to 2^-121 of the product.

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


def sin(m: Any, x: Any) -> Any:
    """Below 1 ulp. Found: 0.88."""
    return m.choose(m.make("differs", x, 0.0), wave(m, *quarters(m, x)), x)


def cos(m: Any, x: Any) -> Any:
    """Below 1 ulp: sin(x + pi/2). Found: 0.87."""
    n, r, low = quarters(m, x)
    return wave(m, m.choose(n > 1.5, -1.0, n + 1.0), r, low)
