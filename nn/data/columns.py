"""A column, once it is decided what it is: how its cells become inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.show.notation import digits, shortened
from autograd.value import short_repr

from ..arrays import Array
from .cells import PLAIN, Cells
from .kinds import KINDS, About, Kind, Rows


@dataclass(frozen=True)
class Column:
    """How the cells of a column become inputs, once that is decided.

    Attributes:
        name: the column's.
        kind: what it is, a name in `KINDS`.
        fill: what stands for a missing cell in each of the inputs.
        gaps: whether one more input, the last, says that the cell is missing.
        about: what else its kind keeps, as JSON has it.
    """

    name: str
    kind: str = "number"
    fill: tuple[float, ...] = (0.0,)
    gaps: bool = False
    about: About = field(default_factory=dict)

    @classmethod
    def learned(cls, cells: Cells, kind: Kind, rows: Rows) -> Column:
        """From the rows to train on: medians, and which words there are.

        Raises:
            ValueError: it is not of this kind.
        """
        about = kind.learn(cells, rows)
        values = kind.values(cells, about, rows)
        missing = np.isnan(values[:, 0])
        if missing.all() and not cells.missing[rows].all():
            raise ValueError(f"none of its cells is a {kind.name}{cells.in_several_units}")
        fill = [0.0] * values.shape[1]
        if kind.name != "words" and not missing.all():
            fill = np.median(values[~missing] if missing.any() else values, axis=0).tolist()
        return cls(cells.name, kind.name, tuple(fill), bool(missing.any()), about)

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs."""
        names = KINDS[self.kind].parts(self.name, self.about)
        return [*names, *([f"{self.name} missing"] if self.gaps else [])]

    @property
    def marks(self) -> list[bool]:
        """Which of its inputs are 1 where something holds, and else 0."""
        return [self.kind in ("words", "truth")] * len(self.fill) + [True] * self.gaps

    @property
    def wants_texts(self) -> bool:
        """Whether its cells are read from texts, even if all look like plain numbers."""
        plain = self.about.get("spelling", PLAIN.name) == PLAIN.name
        return self.kind != "number" or not plain

    def numbers(self, cells: Cells, rows: Rows) -> Array:
        """Its inputs in some rows, ``(len(rows), d)``."""
        values = KINDS[self.kind].values(cells, self.about, rows)
        missing = np.isnan(values)
        values = np.where(missing, self.fill, values)
        return np.column_stack([values, missing[:, 0]]) if self.gaps else values

    def said(self, cells: Cells, rows: Rows) -> str:
        """What is said of it, and of its cells in some rows."""
        kind = KINDS[self.kind]
        parts, gaps = [kind.said(cells, self.about)], int(cells.missing[rows].sum())
        odd = [] if self.kind == "words" else list(kind.unknown(cells, self.about))
        if odd:
            listed = ", ".join(map(short_repr, shortened(odd, most=3)))
            parts.append(f"{listed}: no {self.kind}, taken as missing")
        if gaps or odd:
            if self.kind == "words":
                how = "a class of its own" if self.gaps else "none of them"
            else:
                how = f"filled by the median, {digits(self.fill[0])}"
                how += ", and an input says so" if self.gaps else ""
            parts.append(f"{gaps} missing, {how}" if gaps else how)
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The column as JSON has it."""
        return {"name": self.name, "kind": self.kind, "fill": list(self.fill), "gaps": self.gaps,
                "about": dict(self.about)}  # fmt: skip

    @classmethod
    def from_json(cls, about: Any) -> Column:
        """The column that `to_json` gave.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        column = cls(
            about["name"], about["kind"], tuple(about["fill"]), about["gaps"], about["about"]
        )
        if not isinstance(column.name, str) or not isinstance(column.gaps, bool):
            raise ValueError("a column has no name")
        if not isinstance(column.about, dict):
            raise ValueError(f"the column {column.name!r} keeps what is no description")
        kind = KINDS[column.kind]
        if not kind.check(column.about):
            raise ValueError(f"the column {column.name!r} does not say what it holds")
        if len(column.inputs) != len(column.fill) + column.gaps:
            raise ValueError(f"the column {column.name!r} has other inputs")
        if not all(isinstance(v, float | int) and np.isfinite(v) for v in column.fill):
            raise ValueError(f"the column {column.name!r} is filled by what is no number")
        return column


def inputs_of(columns: Sequence[Column], cells: Mapping[str, Cells], rows: Rows) -> Array:
    """The inputs that columns make in some rows, side by side, ``(len(rows), d_0)``."""
    X = np.empty((len(rows), sum(len(column.inputs) for column in columns)))
    j = 0
    for column in columns:
        d = len(column.inputs)
        X[:, j : j + d] = column.numbers(cells[column.name], rows)
        j += d
    return X
