"""The command line: ``python -m nn train digits``, ``predict NETWORK FILE``, ``play moons``."""

import argparse
import io
import math
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from autograd.about import __version__
from autograd.files import Target, write_whole

from .choosing import choose, keeps_aside, take_next
from .data import datasets
from .data.datasets import FARTHEST, Dataset
from .data.looks import one_line
from .data.predictions import predict_csv, predictions
from .data.reading import stem_of
from .data.tables import Table
from .data_options import HEADERS, add_header_option, data_of, path
from .figures import svg
from .model.network import MLP
from .options import (
    Batching,
    Part,
    add_train_options,
    check_folder,
    check_other,
    held_out_of,
    make_folder,
    networks_of,
    rule_of,
    say,
    settings_of,
)
from .playing import add_play
from .show.film import FRAMES, Film
from .show.graphs import small_drawing
from .show.packing import Set
from .show.playground import Playground, source_of
from .show.report import PLAYGROUND, Run, write_report
from .sweeping import check_sweep, run_sweep
from .train.baselines import BALANCED, Baseline, balanced_accuracy, baselines, line_of
from .train.callbacks import EarlyStopping
from .train.checkpoints import load_table, save
from .train.choice import ENGINES
from .train.evaluation import evaluate
from .train.fit import fit
from .train.history import History
from .train.stepping import Optimizer

FILMED = 20_000_000  # parameters, counted anew in every frame of the film
ALWAYS = ("report.html", "network.npz", "history.csv", "curves.svg")
FILES = (*ALWAYS, "graph.svg", "graph.dot", PLAYGROUND)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One clear line and exit code 2."""
        say(f"{self.prog}: {message}", sys.stderr)
        self.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    prog = "chalkgrad" if Path(sys.argv[0]).stem == "chalkgrad" else "python -m nn"
    parser = _Parser(prog=prog, description="Train networks of scalar Values by SGD.")
    parser.add_argument("--version", action="version", version=f"chalkgrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_train(commands)
    _add_predict(commands)
    add_play(commands)
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(given)
    if options.command is None:
        parser.error(f"give a command, with --help for more: {', '.join(commands.choices)}")
    options.given = shlex.join(["python", "-m", "nn", *given])
    try:
        options.run(options)
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, ModuleNotFoundError, OSError) as error:
        parser.error(str(error))
    except FloatingPointError as error:
        say(f"{parser.prog}: training stopped: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = getattr(options, "checkpoint", None)
        how = f"go on with --resume {kept}" if kept and kept.exists() else "nothing was kept"
        if getattr(options, "sweep", None):
            how = "give the same command again to go on"
        say(f"{parser.prog}: interrupted, {how}", sys.stderr)
        return 130
    return 0


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train", help="train a network on a data set",
        description="Train a network on a data set. Writes report.html (open it in a browser), "
        "network.npz, history.csv, curves.svg and graph.svg.",
    )  # fmt: skip
    parser.set_defaults(run=train)
    add_train_options(parser)


def train(options: argparse.Namespace) -> None:
    """Train as the options say, report, and write the files."""
    _check_options(options)
    if options.sweep:
        run_sweep(options)
        return
    whole = data_of(options)
    aside = keeps_aside(options, len(whole.X_train))
    data, held_out = held_out_of(whole, options, aside)
    rule = rule_of(options, len(data.X_train))
    History().plot()  # if matplotlib is missing, fail now, not after the training
    out = _folder(options, data)
    rule, chosen = choose(options, data, rule, aside)
    batchings = [Batching(text, len(data.X_train), options) for text in options.batch_size]
    nets = networks_of(options, data, len(batchings))
    facts = _facts(options, data, whole, rule, nets[0], batchings) | chosen
    make_folder(out)
    for name, text in facts.items():
        say(f"{name:<8} {text}")
    for i, (which, what) in enumerate(data.told):
        say(f"{'' if i else 'columns':<8} {one_line(f'{which}: {what}')}")
    stopping = EarlyStopping(options.patience or options.epochs) if aside else None
    while True:
        try:
            runs = [
                _run(options, data, held_out, rule, stopping, *pair)
                for pair in zip(nets, batchings)
            ]
            break
        except FloatingPointError as error:
            if options.resume or not take_next(options, chosen):
                raise
            say(f"diverged {error}\nagain    at the next rate, {options.lr[0]}")
            batchings = [Batching(b.text, len(data.X_train), options) for b in batchings]
            nets = networks_of(options, data, len(batchings))
            facts |= chosen
    beside = baselines(data)
    _print_scores(runs, beside)
    facts["engine"] = ENGINES[runs[0].history.engine]
    again = _playground(options, data, rule, batchings[0])
    _write(out, data, runs, facts, options.given, again, beside)


def _check_options(options: argparse.Namespace) -> None:
    """Raise if options do not go together."""
    kept = options.checkpoint
    if options.seed < 0:
        raise ValueError(f"--seed must be 0 or more, got {options.seed}")
    if kept is not None and kept.exists() and options.resume is None:
        raise ValueError(f"{kept} exists already: go on with --resume {kept}, or remove it")
    sizes = options.batch_size or []
    if len(sizes) > 1 and (kept or options.resume):
        raise ValueError("--checkpoint and --resume are for one --batch-size, not for several")
    if len(set(sizes)) < len(sizes):
        raise ValueError("--batch-size: give each only once")
    check_sweep(options)
    if options.resume is not None and not options.resume.exists():
        raise ValueError(f"--resume {options.resume}: there is no such file")


def _facts(
    options: argparse.Namespace,
    data: Dataset,
    whole: Dataset,
    rule: Optimizer,
    net: MLP,
    batchings: Sequence[Batching],
) -> dict[str, str]:
    """What is about to be done, in words."""
    n, n_test, d0 = len(data.X_train), len(data.X_test), data.X_train.shape[1]
    last = len(net.layers) - 1
    layers = [
        f"{len(layer.neurons)} ({layer.activation if l < last else 'identity'})"
        for l, layer in enumerate(net.layers)
    ]
    has_marks = any(mark for column in data.columns for mark in column.marks)
    exceptions = ["0 or 1 for a word: over 1/2"] if has_marks else []
    if max(whole.X_train.max(), -whole.X_train.min()) >= 0.999 * FARTHEST:
        exceptions.append(f"rare values far from the mean: so that they are at {FARTHEST:g}")
    but = f" ({'; '.join(exceptions)})" if exceptions else ""
    tested = n_test or "too few to keep some"
    n_aside = len(whole.X_train) - n
    aside = f"{n_aside} kept aside, " if n_aside else ""
    facts = {
        "data": f"{data.name}: {n} examples to train on, {aside}{tested} to test",
        "network": f"{' -> '.join([str(d0), *layers])}, m = {len(net.parameters())} parameters",
        "loss": data.loss.__name__,
        "inputs": f"standardised: each column less its mean, over its standard deviation{but}",
        type(rule).__name__: f"{options.epochs} epochs, "
        + "; ".join(f"batch size {b.text}: {b.updates} updates" for b in batchings)
        + "; "
        + ", ".join([f"lr {options.lr[0]}", *_settings(rule)]),
    }
    if options.patience is not None:
        facts["stops"] = (
            f"after {options.patience} epochs in turn without a smaller loss on the examples kept "
            "aside"
        )
    elif n_aside:
        facts["takes"] = "the network of the epoch with the least loss on the examples kept aside"
    return facts


def _settings(rule: Optimizer) -> list[str]:
    """The settings that were given, in words."""
    return [
        name.replace("_", " ") + ("" if setting is True else f" {_said(setting)}")
        for name, setting in rule.given.items()
    ]


def _said(setting: Any) -> str:
    return str(float(f"{setting:.4g}") if isinstance(setting, float) else setting)


def _folder(options: argparse.Namespace, data: Dataset) -> Path:
    """The folder for the files, which is not made yet: what can't be written is said first."""
    own = "-csv" if options.target is not None and data.name in datasets.NAMES else ""
    out: Path = options.out or Path("runs") / f"{data.name}{own}"
    kept = options.checkpoint
    check_folder(out, FILES, [Path(options.data), kept, options.resume])
    if kept is not None and kept.parent.resolve() != out.resolve():
        Target.of(kept)
    return out


class _Engine:
    """Says which engine computes the updates, before the first one."""

    engine = ""

    def begin(self, net: Any, loss: Any, updates: range) -> None:
        say(f"engine   {ENGINES[self.engine]}")


def _run(
    options: argparse.Namespace,
    data: Dataset,
    held_out: Part,
    rule: Optimizer,
    stopping: EarlyStopping | None,
    net: MLP,
    batching: Batching,
) -> Run:
    """One training, with a film of it."""
    # A frame takes a second or two for a million parameters.
    frames = min(FRAMES, 2 + FILMED // len(net.parameters()))
    X, y = data.shown.X_test, data.shown.y_test
    film = Film(
        net, X[0].tolist(), y[0].item(), frames=frames,
        data=(X, y) if len(data.features) == 2 else None, picture=data.picture,
    )  # fmt: skip
    callbacks: list[Any] = [_Engine(), film, *([] if stopping is None else [stopping])]
    history = fit(
        net,
        **settings_of(options, data, held_out, rule, batching),
        progress=not options.quiet,
        checkpoint=options.checkpoint,
        checkpoint_every=options.checkpoint_every,
        resume=options.resume,
        callbacks=callbacks,
    )
    parts = {"train": (data.X_train, data.y_train)}
    if len(data.X_test):
        parts["test"] = data.X_test, data.y_test
    scores = {part: evaluate(net, data.loss, X, y) for part, (X, y) in parts.items()}
    if data.classes:
        for part, (X, y) in parts.items():
            scores[part][BALANCED.name] = balanced_accuracy(net.predict(X), y)
    for part, result in scores.items():
        if not math.isfinite(result["loss"]):
            raise FloatingPointError(
                f"after {history[-1].updates} updates the loss on the {part} part is "
                f"{result['loss']}. Try a smaller --lr"
            )
    return Run(batching.text, net, history, scores, film, stopping)


def _print_scores(runs: Sequence[Run], beside: Sequence[Baseline]) -> None:
    for run in runs:
        if len(runs) > 1:
            print(f"batch size {run.name}")
        if run.stopped:
            print(f"stopped  {run.stopped}")
        for part, scores in run.scores.items():
            print(f"{part:<8} {line_of(scores)}")
    for i, row in enumerate(beside):
        say(f"{'' if i else 'beside':<8} {row.name}: {line_of(row.scores)}")


def _playground(
    options: argparse.Namespace, data: Dataset, rule: Optimizer, batching: Batching
) -> Playground | None:
    """A page to train in, from the same first weights; None where it can't be had."""
    (net,), size, lr = networks_of(options, data, 1), batching.size, batching.lr
    try:
        return Playground(
            net, data.loss, [Set.of(data, source_of(data, options.seed))], optimizer=rule,
            seed=options.seed, batch_size=size(1) if callable(size) else size,
            lr=lr(1) if callable(lr) else lr, alone=True,
        )  # fmt: skip
    except ValueError:  # too much data for a page
        return None


def _write(
    out: Path,
    data: Dataset,
    runs: Sequence[Run],
    facts: Mapping[str, str],
    command: str,
    again: Playground | None,
    beside: Sequence[Baseline],
) -> None:
    """Write the files, and say where they are."""
    first = runs[0]
    earlier = any((out / name).exists() for name in ALWAYS)
    x, y = data.shown.X_test[0].tolist(), data.shown.y_test[0].item()
    save(first.net, out / "network.npz", Table.of(data))
    first.history.to_csv(out / "history.csv", first.part)
    write_whole(out / "curves.svg", svg(first.history.plot(first.part)).encode())
    drawing, what = small_drawing(first.net, data.loss, x, y)
    graph, advice = "graph.svg", ""
    try:
        drawing.save(out / graph)
    except RuntimeError as error:
        graph, advice = "graph.dot", f"\n{error}"
        drawing.save(out / graph)
    write_report(out / "report.html", data, runs, facts, command, again, beside)
    whose = f", of batch size {first.name}" if len(runs) > 1 else ""
    over = ", in place of the files of an earlier training" if earlier else ""
    files = f"network.npz, history.csv, curves.svg, {graph} ({what})"
    print(f"wrote    {out}: {files}{whose}{over}{advice}")
    print(f"look at  {out / 'report.html'}")


def _add_predict(commands: Any) -> None:
    parser = commands.add_parser(
        "predict", help="predict with a trained network",
        description="Write the rows of a table with a network's predictions beside them, as CSV. A "
        "cell that a spreadsheet would take for a formula gets an apostrophe before it.",
    )  # fmt: skip
    parser.set_defaults(run=predict)
    parser.add_argument("network", type=path, metavar="NETWORK", help="network.npz, by train")
    parser.add_argument("file", type=path, metavar="FILE", help="with the columns trained on")
    parser.add_argument("--out", type=path, metavar="FILE",
                        help="where they go; FILE-predicted.csv, if not given; - for the "
                        "standard output")  # fmt: skip
    add_header_option(parser.add_argument, "of FILE: ")


def predict(options: argparse.Namespace) -> None:
    """Predict as the options say."""
    net, table = load_table(options.network)
    out = options.out or options.file.parent / f"{stem_of(options.file)}-predicted.csv"
    to_output, header = str(out) == "-", HEADERS.get(options.header)
    if not to_output:
        check_other(out, [options.file, options.network])
    if to_output:
        found = predictions(net, table, options.file, header=header)
        if isinstance(sys.stdout, io.TextIOWrapper):  # in UTF-8, as a file would be
            sys.stdout.reconfigure(encoding="utf-8")
        sys.stdout.write(found.text)
        sys.stdout.flush()
    else:
        found = predict_csv(net, table, options.file, out, header=header)
        print(f"wrote    {out}: {found.n} rows, with {found.column!r}")
    for note in found.notes:
        say(f"note     {note}", sys.stderr if to_output else None)
