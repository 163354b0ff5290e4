"""The activations g, a row each: recorded as one node, and by hand in NumPy.

A row is all that the program knows of an activation: networks, the recursion by hand, pictures and
the command line read it here. To add one, write a row; if no function of `autograd` records it as
one node, `autograd.primitive` makes one from its value and its derivative.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd
from autograd import Value, abs, erfc, exp, primitive, sigmoid, tanh, where
from autograd.primitives import GRID, gaussian

from ..arrays import Array

ArrayFunction = Callable[[Array], Array]


@dataclass(frozen=True)
class Activation:
    """One activation.

    Attributes:
        name: what users call it.
        record: g of a Value, as one node; or, for the identity, the Value itself.
        g, slope: g and g' of arrays, in NumPy alone: the recursion by hand shares no code with the
            engine.
        variance: the variance of the first weights, a function of the numbers of a layer's inputs
            and outputs.
        switches: whether a unit is on or off: nothing passes where a <= 0.
        torch: PyTorch's module of it, made from ``torch.nn``.
        is_identity: whether nothing is recorded, so that a layer's x is its a.

    Raises:
        ValueError: ``record`` does not give exactly one node, computed from its argument alone.
    """

    name: str
    record: Callable[[Value], Value]
    g: ArrayFunction
    slope: ArrayFunction
    variance: Callable[[int, int], float]
    switches: bool = False
    torch: Callable[[Any], Any] | None = None
    is_identity: bool = field(init=False)

    def __post_init__(self) -> None:
        a = Value(0.5)
        x = self.record(a)
        object.__setattr__(self, "is_identity", x is a)
        if x is not a and not (isinstance(x, Value) and _is_only(a, x.inputs)):
            raise ValueError(
                f"activation {self.name!r} must record one node, of its argument alone, and not a "
                "formula of several: autograd.primitive makes one of its value and derivative"
            )


def _is_only(a: Value, inputs: Sequence[Any]) -> bool:
    return len(inputs) == 1 and inputs[0] is a


def he(d_in: int, d_out: int) -> float:
    """For units that are off half of the time: He et al. (2015), eq. 10."""
    return 2 / d_in


def glorot(d_in: int, d_out: int) -> float:
    """For units that are nearly linear near 0: Glorot and Bengio (2010), eq. 12."""
    return 2 / (d_in + d_out)


def leaky_he(d_in: int, d_out: int) -> float:
    """For units that are nearly off half of the time: He et al. (2015), eq. 15."""
    return 2 / ((1 + LEAK**2) * d_in)


def _sigmoid(a: Array) -> Array:
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1.0, e) / (1.0 + e)


LEAK = 0.01  # of leaky_relu: its slope below 0, as in PyTorch

leaky_relu = primitive(
    "leaky_relu",
    lambda a: where(a, a, LEAK * a),
    lambda z, a: (where(a, 1.0, where(1.0 - a, LEAK, a)),),  # a: nan
)  # Maas, Hannun and Ng (2013)

elu = primitive(
    "elu",
    # exp(a) - 1 would lose its digits near 0; this is the same, and keeps them.
    lambda a: where(a, a, -tanh(abs(a) / 2.0) * (1.0 + exp(-abs(a)))),
    lambda z, a: (where(a, 1.0, exp(-abs(a))),),
)  # Clevert, Unterthiner and Hochreiter (2016), eq. 15, with alpha = 1

silu = primitive(
    "silu",
    lambda a: a * sigmoid(a),
    lambda z, a: (sigmoid(a) * (1.0 + a * sigmoid(-a)),),
)  # Elfwing, Uchibe and Doya (2018), eq. 2


ROOT = math.sqrt(0.5)
ROOT_1 = math.floor(ROOT * 2**26) / 2**26  # its first 26 bits, and what is left of it
ROOT_2 = (0.5 - ROOT_1 * ROOT_1) / (ROOT + ROOT_1)


def _normal(a: Any) -> tuple[Any, Any]:
    """P(z <= a) for a standard normal z, and its density at a: right also in the tails."""
    density = gaussian(autograd, a, 0.5) / math.sqrt(2.0 * math.pi)
    p = -a * ROOT
    # In the tails, erfc magnifies the rounding error of p. As in `gaussian`, a is cut in two, so
    # that the product with its first bits is exact; the error of p is then corrected to first
    # order.
    high = a + GRID - GRID
    lacks = where(40.0 - abs(a), (p + high * ROOT_1) + (high * ROOT_2 + (a - high) * ROOT), 0.0)
    return 0.5 * erfc(p) + math.sqrt(2.0) * lacks * density, density


def _gelu_slope(z: Any, a: Any) -> tuple[Any]:
    below, density = _normal(a)
    return (below + a * density,)


gelu = primitive(
    "gelu", lambda a: a * _normal(a)[0], _gelu_slope
)  # Hendrycks and Gimpel (2016), section 2: exact, not by tanh


def _below(a: Array) -> Array:
    return np.array([0.5 * math.erfc(-v * ROOT) for v in a.tolist()])


# PyTorch's softplus is a itself above a threshold: at 20, its own, that is wrong by 2e-9.
# fmt: off
ACTIVATIONS = {row.name: row for row in (
    Activation("sigmoid", Value.sigmoid, _sigmoid,
               lambda a: _sigmoid(a) * (1 - _sigmoid(a)), glorot,
               torch=lambda nn: nn.Sigmoid()),
    Activation("relu", Value.relu, lambda a: np.maximum(a, 0.0),
               lambda a: np.heaviside(a, 0.0), he, switches=True, torch=lambda nn: nn.ReLU()),
    Activation("tanh", Value.tanh, np.tanh, lambda a: 1 - np.tanh(a) ** 2, glorot,
               torch=lambda nn: nn.Tanh()),
    Activation("softplus", Value.softplus, lambda a: np.logaddexp(0.0, a), _sigmoid, he,
               torch=lambda nn: nn.Softplus(threshold=40.0)),
    Activation("leaky_relu", leaky_relu, lambda a: np.where(a > 0, a, LEAK * a),
               lambda a: LEAK + (1.0 - LEAK) * np.heaviside(a, 0.0), leaky_he,
               torch=lambda nn: nn.LeakyReLU(LEAK)),
    Activation("elu", elu, lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0.0))),
               lambda a: np.exp(np.minimum(a, 0.0)), he, torch=lambda nn: nn.ELU()),
    Activation("silu", silu, lambda a: a * _sigmoid(a),
               lambda a: _sigmoid(a) * (1.0 + a * _sigmoid(-a)), he, torch=lambda nn: nn.SiLU()),
    Activation("gelu", gelu, lambda a: a * _below(a),
               lambda a: _below(a) + a * np.exp(-a * a / 2) / np.sqrt(2 * np.pi), he,
               torch=lambda nn: nn.GELU()),
    Activation("linear", lambda a: a, lambda a: a, np.ones_like, glorot),
)}
# fmt: on


def activation_row(name: Any) -> Activation:
    """The row of that name.

    Raises:
        ValueError: there is none.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}: choose from {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
