"""Networks in files: `save` and `load`, and the checkpoints of a training.

A file is a NumPy ``.npz`` archive without pickled objects: the parameters under PyTorch's names
(``layers.0.weight``, ...), and ``about``, a text in JSON that says which network they are of. A
checkpoint also has what the optimizer carries on (``optimizer.velocity``, say), the best parameters
so far (``stopping.best``) where `EarlyStopping` keeps them, and in ``about`` the history and the
state of the random generator.
"""

import io
import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autograd.files import write_whole

from ..arrays import Array, check_finite
from ..data.tables import Table
from ..model.module import Module, check_state
from ..model.network import MLP
from .history import Epoch
from .stepping import Optimizer, State

Path = str | os.PathLike[str]
OWN = ("optimizer.", "stopping.")  # how the names of a training's own arrays begin


def save(net: Module, path: Path, table: Table | None = None) -> None:
    """Write a network to a file, whole or not at all.

    Args:
        net: the network.
        path: the file.
        table: what its inputs and outputs stand for, to be kept with it.

    Raises:
        ValueError: a parameter is not finite.
        OSError: the file can't be written.

    >>> import tempfile
    >>> net = MLP(2, [3, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(net, f"{folder}/net.npz")
    ...     same = load(f"{folder}/net.npz")
    >>> bool((same.predict([[1.0, 2.0]]) == net.predict([[1.0, 2.0]])).all())
    True
    """
    _write(path, net, {}, {} if table is None else {"table": table.to_json()})


def load_table(path: Path) -> tuple[MLP, Table]:
    """The network in a file that `save` wrote, and what its inputs and outputs stand for.

    Raises:
        ValueError: as in `load`; or the file says nothing about a table.
        OSError: the file can't be read.
    """
    net = load(path)
    _, about = _read(path)
    if "table" not in about:
        raise ValueError(
            f"{_quoted(path)} holds a network, but not the names and scales of a table's columns: "
            "`python -m nn train` writes files that do, and save(net, path, table=...)"
        )
    try:
        table = Table.from_json(about["table"])
        if len(table.features) != len(net.layers[0].neurons[0].w):
            raise ValueError("its columns are not as many as the network's inputs")
        if table.outputs != len(net.layers[-1].neurons):
            raise ValueError("its classes do not go with the network's outputs")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{_quoted(path)} is damaged: {error}") from None
    return net, table


def load(path: Path) -> MLP:
    """The network in a file that `save` wrote, or in a checkpoint.

    Raises:
        ValueError: the file is damaged, holds numbers that are not finite, or a network that is no
            `MLP` (build that one yourself and use its ``load_state_dict``).
        OSError: the file can't be read.
    """
    arrays, about = _read(path)
    if about["network"].get("class") != "MLP":
        raise ValueError(f"{_quoted(path)} holds {about['network'].get('class')!r}, not an MLP")
    arrays = {name: array for name, array in arrays.items() if not name.startswith(OWN)}
    try:
        description = about["network"]
        net = MLP(*[description[name] for name in ("d0", "widths", "activation", "bias")])
        net.load_state_dict(arrays)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{_quoted(path)} is damaged: {error}") from None
    return net


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to go on.

    Attributes:
        network: its parameters, by name.
        own: arrays of the training's own, as `own_arrays` makes them.
        rows: its history.
        generator: the state of the random generator.
    """

    network: dict[str, Array]
    own: dict[str, Array]
    rows: list[Epoch]
    generator: dict[str, Any]

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
    """What a training keeps beside the network, by the names that it has in a checkpoint."""
    arrays = {f"{OWN[0]}{name}": array for name, array in optimizer.items()}
    return arrays if best is None else {**arrays, "stopping.best": best}


def describe_run(
    loss: Any, data: str, rule: Optimizer, monitor: str | None
) -> dict[str, str | None]:
    """What must be the same for a training to go on, by what it is called.

    ``data`` is a fingerprint of the examples, ``monitor`` what early stopping looks at; None
    without.
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
) -> None:
    """Write where a training stands, whole or not at all; ``own`` is of `own_arrays`."""
    training = {
        "run": run,
        "history": [asdict(row) for row in rows],
        "generator": rng.bit_generator.state,
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
    """A checkpoint that fits ``net``, and has arrays as ``own``; nothing is changed yet.

    Raises:
        ValueError: the file is damaged, of another network or generator, or of a longer training.
        OSError: the file can't be read.
    """
    arrays, about = _read(path)
    name = _quoted(path)
    if about["network"] != _describe(net):
        raise ValueError(
            f"{name} is of another network: {about['network']}, and this one is {_describe(net)}"
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
                raise ValueError(f"it is a training with another {what} ({then}, and now {now})")
        rows = [_epoch(row) for row in training["history"]]
        state = training["generator"]
        if [row.epoch for row in rows] != list(range(1, len(rows) + 1)):
            raise ValueError("its history has gaps")
        kind = type((rng or _new_generator(state)).bit_generator).__name__
        if state["bit_generator"] != kind:
            raise ValueError(f"its generator is {state['bit_generator']}, and rng is {kind}")
        _check_generator_state(state)
        parts = {name: name.startswith(OWN) for name in arrays}
        checkpoint = Checkpoint(
            check_state({k: arrays[k] for k in parts if not parts[k]}, net.state_dict()),
            check_state({k: arrays[k] for k in parts if parts[k]}, own, of="training"),
            rows,
            state,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{name} can't be resumed: {error}") from None
    if len(rows) > epochs:
        raise ValueError(f"{name} has gone {len(rows)} epochs already, and epochs is {epochs}")
    return checkpoint


def _describe(net: Module) -> dict[str, Any]:
    """Which network this is."""
    if type(net) is not MLP:
        return {"class": type(net).__name__}
    first = net.layers[0].neurons[0]
    return {
        "class": "MLP",
        "d0": len(first.w),
        "widths": [len(layer.neurons) for layer in net.layers],
        "activation": [layer.activation for layer in net.layers[:-1]],
        "bias": first.b is not None,
    }


def _write(path: Path, net: Module, arrays: dict[str, Array], about: dict[str, Any]) -> None:
    arrays = {**net.state_dict(), **arrays}
    for name, array in arrays.items():
        check_finite(array, name)
    text = json.dumps({"network": _describe(net), **about}, default=np.ndarray.tolist)
    data = io.BytesIO()
    np.savez(data, about=np.array(text), **arrays)  # type: ignore[arg-type]
    write_whole(path, data.getvalue())


def _read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays in a file, and what it says about them."""
    with open(os.fspath(path), "rb") as file:  # a number would be a file that is open already
        data = io.BytesIO(file.read())
    try:
        if data.getvalue()[:2] != b"PK":
            raise ValueError("it is no .npz archive")
        with np.load(data, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if "about" not in arrays:
            raise ValueError("nothing in it says which network it holds")
        about = json.loads(arrays.pop("about").item())
        if not isinstance(about["network"], dict):
            raise ValueError("it does not say which network it holds")
    except Exception as error:  # whatever a damaged archive may raise
        raise ValueError(f"{_quoted(path)} is not a network file, or damaged: {error}") from None
    return arrays, about


def _new_generator(state: dict[str, Any]) -> np.random.Generator:
    """A generator of the kind that a state is of."""
    kinds = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
    if state["bit_generator"] not in kinds:
        raise ValueError(f"unknown generator {state['bit_generator']!r}")
    return np.random.Generator(getattr(np.random, state["bit_generator"])())


def _check_generator_state(state: dict[str, Any]) -> None:
    """Refuse what is no state; NumPy itself does not check the position in a block of numbers."""
    generator = _new_generator(state).bit_generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older NumPys wrap what is out of range, with a warning
        generator.state = state
    if json.loads(json.dumps(generator.state, default=np.ndarray.tolist)) != state:
        raise ValueError("its generator's state is out of range")
    position, last = {
        "MT19937": (state["state"].get("pos"), 624),
        "Philox": (state.get("buffer_pos"), 4),
    }.get(state["bit_generator"], (0, 0))
    if not 0 <= position <= last:
        raise ValueError(f"its generator stands at {position}, out of 0 to {last}")


def _epoch(row: dict[str, Any]) -> Epoch:
    """A row of a history, if it is one."""
    epoch = Epoch(**row)
    for name, value in asdict(epoch).items():
        whole = name in ("epoch", "updates", "batch_size")
        fits = type(value) is int and value > 0 if whole else isinstance(value, int | float)
        if not fits and not (value is None and name.startswith("validation_")):
            raise ValueError(f"its history has {name} = {value!r}")
    return epoch


def _quoted(path: Path) -> str:
    return repr(os.fspath(path))
