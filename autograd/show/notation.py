"""How nodes and numbers are written for people: the same in pictures, tables and steps."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from ..primitives import DOT
from ..value import Value

INFIX = ("+", "-", "*", "/", "**")
MINUS, TIMES, ELLIPSIS = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{HORIZONTAL ELLIPSIS}"
PARTIAL, ARROW, MACRON = "\N{PARTIAL DIFFERENTIAL}", "\N{RIGHTWARDS ARROW}", "\N{COMBINING MACRON}"
ASCII = str.maketrans({
    MINUS: "-", TIMES: "*", ELLIPSIS: "...", PARTIAL: "d", ARROW: "->", "\N{MIDDLE DOT}": ".",
    "\N{CHECK MARK}": "+", "\N{BALLOT X}": "x", "\N{PLUS-MINUS SIGN}": "+-",
})  # fmt: skip


def digits(x: float) -> str:
    """Four significant digits, as a person would write them.

    >>> digits(-0.00123456), digits(2.0), digits(-0.0), digits(float("inf"))
    ('−0.001235', '2', '−0', 'inf')
    """
    return f"{x:.4g}".replace("-", MINUS)


def factor(x: float) -> str:
    """A number to stand after a sign of multiplication or addition: a negative one in brackets."""
    text = digits(x)
    return f"({text})" if text.startswith(MINUS) else text


def printable(text: object) -> str:
    """One line of at most 40 characters, whatever the text."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return line if len(line) <= 40 else line[:39] + ELLIPSIS


def names_of(nodes: Iterable[Value]) -> dict[Value, str]:
    """The nodes' labels, or for those without v1, v2, ..."""
    labels = {v: printable(v.label) for v in nodes}
    taken = set(labels.values())
    made_up = (name for i in count(1) if (name := f"v{i}") not in taken)
    return {v: label or next(made_up) for v, label in labels.items()}


def isolated(names: Mapping[Value, str]) -> dict[Value, str]:
    """Names for pages, where those that are read from right to left stand apart from the rest.

    Else a browser would show them on the other side of the number or the minus that follows.
    """
    return {
        node: f"\u2068{name}\u2069" if any(map(_is_leftward, name)) else name
        for node, name in names.items()
    }


def _is_leftward(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in ("R", "AL", "AN")


def formula(node: Value, names: Mapping[Value, str] | None, most: int) -> str:
    """How a node was computed: ``x * y``, ``sin(x)``; without names in numbers, ``2 * 5``.

    At most so many of its inputs are written, of a `dot` so many products.
    """

    def written(v: Any) -> str:
        if names is not None and isinstance(v, Value):
            return names[v]
        return digits(v.data if isinstance(v, Value) else v)

    def bracketed(v: Any) -> str:
        text = written(v)
        plain = names is None or not isinstance(v, Value)
        return f"({text})" if plain and text.startswith(MINUS) else text

    op = printable(node.op)
    if node.primitive is DOT:
        w, x = node.arguments
        products = [f"{bracketed(w_i)} * {bracketed(x_i)}" for w_i, x_i in zip(w, x)]
        return " + ".join(shortened(products + [bracketed(b) for b in w[len(x) :]], most))
    if op in INFIX and len(node.inputs) == 2:
        return f" {op} ".join(map(bracketed, node.inputs))
    shown = [written(v) for v in node.inputs[:most]]
    if len(node.inputs) > most:
        shown.append(ELLIPSIS)
    return f"{op}({', '.join(shown)})"


def shortened(terms: Sequence[str], most: int = 4) -> list[str]:
    """The terms of a sum, the middle of a long one left out and counted."""
    if len(terms) <= most + 1:
        return list(terms)
    left_out = len(terms) - most
    return [*terms[: most - 1], f"{ELLIPSIS} {left_out} more {ELLIPSIS}", terms[-1]]


def for_output(texts: Iterable[str]) -> list[str]:
    """Texts as they can be printed here: in ASCII where the output takes no more.

    Where it can't take one of them all change, so that they go together. What would steer a
    terminal, as escape sequences do, is written out.
    """
    texts = ["".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
             for text in texts]  # fmt: skip
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        "".join(texts).encode(encoding)
    except UnicodeEncodeError:
        return [in_ascii(text).encode(encoding, "backslashreplace").decode(encoding)
                for text in texts]  # fmt: skip
    return texts


def in_ascii(text: str) -> str:
    """Our signs in ASCII; an adjoint's bar as in ``v1_bar``. Other letters stay."""
    parts = unicodedata.normalize("NFD", text)
    barred = re.sub(rf"(\S){MACRON}([^\s/]*)", r"\1\2_bar", parts)
    return unicodedata.normalize("NFC", barred).translate(ASCII)


def columns(text: str) -> int:
    """How many columns a text takes in a terminal: a combining sign none, a Chinese one two."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
