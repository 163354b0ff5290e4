"""A network as neurons: a circle for each with a, x and Delta, a line for each weight.

The numbers are those of one example: forward and backward through the recorded graph.
"""

import html
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Value
from autograd.files import write_whole
from autograd.notation import ELLIPSIS, TIMES, factor, number, printable, shortened
from autograd.paint import PAINT, document, fill
from autograd.player import Frame, Player, differences

from .losses import bernoulli_nll, categorical_nll, gaussian_nll, probabilities
from .module import own_gradients
from .network import MLP

SHOWN = 40  # circles in a layer; a wider one is shown without its middle
ROOMY = 12  # circles in a layer that are large enough to hold numbers

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
.w.odd {{ stroke: var(--odd); }} .w.none {{ stroke: var(--line); }}
.w[data-on] {{ stroke-opacity: 1; }}
.head {{ font-size: 12px; font-weight: bold; text-anchor: middle; }}
.note {{ font-size: 11px; fill: var(--soft); text-anchor: middle; stroke: var(--paper);
  stroke-width: 4px; paint-order: stroke; }}
.legend {{ font-size: 11px; fill: var(--soft); }}
"""
LEGEND = (
    "Line: a weight; blue positive, orange negative, wider for larger. "
    "Circle: filled by its error signal \N{GREEK CAPITAL LETTER DELTA} (Delta) = dL/da, likewise.",
    "Dashed and crossed: a relu that is off (a \N{LESS-THAN OR EQUAL TO} 0), so that nothing "
    "passes. Hover over a line for its numbers; on a page, click a circle.",
)


@dataclass(frozen=True)
class Sweep:
    """One example's numbers, forward and backward: lists by the lecture's layer l = 0 ... L.

    Attributes:
        x, a, delta: of the layer's units, each ``[l][j]``; ``a[0]`` and ``delta[0]`` are empty.
        slope: g'(a), likewise.
        theta, d_theta: weights and their gradients, ``[l][j][i]``; ``[0]`` is empty.
        b: the biases; empty lists for a network without.
        loss: its value.
    """

    x: list[list[float]]
    a: list[list[float]]
    delta: list[list[float]]
    slope: list[list[float]]
    theta: list[list[list[float]]]
    d_theta: list[list[list[float]]]
    b: list[list[float]]
    loss: float


def sweep(net: MLP, x: Sequence[float], y: Any, loss: Callable[[Any, Any], Any]) -> Sweep:
    """Forward and backward for one example. The parameters keep their gradients.

    Raises:
        TypeError: ``net`` is no `MLP`.
        ValueError: ``x`` or ``y`` does not fit.
    """
    check_mlp(net)
    d0 = len(net.layers[0].neurons[0].w)
    if len(x) != d0:
        raise ValueError(f"x must have {d0} entries, got {len(x)}")
    with own_gradients(net):
        units = [[Value(v.data if isinstance(v, Value) else v) for v in x]]
        a: list[list[Any]] = [[]]
        for layer in net.layers:
            outputs = layer.outputs(units[-1])
            linear = layer.activation == "linear"
            a.append(outputs if linear else [v.inputs[0] for v in outputs])
            units.append(outputs)
        root = loss(units[-1][0] if len(units[-1]) == 1 else units[-1], y)
        if not isinstance(root, Value):
            raise TypeError(f"loss must return a Value, got {type(root).__name__}")
        root.backward()
        weights = [[], *[[neuron.w for neuron in layer.neurons] for layer in net.layers]]
        return Sweep(
            x=[[v.data for v in layer] for layer in units],
            a=[[v.data for v in layer] for layer in a],
            delta=[[v.grad for v in layer] for layer in a],
            slope=[
                [1.0 if v is a_j else v.partials[0] for v, a_j in zip(layer, below)]
                for layer, below in zip(units, a)
            ],
            theta=[[[w.data for w in ws] for ws in layer] for layer in weights],
            d_theta=[[[w.grad for w in ws] for ws in layer] for layer in weights],
            b=[[], *[[n.b.data for n in layer.neurons if n.b is not None] for layer in net.layers]],
            loss=root.data,
        )


def check_mlp(net: Any) -> None:
    """Refuse a network whose layers, one after the other, are not all there is to it."""
    if not isinstance(net, MLP) or type(net).__call__ is not MLP.__call__:
        raise TypeError(f"net must be an MLP, with an MLP's own __call__, got {net!r}")


def draw(net: MLP, x: Sequence[float], y: Any, loss: Callable[[Any, Any], Any]) -> "NetworkDrawing":
    """The network as neurons, with the numbers of one example.

    A circle is a neuron with a, x and its error signal Delta = dL/da, a line is a weight: hover
    over a line to read the weight and its gradient, click a circle for all that belongs to it. A
    layer of more than 40 is shown without its middle.

    Args:
        net: the network.
        x: the example, ``(d_0,)``.
        y: its target.
        loss: the loss function.

    Returns:
        A `NetworkDrawing`: shows itself in Jupyter, and has ``.steps()`` and ``.save(path)``.

    Raises:
        TypeError: ``net`` is no `MLP`.
        ValueError: ``x`` or ``y`` does not fit.
    """
    return NetworkDrawing(net, sweep(net, x, y, loss), y, loss)


class NetworkDrawing:
    """A picture of a network, as made by `draw`."""

    def __init__(self, net: MLP, numbers: Sweep, y: Any, loss: Callable[[Any, Any], Any]) -> None:
        self._picture = Picture(net)
        self._numbers, self._loss = numbers, loss
        self._activations = [layer.activation for layer in net.layers]
        self._y = printable(y.tolist() if hasattr(y, "tolist") else y)
        self._targets = _targets(y, len(numbers.x[-1]), loss)
        self._scale = Scale.of([numbers])
        self._name = f"{net!r}, loss {number(numbers.loss)}"

    def __repr__(self) -> str:
        n = self._numbers
        rows = [("layer", "unit", "a", "x", "delta")]
        for l, units in enumerate(n.x):
            for j, x_j in enumerate(units):
                a_delta = [number(n.a[l][j]), number(n.delta[l][j])] if l else ["", ""]
                rows.append((str(l), str(j), a_delta[0], number(x_j), a_delta[1]))
        if len(rows) > 2 * SHOWN:
            rows[SHOWN:-SHOWN] = [(ELLIPSIS, "", "", "", "")]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(f"{t:>{w}}" for t, w in zip(row, widths)) for row in rows]
        return "\n".join([self._name, *lines])

    def svg(self) -> str:
        """The picture as an SVG document."""
        body = self._picture.body(self._finished(), self._numbers)
        return document(*self._picture.size, STYLE, body)

    def _whole(self) -> Frame:
        return Frame(self._name, [self._target()], [], self._finished())

    def _finished(self) -> State:
        L = len(self._numbers.x) - 1
        return self._picture.state(self._numbers, self._scale, forward=L, backward=1)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._player([self._whole()])._repr_mimebundle_()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture as .svg, or as an .html page with all numbers at a click: whole or not.

        Raises:
            ValueError: the name ends in something else.
            OSError: the file can't be written.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".svg":
            write_whole(path, self.svg().encode())
        elif suffix == ".html":
            self._player([self._whole()]).save(path)
        else:
            raise ValueError(f"path must end in .svg or .html, got {str(path)!r}")

    def steps(self) -> Player:
        """The picture in steps: forward layer by layer, then the error signals back, L to 1.

        Returns:
            A `Player`: shows itself in Jupyter, and has ``.save("steps.html")``.
        """
        return self._player(list(self._frames()))

    def _player(self, frames: list[Frame]) -> Player:
        text = repr(self) if len(frames) == 1 else None
        return Player(self.svg(), frames, self._details(), self._name, text, interval=2000)

    def _target(self) -> str:
        return f"target y = {self._y}, loss = {number(self._numbers.loss)}"

    # The steps

    def _frames(self) -> Iterator[Frame]:
        n, L = self._numbers, len(self._numbers.x) - 1
        scale, picture = self._scale, self._picture
        before: State = {}

        def frame(title: str, lines: list[str], active: list[str], at: tuple[int, int]) -> Frame:
            nonlocal before
            state = picture.state(n, scale, forward=at[0], backward=at[1])
            changes, before = differences(before, state), state
            return Frame(title, lines, active, changes)

        inputs = [f"x0[{i}] = {number(v)}" for i, v in enumerate(n.x[0])]
        yield frame("Start: the input x0.", shortened(inputs), picture.units(0), (0, L + 1))
        for l in range(1, L + 1):
            bias = f" + b{l}" if n.b[l] else ""
            title = f"Forward, layer {l}: a{l} = theta{l} x{l - 1}{bias}"
            if l == L:
                title += ", the output"
            elif self._activations[l - 1] != "linear":
                title += f", x{l} = {self._activations[l - 1]}(a{l})"
            lines = [line for j in range(min(2, len(n.a[l]))) for line in self._forward(l, j)]
            lines += self._others(l)
            yield frame(title, lines, [*picture.units(l), *picture.weights(l)], (l, L + 1))
        yield frame("The loss of this example.", [self._target()], picture.units(L), (L, L + 1))
        for l in range(L, 0, -1):
            if l == L:
                title = f"Backward, layer {L}: Delta{L} = dL/da{L}"
                if self._targets:
                    title += f" = {_mean(self._loss)}a{L}{')' * bool(_mean(self._loss))} - y"
                    title += ", y as one-hot" if self._loss is categorical_nll else ""
            else:
                slope = "" if self._activations[l - 1] == "linear" else f"g'(a{l}[j]) "
                title = (
                    f"Backward, layer {l}: Delta{l}[j] = {slope}sum_k theta{l + 1}[k,j] "
                    f"Delta{l + 1}[k];  dL/dtheta{l}[j,i] = Delta{l}[j] x{l - 1}[i]"
                )
            lines = [line for j in range(min(2, len(n.a[l]))) for line in self._backward(l, j)]
            lines += self._others(l)
            lit = picture.weights(l + 1) if l < L else []
            yield frame(title, lines, [*picture.units(l), *lit], (L, l))

    def _others(self, l: int) -> list[str]:
        more = len(self._numbers.a[l]) - 2
        return [f"{ELLIPSIS} and {more} more: click a circle"] if more > 0 else []

    def _forward(self, l: int, j: int) -> list[str]:
        """A neuron's values in numbers."""
        n = self._numbers
        terms = [f"{factor(w)} {TIMES} {factor(x)}" for w, x in zip(n.theta[l][j], n.x[l - 1])] + [
            factor(b) for b in n.b[l][j : j + 1]
        ]
        lines = [f"a{l}[{j}] = {' + '.join(shortened(terms))} = {number(n.a[l][j])}"]
        if self._activations[l - 1] != "linear":
            g = self._activations[l - 1]
            lines.append(f"x{l}[{j}] = {g}({number(n.a[l][j])}) = {number(n.x[l][j])}")
        return lines

    def _backward(self, l: int, j: int) -> list[str]:
        """A neuron's error signal and a gradient, in numbers."""
        n, L = self._numbers, len(self._numbers.x) - 1
        delta = number(n.delta[l][j])
        if l < L:
            terms = [
                f"{factor(row[j])} {TIMES} {factor(d)}"
                for row, d in zip(n.theta[l + 1], n.delta[l + 1])
            ]
            how = " + ".join(shortened(terms))
            if self._activations[l - 1] != "linear":
                how = f"{factor(n.slope[l][j])} {TIMES} ({how})"
            first = f"Delta{l}[{j}] = {how} = {delta}"
        elif self._targets:
            y = self._targets[j]
            first = f"Delta{l}[{j}] = {number(n.delta[l][j] + y)} - {factor(y)} = {delta}"
        else:
            first = f"Delta{l}[{j}] = {delta}"
        product = n.delta[l][j] * n.x[l - 1][0]
        gradient = (
            f"dL/dtheta{l}[{j},0] = Delta{l}[{j}] {TIMES} x{l - 1}[0] = {factor(n.delta[l][j])} "
            f"{TIMES} {factor(n.x[l - 1][0])}"
        )
        own = n.d_theta[l][j][0] - product
        if abs(own) > 1e-9 * max(abs(product), abs(own)) and math.isfinite(own):
            gradient += f" + {factor(own)} (the loss has this weight in it)"
        return [first, f"{gradient} = {number(n.d_theta[l][j][0])}"]

    def _details(self) -> dict[str, list[str]]:
        """For each circle all that belongs to it."""
        details = {}
        for l, j in self._picture.places:
            name = f"u{l}_{j}"
            if l == 0:
                details[name] = [f"x0[{j}] = {number(self._numbers.x[0][j])}", "an input"]
                continue
            bias = [f"b{l}[{j}] = {number(b)}" for b in self._numbers.b[l][j : j + 1]]
            details[name] = [
                f"neuron {j} of layer {l}", *self._forward(l, j), *bias, *self._backward(l, j),
                *([f"dL/db{l}[{j}] = Delta{l}[{j}]"] if bias else []),
                f"theta{l}[{j},:] = {_list(self._numbers.theta[l][j])}",
                f"dL/dtheta{l}[{j},:] = {_list(self._numbers.d_theta[l][j])}",
            ]  # fmt: skip
        return details


@dataclass(frozen=True)
class Scale:
    """What is drawn largest: an error signal, and in each layer a weight."""

    delta: float
    theta: list[float]

    @classmethod
    def of(cls, sweeps: Sequence[Sweep]) -> "Scale":
        """The largest finite numbers of several sweeps."""
        layers = range(len(sweeps[0].theta))
        return cls(
            _largest(d for s in sweeps for layer in s.delta for d in layer),
            [_largest(w for s in sweeps for ws in s.theta[l] for w in ws) for l in layers],
        )


class Picture:
    """The layers as columns of circles, with lines between: the same for all numbers.

    Attributes:
        places: the centre of each circle that is shown, by layer and unit.
    """

    def __init__(self, net: MLP) -> None:
        widths = [len(net.layers[0].neurons[0].w), *[len(layer.neurons) for layer in net.layers]]
        self.relu = [False, *[layer.activation == "relu" for layer in net.layers]]
        self.heads = ["x0: the input"] + [
            f"a{l}, x{l} = {layer.activation}(a{l})" if layer.activation != "linear" else f"a{l}"
            for l, layer in enumerate(net.layers, start=1)
        ]
        self.heads[-1] += ": the output"
        self.radii = [34 if d <= ROOMY else 9 for d in widths]
        heights = [
            min(d, SHOWN) * (2 * r + (10 if r > 9 else 5)) for d, r in zip(widths, self.radii)
        ]
        top, self.height = 34, max(heights)
        self.places: dict[tuple[int, int], tuple[float, float]] = {}
        self.gaps: list[tuple[float, float, str]] = []
        x = 75.0
        self.columns = []
        gap = 190 if min(self.radii) > 9 else 250
        for l, (d, height) in enumerate(zip(widths, heights)):
            self.columns.append(x)
            pitch = height / min(d, SHOWN)
            half = SHOWN // 2
            shown = range(d) if d <= SHOWN else [*range(half - 1), None, *range(d - half, d)]
            for slot, j in enumerate(shown):
                y = top + (self.height - height) / 2 + (slot + 0.5) * pitch
                if j is None:
                    self.gaps.append((x, y, f"\N{VERTICAL ELLIPSIS} {d - SHOWN + 1} more"))
                else:
                    self.places[l, j] = x, y
            x += gap
        self._shown = [[j for at, j in self.places if at == l] for l in range(len(widths))]
        legend = max(map(len, LEGEND)) * 5.4 + 24
        self.size = max(x - gap + 75, legend), top + self.height + 50

    def units(self, l: int) -> list[str]:
        """The ids of a layer's circles."""
        return [f"u{l}_{j}" for j in self._shown[l]]

    def weights(self, l: int) -> list[str]:
        """The ids of the lines that lead to a layer."""
        return [f"w{l}_{j}_{i}" for j, i in self._lines(l)]

    def _lines(self, l: int) -> Iterator[tuple[int, int]]:
        """The weights that lead to a layer: unit j of it, unit i of the one below."""
        return product(self._shown[l], self._shown[l - 1])

    def state(self, n: Sweep, scale: Scale, forward: int, backward: int) -> State:
        """What the numbers make of the picture.

        Values are known up to layer ``forward``, error signals down to layer ``backward``.
        """
        state: State = {}
        for l, j in self.places:
            name, known = f"u{l}_{j}", l <= forward
            off = known and self.relu[l] and n.a[l][j] <= 0
            state[name, "class"] = "neuron off" if off else "neuron"
            if l:
                delta = n.delta[l][j] if l >= backward else 0.0
                state[f"{name}f", "class"], state[f"{name}f", "fill-opacity"] = fill(
                    delta, scale.delta
                )
            if self.radii[l] > 9:
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

    def _rows(self, n: Sweep, l: int, j: int, known: bool, swept: bool) -> list[tuple[str, str]]:
        """The texts in a circle, by the letter that ends their ids."""
        rows = []
        if l:
            rows.append(("a", f"a {_short(n.a[l][j])}" if known else ""))
        if l < len(n.x) - 1:
            rows.append(("x", f"x {_short(n.x[l][j])}" if known else ""))
        if l:
            rows.append(("d", f"\N{GREEK CAPITAL LETTER DELTA} {_short(n.delta[l][j])}" if swept
                         else ""))  # fmt: skip
        return rows

    def body(self, state: State, n: Sweep) -> str:
        """The picture in a state, with the numbers of the weights to hover over."""
        parts = []
        for l in range(1, len(n.x)):
            for j, i in self._lines(l):
                name = f"w{l}_{j}_{i}"
                (x0, y0), (x1, y1) = self.places[l - 1, i], self.places[l, j]
                parts.append(
                    f'<path id="{name}" class="{state[name, "class"]}"'
                    f' stroke-width="{state[name, "stroke-width"]}"'
                    f' d="M{x0:.0f} {y0:.0f}L{x1:.0f} {y1:.0f}"><title>theta{l}[{j},{i}] = '
                    f"{number(n.theta[l][j][i])}, gradient {number(n.d_theta[l][j][i])}"
                    "</title></path>"
                )
        parts += [self._circle(state, n, l, j) for l, j in self.places]
        for x, y, text in self.gaps:
            parts.append(f'<text class="note" x="{x:.0f}" y="{y + 4:.0f}">{text}</text>')
        for x, head in zip(self.columns, self.heads):
            parts.append(f'<text class="head" x="{x:.0f}" y="18">{html.escape(head)}</text>')
        for k, text in enumerate(LEGEND):
            y = self.size[1] - 24 + 16 * k
            parts.append(f'<text class="legend" x="12" y="{y:.0f}">{text}</text>')
        return "".join(parts)

    def _circle(self, state: State, n: Sweep, l: int, j: int) -> str:
        (x, y), r, name = self.places[l, j], self.radii[l], f"u{l}_{j}"
        at = f'cx="{x:.0f}" cy="{y:.0f}" r="{r}"'
        inside = ""
        if l:
            paint, depth = state[f"{name}f", "class"], state[f"{name}f", "fill-opacity"]
            inside = f'<circle id="{name}f" class="{paint}" fill-opacity="{depth}" {at}/>'
        if self.relu[l]:
            k = 0.7 * r
            inside += (f'<path class="cross" d="M{x - k:.1f} {y - k:.1f}L{x + k:.1f} {y + k:.1f}'
                       f'M{x - k:.1f} {y + k:.1f}L{x + k:.1f} {y - k:.1f}"/>')  # fmt: skip
        inside += f'<circle class="ring" {at}/>'
        if r > 9:
            rows = self._rows(n, l, j, True, True)
            for k, (row, _) in enumerate(rows):
                place = y + 4 + 14 * (k - (len(rows) - 1) / 2)
                text = state[f"{name}{row}", "text"]
                inside += f'<text id="{name}{row}" x="{x:.0f}" y="{place:.0f}">{text}</text>'
        texts = [f"x{l}[{j}] = {number(n.x[l][j])}"]
        if l:
            texts = [f"a{l}[{j}] = {number(n.a[l][j])}", *(texts if l < len(n.x) - 1 else []),
                     *[f"b{l}[{j}] = {number(b)}" for b in n.b[l][j : j + 1]],
                     f"Delta{l}[{j}] = {number(n.delta[l][j])}"]  # fmt: skip
        return (
            f'<g id="{name}" class="{state[name, "class"]}"><title>{", ".join(texts)}</title>'
            f'<circle class="back" {at}/>{inside}</g>'
        )


def _largest(numbers: Iterator[float]) -> float:
    return max((abs(v) for v in numbers if math.isfinite(v)), default=0.0) or 1.0


def _short(x: float) -> str:
    """Three significant digits, or two if they are long, for the little room in a circle."""
    text = number(float(f"{x:.3g}"))
    return text if len(text) <= 7 else number(float(f"{x:.2g}"))


def _list(numbers: Sequence[float]) -> str:
    """Numbers side by side; of very many the first ones and the last."""
    return ", ".join(shortened([number(v) for v in numbers], most=32))


def _mean(loss: Any) -> str:
    """What makes the mean of y out of a, under each of the three losses: the start of a call."""
    return "sigmoid(" if loss is bernoulli_nll else "softmax(" if loss is categorical_nll else ""


def _targets(y: Any, d: int, loss: Any) -> list[float]:
    """The target of each output, for the three losses; empty for another."""
    if loss is categorical_nll:
        y = probabilities(y, d)
    elif loss is not gaussian_nll and loss is not bernoulli_nll:
        return []
    y = y.tolist() if isinstance(y, np.ndarray) else y
    values = [y] if isinstance(y, Value) or not hasattr(y, "__len__") else list(y)
    return [float(v.data if isinstance(v, Value) else v) for v in values]
