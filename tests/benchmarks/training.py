"""An update of training through `nn.fit`, beside NumPy by hand, JAX, numba and PyTorch.

All sides start from the same weights, see the same batches in the same order, and use float64 and
one thread; what the others are is in `peers`. They take turns in one process. What counts is the
processor's time of some epochs less that of one, so that neither compilation nor what `fit` does at
the start is in it. That comes apart: the seconds to the first update, each in a process of its own.
A ratio is the median of those of all rounds.
"""

import importlib.util
import multiprocessing
import os
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import autograd
import nn
from autograd import Value, compiler
from autograd.compiler.structure import Kept
from nn.train.batches import Batch
from nn.train.engines import GraphEngine, ProgramEngine

from . import peers

ROUNDS, MOST = 9, 60.0  # of all sides; fewer, but 3 at least, if they take so many seconds
TURN = 0.1  # seconds that the epochs of a turn take, at least
BATCHES = (1, 8, 32, 128, 1024)
SHAPES: list[tuple[int, list[int]]] = [
    (64, [32, 10]),
    (2, [16, 16, 1]),
    (64, [128, 64, 10]),
    (30, [1]),
    (784, [256, 10]),
]
MANY = (1_000_000, 20, [32, 1], 32)  # rows, inputs, widths, batch


def data(d0: int, outputs: int, n: int = 2048) -> tuple[Any, Any]:
    """The digits for 64 inputs, else random numbers: the time does not depend on them."""
    if d0 == 64:
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        return (X[:1437] - 5) / 6, y[:1437]
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d0)), rng.integers(max(outputs, 2), size=n)


class Fit:
    """Through `nn.fit`, a call of it in each turn."""

    engine = "auto"

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None:
        self.net, self.X, self.y, self.b = net, X, y, b

    def train(self, epochs: int) -> Any:
        """As `peers.Side.train`."""
        many = len(self.net.layers[-1].neurons) > 1
        loss: Any = nn.categorical_nll if many else nn.bernoulli_nll
        return nn.fit(
            self.net, loss, self.X, self.y, epochs=epochs, batch_size=self.b, lr=peers.LR,
            progress=False, rng=np.random.default_rng(1), engine=self.engine,
        )[-1].loss  # fmt: skip


class Native(Fit):
    """In machine code."""

    engine = "native"


class Program(Fit):
    """By NumPy."""

    engine = "program"


# The name of a side, the package that it needs, and its class.
SIDES: list[tuple[str, str, Callable[..., peers.Side]]] = [
    ("fit, native", "llvmlite", Native),
    ("fit, program", "numpy", Program),
    ("NumPy by hand", "numpy", peers.by_hand),
    ("JAX", "jax", peers.Jax),
    ("numba", "numba", peers.Numba),
    ("PyTorch", "torch", peers.PyTorch),
]
SIDES = [side for side in SIDES if importlib.util.find_spec(side[1])]
Start = Callable[[], peers.Side]


def lasts(start: Start, epochs: int) -> float:
    """The processor's seconds of a training."""
    side = start()
    begun = time.process_time()
    side.train(epochs)
    return time.process_time() - begun


def compare(net: Callable[[], nn.MLP], X: Any, y: Any, b: int) -> list[list[float]]:
    """The seconds of an epoch of each side, for each round."""
    sides: list[Start] = [partial(_made, make, net, X, y, b) for *_, make in SIDES]
    last = [float(np.mean(start().train(2))) for start in sides]
    if max(last) - min(last) > 1e-9:
        raise AssertionError(f"the sides compute different losses: {last}")
    epochs = []
    for start in sides:  # as many as it takes; what happens before the first may take longer
        more, first = 1, lasts(start, 1)
        while lasts(start, 1 + more) - first < max(TURN, first):
            more *= 2
        epochs.append(more)
    rounds: list[list[float]] = []
    begun = time.perf_counter()
    while len(rounds) < (3 if time.perf_counter() - begun > MOST else ROUNDS):
        rounds.append([
            (lasts(start, 1 + more) - lasts(start, 1)) / more
            for start, more in zip(sides, epochs)
        ])  # fmt: skip
    return rounds


def _made(
    make: Callable[..., peers.Side], net: Callable[[], nn.MLP], X: Any, y: Any, b: int
) -> peers.Side:
    return make(net(), X, y, b)


def network(d0: int, widths: list[int]) -> nn.MLP:
    """The same one for every side."""
    return nn.MLP(d0, widths, rng=np.random.default_rng(0))


def short(x: float) -> str:
    """Three digits."""
    return f"{x:.3g}" if x < 999 else f"{x:,.0f}"


def row(d0: int, widths: list[int], b: int, cells: list[str]) -> str:
    """A row of a table."""
    return f"| {'-'.join(map(str, [d0, *widths]))} | {b} | {' | '.join(cells)} |"


def times(d0: int, widths: list[int], b: int, n: int | None = None) -> str:
    """Microseconds an update, of ``n`` rows seconds an epoch; and how often the first one's."""
    X, y = data(d0, widths[-1], n or 2048)
    unit, cells = 1e6 / (len(X) // b) if n is None else 1.0, list[str]()
    rounds = compare(partial(network, d0, widths), X, y, b)
    for i, seconds in enumerate(zip(*rounds)):
        # The machine may be slow for a while: ratios are those within a round.
        ratio = statistics.median(its[i] / its[0] for its in rounds)
        middle = short(unit * statistics.median(seconds))
        cells.append(f"{middle} ({short(ratio)}x)" if i else middle)
    return row(d0, widths, b, cells)


def first_update(which: int, d0: int, widths: list[int], b: int) -> float:
    """Seconds from handing over the network to the end of the first update."""
    if SIDES[which][1] in ("jax", "numba", "torch"):  # users import these before
        importlib.import_module(SIDES[which][1])
    X, y = data(d0, widths[-1])
    net = network(d0, widths)
    begun = time.perf_counter()
    SIDES[which][2](net, X[:b], y[:b], b).train(1)
    return time.perf_counter() - begun


def first_updates(d0: int, widths: list[int], b: int) -> str:
    """Seconds to the first update of each side, the median of three processes."""
    cells = []
    for which in range(len(SIDES)):
        seconds = []
        for _ in range(3):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds.append(pool.apply(first_update, (which, d0, widths, b)))
        cells.append(f"{statistics.median(seconds):.2f}")
    return row(d0, widths, b, cells)


def compile_time(d0: int, widths: list[int]) -> tuple[float, float]:
    """Median seconds to compile a network, and of an update of the graph engine, batch 32."""
    X, y = data(d0, widths[-1])
    net = network(d0, widths)
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
        engine.train_on(batch, peers.LR)
        for its, lasted in zip(seconds, (middle - start, time.perf_counter() - middle)):
            its.append(lasted)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def peak_memory(d0: int, widths: list[int], b: int) -> float:
    """Peak bytes that one update of the program takes, over those of widths x batch x 8."""
    X, y = data(d0, widths[-1])
    net = network(d0, widths)
    engine = ProgramEngine(net, nn.categorical_nll, X, y.astype(float), nn.SGD())
    engine.prepare(evaluated=False)
    batch = Batch(engine.columns(X[:b], y[:b].astype(float)), range(b))
    engine.train_on(batch, peers.LR)
    tracemalloc.start()
    engine.train_on(batch, peers.LR)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / (8 * b * sum([d0, *widths]))


def main() -> None:
    """Print the tables, as they stand in the README: updates, first updates; then memory."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ.setdefault("XLA_FLAGS", flags)  # before JAX is imported
    threadpool_limits(1)  # of BLAS
    packages = {"numpy": "NumPy", "llvmlite": "llvmlite", "jax": "JAX", "torch": "PyTorch"}
    packages = {package: package for _, package, _ in SIDES} | packages
    versions = [f"{name} {version(package)}" if importlib.util.find_spec(package) else f"no {name}"
                for package, name in packages.items()]  # fmt: skip
    print(f"Python {platform.python_version()}, {', '.join(versions)}; float64, one thread; "
          f"medians of {ROUNDS} interleaved rounds")  # fmt: skip
    names = [name for name, *_ in SIDES]
    head = f"| network | batch | {' | '.join(names)} |\n{'|---' * (2 + len(names))}|"
    print(f"\nmicroseconds an update\n\n{head}")
    for d0, widths in SHAPES:
        for b in BATCHES:
            print(times(d0, widths, b), flush=True)
    n, d0, widths, b = MANY
    print(f"\nseconds an epoch of {n:,} rows\n\n{head}\n{times(d0, widths, b, n)}", flush=True)
    print(f"\nseconds to the first update\n\n{head}")
    for d0, widths in SHAPES:
        for b in (1, 32):
            print(first_updates(d0, widths, b), flush=True)
    compiled, update = compile_time(64, [32, 10])
    print(f"\ncompile 64-32-10: {1e3 * compiled:.1f} ms, {compiled / update:.2f} updates of the "
          f"graph engine at batch 32 ({1e3 * update:.1f} ms)")  # fmt: skip
    ratios = ", ".join(f"{peak_memory(64, [d, 10], 128):.1f} ({64 * d + 11 * d + 10:,} parameters)"
                       for d in (32, 64, 128))  # fmt: skip
    print(f"peak of an update at batch 128, in arrays of all widths x batch: {ratios}")
