"""Networks with scikit-learn's interface, for its pipelines, grid searches and cross-validation.

>>> from sklearn.datasets import load_iris
>>> from sklearn.model_selection import cross_val_score
>>> from nn.estimators import NetworkClassifier
>>> X, y = load_iris(return_X_y=True)
>>> scores = cross_val_score(NetworkClassifier([16], epochs=20, lr=0.1, random_state=0), X, y)
>>> bool(scores.mean() > 0.93)
True
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ModuleNotFoundError(
        "estimators are built on scikit-learn 1.6 or later: pip install 'scikit-learn>=1.6' "
        "(part of the extra chalkgrad[demo])"
    ) from None

from .arrays import Array, check_batch_size, check_epochs
from .data.datasets import FARTHEST, check_scaled, standard
from .model.likelihoods import LIKELIHOODS, Likelihood, chosen_classes, likelihood_for
from .model.network import MLP
from .train.callbacks import EarlyStopping
from .train.defaults import (
    first_size,
    next_rate,
    updates_of,
    usual_batch_size,
    usual_decays,
)
from .train.fit import fit
from .train.optimizers import SGD
from .train.schedules import BatchSize, LearningRate, cosine
from .train.stepping import Optimizer
from .train.validation import WIDTHS, best_of, enough_to_keep_aside, try_networks

__all__ = ["NetworkClassifier", "NetworkRegressor"]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


class _Network(BaseEstimator):  # type: ignore[misc]
    """What both have: the settings, and the training."""

    def __init__(
        self,
        widths: Sequence[int] | None = None,
        activation: str | Sequence[str] = "relu",
        *,
        optimizer: str | Optimizer | None = None,
        lr: float | LearningRate | None = None,
        batch_size: int | BatchSize | None = None,
        epochs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.widths = widths
        self.activation = activation
        self.optimizer = optimizer
        self.lr = lr
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state

    def _train(self, X: Array, y: Any, likelihood: Likelihood, outputs: int) -> None:
        """Train a network on inputs ``(n, d_0)`` and targets."""
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        weights, batches, tried, order = np.random.default_rng(seed).spawn(4)
        names = getattr(self, "feature_names_in_", range(X.shape[1]))
        X, self.x_mean_, self.x_scale_ = _standardised(X, names, FARTHEST)
        size = usual_batch_size(len(X)) if self.batch_size is None else self.batch_size
        check_batch_size(first_size(len(X), size), len(X))
        if self.epochs is not None:
            check_epochs(self.epochs)
        held_out, stopping = None, list[EarlyStopping]()
        rows = order.permutation(len(X))
        if self.epochs is None and enough_to_keep_aside(len(X)):
            aside, rows = np.split(rows, [len(X) // 5])
            held_out = X[aside], y[aside]
        X, y = X[rows], y[rows]
        size = size if callable(size) else min(size, len(X))
        nets = [
            MLP(X.shape[1], [*widths, outputs], self.activation, rng=copy.deepcopy(weights))
            for widths in self._widths_to_try()
        ]
        given = self.lr
        rules: list[str | Optimizer] = [SGD(weight_decay=d) for d in usual_decays(len(X))]
        if self.optimizer is not None:
            rules = [self.optimizer]
        trials = try_networks(
            nets, likelihood.loss, X, y, optimizers=rules, rng=tried,
            batch_size=first_size(len(X), size),
            lr=None if given is None else lambda updates: given, epochs=self.epochs,
            tune=self.epochs is None, best_epoch=held_out is not None,
        )  # fmt: skip
        best = best_of(trials)
        net, epochs, self.optimizer_ = best.net, best.epochs, best.optimizer
        if held_out is not None:
            stopping = [EarlyStopping(patience=epochs)]  # it gives the best epoch's parameters
        lr: Any = best.lr if given is None else given
        falls = given is None and self.epochs is None
        start = net.state_dict()
        while True:
            try:
                self.history_ = fit(
                    net, likelihood.loss, X, y, epochs=epochs, batch_size=size,
                    lr=cosine(lr, updates_of(len(X), size, epochs)) if falls else lr,
                    optimizer=self.optimizer_, rng=copy.deepcopy(batches), validation=held_out,
                    callbacks=stopping, progress=False,
                )  # fmt: skip
                break
            except FloatingPointError:
                smaller = next_rate(lr) if self.lr is None else None
                if smaller is None:
                    raise
                lr = smaller
                net.load_state_dict(start)
        self.net_ = net

    def _widths_to_try(self) -> Sequence[Sequence[int]]:
        if self.widths is None:
            return WIDTHS if isinstance(self.activation, str) else WIDTHS[:1]
        try:
            return [list(self.widths)]
        except TypeError:
            raise ValueError(
                f"widths must be a list of the hidden layers', got {self.widths!r}"
            ) from None

    def _outputs(self, X: ArrayLike) -> Array:
        """Pre-activations at the top for the rows of ``X``, ``(n,)`` or ``(n, d_L)``."""
        check_is_fitted(self)
        checked: Array = validate_data(self, X, reset=False, dtype=float)
        return self.net_.predict((checked - self.x_mean_) / self.x_scale_)


def _standardised(X: Array, names: Sequence[Any], farthest: float = np.inf) -> tuple[Any, Any, Any]:
    """The columns standardised, their means, and what they were divided by.

    Raises:
        ValueError: a column can't be standardised.
    """
    with np.errstate(all="ignore"):
        mean, scale = standard(X, farthest)
        Z = (X - mean) / scale
    check_scaled(names, np.atleast_1d(np.isfinite(Z).all(axis=0) & np.isfinite(scale)))
    return Z, mean, scale


class NetworkClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """An `MLP` that tells classes apart, with scikit-learn's interface.

    It is trained by `fit` with the loss that fits the classes: `bernoulli_nll` for two,
    `categorical_nll` for more. Inputs are standardised by the rows that it is fitted to. What is
    not given is chosen for the data as the command line chooses it.

    Args:
        widths: of the hidden layers; none for logistic or softmax regression. If not given, one
            layer of 32 or none: which has the smaller loss on a fifth of the rows, kept aside
            before the training (of fewer than 1,000 rows each fifth in turn; of fewer than 20 none,
            and it is 32).
        activation: as in `MLP`.
        optimizer: as in `fit`; if not given, SGD with a weight decay of 1/n for n rows, but
            0.01 at most; or of 10/n, if it has the smaller loss on rows kept aside (not tried if
            ``epochs`` are given, or a fifth is kept aside in the training).
        lr: a rate, or a schedule. If not given, a short test with eight of them (`find_lr`) chooses
            one, or a smaller one if the training diverges at that; it falls to 0 along half a
            cosine if ``epochs`` are not given either.
        batch_size: as in `fit`; if not given, 16, or all rows if they are fewer; no more than the
            rows that are left when some are kept aside.
        epochs: how many. If not given, enough for 3,000 updates, or 200 (fewer beyond 100,000
            updates, but at least 20); or a quarter or a 16th of them, or four times as many if a
            quarter is clearly too few, whichever has the least loss on rows kept aside. If 1,000
            rows or more are left then, a fifth is kept aside in the training too, the network is
            that of the epoch with the least loss on it, and a 16th is not tried.
        random_state: a seed, NumPy's ``RandomState``, or None for another training every time.

    Attributes:
        net_: the `MLP`, for standardised inputs.
        history_: what `fit` returned.
        optimizer_: what it was given, as ``SGD(weight_decay=0.01)``.
        classes_: the classes, sorted, ``(K,)``.
        x_mean_, x_scale_: what is subtracted from inputs, then divided by, ``(d_0,)``: the standard
            deviation, or more where a rare value would be farther than 15 from 0.

    Raises:
        ValueError: there is one class only; a column's numbers are too large, or too close to each
            other; or a setting is none that `MLP` or `fit` takes.

    >>> moons = NetworkClassifier(epochs=20, random_state=0)
    >>> from nn import datasets
    >>> data = datasets.load("moons")
    >>> _ = moons.fit(data.X_train, data.y_train)
    >>> moons.net_
    MLP(2, [32, 1], activation='relu', bias=True)
    >>> bool(moons.score(data.X_test, data.y_test) > 0.95)
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> NetworkClassifier:
        """Train on inputs ``(n, d_0)`` and a class for each, ``(n,)``: numbers or words."""
        checked: Array
        checked, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        K = len(self.classes_)
        if K < 2:
            raise ValueError(
                f"y has one class only, {self.classes_.tolist()}: two or more are needed"
            )
        likelihood = likelihood_for(K)
        self._train(checked, indices, likelihood, likelihood.outputs(K))
        return self

    def predict(self, X: ArrayLike) -> Any:
        """The most probable class of each row, ``(n,)``."""
        chosen = chosen_classes(self._outputs(X))
        return self.classes_[chosen]

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probabilities of the classes, ``(n, K)``, in the order of ``classes_``."""
        a = self._outputs(X)
        return likelihood_for(len(self.classes_)).probabilities(a)


class NetworkRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """An `MLP` that predicts numbers, with scikit-learn's interface; its loss is `gaussian_nll`.

    Targets are standardised as inputs are; predictions are in the units of the targets.

    Args:
        widths, activation, optimizer, lr, batch_size, epochs, random_state: as in
            `NetworkClassifier`.

    Attributes:
        net_, history_, x_mean_, x_scale_: as in `NetworkClassifier`.
        y_mean_, y_scale_: the same for the targets, numbers, or ``(k,)`` for several targets.

    Raises:
        ValueError: a column's numbers are too large, or too close to each other; or a setting is
            none that `MLP` or `fit` takes.

    >>> from nn import datasets
    >>> data = datasets.load("diabetes")
    >>> line = NetworkRegressor(widths=[], epochs=20, random_state=0)
    >>> _ = line.fit(data.X_train, data.y_train)
    >>> line.net_
    MLP(10, [1], bias=True)
    """

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: several targets at once are welcome."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> NetworkRegressor:
        """Train on inputs ``(n, d_0)`` and targets ``(n,)``, or ``(n, k)`` for k at once."""
        checked: Array
        checked, y = validate_data(self, X, y, dtype=float, multi_output=True, y_numeric=True)
        y = np.asarray(y, dtype=float)
        names = ["y"] if y.ndim == 1 else [f"y[:, {k}]" for k in range(y.shape[1])]
        z, self.y_mean_, self.y_scale_ = _standardised(y, names)
        self._train(checked, z, LIKELIHOODS["gaussian"], 1 if z.ndim == 1 else z.shape[1])
        return self

    def predict(self, X: ArrayLike) -> Array:
        """The predictions, ``(n,)`` or ``(n, k)``."""
        return np.asarray(self._outputs(X) * self.y_scale_ + self.y_mean_)
