"""Derivatives of functions.

Every function here calls ``f`` with fresh Values and reads the graph that it records. Adjoints are
kept apart from ``.grad``, so that no Value of the user's changes. Numbers in, numbers out. Values
in, Values out, recorded, so that they can be differentiated again.

>>> from autograd import grad
>>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
(12.0, 12.0)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from . import functions, primitives
from .value import Number, Value, check_function, real, record, topological_order
from .walk import in_order

Function = Callable[..., Any]

# The partial derivatives of a choice are 0, nan, or 1 over a number. Only for 0 is TINY - d > 0.
TINY = 1e-300


class _Variable(Value):
    """A fresh Value that ``f`` is called with; ``running`` until ``f`` returns."""

    __slots__ = ("running",)
    running: bool


def grad(f: Function) -> Function:
    """The gradient of ``f``: ``grad(f)(*x)`` is df/dx, a tuple if there are several ``x``.

    Args:
        f: takes n Values and returns one.

    Returns:
        A function of n numbers or Values. It gives numbers for numbers, and Values for Values.
        Keyword arguments are passed on to ``f`` as constants. Inside a function that is itself
        being differentiated, the result is a Value if it depends on that function's arguments: so
        derivatives can be nested. Any other Value that ``f`` uses is a constant: to differentiate
        by it too, make it an argument, or pass Values.

    Raises:
        TypeError: ``f`` is not a function; or, when it is called, ``f`` is given, or returns,
            something other than Values and numbers.

    >>> grad(lambda x, y: x * y)(2.0, 3.0)
    (3.0, 2.0)
    """
    check_function(f)

    def gradient(*x: Number, **constants: Any) -> Any:
        return value_and_grad(f)(*x, **constants)[1]

    return gradient


def value_and_grad(f: Function) -> Function:
    """Like `grad`, but gives the pair of the value and the gradient.

    Raises:
        TypeError: as in `grad`.

    >>> value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """
    check_function(f)

    def value_and_gradient(*x: Number, **constants: Any) -> tuple[Any, Any]:
        variables, y, recorded = _call(f, x, constants)
        (y,) = as_outputs([y])
        gradient = backward_pass(y, variables, recorded)
        if not recorded:
            return y.data, gradient[0] if len(x) == 1 else tuple(gradient)
        values = [_as_value(g) for g in gradient]
        return y, values[0] if len(x) == 1 else tuple(values)

    return value_and_gradient


def jacobian(f: Function) -> Function:
    """The Jacobian of ``f``: ``jacobian(f)(*x)``, ``(outputs, n)``.

    It takes one backward pass per output.

    Args:
        f: takes n Values and returns a sequence of Values (or one).

    Returns:
        A function of n numbers that gives an array; of Values, an array of Values.

    Raises:
        TypeError: as in `grad`.

    >>> jacobian(lambda x, y: [x * y, x + y])(2.0, 3.0)
    array([[3., 2.],
           [1., 1.]])
    """
    check_function(f)

    def jacobian_at(*x: Number, **constants: Any) -> Any:
        variables, y, recorded = _call(f, x, constants)
        outputs = as_outputs([y] if isinstance(y, Value) or np.ndim(y) == 0 else y)
        rows = [backward_pass(o, variables, recorded) for o in outputs]
        return _matrix(rows, len(variables), recorded)

    return jacobian_at


def hessian(f: Function) -> Function:
    """The second derivatives of ``f``: ``hessian(f)(*x)``, ``(n, n)``.

    The gradient is recorded, and each of its n entries is differentiated by a backward pass.

    Raises:
        TypeError: as in `grad`.

    >>> hessian(lambda x, y: x * x * y)(2.0, 3.0)
    array([[6., 4.],
           [4., 0.]])
    """
    check_function(f)

    def hessian_at(*x: Number, **constants: Any) -> Any:
        variables, y, recorded = _call(f, x, constants)
        (y,) = as_outputs([y])
        gradient = as_outputs(backward_pass(y, variables, recorded=True))
        rows = [backward_pass(g, variables, recorded) for g in gradient]
        return _matrix(rows, len(variables), recorded)

    return hessian_at


def jvp(f: Function, x: Sequence[Number], v: Sequence[Number]) -> tuple[Any, Any]:
    """The value of ``f`` at ``x`` and its derivative along ``v``, in one pass.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers or Values.
        v: the direction, n numbers or Values.

    Returns:
        ``f(x)`` and sum_i df/dx_i v_i, over the inputs that move: where v_i is the number 0, also
        an infinite derivative has no share. A Value has one, whatever its number.

    Raises:
        TypeError: ``f`` is not a function, or ``x`` or ``v`` not a sequence.
        ValueError: ``x`` and ``v`` differ in length.

    >>> jvp(lambda x, y: x * y, [2.0, 3.0], [1.0, 10.0])
    (6.0, 23.0)
    """
    check_function(f)
    for name, sequence in (("x", x), ("v", v)):
        if not hasattr(sequence, "__len__") or isinstance(sequence, type):
            raise TypeError(f"{name} must be a sequence of numbers or Values, got {sequence!r}")
    if len(x) != len(v):
        raise ValueError(f"x and v must have the same length, got {len(x)} and {len(v)}")
    variables, y, recorded = _call(f, x)
    (y,) = as_outputs([y])
    recorded = recorded or any(isinstance(d, Value) for d in v)
    directions = [as_number(d) for d in v]
    tangents: dict[Any, Number] = {
        u: d for u, d in zip(variables, directions) if isinstance(d, Value) or d != 0.0
    }
    for node in topological_order(y):
        if not tangents.keys().isdisjoint(node.inputs):
            terms = [
                _if_chosen(chosen, _times(tangents[v], d))
                for v, d, chosen in _edges(node, recorded) if v in tangents
            ]  # fmt: skip
            if terms:
                tangents[node] = sum(terms[1:], start=terms[0])
    tangent = tangents.get(y, 0.0)
    return (y, _as_value(tangent)) if recorded else (y.data, tangent)


def _call(
    f: Function, x: Sequence[Number], constants: Mapping[str, Any] | None = None
) -> tuple[list[_Variable], Any, bool]:
    """Fresh variables for ``x``, ``f`` of them, and whether the derivatives are to be recorded."""
    if len(x) == 0:
        raise TypeError("give the point to differentiate at, one number or Value per argument of f")
    variables = []
    for v in x:
        if isinstance(v, Value):  # the identity of it, so that grad(f)(v, v) has two variables
            variable: Any = record(primitives.POS, v, v.data, kind=_Variable)
        else:
            variable = _Variable(as_number(v))
        variable.running = True
        variables.append(variable)
    try:
        y = f(*variables, **(constants or {}))
    finally:
        for variable in variables:
            variable.running = False
    recorded = any(isinstance(v, Value) for v in x)
    if not recorded:
        outputs = [v for v in (y if np.iterable(y) else [y]) if isinstance(v, Value)]
        recorded = any(map(is_being_differentiated, outputs))
    return variables, y, recorded


def is_being_differentiated(y: Value) -> bool:
    """Whether ``y`` depends on a variable of a function that is now being differentiated."""
    return any(isinstance(node, _Variable) and node.running for node in topological_order(y))


def backward_pass(root: Value, variables: Sequence[Value], recorded: bool) -> list[Number]:
    """The derivative of ``root`` by each of ``variables``: floats, or Values where recorded."""
    if not recorded:
        found = adjoints_of(root)
        return [found.get(v, 0.0) for v in variables]
    needed = set(variables)  # the nodes that depend on a variable: no others are visited
    order = []
    for node in topological_order(root):
        if node not in needed and not needed.isdisjoint(node.inputs):
            needed.add(node)
            order.append(node)
    adjoints: dict[Any, Number] = {root: 1.0}
    # When a node is reached by shares: always (1.0), or where a Value is above 0, since another
    # branch may be taken when the derivative is replayed with other numbers.
    reached: dict[Any, Number] = {root: 1.0}
    for node in reversed(order):
        if node not in adjoints:  # nothing reaches it
            continue
        for v, d, chosen in _edges(node, recorded=True):
            if v in needed:
                here = _times(reached[node], chosen)
                term = _times(adjoints[node], d)
                # A node that is not reached has the adjoint 0: its shares are 0, unless d is inf or
                # nan.
                if any(isinstance(v, Value) for v in (chosen, d)) or not math.isfinite(d):
                    term = _if_chosen(here, term)
                adjoints[v] = adjoints[v] + term if v in adjoints else term
                reached[v] = _either(reached[v], here) if v in reached else here
    return [adjoints.get(v, 0.0) for v in variables]


def adjoints_of(root: Value) -> dict[Value, float]:
    """The derivative of ``root`` by each Value that a share of it reaches: as `Value.backward`."""
    adjoints = {root: 1.0}
    for node in reversed(in_order(root, set(), leaves=False)):
        if node not in adjoints:
            continue
        adjoint, chooses = adjoints[node], node._primitive.chooses
        for x, ds in ((node._x, node._dx), (node._y, node._dy)):
            for v, d in zip(x, ds) if type(x) is tuple else ((x, ds),):
                if isinstance(v, Value) and (d != 0.0 or not chooses):
                    adjoints[v] = adjoints[v] + adjoint * d if v in adjoints else adjoint * d
    return adjoints


def _edges(node: Value, recorded: bool) -> list[tuple[Any, Number, Number]]:
    """The inputs of a node that get a share: each with its partial derivative, and where it does.

    That is always, 1.0, or where a Value is above 0. The inputs that a primitive leaves for others,
    such as the branch of a `where` that is not taken, get none.
    """
    pairs = zip(node.inputs, _partials(node, recorded))
    if node.primitive is None or not node.primitive.chooses:
        return [(v, d, 1.0) for v, d in pairs]
    return [
        (v, d, 1.0 - functions.step(TINY - d) if isinstance(d, Value) else 1.0)
        for v, d in pairs
        if isinstance(d, Value) or d != 0.0
    ]


def _if_chosen(chosen: Number, share: Number) -> Any:
    """``share`` where ``chosen`` is above 0, else 0."""
    return functions.where(chosen, share, 0.0) if isinstance(chosen, Value) else share


def _either(a: Number, b: Number) -> Number:
    """Above 0 where one of two is; 1.0 if one always is."""
    if isinstance(a, Value) and isinstance(b, Value):
        return functions.max([a, b])  # type: ignore[no-any-return]
    return 1.0


def _partials(node: Value, recorded: bool) -> Sequence[Number]:
    """The partial derivatives of ``node``, as floats, or as Values recorded on its inputs."""
    if not recorded or node.primitive is None:
        return node.partials
    # The row of the table runs again, in the arithmetic of graph values. Plain numbers become
    # NumPy's scalars, for which 1/0 is inf.
    _, partials = node.primitive.on(functions)
    with np.errstate(all="ignore"):
        ds = partials(node, *primitives.each(_exact, node.arguments))
    pairs = [(a, d) if type(a) is tuple else ((a,), (d,)) for a, d in zip(node.arguments, ds)]
    return [d if isinstance(d, Value) else float(d) for vs, ds in pairs for _, d in zip(vs, ds)]


def _exact(x: Number) -> Any:
    return x if isinstance(x, Value) else np.float64(x)


def _times(a: Number, b: Number) -> Any:
    """The product, without a node for the 1.0 that many partial derivatives are."""
    if type(a) is float and a == 1.0:
        return b
    if type(b) is float and b == 1.0:
        return a
    return a * b


def as_number(x: Any) -> Any:
    """An argument of a function: a Value as it is, a number as a float."""
    if isinstance(x, Sequence | np.ndarray) and not isinstance(x, str):
        raise TypeError(f"got {x!r}: pass its numbers one by one, as in grad(f)(*x)")
    return x if isinstance(x, Value) else real(x, "an argument")


def _as_value(x: Number) -> Value:
    return x if isinstance(x, Value) else Value(x)


def as_outputs(y: Iterable[Any]) -> list[Value]:
    """What a function returned, as Values; a plain number is a constant."""
    outputs = []
    for v in y:
        if isinstance(v, Iterable):
            raise TypeError(
                f"f must return one Value (or, for jacobian, a flat sequence of them), got {v!r}"
            )
        outputs.append(v if isinstance(v, Value) else Value(real(v, "what f returns")))
    return outputs


def _matrix(rows: list[list[Number]], n: int, recorded: bool) -> Any:
    matrix = np.empty((len(rows), n), dtype=object if recorded else float)
    for i, row in enumerate(rows):
        matrix[i] = [_as_value(v) for v in row] if recorded else row
    return matrix
