"""To PyTorch and back: its names for parameters, and a network as its modules.

With PyTorch itself where it is installed; elsewhere a stand-in sees what it would be asked for.
"""

import dataclasses
import importlib.util
import sys
import types

import numpy as np
import pytest

import autograd
from nn import MLP, Layer, categorical_nll, gaussian_nll, to_torch
from nn.model import activations
from tests.cases import ACTIVATIONS, for_each, make_net, numbers


def named(net, *theirs):
    """The state of a network under other names, in the order of its layers."""
    state = {}
    for prefix, layer in zip(theirs, net.layers, strict=True):
        state |= {f"{prefix}{name}": array for name, array in layer.state_dict().items()}
    return state


@for_each("bias", [True, False])
@for_each("theirs", [("0.", "1.", "2."), ("0.", "2.", "4."), ("2.", "9.", "10.")])
def test_names_of_a_sequential_are_taken_by_their_numbers(theirs, bias):
    net, other = (make_net(1, 2, (4, 4), bias=bias, seed=seed) for seed in (1, 2))
    state = named(net, *theirs)
    other.load_state_dict(dict(reversed(state.items())))  # 10 comes after 9, in whatever order
    assert numbers(other) == numbers(net)


def test_names_of_a_linear_are_those_of_one_layer():
    net, other = (MLP(3, [2], rng=np.random.default_rng(seed)) for seed in (1, 2))
    net.layers[0].neurons[1].b.data = 0.5
    other.load_state_dict(net.layers[0].state_dict())
    assert numbers(other) == numbers(net)
    layer = Layer(3, 2)
    layer.load_state_dict(net.layers[0].state_dict())
    assert numbers(layer) == numbers(net)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("2.bias"), r"missing \['2.bias'\]"),
        (lambda s: s.update({"2.weight": np.zeros((2, 2))}), r"2.weight.*\(1, 4\), got \(2, 2\)"),
        (lambda s: s["2.weight"].__setitem__((0, 0), np.nan), r"2.weight.*finite"),
        (lambda s: s.update({"3.weight": [[0.0]]}), "3 layers, numbered 0, 2, 3, .* has 2 layers"),
        (lambda s: s.update({"1.running_mean": [0.0]}), r"unknown \['0.bias'"),
        (lambda s: s.update({7: [0.0]}), r"unknown \['0.bias'"),
    ],
    ids=["missing", "shape", "nan", "layers", "norm", "no name"],
)
def test_what_does_not_fit_is_refused_by_its_own_name(change, message):
    net = make_net(1, 2)
    before, state = numbers(net), named(make_net(1, 2, seed=1), "0.", "2.")
    change(state)
    with pytest.raises(ValueError, match=message):
        net.load_state_dict(state)
    assert numbers(net) == before


# to_torch


class Linear:
    """What a stand-in for PyTorch's is told."""

    def __init__(self, d_in, d_out, *, bias, dtype):
        self.sizes, self.bias, self.dtype = (d_in, d_out), bias, dtype

    def load_state_dict(self, state):
        self.state = state


@pytest.fixture
def stand_in(monkeypatch):
    """A module ``torch`` that makes names of modules."""
    torch = types.ModuleType("torch")
    names = ("Sigmoid", "ReLU", "Tanh", "Softplus", "LeakyReLU", "ELU", "SiLU", "GELU")
    made = {name: lambda *args, _n=name, **kwargs: (_n, args, kwargs) for name in names}
    torch.nn = types.SimpleNamespace(Linear=Linear, Sequential=lambda *parts: [*parts], **made)
    torch.float64, torch.from_numpy = "64 bits", np.copy
    monkeypatch.setitem(sys.modules, "torch", torch)


@pytest.mark.usefixtures("stand_in")
def test_a_linear_for_each_layer_with_its_parameters_and_the_activations_between():
    for bias in (True, False):
        net = MLP(3, [5, 4, 2], ["tanh", "linear"], bias, np.random.default_rng(0))
        first, g, second, third = to_torch(net)
        assert g == ("Tanh", (), {})
        for linear, layer in zip((first, second, third), net.layers, strict=True):
            assert linear.sizes == layer.theta.shape[::-1] and linear.dtype == "64 bits"
            assert linear.bias is bias and linear.state.keys() == layer.state_dict().keys()
            assert all((linear.state[k] == v).all() for k, v in layer.state_dict().items())


@pytest.mark.usefixtures("stand_in")
@for_each("activation", ACTIVATIONS)
def test_every_activation_of_ours_is_one_of_theirs(activation):
    parts = to_torch(MLP(2, [3, 1], activation))
    if activation == "linear":
        assert len(parts) == 2
    else:
        assert parts[1][0].lower() == activation.replace("_", "")


@pytest.mark.usefixtures("stand_in")
def test_what_can_not_go_to_pytorch_is_refused(monkeypatch):
    with pytest.raises(TypeError, match="net must be an MLP, got Layer"):
        to_torch(Layer(2, 1))
    row = dataclasses.replace(activations.ACTIVATIONS["relu"], name="own", torch=None)
    monkeypatch.setitem(activations.ACTIVATIONS, "own", row)
    with pytest.raises(ValueError, match="'own' has no module of PyTorch"):
        to_torch(MLP(2, [3, 1], "own"))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match="pip install torch"):
        to_torch(MLP(2, [1]))


if importlib.util.find_spec("torch"):

    @for_each("bias", [True, False])
    @for_each("activation", ACTIVATIONS)
    def test_outputs_and_gradients_are_pytorchs(activation, bias):
        import torch

        rng = np.random.default_rng(0)
        net = MLP(3, [5, 4, 2], activation, bias)
        for p in net.parameters():
            p.data = rng.normal(0.0, 3.0)
        X, y = rng.normal(0.0, 4.0, size=(20, 3)), rng.integers(0, 2, size=20)
        module = to_torch(net)
        outputs = module(torch.from_numpy(X))
        np.testing.assert_allclose(outputs.detach(), net.predict(X), rtol=1e-13, atol=1e-12)

        torch.nn.functional.cross_entropy(outputs, torch.from_numpy(y), reduction="sum").backward()
        rows = zip(X.tolist(), y.tolist(), strict=True)
        autograd.sum([categorical_nll(net(x), k) for x, k in rows]).backward()
        linear = [part for part in module if isinstance(part, torch.nn.Linear)]
        for layer, theirs in zip(net.layers, linear, strict=True):
            ours = [[w.grad for w in neuron.w] for neuron in layer.neurons]
            np.testing.assert_allclose(theirs.weight.grad, ours, rtol=1e-11, atol=1e-12)
            if bias:
                ours = [neuron.b.grad for neuron in layer.neurons]
                np.testing.assert_allclose(theirs.bias.grad, ours, rtol=1e-11, atol=1e-12)

    def test_there_and_back_is_the_same_to_the_bit():
        import torch

        net, back = (make_net(2, 3, (4, 5), seed=seed) for seed in (0, 1))
        back.load_state_dict(to_torch(net).state_dict())
        assert numbers(back) == numbers(net)
        one = MLP(3, [1])
        theirs = torch.nn.Linear(3, 1)  # 32 bits
        one.load_state_dict(theirs.state_dict())
        x = [0.5, -1.0, 2.0]
        assert one(x).data == pytest.approx(float(theirs(torch.tensor(x))), rel=1e-5)
        assert gaussian_nll(one(x), 0.0).data >= 0.0
