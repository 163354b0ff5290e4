"""What stands beside a network in a film: the curve of the losses, and the decision region."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd.show.notation import digits

from ..arrays import Array, check_finite, real_array
from ..model.likelihoods import are_classes, chosen_classes
from ..model.network import MLP
from .neurons import State
from .rasters import LIGHT, between, png

# Blue and orange, then colours of Okabe and Ito (2008).
CLASSES = [
    (86, 160, 220), (240, 150, 70), (0, 158, 115), (204, 121, 167), (230, 200, 60),
    (120, 120, 120), (86, 60, 180), (170, 60, 60), (60, 170, 170), (150, 110, 60),
]  # fmt: skip
LEVELS = 15  # shades from orange by white to blue
CELLS = 32  # in a row and in a column of the region
POINTS = 200  # examples that are drawn on it


class Curve:
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


class Region:
    """What a network of two inputs makes of every point of the plane, at each frame.

    One output: blue where it is positive (class 1), orange where negative, white between; more:
    the colour of the class that is chosen.

    Args:
        net: the network.
        x: the example of the film, marked by a ring, ``(2,)``.
        data: examples ``(n, 2)`` and their targets, to be drawn on it, or None.
        at: where the panel stands.
    """

    width, height, side = 330, 340, 240

    def __init__(self, net: MLP, x: Sequence[float], data: Any = None) -> None:
        self.net, self.x = net, [float(v) for v in x]
        self.X, self.y = np.empty((0, 2)), np.empty(0)
        if data is not None:
            self.X, self.y = real_array(data[0], "data[0]"), real_array(data[1], "data[1]")
            n = len(self.X) if self.X.ndim else 0
            if n == 0 or self.X.shape != (n, 2) or self.y.shape != (n,):
                raise ValueError(
                    "data must be (X, y), X of shape (n, 2) and y of shape (n,), a number or a "
                    f"class for each row, got shapes {self.X.shape} and {self.y.shape}"
                )
            check_finite(self.X, "data[0]")
            check_finite(self.y, "data[1]")
            K = len(net.layers[-1].neurons)
            if K > 1 and not are_classes(self.y, K).all():
                raise ValueError(f"data[1] must hold classes, 0 to {K - 1}, one for each row")
        every = np.vstack([self.X, [self.x]])
        if data is None:  # standardised data lie there
            every = np.vstack([every, [[-2.5, -2.5], [2.5, 2.5]]])
        self.low, self.high = every.min(axis=0), every.max(axis=0)
        margin = 0.08 * np.where(self.high > self.low, self.high - self.low, 1.0)
        self.low, self.high = self.low - margin, self.high + margin
        half = 0.5 / CELLS
        across, up = (np.linspace(a + half * (b - a), b - half * (b - a), CELLS)
                      for a, b in zip(self.low, self.high))  # fmt: skip
        self.grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2)

    def look(self) -> str:
        """The region as it is now, as the address of a picture."""
        a = self.net.predict(self.grid)
        if a.ndim == 1:
            share = np.tanh(np.where(np.isfinite(a), a, 0.0) / 2)  # 2 sigmoid(a) - 1
            levels = np.round((share + 1) / 2 * (LEVELS - 1)).astype(int)
            half = LEVELS // 2 + 1
            shades = between(CLASSES[1], LIGHT, half) + between(LIGHT, CLASSES[0], half)[1:]
            return png(levels.reshape(CELLS, CELLS), shades)
        return png(chosen_classes(a).reshape(CELLS, CELLS) % len(CLASSES), CLASSES)

    def _at(self, x: Array) -> tuple[float, float]:
        u, v = ((x - self.low) / (self.high - self.low)).tolist()
        return self.x0 + u * self.side, self.y0 + (1 - v) * self.side

    def body(self, picture: str, at: tuple[float, float]) -> str:
        """The panel, with its left upper corner at a point."""
        self.x0, self.y0 = at[0] + 60, at[1] + 50
        side, mid = self.side, self.x0 + self.side / 2
        parts = [
            f'<image id="region" href="{picture}" x="{self.x0:.0f}" y="{self.y0:.0f}"'
            f' width="{side}" height="{side}" preserveAspectRatio="none"/>'
        ]
        one = len(self.net.layers[-1].neurons) == 1
        # Where the region turns blue: at 0; of targets that are 0 and 1, which stand for two
        # classes, 1 is above it.
        middle = 0.5 if np.isin(self.y, (0, 1)).all() else 0.0
        step = max(1, -(-len(self.X) // POINTS))
        for point, y in zip(self.X[::step], self.y[::step].tolist()):
            x, down = self._at(point)
            k = int(y <= middle) if one else int(y) % len(CLASSES)
            parts.append(f'<circle class="point" cx="{x:.1f}" cy="{down:.1f}" r="2.6"'
                         f' fill="rgb{CLASSES[k]}"/>')  # fmt: skip
        x, down = self._at(np.array(self.x))
        parts.append(f'<circle class="here" cx="{x:.1f}" cy="{down:.1f}" r="6"/>')
        colours = "blue: output above 0, orange: below" if one else "a colour for each class"
        for px, py, text in (
            (mid, self.y0 - 26, "the output over the two inputs; ring: this example"),
            (mid, self.y0 - 11, colours),
            (self.x0, self.y0 + side + 16, digits(float(f"{self.low[0]:.2g}"))),
            (self.x0 + side, self.y0 + side + 16, digits(float(f"{self.high[0]:.2g}"))),
            (mid, self.y0 + side + 16, "x0[0]"),
            (self.x0 - 24, self.y0 + side, digits(float(f"{self.low[1]:.2g}"))),
            (self.x0 - 24, self.y0 + 10, digits(float(f"{self.high[1]:.2g}"))),
            (self.x0 - 24, self.y0 + side / 2, "x0[1]"),
        ):
            parts.append(f'<text class="note" x="{px:.0f}" y="{py:.0f}">{text}</text>')
        return "".join(parts)
