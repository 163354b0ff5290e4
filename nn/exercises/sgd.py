"""The tasks of stochastic gradient descent."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from autograd.exercises import Case, any_of, check, not_finite, raises

CEILING = "the last, smaller batch: floor(n/b) batches are full, the rest is left out"
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

    for n, b in ((10, 3), (9, 3), (10, 10), (7, 1), (5, 4)):
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
                CEILING: lambda got, full=full, b=b: len(got) == full + 1 and len(got[-1]) < b,
                EARLY: lambda got, full=full: len(got) == full - 1,
                "indices run from 0 to n - 1": lambda got, n=n: not set(flat(got)) <= set(range(n)),
            },
            right=right,
        )  # fmt: skip

    def kinds() -> bool:
        return all(isinstance(i, int) for i in flat(epoch(10, 3)))

    yield Case("all indices of minibatches(10, 3, rng) are whole numbers (int)", kinds, True,
               {"an array of np.zeros or np.empty holds floats: say dtype=int": False})  # fmt: skip

    def jumps() -> int:
        orders = [flat(epoch(20, 5, seed)) for seed in range(5)]
        return sum((b - a) % 20 != 1 for order in orders for a, b in pairwise(order))

    rotated = "the data in their order, begun elsewhere: draw a whole permutation"
    yield Case("steps to another than the next example, in five epochs of minibatches(20, 5, rng)",
               jumps, "most of 95", {rotated: lambda got: got <= 5}, UNSHUFFLED,
               right=lambda got: got > 60)  # fmt: skip

    def sizes() -> int:
        return len({tuple(flat(epoch(20, 5, seed))) for seed in range(5)})

    yield Case("five epochs of minibatches(20, 5, rng), by five seeds", sizes,
               "orders that differ", {UNSHUFFLED: 1}, right=lambda got: got > 1)  # fmt: skip

    def again() -> bool:
        return epoch(20, 5) == epoch(20, 5)

    yield Case("two epochs by rng of the same seed are the same", again, True, {
        "chance that is not from rng: use the generator that is given, and no other": False,
    })  # fmt: skip

    def goes_on() -> bool:
        rng = np.random.default_rng(0)
        first, second = (minibatches(20, 5, rng) for _ in range(2))
        return bool(np.array_equal(np.concatenate(list(first)), np.concatenate(list(second))))

    same_order = "every epoch has the same order: draw a new permutation in each"
    yield Case("two epochs by one rng are the same", goes_on, False, {same_order: True})

    def left_out() -> list[int]:
        rng = np.random.default_rng(0)
        epochs = [set(np.concatenate(list(minibatches(5, 2, rng))).tolist()) for _ in range(60)]
        return sorted({i for epoch in epochs for i in set(range(5)) - epoch})

    fixed = "always the same is left out: shuffle first, then cut"
    yield Case(
        "which examples are left out by minibatches(5, 2, rng), over 60 epochs", left_out,
        [0, 1, 2, 3, 4], {CEILING: [], fixed: lambda got: len(got) == 1},
    )  # fmt: skip


@check("batch_gradient")
def check_batch_gradient(batch_gradient: Any) -> Iterator[Case]:
    """``batch_gradient(theta, X, y)``: dL/dtheta of logistic regression, L = sum_i L_i, no bias.

    ``theta`` is ``(d,)``, ``X`` ``(n, d)``, ``y`` ``(n,)`` of 0 and 1; the gradient is ``(d,)``.
    """
    rng = np.random.default_rng(0)
    for n, d in ((1, 2), (5, 3)):
        X, theta = rng.normal(size=(n, d)), rng.normal(size=d)
        y = (np.arange(n) + 1) % 2  # both classes; the first target is 1
        p = 1 / (1 + np.exp(-X @ theta))
        right = X.T @ (p - y)
        mistakes: dict[str, Any] = {
            "the sign: the sum of (sigmoid(a) - y) x": -right,
            "y is missing: Delta is sigmoid(a) - y": X.T @ p,
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
        {"sigmoid overflows: exp(1000) is beyond the floats": not_finite},
    )  # fmt: skip


@check("sgd_step")
def check_sgd_step(sgd_step: Any) -> Iterator[Case]:
    """``sgd_step(theta, v, g, lr, momentum)``: the new theta and v, a pair of arrays.

    v = momentum v + g, then theta = theta - lr v.
    """

    def step(theta: float, v: float, g: float, lr: float, momentum: float) -> list[list[float]]:
        pair = sgd_step(np.array([theta]), np.array([v]), np.array([g]), lr, momentum)
        return [np.asarray(entry).tolist() for entry in pair]

    def case(theta: float, v: float, g: float, lr: float, m: float, mistakes: Any) -> Case:
        new_v = m * v + g
        return Case(
            f"sgd_step([{theta}], [{v}], [{g}], lr={lr}, momentum={m})",
            partial(step, theta, v, g, lr, m), [[theta - lr * new_v], [new_v]],
            {
                "the sign: the step goes against the gradient": [[theta + lr * new_v], [new_v]],
                "the order of the pair: theta, then v": [[new_v], [theta - lr * new_v]],
                "one of the two alone: a pair comes back, theta and v": lambda got: len(got) == 1,
                "the old v comes back: the next step needs the new one":
                    [[theta - lr * new_v], [v]],
            }
            | mistakes,
        )  # fmt: skip

    yield case(1.0, 0.0, 2.0, 0.1, 0.0, {})
    lr_inside = "lr is in v: v = momentum v + g, and lr comes in where theta moves"
    yield case(
        1.0, 3.0, 2.0, 0.1, 0.5,
        {
            "v as it was before the step moves theta: compute the new v first": [[0.7], [3.5]],
            "momentum is missing: v = momentum v + g":
                any_of([[0.8], [2.0]], [[0.5], [5.0]], [[0.8], [3.0]]),
            "the gradient comes in whole: not (1 - momentum) g, nor momentum (v + g)":
                [[0.75], [2.5]],
            lr_inside: any_of([[-0.7], [1.7]], [[2.3], [1.3]], [[0.83], [1.7]]),
            "the step looks ahead, Nesterov's: here theta moves by lr v": [[0.625], [3.5]],
        },
    )  # fmt: skip
    yield case(0.0, 1.0, 0.0, 0.5, 0.9, {lr_inside: any_of([[-0.9], [0.9]], [[0.9], [0.9]])})


MEMORY = "a schedule depends on what it is given alone: it must not count its calls"


def again(schedule: Any, *arguments: Any) -> list[Any]:
    """A schedule, asked out of order and twice for the same t."""
    f = schedule(*arguments)
    return [f(t) for t in (5, 1, 5)]


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
    yield Case(
        "step_decay(0.8, 0.5, 2) at t = 1 ... 5", partial(rates, 0.8, 0.5, 2),
        [0.8, 0.8, 0.4, 0.4, 0.2],
        {
            **no_function,
            LATE: [0.8, 0.4, 0.4, 0.2, 0.2],
            "a whole number of steps: //, not /":
                any_of([0.8 * 0.5 ** (k / 2) for k in range(5)],
                       [0.8 * 0.5 ** (k / 2) for k in range(1, 6)]),
            "multiplied by factor at every update: at every `every`-th":
                [0.8 * 0.5**k for k in range(5)],
        },
    )  # fmt: skip
    yield Case("step_decay(0.8, 0.5, 2) at t = 5, 1, 5", partial(again, step_decay, 0.8, 0.5, 2),
               [0.2, 0.8, 0.2], {MEMORY: lambda got: True})  # fmt: skip
    yield Case("step_decay(1.0, 0.1, 3) at t = 1 ... 7", partial(rates, 1.0, 0.1, 3),
               [1, 1, 1, 0.1, 0.1, 0.1, 0.01],
               {**no_function, LATE: [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01]})  # fmt: skip


@check("growing")
def check_growing(growing: Any) -> Iterator[Case]:
    """``growing(b, period)``: a schedule of batch sizes, a function of the epoch 1, 2, ...

    It starts at ``b``, and doubles after every ``every`` epochs; its sizes are whole numbers.
    """

    def sizes(b: int, period: int) -> list[int]:
        size = growing(b, period)
        return [size(epoch) for epoch in range(1, 2 * period + 2)]

    yield Case(
        "growing(4, 2) at epochs 1 ... 5", partial(sizes, 4, 2), [4, 4, 8, 8, 16],
        {
            "growing gives back a function of the epoch": raises(TypeError, words="not callable"),
            LATE.replace("updates count", "epochs count").replace("(t ", "(epoch "):
                [4, 8, 8, 16, 16],
            "it doubles: b, 2b, 4b, not b, 2b, 3b": [4, 4, 8, 8, 12],
            "it doubles after every `every` epochs, not after each": [4, 8, 16, 32, 64],
        },
    )  # fmt: skip

    yield Case("growing(4, 2) at epochs 5, 1, 5", partial(again, growing, 4, 2), [16, 4, 16],
               {MEMORY: lambda got: True})  # fmt: skip

    def kinds() -> bool:
        return all(isinstance(b, int | np.integer) for b in sizes(4, 2))

    whole = "a size cuts arrays: make it an int, by // and ** on whole numbers"
    yield Case("the sizes are whole numbers (int)", kinds, True, {whole: False})
