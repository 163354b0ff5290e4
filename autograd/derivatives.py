"""Derivatives of functions, and the ways to check them.

Every function here calls ``f`` with fresh Values and reads its graph; adjoints are kept apart from
``.grad``, so that nothing outside is touched. Numbers in, numbers out. Values in, Values out,
recorded on them, ready to be differentiated again.

>>> from autograd import grad
>>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
(12.0, 12.0)
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import functions, primitives
from .graph import topological_order
from .value import Number, Value, real

Function = Callable[..., Any]


class _Variable(Value):
    """A fresh Value that ``f`` is called with; ``running`` until ``f`` returns."""

    __slots__ = ("running",)
    running: bool


def grad(f: Function) -> Function:
    """The gradient of ``f``: ``grad(f)(*x)`` is df/dx, a tuple if there are several ``x``.

    Args:
        f: takes n Values and returns one.

    Returns:
        A function of n numbers or Values. It gives numbers for numbers, and Values for Values.
        Inside a function that is itself being differentiated it gives Values wherever the result
        depends on that function's arguments, so that derivatives nest.

    Raises:
        TypeError: ``f`` returns something else than a Value or a number, or is given something
            else than those (when it is called).

    >>> grad(lambda x, y: x * y)(2.0, 3.0)
    (3.0, 2.0)
    """

    def gradient(*x: Number) -> Any:
        return value_and_grad(f)(*x)[1]

    return gradient


def value_and_grad(f: Function) -> Function:
    """Like `grad`, but gives the pair of the value and the gradient.

    >>> value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """

    def value_and_gradient(*x: Number) -> tuple[Any, Any]:
        variables, y, recorded = _call(f, x)
        (y,) = _outputs([y])
        gradient = _reverse_sweep(y, variables, recorded)
        if not recorded:
            return y.data, gradient[0] if len(x) == 1 else tuple(gradient)
        values = [_as_value(g) for g in gradient]
        return y, values[0] if len(x) == 1 else tuple(values)

    return value_and_gradient


def jacobian(f: Function) -> Function:
    """The Jacobian of ``f``: ``jacobian(f)(*x)``, ``(outputs, n)``, by one sweep per output.

    Args:
        f: takes n Values and returns a sequence of Values (or one).

    Returns:
        A function of n numbers that gives an array; of Values, an array of Values.

    >>> jacobian(lambda x, y: [x * y, x + y])(2.0, 3.0)
    array([[3., 2.],
           [1., 1.]])
    """

    def jacobian_at(*x: Number) -> Any:
        variables, y, recorded = _call(f, x)
        outputs = _outputs([y] if isinstance(y, Value) or np.ndim(y) == 0 else y)
        return _matrix([_reverse_sweep(o, variables, recorded) for o in outputs], recorded)

    return jacobian_at


def hessian(f: Function) -> Function:
    """The second derivatives of ``f``: ``hessian(f)(*x)``, ``(n, n)``.

    The gradient is recorded, and its n entries are each differentiated in a sweep of their own.

    >>> hessian(lambda x, y: x * x * y)(2.0, 3.0)
    array([[6., 4.],
           [4., 0.]])
    """

    def hessian_at(*x: Number) -> Any:
        variables, y, recorded = _call(f, x)
        (y,) = _outputs([y])
        gradient = _outputs(_reverse_sweep(y, variables, recorded=True))
        return _matrix([_reverse_sweep(g, variables, recorded) for g in gradient], recorded)

    return hessian_at


def jvp(f: Function, x: Sequence[Number], v: Sequence[Number]) -> tuple[Any, Any]:
    """Value and directional derivative of ``f`` at ``x`` along ``v``, by one forward sweep.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers or Values.
        v: the direction, n numbers or Values.

    Returns:
        ``f(x)`` and sum_i df/dx_i v_i.

    Raises:
        TypeError: ``x`` or ``v`` is not a sequence.
        ValueError: ``x`` and ``v`` differ in length.

    >>> jvp(lambda x, y: x * y, [2.0, 3.0], [1.0, 10.0])
    (6.0, 23.0)
    """
    for name, sequence in (("x", x), ("v", v)):
        if not hasattr(sequence, "__len__"):
            raise TypeError(f"{name} must be a sequence of numbers or Values, got {sequence!r}")
    if len(x) != len(v):
        raise ValueError(f"x and v must have the same length, got {len(x)} and {len(v)}")
    variables, y, recorded = _call(f, x)
    (y,) = _outputs([y])
    recorded = recorded or any(isinstance(d, Value) for d in v)
    tangents: dict[Any, Number] = dict(zip(variables, map(_number, v)))
    for node in topological_order(y):
        if node in tangents:
            continue
        pairs = zip(node.inputs, _partials(node, recorded))
        terms = [_times(tangents[i], d) for i, d in pairs if i in tangents]
        if terms:
            tangents[node] = sum(terms[1:], start=terms[0])
    tangent = tangents.get(y, 0.0)
    return (y, _as_value(tangent)) if recorded else (y.data, tangent)


def _call(f: Function, x: Sequence[Number]) -> tuple[list[_Variable], Any, bool]:
    """Fresh variables for ``x``, ``f`` of them, and whether the derivatives are to be recorded."""
    if not x:
        raise TypeError("give the point to differentiate at, one number or Value per argument of f")
    variables = []
    for v in x:
        variable = _Variable(_number(v).data if isinstance(v, Value) else _number(v))
        if isinstance(v, Value):  # the identity of it, so that grad(f)(v, v) has two variables
            variable._primitive, variable._x, variable._dx = primitives.POS, v, 1.0
            variable.label = v.label
        variable.running = True
        variables.append(variable)
    try:
        y = f(*variables)
    finally:
        for variable in variables:
            variable.running = False
    recorded = any(isinstance(v, Value) for v in x)
    if not recorded:
        # Inside a function that is itself being differentiated, f may have used its variables.
        outputs = [v for v in (y if np.iterable(y) else [y]) if isinstance(v, Value)]
        nodes = (node for output in outputs for node in topological_order(output))
        recorded = any(isinstance(node, _Variable) and node.running for node in nodes)
    return variables, y, recorded


def _reverse_sweep(root: Value, variables: Sequence[Value], recorded: bool) -> list[Number]:
    """The derivative of ``root`` by each of ``variables``: floats, or Values where recorded."""
    needed = set(variables)  # what depends on a variable: the sweep goes nowhere else
    order = []
    for node in topological_order(root):
        if node not in needed and not needed.isdisjoint(node.inputs):
            needed.add(node)
            order.append(node)
    adjoints: dict[Any, Number] = {root: 1.0}
    for node in reversed(order):
        if node not in adjoints:
            continue
        for v, d in zip(node.inputs, _partials(node, recorded)):
            if v in needed:
                term = _times(adjoints[node], d)
                adjoints[v] = adjoints[v] + term if v in adjoints else term
    return [adjoints.get(v, 0.0) for v in variables]


def _partials(node: Value, recorded: bool) -> Sequence[Number]:
    """The partial derivatives of ``node``, as floats, or as Values recorded on its inputs."""
    if not recorded or node._primitive is None:
        return node.partials
    # The row of the table runs again, in the arithmetic of graph values. NumPy's scalars stand in
    # for plain numbers, since 1/0 is inf on them.
    _, partials = node._primitive.on(functions)
    with np.errstate(all="ignore"):
        arguments = [a for a in (node._x, node._y) if a is not None]
        exact = primitives.each(
            lambda v: v if isinstance(v, Value) else np.float64(v), tuple(arguments)
        )
        ds = partials(node, *exact)
    pairs = [(a, d) if type(a) is tuple else ((a,), (d,)) for a, d in zip(arguments, ds)]
    return [d if isinstance(d, Value) else float(d) for vs, ds in pairs for _, d in zip(vs, ds)]


def _times(a: Number, b: Number) -> Any:
    """A * b, without a node for the 1.0 that many partial derivatives are."""
    if type(a) is float and a == 1.0:
        return b
    if type(b) is float and b == 1.0:
        return a
    return a * b


def _number(x: Any) -> Any:
    if isinstance(x, Sequence | np.ndarray) and not isinstance(x, str):
        raise TypeError(f"got {x!r}: pass its numbers one by one, as in grad(f)(*x)")
    return x if isinstance(x, Value) else real(x, "an argument")


def _as_value(x: Number) -> Value:
    return x if isinstance(x, Value) else Value(x)


def _outputs(y: Iterable[Any]) -> list[Value]:
    """What a function returned, as Values; a plain number is a constant."""
    outputs = []
    for v in y:
        if isinstance(v, Sequence | np.ndarray):
            raise TypeError(f"f must return one Value, got {type(v).__name__}: see jacobian")
        outputs.append(v if isinstance(v, Value) else Value(real(v, "what f returns")))
    return outputs


def _matrix(rows: list[list[Number]], recorded: bool) -> Any:
    if not recorded:
        return np.array(rows, dtype=float)
    matrix = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        matrix[i] = [_as_value(v) for v in row]
    return matrix


EPS = 2.0**-52  # the spacing of floats at 1


def _step(x: float, h: float | None) -> float:
    if h is None:
        # Balances the central difference's two errors, h^2 of the formula and eps/h of rounding.
        return float(EPS ** (1 / 3)) * max(1.0, abs(x))
    if not (isinstance(h, float | int) and 0 < h < math.inf):
        raise ValueError(f"h must be a positive number, got {h!r}")
    return float(h)


def _at(f: Function, x: Sequence[float], i: int = 0, step: float = 0.0) -> float:
    """``f`` at x, moved by ``step`` along input i, as a number."""
    (y,) = _outputs([f(*[Value(v + step if j == i else v) for j, v in enumerate(x)])])
    return y.data


def finite_difference(f: Function, *x: float, h: float | None = None) -> Any:
    """The gradient by central differences, (f(x + h) - f(x - h)) / 2h: two calls per input.

    The slow way, O(m^2) for a network of m parameters, and good to half the digits; independent of
    everything else here.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers.
        h: the step; eps^(1/3) max(1, |x|), about 6e-6, if not given.

    Returns:
        A float, or a tuple if there are several ``x``.

    Raises:
        ValueError: ``h`` is not a positive number.

    >>> round(finite_difference(lambda x: x**2, 3.0), 6)
    6.0
    """
    point = _point(x)
    slopes = [_central_difference(f, point, i, _step(xi, h)) for i, xi in enumerate(point)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _central_difference(f: Function, x: Sequence[float], i: int, step: float) -> float:
    rise = _at(f, x, i, step) - _at(f, x, i, -step)
    return rise / ((x[i] + step) - (x[i] - step))  # the distance really gone, after rounding


def _point(x: Sequence[Any]) -> list[float]:
    if not x:
        raise TypeError("give the point to differentiate at, one number per argument of f")
    return [real(_number(v), "an argument") for v in x]


@dataclass(frozen=True)
class GradCheckRow:
    """One input: its derivative in both ways, and the verdict on it."""

    input: int
    x: float
    analytic: float
    numeric: float
    error: float
    verdict: str


@dataclass(frozen=True)
class GradCheck:
    """The report of `gradcheck`: true if no derivative is wrong, and a table when printed."""

    rows: tuple[GradCheckRow, ...]

    def __bool__(self) -> bool:
        return all(row.verdict in ("ok", "kink") for row in self.rows)

    def __repr__(self) -> str:
        n, bad = len(self.rows), sum(row.verdict not in ("ok", "kink") for row in self.rows)
        lines = [
            f"gradcheck: {bad} of {n} derivatives differ"
            if bad
            else f"gradcheck: all {n} derivatives agree",
            f"{'input':>5} {'x':>12} {'analytic':>14} {'numeric':>14} {'error':>9} verdict",
        ]
        for r in self.rows:
            numbers = f"{r.x:>12.6g} {r.analytic:>14.8g} {r.numeric:>14.8g} {r.error:>9.1e}"
            lines.append(f"{r.input:>5} {numbers} {r.verdict}")
        return "\n".join(lines)


def gradcheck(
    f: Function,
    *x: float,
    gradient: Function | None = None,
    h: float | None = None,
    tolerance: float = 1e-5,
) -> GradCheck:
    """Compare the gradient of ``f`` at ``x`` with central differences.

    Args:
        f: takes n Values and returns one.
        x: the point, n numbers.
        gradient: the gradient function to check, called with n floats; ours if not given.
        h: the step, as in `finite_difference`.
        tolerance: the largest error, relative to the derivative or to 1, whichever is larger.

    Returns:
        A report with a row per input. The verdict is ``"ok"``; ``"wrong"``; ``"kink"`` where f has
        a corner and the derivative lies between the two one-sided ones; or ``"undefined"`` where f
        is not finite on both sides.

    Raises:
        ValueError: ``gradient`` returns another number of derivatives than there are inputs.

    >>> report = gradcheck(lambda x, y: x * y.exp(), 2.0, 0.5)
    >>> bool(report), [row.verdict for row in report.rows]
    (True, ['ok', 'ok'])
    """
    point = _point(x)
    analytic = np.atleast_1d((grad(f) if gradient is None else gradient)(*point))
    if analytic.shape != (len(point),):
        raise ValueError(f"gradient must give {len(point)} derivatives, got shape {analytic.shape}")
    middle = _at(f, point)
    rows = []
    for i, (xi, a) in enumerate(zip(point, analytic.tolist())):
        step = _step(xi, h)
        numeric = _central_difference(f, point, i, step)
        scale = max(1.0, abs(a), abs(numeric))
        noise = 4 * EPS * abs(middle) / step
        error = abs(a - numeric) / scale
        slack = tolerance * scale + noise
        rows.append(
            GradCheckRow(i, xi, a, numeric, error, _verdict(f, point, i, a, numeric, step, slack))
        )
    return GradCheck(tuple(rows))


def _verdict(
    f: Function, x: list[float], i: int, a: float, numeric: float, h: float, slack: float
) -> str:
    """The verdict on the derivative ``a`` along input i, which may be off by ``slack``."""
    if not math.isfinite(numeric):
        return "undefined"
    middle = _at(f, x)
    right = (_at(f, x, i, h) - middle) / h
    left = (middle - _at(f, x, i, -h)) / h
    far = abs(_at(f, x, i, 8 * h) - 2 * middle + _at(f, x, i, -8 * h)) / (8 * h)
    # The one-sided slopes differ by about h f'' where f is smooth, eight times as much at 8h; at a
    # corner by the same at any step.
    jump = abs(right - left)
    if (
        jump > 2 * slack
        and jump > far / 2
        and min(left, right) - slack <= a <= max(left, right) + slack
    ):
        return "kink"
    return "ok" if abs(a - numeric) <= slack else "wrong"
