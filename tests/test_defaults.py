"""What a training takes where nothing is given: rate, batches, epochs, parts, hidden layers."""

import copy

import numpy as np
import pytest

import nn
from nn import MLP, SGD, Adam, bernoulli_nll, datasets, find_lr, fit, gaussian_nll
from nn.data.datasets import parts_of, standard
from nn.train.defaults import RATES, choose_rate, usual_batch_size, usual_decays, usual_epochs
from nn.train.evaluation import evaluate
from nn.train.schedules import cosine
from nn.train.validation import best_of, try_networks
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


def test_of_rates_that_are_nearly_as_good_the_largest_is_taken_if_it_falls(monkeypatch):
    assert choose_rate({3.0: 1.21, 1.0: 1.2, 0.3: 1.0, 0.1: 1.05}, falls=True) == 1.0
    assert choose_rate({0.3: -0.85, 0.1: -1.0, 1.0: -0.75}, falls=True) == 0.3
    rates = {3.0: 1.21, 1.0: 1.2, 0.3: 1.0, 0.1: 1.05}
    monkeypatch.setattr(nn.train.validation, "find_lr", lambda *a, **k: (0.3, rates))
    net, *data = line(n=19)
    for epochs, lr in ((None, 1.0), (5, 0.3)):
        [trial] = tried([net], *data, epochs=epochs)
        assert trial.lr == lr


def test_of_many_rows_so_many_are_tried_as_the_updates_need(monkeypatch):
    seen = []

    def fit(net, loss, X, y, **settings):
        seen.append((len(X), settings["epochs"]))
        return nn.fit(net, loss, X, y, **settings)

    monkeypatch.setattr(nn.train.defaults, "fit", fit)
    find_lr(*line(n=400), updates=20, batch_size=2, rates=[0.1])
    find_lr(*line(n=50), updates=60, batch_size=2, rates=[0.1])
    far = (2, 10)
    assert seen == [far, (40, 1), far, (40, 3)]  # 3 times 20 updates, not 2 times 25


def test_a_rate_at_which_the_farthest_rows_diverge_is_left_out():
    """One row of 400, met once in a short training: its loss grows at each of its steps."""
    net, loss, X, y = line(n=400)
    X = np.column_stack([X, np.arange(400) == 7]) * [1, 1, 20]
    net = MLP(3, [1], rng=np.random.default_rng(0))
    lr, losses = find_lr(net, loss, X, y, batch_size=16, rates=[0.01, 0.1])
    assert (lr, set(losses)) == (0.01, {0.01})  # 0.1 * 20^2 / 16 > 2


def test_a_network_that_has_learned_all_rows_can_only_get_worse():
    """So at each rate the loss grows on the farthest, and none is left out."""
    net, loss, X, _ = line()
    y = net.predict(X)
    rule = SGD(weight_decay=0.01)
    lr, losses = find_lr(net, loss, X, y, optimizer=rule, rates=[0.1, 0.01])
    assert lr == 0.01
    assert len(losses) == 2


def test_far_is_far_in_small_integers_too():
    X = np.array([[0, 3]] * 200 + [[0, 240]], dtype=np.uint8)
    net = MLP(2, [1], rng=np.random.default_rng(0))
    _, losses = find_lr(net, gaussian_nll, X, np.ones(201), batch_size=1, rates=[0.01, 1e-6])
    assert set(losses) == {1e-6}


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
        ({"rng": 5}, "rng must be a NumPy generator"),
        ({"batch_size": 41}, "batch_size must be a whole number from 1 to n = 40, got 41"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1 to n = 40, got 0"),
    ],
)
def test_what_find_lr_refuses(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        find_lr(*line(), **given)


def test_defaults_fit_the_number_of_examples():
    assert [usual_decays(n) for n in (1, 100, 1000)] == [(0.01, 10), (0.01, 0.1), (0.001, 0.01)]
    assert [usual_batch_size(n) for n in (1, 4, 16, 1000)] == [1, 4, 16, 16]
    for n in (4, 15, 100, 1437, 43_152, 10**6):
        b = usual_batch_size(n)
        updates = usual_epochs(n, b) * (n // b)
        assert updates >= 3000
        assert updates < 3000 + n // b or usual_epochs(n, b) in (20, 50) or updates < 1e5 + n // b


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


# ------------------------------------------------------------------- cross-validation


@pytest.fixture
def short(monkeypatch):
    """Trainings of 20 epochs or 100 updates."""
    monkeypatch.setattr(nn.train.defaults, "UPDATES", 100)
    monkeypatch.setattr(nn.train.defaults, "EPOCHS", 20)


def bend(n=60, seed=0):
    """What a line can't learn: a network with a hidden layer, one without, and the data."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 1))
    return [MLP(1, [8, 1], rng=rng), MLP(1, [1], rng=rng)], gaussian_nll, X, np.abs(X[:, 0])


def tried(*case, **more):
    more = {"batch_size": 16, "optimizers": [SGD()], "rng": np.random.default_rng(5)} | more
    return try_networks(*case, **more)


def test_the_loss_is_the_mean_over_five_parts_each_kept_aside_once(short):
    """The same written by hand, with a rate that falls over each training."""
    nets, loss, X, y = bend(n=22)
    rng = np.random.default_rng(5)
    parts = np.array_split(rng.permutation(22), 5)
    found = {net: find_lr(net, loss, X, y, batch_size=16, optimizer=SGD(), rng=rng) for net in nets}
    rules = [SGD(), SGD(momentum=0.5)]
    trials = tried(nets, loss, X, y, optimizers=rules, tune=True)
    best = best_of(trials[:2]).net
    of = [(trial.net, trial.optimizer, trial.epochs) for trial in trials]
    assert of[:2] == [(net, rules[0], 100) for net in nets]
    assert of[2:5] == [(best, rules[1], 100), (best, rules[0], 25), (best, rules[0], 7)]
    for trial in trials:
        rates = found[trial.net][1]
        losses, scores = [], []
        for part in parts:
            one = copy.deepcopy(trial.net)
            rows = np.concatenate([other for other in parts if other is not part])
            assert sorted(rows) == np.setdiff1d(np.arange(22), part).tolist()
            fit(one, loss, X[rows], y[rows], epochs=trial.epochs, batch_size=16,
                lr=cosine(trial.lr, trial.epochs), optimizer=trial.optimizer,
                rng=copy.deepcopy(rng), progress=False)  # fmt: skip
            aside = evaluate(one, loss, X[part], y[part])
            losses.append(aside["loss"])
            scores.append(aside["r2"])
        assert trial.loss == pytest.approx(np.mean(losses), rel=1e-9)
        assert trial.score == pytest.approx(np.mean(scores), rel=1e-9)
        assert (trial.lr, trial.rates) == (choose_rate(rates, falls=True), rates)


def test_fewer_epochs_are_tried_and_more_where_a_quarter_is_clearly_worse(monkeypatch):
    monkeypatch.setattr(nn.train.defaults, "EPOCHS", 1)
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(40, 8)), rng.normal(size=40)
    net = MLP(8, [16, 1], rng=rng)
    for updates, y, counts, taken in (
        (400, noise, [200, 50, 13], 13),  # it would be learned by heart
        (40, np.abs(X[:, 0]), [20, 5, 2, 80], 80),
        (1000, X[:, 0], [500, 125, 32], 125),  # a quarter is enough
    ):
        monkeypatch.setattr(nn.train.defaults, "UPDATES", updates)
        trials = tried([net], gaussian_nll, X, y, tune=True)
        assert [trial.epochs for trial in trials] == counts
        assert best_of(trials).epochs == taken
    [trial] = tried([net], gaussian_nll, X[:19], noise[:19], tune=True)
    found = (trial.epochs, trial.loss, trial.score)
    assert found == (1000, np.inf, -np.inf)  # too few to keep some aside


def test_a_quarter_is_clearly_too_few_by_a_hundredth_of_the_score(monkeypatch):
    scores = {1 / 4: 0.5, 1 / 16: 0.25, 4: 0.75}

    def scores_of(aside, net, optimizer, rate, times):
        return 1.0, scores[times]

    monkeypatch.setattr(nn.train.validation._Aside, "_scores_of", scores_of)
    rules = [SGD(), SGD(momentum=0.5)]
    for scores[1], best_epoch, epochs in (
        (0.511, False, [300, 75, 19, 1200]), (0.509, False, [300, 75, 19]),
        (0.511, True, [75, 1200]),
    ):  # fmt: skip
        trials = tried(
            *bend(n=160), lr=lambda updates: 0.1, optimizers=rules, tune=True, best_epoch=best_epoch
        )
        assert [trial.epochs for trial in trials] == [300, 300, *epochs]
        assert [t.optimizer is rules[1] for t in trials].count(True) == (not best_epoch)


def test_trials_are_of_the_best_epoch_where_the_training_takes_it(monkeypatch):
    """Written by hand: noise, which is learned by heart, has its least loss before the end."""
    monkeypatch.setattr(nn.train.defaults, "UPDATES", 400)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 8)), rng.normal(size=60)
    net = MLP(8, [16, 1], rng=rng)
    for best_epoch in (True, False):
        [trial, *_] = tried([net], gaussian_nll, X, y, lr=lambda updates: 0.1, tune=True,
                            best_epoch=best_epoch)  # fmt: skip
        rng, losses = np.random.default_rng(5), []
        parts = np.array_split(rng.permutation(60), 5)
        for part in parts:
            one, rows = copy.deepcopy(net), np.concatenate([p for p in parts if p is not part])
            history = fit(one, gaussian_nll, X[rows], y[rows], epochs=200, batch_size=16, lr=0.1,
                          optimizer=SGD(), rng=copy.deepcopy(rng), progress=False,
                          validation=(X[part], y[part]))  # fmt: skip
            after = [row.validation_loss for row in history]
            losses.append(min(after) if best_epoch else after[-1])
        assert trial.loss == pytest.approx(np.mean(losses), rel=1e-9)


def test_of_optimizers_the_one_with_the_least_loss_is_taken_for_the_best_network(short):
    nets, loss, X, y = bend()
    rules = [SGD(weight_decay=decay) for decay in (0.01, 10)]
    assert {t.optimizer for t in tried(nets, loss, X, y, optimizers=rules)} == {rules[0]}
    trials = tried(nets, loss, X, y, optimizers=rules, tune=True)
    assert (trials[2].net, trials[2].optimizer) == (nets[0], rules[1])
    assert best_of(trials).optimizer is rules[0]
    noise = np.random.default_rng(1).normal(size=60)
    assert best_of(tried(nets, loss, X, noise, optimizers=rules, tune=True)).optimizer is rules[1]
    trials = tried(nets, loss, X, 2 * X[:, 0] + 1, optimizers=rules, tune=True)
    assert {trial.net for trial in trials[2:]} == {nets[1]}


def test_a_hidden_layer_is_taken_where_it_is_needed(short):
    nets, loss, X, y = bend()
    before = [net.state_dict() for net in nets]
    with_one, without = tried(nets, loss, X, y)
    assert (with_one.net, without.net) == (nets[0], nets[1])
    assert with_one.loss < 0.3 * without.loss
    assert best_of([without, with_one]) is with_one
    assert best_of(tried(nets, loss, X, 2 * X[:, 0] + 1)).net is nets[1]
    for net, state in zip(nets, before, strict=True):
        assert all((net.state_dict()[name] == array).all() for name, array in state.items())


def test_of_fewer_than_20_examples_nothing_is_kept_aside(short):
    nets, loss, X, y = bend(n=20)
    assert len(tried(nets, loss, X, y)) == 2
    [trial] = tried(nets, loss, X[:19], y[:19])
    assert (trial.net, trial.loss) == (nets[0], np.inf)
    assert trial.lr == min(trial.rates, key=trial.rates.get)


def test_epochs_that_are_given_are_those_compared(monkeypatch):
    seen = []

    def fit(net, loss, X, y, *, lr, epochs, **settings):
        seen.append((epochs, lr))
        return nn.fit(net, loss, X, y, lr=lr, epochs=epochs, **settings)

    monkeypatch.setattr(nn.train.validation, "fit", fit)
    monkeypatch.setattr(nn.train.validation, "find_lr", lambda *a, **k: (0.1, {0.1: 1.0}))
    tried(*bend(), epochs=3)
    assert seen == [(3, 0.1)] * 10


def test_of_1000_examples_a_fifth_is_kept_aside_once(short, monkeypatch):
    seen = []

    def fit(net, loss, X, y, **settings):
        seen.append(len(X))
        return nn.fit(net, loss, X, y, **settings | {"epochs": 1})

    monkeypatch.setattr(nn.train.validation, "fit", fit)
    nets, loss, X, y = bend(n=1000)
    for n, sizes in ((999, [799, 799, 799, 799, 800]), (1000, [800])):
        seen.clear()
        tried(nets, loss, X[:n], y[:n], lr=lambda updates: 0.1)
        assert seen == sizes * 2
    seen.clear()
    [trial] = tried(nets[:1], loss, X, y, lr=lambda updates: 0.1)
    assert (seen, trial.loss) == ([], np.inf)  # nothing to choose


def test_a_rate_that_diverges_gives_way_to_the_next_and_a_network_to_the_other(short, monkeypatch):
    nets, loss, X, y = bend()

    def fit(net, *data, lr, **settings):
        rate = lr(1) if callable(lr) else lr
        if (len(net.layers), round(rate, 3)) in [(2, 0.3), (1, 0.1)]:
            raise FloatingPointError
        return nn.fit(net, *data, lr=lr, **settings | {"epochs": 1})

    monkeypatch.setattr(nn.train.validation, "fit", fit)
    monkeypatch.setattr(nn.train.validation, "find_lr", lambda *a, **k: (0.3, {0.3: 1.0}))
    trials = tried(nets, loss, X, y)
    assert {len(trial.net.layers): trial.lr for trial in trials} == {2: 0.1, 1: 0.3}
    first, second = tried(nets, loss, X, y, lr=lambda updates: 0.1)
    assert (first.net, second.loss, second.lr) == (nets[0], np.inf, None)


def test_a_far_value_is_as_far_as_it_may_be_and_no_farther():
    X = np.zeros((401, 2))
    X[0, 0] = 1  # 20 deviations from the mean
    X[:9, 1] = 1  # 6.6
    mean, scale = standard(X, farthest=10)
    assert ((X - mean) / scale).max(axis=0) == pytest.approx([10, np.sqrt(392 / 9)])
    assert (standard(X)[1] == X.std(axis=0)).all()
    assert standard(-X, farthest=10)[1] == pytest.approx(scale)
