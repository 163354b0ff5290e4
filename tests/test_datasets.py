"""The data sets: what is in them, how they are split, and how they are standardised."""

import re
import sys

import numpy as np
import pytest

from nn import bernoulli_nll, categorical_nll, gaussian_nll
from nn.data.datasets import FARTHEST, NAMES, _moons, first_names, load
from tests.cases import for_each

# name: rows, columns, classes, outputs of a network for it, its loss
FACTS = {
    "digits": (1797, 64, tuple("0123456789"), 10, categorical_nll),
    "iris": (150, 4, ("setosa", "versicolor", "virginica"), 3, categorical_nll),
    "breast_cancer": (569, 30, ("malignant", "benign"), 1, bernoulli_nll),
    "diabetes": (442, 10, (), 1, gaussian_nll),
    "moons": (500, 2, ("upper", "lower"), 1, bernoulli_nll),
}
# Slow: scikit-learn's import alone takes a second.
REAL = [pytest.param(name, marks=pytest.mark.slow) for name in FACTS if name != "moons"]


def raw(name):
    """The numbers as scikit-learn has them."""
    from sklearn import datasets as bundled  # takes a second

    bunch = getattr(bundled, f"load_{name}")()
    return bunch.data, bunch.target


def original(data):
    """The rows of a data set as they were, training part first: (n, d_0 + 1), y last."""
    X = np.vstack([data.X_train, data.X_test]) * data.x_scale + data.x_mean
    y = np.concatenate([data.y_train, data.y_test]) * data.y_scale + data.y_mean
    return np.column_stack([X, y])


def sorted_rows(table):
    return table[np.lexsort(np.round(table, 6).T)]


def test_the_names_are_all_there():
    assert set(NAMES) == set(FACTS)


@pytest.mark.parametrize("name", [*REAL, "moons"])
def test_a_data_set_has_its_size_and_its_classes(name):
    n, d0, classes, outputs, loss = FACTS[name]
    data = load(name)
    n_test = round(n * 0.2)
    assert data.name == name
    assert data.X_train.shape == (n - n_test, d0)
    assert data.X_test.shape == (n_test, d0)
    assert data.y_train.shape == (n - n_test,)
    assert data.y_test.shape == (n_test,)
    assert (data.classes, data.outputs, data.loss) == (classes, outputs, loss)
    assert len(data.features) == d0
    assert all(type(text) is str for text in (*data.features, *data.classes))
    if classes:
        for y in (data.y_train, data.y_test):
            assert np.issubdtype(y.dtype, np.integer)
            assert set(y.tolist()) == set(range(len(classes)))
        assert (data.y_mean, data.y_scale) == (0.0, 1.0)


@pytest.mark.parametrize("name", [*REAL, "moons"])
def test_columns_have_mean_0_and_deviation_1_on_the_training_part(name):
    data = load(name)
    np.testing.assert_allclose(data.X_train.mean(axis=0), 0.0, atol=1e-12)
    std, farthest = data.X_train.std(axis=0), np.abs(data.X_train).max(axis=0)
    constant, bounded = std == 0, np.isclose(farthest, FARTHEST)
    np.testing.assert_allclose(std[~constant & ~bounded], 1.0, rtol=1e-12)
    # A pixel that is dark in nearly every picture is bounded where it isn't.
    assert bounded.any() == (name == "digits")
    assert (std[bounded] < 1).all()
    assert (farthest <= FARTHEST * (1 + 1e-12)).all()
    # Some pixels of the digits are the same in every picture: shifted to 0, and not scaled.
    assert constant.any() == (name == "digits")
    assert (data.x_scale[constant] == 1.0).all()
    assert np.isfinite(data.X_test).all()
    if name == "diabetes":
        assert data.y_train.mean() == pytest.approx(0.0, abs=1e-12)
        assert data.y_train.std() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("name", REAL)
def test_the_split_is_the_whole_and_disjoint(name):
    X, y = raw(name)
    whole = np.column_stack([X, y])
    ours = original(load(name))
    assert ours.shape == whole.shape
    np.testing.assert_allclose(sorted_rows(ours), sorted_rows(whole), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", REAL)
def test_the_scaling_is_learnt_on_the_training_part_alone(name):
    data = load(name, seed=3)
    n_train = len(data.X_train)
    rows = original(data)
    train, test = rows[:n_train, :-1], rows[n_train:, :-1]
    mean, std = train.mean(axis=0), train.std(axis=0)
    std = np.maximum(std, np.abs(train - mean).max(axis=0) / FARTHEST)
    std[std < 1e-12] = 1.0
    np.testing.assert_allclose(data.x_mean, mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(data.x_scale, std, rtol=1e-9)
    np.testing.assert_allclose(data.X_test, (test - mean) / std, rtol=1e-6, atol=1e-9)
    # Had the test part been in it, the test means would be off the other way: they are not 0.
    assert np.abs(data.X_test.mean(axis=0)).max() > 0.01
    if name == "diabetes":
        y = rows[:, -1]
        y_mean, y_std = y[:n_train].mean(), y[:n_train].std()
        assert data.y_mean == pytest.approx(y_mean, rel=1e-12)
        assert data.y_scale == pytest.approx(y_std, rel=1e-12)
        np.testing.assert_allclose(data.y_test, (y[n_train:] - y_mean) / y_std, atol=1e-12)


def same(a, b):
    parts = ("X_train", "y_train", "X_test", "y_test")
    return all(np.array_equal(getattr(a, part), getattr(b, part)) for part in parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_the_seed_makes_the_split(name):
    assert same(load(name, seed=5), load(name, seed=5))
    assert same(load(name), load(name, seed=0))
    assert not same(load(name, seed=5), load(name, seed=6))


@pytest.mark.slow
def test_the_split_is_random():
    # Iris comes sorted by class; 30 of 150 in their order would be of one class alone.
    counts = np.bincount(load("iris").y_test, minlength=3)
    assert counts.sum() == 30
    assert counts.min() >= 3


def test_the_moons_are_made_from_the_seed():
    one, other = (sorted_rows(original(load("moons", seed=seed))) for seed in (1, 2))
    assert np.abs(one - other).max() > 0.01  # other points, not only another split
    upper, lower = (one[one[:, 2] == k] for k in (0, 1))
    assert len(upper) == len(lower) == 250
    assert upper[:, 1].mean() > lower[:, 1].mean() + 0.5  # each class is where its name says


@for_each("test_size, n_test", [(0.5, 250), (0.01, 5), (0.99, 495), (1 / 3, 167)])
def test_test_size_is_a_fraction(test_size, n_test):
    data = load("moons", test_size=test_size)
    assert (len(data.X_train), len(data.X_test)) == (500 - n_test, n_test)
    assert (len(data.y_train), len(data.y_test)) == (500 - n_test, n_test)


@for_each("test_size", [0, 1, -0.2, 1.5, 30, 0.001, 0.999, float("nan")])
def test_a_test_size_that_leaves_a_part_empty_is_refused(test_size):
    with pytest.raises(ValueError, match=rf"test_size.*{test_size}"):
        load("moons", test_size=test_size)


@pytest.mark.parametrize("name", ["mnist", "", "Iris"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"'{name}'") as info:
        load(name)
    assert all(known in str(info.value) for known in FACTS)


def test_without_scikit_learn_it_says_how_to_install(monkeypatch):
    for module in [*[m for m in sys.modules if m.split(".")[0] == "sklearn"], "sklearn"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=r"scikit-learn.*pip install"):
        load("iris")
    with pytest.raises(ValueError, match="unknown"):  # known without it
        load("mnist")
    assert load("moons").X_train.shape == (400, 2)


@pytest.mark.slow
@for_each("seed", [0, 1, 7, 2**32 - 1, 2**40 + 3])
@for_each("n", [500, 7])
def test_moons_are_scikit_learns_to_the_bit(seed, n):
    from sklearn import datasets as bundled

    X, y = _moons(n, 0.15, seed % 2**32)
    theirs = bundled.make_moons(n_samples=n, noise=0.15, random_state=seed % 2**32)
    assert X.tobytes() == theirs[0].tobytes()
    assert y.tolist() == theirs[1].tolist()
    assert y.dtype == theirs[1].dtype


def test_first_names_are_words_of_small_letters_each_once():
    names = first_names()
    assert len(names) == len(set(names)) == 5163
    assert names == sorted(names)
    assert all(re.fullmatch("[a-z]{2,11}", name) for name in names)
    assert {"mary", "james", "ada"} <= set(names)
