"""Tables in files of text: read once, checked row by row, and their columns as cells."""

import csv
import io
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

import numpy as np

from ..arrays import Array
from .cells import EXACT, PADDED, Cells, is_missing, is_number, numbers_or_gaps
from .looks import ROWS, collapsed, look_of, named, one_line, written
from .plain import Block
from .text import LONGEST, Source, text_of
from .units import parts

BLOCK = 2**18  # bytes that are read at once, and the rest of their last line
OF_THREE = re.compile(r"[^.]*(\.\d{3}[^.\d]*)?")  # a cell without a point, or as 1.007


class CsvFile:
    """A table in a file of text, whatever stands between its cells; or in a DataFrame.

    It is read once, so that it may be a pipe, and kept as it is: cells would take far more memory.

    Attributes:
        name: the file's.
        header: the names of the columns.
        nameless: those that have none, though others do.
        notes: what there is to be said of how the file is written.
        doubts: the same, but of columns, for errors: why one may not be there.

    Raises:
        ValueError: the file has no header, or is no text.
        OSError: the file can't be read.
    """

    def __init__(self, source: Source, header: bool | None = None) -> None:
        """Look at a table.

        Args:
            source: the file, or a DataFrame.
            header: whether its first row has the names of the columns; None: as it looks.
        """
        text = text_of(source)
        self.name, self._data, self.notes = text.name, text.data, [*text.notes]
        self._begin, self._quoted, skipped = 0, True, 0
        self._names, self._repeated = [""], b""  # the names as they stand there, if they come again
        start = self._data[:10].lower().lstrip()
        mark = chr(start[4]) if start.startswith(b"sep=") and len(start) > 4 else ""
        if mark and text.delimiter is None:  # as spreadsheets write it
            self._begin, skipped = self._data.find(b"\n") + 1 or len(self._data), 1
        header = text.header if header is None else header
        look = look_of(self._sample(), text.delimiter or mark or None, header)
        self.notes += look.notes
        self.doubts = f". ({'; '.join(self.notes)})" if self.notes else ""
        self._delimiter = look.delimiter
        if self._delimiter == " ":
            self._data, self._begin = collapsed(self._data[self._begin :]), 0
        self._written = written(self._data, self._delimiter)
        self._check_quotes()
        first, above, below = self._first(skipped, look.above)
        self._top = below if look.header else above  # the end of the names, or where rows begin
        if look.under:
            _, _, below = self._first(skipped, look.above + look.under)
        head = [name.strip() for name in first] if look.header else [""] * len(first)
        names = ["", *head] if look.more == "first" else head
        self.header, changed = named(names)
        self.nameless = {own for own, name in zip(self.header, names) if look.header and not name}
        self._width = len(self.header) + (look.more == "last")
        self.notes += changed if look.header else []
        # The last row above the data, and the byte of the file at which they begin.
        self._place, self._below = below if look.header else above
        if look.header and len(first) > 1 and not all(map(is_number, filter(None, head))):
            self._leave_out_names(first, self._data[above[1] : self._top[1]].strip(b"\r\n"))

    def _leave_out_names(self, names: list[str], line: bytes) -> None:
        """Have rows that say the names again, as where files were joined, be blank ones."""
        if line and self._data.find(line, self._below) >= 0:
            whole = rb"(?<![^\r\n])(?:\xef\xbb\xbf)?%b(?![^\r\n])" % re.escape(line)
            n = len(re.compile(whole).findall(self._data, self._below))
            if n:
                self._names, self._repeated = names, line
                rows = "a row that says" if n == 1 else f"{n} rows that say"
                self.notes.append(f"{rows} the names again, as where files were joined: left out")

    @property
    def _spare(self) -> range:
        """The places of cells that stand in no column, and must be empty."""
        return range(len(self.header), self._width)

    @property
    def commas(self) -> bool:
        """Whether commas in numbers are rather decimal than between thousands."""
        return self._delimiter == ";"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's place, as a spreadsheet counts, and its cells.

        Raises:
            ValueError: a row is longer or shorter than the header, or no CSV.
        """
        rows = self._records(self._place, self._below, checked=True)
        return ((place, row[: len(self.header)]) for place, _, row in rows if row)

    def meant_by(self, name: str) -> str:
        """The column of such a name, but for its spaces and line breaks; the name, if none is."""
        if name in self.header:
            return name
        line = one_line(name)
        return next((own for own in self.header if one_line(own) == line), name)

    def row_with(self, name: str) -> int | None:
        """Which of the first rows below the header has a name among its cells; None if none has."""
        try:
            for place, _, row in islice(self._records(*self._top), 10):
                if name in map(str.strip, row):
                    return place
        except ValueError:  # it is no CSV there, which is another complaint
            pass
        return None

    def columns(
        self, names: Sequence[str], texts: Sequence[str] = ()
    ) -> tuple[Sequence[int], dict[str, Cells]]:
        """The places of the rows, and columns by name.

        Args:
            names: of the columns.
            texts: those whose cells must be texts, even if all are numbers.

        Raises:
            ValueError: as in `rows`; or there are no rows.
        """
        places, at_place = array("q"), {name: j for j, name in enumerate(self.header)}
        numbers = {name: array("d") for name in names if name not in texts}
        words = {name: _Words() for name in texts}
        for at, block in self._blocks():
            wanted = list(numbers)
            for name, values in zip(wanted, _numbers(block, [at_place[name] for name in wanted])):
                # In place, since many small arrays would take twice as much in the end.
                if values is not None:
                    numbers[name].frombytes(values.tobytes())
                    continue
                del numbers[name]
                if not places:  # else the rows above are read once more, as texts
                    words[name] = _Words()
            for name, column in words.items():
                column.add(block.texts(at_place[name]))
            places.extend(at)
        if not places:
            raise ValueError(f"{self.name} must have a header and at least one row")
        found = {name: Cells(name, np.frombuffer(values)) for name, values in numbers.items()}
        found |= {name: column.cells(name, self.commas) for name, column in words.items()}
        again = [name for name in names if name not in found or _may_lose(found[name].numbers)]
        plain = {name: found[name].numbers for name in found if name not in [*again, *texts]}
        again += self._not_plain({name: x for name, x in plain.items() if x is not None})
        found |= self.columns(again, again)[1] if again else {}
        return places, {name: found[name] for name in names}

    def _not_plain(self, columns: Mapping[str, Array]) -> list[str]:
        """Numbers that may say more, by the first rows: as 1.007, if all points do, or 01067."""
        rows = [row for _, row in islice(self.rows(), ROWS)] if columns else []
        cells = dict(zip(self.header, zip(*rows)))
        found = []
        for name, values in columns.items():
            there = [text for text in map(str.strip, cells[name]) if not is_missing(text)]
            thousands = "." in "".join(there) and all(map(OF_THREE.fullmatch, there))
            padded = any(map(PADDED.fullmatch, there))
            if padded or (thousands and _may_be_thousands(values)):
                found.append(name)
        return found

    def _blocks(self) -> Iterator[tuple[Sequence[int], "Block | _Records"]]:
        """Some rows at a time, and their places."""
        place, start = self._place, self._below
        while start < len(self._data):
            stop = self._data.find(b"\n", start + BLOCK - 1, start + LONGEST) + 1
            stop = stop or min(len(self._data), start + LONGEST)
            lines = self._data[start:stop]
            block = Block(lines, self._delimiter, self._width)
            names = self._repeated and self._repeated in lines
            if block.fits and not names and not any(any(block.texts(j)) for j in self._spare):
                yield range(place + 1, place + 1 + block.rows), block
                place, start = place + block.rows, stop
                continue
            rows: list[tuple[int, list[str]]] = []
            records = self._records(place, start, checked=True)
            while start < stop:
                place, start, row = next(records)
                rows += [(place, row)] if row else []
            if rows:
                yield [at for at, _ in rows], _Records([row for _, row in rows])

    def _sample(self) -> str:
        """The first lines, whole."""
        start = self._data[self._begin : self._begin + BLOCK]
        cut = start.rfind(b"\n") + 1 if len(self._data) > self._begin + BLOCK else 0
        text = (start[:cut] or start).decode(errors="ignore")
        longest = max(map(len, text.splitlines()), default=0)
        if longest == len(text) == BLOCK:  # a longer line
            text = next(self._lines(self._begin))
        return text

    def _check_quotes(self) -> None:
        """In files with tabs, quotes are often letters: they are taken so where all else fails."""
        if self._delimiter == "\t" and b'"' in self._data:
            try:
                for _ in self._records(0, self._begin):
                    pass
            except ValueError:
                self._quoted = False
                self.notes.append("its quotes are taken as letters: they are not in pairs")

    def _lines(self, start: int) -> Iterator[str]:
        """The lines from a byte of the file on, with their ends."""
        data = io.BytesIO(self._data)
        data.seek(start)
        file = io.TextIOWrapper(data, encoding="utf-8", newline="")
        for line in iter(partial(file.readline, LONGEST + 1), ""):
            if len(line) > LONGEST:
                raise ValueError(
                    f"{self.name} has a line of more than {LONGEST:,} characters. Is it a table, "
                    "with a row in each line?"
                )
            yield line

    def _records(
        self, place: int, start: int, checked: bool = False
    ) -> Iterator[tuple[int, int, list[str]]]:
        """Below the row at ``place``, from a byte on: each row's place, the byte it ends at, cells.

        Blank ones have no cells; the others, if they are ``checked``, those that they should have.
        """
        end = start

        def counted() -> Iterator[str]:
            nonlocal end
            for line in self._lines(start):
                end += len(line) if line.isascii() else len(line.encode())
                yield line

        try:
            for row in csv.reader(
                counted(),
                **self._written,
                strict=True,
                quoting=csv.QUOTE_MINIMAL if self._quoted else csv.QUOTE_NONE,
            ):
                place += 1
                if self._repeated and row and row[-1] == self._names[-1] and self._are_names(row):
                    row = []
                if checked and row and not self._fits(row):
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
            elif "unexpected end" in what:
                what = 'a quote (") is opened in it, and not closed before the end of the file'
            raise ValueError(f"{self.name} is no CSV file: row {place + 1}: {what}") from None
        what = (
            f"column {self.header[len(row)]!r} is missing"
            if len(row) < len(self.header)
            else f"{row[len(self.header)]!r} stands in no column"
        )
        raise ValueError(
            f"{self.name}, row {place}: it has {len(row)} cells, the header {len(self.header)}, so "
            f"that {what}. Is there a delimiter too many or too few?{self._advice(row)}"
        )

    def _are_names(self, row: Sequence[str]) -> bool:
        """Whether a row says the names again, maybe below another file's mark of UTF-8."""
        first = row[0] if row[0] == self._names[0] else row[0].removeprefix("\ufeff").strip('"')
        return [first, *row[1:]] == self._names

    def _advice(self, row: Sequence[str]) -> str:
        """What else may be wrong: a note below the table, or a decimal comma, as in 1,5."""
        if len(row) == 1 and self._width > 2:
            return " If it is a note, and no row of the table, delete it"
        at = (j for j in range(len(row) - 1) if row[j].strip("+- ").isdigit())
        pair = next((f"{row[j]},{row[j + 1]}" for j in at if parts(row[j + 1])[0].isdigit()), "")
        if self._delimiter != "," or len(row) <= self._width or not pair:
            return ""
        return f" If {pair} is one number, put quotes around such, or semicolons between cells"

    def _fits(self, row: Sequence[str]) -> bool:
        """Whether a row has as many cells as it should, and nothing in one that is left out."""
        return len(row) == self._width and not any(row[j].strip() for j in self._spare)

    def _first(self, place: int, above: int) -> tuple[list[str], tuple[int, int], tuple[int, int]]:
        """The first row that is not blank, below so many; the place and byte it begins and ends."""
        start = place, self._begin
        for at, end, row in self._records(*start):
            if row and above == 0:
                return row, start, (at, end)
            above, start = above - bool(row), (at, end)
        raise ValueError(f"{self.name} must have a header and at least one row: it is empty")


class _Records:
    """Some rows, cell by cell: the usual reader, where a `Block` does not fit."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        self._columns = list(zip(*rows))

    def texts(self, column: int) -> list[str]:
        return list(map(str.strip, self._columns[column]))


def _numbers(block: Block | _Records, columns: Sequence[int]) -> Iterable[Array | None]:
    """Columns as numbers, nan where cells are missing; None where one is neither."""
    if isinstance(block, Block):
        quick = [column for column in columns if block.plain[column]]
        try:
            X = dict(zip(quick, block.numbers(quick).T))
        except ValueError:
            X = {}
    else:
        X = {}
    for column in columns:
        values = X.get(column)
        if values is None or not np.isfinite(values).all():
            values = numbers_or_gaps(block.texts(column))
        yield values


def _may_lose(values: Array | None) -> bool:
    """Whether some may be whole numbers of more digits than floats have."""
    return values is not None and bool((np.abs(values) >= EXACT).any())


def _may_be_thousands(values: Array) -> bool:
    """Whether some are whole numbers below 1000, and none is larger: others may be as 1.007."""
    return bool((values % 1 == 0).any() and np.nanmax(abs(values)) < 1000)


class _Words:
    """A column of texts, as it grows: each text is kept once."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._codes = array("i")

    def add(self, texts: Sequence[str]) -> None:
        index = self._index
        self._codes.extend([index.setdefault(text, len(index)) for text in texts])

    def cells(self, name: str, commas: bool) -> Cells:
        return Cells(name, None, np.frombuffer(self._codes, np.int32), tuple(self._index), commas)
