"""The tape machine: one function in machine code that runs the tape of any graph.

A tape says of each node which row of the table of primitives computes it, and which numbers it is
computed from. So the machine is a loop over the nodes, with a case for each row: in order they
compute their values; in reverse they hand on their gradients, times the partial derivatives. The
cases are printed from the table: each row is run on expressions, as in `javascript`, and these are
printed for LLVM. Of vectors of any length (`ANY_LENGTH`) a sum or a maximum is a loop.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .. import primitives as p
from .expressions import Arithmetic, Expr
from .llvm import LackError, Lines, number, with_functions

ANY_LENGTH = {p.SUM: 1, p.DOT: 2, p.LOGSUMEXP: 1, p.MAX: 1}  # and how many vectors they take
TWO_NUMBERS = {p.ADD, p.SUB, p.MUL, p.DIV, p.POW}
# Before a share has reached a node, its gradient is -0.0. No sum of shares is: to each, 0.0 is
# added.
NOTHING = -0.0
SUMS = {"sum": "add", "max": "maximum"}  # what puts the entries of a vector together
FIRST = {"sum": 0.0, "max": float("-inf")}


class Row(NamedTuple):
    """A row of the table, and what it takes.

    Attributes:
        primitive: of the table, or a user's own.
        numbers: how many single numbers; for ``ANY_LENGTH`` 0.
        vectors: how many vectors; or 1 where the numbers are the entries of one.
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


TABLE = [
    Row(primitive, 0, ANY_LENGTH[primitive])
    if primitive in ANY_LENGTH
    else Row(primitive, 3, 1)
    if primitive is p.WHERE
    else Row(primitive, 2 if primitive in TWO_NUMBERS else 1, 0)
    for primitive in p.TABLE
]


class Case(NamedTuple):
    """A row as text for LLVM: functions whose names have ``ROW`` in place of the row's number.

    Attributes:
        text: ``@value.ROW`` gives the value; ``@shares.ROW.3`` hands on the gradient to the first
            and the second argument, ``.1`` and ``.2`` to one of them.
        parts: as of a `Row`.
        functions: what it calls.
    """

    text: str
    parts: int
    functions: frozenset[str]


class _Numbers(Arithmetic):
    """The arithmetic of single numbers; a vector is a tuple of them."""

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        return functools.reduce(operator.add, x)

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        return functools.reduce(self.maximum, x)


# What the functions are given: the numbers of all nodes, and where among them a node's arguments
# stand: at a and b; or for vectors n places, from a on (of a second one, from b on) in a list.
GIVEN = "ptr %v, ptr %places, i64 %a, i64 %b, i64 %n"
PASSED = "ptr %v, ptr %places, i64 %a, i64 %b, i64 %n"


def case(row: Row) -> Case:
    """A row, printed.

    Raises:
        LackError: it uses a function that machine code lacks.
        Exception: whatever a user's formula raises where it does not take expressions.
    """
    functions: set[str] = set()
    printed = _Printer(row)
    texts = [printed.value(functions)]
    texts += [printed.shares(wanted, functions) for wanted in range(1, 2**row.parts)]
    return Case("\n".join(texts), row.parts, frozenset(functions))


class _Printer:
    """Prints the functions of a row."""

    def __init__(self, row: Row) -> None:
        self.row = row
        m: Any = _Numbers() if row.numbers else Arithmetic()
        m.running, m.compares = row.primitive, row.primitive.function is None
        shape = () if row.numbers else ("n", 1)
        self.leaves = tuple([m.name(f"x{i}", shape) for i in range(row.numbers or row.vectors)])
        self.of_numbers = row.numbers > 0 and row.vectors == 0
        arguments: Any = self.leaves
        if not self.of_numbers:
            arguments = (self.leaves,) if row.numbers else [(x,) for x in self.leaves]
        value, partials = row.primitive.on(m)
        with_z = m.name("z", () if row.numbers else (1, 1))
        self.z = m.number(value(*arguments))
        found = partials(with_z, *arguments)
        flat = found if self.of_numbers else [d for ds in found for d in ds]
        self.partials = [m.number(d) for d in flat]

    def value(self, functions: set[str]) -> str:
        """The function that computes the value."""
        body = _Body(self.row, self.leaves)
        z = body.computed([self.z])(self.z)
        body.lines.line(f"ret double {z}")
        functions |= body.lines.functions
        return body.function(f"double @value.ROW({GIVEN})")

    def shares(self, wanted: int, functions: set[str]) -> str:
        """The function that hands on the gradient ``d`` to the arguments that are ``wanted``."""
        body, row = _Body(self.row, self.leaves), self.row
        used = [
            (i, d)
            for i, d in enumerate(self.partials)
            # A constant partial derivative of 0 of one that chooses: there is never a share.
            if not (row.primitive.chooses and d == 0.0 and not isinstance(d, Expr))
            and (wanted >> (0 if row.numbers and row.vectors else i)) & 1
        ]
        of = body.computed([d for _, d in used])
        if row.numbers:
            # All are computed before one is handed on: gradients and numbers are kept apart, and
            # LLVM can't know.
            for (i, _), d in zip(used, [of(d) for _, d in used]):
                body.share(body.place(i), d, row.primitive.chooses)
        elif used:

            def each(i: str) -> None:
                entry = body.entries(i)
                for j, d in used:
                    body.share(body.place(j, i), entry(d), row.primitive.chooses)

            body.loop(each)
        body.lines.line("ret void")
        functions |= body.lines.functions
        return body.function(f"void @shares.ROW.{wanted}({GIVEN}, ptr %g, double %z, double %d)")


class _Body:
    """The lines of a row's function."""

    def __init__(self, row: Row, leaves: tuple[Expr, ...]) -> None:
        self.row, self.leaves = row, leaves
        self.lines = Lines()
        self.rooms: list[str] = []  # for what changes from turn to turn of a loop
        self.labels = 0
        self.known: dict[Any, str] = {}

    def function(self, head: str) -> str:
        """All of it."""
        return "\n".join([f"define internal {head} alwaysinline nounwind {{", *self.rooms, *self.lines.lines, "}"])

    def place(self, i: int, at: str = "") -> str:
        """Where a number stands: argument ``i``, or entry ``at`` of vector ``i``."""
        new = self.lines.new
        if not self.row.vectors:
            return "%ab"[0] + "ab"[i]
        start = "ab"[i] if at else "a"
        index = new(f"add i64 %{start}, {at or i}")
        found = new(f"load i32, ptr {new(f'getelementptr i32, ptr %places, i64 {index}')}")
        return new(f"sext i32 {found} to i64")

    def leaf(self, x: Expr, at: str = "") -> str | None:
        """A number that is given."""
        if x.op != "name":
            return None
        if x.info == "z":
            return "%z"
        place = self.place(self.leaves.index(x), at)
        address = self.lines.new(f"getelementptr double, ptr %v, i64 {place}")
        return self.lines.new(f"load double, ptr {address}")

    def computed(self, roots: list[Any]) -> Callable[[Any], str]:
        """Computes what expressions need outside of loops, and gives their values there."""
        for x in _all(roots):
            if x.op in SUMS:
                self.known[x] = self.total(x)
            elif not _is_vector(x):
                self.lines.value(x, self.leaf, self.known)
        return lambda x: self.lines.value(x, self.leaf, self.known)

    def entries(self, i: str) -> Callable[[Any], str]:
        """Gives the values of vectors' entries ``i``."""
        known = dict(self.known)
        return lambda x: self.lines.value(x, lambda x: self.leaf(x, i), known)

    def total(self, x: Expr) -> str:
        """A sum or maximum over a vector."""
        room = self.room("double", number(FIRST[x.op]))

        def each(i: str) -> None:
            entry = self.entries(i)(x.args[0])
            before = self.lines.new(f"load double, ptr {room}")
            after = self.lines.operation(SUMS[x.op], before, entry)
            self.lines.line(f"store double {after}, ptr {room}")

        self.loop(each)
        return self.lines.new(f"load double, ptr {room}")

    def room(self, kind: str, first: str) -> str:
        """A place for a number that changes."""
        name = f"%room{len(self.rooms)}"
        self.rooms.append(f"  {name} = alloca {kind}")
        self.lines.line(f"store {kind} {first}, ptr {name}")
        return name

    def loop(self, each: Callable[[str], None]) -> None:
        """Lines for each entry of a vector, whose number they are given."""
        lines, room = self.lines, self.room("i64", "0")
        self.labels += 1
        label = f"loop{self.labels}"
        lines.line(f"br label %{label}")
        lines.lines.append(f"{label}:")
        i = lines.new(f"load i64, ptr {room}")
        each(i)
        following = lines.new(f"add i64 {i}, 1")
        lines.line(f"store i64 {following}, ptr {room}")
        more = lines.new(f"icmp slt i64 {following}, %n")
        lines.line(f"br i1 {more}, label %{label}, label %{label}.end")
        lines.lines.append(f"{label}.end:")

    def share(self, place: str, partial: str, chooses: bool) -> None:
        """Adds d times a partial derivative to a gradient."""
        new = self.lines.new
        address = new(f"getelementptr double, ptr %g, i64 {place}")
        before = new(f"load double, ptr {address}")
        share = new(f"fadd double {new(f'fmul double %d, {partial}')}, {number(0.0)}")
        after = new(f"fadd double {before}, {share}")
        if chooses:
            is_one = new(f"fcmp une double {partial}, {number(0.0)}")
            after = new(f"select i1 {is_one}, double {after}, double {before}")
        self.lines.line(f"store double {after}, ptr {address}")


def _all(roots: list[Any]) -> list[Expr]:
    """All expressions that they need, each after its arguments."""
    found: set[Expr] = set()
    stack = [x for x in roots if isinstance(x, Expr)]
    while stack:
        x = stack.pop()
        if x not in found:
            found.add(x)
            stack += [a for a in x.args if isinstance(a, Expr)]
    return sorted(found, key=lambda x: x.serial)


def _is_vector(x: Expr) -> bool:
    return x.shape[:1] == ("n",)


# What the machine is given besides the batch, one after another, 8 bytes each.
HEAD = (
    "code", "places", "values", "gradients", "roots",  # addresses
    "nodes", "outputs", "inputs", "first_node",  # numbers
)  # fmt: skip
CODE = 4  # whole numbers of each node: its case, a, b and n

MACHINE = """
define i64 @tape(ptr %head, ptr %batch, ptr %results, i64 %rows, i64 %wanted) {{
{head}
  %back = icmp ne i64 %wanted, 0
  %input_bytes = shl i64 %inputs, 3
  %leaf_bytes = shl i64 %first_node, 3
  call void @llvm.memset.p0.i64(ptr %gradients, i8 0, i64 %leaf_bytes, i1 false)
  br label %example

example:
  %row = phi i64 [ 0, %0 ], [ %next_row, %end_example ]
  %more_rows = icmp slt i64 %row, %rows
  br i1 %more_rows, label %begin, label %end
begin:
  %skipped = mul i64 %row, %inputs
  %input_row = getelementptr double, ptr %batch, i64 %skipped
  call void @llvm.memcpy.p0.p0.i64(ptr %values, ptr %input_row, i64 %input_bytes, i1 false)
  br label %forward

forward:
  %i = phi i64 [ 0, %begin ], [ %next_i, %computed ]
  %more = icmp slt i64 %i, %nodes
  br i1 %more, label %compute, label %results_in
compute:
  %f_at = shl i64 %i, 2
  %f_code = getelementptr i32, ptr %code, i64 %f_at
{f_read}
  switch i32 %f_case, label %impossible [ {values} ]
{value_cases}
computed:
  %result = phi double {value_results}
  %at = add i64 %first_node, %i
  %value_at = getelementptr double, ptr %values, i64 %at
  store double %result, ptr %value_at
  %gradient_at = getelementptr double, ptr %gradients, i64 %at
  store double {nothing}, ptr %gradient_at
  %next_i = add i64 %i, 1
  br label %forward

results_in:
  %k = phi i64 [ 0, %forward ], [ %next_k, %result_in ]
  %more_results = icmp slt i64 %k, %outputs
  br i1 %more_results, label %result_in, label %swept
result_in:
  %root_at = getelementptr i32, ptr %roots, i64 %k
  %root_32 = load i32, ptr %root_at
  %root = sext i32 %root_32 to i64
  %found_at = getelementptr double, ptr %values, i64 %root
  %found = load double, ptr %found_at
  %results_before = mul i64 %row, %outputs
  %result_number = add i64 %results_before, %k
  %result_at = getelementptr double, ptr %results, i64 %result_number
  store double %found, ptr %result_at
  %seed_at = getelementptr double, ptr %gradients, i64 %root
  %unseeded = load double, ptr %seed_at
  %one = fadd double %unseeded, {one}
  %seeded = select i1 %back, double %one, double %unseeded
  store double %seeded, ptr %seed_at
  %next_k = add i64 %k, 1
  br label %results_in

swept:
  br i1 %back, label %backward, label %end_example
backward:
  %after_j = phi i64 [ %nodes, %swept ], [ %j, %handed_on ]
  %is_left = icmp sgt i64 %after_j, 0
  br i1 %is_left, label %sweep, label %end_example
sweep:
  %j = sub i64 %after_j, 1
  %b_number = add i64 %first_node, %j
  %d_at = getelementptr double, ptr %gradients, i64 %b_number
  %d = load double, ptr %d_at
  %bits = bitcast double %d to i64
  %unreached = icmp eq i64 %bits, -9223372036854775808
  br i1 %unreached, label %handed_on, label %hand_on
hand_on:
  %z_at = getelementptr double, ptr %values, i64 %b_number
  %z = load double, ptr %z_at
  %b_skipped = shl i64 %j, 2
  %b_code = getelementptr i32, ptr %code, i64 %b_skipped
{b_read}
  switch i32 %b_case, label %handed_on [ {shares} ]
{share_cases}
handed_on:
  br label %backward

end_example:
  %next_row = add i64 %row, 1
  br label %example
impossible:
  unreachable
end:
  ret i64 0
}}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def machine(cases: Sequence[Case]) -> str:
    """The text of the machine; the cases of row i are 4 i, and 1 to 3 more for what is wanted."""
    head = []
    for i, name in enumerate(HEAD):
        head.append(f"  %{name}_in = getelementptr i64, ptr %head, i64 {i}")
        head.append(f"  %{name} = load {'ptr' if i < 5 else 'i64'}, ptr %{name}_in")
    values, value_cases, results, shares, share_cases = [], [], [], [], []
    functions: set[str] = set()
    texts = []
    for i, each in enumerate(cases):
        functions |= each.functions
        texts.append(each.text.replace("ROW", str(i)))
        values += [f"i32 {4 * i + wanted}, label %value{i}" for wanted in range(4)]
        passed = "ptr %values, ptr %places, i64 %f_a, i64 %f_b, i64 %f_n"
        value_cases.append(
            f"value{i}:\n  %result{i} = call double @value.{i}({passed})\n  br label %computed"
        )
        results.append(f"[ %result{i}, %value{i} ]")
        for wanted in range(1, 2**each.parts):
            shares.append(f"i32 {4 * i + wanted}, label %shares{i}.{wanted}")
            passed = "ptr %values, ptr %places, i64 %b_a, i64 %b_b, i64 %b_n"
            share_cases.append(
                f"shares{i}.{wanted}:\n  call void @shares.{i}.{wanted}({passed}, ptr %gradients, "
                "double %z, double %d)\n  br label %handed_on"
            )
    text = MACHINE.format(
        head="\n".join(head),
        f_read=_read("f"),
        b_read=_read("b"),
        values=" ".join(values),
        value_cases="\n".join(value_cases),
        value_results=", ".join(results),
        shares=" ".join(shares),
        share_cases="\n".join(share_cases),
        nothing=number(NOTHING),
        one=number(1.0),
    )
    return with_functions("\n".join([*texts, text]), functions, inline=False)


def _read(which: str) -> str:
    """Lines that read what a tape says of a node."""
    lines = [f"  %{which}_case = load i32, ptr %{which}_code"]
    for i, name in enumerate(("a", "b", "n"), 1):
        lines += [
            f"  %{which}_{name}_at = getelementptr i32, ptr %{which}_code, i64 {i}",
            f"  %{which}_{name}_32 = load i32, ptr %{which}_{name}_at",
            f"  %{which}_{name} = sext i32 %{which}_{name}_32 to i64",
        ]
    return "\n".join(lines)


__all__ = ["CODE", "HEAD", "TABLE", "Case", "LackError", "Row", "case", "machine", "row_of"]
