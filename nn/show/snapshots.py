"""The numbers of a network for one example, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograd import Value
from autograd.show.notation import digits, printable

from ..model.activations import ACTIVATIONS
from ..model.module import own_gradients
from ..model.network import MLP, check_inputs


@dataclass(frozen=True)
class Scale:
    """What is drawn largest: an error signal, and in each layer a weight."""

    delta: float
    theta: list[float]

    @classmethod
    def of(cls, snapshots: Sequence[Snapshot]) -> Scale:
        """The largest of several snapshots."""
        scales = [s.scale for s in snapshots]
        layers = zip(*[scale.theta for scale in scales])
        return cls(max(scale.delta for scale in scales), [max(layer) for layer in layers])


@dataclass(frozen=True)
class Snapshot:
    """One example's numbers, forward and backward: lists by the lecture's layer l = 0 ... L.

    Attributes:
        x, a, delta: of the layer's units, each ``[l][j]``; ``a[0]`` and ``delta[0]`` are empty.
        slope: g'(a), likewise.
        theta, d_theta: weights and their gradients, ``[l][j][i]``; ``[0]`` is empty.
        b, d_b: the biases and their gradients; empty lists for a network without.
        loss: its value.
        scale: the largest finite numbers.
    """

    x: list[list[float]]
    a: list[list[float]]
    delta: list[list[float]]
    slope: list[list[float]]
    theta: list[Any]
    d_theta: list[Any]
    b: list[list[float]]
    d_b: list[list[float]]
    loss: float
    scale: Scale

    def between(self, units: list[list[int]]) -> Snapshot:
        """The same with no other weights than those between some units, ``units[l]``."""

        def some(matrices: list[Any]) -> list[Any]:
            return [
                {j: {i: matrix[j][i] for i in units[l - 1]} for j in units[l]} if l else []
                for l, matrix in enumerate(matrices)
            ]

        return replace(self, theta=some(self.theta), d_theta=some(self.d_theta))


def snapshot(net: MLP, x: Sequence[float], y: Any, loss: Callable[[Any, Any], Any]) -> Snapshot:
    """Forward and backward for one example. The parameters keep their gradients.

    Raises:
        TypeError: ``net`` is no `MLP`.
        ValueError: ``x`` or ``y`` does not fit.
    """
    check_mlp(net)
    check_inputs(x, len(net.layers[0].neurons[0].w))
    with own_gradients(net):
        units = [[Value(v.data if isinstance(v, Value) else v) for v in x]]
        a: list[list[Any]] = [[]]
        for layer in net.layers:
            outputs = layer.outputs(units[-1])
            identity = ACTIVATIONS[layer.activation].is_identity
            a.append(outputs if identity else [v.inputs[0] for v in outputs])
            units.append(outputs)
        root = loss(units[-1][0] if len(units[-1]) == 1 else units[-1], plain(y))
        if not isinstance(root, Value):
            raise TypeError(f"loss must return a Value, got {type(root).__name__}")
        root.backward()
        weights = [[], *[[neuron.w for neuron in layer.neurons] for layer in net.layers]]
        theta = [[[w.data for w in ws] for ws in layer] for layer in weights]
        delta = [[v.grad for v in layer] for layer in a]
        return Snapshot(
            x=[[v.data for v in layer] for layer in units],
            a=[[v.data for v in layer] for layer in a],
            delta=delta,
            slope=[
                [1.0 if v is a_j else v.partials[0] for v, a_j in zip(layer, below)]
                for layer, below in zip(units, a)
            ],
            theta=theta,
            d_theta=[[[w.grad for w in ws] for ws in layer] for layer in weights],
            b=[[], *[[n.b.data for n in layer.neurons if n.b is not None] for layer in net.layers]],
            d_b=[
                [],
                *[[n.b.grad for n in layer.neurons if n.b is not None] for layer in net.layers],
            ],
            loss=root.data,
            scale=Scale(
                _largest(d for layer in delta for d in layer),
                [_largest(w for ws in layer for w in ws) for layer in theta],
            ),
        )


def plain(y: Any) -> Any:
    """A target as numbers, where Values were given: their gradients are not ours to change."""
    if isinstance(y, Value):
        return y.data
    if isinstance(y, list | tuple):
        return [plain(v) for v in y]
    return y.tolist() if hasattr(y, "tolist") else y


def target_text(y: Any) -> str:
    """A target as the pictures write it."""
    y = plain(y)
    return digits(y) if isinstance(y, float) else printable(y)


def check_mlp(net: Any) -> None:
    """Refuse a network whose layers, one after the other, are not all there is to it."""
    if not isinstance(net, MLP) or type(net).__call__ is not MLP.__call__:
        raise TypeError(f"net must be an MLP, with an MLP's own __call__, got {net!r}")


def _largest(numbers: Iterator[float]) -> float:
    return max((abs(v) for v in numbers if math.isfinite(v)), default=0.0) or 1.0
