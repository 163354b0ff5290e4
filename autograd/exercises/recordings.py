"""The tasks about what is recorded: a choice that stays in the graph, and attention."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import autograd
from autograd import Value

from .checking import Case, check
from .comparing import agree, any_of, not_finite, of_results, raises

Weights = Callable[[Any], Any]  # of scores


@check("huber")
def check_huber(huber: Any) -> Iterator[Case]:
    """``huber(a)``, of a Value: a^2 / 2 where |a| <= 1, else |a| - 1/2, with the choice recorded.

    Huber's loss (Robust estimation of a location parameter, 1964): a Gaussian's for small errors,
    with a slope of at most 1 for large ones.
    """
    exchanged = "the two pieces are exchanged: where(c, a, b) is a where c > 0"
    known: dict[str, Callable[[float], float | None]] = {
        "the parabola is a^2 / 2, not a^2": lambda a: a * a if abs(a) <= 1 else None,
        "the pieces meet at 1: the lines are |a| - 1/2": lambda a: abs(a) if abs(a) > 1 else None,
        exchanged: lambda a: abs(a) - 0.5 if abs(a) <= 1 else a * a / 2,
        "the line to the left goes up to the left: |a| - 1/2": (
            lambda a: a - 0.5 if a < -1 else None
        ),
    }

    def value(a: float) -> Any:
        return huber(Value(a))

    def is_exchanged(got: Any) -> bool:
        return all(agree(value(a), known[exchanged](a)) for a in (0.5, 3.0, -3.0))

    def mistakes(a: float) -> dict[str, Any]:
        found = {text: f(a) for text, f in known.items() if f(a) is not None}
        return found | {exchanged: of_results(is_exchanged)}

    for a, expected in (
        (0.5, 0.125),
        (3.0, 2.5),
        (-3.0, 2.5),
        (-0.8, 0.32),
        (1.5, 1.0),
        (-1.2, 0.7),
        (0.95, 0.45125),
        (-1.05, 0.55),
        (50.0, 49.5),
        (0.0, 0.0),
    ):
        yield Case(f"huber(Value({a}))", partial(value, a), expected, mistakes(a))

    def slope(a: float) -> float:
        x = Value(a)
        huber(x).backward()
        return x.grad

    lost = "the graph is lost: compute with a itself, not with a.data"
    for a, expected in ((0.5, 0.5), (-3.0, -1.0), (-0.8, -0.8), (1.5, 1.0)):
        yield Case(
            f"the gradient at {a}",
            partial(slope, a),
            expected,
            {lost: of_results(lambda got: got == slope(-3.0) == 0)},
        )
    corner = "a root and a quotient have no slope at 0: abs(a) has, and a * a / 2 needs neither"
    yield Case("the gradient at 0.0", partial(slope, 0.0), 0.0, {corner: not_finite})

    def replayed(recorded_at: float, a: float) -> Any:
        x = Value(recorded_at)
        return autograd.compile(huber(x), inputs=[x], parameters=[]).forward([[a]])[0]

    def by_branch(*gives: float) -> Any:
        """Whether all is right but what is replayed."""
        replays = any_of(*gives)
        return of_results(
            lambda got: (
                replays(got) and agree([value(0.5), value(3.0), value(-3.0)], [0.125, 2.5, 2.5])
            )
        )

    branch = (
        "the choice is made while it is recorded, as by an if, a comparison, or a.data: "
        "autograd.where(c, a, b) keeps both pieces in the graph, with a number for c, a where c > 0"
    )
    yield Case("recorded at 0.5, replayed at 3", lambda: replayed(0.5, 3.0), 2.5,
               {branch: by_branch(4.5)})  # fmt: skip
    yield Case("recorded at 3, replayed at 0.5", lambda: replayed(3.0, 0.5), 0.125,
               {branch: by_branch(0.0)})  # fmt: skip
    yield Case("recorded at 3, replayed at -3", lambda: replayed(3.0, -3.0), 2.5,
               {branch: by_branch(-3.5)})  # fmt: skip
    yield Case("recorded at -3, replayed at 3", lambda: replayed(-3.0, 3.0), 2.5,
               {branch: by_branch(-3.5, 4.5)})  # fmt: skip
    yield Case("recorded at -0.5, replayed at 3", lambda: replayed(-0.5, 3.0), 2.5,
               {branch: by_branch(4.5)})  # fmt: skip


@check("attend")
def check_attend(attend: Any) -> Iterator[Case]:
    """``attend(q, keys, values)``: sum_s p_s v_s with p = softmax_s(q k_s / sqrt(d)), d = len(q).

    ``q`` is a list of d Values, ``keys`` a list of such lists, ``values`` a list of lists (Vaswani
    et al., Attention is all you need, 2017, equation 1); a list of Values comes back.
    """
    q, keys = [1.0, -0.5, 2.0, 0.3], [[0.4, 1.0, 0.5, -1.0], [1.5, 0.2, -0.3, 0.8], [-1, 0.5, 1, 1]]
    values = [[1.0, 10.0], [2.0, -5.0], [4.0, 3.0]]

    # The same, and more: of six positions, with values of three entries.
    more_keys = [*keys, keys[1][::-1], [0.7, -0.4, 0.1, 0.9], [-0.6, 0.3, 0.8, 0.2]]
    several = [*values, [-3.0, 0.5], [0.5, 1.5], [-1.0, 2.0]]
    wide = [[*row, third] for row, third in zip(several, (7.0, -2.0, 0.25, 1.0, -4.0, 3.0))]

    def attended(q: Any, k: Any, v: Any, weights: Weights, divisor: float) -> list[float]:
        p = weights([float(np.dot(q, row)) / divisor for row in k])
        return [float(x) for x in p @ np.array(v)]

    def softmax(s: Any) -> Any:
        return np.exp(s) / np.exp(s).sum()

    def run(q: Sequence[float], keys: Any, values: Any) -> Any:
        numbers = [[*map(Value, row)] for row in (q, *keys, *values)]
        return attend(numbers[0], numbers[1 : 1 + len(keys)], numbers[1 + len(keys) :])

    a_list = "one number for each entry of a value, in a list"
    for size, value in ((1.0, [3.0, -7.0]), (0.75, [-2.0, 4.0])):
        yield Case(
            f"one position alone: its value, {value}",
            partial(run, [size], [[2.0]], [value]),
            value,
            {
                "the weights do not add up to 1: divide each by their sum": any_of(
                    [v * math.exp(2 * size) for v in value]
                ),
                "the scores are no weights: take their softmax": [v * 2 * size for v in value],
                a_list: lambda got: not hasattr(got, "__len__"),
            },
        )  # fmt: skip
    yield Case("two keys that are equal: the mean of the values",
               lambda: run([1.0, 1.0], [[0.5, 0.5]] * 2, [[2.0], [4.0]]), [3.0])  # fmt: skip
    for n, d, table in ((3, 4, several), (4, 3, several), (6, 2, wide)):
        question, k, v = q[:d], [row[:d] for row in more_keys[:n]], table[:n]
        root = math.sqrt(d)
        out = partial(attended, question, k, v)
        yield Case(
            f"{n} positions, d = {d}", partial(run, question, k, v), out(softmax, root),
            {
                "the scores are divided by the root of d": out(softmax, 1.0),
                "by the root of d, not by d": out(softmax, d),
                "by the root of d = len(q), not of the number of positions": out(
                    softmax, math.sqrt(n)
                ),
                "the weights go by the scores, not by their softmax": any_of(
                    out(lambda s: np.array(s) / sum(s), root), out(np.array, root)
                ),
                "the largest score takes all: that is max, not softmax": out(
                    lambda s: np.eye(len(s))[np.argmax(s)], root
                ),
            },
        )  # fmt: skip

    def slopes(i: int, factor: float) -> Any:
        """The gradient by q (0), by the keys (1) or by the values (2)."""
        tables = [[[*map(Value, row)] for row in table] for table in ([q], keys, values)]
        given = [[row[:] for row in table] for table in tables]  # lists that it may empty
        first, second = attend(given[0][0], *given[1:])
        (first + factor * second).backward()
        gradient = [[v.grad for v in row] for row in tables[i]]
        return gradient if i else gradient[0]

    p = softmax([float(np.dot(q, row)) / 2 for row in keys])
    out_of_three = attended(q, keys, values, softmax, 2.0)
    for factor in (2.0, -1.0):
        c = np.array(values) @ [1.0, factor]
        scores = p * (c - p @ c) / 2  # the gradient by each q k_s
        for i, (by, exact) in enumerate((
            ("q", scores @ np.array(keys)),
            ("the keys", np.outer(scores, q)),
            ("the values", np.outer(p, [1.0, factor])),
        )):  # fmt: skip
            yield Case(
                f"the gradient by {by}, of the first entry + {factor:g} times the second",
                partial(slopes, i, factor), exact,
                {
                    "the gradient is lost on its way: compute with the Values of q, keys and "
                    "values, not with their data": of_results(
                        lambda got: (
                            not np.any(got) and agree(run(q, keys, values), out_of_three)
                        )
                    ),
                    "a sum of Values is a Value: does a float come back?": raises(
                        AttributeError, words="has no attribute 'backward'"
                    ),
                },
            )  # fmt: skip
