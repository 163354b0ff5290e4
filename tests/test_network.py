"""Networks: their outputs, their parameters, the labels of their Values, and what they refuse."""

import dataclasses
import math

import numpy as np
import pytest

from autograd import Value, topological_order
from autograd.checks import GradCheck, GradCheckRow
from autograd.compiler import Operation
from autograd.differences import Slopes
from nn import MLP, Layer, Module, Neuron, backpropagate, gaussian_nll
from nn.model.activations import Activation
from nn.model.backprop import Backpropagation
from nn.model.likelihoods import Likelihood, Score
from nn.model.module import Structure, check_network, values
from nn.train.checkpoints import Checkpoint
from nn.train.history import Epoch
from nn.train.trainings import Combination, Training
from tests.cases import ACTIVATIONS, for_each, numbers

# The activations once more, as NumPy on arrays: an independent forward pass to compare with.
G = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "relu": lambda a: np.maximum(a, 0),
    "tanh": np.tanh,
    "softplus": lambda a: np.log1p(np.exp(a)),
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
    "elu": lambda a: np.where(a > 0, a, np.expm1(a)),
    "silu": lambda a: a / (1 + np.exp(-a)),
    "gelu": lambda a: a * (1 + np.vectorize(math.erf)(a / math.sqrt(2))) / 2,
    "linear": lambda a: a,
}


def forward(net, x, activations):
    """The pre-activations at the top of ``net``, read from its state_dict and computed by NumPy."""
    state = net.state_dict()
    L = len(net.layers)
    for l, g in enumerate([*activations, "linear"]):
        assert l < L
        x = G[g](state[f"layers.{l}.weight"] @ x + state.get(f"layers.{l}.bias", 0.0))
    return x


def randomise(net, seed=0):
    """Give every parameter, the biases too, a random number."""
    rng = np.random.default_rng(seed)
    for p in net.parameters():
        p.data = rng.normal()
    return net


# Outputs


def test_every_activation_is_computed_here():
    assert [*G] == ACTIVATIONS


@pytest.mark.parametrize("activation", G)
@for_each("widths", [[3], [1], [5, 3], [4, 1], [4, 3, 5, 2]])
@for_each("bias", [True, False])
def test_the_output_is_that_of_a_numpy_forward_pass(activation, widths, bias):
    net = randomise(MLP(3, widths, activation, bias))
    x = np.array([0.5, -1.25, 2.0])
    expected = forward(net, x, [activation] * (len(widths) - 1))
    out = net(x.tolist())
    out = [out] if widths[-1] == 1 else out
    assert [type(v) for v in out] == [Value] * widths[-1]
    np.testing.assert_allclose(numbers(out), expected, rtol=1e-13, atol=1e-13)


def test_every_hidden_layer_can_have_its_own_activation():
    names = ACTIVATIONS
    net = randomise(MLP(2, [3 + l % 2 for l in range(len(names))] + [2], names))
    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(numbers(net(x.tolist())), forward(net, x, names), rtol=1e-12)
    assert [layer.activation for layer in net.layers] == [*names, "linear"]


@for_each("activation", G)
def test_a_neuron_and_a_layer_alone(activation):
    x = np.array([0.5, -1.5])
    neuron = randomise(Neuron(2, activation))
    w, b = numbers(neuron.w), neuron.b.data
    assert neuron(x.tolist()).data == pytest.approx(G[activation](np.dot(w, x) + b), rel=1e-13)

    layer = randomise(Layer(2, 3, activation))
    expected = G[activation](layer.theta @ x + layer.b)
    np.testing.assert_allclose(numbers(layer(x.tolist())), expected, rtol=1e-13)
    assert isinstance(Layer(2, 1, activation)(x.tolist()), Value)


def test_a_single_output_is_a_bare_value():
    x = [1.0, 2.0]
    assert isinstance(MLP(2, [3, 1])(x), Value)
    assert isinstance(MLP(2, [1])(x), Value)
    assert isinstance(MLP(2, [1, 1, 2])(x), list)


@pytest.mark.parametrize("make", [list, tuple, np.array, lambda x: [Value(v) for v in x]])
def test_inputs_may_be_numbers_or_values(make):
    net = MLP(3, [4, 2], "tanh", rng=np.random.default_rng(0))
    x = [0.5, -1.0, 2.0]
    assert numbers(net(make(x))) == numbers(net(x))


def test_the_row_of_a_table_is_an_example_whatever_its_columns_are_called():
    pandas = pytest.importorskip("pandas")
    net = MLP(2, [3, 1], rng=np.random.default_rng(0))
    for module in (net, net.layers[0], net.layers[0].neurons[0]):
        expected = module([0.5, -1.0])
        for names in (["a", "b"], [0, 1], [1, 0], [5, 7]):
            table = pandas.DataFrame([[0.5, -1.0]], columns=names)
            found = module(table.iloc[0])
            assert numbers(values(found)) == numbers(values(expected))
            with pytest.raises(ValueError, match=r"one example, 2 numbers.*net\.predict\(X\)"):
                module(pandas.concat([table, table]))


def test_a_dictionary_is_no_example():
    for x in ({"a": 0.5, "b": -1.0}, {0: 0.5, 1: -1.0}):
        with pytest.raises(TypeError, match=r"x must be a sequence of 2 numbers .*, got \{"):
            MLP(2, [3, 1])(x)


def test_inputs_that_are_values_get_gradients():
    net = randomise(MLP(2, [1], bias=False))
    x = [Value(1.0), Value(2.0)]
    net(x).backward()
    assert [v.grad for v in x] == numbers(net.parameters())


@for_each(
    "make",
    [lambda: Neuron(3), lambda: Layer(3, 2), lambda: MLP(3, [4, 2])],
    ids=["Neuron", "Layer", "MLP"],
)
@for_each("length", [0, 2, 5])
def test_a_wrong_number_of_inputs_is_refused_with_both_sizes(make, length):
    with pytest.raises(ValueError, match=rf"\b3\b.*\b{length}\b"):
        make()([1.0] * length)


def test_a_single_number_is_no_input():
    with pytest.raises(TypeError, match="sequence"):
        MLP(1, [1])(2.0)
    with pytest.raises(TypeError, match="sequence"):
        MLP(1, [1])(Value(2.0))


# The graph


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_neuron_is_one_dot_node(activation):
    net = MLP(3, [4, 5, 2], activation)
    nodes = topological_order(sum(net([1.0, 2.0, 3.0]), Value(0.0)))
    assert sum(v.op == "dot" for v in nodes) == 4 + 5 + 2
    assert sum(v.op == "relu" for v in nodes) == (4 + 5 if activation == "relu" else 0)


def test_the_values_say_where_they_stand():
    net = MLP(3, [4, 2], "tanh")
    x = [Value(1.0), Value(2.0), Value(3.0)]
    out = net(x)
    nodes = {v.label: v for v in topological_order(out[0] + out[1])}
    assert nodes["x0[2]"] is x[2]
    assert nodes["theta1[3,2]"] is net.layers[0].neurons[3].w[2]
    assert nodes["theta2[1,3]"] is net.layers[1].neurons[1].w[3]
    assert nodes["b1[3]"] is net.layers[0].neurons[3].b
    assert nodes["b2[0]"] is net.layers[1].neurons[0].b
    a, x1 = nodes["a1[3]"], nodes["x1[3]"]
    assert x1.data == pytest.approx(np.tanh(a.data), rel=1e-14)
    assert x1.inputs == (a,)
    assert [v.label for v in out] == ["a2[0]", "a2[1]"]
    # All of them, and nothing twice: 3 inputs, 4*3+4 and 2*4+2 parameters, a1 and x1, a2.
    labels = [v.label for v in topological_order(out[0] + out[1]) if v.label]
    assert len(labels) == len(set(labels)) == 3 + 16 + 10 + 4 + 4 + 2


def test_labels_without_bias():
    net = MLP(2, [2, 1], bias=False)
    labels = {v.label for v in topological_order(net([1.0, 2.0]))}
    assert labels == {
        *("theta1[0,0]", "theta1[0,1]", "theta1[1,0]", "theta1[1,1]", "theta2[0,0]", "theta2[0,1]"),
        *("a1[0]", "a1[1]", "x1[0]", "x1[1]", "a2[0]"),
    }


@pytest.mark.parametrize(
    ("make", "prefix"),
    [(lambda: MLP(2, [2, 1]), "x0"), (lambda: Layer(2, 2), "x"), (lambda: Neuron(2), "x")],
    ids=["MLP", "Layer", "Neuron"],
)
def test_a_label_of_the_users_own_is_kept(make, prefix):
    x = [Value(1.0, label="height"), Value(2.0)]
    make()(x)
    assert [v.label for v in x] == ["height", f"{prefix}[1]"]


# Parameters


@pytest.mark.parametrize("bias", [True, False])
def test_parameters_come_neuron_by_neuron_weights_then_bias(bias):
    net = MLP(2, [3, 1], bias=bias)
    expected = []
    for layer in net.layers:
        for neuron in layer.neurons:
            assert isinstance(neuron.w, list)
            expected += neuron.w
            if bias:
                expected.append(neuron.b)
            else:
                assert neuron.b is None
    parameters = net.parameters()
    assert isinstance(parameters, list)
    assert len(parameters) == (13 if bias else 9)
    assert all(p is q for p, q in zip(parameters, expected, strict=True))
    labels = [p.label for p in parameters[: 3 if bias else 2]]
    assert labels == ["theta1[0,0]", "theta1[0,1]"] + (["b1[0]"] if bias else [])


@pytest.mark.parametrize("make", [Neuron, lambda d, **k: Layer(d, 1, **k)])
def test_a_neuron_and_a_layer_have_parameters(make):
    assert len(make(3).parameters()) == 4
    assert len(make(3, bias=False).parameters()) == 3


def test_the_list_of_parameters_is_the_callers_own():
    neuron = Neuron(2, bias=False)
    neuron.parameters().clear()
    assert len(neuron.w) == 2


@pytest.mark.parametrize("make", [lambda: Neuron(2), lambda: Layer(2, 2), lambda: MLP(2, [2, 2])])
def test_zero_grad_sets_every_gradient_to_zero(make):
    module = make()
    for p in module.parameters():
        p.grad = 3.0
    before = numbers(module.parameters())
    module.zero_grad()
    assert all(p.grad == 0.0 for p in module.parameters())
    assert numbers(module.parameters()) == before


# Initial weights


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "relu"])  # all: in test_activations
def test_initial_weights_have_the_documented_variance(activation):
    d_in, d_out = 400, 100
    layer = Layer(d_in, d_out, activation, rng=np.random.default_rng(0))
    variance = 2 / (d_in + d_out) if activation == "tanh" else 2 / d_in
    # 40,000 weights: the sample variance scatters by 0.7%, the mean by 0.005 standard deviations.
    assert layer.theta.var() == pytest.approx(variance, rel=0.03)
    assert abs(layer.theta.mean()) < 0.02 * np.sqrt(variance)
    assert layer.b.tolist() == [0.0] * d_out
    # Normal: 68.3% within one standard deviation, 95.4% within two.
    z = np.abs(layer.theta) / np.sqrt(variance)
    assert (z < 1).mean() == pytest.approx(0.683, abs=0.01)
    assert (z < 2).mean() == pytest.approx(0.954, abs=0.005)


@pytest.mark.slow
def test_the_top_layer_of_a_relu_network_is_initialised_as_linear():
    net = MLP(200, [200, 200], "relu", rng=np.random.default_rng(0))
    first, top = (layer.theta.var() for layer in net.layers)
    assert first == pytest.approx(2 / 200, rel=0.03)
    assert top == pytest.approx(2 / 400, rel=0.03)


def test_the_same_generator_gives_the_same_bits():
    def make(seed):
        return numbers(MLP(5, [4, 3], rng=np.random.default_rng(seed)).parameters())

    assert make(7) == make(7)
    assert make(7) != make(8)


def test_without_a_generator_the_weights_are_fresh_every_time():
    assert numbers(Neuron(3).w) != numbers(Neuron(3).w)


def test_a_bias_starts_at_zero():
    net = MLP(3, [4, 4, 2], "sigmoid", rng=np.random.default_rng(0))
    assert all(n.b.data == 0.0 for layer in net.layers for n in layer.neurons)
    assert all(w.data != 0.0 for layer in net.layers for n in layer.neurons for w in n.w)


# Errors


@pytest.mark.parametrize("width", [0, -2, True, 2.0, "2", None])
def test_a_width_must_be_a_positive_whole_number(width):
    for make in (
        lambda: Neuron(width),
        lambda: Layer(width, 2),
        lambda: Layer(2, width),
        lambda: MLP(width, [2]),
        lambda: MLP(2, [width, 1]),
        lambda: MLP(2, [3, width]),
    ):
        with pytest.raises(ValueError, match=rf"d.* got {width!r}"):
            make()


@for_each("bias", [[True, False], "no", 1, None])
def test_a_bias_is_there_or_not(bias):
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    for make in (Neuron, lambda d, **kw: Layer(d, 3, **kw), lambda d, **kw: MLP(d, [3, 1], **kw)):
        with pytest.raises(ValueError, match=r"^bias must be True or False, got "):
            make(2, bias=bias, rng=rng)
    assert rng.bit_generator.state == state
    assert Neuron(2, bias=np.bool_(False)).b is None


def test_a_numpy_integer_is_a_width():
    assert repr(MLP(np.int64(2), [np.int32(3), np.int64(1)])) == repr(MLP(2, [3, 1]))


@pytest.mark.parametrize("widths", [[], (), 4])
def test_widths_must_be_a_list_with_something_in_it(widths):
    with pytest.raises(ValueError, match="widths"):
        MLP(2, widths)


@pytest.mark.parametrize(
    "make",
    [
        lambda g: Neuron(2, g),
        lambda g: Layer(2, 2, g),
        lambda g: MLP(2, [3, 1], g),
        lambda g: MLP(2, [1], g),
        lambda g: MLP(2, [3, 3, 1], ["relu", g]),
    ],
)
def test_an_unknown_activation_is_refused_with_the_known_ones(make):
    with pytest.raises(ValueError, match="'foo'") as info:
        make("foo")
    assert all(name in str(info.value) for name in G)


@pytest.mark.parametrize("activations", [[], ["relu"], ["relu"] * 3])
def test_there_is_one_activation_for_each_hidden_layer(activations):
    with pytest.raises(ValueError, match=rf"\b2\b.*\b{len(activations)}\b"):
        MLP(2, [3, 3, 1], activations)


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0), "seed"])
def test_rng_must_be_a_generator(rng):
    for make in (
        lambda: Neuron(2, rng=rng),
        lambda: Layer(2, 2, rng=rng),
        lambda: MLP(2, [2], rng=rng),
    ):
        with pytest.raises(TypeError, match="rng"):
            make()


# state_dict


@pytest.mark.parametrize("bias", [True, False])
def test_state_dict_has_pytorchs_names_and_shapes(bias):
    net = MLP(3, [5, 4, 1], bias=bias)
    shapes = {name: array.shape for name, array in net.state_dict().items()}
    weights = {"layers.0.weight": (5, 3), "layers.1.weight": (4, 5), "layers.2.weight": (1, 4)}
    biases = {"layers.0.bias": (5,), "layers.1.bias": (4,), "layers.2.bias": (1,)}
    assert shapes == (weights | biases if bias else weights)


def test_state_dict_holds_the_numbers_in_their_places():
    net = randomise(MLP(3, [5, 2]))
    state = net.state_dict()
    assert state["layers.0.weight"][4, 1] == net.layers[0].neurons[4].w[1].data
    assert state["layers.1.bias"][1] == net.layers[1].neurons[1].b.data


def test_state_dict_is_a_copy():
    net = randomise(MLP(2, [2]))
    before = numbers(net.parameters())
    for array in net.state_dict().values():
        array += 1.0
    assert numbers(net.parameters()) == before


@pytest.mark.parametrize("bias", [True, False])
def test_load_state_dict_brings_the_parameters_back(bias):
    net, other = (randomise(MLP(3, [4, 2], bias=bias), seed) for seed in (1, 2))
    parameters = other.parameters()
    assert numbers(parameters) != numbers(net.parameters())
    assert other.load_state_dict(net.state_dict()) is None
    assert numbers(other.parameters()) == numbers(net.parameters())
    # The same Values, so that an optimiser that holds them goes on with the new numbers.
    assert all(p is q for p, q in zip(parameters, other.parameters(), strict=True))
    assert all(type(p.data) is float for p in parameters)


def test_load_state_dict_takes_lists():
    net = MLP(1, [1])
    net.load_state_dict({"layers.0.weight": [[2]], "layers.0.bias": [3]})
    assert net([10.0]).data == 23.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("layers.1.bias"), r"missing \['layers.1.bias'\]"),
        (lambda s: s.update({"layers.7.bias": [0.0]}), r"unknown \['layers.7.bias'\]"),
        (lambda s: s.update({"layers.1.weight": np.zeros((4, 2))}), r"\(2, 4\).*\(4, 2\)"),
        (lambda s: s.update({"layers.1.bias": np.zeros((2, 1))}), r"layers.1.bias.*\(2,\)"),
        (lambda s: s["layers.1.bias"].__setitem__(1, np.nan), "layers.1.bias.*finite"),
        (lambda s: s["layers.1.weight"].__setitem__((1, 3), np.inf), "layers.1.weight.*finite"),
        (lambda s: s.update({"layers.1.bias": ["a", "b"]}), "."),
    ],
    ids=["missing", "unknown", "weight shape", "bias shape", "nan", "inf", "text"],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    net, other = (randomise(MLP(3, [4, 2]), seed) for seed in (1, 2))
    before = numbers(net.parameters())
    state = other.state_dict()
    change(state)
    with pytest.raises(ValueError, match=message):
        net.load_state_dict(state)
    assert numbers(net.parameters()) == before


# predict, repr, Module


@pytest.mark.parametrize(("d_L", "shape"), [(1, (4,)), (3, (4, 3))])
@pytest.mark.parametrize("make", [np.array, np.ndarray.tolist])
def test_predict_gives_the_outputs_as_an_array(d_L, shape, make):
    net = randomise(MLP(2, [3, d_L], "tanh"))
    X = np.random.default_rng(0).normal(size=(4, 2))
    out = net.predict(make(X))
    assert out.dtype == float
    assert out.shape == shape
    expected = np.array([forward(net, row, ["tanh"]) for row in X])
    np.testing.assert_allclose(out.reshape(4, d_L), expected, rtol=1e-12)


def test_predict_leaves_gradients_alone():
    net = randomise(MLP(2, [1]))
    for p in net.parameters():
        p.grad = 5.0
    net.predict([[1.0, 2.0]])
    assert all(p.grad == 5.0 for p in net.parameters())


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (MLP(2, [3, 1], "tanh"), "MLP(2, [3, 1], activation='tanh', bias=True)"),
        (MLP(2, [3, 3, 1], bias=False), "MLP(2, [3, 3, 1], activation='relu', bias=False)"),
        (
            MLP(2, [3, 3, 1], ["relu", "tanh"]),
            "MLP(2, [3, 3, 1], activation=['relu', 'tanh'], bias=True)",
        ),
        (MLP(4, [3]), "MLP(4, [3], bias=True)"),
        (Layer(2, 3, "sigmoid"), "Layer(2, 3, 'sigmoid', bias=True)"),
        (Neuron(2, bias=False), "Neuron(2, 'relu', bias=False)"),
    ],
)
def test_the_repr_makes_the_same_network_again(module, text):
    assert repr(module) == text
    again = eval(text, {"MLP": MLP, "Layer": Layer, "Neuron": Neuron})
    assert repr(again) == text
    assert len(again.parameters()) == len(module.parameters())


def test_a_module_is_what_networks_are_made_from():
    assert isinstance(Neuron(1), Module)
    assert isinstance(Layer(1, 1), Module)
    assert isinstance(MLP(1, [1]), Module)
    assert Module().parameters() == []
    with pytest.raises(NotImplementedError):
        Module()([1.0])


@pytest.mark.parametrize("X", [np.zeros((5, 2)), np.zeros((2, 2)), [[1.0, 2.0], [3.0, 4.0]]])
def test_many_examples_at_once_are_refused_with_a_word_about_predict(X):
    net = MLP(2, [3, 1])
    for module in (net, net.layers[0], net.layers[0].neurons[0]):
        with pytest.raises(ValueError, match=r"one example, 2 numbers.*net\.predict\(X\)"):
            module(X)


class Counting(MLP):
    """Counts how often it is called; told by its class to record one graph."""

    static, calls = True, 0

    def __call__(self, x):
        type(self).calls += 1
        return super().__call__(x)


@pytest.mark.parametrize("rows", [0, 1, 31, 32, 100, 1025, 3000])
def test_predict_records_once_where_a_program_is_worth_it(rows, monkeypatch):
    monkeypatch.setattr(Counting, "calls", 0)
    net = Counting(2, [3, 2], "tanh", rng=np.random.default_rng(0))
    X = np.random.default_rng(1).normal(size=(rows, 2))
    outputs = net.predict(X)
    assert Counting.calls == (rows if rows < 32 else 1)
    few = [*range(0, rows, 97), *range(rows)[-3:]]
    for i in few:
        assert outputs[i].tolist() == pytest.approx(numbers_of(net(X[i].tolist())), rel=1e-12)


def numbers_of(values):
    return [v.data for v in values]


@pytest.mark.parametrize(("n", "more"), [(1, ""), (6, ""), (7, " and 1 more"), (9, " and 3 more")])
def test_up_to_six_unknown_names_are_listed(n, more):
    net = MLP(1, [1])
    state = {**net.state_dict(), **{f"n{i:02}": 0.0 for i in range(n)}}
    first = [f"n{i:02}" for i in range(min(n, 6))]
    with pytest.raises(ValueError, match="unknown") as info:
        net.load_state_dict(state)
    assert str(info.value) == f"state is of another network: missing [], unknown {first}{more}"
    with pytest.raises(ValueError, match="missing") as info:
        net.load_state_dict({})
    assert "missing ['layers.0.bias', 'layers.0.weight'], unknown []" in str(info.value)


def test_what_is_no_row_no_state_and_no_network_is_refused():
    net = MLP(1, [1])
    for X, shape in ((3, r"\(\)"), ([3.0, 4.0], r"\(2,\)")):
        with pytest.raises(
            ValueError, match=rf"\(n, d_0\), got shape {shape}: for one .*, net\(x\)"
        ):
            net.predict(X)
    with pytest.raises(TypeError, match=r"state must be a dictionary, .* got 3"):
        net.load_state_dict(3)
    for wrong in (3, MLP, len, object()):
        with pytest.raises(TypeError, match="net must be a network"):
            check_network(wrong)
    check_network(net)
    with pytest.raises(TypeError, match="net must be an MLP"):
        backpropagate(Layer(1, 1), gaussian_nll, [1.0], 1.0)


@pytest.mark.parametrize("bias", [True, False])
def test_a_neuron_alone_is_a_dot_product_with_or_without_a_bias(bias):
    neuron = Neuron(2, "tanh", bias=bias, rng=np.random.default_rng(0))
    if bias:
        neuron.b.data = 0.5
    a = sum(w.data * x for w, x in zip(neuron.w, [1.0, -2.0], strict=True)) + (0.5 if bias else 0.0)
    assert neuron([1.0, -2.0]).data == pytest.approx(math.tanh(a), rel=1e-14)
    assert len(neuron.parameters()) == 2 + bias
    layer = Layer(2, 1, "tanh", bias=bias)
    layer.neurons = [neuron]
    assert layer([1.0, -2.0]).data == pytest.approx(math.tanh(a), rel=1e-14)


@for_each(
    "kind",
    [
        Backpropagation, GradCheck, GradCheckRow, Operation, Epoch, Activation, Likelihood, Score,
        Structure, Training, Combination, Checkpoint, Slopes,
    ],
)  # fmt: skip
def test_results_and_rows_of_tables_can_not_be_changed(kind):
    empty = object.__new__(kind)
    name = next(iter(kind.__dataclass_fields__))
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(empty, name, 1)


def test_more_weights_than_a_memory_holds_are_refused_at_once():
    for make in (
        lambda: MLP(2, [10**9]),
        lambda: MLP(30_000, [2, 30_000, 4_000, 1]),
        lambda: MLP(np.int64(2**62), [np.int64(2**62)]),
        lambda: Layer(10**5, 10**4),
        lambda: Neuron(10**9),
    ):
        with pytest.raises(
            ValueError, match=r"would make [\d,]{11,} weights, and 100,000,000 is the"
        ):
            make()
