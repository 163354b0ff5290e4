"""The evaluation trace: a graph as a table, values computed downward, adjoints upward.

The form is that of Baydin, Pearlmutter, Radul and Siskind (2018), "Automatic differentiation in
machine learning: a survey", tables 2 and 3. The adjoint of v, written with a bar, is d root / d v.
"""

from __future__ import annotations

import html
import unicodedata

from ..value import Value, topological_order
from .notation import (
    ELLIPSIS,
    MACRON,
    TIMES,
    columns,
    digits,
    factor,
    for_output,
    formula,
    names_of,
    shortened,
)
from .steps import backward_steps, is_stale, uses

SHOWN = 200  # rows; a longer trace is shown without its middle
SHORT = 16  # characters; a longer text may be broken into lines
FORWARD, BACKWARD = "forward, downward", "backward, upward"


def trace(root: Value) -> Trace:
    """The evaluation trace of the graph that ``root`` was computed by.

    Left, to be read downward, how each value follows from those before it; right, to be read
    upward, how each adjoint d root / d v follows from those after it. The adjoints are computed for
    the table: no ``grad`` is read or changed.

    Returns:
        A `Trace`: print it, or look at it in Jupyter.

    Raises:
        TypeError: ``root`` is not a Value.

    >>> x, y = Value(2.0, label="x"), Value(5.0, label="y")
    >>> print(trace(x * y - y))
    forward, downward               backward, upward
    x                       = 2     x̄   = v̄1 × ∂v1/∂x                = 1 × 5             = 5
    y                       = 5     ȳ   = v̄2 × ∂v2/∂y + v̄1 × ∂v1/∂y  = 1 × (−1) + 1 × 2  = 1
    v1  = x * y   = 2 * 5   = 10    v̄1  = v̄2 × ∂v2/∂v1               = 1 × 1             = 1
    v2  = v1 - y  = 10 - 5  = 5     v̄2                                                   = 1
    """
    return Trace(root)


class Trace:
    """An evaluation trace, as made by `trace`.

    Attributes:
        rows: one per node, inputs first, each of eight texts: the node, its formula, the same in
            numbers, its value; its adjoint, the sum over what the node went into, the same in
            numbers, the adjoint's value.
    """

    def __init__(self, root: Value) -> None:
        order = topological_order(root)
        names = names_of(order)
        passed = list(backward_steps(order))
        used = uses(passed)
        self.rows = []
        for node in order:
            formulas = [formula(node, n, most=4) if node.op else "" for n in (names, None)]
            if is_stale(node):
                formulas[1] += " (changed since)"
            letters, numbers = [], []
            for step, share in used[node]:
                letters.append(f"{_bar(names[step.node])} {TIMES} {step.partial_name(share)}")
                numbers.append(f"{factor(step.grad)} {TIMES} {factor(share.partial)}")
            if not letters and node is not root:
                letters.append("(no share)")
            sums = [" + ".join(shortened(terms)) for terms in (letters, numbers)]
            total = used[node][-1][1].after if used[node] else float(node is root)
            self.rows.append(
                (names[node], *formulas, digits(node.data),
                 _bar(names[node]), *sums, digits(total))
            )  # fmt: skip

    def _cells(self) -> list[list[str]]:
        """The rows as they are shown: equations, and a long table without its middle."""
        rows = list(self.rows)
        left_out = len(rows) - SHOWN
        if left_out > 0:
            middle = (f"{ELLIPSIS} {left_out:,} more {ELLIPSIS}", *[""] * 7)
            rows[SHOWN // 2 : -SHOWN // 2] = [middle]
        return [
            [f"= {text}" if text and i % 4 else text for i, text in enumerate(row)] for row in rows
        ]

    def __repr__(self) -> str:
        cells = self._cells()
        texts = iter(for_output([text for row in cells for text in row]))
        cells = [[next(texts) for _ in row] for row in cells]
        widths = [max(map(columns, column)) for column in zip(*cells)]
        left = max(sum(widths[:4]) + 2 * 3, len(FORWARD)) + 4
        lines = []
        for row in cells:
            padded = [text + " " * (w - columns(text)) for text, w in zip(row, widths)]
            forward = "  ".join(padded[:4])
            lines.append(
                f"{forward}{' ' * (left - columns(forward))}{'  '.join(padded[4:])}".rstrip()
            )
        return "\n".join([f"{FORWARD:<{left}}{BACKWARD}", *lines])

    def _repr_html_(self) -> str:
        """The table in Jupyter."""
        head = "".join(f'<th colspan="4" style="text-align:left">{t}</th>'
                       for t in (FORWARD, BACKWARD))  # fmt: skip
        body = "".join(
            "<tr>" + "".join(f'<td style="{_style(t)}">{html.escape(t)}</td>' for t in row)
            + "</tr>" for row in self._cells()
        )  # fmt: skip
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _style(text: str) -> str:
    """Of a cell: a sum may be broken into lines, a number not."""
    return "text-align:left" + (";white-space:nowrap" if len(text) <= SHORT else "")


def _bar(name: str) -> str:
    """The adjoint's name: the node's with a bar over its first letter."""
    return unicodedata.normalize("NFC", f"{name[0]}{MACRON}{name[1:]}")
