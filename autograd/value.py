"""`Value`: a number that remembers how it was computed, and so knows its derivatives.

Operators on Values record a graph, one node per operation. A node keeps its inputs, and the
partial derivative of its value with respect to each of them, as numbers, from the moment it is
recorded: `Value.backward` is then one multiplication and one addition per edge.

>>> from autograd import Value
>>> x, y = Value(2.0), Value(5.0)
>>> f = x.log() + x * y - y.sin()
>>> f.backward()
>>> x.grad, y.grad
(5.5, 1.7163378145367738)
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from numbers import Real
from types import FunctionType
from typing import Any, Union

import numpy as np

from . import primitives as p
from .advice import Refusals, of_array, of_number, of_sequence
from .walk import in_order, sweep

Number = Union["Value", float]

new = object.__new__


def real(x: Any, name: str) -> float:
    """``x`` as a float, if it is a Python or NumPy number."""
    if type(x) is float:
        return x
    number = None if isinstance(x, np.ndarray | list | tuple) else _operand(x)
    if number is not None:
        return number
    if isinstance(x, Value):
        raise TypeError(f"{name} must be a plain number, got {x!r}: its number is its .data")
    kind = type(x).__name__
    raise TypeError(f"{name} must be a real number, got {short_repr(x)} ({kind}){of_number(x)}")


def record(
    primitive: p.Primitive, x: Any, a: Any, y: Any = None, b: Any = None, kind: Any = None
) -> Value:
    """A new node: ``primitive`` of the inputs ``x`` and ``y``, whose data are ``a`` and ``b``.

    It is a `Value`, or of its subclass ``kind``.
    """
    node: Any = new(kind or Value)
    try:  # `Primitive.at`, written out: one call more would make recording a seventh slower
        if y is None:
            node._data = z = primitive.value(a)
            (node._dx,) = primitive.partials(z, a)
            node._dy = None
        else:
            node._data = z = primitive.value(a, b)
            node._dx, node._dy = primitive.partials(z, a, b)
    except p.RAISED:
        node._data, partials = primitive.at(a) if y is None else primitive.at(a, b)
        node._dx, node._dy = partials if len(partials) == 2 else (*partials, None)
    node._grad = 0.0
    node._label = ""
    node._primitive = primitive
    node._x = x
    node._y = y
    return node  # type: ignore[no-any-return]


def record_dot(w: tuple[Any, ...], a: tuple[Any, ...], x: tuple[Any, ...], b: Any) -> Value:
    """`record` of a `dot`, its row written out, as `affine` spends most of its time here.

    ``a`` are the data of ``w``, and ``b`` those of ``x``, with 1.0 for the bias if ``w`` has one.
    """
    node: Any = new(Value)
    try:
        node._data = math.fsum(map(operator.mul, a, b))
    except p.RAISED:
        node._data, _ = p.DOT.at(a, b)
    node._dx = b
    node._dy = a
    node._grad = 0.0
    node._label = ""
    node._primitive = p.DOT
    node._x = w
    node._y = x
    return node  # type: ignore[no-any-return]


def _unary(primitive: p.Primitive) -> Callable[[Value], Value]:
    """The method of `Value` that records a primitive of one number."""
    value, partials = primitive.value, primitive.partials

    def method(self: Value) -> Value:
        a = self._data  # from here on what `record` does, written out
        node: Any = new(Value)
        try:
            node._data = z = value(a)
            (node._dx,) = partials(z, a)
        except p.RAISED:
            node._data, (node._dx,) = primitive.at(a)
        node._dy = node._y = None
        node._grad = 0.0
        node._label = ""
        node._primitive = primitive
        node._x = self
        return node  # type: ignore[no-any-return]

    method.__doc__ = f"{p.IN_WORDS[primitive]}. Records one node; x is this Value."
    return method


def _binary(primitive: p.Primitive) -> tuple[Callable[..., Value], Callable[..., Value]]:
    """The operator of `Value` that records a primitive of two numbers, and its reflected form."""
    value, partials = primitive.value, primitive.partials

    def method(self: Value, other: Number) -> Value:
        if type(other) is Value:
            b = other._data
        elif type(other) is float:
            b = other
        elif isinstance(other, Value):
            b = other._data
        else:
            number = _operand(other)
            if number is None:
                return NotImplemented  # type: ignore[no-any-return]
            other = b = number
        # What `record` does, written out: plain expressions spend most of their time here.
        a = self._data
        node: Any = new(Value)
        try:
            node._data = z = value(a, b)
            node._dx, node._dy = partials(z, a, b)
        except p.RAISED:
            node._data, (node._dx, node._dy) = primitive.at(a, b)
        node._grad = 0.0
        node._label = ""
        node._primitive = primitive
        node._x = self
        node._y = other
        return node  # type: ignore[no-any-return]

    def reflected(self: Value, other: float) -> Value:
        number = _operand(other)
        if number is None:
            return NotImplemented  # type: ignore[no-any-return]
        return record(primitive, number, number, self, self._data)

    method.__doc__ = f"``self {primitive.symbol} other``, as one node."
    reflected.__doc__ = f"``other {primitive.symbol} self``, as one node; other is a number."
    return method, reflected


def _comparison(symbol: str, compare: Callable[[float, float], bool]) -> Callable[..., bool]:
    def method(self: Value, other: Number) -> bool:
        number = other._data if isinstance(other, Value) else _operand(other)
        return NotImplemented if number is None else compare(self._data, number)

    method.__doc__ = f"``self {symbol} other``, by their data."
    return method


def _operand(x: Any) -> float | None:
    """A plain number beside a Value in an operator, as a float; None if it is something else."""
    if type(x) is float:
        return x
    if type(x) is not int:  # to ask whether something else is a number takes longer than a node
        if isinstance(x, np.ndarray):
            raise TypeError(of_array(x.shape))
        if type(x) in (list, tuple):
            raise TypeError(of_sequence(type(x)))
        if not isinstance(x, Real | np.bool_):
            return None
    try:
        return float(x)
    except OverflowError:  # an integer beyond the floats
        return math.inf if x > 0 else -math.inf


def _numbers(argument: Any) -> tuple[Any, ...]:
    """The numbers in an argument: none, one, or a vector of them."""
    if argument is None:
        return ()
    return argument if type(argument) is tuple else (argument,)


def short_repr(x: object) -> str:
    """The repr of a user's object, cut off if it is long."""
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def check_function(f: Any, name: str = "f") -> None:
    """Refuse what can't be called where a function is asked for."""
    if not callable(f):
        advice = ": give the function, not its result" if isinstance(f, Value) else ""
        raise TypeError(f"{name} must be a function, got {short_repr(f)}{advice}")


class Value(Refusals):
    """A scalar in a computation graph.

    Args:
        data: a real number, kept as a `float`.
        label: a name for the pictures.

    Attributes:
        data: the number. Assigning to it changes nothing that was computed from this Value.
        grad: filled in by `backward`; that of a leaf adds up over calls.
        label: a name for the pictures; empty, or set to None, for none.

    Raises:
        TypeError: ``data`` is not a real number, or ``label`` is neither a string nor None.

    Equality is identity, and a Value is always true (a warning says so where one is compared with
    a number, or asked by ``if v``); ``<``, ``<=``, ``>`` and ``>=`` compare the data.
    """

    # The inputs are _x and _y: a Value, a plain float, a tuple of them for n-ary operations, or
    # None; _dx and _dy are the partial derivatives, of the same shapes (see `Primitive`). Fixed
    # slots, without lists or closures, make a node small and fast.
    __slots__ = ("_data", "_dx", "_dy", "_grad", "_label", "_primitive", "_x", "_y")

    def __init__(self, data: float, label: str | None = "") -> None:
        self._data = real(data, "data")
        self._grad = 0.0
        self._label = ""  # also where a subclass keeps its labels otherwise
        self.label = label
        self._primitive: p.Primitive | None = None
        self._x: Any = None
        self._y: Any = None
        self._dx: Any = None
        self._dy: Any = None

    @property
    def data(self) -> float:
        """The number."""
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        self._data = real(data, "data")

    @property
    def grad(self) -> float:
        """The derivative of the last root by this Value; a leaf's adds up over calls."""
        return self._grad

    @grad.setter
    def grad(self, grad: float) -> None:
        self._grad = real(grad, "grad")

    @property
    def label(self) -> str:
        """A name for the pictures; empty if there is none."""
        return self._label

    @label.setter
    def label(self, label: str | None) -> None:
        if label is not None and not isinstance(label, str):
            raise TypeError(f"label must be a string, got {short_repr(label)}")
        self._label = label or ""  # None takes it away

    @property
    def op(self) -> str:
        """The operation's symbol; empty for a leaf."""
        return "" if self._primitive is None else self._primitive.symbol

    @property
    def primitive(self) -> p.Primitive | None:
        """The row of the table of primitives that computed this Value; None for a leaf."""
        return self._primitive

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What its primitive was given: one or two inputs, or vectors (tuples) of them."""
        return (self._x,) if self._y is None else (self._x, self._y)

    @property
    def inputs(self) -> tuple[Number, ...]:
        """What this Value was computed from, in order; a plain number stays a float."""
        x, y = self._x, self._y
        if y is None:
            return _numbers(x)
        return (x if type(x) is tuple else (x,)) + (y if type(y) is tuple else (y,))

    @property
    def partials(self) -> tuple[float, ...]:
        """The derivative of this Value with respect to each of `inputs`, when it was recorded."""
        arguments = ((self._x, self._dx), (self._y, self._dy))
        return tuple([d for arg, ds in arguments for _, d in zip(_numbers(arg), _numbers(ds))])

    def backward(self) -> None:
        """Backward pass: fill in ``grad`` for this Value and every Value that it was computed from.

        ``v.grad`` is then the derivative of this Value with respect to v. A leaf's ``grad`` adds up
        over calls (set it to 0 to start afresh); that of any other node is from this call alone.
        The derivatives are those at the recorded point, even if some ``data`` has changed since.
        """
        sweep(self)

    def __repr__(self) -> str:
        name = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data}, grad={self._grad}{name})"

    def __format__(self, spec: str) -> str:
        """The number in the format asked for, as in ``f"{loss:.3f}"``."""
        return format(self._data, spec) if spec else repr(self)

    __lt__, __le__ = _comparison("<", float.__lt__), _comparison("<=", float.__le__)
    __gt__, __ge__ = _comparison(">", float.__gt__), _comparison(">=", float.__ge__)

    # Most nodes of plain expressions are + and *, which never raise on floats. Written out, their
    # rows take a quarter less time than by `_binary`, which is left with unusual operands.
    _add, __radd__ = _binary(p.ADD)
    _mul, __rmul__ = _binary(p.MUL)

    def __add__(self, other: Number) -> Value:
        """``self + other``, as one node."""
        if type(other) is Value:
            b = other._data
        elif type(other) is float:
            b = other
        else:
            return self._add(other)
        node: Any = new(Value)
        node._data = self._data + b
        node._dx = node._dy = 1.0
        node._grad = 0.0
        node._label = ""
        node._primitive = p.ADD
        node._x = self
        node._y = other
        return node  # type: ignore[no-any-return]

    def __mul__(self, other: Number) -> Value:
        """``self * other``, as one node."""
        if type(other) is Value:
            b = other._data
        elif type(other) is float:
            b = other
        else:
            return self._mul(other)
        node: Any = new(Value)
        node._dx = b
        node._dy = a = self._data
        node._data = a * b
        node._grad = 0.0
        node._label = ""
        node._primitive = p.MUL
        node._x = self
        node._y = other
        return node  # type: ignore[no-any-return]

    __sub__, __rsub__ = _binary(p.SUB)
    __truediv__, __rtruediv__ = _binary(p.DIV)
    __pow__, __rpow__ = _binary(p.POW)
    __neg__, __pos__, __abs__ = _unary(p.NEG), _unary(p.POS), _unary(p.ABS)

    abs, exp, log, sqrt = _unary(p.ABS), _unary(p.EXP), _unary(p.LOG), _unary(p.SQRT)
    sin, cos, tanh = _unary(p.SIN), _unary(p.COS), _unary(p.TANH)
    sigmoid, relu, softplus = _unary(p.SIGMOID), _unary(p.RELU), _unary(p.SOFTPLUS)


def name_methods(kind: type) -> None:
    """Give the functions in a class the names they have there, by which `help` shows them."""
    for name, method in vars(kind).items():
        if isinstance(method, FunctionType):
            method.__name__, method.__qualname__ = name, f"{kind.__name__}.{name}"


def topological_order(root: Value, seen: set[Value] | None = None) -> list[Value]:
    """Every `Value` that ``root`` was computed from, each once, inputs before what uses them.

    The order is that of a depth-first search, inputs from left to right, and so the same in every
    run. ``root`` comes last. Plain numbers among the inputs are not listed.

    Args:
        root: the result.
        seen: Values to leave out, with everything that they were computed from. The Values listed
            are added to it, so that one call after another lists each Value once.

    Raises:
        TypeError: ``root`` is not a Value.

    >>> from autograd import Value
    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> [v.label or v.op for v in topological_order(x * y + x)]
    ['x', 'y', '*', '+']
    """
    if not hasattr(root, "_x"):
        raise TypeError(f"root must be a Value, got {type(root).__name__}")
    return in_order(root, set() if seen is None else seen, leaves=True)
