"""The film of a network that learns: the picture of `draw` over the updates of a training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from autograd.show.colours import document
from autograd.show.notation import ELLIPSIS, digits, shortened
from autograd.show.player import Frame, Player, differences

from ..arrays import check_whole
from ..model.network import MLP
from ..train.history import Epoch
from .neurons import STYLE, Picture, Scale, Snapshot, State, check_mlp, snapshot, target_text

FRAMES = 200  # the most there may be
CURVE = f"""{STYLE}
.curve {{ fill: none; stroke: var(--plus); stroke-width: 1.6; }}
.axis {{ fill: none; stroke: var(--line); stroke-width: 1; }}
.mark {{ fill: var(--on); stroke: var(--paper); stroke-width: 1.5; }}
"""


Shot = tuple[str, int, Snapshot]  # a title, how many updates there had been, and the numbers


class Film:
    """A callback of `fit` that films how values, error signals and weights of one example change.

    After the training it shows itself in Jupyter, with the loss curve beside the network and a mark
    that moves along it; ``.save("film.html")`` writes a page.

    Args:
        net: the network that is trained.
        x: the example, ``(d_0,)``.
        y: its target.
        every: a frame after every so many updates; the first one shows the start, the last one the
            end. Where it is not known how many updates there will be, it is doubled, and every
            second frame left out, whenever there are more than 200.

    Raises:
        TypeError: ``net`` is no `MLP`.
        ValueError: ``every`` is not a positive whole number; or, before the training starts, there
            would be more than 200 frames, or ``x`` or ``y`` does not fit.

    >>> import numpy as np
    >>> from nn import bernoulli_nll, fit
    >>> net = MLP(2, [3, 1], rng=np.random.default_rng(0))
    >>> film = Film(net, [0.0, 1.0], 1, every=5)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> history = fit(net, bernoulli_nll, X, y, epochs=10, batch_size=4, lr=0.5, progress=False,
    ...               rng=np.random.default_rng(1), callbacks=[film])
    >>> len(film)                                   # at updates 0, 5 and 10
    3
    """

    def __init__(self, net: MLP, x: Sequence[float], y: Any, every: int = 10) -> None:
        check_mlp(net)
        check_whole("every", every)
        self.net, self.x, self.y, self.every = net, x, y, int(every)
        self._picture = Picture(net, "Hover over a line for its numbers at the end.")
        self._taken: list[Shot] = []
        self._end: Shot | None = None
        self._losses: list[float] = []
        self._updates = range(1, 1)  # their numbers

    @property
    def looks_every(self) -> int:
        """After how many updates `fit` shows it the network: see there."""
        return self.every

    def begin(self, net: Any, loss: Callable[[Any, Any], Any], updates: range) -> None:
        """The first frame, and a check that there won't be too many."""
        if net is not self.net:
            raise ValueError("this Film was made for another network than the one to be trained")
        frames = _frames(updates, self.every)
        if frames > FRAMES:
            raise ValueError(
                f"every={self.every} would make {frames:,} frames of {len(updates):,} updates, and "
                f"{FRAMES} is the most: give every={every_for(updates)} or more"
            )
        start = self._snapshot(loss)
        self._loss, self._losses, self._updates = loss, [], updates
        self._taken = [(f"Start: before update {updates.start}.", 0, start)]
        self._end = None

    def __call__(self, epoch: int, update: int, loss: float, net: Any) -> None:
        """A frame, if it is time."""
        self._losses.append(loss)
        self._end = None  # of an epoch that was not the last
        if update % self.every == 0 or update == self._updates.stop - 1:
            self._taken.append(self._shot(epoch, update))
        if len(self._taken) > FRAMES + 1:  # how many updates there are was not known
            self.every *= 2
            first = self._updates.start - 1
            self._taken[1:] = [s for s in self._taken[1:] if (first + s[1]) % self.every == 0]

    def end_epoch(self, row: Epoch, net: Any) -> None:
        """A frame in case that this was the last epoch."""
        is_taken = self._taken[-1][1] == len(self._losses)
        self._end = None if is_taken else self._shot(row.epoch, row.updates)

    def _shot(self, epoch: int, update: int) -> Shot:
        loss = digits(self._losses[-1])
        title = f"Update {update}, epoch {epoch}: loss {loss}, the mean of the batch."
        return title, len(self._losses), self._snapshot(self._loss)

    @property
    def _shots(self) -> list[Shot]:
        """What there is of the film, to the end."""
        return self._taken if self._end is None else [*self._taken, self._end]

    def _snapshot(self, loss: Callable[[Any, Any], Any]) -> Snapshot:
        """The numbers of the example now, as far as they are in the picture."""
        return snapshot(self.net, self.x, self.y, loss).between(self._picture.shown)

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self._shots)

    def __repr__(self) -> str:
        if not self._shots:
            return f"Film of no frames yet: give it to fit(..., callbacks=[film]); {self.net!r}"
        return repr(self.player())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if not self._shots:
            return {"text/plain": repr(self)}
        return self.player()._repr_mimebundle_()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the film as a page that works from a file: whole or not at all.

        Raises:
            ValueError: the name does not end in .html, or there is no frame yet.
            OSError: the file can't be written.
        """
        self.player().save(path)

    def player(self) -> Player:
        """The film as a player.

        Raises:
            ValueError: there is no frame yet.
        """
        if not self._shots:
            raise ValueError("the film has no frames yet: give it to fit(..., callbacks=[film])")
        picture = self._picture
        curve = _Curve(self._losses, self._updates.start, picture.size)
        scale = Scale.of([shot for *_, shot in self._shots])
        L = len(self.net.layers)
        frames, before = [], State()
        for title, updates, shot in self._shots:
            state = picture.state(shot, scale, forward=L, backward=1)
            state.update(curve.state(updates))
            outputs = [f"a{L}[{j}] = {digits(v)}" for j, v in enumerate(shot.x[L])]
            lines = [
                f"This example, target y = {target_text(self.y)}: loss {digits(shot.loss)}",
                ", ".join(shortened(outputs)),
            ]
            frames.append(Frame(title, lines, [], differences(before, state)))
            before = state
        last = self._shots[-1][-1]
        width, height = picture.size
        body = picture.body(before, last) + curve.body(before)
        svg = document(width + curve.width, max(height, curve.height), CURVE, body)
        text = [f"{i}. {frame.title} {frame.lines[0]}" for i, frame in enumerate(frames)]
        if len(text) > 20:
            text[10:-10] = [ELLIPSIS]
        title = f"{self.net!r} over {len(self._losses):,} updates"
        return Player(svg, frames, {}, title, "\n".join(text), word="frame", interval=150)


def every_for(updates: range, most: int = FRAMES) -> int:
    """The smallest ``every`` with which a `Film` of these updates has at most so many frames."""
    return next(k for k in count(len(updates) // most + 1) if _frames(updates, k) <= most)


def _frames(updates: range, every: int) -> int:
    """How many frames a film of these updates has, those of the start and the end included."""
    multiples = (updates.stop - 1) // every - (updates.start - 1) // every
    return 1 + multiples + (len(updates) > 0 and updates[-1] % every != 0)


class _Curve:
    """The losses of the batches against the updates, with a mark, right of a picture."""

    width, height = 360, 300
    left, top, right, bottom = 70, 50, 340, 240  # of the axes

    def __init__(self, losses: list[float], first: int, beside: tuple[float, float]) -> None:
        self.losses, self.first, self.x0 = losses, first, beside[0]
        self.most = max(losses, default=0.0) or 1.0

    def _at(self, update: int) -> tuple[float, float]:
        """Where the loss of an update stands; before all of them, that of the first."""
        n = max(len(self.losses) - 1, 1)
        loss = self.losses[max(update - 1, 0)] if self.losses else 0.0
        x = self.left + (self.right - self.left) * max(update - 1, 0) / n
        return self.x0 + x, self.bottom - (self.bottom - self.top) * loss / self.most

    def state(self, update: int) -> State:
        """The mark at an update."""
        x, y = self._at(update)
        return {("mark", "cx"): f"{x:.1f}", ("mark", "cy"): f"{y:.1f}"}

    def _points(self) -> Iterator[tuple[float, float]]:
        """The curve; of many updates the largest and the smallest loss in each pixel's width."""
        n = len(self.losses)
        per = max(1, n // (self.right - self.left))
        for start in range(0, n, per):
            some = range(start, min(start + per, n))
            ends = {min(some, key=self.losses.__getitem__), max(some, key=self.losses.__getitem__)}
            yield from (self._at(i + 1) for i in sorted(ends))

    def body(self, state: State) -> str:
        """The axes, the curve, and the mark."""
        x0, mid = self.x0, self.x0 + (self.left + self.right) / 2
        axes = f"M{x0 + self.left:.0f} {self.top}V{self.bottom}H{x0 + self.right:.0f}"
        parts = [f'<path class="axis" d="{axes}"/>']
        for x, y, text in (
            (mid, self.top - 14, "loss of the batches (their mean)"),
            (mid, self.bottom + 34, "update t"),
            (x0 + self.left, self.bottom + 16, f"{self.first}"),
            (x0 + self.right, self.bottom + 16, f"{self.first + max(len(self.losses), 1) - 1}"),
            (x0 + self.left - 26, self.bottom + 4, "0"),
            (x0 + self.left - 26, self.top + 4, digits(float(f"{self.most:.3g}"))),
        ):
            parts.append(f'<text class="note" x="{x:.0f}" y="{y:.0f}">{text}</text>')
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in self._points())
        at = f'cx="{state["mark", "cx"]}" cy="{state["mark", "cy"]}"'
        parts.append(f'<polyline class="curve" points="{points}"/>')
        parts.append(f'<circle id="mark" class="mark" r="5" {at}/>')
        return "".join(parts)
