"""Which network a file holds: describing an `MLP`, and building one from a description."""

from itertools import pairwise
from typing import Any

from autograd.value import short_repr

from ..model.activations import ACTIVATIONS
from ..model.module import Module
from ..model.network import MLP, Layer, Neuron

PER_PARAMETER = 300  # bytes that a parameter takes: a Value with its number and its label
PER_UNIT = 1_000  # bytes that a neuron takes beside its parameters, with the labels of its layer

Shapes = dict[str, tuple[int, ...]]


def describe(net: Module) -> dict[str, Any]:
    """Which network this is.

    If the top layer's activation is not the identity, it is given as the last of L.
    ``bias`` is true or false; if layers differ, a list with one entry for each.

    Raises:
        ValueError: it is an MLP changed in a way that no description fits.
    """
    if type(net) is not MLP:
        return {"class": type(net).__name__}
    widths, biases = [len(net.layers[0].neurons[0].w)], []
    for l, layer in enumerate(net.layers, start=1):
        if type(layer) is not Layer or {type(neuron) for neuron in layer.neurons} != {Neuron}:
            raise ValueError(f"layer {l} holds more than neurons: a file can't describe it")
        found = {neuron.b is not None for neuron in layer.neurons}
        if len(found) > 1:
            raise ValueError(
                f"layer {l} has neurons with and without a bias: give each one, or none"
            )
        if {len(neuron.w) for neuron in layer.neurons} != {widths[-1]}:
            raise ValueError(f"layer {l} must have {widths[-1]} weights in each neuron")
        if layer.activation not in ACTIVATIONS:
            raise ValueError(f"layer {l} has an unknown activation, {layer.activation!r}")
        widths.append(len(layer.neurons))
        biases.append(found.pop())
    activation = [layer.activation for layer in net.layers]
    return {
        "class": "MLP",
        "d0": widths[0],
        "widths": widths[1:],
        "activation": activation[:-1] if activation[-1] == "linear" else activation,
        "bias": biases[0] if len(set(biases)) == 1 else biases,
    }


class Description:
    """A network as a file describes it, checked; nothing is built yet.

    Raises:
        ValueError: there is no such network.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        missing = [name for name in ("d0", "widths", "activation", "bias") if name not in about]
        unknown = sorted(about.keys() - {"class", "d0", "widths", "activation", "bias"})
        if missing or unknown:
            raise ValueError(f"its description of the network lacks {missing}, and has {unknown}")
        d0, widths, hidden, bias = (about[name] for name in ("d0", "widths", "activation", "bias"))
        if not isinstance(widths, list) or not widths:
            raise ValueError(f"widths must be a list [d1, ..., dL], got {short_repr(widths)}")
        for width in (d0, *widths):
            if type(width) is not int or width < 1:
                raise ValueError(f"widths must be positive whole numbers, got {short_repr(width)}")
        L = len(widths)
        if not isinstance(hidden, list) or len(hidden) not in (L - 1, L):
            raise ValueError(f"activation must be a list of {L - 1}, or {L} with the top one")
        for name in hidden:
            if not isinstance(name, str) or name not in ACTIVATIONS:
                raise ValueError(f"unknown activation {short_repr(name)}")
        biases = bias if isinstance(bias, list) else [bias] * L
        if len(biases) != L or any(type(has) is not bool for has in biases):
            raise ValueError(
                f"bias must be true or false, or a list of {L} such, got {short_repr(bias)}"
            )
        self.sizes: list[int] = [d0, *widths]
        self.biases: list[bool] = biases
        self.activations = hidden if len(hidden) == L else [*hidden, "linear"]

    @property
    def shapes(self) -> Shapes:
        """The names and shapes of its arrays."""
        shapes: Shapes = {}
        for l, (below, d) in enumerate(pairwise(self.sizes)):
            shapes[f"layers.{l}.weight"] = (d, below)
            if self.biases[l]:
                shapes[f"layers.{l}.bias"] = (d,)
        return shapes

    @property
    def memory(self) -> int:
        """How many bytes it will take, about."""
        m = sum(d * (below + 1) for below, d in pairwise(self.sizes))
        return m * PER_PARAMETER + sum(self.sizes) * PER_UNIT

    def build(self) -> MLP:
        """The network, with weights of its own."""
        net = MLP(self.sizes[0], self.sizes[1:], self.activations[:-1], any(self.biases))
        net.layers[-1].activation = self.activations[-1]
        for layer, has in zip(net.layers, self.biases):
            for neuron in layer.neurons:
                neuron.activation = layer.activation
                neuron.b = neuron.b if has else None
        return net
