"""What a training takes where nothing is given: `find_lr`, batches, epochs, parts."""

import numpy as np
import pytest

import nn
from nn import MLP, SGD, Adam, bernoulli_nll, datasets, find_lr, fit, gaussian_nll
from nn.data.datasets import parts_of
from nn.train.defaults import RATES, usual_batch_size, usual_decay, usual_epochs
from tests.cases import for_each


def line(n=40, seed=0):
    """Points near a line, and a network of one layer."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return MLP(2, [1], rng=rng), gaussian_nll, X, X @ [1.0, -2.0] + 0.1 * rng.normal(size=n)


def test_the_rate_is_that_of_the_training_that_met_the_least_loss():
    net, loss, X, y = line()
    lr, losses = find_lr(net, loss, X, y, updates=20, batch_size=8, rates=[0.01, 0.3, 2.0])
    met = {}
    for rate in losses:
        one = MLP(2, [1])
        one.load_state_dict(net.state_dict())
        history = fit(one, loss, X, y, epochs=4, batch_size=8, lr=rate, progress=False,
                      rng=np.random.default_rng(0), engine="program")  # fmt: skip
        met[rate] = np.mean([row.loss for row in history])
    assert losses == pytest.approx(met, rel=1e-12)
    assert lr == min(met, key=met.get) == 0.3


def test_of_many_rows_some_are_tried_and_the_farthest(monkeypatch):
    seen = []

    def fit(net, loss, X, y, **settings):
        seen.append((len(X), settings["epochs"], X[:, 0].max()))
        return nn.fit(net, loss, X, y, **settings)

    monkeypatch.setattr(nn.train.defaults, "fit", fit)
    net, loss, X, y = line(n=400)
    before, _ = find_lr(net, loss, X, y, updates=20, batch_size=2, rates=[0.001, 0.3])
    X[390] = 1e4
    after, _ = find_lr(net, loss, X, y, updates=20, batch_size=2, rates=[0.001, 0.3])
    assert (before, after) == (0.3, 0.001)
    assert [s[:2] for s in seen] == [(40, 1)] * 4
    assert [s[2] for s in seen[2:]] == [1e4] * 2
    seen.clear()
    find_lr(*line(n=50), batch_size=2, updates=60, rates=[0.1])
    assert seen[0][:2] == (40, 3)  # 3 times 20 updates, not 2 times 25


def test_the_network_and_the_generator_are_left_as_they_are():
    net, loss, X, y = line()
    rule, rng, before = Adam(), np.random.default_rng(5), net.state_dict()
    first = find_lr(net, loss, X, y, updates=5, optimizer=rule, rng=rng)
    assert all((net.state_dict()[name] == array).all() for name, array in before.items())
    assert find_lr(net, loss, X, y, updates=5, optimizer=rule, rng=rng) == first
    assert {p.grad for p in net.parameters()} == {0.0}


def test_rates_that_diverge_are_left_out():
    net, loss, X, y = line()
    lr, losses = find_lr(net, loss, 1e3 * X, y, rates=[1.0, 1e-7])
    assert (lr, set(losses)) == (1e-7, {1e-7})
    with pytest.raises(FloatingPointError, match=r"at every rate tried, \[1.0, 3.0\]"):
        find_lr(net, loss, 1e3 * X, y, rates=[1.0, 3.0])


@for_each(
    "given, message",
    [
        ({"rates": []}, "rates .* is empty"),
        ({"rates": [0.1, -1]}, "lr must be a positive number, got -1"),
        ({"updates": 0}, "updates must be a positive whole number, got 0"),
        ({"batch_size": 41}, "batch_size must be a whole number from 1 to n = 40, got 41"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1 to n = 40, got 0"),
    ],
)
def test_what_find_lr_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        find_lr(*line(), **given)


def test_defaults_fit_the_number_of_examples():
    assert [usual_decay(n) for n in (1, 100, 1000)] == [0.01, 0.01, 0.001]
    assert [usual_batch_size(n) for n in (1, 4, 16, 1000)] == [1, 4, 16, 16]
    for n in (4, 15, 100, 1437, 43_152, 10**6):
        b = usual_batch_size(n)
        updates = usual_epochs(n, b) * (n // b)
        assert updates >= 3000
        assert updates < 3000 + n // b or usual_epochs(n, b) == 20


def test_moons_are_solved_at_the_rate_found():
    moons = datasets.load("moons")
    net = MLP(2, [16, 1], rng=np.random.default_rng(0))
    lr, losses = find_lr(net, bernoulli_nll, moons.X_train, moons.y_train)
    assert list(losses) == list(RATES)  # none diverges
    fit(net, bernoulli_nll, moons.X_train, moons.y_train, epochs=40, batch_size=16, lr=lr,
        optimizer=SGD(), progress=False, rng=np.random.default_rng(1))  # fmt: skip
    right = (net.predict(moons.X_test) > 0) == moons.y_test
    assert right.mean() > 0.95


def parts(counts, seed, n_test):
    """A split of so many rows of each class: the classes of the test part, and of the rest."""
    y = np.repeat(np.arange(len(counts)), counts)
    train, test = parts_of(y, len(counts), n_test / len(y), seed)
    assert sorted([*train, *test]) == list(range(len(y)))
    return tuple(np.bincount(y[rows], minlength=len(counts)).tolist() for rows in (test, train))


def test_rare_classes_are_in_both_parts():
    plain = 0
    for seed in range(30):
        test, train = parts([95, 5], seed, n_test=20)
        assert min(*test, *train) > 0
        plain += test != [19, 1]
    assert plain  # where nothing is missing, the order is a plain one


def test_a_class_of_one_row_is_where_it_happens_to_be():
    where = {tuple(parts([30, 1], seed, n_test=6)[0]) for seed in range(30)}
    assert where == {(6, 0), (5, 1)}


def test_of_fewer_than_10_rows_none_is_kept_for_testing():
    for n, n_test in ((2, 0), (9, 0), (10, 2), (12, 2)):
        train, test = parts_of(np.zeros(n), 0, None, seed=0)
        assert (len(train), len(test)) == (n - n_test, n_test)
    with pytest.raises(ValueError, match=r"leaves both parts some of 4 rows, got 0\.1"):
        parts_of(np.zeros(4), 0, 0.1, seed=0)
