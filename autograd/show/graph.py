"""The picture of a computation graph, with values and gradients in it.

`draw` builds the DOT text with the `graphviz` package, and `lay_out` makes the picture of it.
Importing this room gives `Value` its picture in Jupyter.
"""

from __future__ import annotations

import base64
import html
import math
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import graphviz

from ..files import write_whole
from ..value import Value, real, topological_order
from .boxes import INSTEAD, boxes_of
from .frames import Stepper
from .layout import ADVICE, lay_out, layout_tool
from .live import Live
from .notation import digits, for_output, formula, names_of, printable
from .picture import PATIENCE, box_size, constant_size, graph_legend, how_text, in_place, inputs_of
from .player import Player
from .steps import Step

READABLE, DRAWABLE = 80, 2000  # nodes: up to where a picture helps, and where it can be made
LIT = "#a3006d"  # what a step is about
LIGHT = {"color": LIT, "fontcolor": LIT, "penwidth": "2.5"}
FORMATS = ("svg", "png", "pdf")
# Graphviz knows no themes. On dark ground boxes stay light, and what lies between them changes.
DARK = b"""<style>@media (prefers-color-scheme: dark) {
.graph > polygon { fill: #1b1c1e; }
.edge path { stroke: #9a9ea3; } .edge polygon { fill: #9a9ea3; stroke: #9a9ea3; }
.edge text, text[fill="#555555"], text[fill="#666666"] { fill: #c8c8c8; }
.node [stroke="#333333"] { stroke: #e8e8e8; } .node polygon[fill="#333333"] { fill: #e8e8e8; }
.node [fill="#f4f4f4"] { fill: #d0d2d5; }
[stroke="#a3006d"] { stroke: #ff8fd2; } text[fill="#a3006d"] { fill: #ff8fd2; }
}</style>
"""


def draw(
    root: Value, *, stop: Iterable[Value] = (), limit: int = DRAWABLE, step: Step | None = None
) -> Drawing:
    """The picture of the graph that ``root`` was computed by, inputs on the left.

    A box shows a node's label and operation, its value, and its gradient; the number at an edge is
    the local derivative. The colour shows the sign and size of the gradient. Call ``backward()``
    first to have gradients to see.

    Args:
        root: the result.
        stop: nodes to draw without what they were computed from, so that the end of a large graph
            can be seen alone.
        limit: the most nodes to draw.
        step: a step of `steps`, whose node and arrows are to be lit.

    Returns:
        A `Drawing`: shows itself in Jupyter, and has ``.steps()``, ``.live()``, ``.save(path)``
            and ``.source``.

    Raises:
        TypeError: ``root`` is not a Value, ``stop`` no list of them, ``limit`` no number, or
            ``step`` no `Step`.
        ValueError: there are more than ``limit`` nodes, or ``step`` is of another graph.
    """
    return Drawing(root, stop, limit, step)


class Drawing:
    """A picture of a graph, as made by `draw`.

    Attributes:
        source: the picture in Graphviz's DOT language.
        size: how many nodes it shows.
    """

    def __init__(
        self,
        root: Value,
        stop: Iterable[Value] = (),
        limit: int = DRAWABLE,
        step: Step | None = None,
    ) -> None:
        if not isinstance(root, Value):
            raise TypeError(f"root must be a Value, got {type(root).__name__}")
        if step is not None and not isinstance(step, Step):
            raise TypeError(f"step must be a Step, as `steps` makes them, got {step!r}")
        order = topological_order(root)
        try:
            stops = set(stop)
        except TypeError:
            raise TypeError(f"stop must hold nodes of the graph, in a list, got {stop!r}") from None
        nodes, cut = _nodes(order, stops)
        if len(nodes) > real(limit, "limit"):
            raise ValueError(
                f"the graph has {len(nodes)} nodes, more than {limit}, and could not be read. "
                f"{INSTEAD}"
            )
        if step is not None and step.node not in order:
            raise ValueError("step is of another graph: give one of steps(root)")
        names = names_of(order)
        self.size, self._step, self._graph = len(nodes), step, (nodes, cut, order, names)
        self._rows = _rows(nodes, names, cut)
        self.source = _dot(nodes, names, cut, step)

    def __repr__(self) -> str:
        table = _table(self._rows)
        return table if layout_tool() else f"{table}\n{ADVICE}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        with suppress(RuntimeError, UnicodeDecodeError):  # a display never raises
            bundle["image/svg+xml"] = self.render("svg").decode()
            if self.size <= READABLE:  # for where neither pages nor SVG are let through
                bundle["image/png"] = base64.b64encode(self.render("png")).decode()
            bundle["text/html"] = self._page().fragment()
        return bundle

    def _page(self) -> Player:
        shown = {v: v.grad for v in self._graph[0]}
        return Stepper(*self._graph, lay_out, shown).still(self._step)

    def render(self, format: str = "svg") -> bytes:
        """The laid out picture: "svg", "png" or "pdf".

        Raises:
            ValueError: another format.
            RuntimeError: nothing that can lay it out is installed, or it failed.
        """
        if format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
        picture = lay_out(self.source, format)
        return picture.replace(b"<g id=", DARK + b"<g id=", 1) if format == "svg" else picture

    def steps(self) -> Player:
        """The picture in steps: values fill in forward, then gradients backward, from 0.

        Returns:
            A player: shows itself in Jupyter, and has ``.save("steps.html")``.

        Raises:
            RuntimeError: nothing that can lay it out is installed. To read its steps instead:
                ``for step in steps(root): print(step)``.
        """
        return Stepper(*self._graph, lay_out).player()

    def live(self, panel: str | None = None) -> Live:
        """A page that computes: move a leaf's number, and all values and gradients follow.

        Below the picture, panels unfold: f along one leaf, with the tangent (``"slice"``); what a
        small step does, predicted and truly (``"nudge"``); the paths whose products add up to the
        gradient (``"paths"``); gradients hidden, to be worked out (``"predict"``); gradient descent
        (``"descend"``); the sweep step by step (``"sweep"``).

        Args:
            panel: which of them is open at first; None for none.

        Returns:
            A page that shows itself in Jupyter, and has ``.save("live.html")``.

        Raises:
            ValueError: the graph has more than 2,000 nodes, a primitive can't be printed as
                JavaScript (the picture and ``.steps()`` show it all the same), or there is no such
                panel.
            RuntimeError: nothing that can lay it out is installed.
        """
        return Live(*self._graph, lay_out, panel)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to ``path``, whole or not at all: .html, .svg, .png, .pdf, or .dot.

        The page can be zoomed, searched and folded, and shows each node's sum at a click.

        Raises:
            ValueError: the name ends in something else.
            RuntimeError: nothing that can lay it out is installed (never for .dot).
        """
        suffix = Path(path).suffix.removeprefix(".").lower()
        if suffix == "dot":
            write_whole(path, self.source.encode())
        elif suffix in FORMATS:
            write_whole(path, self.render(suffix))
        elif suffix == "html":
            self._page().save(path)
        else:
            raise ValueError(f"path must end in .html, .svg, .png, .pdf or .dot, got {str(path)!r}")


def _nodes(order: list[Value], stop: set[Value]) -> tuple[list[Value], set[Value]]:
    """The nodes to draw in topological order, and those among them that are cut off."""
    needed = {order[-1]}
    for node in reversed(order):
        if node in needed and node not in stop:
            needed.update(v for v in node.inputs if isinstance(v, Value))
    return [node for node in order if node in needed], stop & needed


Row = tuple[str, ...]


def _rows(nodes: list[Value], names: dict[Value, str], cut: set[Value]) -> list[Row]:
    """The graph as a table: one row per node, inputs first."""
    rows: list[Row] = [("node", "computed as", "value", "gradient")]
    for node in nodes:
        how = formula(node, names, most=8) if node.op and node not in cut else ""
        rows.append((names[node], how, digits(node.data), digits(node.grad)))
    return rows


def _table(rows: list[Row]) -> str:
    """Rows under each other, as they can be printed here."""
    texts = iter(for_output([text for row in rows for text in row]))
    rows = [tuple([next(texts) for _ in row]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        f"{name:<{widths[0]}}  {how:<{widths[1]}}  {value:>{widths[2]}}  {grad:>{widths[3]}}"
        for name, how, value, grad in rows
    )


def _fill(grad: float, largest: float) -> str:
    """A colour for a gradient: blue for positive, orange for negative, deeper for larger."""
    if not math.isfinite(grad):
        return "#ffe14d"
    if grad == 0.0:
        return "#f4f4f4"
    depth = 0.15 + 0.85 * math.sqrt(min(abs(grad) / largest, 1.0))
    far = (86, 160, 220) if grad > 0 else (240, 150, 70)
    return "#" + "".join(f"{round(255 + depth * (c - 255)):02x}" for c in far)


def _dot(nodes: list[Value], names: dict[Value, str], cut: set[Value], step: Step | None) -> str:
    """The graph in Graphviz's language: a box per node, an arrow per input."""
    largest = max((abs(n.grad) for n in nodes if math.isfinite(n.grad)), default=0.0) or 1.0
    fresh = all(node.grad == 0.0 for node in nodes)
    boxes = boxes_of(nodes, cut)
    lines = graph_legend(nodes, cut, boxes, {node: node.grad for node in nodes})
    if not all(math.isfinite(node.data) and math.isfinite(node.grad) for node in nodes):
        lines.append("A number in red: not finite.")
    legend = "\n".join(lines)
    graph = graphviz.Digraph(
        "computation graph",  # the picture's title; without one some versions show a "%3"
        graph_attr={
            "rankdir": "LR", "bgcolor": "white", "pad": "0.2",
            "nodesep": "0.15", "ranksep": "0.5", **PATIENCE,
            "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10", "fontcolor": "#555555",
            "label": " \n" + ("No gradients yet: call backward() first." if fresh else legend),
        },
        node_attr={"shape": "plain", "fontname": "Helvetica,Arial,sans-serif", "fontsize": "12"},
        edge_attr={
            "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10", "color": "#777777",
            "fontcolor": "#444444", "arrowsize": "0.6",
        },
    )  # fmt: skip
    marks: dict[str, dict[str, str]] = {}
    sizes: dict[str, tuple[float, float]] = {}
    arrows: list[tuple[str, str, str, dict[str, str]]] = []
    for node, name in boxes.ids.items():
        how = how_text(node, names, node in cut)
        style = "ROUNDED" if not node.op else "DASHED" if node in cut else "SOLID"
        active = step is not None and node is step.node
        border = 3 if active or node is nodes[-1] else 1
        frame = LIT if active else "#333333"
        longest = max(len(digits(node.data)), len(digits(node.grad)))
        marks[name] = {"label": _box(node, names[node], how, style, border, frame, largest)}
        sizes[name] = box_size(names[node], f" = {how}" if how else "", longest)
        for again in boxes.again.get(node, ()):
            head = f"{names[node]}, again"
            marks[again] = {"label": _box(node, head, "", "DASHED", 1, frame, largest)}
            sizes[again] = box_size(head, "", longest)
        for i, (v, d) in enumerate(inputs_of(node, cut)):
            if not isinstance(v, Value):
                constant = f"{name}c{i}"
                marks[constant] = {"label": digits(v), "fontcolor": "#666666", "margin": "0.05"}
                sizes[constant] = constant_size(v)
                arrows.append((constant, name, "", {"style": "dashed"}))
            else:
                gives = active and step is not None and step.shares and step.shares[i].is_given
                tail = boxes.tails[node, i]
                light = dict(LIGHT) if gives else boxes.weight(tail)
                arrows.append((tail, name, digits(d), light))
    if boxes.is_large(marks, arrows):
        sizes = {name: (width + 8, height + 12) for name, (width, height) in sizes.items()}
        _place(graph, marks, sizes, arrows)
    for name, look in marks.items():
        graph.node(name, **look)
    for tail, head, text, look in arrows:
        graph.edge(tail, head, label=f" {text} " if text else "", **look)
    return str(graph.source)


def _place(
    graph: Any,
    marks: dict[str, dict[str, str]],
    sizes: dict[str, tuple[float, float]],
    arrows: list[tuple[str, str, str, dict[str, str]]],
) -> None:
    """Give everything its place: Graphviz need only draw it."""
    graph.graph_attr["layout"] = "nop2"
    places, lines, size = in_place(sizes, [(tail, head, text) for tail, head, text, _ in arrows])
    high = size[1]
    for name, (x, y, _, _) in places.items():
        marks[name]["pos"] = f"{x:.1f},{high - y:.1f}"
    for (_, _, text, look), (curve, at) in zip(arrows, lines):
        (x0, y0), (x1, y1) = curve[-2:]
        back = 6 / (math.hypot(x1 - x0, y1 - y0) or 1.0)  # so long is the tip
        end = x1 - back * (x1 - x0), y1 - back * (y1 - y0)
        points = " ".join(f"{x:.1f},{high - y:.1f}" for x, y in [*curve[:-1], end])
        look["pos"] = f"e,{x1:.1f},{high - y1:.1f} {points}"
        if text and at is not None:
            look["lp"] = f"{at[0]:.1f},{high - at[1] + 7:.1f}"  # above the arrow


def _escape(text: object) -> str:
    """Any text, to be shown as it is by one of Graphviz's HTML-like labels."""
    # A backslash in a span of its own, or "\\N" would be replaced by the node's name.
    return html.escape(printable(text)).replace("\\", '<FONT POINT-SIZE="12">&#92;</FONT>')


def _box(
    node: Value, name: str, how: str, style: str, border: int, frame: str, largest: float
) -> str:
    """A node as one of Graphviz's HTML-like labels."""
    head = f"<B>{_escape(name)}</B>"
    if how:
        head += f'&#160;=&#160;<FONT COLOR="#333333">{_escape(how)}</FONT>'
    rows = "".join(
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="9" COLOR="#444444">{what}</FONT></TD>'
        f'<TD ALIGN="RIGHT">{_colour(number)}</TD></TR>'
        for what, number in (("value", node.data), ("grad", node.grad))
    )
    return (
        f'<<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"'
        f' STYLE="{style}" COLOR="{frame}" BGCOLOR="{_fill(node.grad, largest)}">'
        f'<TR><TD COLSPAN="2">{head}</TD></TR>{rows}</TABLE>>'
    )


def _colour(x: float) -> str:
    """A number, in red where it is not finite."""
    return digits(x) if math.isfinite(x) else f'<FONT COLOR="#b00000">{digits(x)}</FONT>'


def _value_bundle(self: Value, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """The display of a Value in Jupyter: its graph, where that can be read, else its repr."""
    bundle = {"text/plain": repr(self)}
    if len(topological_order(self)) <= 4 * READABLE:
        picture = Drawing(self)._repr_mimebundle_()
        bundle.update({k: v for k, v in picture.items() if k != "text/plain"})
        if len(bundle) == 1:
            bundle["text/plain"] = f"{self!r}\n\n{picture['text/plain']}"
    return bundle


Value._repr_mimebundle_ = _value_bundle  # type: ignore[attr-defined]
