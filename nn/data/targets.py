"""What a table's target says: classes or numbers, and with that which loss fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd.show.notation import printable, shortened
from autograd.value import short_repr

from ..arrays import Array
from ..model.likelihoods import Likelihood, likelihood_for
from .alike import told_apart
from .cells import FEW, MOSTLY, Cells, is_missing
from .kinds import word

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Attributes:
        classes: their names; empty for numbers.
        y: the class of each row, or its number, ``(n,)``.
        rows: those that have a target.
        said: what is said of it, and how to choose otherwise.
    """

    classes: tuple[str, ...]
    y: npt.NDArray[Any]
    rows: Rows
    said: str

    def is_note(self, others: Iterable[Cells]) -> bool:
        """Whether the last row seems a note: a class of its own, and all other cells missing."""
        alone = len(self.classes) > 0 and np.count_nonzero(self.y == self.y[-1]) == 1
        last = self.rows[-1]
        return alone and all(of.missing[-1] and last == len(of.missing) - 1 for of in others)


def target_of(
    cells: Cells, likelihood: Likelihood | None, table: str, places: Sequence[int]
) -> Target:
    """The target in a column of texts.

    Args:
        cells: the column.
        likelihood: the row of the loss that is wanted, or None.
        table: its name, for errors.
        places: the rows' numbers in it.

    Raises:
        ValueError: there is nothing to predict in it, or what the loss is not for.
    """
    assert cells.codes is not None
    where, numbers = f"{table}, column {cells.name!r}", cells.as_numbers
    rows = np.flatnonzero(~cells.missing)
    if not len(rows):
        raise ValueError(f"{where}: all cells are empty, so there is nothing to predict")
    wants_numbers = likelihood is not None and likelihood.takes(0)
    if likelihood is not None and wants_numbers and numbers.gaps > len(rows) / 2:
        listed = ", ".join(map(short_repr, shortened(numbers.odd, most=4)))
        raise ValueError(
            f"{where} holds words ({listed}), and {likelihood.loss.__name__} is for "
            f"{likelihood.targets}: leave the loss away, and they are classes"
        )
    if numbers.odd and (wants_numbers or cells.are_numbers):
        raise ValueError(f"{_odd(cells, table, places)}. Mend it, or leave the row out")
    numeric, values = cells.are_numbers or wants_numbers, numbers.values[rows]
    words = {word(text) for text in cells.texts if not is_missing(text)}
    found: list[Any] = np.unique(values).tolist() if numeric else sorted(words)
    if len(found) == 1:
        empty = sorted({text for text in cells.texts if text and is_missing(text)})
        missing = f" ({', '.join(map(repr, empty))} counts as missing)" if empty else ""
        same = short_repr(cells.texts[cells.codes[rows[0]]])
        raise ValueError(
            f"{where}: all {len(rows)} rows say {same}{missing}. "
            "There is nothing to tell apart: two different ones or more are needed"
        )
    whole = numeric and bool((values == np.floor(values)).all())
    many = len(found) > max(2, len(rows) // 2)
    looks_continuous = numeric and (not whole or len(found) > FEW or many)
    if wants_numbers or (likelihood is None and looks_continuous):
        written = f" {numbers.said}" if numbers.said else ""
        return Target((), values, rows, _said(found, False, likelihood, written))
    if likelihood is not None and not likelihood.takes(len(found)):
        raise ValueError(
            f"{where} has {len(found)} classes, and {likelihood.loss.__name__} is for "
            f"{likelihood.targets}"
        )
    if many and 0 < numbers.gaps <= len(rows) / 2:
        raise ValueError(
            f"{_odd(cells, table, places)}, as most cells of the column are. Mend it, or make it "
            "an empty cell: rows without a target are left out. In all, so many cells are no "
            f"numbers: {numbers.gaps}"
        )
    if many and cells.long:
        raise ValueError(
            f"{where} has whole numbers of more digits than floats have, as {cells.long[0]}: they "
            f"are taken for names, and {len(found)} different ones in {len(rows)} rows are too "
            "many to be classes. To predict them as numbers, rounded, say --loss gaussian, in "
            "Python loss=gaussian_nll"
        )
    if many:
        raise ValueError(
            f"{where} has {len(found)} different words in {len(rows)} rows: too many to be "
            f"classes{cells.in_several_units}. Is it another column that you mean?"
        )
    classes, y = _classes(cells, rows, values if numeric else None, found)
    return Target(classes, y, rows, _said(classes, whole, likelihood) + _doubt(cells))


def _odd(cells: Cells, table: str, places: Sequence[int]) -> str:
    """The first cell that is there and no number, for errors."""
    assert cells.codes is not None
    first = int(np.argmax(np.isnan(cells.as_numbers.values) & ~cells.missing))
    said = short_repr(cells.texts[cells.codes[first]])
    return f"{table}, row {places[first]}, column {cells.name!r}: {said} is not a finite number"


def _doubt(cells: Cells) -> str:
    """What is said of classes that may be none: words among numbers, and words written twice."""
    numbers, doubts = cells.as_numbers, ""
    if 0 < numbers.gaps <= (~cells.missing).sum() / 2:
        odd = ", ".join(map(short_repr, shortened(numbers.odd)))
        doubts += f" (is {odd} an answer, among numbers? If it says nothing, make it an empty cell)"
    return doubts + told_apart(numbers.odd)


def tells(cells: Cells, target: Target) -> bool:
    """Whether a column alone says what the target is. A few of its cells may be missing.

    It may be the target in other words, or in another unit, which is not known beforehand. A word
    that stands in one row alone does not count.
    """
    there = ~cells.missing[target.rows]
    rows, y = target.rows[there], target.y[there]
    if len(rows) < MOSTLY * len(there):
        return False
    if not target.classes:
        return cells.are_numbers and _are_a_line(cells.as_numbers.values[rows], y)
    column = cells.as_numbers.values if cells.codes is None else cells.codes
    _, codes, counts = np.unique(column[rows], return_inverse=True, return_counts=True)
    again, words = counts[codes] > 1, len(counts)
    pairs = len(np.unique(codes.astype(np.int64) * len(target.classes) + y))
    return pairs == words and len(np.unique(y[again])) > 1 and words < len(y) / 4


def _are_a_line(x: Array, y: Array) -> bool:
    """Whether y is a x + b, up to what rounding takes away; where there are few, exactly."""
    if len(x) < 10:
        return len(x) > 2 and _correlation(x, y) > 1 - 1e-12
    far = np.abs(x - np.median(x))
    inner = far <= np.median(far)  # so that it does not hang on a few that are far away
    return min(_correlation(x, y), _correlation(x[inner], y[inner])) > 1 - 1e-4


def _correlation(x: Array, y: Array) -> float:
    """How nearly y is a x + b, up to 1; nan if x or y are all alike."""
    x, y = x - x.mean(), y - y.mean()
    with np.errstate(all="ignore"):
        return float(abs(x @ y) / np.sqrt((x @ x) * (y @ y)))


def _classes(
    cells: Cells, rows: Rows, values: Array | None, found: Sequence[Any]
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The classes by name, and the class of each row.

    A number is one class however it is written, 1 or 1.0; its name is as it is first written.
    """
    assert cells.codes is not None
    codes = cells.codes[rows]
    if values is None:
        index = {key: k for k, key in enumerate(found)}
        y = np.array([index.get(word(text), -1) for text in cells.texts])[codes]
    else:
        y = np.searchsorted(np.array(found), values)
    _, first = np.unique(y, return_index=True)
    return tuple(cells.texts[codes[i]] for i in first), y.astype(np.int64)


def _said(
    found: Sequence[Any], whole: bool, likelihood: Likelihood | None, written: str = ""
) -> str:
    """What the target is taken for, and how to choose otherwise."""
    classes = found if found and isinstance(found[0], str) else ()
    if classes:
        what = f"{len(classes)} classes: {', '.join(map(printable, shortened(classes, most=8)))}"
    else:
        what = f"numbers{written}, {len(found)} different ones"
    if likelihood is not None:
        return f"{what}; as {likelihood.loss.__name__}, which was asked for, takes them"
    chosen = f"{what}; so the loss is {likelihood_for(len(classes)).loss.__name__}"
    if classes and whole:
        return f"{chosen} (to predict a number: --loss gaussian)"
    return chosen if classes or len(found) > 50 else f"{chosen} (for classes: --loss categorical)"
