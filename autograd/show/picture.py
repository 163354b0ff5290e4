"""The picture of a graph as an SVG of our own, of which every part can be found and changed.

Ids: a node's box is ``n3``, its value ``n3v``, its gradient ``n3g``, its fill ``n3f``; the arrow
to its input 1 is ``n3e1``, the number there ``n3e1t``. A box drawn anew is ``n3r1``; what repeats
something in it has ``data-as``, the id of that.
"""

import html
import math
from collections.abc import Mapping

from ..value import Value
from .arrange import ROW, Arrangement, Place, inputs_of
from .boxes import Boxes
from .colours import PAINT, document, fill
from .columns import Point
from .notation import digits

STYLE = f"""{PAINT}
.frame {{ fill: var(--paper); stroke: var(--ink); stroke-width: 1.2; }}
.root .frame {{ stroke-width: 3; }}
.cut .frame, .again .frame {{ stroke-dasharray: 5 3; }}
.node text {{ font-size: 12px; }} .node .what {{ fill: var(--soft); font-size: 11px; }}
.node .name {{ font-weight: bold; }} .node tspan {{ font-weight: normal; }}
.node[data-on] .frame, .node[data-picked] .frame, .node:focus .frame {{ stroke: var(--on);
  stroke-width: 3; }}
.edge path {{ fill: none; stroke: var(--edge); stroke-width: 1.2; }}
.edge .tip {{ fill: var(--edge); }}
.edge text {{ font-size: 10.5px; fill: var(--soft); text-anchor: middle; stroke: var(--paper);
  stroke-width: 3px; paint-order: stroke; }}
.edge[data-on] path {{ stroke: var(--on); stroke-width: 2.6; }}
.edge[data-on] .tip {{ fill: var(--on); }}
.edge[data-on] text {{ fill: var(--on); font-weight: bold; }}
.legend {{ font-size: 11px; fill: var(--soft); }}
.constant {{ font-size: 11px; fill: var(--soft); text-anchor: middle; }}
"""

AGAIN = "\N{LEFT DOUBLE QUOTATION MARK}again\N{RIGHT DOUBLE QUOTATION MARK}"


class Picture:
    """The boxes and arrows of a graph, drawn where they stand.

    Args:
        nodes: those that are shown, in topological order, the root last.
        cut: those among them whose inputs are not shown.
        names: of all of them.
        grads: their gradients in the picture.
        arrangement: where all stands.

    Attributes:
        ids: of each node the id of its box.
        boxes: which there are.
        largest: the size of gradient that is filled most deeply.
        svg: the whole picture.
    """

    def __init__(
        self,
        nodes: list[Value],
        cut: set[Value],
        names: Mapping[Value, str],
        grads: Mapping[Value, float],
        arrangement: Arrangement,
    ) -> None:
        self.nodes, self.cut, self.names, self.grads = nodes, cut, names, grads
        finite = [abs(grads.get(v, 0.0)) for v in nodes if math.isfinite(grads.get(v, 0.0))]
        self.largest = max(finite, default=0.0) or 1.0
        self.arrangement = arrangement
        self.boxes = arrangement.plan.boxes
        self.ids = self.boxes.ids
        self.svg = self._draw()

    def _draw(self) -> str:
        heads, places = self.arrangement.plan.heads, self.arrangement.places
        parts, found = ["<g>"], iter(self.arrangement.lines)
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
        parts += ["</g>", "<g>"]
        for v, name in self.ids.items():
            kind = "root" if v is self.nodes[-1] else "cut" if v in self.cut else "plain"
            parts.append(self._box(v, name, heads[v], places[name], kind))
            for again in self.boxes.again.get(v, ()):
                head = self.names[v], ", again"
                parts.append(self._box(v, again, head, places[again], "again"))
        parts += ["</g>", "<g>"]
        width, height = self.arrangement.size
        legend = self.legend()
        for k, text in enumerate(legend):
            y = height + 20 + 15 * k
            parts.append(f'<text class="legend" x="0" y="{y:.0f}">{html.escape(text)}</text>')
        parts.append("</g>")
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
            f"<tspan>{html.escape(head[1])}</tspan></text>{''.join(rows)}</g>"
        )


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


def _edge(name: str, ends: str, curve: list[Point], at: Point | None, text: str) -> str:
    """An arrow along a curve of Graphviz's, with a number beside it."""
    (x0, y0), (x, y) = curve[-2:]
    length = math.hypot(x - x0, y - y0) or 1.0
    dx, dy = (x - x0) / length, (y - y0) / length
    base = x - 7 * dx, y - 7 * dy  # where the tip begins
    # From the tip to one corner behind it, and on to the other.
    along, across = (-7 * dx - 3.2 * dy, -7 * dy + 3.2 * dx), (6.4 * dy, -6.4 * dx)
    start, *rest = [f"{a:.1f} {b:.1f}" for a, b in [*curve[:-1], base]]
    path = f"M{start}C{' '.join(rest)}"
    tip = f"M{x:.1f} {y:.1f}l{' '.join(f'{d:.1f}' for d in (*along, *across))}z"
    label = ""
    if at is not None:
        label = f'<text id="{name}t" x="{at[0]:.1f}" y="{at[1] + 4:.1f}">{text}</text>'
    paths = f'<path d="{path}"/><path class="tip" d="{tip}"/>'
    return f'<g id="{name}" class="edge"{ends}>{paths}{label}</g>'
