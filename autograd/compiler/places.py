"""Where the arrays of a program lie, and what its expressions look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from .expressions import ALL, Expr, Index, LackError, Shape
from .listing import At, Listing, Statement, View
from .nests import (
    BATCH,
    GRADIENT,
    ROOM,
    STEADY,
    THETA,
    Array,
    Numbers,
    Picked,
    Size,
    Whole,
    plus,
    times,
    whole,
)  # fmt: skip

Sizes = Mapping[int, Size]
LOOKS = {"transpose", "reshape", "full", "earlier", "entry", "item", "rows", "columns"}


class Places:
    """The arrays of a program, each in its place.

    Args:
        listing: the program.
        single: whether it is for batches of one example; else their length has the name ``b``.
        sizes: recorded whole numbers that stand for any others.

    Attributes:
        inputs, parameters: as of a listing.
        arrays: those that have a name.
        constants: arrays by name, of numbers and of places.
        room, steady: how many numbers are kept for each example, and besides.
        starts: where in the room there is a size before, by name: formulas, in order.
    """

    def __init__(self, listing: Listing, single: bool, sizes: Sizes | None = None) -> None:
        self.listing, self.single = listing, single
        self._sizes = {} if sizes is None else sizes
        self.inputs, self.parameters = map(self.size, (listing.inputs, listing.parameters))
        self.b: Whole = 1 if single else whole.name("b", ())
        self.m = Numbers()
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self.room = self.steady = 0
        self.starts: dict[str, Expr] = {}
        self._count = count()
        self.arrays: dict[str, Array] = {}
        self._made: dict[Any, Array] = {}  # computed arrays of expressions, while they last
        self._defined: Statement | None = None  # the statement that gives its expression a name
        self._step: Whole = None
        for name, constant in listing.constants.items():
            self.arrays[name] = self._constant(constant, name)
        for name, view in listing.views.items():
            self.arrays[name] = self._view(THETA, view)
            self.arrays[f"d_{name}"] = self._view(GRADIENT, view)

    # Names

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

    # Places

    def size(self, n: int) -> int:
        """A recorded number, with its formula if it is a size."""
        return self._sizes.get(n, n)

    def lengths(self, shape: Shape) -> tuple[Whole, ...]:
        """A shape as whole numbers."""

        def length(n: int | str) -> Whole:
            if not isinstance(n, str):
                return self.size(int(n))
            return times(self.size(int(n.removesuffix("b").removesuffix("*") or 1)), self.b)

        return tuple(map(length, shape))

    def _constant(self, constant: npt.NDArray[Any], name: str) -> Array:
        self.constants[name] = constant
        return self._in_a_row(name, 0, constant.shape)

    def _view(self, memory: str, view: View | None) -> Array:
        """An array inside the vector of parameters, or of their gradient."""
        if view is None:
            return Array(memory, 0, (1,), (self.parameters,), in_a_row=True)
        is_whole = view.width == view.columns
        start, rows, columns, width = map(
            self.size, (view.start, view.rows, view.columns, view.width)
        )
        return Array(memory, start, (width, 1), (rows, columns), in_a_row=is_whole)

    def _in_a_row(
        self, memory: str, start: Whole, shape: Sequence[Whole], is_condition: bool = False
    ) -> Array:
        strides: list[Whole] = [1]
        for n in reversed(shape[1:]):
            strides.insert(0, times(n, strides[0]))
        return Array(memory, start, tuple(strides), tuple(shape), is_condition, in_a_row=True)

    def _new(self, shape: Sequence[Whole], is_condition: bool = False) -> Array:
        """Room for an array."""
        fixed = reduce(times, [n for n in shape if isinstance(n, int)], 1)
        in_batch = [n for n in shape if not isinstance(n, int)]
        if not in_batch:
            start, self.steady = self.steady, plus(self.steady, fixed)
            return self._in_a_row(STEADY, start, shape, is_condition)
        (n,) = in_batch
        if n is not self.b:
            if isinstance(n.args[0], Expr):
                raise LackError("a size times that of the batch")
            fixed = times(fixed, int(n.args[0]))
        start, self.room = self.room, plus(self.room, fixed)
        if isinstance(self.room, Size):
            name = f"r{len(self.starts)}"
            self.starts[name] = self.room.formula
            self.room = Size(self.room, whole.name(name, ()))
        return self._in_a_row(ROOM, times(start, self.b), shape, is_condition)

    def _look(self, x: Any) -> Array | None:
        """The array of an expression that only looks at numbers in memory; else None."""
        if not isinstance(x, Expr) or self._is_tuple(x):
            return None
        if x in self._made:
            return self._made[x]
        named = self.listing.named.get(x)
        if named is not None and named is not self._defined:
            array = self.arrays[named.name]
            at_step = isinstance(named.index, At)
            return array.entry(self._earlier(0)) if at_step else array
        if x.op == "name":
            return self.arrays[str(x.info)]
        if x.op == "columns" and isinstance(x.info, range):
            shape = self.lengths(x.shape)
            return Array(BATCH, self.size(x.info.start), (x.info.step, self.inputs), shape)
        if x.op not in LOOKS or not x.args:
            return None
        if x.op == "item" and self._is_tuple(x.args[0]):
            return None
        if x.op == "rows" and not isinstance(x.info, range):
            return None
        return self._looked(x, self.array(x.args[0]))

    def _looked(self, x: Expr, array: Array) -> Array:
        """What ``x`` makes of an array."""
        if x.op == "transpose":
            return array.T
        if x.op == "rows":
            return self._run_of_rows(array, x.info)
        if x.op in ("item", "entry"):
            return array.entry(x.info)
        if x.op == "earlier":
            is_local = x.args[0].info in self.listing.local
            return array if is_local else array.entry(self._earlier(x.info))
        shape = self.lengths(x.shape)
        if x.op == "full":
            missing = (0,) * (len(shape) - len(array.shape))
            kept = [0 if n == 1 else s for n, s in zip(array.shape, array.strides)]
            return array.looked_at(array.start, (*missing, *kept), shape)
        if not array.in_a_row:
            array = self._copy(array)
        return self._in_a_row(array.memory, array.start, shape, array.is_condition)

    def _earlier(self, back: int) -> Whole:
        """So many steps before the one that is running."""
        return plus(self._step, -back)

    def _run_of_rows(self, array: Array, rows: range) -> Array:
        """Rows at a regular distance."""
        return array.rows(self.size(rows.start), rows.step, self.size(len(rows)))

    def _rows(self, array: Array, index: Index) -> Array | Picked:
        """Some rows of an array."""
        if index == ALL:
            return array
        if isinstance(index, range):
            return self._run_of_rows(array, index)
        if isinstance(index, Expr):
            name = str(index.info)
            table = self.constants[name]
        else:
            table = np.array(index)
            name = self._constant(table, f"rows{next(self._count)}").memory
        shape = (*table.shape, *array.shape[1:])
        return Picked(array, name, shape, table.shape[1] if table.ndim == 2 else None)

    def _is_tuple(self, x: Any) -> bool:
        """Whether it is the partial derivatives of a user's own primitive, one by each input."""
        return isinstance(x, Expr) and x.op == "own" and x.info not in self.listing.functions

    def array(self, x: Any) -> Array:
        """The array of an expression, computed if need be."""
        raise NotImplementedError

    def _copy(self, array: Array) -> Array:
        """The same numbers, as neighbours."""
        raise NotImplementedError
