"""The command line: ``python -m nn train digits``, ``python -m nn predict NETWORK FILE.csv``."""

import argparse
import math
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograd import Drawing, draw, topological_order
from autograd.files import write_whole
from autograd.show.graph import READABLE

from . import datasets
from .checkpoints import load_table, save
from .figures import svg
from .film import FRAMES, Film, every_for
from .history import History
from .network import ACTIVATIONS, MLP
from .optim import SGD, cosine, growing, inverse_time, step_decay
from .report import Run, write_report
from .tables import LOSSES, Table, load_csv, predict_csv, read_csv
from .training import evaluate, fit, recorded_example

MOST = 2_000_000  # parameters: each is a Value, and goes through the recorded graph
FILMED = 20_000_000  # parameters, counted anew in every frame of the film


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One clear line and exit code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = _Parser(prog="python -m nn", description="Train networks of scalar Values by SGD.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_predict(commands)
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(given)
    options.given = shlex.join(["python", "-m", "nn", *given])
    try:
        options.run(options)
    except BrokenPipeError:  # whoever read the output, as `head` does, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, ModuleNotFoundError, OSError) as error:
        parser.error(str(error))
    except FloatingPointError as error:
        print(f"{parser.prog}: training stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = getattr(options, "checkpoint", None)
        how = f"go on with --resume {kept}" if kept and kept.exists() else "nothing was kept"
        print(f"{parser.prog}: interrupted, {how}", file=sys.stderr)
        return 130
    return 0


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train", help="train a network on a data set",
        description="Train a network on a data set. Writes report.html (open it in a browser), "
        "network.npz, history.csv, curves.svg and graph.svg.",
    )  # fmt: skip
    parser.set_defaults(run=train)
    add = parser.add_argument
    # fmt: off
    add("data", metavar="DATA", help=", ".join(datasets.NAMES) + ", or a CSV file of your own")
    add("--target", metavar="COLUMN", help="of a CSV file: the column to predict")
    add("--widths", type=_positive, nargs="*", default=[32], metavar="D",
        help="widths of the hidden layers, or nothing for none (32); "
        f"at most {MOST:,} parameters")
    add("--activation", nargs="+", default=["relu"], choices=[*ACTIVATIONS], metavar="G",
        help="for all hidden layers, or one each (relu): " + ", ".join(ACTIVATIONS))
    add("--no-bias", action="store_true", help="neurons without a bias, as in the lecture")
    add("--loss", choices=[*LOSSES], metavar="LOSS",
        help=", ".join(LOSSES) + "; what fits the data, if not given")
    add("--epochs", type=_positive, default=20, metavar="N",
        help="passes over the training part (%(default)s)")
    add("--batch-size", type=_checked_batch_size, nargs="+", default=["16"], metavar="B",
        help="a number, full, or a schedule: grow:START:FACTOR:EPOCHS (16); several are compared, "
        "each from the same start")
    add("--lr", type=_rate_option, default="0.1", metavar="LR",
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
    if len(options.batch_size) > 1 and (kept or options.resume):
        raise ValueError("--checkpoint and --resume are for one --batch-size, not for several")
    if len(set(options.batch_size)) < len(options.batch_size):
        raise ValueError("--batch-size: give each only once")
    data = _data(options)
    n, d0 = data.X_train.shape
    loss, outputs = _loss(options.loss, data)
    data = replace(data, loss=loss, outputs=outputs)
    hidden, activation = options.widths, options.activation
    if len(activation) == 1:
        activation = activation * len(hidden)
    plans = [_Plan(text, n, options) for text in options.batch_size]
    sizes = [d0, *hidden, outputs]
    m = sum((below + (not options.no_bias)) * d for below, d in pairwise(sizes))
    if m > MOST:
        raise ValueError(f"--widths would make {m:,} parameters, and {MOST:,} is the most here")
    # Each from the same start; made now, so that what does not fit is refused before all else.
    nets = [
        MLP(d0, sizes[1:], activation, not options.no_bias, _generators(options.seed)[0])
        for _ in plans
    ]
    layers = [f"{d} ({g})" for d, g in zip(sizes[1:], [*activation, "identity"])]
    facts = {
        "data": f"{data.name}: {n} examples to train on, {len(data.X_test)} to test",
        "network": f"{' -> '.join([str(d0), *layers])}, m = {m} parameters",
        "loss": loss.__name__,
        "inputs": "standardised: each column less its mean, over its standard deviation",
        "SGD": f"{options.epochs} epochs, "
        + "; ".join(f"batch size {p.text}: {p.updates} updates" for p in plans)
        + f"; lr {options.lr[0]}"
        + (f", momentum {options.momentum:g}" if options.momentum else ""),
    }
    if options.target is not None and options.loss is None:
        facts["loss"] += f" (what {data.target!r} looks like; to choose, give --loss)"
    own = "-csv" if options.target is not None and data.name in datasets.NAMES else ""
    out = options.out or Path("runs") / f"{data.name}{own}"
    out.mkdir(parents=True, exist_ok=True)
    _check_outputs(out, [Path(options.data), options.checkpoint, options.resume])
    for name, text in facts.items():
        print(f"{name:<8} {text}", flush=True)
    History().plot()  # matplotlib is missed now, not after the training
    runs = [_run(options, data, loss, net, plan) for net, plan in zip(nets, plans)]
    for run in runs:
        if len(runs) > 1:
            print(f"batch size {run.name}")
        for part, scores in run.scores.items():
            print(f"{part:<8} {_line(scores)}")

    first = runs[0]
    save(first.net, out / "network.npz", Table.of(data))
    first.history.to_csv(out / "history.csv")
    write_whole(out / "curves.svg", svg(first.history.plot()).encode())
    drawing, what = _small_drawing(first.net, loss, data.X_test[0].tolist(), data.y_test[0].item())
    graph, advice = "graph.svg", ""
    try:
        drawing.save(out / graph)
    except RuntimeError as error:
        graph, advice = "graph.dot", f"\n{error}"
        drawing.save(out / graph)
    write_report(out / "report.html", data, runs, facts, options.given)
    whose = f", of batch size {first.name}" if len(runs) > 1 else ""
    print(f"wrote    {out}: network.npz, history.csv, curves.svg, {graph} ({what}){whose}{advice}")
    print(f"look at  {out / 'report.html'}")


FILES = ("report.html", "network.npz", "history.csv", "curves.svg", "graph.svg", "graph.dot")


def _check_outputs(out: Path, given: list[Path | None]) -> None:
    """Find out before the training what could not be written after it."""
    for name in FILES:
        if (out / name).is_dir():
            raise IsADirectoryError(f"can't write {out / name}: it is a folder")
        _check_other(out / name, given)
    with tempfile.TemporaryFile(dir=out):  # so that there is leave to write
        pass


def _check_other(path: Path, given: list[Path | None]) -> None:
    """Refuse to write over a file that was given to be read, or kept."""
    for other in given:
        if other is not None and path.resolve() == other.resolve():
            raise ValueError(f"{other} would be written over: give another --out")


class _Plan:
    """How the batches of one training are chosen."""

    def __init__(self, text: str, n: int, options: argparse.Namespace) -> None:
        self.text = text
        self.size = _batch_size(text)(n)
        if not callable(self.size) and self.size > n:
            raise ValueError(f"--batch-size {self.size} is more than the {n} examples to train on")
        size_at = self.size if callable(self.size) else lambda epoch: self.size
        self.updates = sum(n // min(size_at(epoch), n) for epoch in range(1, options.epochs + 1))
        self.lr = options.lr[1](self.updates)
        # Refuses what it can't work with.
        SGD([], self.lr(1) if callable(self.lr) else self.lr, options.momentum)


def _run(
    options: argparse.Namespace, data: datasets.Dataset, loss: Any, net: MLP, plan: _Plan
) -> Run:
    """One training, filmed."""
    _, rng = _generators(options.seed)
    x, y = data.X_test[0].tolist(), data.y_test[0].item()
    # A frame takes a second or two for a million parameters.
    frames = min(FRAMES, 2 + FILMED // len(net.parameters()))
    film = Film(net, x, y, every=every_for(range(1, plan.updates + 1), frames))
    history = fit(
        net,
        loss,
        data.X_train,
        data.y_train,
        epochs=options.epochs,
        batch_size=plan.size,
        lr=plan.lr,
        momentum=options.momentum,
        rng=rng,
        validation=(data.X_test, data.y_test),
        progress=not options.quiet,
        checkpoint=options.checkpoint,
        every=options.every,
        resume=options.resume,
        callbacks=[film],
    )
    parts = {"train": (data.X_train, data.y_train), "test": (data.X_test, data.y_test)}
    scores = {part: evaluate(net, loss, X, y) for part, (X, y) in parts.items()}
    for part, result in scores.items():
        if not math.isfinite(result["loss"]):
            raise FloatingPointError(
                f"after {history[-1].updates} updates the loss on the {part} part is "
                f"{result['loss']}. Try a smaller --lr"
            )
    return Run(plan.text, net, history, scores, film)


def _generators(seed: int) -> list[np.random.Generator]:
    """Of the weights and of the batches, the same for each training."""
    return np.random.default_rng(seed).spawn(2)


def _data(options: argparse.Namespace) -> datasets.Dataset:
    """The data set: by name, or from a file."""
    if options.data in datasets.NAMES:
        if options.target is not None:
            raise ValueError(f"--target is for CSV files, and {options.data} is a data set by name")
        return datasets.load(options.data, seed=options.seed)
    if not options.data.lower().endswith(".csv"):
        raise ValueError(
            f"unknown data set {options.data!r}: choose from {', '.join(datasets.NAMES)}, or give "
            "a file that ends in .csv"
        )
    if options.target is None:
        columns = ", ".join(read_csv(options.data).header)
        raise ValueError(f"give the column to predict, --target COLUMN, one of: {columns}")
    loss = None if options.loss is None else LOSSES[options.loss]
    return load_csv(options.data, options.target, loss=loss, seed=options.seed)


def _line(scores: Mapping[str, float]) -> str:
    decimals = ".4g" if abs(scores["loss"]) >= 1e4 else ".4f"
    formats = {"loss": f"loss {{:{decimals}}}", "accuracy": "accuracy {:.2%}", "r2": "R^2 {:.4f}"}
    return ", ".join(formats[name].format(s) for name, s in scores.items())


def _add_predict(commands: Any) -> None:
    parser = commands.add_parser(
        "predict", help="predict with a trained network",
        description="Write the rows of a CSV file with a network's predictions beside them.",
    )  # fmt: skip
    parser.set_defaults(run=predict)
    parser.add_argument("network", type=Path, metavar="NETWORK", help="network.npz, by train")
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="with the columns trained on")
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="where they go; FILE-predicted.csv, if not given")  # fmt: skip


def predict(options: argparse.Namespace) -> None:
    """Predict as the options say."""
    net, table = load_table(options.network)
    out = options.out or options.file.with_name(f"{options.file.stem}-predicted.csv")
    _check_other(out, [options.file, options.network])
    n = predict_csv(net, table, options.file, out)
    print(f"wrote    {out}: {n} rows, with 'predicted {table.target}'")


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


def _checked_batch_size(text: str) -> str:
    _batch_size(text)
    return text


def _rate_option(text: str) -> tuple[str, Callable[[int], Any]]:
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


if __name__ == "__main__":
    sys.exit(main())
