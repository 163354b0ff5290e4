"""Programs as loop nests over single numbers: the same listing, for machine code and for pages.

What only looks at an array is its numbers with other strides; all else becomes loops that store
single numbers (`nests`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .expressions import Expr, LackError
from .listing import At, Listing, Statement
from .nests import (
    BATCH,
    OUT,
    Array,
    Fold,
    For,
    Picked,
    Product,
    Store,
    Whole,
    plus,
    whole,
)  # fmt: skip
from .places import Places, Sizes

# What is computed into an array of its own before an expression over it can be.
WHOLE_ARRAYS = {"matmul", "sum", "max", "reduceat", "joined"}


class Nests(Places):
    """A program as loop nests; arguments as those of `Places`.

    Attributes:
        forward, backward: its two passes.
    """

    def __init__(self, listing: Listing, single: bool, sizes: Sizes | None = None) -> None:
        super().__init__(listing, single, sizes)
        self.forward: list[Any] = []
        self.backward: list[Any] = []
        self._body = self.forward
        self._run(listing.forward)
        result = self.lengths(listing.result.shape)
        self.write(self._in_a_row(OUT, 0, result), listing.result)
        self._body = self.backward
        self._run(listing.backward)

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
        if self._is_tuple(x):  # its items are computed where they are used
            return
        defines = isinstance(x, Expr) and self.listing.named.get(x) is statement
        self._defined = statement if defines else None
        if statement.kind == "let":
            looked_at = None if defines else self._look(x)
            if looked_at is None:
                is_room = isinstance(x, Expr) and x.op == "empty"
                is_condition = x.info[1] if is_room else isinstance(x, Expr) and x.is_condition
                looked_at = self._new(self.lengths(statement.shape), is_condition)
                if not is_room:
                    self.write(looked_at, x)
            self.arrays[name] = looked_at
        else:
            self.write(self._target(statement), x, statement.kind)
        self._defined = None
        # What was read may change; but factors of products, of which copies are kept, do not.
        self._made = {key: array for key, array in self._made.items() if isinstance(key, Array)}

    def _target(self, statement: Statement) -> Array | Picked:
        """Where a statement writes to."""
        array, index = self.arrays[statement.name], statement.index
        if isinstance(index, At):
            step = self._earlier(index.step) if index.inside else index.step
            array, index = array.entry(step), index.rows
        return array if index is None else self._rows(array, index)

    # Arrays

    def _copy(self, array: Array) -> Array:
        """The same numbers, as neighbours."""
        copy = self._new(array.shape, array.is_condition)
        self._each(copy, lambda at: self._load(array, at))
        return copy

    def array(self, x: Any) -> Array:
        """The array of an expression, computed if need be."""
        found = self._look(x)
        if found is None:
            shape = self.lengths(x.shape) if isinstance(x, Expr) else ()
            is_condition = isinstance(x, Expr) and x.is_condition
            found = self._new(shape, is_condition)
            self.write(found, x)
            self._made[x] = found  # for the rest of the statement
        return found

    # Loops

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
            self._body.append(Store(target.memory, target.place(at), number, how))

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
        shape = self.lengths(array.shape)
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
        aim = self._new(target.shape) if how == "add" and means == "max" else target
        if how == "set" or aim is not target:
            self._each(aim, lambda at: -np.inf if means == "max" else 0.0)
        with self._within(For(k, 0, n, [])):
            self._each(aim, term, means)
        if aim is not target:
            self._each(target, lambda at: self._load(aim, at), how)

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
        first: Whole = 0
        for part in x.args:
            (n, *_) = self.lengths(part.shape)
            self.write(target.rows(first, 1, n), part, how)
            first = plus(first, n)

    # Single numbers

    def _prepare(self, x: Any) -> None:
        """Compute the arrays that an expression needs whole."""
        if not isinstance(x, Expr) or self._look(x) is not None:
            return
        if x.op in WHOLE_ARRAYS:
            self.array(x)
        elif x.op == "rows":
            self.array(x.args[0])
        else:
            for a in x.args:
                self._prepare(a)

    def _load(self, array: Array | Picked, at: Sequence[Whole]) -> Any:
        """An entry of an array; along axes of length 1, the only one."""
        along = list(at)[len(at) - len(array.shape) :]
        along = [0 if n == 1 else i for i, n in zip(along, array.shape)]
        number = self.m.make("load", array.place(along), info=array.memory, shape=())
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
            batch = Array(BATCH, 0, (1, self.inputs), (self.inputs, self.b))
            return self._load(self._rows(batch, x.info), at)
        if x.op == "count":
            return 1.0 if self.single else self.m.make("count", self.b, shape=())
        if x.op == "full":
            return self._number(x.args[0], at)
        if x.op == "own":
            return self._own(x.info, [self._number(a, at) for a in x.args])
        if x.op == "item":
            return self._number(x.args[0], at)[x.info]
        args = [self._number(a, at) for a in x.args]
        if x.op == "pow" and args[1] == 2.0:
            return args[0] * args[0]  # 20 times as fast
        return self.m.make(x.op, *args)

    def _own(self, name: str, x: list[Any]) -> Any:
        """A user's own primitive at numbers; for the name ``d_...``, its partial derivatives.

        Raises:
            LackError: it is not written in operators and the functions of `autograd`.
        """
        is_value = name in self.listing.functions
        own = self.listing.functions[name if is_value else name.removeprefix("d_")]
        self.m.compares, self.m.running = False, own.primitive
        try:
            value, partials = own.primitive.on(self.m)
            if is_value:
                return value(tuple(x)) if own.is_vector else value(*x)
            z, *x = x
            return partials(z, tuple(x))[0] if own.is_vector else partials(z, *x)
        except Exception as error:  # whatever a user's function may do
            raise LackError(f"the primitive {own.primitive.symbol!r} ({error})") from error
        finally:
            self.m.compares, self.m.running = True, None
