"""A recurrence as a loop: the groups of one step, lowered once.

They are those of the graph, over leaves that stand for what a step reads (see `stacks`).
"""

from itertools import chain
from typing import Any

from .groups import Group
from .listing import At, Statement
from .operands import Nodes, Operands
from .recurrences import FIXED, FROM_BEFORE, Recurrence, Wiring
from .stacks import Earlier, Inside, Span, Stack, Varied
from .sums import Rewritten


class Leaf:
    """Stands for an operand of a step; ``data`` is its number at the first one."""

    __slots__ = ("data",)

    def __init__(self, v: Any) -> None:
        self.data: float = getattr(v, "data", v)


class Loop(Span):
    """A recurrence of a graph as one loop forward, and one back.

    Args:
        outer: where the nodes of the graph stand.
        wiring: its groups, in levels.
        found: the recurrence.

    Attributes:
        groups: those of a step.
        stacks: the arrays of each of them, at all steps.
        varied: what are other nodes at each step, by group, by input, and by whether they vary.
        latest: the last place at which it can be computed.
    """

    def __init__(self, outer: Operands, wiring: Wiring, found: Recurrence) -> None:
        super().__init__(outer)
        self.wiring, self.found, self.latest = wiring, found, 0
        self.inside = Inside(self)
        starts = range(found.start, found.start + found.period * found.steps, found.period)
        levels = wiring.levels
        # The recorded groups of each step, and where those of a step stand: level and place in it.
        recorded = [list(chain.from_iterable(levels[i : i + found.period])) for i in starts]
        self._where = [
            (i, j) for i in range(found.start, found.start + found.period)
            for j in range(len(levels[i]))
        ]  # fmt: skip
        self.varied: dict[Any, Varied] = {}
        # What stands for nodes of this step and of ones before, by place; and for varied ones.
        self._leaves: dict[Any, Any] = {}
        self._read: dict[tuple[int, int], list[tuple[Leaf, int]]] = {}  # group and steps ago: rows
        inputs, n = wiring.inputs(found.start, found.period * found.steps), len(found.kinds)
        columns = iter([(kind, inputs[i::n]) for i, kind in enumerate(found.kinds)])
        self.groups = [self._group(i, group, columns) for i, group in enumerate(recorded[0])]
        ago = max([back for _, back in self._read])
        self.span = range(ago, ago + found.steps)
        self.stacks = [
            self._stack(one, [node for step in recorded for node in step[i].nodes])
            for i, one in enumerate(self.groups)
        ]
        for (i, back), leaves in self._read.items():
            self._reads(i, back, leaves)

    def _group(self, i: int, group: Group, columns: Any) -> Group:
        """The group ``i`` of a step, over leaves; ``columns`` are its inputs at all steps."""
        standing = []
        for node in group.nodes:
            alone = type(node.arguments[0]) is not tuple
            inputs = [
                self._input(kind, column, (i, slot if alone else 0))
                for slot, (kind, column) in zip(range(len(node.inputs)), columns)
            ]
            arguments, rest = [], iter(inputs)
            for x in node.arguments:
                is_vector = type(x) is tuple
                arguments.append(tuple([next(rest) for _ in x]) if is_vector else next(rest))
            standing.append(Rewritten(node, group.primitive, *arguments))
        if group.varies:
            self.outer.varies.update(standing)
        more = (group.positions,) if hasattr(group, "positions") else ()
        one: Group = type(group)(self.inside, standing, *more)
        self.inside.hold(one)
        self._leaves.update(zip(map(self.outer.place.get, group.nodes), standing))
        return one

    def _input(self, kind: int, column: list[Any], slot: Any) -> Any:
        """What stands for an input, which is another node of each step in ``column``."""
        v = column[0]
        if kind == FIXED:
            return v
        if kind == FROM_BEFORE:
            place = self.outer.place[v]
            if place not in self._leaves:
                self._leaves[place] = self._from_before(v)
            return self._leaves[place]
        varies = not self.outer.varies.isdisjoint(column)  # a layer's inputs do, its weights do not
        source = self.varied.get((slot, varies))
        if source is None:
            source = self.varied[slot, varies] = Varied(self)
        key = source, tuple(map(id, column))
        if key not in self._leaves:
            leaf = self._leaves[key] = Leaf(v)
            self.inside.put(leaf, source, len(source.columns))
            source.columns.append(column)
            stands = filter(None, map(self.outer.stands, column))
            if any(where.has_gradient for where, _ in stands):
                source.has_gradient = True
            if varies:
                self.outer.varies.add(leaf)
                source.varies = True
        return self._leaves[key]

    def _from_before(self, v: Any) -> Leaf:
        """A leaf for a node of a step before the first one."""
        wiring, found, at = self.wiring, self.found, self.wiring.operands.place[v]
        level = int(wiring.level[at])
        back = -((level - found.start) // found.period)
        i = self._where.index((level + back * found.period, int(wiring.group[at])))
        leaf = Leaf(v)
        self._read.setdefault((i, back), []).append((leaf, int(wiring.row[at])))
        if wiring.levels[self._where[i][0]][self._where[i][1]].varies:
            self.outer.varies.add(leaf)
        return leaf

    def _stack(self, group: Group, nodes: list[Any]) -> Stack:
        stack = Stack(self, group, _label(nodes), nodes)
        self.outer.hold(stack, self.span.start * len(group.nodes))
        return stack

    def _reads(self, i: int, back: int, leaves: list[tuple[Leaf, int]]) -> None:
        """Steps read the group ``i`` of so many steps before; the first ones that before them."""
        stack = self.stacks[i]
        stack.is_read_later = True
        source = Earlier(stack, back)
        for leaf, row in leaves:
            self.inside.put(leaf, source, row)
        level, j = self._where[i]
        for k in range(1, back + 1):
            group = self.wiring.levels[level - k * self.found.period][j]
            stack.before[self.span.start - k] = group

    def operations(self) -> list[tuple[str, Any, int, bool]]:
        """As of a group, those of a step, with the nodes of all steps."""
        parts = [part for group in self.groups for part in group.operations()]
        n = len(self.span)
        return [(name, primitive, nodes * n, varies) for name, primitive, nodes, varies in parts]

    def operand_nodes(self) -> list[Nodes]:
        """What it is computed from."""
        return [
            *[group.nodes for stack in self.stacks for group in stack.before.values()],
            *[source.every() for source in self.varied.values()],
            *[node.inputs for group in self.groups for node in group.nodes],
        ]

    def compute(self) -> None:
        """Its part of the forward pass."""
        sheet, m, body = self.sheet, self.sheet.m, list[Statement]()
        self.around = sheet.statements
        for source in (*self.varied.values(), *self.stacks):
            source.allocate(self.outer)
        with sheet.writing(body, self.key):
            for group, stack in zip(self.groups, self.stacks):
                m.running, group.name = group.primitive, str(stack.array.info)
                value = m.number(group.forward())
                group.array = m.earlier(stack.array, 0)
                sheet.state("set", group.name, value, index=At(0, inside=True), shape=group.shape)
                m.stands_for(group.array, value)
        self._state("loop", body)

    def pass_on(self) -> None:
        """Its part of the backward pass."""
        if not any(stack.given for stack in self.stacks):
            return
        self.around, body = self.sheet.statements, list[Statement]()
        self.tracks = any(group.primitive.chooses for group in self.groups) or any(
            reached is not None for stack in self.stacks for _, _, reached in stack.given
        )
        stacks = [stack for stack in self.stacks if stack.given or stack.is_read_later]
        varied = [source for source in self.varied.values() if source.has_gradient]
        for source in (*stacks, *varied):
            source.begin_gradient()
        with self.sheet.writing(body, self.key):
            for stack in reversed(self.stacks):
                if stack in stacks:
                    stack.group.give(list(range(len(stack.group.nodes))), *stack.now())
                stack.group.pass_on()
        if body:  # else there are conditions alone, which have no gradient
            self._state("back", body)
        for source in (*stacks, *varied):
            source.end_gradient(self.outer)
        for fixed in self.inside.fixed.values():
            fixed.end_gradient()

    def _state(self, kind: str, body: list[Statement]) -> None:
        self.sheet.state(kind, "", None, body=body, steps=self.span, loop=self.key)


def _label(nodes: list[Any]) -> str:
    """What the nodes of all steps are called, without the numbers at the end."""
    names = {node.label.partition("[")[0].rstrip("0123456789") for node in nodes}
    return (names.pop() if len(names) == 1 else "") or "v"
