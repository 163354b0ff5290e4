"""The trainings that a grid of settings and some seeds stand for."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np

from ..arrays import check_seed, check_whole
from .trainings import Training


def trainings_of(grid: Any, seeds: Any) -> list[Training]:
    """All trainings to do, in the order of the grid, and for each combination in that of seeds.

    Args:
        grid: the values to try for each setting, by name.
        seeds: how many, or which.

    Raises:
        ValueError: ``grid`` or ``seeds`` does not fit.

    >>> [str(training) for training in trainings_of({"lr": [0.1, 1.0]}, seeds=2)]
    ['lr=0.1, seed=0', 'lr=0.1, seed=1', 'lr=1.0, seed=0', 'lr=1.0, seed=1']
    """
    if not isinstance(grid, Mapping):
        raise ValueError(f"grid must have the values to try by name, {{'lr': [...]}}, got {grid!r}")
    axes = [_values(name, values) for name, values in grid.items()]
    numbers = _seeds(seeds)
    return [
        Training({k: v for k, (_, v) in zip(grid, chosen)},
                 {k: text for k, (text, _) in zip(grid, chosen)}, seed)
        for chosen in product(*axes) for seed in numbers
    ]  # fmt: skip


def _values(name: Any, values: Any) -> list[tuple[str, Any]]:
    """The values to try for one setting, each with its text."""
    if name == "seed" or not isinstance(name, str):
        raise ValueError(f"grid must not have {name!r}: its names are those of settings, and seeds "
                         "are given by seeds=")  # fmt: skip
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"grid[{name!r}] must be a list of values to try, got {values!r}")
    if isinstance(values, Mapping):
        found = [(str(text), value) for text, value in values.items()]
    else:
        found = [_named(name, v.item() if isinstance(v, np.generic) else v) for v in values]
    if not found:
        raise ValueError(f"grid[{name!r}] has no values to try")
    for text, times in Counter(text for text, _ in found).items():
        if times > 1:
            raise ValueError(f"grid[{name!r}] has {text} more than once")
    return found


def _named(name: str, value: Any) -> tuple[str, Any]:
    """A value with its text."""
    text = value if isinstance(value, str) else getattr(value, "__qualname__", repr(value))
    if "<lambda>" in text or "<locals>" in text or " at 0x" in text:
        raise ValueError(
            f"grid[{name!r}] has {value!r}, which has no name to be shown by: give names to its "
            f"values, {{{name!r}: {{'a name': value, ...}}}}"
        )
    return text, value


def _seeds(seeds: Any) -> list[int]:
    if not isinstance(seeds, Iterable):
        check_whole("seeds", seeds)
        return list(range(seeds))
    found = list(seeds)
    for seed in found:
        check_seed(seed, "each of seeds")
    if not found or len(set(found)) < len(found):
        raise ValueError(f"seeds must hold one seed or more, each once, got {found}")
    return [int(seed) for seed in found]
