"""Data sets by name: real ones, bundled with scikit-learn, and moons, which are made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, check_fraction, check_seed
from ..model.likelihoods import Loss, known_likelihood, likelihood_for
from .columns import Column


@dataclass(frozen=True)
class Dataset:
    """A data set, split in two and standardised.

    Attributes:
        name: its name.
        X_train, X_test: inputs, ``(n, d_0)``, each column shifted and scaled to mean 0 and standard
            deviation 1 on the training part; those with rare, far values are at most 15 from 0
            there, and those that are 0 or 1 for a word are over 1/2.
        y_train, y_test: class indices ``(n,)``; for regression numbers, standardised likewise.
        loss: the negative log likelihood that fits the targets.
        outputs: how many outputs d_L a network for it has.
        classes: the names of the classes; empty for regression.
        features: the names of the columns of X.
        target: the name of y.
        x_mean, x_scale: what was subtracted from X, then divided by; ``(d_0,)``.
        y_mean, y_scale: the same for y; 0 and 1 for classes.
        columns: how cells of a table become the columns of X; empty if these are its columns.
        told: what became of the columns of a table: names, and words.
    """

    name: str
    X_train: Array
    y_train: npt.NDArray[Any]
    X_test: Array
    y_test: npt.NDArray[Any]
    loss: Loss
    outputs: int
    classes: tuple[str, ...]
    features: tuple[str, ...]
    target: str
    x_mean: Array
    x_scale: Array
    y_mean: float
    y_scale: float
    columns: tuple[Column, ...] = ()
    told: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> Dataset:
        """Itself; or, where there is no test part, with the training part to look at instead."""
        if len(self.X_test):
            return self
        return replace(self, X_test=self.X_train, y_test=self.y_train)

    @property
    def picture(self) -> Array | None:
        """The first test example as rows and columns of pixels, where examples are that."""
        if self.name != "digits" or len(self.features) != 64:
            return None
        first: Array = self.shown.X_test[0] * self.x_scale + self.x_mean
        return first.reshape(8, 8)


FARTHEST = 15.0  # deviations from its mean, for an input
MARK = 0.5  # what 0 and 1 for a word are divided by: the deviation where both are as frequent
FEWEST = 10  # rows, for some of them to be kept for testing
BLOCK = 65_536  # rows that are worked on at once
ROUNDING = 16 * float(np.finfo(float).eps)  # how far sums of the same numbers are apart

# name: how many classes, 0 for regression
NAMES = {"digits": 10, "iris": 3, "breast_cancer": 2, "diabetes": 0, "moons": 2}

__all__ = ["NAMES", "Dataset", "first_names", "load"]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


def load(name: str, *, test_size: float = 0.2, seed: int = 0) -> Dataset:
    """A data set by name: digits, iris, breast_cancer, diabetes, or moons (made from the seed).

    Args:
        name: which one.
        test_size: the fraction of examples kept for testing.
        seed: of the split, and of the points of ``moons``.

    Raises:
        ValueError: ``name`` is not known, or ``test_size`` leaves one part empty.
        ModuleNotFoundError: scikit-learn is not installed; only ``moons`` does without it.

    >>> moons = load("moons")
    >>> moons.X_train.shape, moons.X_test.shape, moons.classes
    ((400, 2), (100, 2), ('upper', 'lower'))
    """
    if not isinstance(name, str) or name not in NAMES:
        raise ValueError(f"unknown data set {name!r}: choose from {', '.join(NAMES)}")
    check_seed(seed)
    if name == "moons":
        X, y = _moons(500, 0.15, seed % 2**32)
        classes: tuple[str, ...] = ("upper", "lower")
        features: tuple[str, ...] = ("x", "y")
    else:
        try:
            from sklearn import datasets as bundled
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                f"{name} comes with scikit-learn: pip install scikit-learn "
                "(part of the extra chalkgrad[demo])"
            ) from None
        bunch = getattr(bundled, f"load_{name}")()
        X, y = bunch.data, bunch.target
        classes = tuple(map(str, getattr(bunch, "target_names", ())))
        features = tuple(map(str, bunch.feature_names))
    K = NAMES[name]
    target = "target" if K == 0 else "class"
    train, test = parts_of(y, K, test_size, seed)
    parts = [(X.take(rows, axis=0), y[rows]) for rows in (train, test)]
    return standardised(name, parts[0], parts[1], classes if K else (), features, target)


def first_names() -> list[str]:
    """The 5,163 first names of the US Census Bureau's lists of 1990, in small letters, sorted.

    The lists, dist.female.first and dist.male.first, are works of the United States government,
    and so in the public domain.

    >>> first_names()[:4]
    ['aaron', 'abbey', 'abbie', 'abby']
    """
    lines = files(__package__).joinpath("names.txt").read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _moons(n: int, noise: float, seed: int) -> tuple[Array, npt.NDArray[Any]]:
    """Two half circles that reach into each other, and for each point the one it belongs to.

    The numbers are those of scikit-learn's ``make_moons`` with this seed, since the generator is
    the same.
    """
    rng = np.random.RandomState(seed)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    x = np.append(np.cos(upper), 1 - np.cos(lower))
    y = np.append(np.sin(upper), 1 - np.sin(lower) - 0.5)
    order = np.arange(n)
    rng.shuffle(order)
    X = np.column_stack([x, y])[order] + rng.normal(scale=noise, size=(n, 2))
    return X, (order >= n // 2).astype(int)


def parts_of(
    y: npt.NDArray[Any], K: int, test_size: float | None, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows to train on, and those to test on, at random.

    Args:
        y: the target, ``(n,)``.
        K: how many classes it has, or 0.
        test_size: the fraction to test on; if None, a fifth, but nothing of fewer than 10 rows.
        seed: of the generator.

    Raises:
        ValueError: ``test_size`` leaves one part empty, or ``seed`` is not a seed.
    """
    n, share = len(y), 0.2 if test_size is None else test_size
    check_fraction(test_size=share)
    check_seed(seed)
    n_test = 0 if test_size is None and n < FEWEST else round(n * share)
    if not 0 < n_test < n and test_size is not None:
        raise ValueError(
            f"test_size must be a fraction that leaves both parts some of {n} rows, got {test_size}"
        )
    test, train = _parts(y, K, n_test, seed)
    return train, test


def standardised(
    name: str,
    train: tuple[Array, npt.NDArray[Any]],
    test: tuple[Array, npt.NDArray[Any]],
    classes: tuple[str, ...],
    features: tuple[str, ...],
    target: str,
    loss: Loss | None = None,
    columns: tuple[Column, ...] = (),
    told: tuple[tuple[str, str], ...] = (),
) -> Dataset:
    """A data set of two parts, X and y each, standardised by the first; X is changed in place.

    ``y`` holds class indices if there are ``classes``. If ``loss`` is not given, the one that fits.

    Raises:
        ValueError: a column can't be standardised.
    """
    (X_train, y_train), (X_test, y_test), K = train, test, len(classes)
    with np.errstate(all="ignore"):
        x_mean, x_scale = standard(X_train, FARTHEST)
        # Over its own deviation, a 1 that is rare would be so large that rows with it diverge.
        x_scale = np.where([m for one in columns for m in one.marks] or False, MARK, x_scale)
        for part in (X_train, X_test):  # in place: a table may take half of the memory
            part -= x_mean
            part /= x_scale
        y_mean, y_scale = (0.0, 1.0) if K else map(float, standard(y_train))
        if not K:
            y_train, y_test = ((part - y_mean) / y_scale for part in (y_train, y_test))
    finite = [np.isfinite(part).all(axis=0) for part in (X_train, X_test, x_scale[None])]
    check_scaled(features, np.all(finite, axis=0))
    check_scaled([target], [all(np.isfinite(part).all() for part in (y_train, y_test, y_scale))])
    likelihood = likelihood_for(K) if loss is None else known_likelihood(loss)
    return Dataset(
        name, X_train, y_train, X_test, y_test,
        loss=likelihood.loss, outputs=likelihood.outputs(K),
        classes=classes, features=features, target=target,
        x_mean=x_mean, x_scale=x_scale, y_mean=y_mean, y_scale=y_scale,
        columns=columns, told=told,
    )  # fmt: skip


def _parts(y: npt.NDArray[Any], K: int, n_test: int, seed: int) -> tuple[Any, Any]:
    """The rows to test and to train on: the first ones of a random order, and the rest.

    Where a class of several rows would be missing from a part, the rows of each class are spread
    evenly over the order instead: then each part has its share of them, up to a row.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    test, train = order[:n_test], order[n_test:]
    if K and n_test:
        counts = np.bincount(y, minlength=K)
        found = np.array([np.bincount(y[rows], minlength=K) for rows in (test, train)])
        if (found[:, counts > 1] == 0).any():
            place = np.empty(len(y))  # in the order, from 0 to 1
            for k in range(K):
                rows = order[y[order] == k]
                place[rows] = (np.arange(len(rows)) + rng.random()) / len(rows)
            order = order[np.argsort(place[order], kind="stable")]
            test, train = order[:n_test], order[n_test:]
    return test, train


def check_scaled(names: Sequence[Any], finite: Any) -> None:
    """Raise if a column's numbers are so large, or so close, that scaling loses them."""
    for name, fits in zip(names, finite):
        if not fits:
            raise ValueError(
                f"column {name!r} can't be standardised: its numbers are too large, or too close "
                "to each other"
            )


def standard(X: Any, farthest: float = np.inf) -> tuple[Any, Any]:
    """Mean and scale by column: the standard deviation, or 1 if it is constant up to rounding.

    Rounding of numbers as 2^60 is hundreds: then the scale is how far they are apart.

    If a value is more than ``farthest`` deviations from the mean, the scale is larger, so that it
    is just as far: in a training, one row with a huge input can undo what all others have done.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    mean = np.clip(X.mean(axis=0), low, high)  # which rounding may have left
    with np.errstate(over="ignore"):
        spread = high - low
        varies = spread > ROUNDING * np.maximum(abs(low), abs(high))
    blocks = (X[i : i + BLOCK] - mean for i in range(0, len(X), BLOCK))
    squares = sum((block**2).sum(axis=0) for block in blocks)
    scale = np.maximum(np.sqrt(squares / len(X)), np.maximum(high - mean, mean - low) / farthest)
    return mean, np.where(varies, scale, np.maximum(spread, 1.0))
