"""The two engines of `fit`: the same numbers, the same refusals, and predictions for many rows."""

import math
import re
import tracemalloc
from functools import partial
from itertools import count
from unittest import mock

import numpy as np
import pytest

import autograd
from autograd import Value
from nn import (
    MLP,
    SGD,
    Layer,
    Module,
    Neuron,
    bernoulli_nll,
    categorical_nll,
    cosine,
    datasets,
    evaluate,
    gaussian_nll,
    growing,
)
from nn.model.activations import ACTIVATIONS
from nn.train.batches import Batch
from nn.train.engines import ProgramEngine
from tests import cases
from tests.cases import for_each, make_net, numbers

ENGINES = ["native", "program", "graph"]

train = partial(cases.train, epochs=1, batch_size=5)


def problem(loss, d_L=1, n=24, d0=3, seed=0):
    """A small set of examples with targets that suit ``loss`` and ``d_L`` outputs."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d0))
    shape = n if d_L == 1 else (n, d_L)
    if loss is gaussian_nll:
        return X, rng.normal(size=shape)
    if loss is bernoulli_nll:
        return X, rng.integers(0, 2, size=shape)
    return X, rng.integers(0, d_L, size=n)


def gradients(net):
    return [p.grad for p in net.parameters()]


def close(a, b, tolerance=1e-10):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def same_in_both(make, loss, X, y, **options):
    """Train with each engine: the networks and the histories agree in every number."""
    nets = [make() for _ in ENGINES]
    before = numbers(nets[0])
    assert all(before == numbers(net) for net in nets)
    histories = [
        train(net, loss, X, y, engine=name, **options)
        for net, name in zip(nets, ENGINES, strict=True)
    ]
    assert numbers(nets[0]) != before
    tables = [history._table() for history in histories]
    for net, table in zip(nets[1:], tables[1:], strict=True):
        close(numbers(nets[0]), numbers(net))
        close(gradients(nets[0]), gradients(net))
        assert tables[0][0] == table[0]
        close(tables[0][1:], table[1:])
    assert len(tables[0]) == options.get("epochs", 1) + 1
    return histories


# The same numbers


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.NAMES)
def test_the_engines_agree_on_every_data_set(name):
    data = datasets.load(name)
    hidden, epochs = ([3], 1) if name == "digits" else ([5], 3)
    X, y = data.X_train[:200], data.y_train[:200]
    histories = same_in_both(
        lambda: make_net(data.outputs, X.shape[1], hidden, "relu"),
        data.loss, X, y, epochs=epochs, batch_size=16, momentum=0.5, lr=0.05,
        validation=(data.X_test[:100], data.y_test[:100]),
    )  # fmt: skip
    head = histories[0]._table()[0]
    assert "validation_loss" in head
    assert ("validation_r2" if data.loss is gaussian_nll else "validation_accuracy") in head


@pytest.mark.parametrize("epochs", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("momentum", [pytest.param(0.0, marks=pytest.mark.slow), 0.9])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("loss", "d_L"),
    [
        (gaussian_nll, 1),
        (gaussian_nll, 3),
        (bernoulli_nll, 1),
        (bernoulli_nll, 2),
        (categorical_nll, 2),
        (categorical_nll, 4),
    ],
)
def test_the_engines_agree_on_every_loss(loss, d_L, bias, momentum, epochs):
    X, y = problem(loss, d_L)
    same_in_both(
        lambda: make_net(d_L, bias=bias), loss, X, y, epochs=epochs, momentum=momentum,
        validation=problem(loss, d_L, n=7, seed=5),
    )  # fmt: skip


@pytest.mark.parametrize(
    "loss", [pytest.param(gaussian_nll, marks=pytest.mark.slow), categorical_nll]
)
@pytest.mark.parametrize("bias", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("hidden", "activation"),
    [
        ((), "relu"),
        *(((4, 3), g) for g in ACTIVATIONS),
        ((4, 1, 3), ["relu", "softplus", "tanh"]),
        ((1,), "sigmoid"),
    ],
)
def test_the_engines_agree_on_every_network(hidden, activation, bias, loss):
    d_L = 3 if loss is categorical_nll else 1
    if not hidden:
        activation = []
    X, y = problem(loss, d_L)
    same_in_both(
        lambda: make_net(d_L, hidden=hidden, activation=activation, bias=bias),
        loss, X, y, epochs=2, momentum=0.5,
    )  # fmt: skip


@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll])
def test_a_column_of_targets_is_a_list_of_them(loss):
    X, y = problem(loss)
    same_in_both(make_net, loss, X, y[:, None], epochs=2, validation=(X, y[:, None]))


def test_one_hot_targets_are_class_indices():
    X, y = problem(categorical_nll, 3)
    one_hot, soft = np.eye(3)[y], 0.9 * np.eye(3)[y] + 0.1 / 3
    by_index = make_net(3)
    train(by_index, categorical_nll, X, y)
    by_vector = make_net(3)
    train(by_vector, categorical_nll, X, one_hot)
    close(numbers(by_vector), numbers(by_index))
    for targets in (one_hot, soft):
        same_in_both(
            lambda: make_net(3), categorical_nll, X, targets, epochs=2, validation=(X, targets)
        )


def test_indices_and_one_hot_targets_may_meet():
    X, y = problem(categorical_nll, 3)
    one_hot = np.eye(3)[y]
    tables = [
        same_in_both(lambda: make_net(3), categorical_nll, X, targets, validation=(X, validation))[
            0
        ]._table()[1]
        for targets, validation in ((y, y), (one_hot, y), (y, one_hot))
    ]
    close(tables[1], tables[0])
    close(tables[2], tables[0])


@pytest.mark.parametrize("batch_size", [1, 7, 24, growing(2, 2, 1), growing(1, 3, 2)])
def test_the_engines_agree_on_every_batch_size_and_rate(batch_size):
    X, y = problem(bernoulli_nll)
    histories = same_in_both(
        make_net, bernoulli_nll, X, y, epochs=4, batch_size=batch_size,
        lr=cosine(0.3, 100, 0.01), momentum=0.3,
    )  # fmt: skip
    assert len({row.lr for row in histories[0]}) >= 3


def test_program_is_the_default(monkeypatch):
    def refuse(*_):
        raise AssertionError("recorded example by example")

    X, y = problem(gaussian_nll)
    monkeypatch.setattr("nn.train.engines.GraphEngine.train_on", refuse)
    train(make_net(), gaussian_nll, X, y)
    with pytest.raises(AssertionError):
        train(make_net(), gaussian_nll, X, y, engine="graph")


@pytest.mark.parametrize(
    ("loss", "d_L"),
    [(gaussian_nll, 1), (gaussian_nll, 2), (bernoulli_nll, 1), (categorical_nll, 3)],
)
def test_evaluate_is_the_same_in_both(loss, d_L):
    X, y = problem(loss, d_L, n=1500)
    net = make_net(d_L)
    before = numbers(net), gradients(net)
    program, graph = (evaluate(net, loss, X, y, engine=name) for name in ("program", "graph"))
    assert program.keys() == graph.keys()
    close([*program.values()], [*graph.values()], 1e-12)
    assert evaluate(net, loss, X, y) == program
    assert (numbers(net), gradients(net)) == before


# A user's own losses and networks


def hinge(a, y):
    return (1 - y * a).relu()


def huber(a, y):
    r = (a - y).abs()
    return autograd.where(1 - r, r * r / 2, r - 0.5)


@pytest.mark.parametrize("loss", [hinge, huber, lambda a, y: (a - y).abs() ** 1.5 + y * y])
def test_the_engines_agree_on_a_loss_of_ones_own(loss):
    X, y = problem(bernoulli_nll)
    same_in_both(
        make_net, loss, X, 2.0 * y - 1, epochs=3, momentum=0.5, validation=(X[:5], 2.0 * y[:5] - 1)
    )


class Shared(Module):
    """Both inputs of a unit through one weight, which scales the output once more."""

    def __init__(self):
        self.w, self.v, self.unused = Value(0.7, label="w"), Value(-0.4), Value(3.0)

    def __call__(self, x):
        h = (self.w * x[0] + self.v * x[1] + self.w * x[2]).tanh()
        return self.w * h + self.v * 2

    def parameters(self):
        return [self.w, self.unused, self.v]


def test_the_engines_agree_on_shared_weights_and_a_penalty():
    def loss_of(net):
        def loss(a, y):
            return (a - y) ** 2 + 0.01 * autograd.sum([p * p for p in net.parameters()])

        return loss

    X, y = problem(gaussian_nll)
    nets = [Shared() for _ in ENGINES]
    histories = [
        train(net, loss_of(net), X, y, epochs=3, momentum=0.5, validation=(X, y), engine=name)
        for net, name in zip(nets, ENGINES, strict=True)
    ]
    for net, history in zip(nets[1:], histories[1:], strict=True):
        close(numbers(nets[0]), numbers(net))
        close(gradients(nets[0]), gradients(net))
        close(histories[0]._table()[1:], history._table()[1:])
    assert nets[0].unused.data < 3.0  # the penalty reaches it


def test_a_parameter_that_the_loss_does_not_use_stays():
    X, y = problem(gaussian_nll)
    for name in ENGINES:
        net = Shared()
        train(net, gaussian_nll, X, y, epochs=2, momentum=0.5, engine=name)
        assert net.unused.data == 3.0
        assert net.unused.grad == 0.0
        assert net.w.data != 0.7


class Listing(Module):
    """A network of one weight that lists what it is told to."""

    def __init__(self, listed):
        self.w = Value(0.7)
        self.listed = listed(self.w)

    def __call__(self, x):
        return self.w * x[0]

    def parameters(self):
        return self.listed


@for_each(
    ("listed", "kind", "words"),
    [
        (
            lambda w: [w, w * 2],
            ValueError,
            r"^net.parameters\(\)\[1\] is computed, by '\*'.*give the Values that it is",
        ),
        (
            lambda w: [w, w],
            ValueError,
            r"^net.parameters\(\)\[1\] is net.parameters\(\)\[0\] already: list each Value once",
        ),
        (
            lambda w: [w, 1.0],
            TypeError,
            r"^net.parameters\(\) must hold Values, but .*\[1\] is 1.0",
        ),
        (lambda w: w, TypeError, r"^net.parameters\(\) must be a list of Values.*Value\("),
    ],
)
def test_parameters_that_can_not_be_trained_are_refused_before_any_change(listed, kind, words):
    X, y = problem(gaussian_nll)
    for name in ENGINES:
        net, begun = Listing(listed), []
        with pytest.raises(kind, match=words):
            train(net, gaussian_nll, X, y, callbacks=[lambda *c, b=begun: b.append(c)], engine=name)
        assert net.w.data == 0.7
        assert not begun
        with pytest.raises(kind, match=words):
            evaluate(net, gaussian_nll, X, y)


def test_tied_weights_of_an_mlp_are_refused_in_all_engines():
    X, y = problem(gaussian_nll)
    for name in ENGINES:
        net = make_net()
        net.layers[0].neurons[1].w = net.layers[0].neurons[0].w
        with pytest.raises(ValueError, match=r"\[4\] is net.parameters\(\)\[0\] already"):
            train(net, gaussian_nll, X, y, engine=name)


def test_the_engines_agree_on_a_network_of_ones_own_layers():
    class Residual(Module):
        def __init__(self):
            self.inner, self.top = make_net(3, seed=1), make_net(2, hidden=(), activation=[])

        def __call__(self, x):
            return tuple(self.top([v + a for v, a in zip(x, self.inner(x), strict=True)]))

        def parameters(self):
            return [*self.inner.parameters(), *self.top.parameters()]

    X, y = problem(categorical_nll, 2)
    same_in_both(Residual, categorical_nll, X, y, epochs=3, momentum=0.5, validation=(X, y))
    X, y = problem(gaussian_nll, 2)
    same_in_both(Residual, gaussian_nll, X, y, epochs=2)


# Callbacks


def test_callbacks_see_the_trained_numbers_and_the_mean_gradient():
    X, y = problem(gaussian_nll)
    seen = {}
    for name in ENGINES:
        net, rows = make_net(), seen.setdefault(name, [])

        def keep(epoch, update, loss, trained, net=net, rows=rows):
            assert trained is net
            rows.append([loss, *numbers(net), *gradients(net)])

        before = numbers(net)
        train(net, gaussian_nll, X, y, epochs=3, lr=0.1, callbacks=[keep], engine=name)
        m = len(before)
        for row in rows:  # theta -= lr * mean gradient
            after, grad = row[1 : m + 1], np.array(row[m + 1 :])
            close(after, np.array(before) - 0.1 * grad, 1e-14)
            assert grad.any()
            before = after
        assert len(rows) == 3 * (24 // 5)
        assert after == numbers(net)
    close(seen["program"], seen["graph"])
    close(seen["program"], seen["native"])


@pytest.mark.parametrize(("lr", "momentum"), [
    (0.1, 0.0), (0.1, 0.9), (0.0, 0.0), (0.0, 0.9), (1e-320, 0.0), (1e-320, 0.9),
])  # fmt: skip
def test_the_mean_gradient_is_of_the_batch_whatever_the_step(lr, momentum):
    X, y = problem(bernoulli_nll)
    batch = np.random.default_rng(1).permutation(24)[:5]
    expected = make_net()
    for i in batch:
        (bernoulli_nll(expected(X[i].tolist()), int(y[i])) / 5).backward()
    for name in ENGINES:
        net, seen = make_net(), []
        train(
            net, bernoulli_nll, X, y, lr=lr, momentum=momentum, engine=name,
            callbacks=[lambda *_, net=net, seen=seen: seen.append(gradients(net))],
        )  # fmt: skip
        close(seen[0], gradients(expected), 1e-12)


def test_an_interrupted_update_leaves_no_gradient():
    X, y = problem(gaussian_nll)
    net = make_net()
    engine = ProgramEngine(net, gaussian_nll, X, y, SGD())
    batch = Batch(engine.columns(X[:5], y[:5]), range(5))
    engine.train_on(batch, 0.1)
    engine.write()
    assert any(gradients(net))
    before = numbers(net)

    def interrupted(batch):
        engine.gradient[:3] = 7.0
        raise KeyboardInterrupt

    with mock.patch.object(engine, "_replay", interrupted), pytest.raises(KeyboardInterrupt):
        engine.train_on(batch, 0.1)
    engine.write()
    assert not any(gradients(net))
    assert numbers(net) == before


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("name", ENGINES)
def test_a_callback_that_sets_a_parameter_to_infinity_is_stopped(name, number):
    X, y = problem(gaussian_nll)

    def spoil(epoch, update, loss, net):
        if update == 2:
            net.parameters()[0].data = number

    with pytest.raises(
        FloatingPointError, match=r"^epoch 1, (after update 2|update 3): .*(nan|inf)"
    ):
        train(make_net(activation="tanh"), gaussian_nll, X, y, callbacks=[spoil], engine=name)

    class AtTheEnd:
        def end_epoch(self, row, net):
            net.parameters()[0].data = number

    with pytest.raises(
        FloatingPointError, match=r"^epoch (1, after update 4|2, update 5): .*(nan|inf)"
    ):
        train(make_net(), gaussian_nll, X, y, epochs=2, callbacks=[AtTheEnd()], engine=name)


def test_a_callback_that_changes_a_parameter_is_obeyed():
    X, y = problem(gaussian_nll)
    *nets, last = [make_net() for _ in (*ENGINES, "program")]

    def clip(epoch, update, loss, net):
        for p in net.parameters():
            p.data = max(-0.3, min(p.data, 0.3))

    for net, name in zip(nets, ENGINES, strict=True):
        train(net, gaussian_nll, X, y, epochs=3, callbacks=[clip], momentum=0.5, engine=name)
        assert max(map(abs, numbers(net))) == 0.3
        close(numbers(nets[0]), numbers(net))
    train(last, gaussian_nll, X, y, epochs=3, momentum=0.5)
    assert max(map(abs, numbers(last))) > 0.3


def test_a_callback_may_set_the_start():
    class Zero:
        def begin(self, net, loss, updates):
            for p in net.parameters():
                p.data = 0.125

        def __call__(self, *_):
            pass

    X, y = problem(gaussian_nll)
    expected = make_net(seed=3)
    Zero().begin(expected, None, 1)
    train(expected, gaussian_nll, X, y, engine="graph")
    for name in ENGINES:
        net = make_net(seed=4)
        train(net, gaussian_nll, X, y, callbacks=[Zero()], engine=name)
        close(numbers(net), numbers(expected))


@pytest.mark.parametrize("name", ENGINES)
def test_numpy_warns_in_a_callback_as_the_caller_wants(name):
    X, y = problem(gaussian_nll)
    seen = []
    with np.errstate(divide="raise", over="print", under="warn", invalid="call"):
        mine = np.geterr()
        callbacks = [lambda *_: seen.append(np.geterr())]
        train(make_net(), gaussian_nll, X, y, callbacks=callbacks, engine=name)
        assert np.geterr() == mine
    assert seen == [mine] * 4
    assert np.geterr() != mine


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_training_keeps_what_it_has_learned(error, name):
    X, y = problem(gaussian_nll)
    kept = []

    def watch(epoch, update, loss, net):
        kept.append(numbers(net))
        if update == 6:
            raise error

    net = make_net()
    with pytest.raises(error):
        train(net, gaussian_nll, X, y, epochs=3, callbacks=[watch], engine=name)
    assert len(kept) == 6
    assert numbers(net) == kept[-1] != kept[-2]


@pytest.mark.parametrize("name", ENGINES)
def test_an_interruption_from_outside_keeps_what_it_has_learned(name):
    X, y = problem(gaussian_nll)

    def rate(t):
        if t == 7:
            raise KeyboardInterrupt
        return 0.1

    kept = []
    expected = make_net()
    train(
        expected, gaussian_nll, X, y, epochs=2,
        callbacks=[lambda *_: kept.append(numbers(expected))],
    )  # fmt: skip
    net = make_net()
    with pytest.raises(KeyboardInterrupt):
        train(net, gaussian_nll, X, y, epochs=3, lr=rate, engine=name)
    close(numbers(net), kept[5])


# What the program engine can't do


class Crooked(Module):
    """Another slope for negative inputs, by a Python `if`."""

    def __init__(self):
        self.w = [Value(1.0), Value(2.0)]

    def __call__(self, x):
        (v,) = x
        positive = (v.data if isinstance(v, Value) else v) > 0
        return self.w[0] * v if positive else self.w[1] * v

    def parameters(self):
        return self.w


CROOKED_X = np.linspace(-1.0, 1.0, 21)[:, None]
CROOKED_Y = np.where(CROOKED_X[:, 0] > 0, 3.0, -2.0) * CROOKED_X[:, 0]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_graph_that_differs_is_refused_before_anything_is_changed(order, tmp_path):
    net = Crooked()
    net.w[0].grad = 0.5
    rng, calls = np.random.default_rng(1), []
    state = rng.bit_generator.state
    with pytest.raises(ValueError, match=r"for example \d+ the value") as info:
        train(
            net, gaussian_nll, CROOKED_X[order], CROOKED_Y[order], rng=rng,
            callbacks=[lambda *call: calls.append(call)], checkpoint=tmp_path / "file.npz",
        )  # fmt: skip
    assert "'graph'" in str(info.value)
    assert "where" in str(info.value)
    assert numbers(net) == [1.0, 2.0]
    assert gradients(net) == [0.5, 0.0]
    assert rng.bit_generator.state == state
    assert not calls
    assert not [*tmp_path.iterdir()]


def test_a_graph_that_differs_trains_with_the_graph_engine():
    net = Crooked()
    train(net, gaussian_nll, CROOKED_X, CROOKED_Y, epochs=60, lr=0.5, engine="graph")
    assert numbers(net) == pytest.approx([3.0, -2.0], abs=1e-3)
    with pytest.raises(ValueError, match="'graph'"):
        evaluate(net, gaussian_nll, CROOKED_X, CROOKED_Y)
    scores = evaluate(net, gaussian_nll, CROOKED_X, CROOKED_Y, engine="graph")
    assert scores["r2"] == pytest.approx(1.0, abs=1e-5)


def test_a_graph_that_differs_in_one_class_only_is_found():
    def loss(a, y):  # the last class has a loss of its own
        if isinstance(y, Value):
            return gaussian_nll(a, y)
        return gaussian_nll(a, y) if y < 2 else (a - y).abs()

    X = np.random.default_rng(0).normal(size=(200, 3))
    y = np.zeros(200)
    y[100:], y[37] = 1.0, 2.0
    with pytest.raises(ValueError, match="'graph'"):
        train(make_net(), loss, X, y)


def picked(a, y):
    """Cross entropy by an index, which a Value is not."""
    return autograd.logsumexp(a) - [a_k * 1.0 for a_k in a][int(y)]


def test_a_loss_that_takes_no_value_is_refused_before_anything_is_changed():
    X, y = problem(categorical_nll, 3)
    net, rng = make_net(3), np.random.default_rng(1)
    before, state = numbers(net), rng.bit_generator.state
    with pytest.raises(ValueError, match=r"engine='graph'"):
        train(net, picked, X, y, rng=rng)
    assert numbers(net) == before
    assert not any(gradients(net))
    assert rng.bit_generator.state == state
    with pytest.raises(ValueError, match=r"engine='graph'"):
        evaluate(net, picked, X, y)
    train(net, picked, X, y, rng=rng, engine="graph")
    other = make_net(3)
    train(other, categorical_nll, X, y)
    close(numbers(net), numbers(other))


@pytest.mark.parametrize("name", ["torch", "Program", "", None])
def test_an_unknown_engine_is_refused(name):
    X, y = problem(gaussian_nll)
    net = make_net()
    before = numbers(net)
    for call in (train, evaluate):
        with pytest.raises(ValueError, match=rf"engine must be .*'graph', got {name!r}"):
            call(net, gaussian_nll, X, y, engine=name)
    assert numbers(net) == before


# Numbers that stop being finite


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("lr", [1e80, 1e200, 1e308])
def test_a_huge_rate_ends_in_both_with_the_last_finite_numbers(lr, momentum):
    X, y = problem(gaussian_nll)
    messages = []
    for name in ENGINES:
        net, kept = make_net(activation="relu"), [(0, numbers(make_net(activation="relu")))]

        def keep(epoch, update, loss, net, kept=kept):
            kept.append((update, numbers(net)))

        with pytest.raises(FloatingPointError) as info:
            train(
                net, gaussian_nll, X, y, epochs=50, lr=lr, momentum=momentum, callbacks=[keep],
                engine=name,
            )  # fmt: skip
        update, good = kept[-1]
        text = str(info.value)
        assert text.startswith(f"epoch {update // 4 + 1}, update {update + 1}: ")
        assert re.search(r"the loss of example \d+ is (inf|nan)|would set (theta|b)\d\[", text)
        assert "smaller lr" in text or re.search("gradient is -?(inf|nan)", text)
        assert numbers(net) == good
        assert all(map(math.isfinite, good))
        assert not any(gradients(net))
        messages.append(re.sub(r"\d\.\d+(e\+\d+)?", lambda x: f"{float(x[0]):.8g}", text))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("name", ENGINES)
def test_the_example_is_named_whose_loss_is_not_finite(name):
    X, y = np.zeros((8, 1)), np.zeros(8)
    X[5] = 710.0
    net = MLP(1, [1], bias=False)
    net.layers[0].neurons[0].w[0].data = 1.0
    with pytest.raises(FloatingPointError, match=r"loss of example 5 is inf.*exp of 710"):
        train(net, lambda a, y: a.exp() - y, X, y, batch_size=8, engine=name)
    assert numbers(net) == [1.0]
    assert gradients(net) == [0.0]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_the_parameter_is_named_whose_gradient_is_not_finite(momentum, name):
    net = MLP(2, [1], bias=False)
    for w in net.parameters():
        w.data = 1.0

    def loss(a, y):  # sqrt(0) is finite, its slope is not
        return a + (1 - net.parameters()[1]).sqrt() - y

    message = r"epoch 1, update 1: .*theta1\[0,1\] to inf: its gradient is -inf$"
    with pytest.raises(FloatingPointError, match=message):
        train(
            net, loss, [[1.0, 2.0]], [1.0], batch_size=1, momentum=momentum, engine=name
        )  # fmt: skip
    assert numbers(net) == [1.0, 1.0]
    assert not any(gradients(net))


@pytest.mark.parametrize("name", ENGINES)
def test_a_step_too_large_is_told_with_its_gradient(name):
    net = MLP(1, [1], bias=False)
    net.layers[0].neurons[0].w[0].data = 1.0
    message = r"theta1\[0,0\] to -inf: its gradient is 20\.0\. Try a smaller lr than 1e\+308"
    with pytest.raises(FloatingPointError, match=message):
        train(
            net, lambda a, y: a - y, [[15.0], [25.0]], [0, 0], batch_size=2, lr=1e308, engine=name
        )
    assert numbers(net) == [1.0]
    assert gradients(net) == [0.0]


@pytest.mark.parametrize("far", [0.0, 1e-12, 1e-9, 1e-6])
def test_a_line_through_all_points_can_be_evaluated_and_trained_on(far):
    """Losses and gradients that are rounding alone: the program's is not the graph's."""
    net = MLP(3, [1])
    X = np.random.default_rng(1).normal(size=(40, 3))
    y = X @ [2.0, -1.3, 0.7] + 0.5
    for p, number in zip(net.parameters(), [2.0, -1.3, 0.7, 0.5], strict=True):
        p.data = number + far
    assert evaluate(net, gaussian_nll, X, y)["loss"] < 10 * far**2 + 1e-30
    train(net, gaussian_nll, X, y, epochs=1, batch_size=10)


@for_each("factor", [1.0, 10.0, 100.0, 1e3, 1e5])
@for_each("loss", [bernoulli_nll, categorical_nll])
def test_a_network_that_is_sure_and_right_can_be_evaluated_and_trained_on(loss, factor):
    net = MLP(4, [8, 1 if loss is bernoulli_nll else 3], rng=np.random.default_rng(0))
    X = np.random.default_rng(1).normal(size=(30, 4))
    a = net.predict(X)
    y = (a > 0).astype(float) if a.ndim == 1 else a.argmax(axis=1)
    for p in net.layers[-1].parameters():
        p.data *= factor
    assert evaluate(net, loss, X, y)["accuracy"] == 1.0
    train(net, loss, X, y, epochs=1, batch_size=10)


# Predictions


NETS = {
    "one output": lambda: make_net(1, hidden=(5,)),
    "three outputs": lambda: make_net(3, hidden=(5, 2), activation="relu", bias=False),
    "no hidden layer": lambda: make_net(2, hidden=(), activation=[]),
    "layer": lambda: Layer(3, 4, "sigmoid", rng=np.random.default_rng(0)),
    "layer of one": lambda: Layer(3, 1, "softplus", rng=np.random.default_rng(0)),
    "neuron": lambda: Neuron(3, "tanh", rng=np.random.default_rng(0)),
}


@for_each("n", [1, 2, 1024, 1025, 3000])
@for_each("kind", NETS)
def test_predictions_are_those_of_the_graph(kind, n):
    net = NETS[kind]()
    X = np.random.default_rng(2).normal(size=(n, 3))
    predicted = net.predict(X)
    rows = sorted({0, n // 2, n - 1, *range(0, n, 97), *range(min(1020, n), min(1030, n))})
    outputs = [net(X[i].tolist()) for i in rows]
    bare = isinstance(outputs[0], Value)
    expected = [a.data if bare else [v.data for v in a] for a in outputs]
    assert predicted.shape == ((n,) if bare else (n, len(outputs[0])))
    assert predicted.dtype == float
    close(predicted[rows], expected, 1e-12)
    assert not any(gradients(net))


@for_each("kind", NETS)
@for_each("n", [1, 3])
def test_a_wrong_width_is_refused_by_predict(kind, n):
    with pytest.raises(ValueError, match=r"3 entries, got 2"):
        NETS[kind]().predict(np.zeros((n, 2)))


@for_each("kind", NETS)
@for_each("X", [[], np.zeros((0, 3))])
def test_no_rows_have_no_predictions(kind, X):
    assert len(NETS[kind]().predict(X)) == 0


def test_a_module_of_ones_own_predicts_row_by_row():
    assert Module.static is False
    net = Crooked()
    predicted = net.predict(CROOKED_X)
    assert predicted.tolist() == [x * (1.0 if x > 0 else 2.0) for (x,) in CROOKED_X.tolist()]


def test_a_static_module_of_ones_own_predicts_all_at_once():
    class Static(Shared):
        static = True
        calls = 0

        def __call__(self, x):
            Static.calls += 1
            return super().__call__(x)

    X = np.random.default_rng(0).normal(size=(2000, 3))
    close(Static().predict(X), Shared().predict(X), 1e-12)
    assert Static.calls == 1


# Memory


def peak(function):
    """What a call takes at its worst, in bytes, beyond what there was before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


WIDTHS = [32, 32, 1]


def test_training_holds_arrays_of_a_batch_and_no_nodes():
    X, y = problem(gaussian_nll, n=2048, d0=8)

    def run(b):
        net = make_net(d0=8, hidden=WIDTHS[:-1])
        return peak(lambda: train(net, gaussian_nll, X[:b], y[:b], batch_size=b, epochs=1))

    small, large = run(64), run(2048)
    per_example = (large - small) / (2048 - 64)
    # a, x and an error for each unit; the row itself a few times. A node has 120 bytes alone.
    assert per_example < 8 * (10 * sum(WIDTHS) + 10 * X.shape[1])


@pytest.mark.slow
def test_long_trainings_and_predictions_take_no_more_memory():
    net = make_net(d0=8, hidden=WIDTHS[:-1])
    X, y = problem(gaussian_nll, n=6144, d0=8)
    options = {"batch_size": 64, "lr": 0.01}
    short = peak(lambda: train(net, gaussian_nll, X[:256], y[:256], **options))
    longer = peak(lambda: train(net, gaussian_nll, X[:256], y[:256], epochs=12, **options))
    assert longer < short + 500_000
    small = peak(lambda: net.predict(X[:2048]))
    assert peak(lambda: net.predict(X)) < small + 4 * X.nbytes
    small = peak(lambda: evaluate(net, gaussian_nll, X[:2048], y[:2048]))
    assert peak(lambda: evaluate(net, gaussian_nll, X, y)) < small + 12 * X.nbytes


# Graphs that are not the same for every example


def huber(a, y):
    r = a - y
    return r * r / 2 if abs(r.data) < 3 else 3 * r.abs() - 4.5


def one_far_example():
    X, _ = problem(gaussian_nll, n=200)
    y = np.round(X[:, 0].clip(-1, 1))  # few different targets, all of them tried before
    y[77] = 1.0
    X[77] = 1000.0
    return X, y


def test_a_rare_branch_is_found_before_anything_is_changed():
    X, y = one_far_example()
    net = make_net(hidden=(), activation=[])
    before = numbers(net)
    with pytest.raises(ValueError, match=r"use 'graph': for example 77 the loss recorded is"):
        train(net, huber, X, y)
    assert numbers(net) == before
    assert train(net, huber, X, y, engine="graph")[-1].loss > 0


def test_a_loss_that_changes_is_said_by_example_and_not_laid_to_an_if_alone():
    X, y = problem(gaussian_nll, n=20)
    calls = count(1)
    changing = {
        "if": lambda a, y: (a - y) ** 2 * (1.0 if y > 0 else 2.0),
        "counter": lambda a, y: (a - y) ** 2 * next(calls),
    }
    for loss in changing.values():
        for call in (train, lambda net, loss, X, y: evaluate(net, loss, X, y)):
            with pytest.raises(ValueError, match=r"for example \d+ the value recorded is ") as said:
                call(make_net(), loss, X, y)
            assert "check[" not in str(said.value)
            assert "a Python `if`" in str(said.value) and "as a counter" in str(said.value)


def test_numbers_so_large_that_a_sum_depends_on_its_order_are_a_divergence():
    """Term by term this sum is 0, in the graph; by arrays, partial sums are inf and -inf."""
    net = MLP(64, [1], bias=False)
    alternating = {"layers.0.weight": np.array([[1.6e308, -1.6e308] * 32])}

    def grow(epoch, update, loss, net):
        net.load_state_dict(alternating)

    with pytest.raises(FloatingPointError, match=r"^epoch 2, update 2: .* is 0, .*smaller lr"):
        train(net, lambda a, y: 1e-300 * a, np.ones((4, 64)), np.zeros(4), epochs=2, batch_size=4,
              callbacks=[grow])  # fmt: skip
    assert numbers(net) == alternating["layers.0.weight"][0].tolist()


def test_an_infinite_output_that_is_right_is_a_divergence():
    """What has weight 0 is left out by its graph, and 0 times inf in the program of another."""
    net, X = MLP(1, [1], bias=False), np.array([[1e-200], [1e200]])
    net.load_state_dict({"layers.0.weight": np.array([[1e200]])})
    with pytest.raises(FloatingPointError, match=r"example 1, whose loss is 0, are near the larg"):
        train(net, bernoulli_nll, X, [1, 1], epochs=1, batch_size=2)


@pytest.mark.parametrize("large", [1e301, math.inf])
def test_a_large_number_that_nothing_depends_on_excuses_no_branch(large):
    def loss(a, y):
        return huber(autograd.where(1.0, a, Value(-large)), y)

    X, y = one_far_example()
    with pytest.raises(ValueError, match=r"use 'graph': for example 77 the loss recorded is"):
        train(make_net(hidden=(), activation=[]), loss, X, y)


class Scaled(Module):
    """A network whose graph depends on a plain number."""

    def __init__(self):
        self.net, self.scale = make_net(), 1.0

    def __call__(self, x):
        return self.scale * self.net(x)

    def parameters(self):
        return self.net.parameters()


@pytest.mark.parametrize(("change", "found"), [(1e-3, True), (1e-5, True), (1e-9, False)])
def test_graphs_are_compared_up_to_rounding(change, found):
    X, y = problem(gaussian_nll, n=4)
    net = Scaled()
    recorded = ProgramEngine(net, gaussian_nll, X, y, SGD())
    recorded.prepare(evaluated=False)
    recorded.check_graph()
    net.scale = 1.0 + change
    if found:
        with pytest.raises(ValueError, match="changes from call to call"):
            recorded.check_graph()
    else:
        recorded.check_graph()


@pytest.mark.parametrize(("n", "classes", "tried"), [
    (3, 2, [0, 1, 2]), (8, 2, [0, 2, 4, 6, 7]), (100, 3, [0, 25, 50, 75, 98, 99]),
    (101, 9, [0, 26, 52, 78, 93, 94, 95]),
])  # fmt: skip
def test_a_program_is_tried_on_examples_of_some_classes_and_on_some_spread_evenly(
    n, classes, tried
):
    X, y = np.zeros((n, 3)), np.zeros(n)
    y[n - classes + 1 :] = np.arange(1, classes)  # the others come last
    found = ProgramEngine(make_net(d_L=classes), categorical_nll, X, y, SGD()).recording.tried
    assert found == tried


def test_half_a_gradient_is_not_written():
    X, y = problem(gaussian_nll, n=4)
    net = make_net()
    worker = ProgramEngine(net, gaussian_nll, X, y, SGD())
    worker.gradient[:] = math.nan
    with pytest.raises(TypeError):  # as when Ctrl-C is pressed in the middle of an update
        worker.train_on(Batch(None, range(4)), 0.1)
    worker.write()
    assert gradients(net) == [0.0] * len(net.parameters())


def test_losses_that_are_finite_and_have_no_finite_sum_are_no_error():
    X, y = np.ones((3, 3)), np.full(3, 1.3e154)  # a loss is y^2 / 2
    history = train(make_net(), gaussian_nll, X, y, batch_size=3, lr=0.0, epochs=1)
    assert history[0].loss == math.inf


def test_a_number_changed_on_the_way_is_found_after_the_epoch():
    net = Scaled()

    def change(epoch, update, loss, _):
        net.scale = 1.0 + epoch

    X, y = problem(bernoulli_nll)
    with pytest.raises(ValueError, match="changes from call to call"):
        train(net, bernoulli_nll, X, y, callbacks=[change])
    train(Scaled(), bernoulli_nll, X, y)


class Clipped(MLP):
    def __call__(self, x):
        a = super().__call__(x)
        return a if a.data > 0 else 0.0 * a


def test_a_subclass_of_a_network_predicts_row_by_row():
    net = Clipped(3, [4, 1], rng=np.random.default_rng(0))
    X, _ = problem(gaussian_nll, n=60)
    expected = [net(row).data for row in X.tolist()]
    assert 0.0 in np.abs(expected)
    assert net.predict(X).tolist() == expected


@pytest.mark.parametrize(
    "loss",
    [
        lambda a, y: categorical_nll(a, y) * 2.0,
        lambda a, y: categorical_nll(a, y) + 0.01 * autograd.dot(a, a),
    ],
)
def test_losses_made_of_categorical_nll_take_class_indices(loss):
    X, y = problem(categorical_nll, 3)
    same_in_both(lambda: make_net(3), loss, X, y, epochs=2)


class WithReference(Scaled):
    """Two outputs, one of them a plain number."""

    def __call__(self, x):
        return [self.net(x), 0.0]


def test_outputs_may_be_plain_numbers():
    X, y = problem(categorical_nll, 2)
    same_in_both(WithReference, categorical_nll, X, y, epochs=2, validation=(X, y))
    net = WithReference()
    assert net.predict(X[:2]).tolist() == [[net.net(row).data, 0.0] for row in X[:2].tolist()]


class AsArray(Scaled):
    def __call__(self, x):
        return np.array([self.net(x), -self.net(x)])


def test_outputs_may_be_an_array_of_values():
    X, y = problem(categorical_nll, 2)
    same_in_both(AsArray, categorical_nll, X, y, epochs=2, validation=(X, y))


def test_a_sure_and_wrong_network_is_no_other_graph():
    """Its loss falls as its output rises: the gradients of the two cancel but for rounding."""
    net = MLP(2, [1], rng=np.random.default_rng(0))
    X, y = np.array([[30.1, 20.7], [29.3, 21.9]]), np.array([1.0, 1.0])
    for w in net.parameters():
        w.data = -0.7
    result = evaluate(net, bernoulli_nll, X, y)
    assert result["loss"] > 30
