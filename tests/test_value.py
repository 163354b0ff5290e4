"""`Value`: what it holds and refuses, its operators, `backward` on worked and random examples."""

import copy
import decimal
import gc
import math
import operator
import os
import random
import subprocess
import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import Value, affine
from autograd.primitives import ADD, DOT, MUL
from autograd.vectors import data_of
from tests.cases import examples, for_each

BINARY = {
    "+": (operator.add, lambda a, b: (1.0, 1.0)),
    "-": (operator.sub, lambda a, b: (1.0, -1.0)),
    "*": (operator.mul, lambda a, b: (b, a)),
    "/": (operator.truediv, lambda a, b: (1 / b, -a / b / b)),
    "**": (operator.pow, lambda a, b: (b * a ** (b - 1), a**b * math.log(a))),
}
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]
NUMBERS = [2, 2.0, True, np.float64(2.0), np.float32(2.0), np.int64(2), np.bool_(True)]

binary = for_each("symbol", BINARY)
comparisons = for_each("compare", COMPARISONS)
numbers = for_each("number", NUMBERS, ids=lambda x: f"{type(x).__name__}")


def backward(root, *leaves):
    root.backward()
    return tuple(leaf.grad for leaf in leaves)


# What a Value holds


@for_each(
    "x", [3, -0.5, True, Fraction(1, 2), math.inf, np.float64(0.1), np.float32(0.5), np.int8(3)]
)
def test_data_is_kept_as_a_float(x):
    v = Value(x)
    assert type(v.data) is float
    assert v.data == float(x)


def test_nan_and_numpy_booleans_are_numbers_too():
    assert math.isnan(Value(math.nan).data)
    assert type(Value(np.bool_(True)).data) is float
    assert Value(np.bool_(True)).data == 1.0


NOT_A_NUMBER = ["1", None, [1.0], (1.0,), 1j, np.complex128(1), np.ones(1), np.array(1.0), {}]


@for_each("x", NOT_A_NUMBER, ids=repr)
def test_anything_else_is_a_type_error(x):
    with pytest.raises(TypeError, match=f"data must be a real number.*{type(x).__name__}"):
        Value(x)
    v = Value(1.0)
    with pytest.raises(TypeError, match="data must be a real number"):
        v.data = x
    with pytest.raises(TypeError, match="grad must be a real number"):
        v.grad = x
    assert (v.data, v.grad) == (1.0, 0.0)


@for_each("x", [decimal.Decimal("1.5"), np.array(1.5)], ids=repr)
def test_what_float_makes_a_number_of_is_refused_with_that(x):
    with pytest.raises(TypeError, match=r"data must be a real number, got .*: write float\(x\)$"):
        Value(x)


@for_each(
    "x",
    [np.complex128(1 + 2j), np.array(1j), np.datetime64("2020"), np.str_("1"), np.ma.masked],
    ids=repr,
)
def test_what_float_would_spoil_is_refused_without_that(x):
    with pytest.raises(TypeError, match=r"data must be a real number, got .*\)$") as error:
        Value(x)
    assert "float(x)" not in str(error.value)


def test_another_value_is_a_type_error_that_says_what_to_use():
    v = Value(1.0)
    with pytest.raises(TypeError, match=r"data must be a plain number.*\.data"):
        Value(v)
    with pytest.raises(TypeError, match=r"data must be a plain number.*\.data"):
        v.data = Value(2.0)
    with pytest.raises(TypeError, match=r"grad must be a plain number.*\.data"):
        v.grad = Value(2.0)


@numbers
def test_assigned_data_and_grad_stay_floats(number):
    v = Value(0.5)
    v.data = number
    v.grad = number
    assert type(v.data) is float
    assert type(v.grad) is float
    assert v.data == v.grad == float(number)


def test_a_fresh_value():
    v = Value(1.5)
    assert (v.grad, v.label, v.op, v.inputs, v.partials) == (0.0, "", "", (), ())


def test_label():
    v = Value(1.0, label="x")
    assert v.label == "x"
    v.label = "y"
    assert v.label == "y"
    assert Value(1.0, "z").label == "z"
    v.label = None  # as one takes it away
    assert v.label == ""
    assert Value(1.0, label=None).label == ""


@pytest.mark.parametrize("label", [3, ["a"], b"x", Value(1.0)], ids=repr)
def test_a_label_is_a_string(label):
    v = Value(1.0, label="x")
    with pytest.raises(TypeError, match="label must be a string, got "):
        Value(1.0, label=label)
    with pytest.raises(TypeError, match="label must be a string, got "):
        v.label = label
    assert v.label == "x"


@pytest.mark.parametrize("name", ["op", "inputs", "partials"])
def test_read_only(name):
    v = Value(1.0)
    with pytest.raises(AttributeError):
        setattr(v, name, ())


def test_no_other_attributes():
    with pytest.raises(AttributeError):
        Value(1.0).gard = 2.0


def test_repr_shows_data_grad_and_label():
    v = Value(2.0, label="x")
    (v * 3).backward()
    assert repr(v) == "Value(data=2.0, grad=3.0, label='x')"
    assert repr(Value(-0.5)) == "Value(data=-0.5, grad=0.0)"


def test_hash_and_equality_are_identity():
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert len({a, b, a}) == 2
    before = hash(a)
    a.data = 5.0
    assert hash(a) == before


@comparisons
@pytest.mark.parametrize("pair", [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (math.nan, 1.0)])
def test_comparisons_compare_data(compare, pair):
    a, b = pair
    expected = compare(a, b)
    assert compare(Value(a), Value(b)) is expected
    assert compare(Value(a), b) is expected
    assert compare(a, Value(b)) is expected
    assert bool(compare(Value(a), np.float64(b))) is expected
    assert bool(compare(np.float64(a), Value(b))) is expected


@comparisons
@for_each("other", ["1", None, [1.0], 1j, np.ones(2)], ids=repr)
def test_comparison_with_something_else_is_a_type_error(compare, other):
    with pytest.raises(TypeError):
        compare(Value(1.0), other)
    with pytest.raises(TypeError):
        compare(other, Value(1.0))


@pytest.mark.parametrize("detach", [float, int, complex, math.exp, math.sqrt, np.exp, np.float64])
def test_never_detached_silently(detach):
    with pytest.raises(TypeError):
        detach(Value(1.0))


# Operators


@binary
def test_operator_on_two_values(symbol):
    f, partials = BINARY[symbol]
    a, b = Value(3.0), Value(2.0)
    node = f(a, b)
    assert type(node) is Value
    assert (node.op, node.data, node.grad, node.label) == (symbol, f(3.0, 2.0), 0.0, "")
    assert node.inputs == (a, b)
    assert node.partials == pytest.approx(partials(3.0, 2.0), rel=1e-15)
    assert all(type(d) is float for d in node.partials)
    assert backward(node, a, b) == node.partials


@binary
@numbers
def test_operator_with_a_number_on_either_side(symbol, number):
    f, partials = BINARY[symbol]
    n, v = float(number), Value(3.0)
    right, left = f(v, number), f(number, v)
    assert (right.op, right.data, right.inputs) == (symbol, f(3.0, n), (v, n))
    assert (left.op, left.data, left.inputs) == (symbol, f(n, 3.0), (n, v))
    assert type(right.inputs[1]) is float
    assert type(left.inputs[0]) is float
    assert right.partials == pytest.approx(partials(3.0, n), rel=1e-15)
    assert left.partials == pytest.approx(partials(n, 3.0), rel=1e-15)
    assert type(right.data) is type(left.data) is float
    assert backward(right, v) == right.partials[:1]
    v.grad = 0.0
    assert backward(left, v) == left.partials[1:]


@binary
def test_augmented_assignment_makes_a_new_node(symbol):
    f, _ = BINARY[symbol]
    a = v = Value(3.0)
    v = getattr(operator, f"i{f.__name__}")(v, 2.0)
    assert v is not a
    assert (v.inputs, v.data, a.data) == ((a, 2.0), f(3.0, 2.0), 3.0)


@pytest.mark.parametrize(
    ("f", "symbol", "data", "partial"),
    [(operator.neg, "-", 3.0, -1.0), (operator.pos, "+", -3.0, 1.0), (abs, "abs", 3.0, -1.0)],
)
def test_unary_operators(f, symbol, data, partial):
    v = Value(-3.0)
    node = f(v)
    assert (node.op, node.data, node.inputs, node.partials) == (symbol, data, (v,), (partial,))
    assert backward(node, v) == (partial,)


@for_each(
    "f",
    [f for f, _ in BINARY.values()]
    + [lambda a, b: 2.0 / a, lambda a, b: a - 1, lambda a, b: -b, lambda a, b: a.softplus()],
)
def test_one_node_per_operation(f):
    a, b = Value(3.0), Value(2.0)
    assert all(v in (a, b) for v in f(a, b).inputs if isinstance(v, Value))


def test_repeated_inputs_are_kept():
    x = Value(3.0)
    node = x * x
    assert node.inputs == (x, x)
    assert node.partials == (3.0, 3.0)
    assert backward(node, x) == (6.0,)
    many = autograd.sum([x, 2.0, x, x])
    assert many.inputs == (x, 2.0, x, x)


ARRAYS = [np.array([1.0, 2.0]), np.array([[1, 2]]), np.array(1.0), np.array([]), np.array(["a"])]


@for_each("array", ARRAYS, ids=lambda a: f"{a.dtype.kind}{a.shape}")
@for_each("f", [*[f for f, _ in BINARY.values()], *COMPARISONS])
def test_an_array_in_an_operator_is_a_type_error_that_says_what_to_use(f, array):
    scalar = f in COMPARISONS and array.shape == ()  # as NumPy hands over its own numbers
    for a, b in ((Value(1.0), array), *([] if scalar else [(array, Value(1.0))])):
        with pytest.raises(TypeError, match=r"list comprehension.*autograd\.dot"):
            f(a, b)


def test_an_array_can_not_be_changed_in_place_by_a_value():
    array = np.ones(2)
    with pytest.raises(TypeError):
        array += Value(1.0)
    assert array.tolist() == [1.0, 1.0]


@binary
@for_each("other", ["1", None, [1.0], (1.0,), 1j, {}], ids=repr)
def test_operators_refuse_what_is_no_number(symbol, other):
    f, _ = BINARY[symbol]
    with pytest.raises(TypeError):
        f(Value(1.0), other)
    with pytest.raises(TypeError):
        f(other, Value(1.0))


def test_a_subclass_of_value_works_in_operators():
    class Weight(Value):
        pass

    w, x = Weight(2.0, label="w"), Value(3.0)
    for f, partials in BINARY.values():
        for a, b in ((w, x), (x, w), (w, 3.0), (3.0, w), (w, w)):
            node = f(a, b)
            a_, b_ = (v.data if isinstance(v, Value) else v for v in (a, b))
            assert type(node) is Value
            assert (node.data, node.inputs) == (f(a_, b_), (a, b))
            assert node.partials == pytest.approx(partials(a_, b_), rel=1e-15)
    f = autograd.dot([w, w], [x, 1.0], w) + (-w).exp() + abs(w)
    assert backward(f, w, x) == pytest.approx((3 + 1 + 1 - math.exp(-2) + 1, 2.0))


# backward: published worked examples


def test_example_of_the_survey():
    # Baydin, Pearlmutter, Radul, Siskind: Automatic differentiation in machine learning: a survey.
    # JMLR 18 (2018), tables 2 and 3: y = f(x1, x2) = ln(x1) + x1 x2 - sin(x2) at (2, 5).
    x1, x2 = Value(2.0), Value(5.0)
    y = x1.log() + x1 * x2 - x2.sin()
    assert y.data == pytest.approx(11.652071455223084, rel=1e-15)
    assert backward(y, x1, x2) == pytest.approx((5.5, 1.7163378145367738), rel=1e-15)


def test_first_circuit_of_cs231n():
    # Stanford CS231n, course notes, "Backpropagation, Intuitions": f = (x + y) z.
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    assert (q.data, f.data) == (3.0, -12.0)
    assert backward(f, x, y, z) == (-4.0, -4.0, 3.0)
    assert (q.grad, f.grad) == (-4.0, 1.0)


@pytest.mark.parametrize("written_out", [True, False])
def test_neuron_of_cs231n(written_out):
    # The same notes, "Modularity: Sigmoid example": 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))).
    w0, w1, w2, x0, x1 = map(Value, (2.0, -3.0, -3.0, -1.0, -2.0))
    a = w0 * x0 + w1 * x1 + w2
    f = 1.0 / (1.0 + (-a).exp()) if written_out else a.sigmoid()
    assert round(f.data, 2) == 0.73
    gradient = [round(g, 2) for g in backward(f, w0, w1, w2, x0, x1)]
    assert gradient == [-0.2, -0.39, 0.2, 0.39, -0.59]


def test_example_of_micrograd():
    # README of github.com/karpathy/micrograd, whose numbers these are.
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g.data:.4f}" == "24.7041"
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_micrograd_code_runs_with_two_lines_changed():
    from autograd import Value
    from nn import MLP, Layer, Neuron

    assert len(Neuron(3).parameters()) == 4
    assert len(Layer(3, 2).parameters()) == 8
    model = MLP(3, [4, 4, 1], rng=np.random.default_rng(0))  # one in eighty is dead from the start
    assert len(model.parameters()) == 41
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]

    def loss():
        return sum(
            ((model(list(map(Value, x))) - y) ** 2 for x, y in zip(xs, ys, strict=True)), Value(0.0)
        )

    first = loss()
    model.zero_grad()
    assert all(p.grad == 0.0 for p in model.parameters())
    first.backward()
    assert any(p.grad != 0.0 for p in model.parameters())
    for p in model.parameters():
        p.data -= 1e-5 * p.grad
    assert loss().data < first.data


# backward: whose gradient adds up, and when


def test_leaves_accumulate_over_calls():
    x, y = Value(2.0), Value(3.0)
    f = x * y
    assert backward(f, x, y) == (3.0, 2.0)
    assert backward(f, x, y) == (6.0, 4.0)
    x.grad = 0.0
    assert backward(f, x, y) == (3.0, 6.0)


def test_inner_nodes_hold_the_last_sweep_alone():
    x = Value(2.0)
    square = x * x
    f = square * 3.0
    for calls in (1, 2, 3):
        assert backward(f, x, square, f) == (calls * 12.0, 3.0, 1.0)


def test_a_root_that_is_a_leaf_gets_one():
    x = Value(5.0)
    assert backward(x, x) == (1.0,)
    assert backward(x, x) == (2.0,)


def test_two_roots_that_share_nodes():
    x = Value(3.0)
    shared = x * x
    f, g = shared * 2.0, shared + 1.0
    assert backward(f, x, shared) == (12.0, 2.0)
    assert backward(g, x, shared) == (12.0 + 6.0, 1.0)
    assert (f.grad, g.grad) == (1.0, 1.0)


def test_an_inner_node_can_be_the_root():
    x = Value(3.0)
    inner = x * x
    outer = inner * 100.0
    outer.backward()
    x.grad = 0.0
    assert backward(inner, x, inner) == (6.0, 1.0)


def test_what_the_root_does_not_depend_on_is_left_alone():
    x, other = Value(3.0), Value(4.0)
    beside = x * other
    (x * x).backward()
    assert (other.grad, beside.grad) == (0.0, 0.0)


@for_each(
    ("f", "gradient"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: x * x * x, 12.0),
        (lambda x: x**x, 4.0 * (1 + math.log(2.0))),
        (lambda x: autograd.sum([x, x, x]), 3.0),
        (lambda x: autograd.dot([x, x], [x, 3.0], x), 4.0 + 3.0 + 1.0),
        (lambda x: autograd.logsumexp([x, x]), 1.0),
        (lambda x: autograd.max([x, x, 1.0]), 1.0),
        (lambda x: autograd.where(x, x, x), 1.0),
    ],
)
def test_the_same_value_twice_in_one_operation(f, gradient):
    x = Value(2.0)
    assert backward(f(x), x) == pytest.approx((gradient,), rel=1e-15)


def test_diamond_of_sixty_layers():
    v = x = Value(1.0)
    for _ in range(60):
        v = v + v
    assert v.data == 2.0**60
    assert backward(v, x) == (2.0**60,)


def test_gradient_is_that_of_the_recorded_point():
    x, y = Value(2.0), Value(5.0)
    product = x * y
    f = autograd.dot([product, x], [y, x]) + y.exp() / x
    expected = backward(f, x, y)
    x.grad = y.grad = 0.0
    for v in (x, y, product, f):
        v.data = -7.0
    assert backward(f, x, y) == expected
    assert (x.data, f.data) == (-7.0, -7.0)


def test_data_of_a_node_is_not_computed_again():
    x = Value(2.0)
    f = x * 3.0
    x.data = 10.0
    assert f.data == 6.0
    assert (x * 3.0).data == 30.0


def test_zero_times_infinity_is_nan_in_the_sweep():
    x = Value(0.0)
    assert math.isnan(*backward(x.sqrt() * 0.0, x))
    y, constant = Value(0.0), 0.0
    assert math.isnan(*backward(autograd.dot([y.log(), 1.0], [constant, 1.0]), y))
    for w, x in (([Value(1.0)], [math.inf]), ([math.inf], [Value(1.0)])):
        (v,) = (v for v in (*w, *x) if isinstance(v, Value))
        assert math.isnan(*backward(autograd.dot(w, x) * 0.0, v))


def test_the_gradient_of_numbers_alone_goes_nowhere():
    node = autograd.sum([Value(1.0), 2.0]) * 0.5
    (leaf,) = (v for v in node.inputs[0].inputs if isinstance(v, Value))
    assert backward(node, leaf) == (0.5,)


def test_grad_set_by_hand_on_an_inner_node_is_overwritten():
    x = Value(2.0)
    square = x * x
    square.grad = 100.0
    assert backward(square * 1.0, x, square) == (4.0, 1.0)


def test_backward_returns_nothing():
    assert Value(1.0).exp().backward() is None


@for_each("row, f", [(ADD, operator.add), (MUL, operator.mul)])
def test_operators_that_are_written_out_keep_to_the_row(row, f):
    """Also with what goes by the general way: other numbers, subclasses, reflected."""
    hard = [0.0, -0.0, 1.0, -3.5, 1e308, -1e308, 5e-324, 1e-200, math.inf, -math.inf, math.nan]
    for a in hard:
        for b in hard:
            z, partials = row.at(a, b)
            x, y, y_too = Value(a), Value(b), Special(b)
            for left, right in ((x, y), (x, b), (x, np.float64(b)), (x, y_too), (a, y)):
                node = f(left, right)
                assert type(node) is Value and node.primitive is row
                for v, x_or_y in zip(node.inputs, (left, right), strict=True):
                    assert v is x_or_y or bits([v]) == bits([x_or_y])
                assert bits([node.data, *node.partials]) == bits([z, *partials])
                assert (node.grad, node.label, len(node.arguments)) == (0.0, "", 2)


def bits(numbers):
    """To the last bit; nan equals nan."""
    return [number.hex() for number in numbers]


class Special(Value):
    """A subclass."""


@for_each("d", [1, 2, 5])
def test_dots_that_are_written_out_keep_to_the_row(d):
    hard = [0.0, -0.0, 1.5, -3.5, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan, 2.0, 3.0]
    r = random.Random(d)
    for _ in range(300):
        w, x, b = r.choices(hard, k=d), r.choices(hard, k=d), r.choice([None, *hard])
        z, (dw, dx) = DOT.at(tuple(w if b is None else [*w, b]), tuple(x))
        bias = None if b is None else Value(b)
        for inputs in (x, [*map(Value, x)], [Value(x[0]), *x[1:]]):
            for weights in ([*map(Value, w)], [Value(w[0]), *w[1:]], w):
                nodes = affine([weights], inputs, None if b is None else [bias])
                if weights is not w:
                    nodes.append(autograd.dot(weights, inputs, bias))
                for node in nodes:
                    assert node.primitive is DOT
                    assert bits([node.data, *node.partials]) == bits([z, *dw, *dx[:d]])
                    assert len(node.inputs) == 2 * d + (b is not None)


# backward: random expressions, against central differences at 50 digits


def mp_max(*x):
    return max(x)


OPERATIONS = {  # how many inputs, on Values, on mpmath's numbers
    "add": (2, operator.add, operator.add),
    "subtract": (2, operator.sub, operator.sub),
    "multiply": (2, operator.mul, operator.mul),
    "divide": (2, lambda x, y: x / (1.5 + y * y), lambda x, y: x / (mpf(1.5) + y * y)),
    "power": (2, lambda x, y: (x * x + 1) ** y.sin(), lambda x, y: (x * x + 1) ** mp.sin(y)),
    "cube": (1, lambda x: x**3, lambda x: x**3),
    "reciprocal": (1, lambda x: 2 / (2 - x.cos()), lambda x: 2 / (2 - mp.cos(x))),
    "exponential": (1, lambda x: 1.5 ** (-x.sin()), lambda x: mpf(1.5) ** (-mp.sin(x))),
    "exp": (1, lambda x: (-abs(x)).exp(), lambda x: mp.exp(-abs(x))),
    "log": (1, lambda x: (abs(x) + 1).log(), lambda x: mp.log(abs(x) + 1)),
    "sqrt": (1, lambda x: (x * x + 1).sqrt(), lambda x: mp.sqrt(x * x + 1)),
    "sin": (1, Value.sin, mp.sin),
    "cos": (1, Value.cos, mp.cos),
    "tanh": (1, Value.tanh, mp.tanh),
    "sigmoid": (1, Value.sigmoid, lambda x: 1 / (1 + mp.exp(-x))),
    "softplus": (1, Value.softplus, lambda x: mp.log1p(mp.exp(x))),
    "relu": (1, Value.relu, lambda x: max(x, mpf(0))),
    "sum": (3, lambda *x: autograd.sum(x), lambda *x: mp.fsum(x)),
    "max": (3, lambda *x: autograd.max(x), mp_max),
    "dot": (
        3,
        lambda x, y, z: autograd.dot([x, y], [y, 0.5], z),
        lambda x, y, z: x * y + y / 2 + z,
    ),
    "logsumexp": (
        2,
        lambda x, y: autograd.logsumexp([x, y, 1.0]),
        lambda x, y: mp.log(mp.exp(x) + mp.exp(y) + mp.e),
    ),
    "where": (
        3,
        lambda x, y, z: autograd.where(x, y, z),
        lambda x, y, z: y if x > 0 else z,
    ),
}
KINKS = {"exp", "log", "relu", "where"}  # at 0, in the first input
leaf = st.floats(-2, 2)
operation = st.tuples(st.sampled_from(sorted(OPERATIONS)), *[st.integers(0, 100)] * 3)


def run(instructions, leaves, on_values):
    """All nodes of the expression: every instruction takes any of those before it."""
    nodes = list(leaves)
    for name, *choices in instructions:
        count, on_value, on_mp = OPERATIONS[name]
        inputs = [nodes[i % len(nodes)] for i in choices[:count]]
        if on_values:
            x = [v.data for v in inputs]
            assume(name not in KINKS or abs(x[0]) > 1e-6)
            assume(
                name != "max"
                or min(abs(a - b) for a, b in zip(x, [*x[1:], x[0]], strict=True)) > 1e-6
            )
        nodes.append((on_value if on_values else on_mp)(*inputs))
    return nodes


@examples(120)
@given(st.tuples(leaf, leaf, leaf), st.lists(operation, min_size=1, max_size=12))
def test_random_expressions_against_central_differences(point, instructions):
    leaves = [Value(x) for x in point]
    nodes = run(instructions, leaves, on_values=True)
    assume(all(abs(v.data) < 1e3 for v in nodes))
    gradient = backward(nodes[-1], *leaves)
    size = max(1.0, *(abs(v.grad) for v in nodes))
    with mp.workdps(50):
        h = mpf(10) ** -20
        for i, g in enumerate(gradient):
            right, left = (
                run(instructions, [mpf(x) + s * (j == i) for j, x in enumerate(point)], False)[-1]
                for s in (h, -h)
            )
            assert abs(g - (right - left) / (2 * h)) < 1e-10 * size**2


# Size, memory, determinism


def chain(n):
    """A chain of ``n`` operations: its first Value and its last, after a sweep."""
    v = x = Value(1.0)
    for _ in range(n // 2):
        v = v * 1.000001 + 1e-6
    v.backward()
    return x, v


@pytest.mark.slow
def test_a_chain_of_a_million_operations():
    """Forward, backward, release at the default recursion limit."""
    recursion_limit = sys.getrecursionlimit()
    x, v = chain(1_000_000)
    assert x.grad == pytest.approx(1.000001**500_000, rel=1e-9)
    del v
    assert sys.getrecursionlimit() == recursion_limit


@pytest.mark.slow
def test_a_node_takes_at_most_200_bytes():
    n = 50_000
    tracemalloc.start()
    try:
        x, v = chain(n)
        _, peak = tracemalloc.get_traced_memory()
        del v
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert x.inputs == ()
    assert peak / n <= 200
    assert left < n / 10


@pytest.mark.slow
def test_sum_of_many_terms():
    x = [Value(0.1) for _ in range(100_000)]
    node = autograd.sum(x)
    assert node.data == 10_000.0
    node.backward()
    assert all(v.grad == 1.0 for v in x)


def count_values():
    return sum(isinstance(v, Value) for v in gc.get_objects())


@pytest.mark.slow
def test_a_graph_is_freed_by_reference_counting_alone():
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        x = [Value(0.5), Value(-1.5)]
        values, references = [count_values()], [sys.getrefcount(x[0])]
        a = autograd.affine([x, [0.25, x[0]]], x, x)
        f = autograd.logsumexp([a[0].tanh() * a[1], *a]) / x[0] + autograd.max(x) ** 2
        f.backward()
        values.append(count_values())
        references.append(sys.getrefcount(x[0]))
        del a, f
        values.append(count_values())
        references.append(sys.getrefcount(x[0]))
    finally:
        if enabled:
            gc.enable()
    before, alive, after = values
    assert alive == before + 9  # 2 dot, tanh, *, logsumexp, /, max, **, +
    assert after == before
    assert references[1] > references[0] == references[2]


PRINT_GRADIENTS = """
import numpy as np, autograd
from autograd import Value
from nn import MLP, bernoulli_nll
rng = np.random.default_rng(3)
x = [Value(v) for v in rng.normal(size=40)]
node = autograd.logsumexp([(a * b).tanh() + a.exp() ** b for a, b in zip(x, x[1:])])
for _ in range(20):
    node = node * x[rng.integers(40)] + autograd.sum(x) / (node * node + x[rng.integers(40)] ** 2)
node.backward()
net = MLP(3, [5, 4, 1], activation="tanh", rng=np.random.default_rng(7))
loss = autograd.sum([bernoulli_nll(net(row), 1.0) for row in rng.normal(size=(8, 3)).tolist()])
loss.backward()
print([v.data.hex() for v in (node, loss)], [v.grad.hex() for v in [*x, *net.parameters()]])
"""


@pytest.mark.slow
def test_same_seed_same_bits_in_every_process():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PRINT_GRADIENTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("0x") == 2 + 40 + (3 * 5 + 5) + (5 * 4 + 4) + (4 + 1)
    assert "nan" not in outputs[0]


def test_deepcopy_of_a_graph():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    f = autograd.dot([x, y], [y, 2.0], x) * x.exp() + x / y
    expected = backward(f, x, y)
    x.grad = y.grad = 0.0
    f2, x2, y2 = copy.deepcopy((f, x, y))
    assert f2 is not f
    assert (f2.data, x2.label, y2.label, f2.op) == (f.data, "x", "y", f.op)
    assert backward(f2, x2, y2) == expected
    assert (x.grad, y.grad) == (0.0, 0.0)
    assert (x2 + y2).op == "+"
    assert [v.op for v in autograd.topological_order(f2)] == [
        v.op for v in autograd.topological_order(f)
    ]
    f3 = copy.copy(f)
    assert (f3.data, f3.inputs) == (f.data, f.inputs)


def test_format():
    assert f"{Value(1.23456):.2f}" == "1.23"
    assert f"{Value(2.0)}" == repr(Value(2.0))


class Doubled(Value):
    """A Value whose number is computed when it is asked for."""

    @property
    def data(self):
        return 2.0 * self._data


def test_the_numbers_of_many_values_are_what_each_says():
    plain, own = [Value(1.0), Value(2.0)], [Doubled(1.5), Doubled(2.5)]
    assert data_of(plain).tolist() == [1.0, 2.0]
    assert data_of(own).tolist() == [3.0, 5.0]
    assert data_of([*plain, *own]).tolist() == [1.0, 2.0, 3.0, 5.0]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_whole_number_beyond_the_floats_is_infinite(sign):
    large, x = sign * 10**400, Value(2.0)
    assert (x + large).data == (large + x).data == sign * math.inf
    assert (x / large).data == 0.0 and (x < large) == (sign > 0)
    assert Value(large).data == sign * math.inf
