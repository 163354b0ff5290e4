"""Copies and pickles of graphs, however deep they are; nodes that are shared stay shared.

Importing this module gives `Value` the methods that `copy` and `pickle` look for. By themselves
they would follow the inputs of a node by recursion, too deep for Python; here the nodes are copied
one after the other, inputs first.
"""

from __future__ import annotations

import copy
import importlib
import operator
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from . import primitives
from .advice import Refusals
from .primitives import Primitive
from .value import Value, name_methods, new, topological_order

SLOTS = "_data", "_dx", "_dy", "_grad", "_primitive", "_x", "_y", "_label"  # as pickles have them
_fields = operator.attrgetter(*SLOTS)
BUILT_IN = {row: name for name, row in vars(primitives).items() if isinstance(row, Primitive)}


def _state(node: Value) -> Any:
    """What a subclass has added to its Values: a dictionary, or what its ``__getstate__`` gives."""
    kind = type(node)
    if kind is Value:
        return None
    getstate = getattr(kind, "__getstate__", None)
    if getstate is not getattr(object, "__getstate__", None):
        return node.__getstate__()
    slots = [name for k in kind.__mro__[: -len(Value.__mro__)] for name in _slots(k)]
    state = {name: getattr(node, name) for name in slots if hasattr(node, name)}
    return {**getattr(node, "__dict__", {}), **state}


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else slots
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _fill(node: Value, parts: tuple[Any, ...]) -> None:
    """Give an empty node its numbers and inputs, and what its subclass has added."""
    *_, fields, state = parts
    for name, x in zip(SLOTS, fields):
        setattr(node, name, x)
    if state and hasattr(node, "__setstate__"):
        node.__setstate__(state)
    elif state:
        for name, x in state.items():
            object.__setattr__(node, name, x)


# Copies


def _copy(self: Value) -> Value:
    """A node of the same inputs: `copy.copy`."""
    node = _empty(type(self))
    _fill(node, (_fields(self), _state(self)))
    return node


def _deepcopy(self: Value, memo: dict[Any, Any]) -> Value:
    """The node, and all that it was computed from: `copy.deepcopy`."""

    def field(x: Any) -> Any:
        if isinstance(x, Value):
            return memo[id(x)]
        if type(x) is tuple and id(x) not in memo:  # the neurons of a layer share theirs
            memo[id(x)] = tuple([memo[id(v)] if isinstance(v, Value) else v for v in x])
        return memo[id(x)] if type(x) is tuple else x

    order = topological_order(self, seen=memo.setdefault(Value, set()))
    for node in order:
        memo[id(node)] = copied = _empty(type(node))
        _fill(copied, ([field(x) for x in _fields(node)], None))
    for node in order:  # which may refer to each other
        state = _state(node)
        if state is not None:
            _fill(memo[id(node)], ([], copy.deepcopy(state, memo)))
    result: Value = memo[id(self)]
    return result


# Pickles


class _Pickling:
    """The nodes that one pickler has met. It lives as long as the pickler, whose memo holds it.

    A pickler asks each node once for its parts. The first node that it asks makes it write a list
    of all others, inputs first. So the inputs of a node are always written before the node.

    Whether it is still the same pickler can't be known for sure, and need not be: if a node is
    asked a second time, or before its inputs, the pickler is taken for a new one.
    """

    def __init__(self) -> None:
        self.met: set[Value] = set()
        self.waiting: set[Value] = set()  # those in the list that have not been asked yet

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, ()  # not needed when the pickle is read


class _Here(threading.local):
    pickling: Callable[[], Any] = staticmethod(lambda: None)  # a weak reference


_here = _Here()


def _reduce(self: Value, protocol: Any = None) -> Any:
    """What `pickle` writes: an empty node, and then its parts."""
    if type(self).__reduce__ is not object.__reduce__:
        return self.__reduce__()
    pickling = _here.pickling()
    if pickling is not None and self in pickling.waiting:
        pickling.waiting.remove(self)
        if pickling.waiting.isdisjoint(self.inputs):
            return _parts(self, None)
    if pickling is None or self in pickling.met:
        pickling = _Pickling()
        _here.pickling = weakref.ref(pickling)
    below = topological_order(self, seen=pickling.met)[:-1]
    pickling.waiting.update(below)
    return _parts(self, (pickling, below))


def _parts(node: Value, below: Any) -> tuple[Any, ...]:
    return _empty, (type(node),), (below, _fields(node), _state(node)), None, None, _fill


def _empty(kind: type[Value]) -> Value:
    node: Value = new(kind)
    return node


def _reduce_primitive(self: Primitive) -> Any:
    """A row of the table by its name; a user's own by the name of its function."""
    if self in BUILT_IN:
        return BUILT_IN[self]
    function: Any = self.function
    module, name = place_of(function)
    if name:
        return _own, (module, name, function.rows.index(self))
    raise pickle.PicklingError(
        f"the primitive {self.symbol!r} can't be pickled: a node goes with a reference to its "
        f"function, which no name at the top of the module {module!r} stands for. Write "
        f"{self.symbol} = autograd.primitive(...) there"
    )


def place_of(function: Any) -> tuple[str, str]:
    """The module of a function, and the name that the function has there; "" if it has none."""
    module = getattr(function, "__module__", "")
    names = list(vars(sys.modules.get(module, primitives)).items())
    return module, next((name for name, x in names if x is function), "")


def _own(module: str, name: str, row: int) -> Primitive:
    function = getattr(importlib.import_module(module), name, None)
    rows = getattr(function, "rows", None)
    if rows is None:
        raise pickle.UnpicklingError(
            f"{module}.{name} is no primitive any more, as autograd.primitive makes them: the "
            "pickle holds a node that was computed by it"
        )
    primitive: Primitive = rows[row]
    return primitive


Value.__copy__, Value.__deepcopy__, Value.__reduce_ex__ = _copy, _deepcopy, _reduce  # type: ignore
name_methods(Value)  # now that it has all of them
name_methods(Refusals)
Primitive.__reduce__ = _reduce_primitive  # type: ignore
