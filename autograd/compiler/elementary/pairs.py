"""Pairs: a number and its rounding error, or what else is to be added to it; and polynomials.

No sum or product here may be contracted or reordered: LLVM does neither unless it is told to.

Sources: D. Knuth, The Art of Computer Programming 2, 4.2.2; T. Dekker, A floating-point technique
for extending the available precision, 1971.
"""

from fractions import Fraction
from typing import Any

Pair = tuple[Any, Any]


def two_sum(x: Any, y: Any) -> Pair:
    """The sum of two numbers."""
    total = x + y
    of_y = total - x
    return total, (x - (total - of_y)) + (y - of_y)


def fast_two_sum(x: Any, y: Any, low: Any = None) -> Pair:
    """The same where |x| >= |y|, or x is 0; ``low`` is added to the error."""
    total = x + y
    error = y - (total - x)
    return total, error if low is None else error + low


def two_product(m: Any, x: Any, y: Any) -> Pair:
    """The product of two numbers."""
    product = x * y
    return product, m.fma(x, y, -product)


def product(m: Any, x: Pair, y: Pair) -> Pair:
    """The product of two pairs, to some 2^-100."""
    high, low = two_product(m, x[0], y[0])
    return high, low + m.fma(x[0], y[1], x[1] * y[0])


def quotient(m: Any, x: Pair, y: Pair) -> Pair:
    """The quotient of two pairs, to some 2^-100."""
    inverse = 1.0 / y[0]
    high = x[0] * inverse
    return high, inverse * (m.fma(-high, y[0], x[0]) + m.fma(-high, y[1], x[1]))


def added(x: Fraction, y: Pair) -> Pair:
    """The sum of a fraction and a smaller pair, to some 2^-100."""
    high, low = fast_two_sum(float(x), y[0])
    return high, low + (y[1] + float(x - Fraction(float(x))))


def polynomial(m: Any, x: Any, coefficients: tuple[Any, ...]) -> Any:
    """The sum of c_n x^n, as (c0 + c1 x) + (c2 + c3 x) x^2 + ..., and so on with these.

    Fewer steps wait for one another than by Horner's rule. Source: G. Estrin, Organization of
    computer systems, 1960.
    """
    if len(coefficients) == 1:
        return coefficients[0]
    pairs = [m.fma(b, x, a) for a, b in zip(coefficients[::2], coefficients[1::2])]
    return polynomial(m, x * x, (*pairs, *coefficients[2 * len(pairs) :]))
