"""The training loop: gradient descent, pure SGD and mini-batches in one `fit`."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Drawing, Value, draw

from .checkpoints import describe_run, read_checkpoint, write_checkpoint
from .engines import GraphEngine, Loss, ProgramEngine, loss_of
from .history import Epoch, History
from .losses import bernoulli_nll, categorical_nll, gaussian_nll
from .module import (
    Array,
    Module,
    check_generator,
    check_positive,
    generator,
    own_gradients,
    real_array,
)
from .optim import SGD, check_rate, minibatches

Callback = Callable[[int, int, float, Any], None]


def evaluate(
    net: Module, loss: Loss, X: npt.ArrayLike, y: npt.ArrayLike, *, engine: str = "program"
) -> dict[str, float]:
    """Mean loss over the rows of ``X``, and the score that goes with the loss.

    ``engine`` is as in `fit`.

    Returns:
        ``{"loss": ...}`` with ``"accuracy"`` for the two classification losses, or ``"r2"`` for
        `gaussian_nll` (1 minus the residual over the total sum of squares).

    Raises:
        ValueError: as in `fit`, of ``X``, ``y`` and ``engine``.
    """
    X, y = _examples(X, y)
    _check_fit(net, loss, X, y)
    worker = _engine(engine)(net, loss, X, y, 0.0)
    worker.check_examples()
    return _scores(loss, y, *worker.evaluate(X, y))


def _scores(loss: Loss, true: Array, losses: Array, outputs: Array) -> dict[str, float]:
    """The mean loss, and the score that goes with it."""
    result = {"loss": _mean(losses.tolist())}
    if true.size == outputs.size:
        true = true.reshape(outputs.shape)  # (n, 1) as (n,)
    if loss is gaussian_nll:
        with np.errstate(all="ignore"):
            residual = float(((outputs - true) ** 2).sum())
        total = float(((true - true.mean(axis=0)) ** 2).sum())
        # A constant target leaves nothing to explain: 1 if it is met, else 0.
        result["r2"] = 1 - residual / total if total else float(residual == 0)
    elif loss is bernoulli_nll:
        result["accuracy"] = float(((outputs > 0) == (true > 0.5)).mean())
    elif loss is categorical_nll:
        classes = true if true.ndim == 1 else true.argmax(axis=1)
        result["accuracy"] = float((outputs.argmax(axis=1) == classes).mean())
    return result


def _mean(losses: list[float]) -> float:
    """The mean, to the last digit, also of losses whose sum is beyond the floats."""
    try:
        return math.fsum(losses) / len(losses)
    except OverflowError:
        return math.fsum([loss / len(losses) for loss in losses])


def _engine(name: str) -> Any:
    engines = {"program": ProgramEngine, "graph": GraphEngine}
    if name not in engines:
        raise ValueError(f"engine must be 'program' or 'graph', got {name!r}")
    return engines[name]


def fit(
    net: Module,
    loss: Loss,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    epochs: int,
    batch_size: int | Callable[[int], int],
    lr: float | Callable[[int], float],
    momentum: float = 0.0,
    rng: np.random.Generator | None = None,
    validation: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    engine: str = "program",
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 1,
    resume: str | os.PathLike[str] | None = None,
) -> History:
    """Train ``net`` by stochastic gradient descent.

    Every epoch goes through a new random permutation of the examples, in floor(n/b) batches. An
    update follows the *mean* gradient of its batch, so that one rate serves every batch size; the
    lecture's loss is a sum over points, so its epsilon is ``lr`` / b.

    Args:
        net: what to train; anything with ``parameters()`` that maps one example to its outputs.
        loss: ``loss(a, y)`` of one example, such as `categorical_nll`. It is called once for each
            target beforehand, to find those that do not fit.
        X: inputs, ``(n, d_0)``.
        y: targets, ``(n,)`` numbers, 0/1 or class indices, or ``(n, d_L)``.
        epochs: how many.
        batch_size: b. ``n`` is gradient descent, 1 is pure SGD; or a schedule of the epoch 1, 2,
            ..., capped at n.
        lr: the learning rate, or a schedule of the update t = 1, 2, ...
        momentum: as in `SGD`.
        rng: where the permutations come from; fresh ones every time if not given.
        validation: ``(X, y)`` to evaluate after every epoch.
        callbacks: each called after every update with ``(epoch, update, loss, net)``, the mean loss
            of the batch and the trained network. One that has a method ``begin`` gets
            ``begin(net, loss, updates)`` before the first update: the loss function, and the range
            of the updates to come. One that has a number ``looks_every`` looks at the network only
            after every so many updates, and at the end: in between it may find older numbers in it.
        progress: show a bar, where tqdm is installed.
        engine: ``"program"`` records one example and replays its graph over whole batches
            (`autograd.compile`). That takes a graph that is the same for every example, whatever
            the numbers, as that of an `MLP` and the three losses is. For your own networks and
            losses the program is compared with graphs of all examples first, and of a few after
            every epoch; that finds most Python ``if``s, and numbers changed on the way. ``"graph"``
            records every example: the same numbers up to rounding, far slower, for any graph.
        checkpoint: a file to keep all that is needed to go on, written at the start (over what was
            there) and after every ``every`` epochs; it always holds a whole checkpoint.
        every: how many epochs lie between checkpoints.
        resume: a checkpoint to go on from, up to ``epochs`` in all. With the same arguments, the
            end is to the bit that of a training never interrupted.

    Returns:
        One row per epoch, those before a ``resume`` included.

    Raises:
        ValueError: an argument does not fit, or X or y is not finite (the place is named); or
            ``resume`` is damaged, or of another network, data, loss or momentum. Nothing is
            changed then, unless it is a rate schedule, or a graph, that goes wrong on the way.
        TypeError: ``loss`` returns something else than a Value, or ``callbacks`` is no list.
        FloatingPointError: a loss, or a step, stopped being finite. The parameters are those from
            before that update.
        OSError: a checkpoint can't be read or written.
    """
    X, y = _examples(X, y)
    n = len(X)
    check_positive("epochs", epochs)
    check_positive("every", every)
    sizes = [_batch_size(batch_size, epoch, n) for epoch in range(1, epochs + 1)]
    rate = lr if callable(lr) else lambda t: lr
    SGD([], 0.0 if callable(lr) else lr, momentum)  # refuses what it can't work with
    make_engine = _engine(engine)
    if rng is not None:
        check_generator(rng)
    _check_fit(net, loss, X, y)
    held_out = None
    if validation is not None:
        if len(validation) != 2:
            raise ValueError(f"validation must be the pair (X, y), got {len(validation)} entries")
        held_out = _examples(*validation, names=("the validation X", "the validation y"))
        _check_fit(net, loss, *held_out)
    if callable(callbacks):
        raise TypeError("callbacks must be a list of functions, got one: write [it]")
    kept = checkpoint is not None or resume is not None
    run = describe_run(loss, X, y, momentum) if kept else {}
    state = None if resume is None else read_checkpoint(resume, net, epochs, rng, run)
    worker = make_engine(net, loss, X, y, momentum)
    worker.prepare(held_out is not None)
    rows: list[Epoch] = []
    given, rng = rng, generator(rng)
    before = net.state_dict(), rng.bit_generator.state
    try:
        if state is not None:
            rng, rows = state.restore(net, given)
            worker.velocity = state.velocity
        done, update = len(rows), rows[-1].updates if rows else 0
        updates = range(update + 1, update + 1 + sum(n // b for b in sizes[done:]))
        looks = [getattr(callback, "looks_every", 1) for callback in callbacks]
        for callback in callbacks:
            if hasattr(callback, "begin"):
                callback.begin(net, loss, updates)
    except BaseException:  # a callback refuses: nothing is changed
        if state is not None:
            net.load_state_dict(before[0])
            if given is not None:
                given.bit_generator.state = before[1]
        raise
    worker.read()

    def keep() -> None:
        if checkpoint is not None:
            worker.write()
            write_checkpoint(checkpoint, net, worker.velocity, rows, rng, run)

    keep()
    warnings = np.geterr()  # as the caller, and the callbacks, have them
    try:
        with np.errstate(all="ignore"), _bar(progress, len(updates)) as bar:
            for epoch, b in enumerate(sizes[done:], start=done + 1):
                batch_losses = []
                for batch in minibatches(n, b, rng):
                    update += 1
                    try:
                        lr_t = check_rate(rate(update))
                        batch_losses.append(worker.step(batch, lr_t))
                    except (ValueError, FloatingPointError) as error:
                        where = f"epoch {epoch}, update {update}"
                        raise type(error)(f"{where}: {error}") from None
                    if callbacks:
                        seen = update == updates[-1] or any(update % k == 0 for k in looks)
                        if seen:
                            worker.write()
                        try:
                            with np.errstate(**warnings):
                                for callback in callbacks:
                                    callback(epoch, update, batch_losses[-1], net)
                        finally:
                            if seen:
                                worker.read()
                    if bar is not None:
                        shown = {"loss": f"{batch_losses[-1]:.4f}", "lr": f"{lr_t:.3g}"}
                        bar.set_postfix(shown, refresh=False)
                        bar.update()
                scores = {}
                if held_out is not None:
                    scores = _scores(loss, held_out[1], *worker.evaluate(*held_out))
                rows.append(
                    Epoch(
                        epoch, update, lr_t, b, _mean(batch_losses),
                        **{f"validation_{name}": score for name, score in scores.items()},
                    )
                )  # fmt: skip
                worker.check_graph()
                if epoch % every == 0 or epoch == epochs:
                    keep()
    finally:  # also when interrupted
        worker.write()
    return History(rows)


def _examples(
    X: npt.ArrayLike, y: npt.ArrayLike, names: tuple[str, str] = ("X", "y")
) -> tuple[Array, Array]:
    """Inputs and targets as arrays, all finite."""
    X_array, y_array = (_finite(array, name) for array, name in zip((X, y), names))
    if X_array.ndim != 2:
        raise ValueError(f"{names[0]} must have shape (n, d_0), got {X_array.shape}")
    if len(X_array) == 0:
        raise ValueError(f"{names[0]} has no rows")
    if y_array.ndim not in (1, 2) or len(y_array) != len(X_array):
        raise ValueError(
            f"{names[1]} must have one target per row of {names[0]}, shape ({len(X_array)},) or "
            f"({len(X_array)}, d_L), got {y_array.shape}"
        )
    return X_array, y_array


def _check_fit(net: Module, loss: Loss, X: Array, y: Array) -> None:
    """Try one row and every target, so that what does not fit fails before any change."""
    a = net(X[0].tolist())
    targets, first = np.unique(y, axis=0, return_index=True)
    for target, i in zip(targets.tolist(), first.tolist()):
        loss_of(loss, a, target, i, "the target of ")


def _finite(x: npt.ArrayLike, name: str) -> Array:
    array = real_array(x, name)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise ValueError(f"{name}[{place}] is {array[tuple(bad[0])]}: all numbers must be finite")
    return array


def _batch_size(batch_size: int | Callable[[int], int], epoch: int, n: int) -> int:
    b = batch_size(epoch) if callable(batch_size) else batch_size
    if not isinstance(b, int | np.integer) or b < 1 or (b > n and not callable(batch_size)):
        where = f" in epoch {epoch}" if callable(batch_size) else ""
        raise ValueError(f"batch_size must be a whole number from 1 to n = {n}, got {b!r}{where}")
    return min(int(b), n)


def _bar(progress: bool, updates: int) -> Any:
    """Tqdm's bar, or None, as a context."""
    if progress:
        try:
            from tqdm import tqdm

            return tqdm(total=updates, unit="update")
        except ModuleNotFoundError:
            pass
    return nullcontext()


class DrawGraph:
    """A callback for `fit`: draws the recorded graph of one example while the network learns.

    In Jupyter the picture changes in place; elsewhere it is written to numbered files,
    ``graph-000100.svg`` and so on.

    Args:
        x: the example, ``(d_0,)``.
        y: its target.
        every: draw after every so many updates.
        folder: where the files go; made if it is not there.

    Raises:
        ValueError: ``every`` is not a positive whole number; or, before training starts, the
            graph is too large to draw.
        RuntimeError: outside Jupyter, before training starts, nothing can lay out the graph.
    """

    def __init__(
        self, x: Sequence[float], y: Any, every: int = 100, folder: str | os.PathLike[str] = "."
    ) -> None:
        check_positive("every", every)
        self.x, self.y, self.every, self.folder = x, y, int(every), Path(folder)
        self._display: Any = None

    @property
    def looks_every(self) -> int:
        """After how many updates `fit` shows it the network: see there."""
        return self.every

    def begin(self, net: Module, loss: Loss, updates: range) -> None:
        """Remember the loss function, and make sure that drawing will work."""
        self._loss, self._display = loss, None
        drawing = self._draw(net)
        if not _in_notebook():
            drawing.render()
            self.folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, epoch: int, update: int, loss: float, net: Module) -> None:
        """Draw, if it is time."""
        if update % self.every:
            return
        drawing = self._draw(net)
        if _in_notebook():
            from IPython.display import display

            if self._display is None:
                self._display = display(drawing, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self._display.update(drawing)
        else:
            drawing.save(self.folder / f"graph-{update:06d}.svg")

    def _draw(self, net: Module) -> Drawing:
        with recorded_example(net, self._loss, self.x, self.y) as root:
            return draw(root)


@contextmanager
def recorded_example(net: Module, loss: Loss, x: Sequence[Any], y: Any) -> Iterator[Value]:
    """The loss of one example with its gradients filled in, to be looked at.

    The parameters' gradients are those of this example inside the ``with``, and afterwards what
    they were before.
    """
    with own_gradients(net):
        # As Values, inputs are one labelled box each, however many neurons use them.
        root = loss(net([v if isinstance(v, Value) else Value(v) for v in x]), y)
        root.backward()
        yield root


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:
        return False
    return hasattr(get_ipython(), "kernel")
