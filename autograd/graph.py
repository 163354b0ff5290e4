"""Walks over a recorded graph that more than one room needs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .value import Value


def topological_order(root: "Value") -> list["Value"]:
    """Every `Value` that ``root`` was computed from, each once, inputs before what uses them.

    The order is that of a depth-first search, inputs from left to right, and so the same in every
    run. ``root`` comes last. Plain numbers among the inputs are not listed.

    Raises:
        TypeError: ``root`` is not a Value.

    >>> from autograd import Value
    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> [v.label or v.op for v in topological_order(x * y + x)]
    ['x', 'y', '*', '+']
    """
    if not hasattr(root, "_x"):
        raise TypeError(f"root must be a Value, got {type(root).__name__}")
    order: list[Value] = []
    seen = set()
    stack: list[Any] = [root]  # our own: a deep graph would exhaust Python's
    pop, push = stack.pop, stack.append
    finished = None
    while stack:
        node = pop()
        if node is None:  # the inputs of the node below are all in order now
            node = pop()
            order.append(node)
            if type(node._y) is tuple:
                finished = node._y
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
        if type(x) is tuple:
            # A layer's neurons share one y: once the first is in order, so is all of it.
            if y is not None and y is not finished and not seen.issuperset(y):
                stack += [v for v in reversed(y) if v not in seen and type(v) is not float]
            if not seen.issuperset(x):
                stack += [v for v in reversed(x) if v not in seen and type(v) is not float]
        else:
            if y is not None and y not in seen and type(y) is not float:
                push(y)
            if x not in seen and type(x) is not float:
                push(x)
    return order
