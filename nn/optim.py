"""Stochastic gradient descent, mini-batches, and schedules for the rate and the batch size."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Value

from .module import check_generator

LearningRate = Callable[[int], float]
BatchSize = Callable[[int], int]


class SGD:
    """Gradient descent with momentum: v = momentum v + g, theta -= lr v, as in PyTorch.

    Args:
        parameters: what to train.
        lr: the learning rate, epsilon in the lecture; may be assigned anew between steps.
        momentum: how much of the last step goes on, in [0, 1); 0 for none.

    Raises:
        ValueError: ``lr`` is negative or not finite, or ``momentum`` lies outside [0, 1).

    >>> x = Value(1.0)
    >>> sgd = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> sgd.step()
    >>> x.data
    0.8
    """

    def __init__(self, parameters: Sequence[Value], lr: float, momentum: float = 0.0) -> None:
        self.parameters = list(parameters)
        self.lr = lr
        if not _is_number(momentum) or not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {momentum!r}")
        self.momentum = momentum
        self.velocity = [0.0] * len(self.parameters)

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = check_rate(lr)

    def step(self) -> None:
        """Move every parameter against its gradient.

        Raises:
            FloatingPointError: a parameter would no longer be finite. None is then changed.
        """
        momentum, lr = self.momentum, self._lr
        velocity = [momentum * v + p.grad for v, p in zip(self.velocity, self.parameters)]
        data = [p.data - lr * v for v, p in zip(velocity, self.parameters)]
        for p, number in zip(self.parameters, data):
            if not math.isfinite(number):
                raise FloatingPointError(refusal(p.label, number, p.grad, lr))
        for p, number in zip(self.parameters, data):
            p.data = number
        self.velocity = velocity

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters:
            parameter.grad = 0.0


def check_rate(lr: float) -> float:
    """``lr``, if it is a rate; 0 is one, where a schedule may end."""
    if not (type(lr) is float or _is_number(lr)) or not 0 <= lr < math.inf:
        raise ValueError(f"lr must be a number from 0 up, and finite, got {lr!r}")
    return float(lr)


def refusal(label: str, number: float, grad: float, lr: float) -> str:
    """Why a step is not made that would set a parameter to a ``number`` that is not finite."""
    advice = f". Try a smaller lr than {lr:g}" if math.isfinite(grad) else ""
    name = label or "a parameter"
    return f"the step would set {name} to {number}: its gradient is {grad}{advice}"


def minibatches(
    n: int,
    batch_size: int,
    rng: np.random.Generator,
    drop_last: bool = True,
    replacement: bool = False,
) -> list[npt.NDArray[np.int64]]:
    """One epoch of mini-batches: index arrays that cut a random permutation of 0 ... n - 1.

    Args:
        n: number of examples.
        batch_size: examples in a batch, b; 1 is pure SGD, n is gradient descent.
        rng: where the permutation comes from.
        drop_last: leave out the n mod b examples that do not fill a batch, so that there are
            floor(n/b) batches; otherwise they make a last, smaller one.
        replacement: draw every index independently instead, as theory often assumes.

    Raises:
        ValueError: ``batch_size`` is not a whole number from 1 to ``n``.
        TypeError: ``rng`` is not a generator.

    >>> [len(batch) for batch in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4]
    """
    if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= n:
        raise ValueError(f"batch_size must be a whole number from 1 to n = {n}, got {batch_size!r}")
    check_generator(rng)
    order = rng.integers(n, size=n) if replacement else rng.permutation(n)
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    return batches[: n // batch_size] if drop_last else batches


def step_decay(lr: float, factor: float = 0.5, every: int = 1000) -> LearningRate:
    """A rate that starts at ``lr`` and is multiplied by ``factor`` after ``every`` updates.

    >>> [step_decay(0.8, 0.5, every=2)(t) for t in (1, 2, 3, 4, 5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """
    _check_positive(lr=lr, factor=factor, every=every)
    if factor > 1:
        raise ValueError(f"factor must be at most 1, for the rate to fall, got {factor!r}")
    return lambda t: lr * factor ** ((t - 1) // every)


def inverse_time(lr: float, t0: float = 1.0) -> LearningRate:
    """A rate that falls as 1/t: lr t0 / (t0 + t - 1), half of ``lr`` after ``t0`` updates.

    It meets the conditions of Robbins and Monro (1951) for noise to average out: the rates sum to
    infinity, so that any distance can be covered, and their squares do not, so that the noise dies.

    >>> [inverse_time(1.0)(t) for t in (1, 2, 4)]
    [1.0, 0.5, 0.25]
    """
    _check_positive(lr=lr, t0=t0)
    return lambda t: lr * t0 / (t0 + t - 1)


def cosine(lr: float, updates: int, final: float = 0.0) -> LearningRate:
    """A rate that goes from ``lr`` to ``final`` in ``updates`` updates along half a cosine.

    Without the restarts of Loshchilov and Hutter (2017), eq. 5. It stays at ``final`` afterwards.

    >>> [round(cosine(1.0, updates=5)(t), 3) for t in (1, 2, 3, 4, 5, 6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    _check_positive(lr=lr, updates=updates)
    if not 0 <= final < math.inf:
        raise ValueError(f"final must be a number from 0 up, and finite, got {final!r}")
    last = max(updates - 1, 1)
    return lambda t: final + (lr - final) * (1 + math.cos(math.pi * min((t - 1) / last, 1.0))) / 2


def growing(batch_size: int, factor: float = 2.0, every: int = 5) -> BatchSize:
    """Batches that start at ``batch_size`` and grow by ``factor`` every ``every`` epochs.

    The lecture's closing question: the noise of small batches early, when it helps to get away from
    saddles and poor minima, and little of it late, when it keeps the loss from settling. See Smith
    et al. (2018), "Don't decay the learning rate, increase the batch size".

    >>> [growing(4, 2, every=2)(epoch) for epoch in (1, 2, 3, 4, 5)]
    [4, 4, 8, 8, 16]
    """
    _check_positive(batch_size=batch_size, factor=factor, every=every)
    if factor < 1:
        raise ValueError(f"factor must be at least 1, for batches to grow, got {factor!r}")

    def size(epoch: int) -> int:
        steps = (epoch - 1) // every
        # Past 2^40 all are far above any n, and the power would overflow in the end.
        return round(batch_size * factor**steps) if steps * math.log2(factor) < 40 else 2**40

    return size


def _is_number(x: Any) -> bool:
    return isinstance(x, Real)


def _check_positive(**arguments: Any) -> None:
    for name, value in arguments.items():
        if not _is_number(value) or not 0 < value < math.inf:
            raise ValueError(f"{name} must be a positive number, got {value!r}")
