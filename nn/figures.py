"""Matplotlib's figures, as they are made here: shown by Jupyter, without pyplot's global state."""

import io
import warnings
from typing import Any

# Told apart by nearly everybody: Okabe and Ito (2008), "Color universal design".
INK = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


def new_figure(size: tuple[float, float], rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes in a flat array.

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

        def _repr_svg_(self) -> str:
            return svg(self)

    figure = Plot(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False).ravel()


def svg(figure: Any) -> str:
    """A figure as an SVG document, the same for the same figure."""
    from matplotlib import rc_context

    with warnings.catch_warnings():  # a sign that the font has not is an empty box
        warnings.filterwarnings("ignore", message="Glyph")
        return _svg(figure, rc_context)


def _svg(figure: Any, rc_context: Any) -> str:
    if figure.get_layout_engine() is not None:  # once, or places would move a little every time
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "chalkgrad"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
