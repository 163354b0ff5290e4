"""The course of a training: a table with one row per epoch, and its plot."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autograd.files import Path, write_whole

from ..arrays import check_text
from ..figures import INK, new_figure
from ..model.likelihoods import SCORES

PARTS = ("validation", "test")  # what was evaluated after every epoch


@dataclass(frozen=True)
class Epoch:
    """One row of a `History`.

    Attributes:
        epoch: 1, 2, ...
        updates: how many updates there were from the start to its end.
        lr: the rate of its last update.
        batch_size: examples in a batch.
        loss: the mean of the batch losses as they were met.
        validation_loss, validation_accuracy, validation_r2: at its end; None without validation.
    """

    epoch: int
    updates: int
    lr: float
    batch_size: int
    loss: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_r2: float | None = None


def read_rows(rows: list[dict[str, Any]]) -> list[Epoch]:
    """The rows of a history from a file, checked.

    Raises:
        TypeError: one has other columns.
        ValueError: a number does not fit its column; or an epoch is missing.
    """
    found = [_read_epoch(row) for row in rows]
    if [row.epoch for row in found] != list(range(1, len(found) + 1)):
        raise ValueError("its history has gaps")
    return found


def _read_epoch(row: dict[str, Any]) -> Epoch:
    epoch = Epoch(**row)
    for name, value in asdict(epoch).items():
        whole = name in ("epoch", "updates", "batch_size")
        fits = type(value) is int and value > 0 if whole else type(value) in (int, float)
        if not fits and not (value is None and name.startswith("validation_")):
            raise ValueError(f"its history has {name} = {value!r}")
    return epoch


class History(Sequence[Epoch]):
    """The course of a training, one `Epoch` per row: ``history[-1].loss``.

    Attributes:
        rows: the epochs.
        engine: what computed the updates, ``"native"``, ``"program"`` or ``"graph"``; of a resumed
            training, the last ones.
    """

    def __init__(self, rows: Sequence[Epoch] = (), engine: str = "program") -> None:
        self.rows, self.engine = list(rows), engine

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def _table(self) -> list[list[Any]]:
        """The column names, then the rows; columns that were never filled are left out."""
        rows = [asdict(row) for row in self.rows]
        names = [n for n in Epoch.__dataclass_fields__ if any(r[n] is not None for r in rows)]
        return [names, *[[row[name] for name in names] for row in rows]]

    def __repr__(self) -> str:
        if not self.rows:
            return "History of 0 epochs"
        head, *rows = self._table()
        shown = [head, *rows] if len(rows) <= 12 else [head, *rows[:5], ["..."], *rows[-5:]]
        texts = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in shown]
        texts = [row + [""] * (len(head) - len(row)) for row in texts]  # the "..." row is short
        widths = [max(map(len, column)) for column in zip(*texts)]
        return "\n".join(" ".join(f"{t:>{w}}" for t, w in zip(row, widths)) for row in texts)

    def to_csv(self, path: Path, part: str = "validation") -> None:
        """Write the rows as a CSV file with a header, whole or not at all.

        Args:
            path: the file.
            part: what the validation part was: ``"test"`` gives columns such as ``test_loss``.

        Raises:
            ValueError: ``part`` is neither ``"validation"`` nor ``"test"``.
            OSError: the file can't be written.
        """
        check_text("part", part, PARTS)
        names, *rows = self._table()
        text, head = io.StringIO(), [name.replace("validation", part) for name in names]
        csv.writer(text, lineterminator="\n").writerows([head, *rows])
        write_whole(path, text.getvalue().encode())

    def plot(self, part: str = "validation") -> Any:
        """Loss against epochs, and the validation score if there is one: a matplotlib figure.

        It shows itself in Jupyter, and is saved by its ``savefig(path)``.

        Args:
            part: what the validation part was, ``"validation"`` or ``"test"``: so it is called.

        Raises:
            ValueError: ``part`` is neither.
            ModuleNotFoundError: matplotlib is not installed.
        """
        check_text("part", part, PARTS)
        columns = {f"validation_{name}": score.label for name, score in SCORES.items()}
        column = next(
            (c for c in columns if self.rows and getattr(self.rows[0], c) is not None), None
        )
        figure, axes = new_figure((9 if column else 5, 3.4), columns=2 if column else 1)
        epochs = [row.epoch for row in self.rows]
        marker = "o" if len(self.rows) < 2 else None
        axes[0].plot(epochs, [row.loss for row in self.rows], color=INK[0], marker=marker,
                     label="training (mean of the batches)")  # fmt: skip
        if self.rows and self.rows[0].validation_loss is not None:
            axes[0].plot(epochs, [row.validation_loss for row in self.rows], color=INK[1],
                         marker=marker, label=f"{part} (end of epoch)")  # fmt: skip
        axes[0].set(xlabel="epoch", ylabel="loss per example", title="negative log likelihood")
        axes[0].legend()
        if column:
            held_out, label = [getattr(row, column) for row in self.rows], columns[column]
            axes[1].plot(epochs, held_out, color=INK[1], marker=marker)
            axes[1].set(xlabel="epoch", ylabel=label, title=f"{part} {label}")
        for ax in axes:
            ax.grid(alpha=0.3)
            ax.xaxis.get_major_locator().set_params(integer=True)
        return figure
