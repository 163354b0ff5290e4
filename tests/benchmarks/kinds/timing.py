"""Milliseconds of a loss and its gradient: the program, PyTorch, and the recorded graph.

At B = 1 the graph is recorded and swept anew, and "bare" is the program without machine code.

All sides have the same numbers, in float64, on one thread, and take turns in one process. What
counts is the processor's time; a ratio is the median of those of all rounds. The program is called
as `Program.bind` gives it, which is what training loops call; the graph is recorded and swept.
"""

import platform
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any
from unittest import mock

import numpy as np

from autograd import compiler
from autograd.compiler import tape
from autograd.compiler.llvm import is_installed
from autograd.compiler.structure import Kept

from . import KINDS
from .kind import Kind, flat, rows, to_values, torch, vector

BATCHES = (1, 100, 1000)
ROUNDS, SECONDS, TURN = 7, 1.0, 0.005  # rounds at least, of all sides together, of a side's turn
Side = Callable[[], tuple[Any, Any]]


def program_side(
    kind: Kind, inputs: list[Any], parameters: list[Any], bare: bool = False
) -> tuple[Side, float, int]:
    """The program's call, the seconds to compile it, and the lines of its source.

    If it is ``bare``, as if llvmlite were not installed.
    """
    example = kind.example(inputs, parameters)
    with ExitStack() as stack:
        if bare:
            stack.enter_context(mock.patch.object(tape, "is_installed", return_value=False))
            stack.enter_context(mock.patch.object(compiler, "_kept", Kept()))
        start = time.process_time()
        program = example.compile()
        seconds = time.process_time() - start
    gradient, batch = np.zeros(len(example.parameters)), rows(inputs)
    run = program.bind(vector(parameters), gradient)
    return lambda: (run(batch), gradient), seconds, len(program.source.splitlines())


def torch_side(kind: Kind, inputs: list[Any], parameters: list[Any]) -> Side:
    """PyTorch's."""
    torch.set_num_threads(1)
    x = kind.prepare(*map(torch.from_numpy, inputs))
    theta = [torch.from_numpy(np.array(array)).requires_grad_() for array in parameters]

    def step() -> tuple[Any, Any]:
        losses = kind.twin(*x, *theta)
        return losses, torch.autograd.grad(losses.sum(), theta)

    return step


def graph_side(kind: Kind, inputs: list[Any], parameters: list[Any]) -> Side:
    """One example, recorded and swept."""
    theta = [to_values(array) for array in parameters]
    leaves = flat(theta)

    def step() -> tuple[Any, Any]:
        for p in leaves:
            p.grad = 0.0
        root = kind.record(*[to_values(array[0]) for array in inputs], *theta)
        root.backward()
        return np.array([root.data]), leaves

    return step


def numbers(result: tuple[Any, Any]) -> Any:
    """Losses and gradient, in one vector."""
    losses, gradient = result
    if isinstance(gradient, tuple):  # PyTorch's
        losses = losses.detach().numpy()
        gradient = vector([part.numpy() for part in gradient])
    elif isinstance(gradient, list):  # the graph's
        gradient = np.array([p.grad for p in gradient])
    return np.concatenate([losses, gradient])


def compare(sides: list[Side]) -> list[list[float]]:
    """Seconds of a call of each side, in each round.

    Raises:
        AssertionError: the sides compute different numbers.
    """
    first = [numbers(side()) for side in sides]
    for other in first[1:]:
        np.testing.assert_allclose(other, first[0], rtol=1e-9, atol=1e-9 * np.abs(first[0]).max())
    calls = [1] * len(sides)
    rounds: list[list[float]] = []
    began = time.process_time()
    while len(rounds) < ROUNDS or time.process_time() - began < SECONDS:
        seconds = []
        for i, side in enumerate(sides):
            start = time.process_time()
            for _ in range(calls[i]):
                side()
            seconds.append((time.process_time() - start) / calls[i])
            calls[i] = max(calls[i], round(TURN / max(seconds[-1], 1e-6)))
        rounds.append(seconds)
    return rounds[2:]  # the first ones warm up


def row(kind: Kind, b: int) -> str:
    """A row of the table: times, and how many times as long the others take."""
    rng = np.random.default_rng(0)
    inputs, parameters = kind.inputs(rng, b), kind.parameters(rng)
    program, compiled, lines = program_side(kind, inputs, parameters)
    sides = {"program": program}
    if torch:
        sides["torch"] = torch_side(kind, inputs, parameters)
    if b == 1:
        sides["bare"], *_ = program_side(kind, inputs, parameters, bare=True)
        sides["graph"] = graph_side(kind, inputs, parameters)
    rounds = [dict(zip(sides, seconds)) for seconds in compare([*sides.values()])]
    cells = []
    for name in ("program", "torch", "bare", "graph"):
        known = name in sides
        cells.append(f"{1e3 * statistics.median(r[name] for r in rounds):.3f}" if known else "")
        if name != "program":
            ratio = statistics.median(r[name] / r["program"] for r in rounds) if known else 0.0
            cells.append(f"{ratio:.2f}x" if known else "")
    cells += [f"{1e3 * compiled:.0f}", str(lines)] if b == BATCHES[0] else ["", ""]
    return "".join(f"{cell:>10}" for cell in cells)


def main(*names: str) -> None:
    """Print the table, of all kinds or of some."""
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    versions.append(f"PyTorch {version('torch')}" if torch else "no PyTorch")
    versions.append(f"llvmlite {version('llvmlite')}" if is_installed() else "no llvmlite")
    print(
        f"{', '.join(versions)}; float64, one thread, milliseconds of the processor, medians of "
        f"{ROUNDS - 2} interleaved rounds or more"
    )
    if is_installed():
        start = time.process_time()
        tape.machine()
        took = 1e3 * (time.process_time() - start)
        print(f"To import llvmlite and compile the tape machine, once in a process: {took:.0f} ms")
    titles = ["program", "torch", "torch/p", "bare", "bare/p", "graph", "graph/p"]
    titles += ["compile", "lines"]
    print(f"\n{'a loss and its gradient':<24}{'B':>6}{''.join(f'{t:>10}' for t in titles)}")
    for name in names or KINDS:
        for b in BATCHES:
            print(f"{name:<24}{b:>6}{row(KINDS[name], b)}", flush=True)
