"""The text of a table: whatever it is packed in, and however its letters are written.

Spreadsheets, .parquet files and DataFrames become text too, as their own libraries write it: one
reader reads them all.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import importlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Source: TypeAlias = str | os.PathLike[str] | Any  # a file, or a DataFrame

INDEX = re.compile(r"__index_level_\d+__")  # pandas' in .parquet files, where it has no name
LONGEST = 10_000_000  # characters in a line
MOST = 2**30  # bytes of text in a packed file
ROOM = 2**26  # bytes that any packed file may unpack to; else 100 times its own size
OTHERS = {  # how other files begin, but for a mark of UTF-8, and what they are
    rb"\xd0\xcf\x11\xe0": "a spreadsheet of before 2007: save it as .xlsx, or as CSV UTF-8",
    rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis": (
        "an OpenDocument file: save it as .xlsx, or as CSV UTF-8"
    ),
    rb"\s*<(!doctype html|html\b|\?xml)": "a web page, or XML: save the table itself",
    rb'\s*(\[\s*[\[{]|\{\s*")': "JSON: save it as CSV UTF-8, or make a DataFrame of it",
}
BOMS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """The text of a table.

    Attributes:
        name: of the file, or what a DataFrame is called.
        data: in UTF-8.
        notes: what there is to be said of it.
        delimiter: what stands between its cells, if that is known.
        header: whether its first row has names, if that is known.
    """

    name: str
    data: bytes
    notes: list[str] = field(default_factory=list)
    delimiter: str | None = None
    header: bool | None = None


def text_of(source: Source) -> Text:
    """The text of a file, or of a DataFrame.

    Raises:
        ValueError: it is no text, or packed and too large.
        TypeError: it is neither a path nor a DataFrame.
        ModuleNotFoundError: what reads such a file is not installed.
        OSError: it can't be read.
    """
    if isinstance(source, Text):
        return source
    if not isinstance(source, str | os.PathLike):
        return _of_frame(source)
    name = os.fspath(source)
    if not name:
        raise ValueError("source is an empty name: give the path of a file")
    if os.path.isdir(name):
        raise IsADirectoryError(f"{name} is a folder: give the name of a file in it")
    data = Path(source).read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(name, data)
    for start, what in OTHERS.items():
        if re.match(start, data[:99].removeprefix(codecs.BOM_UTF8), re.DOTALL | re.IGNORECASE):
            raise ValueError(f"{name} is {what}")
    if data.startswith(b"PAR1"):
        return _of_parquet(name, data)
    if data.startswith(b"PK\3\4"):
        return _of_spreadsheet(name, data)
    data, note = _decoded(name, data)
    if b"\0" in data:
        row = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise ValueError(
            f"{name}, row {row}: there are zero bytes in it, so it is no text. Save the table as "
            "CSV UTF-8"
        )
    return Text(name, data, [note] if note else [])


def _decoded(name: str, data: bytes) -> tuple[bytes, str]:
    """Text in UTF-8, and what is to be said if it was in another code."""
    mark = next((mark for mark in BOMS if data.startswith(mark)), b"")
    code = BOMS[mark] if mark else _guessed(data)
    try:
        if code != "utf-8":
            return data.decode(code).encode(), f"its letters are read as {code.upper()}"
        data = data[len(mark) :]
        if not data.isascii():
            data.decode()
    except UnicodeDecodeError:
        if code != "utf-8":
            raise ValueError(f"{name} is no text, though it begins as {code} does") from None
        note = (
            "its letters are no UTF-8, so they are read as Windows-1252 (Latin-1): best save it as "
            "UTF-8"
        )
        return _of_windows(data).encode(), note
    return data, ""


def _unpacked(name: str, data: bytes) -> bytes:
    """The text in a gzip file."""
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while part := file.read(LONGEST):
                parts.append(part)
                size += len(part)
                if len(part) == LONGEST and b"\n" not in part and b"\r" not in part:
                    raise ValueError(
                        f"{name} has a line of more than {LONGEST:,} characters. Is it a table, "
                        "with a row in each line?"
                    )
                _check_size(name, data, size, "Unpack it yourself")
    except (OSError, EOFError, zlib.error):
        raise ValueError(f"{name} is damaged: it can't be unpacked as a gzip file") from None
    return b"".join(parts)


def _check_size(name: str, data: bytes, size: int, advice: str) -> None:
    """Raise if a packed file unpacks to far more than tables do."""
    most = min(MOST, max(ROOM, 100 * len(data)))
    if size > most:
        raise ValueError(
            f"{name} unpacks to more than {most:,} bytes, too many for a table of {len(data):,} "
            f"bytes. {advice}, if it is what you want"
        )


def _guessed(data: bytes) -> str:
    """UTF-16 without a mark has a zero byte in about every second place."""
    even, odd = data[:400:2], data[1:400:2]
    for name, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.8 * len(zeros) > letters.count(0):
            return name
    return "utf-8"


def _of_windows(data: bytes) -> str:
    """Windows' letters, which are Latin-1 and some more."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _of_spreadsheet(name: str, data: bytes) -> Text:
    """The first sheet of an .xlsx file that is shown and not empty."""
    openpyxl = _library("openpyxl", name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile:  # which is said below
        size = 0
    _check_size(name, data, size, "Save it as CSV")
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        every, text = book.worksheets, io.StringIO(newline="")
        for sheet in [one for one in every if one.sheet_state == "visible"] or every:
            sheet.reset_dimensions()  # they may reach as far as a colour or border that is left
            rows = [_without_end(row) for row in sheet.iter_rows(values_only=True)]
            if any(rows):
                break
        width = max(map(len, rows), default=0)
        csv.writer(text, lineterminator="\n").writerows(
            (*row, *[None] * (width - len(row))) if row or width == 1 else () for row in rows
        )
        at = _formula_without_result(openpyxl, data, sheet.title, rows, width)
    except Exception as error:  # whatever a damaged archive may raise
        raise ValueError(
            f"{name} is a zip archive, and no spreadsheet: unpack it, and give the file in it "
            f"({error})"
        ) from None
    if at:
        raise ValueError(
            f"{name}: the sheet {sheet.title!r} has formulas whose results are not stored, the "
            f"first in {at}: open it in a spreadsheet program and save it"
        )
    which = "" if sheet is every[0] else " that is shown and not empty"
    notes = [f"its first sheet{which}, {sheet.title!r}, is read"] if len(every) > 1 else []
    return Text(name, text.getvalue().encode(), notes, ",")


def _formula_without_result(
    openpyxl: Any, data: bytes, title: str, rows: Sequence[Sequence[Any]], width: int
) -> str:
    """The first formula, if none of a sheet has a result, as programs write it; "" otherwise."""
    if rows and all(len(row) == width and None not in row for row in rows):
        return ""
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True)[title]
    sheet.reset_dimensions()
    results = {
        cell.coordinate: row[j] if j < len(row) else None
        for cells, row in zip(sheet.iter_rows(), rows)
        for j, cell in enumerate(cells)
        if cell.data_type == "f"
    }
    return "" if any(result is not None for result in results.values()) else next(iter(results), "")


def _without_end(cells: Sequence[Any]) -> Sequence[Any]:
    """A row of a spreadsheet up to the last cell in which something stands."""
    there = (j for j in range(len(cells), 0, -1) if cells[j - 1] is not None)
    return cells[: next(there, 0)]


def _of_parquet(name: str, data: bytes) -> Text:
    parquet, to_csv = _library("pyarrow.parquet", name), _library("pyarrow.csv", name)
    try:
        table = parquet.read_table(io.BytesIO(data))
    except Exception as error:  # whatever a damaged file may raise
        raise ValueError(f"{name} can't be read as a table: {error}") from None

    def written(names: list[str]) -> bytes:
        text = io.BytesIO()
        to_csv.write_csv(table.select(names), text)
        return text.getvalue()

    columns = [column for column in table.column_names if not INDEX.fullmatch(column)]
    return Text(name, _written(name, columns, written), [], ",", True)


def _written(name: str, columns: Sequence[str], written: Callable[[list[str]], bytes]) -> bytes:
    """A table as CSV, by its library, of which some write no lists and no durations."""
    try:
        return written(list(columns))
    except Exception:  # whatever a library may raise
        for column in columns:
            try:
                written([column])
            except Exception as error:
                why = str(error).partition("\n")[0]
                raise ValueError(
                    f"{name}, column {column!r}: its cells can't be written as text ({why}). Drop "
                    "it from the table, or make numbers or words of it"
                ) from None
        raise


def _library(name: str, file: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        package = name.split(".")[0]
        raise ModuleNotFoundError(
            f"{file} is read by {package}: pip install {package} (part of the extra "
            "chalkgrad[tables]), or save it as CSV"
        ) from None


def _of_frame(frame: Any) -> Text:
    """The text of a DataFrame of pandas or polars; no index is in it."""
    pandas: Callable[..., str] | None = getattr(frame, "to_csv", None)
    if not (pandas or hasattr(frame, "write_csv")) or not hasattr(frame, "columns"):
        ways = (way for way in ("to_frame", "collect") if hasattr(frame, way))
        cure = next((f": .{way}() makes one of it" for way in ways), "")
        raise TypeError(f"source must be a path or a DataFrame, got {type(frame).__name__}{cure}")
    notes = []
    if pandas:
        if getattr(frame.columns, "nlevels", 1) > 1:
            raise ValueError(
                f"each column must have one name, got several, as {tuple(frame.columns[0])}. Make "
                "one of them: frame.columns = [' '.join(map(str, names)) for names in "
                "frame.columns]"
            )
        data = pandas(index=False, lineterminator="\n").encode()
        notes = _unread(getattr(getattr(frame, "index", None), "names", ()))
    else:
        columns = list(frame.columns)

        def written(names: list[str]) -> bytes:  # select takes a name as "*" for several
            part = frame if names == columns else frame.get_column(names[0]).to_frame()
            text: str = part.write_csv(time_format="%H:%M:%S%.f")
            return text.encode()

        data = _written("table", columns, written)
    return Text("table", data, notes, ",", True)


def _unread(index: Iterable[Any]) -> list[str]:
    """What is said of an index by its names: without one it only numbers the rows."""
    names = ", ".join(repr(str(name)) for name in index if name is not None)
    said = f"its index, {names}, is not read: frame.reset_index() makes a column of it"
    return [said] if names else []
