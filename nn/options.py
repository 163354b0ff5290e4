"""The options of ``python -m nn train``, and what their texts mean."""

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from autograd.show.notation import for_output

from .arrays import check_epochs
from .data.datasets import Dataset
from .data_options import add_data_options, path
from .model.activations import ACTIVATIONS
from .model.likelihoods import LIKELIHOODS
from .model.network import MLP
from .train.defaults import (
    BATCH,
    DECAY,
    EPOCHS,
    FEWEST_EPOCHS,
    LONG,
    SWEPT,
    UPDATES,
    updates_of,
    usual_decays,
)
from .train.optimizers import OPTIMIZERS, make_rule
from .train.schedules import BatchSize, cosine, growing, inverse_time, step_decay
from .train.stepping import Optimizer, check_rate, defaults
from .train.validation import MANY

Part = tuple[Any, Any]

MOST = 2_000_000  # parameters: each is a Value, and goes through the recorded graph


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """All options of ``train``."""
    add = parser.add_argument
    add_data_options(add, "data")
    _add_own_options(add)
    # fmt: off
    add("--seed", type=int, default=0, metavar="S",
        help="of the split, the weights and the batches (%(default)s)")
    add("--checkpoint", type=path, metavar="FILE",
        help="where to keep all that is needed to go on, written at the start and after epochs")
    add("--checkpoint-every", type=_positive, default=1, metavar="K",
        help="epochs from checkpoint to checkpoint (%(default)s)")
    add("--resume", type=path, metavar="FILE",
        help="a checkpoint to go on from, with the same options, to --epochs in all")
    add("--sweep", nargs="+", action="extend", metavar="NAME=V,V",
        help="train with every combination of such values, as lr=0.03,0.1,0.3 batch-size=1,16, and "
        "compare: of --" + ", --".join(swept_names()))
    add("--seeds", type=_positive, metavar="N",
        help="with --sweep: train each with so many seeds, from --seed on (5)")
    add("--workers", type=_positive, metavar="N",
        help="with --sweep: how many processes train side by side (1)")
    add("--out", type=path, metavar="DIR",
        help="where the files go; runs/DATA, or runs/DATA-sweep, if not given")
    add("--quiet", action="store_true", help="no progress bar")
    # fmt: on


def _add_own_options(add: Callable[..., Any]) -> None:
    """The options that set up a training; those that take a value can be swept."""
    # fmt: off
    add("--widths", type=_positive, nargs="*", metavar="D",
        help="widths of the hidden layers, or nothing for none. If not given, 32, or none where "
        "that does better on examples kept aside (in a sweep, and of fewer than 20 examples to "
        "train on: 32); "
        f"at most {MOST:,} parameters")
    add("--activation", nargs="+", default=["relu"], choices=[*ACTIVATIONS], metavar="G",
        help="for all hidden layers, or one each (relu): " + ", ".join(ACTIVATIONS))
    add("--no-bias", action="store_true", help="neurons without a bias, as in the lecture")
    add("--loss", choices=[*LIKELIHOODS], metavar="LOSS",
        help=", ".join(LIKELIHOODS) + "; what fits the data, if not given")
    add("--epochs", type=_epochs, metavar="N",
        help=f"passes over the training part. If not given, enough for {UPDATES:,} updates, or "
        f"{EPOCHS} if those are more (beyond {LONG:,} updates fewer, but {FEWEST_EPOCHS} or more), "
        "or a quarter or a 16th of them, or 4 times as many if a quarter is clearly too few, "
        "whichever does best on examples kept aside (not where several batch sizes are compared); "
        f"and if {MANY:,} or more examples are left, a fifth is kept aside in the training too, "
        f"the network of the best epoch is taken, and a 16th not tried (in a sweep: {SWEPT})")
    add("--batch-size", type=_checked_batch_size, nargs="+", metavar="B",
        help=f"a number, full, or a schedule: grow:START:FACTOR:EPOCHS ({BATCH}, or all examples "
        "if they are fewer); several are compared, each from the same start")
    add("--lr", type=rate_option, metavar="LR",
        help="a number, or a schedule of updates: step:LR:FACTOR:UPDATES, 1/t:LR:T0, cosine:LR. If "
        "not given, one of several rates by a short test; if --epochs is not given either, it "
        "falls as a cosine (in a sweep: 0.1 for sgd, the usual rate of other optimizers)")
    add("--optimizer", default="sgd", choices=[*OPTIMIZERS], metavar="RULE",
        help=", ".join(OPTIMIZERS) + " (%(default)s); its settings:")
    for name, (default, kinds) in _settings().items():
        _add_setting(add, name, default, kinds)
    add("--patience", type=_positive, metavar="N",
        help="stop after so many epochs without a smaller loss on a fifth of the training part, "
        "kept aside for it, and take the network of the best epoch")
    # fmt: on


def swept_names() -> list[str]:
    """The options that `--sweep` can vary: all that set up a training and take a value."""
    names: list[str] = []

    def add(option: str, action: str = "", **_: Any) -> None:
        if not action:
            names.append(option.removeprefix("--"))

    _add_own_options(add)
    return names


def _settings() -> dict[str, tuple[Any, list[str]]]:
    """The settings of all optimizers by name: the default, and the optimizers that have it."""
    found: dict[str, tuple[Any, list[str]]] = {}
    for kind, rule in OPTIMIZERS.items():
        for name, default in defaults(rule).items():
            found.setdefault(name, (default, []))[1].append(kind)
    return found


def _add_setting(add: Callable[..., Any], name: str, default: Any, kinds: list[str]) -> None:
    """The option for a setting of some optimizers."""
    option, whose = "--" + name.replace("_", "-"), "of " + ", ".join(kinds)
    if name == "weight_decay":
        whose += (
            f" (for sgd 1/n for n examples, but {DECAY:g} at most; or 10/n, where epochs are "
            "chosen too, if it does better on examples kept aside)"
        )
    if isinstance(default, bool):
        add(option, action="store_const", const=True, help=whose)
    elif isinstance(default, tuple):
        add(option, type=float, nargs=len(default), metavar=name[0].upper(), help=whose)
    else:
        add(option, type=float, metavar=name[0].upper(), help=whose)


def rule_of(options: argparse.Namespace, n: int, heavier: bool = False) -> Optimizer:
    """The optimizer that the options ask for, for n examples.

    If they give no weight decay, it is the usual one or the ``heavier``.

    Raises:
        ValueError: the optimizer has no such setting, or the setting is out of range.
    """
    given = {name: getattr(options, name) for name in _settings()}
    if options.optimizer == "sgd" and given["weight_decay"] is None:
        usual, heavy = usual_decays(n)
        given["weight_decay"] = heavy if heavier else usual
    return make_rule(options.optimizer, **{k: v for k, v in given.items() if v is not None})


def held_out_of(data: Dataset, options: argparse.Namespace, choosing: bool) -> tuple[Dataset, Part]:
    """The data, and the part to evaluate after every epoch: the test part, which may be empty.

    For early stopping, or for ``choosing`` epochs or settings, it is a fifth of the training part
    instead: the test part must stay unseen.
    """
    if not choosing:
        return data, (data.X_test, data.y_test)
    X, y = data.X_train, data.y_train
    n = len(X) - max(1, len(X) // 5)
    if n < 1:
        name = "--patience" if options.patience else "--sweep"
        raise ValueError(f"{name} needs two examples or more to train on")
    return replace(data, X_train=X[:n], y_train=y[:n]), (X[n:], y[n:])


def networks_of(options: argparse.Namespace, data: Dataset, how_many: int) -> list[MLP]:
    """So many networks, all with the same first weights."""
    hidden, activation = options.widths, options.activation
    if len(activation) == 1:
        activation = activation * len(hidden)
    sizes = [data.X_train.shape[1], *hidden, data.outputs]
    m = sum((below + (not options.no_bias)) * d for below, d in pairwise(sizes))
    if m > MOST:
        raise ValueError(f"--widths would make {m:,} parameters, and {MOST:,} is the most here")
    return [
        MLP(sizes[0], sizes[1:], activation, not options.no_bias, generators(options.seed)[0])
        for _ in range(how_many)
    ]


def settings_of(
    options: argparse.Namespace,
    data: Dataset,
    held_out: Part,
    rule: Optimizer,
    batching: "Batching",
) -> dict[str, Any]:
    """What `fit` is given for one training, alone or in a sweep."""
    return {
        "loss": data.loss, "X": data.X_train, "y": data.y_train, "epochs": options.epochs,
        "batch_size": batching.size, "lr": batching.lr, "optimizer": rule,
        "rng": generators(options.seed)[1], "validation": held_out if len(held_out[0]) else None,
    }  # fmt: skip


def generators(seed: int) -> list[np.random.Generator]:
    """The generators of the weights, of the batches, and of what is tried before."""
    return np.random.default_rng(seed).spawn(3)


def say(text: str, file: Any = None) -> None:
    """Print a line, in characters that the output can take: names in a table may be anything."""
    print(*for_output([text]), file=file, flush=True)


def check_other(path: Path, given: list[Path | None]) -> None:
    """Raise if a file would be written over that was given to be read, or kept."""
    for other in given:
        if other is not None and path.resolve() == other.resolve():
            raise ValueError(f"{other} would be written over: give another --out")


def check_folder(path: Path, names: Iterable[str], given: list[Path | None]) -> None:
    """Check that a folder can be made, or is there, and that files can be written into it.

    Args:
        path: the folder.
        names: of the files.
        given: files that were given to be read, or kept.

    Raises:
        ValueError: one of those would be written over.
        OSError: something could not be written.
    """
    there = next(folder for folder in [path, *path.absolute().parents] if folder.exists())
    if not there.is_dir():
        what = "it is a file" if there is path else f"{there} is no folder"
        raise NotADirectoryError(f"can't write into {path}: {what}. Give another --out")
    if not os.access(there, os.W_OK):
        raise PermissionError(
            f"can't write into {path}: {there} is not yours to write into. Give another --out"
        )
    for name in names:
        if (path / name).is_dir():
            raise IsADirectoryError(f"can't write {path / name}: it is a folder")
        check_other(path / name, given)


def make_folder(path: Path) -> None:
    """Make a folder, if there is none.

    Raises:
        OSError: it can't be made, or written into.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):  # checks that the folder can be written
            pass
    except OSError as error:
        raise type(error)(
            f"can't make the folder {path}, or write into it: {error.strerror}. Give another --out"
        ) from error


class Batching:
    """How the batches of one training are chosen, and how its rate falls.

    Attributes:
        text: as the option has it.
        size: the batch size, or a schedule.
        updates: how many there are in all.
        lr: the rate, or a schedule.

    Raises:
        ValueError: a batch is larger than the number of examples, or the rate is not a rate.
    """

    def __init__(self, text: str, n: int, options: argparse.Namespace) -> None:
        self.text = text
        self.size = size_for(text, n)
        self.updates = updates_of(n, self.size, options.epochs)
        self.lr = options.lr[1](self.updates)
        check_rate(self.lr(1) if callable(self.lr) else self.lr)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return number


def _epochs(text: str) -> int:
    number = int(text)
    try:
        check_epochs(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return number


_positive.__name__ = _epochs.__name__ = "whole number"


def batch_size_of(text: str) -> Callable[[int], Any]:
    """What the option means, once the number of examples is known."""
    kind, *parts = text.split(":")
    try:
        if kind == "full" and not parts:
            return lambda n: n
        if kind == "grow" and len(parts) == 3:
            schedule = growing(int(parts[0]), float(parts[1]), int(parts[2]))
            return lambda n: schedule
        number = _positive(text)
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise argparse.ArgumentTypeError(
            f"must be a number, full, or grow:START:FACTOR:EPOCHS, got {text!r} ({error})"
        ) from None
    return lambda n: number


def size_for(text: str, n: int) -> int | BatchSize:
    """The batch size, or its schedule, for n examples.

    Raises:
        ValueError: it is more than n.
    """
    size: int | BatchSize = batch_size_of(text)(n)
    if not callable(size) and size > n:
        raise ValueError(f"--batch-size {size} is more than the {n} examples to train on")
    return size


def _checked_batch_size(text: str) -> str:
    batch_size_of(text)
    return text


def rate_option(text: str) -> tuple[str, Callable[[int], Any]]:
    """A rate as the option has it, and what it means once the number of updates is known."""
    return text, _learning_rate(text)


def _learning_rate(text: str) -> Callable[[int], Any]:
    """What the option means, once the number of updates is known."""
    kind, *parts = text.split(":")
    try:
        if kind == "step" and len(parts) == 3:
            schedule = step_decay(float(parts[0]), float(parts[1]), int(parts[2]))
            return lambda updates: schedule
        if kind == "1/t" and len(parts) == 2:
            falling = inverse_time(float(parts[0]), float(parts[1]))
            return lambda updates: falling
        if kind == "cosine" and len(parts) == 1:
            lr = float(parts[0])
            cosine(lr, updates=1)  # refuses what it can't work with
            return lambda updates: cosine(lr, updates)
        number = float(text)
        if not 0 < number < math.inf:
            raise ValueError("a rate must be positive")
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            "must be a number, step:LR:FACTOR:UPDATES, 1/t:LR:T0 or cosine:LR, "
            f"got {text!r} ({error})"
        ) from None
    return lambda updates: number
