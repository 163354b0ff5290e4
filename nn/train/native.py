"""Updates of a training in machine code, many in one call.

`NativeEngine` does what `ProgramEngine` does, to rounding. Where a loss or a step is not finite, it
leaves that update to the program, which says what went wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from autograd.compiler.native import Trainer, kernel

from ..arrays import Array
from .batches import Batch, Span
from .engines import ProgramEngine
from .optimizers import OPTIMIZERS
from .tracing import check_state, traced


class NativeEngine(ProgramEngine):
    """What a `ProgramEngine` has prepared, run in machine code."""

    name = "native"
    at_once = 10_000_000  # some 50 ms

    def __init__(self, program: ProgramEngine) -> None:
        vars(self).update(vars(program))
        of_classes = self.recording.one_hot and self.recording.y.ndim == 1
        self._classes = self.recording.d_L if of_classes else 0
        self._width = self.recording.X.shape[1]
        self._trainers: dict[bool, Trainer] = {}
        self._settings = repr(vars(self.rule))

    def compile(self, single: bool) -> None:
        """Have the machine code ready for batches of one example, or of any number.

        Raises:
            LackError, TraceError: it can't be had.
        """
        check_state(self.state, len(self.theta))
        rule, key = (None, "plain") if self._plain else (traced(self.rule), None)
        if type(self.rule) in OPTIMIZERS.values():
            key = repr(self.rule)
        arrays = {name: array.ndim > 0 for name, array in self.state.items()}
        self._trainers[single] = kernel(
            self.program, single, self._width, self._classes, arrays, rule, key
        )

    def most(self, b: int) -> int:
        """As `Engine.most`; a long program counts too."""
        size = len(self.theta) + self.program.graph_size
        return max(1, self.at_once // (b * size))

    def gather(self, span: Span) -> Span:
        """Machine code gathers for itself.

        Raises:
            RowError: a target is no class.
        """
        if self._classes:
            self.recording.check_classes(span.y.take(span.rows))
        return span

    def train_through(
        self, data: Span, span: Span, start: int, rates: Sequence[float], losses: list[float]
    ) -> None:
        """As `Engine.train_through`."""
        if repr(vars(self.rule)) != self._settings:  # a callback has changed them: NumPy goes on
            examples = self.columns(*span.examples())
            super().train_through(examples, span, start, rates, losses)
            return
        b = span.size
        while len(rates):
            done, step = self._run(span, start, rates)
            losses.extend(self._losses[:done].tolist())
            if done == len(rates):
                return
            # One that machine code does not finish.
            start, rates, lr = start + done + 1, rates[done + 1 :], rates[done]
            cut = slice((start - 1) * b, start * b)
            rows = span.rows[cut]
            batch = Batch(self.columns(span.X[rows], span.y[rows]), span.places[cut])
            if step is None:
                losses.append(self.train_on(batch, lr))
            else:
                self._follow(batch, step, lr)
                losses.append(float(self._losses[done]))

    def _run(self, span: Span, start: int, rates: Sequence[float]) -> tuple[int, Array | None]:
        """How many updates were made; and a step that was computed, but not made."""
        b, n, m = span.size, len(rates), len(self.theta)
        if (b == 1) not in self._trainers:
            self.compile(b == 1)
        trainer = self._trainers[b == 1]
        check_state(self.state, m)
        self._losses = np.empty(n)
        given = {
            "X": span.X, "y": span.y,
            "rows": np.ascontiguousarray(span.rows[start * b : (start + n) * b], dtype=np.int64),
            "theta": self.theta, "gradient": self.gradient,
            "rates": np.array(rates, dtype=float), "losses": self._losses, "step": np.empty(m),
            **{f"state.{name}": array for name, array in self.state.items()},
        }  # fmt: skip
        n_rows, width = span.X.shape
        if given["rows"].max() >= min(n_rows, len(span.y)) or width != self._width:
            raise IndexError("X or y has been given another shape during the training")
        self._unit = math.inf  # there is no gradient while it is being written
        done = trainer(n, b, given)
        self._unit = b
        if done < 0:
            return -done - 1, given["step"]
        return done, None
