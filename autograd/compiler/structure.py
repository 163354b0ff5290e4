"""Programs are kept, by the structure of their graph.

A program depends neither on the numbers of inputs and parameters nor on which Values they are. So
networks of one architecture share a program, and it keeps no network alive.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import islice, repeat
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from ..copies import place_of
from ..primitives import Primitive
from ..value import Value
from ..vectors import are_leaves

Structure = tuple[Any, ...]

MOST, MANY = 2**26, 256  # bytes of programs that are kept, and how many

# In place of a node's place: a plain number. Before places: of an argument that is no vector, or a
# vector seen before; and of a node that is a constant.
NUMBER, SCALAR, SEEN, LEAF = -1, -1, -2, -3


def structure_of(
    roots: Sequence[Value], order: Sequence[Value], place: dict[Value, int], inputs: int
) -> Structure:
    """A key that is equal for graphs that can share a program.

    Primitives by identity; how nodes are wired, with the places of inputs and parameters;
    constants, and what is computed from them alone, by value; and labels, of which names are made.

    Args:
        roots: of the graph.
        order: all nodes except inputs and parameters, each after the nodes it is computed from.
        place: of inputs, parameters and the other nodes, 0, 1, ...
        inputs: how many of these are inputs.
    """
    find: Callable[..., int] = place.get
    leaves = len(place) - len(order)
    is_constant = [False] * leaves
    primitives: dict[Primitive, int] = {}
    # By identity, since a layer's neurons share their inputs: its place, and whether it is
    # constant.
    vectors: dict[int, tuple[int, bool]] = {}
    wiring, numbers = [leaves, inputs], array("d")
    for node in order:
        constant, primitive = True, node.primitive
        if primitive is None:
            wiring.append(LEAF)
        else:
            arguments = node.arguments
            wiring += primitives.setdefault(primitive, len(primitives)), len(arguments)
            for x in arguments:
                if type(x) is not tuple:
                    at = find(x, NUMBER)
                    wiring += SCALAR, at
                    if at == NUMBER:
                        numbers.append(x)
                    elif constant:
                        constant = is_constant[at]
                    continue
                seen = vectors.get(id(x))
                if seen:
                    wiring += SEEN, seen[0]
                    constant = constant and seen[1]
                    continue
                places = list(map(find, x, repeat(NUMBER)))
                wiring.append(len(x))
                wiring += places
                if NUMBER in places:
                    numbers.extend([v for v in x if not isinstance(v, Value)])
                fixed = all(at == NUMBER or is_constant[at] for at in places)
                constant = constant and fixed
                vectors[id(x)] = len(vectors), fixed
        if constant:
            numbers.append(node.data)
        is_constant.append(constant)
    wiring.extend([place[root] for root in roots])
    digest = blake2b()
    for part in (array("q", wiring), numbers):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    texts = map(attrgetter("label"), place)
    while some := list(islice(texts, 2**16)):
        digest.update(array("q", map(len, some)))
        digest.update("".join(some).encode("utf-8", "surrogatepass"))
    return digest.digest(), *primitives


_sound: WeakKeyDictionary[Any, list[Value]] = WeakKeyDictionary()  # parameters, by their owner


def are_sound(parameters: list[Value], owner: Any) -> bool:
    """Whether they are leaves, each given once; of an owner's this is found out but once."""
    if not are_leaves(parameters):
        return False
    # Lists of the same Values are equal without a look at them.
    known = _sound.get(owner) == parameters
    if not known and len(set(parameters)) == len(parameters):
        _sound[owner] = list(parameters)
        known = True
    return known


class Sized(Protocol):
    """An object that knows how much memory it takes."""

    size: int


T = TypeVar("T", bound=Sized)


class Kept(Generic[T]):
    """Programs by structure; the least recently used is dropped first.

    Args:
        most: how many bytes of them are kept.
        many: how many of them.

    Threads need no lock: each step is one operation of a dictionary; at worst, two threads make the
    same program.
    """

    def __init__(self, most: float = MOST, many: int = MANY) -> None:
        self._most, self._many = most, many
        self._by_key: dict[Structure, T] = {}  # the most recently used last

    def get(self, key: Structure) -> T | None:
        """The program for a structure, if it is still there."""
        found = self._by_key.pop(key, None)
        if found is not None:
            self._by_key[key] = found
        return found

    def items(self) -> list[tuple[Structure, T]]:
        """All that are kept, with their keys; the most recently used last."""
        return list(self._by_key.items())

    def drop(self, key: Structure) -> None:
        """Keep it no longer."""
        self._by_key.pop(key, None)

    def keep(self, key: Structure, made: T, primitives: Iterable[Primitive] = ()) -> None:
        """Keep it, and drop others if there are too many, or they take too much memory.

        A program with a primitive that can't be imported is not kept: the primitive may hold a
        network, and the next network would have a primitive of its own.
        """
        own = [row.function for row in primitives if row.function]
        if made.size > self._most or not all(place_of(function)[1] for function in own):
            return
        self._by_key[key] = made
        kept = self.items()
        size = sum([program.size for _, program in kept])
        for i, (old, program) in enumerate(kept):
            if size <= self._most and len(kept) - i <= self._many:
                break
            self._by_key.pop(old, None)
            size -= program.size
