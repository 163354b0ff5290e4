"""What a training takes where nothing is given: batches, epochs and a rate that fit the data."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from autograd.vectors import assign, data_of

from ..arrays import (
    Array,
    check_batch_size,
    check_examples,
    check_generator,
    check_positive,
    check_whole,
)
from ..model.likelihoods import Loss
from ..model.module import Module, check_network
from .fit import fit
from .optimizers import SGD
from .schedules import BatchSize
from .stepping import Optimizer

BATCH = 16
# Enough for the scores of some forty public tables: 2,000 were too few for some of them.
UPDATES = 3000
EPOCHS = 200  # at least, up to so many updates:
LONG = 100_000
FEWEST_EPOCHS = 20  # beyond
SWEPT = 20  # epochs in a sweep, which has many trainings
RATES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
DECAY = 0.01  # at most
TRIED = 200  # updates with each rate
FAR = 10  # updates with each rate on the examples farthest from 0
NEARLY = 0.2  # of the least loss


def usual_batch_size(n: int) -> int:
    """Examples in a batch of n: 16, or all of them if they are fewer.

    >>> usual_batch_size(400), usual_batch_size(4)
    (16, 4)
    """
    return min(BATCH, n)


def usual_epochs(n: int, batch_size: int) -> int:
    """Epochs for 3,000 updates with n examples, or 200; or for 100,000 updates, but 20 or more.

    >>> [usual_epochs(n, 16) for n in (100, 4_000, 40_000, 400_000)]
    [500, 200, 40, 20]
    """
    updates = n // batch_size
    return max(math.ceil(UPDATES / updates), min(EPOCHS, math.ceil(LONG / updates)), FEWEST_EPOCHS)


def first_size(n: int, size: int | BatchSize) -> int:
    """Examples in a batch of the first epoch, of n; a schedule is capped at n.

    >>> first_size(10, 4), first_size(10, lambda epoch: 16)
    (4, 10)
    """
    return min(size(1), n) if callable(size) else size


def usual_lr(rule: Optimizer) -> float:
    """The rate of an optimizer where none is tried.

    >>> from nn import SGD, Adam
    >>> usual_lr(SGD()), usual_lr(Adam())
    (0.1, 0.001)
    """
    return 0.1 if isinstance(rule, SGD) else rule.lr


def updates_of(n: int, size: int | BatchSize, epochs: int) -> int:
    """Updates with n examples in so many epochs, if batches have a size or follow a schedule.

    >>> updates_of(100, 10, 3), updates_of(100, lambda epoch: 10 * epoch, 3)
    (30, 18)
    """
    if not callable(size):
        return epochs * (n // size)
    return sum(n // min(size(epoch), n) for epoch in range(1, epochs + 1))


def usual_decays(n: int) -> tuple[float, float]:
    """The weight decay of SGD for n examples, 1/n but 0.01 at most; and a heavier one to try, 10/n.

    The mean loss plus theta^2 / 2n is, but for a factor n, the negative log of the likelihood times
    that of a standard normal prior of the parameters: as in ridge regression, the fewer examples
    there are, the more the prior counts; but for fewer than 100 the usual one stays at 0.01, so
    that four rows can be learned. With 10/n the prior's variance is 1/10.

    >>> usual_decays(400), usual_decays(50)
    ((0.0025, 0.025), (0.01, 0.2))
    """
    return min(1 / n, DECAY), 10 / n


def next_rate(lr: float) -> float | None:
    """The next smaller of the rates that `find_lr` tries; None if it was the smallest.

    >>> next_rate(0.3), next_rate(0.001)
    (0.1, None)
    """
    return max((rate for rate in RATES if rate < lr), default=None)


def find_lr(
    net: Module,
    loss: Loss,
    X: ArrayLike,
    y: ArrayLike,
    *,
    batch_size: int | None = None,
    optimizer: str | Optimizer | None = None,
    rates: Sequence[float] = RATES,
    updates: int = TRIED,
    rng: np.random.Generator | None = None,
) -> tuple[float, dict[float, float]]:
    """Try rates, each in a short training from the same start, and choose one.

    The best is the one with the least mean of the losses that its training met: too small a rate
    does not get far, too large a one swings or diverges. A rate at which the loss grows on the b
    examples farthest from 0 is left out, unless it grows at all rates: they may be too rare to show
    it in a short training, and would in a long one. ``net`` itself is left as it is.

    Args:
        net: where to start; any network that `fit` trains.
        loss: as in `fit`.
        X: inputs, ``(n, d_0)``, of which so many rows are used, at random, as the updates need.
        y: targets, ``(n,)`` or ``(n, d_L)``.
        batch_size: b; 16, or all of the rows if they are fewer, if not given.
        optimizer: as in `fit`.
        rates: what to try.
        updates: how many, at most, with each; besides 10 on the farthest examples.
        rng: where the rows and the batches come from, the same for each rate; of seed 0, if not
            given.

    Returns:
        The rate, and the mean loss by rate, without the rates that diverged or were left out.

    Raises:
        ValueError: as in `fit`; or there is no rate to try.
        TypeError: as in `fit`.
        FloatingPointError: all rates diverge.

    >>> import numpy as np
    >>> from nn import MLP, datasets
    >>> moons = datasets.load("moons")
    >>> net = MLP(2, [8, 1], rng=np.random.default_rng(0))
    >>> lr, losses = find_lr(net, moons.loss, moons.X_train, moons.y_train,
    ...                      rates=[0.01, 0.1, 1.0], rng=np.random.default_rng(1))
    >>> lr, [round(loss, 2) for loss in losses.values()]
    (1.0, [0.62, 0.38, 0.16])
    """
    check_network(net)
    X, y = check_examples(X, y)
    b = usual_batch_size(len(X)) if batch_size is None else batch_size
    check_batch_size(b, len(X))
    check_whole("updates", updates)
    seed = copy.deepcopy(np.random.default_rng(0) if rng is None else check_generator(rng))
    rates = list(rates) if isinstance(rates, Iterable) else []
    if not rates:
        raise ValueError("rates must be a list of rates to try, and is empty or something else")
    for lr in rates:
        check_positive(lr=lr)
    far = np.argpartition(np.einsum("ij,ij->i", X, X, dtype=float), -b)[-b:]
    X_far, y_far = X[far], y[far]
    epochs = math.ceil(updates / (len(X) // b))
    n = b * (updates // epochs)
    if n < len(X):  # at random, since tables may be sorted
        rows = np.sort(seed.permutation(len(X))[:n])
        X, y = X[rows], y[rows]
    trial = copy.deepcopy(net)
    parameters = trial.parameters()
    start = data_of(parameters).tolist()

    def train(X: Array, y: ArrayLike, lr: float, epochs: int) -> list[float]:
        assign(parameters, start)
        history = fit(
            trial, loss, X, y, epochs=epochs, batch_size=b, lr=lr,
            optimizer=copy.deepcopy(optimizer), rng=copy.deepcopy(seed), progress=False,
            engine="program",
        )  # fmt: skip
        return [row.loss for row in history]

    met, steady = dict[float, float](), list[float]()
    for lr in rates:
        try:
            first, *_, last = train(X_far, y_far, lr, FAR)
            met[lr] = math.fsum(train(X, y, lr, epochs)) / epochs
        except FloatingPointError:
            continue
        if last <= first:
            steady.append(lr)
    # A network that has learned the farthest already can only get worse there, at any rate.
    losses = {lr: met[lr] for lr in steady} or met
    if not losses:
        raise FloatingPointError(f"the training diverges at every rate tried, {rates}")
    return choose_rate(losses, falls=False), losses


def choose_rate(losses: Mapping[float, float], falls: bool) -> float:
    """The rate with the least loss; of one that ``falls``, the largest whose loss is nearly that.

    It may be larger by a fifth: a larger rate gets farther, and what it swings more is calmed as it
    falls.

    >>> choose_rate({1.0: 2.5, 0.3: 1.15, 0.1: 1.0}, falls=True)
    0.3
    >>> choose_rate({1.0: 2.5, 0.3: 1.15, 0.1: 1.0}, falls=False)
    0.1
    """
    if not falls:
        return min(losses, key=losses.__getitem__)
    least = min(losses.values())
    return max(lr for lr, loss in losses.items() if loss <= least + NEARLY * abs(least))
