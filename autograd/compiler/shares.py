"""Rows that get several shares of a gradient: which ones, and the sums of their shares."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .expressions import Expr
from .sheet import Sheet

SEPARATE = 16  # so many sums of rows, each over another number of rows, are written one by one


class Runs(NamedTuple):
    """Places in an order in which those that belong together are neighbours.

    Attributes:
        order: the places.
        starts: where in it each row's places begin, ``(n,)``.
    """

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


Places = npt.NDArray[np.int64] | Runs


def each_once(rows: Sequence[int]) -> list[tuple[Sequence[int], Places | None]]:
    """The rows, each once, with the places at which it stood.

    Rows that stood at equally many places come together: ``(n, k)`` places for n rows. None in
    place of the places if each row stood there once already.
    """
    if len(set(rows)) == len(rows):
        return [(rows, None)]
    # As np.unique does, which imports masked arrays: a tenth of a second.
    order = np.argsort(rows, kind="stable")
    ordered = np.asarray(rows)[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    once, counts = ordered[starts], np.diff(starts, append=len(rows))
    different = sorted(set(counts.tolist()))
    if len(different) > SEPARATE:
        return [(once.tolist(), Runs(order, starts))]
    return [
        (once[counts == k].tolist(), order[starts[counts == k, None] + np.arange(k)])
        for k in different
    ]


def merged(sheet: Sheet, d: Any, places: Places | None) -> Any:
    """Rows of ``d`` added up: those at ``places``, ``(n, k)``, to n rows."""
    if places is None:
        return d
    if not is_long(d, axis=0):
        return d if isinstance(d, Expr) and d.is_condition else d * _times(sheet, places)
    if isinstance(places, Runs):
        taken = _rows(sheet, d, places.order)
        starts = sheet.constant(places.starts, "starts")
        total = sheet.m.make("reduceat", taken, starts, shape=(*starts.shape, d.shape[1]))
    else:
        n, k = places.shape
        if k == 1:
            return _rows(sheet, d, places[:, 0])
        if _is_run(places.ravel()):
            total = sheet.m.reshape(_rows(sheet, d, places.ravel()), (n, k, d.shape[1]))
            total = sheet.m.reduce("sum", total, 1)
        else:  # NumPy is faster along the first axis
            total = sheet.m.reshape(_rows(sheet, d, places.T.ravel()), (k, n, d.shape[1]))
            total = sheet.m.reduce("sum", total, 0)
    return total > 0.0 if d.is_condition else total


def _times(sheet: Sheet, places: Places) -> Any:
    """How many places each row has: a number, or a column of them."""
    if not isinstance(places, Runs):
        return float(places.shape[1])
    counts = np.diff(places.starts, append=len(places.order))
    return sheet.constant(counts[:, None].astype(float))


def _rows(sheet: Sheet, d: Expr, rows: npt.NDArray[np.int64]) -> Any:
    """Some rows of ``d``, or ``d`` itself."""
    whole = len(rows) == d.shape[0] and _is_run(rows)
    return d if whole else sheet.m.rows(d, sheet.index(rows))


def is_long(d: Any, axis: int) -> bool:
    """Whether ``d`` has more than one entry along an axis."""
    return isinstance(d, Expr) and d.shape[axis : axis + 1] not in ((), (1,))


def _is_run(rows: npt.NDArray[np.int64]) -> bool:
    """Whether they are neighbours, in order."""
    return len(rows) > 0 and bool((np.diff(rows) == 1).all())
