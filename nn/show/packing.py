"""Data for a page, as short as it can be with every bit in it: ``play_data.js`` unpacks it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from ..data.datasets import Dataset

SHADES = 16.0  # of the pixels of `digits`, the only bundled pictures
FEWEST = 256  # so many different numbers have places that are bytes; its square, two bytes


def encoded(array: npt.ArrayLike) -> dict[str, str]:
    """Numbers as JSON takes them, row by row: in base64, ``decoded`` in ``play_data.js`` reads it.

    Either ``numbers``, 8 bytes each; or, where that is shorter, a ``palette`` of the numbers that
    there are, and their ``places`` in it, a byte or two each.

    >>> encoded([0.0, 1.0, 1.0, 0.0])
    {'palette': 'AAAAAAAAAAAAAAAAAADwPw==', 'places': 'AAEBAA=='}
    """
    flat: Array = np.ravel(np.asarray(array, dtype="<f8"))
    # By their bits: -0.0 is another number than 0.0 here, and nan is one too.
    palette, places = np.unique(flat.view("<u8"), return_inverse=True)
    width = "<u1" if len(palette) <= FEWEST else "<u2"
    if len(palette) > FEWEST**2 or palette.nbytes + places.astype(width).nbytes >= flat.nbytes:
        return {"numbers": _base64(flat)}
    return {"palette": _base64(palette), "places": _base64(places.astype(width))}


def fewest_letters(array: npt.ArrayLike) -> int:
    """How many letters `encoded` takes at least, by a look at some of the numbers.

    >>> array = np.arange(3000.0)
    >>> fewest_letters(array) <= len("".join(encoded(array).values()))
    True
    """
    flat = np.ravel(np.asarray(array))
    width = 1 if len(np.unique(flat[: 8 * FEWEST])) <= FEWEST else 2
    return flat.size * width * 4 // 3


@dataclass(frozen=True)
class Set:
    """Examples in a page: those to train on, and below them those held out.

    Attributes:
        name: what the menu calls them.
        X, y: all of them, ``(n, d_0)`` and ``(n,)`` or ``(n, d_L)``.
        train: how many there are to train on.
        features, target, classes: names, of inputs, of the target and of its classes.
        x_mean, x_scale: what was subtracted from the inputs, then divided by; ``(d_0,)``.
        y_mean, y_scale: the same for a target of regression.
        picture: rows and columns of pixels, if that is what the inputs are.
        darkest: the number of a pixel that is full of ink, as it was before.
        source: lines of Python that make X and y, to train on, again.
    """

    name: str
    X: Array
    y: Array
    train: int
    features: Sequence[str]
    target: str = "y"
    classes: Sequence[str] = ()
    x_mean: Array | float = 0.0
    x_scale: Array | float = 1.0
    y_mean: float = 0.0
    y_scale: float = 1.0
    picture: tuple[int, ...] | None = None
    darkest: float = 1.0
    source: str | None = None

    @classmethod
    def of(cls, data: Dataset, source: str | None = None) -> Set:
        """A data set with names."""
        picture = data.picture
        return cls(
            data.name, np.concatenate([data.X_train, data.X_test]),
            np.concatenate([data.y_train, data.y_test]).astype(float), len(data.X_train),
            data.features, data.target, data.classes, data.x_mean, data.x_scale, data.y_mean,
            data.y_scale, None if picture is None else picture.shape, SHADES, source,
        )  # fmt: skip

    @property
    def held(self) -> float:
        """The share held out."""
        return round(1 - self.train / len(self.X), 4)

    @cached_property
    def packed(self) -> dict[str, Any]:
        """All that the page gets; ``unpacked`` in ``play_data.js`` makes a set of it."""
        n, d0 = self.X.shape
        return {
            "name": self.name,
            "features": list(self.features),
            "target": self.target,
            "classes": list(self.classes),
            "X": encoded(self.X),
            "y": encoded(self.y),
            "held": encoded(np.arange(self.train, n)),
            "mean": encoded(np.broadcast_to(self.x_mean, d0)),
            "scale": encoded(np.broadcast_to(self.x_scale, d0)),
            "yMean": self.y_mean,
            "yScale": self.y_scale,
            "picture": None if self.picture is None else list(self.picture),
            "darkest": self.darkest,
            "source": self.source,
        }


def _base64(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()
