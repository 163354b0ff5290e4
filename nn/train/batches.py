"""Mini-batches."""

import numpy as np
import numpy.typing as npt

from ..arrays import check_batch_size, check_generator


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
        ValueError: ``batch_size`` is not a whole number from 1 to ``n``.
        TypeError: ``rng`` is not a generator.

    >>> [len(batch) for batch in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4]
    """
    check_batch_size(batch_size, n)
    check_generator(rng)
    order = rng.integers(n, size=n) if replacement else rng.permutation(n)
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    return batches[: n // batch_size] if drop_last else batches
