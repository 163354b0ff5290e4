"""The command ``python -m nn train DATA --sweep lr=0.03,0.1,0.3 --seeds 10``."""

import argparse
import hashlib
import shlex
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

from autograd.files import write_whole

from .choosing import settle
from .data import datasets
from .data_options import data_of
from .figures import svg
from .options import (
    Batching,
    add_train_options,
    check_folder,
    held_out_of,
    make_folder,
    networks_of,
    rate_option,
    rule_of,
    say,
    settings_of,
    swept_names,
)
from .train.baselines import baselines, line_of
from .train.callbacks import EarlyStopping
from .train.fit import fit
from .train.grid import trainings_of
from .train.history import History
from .train.sweep import sweep

# Options that say how a sweep is run, and not what is trained.
AROUND = ("sweep", "seeds", "seed", "workers", "out", "quiet", "run", "command", "given")
SEEDS = 5


class _Texts(argparse.ArgumentParser):
    """Reads the texts of swept options."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"--sweep: {message}")


def check_sweep(options: argparse.Namespace) -> None:
    """Raise if options do not go with a sweep, or only with one.

    Raises:
        ValueError: there are such.
    """
    if options.sweep is None:
        for name in ("seeds", "workers"):
            if getattr(options, name) is not None:
                raise ValueError(f"--{name} is for trainings of --sweep")
    elif options.checkpoint or options.resume:
        raise ValueError(
            "--checkpoint and --resume are for one training; a sweep goes on by itself"
        )
    elif len(options.batch_size or ()) > 1:
        both = ",".join(options.batch_size)
        raise ValueError(f"--batch-size: give --sweep batch-size={both} to sweep several")
    else:
        given = _given(options)
        for name in _grid(options.sweep):
            if name in given:
                option = name.replace("_", "-")
                raise ValueError(
                    f"--{option} is swept: leave it out, or move its value to --sweep {option}=..."
                )


def run_sweep(options: argparse.Namespace) -> None:
    """Train with all combinations, print the table, and write the files."""
    grid = _grid(options.sweep)
    base = {k: v for k, v in vars(options).items() if k not in AROUND}
    base["lr"] = None if options.lr is None else options.lr[0]  # functions can't be sent
    data = data_of(options)
    seeds = range(options.seed, options.seed + (options.seeds or SEEDS))
    shapes = set()
    for training in trainings_of(grid, 1):
        own = _options(base, training.settings, options.seed)
        part, held_out = held_out_of(data_of(own) if "loss" in grid else data, own, choosing=True)
        settle(own, rule_of(own, len(part.X_train)), len(part.X_train))
        if (shape := (*own.widths, *own.activation)) not in shapes:
            networks_of(own, part, 1)
            shapes.add(shape)
        [batch_size] = own.batch_size
        Batching(batch_size, len(part.X_train), own)
    History().plot()  # if matplotlib is missing, fail now, not after the trainings
    out: Path = options.out or Path("runs") / f"{data.name}-sweep"
    check_folder(out, ["trainings.csv", "curves.svg"], [Path(options.data)])
    check_folder(out / "trainings", [], [])
    make_folder(out / "trainings")
    tried = " x ".join(f"{len(values)} of {name}" for name, values in grid.items())
    about = (f"data     {data.name}: {len(part.X_train)} examples to train on, and "
             f"{len(held_out[0])} to choose by; those to test are not looked at")  # fmt: skip
    say(about)
    print(f"sweep    {tried}, {len(seeds)} seeds each", flush=True)
    workers = options.workers or 1
    pool: Any = nullcontext()
    if workers > 1:
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    with pool as executor:
        results = sweep(
            partial(train_once, base, _digest(options.data)), grid, seeds=seeds,
            path=out / "trainings", executor=executor, progress=not options.quiet,
        )  # fmt: skip
    print(results)
    for row in baselines(replace(part, X_test=held_out[0], y_test=held_out[1])):
        say(f"beside   {row.name}: {line_of(row.scores)}")
    results.to_csv(out / "trainings.csv")
    write_whole(out / "curves.svg", svg(results.plot()).encode())
    say(f"wrote    {out}: trainings.csv, curves.svg, and trainings, from which the same command "
        "goes on")  # fmt: skip


def train_once(base: Mapping[str, Any], digest: str, seed: int, **settings: str) -> History:
    """One training of a sweep, in whatever process.

    Args:
        base: the options that are not swept.
        digest: of the file with the data, to check that it has not changed.
        seed: of the split, the weights and the batches.
        settings: the options that are swept, in words.
    """
    options = _options(base, settings, seed)
    if _digest(options.data) != digest:
        raise ValueError(f"{options.data} has changed since the sweep began")
    data, held_out = held_out_of(data_of(options), options, choosing=True)
    rule = rule_of(options, len(data.X_train))
    settle(options, rule, len(data.X_train))
    [batch_size] = options.batch_size
    batching = Batching(batch_size, len(data.X_train), options)
    [net] = networks_of(options, data, 1)
    return fit(
        net,
        **settings_of(options, data, held_out, rule, batching),
        progress=False,
        callbacks=[] if options.patience is None else [EarlyStopping(options.patience)],
    )


def _grid(texts: list[str]) -> dict[str, list[str]]:
    """What ``--sweep`` says, by name."""
    grid: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        option = name.replace("_", "-")
        if option not in swept_names():
            raise ValueError(
                f"--sweep: unknown option {name!r}, choose from {', '.join(swept_names())}"
            )
        found = [value.strip() for value in values.split(",")]
        if not equals or not all(found):
            raise ValueError(f"--sweep: write {name}=VALUE,VALUE, got {text!r}")
        if grid.setdefault(option.replace("-", "_"), found) is not found:
            raise ValueError(f"--sweep: {name} is given twice")
    return grid


def _given(options: argparse.Namespace) -> set[str]:
    """The options that the command gives, by name, without those left at their defaults."""
    parser = _Texts(add_help=False)
    add_train_options(parser)
    found = argparse.Namespace(**dict.fromkeys(vars(options)))  # None: no default is filled in
    parser.parse_args(shlex.split(options.given)[4:], found)  # after python -m nn train
    return {name for name, value in vars(found).items() if value is not None}


def _options(base: Mapping[str, Any], settings: Mapping[str, str], seed: int) -> argparse.Namespace:
    """All options of one training."""
    parser = _Texts(add_help=False)
    add_train_options(parser)
    swept = [[f"--{name.replace('_', '-')}", *text.split()] for name, text in settings.items()]
    own = parser.parse_args([base["data"], *(text for option in swept for text in option)])
    options = argparse.Namespace(**{**base, "seed": seed})
    options.lr = None if options.lr is None else rate_option(options.lr)
    for name in settings:
        setattr(options, name, getattr(own, name))
    if len(options.batch_size or ()) > 1:
        raise ValueError(
            f"--sweep: batch-size has {settings['batch_size']!r}: a comma goes between"
        )
    return options


def _digest(data: str) -> str:
    """The digest of a file's content; a data set with a name never changes."""
    if data in datasets.NAMES:
        return ""
    return hashlib.sha256(Path(data).read_bytes()).hexdigest()
