"""Cross-validation: which network to train, with which decay, how long, at which rate."""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from autograd.vectors import assign, data_of

from ..arrays import Array
from ..model.likelihoods import Loss
from ..model.network import MLP
from .callbacks import EarlyStopping
from .defaults import choose_rate, find_lr, next_rate, updates_of, usual_epochs
from .evaluation import evaluate
from .fit import fit
from .schedules import LearningRate, cosine
from .stepping import Optimizer

WIDTHS = ((32,), ())  # a hidden layer, or none: what is tried where nothing is given
FEWER: Sequence[float] = (1 / 4, 1 / 16)  # of the usual epochs: what else is tried
MORE = 4  # times the usual epochs: what is tried if a quarter is clearly too few
CLEARLY = 0.01  # of the accuracy, or of R^2
PARTS = 5
FEWEST = 20  # examples: of fewer none are kept aside
MANY = 1000  # examples to train on, of which one part kept aside tells enough
MOST = 20_000  # examples: of more, so many at random

Rate = Callable[[int], float | LearningRate]


@dataclass(frozen=True)
class Trial:
    """A training that was tried.

    Attributes:
        net: with its first parameters.
        optimizer: as in `fit`.
        lr: the rate that was found; None if one was given.
        rates: the mean loss by rate, of those that were tried.
        epochs: of the training to come.
        loss: the mean loss on the parts kept aside; infinite if the training diverged, or there
            were none.
        score: the mean score there that goes with the loss; -infinity if the training diverged, or
            there were none.
    """

    net: MLP
    optimizer: str | Optimizer
    lr: float | None
    rates: dict[float, float]
    epochs: int
    loss: float
    score: float


def enough_to_keep_aside(n: int) -> bool:
    """Whether of n examples a fifth is kept aside in a training: if 1,000 or more are left.

    >>> enough_to_keep_aside(1248), enough_to_keep_aside(1249)
    (False, True)
    """
    return n - n // PARTS >= MANY


def try_networks(
    nets: Sequence[MLP],
    loss: Loss,
    X: Array,
    y: npt.NDArray[np.generic],
    *,
    batch_size: int,
    optimizers: Sequence[str | Optimizer],
    lr: Rate | None = None,
    epochs: int | None = None,
    tune: bool = False,
    best_epoch: bool = False,
    rng: np.random.Generator,
) -> list[Trial]:
    """Compare networks by whole trainings, and for the best of them optimizers and epochs.

    A rate is found for each network. All are trained with the first optimizer; then, to ``tune`` it
    too, the best of them with one thing changed: with another optimizer, or for a quarter or a 16th
    of the epochs, or for four times as many if a quarter is clearly too few. Each is tried by five
    trainings, with another fifth of the examples kept aside; with 1,000 examples or more by one, on
    20,000 at most. With fewer than 20 none is tried, and the first network and optimizer are taken.
    The networks themselves are left as they are.

    Args:
        nets: the networks.
        loss: one of the three, which have a score.
        X: inputs, ``(n, d_0)``.
        y: targets, ``(n,)`` or ``(n, d_L)``.
        batch_size: of the training to come.
        optimizers: one or more, as in `fit`.
        lr: the rate, or a schedule, for a number of updates. If not given, `find_lr` finds it on
            all examples; if ``epochs`` are not given either, it falls to 0 along half a cosine, and
            is the largest that is nearly the best.
        epochs: of each training; if not given, `usual_epochs`.
        tune: whether other optimizers than the first, and fewer or more epochs, are tried too.
        best_epoch: whether the training to come takes the network of its best epoch. Then trials do
            so, and there is less to tune: no other optimizers, and not a 16th of the epochs.
        rng: where the parts and the batches come from, the same for all trainings.

    Returns:
        The trials in their order: `best_of` them is the one to take.

    Raises:
        FloatingPointError: a network diverges at every rate.
    """
    n, trials, parts = len(X), list[Trial](), list[npt.NDArray[np.intp]]()
    if n < FEWEST:
        nets = nets[:1]
    elif len(nets) > 1 or tune:
        parts = np.array_split(rng.permutation(n)[:MOST], PARTS)
    aside = _Aside(loss, X, y, parts, batch_size, lr, epochs, best_epoch, rng)
    for net in nets:
        found, rates = None, dict[float, float]()
        if lr is None:
            _, rates = find_lr(
                net, loss, X, y, batch_size=batch_size, optimizer=optimizers[0], rng=rng
            )
            found = choose_rate(rates, falls=epochs is None)
        trials.append(aside.tried(net, optimizers[0], found, rates))
    if parts and tune:
        best = best_of(trials)
        for other in () if best_epoch else optimizers[1:]:
            trials.append(aside.tried(best.net, other, best.lr, best.rates))
        trials += aside.other_epochs(best)
    return trials


def best_of(trials: Sequence[Trial]) -> Trial:
    """The one with the least loss; of equal ones the first."""
    return min(trials, key=lambda trial: trial.loss)


def _constant(lr: float, updates: int) -> float:
    return lr


@dataclass(frozen=True)
class _Aside:
    """Trainings with a part of the examples kept aside each."""

    loss: Loss
    X: Array
    y: npt.NDArray[np.generic]
    parts: Sequence[npt.NDArray[np.intp]]
    batch_size: int
    lr: Rate | None
    epochs: int | None
    best_epoch: bool
    rng: np.random.Generator

    def tried(
        self,
        net: MLP,
        optimizer: str | Optimizer,
        found: float | None,
        rates: dict[float, float],
        times: float = 1,
    ) -> Trial:
        """A trial for the epochs that are given, or so many times the usual ones.

        Where the rate that was found diverges, it has the first smaller one that does not.
        """
        trial = partial(Trial, net, optimizer, rates=rates, epochs=self._epochs(len(self.X), times))
        for lr, rate in self._rates(found) if self.parts else ():
            try:
                loss, score = self._scores_of(net, optimizer, rate, times)
            except FloatingPointError:
                continue
            return trial(lr=lr, loss=loss, score=score)
        return trial(lr=found, loss=math.inf, score=-math.inf)

    def other_epochs(self, best: Trial) -> Iterator[Trial]:
        """Trials for fewer epochs; and for more if a quarter is clearly worse."""
        tried = partial(self.tried, best.net, best.optimizer, best.lr, best.rates)
        quarter, *others = map(tried, FEWER[:1] if self.best_epoch else FEWER)
        yield from (quarter, *others)
        if quarter.score < best.score - CLEARLY:
            yield tried(MORE)

    def _epochs(self, n: int, times: float) -> int:
        return self.epochs or math.ceil(times * usual_epochs(n, min(self.batch_size, n)))

    def _rates(self, found: float | None) -> Iterator[tuple[float | None, Rate]]:
        """The rate that is given; or the one found, then smaller ones, in case that it diverges."""
        if self.lr is not None:
            yield None, self.lr
        while found is not None:
            yield found, partial(_constant if self.epochs else cosine, found)
            found = next_rate(found)

    def _scores_of(
        self, net: MLP, optimizer: str | Optimizer, lr: Rate, times: float
    ) -> Iterator[float]:
        """The mean loss and score on the parts, of a training on the others each."""
        net = copy.deepcopy(net)
        parameters, start = net.parameters(), data_of(net.parameters()).tolist()
        found = []
        for i, part in enumerate(self.parts if len(self.X) < MANY else self.parts[:1]):
            others = np.concatenate([*self.parts[:i], *self.parts[i + 1 :]])
            b, epochs = min(self.batch_size, len(others)), self._epochs(len(others), times)
            held_out = self.X[part], self.y[part]
            assign(parameters, start)
            fit(
                net, self.loss, self.X[others], self.y[others], epochs=epochs, batch_size=b,
                lr=lr(updates_of(len(others), b, epochs)), optimizer=copy.deepcopy(optimizer),
                rng=copy.deepcopy(self.rng), progress=False,
                validation=held_out if self.best_epoch else None,
                callbacks=[EarlyStopping(epochs)] if self.best_epoch else [],
            )  # fmt: skip
            found.append(evaluate(net, self.loss, *held_out).values())
        return map(statistics.fmean, zip(*found, strict=True))
