"""The gradients of each operation of a student's own `Value`, alone and in short programs.

Each is tried at two points, so that a mistake is told from a coincidence; and used twice, once with
two results of the same number, once of others.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .checking import Case
from .comparing import agree, agrees_with, any_of, of_results, raises, unlike
from .limits import RAISED

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
FORGOTTEN = "one of the two operands gets nothing: each gets v.grad times the derivative by it"
NO_HASH = (
    "with an __eq__ of its own, as of a dataclass, a class has no hash, and can't be in a set: "
    "write @dataclass(eq=False), or leave __eq__ out"
)
STARTED = "v.grad is 0.0 before any sweep: it is a sum, which begins there"
FACTOR = (
    "every gradient, already that of a + b, has the same wrong factor: the sweep begins with 1 at "
    "the root, and each share is added, once"
)
UPWARD = (
    "no gradient goes further than the inputs of the root: walk through the whole order, from its "
    "end, the root, to the leaves (if you do, the order itself is the wrong way round, or lacks "
    "what is below them)"
)
NO_CHAIN = "what a node hands on is its own gradient times the partial derivative: v.grad * d"
PASSED_BY = (
    "an operand of + or * gets its share, and hands nothing on: is it among the inputs that the "
    "node keeps, and before the node in the order?"
)
SHORTEST = "gradients of + or * are wrong in the shortest programs, above: mend these first"
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
    except RAISED:  # what is wrong with it, the cases tell
        return False


# The shortest programs, in which no number is used twice, and their slopes at a = 3, b = 4.
ALONE: list[tuple[Number, list[float]]] = [
    (lambda a, b: a + b, [1, 1]),
    (lambda a, b: a * b, [4, 3]),
]
ABOVE: list[tuple[Number, list[float]]] = [
    (lambda a, b: (a + b) * 2, [2, 2]),
    (lambda a, b: (a * b) * 2, [8, 6]),
]
BELOW: list[tuple[Number, list[float]]] = [
    (lambda a, b: a * 2 + b * 2, [2, 2]),
    (lambda a, b: (a * 2) * (b * 2), [16, 12]),
]


def cause_of_all(Value: Any) -> str:
    """What is wrong with every gradient, as one or two operations show; "" if none is found."""
    try:
        if Value(3.0).grad != 0:
            return STARTED
        factor = float(_gradient(Value, ALONE[0][0], (3, 4))[0])
    except RAISED:  # what is wrong with it, the cases tell
        return ""
    if factor != 1 and all(_gives(Value, f, _times(d, factor)) for f, d in ALONE):
        return FACTOR if factor else NOTHING
    ends = all(_gives(Value, f, [0, 0]) for f, _ in ABOVE)
    return UPWARD if ends and all(_gives(Value, f, d) for f, d in ALONE) else ""


def cause_of_longer(Value: Any) -> str:
    """What is wrong with all programs of several operations; "" if the shortest are right."""
    if not all(_gives(Value, f, slopes) for f, slopes in ALONE):
        return SHORTEST
    if any(_gives(Value, f, slopes) for (f, _), (_, slopes) in zip(ABOVE, ALONE)):
        return NO_CHAIN
    if all(_gives(Value, f, slopes) for f, slopes in (*ABOVE, *BELOW)):
        return ""
    ends = any(_gives(Value, f, [x, y]) for f, (a, b) in BELOW for x, y in ((a, 0), (0, b), (0, 0)))
    return PASSED_BY if ends else SHORTEST


def because(cause: str, cases: Iterable[Case]) -> Iterator[Case]:
    """The cases; if there is a cause of all that is wrong in them, with it in place of others."""
    known = {cause: of_results(lambda got: True)}
    return (replace(case, mistakes=known, look="") if cause else case for case in cases)


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


def operators(Value: Any, half: str, longer: str) -> Iterator[Case]:
    """The gradient of every operation f alone, at two points, and of f + f and f + 2f.

    ``longer`` is the cause of what is wrong in all longer programs, if there is one.
    """
    rows: list[Any] = [(t, f, [(3, 4), (2, 5)], d, m) for t, f, d, m in TWO]
    rows += [(t, f, [(x,) for x in points], d, m) for t, f, points, d, m in ONE]
    for text, f, points, partials, mistakes in rows:
        s = f"({text})" if " " in text else text

        def equal(*leaves: Any, f: Number = f) -> Any:
            return f(*leaves) + f(*leaves)

        def unequal(*leaves: Any, f: Number = f) -> Any:
            return f(*leaves) + f(*leaves) * 2

        def doubled(*leaves: Any, f: Number = f) -> Any:
            return f(*leaves) * 2

        for numbers in points:
            names = ["x"] if len(numbers) == 1 else ["a", "b"]
            at = ", ".join(f"{n} = {x:g}" for n, x in zip(names, numbers))
            grads = ", ".join(f"{n}.grad" for n in names)
            slopes, twice, thrice = (_times(partials(*numbers), n) for n in (1, 2, 3))
            known: dict[str, Any] = {m: wrong(*numbers) for m, wrong in mistakes.items()}
            if len(numbers) > 1:
                known[FORGOTTEN] = any_of([slopes[0], 0], [0, slopes[1]])

            alone = partial(_gradient, Value, f, numbers)

            chain = partial(_gradient, Value, doubled, numbers)

            right = agrees_with(slopes, 1e-9), agrees_with(twice, 1e-9)

            def lost(got: Any, alone: Any = alone, chain: Any = chain, right: Any = right) -> bool:
                """Whether a share is lost, of an operation right alone and below another one."""
                one, two = right
                return bool((one(got) or two(got)) and one(alone()) and two(chain()))

            def unchained(got: Any, chain: Any = chain, right: Any = right) -> bool:
                one, two = right
                return bool(two(got) and one(chain()))

            lose: dict[str, Any] = {}
            if any(np.ravel(slopes)):
                lose = {half: of_results(lost), NO_CHAIN: of_results(unchained)}
            composed = [
                Case(f"{at}, f = {what}: {grads}", partial(_gradient, Value, g, numbers), expected,
                     unlike(expected, lose))
                for what, g, expected in (
                    (f"{s} + {s}", equal, twice), (f"{s} + {s} * 2", unequal, thrice)
                )
            ]  # fmt: skip
            known |= {
                SILENT: any_of(_times(slopes, 0)), NO_HASH: raises(TypeError, words="unhashable")
            }  # fmt: skip
            yield Case(f"{at}, f = {text}: {grads}", alone, slopes, unlike(slopes, known))
            yield from because(longer, composed)


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
