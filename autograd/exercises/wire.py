"""What crosses between the process of a student's code and the one that judges it.

Each side has a `Peer`. Numbers, text, lists, dictionaries and arrays cross as plain data, as JSON,
and are made anew on the other side; so are graphs of `autograd.Value`, node by node, and random
generators, by their state. Whatever else a student's code gives, a function, an object, a class,
an iterator, stays where it is: a stand-in crosses, whose calls, operators, attributes and
iteration are asked for, one message each.

What comes is not trusted: it is made into plain types alone, and anything else is `DamagedError`.
"""

import base64
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from autograd import Value, topological_order
from autograd.copies import BUILT_IN
from autograd.primitives import FLOATS, Primitive
from autograd.value import record

from .comparing import holes_in, is_unfinished
from .stand_ins import class_of, function_of, object_of, reference_of

MOST_ENTRIES = 1 << 20
DEEPEST = 40  # of lists in lists
LONGEST = 1 << 17  # bits of an integer, and characters of what a student's code has to say
KINDS = "biufc"  # of arrays: those of numbers
NAMED = {name: row for row, name in BUILT_IN.items()}

# What a stand-in can be asked for beside attributes, if the thing itself can do it.
BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
OTHERS = [
    "lt", "le", "gt", "ge", "eq", "neg", "pos", "abs", "float", "int", "index", "bool", "len",
    "getitem", "setitem", "delitem", "contains", "iter", "next", "call", "array",
]  # fmt: skip
METHODS = [f"__{before}{name}__" for before in ("", "r", "i") for name in BINARY] + [
    f"__{name}__" for name in OTHERS
]
ALWAYS = ["__repr__", "__str__", "__getattr__", "__setattr__"]


class DamagedError(Exception):
    """What came is no message."""


class Peer:
    """One side: what it has sent and got, by number, and how things become data and back.

    ``do(number, method, args, kwargs)`` asks the other side.
    """

    def __init__(self, do: Callable[..., Any], only_functions: bool = False) -> None:
        self._do = do
        self.only_functions = only_functions  # may the other side do more than call?
        self._mine: list[Any] = []
        self._theirs: dict[int, Any] = {}
        self._references: dict[int, tuple[str, int]] = {}  # by id; both tables keep things alive

    def thing(self, number: Any) -> Any:
        """What was sent under a number."""
        if type(number) is not int or not 0 <= number < len(self._mine):
            raise DamagedError(f"it asks for number {number!r}")
        return self._mine[number]

    # Out

    def encode(self, x: Any, depth: int = 0) -> Any:
        """Something as JSON: itself, or a list that begins with its kind."""
        if x is None or type(x) in (bool, float):
            return x
        if id(x) in self._references:
            return list(self._references[id(x)])
        reference = reference_of(x)
        if reference is not None:
            return ["yours", reference]
        if isinstance(x, int) and not isinstance(x, bool):
            return self._integer(int.__int__(x))
        if isinstance(x, str):
            if str.__len__(x) > LONGEST:
                raise ValueError("a text is too long to be looked at")
            return str.__str__(x)
        if x is ...:
            return ["..."]
        if isinstance(x, np.generic | np.ndarray):
            return self._array(x, depth)
        if isinstance(x, float):
            return float.__float__(x)
        if isinstance(x, complex):
            return ["complex", x.real, x.imag]
        if type(x) is Fraction:
            return ["fraction", self._integer(x.numerator), self._integer(x.denominator)]
        if depth < DEEPEST:
            for kind in (list, tuple, set, frozenset):
                if isinstance(x, kind):
                    entries = _entries(kind, x)
                    return [kind.__name__, [self.encode(v, depth + 1) for v in entries]]
            if isinstance(x, dict):
                pairs = [
                    [self.encode(k, depth + 1), self.encode(dict.__getitem__(x, k), depth + 1)]
                    for k in _entries(dict, x)
                ]
                return ["dict", pairs]
            if isinstance(x, range):
                return ["range", *map(self._integer, (x.start, x.stop, x.step))]
        if isinstance(x, Value):
            return self._graph(x)
        if isinstance(x, np.random.Generator):
            return ["generator", self._add(x), self.encode(x.bit_generator.state)]
        return self._reference(x)

    def _integer(self, x: int) -> Any:
        if x.bit_length() > LONGEST:
            raise ValueError("an integer is too large to be looked at")
        return x if x.bit_length() < 64 else ["int", hex(x)]

    def _array(self, x: Any, depth: int) -> Any:
        if x.dtype.kind not in KINDS or x.dtype.itemsize > 16:
            if x.dtype.kind == "O" and isinstance(x, np.ndarray) and x.ndim:
                return ["objects", self.encode(x.tolist(), depth + 1)]
            if x.dtype.kind == "U" and not x.ndim:  # a text, as np.select gives it
                return self.encode(x.item(), depth + 1)
            return self._reference(x)
        x = np.asarray(x) if isinstance(x, np.ndarray) else x
        data = base64.b64encode(x.tobytes()).decode("ascii")
        scalar = isinstance(x, np.generic)
        return ["scalar" if scalar else "array", x.dtype.str, list(x.shape), data]

    def _add(self, x: Any) -> int:
        self._mine.append(x)
        self._references[id(x)] = ("mine", len(self._mine) - 1)
        return len(self._mine) - 1

    def _reference(self, x: Any) -> Any:
        if self.only_functions and not callable(x):
            raise TypeError(f"an object of type {type(x).__name__} can't be handed to a submission")
        if inspect.isclass(x):
            holes = [[name, self._add(f)] for _, name, f in holes_in([x])]
            return ["class", self._add(x), x.__name__, holes]
        if inspect.isfunction(x) or self.only_functions:
            name = str(getattr(x, "__name__", "f"))
            return ["function", self._add(x), name, is_unfinished(x)]
        kind = type(x)
        can = [name for name in METHODS
               if getattr(kind, name, None) not in (None, getattr(object, name, None))]  # fmt: skip
        return ["object", self._add(x), kind.__name__, can]

    def _graph(self, root: Value) -> Any:
        """The nodes that have not crossed yet, inputs first, and the root's reference."""
        nodes = []
        for v in topological_order(root):
            if id(v) not in self._references:
                row = None if v.primitive is None else self._primitive(v.primitive)
                args = [] if row is None else [self.encode(a) for a in v.arguments]
                nodes.append([self._add(v), v.data, str(v.label)[:100], row, args])
        return ["value", nodes, list(self._references[id(root)])]

    def _primitive(self, row: Primitive) -> Any:
        if row in BUILT_IN:
            return BUILT_IN[row]
        if id(row) in self._references:
            return list(self._references[id(row)])
        functions = [f for m in (FLOATS, None) for f in row.on(m)] + [row.function]
        number = self._add(row)
        return ["primitive", number, row.symbol, row.chooses, [*map(self.encode, functions)]]

    # In

    def decode(self, x: Any) -> Any:
        """What was encoded on the other side.

        Raises:
            DamagedError: nothing that `encode` gives.
        """
        try:
            return self._decoded(x, 0)
        except (
            ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError,
            RecursionError, MemoryError, ZeroDivisionError,
        ) as error:  # fmt: skip
            raise DamagedError(f"what it sent can't be used: {error}") from None

    def _decoded(self, x: Any, depth: int) -> Any:
        if x is None or type(x) in (bool, int, float, str):
            return x
        if type(x) is not list or not x or depth > 2 * DEEPEST:
            raise ValueError("unknown")
        kind, *rest = x
        if kind in ("list", "tuple", "set", "frozenset"):
            entries = [self._decoded(v, depth + 1) for v in rest[0]]
            return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](entries)
        if kind == "dict":
            return {self._decoded(k, depth + 1): self._decoded(v, depth + 1) for k, v in rest[0]}
        return _DECODERS[kind](self, *rest)

    def _got(self, number: Any, thing: Any) -> Any:
        if type(number) is not int:
            raise ValueError("no number")
        self._theirs[number] = thing
        if reference_of(thing) is None:
            self._references[id(thing)] = ("yours", number)
        return thing

    def _asking(self, number: Any) -> Callable[..., Any]:
        if type(number) is not int:
            raise ValueError("no number")
        return functools.partial(self._do, number)

    def _get_class(self, number: Any, name: str, holes: Any) -> Any:
        methods = {str(n): function_of(self._asking(k), k, str(n), True) for n, k in holes}
        return self._got(number, class_of(self._asking(number), number, name_of(name), methods))

    def _get_function(self, number: Any, name: str, unfinished: Any) -> Any:
        made = function_of(self._asking(number), number, name_of(name), bool(unfinished))
        return self._got(number, made)

    def _get_object(self, number: Any, name: str, can: Any) -> Any:
        methods = frozenset(can) & set(METHODS)
        return self._got(number, object_of(self._asking(number), number, name_of(name), methods))

    def _get_value(self, nodes: Any, root: Any) -> Any:
        for number, data, label, row, args in nodes:
            if row is None:
                v = Value(_float(data), label=str(label))
            else:
                args = [self._decoded(a, 0) for a in args]
                if not 1 <= len(args) <= 2:
                    raise ValueError("no arguments")
                v = record(self._get_row(row), *[p for a in args for p in (a, _data(a))])
                v.label = str(label)
            self._got(number, v)
        v = self._decoded(root, 0)
        if not isinstance(v, Value):
            raise ValueError("no Value")
        return v

    def _get_row(self, row: Any) -> Primitive:
        if isinstance(row, str):
            return NAMED[row]
        if row[0] != "primitive":
            known = self._decoded(row, 0)
            if not isinstance(known, Primitive):
                raise ValueError("no primitive")
            return known
        _, number, symbol, chooses, functions = row
        on = [self._decoded(f, 0) for f in functions]
        if not all(map(callable, on[:4])):
            raise ValueError("no functions")
        made = Primitive(
            name_of(symbol),
            lambda m: (on[0], on[1]) if m is FLOATS else (on[2], on[3]),
            bool(chooses),
        )
        made.function = on[4]
        self._got(number, made)
        return made

    def _get_generator(self, number: Any, state: Any) -> Any:
        rng = np.random.default_rng()
        rng.bit_generator.state = self._decoded(state, 0)
        return self._got(number, rng)


def _entries(kind: Any, x: Any) -> Any:
    """What is in a list, whatever the ``__iter__`` of a subclass does."""
    if kind.__len__(x) > MOST_ENTRIES:
        raise ValueError(f"a {kind.__name__} is too large to be looked at")
    return kind.__iter__(x)


def name_of(x: Any) -> str:
    """A name that a type can have."""
    if not isinstance(x, str) or "\0" in x:
        raise ValueError("no name")
    return x[:100]


def _float(x: Any) -> float:
    if type(x) not in (int, float):
        raise ValueError("no number")
    return float(x)


def _data(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(map(_data, x))
    return x.data if isinstance(x, Value) else _float(x)


def _get_array(dtype: Any, shape: Any, data: Any) -> Any:
    kind = np.dtype(str(dtype))
    if kind.kind not in KINDS or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("no array")
    raw = base64.b64decode(data, validate=True)
    if math.prod(shape) * kind.itemsize != len(raw):
        raise ValueError("an array of another size")
    return np.frombuffer(raw, kind).reshape(shape).copy()


def _get_range(*ends: Any) -> range:
    made = range(*ends)
    if len(made) > MOST_ENTRIES:
        raise ValueError("a range is too large to be looked at")
    return made


def _get_objects(peer: Peer, rows: Any) -> Any:
    return np.array(peer._decoded(rows, 0), dtype=object)


_DECODERS: Mapping[str, Callable[..., Any]] = {
    "mine": lambda peer, n: peer._theirs[n],
    "yours": lambda peer, n: peer.thing(n),
    "...": lambda peer: ...,
    "int": lambda peer, text: int(text, 16),
    "complex": lambda peer, a, b: complex(_float(a), _float(b)),
    "fraction": lambda peer, *parts: Fraction(*map(peer.decode, parts)),
    "range": lambda peer, *ends: _get_range(*map(peer.decode, ends)),
    "array": lambda peer, *parts: _get_array(*parts),
    "scalar": lambda peer, *parts: _get_array(*parts)[()],
    "objects": _get_objects,
    "class": Peer._get_class,
    "function": Peer._get_function,
    "object": Peer._get_object,
    "value": Peer._get_value,
    "generator": Peer._get_generator,
}
