"""Programs as loop nests over single numbers: the same listing, for machine code and for pages.

An array is numbers in a memory: the batch, the parameters, their gradient, a constant, or the room
in which results are kept. What only looks at an array in another way (a transposed matrix, some
rows) is the same numbers with other strides. All else becomes loops that store single numbers:
expressions over loads. Places and lengths are whole numbers, and expressions of these.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from .expressions import ALL, Arithmetic, Expr, Index, Shape
from .listing import At, Listing, Statement, View

Whole = Any  # an int, or an expression of whole numbers
BATCH, THETA, GRADIENT, OUT, ROOM, STEADY = ["batch", "theta", "gradient", "out", "room", "steady"]
# What is computed into an array of its own before an expression over it can be.
WHOLE_ARRAYS = {"matmul", "sum", "max", "reduceat", "joined"}
LOOKS = {"transpose", "reshape", "full", "earlier", "entry", "item", "rows", "columns"}

whole = Arithmetic()


def plus(a: Whole, b: Whole) -> Whole:
    """The sum of two whole numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    return b if a == 0 else a if b == 0 else whole.make("add", a, b)


def times(a: Whole, b: Whole) -> Whole:
    """The product of two whole numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a == 0 or b == 0:
        return 0
    return b if a == 1 else a if b == 1 else whole.make("mul", a, b)


@dataclass(frozen=True)
class Array:
    """Numbers in a memory: the entry at (i, j) stands at start + i strides[0] + j strides[1].

    Attributes:
        is_condition: whether they stand for true and false.
        in_a_row: whether they are neighbours, row by row.
    """

    memory: str
    start: Whole
    strides: tuple[Whole, ...]
    shape: tuple[Whole, ...]
    is_condition: bool = False
    in_a_row: bool = False

    def place(self, at: Sequence[Whole]) -> Whole:
        """Where an entry stands."""
        terms = [times(i, stride) for i, stride in zip(at, self.strides)]
        return reduce(plus, terms, self.start)

    @property
    def T(self) -> Array:
        """The transposed matrix."""
        return self.looked_at(self.start, self.strides[::-1], self.shape[::-1])

    def rows(self, rows: range) -> Array:
        """Rows at a regular distance."""
        first, *others = self.strides
        return self.looked_at(
            plus(self.start, times(rows.start, first)),
            (times(rows.step, first), *others),
            (len(rows), *self.shape[1:]),
            in_a_row=self.in_a_row and rows.step == 1,
        )

    def entry(self, i: Whole) -> Array:
        """One entry along the first axis."""
        start = plus(self.start, times(i, self.strides[0]))
        return self.looked_at(start, self.strides[1:], self.shape[1:], self.in_a_row)

    def looked_at(
        self, start: Whole, strides: Sequence[Whole], shape: Sequence[Whole], in_a_row: bool = False
    ) -> Array:
        """The same numbers otherwise."""
        return Array(self.memory, start, tuple(strides), tuple(shape), self.is_condition, in_a_row)


@dataclass(frozen=True)
class Picked:
    """Some rows of an array, or some entries of a vector, by a table of their places."""

    array: Array
    table: str
    shape: tuple[Whole, ...]
    width: int | None = None  # of a table of rows and columns

    @property
    def is_condition(self) -> bool:
        """As the array's."""
        return self.array.is_condition

    def place(self, at: Sequence[Whole]) -> Whole:
        """Where an entry stands."""
        i, others = at[0], at[1:]
        if self.width is not None:
            i, others = plus(times(i, self.width), at[1]), at[2:]
        return self.array.place((whole.make("table", i, info=self.table), *others))


@dataclass(eq=False)
class For:
    """A body for each index from ``start`` up to ``stop``, or down from it.

    Attributes:
        is_free: whether the bodies can be run in any order.
    """

    index: Expr
    start: Whole
    stop: Whole
    body: list[Any]
    down: bool = False
    is_free: bool = False


@dataclass(eq=False)
class Store:
    """A number is put into a memory, or added to what is there; or the larger of both is."""

    memory: str
    place: Whole
    value: Any
    how: str = "set"


@dataclass(eq=False)
class Fold:
    """The sum, or the maximum, of numbers for each index; ``name`` stands for it afterwards."""

    name: Expr
    how: str
    index: Expr
    start: Whole
    stop: Whole
    value: Any


@dataclass(eq=False)
class Let:
    """A number gets a name."""

    name: Expr
    value: Any


@dataclass(eq=False)
class Stop:
    """A training ends here if a number is not finite, before or after a rule has made the step."""

    value: Any
    after_rule: bool = False


@dataclass(eq=False)
class Product:
    """A matrix product; the columns of ``b`` and of ``out`` are neighbours in memory.

    For ``"step"``, ``rate`` times the product is subtracted from what is there.
    """

    out: Array
    a: Array
    b: Array
    how: str = "set"
    rate: Expr | None = None


class Scalars(Arithmetic):
    """The arithmetic of single numbers; a vector is a tuple of them."""

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        return reduce(operator.add, x)

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        return reduce(self.maximum, x)


@dataclass
class Nests:
    """A program as loop nests.

    Args:
        listing: the program.
        single: whether it is for batches of one example; else their length has the name ``b``.

    Attributes:
        forward, backward: its two passes.
        constants: arrays by name, of numbers and of places.
        room, steady: how many numbers it keeps for each example, and besides.
    """

    listing: Listing
    single: bool
    forward: list[Any] = field(default_factory=list)
    backward: list[Any] = field(default_factory=list)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    room: int = 0
    steady: int = 0

    def __post_init__(self) -> None:
        listing = self.listing
        self.b: Whole = 1 if self.single else whole.name("b", ())
        self.m = Scalars()
        self._count = count()
        self._body = self.forward
        self._arrays: dict[str, Array] = {}
        self._made: dict[Any, Array] = {}  # arrays of expressions, while they last
        self._defined: Statement | None = None
        self._step: Whole = None
        for name, constant in listing.constants.items():
            self._arrays[name] = self._constant(constant, name)
        for name, view in listing.views.items():
            self._arrays[name] = self._view(THETA, view)
            self._arrays[f"d_{name}"] = self._view(GRADIENT, view)
        self._run(listing.forward)
        result = self._lengths(listing.result.shape)
        self.write(self._in_a_row(OUT, 0, result), listing.result)
        self._body = self.backward
        self._run(listing.backward)

    def outputs(self, b: int) -> tuple[int, ...]:
        """The shape of the outputs of ``b`` examples."""
        return tuple([b if isinstance(n, str) else n for n in self.listing.result.shape])

    # Statements

    def _run(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            if statement.body:
                self._repeat(statement)
            else:
                self._state(statement)

    def _repeat(self, loop: Statement) -> None:
        """A loop over the steps of a recurrence."""
        index = self.index()
        kept, self._step = dict(self._made), index
        with self._within(For(index, loop.steps.start, loop.steps.stop, [], loop.kind == "back")):
            self._run(loop.body)
        self._made, self._step = kept, None

    def _state(self, statement: Statement) -> None:
        x, name = statement.value, statement.name
        if _is_tuple(x):  # its items are computed where they are used
            return
        defines = isinstance(x, Expr) and self.listing.named.get(x) is statement
        self._defined = statement if defines else None
        if statement.kind == "let":
            looked_at = None if defines else self._look(x)
            if looked_at is None:
                is_room = isinstance(x, Expr) and x.op == "empty"
                is_condition = x.info[1] if is_room else isinstance(x, Expr) and x.is_condition
                looked_at = self._new(self._lengths(statement.shape), is_condition)
                if not is_room:
                    self.write(looked_at, x)
            self._arrays[name] = looked_at
        else:
            self.write(self._target(statement), x, statement.kind)
        self._defined = None

    def _target(self, statement: Statement) -> Array | Picked:
        """Where a statement writes to."""
        array, index = self._arrays[statement.name], statement.index
        if isinstance(index, At):
            step = self._earlier(index.step) if index.inside else index.step
            array, index = array.entry(step), index.rows
        return array if index is None else self._rows(array, index)

    def _earlier(self, back: int) -> Whole:
        """So many steps before the one that is running."""
        return plus(self._step, -back)

    def _rows(self, array: Array, index: Index) -> Array | Picked:
        """Some rows of an array."""
        if index == ALL:
            return array
        if isinstance(index, range):
            return array.rows(index)
        if isinstance(index, Expr):
            name = str(index.info)
            table = self.constants[name]
        else:
            table = np.array(index)
            name = self._constant(table, f"rows{next(self._count)}").memory
        shape = (*table.shape, *array.shape[1:])
        return Picked(array, name, shape, table.shape[1] if table.ndim == 2 else None)

    # Arrays

    def _lengths(self, shape: Shape) -> tuple[Whole, ...]:
        """A shape as whole numbers."""

        def length(n: int | str) -> Whole:
            if not isinstance(n, str):
                return int(n)
            return times(int(n.removesuffix("b").removesuffix("*") or 1), self.b)

        return tuple(map(length, shape))

    def _constant(self, constant: npt.NDArray[Any], name: str) -> Array:
        self.constants[name] = constant
        return self._in_a_row(name, 0, constant.shape)

    def _view(self, memory: str, view: View | None) -> Array:
        """An array inside the vector of parameters, or of their gradient."""
        if view is None:
            return Array(memory, 0, (1,), (self.listing.parameters,), in_a_row=True)
        is_whole = view.width == view.columns
        shape = view.rows, view.columns
        return Array(memory, view.start, (view.width, 1), shape, in_a_row=is_whole)

    def _in_a_row(
        self, memory: str, start: Whole, shape: Sequence[Whole], is_condition: bool = False
    ) -> Array:
        strides = [1]
        for n in reversed(shape[1:]):
            strides.insert(0, times(n, strides[0]))
        return Array(memory, start, tuple(strides), tuple(shape), is_condition, in_a_row=True)

    def _new(self, shape: Sequence[Whole], is_condition: bool = False) -> Array:
        """Room for an array."""
        fixed = reduce(operator.mul, [n for n in shape if isinstance(n, int)], 1)
        in_batch = [n for n in shape if not isinstance(n, int)]
        if not in_batch:
            start, self.steady = self.steady, self.steady + fixed
            return self._in_a_row(STEADY, start, shape, is_condition)
        (n,) = in_batch
        per_example = fixed * (1 if n is self.b else int(n.args[0]))
        start, self.room = self.room, self.room + per_example
        return self._in_a_row(ROOM, times(start, self.b), shape, is_condition)

    def _look(self, x: Any) -> Array | None:
        """The array of an expression that only looks at numbers in memory; else None."""
        if not isinstance(x, Expr) or _is_tuple(x):
            return None
        if x in self._made:
            return self._made[x]
        named = self.listing.named.get(x)
        if named is not None and named is not self._defined:
            array = self._arrays[named.name]
            at_step = isinstance(named.index, At)
            return array.entry(self._earlier(0)) if at_step else array
        if x.op == "name":
            return self._arrays[str(x.info)]
        if x.op == "columns" and isinstance(x.info, range):
            width = self.listing.inputs
            shape = self._lengths(x.shape)
            return Array(BATCH, x.info.start, (x.info.step, width), shape)
        if x.op not in LOOKS or not x.args:
            return None
        if x.op == "item" and _is_tuple(x.args[0]):
            return None
        if x.op == "rows" and not isinstance(x.info, range):
            return None
        return self._looked(x, self.array(x.args[0]))

    def _looked(self, x: Expr, array: Array) -> Array:
        """What ``x`` makes of an array."""
        if x.op == "transpose":
            return array.T
        if x.op == "rows":
            return array.rows(x.info)
        if x.op in ("item", "entry"):
            return array.entry(x.info)
        if x.op == "earlier":
            is_local = x.args[0].info in self.listing.local
            return array if is_local else array.entry(self._earlier(x.info))
        shape = self._lengths(x.shape)
        if x.op == "full":
            missing = (0,) * (len(shape) - len(array.shape))
            kept = [0 if n == 1 else s for n, s in zip(array.shape, array.strides)]
            return array.looked_at(array.start, (*missing, *kept), shape)
        if not array.in_a_row:
            array = self._copy(array)
        return self._in_a_row(array.memory, array.start, shape, array.is_condition)

    def _copy(self, array: Array) -> Array:
        """The same numbers, as neighbours."""
        copy = self._new(array.shape, array.is_condition)
        self._each(copy, lambda at: self._load(array, at))
        return copy

    def array(self, x: Any) -> Array:
        """The array of an expression, computed if need be."""
        found = self._look(x)
        if found is None:
            shape = self._lengths(x.shape) if isinstance(x, Expr) else ()
            is_condition = isinstance(x, Expr) and x.is_condition
            found = self._new(shape, is_condition)
            self.write(found, x)
            if isinstance(x, Expr) and self._step is None:
                self._made[x] = found
        return found

    # Loops

    def index(self) -> Expr:
        """A name for an index."""
        index: Expr = whole.name(f"i{next(self._count)}", ())
        return index

    def scalar(self) -> Expr:
        """A name for a number."""
        name: Expr = self.m.name(f"s{next(self._count)}", ())
        return name

    def spare(self, n: int) -> int:
        """Room for ``n`` numbers: where the first one stands."""
        return int(self._new((n,)).start)

    @contextmanager
    def _within(self, *loops: For) -> Iterator[None]:
        """Meanwhile, what is written stands in the innermost of these loops."""
        before = self._body
        for loop in loops:
            self._body.append(loop)
            self._body = loop.body
        yield
        self._body = before

    def _each(self, target: Array | Picked, value: Callable[[Any], Any], how: str = "set") -> None:
        """Loops over all entries: each becomes ``value(at)``, or that is added to it."""
        at: list[Whole] = [0 if n == 1 else self.index() for n in target.shape]
        loops = [For(i, 0, n, [], is_free=True) for i, n in zip(at, target.shape) if i != 0]
        with self._within(*loops):
            number = self.m.number(value(at))
            memory = target.array.memory if isinstance(target, Picked) else target.memory
            self._body.append(Store(memory, target.place(at), number, how))

    def write(self, target: Array | Picked, x: Any, how: str = "set") -> None:
        """Put an expression into an array, or add it to what is there."""
        op = x.op if isinstance(x, Expr) and self._look(x) is None else None
        if op in WHOLE_ARRAYS and isinstance(target, Picked):
            found = self.array(x)
            self._each(target, lambda at: self._load(found, at), how)
        elif op == "matmul":
            self._product(target, self.array(x.args[0]), self.array(x.args[1]), how)
        elif op in ("sum", "max"):
            self._reduce(target, x, how)
        elif op == "reduceat":
            self._sum_runs(target, x, how)
        elif op == "joined":
            self._join(target, x, how)
        elif op == "zeros":
            self._each(target, lambda at: 0.0, how)
        else:
            self._prepare(x)
            self._each(target, lambda at: self._number(x, at), how)

    def _product(self, out: Any, a: Array, b: Array, how: str) -> None:
        (_, n), (inner, _) = out.shape, b.shape
        if n == 1 and (a.strides[1] == 1 or inner == 1):
            self._dots(out, a, b, how)
            return
        if n == 1:  # the transposed product has its columns as neighbours, if need be as a copy
            out, a, b = out.T, b.T, a.T
        if b.strides[1] != 1:
            b = self._neighbours(b)
        self._body.append(Product(out, a, b, how))

    def _neighbours(self, b: Array) -> Array:
        """A copy whose columns are neighbours."""
        if b not in self._made or self._step is not None:
            self._made[b] = self._copy(b)
        return self._made[b]

    def _dots(self, out: Any, a: Array, b: Array, how: str) -> None:
        """The product with a column."""
        k, name = self.index(), self.scalar()

        def value(at: Any) -> Any:
            i, j = at
            term = self._load(a, (i, k)) * self._load(b, (k, j))
            self._body.append(Fold(name, "add", k, 0, b.shape[0], term))
            return name

        self._each(out, value, how)

    def _reduce(self, target: Any, x: Expr, how: str) -> None:
        """A sum or a maximum along an axis; of a sum, where a condition holds."""
        array, axis = x.args[0], x.info
        for part in x.args:
            self._prepare(part)
        shape = self._lengths(array.shape)
        keeps = len(x.shape) == len(shape)
        k, n = self.index(), shape[axis]

        def term(at: Any) -> Any:
            along = list(at)
            along[axis : axis + keeps] = [k]
            number = self.m.number(self._number(array, along))
            if len(x.args) == 2:
                number = self.m.choose(self._number(x.args[1], along), number, 0.0)
            return number

        means = "add" if x.op == "sum" else "max"
        if all(n == 1 for n in shape[axis + 1 :]):
            name = self.scalar()

            def folded(at: Any) -> Any:
                self._body.append(Fold(name, means, k, 0, n, term(at)))
                return name

            self._each(target, folded, how)
            return
        # Along neighbours in the inner loop, each index one after the other in the outer.
        if how == "add" and means == "max":
            target, aim = self._new(target.shape), target
        else:
            aim = target
        first: Any = k
        if how == "set" or aim is not target:
            start = self.m.name("-inf", ()) if means == "max" else 0.0
            self._each(target, lambda at: -np.inf if means == "max" else start)
        with self._within(For(first, 0, n, [])):
            self._each(target, term, means)
        if aim is not target:
            self._each(aim, lambda at: self._load(target, at), how)

    def _sum_runs(self, target: Any, x: Expr, how: str) -> None:
        """Sums of neighbouring rows, from each start to the next."""
        array, starts = x.args
        self._prepare(array)
        table = self.constants[str(starts.info)]
        ends = np.append(table[1:], array.shape[0])
        name = self._constant(ends, f"ends{next(self._count)}").memory
        k, total = self.index(), self.scalar()

        def folded(at: Any) -> Any:
            first, last = (whole.make("table", at[0], info=t) for t in (str(starts.info), name))
            term = self.m.number(self._number(array, [k, *at[1:]]))
            self._body.append(Fold(total, "add", k, first, last, term))
            return total

        self._each(target, folded, how)

    def _join(self, target: Any, x: Expr, how: str) -> None:
        """Arrays below each other, in the order of an index if there is one."""
        if x.info is not None:
            below = self._new(target.shape, x.is_condition)
            self._join_parts(below, x, "set")
            picked = self._rows(below, x.info)
            self._each(target, lambda at: self._load(picked, at), how)
        else:
            self._join_parts(target, x, how)

    def _join_parts(self, target: Array, x: Expr, how: str) -> None:
        first = 0
        for part in x.args:
            n = int(part.shape[0])
            self.write(target.rows(range(first, first + n)), part, how)
            first += n

    # Single numbers

    def _prepare(self, x: Any) -> None:
        """Compute the arrays that an expression needs whole."""
        if not isinstance(x, Expr) or self._look(x) is not None:
            return
        if x.op in WHOLE_ARRAYS:
            self._made[x] = self.array(x)
        elif x.op == "rows":
            self._made[x.args[0]] = self.array(x.args[0])
        else:
            for a in x.args:
                self._prepare(a)

    def _load(self, array: Array | Picked, at: Sequence[Whole]) -> Any:
        """An entry of an array; along axes of length 1, the only one."""
        along = list(at)[len(at) - len(array.shape) :]
        along = [0 if n == 1 else i for i, n in zip(along, array.shape)]
        memory = array.array.memory if isinstance(array, Picked) else array.memory
        number = self.m.make("load", array.place(along), info=memory, shape=())
        return self.m.make("differs", number, 0.0) if array.is_condition else number

    def _number(self, x: Any, at: Sequence[Whole]) -> Any:
        """An entry of an expression, as an expression of single numbers."""
        if not isinstance(x, Expr):
            return x
        array = self._look(x)
        if array is not None:
            return self._load(array, at)
        if x.op == "rows":
            return self._load(self._rows(self.array(x.args[0]), x.info), at)
        if x.op == "columns":
            batch = Array(BATCH, 0, (1, self.listing.inputs), (self.listing.inputs, self.b))
            return self._load(self._rows(batch, x.info), at)
        if x.op == "count":
            return 1.0 if self.single else self.m.make("count", self.b, shape=())
        if x.op == "full":
            return self._number(x.args[0], at)
        if x.op == "own":
            return self._own(x.info, [self._number(a, at) for a in x.args])
        if x.op == "item":
            return self._number(x.args[0], at)[x.info]
        return self.m.make(x.op, *[self._number(a, at) for a in x.args])

    def _own(self, name: str, x: list[Any]) -> Any:
        """A user's own primitive at numbers; for the name ``d_...``, its partial derivatives."""
        is_value = name in self.listing.functions
        own = self.listing.functions[name if is_value else name.removeprefix("d_")]
        self.m.compares = False
        value, partials = own.primitive.on(self.m)
        if is_value:
            found = value(tuple(x)) if own.is_vector else value(*x)
        else:
            z, *x = x
            found = partials(z, tuple(x))[0] if own.is_vector else partials(z, *x)
        self.m.compares = True
        return found


def _is_tuple(x: Any) -> bool:
    """Whether it is the partial derivatives of a user's own primitive, one by each input."""
    return isinstance(x, Expr) and x.op == "own" and str(x.info).startswith("d_")
