"""Examples in arrays, in memory or in a mapped file: checked, and cut into batches.

Arrays in memory are checked before a training starts. A mapped file is read batch by batch, and
checked as it is read.
"""

import hashlib
import mmap
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import (
    Array,
    check_all_finite,
    check_batch_size,
    check_examples,
    check_takes,
    check_whole,
)
from ..model.likelihoods import Loss, likelihood_of
from ..model.module import Module, structure_of
from .batches import Parts, RowError, Span, floats, permutation, spread
from .recording import loss_of

AT_ONCE = 2**20  # bytes of batches to prepare together
PART = 2**23  # bytes to check, or to evaluate, together
MAPPED = 2**26  # bytes to read of a mapped file before its pages are released


class Examples:
    """Inputs and targets in arrays of any kind; batches are made floats, and never all of them.

    Args:
        X: inputs, ``(n, d_0)``.
        y: targets, ``(n,)`` or ``(n, d_L)``.
        names: what errors call them.
        batch_size: a number, or a schedule of the epoch 1, 2, ..., capped at n.
        epochs: how many there will be.
        shuffle: the order of the batches, as in `fit`.

    Raises:
        ValueError: ``X`` and ``y`` do not go together, or ``batch_size`` does not fit.
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        names: tuple[str, str] = ("X", "y"),
        batch_size: int | Callable[[int], int] = 1,
        epochs: int = 1,
        shuffle: str = "rows",
    ) -> None:
        X, y = check_examples(X, y, names)
        self._maps = [found for found in map(_mapped, (X, y)) if found is not None]
        self.X, self.y = X, y
        self._names, self._shuffle = names, shuffle
        self._sizes = _batch_sizes(batch_size, epochs, len(X))
        self._width = 8 * (X.shape[1] + y[0].size)  # bytes of an example as floats
        self._read = 0  # bytes read since pages were released

    def open(self, net: Module, loss: Loss, epoch: int) -> tuple[Any, Any]:
        """The examples, after all checks that can be made before the training.

        Raises:
            ValueError: a number is not finite, or a target, or a row of X, does not fit.
            TypeError: the loss of an example is not a Value.
        """
        check = self._check = Check(net, loss, self.X, self._names)
        n = len(self.X)
        in_memory = _mapped(self.X) is None, _mapped(self.y) is None
        for rows in self._cuts():
            cut = slice(rows.start, rows.stop)
            if in_memory[0]:
                check.inputs(np.asarray(self.X[cut], dtype=float), rows)
            if in_memory[1]:
                check.targets(np.asarray(self.y[cut], dtype=float), rows)
        if not in_memory[1]:
            check.targets(np.asarray(self.y[spread(n)], dtype=float), spread(n))
        if likelihood_of(loss) is None:
            self._check.targets_of(self.y, spread(n))
        return self.X, self.y

    def updates(self, epoch: int) -> int | None:
        """How many updates an epoch has."""
        return len(self.X) // self._sizes[epoch - 1]

    def sizes(self, epoch: int) -> set[int]:
        """How many examples the batches have, from an epoch on."""
        return set(self._sizes[epoch - 1 :])

    def spans(self, epoch: int, rng: np.random.Generator) -> Iterator[Span]:
        """The batches of an epoch, all of one size.

        Raises:
            RowError: a row of a mapped file does not fit.
        """
        b, n = self._sizes[epoch - 1], len(self.X)
        self.X, self.y = map(_by_rows, (self.X, self.y))
        # If rows are read in random order, reading ahead is of no use.
        self._advise("MADV_RANDOM" if self._shuffle == "rows" else "MADV_NORMAL")
        order = permutation(n, rng, self._shuffle)[: n // b * b]
        many = b * max(1, AT_ONCE // (b * self._width))
        for start in range(0, len(order), many):
            rows = order[start : start + many]
            if _are_floats(self.X) and _are_floats(self.y) and not self._maps:
                yield Span(self.X, self.y, rows, rows, b)
                continue
            X, y = self.take(rows)
            if not self._maps:
                yield Span(X, y, np.arange(len(rows)), rows, b)
                continue
            for cut in [slice(i, i + b) for i in range(0, len(rows), b)]:
                self._check.as_read(X[cut], y[cut], rows[cut])
                yield Span(X[cut], y[cut], np.arange(b), rows[cut], b)

    def parts(self) -> Parts:
        """All examples in order, some at a time.

        Raises:
            RowError: as in `batches`.
        """
        for rows, X, y in self._parts():
            if self._maps:
                self._check.as_read(X, y, rows)
            yield X, y

    def fingerprint(self) -> str:
        """A fingerprint, to tell these examples from others."""
        digest = hashlib.sha256(repr((self.X.shape, self.y.shape)).encode())
        for array in (self.X, self.y):
            for rows in self._cuts():
                digest.update(np.ascontiguousarray(array[rows.start : rows.stop], float).data)
                self._let_go(len(rows) * self._width)
        return digest.hexdigest()

    def take(self, rows: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        """Some examples as floats."""
        self._let_go(len(rows) * self._width)
        return floats(_rows_of(self.X, rows), _rows_of(self.y, rows))

    def _parts(self) -> Iterator[tuple[range, Array, Array]]:
        self._advise("MADV_NORMAL")
        for rows in self._cuts():
            self._let_go(len(rows) * self._width)
            cut = slice(rows.start, rows.stop)
            yield rows, *floats(self.X[cut], self.y[cut])

    def _cuts(self) -> Iterator[range]:
        n, many = len(self.X), max(1, min(1024, PART // self._width))
        return (range(start, min(start + many, n)) for start in range(0, n, many))

    def _let_go(self, reading: int) -> None:
        """Release the pages of a mapped file, now and then.

        They stay in the system's cache while there is room, but no longer count as this program's.
        """
        self._read += reading
        if self._maps and self._read > MAPPED:
            self._read = 0
            self._advise("MADV_DONTNEED")

    def _advise(self, option: str) -> None:
        """Tell the system how mapped files are read, if it has a way to."""
        for array in self._maps:
            if array.mode != "c" and hasattr(mmap, option):  # "c": changes would be lost
                array.base.madvise(getattr(mmap, option))


class Check:
    """What an example must be for a network and its loss."""

    def __init__(self, net: Module, loss: Loss, X: Any, names: tuple[str, str]) -> None:
        self._loss, self._names = loss, names
        check_all_finite(np.asarray(X[:1], dtype=float), names[0], [0])
        self._net, self._first = net, np.asarray(X[0], dtype=float)
        structure = structure_of(net, list(net.parameters()), self._first[None])
        if structure is not None:
            self._outputs = structure.outputs
        else:
            self._outputs = len(self._a) if hasattr(self._a, "__len__") else 1

    @cached_property
    def _a(self) -> Any:
        """The outputs for the first example."""
        try:
            return self._net(self._first.tolist())
        except ValueError as error:
            raise ValueError(f"{self._names[0]} does not fit the network: {error}") from error

    def __call__(self, X: Array, y: Array, rows: Any) -> None:
        """Raise unless all rows fit; ``rows`` are their places.

        Raises:
            ValueError: one does not.
        """
        self.inputs(X, rows)
        self.targets(y, rows)

    def inputs(self, X: Array, rows: Any) -> None:
        """The inputs alone."""
        check_all_finite(X, self._names[0], rows)

    def targets(self, y: Array, rows: Any) -> None:
        """The targets alone; a user's own loss shows only when called which targets do not fit."""
        check_all_finite(y, self._names[1], rows)
        likelihood = likelihood_of(self._loss)
        if likelihood is not None:
            for i in np.flatnonzero(~likelihood.fits(y, self._outputs)).tolist():
                self._try(y[i], int(rows[i]))

    def as_read(self, X: Array, y: Array, rows: Any) -> None:
        """The same during the training.

        Raises:
            RowError: one does not.
        """
        try:
            self(X, y, rows)
        except ValueError as error:
            raise RowError(str(error)) from None

    def targets_of(self, y: Any, rows: range) -> None:
        """Try a user's own loss on every different target in some rows."""
        some = np.asarray(y[rows.start : rows.stop : rows.step], dtype=float)
        _, first = np.unique(some, axis=0, return_index=True)
        for k in first.tolist():
            self._try(some[k], rows[k])

    def _try(self, target: Any, i: int) -> None:
        try:
            loss_of(self._loss, self._a, target.tolist(), i, f"{self._names[1]} of ")
        except ValueError as error:
            raise ValueError(f"{self._names[1]}[{i}] does not fit the loss: {error}") from None


def _batch_sizes(batch_size: int | Callable[[int], int], epochs: int, n: int) -> list[int]:
    """The batch size of each epoch; a schedule's is capped at n."""
    if not callable(batch_size):
        check_batch_size(batch_size, n)
        return [int(batch_size)] * epochs
    check_takes("batch_size", batch_size, "epoch")
    sizes = []
    for epoch in range(1, epochs + 1):
        b = batch_size(epoch)
        try:
            check_whole("batch_size", b)
        except ValueError as error:
            raise ValueError(f"{error} in epoch {epoch}") from None
        sizes.append(min(int(b), n))
    return sizes


def _by_rows(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, or a copy in which the numbers of a row lie side by side; never of a mapped file.

    Numbers far apart would be gathered one by one.
    """
    if _mapped(array) is None and array.ndim == 2 and array.strides[1] != array.itemsize:
        return np.ascontiguousarray(array)
    return array


def _rows_of(array: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Some rows; `take` would copy the whole of an array with gaps, and an index is slower."""
    return array.take(rows, axis=0) if array.flags.c_contiguous else array[rows]


def _are_floats(array: npt.NDArray[Any]) -> bool:
    """Whether they are floats of Python's kind, those of an example side by side."""
    return array.dtype == np.float64 and array.dtype.isnative and array.flags.c_contiguous


def _mapped(array: Any) -> Any:
    """The whole mapped file that an array is part of; None if it is in memory."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
            return array
        array = array.base
    return None
