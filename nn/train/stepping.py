"""`Optimizer`, the base of all: a rule that turns gradients into steps, and steps by hand."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Value
from autograd.show.notation import printable
from autograd.value import short_repr
from autograd.vectors import assign

from ..arrays import Array, check_from_zero
from ..model.module import check_parameters

State = dict[str, Array]


class Optimizer:
    """A rule that turns gradients into steps.

    Args:
        parameters: what to train by hand; None for a rule to be given to `fit`.
        lr: the learning rate, epsilon in the lecture; it may be changed between steps. A rule for
            `fit` has none: the rate is an argument of `fit`.

    The settings of a subclass are the arguments of its ``__init__``; it defines `start` and
    `update`.

    Attributes:
        usual_lr: the rate if none is given, as in PyTorch.

    Raises:
        ValueError: ``lr`` is negative or not finite, or given without ``parameters``; or these are
            none, or one of them is computed from other Values, or listed twice.
        TypeError: ``parameters`` is not a list of Values.
    """

    usual_lr = 0.001

    def __init__(self, parameters: Sequence[Value] | None, lr: float | None) -> None:
        self.parameters = None if parameters is None else check_parameters(parameters, "parameters")
        if self.parameters is None and lr is not None:
            raise ValueError(
                "an optimizer without parameters is a rule for fit, whose lr= it takes"
            )
        if self.parameters == []:
            raise ValueError(
                "parameters is empty, so that nothing would be trained: an iterator, for one, is "
                "used up after it was read once"
            )
        self.lr = self.usual_lr if lr is None else lr
        self._state: State | None = None

    # The rule

    def start(self, m: int) -> State:
        """The state before the first step of ``m`` parameters: arrays, by name."""
        raise NotImplementedError

    def update(self, state: State, theta: Array, g: Array, lr: float) -> Array:
        """The step, to be subtracted from ``theta``; ``state`` is updated for the next one.

        Args:
            state: from `start`, changed in place.
            theta: the parameters, ``(m,)``, not to be changed.
            g: their gradient, ``(m,)``; the step may be written over it.
            lr: the learning rate.
        """
        raise NotImplementedError

    @property
    def is_plain(self) -> bool:
        """Whether the step is ``lr * g`` and nothing else, so that either may be scaled."""
        return False

    @property
    def given(self) -> dict[str, Any]:
        """The settings that differ from their defaults."""
        usual = defaults(type(self))
        return {name: getattr(self, name) for name in usual if getattr(self, name) != usual[name]}

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={setting!r}" for name, setting in self.given.items())
        return f"{type(self).__name__}({given})"

    # By hand

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = check_rate(lr)

    @property
    def state(self) -> State:
        """What the rule carries from step to step: arrays by name, most of them ``(m,)``."""
        if self._state is None:
            self._state = first_state(self, len(self._trained()))
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state

    def over(self, parameters: Sequence[Value]) -> Optimizer:
        """The same rule for these parameters, from the start."""
        other = copy.copy(self)
        other.parameters, other._state = list(parameters), None
        return other

    def step(self) -> None:
        """Move every parameter against its gradient.

        Raises:
            FloatingPointError: a parameter would no longer be finite. Then neither parameters nor
                state are changed. (Nor does Ctrl-C interrupt a step halfway.)
            TypeError: `start` or `update` of a subclass returns something else than it must.
            ValueError: this is a rule without parameters.
        """
        parameters = self._trained()
        theta, g = (np.array([getattr(p, what) for p in parameters]) for what in ("data", "grad"))
        state = {name: copy.copy(array) for name, array in self.state.items()}
        with np.errstate(all="ignore"):
            new = theta - step_of(self, state, theta, g.copy(), self._lr)
        check_step(new, g, parameters, self._lr)
        assign(parameters, new.tolist(), (self, "_state", state))

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self._trained():
            parameter.grad = 0.0

    def _trained(self) -> list[Value]:
        if self.parameters is None:
            name = type(self).__name__
            raise ValueError(f"{self} has no parameters to step: {name}(net.parameters(), lr=...)")
        return self.parameters


def defaults(kind: type[Optimizer]) -> dict[str, Any]:
    """The settings of a rule, with their defaults."""
    given = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in given if p.name not in ("parameters", "lr")}


def check_rate(lr: float) -> float:
    """``lr``, if it is a rate; 0 is one, since a schedule may end there."""
    if type(lr) is not float or not 0 <= lr < math.inf:
        check_from_zero(lr=lr)
    return float(lr)


def first_state(rule: Optimizer, m: int) -> State:
    """What a rule carries on from step to step, before the first of them.

    Raises:
        TypeError: it is no dictionary.
    """
    state: Any = rule.start(m)
    if not isinstance(state, dict):
        raise TypeError(
            f"start of {type(rule).__name__} must return a dictionary of arrays, {{}} if it has no "
            f"state, got {short_repr(state)}"
        )
    return state


def step_of(rule: Optimizer, state: State, theta: Array, g: Array, lr: float) -> Array:
    """The step of a rule.

    Raises:
        TypeError: it is no array of real numbers, or of another shape than ``theta``.
    """
    step: Any = rule.update(state, theta, g, lr)
    is_array = isinstance(step, np.ndarray)
    if not is_array or step.dtype.kind not in "fiu" or step.shape != theta.shape:
        got = f"one of shape {step.shape} and {step.dtype}" if is_array else short_repr(step)
        raise TypeError(
            f"update of {type(rule).__name__} must return the step, an array of {len(theta)} real "
            f"numbers to be subtracted from theta, got {got}"
        )
    return step  # type: ignore[no-any-return]


def check_step(new: Array, g: Array, parameters: Sequence[Value], lr: float) -> None:
    """Raise if a step would set a parameter to a number that is not finite.

    Raises:
        FloatingPointError: it would; the first such parameter is named.
    """
    bad = np.flatnonzero(~np.isfinite(new))
    if len(bad):
        j = bad[0]
        advice = f". Try a smaller lr than {lr:g}" if math.isfinite(g[j]) else ""
        name = printable(parameters[j].label) or "a parameter"
        raise FloatingPointError(
            f"the step would set {name} to {new[j]}: its gradient is {g[j]}{advice}"
        )
