"""The tasks of stochastic gradient descent."""

import math
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import partial
from operator import not_
from typing import Any

import numpy as np

from autograd.exercises import (
    COLUMN,
    Case,
    a_column,
    agrees_with,
    any_of,
    check,
    of_errors,
    of_results,
    overflows,
    unlike,
)
from autograd.exercises.comparing import Test, agree, plain, written

from ..arrays import Array
from .forms import called, unchanged

MEAN = "the mean over the examples, where the sum was asked: L = sum_i L_i"
ONE = "the gradient of one example alone: those of all add up. Does a return stand in the loop?"
LEFT_OUT = "one example is left out: the sum runs over all of them"


@check("batch_gradient")
def check_batch_gradient(batch_gradient: Any) -> Iterator[Case]:
    """``batch_gradient(theta, X, y)``: dL/dtheta of logistic regression, L = sum_i L_i, no bias.

    ``theta`` is ``(d,)``, ``X`` ``(n, d)``, ``y`` ``(n,)`` of 0 and 1; the gradient is ``(d,)``.
    They stay as they are.
    """
    rng = np.random.default_rng(0)
    for n, d in ((1, 2), (5, 3), (4, 4)):
        X, theta = rng.normal(size=(n, d)), rng.normal(size=d)
        y = (np.arange(n) + 1) % 2  # both classes; the first target is 1
        p = 1 / (1 + np.exp(-X @ theta))
        right = X.T @ (p - y)
        mistakes: dict[str, Any] = {
            "the sign: the sum of (sigmoid(a) - y) x": -right,
            "y is missing: Delta is sigmoid(a) - y": X.T @ p,
            "times sigmoid'(a): that is the slope of a squared error. That of -log P is "
            "sigmoid(a) - y": X.T @ ((p - y) * p * (1 - p)),
            COLUMN: a_column(agrees_with(right, 1e-6)),
            "one number: dL/dtheta_k for each k, sum over the examples alone":
                lambda got: isinstance(got, float),
        }  # fmt: skip
        if n > 1:
            each = [delta * x for delta, x in zip(p - y, X)]
            mistakes[MEAN] = right / n
            mistakes[ONE] = any_of(*each)
            mistakes[LEFT_OUT] = any_of(*[right - g for g in each])
            mistakes["the gradients of the single examples, not yet summed"] = (p - y)[:, None] * X
        mistakes["sigmoid is missing: Delta is sigmoid(a) - y"] = X.T @ (X @ theta - y)
        yield Case(f"batch_gradient(theta, X, y), {n} example{'s' * (n > 1)}",
                   partial(batch_gradient, theta, X, y), right, mistakes)  # fmt: skip

    def is_else_right(got: Any) -> bool:
        """Whether the equal ones count once, and others are summed."""
        return agree(got, [-0.5, -1.0]) and agree(batch_gradient(theta, X, y), right)

    yield Case(
        "batch_gradient([0.0, 0.0], [[1.0, 2.0], [1.0, 2.0]], [1, 1])",
        lambda: batch_gradient(np.zeros(2), np.array([[1.0, 2.0]] * 2), np.array([1, 1])),
        [-1.0, -2.0],
        {"an example that comes twice counts twice": of_results(is_else_right), MEAN: [-0.5, -1.0]},
    )
    yield unchanged(batch_gradient, {"theta": theta, "X": X, "y": y})

    def cuts(got: Any) -> bool:
        return agree(got, [0.0]) and agree(batch_gradient(theta, X, y), right)

    yield Case(
        "batch_gradient([1.0], [[12.0], [-12.0]], [1, 0])",
        lambda: batch_gradient(np.array([1.0]), np.array([[12.0], [-12.0]]), np.array([1, 0])),
        [-24 / (1 + math.exp(12))], {"sigmoid(12) is 0.999994, not 1": of_results(cuts)},
    )  # fmt: skip
    large = np.array([[1000.0], [-1000.0]])
    yield Case(
        "batch_gradient([1.0], [[1000.0], [-1000.0]], [0, 1])",
        lambda: batch_gradient(np.array([1.0]), large, np.array([0, 1])), [2000.0],
        {"sigmoid overflows: exp(1000) is beyond the floats": overflows(
            lambda: batch_gradient(np.array([1.0]), large / 1000, np.array([0, 1]))
        )},
    )  # fmt: skip


PLAIN = 5  # mistakes that show without momentum


@check("sgd_step")
def check_sgd_step(sgd_step: Any) -> Iterator[Case]:
    """``sgd_step(theta, v, g, lr, momentum)``: the new theta and v, a pair of arrays.

    v = momentum v + g, then theta = theta - lr v.
    """

    def both(theta: Array, v: Array) -> list[Any]:
        return [theta.tolist(), v.tolist()]

    def step(*arguments: Any) -> Any:
        return called(sgd_step, *map(copy, arguments))

    def case(theta: Array, v: Array, g: Array, lr: float, m: float) -> Case:
        new = m * v + g
        right = both(theta - lr * new, new)
        mistakes = {
            "the sign: the step goes against the gradient": both(theta + lr * new, new),
            "the order of the pair: theta, then v": right[::-1],
            "one of the two alone: a pair comes back, theta and v":
                lambda got: len(got) == 1 or any(agree(got, part) for part in right),
            "the old v comes back: the next step needs the new one": both(theta - lr * new, v),
            COLUMN: a_column(agrees_with(right, 1e-6)),
            "v as it was before the step moves theta: compute the new v first":
                both(theta - lr * v, new),
            "momentum is missing: v = momentum v + g":
                any_of(both(theta - lr * g, g), both(theta - lr * (v + g), v + g),
                       both(theta - lr * g, v)),
            "the gradient comes in whole: not (1 - momentum) g, nor momentum (v + g)":
                any_of(both(theta - lr * (m * v + (1 - m) * g), m * v + (1 - m) * g),
                       both(theta - lr * m * (v + g), m * (v + g))),
            "momentum stands at g, v + momentum g: it belongs to the old v, momentum v + g":
                both(theta - lr * (v + m * g), v + m * g),
            "momentum comes in twice: once, in v = momentum v + g":
                any_of(both(theta - lr * m * new, new), both(theta - lr * (m * m * v + g), new),
                       both(theta - lr * (m * m * v + g), m * m * v + g)),
            "half a step: theta moves by lr v": both(theta - lr * new / 2, new),
            "lr is missing: theta moves by lr v": both(theta - new, new),
            "theta moves by lr g, without the new v: it moves by lr v": both(theta - lr * g, new),
            "the sign of v: it is momentum v + g, and theta moves against it":
                both(theta + lr * (m * v - g), m * v - g),
            "lr is in v: v = momentum v + g, and lr comes in where theta moves":
                any_of(both(theta - m * v - lr * g, m * v + lr * g),
                       both(theta + m * v - lr * g, m * v - lr * g),
                       both(theta - lr * (m * v + lr * g), m * v + lr * g),
                       both(theta - lr * new, lr * new)),
            "the step looks ahead, Nesterov's: here theta moves by lr v":
                both(theta - lr * (g + m * new), new),
        }  # fmt: skip
        if not np.any(m * v * g):  # many mistakes give the same here
            mistakes = dict(list(mistakes.items())[:PLAIN])
        given = ", ".join(str(x.tolist()) for x in (theta, v, g))
        return Case(
            f"sgd_step({given}, lr={lr}, momentum={m})",
            partial(step, theta, v, g, lr, m), right, unlike(right, mistakes),
        )  # fmt: skip

    two = np.array([1.0, 0.5])  # entries, so that a sum or a mean over them is seen
    yield case(two, 0 * two, 2 * two, 0.1, 0.0)
    yield case(two, 3 * two, 2 * two, 0.1, 0.5)
    yield case(-two, two / 2, 4 * two, 0.2, 0.75)
    yield case(0 * two, two, 0 * two, 0.5, 0.9)
    yield case(np.array([1.0, 2.0]), np.array([3.0, -1.0]), np.array([2.0, 4.0]), 0.1, 0.0)
    g = np.array([[-4.0, 1.0, 0.0], [2.0, -3.0, 5.0]])
    yield case(np.ones((2, 3)), g[::-1] / 2, g, 0.01234, 0.375)  # which rounding changes


def _no_function(schedule: Any, *arguments: Any) -> Test:
    """For `Case.mistakes`: what comes is called in vain, since it is no function."""
    return of_errors(lambda got: isinstance(got, TypeError) and not callable(schedule(*arguments)))


MEMORY = "a schedule depends on what it is given alone: it must not count its calls"
LIMIT = "it stops changing: however late it is asked, the next change is still to come"


def _asked_again(
    schedule: Any, what: str, arguments: Sequence[Any], right: Any, late: Sequence[int]
) -> Iterator[Case]:
    """A schedule, asked out of order and twice for the same t, which tells whether it counts.

    Late ones tell whether it ends at a limit. Numbers are compared by their ratio: rates are small.
    """
    for order in ((5, 1, 5), (7, 2, 7), (40, 30, 40), late):
        expected = [right(t) for t in order]

        def rates(order: Iterable[int] = order) -> list[Any]:
            f = schedule(*arguments)
            return [f(t) for t in order]

        def is_right(got: Any, expected: Sequence[Any] = expected) -> bool:
            return all(agree(plain(a) / b, 1.0) for a, b in zip(got, expected))

        def is_limited(got: Any, last: int = order[0]) -> bool:
            """Whether it changes early, and from the last one on no more."""
            after = set(rates(range(last, last + 21)))
            return agree(got[0], got[2]) and len(after) == 1 < len(set(rates(range(1, 9))))

        yield Case(
            f"{what} at {', '.join(map(str, order))}", rates, written(expected),
            {MEMORY: lambda got: not agree(got[0], got[2]), LIMIT: is_limited}, right=is_right,
        )  # fmt: skip


ANOTHER = "what comes is of the schedule made last: global variables hold one alone for all of them"


def _two_at_once(schedule: Any, what: str, first: Any, second: Any, right: Any) -> Iterator[Case]:
    """A schedule asked after another one was made; ``right(arguments, t)`` is what it gives."""

    def values() -> list[Any]:
        f = schedule(*first)
        schedule(*second)
        return [f(t) for t in (1, 4, 9)]

    def of(arguments: Any) -> list[Any]:
        return [right(arguments, t) for t in (1, 4, 9)]

    yield Case(f"{what}{first} at 1, 4, 9, after {what}{second} was made too", values, of(first),
               {ANOTHER: any_of(of(second))})  # fmt: skip


REMAINDER = "% is the remainder of a division: // counts whole steps"
LATE = "one too early: {} count from 1, so that ({} - 1) // {} is 0 for the first ones"


@check("step_decay")
def check_step_decay(step_decay: Any) -> Iterator[Case]:
    """``step_decay(lr, factor, every)``: a schedule, a function of the update t = 1, 2, ...

    It starts at ``lr``, and is multiplied by ``factor`` after every ``every`` updates.
    """

    def rates(lr: float, factor: float, every: int) -> list[float]:
        rate = step_decay(lr, factor, every)
        return [rate(t) for t in range(1, 2 * every + 2)]

    no_function = {
        "step_decay gives back a function of t: def rate(t): ..., then return rate":
            _no_function(step_decay, 0.7, 0.5, 2)
    }  # fmt: skip
    for lr, factor, every in ((0.7, 0.5, 2), (1.5, 0.1, 3), (0.5, 0.9, 1)):
        ts = range(1, 2 * every + 2)

        def of(f: Any, lr: float = lr, factor: float = factor, ts: Any = ts) -> list[float]:
            return [lr * factor ** f(t) for t in ts]

        k = every
        right = of(lambda t, k=k: (t - 1) // k)
        known = {
            LATE.format("updates", "t", "every"): of(lambda t, k=k: t // k),
            "a whole number of steps: //, not /":
                any_of(of(lambda t, k=k: (t - 1) / k), of(lambda t, k=k: t / k)),
            REMAINDER: any_of(of(lambda t, k=k: (t - 1) % k), of(lambda t, k=k: t % k)),
            "multiplied by factor at every update: at every `every`-th": of(lambda t: t - 1),
            "it sinks smoothly: the rate is a staircase, lr for the first `every` updates":
                any_of([lr * math.exp(-factor * (t - 1) / k) for t in ts],
                       [lr / (1 + factor * (t - 1) / k) for t in ts]),
        }  # fmt: skip
        yield Case(f"step_decay({lr}, {factor}, {every}) at t = 1 ... {ts[-1]}",
                   partial(rates, lr, factor, every), right,
                   no_function | unlike(right, known if every > 1 else {}))  # fmt: skip
    for lr, factor, every, late in (
        (0.8, 0.5, 2, (90, 60, 90)), (1.0, 0.1, 3, (100, 50, 100)), (1.0, 0.9, 2, (200, 100, 200)),
    ):  # fmt: skip
        yield from _asked_again(
            step_decay, f"step_decay({lr}, {factor}, {every})", (lr, factor, every),
            lambda t, lr=lr, factor=factor, every=every: lr * factor ** ((t - 1) // every),
            late,
        )  # fmt: skip
    yield from _two_at_once(step_decay, "step_decay", (0.8, 0.5, 2), (0.3, 0.25, 3),
                            lambda of, t: of[0] * of[1] ** ((t - 1) // of[2]))  # fmt: skip


@check("growing")
def check_growing(growing: Any) -> Iterator[Case]:
    """``growing(b, period)``: a schedule of batch sizes, a function of the epoch 1, 2, ...

    It starts at ``b``, and doubles after every ``period`` epochs; its sizes are whole numbers.
    """

    def sizes(b: int, period: int) -> list[int]:
        size = growing(b, period)
        return [size(epoch) for epoch in range(1, 2 * period + 2)]

    late = LATE.format("epochs", "epoch", "period")
    for first, k in ((4, 2), (10, 3), (3, 1)):
        epochs = range(1, 2 * k + 2)
        right = [first * 2 ** ((e - 1) // k) for e in epochs]
        known = {
            late: [first * 2 ** (e // k) for e in epochs],
            REMAINDER: any_of([first * 2 ** ((e - 1) % k) for e in epochs],
                              [first * 2 ** (e % k) for e in epochs]),
            "it doubles: b, 2b, 4b, not b, 2b, 3b": [first * (1 + (e - 1) // k) for e in epochs],
            "it doubles after every `period` epochs, not after each":
                [first * 2 ** (e - 1) for e in epochs],
            "it grows with each epoch, b, 2b, 3b: it doubles after every `period` epochs":
                [first * e for e in epochs],
        }  # fmt: skip
        yield Case(f"growing({first}, {k}) at epochs 1 ... {epochs[-1]}", partial(sizes, first, k),
                   right, {
                       "growing gives back a function of the epoch":
                           _no_function(growing, 4, 2),
                   } | unlike(right, known))  # fmt: skip
    # Beyond 32 bits, and not beyond 2^40, where `nn.growing` ends.
    yield from _asked_again(growing, "growing(4, 2)", (4, 2), lambda e: 4 * 2 ** ((e - 1) // 2),
                            (78, 60, 78))  # fmt: skip
    yield from _two_at_once(growing, "growing", (4, 2), (10, 3),
                            lambda of, e: of[0] * 2 ** ((e - 1) // of[1]))  # fmt: skip

    def kinds() -> bool:
        return all(isinstance(np.asarray(b)[()], int | np.integer)
                   for b in (*sizes(4, 2), growing(4, 2)(78)))  # fmt: skip

    whole = "a size cuts arrays: make it an int, by // and ** on whole numbers"
    yield Case("the sizes are whole numbers (int)", kinds, True, {whole: not_})
