"""Matplotlib's figures, as they are made here: shown by Jupyter, without pyplot's global state."""

import html
import io
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from autograd.show.notation import ELLIPSIS, printable

# Told apart by nearly everybody: Okabe and Ito (2008), "Color universal design".
INK = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


def new_figure(
    size: tuple[float, float], rows: int = 1, columns: int = 1, share: bool = False
) -> tuple[Any, Any]:
    """A figure of a size in inches, and its axes in a flat array; with one scale if ``shared``.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "plots need matplotlib: pip install matplotlib (part of the extra chalkgrad[demo])"
        ) from None

    class Plot(Figure):
        """A figure that Jupyter can show though pyplot, with its global state, is not used."""

        def _repr_png_(self) -> bytes:  # every notebook shows PNG, but not every one SVG
            return png(self)

    figure = Plot(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).ravel()


def plain_text(name: object) -> str:
    """A user's name as a text for matplotlib: not too long, without signs that it interprets."""
    text = printable(name)
    text = text if len(text) <= 18 else f"{text[:17]}{ELLIPSIS}"
    if text.startswith("_"):  # matplotlib would leave it out: a space of no width goes first
        text = f"\u200b{text}"
    return text.replace("$", r"\$")


def plain_texts(argument: str, names: Any, least: int = 0) -> list[str]:
    """Names as such texts; ``argument`` is what the error calls them.

    Raises:
        TypeError: they are not names in a list, or fewer than ``least``.
    """
    texts = [plain_text(name) for name in names] if isinstance(names, Iterable) else None
    if texts is None or len(texts) < least:
        needed = f"{least} " if least else ""
        raise TypeError(f"{argument} must be {needed}names, in a list, got {names!r}")
    return texts


def png(figure: Any) -> bytes:
    """A figure as a PNG image."""
    data = io.BytesIO()
    with _quiet():
        figure.savefig(data, format="png")
    return data.getvalue()


def svg(figure: Any) -> str:
    """A figure as an SVG document, the same for the same figure."""
    from matplotlib import rc_context

    text = io.StringIO()
    with _quiet(), rc_context({"svg.hashsalt": "chalkgrad"}):
        if figure.get_layout_engine() is not None:  # only once, or everything would move each time
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def element(figure: Any, name: str) -> str:
    """A figure as an element of a page, with a name for those who can't see it.

    It is painted by attributes: whoever serves the page may forbid it images and styles of its own.
    Its ids are those of no other figure and name.
    """
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "path"}):  # so no text of a user's is in it
        text = svg(figure)
    own = f"f{zlib.crc32((name + text).encode()):08x}-"
    gone = r"^.*?(?=<svg)|<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->"
    text = re.sub(gone, "", text, flags=re.DOTALL)
    text = re.sub(r' style="([^"]*)"', lambda style: _attributes(style[1]), text)
    used = {*re.findall(r'(?:href="|url\()#([^")]*)', text)}
    text = re.sub(r' id="([^"]*)"', lambda id: id[0] if id[1] in used else "", text)
    text = re.sub(r'(?<= id=")|(?<=href="#)|(?<=url\(#)', own, text)
    # What its style sheet says of all elements, they inherit.
    root = _attributes("stroke-linejoin: round; stroke-linecap: butt")
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(name)}"{root}', 1)


def _attributes(style: str) -> str:
    return re.sub(r"([\w-]+): *([^;]+)(?:; *|$)", r' \1="\2"', style)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings about characters that the font lacks: they are drawn as empty boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        yield
