"""Finite differences: the slow, independent way to a derivative, and the check against it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from .derivatives import Function, as_number, as_outputs, grad, is_being_differentiated
from .value import Value, real

EPS = 2.0**-52  # the spacing of floats at 1


def _step(x: float, h: float | None) -> float:
    if h is None:
        # Balances the central difference's two errors, h^2 of the formula and eps/h of rounding.
        return float(EPS ** (1 / 3)) * max(1.0, abs(x))
    if not (isinstance(h, Real) and 0 < h < math.inf):
        raise ValueError(f"h must be a positive number, got {h!r}")
    if x - float(h) == x + float(h):
        raise ValueError(f"h = {h} is too small: it does not move x = {x}")
    return float(h)


def _at(f: Function, x: Sequence[float], i: int = 0, step: float = 0.0) -> float:
    """``f`` at x, moved by ``step`` along input i, as a number."""
    (y,) = as_outputs([f(*[Value(v + step if j == i else v) for j, v in enumerate(x)])])
    if is_being_differentiated(y):
        raise TypeError(
            "f uses a variable of an enclosing derivative, which finite differences, being plain "
            "numbers, would lose: use grad inside grad"
        )
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
        ValueError: ``h`` is not a positive number, or too small to move ``x``.

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
    if len(x) == 0:
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
        h: the step; the best of several, judged by how little the result changes, if not given.
        tolerance: the largest error, relative to the derivative or to 1, whichever is larger (so
            scale up an ``f`` whose derivatives are tiny).

    Returns:
        A report with a row per input. The verdict is ``"ok"``; ``"wrong"``; ``"kink"`` where f has
        a corner and the derivative lies between the two one-sided ones; or ``"undefined"`` where
        nothing can be said: f is not finite, or jumps, or its rounding errors are too large.

    Raises:
        ValueError: ``gradient`` returns another number of derivatives than there are inputs, or
            ``h`` does not do (see `finite_difference`).
        TypeError: ``gradient`` returns something else than numbers.

    >>> report = gradcheck(lambda x, y: x * y.exp(), 2.0, 0.5)
    >>> bool(report), [row.verdict for row in report.rows]
    (True, ['ok', 'ok'])
    """
    point = _point(x)
    derivatives = (grad(f) if gradient is None else gradient)(*point)
    if np.ndim(derivatives) == 0:
        derivatives = (derivatives,)
    if len(derivatives) != len(point):
        raise ValueError(f"gradient must give {len(point)} derivatives, got {len(derivatives)}")
    middle = _at(f, point)
    rows = []
    for i, (xi, derivative) in enumerate(zip(point, derivatives)):
        a = real(derivative, "what gradient returns")
        secants = _best_secants(f, point, i, h, middle, tolerance)
        numeric = secants.central
        scale = max(1.0, abs(numeric))
        error = abs(a - numeric) / scale
        if not (math.isfinite(middle) and math.isfinite(numeric)):
            verdict = "undefined"
        else:
            verdict = _verdict(a, secants, tolerance * scale)
        rows.append(GradCheckRow(i, xi, a, numeric, error, verdict))
    return GradCheck(tuple(rows))


@dataclass(frozen=True)
class _Secants:
    """Slopes of f around a point, over one step to either side."""

    left: float
    right: float
    central: float
    jump_before: float  # |right - left| at a step eight times as large
    error: float  # of ``central``, estimated


def _best_secants(
    f: Function, x: list[float], i: int, h: float | None, middle: float, tolerance: float
) -> _Secants:
    """The slopes along input i at the step ``h`` or, if not given, where they err least."""
    step = _step(x[i], h)
    best: _Secants | None = None
    # Ever smaller steps, for steep functions; then large ones, for those with much rounding.
    for powers in [range(-1, 1)] if h else [range(-1, 9), range(-8, -1)]:
        before = jump_before = math.nan
        for k in powers:
            move = step * 8.0**-k
            up, down = x[i] + move, x[i] - move
            if not down < x[i] < up:
                break
            above, below = _at(f, x, i, move), _at(f, x, i, -move)
            central = (above - below) / (up - down)
            left, right = (middle - below) / (x[i] - down), (above - middle) / (up - x[i])
            # The formula's error goes with the square of the step, rounding with its inverse.
            error = 4 * EPS * max(abs(above), abs(below), abs(middle)) / (up - down)
            if not h:
                error += abs(central - before) / 63
            secants = _Secants(left, right, central, jump_before, error)
            if k != powers[0]:  # with one before it
                best = secants if best is None or not best.error <= error else best
                if error <= tolerance / 100 * max(1.0, abs(central)):
                    return best
            before, jump_before = central, abs(right - left)
        if best is not None and best.error <= tolerance * max(1.0, abs(best.central)):
            break
    return best or _Secants(math.nan, math.nan, math.nan, math.nan, math.nan)


def _verdict(a: float, secants: _Secants, slack: float) -> str:
    """The verdict on the derivative ``a``, which may be off by ``slack``."""
    left, right = sorted((secants.left, secants.right))
    # The slopes on the two sides differ by about h f'' where f is smooth, eight times as much at
    # 8h; at a corner by the same at any step; at a jump of f by an eighth.
    gap, before = right - left, secants.jump_before
    if gap > 2 * slack + 2 * secants.error and gap > before / 2:
        if gap > 4 * before:
            return "undefined"
        if left - slack <= a <= right + slack:
            return "kink"
    if not abs(a - secants.central) <= slack + secants.error:
        return "wrong"
    return "ok" if secants.error <= slack else "undefined"
