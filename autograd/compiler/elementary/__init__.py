"""Functions that processors lack, written as they are computed: in the operations that they have.

Each is a formula without branches, so that LLVM can make one of it for several numbers at once. The
way is always the same. An identity, such as exp(x + log 2) = 2 exp(x), brings the argument into a
small interval. There a polynomial follows the function: it is ``mpmath.chebyfit`` of what the
comment beside it says, over the interval that it says. And where a sum or a product would lose
digits, its rounding error is computed too, and added to what is small.

Errors are in ulp, the spacing of floats at the exact result: 0.5 if it is only rounded. "Found" is
the largest among some million arguments, random bits and those of each interval.
"""

from collections.abc import Callable
from typing import Any

from .circular import cos, sin, two_over_pi
from .error_functions import erf, erfc
from .exponentials import exp, log, log1p, pow, tanh


def maximum(m: Any, x: Any, y: Any) -> Any:
    """The larger of two; nan if one of them is."""
    return m.choose((x > y) | m.make("differs", x, x), x, y)


def minimum(m: Any, x: Any, y: Any) -> Any:
    """The smaller of two; nan if one of them is."""
    return m.choose((x < y) | m.make("differs", x, x), x, y)


def sign(m: Any, x: Any) -> Any:
    """1, 0, -1 or nan, as np.sign."""
    return m.choose(m.abs(x) > 0.0, m.copysign(1.0, x), x + 0.0)


# By name; each takes an arithmetic and its arguments. Of the tables each has 128 numbers.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (maximum, minimum, sign, exp, log, log1p, pow, tanh, sin, cos, erf, erfc)
}
TABLES: dict[str, Callable[[], list[float]]] = {"two_over_pi": two_over_pi}
