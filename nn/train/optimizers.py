"""Optimizers: rules that turn a gradient into a step, on arrays; a class for each.

An optimizer is a rule with settings: ``start`` gives the state that it carries from step to step,
``update`` the next step. `fit` calls the rule in both of its engines. An optimizer with
``parameters`` is stepped by hand, and calls the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Value

from ..arrays import Array, check_flag, check_fraction, check_from_zero
from .stepping import Optimizer, State, defaults

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]


class SGD(Optimizer):
    """Gradient descent with momentum: v = momentum v + g, theta -= lr v.

    With Nesterov's momentum, theta -= lr (g + momentum v) (Sutskever et al. 2013, "On the
    importance of initialization and momentum in deep learning"). Weight decay adds
    ``weight_decay`` theta to the gradient first. All as in PyTorch.

    Args:
        parameters: what to train by hand; None for a rule to be given to `fit`.
        lr: the learning rate, epsilon in the lecture; 0.001 if not given.
        momentum: how much of the last step goes on, in [0, 1); 0 for none.
        nesterov: whether to look ahead along the momentum.
        weight_decay: from 0 up.

    Raises:
        ValueError: a setting is out of range, or ``nesterov`` comes without momentum.
        TypeError: the parameters are not Values in a list.

    >>> x = Value(1.0)
    >>> sgd = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> sgd.step()
    >>> x.data
    0.8
    """

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        lr: float | None = None,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        check_fraction(momentum=momentum)
        check_from_zero(weight_decay=weight_decay)
        check_flag("nesterov", nesterov)
        if nesterov and not momentum:
            raise ValueError("nesterov is a kind of momentum: give momentum, as in momentum=0.9")
        self.momentum, self.weight_decay = float(momentum), float(weight_decay)
        self.nesterov = bool(nesterov)

    def start(self, m: int) -> State:
        """The velocity v; an empty state without momentum."""
        return {"velocity": np.zeros(m)} if self.momentum else {}

    @property
    def is_plain(self) -> bool:
        """Without momentum and decay; a subclass may do something else."""
        is_ours = type(self).update is SGD.update
        return is_ours and not self.momentum and not self.weight_decay

    def update(self, state: State, theta: Array, g: Array, lr: float) -> Array:
        """As `Optimizer.update`."""
        if self.weight_decay:
            g += self.weight_decay * theta
        if not self.momentum:
            return np.multiply(g, lr, out=g)
        v = state["velocity"]
        v *= self.momentum
        v += g
        if not self.nesterov:
            return np.multiply(v, lr, out=g)
        g += self.momentum * v
        return np.multiply(g, lr, out=g)


class RMSprop(Optimizer):
    """A rate for each parameter: g divided by the root of a running mean of g^2.

    s = alpha s + (1 - alpha) g^2, theta -= lr g / (sqrt(s) + eps) (Tieleman and Hinton 2012,
    "Lecture 6.5, rmsprop", Neural networks for machine learning). Centered, the variance of g
    stands for s (Graves 2013, "Generating sequences with recurrent neural networks", eq. 38-41).
    With momentum, v = momentum v + the quotient, theta -= lr v. Weight decay adds
    ``weight_decay`` theta to the gradient first. All as in PyTorch.

    Args:
        parameters: what to train by hand; None for a rule to be given to `fit`.
        lr: the learning rate; 0.01 if not given.
        alpha: how much of the mean stays, in [0, 1).
        eps: keeps the quotient finite, from 0 up.
        momentum: how much of the last step goes on, in [0, 1); 0 for none.
        centered: whether to take the variance of g.
        weight_decay: from 0 up.

    Raises:
        ValueError: a setting lies outside of its range.
        TypeError: the parameters are not Values in a list.
    """

    usual_lr = 0.01

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        lr: float | None = None,
        alpha: float = 0.99,
        *,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        check_fraction(alpha=alpha, momentum=momentum)
        check_from_zero(eps=eps, weight_decay=weight_decay)
        check_flag("centered", centered)
        self.alpha, self.eps, self.centered = float(alpha), float(eps), bool(centered)
        self.momentum, self.weight_decay = float(momentum), float(weight_decay)

    def start(self, m: int) -> State:
        """The mean of g^2, and, where they are needed, that of g and the velocity."""
        needed = {"square": True, "mean": self.centered, "velocity": bool(self.momentum)}
        return {name: np.zeros(m) for name, is_needed in needed.items() if is_needed}

    def update(self, state: State, theta: Array, g: Array, lr: float) -> Array:
        """As `Optimizer.update`."""
        if self.weight_decay:
            g += self.weight_decay * theta
        s = _mix(state["square"], g * g, self.alpha)
        if self.centered:
            mean = _mix(state["mean"], g, self.alpha)
            s = s - mean * mean
        step = np.divide(g, np.sqrt(s) + self.eps, out=g)
        if self.momentum:
            v = state["velocity"]
            v *= self.momentum
            v += step
            step[:] = v
        step *= lr
        return step


class Adam(Optimizer):
    """A running mean of g divided by the root of one of g^2, both corrected for starting at 0.

    m = beta1 m + (1 - beta1) g, s = beta2 s + (1 - beta2) g^2, and at step t
    theta -= lr (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps) (Kingma and Ba 2015, "Adam: a
    method for stochastic optimization", algorithm 1). Weight decay adds ``weight_decay`` theta to
    the gradient first. All as in PyTorch.

    Args:
        parameters: what to train by hand; None for a rule to be given to `fit`.
        lr: the learning rate; 0.001 if not given.
        betas: how much of each of the two means stays, in [0, 1).
        eps: keeps the quotient finite, from 0 up.
        weight_decay: from 0 up.

    Raises:
        ValueError: a setting lies outside of its range.
        TypeError: the parameters are not Values in a list.
    """

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        lr: float | None = None,
        betas: Sequence[float] = (0.9, 0.999),
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        if not isinstance(betas, Sequence) or isinstance(betas, str) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers in [0, 1), got {betas!r}")
        for beta in betas:
            check_fraction(betas=beta)
        check_from_zero(eps=eps, weight_decay=weight_decay)
        self.betas = (float(betas[0]), float(betas[1]))
        self.eps, self.weight_decay = float(eps), float(weight_decay)

    def start(self, m: int) -> State:
        """The two means, and how many steps there were."""
        return {"mean": np.zeros(m), "square": np.zeros(m), "steps": np.zeros(())}

    def update(self, state: State, theta: Array, g: Array, lr: float) -> Array:
        """As `Optimizer.update`."""
        if self.weight_decay:
            g += self.weight_decay * theta
        return self._step(state, g, lr)

    def _step(self, state: State, g: Array, lr: float) -> Array:
        """The step without decay."""
        state["steps"] += 1
        t = state["steps"]
        mean = _mix(state["mean"], g, self.betas[0])
        root = np.sqrt(_mix(state["square"], g * g, self.betas[1]))
        root /= np.sqrt(1 - self.betas[1] ** t)
        root += self.eps
        step = np.divide(mean, root, out=g)
        step *= lr / (1 - self.betas[0] ** t)
        return step


class AdamW(Adam):
    """Adam with weight decay that bypasses the gradient, and so the means.

    theta -= lr ``weight_decay`` theta, then as in `Adam` (Loshchilov and Hutter 2019, "Decoupled
    weight decay regularization", algorithm 2). As in PyTorch, its arguments are those of `Adam`,
    with a decay of 0.01 if none is given.
    """

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        lr: float | None = None,
        betas: Sequence[float] = (0.9, 0.999),
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps=eps, weight_decay=weight_decay)

    def update(self, state: State, theta: Array, g: Array, lr: float) -> Array:
        """As `Optimizer.update`."""
        step = self._step(state, g, lr)
        step += (lr * self.weight_decay) * theta
        return step


def _mix(mean: Array, new: Array, stays: float) -> Array:
    """Update a running mean in place: ``stays`` of it stays, the rest is ``new``."""
    mean *= stays
    mean += (1 - stays) * new
    return mean


OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, RMSprop, Adam, AdamW)
}


def make_rule(optimizer: str | Optimizer, **settings: Any) -> Optimizer:
    """A rule, given by its name and settings, or as a rule.

    Raises:
        ValueError: the name is unknown, or the optimizer has no such setting; or a rule has
            parameters of its own, or comes with further settings.
        TypeError: it is not an optimizer.
    """
    if isinstance(optimizer, Optimizer):
        if settings:
            names = ", ".join(f"{name}=" for name in settings)
            raise ValueError(f"{names} belongs in the optimizer that you give, {optimizer}")
        if optimizer.parameters is not None:
            raise ValueError(
                f"optimizer has parameters of its own: give the rule alone, {optimizer}, "
                "or its name"
            )
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(
            f"optimizer must be a name ({', '.join(OPTIMIZERS)}) or a rule such as "
            f"SGD(momentum=0.9), got {optimizer!r}"
        )
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {optimizer!r}: choose from {', '.join(OPTIMIZERS)}")
    kind = OPTIMIZERS[optimizer]
    own = defaults(kind)
    for name in settings:
        if name not in own:
            raise ValueError(f"{optimizer} has no {name}: its settings are {', '.join(own)}")
    return kind(**settings)
