"""The tasks of the three losses and their error signals."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd.exercises import (
    COLUMN,
    Case,
    a_column,
    agrees_with,
    any_of,
    check,
    of_results,
    overflows,
    unlike,
)
from autograd.exercises.comparing import agree

SIGN = "the sign: Delta is {}, the derivative by a"
ON_PAPER = "Take the log on paper: no p is left"
CLIPPED = (
    "a or p is clipped: far out the loss stops growing, and its slope is 0. Take the log on paper: "
    "what is left needs no clipping"
)
EARLY = "a form for large numbers alone, taken too early: at a = 12 {}"
ADDED = "eps is added, log(p + eps): far out the loss stops growing. " + ON_PAPER


@check("gaussian_nll", "gaussian_delta")
def check_gaussian(nll: Any, delta: Any) -> Iterator[Case]:
    """``gaussian_nll(a, y)`` = (y - a)^2/2, and its error signal ``gaussian_delta(a, y)``."""
    no_half = "the half: the density of variance 1 is exp(-(y - a)^2 / 2)"
    rest = math.log(math.sqrt(2 * math.pi))

    def known(loss: float) -> dict[str, Any]:
        return {
            no_half: 2 * loss,
            "the sign: a negative log likelihood is -log p": any_of(-loss, -loss - rest),
            "the constant log sqrt(2 pi) is to be left out": loss + rest,
            "the density itself: take its negative log": any_of(
                math.exp(-loss), math.exp(-loss - rest)
            ),
        }

    yield Case("gaussian_nll(3.0, 1.0)", lambda: nll(3.0, 1.0), 2.0, known(2.0))
    yield Case("gaussian_nll(-1.0, 2.0)", lambda: nll(-1.0, 2.0), 4.5, known(4.5))
    yield Case("gaussian_nll(10.0, 0.0)", lambda: nll(10.0, 0.0), 50.0, known(50.0))
    loss = (0.12345 + 1.54321) ** 2 / 2
    yield Case("gaussian_nll(0.12345, -1.54321)", lambda: nll(0.12345, -1.54321), loss, known(loss))
    for a, y in ((3.0, 1.0), (-1.0, 2.5), (0.5, 4.0), (1.0, 1.0), (10.0, 0.0), (0.12345, -1.54321)):
        d = a - y
        known_of_delta = {
            SIGN.format("a - y"): -d,
            "the factor: the derivative of (y - a)^2/2 is a - y": 2 * d,
            "the loss itself, where its derivative is asked: a - y": d * d / 2,
        }
        yield Case(f"gaussian_delta({a}, {y})", partial(delta, a, y), d, unlike(d, known_of_delta))


@check("bernoulli_nll", "bernoulli_delta")
def check_bernoulli(nll: Any, delta: Any) -> Iterator[Case]:
    """``bernoulli_nll(a, y)`` = -log P(y) for P(y = 1) = sigmoid(a), and ``bernoulli_delta(a, y)``.

    Also where exp(a) overflows.
    """
    overflow = {
        "overflow: exp(800) is beyond the floats, and 1 - sigmoid(800) is 0 in floats. Find a form "
        "without sigmoid: log(1 + exp(a)) is np.logaddexp(0, a), for any a":
            overflows(lambda: nll(1.0, 1)),
    }  # fmt: skip

    def stops(adds: bool) -> Callable[[Any], bool]:
        """Whether the loss ends at -log eps, and whether eps is added or p is clipped."""

        def test(got: Any) -> bool:
            eps = math.exp(-float(got))
            near = float(nll(math.log(2 * eps), 1))  # there p is 2 eps
            return 0 < eps < 0.01 and abs(near + math.log(3 * eps if adds else 2 * eps)) < 0.01

        return of_results(test)

    overflow |= {CLIPPED: stops(False), ADDED: stops(True)}

    def loss_of(a: float, y: float) -> float:
        return -math.log(1 / (1 + math.exp(-a if y else a)))

    def is_exchanged(got: Any) -> bool:
        """Whether of every a the losses of both targets are exchanged."""
        return all(agree(nll(a, y), loss_of(a, 1 - y)) for a in (2.0, -0.7) for y in (0, 1))

    def ignores_y(got: Any) -> bool:
        return all(agree(nll(a, 0), nll(a, 1)) for a in (2.0, -0.7))

    for a, y in ((2.0, 1), (2.0, 0), (-0.7, 1), (-0.7, 0)):
        p = 1 / (1 + math.exp(-a))
        right = loss_of(a, y)
        yield Case(
            f"bernoulli_nll({a}, {y})", partial(nll, a, y), right,
            {
                "y and 1 - y are exchanged: P(y = 1) = sigmoid(a)": of_results(is_exchanged),
                "y is missing: -log P(y), of P(y = 1) = sigmoid(a) and P(y = 0) = 1 - sigmoid(a)":
                    of_results(ignores_y),
                "the sign: a negative log likelihood is -log P": -right,
                "the probability itself: take its negative log": any_of(p, 1 - p),
            },
        )  # fmt: skip
    yield Case("bernoulli_nll(0.0, 1)", lambda: nll(0.0, 1), math.log(2))
    for a in (2.0, -1.5):
        p = 1 / (1 + math.exp(-a))
        yield Case(f"bernoulli_nll({a}, 0.25), y between", partial(nll, a, 0.25),
                   -0.25 * math.log(p) - 0.75 * math.log(1 - p),
                   look="y log(1/p) + (1 - y) log(1/(1 - p)), for every y in [0, 1]")  # fmt: skip

    def cuts(limit: float, got: Any) -> bool:
        """Whether a form for large a comes here, and not at 2."""
        return agree(got, limit) and agree(nll(2.0, 1), loss_of(2.0, 1))

    fairly_large = ((12.0, 0), (12.0, 1), (-12.0, 0), (-12.0, 1))
    for a, y in fairly_large:
        yield Case(
            f"bernoulli_nll({a}, {y})", partial(nll, a, y), float(np.logaddexp(0, a) - a * y),
            {EARLY.format("log(1 + exp(a)) is 12.000006, not 12"):
                of_results(partial(cuts, max(a, 0) - a * y))},
        )  # fmt: skip
    yield Case("bernoulli_nll(800.0, 0)", lambda: nll(800.0, 0), 800.0, overflow)
    yield Case("bernoulli_nll(-800.0, 1)", lambda: nll(-800.0, 1), 800.0, overflow)
    yield Case("bernoulli_nll(800.0, 1)", lambda: nll(800.0, 1), 0.0, overflow)
    yield Case("bernoulli_nll(-800.0, 0)", lambda: nll(-800.0, 0), 0.0, overflow)

    def lacks_y(a: float, got: Any) -> bool:
        return agree(got, 1 / (1 + math.exp(-a))) and agree(delta(a, 1), got)

    points: list[tuple[float, float]] = [
        (2.0, 1), (2.0, 0), (-1.5, 0), (-1.5, 1), (0.7, 0.25), (-1.5, 0.25)
    ]  # fmt: skip
    for a, t in points:
        p = 1 / (1 + math.exp(-a))
        known = {
            SIGN.format("sigmoid(a) - y"): t - p,
            "sigmoid is missing: Delta is sigmoid(a) - y": a - t,
            "y is missing: Delta is sigmoid(a) - y": of_results(partial(lacks_y, a)),
            "times sigmoid'(a): that is the slope of a squared error. That of -log P is "
            "sigmoid(a) - y, the sigmoid' cancels": (p - t) * p * (1 - p),
            "the slope by p, (p - y) / (p (1 - p)), where that by a is asked": (
                (p - t) / (p * (1 - p))
            ),
        }
        yield Case(f"bernoulli_delta({a}, {t})", partial(delta, a, t), p - t, unlike(p - t, known))
    overflow = {
        "overflow: for a < 0 write the sigmoid as exp(a) / (1 + exp(a)), and for a > 0 as "
        "1 / (1 + exp(-a))": overflows(lambda: delta(-1.0, 1))
    }

    def delta_cuts(limit: float, got: Any) -> bool:
        return agree(got, limit) and agree(delta(2.0, 1), 1 / (1 + math.exp(-2)) - 1)

    for a, y in fairly_large:
        yield Case(
            f"bernoulli_delta({a}, {y})", partial(delta, a, y), 1 / (1 + math.exp(-a)) - y,
            {EARLY.format("sigmoid(a) is 0.999994, not 1"):
                of_results(partial(delta_cuts, (a > 0) - y))},
        )  # fmt: skip
    for a, y, right in ((800.0, 1, 0.0), (-800.0, 1, -1.0), (800.0, 0, 1.0), (-800.0, 0, 0.0)):
        yield Case(f"bernoulli_delta({a}, {y})", partial(delta, a, y), right, overflow)


@check("categorical_nll", "categorical_delta")
def check_categorical(nll: Any, delta: Any) -> Iterator[Case]:
    """``categorical_nll(a, y)`` = -log softmax(a)_y, and ``categorical_delta(a, y)``, ``(K,)``.

    ``a`` is an array ``(K,)``, ``y`` a class index. Also where exp(a) overflows.
    """
    overflow = {
        "overflow: exp(1000) is beyond the floats. Take the largest a off all of them first, which "
        "changes no softmax": overflows(lambda: (nll(a.copy(), 1), *delta(a.copy(), 1)))
    }
    a = np.array([1.0, 2.0, 4.0])
    p = np.exp(a) / np.exp(a).sum()
    mean = "the mean over the classes, where one number of the true class is asked: no / K"
    for y in (0, 1, 2):
        yield Case(
            f"categorical_nll([1, 2, 4], {y})",
            partial(nll, a.copy(), y), -math.log(p[y]),
            {
                "the sign: a negative log likelihood is -log P": math.log(p[y]),
                "the probability itself: take its negative log": p[y],
                "the score a_y without the log of the sum: log sum_k exp(a_k) - a_y": -a[y],
                mean: -math.log(p[y]) / 3,
                "base e: np.log, not log2 or log10": any_of(-math.log2(p[y]), -math.log10(p[y])),
            },
        )  # fmt: skip

    def stops(adds: bool) -> Callable[[Any], bool]:
        """Whether the loss ends at -log eps, and whether eps is added or p is clipped."""

        def test(got: Any) -> bool:
            eps = math.exp(-float(got))
            near = float(nll(np.array([math.log(2 * eps), 0.0]), 0))  # there p is 2 eps
            return 0 < eps < 0.01 and abs(near + math.log(3 * eps if adds else 2 * eps)) < 0.01

        return of_results(test)

    underflow = {
        CLIPPED: stops(False), ADDED: stops(True),
        "overflow, or the log of a probability that is 0 in floats: take the log on paper, "
        "log sum_k exp(a_k - m) - (a_y - m) with the largest a as m":
            overflows(lambda: nll(a.copy(), 1)),
    }  # fmt: skip
    rest = math.exp(-12)
    for y in (0, 1):
        yield Case(f"categorical_nll([12, 0], {y})", partial(nll, np.array([12.0, 0.0]), y),
                   12 * y + math.log1p(rest))  # fmt: skip
    # So far apart that exp overflows too where the mean, or the median, is taken off, or the first.
    for scores, y, loss in (
        ([2000.0, 0.0], 1, 2000.0), ([2000.0, 0.0], 0, 0.0), ([0.0, 2000.0, 0.0], 0, 2000.0),
        ([0.0, 2000.0, 0.0, 0.0, 0.0], 0, 2000.0),
        ([-1001.0, -1000.0], 1, math.log1p(math.exp(-1))),
        ([2000.0, 2000.0, 2000.0], 0, math.log(3)),
    ):  # fmt: skip
        yield Case(f"categorical_nll({[round(v) for v in scores]}, {y})",
                   partial(nll, np.array(scores), y), loss,
                   underflow if loss > 1 else overflow)  # fmt: skip
    for y in (0, 1, 2):
        one_hot = np.eye(3)[y]
        yield Case(
            f"categorical_delta([1, 2, 4], {y})",
            partial(delta, a.copy(), y), p - one_hot,
            {
                SIGN.format("softmax(a) - y"): one_hot - p,
                "y as one-hot: 1 is taken off the true class alone": any_of(p, p - y, p - 1),
                "softmax is missing: Delta is softmax(a) - y": a - one_hot,
                "one derivative for each k: an array (K,)": lambda got: np.ndim(got) == 0,
                "the mean over the classes, where all K derivatives are asked: no / K": (
                    (p - one_hot) / 3
                ),
                "times p (1 - p): that is the slope of a squared error. That of -log P is "
                "softmax(a) - y": (p - one_hot) * p * (1 - p),
                COLUMN: a_column(agrees_with(p - one_hot, 1e-6)),
            },
        )  # fmt: skip
    yield Case("categorical_delta([12, 0], 0)", partial(delta, np.array([12.0, 0.0]), 0),
               np.array([-rest, rest]) / (1 + rest))  # fmt: skip
    for scores, y, right in (
        ([2000.0, 0.0], 1, np.array([1.0, -1.0])),
        ([0.0, 2000.0, 0.0], 0, np.array([-1.0, 1.0, 0.0])),
        ([0.0, 2000.0, 0.0, 0.0, 0.0], 0, np.array([-1.0, 1.0, 0.0, 0.0, 0.0])),
        ([2000.0] * 3, 2, np.array([1 / 3, 1 / 3, -2 / 3])),
        ([-1000.0] * 3, 0, np.array([-2 / 3, 1 / 3, 1 / 3])),
    ):  # fmt: skip
        yield Case(f"categorical_delta({[round(v) for v in scores]}, {y})",
                   partial(delta, np.array(scores), y), right,
                   {**overflow, SIGN.format("softmax(a) - y"): -right,
                    COLUMN: a_column(agrees_with(right, 1e-6))})  # fmt: skip
