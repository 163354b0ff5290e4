"""Which engine computes the updates of a training.

``"auto"`` decides from shapes and from how many updates there are, never by a clock: the same
training is run by the same engine wherever the same packages are installed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from autograd.compiler.expressions import LackError
from autograd.compiler.llvm import INSTALL, is_installed

from ..arrays import check_text
from .engines import GraphEngine, ProgramEngine
from .tracing import TraceError

ENGINES = {
    "auto": "native, if it is installed and pays; else program",
    "native": "native: the program in machine code",
    "program": "program: NumPy, over whole batches",
    "graph": "graph: every example recorded as scalars",
}

# Of an update, machine code saves what NumPy takes to call its functions: some microsecond for each
# (1.0 to 1.6 were measured). It takes some 0.3 s to load LLVM and to compile the simplest program,
# and 20 ms more for each statement.
SAVED = 1e-6
LOADED, COMPILED = 0.3, 0.02
# With more multiplications in an update, BLAS is better. The NumPy program's time over that of
# machine code, at so many millions: 64-32-10 1.1 at 10, 0.95 at 21; 64-128-64-10 1.1 at 11, 0.7 at
# 44; 784-256-10 1.3 at 13, 0.9 at 26, 0.35 at 420; 256-256-256-10 1.04 at 11, 0.85 at 43.
LARGE = 15_000_000


def engine_class(name: str) -> Any:
    """The engine of that name; of ``"auto"`` and ``"native"``, the one that they begin with.

    Raises:
        ValueError: there is none.
    """
    check_text("engine", name, ENGINES)
    return GraphEngine if name == "graph" else ProgramEngine


def engine_to_resume(given: str, recorded: str) -> str:
    """The engine of a training that goes on: the one that it began with, if none is given.

    Raises:
        ValueError: that one is not installed here.
    """
    if given != "auto":
        return given
    if recorded == "native" and not is_installed():
        raise ValueError(
            f"the training was made by engine='native', which is not installed: {INSTALL}. Or give "
            "engine='program', which differs in the last digits"
        )
    return recorded


def native_or_not(program: ProgramEngine, sizes: Iterable[int], updates: int, must: bool) -> Any:
    """The native engine, if it is installed and pays, or ``must`` be; else the program's.

    Args:
        program: what has been prepared.
        sizes: how many examples the batches have.
        updates: how many updates there will be.
        must: whether nothing else will do.

    Raises:
        ModuleNotFoundError: it must be, and is not installed.
        ValueError: it must be, and machine code can't do what the program does.
    """
    if not is_installed():
        if must:
            raise ModuleNotFoundError(f"engine='native' needs llvmlite: {INSTALL}")
        return program
    if not must and not pays(program, max(sizes), updates):
        return program
    try:
        from .native import NativeEngine

        native = NativeEngine(program)
        for single in {b == 1 for b in sizes}:
            native.compile(single)
        return native
    except LackError as error:
        reason = f"machine code lacks {error}"
    except TraceError as error:
        reason = f"machine code can't run the rule {type(program.rule).__name__}: it has {error}"
    except (ImportError, OSError, RuntimeError) as error:  # of llvmlite
        reason = f"llvmlite does not run here ({error})"
    if must:
        raise ValueError(f"engine='native' can't be used here, use 'program': {reason}")
    warnings.warn(f"{reason}: NumPy goes on, engine='program'", stacklevel=4)
    return program


def pays(program: ProgramEngine, b: int, updates: int) -> bool:
    """Whether machine code saves more time than it takes to compile."""
    calls, multiplications, statements = program.program.size
    saved = updates * calls * SAVED
    is_small = b == 1 or b * max(multiplications, program.program.graph_size) < LARGE
    # What a user's own primitive reads from outside is read once for machine code, and may change.
    has_own = any(f.startswith("d_") for f in program.program.functions)
    return is_small and not has_own and saved > LOADED + COMPILED * statements
