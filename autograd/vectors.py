"""Many Values at once, as the parameters of a network: read and set without a loop in Python."""

from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from .value import Value, real


def data_of(values: Sequence[Value]) -> npt.NDArray[np.float64]:
    """The numbers of many Values, ``(len(values),)``; several times as fast as by `Value.data`."""
    usual = [v._data for v in values if v.__class__ is Value]
    if len(usual) == len(values):
        return np.fromiter(usual, float, len(usual))
    kinds: set[type[Value]] = set(map(type, values))
    plain = all(kind.data is Value.data for kind in kinds)
    return np.fromiter(map(attrgetter("_data" if plain else "data"), values), float, len(values))


def are_values(values: Iterable[object]) -> bool:
    """Whether all of them are Values."""
    return all(issubclass(kind, Value) for kind in set(map(type, values)))


def are_leaves(values: Sequence[object]) -> bool:
    """Whether all are Values, and none is computed."""
    try:
        for v in values:
            if v._primitive is not None:  # type: ignore[attr-defined]
                return False
    except AttributeError:
        return False
    return True


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


def set_labels(nodes: Iterable[Value], labels: Iterable[str]) -> None:
    """Give many Values their labels, which are strings: a check of each would take longer."""
    for v, name in zip(nodes, labels):
        v._label = name
