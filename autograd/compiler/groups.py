"""What the operands of array operations are taken from: inputs, parameters, and groups of nodes.

A group writes its own line of the forward pass, by running its row of the table of primitives on
expressions, and its part of the backward pass: its gradient times its partial derivatives.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import primitives as p
from ..value import Value
from .expressions import Line, Shape, Sheet, Text

if TYPE_CHECKING:
    from .lowering import Writer

Nodes = Sequence[Any]  # Values and plain floats


class Source:
    """Arrays that operands are taken from: nodes of the graph, each with its row."""

    def __init__(self, sheet: Sheet, nodes: list[Value], varies: bool) -> None:
        self.sheet, self.nodes, self.varies = sheet, nodes, varies
        self.shape: Shape = (len(nodes), "b" if varies else 1)
        self.number = 0  # its place among the sources

    def take(self, rows: list[int]) -> Text:
        """These rows, as an expression."""
        raise NotImplementedError

    def give(self, rows: list[int], d: Any) -> None:
        """Add ``d``, one row for each of ``rows``, to their gradient."""
        raise NotImplementedError


class Inputs(Source):
    """The columns of the batch. They need no gradient."""

    def __init__(self, sheet: Sheet, nodes: list[Value]) -> None:
        super().__init__(sheet, nodes, varies=True)
        self._taken: dict[tuple[int, ...], Text] = {}

    def take(self, rows: list[int]) -> Text:
        key = tuple(rows)
        if key not in self._taken:
            shape: Shape = (len(rows), "b")
            columns = self.sheet.leaf(f"batch[:, {self.sheet.index(rows)}].T", shape)
            wish = common_label([self.nodes[row] for row in rows]) or "inputs"
            self._taken[key] = self.sheet.assign(wish, columns, shape)
        return self._taken[key]

    def give(self, rows: list[int], d: Any) -> None:
        pass


class Parameters(Source):
    """The flat vector of parameters, seen as the arrays that stand in it."""

    def __init__(self, sheet: Sheet, nodes: list[Value]) -> None:
        super().__init__(sheet, nodes, varies=False)
        self.views: dict[str, str] = {}  # by name, where an array stands in the flat vector
        self._taken: dict[Any, tuple[Text, str]] = {}
        self._given: list[tuple[Line, str, Any]] = []
        self._times_given = np.zeros(len(nodes), int)

    def take(self, rows: Any) -> Text:
        """An array of parameters: a column for a list of rows, a matrix for a list of lists."""
        return self._array(rows)[0]

    def give(self, rows: Any, d: Any) -> None:
        array, left = self._array(rows)
        self._given.append((self.sheet.line(f"{left} = {{}}", d, shape=array.shape), left, rows))
        np.add.at(self._times_given, np.asarray(rows), 1)

    def finish(self, start: Line) -> None:
        """Decide, when all is known, who sets a gradient and who adds to it.

        The line before the backward pass can then be filled in, which sets to 0 what is added to
        or left out.
        """
        for line, left, rows in self._given:
            if (self._times_given[rows] == 1).all():
                continue
            line.template = f"{left} += {{}}"
            if left.startswith("d_flat["):  # += counts a repeated index once
                index = left[len("d_flat[") : -1]
                line.template = f"np.add.at(d_flat, {index}, {{}})"
        if (self._times_given != 1).any():
            self.views["flat"] = "flat"
            start.template = "d_flat[:] = 0.0"

    def _array(self, rows: Any) -> tuple[Text, str]:
        """The parameters ``rows``, and where their gradient goes."""
        at = np.array(rows)
        at = at[:, None] if at.ndim == 1 else at
        key = (at.shape, at.tobytes())
        if key not in self._taken:
            wish = common_label([self.nodes[row] for row in at.ravel().tolist()]) or "theta"
            view = _view(at, len(self.nodes))
            if view:
                name = self.sheet.names.pair(wish)
                self.views[name] = f"{view}  # {at.shape}"
                self._taken[key] = self.sheet.leaf(name, at.shape), f"d_{name}[:]"
            else:  # scattered over the vector: a copy
                self.views["flat"] = "flat"
                index = self.sheet.index(at)
                copy = self.sheet.leaf(f"flat[{index}]", at.shape)
                text = self.sheet.assign(wish, copy, at.shape)
                self._taken[key] = text, f"d_flat[{index}]"
        return self._taken[key]


class Group(Source):
    """Nodes that one array operation computes."""

    def __init__(self, writer: "Writer", nodes: list[Value]) -> None:
        super().__init__(writer.sheet, nodes, varies=nodes[0] in writer.varies)
        self.writer = writer
        self.primitive: Any = nodes[0].primitive
        self.name = ""
        self.latest = 0  # the last step at which it can be computed
        self.text: Text
        self._whole: list[Any] = []  # contributions to the gradient
        self._parts: list[tuple[list[int], Any]] = []

    def operands(self) -> list[Nodes]:
        """The nodes that go into it, in lists that are each one array."""
        raise NotImplementedError

    def forward(self) -> Any:
        """Its value, as an expression."""
        raise NotImplementedError

    def backward(self, d: Any) -> None:
        """Give its operands their share of ``d``, its own gradient."""
        raise NotImplementedError

    def take(self, rows: list[int]) -> Text:
        whole = rows == list(range(len(self.nodes)))
        return self.text if whole else self.sheet.rows(self.text, rows)

    def give(self, rows: list[int], d: Any) -> None:
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
                return self.sheet.assign(wish, total, self.shape)
            if isinstance(total, Text):
                total.wish = wish
            return total
        name = self.sheet.names.new(wish)
        self.sheet.line(f"{name} = np.zeros({self.sheet.size(self.shape)})", shape=self.shape)
        for rows, d in self._parts:
            index = self.sheet.index(rows)
            once = len(set(rows)) == len(rows)
            add = f"{name}[{index}] += {{}}" if once else f"np.add.at({name}, {index}, {{}})"
            self.sheet.line(add, d)
        for d in self._whole:
            self.sheet.line(f"{name} += {{}}", d)
        return self.sheet.leaf(name, self.shape)


class Elementwise(Group):
    """A primitive of one or two numbers, or of a vector whose entries differ in meaning (where)."""

    def operands(self) -> list[Nodes]:
        return list(zip(*[node.inputs for node in self.nodes]))

    def forward(self) -> Any:
        x = tuple(map(self.writer.gather, self.operands()))
        self.arguments = (x,) if type(self.nodes[0].arguments[0]) is tuple else x
        value, self.partials = self.writer.row(self, self.arguments)
        return value(*self.arguments)

    def backward(self, d: Any) -> None:
        ds = self.partials(self.text, *self.arguments)
        ds = ds[0] if type(self.nodes[0].arguments[0]) is tuple else ds
        for nodes, partial in zip(self.operands(), ds):
            self.writer.scatter(nodes, d * partial, self.varies)


class Stacked(Group):
    """A primitive that reduces vectors: the first axis of its arguments runs over the vector."""

    def operands(self) -> list[Nodes]:
        if self.primitive is not p.DOT:
            return [_entries([node.arguments[0] for node in self.nodes])]
        w, x, b = zip(*map(_dot, self.nodes))
        return [_entries(w), _entries(x), *([] if b[0] is None else [b])]

    def forward(self) -> Any:
        arrays = list(map(self.writer.gather, self.operands()))
        bias = arrays.pop() if len(arrays) == 3 else 0.0
        self.arguments = [(self._stack(x, nodes),) for x, nodes in zip(arrays, self.operands())]
        value, self.partials = self.primitive.on(self.sheet)
        z = value(*self.arguments)
        return z + bias if isinstance(bias, Text) or bias else z

    def backward(self, d: Any) -> None:
        shares = [d * partial for (partial,) in self.partials(self.text, *self.arguments)]
        shares.append(d)  # of the bias
        for i, (nodes, share) in enumerate(zip(self.operands(), shares)):
            if len(self.nodes) > 1 and i < len(self.arguments):
                share = self.sheet.full(share, (*self._lengths(nodes), self.shape[1]))
                share = self._reshape(share, (len(nodes), self.shape[1]))
            self.writer.scatter(nodes, share, self.varies)

    def _stack(self, x: Any, nodes: Nodes) -> Text:
        columns = x.shape[1] if isinstance(x, Text) else 1
        x = self.sheet.full(x, (len(nodes), columns))
        return x if len(self.nodes) == 1 else self._reshape(x, (*self._lengths(nodes), columns))

    def _lengths(self, nodes: Nodes) -> tuple[int, int]:
        return len(nodes) // len(self.nodes), len(self.nodes)

    def _reshape(self, x: Text, shape: Shape) -> Text:
        return self.sheet.view(f"{{}}.reshape{self.sheet.size(shape)}", (x,), shape)


class Layer(Group):
    """`dot` nodes over one vector x, whose weights do not vary: a = theta @ x + b."""

    def __init__(self, writer: "Writer", nodes: list[Value]) -> None:
        super().__init__(writer, nodes)
        self.theta, xs, self.b = zip(*[neuron(node, writer.varies) or () for node in nodes])
        self.x: Nodes = xs[0]

    def operands(self) -> list[Nodes]:
        return [*self.theta, self.x, *([] if self.b[0] is None else [self.b])]

    def forward(self) -> Any:
        x = self.writer.gather(self.x)
        columns = x.shape[1] if isinstance(x, Text) else 1
        self.x_array = self.sheet.full(x, (len(self.x), columns))
        self.theta_array = self.writer.gather_matrix(self.theta)
        a = self.theta_array @ self.x_array
        return a if self.b[0] is None else a + self.writer.gather(self.b)

    def backward(self, delta: Any) -> None:
        if self.b[0] is not None:
            self.writer.scatter(self.b, delta, self.varies)
        varies = not self.writer.varies.isdisjoint(self.x)
        if self.varies and not varies:  # the bias alone does
            delta = self.writer.total(delta, axis=1)
        self.writer.scatter_matrix(self.theta, delta @ self.x_array.T)
        self.writer.scatter(self.x, self.theta_array.T @ delta, varies)


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


def common_label(nodes: list[Value]) -> str:
    """The label that nodes share, without the index in brackets; empty if they share none."""
    texts = {str(node.label) for node in nodes}
    labels = {text[: text.rfind("[")] if text.endswith("]") else text for text in texts}
    return labels.pop() if len(labels) == 1 else ""


def _view(at: npt.NDArray[np.int64], m: int) -> str:
    """The positions ``at``, a matrix, as a view of a vector of ``m``; empty if there is none."""
    (r, d), start = at.shape, int(at[0, 0])
    width = int(at[1, 0]) - start if r > 1 else d  # from row to row
    regular = start + width * np.arange(r)[:, None] + np.arange(d)
    if width < d or not np.array_equal(at, regular):
        return ""
    stop = start + width * r
    if d == 1:
        step = f":{width}" if width > 1 else ""
        return f"flat[{start}:{int(at[-1, 0]) + 1}{step}, None]"
    if r == 1:
        return f"flat[None, {start}:{stop}]"
    if stop > m:
        return ""
    return f"flat[{start}:{stop}].reshape({r}, {width})" + (f"[:, :{d}]" if width > d else "")
