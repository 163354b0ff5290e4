"""The compiler's language, as data: expressions over arrays.

An `Expr` is an operation, its arguments (expressions or plain numbers), what else the operation
needs (an axis, an index, a name) and the shape of its result. An `Arithmetic` makes them, and is
the fourth one in which a row of the table of primitives can run: the row that computes
``m.exp(x) / y`` on numbers builds the expression here. Equal expressions are one object, so that
those used more than once are found.

Shapes are tuples of whole numbers, with ``"b"`` for the size of the batch (``"8*b"``: 8 columns
for each example). A vector argument of an n-ary primitive is a single expression whose first axis
runs over the vector.

| operation | what it is |
|---|---|
| ``name`` | an array that has a name, its ``info`` |
| ``columns``, ``count`` | columns of the batch (``info``) as rows; how many examples it has |
| ``add sub mul div pow maximum minimum neg`` | element by element |
| ``exp log log1p sqrt sin cos tanh abs sign`` | the same; and other functions that a row asks for |
| ``greater less at_least at_most differs not and or`` | conditions |
| ``where float`` | a choice by a condition; a condition as 1.0 or 0.0 |
| ``sum max`` | along an axis (``info``); a sum may be of the entries where a condition holds |
| ``reduceat`` | sums of neighbouring rows, which begin at the second argument |
| ``matmul transpose`` | matrices |
| ``rows joined reshape full zeros`` | some rows; arrays one below the other; other shapes |
| ``own item`` | a user's own primitive, called by name; one of several results |
| ``earlier entry empty`` | the array of a step, in a loop or outside; room for the arrays of all |
"""

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, Union

import numpy as np

from .. import primitives as p

Shape = tuple[int | str, ...]
# Rows of an array: a regular run of them, a short list (or a list of lists), an array that has a
# name, or all.
Index = Union[range, tuple[Any, ...], "Expr", slice]
ALL = slice(None)

CONDITIONS = {"greater", "less", "at_least", "at_most", "differs", "not", "and", "or"}
MOVED = {"rows", "reshape", "full"}  # of a condition they make a condition
# For all other operations, conditions are 1.0 and 0.0.
TAKE_CONDITIONS = {"not", "and", "or", "float", "where", "sum", "reduceat", *MOVED}
VIEWS = {
    "name", "columns", "count", "zeros", "empty", "transpose", "reshape", "item", "earlier",
    "entry",
}  # fmt: skip


def _binary(op: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator of `Expr`, and its reflected form."""

    def operator(self: "Expr", other: Any) -> Any:
        return self.m.make(op, self, other)

    def reflected(self: "Expr", other: Any) -> Any:
        return self.m.make(op, other, self)

    return operator, reflected


class Expr:
    """An expression, made by the arithmetic ``m``; ``serial`` is its place in the order of making.

    Two are equal only if they are the same object: an arithmetic makes equal ones once.

    Attributes:
        is_condition: whether its entries are true or false.
        is_cheap: whether it costs nothing: it is then not worth a name, however often it is used.
        loop: which loop it is computed in, anew at each step; None outside of all.
    """

    __slots__ = ("args", "info", "is_cheap", "is_condition", "loop", "m", "op", "serial", "shape")
    __array_ufunc__ = None  # NumPy's scalars leave `number * expression` to us

    def __init__(
        self, m: "Arithmetic", op: str, args: tuple[Any, ...], info: Any, shape: Shape
    ) -> None:
        self.m, self.op, self.args, self.info, self.shape = m, op, args, info, shape
        self.serial = m.next_serial()
        self.is_condition = op in CONDITIONS or (op in MOVED and _is_condition(args[0]))
        self.is_cheap = op in VIEWS or (op == "rows" and type(info) is range)
        self.loop: Any = m.loop if op == "earlier" else None
        for a in args:
            if type(a) is Expr and a.loop is not None:
                self.loop = a.loop

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("sub")
    __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("div")
    __pow__, __rpow__ = _binary("pow")
    __gt__, __lt__ = _binary("greater")[0], _binary("less")[0]
    __ge__, __le__ = _binary("at_least")[0], _binary("at_most")[0]

    def __neg__(self) -> Any:
        return self.m.make("neg", self)

    def __pos__(self) -> "Expr":
        return self

    def __abs__(self) -> Any:
        return self.m.make("abs", self)

    def __bool__(self) -> bool:
        raise TypeError("an expression has no number yet, by which Python could branch")

    def __eq__(self, other: object) -> bool:
        # The table's rows ask whether an exponent is a certain number: an expression is not.
        if isinstance(other, Real) and not self.m.compares:
            raise TypeError("an expression has no number yet, to be compared by == with another")
        return self is other

    __hash__ = object.__hash__

    __and__, __or__ = _binary("and")[0], _binary("or")[0]

    def __invert__(self) -> Any:
        return self.m.make("not", self)

    def __matmul__(self, other: "Expr") -> Any:
        return self.m.make("matmul", self, other, shape=(*self.shape[:1], *other.shape[1:]))

    @property
    def T(self) -> Any:
        """The transposed matrix."""
        if self.op == "transpose":
            return self.args[0]
        return self.m.make("transpose", self, shape=self.shape[::-1])

    def __repr__(self) -> str:
        what = [*map(repr, self.args), *([] if self.info is None else [str(self.info)])]
        return f"{self.op}({', '.join(what)})" if self.op != "name" else str(self.info)


Rewrite = Callable[["Arithmetic", str, tuple[Any, ...], Any], Any]


class LackError(Exception):
    """An operation that a printer lacks."""


class Arithmetic:
    """Makes expressions; ``rewrite`` may give a simpler one in place of each (`compiler.rules`).

    Attributes:
        asked: which primitive's row first asked for an operation.
        loop: the loop that is being written, to which new names belong; None outside.
    """

    def __init__(self, rewrite: Rewrite = lambda m, op, args, info: None) -> None:
        self._rewrite = rewrite
        self._made: dict[Any, Expr] = {}
        self._serial = 0
        self.asked: dict[str, p.Primitive] = {}
        self.running: p.Primitive | None = None
        self.loop: Any = None
        self.compares = True  # expressions with numbers by ==, of which none is equal

    def next_serial(self) -> int:
        """Counts what is made: the source has the same order."""
        self._serial += 1  # `itertools.count` can't be copied from Python 3.14 on
        return self._serial

    def make(self, op: str, *args: Any, info: Any = None, shape: Shape | None = None) -> Any:
        """An expression; or a simpler one that means the same; or the equal one made before."""
        args = tuple([a if isinstance(a, Expr) else float(a) for a in args])
        made = self._made.get(key := self._key(op, args, info))
        if made is not None:
            return made
        simpler = self._rewrite(self, op, args, info)
        if simpler is not None:
            return simpler
        # NumPy multiplies by a condition as by 1.0 and 0.0.
        if op not in TAKE_CONDITIONS and any(map(_is_condition, args[:1] if op == "mul" else args)):
            return self.make(op, *map(self.number, args), info=info, shape=shape)
        shape = broadcast(*args) if shape is None else shape
        made = self._made[key] = Expr(self, op, args, info, shape)
        return made

    def _key(self, op: str, args: tuple[Any, ...], info: Any) -> tuple[Any, ...]:
        """What equal expressions have in common; 0.0 and -0.0 are not equal.

        Nor are the arrays of a step in two loops, which are read at different times.
        """
        loop = id(self.loop) if op == "earlier" else 0
        return op, info, loop, *[a if isinstance(a, Expr) else repr(a) for a in args]

    def name(self, name: str, shape: Shape) -> Any:
        """An array that has a name."""
        return self.make("name", info=name, shape=shape)

    def local(self, name: str, shape: Shape) -> Expr:
        """An array that has a name, in the loop that is being written."""
        x: Expr = self.name(name, shape)
        x.loop = self.loop
        return x

    def stands_for(self, name: Expr, x: Expr) -> None:
        """From now on, making ``x`` again gives its name."""
        self._made[self._key(x.op, x.args, x.info)] = name

    def number(self, x: Any) -> Any:
        """``x``, a condition as 1.0 or 0.0."""
        return self.make("float", x) if _is_condition(x) else x

    def full(self, x: Any, shape: Shape) -> Any:
        """``x`` with all its rows and columns, if one stands for many equal ones."""
        if isinstance(x, Expr) and x.shape == shape:
            return x
        return self.make("full", x, info=shape, shape=shape)

    def zeros(self, shape: Shape) -> Any:
        """An array of zeros, to which others are added."""
        return self.make("zeros", info=shape, shape=shape)

    def empty(self, shape: Shape, of_conditions: bool = False) -> Any:
        """Room for the arrays of all steps of a loop."""
        return self.make("empty", info=(shape, of_conditions), shape=shape)

    def reshape(self, x: Expr, shape: Shape) -> Any:
        """The entries of ``x`` in another shape."""
        return self.make("reshape", x, info=shape, shape=shape)

    def rows(self, x: Expr, index: Index) -> Any:
        """Some rows of an array."""
        return self.make("rows", x, info=index, shape=(*shape_of(index), *x.shape[1:]))

    def earlier(self, x: Expr, back: int) -> Any:
        """In a loop, the array of so many steps before, of the arrays ``x`` of all steps."""
        return self.make("earlier", x, info=back, shape=x.shape[1:])

    def reduce(self, op: str, x: Expr, axis: int, *condition: Expr) -> Any:
        """A sum or maximum along an axis. The axis stays, with length 1, if there are only two."""
        if len(x.shape) == 2:
            shape: Shape = (1, x.shape[1]) if axis == 0 else (x.shape[0], 1)
        else:
            shape = x.shape[:axis] + x.shape[axis + 1 :]
        return self.make(op, x, *condition, info=axis, shape=shape)

    # The functions of numbers that the rows of the table of primitives are written in

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A function of numbers, such as ``m.exp``: the operation of the same name."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self.running is not None:
            self.asked.setdefault(name, self.running)

        def function(*args: Any) -> Any:
            if not any(isinstance(a, Expr) for a in args):
                with np.errstate(all="ignore"):
                    return float(getattr(p.ARRAYS, name)(*args))
            return self.make(name, *args)

        return function

    def where(self, c: Any, a: Any, b: Any) -> Any:
        """``a`` where c > 0, else ``b``."""
        if not isinstance(c, Expr):
            return a if c > 0.0 else b
        return self.choose(c > 0.0, a, b)

    def choose(self, condition: Expr, a: Any, b: Any) -> Any:
        """``a`` where a condition holds, else ``b``."""
        return self.make("where", condition, self.number(a), self.number(b))

    def step(self, x: Any) -> Any:
        """1 where x > 0, else 0."""
        return self.where(x, 1.0, 0.0)

    def sigmoid(self, x: Any) -> Any:
        """As the table of primitives has it."""
        return p.SIGMOID.on(self)[0](x)

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        (vector,) = x
        return self.reduce("sum", vector, 0)

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        (vector,) = x
        return self.reduce("max", vector, 0)


def broadcast(*args: Any) -> Shape:
    """The shape of an operation over ``args`` element by element."""
    shapes = {a.shape for a in args if isinstance(a, Expr)}
    if len(shapes) == 1:
        return shapes.pop()
    width = max(map(len, shapes), default=0)
    padded = [(1,) * (width - len(shape)) + shape for shape in shapes]
    return tuple([next((n for n in axis if n != 1), 1) for axis in zip(*padded)])


def lengths(shape: Shape) -> tuple[int, ...]:
    """A shape for one example."""
    return tuple([int(str(n).replace("*b", "").replace("b", "1")) for n in shape])


def shape_of(index: Index) -> Shape:
    """The shape of an index, which takes the place of the first axis."""
    if isinstance(index, Expr):
        return index.shape
    return np.shape(index) if isinstance(index, tuple) else (len(index),)  # type: ignore[arg-type]


def _is_condition(x: Any) -> bool:
    return isinstance(x, Expr) and x.is_condition
