"""Exercises that check themselves, on networks, losses, backpropagation and SGD.

Each check takes what a student wrote and gives a report: see `autograd.exercises`. The functions to
write take numbers and NumPy arrays, in the lecture's notation.

>>> from nn import exercises
>>> def gaussian_nll(a, y):
...     return (y - a) ** 2 / 2
>>> def gaussian_delta(a, y):
...     return y - a
>>> exercises.check_gaussian(gaussian_nll, gaussian_delta).mistakes
['the sign: Delta is a - y, the derivative by a']
"""

from .backprop import check_error_signals, check_weight_gradients
from .curvature import check_kind_of_point, check_outer_product
from .data import check_confusion_matrix, check_mirror, check_standardise, check_xor
from .losses import check_bernoulli, check_categorical, check_gaussian
from .minibatches import check_minibatches
from .sgd import check_batch_gradient, check_growing, check_sgd_step, check_step_decay
from .wiring import check_shared_gradients, check_skip_gradients

__all__ = [
    "check_batch_gradient",
    "check_bernoulli",
    "check_categorical",
    "check_confusion_matrix",
    "check_error_signals",
    "check_gaussian",
    "check_growing",
    "check_kind_of_point",
    "check_minibatches",
    "check_mirror",
    "check_outer_product",
    "check_sgd_step",
    "check_shared_gradients",
    "check_skip_gradients",
    "check_standardise",
    "check_step_decay",
    "check_weight_gradients",
    "check_xor",
]
