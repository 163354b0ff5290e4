"""From a file or a DataFrame to a data set."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from autograd.show.notation import printable, shortened

from ..arrays import Array, check_text
from ..model.likelihoods import Loss, known_likelihood
from .cells import DECIMAL_COMMA, Cells
from .columns import Column, inputs_of
from .csvfile import CsvFile
from .datasets import Dataset, parts_of, standardised
from .kinds import KINDS, kind_of, reason_against
from .targets import Target, target_of, tells
from .text import Source

ENDS = (".gz", ".csv", ".tsv", ".txt", ".data", ".dat", ".parquet", ".xlsx")  # of names


def table_data(
    source: Source,
    target: str,
    *,
    loss: Loss | None = None,
    without: Collection[str] = (),
    only: Collection[str] = (),
    kinds: Mapping[str, str] | None = None,
    missing: str = "fill",
    header: bool | None = None,
    test_size: float | None = None,
    seed: int = 0,
) -> Dataset:
    """A data set from a table as people have it: a file, or a DataFrame of pandas or polars.

    A file of text may have commas, semicolons, tabs, bars or spaces between cells, and be packed
    by gzip; .xlsx and .parquet files are read where their libraries are installed. Columns become
    inputs by what they hold: numbers as they are; words as an input for each, the rare ones
    together; True and False as 1 and 0; dates as numbers of their parts. What only numbers the
    rows, and words that differ from row to row, are left out. Empty cells, and ``NA``, ``n/a``,
    ``?``, ``.``, dashes, ``nan``, ``NaT``, ``NULL``, errors as ``#DIV/0!`` and such, are missing:
    in place of a number stands the median, and one more input says so. ``None`` and ``unknown`` may
    be answers: they are words. ``told`` of the result says what became of which column.

    The loss is inferred from the target: `bernoulli_nll` for two different words or whole numbers;
    `categorical_nll` for up to 10, or for more words; `gaussian_nll` for other numbers.

    Args:
        source: a path, or a DataFrame.
        target: the name of the column to predict. Rows that do not have it are left out.
        loss: the loss, where the inferred one is not what you want.
        without: columns to leave out.
        only: the columns to take, if not all.
        kinds: of columns, where they are not what they look like: "number", "truth", "date" or
            "words".
        missing: "fill" missing cells, or "drop" the rows that have one.
        header: whether the first row has the names of the columns; None: as it looks.
        test_size: the fraction of examples kept for testing; if not given, a fifth, but nothing of
            fewer than 10 examples: X_test and y_test are then empty.
        seed: of the split.

    Raises:
        ValueError: there is no such column, or none beside the target; a row is longer or shorter
            than the header (the error names it; the header is row 1); or ``loss`` does not fit the
            target.
        TypeError: ``source`` is neither a path nor a DataFrame, or ``kinds`` is not a dict.
        ModuleNotFoundError: what reads such a file is not installed.
        OSError: the file can't be read.
    """
    likelihood = None if loss is None else known_likelihood(loss)
    check_text("missing", missing, ("fill", "drop"))
    if not isinstance(kinds, Mapping | None):
        raise TypeError(f"kinds must be a dict, as {{'zip': 'words'}}, got {kinds!r}")
    file = CsvFile(source, header)
    (target,), without, only = _meant(file, [target]), _meant(file, without), _meant(file, only)
    kinds = dict(zip(_meant(file, kinds or {}), (kinds or {}).values()))
    _check_columns(file, [target, *without, *only, *kinds])
    for name, kind in kinds.items():
        check_text(f"the kind of {name!r}", kind, KINDS)
    if target in {*without, *kinds}:
        raise ValueError(
            f"{target!r} is the column to predict: it can't be left out, and what it is follows "
            "from the loss (--loss gaussian for a number)"
        )
    names = [name for name in file.header if name not in {target, *without}]
    names = [name for name in names if name in only] if only else names
    if not names:
        raise ValueError(f"{file.name} has no column beside the target {target!r}")
    as_texts = [target, *(name for name in names if kinds.get(name, "number") != "number")]
    places, cells = file.columns([target, *names], as_texts)
    name, notes, nameless = file.name, file.notes, file.nameless
    del file  # its text takes as much as the numbers
    _check_enough(name, len(places))
    totals = _totals(list(cells.values()))
    answers = target_of(cells.pop(target), likelihood, name, places)
    told = [("file", note) for note in notes] + [(f"{target} (to predict)", answers.said)]
    chosen, left_out = _chosen(cells, kinds, nameless)
    told += [(", ".join(shortened(who, most=6)), f"left out: {why}") for why, who in left_out]
    if not chosen:
        reasons = "; ".join(f"{', '.join(shortened(who))}: {why}" for why, who in left_out)
        advice = ". To take one all the same, say --as COLUMN=words or --as COLUMN=number"
        empty = all(column.missing.all() for column in cells.values())
        raise ValueError(
            f"{name} has no column left to predict {target!r} from ({reasons})"
            f"{'' if empty else advice}"
        )
    answers, dropped = _complete(answers, [cells[column] for column in chosen], missing)
    for n, why in ((len(places) - len(answers.rows) - dropped, f"{target!r} is missing"),
                   (dropped, "a cell is missing")):  # fmt: skip
        if n:
            told.append(("rows", f"{n} of {len(places)} left out, since in them {why}"))
    if totals and answers.rows[-1:] == len(places) - 1:
        listed = ", ".join(map(repr, shortened(totals)))
        what = f"row {places[-1]}, the last, has the sum of all above it in {listed}: a total? Then"
        told.append(("rows", f"{what} delete it"))
    _check_enough(name, len(answers.rows))
    if answers.is_note(cells.values()):
        what = f"row {places[-1]}, the last, has nothing but {target!r}, as no other row has it"
        told.append(("rows", f"{what}: a note below the table? Then delete it"))
    train, test = parts_of(answers.y, len(answers.classes), test_size, seed)
    columns = []
    for column, kind in chosen.items():
        try:
            columns.append(Column.learned(cells[column], KINDS[kind], answers.rows[train]))
        except ValueError as error:
            raise ValueError(f"{name}, column {column!r}: {error}") from None
    told += _grouped((one.name, one.said(cells[one.name], answers.rows)) for one in columns)
    if any(DECIMAL_COMMA.name in cells[column].as_numbers.way.name for column in chosen):
        unsure = [column for column in chosen if cells[column].have_three_decimals]
        told += [(", ".join(unsure), "points as in 3.456: between thousands? Then take them out")
                 for _ in unsure[:1]]  # fmt: skip
    X_train, X_test = (inputs_of(columns, cells, answers.rows[rows]) for rows in (train, test))
    told += [
        (
            column,
            f"alone tells {target!r} wherever it is given: known beforehand? If not, leave it out",
        )
        for column in chosen
        if tells(cells[column], answers)
    ]
    features = tuple(each for one in columns for each in one.inputs)
    return standardised(
        stem_of(name), (X_train, answers.y[train]), (X_test, answers.y[test]),
        answers.classes, features, target, loss, tuple(columns), tuple(told),
    )  # fmt: skip


def load_csv(
    path: str | os.PathLike[str],
    target: str,
    *,
    loss: Loss | None = None,
    test_size: float | None = None,
    seed: int = 0,
) -> Dataset:
    """A data set from a file: `table_data`, by an older name.

    Raises:
        ValueError: as in `table_data`; and so the others.
        TypeError: ``path`` is not the path of a file.
        ModuleNotFoundError: what reads such a file is not installed.
        OSError: the file can't be read.
    """
    return table_data(path, target, loss=loss, test_size=test_size, seed=seed)


def _meant(file: CsvFile, names: Iterable[object]) -> list[str]:
    """The columns that are meant by names, or by one alone; a DataFrame's may be numbers."""
    every = [names] if isinstance(names, str | int) else names
    return [file.meant_by(str(name)) for name in every]


def _check_columns(file: CsvFile, names: Iterable[str]) -> None:
    """Raise unless a file has all these columns."""
    for name in names:
        if name not in file.header:
            columns = ", ".join(map(printable, shortened(file.header, most=40)))
            place = file.row_with(name) if name else None
            has = f". Row {place} has it" if place else ""
            if place and place > 1:
                has += ": if the names stand there, delete the rows above it"
            raise ValueError(
                f"{file.name} has no column {name!r}. Its columns: {columns}{file.doubts}{has}"
            )


def _check_enough(name: str, n: int) -> None:
    """Raise unless there are rows for two parts."""
    if n < 2:
        rows = "one row" if n else "no row"
        raise ValueError(
            f"{name} has {rows} to be used: one to train on and one to test on are needed"
        )


def _chosen(
    cells: Mapping[str, Cells], kinds: Mapping[str, str], nameless: Collection[str]
) -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """The kinds of the columns that are taken; and why the others are not, with their names."""
    chosen: dict[str, str] = {}
    left_out: dict[str, list[str]] = {}
    for name, column in cells.items():
        kind = KINDS[kinds[name]] if name in kinds else kind_of(column)
        why = reason_against(column, kind, name in nameless)
        if why and not (name in kinds and column.missing.sum() < len(column.missing)):
            left_out.setdefault(why, []).append(name)
        else:
            chosen[name] = kind.name
    return chosen, list(left_out.items())


def _complete(answers: Target, cells: Sequence[Cells], missing: str) -> tuple[Target, int]:
    """The target in the rows that are to be taken, and how many are dropped for missing cells."""
    if missing == "fill" or not len(answers.rows):
        return answers, 0
    full = ~np.any([column.missing[answers.rows] for column in cells], axis=0)
    kept = Target(answers.classes, answers.y[full], answers.rows[full], answers.said)
    return kept, len(answers.rows) - len(kept.rows)


def _totals(columns: Sequence[Cells]) -> list[str]:
    """The columns whose last cell is the sum of those above, if most with numbers there are so."""
    numbers = [one for one in columns if one.are_numbers and not one.missing[-1]]
    found = [one.name for one in numbers if _ends_in_sum(one.as_numbers.values)]
    return found if 2 * len(found) > len(numbers) else []


def _ends_in_sum(values: Array) -> bool:
    """Whether the last number is the sum of the others, four or more, and larger."""
    above, last = values[:-1][~np.isnan(values[:-1])], values[-1]
    if len(above) < 4 or not abs(last) > max(above.max(), -above.min()):
        return False
    with np.errstate(over="ignore"):  # of 1e308
        return bool(np.isclose(above.sum(), last, rtol=1e-9, atol=0.0))


def _grouped(said: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Columns of which the same is said, together."""
    groups: dict[str, list[str]] = {}
    for name, what in said:
        groups.setdefault(what, []).append(name)
    return [(", ".join(shortened(names, most=6)), what) for what, names in groups.items()]


def stem_of(name: str | os.PathLike[str]) -> str:
    """The name of a file without its folder and its ends.

    >>> stem_of("data/titanic.csv.gz")
    'titanic'
    """
    path = Path(name)
    while path.suffix.lower() in ENDS and path.stem:
        path = path.with_suffix("")
    return path.name
