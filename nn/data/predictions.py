"""From a network back to a table: its rows, with what the network says of them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autograd.files import write_whole
from autograd.show.notation import shortened
from autograd.value import short_repr

from ..model.module import Module
from .cells import PLAIN, Cells, is_number
from .columns import Column, inputs_of
from .csvfile import CsvFile
from .dates import said
from .kinds import KINDS, numbers_of, way_in
from .looks import named
from .tables import Table
from .text import Source, text_of
from .units import in_units, parts, same

# Of cells that a spreadsheet takes for a formula; some take Japanese text's broad signs so too.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Predictions:
    """A table with predictions beside its rows.

    Attributes:
        text: as CSV.
        column: what the column of predictions is called.
        n: how many rows there are.
        notes: what there is to be said of the cells.
    """

    text: str
    column: str
    n: int
    notes: tuple[str, ...]


def predict_csv(
    net: Module,
    table: Table,
    source: Source,
    out: str | os.PathLike[str],
    *,
    header: bool | None = None,
) -> Predictions:
    """Write what `predictions` gives to a file, whole or not at all.

    Raises:
        ValueError: as in `predictions`.
        OSError: a file can't be read or written.
    """
    found = predictions(net, table, source, header=header)
    write_whole(out, found.text.encode())
    return found


def predictions(
    net: Module, table: Table, source: Source, *, header: bool | None = None
) -> Predictions:
    """The rows of a table with a network's predictions beside them.

    The table must have the columns that the network was trained on, in any order; others, and the
    target, are carried over. Cells are read as in training: numbers as they were written there; in
    place of a missing one stands the median, and a word that was not met is "other", or none of the
    known ones. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    Where the table has predictions already, the new ones are called ``predicted TARGET (2)``.

    Args:
        net: the network.
        table: what its inputs and outputs stand for.
        source: a path, or a DataFrame.
        header: whether the first row has the names of the columns; None: as it looks.

    Raises:
        ValueError: a column is missing, or numbers are too large for the network.
        OSError: the file can't be read.
    """
    columns = table.inputs
    file = _with_columns(source, header, columns)
    absent = [column.name for column in columns if column.name not in file.header]
    if absent:
        raise ValueError(
            f"{file.name} is without {absent}: the network was trained on a table with such "
            f"columns. This one has {', '.join(shortened(file.header, most=20))}{file.doubts}"
        )
    as_texts = [column.name for column in columns if column.wants_texts]
    places, found = file.columns([column.name for column in columns], as_texts)
    cells = {name: replace(of, new=True) for name, of in found.items()}
    X, notes = inputs_of(columns, cells, np.arange(len(places))), list(file.notes)
    for column in columns:
        notes += _unusual(cells[column.name], column)
    with np.errstate(all="ignore"):
        a = net.predict((X - np.array(table.x_mean)) / np.array(table.x_scale))
        answers, probabilities = table.answers(a)
    bad = np.flatnonzero(~np.isfinite(a.reshape(len(a), -1) * table.y_scale).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{file.name}, row {places[bad[0]]}: its numbers are too large for the network"
        )
    head, changed = named([*file.header, f"predicted {table.target}", *probabilities])
    notes += changed
    more = zip(answers, *[[f"{v:.6g}" for v in p.tolist()] for p in probabilities.values()])
    text = _written(head, ([*row, *says] for (_, row), says in zip(file.rows(), more)))
    return Predictions(text, head[len(file.header)], len(a), tuple(notes))


def _with_columns(source: Source, header: bool | None, columns: Sequence[Column]) -> CsvFile:
    """A table, with its first row as names if these are, however it looks."""
    text = text_of(source)
    wanted = {column.name for column in columns}
    ways = (None, True, False) if header is None else (header,)
    files = [CsvFile(text, way) for way in ways]
    found = next((file for file in files if wanted <= {*file.header}), files[0])
    if found is files[-1] and found is not files[0]:
        found.notes.append(
            "the network was trained on columns without names: so the first row, "
            f"{', '.join(shortened(files[0].header, most=4))}, is taken for data"
        )
    return found


def _unusual(cells: Cells, column: Column) -> list[str]:
    """What there is to be said of a column's cells that were not met in training."""
    kind, notes = KINDS[column.kind], []
    unknown = list(kind.unknown(cells, column.about))
    if unknown:
        listed = ", ".join(map(short_repr, shortened(unknown, most=4)))
        if column.kind != "words":
            how = f"no {column.kind}{_as_in_training(unknown, column)}, so taken as missing"
        elif column.about["other"]:
            how = "no words with inputs of their own: taken as 'other'"
        else:
            how = "not among the words of the training: taken as none of them"
        notes.append(f"column {column.name!r}: {listed}: {how}")
    if column.kind == "number":
        numbers, looks = numbers_of(cells, column.about), cells.as_numbers
        learned = column.about.get("spelling", numbers.way.name)
        if numbers.way.name != learned:
            notes.append(
                f"column {column.name!r}: numbers {_written_as(numbers.way.name)}, in training "
                f"{_written_as(learned)}: they are read as they look here"
            )
        elif learned == PLAIN.name and looks.way is not PLAIN and not unknown:
            notes.append(
                f"column {column.name!r}: numbers as if with {looks.way.name}, in training written "
                "plainly: their points are read as decimal points"
            )
        there, here = column.about.get("units"), numbers.units
        if there and not set(map(same, here)) <= set(map(same, there)):
            notes.append(
                f"column {column.name!r}: numbers {in_units(here)}, in training {in_units(there)}: "
                "they are read as they stand"
            )
    if column.kind == "date" and (way := way_in(cells, column.about)) != column.about["way"]:
        notes.append(
            f"column {column.name!r}: dates as {said(way)}, in training as "
            f"{said(column.about['way'])}: they are read as they look here"
        )
    gaps = int(cells.missing.sum())
    if gaps and column.kind != "words":
        notes.append(f"column {column.name!r}: {gaps} missing, filled by the training's median")
    elif gaps and not column.gaps:
        notes.append(f"column {column.name!r}: {gaps} missing: taken as none of the known words")
    return notes


def _as_in_training(unknown: Sequence[str], column: Column) -> str:
    """How numbers were written in training, if unknown ones are written in another way."""
    way, units = column.about.get("spelling"), column.about.get("units", [])
    if units and any(parts(text)[1] for text in unknown):
        return f" {in_units(units)} as in training"
    if way is None or not any(map(is_number, unknown)):
        return ""
    return f" as in training ({_written_as(way)})"


def _written_as(way: str) -> str:
    return "written plainly" if way == PLAIN.name else f"with {way}"


def _written(header: list[str], rows: Iterable[list[str]]) -> str:
    """CSV text whose cells are no formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([harmless(cell) if cell.startswith(STARTS) else cell for cell in row])
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe goes before what begins as formulas do.

    Numbers stay as they are, and so do minuses alone, which stand for a missing cell.

    >>> harmless("=1+1"), harmless("-1.5"), harmless("-")
    ("'=1+1", '-1.5', '-')
    """
    formula = cell.startswith(STARTS) and not is_number(parts(cell)[0]) and cell.strip("-")
    return f"'{cell}" if formula else cell
