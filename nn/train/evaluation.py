"""How good a network is on some examples."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..model.likelihoods import Loss, check_loss, likelihood_of
from ..model.module import Module, check_network
from .choice import engine_class
from .examples import Examples
from .optimizers import SGD


def evaluate(
    net: Module, loss: Loss, X: ArrayLike, y: ArrayLike, *, engine: str = "program"
) -> dict[str, float]:
    """Mean loss over the rows of ``X``, and the score that goes with the loss.

    ``engine`` is as in `fit`.

    Returns:
        ``{"loss": ...}`` with ``"accuracy"`` for the two classification losses, or ``"r2"`` for
        `gaussian_nll` (1 minus the residual over the total sum of squares).

    Raises:
        ValueError: as in `fit`, of ``net``, ``X``, ``y`` and ``engine``.
        TypeError: as in `fit`, of ``net`` and ``loss``.
    """
    check_network(net)
    check_loss(loss)
    examples = Examples(X, y)
    worker = engine_class(engine)(net, loss, *examples.open(net, loss, epoch=1), SGD())
    worker.check_examples()
    return scores_of(loss, examples.y, *worker.evaluate(examples.parts()))


def scores_of(loss: Loss, true: ArrayLike, losses: Array, outputs: Array) -> dict[str, float]:
    """The mean loss, and the score that goes with it."""
    result = {"loss": mean_of(losses)}
    likelihood = likelihood_of(loss)
    if likelihood is not None:
        score = likelihood.measure(outputs, np.asarray(true, dtype=float))
        # An output that is nan says no class.
        result[likelihood.score.name] = math.nan if np.isnan(outputs).any() else score
    return result


def mean_of(losses: Sequence[float] | Array) -> float:
    """The mean, correctly rounded, even of losses whose sum is beyond the floats."""
    try:
        return math.fsum(losses) / len(losses)
    except OverflowError:
        return 2 * math.fsum([loss / 2 / len(losses) for loss in losses])  # room to round in
