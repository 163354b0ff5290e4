"""Networks in files: `save` and `load`, and the checkpoints of a training.

A file is a NumPy ``.npz`` archive without pickled objects: the parameters under PyTorch's names
(``layers.0.weight``, ...), and ``about``, a text in JSON that says which network they are of, and
in which format it is written. A checkpoint also has what the optimizer carries on
(``optimizer.velocity``, say), the best parameters so far (``stopping.best``) where `EarlyStopping`
keeps them, and in ``about`` the history and the state of the random generator.
"""

from __future__ import annotations

import functools
import io
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np

from autograd.files import Path, Target, naming, write_whole
from autograd.locks import take

from ..arrays import Array, check_finite, check_path
from ..data.tables import Table
from ..model.module import Module, check_names, check_state
from ..model.network import MLP
from .archive import (
    FORMAT,
    LIMIT,
    Archive,
    LimitError,
    check_limit,
    opened,
    quoted,
    short,
)
from .descriptions import Description, describe
from .history import Epoch, read_rows
from .stepping import Optimizer, State

P = ParamSpec("P")
T = TypeVar("T")

OWN = ("optimizer.", "stopping.")  # prefixes of the names of a training's own arrays


def save(net: Module, path: Path, table: Table | None = None) -> None:
    """Write a network to a file, whole or not at all; when it returns, it is on the disk.

    Args:
        net: the network.
        path: the file.
        table: what its inputs and outputs stand for, to be saved too.

    Raises:
        ValueError: a parameter is not finite; or the network is an `MLP` changed in a way that a
            file can't describe, for example with neurons without a bias in a layer that has biases.
        TypeError: ``net`` is not a network, or ``table`` not a `Table`.
        OSError: the file can't be written.

    >>> import tempfile
    >>> net = MLP(2, [3, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(net, f"{folder}/net.npz")
    ...     same = load(f"{folder}/net.npz")
    >>> bool((same.predict([[1.0, 2.0]]) == net.predict([[1.0, 2.0]])).all())
    True
    """
    if not isinstance(net, Module):
        raise TypeError(f"net must be a network, a Module, got {net!r}")
    check_path("path", path)
    if table is not None and not isinstance(table, Table):
        raise TypeError(f"table must be a Table, as Table.of(data) makes it, got {table!r}")
    _write(path, net, {}, {} if table is None else {"table": table.to_json()})


def load_table(path: Path, *, limit: int = LIMIT) -> tuple[MLP, Table]:
    """The network in a file that `save` wrote, and what its inputs and outputs stand for.

    Args:
        path: the file.
        limit: as in `load`.

    Raises:
        ValueError: as in `load`; or the file has no table.
        TypeError: as in `load`.
        OSError: the file can't be read.
    """
    with opened(path, limit) as archive:
        net = _network(path, archive, limit)
    about = archive.about
    if "table" not in about:
        raise ValueError(
            f"{quoted(path)} holds a network, but not the names and scales of a table's columns: "
            "`python -m nn train` writes files that do, and save(net, path, table=...)"
        )
    try:
        table = Table.from_json(about["table"])
        if len(table.features) != len(net.layers[0].neurons[0].w):
            raise ValueError("its columns are not as many as the network's inputs")
        if table.outputs != len(net.layers[-1].neurons):
            raise ValueError("its classes do not go with the network's outputs")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{quoted(path)} is damaged: {short(error)}") from None
    return net, table


def load(path: Path, *, limit: int = LIMIT) -> MLP:
    """The network in a file that `save` wrote, or in a checkpoint.

    The file may come from anywhere: it is checked before anything is built.

    Args:
        path: the file.
        limit: the most memory that the network may take, in bytes, by an estimate; 4 GiB, some 14
            million parameters, if not given.

    Raises:
        ValueError: the file is damaged, written by a later version, over the limit, or holds
            numbers that are not finite; or its network is not an `MLP` (build it yourself and use
            its ``load_state_dict``).
        TypeError: ``path`` is not the path of a file.
        OSError: the file can't be read.
    """
    with opened(path, limit) as archive:
        return _network(path, archive, limit)


def _network(path: Path, archive: Archive, limit: int) -> MLP:
    kind = archive.about["network"].get("class")
    if kind != "MLP":
        raise ValueError(
            f"{quoted(path)} holds {short(repr(kind))}, not an MLP: build the network yourself, "
            "then arrays = numpy.load(path); "
            "net.load_state_dict({k: arrays[k] for k in net.state_dict()})"
        )
    try:
        description = Description(archive.about["network"])
        shapes = description.shapes
        check_names([name for name in archive.names if not name.startswith(OWN)], shapes)
        archive.check(shapes)
        check_limit(description.memory, limit)
        arrays = archive.arrays(shapes)
        for name, array in arrays.items():
            check_finite(array, name)
        net = description.build()
        net.load_state_dict(arrays)
    except LimitError as error:
        raise ValueError(f"{quoted(path)}: {error}") from None
    except Exception as error:  # whatever a damaged archive may raise
        raise ValueError(f"{quoted(path)} is damaged: {short(error)}") from None
    return net


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a training needs to go on.

    Attributes:
        network: its parameters, by name.
        own: the training's own arrays, as `own_arrays` makes them.
        rows: its history.
        generator: the state of the random generator.
        engine: what computed the updates.
    """

    network: dict[str, Array]
    own: dict[str, Array]
    rows: list[Epoch]
    generator: dict[str, Any]
    engine: str

    def restore(
        self, net: Module, rng: np.random.Generator | None
    ) -> tuple[np.random.Generator, list[Epoch]]:
        """Set the network and the generator (a fresh one if None) to where the training was."""
        net.load_state_dict(self.network)
        rng = rng or _new_generator(self.generator)
        rng.bit_generator.state = self.generator
        return rng, list(self.rows)

    @property
    def optimizer(self) -> State:
        """What the optimizer carries on."""
        kept = self.own.items()
        return {k.removeprefix(OWN[0]): array for k, array in kept if k.startswith(OWN[0])}

    @property
    def best(self) -> Array | None:
        """The best parameters so far, where they are kept."""
        return self.own.get("stopping.best")


def own_arrays(optimizer: State, best: Array | None) -> dict[str, Array]:
    """The arrays that a training keeps beside the network, by their names in a checkpoint."""
    arrays = {f"{OWN[0]}{name}": array for name, array in optimizer.items()}
    return arrays if best is None else {**arrays, "stopping.best": best}


def describe_run(
    loss: Any, data: str, rule: Optimizer, monitor: str | None
) -> dict[str, str | None]:
    """What must be the same for a training to go on, by name.

    ``data`` is a fingerprint of the examples; ``monitor`` is what early stopping looks at, or None.
    """
    name = getattr(loss, "__qualname__", type(loss).__name__)
    return {
        "data": data, "loss": name, "optimizer": repr(rule), "early stopping": monitor
    }  # fmt: skip


def write_checkpoint(
    path: Path,
    net: Module,
    own: dict[str, Array],
    rows: Sequence[Epoch],
    rng: np.random.Generator,
    run: dict[str, Any],
    engine: str,
) -> None:
    """Write the state of a training, whole or not at all; ``own`` is from `own_arrays`."""
    training = {
        "run": run,
        "history": [asdict(row) for row in rows],
        "generator": rng.bit_generator.state,
        "engine": engine,
    }
    _write(path, net, own, {"training": training})


def read_checkpoint(
    path: Path,
    net: Module,
    own: dict[str, Array],
    epochs: int,
    rng: np.random.Generator | None,
    run: dict[str, Any],
) -> Checkpoint:
    """A checkpoint that fits ``net`` and has arrays like ``own``; nothing is changed yet.

    Raises:
        ValueError: the file is damaged, of another network or generator, or of a longer training.
        OSError: the file can't be read.
    """
    name = quoted(path)
    with opened(path) as archive:
        about = archive.about
        ours = describe(net)
        if json.dumps(about["network"], sort_keys=True) != json.dumps(ours, sort_keys=True):
            raise ValueError(
                f"{name} is of another network: {short(about['network'])}, and this one is "
                f"{short(ours)}"
            )
        if "training" not in about:
            raise ValueError(f"{name} holds a network, but no training to resume: use load")
        try:
            training = about["training"]
            for what, now in run.items():
                then = training["run"].get(what)
                if then != now:
                    if what == "data":  # of which a long number is kept
                        raise ValueError("it is a training with other data")
                    raise ValueError(
                        f"it is a training with another {what} ({then}, and now {now})"
                    )
            rows = read_rows(training["history"])
            state = training["generator"]
            engine = training.get("engine", "program")  # older ones do not say
            if engine not in ("native", "program", "graph"):
                raise ValueError(f"its engine is {engine!r}")
            kind = type((rng or _new_generator(state)).bit_generator).__name__
            if state["bit_generator"] != kind:
                raise ValueError(f"its generator is {state['bit_generator']}, and rng is {kind}")
            _check_generator_state(state)
            theirs = [k for k in archive.names if not k.startswith(OWN)]
            others = [k for k in archive.names if k.startswith(OWN)]
            checkpoint = Checkpoint(
                _arrays(archive, theirs, net.state_dict(), "network"),
                _arrays(archive, others, own, "training"),
                rows,
                state,
                engine,
            )
        except Exception as error:  # whatever a damaged archive may raise
            raise ValueError(f"{name} can't be resumed: {short(error)}") from None
    if len(rows) > epochs:
        raise ValueError(f"{name} has gone {len(rows)} epochs already, and epochs is {epochs}")
    return checkpoint


def _arrays(
    archive: Archive, names: list[str], like: dict[str, Array], of: str
) -> dict[str, Array]:
    """The arrays of these names, checked before they are read: they must be like those of ``like``.

    Raises:
        ValueError: they are not; ``of`` says what they belong to.
    """
    check_names(names, like, of)
    arrays = archive.arrays({name: array.shape for name, array in like.items()})
    return check_state(arrays, like, of)


def one_training(train: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function so that no other training writes to its ``checkpoint`` while it runs."""

    @functools.wraps(train)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with _own(kwargs.get("checkpoint")):
            return train(*args, **kwargs)

    return alone


@contextmanager
def _own(checkpoint: Any) -> Iterator[None]:
    """Keep other trainings, of this process or another, from writing a checkpoint.

    A locked file beside it, ``.NAME.lock``, does this. It is removed at the end. A file left by
    kill -9 is not locked, and is removed at the end of the next training.

    Raises:
        BlockingIOError: another training has it.
    """
    if checkpoint is not None:
        check_path("checkpoint", checkpoint)
    target = None if checkpoint is None else Target.of(checkpoint)
    if target is None or not target.is_regular:
        yield
        return
    folder, name = os.path.split(target.path)
    with naming(checkpoint):
        lock = take(os.path.join(folder, f".{name}.lock"))
    if lock is None:
        raise BlockingIOError(
            f"{quoted(checkpoint)} is the checkpoint of another training that is still running: "
            "wait for its end, or give another file"
        )
    try:
        yield
    finally:
        lock.remove()


def _write(path: Path, net: Module, arrays: dict[str, Array], about: dict[str, Any]) -> None:
    about = {"format": FORMAT, "network": describe(net), **about}
    arrays = {**net.state_dict(), **arrays}
    for name, array in arrays.items():
        check_finite(array, name)
    text = json.dumps(about, default=np.ndarray.tolist)
    data = io.BytesIO()
    np.savez(data, about=np.array(text), **arrays)  # type: ignore[arg-type]
    write_whole(path, data.getvalue())


def _new_generator(state: dict[str, Any]) -> np.random.Generator:
    """A new generator, of the kind that the state belongs to."""
    kinds = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
    if state["bit_generator"] not in kinds:
        raise ValueError(f"unknown generator {state['bit_generator']!r}")
    return np.random.Generator(getattr(np.random, state["bit_generator"])())


def _check_generator_state(state: dict[str, Any]) -> None:
    """Raise unless it is a state; NumPy does not check the position in a block of numbers."""
    generator = _new_generator(state).bit_generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older NumPys wrap numbers out of range, with a warning
        generator.state = state
    if json.loads(json.dumps(generator.state, default=np.ndarray.tolist)) != state:
        raise ValueError("its generator's state is out of range")
    position, last = {
        "MT19937": (state["state"].get("pos"), 624),
        "Philox": (state.get("buffer_pos"), 4),
    }.get(state["bit_generator"], (0, 0))
    if not 0 <= position <= last:
        raise ValueError(f"its generator stands at {position}, out of 0 to {last}")
