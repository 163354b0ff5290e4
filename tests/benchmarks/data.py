"""Data of many rows through `nn.fit` and `nn.load_csv`: seconds, and memory beside the data.

Each row runs in a process of its own, whose peak is the most that it had resident since the data
were made, pages of a mapped file included.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn

N, D, B = 1_000_000, 20, 256
KINDS: dict[str, Callable[[Any], Any]] = {
    "rows side by side": np.asarray,
    "columns side by side": np.asfortranarray,
    "float32": np.float32,
    "int16": lambda X: (X * 100).astype(np.int16),
    "masked nowhere": np.ma.masked_array,
    "a list": np.ndarray.tolist,
}
MAPPED = (2_500_000, 1000)  # a file of 20 GB that takes no room: all zeros


def resident() -> int:
    """Peak bytes of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def training(X: Any, y: Any, d: int, shuffle: str = "rows") -> tuple[float, float, int]:
    """Seconds to the first update and of an epoch, and the peak beyond what there was."""
    net, starts = nn.MLP(d, [1], rng=np.random.default_rng(0)), []

    def lr(t: int) -> float:
        if (t - 1) % (len(y) // B) == 0:
            starts.append(time.perf_counter())
        return 1e-9

    before, start = resident(), time.perf_counter()
    nn.fit(net, nn.gaussian_nll, X, y, epochs=1, batch_size=B, lr=lr, progress=False,
           shuffle=shuffle)  # fmt: skip
    return starts[0] - start, time.perf_counter() - starts[0], resident() - before


def arrays(kind: str) -> str:
    """A row of a kind of array."""
    rng = np.random.default_rng(0)
    X = KINDS[kind](rng.normal(size=(N, D)))
    first, epoch, peak = training(X, rng.normal(size=N), D)
    return f"{first:>12.2f} s{epoch:>12.2f} s{peak / (8 * N * D):>12.2f}"


def mapped(shuffle: str) -> str:
    """A row of a mapped file."""
    n, d = MAPPED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X"
        with path.open("wb") as file:
            file.truncate(8 * n * d)
        X = np.memmap(path, dtype=float, mode="r", shape=MAPPED)
        first, epoch, peak = training(X, np.random.default_rng(0).normal(size=n), d, shuffle)
    return f"{first:>12.2f} s{epoch:>12.2f} s{peak / (8 * n * d):>12.3f}"


def table(answers: str) -> str:
    """A row of a CSV file."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        with path.open("w") as file:
            file.write(",".join([*(f"x{i}" for i in range(D)), "k"]) + "\n")
            for i in range(N):
                target = "abc"[i % 3] if answers == "words" else f"{i / N:.5f}"
                file.write(",".join([*(f"{v:.5f}" for v in rng.normal(size=D)), target]) + "\n")
        before, start = resident(), time.perf_counter()
        nn.load_csv(path, "k")
        seconds, peak = time.perf_counter() - start, resident() - before
    return f"{seconds:>12.2f} s{'':>14}{peak / (8 * N * D):>12.2f}"


def main() -> None:
    """Print one line for each kind of data."""
    print(
        f"\n{f'{N:,} x {D}, batch {B}':<36}{'first update':>14}{'an epoch':>14}{'memory/data':>12}"
    )
    rows: list[tuple[str, Callable[[str], str], str]] = [
        *((kind, arrays, kind) for kind in KINDS),
        *((f"20 GB, mapped, shuffle={how!r}", mapped, how) for how in ("blocks", "rows")),
        *((f"a CSV file, classified by {how}", table, how) for how in ("words", "numbers")),
    ]
    for name, row, argument in rows:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(f"{name:<36}{pool.apply(row, (argument,))}", flush=True)


if __name__ == "__main__":
    main()
