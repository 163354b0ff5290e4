"""Loop nests as machine code: printed as LLVM's text, compiled, and called.

Products are computed in tiles: some rows and columns of the result at a time, kept in registers
while the sum runs. Loops whose bodies can be run in any order say so, and LLVM makes vectors of
them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .expressions import Expr, LackError
from .listing import Listing
from .llvm import Code, Lines, number, with_functions
from .nests import GRADIENT, Array, Fold, For, Let, Product, Stop, Store
from .tiles import HEIGHT, WIDTHS, Tile, tile
from .training import Rule, Training

# Vectors of sums in a loop at least so long. An update of 784-256-10 with one example takes 112
# microseconds with 1, 91 with 2, 85 with 4, and 95 with 8.
SUMS, LONG = 4, 64

KEPT = 8  # trainings of one program that are kept compiled

MEMORIES = ("batch", "theta", "gradient", "room", "steady", "out")

if TYPE_CHECKING:
    from . import Program

Run = tuple[str, str, int, str, bool]


class Nested(Lines):
    """The body of a function that runs loop nests.

    Attributes:
        tiles: the products that it calls.
        marks: what LLVM is to know about loops.
    """

    def __init__(self, constants: Iterable[str], marks: list[str]) -> None:
        super().__init__()
        self.constants, self.marks = set(constants), marks
        self.tiles: set[Tile] = set()
        self._block, self._blocks, self._group = "entry", 0, ""
        self._named: dict[Any, str] = {}

    # Blocks and loops

    def begin(self, block: str) -> None:
        """A block begins; the one before has ended with a branch."""
        self.lines.append(f"{block}:")
        self._block = block

    def fresh(self, *names: str) -> list[str]:
        """New names."""
        self._blocks += 1
        return [f"{name}{self._blocks}" for name in names]

    @contextmanager
    def loop(
        self, index: str, start: str, stop: str, by: int = 1, mark: str = "", certain: bool = True
    ) -> Iterator[str]:
        """Lines for each index; ``certain`` that there is one. It gives the block that goes on."""
        head, again, done = self.fresh("loop", "again", "done")
        if certain:
            self.line(f"br label %{head}")
        else:
            some = self.new(f"icmp slt i64 {start}, {stop}")
            self.line(f"br i1 {some}, label %{head}, label %{done}")
        before = self._block
        self.begin(head)
        self.line(f"{index} = phi i64 [ {start}, %{before} ], [ {index}.next, %{again} ]")
        yield again
        self.line(f"br label %{again}")
        self.begin(again)
        self.line(f"{index}.next = add nsw i64 {index}, {by}")
        more = self.new(f"icmp {'slt' if by > 0 else 'sge'} i64 {index}.next, {stop}")
        self.line(f"br i1 {more}, label %{head}, label %{done}{mark}")
        self.begin(done)

    def run(self, nests: Iterable[Any]) -> None:
        """Lines for some nests."""
        outside, self._named = self._named, dict(self._named)
        for nest in nests:
            if isinstance(nest, For):
                self._for(nest)
            elif isinstance(nest, Fold):
                self._named[nest.name] = self._fold(nest)
            elif isinstance(nest, Let):
                self._named[nest.name] = self.number(nest.value, {})
            elif isinstance(nest, Store):
                self._store(nest)
            elif isinstance(nest, Stop):
                self._stop(nest)
            else:
                self._product(nest)
        self._named = outside

    def _for(self, nest: For) -> None:
        start, stop = self.whole(nest.start), self.whole(nest.stop)
        if nest.down:
            start, stop = self.whole(nest.stop - 1), start
        mark, before = "", self._group
        self._group = ""
        if nest.is_free and all(isinstance(inner, (Let, Store)) for inner in nest.body):
            mark, self._group = self._free()
        with self.loop(f"%{nest.index.info}", start, stop, -1 if nest.down else 1, mark):
            self.run(nest.body)
        self._group = before

    def _free(self) -> tuple[str, str]:
        """Marks for a loop whose bodies do not depend on each other, and for their loads."""
        n = 3 * len(self.marks)
        self.marks.append(
            f"!{n} = distinct !{{}}\n!{n + 1} = distinct !{{!{n + 1}, !{n + 2}}}\n"
            f'!{n + 2} = !{{!"llvm.loop.parallel_accesses", !{n}}}'
        )
        return f", !llvm.loop !{n + 1}", f", !llvm.access.group !{n}"

    def _fold(self, nest: Fold) -> str:
        """The name of a sum or a maximum."""
        start, stop = self.whole(nest.start), self.whole(nest.stop)
        is_sum, old = nest.how == "add", f"%{nest.name.info}"
        first = number(0.0 if is_sum else -np.inf)
        before = self._block
        mark = self._sums(nest) if is_sum else ""
        with self.loop(f"%{nest.index.info}", start, stop, mark=mark) as again:
            place = len(self.lines)
            x, known = nest.value, dict[Any, str]()
            if is_sum and isinstance(x, Expr) and x.op == "mul":  # a product and sum in one
                a, b = (self.number(a, known) for a in x.args)
                term = self.new(f"fmul contract double {a}, {b}")
            else:
                term = self.number(x, known)
            if is_sum:
                total = self.new(f"fadd reassoc contract double {old}, {term}")
            else:
                total = self.operation("maximum", old, term)
            self.lines.insert(
                place, f"  {old} = phi double [ {first}, %{before} ], [ {total}, %{again} ]"
            )
        return total

    def _sums(self, nest: Fold) -> str:
        """A mark for a long loop: so many vectors of sums at once that none waits for the other."""
        n = nest.stop if isinstance(nest.start, int) and isinstance(nest.stop, int) else 0
        if n < LONG:
            return ""
        k = 3 * len(self.marks)
        self.marks.append(
            f"!{k} = distinct !{{!{k}, !{k + 1}}}\n"
            f'!{k + 1} = !{{!"llvm.loop.interleave.count", i32 {SUMS}}}'
        )
        return f", !llvm.loop !{k}"

    def _store(self, nest: Store) -> None:
        value = self.number(nest.value, {})
        at = self.address(nest.memory, self.whole(nest.place))
        if nest.how != "set":
            old = self.new(f"load double, ptr {at}{self._group}")
            value = self.operation("maximum" if nest.how == "max" else "add", old, value)
        self.line(f"store double {value}, ptr {at}{self._group}")

    def _stop(self, nest: Stop) -> None:
        value = self.number(nest.value, {})
        difference = self.new(f"fsub double {value}, {value}")
        is_finite = self.new(f"fcmp ord double {difference}, {difference}")
        stop, on = self.fresh("stop", "on")
        self.line(f"br i1 {is_finite}, label %{on}, label %{stop}")
        self.begin(stop)
        self.line(f"ret i64 {'%failed' if nest.after_rule else '%u'}")
        self.begin(on)

    # Numbers and places

    def whole(self, x: Any) -> str:
        """A whole number."""
        if not isinstance(x, Expr):
            return str(int(x))
        if x.op == "name":
            return f"%{x.info}"
        args = [self.whole(a) for a in x.args]
        if x.op == "table":
            at = self.new(f"getelementptr i64, ptr {self._memory(x.info)}, i64 {args[0]}")
            return self.new(f"load i64, ptr {at}{self._group}")
        return self.new(f"{x.op} nsw i64 {args[0]}, {args[1]}")

    def address(self, memory: str, place: str) -> str:
        """Where a number stands."""
        return self.new(f"getelementptr double, ptr {self._memory(memory)}, i64 {place}")

    def _memory(self, name: str) -> str:
        return f"@{name}" if name in self.constants else f"%{name}"

    def number(self, x: Any, known: dict[Any, str]) -> str:
        """A single number."""

        def leaf(x: Expr) -> str | None:
            if x in self._named:
                return self._named[x]
            if x.op == "load":
                at = self.address(x.info, self.whole(x.args[0]))
                return self.new(f"load double, ptr {at}{self._group}")
            if x.op == "count":
                return self.new(f"sitofp i64 {self.whole(x.args[0])} to double")
            return None

        return self.value(x, leaf, known)

    # Products

    def _product(self, nest: Product) -> None:
        """Tiles of the result, row by row."""
        rows, columns = nest.out.shape
        heights = (HEIGHT, rows % HEIGHT or 1) if isinstance(rows, int) else (HEIGHT, 1)
        for height, run in self._runs(rows, heights):
            (i,) = self.fresh("%i.")
            with self.loop(i, *run):
                for width, part in self._runs(columns, WIDTHS[height == 1]):
                    (j,) = self.fresh("%j.")
                    with self.loop(j, *part):
                        self._tile(nest, (height, width, nest.how), i, j)

    def _runs(self, n: Any, sizes: Sequence[int]) -> Iterator[tuple[int, Run]]:
        """A length as runs of equal parts: a part's size, and what `loop` takes."""
        start: Any = 0
        for size in sizes:
            if isinstance(n, int):
                stop = start + (n - start) // size * size
                if stop > start:
                    yield size, (str(start), str(stop), size, "", True)
            else:
                stop = self.new(f"and i64 {self.whole(n)}, {-size}") if size > 1 else self.whole(n)
                yield size, (str(start), stop, size, "", False)
            start = stop

    def _tile(self, nest: Product, tile: Tile, i: str, j: str) -> None:
        """A call that computes one tile."""
        self.tiles.add(tile)
        out, a, b = nest.out, nest.a, nest.b
        rows = [(a, i, "0"), (b, "0", j), (out, i, j)]
        at = [self.address(x.memory, self._place(x, *place)) for x, *place in rows]
        strides = [
            f"i64 {self.whole(n)}" for n in (*a.strides, b.strides[0], out.strides[0], b.shape[0])
        ]
        if nest.how == "step":
            at.append(self.address(GRADIENT, self._place(out, i, j)))
            strides += [f"double {self.number(nest.rate, {})}", "i1 %keep"]
        arguments = ", ".join([*[f"ptr {p}" for p in at], *strides])
        self.line(f"call void @tile.{'.'.join(map(str, tile))}({arguments})")

    def _place(self, array: Array, i: str, j: str) -> str:
        """Where an entry of a matrix stands."""
        place = self.whole(array.start)
        for index, stride in zip((i, j), array.strides):
            if index != "0":
                step = self.new(f"mul nsw i64 {index}, {self.whole(stride)}")
                place = self.new(f"add nsw i64 {place}, {step}")
        return place


def constant(name: str, array: npt.NDArray[Any]) -> str:
    """A constant array."""
    if array.dtype.kind in "iu":
        kind, entries = "i64", [f"i64 {n}" for n in array.ravel().tolist()]
    else:
        kind, entries = "double", [f"double {number(x)}" for x in array.ravel().tolist()]
    return f"@{name} = private constant [{array.size} x {kind}] [{', '.join(entries)}]"


class Trainer:
    """Updates of a program's parameters as machine code; arguments as those of `Training`.

    Raises:
        LackError: an operation is lacking.
    """

    def __init__(
        self, listing: Listing, single: bool, inputs: int, classes: int,
        state: dict[str, bool], rule: Rule | None,
    ) -> None:  # fmt: skip
        training = self.training = Training(listing, single, inputs, classes, state, rule)
        nests, marks = training.nests, list[str]()
        body = Nested(nests.constants, marks)
        with body.loop("%u", "0", "%updates"):
            body.line("%next = add i64 %u, 1")
            body.line("%failed = sub i64 0, %next")
            body.line("%keep = icmp eq i64 %next, %updates")
            body.run(training.body)
        self.memories = [
            "X", "y", "rows", *MEMORIES, "rates", "losses", "step", *[f"state.{s}" for s in state],
        ]  # fmt: skip
        head = ", ".join([f"ptr noalias %{memory}" for memory in self.memories])
        text = "\n".join([
            *[constant(name, array) for name, array in nests.constants.items()],
            f"define i64 @train(i64 %updates, i64 %b, i64 %X.row, i64 %y.row, {head}) nounwind {{",
            "entry:", *body.lines, "  ret i64 %updates", "}",
            *[tile(*which, inline=single) for which in sorted(body.tiles)],
            *marks,
        ])  # fmt: skip
        self._code = Code(with_functions(text, body.functions))
        whole = [ctypes.c_int64] * 4
        self._run = self._code.function("train", *whole, *[ctypes.c_void_p] * len(self.memories))

    def __call__(self, updates: int, b: int, given: dict[str, npt.NDArray[Any]]) -> int:
        """Make updates with batches of ``b`` examples.

        Args:
            updates: how many.
            b: examples in a batch.
            given: arrays in one piece, which are read and written: ``X`` and ``y``, the ``rows`` of
                them to take (whole numbers), ``theta``, ``gradient``, ``rates``, ``losses``,
                ``step``, and ``state.NAME`` for each part of the rule's state.

        Returns:
            How many were made; less if the next one is not finite. -k - 1 if k were made and, of
            the next one, all but to subtract ``step``.
        """
        nests = self.training.nests
        kept = {
            "batch": np.empty(b * self.training.listing.inputs),
            "room": np.empty(b * nests.room), "steady": np.empty(nests.steady),
            "out": np.empty(b), **given,
        }  # fmt: skip
        rows = [kept[name].strides[0] // 8 for name in ("X", "y")]
        pointers = [kept[name].ctypes.data for name in self.memories]
        return int(self._run(updates, b, *rows, *pointers))


def kernel(
    program: Program, single: bool, inputs: int, classes: int, state: dict[str, bool],
    rule: Rule | None, key: Any,
) -> Trainer:  # fmt: skip
    """The updates of a program; those with the same ``key`` are compiled once, if it is not None.

    Raises:
        LackError: it can't be had.
    """
    written = program._written
    if written.listing is None:
        raise LackError(f"room for so long a program, {program.graph_size:,} nodes of the graph")
    which = single, inputs, classes, key
    if key is None or which not in written.trainers:
        trainer = Trainer(written.listing, single, inputs, classes, state, rule)
        if key is None:
            return trainer
        if len(written.trainers) >= KEPT:
            del written.trainers[next(iter(written.trainers))]
        written.trainers[which] = trainer
    found: Trainer = written.trainers[which]
    return found
