"""The film of a network that learns: the picture of `draw` over the updates of a training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy.typing as npt

from autograd.show.colours import document
from autograd.show.notation import ELLIPSIS, digits, shortened
from autograd.show.player import Frame, Framed, Player, differences

from ..arrays import check_whole
from ..model.network import MLP
from ..train.history import Epoch
from .beside import Curve, Region
from .neurons import STYLE, Picture, State
from .snapshots import Scale, Snapshot, check_mlp, snapshot, target_text

FRAMES = 200  # the most there may be
CURVE = f"""{STYLE}
.curve {{ fill: none; stroke: var(--plus); stroke-width: 1.6; }}
.axis {{ fill: none; stroke: var(--edge); stroke-width: 1; }}
.point {{ stroke: #333; stroke-width: 0.5; }}
.here {{ fill: none; stroke: var(--on); stroke-width: 2.5; }}
.mark {{ fill: var(--on); stroke: var(--paper); stroke-width: 1.5; }}
"""


# A title, how many updates there had been, the numbers, and the decision region or "".
Shot = tuple[str, int, Snapshot, str]


class Film(Framed):
    """A callback of `fit` that films how values, error signals and weights of one example change.

    After the training it shows itself in Jupyter, with the loss curve beside the network and a mark
    that moves along it; ``.save("film.html")`` writes a page.

    Args:
        net: the network that is trained.
        x: the example, ``(d_0,)``.
        y: its target.
        every: a frame after every so many updates; the first one shows the start, the last one the
            end. If it is not given, frames are dense at first, where most happens, and further
            apart later, like the squares 1, 4, 9, ... Where it is not known how many updates there
            will be, it is doubled, and every second frame left out, whenever there are too many.
        frames: the most frames, 200 or fewer.
        data: for a network of two inputs, examples and targets to draw on its decision region,
            ``(n, 2)`` and ``(n,)``; the region is shown without them too.
        picture: rows and columns of pixels, dark for large, to be shown before the input: for a
            network that is given pictures, this one.

    Raises:
        TypeError: ``net`` is no `MLP`.
        ValueError: ``every`` or ``frames`` is not a positive whole number, or ``picture`` is no
            picture; or, before the training starts, there would be too many frames, or ``x``,
            ``y`` or ``data`` does not fit.

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

    def __init__(
        self,
        net: MLP,
        x: Sequence[float],
        y: Any,
        every: int | None = None,
        *,
        frames: int = FRAMES,
        data: tuple[Any, Any] | None = None,
        picture: npt.ArrayLike | None = None,
    ) -> None:
        check_mlp(net)
        check_whole("frames", frames)
        if every is not None:
            check_whole("every", every)
        d = len(net.layers[0].neurons[0].w)
        if data is not None and d != 2:
            raise ValueError(f"data is for a network of two inputs, this one has {d}")
        self.net, self.x, self.y = net, x, y
        self.every, self._most = every or 1, min(int(frames), FRAMES)
        self._dense: set[int] | None = set() if every is None else None
        self._is_flat, self._data = d == 2, data
        self._region: Region | None = None
        hint = "Click a circle or a line for its numbers at the end."
        self._picture = Picture(net, hint, picture)
        self._taken: list[Shot] = []
        self._end: Shot | None = None
        self._losses: list[float] = []
        self._updates = range(1, 1)  # their numbers

    def looks_at(self, update: int) -> bool:
        """Whether there is a frame after this update, so that `fit` has to show it the network."""
        return update in self._dense if self._dense else update % self.every == 0

    def begin(self, net: Any, loss: Callable[[Any, Any], Any], updates: range) -> None:
        """The first frame, and a check that there won't be too many."""
        if net is not self.net:
            raise ValueError("this Film was made for another network than the one to be trained")
        if self._dense is not None:
            self._dense = {updates[i] for i in dense_at_first(len(updates), self._most - 1)}
        elif _frames(updates, self.every) > self._most:
            frames = _frames(updates, self.every)
            raise ValueError(
                f"every={self.every} would make {frames:,} frames of {len(updates):,} updates, and "
                f"{self._most} is the most: give every={every_for(updates, self._most)} or more, "
                "or no every"
            )
        first = self._snapshot(loss)
        self._region = Region(net, self.x, self._data) if self._is_flat else None
        start = first, self._look()
        self._loss, self._losses, self._updates = loss, [], updates
        self._taken = [(f"Start: before update {updates.start}.", 0, *start)]
        self._end = None

    def __call__(self, epoch: int, update: int, loss: float, net: Any) -> None:
        """A frame, if it is time."""
        self._losses.append(loss)
        self._end = None  # of an epoch that was not the last
        if self.looks_at(update) or update == self._updates.stop - 1:
            self._taken.append(self._shot(epoch, update))
        if len(self._taken) > self._most + 1:  # how many updates there are was not known
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
        return title, len(self._losses), self._snapshot(self._loss), self._look()

    def _look(self) -> str:
        return self._region.look() if self._region is not None else ""

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
        picture.explain([shot for _, _, shot, _ in self._shots])
        curve = Curve(self._losses, self._updates.start, picture.size)
        scale = Scale.of([shot for _, _, shot, _ in self._shots])
        L = len(self.net.layers)
        frames, before = [], State()
        for title, updates, shot, region in self._shots:
            state = picture.state(shot, scale, forward=L, backward=1)
            state.update(curve.state(updates))
            if region:
                state["region", "href"] = region
            outputs = [f"a{L}[{j}] = {digits(v)}" for j, v in enumerate(shot.x[L])]
            lines = [
                f"This example, target y = {target_text(self.y)}: loss {digits(shot.loss)}",
                ", ".join(shortened(outputs)),
            ]
            frames.append(Frame(title, lines, [], differences(before, state)))
            before = state
        _, _, last, region = self._shots[-1]
        width, height = picture.size[0] + curve.width, max(picture.size[1], curve.height)
        body = picture.body(before, last) + curve.body(before)
        if self._region is not None:
            # Below the curve, if the network is as high as that; else right of it.
            below = picture.size[1] >= 0.9 * (curve.height + self._region.height)
            at = (picture.size[0], curve.height) if below else (width, 0)
            body += self._region.body(region, at)
            width = max(width, at[0] + self._region.width)
            height = max(height, at[1] + self._region.height)
        svg = document(width, height, CURVE, body)
        text = [f"{i}. {frame.title} {frame.lines[0]}" for i, frame in enumerate(frames)]
        if len(text) > 20:
            text[10:-10] = [ELLIPSIS]
        title = f"{self.net!r} over {len(self._losses):,} updates"
        details = {
            name: [f"At the end: {first}", *more]
            for name, (first, *more) in picture.details(last).items()
        }
        return Player(
            svg, frames, details, title, "\n".join(text), word="frame", interval=150,
            groups=picture.groups,
        )  # fmt: skip


def dense_at_first(n: int, most: int) -> list[int]:
    """At most so many of 0, ..., n - 1, the last included, close together at first: at squares."""
    if n <= most:
        return list(range(n))
    if most == 1:
        return [n - 1]
    return sorted({round((n - 1) * (k / (most - 1)) ** 2) for k in range(most)})


def every_for(updates: range, most: int = FRAMES) -> int:
    """The smallest ``every`` with which a `Film` of these updates has at most so many frames."""
    return next(k for k in count(len(updates) // most + 1) if _frames(updates, k) <= most)


def _frames(updates: range, every: int) -> int:
    """How many frames a film of these updates has, those of the start and the end included."""
    multiples = (updates.stop - 1) // every - (updates.start - 1) // every
    return 1 + multiples + (len(updates) > 0 and updates[-1] % every != 0)
