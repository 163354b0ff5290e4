"""Programs as JavaScript: both passes of a recorded graph, and the step of an optimizer, for pages.

What is printed is plain loops over ``Float64Array``. Each loop nest is a function of the places and
lengths that are in it, so that layers, and networks, that differ in nothing else share it: a text
holds for any widths if these are `Size`s. Places and numbers that stay the same in a loop are
computed before it. Matrix products are computed in tiles, some rows and columns of the result at a
time, whose sums are local numbers. All of it calls the functions of `javascript.RUNTIME` and of
`kernels.PRODUCTS`, and is to stand below these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy.typing as npt

from . import Program
from .expressions import Expr, LackError
from .javascript import ATOM, CHOICE, Text, lacking, number
from .kernels import Kernel, Kernels, product
from .listing import Listing
from .loops import Nests
from .nests import Fold, Numbers, Product, Size, Whole, fixed, times, whole
from .places import Sizes
from .training import X_ROW, Y_ROW, Rule, gather

LAYER = re.compile(r"(a|x|delta)\d+")


@dataclass(frozen=True)
class Open:
    """Widths that are open: a program recorded at some of them is one for all.

    Attributes:
        sizes: what the recorded numbers stand for.
        names: names in their formulas, each with what it is; in order.
        head: JavaScript that gets the first names from the argument ``d``, ``[d0, d1] = d``.
    """

    sizes: Sizes = field(default_factory=dict)
    names: Mapping[str, Expr] = field(default_factory=dict)
    head: str = "[] = d"


def passes(
    program: Program, inputs: int, classes: int, kernels: Kernels, widths: Open | None = None
) -> str:
    """Both passes of a program, as a JavaScript expression: a function of the widths ``d``.

    It gives an object, mostly of functions. They take ``m``, an object of arrays: what
    ``memory(b)`` gives, the examples ``X`` and ``y`` row by row, the ``rows`` of them to take (an
    ``Int32Array``), the parameters ``theta``, and their ``gradient``. All but the rows are a
    ``Float64Array``.

    - ``size``: how many parameters there are.
    - ``memory(b)``: room for batches of ``b`` examples.
    - ``forward(b, m)`` writes the losses, of the first ``b`` of the rows, to ``m.out``.
    - ``backward(b, m)`` does so too, and writes the gradient of their sum to ``m.gradient``.
    - ``places(b)``: where the arrays of layers stand after that, by name (``a1``, ``x1``,
      ``delta1``, ...): the memory, the place of the first entry, and the steps from unit to unit
      and from example to example.

    Args:
        program: that of the loss; its inputs are x, then the target.
        inputs: how many numbers x has.
        classes: of a class index as the target: how many classes there are; else 0.
        kernels: the functions that it calls, to which it adds its own.
        widths: open widths, if it is not for the recorded ones alone.

    Raises:
        ValueError: the row of a primitive uses what can't be printed, or the program is too long.
    """
    listing: Listing | None = program._written.listing
    if listing is None:
        raise ValueError("the program is too long to be printed as JavaScript")
    asked = dict(listing.result.m.asked)
    try:
        nests = Nests(listing, False, (widths or Open()).sizes)
        asked.update(nests.m.asked)
        examples = gather(nests, inputs, classes)
        return _Passes(nests, examples, inputs, classes, kernels, widths or Open()).text()
    except LackError as error:
        lack = str(error)
        if lack in asked:
            raise ValueError(lacking(asked[lack].symbol, lack)) from None
        raise ValueError(f"the printer for JavaScript can't print {lack}") from error


def rule(step: Rule, state: Mapping[str, bool], m: Numbers | None = None) -> str:
    """The step of an optimizer as a JavaScript function ``(m, lr, b, s, now, next)``.

    ``m`` has arrays of one length: the parameters ``theta``, the ``gradient`` of the sum of ``b``
    losses, and room for the ``step``. ``s`` has the settings that are open, by name, ``now`` the
    state, and ``next`` room for the new one. It returns whether parameters stay finite; only then
    are they changed.

    Args:
        step: how a gradient becomes a step.
        state: what it keeps, by name, each an array like the parameters (or else a number, an array
            of one).
        m: the arithmetic in which open settings are called ``s.NAME``.

    Raises:
        ValueError: the rule uses what can't be printed.
    """
    try:
        return _rule(step, state, Numbers() if m is None else m)
    except LackError as error:
        what = f"the rule's {str(error)!r}" if error.__cause__ is None else str(error)
        raise ValueError(f"the printer for JavaScript can't print {what}") from error


def _rule(step: Rule, state: Mapping[str, bool], m: Numbers) -> str:
    i = whole.name("i", ())

    def load(memory: str, at: Whole = i) -> Any:
        return m.make("load", at, info=memory, shape=())

    now = {name: load(f"old_{name}", i if is_array else 0) for name, is_array in state.items()}
    rate, b = m.name("lr", ()), m.name("b", ())
    made, new = step(m, now, load("theta"), load("gradient") / b, rate)
    for name, x in new.items():
        if not state[name] and isinstance(x, Expr) and x not in fixed([x], lambda part: part is i):
            raise LackError(f"a number {name!r} that becomes one for each parameter")
    text = _Rule()
    # What is the same for all parameters is computed before.
    for x in fixed([made, *new.values()], lambda x: x is i):
        if x.m is not whole:
            text.prepare([x])
            if x.op != "name":
                text.constant(x, text.written(x))
    numbers = [f"new_{name}[0] = {text.written(x)};" for name, x in new.items() if not state[name]]
    before, text.lines = text.lines, []
    text.prepare([made, *[x for name, x in new.items() if state[name]]])
    arrays = [f"new_{name}[i] = {text.written(x)};" for name, x in new.items() if state[name]]
    return "\n".join([
        "(m, lr, b, s, now, next) => {",
        "const { theta, gradient, step } = m, n = theta.length;",
        *[f"const old_{name} = now.{name}, new_{name} = next.{name};" for name in state],
        *before, *numbers, "let finite = 0;", "for (let i = 0; i < n; i++) {", *text.lines, *arrays,
        f"const to = {text.written(made)};", "step[i] = to;", "finite += 0 * (theta[i] - to);", "}",
        "if (finite !== 0) return false;", "for (let i = 0; i < n; i++) theta[i] -= step[i];",
        "return true;", "}",
    ])  # fmt: skip


class _Rule(Text):
    """Numbers of one parameter."""

    def operation(self, x: Expr) -> tuple[str, int]:
        """As `Text.operation`."""
        if x.op == "load":
            return f"{x.info}[{self.written(x.args[0])}]", ATOM
        return super().operation(x)


class _Passes(Text):
    """Both passes as calls of kernels and products."""

    def __init__(
        self, nests: Nests, examples: list[Any], inputs: int, classes: int, kernels: Kernels,
        widths: Open,
    ) -> None:  # fmt: skip
        super().__init__()
        self.nests, self.examples, self.kernels, self.widths = nests, examples, kernels, widths
        width = nests.size(nests.listing.inputs - inputs)
        for name, n in ((X_ROW, nests.size(inputs)), (Y_ROW, 1 if classes else width)):
            self.texts[name] = self.written(n), ATOM
        self.used: dict[str, None] = {}

    def text(self) -> str:
        """All of it."""
        nests, widths = self.nests, self.widths
        forward = self.calls([*self.examples, *nests.forward])
        backward = self.calls(nests.backward)
        memory = {
            "batch": times(nests.inputs, nests.b), "room": times(nests.room, nests.b),
            "out": reduce(times, nests.lengths(nests.listing.result.shape), 1),
            "steady": nests.steady,
        }  # fmt: skip
        defined = [
            f"{name} = {self.written(x)}" for name, x in {**widths.names, **nests.starts}.items()
        ]
        defined += [f"${name} = {_constant(array)}" for name, array in nests.constants.items()]
        arrays = [f"{name}: new Float64Array({self.written(n)})" for name, n in memory.items()]
        return "\n".join([
            "(d) => {", f"const {', '.join([widths.head, *defined])};",
            "const forward = (b, m) => {", *forward, "};", "return {",
            f"size: {self.written(nests.parameters)},", "forward,",
            "backward(b, m) {", "forward(b, m);", *backward, "},",
            f"memory: (b) => ({{ {', '.join(arrays)} }}),",
            f"places: (b) => ({{ {', '.join(self.places())} }})", "};", "}",
        ])  # fmt: skip

    def places(self) -> Iterator[str]:
        """Where the arrays of layers stand."""
        for name, array in self.nests.arrays.items():
            if LAYER.fullmatch(name) and array.shape[1:] == (self.nests.b,):
                at = ", ".join(map(self.written, (array.start, *array.strides)))
                yield f'{name}: ["{array.memory}", {at}]'

    def calls(self, nests: Iterable[Any]) -> list[str]:
        """Lines that run nests."""
        self.used, lines, together = {}, [], list[Any]()
        for nest in nests:
            together.append(nest)
            if isinstance(nest, Fold):  # its name is used by what follows
                continue
            if isinstance(nest, Product):
                lines.append(product(self, nest, self.memory))
            else:
                kernel = Kernel(together)
                given = [*map(self.memory, kernel.memories), *map(self.written, kernel.given)]
                lines.append(f"{self.kernels.name(kernel.text)}({', '.join(given)});")
            together = []
        arrays = ", ".join(self.used)
        return [f"const {{ {arrays} }} = m;", *lines] if arrays else lines

    def memory(self, name: str) -> str:
        """What an array is called."""
        if name in self.nests.constants:
            return f"${name}"
        self.used[name] = None
        return name

    def written(self, x: Any, loosest: int = CHOICE) -> str:
        """As `Text.written`."""
        return super().written(x.formula if isinstance(x, Size) else x, loosest)


def _constant(array: npt.NDArray[Any]) -> str:
    """A constant array."""
    kind = "Int32Array" if array.dtype.kind in "iu" else "Float64Array"
    entries = [number(float(x))[0] for x in array.ravel().tolist()]
    return f"new {kind}([{', '.join(entries)}])"
