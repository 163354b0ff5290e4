"""Mini-batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ..arrays import Array, check_batch_size, check_flag, check_generator, check_whole

BLOCK = 4096  # rows in a block, if blocks are shuffled
MOST = 4096  # examples to look at, if looking at all would take too long

Parts = Iterable[tuple[Array, Array]]  # inputs and targets, some rows at a time


class RowError(ValueError):
    """A row that can't be trained on, found during the training."""


class Batch(NamedTuple):
    """Examples to make an update of.

    Attributes:
        data: the examples, as the engine takes them.
        rows: their places in the user's data.
    """

    data: Any
    rows: Sequence[int] | npt.NDArray[np.int64]


class Span(NamedTuple):
    """Batches, one after another.

    Attributes:
        X, y: examples as floats, each example's numbers side by side.
        rows: which of them, batch after batch.
        places: of the same, the places in the user's data.
        size: examples in a batch.
    """

    X: Array
    y: Array
    rows: npt.NDArray[np.int64]
    places: Sequence[int] | npt.NDArray[np.int64]
    size: int

    @property
    def updates(self) -> int:
        """How many batches."""
        return len(self.rows) // self.size

    def examples(self) -> tuple[Array, Array]:
        """Its examples in order."""
        return self.X.take(self.rows, axis=0), self.y.take(self.rows, axis=0)


def minibatches(
    n: int,
    batch_size: int,
    rng: np.random.Generator,
    drop_last: bool = True,
    replacement: bool = False,
) -> list[npt.NDArray[np.int64]]:
    """One epoch of mini-batches: index arrays that cut a random permutation of 0 ... n - 1.

    Args:
        n: number of examples.
        batch_size: examples in a batch, b; 1 is pure SGD, n is gradient descent.
        rng: where the permutation comes from.
        drop_last: leave out the n mod b examples that do not fill a batch, so that there are
            floor(n/b) batches; otherwise they make a last, smaller one.
        replacement: draw every index independently instead, as theory often assumes.

    Raises:
        ValueError: ``n`` is not a positive whole number, ``batch_size`` not a whole number from
            1 to n, or ``drop_last`` or ``replacement`` not True or False.
        TypeError: ``rng`` is not a generator.

    >>> [len(batch) for batch in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4]
    """
    check_whole("n", n)
    check_batch_size(batch_size, n)
    check_generator(rng)
    check_flag("drop_last", drop_last)
    check_flag("replacement", replacement)
    order = rng.integers(n, size=n) if replacement else rng.permutation(n)
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    return batches[: n // batch_size] if drop_last else batches


def permutation(n: int, rng: np.random.Generator, shuffle: str) -> npt.NDArray[np.int64]:
    """The order of an epoch.

    Args:
        n: number of examples.
        rng: where it comes from.
        shuffle: ``"rows"`` for a random permutation, as in `minibatches`; ``"blocks"`` for blocks
            of 4,096 rows in random order, permuted within, which a disk reads faster.
    """
    if shuffle == "rows":
        return rng.permutation(n)
    blocks = [np.arange(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    return np.concatenate([rng.permutation(blocks[k]) for k in rng.permutation(len(blocks))])


def spread(n: int) -> range:
    """Which of n examples to look at: all, or some 4,096, evenly spread."""
    return range(0, n, -(-n // MOST))


def floats(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Inputs and targets as floats."""
    return np.asarray(X, dtype=float), np.asarray(y, dtype=float)
