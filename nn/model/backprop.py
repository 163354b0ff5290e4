"""The lecture's algorithm by hand, in NumPy: a second, independent way to the same gradient.

Forward, l = 1 ... L:      a^(l) = theta^(l) x^(l-1) + b^(l),   x^(l) = g_l(a^(l))
Top:                       Delta^(L) = a - y, sigmoid(a) - y, or softmax(a) - y
Backward, l = L - 1 ... 1: Delta^(l) = g_l'(a^(l)) * (theta^(l+1)^T Delta^(l+1))
Gradients:                 dL/dtheta^(l) = Delta^(l) x^(l-1)^T,   dL/db^(l) = Delta^(l)

It shares no code with the engine (the rows of activations and likelihoods have formulas in NumPy
for it), so that a test that the two agree means something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, real_array
from .activations import ACTIVATIONS
from .likelihoods import Loss, known_likelihood
from .network import MLP


@dataclass(frozen=True)
class Backpropagation:
    """What the recursion computes: lists, indexed by the lecture's layer l = 0 ... L.

    Attributes:
        x: activations, ``(d_l,)``; ``x[0]`` is the input.
        a: pre-activations, ``(d_l,)``; ``a[0]`` is None, as in the lists below.
        delta: error signals dL/da, ``(d_l,)``; also the gradients of the biases.
        gradients: dL/dtheta, ``(d_l, d_{l-1})``.
    """

    x: list[Array]
    a: list[Any]
    delta: list[Any]
    gradients: list[Any]


@np.errstate(all="ignore")  # numbers are IEEE's, as everywhere
def backpropagate(net: MLP, loss: Loss, x: ArrayLike, y: Any) -> Backpropagation:
    """Gradients of one example's loss by the lecture's recursion.

    Args:
        net: the network.
        loss: `gaussian_nll`, `bernoulli_nll` or `categorical_nll`.
        x: one example, ``(d_0,)``.
        y: its target, as ``loss`` takes it.

    Raises:
        ValueError: ``loss`` is not one of the three, or ``x`` or ``y`` does not fit.
        TypeError: ``net`` is not an `MLP`, or ``y`` holds something other than numbers.
    """
    if not isinstance(net, MLP):
        raise TypeError(f"net must be an MLP, got {net!r}")
    likelihood = known_likelihood(loss)
    thetas = [None, *[layer.theta for layer in net.layers]]
    g: list[Any] = [None, *[ACTIVATIONS[layer.activation] for layer in net.layers]]
    L = len(net.layers)

    x0 = real_array(x, "x")
    d0 = len(net.layers[0].neurons[0].w)
    if x0.shape != (d0,):
        raise ValueError(f"x must have shape ({d0},), got {x0.shape}")
    xs: list[Any] = [x0]
    a: list[Any] = [None]
    for l in range(1, L + 1):
        b = net.layers[l - 1].b
        a.append(thetas[l] @ xs[l - 1] + (0.0 if b is None else b))
        xs.append(g[l].g(a[l]))

    delta: list[Any] = [None] * (L + 1)
    gradients: list[Any] = [None] * (L + 1)
    for l in range(L, 0, -1):
        if l == L:
            delta[l] = likelihood.mean(a[l]) - np.array(likelihood.target(y, len(a[l])))
        else:
            delta[l] = g[l].slope(a[l]) * (thetas[l + 1].T @ delta[l + 1])  # type: ignore
        gradients[l] = np.outer(delta[l], xs[l - 1])
    return Backpropagation(xs, a, delta, gradients)
