"""CSV files: read once, checked, and their columns as numbers or as texts."""

import csv
import io
import math
import os
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ..arrays import Array

BLOCK = 8192  # lines that are made numbers at once
LONGEST = 10_000_000  # characters in a line


@dataclass(frozen=True)
class Columns:
    """Columns of a CSV file.

    Attributes:
        name: the file's.
        X: those that were asked for as numbers, ``(n, d)``.
        texts: those that were asked for as texts, by name.
        places: the rows' numbers in the file, as a spreadsheet counts: the header is row 1.
    """

    name: str
    X: Array
    texts: dict[str, list[str]]
    places: Sequence[int]

    def numbers(self, column: str) -> Array:
        """A column of `texts` as numbers, ``(n,)``.

        Raises:
            ValueError: one is no finite number.
        """
        texts = self.texts[column]
        values = [parsed(text) for text in texts]
        if None in values:
            i = values.index(None)
            _no_number(self.name, self.places[i], texts[i], column)
        return np.array(values, dtype=float)


class CsvFile:
    """A CSV file with a header.

    It is read once, so that it may be a pipe, and kept as it is: cells would take far more memory.

    Attributes:
        name: the file's.
        header: the names of the columns.

    Raises:
        ValueError: the file has no header, or one that has a name twice, or is no text.
        OSError: the file can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self._data = Path(path).read_bytes()
        # The delimiter is the one that cuts the header into the most columns.
        self._delimiter = max(",;\t", key=self._columns_by)
        _, header = self._header(self._lines())
        self.header = [column.strip() for column in header]
        unclear = [column for column, n in Counter(self.header).items() if n > 1 or not column]
        if unclear:
            raise ValueError(
                f"{self.name}: the header must name each column, once: see {unclear[0]!r}"
            )

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's place, as in `Columns`, and its cells.

        Raises:
            ValueError: a row is longer or shorter than the header, or no CSV.
        """
        lines = self._lines()
        place, _ = self._header(lines)
        return self._cells(self._records(lines, place))

    def columns(self, numbers: Sequence[str], texts: Sequence[str] = ()) -> Columns:
        """Some columns as numbers, some as texts without the spaces around them.

        Raises:
            ValueError: as in `rows`; there are no rows; or a cell is empty, or no finite number.
        """
        at = {column: self.header.index(column) for column in (*numbers, *texts)}
        # An array that grows in place: many small ones would have to be put together in the end.
        flat, places = array("d"), array("q")
        words: dict[str, list[str]] = {column: [] for column in texts}
        mistakes = _Mistakes(self.name)
        for found, cells in self._blocks({at[column] for column in numbers}):
            part = np.empty((len(found), len(numbers)))
            for j, column in enumerate(numbers):
                part[:, j] = mistakes.numbers(column, cells[at[column]], found)
            for column, kept in words.items():
                kept += mistakes.texts(column, cells[at[column]], found)
            flat.frombytes(part.tobytes())
            places.extend(found)
        if not places:
            raise ValueError(f"{self.name} must have a header and at least one row")
        mistakes.refuse([*texts, *numbers])
        return Columns(self.name, np.frombuffer(flat).reshape(-1, len(numbers)), words, places)

    def _blocks(self, numeric: set[int]) -> Iterator[tuple[Sequence[int], Sequence[Any]]]:
        """Some rows at a time: their places, and by column their cells.

        Those are texts, or floats where all ``numeric`` columns hold nothing else.
        """
        kinds = np.dtype([(str(j), float if j in numeric else object)
                          for j in range(len(self.header))])  # fmt: skip
        lines = self._lines()
        place, _ = self._header(lines)
        while block := list(islice(lines, BLOCK)):
            plain = self._plain(block, kinds, numeric)
            if plain is not None:
                yield range(place + 1, place + 1 + len(block)), plain
                place += len(block)
                continue
            records = list(self._records(chain(block, lines), place, len(block)))
            rows = list(self._cells(iter(records)))
            if rows:
                yield [i for i, _ in rows], list(zip(*(row for _, row in rows)))
            place = records[-1][0]

    def _plain(self, lines: list[str], kinds: Any, numeric: set[int]) -> list[Any] | None:
        """The usual case, several times as fast: a row in each line, finite numbers, no quotes."""
        if any('"' in line or line.isspace() for line in lines):
            return None
        try:
            read = np.loadtxt(lines, kinds, comments=None, delimiter=self._delimiter, ndmin=1)
        except ValueError:
            return None
        columns = [read[name] for name in kinds.names]
        if len(read) != len(lines) or not all(np.isfinite(columns[j]).all() for j in numeric):
            return None
        return columns

    def _lines(self) -> Iterator[str]:
        """The lines, with their ends."""
        file = io.TextIOWrapper(io.BytesIO(self._data), encoding="utf-8-sig", newline="")
        try:
            for line in iter(partial(file.readline, LONGEST + 1), ""):
                if len(line) > LONGEST:
                    raise ValueError(
                        f"{self.name} has a line of more than {LONGEST:,} characters. Is it a CSV "
                        "file, with a row in each line?"
                    )
                yield line
        except UnicodeDecodeError:
            raise ValueError(f"{self.name} is no text in UTF-8: save it as CSV UTF-8") from None

    def _records(
        self, lines: Iterator[str], place: int, enough: int | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        """Rows, blank ones too, below that at ``place``; where given, of ``enough`` lines."""
        taken = 0

        def counted() -> Iterator[str]:
            nonlocal taken
            for line in lines:
                taken += 1
                yield line

        reader = csv.reader(counted(), delimiter=self._delimiter, strict=True)
        try:
            for row in reader:
                place += 1
                yield place, row
                if enough is not None and taken >= enough:
                    return
        except csv.Error as error:
            what = str(error)
            if "field limit" in what:
                what = (
                    f"a cell has more than {csv.field_size_limit():,} characters. Is there a quote "
                    "that is not closed?"
                )
            raise ValueError(f"{self.name} is no CSV file: row {place + 1}: {what}") from None

    def _cells(self, records: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
        """Those that are not blank."""
        for place, row in records:
            if row and len(row) != len(self.header):
                raise ValueError(
                    f"{self.name}, row {place}: it has {len(row)} cells, the header "
                    f"{len(self.header)}"
                )
            if row:
                yield place, row

    def _header(self, lines: Iterator[str]) -> tuple[int, list[str]]:
        """The first row that is not blank."""
        for place, row in self._records(lines, 0):
            if row:
                return place, row
        raise ValueError(f"{self.name} must have a header and at least one row")

    def _columns_by(self, delimiter: str) -> int:
        """Into how many columns a delimiter cuts the header."""
        try:
            return len(next(filter(None, csv.reader(self._lines(), delimiter=delimiter)), []))
        except csv.Error:  # a name longer than the module takes: by another one it may be shorter
            return 0


class _Mistakes:
    """The first cell in each column that is empty, and the first that is no number."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._empty: dict[str, int] = {}
        self._words: dict[str, tuple[int, str]] = {}

    def numbers(self, column: str, cells: Any, places: Sequence[int]) -> Any:
        """The cells as floats, nan where there is none."""
        if isinstance(cells, np.ndarray):
            return cells
        values: list[float | None] = [parsed(text) for text in cells]
        if None in values:
            for place, text, value in zip(places, self.texts(column, cells, places), values):
                if value is None and text:
                    self._words.setdefault(column, (place, text))
        return values

    def texts(self, column: str, cells: Any, places: Sequence[int]) -> list[str]:
        """The cells without spaces around them."""
        texts = list(map(str.strip, cells))
        if "" in texts:
            self._empty.setdefault(column, places[texts.index("")])
        return texts

    def refuse(self, columns: Sequence[str]) -> None:
        """Name the first cell that is wrong, column by column."""
        for column in columns:
            if column in self._empty:
                raise ValueError(
                    f"{self.name}, row {self._empty[column]}, column {column!r}: the cell is "
                    "empty. Fill it, or leave the row or the column out"
                )
            if column in self._words:
                _no_number(self.name, *self._words[column], column)


def _no_number(name: str, place: int, text: str, column: str) -> NoReturn:
    raise ValueError(
        f"{name}, row {place}, column {column!r}: {text!r} is not a finite number. Mend it, or "
        "leave the row or the column out"
    )


def parsed(text: str) -> float | None:
    """A cell as a finite number; None if it is none."""
    try:
        value = float(text.replace("_", "x"))  # Python would take 1_000 for a number
    except ValueError:
        return None
    return value if math.isfinite(value) else None
