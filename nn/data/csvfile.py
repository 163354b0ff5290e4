"""CSV files: read once, checked, and their columns as numbers or as texts."""

import codecs
import csv
import io
import math
import os
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

from ..arrays import Array
from .plain import Block

BLOCK = 2**18  # bytes that are read at once, and the rest of their last line
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
        values = finite(texts)
        if values is None:
            i = next(i for i, text in enumerate(texts) if parsed(text) is None)
            _no_number(self.name, self.places[i], texts[i], column)
        return values


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
        self._begin = len(codecs.BOM_UTF8) if self._data.startswith(codecs.BOM_UTF8) else 0
        # The delimiter is the one that cuts the header into the most columns.
        self._delimiter = max(",;\t", key=self._columns_by)
        place, self._below, header = self._first()
        self._place = place  # the header's; below it the rows begin, at a byte of the file
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
        rows = self._records(self._place, self._below, checked=True)
        return ((place, row) for place, _, row in rows if row)

    def columns(self, numbers: Sequence[str], texts: Sequence[str] = ()) -> Columns:
        """Some columns as numbers, some as texts without the spaces around them.

        Raises:
            ValueError: as in `rows`; there are no rows; or a cell is empty, or no finite number.
        """
        # An array that grows in place: many small ones would have to be put together in the end.
        flat, places = array("d"), array("q")
        words: dict[str, list[str]] = {column: [] for column in texts}
        mistakes = _Mistakes(self.name)
        for found, X, more in self._blocks(numbers, texts, mistakes):
            flat.frombytes(X.tobytes())
            places.extend(found)
            for column, cells in zip(texts, more):
                words[column] += cells
        if not places:
            raise ValueError(f"{self.name} must have a header and at least one row")
        mistakes.refuse([*texts, *numbers])
        return Columns(self.name, np.frombuffer(flat).reshape(-1, len(numbers)), words, places)

    def _blocks(
        self, numbers: Sequence[str], texts: Sequence[str], mistakes: "_Mistakes"
    ) -> Iterator[tuple[Sequence[int], Array, list[list[str]]]]:
        """Some rows at a time: their places, columns as numbers, and columns as texts."""
        place, start = self._place, self._below
        while start < len(self._data):
            stop = self._data.find(b"\n", start + BLOCK - 1, start + LONGEST) + 1
            stop = stop or min(len(self._data), start + LONGEST)
            plain = self._plain(self._data[start:stop], numbers, texts)
            if plain is not None:
                n = len(plain[0])
                yield range(place + 1, place + 1 + n), *plain
                place, start = place + n, stop
                continue
            rows: list[tuple[int, list[str]]] = []
            records = self._records(place, start, checked=True)
            while start < stop:
                place, start, row = next(records)
                rows += [(place, row)] if row else []
            if rows:
                found = [i for i, _ in rows]
                cells = dict(zip(self.header, zip(*(row for _, row in rows))))
                X = np.empty((len(rows), len(numbers)))
                for j, column in enumerate(numbers):
                    X[:, j] = mistakes.numbers(column, cells[column], found)
                yield found, X, [mistakes.texts(column, cells[column], found) for column in texts]

    def _plain(
        self, lines: bytes, numbers: Sequence[str], texts: Sequence[str]
    ) -> tuple[Array, list[list[str]]] | None:
        """The usual case, many times as fast: a row in each line, no quotes, nothing wrong."""
        block = Block(lines, self._delimiter, len(self.header))
        if not block.fits:
            return None
        try:
            X = block.numbers([self.header.index(column) for column in numbers])
            more = [block.texts(self.header.index(column)) for column in texts]
        except ValueError:
            return None
        wrong = not np.isfinite(X).all() or any("" in column for column in more)
        return None if wrong else (X, more)

    def _lines(self, start: int) -> Iterator[str]:
        """The lines from a byte of the file on, with their ends."""
        data = io.BytesIO(self._data)
        data.seek(start)
        file = io.TextIOWrapper(data, encoding="utf-8", newline="")
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
        self, place: int, start: int, checked: bool = False
    ) -> Iterator[tuple[int, int, list[str]]]:
        """Below the row at ``place``, from a byte on: each row's place, the byte it ends at, cells.

        Blank ones have no cells; the others, if they are ``checked``, as many as the header.
        """
        end = start

        def counted() -> Iterator[str]:
            nonlocal end
            for line in self._lines(start):
                end += len(line) if line.isascii() else len(line.encode())
                yield line

        try:
            for row in csv.reader(counted(), delimiter=self._delimiter, strict=True):
                place += 1
                if checked and row and len(row) != len(self.header):
                    break
                yield place, end, row
            else:
                return
        except csv.Error as error:
            what = str(error)
            if "field limit" in what:
                what = (
                    f"a cell has more than {csv.field_size_limit():,} characters. Is there a quote "
                    "that is not closed?"
                )
            raise ValueError(f"{self.name} is no CSV file: row {place + 1}: {what}") from None
        raise ValueError(
            f"{self.name}, row {place}: it has {len(row)} cells, the header {len(self.header)}"
        )

    def _first(self) -> tuple[int, int, list[str]]:
        """The first row that is not blank."""
        for place, end, row in self._records(0, self._begin):
            if row:
                return place, end, row
        raise ValueError(f"{self.name} must have a header and at least one row")

    def _columns_by(self, delimiter: str) -> int:
        """Into how many columns a delimiter cuts the header."""
        try:
            rows = csv.reader(self._lines(self._begin), delimiter=delimiter)
            return len(next(filter(None, rows), []))
        except csv.Error:  # a name longer than the module takes: by another one it may be shorter
            return 0


class _Mistakes:
    """The first cell in each column that is empty, and the first that is no number."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._empty: dict[str, int] = {}
        self._words: dict[str, tuple[int, str]] = {}

    def numbers(self, column: str, cells: Sequence[str], places: Sequence[int]) -> Array:
        """The cells as floats, nan where there is none."""
        values = finite(cells)
        if values is not None:
            return values
        found = list(map(parsed, cells))
        for place, text, value in zip(places, self.texts(column, cells, places), found):
            if value is None and text:
                self._words.setdefault(column, (place, text))
        return np.array(found, dtype=float)

    def texts(self, column: str, cells: Sequence[str], places: Sequence[int]) -> list[str]:
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


def finite(texts: Sequence[str]) -> Array | None:
    """Cells as finite numbers, ``(n,)``; None if `number` takes one of them for none."""
    if "_" in "".join(texts):
        return None
    try:
        values = np.fromiter(map(float, texts), float, len(texts))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
