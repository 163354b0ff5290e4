"""Mistakes on a Value that would lose its gradient: each is refused, with what to write instead."""

import math
import statistics
import warnings

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, grad, hessian, value_and_grad
from autograd.advice import INSTEAD
from autograd.functions import apply
from tests.cases import for_each

UFUNCS = {name: f for name, f in vars(np).items() if isinstance(f, np.ufunc) and f.nout == 1}


def value():
    return Value(1.5)


@for_each(
    ("mistake", "advice"),
    [
        (lambda v: np.exp(v), r"np\.exp .* v\.exp\(\)"),
        (lambda v: np.tanh(v), r"v\.tanh\(\)"),
        (lambda v: np.maximum(0, v), r"autograd\.max\(\[a, b\]\), or v\.relu\(\)"),
        (lambda v: np.maximum(v, np.zeros(3)), r"autograd\.max"),
        (lambda v: np.add.reduce(v), r"autograd\.sum"),
        (lambda v: np.max(v), r"autograd\.max\(values\)"),
        (lambda v: np.min(v), r"-autograd\.max\(\[-v for v in values\]\)"),
        (lambda v: autograd.exp([v, v]), r"one by one, as in \[autograd\.exp\(v\) for v in"),
        (lambda v: autograd.exp(np.array([v])), r"one by one, as in \[autograd\.exp\(v\) for v in"),
        (lambda v: autograd.sum([[v], [v]]), r"one by one"),
        (lambda v: np.sum(v), r"np\.sum .*autograd\.sum"),
        (lambda v: np.isfinite(v), r"v\.data"),
        (lambda v: np.clip(v, 0, 1), r"np\.clip .*relu"),
        (lambda v: np.where(True, v, 0.0), r"autograd\.where"),
        (lambda v: np.round(v, 1), r"np\.round .*v\.data"),
        (lambda v: np.nan_to_num(v), r"np\.nan_to_num .*autograd\.where"),
        (lambda v: np.nansum(v), r"np\.nansum .*autograd\.where.*autograd\.sum"),
        (lambda v: np.nanmean(v), r"np\.nanmean .*autograd\.where.*autograd\.step"),
        (lambda v: np.std([v, v]), r"v\.sqrt\(\)"),
        (lambda v: np.float64(2) // v, r"floor_divide.* v\.data"),
        (lambda v: v // 2, r"^// can't .* v\.data"),
        (lambda v: 2 // v, r"^// can't .* v\.data"),
        (lambda v: v % 2, r"^% can't .*: write v - b \* \(v\.data // b\) for a number b"),
        (lambda v: 2.0 % v, r"^% can't .*: write v - b"),
        (lambda v: v @ v, r"^@ can't .*: write autograd\.dot\(w, x\)"),
        (lambda v: np.ones(2) @ v, r"autograd\.dot\(w, x\)"),
        (lambda v: [1.0] @ v, r"^@ can't .*: write autograd\.dot\(w, x\)"),
        (lambda v: math.exp(v), r"v\.exp\(\) in place of math\.exp"),
        (lambda v: float(v), r"float\(\) .* v\.data"),
        (lambda v: int(v), r"int\(\) .* autograd\.Value\(int\(v\.data\)\)"),
        (lambda v: complex(v), r"v\.data"),
        (lambda v: round(v), r"round\(\) .* v\.data"),
        (lambda v: round(v, 1), r"v\.data"),
        (lambda v: math.floor(v), r"autograd\.Value\(math\.floor\(v\.data\)\)"),
        (lambda v: math.ceil(v), r"math\.ceil\(\) .* v\.data"),
        (lambda v: math.trunc(v), r"math\.trunc\(\) .* v\.data"),
        (lambda v: divmod(v, 2), r"^divmod\(\) can't .*Value\(v\.data // b\) and v - b"),
        (lambda v: divmod(2, v), r"^divmod\(\) can't"),
        (lambda v: statistics.mean([v, v]), r"write autograd\.sum\(values\) / len\(values\)"),
        (lambda v: statistics.pstdev([v, v]), r"v\.data"),
        (lambda v: v * [1.0, 2.0], r"\[v \* x for x in numbers\].*got a 'list'"),
        (lambda v: (1.0, 2.0) - v, r"autograd\.dot.*got a 'tuple'"),
        (lambda v: v < [1.0], r"got a 'list'"),
        (lambda v: "%.3f" % v, r"v\.data"),  # noqa: UP031
        (lambda v: np.array([v], dtype=float), r"v\.data"),
        (lambda v: np.array(v, dtype=float), r"v\.data"),
        (lambda v: np.array([v, v]).astype(float), r"v\.data"),
        (lambda v: np.zeros(2).__setitem__(0, v), r"v\.data"),
    ],
)
def test_what_would_lose_the_gradient_is_a_type_error_that_says_what_to_write(mistake, advice):
    with pytest.raises(TypeError, match=advice):
        mistake(value())
    with pytest.raises(TypeError, match=advice):
        grad(mistake)(1.5)


def test_functions_of_scipy_are_refused_under_their_own_names():
    special = pytest.importorskip("scipy.special")
    for name, advice in [
        ("expit", r"v\.sigmoid\(\)"), ("erf", r"autograd\.erf\(v\)"),
        ("erfc", r"autograd\.erfc\(v\)"), ("gammaln", r"autograd\.primitive"),
    ]:  # fmt: skip
        with pytest.raises(TypeError, match=rf"^{name}\(\) can't record a Value: .*{advice}"):
            getattr(special, name)(value())


def test_a_plot_of_values_says_that_their_data_are_to_be_plotted():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    try:
        with pytest.raises(TypeError, match=r"v\.data"):
            axes.plot([value()])
    finally:
        pyplot.close(figure)


@for_each("name", sorted(UFUNCS))
def test_numpys_functions_record_or_are_refused_and_never_give_a_number(name):
    function = UFUNCS[name]
    for arguments in ([value()] * function.nin, [np.float64(2.0)] * (function.nin - 1) + [value()]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ==
            try:
                result = function(*arguments)
            except TypeError as error:
                said = str(error)
                assert f"np.{function.__name__} " in said and "v.data" in said
            else:
                assert isinstance(result, Value | bool)


@for_each("name", [name for name in INSTEAD if hasattr(np, name)])
def test_what_is_advised_does_the_same(name):
    v, w = Value(0.75), Value(-0.25)
    names = {"v": v, "a": v, "b": w, "x": [v], "w": [w], "values": [v, w], "lower": 0.0,
             "upper": 0.5, "c": 1.0, "autograd": autograd, "math": math}  # fmt: skip
    if "number alone" in INSTEAD[name] or "operators" in INSTEAD[name]:
        return
    text = INSTEAD[name].split(" or ")[0].split(", which ")[0].rstrip(",")
    if text.endswith(" for a number b"):
        text, names["b"] = text.removesuffix(" for a number b"), -0.25
    advised = eval(text.replace(" and ", ", "), names)
    arguments = {
        "where": (True, 0.75, -0.25), "clip": (0.75, 0.0, 0.5), "sum": ([0.75, -0.25],),
        "nan_to_num": (0.75,), "nansum": (0.75,), "nanmean": (0.75,),
        "matmul": ([0.75], [-0.25]), "vecdot": ([0.75], [-0.25]), "heaviside": (0.75, 0.0),
    }.get(name)  # fmt: skip
    if arguments is None:
        arguments = (0.75, -0.25)[: getattr(np, name).nin]
    found = [a.data for a in advised] if isinstance(advised, tuple) else advised.data
    assert found == pytest.approx(getattr(np, name)(*arguments), rel=1e-15)


SCALARS = [np.float64(2.0), np.float32(2.0), np.longdouble(2.0), np.int64(2), np.bool_(True)]


@pytest.mark.parametrize("scalar", SCALARS)
def test_numpys_scalars_are_numbers_like_others(scalar):
    v, number = value(), float(scalar)
    for node, expected in [
        (scalar + v, number + 1.5), (scalar - v, number - 1.5), (scalar * v, number * 1.5),
        (scalar / v, number / 1.5), (scalar**v, number**1.5), (v - scalar, 1.5 - number),
    ]:  # fmt: skip
        assert isinstance(node, Value)
        assert node.data == expected
        assert number in [x for x in node.inputs if x is not v]
    assert (scalar < v, scalar <= v, scalar > v, scalar >= v) == (
        number < 1.5, number <= 1.5, number > 1.5, number >= 1.5,
    )  # fmt: skip


@pytest.mark.parametrize("scalar", [np.complex128(2.0), np.clongdouble(2.0)])
def test_numpys_complex_scalars_are_refused(scalar):
    with pytest.raises(TypeError, match="'complex' and 'Value'"):
        scalar * value()


def test_arrays_of_values_are_left_to_numpy():
    v = value()
    array = np.array([v, 2.0])
    assert array.dtype == object
    assert (array * np.array([2.0, 3.0]))[0].data == 3.0
    assert np.exp(np.array([v]))[0].data == math.exp(1.5)
    assert np.ndim(v) == 0


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_variance_of_values_is_recorded_by_numpy(ddof):
    x = [1.0, -2.0, 3.5, 0.25]
    report = autograd.gradcheck(lambda *v: np.var(v, ddof=ddof), *x)
    assert report, str(report)
    assert np.var([Value(v) for v in x], ddof=ddof).data == pytest.approx(np.var(x, ddof=ddof))


def test_the_advice_for_nan_holds_for_nan():
    v, w = Value(math.nan), Value(2.0)
    total = autograd.sum([autograd.where(abs(u) + 1, u, 0.0) for u in (v, w)])
    total.backward()
    assert (total.data, v.grad, w.grad) == (2.0, 0.0, 1.0)
    assert [autograd.step(abs(u) + 1).data for u in (v, w)] == [0.0, 1.0]


def test_who_asks_for_nan_by_equality_is_told():
    v, nan = value(), Value(math.nan)
    for ask in (lambda: nan != nan, lambda: nan == nan, lambda: np.nansum([v, nan])):
        with pytest.warns(UserWarning, match=r"equals itself, also .* nan.*autograd\.where"):
            ask()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nan != v and v == v and nan in [v, nan]
        assert np.nansum([v, v]).data == 3.0


@pytest.mark.parametrize("number", [1.5, 1, True, np.float64(1.5), np.int64(1)])
def test_equality_with_a_number_is_never_true_and_says_so(number):
    v = value()
    for compare, expected in [
        (lambda: v == number, False), (lambda: v != number, True), (lambda: number == v, False)
    ]:  # fmt: skip
        with pytest.warns(UserWarning, match=r"equals itself alone.*v\.data.*autograd\.where"):
            assert compare() is expected


def test_equality_is_said_at_the_line_of_a_recorded_function():
    def f(x):
        return x * x if x == 2.0 else x

    with pytest.warns(UserWarning, match="never true") as caught:
        assert value_and_grad(f)(2.0) == (2.0, 1.0)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("number", [0.0, 1.5])
def test_a_value_is_true_and_says_so(number):
    v = Value(number)
    for ask in (lambda: bool(v), lambda: (v or 1.0) is v, lambda: any([v])):
        with pytest.warns(UserWarning, match=r"always true.* not None.*v\.data.*autograd\.where"):
            assert ask() is True


def test_truth_is_said_at_the_line_of_a_recorded_function():
    with pytest.warns(UserWarning, match="always true") as caught:
        assert value_and_grad(lambda x, b: x if b else -x)(2.0, 0.0) == (2.0, (1.0, 0.0))
    assert [w.filename for w in caught] == [__file__]


def test_equality_among_values_is_identity_and_says_nothing():
    a, b = value(), value()
    assert a == a
    assert a != b
    assert a in [b, a]
    assert a != "a"
    assert a is not None and a != None  # noqa: E711
    assert hessian(lambda x, y: x * y)(2.0, 3.0).tolist() == [[0.0, 1.0], [1.0, 0.0]]


# Names that programs for micrograd use.


def test_micrograds_names_of_the_inputs_and_of_the_operation():
    x, y = Value(2.0), Value(3.0)
    node = x * 2.0 + y
    assert node._prev == (node.inputs[0], y)
    assert node.inputs[0]._prev == (x,)
    assert x._prev == ()
    assert (node._op, x._op) == ("+", "")
    assert autograd.dot([x, 2.0], [y, x])._prev == (x, y, x)
    for name in ("_prev", "_op"):
        with pytest.raises(AttributeError):
            setattr(node, name, ())


def test_a_graph_is_walked_as_in_micrograds_draw_dot():
    x = Value(2.0)
    root = (x * x + x).tanh()
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    assert nodes == set(autograd.topological_order(root))
    assert len(edges) == 4


def test_backward_of_a_node_is_refused_with_a_word_about_steps():
    v = value()
    with pytest.raises(AttributeError, match=r"autograd\.steps.*autograd\.primitive"):
        v._backward()
    with pytest.raises(AttributeError, match=r"autograd\.steps"):
        v._backward = lambda: None
    assert not hasattr(v, "_backward")


def test_a_subclass_takes_attributes_and_works_everywhere():
    class MyValue(Value):
        pass

    x, y = MyValue(2.0, label="x"), MyValue(3.0)
    x.colour, y.units = "red", ["m"]
    root = autograd.dot([x, y], [y, x], x) + x * y - x.exp()
    root.backward()
    assert x.grad == pytest.approx(3 + 3 + 1 + 3 - math.exp(2), rel=1e-15)
    assert "x" in repr(autograd.draw(root)) and "red" not in repr(autograd.trace(root))
    outputs, gradient = autograd.compile(root, [x], [y])([[2.0]])
    assert (outputs[0], gradient[0]) == pytest.approx((root.data, y.grad), rel=1e-15)
    assert len(list(autograd.steps(root))) == 6
    assert grad(lambda v: v * v)(x).data == 4.0
    assert "text/plain" in x._repr_mimebundle_()
    assert (x.colour, y.units) == ("red", ["m"])


@pytest.mark.parametrize("engine", ["program", "graph"])
def test_a_network_of_values_with_attributes_is_trained(engine):
    class Parameter(Value):
        def __init__(self, data, unit):
            super().__init__(data)
            self.unit = unit

    def trained(kind):
        net = nn.MLP(2, [3, 1], activation="tanh", rng=np.random.default_rng(0))
        for layer in net.layers:
            for neuron in layer.neurons:
                neuron.w = [kind(w.data) for w in neuron.w]
        X = np.random.default_rng(1).normal(size=(12, 2))
        nn.fit(net, nn.gaussian_nll, X, X[:, 0], epochs=2, batch_size=4, lr=0.1, progress=False,
               rng=np.random.default_rng(2), engine=engine)  # fmt: skip
        return net

    net = trained(lambda w: Parameter(w, "m"))
    assert {w.unit for layer in net.layers for n in layer.neurons for w in n.w} == {"m"}
    assert [p.data for p in net.parameters()] == [p.data for p in trained(Value).parameters()]


# NumPy up to 2.3 makes np.float64(array) of an array of one number a scalar, unless the warning of
# it is an error: so these run with the filters that users have.


@pytest.mark.parametrize("filters", ["default", "ignore", "error"])
@pytest.mark.parametrize("rows", [1, 2, 40])
def test_own_primitives_on_a_batch_of_any_size_under_any_filters(rows, filters):
    swish = autograd.primitive(
        "swish",
        lambda x: x * autograd.sigmoid(x),
        lambda z, x: (autograd.sigmoid(x) + z * autograd.sigmoid(-x),),
    )
    fma = autograd.primitive("fma", lambda x, y, z: x * y + z, lambda _, x, y, z: (y, x, 1.0))
    w, x, y = Value(0.5), Value(1.0), Value(2.0)
    batch = np.linspace(-2.0, 2.0, 2 * rows).reshape(rows, 2)
    with warnings.catch_warnings():
        warnings.simplefilter(filters)
        for root in (swish(w * x) + y * 0.0, fma(w, x, y), swish(fma(x, w, y) + swish(w))):
            losses, gradient = autograd.compile(root, [x, y], [w])(batch)
            assert losses.shape == (rows,)
            graphs = []
            for a, b in batch.tolist():
                v = Value(0.5)
                twin = {w: v, x: Value(a), y: Value(b)}
                graphs.append((rebuilt(root, twin), v))
            np.testing.assert_allclose(losses, [g.data for g, _ in graphs], rtol=1e-13)
            for g, _ in graphs:
                g.backward()
            assert gradient[0] == pytest.approx(sum(v.grad for _, v in graphs), rel=1e-12)


def rebuilt(node, twin):
    """The graph of ``node`` recorded anew, with other leaves."""
    for v in autograd.topological_order(node):
        if v.op:
            inputs = [twin.get(u, u) if isinstance(u, Value) else u for u in v.inputs]
            nested = isinstance(v.arguments[0], tuple)
            twin[v] = apply(v.primitive, *([tuple(inputs)] if nested else inputs))
        else:
            twin.setdefault(v, v)
    return twin[node]
