"""Users' own primitives in programs: called by name, on arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import primitives as p
from ..value import Value
from .expressions import Expr
from .listing import Own
from .sheet import Sheet


def row_on(sheet: Sheet, node: Value, x: tuple[Any, ...]) -> tuple[Any, Any]:
    """Value and partial derivatives of a node's primitive, as functions of the expressions ``x``.

    Raises:
        ValueError: a user's own primitive can't run on arrays.
    """
    primitive: Any = node.primitive
    if primitive.function is None:
        return primitive.on(sheet.m)  # type: ignore[no-any-return]
    m, vector = sheet.m, type(node.arguments[0]) is tuple
    if primitive not in sheet.own:
        own = OnArrays(primitive, vector)
        _try(own, node.inputs)
        sheet.own[primitive] = sheet.names.pair(primitive.symbol)
        sheet.functions[sheet.own[primitive]] = Own(own.value, own.partials, primitive, vector)
    name = sheet.own[primitive]

    def value(*_: Any) -> Any:
        return m.make("own", *x, info=name)

    def partials(z: Expr, *_: Any) -> tuple[Any, ...]:
        ds = m.make("own", z, *x, info=f"d_{name}", shape=z.shape)
        parts = tuple([m.make("item", ds, info=i, shape=z.shape) for i in range(len(x))])
        return (parts,) if vector else parts

    return value, partials


class OnArrays:
    """A user's primitive as two functions of arrays: its value, and its partial derivatives.

    Attributes:
        primitive: the row.
        vector: whether its inputs are one argument, a vector.
    """

    def __init__(self, primitive: p.Primitive, vector: bool) -> None:
        self.primitive, self.vector = primitive, vector
        self._value, self._partials = primitive.on(p.ARRAYS)

    def value(self, *x: Any) -> Any:
        """The value, as an array with all rows and columns."""
        x = tuple([np.asarray(v, float) for v in x])  # plain numbers too: on arrays 1/0 is inf
        return _full(self._value(x) if self.vector else self._value(*x), *x)

    def partials(self, z: Any, *x: Any) -> tuple[Any, ...]:
        """The partial derivative by each input, likewise."""
        x = tuple([np.asarray(v, float) for v in x])
        ds = self._partials(z, x)[0] if self.vector else self._partials(z, *x)
        return tuple([_full(d, z, *x) for d in ds])


def _full(z: Any, *x: Any) -> Any:
    return np.broadcast_to(np.asarray(z, float), np.broadcast_shapes(*map(np.shape, x)))


def _try(own: OnArrays, inputs: Sequence[Any]) -> None:
    """Run a user's primitive on arrays once, at a recorded point."""
    numbers = [getattr(v, "data", v) for v in inputs]
    x = [np.array([[number, number]]) for number in numbers]
    try:
        with np.errstate(all="ignore"):
            own.partials(own.value(*x), *x)
    except Exception as error:
        raise ValueError(
            f"the primitive {own.primitive.symbol!r} can't run on arrays ({error}). Write it with "
            "operators and the functions of autograd; in place of `if` on a number use "
            "autograd.where(c, a, b)"
        ) from error
