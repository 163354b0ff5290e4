"""How nodes and numbers are written for people: the same in pictures, tables and steps."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from ..primitives import DOT
from ..value import Value

INFIX = ("+", "-", "*", "/", "**")
MINUS, TIMES, ELLIPSIS = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{HORIZONTAL ELLIPSIS}"
PARTIAL = "\N{PARTIAL DIFFERENTIAL}"


def number(x: float) -> str:
    """Four significant digits, as a person would write them.

    >>> number(-0.00123456), number(2.0), number(float("inf"))
    ('−0.001235', '2', 'inf')
    """
    return f"{x + 0.0:.4g}".replace("-", MINUS)  # + 0.0 turns -0 into 0


def factor(x: float) -> str:
    """A number to stand after a sign of multiplication or addition: a negative one in brackets."""
    text = number(x)
    return f"({text})" if text.startswith(MINUS) else text


def printable(text: object) -> str:
    """One line of at most 40 characters, whatever the text."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return line if len(line) <= 40 else line[:39] + ELLIPSIS


def names_of(nodes: Iterable[Value]) -> dict[Value, str]:
    """The nodes' labels, or for those without v1, v2, ..."""
    nodes = list(nodes)
    labels = {node.label for node in nodes}
    made_up = (name for i in count(1) if (name := f"v{i}") not in labels)
    return {node: printable(node.label) or next(made_up) for node in nodes}


def formula(node: Value, names: Mapping[Value, str] | None, most: int) -> str:
    """How a node was computed: ``x * y``, ``sin(x)``; without names in numbers, ``2 * 5``.

    At most so many of its inputs are written, of a `dot` so many products.
    """

    def written(v: Any) -> str:
        if names is not None and isinstance(v, Value):
            return names[v]
        return number(v.data if isinstance(v, Value) else v)

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


def columns(text: str) -> int:
    """How many columns a text takes in a terminal: a combining sign none, a Chinese one two."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
