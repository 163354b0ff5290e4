"""The training loop: gradient descent, pure SGD and mini-batches in one `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd.files import Path

from ..arrays import (
    Array,
    check_epochs,
    check_generator,
    check_path,
    check_takes,
    check_text,
    check_whole,
    generator,
)
from ..model.likelihoods import Loss, check_loss, likelihood_of
from ..model.module import Module, check_network
from .batches import RowError
from .callbacks import Callback, EarlyStopping, Hooks, callbacks_of, progress_bar
from .checkpoints import (
    Checkpoint,
    describe_run,
    one_training,
    own_arrays,
    read_checkpoint,
    write_checkpoint,
)
from .choice import ENGINES, engine_class, engine_to_resume, native_or_not
from .evaluation import mean_of, scores_of
from .examples import Examples
from .history import Epoch, History
from .optimizers import make_rule
from .schedules import BatchSize, LearningRate
from .sources import Source, Stream, source_of
from .stepping import Optimizer, State, check_rate, first_state


@one_training
def fit(
    net: Module,
    loss: Loss,
    X: ArrayLike | Source,
    y: ArrayLike | None = None,
    *,
    epochs: int,
    batch_size: int | BatchSize | None = None,
    lr: float | LearningRate,
    momentum: float = 0.0,
    rng: np.random.Generator | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callbacks: Sequence[Callback | EarlyStopping] = (),
    progress: bool = True,
    engine: str = "auto",
    checkpoint: Path | None = None,
    checkpoint_every: int = 1,
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
        loss: ``loss(a, y)`` of one example, such as `categorical_nll`. Targets are checked before
            the training: all of them for the three losses; for a loss of your own, by calling it
            for up to 4,096 examples, evenly spread.
        X: inputs, ``(n, d_0)``, in any layout and of any kind of numbers. They are not copied (or
            once, if columns lie side by side in memory). A mapped file (`numpy.memmap`) is read
            batch by batch, and checked as it is read. If n is too large even for that, give a
            source of batches: a function ``source(epoch)`` of the epoch 1, 2, ... that returns an
            iterator of pairs ``(X, y)``, or an object that can be iterated over again and again,
            such as a ``torch.utils.data.DataLoader``. Then leave out ``y``, ``batch_size`` and
            ``shuffle``; rows are counted from the start of the epoch.
        y: targets, ``(n,)`` numbers, 0/1 or class indices, or ``(n, d_L)``.
        epochs: how many.
        batch_size: b. ``n`` is gradient descent, 1 is pure SGD; or a schedule of the epoch 1, 2,
            ..., capped at n.
        lr: the learning rate, or a schedule of the update t = 1, 2, ...
        momentum: as in `SGD`, for that optimizer alone.
        rng: where the permutations come from; if not given, they differ every time.
        validation: ``(X, y)`` to evaluate after every epoch.
        callbacks: functions, each called after every update with ``(epoch, update, loss, net)``;
            ``loss`` is the mean loss of the batch. If a callback has a method ``begin``,
            ``begin(net, loss, updates)`` is called before the first update, with the loss function
            and the range of the updates to come (an empty one if a source has no ``len``); before
            that, if it has an attribute ``engine``, that is set to the engine's name. If it
            has an attribute ``looks_every``, a number k, the network is up to date only after every
            k updates, and after the last one, if it is known beforehand which one that is; it may
            hear of the updates, and a schedule may be asked for their rates, k at a time. A method
            ``looks_at(update)`` says the same update by update. If it has a method ``end_epoch``,
            ``end_epoch(row, net)`` is called after every epoch, and ends the training by returning
            True, as `EarlyStopping` does.
        progress: show a bar, where tqdm is installed.
        engine: how updates are computed. ``"auto"`` is ``"native"`` where llvmlite is installed and
            there are so many updates that it pays to compile, else ``"program"``; and in a
            ``resume``, the engine that the training began with. ``"native"`` is ``"program"`` in
            machine code, the same numbers up to rounding; it lets callbacks with ``looks_every``
            wait until they look. ``"program"`` records one example and replays its graph over
            whole batches (`autograd.compile`). The graph must be the same for every example,
            whatever the numbers are; that of an `MLP` with one of the three losses is. For your own
            networks and losses, the program is compared with recorded graphs: before the training,
            of up to 4,096 examples (of a source, in its first batch); after every epoch, of a few.
            This finds most Python ``if``s, and constants that change on the way. ``"graph"``
            records every example: the same numbers up to rounding, far slower, for any graph.
        checkpoint: a file for everything that is needed to go on. It is written at the start (over
            an older file) and after every ``checkpoint_every`` epochs, and always holds a whole
            checkpoint. While the training runs, no other training can use it: a locked file
            ``.NAME.lock`` lies beside it.
        checkpoint_every: how many epochs lie between checkpoints.
        resume: a checkpoint to go on from, up to ``epochs`` in all. With the same arguments, it
            ends in the same bits as a training that was never interrupted; a source must give the
            same batches for the same epoch.
        optimizer: what turns gradients into steps: a name, or a rule with settings such as
            ``SGD(momentum=0.9, nesterov=True)``; ``"sgd"`` if not given. Its rate is ``lr``.
        shuffle: ``"rows"`` for the permutation above. ``"blocks"`` for blocks of 4,096 rows in
            random order, permuted within: a disk reads adjacent rows many times as fast.

    Returns:
        One row per epoch, those before a ``resume`` included.

    Raises:
        ValueError: an argument does not fit; X or y is not finite (the error names the place);
            there is no parameter, or none goes into the loss of any example; or ``resume`` is
            damaged, or of another network, data, loss or optimizer. Nothing is changed then. If the
            error is found during the training, in a rate schedule, a graph, or a row that is
            checked as it is read, the parameters are those after the last good update.
        TypeError: ``net`` is not a network, ``loss`` not a loss, ``rng`` not a generator,
            ``optimizer`` neither a name nor a rule, ``callbacks`` not a list, or ``checkpoint`` or
            ``resume`` not a path; ``loss`` or a schedule takes other arguments, ``loss`` does not
            return a Value, or a rule of your own no step; ``y`` or ``batch_size`` is missing; or a
            source is an iterator, or comes with ``y``, ``batch_size`` or ``shuffle``.
        FloatingPointError: a loss or a step was not finite. The parameters are those after the
            update before.
        OSError: a checkpoint can't be read or written; a `BlockingIOError` if another training, in
            this process or another, uses it.
    """
    if not check_network(net):
        raise ValueError(
            "net.parameters() is empty, so that nothing would be learned: in a Module of your own, "
            "define parameters() to list its Values, [self.w, *self.layer.parameters()]"
        )
    check_loss(loss)
    check_epochs(epochs)
    check_whole("checkpoint_every", checkpoint_every)
    source = source_of(X, y, batch_size, epochs, shuffle)
    callbacks = callbacks_of(callbacks)
    settings = {"momentum": momentum} if momentum != 0 else {}
    rule = make_rule("sgd" if optimizer is None else optimizer, **settings)
    plan = _Plan(net, loss, source, int(epochs), _schedule(lr), rule,
                 _held_out(net, loss, validation), callbacks,
                 _early_stopping(loss, callbacks, validation))  # fmt: skip
    check_text("engine", engine, ENGINES)
    if rng is not None:
        check_generator(rng)
    run = plan.described() if checkpoint is not None or resume is not None else {}
    state = None
    if resume is not None:
        check_path("resume", resume)
        state = read_checkpoint(resume, net, plan.own(), epochs, rng, run)
        engine = engine_to_resume(engine, state.engine)
    next_epoch = 1 if state is None else min(len(state.rows) + 1, epochs)
    worker: Any = engine_class(engine)(net, loss, *source.open(net, loss, next_epoch), rule)
    worker.prepare(plan.held_out is not None)
    if engine in ("auto", "native"):
        to_come = plan.updates([] if state is None else state.rows)
        sizes = source.sizes(next_epoch)
        worker = native_or_not(worker, sizes, len(to_come), must=engine == "native")
    rng, rows = plan.start(worker, rng, state)
    updates = plan.updates(rows)

    def keep() -> None:
        if checkpoint is not None:
            worker.write()
            write_checkpoint(checkpoint, net, plan.own(worker.state), rows, rng, run, worker.name)

    keep()
    hooks = Hooks(callbacks, net, worker, updates.stop - 1)
    try:
        with np.errstate(all="ignore"), progress_bar(progress, len(updates)) as hooks.bar:
            for epoch in plan.remaining(rows):
                rows.append(_epoch(plan, worker, hooks, rng, epoch, _first_update(rows)))
                is_last = hooks.after_epoch(rows[-1]) or epoch == epochs
                worker.check_graph()
                if is_last or epoch % checkpoint_every == 0:
                    keep()
                if is_last:
                    break
    finally:  # also when interrupted
        worker.write()
    if plan.stopping is not None:
        plan.stopping.end(net)
    return History(rows, worker.name)


@dataclass
class _Plan:
    """What a training is to do, checked."""

    net: Module
    loss: Loss
    source: Examples | Stream
    epochs: int
    rate: float | LearningRate
    rule: Optimizer
    held_out: Examples | None
    callbacks: Sequence[Any]
    stopping: EarlyStopping | None

    def described(self) -> dict[str, str | None]:
        """What must be the same if this training is to be resumed."""
        monitor = None if self.stopping is None else self.stopping.monitor
        return describe_run(self.loss, self.source.fingerprint(), self.rule, monitor)

    def own(self, state: State | None = None) -> dict[str, Array]:
        """What is kept beside the network, the rule's ``state`` too; if None, that of the start."""
        best = None if self.stopping is None else self.stopping.best_parameters
        if state is None:
            m = len(self.net.parameters())
            state, best = first_state(self.rule, m), None if self.stopping is None else np.zeros(m)
        return own_arrays(state, best)

    def rates(self, first: int, n: int) -> tuple[list[float], BaseException | None]:
        """The rates of n updates; or fewer, and the error that a schedule raises after these."""
        if isinstance(self.rate, float):
            return [self.rate] * n, None
        found: list[float] = []
        for t in range(first, first + n):
            try:
                found.append(check_rate(self.rate(t)))
            except BaseException as error:  # after the updates before it
                return found, error
        return found, None

    def remaining(self, rows: Sequence[Epoch]) -> range:
        """The epochs to come."""
        if self.stopping is not None and self.stopping.stopped:
            return range(0)
        return range(len(rows) + 1, self.epochs + 1)

    def updates(self, rows: Sequence[Epoch]) -> range:
        """The updates to come; an empty range if the source does not say how many."""
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
                if hasattr(callback, "engine"):
                    callback.engine = worker.name
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
    losses: list[float] = []
    b, rates = 0, [0.0]
    try:
        for span in plan.source.spans(epoch, rng):
            data, start, b = worker.gather(span), 0, max(b, span.size)
            while start < span.updates:
                t, made = first + len(losses), len(losses)
                most = min(span.updates - start, worker.most(span.size))
                rates, failure = plan.rates(t, hooks.together(t, most))
                try:
                    worker.train_through(data, span, start, rates, losses)
                    if failure is not None:
                        raise failure
                except FloatingPointError as error:
                    update = first + len(losses)
                    raise FloatingPointError(f"epoch {epoch}, update {update}: {error}") from None
                except ValueError as error:
                    update = first + len(losses)
                    raise ValueError(f"epoch {epoch}, update {update}: {error}") from error
                start += len(rates)
                hooks.after_updates(epoch, t, losses[made:], rates[-1])
    except RowError as error:
        raise ValueError(f"epoch {epoch}, update {first + len(losses)}: {error}") from None
    update, lr = first + len(losses) - 1, rates[-1]
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
    """The next update, t."""
    return rows[-1].updates + 1 if rows else 1


def _schedule(lr: float | LearningRate) -> float | LearningRate:
    if not callable(lr):
        return check_rate(lr)
    check_takes("lr", lr, "t")
    return lr


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


def _early_stopping(loss: Loss, callbacks: Sequence[Any], validation: Any) -> EarlyStopping | None:
    """The `EarlyStopping` among the callbacks, if any."""
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
