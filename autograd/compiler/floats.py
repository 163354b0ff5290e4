"""Programs for one example, number by number.

NumPy needs a microsecond for an operation, however few numbers it has; Python's floats need a
twentieth of that for each. So where the arrays of a single example are short, it is run in plain
floats. They raise errors where IEEE has inf or nan: then NumPy runs it.
"""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..primitives import FLOATS, RAISED
from .expressions import Expr, Index, lengths
from .listing import At, Listing, Statement
from .numpy import heading, step

WORTH = 16  # as many operations on floats take as long as one of NumPy's
LONGEST = 20_000  # operations on floats in the text

Array = npt.NDArray[np.float64]


def _minimum(x: float, y: float) -> float:
    return x if x < y or x != x else y


def _sign(x: float) -> float:
    return x if x == 0.0 or x != x else math.copysign(1.0, x)


USED = {
    "inf": math.inf, "nan": math.nan, "maximum": FLOATS.maximum, "minimum": _minimum,
    "sign": _sign, "power": math.pow,
    **{f: getattr(math, f) for f in ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh")},
    "erf": math.erf, "erfc": math.erfc,
}  # fmt: skip
ENTRYWISE = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}",
    "pow": "power({}, {})", "abs": "abs({})", "greater": "{} > {}", "less": "{} < {}",
    "differs": "{} != {}", "not": "not {}", "and": "{} and {}", "or": "{} or {}",
    "where": "{1} if {0} else {2}", "float": "1.0 if {} else 0.0",
    **{f: f"{f}({{}}, {{}})" for f in ("maximum", "minimum")},
    **{f: f"{f}({{}})" for f in USED if f not in ("inf", "nan", "maximum", "minimum", "power")},
}  # fmt: skip
MOVING = {
    "name", "columns", "count", "transpose", "rows", "joined", "reshape", "full", "zeros", "empty",
    "item", "earlier", "entry",
}  # fmt: skip
SUMS = {"sum", "max", "reduceat", "matmul"}


class Cost(NamedTuple):
    """What a program consists of, for one example.

    Attributes:
        operations: on arrays.
        numbers: operations on floats that these are.
        text: how many of them there are in the text, where the body of a loop stands once.
    """

    operations: int
    numbers: int
    text: int


def is_worth_it(listing: Listing, cost: Cost) -> bool:
    """Whether plain floats are faster than arrays for one example, and can do what they do."""
    if not {x.op for x in listing.users} <= {*ENTRYWISE, *MOVING, *SUMS}:
        return False
    return cost.numbers < WORTH * cost.operations and cost.text < LONGEST


def cost_of(listing: Listing) -> Cost:
    """What one example costs."""
    numbers = operations = text = 0
    for statements, times in listing.scopes:
        seen: set[Expr] = set()
        stack = [listing.result, *[s.value for s in statements]]
        while stack:
            x = stack.pop()
            if isinstance(x, Expr) and x not in seen:
                seen.add(x)
                stack += x.args
                size = 0 if x.op in MOVING else _size(x)
                numbers, text = numbers + size * times, text + size
                operations += times * (not x.is_cheap)
        operations += times * len(statements)
    return Cost(operations, numbers, text)


def _size(x: Expr) -> int:
    """How many operations on floats an operation on arrays is."""
    n = math.prod(lengths(x.args[0].shape if x.op in SUMS else x.shape))
    return n * lengths(x.shape)[-1] if x.op == "matmul" else n


class Example:
    """A program for one example; it is written when it is first run."""

    def __init__(self, listing: Listing) -> None:
        self._listing: Listing | None = listing
        self._shape = lengths(listing.result.shape)
        self._run: Callable[..., list[float]]

    def __call__(self, batch: Array, parameters: Array, out: Array | None) -> Array | None:
        """The outputs for the one row of ``batch``, and the gradient into ``out``, if given.

        None, and nothing is written, where that needs more than Python's floats.
        """
        listing = self._listing
        if listing is not None:  # two threads may both write it: then both write the same
            namespace: dict[str, Any] = dict(USED)
            text = _Floats(listing).file()
            exec(compile(text, "<autograd.compile, one example>", "exec"), namespace)
            self._run, self._listing = namespace["example"], None
        gradient = None if out is None else [0.0] * len(out)
        try:
            outputs = self._run(batch[0].tolist(), parameters.tolist(), gradient)
        except RAISED:
            return None
        if out is not None:
            out[:] = gradient
        return np.array(outputs, float).reshape(self._shape)


class _Floats:
    """A program as lines for single numbers. The entries of an array are names, in an array."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.lines: list[str] = []
        self.indent, self.count = "    ", 0
        self.arrays: dict[str, Any] = {}  # by name: of entries, or for stacks of lists
        self.known: dict[Expr, Any] = {}
        self.kept: dict[Expr, Any] = {}  # of all steps of a loop, in lists
        self.current: dict[str, Any] = {}  # of stacks, the entries of the step that is running
        self.stacks = {x.args[0].info for x in listing.users if x.op in ("earlier", "entry")}
        self.stacks |= {s.name for s in listing.statements if isinstance(s.index, At)}
        self.stacks -= listing.local

    def file(self) -> str:
        """The whole function."""
        listing = self.listing
        for name, array in listing.constants.items():
            self.arrays[name] = array if array.dtype.kind == "i" else _each(_number, array)
        flat = np.array([f"p[{i}]" for i in range(listing.parameters)], object)
        into = np.array([f"g[{i}]" for i in range(listing.parameters)], object)
        for name, view in listing.views.items():
            at = np.arange(listing.parameters)
            if view is not None:
                rows = view.start + view.width * np.arange(view.rows)[:, None]
                at = rows + np.arange(view.columns)
            self.arrays[name], self.arrays[f"d_{name}"] = flat[at], into[at]
        self.run(listing.forward)
        outputs = ", ".join(np.ravel(self.entries(listing.result)).tolist())
        self.line("if g is None:")
        self.line(f"    return [{outputs}]")
        self.run(listing.backward)
        self.line(f"return [{outputs}]")
        return "\n".join(["def example(x, p, g):", *self.lines]) + "\n"

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def new(self, value: str) -> str:
        """A name for a number."""
        self.count += 1
        self.line(f"v{self.count} = {value}")
        return f"v{self.count}"

    def run(self, statements: Iterable[Statement]) -> None:
        """Lines for some statements."""
        for statement in statements:
            if statement.body:
                self.line(heading(statement))
                outside, self.known = self.known, dict(self.known)
                self.indent += "    "
                self.run(statement.body)
                self.indent, self.known = self.indent[:-4], outside
                self.current = {}
            else:
                self.state(statement)

    def state(self, statement: Statement) -> None:
        """Lines for one statement."""
        x, name, index = statement.value, statement.name, statement.index
        if statement.kind == "let" and isinstance(x, Expr) and x.op in ("empty", "zeros"):
            self.arrays[name] = self.room(name, lengths(x.shape))
            return
        value = self.entries(x)
        if statement.kind == "let":
            value = np.broadcast_to(value, lengths(statement.shape))
            if name in self.stacks:
                columns = _each(lambda column: f"[{', '.join(column)}]", _together(value))
                value = _each(self.new, columns)
            elif isinstance(x, Expr):  # perhaps a view: what is added to it is added to its array
                self.known[x] = value
            self.arrays[name] = value
            return
        target = self.arrays[name]
        if isinstance(index, At):
            at = step(index.step) if index.inside else str(index.step)
            target = _each(lambda entry: f"{entry}[{at}]", target)[self.rows(index.rows)]
            if statement.kind == "set" and index == At(0, inside=True):
                self.current[name] = np.broadcast_to(value, target.shape)
            if self.listing.named.get(x) is statement:
                self.known[x], self.kept[x] = value, self.arrays[name]
        elif index is not None:
            target = target[self.rows(index)]
        sign = "+=" if statement.kind == "add" else "="
        for left, right in zip(target.ravel(), np.broadcast_to(value, target.shape).ravel()):
            self.line(f"{left} {sign} {right}")

    def room(self, name: str, shape: tuple[int, ...]) -> Any:
        """Names for numbers that are 0; or for lists of them, one number for each step."""
        if name in self.stacks:
            return _each(lambda at: self.new(f"[0.0] * {shape[0]}"), _places(shape[1:]))
        return _each(lambda at: self.new("0.0"), _places(shape))

    def rows(self, index: Index) -> Any:
        """Rows as NumPy takes them."""
        if isinstance(index, range):
            return slice(index.start, index.stop, index.step)
        if isinstance(index, Expr):
            return self.arrays[str(index.info)]
        return index if isinstance(index, slice) else np.array(index)

    def entries(self, x: Any) -> Any:
        """The names or numbers that the entries of an expression are."""
        if not isinstance(x, Expr):
            return np.array(_number(x), object)
        if x.op == "name":
            return self.arrays[str(x.info)]
        if x not in self.known:
            if x in self.kept:
                self.known[x] = _each(lambda entry: self.new(f"{entry}[t]"), self.kept[x])
            else:
                self.known[x] = self.moved(x) if x.op in MOVING else self.computed(x)
        return self.known[x]

    def moved(self, x: Expr) -> Any:
        """Entries that stand elsewhere."""
        args = [self.entries(a) for a in x.args]
        if x.op == "columns":
            return np.array([f"x[{i}]" for i in range(self.listing.inputs)], object)[
                self.rows(x.info), None
            ]
        if x.op == "count":
            return np.array("1.0", object)
        if x.op == "zeros":
            return _each(_number, np.zeros(lengths(x.shape)))
        if x.op == "joined":
            joined = np.concatenate(args)
            return joined if x.info is None else joined[self.rows(x.info)]
        (a,) = args
        if x.op == "transpose":
            return a.T
        if x.op == "rows":
            return a[self.rows(x.info)]
        if x.op == "item":
            return a[x.info]
        if x.op == "full":
            return np.broadcast_to(a, lengths(x.shape))
        if x.op == "reshape":
            if x.args[0].op == "name" and x.args[0].info in self.stacks:
                steps = range(lengths(x.args[0].shape)[0])
                a = np.array(
                    [np.vectorize(f"{{}}[{k}]".format, [object])(a) for k in steps], object
                )
            return a.reshape(lengths(x.shape))
        name = x.args[0].info
        if name in self.listing.local:
            return a
        if x.op == "earlier" and x.info == 0 and name in self.current:
            return self.current[name]
        at = step(x.info) if x.op == "earlier" else str(x.info)
        return _each(lambda entry: self.new(f"{entry}[{at}]"), a)

    def computed(self, x: Expr) -> Any:
        """Entries that are computed, each in a line."""
        args = [self.entries(a) for a in x.args]
        if x.op in ENTRYWISE:
            is_square = x.op == "pow" and x.args[1] == 2.0
            template = "{0} * {0}" if is_square else ENTRYWISE[x.op]
            return _each(
                lambda entries: self.new(template.format(*map(_enclosed, entries))),
                _together(np.broadcast_arrays(*args)),
            )
        if x.op == "matmul":
            a, b = map(np.vectorize(_enclosed, otypes=[object]), args)
            return _each(
                lambda at: self.total([f"{p} * {q}" for p, q in zip(a[at[0]], b[:, at[1]])]),
                _places((len(a), b.shape[1])),
            )
        if x.op == "reduceat":
            a, starts = args
            runs = pairwise([*starts.tolist(), len(a)])
            return np.array([[self.total(column) for column in a[i:j].T] for i, j in runs], object)
        a, axis = args[0], x.info
        if len(args) == 2:
            a = _each(lambda pair: "({} if {} else 0.0)".format(*pair), _together(args))
        a = np.moveaxis(a, axis, 0)
        reduced = self.total if x.op == "sum" else self.largest
        found = _each(lambda at: reduced(list(a[(slice(None), *at)])), _places(a.shape[1:]))
        return np.expand_dims(found, axis) if len(x.shape) == len(x.args[0].shape) else found

    def total(self, terms: Iterable[str]) -> str:
        """The name of their sum."""
        return self.new(" + ".join(map(_enclosed, terms)))

    def largest(self, terms: list[str]) -> str:
        """The name of their maximum."""
        top = terms[0]
        for v in terms[1:]:
            top = self.new(f"maximum({top}, {v})")
        return top


def _each(f: Callable[[Any], Any], array: Any) -> Any:
    """``f`` of each entry of an array."""
    found = np.empty(np.shape(array), object)
    for at in np.ndindex(found.shape):
        found[at] = f(array[at])
    return found


def _places(shape: tuple[int, ...]) -> Any:
    """An array of the places of its own entries."""
    found = np.empty(shape, object)
    for at in np.ndindex(shape):
        found[at] = at
    return found


def _together(arrays: Iterable[Any]) -> Any:
    """An array of the tuples of entries that stand at one place."""
    arrays = list(arrays)
    return _each(lambda at: tuple([array[at] for array in arrays]), _places(arrays[0].shape))


def _number(x: Any) -> str:
    return repr(float(x))


def _enclosed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text
