"""The picture of a computation graph, with values and gradients in it.

`Dot` builds the text with the `graphviz` package, and `lay_out` makes the picture of it.
Importing this room gives `Value` its picture in Jupyter.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import Any

from ..files import ending, write_whole
from ..value import Value, real, topological_order
from ..vectors import are_values
from .arrange import Arrangement, arranged, plan_of
from .boxes import INSTEAD
from .dot import DARK, Dot, resolution
from .frames import Stepper
from .layout import advice, lay_out, layout_tool
from .live import Live
from .notation import digits, for_output, formula, names_of
from .player import Framed, Player
from .steps import Step

READABLE, DRAWABLE = 80, 2000  # nodes: up to where a picture helps, and where it can be made
FORMATS = ("svg", "png", "pdf")


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


class Drawing(Framed):
    """A picture of a graph, as made by `draw`.

    In Jupyter it is a page, and where none is let through an image. Exports that are sanitised take
    pages apart, with all images in them, and have to be told to prefer the image:
    ``jupyter nbconvert --to html --sanitize-html
    --NbConvertBase.display_data_priority='["image/png", "text/html", "text/plain"]'``.

    Attributes:
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
        stops: set[Any] = {None}
        with suppress(TypeError):
            stops = set(stop)
        if not are_values(stops):
            raise TypeError(f"stop must hold nodes of the graph, in a list, got {stop!r}")
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
        self._grads = {v: v.grad for v in nodes}
        self._plan = plan_of(nodes, cut, names, self._grads, {})
        self._dot = Dot(nodes, cut, step, self._plan)

    @cached_property
    def source(self) -> str:
        """The picture in Graphviz's DOT language."""
        return self._dot.source(self._arrangement if self._plan.is_large else None)

    @cached_property
    def _arrangement(self) -> Arrangement:
        return arranged(self._plan, lay_out)

    def __repr__(self) -> str:
        table = _table(self._rows)
        return table if layout_tool() else f"{table}\n{advice()}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        makers: dict[str, Callable[[], str]] = {"text/html": lambda: self._page().fragment()}
        if self.size <= READABLE:  # for where pages are not let through
            makers["image/svg+xml"] = lambda: self.render("svg").decode()
            makers["image/png"] = lambda: base64.b64encode(self.render("png")).decode()
        bundle = {"text/plain": repr(self)}
        for kind, make in makers.items():
            if kind not in (exclude or ()) and (include is None or kind in include):
                # A display never raises; and a picture may be too large for a PNG.
                with suppress(RuntimeError, UnicodeDecodeError, ValueError):
                    bundle[kind] = make()
        return bundle

    def _page(self) -> Player:
        return Stepper(*self._graph, lay_out, self._grads, self._arrangement).still(self._step)

    def render(self, format: str = "svg") -> bytes:
        """The laid out picture: "svg", "png" or "pdf".

        Raises:
            ValueError: another format, or a picture that would have too many pixels as PNG.
            RuntimeError: nothing that can lay it out is installed, or it failed.
        """
        if format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
        dpi = resolution(self._arrangement.size) if format == "png" else None
        picture = lay_out(self._dot.source(self._arrangement, dpi), format)
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
            TypeError: ``path`` is no path.
            ValueError: the name ends in something else, or the picture would have too many pixels
                as .png.
            RuntimeError: nothing that can lay it out is installed (never for .dot).
        """
        suffix = ending(path).removeprefix(".")
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


def _value_bundle(self: Value, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """The display of a Value in Jupyter: its graph, where that can be read, else its repr."""
    bundle = {"text/plain": repr(self)}
    if len(topological_order(self)) <= 4 * READABLE:
        picture = Drawing(self)._repr_mimebundle_(include, exclude)
        bundle.update({k: v for k, v in picture.items() if k != "text/plain"})
        if len(bundle) == 1:
            bundle["text/plain"] = f"{self!r}\n\n{picture['text/plain']}"
    return bundle


Value._repr_mimebundle_ = _value_bundle  # type: ignore[attr-defined]
Value._mime_ = Framed._mime_  # type: ignore[attr-defined]
