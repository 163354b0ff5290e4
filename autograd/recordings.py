"""A function of numbers and Values, recorded: its arguments taken apart, and the graph it makes.

A number is a float, Python's or NumPy's, or an entry of an array of floats. Numbers and Values may
stand in lists, tuples, dictionaries and arrays, one in another. The rest (lengths and shapes, ints,
strings, None, whatever else can be hashed) is the structure.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from .value import Value, short_repr, topological_order

Function = Callable[..., Any]

NUMBER, VALUE = "number", "Value"  # in structures, in place of what is one


class _Here(threading.local):
    recording = False


_here = _Here()


def is_recording() -> bool:
    """Whether this thread is running a function in `record_function`."""
    return _here.recording


@dataclass
class Given:
    """The arguments of a call.

    Attributes:
        key: their structure, hashable.
        numbers: the numbers among them, in order.
        values: the Values among them, likewise.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    key: tuple[Any, ...]
    numbers: list[float]
    values: list[Value]


@dataclass
class Recording:
    """What a function recorded.

    Attributes:
        result: what it returned.
        roots: the Values in the result, in order.
        numbers, values: the leaves that it was given for the numbers and for the Values.
        order: all nodes, each after its inputs.
        nodes: the same, as a set.
    """

    result: Any
    roots: list[Value]
    numbers: list[Value]
    values: list[Value]
    order: list[Value]
    nodes: set[Value]


def given_to(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
    """The arguments of a call of ``f``, taken apart.

    Raises:
        TypeError: one of them can't be.
    """
    numbers: list[float] = []
    values: list[Value] = []
    parts: list[Any] = []
    try:
        for x in (*args, *kwargs.values()):
            parts += (_structure(x, numbers, values),)
    except TypeError as error:
        name = names_of(f, args, kwargs)[len(parts)]
        raise TypeError(f"argument {name!r} {error}") from None
    return Given(args, kwargs, (len(args), *kwargs, *parts), numbers, values)


def record_function(
    f: Function, given: Given, stand_in: Callable[[Value, str], Value]
) -> Recording:
    """Run ``f`` with a fresh leaf for each number, and ``stand_in(v, name)`` for each Value v.

    Raises:
        TypeError: it does not return Values.
    """
    numbers: list[Value] = []
    values: list[Value] = []

    def swap(x: Any, name: str) -> Value:
        if isinstance(x, Value):
            values.append(stand_in(x, name))
            return values[-1]
        numbers.append(Value(float(x), label=name))
        return numbers[-1]

    names = iter(names_of(f, given.args, given.kwargs))
    args = [rebuilt(x, swap, next(names)) for x in given.args]
    kwargs = {key: rebuilt(x, swap, key) for key, x in given.kwargs.items()}
    _here.recording = True
    try:
        result = f(*args, **kwargs)
    finally:
        _here.recording = False
    roots = list(_values_in(result))
    if not roots:
        raise TypeError(f"the function returned {short_repr(result)}, without any Value")
    nodes: set[Value] = set()
    order = [node for root in roots for node in topological_order(root, nodes)]
    return Recording(result, roots, numbers, values, order, nodes)


def names_of(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """What the arguments of a call are called."""
    names: list[str] = []
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # some builtins have none
        parameters = {}.values()
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{i}]" for i in range(len(args) - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    names += [f"argument{i}" for i in range(len(names), len(args))]
    return [*names[: len(args)], *kwargs]


def _structure(x: Any, numbers: list[float], values: list[Value]) -> Any:
    """The structure of ``x``, hashable; its numbers and Values are added to the lists.

    Raises:
        TypeError: there is something in ``x`` that is neither a number, nor a Value, nor can be
            part of a structure. The error says what, and leaves the argument's name to the caller.
    """
    kind = type(x)
    if kind is float:
        numbers.append(x)
        return NUMBER
    if isinstance(x, list | tuple):
        kinds = set(map(type, x))
        if kinds == {float}:
            numbers += x
            return kind, NUMBER, len(x)
        if kinds == {Value}:
            values += x
            return kind, VALUE, len(x)
        return kind, *[_structure(part, numbers, values) for part in x]
    if isinstance(x, Value):
        values.append(x)
        return VALUE
    if isinstance(x, np.ndarray):
        if np.ma.is_masked(x):
            raise TypeError("holds numbers that are masked: fill the gaps")
        if x.dtype.kind in "fO":
            parts = _structure(x.ravel().tolist(), numbers, values)
            return np.ndarray, x.shape, parts
        return np.ndarray, x.shape, x.dtype.str, x.tobytes()
    if isinstance(x, dict):
        return dict, *x, _structure(list(x.values()), numbers, values)
    if _is_number(x):
        numbers.append(float(x))
        return NUMBER
    if hasattr(kind, "__next__"):
        raise TypeError(f"holds {short_repr(x)}, which can be read only once: give a list")
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"holds {short_repr(x)} ({kind.__name__}), which can be no part of a structure: give "
            "numbers and Values in lists, tuples, dictionaries or arrays"
        ) from None
    return kind, x


def _is_number(x: Any) -> bool:
    """Whether ``x`` is a number that may differ from call to call; an int is none."""
    if isinstance(x, float):
        return True
    return isinstance(x, Real) and not isinstance(x, Integral | np.bool_)


def rebuilt(x: Any, swap: Callable[[Any, str], Any], name: str) -> Any:
    """``x`` with ``swap(v, name)`` in place of each number or Value v, in the same order.

    ``name`` is that of x; of a part, it is the name with an index, ``x[2]``, ``x[2][0]``. An array
    becomes an array of what ``swap`` gives.
    """
    if isinstance(x, Value) or _is_number(x):
        return swap(x, name)
    if isinstance(x, np.ndarray) and x.dtype.kind in "fO":
        array = np.empty(x.shape, object)
        for at in np.ndindex(x.shape):
            array[at] = rebuilt(x[at], swap, f"{name}[{','.join(map(str, at))}]")
        return array
    if isinstance(x, dict):
        return {key: rebuilt(v, swap, f"{name}[{key!r}]") for key, v in x.items()}
    if isinstance(x, list | tuple):
        parts = [rebuilt(v, swap, f"{name}[{i}]") for i, v in enumerate(x)]
        return type(x)._make(parts) if hasattr(x, "_make") else type(x)(parts)
    return x


def _values_in(y: Any) -> Iterator[Value]:
    """The Values in a result, in the order of `rebuilt`.

    Raises:
        TypeError: there is something else in it.
    """
    if isinstance(y, Value):
        yield y
    elif isinstance(y, list | tuple):
        for part in y:
            yield from _values_in(part)
    elif isinstance(y, dict):
        yield from _values_in(list(y.values()))
    elif isinstance(y, np.ndarray):
        yield from _values_in(y.ravel().tolist())
    else:
        raise TypeError(
            f"the function returned {short_repr(y)} ({type(y).__name__}), not a Value: "
            "write autograd.where in place of an `if` that gives a plain number, or Value(number)"
        )
