"""Dates: how people write them, and the numbers in them."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import product

import numpy as np

from ..arrays import Array

ISO = "year-month-day"
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))? ?(?:Z|[-+]\d\d(?::?\d\d)?)?)?", re.A
)
_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y",
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y",
    "%d %B %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y.%m.%d", "%a, %d %b %Y", "%Y年%m月%d日",
)  # fmt: skip
_TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p")
# As Python's strptime has them, but for the first. Of two that fit 1/2/2020, the first is taken.
WAYS = (
    ISO, *("".join(parts) for parts in product(_DAYS, _TIMES)),
    "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%A, %B %d, %Y",
    "%a %b %d %H:%M:%S %Y", "%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S.%f", "%Y%m%d",
)  # fmt: skip
LAST = 2068  # year that two digits mean in Python: 69 is 1969
AHEAD = 10  # years that people plan ahead
PARTS = ("year", "month", "day", "weekday", "hour")  # January is 1, Monday 0; hours with fractions


def numbers_in(text: str, way: str, last: int = LAST) -> tuple[float, ...] | None:
    """The `PARTS` of a date that is written in one of the `WAYS`; None if it is not.

    Two digits are one of the hundred years up to the ``last``. A date without a day has the weekday
    0, as all others like it.
    """
    try:
        if way == ISO:
            when = _of_iso(text)
        else:
            digits = text.find(".") + 7 if way.endswith("%f") else None  # up to microseconds too
            when = datetime.strptime(text[:digits], way)
        if "%y" in way:
            year = last - (last - when.year) % 100
            # 29/02/00 is a day of 2000, and of no other year that it may mean.
            when = when if (when.month, when.day) == (2, 29) else when.replace(year=year)
    except ValueError:
        return None
    hour = when.hour + when.minute / 60 + (when.second + when.microsecond / 1e6) / 3600
    weekday = when.weekday() if way == ISO or "%d" in way else 0
    return when.year, when.month, when.day, weekday, hour


def _of_iso(text: str) -> datetime:
    """A date, and maybe a time, down to microseconds; a difference from Greenwich is left out.

    Python's own reader takes more, weeks for one, in later versions; strptime takes far longer.

    >>> _of_iso("2024-01-05T10:30:00.25+01:00")
    datetime.datetime(2024, 1, 5, 10, 30, 0, 250000)
    """
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not written so")
    day, time, fraction = found.groups()
    when = datetime.fromisoformat(f"{day} {time or '00:00'}")
    return when.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else when


def way_of(texts: Sequence[str], ways: Sequence[str] = WAYS) -> str | None:
    """The way in which most of the texts are dates; None if no way is that of half of them."""
    few, some = _some(texts, 20), _some(texts, 1000)
    likely = [way for way in ways if 2 * _fitting(few, way) >= len(few)]
    best = max(likely, key=lambda way: _fitting(some, way), default=None)
    return best if best is not None and 2 * _fitting(some, best) >= len(some) else None


def is_unsure(texts: Sequence[str], way: str) -> bool:
    """Whether as many texts are dates with the month before the day as the other way round.

    >>> is_unsure(["1/2/2024", "3/4/2024"], "%m/%d/%Y")
    True
    """
    other = way.replace("%m", "%?").replace("%d", "%m").replace("%?", "%d")
    if other == way or other not in WAYS:
        return False
    some = _some(texts, 1000)
    return _fitting(some, other) >= _fitting(some, way)


def _some(texts: Sequence[str], n: int) -> Sequence[str]:
    """So many of the texts, or some more, from all over."""
    return texts[:: max(1, len(texts) // n)]


def _fitting(texts: Sequence[str], way: str) -> int:
    return sum(numbers_in(text, way) is not None for text in texts)


def last_year(years: Array) -> int:
    """The last year that two digits mean, if they mean such years or others a century off.

    A column's years are not torn apart, so that their widest gap is left outside; and the century
    is the last in which none lies farther ahead than people plan.

    >>> last_year(np.array([2060, 1969, 1979])) < 2060
    True
    """
    digits = np.unique(years[~np.isnan(years)] % 100).astype(int)
    if not len(digits):
        return LAST
    gaps = np.diff(digits, append=digits[0] + 100)
    now, widest = datetime.now().year, int(np.argmax(gaps))
    latest = now + AHEAD - (now + AHEAD - int(digits[widest])) % 100
    return min(latest + int(gaps[widest]) - 1, now if latest <= now else now + AHEAD)


def read_dates(texts: Sequence[str], way: str, last: int = LAST) -> Array:
    """The `PARTS` of each text, ``(n, 5)``; nan where it is no date."""
    nothing = (np.nan,) * len(PARTS)
    found = [numbers_in(text, way, last) or nothing for text in texts]
    return np.array(found).reshape(-1, len(PARTS))


def said(way: str) -> str:
    """A way to write dates, in words.

    >>> said("%d.%m.%Y %H:%M")
    'day.month.year hour:minute'
    """
    words = {
        "%Y": "year", "%y": "year", "%m": "month", "%b": "month", "%B": "month", "%d": "day",
        "%H": "hour", "%I": "hour", "%M": "minute", "%S": "second", "%p": "AM or PM",
        "%A": "weekday", "%a": "weekday", ".%f": " with fractions",
    }  # fmt: skip
    for mark, word in words.items():
        way = way.replace(mark, word)
    return way
