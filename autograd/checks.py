"""`gradcheck`: a gradient against finite differences."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from .derivatives import Function, grad, jacobian
from .differences import Line, Slopes, as_point, checked_h, outputs_at
from .value import Value, check_function, real, topological_order

# The verdicts that make a report false, and how its first line counts them.
WRONG, UNDEFINED, NOT_A_FUNCTION = "wrong", "undefined", "not a function"
FALSE = {
    WRONG: "differ",
    UNDEFINED: "can't be judged",
    NOT_A_FUNCTION: "can't be judged, for f or gradient gave two results at one point",
}


@dataclass(frozen=True)
class GradCheckRow:
    """One derivative, computed in both ways, and the verdict on it.

    Attributes:
        input: the input that the derivative is taken by, counted from 0.
        x: the number of that input.
        analytic, numeric: the derivative to be checked, and the one by differences.
        error: how far they are apart, relative to the derivative (or, if differences can't tell it
            from 0, to the smallest that they can tell).
        verdict: see `gradcheck`.
        output: the output whose derivative it is, counted from 0.
    """

    input: int
    x: float
    analytic: float
    numeric: float
    error: float
    verdict: str
    output: int = 0


@dataclass(frozen=True)
class GradCheck:
    """The report of `gradcheck`: true if no derivative is wrong, and a table when printed."""

    rows: tuple[GradCheckRow, ...]

    def __bool__(self) -> bool:
        return not any(row.verdict in FALSE for row in self.rows)

    def __repr__(self) -> str:
        n, found = len(self.rows), Counter(row.verdict for row in self.rows)
        counts = [f"{found[v]} of {n} derivatives {text}" for v, text in FALSE.items() if found[v]]
        right = f"all {n} derivatives agree"
        if found["kink"]:  # a derivative between two slopes need not agree with the differences
            right = f"none of {n} derivatives is wrong, {found['kink']} at a kink"
        several = any(row.output for row in self.rows)
        lines = [
            f"gradcheck: {', '.join(counts) or right}",
            ("output " if several else "")
            + f"{'input':>5} {'x':>12} {'analytic':>14} {'numeric':>14} {'error':>9} verdict",
        ]
        for r in self.rows:
            numbers = f"{r.x:>12.6g} {r.analytic:>14.8g} {r.numeric:>14.8g} {r.error:>9.1e}"
            output = f"{r.output:>6} " if several else ""
            lines.append(f"{output}{r.input:>5} {numbers} {r.verdict}")
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
        f: takes n Values and returns one; or several, in a sequence. With ``grad(g)`` as ``f``,
            second derivatives are checked.
        x: the point, n numbers.
        gradient: the gradient function to check, called with n floats; ours if not given. For
            several outputs it gives the Jacobian, ``(outputs, n)``.
        h: how far x is moved to either side. If it is not given, several are tried, and the
            differences are extrapolated to h = 0 until they no longer change (Ridders 1982).
        tolerance: the largest error, relative to the derivative.

    Returns:
        A report with a row per derivative. The verdict is ``"ok"``; ``"wrong"``; ``"kink"`` where f
        has a corner and the derivative lies between the two one-sided ones; ``"undefined"`` where
        nothing can be said: f is not finite, or jumps, or varies too fast, or its rounding errors
        are too large; or ``"not a function"`` where f or the gradient gave two results at one
        point, as noise does. A derivative too small to be seen among the rounding errors of f is
        ``"ok"`` if the one to be checked is as small.

    Raises:
        ValueError: ``gradient`` does not return one derivative per input, ``h`` can't be used (see
            `finite_difference`), or ``tolerance`` is negative or not finite.
        TypeError: ``f`` or ``gradient`` is not a function, or ``gradient`` returns something other
            than numbers.

    >>> report = gradcheck(lambda x, y: x * y.exp(), 2.0, 0.5)
    >>> bool(report), [row.verdict for row in report.rows]
    (True, ['ok', 'ok'])
    """
    check_function(f)
    if gradient is not None:
        check_function(gradient, "gradient")
    if not isinstance(tolerance, Real) or not 0 <= real(tolerance, "tolerance") < math.inf:
        raise ValueError(f"tolerance must be a finite number, 0 or more, got {tolerance!r}")
    point = as_point(x)
    moves = [None if h is None else checked_h(h, xi) for xi in point]
    y = outputs_at(f, point)
    several = isinstance(y, list)
    outputs = y if several else [y]

    def derivatives() -> list[list[float]]:
        ours = jacobian(f) if several else grad(f)
        ds = (ours if gradient is None else gradient)(*point)
        return _as_matrix(ds, len(outputs) if several else None, len(point))

    analytic = derivatives()
    rows, same = [], np.array_equal(derivatives(), analytic, equal_nan=True)
    for i, (xi, move) in enumerate(zip(point, moves)):
        line = Line(f, point, i)
        for o, output in enumerate(outputs):
            size, d = _size(output), analytic[o][i]
            slopes = line.slopes(o, move, tolerance, size)
            verdict, error = _judge(d, slopes, tolerance)
            is_finite = math.isfinite(output.data) and math.isfinite(slopes.central)
            # Where a derivative seems to be wrong, it may be the differences that are.
            may_be_right = h is None and verdict == WRONG
            if not is_finite or (may_be_right and line.is_too_fast(o, slopes, d, size)):
                verdict = UNDEFINED
            rows.append(GradCheckRow(i, xi, d, slopes.central, error, verdict, o))
        same = same and line.is_same_twice()
    if not same:
        rows = [replace(row, verdict=NOT_A_FUNCTION) for row in rows]
    return GradCheck(tuple(sorted(rows, key=lambda row: (row.output, row.input))))


def _as_matrix(ds: Any, outputs: int | None, n: int) -> list[list[float]]:
    """What a gradient function gave, as a row of n numbers per output."""
    given = ds
    if outputs is None:
        ds = [[ds] if np.ndim(ds) == 0 else ds]
    of_each = "" if outputs is None else f" for each of {outputs} outputs"
    shape = np.shape(ds)
    if shape != (outputs or 1, n):
        raise ValueError(f"gradient must give {n} derivatives{of_each}, got {given!r}")
    return [[real(d, "what gradient returns") for d in row] for row in ds]


def _size(y: Value) -> float:
    """The size that the rounding errors of y are relative to: the largest contribution of a node.

    A node contributes its number times its adjoint. In log(exp(40)) no contribution is above 40,
    though exp(40) is large; in a difference of equal numbers both contribute, though it is 0.
    """
    size, adjoints = abs(y.data), defaultdict(float, {y: 1.0})
    for node in reversed(topological_order(y)):
        for v, partial in zip(node.inputs, node.partials):
            if isinstance(v, Value):
                adjoints[v] += adjoints[node] * partial
        if node.op and size < abs(node.data * adjoints[node]) < math.inf:
            size = abs(node.data * adjoints[node])
    return size


def _judge(a: float, slopes: Slopes, tolerance: float) -> tuple[str, float]:
    """The verdict on the derivative ``a``, and how far it is off."""
    slack, difference = tolerance * abs(slopes.central), abs(a - slopes.central)
    allowed = slack + 4 * slopes.error
    error = difference * tolerance / allowed if allowed else difference
    left, right = sorted((slopes.left, slopes.right))
    if right - left > 2 * allowed and slopes.growth > 0.6:
        if slopes.growth > 1.8:
            return UNDEFINED, error
        if left - allowed <= a <= right + allowed:
            return "kink", error
    if not difference <= allowed:
        return WRONG, error
    return "ok" if slopes.error <= max(slack, slopes.lost) else UNDEFINED, error
