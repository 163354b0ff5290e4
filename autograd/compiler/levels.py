"""When each node of a graph is computed: nodes of one level can be computed together.

A node's depth is one more than that of its deepest input; that of leaves is 0, that of constants
-1. Its level is its depth, as early as can be. But what comes out at the side of a long chain of
nodes that wait for each other, such as the loss at each step of a recurrence, is computed as late
as can be: with that of the other steps, and out of their way.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from ..value import Value

LATE = 8  # levels that a node could wait; with less, it is computed as early as can be
SHORT = 64  # entries of a vector that may be compared with others


class Levels:
    """The levels of the nodes of a graph.

    Args:
        order: all nodes except inputs and parameters, each after the nodes it is computed from.
        place: of inputs, parameters and nodes, 0, 1, ...
        leaves: how many of these are inputs and parameters.
        varies: the inputs; all other nodes that depend on them are added.

    Attributes:
        nodes: those that are no constants, and not equal to one before, each with its level.
        depth: of all nodes, by place; and for -1, that of a plain number.
        is_used: whether a node is the input of another, likewise.
    """

    def __init__(
        self, order: Sequence[Any], place: dict[Any, int], leaves: int, varies: set[Any]
    ) -> None:
        size = len(place) + 1
        self._place, self._varies = place, varies
        self.depth, self.is_used = np.full(size, -1), np.zeros(size, bool)
        self.depth[:leaves] = 0
        self._below: dict[int, tuple[int, bool]] = {}  # by identity: neurons share their inputs
        equal: dict[Any, int] = {}
        computed = []
        for node in order:
            found = [self._beneath(x) for x in node.arguments]
            if not found or (deepest := max(found)[0]) < 0:
                continue  # a constant
            if any(other for _, other in found):
                varies.update((node, getattr(node, "recorded", node)))
            first = equal.setdefault(self._key(node), place[node])
            if first == place[node]:
                self.depth[first] = deepest + 1
                computed.append(node)
            else:
                place[node] = place[getattr(node, "recorded", node)] = first
        self.nodes = self._with_levels(computed)

    def _beneath(self, x: Any) -> tuple[int, bool]:
        """The depth of an argument's deepest node, and whether one varies."""
        found = self._below.get(id(x))
        if found is None:
            if type(x) is tuple:
                at = self._places(x)
                self.is_used[at] = True
                found = int(self.depth[at].max(initial=-1)), not self._varies.isdisjoint(x)
            else:
                i = self._place.get(x, -1)
                self.is_used[i] = True
                found = int(self.depth[i]), x in self._varies
            self._below[id(x)] = found
        return found

    def _places(self, x: tuple[Any, ...]) -> Any:
        return np.fromiter(map(self._place.get, x, repeat(-1)), int, len(x))

    def _key(self, node: Any) -> Any:
        """Equal for nodes that are computed from the same in the same way, and are called alike."""
        parts = [
            tuple(map(self._name, x)) if type(x) is tuple and len(x) <= SHORT
            else id(x) if type(x) is tuple
            else self._name(x)
            for x in node.arguments
        ]  # fmt: skip
        return node.primitive, node.label, *parts

    def _name(self, v: Any) -> Any:
        """An input: the place of a node; a number, of which 0.0 and -0.0 are two, or a constant."""
        i = self._place.get(v, -1)
        if i >= 0 and self.depth[i] >= 0:
            return i
        return repr(v.data if isinstance(v, Value) else v)

    def _with_levels(self, nodes: list[Any]) -> list[tuple[int, Any]]:
        """The nodes, each with its level."""
        waiting = self._waiting(nodes, self._latest(nodes))
        latest = self._latest(nodes, waiting)
        at = [self._place[node] for node in nodes]
        return list(zip(np.where(waiting, latest, self.depth)[at].tolist(), nodes))

    def _latest(self, nodes: list[Any], waiting: Any = None) -> Any:
        """By place, when a node must be computed at the latest.

        That is if all are computed so late; or only those ``waiting``, of which some are taken out
        that would not wait for long.
        """
        latest = np.full(len(self.depth), self.depth.max(initial=0))
        done: dict[int, int] = {}
        for node in reversed(nodes):
            i = self._place[node]
            if waiting is not None:
                waiting[i] &= latest[i] - self.depth[i] >= LATE
            before = int(latest[i] if waiting is None or waiting[i] else self.depth[i]) - 1
            for x in node.arguments:
                if self._below[id(x)][0] > 0 and done.get(id(x), before + 1) > before:
                    done[id(x)] = before
                    at = self._places(x) if type(x) is tuple else self._place[x]
                    latest[at] = np.minimum(latest[at], before)
        return latest

    def _waiting(self, nodes: list[Any], latest: Any) -> Any:
        """By place, whether a node could wait, and comes out of nodes that can't."""
        urgent = latest == self.depth
        urgent[-1] = False
        after = urgent.copy()  # these, and what is computed from them
        known: dict[int, bool] = {}
        for node in nodes:
            for x in node.arguments:
                if id(x) not in known:
                    found = self._below[id(x)][0] > 0
                    if found:
                        at = self._places(x) if type(x) is tuple else self._place[x]
                        found = bool(np.any(after[at]))
                    known[id(x)] = found
            after[self._place[node]] |= any([known[id(x)] for x in node.arguments])
        return after & ~urgent
