"""The command line: ``python -m nn train digits``."""

import argparse
import io
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograd import Drawing, draw, topological_order
from autograd.draw import READABLE
from autograd.files import write_whole

from . import datasets
from .history import History
from .losses import bernoulli_nll, categorical_nll, gaussian_nll
from .network import ACTIVATIONS, MLP
from .optim import SGD, cosine, growing, inverse_time, step_decay
from .training import evaluate, fit, recorded_example

LOSSES = {"gaussian": gaussian_nll, "bernoulli": bernoulli_nll, "categorical": categorical_nll}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One clear line and exit code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = _Parser(prog="python -m nn", description="Train networks of scalar Values by SGD.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    options = parser.parse_args(arguments)
    try:
        train(options)
    except BrokenPipeError:  # whoever read the output, as `head` does, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, ModuleNotFoundError, OSError) as error:
        parser.error(str(error))
    except FloatingPointError as error:
        print(f"{parser.prog}: training stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = options.checkpoint
        how = f"go on with --resume {kept}" if kept and kept.exists() else "nothing was written"
        print(f"{parser.prog}: interrupted, {how}", file=sys.stderr)
        return 130
    return 0


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train", help="train a network on a data set",
        description="Train a network on a data set. Writes history.csv, curves.svg and graph.svg.",
    )  # fmt: skip
    add = parser.add_argument
    # fmt: off
    add("data", metavar="DATA", help=", ".join(datasets.NAMES))
    add("--widths", type=_positive, nargs="*", default=[32], metavar="D",
        help="widths of the hidden layers, or nothing for none (32)")
    add("--activation", nargs="+", default=["relu"], choices=[*ACTIVATIONS], metavar="G",
        help="for all hidden layers, or one each (relu): " + ", ".join(ACTIVATIONS))
    add("--no-bias", action="store_true", help="neurons without a bias, as in the lecture")
    add("--loss", choices=[*LOSSES], metavar="LOSS",
        help=", ".join(LOSSES) + "; what fits the data, if not given")
    add("--epochs", type=_positive, default=20, metavar="N",
        help="passes over the training part (%(default)s)")
    add("--batch-size", type=_batch_size, default="16", metavar="B",
        help="a number, full, or a schedule: grow:START:FACTOR:EPOCHS (%(default)s)")
    add("--lr", type=_learning_rate, default="0.1", metavar="LR",
        help="a number, or a schedule of updates: step:LR:FACTOR:UPDATES, 1/t:LR:T0, cosine:LR "
        "(%(default)s)")
    add("--momentum", type=float, default=0.0, metavar="M", help="in [0, 1) (%(default)s)")
    add("--seed", type=int, default=0, metavar="S",
        help="of the split, the weights and the batches (%(default)s)")
    add("--checkpoint", type=Path, metavar="FILE",
        help="where to keep all that is needed to go on, written at the start and after epochs")
    add("--every", type=_positive, default=1, metavar="K",
        help="epochs from checkpoint to checkpoint (%(default)s)")
    add("--resume", type=Path, metavar="FILE",
        help="a checkpoint to go on from, with the same options, to --epochs in all")
    add("--out", type=Path, metavar="DIR", help="where the files go; runs/DATA, if not given")
    add("--quiet", action="store_true", help="no progress bar")
    # fmt: on


def train(options: argparse.Namespace) -> None:
    """Train as the options say, report, and write the files."""
    if options.seed < 0:
        raise ValueError(f"--seed must be 0 or more, got {options.seed}")
    kept = options.checkpoint
    if kept is not None and kept.exists() and options.resume is None:
        raise ValueError(f"{kept} exists already: go on with --resume {kept}, or remove it")
    data = datasets.load(options.data, seed=options.seed)
    n, d0 = data.X_train.shape
    loss, outputs = _loss(options.loss, data)
    hidden, activation = options.widths, options.activation
    if len(activation) == 1:
        activation = activation * len(hidden)
    weights_rng, batches_rng = np.random.default_rng(options.seed).spawn(2)
    net = MLP(d0, [*hidden, outputs], activation, not options.no_bias, weights_rng)
    batch_size = options.batch_size(n)
    if not callable(batch_size) and batch_size > n:
        raise ValueError(f"--batch-size {batch_size} is more than the {n} examples to train on")
    size_at = batch_size if callable(batch_size) else lambda epoch: batch_size
    updates = sum(n // min(size_at(epoch), n) for epoch in range(1, options.epochs + 1))
    lr = options.lr(updates)
    SGD([], lr(1) if callable(lr) else lr, options.momentum)  # refuses what it can't work with
    out = options.out or Path("runs") / data.name
    out.mkdir(parents=True, exist_ok=True)

    layers = [f"{d} ({g})" for d, g in zip([*hidden, outputs], [*activation, "identity"])]
    print(f"data     {data.name}: {n} examples to train on, {len(data.X_test)} to test")
    print(f"network  {' -> '.join([str(d0), *layers])}, m = {len(net.parameters())} parameters")
    print(f"loss     {loss.__name__}")
    print(f"SGD      {options.epochs} epochs, {updates} updates", flush=True)
    History().plot()  # matplotlib is missed now, not after the training
    history = fit(
        net,
        loss,
        data.X_train,
        data.y_train,
        epochs=options.epochs,
        batch_size=batch_size,
        lr=lr,
        momentum=options.momentum,
        rng=batches_rng,
        validation=(data.X_test, data.y_test),
        progress=not options.quiet,
        checkpoint=options.checkpoint,
        every=options.every,
        resume=options.resume,
    )
    formats = {"loss": "loss {:.4f}", "accuracy": "accuracy {:.2%}", "r2": "R^2 {:.4f}"}
    for part, X, y in (("train", data.X_train, data.y_train), ("test", data.X_test, data.y_test)):
        scores = evaluate(net, loss, X, y)
        print(f"{part:<8} {', '.join(formats[name].format(s) for name, s in scores.items())}")

    history.to_csv(out / "history.csv")
    curves = io.BytesIO()
    history.plot().savefig(curves, format="svg")
    write_whole(out / "curves.svg", curves.getvalue())
    drawing, what = _small_drawing(net, loss, data.X_test[0].tolist(), data.y_test[0].item())
    graph, advice = "graph.svg", ""
    try:
        drawing.save(out / graph)
    except RuntimeError as error:
        graph, advice = "graph.dot", f"\n{error}"
        drawing.save(out / graph)
    print(f"wrote    {out}: history.csv, curves.svg, {graph} ({what}){advice}")


def _loss(name: str | None, data: datasets.Dataset) -> tuple[Callable[..., Any], int]:
    """The loss to train with, and how many outputs it needs."""
    if name is None:
        return data.loss, data.outputs
    K = len(data.classes)
    if (name == "gaussian") is not (K == 0):
        kind = f"{K} classes" if K else "numbers"
        raise ValueError(f"--loss {name} does not fit {data.name}, whose targets are {kind}")
    if name == "bernoulli" and K > 2:
        raise ValueError(f"--loss bernoulli is for two classes, and {data.name} has {K}")
    return LOSSES[name], K if name == "categorical" else 1


def _small_drawing(net: MLP, loss: Callable[..., Any], x: Any, y: Any) -> tuple[Drawing, str]:
    """One example's graph with its gradients, or as much of its end as can be read."""
    last = len(net.layers)
    with recorded_example(net, loss, x, y) as root:
        nodes = topological_order(root)
        top = [v for v in nodes if v.label.startswith(f"a{last}[")]
        below = [v for v in nodes if v.label.startswith(f"x{last - 1}[")]
        drawing, what = draw(root, stop=top), "the outputs and the loss"
        for stop, more in (below, "the last layer and the loss"), ([], "the whole graph"):
            try:
                drawing, what = draw(root, stop=stop, limit=READABLE), more
            except ValueError:  # too large
                break
    return drawing, f"{what} of one test example"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return number


_positive.__name__ = "whole number"


def _batch_size(text: str) -> Callable[[int], Any]:
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


if __name__ == "__main__":
    sys.exit(main())
