"""The picture of a graph in Graphviz's language."""

import html
import math

import graphviz

from ..value import Value
from .arrange import INCH, PATIENCE, ROW, Arrangement, Plan, inputs_of
from .notation import digits, printable
from .picture import graph_legend
from .steps import Step

LIT = "#a3006d"  # what a step is about
LIGHT = {"color": LIT, "fontcolor": LIT, "penwidth": "2.5"}
DPI, PIXELS, SIDE = 96, 12e6, 32_000  # of a PNG: dots per inch; the most dots, and in a row
NAMES = 36  # points: how wide the words "value" and "grad" are, with some room
# Graphviz knows no themes. On dark ground boxes stay light, and what lies between them changes.
DARK = b"""<style>@media screen and (prefers-color-scheme: dark) {
.graph > polygon { fill: #1b1c1e; }
.edge path { stroke: #9a9ea3; } .edge polygon { fill: #9a9ea3; stroke: #9a9ea3; }
.edge text, text[fill="#555555"], text[fill="#666666"] { fill: #c8c8c8; }
.node [stroke="#333333"] { stroke: #e8e8e8; } .node polygon[fill="#333333"] { fill: #e8e8e8; }
.node [fill="#f4f4f4"] { fill: #d0d2d5; }
[stroke="#a3006d"] { stroke: #ff8fd2; } text[fill="#a3006d"] { fill: #ff8fd2; }
}</style>
"""


def resolution(size: tuple[float, float]) -> float:
    """Dots per inch of a PNG: fewer where the picture is large, as long as it can be read.

    Raises:
        ValueError: then too there would be too many pixels.
    """
    inches = size[0] / INCH * (size[1] / INCH + 1)  # with the legend
    dpi = min(DPI, math.sqrt(PIXELS / inches), SIDE * INCH / max(size))
    if dpi < DPI / 2:
        width, height = (round(side / INCH * DPI / 2) for side in size)
        raise ValueError(
            f"as PNG, the picture would have {width:,} by {height:,} pixels, if it is to be read: "
            "save it as .svg, .pdf or .html, or draw a part of it, draw(node) or "
            "draw(root, stop=nodes)"
        )
    return dpi


class Dot:
    """A picture in Graphviz's language: a box per node, an arrow per input. Numbers as they are."""

    def __init__(self, nodes: list[Value], cut: set[Value], step: Step | None, plan: Plan) -> None:
        largest = max((abs(n.grad) for n in nodes if math.isfinite(n.grad)), default=0.0) or 1.0
        lines = graph_legend(nodes, cut, plan.boxes, {node: node.grad for node in nodes})
        if not all(math.isfinite(node.data) and math.isfinite(node.grad) for node in nodes):
            lines.append("A number in red: not finite.")
        if all(node.grad == 0.0 for node in nodes):
            lines = ["No gradients yet: call backward() first."]
        self.legend, self.arrows = "\n".join(lines), plan.arrows
        self.boxes: dict[str, dict[str, str]] = {}
        self.looks: list[dict[str, str]] = []  # of the arrows
        for node, name in plan.boxes.ids.items():
            style = "ROUNDED" if not node.op else "DASHED" if node in cut else "SOLID"
            active = step is not None and node is step.node
            border = 3 if active or node is nodes[-1] else 1
            frame = LIT if active else "#333333"
            fill = _fill(node.grad, largest)
            kinds = [(name, plan.heads[node], style, border)]
            head = f"{plan.heads[node][0]}, again", ""
            kinds += [(again, head, "DASHED", 1) for again in plan.boxes.again.get(node, ())]
            for box, head, style, border in kinds:
                label = _box(node, head, plan.sizes[box], style, border, frame, fill)
                self.boxes[box] = {"label": label}
            for i, (v, _) in enumerate(inputs_of(node, cut)):
                if not isinstance(v, Value):
                    look = {"label": digits(v), "fontcolor": "#666666", "margin": "0.05"}
                    self.boxes[f"{name}c{i}"] = look
                    self.looks.append({"style": "dashed"})
                else:
                    gives = active and step is not None and step.shares and step.shares[i].is_given
                    tail = plan.boxes.tails[node, i]
                    self.looks.append(LIGHT if gives else plan.boxes.weight(tail))

    def source(self, arrangement: Arrangement | None = None, dpi: float | None = None) -> str:
        """The text; perhaps with all in its place, so that Graphviz need only draw it."""
        graph = graphviz.Digraph(
            "computation graph",  # the picture's title; without one some versions show a "%3"
            graph_attr={
                "rankdir": "LR", "bgcolor": "white", "pad": "0.2",
                "nodesep": "0.15", "ranksep": "0.5", **PATIENCE,
                "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10", "fontcolor": "#555555",
                "label": f" \n{self.legend}",
            },
            node_attr={
                "shape": "plain", "fontname": "Helvetica,Arial,sans-serif", "fontsize": "12",
            },
            edge_attr={
                "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10", "color": "#777777",
                "fontcolor": "#444444", "arrowsize": "0.6",
            },
        )  # fmt: skip
        places: dict[str, dict[str, str]] = {}
        ways: list[dict[str, str]] = [{} for _ in self.arrows]
        if arrangement is not None:
            graph.graph_attr["layout"] = "nop2"
            if dpi is not None:
                graph.graph_attr["dpi"] = f"{dpi:.0f}"
            high = arrangement.size[1]
            above = 7.0 if arrangement.plan.is_large else 0.0  # the arrow, where it stands on it
            for name, (x, y, _, _) in arrangement.places.items():
                places[name] = {"pos": f"{x:.1f},{high - y:.1f}"}
            for way, (curve, at) in zip(ways, arrangement.lines):
                (x0, y0), (x1, y1) = curve[-2:]
                back = 6 / (math.hypot(x1 - x0, y1 - y0) or 1.0)  # so long is the tip
                end = x1 - back * (x1 - x0), y1 - back * (y1 - y0)
                points = " ".join(f"{x:.1f},{high - y:.1f}" for x, y in [*curve[:-1], end])
                way["pos"] = f"e,{x1:.1f},{high - y1:.1f} {points}"
                if at is not None:
                    way["lp"] = f"{at[0]:.1f},{high - at[1] + above:.1f}"
        for name, look in self.boxes.items():
            graph.node(name, **look, **places.get(name, {}))
        for (tail, head, text), look, way in zip(self.arrows, self.looks, ways):
            graph.edge(tail, head, label=f" {text} " if text else "", **look, **way)
        return str(graph.source)


def _escape(text: object) -> str:
    """Any text, to be shown as it is by one of Graphviz's HTML-like labels."""
    # A backslash in a span of its own, or "\\N" would be replaced by the node's name.
    return html.escape(printable(text)).replace("\\", '<FONT POINT-SIZE="12">&#92;</FONT>')


def _box(
    node: Value,
    head: tuple[str, str],
    size: tuple[float, float],
    style: str,
    border: int,
    frame: str,
    fill: str,
) -> str:
    """A node as one of Graphviz's HTML-like labels."""
    title = f"<B>{_escape(head[0])}</B>"
    if how := head[1].removeprefix(" = "):
        title += f'&#160;=&#160;<FONT COLOR="#333333">{_escape(how)}</FONT>'
    rows = "".join(
        f'<TR><TD ALIGN="LEFT" HEIGHT="{ROW}"><FONT POINT-SIZE="9" COLOR="#444444">{what}</FONT>'
        f'</TD><TD ALIGN="RIGHT" WIDTH="{size[0] - NAMES:.0f}">{_colour(number)}</TD></TR>'
        for what, number in (("value", node.data), ("grad", node.grad))
    )
    return (
        f'<<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"'
        f' STYLE="{style}" COLOR="{frame}" BGCOLOR="{fill}">'
        f'<TR><TD COLSPAN="2" HEIGHT="{ROW + 6}">{title}</TD></TR>{rows}</TABLE>>'
    )


def _colour(x: float) -> str:
    """A number, in red where it is not finite."""
    return digits(x) if math.isfinite(x) else f'<FONT COLOR="#b00000">{digits(x)}</FONT>'


def _fill(grad: float, largest: float) -> str:
    """A colour for a gradient: blue for positive, orange for negative, deeper for larger."""
    if not math.isfinite(grad):
        return "#ffe14d"
    if grad == 0.0:
        return "#f4f4f4"
    depth = 0.15 + 0.85 * math.sqrt(min(abs(grad) / largest, 1.0))
    far = (86, 160, 220) if grad > 0 else (240, 150, 70)
    return "#" + "".join(f"{round(255 + depth * (c - 255)):02x}" for c in far)
