"""The lecture's three losses: negative log likelihoods of one example, with a row for each.

All take the pre-activations ``a`` at the top of a network, and give one Value, labelled ``loss``.
The error signal Delta^(L) = dL/da is then the ``.grad`` of ``a``.

| loss              | model of y                   | Delta^(L)        |
|-------------------|------------------------------|------------------|
| `gaussian_nll`    | normal, mean a, variance 1   | a - y            |
| `bernoulli_nll`   | P(y = 1) = sigmoid(a)        | sigmoid(a) - y   |
| `categorical_nll` | P(y = k) = softmax(a)_k      | softmax(a) - y   |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd
from autograd import Value, dot, logsumexp, softplus, where
from autograd.value import real

from ..arrays import Array, check_takes, real_array
from .activations import ACTIVATIONS

Number = Value | float
Loss = Callable[[Any, Any], Any]


def gaussian_nll(a: Any, y: Any) -> Any:
    """Squared error, sum_k (y_k - a_k)^2 / 2: regression with Gaussian noise of variance 1.

    The constant log(2 pi)/2 is left out. Its error signal is a - y.

    Args:
        a: pre-activations, one or a sequence of ``(d_L,)``.
        y: targets, of the same shape.

    Raises:
        ValueError: ``a`` and ``y`` differ in shape.
        TypeError: a target is neither a number nor a Value.

    >>> a = Value(3.0)
    >>> loss = gaussian_nll(a, 1.0)
    >>> loss.backward()
    >>> loss.data, a.grad
    (2.0, 2.0)
    """
    residuals = [y_k - a_k for a_k, y_k in _pairs(a, y)]
    return _total([r * r / 2 for r in residuals])


def bernoulli_nll(a: Any, y: Any) -> Any:
    """Logistic loss, sum_k y_k softplus(-a_k) + (1 - y_k) softplus(a_k): two classes.

    That is -log P(y) for P(y = 1) = sigmoid(a), in the form that keeps its digits where the loss
    is tiny. Its error signal is sigmoid(a) - y.

    Args:
        a: pre-activations (log odds), one or a sequence of ``(d_L,)``.
        y: targets in [0, 1], of the same shape.

    Raises:
        ValueError: ``a`` and ``y`` differ in shape, or a target lies outside [0, 1].
        TypeError: a target is neither a number nor a Value.

    >>> bernoulli_nll(Value(40.0), 1).data
    4.248354255291589e-18
    """
    pairs = _pairs(a, y)
    for _, y_k in pairs:
        _check_unit_interval(y_k)
    return _total([_of_odds(a_k, y_k) for a_k, y_k in pairs])


def _of_odds(a: Number, y: Number) -> Any:
    """The loss of one output."""
    one, other = y * softplus(-a), (1 - y) * softplus(a)
    if math.isinf(a.data if isinstance(a, Value) else a):  # what has weight 0 would be 0 times inf
        one, other = where(y, one, 0.0), where(1 - y, other, 0.0)
    return one + other


def categorical_nll(a: Any, y: Any) -> Any:
    """Cross entropy, logsumexp(a) - sum_k y_k a_k: K classes.

    That is -log P(y) for P(y = k) = softmax(a)_k, in the form that keeps its digits where the loss
    is tiny. Its error signal is softmax(a) - y.

    Args:
        a: pre-activations, ``(K,)``, K at least 2.
        y: the class, an index 0 ... K - 1, or a vector ``(K,)`` of probabilities (one-hot, say).

    Raises:
        ValueError: there are fewer than two classes, or ``y`` is neither a class index nor a vector
            of K probabilities.
        TypeError: a target is neither a number nor a Value.

    >>> round(categorical_nll([Value(1.0), Value(2.0), Value(3.0)], 2).data, 6)
    0.407606
    """
    a = _outputs(a)
    target = _probabilities(y, len(a))
    # Everything is taken relative to the a of the true class. For a sure prediction the large terms
    # are then exactly 0, and log(1 + small) remains. Classes of probability 0 are left out of a_y:
    # a masked class has the score -inf, and 0 times -inf is nan.
    weights = [(y_k, a_k) for y_k, a_k in zip(target, a) if isinstance(y_k, Value) or y_k != 0.0]
    # Of a class of probability 1, a_k - a_y is 0, even if both are -inf.
    sure = len(weights) == 1 and not isinstance(weights[0][0], Value) and weights[0][0] == 1.0
    a_y = dot(*zip(*[(1.0, where(*w, 0.0)) if _is_masked(*w) else w for w in weights]))
    if isinstance(a_y, Value):
        a_y.label = "a_y"
    return _label(logsumexp([
        where(y_k, 0.0, a_k - a_y) if _is_masked(y_k, a_k) else
        0.0 if sure and y_k else a_k - a_y
        for y_k, a_k in zip(target, a)
    ]))  # fmt: skip


def _is_masked(y: Number, a: Number) -> bool:
    """Whether a class has the score -inf, and a Value as its target."""
    return isinstance(y, Value) and (a.data if isinstance(a, Value) else a) == -math.inf


def _target(y: Any) -> Number:
    """A Value, or a number in full precision."""
    if not isinstance(y, Value | Real | np.bool_):
        raise TypeError(f"a target must be a number or a Value, got {y!r}")
    return y if isinstance(y, Value) else real(y, "a target")


def _check_unit_interval(y: Any) -> None:
    """Raise if a target of `bernoulli_nll` lies outside [0, 1]."""
    if not isinstance(y, Value) and not 0 <= y <= 1:
        raise ValueError(f"y must lie in [0, 1] for bernoulli_nll, got {y}")


def _probabilities(y: Any, K: int) -> list[Number]:
    """A target of `categorical_nll` as K probabilities: one-hot for a class index."""
    if K < 2:
        raise ValueError("categorical_nll needs two outputs or more: for one, see bernoulli_nll")
    if isinstance(y, Value):
        raise ValueError(f"y must be a class index or {K} probabilities, got a single Value")
    if isinstance(y, np.ndarray):
        y = y.tolist()
    if np.ndim(y) == 0:
        y = _target(y)
        if not 0 <= y < K or y != int(y):
            raise ValueError(f"y must be a class index from 0 to {K - 1}, got {y}")
        return [1.0 if k == y else 0.0 for k in range(K)]
    vector = [_target(p) for p in y]
    if len(vector) != K:
        cure = ": of class indices in a column, (n, 1), give y.ravel()" * (len(vector) == 1)
        raise ValueError(f"y must have {K} probabilities, one per class, got {len(vector)}{cure}")
    numbers = [p for p in vector if not isinstance(p, Value)]
    if not all(0 <= p <= 1 for p in numbers):
        raise ValueError(f"y must be probabilities in [0, 1], got {numbers}")
    if len(numbers) == K and abs(sum(numbers) - 1) > 1e-6:
        raise ValueError(f"y must sum to 1 over the classes, got {sum(numbers)}")
    return vector


def _pairs(a: Any, y: Any) -> Sequence[tuple[Any, Any]]:
    """Pairs of outputs and targets."""
    a, y = _outputs(a), _sequence(y)
    if len(a) != len(y):
        raise ValueError(f"a and y must have the same length, got {len(a)} and {len(y)}")
    if not a:
        raise ValueError("a is empty: a loss needs at least one output")
    return [(a_k, _target(y_k)) for a_k, y_k in zip(a, y)]


def _outputs(a: Any) -> list[Number]:
    """The outputs of a network, one or several."""
    outputs = _sequence(a)
    for a_k in outputs:
        if not isinstance(a_k, Value | Real):
            raise TypeError(f"a must be a Value or a number, or several, got {a_k!r}")
    return [a_k if isinstance(a_k, Value) else real(a_k, "a") for a_k in outputs]


def _sequence(x: Any) -> list[Any]:
    if isinstance(x, np.ndarray):
        x = x.tolist()
    return list(x) if isinstance(x, Iterable) and not isinstance(x, str | bytes) else [x]


def _total(terms: list[Any]) -> Any:
    return _label(terms[0] if len(terms) == 1 else autograd.sum(terms))


def _label(loss: Any) -> Any:
    if isinstance(loss, Value):
        loss.label = "loss"
    return loss


@dataclass(frozen=True)
class Score:
    """How well outputs meet their targets, as a number: the larger, the better.

    Attributes:
        name: the name of the entry that `evaluate` returns, and of the column in a `History`.
        label: the label of an axis.
        line, sentence: formats for the number, on the command line and in the report.
    """

    name: str
    label: str
    line: str
    sentence: str


ACCURACY = Score("accuracy", "accuracy", "accuracy {:.2%}", "{:.1%} right")
R2 = Score("r2", "R\N{SUPERSCRIPT TWO}", "R^2 {:.4f}", "R\N{SUPERSCRIPT TWO} {:.3f}")
SCORES = {score.name: score for score in (ACCURACY, R2)}


@dataclass(frozen=True)
class Likelihood:
    """A model of y, and all that the program asks about it.

    Attributes:
        name: what the command line and files call it.
        loss: the negative log likelihood of one example, ``loss(a, y)``, from pre-activations.
        mean: the mean of y under the model, for arrays ``(..., d_L)``, so that Delta^(L) is mean(a)
            - y. In NumPy alone, for the recursion by hand.
        link: the name of that function in the pictures; empty for the identity.
        score: the one that goes with it.
        measure: computes it, ``measure(outputs, targets)``, from ``(n,)`` or ``(n, d_L)`` outputs
            and targets as `fit` takes them.
        target: ``target(y, d)`` is one example's target as d numbers; a ``ValueError`` if it is
            wrong.
        fits: ``fits(y, d)`` says which of many targets, ``(n,)`` or ``(n, d)``, are valid.
        one_hot: whether there is an output per class; a class index then stands for a one-hot
            vector.
        classes: the fewest and the most classes that it is for; 0 for targets that are numbers.
        targets: the same in words.
    """

    name: str
    loss: Loss
    mean: Callable[[Array], Array]
    link: str
    score: Score
    measure: Callable[[Array, Array], float]
    target: Callable[[Any, int], list[Any]]
    fits: Callable[[Array, int], npt.NDArray[np.bool_]]
    one_hot: bool
    classes: tuple[int, float]
    targets: str

    def takes(self, K: int) -> bool:
        """Whether it is for K classes, or for numbers if K is 0."""
        fewest, most = self.classes
        return fewest <= K <= most

    def outputs(self, K: int) -> int:
        """How many outputs a network needs for K classes, or for one number."""
        return K if self.one_hot else 1

    def probabilities(self, a: Array) -> Array:
        """The classes' probabilities for outputs ``(n,)`` or ``(n, K)``: ``(n, K)``."""
        p = self.mean(a)
        return np.stack([1.0 - p, p], axis=1) if p.ndim == 1 else p


def _vector(y: Any, d: int) -> list[float]:
    """A target as d numbers."""
    target = np.atleast_1d(real_array(y, "y"))
    if target.shape != (d,):
        raise ValueError(f"y must have shape ({d},), got {target.shape}")
    numbers: list[float] = target.tolist()
    return numbers


def _unit_vector(y: Any, d: int) -> list[float]:
    """A target as d numbers in [0, 1]."""
    numbers = _vector(y, d)
    for y_k in numbers:
        _check_unit_interval(y_k)
    return numbers


def _are_vectors(y: Array, d: int) -> npt.NDArray[np.bool_]:
    """Which targets are d numbers: all, or none."""
    return np.full(len(y), y.size == len(y) * d and (d == 1 or y.ndim == 2))


def _are_unit_vectors(y: Array, d: int) -> npt.NDArray[np.bool_]:
    """Which targets are d numbers in [0, 1]."""
    return np.asarray(_are_vectors(y, d) & _in_unit_interval(y.reshape(len(y), -1)))


def are_classes(y: Array, K: int) -> npt.NDArray[np.bool_]:
    """Which targets are class indices, 0 ... K - 1."""
    return np.asarray((y >= 0) & (y < K) & (y == np.floor(y)))


def _are_probabilities(y: Array, K: int) -> npt.NDArray[np.bool_]:
    """Which targets are class indices, or K probabilities."""
    if K > 1 and y.ndim == 1:
        return are_classes(y, K)
    fits = _are_vectors(y, K) & (K > 1)
    if fits.any():
        fits &= _in_unit_interval(y) & (np.abs(y.sum(axis=1) - 1) <= 1e-6)
    return fits


def _in_unit_interval(y: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(((y >= 0) & (y <= 1)).all(axis=1))


def _softmax(a: Array) -> Array:
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _r2(outputs: Array, true: Array) -> float:
    """1 minus the residual over the total sum of squares."""
    if true.size == outputs.size:
        true = true.reshape(outputs.shape)  # (n, 1) as (n,)
    with np.errstate(all="ignore"):
        residual = float(((outputs - true) ** 2).sum())
    total = float(((true - true.mean(axis=0)) ** 2).sum())
    # A constant target has no variance to explain: 1 if it is met, else 0.
    return 1 - residual / total if total else float(residual == 0)


def _right_signs(outputs: Array, true: Array) -> float:
    """How many outputs are on the side of their targets."""
    return float(((outputs > 0) == (true.reshape(outputs.shape) > 0.5)).mean())


def _right_classes(outputs: Array, true: Array) -> float:
    """How many examples have their largest output at their class."""
    classes = true if true.ndim == 1 else true.argmax(axis=1)
    return float((outputs.argmax(axis=1) == classes).mean())


def chosen_classes(outputs: Array) -> npt.NDArray[np.int64]:
    """The class that each row chooses: one output by its sign, several by the largest."""
    if outputs.ndim == 1:
        return (outputs > 0).astype(np.int64)
    return np.asarray(outputs.argmax(axis=1), np.int64)


# fmt: off
# The first row that takes K classes is the default for them.
LIKELIHOODS = {row.name: row for row in (
    Likelihood("gaussian", gaussian_nll, lambda a: a, "", R2, _r2, _vector, _are_vectors,
               one_hot=False, classes=(0, 0), targets="numbers"),
    Likelihood("bernoulli", bernoulli_nll, ACTIVATIONS["sigmoid"].g, "sigmoid", ACCURACY,
               _right_signs, _unit_vector, _are_unit_vectors,
               one_hot=False, classes=(2, 2), targets="two classes"),
    Likelihood("categorical", categorical_nll, _softmax, "softmax", ACCURACY, _right_classes,
               _probabilities, _are_probabilities,
               one_hot=True, classes=(2, math.inf), targets="two classes or more"),
)}
# fmt: on


def likelihood_of(loss: Any) -> Likelihood | None:
    """The row of a loss; None for a user's own loss."""
    return next((row for row in LIKELIHOODS.values() if row.loss is loss), None)


def known_likelihood(loss: Any) -> Likelihood:
    """The row of a loss.

    Raises:
        ValueError: it is a user's own loss.
    """
    row = likelihood_of(loss)
    if row is None:
        *others, last = [row.loss.__name__ for row in LIKELIHOODS.values()]
        raise ValueError(f"loss must be {', '.join(others)} or {last}")
    return row


def check_loss(loss: Any) -> None:
    """Raise unless it can be a loss.

    Raises:
        TypeError: it is not a function of two arguments.
    """
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(f"loss must be a function loss(a, y), such as gaussian_nll, got {loss!r}")
    check_takes("loss", loss, "a", "y")


def likelihood_for(K: int) -> Likelihood:
    """The row that fits K classes, or numbers if K is 0."""
    return next(row for row in LIKELIHOODS.values() if row.takes(K))
