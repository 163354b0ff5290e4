"""Walks over a loss surface, update by update, side by side: how noise of the batches looks."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd.show.colours import PAINT, document
from autograd.show.notation import digits
from autograd.show.player import Frame, Player, differences

from ..arrays import Array, check_whole, real_array
from .film import FRAMES, dense_at_first
from .neurons import State
from .rasters import LIGHT, between, png

SIDE, LEFT, TOP, APART = 240, 50, 54, 26  # of a panel, and between two
CELLS, SHADES, DEEP = 64, 12, (150, 165, 185)
STYLE = f"""{PAINT}
.head {{ font-size: 13px; font-weight: bold; text-anchor: middle; }}
.note {{ font-size: 11px; fill: var(--soft); text-anchor: middle; }}
.way {{ fill: none; stroke: var(--on); stroke-width: 1.6; stroke-linejoin: round; }}
.here {{ fill: var(--on); stroke: #ffffff; stroke-width: 1.5; }}
.start {{ fill: none; stroke: #1c1c1c; stroke-width: 1.5; }}
.edge {{ fill: none; stroke: var(--edge); }}
"""


def walks(
    loss: Callable[[Array, Array], Any],
    runs: Mapping[str, ArrayLike],
    low: tuple[float, float],
    high: tuple[float, float],
    *,
    batch_sizes: Mapping[str, Sequence[int]] | None = None,
    names: tuple[str, str] = ("theta[0]", "theta[1]"),
    frames: int = FRAMES,
) -> Player:
    """The ways of two parameters over their loss, side by side and update by update.

    Early updates are shown one by one, later ones in larger and larger steps. A run that is over
    stays where it ended.

    Args:
        loss: the loss of two arrays of parameters, of the same shape.
        runs: by name, the parameters before the first update and after each, ``(updates + 1, 2)``.
        low: the smallest parameters on the surface.
        high: the largest.
        batch_sizes: by name, the batch size of each update, ``(updates,)``, to be shown.
        names: of the two parameters.
        frames: the most frames, 200 or fewer.

    Returns:
        A page that shows itself in Jupyter, and has ``.save("walks.html")``.

    Raises:
        TypeError: ``loss`` is no function, ``runs`` or ``batch_sizes`` is no dict by name, or
            ``names`` holds no texts.
        ValueError: there is no run, one has another shape, no finite numbers, or more or fewer
            batch sizes than updates, or sizes of a run that there is not; ``low`` is not below
            ``high``; ``names`` are not two; ``frames`` is no positive whole number; or the loss is
            nowhere finite, or fails for arrays.

    >>> way = [(0.0, 1.0), (0.4, 0.6), (0.8, 0.0)]             # at the start, after two updates
    >>> len(walks(lambda u, v: (u - 1) ** 2 + v**2, {"b = 1": way}, (-1, -1), (2, 2)).frames)
    3
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of two parameters, got {loss!r}")
    for name, given in (("runs", runs), ("batch_sizes", batch_sizes or {})):
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            raise TypeError(
                f'{name} must be a dict with a text for each run, as {{"b = 1": ...}}, got '
                f"{type(given).__name__}{list(given) if isinstance(given, Mapping) else ''}"
            )
    if isinstance(names, str) or not isinstance(names, Sequence) or len(names) != 2:
        raise ValueError(f"names must be two texts, one for each parameter, got {names!r}")
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"names must be two texts, one for each parameter, got {names!r}")
    check_whole("frames", frames)
    ends = real_array(low, "low"), real_array(high, "high")
    if (
        any(end.shape != (2,) or not np.isfinite(end).all() for end in ends)
        or not (ends[0] < ends[1]).all()
    ):
        raise ValueError(
            "low must be below high in both parameters, two finite numbers each, got "
            f"{low!r} and {high!r}"
        )
    ways = {name: real_array(way, f"runs[{name!r}]") for name, way in runs.items()}
    if not ways:
        raise ValueError("runs must hold at least one run, got none")
    for name in batch_sizes or {}:
        if name not in ways:
            raise ValueError(f"batch_sizes[{name!r}] is of no run: there are {list(ways)}")
    for name, way in ways.items():
        if way.ndim != 2 or way.shape[1] != 2 or len(way) == 0 or not np.isfinite(way).all():
            raise ValueError(
                f"runs[{name!r}] must hold finite numbers, two after each update, shape "
                f"(updates + 1, 2), got shape {way.shape}"
            )
        if batch_sizes and name in batch_sizes:
            what = f"batch_sizes[{name!r}]"
            sizes = real_array(batch_sizes[name], what)
            if sizes.shape != (len(way) - 1,):
                got = len(sizes) if sizes.ndim == 1 else f"shape {sizes.shape}"
                raise ValueError(
                    f"{what} must hold one number for each of {len(way) - 1} updates, got {got}"
                )
            if not (np.isfinite(sizes) & (sizes >= 1) & (sizes == np.floor(sizes))).all():
                raise ValueError(f"{what} must hold positive whole numbers, got {sizes.tolist()}")
    return _Walks(loss, ways, *ends, batch_sizes or {}, names, min(int(frames), FRAMES)).player()


class _Walks:
    def __init__(
        self,
        loss: Callable[[Array, Array], Any],
        ways: Mapping[str, Array],
        low: Array,
        high: Array,
        sizes: Mapping[str, Sequence[int]],
        names: tuple[str, str],
        frames: int,
    ) -> None:
        self.loss, self.ways, self.low, self.high = loss, ways, low, high
        self.sizes, self.names = sizes, names
        last = max(len(way) for way in ways.values()) - 1
        self.times = dense_at_first(last + 1, frames)
        self.spots = {name: self._spots(way) for name, way in ways.items()}

    def _spots(self, way: Array) -> Array:
        """A way in the panel, in points; what leaves the surface goes along its edge."""
        share = np.clip((way - self.low) / (self.high - self.low), 0.0, 1.0)
        spots: Array = SIDE * np.stack([share[:, 0], 1 - share[:, 1]], axis=1)
        return spots

    def _loss(self, *theta: Any) -> Array:
        with np.errstate(all="ignore"):  # far away it may be infinite
            return np.asarray(self.loss(*theta), dtype=float)

    def _surface(self) -> str:
        """The loss by shades: the lighter the lower, on a scale that shows the bottom."""
        across, up = (np.linspace(a, b, CELLS) for a, b in zip(self.low, self.high))
        try:
            values = self._loss(*np.meshgrid(across, up[::-1]))
        except Exception as error:
            raise ValueError(
                "loss must take two arrays of parameters and give the losses in one of their shape,"
                f" but failed for two of shape {(CELLS, CELLS)}: {error!r}"
            ) from error
        finite = np.isfinite(values)
        if values.shape != (CELLS, CELLS) or not finite.any():
            raise ValueError(
                "loss must give a finite number for each pair of parameters in two arrays, got "
                f"shape {values.shape} for two of shape {(CELLS, CELLS)}"
            )
        least, most = values[finite].min(), values[finite].max()
        share = np.sqrt(np.where(finite, values - least, most - least) / ((most - least) or 1.0))
        return png(np.floor(share * (SHADES - 0.01)), between(LIGHT, DEEP, SHADES))

    def player(self) -> Player:
        last = self.times[-1]
        lengths = {
            name: np.concatenate([[0], np.cumsum(np.hypot(*np.diff(spots, axis=0).T))])
            for name, spots in self.spots.items()
        }
        surface = self._surface()  # which fails where the loss does not fit
        frames, before = [], State()
        for t in self.times:
            state, lines = State(), []
            for k, (name, way) in enumerate(self.ways.items()):
                at = min(t, len(way) - 1)
                x, y = self.spots[name][at].tolist()
                state |= {
                    (f"w{k}", "stroke-dasharray"): f"{lengths[name][at]:.1f} 1000000",
                    (f"h{k}", "cx"): f"{x:.1f}",
                    (f"h{k}", "cy"): f"{y:.1f}",
                }
                sizes = self.sizes.get(name)
                note = "" if sizes is None or not at else f"update {at}: b = {sizes[at - 1]}"
                if at < t:
                    note = f"over after update {at}"
                state[f"b{k}", "text"] = note
                value = float(self._loss(*way[at]))
                where = ", ".join(f"{n} = {digits(v)}" for n, v in zip(self.names, way[at]))
                lines.append(f"{name}: {where}, loss {digits(value)}")
            title = f"After update {t}." if t else "The start."
            frames.append(Frame(title, lines, [], differences(before, state)))
            before = state
        body = []
        for k, name in enumerate(self.ways):
            x0, mid = LEFT + k * (SIDE + APART), SIDE / 2
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in self.spots[name].tolist())
            sx, sy = self.spots[name][0].tolist()
            ends = [digits(float(f"{v:.3g}")) for v in (*self.low, *self.high)]
            body.append(
                f'<g transform="translate({x0} {TOP})"><image href="{surface}" width="{SIDE}"'
                f' height="{SIDE}" preserveAspectRatio="none"/>'
                f'<rect class="edge" width="{SIDE}" height="{SIDE}"/>'
                f'<text class="head" x="{mid}" y="-28">{html.escape(name)}</text>'
                f'<text class="note" id="b{k}" x="{mid}" y="-10">{before[f"b{k}", "text"]}</text>'
                f'<polyline class="way" id="w{k}" points="{points}"/>'
                f'<circle class="start" cx="{sx:.1f}" cy="{sy:.1f}" r="5"/>'
                f'<circle class="here" id="h{k}" r="5" cx="{before[f"h{k}", "cx"]}"'
                f' cy="{before[f"h{k}", "cy"]}"/>'
                f'<text class="note" x="8" y="{SIDE + 16}">{ends[0]}</text>'
                f'<text class="note" x="{SIDE - 8}" y="{SIDE + 16}">{ends[2]}</text>'
                f'<text class="note" x="{mid}" y="{SIDE + 16}">{html.escape(self.names[0])}</text>'
                + (
                    f'<text class="note" x="-22" y="{SIDE}">{ends[1]}</text>'
                    f'<text class="note" x="-22" y="10">{ends[3]}</text>'
                    f'<text class="note" x="-24" y="{mid}">{html.escape(self.names[1])}</text>'
                    if k == 0
                    else ""
                )
                + "</g>"
            )
        width = LEFT + len(self.ways) * (SIDE + APART)
        legend = "Lighter: a lower loss. Ring: the start; dot: where it is now."
        body.append(f'<text class="note" style="text-anchor: start" x="{LEFT}" y="'
                    f'{TOP + SIDE + 42}">{legend}</text>')  # fmt: skip
        svg = document(width, TOP + SIDE + 56, STYLE, "".join(body))
        title = f"Ways over a loss surface: {', '.join(self.ways)}, {last:,} updates"
        text = [f"{title}"]
        for name, way in self.ways.items():
            value = float(self._loss(*way[-1]))
            text.append(f"{name}: {len(way) - 1} updates, loss {digits(value)} at the end")
        return Player(svg, frames, {}, title, "\n".join(text), word="update", interval=150)
