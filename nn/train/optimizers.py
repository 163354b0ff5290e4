"""Optimizers: what makes a step of a gradient, on arrays, a class each.

An optimizer is a rule with its settings: ``start`` gives the state that it carries from step to
step, ``update`` the next step. `fit` calls the rule in both of its engines; with ``parameters`` an
optimizer is stepped by hand, and calls the same rule.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Value

from ..arrays import Array, check_fraction, check_from_zero
from .stepping import Optimizer, State, defaults

__all__ = ["SGD", "Optimizer"]


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
        ValueError: a setting lies outside of its range, or ``nesterov`` is without momentum.

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
        if nesterov and not momentum:
            raise ValueError("nesterov is a kind of momentum: give momentum, as in momentum=0.9")
        self.momentum, self.weight_decay = float(momentum), float(weight_decay)
        self.nesterov = bool(nesterov)

    def start(self, m: int) -> State:
        """The velocity v; nothing without momentum."""
        return {"velocity": np.zeros(m)} if self.momentum else {}

    @property
    def is_plain(self) -> bool:
        """Without momentum and decay."""
        return not self.momentum and not self.weight_decay

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


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.__name__.lower(): kind for kind in (SGD,)}


def make_rule(optimizer: str | Optimizer, **settings: Any) -> Optimizer:
    """The rule that a name, with settings, or a rule itself stands for.

    Raises:
        ValueError: the name is unknown, or has no such setting; or the rule has parameters of its
            own, or comes with settings beside its own.
        TypeError: it is no optimizer.
    """
    if isinstance(optimizer, Optimizer):
        if settings:
            names = ", ".join(f"{name}=" for name in settings)
            raise ValueError(f"{names} belongs in the optimizer that is given, {optimizer}")
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
