"""The tasks of stochastic gradient descent."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations, pairwise
from operator import gt, lt, not_
from typing import Any

import numpy as np

from autograd.exercises import (
    COLUMN,
    Case,
    a_column,
    agrees_with,
    any_of,
    check,
    overflows,
    raises,
    unlike,
)
from autograd.exercises.comparing import agree

from .forms import called

CEILING = "the last, smaller batch: floor(n/b) batches are full, the rest is left out"
ROUNDED = "n / b is rounded, up from a half on: the floor is asked, n // b"
EARLY = "one batch too few: the last full one ends at n"
REPLACEMENT = "an example comes twice: an epoch draws without replacement, it cuts a permutation"
UNSHUFFLED = "the order of the data, or of a seed of your own: shuffle, by rng.permutation(n)"


@check("minibatches")
def check_minibatches(minibatches: Any) -> Iterator[Case]:
    """``minibatches(n, b, rng)``: one epoch, floor(n/b) arrays of b indices, drawn by ``rng``."""

    def epoch(n: int, b: int, seed: int = 0) -> list[list[int]]:
        batches = minibatches(n, b, np.random.default_rng(seed))
        return [np.asarray(batch).tolist() for batch in batches]

    def flat(got: Any) -> list[int]:
        return [i for batch in got for i in batch]

    def rounds() -> bool:
        """Whether one batch more comes where n / b is 2.6, and not where it is 10 / 3."""
        return (len(epoch(13, 5)), len(epoch(10, 3))) == (3, 3)

    def whole_epoch() -> bool:
        return len(set(flat(epoch(20, 5)))) == 20

    for n, b in ((10, 3), (9, 3), (10, 10), (7, 1), (5, 4), (11, 4)):
        full = n // b

        def right(got: Any, n: int = n, b: int = b, full: int = full) -> bool:
            indices = flat(got)
            distinct = len(set(indices)) == len(indices) and set(indices) <= set(range(n))
            return distinct and [len(batch) for batch in got] == [b] * full

        yield Case(
            f"minibatches({n}, {b}, rng)", partial(epoch, n, b),
            f"{full} batch{'es' * (full > 1)} of {b}, from 0 ... {n - 1}, none twice",
            {
                REPLACEMENT: lambda got: len(set(flat(got))) < len(flat(got)),
                CEILING: lambda got, more=full + 1: len(got) == more and not rounds(),
                ROUNDED: lambda got, more=full + 1: len(got) == more and rounds(),
                EARLY: lambda got, full=full: len(got) == full - 1 and len(epoch(7, 1)) == 6,
                "indices run from 0 to n - 1": lambda got, n=n: not set(flat(got)) <= set(range(n)),
            },
            right=right,
        )  # fmt: skip

    def kinds() -> bool:
        return all(isinstance(i, int) for i in flat(epoch(10, 3)))

    yield Case("all indices of minibatches(10, 3, rng) are whole numbers (int)", kinds, True,
               {"an array of np.zeros or np.empty holds floats: say dtype=int": not_})  # fmt: skip

    def jumps() -> int:
        orders = [flat(epoch(20, 5, seed)) for seed in range(5)]
        return sum((b - a) % 20 != 1 for order in orders for a, b in pairwise(order))

    rotated = "the data in their order, begun elsewhere: draw a whole permutation"
    yield Case("steps to another than the next example, in five epochs of minibatches(20, 5, rng)",
               jumps, "most of 95", {rotated: lambda got: got <= 5 and whole_epoch()}, UNSHUFFLED,
               right=lambda got: got > 60)  # fmt: skip

    def meetings() -> int:
        batches = [batch for seed in range(100) for batch in epoch(20, 5, seed)]
        pairs = Counter(pair for batch in batches for pair in combinations(sorted(batch), 2))
        return max(pairs.values(), default=0)

    # By chance two examples meet in 21 of 100 epochs; that any two do in 60 has a chance of 1e-13.
    again_and_again = "the same two meet again and again: shuffle all before you cut batches"
    yield Case("in how many of 100 epochs the same two examples share a batch, n = 20 and b = 5",
               meetings, "less than 60 for any two",
               {again_and_again: lambda got: got >= 60 and whole_epoch()},
               UNSHUFFLED, right=partial(gt, 60))  # fmt: skip

    def sizes() -> int:
        return len({tuple(flat(epoch(20, 5, seed))) for seed in range(5)})

    yield Case("five epochs of minibatches(20, 5, rng), by five seeds", sizes,
               "orders that differ", {UNSHUFFLED: lambda got: got == 1 and whole_epoch()},
               right=partial(lt, 1))  # fmt: skip

    def again() -> bool:
        return epoch(20, 5) == epoch(20, 5)

    yield Case("two epochs by rng of the same seed are the same", again, True, {
        "chance that is not from rng: use the generator that is given, and no other": not_,
    })  # fmt: skip

    def goes_on() -> bool:
        rng = np.random.default_rng(0)
        first, second = (minibatches(20, 5, rng) for _ in range(2))
        return bool(np.array_equal(np.concatenate(list(first)), np.concatenate(list(second))))

    same_order = "every epoch has the same order: draw a new permutation in each"
    yield Case(
        "two epochs by one rng are the same",
        goes_on,
        False,
        {same_order: lambda got: got and whole_epoch()},
    )

    def left_out() -> list[int]:
        rng = np.random.default_rng(0)
        epochs = [set(np.concatenate(list(minibatches(5, 2, rng))).tolist()) for _ in range(60)]
        return sorted({i for epoch in epochs for i in set(range(5)) - epoch})

    fixed = "always the same is left out: shuffle first, then cut"
    yield Case(
        "which examples are left out by minibatches(5, 2, rng), over 60 epochs", left_out,
        [0, 1, 2, 3, 4],
        {CEILING: lambda got: not got and len(epoch(5, 2)) > 2, fixed: lambda got: len(got) == 1},
    )  # fmt: skip


@check("batch_gradient")
def check_batch_gradient(batch_gradient: Any) -> Iterator[Case]:
    """``batch_gradient(theta, X, y)``: dL/dtheta of logistic regression, L = sum_i L_i, no bias.

    ``theta`` is ``(d,)``, ``X`` ``(n, d)``, ``y`` ``(n,)`` of 0 and 1; the gradient is ``(d,)``.
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
            mean = "the mean over the examples, where the sum was asked: L = sum_i L_i"
            mistakes[mean] = right / n
            mistakes["the gradients of the single examples, not yet summed"] = (p - y)[:, None] * X
        mistakes["sigmoid is missing: Delta is sigmoid(a) - y"] = X.T @ (X @ theta - y)
        yield Case(f"batch_gradient(theta, X, y), {n} example{'s' * (n > 1)}",
                   partial(batch_gradient, theta, X, y), right, mistakes)  # fmt: skip
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

    def step(theta: float, v: float, g: float, lr: float, momentum: float) -> Any:
        # Of two entries, so that a sum or a mean over them is seen.
        arrays = [np.array([x, x / 2]) for x in (theta, v, g)]
        return called(sgd_step, *arrays, lr, momentum)

    def both(theta: float, v: float) -> list[list[float]]:
        return [[theta, theta / 2], [v, v / 2]]

    def case(theta: float, v: float, g: float, lr: float, m: float) -> Case:
        new = m * v + g
        right = both(theta - lr * new, new)
        mistakes = {
            "the sign: the step goes against the gradient": both(theta + lr * new, new),
            "the order of the pair: theta, then v": right[::-1],
            "one of the two alone: a pair comes back, theta and v": lambda got: len(got) == 1,
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
            "lr is in v: v = momentum v + g, and lr comes in where theta moves":
                any_of(both(theta - m * v - lr * g, m * v + lr * g),
                       both(theta + m * v - lr * g, m * v - lr * g),
                       both(theta - lr * (m * v + lr * g), m * v + lr * g)),
            "the step looks ahead, Nesterov's: here theta moves by lr v":
                both(theta - lr * (g + m * new), new),
        }  # fmt: skip
        if not m * v * g:  # many mistakes give the same here
            mistakes = dict(list(mistakes.items())[:PLAIN])
        what = f"sgd_step({both(theta, 0)[0]}, {both(v, 0)[0]}, {both(g, 0)[0]}"
        return Case(f"{what}, lr={lr}, momentum={m})", partial(step, theta, v, g, lr, m), right,
                    unlike(right, mistakes))  # fmt: skip

    yield case(1.0, 0.0, 2.0, 0.1, 0.0)
    yield case(1.0, 3.0, 2.0, 0.1, 0.5)
    yield case(-1.0, 0.5, 4.0, 0.2, 0.75)
    yield case(0.0, 1.0, 0.0, 0.5, 0.9)


MEMORY = "a schedule depends on what it is given alone: it must not count its calls"
LIMIT = "it stops changing: however late it is asked, the next change is still to come"


def _asked_again(schedule: Any, what: str, arguments: Sequence[Any], right: Any) -> Iterator[Case]:
    """A schedule, asked out of order and twice for the same t, which tells whether it counts.

    Late ones tell whether it ends at a limit.
    """
    for order in ((5, 1, 5), (7, 2, 7), (40, 30, 40)):

        def rates(order: Sequence[int] = order) -> list[Any]:
            f = schedule(*arguments)
            return [f(t) for t in order]

        yield Case(f"{what} at {', '.join(map(str, order))}", rates, [right(t) for t in order],
                   {MEMORY: lambda got: not agree(got[0], got[2]),
                    LIMIT: lambda got: agree(got[0], got[1])})  # fmt: skip


LATE = "one too early: updates count from 1, so that (t - 1) // every is 0 for the first ones"


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
            raises(TypeError, words="not callable")
    }  # fmt: skip
    for lr, factor, every in ((0.7, 0.5, 2), (1.5, 0.1, 3), (0.5, 0.9, 1)):
        ts = range(1, 2 * every + 2)

        def of(f: Any, lr: float = lr, factor: float = factor, ts: Any = ts) -> list[float]:
            return [lr * factor ** f(t) for t in ts]

        k = every
        right = of(lambda t, k=k: (t - 1) // k)
        known = {
            LATE: of(lambda t, k=k: t // k),
            "a whole number of steps: //, not /":
                any_of(of(lambda t, k=k: (t - 1) / k), of(lambda t, k=k: t / k)),
            "multiplied by factor at every update: at every `every`-th": of(lambda t: t - 1),
            "it sinks smoothly: the rate is a staircase, lr for the first `every` updates":
                any_of([lr * math.exp(-factor * (t - 1) / k) for t in ts],
                       [lr / (1 + factor * (t - 1) / k) for t in ts]),
        }  # fmt: skip
        yield Case(f"step_decay({lr}, {factor}, {every}) at t = 1 ... {ts[-1]}",
                   partial(rates, lr, factor, every), right,
                   no_function | unlike(right, known if every > 1 else {}))  # fmt: skip
    for lr, factor, every in ((0.8, 0.5, 2), (1.0, 0.1, 3)):
        yield from _asked_again(
            step_decay, f"step_decay({lr}, {factor}, {every})", (lr, factor, every),
            lambda t, lr=lr, factor=factor, every=every: lr * factor ** ((t - 1) // every),
        )  # fmt: skip


@check("growing")
def check_growing(growing: Any) -> Iterator[Case]:
    """``growing(b, period)``: a schedule of batch sizes, a function of the epoch 1, 2, ...

    It starts at ``b``, and doubles after every ``every`` epochs; its sizes are whole numbers.
    """

    def sizes(b: int, period: int) -> list[int]:
        size = growing(b, period)
        return [size(epoch) for epoch in range(1, 2 * period + 2)]

    late = LATE.replace("updates count", "epochs count").replace("(t ", "(epoch ")
    for first, k in ((4, 2), (10, 3), (3, 1)):
        epochs = range(1, 2 * k + 2)
        right = [first * 2 ** ((e - 1) // k) for e in epochs]
        known = {
            late: [first * 2 ** (e // k) for e in epochs],
            "it doubles: b, 2b, 4b, not b, 2b, 3b": [first * (1 + (e - 1) // k) for e in epochs],
            "it doubles after every `every` epochs, not after each":
                [first * 2 ** (e - 1) for e in epochs],
            "it grows with each epoch, b, 2b, 3b: it doubles after every `every` epochs":
                [first * e for e in epochs],
        }  # fmt: skip
        yield Case(f"growing({first}, {k}) at epochs 1 ... {epochs[-1]}", partial(sizes, first, k),
                   right, {
                       "growing gives back a function of the epoch":
                           raises(TypeError, words="not callable"),
                   } | unlike(right, known))  # fmt: skip
    yield from _asked_again(growing, "growing(4, 2)", (4, 2), lambda e: 4 * 2 ** ((e - 1) // 2))

    def kinds() -> bool:
        return all(isinstance(np.asarray(b)[()], int | np.integer) for b in sizes(4, 2))

    whole = "a size cuts arrays: make it an int, by // and ** on whole numbers"
    yield Case("the sizes are whole numbers (int)", kinds, True, {whole: not_})
