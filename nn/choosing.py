"""What ``python -m nn train`` chooses for the data where an option is not given."""

import argparse

from .data.datasets import Dataset
from .options import batch_size_of, networks_of, rate_option
from .train.defaults import (
    EPOCHS,
    HELD_OUT,
    TRIED,
    find_lr,
    first_size,
    next_rate,
    usual_batch_size,
    usual_epochs,
    usual_lr,
)
from .train.stepping import Optimizer


def keeps_aside(options: argparse.Namespace, n: int) -> bool:
    """Whether part of n examples to train on is kept aside, to choose the best epoch by."""
    return options.patience is not None or (options.epochs is None and n >= HELD_OUT)


def choose(options: argparse.Namespace, data: Dataset, rule: Optimizer) -> dict[str, str]:
    """Fill in what is not given: the batch size, the epochs, the rate.

    Returns:
        What was chosen by trying, in words.

    Raises:
        FloatingPointError: the training diverges at every rate.
    """
    n = len(data.X_train)
    if options.batch_size is None:
        options.batch_size = [str(usual_batch_size(n))]
    sizes = [batch_size_of(text)(n) for text in options.batch_size]
    first = [min(first_size(n, size), n) for size in sizes]
    falls = options.epochs is None  # over epochs that may become more, it would not be the same
    if options.epochs is None:
        options.epochs = usual_epochs(n, first[0] if len(first) == 1 else usual_batch_size(n))
    if options.lr is not None:
        return {}
    (net,) = networks_of(options, data, 1)
    lr, losses = find_lr(
        net, data.loss, data.X_train, data.y_train, batch_size=first[0], optimizer=rule
    )
    _set_rate(options, lr, falls)
    tried = ", ".join(f"{rate:g}" for rate in losses)
    said = f"{lr:g}: of {tried}, the one with the least loss in some {TRIED} updates each"
    return {"rate": f"{said}; it falls to 0 along half a cosine" if falls else said}


def take_next(options: argparse.Namespace, chosen: dict[str, str]) -> bool:
    """Take the next smaller rate, where the one that `choose` took diverges; whether there is one.

    What is said in ``chosen`` is changed too.
    """
    kind, _, rate = options.lr[0].rpartition(":")
    lr = next_rate(float(rate))
    if lr is None:
        return False
    _set_rate(options, lr, kind == "cosine")
    chosen["rate"] += f". At {rate} the training diverged, so it is {lr:g}"
    return True


def _set_rate(options: argparse.Namespace, lr: float, falls: bool) -> None:
    options.lr = rate_option(f"cosine:{lr:g}" if falls else f"{lr:g}")


def settle(options: argparse.Namespace, rule: Optimizer, n: int) -> None:
    """Fill in what is not given, for a sweep: without trying, so that the same goes for all."""
    if options.batch_size is None:
        options.batch_size = [str(usual_batch_size(n))]
    if options.epochs is None:
        options.epochs = EPOCHS
    if options.lr is None:
        options.lr = rate_option(repr(usual_lr(rule)))
