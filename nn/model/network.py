"""L-layer feedforward networks of scalar Values.

a_j^(l) = sum_i theta_ji^(l) x_i^(l-1) (+ b_j^(l)),  x_j^(l) = g(a_j^(l)),  l = 1 ... L,

with the identity as g at the top. Every Value is labelled with its place, ``theta1[3,2]``,
``b1[3]``, ``a1[3]``, ``x1[3]``: layers are counted as in the lecture, from 1 (x0 is the input),
units from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autograd import Value, affine
from autograd.vectors import data_of, set_labels

from ..arrays import Array, check_flag, check_whole, generator
from .activations import ACTIVATIONS, activation_row
from .module import Module, Number, Structure

MOST = 100_000_000  # weights: 20 GB


class Neuron(Module):
    """One neuron: ``neuron(x)`` is g(sum_i w_i x_i + b).

    Args:
        d: number of inputs.
        activation: its name: linear, relu, leaky_relu, elu, tanh, sigmoid, softplus, silu, gelu.
        bias: whether there is a ``b``; the lecture has none.
        rng: where the initial weights come from; fresh ones every time if not given.
        fan_out: width of the layer that the neuron stands in, for the scale of its weights.

    Attributes:
        w: weights, a list of ``d`` Values: normal, with the variance that goes with the activation.
        b: the bias, a Value that starts at 0, or None.

    Raises:
        ValueError: ``d`` is not a positive integer, or above 100,000,000, ``activation`` is
            unknown, or ``bias`` is not True or False.
        TypeError: ``rng`` is not a generator.
    """

    static = True

    def __init__(
        self,
        d: int,
        activation: str = "relu",
        bias: bool = True,
        rng: np.random.Generator | None = None,
        *,
        fan_out: int = 1,
    ) -> None:
        check_whole("d", d)
        check_flag("bias", bias)
        _check_size(d)
        variance = activation_row(activation).variance(d, fan_out)
        weights = generator(rng).normal(0.0, np.sqrt(variance), size=d).tolist()
        self.activation = activation
        self.w = [Value(w, label=f"theta[{i}]") for i, w in enumerate(weights)]
        self.b = Value(0.0, label="b") if bias else None

    def __call__(self, x: Sequence[Number]) -> Value:
        """The neuron's output for inputs ``x``, ``(d,)``."""
        check_inputs(x, len(self.w))
        _label_inputs(x, (f"x[{i}]" for i in range(len(x))))
        (a,) = affine([self.w], x, None if self.b is None else [self.b])
        a.label = "a"
        return ACTIVATIONS[self.activation].record(a)

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w] if self.b is None else [*self.w, self.b]

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {self.activation!r}, bias={self.b is not None})"


class Layer(Module):
    """``d_out`` neurons over the same inputs.

    Args:
        d_in: number of inputs.
        d_out: number of neurons.
        activation: its name: linear, relu, leaky_relu, elu, tanh, sigmoid, softplus, silu, gelu.
        bias: whether the neurons have one.
        rng: where the initial weights come from; fresh ones every time if not given.
        l: the layer's place in a network, l = 1 ... L, for the labels; none if it stands alone.

    Raises:
        ValueError: a width is not a positive integer, there would be more than 100,000,000 weights,
            ``activation`` is unknown, or ``bias`` is not True or False.
        TypeError: ``rng`` is not a generator.
    """

    static = True

    def __init__(
        self,
        d_in: int,
        d_out: int,
        activation: str = "relu",
        bias: bool = True,
        rng: np.random.Generator | None = None,
        *,
        l: int | None = None,
    ) -> None:
        check_whole("d_in", d_in)
        check_whole("d_out", d_out)
        _check_size(int(d_in) * int(d_out))
        rng = generator(rng)
        self.activation = activation
        self.neurons = [Neuron(d_in, activation, bias, rng, fan_out=d_out) for _ in range(d_out)]
        at = "" if l is None else str(l)
        before = "" if l is None else str(l - 1)
        for j, neuron in enumerate(self.neurons):
            for i, w in enumerate(neuron.w):
                w.label = f"theta{at}[{j},{i}]"
            if neuron.b is not None:
                neuron.b.label = f"b{at}[{j}]"
        # Made only once: making labels for every example would cost more than the arithmetic.
        self.x_labels = [f"x{before}[{i}]" for i in range(d_in)]
        self._a_labels = [f"a{at}[{j}]" for j in range(d_out)]
        # A layer alone has no l: its outputs would have the same labels as its inputs.
        self._out_labels = [f"x{at}[{j}]" if at else "" for j in range(d_out)]

    def __call__(self, x: Sequence[Number]) -> Any:
        """The outputs for ``x``, ``(d_in,)``: a list of Values, or a single bare Value."""
        check_inputs(x, len(self.neurons[0].w))
        _label_inputs(x, self.x_labels)
        outputs = self.outputs(x)
        return outputs[0] if len(outputs) == 1 else outputs

    def outputs(self, x: Sequence[Number]) -> list[Value]:
        """The outputs for ``x``, ``(d_in,)``, as a list however many there are."""
        biases = [neuron.b for neuron in self.neurons if neuron.b is not None]
        outputs = affine([neuron.w for neuron in self.neurons], x, biases or None)
        set_labels(outputs, self._a_labels)
        row = ACTIVATIONS[self.activation]
        if not row.is_identity:
            outputs = [row.record(a) for a in outputs]
            set_labels(outputs, self._out_labels)
        return outputs

    def parameters(self) -> list[Value]:
        """Neuron by neuron, its weights, then its bias."""
        parameters: list[Value] = []
        for neuron in self.neurons:
            parameters += neuron.parameters()
        return parameters

    @property
    def theta(self) -> Array:
        """The weights as numbers, ``(d_out, d_in)``."""
        return np.array([data_of(neuron.w) for neuron in self.neurons])

    @property
    def b(self) -> Array | None:
        """The biases as numbers, ``(d_out,)``, or None."""
        biases = [neuron.b.data for neuron in self.neurons if neuron.b is not None]
        return np.array(biases) if biases else None

    def state_dict(self) -> dict[str, Array]:
        """``weight`` ``(d_out, d_in)`` and ``bias`` ``(d_out,)``, as in ``torch.nn.Linear``."""
        b = self.b
        return {"weight": self.theta} if b is None else {"weight": self.theta, "bias": b}

    def _vector(self, state: Mapping[str, Array]) -> Array:
        columns = [array.reshape(len(self.neurons), -1) for array in state.values()]
        return np.hstack(columns).ravel()

    def __repr__(self) -> str:
        d_in, d_out = len(self.neurons[0].w), len(self.neurons)
        bias = self.neurons[0].b is not None
        return f"Layer({d_in}, {d_out}, {self.activation!r}, bias={bias})"


class MLP(Module):
    """A feedforward network of L layers, the identity at the top.

    ``net(x)`` takes d0 numbers or Values and returns the d_L pre-activations of the top layer, a
    bare Value when d_L is 1. L = 1 is linear, logistic or softmax regression, by the loss.

    Args:
        d0: number of inputs.
        widths: ``[d1, ..., dL]``; the last is the number of outputs.
        activation: for all hidden layers, or a sequence with one for each of the L - 1.
        bias: whether neurons have one; the lecture has none.
        rng: where the initial weights come from; fresh ones every time if not given.

    Raises:
        ValueError: a width is not a positive integer, there would be more than 100,000,000 weights,
            an activation is unknown, there are not L - 1 of them, or ``bias`` is not True or False.
        TypeError: ``rng`` is not a generator.

    >>> net = MLP(2, [3, 1], activation="tanh", rng=np.random.default_rng(0))
    >>> net
    MLP(2, [3, 1], activation='tanh', bias=True)
    >>> len(net.parameters())
    13
    """

    static = True

    def __init__(
        self,
        d0: int,
        widths: Sequence[int],
        activation: str | Sequence[str] = "relu",
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        try:
            widths = list(widths)
        except TypeError:
            raise ValueError(f"widths must be a list [d1, ..., dL], got {widths!r}") from None
        if not widths:
            raise ValueError("widths must be a list [d1, ..., dL], and is empty")
        if isinstance(activation, str) or not isinstance(activation, Sequence):
            activation_row(activation)
            activation = [activation] * (len(widths) - 1)
        hidden = list(activation)
        if len(hidden) != len(widths) - 1:
            raise ValueError(
                f"{len(widths) - 1} hidden layer(s) can't have {len(hidden)} activations: "
                "give one for each hidden layer (the top has none), or a single name"
            )
        check_whole("d0", d0)
        for l, width in enumerate(widths, start=1):
            check_whole(f"d{l}", width)
        sizes = [int(d) for d in (d0, *widths)]
        _check_size(sum(a * b for a, b in pairwise(sizes)))
        rng = generator(rng)
        self.layers = [
            Layer(sizes[l - 1], sizes[l], g, bias, rng, l=l)
            for l, g in enumerate([*hidden, "linear"], start=1)
        ]

    def __call__(self, x: Sequence[Number]) -> Any:
        """The pre-activations at the top for the inputs ``x``, ``(d0,)``.

        Raises:
            ValueError: ``x`` is of another length, or holds many examples.
            TypeError: ``x`` is not a sequence of numbers or Values.
        """
        check_inputs(x, len(self.layers[0].neurons[0].w))
        _label_inputs(x, self.layers[0].x_labels)
        for layer in self.layers:
            x = layer.outputs(x)
        return x[0] if len(x) == 1 else x

    def parameters(self) -> list[Value]:
        """Layer by layer, neuron by neuron, its weights, then its bias."""
        parameters: list[Value] = []
        for layer in self.layers:
            # Of a layer as it was made the neurons are asked: its own list would be copied, slowly.
            usual = type(layer) is Layer and "parameters" not in vars(layer)
            for part in layer.neurons if usual else [layer]:
                parameters += part.parameters()
        return parameters

    def structure(self, parameters: Sequence[Value]) -> Structure | None:
        """Of a network as it was made, or with other neurons; not where something is redefined."""
        if type(self) is not MLP or any(type(layer) is not Layer for layer in self.layers):
            return None
        if any("outputs" in vars(layer) for layer in self.layers):
            return None
        end = 0
        for layer in self.layers:
            for n in layer.neurons:
                own = [*n.w] if n.b is None else [*n.w, n.b]
                start, end = end, end + len(own)
                if parameters[start:end] != own:  # some are frozen, or come in another order
                    return None
        computed = MLP.__call__, Layer.outputs  # which somebody may have replaced
        key = [
            (ACTIVATIONS[layer.activation], *[(len(n.w), n.b is None) for n in layer.neurons])
            for layer in self.layers
        ]
        return Structure(
            len(self.layers[0].neurons[0].w), len(self.layers[-1].neurons), (*computed, *key)
        )

    def state_dict(self) -> dict[str, Array]:
        """The parameters as arrays, under PyTorch's names and in its shapes.

        ``layers.0.weight`` ``(d_1, d_0)``, ``layers.0.bias`` ``(d_1,)``, and so on.
        """
        return {
            f"layers.{l}.{name}": array
            for l, layer in enumerate(self.layers)
            for name, array in layer.state_dict().items()
        }

    def _vector(self, state: Mapping[str, Array]) -> Array:
        parts = []
        for l, layer in enumerate(self.layers):
            names = layer.state_dict()
            parts.append(layer._vector({name: state[f"layers.{l}.{name}"] for name in names}))
        return np.concatenate(parts)

    def __repr__(self) -> str:
        widths = [len(layer.neurons) for layer in self.layers]
        hidden = [layer.activation for layer in self.layers[:-1]]
        activation: Any = hidden[0] if len(set(hidden)) == 1 else hidden
        given = f"activation={activation!r}, " if hidden else ""
        first = self.layers[0].neurons[0]
        return f"MLP({len(first.w)}, {widths}, {given}bias={first.b is not None})"


def _check_size(weights: int) -> None:
    """Raise if so many weights would fill the memory of a computer, which says nothing then.

    Raises:
        ValueError: they would.
    """
    if weights > MOST:
        raise ValueError(
            f"these widths would make {weights:,} weights, and {MOST:,} is the most: each is a "
            "Value of some 200 bytes"
        )


def _label_inputs(x: Sequence[Number], labels: Iterable[str]) -> None:
    """Label the Values among the inputs by their place, unless the user has labelled them."""
    for v, label in zip(x, labels):
        if isinstance(v, Value) and not v.label:
            v.label = label


def check_inputs(x: Sequence[Number], d: int) -> None:
    """Raise unless ``x`` is a sequence of d inputs."""
    is_sequence = hasattr(x, "__len__") and hasattr(x, "__getitem__") and getattr(x, "ndim", 1) > 0
    if isinstance(x, type | dict) or not is_sequence:
        raise TypeError(f"x must be a sequence of {d} numbers or Values, got {x!r}")
    # By iteration, not x[0]: the row of a DataFrame has names in place of numbers for its entries.
    first = next(iter(x), 0.0)
    if getattr(x, "ndim", 1) > 1 or (hasattr(first, "__len__") and not isinstance(first, str)):
        raise ValueError(
            f"x must be one example, {d} numbers, got {len(x)} rows: for many, net.predict(X)"
        )
    if len(x) != d:
        raise ValueError(f"x must have {d} entries, got {len(x)}")
