"""The picture of a graph as an SVG of our own, of which every part can be found and changed.

Ids: a node's box is ``n3``, its value ``n3v``, its gradient ``n3g``, its fill ``n3f``; the arrow
to its input 1 is ``n3e1``, the number there ``n3e1t``. A box drawn anew is ``n3r1``; what repeats
something in it has ``data-as``, the id of that.
"""

import html
import math
import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping

import graphviz

from ..value import Value
from .boxes import Boxes, boxes_of
from .colours import PAINT, document, fill
from .columns import Point, in_columns
from .notation import digits, formula, printable

Layout = Callable[[str, str], bytes]

# Graphviz goes on improving a layout for minutes where arrows are long; this is where it stops.
PATIENCE = {"nslimit": "1", "nslimit1": "1"}
INCH = 72  # points, in which Graphviz's plain format and our picture measure
BOLD = 1.2  # how much wider bold letters are
LETTER, WIDE, ROW = 7.0, 12.0, 17  # widths of letters, and the height of a row in a box

STYLE = f"""{PAINT}
.frame {{ fill: var(--paper); stroke: var(--ink); stroke-width: 1.2; }}
.root .frame {{ stroke-width: 3; }}
.cut .frame, .again .frame {{ stroke-dasharray: 5 3; }}
.node text {{ font-size: 12px; }} .node .what {{ fill: var(--soft); font-size: 11px; }}
.node .name {{ font-weight: bold; }} .node .how {{ font-weight: normal; }}
.node[data-on] .frame, .node[data-picked] .frame, .node:focus .frame {{ stroke: var(--on);
  stroke-width: 3; }}
.edge path {{ fill: none; stroke: var(--line); stroke-width: 1.2; }}
.edge .tip {{ fill: var(--line); }}
.edge text {{ font-size: 10.5px; fill: var(--soft); text-anchor: middle; stroke: var(--paper);
  stroke-width: 3px; paint-order: stroke; }}
.edge[data-on] path {{ stroke: var(--on); stroke-width: 2.6; }}
.edge[data-on] .tip {{ fill: var(--on); }}
.edge[data-on] text {{ fill: var(--on); font-weight: bold; }}
.legend {{ font-size: 11px; fill: var(--soft); }}
.constant {{ font-size: 11px; fill: var(--soft); text-anchor: middle; }}
"""


def text_width(text: str) -> float:
    """About the room that a text takes; too much rather than too little."""
    return sum(WIDE if c in "MWmw@%" or ord(c) > 0x1100 else LETTER for c in text)


def box_size(name: str, rest: str, longest: int) -> tuple[float, float]:
    """Width and height of a box, in points, with so many characters in its longest number.

    The node's name is bold, the rest of the first line is not.
    """
    head = BOLD * text_width(name) + text_width(rest)
    inside = max(head, text_width("value ") + LETTER * longest)
    return inside + 14, 3 * ROW + 8.0


def constant_size(x: float) -> tuple[float, float]:
    """Width and height of a number that is no node."""
    return text_width(digits(x)) + 8, 18.0


def how_text(v: Value, names: Mapping[Value, str], is_cut: bool) -> str:
    """How a node was computed, for the head of its box; empty for what is given."""
    if not v.op:
        return ""
    short = len(v.inputs) <= 2 and not is_cut
    return formula(v, names, most=2) if short else printable(v.op)


AGAIN = "\N{LEFT DOUBLE QUOTATION MARK}again\N{RIGHT DOUBLE QUOTATION MARK}"
Place = tuple[float, float, float, float]  # a centre, width and height
Arrow = tuple[str, str, str]  # from box to box, with a number
Line = tuple[list[Point], Point | None]  # a curve, and where its number stands


class Picture:
    """The boxes and arrows of a graph, laid out.

    Args:
        nodes: those that are shown, in topological order, the root last.
        cut: those among them whose inputs are not shown.
        names: of all of them.
        grads: their gradients in the picture.
        longest: the most characters that a gradient takes, where it changes.
        layout: lays out a graph in Graphviz's language, ``layout(source, "plain")``.

    Attributes:
        ids: of each node the id of its box.
        svg: the whole picture.
    """

    def __init__(
        self,
        nodes: list[Value],
        cut: set[Value],
        names: Mapping[Value, str],
        grads: Mapping[Value, float],
        longest: Mapping[Value, int],
        layout: Layout,
    ) -> None:
        self.nodes, self.cut, self.names, self.grads = nodes, cut, names, grads
        self.boxes = boxes_of(nodes, cut)
        self.ids = self.boxes.ids
        finite = [abs(grads.get(v, 0.0)) for v in nodes if math.isfinite(grads.get(v, 0.0))]
        self.largest = max(finite, default=0.0) or 1.0
        sizes: dict[str, tuple[float, float]] = {}
        heads: dict[Value, tuple[str, str]] = {}
        for v, name in self.ids.items():
            how = how_text(v, names, v in cut)
            heads[v] = names[v], f" = {how}" if how else ""
            most = max(len(digits(v.data)), longest.get(v, 1), 6)
            sizes[name] = box_size(*heads[v], most)
            for again in self.boxes.again.get(v, ()):
                sizes[again] = box_size(names[v], ", again", most)
        arrows: list[Arrow] = []
        for v, name in self.ids.items():
            for i, (x, d) in enumerate(inputs_of(v, cut)):
                if isinstance(x, Value):
                    arrows.append((self.boxes.tails[v, i], name, digits(d)))
                else:
                    sizes[f"{name}c{i}"] = constant_size(x)
                    arrows.append((f"{name}c{i}", name, ""))
        places, lines, size = arranged(self.boxes, sizes, arrows, layout)
        self.svg = self._draw(heads, places, lines, size)

    def _draw(
        self,
        heads: Mapping[Value, tuple[str, str]],
        places: Mapping[str, Place],
        lines: list[Line],
        size: Point,
    ) -> str:
        parts, found = [], iter(lines)
        for v, name in self.ids.items():
            for i, (x, d) in enumerate(inputs_of(v, self.cut)):
                tail = self.boxes.tails[v, i] if isinstance(x, Value) else f"{name}c{i}"
                curve, at = next(found)
                ends = f' data-from="{tail}" data-to="{name}"'
                parts.append(_edge(f"{name}e{i}", ends, curve, at, digits(d)))
                if not isinstance(x, Value):
                    px, py, _, _ = places[tail]
                    parts.append(f'<text id="{tail}" class="constant" x="{px:.1f}" y="{py + 4:.1f}"'
                                 f">{digits(x)}</text>")  # fmt: skip
        for v, name in self.ids.items():
            kind = "root" if v is self.nodes[-1] else "cut" if v in self.cut else "plain"
            parts.append(self._box(v, name, heads[v], places[name], kind))
            for again in self.boxes.again.get(v, ()):
                head = self.names[v], ", again"
                parts.append(self._box(v, again, head, places[again], "again"))
        width, height = size
        legend = self.legend()
        for k, text in enumerate(legend):
            y = height + 20 + 15 * k
            parts.append(f'<text class="legend" x="0" y="{y:.0f}">{html.escape(text)}</text>')
        wide = max(width + 16, 5.6 * max(map(len, legend)) + 16)
        return document(wide, height + 20 + 15 * len(legend), STYLE, "".join(parts), margin=8)

    def legend(self) -> list[str]:
        """What is there, and nothing else, explained."""
        return graph_legend(self.nodes, self.cut, self.boxes, self.grads)

    def _box(self, v: Value, name: str, head: tuple[str, str], place: Place, kind: str) -> str:
        x, y, width, height = place
        round_ = ' rx="9"' if not v.op else ""
        area = f'width="{width:.0f}" height="{height:.0f}"{round_}'
        grad = self.grads.get(v, 0.0)
        paint, depth = fill(grad, self.largest)
        one = self.ids[v]

        def mark(letter: str) -> str:
            return f'id="{one}{letter}"' if name == one else f'data-as="{one}{letter}"'

        again = "" if name == one else f' data-again="{one}"'
        rows = [
            f'<text class="what" x="7" y="{k * ROW}">{what}</text>'
            f'<text {mark(what[0])} x="{width - 7:.0f}" y="{k * ROW}" text-anchor="end">'
            f"{digits(z)}</text>"
            for k, what, z in ((2, "value", v.data), (3, "grad", grad))
        ]
        at = f"translate({x - width / 2:.0f} {y - height / 2:.0f})"
        return (
            f'<g id="{name}"{again} class="node {kind}" transform="{at}">'
            f'<rect class="frame" {area}/>'
            f'<rect {mark("f")} class="{paint}" fill-opacity="{depth}" {area}/>'
            f'<text class="name" x="7" y="{ROW - 1}">{html.escape(head[0])}'
            f'<tspan class="how">{html.escape(head[1])}</tspan></text>{"".join(rows)}</g>'
        )


def inputs_of(v: Value, cut: set[Value]) -> list[tuple[Value | float, float]]:
    """A node's inputs as far as they are drawn, with the partial derivatives by them."""
    return [] if v in cut else list(zip(v.inputs, v.partials))


def graph_legend(
    nodes: list[Value], cut: set[Value], boxes: Boxes, grads: Mapping[Value, float]
) -> list[str]:
    """Lines that explain what there is in a picture of a graph, and nothing else."""
    shown = [grads.get(v, 0.0) for v in nodes]
    constants = any(not isinstance(x, Value) for v in nodes for x, _ in inputs_of(v, cut))
    marks = [
        ("rounded: given", any(not v.op for v in nodes)),
        ("thick: the result", len(nodes) > 1),
        ("dashed: cut off, what it was computed from is not shown", bool(cut & set(nodes))),
        (f"dashed, {AGAIN}: the same node once more, near its use", any(boxes.again.values())),
        ("without a box: a plain number", constants),
    ]
    texts = [text for text, there in marks if there]
    lines = [f"{'; '.join(texts)}.".capitalize()] if texts else []
    if len(nodes) > 1:
        lines.append("At an arrow: d(box at its tip)/d(box at its tail).")
        lines.append("grad = d(result)/d(box): over its arrows, the sum of the arrow's number "
                     "times the grad at the tip.")  # fmt: skip
    signs = [("blue positive", any(0 < g < math.inf for g in shown)),
             ("orange negative", any(-math.inf < g < 0 for g in shown))]  # fmt: skip
    signs += [("deeper for larger", any(there for _, there in signs)),
              ("yellow: not finite", not all(map(math.isfinite, shown)))]  # fmt: skip
    if any(there for _, there in signs):
        lines.append(f"Fill: the gradient; {', '.join(text for text, there in signs if there)}.")
    return lines


def arranged(
    boxes: Boxes, sizes: Mapping[str, tuple[float, float]], arrows: list[Arrow], layout: Layout
) -> tuple[dict[str, Place], list[Line], Point]:
    """Where boxes, arrows and their numbers stand: by Graphviz, where that is soon done."""
    if boxes.is_large(sizes, arrows):
        return in_place(sizes, arrows)
    graph = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "nodesep": "0.2", "ranksep": "0.55", **PATIENCE},
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
        edge_attr={"dir": "none", "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10"},
    )
    for name, (width, height) in sizes.items():
        graph.node(name, width=f"{width / INCH:.4f}", height=f"{height / INCH:.4f}")
    for tail, head, text in arrows:
        graph.edge(tail, head, label=f" {text} " if text else "", **boxes.weight(tail))
    answer = layout(graph.source, "plain").decode()
    try:
        places, lines, size = _read(answer)
        return places, [lines[tail, head].pop(0) for tail, head, _ in arrows], size
    except (ValueError, LookupError) as error:
        raise RuntimeError(f"Graphviz's layout can't be read: {answer[:60]!r}") from error


def in_place(
    sizes: Mapping[str, tuple[float, float]], arrows: list[Arrow]
) -> tuple[dict[str, Place], list[Line], Point]:
    """Where they stand in a large graph: in columns, with no layout by Graphviz."""
    room = max((text_width(text) for *_, text in arrows), default=0.0)
    centres, curves, size = in_columns(sizes, [arrow[:2] for arrow in arrows], room)
    places = {name: (*centre, *sizes[name]) for name, centre in centres.items()}
    return places, [(curve, _label_place(curve)) for curve in curves], size


def _label_place(curve: list[Point]) -> Point:
    """Where the number of an arrow stands: in the middle of its last piece, near the tip."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = curve[-4:]
    return (x0 + 3 * x1 + 3 * x2 + x3) / 8, (y0 + 3 * y1 + 3 * y2 + y3) / 8


def _read(
    plain: str,
) -> tuple[dict[str, Place], dict[tuple[str, str], list[Line]], Point]:
    """Graphviz's plain format: places of nodes (centre, size), curves of edges, the whole size."""
    places: dict[str, Place] = {}
    lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
    width = height = 0.0

    def point(x: str, y: str) -> tuple[float, float]:
        return float(x) * INCH, height - float(y) * INCH

    for text in plain.splitlines():
        kind, *words = shlex.split(text)
        if kind == "graph":
            width, height = float(words[1]) * INCH, float(words[2]) * INCH
        elif kind == "node":
            x, y = point(words[1], words[2])
            places[words[0]] = x, y, float(words[3]) * INCH, float(words[4]) * INCH
        elif kind == "edge":
            n = int(words[2])
            curve = [point(*words[3 + 2 * i : 5 + 2 * i]) for i in range(n)]
            rest = words[3 + 2 * n :]
            lines[words[0], words[1]].append((curve, point(*rest[1:3]) if len(rest) > 2 else None))
    return places, lines, (width, height)


def _edge(name: str, ends: str, curve: list[Point], at: Point | None, text: str) -> str:
    """An arrow along a curve of Graphviz's, with a number beside it."""
    (x0, y0), (x, y) = curve[-2:]
    length = math.hypot(x - x0, y - y0) or 1.0
    dx, dy = (x - x0) / length, (y - y0) / length
    base = x - 7 * dx, y - 7 * dy  # where the tip begins
    side = -3.2 * dy, 3.2 * dx
    corners = [
        (x, y),
        (base[0] + side[0], base[1] + side[1]),
        (base[0] - side[0], base[1] - side[1]),
    ]
    start, *rest = [f"{a:.1f} {b:.1f}" for a, b in [*curve[:-1], base]]
    path = f"M{start}C{' '.join(rest)}"
    tip = f"M{'L'.join(f'{a:.1f} {b:.1f}' for a, b in corners)}Z"
    label = ""
    if at is not None:
        label = f'<text id="{name}t" x="{at[0]:.1f}" y="{at[1] + 4:.1f}">{text}</text>'
    paths = f'<path d="{path}"/><path class="tip" d="{tip}"/>'
    return f'<g id="{name}" class="edge"{ends}>{paths}{label}</g>'
