"""When each node of a graph is computed: nodes of one level can be computed together.

A node's depth is one more than that of its deepest input; that of leaves is 0, that of constants
-1. Its level is its depth, as early as can be. But what comes out at the side of a long chain of
nodes that wait for each other, such as the loss at each step of a recurrence, is computed as late
as can be: with that of the other steps, and out of their way.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

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
        nodes: those that are no constants, and not equal to one before; each with its level and
            a code for each input that is no vector: 0 for a constant, 2 if it varies, else 1.
        depth: of all nodes, by place; and for -1, that of a plain number.
        is_used: whether a node is the input of another, likewise.
    """

    def __init__(
        self, order: Sequence[Any], place: dict[Any, int], leaves: int, varies: set[Any]
    ) -> None:
        self._place, self._varies = place, varies
        self.depth = [0] * leaves + [-1] * (len(place) + 1 - leaves)
        self.is_used = bytearray(len(place) + 1)
        # Of vectors, by identity: neurons share their inputs.
        self._vectors: dict[int, tuple[list[int], int, bool]] = {}
        # Nodes by place, each with the places of its inputs; those of a vector are a list.
        self._computed: list[tuple[int, Any, list[Any], list[int]]] = []
        depth, equal, name = self.depth, dict[Any, int](), self.name
        find, is_used, compute = place.get, self.is_used, self._computed.append
        for node in order:
            deepest, other, key = -1, False, [node.primitive, node.label]
            parts: list[Any] = []
            codes: list[int] = []
            for x in node.arguments:
                if type(x) is tuple:
                    places, below, its_varies = self._vector(x)
                    key.append(tuple(map(name, x)) if len(x) <= SHORT else id(x))
                    if below > 0:
                        parts.append(places)
                else:
                    i = find(x, -1)
                    below, its_varies = depth[i], x in varies
                    is_used[i] = 1
                    key.append(i if below >= 0 else name(x))
                    codes.append((below >= 0) + its_varies)
                    if below > 0:
                        parts.append(i)
                if below > deepest:
                    deepest = below
                other = other or its_varies
            if deepest < 0:
                continue  # a constant
            if other:
                varies.update(_and_recorded(node))
            at = place[node]
            first = equal.setdefault(tuple(key), at)
            if first == at:
                depth[at] = deepest + 1
                compute((at, node, parts, codes))
            else:
                place.update(dict.fromkeys(_and_recorded(node), first))
        self.nodes = self._with_levels()

    def _vector(self, x: tuple[Any, ...]) -> tuple[list[int], int, bool]:
        """Places of the entries, the greatest of their depths, and whether one varies."""
        found = self._vectors.get(id(x))
        if found is None:
            places = list(map(self._place.get, x, repeat(-1)))
            deepest = max(map(self.depth.__getitem__, places), default=-1)
            for i in places:
                self.is_used[i] = 1
            # Places of leaves need not be kept.
            found = places if deepest > 0 else [], deepest, not self._varies.isdisjoint(x)
            self._vectors[id(x)] = found
        return found

    def name(self, v: Any) -> Any:
        """What equal inputs have in common: the place of a node; the number of a constant."""
        i = self._place.get(v, -1)
        if i >= 0 and self.depth[i] >= 0:
            return i
        return repr(v.data if isinstance(v, Value) else v)  # 0.0 and -0.0 are two

    def _with_levels(self) -> list[tuple[int, Any, list[int]]]:
        """The nodes, each with its level and codes."""
        waiting = self._waiting(self._latest())
        latest = self._latest(waiting)
        return [
            (latest[i] if waiting[i] else self.depth[i], node, codes)
            for i, node, _, codes in self._computed
        ]

    def _latest(self, waiting: list[bool] | None = None) -> list[int]:
        """By place, when a node must be computed at the latest.

        That is if all are computed so late; or only those ``waiting``, of which some are taken out
        that would not wait for long.
        """
        depth = self.depth
        latest = [max(depth)] * len(depth)
        done: dict[int, int] = {}
        for i, _, parts, _ in reversed(self._computed):
            if waiting is not None and waiting[i] and latest[i] - depth[i] < LATE:
                waiting[i] = False
            before = (latest[i] if waiting is None or waiting[i] else depth[i]) - 1
            for part in parts:
                if type(part) is int:
                    if latest[part] > before:
                        latest[part] = before
                elif done.get(id(part), before + 1) > before:
                    done[id(part)] = before
                    for at in part:
                        if latest[at] > before:
                            latest[at] = before
        return latest

    def _waiting(self, latest: list[int]) -> list[bool]:
        """By place, whether a node could wait, and comes out of nodes that can't."""
        urgent = [a == b for a, b in zip(latest, self.depth)]
        urgent[-1] = False
        after = list(urgent)  # these, and what is computed from them
        known: dict[int, bool] = {}
        for i, _, parts, _ in self._computed:
            for part in parts:
                if type(part) is int:
                    found = after[part]
                else:
                    if id(part) not in known:
                        known[id(part)] = any(map(after.__getitem__, part))
                    found = known[id(part)]
                if found:
                    after[i] = True
                    break
        return [a and not b for a, b in zip(after, urgent)]


def _and_recorded(node: Any) -> tuple[Any, ...]:
    """A node, and the one in whose place it stands, if there is one."""
    recorded = getattr(node, "recorded", None)
    return (node,) if recorded is None else (node, recorded)
