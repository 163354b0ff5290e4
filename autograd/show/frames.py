"""The graph of a computation as a `Player`: values fill in forward, gradients backward."""

import html
import math
import shlex
from collections import defaultdict
from collections.abc import Callable

import graphviz

from ..value import Value
from .colours import PAINT, document, fill
from .notation import (
    TIMES,
    factor,
    formula,
    number,
    printable,
    shortened,
)
from .player import Frame, Player
from .steps import Share, Step, is_stale, sweep, uses

Layout = Callable[[str, str], bytes]

# Graphviz goes on improving a layout for minutes where arrows are long; this is where it stops.
PATIENCE = {"nslimit": "1", "nslimit1": "1"}
INCH = 72  # points, in which Graphviz's plain format and our picture measure
LETTER, WIDE, ROW = 7.0, 12.0, 17  # widths of letters, and the height of a row in a box

STYLE = f"""{PAINT}
.frame {{ fill: none; stroke: var(--ink); stroke-width: 1.2; }}
.root .frame {{ stroke-width: 3; }}
.cut .frame {{ stroke-dasharray: 5 3; }}
.back {{ fill: var(--paper); }}
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

LEGEND = (
    "Rounded: given; thick: the result. At an arrow: d(box at its tip)/d(box at its tail).",
    "Fill: the gradient; blue positive, orange negative, deeper for larger; yellow: not finite. "
    "On a page, click a box for the whole sum.",
)


def stepper(
    nodes: list[Value],
    cut: set[Value],
    order: list[Value],
    names: dict[Value, str],
    layout: Layout,
) -> Player:
    """The player of a graph.

    Args:
        nodes: those that are shown, in topological order, the root last.
        cut: those among them whose inputs are not shown.
        order: the whole graph in topological order: what is not shown passes on gradients too.
        names: of all of them.
        layout: lays out a graph in Graphviz's language, ``layout(source, "plain")``.
    """
    return _Stepper(nodes, cut, order, names, layout).player()


def picture(
    nodes: list[Value],
    cut: set[Value],
    order: list[Value],
    names: dict[Value, str],
    layout: Layout,
    room: int,
) -> str:
    """The picture alone, in SVG, with room for numbers of so many letters."""
    return _Stepper(nodes, cut, order, names, layout, room).svg


def _width(text: str) -> float:
    """About the room that a text takes; too much rather than too little."""
    return sum(WIDE if c in "MWmw@%" or ord(c) > 0x1100 else LETTER for c in text)


class _Stepper:
    def __init__(
        self,
        nodes: list[Value],
        cut: set[Value],
        order: list[Value],
        names: dict[Value, str],
        layout: Layout,
        room: int = 6,
    ) -> None:
        self.nodes, self.cut, self.names, self.room = nodes, cut, names, room
        self.ids = {node: f"n{i}" for i, node in enumerate(nodes)}
        self.steps = list(sweep(order))
        self.step_of = {step.node: step for step in self.steps}
        self.uses = uses(self.steps)
        # The longest number that each gradient ever is, for the width of its box.
        self.longest = {
            v: max((len(number(share.after)) for _, share in found), default=1)
            for v, found in self.uses.items()
        }
        # The inputs that are drawn, in order: an edge each.
        self.inputs = {
            node: [] if node in cut else list(zip(node.inputs, node.partials)) for node in nodes
        }
        self.grads = {self.steps[0].node: 1.0}
        self.grads.update({v: found[-1][1].after for v, found in self.uses.items()})
        finite = [abs(g) for v, g in self.grads.items() if v in self.ids and math.isfinite(g)]
        self.largest = max(finite, default=0.0) or 1.0
        self.svg = self._draw(layout)

    def player(self) -> Player:
        frames = [self._start(), *self._forward(), *self._backward()]
        root = self.names[self.nodes[-1]]
        title = f"Computation graph of {root}, {len(self.nodes)} nodes, with values and gradients"
        return Player(self.svg, frames, self._details(), title)

    # The frames

    def _start(self) -> Frame:
        changes: dict[tuple[str, str], str] = {}
        given = [v for v in self.nodes if not self.inputs[v]]
        for v, name in self.ids.items():
            changes[f"{name}v", "text"] = number(v.data) if not self.inputs[v] else ""
            changes[f"{name}g", "text"] = ""
            changes |= self._fill(v, 0.0)
            changes.update({(f"{name}e{i}t", "text"): "" for i in self._labelled(v)})
        lines = shortened([f"{self.names[v]} = {number(v.data)}" for v in given], most=6)
        return Frame(
            "Start: these numbers are given.", lines, [self.ids[v] for v in given], changes
        )

    def _forward(self) -> list[Frame]:
        frames = []
        for v, name in self.ids.items():
            if not self.inputs[v]:
                continue
            value = number(v.data)
            lines = [f"= {formula(v, None, most=6)} = {value}"]
            if is_stale(v):
                lines = [f"= {value}, as it was recorded: an input was changed since"]
            step = self.step_of[v]
            partials = [
                f"{step.partial_name(share)} = {number(share.partial)}"
                for share in step.shares if isinstance(share.input, Value)
            ]  # fmt: skip
            lines.append(f"At the arrows: {', '.join(shortened(partials))}")
            changes = {(f"{name}v", "text"): value}
            changes.update(
                {(f"{name}e{i}t", "text"): number(d) for i, d in self._labelled(v).items()}
            )
            how = formula(v, self.names, most=6)
            title = f"Forward: {self.names[v]} = {how}"
            lit = self._lit(v, set(range(len(self.inputs[v]))))
            frames.append(Frame(title, lines, lit, changes))
        return frames

    def _backward(self) -> list[Frame]:
        root = self.nodes[-1]
        changes = {(f"{name}g", "text"): "0" for name in self.ids.values()}
        changes |= self._gradient(root, 1.0)
        name = self.names[root]
        lines = [f"{name}.grad = d{name}/d{name} = 1"]
        frames = [Frame("Backward: all gradients are 0, but for the result's.", lines,
                        [self.ids[root]], changes)]  # fmt: skip
        for step in self.steps[1:]:
            shares = [s for s in step.shares if s.is_given and s.input in self.ids]
            if not shares:
                continue
            changes = {}
            for share in shares:
                if isinstance(share.input, Value):
                    changes |= self._gradient(share.input, share.after)
            title = f"Backward: {step.title}, {step.names[step.node]}.grad = {number(step.grad)}"
            lit = self._lit(step.node, {share.position for share in shares})
            frames.append(Frame(title, step.lines(), lit, changes))
        return frames

    def _lit(self, v: Value, edges: set[int]) -> list[str]:
        """The node with these of its edges, as far as they are drawn."""
        if v not in self.ids:
            return []
        name = self.ids[v]
        return [name, *[f"{name}e{i}" for i in range(len(self.inputs[v])) if i in edges]]

    def _labelled(self, v: Value) -> dict[int, float]:
        """The edges of a node that come from Values, and so have a number: its partials."""
        return {i: d for i, (x, d) in enumerate(self.inputs[v]) if isinstance(x, Value)}

    def _gradient(self, v: Value, grad: float) -> dict[tuple[str, str], str]:
        return {(f"{self.ids[v]}g", "text"): number(grad), **self._fill(v, grad)}

    def _fill(self, v: Value, grad: float) -> dict[tuple[str, str], str]:
        paint, depth = fill(grad, self.largest)
        name = f"{self.ids[v]}f"
        return {(name, "class"): paint, (name, "fill-opacity"): depth}

    def _details(self) -> dict[str, list[str]]:
        """For each node, how its value came about, and its gradient as a sum over its uses."""
        details = {}
        for v in self.nodes:
            name = self.names[v]
            value = f"{name} = {number(v.data)}"
            if self.inputs[v]:
                value = f"{name} = {formula(v, self.names, 6)} = {number(v.data)}"
            grad = self.grads.get(v, 0.0)
            why = "it is the result itself" if v is self.nodes[-1] else "no share reaches it"
            lines = [f"{name}.grad = {number(grad)}: {why}"]
            if self.uses[v]:
                lines = self._sum(v, self.uses[v])
            details[self.ids[v]] = [value, *lines]
        return details

    def _sum(self, v: Value, found: list[tuple[Step, Share]]) -> list[str]:
        letters, numbers = [], []
        for step, share in found:
            at = step.names[step.node]
            letters.append(f"{at}.grad {TIMES} {step.partial_name(share)}")
            numbers.append(f"{factor(step.grad)} {TIMES} {factor(share.partial)}")
        return [
            f"{self.names[v]}.grad = {' + '.join(shortened(letters))}",
            f"= {' + '.join(shortened(numbers))} = {number(self.grads[v])}",
        ]

    # The picture, in its last state

    def _draw(self, layout: Layout) -> str:
        graph = graphviz.Digraph(
            graph_attr={"rankdir": "LR", "nodesep": "0.2", "ranksep": "0.55", **PATIENCE},
            node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
            edge_attr={"dir": "none", "fontname": "Helvetica,Arial,sans-serif", "fontsize": "10"},
        )
        heads: dict[Value, tuple[str, str]] = {}
        for v, name in self.ids.items():
            how = ""
            if v.op:
                short = len(v.inputs) <= 2 and v not in self.cut
                how = f" = {formula(v, self.names, most=2) if short else printable(v.op)}"
            heads[v] = self.names[v], how
            longest = max(len(number(v.data)), self.longest.get(v, 1), self.room)
            inside = max(_width("".join(heads[v])), _width("value ") + LETTER * longest)
            size = {"width": inside + 14, "height": 3 * ROW + 8}
            graph.node(name, **{k: f"{x / INCH:.4f}" for k, x in size.items()})
            for i, (x, d) in enumerate(self.inputs[v]):
                if isinstance(x, Value):
                    graph.edge(self.ids[x], name, label=f" {number(d)} ")
                else:
                    width = (_width(number(x)) + 8) / INCH
                    graph.node(f"{name}c{i}", width=f"{width:.4f}", height="0.25")
                    graph.edge(f"{name}c{i}", name)
        places, lines, (width, height) = _read(layout(graph.source, "plain").decode())
        parts = []
        for v, name in self.ids.items():
            for i, (x, d) in enumerate(self.inputs[v]):
                tail = self.ids[x] if isinstance(x, Value) else f"{name}c{i}"
                curve, at = lines[tail, name].pop(0)
                parts.append(_edge(f"{name}e{i}", curve, at, number(d)))
                if not isinstance(x, Value):
                    px, py, _, _ = places[tail]
                    parts.append(f'<text class="constant" x="{px:.1f}" y="{py + 4:.1f}">'
                                 f"{number(x)}</text>")  # fmt: skip
        parts += [self._box(v, heads[v], places[name]) for v, name in self.ids.items()]
        for k, text in enumerate(LEGEND):
            y = height + 20 + 15 * k
            parts.append(f'<text class="legend" x="0" y="{y:.0f}">{text}</text>')
        wide = max(width + 16, 5.6 * max(map(len, LEGEND)) + 16)
        body = f'<g transform="translate(8 8)">{"".join(parts)}</g>'
        return document(wide, height + 50, STYLE, body)

    def _box(
        self, v: Value, head: tuple[str, str], place: tuple[float, float, float, float]
    ) -> str:
        x, y, width, height = place
        name = self.ids[v]
        left, right, top = x - width / 2, x + width / 2, y - height / 2
        kind = "root" if v is self.nodes[-1] else "cut" if v in self.cut else "plain"
        round_ = ' rx="9"' if not v.op else ""
        area = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"{round_}'
        grad = self.grads.get(v, 0.0)
        paint, depth = fill(grad, self.largest)
        rows = [
            f'<text class="what" x="{left + 7:.1f}" y="{top + k * ROW:.1f}">{what}</text>'
            f'<text id="{name}{what[0]}" x="{right - 7:.1f}" y="{top + k * ROW:.1f}"'
            f' text-anchor="end">{number(z)}</text>'
            for k, what, z in ((2, "value", v.data), (3, "grad", grad))
        ]
        return (
            f'<g id="{name}" class="node {kind}"><rect class="back" {area}/>'
            f'<rect id="{name}f" class="{paint}" fill-opacity="{depth}" {area}/>'
            f'<rect class="frame" {area}/>'
            f'<text class="name" x="{left + 7:.1f}" y="{top + ROW - 1:.1f}">{html.escape(head[0])}'
            f'<tspan class="how">{html.escape(head[1])}</tspan></text>{"".join(rows)}</g>'
        )


Place = tuple[float, float, float, float]
Line = tuple[list[tuple[float, float]], tuple[float, float] | None]


def _read(
    plain: str,
) -> tuple[dict[str, Place], dict[tuple[str, str], list[Line]], tuple[float, float]]:
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


def _edge(
    name: str, curve: list[tuple[float, float]], at: tuple[float, float] | None, text: str
) -> str:
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
    return f'<g id="{name}" class="edge"><path d="{path}"/><path class="tip" d="{tip}"/>{label}</g>'
