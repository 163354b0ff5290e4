"""What ``python -m nn train`` chooses for the data where an option is not given."""

import argparse
import math
from collections.abc import Mapping, Sequence
from copy import copy

from autograd.show.notation import digits

from .data.datasets import Dataset
from .model.network import MLP
from .options import generators, networks_of, rate_option, rule_of, say, size_for
from .train.defaults import (
    RATES,
    SWEPT,
    TRIED,
    choose_rate,
    first_size,
    next_rate,
    usual_batch_size,
    usual_epochs,
    usual_lr,
)
from .train.stepping import Optimizer
from .train.validation import (
    FEWEST,
    MANY,
    PARTS,
    WIDTHS,
    Trial,
    best_of,
    enough_to_keep_aside,
    try_networks,
)


def keeps_aside(options: argparse.Namespace, n: int) -> bool:
    """Whether part of n examples to train on is kept aside, to choose the best epoch by."""
    return options.patience is not None or (options.epochs is None and enough_to_keep_aside(n))


def choose(
    options: argparse.Namespace, data: Dataset, rule: Optimizer, aside: bool
) -> tuple[Optimizer, dict[str, str]]:
    """Fill in what is not given: the batch size, the hidden layers, the epochs, the rate.

    Where part of the data is kept ``aside`` in the training, that tells the best epoch: of decays
    and epochs, less is tried.

    Returns:
        The optimizer, which may decay weights more than the ``rule`` does; and what was chosen by
        trying, in words.

    Raises:
        FloatingPointError: the training diverges at every rate.
    """
    n = len(data.X_train)
    if options.batch_size is None:
        options.batch_size = [str(usual_batch_size(n))]
    first = [first_size(n, size_for(text, n)) for text in options.batch_size]
    # Over epochs that may become more, a rate that falls would not be the same.
    epochs, falls = options.epochs, options.epochs is None
    tune = falls and len(first) == 1 and n >= FEWEST
    heavier = rule_of(options, n, heavier=True)
    rules = [rule, heavier] if heavier.given != rule.given else [rule]
    if falls:
        options.epochs = usual_epochs(n, first[0] if len(first) == 1 else usual_batch_size(n))
    lr = None if options.lr is None else options.lr[1]
    widths = _widths(options)
    nets = [_network(options, data, hidden) for hidden in widths]
    tried = {
        "networks": len(nets) > 1 and n >= FEWEST, "rates": lr is None,
        "decays": tune and not aside and len(rules) > 1, "epochs": tune,
    }  # fmt: skip
    if any(tried.values()):
        say(f"trying   {', '.join(what for what, so in tried.items() if so)}")
    trials = try_networks(
        nets, data.loss, data.X_train, data.y_train, batch_size=first[0], optimizers=rules, lr=lr,
        epochs=epochs, tune=tune, best_epoch=aside, rng=generators(options.seed)[2],
    )  # fmt: skip
    best = best_of(trials)
    options.widths = [len(layer.neurons) for layer in best.net.layers[:-1]]
    said = {}
    if len(nets) > 1 and n < FEWEST:
        said["layers"] = f"hidden: {_layers(best)}: {n} examples are too few to compare networks on"
    elif len(nets) > 1 and best.loss < math.inf:
        said["layers"] = "hidden: " + _rather([(_layers(t), t) for t in trials[: len(nets)]], n)
    if best.loss < math.inf and tune:
        of_best = [t for t in trials if t.net is best.net]
        decays = rules if tried["decays"] else []
        said["training"] = _rather([(_training(t, of_best[0], decays), t) for t in of_best], n)
        options.epochs = best.epochs
        rule = heavier if best.optimizer is heavier else rule
    if best.lr is not None:
        _set_rate(options, best.lr, falls)
        said["rate"] = _rate(best.lr, best.rates, falls)
    return rule, said


def _rather(named: Sequence[tuple[str, Trial]], n: int) -> str:
    """Which of some trials is taken, and why."""
    named = sorted(named, key=lambda pair: pair[1].loss)
    first, *others = [(name, digits(trial.loss)) for name, trial in named]
    mean = "" if n >= MANY else f", the mean of {PARTS} trainings"
    return (
        f"{first[0]} (loss {first[1]}) rather than "
        + " or ".join(f"{name} ({loss})" for name, loss in others)
        + f", on examples kept aside{mean}"
    )


def _layers(trial: Trial) -> str:
    """Its hidden layers, in words."""
    widths = "-".join(str(len(layer.neurons)) for layer in trial.net.layers[:-1])
    return f"one of {widths} units" if widths else "none"


def _training(trial: Trial, usual: Trial, decays: Sequence[Optimizer]) -> str:
    """How long it trains, in words; and with which of some weight decays, if it tells one."""
    words = f"{'the usual ' if trial is usual else ''}{trial.epochs} epochs"
    for rule in decays:
        if rule is trial.optimizer and trial.epochs == usual.epochs:
            words += f" with weight decay {digits(rule.given['weight_decay'])}"
    return words


def _rate(lr: float, rates: Mapping[float, float], falls: bool) -> str:
    """Which rate is taken, and why."""
    which = "the largest with nearly the least loss" if falls else "the one with the least loss"
    others = ", ".join(f"{rate:g}" for rate in RATES if rate not in rates)
    how = f"of {', '.join(f'{rate:g}' for rate in rates)}, {which} in some {TRIED} updates each"
    how += f" (at {others} it grew, or did on the farthest examples)" if others else ""
    if lr != choose_rate(rates, falls):
        how = "at larger ones that were tried, a training diverged"
    return f"{lr:g}: {how}" + ("; it falls to 0 along half a cosine" if falls else "")


def _widths(options: argparse.Namespace) -> Sequence[Sequence[int]]:
    """The hidden layers to try."""
    if options.widths is not None:
        return [options.widths]
    return WIDTHS if len(options.activation) == 1 else WIDTHS[:1]


def _network(options: argparse.Namespace, data: Dataset, widths: Sequence[int]) -> MLP:
    own = copy(options)
    own.widths = widths
    return networks_of(own, data, 1)[0]


def take_next(options: argparse.Namespace, chosen: dict[str, str]) -> bool:
    """Take the next smaller rate, where the one that `choose` took diverges; whether there is one.

    What is said in ``chosen`` is changed too.
    """
    if "rate" not in chosen:
        return False
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
    if options.widths is None:
        options.widths = list(WIDTHS[0])
    if options.epochs is None:
        options.epochs = SWEPT
    if options.lr is None:
        options.lr = rate_option(repr(usual_lr(rule)))
