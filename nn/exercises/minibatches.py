"""The task of drawing an epoch's batches, and what many epochs say of the chance in them."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import combinations, pairwise
from operator import eq, ge, gt, le, lt, not_
from typing import Any

import numpy as np

from autograd.exercises import Case, check

from .forms import called

CEILING = "the last, smaller batch: floor(n/b) batches are full, the rest is left out"
ROUNDED = "n / b is rounded, up from a half on: the floor is asked, n // b"
SIZE = "a batch has exactly b indices, not more and not fewer"
EARLY = "one batch too few: the last full one ends at n"
REPLACEMENT = "an example comes twice: an epoch draws without replacement, it cuts a permutation"
IN_ORDER = "the data in their order: shuffle them, by rng.permutation(n)"
SAME = "every epoch has the same order: draw a new permutation in each, by the rng that is given"
AGAIN = "the same two meet again and again: shuffle all before you cut batches"
NEVER = "some examples never meet: shuffle all of them together, by rng.permutation(n)"
STAY = "too many indices stay at their own places: shuffle all of them, by rng.permutation(n)"
MOVE = "no index ever stays at its own place: let order[i] be swapped with itself too"
ANY = (
    "some orders come more often than others: swap order[i] with one that is not fixed yet, "
    "rng.integers(i, n), not with any, or take rng.permutation(n)"
)
KEPT = (
    "a list is kept from one epoch to the next, and shuffled on: begin each epoch with a new one, "
    "so that it depends on rng alone"
)
TIES = (
    "examples stay in their order too often: are they sorted by random whole numbers, of which "
    "equal ones stay as they are? Take rng.permutation(n)"
)
ANEW = "shuffle all n anew in each epoch: rng.permutation(n)"


@check("minibatches")
def check_minibatches(minibatches: Any) -> Iterator[Case]:
    """``minibatches(n, b, rng)``: one epoch, floor(n/b) arrays of b indices, drawn by ``rng``."""

    def drawn(n: int, b: int, rng: np.random.Generator) -> list[list[int]]:
        return [np.asarray(batch).tolist() for batch in called(minibatches, n, b, rng)]

    def epoch(n: int, b: int, seed: int = 0) -> list[list[int]]:
        return drawn(n, b, np.random.default_rng(seed))

    def flat(got: Any) -> list[int]:
        return [i for batch in got for i in batch]

    def rounds() -> bool:
        """Whether one batch more comes where n / b is 2.6, and not where it is 10 / 3."""
        return (len(epoch(13, 5)), len(epoch(10, 3))) == (3, 3)

    def whole_epoch() -> bool:
        return sorted(flat(epoch(20, 5))) == list(range(20))

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
                SIZE: lambda got, b=b, full=full: (
                    len(got) == full and {len(batch) for batch in got} != {b}
                ),
                "indices run from 0 to n - 1": lambda got, n=n: not set(flat(got)) <= set(range(n)),
            },
            right=right,
        )  # fmt: skip

    def kinds() -> bool:
        return all(isinstance(i, int) for i in flat(epoch(10, 3)))

    yield Case("all indices of minibatches(10, 3, rng) are whole numbers (int)", kinds, True,
               {"an array of np.zeros or np.empty holds floats: say dtype=int": not_})  # fmt: skip

    def in_order(_: Any) -> bool:
        return flat(epoch(20, 5)) == list(range(20))

    def orders() -> int:
        return len({tuple(flat(epoch(20, 5, seed))) for seed in range(5)})

    def is_same(_: Any) -> bool:
        return orders() == 1 and whole_epoch() and not in_order(_)

    def shuffles(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
        """What is said only where epochs differ, and take each example once."""
        return lambda got: test(got) and orders() > 1 and whole_epoch()

    no_chance = {IN_ORDER: in_order, SAME: is_same}

    def or_anew(mistakes: dict[str, Callable[[Any], bool]]) -> dict[str, Callable[[Any], bool]]:
        """Mistakes of chance, and what is said where it is none of these."""
        known = no_chance | mistakes
        return known | {ANEW: shuffles(lambda got: not any(test(got) for test in known.values()))}

    def jumps() -> int:
        orders = [flat(epoch(20, 5, seed)) for seed in range(5)]
        return sum((b - a) % 20 != 1 for order in orders for a, b in pairwise(order))

    rotated = "the data in their order, begun elsewhere: draw a whole permutation"
    yield Case("steps to another than the next example, in five epochs of minibatches(20, 5, rng)",
               jumps, "most of 95", or_anew({rotated: shuffles(partial(ge, 5))}),
               right=lambda got: got > 60)  # fmt: skip

    @cache
    def epochs() -> list[list[list[int]]]:
        return [epoch(20, 5, seed) for seed in range(100)]

    def meetings() -> list[int]:
        """In how many of the epochs two examples share a batch, for each two."""
        batches = [batch for one in epochs() for batch in one]
        found = Counter(pair for batch in batches for pair in combinations(sorted(batch), 2))
        return [found[pair] for pair in combinations(range(20), 2)]

    def in_place() -> int:
        return sum(i == k for one in epochs() for k, i in enumerate(flat(one)))

    # What chance makes of right solutions: two examples meet in 21 of 100 epochs. That any two do
    # in 60 has a probability of 1e-13, that any two never do one of 1e-8. An epoch has one index at
    # its own place, 1.24 where batches are sorted: more than 190 in all has one of 4e-7 then, less
    # than 40 one of 1e-11.
    share = "in how many of 100 epochs the same two examples share a batch, n = 20 and b = 5"
    yield Case(share, lambda: max(meetings()), "less than 60 for any two",
               or_anew({AGAIN: shuffles(partial(le, 60))}), right=partial(gt, 60))  # fmt: skip
    yield Case(f"{share}, the fewest", lambda: min(meetings()), "more than 0 for any two",
               or_anew({NEVER: shuffles(partial(eq, 0))}), right=partial(lt, 0))  # fmt: skip
    yield Case("indices at their own places, as 3 at [3], in 100 epochs of minibatches(20, 5, rng)",
               in_place, "40 to 190, of 2000",
               or_anew({STAY: shuffles(partial(lt, 190)), MOVE: shuffles(partial(eq, 0))}),
               right=lambda got: 40 <= got <= 190)  # fmt: skip

    def earlier() -> int:
        """By how many more indices are early than late, by their batches, in many epochs."""
        where = [(i // 10, k) for seed in range(60)
                 for k, batch in enumerate(epoch(200, 10, seed)) for i in batch]  # fmt: skip
        return sum((own > k) - (own < k) for own, k in where)

    def is_uneven(got: Any) -> bool:
        return abs(got) > 340 and [len(batch) for batch in epoch(200, 10)] == [10] * 20

    # Chance gives 0, with a deviation of 63: beyond 340 with a probability of 1e-7. If order[i] is
    # swapped with any other, one after the other, it is 600.
    yield Case("indices in an earlier batch than in order, less those in a later one, in 60 epochs "
               "of minibatches(200, 10, rng)", earlier, "-340 to 340, of 12000",
               or_anew({ANY: shuffles(is_uneven)}),
               right=lambda got: abs(got) <= 340)  # fmt: skip

    def as_they_were() -> int:
        return sum(flat(epoch(2, 1, seed)) == [0, 1] for seed in range(300))

    def is_tied(got: Any) -> bool:
        return got > 195 and in_place() <= 190 and min(meetings()) > 0

    # Chance gives 150, with a deviation of 9: beyond 105 or 195 with a probability of 2e-7. Of two
    # random whole numbers below 2, three of four pairs leave both where they are, by argsort.
    yield Case("how often minibatches(2, 1, rng) leaves 0 before 1, in 300 epochs", as_they_were,
               "105 to 195", or_anew({TIES: shuffles(is_tied)}),
               right=lambda got: 105 <= got <= 195)  # fmt: skip
    yield Case("five epochs of minibatches(20, 5, rng), by five seeds", orders,
               "orders that differ", no_chance, right=partial(lt, 1))  # fmt: skip

    def again() -> bool:
        return epoch(20, 5) == epoch(20, 5)

    def is_kept(_: Any) -> bool:
        """Whether the same seed changes each epoch into the next one in the same way."""
        first, second, third = (flat(epoch(20, 5)) for _ in range(3))
        return third == [second[first.index(i)] for i in second]

    yield Case("two epochs by rng of the same seed are the same", again, True, {
        KEPT: is_kept,
        "chance that is not from rng: use the generator that is given, and no other":
            lambda got: not is_kept(got),
    })  # fmt: skip

    def goes_on() -> bool:
        rng = np.random.default_rng(0)
        first, second = (flat(drawn(20, 5, rng)) for _ in range(2))
        return first == second

    yield Case("two epochs by one rng are the same", goes_on, False, {
        IN_ORDER: in_order, SAME: lambda got: whole_epoch() and not in_order(got),
    })  # fmt: skip

    def left_out() -> list[int]:
        rng = np.random.default_rng(0)
        epochs = [set(flat(drawn(5, 2, rng))) for _ in range(60)]
        return sorted({i for epoch in epochs for i in set(range(5)) - epoch})

    fixed = "always the same is left out: shuffle first, then cut"
    yield Case(
        "which examples are left out by minibatches(5, 2, rng), over 60 epochs", left_out,
        [0, 1, 2, 3, 4],
        {CEILING: lambda got: not got and len(epoch(5, 2)) > 2, **no_chance,
         fixed: shuffles(lambda got: len(got) == 1)},
    )  # fmt: skip
