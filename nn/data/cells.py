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
from .units import doubt_of, in_units, is_scale, is_word, parts, same

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
BEHIND = re.compile(r".*\d[.,]?\s*[-\u2212]")  # a minus
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
              r"|\d{1,3},(\d{1,2}|\d{4,})",  # 1,234 is none: is it 1.234, or 1234?
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
        units: those that stand at them, each as first written, as % or kg; "" where there is none.
        odd: the cells, all different, that are there and no numbers.
        gaps: how many rows have such a cell.
        padded: one that is rather a name, as 01067; "" if there is none.
        notes: what else is to be said of them, as if they may be written in another way.
    """

    values: Array
    way: Spelling = PLAIN
    units: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    gaps: int = 0
    padded: str = ""
    notes: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """How a target's numbers are written, if not plainly."""
        said = self.said_with("--loss categorical")
        plainly = said and self.way is PLAIN and not any(self.units)
        return f"written plainly, {said}" if plainly else said

    def said_with(self, cure: str) -> str:
        """How they are written, if not plainly, and what cures it if they are names."""
        written = [f"with {self.way.name}"] if self.way is not PLAIN else []
        units = [in_units(self.units)] if any(self.units) else []
        if len(self.units) > 1:
            units = [f"{units[0]} (taken as one scale: if it is not, write all alike)"]
        names = [f"some as {self.padded} (names? Then {cure})"] if self.padded else []
        return ", ".join([*written, *units, *names, *self.notes])


@dataclass(frozen=True)
class Cells:
    """A column as it stands in a table: numbers, if all its cells are that or missing; else texts.

    Attributes:
        name: the column's.
        numbers: ``(n,)``, nan where a cell is missing; None for texts.
        codes: of texts, which of them stands in which row, ``(n,)``.
        texts: those that there are, all different, without spaces around them.
        commas: whether 1,234 is rather a decimal than a thousand and more.
        new: whether they are to be read as others were: without a unit, they are in that of those.
    """

    name: str
    numbers: Array | None = None
    codes: Codes | None = None
    texts: tuple[str, ...] = ()
    commas: bool = False
    new: bool = False

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
        unit, ways = self.unit_word, self._spellings()
        if len(ways) > 1:  # else the reading is spared
            ways = sorted(ways, key=lambda way: [*self._read(way, unit)].count(None))
        numbers = self.numbers_in(ways[0], unit)
        may_be_others = self.numbers is None and numbers.way.name in THOUSANDS_OF
        return self._or_thousands(numbers) if may_be_others else numbers

    def _or_thousands(self, numbers: Numbers) -> Numbers:
        """Numbers; or others, if what seems a decimal mark stands rather between thousands.

        So it is where all marks have three digits behind them, numbers without one are whole and
        below 1000, and all lie closer together then: 600, 970, 1.007 do, but not 1, 1.333, 2.
        """
        others = self.numbers_in(THOUSANDS_OF[numbers.way.name], self.unit_word)
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

    def _read(self, way: Spelling, unit_word: str) -> Iterator[float | None]:
        """What each text is as a number; None for what is none, and where a cell is missing."""
        return (_number(text, unit, way, unit_word, self.new) for text, unit in self._parts)

    @cached_property
    def unit_words(self) -> Counter[str]:
        """The words that are units, as they are compared, and in how many rows each stands."""
        found = Counter[str]()
        if self.numbers is None:
            for (_, unit), n in zip(self._parts, self.counts.tolist()):
                if is_word(unit):
                    found[same(unit)] += n
        return found

    @cached_property
    def unit_word(self) -> str:
        """The word that is the unit of all its numbers, or nearly so; "" if there is none.

        Others would be of another scale, or no units at all, as in 7A, 7B, 8A.
        """
        if not self.unit_words:
            return ""
        unit_word, n = self.unit_words.most_common(1)[0]
        # Of 0 no unit is needed.
        zeros = [unit == "" and parsed(text) == 0 for text, unit in self._parts]
        return unit_word if n >= MOSTLY * ((~self.missing).sum() - self.counts @ zeros) else ""

    @property
    def in_several_units(self) -> str:
        """What is said of numbers that are not read, for the words behind them."""
        present, total = int((~self.missing).sum()), self.unit_words.total()
        if 2 * total < present or (self.unit_word and not is_scale(self.unit_word)):
            return ""
        written = {same(unit): unit for _, unit in reversed(self._parts) if is_word(unit)}
        return doubt_of(sorted(written.values()), some_bare=total < present)

    def numbers_in(self, way: Spelling, unit_word: str) -> Numbers:
        """What the column says in numbers that are written in a way, maybe with a word as unit."""
        if (way.name, unit_word) not in self._in_ways:  # a microsecond or two for each text
            self._in_ways[way.name, unit_word] = self._numbers_in(way, unit_word)
        return self._in_ways[way.name, unit_word]

    @cached_property
    def _in_ways(self) -> dict[tuple[str, str], Numbers]:
        return {}

    def _numbers_in(self, way: Spelling, unit_word: str) -> Numbers:
        if self.numbers is not None:
            return Numbers(self.numbers, units=("",) if np.nan_to_num(self.numbers).any() else ())
        values = np.array(list(self._read(way, unit_word)), float)
        is_odd = np.isnan(values) & ~np.array(list(map(is_missing, self.texts)), bool)
        # Of 0 no unit is needed.
        written = [unit for (_, unit), v in zip(self._parts, values) if v and not np.isnan(v)]
        units = {same(unit): unit for unit in reversed(written)}
        minuses = [
            f"{text} as {MINUS}{-v:.12g}" for text, v in zip(self.texts, values)
            if v < 0 and (text.startswith("(") or BEHIND.match(text))
        ]  # fmt: skip
        padded = (text for text, (x, _) in zip(self.texts, self._parts) if PADDED.fullmatch(x))
        odd = tuple(text for text, so in zip(self.texts, is_odd) if so)
        gaps, found = int(self.counts[is_odd].sum()), values[self._codes]
        units_of, notes = tuple(sorted(units.values())), tuple(minuses[:1])
        return Numbers(found, way, units_of, odd, gaps, next(padded, ""), notes)

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
        and labels such as 7a, 8a, 9a, or 1, 1-, 2, 2-.
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
        short = len(self.unit_word) == 1 and " " not in "".join(self.texts)
        if (few and short and not (found % 1).any()) or self._minuses_of_names(few):
            return False
        return present > 0 and not (gaps and (few or gaps > (1 - MOSTLY) * present))

    def _minuses_of_names(self, few: bool) -> bool:
        """Whether minuses behind numbers, all bare and whole, are part of names, as in 1, 1-, 2."""
        if not any(map(BEHIND.match, self.texts)):
            return False
        values = self._read(self.as_numbers.way, self.unit_word)
        found = [(text, *p) for text, p, v in zip(self.texts, self._parts, values) if v is not None]
        behind = [x.startswith("-") and bool(BEHIND.match(text)) for text, x, _ in found]
        bare = all(not unit and x.lstrip("+-").isdecimal() for _, x, unit in found)
        return bare and any(behind) and (few or all(behind))

    @cached_property
    def long(self) -> tuple[str, ...]:
        """Whole numbers of more digits than floats have, as long ids are."""
        return tuple(filter(_loses_digits, self.texts))

    def _spellings(self) -> Sequence[Spelling]:
        """The ways in which some cell is written, the likelier ones first."""
        ways = sorted(SPELLINGS, key=lambda way: not (self.commas and way is DECIMAL_COMMA))
        texts = [text for text, _ in self._parts]
        return (PLAIN, *(way for way in ways if any(map(way.pattern.fullmatch, texts))))


def is_number(text: str) -> bool:
    """Whether a cell is a number, in whichever way it is written."""
    return any(read(text, way) is not None for way in SPELLINGS)


def read(text: str, way: Spelling) -> float | None:
    """A cell as a number, written plainly or in a certain way; None if it is none."""
    return _number(*parts(text), way, "")


def _number(text: str, unit: str, way: Spelling, wanted: str, bare: bool = False) -> float | None:
    """A number as `read` gives it, by its `parts`, if its unit is the wanted word or it has none.

    If a word is wanted, only zeros may have no unit; or all, if they may be bare.
    """
    is_so = way is not PLAIN and way.pattern.fullmatch(text)
    value = parsed(way.plain(text) if is_so else text)
    if not unit:
        fits = bare or not wanted or value == 0
    elif is_word(unit):
        fits = same(unit) == wanted and not is_scale(unit)
    else:
        fits = not wanted
    return value if fits else None


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
