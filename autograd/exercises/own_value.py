"""The task to write a `Value` of one's own, which shares nothing with ours.

For each classic mistake stands the number that it gives in the case. It differs from the right
number and, as far as one case can tell, from those of the other mistakes.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .checking import Case, check
from .comparing import any_of, raises

OVERWRITTEN = "= where += belongs: a gradient is a sum, over all that a node goes into"
UNSORTED = (
    "no topological order: a node hands on its gradient before it has all of it. Go backward "
    "through the topological order"
)
TWICE = (
    "a diamond is counted twice: each node has one turn, when its gradient is complete, however "
    "many nodes use it"
)
BY_NUMBER = (
    "two nodes of the same number are taken for one: a node equals itself alone, so leave __eq__ "
    "out, or compare with `is`"
)
NOT_RESET = (
    "gradients of inner nodes are left over from the call before: set them to 0 first, and leave "
    "those of leaves"
)
LEAVES_RESET = "the gradient of a leaf is set to 0 too: leaves add up over calls of backward"
CHANGED = (
    "data was changed between forward and backward, and the derivative is that of the new data: "
    "compute the local derivatives when the node is recorded"
)
NOTHING = (
    "nothing arrives: does the constructor keep inputs and partials, does the order find Values of "
    "your own class, and does the sweep begin with 1 at the root, after old gradients are gone?"
)
UPWARD = (
    "the order is walked from its beginning: walk from its end, the root, to the leaves (if you "
    "do, the order itself is the wrong way round)"
)
NO_CHAIN = "what a node hands on is its own gradient times the partial derivative: v.grad * d"
CALLS_ITSELF = (
    "it calls itself: 2 + x calls x.__radd__(2), and so does other + self in it. Write self + "
    "other, or make other a Value first"
)
NO_VALUE = "an operator gives back a new Value, of a number made of the two .data"
REVERSED_SUB = "the reversed -: 2 - x calls x.__rsub__(2), which is other - self"
REVERSED_DIV = "the reversed /: 2 / x calls x.__rtruediv__(2), which is other / self"


@check("Value")
def check_forward(Value: Any) -> Iterator[Case]:
    """A class ``Value``: its operators and functions compute, and leave their operands alone.

    It needs ``Value(number)`` with ``.data``; the operators ``+ - * /``, with a plain number on
    either side too; ``**`` with a number; unary ``-``; and ``exp log sin tanh relu``.
    """
    yield Case("Value(3.0).data", lambda: Value(3.0).data, 3.0)
    binary: list[tuple[str, Callable[[Any, Any], Any], float, Mapping[str, Any]]] = [
        ("+", lambda a, b: a + b, 7.0, {}),
        ("-", lambda a, b: a - b, -1.0, {"b - a instead of a - b": 1.0}),
        ("*", lambda a, b: a * b, 12.0, {}),
        ("/", lambda a, b: a / b, 0.75, {"b / a instead of a / b": 4 / 3}),
    ]
    for symbol, f, z, mistakes in binary:

        def result(f: Callable[[Any, Any], Any] = f) -> Any:
            return f(Value(3.0), Value(4.0)).data

        yield Case(f"(Value(3.0) {symbol} Value(4.0)).data", result, z, mistakes, NO_VALUE)
    number = {
        "a plain number beside a Value: make it a Value first, unless it is one": raises(
            TypeError, AttributeError
        )
    }
    yield Case("(Value(3.0) * 2).data", lambda: (Value(3.0) * 2).data, 6.0, number)
    yield Case("(Value(3.0) - 2).data", lambda: (Value(3.0) - 2).data, 1.0, number)
    yield Case("(Value(3.0) / 2).data", lambda: (Value(3.0) / 2).data, 1.5, number)
    yield Case("(Value(3.0) ** 2).data", lambda: (Value(3.0) ** 2).data, 9.0)
    yield Case("(-Value(3.0)).data", lambda: (-Value(3.0)).data, -3.0)
    endless = {
        CALLS_ITSELF: raises(RecursionError),
        "a plain number on the left calls the reflected method, such as __radd__": raises(
            TypeError, AttributeError
        ),
    }
    yield Case("(2 + Value(3.0)).data", lambda: (2 + Value(3.0)).data, 5.0, endless)
    yield Case("(2 * Value(3.0)).data", lambda: (2 * Value(3.0)).data, 6.0, endless)
    yield Case(
        "(2 - Value(3.0)).data", lambda: (2 - Value(3.0)).data, -1.0,
        {REVERSED_SUB: 1.0, **endless},
    )  # fmt: skip
    yield Case(
        "(2 / Value(4.0)).data", lambda: (2 / Value(4.0)).data, 0.5,
        {REVERSED_DIV: 2.0, **endless},
    )  # fmt: skip
    for name, x, z in [
        ("exp", 0.5, math.exp(0.5)), ("log", 2.0, math.log(2)), ("sin", 2.0, math.sin(2)),
        ("tanh", 0.5, math.tanh(0.5)), ("relu", 3.0, 3.0), ("relu", -3.0, 0.0),
    ]:  # fmt: skip

        def of(name: str = name, x: float = x) -> Any:
            return getattr(Value(x), name)().data

        yield Case(f"Value({x}).{name}().data", of, z)

    def operands() -> list[float]:
        a, b = Value(3.0), Value(4.0)
        a + b, a * b, a - b, -a
        return [a.data, b.data]

    yield Case("a.data, b.data after a + b, a * b, a - b, -a", operands, [3.0, 4.0],
               look="an operator makes a new Value, and changes none")  # fmt: skip


@check("Value")
def check_backward(Value: Any) -> Iterator[Case]:
    """A class ``Value``, as in `check_forward`, with ``.grad`` and ``.backward()``.

    The gradient of a leaf adds up over calls of ``backward``; that of any other node is from the
    last call alone.
    """
    yield from _operator_gradients(Value)

    def leaf(f: Callable[[Any], Any], x: float) -> Callable[[], float]:
        def gradient() -> Any:
            v = Value(x)
            f(v).backward()
            return v.grad

        return gradient

    yield Case("x.backward(): x.grad of a leaf", leaf(lambda x: x, 3.0), 1.0)
    yield Case("x = 3, f = x * 2 + 1: x.grad", leaf(lambda x: x * 2 + 1, 3.0), 2.0,
               {UPWARD: 0.0})  # fmt: skip
    yield Case("x = 3, f = x * x: x.grad", leaf(lambda x: x * x, 3.0), 6.0, {OVERWRITTEN: 3.0})
    yield Case("x = 3, f = x + x: x.grad", leaf(lambda x: x + x, 3.0), 2.0, {OVERWRITTEN: 1.0})
    yield Case(
        "x = 3, y = x * 2, z = x * 3, f = y * z: x.grad",
        leaf(lambda x: (x * 2) * (x * 3), 3.0), 36.0,
        {OVERWRITTEN: 18.0, NO_CHAIN: 5.0, UPWARD: 0.0},
    )  # fmt: skip

    def uneven(swapped: bool) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            y = x * 2
            z = y * 5
            return z + y if swapped else y + z

        return f

    for swapped, text in ((False, "y + z"), (True, "z + y")):
        yield Case(
            f"x = 3, y = x * 2, z = y * 5, f = {text}: x.grad", leaf(uneven(swapped), 3.0), 12.0,
            {
                OVERWRITTEN: 10.0 if not swapped else any_of(2.0, 10.0),
                UNSORTED: 2.0 if not swapped else any_of(2.0),
                TWICE: any_of(14.0, 22.0, 24.0),
            },
        )  # fmt: skip

    def repeated() -> Any:
        x = Value(3.0)
        f = (x * 2) * 5
        f.backward()
        f.backward()
        return x.grad

    yield Case("x = 3, f = x * 2 * 5, f.backward() twice: x.grad", repeated, 20.0,
               {NOT_RESET: any_of(30.0, 40.0), LEAVES_RESET: 10.0})  # fmt: skip

    def two_roots() -> Any:
        x = Value(3.0)
        y = x * 2
        f, g = y * 5, y * 7
        f.backward()
        g.backward()
        return x.grad

    yield Case(
        "x = 3, y = x * 2, f = y * 5, g = y * 7, f.backward(), g.backward(): x.grad",
        two_roots, 24.0, {NOT_RESET: 34.0, LEAVES_RESET: 14.0},
    )  # fmt: skip

    def changed() -> Any:
        x = Value(3.0)
        f = x * x
        x.data = 100.0
        f.backward()
        return x.grad

    yield Case("x = 3, f = x * x, x.data = 100, f.backward(): x.grad", changed, 6.0,
               {CHANGED: 200.0, OVERWRITTEN: any_of(3.0, 100.0)})  # fmt: skip

    def changed_later(f: Callable[[Any], Any]) -> Callable[[], Any]:
        def gradient() -> Any:
            x = Value(2.0)
            z = f(x)
            x.data = 100.0
            z.backward()
            return x.grad

        return gradient

    for text, f, slope, later in (
        ("1 / x", lambda x: 1 / x, -0.25, -1e-4),
        ("x ** 3", lambda x: x**3, 12.0, 3e4),
        ("x.log()", lambda x: x.log(), 0.5, 0.01),
    ):
        yield Case(f"x = 2, f = {text}, x.data = 100, f.backward(): x.grad", changed_later(f),
                   slope, {CHANGED: later})  # fmt: skip

    def leaf_twice() -> Any:
        x = Value(3.0)
        x.backward()
        x.backward()
        return x.grad

    yield Case("x.backward() twice: x.grad of a leaf", leaf_twice, 2.0, {LEAVES_RESET: 1.0})

    def doubled(x: Any) -> Any:
        for _ in range(24):
            x = x + x
        return x

    paths = "every path is walked, of which there are 2^24 here: give each node one turn"
    yield Case("x = x + x, 24 times: the gradient", leaf(doubled, 1.0), 2.0**24,
               {OVERWRITTEN: 1.0}, slow=paths)  # fmt: skip


def _equals_by_number(Value: Any) -> bool:
    try:
        return bool(Value(3.0) == Value(3.0))
    except Exception:  # what is wrong with it, the cases tell
        return False


def _operator_gradients(Value: Any) -> Iterator[Case]:
    """The gradient of every operation alone, on leaves that are used once."""
    # Of f + f, where both f have the same number.
    half = BY_NUMBER if _equals_by_number(Value) else OVERWRITTEN
    two: list[tuple[str, Callable[[Any, Any], Any], list[float], Mapping[str, Any]]] = [
        ("a + b", lambda a, b: a + b, [1, 1], {}),
        ("a - b", lambda a, b: a - b, [1, -1], {"d(a - b)/db = -1": [1, 1]}),
        ("a * b", lambda a, b: a * b, [4, 3], {"d(ab)/da = b, d(ab)/db = a": [3, 4]}),
        (
            "a / b", lambda a, b: a / b, [1 / 4, -3 / 16],
            {
                "the sign: d(a/b)/db = -a/b^2": [1 / 4, 3 / 16],
                "the square: d(a/b)/db = -a/b^2": [1 / 4, -3 / 4],
            },
        ),
    ]  # fmt: skip
    for text, f, slopes, mistakes in two:

        def both(f: Callable[[Any, Any], Any] = f) -> list[Any]:
            a, b = Value(3.0), Value(4.0)
            f(a, b).backward()
            return [a.grad, b.grad]

        def twice(f: Callable[[Any, Any], Any] = f) -> list[Any]:
            a, b = Value(3.0), Value(4.0)
            (f(a, b) + f(a, b)).backward()
            return [a.grad, b.grad]

        known = {**mistakes, NOTHING: [0, 0]}
        yield Case(f"a = 3, b = 4, f = {text}: a.grad, b.grad", both, slopes, known)
        yield Case(
            f"a = 3, b = 4, f = ({text}) + ({text}): a.grad, b.grad",
            twice,
            [2 * d for d in slopes],
            {half: slopes},
        )
    t = math.tanh(0.5)
    one: list[tuple[str, Callable[[Any], Any], float, float, Mapping[str, Any]]] = [
        ("2 + x", lambda x: 2 + x, 3.0, 1.0, {}),
        ("2 * x", lambda x: 2 * x, 3.0, 2.0, {}),
        ("x - 2", lambda x: x - 2, 3.0, 1.0, {}),
        ("x / 2", lambda x: x / 2, 3.0, 0.5, {}),
        ("x ** -1", lambda x: x**-1, 2.0, -0.25, {}),
        ("2 - x", lambda x: 2 - x, 3.0, -1.0, {REVERSED_SUB: 1.0}),
        ("2 / x", lambda x: 2 / x, 4.0, -1 / 8, {REVERSED_DIV: 1 / 2}),
        ("-x", lambda x: -x, 3.0, -1.0, {"d(-x)/dx = -1": 1.0}),
        (
            "x ** 3", lambda x: x**3, 3.0, 27.0,
            {"n x^(n - 1): the power is one less": 81.0, "n x^(n - 1): the factor n": 9.0},
        ),
        ("x.exp()", lambda x: x.exp(), 0.5, math.exp(0.5), {}),
        ("x.log()", lambda x: x.log(), 2.0, 0.5, {"d log(x)/dx = 1/x": math.log(2)}),
        (
            "x.sin()", lambda x: x.sin(), 2.0, math.cos(2),
            {"the sign: d sin(x)/dx = cos(x)": -math.cos(2)},
        ),
        (
            "x.tanh()", lambda x: x.tanh(), 0.5, 1 - t * t,
            {"1 - tanh(x)^2, not 1 - x^2": 0.75, "1 - tanh(x)^2, squared": 1 - t},
        ),
        ("x.relu()", lambda x: x.relu(), 3.0, 1.0, {}),
        ("x.relu()", lambda x: x.relu(), -3.0, 0.0, {"relu is flat where x < 0": 1.0}),
    ]  # fmt: skip
    for text, g, x, slope, mistakes in one:

        def single(g: Callable[[Any], Any] = g, x: float = x) -> Any:
            v = Value(x)
            g(v).backward()
            return v.grad

        def doubled_one(g: Callable[[Any], Any] = g, x: float = x) -> Any:
            v = Value(x)
            (g(v) + g(v)).backward()
            return v.grad

        yield Case(f"x = {x:g}, f = {text}: x.grad", single, slope, {**mistakes, NOTHING: 0.0})
        yield Case(f"x = {x:g}, f = {text} + {text}: x.grad", doubled_one, 2 * slope, {half: slope})
