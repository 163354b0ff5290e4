"""Functions that processors lack, written as they are computed: in the operations that they have."""

from collections.abc import Callable
from typing import Any

FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _function(f: Callable[..., Any]) -> Callable[..., Any]:
    FUNCTIONS[f.__name__.removesuffix("_")] = f
    return f


@_function
def maximum(m: Any, x: Any, y: Any) -> Any:
    """The larger of two; nan if one of them is."""
    return m.choose((x > y) | m.make("differs", x, x), x, y)


@_function
def minimum(m: Any, x: Any, y: Any) -> Any:
    """The smaller of two; nan if one of them is."""
    return m.choose((x < y) | m.make("differs", x, x), x, y)


@_function
def exp(m: Any, x: Any) -> Any:
    """Only to begin with."""
    k = m.nearest(x * 1.4426950408889634)
    r = m.fma(-k, 1.90821492927058770002e-10, m.fma(-k, 6.93147180369123816490e-01, x))
    total = 1.0 / 6227020800.0
    for n in range(12, -1, -1):
        total = m.fma(total, r, 1.0 / [1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600][n])
    return total * m.two_to(k)
