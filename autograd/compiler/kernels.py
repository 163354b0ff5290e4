"""Loop nests as functions in JavaScript, and matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import numpy as np

from .expressions import Expr
from .javascript import ATOM, CHOICE, Text
from .nests import GRADIENT, Fold, For, Product, Size, fixed, whole

HEIGHTS, WIDTHS = (4, 1), (4, 1)  # rows and columns of tiles
# What is done with an entry `c[at]` of a matrix and its `sum` in a product.
ENDS = {"set": "c[{at}] = {sum};", "add": "c[{at}] += {sum};"}


@dataclass
class Kernels:
    """Loop nests as functions, each once."""

    names: dict[str, str] = field(default_factory=dict)

    def name(self, function: str) -> str:
        """What a function is called, given as its arguments and its body."""
        return self.names.setdefault(function, f"k{len(self.names)}")

    @property
    def text(self) -> str:
        """All of them."""
        return "\n".join([f"function {name}{text}" for text, name in self.names.items()])


class Kernel(Text):
    """Some nests as a function.

    Attributes:
        memories, given: what it is called with: arrays, then whole numbers.
        text: its arguments and its body.
    """

    def __init__(self, nests: Iterable[Any]) -> None:
        super().__init__()
        nests = list(nests)
        self.memories: dict[str, str] = {}
        parts = [part.formula if isinstance(part, Size) else part for part in _parts(nests)]
        loops = [part for part in parts if isinstance(part, (For, Fold))]
        self._indices = {loop.index for loop in loops}
        for k, index in enumerate(dict.fromkeys([loop.index for loop in loops])):
            self.texts[index] = f"i{k}", ATOM
        for k, fold in enumerate([loop for loop in loops if isinstance(loop, Fold)]):
            self.texts[fold.name] = f"s{k}", ATOM

        def varies(x: Expr) -> bool:
            return x.m is not whole or x.op == "table" or x in self._indices

        # Whole numbers that are the same throughout.
        self.given = [x for x in fixed(parts, varies) if x not in self.texts]
        for k, x in enumerate(self.given):
            self.texts[x] = f"p{k}", ATOM
        for nest in nests:
            self.nest(nest)
        arguments = [*self.memories.values(), *[f"p{k}" for k in range(len(self.given))]]
        body = "\n".join(self.lines)
        self.text = f"({', '.join(arguments)}) {{\n{body}\n}}"

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is written meanwhile is not used later."""
        before = dict(self.texts)
        yield
        self.texts = before

    def nest(self, nest: Any) -> None:
        """Lines for a nest."""
        with self.scope():
            if isinstance(nest, For):
                with self.loop(nest):
                    for inner in nest.body:
                        self.nest(inner)
            elif isinstance(nest, Fold):
                self.fold(nest)
            elif isinstance(nest, Product):
                self.lines.append(product(self, nest, self.memory))
            else:
                self.prepare([nest.value])
                value = self.written(nest.value)
                place = f"{self.memory(nest.memory)}[{self.written(nest.place)}]"
                self.put(place, nest.how, value)

    @contextmanager
    def loop(self, nest: For | Fold) -> Iterator[None]:
        """A loop around lines; what is the same each time is computed before."""
        parts = _parts(nest)
        names = {getattr(part, name, None) for part in parts for name in ("index", "name")}
        written = {getattr(part, "memory", GRADIENT) for part in parts}

        def changes(x: Expr) -> bool:
            return x in names or (x.op == "load" and x.info in written)

        for x in fixed(parts, changes):
            if x.op != "name" and x not in self.texts:
                self.prepare([x])
                self.constant(x, self.written(x))
        i, start, stop = (self.written(x) for x in (nest.index, nest.start, nest.stop))
        head = f"let {i} = {start}; {i} < {stop}; {i}++"
        if isinstance(nest, For) and nest.down:
            head = f"let {i} = {stop} - 1; {i} >= {start}; {i}--"
        self.lines.append(f"for ({head}) {{")
        yield
        self.lines.append("}")

    def fold(self, nest: Fold) -> None:
        """A sum or a maximum."""
        name = self.written(nest.name)
        self.lines.append(f"let {name} = {'0' if nest.how == 'add' else '-Infinity'};")
        with self.loop(nest):
            self.prepare([nest.value])
            self.put(name, nest.how, self.written(nest.value))

    def put(self, place: str, how: str, value: str) -> None:
        """A value is put into a place, or added to what is there; or the larger of both is."""
        if how == "max":
            self.lines.append(f"{place} = maximum({place}, {value});")
        else:
            self.lines.append(f"{place} {'+=' if how == 'add' else '='} {value};")

    def operation(self, x: Expr) -> tuple[str, int]:
        """As `Text.operation`."""
        if x.op in ("load", "table"):
            return f"{self.memory(x.info)}[{self.written(x.args[0])}]", ATOM
        if x.op == "count":
            return self.written(x.args[0], ATOM), ATOM
        return super().operation(x)

    def written(self, x: Any, loosest: int = CHOICE) -> str:
        """As `Text.written`."""
        return super().written(x.formula if isinstance(x, Size) else x, loosest)

    def memory(self, name: str) -> str:
        """What an array is called here."""
        return self.memories.setdefault(name, f"m{len(self.memories)}")


def product(text: Text, nest: Product, memory: Callable[[str], str]) -> str:
    """A call that computes a product."""
    out, a, b = nest.out, nest.a, nest.b
    given: list[Any] = [
        *out.shape, b.shape[0],
        memory(out.memory), out.start, out.strides[0],
        memory(a.memory), a.start, *a.strides,
        memory(b.memory), b.start, b.strides[0],
    ]  # fmt: skip
    arguments = [x if isinstance(x, str) else text.written(x) for x in given]
    return f"product_{nest.how}({', '.join(arguments)});"


def _parts(x: Any) -> list[Any]:
    """A nest, and all nests, arrays and expressions in it; the outer first."""
    found: list[Any] = []

    def look(x: Any) -> None:
        found.append(x)
        if not isinstance(x, (Expr, int, float, str)):
            inside = vars(x).values() if is_dataclass(x) else x if type(x) in (list, tuple) else ()
            for part in inside:
                look(part)

    look(x)
    return found


def _product(how: str) -> str:
    """The function for matrix products c = a b, or c += a b.

    Entry (i, j) of ``c`` stands at c0 + i cr + j, that of ``a`` at a0 + i ar + j ac. All sums of a
    tile run at once.
    """
    end = ENDS[how]
    parameters = "rows, columns, inner, c, c0, cr, a, a0, ar, ac, b, b0, br"
    lines = [f"function product_{how}({parameters}) {{", "let i = 0;"]
    for height in HEIGHTS:
        lines += [f"for (; i <= rows - {height}; i += {height}) {{", "let j = 0;"]
        for width in WIDTHS:
            lines.append(f"for (; j <= columns - {width}; j += {width}) {{")
            lines += [f"let {', '.join([f's{r}{v} = 0' for r, v in np.ndindex(height, width)])};"]
            lines += ["let p = a0 + i * ar | 0, q = b0 + j | 0;"]
            lines += ["for (let k = 0; k < inner; k++) {"]
            lines += [f"const y{v} = b[q + {v}];" for v in range(width)]
            for r in range(height):
                lines.append(f"const x{r} = a[p + {r} * ar];")
                lines += [f"s{r}{v} += x{r} * y{v};" for v in range(width)]
            lines += ["p = p + ac | 0; q = q + br | 0;", "}", "const o = c0 + i * cr + j | 0;"]
            for r, v in np.ndindex(height, width):
                lines.append(end.format(at=f"o + {r} * cr + {v}", sum=f"s{r}{v}"))
            lines.append("}")
        lines.append("}")
    return "\n".join([*lines, "}"])


PRODUCTS = "\n".join(map(_product, ENDS))
