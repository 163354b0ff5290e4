"""Loop nests as JavaScript: a training that runs in a page.

What is printed is plain loops over ``Float64Array``. Places and numbers that stay the same in a
loop are computed before it. Products are computed in tiles, some rows and columns of the result at
a time, whose sums are local numbers. The text calls the functions of `javascript.RUNTIME`, and is
to stand below that.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .expressions import Expr, LackError
from .javascript import ATOM, Text, lacking, number
from .listing import Listing
from .nests import GRADIENT, Fold, For, Let, Product, Stop, Store, fixed
from .training import X_ROW, Y_ROW, Rule, Training

HEIGHTS, WIDTHS = (4, 1), (4, 1)  # rows and columns of tiles
LONGEST = 2000  # letters of a function, or a nest more: what is very long stays unoptimized

# What is done with an entry `c[at]` of a matrix and its `sum` in a product, and what that takes.
ENDS = {
    "set": ("c[{at}] = {sum};", ""),
    "add": ("c[{at}] += {sum};", ""),
    "step": ("c[{at}] -= rate * {sum}; if (keep) g[{at}] = {sum};", ", rate, keep, g"),
}


def script(
    listing: Listing, single: bool, inputs: int, classes: int = 0,
    state: dict[str, bool] | None = None, rule: Rule | None = None,
) -> str:  # fmt: skip
    """A program and its training, arguments as those of `Training`, as a JavaScript expression.

    It gives an object of functions. They take ``m``, an object of arrays: what ``memory(b)`` gives,
    the examples ``X`` and ``y`` row by row, the ``rows`` of them to take (an ``Int32Array``), the
    parameters ``theta``, and their ``gradient``. All but the rows are a ``Float64Array``.

    - ``memory(b)``: room for batches of ``b`` examples.
    - ``forward(b, m)`` writes the losses, of the first ``b`` of the rows, to ``m.out``.
    - ``backward(b, m)`` does so too, and writes the gradient of their sum to ``m.gradient``.
    - ``train(updates, b, m)`` makes updates, each with the next ``b`` rows. It takes ``m.rates``,
      and ``m["state.NAME"]`` for each part of the rule's state; it writes ``m.losses``, ``m.step``
      and, of the last batch, ``m.gradient``. It returns how many updates were made; less if the
      next one is not finite. -k - 1 if k were made and, of the next, all but to subtract the step.

    Raises:
        ValueError: the row of a primitive, or the rule, uses what can't be printed.
    """
    asked = dict(listing.result.m.asked)
    try:
        training = Training(listing, single, inputs, classes, state or {}, rule)
        asked.update(training.nests.m.asked)
        return _Script(training).text()
    except LackError as error:
        lack = str(error)
        if lack in asked:
            raise ValueError(lacking(asked[lack].symbol, lack)) from None
        what = f"the rule's {lack!r}" if error.__cause__ is None else lack
        raise ValueError(f"the printer for JavaScript can't print {what}") from error


class _Script(Text):
    """Loop nests as text, in functions that are short enough to be optimized.

    Attributes:
        functions: those so far.
        used: the arrays in the function that is being written, each with its name there; None
            outside of functions.
    """

    def __init__(self, training: Training) -> None:
        super().__init__()
        self.training, self.constants = training, training.nests.constants
        self.functions: list[str] = []
        self.used: dict[str, str] | None = None
        width = training.listing.inputs - training.inputs
        for name, n in ((X_ROW, training.inputs), (Y_ROW, 1 if training.classes else width)):
            self.texts[name] = str(n), ATOM

    def text(self) -> str:
        """All of it."""
        training, nests, result = self.training, self.training.nests, self.training.listing.result
        forward = [*training.gather, *nests.forward]
        sizes = {
            "batch": f"b * {training.listing.inputs}",
            "out": " * ".join(["b" if isinstance(n, str) else str(n) for n in result.shape]),
            "room": f"b * {nests.room}",
            "steady": str(nests.steady),
        }
        memory = ", ".join([f"{name}: new Float64Array({n})" for name, n in sizes.items()])
        passes = {"forward": self.calls(forward)}
        passes["backward"] = [*passes["forward"], *self.calls(nests.backward)]
        train = [*passes["forward"], *self.calls(training.body[len(forward) :])]
        return "\n".join([
            "(() => {",
            *[f"const ${name} = {_constant(array)};" for name, array in self.constants.items()],
            *map(_product, ENDS),
            *self.functions,
            "function train(updates, b, m) {",
            "for (let u = 0; u < updates; u++) {",
            "const keep = u + 1 === updates;", *train, "}", "return updates;", "}",
            *[line for name, calls in passes.items()
              for line in (f"function {name}(b, m) {{", "const u = 0, keep = true;", *calls, "}")],
            f"return {{ train, forward, backward, memory: (b) => ({{ {memory} }}) }};",
            "})()",
        ])  # fmt: skip

    # Functions

    def calls(self, nests: Sequence[Any]) -> list[str]:
        """Lines that run nests: calls of functions, and between them what these have in common."""
        stops = {nest.value for nest in nests if isinstance(nest, Stop)}
        waiting, given = deque(nests), ["m", "b", "u", "keep"]

        def is_common(nest: Any) -> bool:
            return isinstance(nest, (Let, Stop)) or (isinstance(nest, Fold) and nest.name in stops)

        self.lines = lines = list[str]()
        with self.scope():
            while waiting:
                if is_common(waiting[0]):
                    nest = waiting.popleft()
                    self.nest(nest)
                    if not isinstance(nest, Stop):
                        given.append(self.written(nest.name))
                    continue
                self.lines = body = list[str]()
                self.used = used = dict[str, str]()
                with self.scope():
                    while waiting and not is_common(waiting[0]):
                        nest = waiting.popleft()
                        self.nest(nest)
                        if sum(map(len, body)) > LONGEST and not isinstance(nest, Fold):
                            break
                lines.append(self.function(body, used, ", ".join(given)))
                self.lines, self.used = lines, None
        return lines

    def function(self, body: list[str], used: dict[str, str], arguments: str) -> str:
        """A call of a new function."""
        name = f"f{len(self.functions)}"
        arrays = ", ".join([f"{json.dumps(a)}: {local}" for a, local in used.items()])
        lines = [f"function {name}({arguments}) {{", f"const {{ {arrays} }} = m;", *body, "}"]
        self.functions.append("\n".join(lines))
        return f"{name}({arguments});"

    # Nests

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
                self.product(nest)
            else:
                self.prepare([nest.value])
                value = self.written(nest.value)
                if isinstance(nest, Store):
                    place = f"{self.memory(nest.memory)}[{self.written(nest.place)}]"
                    self.put(place, nest.how, value)
                elif isinstance(nest, Stop):
                    made = "-u - 1" if nest.after_rule else "u"
                    self.lines.append(f"if (!Number.isFinite({value})) return {made};")
                else:
                    self.constant(nest.name, value)
                    name = self.written(nest.name)
        if isinstance(nest, Let):
            self.texts[nest.name] = name, ATOM

    @contextmanager
    def loop(self, nest: For | Fold) -> Iterator[None]:
        """A loop around lines; what is the same each time is computed before."""
        parts = list(_parts(nest))
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

    def product(self, nest: Product) -> None:
        """A call that computes a product."""
        out, a, b = nest.out, nest.a, nest.b
        given: list[Any] = [
            *out.shape, b.shape[0],
            self.memory(out.memory), out.start, out.strides[0],
            self.memory(a.memory), a.start, *a.strides,
            self.memory(b.memory), b.start, b.strides[0],
        ]  # fmt: skip
        if nest.how == "step":
            given += [nest.rate, "keep", self.memory(GRADIENT)]
        arguments = [x if isinstance(x, str) else self.written(x) for x in given]
        self.lines.append(f"product_{nest.how}({', '.join(arguments)});")

    # Numbers and places

    def operation(self, x: Expr) -> tuple[str, int]:
        """As `Text.operation`."""
        if x.op in ("load", "table"):
            return f"{self.memory(x.info)}[{self.written(x.args[0])}]", ATOM
        if x.op == "count":
            return self.written(x.args[0], ATOM), ATOM
        return super().operation(x)

    def memory(self, name: str) -> str:
        """What an array is called."""
        if name in self.constants:
            return f"${name}"
        if self.used is None:
            return f"m[{json.dumps(name)}]"
        return self.used.setdefault(name, f"m{len(self.used)}")


def _parts(x: Any) -> Iterator[Any]:
    """A nest, and all nests, arrays and expressions in it."""
    yield x
    inside = vars(x).values() if is_dataclass(x) else x if isinstance(x, (list, tuple)) else ()
    for part in inside:
        yield from _parts(part)


def _constant(array: npt.NDArray[Any]) -> str:
    """A constant array."""
    kind = "Int32Array" if array.dtype.kind in "iu" else "Float64Array"
    entries = [number(float(x))[0] for x in array.ravel().tolist()]
    return f"new {kind}([{', '.join(entries)}])"


def _product(how: str) -> str:
    """The function for matrix products c = a b, c += a b, or c -= rate a b.

    Entry (i, j) of ``c`` stands at c0 + i cr + j, that of ``a`` at a0 + i ar + j ac. All sums of a
    tile run at once.
    """
    end, more = ENDS[how]
    parameters = f"rows, columns, inner, c, c0, cr, a, a0, ar, ac, b, b0, br{more}"
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
