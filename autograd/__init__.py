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

from . import copies as copies
from . import functions
from .about import __version__ as __version__
from .about import warn_of_neighbour
from .checks import GradCheck, gradcheck
from .compiler import Program
from .compiler import (
    compile as compile,
)
from .compiler.written import Operation
from .derivatives import grad, hessian, jacobian, jvp, value_and_grad
from .differences import finite_difference
from .functions import *  # noqa: F403  (those that hide no builtin)
from .functions import (
    abs as abs,
)
from .functions import (
    max as max,
)
from .functions import (
    sum as sum,
)
from .replays import Replayed, replay
from .show.graph import Drawing, draw
from .show.steps import Share, Step, steps
from .show.trace import Trace, trace
from .value import Value, topological_order

__all__ = [
    "Drawing",
    "GradCheck",
    "Operation",
    "Program",
    "Replayed",
    "Share",
    "Step",
    "Trace",
    "Value",
    "draw",
    "finite_difference",
    "grad",
    "gradcheck",
    "hessian",
    "jacobian",
    "jvp",
    "replay",
    "steps",
    "topological_order",
    "trace",
    "value_and_grad",
]
__all__ += functions.__all__

warn_of_neighbour()


def __dir__() -> list[str]:
    """What TAB offers after ``autograd.``: the public names, and none of the inner modules."""
    hidden_by_star = ["abs", "compile", "max", "sum"]
    return [*__all__, *hidden_by_star, *(name for name in globals() if name.startswith("__"))]
