"""Where the boxes and arrows of a graph stand: by Graphviz, or in columns of our own.

A graph is laid out once, for the page (`picture`) and for Graphviz's own drawing (`graph`) alike.
"""

import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import graphviz

from ..value import Value
from .boxes import Boxes, boxes_of
from .columns import Point, in_columns
from .notation import digits, formula, printable

Layout = Callable[[str, str], bytes]
Place = tuple[float, float, float, float]  # a centre, width and height
Arrow = tuple[str, str, str]  # from box to box, with a number
Line = tuple[list[Point], Point | None]  # a curve, and where its number stands

# Graphviz goes on improving a layout for minutes where arrows are long; this is where it stops.
PATIENCE = {"nslimit": "1", "nslimit1": "1"}
INCH = 72  # points, in which Graphviz's plain format and our picture measure
BOLD = 1.2  # how much wider bold letters are
LETTER, WIDE, ROW = 7.0, 12.0, 17  # widths of letters, and the height of a row in a box


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


def how_text(v: Value, names: Mapping[Value, str], is_cut: bool) -> str:
    """How a node was computed, for the head of its box; empty for what is given."""
    if not v.op:
        return ""
    short = len(v.inputs) <= 2 and not is_cut
    return formula(v, names, most=2) if short else printable(v.op)


def inputs_of(v: Value, cut: set[Value]) -> list[tuple[Value | float, float]]:
    """A node's inputs as far as they are drawn, with the partial derivatives by them."""
    return [] if v in cut else list(zip(v.inputs, v.partials))


@dataclass
class Plan:
    """The boxes and arrows of a graph before they are laid out.

    Attributes:
        boxes: which there are.
        heads: of each node its name, and what else is in the first line of its box.
        sizes: of each box its width and height, those of plain numbers included.
        arrows: a node's inputs one after the other, node by node.
    """

    boxes: Boxes
    heads: dict[Value, tuple[str, str]] = field(default_factory=dict)
    sizes: dict[str, tuple[float, float]] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)

    @property
    def is_large(self) -> bool:
        """Whether Graphviz would take long."""
        return self.boxes.is_large(self.sizes, self.arrows)


def plan_of(
    nodes: list[Value],
    cut: set[Value],
    names: Mapping[Value, str],
    grads: Mapping[Value, float],
    longest: Mapping[Value, int],
) -> Plan:
    """The boxes for some nodes, so large that their numbers have room.

    Args:
        nodes: those that are shown, in topological order, the root last.
        cut: those among them whose inputs are not shown.
        names: of all of them.
        grads: their gradients in the picture.
        longest: the most characters that a gradient takes, where it changes.
    """
    plan = Plan(boxes_of(nodes, cut))
    sizes = plan.sizes
    for v, name in plan.boxes.ids.items():
        how = how_text(v, names, v in cut)
        plan.heads[v] = names[v], f" = {how}" if how else ""
        numbers = len(digits(v.data)), len(digits(grads.get(v, 0.0))), longest.get(v, 1), 6
        sizes[name] = box_size(*plan.heads[v], max(numbers))
        for again in plan.boxes.again.get(v, ()):
            sizes[again] = box_size(names[v], ", again", max(numbers))
        for i, (x, d) in enumerate(inputs_of(v, cut)):
            if isinstance(x, Value):
                plan.arrows.append((plan.boxes.tails[v, i], name, digits(d)))
            else:
                sizes[f"{name}c{i}"] = text_width(digits(x)) + 8, 18.0
                plan.arrows.append((f"{name}c{i}", name, ""))
    return plan


@dataclass
class Arrangement:
    """A plan laid out: y leads down.

    Attributes:
        plan: what is laid out.
        places: of each box its centre, width and height.
        lines: of each arrow its curve, and where its number stands.
        size: width and height of it all, in points.
    """

    plan: Plan
    places: Mapping[str, Place]
    lines: list[Line]
    size: Point


def arranged(plan: Plan, layout: Layout) -> Arrangement:
    """A plan laid out: by Graphviz, where that is soon done.

    Raises:
        RuntimeError: nothing that can lay it out is installed, or it failed.
    """
    if plan.is_large:
        return in_place(plan)
    graph = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "nodesep": "0.2", "ranksep": "0.55", **PATIENCE},
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
        edge_attr={"dir": "none", "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10"},
    )
    for name, (width, height) in plan.sizes.items():
        graph.node(name, width=f"{width / INCH:.4f}", height=f"{height / INCH:.4f}")
    for tail, head, text in plan.arrows:
        label = f" {text} " if text else ""
        graph.edge(tail, head, label=label, **plan.boxes.weight(tail))
    answer = layout(graph.source, "plain").decode()
    try:
        places, lines, size = _read(answer)
        ordered = [lines[tail, head].pop(0) for tail, head, _ in plan.arrows]
    except (ValueError, LookupError) as error:
        raise RuntimeError(f"Graphviz's layout can't be read: {answer[:60]!r}") from error
    return Arrangement(plan, places, ordered, size)


def in_place(plan: Plan) -> Arrangement:
    """A large plan laid out in columns, without Graphviz."""
    room = max((text_width(text) for *_, text in plan.arrows), default=0.0)
    centres, curves, size = in_columns(plan.sizes, [arrow[:2] for arrow in plan.arrows], room)
    places = {name: (*centre, *plan.sizes[name]) for name, centre in centres.items()}
    return Arrangement(plan, places, [(curve, _label_place(curve)) for curve in curves], size)


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
