"""What mattered to a network: by shuffling columns, by moving one, by the gradient of one row.

The numbers say what the network goes by, not what is so in the world: of two columns that say the
same, each may seem to matter little.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from textwrap import fill
from typing import Any

import numpy as np

from autograd import Value
from autograd.show.notation import digits

from ..arrays import Array
from ..data.columns import Column
from ..data.datasets import Dataset
from ..data.tables import Table
from ..figures import INK, new_figure, plain_text
from ..model.likelihoods import chosen_classes, known_likelihood
from ..model.network import MLP

ROWS = 2000  # of the test part that are looked at
COLUMNS = 100  # of a table, at most, for what follows
SHUFFLES = 5
SHOWN = 3  # columns of which the dependence is drawn
STEPS = 25  # points of a line
ROUND = (1, 2, 5, 10)  # steps between the numbers below an axis: few digits, and whole years


@dataclass(frozen=True)
class Importance:
    """How much worse the score becomes when a column is shuffled.

    Attributes:
        column: its name.
        places: of its inputs.
        drop: the mean over some shuffles.
        spread: the standard deviation over them.
    """

    column: str
    places: tuple[int, ...]
    drop: float
    spread: float


def columns_of(data: Dataset) -> list[tuple[str, tuple[int, ...]]]:
    """The columns of a table, and the places of their inputs: several of a column of words."""
    places = iter(range(len(data.features)))
    return [
        (column.name, tuple(islice(places, len(column.inputs)))) for column in Table.of(data).inputs
    ]


def marks_of(data: Dataset) -> list[bool]:
    """Which inputs are 0 or 1, for a word."""
    return [mark for column in Table.of(data).inputs for mark in column.marks]


def importances(net: MLP, data: Dataset, seed: int = 0) -> list[Importance]:
    """What the score on the test part loses when a column is shuffled; the most first.

    The score is the accuracy, or R^2. All inputs of a column are shuffled together, five times
    (Breiman 2001, "Random forests", section 10).

    Args:
        net: trained on ``data``.
        data: with a test part.
        seed: of the shuffles.
    """
    X, y, likelihood = data.X_test[:ROWS], data.y_test[:ROWS], known_likelihood(data.loss)
    rng, whole = np.random.default_rng(seed), likelihood.measure(net.predict(X), y.astype(float))
    found = []
    for name, places in columns_of(data):
        drops = []
        for _ in range(SHUFFLES):
            shuffled = X.copy()
            shuffled[:, places] = X[rng.permutation(len(X))][:, places]
            score = likelihood.measure(net.predict(shuffled), y.astype(float))
            drops.append(whole - score)
        found.append(Importance(name, places, float(np.mean(drops)), float(np.std(drops))))
    return sorted(found, key=lambda one: -one.drop)


def dependence(net: MLP, data: Dataset, places: Sequence[int]) -> tuple[list[str], Array, Array]:
    """The mean prediction on the test part when a column says the same in all rows.

    Partial dependence (Friedman 2001, "Greedy function approximation", section 8.2): of a number at
    25 quantiles of the training part, with nothing missing; of words at each of them; of a date by
    its first part.

    Returns:
        The names of the words, or none; what the column says, ``(k,)``; and the means, ``(k,)`` of
        a number in its own units, else the probabilities of the classes, ``(k, K)``.
    """
    X, likelihood, at = data.X_test[:ROWS].copy(), known_likelihood(data.loss), list(places)
    marks = marks_of(data)
    if all(marks[i] for i in at):
        grid = np.unique(data.X_train[:, at], axis=0)
        raw = grid * data.x_scale[at] + data.x_mean[at]
        columns = zip(Table.of(data).inputs, columns_of(data))
        column = next(column for column, (_, own) in columns if own == tuple(places))
        names, shown = [_said(column, row.tolist()) for row in raw], np.arange(len(grid) + 0.0)
    else:
        gaps = [i for i in at if marks[i]]
        X[:, gaps] = (0.0 - data.x_mean[gaps]) / data.x_scale[gaps]
        at = at[:1]
        grid = np.unique(np.quantile(data.X_train[:, at[0]], np.linspace(0, 1, STEPS)))[:, None]
        names, shown = [], grid[:, 0] * data.x_scale[at[0]] + data.x_mean[at[0]]
    means = []
    for row in grid:
        X[:, at] = row
        a = net.predict(X)
        if data.classes:
            means.append(likelihood.probabilities(a).mean(axis=0))
        else:
            means.append(likelihood.mean(a).mean() * data.y_scale + data.y_mean)
    return names, shown, np.array(means)


def _said(column: Column, row: Sequence[float]) -> str:
    """Which word it is, or whether it is true, that a column's inputs stand for."""
    if column.gaps and row[-1] > 0.5:
        return "missing"
    if column.kind == "truth":
        return "yes" if row[0] > 0.5 else "no"
    on = (name for name, v in zip(column.inputs, row) if v > 0.5)
    return next(on, "none of them").removeprefix(f"{column.name} = ")


def gradient_by_input(net: MLP, data: Dataset, row: int = 0) -> list[tuple[str, float, float]]:
    """For a row of the test part: each input, what it says, and how the prediction moves with it.

    The prediction is the target in its own units; or, for classes, the logarithm of the probability
    of the class that the network says. It is the derivative, times a standard deviation of the
    input (for words, 0 and 1: times 1), found by one sweep back through the recorded network. The
    largest come first.
    """
    likelihood = known_likelihood(data.loss)
    x = [Value(v) for v in data.X_test[row].tolist()]
    a = net(x)
    if data.classes:
        outputs = np.array([v.data for v in a] if isinstance(a, list) else a.data)
        said = int(chosen_classes(outputs[None])[0])
        likelihood.loss(a, said).backward()
        scale = -1.0
    else:
        a.backward()
        scale = data.y_scale
    moves = [
        scale * v.grad / (s if mark else 1.0)
        for v, mark, s in zip(x, marks_of(data), data.x_scale.tolist())
    ]
    raw = (data.X_test[row] * data.x_scale + data.x_mean).tolist()
    return sorted(zip(data.features, raw, moves), key=lambda one: -abs(one[2]))


def figures(net: MLP, data: Dataset, found: Sequence[Importance]) -> Iterator[tuple[str, Any]]:
    """The importances as bars, and the dependence on the first columns."""
    score = known_likelihood(data.loss).score.label
    top = list(found[:12])[::-1]
    figure, (axes,) = new_figure((4.6, 0.6 + 0.28 * max(4, len(top))))
    drops, spreads = [one.drop for one in top], [one.spread for one in top]
    axes.barh(range(len(top)), drops, xerr=spreads, color=INK[0], ecolor="0.5")
    axes.set_yticks(range(len(top)), [plain_text(one.column) for one in top])
    axes.set_xlabel(f"fall of {score} when it is shuffled")
    axes.locator_params(axis="x", nbins=4, steps=ROUND)  # more would touch
    axes.axvline(0.0, color="0.5", linewidth=0.8)
    yield "what mattered", figure
    for one in found[:SHOWN]:
        yield f"prediction by {one.column}", _dependence_figure(net, data, one)


def _dependence_figure(net: MLP, data: Dataset, one: Importance) -> Any:
    names, shown, means = dependence(net, data, one.places)
    figure, (axes,) = new_figure((4.2, 3.8 if names else 3.0))
    lines = means.T if means.ndim == 2 else means[None]
    if len(lines) == 2:
        lines = lines[1:]  # the other is what is left of 1
    for k, line in enumerate(lines[: len(INK)]):
        label = plain_text(data.classes[k]) if len(lines) > 1 else None
        axes.plot(shown, line, "o" if names else "-", color=INK[k], label=label)
    if names:
        axes.set_xticks(shown, [plain_text(name) for name in names], rotation=90)
    else:
        axes.locator_params(axis="x", nbins=5, steps=ROUND)
    axes.set_xlabel(plain_text(one.column if names else data.features[one.places[0]]))
    if len(data.classes) == 2:
        what = f"probability of {plain_text(data.target)} = {plain_text(data.classes[1])}"
    else:
        what = "probability" if data.classes else f"{plain_text(data.target)}, predicted"
    # Long names would not fit beside the axes in one line, nor in their middle above long words.
    label = fill(f"mean {what}", 22, break_long_words=False)
    axes.set_ylabel(label, loc="top" if names else "center")
    if len(lines) > 1:
        axes.legend()
    return figure


def would_change(net: MLP, data: Dataset, most: int = 8) -> tuple[str, list[tuple[str, str, str]]]:
    """For the first test example: what is predicted, and by which inputs that would change most."""
    likelihood = known_likelihood(data.loss)
    a = net.predict(data.X_test[:1])
    if data.classes:
        k = int(chosen_classes(a)[0])
        p = float(likelihood.probabilities(a)[0, k])
        said = f"It says {data.classes[k]}, with probability {p:.2f}."
        effect = "the probability is multiplied by about"
    else:
        y = float(likelihood.mean(a)[0]) * data.y_scale + data.y_mean
        said = f"It says {digits(y)} for {data.target}."
        effect = f"{data.target} changes by about"
    rows = [("input", "what it says", f"if it were a tenth more*, {effect}")]
    for name, value, move in gradient_by_input(net, data)[:most]:
        step = move / 10
        said_of_it = f"{math.exp(step):.3f}" if data.classes else digits(step)
        rows.append((name, digits(value), said_of_it))
    return said, rows
