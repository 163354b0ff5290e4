"""The primitives as functions of Values, numbers and arrays, and the way to add one's own.

Together these functions are also the arithmetic of graph values. A row of the table of primitives
that runs in this arithmetic records its own derivative, which can be differentiated again.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import primitives as p
from .value import Number, Value, check_function, real, record, record_dot, short_repr

# sum, max, abs and pow are missing: `from autograd import *` must not hide the builtins.
__all__ = [
    "affine",
    "cos",
    "dot",
    "erf",
    "erfc",
    "exp",
    "log",
    "logsumexp",
    "primitive",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "step",
    "tanh",
    "where",
]

recorded = True  # as an arithmetic: the result of a row will be differentiated again


def apply(primitive: p.Primitive, *arguments: Any) -> Any:
    """``primitive`` of Values (recorded), of numbers (a float), or of arrays (element by element).

    Each argument is one of these or, for a vector argument, a tuple of them.
    """
    leaves = [v for x in arguments for v in (x if type(x) is tuple else (x,))]
    if any(isinstance(v, Value) for v in leaves):
        return record(primitive, *[part for x in arguments for part in _gather(x)])
    if any(isinstance(v, np.ndarray) for v in leaves):
        value, _ = primitive.on(p.ARRAYS)
        with np.errstate(all="ignore"):
            return value(*p.each(_array, arguments))
    if any(hasattr(v, "m") for v in leaves):  # expressions of the compiler, made by arithmetics m
        m = next(v.m for v in leaves if hasattr(v, "m"))
        return primitive.on(m)[0](*arguments)
    numbers = p.each(_number, arguments)
    z = primitive.value_at(*numbers)
    # NumPy's scalars give NumPy's scalars: in a user's formula, 1 / exp(x) must not raise.
    return np.float64(z) if any(isinstance(v, np.floating) for v in leaves) else z


def _gather(x: Any) -> tuple[Any, Any]:
    """What a node keeps of an argument (Values, and floats for plain numbers), and its data."""
    if type(x) is tuple:
        if type(x[0]) is float and set(map(type, x)) == {float}:
            return x, x
        try:
            return x, tuple([v._data for v in x])
        except AttributeError:  # plain numbers among them
            x = tuple(map(_number, x))
            return x, tuple([v._data if isinstance(v, Value) else v for v in x])
    x = _number(x)
    return x, x._data if isinstance(x, Value) else x


def _number(x: Any) -> Number:
    """``x`` if it is a Value, else as a float."""
    if isinstance(x, Value):
        return x
    if isinstance(x, np.ndarray):
        raise TypeError(
            f"Values and arrays can't be mixed (got an array of shape {x.shape}): "
            "take the array's elements one by one, or its rows with autograd.dot(w, row)"
        )
    if isinstance(x, list | tuple):
        raise TypeError(
            f"an argument must be a real number or a Value, got {short_repr(x)}: take its entries "
            "one by one, as in [autograd.exp(v) for v in values]"
        )
    return real(x, "an argument")


def _array(x: Any) -> Any:
    if np.ma.is_masked(x):
        raise TypeError("an array must hold real numbers, but some are masked: fill the gaps")
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        advice = ": take Values one by one, as in [autograd.exp(v) for v in array]"
        raise TypeError(
            f"an array must hold real numbers, got dtype {array.dtype}"
            + (advice if array.dtype.kind == "O" else "")
        )
    return array.astype(float)[()]


def _vector(x: Iterable[Any], name: str) -> tuple[Any, ...]:
    try:
        x = tuple(x)
    except TypeError:
        raise TypeError(f"{name} must be a sequence of Values or numbers, got {x!r}") from None
    if not x:
        raise ValueError(f"{name} is empty: it needs at least one Value or number")
    return x


def _function(primitive: p.Primitive) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        if isinstance(x, tuple):
            raise TypeError(
                f"{primitive.symbol} takes one Value, number or array, got the tuple {x}"
            )
        return apply(primitive, x)

    function.__name__ = function.__qualname__ = primitive.symbol
    function.__doc__ = (
        f"{p.IN_WORDS[primitive]}. ``x`` is a Value, a number, or an array.\n\n"
        "Raises:\n    TypeError: it is something else."
    )
    return function


exp = _function(p.EXP)
log = _function(p.LOG)
sqrt = _function(p.SQRT)
sin = _function(p.SIN)
cos = _function(p.COS)
tanh = _function(p.TANH)
sigmoid = _function(p.SIGMOID)
erf = _function(p.ERF)
erfc = _function(p.ERFC)
relu = _function(p.RELU)
softplus = _function(p.SOFTPLUS)
abs = _function(p.ABS)
step = _function(p.STEP)


def pow(x: Any, y: Any) -> Any:
    """The power x^y; nan if x is negative and y is not a whole number."""
    return apply(p.POW, x, y)


def where(c: Any, a: Any, b: Any) -> Any:
    """``a`` where ``c > 0``, else ``b``: a choice that stays in the graph.

    Both ``a`` and ``b`` are computed, but only the one taken gets a share of the gradient, so an
    infinite or nan value in the other does no harm. ``c`` gets no share. If ``c`` is nan, ``b`` is
    taken.

    Raises:
        TypeError: one of them is no Value, number or array.
        ValueError: the shapes of arrays do not go together.

    >>> where(2.0, 10.0, 20.0), where(-2.0, 10.0, 20.0)
    (10.0, 20.0)
    """
    return apply(p.WHERE, (c, a, b))


def sum(values: Iterable[Any]) -> Any:
    """The sum, as one node, however many ``values`` there are; for numbers, correctly rounded.

    Raises:
        ValueError: ``values`` is empty.
        TypeError: ``values`` is no sequence of Values or numbers.

    >>> sum([Value(0.1)] * 10).data
    1.0
    """
    return apply(p.SUM, _vector(values, "values"))


def max(values: Iterable[Any]) -> Any:
    """The largest of ``values``, as one node. Tied maxima share the gradient equally.

    Raises:
        ValueError: ``values`` is empty.
        TypeError: ``values`` is no sequence of Values or numbers.
    """
    return apply(p.MAX, _vector(values, "values"))


def logsumexp(values: Iterable[Any]) -> Any:
    """log(sum_i exp(x_i)), as one node, without overflow. Its gradient is softmax(x).

    Raises:
        ValueError: ``values`` is empty.
        TypeError: ``values`` is no sequence of Values or numbers.
    """
    return apply(p.LOGSUMEXP, _vector(values, "values"))


def dot(w: Iterable[Any], x: Iterable[Any], b: Any = None) -> Any:
    """A neuron's pre-activation, sum_i w_i x_i (+ b), as one node.

    Its ``inputs`` are those of ``w``, then ``b`` if given, then those of ``x``.

    Raises:
        ValueError: ``w`` and ``x`` differ in length, or are empty.
        TypeError: one of them is no sequence of Values or numbers, or ``b`` is none of these.

    >>> dot([Value(2.0), Value(3.0)], [10.0, 100.0], 1.0).data
    321.0
    """
    w, x = _vector(w, "w"), _vector(x, "x")
    if len(w) != len(x):
        raise ValueError(f"w and x must have the same length, got {len(w)} and {len(x)}")
    if isinstance(w[0], Value):  # recorded, whatever the others are
        return affine([w], x, None if b is None else [b])[0]
    return apply(p.DOT, w if b is None else (*w, b), x)


def affine(
    theta: Sequence[Sequence[Number]], x: Iterable[Number], b: Sequence[Number] | None = None
) -> list[Value]:
    """A layer's pre-activations, a_j = sum_i theta_ji x_i (+ b_j): one `dot` node per row.

    The nodes are the same as those of `dot`, row by row, but made faster: ``x`` is read once.

    Args:
        theta: weights, ``(d_out, d_in)``, Values or numbers.
        x: inputs, ``(d_in,)``.
        b: biases, ``(d_out,)``, or None.

    Raises:
        ValueError: a row of ``theta`` is not as long as ``x``, ``theta`` not as long as ``b``, or
            one of them is empty.
        TypeError: one of them is not a sequence.
    """
    inputs, data = _gather(_vector(x, "x"))
    theta = _vector(theta, "theta")
    if b is not None:
        b, data = _vector(b, "b"), (*data, 1.0)
        if len(b) != len(theta):
            raise ValueError(f"theta has {len(theta)} rows, but b has {len(b)} entries")
    nodes: list[Value] = []
    d = len(inputs)
    for j, row in enumerate(theta):
        if type(row) is not list:
            row = _vector(row, f"row {j} of theta")
        if len(row) != d:
            raise ValueError(f"row {j} of theta has {len(row)} entries, but x has {d}")
        w = tuple(row) if b is None else (*row, b[j])
        try:
            w_data = tuple([v._data for v in w])
        except AttributeError:  # plain numbers among them
            w, w_data = _gather(w)
        nodes.append(record_dot(w, w_data, inputs, data))
    return nodes


def primitive(
    symbol: str, value: Callable[..., Any], partials: Callable[..., tuple[Any, ...]]
) -> Callable[..., Any]:
    """A primitive of your own, which can do all that the built-in ones can.

    Args:
        symbol: what the picture prints.
        value: ``value(*x)``, the value z of the inputs.
        partials: ``partials(z, *x)``, a tuple: dz/dx for each input.

    Both are written with operators and the functions of `autograd`, so that the one definition
    runs on numbers, on arrays and, to be differentiated again, on Values. Where the formula
    depends on the sign of something, use `where` or `step` rather than ``if``.

    Returns:
        A function of as many Values, numbers or arrays as ``value`` takes.

    Raises:
        TypeError: ``symbol`` is not a string, or is empty; ``value`` or ``partials`` is not a
            function; or, when it is called, ``partials`` takes other arguments, or does not return
            a tuple.
        ValueError: ``partials`` returns a tuple of the wrong length (when it is called).

    >>> from autograd import grad
    >>> cube = primitive("cube", lambda x: x * x * x, lambda z, x: (3 * x * x,))
    >>> cube(2.0), grad(cube)(2.0), grad(grad(cube))(2.0)
    (8.0, 12.0, 12.0)
    """
    if not isinstance(symbol, str) or not symbol:
        raise TypeError(f"symbol must be a string that is not empty, got {symbol!r}")
    for name, function_ in (("value", value), ("partials", partials)):
        check_function(function_, name)

    def checked(z: Any, *x: Any) -> tuple[Any, ...]:
        try:
            ds = partials(z, *x)
        except TypeError as error:
            if _takes(partials, 1 + len(x)):
                raise
            raise TypeError(
                f"the partials of {symbol!r} must be a function of the value z and the inputs, as "
                f"in lambda z, x: ...: {error}"
            ) from None
        if not isinstance(ds, tuple):
            raise TypeError(
                f"the partials of {symbol!r} must be a tuple, one per input, got {ds!r}: "
                "for one input write (d,), with the comma"
            )
        if len(ds) != len(x):
            raise ValueError(f"{symbol!r} has {len(x)} inputs, but partials gave {len(ds)}")
        return ds

    def row(m: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
        if m is not p.FLOATS:
            return value, checked
        return (
            lambda *x: _float(value(*x), f"the value of {symbol!r}"),
            lambda z, *x: tuple([_float(d, f"a partial of {symbol!r}") for d in checked(z, *x)]),
        )

    def vector_row(m: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
        value, partials = row(m)
        return lambda x: value(*x), lambda z, x: (partials(z, *x),)

    scalars, vector = p.Primitive(symbol, row), p.Primitive(symbol, vector_row)

    def function(*x: Any) -> Any:
        if not x:
            raise TypeError(f"{symbol!r} needs at least one argument")
        return apply(scalars, *x) if len(x) <= 2 else apply(vector, x)

    function.__name__ = function.__qualname__ = symbol
    function.__doc__ = value.__doc__
    # A pickle refers to a node's primitive by the module and the name of this function.
    function.__module__ = sys._getframe(1).f_globals.get("__name__", "")
    function.rows = (scalars, vector)  # type: ignore[attr-defined]
    scalars.function = vector.function = function
    return function


def _takes(function: Callable[..., Any], n: int) -> bool:
    """Whether a function can be called with n arguments, by their place, as far as one knows."""
    try:
        inspect.signature(function).bind(*[None] * n)
    except TypeError:
        return False
    except ValueError:  # of some functions in C nobody knows
        pass
    return True


def _float(x: Any, name: str) -> float:
    if isinstance(x, complex):
        raise ArithmeticError  # (-8.0) ** 0.5 on floats, where IEEE has nan
    if isinstance(x, np.ndarray) and x.ndim == 0:
        raise TypeError(
            f"{name} must be a number, got {x!r}: write autograd.where(c, a, b) in place of "
            "np.where, and autograd's functions in place of others that give arrays"
        )
    return real(x, name)
