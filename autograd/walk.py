"""The walk over a recorded graph, and the sweep back through it.

Nearly all time of a backward pass goes by here, an edge at a time. So these two read and write the
slots of a `Value` themselves, as the file does that records them (`value.py`, which says what the
slots hold).
"""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

from .primitives import DOT

# The gradient of a node before any share has reached it: one particular 0.0, recognised by
# identity. Adding a share, even one of 0, puts another float in its place.
NOTHING = float("0")


def in_order(root: Any, seen: set[Any], leaves: bool) -> list[Any]:
    """`topological_order`; without ``leaves``, only of what was computed: a sweep needs no more."""
    order: list[Any] = []
    stack: list[Any] = [root]  # our own: a deep graph would exhaust Python's
    pop, push, done = stack.pop, stack.append, order.append
    unlisted = () if leaves else None  # the _x of what is passed over: None is that of a leaf
    finished, number = None, float  # a local name is found sooner
    while stack:
        node = pop()
        if node is None:  # the inputs of the node below are all in order now
            node = pop()
            done(node)
            if type(node._y) is tuple:
                finished = node._y
            continue
        if node in seen:
            continue
        while True:  # down by the left input, while there is one; the right one waits
            seen.add(node)
            x, y = node._x, node._y
            if x is None:
                if leaves:
                    done(node)
                break
            if type(x) is tuple:
                push(node)
                push(None)
                # A layer's neurons share one y: once the first is in order, so is all of it.
                for vector in (x,) if y is None or y is finished else (y, x):
                    again = vector[0] in seen
                    if again and seen.issuperset(vector):
                        continue
                    size = len(stack)
                    for v in reversed(vector):  # pushed right to left, popped left to right
                        if type(v) is not number and v._x is not unlisted and v not in seen:
                            push(v)
                    if size == len(stack) and not leaves:  # weights: used again, all are marked
                        seen.update(vector if again else vector[:1])
                break
            if y is None or type(y) is number or y._x is unlisted or y in seen:
                if type(x) is number or x._x is unlisted or x in seen:
                    done(node)
                    break
                push(node)
                push(None)
                node = x
            elif type(x) is number or x._x is unlisted or x in seen:
                push(node)
                push(None)
                node = y
            else:
                stack += (node, None, y)
                node = x
    return order


def sweep(root: Any) -> None:
    """`Value.backward`."""
    order = in_order(root, set(), leaves=False)
    nothing, number = NOTHING, float
    for node in order:
        node._grad = nothing
    root._grad += 1.0  # dL/dL
    skipped: list[tuple[Any, ...]] = []
    for node in reversed(order):
        x, y, grad = node._x, node._y, node._grad
        if grad is nothing:
            if skipped:  # a share of 0 is a share: the next inf makes it nan
                for v in chain.from_iterable(skipped):
                    if type(v) is not number and v._grad is nothing:
                        v._grad = 0.0
                skipped.clear()
                grad = node._grad
            if grad is nothing:  # on a branch that is not taken: it has no share to hand on
                node._grad = 0.0
                continue
        # The chain rule: dL/dinput += dL/dnode * dnode/dinput.
        if type(x) is tuple:
            # To add a dead unit's shares, 0 times finite partial derivatives, would change no
            # gradient (but for the sign of one that a user has set to -0.0), so it is left out. Its
            # inputs have a share all the same. `skipped` keeps them, and before a node is taken for
            # one without a share, the lines above give each of them its 0.
            dx, dy, primitive = node._dx, node._dy, node._primitive
            if grad == 0.0 and primitive is DOT and math.isfinite(sum(dx) + sum(dy)):
                skipped += x, y
                continue
            shares: Any = zip(x, dx)
            if primitive.chooses:
                shares = [(v, d) for v, d in shares if d != 0.0]
            for v, d in shares:
                if type(v) is not number:
                    v._grad += grad * d
            if y is not None:
                for v, d in zip(y, dy):
                    if type(v) is not number:
                        v._grad += grad * d
        elif y is None:
            d = node._dx
            if d != 0.0 or not node._primitive.chooses:
                x._grad += grad * d
        else:
            if type(x) is not number:
                x._grad += grad * node._dx
            if type(y) is not number:
                y._grad += grad * node._dy
