"""How nodes and numbers are written for people: the same in pictures, tables and steps."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from .value import Value

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

    At most so many of its inputs are written.
    """
    shown = []
    for v in node.inputs[:most]:
        if not isinstance(v, Value):
            shown.append(number(v))
        else:
            shown.append(number(v.data) if names is None else names[v])
    if len(node.inputs) > most:
        shown.append(ELLIPSIS)
    op = printable(node.op)
    if op in INFIX and len(shown) == 2:
        if names is None:
            shown = [f"({x})" if x.startswith(MINUS) else x for x in shown]
        return f"{shown[0]} {op} {shown[1]}"
    return f"{op}({', '.join(shown)})"


def shortened(terms: Sequence[str], most: int = 4) -> list[str]:
    """The terms of a sum, the middle of a long one left out and counted."""
    if len(terms) <= most + 1:
        return list(terms)
    left_out = len(terms) - most
    return [*terms[: most - 1], f"{ELLIPSIS} {left_out} more {ELLIPSIS}", terms[-1]]
