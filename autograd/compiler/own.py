"""Users' own primitives in programs: called by name, on arrays."""

from collections.abc import Callable, Sequence
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
    if primitive in p.TABLE:
        return primitive.on(sheet.m)  # type: ignore[no-any-return]
    m, vector = sheet.m, type(node.arguments[0]) is tuple
    if primitive not in sheet.own:
        functions = _on_arrays(primitive, vector)
        _try(primitive, *functions, node.inputs)
        sheet.own[primitive] = sheet.names.pair(primitive.symbol)
        sheet.functions[sheet.own[primitive]] = Own(*functions, primitive, vector)
    name = sheet.own[primitive]

    def value(*_: Any) -> Any:
        return m.make("own", *x, info=name)

    def partials(z: Expr, *_: Any) -> tuple[Any, ...]:
        ds = m.make("own", z, *x, info=f"d_{name}", shape=z.shape)
        parts = tuple([m.make("item", ds, info=i, shape=z.shape) for i in range(len(x))])
        return (parts,) if vector else parts

    return value, partials


def _on_arrays(
    primitive: p.Primitive, vector: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A user's primitive as two functions of arrays: its value, and its partial derivatives."""
    value, partials = primitive.on(p.ARRAYS)

    def full(z: Any, *x: Any) -> Any:
        return np.broadcast_to(np.asarray(z, float), np.broadcast_shapes(*map(np.shape, x)))

    def f(*x: Any) -> Any:
        x = tuple([np.asarray(v, float) for v in x])  # plain numbers too: on arrays 1/0 is inf
        return full(value(x) if vector else value(*x), *x)

    def df(z: Any, *x: Any) -> Any:
        x = tuple([np.asarray(v, float) for v in x])
        ds = partials(z, x)[0] if vector else partials(z, *x)
        return tuple([full(d, z, *x) for d in ds])

    return f, df


def _try(primitive: p.Primitive, f: Any, df: Any, inputs: Sequence[Any]) -> None:
    """Run a user's primitive on arrays once, at a recorded point."""
    numbers = [getattr(v, "data", v) for v in inputs]
    x = [np.array([[number, number]]) for number in numbers]
    try:
        with np.errstate(all="ignore"):
            df(f(*x), *x)
    except Exception as error:
        raise ValueError(
            f"the primitive {primitive.symbol!r} can't run on arrays ({error}). Write it with "
            "operators and the functions of autograd; in place of `if` on a number use "
            "autograd.where(c, a, b)"
        ) from error
