"""The lecture's recursion by hand, against the engine, finite differences, and pen and paper."""

import ast
import inspect

import numpy as np
import pytest

import nn.model.backprop
from autograd import Value, topological_order
from nn import MLP, backpropagate, bernoulli_nll, categorical_nll, gaussian_nll
from tests.cases import ACTIVATIONS, LOSSES, assert_close, for_each, many, random_case


@for_each("bias", [True, False], ids=["bias", "no bias"])
@for_each("L", [1, 2, 3, 4])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_recursion_agrees_with_the_engine(activation, loss, L, bias):
    for seed in range(many(2)):
        net, x, y = random_case(activation, loss, L, bias, seed)
        by_hand = backpropagate(net, loss, x, y)

        net.zero_grad()
        root = loss(net(x), y)
        root.backward()
        nodes = {v.label: v for v in topological_order(root)}

        assert len(by_hand.x) == len(by_hand.a) == L + 1
        assert len(by_hand.delta) == len(by_hand.gradients) == L + 1
        assert by_hand.a[0] is by_hand.delta[0] is by_hand.gradients[0] is None
        assert_close(by_hand.x[0], x)
        for l, layer in enumerate(net.layers, start=1):
            units = range(len(layer.neurons))
            assert_close(by_hand.a[l], [nodes[f"a{l}[{j}]"].data for j in units])
            # The error signal is what the engine leaves at the pre-activation,
            assert_close(by_hand.delta[l], [nodes[f"a{l}[{j}]"].grad for j in units])
            assert_close(by_hand.gradients[l], [[w.grad for w in n.w] for n in layer.neurons])
            # and the gradient of the bias.
            if bias:
                assert_close(by_hand.delta[l], [n.b.grad for n in layer.neurons])
            if activation != "linear" and l < L:
                assert_close(by_hand.x[l], [nodes[f"x{l}[{j}]"].data for j in units])
        assert_close(by_hand.x[L], by_hand.a[L])  # the identity at the top


@for_each("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_recursion_agrees_with_central_differences(activation, loss):
    net, x, y = random_case(activation, loss, L=3, bias=True, seed=11)
    by_hand = backpropagate(net, loss, x, y)
    h = 1e-5
    for l, layer in enumerate(net.layers, start=1):
        for j, neuron in enumerate(layer.neurons):
            for p, expected in [
                *zip(neuron.w, by_hand.gradients[l][j], strict=True),
                (neuron.b, by_hand.delta[l][j]),
            ]:
                at = p.data
                p.data = at + h
                above = loss(net(x), y).data
                p.data = at - h
                below = loss(net(x), y).data
                p.data = at
                assert (above - below) / (2 * h) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_each_layer_can_have_its_own_activation():
    net = MLP(2, [3, 3, 3, 2], ["sigmoid", "relu", "tanh"], rng=np.random.default_rng(0))
    by_hand = backpropagate(net, categorical_nll, [0.5, -1.0], 1)
    categorical_nll(net([0.5, -1.0]), 1).backward()
    for l, layer in enumerate(net.layers, start=1):
        assert_close(by_hand.gradients[l], [[w.grad for w in n.w] for n in layer.neurons])


# A network 2 -> 2 -> 1 by pen and paper, relu in the middle, squared error:
#
#     theta1 = [1  2]   b1 = [-1]   theta2 = [2 -1]   b2 = 0.5   y = 2
#              [3 -4]        [ 1]
#
# For x = (1, 0.5), both hidden units are on:
#     a1 = (1*1 + 2*0.5 - 1, 3*1 - 4*0.5 + 1) = (1, 2)        x1 = (1, 2)
#     a2 = 2*1 - 1*2 + 0.5 = 0.5                              delta2 = a2 - y = -1.5
#     delta1 = (2 * -1.5, -1 * -1.5) = (-3, 1.5)
#     dL/dtheta2 = -1.5 * (1, 2)                              dL/dtheta1 = delta1 (1, 0.5)^T
#
# For x = (1, 1), the second is exactly at the kink, where the slope counts as 0:
#     a1 = (1 + 2 - 1, 3 - 4 + 1) = (2, 0)                    x1 = (2, 0)
#     a2 = 2*2 - 1*0 + 0.5 = 4.5                              delta2 = 2.5
#     delta1 = (2 * 2.5, 0) = (5, 0)
@pytest.mark.parametrize(
    ("x0", "a", "delta", "gradients"),
    [
        (
            [1.0, 0.5],
            [[1.0, 2.0], [0.5]],
            [[-3.0, 1.5], [-1.5]],
            [[[-3.0, -1.5], [1.5, 0.75]], [[-1.5, -3.0]]],
        ),
        (
            [1.0, 1.0],
            [[2.0, 0.0], [4.5]],
            [[5.0, 0.0], [2.5]],
            [[[5.0, 5.0], [0.0, 0.0]], [[5.0, 0.0]]],
        ),
    ],
)
def test_an_example_by_pen_and_paper(x0, a, delta, gradients):
    net = MLP(2, [2, 1], "relu")
    net.load_state_dict(
        {
            "layers.0.weight": [[1, 2], [3, -4]],
            "layers.0.bias": [-1, 1],
            "layers.1.weight": [[2, -1]],
            "layers.1.bias": [0.5],
        }
    )
    by_hand = backpropagate(net, gaussian_nll, x0, 2.0)
    assert [v.tolist() for v in by_hand.x] == [x0, a[0], a[1]]
    assert [v.tolist() for v in by_hand.a[1:]] == a
    assert [v.tolist() for v in by_hand.delta[1:]] == delta
    assert [v.tolist() for v in by_hand.gradients[1:]] == gradients


@for_each(
    ("loss", "a", "y", "expected"),
    [
        (gaussian_nll, [1.0, -2.0], [0.5, 0.5], [0.5, -2.5]),
        (bernoulli_nll, [0.0, 0.0], [1, 0.25], [-0.5, 0.25]),
        (categorical_nll, [0.0, 0.0], 1, [0.5, -0.5]),
        (categorical_nll, [0.0, 0.0], 1.0, [0.5, -0.5]),
        (categorical_nll, [0.0, 0.0], np.int64(1), [0.5, -0.5]),
        (categorical_nll, [0.0, 0.0], [0.2, 0.8], [0.3, -0.3]),
        (categorical_nll, [0.0, 0.0], np.array([0, 1]), [0.5, -0.5]),
        (bernoulli_nll, [1e300, -1e300], [0, 0], [1.0, 0.0]),
        (categorical_nll, [1e300, -1e300], 1, [1.0, -1.0]),
    ],
)
def test_the_error_signal_at_the_top_is_the_mean_minus_y(loss, a, y, expected):
    net = MLP(1, [2])
    net.load_state_dict({"layers.0.weight": [[0], [0]], "layers.0.bias": a})
    delta = backpropagate(net, loss, [1.0], y).delta[1]
    np.testing.assert_allclose(delta, expected, atol=1e-15)


def test_the_network_is_left_as_it_was():
    net = MLP(2, [3, 1], "tanh")
    for p in net.parameters():
        p.grad = 7.0
    before = [p.data for p in net.parameters()]
    result = backpropagate(net, gaussian_nll, [1.0, 2.0], 0.0)
    for array in [*result.x, *result.a[1:], *result.delta[1:], *result.gradients[1:]]:
        array += 1.0  # not even what comes back is tied to the network
    assert [p.data for p in net.parameters()] == before
    assert all(p.grad == 7.0 for p in net.parameters())


@for_each("activation", ACTIVATIONS)
def test_large_numbers_warn_of_nothing(activation):
    net = MLP(2, [3, 1], activation=activation, rng=np.random.default_rng(0))
    backpropagate(net, gaussian_nll, [1e200, -1e300], 1.0)


def test_another_loss_is_refused():
    with pytest.raises(ValueError, match=r"gaussian_nll.*bernoulli_nll.*categorical_nll"):
        backpropagate(MLP(1, [1]), lambda a, y: (a - y) ** 2, [1.0], 0.0)


@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0, 3.0], 1.0, [[1.0, 2.0]]])
def test_an_example_of_the_wrong_shape_is_refused(x):
    with pytest.raises(ValueError, match=r"x must have .*2"):
        backpropagate(MLP(2, [1]), gaussian_nll, x, 0.0)


@for_each(
    ("loss", "y", "named"),
    [
        (gaussian_nll, 1.0, r"3"),
        (gaussian_nll, [1.0, 2.0], r"2"),
        (bernoulli_nll, [0, 1], r"2"),
        (bernoulli_nll, [0, 1, 2], r"2"),
        (bernoulli_nll, [0, 1, -0.5], r"-0\.5"),
        (categorical_nll, 3, r"3"),
        (categorical_nll, -1, r"-1"),
        (categorical_nll, 1.5, r"1\.5"),
        (categorical_nll, [1, 0], r"2"),
        (categorical_nll, [0.5, 0.2, 0.2], r"0\.9|0\.8999"),
    ],
)
def test_a_target_that_does_not_fit_is_refused_as_by_the_loss(loss, y, named):
    net = MLP(1, [3])
    with pytest.raises(ValueError, match=named):
        loss(net([1.0]), y)
    with pytest.raises(ValueError, match=named):
        backpropagate(net, loss, [1.0], y)


def test_categorical_needs_two_outputs():
    with pytest.raises(ValueError, match="two"):
        backpropagate(MLP(1, [1]), categorical_nll, [1.0], 0)


def test_it_is_independent_of_the_engine():
    """The second way to the gradient must not lean on the first one."""
    tree = ast.parse(inspect.getsource(nn.model.backprop))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add("." * node.level + (node.module or ""))
    assert "numpy" in imported
    assert not any(name.split(".")[0] == "autograd" for name in imported)
    assert "import autograd" not in inspect.getsource(nn.model.backprop)
    assert not any(
        isinstance(v, type) and issubclass(v, Value) for v in vars(nn.model.backprop).values()
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_it_records_nothing(activation, loss, monkeypatch):
    """With the engine out of order, the recursion gives the same: rows have NumPy for it."""
    net, x, y = random_case(activation, loss, 3, True, 0)
    expected = backpropagate(net, loss, x, y)

    def broken(*_, **__):
        raise AssertionError("the engine was used")

    for name in ("autograd.functions.apply", "autograd.value.new"):  # whatever is recorded is new
        monkeypatch.setattr(name, broken)
    with pytest.raises(AssertionError, match="the engine was used"):
        net(x)
    result = backpropagate(net, loss, x, y)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(result.gradients[1:], expected.gradients[1:], strict=True)
    )
