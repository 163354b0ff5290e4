"""A scalar autograd engine, to see backpropagation at work.

Compute with `Value` as with numbers; ``backward()`` on the result fills in every ``.grad``.

>>> from autograd import Value
>>> x = Value(3.0, label="x")
>>> y = x * x
>>> y.backward()
>>> x.grad
6.0

The functions `sum`, `max`, `abs` and `compile` share their names with Python's own, and are reached
as ``autograd.sum`` and so on: ``from autograd import *`` leaves them out.
"""

from .derivatives import grad, hessian, jacobian, jvp, value_and_grad
from .differences import GradCheck, finite_difference, gradcheck
from .draw import Drawing, draw
from .functions import (
    abs as abs,
)
from .functions import (
    affine,
    cos,
    dot,
    exp,
    log,
    logsumexp,
    primitive,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    step,
    tanh,
    where,
)
from .functions import (
    max as max,
)
from .functions import (
    sum as sum,
)
from .graph import topological_order
from .program import Operation, Program
from .program import (
    compile as compile,
)
from .steps import Share, Step, steps
from .trace import Trace, trace
from .value import Value

__all__ = [
    "Drawing",
    "GradCheck",
    "Operation",
    "Program",
    "Share",
    "Step",
    "Trace",
    "Value",
    "affine",
    "cos",
    "dot",
    "draw",
    "exp",
    "finite_difference",
    "grad",
    "gradcheck",
    "hessian",
    "jacobian",
    "jvp",
    "log",
    "logsumexp",
    "primitive",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "step",
    "steps",
    "tanh",
    "topological_order",
    "trace",
    "value_and_grad",
    "where",
]
