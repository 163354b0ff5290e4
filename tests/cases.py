"""What tests of several rooms share: random networks with an example, and how they compare."""

import functools
import inspect
import math
import os

import numpy as np
import pytest
from hypothesis import settings

from autograd import Value
from nn import MLP, Module, bernoulli_nll, categorical_nll, fit, gaussian_nll
from nn.model import activations

ACTIVATIONS = [*activations.ACTIVATIONS]
LOSSES = [gaussian_nll, bernoulli_nll, categorical_nll]


def many(n):
    """So many random cases, or for the fast subset a fifth."""
    return -(-n // 5) if "CHALKGRAD_FAST" in os.environ else n


def examples(n):
    """So many random examples of a property, the same in every run; for the fast subset a fifth."""
    return settings(max_examples=many(n), deadline=None, derandomize=True)


def for_each(names, cases, ids=None):
    """As `pytest.mark.parametrize`, with all cases in one test; a failure names its case.

    For cases that take less time than pytest takes for a test, some milliseconds.
    """
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    cases = [case if len(names) > 1 else (case,) for case in cases]
    assert cases
    ids = ids if ids is None or callable(ids) else list(ids)

    def in_one(test):
        @functools.wraps(test)
        def run(*args, **kwargs):
            for i, case in enumerate(cases):
                try:
                    test(*args, **kwargs, **dict(zip(names, case, strict=True)))
                except (Exception, pytest.fail.Exception) as error:
                    which = ids[i] if isinstance(ids, list) else ", ".join(map(ids or repr, case))
                    raise AssertionError(
                        f"{test.__name__}: {', '.join(names)} = {which}"
                    ) from error

        signature = inspect.signature(test)
        left = [p for p in signature.parameters.values() if p.name not in names]
        run.__signature__ = signature.replace(parameters=left)
        return run

    return in_one


def expression():
    """README's f = log(x) + x y - sin(y) at x = 2, y = 5, with gradients."""
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    f = labelled("f", x.log() + x * y - y.sin())
    f.backward()
    return f


def make_net(d_L=1, d0=3, hidden=(4,), activation="tanh", bias=True, seed=0):
    """A small network, the same for the same seed."""
    return MLP(d0, [*hidden, d_L], activation, bias, np.random.default_rng(seed))


def train(net, loss=None, X=None, y=None, **options):
    """`fit`, silently: 2 epochs in batches of 4, with a seed unless it resumes.

    Without ``y``, ``X`` is a source of batches.
    """
    usual = {"epochs": 2, "lr": 0.1, "progress": False}
    if options.get("resume") is None:
        usual["rng"] = np.random.default_rng(1)
    if y is None:
        return fit(net, loss, X, **(usual | options))
    return fit(net, loss, X, y, **({"batch_size": 4} | usual | options))


def numbers(values):
    """The numbers in Values, or in the parameters of a module."""
    return [v.data for v in (values.parameters() if isinstance(values, Module) else values)]


def bits(values):
    """The same to the bit, by which nan is nan, and -0.0 is not 0.0."""
    return [x.hex() for x in numbers(values)]


def names(folder):
    """Of what is in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def labelled(label, value):
    """A Value, which gets a label."""
    value.label = label
    return value


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


def starred(cells):
    """For each cell of a notebook the heading of the starred section that it is in, or None.

    A section is starred by its heading, `## ★ Title (12 min)`, and ends with the next `## `.
    """
    heading = None
    for cell in cells:
        first, *_ = "".join(cell["source"]).split("\n", 1)
        if cell["cell_type"] == "markdown" and first.startswith("## "):
            heading = first if first.startswith("## ★ ") else None
        yield heading


# Bases and exponents where x^(y-1) depends on the sign of 0, or is nan beside y = 0.
HARD_POWERS = [(-0.0, -2.0), (-0.0, -1e-320), (-0.0, 1e-320), (0.0, 1e-320), (-0.0, 0.0),
               (-0.0, 1.0), (-0.0, 3.0), (math.nan, 0.0), (math.inf, 0.0), (-2.0, 0.0)]  # fmt: skip


def hard_power(x, p):
    """A power of two parameters, beside inputs that add nothing."""
    return p[0] ** p[1] + x[0] * x[1]
