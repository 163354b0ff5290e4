"""Speed and memory, side by side with others: ``python -m tests.benchmarks``.

First the scalar engine against micrograd, then training against NumPy by hand, JAX, numba and
PyTorch (see `training`), then data of many rows (see `data`), then kinds of programs against
PyTorch (see `kinds.timing`). ``graph``, ``training``, ``data`` or ``kinds`` as an argument runs one
of the four.

Both sides are timed in turn, in one process and one run. A step is one update of micrograd's own
demo: 100 two-moons points, a 2-16-16-1 ReLU network, max-margin loss and an L2 penalty. Micrograd's
graphs are cycles of references, which only the garbage collector can free, so the collector runs,
untimed, before every step; figures are given as the collector comes and switched off.
"""

import gc
import math
import platform
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import micrograd.engine
import micrograd.nn
import numpy as np
from sklearn.datasets import make_moons

import autograd
import nn
from autograd import Value

from . import data, training
from .kinds import timing as kinds

ROUNDS = 15
X, y = make_moons(n_samples=100, noise=0.1, random_state=1)
X, y = X.tolist(), (2 * y - 1).tolist()
ALPHA = 1e-4


class PlainNeuron:
    """Micrograd's neuron, over any scalar class: only ``*`` and ``+``."""

    def __init__(self, scalar: Callable[[float], Any], d: int, nonlinear: bool) -> None:
        self.w = [scalar(random.uniform(-1, 1)) for _ in range(d)]
        self.b = scalar(0.0)
        self.nonlinear = nonlinear

    def __call__(self, x: list[Any]) -> Any:
        a = sum((w * v for w, v in zip(self.w, x)), self.b)
        return a.relu() if self.nonlinear else a


def plain_step(scalar: Callable[[float], Any]) -> Callable[[], float]:
    """One update, every operation a scalar ``*`` or ``+``."""
    random.seed(1)
    widths = [2, 16, 16, 1]
    layers = [
        [PlainNeuron(scalar, d_in, nonlinear=d_out > 1) for _ in range(d_out)]
        for d_in, d_out in pairwise(widths)
    ]
    parameters = [p for layer in layers for neuron in layer for p in [*neuron.w, neuron.b]]

    def score(row: list[float]) -> Any:
        x = [scalar(v) for v in row]
        for layer in layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    def step() -> float:
        losses = [(1 + -t * score(row)).relu() for row, t in zip(X, y)]
        total = sum(losses) * (1.0 / len(losses)) + ALPHA * sum(p * p for p in parameters)
        for p in parameters:
            p.grad = 0.0
        total.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return float(total.data)

    return step


def mlp_step() -> Callable[[], float]:
    """The same update with `nn.MLP` and the n-ary functions."""
    net = nn.MLP(2, [16, 16, 1], rng=np.random.default_rng(1))
    random.seed(1)
    for p in net.parameters():  # the same start as the others
        p.data = 0.0 if p.label.startswith("b") else random.uniform(-1, 1)
    parameters = net.parameters()
    sgd = nn.SGD(parameters, lr=0.1)

    def step() -> float:
        losses = [(1 + -t * net(row)).relu() for row, t in zip(X, y)]
        penalty = autograd.dot(parameters, parameters)
        total = autograd.sum(losses) * (1.0 / len(losses)) + ALPHA * penalty
        sgd.zero_grad()
        total.backward()
        sgd.step()
        return total.data

    return step


def interleaved(steps: list[Callable[[], Any]], collector: bool) -> list[float]:
    """The median seconds of each, timed in turn."""
    times: list[list[float]] = [[] for _ in steps]
    for round_ in range(ROUNDS + 2):
        for step, seconds in zip(steps, times):
            gc.collect()
            if not collector:
                gc.disable()
            start = time.perf_counter()
            step()
            elapsed = time.perf_counter() - start
            gc.enable()
            if round_ >= 2:  # the first two warm up
                seconds.append(elapsed)
    return [statistics.median(seconds) for seconds in times]


def peak(build: Callable[[], Any]) -> tuple[int, Any]:
    """The peak number of bytes that ``build`` takes, and what it returns."""
    gc.collect()
    tracemalloc.start()
    result = build()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, result


def plain_graph(scalar: Callable[[float], Any]) -> tuple[Any, int]:
    """A plain expression of 2 n operations, and how many nodes it has."""
    n = 20_000
    w, x = scalar(0.5), scalar(1.0)
    total = scalar(0.0)
    for _ in range(n):
        total = total + w * x
    return total, 2 * n


def chain(n: int) -> None:
    """A chain of n operations: forward, backward, release."""
    x = v = Value(1.0)
    for _ in range(n // 2):
        v = (v * 1.0000001).sin()
    v.backward()
    assert x.grad != 0.0


def gradient_time(m: int) -> float:
    """The median seconds of one gradient of a loss with m parameters: 16 neurons and a sum."""
    rng = np.random.default_rng(0)
    d = m // 16
    theta = [[Value(v) for v in row] for row in rng.normal(size=(16, d)).tolist()]
    x = rng.normal(size=d).tolist()
    seconds = []
    for _ in range(5):
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        autograd.sum([a.tanh() for a in autograd.affine(theta, x)]).backward()
        seconds.append(time.perf_counter() - start)
        gc.enable()
    return statistics.median(seconds)


def graph() -> None:
    """Print the table of the scalar engine."""
    sys.setrecursionlimit(10**6)  # micrograd's backward recurses
    print(
        f"Python {platform.python_version()}, chalkgrad {version('chalkgrad')}, micrograd "
        f"{version('micrograd')}, NumPy {np.__version__}; medians of {ROUNDS} interleaved rounds"
    )
    steps = [plain_step(micrograd.engine.Value), plain_step(Value), mlp_step()]
    first = [step() for step in steps]
    if max(first) - min(first) > 1e-12:
        raise AssertionError(f"the three steps compute different losses: {first}")
    print(f"\n{'moons step':<44}{'collector on':>22}{'collector off':>22}")
    on, off = interleaved(steps, collector=True), interleaved(steps, collector=False)
    for name, a, b in zip(("micrograd", "Value, plain * and +", "nn.MLP"), on, off):
        left, right = f"{1e3 * a:.1f} ms {on[0] / a:6.1f}x", f"{1e3 * b:.1f} ms {off[0] / b:6.1f}x"
        print(f"{name:<44}{left:>22}{right:>22}")

    theirs, (_, nodes) = peak(lambda: plain_graph(micrograd.engine.Value))
    ours, _ = peak(lambda: plain_graph(Value))
    print(f"\n{'peak memory of a plain expression':<44}{'bytes a node':>22}{'of micrograd':>22}")
    print(f"{'micrograd':<44}{theirs / nodes:>22.0f}{1:>22.2f}")
    print(f"{'Value':<44}{ours / nodes:>22.0f}{ours / theirs:>22.2f}")
    most, _ = peak(lambda: chain(1_000_000))
    print(f"{'a chain of 1,000,000, with backward':<44}{most / 1e6:>22.0f}")

    sizes = [10**3, 10**4, 10**5, 10**6]
    seconds = [gradient_time(m) for m in sizes]
    print(f"\n{'one gradient, m parameters':<44}{'ms':>22}{'exponent so far':>22}")
    for i, (m, s) in enumerate(zip(sizes, seconds)):
        slope = math.log(s / seconds[0]) / math.log(m / sizes[0]) if i else float("nan")
        print(f"{f'm = {m:,}':<44}{1e3 * s:>22.2f}{f'{slope:.3f}' if i else '':>22}")


if __name__ == "__main__":
    for part in sys.argv[1:] or ["graph", "training", "data", "kinds"]:
        {"graph": graph, "training": training.main, "data": data.main, "kinds": kinds.main}[part]()
