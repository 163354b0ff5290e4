"""A recurrence as a loop: one step's groups, and the arrays of all steps, stacked.

The groups of one step are those of the graph, over leaves that stand for what they read: a row of
the step before, something fixed, or what is another node at each step. They are lowered once.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

from .expressions import ALL, Expr, Index
from .groups import Group
from .listing import At, Statement
from .operands import Nodes, Operands, Source, common_label
from .recurrences import FIXED, FROM_BEFORE, Recurrence, Wiring
from .sums import Rewritten


class Leaf:
    """Stands for an operand of a step; ``data`` is its number at some step."""

    __slots__ = ("data",)

    def __init__(self, data: float) -> None:
        self.data = data


class Stack(Source):
    """The arrays of one group of a step, at all steps; seen from outside of the loop.

    Before those of the steps stand those that the first steps read, of groups ``before`` the loop.
    """

    def __init__(self, loop: "Loop", group: Group, nodes: list[Any], label: str) -> None:
        super().__init__(group.sheet, nodes, group.varies)
        self.loop, self.group, self.m, self.computed_by = loop, group, group.m, loop
        self.name, self.d, self.reached = "", "", ""
        self.label = label
        self.before: dict[int, Group] = {}  # by their place in the stack
        self.is_read_later = False  # by the next steps
        self.given: list[tuple[list[int], Any, Expr | None]] = []

    @property
    def room(self) -> tuple[int | str, ...]:
        """The shape of the whole array."""
        return self.loop.span.stop, *self.group.shape

    def allocate(self) -> None:
        """Statements that make room, and put in what comes before the loop."""
        sheet = self.sheet
        self.name = sheet.names.new(self.label)
        sheet.state("let", self.name, self.m.empty(self.room), shape=self.room)
        for place, group in self.before.items():
            array, shape = self.loop.outer.gather(group.nodes), self.group.shape
            sheet.state("set", self.name, array, index=At(place, False), shape=shape)

    def step(self, name: str, back: int = 0) -> Any:
        """In the loop, the array of a step, of this stack or of one beside it."""
        return self.m.earlier(self.m.name(name, self.room), back)

    def flat(self, name: str) -> Any:
        """Outside of the loop, all arrays, one below the other."""
        steps, rows, columns = self.room
        return self.m.reshape(self.m.name(name, self.room), (int(steps) * int(rows), columns))

    def take(self, rows: list[int]) -> Expr:
        """Some rows of the arrays of all steps."""
        return self.rows_of(self.name, rows)

    def rows_of(self, name: str, rows: Sequence[int]) -> Any:
        """Outside of the loop, some rows of the arrays of this stack, or of one beside it."""
        n = int(self.group.shape[0])
        if {row // n for row in rows} == {rows[0] // n}:
            array = self.m.name(name, self.room)
            array = self.m.make("entry", array, info=rows[0] // n, shape=self.group.shape)
            index = self.within([row % n for row in rows])
            return array if index == ALL else self.m.rows(array, index)
        return self.m.rows(self.flat(name), self.sheet.index(rows))

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Their gradient; it is written when the loop's is."""
        self.given.append((rows, d, reached))

    def begin_gradient(self) -> None:
        """Statements that make room for the gradient, and put in what comes from behind the loop."""
        self.d = self.sheet.names.new(f"d_{self.name}")
        names = [self.d]
        if self.loop.tracks:
            self.reached = self.sheet.names.new(f"reached_{self.name}")
            names.append(self.reached)
        for name in names:
            self.sheet.state("let", name, self.m.zeros(self.room), shape=self.room)
        for rows, d, reached in self.given:
            self._add(self.d, rows, d)
            if self.loop.tracks:
                self._add(self.reached, rows, 1.0 if reached is None else reached)

    def _add(self, name: str, rows: list[int], d: Any) -> None:
        n = int(self.group.shape[0])
        place = rows[0] // n
        if all(row // n == place for row in rows):
            index = self.within([row % n for row in rows])
            self.sheet.state("add", name, d, index=At(place, False, index))
        else:
            view = self.sheet.let(f"{name}_rows", self.flat(name), self.flat(name).shape)
            self.sheet.state("add", str(view.info), d, index=self.sheet.index(rows))

    def within(self, rows: list[int]) -> Index:
        """Rows of the array of one step, as an index."""
        n = int(self.group.shape[0])
        return ALL if rows == list(range(n)) else self.sheet.index(rows)


class Earlier(Source):
    """In the loop, the array of a group at a step before."""

    def __init__(self, stack: Stack, back: int) -> None:
        super().__init__(stack.sheet, stack.group.nodes, stack.varies)
        self.stack, self.back = stack, back

    def take(self, rows: list[int]) -> Expr:
        """Some rows of it, or all."""
        array: Expr = self.stack.step(self.stack.name, self.back)
        index = self.stack.within(rows)
        return array if index == ALL else array.m.rows(array, index)  # type: ignore[no-any-return]

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Add to the gradient of that step, which is computed later."""
        stack = self.stack
        at = At(self.back, True, stack.within(rows))
        self.sheet.state("add", stack.d, d, index=at)
        if stack.loop.tracks:
            value = 1.0 if reached is None else reached
            self.sheet.state("add", stack.reached, value, index=at)


class Varied(Source):
    """In the loop, what are other nodes at each step."""

    def __init__(self, loop: "Loop") -> None:
        super().__init__(loop.sheet, [], varies=False)
        self.loop, self.m = loop, loop.m
        self.columns: list[Sequence[Any]] = []  # for each row, the node at each step
        self.has_gradient = False
        self.array: Any = None
        self.d, self.reached = "", ""

    def flat(self) -> list[Any]:
        """The nodes of all steps, one step's after another's."""
        return [column[k] for k in range(self.loop.steps) for column in self.columns]

    def allocate(self) -> None:
        """A statement that puts the arrays of all steps together."""
        flat, n = self.flat(), len(self.columns)
        array = self.loop.outer.gather(flat)
        columns = array.shape[1] if isinstance(array, Expr) else 1
        shape = (self.loop.steps, n, columns)
        array = self.m.reshape(self.m.full(array, (len(flat), columns)), shape)
        self.shape = (n, columns)
        label = common_label(flat) if all(map(_has_label, flat)) else ""
        self.array = self.sheet.let(label or "v", array, shape)

    def begin_gradient(self) -> None:
        """Statements that make room for the gradient."""
        self.d = self.sheet.names.new(f"d_{self.array.info}")
        names = [self.d]
        if self.loop.tracks:
            self.reached = self.sheet.names.new(f"reached_{self.array.info}")
            names.append(self.reached)
        for name in names:
            self.sheet.state("let", name, self.m.zeros(self.array.shape), shape=self.array.shape)

    def take(self, rows: list[int]) -> Expr:
        """Some rows of this step's array, or all."""
        array: Expr = self.m.earlier(self.array, self.loop.span.start)
        return array if rows == list(range(len(self.columns))) else self.m.rows(
            array, self.sheet.index(rows)
        )  # fmt: skip

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Add to this step's gradient."""
        index = ALL if rows == list(range(len(self.columns))) else self.sheet.index(rows)
        at = At(self.loop.span.start, True, index)
        self.sheet.state("add", self.d, d, index=at)
        if self.loop.tracks:
            self.sheet.state("add", self.reached, 1.0 if reached is None else reached, index=at)

    def end_gradient(self) -> None:
        """Hand the gradients of all steps on."""
        flat = self.flat()
        shape = (len(flat), self.shape[1])
        d, reached = (
            self.m.reshape(self.m.name(name, self.array.shape), shape) if name else None
            for name in (self.d, self.reached)
        )
        reached = None if reached is None else reached > 0.0
        self.loop.outer.scatter(flat, d, self.shape[1] == "b", reached)


class Fixed(Source):
    """In the loop, an array from outside of it."""

    def __init__(self, loop: "Loop", outer: Source) -> None:
        super().__init__(loop.sheet, outer.nodes, outer.varies)
        self.loop, self.m, self.outer = loop, loop.m, outer
        self.has_gradient = outer.has_gradient
        self.totals: dict[Any, tuple[Any, Any, Any]] = {}

    def take(self, rows: Any) -> Expr:
        """As from outside: what has to be computed is computed before the loop."""
        with self.sheet.writing(self.loop.around, None):
            return self.outer.take(rows)

    def give(self, rows: Any, d: Any, reached: Expr | None = None) -> None:
        """Add to a total over all steps."""
        key = str(rows)
        with self.sheet.writing(self.loop.around, None):
            if key not in self.totals:
                columns = "b" if self.varies else 1
                shape = (len(rows), columns) if isinstance(rows, list) else rows.shape
                total = self.sheet.names.new("total")
                self.sheet.state("let", total, self.m.zeros(shape), shape=shape)
                counted = None
                if self.loop.tracks:
                    name = self.sheet.names.new("reached")
                    self.sheet.state("let", name, self.m.zeros(shape), shape=shape)
                    counted = self.m.name(name, shape)
                self.totals[key] = rows, self.m.name(total, shape), counted
        _, total, counted = self.totals[key]
        self.sheet.state("add", str(total.info), d)
        if counted is not None:
            self.sheet.state("add", str(counted.info), 1.0 if reached is None else reached)

    def end_gradient(self) -> None:
        """Hand the totals on."""
        for rows, total, counted in self.totals.values():
            self.outer.give(rows, total, None if counted is None else counted > 0.0)


class Inside(Operands):
    """The operands of a step: its own, and those from outside by `Fixed`."""

    def __init__(self, loop: "Loop", outer: Operands) -> None:
        self.__dict__.update(outer.__dict__)
        self.loop, self.own, self.fixed = loop, set[Source](), dict[Source, Fixed]()
        self._neurons = {}
        self.parameters: Any = self._fixed(outer.parameters)

    def put(self, node: Any, source: Source, row: int) -> None:
        self.own.add(source)
        super().put(node, source, row)

    def stands(self, node: Any) -> tuple[Source, int] | None:
        found = super().stands(node)
        if found is None or found[0] in self.own:
            return found
        return self._fixed(found[0]), found[1]

    def _fixed(self, source: Source) -> Fixed:
        if source not in self.fixed:
            self.fixed[source] = Fixed(self.loop, source)
        return self.fixed[source]


class Loop:
    """A recurrence of a graph as one loop forward, and one back.

    Attributes:
        groups: those of a step.
        stacks: the arrays of each of them, at all steps.
        span: what t runs through.
        tracks: whether it matters which steps a gradient has reached.
    """

    def __init__(self, outer: Operands, wiring: Wiring, found: Recurrence) -> None:
        self.outer, self.sheet, self.m = outer, outer.sheet, outer.m
        self.steps, self.latest, self.place = found.steps, 0, 0
        self.around: list[Statement] = []
        self.inside = Inside(self, outer)
        levels = wiring.levels
        self.recorded = [
            list(chain.from_iterable(levels[i : i + found.period]))
            for i in range(found.start, found.start + found.period * found.steps, found.period)
        ]
        self._where = [
            (found.start + i, j) for i in range(found.period)
            for j in range(len(levels[found.start + i]))
        ]  # fmt: skip
        self._build(wiring, found)

    def _build(self, wiring: Wiring, found: Recurrence) -> None:
        """The groups of a step, over leaves and each other."""
        steps = [wiring.inputs(found.start + k * found.period, found.period)
                 for k in range(found.steps)]  # fmt: skip
        columns = list(zip(*steps))
        self.groups: list[Group] = []
        self.varied: dict[Any, Varied] = {}
        later: list[tuple[Leaf, int, int, int]] = []  # which group, how far back, and which row
        new: dict[Any, Any] = {}  # nodes of this step, and leaves
        varies = self.outer.varies
        number = 0
        which = {where: i for i, where in enumerate(self._where)}
        for i, group in enumerate(self.recorded[0]):
            standing = []
            for node in group.nodes:
                mapped = []
                for slot, v in enumerate(node.inputs):
                    kind, column = found.kinds[number], columns[number]
                    number += 1
                    if kind == FIXED:
                        mapped.append(v)
                    elif kind == FROM_BEFORE:
                        if v not in new:
                            at = wiring.operands.place[v]
                            level = int(wiring.level[at])
                            ago = (found.start - level + found.period - 1) // found.period
                            of = which[level + ago * found.period, int(wiring.group[at])]
                            new[v] = leaf = Leaf(getattr(v, "data", 0.0))
                            later.append((leaf, of, ago, int(wiring.row[at])))
                            if self.recorded[0][of].varies:
                                varies.add(leaf)
                        mapped.append(new[v])
                    else:
                        source = self.varied.setdefault((i, slot if len(group.shape) == 2 and
                            type(node.arguments[0]) is not tuple else 0), Varied(self))  # fmt: skip
                        key = source, tuple(map(id, column))
                        if key not in new:
                            new[key] = leaf = Leaf(getattr(v, "data", v))
                            self.inside.put(leaf, source, len(source.columns))
                            source.columns.append(column)
                            stands = [self.outer.stands(u) for u in column]
                            if any(s and s[0].has_gradient for s in stands):
                                source.has_gradient = True
                            if not varies.isdisjoint(column):
                                varies.add(leaf)
                                source.varies = True
                        mapped.append(new[key])
                standing.append(self._standing(node, mapped))
            if group.varies:
                varies.update(standing)
            more = (group.positions,) if hasattr(group, "positions") else ()
            one: Group = type(group)(self.inside, standing, *more)
            self.groups.append(one)
            self.inside.hold(one)
            new.update(zip(group.nodes, standing))
        self.span = range(max([ago for _, _, ago, _ in later]), 0)
        self.span = range(self.span.start, self.span.start + self.steps)
        self.stacks = []
        for i, one in enumerate(self.groups):
            nodes = [node for step in self.recorded for node in step[i].nodes]
            stack = Stack(self, one, nodes, _label(nodes))
            self.stacks.append(stack)
            for row, node in enumerate(nodes):
                self.outer.put(node, stack, self.span.start * len(one.nodes) + row)
        earlier: dict[tuple[int, int], Earlier] = {}
        for leaf, of, ago, row in later:
            source = earlier.setdefault((of, ago), Earlier(self.stacks[of], ago))
            self.inside.put(leaf, source, row)
        for of, ago in earlier:
            level, j = self._where[of]
            self.stacks[of].is_read_later = True
            for k in range(ago):
                before = wiring.levels[level - (k + 1) * found.period][j]
                self.stacks[of].before[self.span.start - k - 1] = before

    def _standing(self, node: Any, mapped: list[Any]) -> Rewritten:
        """The node over other inputs."""
        arguments, rest = [], list(mapped)
        for x in node.arguments:
            n = len(x) if type(x) is tuple else 1
            arguments.append(tuple(rest[:n]) if type(x) is tuple else rest[0])
            del rest[:n]
        return Rewritten(node, node.primitive, *arguments)

    def operations(self) -> list[tuple[str, Any, int, bool]]:
        """As of a group, those of a step, with the nodes of all steps."""
        parts = [part for group in self.groups for part in group.operations()]
        return [(name, primitive, n * self.steps, varies) for name, primitive, n, varies in parts]

    def operand_nodes(self) -> list[Nodes]:
        """What it is computed from: the groups before it."""
        before = [group.nodes for stack in self.stacks for group in stack.before.values()]
        return [*before, *[source.flat() for source in self.varied.values()], *self._fixed_nodes()]

    def _fixed_nodes(self) -> list[Nodes]:
        return [[v for group in self.groups for node in group.nodes for v in node.inputs]]

    def compute(self) -> None:
        """Its part of the forward pass."""
        sheet, body = self.sheet, list[Statement]()
        self.around = sheet.statements
        for source in self.varied.values():
            source.allocate()
        for stack in self.stacks:
            stack.allocate()
        with sheet.writing(body, self):
            for group, stack in zip(self.groups, self.stacks):
                self.m.running = group.primitive
                value = self.m.number(group.forward())
                group.name, group.array = stack.name, stack.step(stack.name)
                sheet.state("set", stack.name, value, index=At(0, True), shape=group.shape)
                self.m.stands_for(group.array, value)
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
        with self.sheet.writing(body, self):
            for group, stack in reversed(list(zip(self.groups, self.stacks))):
                if stack in stacks:
                    reached = stack.step(stack.reached) > 0.0 if self.tracks else None
                    group.give(list(range(len(group.nodes))), stack.step(stack.d), reached)
                group.pass_on()
        self._state("back", body)
        for stack in stacks:
            for place, before in stack.before.items():
                n = len(before.nodes)
                rows = range(place * n, place * n + n)
                d, reached = (
                    stack.rows_of(name, rows) if name else None
                    for name in (stack.d, stack.reached)
                )
                reached = None if reached is None else reached > 0.0
                self.outer.scatter(before.nodes, d, stack.varies, reached)
        for source in varied:
            source.end_gradient()
        for fixed in self.inside.fixed.values():
            fixed.end_gradient()

    def _state(self, kind: str, body: list[Statement]) -> None:
        if not body:  # conditions have no gradient
            return
        self.sheet.state(kind, "", None, body=body, steps=self.span, loop=self)


def _label(nodes: list[Any]) -> str:
    """What all steps' nodes are called, without the numbers at the end."""
    names = defaultdict(int)
    for node in nodes:
        names[node.label.partition("[")[0].rstrip("0123456789")] += 1
    return next(iter(names)) if len(names) == 1 and "" not in names else "v"


def _has_label(v: Any) -> bool:
    return bool(getattr(v, "label", ""))
