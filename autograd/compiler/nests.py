"""What loop nests are made of: places in memory, loops, and what is done in them.

An array is numbers in a memory: the batch, the parameters, their gradient, a constant, or the room
in which results are kept. What only looks at an array in another way (a transposed matrix, some
rows) is the same numbers with other strides. Places and lengths are whole numbers, and expressions
of these; numbers are expressions of loads.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from .expressions import Arithmetic, Expr, Shape

Whole = Any  # an int, or an expression of whole numbers
BATCH, THETA, GRADIENT, OUT, ROOM, STEADY = ["batch", "theta", "gradient", "out", "room", "steady"]


class Size(int):
    """A whole number that was recorded, where any other can stand: the width of a layer, a place.

    Attributes:
        formula: what it is, an expression of names.
    """

    formula: Expr

    def __new__(cls, n: int, formula: Expr) -> Size:
        """A number with its formula."""
        size = super().__new__(cls, n)
        size.formula = formula
        return size


class Sized(Arithmetic):
    """An arithmetic in which a size is its formula."""

    def make(self, op: str, *args: Any, info: Any = None, shape: Shape | None = None) -> Any:
        """As `Arithmetic.make`."""
        formulas = [a.formula if isinstance(a, Size) else a for a in args]
        return super().make(op, *formulas, info=info, shape=shape)


whole = Sized()


def plus(a: Whole, b: Whole) -> Whole:
    """The sum of two whole numbers."""
    if a == 0 or b == 0:
        return b if a == 0 else a
    return _of_two("add", operator.add, a, b)


def times(a: Whole, b: Whole) -> Whole:
    """The product of two whole numbers."""
    if a == 0 or b == 0:
        return 0
    return b if a == 1 else a if b == 1 else _of_two("mul", operator.mul, a, b)


def _of_two(op: str, on: Callable[[int, int], int], a: Whole, b: Whole) -> Whole:
    if not (isinstance(a, int) and isinstance(b, int)):
        return whole.make(op, a, b)
    both = on(int(a), int(b))
    is_size = isinstance(a, Size) or isinstance(b, Size)
    return Size(both, whole.make(op, a, b)) if is_size else both


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

    def rows(self, start: Whole, step: int, n: Whole) -> Array:
        """``n`` rows at a regular distance."""
        first, *others = self.strides
        return self.looked_at(
            plus(self.start, times(start, first)),
            (times(step, first), *others),
            (n, *self.shape[1:]),
            in_a_row=self.in_a_row and step == 1,
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
    def memory(self) -> str:
        """As the array's."""
        return self.array.memory

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


class Numbers(Sized):
    """The arithmetic of single numbers; a vector is a tuple of them."""

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        return reduce(operator.add, x)

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        return reduce(self.maximum, x)


def fixed(found: Iterable[Any], changes: Callable[[Expr], bool]) -> list[Expr]:
    """The largest parts of expressions that do not depend on what changes."""
    depends: dict[Expr, bool] = {}
    parts: list[Expr] = []

    def look(x: Any) -> bool:
        if not isinstance(x, Expr):
            return False
        if x not in depends:
            below = list(map(look, x.args))
            depends[x] = changes(x) or any(below)
            if depends[x]:
                parts.extend(a for a, its in zip(x.args, below) if isinstance(a, Expr) and not its)
        return depends[x]

    parts += [x for x in found if not look(x) and isinstance(x, Expr)]
    return list(dict.fromkeys(parts))
