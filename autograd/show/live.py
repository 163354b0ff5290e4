"""A graph that lives: a page in which a leaf's number is moved, and everything follows.

The page carries the recorded graph as data, and the rows of its primitives printed as JavaScript
(`compiler.javascript`); so it needs neither Python nor a network. Where no script runs it shows the
finished picture.
"""

import math
import re
from functools import cache
from typing import Any

from .. import primitives as p
from ..compiler import javascript
from ..functions import apply
from ..value import Value
from .arrange import Layout, arranged, plan_of
from .bare import bare
from .colours import PAGE
from .frames import FOLDED
from .groups import groups_of
from .notation import digits, isolated, printable
from .picture import Picture
from .player import HERE, Page, running

PARTS = ("common", "live_graph", "live_plot", "live_stage", "live_panels", "live_runs", "live")
LITERAL = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|/(?:\[[^\]\n]*\]|\\.|[^/\\\[\s])+/[gi]*|\s*//.*'
)


def squeezed(script: str) -> str:
    """A script without its comments, and without what it needs only to be read.

    That is space, a block's last semicolon, brackets around an arrow's one parameter, and that what
    is constant is called so. It relies on how ours are written: no template within another, a space
    after a sign of division, a semicolon after every statement and no empty one.
    """
    parts, at = [], 0
    for found in LITERAL.finditer(script + "\n//"):
        text = re.sub(r"\s*\n\s*", "\n", script[at : found.start()])
        text = re.sub(r" ?([{}()\[\];,:=<>*?&|!]|[-+/](?! [-+])) ?", r"\1", text)
        text = re.sub(r"(?<!\w)\n|\n(?!\w)", "", text).replace(";}", "}")
        text = re.sub(r"(?<!\w)\((\w+)\)=>", r"\1=>", re.sub(r"\bconst\b", "let", text))
        parts.append(text)
        literal = found.group()
        parts.append("" if literal.lstrip().startswith("//") else literal)
        at = found.end()
    return "".join(parts).strip()


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache  # when a page is made, not at import: it takes a while
def _scripts(*names: str) -> str:
    """Scripts of this room as one, for a page."""
    return "\n".join([squeezed(_read(f"{name}.js")) for name in names])


def _runtime(rows: str) -> str:
    """The functions of `RUNTIME` that the rows call, and those that these do; with the rows."""
    kept = [rows]
    for block in reversed(javascript.RUNTIME.split("\n\n")):  # what calls stands below
        names = "|".join(re.findall(r"^(?:function|const) (\w+)", block, re.M))
        if re.search(rf"\b(?:{names})\b", "".join(kept)):
            kept.insert(0, f"{block}\n")
    return squeezed("".join(kept))


@cache
def live_style(*names: str) -> str:
    """Styles of pages that compute, with further ones of this room."""
    texts = [_read(f"{name}.css") for name in ("stage", *names, "live")]
    return SPACE.sub(r"\1", PAGE + "".join(texts))


SPACE = re.compile(r"\s*(?:;\s*(?=})|([{};,]|:(?= ))\s*)")  # of a style, that need not be
# What the script names anew (live_stage.js).
NAMED = re.compile(
    r' class="(?:frame|name|tip|edge|plus|minus|odd|none)"'
    r'| (?:id|data-as)="n\d+(?:[fvg]|e\d+t?)"'
)
# What would else stand at each text: numbers end at the right; the words before them are soft.
WORDS, NUMBERS = ".node text:not([class],[id],[data-as])", ".node [id],[data-as]{text-anchor:end}"
PANELS = ("slice", "nudge", "paths", "predict", "descend", "sweep")
LARGEST = 2000  # nodes that a page computes
ROOM = 10  # letters of the longest number, -1.235e-05


class Live(Page):
    """A page that computes, as `Drawing.live` makes it.

    Args:
        nodes: those that are shown, in topological order, the root last.
        cut: those among them whose inputs are not shown.
        order: the whole graph in topological order: what is not shown is computed too.
        names: of all of them.
        layout: lays out a graph in Graphviz's language, ``layout(source, "plain")``.
        panel: which of `PANELS` is open at first; None for none.

    Raises:
        ValueError: the graph is too large, a primitive can't be printed as JavaScript, or there is
            no such panel.
        RuntimeError: nothing that can lay out a graph is installed.
    """

    def __init__(
        self,
        nodes: list[Value],
        cut: set[Value],
        order: list[Value],
        names: dict[Value, str],
        layout: Layout,
        panel: str | None = None,
    ) -> None:
        if panel is not None and panel not in PANELS:
            raise ValueError(f"panel must be one of {', '.join(PANELS)}, or None, got {panel!r}")
        if len(order) > LARGEST:
            raise ValueError(
                f"the graph has {len(order)} nodes, more than the {LARGEST} that a live page "
                "computes. Make one of a part of it, draw(node).live(); or see its end without, "
                "draw(root, stop=nodes); or read it, trace(root)"
            )
        fresh = _recorded_anew(order)
        is_stale = any(repr(fresh[v].data) != repr(v.data) for v in order)
        # All that is shown, the picture without scripts too, is of the numbers that there are now.
        names = {fresh[v]: name for v, name in names.items() if v in fresh}
        nodes, order = [fresh[v] for v in nodes], [fresh[v] for v in order]
        cut = {fresh[v] for v in cut}
        program = _Program(order)
        order[-1].backward()
        self.title = f"Computation graph of {names[order[-1]]}, {len(nodes)} nodes, live"
        self._text = "\n".join(
            f"{names[v]} = {digits(v.data)}, gradient {digits(v.grad)}" for v in nodes
        )
        gradients, names = {v: v.grad for v in nodes}, isolated(names)
        plan = plan_of(nodes, cut, names, gradients, dict.fromkeys(nodes, ROOM))
        shown = Picture(nodes, cut, names, gradients, arranged(plan, layout))
        self._groups = groups_of(nodes, cut, shown.boxes)
        self._folds = ["fold"] if self._groups else []
        self._svg = _lean(shown.svg, bool(self._groups))
        rows = "return [\n" + ",\n".join(program.rows) + "\n];"
        self._script = "\n".join(
            [
                f"const ROWS = (() => {{\n{_runtime(rows)}\n}})();",
                _scripts("stage", *self._folds, *PARTS),
            ]
        )
        places = {v: i for i, v in enumerate(order)}
        self._data = {
            "title": self.title,
            "names": [names[v] for v in order],
            "ops": [printable(v.op) for v in order],
            # Of dot nodes: how many of the inputs are weights.
            "dots": {places[v]: len(v.arguments[0]) for v in order if v.primitive is p.DOT},
            "shown": [places[v] for v in nodes],
            "cut": [places[v] for v in nodes if v in cut],
            "panel": panel,
            "groups": self._groups,
            "folded": len(nodes) > FOLDED,
            **program.data,
            "values": [_json(v.data) for v in order],
            "gradients": [_json(v.grad) for v in order],
            "stale": is_stale,
        }

    def standing(self) -> str:
        """The same for a page of its own, with a picture that needs neither script nor style."""
        picture, style = bare(self._svg, self.title)
        return self._around(re.sub(r"<[^>]*>", lambda tag: NAMED.sub("", tag[0]), picture), style)

    def _around(self, picture: str, style: str) -> str:
        return running("live", picture, live_style(*self._folds) + style, self._data, self._script)


class _Program:
    """A graph as data, for the script, and the rows that it computes with.

    A node is its place in the order; plain numbers have places after all nodes.

    Attributes:
        rows: functions, one for each primitive with arguments of some lengths.
    """

    def __init__(self, order: list[Value]) -> None:
        self.rows: list[str] = []
        self._places = {v: i for i, v in enumerate(order)}
        self._constants: dict[str, int] = {}
        self._known: dict[Any, int] = {}
        self._chooses: list[bool] = []
        rows = list(map(self._row, order))
        inputs = [list(map(self._place, v.inputs)) for v in order]
        self.data = {
            "rows": rows,
            "inputs": inputs,
            "constants": [_json(float(text)) for text in self._constants],
            "chooses": self._chooses,
        }

    def _row(self, node: Value) -> int:
        """Which row computes a node; -1 for a leaf."""
        primitive = node.primitive
        if primitive is None:
            return -1
        # A plain exponent is written out: its power has a simpler derivative.
        arguments = tuple(
            len(x) if type(x) is tuple
            else x if type(x) is float and primitive is p.POW
            else None
            for x in node.arguments
        )  # fmt: skip
        key = primitive, repr(arguments)
        if key not in self._known:
            self._known[key] = len(self.rows)
            self.rows.append(javascript.row(primitive, arguments))
            self._chooses.append(primitive.chooses)
        return self._known[key]

    def _place(self, v: Value | float) -> int:
        if isinstance(v, Value):
            return self._places[v]
        return len(self._places) + self._constants.setdefault(repr(v), len(self._constants))


def _lean(svg: str, folds: bool) -> str:
    """A picture with its curves in whole points, and without what is not needed."""
    svg = re.sub(r'(?<= [xy]=")\d+\.\d', _whole, svg).replace('opacity="0.', 'opacity=".')
    leaner = r'<tspan></tspan>| text-anchor="end"|\.0(?=")| class="what"| plain(?=")'
    svg = re.sub(leaner, "", svg)
    style, end, rest = svg.partition("</style>")
    style = SPACE.sub(r"\1", style).replace(".node .what", WORDS)
    svg = f"{style}{NUMBERS}{end}{rest}"
    if not folds:
        svg = re.sub(r' data-(from|to)="[^"]*"', "", svg)
    svg = re.sub(r'(?<=<path d=")[^"]*', lambda d: re.sub(r"-?\d+\.\d", _whole, d[0]), svg)
    return re.sub(r'(?<= d=")[^"]*z', lambda d: re.sub(r"\.0(?=[ lz])| (?=-)", "", d[0]), svg)


def _whole(found: re.Match[str]) -> str:
    return f"{float(found[0]):.0f}"


def _recorded_anew(order: list[Value]) -> dict[Value, Value]:
    """The graph once more, at the numbers that its leaves have now."""
    fresh: dict[Any, Any] = {}

    def new(x: Any) -> Any:
        if type(x) is tuple:
            return tuple(map(new, x))
        return fresh[x] if isinstance(x, Value) else x

    for v in order:
        if v.primitive is None:
            fresh[v] = Value(v.data)
        else:
            fresh[v] = apply(v.primitive, *map(new, v.arguments))
        fresh[v].label = v.label
    return fresh


def _json(x: float) -> float | str:
    """A number for JSON, which has no infinities and no nan: JavaScript's names for them."""
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
