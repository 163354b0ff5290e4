"""Networks with scikit-learn's interface."""

import copy
import importlib
import sys
import warnings

import numpy as np
import pytest

from nn import MLP, SGD, bernoulli_nll, datasets, find_lr, fit, growing
from nn.model.activations import ACTIVATIONS
from tests.cases import for_each

pytestmark = pytest.mark.slow  # scikit-learn's import alone takes a second

import nn.estimators  # noqa: E402
from nn.estimators import NetworkClassifier, NetworkRegressor  # noqa: E402
from nn.train.validation import Trial  # noqa: E402

QUICK = {"widths": [16], "lr": 0.3, "batch_size": 8, "epochs": 20, "random_state": 0}


@for_each("kind", [NetworkClassifier, NetworkRegressor])
def test_scikit_learns_own_checks(kind):
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that it skips
        results = check_estimator(kind(widths=[16], lr=0.1, epochs=50), on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert len(results) > 40
    assert not failed


def blobs(n=60, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    return rng.normal(size=(n, 2)) + 4 * np.eye(3)[y, :2], np.array(["no", "yes", "or"])[y]


def test_classes_are_words_with_probabilities():
    X, y = blobs()
    found = NetworkClassifier(**QUICK).fit(X, y)
    assert found.classes_.tolist() == ["no", "or", "yes"]
    p = found.predict_proba(X)
    a = found.net_.predict((X - found.x_mean_) / found.x_scale_)
    assert np.allclose(p, np.exp(a) / np.exp(a).sum(axis=1, keepdims=True), rtol=1e-12)
    assert (found.predict(X) == found.classes_[p.argmax(axis=1)]).all()
    assert found.score(X, y) > 0.9


def test_it_is_the_training_that_can_be_written_by_hand():
    """The same parameters, to the bit: nothing is hidden in it."""
    moons = datasets.load("moons")
    X, y = moons.X_train[:100] * 3 + 1, moons.y_train[:100]
    found = NetworkClassifier(widths=[4], epochs=2, random_state=7).fit(X, y)
    seed = np.random.RandomState(7).randint(2**31 - 1)
    weights, batches, tried, parts = np.random.default_rng(seed).spawn(4)
    Z, order = (X - X.mean(axis=0)) / X.std(axis=0), parts.permutation(100)
    net, rule = MLP(2, [4, 1], rng=weights), SGD(weight_decay=1 / 100)
    lr, _ = find_lr(net, bernoulli_nll, Z[order], y[order], optimizer=rule, rng=tried)
    fit(net, bernoulli_nll, Z[order], y[order], epochs=2, batch_size=16, lr=lr, optimizer=rule,
        rng=batches, progress=False)  # fmt: skip
    assert np.allclose(found.predict_proba(X)[:, 1], ACTIVATIONS["sigmoid"].g(net.predict(Z)))


def test_hidden_layers_that_are_not_given_are_chosen(monkeypatch):
    X, y = blobs()
    few = NetworkClassifier(random_state=0, lr=0.1, epochs=3).fit(X[:19], y[:19])
    assert len(few.net_.layers) == 2
    asked = []

    def try_networks(nets, *data, lr, epochs, optimizers, tune, **settings):
        assert (epochs, tune) == (2, False)
        asked.append(([len(net.layers) for net in nets], lr and lr(1)))
        return [Trial(nets[-1], optimizers[0], 0.2, {}, 2, 1.0, 0)]

    monkeypatch.setattr(nn.estimators, "try_networks", try_networks)
    for settings, layers, rate, question in (
        ({}, 1, 0.2, ([2, 1], None)),
        ({"lr": 0.3}, 1, 0.3, ([2, 1], 0.3)),
        ({"widths": [4]}, 2, 0.2, ([2], None)),
        ({"activation": ["tanh"]}, 2, 0.2, ([2], None)),
        ({"widths": [4], "lr": 0.3}, 2, 0.3, ([2], 0.3)),
    ):
        asked.clear()
        found = NetworkClassifier(random_state=0, epochs=2, **settings).fit(X, y)
        assert (len(found.net_.layers), found.history_[0].lr) == (layers, rate)
        assert asked == [question]


def test_epochs_and_decay_that_are_not_given_are_those_with_the_least_loss_on_rows_kept_aside(
    monkeypatch,
):
    X, y = blobs(1249)
    asked = []

    def try_networks(nets, *data, optimizers, tune, best_epoch, **settings):
        asked.append(([rule.given for rule in optimizers], tune, best_epoch))
        tried = [(optimizers[0], 12, 2.0), (optimizers[-1], 3, 1.0)]
        return [Trial(nets[-1], rule, 0.2, {}, epochs, loss, 0) for rule, epochs, loss in tried]

    def fit(net, loss, X, y, *, optimizer, **settings):
        asked.append(optimizer.given)
        return nn.fit(net, loss, X, y, optimizer=optimizer, **settings)

    monkeypatch.setattr(nn.estimators, "try_networks", try_networks)
    monkeypatch.setattr(nn.estimators, "fit", fit)
    for n in (1248, 1249):  # if a fifth is kept aside in the training, that tells the best epoch
        few = NetworkClassifier(random_state=0, lr=0.1, widths=[]).fit(X[:n], y[:n])
        assert len(few.history_) == 3
    light, heavy = {"weight_decay": 1 / 1248}, {"weight_decay": 10 / 1248}
    assert asked[:2] == [([light, heavy], True, False), heavy]
    light, heavy = {"weight_decay": 1 / 1000}, {"weight_decay": 10 / 1000}
    assert asked[2:] == [([light, heavy], True, True), heavy]
    asked.clear()
    NetworkClassifier(random_state=0, lr=0.1, widths=[], optimizer=SGD()).fit(X[:50], y[:50])
    assert asked == [([{}], True, False), {}]


def test_a_fifth_is_kept_aside_if_1000_rows_are_left():
    X, y = blobs(1249)
    settings = {"widths": [], "random_state": 0, "lr": 0.1}
    few = NetworkClassifier(**settings).fit(X[:1248], y[:1248])
    more = NetworkClassifier(**settings).fit(X, y)
    given = NetworkClassifier(**settings, epochs=2).fit(X, y)
    assert few.history_[-1].updates == few.history_[-1].epoch * 78
    assert more.history_[-1].updates == more.history_[-1].epoch * 62
    aside = [found.history_[-1].validation_loss is not None for found in (few, more, given)]
    assert aside == [False, True, False]


def test_a_batch_may_have_all_rows_if_a_fifth_is_kept_aside_too():
    X, y = blobs(1250)
    settings = {"widths": [], "random_state": 0, "lr": 0.1}
    found = NetworkClassifier(**settings, batch_size=1250).fit(X, y)
    assert {row.batch_size for row in found.history_} == {1000}
    with pytest.raises(ValueError, match="from 1 to n = 1250, got 1251"):
        NetworkClassifier(**settings, batch_size=1251).fit(X, y)


def test_a_rare_far_value_is_at_most_15_from_0():
    X, y = blobs(400)
    X = np.column_stack([X, np.arange(400) == 3])
    found = NetworkClassifier(**QUICK | {"epochs": 1}).fit(X, y)
    z = (X - found.x_mean_) / found.x_scale_
    assert z[3, 2] == pytest.approx(15)
    assert z[:, :2].std(axis=0) == pytest.approx([1, 1])


def test_numbers_are_predicted_in_their_own_units():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) * [1, 100, 0.01]
    y = 1000 + 50 * X[:, 0] - X[:, 1]
    one = NetworkRegressor(**QUICK | {"widths": []}).fit(X, y)
    assert one.predict(X) == pytest.approx(y, abs=5)
    both = NetworkRegressor(**QUICK | {"widths": []}).fit(X, np.column_stack([y, -y]))
    assert both.predict(X).shape == (200, 2)
    assert both.predict(X)[:, 1] == pytest.approx(-y, abs=5)


def test_in_a_pipeline_with_a_grid():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    X, y = blobs()
    steps = make_pipeline(PolynomialFeatures(2), NetworkClassifier(**QUICK))
    grid = {"networkclassifier__widths": [[], [4]], "networkclassifier__activation": ["tanh"]}
    found = GridSearchCV(steps, grid, cv=3).fit(X, y)
    assert found.best_score_ > 0.8
    assert isinstance(found.best_estimator_[-1].net_, MLP)


@for_each("seed", [3, np.random.RandomState(3)], ids=["number", "generator"])
def test_the_same_seed_is_the_same_training(seed):
    X, y = blobs()
    first, second = (
        NetworkClassifier(**{**QUICK, "random_state": copy.deepcopy(seed)})
        .fit(X, y)
        .predict_proba(X)
        for _ in range(2)
    )
    assert (first == second).all()


@for_each(
    "settings, message",
    [
        ({"widths": [0]}, "d1 must be a positive whole number"),
        ({"activation": "tanhh"}, "unknown activation 'tanhh'"),
        ({"optimizer": "sdg"}, "unknown optimizer 'sdg'"),
        ({"epochs": 0}, "epochs must be a positive whole number"),
        ({"batch_size": 61}, "batch_size must be a whole number from 1 to n = 60"),
        ({"batch_size": 0, "epochs": None}, "batch_size must be a whole number from 1 to n = 60"),
        ({"batch_size": "full"}, "batch_size must be a whole number from 1 to n = 60"),
        ({"widths": 16}, "widths must be a list of the hidden layers', got 16"),
        ({"lr": -1}, "lr"),
    ],
)
def test_settings_are_refused_by_name(settings, message):
    X, y = blobs()
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(**{**QUICK, **settings}).fit(X, y)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match=r"one class only, \['a'\]: two or more"):
        NetworkClassifier().fit([[0.0], [1.0]], ["a", "a"])


def test_without_scikit_learn_it_says_how_to_install(monkeypatch):
    for module in [m for m in sys.modules if m.split(".")[0] == "sklearn"] + ["nn.estimators"]:
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r"scikit-learn 1.6.*pip install"):
        importlib.import_module("nn.estimators")


def test_at_a_rate_that_diverges_later_the_next_is_taken(monkeypatch):
    """The short test does not see all that a whole training meets."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    monkeypatch.setattr(nn.train.validation, "find_lr", lambda *a, **k: (1e3, {1e3: 0.0}))
    monkeypatch.setattr(nn.estimators, "next_rate", {1e3: 100.0, 100.0: 0.1}.get)
    found = NetworkRegressor(widths=[4], epochs=5, random_state=0).fit(X, y)
    assert found.history_[-1].lr == 0.1
    with pytest.raises(FloatingPointError):
        NetworkRegressor(widths=[4], lr=1e3, epochs=5, random_state=0).fit(X, y)


def test_the_rate_has_fallen_to_0_in_the_end_with_growing_batches_too():
    X, y = blobs(100)
    found = NetworkClassifier(widths=[], batch_size=growing(4, 2, period=20), random_state=0)
    history = found.fit(X, y).history_
    assert history[0].lr > 0.01
    assert history[-1].lr == 0.0


def test_rows_that_are_sorted_make_no_difference():
    """The rate is tried on rows of all classes, whatever comes first."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 2000)
    X = rng.normal(size=(4000, 2)) + y[:, None]
    net = MLP(2, [1], rng=rng)
    order = rng.permutation(4000)
    _, of_sorted = find_lr(net, bernoulli_nll, X, y, rates=[0.3])
    _, of_shuffled = find_lr(net, bernoulli_nll, X[order], y[order], rates=[0.3])
    assert of_sorted[0.3] == pytest.approx(of_shuffled[0.3], rel=0.1)


def test_numbers_that_can_not_be_standardised_are_refused_by_column():
    X, y = blobs()
    with pytest.raises(ValueError, match="column 1 can't be standardised"):
        NetworkClassifier(**QUICK).fit(X * [1, 1e200], y)
    for factor in (1e200, 1e-200):
        with pytest.raises(ValueError, match="column 'y' can't be standardised"):
            NetworkRegressor(**QUICK).fit(X, X[:, 0] * factor)
    with pytest.raises(ValueError, match=r"column 'y\[:, 1\]' can't be standardised"):
        NetworkRegressor(**QUICK).fit(X, X * [1, 1e200])
