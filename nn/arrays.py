"""Arrays and numbers from users, checked in this one place: they become floats or an error."""

import inspect
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, ValuesView
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Value

Array = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

MOST_EPOCHS = 10_000_000

TABLE = (
    "data = nn.table_data(frame, target) makes numbers of them, for fit(net, data.loss, "
    "data.X_train, data.y_train, ...)"
)


def numeric_array(x: Any, name: str) -> npt.NDArray[Any]:
    """``x`` as an array of real numbers of any kind; not copied if it is one already.

    Raises:
        ValueError: it does not hold real numbers, or some of them are masked.
    """
    if isinstance(x, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in x):
        x = np.ma.stack(x)
    if isinstance(x, np.ma.MaskedArray):
        gaps = np.argwhere(np.ma.getmaskarray(x))
        if len(gaps):
            raise ValueError(
                f"{name}[{_place(gaps[0])}] is masked: fill the gaps, or leave their rows out"
            )
        x = x.data
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} must be an array of numbers, with rows of one length") from None
    if array.dtype.kind not in "biuf" and hasattr(x, "columns"):
        return _of_frame(x, name)
    if array.dtype.kind == "O" and array.ndim == 0:
        raise ValueError(f"{name} must be an array of real numbers, got {_no_array(x)}")
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be an array of real numbers, got dtype {array.dtype}{_cure(array, name)}"
        )
    return array


def _no_array(x: Any) -> str:
    """What NumPy takes for a single object, and what makes an array of it, where that is plain."""
    got = "None" if x is None else f"a {type(x).__name__}"
    if hasattr(x, "toarray"):  # sparse, of SciPy
        return f"{got}: .toarray() makes an array of it"
    if isinstance(x, Iterator | ValuesView):
        return f"{got}: list(...) makes a list of its entries"
    return got


def _cure(array: npt.NDArray[Any], name: str) -> str:
    """What makes numbers of text, or of objects, where that is plain."""
    if array.dtype.kind not in "USTO":
        return ""
    try:
        if np.isfinite(array.astype(float)).all():
            return ": .astype(float) makes numbers of it"
        return ": a number is missing in it"
    except (TypeError, ValueError, OverflowError):
        words = [isinstance(v, str) for v in array.flat]
    if any(isinstance(v, Value) for v in array.flat):
        return ": give the numbers of Values, v.data"
    if array.ndim == 1 and all(words):
        return (
            f": np.unique({name}, return_inverse=True)[1] makes class indices of words, of all of "
            "them before they are split"
        )
    return f": it holds words, and {TABLE}" if array.ndim == 2 and any(words) else ""


def _of_frame(frame: Any, name: str) -> npt.NDArray[Any]:
    """A DataFrame whose columns are of several kinds, if all are numbers, or True and False."""
    is_polars, columns = hasattr(frame, "get_columns"), list(frame.columns)
    found = frame.get_columns() if is_polars else [frame.iloc[:, j] for j in range(len(columns))]
    for column, values in zip(columns, map(np.asarray, found)):
        if values.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} has a column {column!r} that holds something else than numbers, as words, "
                f"dates, or missing cells: {TABLE}"
            )
    return np.column_stack([np.asarray(values, float) for values in found])


def real_array(x: Any, name: str) -> Array:
    """``x`` as an array of floats of its own.

    Raises:
        ValueError: as in `numeric_array`.
    """
    return numeric_array(x, name).astype(float)


def check_all_finite(array: Array, name: str, rows: Sequence[int]) -> None:
    """Raise unless all numbers are finite; ``rows`` says which rows of the data ``array`` has.

    Raises:
        ValueError: one is not; the error names the place of the first.
    """
    finite = np.isfinite(array)
    if finite.all():
        return
    i, *more = np.argwhere(~finite)[0]
    place = _place([rows[i], *more])
    raise ValueError(f"{name}[{place}] is {array[(i, *more)]}: all numbers must be finite")


def _place(index: Any) -> str:
    return ", ".join(str(int(i)) for i in index)


def check_finite(array: Array, name: str) -> None:
    """Raise unless all numbers are finite.

    Raises:
        ValueError: a number is not finite.
    """
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds numbers that are not finite")


def check_examples(
    X: Any, y: Any, names: tuple[str, str] = ("X", "y")
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Inputs and targets as arrays, ``(n, d_0)`` and ``(n,)`` or ``(n, d_L)``.

    Raises:
        ValueError: they are not such arrays, or have different lengths.
    """
    X, y = (numeric_array(array, name) for array, name in zip((X, y), names))
    if X.ndim != 2:
        raise ValueError(f"{names[0]} must have shape (n, d_0), got {X.shape}")
    if len(X) == 0:
        raise ValueError(f"{names[0]} has no rows")
    if y.ndim not in (1, 2) or len(y) != len(X):
        raise ValueError(
            f"{names[1]} must have one target per row of {names[0]}, shape ({len(X)},) or "
            f"({len(X)}, d_L), got {y.shape}"
        )
    return X, y


def class_indices(y: npt.ArrayLike, name: str) -> Classes:
    """A vector of class indices 0, 1, ...

    Raises:
        ValueError: it is something else.
    """
    array = real_array(y, name)
    whole = np.isfinite(array) & (array >= 0) & (array == np.floor(array))
    if array.ndim != 1 or len(array) == 0 or not whole.all():
        raise ValueError(f"{name} must be a vector of class indices 0, 1, ...")
    return array.astype(np.int64)


def class_pair(true: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Classes, Classes]:
    """Two such vectors of one length, ``true`` and ``predicted``.

    Raises:
        ValueError: they are something else.
    """
    true, predicted = class_indices(true, "true"), class_indices(predicted, "predicted")
    if len(true) != len(predicted):
        raise ValueError(
            f"true and predicted must have the same length, got {len(true)} and {len(predicted)}"
        )
    return true, predicted


def check_whole(name: str, number: Any) -> None:
    """Raise unless it is a positive whole number.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{name} must be a positive whole number, got {number!r}")
    if number > sys.maxsize:
        raise ValueError(f"{name} is too large, a number of {len(str(number))} digits")


def check_epochs(epochs: Any) -> None:
    """Raise unless it is a number of epochs.

    Raises:
        ValueError: it is not a positive whole number, or so large that no training would end.
    """
    if isinstance(epochs, int | np.integer) and epochs > MOST_EPOCHS:
        raise ValueError(
            f"epochs must be {MOST_EPOCHS:,} at most, since the history has a row for each: got "
            f"{epochs:,}"
        )
    check_whole("epochs", epochs)


def check_batch_size(b: Any, n: int) -> None:
    """Raise unless a batch of ``n`` examples can have this size.

    Raises:
        ValueError: ``b`` is not a whole number from 1 to ``n``.
    """
    if not isinstance(b, int | np.integer) or isinstance(b, bool) or not 1 <= b <= n:
        raise ValueError(f"batch_size must be a whole number from 1 to n = {n}, got {b!r}")


def check_positive(**numbers: Any) -> None:
    """Raise unless all are positive numbers; the error names the first that is not.

    Raises:
        ValueError: one is none, or not finite.
    """
    for name, number in numbers.items():
        if not 0 < _float(number) < math.inf:
            raise ValueError(f"{name} must be a positive number, got {number!r}")


def check_from_zero(**numbers: Any) -> None:
    """Raise unless all are numbers from 0 up; the error names the first that is not.

    Raises:
        ValueError: one is none, or not finite.
    """
    for name, number in numbers.items():
        if not 0 <= _float(number) < math.inf:
            raise ValueError(f"{name} must be a number from 0 up, and finite, got {number!r}")


def check_fraction(**numbers: Any) -> None:
    """Raise unless all lie in [0, 1); the error names the first that does not.

    Raises:
        ValueError: one does not.
    """
    for name, number in numbers.items():
        if not 0 <= _float(number) < 1:
            raise ValueError(f"{name} must lie in [0, 1), got {number!r}")


def check_text(name: str, text: Any, choices: Iterable[str]) -> None:
    """Raise unless it is one of the choices.

    Raises:
        ValueError: it is none.
    """
    choices = list(choices)
    if not isinstance(text, str) or text not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, got {text!r}")


def check_path(name: str, path: Any) -> None:
    """Raise unless it is a path; a number would stand for an open file.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name} must be the path of a file, text or a Path, got {path!r}")


def check_takes(name: str, function: Callable[..., Any], *arguments: str) -> None:
    """Raise unless it can be called with these arguments, by their place.

    Raises:
        TypeError: it takes fewer, or more.
    """
    if not callable(function):
        raise TypeError(f"{name} must be a function, got {function!r}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some functions in C nobody knows
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise TypeError(
            f"{name} must be a function of ({', '.join(arguments)}), got {function!r}, which takes "
            f"{signature}"
        ) from None


def check_flag(name: str, flag: Any) -> None:
    """Raise unless it is True or False, of Python or of NumPy.

    Raises:
        ValueError: it is something else, which Python might take for True.
    """
    if not isinstance(flag, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {flag!r}")


def check_seed(seed: Any, name: str = "seed") -> None:
    """Raise unless it is a seed for a generator.

    Raises:
        ValueError: it is not a whole number from 0 up.
    """
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"{name} must be a whole number from 0 up, got {seed!r}")


def _float(x: Any) -> float:
    """A real number as a float; nan for anything else, and for True and False."""
    try:
        return float(x) if isinstance(x, Real) and not isinstance(x, bool) else math.nan
    except OverflowError:  # a whole number beyond the floats
        return math.inf


def generator(rng: np.random.Generator | None) -> np.random.Generator:
    """``rng``, or a fresh one if it is None."""
    return np.random.default_rng() if rng is None else check_generator(rng)


def check_generator(rng: np.random.Generator) -> np.random.Generator:
    """``rng``, if it is a generator, and not, say, a seed.

    Raises:
        TypeError: it is not a generator.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a NumPy generator, as np.random.default_rng(0), got {rng!r}")
    return rng
