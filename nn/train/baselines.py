"""What could be had without a network: scores to stand beside its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autograd.show.notation import digits
from autograd.value import short_repr

from ..arrays import Array
from ..data.datasets import Dataset
from ..model.likelihoods import ACCURACY, R2, Likelihood, Score, chosen_classes, known_likelihood

BALANCED = Score(
    "balanced_accuracy", "balanced accuracy", "balanced {:.2%}",
    "{:.1%} if all classes count the same",
)  # fmt: skip
SHOWN = {score.name: score for score in (ACCURACY, BALANCED, R2)}

MOST = 4000  # rows of a system of equations: a larger one would take longer than a training
PENALTY = 1.0  # of the weights' squares, so that columns that go together do no harm


@dataclass(frozen=True)
class Baseline:
    """A way to predict that learns next to nothing.

    Attributes:
        name: what it is.
        scores: of the test part, by the names in `SHOWN`.
    """

    name: str
    scores: dict[str, float]


def baselines(data: Dataset) -> list[Baseline]:
    """The commonest class, or the mean, for all; and ridge regression.

    That is a linear model by least squares, with a penalty of 1 on the squares of the weights. For
    classes its targets are 0 and 1, an output for each class, of which the largest is taken: it may
    do worse than a network without hidden layers, which is linear too but fits probabilities.

    >>> from nn.data import datasets
    >>> for row in baselines(datasets.load("moons")):
    ...     print(row.name, row.scores["accuracy"])
    always 'lower', the commonest class 0.4
    ridge regression on 0 and 1 0.89
    """
    likelihood, K, n = known_likelihood(data.loss), len(data.classes), len(data.y_test)
    if not n:
        return []
    if K:
        commonest = int(np.bincount(data.y_train.astype(int), minlength=K).argmax())
        name = f"always {short_repr(data.classes[commonest])}, the commonest class"
        always = np.eye(K)[[commonest] * n] if likelihood.one_hot else np.full(n, commonest - 0.5)
    else:
        mean = float(data.y_train.mean())
        name = f"always {digits(mean * data.y_scale + data.y_mean)}, the mean"
        always = np.full(n, mean)
    found = [Baseline(name, _scores(likelihood, always, data))]
    if min(data.X_train.shape) <= MOST:
        name = "ridge regression on 0 and 1" if K else "a linear model (ridge regression)"
        found.append(Baseline(name, _scores(likelihood, _linear(data), data)))
    return found


def balanced_accuracy(outputs: Array, y: npt.NDArray[np.generic]) -> float:
    """The share of right ones in each class that there is, and of these the mean.

    Args:
        outputs: ``(n,)``, or ``(n, K)`` with an output per class.
        y: classes, ``(n,)``.

    >>> balanced_accuracy(np.array([-1.0, -1.0, -1.0, -1.0]), np.array([0, 0, 0, 1]))
    0.5
    """
    right = chosen_classes(outputs) == y
    _, place, n = np.unique(y, return_inverse=True, return_counts=True)
    return float((np.bincount(place, right) / n).mean())


def line_of(scores: Mapping[str, float]) -> str:
    """Scores, and a loss if there is one, in a line.

    >>> line_of({"loss": 0.25, "accuracy": 0.9})
    'loss 0.2500, accuracy 90.00%'
    """
    texts = [s.line.format(scores[name]) for name, s in SHOWN.items() if name in scores]
    if "loss" in scores:
        decimals = ".4g" if abs(scores["loss"]) >= 1e4 else ".4f"
        texts.insert(0, f"loss {scores['loss']:{decimals}}")
    return ", ".join(texts)


def _scores(likelihood: Likelihood, outputs: Array, data: Dataset) -> dict[str, float]:
    y = data.y_test.astype(float)
    scores = {likelihood.score.name: likelihood.measure(outputs, y)}
    if likelihood.score is ACCURACY:
        scores[BALANCED.name] = balanced_accuracy(outputs, y)
    return scores


def _linear(data: Dataset) -> Array:
    """The outputs of ridge regression on the test part; for classes its targets are 0 and 1."""
    X, y, K = data.X_train, data.y_train.astype(float), len(data.classes)
    one_hot = known_likelihood(data.loss).one_hot
    Y = np.eye(K)[data.y_train.astype(int)] if one_hot else (y - 0.5 if K else y)
    mean, offset = X.mean(axis=0), Y.mean(axis=0)
    if X.shape[1] <= len(X):
        w = np.linalg.solve(X.T @ X + PENALTY * np.eye(X.shape[1]), X.T @ (Y - offset))
    else:  # the same, by as many equations as there are rows
        w = X.T @ np.linalg.solve(X @ X.T + PENALTY * np.eye(len(X)), Y - offset)
    return np.asarray((data.X_test - mean) @ w + offset)
