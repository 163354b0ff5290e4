"""What a network's inputs and outputs stand for, as its file keeps it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ..arrays import Array
from ..model.likelihoods import LIKELIHOODS, chosen_classes, known_likelihood
from .columns import Column
from .datasets import Dataset


@dataclass(frozen=True)
class Table:
    """What a network's inputs and outputs stand for.

    Attributes:
        features: the names of the input columns.
        target: the name of what is predicted.
        classes: the names of the classes; empty for regression.
        x_mean, x_scale: what is subtracted from the inputs, then divided by; ``(d_0,)``.
        y_mean, y_scale: the same for a target of regression.
        loss: the name of its likelihood: "gaussian", "bernoulli" or "categorical".
        columns: how the cells of a table become the inputs; empty if each is a column of numbers.
    """

    features: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    x_mean: tuple[float, ...]
    x_scale: tuple[float, ...]
    y_mean: float
    y_scale: float
    loss: str
    columns: tuple[Column, ...] = ()

    @classmethod
    def of(cls, data: Dataset) -> Table:
        """The table of a data set.

        Raises:
            ValueError: its loss is not one of the three.
        """
        return cls(
            data.features, data.target, data.classes, tuple(data.x_mean.tolist()),
            tuple(data.x_scale.tolist()), data.y_mean, data.y_scale,
            known_likelihood(data.loss).name, data.columns,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The table as JSON has it."""
        about = {name: v for name, v in asdict(self).items() if name != "columns"}
        columns = [column.to_json() for column in self.columns]
        return {**about, "columns": columns} if columns else about

    @classmethod
    def from_json(cls, about: dict[str, Any]) -> Table:
        """The table that `to_json` gave.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(about, dict):
            raise ValueError("its description of a table is not one")
        names = ("features", "classes", "x_mean", "x_scale")
        parts: dict[str, Any] = {k: tuple(v) if k in names else v for k, v in about.items()}
        parts["columns"] = tuple(map(Column.from_json, about.get("columns", ())))
        table = cls(**parts)
        numbers = [*table.x_mean, *table.x_scale, table.y_mean, table.y_scale]
        texts = [*table.features, *table.classes, table.target]
        if table.loss not in LIKELIHOODS or not all(isinstance(text, str) for text in texts):
            raise ValueError("its names are not names, or its loss is unknown")
        if not all(isinstance(v, float | int) and math.isfinite(v) for v in numbers):
            raise ValueError("its scales are not finite numbers")
        if not len(table.features) == len(table.x_mean) == len(table.x_scale):
            raise ValueError("it does not have one scale per column")
        inputs = [name for column in table.inputs for name in column.inputs]
        if inputs != list(table.features):
            raise ValueError("its columns make other inputs than it has")
        if 0 in table.x_scale or table.y_scale == 0:
            raise ValueError("a scale is 0")
        K = len(table.classes)
        if not LIKELIHOODS[table.loss].takes(K):
            raise ValueError(f"its loss is {table.loss}, and its classes are {K}")
        return table

    @property
    def inputs(self) -> tuple[Column, ...]:
        """How the cells of a table become the inputs, column by column."""
        return self.columns or tuple(map(Column, self.features))

    @property
    def outputs(self) -> int:
        """How many outputs a network for it has."""
        return LIKELIHOODS[self.loss].outputs(len(self.classes))

    def answers(self, a: Array) -> tuple[list[str], dict[str, Array]]:
        """What outputs mean: the column ``predicted TARGET``, and the classes' probabilities.

        Args:
            a: pre-activations at the top, ``(n,)``, or ``(n, K)`` for an output per class.
        """
        likelihood = LIKELIHOODS[self.loss]
        if not self.classes:
            return [repr(v) for v in (likelihood.mean(a) * self.y_scale + self.y_mean).tolist()], {}
        columns = likelihood.probabilities(a).T
        return [self.classes[k] for k in chosen_classes(a)], {
            f"P({name})": column for name, column in zip(self.classes, columns)
        }
