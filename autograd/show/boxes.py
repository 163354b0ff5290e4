"""Which boxes and arrows the picture of a graph has, so that it can be read and is soon laid out.

What makes Graphviz slow, and a picture a tangle, are long arrows: those of a node that is used all
over the graph, as the weight of a recurrent network. Such a node is drawn anew near its uses.
"""

from collections import defaultdict
from collections.abc import Iterable, Sized
from dataclasses import dataclass, field

from ..value import Value

FEW = 30  # nodes, up to which none is drawn anew
NEAR = 3  # columns: so near an arrow may always come from the node's first box
FAR = 80  # columns that the arrows of one node may pass together, before it is drawn anew
MANY = 160  # boxes, arrows, or columns passed: up to where Graphviz is sure to be quick
PASSED, ARROWS = 1000, 4500  # columns that all arrows may pass, and how many arrows there may be

INSTEAD = (
    "Draw what leads to one of its nodes, draw(node), or what follows some of them, "
    "draw(root, stop=nodes); or read it, trace(root). A network's neurons: "
    "nn.draw(net, x, y, loss)"
)


@dataclass
class Boxes:
    """The boxes of a picture.

    Attributes:
        ids: of each node its first box.
        again: of the nodes that are drawn anew, the further boxes.
        tails: the box from which the arrow to a node's input comes, by node and position.
        passed: how many columns the arrows pass, all in all.
    """

    ids: dict[Value, str]
    again: dict[Value, list[str]] = field(default_factory=lambda: defaultdict(list))
    tails: dict[tuple[Value, int], str] = field(default_factory=dict)
    passed: int = 0

    def is_large(self, boxes: Sized, arrows: Sized) -> bool:
        """Whether Graphviz would take long with so many boxes, those of plain numbers included."""
        return max(len(boxes), len(arrows) / 2, self.passed / 3) > MANY

    def weight(self, tail: str) -> dict[str, str]:
        """How much the arrow from a box wants to be straight: one from a box drawn anew, less."""
        return {"weight": "3"} if self.again and "r" not in tail and "c" not in tail else {}


def boxes_of(nodes: list[Value], cut: Iterable[Value]) -> Boxes:
    """The boxes for the nodes of a graph, in topological order, of which some are cut off.

    Raises:
        ValueError: there are too many arrows for a picture.
    """
    boxes = Boxes({node: f"n{i}" for i, node in enumerate(nodes)})
    cut, uses = set(cut), uses_of(nodes, set(cut))
    arrows = sum(map(len, uses.values()))
    if arrows > ARROWS:
        raise ValueError(
            f"the graph has {arrows} arrows, more than {ARROWS}, and could not be read. {INSTEAD}"
        )
    depths = _depths(nodes, uses)
    # A small graph is shown as it is: there an arrow can be followed.
    passes = {v: sum(depths[user] - depths[v] - 1 for user, _ in uses[v]) for v in nodes}
    total = sum(passes.values())
    for v in sorted(nodes, key=lambda v: (bool(v.inputs) and v not in cut, -passes[v])):
        is_given = not v.inputs or v in cut
        if len(nodes) <= FEW or not (passes[v] > FAR if is_given else total > PASSED and passes[v]):
            continue
        total -= passes[v]
        near: dict[int, str] = {}
        for user, i in uses[v]:
            column = depths[user]
            if column - depths[v] <= (1 if is_given else NEAR):
                continue
            if column not in near:
                near[column] = f"{boxes.ids[v]}r{len(near) + 1}"
                boxes.again[v].append(near[column])
            boxes.tails[user, i] = near[column]
    boxes.passed = total
    for v in nodes:
        for user, i in uses[v]:
            boxes.tails.setdefault((user, i), boxes.ids[v])
    return boxes


def uses_of(nodes: list[Value], cut: set[Value]) -> dict[Value, list[tuple[Value, int]]]:
    """Where each node goes in: the other node, and the position among its inputs."""
    uses: dict[Value, list[tuple[Value, int]]] = {node: [] for node in nodes}
    for node in nodes:
        if node not in cut:
            for i, v in enumerate(node.inputs):
                if isinstance(v, Value):
                    uses[v].append((node, i))
    return uses


def _depths(nodes: list[Value], uses: dict[Value, list[tuple[Value, int]]]) -> dict[Value, int]:
    """The column of each node, counted from the root's to the left: just before its first use."""
    depths = dict.fromkeys(nodes, 0)
    for v in reversed(nodes):
        if uses[v]:
            depths[v] = min(depths[user] for user, _ in uses[v]) - 1
    return depths
