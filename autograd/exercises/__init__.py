"""Exercises that check themselves: what a student wrote, tried case by case.

Each check takes the student's own function, class or data, and gives a `Report`: what was expected,
what came out, and where to look. Any right solution passes. The checks of networks and training are
in `nn.exercises`.

>>> from autograd import Value, exercises
>>> def topological_order(root):
...     order = [root]
...     for v in order:                         # grows on the way
...         order += [u for u in v.inputs if isinstance(u, Value) and u not in order]
...     return order
>>> report = exercises.check_topological_order(topological_order)
>>> report.title
'topological_order: 1 of 16 right'
>>> report.mistakes[0]
'a node stands before its inputs: append it after them'

To write a check of your own, see `Case` and `check`.
"""

from .checking import Case, Outcome, Report, check
from .comparing import (
    COLUMN,
    a_column,
    agrees_with,
    any_of,
    not_finite,
    of_errors,
    of_results,
    overflows,
    raises,
    unlike,
)
from .graphs import (
    check_central_difference,
    check_swish,
    check_topological_order,
)
from .hand_trace import check_bishop
from .own_value import check_backward, check_forward
from .recordings import check_attend, check_huber

__all__ = [
    "COLUMN",
    "Case",
    "Outcome",
    "Report",
    "a_column",
    "agrees_with",
    "any_of",
    "check",
    "check_attend",
    "check_backward",
    "check_bishop",
    "check_central_difference",
    "check_forward",
    "check_huber",
    "check_swish",
    "check_topological_order",
    "not_finite",
    "of_errors",
    "of_results",
    "overflows",
    "raises",
    "unlike",
]
