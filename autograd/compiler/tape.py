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
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from ..primitives import MUL, POW
from . import kernel
from .floats import Cost
from .kernel import Case, Row, row_of
from .llvm import Code, is_installed
from .lowering import Lowering

SMALLEST = 300  # nodes: for fewer, nobody is to wait until the machine is compiled
# Nanoseconds: of the machine for a node and for an entry of a vector; of arrays for an operation.
NODE, ENTRY, OPERATION = 8, 3, 1000

Array = npt.NDArray[np.float64]
Run = Callable[[int, int, int, int, int], int]


def tape_of(lowering: Lowering, cost: Cost) -> Tape | None:
    """The tape of a graph; None if arrays or floats are as fast, or the machine can't run it."""
    if lowering.graph_size < SMALLEST or not is_installed():
        return None
    try:
        tape = Tape(lowering, cost)
    except Exception:  # of a user's formula that does not take expressions
        return None
    return tape if tape.most > 0 else None


class Tape:
    """A graph as data for the machine. It keeps no Value alive.

    Numbers are known by their places: inputs, parameters, nodes in order, constants.

    Attributes:
        most: the largest batch for which it is faster than arrays.
        size: how many bytes it takes.
    """

    def __init__(self, lowering: Lowering, cost: Cost) -> None:
        nodes = lowering.levels.nodes
        self._inputs, self._parameters = lowering.inputs, lowering.parameters
        self._leaves = self._inputs + self._parameters
        self._nodes, self._several = len(nodes), lowering.several
        writer = _Writer(lowering, self._leaves)
        self._code = np.array(writer.code, np.int32)
        self._places = np.array(writer.places, np.int32)
        self._roots = np.array([*map(writer.place, lowering.roots)], np.int32)
        self._numbers = np.array([*map(float, writer.numbers)])
        self._cases = tuple(writer.own.values())
        self._free: list[_Room] = []
        self._run: Run | None = None
        self.cost = cost
        self.most = _most(cost, len(nodes), len(self._places))
        numbers = self._leaves + self._nodes + len(self._numbers)
        arrays = self._code, self._places, self._numbers
        self.size = 16 * numbers + sum([array.nbytes for array in arrays])

    def __deepcopy__(self, memo: object) -> Tape:
        return self  # it is never changed, but for the room to compute in

    def __call__(self, batch: Array, parameters: Array, out: Array | None) -> Array | None:
        """The outputs for the rows of ``batch``, and the gradient into ``out``, if given.

        None, and nothing is written, where machine code can't be had.
        """
        run = self._run
        if run is None:
            run = self._run = machine(self._cases)
            if run is None:
                self.most = 0
                return None
        try:
            room = self._free.pop()  # each call has its own: threads may call at the same time
        except IndexError:
            room = _Room(self)
        room.parameters[:] = parameters
        b, back = len(batch), out is not None
        if b == 1:  # the most frequent: to ask NumPy for an address takes a microsecond
            room.batch[:] = batch
            run(room.address, room.batch_address, room.outputs_address, 1, back)
            outputs = room.outputs.copy()
        else:
            batch = np.ascontiguousarray(batch)
            outputs = np.empty((b, *room.outputs.shape[1:]))
            run(room.address, _address(batch), _address(outputs), b, back)
        if out is not None:
            out[:] = room.gradient
        self._free.append(room)
        return outputs


class _Room:
    """What the machine computes in, and where that and the tape lie in memory."""

    def __init__(self, tape: Tape) -> None:
        n, leaves, outputs = tape._inputs, tape._leaves, len(tape._roots)
        values = np.zeros(leaves + tape._nodes + len(tape._numbers))
        values[leaves + tape._nodes :] = tape._numbers
        gradients = np.zeros(len(values))
        self.parameters, self.gradient = values[n:leaves], gradients[n:leaves]
        self.batch, self.outputs = np.zeros((1, n)), np.zeros((1, outputs))
        if not tape._several:
            self.outputs = self.outputs[:, 0]
        self.batch_address, self.outputs_address = _address(self.batch), _address(self.outputs)
        addresses = map(_address, (tape._code, tape._places, values, gradients, tape._roots))
        self._head = np.array([*addresses, tape._nodes, outputs, n, leaves], np.int64)
        self.address = _address(self._head)


class _Writer:
    """Writes a tape."""

    def __init__(self, lowering: Lowering, leaves: int) -> None:
        nodes = lowering.levels.nodes
        self._place, self._depth = lowering.operands.place, lowering.levels.depth
        self._first_number = leaves + len(nodes)
        # By place in the graph: by place on the tape.
        self._found: dict[int, int] = dict(zip(range(leaves), range(leaves)))
        self.numbers: dict[str, int] = {}  # by how they are written, since 0.0 and -0.0 are two
        self._starts: dict[tuple[int, ...], int] = {}  # of vectors
        self.places: list[int] = []
        self.code: list[int] = []
        self.own: dict[Row, Case] = {}
        # Which places need a gradient: what is computed from parameters.
        self._wanted = bytearray(self._first_number)
        self._wanted[lowering.inputs : leaves] = bytes([1]) * lowering.parameters
        rows = {row: i for i, row in enumerate(kernel.TABLE)}
        for at, (_, node, _) in enumerate(nodes, leaves):
            self._found[self._place[node]] = at
            row = row_of(node.primitive, node.arguments)
            if row not in rows:
                rows[row] = len(rows)
                self.own[row] = kernel.case(row)
            self._write(at, row, rows[row], node.arguments)

    def place(self, v: Any) -> int:
        """Where a number stands."""
        i = self._place.get(v, -1)
        if i >= 0 and self._depth[i] >= 0:
            return self._found[i]
        text = repr(v if type(v) is float else v.data)
        return self._first_number + self.numbers.setdefault(text, len(self.numbers))

    def _write(self, at: int, row: Row, number: int, arguments: Sequence[Any]) -> None:
        """A node: its case, where its arguments stand, and how long they are."""
        places = [[*map(self.place, x if type(x) is tuple else (x,))] for x in arguments]
        n = 0
        if row.vectors:
            if len(places) == 2 and len(places[0]) > len(places[1]):
                places[1].append(self.place(1.0))  # a bias is the weight of a constant 1
            starts, n = [*map(self._start, places)], len(places[0])
        else:
            starts = [*chain.from_iterable(places)]
            if row.primitive is POW and self.place(2.0) == starts[1]:
                number, starts = kernel.TABLE.index(Row(MUL, 2, 0)), starts[:1] * 2
                places = [starts[:1]] * 2
        wanted = [any(map(self._is_wanted, part)) for part in places]
        self._wanted[at] = any(wanted)
        case = 4 * number + sum([which << i for i, which in enumerate(wanted)])
        self.code += case, starts[0], starts[-1], n

    def _is_wanted(self, place: int) -> bool:
        return place < self._first_number and self._wanted[place] == 1

    def _start(self, places: list[int]) -> int:
        """Where the places of a vector's entries are listed."""
        start = self._starts.setdefault(tuple(places), len(self.places))
        if start == len(self.places):
            self.places += places
        return start


def _most(cost: Cost, nodes: int, entries: int) -> int:
    """The largest batch for which a tape is faster than arrays."""
    example = NODE * nodes + ENTRY * entries
    return int(OPERATION * cost.operations / max(example - cost.numbers, 0.05 * example))


def _address(array: npt.NDArray[Any]) -> int:
    return array.ctypes.data


@lru_cache(16)
def machine(own: tuple[Case, ...]) -> Run | None:
    """The machine, with cases for users' own primitives besides those of the table.

    None, with a warning, where machine code can't be had.
    """
    try:
        code = Code(kernel.machine([*map(kernel.case, kernel.TABLE), *own]), loops=False)
    except Exception as error:
        warnings.warn(
            f"programs run without machine code, which llvmlite can't make here ({error}): "
            "reinstall llvmlite, or uninstall it, and this is not said again",
            RuntimeWarning,
            stacklevel=4,
        )
        return None
    run = code.function("tape", *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
    run.code = code  # which lives as long
    return run  # type: ignore[no-any-return]
