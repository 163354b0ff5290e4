"""The tasks of other wirings: a skip connection, and a weight that is shared.

After the exercises of chapter 8 of C. M. Bishop and H. Bishop (2024), Deep Learning.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd.exercises import (
    COLUMN,
    Case,
    a_column,
    agrees_with,
    check,
    of_errors,
    of_results,
    raises,
)
from autograd.exercises.comparing import agree

from ..arrays import Array
from .forms import called

SKIPPED = "the output: a^(2) = theta2 x^(1) + skip x, and the skip is missing there"
NO_SLOPE = "g' is missing: Delta^(1) has the factor 1 - tanh^2(a^(1))"
HIDDEN_ALONE = "dL/dx has a share by the skip too, skip^T Delta^(2): the paths add up"
SKIP_ALONE = "dL/dx has a share through the hidden units too, theta1^T Delta^(1): the paths add up"
TURNED = "the outer products are transposed: row j, column i is Delta_j x_i"
NEGATIVE = "the sign: Delta^(2) is a^(2) - y"


def _skip(theta1: Array, theta2: Array, skip: Array, x: Array, y: Array) -> list[Array]:
    """The gradients by theta1, theta2, skip and x, then what mistakes are made of."""
    x1 = np.tanh(theta1 @ x)
    top = theta2 @ x1 + skip @ x - y
    below = (1 - x1**2) * (theta2.T @ top)
    shares = theta1.T @ below, skip.T @ top
    return [np.outer(below, x), np.outer(top, x1), np.outer(top, x), shares[0] + shares[1], *shares]


@check("skip_gradients")
def check_skip_gradients(skip_gradients: Any) -> Iterator[Case]:
    """``skip_gradients(theta1, theta2, skip, x, y)``: dL/dtheta1, dL/dtheta2, dL/dskip and dL/dx.

    The network is a^(2) = theta2 tanh(theta1 x) + skip x, the loss the sum of (a^(2) - y)^2 / 2.
    ``theta1`` is ``(h, d)``, ``theta2`` ``(k, h)``, ``skip`` ``(k, d)``, ``x`` ``(d,)``, ``y``
    ``(k,)``; each gradient has the shape of the array it belongs to.
    """
    for d, h, k in ((2, 3, 2), (3, 2, 2), (2, 2, 2), (3, 4, 1)):
        rng = np.random.default_rng(d + 10 * h)
        theta1, theta2, skip = (rng.normal(size=s) for s in ((h, d), (k, h), (k, d)))
        x, y = rng.normal(size=d), rng.normal(size=k)
        *right, through, beside = _skip(theta1, theta2, skip, x, y)
        first, second, by_skip, _ = right
        x1 = np.tanh(theta1 @ x)
        top = theta2 @ x1 - y
        below = (1 - x1**2) * (theta2.T @ top)
        no_skip = [np.outer(below, x), np.outer(top, x1), np.outer(top, x),
                   theta1.T @ below + skip.T @ top]  # fmt: skip
        signal = theta2.T @ (top + skip @ x)
        yield Case(
            f"the four gradients of a network {d}-{h}-{k}",
            partial(called, skip_gradients, *(v.copy() for v in (theta1, theta2, skip, x, y))),
            right,
            {
                HIDDEN_ALONE: [first, second, by_skip, through],
                SKIP_ALONE: [first, second, by_skip, beside],
                SKIPPED: no_skip,
                NO_SLOPE: [np.outer(signal, x), second, by_skip, theta1.T @ signal + beside],
                TURNED: [first.T, second.T, by_skip.T, right[3]],
                NEGATIVE: [-v for v in right],
                COLUMN: a_column(agrees_with(right, 1e-6)),
                "there are four: by theta1, theta2, skip and x": lambda got: len(got) < 4,
                "the shapes: np.outer(u, v) takes arrays of any lengths, and a sum over the first "
                "index of theta, sum_k theta_kj Delta_k, is theta.T @ Delta": raises(ValueError),
            },
        )  # fmt: skip


ONE_PLACE = "= where += belongs: w_k is used at every place, and the shares of all places add up"
MEAN = "the sum over the places, not their mean"
FLIPPED = "w_k meets x_{j+k} in a_j, not x_{j-k}"
CUT = "dL/dx has too few entries, one for each x_i: x_i reaches each a_j with 0 <= i - j < len(w)"


WHOLE = "np.zeros_like of whole numbers holds whole numbers: np.zeros(len(x)) holds floats"


def _is_whole(got: Any) -> bool:
    """Whether one of both results, or more, has lost what comes after the point."""
    if isinstance(got, TypeError):
        return "same_kind" in str(got)  # NumPy: += of floats on an array of whole numbers
    return any(np.asarray(v).dtype.kind == "i" for v in got)


def _by_w(wrong: Array) -> Callable[[Any], bool]:
    """Whether the first result, dL/dw, is what a mistake gives."""
    return of_results(lambda got: agree(got[0], wrong, 1e-6))


def _is_short(by_w: Array, d: int) -> Callable[[Any], bool]:
    """Whether the second result, dL/dx, has too few entries, and the first one is right."""
    return of_results(lambda got: agree(got[0], by_w, 1e-6) and len(got[1]) < d)


@check("shared_gradients")
def check_shared_gradients(shared_gradients: Any) -> Iterator[Case]:
    """``shared_gradients(w, x, delta)``: dL/dw and dL/dx, where a_j = sum_k w_k x_{j+k}.

    One weight vector ``w``, ``(K,)``, slides along ``x``, ``(d,)``; ``delta`` is dL/da,
    ``(d - K + 1,)``.
    """
    for K, d in ((2, 5), (3, 7), (1, 4), (4, 4)):
        rng = np.random.default_rng(10 * K + d)
        w, x, delta = rng.normal(size=K), rng.normal(size=d), rng.normal(size=d - K + 1)
        places = [np.outer(delta[j], x[j : j + K])[0] for j in range(len(delta))]
        by_w, by_x = sum(places), np.convolve(delta, w)
        yield Case(
            f"dL/dw and dL/dx of {K} weight{'s' * (K > 1)} along {d} numbers",
            partial(called, shared_gradients, w.copy(), x.copy(), delta.copy()),
            [by_w, by_x],
            {} if K in (1, d) else {
                ONE_PLACE: _by_w(places[-1]),
                MEAN: _by_w(by_w / len(delta)),
                FLIPPED: [by_w[::-1], by_x],
                "w is turned round in dL/dx: x_i meets w_{i-j} in a_j":
                    [by_w, np.convolve(delta, w[::-1])],
                CUT: _is_short(by_w, d),
                "the order of the pair: dL/dw, then dL/dx": [by_x, by_w],
                COLUMN: a_column(agrees_with([by_w, by_x], 1e-6)),
            },
        )  # fmt: skip
    w, x, delta = np.array([2, -1]), np.array([1, 3, -2, 4]), np.array([0.5, -1.5, 0.25])
    right = [np.correlate(x, delta), np.convolve(delta, w)]

    def of_floats() -> Any:
        return called(shared_gradients, w.astype(float), x.astype(float), delta)

    yield Case(
        f"dL/dw and dL/dx of whole numbers, w = {w.tolist()}, x = {x.tolist()}, and "
        f"delta = {delta.tolist()}",
        partial(called, shared_gradients, w, x, delta),
        right,
        {WHOLE: of_errors(lambda got: _is_whole(got) and agree(of_floats(), right))},
    )
