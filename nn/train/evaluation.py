"""How good a network is on some examples."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, check_examples
from ..model.likelihoods import Loss, likelihood_of
from ..model.module import Module
from .engines import engine_class
from .optimizers import SGD
from .recording import loss_of


def evaluate(
    net: Module, loss: Loss, X: npt.ArrayLike, y: npt.ArrayLike, *, engine: str = "program"
) -> dict[str, float]:
    """Mean loss over the rows of ``X``, and the score that goes with the loss.

    ``engine`` is as in `fit`.

    Returns:
        ``{"loss": ...}`` with ``"accuracy"`` for the two classification losses, or ``"r2"`` for
        `gaussian_nll` (1 minus the residual over the total sum of squares).

    Raises:
        ValueError: as in `fit`, of ``X``, ``y`` and ``engine``.
    """
    X, y = check_examples(X, y)
    try_targets(net, loss, X, y)
    worker = engine_class(engine)(net, loss, X, y, SGD())
    worker.check_examples()
    return scores_of(loss, y, *worker.evaluate(X, y))


def scores_of(loss: Loss, true: Array, losses: Array, outputs: Array) -> dict[str, float]:
    """The mean loss, and the score that goes with it."""
    result = {"loss": mean_of(losses.tolist())}
    likelihood = likelihood_of(loss)
    if likelihood is not None:
        result[likelihood.score.name] = likelihood.measure(outputs, true)
    return result


def mean_of(losses: list[float]) -> float:
    """The mean, to the last digit, also of losses whose sum is beyond the floats."""
    try:
        return math.fsum(losses) / len(losses)
    except OverflowError:
        return math.fsum([loss / len(losses) for loss in losses])


def try_targets(net: Module, loss: Loss, X: Array, y: Array) -> None:
    """Try one row and every target, so that what does not fit fails before any change."""
    a: Any = net(X[0].tolist())
    targets, first = np.unique(y, axis=0, return_index=True)
    for target, i in zip(targets.tolist(), first.tolist()):
        loss_of(loss, a, target, i, "the target of ")
