"""Which boxes of a picture can be folded into one: those of a layer, or of a label."""

import re

from ..value import Value
from .boxes import Boxes, uses_of
from .notation import printable

LAYER = re.compile(r"(theta|b|a|x|delta)(\d+)\[")  # the lecture's names, as `nn` writes them
WORTH = 24  # nodes, from which on folding helps


def groups_of(nodes: list[Value], cut: set[Value], boxes: Boxes) -> dict[str, list[str]]:
    """Names of groups, and the ids of the boxes in each; none where a graph is small.

    In a network's graph they are its layers, ``layer 1``; else each node with a label, with the
    nodes without one that it alone was computed from.
    """
    if len(nodes) < WORTH:
        return {}
    layers: dict[str, list[str]] = {}
    for v in nodes:
        if found := LAYER.match(v.label):
            l = int(found[2])
            layers.setdefault(f"layer {l}" if l else "the input", []).append(boxes.ids[v])
    if layers:
        return layers
    owner: dict[Value, Value] = {}
    uses = uses_of(nodes, cut)
    for v in reversed(nodes[:-1]):
        if v.op and v not in cut:
            owners = {owner.get(user) for user, _ in uses[v]}
            one = owners.pop() if len(owners) == 1 else None
            if v.label:
                owner[v] = v
            elif one is not None:
                owner[v] = one
    groups: dict[Value, list[str]] = {}
    for v in nodes:
        if v in owner:
            groups.setdefault(owner[v], []).append(boxes.ids[v])
    named: dict[str, list[str]] = {}
    for v, ids in groups.items():  # of several with one label, the first
        if len(ids) > 1:
            named.setdefault(printable(v.label), ids)
    return named
