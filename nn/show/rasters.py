"""Small pictures of numbers in a grid, as PNG files that stand in a page by themselves."""

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..arrays import Array, real_array

Colour = tuple[int, int, int]
LIGHT, DARK = (255, 255, 255), (0, 0, 0)


def png(indices: npt.ArrayLike, palette: Sequence[Colour]) -> str:
    """A PNG file as a data address: in row i and column j the colour ``palette[indices[i, j]]``."""
    pixels = np.asarray(indices, dtype=np.uint8)
    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(c for colour in palette for c in colour)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    ]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def between(low: Colour, high: Colour, n: int) -> list[Colour]:
    """So many colours from one to another, both included."""
    steps = np.linspace(low, high, n).round().astype(int).tolist()
    return [(r, g, b) for r, g, b in steps]


def check_picture(picture: npt.ArrayLike) -> Array:
    """Pixels as an array.

    Raises:
        ValueError: they are no rows and columns of finite numbers.
    """
    pixels = real_array(picture, "picture")
    if pixels.ndim != 2 or 0 in pixels.shape or not np.isfinite(pixels).all():
        raise ValueError(
            "picture must hold rows and columns of finite numbers, as x.reshape(8, 8) does, got "
            f"shape {pixels.shape}"
        )
    return pixels


def gray(pixels: Array) -> str:
    """Pixels as a picture: the smallest white, the largest black, as ink on paper."""
    low, high = float(pixels.min()), float(pixels.max())
    share = (pixels - low) / ((high - low) or 1.0)
    return png(np.round(15 * share).astype(int), between(LIGHT, DARK, 16))
