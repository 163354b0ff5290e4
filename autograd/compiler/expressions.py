"""The fourth arithmetic: rows of the table of primitives print the NumPy that they mean.

A `Text` is an expression over arrays, with the shape that its result will have. A `Sheet` makes
them, and is the arithmetic ``m`` that a row runs in: the row that computes ``m.exp(x) / y`` on
numbers writes ``np.exp(x) / y`` here. Equal expressions are one object, so that what is used more
than once is found, and gets a line and a name of its own.

Shapes are tuples of whole numbers, with ``"b"`` for the size of the batch. A vector argument of an
n-ary primitive is a single Text whose first axis runs over the vector.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..primitives import ARRAYS, SIGMOID
from .names import Names

Shape = tuple[int | str, ...]

# How tightly an operator binds, as in Python: parentheses go around what binds less.
ATOM, MINUS, TIMES, MATMUL, PLUS, COMPARE = range(6)
NAMES = {"np.exp(": "e", ".max(": "top", ".sum(": "total"}  # of lines that have no label
INDEXES = 8  # entries of an index or a constant that are written out


class Text:
    """An expression: ``template`` with its ``args`` put in."""

    __slots__ = (
        "args", "boolean", "cheap", "key", "level", "serial", "shape", "sheet", "template", "wish",
    )  # fmt: skip

    __array_ufunc__ = None  # NumPy's scalars leave `number * text` to us

    def __init__(
        self, sheet: "Sheet", key: tuple[Any, ...], args: tuple[Any, ...], level: int, shape: Shape
    ) -> None:
        self.sheet, self.key, self.template, self.args = sheet, key, str(key[0]), args
        self.level, self.shape = level, shape
        self.serial = sheet.next_serial()
        self.boolean = False
        self.cheap = not args  # a name, or a view: not worth a line however often it is used
        # The name it would have on a line of its own.
        self.wish = next((name for part, name in NAMES.items() if part in self.template), "t")

    def __add__(self, other: Any) -> Any:
        if other is self:
            return 2.0 * self
        if _is_negative(other):
            return self - other.args[0]
        if self.template == "np.maximum({}, {})" and isinstance(other, Text):
            x, y = self.args
            if _is_negative(x) and _is(y, 0.0) and other.template == "np.log1p({})":
                return other - self.sheet.call("np.minimum", x.args[0], 0.0)  # softplus(-x)
        return self.sheet.binary("+", PLUS, self, other)

    def __radd__(self, other: Any) -> Any:
        return self.sheet.binary("+", PLUS, other, self)

    def __sub__(self, other: Any) -> Any:
        return self.sheet.binary("-", PLUS, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.sheet.binary("-", PLUS, other, self)

    def __mul__(self, other: Any) -> Any:
        return self.sheet.times(self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.sheet.times(other, self)

    def __truediv__(self, other: Any) -> Any:
        if _is_negative(self):
            return -(self.args[0] / other)
        return self if _is(other, 1.0) else self.sheet.binary("/", TIMES, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.sheet.binary("/", TIMES, other, self)

    def __matmul__(self, other: "Text") -> "Text":
        shape = (self.shape[0], other.shape[1])
        return self.sheet.node("{} @ {}", (self, other), shape, MATMUL)

    def __neg__(self) -> "Text":
        if _is_negative(self):
            return self.args[0]  # type: ignore[no-any-return]
        return self.sheet.node("-{}", (self,), self.shape, MINUS)

    def __pos__(self) -> "Text":
        return self

    @property
    def T(self) -> "Text":
        """The transposed matrix."""
        if self.template == "{}.T":
            return self.args[0]  # type: ignore[no-any-return]
        return self.sheet.view("{}.T", (self,), self.shape[::-1])


@dataclass
class Line:
    """A line of source: ``template`` with its ``args`` put in; ``shape`` is that of its result."""

    serial: int
    template: str
    args: tuple[Any, ...]
    shape: Shape


class Sheet:
    """Expressions, and the lines of source that they end up in."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.constants: dict[str, np.ndarray[Any, Any]] = {}
        self.functions: dict[str, Any] = {}  # what the source calls by name
        self._constants: dict[Any, str] = {}
        self._interned: dict[Any, Text] = {}
        self._serial = 0
        self.lines: list[Line] = []

    def next_serial(self) -> int:
        """The place in the order in which things were made, which is the order of the source."""
        self._serial += 1
        return self._serial

    # Making expressions

    def leaf(self, name: str, shape: Shape) -> Text:
        """An array that has a name."""
        return self.node(name, (), shape)

    def node(self, template: str, args: tuple[Any, ...], shape: Shape, level: int = ATOM) -> Text:
        """An expression, or the one that already is the same."""
        args = tuple([a if isinstance(a, Text) else float(a) for a in args])
        key = (template, *[a if isinstance(a, Text) else repr(a) for a in args])
        text = self._interned.get(key)
        if text is None:
            text = self._interned[key] = Text(self, key, args, level, shape)
        return text

    def view(self, template: str, args: tuple[Any, ...], shape: Shape) -> Text:
        """An expression that costs nothing."""
        text = self.node(template, args, shape)
        text.cheap = True
        return text

    def binary(self, symbol: str, level: int, a: Any, b: Any) -> Text:
        """``a symbol b``, element by element."""
        if symbol != "*" or _is_boolean(a):  # NumPy multiplies by a condition as by 1.0 and 0.0
            a, b = self.number(a), self.number(b)
        template = f"{{}} {symbol} {{}}"
        return self.node(template, (a, b), broadcast(a, b), level)

    def times(self, a: Any, b: Any) -> Any:
        """The product, without factors of 1; signs stand in front, powers of 2 come together."""
        for x, y in ((a, b), (b, a)):
            if _is(x, 1.0):
                return self.number(y)
            if isinstance(x, float) and x < 0.0:
                return -self.times(-x, self.number(y))
            if _is_negative(x):
                return -self.times(x.args[0], y)
            if isinstance(x, float) and math.frexp(x)[0] == 0.5 and y.template == "{} * {}":
                factor, rest = y.args
                if isinstance(factor, float) and 1e-300 < abs(x * factor) < math.inf:
                    return self.times(x * factor, rest)
        return self.binary("*", TIMES, a, b)

    def number(self, x: Any) -> Any:
        """``x``, a condition as 1.0 or 0.0."""
        if _is_boolean(x):
            return self.node("{}.astype(float)", (x,), x.shape)
        return x

    def call(self, function: str, *args: Any) -> Any:
        """A function of arrays, element by element; of numbers alone, its value."""
        if not any(isinstance(a, Text) for a in args):
            with np.errstate(all="ignore"):
                return float(getattr(np, function.removeprefix("np."))(*args))
        args = tuple(map(self.number, args))
        template = f"{function}({', '.join(['{}'] * len(args))})"
        return self.node(template, args, broadcast(*args))

    def reduce(self, method: str, x: Text, axis: int) -> Any:
        """A sum or maximum along an axis. The axis stays, with length 1, if there are only two."""
        if method == "sum" and _is_negative(x):
            return -self.reduce(method, x.args[0], axis)
        if method == "sum" and x.template == "{} / {}" and isinstance(x.args[0], Text):
            part, whole = x.args
            if part.shape == x.shape and whole is self.reduce("sum", part, axis):
                return 1.0  # the softmax: x / x.sum() adds up to 1
        if len(x.shape) == 2:
            shape: Shape = (1, x.shape[1]) if axis == 0 else (x.shape[0], 1)
            keep = ", keepdims=True"
        else:
            shape, keep = x.shape[:axis] + x.shape[axis + 1 :], ""
        if method == "sum" and x.template == "np.where({}, {}, {})" and _is(x.args[2], 0.0):
            template = f"{{}}.sum(axis={axis}{keep}, where={{}})"
            return self.node(template, (x.args[1], x.args[0]), shape)
        # Conditions can be counted, but have no maximum.
        return self.node(
            f"{{}}.{method}(axis={axis}{keep})", (x if method == "sum" else self.number(x),), shape
        )

    def constant(self, array: Any, name: str = "c") -> Text:
        """An array of numbers that are the same in every batch."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.names.new(name)
            self.constants[self._constants[key]] = array
        return self.leaf(self._constants[key], array.shape)

    def index(self, rows: Any) -> str:
        """Rows of an array as they stand between brackets; a slice where they allow it."""
        array = np.asarray(rows)
        if array.ndim == 1:
            if len(array) == 1:
                return f"{array[0]}:{array[0] + 1}"
            step = int(array[1] - array[0])
            if step > 0 and (np.diff(array) == step).all():
                return f"{array[0]}:{array[-1] + 1}" + (f":{step}" if step > 1 else "")
        if array.size <= INDEXES:
            return str(array.tolist())
        return str(self.constant(array, "index").template)

    def rows(self, x: Text, rows: list[int]) -> Text:
        """Some rows of an array."""
        index = self.index(rows)
        make = self.view if ":" in index else self.node
        return make(f"{{}}[{index}]", (x,), (len(rows), *x.shape[1:]))

    def full(self, x: Any, shape: Shape) -> Text:
        """``x`` with all its rows and columns, where it stands for equal ones."""
        x = self.number(x)
        if isinstance(x, Text) and x.shape == shape:
            return x
        return self.node(f"np.broadcast_to({{}}, {self.size(shape)})", (x,), shape)

    def size(self, shape: Shape) -> str:
        """A shape as an expression."""
        return f"({', '.join('len(batch)' if n == 'b' else str(n) for n in shape)})"

    # The arithmetic of the rows of the table

    def __getattr__(self, name: str) -> Any:
        """A function of one number, such as ``m.exp``, is NumPy's of the same name."""
        if name not in ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh"):
            raise AttributeError(name)
        return lambda x: self.call(f"np.{name}", x)

    def special(self, name: str, x: Any) -> Any:
        """A function of one number that NumPy has not; the source calls it by name."""
        function = getattr(ARRAYS, name)
        if not isinstance(x, Text):
            return float(function(x))
        self.functions[name] = function
        return self.call(name, x)

    def erf(self, x: Any) -> Any:
        """The error function."""
        return self.special("erf", x)

    def erfc(self, x: Any) -> Any:
        """1 less the error function."""
        return self.special("erfc", x)

    def abs(self, x: Any) -> Any:
        """The absolute value, for which the sign does not matter."""
        return self.call("np.abs", x.args[0] if _is_negative(x) else x)

    def pow(self, x: Any, y: Any) -> Any:
        """The power; x^1 is x."""
        return x if _is(y, 1.0) else self.call("np.power", x, y)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger of two."""
        return self.call("np.maximum", x, y)

    def where(self, c: Any, a: Any, b: Any) -> Any:
        """``a`` where c > 0, else ``b``."""
        if not isinstance(c, Text):
            return a if c > 0.0 else b
        if c.shape[0] == 1 and _is(a, 1.0) and b is self.exp(-self.abs(c)):
            # The same, in fewer calls: `softplus` has the minimum, or the maximum, already.
            if _is_negative(c):
                return self.exp(-self.maximum(c.args[0], 0.0))
            return self.exp(self.call("np.minimum", c, 0.0))
        # As IEEE has it, a - b > 0 where a > b, and only there.
        template, args = "{} > {}", (self.number(c), 0.0)  # type: tuple[str, tuple[Any, ...]]
        if c.template == "{} - {}":
            args = c.args
        elif _is_negative(c):
            template, args = "{} < {}", (*c.args, 0.0)
        condition = self.node(template, args, c.shape, COMPARE)
        condition.boolean = True
        if _is(a, 1.0) and _is(b, 0.0):
            return condition
        if _is(a, 0.0) and _is(b, 1.0):
            opposite = self.node("~{}", (condition,), c.shape, MINUS)
            opposite.boolean = True
            return opposite
        args = (condition, self.number(a), self.number(b))
        return self.node("np.where({}, {}, {})", args, broadcast(c, a, b))

    def step(self, x: Any) -> Any:
        """1 where x > 0, else 0."""
        return self.where(x, 1.0, 0.0)

    def sigmoid(self, x: Any) -> Any:
        """As the table of primitives has it."""
        return SIGMOID.on(self)[0](x)

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        (x,) = x
        return self.reduce("sum", x, axis=0)  # type: ignore[arg-type]

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        (x,) = x
        return self.reduce("max", x, axis=0)  # type: ignore[arg-type]

    # Writing

    def line(self, template: str, *args: Any, shape: Shape = ()) -> Line:
        """A line of source, after all that was made before."""
        line = Line(self.next_serial(), template, args, shape)
        self.lines.append(line)
        return line

    def assign(self, wish: str, x: Any, shape: Shape) -> Text:
        """A line that gives ``x`` a name."""
        name, text = self.names.new(wish), self.full(x, shape)
        self.line(f"{name} = {{}}", text, shape=shape)
        leaf = self.leaf(name, shape)
        self._interned[text.key] = leaf  # whoever writes the same again means this
        return leaf


def broadcast(*args: Any) -> Shape:
    """The shape of an operation over ``args`` element by element."""
    shapes: Sequence[Shape] = [a.shape for a in args if isinstance(a, Text)]
    width = max(map(len, shapes))
    padded = [(1,) * (width - len(shape)) + shape for shape in shapes]
    return tuple([next((n for n in axis if n != 1), 1) for axis in zip(*padded)])


def _is(x: Any, number: float) -> bool:
    return isinstance(x, float) and x == number


def _is_negative(x: Any) -> bool:
    return isinstance(x, Text) and x.template == "-{}"


def _is_boolean(x: Any) -> bool:
    return isinstance(x, Text) and x.boolean
