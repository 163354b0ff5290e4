"""What columns are: a table, a row for each kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd.show.notation import printable, shortened
from autograd.value import short_repr

from ..arrays import Array
from .alike import told_apart
from .cells import BY_NAME, EXACT, MOSTLY, PLAIN, Cells, Numbers, is_missing, parsed
from .dates import LAST, PARTS, WAYS, is_unsure, last_year, numbers_in, read_dates, said, way_of
from .units import is_word, same

KINDS_OF_WORDS = 20  # that have an input of their own; the others share one
TRUTHS = {"true": 1.0, "false": 0.0}
AS_NUMBERS = {**TRUTHS, "1": 1.0, "0": 0.0}  # as they may be written beside, or in new rows
ID = re.compile(
    r"(?i:(.*[\W_])?(id|index|idx|no|nr|key|uuid|row|(row|record|serial)[\W_]?(number|num|no|nr)"
    r"|row[\W_]?names?)\.?)|#|level_0|Unnamed: \d+(\.\d+)*|.*[a-z]I[Dd]",
    re.DOTALL,
)
INDEX = re.compile(r"(?i:.*[\W_]index)", re.DOTALL)  # it may also be a measure, as of body mass
UNNAMED = re.compile(r"column \d+")

About = Mapping[str, Any]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """What a column can be, and how its cells become numbers.

    Attributes:
        name: as ``--as COLUMN=KIND`` has it.
        fits: whether a column, as it stands there, is of this kind.
        learn: what is to be kept of it, as JSON has it, from the rows to train on.
        parts: the names of the inputs, by the column's name and what was kept.
        values: the inputs in some rows, ``(n, d)``; nan in all where the cell is missing.
        check: raises, or is false, if what was kept can't be right.
        unknown: the cells, all different, that say something and can't be read.
        said: what is said of the inputs.
    """

    name: str
    fits: Callable[[Cells], bool]
    learn: Callable[[Cells, Rows], dict[str, Any]]
    parts: Callable[[str, About], list[str]]
    values: Callable[[Cells, About, Rows], Array]
    check: Callable[[About], bool]
    unknown: Callable[[Cells, About], Sequence[str]]
    said: Callable[[Cells, About], str]


def _learn_numbers(cells: Cells, rows: Rows) -> dict[str, Any]:
    """How they are written, in all rows: 1.234 in a later table is what it was here."""
    numbers = cells.as_numbers
    return {"spelling": numbers.way.name, "units": list(numbers.units)}


def numbers_of(cells: Cells, about: About) -> Numbers:
    """What cells say, read as it was learned; or as they look, if only that reads them all.

    Files of earlier versions do not say what was learned. Numbers with another word as unit than
    was learned are none: of 1.70 m, 1.70 is no number of cm.
    """
    unit_word, looks = cells.unit_word, cells.as_numbers
    if about.get("units"):  # none are known of zeros alone
        unit_word = next((same(unit) for unit in about["units"] if is_word(unit)), "")
    if unit_word != cells.unit_word:
        looks = cells.numbers_in(looks.way, unit_word)
    if about.get("spelling", looks.way.name) == looks.way.name:
        return looks
    way = BY_NAME[about["spelling"]]
    learned = cells.numbers_in(way, unit_word)
    return looks if (learned.odd or cells.deny(way)) and not looks.odd else learned


def _values_of_numbers(cells: Cells, about: About, rows: Rows) -> Array:
    return numbers_of(cells, about).values[rows, None]


def _are_numbers(about: About) -> bool:
    known = about.get("spelling", PLAIN.name) in BY_NAME
    return known and all(isinstance(unit, str) for unit in about.get("units", []))


def _is_truth(cells: Cells) -> bool:
    there = {word(text).lower() for text in cells.texts if not is_missing(text)}
    return not there.isdisjoint(TRUTHS) and there <= AS_NUMBERS.keys()


def _values_of_truths(cells: Cells, about: About, rows: Rows) -> Array:
    found = [[AS_NUMBERS.get(word(text).lower(), np.nan)] for text in cells.texts]
    return cells.by_text(np.array(found).reshape(-1, 1), rows)


def _unknown_truths(cells: Cells, about: About) -> list[str]:
    return [t for t in cells.texts if not is_missing(t) and word(t).lower() not in AS_NUMBERS]


def _is_date(cells: Cells) -> bool:
    there = [text for text in cells.texts if not is_missing(text)]
    way = way_of(there) if there and cells.numbers is None else None
    if way is None:
        return False
    dated = cells.counts @ ~np.isnan(_dates(cells.texts, way)[:, 0])
    return bool(dated >= MOSTLY * (~cells.missing).sum())


def _learn_dates(cells: Cells, rows: Rows) -> dict[str, Any]:
    way = way_of([text for text in cells.texts if not is_missing(text)])
    if way is None:
        raise ValueError("its cells are no dates in any way that is known, as 2024-01-31")
    last = last_year(_dates(cells.texts, way)[:, 0]) if "%y" in way else LAST
    found = cells.by_text(_dates(cells.texts, way, last), rows)
    there = found[~np.isnan(found[:, 0])]
    varies = [part for part, column in zip(PARTS, there.T) if len(np.unique(column)) > 1]
    about = {"way": way, "parts": varies or ["year"]}
    return {**about, "last": last} if "%y" in way else about


@lru_cache(maxsize=4)  # a column is looked at several times, and reading may take a second
def _dates(texts: tuple[str, ...], way: str, last: int = LAST) -> Array:
    """The `PARTS` of dates that are written in a way, or of those that are not, in another.

    Years of two digits are not read beside those of four: which century is it?
    """
    found = read_dates(texts, way, last)
    lost = [i for i in np.flatnonzero(np.isnan(found[:, 0])) if not is_missing(texts[i])]
    other = way_of([texts[i] for i in lost], _ways_beside(way)) if lost else None
    if other is not None:
        found[lost] = read_dates([texts[i] for i in lost], other, last)
    return found


def _ways_beside(way: str) -> Sequence[str]:
    return WAYS if "%y" in way else [other for other in WAYS if "%y" not in other]


@lru_cache(maxsize=4)
def _others(texts: tuple[str, ...], way: str) -> list[str]:
    """The cells that say something, and not in this way."""
    lost = np.isnan(read_dates(texts, way)[:, 0])
    return [text for text, so in zip(texts, lost) if so and not is_missing(text)]


def way_in(cells: Cells, about: About) -> str:
    """The way of a column's dates: as it was learned; or as they look, if only that reads all.

    With 25/03/2024 beside it, 06/04/2024 is in April, also where months stood first in training.
    """
    way: str = about["way"]
    if not _others(cells.texts, way):
        return way
    there = [text for text in cells.texts if not is_missing(text)]
    looks = way_of(there, _ways_beside(way))
    return way if looks is None or _others(cells.texts, looks) else looks


def _dates_as_learned(cells: Cells, about: About) -> Array:
    return _dates(cells.texts, way_in(cells, about), about.get("last", LAST))


def _values_of_dates(cells: Cells, about: About, rows: Rows) -> Array:
    places = [PARTS.index(part) for part in about["parts"]]
    return cells.by_text(_dates_as_learned(cells, about)[:, places], rows)


def _unknown_dates(cells: Cells, about: About) -> list[str]:
    lost = np.isnan(_dates_as_learned(cells, about)[:, 0])
    return [text for text, so in zip(cells.texts, lost) if so and not is_missing(text)]


def word(text: str) -> str:
    """A cell as a word: 1.0 is 1, as libraries write whole numbers beside missing ones."""
    value = parsed(text) if "." in text else None
    if value is not None and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return text


def _learn_words(cells: Cells, rows: Rows) -> dict[str, Any]:
    """Words that are met twice or more, the most frequent; the others are told apart from none."""
    counts: dict[str, int] = {}
    every = np.arange(len(cells.texts))
    for text, n in zip(cells.texts, np.bincount(cells.by_text(every, rows), minlength=len(every))):
        if n and not is_missing(text):
            counts[word(text)] = counts.get(word(text), 0) + int(n)
    if not counts:  # all that there are stand in other rows
        return _learn_words(cells, np.arange(len(cells.missing)))
    often = [w for w in sorted(counts, key=lambda w: (-counts[w], w)) if counts[w] > 1]
    if len(often) < 2:
        often = sorted(counts, key=lambda w: (-counts[w], w))
    often = often[:KINDS_OF_WORDS]
    return {"words": sorted(often), "other": len(often) < len(counts)}


def _names_of_words(name: str, about: About) -> list[str]:
    other = "other" if "other" not in about["words"] else "(other)"
    return [f"{name} = {w}" for w in [*about["words"], *([other] if about["other"] else [])]]


def _values_of_words(cells: Cells, about: About, rows: Rows) -> Array:
    place = {w: j for j, w in enumerate(about["words"])}
    d = len(place) + about["other"]
    # Of none: the last place if the others share one, else one that is cut off.
    at = np.array([place.get(word(text), len(place)) for text in cells.texts], int)
    out = np.zeros((len(rows), len(place) + 1))
    out[np.arange(len(rows)), cells.by_text(at, rows)] = 1.0
    out[cells.missing[rows]] = np.nan
    return out[:, :d]


def _new_words(cells: Cells, about: About) -> list[str]:
    known = set(about["words"])
    return [text for text in cells.texts if not is_missing(text) and word(text) not in known]


def _said_of_words(cells: Cells, about: About) -> str:
    listed = ", ".join(map(printable, shortened(about["words"], most=6)))
    rest = len({word(t) for t in cells.texts if not is_missing(t)}) - len(about["words"])
    other = f"; 'other' for {rest} rarer ones" if about["other"] else ""
    doubts = _doubt(cells) + told_apart(word(t) for t in cells.texts if not is_missing(t))
    return f"words, an input for each: {listed}{other}{doubts}"


def _doubt(cells: Cells) -> str:
    """What is said of words that are numbers for the most part, or with a word as unit."""
    odd, there = cells.as_numbers.odd, int((~cells.missing).sum())
    if not odd or cells.as_numbers.gaps > there / 2:
        return cells.in_several_units
    listed = ", ".join(map(short_repr, shortened(odd)))
    return f" (most are numbers: as number, {listed} would be missing)"


def _said_of_numbers(cells: Cells, about: About) -> str:
    numbers = cells.as_numbers
    said = numbers.said_with(f"--as {cells.name}=words")
    more = f", {said}" if said else ""
    dates = f" (dates? Then --as {cells.name}=date)" if _may_be_days(numbers.values) else ""
    return f"numbers{more}{dates}"


def _may_be_days(values: Array) -> bool:
    """Whether numbers are all such as 20240131, and not all alike."""
    found = values[~np.isnan(values)]
    if not len(found) or not (19000101 <= found.min() < found.max() <= 21001231):
        return False
    some = [f"{value:.8g}" for value in np.unique(found)]
    return all(numbers_in(text, "%Y%m%d") for text in some)


def _said_of_dates(cells: Cells, about: About) -> str:
    texts = [text for text in cells.texts if not is_missing(text)]
    unsure = " (or day before month? As 2024-01-31 they would be clear)" if is_unsure(
        texts, about["way"]) else ""  # fmt: skip
    others = _others(cells.texts, about["way"])
    other = way_of(others) if others else None
    unsure += f", some {said(other)} (write all alike)" if other else ""
    years = f" of {about['last'] - 99} to {about['last']}" if "last" in about else ""
    return f"dates, {said(about['way'])}{years}{unsure}: {', '.join(about['parts'])} as numbers"


def _are_parts(about: About) -> bool:
    last, parts = about.get("last", LAST), about["parts"]
    known = about["way"] in WAYS and len(parts) > 0 and set(parts) <= set(PARTS)
    return known and isinstance(last, int) and 100 <= last <= 9999


def _are_words(about: About) -> bool:
    words, other = about["words"], about["other"]
    texts = all(isinstance(w, str) for w in words) and len(set(words)) == len(words) > 0
    return isinstance(words, list) and texts and isinstance(other, bool)


# fmt: off
# The first row that fits a column is its kind.
KINDS = {row.name: row for row in (
    Kind("number", lambda cells: cells.are_numbers,
         _learn_numbers, lambda name, about: [name], _values_of_numbers,
         _are_numbers, lambda cells, about: numbers_of(cells, about).odd, _said_of_numbers),
    Kind("truth", _is_truth,
         lambda cells, rows: {}, lambda name, about: [name], _values_of_truths,
         lambda about: True, _unknown_truths, lambda cells, about: "True or False, as 1 or 0"),
    Kind("date", _is_date,
         _learn_dates, lambda name, about: [f"{name} {part}" for part in about["parts"]],
         _values_of_dates,
         _are_parts,
         _unknown_dates, _said_of_dates),
    Kind("words", lambda cells: True,
         _learn_words, _names_of_words, _values_of_words, _are_words, _new_words, _said_of_words),
)}
# fmt: on


def kind_of(cells: Cells) -> Kind:
    """What a column is, as it looks."""
    return next(kind for kind in KINDS.values() if kind.fits(cells))


def reason_against(cells: Cells, kind: Kind, nameless: bool = False) -> str:
    """Why a column says nothing that carries over to other rows; empty if there is no reason.

    Args:
        cells: the column.
        kind: what it is.
        nameless: whether it has no name, though others do, as where an index is written.
    """
    present = int((~cells.missing).sum())
    if present == 0:
        return "it has no values"
    if kind.name == "number":
        values = cells.as_numbers.values
        is_id = _is_id(cells.name, values[~np.isnan(values)], nameless)
        return "it numbers the rows" if is_id else ""
    if kind.name != "words":
        return ""
    different = len({word(text) for text in cells.texts if not is_missing(text)})
    if different == 1 and present == len(cells.missing):
        return "it says the same in all rows"
    if different > max(2, present / 2):
        return f"it has {different} different words in {present} rows{_doubt(cells)}"
    return ""


def _is_id(name: str, values: Array, nameless: bool) -> bool:
    """Whether numbers are those of rows: whole, hardly one twice, and called so; or they count."""
    if UNNAMED.fullmatch(name) and not nameless:
        return len(values) > 2 and bool((np.diff(values) == 1).all()) and values[0] in (0, 1)
    whole = bool((values == np.floor(values)).all())
    called_so = nameless or bool(ID.fullmatch(name))
    if INDEX.fullmatch(name) and np.ptp(values) >= len(values):
        return False
    return called_so and whole and len(np.unique(values)) > 0.9 * len(values)
