"""Whether leaves are leaves, and a program gives what was recorded: the ``check`` of `compile`."""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from .. import functions
from ..derivatives import backward_pass
from ..value import Value, short_repr, topological_order
from ..vectors import are_leaves, are_values

Array = npt.NDArray[np.float64]

PLAIN = (
    "Where a formula gives a plain number, as Python's max(0, v) does, write v.relu(), "
    "autograd.where or Value(number)"
)
FLOAT = np.dtype(float)  # with which NumPy compares ten times as fast as with the type


def check_example(
    name: str, recorded: Any, k: int, outputs: Array, gradient: Array, parameters: list[Value]
) -> None:
    """Compare a program's k outputs and their gradient with what was recorded for an example.

    Args:
        name: of the example, for the errors.
        recorded: the root recorded for it, or the roots.
        k: how many roots there should be.
        outputs: the program's outputs for the example's numbers.
        gradient: the program's gradient of their sum.
        parameters: the Values that the gradient is taken by.

    Raises:
        TypeError: something else than a Value is recorded.
        ValueError: there are more or fewer roots, or the numbers differ.
    """
    if found := difference(_roots(recorded, name, k), outputs, gradient, parameters):
        raise ValueError(
            f"{name}: {found}. The two graphs are not the same: a Python `if` on numbers is "
            "recorded as the branch taken (use autograd.where(c, a, b) instead), and other "
            "parameters, or chance, make another graph too"
        )


def difference(roots: list[Value], outputs: Array, gradient: Array, parameters: list[Value]) -> str:
    """How a program's outputs or their gradient differ from the recorded roots; empty if not."""
    total = functions.sum(roots)
    for what, a, b in (
        ("value", np.array([root.data for root in roots]), outputs.ravel()),
        ("gradient", np.array(backward_pass(total, parameters, recorded=False)), gradient),
    ):
        if not (_close(a, b, 1.0) or _close(a, b, _size(total))):  # _size walks over the graph
            return f"the {what} recorded is {_short(a)}, but the program gives {_short(b)}"
    return ""


def pair(example: Any, name: str) -> tuple[Any, Any]:
    """The inputs of an example to check, and what was recorded for them."""
    try:
        row, recorded = example
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a pair, the inputs' numbers and the root recorded for them, got "
            f"{short_repr(example)}: write check=[(numbers, root)]"
        ) from None
    return row, recorded


def _roots(recorded: Any, name: str, k: int) -> list[Value]:
    """The roots recorded for an example to check, as a list of k Values."""
    values = list(recorded) if isinstance(recorded, Iterable) else [recorded]
    for v in values:
        if not isinstance(v, Value):
            raise TypeError(f"{name}: what is recorded must be a Value, got {v!r}. {PLAIN}")
    if len(values) != k:
        raise ValueError(f"{name} has {len(values)} roots, and root {k}")
    return values


def _close(a: Array, b: Array, size: float) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12 * size, equal_nan=True)


def _size(root: Value) -> float:
    """The largest number met in computing a root and its gradient, as if nothing cancelled.

    Rounding errors are relative to this, not to a loss or gradient that has become tiny.
    """
    largest = 1.0
    paths = defaultdict(float, {root: 1.0})  # sums of products of partials, without their signs
    for node in reversed(topological_order(root)):
        for v, partial in zip(node.inputs, node.partials):
            if isinstance(v, Value):
                paths[v] += paths[node] * abs(partial)
        for number in (paths[node], abs(node.data)):
            if largest < number < math.inf:
                largest = number
    return largest


def _short(x: Array) -> str:
    return np.array2string(x if x.size > 1 else x[0], threshold=6, edgeitems=2)


def check_leaves(
    roots: list[Value], inputs: list[Value], parameters: list[Value]
) -> dict[Value, int]:
    """The leaves' places, 0, 1, ...; an error if one is not a leaf, or is given twice."""
    if not roots:
        raise ValueError("root is empty: give a Value, or several")
    for name, values in (("root", roots), ("inputs", inputs), ("parameters", parameters)):
        if not are_values(values):
            v = next(v for v in values if not isinstance(v, Value))
            raise TypeError(f"{name} must hold Values, got {v!r}")
        if name != "root" and not are_leaves(values):
            i = next(i for i, v in enumerate(values) if v.primitive is not None)
            raise ValueError(
                f"{name}[{i}] is not a leaf, but computed by {values[i].op!r}: give what it comes "
                "from"
            )
    leaves = [*inputs, *parameters]
    places = dict(zip(leaves, range(len(leaves))))
    if len(places) < len(leaves):
        names = [f"inputs[{i}]" for i in range(len(inputs))]
        names += [f"parameters[{i}]" for i in range(len(parameters))]
        seen: dict[Value, str] = {}
        for v, name in zip(leaves, names):
            if v in seen:
                raise ValueError(f"{name} is {seen[v]} already: give each Value once")
            seen[v] = name
    return places


def list_of(values: Any, name: str) -> list[Value]:
    """``values`` as a list."""
    try:
        return list(values)
    except TypeError:
        if name == "root":
            raise TypeError(
                f"root must hold Values, one or several, got {short_repr(values)}. {PLAIN}"
            ) from None
        raise TypeError(
            f"{name} must hold Values, in a list, got {values!r}: for one, write [x]"
        ) from None


def as_floats(x: ArrayLike, name: str) -> Array:
    """``x`` as an array of floats."""
    if np.ma.is_masked(x):
        raise ValueError(f"{name} must hold real numbers, but some are masked: fill the gaps")
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} must be an array of numbers, with rows of one length") from None
    if array.dtype == FLOAT:
        return array
    if array.dtype.kind not in "biuf":
        has_values = any(isinstance(v, Value) for v in array.flat)
        advice = ": give the numbers of Values, v.data" if has_values else ""
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}{advice}")
    return array.astype(float)
