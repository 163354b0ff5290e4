"""The training loop: gradient descent, pure SGD and mini-batches in one `fit`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, check_epochs, check_generator, check_whole, generator
from ..model.likelihoods import Loss, check_loss, likelihood_of
from ..model.module import Module, check_network
from .batches import RowError
from .callbacks import Callback, EarlyStopping, Hooks, progress_bar
from .checkpoints import (
    Checkpoint,
    describe_run,
    one_training,
    own_arrays,
    read_checkpoint,
    write_checkpoint,
)
from .engines import engine_class
from .evaluation import mean_of, scores_of
from .examples import Examples
from .history import Epoch, History
from .optimizers import make_rule
from .sources import Source, Stream, source_of
from .stepping import Optimizer, State, check_rate

Path = str | os.PathLike[str]


@one_training
def fit(
    net: Module,
    loss: Loss,
    X: npt.ArrayLike | Source,
    y: npt.ArrayLike | None = None,
    *,
    epochs: int,
    batch_size: int | Callable[[int], int] | None = None,
    lr: float | Callable[[int], float],
    momentum: float = 0.0,
    rng: np.random.Generator | None = None,
    validation: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    callbacks: Sequence[Callback | EarlyStopping] = (),
    progress: bool = True,
    engine: str = "program",
    checkpoint: Path | None = None,
    every: int = 1,
    resume: Path | None = None,
    optimizer: str | Optimizer | None = None,
    shuffle: str = "rows",
) -> History:
    """Train ``net`` by stochastic gradient descent.

    Every epoch goes through a new random permutation of the examples, in floor(n/b) batches. An
    update follows the *mean* gradient of its batch, so that one rate serves every batch size; the
    lecture's loss is a sum over points, so its epsilon is ``lr`` / b.

    Args:
        net: what to train; anything with ``parameters()`` that maps one example to its outputs.
        loss: ``loss(a, y)`` of one example, such as `categorical_nll`. Targets that do not fit are
            found beforehand: for a loss of your own among 4,096 examples, evenly spread, that it
            is called for; for the others among all.
        X: inputs, ``(n, d_0)``, in any layout and of any kind of numbers. They stay where they are
            (columns that lie side by side are copied once); a mapped file (`numpy.memmap`) is read
            batch by batch, and checked as it is read. Or a source of batches, where n is more than
            memory or disk holds: a function ``source(epoch)`` of the epoch 1, 2, ... that gives an
            iterator of pairs ``(X, y)``, or anything that gives one each time it is iterated over,
            as a ``torch.utils.data.DataLoader`` does. Then ``y``, ``batch_size`` and ``shuffle``
            are left out, and rows are counted from the start of the epoch.
        y: targets, ``(n,)`` numbers, 0/1 or class indices, or ``(n, d_L)``.
        epochs: how many.
        batch_size: b. ``n`` is gradient descent, 1 is pure SGD; or a schedule of the epoch 1, 2,
            ..., capped at n.
        lr: the learning rate, or a schedule of the update t = 1, 2, ...
        momentum: as in `SGD`, for that optimizer alone.
        rng: where the permutations come from; fresh ones every time if not given.
        validation: ``(X, y)`` to evaluate after every epoch.
        callbacks: each called after every update with ``(epoch, update, loss, net)``, the mean loss
            of the batch and the trained network. One that has a method ``begin`` gets
            ``begin(net, loss, updates)`` before the first update: the loss function, and the range
            of the updates to come, which is empty where a source has no ``len``. One that has a
            number ``looks_every`` looks at the network only after every so many updates, and after
            the last one, where that is known (not with a source without a length, nor where the
            training ends early): in between it may find older numbers in it. A method
            ``looks_at(update)`` says the same update by update.
            One that has a method ``end_epoch`` gets ``end_epoch(row, net)`` after every epoch, and
            ends the training by returning True; `EarlyStopping` is such a one.
        progress: show a bar, where tqdm is installed.
        engine: ``"program"`` records one example and replays its graph over whole batches
            (`autograd.compile`). That takes a graph that is the same for every example, whatever
            the numbers, as that of an `MLP` and the three losses is. For your own networks and
            losses the program is compared with graphs of the examples first, of 4,096 if there are
            more (of a source, in its first batch), and of a few after every epoch; that finds most
            Python ``if``s, and numbers changed on the way. ``"graph"`` records every example: the
            same numbers up to rounding, far slower, for any graph.
        checkpoint: a file to keep all that is needed to go on, written at the start (over what was
            there) and after every ``every`` epochs; it always holds a whole checkpoint. As long as
            the training runs, no other can have it: a locked file ``.NAME.lock`` lies beside it.
        every: how many epochs lie between checkpoints.
        resume: a checkpoint to go on from, up to ``epochs`` in all. With the same arguments, the
            end is to the bit that of a training never interrupted; with a source, if it gives the
            same batches for the same epoch.
        optimizer: what makes the steps: a name, ``"sgd"`` if not given, or a rule with settings,
            such as ``SGD(momentum=0.9, nesterov=True)``. Its rate is ``lr``.
        shuffle: ``"rows"`` for the permutation above. ``"blocks"`` for blocks of 4,096 rows in
            random order, permuted within: a disk reads what lies side by side many times as fast.

    Returns:
        One row per epoch, those before a ``resume`` included.

    Raises:
        ValueError: an argument does not fit, or X or y is not finite (the place is named); or
            ``resume`` is damaged, or of another network, data, loss or optimizer. Nothing is
            changed then, unless it is a rate schedule, or a graph, that goes wrong on the way, or
            a row that is checked as it is read: the parameters are then those from before it.
        TypeError: ``net`` or ``loss`` is none, ``loss`` returns no Value, ``callbacks`` is no list,
            or a source is an iterator, or is given what it has of its own.
        FloatingPointError: a loss, or a step, stopped being finite. The parameters are those from
            before that update.
        OSError: a checkpoint can't be read or written, or (a `BlockingIOError`) another training
            has it, in this process or another.
    """
    check_network(net)
    check_loss(loss)
    check_epochs(epochs)
    check_whole("every", every)
    source = source_of(X, y, batch_size, epochs, shuffle)
    settings = {"momentum": momentum} if momentum != 0 else {}
    rule = make_rule("sgd" if optimizer is None else optimizer, **settings)
    plan = _Plan(net, loss, source, int(epochs), _schedule(lr), rule,
                 _held_out(net, loss, validation), callbacks,
                 _early_stopping(loss, callbacks, validation))  # fmt: skip
    make_engine = engine_class(engine)
    if rng is not None:
        check_generator(rng)
    run = plan.described() if checkpoint is not None or resume is not None else {}
    state = None
    if resume is not None:
        state = read_checkpoint(resume, net, plan.own(), epochs, rng, run)
    next_epoch = 1 if state is None else min(len(state.rows) + 1, epochs)
    worker = make_engine(net, loss, *source.open(net, loss, next_epoch), rule)
    worker.prepare(plan.held_out is not None)
    rng, rows = plan.start(worker, rng, state)
    updates = plan.updates(rows)

    def keep() -> None:
        if checkpoint is not None:
            worker.write()
            write_checkpoint(checkpoint, net, plan.own(worker.state), rows, rng, run)

    keep()
    hooks = Hooks(callbacks, net, worker, updates.stop - 1)
    try:
        with np.errstate(all="ignore"), progress_bar(progress, len(updates)) as hooks.bar:
            for epoch in plan.remaining(rows):
                rows.append(_epoch(plan, worker, hooks, rng, epoch, _first_update(rows)))
                is_last = hooks.after_epoch(rows[-1]) or epoch == epochs
                worker.check_graph()
                if is_last or epoch % every == 0:
                    keep()
                if is_last:
                    break
    finally:  # also when interrupted
        worker.write()
    if plan.stopping is not None:
        plan.stopping.end(net)
    return History(rows)


@dataclass
class _Plan:
    """What a training is to do, checked."""

    net: Module
    loss: Loss
    source: Examples | Stream
    epochs: int
    rate: Callable[[int], float]
    rule: Optimizer
    held_out: Examples | None
    callbacks: Sequence[Any]
    stopping: EarlyStopping | None

    def described(self) -> dict[str, str | None]:
        """What must be the same for this training to be gone on with."""
        monitor = None if self.stopping is None else self.stopping.monitor
        return describe_run(self.loss, self.source.fingerprint(), self.rule, monitor)

    def own(self, state: State | None = None) -> dict[str, Array]:
        """What is kept beside the network, the rule's ``state`` too; without one, at the start."""
        best = None if self.stopping is None else self.stopping.best_parameters
        if state is None:
            m = len(self.net.parameters())
            state, best = self.rule.start(m), None if self.stopping is None else np.zeros(m)
        return own_arrays(state, best)

    def remaining(self, rows: Sequence[Epoch]) -> range:
        """The epochs to come."""
        if self.stopping is not None and self.stopping.stopped:
            return range(0)
        return range(len(rows) + 1, self.epochs + 1)

    def updates(self, rows: Sequence[Epoch]) -> range:
        """The updates to come; none where the source does not say how many."""
        first, counts = _first_update(rows), map(self.source.updates, self.remaining(rows))
        return range(first, first + sum(count or 0 for count in counts))

    def start(
        self, worker: Any, given: np.random.Generator | None, state: Checkpoint | None
    ) -> tuple[np.random.Generator, list[Epoch]]:
        """Get everything to where the training begins, or goes on; or leave all as it was."""
        rng, rows = generator(given), list[Epoch]()
        before = None if state is None else (self.net.state_dict(), rng.bit_generator.state)
        try:
            if state is not None:
                rng, rows = state.restore(self.net, given)
                worker.state = state.optimizer
            if self.stopping is not None:
                self.stopping.start(self.net, rows, None if state is None else state.best)
            updates = self.updates(rows)
            for callback in self.callbacks:
                if hasattr(callback, "begin"):
                    callback.begin(self.net, self.loss, updates)
        except BaseException:  # a callback refuses: nothing is changed
            if before is not None:
                self.net.load_state_dict(before[0])
                if given is not None:
                    given.bit_generator.state = before[1]
            raise
        worker.read()
        return rng, rows


def _epoch(
    plan: _Plan, worker: Any, hooks: Hooks, rng: np.random.Generator, epoch: int, first: int
) -> Epoch:
    """An epoch, from update ``first`` on, and its row of the history."""
    losses, b, update, listening = [], 0, first, hooks.listening
    try:
        for update, batch in enumerate(plan.source.batches(epoch, rng, worker.columns), first):
            try:
                lr = check_rate(plan.rate(update))
                losses.append(worker.step(batch, lr))
            except FloatingPointError as error:
                raise FloatingPointError(f"epoch {epoch}, update {update}: {error}") from None
            except ValueError as error:
                raise ValueError(f"epoch {epoch}, update {update}: {error}") from error
            b = max(b, len(batch.rows))
            if listening:
                hooks.after_update(epoch, update, losses[-1], lr)
    except RowError as error:
        raise ValueError(f"epoch {epoch}, update {first + len(losses)}: {error}") from None
    scores = {}
    if plan.held_out is not None:
        try:
            results = worker.evaluate(plan.held_out.parts())
        except RowError as error:
            raise ValueError(f"epoch {epoch}, after update {update}: {error}") from None
        scores = scores_of(plan.loss, plan.held_out.y, *results)
    return Epoch(
        epoch, update, lr, b, mean_of(losses),
        **{f"validation_{name}": score for name, score in scores.items()},
    )  # fmt: skip


def _first_update(rows: Sequence[Epoch]) -> int:
    """The number of the next update."""
    return rows[-1].updates + 1 if rows else 1


def _schedule(lr: float | Callable[[int], float]) -> Callable[[int], float]:
    if callable(lr):
        return lr
    check_rate(lr)
    return lambda t: lr


def _held_out(net: Module, loss: Loss, validation: Any) -> Examples | None:
    """The validation part, if there is one."""
    if validation is None:
        return None
    try:
        X, y = validation
    except (TypeError, ValueError):
        raise ValueError("validation must be the pair (X, y), and is something else") from None
    examples = Examples(X, y, ("the validation X", "the validation y"))
    examples.open(net, loss, epoch=1)
    return examples


def _early_stopping(loss: Loss, callbacks: Any, validation: Any) -> EarlyStopping | None:
    """The one among the callbacks, if there is one; and a check of all of them."""
    if callable(callbacks) or not hasattr(callbacks, "__iter__"):
        raise TypeError("callbacks must be a list of functions, got one: write [it]")
    for callback in callbacks:
        if not callable(callback) and not hasattr(callback, "end_epoch"):
            raise TypeError(f"a callback must be a function, or have end_epoch, got {callback!r}")
    found = [callback for callback in callbacks if isinstance(callback, EarlyStopping)]
    if len(found) > 1:
        raise ValueError("callbacks must hold one EarlyStopping at most")
    if not found:
        return None
    if validation is None:
        raise ValueError(f"{found[0]} looks at a validation part: give validation=(X, y)")
    if found[0].monitor == "score" and likelihood_of(loss) is None:
        raise ValueError(f"{found[0]} needs a loss with a score, and yours has none: 'loss'")
    return found[0]
