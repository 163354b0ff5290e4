"""``python -m nn play``: the playground as a file."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import check_positive
from .data import datasets
from .data.datasets import Dataset
from .data_options import add_data_options, data_of, path
from .model.activations import ACTIVATIONS
from .model.likelihoods import LIKELIHOODS
from .model.network import MLP
from .options import check_other
from .show.playground import live
from .train.defaults import usual_lr
from .train.optimizers import OPTIMIZERS, make_rule


def add_play(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "play", help="a page in which a network trains",
        description="Write a page in which a network trains: open it in a browser. Data, network "
        "and training can be changed there, and files of one's own dropped in.",
    )  # fmt: skip
    parser.set_defaults(run=play)
    add = parser.add_argument
    add_data_options(add, "data", nargs="?", default="moons")
    # fmt: off
    add("--loss", choices=[*LIKELIHOODS], metavar="LOSS",
        help=", ".join(LIKELIHOODS) + "; what fits the data, if not given")
    add("--widths", type=int, nargs="*", default=[8], metavar="D",
        help="widths of the hidden layers, or nothing for none (8)")
    add("--activation", default="tanh", choices=[*ACTIVATIONS], metavar="G",
        help=", ".join(ACTIVATIONS) + " (%(default)s)")
    add("--no-bias", action="store_true", help="neurons without a bias, as in the lecture")
    add("--batch-size", type=int, default=16, metavar="B", help="(%(default)s)")
    add("--lr", type=float, metavar="LR",
        help="the rate (0.1 for sgd, the usual rate of other optimizers)")
    add("--optimizer", default="sgd", choices=[*OPTIMIZERS], metavar="RULE",
        help=", ".join(OPTIMIZERS) + " (%(default)s)")
    add("--momentum", type=float, default=0.0, metavar="M", help="of sgd (%(default)s)")
    add("--seed", type=int, default=0, metavar="S",
        help="of the split, the weights and the batches (%(default)s)")
    add("--out", type=path, default=Path("playground.html"), metavar="FILE",
        help="where the page goes (%(default)s)")
    # fmt: on


def play(options: argparse.Namespace) -> None:
    """Write the page as the options say."""
    if options.seed < 0:
        raise ValueError(f"--seed must be 0 or more, got {options.seed}")
    check_other(options.out, [Path(options.data)])
    data = data_of(options)
    rule = make_rule(options.optimizer)
    lr = usual_lr(rule) if options.lr is None else options.lr
    check_positive(lr=lr)
    net = MLP(
        data.X_train.shape[1], [*options.widths, data.outputs], activation=options.activation,
        bias=not options.no_bias, rng=np.random.default_rng(options.seed),
    )  # fmt: skip
    page = live(
        net, data.loss, [data, *_others(data, options)], batch_size=options.batch_size, lr=lr,
        momentum=options.momentum, optimizer=options.optimizer, seed=options.seed,
    )  # fmt: skip
    page.save(options.out)
    size = options.out.stat().st_size / 1000
    print(f"wrote    {options.out} ({size:.0f} kB): open it in a browser")


def _others(data: Dataset, options: argparse.Namespace) -> list[Dataset]:
    """The bundled data sets that the same loss is for, to choose from in the page."""
    if data.name not in datasets.NAMES or options.target is not None:
        return []
    others = []
    for name in datasets.NAMES:
        try:
            other = datasets.load(name, seed=options.seed)
        except ModuleNotFoundError:
            continue
        if name != data.name and other.loss is data.loss:
            others.append(other)
    return others
