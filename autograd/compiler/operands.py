"""The operands of operations: rows of the arrays that hold the nodes of a graph.

An operand is a list of nodes. `Operands.gather` finds their rows in the arrays that exist (a whole
array, a slice, an index, several joined), and `Operands.scatter` adds a gradient to the same rows.
"""

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from ..value import Value
from .expressions import ALL, Expr, Index, Shape
from .listing import Statement, View
from .names import common_label
from .shares import each_once, is_long, merged
from .sheet import Sheet

Nodes = Sequence[Any]  # Values and plain floats
Neuron = tuple[Nodes, Nodes, Any]  # weights, inputs, and the bias or None


class Source:
    """An array that operands are taken from: nodes of the graph, each with its row."""

    has_gradient = True
    computed_by: Any = None  # which part of the program

    def __init__(self, sheet: Sheet, nodes: list[Any], varies: bool) -> None:
        self.sheet, self.nodes, self.varies = sheet, nodes, varies
        self.shape: Shape = (len(nodes), "b" if varies else 1)
        self.place = 0  # among the sources

    def take(self, rows: list[int]) -> Expr:
        """These rows, as an expression."""
        raise NotImplementedError

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Add ``d``, one row for each of ``rows``, to their gradient.

        ``reached`` is the condition under which that is a share at all; None for always.
        """
        raise NotImplementedError


class Inputs(Source):
    """The columns of the batch. They need no gradient."""

    has_gradient = False

    def __init__(self, sheet: Sheet, nodes: list[Value]) -> None:
        super().__init__(sheet, nodes, varies=True)
        self._taken: dict[tuple[int, ...], Expr] = {}

    def take(self, rows: list[int]) -> Expr:
        """These columns, as rows of an array that has a name."""
        key = tuple(rows)
        if key not in self._taken:
            shape: Shape = (len(rows), "b")
            columns = self.sheet.m.make("columns", info=self.sheet.index(rows), shape=shape)
            wish = common_label(map(self.nodes.__getitem__, rows)) or "inputs"
            self._taken[key] = self.sheet.let(wish, columns, shape)
        return self._taken[key]

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Nothing is done."""


class Parameters(Source):
    """The flat vector of parameters, seen as the arrays that stand in it.

    Attributes:
        views: by name, where an array stands in the flat vector; None for the vector itself.
    """

    def __init__(self, sheet: Sheet, nodes: list[Value]) -> None:
        super().__init__(sheet, nodes, varies=False)
        self.place = 1
        self.views: dict[str, View | None] = {}
        self._taken: dict[Any, tuple[Expr, str, Index, bool]] = {}
        self._given: list[tuple[Statement, Any]] = []
        self._times_given = np.zeros(len(nodes), int)

    def take(self, rows: Any) -> Expr:
        """An array of parameters: a column for a list of rows, a matrix for a matrix of them."""
        return self._array(rows)[0]

    def give(self, rows: Any, d: Any, reached: Expr | None = None) -> None:
        """Set their gradient, or add to it: `finish` decides."""
        array, name, index, turned = self._array(rows)
        d, shape = (d.T, array.shape[::-1]) if turned else (d, array.shape)
        statement = self.sheet.state("set", name, d, index=index, shape=shape)
        self._given.append((statement, rows))
        np.add.at(self._times_given, np.asarray(rows), 1)

    def finish(self, start: Statement) -> None:
        """Decide, at the end, which statements set a gradient and which add to it.

        ``start`` is a statement before the backward pass that sets all gradients to 0. It is kept
        only if something is added to them.
        """
        for statement, rows in self._given:
            if (self._times_given[rows] != 1).any():
                statement.kind = "add"
        if (self._times_given != 1).any():
            self.views["flat"] = None
        else:
            self.sheet.statements.remove(start)

    def _array(self, rows: Any) -> tuple[Expr, str, Index, bool]:
        """The parameters ``rows``, and where their gradient goes: an array, and rows of it.

        At last, whether that array is the transposed one.
        """
        at = np.array(rows)
        at = at[:, None] if at.ndim == 1 else at
        key = (at.shape, at.tobytes())
        if key not in self._taken:
            wish = common_label(map(self.nodes.__getitem__, at.ravel().tolist())) or "theta"
            view = _view(at, len(self.nodes))
            m = self.sheet.m
            if view:
                name = self.sheet.names.pair(wish)
                self.views[name] = view
                self._taken[key] = m.name(name, at.shape), f"d_{name}", ALL, False
            elif at.shape[1] > 1 and _view(at.T, len(self.nodes)):
                array, name, index, _ = self._array(at.T)
                self._taken[key] = array.T, name, index, True
            else:  # scattered over the vector: a copy
                self.views["flat"] = None
                index = self.sheet.index(at)
                scattered = m.rows(m.name("flat", (len(self.nodes),)), index)
                array = self.sheet.let(wish, scattered, at.shape)
                self._taken[key] = array, "d_flat", index, False
        return self._taken[key]


class Operands:
    """Where each node of a graph stands: in which array, and in which row of it.

    Attributes:
        varies: the nodes that have a column for each example.
        first, leaves: the first place after those of the inputs, and after those of the parameters.
    """

    def __init__(
        self, sheet: Sheet, place: dict[Any, int], inputs: list[Value], parameters: list[Value]
    ) -> None:
        self.sheet, self.m, self.place = sheet, sheet.m, place
        self.varies: set[Any] = set(inputs)
        self.parameters = Parameters(sheet, parameters)
        # The places of inputs, and of parameters, end before these.
        self.first, self.leaves = len(inputs), len(inputs) + len(parameters)
        rest = len(place) - self.leaves
        # By place, of which inputs and parameters have the first ones.
        self._source: list[Source | None] = [
            *[Inputs(sheet, inputs)] * len(inputs), *[self.parameters] * len(parameters),
            *[None] * rest,
        ]  # fmt: skip
        self._row: list[int] = [*range(len(inputs)), *range(len(parameters)), *[0] * rest]
        self._neurons: dict[Any, Neuron | None] = {}

    def hold(self, source: Source, first: int = 0) -> None:
        """From now on its nodes are taken from this array, from its row ``first`` on."""
        place, sources, rows = self.place, self._source, self._row
        for row, node in enumerate(source.nodes, first):
            at = place.get(node, len(rows))
            if at < len(rows):
                sources[at], rows[at] = source, row
            else:
                self.put(node, source, row)

    def put(self, node: Any, source: Source, row: int) -> None:
        """From now on a node is taken from this row of an array."""
        place = self.place.setdefault(node, len(self.place))
        missing = place + 1 - len(self._row)
        self._source += [None] * missing
        self._row += [0] * missing
        self._source[place], self._row[place] = source, row

    def stands(self, node: Any) -> tuple[Source, int] | None:
        """The array that a node is taken from, and its row there; None for what is constant."""
        place = self.place.get(node, -1)
        source = None if place < 0 else self._source[place]
        return None if source is None else (source, self._row[place])

    def neuron(self, node: Any) -> Neuron | None:
        """As `dot_parts`, the weights being what does not vary; None if both do."""
        if node not in self._neurons:
            w, x, b = dot_parts(node)
            if not self.varies.isdisjoint(w):
                w, x = x, w
            self._neurons[node] = (w, x, b) if self.varies.isdisjoint(w) else None
        return self._neurons[node]

    def layer_parts(self, node: Any) -> Neuron:
        """As `neuron`, of a node that is known to be one."""
        parts = self.neuron(node)
        assert parts is not None
        return parts

    def gather(self, nodes: Nodes) -> Any:
        """The array of these nodes, ``(len(nodes), columns)``.

        It has one row if all are the same node, and is a plain number if all are the same constant.
        """
        parts = self._parts(nodes)
        source, rows, _ = parts[0]
        if source is not None and len(parts) == 1 and _all_equal(rows):
            return source.take(rows[:1])
        arrays = []
        for source, rows, _ in parts:
            if source is not None:
                arrays.append(source.take(rows))
            elif len(parts) == 1 and len({repr(number) for number in rows}) == 1:
                return np.float64(rows[0])  # on which 1/0 is inf
            else:
                arrays.append(self.sheet.constant(np.array(rows)[:, None]))
        if len(arrays) == 1:
            return arrays[0]
        columns = max([array.shape[1] for array in arrays], key=str)  # "b" if any has it
        full = [self.m.full(array, (array.shape[0], columns)) for array in arrays]
        order = np.concatenate([positions for _, _, positions in parts])
        in_order = (np.diff(order) == 1).all()
        index = None if in_order else self.sheet.index(np.argsort(order))
        return self.m.make("joined", *full, info=index, shape=(len(nodes), columns))

    def scatter(self, nodes: Nodes, d: Any, varies: bool, reached: Expr | None = None) -> None:
        """Add the rows of ``d`` to the gradients of these nodes, where they are ``reached``.

        ``d`` has a column for each example if it ``varies``. Along an axis where all its entries
        are equal it may have length 1, and so may the condition.
        """
        parts = self._parts(nodes)
        if len(nodes) > 1 and len(parts) == 1 and _all_equal(parts[0][1]):
            d, reached = self.total(d, axis=0, n=len(nodes)), self.anywhere(reached, axis=0)
            parts = self._parts(nodes[:1])
        for source, rows, positions in parts:
            if source is None or not source.has_gradient:
                continue
            share, where = d, reached
            if len(parts) > 1 and is_long(d, axis=0):
                share = self.m.rows(d, self.sheet.index(positions))
            if len(parts) > 1 and reached is not None and is_long(reached, axis=0):
                where = self.m.rows(reached, self.sheet.index(positions))
            if varies and not source.varies:
                share = self.total(share, axis=1)
                where = self.anywhere(where, axis=1)
            for once, places in each_once(rows):
                condition = where if where is None else merged(self.sheet, where, places)
                # A share may be a condition, which counts as 1.0 or 0.0 where several are added.
                added = share if places is None else self.m.number(share)
                source.give(once, merged(self.sheet, added, places), condition)

    def parameter_rows(self, theta: Sequence[Nodes]) -> npt.NDArray[np.int64] | None:
        """Which parameters a layer's weights are, ``(d_out, d_in)``; None if not all are some."""
        places = map(self.place.get, chain.from_iterable(theta), repeat(-1))
        rows = np.fromiter(places, int).reshape(len(theta), -1) - self.first
        within = rows.min() >= 0 and rows.max() < len(self.parameters.nodes)
        return rows if within else None

    def gather_matrix(self, theta: Sequence[Nodes], rows: npt.NDArray[np.int64] | None) -> Any:
        """A layer's weights, ``(d_out, d_in)``, of which `parameter_rows` has found the rows."""
        if rows is not None:
            return self.parameters.take(rows)
        shape = (len(theta), len(theta[0]))
        flat = [v for row in theta for v in row]
        array = self.m.full(self.gather(flat), (len(flat), 1))
        return array if array.shape == shape else self.m.reshape(array, shape)

    def scatter_matrix(
        self,
        theta: Sequence[Nodes],
        rows: npt.NDArray[np.int64] | None,
        d: Expr,
        reached: Expr | None = None,
    ) -> None:
        """Add ``d``, ``(d_out, d_in)``, to the gradients of a layer's weights.

        ``reached`` is the condition, ``(d_out, 1)``, under which a neuron's are; None for always.
        """
        if rows is not None and np.bincount(rows.ravel()).max() == 1:  # each but once
            self.parameters.give(rows, d)
            return
        flat = [v for row in theta for v in row]
        column = (len(flat), 1)
        d = self.m.reshape(d, column)
        if reached is not None:
            reached = self.m.reshape(self.m.full(reached, (len(theta), len(theta[0]))), column)
            d = self.m.choose(reached, d, 0.0)
        self.scatter(flat, d, varies=False, reached=reached)

    def total(self, d: Any, axis: int, n: int | None = None) -> Any:
        """The sum of ``d`` along an axis of length ``n``, or of the length of the batch."""
        if is_long(d, axis):
            return self.m.reduce("sum", d, axis)
        return d * (self.m.make("count", shape=()) if n is None else float(n))

    def anywhere(self, condition: Any, axis: int) -> Any:
        """Whether a condition holds for some entry along an axis."""
        if not is_long(condition, axis):
            return condition
        return self.m.reduce("sum", condition, axis) > 0.0

    def _parts(self, nodes: Nodes) -> list[tuple[Any, list[Any], list[int]]]:
        """The sources of an operand, its rows (or constants) from each, and their places in it."""
        parts: dict[Any, tuple[list[Any], list[int]]] = {}
        for position, v in enumerate(nodes):
            source, row = self.stands(v) or (None, v.data if isinstance(v, Value) else v)
            rows, positions = parts.setdefault(source, ([], []))
            rows.append(row)
            positions.append(position)
        return [(source, rows, positions) for source, (rows, positions) in parts.items()]


def dot_parts(node: Any) -> Neuron:
    """The weights, the inputs and the bias of a `dot` node."""
    w, x = node.arguments
    return (w, x, None) if len(w) == len(x) else (w[:-1], x, w[-1])


def _all_equal(rows: list[Any]) -> bool:
    return rows[0] == rows[-1] and len(set(rows)) == 1


def _view(at: npt.NDArray[np.int64], m: int) -> View | None:
    """The positions ``at``, a matrix, as a view of a vector of ``m``, if they are one."""
    (r, d), start = at.shape, int(at[0, 0])
    width = int(at[1, 0]) - start if r > 1 else d  # from row to row
    regular = start + width * np.arange(r)[:, None] + np.arange(d)
    if width < d or not np.array_equal(at, regular):
        return None
    fits = d == 1 or r == 1 or start + width * r <= m  # whole rows of the width are taken
    return View(start, r, d, width) if fits else None
