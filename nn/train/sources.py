"""Where batches come from: arrays, or a user's own source if n is too large for memory."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..arrays import Array, check_examples, check_text
from ..model.likelihoods import Loss, likelihood_of
from ..model.module import Module
from .batches import RowError, Span, floats, spread
from .examples import Check, Examples

Pairs = Iterable[tuple[Any, Any]]
Source = Callable[[int], Pairs] | Pairs  # batches (X, y), by the epoch 1, 2, ..., or each time anew


class Stream:
    """Batches from a user's own source, which is gone through once in every epoch.

    Args:
        source: a function of the epoch 1, 2, ... that gives an iterator of batches, or anything
            that can be iterated over again and again. A batch is a pair (X, y).

    Raises:
        TypeError: ``source`` is neither.
    """

    def __init__(self, source: Any) -> None:
        if hasattr(source, "__next__"):
            raise TypeError(
                f"{source!r} is an iterator, used up after one epoch: give a function of the epoch "
                "that makes one, such as the generator function itself, `def source(epoch): ...`"
            )
        if isinstance(source, type):
            raise TypeError(f"a source must not be a class, but one made of it, got {source!r}")
        if not hasattr(source, "__iter__"):
            try:
                inspect.signature(source).bind(1)
            except TypeError:
                raise TypeError(
                    "a source must be a function of the epoch 1, 2, ...: def source(epoch): ..."
                ) from None
            except ValueError:  # one without a signature
                pass
        self._source = source
        self._opened: tuple[int, tuple[Array, Array], Iterator[Any]] | None = None

    def open(self, net: Module, loss: Loss, epoch: int) -> tuple[Any, Any]:
        """The first batch, checked.

        Raises:
            ValueError, TypeError: as in `Examples.open`; or there is no batch.
        """
        pairs = self._iterator(epoch)
        X, y = floats(*_pair(next(pairs, None), epoch))
        self._shape, self._check = (X.shape[1:], y.shape[1:]), Check(net, loss, X, ("X", "y"))
        self._check(X, y, range(len(X)))
        if likelihood_of(loss) is None:
            self._check.targets_of(y, spread(len(X)))
        self._opened, self._first = (epoch, (X, y), pairs), len(X)
        return X, y

    def updates(self, epoch: int) -> int | None:
        """How many batches an epoch has; None if the source does not say."""
        try:
            return len(self._source)
        except TypeError:
            return None

    def sizes(self, epoch: int) -> set[int]:
        """How many examples the first batch has; those of others are not known beforehand."""
        return {self._first}

    def spans(self, epoch: int, rng: np.random.Generator) -> Iterator[Span]:
        """The batches of an epoch, of whatever sizes.

        Raises:
            RowError: a batch is not a pair (X, y), or a row of it does not fit.
        """
        seen = 0
        for pair in self._again(epoch):
            try:
                X, y = floats(*_pair(pair, epoch))
                if (X.shape[1:], y.shape[1:]) != self._shape:
                    raise ValueError(
                        f"the batch has X {X.shape} and y {y.shape}, and the first one had rows "
                        f"of shapes {self._shape[0]} and {self._shape[1]}"
                    )
            except ValueError as error:
                raise RowError(str(error)) from None
            rows = range(seen, seen + len(X))
            self._check.as_read(X, y, rows)
            X, y = np.ascontiguousarray(X), np.ascontiguousarray(y)
            yield Span(X, y, np.arange(len(X)), rows, len(X))
            seen += len(X)
        if not seen:
            raise RowError(_no_batch(epoch))

    def fingerprint(self) -> str:
        """Tells a source from arrays; nobody can say whether it will give the same batches."""
        return "a source of batches"

    def _iterator(self, epoch: int) -> Iterator[Any]:
        source = self._source
        batches = source if hasattr(source, "__iter__") else source(epoch)
        if not hasattr(batches, "__iter__") or isinstance(batches, type):
            raise TypeError(
                f"source({epoch}) must give an iterator of batches (X, y), got {batches!r}: does "
                "it yield them?"
            )
        return iter(batches)

    def _again(self, epoch: int) -> Iterator[Any]:
        """The pairs of an epoch, the first of which may have been looked at."""
        opened, self._opened = self._opened, None
        if opened is None or opened[0] != epoch:
            yield from self._iterator(epoch)
        else:
            yield opened[1]
            yield from opened[2]


def source_of(X: Any, y: Any, batch_size: Any, epochs: int, shuffle: str) -> Examples | Stream:
    """What the arguments of `fit` mean.

    Raises:
        TypeError: an argument is missing, or superfluous.
        ValueError: an argument does not fit.
    """
    check_text("shuffle", shuffle, ("rows", "blocks"))
    gives = callable(X) or (hasattr(X, "__iter__") and not hasattr(X, "__array__"))
    if y is None and gives:
        if batch_size is not None:
            raise TypeError(
                "y is missing; or if X is a source of batches, batch_size is its own: leave it out"
            )
        if shuffle != "rows":
            raise TypeError("a source has an order of its own: leave shuffle out")
        return Stream(X)
    if callable(X):
        raise TypeError("a source gives the targets too, in pairs (X, y): leave y out")
    if y is None:
        raise TypeError("y, the targets, is missing")
    examples = check_examples(X, y)
    if batch_size is None:
        raise TypeError("batch_size is missing")
    return Examples(*examples, ("X", "y"), batch_size, epochs, shuffle)


def _pair(pair: Any, epoch: int) -> tuple[Any, Any]:
    """A batch as arrays.

    Raises:
        ValueError: it is none.
    """
    if pair is None:
        raise ValueError(_no_batch(epoch))
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(
            f"a source must give batches as pairs (X, y), got {type(pair).__name__}; for arrays, "
            "give X, y and batch_size"
        )
    return check_examples(*pair)


def _no_batch(epoch: int) -> str:
    return (
        f"the source gave no batch for epoch {epoch}. It must give all of them anew in every "
        "epoch, where an iterator is used up after one"
    )
