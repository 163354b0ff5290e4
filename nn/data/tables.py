"""Tables of one's own: from a CSV file to a data set, and from a network back to a CSV file."""

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograd.files import write_whole
from autograd.show.notation import printable

from ..arrays import Array
from ..model.likelihoods import LIKELIHOODS, Likelihood, Loss, chosen_classes, known_likelihood
from ..model.module import Module
from .datasets import Dataset, split

FEW = 10  # different whole numbers in a target are classes, more are numbers to be met


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
    def of(cls, data: Dataset) -> "Table":
        """The table of a data set.

        Raises:
            ValueError: its loss is none of the three.
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
    def from_json(cls, about: dict[str, Any]) -> "Table":
        """The table that `to_json` gave.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(about, dict):
            raise ValueError("what it says of its table is no table")
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
            raise ValueError("its columns and scales are not equally many")
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

    The ``target`` column may hold words. What it holds says which loss fits: two different words
    or whole numbers, `bernoulli_nll`; up to 10, or more words, `categorical_nll`; other numbers,
    `gaussian_nll`.

    Args:
        path: the file. Columns are separated by commas, semicolons or tabs.
        target: the name of the column to predict.
        loss: the loss, where the inferred one is not what you want.
        test_size: the fraction of examples kept for testing.
        seed: of the split.

    Raises:
        ValueError: there is no such column, or no other; a cell is empty or no finite number (row
            and column are named; the header is row 1); a column is constant; or ``loss`` does not
            fit the target.
        OSError: the file can't be read.
    """
    cells = read_csv(path)
    name = cells.name
    likelihood = None if loss is None else known_likelihood(loss)
    if target not in cells.header:
        columns = ", ".join(map(printable, cells.header))
        raise ValueError(f"{name} has no column {target!r}. Its columns: {columns}")
    features = tuple(column for column in cells.header if column != target)
    if not features:
        raise ValueError(f"{name} has no column beside the target {target!r}")
    answers = cells.texts(target)
    X = cells.numbers(features)
    for column, feature in zip(X.T, features):
        if (column == column[0]).all():
            raise ValueError(
                f"{name}, column {feature!r}: all {len(X)} rows say {column[0]:g}. A constant says "
                "nothing about the target: leave the column out"
            )
    classes, y = _targets(cells, target, answers, likelihood)
    if not classes:
        y = cells.numbers((target,))[:, 0]
    return split(Path(path).stem, X, y, classes, features, target, loss, test_size, seed)


def _targets(
    cells: "Cells", target: str, answers: list[str], likelihood: Likelihood | None
) -> tuple[tuple[str, ...], Any]:
    """The classes in a target column, and which each row is of; none if it holds numbers to be met.

    A number is one class however it is written, 1 or 1.0.
    """
    name = cells.name
    values = [_number(answer) for answer in answers]
    numeric = None not in values
    keys: list[Any] = list(values if numeric else answers)
    found = sorted(set(keys))
    if len(found) == 1:
        raise ValueError(
            f"{name}, column {target!r}: all {len(answers)} rows say {answers[0]!r}. There is "
            "nothing to tell apart: two different ones or more are needed"
        )
    whole = numeric and all(v == math.floor(v) for v in found)
    looks_continuous = numeric and (not whole or len(found) > FEW)
    if looks_continuous if likelihood is None else likelihood.takes(0):
        return (), None
    if likelihood is not None and not likelihood.takes(len(found)):
        raise ValueError(
            f"{name}, column {target!r} has {len(found)} classes, and {likelihood.loss.__name__} "
            f"is for {likelihood.targets}"
        )
    if len(found) > FEW and values.count(None) <= len(values) // 10:
        cells.numbers((target,))  # numbers, but for a few: says which
    if len(found) > max(2, len(answers) // 2):
        raise ValueError(
            f"{name}, column {target!r} has {len(found)} different words in {len(answers)} rows: "
            "too many to be classes. Is it another column that you mean?"
        )
    index = {key: k for k, key in enumerate(found)}
    spelled = dict(zip(reversed(keys), reversed(answers)))  # as it is first written
    classes = tuple(spelled[key] for key in found)
    return classes, np.array([index[key] for key in keys])


@dataclass(frozen=True)
class Cells:
    """A CSV file as text.

    Attributes:
        name: the file's.
        header: the names of the columns.
        rows: the cells.
        places: the rows' numbers in the file, as a spreadsheet counts: the header is row 1.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    places: list[int]

    def texts(self, column: str) -> list[str]:
        """A column.

        Raises:
            ValueError: a cell is empty.
        """
        at = self.header.index(column)
        for place, row in zip(self.places, self.rows):
            if not row[at].strip():
                raise ValueError(
                    f"{self.name}, row {place}, column {column!r}: the cell is empty. Fill it, or "
                    "leave the row or the column out"
                )
        return [row[at].strip() for row in self.rows]

    def numbers(self, columns: Sequence[str]) -> Array:
        """Some columns as numbers, ``(n, len(columns))``.

        Raises:
            ValueError: a cell is empty, or no finite number.
        """
        X = np.empty((len(self.rows), len(columns)))
        for j, column in enumerate(columns):
            for i, text in enumerate(self.texts(column)):
                number = _number(text)
                if number is None:
                    raise ValueError(
                        f"{self.name}, row {self.places[i]}, column {column!r}: {text!r} is not a "
                        "finite number. Mend it, or leave the row or the column out"
                    )
                X[i, j] = number
        return X


def read_csv(path: str | os.PathLike[str]) -> Cells:
    """A CSV file with a header.

    Raises:
        ValueError: the file is no such table: empty, ragged, with a name twice, or no text.
        OSError: the file can't be read.
    """
    name = os.fspath(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is no text in UTF-8: save it as CSV UTF-8") from None

    def read(delimiter: str, strict: bool) -> Iterator[list[str]]:
        return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)

    try:
        # The delimiter is the one that cuts the header into the most columns.
        delimiter = max(",;\t", key=lambda d: len(next(filter(None, read(d, False)), [])))
        lines = list(read(delimiter, True))
    except csv.Error as error:
        raise ValueError(f"{name} is no CSV file: {error}") from None
    table = [(i, row) for i, row in enumerate(lines, start=1) if row]  # blank lines are skipped
    if len(table) < 2:
        raise ValueError(f"{name} must have a header and at least one row")
    header = [column.strip() for column in table[0][1]]
    unclear = [column for column, n in Counter(header).items() if n > 1 or not column]
    if unclear:
        raise ValueError(f"{name}: the header must name each column, once: see {unclear[0]!r}")
    for i, row in table[1:]:
        if len(row) != len(header):
            raise ValueError(f"{name}, row {i}: it has {len(row)} cells, the header {len(header)}")
    return Cells(name, header, [row for _, row in table[1:]], [i for i, _ in table[1:]])


def _number(text: str) -> float | None:
    try:
        number = float(text.replace("_", "x"))  # Python would take 1_000 for a number
    except ValueError:
        return None
    return number if math.isfinite(number) else None


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
    cells = read_csv(path)
    missing = [column for column in table.features if column not in cells.header]
    other = [column for column in cells.header if column not in (*table.features, table.target)]
    if missing or other:
        parts = [f"is without {missing}"] if missing else []
        parts += [f"has {other}"] if other else []
        raise ValueError(
            f"{cells.name} is a table of other columns than the network was trained on: it "
            f"{' and '.join(parts)}"
        )
    X = cells.numbers(table.features)
    with np.errstate(all="ignore"):
        a = net.predict((X - np.array(table.x_mean)) / np.array(table.x_scale))
        answers, probabilities = table.answers(a)
    bad = np.flatnonzero(~np.isfinite(a.reshape(len(a), -1) * table.y_scale).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{cells.name}, row {cells.places[bad[0]]}: its numbers are too large for the network"
        )
    columns = [answers, *[[f"{v:.6g}" for v in p.tolist()] for p in probabilities.values()]]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*cells.header, f"predicted {table.target}", *probabilities])
    writer.writerows([*row, *more] for row, more in zip(cells.rows, zip(*columns)))
    write_whole(out, text.getvalue().encode())
    return len(cells.rows)
