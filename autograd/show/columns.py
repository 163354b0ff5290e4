"""A large graph in columns, from left to right, in a time that grows with its arrows alone.

Graphviz improves a layout for as long as it finds anything, which takes minutes where a graph is
large. Here it is done in a fixed number of sweeps, after Sugiyama, Tagawa and Toda (1981), "Methods
for visual understanding of hierarchical system structures": columns, an order in each by the mean
place of what a box is joined to, then places as near to that mean as the order allows.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

Arrow = tuple[str, str]
Point = tuple[float, float]
SWEEPS = 6  # there and back
BETWEEN, PASSING = 12.0, 16.0  # points between two boxes of a column; the height of an arrow there
APART = 14.0  # points between two arrows from one box to one other
LEAST = 40.0  # points between two columns


def in_columns(
    sizes: Mapping[str, tuple[float, float]], arrows: Sequence[Arrow], room: float
) -> tuple[dict[str, Point], list[list[Point]], tuple[float, float]]:
    """Places for boxes, and curves for the arrows between them.

    Args:
        sizes: of each box its width and height, in points, inputs before what they go into.
        arrows: from box to box.
        room: the widest text at an arrow.

    Returns:
        The boxes' centres; of each arrow the points of a Bezier curve, from its tail to its head;
        width and height of it all. The y axis leads down.
    """
    column = _columns(sizes, arrows)
    heights: dict[Hashable, float] = {name: size[1] for name, size in sizes.items()}
    columns: list[list[Hashable]] = [[] for _ in range(1 + max(column.values()))]
    for name in sizes:
        columns[column[name]].append(name)
    joined: tuple[dict[Hashable, list[Hashable]], ...] = ({}, {})  # to the left, to the right
    ways: list[list[Hashable]] = []
    for k, (tail, head) in enumerate(arrows):
        passed: list[Hashable] = [(k, c) for c in range(column[tail] + 1, column[head])]
        for c, stop in enumerate(passed, start=column[tail] + 1):
            columns[c].append(stop)
            heights[stop] = PASSING
        ways.append([tail, *passed, head])
        for left, right in pairwise(ways[-1]):
            joined[0].setdefault(right, []).append(left)
            joined[1].setdefault(left, []).append(right)
    y = _heights(columns, heights, joined)

    x, xs = 0.0, []
    for names in columns:
        width = max((sizes[name][0] for name in names if isinstance(name, str)), default=0.0)
        xs.append((x, x + width))
        x += width + LEAST + room
    top = min(y[name] - heights[name] / 2 for name in y)
    bottom = max(y[name] + heights[name] / 2 for name in y) - top
    places = {
        name: ((xs[column[name]][0] + xs[column[name]][1]) / 2, y[name] - top) for name in sizes
    }
    curves: list[list[Point]] = []
    beside: dict[Arrow, int] = {}  # how many arrows there are already between two boxes
    for arrow, way in zip(arrows, ways):
        tail, head = arrow
        side = APART * beside.setdefault(arrow, 0)
        beside[arrow] += 1
        points = [(places[tail][0] + sizes[tail][0] / 2, places[tail][1] + side)]
        for c, stop in enumerate(way[1:-1], start=column[tail] + 1):
            points += [(edge, y[stop] - top) for edge in xs[c]]
        points.append((places[head][0] - sizes[head][0] / 2, places[head][1] + side))
        curves.append(_curve(points))
    return places, curves, (xs[-1][1], bottom)


def _columns(sizes: Mapping[str, tuple[float, float]], arrows: Sequence[Arrow]) -> dict[str, int]:
    """The column of each box: just left of its first use."""
    out: dict[str, list[str]] = {name: [] for name in sizes}
    waits = dict.fromkeys(sizes, 0)  # for so many boxes that it goes into
    into: dict[str, list[str]] = {name: [] for name in sizes}
    for tail, head in arrows:
        out[tail].append(head)
        into[head].append(tail)
        waits[tail] += 1
    column: dict[str, int] = {}
    ready = [name for name in sizes if not out[name]]
    for name in ready:  # which grows meanwhile
        column[name] = min((column[head] for head in out[name]), default=0) - 1
        for tail in into[name]:
            waits[tail] -= 1
            if not waits[tail]:
                ready.append(tail)
    first = min(column.values())
    return {name: c - first for name, c in column.items()}


def _heights(
    columns: list[list[Hashable]],
    heights: Mapping[Hashable, float],
    joined: tuple[Mapping[Hashable, list[Hashable]], ...],
) -> dict[Hashable, float]:
    """Where everything stands in its column: near the mean of what it is joined to."""
    y: dict[Hashable, float] = {}
    for names in columns:  # to begin with, in the order in which it was made
        _settle(names, [0.0] * len(names), heights, y)
    for sweep in range(2 * SWEEPS):
        backward = sweep % 2
        neighbours = joined[backward]
        for names in reversed(columns) if backward else columns:
            wanted = {}
            for name in names:
                near = neighbours.get(name) or joined[1 - backward].get(name, [])
                wanted[name] = sum(y[other] for other in near) / len(near) if near else y[name]
            if sweep < 2 * SWEEPS - 2:  # the order is left alone at last
                names.sort(key=wanted.__getitem__)
            _settle(names, [wanted[name] for name in names], heights, y)
    return y


def _settle(
    names: list[Hashable],
    wanted: Sequence[float],
    heights: Mapping[Hashable, float],
    y: dict[Hashable, float],
) -> None:
    """Places in this order, none over another, as near as possible to where they are wanted.

    Boxes that would meet become a block, which stands where its boxes want to stand on average
    (isotonic regression, by pooling adjacent violators).
    """
    offset, offsets = 0.0, []
    for i, name in enumerate(names):
        offset += (heights[name] + heights[names[i - 1]]) / 2 + BETWEEN if i else 0.0
        offsets.append(offset)
    blocks: list[list[float]] = []  # a sum, and of how many
    for place, offset in zip(wanted, offsets):
        blocks.append([place - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1]]
    starts = [total / n for total, n in blocks for _ in range(int(n))]
    y.update({name: start + offset for name, start, offset in zip(names, starts, offsets)})


def _curve(points: Sequence[Point]) -> list[Point]:
    """A smooth way through points: level where it meets a box or a column."""
    curve = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        curve += [(middle, y0), (middle, y1), (x1, y1)]
    return curve
