"""From a recorded graph to NumPy source: what `compile` does, step by step.

1. Group: nodes of one primitive and one depth become one array operation (a `Group`); its rows are
   ordered as its operands' rows are.
2. Write the forward pass, each group as late as its uses allow.
3. Write the backward pass over the groups in reverse.

An operand is a list of nodes. `Writer.gather` finds their rows in the arrays that exist (a whole
array, a slice, an index, several joined), and `Writer.scatter` adds a gradient to the same rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import primitives as p
from ..value import Value, topological_order
from .expressions import INDEXES, Shape, Sheet, Text, broadcast
from .groups import (
    Elementwise,
    Group,
    Inputs,
    Layer,
    Nodes,
    Parameters,
    Source,
    Stacked,
    common_label,
    neuron,
)  # fmt: skip
from .names import Names
from .numpy import write

STACKED = (p.SUM, p.MAX, p.LOGSUMEXP, p.DOT)  # one array for the whole vector
INLINE = (p.NEG, p.POS)  # a sign is not worth a line
RESERVED = (
    "b", "batch", "d_flat", "erf", "erfc", "flat", "float", "gradients", "len", "np", "parameters",
    "program", "views",
)  # fmt: skip


class Writer:
    """Writes the program of a graph.

    Attributes:
        source: the program, to be read.
        code: the same, to be run.
        functions: what the source calls by name, users' own primitives.
        constants: the arrays that it uses by name.
        groups: the array operations.
        graph_size: how many nodes were recorded.
    """

    def __init__(
        self, roots: list[Value], inputs: list[Value], parameters: list[Value], several: bool
    ) -> None:
        self.sheet = Sheet(Names(RESERVED))
        self.constants = self.sheet.constants
        self.functions = self.sheet.functions
        self._names: dict[Any, str] = {}  # of users' own primitives
        self._parameters = Parameters(self.sheet, parameters)
        self.inputs_count = len(inputs)
        sources: list[Source] = [Inputs(self.sheet, inputs), self._parameters]
        # Where a node stands: which array, and which row of it.
        self._source: dict[Any, Source] = {}
        self._row: dict[Any, int] = {}
        for source in sources:
            self._place(source)
        self.varies = set(inputs)
        self._parameters.number = 1
        order = list(dict.fromkeys(v for root in roots for v in topological_order(root)))
        self.graph_size = len(order)
        self.groups = self._group(order)
        with np.errstate(all="ignore"):
            self.source, self.code = self._write(roots, several)

    # Grouping

    def _group(self, order: list[Value]) -> list[Group]:
        """The groups, each after its operands, and as late as its uses allow."""
        depth: dict[Any, int] = dict.fromkeys(self._source, 0)
        kinds: dict[Any, list[Value]] = defaultdict(list)
        vectors: dict[Any, Any] = {}
        for node in order:
            if node in depth or node.primitive is None:
                continue
            depths = [depth[v] for v in node.inputs if v in depth]
            if depths:  # else it is a constant
                depth[node] = 1 + max(depths)
                if not self.varies.isdisjoint(node.inputs):
                    self.varies.add(node)
                kinds[(depth[node], *self._kind(node, depth, vectors))].append(node)
        groups: list[Group] = []
        for kind, nodes in sorted(kinds.items(), key=lambda item: item[0][0]):
            nodes.sort(key=self._first_places)  # rows in the order of the operands' rows
            group = kind[1](self, nodes)
            self._place(group)
            groups.append(group)
            group.number = 1 + len(groups)
            group.latest = len(kinds)
        for group in reversed(groups):
            sources = {self._source.get(v) for vs in group.operands() for v in vs}
            for source in sources:
                if isinstance(source, Group):
                    source.latest = min(source.latest, group.latest - 1)
        return sorted(groups, key=lambda group: group.latest)

    def _place(self, source: Source) -> None:
        self._source.update(dict.fromkeys(source.nodes, source))
        self._row.update({node: row for row, node in enumerate(source.nodes)})

    def _kind(self, node: Value, variable: Any, vectors: dict[Any, Any]) -> tuple[Any, ...]:
        """What nodes share that become one group: its class first."""
        primitive = node.primitive
        varies = node in self.varies
        if primitive is p.DOT:
            parts = neuron(node, self.varies)
            if parts:
                _, x, b = parts
                # Neurons of one layer share the tuple; equal ones will do too.
                same = vectors.get(id(x)) or vectors.setdefault(x, x)
                if x is node.arguments[1]:
                    vectors[id(x)] = same
                return Layer, id(same), b is None, varies
            return Stacked, primitive, *map(len, node.arguments)
        if primitive in STACKED:
            return Stacked, primitive, len(node.arguments[0]), varies
        # An operand is constant, fixed by the parameters, or varies with the inputs.
        return Elementwise, primitive, *[(v in variable) + (v in self.varies) for v in node.inputs]

    def _first_places(self, node: Value) -> list[tuple[int, int]]:
        parts = neuron(node, self.varies) if node.primitive is p.DOT else None
        operands = node.inputs if parts is None else parts[0]
        found = [v for v in operands if v in self._source][:3]
        return [(self._source[v].number, self._row[v]) for v in found]

    # Operands

    def gather(self, nodes: Nodes) -> Any:
        """The array of these nodes, ``(len(nodes), columns)``.

        One row if all are the same node, a plain number if all are the same constant.
        """
        first = nodes[0]
        if first in self._source and all(v is first for v in nodes):
            return self._source[first].take([self._row[first]])
        parts = self._parts(nodes)
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
        full = tuple([self.sheet.full(array, (array.shape[0], columns)) for array in arrays])
        shape: Shape = (len(nodes), columns)
        joined = f"np.concatenate([{', '.join(['{}'] * len(full))}])"
        order = np.concatenate([positions for _, _, positions in parts])
        if (np.diff(order) != 1).any():
            joined += f"[{self.sheet.index(np.argsort(order))}]"
        return self.sheet.node(joined, full, shape)

    def scatter(self, nodes: Nodes, d: Any, varies: bool) -> None:
        """Add the rows of ``d`` to the gradients of these nodes.

        ``d`` has a column for each example if it ``varies``. It may be less long than it stands
        for along an axis, where it is the same all along.
        """
        if len(nodes) > 1 and all(v is nodes[0] for v in nodes):
            nodes, d = nodes[:1], self.total(d, axis=0, n=len(nodes))
        parts = self._parts(nodes)
        for source, rows, positions in parts:
            if source is None or isinstance(source, Inputs):
                continue
            share = d
            if len(parts) > 1 and _long(d, axis=0):
                share = self.sheet.rows(d, positions)
            if varies and not source.varies:
                share = self.total(share, axis=1)
            source.give(rows, share)

    def gather_matrix(self, theta: Sequence[Nodes]) -> Text:
        """The array of a layer's weights, ``(d_out, d_in)``."""
        rows = self._parameter_rows(theta)
        if rows:
            return self._parameters.take(rows)
        shape = (len(theta), len(theta[0]))
        flat = [v for row in theta for v in row]
        array = self.sheet.full(self.gather(flat), (len(flat), 1))
        if array.shape != shape:
            array = self.sheet.view(f"{{}}.reshape{shape}", (array,), shape)
        return array

    def scatter_matrix(self, theta: Sequence[Nodes], d: Text) -> None:
        """Add ``d``, ``(d_out, d_in)``, to the gradients of a layer's weights."""
        rows = self._parameter_rows(theta)
        if rows:
            self._parameters.give(rows, d)
            return
        flat = [v for row in theta for v in row]
        column = self.sheet.view(f"{{}}.reshape({len(flat)}, 1)", (d,), (len(flat), 1))
        self.scatter(flat, column, varies=False)

    def _parameter_rows(self, theta: Sequence[Nodes]) -> list[list[int]] | None:
        get = self._source.get
        if any(get(v) is not self._parameters for row in theta for v in row):
            return None
        return [[self._row[v] for v in row] for row in theta]

    def _parts(self, nodes: Nodes) -> list[tuple[Any, list[Any], list[int]]]:
        """The sources of an operand, the rows (or constants) it has of each, and where in it."""
        parts: dict[Any, tuple[list[Any], list[int]]] = {}
        for position, v in enumerate(nodes):
            source = self._source.get(v)
            constant = v.data if isinstance(v, Value) else v
            rows, positions = parts.setdefault(source, ([], []))
            rows.append(constant if source is None else self._row[v])
            positions.append(position)
        return [(source, rows, positions) for source, (rows, positions) in parts.items()]

    def total(self, d: Any, axis: int, n: int | None = None) -> Any:
        """The sum of ``d`` along an axis, whose length is ``n``, or that of the batch."""
        if _long(d, axis):
            return self.sheet.reduce("sum", d, axis)
        return d * (self.sheet.leaf("len(batch)", ()) if n is None else float(n))

    # Primitives

    def row(self, group: Group, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
        """Value and partial derivatives of a group's primitive, as functions of expressions."""
        primitive = group.primitive
        if primitive in p.TABLE:
            return primitive.on(self.sheet)  # type: ignore[no-any-return]
        # A user's own is called by name.
        vector = type(arguments[0]) is tuple
        if primitive not in self._names:
            value, partials = _on_arrays(primitive, vector)
            _try(primitive, value, partials, group.operands())
            name = self._names[primitive] = self.sheet.names.pair(primitive.symbol)
            self.functions.update({name: value, f"d_{name}": partials})
        name = self._names[primitive]

        def flat(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            return arguments[0] if vector else arguments

        def value_text(*arguments: Any) -> Text:
            x = flat(arguments)
            commas = ", ".join(["{}"] * len(x))
            return self.sheet.node(f"{name}({commas})", x, broadcast(*x))

        def partials_text(z: Text, *arguments: Any) -> tuple[Any, ...]:
            x = flat(arguments)
            commas = ", ".join(["{}"] * (1 + len(x)))
            ds = self.sheet.node(f"d_{name}({commas})", (z, *x), z.shape)
            parts = tuple([self.sheet.view(f"{{}}[{i}]", (ds,), z.shape) for i in range(len(x))])
            return (parts,) if vector else parts

        return value_text, partials_text

    # Writing

    def _write(self, roots: list[Value], several: bool) -> tuple[str, str]:
        """The program, to be read and to be run."""
        sheet = self.sheet
        unpack = sheet.line("")
        sheet.line("# forward")
        for group in self.groups:
            value = group.forward()
            group.name = common_label(group.nodes) or "v"
            if group.primitive in INLINE and value.shape == group.shape:
                group.text = value
            else:
                group.text = sheet.assign(group.name, value, group.shape)
                group.name = group.text.template
        outputs = sheet.full(self.gather(roots), (len(roots), "b"))
        result = sheet.view("{}.T" if several else "{}[0]", (outputs,), ())
        sheet.line("if gradients is None:")
        sheet.line("    return {}", result)
        sheet.line("# backward")
        unpack_gradients, start = sheet.line(""), sheet.line("")
        self.scatter(roots, 1.0, varies=True)
        for group in reversed(self.groups):
            group.backward(group.gradient())
        self._parameters.finish(start)
        sheet.line("return {}", result)

        views = self._parameters.views
        if views:
            unpack.template = f"{_tuple(views)} = parameters"
            unpack_gradients.template = f"{_tuple(f'd_{name}' for name in views)} = gradients"
        to_read, to_run, numbers = write(sheet.lines, sheet.names)
        return self._file(to_read, {}), self._file(to_run, numbers)

    def _file(self, body: list[str], numbers: dict[str, str]) -> str:
        """The whole program, given the lines of its function and the names of numbers in it."""
        m, n, views = len(self._parameters.nodes), self.inputs_count, self._parameters.views
        lines = ["import numpy as np", ""]
        for name, array in self.constants.items():
            if array.size <= INDEXES:
                entries = str(array.tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
                lines.append(f"{name} = np.array({entries})")
            else:
                lines.append(f"# {name}: an array {array.shape} of constants")
        lines += [
            f"# {name}: your own primitive; d_{name}: its partial derivatives"
            for name in self._names.values()
        ]
        lines += [f"{name} = np.array({number})" for number, name in numbers.items()]
        lines += [
            *["", ""][: 1 + (len(lines) > 2)],
            "def views(flat):",
            f'    """The arrays inside a flat vector ({m},) of parameters, or of gradients."""',
            *[f"    {name} = {view}" for name, view in views.items() if name != view],
            f"    return {_tuple(views)}",
            "",
            "",
            "def program(batch, parameters, gradients=None):",
            f'    """Outputs for a batch (b, {n}); the gradient of their sum: into gradients."""',
            *[f"    {line}" for line in body if line],
        ]
        return "\n".join(lines) + "\n"


def _long(d: Any, axis: int) -> bool:
    """Whether ``d`` has more than one entry along an axis."""
    return isinstance(d, Text) and d.shape[axis : axis + 1] not in ((), (1,))


def _tuple(names: Iterable[str]) -> str:
    names = list(names)
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names) or "()"


def _on_arrays(primitive: p.Primitive, vector: bool) -> tuple[Any, Any]:
    """A user's primitive as two functions of arrays: its value, and its partial derivatives."""
    value, partials = primitive.on(p.ARRAYS)

    def full(z: Any, *x: Any) -> Any:
        return np.broadcast_to(np.asarray(z, float), np.broadcast_shapes(*map(np.shape, x)))

    def f(*x: Any) -> Any:
        x = tuple(map(np.float64, x))
        return full(value(x) if vector else value(*x), *x)

    def df(z: Any, *x: Any) -> Any:
        x = tuple(map(np.float64, x))
        ds = partials(z, x)[0] if vector else partials(z, *x)
        return tuple([full(d, z, *x) for d in ds])

    return f, df


def _try(primitive: p.Primitive, f: Any, df: Any, operands: list[Nodes]) -> None:
    """Run a user's primitive on arrays once, at the recorded point."""
    data = [[v.data if isinstance(v, Value) else v for v in nodes] for nodes in operands]
    x = [np.array([column, column]).T for column in data]
    try:
        with np.errstate(all="ignore"):
            df(f(*x), *x)
    except Exception as error:
        raise ValueError(
            f"the primitive {primitive.symbol!r} can't run on arrays ({error}). Write it with "
            "operators and the functions of autograd; in place of `if` on a number use "
            "autograd.where(c, a, b)"
        ) from error
