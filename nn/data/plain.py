"""Plain blocks of a CSV file, a row in each line and nothing wrong: NumPy reads them at once."""

import csv
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array

# Quotes, ends of lines of other kinds, and what to NumPy is a space around a number.
MARKS = (b'"', b"\r", b"\0", b"\x1c", b"\x1d", b"\x1e", b"\x1f")
DIGITS = b"0123456789."
OF_NUMBERS = np.isin(np.arange(256), list(DIGITS + b"+-eE \t\n"))  # bytes that a numeral may have
MOST = 17  # bytes of a numeral whose digits are surely a whole number of 64 bits
POWERS = np.array([float(10**k) for k in range(MOST)])


class Block:
    """Some lines of a file, cut into cells.

    Attributes:
        fits: whether there are as many cells in each line as there should be, and no quotes.
        rows: how many lines there are.
    """

    def __init__(self, lines: bytes, delimiter: str, width: int) -> None:
        """Find the cells.

        Args:
            lines: the last one's end may be missing.
            delimiter: between cells.
            width: how many cells a line should have.
        """
        lines = lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines
        self._lines = lines = lines if lines.endswith(b"\n") else lines + b"\n"
        self._delimiter, self._width = delimiter, width
        self._bytes = data = np.frombuffer(lines, np.uint8)
        newline, point = data == ord("\n"), data == ord(".")
        marks = np.flatnonzero(newline | point | (data == ord(delimiter)))
        at = np.flatnonzero(~point[marks])
        self._ends = ends = marks[at]
        self._starts = np.concatenate([[0], ends[:-1] + 1])
        self._points = np.diff(at, prepend=-1) - 1
        self._decimals = np.where(self._points == 1, ends - marks[at - 1] - 1, 0)
        lengths, last = ends - self._starts, newline[ends[width - 1 :: width]]
        self.rows, self._lengths = len(last), lengths
        self.fits = bool(
            self.rows * width == len(ends)
            and last.all()
            and np.count_nonzero(newline) == self.rows
            and not any(mark in lines for mark in MARKS)
            and lengths.max() <= csv.field_size_limit()
            and (width > 1 or lengths.min() > 0)  # a blank line is no row
        )

    @cached_property
    def plain(self) -> npt.NDArray[np.bool_]:
        """Which columns have no empty cell, and only what numerals are made of, ``(width,)``.

        What numerals are not made of is looked for in all cells at once.
        """
        plain = (self._lengths.reshape(-1, self._width) > 0).all(axis=0)
        allowed = OF_NUMBERS.copy()
        allowed[ord(self._delimiter)] = True
        others = np.flatnonzero(~allowed[self._bytes])
        plain[np.unique(np.searchsorted(self._ends, others) % self._width)] = False
        return np.asarray(plain)

    def texts(self, column: int) -> list[str]:
        """The cells of a column, without the spaces around them."""
        every = slice(column, None, self._width)
        places = zip(self._starts[every].tolist(), self._ends[every].tolist())
        text = self._lines.decode()
        if text.isascii():
            return [text[start:end].strip() for start, end in places]
        return [self._lines[start:end].decode().strip() for start, end in places]

    def numbers(self, columns: Sequence[int]) -> Array:
        """The numbers in some columns, ``(rows, len(columns))``; some may not be finite.

        Raises:
            ValueError: a cell is empty, or no number.
        """
        if not columns:
            return np.empty((self.rows, 0))
        X = self._fractions(columns)
        return self._read(self._lines, columns, float) if X is None else X

    def _fractions(self, columns: Sequence[int]) -> Array | None:
        """Those of short numerals without exponents, in less than half the time; None if others.

        12.375 is 12375 / 10^3. If both are floats, as whole numbers up to 2^53 are, their quotient
        is rounded as the number itself would be (W. D. Clinger, How to read floating point numbers
        accurately, PLDI 1990). Whole numbers are read several times as fast.
        """

        def chosen(of_cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return of_cells.reshape(-1, self._width)[:, columns]

        lengths, points = chosen(self._ends - self._starts), chosen(self._points)
        if lengths.max() > MOST or points.max() > 1 or (lengths == points).any():
            return None
        minus = self._bytes[self._starts] == ord("-")
        if not self._are_numerals(columns, minus):
            return None
        whole = self._read(self._lines.translate(None, b"."), columns, np.int64)
        if max(whole.max(), -whole.min()) > 2**53:
            return None
        X: Array = whole / POWERS[chosen(self._decimals)]
        X[(whole == 0) & chosen(minus)] = -0.0
        return X

    def _are_numerals(self, columns: Sequence[int], minus: npt.NDArray[np.bool_]) -> bool:
        """Whether cells are digits and points, and where it says so a minus before them."""
        usual = DIGITS + b"\n" + self._delimiter.encode()
        if self._lines.translate(None, usual) == b"-" * np.count_nonzero(minus):
            return True
        others = np.flatnonzero(~np.isin(self._bytes, list(usual)))
        others = np.setdiff1d(others, self._starts[minus])
        return not np.isin(np.searchsorted(self._ends, others) % self._width, columns).any()

    def _read(self, lines: bytes, columns: Sequence[int], kind: type) -> npt.NDArray[Any]:
        return np.loadtxt(
            lines.decode().removesuffix("\n").split("\n"), dtype=kind, delimiter=self._delimiter,
            comments=None, usecols=columns, ndmin=2,
        )  # fmt: skip
