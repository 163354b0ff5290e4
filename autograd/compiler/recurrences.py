"""Equal steps of a recurrence, found in the recorded graph.

The groups of a graph stand in levels, by depth. Where a period of levels comes again and again,
with the same groups wired in the same way, each time to the time before, a loop recorded it.
"""

from collections.abc import Sequence
from itertools import chain, pairwise, repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import primitives as p
from ..value import Value
from .groups import Group
from .operands import Operands

STEPS = 6  # at least so many make a loop
PERIOD = 256  # levels of a step, at most
TRIED = 4  # periods that are looked at closely, each also so many times over

# An input at the next step: what stands there at this step; the same node; another one.
FROM_BEFORE, FIXED, VARIED = range(3)

Ints = npt.NDArray[np.int64]


class Recurrence(NamedTuple):
    """Equal steps: of each, its levels of groups.

    Attributes:
        start: the level at which the first one begins.
        period: how many levels a step has.
        steps: how many there are.
        kinds: of each input of each node of a step, in order, what it is at the next step.
    """

    start: int
    period: int
    steps: int
    kinds: Ints


class Wiring:
    """Which group of which level each node of a graph stands in, and in which row."""

    def __init__(self, levels: Sequence[Sequence[Group]], operands: Operands) -> None:
        self.levels, self.operands = levels, operands
        place = operands.place
        # By place, and for -1, that of a plain number. Leaves and constants stand below the groups.
        level, group, row = ([-1] * (len(place) + 1) for _ in range(3))
        for i, groups in enumerate(levels):
            for j, one in enumerate(groups):
                for k, node in enumerate(one.nodes):
                    at = place[node]
                    level[at], group[at], row[at] = i, j, k
        self.level, self.group, self.row = map(np.array, (level, group, row))
        numbers: dict[Any, int] = {}
        self._looks = np.array(
            [numbers.setdefault(tuple(map(_look, groups)), len(numbers)) for groups in levels], int
        )

    def recurrences(self) -> list[Recurrence]:
        """All of them, from the first to the last."""
        found, between = [], [(0, len(self.levels))]
        while between:
            start, stop = between.pop()
            one = self._longest(start, stop)
            if one:
                found.append(one)
                between += (start, one.start), (one.start + one.period * one.steps, stop)
        return sorted(found, key=lambda one: one.start)

    def _longest(self, start: int, stop: int) -> Recurrence | None:
        """The longest among some levels."""
        for first, period, steps in self._candidates(start, stop):
            # What looks like two steps may be one, as of v = v + (v * 0.5 + 1.0) * h.
            for times in range(1, min(TRIED, steps // STEPS) + 1):
                found = self._verified(first, period * times, steps // times)
                if found:
                    return found
        return None

    def _candidates(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """Where levels look alike again: the first level, the period and the number of steps."""
        looks, best, found = self._looks[start:stop], 0, []
        for period in range(1, min(PERIOD, len(looks) // STEPS) + 1):
            alike = np.concatenate([[False], looks[:-period] == looks[period:], [False]])
            ends = np.flatnonzero(alike[1:] != alike[:-1])
            lengths = ends[1::2] - ends[::2]
            if not len(lengths):
                continue
            longest = int(lengths.argmax())
            covered = int(lengths[longest]) + period
            if covered >= STEPS * period and covered > best + period:
                best = covered
                found.append((start + int(ends[2 * longest]), period, covered // period))
        return sorted(found, key=lambda each: -each[1] * each[2])[:TRIED]

    def inputs(self, level: int, n: int) -> list[Any]:
        """The inputs of all nodes of so many levels, in order."""
        groups = chain.from_iterable(self.levels[level : level + n])
        return [v for group in groups for node in group.nodes for v in node.inputs]

    def _verified(self, first: int, period: int, steps: int) -> Recurrence | None:
        """The equal steps among those which look alike."""
        inputs = self.inputs(first, period * steps)
        if len(inputs) % steps:
            return None
        find = self.operands.place.get
        at = np.fromiter(map(find, inputs, repeat(-1)), int).reshape(steps, -1)
        level, group, row = self.level[at], self.group[at], self.row[at]
        same = at[1:] == at[:-1]
        is_constant = (level < 0) & ((at < 0) | (at >= self.operands.leaves))
        for i in np.flatnonzero(is_constant.any(axis=0)):
            numbers = list(map(_number, inputs[i :: at.shape[1]]))
            equal = [a == b for a, b in pairwise(numbers)]
            both = is_constant[1:, i] & is_constant[:-1, i]  # a node may have the same number
            same[:, i] = np.where(both, equal, same[:, i])
        from_before = (
            (level[1:] - level[:-1] == period) & (group[1:] == group[:-1])
            & (row[1:] == row[:-1]) & (level[:-1] >= 0)
        )  # fmt: skip
        middle = steps // 2 - 1
        kinds = np.where(from_before[middle], FROM_BEFORE, np.where(same[middle], FIXED, VARIED))
        fits = np.where(kinds == FIXED, same, (kinds == VARIED) | from_before).all(axis=1)
        misfits = np.flatnonzero(~fits)
        least = int(misfits[misfits < middle].max(initial=-1)) + 1
        steps = int(misfits[misfits > middle].min(initial=steps - 1)) + 1
        if self._has_own_weights(first, period, at[least], kinds):
            return None
        for k in range(least, steps - STEPS + 1):
            start = first + k * period
            if not (level[k:steps, kinds != FROM_BEFORE] < start).all():
                return None
            if self._begins(start, period, level[k], group[k], kinds):
                return Recurrence(start, period, steps - k, kinds)
        return None

    def _begins(self, start: int, period: int, level: Ints, group: Ints, kinds: Ints) -> bool:
        """Whether the groups before the first step are those that a step reads."""
        read = {*zip(level[kinds == FROM_BEFORE].tolist(), group[kinds == FROM_BEFORE].tolist())}
        pairs = [(self.levels[i][j], self.levels[start + (i - start) % period][j]) for i, j in read]
        alike = [
            len(before.nodes) == len(group.nodes) and before.varies <= group.varies
            for before, group in pairs
        ]
        return bool(alike) and all(alike)

    def _has_own_weights(self, first: int, period: int, at: Ints, kinds: Ints) -> bool:
        """Whether each step has a matrix of parameters of its own, as the layers of a network."""
        groups = chain.from_iterable(self.levels[first : first + period])
        nodes = [node for group in groups for node in group.nodes]
        in_dot = np.array([node.primitive is p.DOT for node in nodes for _ in node.inputs])
        is_leaf = (at >= 0) & (at < self.operands.leaves)
        return bool((in_dot & (kinds == VARIED) & is_leaf & (at >= self.operands.first)).any())


def _look(group: Group) -> Any:
    """What groups at the same place of two equal steps have in common."""
    inputs = tuple([len(node.inputs) for node in group.nodes[:1]])
    positions = getattr(group, "positions", 0)
    return type(group), group.primitive, len(group.nodes), group.varies, positions, inputs


def _number(v: Any) -> str:
    return repr(v.data if isinstance(v, Value) else v)
