"""From a recorded graph to a program: what `compile` does, step by step.

1. Group: nodes of one primitive and one depth become one array operation (a `Group`); its rows are
   ordered as its operands' rows are.
2. Forward: each group runs its row of the table of primitives on expressions, as late as its uses
   allow.
3. Backward: each group in reverse gives its operands its gradient times its partial derivatives.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import primitives as p
from ..value import Value, topological_order
from .expressions import ALL, Arithmetic, Expr, Listing
from .names import RESERVED, Names
from .operands import Nodes, Operands, Sheet, Source, common_label
from .rules import RULES, rewriting

STACKED = (p.SUM, p.MAX, p.LOGSUMEXP, p.DOT)  # one array for the whole vector
INLINE = (p.NEG, p.POS)  # a sign is not worth a statement


class Group(Source):
    """Nodes that one array operation computes."""

    def __init__(self, lowering: "Lowering", nodes: list[Value]) -> None:
        super().__init__(lowering.sheet, nodes, varies=nodes[0] in lowering.varies)
        self.lowering, self.operands, self.m = lowering, lowering.operands, lowering.m
        self.primitive: Any = nodes[0].primitive
        self.name = ""
        self.latest = 0  # the last step at which it can be computed
        self.array: Expr
        self._whole: list[Any] = []  # contributions to the gradient
        self._parts: list[tuple[list[int], Any]] = []

    def operand_nodes(self) -> list[Nodes]:
        """The nodes that go into it, in lists that are each one array."""
        raise NotImplementedError

    def forward(self) -> Any:
        """Its value, as an expression."""
        raise NotImplementedError

    def backward(self, d: Any) -> None:
        """Give its operands their share of ``d``, its own gradient."""
        raise NotImplementedError

    def compute(self) -> None:
        """Its part of the forward pass: a statement that gives its value a name."""
        value = self.forward()
        self.name = common_label(self.nodes) or "v"
        if self.primitive in INLINE and value.shape == self.shape:
            self.array = value
        else:
            self.array = self.sheet.let(self.name, value, self.shape)
            self.name = str(self.array.info)

    def take(self, rows: list[int]) -> Expr:
        """These rows, or all of it."""
        if rows == list(range(len(self.nodes))):
            return self.array
        taken: Expr = self.m.rows(self.array, self.sheet.index(rows))
        return taken

    def give(self, rows: list[int], d: Any) -> None:
        """Add ``d``, one row for each of ``rows``, to their gradient."""
        if rows == list(range(len(self.nodes))):
            self._whole.append(d)
        else:
            self._parts.append((rows, d))

    def gradient(self) -> Any:
        """The derivative of the sum of the roots by this array."""
        wish = re.sub(r"^a(\d*)$", r"delta\1", self.name)  # the lecture's error signal
        wish = f"d_{self.name}" if wish == self.name else wish
        if not self._parts:
            total = self._whole[0]
            for d in self._whole[1:]:
                total = total + d
            if isinstance(self, Layer):  # the error signal has a name and its full shape
                return self.sheet.let(wish, total, self.shape)
            if isinstance(total, Expr):
                self.lowering.wishes[total] = wish
            return total
        name = self.sheet.names.new(wish)
        self.sheet.state("let", name, self.m.zeros(self.shape), shape=self.shape)
        for rows, d in self._parts:
            repeats = len(set(rows)) < len(rows)
            self.sheet.state("add", name, d, index=self.sheet.index(rows), repeats=repeats)
        for d in self._whole:
            self.sheet.state("add", name, d)
        return self.m.name(name, self.shape)


class Elementwise(Group):
    """A primitive of one or two numbers, or of a vector whose entries differ in meaning (where)."""

    def operand_nodes(self) -> list[Nodes]:
        """A list for each input."""
        return list(zip(*[node.inputs for node in self.nodes]))

    def forward(self) -> Any:
        """The row's value, element by element."""
        x = tuple(map(self.operands.gather, self.operand_nodes()))
        self.is_vector = type(self.nodes[0].arguments[0]) is tuple
        self.arguments = (x,) if self.is_vector else x
        value, self.partials = self.lowering.row(self, x)
        return value(*self.arguments)

    def backward(self, d: Any) -> None:
        """The chain rule, element by element."""
        ds = self.partials(self.array, *self.arguments)
        for nodes, partial in zip(self.operand_nodes(), ds[0] if self.is_vector else ds):
            self.operands.scatter(nodes, d * partial, self.varies)


class Stacked(Group):
    """A primitive that reduces vectors: the first axis of its arguments runs over the vector."""

    def operand_nodes(self) -> list[Nodes]:
        """The vectors' entries, first ones before second ones; for `dot` also the biases."""
        if self.primitive is not p.DOT:
            return [_entries([node.arguments[0] for node in self.nodes])]
        w, x, b = zip(*map(_dot, self.nodes))
        return [_entries(w), _entries(x), *([] if b[0] is None else [b])]

    def forward(self) -> Any:
        """The row's value, of vectors along the first axis."""
        operands = self.operand_nodes()
        arrays = list(map(self.operands.gather, operands))
        bias = arrays.pop() if len(arrays) == 3 else 0.0
        self.arguments = [(self._stack(x, nodes),) for x, nodes in zip(arrays, operands)]
        value, self.partials = self.primitive.on(self.m)
        z = value(*self.arguments)
        return z + bias if isinstance(bias, Expr) or bias else z

    def backward(self, d: Any) -> None:
        """The chain rule, entry by entry; the bias takes ``d`` as it is."""
        shares = [d * partial for (partial,) in self.partials(self.array, *self.arguments)]
        shares.append(d)
        for i, (nodes, share) in enumerate(zip(self.operand_nodes(), shares)):
            if len(self.nodes) > 1 and i < len(self.arguments):
                share = self.m.full(share, (*self._lengths(nodes), self.shape[1]))
                share = self.m.reshape(share, (len(nodes), self.shape[1]))
            self.operands.scatter(nodes, share, self.varies)

    def _stack(self, x: Any, nodes: Nodes) -> Expr:
        columns = x.shape[1] if isinstance(x, Expr) else 1
        x = self.m.full(x, (len(nodes), columns))
        if len(self.nodes) > 1:
            x = self.m.reshape(x, (*self._lengths(nodes), columns))
        stacked: Expr = x
        return stacked

    def _lengths(self, nodes: Nodes) -> tuple[int, int]:
        return len(nodes) // len(self.nodes), len(self.nodes)


class Layer(Group):
    """`dot` nodes over one vector x, whose weights do not vary: a = theta @ x + b."""

    def __init__(self, lowering: "Lowering", nodes: list[Value]) -> None:
        super().__init__(lowering, nodes)
        self.theta, xs, self.b = zip(*[neuron(node, lowering.varies) or () for node in nodes])
        self.x: Nodes = xs[0]

    def operand_nodes(self) -> list[Nodes]:
        """Each neuron's weights, the inputs, and the biases."""
        return [*self.theta, self.x, *([] if self.b[0] is None else [self.b])]

    def forward(self) -> Any:
        """A matrix product, and a column of biases."""
        x = self.operands.gather(self.x)
        columns = x.shape[1] if isinstance(x, Expr) else 1
        self.x_array = self.m.full(x, (len(self.x), columns))
        self.theta_array = self.operands.gather_matrix(self.theta)
        a = self.theta_array @ self.x_array
        return a if self.b[0] is None else a + self.operands.gather(self.b)

    def backward(self, delta: Any) -> None:
        """dL/dtheta = Delta x^T, and theta^T Delta for the layer below."""
        if self.b[0] is not None:
            self.operands.scatter(self.b, delta, self.varies)
        varies = not self.lowering.varies.isdisjoint(self.x)
        if self.varies and not varies:  # the bias alone does
            delta = self.operands.total(delta, axis=1)
        self.operands.scatter_matrix(self.theta, delta @ self.x_array.T)
        self.operands.scatter(self.x, self.theta_array.T @ delta, varies)


class Lowering:
    """A recorded graph as a program.

    Attributes:
        listing: the program, as data.
        names: the names in use in it.
        groups: the array operations.
        graph_size: how many nodes were recorded.
    """

    def __init__(
        self, roots: list[Value], inputs: list[Value], parameters: list[Value], several: bool
    ) -> None:
        self.m, self.names = Arithmetic(rewriting(RULES)), Names(RESERVED)
        self.sheet = Sheet(self.m, self.names)
        self.operands = Operands(self.sheet, inputs, parameters)
        self.varies = set(inputs)  # what has a column for each example
        self.wishes: dict[Expr, str] = {}  # for the names of gradients
        self._functions: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self._own: dict[p.Primitive, str] = {}  # the names of users' own primitives
        order = list(dict.fromkeys(v for root in roots for v in topological_order(root)))
        self.graph_size = len(order)
        self.groups = self._group(order)
        with np.errstate(all="ignore"):
            self.listing = self._listing(roots, len(inputs), len(parameters), several)

    def _group(self, order: list[Value]) -> list[Group]:
        """The groups, each after its operands, and as late as its uses allow."""
        source = self.operands.source
        depth: dict[Any, int] = dict.fromkeys(source, 0)
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
            self.operands.place(group)
            groups.append(group)
            group.number = 1 + len(groups)
            group.latest = len(kinds)
        for group in reversed(groups):
            for operand in {source.get(v) for nodes in group.operand_nodes() for v in nodes}:
                if isinstance(operand, Group):
                    operand.latest = min(operand.latest, group.latest - 1)
        return sorted(groups, key=lambda group: group.latest)

    def _kind(self, node: Value, variable: Any, vectors: dict[Any, Any]) -> tuple[Any, ...]:
        """What nodes share that become one group: its class first."""
        primitive, arguments = node.primitive, node.arguments
        varies = node in self.varies
        if primitive is p.DOT:
            parts = neuron(node, self.varies)
            if parts:
                _, x, b = parts
                # Neurons of one layer share the tuple; equal ones will do too.
                same = vectors.get(id(x)) or vectors.setdefault(x, x)
                if x is arguments[1]:
                    vectors[id(x)] = same
                return Layer, id(same), b is None, varies
            return Stacked, primitive, *map(len, arguments)
        if primitive in STACKED:
            return Stacked, primitive, len(arguments[0]), varies
        # An operand is constant, fixed by the parameters, or varies with the inputs.
        return Elementwise, primitive, *[(v in variable) + (v in self.varies) for v in node.inputs]

    def _first_places(self, node: Value) -> list[tuple[int, int]]:
        parts = neuron(node, self.varies) if node.primitive is p.DOT else None
        source, row = self.operands.source, self.operands.row
        found = [v for v in (node.inputs if parts is None else parts[0]) if v in source][:3]
        return [(source[v].number, row[v]) for v in found]

    def row(self, group: Group, x: tuple[Any, ...]) -> tuple[Any, Any]:
        """Value and partial derivatives of a group's primitive, as functions of expressions."""
        primitive, m = group.primitive, self.m
        if primitive in p.TABLE:
            return primitive.on(m)  # type: ignore[no-any-return]
        # A user's own is called by name.
        vector = type(group.nodes[0].arguments[0]) is tuple
        if primitive not in self._own:
            functions = _on_arrays(primitive, vector)
            _try(primitive, *functions, group.operand_nodes())
            self._own[primitive] = self.names.pair(primitive.symbol)
            self._functions[self._own[primitive]] = functions
        name = self._own[primitive]

        def value(*_: Any) -> Any:
            return m.make("own", *x, info=name)

        def partials(z: Expr, *_: Any) -> tuple[Any, ...]:
            ds = m.make("own", z, *x, info=f"d_{name}", shape=z.shape)
            parts = tuple([m.make("item", ds, info=i, shape=z.shape) for i in range(len(x))])
            return (parts,) if vector else parts

        return value, partials

    def _listing(self, roots: list[Value], n: int, m: int, several: bool) -> Listing:
        sheet = self.sheet
        for group in self.groups:
            self.m.running = group.primitive
            group.compute()
        outputs = self.m.full(self.operands.gather(roots), (len(roots), "b"))
        result = outputs.T if several else self.m.make("item", outputs, info=0, shape=("b",))
        turn = self.m.next_serial()
        start = sheet.state("set", "d_flat", self.m.zeros(()), index=ALL)
        self.operands.scatter(roots, 1.0, varies=True)
        for group in reversed(self.groups):
            self.m.running = group.primitive
            group.backward(group.gradient())
        parameters = self.operands.parameters
        parameters.finish(start)
        listing = Listing(
            n, m, parameters.views, sheet.constants, self._functions,
            forward=[s for s in sheet.statements if s.serial < turn],
            result=result,
            backward=[s for s in sheet.statements if s.serial > turn],
        )  # fmt: skip
        listing.name_shared(turn, self.names.new, self.wishes)
        return listing


def _dot(node: Value) -> tuple[Nodes, Nodes, Any]:
    """The weights, the inputs and the bias (or None) of a `dot` node."""
    w, x = node.arguments
    return (w, x, None) if len(w) == len(x) else (w[:-1], x, w[-1])


def neuron(node: Value, varies: set[Value]) -> tuple[Nodes, Nodes, Any] | None:
    """Like `_dot`, the weights being what does not vary; None if both do."""
    w, x, b = _dot(node)
    if varies.isdisjoint(w):
        return w, x, b
    return (x, w, b) if varies.isdisjoint(x) else None


def _entries(vectors: Sequence[Nodes]) -> Nodes:
    """The first entries of all vectors, then the second ones, and so on."""
    return [v for entries in zip(*vectors) for v in entries]


def _on_arrays(
    primitive: p.Primitive, vector: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A user's primitive as two functions of arrays: its value, and its partial derivatives."""
    value, partials = primitive.on(p.ARRAYS)

    def full(z: Any, *x: Any) -> Any:
        return np.broadcast_to(np.asarray(z, float), np.broadcast_shapes(*map(np.shape, x)))

    def f(*x: Any) -> Any:
        x = tuple(map(p.numpys, x))
        return full(value(x) if vector else value(*x), *x)

    def df(z: Any, *x: Any) -> Any:
        x = tuple(map(p.numpys, x))
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
