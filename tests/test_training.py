"""`fit` against loops written by hand, its history, its callbacks, and what it refuses."""

import json
import math
import re
import sys
import types
import xml.etree.ElementTree as ET
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure

from autograd import Value
from autograd import sum as total
from nn import (
    MLP,
    DrawGraph,
    EarlyStopping,
    Epoch,
    History,
    Layer,
    Module,
    backpropagate,
    bernoulli_nll,
    categorical_nll,
    evaluate,
    fit,
    gaussian_nll,
    inverse_time,
    step_decay,
)
from nn.arrays import check_takes
from nn.train import callbacks
from nn.train.recording import diagnosis
from nn.train.schedules import cosine, growing
from tests.cases import for_each, make_net, numbers, train


def problem(loss, n=12, d0=3, seed=0):
    """A small set of examples with targets that suit ``loss``, and how many outputs it needs."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d0))
    if loss is gaussian_nll:
        return X, rng.normal(size=n), 1
    if loss is bernoulli_nll:
        return X, rng.integers(0, 2, size=n), 1
    return X, rng.integers(0, 3, size=n), 3


def sgd_by_hand(net, loss, X, y, epochs, b, lr, momentum=0.0, seed=1):
    """The lecture's SGD in NumPy, gradients by `backpropagate`: the batch losses it meets.

    ``net`` only lends its parameters: they are read before, and written back after every update.
    """
    rng = np.random.default_rng(seed)
    state = net.state_dict()
    velocity = {name: np.zeros_like(array) for name, array in state.items()}
    met, t = [], 0
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for k in range(len(X) // b):
            t += 1
            gradient = {name: np.zeros_like(array) for name, array in state.items()}
            total = 0.0
            for i in order[k * b : (k + 1) * b]:
                sweep = backpropagate(net, loss, X[i], y[i])
                total += loss([Value(v) for v in sweep.a[-1]], y[i]).data
                for l in range(1, len(net.layers) + 1):
                    gradient[f"layers.{l - 1}.weight"] += sweep.gradients[l]
                    gradient[f"layers.{l - 1}.bias"] += sweep.delta[l]
            for name in state:
                velocity[name] = momentum * velocity[name] + gradient[name] / b
                state[name] = state[name] - (lr(t) if callable(lr) else lr) * velocity[name]
            net.load_state_dict(state)
            met.append(total / b)
    return met


# Against loops written by hand

LOSSES = [gaussian_nll, bernoulli_nll, categorical_nll]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("b", "lr", "momentum"),
    [
        (12, 0.3, 0.0),  # gradient descent
        (1, 0.05, 0.0),  # pure SGD
        (4, 0.1, 0.0),
        (5, 0.1, 0.9),  # two examples are left out
        (5, inverse_time(0.2, 3), 0.5),
        (3, step_decay(0.2, 0.5, 3), 0.0),
    ],
)
def test_training_equals_a_numpy_loop(loss, b, lr, momentum):
    X, y, d_L = problem(loss)
    net, other = make_net(d_L), make_net(d_L)
    history = train(net, loss, X, y, epochs=4, batch_size=b, lr=lr, momentum=momentum)
    met = sgd_by_hand(other, loss, X, y, 4, b, lr, momentum)
    np.testing.assert_allclose(numbers(net), numbers(other), rtol=1e-12, atol=1e-13)
    means = np.reshape(met, (4, 12 // b)).mean(axis=1)
    np.testing.assert_allclose([row.loss for row in history], means, rtol=1e-12)


def test_a_full_batch_is_gradient_descent():
    X, y, _ = problem(gaussian_nll)
    net, other = make_net(1), make_net(1)
    train(net, gaussian_nll, X, y, epochs=5, batch_size=len(X), lr=0.2)
    for _ in range(5):  # in the rows' own order: the sum does not depend on it
        other.zero_grad()
        mean = sum(
            (gaussian_nll(other(x), t) for x, t in zip(X, y, strict=True)), Value(0.0)
        ) / len(X)
        mean.backward()
        for p in other.parameters():
            p.data -= 0.2 * p.grad
    np.testing.assert_allclose(numbers(net), numbers(other), rtol=1e-12, atol=1e-13)


def test_an_update_follows_the_mean_gradient():
    # Twice the same examples: the mean is the same, a sum would be twice as large.
    X, y, _ = problem(gaussian_nll, n=4)
    once, twice = make_net(1), make_net(1)
    train(once, gaussian_nll, X, y, epochs=1, batch_size=4)
    train(twice, gaussian_nll, np.vstack([X, X]), [*y, *y], epochs=1, batch_size=8)
    np.testing.assert_allclose(numbers(once), numbers(twice), rtol=1e-12)


def test_targets_may_have_several_columns():
    X, _, _ = problem(gaussian_nll)
    Y = np.random.default_rng(5).normal(size=(12, 2))
    net, other = make_net(2), make_net(2)
    train(net, gaussian_nll, X, Y)
    sgd_by_hand(other, gaussian_nll, X, Y, 2, 4, 0.1)
    np.testing.assert_allclose(numbers(net), numbers(other), rtol=1e-12, atol=1e-13)


def test_one_hot_targets_train_as_class_indices_do():
    X, y, _ = problem(categorical_nll)
    by_index, one_hot = make_net(3), make_net(3)
    train(by_index, categorical_nll, X, y)
    train(one_hot, categorical_nll, X.tolist(), np.eye(3)[y].tolist())
    np.testing.assert_allclose(numbers(by_index), numbers(one_hot), rtol=1e-12)


def test_the_same_seed_gives_the_same_bits():
    def run(seed):
        X, y, _ = problem(bernoulli_nll)
        net = make_net(1)
        rng = np.random.default_rng(seed)
        history = train(net, bernoulli_nll, X, y, rng=rng, validation=(X, y))
        return numbers(net), history.rows

    assert run(3) == run(3)
    assert run(3)[0] != run(4)[0]


def test_validation_and_callbacks_do_not_change_the_training():
    X, y, _ = problem(bernoulli_nll)
    plain, watched = make_net(1), make_net(1)
    train(plain, bernoulli_nll, X, y)
    calls = []
    train(watched, bernoulli_nll, X, y, validation=(X, y), callbacks=[lambda *c: calls.append(c)])
    assert numbers(plain) == numbers(watched)
    assert calls


def test_without_a_generator_every_training_is_another():
    X, y, _ = problem(gaussian_nll, n=30)
    nets = make_net(1), make_net(1)
    for net in nets:
        train(net, gaussian_nll, X, y, batch_size=1, rng=None)
    assert numbers(nets[0]) != numbers(nets[1])


# Schedules


@pytest.mark.parametrize(("b", "updates"), [(1, 10), (3, 3), (4, 2), (10, 1), (np.int64(5), 2)])
def test_an_epoch_has_floor_n_over_b_updates(b, updates):
    X, y, _ = problem(gaussian_nll, n=10)
    history = train(make_net(1), gaussian_nll, X, y, epochs=3, batch_size=b)
    assert [row.updates for row in history] == [updates, 2 * updates, 3 * updates]
    assert [row.batch_size for row in history] == [b] * 3


def test_a_learning_rate_schedule_is_asked_for_every_update():
    X, y, _ = problem(gaussian_nll, n=10)
    asked = []

    def lr(t):
        asked.append(t)
        return 0.1 / t

    history = train(make_net(1), gaussian_nll, X, y, epochs=2, batch_size=3, lr=lr)
    assert asked == [1, 2, 3, 4, 5, 6]
    assert [row.lr for row in history] == [0.1 / 3, 0.1 / 6]


def test_a_batch_size_schedule_is_asked_for_every_epoch_and_capped():
    X, y, _ = problem(gaussian_nll, n=10)
    asked = []

    def batch_size(epoch):
        asked.append(epoch)
        return 3**epoch

    history = train(make_net(1), gaussian_nll, X, y, epochs=4, batch_size=batch_size)
    assert asked == [1, 2, 3, 4]
    assert [row.batch_size for row in history] == [3, 9, 10, 10]
    assert [row.updates for row in history] == [3, 4, 5, 6]


# History

ROWS = [
    Epoch(1, 3, 0.1, 4, 0.75),
    Epoch(2, 6, 0.05, 4, 0.5),
]
SCORED = [
    Epoch(1, 3, 0.1, 4, 0.75, 0.8, validation_accuracy=0.5),
    Epoch(2, 6, 0.05, 4, 0.5, 0.625, validation_accuracy=1.0),
]


def test_a_history_is_a_sequence_of_rows():
    history = History(ROWS)
    assert len(history) == 2
    assert history[0] is ROWS[0]
    assert history[-1].loss == 0.5
    assert list(history) == ROWS
    assert [row.epoch for row in history[:1]] == [1]
    with pytest.raises(IndexError):
        history[2]


def test_fit_returns_one_row_per_epoch():
    X, y, _ = problem(gaussian_nll)
    history = train(make_net(1), gaussian_nll, X, y, epochs=3, batch_size=5, lr=0.01)
    assert isinstance(history, History)
    assert [(r.epoch, r.updates, r.lr, r.batch_size) for r in history] == [
        (1, 2, 0.01, 5),
        (2, 4, 0.01, 5),
        (3, 6, 0.01, 5),
    ]
    assert all(
        r.validation_loss is r.validation_accuracy is r.validation_r2 is None for r in history
    )


def test_the_repr_is_a_table():
    lines = repr(History(SCORED)).splitlines()
    head = [
        "epoch",
        "updates",
        "lr",
        "batch_size",
        "loss",
        "validation_loss",
        "validation_accuracy",
    ]
    assert lines[0].split() == head
    assert lines[1].split() == ["1", "3", "0.1", "4", "0.75", "0.8", "0.5"]
    assert lines[2].split() == ["2", "6", "0.05", "4", "0.5", "0.625", "1"]
    assert len({len(line) for line in lines}) == 1  # the columns stand one below the other
    assert "validation" not in repr(History(ROWS))
    assert "0 epochs" in repr(History())


def test_the_repr_of_a_long_history_is_cut():
    lines = repr(History([Epoch(e, e, 0.1, 1, 0.5) for e in range(1, 101)])).splitlines()
    assert len(lines) < 20
    assert lines[-1].split()[0] == "100"
    assert any("..." in line for line in lines)


@pytest.mark.parametrize("n", [1, 11, 12, 13, 14, 100])
def test_the_repr_shows_twelve_rows_or_the_first_and_the_last_five(n):
    _, *lines = repr(History([Epoch(e, e, 0.1, 1, 0.5) for e in range(1, n + 1)])).splitlines()
    every = [str(e) for e in range(1, n + 1)]
    assert [line.split()[0] for line in lines] == (
        every if n <= 12 else [*every[:5], "...", *every[-5:]]
    )


def test_to_csv_leaves_out_columns_that_were_never_filled(tmp_path):
    History(ROWS).to_csv(tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_bytes() == (
        b"epoch,updates,lr,batch_size,loss\n1,3,0.1,4,0.75\n2,6,0.05,4,0.5\n"
    )
    History(SCORED).to_csv(str(tmp_path / "scored.csv"))
    assert (tmp_path / "scored.csv").read_bytes() == (
        b"epoch,updates,lr,batch_size,loss,validation_loss,validation_accuracy\n"
        b"1,3,0.1,4,0.75,0.8,0.5\n2,6,0.05,4,0.5,0.625,1.0\n"
    )
    History(SCORED).to_csv(tmp_path / "test.csv", part="test")
    head = "epoch,updates,lr,batch_size,loss,test_loss,test_accuracy"
    assert (tmp_path / "test.csv").read_text().splitlines()[0] == head
    for call in (History(SCORED).plot, lambda part: History(SCORED).to_csv(tmp_path / "c", part)):
        with pytest.raises(ValueError, match="part must be 'validation' or 'test', got 'tset'"):
            call("tset")
    assert not (tmp_path / "c").exists()


def test_to_csv_keeps_every_digit(tmp_path):
    X, y, _ = problem(gaussian_nll)
    history = train(make_net(1), gaussian_nll, X, y, validation=(X, y))
    history.to_csv(tmp_path / "history.csv")
    head, *rows = (tmp_path / "history.csv").read_text().splitlines()
    assert head == "epoch,updates,lr,batch_size,loss,validation_loss,validation_r2"
    assert [float(row.split(",")[4]) for row in rows] == [row.loss for row in history]


@pytest.mark.parametrize(("rows", "panels"), [(ROWS, 1), (SCORED, 2), (SCORED[:1], 2)])
def test_plot_is_a_figure_with_named_axes(rows, panels):
    figure = History(rows).plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes) == panels
    assert figure.get_size_inches().tolist() == [5 if panels == 1 else 9, 3.4]
    for ax in figure.axes:
        assert {line.get_marker() for line in ax.lines} == {"o" if len(rows) == 1 else "None"}
    loss = figure.axes[0]
    shown = ["training (mean of the batches)", "validation (end of epoch)"][: len(loss.lines)]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == shown
    assert (loss.get_xlabel(), "loss" in loss.get_ylabel()) == ("epoch", True)
    assert loss.lines[0].get_ydata().tolist() == [row.loss for row in rows]
    assert loss.lines[0].get_xdata().tolist() == [row.epoch for row in rows]
    if panels == 2:
        assert loss.lines[1].get_ydata().tolist() == [row.validation_loss for row in rows]
        assert "accuracy" in figure.axes[1].get_ylabel()
        accuracies = [row.validation_accuracy for row in rows]
        assert figure.axes[1].lines[0].get_ydata().tolist() == accuracies
    figure.canvas.draw()  # and it can be drawn without a warning


def test_plot_says_how_to_install_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install"):
        History(ROWS).plot()


# evaluate, and validation


def linear_net(theta, b):
    """A network of one layer with the given numbers."""
    net = MLP(len(theta[0]), [len(theta)])
    net.load_state_dict({"layers.0.weight": theta, "layers.0.bias": b})
    return net


def test_evaluate_a_regression():
    net = linear_net([[1.0]], [0.0])  # predicts x
    X, y = [[0.0], [2.0], [2.0], [4.0]], [0.0, 1.0, 3.0, 4.0]
    # Mean loss (0 + 1/2 + 1/2 + 0)/4. Residuals 0, -1, 1, 0, and y is 2 away from its mean 2 at
    # the ends, 1 in between: R^2 = 1 - (0 + 1 + 1 + 0)/(4 + 1 + 1 + 4).
    assert evaluate(net, gaussian_nll, X, y) == {"loss": 0.25, "r2": pytest.approx(0.8)}
    column = [[t] for t in y]
    assert evaluate(net, gaussian_nll, X, column) == evaluate(net, gaussian_nll, X, y)


def test_evaluate_a_constant_target():
    net = linear_net([[0.0]], [1.0])
    assert evaluate(net, gaussian_nll, [[1.0], [2.0]], [1, 1])["r2"] == 1.0
    assert evaluate(net, gaussian_nll, [[1.0], [2.0]], [2, 2])["r2"] == 0.0


def test_evaluate_two_classes():
    net = linear_net([[1.0]], [0.0])
    X, y = [[-1.0], [2.0], [3.0], [-4.0]], [0, 1, 0, 0]
    losses = [math.log1p(math.exp(s)) for s in (-1.0, -2.0, 3.0, -4.0)]
    scores = evaluate(net, bernoulli_nll, np.array(X), np.array(y))
    assert scores == {"loss": pytest.approx(sum(losses) / 4, rel=1e-14), "accuracy": 0.75}
    assert evaluate(net, bernoulli_nll, X, [[t] for t in y]) == scores


def test_evaluate_refuses_what_is_no_network_or_loss():
    with pytest.raises(TypeError, match="net must be a network"):
        evaluate(3, gaussian_nll, [[0.0]], [0.0])
    for wrong in (3, "gaussian", int):
        with pytest.raises(TypeError, match="loss must be a function"):
            evaluate(linear_net([[1.0]], [0.0]), wrong, [[0.0]], [0.0])


def test_evaluate_several_classes():
    net = linear_net([[1.0], [0.0], [-1.0]], [0.0, 0.5, 0.0])  # class 0, 1, 2 for large, small, -x
    X, y = [[2.0], [0.0], [-2.0], [2.0]], [0, 1, 2, 2]
    scores = evaluate(net, categorical_nll, X, y)
    outputs = np.array([[x, 0.5, -x] for (x,) in X])
    p = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    expected = -np.log(p[range(4), y]).mean()
    assert scores == {"loss": pytest.approx(expected, rel=1e-14), "accuracy": 0.75}
    assert evaluate(net, categorical_nll, X, np.eye(3)[y]) == scores


def test_evaluate_with_a_loss_of_ones_own_gives_its_mean():
    net = linear_net([[1.0]], [0.0])
    scores = evaluate(net, lambda a, y: (a - y).abs(), [[1.0], [2.0]], [0.0, 5.0])
    assert scores == {"loss": 2.0}


@pytest.mark.parametrize(
    ("loss", "score"),
    [
        (gaussian_nll, "validation_r2"),
        (bernoulli_nll, "validation_accuracy"),
        (categorical_nll, "validation_accuracy"),
    ],
)
def test_validation_evaluates_at_the_end_of_every_epoch(loss, score):
    X, y, d_L = problem(loss)
    X_val, y_val, _ = problem(loss, n=7, seed=9)
    net, other = make_net(d_L), make_net(d_L)
    history = train(net, loss, X, y, epochs=2, validation=(X_val, y_val))
    first = train(other, loss, X, y, epochs=1)
    assert first[0].validation_loss is None
    for row, then in zip(history, (other, net), strict=True):
        scores = evaluate(then, loss, X_val, y_val)
        assert row.validation_loss == scores["loss"]
        assert getattr(row, score) == scores[score.removeprefix("validation_")]
        unused = {"validation_r2", "validation_accuracy"} - {score}
        assert getattr(row, unused.pop()) is None


def test_validation_with_a_loss_of_ones_own():
    X, y, _ = problem(gaussian_nll)
    history = train(
        make_net(1), lambda a, y: (a - y).abs().sqrt(), X, y, validation=(X, y), epochs=1
    )
    assert history[0].validation_loss > 0
    assert history[0].validation_r2 is history[0].validation_accuracy is None


# Callbacks


def test_callbacks_are_called_after_every_update():
    X, y, _ = problem(gaussian_nll)
    net, other = make_net(1), make_net(1)
    calls, parameters = [], []

    def callback(epoch, update, loss, trained):
        assert trained is net
        calls.append((epoch, update, loss))
        parameters.append(numbers(trained))

    history = train(net, gaussian_nll, X, y, epochs=2, batch_size=4, callbacks=[callback])
    assert [(e, u) for e, u, _ in calls] == [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)]
    met = sgd_by_hand(other, gaussian_nll, X, y, 2, 4, 0.1)
    assert [loss for _, _, loss in calls] == pytest.approx(met, rel=1e-12)
    assert history[0].loss == pytest.approx(sum(met[:3]) / 3, rel=1e-12)
    assert parameters[-1] == numbers(net)
    assert parameters[0] != parameters[1]


def test_a_callback_with_begin_is_told_before_the_first_update():
    X, y, _ = problem(gaussian_nll)
    events = []
    net = make_net(1)
    before = numbers(net)

    class Watch:
        def begin(self, begun, loss, updates):
            assert begun is net
            assert loss is gaussian_nll
            assert numbers(begun) == before
            events.append("begin")

        def __call__(self, epoch, update, loss, net):
            events.append(update)

    train(net, gaussian_nll, X, y, epochs=1, callbacks=[Watch(), lambda *_: events.append("other")])
    assert events == ["begin", 1, "other", 2, "other", 3, "other"]


def replace_a_weight(net):
    net.layers[0].neurons[0].w[0] = Value(0.5)


def add_a_layer(net):
    net.layers.append(Layer(1, 1))


@pytest.mark.parametrize("engine", ["graph", "program"])
@pytest.mark.parametrize("change", [replace_a_weight, add_a_layer])
@pytest.mark.parametrize("when", ["update", "epoch"])
def test_a_callback_that_replaces_parameters_is_told_that_they_are_not_trained(
    change, when, engine
):
    X, y, _ = problem(gaussian_nll)

    class Watch:
        def end_epoch(self, row, net):
            if when == "epoch" and row.epoch == 1:
                change(net)

    def watch(epoch, update, loss, net):
        if when == "update" and update == 1:
            change(net)

    with pytest.raises(ValueError, match=r"epoch 1: net.parameters\(\) gives other Values"):
        train(make_net(1), gaussian_nll, X, y, callbacks=[Watch(), watch], engine=engine)


@pytest.mark.parametrize("engine", ["graph", "program"])
@pytest.mark.parametrize("update", [1, 3])
def test_a_parameter_that_a_callback_sets_to_nan_is_named_at_once(update, engine):
    X, y, _ = problem(gaussian_nll)

    def spoil(epoch, t, loss, net):
        if t == update:
            net.parameters()[0].data = math.nan

    message = f"epoch 1, after update {update}: theta1\\[0,0\\] is nan: only finite numbers"
    with pytest.raises(FloatingPointError, match=message):
        train(make_net(1), gaussian_nll, X, y, epochs=1, callbacks=[spoil], engine=engine)


# Refusals: an error, and nothing is changed


class Unlisted(Module):
    """A network whose author has not thought of `parameters`."""

    def __init__(self):
        self.w = Value(0.5)

    def __call__(self, x):
        return self.w * x[0]


class Detached(Unlisted):
    """A network that computes with the numbers of its parameters."""

    def __call__(self, x):
        return Value(1.0) * self.w.data * x[0]

    def parameters(self):
        return [self.w]


class Renewed(Unlisted):
    """A network that lists copies of its parameters."""

    def parameters(self):
        return [Value(self.w.data)]


@pytest.mark.parametrize("engine", ["graph", "program"])
@pytest.mark.parametrize("loss", [gaussian_nll, lambda a, y: (a - y) ** 2], ids=["known", "own"])
@pytest.mark.parametrize("kind", [Unlisted, Detached, Renewed])
def test_a_network_that_could_learn_nothing_is_refused(kind, loss, engine):
    message = r"parameters\(\) is empty" if kind is Unlisted else "no parameter of the network"
    with pytest.raises(ValueError, match=message):
        train(kind(), loss, [[1.0], [2.0]], [1.0, 2.0], batch_size=2, engine=engine)


def bad_place(array, place, value):
    array = np.array(array, dtype=float)
    array[place] = value
    return array


X12, Y12, _ = problem(gaussian_nll)
C12 = problem(categorical_nll)[1]


@for_each(
    ("changes", "message"),
    [
        ({"X": bad_place(X12, (3, 1), math.nan)}, r"X\[3, 1\] is nan"),
        ({"X": bad_place(X12, (11, 0), -math.inf)}, r"X\[11, 0\] is -inf"),
        ({"y": bad_place(Y12, 5, math.inf)}, r"y\[5\] is inf"),
        ({"y": bad_place(Y12[:, None], (7, 0), math.nan)}, r"y\[7, 0\] is nan"),
        ({"X": X12[0]}, r"X must have shape"),
        ({"X": X12[None]}, r"X must have shape"),
        ({"X": X12[:11]}, r"\b11\b.*\b12\b"),
        ({"y": Y12[:11]}, r"\b12\b.*\b11\b"),
        ({"y": 1.0}, r"y must have"),
        ({"X": np.zeros((0, 3)), "y": []}, r"no rows"),
        ({"X": [[1.0, 2.0, 3.0], [1.0, 2.0]], "y": [1, 2], "batch_size": 1}, r"X must"),
        ({"y": ["a"] * 12}, r"y must"),
        ({"X": X12[:, :2]}, r"\b3\b.*\b2\b"),
        ({"y": np.zeros((12, 2))}, r"\b1\b.*\b2\b"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"batch_size": 0}, r"batch_size.*12.*0"),
        ({"batch_size": 13}, r"batch_size.*12.*13"),
        ({"batch_size": 4.0}, r"batch_size.*4\.0"),
        ({"batch_size": lambda epoch: 2 - epoch}, r"batch_size.*0 in epoch 2"),
        ({"batch_size": lambda epoch: 2.5}, r"batch_size.*2\.5 in epoch 1"),
        ({"lr": -0.1}, "lr"),
        ({"lr": math.nan}, "lr"),
        ({"lr": True}, "lr must be a number from 0 up, and finite, got True"),
        ({"momentum": 1.0}, "momentum"),
        ({"validation": (bad_place(X12, (3, 1), math.nan), Y12)}, r"validation X\[3, 1\] is nan"),
        ({"validation": (X12, Y12[:5])}, r"validation y"),
        ({"validation": (X12[:, :2], Y12)}, r"\b3\b.*\b2\b"),
        ({"validation": (X12, np.zeros((12, 2)))}, r"\b1\b.*\b2\b"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(changes, message):
    net = make_net(1)
    before = numbers(net)
    arguments = {"X": X12, "y": Y12} | changes
    X, y = arguments.pop("X"), arguments.pop("y")
    calls = []
    with pytest.raises(ValueError, match=message):
        train(net, gaussian_nll, X, y, callbacks=[lambda *c: calls.append(c)], **arguments)
    assert numbers(net) == before
    assert all(p.grad == 0.0 for p in net.parameters())
    assert not calls


@for_each("where", ["y", "validation"])
@for_each("i", [0, 5, 11])  # in pure SGD, one of them is met first at most
@for_each(("loss", "label"), [(categorical_nll, 3), (categorical_nll, 0.5), (bernoulli_nll, 2)])
def test_a_label_out_of_range_is_refused_wherever_it_stands(loss, label, i, where):
    X, y, d_L = problem(loss)
    bad = bad_place(y, i, label)
    targets, validation = (bad, None) if where == "y" else (y, (X, bad))
    net = make_net(d_L)
    before = numbers(net)
    with pytest.raises(ValueError, match=str(label)):
        train(net, loss, X, targets, batch_size=1, validation=validation)
    assert numbers(net) == before


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0)])
def test_rng_must_be_a_generator(rng):
    net = make_net(1)
    with pytest.raises(TypeError, match="rng"):
        train(net, gaussian_nll, X12, Y12, rng=rng)


def test_a_loss_that_is_no_value_is_refused():
    with pytest.raises(TypeError, match=r"loss.*Value.*float"):
        train(make_net(1), lambda a, y: a.data - y, X12, Y12)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[math.nan, 0, 0]], [1], r"X\[0, 0\]"),
        ([[0, 0, 0]], [1, 2], "y must have"),
        ([[0, 0]], [1], r"\b3\b.*\b2\b"),
        ([], [], "X"),
    ],
)
def test_evaluate_refuses_the_same(X, y, message):
    with pytest.raises(ValueError, match=message):
        evaluate(make_net(1), gaussian_nll, X, y)


# Divergence


def test_a_huge_rate_ends_with_an_error_that_says_where():
    X, y, _ = problem(gaussian_nll)
    net = make_net(1)
    kept = []
    with pytest.raises(FloatingPointError) as info:
        train(
            net, gaussian_nll, X, y, epochs=50, lr=1e80,
            callbacks=[lambda epoch, update, *_: kept.append((epoch, update, numbers(net)))],
        )  # fmt: skip
    epoch, update, good = kept[-1]
    if update % 3 == 0:
        epoch += 1
    text = str(info.value)
    assert f"epoch {epoch}, update {update + 1}:" in text
    # The first node that went wrong is the square in the loss.
    assert re.search(r"first node that is not finite: .* = inf, \* of \S+", text)
    assert "smaller lr than 1e+80" in text
    assert numbers(net) == good
    assert all(map(math.isfinite, good))


@pytest.mark.parametrize("n", [2, 6, 7])
def test_a_diagnosis_shows_up_to_six_inputs(n):
    top = total([Value(1e308)] * n)
    top.label = "top"
    inputs = ", ".join([*["1e+308"] * min(n, 6), *["..."] * (n > 6)])
    assert diagnosis(top * 2.0, 3, 0.1) == (
        "the loss of example 3 is inf. The first node that is not finite: "
        f"top = inf, sum of {inputs}. Try a smaller lr than 0.1; or at the first update, smaller X "
        "and y"
    )
    assert "not finite: unlabelled = inf. Try" in diagnosis(Value(math.inf), 0, 0.1)


def test_a_loss_outside_its_domain_is_not_laid_to_the_rate():
    a, zero = Value(-0.5), Value(0.0)
    for root in (a.log(), a.sqrt(), a**0.5, zero.log(), 1.0 / zero, zero / zero, zero**-1.0):
        text = diagnosis(root * 2.0, 0, 0.1)
        assert f"There, {root.op} has no finite value, however small lr is" in text
        assert "Try a smaller" not in text
    for root in (Value(1e3).exp(), Value(1e200) * 1e200, a * math.inf, a + math.nan):
        text = diagnosis(root * 2.0, 0, 0.1)
        assert "Try a smaller lr than 0.1" in text
        assert "There" not in text


def test_the_first_node_that_went_wrong_is_named():
    def loss(a, y):
        unit = a.exp()
        unit.label = "unit"
        return unit * 2 - y

    net = linear_net([[1.0]], [0.0])
    with pytest.raises(FloatingPointError, match=r"epoch 1, update 1\b.*unit = inf.*exp of 710"):
        train(net, loss, [[710.0]], [0.0], batch_size=1)
    assert numbers(net) == [1.0, 0.0]


def test_a_gradient_that_is_not_finite_stops_the_training_too():
    net = linear_net([[1.0]], [0.0])
    # sqrt(0) is finite, its slope is not.
    with pytest.raises(FloatingPointError, match=r"epoch 1, update 1\b.*theta1\[0,0\]"):
        train(net, lambda a, y: (a - y).sqrt(), [[1.0]], [1.0], batch_size=1)
    assert numbers(net) == [1.0, 0.0]


def test_a_schedule_that_goes_wrong_leaves_the_last_good_parameters():
    X, y, _ = problem(gaussian_nll)
    net, other = make_net(1), make_net(1)
    train(other, gaussian_nll, X, y, epochs=1)
    with pytest.raises(ValueError, match="lr"):
        train(net, gaussian_nll, X, y, lr=lambda t: 0.1 if t <= 3 else -1.0)
    assert numbers(net) == numbers(other)


# Progress


def test_it_works_without_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    X, y, _ = problem(gaussian_nll)
    assert len(train(make_net(1), gaussian_nll, X, y, progress=True)) == 2
    assert capsys.readouterr().err == ""


def test_progress_shows_a_bar(capsys):
    pytest.importorskip("tqdm")
    X, y, _ = problem(gaussian_nll)
    shown, silent = make_net(1), make_net(1)
    train(shown, gaussian_nll, X, y, progress=True)
    captured = capsys.readouterr()
    assert "6/6" in captured.err
    assert "loss=" in captured.err
    assert captured.out == ""
    train(silent, gaussian_nll, X, y, progress=False)
    assert capsys.readouterr().err == ""
    assert numbers(shown) == numbers(silent)


def test_the_text_beside_the_bar_is_written_ten_times_a_second(monkeypatch):
    texts, now = [], 0.0

    class Bar:
        made = 0

        def set_postfix(self, text, refresh):
            texts.append((now, self.made, text["loss"]))

        def update(self, n):
            nonlocal now
            self.made += n
            now += 0.003 * n

    tqdm = types.SimpleNamespace(tqdm=lambda **given: nullcontext(Bar()))
    monkeypatch.setitem(sys.modules, "tqdm", tqdm)
    monkeypatch.setattr(callbacks, "monotonic", lambda: now)
    X, y, _ = problem(gaussian_nll)
    history = train(
        make_net(1), gaussian_nll, X, y, progress=True, epochs=60, batch_size=1, engine="graph"
    )
    updates = history[-1].updates
    assert texts[0][:2] == (0.0, 0)
    assert texts[-1][1] == updates - 1  # the last is always there
    assert len(texts) <= 2 + now / 0.1
    assert len(texts) >= now / 0.11
    gaps = np.diff([at for at, _, _ in texts[:-1]])
    assert gaps.min() >= 0.1 - 1e-9


# A user's own


class Parabola(Module):
    """c0 + c1 x + c2 x^2, written with operators on Values."""

    def __init__(self):
        self.c = [Value(0.0), Value(0.0), Value(0.0)]

    def __call__(self, x):
        (x,) = x
        return self.c[0] + self.c[1] * x + self.c[2] * x**2

    def parameters(self):
        return self.c


def squared_error(a, y):
    return (a - y) ** 2


def test_a_module_and_a_loss_of_ones_own_train():
    x = np.linspace(-1, 1, 21)
    y = 1 - 2 * x + 3 * x**2
    net = Parabola()
    history = train(
        net,
        squared_error,
        x[:, None],
        y,
        epochs=200,
        batch_size=7,
        lr=0.2,
        validation=(x[:, None], y),
    )
    assert numbers(net) == pytest.approx([1.0, -2.0, 3.0], abs=1e-3)
    assert history[-1].loss < 1e-6 < history[0].loss
    assert history[-1].validation_loss < 1e-6
    np.testing.assert_allclose(net.predict(x[:, None]), y, atol=1e-2)


@pytest.mark.slow
def test_a_network_of_ones_own_layers_trains():
    class Residual(Module):
        def __init__(self):
            self.inner = MLP(2, [6, 2], "tanh", rng=np.random.default_rng(0))
            self.top = MLP(2, [1], rng=np.random.default_rng(1))

        def __call__(self, x):
            return self.top([v + a for v, a in zip(x, self.inner(x), strict=True)])

        def parameters(self):
            return [*self.inner.parameters(), *self.top.parameters()]

    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    net = Residual()
    history = train(net, bernoulli_nll, X, y, epochs=300, batch_size=4, lr=0.5, momentum=0.5)
    assert history[-1].loss < 0.1 < history[0].loss
    assert (net.predict(X) > 0).tolist() == [False, True, True, False]


# DrawGraph


@pytest.mark.tools
@pytest.mark.slow
def test_draw_graph_writes_numbered_files(tmp_path):
    X, y, _ = problem(gaussian_nll)
    draw = DrawGraph(X[0], y[0], every=2, folder=tmp_path / "pictures")
    train(make_net(1), gaussian_nll, X, y, epochs=2, callbacks=[draw])
    files = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert files == ["graph-000002.svg", "graph-000004.svg", "graph-000006.svg"]
    text = (tmp_path / "pictures" / files[0]).read_text()
    assert ET.fromstring(text).tag.endswith("svg")
    assert "theta1[3,2]" in text
    assert "loss" in text


def test_draw_graph_leaves_the_training_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y, _ = problem(gaussian_nll)
    plain, drawn = make_net(1), make_net(1)
    gradients = []

    def keep(epoch, update, loss, net):
        gradients.append([p.grad for p in net.parameters()])

    train(plain, gaussian_nll, X, y, callbacks=[keep], momentum=0.5)
    draw = DrawGraph(X[0].tolist(), y[0], every=1)
    train(drawn, gaussian_nll, X, y, callbacks=[draw, keep], momentum=0.5)
    assert numbers(plain) == numbers(drawn)
    assert gradients[:6] == gradients[6:]
    assert any(gradients[0])
    assert len(list(tmp_path.glob("graph-*.svg"))) == 6


def test_draw_graph_refuses_a_large_graph_before_training_starts(tmp_path):
    net = MLP(3, [600, 1], rng=np.random.default_rng(0))
    before = numbers(net)
    draw = DrawGraph(X12[0], Y12[0], every=1, folder=tmp_path / "pictures")
    with pytest.raises(ValueError, match=r"nodes.*2000"):
        train(net, gaussian_nll, X12, Y12, callbacks=[draw])
    assert numbers(net) == before
    assert all(p.grad == 0.0 for p in net.parameters())
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_draw_graph_draws_every_so_many_updates(every):
    with pytest.raises(ValueError, match="every"):
        DrawGraph([1.0], 0.0, every=every)


@pytest.mark.parametrize(
    "X", [[["1", "2", "3"]], [[1j, 0, 0]], [[None, 1, 2]], [[1.0], [1.0, 2.0]]]
)
def test_what_is_no_array_of_real_numbers_is_refused(X):
    net = make_net(1)
    before = numbers(net)
    with pytest.raises(ValueError, match="X must be an array of"):
        train(net, gaussian_nll, X, [0.0] * len(X), batch_size=1)
    assert numbers(net) == before


NUMBERS_AS_OBJECTS = np.array([[1, 2.0, True]] * 4, dtype=object)


@for_each(
    ("X", "y", "words"),
    [
        ([[Value(1.0)] * 3] * 4, [0.0] * 4, r"X must .*: give the numbers of Values, v\.data$"),
        (NUMBERS_AS_OBJECTS, [0.0] * 4, r"X must .*got dtype object: \.astype\(float\) makes"),
        (
            X12.astype(str),
            [0.0] * 4,
            r"X must .*dtype <U\d+: \.astype\(float\) makes",
        ),
        (
            X12,
            np.array([0, 1] * 6, dtype=object),
            r"y must .*dtype object: \.astype\(float\) makes",
        ),
        (
            X12,
            ["a", "b"] * 6,
            r"y must .*dtype <U1: np\.unique\(y, return_inverse=True\)\[1\] makes",
        ),
        (X12, np.array(["a", "b"] * 6, dtype=object), r"y must .*dtype object: np\.unique\(y"),
        (X12, np.array(["a", None] * 6, dtype=object), r"y must .*dtype object$"),
        (iter(X12), Y12, r"X must .*, got a .*iterator: list\(\.\.\.\) makes a list"),
        (X12, map(float, Y12), r"y must .*, got a map: list\(\.\.\.\) makes a list"),
        (type("Sparse", (), {"toarray": None})(), Y12, r"X must .*, got a Sparse: \.toarray\(\)"),
        (None, Y12, "X must .*, got None$"),
        (X12, [Value(v) for v in Y12], r"y must .*: give the numbers of Values, v\.data$"),
        (X12, np.array([10**400] * 12, dtype=object), r"y must .*dtype object$"),
        (X12, np.arange(12) + 0j, r"y must .*dtype complex128$"),
        (
            np.array([[1.0, 2.0, "a"]] * 4, dtype=object),
            [0.0] * 4,
            r"X must .*: it holds words, and data = nn\.table_data",
        ),
        (np.array([[1.0, 2.0, {}]] * 4, dtype=object), [0.0] * 4, r"X must .*dtype object$"),
    ],
)
def test_it_is_said_how_numbers_are_made_of_words_and_objects(X, y, words):
    with pytest.raises(ValueError, match=words):
        train(make_net(1), gaussian_nll, X, y)


def test_a_schedule_that_goes_wrong_on_the_way_says_where():
    with pytest.raises(ValueError, match=r"epoch \d+, update 3: lr must be"):
        train(make_net(1), gaussian_nll, X12, Y12, lr=lambda t: 0.1 if t < 3 else -1.0)


def test_draw_graph_without_a_layout_tool_fails_before_training(monkeypatch, tmp_path):
    monkeypatch.setattr("autograd.show.layout.WAYS", [])
    net = make_net(1)
    before = numbers(net)
    with pytest.raises(RuntimeError, match="install"):
        train(net, gaussian_nll, X12, Y12, callbacks=[DrawGraph(X12[0], Y12[0], 1, tmp_path)])
    assert numbers(net) == before


@pytest.mark.slow
def test_the_plot_shows_itself_in_jupyter():
    figure = History(SCORED).plot()
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_validation_is_a_pair_and_callbacks_a_list():
    with pytest.raises(ValueError, match=r"validation must be the pair \(X, y\)"):
        train(make_net(1), gaussian_nll, X12, Y12, validation=(X12,))
    with pytest.raises(TypeError, match="callbacks must be a list"):
        train(make_net(1), gaussian_nll, X12, Y12, callbacks=print)


class Ending:
    """Its method lacks an argument."""

    def end_epoch(self, row):
        """Say nothing."""


@for_each(
    ("options", "words"),
    [
        (
            {"callbacks": [EarlyStopping]},
            r"has the class EarlyStopping: .*EarlyStopping\(\.\.\.\)$",
        ),
        ({"callbacks": [DrawGraph]}, "has the class DrawGraph: give one"),
        (
            {"callbacks": [lambda loss: None]},
            r"^a callback .*\(epoch, update, loss, net\), .*\(loss\)$",
        ),
        (
            {"callbacks": [Ending()]},
            r"^a callback's end_epoch .*function of \(row, net\), .*\(row\)$",
        ),
        ({"lr": lambda: 0.1}, r"^lr must be a function of \(t\), got .*, which takes \(\)$"),
        ({"batch_size": lambda: 4}, r"^batch_size must be a function of \(epoch\), "),
        ({"loss": lambda a: a}, r"^loss must be a function of \(a, y\), .*which takes \(a\)$"),
        ({"loss": lambda a, y, k: a}, r"^loss must be a function of \(a, y\), "),
    ],
)
def test_what_can_not_be_called_as_it_would_be_is_refused_before_any_change(options, words):
    net = make_net(1)
    before = numbers(net)
    options = {"loss": gaussian_nll, "validation": (X12, Y12)} | options
    with pytest.raises(TypeError, match=words):
        train(net, options.pop("loss"), X12, Y12, **options)
    assert numbers(net) == before


@for_each("given", [(lambda *all: None), max, partial(lambda k, t: 0.1, 3), lambda t, u=1: 0.1])
def test_functions_that_take_more_or_do_not_tell_are_called(given):
    check_takes("lr", given, "t")


def test_callbacks_may_come_from_a_generator():
    seen = []
    train(make_net(1), gaussian_nll, X12, Y12, callbacks=(c for c in [lambda *u: seen.append(u)]))
    assert len(seen) == 6


def test_the_mean_of_huge_losses_is_a_number():
    net = MLP(1, [1], bias=False, rng=np.random.default_rng(0))
    net.parameters()[0].data = 1.1e154  # losses of 6e307, whose sum is beyond the floats
    X, y = np.ones((4, 1)), np.zeros(4)
    history = fit(net, gaussian_nll, X, y, epochs=1, batch_size=1, lr=0.0, progress=False,
                  validation=(X, y))  # fmt: skip
    assert history[0].loss == pytest.approx(6.05e307)
    assert history[0].validation_loss == evaluate(net, gaussian_nll, X, y)["loss"]


@pytest.mark.parametrize("engine", ["program", "graph"])
def test_a_loss_that_is_a_plain_number_for_some_examples_is_refused_before_any_change(engine):
    rng = np.random.default_rng(0)
    X = 3 * rng.normal(size=(30, 2))
    y = np.sign(X[:, 0])

    def hinge(a, t):
        return max(0, 1 - t * a)

    net = MLP(2, [4, 1], rng=np.random.default_rng(0))
    before = net.state_dict()
    words = r"hinge gives 0 \(int\) for .*example \d+.*v\.relu\(\)"
    with pytest.raises(TypeError, match=words):
        fit(net, hinge, X, y, epochs=2, batch_size=5, lr=0.5, progress=False, engine=engine)
    with pytest.raises(TypeError, match=words):
        evaluate(net, hinge, X, y, engine=engine)
    for name, array in net.state_dict().items():
        assert array.tolist() == before[name].tolist()
    assert all(p.grad == 0.0 for p in net.parameters())


@pytest.mark.parametrize("engine", ["program", "graph"])
def test_a_loss_that_no_parameter_goes_into_is_refused(engine):
    def detached(a, t):
        return Value(a.data - 1.0) ** 2 + t * 0.0

    net = make_net(1)
    before = numbers(net)
    with pytest.raises(ValueError, match="no parameter of the network goes into the loss detached"):
        train(net, detached, X12, Y12, engine=engine)
    assert numbers(net) == before
    assert evaluate(net, detached, X12, Y12, engine="graph")["loss"] > 0  # nothing is learned


def test_a_loss_that_parameters_go_into_for_one_example_alone_is_trained():
    def at_the_last(a, t):
        return (a - t) ** 2 if t == Y12[-2] else Value(0.0)

    net = make_net(1)
    before = numbers(net)
    train(net, at_the_last, X12, Y12, engine="graph")
    assert numbers(net) != before


def test_a_loss_that_becomes_a_plain_number_on_the_way_stops_at_the_last_update():
    X = np.array([[1.0, 0.5], [-1.0, 0.25], [0.5, 2.0]])
    y = np.array([1.0, -1.0, 1.0])

    def hinge(a, t):
        return max(0, 3 - t * a)  # in reach after some updates

    net = MLP(2, [1], rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"hinge gives 0 \(int\) for example"):
        fit(net, hinge, X, y, epochs=500, batch_size=3, lr=0.1, progress=False, engine="graph")
    assert all(math.isfinite(p.data) and p.grad == 0.0 for p in net.parameters())


def squared(a, t):
    return (a - t) ** 2


def of_a_table(a, t):
    return (a - {0.0: 1.0}[t]) ** 2


@for_each(
    ("loss", "y", "words"),
    [
        (
            squared,
            np.zeros((12, 1)),
            r"squared raises TypeError .*y is \[0.0\]: .*list.*y\.ravel\(\)",
        ),
        (squared, np.zeros((12, 2)), r"squared raises TypeError .*y is \[0.0, 0.0\]: .*'list'$"),
        (of_a_table, np.arange(12.0), r"raises KeyError for .*example 1, .*y is 1.0: 1.0$"),
        (lambda a, t: a.squared(), np.zeros(12), "the loss <lambda> raises AttributeError for"),
    ],
)
def test_an_error_in_a_loss_of_ones_own_says_which_loss_and_example(loss, y, words):
    net = make_net(1)
    before = numbers(net)
    for call in (
        lambda: train(net, loss, X12, y),
        lambda: train(net, loss, X12, y, engine="graph"),
        lambda: evaluate(net, loss, X12, y),
    ):
        with pytest.raises(TypeError, match=words) as caught:
            call()
        assert caught.value.__cause__ is not None
    assert numbers(net) == before


def test_an_error_in_a_loss_says_if_it_is_of_the_validation_part():
    with pytest.raises(TypeError, match=r"for the validation y of example \d+, .*y\.ravel\(\)"):
        train(make_net(1), squared, X12, Y12, validation=(X12, Y12[:, None]))


def test_an_error_in_the_words_of_a_loss_comes_through():
    def loss(a, t):
        raise RuntimeError("this loss is only half written")

    with pytest.raises(RuntimeError, match=r"^this loss is only half written$"):
        train(make_net(1), loss, X12, Y12)


def test_an_error_of_a_schedule_comes_through():
    X, y, _ = problem(gaussian_nll)
    with pytest.raises(ValueError, match="epoch 1, update 1: Expecting") as caught:
        train(make_net(1), gaussian_nll, X, y, lr=lambda t: json.loads("{"))
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)


def test_the_graph_engine_leaves_no_part_of_a_gradient():
    X, y, _ = problem(gaussian_nll)
    net, calls = make_net(1), None

    def rate(t):
        nonlocal calls
        calls = 0  # from now on those of an update
        return 0.1

    def loss(a, y):
        nonlocal calls
        if calls is not None:
            calls += 1
            if calls == 3:
                raise ValueError("no")
        return gaussian_nll(a, y)

    with pytest.raises(ValueError, match="update 1: no"):
        train(net, loss, X, y, engine="graph", batch_size=6, lr=rate)
    assert calls == 3
    assert [p.grad for p in net.parameters()] == [0.0] * len(net.parameters())


@for_each(
    ("make", "argument"),
    [
        (lambda: step_decay(0.1, factor=1.5), "factor must be at most 1"),
        (lambda: step_decay(0.1, factor=0.0), "factor"),
        (lambda: step_decay(-0.1), "lr"),
        (lambda: step_decay(0.1, every=0), "every"),
        (lambda: inverse_time(0.0), "lr"),
        (lambda: inverse_time(0.1, t0=-1.0), "t0"),
        (lambda: cosine(math.nan, 5), "lr"),
        (lambda: cosine(0.1, 0), "updates"),
        (lambda: cosine(0.1, 5, final=-1e-3), "final"),
        (lambda: growing(4, factor=0.9), "factor must be at least 1"),
        (lambda: growing(0), "batch_size"),
        (lambda: growing(4, period=0), "period"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make, argument):
    with pytest.raises(ValueError, match=argument):
        make()


@for_each(
    ("schedule", "expected"),
    [
        (step_decay(0.8), {1: 0.8, 1000: 0.8, 1001: 0.4, 2000: 0.4, 2001: 0.2}),
        (step_decay(0.8, 0.25, every=1), {1: 0.8, 2: 0.2, 3: 0.05}),
        (inverse_time(0.6), {1: 0.6, 2: 0.3, 3: 0.2}),
        (inverse_time(0.6, t0=5.0), {1: 0.6, 6: 0.3, 11: 0.2}),
        (cosine(1.0, 3), {1: 1.0, 2: 0.5, 3: 0.0, 4: 0.0}),
        (cosine(1.0, 4, final=0.2), {1: 1.0, 2: 0.8, 3: 0.4, 4: 0.2, 5: 0.2, 9: 0.2}),
        (cosine(1.0, 1), {1: 1.0, 2: 0.0}),
        (growing(3), {1: 3, 5: 3, 6: 6, 10: 6, 11: 12}),
        (growing(4, 1.5, period=1), {1: 4, 2: 6, 3: 9, 4: 14}),
        (growing(4, 1.0), {1: 4, 6: 4, 10**6: 4}),
        (growing(3, 2, period=1), {40: 3 * 2**39, 41: 2**40, 10**9: 2**40}),
    ],
)
def test_the_numbers_of_schedules(schedule, expected):
    assert {t: schedule(t) for t in expected} == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_rate_may_stay_as_it_is():
    assert [step_decay(0.1, factor=1.0, every=1)(t) for t in (1, 2, 9)] == [0.1] * 3


def test_a_schedule_is_asked_for_as_many_rates_as_nobody_looks_between():
    """One update at a time would take machine code a hundred times as long."""
    said = []

    def heard(epoch, update, loss, net):
        said.append(update)

    def lr(t):
        said.append(-t)
        return 0.1 / t

    X, y = np.linspace(-1, 1, 12)[:, None], np.linspace(0, 1, 12)
    for every, expected in ((None, [-1, 1, -2, 2, -3, 3]), (2, [-1, -2, 1, 2, -3, 3])):
        said.clear()
        if every:
            heard.looks_every = every
        fit(MLP(1, [1]), gaussian_nll, X, y, epochs=1, batch_size=4, lr=lr, callbacks=[heard],
            progress=False)  # fmt: skip
        assert [s for s in said if abs(s) <= 3][-6:] == expected
