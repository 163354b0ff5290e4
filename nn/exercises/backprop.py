"""The tasks of the backward recursion, in NumPy."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from autograd.exercises import COLUMN, Case, a_column, check, of_errors, of_results, raises
from autograd.exercises.comparing import plain

from ..arrays import Array
from .forms import called, unchanged

LAYER_0 = "layer 0 has no a and no Delta: the loop ends, or begins, at l = 1"
MISSING = "a layer is missing: there is one for each l = 1 ... L. Does a return stand in the loop?"
TRANSPOSE = "theta is to be transposed: sum_k theta_kj Delta_k runs over its first index"
NO_ZERO = "0 stands at layer 0, where None belongs: there is no Delta^(0), [None, Delta^(1), ...]"
FORWARD = "the loop runs forward: Delta^(L) is given, and the sweep goes from L - 1 down to 1"
NOT_YET = (
    "an entry is used that is None still: Delta^(l) needs Delta^(l+1), so the loop runs from L - 1 "
    "down to 1"
)
SHAPES = (
    "the shapes: theta^(l+1) is (d_(l+1), d_l), and is to be transposed, Delta^(l+1) is "
    "(d_(l+1),), and g'(a^(l)), (d_l,), multiplies entry by entry"
)


def _network(widths: Sequence[int]) -> tuple[list[Any], list[Any], list[Any]]:
    """A tanh network without biases, and its forward pass: theta, a and x by the layer l."""
    rng = np.random.default_rng(sum(widths))
    theta: list[Any] = [None]
    theta += [rng.normal(size=(m, d)) for d, m in pairwise(widths)]
    x: list[Any] = [rng.normal(size=widths[0])]
    a: list[Any] = [None]
    for l in range(1, len(widths)):
        a.append(theta[l] @ x[l - 1])
        x.append(np.tanh(a[l]) if l < len(widths) - 1 else a[l])
    return theta, a, x


def _slope(a: Array) -> Array:
    return np.asarray(1 - np.tanh(a) ** 2)


def _sigmoid_slope(a: Array) -> Array:
    return np.asarray(np.exp(-a) / (1 + np.exp(-a)) ** 2)


def _at_x(slope: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda a: slope(np.tanh(a))


def _recursion(
    theta: list[Any],
    a: list[Any],
    top: Array,
    slope: Callable[[Array], Array] = _slope,
    transposed: bool = True,
    above: int = 1,
) -> list[Array]:
    """Delta^(1) ... Delta^(L), or what a mistake makes of them."""
    delta = [top]
    for l in range(len(a) - 2, 0, -1):
        weights = theta[l + above]
        delta.insert(0, slope(a[l]) * ((weights.T if transposed else weights) @ delta[0]))
    return delta


def _forward(theta: Any, a: Any, first: Array, slope: Any, transposed: int) -> list[Array]:
    """What comes of the recursion if it runs from layer 1 up."""
    delta = [first]
    for l in range(2, len(a)):
        delta.append(slope(a[l]) * ((theta[l].T if transposed else theta[l]) @ delta[-1]))
    return delta


def _is_same(entry: Any, layer: Any) -> bool:
    if entry is None or layer is None:
        return entry is layer
    x = np.asarray(plain(entry))
    single = x.dtype == np.float32 or {type(v) for v in np.ravel(entry)} == {np.float32}
    near = 1e-5 if single else 1e-9
    x = x.astype(float)
    return x.shape == np.shape(layer) and np.allclose(x, layer, near, near)


def _same(layers: Sequence[Any]) -> Callable[[Any], bool]:
    """Whether the result is a list of these, with or without an entry for layer 0."""

    def test(got: Any) -> bool:
        found = list(got)
        if found and found[0] is None:
            del found[0]
        return len(found) == len(layers) and all(map(_is_same, found, layers))

    return of_results(test)


def _do_not_fit(got: Any) -> bool:
    """Whether arrays of different lengths were multiplied; (0,) is that of an empty list."""
    words = ("mismatch", "broadcast", "not aligned")
    told = str(got)
    return isinstance(got, ValueError) and any(w in told for w in words) and "(0,)" not in told


def _any_holds(tests: Sequence[Callable[[Any], bool]], got: Any) -> bool:
    return any(test(got) for test in tests)


def _asks_layer_0(with_layer_0: Callable[[], Any], got: Any) -> bool:
    """Whether None was taken for a number, and is not where there is something at layer 0."""
    if not (isinstance(got, TypeError) and "NoneType" in str(got)):
        return False
    try:
        with_layer_0()
    except Exception as error:
        return "NoneType" not in str(error)
    return True


def _zero_first(layers: Sequence[Any]) -> Callable[[Any], bool]:
    """Whether the result is a list of these after a 0, or zeros."""

    def test(got: Any) -> bool:
        first, *rest = got
        return first is not None and not np.any(first) and all(map(_is_same, rest, layers))

    return test


def _is_one(layers: Sequence[Array], got: Any) -> bool:
    """Whether the result is one of these matrices, and no list of them."""
    return np.ndim(got[0]) == 1 and any(_is_same(got, layer) for layer in layers)


def _is_short(layers: Sequence[Array]) -> Callable[[Any], bool]:
    """Whether the result is a list with too few entries that are not None."""
    return lambda got: len(_layers(got)) < len(layers) and not _is_one(layers, got)


def _layers(got: Any) -> list[Array]:
    """The entries that are not None."""
    return [np.asarray(entry) for entry in got if entry is not None]


def _loses_an_axis(layers: Sequence[Array], got: Any) -> bool:
    """Whether the entries are as many as there should be, and a matrix is a vector."""
    found = _layers(got)
    sizes = [entry.size for entry in found] == [layer.size for layer in layers]
    return sizes and any(entry.ndim < 2 for entry in found)


def _written(name: str, layers: Sequence[Array]) -> str:
    rows = [f"{name}{l} = {np.round(v, 4).tolist()}" for l, v in enumerate(layers, start=1)]
    return "a list by l, with None at 0:\n" + "\n".join(rows)


@check("error_signals")
def check_error_signals(error_signals: Any) -> Iterator[Case]:
    """``error_signals(theta, a, delta_top, g_prime)``: the list of Delta^(l), backward.

    All lists are by the lecture's l, with None at 0: ``theta[l]`` is ``(d_l, d_{l-1})``, ``a[l]``
    and the Delta^(l) are ``(d_l,)``. ``g_prime`` is the derivative of g, a function of a.
    What is given stays as it is.
    """
    networks: list[tuple[int, ...]] = [(2, 2, 2, 2), (3, 4, 5, 2), (3, 3, 3, 3), (2, 4, 3), (4, 3)]
    networks += [(2, 3, 4, 3, 2), (2, 1, 3)]

    def asks(theta: Any, a: Any, top: Any, g_prime: Any) -> None:
        d = theta[1].shape[1]
        error_signals([np.zeros((d, d)), *theta[1:]], [np.zeros(d), *a[1:]], top.copy(), g_prime)

    def only_shapes() -> bool:
        """Whether all is right, up to a transpose, where all layers are of one width."""
        theta, a, x = _network((3, 3, 3, 3))
        got = called(error_signals, theta, a, x[-1] - 1.0, _slope)
        right = (_recursion(theta, a, x[-1] - 1.0, transposed=bool(t)) for t in (0, 1))
        return any(_same(layers)(got) for layers in right)

    for widths in networks:
        theta, a, x = _network(widths)
        top = x[-1] - 1.0
        g_prime = _sigmoid_slope if widths[0] == 3 else _slope
        recursion = partial(_recursion, theta, a, slope=g_prime)
        right = recursion(top)
        mistakes: dict[str, Callable[[Any], bool]] = {}
        if len(widths) > 2:
            mistakes = {
                "the order: Delta^(L) comes last in the list, although the sweep begins there":
                    _same(right[::-1]),
                "g' is missing: Delta_j = g'(a_j) sum_k theta_kj Delta_k":
                    _same(_recursion(theta, a, top, slope=np.ones_like)),
                "g' is taken at x: it belongs at a":
                    _same(_recursion(theta, a, top, slope=_at_x(g_prime))),
                "a(1 - a) where g'(a) is asked: that is sigmoid's slope, by its output x":
                    _same(_recursion(theta, a, top, slope=lambda a: a * (1 - a))),
                "Delta^(L) is missing from the list": _same(right[:-1]),
                "the sign turns at every layer: no minus belongs into the recursion":
                    _same([d * (-1) ** k for k, d in zip(range(len(right))[::-1], right)]),
            }  # fmt: skip
        if len(set(widths)) == 1:  # in other cases the shapes do not fit
            mistakes |= {
                TRANSPOSE: _same(recursion(top, transposed=False)),
                "the layer: Delta^(l) needs theta^(l+1), the weights above it":
                    _same(recursion(top, above=0)),
            }  # fmt: skip
            upward = [_same(_forward(theta, a, top, g_prime, t)) for t in (0, 1)]
            mistakes[FORWARD] = of_results(partial(_any_holds, upward))
        elif len(widths) > 2:
            mistakes[SHAPES] = of_errors(
                lambda got: isinstance(got, ValueError) and "mismatch" in str(got) and only_shapes()
            )
        mistakes[NOT_YET] = raises(ValueError, TypeError, words="(has 0")
        mistakes["the sign of every Delta: Delta^(L) is given, and goes in as it is"] = _same(
            [-d for d in right]
        )
        mistakes[COLUMN] = a_column(_same(right))
        mistakes[NO_ZERO] = _zero_first(right)
        mistakes["g' at the top: there is none, its g is the identity"] = _same(
            recursion(top * g_prime(a[-1]))
        )
        mistakes["one place off: Delta^(l) stands at l, and None at 0"] = _same([*right, None])
        mistakes[LAYER_0] = of_errors(partial(_asks_layer_0, partial(asks, theta, a, top, g_prime)))
        mistakes[MISSING] = _is_short(right)
        if g_prime is not _slope:
            mistakes["g' is the function that is given, not always that of tanh"] = _same(
                _recursion(theta, a, top)
            )
        yield Case(
            f"error_signals of a network {'-'.join(map(str, widths))}",
            partial(called, error_signals, theta, a, top.copy(), g_prime),
            _written("Delta", right), mistakes, right=_same(right),
        )  # fmt: skip
    theta, a, x = _network((2, 3, 2))
    yield unchanged(lambda *given: error_signals(*given, _slope),
                    {"theta": theta, "a": a, "delta_top": x[-1] - 1.0})  # fmt: skip


@check("weight_gradients")
def check_weight_gradients(weight_gradients: Any) -> Iterator[Case]:
    """``weight_gradients(delta, x)``: the list of dL/dtheta^(l) = Delta^(l) x^(l-1)^T.

    The lists are by the lecture's l: ``delta[l]`` ``(d_l,)`` with None at 0, ``x[l]`` ``(d_l,)``
    from 0 on; what comes has shapes ``(d_l, d_{l-1})``, and None at 0.
    What is given stays as it is.
    """

    def asks(delta: Any, x: Any) -> None:
        weight_gradients([np.zeros(len(x[0])), *delta], list(x))

    for widths in ((2, 2, 2), (3, 4, 2), (3, 3, 3), (4, 3), (2, 3, 4, 2), (2, 1, 3)):
        theta, a, x = _network(widths)
        delta = _recursion(theta, a, x[-1] - 1.0)
        right = [np.outer(d, below) for d, below in zip(delta, x)]
        yield Case(
            f"weight_gradients of a network {'-'.join(map(str, widths))}",
            partial(called, weight_gradients, [None, *delta], list(x)),
            _written("dL/dtheta", right),
            {
                "the outer product is transposed: entry (j, i) is Delta_j x_i":
                    _same([g.T for g in right]),
                "the layer: dL/dtheta^(l) needs x^(l-1), what the weights were multiplied with":
                    _same([np.outer(d, at) for d, at in zip(delta, x[1:])]),
                "the entries alone are multiplied, Delta_j x_j: it is an outer product":
                    lambda got, widths=widths, delta=delta, x=x: 1 not in widths and any(
                        _is_same(g, d * v)
                        for g, d, v in zip(_layers(got), delta, x) if d.shape == v.shape
                    ),
                "the gradient of one layer alone: a list by l is asked, of those of all layers":
                    partial(_is_one, right),
                "the sign: dL/dtheta is Delta x^T, the minus comes with the step":
                    _same([-g for g in right]),
                "the shapes are (d_l, d_(l-1)), also of a layer of one unit, as (1, 2)":
                    partial(_loses_an_axis, right),
                NO_ZERO.replace("Delta", "dL/dtheta"): _zero_first(right),
                MISSING: _is_short(right),
                LAYER_0: of_errors(partial(_asks_layer_0, partial(asks, delta, x))),
                "the shapes: np.outer(u, v) takes arrays of any lengths": of_errors(_do_not_fit),
                "arrays of different shapes make no array: give them back in a list":
                    raises(ValueError, words="inhomogeneous"),
            },
            right=_same(right),
        )  # fmt: skip
    theta, a, x = _network((2, 3, 2))
    given = {"delta": [None, *_recursion(theta, a, x[-1] - 1.0)], "x": x}
    yield unchanged(weight_gradients, given)
