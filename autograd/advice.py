"""What a Value refuses to do, and what to write instead.

A plain number has no gradient. Python's and NumPy's functions would silently turn a Value into one;
so they raise an error that says how to record the same computation.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any, NoReturn

import numpy as np

# NumPy's scalars call these for their operators, as in np.float64(2) * value.
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "power": operator.pow,
    **dict(zip(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
               COMPARISONS)),
}  # fmt: skip

NAN_AS_0 = "autograd.where(abs(v) + 1, v, 0.0), which is 0 where v is nan"
METHODS = ("exp", "log", "sqrt", "sin", "cos", "tanh")
INSTEAD = {
    **{name: f"v.{name}() or autograd.{name}(v)" for name in METHODS},
    "absolute": "abs(v)",
    "fabs": "abs(v)",
    "negative": "-v",
    "positive": "+v",
    "square": "v**2",
    "cbrt": "v ** (1 / 3)",
    "reciprocal": "1 / v",
    "exp2": "2.0**v",
    "expm1": "v.exp() - 1",
    "log1p": "(1 + v).log()",
    "log2": "v.log() / math.log(2)",
    "log10": "v.log() / math.log(10)",
    "tan": "v.sin() / v.cos()",
    "sinh": "(v.exp() - (-v).exp()) / 2",
    "cosh": "(v.exp() + (-v).exp()) / 2",
    "sign": "autograd.step(v) - autograd.step(-v)",
    "heaviside": "autograd.step(v)",
    "maximum": "autograd.max([a, b]), or v.relu() for the maximum of v and 0",
    "fmax": "autograd.max([a, b])",
    "minimum": "-autograd.max([-a, -b])",
    "fmin": "-autograd.max([-a, -b])",
    "logaddexp": "autograd.logsumexp([a, b])",
    "floor_divide": "autograd.Value(v.data // b) for a number b, which has no slope",
    "remainder": "v - b * (v.data // b) for a number b",
    "divmod": "autograd.Value(v.data // b) and v - b * (v.data // b) for a number b",
    "matmul": "autograd.dot(w, x)",
    "vecdot": "autograd.dot(w, x)",
    "sum": "autograd.sum(values)",
    "add.reduce": "autograd.sum(values)",
    "maximum.reduce": "autograd.max(values)",
    "minimum.reduce": "-autograd.max([-v for v in values])",
    "clip": "lower + (v - lower).relu() - (v - upper).relu()",
    "where": "autograd.where(c, a, b), which is a where c > 0",
    "expit": "v.sigmoid() or autograd.sigmoid(v)",  # SciPy's, as the next two
    "erf": "autograd.erf(v)",
    "erfc": "autograd.erfc(v)",
    "nan_to_num": NAN_AS_0,
    "nansum": f"{NAN_AS_0}, and autograd.sum of these",
    "nanmean": f"{NAN_AS_0}, and count by autograd.step(abs(v) + 1)",
}
STEPS = ("int", "round", "math.trunc", "math.floor", "math.ceil")  # whose slope is 0 everywhere
# NumPy would take a Value for an array with one object in it, and might replace it by a number.
REFUSED = ("clip", "where", "round", "around", "sum", "nan_to_num", "nansum", "nanmean")


def of_numpy(name: str, symbol: str = "") -> str:
    """Why NumPy's function of that name, or its operator, is refused, and what to write.

    SciPy's are refused in the same way.
    """
    instead = INSTEAD.get(
        name, "it with operators and the functions of autograd, or add it by autograd.primitive"
    )
    called = symbol or (f"np.{name}" if hasattr(np, name.split(".")[0]) else f"{name}()")
    return f"{called} can't record a Value: write {instead}; for its number alone, give v.data"


def of_array(shape: tuple[int, ...]) -> str:
    """Why an array beside a Value is refused, and what to write."""
    return (
        f"a Value is one number and can't be combined with an array of shape {shape}: "
        "use a list comprehension, [v * x for x in array], or autograd.dot(w, x); "
        "for an array of one number, array.item()"
    )


def of_sequence(kind: type) -> str:
    """Why a list or a tuple beside a Value is refused, and what to write."""
    return (
        "a Value is combined with one number at a time: use a list comprehension, "
        f"[v * x for x in numbers], or autograd.dot(w, x); got a {kind.__name__!r}"
    )


def of_number(x: Any) -> str:
    """What to write for a decimal, or an array or tensor of one number: float() takes them.

    It takes more: of a complex number it drops a part, of a masked one it makes nan.
    """
    of_numpy = getattr(getattr(x, "dtype", None), "kind", "f") in "biuf"
    if hasattr(type(x), "__float__") and of_numpy and not np.ndim(x) and not np.ma.is_masked(x):
        return ": write float(x)"
    return ""


def _as_pythons(x: Any) -> Any:
    """One of NumPy's scalars as Python's number: what NumPy computes with would come here again."""
    # The item() of a long double is a long double.
    if isinstance(x, np.inexact):
        return complex(x) if isinstance(x, np.complexfloating) else float(x)
    return x.item() if isinstance(x, np.generic) else x


def _refused(function: str) -> Callable[..., NoReturn]:
    """A method that Python calls to turn a Value into a plain number."""
    instead = "v.exp() in place of math.exp(v), and so for the others"
    if function in STEPS:
        instead = f"autograd.Value({function}(v.data)), which has no slope"

    def method(self: Any, *arguments: Any) -> NoReturn:
        raise TypeError(
            f"{function}() of a Value would lose its gradient: for its number alone write v.data; "
            f"to go on computing, {instead}"
        )

    method.__doc__ = f"Refused: ``{function}()`` of a Value would lose its gradient."
    return method


def _unrecorded(symbol: str, name: str) -> tuple[Callable[..., NoReturn], ...]:
    """An operator that is refused, and its reflected form; ``name`` is NumPy's function for it."""

    def operator(self: Any, other: Any) -> NoReturn:
        raise TypeError(of_numpy(name, symbol))

    def reflected(self: Any, other: Any) -> NoReturn:
        operator(self, other)

    operator.__doc__ = f"Refused: ``self {symbol} other`` is not recorded."
    reflected.__doc__ = f"Refused: ``other {symbol} self`` is not recorded."
    return operator, reflected


class Refusals:
    """What a Value refuses to other libraries; `Value` adds what it can do."""

    __slots__ = ()

    __float__ = _refused("float")
    __int__, __round__, __trunc__, __floor__, __ceil__ = map(_refused, STEPS)

    __floordiv__, __rfloordiv__ = _unrecorded("//", "floor_divide")
    __mod__, __rmod__ = _unrecorded("%", "remainder")
    __divmod__, __rdivmod__ = _unrecorded("divmod()", "divmod")
    __matmul__, __rmatmul__ = _unrecorded("@", "matmul")

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        """What NumPy calls for ``np.exp(value)``, and also for ``np.float64(2) * value``.

        Raises:
            TypeError: unless it is an operator, on single numbers.
        """
        name = function.__name__
        compute = OPERATORS.get(name)
        if compute is None or method != "__call__":
            raise TypeError(of_numpy(name if method == "__call__" else f"{name}.{method}"))
        if compute in COMPARISONS:  # a scalar comes as an array of no dimensions
            inputs = tuple([x[()] if isinstance(x, np.ndarray) else x for x in inputs])
        for x in inputs:
            if isinstance(x, np.ndarray):
                raise TypeError(of_array(x.shape))
        return compute(*[_as_pythons(x) for x in inputs])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What NumPy calls for its functions that are not of one number at a time."""
        if function.__name__ in REFUSED:
            raise TypeError(of_numpy(function.__name__))
        return function._implementation(*args, **kwargs)

    def as_integer_ratio(self) -> NoReturn:
        """Refused: what Python's statistics and fractions ask for would lose the gradient."""
        raise TypeError(
            "a Value as a fraction would lose its gradient: for its number alone write v.data; in "
            "place of statistics.mean(values) write autograd.sum(values) / len(values)"
        )

    def conjugate(self) -> Any:
        """The Value itself, a real number: np.var of a list of Values asks for it."""
        return self

    def __eq__(self, other: object) -> bool:
        """Identity. To compare with a number, or to ask for nan by ``v != v``, gives a warning."""
        if isinstance(other, Real):
            warnings.warn(EQUALITY, stacklevel=2)
        elif other is self and math.isnan(self.data):
            warnings.warn(NAN, stacklevel=2)
        return NotImplemented

    def __bool__(self) -> bool:
        """True, as for any object. To mean the number is a mistake, and gives a warning."""
        warnings.warn(TRUTH, stacklevel=2)
        return True

    __hash__ = object.__hash__

    # What programs for micrograd read.

    data: Any
    inputs: Any
    op: Any

    @property
    def _prev(self) -> tuple[Any, ...]:
        return tuple([v for v in self.inputs if isinstance(v, Refusals)])

    @property
    def _op(self) -> str:
        return str(self.op)

    @property
    def _backward(self) -> NoReturn:
        raise AttributeError(BACKWARD)

    @_backward.setter
    def _backward(self, function: Any) -> NoReturn:
        raise AttributeError(BACKWARD)


EQUALITY = (
    "a Value equals itself alone, whatever its number: this comparison with a number is never true."
    " Compare v.data, or write autograd.where(c, a, b) for a choice that stays in the graph"
)
NAN = (
    "a Value equals itself, also where its number is nan, as for np.nansum of a list: ask "
    f"v.data != v.data for nan, or write {NAN_AS_0}"
)
TRUTH = (
    "a Value is always true, also where its number is 0. Ask `v is not None` for whether there is "
    "one, and v.data != 0 for its number, or write autograd.where(c, a, b) for a choice that stays "
    "in the graph"
)
BACKWARD = (
    "a node keeps its partial derivatives, and no _backward(): to go backward by hand, step by "
    "step, use autograd.steps(root); for an operation of your own, autograd.primitive"
)
