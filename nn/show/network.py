"""A network as neurons: a circle for each with a, x and Delta, a line for each weight.

The numbers are those of one example: forward and backward through the recorded graph.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy.typing as npt

from autograd.files import ending, write_whole
from autograd.show.colours import document
from autograd.show.notation import ELLIPSIS, TIMES, digits, factor, for_output, shortened
from autograd.show.player import Frame, Framed, Player, differences

from ..model.activations import ACTIVATIONS
from ..model.likelihoods import check_loss, likelihood_of
from ..model.network import MLP
from .neurons import SHOWN, STYLE, Picture, State
from .snapshots import Scale, Snapshot, plain, snapshot, target_text


def draw(
    net: MLP,
    x: Sequence[float],
    y: Any,
    loss: Callable[[Any, Any], Any],
    *,
    picture: npt.ArrayLike | None = None,
) -> NetworkDrawing:
    """The network as neurons, with the numbers of one example.

    A circle is a neuron with a, x and its error signal Delta = dL/da, a line is a weight: hover
    over a line, or click it, to read the weight and its gradient; click a circle for all that
    belongs to it. A layer of more than 40 is shown without its middle.

    Args:
        net: the network.
        x: the example, ``(d_0,)``.
        y: its target.
        loss: the loss function.
        picture: rows and columns of pixels, dark for large, to be shown before the input: for a
            network that is given pictures, this one.

    Returns:
        A `NetworkDrawing`: shows itself in Jupyter, and has ``.steps()`` and ``.save(path)``.

    Raises:
        TypeError: ``net`` is no `MLP`, or ``loss`` no loss.
        ValueError: ``x`` or ``y`` does not fit, or ``picture`` is no picture.
    """
    check_loss(loss)
    return NetworkDrawing(net, snapshot(net, x, y, loss), y, loss, picture)


class NetworkDrawing(Framed):
    """A picture of a network, as made by `draw`."""

    def __init__(
        self,
        net: MLP,
        numbers: Snapshot,
        y: Any,
        loss: Callable[[Any, Any], Any],
        picture: npt.ArrayLike | None = None,
    ) -> None:
        hint = "On a page, click a circle or a line for its numbers."
        self._picture = Picture(net, hint, picture)
        self._picture.explain([numbers])
        self._numbers = numbers
        self._activations = [ACTIVATIONS[layer.activation] for layer in net.layers]
        y = plain(y)
        self._y = target_text(y)
        self._likelihood = likelihood_of(loss)
        self._targets: list[float] = []  # of each output; none for a loss of the user's own
        if self._likelihood is not None:
            self._targets = self._likelihood.target(y, len(numbers.x[-1]))
        self._is_vector = isinstance(y, list)
        self._scale = Scale.of([numbers])
        self._name = f"{net!r}, loss {digits(numbers.loss)}"

    def __repr__(self) -> str:
        n = self._numbers
        rows: list[tuple[str, ...]] = [("layer", "unit", "a", "x", "delta")]
        for l, units in enumerate(n.x):
            for j, x_j in enumerate(units):
                a_delta = [digits(n.a[l][j]), digits(n.delta[l][j])] if l else ["", ""]
                rows.append((str(l), str(j), a_delta[0], digits(x_j), a_delta[1]))
        if len(rows) > 2 * SHOWN:
            rows[SHOWN:-SHOWN] = [
                (f"{ELLIPSIS} {len(rows) - 2 * SHOWN} more {ELLIPSIS}", "", "", "", "")
            ]
        texts = iter(for_output([text for row in rows for text in row]))
        rows = [tuple([next(texts) for _ in row]) for row in rows]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(f"{t:>{w}}" for t, w in zip(row, widths)) for row in rows]
        return "\n".join([*for_output([self._name]), *lines])

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

    def __getattr__(self, name: str) -> NoReturn:
        """What a picture of the recorded graph has, and this one lacks, with advice."""
        advice = ""
        if name == "live":
            advice = ": draw one example's recorded graph, autograd.draw(loss(net(x), y)).live()"
        elif name in ("render", "source"):
            advice = ": it has .svg()"
        raise AttributeError(f"a NetworkDrawing has no {name!r}{advice}", name=name, obj=self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture as .svg, or as an .html page with all numbers at a click: whole or not.

        Raises:
            TypeError: ``path`` is no path.
            ValueError: the name ends in something else.
            OSError: the file can't be written.
        """
        suffix = ending(path)
        if suffix == ".svg":
            write_whole(path, self.svg().encode())
        elif suffix == ".html":
            self._player([self._whole()]).save(path)
        else:
            raise ValueError(f"path must end in .svg or .html, got {str(path)!r}")

    def steps(self) -> Player:
        """The picture in steps: forward layer by layer, then the error signals back, L to 1.

        Returns:
            A player: shows itself in Jupyter, and has ``.save("steps.html")``.
        """
        return self._player(list(self._frames()))

    def _player(self, frames: list[Frame]) -> Player:
        text = repr(self) if len(frames) == 1 else None
        return Player(
            self.svg(), frames, self._details(), self._name, text, interval=2000,
            groups=self._picture.groups,
        )  # fmt: skip

    def _target(self) -> str:
        return f"target y = {self._y}, loss = {digits(self._numbers.loss)}"

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

        inputs = [f"x0[{i}] = {digits(v)}" for i, v in enumerate(n.x[0])]
        yield frame("Start: the input x0.", shortened(inputs), picture.units(0), (0, L + 1))
        for l in range(1, L + 1):
            bias = f" + b{l}" if n.b[l] else ""
            title = f"Forward, layer {l}: a{l} = theta{l} x{l - 1}{bias}"
            if l == L:
                title += ", the output"
            elif not self._activations[l - 1].is_identity:
                title += f", x{l} = {self._activations[l - 1].name}(a{l})"
            lines = [line for j in range(min(2, len(n.a[l]))) for line in self._forward(l, j)]
            lines += self._others(l)
            yield frame(title, lines, [*picture.units(l), *picture.weights(l)], (l, L + 1))
        yield frame("The loss of this example.", [self._target()], picture.units(L), (L, L + 1))
        for l in range(L, 0, -1):
            if l == L:
                title = f"Backward, layer {L}: Delta{L} = dL/da{L}"
                if self._likelihood is not None:
                    link = self._likelihood.link
                    title += f" = {link}(a{L}) - y" if link else f" = a{L} - y"
                    if self._likelihood.one_hot and not self._is_vector:
                        title += ", y as one-hot"
            else:
                slope = "" if self._activations[l - 1].is_identity else f"g'(a{l}[j]) "
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
        lines = [f"a{l}[{j}] = {' + '.join(shortened(terms))} = {digits(n.a[l][j])}"]
        g = self._activations[l - 1]
        if not g.is_identity:
            lines.append(f"x{l}[{j}] = {g.name}({digits(n.a[l][j])}) = {digits(n.x[l][j])}")
        return lines

    def _backward(self, l: int, j: int) -> list[str]:
        """A neuron's error signal and a gradient, in numbers."""
        n, L = self._numbers, len(self._numbers.x) - 1
        delta = digits(n.delta[l][j])
        if l < L:
            terms = [
                f"{factor(row[j])} {TIMES} {factor(d)}"
                for row, d in zip(n.theta[l + 1], n.delta[l + 1])
            ]
            how = " + ".join(shortened(terms))
            if not self._activations[l - 1].is_identity:
                how = f"{factor(n.slope[l][j])} {TIMES} ({how})"
            first = f"Delta{l}[{j}] = {how} = {delta}"
        elif self._targets:
            y = self._targets[j]
            first = f"Delta{l}[{j}] = {digits(n.delta[l][j] + y)} - {factor(y)} = {delta}"
        else:
            first = f"Delta{l}[{j}] = {delta}"
        gradient = (
            f"dL/dtheta{l}[{j},0] = Delta{l}[{j}] {TIMES} x{l - 1}[0] = {factor(n.delta[l][j])} "
            f"{TIMES} {factor(n.x[l - 1][0])}"
            + _own_part(n.d_theta[l][j][0], n.delta[l][j] * n.x[l - 1][0], "weight")
        )
        return [first, f"{gradient} = {digits(n.d_theta[l][j][0])}"]

    def _bias(self, l: int, j: int) -> list[str]:
        """A bias's gradient, where there is a bias."""
        n = self._numbers
        return [
            f"dL/db{l}[{j}] = Delta{l}[{j}]{_own_part(d, n.delta[l][j], 'bias')} = {digits(d)}"
            for d in n.d_b[l][j : j + 1]
        ]

    def _details(self) -> dict[str, list[str]]:
        """For each circle all that belongs to it."""
        details = {}
        for l, j in self._picture.places:
            name = f"u{l}_{j}"
            if l == 0:
                details[name] = [f"x0[{j}] = {digits(self._numbers.x[0][j])}", "an input"]
                continue
            bias = [f"b{l}[{j}] = {digits(b)}" for b in self._numbers.b[l][j : j + 1]]
            details[name] = [
                f"neuron {j} of layer {l}", *self._forward(l, j), *bias, *self._backward(l, j),
                *self._bias(l, j),
                f"theta{l}[{j},:] = {_list(self._numbers.theta[l][j])}",
                f"dL/dtheta{l}[{j},:] = {_list(self._numbers.d_theta[l][j])}",
            ]  # fmt: skip
        return details


def _own_part(gradient: float, by_a: float, what: str) -> str:
    """What of a gradient does not come by the pre-activations: the loss has a term of its own."""
    own = gradient - by_a
    if math.isfinite(own) and abs(own) > 1e-9 * max(abs(gradient), abs(by_a)):
        return f" + {factor(own)} (the loss has this {what} in it)"
    return ""


def _list(numbers: Sequence[float]) -> str:
    """Numbers side by side; of very many the first ones and the last."""
    return ", ".join(shortened([digits(v) for v in numbers], most=32))
