"""Many Values at once, as the parameters of a network: read and set without a loop in Python."""

from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from .value import Value, real


def data_of(values: Sequence[Value]) -> npt.NDArray[np.float64]:
    """The numbers of many Values, ``(len(values),)``; ten times as fast as a loop."""
    kinds: set[type[Value]] = set(map(type, values))
    plain = all(kind.data is Value.data for kind in kinds)
    return np.fromiter(map(attrgetter("_data" if plain else "data"), values), float, len(values))


def are_values(values: Iterable[object]) -> bool:
    """Whether all of them are Values."""
    return all(issubclass(kind, Value) for kind in set(map(type, values)))


def are_leaves(values: Sequence[object]) -> bool:
    """Whether all are Values, and none is computed."""
    try:
        return not any(map(attrgetter("_primitive"), values))
    except AttributeError:
        return False


def assign(
    values: Sequence[Value],
    numbers: Sequence[float],
    *others: tuple[object, str, object],
    name: str = "data",
) -> None:
    """Set the data of Values: of all of them or of none, even if Ctrl-C is pressed.

    One call sets them all without running any Python code, so an interruption comes before it or
    after it (except in a subclass with a ``data`` property of its own).

    Args:
        values: the Values, ``(m,)``.
        numbers: their numbers, ``(m,)``.
        others: what else is to be set with them: ``(object, attribute, value)``.
        name: ``"grad"`` to set their gradients instead.

    Raises:
        TypeError: one of ``numbers`` is not a number. Nothing is set then.
        ValueError: there are more Values than numbers, or fewer.
    """
    if set(map(type, numbers)) != {float}:
        numbers = [real(number, name) for number in numbers]
    if len(numbers) != len(values):
        raise ValueError(f"there are {len(values)} Values, and {len(numbers)} numbers")
    kinds = {kind: getattr(kind, name) is getattr(Value, name) for kind in set(map(type, values))}
    if all(kinds.values()):
        names = [f"_{name}"] * len(values)
    else:
        names = [f"_{name}" if kinds[type(v)] else name for v in values]
    where = [*values, *[other[0] for other in others]]
    what = [*names, *[other[1] for other in others]]
    deque(map(setattr, where, what, [*numbers, *[other[2] for other in others]]), maxlen=0)
