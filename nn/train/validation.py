"""Cross-validation: which of several networks to train, for how many epochs, at which rate."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from autograd.vectors import assign, data_of

from ..arrays import Array
from ..model.likelihoods import Loss
from ..model.network import MLP
from .defaults import choose_rate, find_lr, next_rate, updates_of, usual_epochs
from .evaluation import evaluate
from .fit import fit
from .schedules import LearningRate, cosine
from .stepping import Optimizer

WIDTHS = ((32,), ())  # a hidden layer, or none: what is tried where nothing is given
LENGTHS = (1, 4, 16, 64)  # by which the usual epochs are divided: what is tried
PARTS = 5
FEWEST = 20  # examples: of fewer none are kept aside
MANY = 1000  # examples to train on, of which one part kept aside tells enough
MOST = 20_000  # examples: of more, so many at random

Rate = Callable[[int], float | LearningRate]


@dataclass(frozen=True)
class Trial:
    """A network that was tried.

    Attributes:
        net: with its first parameters.
        lr: the rate that was found; None if one was given.
        rates: the mean loss by rate, of those that were tried.
        epochs: of the training to come.
        losses: the mean loss on the parts kept aside by epochs, of those that were tried; infinite
            if the training diverged.
    """

    net: MLP
    lr: float | None
    rates: dict[float, float]
    epochs: int
    losses: dict[int, float]

    @property
    def loss(self) -> float:
        """The mean loss on the parts kept aside; infinite if there were none."""
        return self.losses.get(self.epochs, math.inf)


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
    optimizer: str | Optimizer,
    lr: Rate | None = None,
    falls: bool = True,
    epochs: int | None = None,
    lengths: Sequence[int] = (1,),
    rng: np.random.Generator,
) -> list[Trial]:
    """Find a rate and the epochs for each network, and compare them by whole trainings.

    Each has five trainings for each number of epochs, with another fifth of the examples kept aside
    each time; with 1,000 examples or more, one training, on 20,000 at most. With fewer than 20
    there is none, and only the first network is tried. The networks themselves are left as they
    are.

    Args:
        nets: the networks, the simplest last.
        loss: as in `fit`.
        X: inputs, ``(n, d_0)``.
        y: targets, ``(n,)`` or ``(n, d_L)``.
        batch_size: of the training to come.
        optimizer: as in `fit`.
        lr: the rate, or a schedule, for a number of updates. If not given, `find_lr` finds it on
            all examples.
        falls: whether a rate that was found falls to 0, along half a cosine. Then it is the largest
            that is nearly the best.
        epochs: of each training; if not given, `usual_epochs` over each of the ``lengths``.
        lengths: what they are divided by.
        rng: where the parts and the batches come from, the same for all networks.

    Returns:
        The trials, the best first.

    Raises:
        FloatingPointError: a network diverges at every rate.
    """
    n = len(X)
    counts = [epochs] if epochs else [_epochs(n, batch_size, over) for over in lengths]
    if n < FEWEST:
        nets, counts = nets[:1], counts[:1]
    parts = list[npt.NDArray[np.intp]]()
    if len(nets) * len(counts) > 1:
        parts = np.array_split(rng.permutation(n)[:MOST], PARTS)
    aside = _Aside(loss, X, y, parts, batch_size, optimizer, rng)
    trials = []
    for net in nets:
        found, rates = None, dict[float, float]()
        if lr is None:
            _, rates = find_lr(net, loss, X, y, batch_size=batch_size, optimizer=optimizer, rng=rng)
            found = choose_rate(rates, falls)
        losses = dict[int, float]()
        for times, over in zip(counts, lengths) if parts else ():
            losses[times] = math.inf
            for at, rate in _rates(lr, found, falls):
                try:
                    losses[times] = aside.loss_of(net, rate, epochs, over)
                    found = at
                    break
                except FloatingPointError:
                    continue
        best = min(losses, key=losses.__getitem__, default=counts[0])
        trials.append(Trial(net, found, rates, best, losses))
    return sorted(trials, key=lambda trial: trial.loss)


def _epochs(n: int, batch_size: int, over: int) -> int:
    return math.ceil(usual_epochs(n, batch_size) / over)


def _rates(
    lr: Rate | None, found: float | None, falls: bool
) -> Iterator[tuple[float | None, Rate]]:
    """The rate that is given; or the one found, then smaller ones, in case that it diverges."""
    if lr is not None:
        yield None, lr
    while found is not None:
        yield found, partial(cosine if falls else _constant, found)
        found = next_rate(found)


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
    optimizer: str | Optimizer
    rng: np.random.Generator

    def loss_of(self, net: MLP, lr: Rate, epochs: int | None, over: int) -> float:
        """The mean loss on the parts, of a training on the others each."""
        trial = copy.deepcopy(net)
        parameters, start = trial.parameters(), data_of(net.parameters()).tolist()
        found = []
        for i, part in enumerate(self.parts if len(self.X) < MANY else self.parts[:1]):
            others = np.concatenate([*self.parts[:i], *self.parts[i + 1 :]])
            b = min(self.batch_size, len(others))
            times = epochs or _epochs(len(others), b, over)
            assign(parameters, start)
            fit(
                trial, self.loss, self.X[others], self.y[others], epochs=times, batch_size=b,
                lr=lr(updates_of(len(others), b, times)), optimizer=copy.deepcopy(self.optimizer),
                rng=copy.deepcopy(self.rng), progress=False,
            )  # fmt: skip
            found.append(evaluate(trial, self.loss, self.X[part], self.y[part])["loss"])
        return math.fsum(found) / len(found)
