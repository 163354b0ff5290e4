"""The task to write a `Value` of one's own, which shares nothing with ours.

For each classic mistake stands the number that it gives in the case. It differs from the right
number and, as far as one case can tell, from those of the other mistakes.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from .checking import Case, check
from .comparing import Test, agree, any_of, of_errors, of_results, raises
from .own_gradients import (
    OVERWRITTEN,
    REVERSED_DIV,
    REVERSED_SUB,
    adds_up,
    because,
    cause_of_all,
    cause_of_longer,
    half_lost,
    operators,
    programs,
)

UNSORTED = (
    "no topological order: a node hands on its gradient before it has all of it. Go backward "
    "through the topological order"
)
BREADTH = (
    "breadth first is no topological order: a node hands on its gradient before it has all of it, "
    "where one way to it is longer than another. Append a node after its inputs, and go backward"
)
TWICE = (
    "a diamond is counted twice: each node has one turn, when its gradient is complete, however "
    "many nodes use it"
)
NOT_RESET = (
    "gradients of inner nodes are left over from the call before, zero_grad is forgotten: set "
    "them to 0 first, and leave those of leaves"
)
LEAVES_RESET = "the gradient of a leaf is set to 0 too: leaves add up over calls of backward"
KEPT = (
    "which nodes were visited is kept from sweep to sweep, so that the next one passes them over: "
    "begin each with a new set, or take the marks away again"
)
LEAVES_ALONE = (
    "only leaves have their gradient: after the sweep v.grad is df/dv for every Value v, those in "
    "between and f itself too"
)
CHANGED = (
    "data was changed between forward and backward, and the derivative is that of the new data: "
    "compute the local derivatives when the node is recorded"
)
CALLS_ITSELF = (
    "it calls itself: 2 + x calls x.__radd__(2), and so does other + self in it. Write self + "
    "other, or make other a Value first"
)
NO_VALUE = "an operator gives back a new Value, of a number made of the two .data"


def data_of(v: Any) -> Any:
    """The data of a Value; a text if it is a Value too, which would be taken for its number."""
    data = v.data
    return "a Value, not a number" if isinstance(getattr(data, "data", None), int | float) else data


@check("Value")
def check_forward(Value: Any) -> Iterator[Case]:
    """A class ``Value``: its operators and functions compute, and leave their operands alone.

    It needs ``Value(number)`` with ``.data``; the operators ``+ - * /``, with a plain number on
    either side too; ``**`` with a number; unary ``-``; and ``exp log sin tanh relu``.
    """
    yield Case("Value(3.0).data", lambda: data_of(Value(3.0)), 3.0)
    binary: list[tuple[str, Callable[[Any, Any], Any], Mapping[str, Any]]] = [
        ("+", lambda a, b: a + b, {}),
        ("-", lambda a, b: a - b, {"b - a instead of a - b": lambda a, b: b - a}),
        ("*", lambda a, b: a * b, {}),
        ("/", lambda a, b: a / b, {"b / a instead of a / b": lambda a, b: b / a}),
    ]
    for symbol, f, mistakes in binary:
        for a, b in ((3.0, 4.0), (5.0, 2.0)):

            def result(f: Callable[[Any, Any], Any] = f, a: float = a, b: float = b) -> Any:
                return data_of(f(Value(a), Value(b)))

            known = {text: g(a, b) for text, g in mistakes.items()}
            yield Case(f"(Value({a}) {symbol} Value({b})).data", result, f(a, b), known, NO_VALUE)

    def alone(f: Callable[[Any, Any], Any]) -> Test:
        """For `Case.mistakes`: an error with a plain number, where two Values are right."""
        return of_errors(
            lambda got: (
                isinstance(got, TypeError | AttributeError)
                and agree(data_of(f(Value(3.0), Value(4.0))), f(3.0, 4.0))
            )
        )

    for symbol, f, _ in binary:  # each operator may treat ints and floats in its own way
        number = {
            "a plain number beside a Value: make it a Value first, unless it is one": alone(f)
        }
        for n in (2, 0.5):
            yield Case(f"(Value(3.0) {symbol} {n}).data",
                       partial(lambda f, n: data_of(f(Value(3.0), n)), f, n), f(3.0, n),
                       number)  # fmt: skip
    for x, n in ((3.0, 2), (-2.0, 3), (4.0, 0.5), (0.0, 2)):
        yield Case(f"(Value({x}) ** {n}).data", partial(lambda x, n: data_of(Value(x) ** n), x, n),
                   x**n)  # fmt: skip
    yield Case("(-Value(3.0)).data", lambda: data_of(-Value(3.0)), -3.0)
    reversed_by = {"-": REVERSED_SUB, "/": REVERSED_DIV}
    for symbol, f, _ in binary:
        for n, x in ((2, 3.0), (2, 4.0), (0.5, 3.0)):
            endless: dict[str, Any] = {
                CALLS_ITSELF: raises(RecursionError),
                "a plain number on the left calls the reflected method, such as __radd__": alone(f),
            }
            if symbol in reversed_by:
                endless[reversed_by[symbol]] = f(x, n)
            yield Case(f"({n} {symbol} Value({x})).data",
                       partial(lambda f, n, x: data_of(f(n, Value(x))), f, n, x), f(n, x),
                       endless)  # fmt: skip
    for name, x, z in [
        ("exp", 0.5, math.exp(0.5)), ("log", 2.0, math.log(2)), ("sin", 2.0, math.sin(2)),
        ("tanh", 0.5, math.tanh(0.5)), ("relu", 3.0, 3.0), ("relu", -3.0, 0.0),
        ("relu", 0.0, 0.0), ("exp", -0.5, math.exp(-0.5)), ("sin", -2.0, math.sin(-2)),
        ("tanh", -0.5, math.tanh(-0.5)),
    ]:  # fmt: skip

        def of(name: str = name, x: float = x) -> Any:
            return data_of(getattr(Value(x), name)())

        yield Case(f"Value({x}).{name}().data", of, z)

    def operands() -> list[float]:
        a, b = Value(3.0), Value(4.0)
        a + b, a * b, a - b, -a
        return [a.data, b.data]

    def operands_of_others() -> list[float]:
        a, b = Value(-3.0), Value(4.0)
        a / b, a**2, a.exp(), b.log(), a.sin(), a.tanh(), a.relu()
        return [a.data, b.data]

    for text, after, numbers in (
        ("a + b, a * b, a - b, -a", operands, [3.0, 4.0]),
        (
            "a / b, a ** 2, a.exp(), b.log(), a.sin(), a.tanh(), a.relu()",
            operands_of_others, [-3.0, 4.0],
        ),
    ):  # fmt: skip
        yield Case(f"a.data, b.data after {text}", after, numbers,
                   look="an operation makes a new Value, and changes none")  # fmt: skip


@check("Value")
def check_backward(Value: Any) -> Iterator[Case]:
    """A class ``Value``, as in `check_forward`, with ``.grad`` and ``.backward()``.

    ``v.grad`` is 0.0 at first, and after ``f.backward()`` it is df/dv for every Value v of the
    graph, f itself too. The gradient of a leaf adds up over calls of ``backward``; that of any
    other node is from the last call alone. Partial derivatives are those of the numbers that were
    there when a node was recorded.
    """
    yield Case("Value(3.0).grad, before any sweep", lambda: Value(3.0).grad, 0.0)
    cause = cause_of_all(Value)
    longer = cause or cause_of_longer(Value)
    half, sums = half_lost(Value), adds_up(Value)
    yield from because(cause, operators(Value, half, longer))
    elsewhere = "the .data of one of these operations, if all slopes are right"
    yield from because(longer, programs(Value, elsewhere if sums and half == OVERWRITTEN else ""))
    yield from because(longer, _sweeps(Value, half, sums))


def _sweeps(Value: Any, half: str, sums: bool) -> Iterator[Case]:
    """What only several operations show: the order, diamonds, and calls of ``backward`` again."""

    def two_roots() -> Any:
        x = Value(3.0)
        y = x * 2
        f, g = y * 5, y * 7
        f.backward()
        g.backward()
        return x.grad

    def is_kept() -> bool:
        """Whether the second root's share gets no further than the node that both use."""
        return agree(two_roots(), 10.0)

    def reset(*gives: Any) -> dict[str, Any]:
        """That a leaf is set to 0, where it isn't that every gradient is overwritten; or KEPT."""
        comes = any_of(*gives)
        said = {KEPT: of_results(lambda got: comes(got) and is_kept())}
        if sums:
            said[LEAVES_RESET] = of_results(lambda got: comes(got) and not is_kept())
        return said

    def leaf(f: Callable[[Any], Any], x: float) -> Callable[[], float]:
        def gradient() -> Any:
            v = Value(x)
            f(v).backward()
            return v.grad

        return gradient

    yield Case("x.backward(): x.grad of a leaf", leaf(lambda x: x, 3.0), 1.0)
    yield Case("x = 3, f = x * 2 + 1: x.grad", leaf(lambda x: x * 2 + 1, 3.0), 2.0)
    yield Case("x = 3, f = x * x: x.grad", leaf(lambda x: x * x, 3.0), 6.0, {half: 3.0})
    yield Case("x = 3, f = x + x: x.grad", leaf(lambda x: x + x, 3.0), 2.0, {half: 1.0})
    yield Case(
        "x = 3, y = x * 2, z = x * 3, f = y * z: x.grad",
        leaf(lambda x: (x * 2) * (x * 3), 3.0), 36.0,
        {half: 18.0},
    )  # fmt: skip
    for text, f, x, slope in (
        ("x ** 3", lambda x: x**3, -2.0, 12.0), ("x ** 0.5", lambda x: x**0.5, 4.0, 0.25),
        ("x ** 2", lambda x: x**2, 0.0, 0.0), ("x.relu()", lambda x: x.relu(), 0.0, 0.0),
        ("x * 2 + x", lambda x: x * 2 + x, 0.0, 3.0),
    ):  # fmt: skip
        yield Case(f"x = {x:g}, f = {text}: x.grad", leaf(f, x), slope)
    yield Case("x = 3, f = x - x: x.grad", leaf(lambda x: x - x, 3.0), 0.0,
               {half: any_of(1.0, -1.0)})  # fmt: skip
    yield Case("x = 3, f = x / x: x.grad", leaf(lambda x: x / x, 3.0), 0.0,
               {half: any_of(1 / 3, -1 / 3)})  # fmt: skip
    yield Case("x = 3, f = (x * 2) * 7: x.grad", leaf(lambda x: x * 2 * 7, 3.0), 14.0)

    def uneven(swapped: bool) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            y = x * 2
            z = y * 5
            return z + y if swapped else y + z

        return f

    def deep(swapped: bool) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            y = x * 2
            u = (y * 5) * 7
            return u + y if swapped else y + u

        return f

    def by_breadth() -> bool:
        """f, then y and u, then what they are made of: y hands on before u's share arrives."""
        return all(agree(leaf(deep(swapped), 3.0)(), 2.0) for swapped in (False, True))

    early = {
        BREADTH: of_results(lambda got: agree(got, 2.0) and by_breadth()),
        UNSORTED: of_results(lambda got: agree(got, 2.0) and not by_breadth()),
    }
    for swapped, text in ((False, "y + u"), (True, "u + y")):
        yield Case(
            f"x = 3, y = x * 2, u = y * 5 * 7, f = {text}: x.grad", leaf(deep(swapped), 3.0), 72.0,
            {half: 70.0, TWICE: any_of(74.0, 142.0, 144.0), **early},
        )  # fmt: skip
    for swapped, text in ((False, "y + z"), (True, "z + y")):
        yield Case(
            f"x = 3, y = x * 2, z = y * 5, f = {text}: x.grad", leaf(uneven(swapped), 3.0), 12.0,
            {half: 10.0, TWICE: any_of(14.0, 22.0, 24.0), **early},
        )  # fmt: skip

    def all_gradients(calls: int) -> Any:
        x = Value(3.0)
        y, z = x * 2, x * 3
        f = y * z
        for _ in range(calls):
            f.backward()
        return [v.grad for v in (x, y, z, f)]

    product = "x = 3, y = x * 2, z = x * 3, f = y * z, f.backward()"
    for calls, text, leaves, more in (
        (1, product, 36.0, {}),
        (
            2, f"{product} twice", 72.0,
            {
                # with f.grad = 1 in the second sweep, with f.grad = 2, and with a sum of two sweeps
                NOT_RESET: any_of([108, 18, 12, 1], [144, 27, 18, 2], [72, 18, 12, 2]),
                **reset([36, 9, 6, 1], [36, 9, 6, 2]),
            },
        ),
    ):  # fmt: skip
        alone = any_of([leaves, 0, 0, 0], [leaves, 0, 0, 1])
        yield Case(f"{text}: x.grad, y.grad, z.grad, f.grad", partial(all_gradients, calls),
                   [leaves, 9.0, 6.0, 1.0], {LEAVES_ALONE: alone, **more})  # fmt: skip

    def twice_through_functions() -> Any:
        x = Value(0.5)
        f = x.exp().sin()
        f.backward()
        f.backward()
        return x.grad

    slope = math.exp(0.5) * math.cos(math.exp(0.5))
    yield Case(
        "x = 0.5, f = x.exp().sin(), f.backward() twice: x.grad", twice_through_functions,
        2 * slope, {NOT_RESET: any_of(3 * slope, 4 * slope), **reset(slope)},
    )  # fmt: skip

    def repeated() -> Any:
        x = Value(3.0)
        f = (x * 2) * 5
        f.backward()
        f.backward()
        return x.grad

    yield Case("x = 3, f = x * 2 * 5, f.backward() twice: x.grad", repeated, 20.0,
               {NOT_RESET: any_of(30.0, 40.0), **reset(10.0)})  # fmt: skip

    yield Case(
        "x = 3, y = x * 2, f = y * 5, g = y * 7, f.backward(), g.backward(): x.grad",
        two_roots, 24.0, {NOT_RESET: 34.0, **reset(14.0), KEPT: 10.0},
    )  # fmt: skip

    def changed() -> Any:
        x = Value(3.0)
        f = x * x
        x.data = 100.0
        f.backward()
        return x.grad

    yield Case("x = 3, f = x * x, x.data = 100, f.backward(): x.grad", changed, 6.0,
               {CHANGED: 200.0, half: any_of(3.0, 100.0)})  # fmt: skip

    def changed_later(f: Callable[[Any], Any], number: float) -> Callable[[], Any]:
        def gradient() -> Any:
            x = Value(2.0)
            z = f(x)
            x.data = number
            z.backward()
            return x.grad

        return gradient

    for text, f, number, slope, later in (
        ("1 / x", lambda x: 1 / x, 100.0, -0.25, -1e-4),
        ("x ** 3", lambda x: x**3, 100.0, 12.0, 3e4),
        ("x.log()", lambda x: x.log(), 100.0, 0.5, 0.01),
        ("x.sin()", lambda x: x.sin(), 100.0, math.cos(2), math.cos(100)),
        ("x.relu()", lambda x: x.relu(), -100.0, 1.0, 0.0),
    ):
        yield Case(f"x = 2, f = {text}, x.data = {number:g}, f.backward(): x.grad",
                   changed_later(f, number), slope, {CHANGED: later})  # fmt: skip

    def changed_quotient() -> Any:
        a, b = Value(3.0), Value(4.0)
        f = a / b
        a.data = b.data = 100.0
        f.backward()
        return [a.grad, b.grad]

    yield Case(
        "a = 3, b = 4, f = a / b, a.data = b.data = 100, f.backward(): a.grad, b.grad",
        changed_quotient, [0.25, -0.1875], {CHANGED: [0.01, -0.01]},
    )  # fmt: skip

    def changed_result() -> Any:
        x = Value(2.0)
        y = x.exp()
        f = y * 3
        y.data = 100.0
        f.backward()
        return x.grad

    yield Case("x = 2, y = x.exp(), f = y * 3, y.data = 100, f.backward(): x.grad", changed_result,
               3 * math.exp(2), {CHANGED: 300.0})  # fmt: skip

    def leaf_twice() -> Any:
        x = Value(3.0)
        x.backward()
        x.backward()
        return x.grad

    yield Case("x.backward() twice: x.grad of a leaf", leaf_twice, 2.0, reset(1.0))

    def doubled(x: Any) -> Any:
        for _ in range(24):
            x = x + x
        return x

    paths = "every path is walked, of which there are 2^24 here: give each node one turn"
    yield Case("x = x + x, 24 times: the gradient", leaf(doubled, 1.0), 2.0**24,
               {half: 1.0}, slow=paths)  # fmt: skip
