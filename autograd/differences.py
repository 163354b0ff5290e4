"""Finite differences: the slow, independent way to a derivative, and the check against it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .derivatives import Function, as_number, as_outputs, grad
from .value import Value, real

EPS = 2.0**-52  # the spacing of floats at 1


def _step(x: float, h: float | None) -> float:
    if h is None:
        # Balances the central difference's two errors, h^2 of the formula and eps/h of rounding.
        return float(EPS ** (1 / 3)) * max(1.0, abs(x))
    if not (isinstance(h, float | int) and 0 < h < math.inf):
        raise ValueError(f"h must be a positive number, got {h!r}")
    return float(h)


def _at(f: Function, x: Sequence[float], i: int = 0, step: float = 0.0) -> float:
    """``f`` at x, moved by ``step`` along input i, as a number."""
    (y,) = as_outputs([f(*[Value(v + step if j == i else v) for j, v in enumerate(x)])])
    return y.data


def finite_difference(f: Function, *x: float, h: float | None = None) -> Any:
    """The gradient by central differences, (f(x + h) - f(x - h)) / 2h: two calls per input.

    The slow way, O(m^2) for a network of m parameters, and good to half the digits; independent of
    everything else here.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers.
        h: the step; eps^(1/3) max(1, |x|), about 6e-6, if not given.

    Returns:
        A float, or a tuple if there are several ``x``.

    Raises:
        ValueError: ``h`` is not a positive number.

    >>> round(finite_difference(lambda x: x**2, 3.0), 6)
    6.0
    """
    point = _point(x)
    slopes = [_central_difference(f, point, i, _step(xi, h)) for i, xi in enumerate(point)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _central_difference(f: Function, x: Sequence[float], i: int, step: float) -> float:
    rise = _at(f, x, i, step) - _at(f, x, i, -step)
    return rise / ((x[i] + step) - (x[i] - step))  # the distance really gone, after rounding


def _point(x: Sequence[Any]) -> list[float]:
    if not x:
        raise TypeError("give the point to differentiate at, one number per argument of f")
    return [real(as_number(v), "an argument") for v in x]


@dataclass(frozen=True)
class GradCheckRow:
    """One input: its derivative in both ways, and the verdict on it."""

    input: int
    x: float
    analytic: float
    numeric: float
    error: float
    verdict: str


@dataclass(frozen=True)
class GradCheck:
    """The report of `gradcheck`: true if no derivative is wrong, and a table when printed."""

    rows: tuple[GradCheckRow, ...]

    def __bool__(self) -> bool:
        return all(row.verdict in ("ok", "kink") for row in self.rows)

    def __repr__(self) -> str:
        n, bad = len(self.rows), sum(row.verdict not in ("ok", "kink") for row in self.rows)
        lines = [
            f"gradcheck: {bad} of {n} derivatives differ"
            if bad
            else f"gradcheck: all {n} derivatives agree",
            f"{'input':>5} {'x':>12} {'analytic':>14} {'numeric':>14} {'error':>9} verdict",
        ]
        for r in self.rows:
            numbers = f"{r.x:>12.6g} {r.analytic:>14.8g} {r.numeric:>14.8g} {r.error:>9.1e}"
            lines.append(f"{r.input:>5} {numbers} {r.verdict}")
        return "\n".join(lines)


def gradcheck(
    f: Function,
    *x: float,
    gradient: Function | None = None,
    h: float | None = None,
    tolerance: float = 1e-5,
) -> GradCheck:
    """Compare the gradient of ``f`` at ``x`` with central differences.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers.
        gradient: the gradient function to check, called with n floats; ours if not given.
        h: the step, as in `finite_difference`.
        tolerance: the largest error, relative to the derivative or to 1, whichever is larger.

    Returns:
        A report with a row per input. The verdict is ``"ok"``; ``"wrong"``; ``"kink"`` where f has
        a corner and the derivative lies between the two one-sided ones; or ``"undefined"`` where f
        is not finite on both sides.

    Raises:
        ValueError: ``gradient`` returns another number of derivatives than there are inputs.

    >>> report = gradcheck(lambda x, y: x * y.exp(), 2.0, 0.5)
    >>> bool(report), [row.verdict for row in report.rows]
    (True, ['ok', 'ok'])
    """
    point = _point(x)
    analytic = np.atleast_1d((grad(f) if gradient is None else gradient)(*point))
    if analytic.shape != (len(point),):
        raise ValueError(f"gradient must give {len(point)} derivatives, got shape {analytic.shape}")
    middle = _at(f, point)
    rows = []
    for i, (xi, a) in enumerate(zip(point, analytic.tolist())):
        step = _step(xi, h)
        numeric = _central_difference(f, point, i, step)
        scale = max(1.0, abs(a), abs(numeric))
        noise = 4 * EPS * abs(middle) / step
        error = abs(a - numeric) / scale
        slack = tolerance * scale + noise
        rows.append(
            GradCheckRow(i, xi, a, numeric, error, _verdict(f, point, i, a, numeric, step, slack))
        )
    return GradCheck(tuple(rows))


def _verdict(
    f: Function, x: list[float], i: int, a: float, numeric: float, h: float, slack: float
) -> str:
    """The verdict on the derivative ``a`` along input i, which may be off by ``slack``."""
    if not math.isfinite(numeric):
        return "undefined"
    middle = _at(f, x)
    right = (_at(f, x, i, h) - middle) / h
    left = (middle - _at(f, x, i, -h)) / h
    far = abs(_at(f, x, i, 8 * h) - 2 * middle + _at(f, x, i, -8 * h)) / (8 * h)
    # The one-sided slopes differ by about h f'' where f is smooth, eight times as much at 8h; at a
    # corner by the same at any step.
    jump = abs(right - left)
    if (
        jump > 2 * slack
        and jump > far / 2
        and min(left, right) - slack <= a <= max(left, right) + slack
    ):
        return "kink"
    return "ok" if abs(a - numeric) <= slack else "wrong"
