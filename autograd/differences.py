"""Finite differences: the slow, independent way to a derivative."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from .derivatives import Function, as_number, as_outputs, is_being_differentiated
from .value import Value, check_function, real

EPS = 2.0**-52  # the spacing of floats at 1
LEAST = 2.0**-1022  # below, floats lie as far apart as here
LOST = 2.0**-32  # where numbers have size 1, rounding may hide a slope up to this


def finite_difference(f: Function, *x: float, h: float | None = None) -> Any:
    """The gradient by central differences, (f(x + h) - f(x - h)) / 2h: two calls per input.

    This is slow, O(m^2) for a network of m parameters, and loses a third of the digits or more; but
    it is independent of everything else here.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers.
        h: how far x is moved to either side; if not given, eps^(1/3) max(1, |x|), about 6e-6.

    Returns:
        A float, or a tuple if there are several ``x``.

    Raises:
        ValueError: ``h`` is not a positive number, or too small to move ``x``.
        TypeError: ``x`` holds something other than numbers, or as in `grad`.

    >>> round(finite_difference(lambda x: x**2, 3.0), 6)
    6.0
    """
    check_function(f)
    point = as_point(x)
    slopes = []
    for i, xi in enumerate(point):
        # Balances the central difference's two errors, h^2 of the formula and eps/h of rounding.
        move = EPS ** (1 / 3) * max(1.0, abs(xi)) if h is None else checked_h(h, xi)
        above, below = [only(outputs_at(f, point, i, to)).data for to in (move, -move)]
        slopes.append((above - below) / ((xi + move) - (xi - move)))  # the distance after rounding
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def as_point(x: Sequence[Any]) -> list[float]:
    """The numbers at which a function is to be differentiated."""
    if len(x) == 0:
        raise TypeError("give the point to differentiate at, one number per argument of f")
    return [real(as_number(v), "an argument") for v in x]


def checked_h(h: Any, x: float) -> float:
    """The ``h`` that a user has chosen, if it moves x."""
    move = real(h, "h") if isinstance(h, Real) else math.nan
    if not 0 < move < math.inf:
        raise ValueError(f"h must be a positive number, got {h!r}")
    if x - move == x + move:
        raise ValueError(f"h = {h} is too small: it does not move x = {x}")
    return move


def outputs_at(f: Function, x: Sequence[float], i: int = 0, move: float = 0.0) -> Any:
    """``f`` at x, moved along input i: a Value, or a list if it gives several."""
    y = f(*[Value(v + move if j == i else v) for j, v in enumerate(x)])
    several = isinstance(y, list | tuple | np.ndarray)
    outputs = as_outputs(y if several else [y])
    if any(map(is_being_differentiated, outputs)):
        raise TypeError(
            "f uses a variable of an enclosing derivative, which finite differences, being plain "
            "numbers, would lose: use grad inside grad"
        )
    return outputs if several else outputs[0]


def only(y: Any) -> Value:
    """The output of a function that is to have one."""
    if not isinstance(y, Value):
        raise TypeError(f"f must return one Value, got {y!r}: for several, use jacobian")
    return y


@dataclass(frozen=True)
class Slopes:
    """Slopes of an output of f around a point, from x moved by h to either side.

    Attributes:
        left, right: one-sided.
        central: the central one; if several h were tried, extrapolated to h = 0.
        growth: the factor by which ``|right - left|`` changes from 4 h to h: about 1/4 where f is
            smooth, 1 at a corner, 4 at a jump.
        error: the estimated error of ``central``.
        lost: a derivative up to this size can't be told from the rounding errors of f.
        move: how far x was moved, h.
    """

    left: float
    right: float
    central: float
    growth: float
    error: float
    lost: float = 0.0
    move: float = math.nan


class Line:
    """The outputs of ``f`` along input i."""

    def __init__(self, f: Function, x: Sequence[float], i: int) -> None:
        self.f, self.point, self.i, self.x = f, x, i, x[i]
        self.scale = max(1.0, abs(self.x))
        self.smaller = [self.scale * 4.0**-k for k in range(4, 28)]
        self._found: dict[float, list[float]] = {}

    def at(self, move: float) -> list[float]:
        """The outputs at this move, computed once."""
        if move not in self._found:
            self._found[move] = self.again(move)
        return self._found[move]

    def again(self, move: float) -> list[float]:
        """The outputs at this move, computed anew."""
        y = outputs_at(self.f, self.point, self.i, move)
        return [v.data for v in (y if isinstance(y, list) else [y])]

    def is_same_twice(self) -> bool:
        """Whether computing outputs again, at the point and beside it, gives the same."""
        return all(
            np.array_equal(self.again(move), self._found[move], equal_nan=True)
            for move in [0.0, *list(self._found)[:3]]
            if move in self._found
        )

    def slopes(self, o: int, h: float | None, tolerance: float, size: float) -> Slopes:
        """The slopes of output o, for ``h`` or, if it is not given, extrapolated to h = 0.

        Args:
            o: which output.
            h: how far x is moved to either side; or None.
            tolerance: a relative error that is small enough to stop at.
            size: how large the numbers are that f computes with: rounding is relative to that.
        """
        if h is not None:
            return next(reversed(list(self._tries(o, [4 * h, h], size))), UNKNOWN)
        larger = [self.scale * 4.0**-k for k in range(-1, 5)]
        best = UNKNOWN
        # Ever smaller moves, for steep functions; then large ones, for functions with much
        # rounding.
        for moves in (self.smaller, larger):
            before: list[Slopes] = []
            extrapolated: list[float] = []
            for slopes in self._tries(o, moves, size):
                before.append(slopes)
                if len(before) == 1:
                    extrapolated.append(slopes.central)
                    continue
                # The formula's error goes with h^2: two moves, one 4 times the other, cancel most
                # of it.
                limit = slopes.central + (slopes.central - before[-2].central) / 15
                extrapolated.append(limit)
                if len(before) == 2:
                    continue
                changes = abs(limit - extrapolated[-2]), abs(limit - slopes.central)
                error = max(changes) + slopes.error
                if not best.error <= error:
                    best = replace(slopes, central=limit, error=error)
                # Good enough; or as near to 0 as can be told with moves large enough to show
                # corners.
                is_nothing = abs(limit) <= error <= slopes.lost / 64
                if is_nothing or error <= max(tolerance / 100 * abs(limit), slopes.lost / 256):
                    return best
            if best.error <= tolerance * abs(best.central):
                break
        return best

    def is_too_fast(self, o: int, slopes: Slopes, d: float, size: float) -> bool:
        """Whether ``slopes`` differ from ``d`` since f varies between the moves, not by a mistake.

        The slopes of (1e9 x).sin() over thousands of periods may agree among themselves, and yet
        have nothing to do with its derivative.
        """
        moves = [move for move in self.smaller if move < slopes.move]
        found = list(self._tries(o, moves, size))
        if math.isinf(d):
            steeper = [abs(slopes.central), *(math.copysign(1.0, d) * s.central for s in found)]
            return all(b > a > 0 for a, b in pairwise(steeper))
        # Smaller moves give the same slope, up to rounding, where f is smooth. But where d is 0 it
        # was lost rather, as through .data; and rounding that is lost with it is not known.
        if d and any(abs(s.central - slopes.central) > 4 * (slopes.error + s.error) for s in found):
            return True
        # Moves of 256 roundings of x are the smallest that show a slope. If far larger ones change
        # f by less than d would there, though by more than ``slopes`` and rounding say, f turns
        # back. It does not where still larger ones change it ever more, as about a minimum.
        near = 2.0**-26 * self.scale
        change, farther = self._change(o, 0.0, near), self._change(o, near, 64 * near)
        steepest = 256 * EPS * self.scale * abs(d)
        said = max(16 * near * abs(slopes.central), 4 * EPS * abs(self.at(0.0)[o]))
        turns_back = change > said and 16 * change > farther
        return turns_back and change < steepest < math.inf

    def _change(self, o: int, least: float, most: float) -> float:
        """The largest change of output o that was found by a move from ``least`` to ``most``."""
        middle = self.at(0.0)[o]
        found = [y[o] for move, y in self._found.items() if least < abs(move) <= most]
        return max([abs(y - middle) for y in found if math.isfinite(y)], default=0.0)

    def _tries(self, o: int, moves: Sequence[float], size: float) -> Iterator[Slopes]:
        """The slopes for each of these moves; the error is that of rounding."""
        x, middle, before, far = self.x, self.at(0.0)[o], math.nan, 0.0
        for move in moves:
            up, down = x + move, x - move
            if not down < x < up:
                return
            above, below = self.at(move)[o], self.at(-move)[o]
            if not (math.isfinite(above) and math.isfinite(below)):
                continue
            left, right = (middle - below) / (x - down), (above - middle) / (up - x)
            jump = abs(right - left)
            growth = jump / before if before else math.nan
            before = jump
            near = max(abs(above), abs(below), size, LEAST)
            far = far or near  # of the largest move, which comes first
            lost = LOST * far / self.scale
            rounding = 4 * EPS * near / (up - down)
            central = (above - below) / (up - down)
            yield Slopes(left, right, central, growth, rounding, lost, move)


UNKNOWN = Slopes(math.nan, math.nan, math.nan, math.nan, math.inf)
