"""What is called during a training: users' callbacks, early stopping, the bar, the checkpoints."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from time import monotonic
from typing import Any

import numpy as np

from autograd.vectors import assign, data_of

from ..arrays import Array, check_flag, check_takes, check_text, check_whole
from ..model.module import Module
from .history import Epoch

Callback = Callable[[int, int, float, Any], None]

# What a callback may have, and what that is called with.
CALLS = {
    "__call__": ("epoch", "update", "loss", "net"),
    "begin": ("net", "loss", "updates"),
    "end_epoch": ("row", "net"),
}
PAUSE = 0.1  # seconds between texts: the text beside a bar can cost as much as an update


class EarlyStopping:
    """Ends a training when the validation loss has not improved for a while.

    It goes into the ``callbacks`` of `fit`, looks at the row of each epoch, and stops after
    ``patience`` epochs in a row that were no better than the best one before (Prechelt 1998, "Early
    stopping, but when?").

    Args:
        patience: how many epochs to wait for an improvement.
        restore_best: whether the network gets back the parameters of the best epoch at the end,
            even if the training was not stopped early.
        monitor: what to look at, ``"loss"`` or ``"score"``: accuracy, or R^2.

    Attributes:
        best_epoch: the best epoch so far; 0 before the first one.
        stopped: whether the training ended early.

    Raises:
        ValueError: ``patience`` is not a positive whole number, ``restore_best`` is not True or
            False, or ``monitor`` is something else.

    >>> import numpy as np
    >>> from nn import MLP, bernoulli_nll, fit
    >>> net = MLP(1, [1], rng=np.random.default_rng(0))
    >>> X, y = [[0.0], [1.0]], [0, 1]
    >>> stopping = EarlyStopping(patience=2)
    >>> history = fit(net, bernoulli_nll, X, y, epochs=100, batch_size=2, lr=0.1, progress=False,
    ...               validation=(X, [1, 0]), callbacks=[stopping])       # learns the opposite
    >>> stopping.best_epoch, len(history)
    (1, 3)
    """

    def __init__(self, patience: int, restore_best: bool = True, *, monitor: str = "loss") -> None:
        check_whole("patience", patience)
        check_flag("restore_best", restore_best)
        check_text("monitor", monitor, ("loss", "score"))
        self.patience, self.restore_best, self.monitor = int(patience), restore_best, monitor
        self.best_epoch, self.stopped = 0, False
        self.best_parameters: Array = np.empty(0)

    def __repr__(self) -> str:
        return f"EarlyStopping(patience={self.patience}, monitor={self.monitor!r})"

    def start(self, net: Module, rows: Sequence[Epoch] = (), best: Array | None = None) -> None:
        """Start anew, or go on from the rows and the best parameters of an earlier training."""
        self.best_epoch, self.stopped, self._least = 0, False, math.inf
        for row in rows:
            self._look(row)
        self.best_parameters = _vector(net) if best is None else best

    def end_epoch(self, row: Epoch, net: Module) -> bool:
        """Look at an epoch; return whether the training is to end."""
        if self._look(row):
            self.best_parameters = _vector(net)
        return self.stopped

    def _look(self, row: Epoch) -> bool:
        """Whether the epoch is the best so far."""
        score = row.validation_r2 if row.validation_accuracy is None else row.validation_accuracy
        value = row.validation_loss if self.monitor == "loss" else None if score is None else -score
        better = value is not None and value < self._least
        if value is not None and better:
            self._least, self.best_epoch = value, row.epoch
        self.stopped = row.epoch - self.best_epoch >= self.patience
        return better

    def end(self, net: Module) -> None:
        """Give the network its best parameters back."""
        if self.restore_best and self.best_epoch:
            assign(net.parameters(), self.best_parameters.tolist())


def _vector(net: Module) -> Array:
    return data_of(net.parameters())


def callbacks_of(given: Any) -> list[Any]:
    """The callbacks as a list, after a check.

    Raises:
        TypeError: they are not in a list, or one can't be called.
    """
    if callable(given) or not hasattr(given, "__iter__"):
        raise TypeError(
            f"callbacks must be a list of functions, got {given!r}: for one, write [it]"
        )
    callbacks = list(given)
    for callback in callbacks:
        if isinstance(callback, type):
            name = callback.__name__
            raise TypeError(f"callbacks has the class {name}: give one made of it, {name}(...)")
        found = {name: arguments for name, arguments in CALLS.items() if hasattr(callback, name)}
        if not found:
            raise TypeError(
                f"a callback must be a function, or have begin or end_epoch, got {callback!r}"
            )
        for name, arguments in found.items():
            is_call = name == "__call__"
            function = callback if is_call else getattr(callback, name)
            check_takes("a callback" if is_call else f"a callback's {name}", function, *arguments)
    return callbacks


class Hooks:
    """Calls what is to be called after every update and after every epoch.

    Args:
        callbacks: users' own.
        net: the network that callbacks get.
        worker: the engine. Callbacks see its numbers in the network, and may change them.
        last: which update is the last one.

    Attributes:
        bar: shows the progress, or None.
    """

    def __init__(self, callbacks: Sequence[Any], net: Module, worker: Any, last: int) -> None:
        self.net, self.worker, self.last = net, worker, last
        self.bar: Any = None
        self._updates = [callback for callback in callbacks if callable(callback)]
        self._looks = [_looks(callback) for callback in self._updates]
        self._epochs = [c.end_epoch for c in callbacks if hasattr(c, "end_epoch")]
        self._next_text = -math.inf
        self._warnings = np.geterr()  # the caller's; callbacks run with them

    def together(self, update: int, most: int) -> int:
        """How many updates can be made, from this one on, until somebody looks: up to ``most``."""
        if not self._updates:
            return most
        return next((n for n in range(1, most) if self._is_seen(update + n - 1)), most)

    def _is_seen(self, update: int) -> bool:
        """Whether somebody looks at the network after an update."""
        return update == self.last or any(looks(update) for looks in self._looks)

    def after_updates(self, epoch: int, first: int, losses: Sequence[float], lr: float) -> None:
        """Updates have been made, from the ``first`` on, each with its loss."""
        update = first + len(losses) - 1
        if self._updates:
            seen = self._is_seen(update)
            if seen:
                self.worker.write()
            try:
                with np.errstate(**self._warnings):
                    for t, loss in enumerate(losses, first):
                        for callback in self._updates:
                            callback(epoch, t, loss, self.net)
            finally:
                if seen:
                    self._read(epoch, update)
        if self.bar is not None:
            if update == self.last or monotonic() >= self._next_text:
                loss = losses[-1]
                self.bar.set_postfix({"loss": f"{loss:.4f}", "lr": f"{lr:.3g}"}, refresh=False)
                self._next_text = monotonic() + PAUSE
            self.bar.update(len(losses))

    def after_epoch(self, row: Epoch) -> bool:
        """An epoch has ended; whether the training is to end with it.

        Raises:
            ValueError: a callback has changed which parameters the network has.
        """
        ends: list[Any] = []
        if self._epochs:
            self.worker.write()
            try:
                with np.errstate(**self._warnings):
                    ends += [end_epoch(row, self.net) for end_epoch in self._epochs]
            finally:
                self._read(row.epoch, row.updates)
        if self._updates or self._epochs:  # not after every update: that would take long
            self._check_parameters(row.epoch)
        return any(ends)

    def _check_parameters(self, epoch: int) -> None:
        """Whether the network's parameters are still those that are trained."""
        new, trained = list(self.net.parameters()), self.worker.parameters
        if len(new) != len(trained) or any(map(operator.is_not, new, trained)):
            raise ValueError(
                f"epoch {epoch}: net.parameters() gives other Values now than when fit began, and "
                "these are not trained. A callback may set their data (p.data = 0.5); for other "
                "parameters, or another number of them, call fit again"
            )

    def _read(self, epoch: int, update: int) -> None:
        """Let the engine read the network's numbers, which a callback may have changed."""
        try:
            self.worker.read()
        except FloatingPointError as error:
            raise FloatingPointError(f"epoch {epoch}, after update {update}: {error}") from error


def progress_bar(progress: bool, total: int, unit: str = "update") -> Any:
    """Tqdm's bar, or None, as a context. Its thread can't be started in a browser: no bar there."""
    if progress and sys.platform != "emscripten":
        try:
            from tqdm import tqdm

            return tqdm(total=total or None, unit=unit)
        except ModuleNotFoundError:
            pass
    return nullcontext()


def _looks(callback: Any) -> Callable[[int], bool]:
    """After which updates a callback looks at the network."""
    if hasattr(callback, "looks_at"):
        return callback.looks_at  # type: ignore[no-any-return]
    k = getattr(callback, "looks_every", 1)
    return lambda update: update % k == 0
