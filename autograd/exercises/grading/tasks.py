"""Which tasks are set, and how many points each gives."""

import math
from collections.abc import Sequence

from ..checking import TASKS

# By the notebook of exercises in which they are set.
NOTEBOOKS = {
    1: ("topological_order", "swish", "bishop", "forward", "backward"),
    2: ("gaussian", "bernoulli", "categorical"),
    3: (
        "central_difference",
        "error_signals",
        "weight_gradients",
        "skip_gradients",
        "shared_gradients",
        "outer_product",
    ),
    4: ("minibatches", "batch_gradient", "sgd_step", "step_decay", "growing"),
    5: ("standardise", "confusion_matrix"),
    6: ("xor", "mirror", "kind_of_point"),
    7: ("huber", "attend"),
}


def chosen(words: Sequence[str]) -> dict[str, float]:
    """The tasks that are set, with their points: what comes later counts.

    Args:
        words: tasks by name, ``growing``, all of a notebook by its number, ``4``; with an equals
            sign the points of each, ``growing=3``, which are 1 otherwise.

    Raises:
        ValueError: there is no such task or notebook, or the points are no number from 0 on.

    >>> chosen(["7", "attend=2.5"])
    {'huber': 1.0, 'attend': 2.5}
    """
    points: dict[str, float] = {}
    for word in words:
        name, equals, number = word.partition("=")
        try:
            worth = float(number) if equals else 1.0
        except ValueError:
            worth = math.nan
        if not 0.0 <= worth < math.inf:
            raise ValueError(f"points are a number from 0 on, got {word!r}")
        names = NOTEBOOKS.get(int(name), ()) if name.isdecimal() else [name] * (name in TASKS)
        if not names:
            known = ", ".join(TASKS)
            raise ValueError(f"there is no task {name!r}: a notebook from 1 to 7, or {known}")
        points |= dict.fromkeys(names, worth)
    return points
