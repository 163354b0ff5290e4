"""Programs as NumPy: once to be read, and once to be run.

Both do the same operations in the same order. But the lines to be run put results elsewhere in
memory, which is faster:

- a parameter's gradient is computed where it belongs, and not copied there afterwards;
- the product of a wide layer has its columns, the examples, one after another. Row by row, with a
  power of two of examples, equal columns of all rows would fall on the same places of the cache;
- inputs that are not multiplied by a matrix, such as targets, are laid out row by row, as the
  results that they meet are;
- numbers are arrays already; otherwise every operation would turn them into arrays anew.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from .expressions import ALL, Expr, Index, Shape
from .listing import At, Listing, Statement, View
from .names import Names

WIDE = 64  # rows of a product that is laid out column by column
WRITTEN_OUT = 8  # entries of an index or a constant that stand in the source

# How tightly an operator binds, as in Python: an operand that binds less tightly needs parentheses.
ATOM, MINUS, TIMES, MATMUL, PLUS, AND, OR, COMPARE = range(8)


def _left(statement: Statement) -> str:
    """What a statement gives a value to."""
    index = statement.index
    return statement.name if index is None else f"{statement.name}[{_index(index)}]"


def heading(loop: Statement) -> str:
    """The first line of a loop."""
    steps = f"range({loop.steps.start}, {loop.steps.stop})"
    return f"for t in {steps if loop.kind == 'loop' else f'reversed({steps})'}:"


def step(back: int) -> str:
    """So many steps before the one that is running."""
    return f"t - {back}" if back else "t"


def _index(index: Index | At) -> str:
    """Rows of an array, as they stand between brackets."""
    if isinstance(index, At):
        at = step(index.step) if index.inside else str(index.step)
        return at if index.rows == ALL else f"{at}, {_index(index.rows)}"
    if isinstance(index, slice):
        return ":"
    if isinstance(index, range):
        return f"{index.start}:{index.stop}" + (f":{index.step}" if index.step > 1 else "")
    return str(index.info) if isinstance(index, Expr) else str(np.array(index).tolist())


def _size(shape: Shape) -> str:
    """A shape as an expression."""
    return f"({', '.join(str(n).replace('*', ' * ').replace('b', 'len(batch)') for n in shape)})"


def _sum(x: Expr) -> str:
    keep = ", keepdims=True" if len(x.args[0].shape) == 2 else ""
    where = ", where={}" if len(x.args) == 2 else ""
    return f"{{}}.{x.op}(axis={x.info}{keep}{where})"


def _power(x: Expr) -> str:
    # For a plain 0.5 np.power takes the square root, which at -inf is nan and not inf.
    return f"np.{'float_power' if x.args[1] == 0.5 else 'power'}({{}}, {{}})"


def _joined(x: Expr) -> str:
    order = "" if x.info is None else f"[{_index(x.info)}]"
    return f"np.concatenate([{_places(x)}]){order}"


def _places(x: Expr) -> str:
    return ", ".join(["{}"] * len(x.args))


# Functions that NumPy lacks: a program calls those of the table of primitives.
CALLED = {"erf": "the error function", "erfc": "1 - erf"}

# How each operation is written ({} stands for an argument), and how tightly that binds.
WRITTEN: dict[str, tuple[str | Callable[[Expr], str], int]] = {
    **{f: (f"{f}({{}})", ATOM) for f in CALLED},
    "neg": ("-{}", MINUS),
    "not": ("~{}", MINUS),
    "add": ("{} + {}", PLUS),
    "sub": ("{} - {}", PLUS),
    "mul": ("{} * {}", TIMES),
    "div": ("{} / {}", TIMES),
    "matmul": ("{} @ {}", MATMUL),
    "greater": ("{} > {}", COMPARE),
    "less": ("{} < {}", COMPARE),
    "at_least": ("{} >= {}", COMPARE),
    "at_most": ("{} <= {}", COMPARE),
    "differs": ("{} != {}", COMPARE),
    "and": ("{} & {}", AND),
    "or": ("{} | {}", OR),
    "pow": (_power, ATOM),
    **{
        f: (f"np.{f}({{}})", ATOM)
        for f in ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "abs", "sign")
    },
    **{f: (f"np.{f}({{}}, {{}})", ATOM) for f in ("maximum", "minimum")},
    "where": ("np.where({}, {}, {})", ATOM),
    "float": ("{}.astype(float)", ATOM),
    "transpose": ("{}.T", ATOM),
    "sum": (_sum, ATOM),
    "max": (_sum, ATOM),
    "reduceat": ("np.add.reduceat({}, {}, axis=0)", ATOM),
    "joined": (_joined, ATOM),
    "count": ("len(batch)", ATOM),
    "columns": (lambda x: f"batch[:, {_index(x.info)}].T", ATOM),
    "rows": (lambda x: f"{{}}[{_index(x.info)}]", ATOM),
    "reshape": (lambda x: f"{{}}.reshape{_size(x.shape)}", ATOM),
    "full": (lambda x: f"np.broadcast_to({{}}, {_size(x.shape)})", ATOM),
    "zeros": (lambda x: f"np.zeros({_size(x.shape)})" if x.shape else "0.0", ATOM),
    "empty": (lambda x: f"np.empty({_size(x.shape)}{', bool' * x.info[1]})", ATOM),
    "earlier": (lambda x: f"{{}}[{step(x.info)}]", ATOM),
    "entry": (lambda x: f"{{}}[{x.info}]", ATOM),
    "own": (lambda x: f"{x.info}({_places(x)})", ATOM),
    "item": (lambda x: f"{{}}[{x.info}]", ATOM),
}


def called(listing: Listing) -> list[str]:
    """The functions that NumPy lacks and the program uses."""
    return sorted({x.op for x in listing.users} & CALLED.keys())


def write(listing: Listing, names: Names) -> tuple[str, str]:
    """The program to be read, and the program to be run.

    Raises:
        ValueError: a row of the table of primitives uses a function that `WRITTEN` lacks.
    """
    for x in listing.users:
        if x.op != "name" and x.op not in WRITTEN:
            raise ValueError(
                f"the primitive {x.m.asked[x.op].symbol!r} uses the function {x.op!r}, which the "
                "printer for NumPy lacks: add it to autograd.compiler.numpy.WRITTEN"
            )
    factors = {x.info for x, found in listing.users.items() if {*found} <= {"matmul", "transpose"}}
    return Reading(listing).file(), Running(listing, names, factors).file()


class Reading:
    """The program as it is to be read."""

    def __init__(self, listing: Listing) -> None:
        self.listing, self.named = listing, listing.named

    def file(self) -> str:
        """The whole program."""
        listing = self.listing
        m, views = listing.parameters, listing.views
        result = f"return {self.expression(listing.result, COMPARE)}"
        body = [
            *([f"{listed(views)} = parameters"] if views else []),
            "# forward",
            *self.lines(listing.forward),
            "if gradients is None:",
            f"    {result}",
            "# backward",
            *([f"{listed(f'd_{name}' for name in views)} = gradients"] if views else []),
            *self.lines(listing.backward),
            result,
        ]
        head = self.head()
        lines = [
            "import numpy as np",
            "",
            *head,
            *["", ""][: 1 + bool(head)],
            "def views(flat):",
            f'    """The arrays inside a flat vector ({m},) of parameters, or of gradients."""',
            *[f"    {name} = {_view(view)}" for name, view in views.items() if view],
            f"    return {listed(views)}",
            "",
            "",
            "def program(batch, parameters, gradients=None):",
            f'    """Outputs for a batch (b, {listing.inputs}); the gradient of their sum: into '
            'gradients."""',
            *[f"    {line}" for line in body],
        ]
        return "\n".join(lines) + "\n"

    def head(self) -> list[str]:
        """What the functions use by name."""
        lines = []
        for name, array in self.listing.constants.items():
            if array.size <= WRITTEN_OUT:
                entries = str(array.tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
                lines.append(f"{name} = np.array({entries})")
            else:
                lines.append(f"# {name}: an array {array.shape} of constants")
        return [
            *lines,
            *[f"# {name}: {CALLED[name]}" for name in called(self.listing)],
            *[
                f"# {name}: your own primitive; d_{name}: its partial derivatives"
                for name in self.listing.functions
            ],
        ]

    def lines(self, statements: Iterable[Statement]) -> Iterator[str]:
        """The statements, with the shapes of their results."""
        for statement in statements:
            if statement.body:
                yield heading(statement)
                yield from [f"    {line}" for line in self.lines(statement.body)]
            else:
                yield self.assignment(statement) + _comment(statement.shape)

    def assignment(self, statement: Statement) -> str:
        """A statement."""
        value = self.expression(
            statement.value, COMPARE, defined=self.named.get(statement.value) is statement
        )
        left = _left(statement)
        return f"{left} {'+=' if statement.kind == 'add' else '='} {value}"

    def expression(self, x: Any, loosest: int, defined: bool = False) -> str:
        """``x``, in parentheses if it binds less than ``loosest``; its name if not ``defined``."""
        if not isinstance(x, Expr):
            return self.number(x, loosest)
        if x.op == "name":
            return str(x.info)
        if x in self.named and not defined:
            return _left(self.named[x])
        template, level = self.operation(x)
        first, others = _limits(template.startswith("{}"), level)
        texts = [self.expression(a, others if i else first) for i, a in enumerate(x.args)]
        text = template.format(*texts)
        return f"({text})" if level > loosest else text

    def operation(self, x: Expr) -> tuple[str, int]:
        """Its template, and how tightly that binds."""
        if x.op == "earlier" and x.args[0].info in self.listing.local:
            return "{}", ATOM
        template, level = WRITTEN[x.op]
        return template if isinstance(template, str) else template(x), level

    def number(self, x: float, loosest: int) -> str:
        """A plain number."""
        if math.isfinite(x):
            return repr(x) if x >= 0 or loosest >= MINUS else f"({x!r})"
        return "np.nan" if math.isnan(x) else "np.inf" if x > 0 else "(-np.inf)"


class Running(Reading):
    """The program as it is run; ``factors`` are the names that are used in products only."""

    def __init__(self, listing: Listing, names: Names, factors: set[str]) -> None:
        super().__init__(listing)
        self.names, self.factors = names, factors
        self.numbers: dict[str, str] = {}  # what a number is called

    def head(self) -> list[str]:
        return [
            *super().head(),
            *[f"{name} = np.array({number})" for number, name in self.numbers.items()],
        ]

    def assignment(self, statement: Statement) -> str:
        """A statement with its result where it belongs in memory."""
        x, name = statement.value, statement.name
        text = super().assignment(statement)
        if not isinstance(x, Expr) or x in self.named or x.shape != statement.shape:
            return text
        if statement.kind == "let" and x.op == "columns" and name not in self.factors:
            return f"{text}.copy()"
        if statement.kind != "set" or statement.index != ALL:
            return text
        if x.op == "sum" and x.info == 1 and len(x.args) == 1 and len(x.args[0].shape) == 2:
            array = self.expression(x.args[0], COMPARE)
            return f"np.add.reduce({array}, axis=1, keepdims=True, out={name})"
        if x.op == "matmul":
            # For one column it is an outer product, for which NumPy's matmul has no fast way.
            of_columns = x.args[0].shape[1] == "b"
            one = "(np.multiply if len(batch) == 1 else np.matmul)" if of_columns else "np.matmul"
            a, b = (self.expression(factor, COMPARE) for factor in x.args)
            return f"{one}({a}, {b}, out={name})"
        return text

    def operation(self, x: Expr) -> tuple[str, int]:
        if x.op == "matmul" and x.shape[1] == "b" and int(x.shape[0]) >= WIDE:
            return 'np.matmul({}, {}, order="F")', ATOM
        return super().operation(x)

    def number(self, x: float, loosest: int) -> str:
        text = super().number(x, COMPARE)
        if text not in self.numbers:
            self.numbers[text] = self.names.new("c")
        return self.numbers[text]


@cache
def _limits(in_front: bool, level: int) -> tuple[int, int]:
    """How loosely the first argument and the others may bind to need no parentheses.

    An atom with an argument ``in_front`` is a method or an index of it; else it is a call.
    """
    if level == ATOM:
        return ATOM if in_front else COMPARE, COMPARE
    if level == COMPARE:
        return PLUS, PLUS
    if level in (AND, OR):
        return level, MINUS if level == AND else AND
    if level in (PLUS, TIMES):  # a - b - c is (a - b) - c
        return level, TIMES if level == PLUS else MINUS
    return ATOM, ATOM


def _comment(shape: Shape) -> str:
    return f"  # ({', '.join(map(str, shape))})" if shape else ""


def _view(view: View) -> str:
    """An array inside the flat vector, with its shape."""
    r, d, start, width = view.rows, view.columns, view.start, view.width
    if d == 1:
        stride = f":{width}" if width > 1 else ""
        text = f"flat[{start}:{start + width * (r - 1) + 1}{stride}, None]"
    elif r == 1:
        text = f"flat[None, {start}:{start + width}]"
    else:
        block = f"flat[{start}:{start + width * r}].reshape({r}, {width})"
        text = block + (f"[:, :{d}]" if width > d else "")
    return f"{text}  # ({r}, {d})"


def listed(names: Iterable[str]) -> str:
    """Names as a tuple."""
    names = list(names)
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names) or "()"
