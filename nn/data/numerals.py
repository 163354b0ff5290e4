"""Tables of plain numerals: all cells at once, to the same bits as `float`, several times as fast.

A numeral like -12.375 is a sign, a whole number w = 12375, and k = 3, the digits after its point.
Eight digits at a time are put together in a word of 64 bits, by three products [1]; then w / 10^k
is rounded once. Up to 2^53 both are floats, and a division is all it takes [2]. Above, the rounding
error of the quotient is worked out [3], and the few numerals too close to the middle of two floats
to be told apart that way are left to `float`, as is every cell that is not so plain.

[1] D. Lemire, Number parsing at a gigabyte per second, Software: Practice and Experience 51, 2021.
[2] W. D. Clinger, How to read floating point numbers accurately, PLDI 1990.
[3] T. J. Dekker, A floating-point technique for extending the available precision, Numerische
    Mathematik 18, 1971.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..arrays import Array

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]

DIGITS = 24  # in three words
CUT, OTHER = 0x10, 0x20  # what bytes are made, beside 0 to 9: the end of a cell, no digit
POWERS = np.array([float(10**k) for k in range(23)])  # 10^22 is the last that is a float
# The bytes of word j, counted from the right, that belong to a numeral of D digits.
KEEP = [
    np.array([2**64 - 2 ** (64 - 8 * min(max(D - 8 * j, 0), 8)) for D in range(DIGITS + 1)], "<u8")
    for j in range(3)
]
# Neighbours put together: digits to pairs, pairs to fours, fours to eight digits.
TOGETHER = [
    (np.uint64(10 * 2**8 + 1), np.uint64(8), np.uint64(0x00FF00FF00FF00FF)),
    (np.uint64(100 * 2**16 + 1), np.uint64(16), np.uint64(0x0000FFFF0000FFFF)),
    (np.uint64(10**4 * 2**32 + 1), np.uint64(32), np.uint64(0x00000000FFFFFFFF)),
]


class Cells:
    """Lines of cells.

    Attributes:
        fits: whether there are ``width`` cells in each line.
        rows: how many lines there are.
    """

    def __init__(self, lines: bytes, delimiter: str, width: int) -> None:
        """Find the cells.

        Args:
            lines: each with its newline; no quotes.
            delimiter: between cells.
            width: how many cells a line should have.
        """
        self._lines, self._width = lines, width
        self._bytes = data = np.frombuffer(lines, np.uint8)
        cut, newline, point = ord(delimiter), ord("\n"), ord(".")
        marks = np.flatnonzero((data == cut) | (data == newline) | (data == point))
        kinds = data[marks]
        at = np.flatnonzero(kinds != point)
        self._ends = ends = marks[at]
        self._starts = np.concatenate([[0], ends[:-1] + 1])
        self._points = np.diff(at, prepend=-1) - 1
        self._after = np.where(self._points == 1, ends - marks[at - 1] - 1, 0)
        last = kinds[at[width - 1 :: width]] == newline
        self.rows = len(last)
        self.fits = bool(
            self.rows * width == len(at)
            and last.all()
            and np.count_nonzero(kinds == newline) == self.rows
        )
        self._delimiter = cut

    def longest(self) -> int:
        """How many bytes the longest cell has."""
        return int((self._ends - self._starts).max())

    def texts(self, column: int) -> list[str]:
        """The cells of a column."""
        return self._texts(self._starts[column :: self._width], self._ends[column :: self._width])

    def floats(self, columns: Sequence[int]) -> tuple[Array, Truth, list[str]]:
        """The numbers in some columns, ``(rows, len(columns))``.

        Returns:
            them; where the cells are no plain numerals; and those cells.
        """

        def chosen(of_cells: Whole) -> Whole:
            return of_cells.reshape(-1, self._width)[:, columns].ravel()

        table = bytes(c - 48 if 48 <= c < 58 else CUT if c in (10, self._delimiter) else OTHER
                      for c in range(256))  # fmt: skip
        digits = bytes(DIGITS) + self._lines.translate(table, b".+- ")
        stops = np.flatnonzero(np.frombuffer(digits, np.uint8) == CUT)
        D = chosen(np.diff(stops, prepend=DIGITS - 1) - 1)
        starts, ends, after = chosen(self._starts), chosen(self._ends), chosen(self._after)
        first = self._bytes[starts]
        for _ in range(DIGITS):  # spaces before a numeral
            space = first == ord(" ")
            if not space.any():
                break
            starts += space
            first = self._bytes[starts]
        minus = first == ord("-")
        signs = minus | (first == ord("+"))
        points = chosen(self._points)
        plain = (ends - starts - points - signs == D) & (points < 2)
        plain &= (D > 0) & (D <= DIGITS) & (after < len(POWERS))
        w, whole = _whole_numbers(digits, chosen(stops), np.where(plain, D, 0))
        x, sure = _quotients(w, np.where(plain, after, 0))
        np.negative(x, out=x, where=minus)
        odd = ~(plain & whole & sure)
        shape = self.rows, len(columns)
        return x.reshape(shape), odd.reshape(shape), self._texts(starts[odd], ends[odd])

    def _texts(self, starts: Whole, ends: Whole) -> list[str]:
        lines = self._lines
        return [lines[i:k].decode() for i, k in zip(starts.tolist(), ends.tolist())]


def _whole_numbers(digits: bytes, stops: Whole, D: Whole) -> tuple[Whole, Truth]:
    """The numbers that the D digits before each stop are, and where that is so, below 10^19."""
    # A word begins at every byte.
    words = np.ndarray((len(digits) - 7,), "<u8", digits, strides=(1,))
    w = np.zeros(len(D), np.uint64)
    seen, whole = np.zeros(len(D), np.uint64), np.ones(len(D), bool)
    for j in reversed(range(-(-int(D.max(initial=0)) // 8))):
        word = words[stops - 8 * (j + 1)] & KEEP[j][D]
        seen |= word
        for factor, shift, keep in TOGETHER:
            word *= factor
            word >>= shift
            word &= keep
        if j == 2:
            whole &= word < 900  # times 10^16 it stays below 2^63
        w *= np.uint64(10**8)
        w += word
    whole &= seen & np.uint64(0xF0F0F0F0F0F0F0F0) == 0
    return w.view(np.int64), whole


def _quotients(w: Whole, k: Whole) -> tuple[Array, Truth]:
    """The floats nearest to w / 10^k, and where that is sure."""
    p = POWERS[k]
    x, sure = w / p, np.ones(len(w), bool)
    (wide,) = np.nonzero(w > 2**53)
    if len(wide):
        w, p, q = w[wide], p[wide], x[wide]
        near = w.astype(float)
        high, low = _product(q, p)
        # What w is more than q p, in parts that are floats; then how far the quotient is from q.
        c = ((near - high) - low + (w - near.astype(np.int64))) / p
        error = q * 2.0**-90  # c is far more exact: some 100 bits of q are right
        x[wide] = q + (c - error)
        sure[wide] = x[wide] == q + (c + error)
    return x, sure


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """Two floats whose sum is a b, exactly."""
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    high = a * b
    return high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2)


def _halves(a: Array) -> tuple[Array, Array]:
    """Two floats of half as many digits, whose sum is a."""
    t = a * (2.0**27 + 1)
    high = t - (t - a)
    return high, a - high
