"""The backward pass one step at a time, to be watched.

>>> from autograd import Value, steps
>>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
>>> f = x * y + x
>>> for step in steps(f):
...     print(step)
v2.grad = 1
v2 = v1 + x
    v1.grad += 1 × 1  (0 → 1)
    x.grad += 1 × 1  (0 → 1)
v1 = x * y
    x.grad += 1 × 3  (1 → 4)
    y.grad += 1 × 2  (0 → 2)
>>> x.grad, y.grad
(4.0, 2.0)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..primitives import each
from ..value import Number, Value, topological_order
from .notation import (
    ARROW,
    PARTIAL,
    TIMES,
    digits,
    factor,
    for_output,
    formula,
    names_of,
    shortened,
)


@dataclass(frozen=True)
class Share:
    """What one input of a node gets: ``input.grad += node.grad * partial``.

    Attributes:
        input: a Value, or a plain number, which has no gradient.
        partial: the local derivative, d node / d input.
        product: ``node.grad * partial``.
        before, after: the input's gradient, without this share and with it; 0 for a number.
        position: which of the node's inputs it is, from 0.
        is_given: False for what gets no share at all: the branch that a `where` does not take, what
            is not the largest of a `max`, and the inputs of a node that no share has reached.
    """

    input: Number
    partial: float
    product: float
    before: float = 0.0
    after: float = 0.0
    position: int = 0
    is_given: bool = True


@dataclass(frozen=True)
class Step:
    """One step of a backward pass: a node hands its gradient on to its inputs.

    The first step has no shares: the root's own gradient is set to 1.

    Attributes:
        node: the node.
        grad: its gradient, complete now, since all that it went into has had its turn.
        shares: one `Share` per input, in order.
        is_reached: whether a share has reached it: not so on a branch that is not taken.
    """

    node: Value
    grad: float
    shares: tuple[Share, ...]
    names: Mapping[Value, str] = field(repr=False, compare=False)
    is_reached: bool = True

    def __str__(self) -> str:
        return "\n    ".join(for_output([self.title, *self.lines()]))

    @property
    def title(self) -> str:
        """The node, and how it was computed; for the first step, where the pass begins."""
        name = self.names[self.node]
        if not self.shares:
            return f"{name}.grad = {digits(self.grad)}"
        return f"{name} = {formula(self.node, self.names, most=6)}"

    def partial_name(self, share: Share) -> str:
        """A local derivative in letters, ``∂v2/∂x``; of an input that stands there twice, which."""
        at, of = self.names[self.node], self.names[share.input]  # type: ignore[index]
        twice = sum(other.input is share.input for other in self.shares) > 1
        return f"{PARTIAL}{at}/{PARTIAL}{of}" + (f" (input {share.position + 1})" if twice else "")

    def lines(self, most: int = 6) -> list[str]:
        """The chain rule in numbers, a line per input that is a Value: at most so many."""
        if not self.is_reached:
            return ["no share reaches it: it is a condition, or on a branch that is not taken"]
        return shortened(
            [
                f"{self.names[s.input]}.grad += {digits(self.grad)} {TIMES} {factor(s.partial)}"
                f"  ({digits(s.before)} {ARROW} {digits(s.after)})"
                if s.is_given
                else f"{self.names[s.input]} gets no share"
                for s in self.shares
                if isinstance(s.input, Value)
            ],
            most,
        )


def steps(root: Value) -> Iterator[Step]:
    """The backward pass from ``root`` as an iterator: each `Step` is done when it is handed out.

    Print it to read the chain rule in numbers, or walk it by hand with ``next()`` and draw the
    graph in between, ``draw(root, step=step)``: the gradients fill up as the pass goes on. At its
    end all are what `Value.backward` leaves; a pass left halfway leaves them as they are.

    Raises:
        TypeError: ``root`` is not a Value.
    """
    return _written(topological_order(root))


def _written(order: list[Value]) -> Iterator[Step]:
    """The steps of a backward pass, their gradients written into the nodes."""
    for node in order:
        if node.op:
            node.grad = 0.0
    for step in backward_steps(order, {v: v.grad for v in order if not v.op}):
        if not step.shares:
            step.node.grad = step.grad
        for share in step.shares:
            if isinstance(share.input, Value):
                share.input.grad = share.after
        yield step


def backward_steps(
    order: list[Value], leaves: Mapping[Value, float] | None = None
) -> Iterator[Step]:
    """The steps of a backward pass over a topological order, without a change to any ``grad``.

    ``leaves`` are gradients that leaves have from before; 0 if not given.
    """
    grads = dict.fromkeys(order, 0.0)
    grads.update(leaves or {})
    names = names_of(order)
    root = order[-1]
    grads[root] += 1.0
    reached = {root}
    yield Step(root, grads[root], (), names)
    for node in reversed(order):
        if not node.op:
            continue
        shares, grad = [], grads[node]
        leaves_some = node.primitive is not None and node.primitive.chooses
        for i, (v, partial) in enumerate(zip(node.inputs, node.partials)):
            given = node in reached and not (leaves_some and partial == 0.0)
            product = grad * partial if given else 0.0
            before = after = 0.0
            if isinstance(v, Value):
                before = after = grads[v]
                if given:
                    grads[v] = after = before + product
                    reached.add(v)
            shares.append(Share(v, partial, product, before, after, i, given))
        yield Step(node, grad, tuple(shares), names, node in reached)


def is_stale(node: Value) -> bool:
    """Whether some input's ``data`` was changed since the node was recorded."""
    if node.primitive is None:
        return False
    arguments = each(lambda v: v.data if isinstance(v, Value) else v, node.arguments)
    now = node.primitive.value_at(*arguments)
    return bool(now != node.data and not (now != now and node.data != node.data))


def uses(passed: Iterable[Step]) -> dict[Value, list[tuple[Step, Share]]]:
    """For each node all that its gradient is the sum of, in the order of the backward pass."""
    found: dict[Value, list[tuple[Step, Share]]] = defaultdict(list)
    for step in passed:
        for share in step.shares:
            if share.is_given and isinstance(share.input, Value):
                found[share.input].append((step, share))
    return found
