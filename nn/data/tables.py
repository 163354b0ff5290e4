"""Tables of one's own: from a CSV file to a data set, and from a network back to a CSV file."""

from __future__ import annotations

import csv
import io
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograd.files import write_whole
from autograd.show.notation import printable

from ..arrays import Array
from ..model.likelihoods import LIKELIHOODS, Likelihood, Loss, chosen_classes, known_likelihood
from ..model.module import Module
from .csvfile import Columns, CsvFile, finite, parsed
from .datasets import Dataset, split

FEW = 10  # so many different whole numbers in a target are classes; more are plain numbers


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
    """

    features: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    x_mean: tuple[float, ...]
    x_scale: tuple[float, ...]
    y_mean: float
    y_scale: float
    loss: str

    @classmethod
    def of(cls, data: Dataset) -> Table:
        """The table of a data set.

        Raises:
            ValueError: its loss is not one of the three.
        """
        return cls(
            data.features, data.target, data.classes, tuple(data.x_mean.tolist()),
            tuple(data.x_scale.tolist()), data.y_mean, data.y_scale,
            known_likelihood(data.loss).name,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The table as JSON has it."""
        return asdict(self)

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
        table = cls(**parts)
        numbers = [*table.x_mean, *table.x_scale, table.y_mean, table.y_scale]
        texts = [*table.features, *table.classes, table.target]
        if table.loss not in LIKELIHOODS or not all(isinstance(text, str) for text in texts):
            raise ValueError("its names are not names, or its loss is unknown")
        if not all(isinstance(v, float | int) and math.isfinite(v) for v in numbers):
            raise ValueError("its scales are not finite numbers")
        if not len(table.features) == len(table.x_mean) == len(table.x_scale):
            raise ValueError("it does not have one scale per column")
        if 0 in table.x_scale or table.y_scale == 0:
            raise ValueError("a scale is 0")
        K = len(table.classes)
        if not LIKELIHOODS[table.loss].takes(K):
            raise ValueError(f"its loss is {table.loss}, and its classes are {K}")
        return table

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


def load_csv(
    path: str | os.PathLike[str],
    target: str,
    *,
    loss: Loss | None = None,
    test_size: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """A data set from a CSV file: a header line, one example per row, numbers in all columns.

    The ``target`` column may hold words. The loss is inferred from it: `bernoulli_nll` for two
    different words or whole numbers; `categorical_nll` for up to 10, or for more words;
    `gaussian_nll` for other numbers.

    Args:
        path: the file. Columns are separated by commas, semicolons or tabs.
        target: the name of the column to predict.
        loss: the loss, where the inferred one is not what you want.
        test_size: the fraction of examples kept for testing.
        seed: of the split.

    Raises:
        ValueError: there is no such column, or it is the only one; a cell is empty or not a finite
            number (the error names row and column; the header is row 1); a column is constant; or
            ``loss`` does not fit the target.
        OSError: the file can't be read.
    """
    likelihood = None if loss is None else known_likelihood(loss)
    features, columns = _columns(path, target)
    X, first = columns.X, columns.X[0]
    for feature, number, is_constant in zip(features, first, (first == X).all(axis=0)):
        if is_constant:
            raise ValueError(
                f"{columns.name}, column {feature!r}: all {len(X)} rows say {number:g}. A "
                "constant says nothing about the target: leave the column out"
            )
    classes, y = _targets(columns, target, likelihood)
    return split(Path(path).stem, X, y, classes, features, target, loss, test_size, seed)


def _columns(path: str | os.PathLike[str], target: str) -> tuple[tuple[str, ...], Columns]:
    """The names of the inputs, and all that a file says."""
    file = CsvFile(path)
    if target not in file.header:
        columns = ", ".join(map(printable, file.header))
        raise ValueError(f"{file.name} has no column {target!r}. Its columns: {columns}")
    features = tuple(column for column in file.header if column != target)
    if not features:
        raise ValueError(f"{file.name} has no column beside the target {target!r}")
    return features, file.columns(features, [target])


def _targets(
    columns: Columns, target: str, likelihood: Likelihood | None
) -> tuple[tuple[str, ...], Any]:
    """The classes in a target column, and the class of each row; or no classes, and numbers.

    A number is one class however it is written, 1 or 1.0.
    """
    name, answers = columns.name, columns.texts[target]
    values = finite(answers)
    numeric = values is not None
    found: list[Any] = sorted(set(answers)) if values is None else np.unique(values).tolist()
    if len(found) == 1:
        raise ValueError(
            f"{name}, column {target!r}: all {len(answers)} rows say {answers[0]!r}. There is "
            "nothing to tell apart: two different ones or more are needed"
        )
    whole = numeric and all(v == math.floor(v) for v in found)
    looks_continuous = numeric and (not whole or len(found) > FEW)
    if looks_continuous if likelihood is None else likelihood.takes(0):
        return (), columns.numbers(target) if values is None else values
    if likelihood is not None and not likelihood.takes(len(found)):
        raise ValueError(
            f"{name}, column {target!r} has {len(found)} classes, and {likelihood.loss.__name__} "
            f"is for {likelihood.targets}"
        )
    words = {answer for answer in found if parsed(answer) is None} if values is None else set()
    if len(found) > FEW and sum(answer in words for answer in answers) <= len(answers) // 10:
        columns.numbers(target)  # numbers, but for a few: says which
    if len(found) > max(2, len(answers) // 2):
        raise ValueError(
            f"{name}, column {target!r} has {len(found)} different words in {len(answers)} rows: "
            "too many to be classes. Is it another column that you mean?"
        )
    keys = answers if values is None else values.tolist()
    index = {key: k for k, key in enumerate(found)}
    spelled = dict(zip(reversed(keys), reversed(answers)))  # as it is first written
    classes = tuple(spelled[key] for key in found)
    return classes, np.array([index[key] for key in keys])


def predict_csv(
    net: Module, table: Table, path: str | os.PathLike[str], out: str | os.PathLike[str]
) -> int:
    """Write the rows of a CSV file with a network's predictions beside them; how many there are.

    The file must have the columns that the network was trained on, in any order; it may have the
    target too. ``out`` is written whole or not at all.

    Raises:
        ValueError: it has other columns, or a cell is no finite number.
        OSError: a file can't be read or written.
    """
    file = CsvFile(path)
    missing = [column for column in table.features if column not in file.header]
    other = [column for column in file.header if column not in (*table.features, table.target)]
    if missing or other:
        parts = [f"is without {missing}"] if missing else []
        parts += [f"has {other}"] if other else []
        raise ValueError(
            f"{file.name} is a table of other columns than the network was trained on: it "
            f"{' and '.join(parts)}"
        )
    columns = file.columns(table.features)
    with np.errstate(all="ignore"):
        a = net.predict((columns.X - np.array(table.x_mean)) / np.array(table.x_scale))
        answers, probabilities = table.answers(a)
    bad = np.flatnonzero(~np.isfinite(a.reshape(len(a), -1) * table.y_scale).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{file.name}, row {columns.places[bad[0]]}: its numbers are too large for the network"
        )
    more = zip(answers, *[[f"{v:.6g}" for v in p.tolist()] for p in probabilities.values()])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*file.header, f"predicted {table.target}", *probabilities])
    writer.writerows([*row, *says] for (_, row), says in zip(file.rows(), more))
    write_whole(out, text.getvalue().encode())
    return len(a)
