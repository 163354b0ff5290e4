"""What tests of several rooms share: random networks with an example, and how they compare."""

import os

import numpy as np

from nn import MLP, bernoulli_nll, categorical_nll, gaussian_nll
from nn.model import activations

ACTIVATIONS = [*activations.ACTIVATIONS]
LOSSES = [gaussian_nll, bernoulli_nll, categorical_nll]


def random_case(activation, loss, L, bias, seed, mixed=False):
    """A network of random widths and parameters, an example and a target.

    ``mixed``: the layers after the first have other activations, and targets may be probabilities.
    """
    rng = np.random.default_rng(seed)
    d0, *widths = rng.integers(1, 5, size=L + 1).tolist()
    if loss is categorical_nll:
        widths[-1] = int(rng.integers(2, 5))
    hidden = activation
    if mixed:
        hidden = [activation, *rng.choice(ACTIVATIONS, size=L).tolist()][: L - 1]
    net = MLP(d0, widths, hidden, bias)
    for p in net.parameters():
        p.data = rng.normal()
    d_L = widths[-1]
    if loss is gaussian_nll:
        y = rng.normal(size=d_L).tolist()
    elif loss is bernoulli_nll:
        y = rng.integers(0, 2, size=d_L).tolist()
    elif mixed and seed % 2 == 0:
        y = rng.dirichlet(np.ones(d_L)).tolist()
    else:
        y = int(rng.integers(d_L))
    if d_L == 1:
        y = y[0]
    return net, rng.normal(size=d0).tolist(), y


def assert_close(actual, expected):
    """Within 1e-12 of each other, relative to the size of the largest entry."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max())


def outside():
    """The environment for a pytest within a test: without what the outer one has put into it."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
