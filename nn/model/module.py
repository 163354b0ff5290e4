"""`Module`, the base of every network: it has parameters, and maps an example to its outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import autograd
from autograd import Program, Value
from autograd.compiler import compile_as
from autograd.vectors import are_leaves, are_values, assign, data_of

from ..arrays import Array, check_finite, real_array

Number = Value | float

WORTH_A_PROGRAM = 32  # rows: compiling takes about as long as recording so many


class Module:
    """Something with parameters, that can be called with one example.

    Attributes:
        static: whether it records the same graph for every example, whatever the numbers are. Then
            `predict` records it once and replays it for many rows at once. A subclass has to set
            this again, since its own ``__call__`` may record other graphs.
    """

    static = False

    def __call__(self, x: Sequence[Number]) -> Any:
        """The output for one example; subclasses define it."""
        raise NotImplementedError

    def parameters(self) -> list[Value]:
        """All trainable Values, in a fixed order."""
        return []

    def structure(self, parameters: Sequence[Value]) -> Structure | None:
        """By what to tell that two networks record the same graph; None where that is not known.

        Args:
            parameters: the network's, as `parameters` has just listed them.
        """
        return None

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def predict(self, X: Iterable[Sequence[float]]) -> Array:
        """The outputs for the rows of ``X``, as numbers: ``(n, d_L)``, or ``(n,)`` if d_L is 1.

        Raises:
            ValueError: ``X`` does not have one row per example, or they do not fit the network.
        """
        array = real_array(X, "X")
        if array.ndim < 2 and array.size:
            raise ValueError(
                f"X must have one row per example, (n, d_0), got shape {array.shape}: for one "
                "example, net(x)"
            )
        if not is_static(self) or array.ndim != 2 or len(array) < WORTH_A_PROGRAM:
            return np.array([numbers(self(row)) for row in array.tolist()], dtype=float)
        x, parameters = [Value(v) for v in array[0].tolist()], list(self.parameters())
        structure = structure_of(self, parameters, array)
        if structure is None:
            a = self(x)
            bare, program = isinstance(a, Value), autograd.compile(values(a), x, parameters)
        else:
            bare, key = structure.outputs == 1, ("outputs", structure)
            program = compile_as(key, lambda: values(self(x)), x, parameters, self)
        outputs = replay(program, array)
        return outputs[:, 0] if bare else outputs

    def state_dict(self) -> dict[str, Array]:
        """The parameters as arrays, by name."""
        return {"parameters": data_of(self.parameters())}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Set the parameters to those of ``state``; if it does not fit, none of them is changed.

        An `MLP` takes the state of a ``torch.nn.Sequential`` of linear layers as well, with the
        names ``0.weight``, ``2.weight``, ..., where activations have numbers too. They are not in
        the state: that both networks have the same ones, nobody checks.

        Raises:
            ValueError: a name is missing or unknown, a shape differs, or a number is not finite.
            TypeError: ``state`` is not a dictionary.
        """
        own = self.state_dict()
        names = names_in(state, own)
        new = check_state(state, {names[name]: array for name, array in own.items()})
        numbers = self._vector({name: new[names[name]] for name in own})
        assign(self.parameters(), numbers.tolist())

    def _vector(self, state: Mapping[str, Array]) -> Array:
        """The numbers of a state in the order of `parameters`."""
        return state["parameters"]


def check_network(net: Any) -> list[Value]:
    """The parameters of a network; there may be none.

    Raises:
        TypeError: it has no ``parameters()``, or can't be called; or as `check_parameters`.
        ValueError: as `check_parameters`.
    """
    if isinstance(net, type) or not callable(net) or not callable(getattr(net, "parameters", None)):
        raise TypeError(
            "net must be a network, something with parameters() that maps an example to its "
            f"outputs, got {net!r}"
        )
    return check_parameters(net.parameters(), "net.parameters()")


def check_parameters(parameters: Any, name: str) -> list[Value]:
    """``parameters`` as a list, if they can be trained; ``name`` is what the error calls them.

    Raises:
        TypeError: they are not Values, in a list.
        ValueError: one is computed from other Values, or is listed twice.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError(
            f"{name} must be a list of Values, as an MLP's parameters() gives, got {parameters!r}"
        )
    values = list(parameters)
    if not are_values(values):
        i, v = next((i, v) for i, v in enumerate(values) if not isinstance(v, Value))
        raise TypeError(f"{name} must hold Values, but {name}[{i}] is {v!r}")
    if not are_leaves(values):
        i, v = next((i, v) for i, v in enumerate(values) if v.primitive is not None)
        raise ValueError(
            f"{name}[{i}] is computed, by {v.op!r}, and a step would be lost when it is computed "
            "again: give the Values that it is computed from"
        )
    if len({*values}) < len(values):
        first: dict[Value, int] = {}
        i = next(i for i, v in enumerate(values) if first.setdefault(v, i) < i)
        raise ValueError(
            f"{name}[{i}] is {name}[{first[values[i]]}] already: list each Value once, however "
            "often it is used"
        )
    return values


@contextmanager
def own_gradients(net: Module) -> Iterator[None]:
    """Set gradients to 0 inside the ``with``; afterwards they are what they were before."""
    parameters = net.parameters()
    kept = [p.grad for p in parameters]
    net.zero_grad()
    try:
        yield
    finally:
        for p, grad in zip(parameters, kept):
            p.grad = grad


def is_static(net: Any) -> bool:
    """Whether the class of ``net`` itself, and not a base class, says that it is static."""
    return bool(vars(type(net)).get("static", False))


@dataclass(frozen=True)
class Structure:
    """What networks share that record the same graph, but for numbers and labels.

    Attributes:
        inputs, outputs: how many.
        key: all else.
    """

    inputs: int
    outputs: int
    key: tuple[Any, ...]


def structure_of(net: Module, parameters: Sequence[Value], X: Array) -> Structure | None:
    """The structure of a network, where it is known and the rows of ``X`` are of its width."""
    structure = net.structure(parameters) if isinstance(net, Module) and is_static(net) else None
    return structure if structure is not None and X.shape[1:] == (structure.inputs,) else None


def names_in(state: Any, own: Mapping[str, Any]) -> dict[str, str]:
    """By our name of each parameter, the name under which ``state`` has it.

    ``torch.nn.Sequential`` counts activations too: its linear layers are ``0.weight``,
    ``2.weight``, ... These are ``layers.0.weight``, ``layers.1.weight``, ... in order. A single
    ``torch.nn.Linear`` has ``weight`` and ``bias``: so has a network of one layer.

    Raises:
        ValueError: ``state`` has such names, but of another number of layers.
    """
    layers = sorted({int(name.split(".")[1]) for name in own if name.startswith("layers.")})
    given = [str(name) for name in state] if isinstance(state, Mapping) else []
    if {*given} & {"weight", "bias"} and len(layers) == 1:
        return {name: name.removeprefix("layers.0.") for name in own}
    found = [re.fullmatch(r"(\d+)\.(weight|bias)", name) for name in given]
    if not layers or not found or not all(found):
        return {name: name for name in own}
    numbers = sorted({int(match[1]) for match in found if match})
    if len(numbers) != len(layers):
        raise ValueError(
            f"state has parameters of {len(numbers)} layers, numbered "
            f"{', '.join(map(str, numbers))}, and the network has {len(layers)} layers"
        )
    theirs = dict(zip(layers, numbers))
    return {
        name: re.sub(r"layers\.(\d+)", lambda at: str(theirs[int(at[1])]), name) for name in own
    }


def check_state(
    state: Mapping[str, ArrayLike], own: Mapping[str, Array], of: str = "network"
) -> dict[str, Array]:
    """``state`` as arrays with the names and shapes of ``own``; ``of`` is what it belongs to.

    Raises:
        ValueError: a name is missing or unknown, a shape differs, or a number is not finite.
        TypeError: ``state`` is not a dictionary.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"state must be a dictionary, as state_dict() gives it, got {state!r}")
    check_names(state, own, of)
    new = {name: real_array(state[name], name) for name in own}
    for name, array in new.items():
        if array.shape != own[name].shape:
            raise ValueError(f"{name} must have shape {own[name].shape}, got {array.shape}")
        check_finite(array, name)
    return new


def check_names(names: Iterable[str], own: Iterable[str], of: str = "network") -> None:
    """Raise unless the names are those of ``own``; ``of`` is what they belong to.

    Raises:
        ValueError: a name is missing or unknown.
    """
    missing, unknown = {*own} - {*names}, {*names} - {*own}
    if missing or unknown:
        raise ValueError(
            f"state is of another {of}: missing {_listed(missing)}, unknown {_listed(unknown)}"
        )


def _listed(names: set[str]) -> str:
    """Some names, the first of them if there are many."""
    first = sorted(names, key=str)[:6]
    return f"{first}" + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def replay(program: Program, batch: Array, parameters: Array | None = None) -> Array:
    """The outputs of a program for many rows, some at a time, to limit the memory."""
    parts = [batch[i : i + 1024] for i in range(0, len(batch), 1024)]
    return np.concatenate([program.forward(part, parameters) for part in parts])


def values(a: Any) -> list[Value]:
    """What a network returned, as a list of Values."""
    return [v if isinstance(v, Value) else Value(v) for v in ([a] if isinstance(a, Value) else a)]


def numbers(a: Any) -> Any:
    """What a network returned, as numbers: one, or a list."""
    if isinstance(a, Value):
        return a.data
    return [v.data if isinstance(v, Value) else v for v in a]
