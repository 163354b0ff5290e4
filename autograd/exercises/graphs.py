"""The tasks about graphs and derivatives: orders, differences, primitives."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import autograd

from .checking import Case, check
from .comparing import (
    COLUMN,
    a_column,
    agrees_with,
    any_of,
    not_finite,
    of_errors,
    of_results,
    overflows,
    raises,
    unlike,
)


@check("topological_order")
def check_topological_order(topological_order: Any) -> Iterator[Case]:
    """``topological_order(root)``: a list of all Values of a graph, inputs before their users.

    The graph is one of `autograd.Value`, to be walked by ``.inputs`` (in which plain numbers stand
    as floats). Any such order is right.
    """
    expected = "every Value once, each after its inputs"

    def is_right_apart() -> bool:
        """Whether nothing is missing of a graph in which all numbers and labels differ."""
        p, q, r = (autograd.Value(x, label=f"{x}") for x in (1.5, 2.25, 7.0))
        pq = p * q
        pq.label, f = "pq", pq + r
        f.label = "f"
        return set(topological_order(f)) == {p, q, r, pq, f}

    def remembers() -> bool:
        """Whether another call for one graph leaves out what the first call visited."""
        f = autograd.Value(1.5) * 2
        return len(list(topological_order(f))) > len(list(topological_order(f)))

    def case(what: str, root: autograd.Value, slow: str = Case.slow) -> Case:
        order = autograd.topological_order(root)

        def stands_before(got: Any) -> bool:
            seen: set[Any] = set()
            for v in got:
                if any(isinstance(u, autograd.Value) and u not in seen for u in v.inputs):
                    return True
                seen.add(v)
            return False

        def right(got: Any) -> bool:
            return len(got) == len(order) and set(got) == set(order) and not stands_before(got)

        def some_missing(got: Any) -> bool:
            return root in got and set(got) < set(order)

        def taken_for_one(got: Any) -> bool:
            """Whether each input that is missing has the number or label of something listed."""
            found = {u for v in got for u in v.inputs if isinstance(u, autograd.Value)} - set(got)
            alike = all(any(u.data == v.data or u.label == v.label for v in got) for u in found)
            return some_missing(got) and alike and is_right_apart()

        def are_values(got: Any) -> bool:
            return all(isinstance(v, autograd.Value) for v in got)

        def without_leaves(got: Any) -> bool:
            inner = {v for v in order if v.inputs}
            return len(got) > 0 and set(got) == inner and not remembers()

        def is_short(got: Any) -> bool:
            told = without_leaves(got) or taken_for_one(got) or remembers()
            return some_missing(got) and not told

        def has_its_inputs(got: Any) -> bool:
            return all(u in got for u in root.inputs if isinstance(u, autograd.Value))

        return Case(
            what, lambda: topological_order(root), expected,
            {
                "a plain number is in the list: keep what is a Value": (
                    lambda got: root in got and not are_values(got)
                ),
                "a node stands in the list twice: remember which ones were visited": lambda got: (
                    root in got and len(set(got)) < len(got)
                ),
                "the list is empty: do you tell a Value in a way that fits chalkgrad's Values?": [],
                "a plain number has no inputs: pass over it": raises(
                    AttributeError, words="'float'"
                ),
                "the root is missing: it comes last": (
                    lambda got: len(got) > 0 and root not in got and set(got) <= set(order)
                ),
                "the list is of the Values themselves: not of copies, numbers or labels": (
                    lambda got: len(got) > 0 and not set(got) & set(order)
                ),
                "the leaves are missing: a Value without inputs belongs into the list too": (
                    without_leaves
                ),
                "what was visited is kept from call to call: begin each with a new set or list": (
                    lambda got: some_missing(got) and remembers()
                ),
                "a node stands before its inputs: append it after them": lambda got: (
                    set(got) == set(order) and stands_before(got)
                ),
                "Values of another graph: does a default argument keep them from call to call?": (
                    lambda got: root in got and are_values(got) and not set(got) <= set(order)
                ),
                "two Values of the same number or label are taken for one: remember the Values "
                "themselves, in a set or list": taken_for_one,
                "an input is missing: go through all inputs of a node, of which there may be any "
                "number": lambda got: (
                    is_short(got) and not has_its_inputs(got)
                ),
                "some Values are missing: go on to the inputs of the inputs": lambda got: (
                    is_short(got) and has_its_inputs(got)
                ),
            },
            right=right, slow=slow,
        )  # fmt: skip

    def named(label: str, v: autograd.Value) -> autograd.Value:
        v.label = label
        return v

    x = autograd.Value(3.0, label="x")
    y = named("y", x * 2)
    z = named("z", x + 1)
    yield case("x, a leaf alone", x)
    yield case("y = x * 2", y)
    yield case("f = x * x", named("f", x * x))
    yield case("y = x * 2, f = -y", named("f", -y))
    yield case("a diamond: y = x * 2, z = x + 1, f = y * z", named("f", y * z))
    w = named("w", y * 5)
    # By the shortest way to f, y and w are level: then one of these two is right by chance.
    yield case("y = x * 2, w = y * 5, f = y + w", named("f", y + w))
    yield case("y = x * 2, w = y * 5, f = w + y", named("f", w + y))
    # Nodes of the same number, and without a label.
    yield case("x = 3, f = (x * 2) * (x + 3)", (x * 2) * (x + 3))
    yield case("x = 3, f = (x + 1) + (x * x)", (x + 1) + (x * x))
    yield case("x = 3, f = (x * x) + (x + 1)", (x * x) + (x + 1))
    yield case("x = 3, f = (x * 2) + (x * 2), the same twice", (x * 2) + (x * 2))
    yield case("two leaves of 2, f = their product", autograd.Value(2.0) * autograd.Value(2.0))
    yield case("x = 3, f = 5 - x * 2, a number first", 5 - x * 2)
    a, b, c = (autograd.Value(number, label=label) for number, label in zip((1.0, 2.0, 4.0), "abc"))
    yield case("f = autograd.where(a, b, c), a node of three inputs", autograd.where(a, b, c))
    u = autograd.Value(8.0, label="x")
    yield case("x = 8, f = ((x / 4) * x) / 16: the numbers are in no order", ((u / 4) * u) / 16)
    v = x
    for i in range(24):
        v = named(f"v{i + 1}", v + v)
    paths = "every path is walked, of which there are 2^24: remember what was visited"
    yield case("x = x + x, 24 times", v, slow=paths)


@check("central_difference")
def check_central_difference(central_difference: Any) -> Iterator[Case]:
    """``central_difference(f, x, h)``: the slopes (f(x + h e_i) - f(x - h e_i)) / 2h, one per i.

    ``f`` takes a list of numbers and gives a number; ``x`` is a list, and stays as it is.
    """

    def square(x: Sequence[float]) -> float:
        return x[0] ** 2

    def cube(x: Sequence[float]) -> float:
        return x[0] ** 3

    def both(x: Sequence[float]) -> float:
        return x[0] * x[1] ** 2

    def three(x: Sequence[float]) -> float:
        return x[0] * x[1] ** 2 * x[2]

    def total(x: Sequence[float]) -> float:
        return x[0] + x[1]

    def ratio(x: Sequence[float]) -> float:
        return 5 * x[0] / x[1]

    def larger(x: Sequence[float]) -> float:
        return x[0] * max(x[0], x[1])  # which takes no arrays

    Function = Callable[[Sequence[float]], float]

    def moved(x: Sequence[float], i: int, step: float) -> list[float]:
        return [v + step * (j == i) for j, v in enumerate(x)]

    def slopes(f: Function, x: Sequence[float], up: float, down: float, by: float) -> list[float]:
        return [(f(moved(x, i, up)) - f(moved(x, i, down))) / by for i in range(len(x))]

    def is_one_list() -> bool:
        seen: list[Any] = []

        def noted(x: Any) -> float:
            seen.append(x)
            return 0.0

        central_difference(noted, [1.0], 0.1)
        return len(seen) == 2 and seen[0] is seen[1]

    def left_moved(f: Function, x: Sequence[float], h: float, left: float) -> list[float]:
        """Where each entry, after its turn, is where it was moved to last."""
        x, found = list(x), []
        for i in range(len(x)):
            found += slopes(f, x, h, -h, 2 * h)[i : i + 1]
            x[i] += left
        return found

    def by_number(equal: Callable[[Any], bool], got: Any) -> bool:
        """Whether the slopes are equal where numbers are, and right where they differ."""
        apart = central_difference(both, [2.0, 3.0], 0.1)
        return equal(got) and agrees_with([9.0, 12.0], 1e-6)(apart)

    for text, f, x, h in (
        ("x^2", square, [3.0], 0.1), ("x^3", cube, [1.5], 0.1), ("x^3", cube, [-0.7], 0.2),
        ("x0 * x1^2", both, [2.0, 3.0], 0.1), ("x0 * x1^2", both, [-1.0731, 0.5137], 0.2),
        ("x0 * x1^2", both, [2.0, 2.0], 0.1), ("x0 * x1^2", both, [2, 3], 0.1),
        ("x0 * x1^2 * x2", three, [2.0, 3.0, 5.0], 0.1), ("x0 + x1", total, [2.0, 3.0], 0.1),
        ("x0 * max(x0, x1)", larger, [2.0, 3.0], 0.1), ("x0 * x1^2", both, [0.0, 3.0], 0.1),
        ("5 * x0 / x1", ratio, [3, 2], 0.1),
    ):  # fmt: skip
        right = slopes(f, x, h, -h, 2 * h)
        at_once = (f([v + h for v in x]) - f([v - h for v in x])) / (2 * h)
        known: dict[str, Any] = {
            "a difference to one side, (f(x + h) - f(x)) / h: take f(x - h) and 2h": any_of(
                *(slopes(f, x, *ends, by) for ends in ((h, 0.0), (0.0, -h)) for by in (h, 2 * h))
            ),
            "the two points lie 2h apart: divide by 2h": slopes(f, x, h, -h, h),
            "half a step, f(x + h/2) - f(x - h/2), over h: the step is h, to both sides": slopes(
                f, x, h / 2, -h / 2, h
            ),
            "the order: f(x + h) - f(x - h)": slopes(f, x, -h, h, 2 * h),
            "brackets: / 2 * h divides by 2 and multiplies by h, / (2 * h) is meant": slopes(
                f, x, h, -h, 2 / h
            ),
            "the two lists are one: y = x gives it a second name, list(x) makes a copy": (
                lambda got: not np.any(got) and is_one_list()
            ),
            "one slope for each entry of x, in a list. Does a return stand in the loop?": (
                lambda got: np.ndim(got) == 0 and isinstance(got, float | np.floating)
            ),
            "f takes one list, not several numbers": raises(TypeError, words="positional argument"),
            "f takes a list of numbers, not of arrays: call it twice for each entry of x": raises(
                ValueError, words="truth value of an array"
            ),
            COLUMN: a_column(agrees_with(right, 1e-6)),
        }
        if f is cube:
            known["the error h^2 belongs to it: 3x^2 + h^2"] = [3 * x[0] ** 2]
        if len(x) > 1:
            known |= {
                "all inputs are moved at once: move one, keep the others": [at_once] * len(x),
                "an input that was moved is not put back": any_of(
                    left_moved(f, x, h, h), left_moved(f, x, h, -h)
                ),
                "one slope for each entry of x. Does a return stand in the loop?": right[:1],
            }
        if isinstance(x[0], int):
            cut_off = (
                "x holds ints, and an array of ints cuts off what is added: make it one of floats"
            )
            ends = [[f([*map(int, moved(x, i, s))]) for s in (h, -h)] for i in range(len(x))]
            known[cut_off] = [(up - down) / (2 * h) for up, down in ends]
            kept_whole = "np.zeros_like of ints holds ints, and cuts slopes off: np.zeros(len(x))"
            known[kept_whole] = [*map(int, right)]
        if len(set(x)) < len(x):
            by_place = "two entries are equal here: tell them by their place, not by their number"
            known[by_place] = of_results(partial(by_number, any_of([right[0]] * 2, [at_once] * 2)))
        at, run = tuple(x) if len(x) > 1 else x[0], partial(central_difference, f, list(x), h)
        yield Case(f"f = {text} at {at}, h = {h}", run, right, unlike(right, known))

    def kept() -> list[float]:
        x = [2.0, 3.0]
        central_difference(both, x, 0.1)
        return x

    yield Case("x after the call", kept, [2.0, 3.0],
               look="x was changed: work on a copy, or put the number back as it was")  # fmt: skip


@check("swish")
def check_swish(swish: Any) -> Iterator[Case]:
    """``swish = primitive(...)``: z = x sigmoid(x), with its partial derivative.

    It must work on numbers, arrays and Values, be differentiated twice, and be replayed by
    ``compile``.
    """

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    def slope(x: float) -> float:
        s = sigmoid(x)
        return s + x * s * (1 - s)

    def curvature(x: float) -> float:
        s = sigmoid(x)
        return s * (1 - s) * (2 + x * (1 - 2 * s))

    own = (
        "write value and partials with operators and autograd's functions (sigmoid, exp): those of "
        "math, or an if, work on numbers alone"
    )
    a_tuple = "partials is a tuple, one entry per input: (d,)"
    arguments = "partials takes the value z first, then the input: lambda z, x: ..."

    @of_errors
    def no_tuple(got: Any) -> bool:
        return isinstance(got, TypeError | ValueError) and "partials" in str(got)

    @of_errors
    def few_arguments(got: Any) -> bool:
        return isinstance(got, TypeError) and "positional argument" in str(got)

    @of_errors
    def number_alone(got: Any) -> bool:
        known = no_tuple(got) or few_arguments(got)
        refused = isinstance(got, TypeError | ValueError | AttributeError)
        return refused and not known and "NoneType" not in str(got)

    only_numbers = {a_tuple: no_tuple, arguments: few_arguments, own: number_alone}
    s = sigmoid(2.0)
    yield Case("swish(2.0)", lambda: swish(2.0), 2 * s)
    overflow = "exp(1000) overflows: autograd's sigmoid does not"
    far = {overflow: overflows(lambda: swish(-1.0))}
    yield Case("swish(np.array([-1.0, 0.0, 2.0]))", lambda: swish(np.array([-1.0, 0.0, 2.0])),
               [-sigmoid(-1.0), 0.0, 2 * s], only_numbers)  # fmt: skip
    yield Case("swish(-1000.0)", lambda: swish(-1000.0), 0.0, far)
    yield Case("swish(1000.0)", lambda: swish(1000.0), 1000.0, far)
    by_0 = {
        "nothing can be divided by x = 0: write sigmoid(x), not z / x": not_finite,
        a_tuple: no_tuple,
        arguments: few_arguments,
    }
    yield Case("grad(swish)(0.0)", lambda: autograd.grad(swish)(0.0), 0.5, by_0)
    for x in (2.0, -1.5):
        s = sigmoid(x)
        t = sigmoid(x * s)  # where z stands for x, and x for z
        exchanged = [
            s + x * s * s * (1 - s), t + x * (1 - t), s + x * (1 - s), t + x * s * t * (1 - t),
        ]  # fmt: skip
        yield Case(
            f"grad(swish)({x})", partial(lambda x: autograd.grad(swish)(x), x), slope(x),
            {
                "the product rule: the share of the second factor, x s(1 - s)": s,
                "the product rule: the share of the first factor, s": x * s * (1 - s),
                "the sigmoid's derivative is s (1 - s)": any_of(s + x * s, s + x * (1 - s)),
                "a(1 - a) where sigmoid's slope is asked: that is s(1 - s), by its output s":
                    s + x * x * (1 - x),
                a_tuple: no_tuple,
                arguments: of_errors(few_arguments),
                f"{arguments} (do you use z for x?)": any_of(*exchanged),
            },
        )  # fmt: skip
    for x in (1.0, -0.5):
        yield Case(
            f"grad(grad(swish))({x})", partial(lambda x: autograd.grad(autograd.grad(swish))(x), x),
            curvature(x),
            {
                **only_numbers,
                "partials uses numbers where it should use x: nothing to differentiate": 0.0,
            },
        )  # fmt: skip

    several = "it is made of several nodes: make one of it, by primitive"
    yield Case(
        "len(topological_order(swish(x))), for a Value x",
        lambda: len(autograd.topological_order(swish(autograd.Value(2.0)))), 2,
        {several: lambda got: got > 2},
    )  # fmt: skip

    def replayed() -> Any:
        x = autograd.Value(0.5)
        program = autograd.compile(swish(x), inputs=[x], parameters=[])
        return program.forward([[-1.0], [2.0]])

    right = [-sigmoid(-1.0), 2 * sigmoid(2.0)]
    yield Case("compile(swish(x), [x], []) at -1 and 2", replayed, right, only_numbers)
