"""A kind of program: one example in scalars, and a batch in PyTorch."""

import importlib
import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd
from autograd import Program, Value

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None


def as_given(*inputs: Any) -> tuple[Any, ...]:
    """The inputs of a twin, where they are those of the example, stacked."""
    return inputs


@dataclass(frozen=True)
class Kind:
    """One kind of program.

    Attributes:
        inputs: ``inputs(rng, b)``, the arrays of so many random examples, each ``(b, ...)``.
        parameters: ``parameters(rng)``, arrays, of random numbers.
        record: ``record(*inputs, *parameters)``, the loss of one example, of lists of Values that
            are nested as the arrays of one example.
        twin: ``twin(*inputs, *parameters)``, the losses ``(b,)`` of a batch, of tensors.
        prepare: what PyTorch's users would be given in place of the inputs, such as class indices
            where the example has a vector with a 1 in it.
    """

    inputs: Callable[[Any, int], list[Any]]
    parameters: Callable[[Any], list[Any]]
    record: Callable[..., Value]
    twin: Callable[..., Any]
    prepare: Callable[..., tuple[Any, ...]] = as_given

    def example(self, inputs: list[Any], parameters: list[Any]) -> "Example":
        """One example, recorded: the first of these inputs."""
        x, theta = ([to_values(array) for array in arrays]
                    for arrays in ([array[0] for array in inputs], parameters))  # fmt: skip
        return Example(self.record(*x, *theta), flat(x), flat(theta))


@dataclass(frozen=True)
class Example:
    """The loss of an example, the leaves that are its inputs, and those that are parameters."""

    loss: Value
    inputs: list[Value]
    parameters: list[Value]

    def compile(self) -> Program:
        """The program that replays it."""
        return autograd.compile(self.loss, self.inputs, self.parameters)


def to_values(array: Any) -> Any:
    """Values in lists that are nested as the array is."""
    array = np.asarray(array)
    return Value(float(array)) if array.ndim == 0 else [to_values(part) for part in array]


def flat(nested: Any) -> list[Value]:
    """All Values in nested lists, in order."""
    if isinstance(nested, Value):
        return [nested]
    return [value for part in nested for value in flat(part)]


def rows(inputs: list[Any]) -> Any:
    """A batch for a program: the inputs of an example in one row."""
    b = len(inputs[0])
    return np.concatenate([array.reshape(b, -1) for array in inputs], axis=1)


def vector(parameters: list[Any]) -> Any:
    """All parameters in one vector."""
    return np.concatenate([np.ravel(array) for array in parameters])


def weights(rng: Any, *shape: int) -> Any:
    """Random weights, such that a sum of so many products keeps its size."""
    return rng.normal(size=shape) / math.sqrt(shape[-1])


def one_hot(rng: Any, classes: int, *shape: int) -> Any:
    """Random classes, as vectors with a 1 each: ``(*shape, classes)``."""
    return np.eye(classes)[rng.integers(classes, size=shape)]


def linear(W: Any, x: Any, b: Any = None) -> list[Any]:
    """The layer as everybody writes it, with ``+`` and ``*``."""
    a = [sum(w * v for w, v in zip(row, x)) for row in W]
    return a if b is None else [a_j + b_j for a_j, b_j in zip(a, b)]


def halved_squares(a: Any, y: Any) -> Any:
    """Half the sum of the squares of what two lists of numbers differ by."""
    return sum((p - q) * (p - q) for p, q in zip(a, y)) / 2
