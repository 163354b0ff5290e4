"""Many trainings: every combination of settings, several seeds, on any executor."""

from __future__ import annotations

import json
import pickle
import sys
import traceback
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from dataclasses import asdict, replace
from inspect import signature
from queue import Empty, SimpleQueue
from typing import Any

from autograd.files import Path

from .callbacks import progress_bar
from .fingerprint import module_of, name_of
from .folders import Folder, with_outcome
from .grid import trainings_of
from .history import History
from .trainings import DIVERGED, LOST, WAITING, Training, Trainings

LOOK = 0.5  # seconds between checks for Ctrl-C, which Windows delays while a program waits


def sweep(
    train: Callable[..., History],
    grid: Mapping[str, Iterable[Any]],
    *,
    seeds: int | Iterable[int] = 5,
    path: Path | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> Trainings:
    """Train with every combination of settings, each with several seeds.

    Each training is a call ``train(seed=seed, **settings)``: all its random numbers should come
    from ``seed``, as ``np.random.default_rng(seed)``, or two generators, one for the weights and
    one for the batches, ``np.random.default_rng(seed).spawn(2)``. All combinations get the same
    seeds, wherever they stand in the grid. So they are compared from the same start; adding a value
    or a seed does not change the numbers of the others; and one such call repeats any row. The
    numbers are the same to the bit, wherever and in whatever order the trainings run.

    Args:
        train: trains once, and returns what `fit` returned; with ``progress=False`` for `fit`, or
            each training shows a bar of its own.
        grid: the values to try for each argument of ``train``, by its name: numbers, texts, or
            whatever it takes. Functions and objects are named by what they print, unless you give
            names, ``{"lr": {"falling": cosine(0.5, 400), "constant": 0.1}}``.
        seeds: how many, 0, 1, 2, ..., or which.
        path: a folder, made if there is none, where each training is written as soon as it is done.
            Called again, after an interruption or with a larger grid or more seeds, `sweep` trains
            only what is not there yet. It is an error if the folder has a training with the same
            settings and seed by another ``train``: one with other code, or other data and functions
            of its own module (a list that it appends to is such data). Files that it reads, and
            other modules, are not compared: if these change, take another folder.
        executor: where to train: any `concurrent.futures.Executor`, such as
            ``ProcessPoolExecutor(4)``, or dask's ``Client(...).get_executor()`` for a cluster. It
            is left running. If not given, the trainings run here, one after the other.
        progress: show a bar, where tqdm is installed.

    Returns:
        The trainings, in the order of the grid: a table, with ``.plot()``. One that diverged
        (``FloatingPointError``) is among them, without a history, and so is one that was lost with
        the process that it ran in. Lost ones are warned of, and trained when `sweep` is called
        again. If a process of a ``ProcessPoolExecutor`` dies, all trainings not done yet are lost;
        dask first tries them elsewhere.

    Raises:
        ValueError: an argument does not fit; or ``path`` holds one of the trainings by another
            ``train``, or a damaged file.
        TypeError: ``train`` can't be called with these settings; or ``train`` or a value can't be
            sent to other processes.
        RuntimeError: a training failed with another error; the message says how to see it alone.
            The others are cancelled; those already running are waited for and kept. After Ctrl-C it
            is the same, without the waiting.
        OSError: a file can't be read or written.

    >>> import numpy as np
    >>> from nn import MLP, bernoulli_nll, fit
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> def train(seed, lr, width=4):
    ...     weights, batches = np.random.default_rng(seed).spawn(2)
    ...     net = MLP(2, [width, 1], activation="tanh", rng=weights)
    ...     return fit(net, bernoulli_nll, X, y, epochs=50, batch_size=4, lr=lr, rng=batches,
    ...                progress=False)
    >>> results = sweep(train, {"lr": [0.1, 1.0]}, seeds=3, progress=False)
    >>> results.best, len(results)
    ({'lr': 1.0}, 6)
    >>> [training.history[-1].loss < 0.7 for training in results.where(lr=1.0)]
    [True, True, True]
    """
    waiting = trainings_of(grid, seeds)
    _check_call(train, waiting[0])
    _check_executor(train, waiting, executor)
    folder = None if path is None else Folder(path, train)
    trainings = waiting if folder is None else [folder.read(t) or t for t in waiting]
    todo = {i: t for i, t in enumerate(trainings) if t.outcome == WAITING}
    failures: list[RuntimeError] = []
    with progress_bar(progress, len(trainings), unit="training") as bar:

        def keep(i: int, came: str | Exception) -> bool:
            """Store the outcome of a training; return whether to go on."""
            if isinstance(came, Exception):
                trainings[i] = replace(todo[i], outcome=LOST, why=f"{type(came).__name__}: {came}")
                if not _is_loss(came):
                    failures.append(_failed(train, todo[i], trainings[i].why, came))
                return not failures
            outcome = json.loads(came)
            if "failed" in outcome:
                failures.append(_failed(train, todo[i], outcome["failed"]))
                return False
            try:
                trainings[i] = with_outcome(todo[i], outcome)
            except (KeyError, TypeError, ValueError) as error:  # a history that was made by hand
                failures.append(_failed(train, todo[i], f"{type(error).__name__}: {error}"))
                return False
            if folder is not None:
                folder.write(todo[i], outcome)
            if bar is not None:
                bar.update()
            return True

        if bar is not None:
            bar.n = bar.initial = len(trainings) - len(todo)
        _run(train, todo, executor, keep)
    if failures:
        raise failures[0]
    _check_lost(trainings, path)
    return Trainings([*grid], trainings)


def _run(
    train: Callable[..., History],
    todo: Mapping[int, Training],
    executor: Executor | None,
    keep: Callable[[int, str | Exception], bool],
) -> None:
    """Train, and pass on each outcome as it comes, until told to stop."""
    if executor is None:
        for i, t in todo.items():
            if not keep(i, attempt(train, t.settings, t.seed)):
                return
        return
    run = uuid.uuid4().hex  # dask would take a call for an earlier one that failed
    came: SimpleQueue[Future[str]] = SimpleQueue()
    waiting: dict[Future[str], int] = {}
    more = deque(todo.items())
    try:
        while more or waiting:
            if more:
                i, t = more.popleft()
                try:
                    future = executor.submit(attempt, train, t.settings, t.seed, run)
                except BrokenExecutor as error:
                    keep(i, error)
                    continue
                waiting[future] = i
                future.add_done_callback(came.put)
            try:
                future = came.get(timeout=0 if more else LOOK)
            except Empty:
                continue
            if not keep(waiting.pop(future), _result(future)):
                more.clear()
                for other in list(waiting):
                    other.cancel()
    finally:  # also when interrupted: keep what is done, and begin no more
        for future, i in waiting.items():
            if not future.cancel() and future.done() and future.exception() is None:
                keep(i, future.result())


def attempt(
    train: Callable[..., History], settings: Mapping[str, Any], seed: int, run: str = ""
) -> str:
    """Train once, wherever this runs; the outcome, in JSON. ``run`` tells calls apart."""
    try:
        history = train(seed=seed, **settings)
        if not isinstance(history, History) or not history:
            raise TypeError(
                f"{name_of(train)} must return the History that fit returned, got {history!r}"
            )
        outcome: dict[str, Any] = {"history": [asdict(row) for row in history]}
    except FloatingPointError as error:
        outcome = {DIVERGED: str(error)}
    except (Exception, SystemExit) as error:
        outcome = {"failed": "".join(traceback.format_exception(error)).rstrip()}
    return json.dumps(outcome, default=lambda number: number.item())  # NumPy's whole numbers


def _result(future: Future[str]) -> str | Exception:
    """The result from an executor: what `attempt` returned, or the exception instead."""
    try:
        return future.result()
    except Exception as error:
        return error


def _is_loss(error: Exception) -> bool:
    """Whether a training was lost through no fault of its own; KilledWorker is dask's."""
    lost = (BrokenExecutor, CancelledError, OSError)
    return isinstance(error, lost) or type(error).__name__ == "KilledWorker"


def _failed(
    train: Any, training: Training, why: str, cause: Exception | None = None
) -> RuntimeError:
    call = f"{name_of(train)}({training})"
    error = RuntimeError(
        f"{call} failed; other trainings that are done are kept where a path is given. To see the "
        f"error alone, call it. It says:\n{why}"
    )
    error.__cause__ = cause
    return error


def _check_lost(trainings: Sequence[Training], path: Path | None) -> None:
    """Warn of trainings that were lost; raise if all were."""
    lost = [t for t in trainings if t.outcome == LOST]
    if not lost:
        return
    why = lost[0].why
    if len(lost) == len(trainings):
        raise RuntimeError(
            f"no training came back from the executor ({why}). Perhaps its processes could not "
            'start: in a script, put the call of sweep under `if __name__ == "__main__":`'
        )
    again = "call sweep again to go on" if path is not None else "with path=, sweep could go on"
    warnings.warn(
        f"{len(lost)} of {len(trainings)} trainings were lost with the process that they ran in, "
        f"or waited for: {again} ({why})",
        RuntimeWarning,
        stacklevel=3,
    )


def _check_call(train: Any, training: Training) -> None:
    """Raise if the function can't be called with the settings."""
    if not callable(train):
        raise TypeError(f"train must be a function that trains once, got {train!r}")
    try:
        shape = signature(train)
    except ValueError:  # some functions in C have no signature
        return
    try:
        shape.bind(seed=training.seed, **training.settings)
    except TypeError as error:
        raise TypeError(f"{name_of(train)} can't be called as {name_of(train)}({training}): {error}"
                        ) from None  # fmt: skip


def _check_executor(train: Any, trainings: Sequence[Training], executor: Any) -> None:
    """Raise if it is not an executor, or if something can't be sent to its processes."""
    if executor is None:
        return
    if not isinstance(executor, Executor):
        kind = type(executor).__name__
        advice = ": write client.get_executor()" if hasattr(executor, "get_executor") else ""
        raise TypeError(f"executor must be a concurrent.futures.Executor, got {kind}{advice}")
    if not isinstance(executor, ProcessPoolExecutor):
        return
    if why := _unsendable(train):
        raise TypeError(
            f"{name_of(train)} can't be sent to other processes ({why}): they import it by its "
            "name. Write it with def at the top of a file of its own, say my_training.py, and "
            "import it from there; data can go along by functools.partial. Or leave out executor="
        )
    values = {(name, t.texts[name]): value for t in trainings for name, value in t.settings.items()}
    for (name, text), value in values.items():
        if why := _unsendable(value):
            raise TypeError(
                f"grid[{name!r}] has {text}, which can't be sent to other processes ({why}): try "
                f"numbers or texts, and make of them in {name_of(train)} what it takes. Or leave "
                "out executor="
            )


def _unsendable(thing: Any) -> str:
    """Why something can't be sent to another process; empty if it can."""
    if module_of(thing) == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
        return "it was written in a notebook, or typed in"
    try:
        pickle.dumps(thing)
    except Exception as error:  # an object may raise anything
        return str(error) or type(error).__name__
    return ""
