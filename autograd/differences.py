"""Finite differences: the slow, independent way to a derivative."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from .derivatives import Function, as_number, as_outputs, is_being_differentiated
from .value import Value, real

EPS = 2.0**-52  # the spacing of floats at 1
LOST = 2.0**-32  # a slope of numbers of size 1 that may be lost in their rounding


def finite_difference(f: Function, *x: float, h: float | None = None) -> Any:
    """The gradient by central differences, (f(x + h) - f(x - h)) / 2h: two calls per input.

    The slow way, O(m^2) for a network of m parameters, and good to half the digits; independent of
    everything else here.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers.
        h: how far apart; eps^(1/3) max(1, |x|), about 6e-6, if not given.

    Returns:
        A float, or a tuple if there are several ``x``.

    Raises:
        ValueError: ``h`` is not a positive number, or too small to move ``x``.

    >>> round(finite_difference(lambda x: x**2, 3.0), 6)
    6.0
    """
    point = as_point(x)
    slopes = []
    for i, xi in enumerate(point):
        # Balances the central difference's two errors, h^2 of the formula and eps/h of rounding.
        move = EPS ** (1 / 3) * max(1.0, abs(xi)) if h is None else checked_h(h, xi)
        above, below = [only(outputs_at(f, point, i, to)).data for to in (move, -move)]
        slopes.append((above - below) / ((xi + move) - (xi - move)))  # the distance really gone
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
    """Slopes of an output of f around a point, over one step to either side.

    Attributes:
        left, right: one-sided.
        central: the central one; where several steps were tried, extrapolated to 0.
        growth: of ``|right - left|``, from a step four times as large to this one: about 1/4 where
            f is smooth, 1 at a corner, 4 at a jump.
        error: of ``central``, estimated.
        lost: a derivative up to this size is lost in the rounding of f.
    """

    left: float
    right: float
    central: float
    growth: float
    error: float
    lost: float = 0.0


class Line:
    """The outputs of ``f`` along input i."""

    def __init__(self, f: Function, x: Sequence[float], i: int) -> None:
        self.f, self.point, self.i, self.x = f, x, i, x[i]
        self._found: dict[float, list[float]] = {}

    def at(self, move: float) -> list[float]:
        """The outputs there, computed once."""
        if move not in self._found:
            self._found[move] = self.again(move)
        return self._found[move]

    def again(self, move: float) -> list[float]:
        """The outputs there, computed anew."""
        y = outputs_at(self.f, self.point, self.i, move)
        return [v.data for v in (y if isinstance(y, list) else [y])]

    def is_same_twice(self) -> bool:
        """Whether outputs that were computed are the same again: at the point, and beside it."""
        return all(
            np.array_equal(self.again(move), self._found[move], equal_nan=True)
            for move in [0.0, *list(self._found)[:3]]
            if move in self._found
        )

    def slopes(self, o: int, h: float | None, tolerance: float, size: float) -> Slopes:
        """The slopes of output o, at the step ``h`` or, if not given, extrapolated to 0.

        Args:
            o: which output.
            h: a step; or None.
            tolerance: the relative error from which on more effort is not worth it.
            size: of the numbers that f computes with, to which rounding is relative.
        """
        X = max(1.0, abs(self.x))
        if h is not None:
            return next(reversed(list(self._tries(o, [4 * h, h], size))), UNKNOWN)
        smaller = [X * 4.0**-k for k in range(4, 28)]
        larger = [X * 4.0**-k for k in range(-1, 5)]
        best = UNKNOWN
        # Ever smaller steps, for steep functions; then large ones, for those with much rounding.
        for moves in (smaller, larger):
            before: list[Slopes] = []
            extrapolated: list[float] = []
            for slopes in self._tries(o, moves, size):
                before.append(slopes)
                if len(before) == 1:
                    extrapolated.append(slopes.central)
                    continue
                # The formula's error goes with h^2: what is left of it after two steps is less.
                limit = slopes.central + (slopes.central - before[-2].central) / 15
                extrapolated.append(limit)
                if len(before) == 2:
                    continue
                changes = abs(limit - extrapolated[-2]), abs(limit - slopes.central)
                error = max(changes) + slopes.error
                if not best.error <= error:
                    best = replace(slopes, central=limit, error=error)
                # Good enough; or as near to 0 as these steps, where corners show, can tell.
                is_nothing = abs(limit) <= error <= slopes.lost / 64
                if is_nothing or error <= max(tolerance / 100 * abs(limit), slopes.lost / 256):
                    return best
            if best.error <= tolerance * abs(best.central):
                break
        return best

    def _tries(self, o: int, moves: Sequence[float], size: float) -> Iterator[Slopes]:
        """The slopes at each of these steps; the error is that of rounding."""
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
            near = max(abs(above), abs(below), size)
            far = far or near  # of the largest step, which comes first
            lost = LOST * far / max(1.0, abs(x))
            rounding = 4 * EPS * near / (up - down)
            yield Slopes(left, right, (above - below) / (up - down), growth, rounding, lost)


UNKNOWN = Slopes(math.nan, math.nan, math.nan, math.nan, math.inf)
