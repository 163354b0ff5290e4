"""The options that say which data, by name or in a file, and what the columns of a file are."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograd.show.notation import printable, shortened

from .data import datasets
from .data.csvfile import CsvFile
from .data.datasets import Dataset
from .data.kinds import KINDS
from .data.reading import table_data
from .model.likelihoods import LIKELIHOODS

HEADERS = {"yes": True, "no": False}
OF_FILES = ("target", "without", "only", "kinds", "missing", "header")


def add_data_options(add: Callable[..., Any], name: str, **more: Any) -> None:
    """The options that say which data, and what their columns are."""
    # fmt: off
    add(name, metavar="DATA", help=", ".join(datasets.NAMES) + ", or a file of your own: text with "
        "commas, semicolons, tabs, bars or spaces, .gz, .xlsx or .parquet", **more)
    add("--target", metavar="COLUMN", help="of a file: the column to predict")
    add("--without", nargs="+", default=[], action="extend", metavar="COLUMN",
        help="of a file: columns to leave out")
    add("--only", nargs="+", default=[], action="extend", metavar="COLUMN",
        help="of a file: the columns to take, if not all")
    add("--as", nargs="+", default=[], action="extend", metavar="COLUMN=KIND", dest="kinds",
        type=_kind_option, help="of a file: what a column is, if not what it looks like: "
        + ", ".join(KINDS))
    add("--missing", choices=["fill", "drop"],
        help="of a file: fill missing cells, or drop the rows that have one (fill)")
    # fmt: on
    add_header_option(add, "of a file: ")


def add_header_option(add: Callable[..., Any], of: str = "") -> None:
    """The option that says whether a file has a header, as `HEADERS` reads it."""
    add(
        "--header", choices=[*HEADERS], help=f"{of}whether its first row has the "
        "names of the columns; as it looks, if not given",
    )  # fmt: skip


def data_of(options: argparse.Namespace) -> Dataset:
    """The data set, by name or from a file, with the loss to train with."""
    likelihood = None if options.loss is None else LIKELIHOODS[options.loss]
    if options.data in datasets.NAMES:
        given = [name for name in OF_FILES if getattr(options, name)]
        if given:
            option = "as" if given[0] == "kinds" else given[0]
            raise ValueError(f"--{option} is for files, and {options.data} is a data set by name")
        data = datasets.load(options.data, seed=options.seed)
    else:
        data = _table_of(options, None if likelihood is None else likelihood.loss)
    if likelihood is None:
        return data
    K = len(data.classes)
    if not likelihood.takes(K):
        kind = f"{K} classes" if K else "numbers"
        raise ValueError(
            f"--loss {likelihood.name} is for {likelihood.targets}, and the targets of {data.name} "
            f"are {kind}"
        )
    return replace(data, loss=likelihood.loss, outputs=likelihood.outputs(K))


def _table_of(options: argparse.Namespace, loss: Any) -> Dataset:
    """The data set in a file."""
    header = HEADERS.get(options.header)
    there = Path(options.data)
    if not options.data or not (there.exists() or there.suffix):
        raise ValueError(
            f"unknown data set {options.data!r}: choose from {', '.join(datasets.NAMES)}, or give "
            "a file"
        )
    if options.target is None:
        file = CsvFile(options.data, header)
        columns = ", ".join(map(printable, shortened(file.header, most=40)))
        raise ValueError(f"give the column to predict, --target COLUMN, one of: {columns}")
    return table_data(
        options.data, options.target, loss=loss, without=options.without, only=options.only,
        kinds=dict(options.kinds), missing=options.missing or "fill", header=header,
        seed=options.seed,
    )  # fmt: skip


def _kind_option(text: str) -> tuple[str, str]:
    """A column, and what it is."""
    name, _, kind = text.rpartition("=")
    if not name or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"must be COLUMN={'|'.join(KINDS)}, got {text!r}")
    return name, kind


def path(text: str) -> Path:
    """A path; an empty one, as of a variable that is not set, would be the folder here."""
    if not text:
        raise argparse.ArgumentTypeError("must be a path, got an empty one")
    return Path(text)
