"""What a program is written on: its statements, its constants, and the names in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import primitives as p
from .expressions import Arithmetic, Expr, Index, Shape
from .listing import Own, Statement
from .names import Names

LISTED = 8  # an index of up to so many entries is written out; a longer one is a constant


class Sheet:
    """A program as it is being written."""

    def __init__(self, m: Arithmetic, names: Names) -> None:
        self.m, self.names = m, names
        self.statements: list[Statement] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self._constants: dict[Any, Expr] = {}
        self.wishes: dict[Expr, str] = {}  # names for gradients, if they need one
        self.own: dict[p.Primitive, str] = {}  # the names of users' own primitives
        self.functions: dict[str, Own] = {}

    def state(self, kind: str, name: str, value: Any, **more: Any) -> Statement:
        """A statement after all that was made before; ``more`` as in `Statement`."""
        statement = Statement(self.m.next_serial(), kind, name, value, **more)
        self.statements.append(statement)
        return statement

    def let(self, wish: str, x: Any, shape: Shape) -> Expr:
        """A statement that gives ``x`` a name: ``wish``, if that is free."""
        name, x = self.names.new(wish), self.m.full(self.m.number(x), shape)
        self.state("let", name, x, shape=shape)
        named = self.m.local(name, shape)
        self.m.stands_for(named, x)
        return named

    def zeros(self, wish: str, shape: Shape) -> Expr:
        """A statement that makes an array of zeros, to be added to."""
        name = self.names.new(wish)
        self.state("let", name, self.m.zeros(shape), shape=shape)
        return self.m.local(name, shape)

    @contextmanager
    def writing(self, statements: list[Statement], loop: Any) -> Iterator[None]:
        """Meanwhile, statements are those of a loop's body; or, for None, those around it."""
        before = self.statements, self.m.loop
        self.statements, self.m.loop = statements, loop
        try:
            yield
        finally:
            self.statements, self.m.loop = before

    def constant(self, array: npt.NDArray[Any], wish: str = "c") -> Expr:
        """An array of numbers that are the same in every batch."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self.names.new(wish)
            self.constants[name] = array
            self._constants[key] = self.m.name(name, array.shape)
        return self._constants[key]

    def index(self, rows: Any) -> Index:
        """Rows of an array, as a range if they are evenly spaced."""
        array = np.asarray(rows)
        if array.ndim == 1:
            first, last = int(array[0]), int(array[-1])
            stride = int(array[1]) - first if len(array) > 1 else 1
            if stride > 0 and (array[1:] - array[:-1] == stride).all():
                return range(first, last + 1, stride)
        if array.size <= LISTED:
            listed: tuple[Any, ...] = _tuples(array.tolist())
            return listed
        return self.constant(array, "index")


def _tuples(rows: Any) -> Any:
    return tuple(map(_tuples, rows)) if isinstance(rows, list) else rows
