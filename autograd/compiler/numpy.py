"""Expressions as lines of Python: once to be read, and once to be run.

Both do the same, operation by operation, in the same order. The lines to be run only put results
elsewhere in memory, which takes less time:

- a parameter's gradient is computed where it belongs, and not copied there afterwards;
- the product of a wide layer has its columns, the examples, one after another. Row by row, with a
  power of two of examples, equal columns of all rows would fall on the same places of the cache;
- inputs that are not multiplied by a matrix, such as targets, are laid out row by row, as the
  results that they meet are;
- numbers are arrays already, which every operation would else make of them anew.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .expressions import ATOM, COMPARE, MATMUL, MINUS, PLUS, TIMES, Line, Text
from .names import Names

LONGEST = 5  # operations in a line; what has more gets lines of its own
WIDE = 64  # rows of a product that is laid out column by column
PRODUCT, TRANSPOSED = "{} @ {}", "{}.T"
ROW_SUMS = "{}.sum(axis=1, keepdims=True)"


def write(lines: list[Line], names: Names) -> tuple[list[str], list[str], dict[str, str]]:
    """All lines, and those of expressions that are used more than once: to read, and to run.

    Returns:
        The lines to read, the lines to run, and the names that numbers have in these.
    """
    users: defaultdict[Text, list[str]] = defaultdict(list)  # the templates that it stands in
    stack = [(a, line.template) for line in lines for a in line.args if isinstance(a, Text)]
    while stack:
        text, user = stack.pop()
        users[text].append(user)
        if len(users[text]) == 1:
            stack += [(a, text.template) for a in text.args if isinstance(a, Text)]
    own = _own_lines(users, names)
    all_lines = [
        *lines,
        *[Line(text.serial, f"{name} = {{}}", (text,), text.shape) for text, name in own.items()],
    ]
    all_lines.sort(key=lambda line: line.serial)
    factors = {text.template for text in users if {*users[text]} <= {PRODUCT, TRANSPOSED}}
    to_read, to_run = Reading(own), Running(own, names, factors)
    return (
        [to_read.line(line) for line in all_lines],
        [to_run.line(line) for line in all_lines],
        to_run.numbers,
    )


def _own_lines(users: dict[Text, list[str]], names: Names) -> dict[Text, str]:
    """The expressions that get a line of their own, and what they are called there."""
    own: set[Text] = set()
    sizes: dict[Text, int] = {}  # how many operations an expression adds to its line

    def size(x: Any) -> int:
        return 0 if x in own else sizes.get(x, 0)

    for text in sorted(users, key=lambda text: text.serial):
        while sum(map(size, text.args)) >= LONGEST:
            own.add(max(text.args, key=size))
        sizes[text] = sum(map(size, text.args)) + (not text.cheap)
        if len(users[text]) > 1 and not text.cheap:
            own.add(text)
    return {text: names.new(text.wish) for text in sorted(own, key=lambda text: text.serial)}


class Reading:
    """Expressions as they are to be read; some have a name of their own."""

    def __init__(self, own: dict[Text, str]) -> None:
        self.own = own

    def line(self, line: Line) -> str:
        """A line, with the shape of its result."""
        left = line.template.removesuffix(" = {}")
        texts = [
            self.expression(a, COMPARE, defined=isinstance(a, Text) and self.own.get(a) == left)
            for a in line.args
        ]
        comment = f"  # ({', '.join(map(str, line.shape))})" if line.shape else ""
        return line.template.format(*texts) + comment

    def expression(self, x: Any, loosest: int, defined: bool = False) -> str:
        """``x``, in parentheses if it binds less than ``loosest``; its name if not ``defined``."""
        if not isinstance(x, Text):
            return self.number(x, loosest)
        if x in self.own and not defined:
            return self.own[x]
        template, level = self.operation(x)
        limits = _limits(template, level)
        text = template.format(*[self.expression(a, next(limits)) for a in x.args])
        return f"({text})" if level > loosest else text

    def operation(self, x: Text) -> tuple[str, int]:
        """Its template, and how tightly that binds."""
        return x.template, x.level

    def number(self, x: float, loosest: int) -> str:
        """A plain number."""
        if math.isfinite(x):
            return repr(x) if x >= 0 or loosest >= MINUS else f"({x!r})"
        return "np.nan" if math.isnan(x) else "np.inf" if x > 0 else "(-np.inf)"


class Running(Reading):
    """Expressions as they are run; ``factors`` are the names that stand in products alone."""

    def __init__(self, own: dict[Text, str], names: Names, factors: set[str]) -> None:
        super().__init__(own)
        self.names, self.factors = names, factors
        self.numbers: dict[str, str] = {}  # what a number is called

    def line(self, line: Line) -> str:
        return super().line(self._laid_out(line))

    def _laid_out(self, line: Line) -> Line:
        """The line with its result where it belongs."""
        left, is_assignment, _ = line.template.partition(" = {}")
        x = line.args[0] if is_assignment else None
        if not isinstance(x, Text) or x in self.own or x.shape != line.shape:
            return line
        if x.template.startswith("batch[") and left not in self.factors:
            return replace(line, template=f"{line.template}.copy()")
        name = left.removesuffix("[:]")
        if name == left:
            return line
        if x.template == ROW_SUMS:
            sums = f"np.add.reduce({{}}, axis=1, keepdims=True, out={name})"
            return replace(line, template=sums, args=x.args)
        if x.template == PRODUCT:
            # Of one column it is an outer product, for which NumPy's matmul has no fast way.
            of_columns = x.args[0].shape[1] == "b"
            one = "(np.multiply if len(batch) == 1 else np.matmul)"
            product = f"{one if of_columns else 'np.matmul'}({{}}, {{}}, out={name})"
            return replace(line, template=product, args=x.args)
        return line

    def operation(self, x: Text) -> tuple[str, int]:
        if x.template == PRODUCT and x.shape[1] == "b" and int(x.shape[0]) >= WIDE:
            return 'np.matmul({}, {}, order="F")', ATOM
        return super().operation(x)

    def number(self, x: float, loosest: int) -> str:
        text = super().number(x, COMPARE)
        if text not in self.numbers:
            self.numbers[text] = self.names.new("c")
        return self.numbers[text]


def _limits(template: str, level: int) -> Iterator[int]:
    """How loosely each argument in turn may bind to need no parentheses."""
    for i in itertools.count():
        if level == ATOM:  # a method or an index of the first argument; else a call
            yield ATOM if i == 0 and template.startswith("{}") else COMPARE
        elif level in (MINUS, MATMUL):
            yield ATOM
        elif level == COMPARE:
            yield PLUS
        else:  # a - b - c is (a - b) - c
            yield level if i == 0 else TIMES if level == PLUS else MINUS
