"""An epoch of training through `nn.fit`, against NumPy written by hand and PyTorch.

All sides start from the same weights, see the same batches in the same order, and use float64 and
one thread. They take turns, one run of a few epochs each, in one process; what counts is the time
from the first update of an epoch to the first update of the next. A ratio is the median of those
of all rounds.
"""

import importlib.util
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np

import autograd
import nn
from autograd import Value, compiler
from autograd.compiler.structure import Kept
from nn.train.batches import Batch
from nn.train.engines import GraphEngine, ProgramEngine

ROUNDS, SECONDS = 7, 8.0  # at least so many runs, and for so long
LR = 0.01
BATCHES = (1, 8, 32, 128, 1024)
SHAPES: list[tuple[int, list[int]]] = [
    (64, [32, 10]),
    (2, [16, 16, 1]),
    (64, [128, 64, 10]),
    (30, [1]),
    (784, [256, 10]),
]


def data(d0: int, outputs: int) -> tuple[Any, Any]:
    """The digits for 64 inputs, else random numbers: the time does not depend on them."""
    if d0 == 64:
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        return (X[:1437] - 5) / 6, y[:1437]
    rng = np.random.default_rng(0)
    return rng.normal(size=(2048, d0)), rng.integers(max(outputs, 2), size=2048)


class Textbook:
    """The lecture's equations in NumPy, layer by layer, a batch being rows, ``(b, d)``."""

    def __init__(self, net: nn.MLP) -> None:
        self.thetas = [layer.theta.T.copy() for layer in net.layers]
        self.biases = [layer.b.copy() for layer in net.layers if layer.b is not None]

    def step(self, x: Any, y: Any, lr: float) -> float:
        """One update; the mean loss before it."""
        b = len(x)
        xs = [x]
        for theta, bias in zip(self.thetas[:-1], self.biases[:-1]):
            xs.append(np.maximum(xs[-1] @ theta + bias, 0.0))
        a = xs[-1] @ self.thetas[-1] + self.biases[-1]
        if a.shape[1] > 1:
            z = a - a.max(axis=1, keepdims=True)
            e = np.exp(z)
            total = e.sum(axis=1, keepdims=True)
            rows = np.arange(b)
            loss = (np.log(total[:, 0]) - z[rows, y]).mean()
            delta = e / total
            delta[rows, y] -= 1.0
        else:
            y = y[:, None]
            loss = (np.logaddexp(0.0, a) - y * a).mean()
            delta = 1.0 / (1.0 + np.exp(-a)) - y
        delta /= b
        for l in reversed(range(len(self.thetas))):
            theta, bias = self.thetas[l], self.biases[l]
            d_theta, d_bias = xs[l].T @ delta, delta.sum(axis=0)
            if l:
                delta = (delta @ theta.T) * (xs[l] > 0)
            theta -= lr * d_theta
            bias -= lr * d_bias
        return float(loss)


class TextbookDigits:
    """The same, written out for one hidden layer and ten classes."""

    def __init__(self, net: nn.MLP) -> None:
        (self.W1, self.W2) = (layer.theta.T.copy() for layer in net.layers)
        (self.b1, self.b2) = (layer.b.copy() for layer in net.layers if layer.b is not None)

    def step(self, x: Any, y: Any, lr: float) -> float:
        """One update; the mean loss before it."""
        a1 = x @ self.W1 + self.b1
        h = np.maximum(a1, 0.0)
        a2 = h @ self.W2 + self.b2
        z = a2 - a2.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        rows = np.arange(len(x))
        loss = (np.log(total[:, 0]) - z[rows, y]).mean()
        d2 = e / total
        d2[rows, y] -= 1.0
        d2 /= len(x)
        d1 = (d2 @ self.W2.T) * (a1 > 0)
        self.W2 -= lr * (h.T @ d2)
        self.b2 -= lr * d2.sum(axis=0)
        self.W1 -= lr * (x.T @ d1)
        self.b1 -= lr * d1.sum(axis=0)
        return float(loss)


def textbook(net: nn.MLP, X: Any, y: Any, b: int, epochs: int) -> tuple[list[float], float]:
    """Seconds of each epoch but the last, and the last loss."""
    is_digits = [len(layer.neurons) for layer in net.layers] == [32, 10]
    model = TextbookDigits(net) if is_digits else Textbook(net)
    rng, starts, losses = np.random.default_rng(1), [], [0.0]
    for _ in range(epochs):
        starts.append(time.perf_counter())
        losses = [model.step(X[batch], y[batch], LR) for batch in nn.minibatches(len(X), b, rng)]
    return [b - a for a, b in pairwise(starts)], float(np.mean(losses))


def through_fit(net: nn.MLP, X: Any, y: Any, b: int, epochs: int) -> tuple[list[float], float]:
    """The same through `nn.fit`, whose rate, being a function, tells when an update begins."""
    loss = nn.categorical_nll if len(net.layers[-1].neurons) > 1 else nn.bernoulli_nll
    updates, starts = len(X) // b, []

    def lr(t: int) -> float:
        if (t - 1) % updates == 0:
            starts.append(time.perf_counter())
        return LR

    history = nn.fit(
        net, loss, X, y, epochs=epochs, batch_size=b, lr=lr, progress=False,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    return [b - a for a, b in pairwise(starts)], history[-1].loss


def pytorch(net: nn.MLP, X: Any, y: Any, b: int, epochs: int) -> tuple[list[float], float]:
    """The same as an idiomatic PyTorch loop, the batches taken from tensors by index."""
    import torch

    torch.set_num_threads(1)
    modules: list[Any] = []
    for layer in net.layers:
        linear = torch.nn.Linear(len(layer.neurons[0].w), len(layer.neurons), dtype=torch.float64)
        linear.load_state_dict({k: torch.from_numpy(v) for k, v in layer.state_dict().items()})
        modules += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    classes = len(net.layers[-1].neurons) > 1
    criterion = torch.nn.CrossEntropyLoss() if classes else torch.nn.BCEWithLogitsLoss()
    inputs = torch.from_numpy(X)
    targets = torch.from_numpy(y) if classes else torch.from_numpy(y[:, None].astype(float))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    rng, starts, losses = np.random.default_rng(1), [], [0.0]
    for _ in range(epochs):
        starts.append(time.perf_counter())
        losses = []
        for batch in nn.minibatches(len(X), b, rng):
            index = torch.from_numpy(batch)
            optimizer.zero_grad()
            loss = criterion(model(inputs[index]), targets[index])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return [b - a for a, b in pairwise(starts)], float(np.mean(losses))


def compare(d0: int, widths: list[int], b: int) -> list[list[float]]:
    """Seconds of an epoch by hand, through `fit`, and with PyTorch where it is, for each round."""
    X, y = data(d0, widths[-1])
    sides: list[Callable[..., tuple[list[float], float]]] = [textbook, through_fit]
    if importlib.util.find_spec("torch"):
        sides.append(pytorch)
    updates = len(X) // b
    epochs = 1 + max(2, min(40, 400 // updates))
    rounds: list[list[float]] = []
    start = time.perf_counter()
    while len(rounds) <= ROUNDS or time.perf_counter() - start < SECONDS:
        seconds, last = [], []
        for side in sides:
            net = nn.MLP(d0, widths, rng=np.random.default_rng(0))
            lasted, loss = side(net, X, y, b, epochs)
            seconds.append(statistics.median(lasted))
            last.append(loss)
        if max(last) - min(last) > 1e-9:
            raise AssertionError(f"the sides compute different losses: {last}")
        rounds.append(seconds)
    return rounds[1:]  # the first one warms up


def compile_time(d0: int, widths: list[int]) -> tuple[float, float]:
    """Median seconds to compile a network, and of an update of the graph engine, batch 32."""
    X, y = data(d0, widths[-1])
    net = nn.MLP(d0, widths, rng=np.random.default_rng(0))
    engine = GraphEngine(net, nn.categorical_nll, X, y.astype(float), nn.SGD())
    batch = Batch(engine.columns(X[:32], y[:32].astype(float)), range(32))
    seconds: list[list[float]] = [[], []]
    for _ in range(9):
        x, target = ([Value(v) for v in row] for row in (X[0].tolist(), np.eye(widths[-1])[0]))
        loss = nn.categorical_nll(net(x), target)
        compiler._kept = Kept()  # no program of this structure is there yet
        start = time.perf_counter()
        autograd.compile(loss, [*x, *target], net.parameters())
        middle = time.perf_counter()
        engine.train_on(batch, LR)
        for times, lasted in zip(seconds, (middle - start, time.perf_counter() - middle)):
            times.append(lasted)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def peak_memory(d0: int, widths: list[int], b: int) -> float:
    """Peak bytes that one update of the program takes, over those of widths x batch x 8."""
    X, y = data(d0, widths[-1])
    net = nn.MLP(d0, widths, rng=np.random.default_rng(0))
    engine = ProgramEngine(net, nn.categorical_nll, X, y.astype(float), nn.SGD())
    engine.prepare(evaluated=False)
    batch = Batch(engine.columns(X[:b], y[:b].astype(float)), range(b))
    engine.train_on(batch, LR)
    tracemalloc.start()
    engine.train_on(batch, LR)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / (8 * b * sum([d0, *widths]))


def main() -> None:
    """Print one line for each shape and batch size, then compilation and memory."""
    torch = "PyTorch " + version("torch") if importlib.util.find_spec("torch") else "no PyTorch"
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {torch}; float64, one "
          f"thread; medians of {ROUNDS} interleaved runs or more")  # fmt: skip
    print(f"\n{'an epoch of training':<18}{'batch':>7}{'by hand':>13}{'fit':>13}{'fit/hand':>10}"
          f"{'PyTorch':>13}{'PyTorch/fit':>13}")  # fmt: skip
    for d0, widths in SHAPES:
        for b in BATCHES:
            rounds = compare(d0, widths, b)
            hand, fit, *others = (1e3 * statistics.median(side) for side in zip(*rounds))
            # The machine may be slow for a while: ratios are those within a round.
            fit_hand = statistics.median(row[1] / row[0] for row in rounds)
            more = [f"{s:>10.2f} ms{statistics.median(row[2] / row[1] for row in rounds):>12.2f}x"
                    for s in others]  # fmt: skip
            print(f"{'-'.join(map(str, [d0, *widths])):<18}{b:>7}{hand:>10.2f} ms{fit:>10.2f} ms"
                  f"{fit_hand:>9.2f}x{''.join(more)}", flush=True)  # fmt: skip
    compiled, update = compile_time(64, [32, 10])
    print(f"\ncompile 64-32-10: {1e3 * compiled:.1f} ms, {compiled / update:.2f} updates of the "
          f"graph engine at batch 32 ({1e3 * update:.1f} ms)")  # fmt: skip
    ratios = ", ".join(f"{peak_memory(64, [d, 10], 128):.1f} ({64 * d + 11 * d + 10:,} parameters)"
                       for d in (32, 64, 128))  # fmt: skip
    print(f"peak of an update at batch 128, in arrays of all widths x batch: {ratios}")
