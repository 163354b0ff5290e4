"""`topological_order`: every Value once, inputs first, left to right, at any depth.

The reference is the recursive depth-first search of the textbooks, in five lines.
"""

import random

import pytest

import autograd
from autograd import Value, topological_order
from autograd.functions import affine
from autograd.walk import in_order
from tests.cases import for_each


def textbook_order(root):
    """Depth-first search, left to right, a node written down when its inputs all are."""
    order, seen = [], set()

    def visit(node):
        if isinstance(node, Value) and node not in seen:
            seen.add(node)
            for v in node.inputs:
                visit(v)
            order.append(node)

    visit(root)
    return order


def random_graph(rng, size):
    """A root over ``size`` nodes, each of earlier ones: one, two or many inputs, vectors shared."""
    nodes = [Value(rng.uniform(-1, 1), label=f"leaf{i}") for i in range(4)]
    vectors = []
    for _ in range(size):
        a, b = rng.choice(nodes), rng.choice([rng.choice(nodes), 0.5])
        many = tuple(rng.choices([*nodes, 0.25], k=rng.randint(1, 4)))
        vectors.append(many)
        shared = rng.choice(vectors[-3:])  # the very same tuple in several nodes
        weights = tuple(rng.choices([*nodes, 0.75], k=len(shared)))
        kind = rng.randrange(6)
        if kind == 0:
            nodes.append(a.tanh())
        elif kind == 1:
            nodes.append(rng.choice([a + b, b * a, a * a]))
        elif kind == 2:
            nodes.append(autograd.sum([a, *many]))
        elif kind == 3:
            nodes.append(autograd.dot([a, *weights], [0.5, *shared], rng.choice([None, a])))
        elif kind == 4:
            nodes.append(autograd.dot(weights, shared) * a)
        else:
            nodes += affine([[rng.choice(nodes) for _ in shared] for _ in range(3)], shared)
    return autograd.sum(nodes[-6:])


def shown(order):
    return [v.label or v.op for v in order]


def test_inputs_come_first_left_to_right_and_the_root_last():
    x, y, z = (Value(i, label=name) for i, name in enumerate("xyz"))
    assert shown(topological_order(z * (y + x))) == ["z", "y", "x", "+", "*"]
    assert shown(topological_order((y + x) * z)) == ["y", "x", "+", "z", "*"]


def test_a_leaf_alone_is_its_own_order():
    x = Value(1.0)
    assert topological_order(x) == [x]


def test_a_node_used_many_times_is_listed_once():
    x = Value(1.0, label="x")
    square = x * x
    root = square + square + autograd.sum([square, x, square])
    assert shown(topological_order(root)) == ["x", "*", "+", "sum", "+"]


def test_plain_numbers_are_not_listed():
    x = Value(1.0, label="x")
    root = autograd.sum([2.0, 3.0 * x, 4.0]) + autograd.dot([x, 5.0], [6.0, 7.0], 8.0)
    assert shown(topological_order(root)) == ["x", "*", "sum", "dot", "+"]


def test_dot_lists_weights_then_bias_then_inputs():
    w, x = [Value(1, "w0"), Value(2, "w1")], [Value(3, "x0"), Value(4, "x1")]
    root = autograd.dot(w, x, Value(5, "b"))
    assert shown(topological_order(root)) == ["w0", "w1", "b", "x0", "x1", "dot"]


def test_a_layer_lists_its_shared_inputs_once():
    x = [Value(i, f"x{i}") for i in range(2)]
    theta = [[Value(1, f"theta{j}{i}") for i in range(2)] for j in range(2)]
    root = autograd.sum(affine(theta, x))
    assert shown(topological_order(root)) == [
        *("theta00", "theta01", "x0", "x1", "dot"),
        *("theta10", "theta11", "dot", "sum"),
    ]


def test_a_shared_vector_is_walked_before_the_first_node_that_needs_it():
    # h = 2 x and r = h x = 2 x^2 share one tuple. The walk meets it first at r, but h needs it too.
    t = Value(3.0, label="t")
    square = t * t
    x = (square,)
    h = autograd.dot((2.0,), x)
    root = autograd.dot((h,), x)
    assert topological_order(root) == [t, square, h, root]
    root.backward()  # r = 2 t^4
    assert t.grad == 8 * 3.0**3


def test_quadratic_form():
    # x' A x with x = (u v, u + v): the row products and the outer one share the tuple x.
    u, v = Value(2.0), Value(3.0)
    x = (u * v, u + v)
    A = [[1.0, 2.0], [3.0, 4.0]]
    root = autograd.dot([autograd.dot(row, x) for row in A], x)
    assert topological_order(root) == textbook_order(root)
    root.backward()
    # d/dx = (A + A') x = (2 * 6 + 5 * 5, 5 * 6 + 8 * 5) = (37, 70), at x = (6, 5).
    assert (u.grad, v.grad) == (37 * 3.0 + 70, 37 * 2.0 + 70)


@for_each("seed", range(60))
def test_equal_to_the_textbook_search_on_random_graphs(seed):
    root = random_graph(random.Random(seed), size=25)
    order = topological_order(root)
    assert order == textbook_order(root)
    assert len(set(order)) == len(order)
    place = {v: i for i, v in enumerate(order)}
    for v in order:
        assert all(place[i] < place[v] for i in v.inputs if isinstance(i, Value))


def test_the_same_graph_always_has_the_same_order():
    root = random_graph(random.Random(1), size=40)
    first = topological_order(root)
    assert all(topological_order(root) == first for _ in range(3))
    again = random_graph(random.Random(1), size=40)
    assert shown(topological_order(again)) == shown(first)


@pytest.mark.slow
def test_a_deep_graph():
    x = Value(1.0)
    v = x
    for _ in range(50_000):
        v = -v
    order = topological_order(v)
    assert len(order) == 50_001
    assert order[0] is x
    assert order[-1] is v
    assert order[-2] is v.inputs[0]


@pytest.mark.parametrize("root", [1.0, "x", None, [Value(1.0)]])
def test_a_root_that_is_no_value_is_a_type_error(root):
    with pytest.raises(TypeError, match="must be a Value"):
        topological_order(root)


# without leaves, as a sweep takes it


@for_each("seed", range(60))
def test_without_leaves_the_order_is_the_same(seed):
    root = random_graph(random.Random(seed), size=25)
    assert in_order(root, set(), leaves=False) == [v for v in textbook_order(root) if v.op]
    assert in_order(Value(1.0), set(), leaves=False) == []


def test_weights_used_again_hide_nothing_that_is_not_in_order():
    """Weights that were met before are passed over, but not what has some of them in common."""
    u, v, x = Value(2.0), Value(3.0), Value(5.0)
    for last in (u * v, v.tanh()):
        rows = [(u, v), (u, v), (u, last), (u, v), (1.0, v), (1.0, last), (last, u), (u, v, last)]
        root = autograd.sum([autograd.dot(row, [x] * len(row)) for row in rows])
        expected = textbook_order(root)
        assert in_order(root, set(), leaves=False) == [v for v in expected if v.op]
        assert topological_order(root) == expected


def test_the_set_of_what_was_seen_gets_the_values_listed_alone():
    x = Value(1.0)
    seen = set()
    order = topological_order(autograd.dot([x, 2.0], [3.0, x]) + autograd.sum([4.0, x]), seen)
    assert seen == set(order) and len(order) == 4
    assert topological_order(x + 1.0, seen)[:-1] == []
