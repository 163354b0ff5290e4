"""What a file of text looks like: what stands between its cells, and whether it has a header."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile, pairwise
from typing import Any

from autograd.value import short_repr

from .cells import is_missing, is_number, parsed
from .units import parts

ROWS = 200  # that are looked at
BETWEEN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
DECIMALS = (
    " (or has a number a decimal comma, as 71,5? Then put quotes around such numbers, or "
    "semicolons between cells)"
)
YEARS = 3  # so many names that are numbers and go up in equal steps may be names
UNDER = 3  # rows below the names that may be no data, and those below them that say so
ASKS = re.compile(r".*[?)\]}]|(\S+\s+){4,}\S+")  # What is asked: How old are you? Age (years)
TYPES = re.compile(
    r"[-:=|]{3,}|(int(eger)?|float)\d*|double|str(ing)?|text|bool(ean)?|date(time)?|num(ber|eric)?",
    re.IGNORECASE,
)

Rows = list[list[str]]


@dataclass(frozen=True)
class Look:
    """How the cells of a file stand in it.

    Attributes:
        delimiter: what stands between them.
        header: whether the first row has names.
        above: how many rows stand above the table: titles, empty cells, lines that begin with #.
        under: how many rows below the names are no data: what is asked, types, lines of ``---``.
        more: which cell the other rows have more than that: "first", "last", or "" for none.
        notes: what there is to be said of it.
    """

    delimiter: str
    header: bool
    above: int = 0
    under: int = 0
    more: str = ""
    notes: tuple[str, ...] = ()


def look_of(text: str, delimiter: str | None = None, header: bool | None = None) -> Look:
    """How a file looks, by the text of its first rows.

    Args:
        text: whole lines.
        delimiter: if it is known.
        header: if it is known.
    """
    every = {mark: _rows(text, mark) for mark in ([delimiter] if delimiter else BETWEEN)}
    found = {mark: rows[_above(rows, header) :] for mark, rows in every.items()}
    delimiter = max(found, key=partial(_fitness, every, found))
    rows, notes = found[delimiter], []
    above = every[delimiter][: len(every[delimiter]) - len(rows)]
    if above:
        said = ", ".join(repr(" ".join(filter(None, row))) for row in above if any(row))
        notes.append(f"rows above the header, or the data, are left out: {said or 'empty ones'}")
    names, below = (rows[0] if rows else []), rows[1:]
    more = _more(rows) if header is not False else ""
    if more == "first":
        notes.append(
            "rows have one cell more than the header: the first is taken for the row's name"
            + (DECIMALS if delimiter == "," and _may_be_decimals(rows) else "")
        )
    elif more:
        notes.append(
            "rows have one cell more than the header, and the last is empty: it is left out"
        )
    if header is None:
        header = more == "first" or _has_names(rows)
        numbers = [name for name in names if parsed(name) is not None]
        if not header:
            notes.append(
                "no header was found: the first row has numbers, or words, as those below. So the "
                "columns are called 'column 1', 'column 2', ... (if it has their names: "
                "--header yes, in Python header=True)"
            )
        elif below and len(numbers) >= max(1, len(names) // 2):
            notes.append(
                f"the names in the header are numbers, {', '.join(numbers[:4])}, ...: is the first "
                "row data? Then: --header no, in Python header=False"
            )
    under = _under(rows) if header and not more else 0
    if under:
        said = ", ".join(short_repr(" ".join(filter(None, row))) for row in below[:under])
        notes.append(f"rows below the names that are no data are left out: {said}")
    return Look(delimiter, header, len(above), under, more, tuple(notes))


def collapsed(text: bytes) -> bytes:
    """Lines of cells with spaces or tabs between them, any number; now it is one space."""
    return b"\n".join(b" ".join(line.split()) for line in re.split(rb"\r\n|\r|\n", text))


def written(text: bytes, delimiter: str) -> dict[str, Any]:
    """How csv reads a text: a quote behind a space, as in ``1, "a, b"``, begins its cell."""
    spaced = delimiter != " " and re.search(re.escape(delimiter.encode()) + b' +"(?!")', text)
    return {"delimiter": delimiter, "skipinitialspace": bool(spaced)}


def _rows(text: str, delimiter: str) -> Rows:
    if delimiter == " ":
        text = collapsed(text.encode()).decode()
    reader = csv.reader(text.splitlines(keepends=True), **written(text.encode(), delimiter))
    rows: Rows = []
    try:
        for row in reader:
            if row:
                rows.append([cell.strip() for cell in row])
            if len(rows) == ROWS:
                break
    except csv.Error:  # a cell longer than the module takes
        pass
    return rows


def _above(rows: Rows, header: bool | None) -> int:
    """How many rows stand above the table, and not in it."""
    width = _width(rows)
    for i, row in enumerate(rows):
        there = [cell for cell in row if cell]
        comment = row[0].startswith("#") and (len(row) != width or _have_names(rows[i + 1 :]))
        title = width > 2 and len(there) == 1 and row[0] != "" and not is_number(row[0])
        if not comment and (header is False or (there and not title)):
            return i
    return 0


def _width(rows: Rows) -> int:
    """How many cells most rows have."""
    return Counter(map(len, rows[1:] or rows)).most_common(1)[0][0] if rows else 0


def _more(rows: Rows) -> str:
    """Which cell the rows have more than the first of them, as `Look` has it.

    A name, as R gives each row, is no other row's; else the cell is a mistake, as in 1,234.
    """
    longer = [row for row in rows[1:] if len(row) == len(rows[0]) + 1]
    if not longer or _width(rows) != len(rows[0]) + 1 or len(rows[0]) < 2:
        return ""
    if not any(row[-1] for row in longer):
        return "last"
    return "first" if len({row[0] for row in longer}) == len(longer) else ""


def _under(rows: Rows) -> int:
    """How many rows below the names are no data: what is asked, types, a line of ``---``."""
    head, *below = rows or [[]]
    below = [row for row in below if row != head]
    for n in range(UNDER, 0, -1):
        first, rest = below[:n], below[n:]
        if len(rest) >= UNDER and all(_is_no_data(row, rest) for row in first):
            return n
    return 0


def _is_no_data(row: Sequence[str], rest: Rows) -> bool:
    """Whether a row asks, or says a type, where others have numbers, and has nothing of theirs.

    Other words may be said of missing numbers.
    """
    found = []
    for j, cell in enumerate(row):
        others = [other[j] for other in rest if len(other) > j and not is_missing(other[j])]
        if is_missing(cell) or not others:
            continue
        if is_number(cell) or cell in others:
            return False
        if _mostly_numbers(others):
            found.append(cell)
    asks = any(map(ASKS.fullmatch, found)) and len(set(found)) == len(found)
    return asks or (len(found) > 0 and all(map(TYPES.fullmatch, found)))


def _may_be_decimals(rows: Rows) -> bool:
    """Whether rows may begin with numbers such as 71,5: whole ones that do not count."""
    names = [row[0] for row in rows[1:]]
    whole = all(re.fullmatch(r"[-+]?\d+", name) for name in names)
    counted = _go_up(names) and int(names[1]) - int(names[0]) == 1
    return whole and not counted and all(row[1].isdigit() for row in rows[1:] if len(row) > 1)


def _have_names(rows: Rows) -> bool:
    """Whether rows, but for comments, begin with names for sure: words alone, above numbers."""
    head, *below = list(dropwhile(lambda row: row[0].startswith("#"), rows)) or [[]]
    columns = [[row[j] for row in below if len(row) > j] for j, name in enumerate(head) if name]
    return not any(map(is_number, head)) and any(map(_mostly_numbers, columns))


def _fitness(
    every: Mapping[str, Rows], found: Mapping[str, Rows], delimiter: str
) -> tuple[bool, bool, float, int]:
    """How well a delimiter cuts, among others: as `_evenness` says, and leaving no row out.

    A name at the top of all columns may seem a title above them, where another delimiter cuts it
    as it cuts all other rows: then it is that one.
    """

    def takes_all(mark: str) -> bool:
        rows = found[mark]
        alike = len(rows) == len(every[mark]) and len(set(map(len, rows))) == 1
        return alike and _evenness(rows, mark)[0]

    even, numbers, names = _evenness(found[delimiter], delimiter)
    left_out = len(found[delimiter]) < len(every[delimiter]) and any(map(takes_all, found))
    return even, not left_out, numbers, names


def _evenness(rows: Rows, delimiter: str) -> tuple[bool, float, int]:
    """How well a delimiter cuts: most rows into as many cells, and many of them numbers."""
    width = _width(rows)
    if not rows or width < 2:
        return False, 0.0, len(rows[0]) if rows and delimiter != " " else 0
    same = sum(len(row) == width for row in rows[1:])
    # The first row has names, for all cells or for all but one, as R writes them.
    heads = (width,) if delimiter == " " or width == 2 else (width, width - 1)
    even = len(rows) > 1 and same >= 0.8 * (len(rows) - 1) and len(rows[0]) in heads
    cells = [cell for row in rows[1:] for cell in row]
    numbers = sum(is_number(parts(cell)[0]) for cell in cells)  # 80 kg too is a number
    if delimiter == " " and numbers == 0:  # a sentence is no row
        return False, 0.0, 0
    return even, numbers / len(cells) if even else 0.0, len(rows[0]) if delimiter != " " else 2


def _has_names(rows: Rows) -> bool:
    """Whether the first row names the columns: a word above numbers.

    If no column holds numbers: words that all differ, and do not come again below.
    """
    if not rows:
        return True
    head, below = rows[0], [row for row in rows[1:] if row != rows[0]]
    numeric = [
        j for j in range(len(head))
        if _mostly_numbers([row[j] for row in below if len(row) > j])
    ]  # fmt: skip
    above = [head[j] for j in numeric if not is_missing(head[j])]
    if not below or not all(map(is_number, above)):
        return True
    if above:
        return _go_up(above)
    words = [name for name in head if not is_missing(name)]
    again = any(name and row[j : j + 1] == [name] for j, name in enumerate(head) for row in below)
    return len(set(words)) == len(words) and not again


def _mostly_numbers(cells: Sequence[str]) -> bool:
    there = [cell for cell in cells if not is_missing(cell)]
    return bool(there) and sum(map(is_number, there)) >= 0.9 * len(there)


def _go_up(names: Sequence[str]) -> bool:
    """Whether names are whole numbers in equal steps up, as years are, or as pandas counts."""
    values = [parsed(name) for name in names]
    if len(values) < YEARS or any(v is None or v != int(v) for v in values):
        return False
    steps = {b - a for a, b in pairwise(values)}  # type: ignore[operator]
    return len(steps) == 1 and steps.pop() > 0


def one_line(name: str) -> str:
    r"""A name as it can be typed: no space around it, and one for a line break or several spaces.

    >>> one_line(" size\n(m) ")
    'size (m)'
    """
    return " ".join(name.split())


def named(head: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names that all differ, and what had to be changed for it."""
    taken, seen, changed = set(head), set(), []
    names: list[str] = []
    for j, name in enumerate(head, 1):
        first = own = name or f"column {j}"
        k = 2
        while own in seen or (own != name and own in taken):
            own, k = f"{first} ({k})", k + 1
        seen.add(own)
        names.append(own)
        if own != name:
            what = f"column {j} is another {name!r}" if name else f"column {j} has no name"
            changed.append(f"{what}: it is called {own!r} here")
    return names, changed
