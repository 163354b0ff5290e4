"""What a loop reads and writes: the arrays of all its steps, stacked.

A step of a loop takes rows of its own arrays, of those of the steps before (`Earlier`), of arrays
from outside of the loop (`Fixed`), and nodes that are others at each step (`Varied`). From outside,
the arrays of a group at all steps are one source, a `Stack`. Beside a stack stand that of its
gradients, and, where it matters which steps a gradient has reached, one that counts the shares.
"""

from collections.abc import Sequence
from typing import Any

from .expressions import ALL, Expr, Index, Shape
from .groups import Group
from .listing import At, Statement
from .names import common_label
from .operands import Operands, Source
from .sheet import Sheet


class AllSteps(Source):
    """Arrays of all steps, in one of three dimensions, the first of them the step.

    Attributes:
        label: what it is to be called.
        array: that of the numbers, once there is one.
        d, reached: those of gradients and of shares, likewise; None where they do not matter.
    """

    array: Expr
    d: Expr | None = None
    reached: Expr | None = None

    def __init__(self, loop: "Span", label: str, nodes: list[Any], varies: bool) -> None:
        super().__init__(loop.sheet, nodes, varies)
        self.loop, self.m, self.label = loop, loop.sheet.m, label

    def allocate(self, outer: Operands) -> None:
        """Statements that make room for the numbers, and put in those from outside."""
        raise NotImplementedError

    def end_gradient(self, outer: Operands) -> None:
        """Hand the gradients on to what is outside of the loop."""
        raise NotImplementedError

    def begin_gradient(self) -> None:
        """Statements that make room for the gradient."""
        name, shape = self.array.info, self.array.shape
        self.d = self.sheet.zeros(f"d_{name}", shape)
        if self.loop.tracks:
            self.reached = self.sheet.zeros(f"reached_{name}", shape)

    def add(self, d: Any, reached: Expr | None, at: At) -> None:
        """Add to the gradients of some rows of a step."""
        _add(self.sheet, self.d, self.reached, d, reached, at)

    def rows_at(self, back: int, rows: list[int]) -> Any:
        """In the loop, some rows of the array of so many steps before, or all."""
        array, index = self.m.earlier(self.array, back), self.within(rows)
        return array if index == ALL else self.m.rows(array, index)

    def now(self) -> tuple[Any, Any]:
        """In the loop, the gradient of this step, and the condition that a share has reached it."""
        d, reached = (
            None if array is None else self.m.earlier(array, 0) for array in (self.d, self.reached)
        )
        return d, _is_some(reached)

    def within(self, rows: list[int]) -> Index:
        """Rows of the array of one step, as an index."""
        return ALL if rows == list(range(int(self.array.shape[1]))) else self.sheet.index(rows)

    def flat(self, array: Expr) -> Any:
        """The arrays of all steps, one below the other."""
        steps, rows, columns = array.shape
        return self.m.reshape(array, (int(steps) * int(rows), columns))


class Stack(AllSteps):
    """The arrays of one group of a step, at all steps; seen from outside of the loop.

    Before those of the steps stand those that the first steps read, of groups ``before`` the loop.
    """

    def __init__(self, loop: "Span", group: Group, label: str, nodes: list[Any]) -> None:
        super().__init__(loop, label, nodes, group.varies)
        self.group, self.computed_by = group, loop
        self.before: dict[int, Group] = {}  # by their place in the stack
        self.is_read_later = False  # by the next steps
        self.given: list[tuple[list[int], Any, Expr | None]] = []

    def allocate(self, outer: Operands) -> None:
        """Room for the steps' arrays, and before them those of the groups before the loop."""
        sheet, shape = self.sheet, self.group.shape
        room: Shape = (self.loop.span.stop, *shape)
        name = sheet.names.new(self.label)
        sheet.state("let", name, self.m.empty(room), shape=room)
        self.array = self.m.name(name, room)
        for place, group in self.before.items():
            array = outer.gather(group.nodes)
            sheet.state("set", name, array, index=At(place, inside=False), shape=shape)

    def take(self, rows: list[int]) -> Expr:
        """Some rows of the arrays of all steps."""
        return self.rows_of(self.array, rows)  # type: ignore[no-any-return]

    def rows_of(self, array: Expr, rows: Sequence[int]) -> Any:
        """Outside of the loop, some rows of the arrays of this stack, or of one beside it."""
        n = int(array.shape[1])
        step = rows[0] // n
        if any(row // n != step for row in rows):
            return self.m.rows(self.flat(array), self.sheet.index(rows))
        entry = self.m.make("entry", array, info=step, shape=array.shape[1:])
        index = self.within([row % n for row in rows])
        return entry if index == ALL else self.m.rows(entry, index)

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Their gradient; it is written when the loop's is."""
        self.given.append((rows, d, reached))

    def begin_gradient(self) -> None:
        """Statements that make room for the gradient, and put in what comes after the loop."""
        super().begin_gradient()
        n = int(self.array.shape[1])
        for rows, d, reached in self.given:
            step = rows[0] // n
            if all(row // n == step for row in rows):
                index = self.within([row % n for row in rows])
                self.add(d, reached, At(step, inside=False, rows=index))
                continue
            value = 1.0 if reached is None else reached
            for array, share in ((self.d, d), (self.reached, value)):
                if array is not None:
                    view = self.flat(array)
                    if view.op != "name":  # else it has a name already
                        view = self.sheet.let(f"{array.info}_rows", view, view.shape)
                    self.sheet.state("add", str(view.info), share, index=self.sheet.index(rows))

    def end_gradient(self, outer: Operands) -> None:
        """Hand the gradients on to what comes before the loop."""
        for place, group in self.before.items():
            n = len(group.nodes)
            rows = range(place * n, place * n + n)
            d, reached = (
                None if array is None else self.rows_of(array, rows)
                for array in (self.d, self.reached)
            )
            outer.scatter(group.nodes, d, self.varies, _is_some(reached))


class Earlier(Source):
    """In the loop, the array of a group at a step before."""

    def __init__(self, stack: Stack, back: int) -> None:
        super().__init__(stack.sheet, stack.group.nodes, stack.varies)
        self.stack, self.back = stack, back

    def take(self, rows: list[int]) -> Expr:
        """Some rows of it, or all."""
        return self.stack.rows_at(self.back, rows)  # type: ignore[no-any-return]

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Add to the gradient of that step, which is computed later."""
        self.stack.add(d, reached, At(self.back, inside=True, rows=self.stack.within(rows)))


class Varied(AllSteps):
    """In the loop, what are other nodes at each step: for each row a column of nodes."""

    def __init__(self, loop: "Span") -> None:
        super().__init__(loop, "v", [], varies=False)
        self.columns: list[Sequence[Any]] = []
        self.has_gradient = False

    def every(self) -> list[Any]:
        """The nodes of all steps, one step's after another's."""
        return [column[k] for k in range(len(self.loop.span)) for column in self.columns]

    def allocate(self, outer: Operands) -> None:
        """A statement that puts the arrays of all steps together."""
        nodes = self.every()
        array = outer.gather(nodes)
        columns = array.shape[1] if isinstance(array, Expr) else 1
        shape = (len(self.loop.span), len(self.columns), columns)
        array = self.m.reshape(self.m.full(array, (len(nodes), columns)), shape)
        if array.op != "name":  # else another input varies in the same way
            label = common_label(nodes) if all(getattr(v, "label", "") for v in nodes) else ""
            array = self.sheet.let(label or self.label, array, shape)
        self.array = array

    def take(self, rows: list[int]) -> Expr:
        """Some rows of this step's array, or all."""
        return self.rows_at(self.loop.span.start, rows)  # type: ignore[no-any-return]

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Add to this step's gradient."""
        self.add(d, reached, At(self.loop.span.start, inside=True, rows=self.within(rows)))

    def end_gradient(self, outer: Operands) -> None:
        """Hand the gradients of all steps on."""
        d, reached = (
            None if array is None else self.flat(array) for array in (self.d, self.reached)
        )
        outer.scatter(self.every(), d, self.array.shape[2] == "b", _is_some(reached))


class Fixed(Source):
    """In the loop, an array from outside of it."""

    def __init__(self, loop: "Span", outer: Source) -> None:
        super().__init__(loop.sheet, outer.nodes, outer.varies)
        self.loop, self.outer, self.has_gradient = loop, outer, outer.has_gradient
        # By rows: the rows, the total of their shares over all steps, and how many have come.
        self.totals: dict[str, tuple[Any, Expr, Expr | None]] = {}

    def take(self, rows: Any) -> Expr:
        """As from outside: what has to be computed is computed before the loop."""
        with self.sheet.writing(self.loop.around, None):
            return self.outer.take(rows)

    def give(self, rows: Any, d: Any, reached: Expr | None = None) -> None:
        """Add to the total."""
        key = str(rows)
        if key not in self.totals:
            shape = (len(rows), "b" if self.varies else 1) if type(rows) is list else rows.shape
            with self.sheet.writing(self.loop.around, None):
                total = self.sheet.zeros("total", shape)
                counted = self.sheet.zeros("reached", shape) if self.loop.tracks else None
            self.totals[key] = rows, total, counted
        _, total, counted = self.totals[key]
        _add(self.sheet, total, counted, d, reached)

    def end_gradient(self) -> None:
        """Hand the totals on."""
        for rows, total, counted in self.totals.values():
            self.outer.give(rows, total, _is_some(counted))


class Span:
    """What the arrays of a loop have to know of it.

    Attributes:
        span: what t runs through. Before it are the steps that the first ones read.
        tracks: whether it matters which steps a gradient has reached.
        around: the statements outside of the loop.
        key: what stands for the loop in the program, which must not keep the graph.
    """

    def __init__(self, outer: Operands) -> None:
        self.outer, self.sheet = outer, outer.sheet
        self.span, self.tracks = range(0), False
        self.around: list[Statement] = []
        self.key = object()


class Inside(Operands):
    """The operands of a step: its own, and those from outside as `Fixed`."""

    def __init__(self, loop: Span) -> None:
        self.__dict__.update(loop.outer.__dict__)
        self.loop, self.own = loop, set[Source]()
        self.fixed: dict[Source, Fixed] = {}
        self._neurons = {}
        self.parameters: Any = self._fixed(loop.outer.parameters)

    def put(self, node: Any, source: Source, row: int) -> None:
        """As everywhere; what is put here is the step's own."""
        self.own.add(source)
        super().put(node, source, row)

    def stands(self, node: Any) -> tuple[Source, int] | None:
        """As everywhere; what is not the step's own is fixed."""
        found = super().stands(node)
        if found is None or found[0] in self.own:
            return found
        return self._fixed(found[0]), found[1]

    def _fixed(self, source: Source) -> Fixed:
        if source not in self.fixed:
            self.fixed[source] = Fixed(self.loop, source)
        return self.fixed[source]


def _add(
    sheet: Sheet,
    array: Expr | None,
    counted: Expr | None,
    d: Any,
    reached: Expr | None,
    index: At | None = None,
) -> None:
    """Add a share to a gradient; and to the count of shares, if there is one."""
    for target, share in ((array, d), (counted, 1.0 if reached is None else reached)):
        if target is not None:
            sheet.state("add", str(target.info), share, index=index)


def _is_some(counted: Expr | None) -> Any:
    """The condition that some share has come, where they are counted; else None, for always."""
    return None if counted is None else counted > 0.0
