"""The picture of a network's neurons, for any numbers in it: one state of it for each snapshot."""

import html
import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import product

import numpy.typing as npt

from autograd.show.colours import PAINT, fill
from autograd.show.notation import TIMES, digits, shortened

from ..model.activations import ACTIVATIONS
from ..model.network import MLP
from .rasters import check_picture, gray
from .snapshots import Scale, Snapshot

SHOWN = 40  # circles in a layer; a wider one is shown without its middle
ROOMY = 12  # circles in a layer that have room for numbers, whatever the other layers
LARGE, SMALL, LEAST = 36, 9, 30  # radii: the largest, the smallest, and from where numbers go in

State = dict[tuple[str, str], str]  # of a picture: by element id and attribute

STYLE = f"""{PAINT}
.back {{ fill: var(--paper); }}
.neuron text {{ font-size: 10px; text-anchor: middle; }}
.ring {{ fill: none; stroke: var(--ink); stroke-width: 1.2; }}
.off .ring {{ stroke-dasharray: 3 3; stroke: var(--soft); }}
.cross {{ visibility: hidden; stroke: var(--soft); stroke-width: 1; opacity: 0.45; }}
.off .cross {{ visibility: visible; }}
.neuron[data-on] .ring, .neuron[data-picked] .ring, .neuron:focus .ring {{ stroke: var(--on);
  stroke-width: 3; }}
.w {{ fill: none; stroke-opacity: 0.55; }}
.w.plus {{ stroke: var(--plus); }} .w.minus {{ stroke: var(--minus); }}
.w.odd {{ stroke: var(--odd); }} .w.none {{ stroke: var(--edge); }}
.w[data-on] {{ stroke-opacity: 1; }}
.pixels {{ image-rendering: pixelated; outline: 1px solid var(--edge); }}
.head {{ font-size: 12px; font-weight: bold; text-anchor: middle; }}
.note {{ font-size: 11px; fill: var(--soft); text-anchor: middle; stroke: var(--paper);
  stroke-width: 4px; paint-order: stroke; }}
.legend {{ font-size: 11px; fill: var(--soft); }}
"""
HIGH = ROOMY * (2 * LARGE + 10)  # as high may any layer be
FILLED = "Circle: filled by its error signal \N{GREEK CAPITAL LETTER DELTA} (Delta) = dL/da"
LESS = "\N{LESS-THAN OR EQUAL TO}"
OFF = f"Dashed and crossed: a relu that is off (a {LESS} 0), so that nothing passes."
PIXELS = 130  # the longer side of an input that is a picture
LETTER, LINE = 5.4, 16  # how wide a letter of the legend is, and how high a line


class Picture:
    """The layers as columns of circles, with lines between: the same for all numbers.

    Args:
        net: the network.
        hint: what the legend ends with: where more can be read.
        picture: rows and columns of pixels, to be shown on the left.

    Attributes:
        places: the centre of each circle that is shown, by layer and unit.
        shown: the units that are, by layer.
    """

    def __init__(
        self,
        net: MLP,
        hint: str,
        picture: npt.ArrayLike | None = None,
    ) -> None:
        widths = [len(net.layers[0].neurons[0].w), *[len(layer.neurons) for layer in net.layers]]
        rows = [ACTIVATIONS[layer.activation] for layer in net.layers]
        self.switches = [False, *[row.switches for row in rows]]
        self.heads = ["x0: the input"] + [
            f"a{l}" if row.is_identity else f"a{l}, x{l} = {row.name}(a{l})"
            for l, row in enumerate(rows, start=1)
        ]
        self.heads[-1] += ": the output"
        radii = [min(LARGE, max(SMALL, int(HIGH / min(d, SHOWN) / 2 - 5))) for d in widths]
        heights = [min(d, SHOWN) * (2 * r + (10 if r > 9 else 5)) for d, r in zip(widths, radii)]
        top, self.height = 34, max(heights)
        # Where another layer is higher, there is room for larger circles.
        self.radii = [
            int(max(r, min(LARGE, self.height / min(d, SHOWN) / 2 - 5)))
            for d, r in zip(widths, radii)
        ]
        heights = [
            max(height, min(d, SHOWN) * (2 * r + 10) if r > SMALL else 0)
            for d, r, height in zip(widths, self.radii, heights)
        ]
        self.places: dict[tuple[int, int], tuple[float, float]] = {}
        self.gaps: list[tuple[float, float, str]] = []
        self.pixels = "" if picture is None else self._image(picture)
        left = 75.0 if picture is None else 75.0 + PIXELS + 20
        self.columns = []
        gap = 190 if max(widths) <= ROOMY else 250
        for l, (d, height) in enumerate(zip(widths, heights)):
            self.columns.append(left)
            pitch = height / min(d, SHOWN)
            half = SHOWN // 2
            shown = range(d) if d <= SHOWN else [*range(half - 1), None, *range(d - half, d)]
            for slot, j in enumerate(shown):
                y = top + (self.height - height) / 2 + (slot + 0.5) * pitch
                if j is None:
                    self.gaps.append((left, y, f"\N{VERTICAL ELLIPSIS} {d - SHOWN + 1} more"))
                else:
                    self.places[l, j] = left, y
            left += gap
        self.shown = [[j for at, j in self.places if at == l] for l in range(len(widths))]
        self._wide, self._high = max(left - gap + 75, 420), top + self.height + 18
        self._hint = hint
        self.explain([])

    def explain(self, shots: Sequence[Snapshot]) -> None:
        """Make the legend: what occurs in these numbers, and nothing else."""
        layers = range(1, len(self.shown))
        weights = _signs(n.theta[l][j][i] for n in shots for l in layers for j, i in self._lines(l))
        deltas = _signs(n.delta[l][j] for n in shots for l in layers for j in self.shown[l])
        texts = [f"Line: a weight; {', '.join([*weights, 'wider for larger'])}."]
        if deltas:
            texts.append(f"{FILLED}, {'likewise' if deltas == weights else ', '.join(deltas)}.")
        if any(self._is_off(n, l, j) for n in shots for l in layers for j in self.shown[l]):
            texts.append(OFF)
        texts.append(self._hint)
        self.legend = textwrap.wrap(" ".join(texts), int((self._wide - 24) / LETTER))
        self.size = self._wide, self._high + LINE * len(self.legend)

    def _is_off(self, n: Snapshot, l: int, j: int) -> bool:
        return self.switches[l] and n.a[l][j] <= 0

    def _image(self, picture: npt.ArrayLike) -> str:
        """The input as a picture."""
        pixels = check_picture(picture)
        height, width = pixels.shape
        scale = PIXELS / max(height, width)
        top = 34 + max(0.0, (self.height - scale * height) / 2)
        middle, below = 12 + scale * width / 2, top + scale * height + 16
        return (
            f'<image class="pixels" href="{gray(pixels)}" x="12" y="{top:.0f}"'
            f' width="{scale * width:.0f}" height="{scale * height:.0f}"/>'
            f'<text class="note" x="{middle:.0f}" y="{below:.0f}">{height} {TIMES} {width} pixels'
            "</text>"
        )

    @property
    def groups(self) -> dict[str, list[str]]:
        """The layers of several circles, to be folded."""
        names = [f"layer {l}" if l else "the input" for l in range(len(self.shown))]
        return {name: self.units(l) for l, name in enumerate(names) if len(self.shown[l]) > 2}

    def details(self, n: Snapshot) -> dict[str, list[str]]:
        """For each circle its numbers, and those of the weights that lead to it."""
        details = {}
        for l, j in self.places:
            lines = [f"x{l}[{j}] = {digits(n.x[l][j])}"]
            if l:
                lines = [f"neuron {j} of layer {l}", f"a{l}[{j}] = {digits(n.a[l][j])}", *lines,
                         *[f"b{l}[{j}] = {digits(b)}" for b in n.b[l][j : j + 1]],
                         f"Delta{l}[{j}] = {digits(n.delta[l][j])}"]  # fmt: skip
                for what, matrix in ("theta", n.theta), ("dL/dtheta", n.d_theta):
                    row = [digits(matrix[l][j][i]) for i in self.shown[l - 1]]
                    lines.append(f"{what}{l}[{j},:] = {', '.join(shortened(row, most=32))}")
            details[f"u{l}_{j}"] = lines
        return details

    def units(self, l: int) -> list[str]:
        """The ids of a layer's circles."""
        return [f"u{l}_{j}" for j in self.shown[l]]

    def weights(self, l: int) -> list[str]:
        """The ids of the lines that lead to a layer."""
        return [f"w{l}_{j}_{i}" for j, i in self._lines(l)]

    def _lines(self, l: int) -> Iterator[tuple[int, int]]:
        """The weights that lead to a layer: unit j of it, unit i of the one below."""
        return product(self.shown[l], self.shown[l - 1])

    def state(self, n: Snapshot, scale: Scale, forward: int, backward: int) -> State:
        """What the numbers make of the picture.

        Values are known up to layer ``forward``, error signals down to layer ``backward``.
        """
        state: State = {}
        for l, j in self.places:
            name, known = f"u{l}_{j}", l <= forward
            off = known and self._is_off(n, l, j)
            state[name, "class"] = "neuron off" if off else "neuron"
            if l:
                delta = n.delta[l][j] if l >= backward else 0.0
                state[f"{name}f", "class"], state[f"{name}f", "fill-opacity"] = fill(
                    delta, scale.delta
                )
            if self.radii[l] >= LEAST:
                for row, text in self._rows(n, l, j, known, l >= backward):
                    state[f"{name}{row}", "text"] = text
        for l in range(1, len(n.x)):
            for j, i in self._lines(l):
                w = n.theta[l][j][i]
                paint, _ = fill(w, scale.theta[l])
                size = min(abs(w) / scale.theta[l], 1.0) if math.isfinite(w) else 1.0
                state[f"w{l}_{j}_{i}", "class"] = f"w {paint}"
                state[f"w{l}_{j}_{i}", "stroke-width"] = f"{0.3 + 3.7 * size:.1f}"
        return state

    def _rows(
        self, n: Snapshot, l: int, j: int, known: bool, passed: bool
    ) -> list[tuple[str, str]]:
        """The texts in a circle, by the letter that ends their ids."""
        rows = []
        if l:
            rows.append(("a", f"a {_short(n.a[l][j])}" if known else ""))
        if l < len(n.x) - 1:
            rows.append(("x", f"x {_short(n.x[l][j])}" if known else ""))
        if l:
            rows.append(("d", f"\N{GREEK CAPITAL LETTER DELTA} {_short(n.delta[l][j])}" if passed
                         else ""))  # fmt: skip
        return rows

    def body(self, state: State, n: Snapshot) -> str:
        """The picture in a state, with the numbers of the weights to hover over."""
        parts = [self.pixels]
        for l in range(1, len(n.x)):
            for j, i in self._lines(l):
                name = f"w{l}_{j}_{i}"
                (x0, y0), (x1, y1) = self.places[l - 1, i], self.places[l, j]
                parts.append(
                    f'<path id="{name}" class="{state[name, "class"]}"'
                    f' stroke-width="{state[name, "stroke-width"]}"'
                    f' d="M{x0:.0f} {y0:.0f}L{x1:.0f} {y1:.0f}"><title>theta{l}[{j},{i}] = '
                    f"{digits(n.theta[l][j][i])}, gradient {digits(n.d_theta[l][j][i])}"
                    "</title></path>"
                )
        parts += [self._circle(state, n, l, j) for l, j in self.places]
        for x, y, text in self.gaps:
            parts.append(f'<text class="note" x="{x:.0f}" y="{y + 4:.0f}">{text}</text>')
        for l, (x, head) in enumerate(zip(self.columns, self.heads)):
            over = f"u{l}_{self.shown[l][0]}"
            parts.append(f'<text class="head" data-over="{over}" x="{x:.0f}" y="18">'
                         f"{html.escape(head)}</text>")  # fmt: skip
        for k, text in enumerate(reversed(self.legend)):
            y = self.size[1] - 8 - LINE * k
            parts.append(f'<text class="legend" x="12" y="{y:.0f}">{text}</text>')
        return "".join(parts)

    def _circle(self, state: State, n: Snapshot, l: int, j: int) -> str:
        (x, y), r, name = self.places[l, j], self.radii[l], f"u{l}_{j}"
        at = f'cx="{x:.0f}" cy="{y:.0f}" r="{r}"'
        inside = ""
        if l:
            paint, depth = state[f"{name}f", "class"], state[f"{name}f", "fill-opacity"]
            inside = f'<circle id="{name}f" class="{paint}" fill-opacity="{depth}" {at}/>'
        if self.switches[l]:
            k = 0.7 * r
            inside += (f'<path class="cross" d="M{x - k:.1f} {y - k:.1f}L{x + k:.1f} {y + k:.1f}'
                       f'M{x - k:.1f} {y + k:.1f}L{x + k:.1f} {y - k:.1f}"/>')  # fmt: skip
        inside += f'<circle class="ring" {at}/>'
        if r >= LEAST:
            rows = self._rows(n, l, j, True, True)
            for k, (row, _) in enumerate(rows):
                place = y + 4 + 12 * (k - (len(rows) - 1) / 2)
                text = state[f"{name}{row}", "text"]
                inside += f'<text id="{name}{row}" x="{x:.0f}" y="{place:.0f}">{text}</text>'
        texts = [f"x{l}[{j}] = {digits(n.x[l][j])}"]
        if l:
            texts = [f"a{l}[{j}] = {digits(n.a[l][j])}", *(texts if l < len(n.x) - 1 else []),
                     *[f"b{l}[{j}] = {digits(b)}" for b in n.b[l][j : j + 1]],
                     f"Delta{l}[{j}] = {digits(n.delta[l][j])}"]  # fmt: skip
        return (
            f'<g id="{name}" class="{state[name, "class"]}"><title>{", ".join(texts)}</title>'
            f'<circle class="back" {at}/>{inside}</g>'
        )


def _signs(numbers: Iterator[float]) -> list[str]:
    """What a legend says of the colours of some numbers."""
    kinds = {fill(v, 1.0)[0] for v in numbers}
    words = ("plus", "blue positive"), ("minus", "orange negative"), ("odd", "yellow not finite")
    return [text for kind, text in words if kind in kinds]


def _short(x: float) -> str:
    """Three significant digits, or two if they are long, for the little room in a circle."""
    text = digits(float(f"{x:.3g}"))
    return text if len(text) <= 7 else digits(float(f"{x:.2g}"))
