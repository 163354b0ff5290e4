"""The derivatives of x^y, also at 0, at inf and beyond the floats: for the row of ``**``.

Each function takes the arithmetic ``m`` that it is to run in, as the rows of `primitives` do.
"""

import math
import operator
from functools import reduce
from itertools import pairwise
from typing import Any

LARGEST_ODD = 2.0**53  # up to here a float y has an odd or even neighbour y - 1


def times(m: Any, a: Any, b: Any) -> Any:
    """The product, with 0 for 0 times inf."""
    if isinstance(a, float) and a == 1.0:
        return b
    is_ordinary = m.where(m.abs(a), m.abs(b), 0.0)
    return m.where(is_ordinary, a * b, 0.0 * m.tanh(a + b))  # nan if one of them is


def _base(m: Any, factor: Any, x: Any) -> Any:
    """x, or 1 where the factor before its power is 0: their product is 0 there, whatever x is."""
    return m.where(m.abs(factor), x, 1.0)


def by_base(m: Any, z: Any, x: Any, y: Any) -> Any:
    """The derivative of z = x^y by x."""
    # Where y - 1 has to be rounded, x^(y-1) may be far off, even in its sign. There y z / x is used
    # instead, as long as it is finite.
    less = y - 1.0
    if isinstance(y, float):
        power, is_rounded = y * m.pow(x, less), 1.0
    else:
        power = y * m.pow(_base(m, y, x), less)
        is_rounded = (y - 0.5) * (y - LARGEST_ODD)
    quotient = y * z / x
    return m.where(m.where(is_rounded, 1.0 + 0.0 * quotient, 0.0), quotient, power)


def derivative(m: Any, n: int, k: int, x: Any, y: Any) -> Any:
    """The n-th derivative by x of the k-th by y of x^y."""
    # By x: before it stand the factors y (y-1) ... (y-n+1). The derivatives of their product by y,
    # over factorials, are the coefficients of t^0, t^1, ... in (y + t) (y-1 + t) ... (y-n+1 + t).
    terms = [y, 1.0] if n else [1.0]
    for i in range(1, n):
        inner = [(y - float(i)) * c + before for before, c in pairwise(terms)]
        terms = [(y - float(i)) * terms[0], *inner, 1.0]
    factor = terms[0]
    if n and not k:
        x = _base(m, factor, x)
    # x^(y-n): a quotient, as y - n may have to be rounded; but not where that is 0, inf or nan.
    power = quotient = reduce(operator.truediv, [x] * n, m.pow(x, y))
    if n:
        is_ordinary = m.where(m.abs(quotient), 1.0 + 0.0 * quotient, 0.0)
        power = m.where(is_ordinary, quotient, m.pow(x, y - float(n)))
    # By y: each derivative is one of that product, or else of x^(y-n), which gives it a log x.
    for i in range(1, k + 1):
        factor = times(m, factor, m.log(x))
        if i <= n:
            factor = factor + float(math.perm(k, i)) * terms[i]
    return times(m, factor, power)
