"""The recorded graph of one example: drawn while a network learns, or as much as can be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograd import Drawing, Value, draw, topological_order
from autograd.show.graph import READABLE

from ..arrays import check_whole
from ..model.likelihoods import Loss
from ..model.module import Module, own_gradients
from ..model.network import MLP


class DrawGraph:
    """A callback for `fit`: draws the recorded graph of one example while the network learns.

    In Jupyter the picture changes in place; elsewhere it is written to numbered files,
    ``graph-000100.svg`` and so on.

    Args:
        x: the example, ``(d_0,)``.
        y: its target.
        every: draw after every so many updates.
        folder: where the files go; made if it is not there.

    Raises:
        ValueError: ``every`` is not a positive whole number; or, before training starts, the
            graph is too large to draw.
        RuntimeError: outside Jupyter, before training starts, nothing can lay out the graph.
    """

    def __init__(
        self, x: Sequence[float], y: Any, every: int = 100, folder: str | os.PathLike[str] = "."
    ) -> None:
        check_whole("every", every)
        self.x, self.y, self.every, self.folder = x, y, int(every), Path(folder)
        self._display: Any = None

    @property
    def looks_every(self) -> int:
        """After how many updates `fit` shows it the network: see there."""
        return self.every

    def begin(self, net: Module, loss: Loss, updates: range) -> None:
        """Remember the loss function, and make sure that drawing will work."""
        self._loss, self._display = loss, None
        drawing = self._draw(net)
        if not _in_notebook():
            drawing.render()
            self.folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, epoch: int, update: int, loss: float, net: Module) -> None:
        """Draw, if it is time."""
        if update % self.every:
            return
        drawing = self._draw(net)
        if _in_notebook():
            from IPython.display import display

            if self._display is None:
                self._display = display(drawing, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self._display.update(drawing)
        else:
            drawing.save(self.folder / f"graph-{update:06d}.svg")

    def _draw(self, net: Module) -> Drawing:
        with recorded_example(net, self._loss, self.x, self.y) as root:
            return draw(root)


@contextmanager
def recorded_example(net: Module, loss: Loss, x: Sequence[Any], y: Any) -> Iterator[Value]:
    """The loss of one example with its gradients filled in, to be looked at.

    The parameters' gradients are those of this example inside the ``with``, and afterwards what
    they were before.
    """
    with own_gradients(net):
        # As Values, inputs are one labelled box each, however many neurons use them.
        root = loss(net([v if isinstance(v, Value) else Value(v) for v in x]), y)
        root.backward()
        yield root


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:
        return False
    return hasattr(get_ipython(), "kernel")


def small_drawing(net: MLP, loss: Loss, x: Any, y: Any) -> tuple[Drawing, str]:
    """One example's graph with its gradients, or as much of its end as can be read."""
    last = len(net.layers)
    with recorded_example(net, loss, x, y) as root:
        nodes = topological_order(root)
        top = [v for v in nodes if v.label.startswith(f"a{last}[")]
        below = [v for v in nodes if v.label.startswith(f"x{last - 1}[")]
        drawing, what = draw(root, stop=top), "the outputs and the loss"
        for stop, more in (below, "the last layer and the loss"), ([], "the whole graph"):
            try:
                drawing, what = draw(root, stop=stop, limit=READABLE), more
            except ValueError:  # too large
                break
    return drawing, f"{what} of one example"
