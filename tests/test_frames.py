"""The graph in steps, read as data: what each frame changes, and where the picture draws it."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

import autograd
from autograd import Value, draw, topological_order
from autograd.show.colours import fill
from autograd.show.notation import digits

SVG = "{http://www.w3.org/2000/svg}"
MANY = [Value(float(i), label=f"w{i}") for i in range(9)]


def example():
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    return x.log() + x * y - y.sin()


def twice():
    x = Value(3.0, label="x")
    return (x * x).tanh() - 2.0 * x / 7.0


def vectors():
    w, x = [Value(-1.5), Value(0.5)], [Value(2.0), Value(-3.0)]
    return autograd.dot(w, x, Value(1.0)).sigmoid() * autograd.max(x)


def infinite():
    x = Value(0.0, label="x")
    return x.sqrt() * 2.0 + x


GRAPHS = [example, twice, vectors, infinite, lambda: autograd.sum(MANY)]


def changes_of(player):
    """The state of the picture in each frame."""
    state = {}
    for frame in player.frames:
        state = state | dict(frame.changes)
        yield frame, state


def shares_of(node):
    """What a node hands a share to, with its place and partial: of a maximum the largest alone."""
    for i, (v, d) in enumerate(zip(node.inputs, node.partials, strict=True)):
        if isinstance(v, Value) and (d or node.op != "max"):
            yield i, v, d


def gradients(root):
    """The gradients before the sweep and after each of its steps, by the chain rule alone."""
    grads = dict.fromkeys(topological_order(root), 0.0) | {root: 1.0}
    yield None, dict(grads)
    for node in reversed(topological_order(root)):
        if node.inputs:
            for _, v, d in shares_of(node):
                grads[v] += grads[node] * d
            yield node, dict(grads)


@pytest.mark.parametrize("graph", GRAPHS)
def test_values_come_one_by_one_and_then_gradients(graph):
    root = graph()
    player, order = draw(root).steps(), topological_order(root)
    ids = {v: f"n{i}" for i, v in enumerate(order)}
    inner = [v for v in order if v.inputs]
    came = [(f, s) for f, s in changes_of(player) if not f.title.startswith("Backward")]
    assert len(came) == 1 + len(inner)
    assert list(came[0][0].active) == [ids[v] for v in order if not v.inputs]
    for k, (frame, state) in enumerate(came):
        there = [v for v in order if v not in inner[k:]]
        for v in order:
            assert state[f"{ids[v]}v", "text"] == (digits(v.data) if v in there else "")
            assert state[f"{ids[v]}g", "text"] == ""
            assert state[f"{ids[v]}f", "class"] == "none"
            for i, (x, d) in enumerate(zip(v.inputs, v.partials, strict=True)):
                if isinstance(x, Value):
                    text = digits(d) if v in there else ""
                    assert state[f"{ids[v]}e{i}t", "text"] == text
        if k:
            v = inner[k - 1]
            edges = [f"{ids[v]}e{i}" for i in range(len(v.inputs))]
            assert list(frame.active) == [ids[v], *edges]
    back = [(f, s) for f, s in changes_of(player) if f.title.startswith("Backward")]
    expected = list(gradients(root))
    assert len(back) == len(expected) == 1 + len(inner)
    largest = max((abs(g) for g in expected[-1][1].values() if math.isfinite(g)), default=1.0)
    for (frame, state), (node, grads) in zip(back, expected, strict=True):
        edges = [f"{ids[node]}e{i}" for i, _, _ in shares_of(node)] if node is not None else []
        assert list(frame.active) == [ids[root if node is None else node], *edges]
        for v in order:
            assert state[f"{ids[v]}v", "text"] == digits(v.data)
            assert state[f"{ids[v]}g", "text"] == digits(grads[v])
            paint = state[f"{ids[v]}f", "class"], state[f"{ids[v]}f", "fill-opacity"]
            assert paint == fill(grads[v], largest)


def test_the_deeper_the_larger():
    assert fill(0.0, 2.0) == ("none", "0")
    assert fill(2.0, 2.0) == ("plus", "0.75")
    assert fill(-0.5, 2.0) == ("minus", "0.45")
    assert fill(math.inf, 2.0) == fill(math.nan, 2.0) == ("odd", "1")


@pytest.mark.parametrize(
    ("n", "shown"),
    [
        (7, ["w0", "w1", "w2", "w3", "w4", "w5", "w6"]),
        (8, ["w0", "w1", "w2", "w3", "w4", "2", "w7"]),
    ],
)
def test_of_many_numbers_the_first_frame_says_six(n, shown):
    lines = draw(autograd.sum(MANY[:n])).steps().frames[0].lines
    assert [re.search(r"\w+", line)[0] for line in lines] == shown
    assert lines[0] == "w0 = 0"


def test_of_many_inputs_a_formula_says_six():
    v = Value(0.5, label="s")
    titles = [
        draw(autograd.sum([v, *MANY[:n]])).steps().frames[1].title.removeprefix("Forward: v1 = ")
        for n in (5, 6)
    ]
    assert titles == ["sum(s, w0, w1, w2, w3, w4)", "sum(s, w0, w1, w2, w3, w4, …)"]


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_click_shows_the_whole_sum(graph):
    root = graph()
    details = draw(root).steps()._data["details"]
    shares = {v: [] for v in topological_order(root)}
    *_, (_, grads) = gradients(root)
    for node in shares:
        for _, v, d in shares_of(node):
            shares[v].append(grads[node] * d)
    for i, v in enumerate(topological_order(root)):
        value, *lines = details[f"n{i}"]
        name = v.label or value.split(" = ")[0]
        assert value.startswith(name) and value.endswith(f" = {digits(v.data)}")
        assert value.count(" = ") == (2 if v.inputs else 1)
        grad = digits(math.fsum(shares[v]) if shares[v] else float(v is root))
        if not shares[v]:
            assert lines == [f"{name}.grad = {grad}: it is the result itself"]
        else:
            assert lines[-1].endswith(f" = {grad}")
            assert lines[0].count(".grad × ") == lines[1].count(" × ") == len(shares[v])


# Where things are drawn


def numbers_in(text):
    return [float(x) for x in re.findall(r"-?\d+\.?\d*", text)]


def drawn(root):
    """The frames of the boxes and the arrows (the points of the curve and of the tip), by id."""
    svg = ET.fromstring(draw(root).steps()._svg)
    boxes, arrows = {}, {}
    for group in svg.iter(f"{SVG}g"):
        kind = group.get("class", "").split()[:1]
        if kind == ["node"]:
            rect = group.find(f"{SVG}rect[@class='frame']")
            size = [float(rect.get(k)) for k in ("width", "height")]
            boxes[group.get("id")] = numbers_in(group.get("transform")) + size
        elif kind == ["edge"]:
            curve, tip = (numbers_in(path.get("d")) for path in group.findall(f"{SVG}path"))
            arrows[group.get("id")] = [list(zip(*[iter(p)] * 2, strict=True)) for p in (curve, tip)]
    return svg, boxes, arrows


@pytest.mark.parametrize("graph", GRAPHS)
def test_boxes_lie_apart_and_hold_their_texts(graph):
    root = graph()
    svg, boxes, _ = drawn(root)
    order = topological_order(root)
    assert len(boxes) == len(order)
    left, top, wide, high = map(float, svg.get("viewBox").split())
    for name, (x, y, w, h) in boxes.items():
        assert left <= x and x + w <= left + wide
        assert top <= y and y + h <= top + high - 30  # the legend's room
        for other, (x2, y2, w2, h2) in boxes.items():
            apart = x + w < x2 or x2 + w2 < x or y + h < y2 or y2 + h2 < y
            assert apart or name == other
    for group in svg.iter(f"{SVG}g"):
        if group.get("id") in boxes:
            _, _, w, h = boxes[group.get("id")]
            lines = [float(text.get("y")) for text in group.iter(f"{SVG}text")]
            assert all(8 < line < h - 4 for line in lines)
            head, value, _, grad, _ = lines
            assert (value - head, grad - value) == pytest.approx((18, 17), abs=0.11)
            for text in group.iter(f"{SVG}text"):
                at = float(text.get("x"))
                inset = w - at if text.get("text-anchor") else at
                assert inset == pytest.approx(7, abs=0.11)


def on_border(point, box):
    (x, y), (left, top, w, h) = point, box
    outside = max(left - x, x - left - w, top - y, y - top - h)
    return abs(outside) < 1


@pytest.mark.parametrize("graph", GRAPHS)
def test_arrows_lead_from_box_to_box(graph):
    root = graph()
    _, boxes, arrows = drawn(root)
    order = topological_order(root)
    ids = {v: f"n{i}" for i, v in enumerate(order)}
    assert len(arrows) == sum(len(v.inputs) for v in order)
    for v in order:
        for i, x in enumerate(v.inputs):
            curve, (tip, along, across) = arrows[f"{ids[v]}e{i}"]
            # A tip is drawn from its end to one corner, and from there to the other.
            one = tip[0] + along[0], tip[1] + along[1]
            corners = one, (one[0] + across[0], one[1] + across[1])
            assert on_border(tip, boxes[ids[v]])
            if isinstance(x, Value):
                assert on_border(curve[0], boxes[ids[x]])
            # The tip: 7 long, 6.4 wide, and the curve ends in the middle of its base.
            base = [sum(c) / 2 for c in zip(*corners, strict=True)]
            assert math.dist(*corners) == pytest.approx(6.4, abs=0.15)
            assert math.dist(base, tip) == pytest.approx(7, abs=0.15)
            assert math.dist(base, curve[-1]) < 0.15
            assert all(
                math.dist(c, tip) == pytest.approx(math.hypot(7, 3.2), abs=0.2) for c in corners
            )
