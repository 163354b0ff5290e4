"""Programs for one example, or a few, in machine code, whatever the graph.

NumPy needs a microsecond for an operation, however few numbers it has; machine code needs a few
nanoseconds for a node. But to compile 12,000 nodes would take half a minute. So one machine is
compiled (`kernel`), once in a process, and a graph is data for it: a `Tape`.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import primitives as p
from .cases import TABLE, Case, Row, case, row_of
from .expressions import LackError
from .floats import Cost
from .kernel import machine as text_of
from .llvm import Code, is_installed
from .lowering import Lowering

SMALLEST = 300  # nodes of a graph: for fewer, nobody is to wait until the machine is compiled

# Nanoseconds: of the machine for a node, for an entry of a vector, and more where either calls a
# function such as exp; of arrays for an operation. Found with tests/benchmarks/kinds: a
# tape takes 0.6 to 1.6 times as long as they say, and a batch of `most` examples takes arrays one
# to three times as long.
NODE, ENTRY, CALL, OPERATION = 8, 2, 20, 1000
CALL_NOTHING = {
    p.ADD, p.SUB, p.MUL, p.DIV, p.NEG, p.POS, p.ABS, p.SQRT, p.RELU, p.STEP, p.WHERE, p.SUM, p.DOT,
    p.MAX,
}  # fmt: skip

SQUARE = 4 * TABLE.index(Row(p.MUL, 2, 0))  # the case of x * x

Array = npt.NDArray[np.float64]
Run = Callable[[int, int, int, int, int], int]


def tape_of(lowering: Lowering, cost: Cost) -> Tape | None:
    """The tape of a graph; None where arrays are as fast, or machine code can't be had.

    Args:
        lowering: the graph.
        cost: what one example costs otherwise.
    """
    if lowering.graph_size < SMALLEST or not is_installed():
        return None
    # An entry of a vector is computed with forward, and twice backward. Where even so arrays are
    # surely as fast, as for wide layers, a tape need not be written to know it.
    if OPERATION * cost.operations < ENTRY * cost.numbers / 3:
        return None
    try:
        tape = Tape(lowering, cost)
    except LackError:
        return None
    return tape if tape.most > 0 else None


class Tape:
    """A graph as data for the machine. It keeps no Value alive.

    Attributes:
        most: the largest batch for which it is faster than arrays.
        size: how many bytes it takes.
    """

    def __init__(self, lowering: Lowering, cost: Cost) -> None:
        writer = _Writer(lowering)
        self.inputs, self.leaves, self.nodes = lowering.inputs, writer.leaves, writer.nodes
        self.several = lowering.several
        self.roots = np.array([*map(writer.place, lowering.roots)], np.int32)
        self.code, self.places = (np.array(x, np.int32) for x in (writer.code, writer.places))
        self.numbers = np.array([*map(float, writer.numbers)])
        self.most = int(OPERATION * cost.operations / max(writer.time, 1))
        arrays = (self.code, self.places, self.numbers)
        self.size = 16 * (self.leaves + self.nodes + len(self.numbers))
        self.size += sum([array.nbytes for array in arrays])
        self._own = tuple(writer.own)
        self._free: list[_Room] = []
        self._run: Run | None = None

    def __deepcopy__(self, memo: object) -> Tape:
        return self  # it never changes

    def __call__(self, batch: Array, parameters: Array, out: Array | None) -> Array | None:
        """The outputs for the rows of ``batch``, and the gradient into ``out``, if given.

        None, and nothing is written, where machine code can't be had.
        """
        run = self._run
        if run is None:
            run = self._run = machine(self._own)
            if run is None:
                self.most = 0
                return None
        if batch.shape[1:] != (self.inputs,):
            return None  # arrays say what is wrong with it
        batch = np.ascontiguousarray(batch, float)
        try:
            room = self._free.pop()  # each call has its own: threads may call at the same time
        except IndexError:
            room = _Room(self)
        room.parameters[:] = parameters
        b, back = len(batch), out is not None
        if b == 1:  # NumPy takes microseconds to say where an array is
            room.batch[:] = batch
            run(room.address, room.batch_address, room.outputs_address, 1, back)
            outputs = room.outputs.copy()
        else:
            outputs = np.empty((b, *room.outputs.shape[1:]))
            run(room.address, _address(batch), _address(outputs), b, back)
        if out is not None:
            out[:] = room.gradient
        self._free.append(room)
        return outputs


class _Room:
    """What the machine computes in, and where that and the tape are in memory."""

    def __init__(self, tape: Tape) -> None:
        n, leaves, outputs = tape.inputs, tape.leaves, len(tape.roots)
        values = np.zeros(leaves + tape.nodes + len(tape.numbers))
        values[leaves + tape.nodes :] = tape.numbers
        gradients = np.zeros(len(values))
        self.parameters, self.gradient = values[n:leaves], gradients[n:leaves]
        self.batch, self.outputs = np.zeros((1, n)), np.zeros((1, outputs))
        if not tape.several:
            self.outputs = self.outputs[:, 0]
        self.batch_address, self.outputs_address = _address(self.batch), _address(self.outputs)
        arrays: list[Any] = [tape.code, tape.places, values, gradients, tape.roots]
        addresses = map(_address, arrays)
        self._head = np.array([*addresses, tape.nodes, outputs, n, leaves], np.int64)
        self.address = _address(self._head)


class _Writer:
    """Writes a tape.

    Numbers have places, as in `kernel`: first inputs and parameters, the ``leaves``, then the
    nodes, then constants.

    Attributes:
        code: of each node four whole numbers, as in `kernel`.
        places: of the entries of vectors, one vector after another; equal ones stand there once.
        numbers: the constants, as text, since 0.0 and -0.0 are two.
        own: users' own primitives, printed.
        time: how long the machine will need for an example, in nanoseconds.
    """

    def __init__(self, lowering: Lowering) -> None:
        nodes = lowering.levels.nodes
        self.leaves, self.nodes = lowering.inputs + lowering.parameters, len(nodes)
        self.code: list[int] = []
        self.places: list[int] = []
        self.numbers: dict[str, int] = {}
        self.own: list[Case] = []
        self.time = 0
        self._find: Callable[..., int] = lowering.operands.place.get
        # By place in the graph, and for -1, that of a plain number; -1 for constants.
        self._found: list[int] = [
            *range(self.leaves),
            *[-1] * (len(lowering.levels.depth) - self.leaves),
        ]
        self._starts: dict[tuple[int, ...], int] = {}  # of vectors
        self._cases: dict[Any, int] = {}  # by primitive and number of arguments
        # Which places need a gradient: parameters, and what is computed from them. Constants do
        # not; the last entry stands for all of them.
        self._wanted = bytearray(self.leaves + self.nodes + 1)
        self._wanted[lowering.inputs : self.leaves] = bytes([1]) * lowering.parameters
        for at, (_, node, _) in enumerate(nodes, self.leaves):
            primitive, arguments = node.primitive, node.arguments
            if type(arguments[0]) is tuple:
                wanted = self._of_vectors(primitive, arguments)
            else:
                wanted = self._of_numbers(primitive, arguments)
            self._wanted[at] = wanted > 0
            self._found[self._find(node, -1)] = at

    def place(self, v: Any) -> int:
        """Where a number stands."""
        place = self._found[self._find(v, -1)]
        if place < 0:
            text = repr(v if type(v) is float else v.data)
            place = self.leaves + self.nodes + self.numbers.setdefault(text, len(self.numbers))
        return place

    def _of_numbers(self, primitive: p.Primitive, arguments: Sequence[Any]) -> int:
        """Writes a node of one number or two, and returns which need a gradient: 1, 2, or 3."""
        case = self._cases.get((primitive, len(arguments)))
        if case is None:
            case = self._case(primitive, arguments, len(arguments))
        a = b = self.place(arguments[0])
        wanted = self._is_wanted(a)
        if len(arguments) == 2:
            b = self.place(arguments[1])
            if primitive is p.POW and b == self.place(2.0):
                case, b = SQUARE, a
            wanted += 2 * self._is_wanted(b)
        self.code += case + wanted, a, b, 0
        self.time += NODE if primitive in CALL_NOTHING else NODE + CALL
        return wanted

    def _of_vectors(self, primitive: p.Primitive, arguments: Sequence[Any]) -> int:
        """Likewise a node of one vector or two."""
        places = [[*map(self.place, x)] for x in arguments]
        n = len(places[0])
        if len(places) == 2 and n > len(places[1]):
            places[1].append(self.place(1.0))  # a bias is the weight of a constant 1
        case = self._cases.get((primitive, -n))
        if case is None:
            case = self._case(primitive, arguments, -n)
        wanted = sum([max(map(self._is_wanted, part)) << i for i, part in enumerate(places)])
        starts = [*map(self._start, places)]
        self.code += case + wanted, starts[0], starts[-1], n
        call = 0 if primitive in CALL_NOTHING else CALL
        self.time += NODE + call + n * (ENTRY + call)
        return wanted

    def _case(self, primitive: p.Primitive, arguments: Sequence[Any], key: int) -> int:
        """The first case of a row among all cases; a user's own primitive is a new row."""
        row = row_of(primitive, arguments)
        if row in TABLE:
            number = TABLE.index(row)
        else:
            number = len(TABLE) + len(self.own)
            self.own.append(case(row))
        self._cases[primitive, key] = 4 * number
        return 4 * number

    def _start(self, places: list[int]) -> int:
        """Where the places of a vector's entries are listed."""
        start = self._starts.setdefault(tuple(places), len(self.places))
        if start == len(self.places):
            self.places += places
        return start

    def _is_wanted(self, place: int) -> int:
        return self._wanted[min(place, self.leaves + self.nodes)]


def _address(array: npt.NDArray[Any]) -> int:
    return array.ctypes.data


@lru_cache(16)
def machine(own: tuple[Case, ...] = ()) -> Run | None:
    """The machine, with cases for users' own primitives besides those of the table.

    None, with a warning, where machine code can't be had.
    """
    try:
        code = Code(text_of([*map(case, TABLE), *own]), loops=False)
    except Exception as error:  # whatever llvmlite or LLVM runs into
        why = (str(error) or type(error).__name__).splitlines()[0]
        warnings.warn(
            "programs run without machine code, and so slower: llvmlite is installed, but fails "
            f"({why}). Install it anew (pip install -U --force-reinstall llvmlite); without it, "
            "nothing is said",
            RuntimeWarning,
            stacklevel=6,
        )
        return None
    run = code.function("tape", *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
    run.code = code  # it lives as long
    return run  # type: ignore[no-any-return]
