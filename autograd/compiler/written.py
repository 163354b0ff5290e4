"""What graphs of one structure share: a program without its Values, and the ways to run it.

A few examples are run in machine code (`tape`), or one in plain floats (`floats`), where that is
faster than arrays; all others in NumPy, block by block.
"""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ..primitives import ARRAYS
from .floats import Example, cost_of, is_worth_it
from .lowering import Lowering
from .numpy import called, write
from .tape import tape_of

Array = npt.NDArray[np.float64]

LEAST, LARGEST = 64, 2**15  # examples in a block; numbers in its largest array
LOOPED = 2000  # expressions of a program that may become loop nests: some seconds to compile


@dataclass(frozen=True)
class Operation:
    """One array operation of a `Program`: which nodes of the graph it stands for.

    Attributes:
        name: what the source calls the result.
        op: the primitive's symbol.
        nodes: how many nodes of the graph, the rows of the result.
        varies: whether it depends on the inputs, and so has a column for each example.
    """

    name: str
    op: str
    nodes: int
    varies: bool


class Written:
    """All parts of a `Program` that graphs can share.

    Attributes:
        listing: the program as data, to be printed otherwise; None if it is too long for that.
        block: a batch of twice as many examples or more is run in blocks of so many.
        tape: what runs small batches in machine code; None where that is not worth it.
        example: what runs a single example, where that is not for arrays; else None.
    """

    def __init__(self, lowering: Lowering) -> None:
        listing = lowering.listing
        self.source, self.code = write(listing, lowering.names)
        self.graph_size = lowering.graph_size
        self.constants = listing.constants
        self.functions: dict[str, Callable[..., Any]] = {
            name: getattr(ARRAYS, name) for name in called(listing)
        }
        for name, own in listing.functions.items():
            self.functions.update({name: own.value, f"d_{name}": own.partials})
        self.operations = [
            Operation(name, primitive.symbol, nodes, varies)
            for part in lowering.groups
            for name, primitive, nodes, varies in part.operations()
        ]
        namespace: dict[str, Any] = {**self.constants, **self.functions}
        exec(builtins.compile(self.code, "<autograd.compile>", "exec"), namespace)
        self.views, self.run = namespace["views"], namespace["program"]
        cost = cost_of(listing)
        self.tape = tape_of(lowering, cost)
        self.example = Example(listing) if is_worth_it(listing, cost) else None
        self.listing = listing if len(listing.users) < LOOPED else None
        self.trainers: dict[Any, Any] = {}  # machine code of trainings
        self.block = listing.block(LEAST, LARGEST)
        self.calls = listing.calls
        arrays = self.constants.values()
        for array in arrays:
            array.flags.writeable = False
        # A little over three times the text: the compiled code is about twice as large.
        text = len(self.source) + len(self.code)
        self.size = 2000 + 3 * text + sum([array.nbytes for array in arrays])
        if self.tape is not None:
            self.size += self.tape.size
        if self.example is not None or self.listing is not None:
            self.size += 500 * len(listing.users)

    def __deepcopy__(self, memo: object) -> Written:
        return self  # as graphs of one structure do, copies of a program share it

    def __reduce__(self) -> NoReturn:
        raise pickle.PicklingError(
            "a program can't be pickled: pickle its graph, (root, inputs, parameters), and where "
            "that is read, autograd.compile(root, inputs, parameters) makes the program anew"
        )

    def bind(
        self, parameters: Array, out: Array | None, native: bool = True
    ) -> Callable[[Array], Array]:
        """As `Program.bind`; without a vector for the gradient, the forward pass alone."""
        example = self.example
        arrays: Callable[[Array], Array] | None = None

        def losses_of(batch: Array) -> Array:
            nonlocal arrays
            outputs = self.in_machine_code(batch, parameters, out) if native else None
            if outputs is None and len(batch) == 1 and example is not None:
                outputs = example(batch, parameters, out)
            if outputs is not None:
                return outputs
            if arrays is None:
                arrays = self.by_arrays(parameters, out)
            return arrays(batch)

        return losses_of

    def in_machine_code(self, batch: Array, parameters: Array, out: Array | None) -> Array | None:
        """The outputs, and the gradient into ``out``; None where that is not for machine code."""
        tape = self.tape
        if tape is None or not 0 < len(batch) <= tape.most:
            return None
        return tape(batch, parameters, out)

    def by_arrays(self, parameters: Array, out: Array | None) -> Callable[[Array], Array]:
        """As `bind`; in NumPy, however small a batch is."""
        run, views, most = self.run, self.views(parameters), self.block
        d_views = None if out is None else self.views(out)

        def losses_of(batch: Array) -> Array:
            if len(batch) < 2 * most:
                return run(batch, views, d_views)  # type: ignore[no-any-return]
            losses, total = [], np.zeros(len(parameters))
            for start in range(0, len(batch), most):
                losses.append(run(batch[start : start + most], views, d_views))
                if out is not None:
                    total += out
            if out is not None:
                out[:] = total
            return np.concatenate(losses)

        return losses_of
