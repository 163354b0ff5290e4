"""The gradients of each operation of a student's own `Value`, alone and in short programs.

Each is tried at two points, so that a mistake is told from a coincidence; and used twice, once with
two results of the same number, once of others.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .checking import Case
from .comparing import agree, any_of, of_results, unlike

OVERWRITTEN = "= where += belongs: a gradient is a sum, over all that a node goes into"
BY_NUMBER = (
    "two nodes of the same number are taken for one: a node equals itself alone, so remember the "
    "nodes, not their numbers, and leave __eq__ out, or compare with `is`"
)
REPEATED = (
    "one input twice, as in x * x, has two shares: a dictionary or a set of inputs keeps one of "
    "them. Go through inputs and partials in pairs, and add every share"
)
NOTHING = (
    "nothing arrives: does the constructor keep inputs and partials, does the order find Values of "
    "your own class, and does the sweep begin with 1 at the root, after old gradients are gone?"
)
SILENT = "this operation hands on nothing: look at its inputs and partials"
EXP = "exp(x)' = exp(x): the partial derivative is the result, not x"
REVERSED_SUB = "the reversed -: 2 - x calls x.__rsub__(2), which is other - self"
REVERSED_DIV = "the reversed /: 2 / x calls x.__rtruediv__(2), which is other / self"

Number = Callable[..., Any]  # of the inputs' numbers

TWO: list[tuple[str, Number, Number, Mapping[str, Number]]] = [
    ("a + b", lambda a, b: a + b, lambda a, b: [1, 1], {}),
    (
        "a - b", lambda a, b: a - b, lambda a, b: [1, -1],
        {"d(a - b)/db = -1": lambda a, b: [1, 1]},
    ),
    (
        "a * b", lambda a, b: a * b, lambda a, b: [b, a],
        {"d(ab)/da = b, d(ab)/db = a": lambda a, b: [a, b]},
    ),
    (
        "a / b", lambda a, b: a / b, lambda a, b: [1 / b, -a / b**2],
        {
            "the sign: d(a/b)/db = -a/b^2": lambda a, b: [1 / b, a / b**2],
            "the square: d(a/b)/db = -a/b^2": lambda a, b: [1 / b, -a / b],
        },
    ),
]  # fmt: skip
ONE: list[tuple[str, Number, Sequence[float], Number, Mapping[str, Number]]] = [
    ("2 + x", lambda x: 2 + x, (3, 0.5), lambda x: 1, {}),
    ("2 * x", lambda x: 2 * x, (3, 0.5), lambda x: 2, {}),
    ("x - 2", lambda x: x - 2, (3, 0.5), lambda x: 1, {}),
    ("x / 2", lambda x: x / 2, (3, 0.5), lambda x: 0.5, {}),
    ("x ** -1", lambda x: x**-1, (2, 0.5), lambda x: -(x**-2), {}),
    ("2 - x", lambda x: 2 - x, (3, 0.5), lambda x: -1, {REVERSED_SUB: lambda x: 1}),
    ("2 / x", lambda x: 2 / x, (4, 0.5), lambda x: -2 / x**2, {REVERSED_DIV: lambda x: 0.5}),
    ("-x", lambda x: -x, (3, 0.5), lambda x: -1, {"d(-x)/dx = -1": lambda x: 1}),
    (
        "x ** 3", lambda x: x**3, (3, 0.5), lambda x: 3 * x * x,
        {
            "n x^(n - 1): the power is one less": lambda x: 3 * x**3,
            "n x^(n - 1): the factor n": lambda x: x * x,
        },
    ),
    ("x.exp()", lambda x: x.exp(), (0.5, -1), math.exp, {EXP: lambda x: x}),
    ("x.log()", lambda x: x.log(), (2, 0.5), lambda x: 1 / x, {"d log(x)/dx = 1/x": math.log}),
    (
        "x.sin()", lambda x: x.sin(), (2, 0.5), math.cos,
        {"the sign: d sin(x)/dx = cos(x)": lambda x: -math.cos(x)},
    ),
    (
        "x.tanh()", lambda x: x.tanh(), (0.5, -1.5), lambda x: 1 - math.tanh(x) ** 2,
        {
            "1 - tanh(x)^2, not 1 - x^2": lambda x: 1 - x * x,
            "1 - tanh(x)^2, squared": lambda x: 1 - math.tanh(x),
        },
    ),
    ("x.relu()", lambda x: x.relu(), (3, 0.5), lambda x: 1, {}),
    ("x.relu()", lambda x: x.relu(), (-3, -0.5), lambda x: 0,
     {"relu is flat where x < 0": lambda x: 1}),
]  # fmt: skip


def _gradient(Value: Any, f: Number, numbers: Sequence[float]) -> Any:
    leaves = [Value(float(x)) for x in numbers]
    f(*leaves).backward()
    return [v.grad for v in leaves] if len(leaves) > 1 else leaves[0].grad


def _times(slopes: Any, factor: float) -> Any:
    return [factor * d for d in slopes] if isinstance(slopes, list) else factor * slopes


def _gives(Value: Any, f: Number, slopes: Sequence[float]) -> bool:
    """Whether these are the slopes of f at a = 3, b = 4."""
    try:
        return agree(_gradient(Value, f, (3, 4)), slopes)
    except Exception:  # what is wrong with it, the cases tell
        return False


def adds_up(Value: Any) -> bool:
    """Whether shares add up that come by way of two nodes, of different numbers."""
    sums = _gives(Value, lambda a, b: (a + b) + (a + 0.25 + b), [2, 2])
    return sums and _gives(Value, lambda a, b: a * b + (a * 2) * b, [12, 9])


def half_lost(Value: Any) -> str:
    """What it is called if of two shares one arrives: `OVERWRITTEN`, unless shares add up.

    Then it is `BY_NUMBER`, where of a sum of two equal sums one is lost, or `REPEATED`, where one
    is lost of an input that stands twice.
    """
    if not adds_up(Value):
        return OVERWRITTEN
    if _gives(Value, lambda a, b: (a + b) + (a + b), [1, 1]):
        return BY_NUMBER
    sum_or_product = ((lambda a, b: a + a, [1, 0]), (lambda a, b: a * a, [3, 0]))
    once = any(_gives(Value, f, slopes) for f, slopes in sum_or_product)
    return REPEATED if once else OVERWRITTEN


def operators(Value: Any, half: str) -> Iterator[Case]:
    """The gradient of every operation f alone, at two points, and of f + f and f + 2f."""
    none = all(_gives(Value, f, [0, 0]) for f in (lambda a, b: a + b, lambda a, b: a * b))
    nothing = NOTHING if none else SILENT
    rows: list[Any] = [(t, f, [(3, 4), (2, 5)], d, m) for t, f, d, m in TWO]
    rows += [(t, f, [(x,) for x in points], d, m) for t, f, points, d, m in ONE]
    for text, f, points, partials, mistakes in rows:
        s = f"({text})" if " " in text else text

        def equal(*leaves: Any, f: Number = f) -> Any:
            return f(*leaves) + f(*leaves)

        def unequal(*leaves: Any, f: Number = f) -> Any:
            return f(*leaves) + f(*leaves) * 2

        for numbers in points:
            names = ["x"] if len(numbers) == 1 else ["a", "b"]
            at = ", ".join(f"{n} = {x:g}" for n, x in zip(names, numbers))
            grads = ", ".join(f"{n}.grad" for n in names)
            slopes, twice, thrice = (_times(partials(*numbers), n) for n in (1, 2, 3))
            known = {m: wrong(*numbers) for m, wrong in mistakes.items()}

            alone = partial(_gradient, Value, f, numbers)

            def lost(
                got: Any, alone: Any = alone, d: Any = slopes, among: Any = (slopes, twice)
            ) -> bool:
                """Whether a share is lost, of an operation that is right alone."""
                return any(agree(got, v) for v in among) and agree(alone(), d)

            lose = {half: of_results(lost)} if any(np.ravel(slopes)) else {}
            for what, g, right, gives in (
                (text, f, slopes, {**known, nothing: any_of(_times(slopes, 0))}),
                (f"{s} + {s}", equal, twice, lose),
                (f"{s} + {s} * 2", unequal, thrice, lose),
            ):
                yield Case(f"{at}, f = {what}: {grads}", partial(_gradient, Value, g, numbers),
                           right, unlike(right, gives))  # fmt: skip


def programs(Value: Any, look: str) -> Iterator[Case]:
    """Longer programs: what is wrong with a number shows in the slopes of what is made of it."""
    for text, f, h in (
        ("(x + 1) * (1 + x)", lambda x: (x + 1) * (1 + x), lambda x: 2 * (x + 1)),
        ("(x - 3) * (3 - x)", lambda x: (x - 3) * (3 - x), lambda x: 2 * (3 - x)),
        ("(x * 3) * (3 * x)", lambda x: (x * 3) * (3 * x), lambda x: 18 * x),
        ("(x / 3) * (3 / x) * x", lambda x: (x / 3) * (3 / x) * x, lambda x: 1.0),
        (
            "(0.5 - x * 0.5) * (x + 0.5)", lambda x: (0.5 - x * 0.5) * (x + 0.5),
            lambda x: 0.25 - x,
        ),
        ("(x + x * 2) * x", lambda x: (x + x * 2) * x, lambda x: 6 * x),
        ("(x - x * 2) * x", lambda x: (x - x * 2) * x, lambda x: -2 * x),
        ("(x * (x * 2)) * x", lambda x: (x * (x * 2)) * x, lambda x: 6 * x**2),
        ("(x / (x * 2)) * x", lambda x: (x / (x * 2)) * x, lambda x: 0.5),
        ("(x ** 3) * (-x)", lambda x: x**3 * -x, lambda x: -4 * x**3),
        ("x.exp() * x.exp()", lambda x: x.exp() * x.exp(), lambda x: 2 * math.exp(2 * x)),
        ("x.log() * x.log()", lambda x: x.log() * x.log(), lambda x: 2 * math.log(x) / x),
        ("x.sin() * x.sin()", lambda x: x.sin() * x.sin(), lambda x: math.sin(2 * x)),
        (
            "x.tanh() * x.tanh()", lambda x: x.tanh() * x.tanh(),
            lambda x: 2 * math.tanh(x) / math.cosh(x) ** 2,
        ),
        ("x.relu() * x.relu()", lambda x: x.relu() * x.relu(), lambda x: 2 * x),
        ("((-x).relu() + 2) * x", lambda x: ((-x).relu() + 2) * x, lambda x: 2.0),
    ):  # fmt: skip

        def slope(f: Callable[[Any], Any] = f) -> Any:
            v = Value(1.25)
            f(v).backward()
            return v.grad

        yield Case(f"x = 1.25, f = {text}: x.grad", slope, h(1.25), look=look)
