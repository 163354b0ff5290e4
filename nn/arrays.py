"""Arrays and numbers as users hand them over: taken as floats, or refused by name, here alone."""

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def real_array(x: Any, name: str) -> Array:
    """``x`` as an array of floats.

    Raises:
        ValueError: it holds something else than real numbers; strings are none.
    """
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} must be an array of numbers, with rows of one length") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    return array.astype(float)


def finite_array(x: Any, name: str) -> Array:
    """``x`` as an array of finite floats.

    Raises:
        ValueError: as in `real_array`, or a number is not finite: the first is named by its place.
    """
    array = real_array(x, name)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise ValueError(f"{name}[{place}] is {array[tuple(bad[0])]}: all numbers must be finite")
    return array


def check_finite(array: Array, name: str) -> None:
    """Refuse what has left the floats.

    Raises:
        ValueError: a number is not finite.
    """
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds numbers that are not finite")


def check_examples(
    X: npt.ArrayLike, y: npt.ArrayLike, names: tuple[str, str] = ("X", "y")
) -> tuple[Array, Array]:
    """Inputs and targets as arrays, ``(n, d_0)`` and ``(n,)`` or ``(n, d_L)``, all finite.

    Raises:
        ValueError: they are not, or do not go together.
    """
    X_array, y_array = (finite_array(array, name) for array, name in zip((X, y), names))
    if X_array.ndim != 2:
        raise ValueError(f"{names[0]} must have shape (n, d_0), got {X_array.shape}")
    if len(X_array) == 0:
        raise ValueError(f"{names[0]} has no rows")
    if y_array.ndim not in (1, 2) or len(y_array) != len(X_array):
        raise ValueError(
            f"{names[1]} must have one target per row of {names[0]}, shape ({len(X_array)},) or "
            f"({len(X_array)}, d_L), got {y_array.shape}"
        )
    return X_array, y_array


def check_whole(name: str, number: Any) -> None:
    """Refuse what is no positive whole number.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{name} must be a positive whole number, got {number!r}")


def check_batch_size(b: Any, n: int) -> None:
    """Refuse a batch of none of ``n`` examples, or of more.

    Raises:
        ValueError: ``b`` is not a whole number from 1 to ``n``.
    """
    if not isinstance(b, int | np.integer) or not 1 <= b <= n:
        raise ValueError(f"batch_size must be a whole number from 1 to n = {n}, got {b!r}")


def check_positive(**numbers: Any) -> None:
    """Refuse what is no positive number, by its name.

    Raises:
        ValueError: one is none, or not finite.
    """
    for name, number in numbers.items():
        if not _is_real(number) or not 0 < number < math.inf:
            raise ValueError(f"{name} must be a positive number, got {number!r}")


def check_from_zero(**numbers: Any) -> None:
    """Refuse what is no number from 0 up, by its name.

    Raises:
        ValueError: one is none, or not finite.
    """
    for name, number in numbers.items():
        if not _is_real(number) or not 0 <= number < math.inf:
            raise ValueError(f"{name} must be a number from 0 up, and finite, got {number!r}")


def check_fraction(**numbers: Any) -> None:
    """Refuse what does not lie in [0, 1), by its name.

    Raises:
        ValueError: one does not.
    """
    for name, number in numbers.items():
        if not _is_real(number) or not 0 <= number < 1:
            raise ValueError(f"{name} must lie in [0, 1), got {number!r}")


def _is_real(x: Any) -> bool:
    return isinstance(x, Real)


def generator(rng: np.random.Generator | None) -> np.random.Generator:
    """``rng``, or a fresh one if it is None."""
    return np.random.default_rng() if rng is None else check_generator(rng)


def check_generator(rng: np.random.Generator) -> np.random.Generator:
    """``rng``, if it is a generator: a seed, say, is none.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a NumPy generator, as np.random.default_rng(0), got {rng!r}")
    return rng
