"""The functions of `autograd`: on Values, numbers and arrays; n-ary nodes; what they refuse."""

import builtins
import math

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.functions import pow as power
from tests.cases import for_each

ONE_ARGUMENT = {
    **{name: getattr(math, name) for name in autograd.functions.__all__ if hasattr(math, name)},
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: float(max(x, 0)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "abs": math.fabs,
    "step": lambda x: float(x > 0),
}
N_ARY = {
    "sum": autograd.sum,
    "max": autograd.max,
    "logsumexp": autograd.logsumexp,
    "dot": lambda x: autograd.dot(x, x),
}

one_argument = for_each("name", ONE_ARGUMENT)
n_ary = for_each("function", N_ARY.values(), ids=N_ARY)


def values(*numbers):
    return [Value(x) for x in numbers]


def gradients(root, leaves):
    root.backward()
    return [leaf.grad for leaf in leaves]


# One argument


@one_argument
def test_a_number_gives_a_float(name):
    function, reference = getattr(autograd, name), ONE_ARGUMENT[name]
    for x in (2, 0.75, True):
        assert type(function(x)) is float
        assert function(x) == pytest.approx(reference(x), rel=1e-15)
    for x in (np.float64(0.75), np.float32(0.75), np.int64(2), np.bool_(True)):
        assert isinstance(function(x), float)
        assert function(x) == pytest.approx(reference(float(x)), rel=1e-15)


@one_argument
def test_an_array_gives_an_array_of_its_shape(name):
    function, reference = getattr(autograd, name), ONE_ARGUMENT[name]
    x = np.array([[0.5, 1.0, 2.0], [3.0, 0.25, 1.5]])
    y = function(x)
    assert isinstance(y, np.ndarray)
    assert y.shape == x.shape
    assert y.dtype == np.float64
    assert y == pytest.approx(np.vectorize(reference)(x), rel=1e-15)
    assert function(np.array([1, 2])).dtype == np.float64
    assert function(np.array([])).shape == (0,)


@one_argument
def test_a_value_gives_one_node(name):
    x = Value(0.75)
    y = getattr(autograd, name)(x)
    assert type(y) is Value
    assert y.op == name
    assert y.inputs == (x,)
    assert y.data == getattr(autograd, name)(0.75)


@for_each(
    "name", ["exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "softplus", "abs"]
)
def test_the_method_is_the_same_as_the_function(name):
    x = Value(0.75)
    method, function = getattr(x, name)(), getattr(autograd, name)(x)
    assert (method.op, method.data, method.inputs) == (function.op, function.data, (x,))
    assert method.partials == function.partials


@one_argument
@for_each("x", ["1", None, [1.0], (1.0, 2.0), 1j, {}], ids=repr)
def test_anything_else_is_a_type_error(name, x):
    with pytest.raises(TypeError):
        getattr(autograd, name)(x)


@pytest.mark.parametrize("x", [Value(1.0), {}, [1.0, 2.0]], ids=["Value", "dict", "list"])
def test_an_array_of_something_else_is_refused(x):
    array = np.empty(2, dtype=object)
    array[:] = [1.0, x]
    with pytest.raises((TypeError, ValueError)):
        autograd.exp(array)


# step, where, pow


def test_step_is_one_right_of_zero():
    x = values(-1.0, -0.0, 0.0, 1e-300)
    assert [autograd.step(v).data for v in x] == [0.0, 0.0, 0.0, 1.0]
    assert autograd.step(np.array([-1.0, 0.0, 2.0])).tolist() == [0.0, 0.0, 1.0]
    assert [autograd.step(v).partials for v in x] == [(0.0,)] * 4


@pytest.mark.parametrize(("c", "expected"), [(2.0, 10.0), (-2.0, 20.0), (0.0, 20.0)])
def test_where_chooses_by_the_sign(c, expected):
    assert autograd.where(c, 10.0, 20.0) == expected
    leaves = condition, a, b = values(c, 10.0, 20.0)
    node = autograd.where(condition, a, b)
    assert node.data == expected
    assert node.inputs == (condition, a, b)
    assert gradients(node, leaves) == [0.0, float(c > 0), float(c <= 0)]


def test_where_on_arrays_broadcasts():
    chosen = autograd.where(np.array([1.0, -1.0]), 2.0, np.array([3.0, 4.0]))
    assert chosen.tolist() == [2.0, 4.0]


def test_where_takes_plain_numbers_beside_values():
    x = Value(3.0)
    node = autograd.where(x, x * x, 0.0)
    assert node.data == 9.0
    assert gradients(node, [x]) == [6.0]


def test_where_keeps_out_the_value_of_the_other_branch():
    x = Value(0.0)
    assert autograd.where(x, 1 / x, 5.0).data == 5.0


def test_pow_is_the_operator():
    x, y = values(2.0, 3.0)
    node = power(x, y)
    assert (node.op, node.data, node.partials) == ("**", 8.0, (x**y).partials)
    assert power(2, 3) == 8.0
    assert power(np.array([2.0, 3.0]), 2).tolist() == [4.0, 9.0]


# n-ary nodes


@n_ary
def test_n_ary_return_types(function):
    assert type(function([1, 2.0, True])) is float
    assert isinstance(function([np.float64(1.0), np.float64(2.0)]), float)
    assert isinstance(function(np.array([1.0, 2.0])), float)
    assert type(function(values(1.0, 2.0))) is Value
    assert type(function([1.0, Value(2.0)])) is Value
    columns = function([np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    assert columns.shape == (2,)
    assert columns[0] == pytest.approx(function([1.0, 3.0]), rel=1e-15)


@n_ary
def test_n_ary_functions_are_one_node(function):
    x = values(*range(50))
    node = function(x)
    assert set(node.inputs) == set(x)
    assert all(v.op == "" for v in node.inputs)


@n_ary
@pytest.mark.parametrize(
    "empty", [[], (), np.array([]), iter([])], ids=["[]", "()", "array", "iter"]
)
def test_nothing_at_all_is_a_value_error(function, empty):
    with pytest.raises(ValueError, match="empty"):
        function(empty)


@pytest.mark.parametrize("function", [autograd.sum, autograd.max, autograd.logsumexp])
def test_generators_are_accepted(function):
    x = values(1.0, 2.0, 3.0)
    assert function(v for v in x).inputs == tuple(x)
    assert function(v.data for v in x) == function(x).data


@n_ary
@pytest.mark.parametrize("x", [1.0, Value(1.0), None], ids=["number", "Value", "None"])
def test_one_number_is_no_sequence(function, x):
    with pytest.raises(TypeError, match="must be a sequence"):
        function(x)


@n_ary
@pytest.mark.parametrize("x", [["1"], [None], "12", [[1.0], [2.0]]], ids=repr)
def test_what_is_no_number_is_a_type_error(function, x):
    with pytest.raises(TypeError, match="real number"):
        function(x)


@n_ary
def test_arrays_among_values_are_a_type_error(function):
    for x in ([Value(1.0), np.ones(2)], [np.ones(2), Value(1.0)]):
        with pytest.raises(TypeError, match=r"array of shape \(2,\)"):
            function(x)


def test_where_refuses_arrays_among_values():
    with pytest.raises(TypeError, match="mixed"):
        autograd.where(Value(1.0), np.ones(2), 0.0)


def test_a_plain_number_among_the_inputs_stays_a_float():
    x = Value(1.0)
    node = autograd.sum([x, 2, np.float64(3.0), x])
    assert node.inputs == (x, 2.0, 3.0, x)
    assert [type(v) for v in node.inputs] == [Value, float, float, Value]
    assert gradients(node, [x]) == [2.0]


def test_sum_is_exact():
    tenths = [0.1] * 10
    assert autograd.sum(tenths) == 1.0
    assert autograd.sum([Value(x) for x in tenths]).data == 1.0
    assert autograd.sum(values(1e100, 1.0, -1e100)).data == 1.0


def test_sum_has_gradient_one_everywhere():
    x = values(1.0, -2.0, 3.0)
    assert autograd.sum(x).partials == (1.0, 1.0, 1.0)
    assert gradients(autograd.sum(x), x) == [1.0, 1.0, 1.0]


def test_max_takes_the_largest_and_ties_share():
    x = values(1.0, 3.0, 2.0)
    assert autograd.max(x).data == 3.0
    assert autograd.max(x).partials == (0.0, 1.0, 0.0)
    assert autograd.max(values(3.0, 1.0, 3.0)).partials == (0.5, 0.0, 0.5)
    assert autograd.max(values(2.0, 2.0, 2.0, 2.0)).partials == (0.25,) * 4
    assert autograd.max([-2, -1]) == -1.0


def test_logsumexp_value_and_softmax():
    x = values(math.log(1.0), math.log(2.0), math.log(5.0))
    node = autograd.logsumexp(x)
    assert node.data == pytest.approx(math.log(8.0), rel=1e-15)
    assert node.partials == pytest.approx((1 / 8, 2 / 8, 5 / 8), rel=1e-15)


def test_logsumexp_neither_overflows_nor_underflows():
    assert autograd.logsumexp([1e300, 1e300]) == 1e300
    assert autograd.logsumexp([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2), rel=1e-15)
    assert autograd.logsumexp([-1000.0, -1000.0]) == pytest.approx(-1000 + math.log(2), rel=1e-15)
    assert autograd.logsumexp([0.0, -40.0]) == pytest.approx(math.exp(-40), rel=1e-15, abs=0)
    assert autograd.logsumexp([-math.inf, 2.0]) == 2.0
    assert autograd.logsumexp([-math.inf, -math.inf]) == -math.inf


# dot and affine


def test_dot_without_and_with_bias():
    w, x, b = values(2.0, 3.0), values(10.0, 100.0), Value(1.0)
    plain, biased = autograd.dot(w, x), autograd.dot(w, x, b)
    assert (plain.data, biased.data) == (320.0, 321.0)
    assert gradients(biased, [*w, b, *x]) == [10.0, 100.0, 1.0, 2.0, 3.0]
    assert autograd.dot([2, 3], [10, 100], 1) == 321.0


def test_dot_inputs_are_in_the_documented_order():
    assert "``w``, then ``b`` if given, then those of ``x``" in autograd.dot.__doc__
    w, x, b = values(2.0, 3.0), values(10.0, 100.0), Value(1.0)
    assert autograd.dot(w, x).inputs == (*w, *x)
    assert autograd.dot(w, x).partials == (10.0, 100.0, 2.0, 3.0)
    assert autograd.dot(w, x, b).inputs == (*w, b, *x)
    assert autograd.dot(w, x, b).partials == (10.0, 100.0, 1.0, 2.0, 3.0)


def test_dot_mixes_numbers_and_values():
    w0, b = values(2.0, 1.0)
    node = autograd.dot([w0, 3], (10, 100.0), b)
    assert node.inputs == (w0, 3.0, b, 10.0, 100.0)
    assert gradients(node, [w0, b]) == [10.0, 1.0]
    row = np.array([10.0, 100.0])  # an array of numbers is a sequence of numbers
    assert autograd.dot(values(2.0, 3.0), row).data == 320.0
    assert autograd.dot([1.0], [2.0], Value(3.0)).data == 5.0


def test_dot_of_a_vector_with_itself():
    x = values(3.0, 4.0)
    node = autograd.dot(x, x)
    assert node.inputs == (*x, *x)
    assert gradients(node, x) == [6.0, 8.0]


def test_dot_on_arrays_works_element_by_element():
    x = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    assert autograd.dot([10.0, 100.0], x, 0.5).tolist() == [310.5, 420.5]


def test_dot_takes_generators():
    assert autograd.dot((w for w in (2.0, 3.0)), (x for x in (10.0, 100.0))) == 320.0


@pytest.mark.parametrize(("w", "x"), [([1.0], [1.0, 2.0]), ([1.0, 2.0, 3.0], [1.0, 2.0])])
@pytest.mark.parametrize("b", [None, 1.0])
def test_dot_of_different_lengths_is_a_value_error(w, x, b):
    with pytest.raises(ValueError, match=f"same length, got {len(w)} and {len(x)}"):
        autograd.dot(values(*w), x, b)


def test_dot_names_the_argument_that_is_empty():
    with pytest.raises(ValueError, match="w is empty"):
        autograd.dot([], [])
    with pytest.raises(ValueError, match="x is empty"):
        autograd.dot([1.0], [])


def test_dot_refuses_a_matrix_beside_values():
    with pytest.raises(TypeError, match=r"rows with autograd\.dot"):
        autograd.dot(np.ones((2, 2)), values(1.0, 2.0))
    with pytest.raises(TypeError, match="mixed"):
        autograd.dot(values(1.0, 2.0), [1.0, 2.0], np.ones(2))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("plain_x", [True, False])
def test_affine_is_dot_row_by_row(bias, plain_x):
    rng = np.random.default_rng(0)
    theta = [values(*row) for row in rng.normal(size=(3, 4))]
    b = values(*rng.normal(size=3)) if bias else None
    x = rng.normal(size=4).tolist() if plain_x else values(*rng.normal(size=4))
    nodes = autograd.affine(theta, x, b)
    assert len(nodes) == 3
    for j, node in enumerate(nodes):
        expected = autograd.dot(theta[j], x, None if b is None else b[j])
        assert (node.op, node.data) == ("dot", expected.data)
        assert node.inputs == expected.inputs
        assert node.partials == expected.partials


def test_affine_gradients_are_the_matrix_formulas():
    rng = np.random.default_rng(1)
    theta, b, x, delta = (rng.normal(size=s) for s in ((3, 4), 3, 4, 3))
    theta_, b_, x_ = [values(*row) for row in theta], values(*b), values(*x)
    nodes = autograd.affine(theta_, x_, b_)
    assert [a.data for a in nodes] == pytest.approx(theta @ x + b, rel=1e-14)
    autograd.dot(delta, nodes).backward()
    assert np.array([[w.grad for w in row] for row in theta_]) == pytest.approx(np.outer(delta, x))
    assert [v.grad for v in b_] == pytest.approx(delta)
    assert [v.grad for v in x_] == pytest.approx(theta.T @ delta)


def test_affine_takes_numbers_generators_and_arrays():
    x = values(1.0, 2.0)
    (a,) = autograd.affine([[3.0, 4]], (v for v in x), [0.5])
    assert (a.data, a.inputs) == (11.5, (3.0, 4.0, 0.5, *x))
    a, b = autograd.affine(np.array([[1.0, 2.0], [3.0, 4.0]]), x, np.array([10.0, 20.0]))
    assert (a.data, b.data) == (15.0, 31.0)
    assert gradients(a, x) == [1.0, 2.0]


def test_affine_of_numbers_alone_gives_values():
    (a,) = autograd.affine([[2.0]], [3.0])
    assert type(a) is Value
    assert a.data == 6.0


def test_affine_reports_lengths_that_do_not_fit():
    with pytest.raises(ValueError, match="row 1 of theta has 1 entries, but x has 2"):
        autograd.affine([values(1.0, 2.0), values(1.0)], [1.0, 2.0])
    with pytest.raises(ValueError, match="theta has 1 rows, but b has 2"):
        autograd.affine([values(1.0)], [1.0], values(1.0, 2.0))
    with pytest.raises(ValueError, match="x is empty"):
        autograd.affine([[1.0]], [])


# Names


def test_star_import_hides_no_builtin():
    namespace = {}
    exec("from autograd import *", namespace)
    namespace.pop("__builtins__")
    assert {"Value", "exp", "dot", "grad"} <= set(namespace)
    assert not set(namespace) & set(dir(builtins))


def test_all_lists_names_that_exist_once():
    assert len(set(autograd.__all__)) == len(autograd.__all__)
    assert all(hasattr(autograd, name) for name in autograd.__all__)
    assert all(hasattr(autograd, name) for name in ("sum", "max", "abs"))


@for_each("name", [*ONE_ARGUMENT, "sum", "max", "logsumexp", "dot", "where"])
def test_functions_know_their_name_and_have_a_docstring(name):
    function = getattr(autograd, name)
    assert function.__name__ == name
    assert len(function.__doc__) > 20


@pytest.mark.parametrize("symbol", ["", None, 1, 0, b"cube", ["cube"]])
def test_a_symbol_is_a_string_that_is_not_empty(symbol):
    with pytest.raises(TypeError, match="symbol must be a string that is not empty"):
        autograd.primitive(symbol, lambda x: x, lambda z, x: (1.0,))


def test_rows_of_affine_may_be_any_sequences_and_must_be_some():
    for kind in (list, tuple, np.array):
        (a,) = autograd.affine([kind([2.0, 3.0])], [Value(1.0), 10.0])
        assert (a.data, {type(v) for v in a.inputs}) == (32.0, {float, Value})
    for wrong in (3, None):
        with pytest.raises(TypeError, match="row 1 of theta"):
            autograd.affine([[1.0, 2.0], wrong], [1.0, Value(2.0)])
