"""A rule on arrays, an optimizer's `update`, as expressions: for engines that are not NumPy.

The rule is run once, on stand-ins for its arrays that keep the expression of what NumPy would have
computed, in place as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .stepping import Optimizer

# What NumPy's functions are called in expressions.
NAMES = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "negative": "neg",
    "power": "pow", "sqrt": "sqrt", "exp": "exp", "log": "log", "absolute": "abs",
    "maximum": "maximum", "minimum": "minimum", "sign": "sign", "tanh": "tanh",
}  # fmt: skip


class TraceError(Exception):
    """A rule does what an expression can't."""


class Stand(NDArrayOperatorsMixin):
    """A stand-in for an array, or for a number, that is changed in place as it would be."""

    def __init__(self, m: Any, x: Any) -> None:
        self.m, self.x = m, x

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method != "__call__" or kwargs:
            raise TraceError(f"{ufunc.__name__}.{method}({', '.join(kwargs)})")
        x = [v.x if isinstance(v, Stand) else v for v in inputs]
        if ufunc.__name__ == "square":
            made = x[0] * x[0]
        elif ufunc.__name__ in NAMES:
            made = self.m.make(NAMES[ufunc.__name__], *x)
        else:
            raise TraceError(f"np.{ufunc.__name__}")
        if out is None:
            return Stand(self.m, made)
        if not isinstance(out[0], Stand):
            raise TraceError(f"np.{ufunc.__name__} into an array")
        out[0].x = made
        return out[0]

    def __setitem__(self, index: Any, value: Any) -> None:
        if index not in (slice(None), ..., ()):
            raise TraceError(f"an index, {index!r}")
        self.x = value.x if isinstance(value, Stand) else value

    def copy(self) -> Stand:
        """Another stand-in for the same numbers."""
        return Stand(self.m, self.x)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TraceError("an array of its own")

    def __float__(self) -> float:
        raise TraceError("float(...)")

    def __bool__(self) -> bool:
        raise TraceError("an if on numbers")


class Setting(Stand):
    """A stand-in for a setting that is open: a rule that asks whether it has one is told yes."""

    def __bool__(self) -> bool:
        return True


def traced(rule: Optimizer) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """A rule as a function of expressions: (m, state, theta, g, lr) to the step and the new state.

    Raises:
        TraceError: when called, if the rule does what an expression can't.
    """

    def once(
        m: Any, state: dict[str, Any], theta: Any, g: Any, lr: Any
    ) -> tuple[Any, dict[str, Any]]:
        bad = [name for name in state if not (name.isascii() and name.isidentifier())]
        if bad:
            raise TraceError(f"a state called {bad[0]!r}")
        stands = {name: Stand(m, x) for name, x in state.items()}
        try:
            step = rule.update(stands, Stand(m, theta), Stand(m, g), Stand(m, lr))  # type: ignore[arg-type]
        except TraceError:
            raise
        except Exception as error:
            raise TraceError(str(error)) from error
        if not isinstance(step, Stand) or stands.keys() != state.keys():
            raise TraceError("a step or a state that is no array")
        if not all(isinstance(stand, Stand) for stand in stands.values()):
            raise TraceError("a state that is no array")
        return step.x, {name: stand.x for name, stand in stands.items()}

    def function(*arguments: Any) -> tuple[Any, dict[str, Any]]:
        """The rule, tried twice: what it counts or draws itself would be frozen."""
        before = repr(vars(rule))
        step, new = once(*arguments)
        again, new_again = once(*arguments)
        if repr(vars(rule)) != before:
            raise TraceError("a rule that changes by itself")
        pairs = [(step, again), *[(new[name], new_again[name]) for name in new]]
        if not all(a is b or (isinstance(a, float) and a == b) for a, b in pairs):
            raise TraceError("a rule that gives different steps")
        return step, new

    return function


def check_state(state: dict[str, Any], m: int) -> None:
    """Raise unless a rule's state is arrays of floats, each a number for each parameter, or one.

    Raises:
        TraceError: one is not.
    """
    for name, array in state.items():
        fits = (
            isinstance(array, np.ndarray)
            and array.dtype == float
            and array.shape in ((m,), ())
            and array.flags.c_contiguous
            and array.flags.writeable
        )
        if not fits:
            raise TraceError(f"a state {name!r} that is no array of floats, ({m},) or ()")
