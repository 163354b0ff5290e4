"""Large graphs: what is drawn anew, what stands where, and what is refused. No time is asserted:
that layouts are quick follows from what is given to Graphviz, and that is looked at here.
"""

import itertools
import random
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

import autograd
from autograd import Value, draw, topological_order
from autograd.show import boxes as rules
from autograd.show.arrange import arranged, plan_of
from autograd.show.boxes import boxes_of
from autograd.show.columns import BETWEEN, _settle, in_columns
from autograd.show.groups import groups_of
from autograd.show.picture import Picture
from tests.cases import for_each


def chain(n):
    """c = c x + 0.1, again and again: x is used all along."""
    x = Value(0.9, label="x")
    c = x
    for _ in range((n - 1) // 2):
        c = c * x + 0.1
    return c


def recurrent(steps):
    w, u, b = (Value(v, label=label) for v, label in ((0.5, "w"), (0.3, "u"), (0.1, "b")))
    h = Value(0.0, label="h0")
    for t in range(1, steps + 1):
        h = (w * h + u * Value(0.1, label=f"x{t}") + b).tanh()
        h.label = f"h{t}"
    return h


def fan(n):
    return autograd.sum([Value(float(i), label=f"x{i}") for i in range(n - 1)])


def at_random(n, seed=0):
    rng = random.Random(seed)
    nodes, used = [Value(rng.uniform(0.5, 2)) for _ in range(n // 10)], set()
    while len(nodes) < n - 1:
        a, b = rng.choice(nodes), rng.choice(nodes)
        nodes.append(rng.choice([lambda a, b: a * b, lambda a, b: a + b])(a, b))
        used |= {a, b}
    return autograd.sum([v for v in nodes if v not in used])


GRAPHS = {
    "chain of 61": chain(61), "chain of 151": chain(151), "chain of 1,999": chain(1999),
    "recurrent, 16 steps": recurrent(16), "recurrent, 300 steps": recurrent(300),
    "fan of 700": fan(700), "at random, 100": at_random(100), "at random, 2000": at_random(2000),
}  # fmt: skip


def measured(root):
    nodes = topological_order(root)
    return nodes, boxes_of(nodes, ())


@pytest.mark.parametrize("name", GRAPHS)
def test_arrows_pass_few_columns_and_boxes_stay_few(name):
    nodes, boxes = measured(GRAPHS[name])
    assert boxes.passed <= max(rules.PASSED, rules.FAR * len(nodes))
    count = len(nodes) + sum(map(len, boxes.again.values()))
    assert count <= 2.5 * len(nodes)
    assert len(boxes.tails) == sum(isinstance(x, Value) for v in nodes for x in v.inputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRAPHS)
def test_graphviz_gets_no_large_graph(name):
    asked = []

    def layout(source, format):
        asked.append(len(re.findall(r"^\s*\w+ \[", source, re.M)))
        raise RuntimeError("no layout here")

    nodes = topological_order(GRAPHS[name])
    names = dict.fromkeys(nodes, "v")
    try:
        arrangement = arranged(plan_of(nodes, set(), names, {}, {}), layout)
    except RuntimeError:
        assert asked[0] <= rules.MANY
    else:
        assert asked == []
        picture = Picture(nodes, set(), names, {}, arrangement)
        assert ET.fromstring(picture.svg) is not None
    source = draw(GRAPHS[name]).source
    assert ("layout=nop2" in source) == (not asked)


def test_small_graphs_are_drawn_as_they_are():
    for root in (chain(29), recurrent(4), at_random(30)):
        _, boxes = measured(root)
        assert not boxes.again


def test_what_is_used_all_along_is_drawn_anew_near_its_uses():
    root = chain(61)
    root.backward()
    nodes, boxes = measured(root)
    x = nodes[0]
    assert set(boxes.again) == {x}
    assert len(boxes.again[x]) == 29  # used 30 times, first twice in one place
    tails = Counter(tail for (_, _), tail in boxes.tails.items() if tail.startswith("n0"))
    assert tails.pop("n0") == 2
    assert set(tails.values()) == {1}
    source = draw(root).source
    assert source.count("x, again") == 29
    assert "again" in source[: source.index("n0")]  # in the legend
    assert "again" not in draw(chain(21)).source


def test_a_leaf_of_one_column_is_one_box_however_often_it_is_used():
    x = Value(2.0, label="x")
    root = autograd.sum([x * float(i) for i in range(200)])
    assert not measured(root)[1].again


@pytest.mark.slow
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_lies_over_anything_and_arrows_lead_right(name):
    nodes, boxes = measured(GRAPHS[name])
    sizes = {boxes.ids[v]: (100.0, 59.0) for v in nodes}
    sizes |= {again: (80.0, 59.0) for more in boxes.again.values() for again in more}
    arrows = [(tail, boxes.ids[v]) for (v, _), tail in boxes.tails.items()]
    places, curves, (width, height) = in_columns(sizes, arrows, 40.0)
    columns = {}
    for box, (x, y) in places.items():
        w, h = sizes[box]
        assert 0 <= x - w / 2 <= x + w / 2 <= width + 1e-6
        assert -1e-6 <= y - h / 2 <= y + h / 2 <= height + 1e-6
        columns.setdefault(x, []).append((y, h))
    for column in columns.values():
        column.sort()
        for (y0, h0), (y1, h1) in itertools.pairwise(column):
            assert y0 + h0 / 2 < y1 - h1 / 2
    for (tail, head), curve in zip(arrows, curves, strict=True):
        assert curve[0][0] == places[tail][0] + sizes[tail][0] / 2
        assert curve[-1][0] == places[head][0] - sizes[head][0] / 2
        assert all(a[0] <= b[0] for a, b in itertools.pairwise(curve))
        assert len(curve) % 3 == 1  # Bezier


def test_two_arrows_between_two_boxes_are_seen_as_two():
    _, curves, _ = in_columns({"a": (9, 9), "b": (9, 9)}, [("a", "b"), ("a", "b")], 5)
    assert curves[0] != curves[1]


@for_each("wanted, settled", [
    ([0.0, 500.0], [0.0, 500.0]),  # they don't meet
    ([10.0, 10.0], [-0.5, 20.5]),  # nor here, where they are pushed apart
    ([0.0, 300.0, 290.0, 900.0], [0.0, 284.5, 305.5, 900.0]),
    ([30.0, 0.0, -30.0], [-21.0, 0.0, 21.0]),
])  # fmt: skip
def test_boxes_that_would_meet_stand_where_they_want_on_average(wanted, settled):
    y, names = {}, [*range(len(wanted))]
    _settle(names, wanted, dict.fromkeys(names, 21.0 - BETWEEN), y)
    assert [*y.values()] == settled


@pytest.mark.slow
def test_too_many_arrows_are_refused_with_what_to_do_instead():
    leaves = [Value(1.0) for _ in range(80)]
    root = autograd.sum([autograd.sum(leaves) for _ in range(80)])
    with pytest.raises(ValueError, match=r"6480 arrows, more than 4500.*draw\(node\).*trace"):
        draw(root)


def test_fifty_thousand_nodes_are_refused():
    with pytest.raises(ValueError, match=r"50001 nodes, more than 2000.*nn\.draw"):
        draw(chain(50_001))


# ------------------------------------------------------------------------------------- folding


def groups(root):
    nodes, boxes = measured(root)
    return groups_of(nodes, set(), boxes)


def test_groups_of_labels():
    found = groups(recurrent(8))
    assert list(found) == [f"h{t}" for t in range(1, 9)][:7]  # the result stays
    assert all(len(ids) == 5 for ids in found.values())
    assert len({name for ids in found.values() for name in ids}) == 35  # no box in two


def test_a_node_that_two_labels_use_is_in_neither_group():
    x = Value(1.0, label="x")
    shared = x.exp().sin()
    a, b = (shared * 2).cos(), (shared * 3).cos()
    a.label, b.label = "a", "b"
    root = a + b
    for _ in range(20):
        root = root + 1.0
    assert {name: len(ids) for name, ids in groups(root).items()} == {"a": 2, "b": 2}


def test_small_graphs_have_no_groups():
    assert groups(recurrent(2)) == {}
