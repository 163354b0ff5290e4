"""What cells of a table say: nothing, or a number, in whichever way it is written."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd.show.notation import MINUS

from ..arrays import Array
from .units import SCALES, in_units, parts, word_in

# In small letters. A word that may be an answer, as None or unknown, is none of them.
MISSING = frozenset((
    "", "na", "n/a", "n.a.", "#n/a", "<na>", "?", ".", "-", "--", "–", "—", "\u2212", "nan", "-nan",
    "nat", "null",
    "(null)", "\\n", "#na", "#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
    # Spreadsheets' errors, and German ones'.
    "#null!", "#value!", "#div/0!", "#ref!", "#num!", "#name?", "#calc!", "#spill!",
    "#nv", "#wert!", "#zahl!", "#bezug!",
))  # fmt: skip
FEW = 10  # so many different whole numbers may be names of classes; more are plain numbers
MOSTLY = 0.9  # of a column's cells that are there: so many say what the column holds
PADDED = re.compile(r"0\d{2,}")  # a number that is rather a name, as a zip code
UNUSUAL = re.compile(r"\(|.*\d[.,]?-")  # minus: a number in brackets, or with a minus behind it
EXACT = 2**53  # up to it, all whole numbers are floats

Codes = npt.NDArray[np.int32]


def is_missing(text: str) -> bool:
    """Whether a cell, without spaces around it, says that nothing is known."""
    return text.lower() in MISSING


def parsed(text: str) -> float | None:
    """A cell as a finite number, as Python writes it; None if it is none."""
    try:
        value = float(text.replace("_", "x"))  # Python would take 1_000 for a number
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def finite(texts: Sequence[str]) -> Array | None:
    """Cells as finite numbers, ``(n,)``; None if `parsed` takes one of them for none."""
    if "_" in "".join(texts):
        return None
    try:
        values = np.fromiter(map(float, texts), float, len(texts))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def numbers_or_gaps(texts: Sequence[str]) -> Array | None:
    """Cells as numbers, nan where they are missing; None if one is neither."""
    try:  # the usual case: numbers and empty cells
        cells = (float(text) if text else math.nan for text in texts)
        values = np.fromiter(cells, float, len(texts))
        if not np.isinf(values).any() and "_" not in "".join(texts):
            return values
    except ValueError:
        pass
    found = list(map(parsed, texts))
    if any(value is None and not is_missing(text) for value, text in zip(found, texts)):
        return None
    return np.array(found, dtype=float)


@dataclass(frozen=True)
class Spelling:
    """A way to write numbers.

    Attributes:
        name: what a column that is written so has, as a network's file keeps it.
        pattern: of the cells that can only be written so.
        plain: makes Python's way of it.
    """

    name: str
    pattern: re.Pattern[str]
    plain: Callable[[str], str]


def _spelling(name: str, pattern: str, plain: Callable[[str], str]) -> Spelling:
    return Spelling(name, re.compile(rf"[-+]?(?:{pattern})", re.IGNORECASE), plain)


PLAIN = Spelling("plain", re.compile(""), str)
DECIMAL_COMMA = _spelling("decimal commas", r"\d+,\d*(e[-+]?\d+)?|,\d+(e[-+]?\d+)?",
                          lambda text: text.replace(",", "."))  # fmt: skip
POINTS = _spelling("decimal commas, and points between thousands",
                   r"[1-9]\d{0,2}(\.\d{3})+(,\d*)?|\d{1,3},\d+",
                   lambda text: text.replace(".", "").replace(",", "."))  # fmt: skip
THOUSANDS = _spelling("commas between thousands",
                      r"[1-9](\d{0,2}(,\d{3})+|\d?(,\d{2})+,\d{3})(\.\d*)?",  # 1,50,000 in India
                      lambda text: text.replace(",", ""))  # fmt: skip
SPELLINGS = (
    THOUSANDS, DECIMAL_COMMA, POINTS,
    _spelling("spaces between thousands", r"[1-9]\d{0,2}([ '’\u00a0\u2009\u202f]\d{3})+([.,]\d*)?"
              r"|\d{1,3},\d+",
              lambda text: re.sub("[ '’\u00a0\u2009\u202f]", "", text).replace(",", ".")),
)  # fmt: skip
THOUSANDS_OF = {PLAIN.name: POINTS, DECIMAL_COMMA.name: THOUSANDS}  # if the mark is no decimal one
BY_NAME = {way.name: way for way in (PLAIN, *SPELLINGS)}


@dataclass(frozen=True)
class Numbers:
    """What a column says in numbers.

    Attributes:
        values: ``(n,)``, nan where there is none.
        way: how they are written.
        units: the marks that stand at them, as %; "" for none.
        odd: the cells, all different, that are there and no numbers.
        gaps: how many rows have such a cell.
        notes: what else is to be said of them, as if they may be written in another way.
    """

    values: Array
    way: Spelling = PLAIN
    units: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    gaps: int = 0
    notes: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """How they are written, if not plainly."""
        written = [f"with {self.way.name}"] if self.way is not PLAIN else []
        units = [in_units(self.units)] if any(self.units) else []
        if len(self.units) > 1:
            units = [f"{units[0]} (taken as one scale: if it is not, write all alike)"]
        return ", ".join([*written, *units, *self.notes])


@dataclass(frozen=True)
class Cells:
    """A column as it stands in a table: numbers, if all its cells are that or missing; else texts.

    Attributes:
        name: the column's.
        numbers: ``(n,)``, nan where a cell is missing; None for texts.
        codes: of texts, which of them stands in which row, ``(n,)``.
        texts: those that there are, all different, without spaces around them.
        commas: whether 1,234 is rather a decimal than a thousand and more.
    """

    name: str
    numbers: Array | None = None
    codes: Codes | None = None
    texts: tuple[str, ...] = ()
    commas: bool = False

    @property
    def _codes(self) -> Codes:
        assert self.codes is not None
        return self.codes

    def by_text(self, found: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """What is found for each of the texts, row by row, in some rows."""
        return found[self._codes[rows]]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """In how many rows each of the texts stands."""
        return np.bincount(self._codes, minlength=len(self.texts))

    @cached_property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which rows have no cell, ``(n,)``."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        gaps: npt.NDArray[np.bool_] = np.array([is_missing(text) for text in self.texts], bool)
        return gaps[self._codes]

    @cached_property
    def as_numbers(self) -> Numbers:
        """What the column says in numbers, if it is read so, in the way that fits most cells."""
        word = self.word
        score = {
            way: sum(v is not None for v in self._read(way, word)) for way in self._spellings()
        }
        numbers = self.numbers_in(max(score, key=lambda way: score[way]), word)
        may_be_others = self.numbers is None and numbers.way.name in THOUSANDS_OF
        return self._or_thousands(numbers) if may_be_others else numbers

    def _or_thousands(self, numbers: Numbers) -> Numbers:
        """Numbers; or others, if what seems a decimal mark stands rather between thousands.

        So it is where all marks have three digits behind them, numbers without one are whole and
        below 1000, and all lie closer together then: 600, 970, 1.007 do, but not 1, 1.333, 2.
        """
        others = self.numbers_in(THOUSANDS_OF[numbers.way.name], self.word)
        there = np.flatnonzero(~np.isnan(numbers.values))
        a, b = numbers.values[there], others.values[there]
        marked = a != b
        bare = a[~marked]
        between = bool(np.isclose(b[marked], 1000 * a[marked]).all())
        if marked.all() or not (marked.any() and between) or _are_marked(bare):
            return numbers
        if min(marked.sum(), len(bare)) >= 3 and _spread(b) < _spread(a):
            return others
        text = self.texts[self._codes[there[marked.argmax()]]]
        doubt = f"decimals as in {text} (or thousands? Then write {b[marked][0]:.0f})"
        return replace(numbers, notes=(*numbers.notes, doubt))

    @cached_property
    def _parts(self) -> list[tuple[str, str]]:
        """The number and the unit in each text."""
        return [("", "") if is_missing(text) else parts(text) for text in self.texts]

    def _read(self, way: Spelling, word: str) -> Iterator[float | None]:
        """What each text is as a number; None for what is none, and where a cell is missing."""
        return (_number(text, unit, way, word) for text, unit in self._parts)

    @cached_property
    def words(self) -> Counter[str]:
        """The words that are units, and in how many rows each stands; of 5 kg it is kg."""
        found = Counter[str]()
        if self.numbers is None:
            for (_, unit), n in zip(self._parts, self.counts.tolist()):
                if word := word_in(unit):
                    found[word] += n
        return found

    @cached_property
    def word(self) -> str:
        """The word that is the unit of all its numbers, or nearly so; "" if there is none.

        Others would be of another scale, or no units at all, as in 7A, 7B, 8A.
        """
        if not self.words:
            return ""
        word, n = self.words.most_common(1)[0]
        # Of 0 no unit is needed.
        zeros = [unit == "" and parsed(text) == 0 for text, unit in self._parts]
        return word if n >= MOSTLY * ((~self.missing).sum() - self.counts @ zeros) else ""

    @property
    def in_several_units(self) -> str:
        """What is said of numbers in a few units, of which none is that of nearly all."""
        present, total = int((~self.missing).sum()), self.words.total()
        if self.word or len(self.words) > 3 or 2 * total < present:
            return ""
        units = sorted([*self.words, *([""] if total < present else [])])
        return f" (numbers {in_units(units)}? Write all in one unit)"

    def numbers_in(self, way: Spelling, word: str) -> Numbers:
        """What the column says in numbers that are written in a way, maybe with a word as unit."""
        if (way.name, word) not in self._in_ways:  # it takes a microsecond or two for each text
            self._in_ways[way.name, word] = self._numbers_in(way, word)
        return self._in_ways[way.name, word]

    @cached_property
    def _in_ways(self) -> dict[tuple[str, str], Numbers]:
        return {}

    def _numbers_in(self, way: Spelling, word: str) -> Numbers:
        if self.numbers is not None:
            return Numbers(self.numbers, units=("",) if np.nan_to_num(self.numbers).any() else ())
        values = np.array(list(self._read(way, word)), float)
        is_odd = np.isnan(values) & ~np.array(list(map(is_missing, self.texts)), bool)
        # Of 0 no unit is needed.
        written = [unit for (_, unit), v in zip(self._parts, values) if v and not np.isnan(v)]
        units = {word_in(unit) or unit: unit for unit in reversed(written)}
        brackets = [
            f"{text} as {MINUS}{-v:.12g}" for text, v in zip(self.texts, values)
            if v < 0 and UNUSUAL.match(text)
        ]  # fmt: skip
        padded = [t for t, (x, _) in zip(self.texts, self._parts) if PADDED.fullmatch(x)][:1]
        codes = [f"some as {text} (names? Then --as {self.name}=words)" for text in padded]
        odd = tuple(text for text, so in zip(self.texts, is_odd) if so)
        gaps = int(self.counts[is_odd].sum())
        units_of = tuple(sorted(units.values()))
        return Numbers(values[self._codes], way, units_of, odd, gaps, (*brackets[:1], *codes))

    def deny(self, way: Spelling) -> bool:
        """Whether a point in them, as in 12.5, can't stand between thousands, as in that way."""
        return way is POINTS and any(
            "." in text and not way.pattern.fullmatch(text) for text, _ in self._parts
        )

    @property
    def have_three_decimals(self) -> bool:
        """Whether its numbers are written like 3.456, which may be three thousand and more."""
        numbers = self.as_numbers
        values = abs(numbers.values[~np.isnan(numbers.values) & (numbers.way is PLAIN)])
        thousandths = np.round(values * 1000)
        exact = len(values) > 0 and np.allclose(values * 1000, thousandths, rtol=0, atol=1e-6)
        return bool(exact and values.max() < 1000 and (thousandths % 10 != 0).mean() > 0.5)

    @cached_property
    def are_numbers(self) -> bool:
        """Whether the column holds numbers, but for a few mistakes among many.

        Whole numbers that are no floats, as long ids are, would not stay apart: they are words. So
        are (0), (1), (2): where a zero has brackets, and no number is without, they are no minus;
        and a few labels such as 7a, 8a, 9a.
        """
        numbers = self.as_numbers
        if self.numbers is not None:
            return True
        if self.long:
            return False
        if (numbers.values == 0).any() and all(
            t.startswith("(") or is_missing(t) for t in self.texts
        ):
            return False
        present, gaps = int((~self.missing).sum()), numbers.gaps
        found = np.unique(numbers.values[~np.isnan(numbers.values)])
        few = len(found) <= FEW
        if few and len(self.word) == 1 and not (found % 1).any() and " " not in "".join(self.texts):
            return False
        return present > 0 and not (gaps and (few or gaps > (1 - MOSTLY) * present))

    @cached_property
    def long(self) -> tuple[str, ...]:
        """Whole numbers of more digits than floats have, as long ids are."""
        return tuple(filter(_loses_digits, self.texts))

    def _spellings(self) -> tuple[Spelling, ...]:
        if not self.commas:
            return (PLAIN, *SPELLINGS)
        return (PLAIN, DECIMAL_COMMA, *(way for way in SPELLINGS if way is not DECIMAL_COMMA))


def is_number(text: str) -> bool:
    """Whether a cell is a number, in whichever way it is written."""
    return any(read(text, way) is not None for way in SPELLINGS)


def read(text: str, way: Spelling) -> float | None:
    """A cell as a number, written plainly or in a certain way; None if it is none."""
    return _number(*parts(text), way, "")


def _number(text: str, unit: str, way: Spelling, word: str) -> float | None:
    """A number as `read` gives it, by its `parts`; the only word that may be its unit is given."""
    if word_in(unit) not in ("", word):
        return None
    if not unit and word.lower() in SCALES and parsed(text) != 0:
        return None
    if way is not PLAIN and way.pattern.fullmatch(text):
        return parsed(way.plain(text))
    return parsed(text)


def _are_marked(values: Array) -> bool:
    """Whether some would have a mark for their decimals, or for their thousands."""
    return bool(np.any(values % 1) or abs(values).max() >= 1000)


def _spread(values: Array) -> float:
    """How far apart numbers lie, by their ratios."""
    return float(np.std(np.log(abs(values[values != 0]))))


def _loses_digits(text: str) -> bool:
    digits = text.lstrip("+-")
    value = parsed(digits) if digits.isdecimal() and len(digits) > 15 else None
    return value is not None and int(digits) != value  # so it has 309 digits at most
