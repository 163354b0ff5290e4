"""The algebra of programs: a row for each expression that is computed in another way than recorded.

A row is a pattern and its replacement. A pattern is itself an expression, over variables:
x and y are arrays, c and d plain numbers, q a condition, u and v any of these, k an axis. A pattern
that is a product or an alternative is matched in both orders. The first row that fits is taken; a
row whose replacement is None does not fit.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from .expressions import Arithmetic, Expr

Rule = tuple[Expr, Callable[..., Any]]

p = Arithmetic()  # without rules: patterns stay as they are written
x, y, c, d, q, u, v, k = (p.name(name, ()) for name in "xycdquvk")

ARRAYS, NUMBERS, CONDITIONS = (x, y), (c, d), (q,)


def total(a: Any, axis: Any) -> Any:
    """The pattern of a sum along an axis."""
    return p.make("sum", a, info=axis)


def choice(condition: Any, a: Any, b: Any) -> Any:
    """The pattern of a choice by a condition."""
    return p.make("where", condition, a, b)


def negative_factor(m: Arithmetic, c: float, x: Expr) -> Any:
    """A sign stands in front of a product."""
    return -(-c * m.number(x)) if c < 0.0 else None


def powers_of_two(m: Arithmetic, c: float, d: float, x: Expr) -> Any:
    """Their product is exact, as long as the result is an ordinary number."""
    is_power = math.frexp(c)[0] == 0.5
    return c * d * x if is_power and 1e-300 < abs(c * d) < math.inf else None


def sum_where(m: Arithmetic, q: Expr, x: Expr, k: int) -> Any:
    """Zeros need not be added; but along the batch NumPy is faster if they are."""
    return m.reduce("sum", x, k, q) if x.shape == q.shape and k == 0 else None


def smaller_exponential(m: Arithmetic, x: Expr) -> Any:
    """exp(-|x|) where x <= 0, else 1; in one row, `softplus` has the minimum already."""
    return m.exp(m.minimum(x, 0.0)) if x.shape[0] == 1 else None


def smaller_exponential_of_minus(m: Arithmetic, x: Expr) -> Any:
    """The same of -x, for which `softplus` has the maximum."""
    return m.exp(-m.maximum(x, 0.0)) if x.shape[0] == 1 else None


def slope_of_relu(m: Arithmetic, x: Expr, y: Expr) -> Any:
    """It is 1, 0 or nan, as is the sign of the result, which is faster in NumPy."""
    return m.make("sign", y) if m.maximum(x, 0.0) is y else None


# fmt: off
RULES: list[Rule] = [
    (x + x,                             lambda m, x: 2.0 * x),
    (x + -y,                            lambda m, x, y: x - y),
    (p.maximum(-x, 0.0) + p.log1p(y),   lambda m, x, y: m.log1p(y) - m.minimum(x, 0.0)),
    (1.0 * x,                           lambda m, x: m.number(x)),
    (c * x,                             negative_factor),
    (-x * u,                            lambda m, x, u: -(x * u)),
    (c * (d * x),                       powers_of_two),
    (-x / u,                            lambda m, x, u: -(x / u)),
    (x / 1.0,                           lambda m, x: x),
    (-(-x),                             lambda m, x: x),  # noqa: B002
    (p.abs(-x),                         lambda m, x: m.abs(x)),
    (p.pow(x, 1.0),                     lambda m, x: x),
    (total(-x, k),                      lambda m, x, k: -m.reduce("sum", x, k)),
    (total(x / total(x, k), k),         lambda m, x, k: 1.0),  # a softmax of finite numbers
    (total(choice(q, x, 0.0), k),       sum_where),
    (u - v > 0.0,                       lambda m, u, v: m.make("greater", u, v)),
    (-x > 0.0,                          lambda m, x: x < 0.0),
    (choice(q, 1.0, 0.0),               lambda m, q: q),
    (choice(q, 0.0, 1.0),               lambda m, q: ~q),
    (choice(q, choice(q, u, 0.0) * v, 0.0),     lambda m, q, u, v: m.choose(q, u * v, 0.0)),
    (choice(q, p.make("float", q) * u, 0.0),    lambda m, q, u: m.choose(q, u, 0.0)),
    (q | ~q,                            lambda m, q: 1.0),
    (choice(x > 0.0, 1.0, y),           slope_of_relu),
    (choice(x > 0.0, 1.0, p.exp(-p.abs(x))),    smaller_exponential),
    (choice(x < 0.0, 1.0, p.exp(-p.abs(x))),    smaller_exponential_of_minus),
]
# fmt: on


@cache
def rewriting(rules: tuple[Rule, ...]) -> Callable[..., Any]:
    """A function for `Arithmetic`: the replacement of an expression, or None."""
    rewritten = {pattern.op for pattern, _ in rules}

    @cache
    def candidates(op: str, heads: tuple[Any, ...]) -> list[tuple[Match, Callable[..., Any]]]:
        """The rules that may fit an operation, by the operations of its arguments."""
        return [
            (_operation(pattern), right_side)
            for pattern, right_side in rules
            if pattern.op == op and all(map(_may_be, pattern.args, heads))
        ]

    def rewrite(m: Arithmetic, op: str, args: tuple[Any, ...], info: Any) -> Any:
        if op not in rewritten:
            return None
        for order in (args, args[::-1]) if op in ("mul", "or") else (args,):
            heads = tuple([a.op if isinstance(a, Expr) else None for a in order])
            for fits, right_side in candidates(op, heads):
                found: dict[str, Any] = {}
                if fits(order, info, found):
                    simpler = right_side(m, **found)
                    if simpler is not None:
                        return simpler
        return None

    return rewrite


def _may_be(part: Any, head: str | None) -> bool:
    """Whether an argument that is this operation (None: a number) may fit a pattern."""
    if not isinstance(part, Expr) or part in NUMBERS:
        return head is None
    if part in (*ARRAYS, *CONDITIONS):
        return head is not None
    return part.op in ("name", head)


Match = Callable[[tuple[Any, ...], Any, dict[str, Any]], bool]


def _operation(pattern: Expr) -> Match:
    """Whether arguments and info of an operation fit a pattern; the variables that they give."""
    n, info_wanted = len(pattern.args), pattern.info
    parts = [_argument(part) for part in pattern.args]

    def fits(args: tuple[Any, ...], info: Any, found: dict[str, Any]) -> bool:
        if len(args) != n:
            return False
        for part, a in zip(parts, args):
            if not part(a, found):
                return False
        wanted = found.setdefault("k", info) if info_wanted is k else info_wanted
        return bool(wanted == info)

    return fits


def _argument(part: Any) -> Callable[[Any, dict[str, Any]], bool]:
    """Whether an argument, an expression or a number, fits a part of a pattern."""
    if not isinstance(part, Expr):
        return lambda a, found: isinstance(a, float) and repr(a) == repr(part)  # not -0.0 for 0.0
    if part.op != "name":
        op, fits = part.op, _operation(part)
        return lambda a, found: isinstance(a, Expr) and a.op == op and fits(a.args, a.info, found)
    name = str(part.info)
    if part in CONDITIONS:
        return lambda a, found: (
            isinstance(a, Expr) and a.is_condition and found.setdefault(name, a) is a
        )
    kind: Any = Expr if part in ARRAYS else float if part in NUMBERS else object
    return lambda a, found: isinstance(a, kind) and found.setdefault(name, a) is a
