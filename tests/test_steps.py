"""The reverse sweep step by step: it does what `backward` does, and says truly what it does."""

import dataclasses
import itertools
import math
import operator
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Share, Step, Value, affine, dot, draw, steps, topological_order, where
from autograd.primitives import TABLE
from autograd.show.steps import backward_steps
from tests.cases import examples, for_each

INF, NAN = math.inf, math.nan
LIT = "#a3006d"

double = autograd.primitive("double", lambda x: x + x, lambda z, x: (2.0,))
average = autograd.primitive(
    "average", lambda x, y, z: (x + y + z) / 3, lambda d, x, y, z: (1 / 3, 1 / 3, 1 / 3)
)

OPERATIONS = {  # by name, the inputs and a constant to the node
    "add": lambda x, y, z, c: x + y,
    "subtract": lambda x, y, z, c: x - y,
    "multiply": lambda x, y, z, c: x * y,
    "divide": lambda x, y, z, c: x / y,
    "power": lambda x, y, z, c: x**y,
    "add a constant": lambda x, y, z, c: x + c,
    "subtract from a constant": lambda x, y, z, c: c - x,
    "multiply a constant": lambda x, y, z, c: c * x,
    "divide a constant": lambda x, y, z, c: c / x,
    "raise a constant": lambda x, y, z, c: c**x,
    "raise to a constant": lambda x, y, z, c: x**c,
    "square": lambda x, y, z, c: x * x,
    "plus": lambda x, y, z, c: +x,
    "minus": lambda x, y, z, c: -x,
    "sum": lambda x, y, z, c: autograd.sum([x, c, y, x, z]),
    "max": lambda x, y, z, c: autograd.max([x, y, c, x]),
    "logsumexp": lambda x, y, z, c: autograd.logsumexp([x, y, z, c]),
    "where": lambda x, y, z, c: where(x, y, z),
    "where a constant": lambda x, y, z, c: where(c, x, 2.0),
    "dot": lambda x, y, z, c: dot([x, y], [z, x]),
    "dot of a constant": lambda x, y, z, c: dot([x, y, c], [c, z, 2.0], x),
    "affine": lambda x, y, z, c: operator.mul(*affine([[x, y], [c, x]], [y, z], [z, 1.0])),
    "double": lambda x, y, z, c: double(x),
    "average": lambda x, y, z, c: average(x, c, z),
    "step": lambda x, y, z, c: autograd.step(x),
    **{
        name: lambda x, y, z, c, name=name: getattr(Value, name)(x)
        for name in ("abs", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu")
    },
    "softplus": lambda x, y, z, c: x.softplus(),
}
OPERATIONS |= {  # all functions of one number that are not among them
    row.symbol: lambda x, y, z, c, name=row.symbol: getattr(autograd, name)(x)
    for row in TABLE
    if row.symbol in autograd.__all__ and row.symbol not in OPERATIONS
}

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 710.0, 1e-320, INF, -INF, NAN]
numbers = st.floats(-3, 3) | st.sampled_from(SPECIAL)
three_leaves = st.tuples(numbers, numbers, numbers)
operation = st.tuples(st.sampled_from(sorted(OPERATIONS)), *[st.integers(0, 100)] * 3, numbers)
recipe = st.lists(operation, max_size=12)


def build(point, grads, recipe):
    """The last node of a random graph, its leaves with gradients from before."""
    nodes = [Value(x) for x in point]
    for leaf, grad in zip(nodes, grads, strict=True):
        leaf.grad = grad + 0.0  # not -0.0, to which `backward` adds no 0 of a dead unit
    for name, i, j, k, constant in recipe:
        inputs = [nodes[-1 - i % len(nodes)] for i in (i, j, k)]
        nodes.append(OPERATIONS[name](*inputs, constant))
    return nodes[-1]


def bits(grads):
    """Numbers to be compared to the last bit; nan equals nan."""
    return [x.hex() for x in grads]


def grads(nodes):
    return bits(v.grad for v in nodes)


def values(node):
    return [v for v in node.inputs if isinstance(v, Value)]


def by_hand(root, before, turns):
    """Gradients after so many nodes have handed theirs on."""
    order = topological_order(root)
    grad = {v: 0.0 if v.op else b for v, b in zip(order, before, strict=True)}
    grad[root] += 1.0
    reached = {root}
    for node in [v for v in reversed(order) if v.op][:turns]:
        for v, partial in zip(node.inputs, node.partials, strict=True):
            left = node not in reached or (node.op in ("where", "max", "step") and partial == 0.0)
            if isinstance(v, Value) and not left:
                grad[v] += grad[node] * partial
                reached.add(v)
    return bits(grad.values())


def baydin():
    """Baydin et al. (2018): f = ln x1 + x1 x2 - sin x2."""
    x1, x2 = Value(2.0, label="x1"), Value(5.0, label="x2")
    return x1.log() + x1 * x2 - x2.sin()


def bishop():
    """Bishop and Bishop (2024), section 8.2: f = x1 x2 + exp(x1 x2) - sin x2."""
    x1, x2 = Value(1.0, label="x1"), Value(2.0, label="x2")
    product = x1 * x2
    return product + product.exp() - x2.sin()


def shared():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    return x * y + x


# ------------------------------------------------------------------ what it does to the gradients


@examples(100)
@given(three_leaves, three_leaves, recipe)
def test_at_its_end_all_is_as_backward_leaves_it(point, before, recipe):
    root, twin = build(point, before, recipe), build(point, before, recipe)
    for v in topological_order(root) + topological_order(twin):
        if v.op:
            v.grad = 7.0  # left by an earlier sweep
    assert all(isinstance(step, Step) for step in steps(root))
    twin.backward()
    assert grads(topological_order(root)) == grads(topological_order(twin))


@for_each("name", OPERATIONS)
def test_every_operation_at_special_numbers(name):
    for (i, x), (j, y) in itertools.product(enumerate(SPECIAL), repeat=2):
        c = SPECIAL[(i + j) % len(SPECIAL)]
        root, twin = (build((x, y, 0.5), (y, c, x), [(name, 2, 1, 0, c)]) for _ in range(2))
        list(steps(root)), twin.backward()
        assert grads(topological_order(root)) == grads(topological_order(twin))


def test_the_operations_here_are_all_there_are():
    roots = [build((1.0, 2.0, 3.0), (0.0,) * 3, [(name, 2, 1, 0, 0.5)]) for name in OPERATIONS]
    symbols = {v.op for root in roots for v in topological_order(root)}
    assert symbols - {"", "double", "average"} == {p.symbol for p in TABLE}


@examples(50)
@given(three_leaves, three_leaves, recipe)
def test_on_the_way_the_gradients_are_filled_so_far(point, before, recipe):
    root = build(point, before, recipe)
    order = topological_order(root)
    before = [v.grad for v in order]
    turns = 0
    for turns, _ in enumerate(steps(root)):
        assert grads(order) == by_hand(root, before, turns)
    assert turns == sum(v.op != "" for v in order)


@examples(50)
@given(three_leaves, three_leaves, recipe)
def test_the_shares_say_what_happens(point, before, recipe):
    root, twin = build(point, before, recipe), build(point, before, recipe)
    order = topological_order(root)
    now = {v: 0.0 if v.op else v.grad for v in order}
    now[root] += 1.0
    twin.backward()
    final = dict(zip(order, grads(topological_order(twin)), strict=True))
    for step in list(steps(root))[1:]:
        assert step.grad.hex() == final[step.node]  # complete when its turn comes
        assert [s.input for s in step.shares] == list(step.node.inputs)
        assert [s.position for s in step.shares] == list(range(len(step.shares)))
        assert bits(s.partial for s in step.shares) == bits(step.node.partials)
        for share in step.shares:
            product = step.grad * share.partial if share.is_given else 0.0
            assert share.product.hex() == product.hex()
            if isinstance(share.input, Value):
                assert share.before.hex() == now[share.input].hex()
                after = share.before + share.product if share.is_given else share.before
                assert share.after.hex() == after.hex()
                now[share.input] = share.after
            else:
                assert (share.before, share.after) == (0.0, 0.0)
    assert bits(now.values()) == list(final.values())


@examples(50)
@given(three_leaves, recipe)
def test_the_order_is_reverse_topological(point, recipe):
    root = build(point, (0.0,) * 3, recipe)
    first, *rest = steps(root)
    assert first.node is root
    assert first.shares == ()
    assert [s.node for s in rest] == [v for v in reversed(topological_order(root)) if v.op]
    turn = {s.node: i for i, s in enumerate(rest)}
    assert len(turn) == len(rest)
    for step in rest:
        assert step.shares
        assert all(turn[v] > turn[step.node] for v in values(step.node) if v.op)


def test_nothing_happens_before_the_first_step_and_each_is_done_when_handed_out():
    f = shared()
    x, y, product, _ = order = topological_order(f)
    product.grad = 9.0
    walk = steps(f)
    assert [v.grad for v in order] == [0.0, 0.0, 9.0, 0.0]
    next(walk)
    assert [v.grad for v in order] == [0.0, 0.0, 0.0, 1.0]
    next(walk)
    assert (x.grad, y.grad, product.grad) == (1.0, 0.0, 1.0)
    next(walk)
    assert (x.grad, y.grad, product.grad) == (4.0, 2.0, 1.0)
    with pytest.raises(StopIteration):
        next(walk)


def test_a_sweep_left_halfway_leaves_them_as_they_are_and_another_can_follow():
    f = shared()
    x, y, product, _ = topological_order(f)
    walk = steps(f)
    next(walk), next(walk)
    walk.close()
    assert (f.grad, product.grad, x.grad, y.grad) == (1.0, 1.0, 1.0, 0.0)
    list(steps(f))  # leaves add up, the others begin at 0
    assert (f.grad, product.grad, x.grad, y.grad) == (1.0, 1.0, 5.0, 2.0)
    f.backward()
    assert (f.grad, product.grad, x.grad, y.grad) == (1.0, 1.0, 9.0, 4.0)


def test_sweeps_that_share_a_leaf_add_up_in_it_whenever_they_were_made():
    x = Value(2.0)
    first, second = steps(x * 3.0), steps(x * 4.0)
    list(first), list(second)
    assert x.grad == 7.0


def test_a_root_that_is_a_leaf_has_one_step():
    x = Value(5.0, label="x")
    x.grad = 2.0
    (step,) = steps(x)
    assert (step.node, step.grad, step.shares) == (x, 3.0, ())
    assert x.grad == 3.0
    assert str(step) == "x.grad = 3"


def test_a_step_stays_what_it_was():
    f = shared()
    x = topological_order(f)[0]
    _, add, multiply = steps(f)
    assert add.shares[1] == Share(x, 1.0, 1.0, 0.0, 1.0, position=1)
    assert multiply.shares[0] == Share(x, 3.0, 3.0, 1.0, 4.0, position=0)
    for thing, name in ((add, "grad"), (add.shares[0], "after")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, 0.0)


@pytest.mark.slow
def test_a_deep_graph():
    v = x = Value(1.0)
    for _ in range(20_000):
        v = v + 1.0
    assert sum(1 for _ in steps(v)) == 20_001
    assert x.grad == 1.0


@pytest.mark.parametrize("root", [3.0, None, "x", [Value(1.0)]], ids=repr)
def test_a_root_that_is_no_value_is_a_type_error_at_once(root):
    with pytest.raises(TypeError, match=f"root must be a Value, got {type(root).__name__}"):
        steps(root)


@examples(100)
@given(three_leaves, three_leaves, recipe)
def test_sweep_computes_the_same_and_touches_nothing(point, before, recipe):
    root, twin = build(point, before, recipe), build(point, (0.0,) * 3, recipe)
    order = topological_order(root)
    root.grad = 5.0
    kept = grads(order)
    found = [(s.grad.hex(), bits(share.after for share in s.shares)) for s in backward_steps(order)]
    assert grads(order) == kept
    assert found == [(s.grad.hex(), bits(share.after for share in s.shares)) for s in steps(twin)]


# -------------------------------------------------------------------------------- what is printed


def printed(root):
    return "\n".join(map(str, steps(root))).splitlines()


def test_baydins_example_in_print():
    assert printed(baydin()) == [
        "v5.grad = 1",
        "v5 = v3 - v4",
        "    v3.grad += 1 × 1  (0 → 1)",
        "    v4.grad += 1 × (−1)  (0 → −1)",
        "v4 = sin(x2)",
        "    x2.grad += −1 × 0.2837  (0 → −0.2837)",
        "v3 = v1 + v2",
        "    v1.grad += 1 × 1  (0 → 1)",
        "    v2.grad += 1 × 1  (0 → 1)",
        "v2 = x1 * x2",
        "    x1.grad += 1 × 5  (0 → 5)",
        "    x2.grad += 1 × 2  (−0.2837 → 1.716)",
        "v1 = log(x1)",
        "    x1.grad += 1 × 0.5  (5 → 5.5)",
    ]


def test_bishops_example_in_print():
    assert printed(bishop()) == [
        "v5.grad = 1",
        "v5 = v3 - v4",
        "    v3.grad += 1 × 1  (0 → 1)",
        "    v4.grad += 1 × (−1)  (0 → −1)",
        "v4 = sin(x2)",
        "    x2.grad += −1 × (−0.4161)  (0 → 0.4161)",
        "v3 = v1 + v2",
        "    v1.grad += 1 × 1  (0 → 1)",
        "    v2.grad += 1 × 1  (0 → 1)",
        "v2 = exp(v1)",
        "    v1.grad += 1 × 7.389  (1 → 8.389)",
        "v1 = x1 * x2",
        "    x1.grad += 8.389 × 2  (0 → 16.78)",
        "    x2.grad += 8.389 × 1  (0.4161 → 8.805)",
    ]


def test_both_examples_have_the_derivatives_worked_out_by_hand():
    f = baydin()
    list(steps(f))
    x1, x2 = (v for v in topological_order(f) if v.label)
    assert (x1.grad, x2.grad) == pytest.approx((1 / 2 + 5, 2 - math.cos(5)))
    f = bishop()
    list(steps(f))
    x1, x2 = (v for v in topological_order(f) if v.label)
    e = 1 + math.exp(2)
    assert (x1.grad, x2.grad) == pytest.approx((2 * e, 1 * e - math.cos(2)))


def test_the_root_s_gradient_is_printed_under_its_label():
    f = shared()
    f.label = "f"
    assert printed(f)[:2] == ["f.grad = 1", "f = v1 + x"]


def test_plain_numbers_stand_in_the_formula_and_get_nothing():
    x = Value(3.0, label="x")
    assert printed(2.0 * x - 0.5) == [
        "v2.grad = 1",
        "v2 = v1 - 0.5",
        "    v1.grad += 1 × 1  (0 → 1)",
        "v1 = 2 * x",
        "    x.grad += 1 × 2  (0 → 2)",
    ]


def test_an_input_used_twice_has_two_lines():
    x = Value(3.0, label="x")
    x.grad = 10.0
    assert printed(x * x)[1:] == [
        "v1 = x * x",
        "    x.grad += 1 × 3  (10 → 13)",
        "    x.grad += 1 × 3  (13 → 16)",
    ]


def test_numbers_that_are_not_finite():
    x = Value(0.0, label="x")
    assert printed(x.log() * 0.0) == [
        "v2.grad = 1",
        "v2 = v1 * 0",
        "    v1.grad += 1 × 0  (0 → 0)",
        "v1 = log(x)",
        "    x.grad += 0 × inf  (0 → nan)",
    ]


def test_names_made_up_avoid_labels():
    a, b = Value(2.0, label="v1"), Value(3.0)
    assert [s.title for s in steps((a * b).exp())] == [
        "v4.grad = 1",
        "v4 = exp(v3)",
        "v3 = v1 * v2",
    ]


@pytest.mark.parametrize("n", [1, 6, 7, 8, 9, 30])
def test_a_long_dot_is_shortened_and_what_is_left_out_counted(n):
    w = [Value(float(i), label=f"w{i}") for i in range(n)]
    _, step = steps(dot(w, [1.0] * n, 2.0))
    lines = str(step).splitlines()[1:]
    gap = [int(m[1]) for m in (re.fullmatch(r" *… (\d+) more …", line) for line in lines) if m]
    assert len(gap) == (n > 7)
    assert len(lines) - len(gap) + sum(gap) == n
    assert len(lines) <= 7
    assert lines[0] == "    w0.grad += 1 × 1  (0 → 1)"
    assert lines[-1] == f"    w{n - 1}.grad += 1 × 1  (0 → 1)"
    terms = [f"w{i} * 1" for i in range(n)] + ["2"]
    if n + 1 > 7:
        terms = [*terms[:5], f"… {n + 1 - 6} more …", "2"]
    assert step.title == f"v1 = {' + '.join(terms)}"


@pytest.mark.parametrize(("n", "tail"), [(5, ""), (6, ""), (7, ", …")])
def test_six_inputs_are_written_in_a_formula(n, tail):
    _, step = steps(autograd.sum([Value(1.0, label="x")] * n))
    assert step.title == f"v1 = sum({', '.join(['x'] * min(n, 6))}{tail})"


def test_a_long_dot_in_print():
    w = [Value(float(i), label=f"w{i}") for i in range(20)]
    assert printed(dot(w, [Value(1.0, label="x")] * 20)) == [
        "v1.grad = 1",
        "v1 = w0 * x + w1 * x + w2 * x + w3 * x + w4 * x + … 14 more … + w19 * x",
        "    w0.grad += 1 × 1  (0 → 1)",
        "    w1.grad += 1 × 1  (0 → 1)",
        "    w2.grad += 1 × 1  (0 → 1)",
        "    w3.grad += 1 × 1  (0 → 1)",
        "    w4.grad += 1 × 1  (0 → 1)",
        "    … 34 more …",
        "    x.grad += 1 × 19  (171 → 190)",
    ]


def test_more_or_fewer_lines_can_be_asked_for():
    _, step = steps(autograd.sum([Value(1.0) for _ in range(10)]))
    assert [len(step.lines(most=n)) for n in (3, 9, 20)] == [4, 10, 10]


def test_negative_numbers_in_a_formula_stand_in_brackets():
    x = Value(-2.0, label="x")
    assert list(steps(x * -3.0))[1].title == "v1 = x * (−3)"
    assert list(steps(dot([x, -1.0], [-0.5, x], -4.0)))[1].title == (
        "v1 = x * (−0.5) + (−1) * x + (−4)"
    )


def test_a_partial_of_an_input_that_stands_there_twice_says_which():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    _, step = steps(dot([x, y], [5.0, x]))
    named = [step.partial_name(s) for s in step.shares if isinstance(s.input, Value)]
    assert named == ["∂v1/∂x (input 1)", "∂v1/∂y", "∂v1/∂x (input 4)"]


@pytest.mark.parametrize("label", ["two\nlines", "\x00", "a\u2028b", "\ud800"], ids=ascii)
def test_a_label_stays_on_its_line_and_can_be_written_out(label):
    x = Value(1.0, label=label)
    text = str(list(steps(x.exp()))[1])
    assert len(text.splitlines()) == 2
    assert text.encode()


# --------------------------------------------------------------------------------- in the picture


def lit(drawing):
    """What is lit in the DOT text: boxes, and arrows as (from, to)."""
    boxes, arrows = [], []
    for line in drawing.source.splitlines():
        if LIT not in line:
            continue
        arrow = re.match(r"\s*(\w+) -> (\w+) \[", line)
        if arrow:
            arrows.append(arrow.groups())
        else:
            boxes.append(re.match(r"\s*(\w+) \[", line)[1])
    return boxes, arrows


@pytest.mark.parametrize("stop", [False, True])
def test_print_and_picture_call_a_node_by_one_name(stop):
    x = Value(2.0, label="x")
    middle = (x * x).exp()
    root = middle.sin() * 3.0
    drawing = draw(root, stop=[middle] if stop else [])
    drawn = {line.split()[0] for line in repr(drawing).splitlines()[1:] if line[0] in "vx"}
    assert drawn == ({"v2", "v3", "v4"} if stop else {"x", "v1", "v2", "v3", "v4"})
    assert [s.title for s in steps(root)][:3] == ["v4.grad = 1", "v4 = v3 * 3", "v3 = sin(v2)"]
    assert "v3 * 3" in repr(drawing) and "sin(v2)" in repr(drawing)
    assert all(f"<B>{name}</B>" in drawing.source for name in drawn)


@examples(40)
@given(three_leaves, recipe)
def test_the_node_and_its_arrows_are_lit(point, recipe):
    root = build(point, (0.0,) * 3, recipe)
    names = {v: f"n{i}" for i, v in enumerate(topological_order(root))}
    for step in steps(root):
        boxes, arrows = lit(draw(root, step=step))
        assert boxes == [names[step.node]]
        given = [s.input for s in step.shares if s.is_given and isinstance(s.input, Value)]
        assert arrows == [(names[v], names[step.node]) for v in given]  # none at first


def test_no_step_no_light():
    assert LIT not in draw(shared()).source


def test_the_picture_shows_the_gradients_so_far():
    f = shared()
    after = [["0", "0", "0", "1"], ["1", "0", "1", "1"], ["4", "2", "1", "1"]]  # x, y, x * y, f
    for step, expected in zip(steps(f), after, strict=True):
        shown = [line.split()[-1] for line in repr(draw(f, step=step)).splitlines()[1:5]]
        assert shown == expected


def test_the_light_is_no_more_than_a_colour():
    f = shared()
    *_, last = steps(f)
    plain, light = draw(f), draw(f, step=last)
    assert repr(light) == repr(plain)
    assert light.size == plain.size
    assert light.source.count("->") == plain.source.count("->")


def test_a_node_that_is_cut_off_is_lit_alone_and_a_hidden_one_not():
    x = Value(2.0, label="x")
    inner = x.exp()
    middle = inner.sin()
    root = middle * 3.0
    _, _, at_middle, at_inner = steps(root)
    boxes, arrows = lit(draw(root, stop=[middle], step=at_middle))
    assert (len(boxes), arrows) == (1, [])
    assert lit(draw(root, stop=[middle], step=at_inner)) == ([], [])


def test_a_step_of_another_graph_is_a_value_error():
    f, (step, *_) = shared(), steps(shared())
    with pytest.raises(ValueError, match="step is of another graph"):
        draw(f, step=step)


@pytest.mark.parametrize("make", [lambda f: f, steps, lambda f: 1, lambda f: "v1"])
def test_what_is_no_step_is_a_type_error(make):
    f = shared()
    with pytest.raises(TypeError, match="step must be a Step"):
        draw(f, step=make(f))


# ------------------------------------------------------------------ dead units

# `backward` passes over the shares of a `dot` whose gradient is 0, where they change nothing.


def test_a_dead_unit_is_passed_over_and_its_zero_shares_are_shown():
    w, v, b = Value(0.125, label="w"), Value(-0.5, label="v"), Value(-9.0, label="b")
    x = Value(0.3, label="x")
    for leaf in (w, v, b, x):
        leaf.grad = 0.7
    before = [leaf.grad for leaf in (w, v, b, x)]
    a = dot([w, v], [x, 2.0], b)
    f = a.relu() * 3.0
    f.backward()
    after = [leaf.grad for leaf in (w, v, b, x)]
    assert all(g is h for g, h in zip(before, after, strict=True))  # nothing was added, not even 0
    (dead,) = (step for step in steps(f) if step.node is a)
    assert dead.grad == 0.0 and dead.is_reached
    assert dead.lines() == [
        "w.grad += 0 × 0.3  (0.7 → 0.7)", "v.grad += 0 × 2  (0.7 → 0.7)",
        "b.grad += 0 × 1  (0.7 → 0.7)", "x.grad += 0 × 0.125  (0.7 → 0.7)",
    ]  # fmt: skip
    assert all(share.is_given and share.product == 0.0 for share in dead.shares)


@for_each("number", [INF, -INF, NAN])
@for_each("place", range(5))
def test_zero_times_a_weight_that_is_not_finite_stays_nan(number, place):
    numbers = [2.0, 3.0, -9.0, 1.0, 0.5]
    numbers[place] = number
    w, v, b, x, y = map(Value, numbers)
    a = dot([w, v], [x, y], b)
    root = a * 0.0
    a.data = w.data = v.data = x.data = y.data = 1.0  # the recorded point is what counts
    root.backward()
    other = {w: x, x: w, v: y, y: v, b: None}[(w, v, b, x, y)[place]]
    for leaf in (w, v, b, x, y):
        assert math.isnan(leaf.grad) == (leaf is other)
    if other is None:  # b itself has the partial derivative 1
        assert b.grad == 0.0


def test_an_input_that_a_dead_unit_alone_reaches_is_reached():
    for zero in (lambda a: (a - 9.0).relu(), lambda a: a * 0.0):
        for place in (0, 1):
            x, y = Value(0.0), Value(1.0)
            root = x.sqrt()  # its slope is infinite there: a share of 0 makes it nan
            vectors = [root, y], [y * 2.0, 3.0]
            f = zero(dot(vectors[place], vectors[1 - place]))
            f.backward()
            assert math.isnan(x.grad) and y.grad == 0.0
            x.grad = y.grad = 0.0
            assert all(step.is_reached for step in steps(f))
            assert math.isnan(x.grad) and y.grad == 0.0


def test_dead_units_reach_no_branch_that_is_not_taken():
    x, y = Value(0.0), Value(1.0)
    branch = x.sqrt()
    dead = [dot([y, -8.0], [y, 1.0]).relu() for _ in range(3)]
    f = autograd.sum([*dead, where(y, x * 2.0, branch)])
    f.backward()
    assert (x.grad, y.grad, branch.grad) == (2.0, 0.0, 0.0)


def test_a_gradient_set_to_minus_zero_is_still_0_after_a_dead_unit():
    """Only its sign may be another than after the steps, which add a 0."""
    w = Value(2.0)
    root = dot([w], [1.0]) * 0.0
    for sweep in (Value.backward, lambda root: list(steps(root))):
        w.grad = -0.0
        sweep(root)
        assert w.grad == 0.0


@for_each("seed", range(300))
def test_networks_with_dead_units_and_hard_numbers(seed):
    """A third of the units is dead; weights, inputs and gradients from before are often special."""
    r = random.Random(seed)

    def number():
        return r.choice(SPECIAL) if r.random() < 0.06 else float(r.randint(-2, 2))

    def leaf():
        leaves.append(Value(number()))
        return leaves[-1]

    def g(a):
        return r.choice([Value.relu, Value.relu, Value.sqrt, lambda v: v * 0.0, gated])(a)

    def gated(v):
        return where(v, v.sqrt(), v * 2.0)

    leaves = []
    x = [leaf() if r.random() < 0.7 else number() for _ in range(r.randint(1, 4))]
    for _ in range(r.randint(1, 4)):
        units = range(r.randint(1, 4))
        inner = [v for v in x if isinstance(v, Value)]
        if r.random() < 0.5 or not inner:
            biases = [leaf() for _ in units] if r.random() < 0.5 else None
            x = affine([[leaf() for _ in x] for _ in units], x, biases)
        else:  # weights that were computed
            x = [dot([r.choice([*inner, leaf(), number()]) for _ in x], x, leaf()) for _ in units]
        x = [g(v) if isinstance(v, Value) else v for v in x]
    root = autograd.sum([*x, leaf()])
    before = [number() for _ in leaves]
    found = []
    for sweep in (Value.backward, lambda root: list(steps(root))):
        for v, grad in zip(leaves, before, strict=True):
            v.grad = grad + 0.0
        sweep(root)
        found.append(grads(topological_order(root)))
    assert found[0] == found[1]
