"""A primitive's row as JavaScript: its value and partial derivatives at numbers.

Pages that compute show every value and every gradient, so nothing is grouped: each node of a
recorded graph is one call of the function printed here from the row of its primitive. The row runs
in the arithmetic `Scalars`, in which a vector is a tuple of expressions. What JavaScript's ``Math``
lacks or has otherwise stands in ``runtime.js``, `RUNTIME`; the functions are to stand below that.

>>> from autograd import primitives as p
>>> print(row(p.MUL, (None, None)))
(x, d, o) => {
  d[o] = x[1]; d[o + 1] = x[0];
  return x[0] * x[1];
}
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from .. import primitives as p
from .expressions import Arithmetic, Expr, LackError

RUNTIME = Path(__file__).with_name("runtime.js").read_text(encoding="utf-8")
LONG = 100  # letters: what has more becomes a constant of its own

# How tightly an operator binds, as in JavaScript: parentheses go around what binds less.
ATOM, MINUS, TIMES, PLUS, COMPARE, AND, OR, CHOICE = range(8)

# Each operation: how it is written, how tightly that binds, and how loosely its first argument and
# the others may bind.
WRITTEN = {
    "neg": ("-{}", MINUS, ATOM, ATOM),
    "add": ("{} + {}", PLUS, PLUS, TIMES),
    "sub": ("{} - {}", PLUS, PLUS, TIMES),
    "mul": ("{} * {}", TIMES, TIMES, MINUS),
    "div": ("{} / {}", TIMES, TIMES, MINUS),
    "greater": ("{} > {}", COMPARE, PLUS, PLUS),
    "less": ("{} < {}", COMPARE, PLUS, PLUS),
    "at_least": ("{} >= {}", COMPARE, PLUS, PLUS),
    "at_most": ("{} <= {}", COMPARE, PLUS, PLUS),
    "differs": ("{} !== {}", COMPARE, PLUS, PLUS),
    "not": ("!{}", MINUS, ATOM, ATOM),
    "and": ("{} && {}", AND, AND, COMPARE),
    "or": ("{} || {}", OR, OR, AND),
    "where": ("{} ? {} : {}", CHOICE, OR, OR),
    "float": ("{} ? 1 : 0", CHOICE, OR, OR),
}
# Functions of numbers, and those of a list, all of them in `RUNTIME`.
CALLED = {
    "exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "erfc", "abs", "sign", "pow",
    "maximum", "minimum",
}  # fmt: skip
OF_LISTS = {"sum", "max"}
FROM_MEMORY = {"load", "table", "count"}  # of loop nests: their arguments are whole numbers


class Scalars(Arithmetic):
    """The arithmetic of single numbers; a vector is a tuple of them."""

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        return self.make("sum", *x, shape=())

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        return self.make("max", *x, shape=())


def row(primitive: p.Primitive, arguments: tuple[int | float | None, ...]) -> str:
    """The function ``(x, d, o)`` that returns a primitive's value.

    It reads the inputs from the array ``x``, vectors one after another, and writes the partial
    derivatives to ``d[o]``, ``d[o + 1]``, ...

    Args:
        primitive: a row of the table, or a user's own.
        arguments: of each the length, an ``int``, if it is a vector; None for a number. A float is
            itself: it takes a place in ``x``, which is not read, and in ``d``, not written.

    Raises:
        ValueError: the row asks for what can't be printed.
    """
    m, places = Scalars(), count()
    m.running, m.compares = primitive, primitive.function is None

    def made(argument: Any) -> Any:
        if type(argument) is int:
            return tuple([made(None) for _ in range(argument)])
        place = m.name(f"x[{next(places)}]", ())
        return place if argument is None else argument

    x = tuple(map(made, arguments))
    try:
        value, partials = primitive.on(m)
        z = value(*x)
        return _function(m, z, list(_by_input(x, partials(z, *x))))
    except LackError as error:
        raise ValueError(lacking(primitive.symbol, str(error))) from None
    except Exception as error:
        raise ValueError(
            f"the printer for JavaScript can't print the primitive {primitive.symbol!r} ({error}). "
            "Write it with operators and the functions of autograd; in place of `if` on a number "
            "use autograd.where(c, a, b)"
        ) from error


def lacking(symbol: str, function: str) -> str:
    """What is to be said about a primitive that uses a function unknown here."""
    return (
        f"the primitive {symbol!r} uses the function {function!r}, which the printer for "
        "JavaScript lacks: add it to autograd.compiler.javascript and runtime.js"
    )


def _by_input(x: tuple[Any, ...], ds: tuple[Any, ...]) -> Iterator[Any]:
    """The partial derivative by each input, and None by what is a plain number."""
    for argument, d in zip(x, ds):
        if type(argument) is tuple:
            yield from d[: len(argument)]  # a row's may run on past the argument's end
        else:
            yield d if isinstance(argument, Expr) else None


class Text:
    """Expressions as text; what is used more than once, or is long, as constants before it.

    Attributes:
        lines: those constants.
        texts: what has been written, and how tightly it binds, by expression.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.texts: dict[Expr, tuple[str, int]] = {}
        self._names = count()

    def prepare(self, roots: Iterable[Any]) -> None:
        """Write the constants that expressions need."""
        uses = self._uses(roots)
        for x in sorted(uses, key=lambda x: x.serial):
            self.texts[x] = text, _ = self.operation(x)
            if x.op != "name" and (uses[x] > 1 or len(text) > LONG):
                self.constant(x, text)

    def constant(self, x: Expr, text: str) -> None:
        """A constant, which stands for an expression from now on."""
        name = f"t{next(self._names)}"
        self.lines.append(f"const {name} = {text};")
        self.texts[x] = name, ATOM

    def _uses(self, roots: Iterable[Any]) -> Counter[Expr]:
        """Expressions to be written, and how often each stands in others or is asked for."""
        found: Counter[Expr] = Counter()
        stack = list(roots)
        while stack:
            x = stack.pop()
            if not isinstance(x, Expr) or x in self.texts:
                continue
            if x not in found and x.op not in FROM_MEMORY:
                stack += x.args
            found[x] += 1
        return found

    def written(self, x: Any, loosest: int = CHOICE) -> str:
        """An expression that may bind so loosely."""
        if not isinstance(x, Expr):
            text, level = number(x)
        else:
            text, level = self.texts[x] if x in self.texts else self.operation(x)
        return f"({text})" if level > loosest else text

    def operation(self, x: Expr) -> tuple[str, int]:
        """An expression in terms of its arguments, and how tightly it binds."""
        if x.op == "name":
            return str(x.info), ATOM
        if x.op in WRITTEN:
            template, level, first, others = WRITTEN[x.op]
            texts = [self.written(a, others if i else first) for i, a in enumerate(x.args)]
            return template.format(*texts), level
        texts = [self.written(a) for a in x.args]
        if x.op in CALLED:
            return f"{x.op}({', '.join(texts)})", ATOM
        if x.op in OF_LISTS:
            return f"{x.op}([{', '.join(texts)}])", ATOM
        raise LackError(x.op)


def _function(m: Scalars, z: Any, ds: list[Any]) -> str:
    """A value and its partial derivatives as a function."""
    z, *ds = [d if d is None else m.number(d) for d in (z, *ds)]
    text = Text()
    text.prepare([z, *ds])
    lines = [f"  {line}\n" for line in text.lines]
    # Written only now: x and d may be the same array.
    stores = [f"d[o{f' + {i}' if i else ''}] = {text.written(d)};"
              for i, d in enumerate(ds) if d is not None]  # fmt: skip
    return f"(x, d, o) => {{\n{''.join(lines)}  {' '.join(stores)}\n  return {text.written(z)};\n}}"


def number(x: float) -> tuple[str, int]:
    """A plain number."""
    text = repr(float(x)).removesuffix(".0")
    text = text.replace("inf", "Infinity") if math.isinf(x) else text.replace("nan", "NaN")
    return text, MINUS if text.startswith("-") else ATOM
