"""What stands beside a network's scores, against scikit-learn and by hand."""

import numpy as np
import pytest

from nn import categorical_nll, datasets, table_data
from nn.train.baselines import balanced_accuracy, baselines
from tests.cases import for_each


def test_balanced_accuracy_is_the_mean_over_classes():
    y = np.array([0, 0, 0, 0, 1, 1, 2])
    outputs = np.eye(3)[[0, 0, 0, 1, 1, 0, 1]]
    assert balanced_accuracy(outputs, y) == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)
    assert balanced_accuracy(np.array([1.0, -1.0]), np.array([1, 1])) == 0.5  # one class alone


def imbalanced(tmp_path, **options):
    """19 of 20 rows say no, and x does not say which."""
    rows = ["x,k", *(f"{i * 37 % 101},{'no' if i % 20 else 'yes'}" for i in range(400))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    return table_data(tmp_path / "t.csv", "k", **options)


@for_each("loss", [None, categorical_nll])
def test_the_commonest_class_looks_good_and_is_not(tmp_path, loss):
    data = imbalanced(tmp_path, loss=loss)
    share = (data.y_test == 0).mean()
    always, linear = baselines(data)
    assert always.name == "always 'no', the commonest class"
    assert always.scores == {"accuracy": share, "balanced_accuracy": 0.5}
    assert linear.name == "ridge regression on 0 and 1"  # a linear network is another thing
    assert linear.scores["balanced_accuracy"] == 0.5


def test_the_mean_explains_nothing(tmp_path):
    rows = ["x,y", *(f"{i * 37 % 101},{(i * 37 % 101) * 0.5 + 3}" for i in range(100))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    data = table_data(tmp_path / "t.csv", "y")
    mean, linear = baselines(data)
    assert mean.name.endswith(", the mean") and mean.scores["r2"] <= 0
    assert linear.name == "a linear model (ridge regression)"
    assert linear.scores["r2"] == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diabetes", "iris"])
def test_the_linear_model_is_scikit_learn_s(name):
    from sklearn.linear_model import Ridge, RidgeClassifier

    data = datasets.load(name)
    model = (RidgeClassifier if data.classes else Ridge)(alpha=1.0).fit(data.X_train, data.y_train)
    theirs = model.score(data.X_test, data.y_test)
    assert baselines(data)[1].scores["accuracy" if data.classes else "r2"] == pytest.approx(theirs)


def test_more_columns_than_rows_are_no_hindrance(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60))
    head = ",".join([*(f"x{j}" for j in range(60)), "y"])
    rows = [",".join(map(str, [*x, x[0] * 2])) for x in X.tolist()]
    (tmp_path / "t.csv").write_text("\n".join([head, *rows]))
    data = table_data(tmp_path / "t.csv", "y")
    _, wide = baselines(data)
    A = data.X_train.T @ data.X_train + np.eye(60)
    w = np.linalg.solve(A, data.X_train.T @ (data.y_train - data.y_train.mean()))
    a = data.X_test @ w + data.y_train.mean()
    r2 = 1 - ((a - data.y_test) ** 2).sum() / ((data.y_test - data.y_test.mean()) ** 2).sum()
    assert wide.scores["r2"] == pytest.approx(r2)
