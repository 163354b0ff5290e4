"""Pictures of a training and of what a network has learned, one function each, by matplotlib.

Each returns a figure, which shows itself in Jupyter and is saved by its ``savefig(path)``.

>>> import numpy as np
>>> from nn import MLP, bernoulli_nll, fit, plots
>>> net = MLP(2, [4, 1], activation="tanh", rng=np.random.default_rng(0))
>>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
>>> history = fit(net, bernoulli_nll, X, y, epochs=20, batch_size=4, lr=1.0, progress=False)
>>> plots.losses({"gradient descent": history}).savefig("losses.svg")       # doctest: +SKIP
>>> plots.decision_regions(net, X, y).savefig("regions.svg")                # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ..arrays import Array, check_whole, class_indices, class_pair, real_array
from ..data.datasets import Dataset
from ..figures import INK, new_figure, plain_text, plain_texts
from ..model.likelihoods import chosen_classes, known_likelihood
from ..model.module import Module
from ..model.network import MLP
from ..train.history import History

AGAINST = ("epochs", "updates", "gradient evaluations")

__all__ = [
    "Outcome",
    "calibration",
    "confusion_matrix",
    "decision_regions",
    "figures",
    "losses",
    "misclassified",
    "predicted_against_observed",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


def losses(histories: Mapping[str, History], against: str = "epochs") -> Any:
    """The loss of several trainings, by name: full lines in training, dashed in validation.

    Args:
        histories: what `fit` returned, by the name to be shown.
        against: "epochs"; "updates", t in the lecture; or "gradient evaluations", one for each
            example of each batch, which is what the work goes with.

    Raises:
        ValueError: ``against`` is something else, or there is no history, or one without rows.
        ModuleNotFoundError: matplotlib is not installed.
    """
    if against not in AGAINST:
        raise ValueError(f"against must be one of {', '.join(AGAINST)}, got {against!r}")
    given = histories.values() if isinstance(histories, Mapping) else ()
    if not given or not all(isinstance(history, History) and history for history in given):
        raise ValueError(
            "histories must hold a History or more, by name, each with an epoch or more: "
            "{'the name': history}"
        )
    figure, (axes,) = new_figure((7, 3.8))
    for i, (name, history) in enumerate(histories.items()):
        places = [row.epoch for row in history]
        if against != "epochs":
            updates = np.array([row.updates for row in history])
            places = updates.tolist()
            if against == "gradient evaluations":
                sizes = np.array([row.batch_size for row in history])
                places = np.cumsum(np.diff(updates, prepend=0) * sizes).tolist()
        ink, marker = INK[i % len(INK)], "o" if len(history) == 1 else None
        axes.plot(
            places, [row.loss for row in history], color=ink, label=plain_text(name), marker=marker
        )
        held_out = [row.validation_loss for row in history]
        if None not in held_out:
            axes.plot(places, held_out, color=ink, linestyle="--", marker=marker)
    what = "update t" if against == "updates" else against.removesuffix("s")
    what = "gradient evaluations (examples seen)" if against == AGAINST[2] else what
    axes.set(xlabel=what, ylabel="loss per example",
             title="negative log likelihood (dashed: held out)")  # fmt: skip
    if against == "epochs":
        axes.xaxis.get_major_locator().set_params(integer=True)
    if min(row.loss for history in histories.values() for row in history) > 0:
        axes.set_yscale("log")
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def decision_regions(
    net: Module,
    X: ArrayLike,
    y: ArrayLike,
    classes: Sequence[str] = (),
    features: Sequence[str] = ("x_0", "x_1"),
) -> Any:
    """Which class a network of two inputs chooses where, with the examples on top.

    Args:
        net: a classifier: one output (its sign decides: blue is positive), or one per class.
        X: examples, ``(n, 2)``.
        y: their classes, 0, 1, ...
        classes: their names.
        features: the names of the two inputs.

    Raises:
        ValueError: ``X`` is of another shape, or ``y`` does not go with it.
        TypeError: ``net`` is no network, or ``classes`` or ``features`` are not names in a list.
        ModuleNotFoundError: matplotlib is not installed.
    """
    if not hasattr(net, "predict"):
        raise TypeError(f"net must be a network, the first argument, got {net!r}")
    X = real_array(X, "X")
    if X.ndim != 2 or X.shape[1] != 2 or len(X) == 0:
        raise ValueError(f"X must have two columns, shape (n, 2), got {X.shape}")
    y = class_indices(y, "y")
    if len(y) != len(X):
        raise ValueError(f"y must have one class per row of X, {len(X)}, got {len(y)}")
    figure, (axes,) = new_figure((5.2, 4.4))
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.15 * np.where(high > low, high - low, 1.0)
    grid = [np.linspace(a, b, 160) for a, b in zip(low - margin, high + margin)]
    points = np.stack(np.meshgrid(*grid), axis=-1).reshape(-1, 2)
    outputs = net.predict(points)
    chosen = chosen_classes(outputs)
    K = max(2, int(y.max()) + 1, int(chosen.max()) + 1)
    order = (INK[1], INK[0], *INK[2:]) if outputs.ndim == 1 else INK
    inks = [order[k % len(order)] for k in range(K)]
    axes.contourf(*grid, chosen.reshape(160, 160), levels=np.arange(K + 1) - 0.5, colors=inks,
                  alpha=0.22)  # fmt: skip
    for k, name in enumerate(_names(classes, K)[:K]):
        axes.scatter(*X[y == k].T, s=14, color=inks[k], label=name,
                     edgecolor="white", linewidth=0.4)  # fmt: skip
    x_name, y_name, *_ = plain_texts("features", features, least=2)
    axes.set(xlabel=x_name, ylabel=y_name, title="decision regions")
    if 2 * len(INK) >= K:  # the names of more would take all the room
        axes.legend()
    return figure


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, classes: Sequence[str] = ()) -> Any:
    """How often each class was taken for each: rows are true classes, columns predicted ones.

    Args:
        true: class indices, ``(n,)``.
        predicted: likewise.
        classes: the classes' names.

    Raises:
        ValueError: the two differ in length, or hold something else than class indices.
        TypeError: ``classes`` are not names in a list.
        ModuleNotFoundError: matplotlib is not installed.
    """
    true, predicted = class_pair(true, predicted)
    names = _names(classes, int(max(true.max(), predicted.max())) + 1)
    K = len(names)
    counts = np.zeros((K, K), int)
    np.add.at(counts, (true, predicted), 1)
    size = max(3.6, 0.55 * K + 1.6)
    figure, (axes,) = new_figure((size, size))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    _cells(axes, share, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        dark = count > counts[i].sum() / 2
        axes.text(j, i, f"{count}", ha="center", va="center", color="white" if dark else "black",
                  alpha=1 if count else 0.3)  # fmt: skip
    right = int(counts.trace())
    long = max(map(len, names)) > 3
    axes.set_xticks(range(K), names, rotation=45 if long else 0, ha="right" if long else "center",
                    rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(K), names)
    axes.set(xlabel="predicted class", ylabel="true class",
             title=f"{right} of {len(true)} right")  # fmt: skip
    return figure


def calibration(true: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> Any:
    """How often the network is right against how sure it is: on the line, as often as it says.

    For each example, what counts is the class that is most probable: the reliability diagram of
    DeGroot and Fienberg (1983), as Guo et al. (2017) have it for several classes.

    Args:
        true: class indices, ``(n,)``.
        probabilities: of the classes, ``(n, K)``.
        bins: how many intervals of probabilities are told apart.

    Raises:
        ValueError: the two do not go together, or ``probabilities`` are none.
        ModuleNotFoundError: matplotlib is not installed.
    """
    true, p = class_indices(true, "true"), real_array(probabilities, "probabilities")
    if p.ndim != 2 or len(p) != len(true) or p.shape[1] <= true.max():
        raise ValueError(
            f"probabilities must have shape ({len(true)}, K), a column per class, got {p.shape}"
        )
    if not ((p >= 0).all() and (p <= 1).all()):
        raise ValueError("probabilities must lie in [0, 1]")
    check_whole("bins", bins)
    sure, right = p.max(axis=1), p.argmax(axis=1) == true
    place = np.minimum((sure * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    at = np.flatnonzero(n)
    means = [np.bincount(place, v, bins)[at] / n[at] for v in (sure, right.astype(float))]
    figure, (axes,) = new_figure((4.6, 4.4))
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, label="as often as it says")
    axes.plot(*means, color=INK[0], marker="o")
    for x, y, count in zip(*means, n[at].tolist()):
        axes.annotate(f"{count}", (x, y), textcoords="offset points", xytext=(5, -10), fontsize=8)
    axes.set(xlabel="probability of the predicted class", ylabel="part of them that is right",
             xlim=(-0.02, 1.05), ylim=(-0.02, 1.05),
             title="calibration (with how many)")  # fmt: skip
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def predicted_against_observed(observed: ArrayLike, predicted: ArrayLike, name: str = "y") -> Any:
    """Predictions of a regression against what was observed; right ones stand on the line.

    Raises:
        ValueError: the two differ in length, or hold something else than finite numbers.
        ModuleNotFoundError: matplotlib is not installed.
    """
    observed, predicted = real_array(observed, "observed"), real_array(predicted, "predicted")
    if observed.shape != predicted.shape or observed.ndim != 1 or len(observed) == 0:
        raise ValueError(
            "observed and predicted must be vectors of one length, got shapes "
            f"{observed.shape} and {predicted.shape}"
        )
    if not (np.isfinite(observed).all() and np.isfinite(predicted).all()):
        raise ValueError("observed and predicted must hold finite numbers")
    figure, (axes,) = new_figure((4.6, 4.4))
    ends = [min(observed.min(), predicted.min()), max(observed.max(), predicted.max())]
    axes.plot(ends, ends, color="#888888", linewidth=1, label="predicted = observed")
    axes.scatter(observed, predicted, s=14, color=INK[0], alpha=0.7)
    axes.locator_params(nbins=5)
    name = plain_text(name)
    axes.set(xlabel=f"observed {name}", ylabel=f"predicted {name}",
             title=f"{len(observed)} examples")  # fmt: skip
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def misclassified(
    X: ArrayLike,
    true: ArrayLike,
    predicted: ArrayLike,
    classes: Sequence[str] = (),
    shape: tuple[int, int] = (8, 8),
    most: int = 20,
) -> Any:
    """The images that were taken for something else, and for what.

    Args:
        X: images, one per row, ``(n, height * width)``.
        true: class indices, ``(n,)``.
        predicted: likewise.
        classes: the classes' names.
        shape: height and width.
        most: how many to show, the first ones.

    Raises:
        ValueError: lengths or shapes do not go together.
        TypeError: ``classes`` are not names in a list.
        ModuleNotFoundError: matplotlib is not installed.
    """
    X = real_array(X, "X")
    true, predicted = class_pair(true, predicted)
    if np.shape(shape) != (2,):
        raise ValueError(f"shape must be a pair, height and width, got {shape!r}")
    if X.shape != (len(true), shape[0] * shape[1]):
        raise ValueError(
            f"X must hold {len(true)} images of {shape[0]} x {shape[1]}, shape "
            f"({len(true)}, {shape[0] * shape[1]}), got {X.shape}"
        )
    names = _names(classes, int(max(true.max(), predicted.max())) + 1)
    wrong = np.flatnonzero(true != predicted)
    shown = wrong[:most]
    columns = max(1, min(5, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    figure, axes = new_figure((1.5 * max(columns, 3), 1.75 * rows + 0.5), rows, columns)
    for ax in axes:
        ax.set_axis_off()
    for ax, i in zip(axes, shown):
        low, high = X[i].min(), X[i].max()
        image = np.ma.masked_equal(X[i].reshape(shape), low)  # white, as what is not drawn
        _cells(ax, image, cmap="gray_r", vmin=low, vmax=high)
        ax.set_title(f"{names[true[i]]} taken\nfor {names[predicted[i]]}", fontsize=9)
    more = f", the first {len(shown)}" if len(shown) < len(wrong) else ""
    figure.suptitle(f"{len(wrong)} of {len(true)} wrong{more}")
    return figure


def _cells(axes: Any, values: Array, **colours: Any) -> None:
    """A matrix as cells, row 0 on top. An image would do, but a page's policy may forbid images."""
    edges = [np.arange(n + 1) - 0.5 for n in values.shape]
    # Edges of their own colour: without, what lies behind would be seen between two cells.
    axes.pcolormesh(
        *edges[::-1], values, shading="flat", edgecolors="face", linewidth=0.2, **colours
    )
    axes.set(aspect="equal", xlim=edges[1][[0, -1]], ylim=edges[0][[-1, 0]])


@dataclass(frozen=True)
class Outcome:
    """What a trained network makes of the test part of a data set, in the table's own numbers.

    Attributes:
        data: the data set.
        net: the network.
        X: the inputs of the test part, ``(n, d_0)``.
        a: the network's outputs, ``(n,)`` or ``(n, K)``.
        true, predicted: its targets, and what the network says: classes, or numbers.
    """

    data: Dataset
    net: MLP
    X: Array
    a: Array
    true: npt.NDArray[Any]
    predicted: npt.NDArray[Any]

    @classmethod
    def of(cls, data: Dataset, net: MLP) -> Outcome:
        """The outcome of a training."""
        X, a = data.X_test * data.x_scale + data.x_mean, net.predict(data.X_test)
        if data.classes:
            return cls(data, net, X, a, data.y_test.astype(int), chosen_classes(a))
        true, predicted = (
            v * data.y_scale + data.y_mean
            for v in (data.y_test, known_likelihood(data.loss).mean(a))
        )
        return cls(data, net, X, a, true, predicted)


class _Unscaled(Module):
    """A network that takes the columns as they were before they were standardised."""

    def __init__(self, net: MLP, data: Dataset) -> None:
        self.net, self.data = net, data

    def predict(self, X: Any) -> Any:
        """The outputs for rows of the table's own numbers."""
        return self.net.predict((X - self.data.x_mean) / self.data.x_scale)


@dataclass(frozen=True)
class _Row:
    """A figure of the report: what it is called, which outcomes it is for, and how it is made."""

    name: str
    fits: Callable[[Outcome], bool]
    make: Callable[[Outcome], Any]


# fmt: off
FIGURES = (
    _Row("predicted against observed", lambda o: not o.data.classes,
         lambda o: predicted_against_observed(o.true, o.predicted, o.data.target)),
    _Row("confusion matrix", lambda o: bool(o.data.classes),
         lambda o: confusion_matrix(o.true, o.predicted, o.data.classes)),
    _Row("calibration", lambda o: bool(o.data.classes),
         lambda o: calibration(o.true, known_likelihood(o.data.loss).probabilities(o.a))),
    _Row("misclassified", lambda o: o.data.name == "digits" and len(o.data.features) == 64
         and bool(o.data.classes),
         lambda o: misclassified(o.X, o.true, o.predicted, o.data.classes)),
    _Row("decision regions", lambda o: bool(o.data.classes) and len(o.data.features) == 2,
         lambda o: decision_regions(_Unscaled(o.net, o.data), o.X, o.true, o.data.classes,
                                    o.data.features)),
)
# fmt: on


def figures(outcome: Outcome) -> Iterator[tuple[str, Any]]:
    """All figures that are for an outcome, by name."""
    return ((row.name, row.make(outcome)) for row in FIGURES if row.fits(outcome))


def _names(classes: Sequence[str], K: int) -> list[str]:
    names = plain_texts("classes", classes)
    return names + [f"{k}" for k in range(len(names), K)]
