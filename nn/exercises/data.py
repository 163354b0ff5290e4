"""The tasks of real data, and of weights that are found by hand."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import compress, product
from numbers import Rational
from operator import gt, lt
from typing import Any

import numpy as np

from autograd.exercises import Case, any_of, check, not_finite, of_errors
from autograd.exercises.comparing import agree, plain

from ..arrays import Array
from .forms import called

TURNED = "the order of the pair: the training part comes first"
ONE = "one table comes back: two are asked, the training part and the test part, both scaled"


@check("standardise")
def check_standardise(standardise: Any) -> Iterator[Case]:
    """``standardise(X_train, X_test)``: both, with mean 0 and deviation 1 on the training part.

    ``(X - mean) / std`` by column, both of the training part alone (``X.std(axis=0)``); a column
    that is constant there is only shifted.
    """

    def scaled(by: Array, X: Array, ddof: int = 0) -> Array:
        return np.asarray((X - by.mean(axis=0)) / by.std(axis=0, ddof=ddof))

    def pair(a: Array, b: Array) -> tuple[Any, Any]:
        first, second = called(standardise, a.copy(), b.copy())
        return first, second

    def is_turned(train: Array, test: Array, _: Any) -> bool:
        first, second = pair(train, test)
        return agree(first, scaled(train, test)) and agree(second, scaled(train, train))

    def gives_one(train: Array, test: Array, _: Any) -> bool:
        return np.ndim(called(standardise, train.copy(), test.copy())[0]) == 1

    def part_of(which: int, a: Array, b: Array) -> Any:
        return pair(a, b)[which]

    added = "a number added to every deviation changes all columns: divide by 1 where it is 0 alone"
    over_all = "mean and deviation of the whole table: one per column, axis=0"
    for seed, which in ((1, " of one table"), (0, " of another")):
        rng = np.random.default_rng(seed)
        center = 3.0 if seed else -3.0
        train, test = rng.normal(center, 2.0, size=(6, 3)), rng.normal(center, 2.0, size=(4, 3))
        mean, std = train.mean(axis=0), train.std(axis=0)
        both = np.vstack([train, test])
        yield Case(
            f"the training part{which}", partial(part_of, 0, train, test),
            (train - mean) / std,
            {
                "the test part is in the mean: it is not to be looked at": scaled(both, train),
                "the deviation with n - 1: X.std(axis=0) divides by n": scaled(train, train, 1),
                over_all: any_of(*[(train - t.mean()) / t.std() for t in (train, both)]),
                "shifted, but not divided by the deviation": train - mean,
                "divided by the variance: by its root, the deviation": (train - mean) / std**2,
                added: (train - mean) / std,
                TURNED: partial(is_turned, train, test),
                ONE: of_errors(partial(gives_one, train, test)),
            },
        )  # fmt: skip
        yield Case(
            f"the test part{which}", partial(part_of, 1, train, test), (test - mean) / std,
            {
                "the test part by its own mean: use that of the training part": scaled(test, test),
                "the test part is in the mean: it is not to be looked at": scaled(both, test),
                "the deviation with n - 1: X.std(axis=0) divides by n":
                    (test - mean) / train.std(axis=0, ddof=1),
                over_all: any_of(*[(test - t.mean()) / t.std() for t in (train, test, both)]),
                "shifted, but not divided by the deviation": test - mean,
                "divided by the variance: by its root, the deviation": (test - mean) / std**2,
                added: (test - mean) / std,
                "the test part is as it was: scale it too, by mean and deviation from before the "
                "training part was scaled": test,
                TURNED: partial(is_turned, train, test),
                ONE: of_errors(partial(gives_one, train, test)),
            },
        )  # fmt: skip

    def is_else_right(_: Any) -> bool:
        return agree(pair(train, test), [scaled(train, train), scaled(train, test)])

    for part, unit in (("thousandths", 1e3), ("ten-millionths", 1e7)):
        yield Case(
            f"the training part, in {part}", partial(part_of, 0, train / unit, test / unit),
            (train - mean) / std,
            {"a small deviation is not 0: divide by 1 only where a column is constant":
                is_else_right},
        )  # fmt: skip
    near = np.array([[1.0, 2.0], [1.0, 5.0], [4.0, 3.0], [1.0, 4.0]])
    yield Case(
        "a column [1, 1, 4, 1], training part", partial(part_of, 0, near, near),
        scaled(near, near),
        {"a column is constant only where all its numbers are equal": is_else_right},
    )  # fmt: skip
    wide = np.random.default_rng(2).normal(size=(4, 5))
    yield Case(
        "five columns, training part", partial(part_of, 0, wide, wide), scaled(wide, wide),
        {"each column is scaled, however many there are": is_else_right},
    )  # fmt: skip
    constant = "a constant column has the deviation 0: divide by 1 there"
    flat = np.column_stack([train[:, 0], np.full(6, 5.0), np.zeros(6)])
    yield Case(
        "two constant columns, of 5 and of 0, training part", partial(part_of, 0, flat, flat),
        np.column_stack([(train[:, 0] - mean[0]) / std[0], np.zeros((6, 2))]),
        {constant: of_errors(lambda got: not_finite(got) and is_else_right(got))},
    )  # fmt: skip
    other = np.column_stack([test[:, 0], np.full(4, 7.0), np.zeros(4)])
    yield Case(
        "a constant column of 5 where the test part has 7", partial(part_of, 1, flat, other),
        np.column_stack([(test[:, 0] - mean[0]) / std[0], np.full(4, 2.0), np.zeros(4)]),
        {constant: lambda got: is_else_right(got) and (
            not_finite(got) or float(np.abs(plain(got)).max()) > 100
        )},
    )  # fmt: skip


@check("confusion_matrix")
def check_confusion_matrix(confusion_matrix: Any) -> Iterator[Case]:
    """``confusion_matrix(true, predicted, K)``: ``(K, K)`` counts, rows true, columns predicted."""
    for true, predicted, K in (
        ([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 0], 3), ([1, 2, 0, 2, 2, 2], [2, 2, 1, 0, 0, 2], 3),
        ([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 0], 4),
        ([2, 2, 2, 2, 0, 0, 0, 0], [2, 2, 2, 2, 3, 3, 3, 0], 5),
    ):  # fmt: skip
        right = np.zeros((K, K), int)
        np.add.at(right, (true, predicted), 1)
        missing = set(range(K)) - {*true, *predicted}
        comes = "never comes" if len(missing) == 1 else "never come"
        never = f": {' and '.join(map(str, missing))} {comes}" if missing else ""

        def counted(true: Any = true, predicted: Any = predicted, K: int = K) -> Any:
            return called(confusion_matrix, np.array(true), np.array(predicted), K)

        yield Case(
            f"true {true}, predicted {predicted}, K = {K}{never}", counted, right,
            {
                "rows and columns are exchanged: rows are the true classes": right.T,
                "a pair that comes twice counts once: M[true, predicted] += 1 on arrays does each "
                "place once; np.add.at, or a loop, does each": np.minimum(right, 1),
                "parts, not counts": any_of(
                    right / len(true), right / np.maximum(right.sum(axis=1, keepdims=True), 1)
                ),
                "the size is K, whatever classes come":
                    lambda got, K=K: np.ndim(got) == 2 and len(got) != K,
            },
        )  # fmt: skip


@check("xor_theta1", "xor_b1", "xor_theta2", "xor_b2")
def check_xor(theta1: Any, b1: Any, theta2: Any, b2: Any) -> Iterator[Case]:
    """Weights, found by hand, of a network 2-2-1 with relu that computes XOR.

    ``theta1`` ``(2, 2)``, ``b1`` ``(2,)``, ``theta2`` ``(1, 2)``, ``b2`` ``(1,)``: its output is
    above 0 where one of the two inputs is 1, and below where none is, or both.
    """
    given = {"xor_theta1": theta1, "xor_b1": b1, "xor_theta2": theta2, "xor_b2": b2}
    shapes = {"xor_theta1": (2, 2), "xor_b1": (2,), "xor_theta2": (1, 2), "xor_b2": (1,)}

    def output(x: tuple[float, float]) -> float:
        p = {name: np.asarray(plain(value), float) for name, value in given.items()}
        x1 = np.maximum(p["xor_theta1"] @ np.array(x) + p["xor_b1"], 0)
        return float((p["xor_theta2"] @ x1 + p["xor_b2"]).item())

    corners = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))

    def computes(*table: int) -> Callable[[Any], bool]:
        return lambda got: [output(x) > 0 for x in corners] == list(map(bool, table))

    for name, shape in shapes.items():
        yield Case(f"the shape of {name}", partial(np.shape, given[name]), shape)
    for x in corners:
        one = sum(x) == 1
        yield Case(
            f"the output at ({x[0]:.0f}, {x[1]:.0f})", partial(output, x),
            f"{'above' if one else 'below'} 0",
            {
                "exactly 0 is neither: leave room on both sides": 0.0,
                "this is OR: a hidden unit must pull the output down where both inputs are 1":
                    computes(0, 1, 1, 1),
                "this is AND: one input alone must be enough": computes(0, 0, 0, 1),
                "the other way round: above 0 where exactly one input is 1":
                    computes(1, 0, 0, 1),
            },
            right=partial(lt, 0) if one else partial(gt, 0),
        )  # fmt: skip


@check("mirror_weights")
def check_mirror(weights: Any) -> Iterator[Case]:
    """Six weights w of a unit that tells which strings of six bits are their own mirror images.

    sum_i w_i x_i is 0 for the 8 strings that are, and not for the 56 others (Rumelhart, Hinton and
    Williams 1986, figure 1).
    """

    def sums(mirrored: bool) -> list[str]:
        w = np.ravel(plain(weights)).tolist()
        exact = all(isinstance(v, Rational) for v in w)
        # Floats as 0.1 and 0.2 are rounded, so that their sum differs from 0.3 by as much.
        rounding = 0.0 if exact else 1e-15 * max(map(abs, w))
        strings = [x for x in product((0, 1), repeat=6) if (x == x[::-1]) == mirrored]
        total: Callable[[Any], Any] = sum if exact else math.fsum
        zero = [abs(total(compress(w, x))) <= rounding for x in strings]
        return ["".join(map(str, x)) for x, is_zero in zip(strings, zero) if is_zero != mirrored]

    yield Case("the shape of the weights", partial(np.shape, weights), (6,))
    yield Case(
        "mirrored strings whose sum is not 0", partial(sums, True), "none",
        {"weights that mirror each other must cancel: equal in size, opposite in sign":
            lambda got: len(got) > 0 and np.size(weights) == 6},
        right=lambda got: got == [],
    )  # fmt: skip
    yield Case(
        "other strings whose sum is 0 all the same", partial(sums, False), "none",
        {"two different halves have the same sum: every subset of the three sizes needs a sum of "
         "its own (of 1, 1, 1 two single bits have one sum, of 1, 2, 3 have 1 + 2 and 3)":
            lambda got: got and not sums(True)},
        right=lambda got: got == [],
    )  # fmt: skip
