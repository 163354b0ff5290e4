"""Rows of the table of primitives as text for LLVM: what the tape machine does at a node.

Each row is run on expressions, as in `javascript`, and these are printed. One function gives the
value, others hand the gradient on, times the partial derivatives. Vectors of any length are a
single expression, as for arrays; here a sum or a maximum over one is a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .. import primitives as p
from .expressions import Arithmetic, Expr, LackError
from .llvm import Lines, number
from .nests import Numbers

ANY_LENGTH = {p.SUM: 1, p.DOT: 2, p.LOGSUMEXP: 1, p.MAX: 1}  # and how many vectors they take
OF_TWO = {p.ADD, p.SUB, p.MUL, p.DIV, p.POW}
# What puts the entries of a vector together, and what it begins with.
REDUCED = {"sum": ("add", 0.0), "max": ("maximum", float("-inf"))}
LONGEST = 2000  # lines of a row


class Row(NamedTuple):
    """A row of the table, or a user's own, and what it takes.

    Attributes:
        primitive: its name there.
        numbers: how many single numbers; 0 if it takes vectors of any length.
        vectors: how many vectors; 1 where the numbers are the entries of one.
    """

    primitive: p.Primitive
    numbers: int
    vectors: int

    @property
    def parts(self) -> int:
        """How many arguments there are of which each may need a share of the gradient or not."""
        return self.vectors or self.numbers


def row_of(primitive: p.Primitive, arguments: Sequence[Any]) -> Row:
    """The row for a node of a graph."""
    if primitive in ANY_LENGTH:
        return Row(primitive, 0, len(arguments))
    if type(arguments[0]) is tuple:
        return Row(primitive, len(arguments[0]), 1)
    return Row(primitive, len(arguments), 0)


def _row(primitive: p.Primitive) -> Row:
    if primitive in ANY_LENGTH:
        return Row(primitive, 0, ANY_LENGTH[primitive])
    return (
        Row(primitive, 3, 1)
        if primitive is p.WHERE
        else Row(primitive, 2 if primitive in OF_TWO else 1, 0)
    )


TABLE = tuple(map(_row, p.TABLE))


class Case(NamedTuple):
    """A row as text.

    Attributes:
        text: functions, whose names have ROW in place of the row's number. ``@value.ROW`` gives the
            value; ``@shares.ROW.1`` hands the gradient on to the first argument, ``@shares.ROW.2``
            to the second, ``@shares.ROW.3`` to both.
        parts: as of the `Row`.
        functions: what else is called, as in `Lines`.
    """

    text: str
    parts: int
    functions: frozenset[str]


# Where the numbers of all nodes are, and where among them a node's arguments stand: at a and b. Or,
# of vectors: n places, listed from a on; of a second one from b on.
GIVEN = "ptr %values, ptr %places, i64 %a, i64 %b, i64 %n"


def case(row: Row) -> Case:
    """A row, printed.

    Raises:
        LackError: a user's formula does not take expressions, uses a function that machine code
            lacks, or is too long.
    """
    try:
        printer = _Printer(row)
        texts = [printer.value(), *map(printer.shares, range(1, 2**row.parts))]
    except Exception as error:
        raise LackError(row.primitive.symbol) from error
    text = "\n".join(texts)
    if text.count("\n") > LONGEST:
        raise LackError(row.primitive.symbol)
    return Case(text, row.parts, frozenset(printer.functions))


def formulas_of(order: Iterable[Any]) -> list[Case | None]:
    """Those of users' own primitives among some nodes, as they are now: what they read may change.

    None for one that is not for machine code.
    """
    found: dict[Any, Case | None] = {}
    for node in order:
        if node.primitive is not None and node.primitive.function is not None:
            row = row_of(node.primitive, node.arguments)
            if row not in found:
                try:
                    found[row] = case(row)
                except LackError:
                    found[row] = None
    return list(found.values())


class _Printer:
    """Prints the functions of a row.

    Attributes:
        functions: what they call.
    """

    def __init__(self, row: Row) -> None:
        self.row, self.functions = row, set[str]()
        m: Arithmetic = Numbers() if row.numbers else Arithmetic()
        m.running, m.compares = row.primitive, row.primitive.function is None
        shape, of_z = ((), ()) if row.numbers else (("n", 1), (1, 1))
        x = tuple([m.name(f"x{i}", shape) for i in range(row.numbers or row.vectors)])
        if not row.vectors:
            arguments: Any = x
        else:
            arguments = (x,) if row.numbers else tuple([(vector,) for vector in x])
        value, partials = row.primitive.on(m)
        self.z: Any = m.number(value(*arguments))
        ds = partials(m.name("z", of_z), *arguments)
        self.partials = [m.number(d) for d in (ds if not row.vectors else sum(ds, ()))]
        self.leaves = x

    def value(self) -> str:
        """The function that computes the value."""
        body = _Body(self.row, self.leaves)
        body.compute([self.z])
        body.lines.line(f"ret double {body.number(self.z)}")
        return self._function(f"double @value.ROW({GIVEN})", body)

    def shares(self, wanted: int) -> str:
        """The function that hands the gradient ``d`` on to the arguments that are ``wanted``."""
        body, row = _Body(self.row, self.leaves), self.row
        used = [
            (i, d)
            for i, d in enumerate(self.partials)
            if wanted >> (0 if row.numbers and row.vectors else i) & 1
            and not (row.primitive.chooses and _is_zero(d))  # there is never a share
        ]
        body.compute([d for _, d in used])

        def each(at: str = "") -> None:
            numbers = body.entries(at) if at else body.number
            for (i, _), d in zip(used, [numbers(d) for _, d in used]):
                body.share(body.place(i, at), d, row.primitive.chooses)

        if row.numbers:
            each()
        else:
            body.loop(each)
        body.lines.line("ret void")
        head = f"void @shares.ROW.{wanted}({GIVEN}, ptr %gradients, double %z, double %d)"
        return self._function(head, body)

    def _function(self, head: str, body: _Body) -> str:
        self.functions |= body.lines.functions
        lines = "\n".join([*body.rooms, *body.lines.lines])
        return f"define internal {head} alwaysinline nounwind {{\n{lines}\n}}"


class _Body:
    """The lines of a row's function.

    Attributes:
        rooms: lines that make room for numbers that change from turn to turn of a loop.
    """

    def __init__(self, row: Row, leaves: tuple[Expr, ...]) -> None:
        self._row, self._leaves = row, leaves
        self.lines, self.rooms = Lines(), list[str]()
        self._loops = 0
        self._known: dict[Any, str] = {}

    def place(self, i: int, at: str = "") -> str:
        """Where argument ``i`` stands, or entry ``i`` of a vector, or entry ``at`` of vector i."""
        if not self._row.vectors:
            return "%a" if i == 0 else "%b"
        start, entry = ("%b" if i else "%a", at) if at else ("%a", str(i))
        index = self.lines.new(f"add i64 {start}, {entry}")
        return self.lines.new(f"sext i32 {self._load('i32', '%places', index)} to i64")

    def number(self, x: Any) -> str:
        """What was computed; or a plain number."""
        return self.lines.value(x, self._leaf, self._known)

    def compute(self, roots: Iterable[Any]) -> None:
        """Computes what expressions need outside of loops."""
        for x in _all(roots):
            if x.op in REDUCED:
                self._known[x] = self._reduced(x)
            elif x.shape[:1] != ("n",):
                self.number(x)

    def entries(self, at: str) -> Callable[[Any], str]:
        """Computes the entries of vectors, of which all have the number ``at``."""
        known = dict(self._known)
        return lambda x: self.lines.value(x, lambda x: self._leaf(x, at), known)

    def loop(self, each: Callable[[str], None]) -> None:
        """Lines for each entry of a vector; they are given its number."""
        lines, room = self.lines, self._room("i64", "0")
        self._loops += 1
        label = f"loop{self._loops}"
        lines.line(f"br label %{label}")
        lines.lines.append(f"{label}:")
        at = lines.new(f"load i64, ptr {room}")
        each(at)
        following = lines.new(f"add i64 {at}, 1")
        lines.line(f"store i64 {following}, ptr {room}")
        more = lines.new(f"icmp slt i64 {following}, %n")
        lines.line(f"br i1 {more}, label %{label}, label %{label}.end")
        lines.lines.append(f"{label}.end:")

    def share(self, place: str, partial: str, chooses: bool) -> None:
        """Adds d times a partial derivative to the gradient at a place.

        The share may be -0.0, but 0.0 is added: a gradient of -0.0 says that none has come.
        """
        new = self.lines.new
        address = new(f"getelementptr double, ptr %gradients, i64 {place}")
        before = new(f"load double, ptr {address}")
        share = new(f"fadd double {new(f'fmul double %d, {partial}')}, {number(0.0)}")
        after = new(f"fadd double {before}, {share}")
        if chooses:
            is_taken = new(f"fcmp une double {partial}, {number(0.0)}")
            after = new(f"select i1 {is_taken}, double {after}, double {before}")
        self.lines.line(f"store double {after}, ptr {address}")

    def _leaf(self, x: Expr, at: str = "") -> str | None:
        if x.op != "name":
            return None
        if x.info == "z":
            return "%z"
        return self._load("double", "%values", self.place(self._leaves.index(x), at))

    def _load(self, kind: str, array: str, at: str) -> str:
        address = self.lines.new(f"getelementptr {kind}, ptr {array}, i64 {at}")
        return self.lines.new(f"load {kind}, ptr {address}")

    def _reduced(self, x: Expr) -> str:
        """A sum or maximum over a vector."""
        operation, first = REDUCED[x.op]
        room = self._room("double", number(first))

        def each(at: str) -> None:
            entry = self.entries(at)(x.args[0])
            before = self.lines.new(f"load double, ptr {room}")
            after = self.lines.operation(operation, before, entry)
            self.lines.line(f"store double {after}, ptr {room}")

        self.loop(each)
        return self.lines.new(f"load double, ptr {room}")

    def _room(self, kind: str, first: str) -> str:
        name = f"%room{len(self.rooms)}"
        self.rooms.append(f"  {name} = alloca {kind}")
        self.lines.line(f"store {kind} {first}, ptr {name}")
        return name


def _is_zero(x: Any) -> bool:
    return not isinstance(x, Expr) and x == 0.0


def _all(roots: Iterable[Any]) -> list[Expr]:
    """All expressions that they need, each after its arguments."""
    found: set[Expr] = set()
    stack = list(roots)
    while stack:
        x = stack.pop()
        if isinstance(x, Expr) and x not in found:
            found.add(x)
            stack += x.args
    return sorted(found, key=lambda x: x.serial)
