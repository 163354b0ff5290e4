"""Walks over a recorded graph that more than one room needs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .value import Value


def topological_order(root: "Value") -> list["Value"]:
    """Every `Value` that ``root`` was computed from, each once, inputs before what uses them.

    The order is that of a depth-first search, inputs from left to right, and so the same in every
    run. ``root`` comes last. Plain numbers among the inputs are not listed.

    >>> from autograd import Value
    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> [v.label or v.op for v in topological_order(x * y + x)]
    ['x', 'y', '*', '+']
    """
    order: list[Value] = []
    seen = set()
    stack: list[Any] = [root]  # our own: a deep graph would exhaust Python's
    pop, push = stack.pop, stack.append
    vector = None
    while stack:
        node = pop()
        if node is None:  # the inputs of the node below are all in order now
            order.append(pop())
            continue
        if node in seen:
            continue
        seen.add(node)
        x, y = node._x, node._y
        if x is None:
            order.append(node)
            continue
        push(node)
        push(None)
        # Pushed right to left, to be popped left to right.
        if type(y) is tuple:
            if y is not vector:  # neurons of a layer share their x, which need be looked at once
                vector = y
                if not seen.issuperset(y):
                    stack += [v for v in reversed(y) if type(v) is not float and v not in seen]
        elif y is not None and type(y) is not float and y not in seen:
            push(y)
        if type(x) is tuple:
            if not seen.issuperset(x):
                stack += [v for v in reversed(x) if type(v) is not float and v not in seen]
        elif type(x) is not float and x not in seen:
            push(x)
    return order
