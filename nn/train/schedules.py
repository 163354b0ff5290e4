"""Schedules: of the rate, by the update t = 1, 2, ..., and of the batch size, by the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..arrays import check_from_zero, check_positive

LearningRate = Callable[[int], float]
BatchSize = Callable[[int], int]


def step_decay(lr: float, factor: float = 0.5, every: int = 1000) -> LearningRate:
    """A rate that starts at ``lr`` and is multiplied by ``factor`` after ``every`` updates.

    Raises:
        ValueError: an argument is not a positive number, or ``factor`` is above 1.

    >>> [step_decay(0.8, 0.5, every=2)(t) for t in (1, 2, 3, 4, 5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """
    check_positive(lr=lr, factor=factor, every=every)
    if factor > 1:
        raise ValueError(f"factor must be at most 1, for the rate to fall, got {factor!r}")
    return lambda t: lr * factor ** ((t - 1) // every)


def inverse_time(lr: float, t0: float = 1.0) -> LearningRate:
    """A rate that falls as 1/t: lr t0 / (t0 + t - 1), half of ``lr`` after ``t0`` updates.

    It meets the conditions of Robbins and Monro (1951) for noise to average out: the rates sum to
    infinity, so that any distance can be covered, and their squares do not, so that the noise dies.

    Raises:
        ValueError: an argument is not a positive number.

    >>> [inverse_time(1.0)(t) for t in (1, 2, 4)]
    [1.0, 0.5, 0.25]
    """
    check_positive(lr=lr, t0=t0)
    return lambda t: lr * t0 / (t0 + t - 1)


def cosine(lr: float, updates: int, final: float = 0.0) -> LearningRate:
    """A rate that goes from ``lr`` to ``final`` in ``updates`` updates along half a cosine.

    Without the restarts of Loshchilov and Hutter (2017), eq. 5. It stays at ``final`` afterwards.

    Raises:
        ValueError: ``lr`` or ``updates`` is not a positive number, or ``final`` is below 0.

    >>> [round(cosine(1.0, updates=5)(t), 3) for t in (1, 2, 3, 4, 5, 6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    check_positive(lr=lr, updates=updates)
    check_from_zero(final=final)
    last = max(updates - 1, 1)
    return lambda t: final + (lr - final) * (1 + math.cos(math.pi * min((t - 1) / last, 1.0))) / 2


def growing(batch_size: int, factor: float = 2.0, period: int = 5) -> BatchSize:
    """Batches that start at ``batch_size`` and grow by ``factor`` after each ``period`` epochs.

    The lecture's closing question: the noise of small batches early, when it helps to get away from
    saddles and poor minima, and little of it late, when it keeps the loss from settling. See Smith
    et al. (2018), "Don't decay the learning rate, increase the batch size".

    Raises:
        ValueError: an argument is not a positive number, or ``factor`` is below 1.

    >>> [growing(4, 2, period=2)(epoch) for epoch in (1, 2, 3, 4, 5)]
    [4, 4, 8, 8, 16]
    """
    check_positive(batch_size=batch_size, factor=factor, period=period)
    if factor < 1:
        raise ValueError(f"factor must be at least 1, for batches to grow, got {factor!r}")

    def size(epoch: int) -> int:
        times = (epoch - 1) // period
        # Beyond 2^40 a size is far above any n, and the power would overflow in the end.
        return round(batch_size * factor**times) if times * math.log2(factor) < 40 else 2**40

    return size
