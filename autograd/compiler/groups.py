"""Array operations: nodes of one primitive and one depth, computed together.

A group runs its row of the table of primitives on expressions in the forward pass, and gives its
operands its gradient times its partial derivatives in the backward pass.
"""

import functools
import operator
import re
from collections.abc import Sequence
from typing import Any

from .. import primitives as p
from .expressions import Expr, Shape
from .names import common_label
from .operands import Nodes, Operands, Source, dot_parts
from .own import row_on

INLINE = (p.NEG, p.POS)  # a sign is not worth a statement


class Group(Source):
    """Nodes that one array operation computes."""

    def __init__(self, operands: Operands, nodes: list[Any]) -> None:
        super().__init__(operands.sheet, nodes, varies=nodes[0] in operands.varies)
        self.operands, self.m, self.computed_by = operands, operands.m, self
        self.primitive: Any = nodes[0].primitive
        self.name = ""
        self.latest = 0  # the last step at which it can be computed
        self.array: Expr
        self.reached: Expr | None = None
        # Shares of the gradient, each with the condition under which it is one (None: always).
        self._whole: list[tuple[Any, Expr | None]] = []
        self._parts: list[tuple[list[int], Any, Expr | None]] = []

    def operand_nodes(self) -> list[Nodes]:
        """The nodes that it is computed from, in lists: each list is one array."""
        raise NotImplementedError

    def forward(self) -> Any:
        """Its value, as an expression."""
        raise NotImplementedError

    def backward(self, d: Any) -> None:
        """Give its operands their shares of ``d``, its own gradient."""
        raise NotImplementedError

    def compute(self) -> None:
        """Its part of the forward pass: a statement that names its value."""
        self.m.running = self.primitive
        value = self.forward()
        self.name = common_label(self.nodes) or "v"
        if self.primitive in INLINE and value.shape == self.shape:
            self.array = value
        else:
            self.array = self.sheet.let(self.name, value, self.shape)
            self.name = str(self.array.info)

    def operations(self) -> list[tuple[str, p.Primitive, int, bool]]:
        """Its name, its primitive, how many nodes it has, and whether it varies."""
        return [(self.name, self.primitive, len(self.nodes), self.varies)]

    def take(self, rows: list[int]) -> Expr:
        """These rows, or all of it."""
        if rows == list(range(len(self.nodes))):
            return self.array
        taken: Expr = self.m.rows(self.array, self.sheet.index(rows))
        return taken

    def give(self, rows: list[int], d: Any, reached: Expr | None) -> None:
        """Add ``d``, one row for each of ``rows``, to their gradient."""
        if rows == list(range(len(self.nodes))):
            self._whole.append((d, reached))
        else:
            self._parts.append((rows, d, reached))

    def pass_on(self) -> None:
        """Its part of the backward pass: its gradient, and its operands' shares of it."""
        self.m.running = self.primitive
        if self._whole or self._parts:  # else it is a condition, which has no gradient
            self.reached = self._reached()
            self.backward(self._gradient())

    def share(self, nodes: Nodes, d: Any, partial: Any, shape: Shape | None = None) -> None:
        """Give an operand its share, ``d`` times the partial derivative, where it gets one.

        The share is reshaped to the ``shape`` of the operand's array, if that differs.
        """
        reached, share = self.reached, d * partial
        if self.primitive.chooses:
            if not isinstance(partial, Expr):
                if partial == 0.0:
                    return
            else:
                chosen = partial
                if partial.is_condition:
                    share = d  # partial is 1 where it holds
                else:
                    chosen = self.m.make("differs", partial, 0.0)
                reached = chosen if reached is None else chosen & reached
        if reached is not None:
            share = self.m.choose(reached, share, 0.0)
        if shape is not None:
            share = self.m.reshape(self.m.full(share, shape), (len(nodes), self.shape[1]))
            if reached is not None:
                reached = self.m.reshape(self.m.full(reached, shape), (len(nodes), self.shape[1]))
        self.operands.scatter(nodes, share, self.varies, reached)

    def _gradient(self) -> Any:
        """The derivative of the sum of the roots by this array."""
        wish = re.sub(r"^a(\d*)$", r"delta\1", self.name)  # the lecture's error signal
        wish = f"d_{self.name}" if wish == self.name else wish
        whole = [d for d, _ in self._whole]
        parts = [(rows, d) for rows, d, _ in self._parts]
        total = self._sum(wish, whole, parts)
        if isinstance(self, Layer) and not parts:  # the error signal has a name, and all its rows
            return self.sheet.let(wish, total, self.shape)
        if isinstance(total, Expr) and not parts and not total.is_condition:
            self.sheet.wishes[total] = wish
        return total

    def _reached(self) -> Expr | None:
        """The condition under which shares have reached the entries; None for always."""
        rows = {row for rows, _, reached in self._parts if reached is None for row in rows}
        if len(rows) == len(self.nodes) or any(reached is None for _, reached in self._whole):
            return None
        whole = [reached for _, reached in self._whole]
        if not self._parts:
            found = whole[0]
            for other in whole[1:]:
                if isinstance(found, Expr):  # else it is 1.0: one or the other always holds
                    found = found | other
            return found if isinstance(found, Expr) else None
        parts = [(rows, 1.0 if r is None else r) for rows, _, r in self._parts]
        counted: Expr = self._sum(f"reached_{self.name}", whole, parts) > 0.0
        return counted

    def _sum(self, wish: str, whole: list[Any], parts: list[tuple[list[int], Any]]) -> Any:
        """The sum of shares of all rows and of shares of some rows."""
        if not parts:
            return functools.reduce(operator.add, whole)
        total = self.sheet.zeros(wish, self.shape)
        name = str(total.info)
        for rows, d in parts:
            self.sheet.state("add", name, d, index=self.sheet.index(rows))
        for d in whole:
            self.sheet.state("add", name, d)
        return total


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
        value, self.partials = row_on(self.sheet, self.nodes[0], x)
        return value(*self.arguments)

    def backward(self, d: Any) -> None:
        """The chain rule, element by element."""
        ds = self.partials(self.array, *self.arguments)
        for nodes, partial in zip(self.operand_nodes(), ds[0] if self.is_vector else ds):
            self.share(nodes, d, partial)


class Stacked(Group):
    """A primitive that reduces vectors: the first axis of its arguments runs over the vector."""

    def operand_nodes(self) -> list[Nodes]:
        """The vectors' entries: all first ones, all second ones, ...; for `dot` also the biases."""
        if self.primitive is not p.DOT:
            return [_entries([node.arguments[0] for node in self.nodes])]
        w, x, b = zip(*map(dot_parts, self.nodes))
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
        partials = [partial for (partial,) in self.partials(self.array, *self.arguments)]
        for i, (nodes, partial) in enumerate(zip(self.operand_nodes(), [*partials, 1.0])):
            stacked = len(self.nodes) > 1 and i < len(partials)
            shape = (*self._lengths(nodes), self.shape[1]) if stacked else None
            self.share(nodes, d, partial, shape)

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
    """`dot` nodes with weights that do not vary: a = theta @ x + b.

    They may be over several vectors, the positions at which one layer is used: the nodes are then
    the first neuron at all positions, the second one, and so on. Inside, the columns of the product
    are those of all positions.

    Args:
        operands: where the nodes of the graph stand.
        nodes: the layer's.
        positions: over how many vectors.
    """

    def __init__(self, operands: Operands, nodes: list[Any], positions: int = 1) -> None:
        super().__init__(operands, nodes)
        self.positions = positions
        self.theta, _, self.b = zip(*map(operands.layer_parts, nodes[::positions]))
        vectors = [operands.layer_parts(node)[1] for node in nodes[:positions]]
        self.x: Nodes = _entries(vectors) if positions > 1 else vectors[0]
        self.rows = operands.parameter_rows(self.theta)

    def operand_nodes(self) -> list[Nodes]:
        """Each neuron's weights, unless they are parameters; the inputs, and the biases."""
        weights = self.theta if self.rows is None else ()
        return [*weights, self.x, *([] if self.b[0] is None else [self.b])]

    def forward(self) -> Any:
        """A matrix product, and a column of biases."""
        x = self.operands.gather(self.x)
        columns = x.shape[1] if isinstance(x, Expr) else 1
        self.x_array = self._abreast(self.m.full(x, (len(self.x), columns)))
        self.theta_array = self.operands.gather_matrix(self.theta, self.rows)
        a = self.theta_array @ self.x_array
        if self.b[0] is not None:
            a = a + self.operands.gather(self.b)
        return self._below(a, self.shape)

    def backward(self, delta: Any) -> None:
        """dL/dtheta = Delta x^T, and theta^T Delta for the layer below."""
        reached, shape = self.reached, self.shape
        if self.positions > 1:
            delta = self._abreast(self.m.full(delta, shape))
            if reached is not None:
                rows = self.positions if reached.shape[0] == 1 else shape[0]
                reached = self._abreast(self.m.full(reached, (rows, shape[1])))
        if self.b[0] is not None:
            self.operands.scatter(self.b, delta, self.varies or self.positions > 1, reached)
        varies = not self.operands.varies.isdisjoint(self.x)
        if self.varies and not varies:  # the bias alone does
            delta = self.operands.total(delta, axis=1)
            reached = self.operands.anywhere(reached, axis=1)
        x, theta, anywhere = self.x_array, self.theta_array, self.operands.anywhere
        x_shape = (len(self.x), "b" if varies else 1)
        if reached is None:
            self.operands.scatter_matrix(self.theta, self.rows, delta @ x.T)
            self.operands.scatter(self.x, self._below(theta.T @ delta, x_shape), varies)
            return
        # An example that does not reach a neuron must add 0 to the products, not 0 times infinity.
        if reached.shape[0] == 1:  # it reaches all neurons, or none
            d_theta = delta @ self.m.choose(reached, x, 0.0).T
            d_x = self.m.choose(reached, theta.T @ delta, 0.0)
        else:
            d_theta, d_x = self._products_where(reached, delta, x.shape[1])
        by_neuron, by_example = anywhere(reached, axis=1), anywhere(reached, axis=0)
        self.operands.scatter_matrix(self.theta, self.rows, d_theta, by_neuron)
        if self.positions > 1:
            by_example = self._below(self.m.full(by_example, d_x.shape), x_shape)
        self.operands.scatter(self.x, self._below(d_x, x_shape), varies, by_example)

    def _abreast(self, x: Any) -> Any:
        """``(d times positions, columns)`` as ``(d, positions times columns)``."""
        if self.positions == 1:
            return x
        d, columns = int(x.shape[0]) // self.positions, x.shape[1]
        beside = f"{self.positions}*b" if columns == "b" else self.positions
        return self.m.reshape(x, (d, beside))

    def _below(self, x: Any, shape: Shape) -> Any:
        """The reverse of `_abreast`."""
        return x if self.positions == 1 else self.m.reshape(x, shape)

    def _products_where(self, reached: Expr, delta: Any, columns: Any) -> tuple[Any, Any]:
        """Delta x^T and theta^T Delta if not every example reaches every neuron.

        All terms of the sums are computed, ``(d_out, d_in, columns)``, so that some can be left
        out.
        """
        m, (d_out, d_in) = self.m, self.theta_array.shape
        delta, where = (
            m.reshape(m.full(a, (d_out, columns)), (d_out, 1, columns)) for a in (delta, reached)
        )
        x = m.reshape(self.x_array, (1, d_in, columns))
        theta = m.reshape(self.theta_array, (d_out, d_in, 1))
        return (
            m.reduce("sum", m.choose(where, delta * x, 0.0), 2),
            m.reduce("sum", m.choose(where, theta * delta, 0.0), 0),
        )


def _entries(vectors: Sequence[Nodes]) -> Nodes:
    """The first entries of all vectors, then the second ones, and so on."""
    return [v for entries in zip(*vectors) for v in entries]
