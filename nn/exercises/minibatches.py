"""The task of drawing an epoch's batches, and what many epochs say of the chance in them."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import combinations, pairwise
from operator import gt, lt, not_
from typing import Any

import numpy as np

from autograd.exercises import Case, check

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
