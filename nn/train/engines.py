"""Two ways to compute the same update of a training.

`GraphEngine` records every example as scalars and goes backward through its graph. `ProgramEngine`
records one example, compiles its graph, and replays it for whole batches: the same numbers, much
faster.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from autograd import Program, Value
from autograd.show.notation import printable
from autograd.vectors import assign, data_of

from ..arrays import Array
from ..model.likelihoods import Loss
from ..model.module import Module, numbers, replay
from .batches import Batch, Parts, Span, floats, spread
from .recording import Recording, check_learns, diagnosis, disagreement, is_large, loss_of
from .stepping import Optimizer, State, check_step, first_state, step_of

TINY = 1e-200  # a rate


class Engine:
    """What all engines do.

    Attributes:
        at_once: how many updates are made before the bar moves and Ctrl-C is heard: so many
            parameters times examples, and one at least.
    """

    name = ""
    at_once = 1
    parameters: list[Value]

    def most(self, b: int) -> int:
        """How many updates of ``b`` examples are made at once."""
        return max(1, self.at_once // (b * max(1, len(self.parameters))))

    def gather(self, span: Span) -> Any:
        """The examples of a span as `train_on` takes them."""
        return self.columns(*span.examples())

    def train_through(
        self, data: Any, span: Span, start: int, rates: Sequence[float], losses: list[float]
    ) -> None:
        """Updates with some batches of a span, from number ``start`` on, one for each rate.

        Args:
            data: what `gather` made of the span.
            span: the batches.
            start: the first of them.
            rates: how many, and their rates.
            losses: the loss of each is added, as soon as it is made.

        Raises:
            FloatingPointError: as `train_on`.
        """
        b = span.size
        for k, lr in enumerate(rates, start):
            cut = slice(k * b, k * b + b)
            losses.append(self.train_on(Batch(data[cut], span.places[cut]), lr))

    def read(self) -> Array:
        """The numbers of the Values, which a callback may have changed.

        Raises:
            FloatingPointError: one is not finite.
        """
        theta = data_of(self.parameters)
        bad = np.flatnonzero(~np.isfinite(theta))
        if len(bad):
            name = printable(self.parameters[bad[0]].label) or "a parameter"
            raise FloatingPointError(
                f"{name} is {theta[bad[0]]}: only finite numbers can be trained"
            )
        return theta

    def columns(self, X: Array, y: Array) -> Any:
        """Examples as `train_on` takes them."""
        raise NotImplementedError

    def train_on(self, batch: Batch, lr: float) -> float:
        """One update with the mean gradient of a batch; the mean loss before it.

        Raises:
            FloatingPointError: a loss or a parameter would not be finite. Nothing is changed then.
        """
        raise NotImplementedError


class GraphEngine(Engine):
    """Records every example of every batch as scalars."""

    name = "graph"

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array, rule: Optimizer) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        self.parameters = list(net.parameters())
        self.optimizer = rule.over(self.parameters)

    def columns(self, X: Array, y: Array) -> Any:
        """As `Engine.columns`: pairs of inputs and target."""
        return list(zip(X.tolist(), y.tolist()))

    def train_on(self, batch: Batch, lr: float) -> float:
        """As `Engine.train_on`."""
        self.optimizer.lr = lr
        self.optimizer.zero_grad()
        total, b = 0.0, len(batch.rows)
        try:
            for i, (row, target) in zip(batch.rows, batch.data):
                loss = loss_of(self.loss, self.net(row), target, i)
                if not math.isfinite(loss.data):
                    raise FloatingPointError(diagnosis(loss, i, lr))
                (loss / b).backward()
                total += loss.data
            self.optimizer.step()
        except BaseException:
            self.optimizer.zero_grad()
            raise
        return total / b

    @property
    def state(self) -> State:
        """What the rule carries on from step to step."""
        return self.optimizer.state

    @state.setter
    def state(self, state: State) -> None:
        self.optimizer.state = state

    def evaluate(self, parts: Parts) -> tuple[Array, Array]:
        """The losses and the outputs for examples, ``(n,)`` and ``(n,)`` or ``(n, d_L)``."""
        losses, outputs = [], []
        examples = chain.from_iterable(self.columns(X, y) for X, y in parts)
        for i, (row, target) in enumerate(examples):
            a = self.net(row)
            losses.append(loss_of(self.loss, a, target, i).data)
            outputs.append(numbers(a))
        return np.array(losses), np.array(outputs)

    def write(self) -> None:
        """Write the trained numbers into the Values, where they are already."""

    def prepare(self, evaluated: bool) -> None:
        """Find errors before anything is changed."""
        some = [self._record(i) for i in spread(len(self.X))]
        others = map(self._record, range(len(self.X)))
        check_learns(self.loss, chain(some, others), self.parameters)

    def _record(self, i: int) -> Value:
        """The loss of example ``i``."""
        ((row, target),) = self.columns(*floats(self.X[i : i + 1], self.y[i : i + 1]))
        return loss_of(self.loss, self.net(row), target, i)

    def check_examples(self) -> None:
        """Any graph will do."""

    check_graph = check_examples


class ProgramEngine(Engine):
    """One example recorded and compiled, then replayed for every batch."""

    name = "program"
    at_once = 1_000_000  # some 30 ms

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array, rule: Optimizer) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        self.rule = rule
        self.recording = Recording(net, loss, X, y)
        self.parameters, self.theta = self.recording.parameters, self.recording.theta
        m = len(self.parameters)
        self.state = first_state(rule, m)
        self.gradient = np.zeros(m)
        # A plain step is written over the gradient: one array less to go through.
        self._plain = rule.is_plain
        self._mean = None if self._plain else np.zeros(m)
        self._unit: float = 1  # the mean gradient is `gradient` over this

    def prepare(self, evaluated: bool) -> None:
        """Compile what will be needed."""
        if not self.recording.known:
            check_learns(self.loss, self.recording.losses(), self.parameters)
        _ = self._replay, self.evaluation if evaluated else None
        # The allocator gives arrays of a megabyte back to the system and fetches them again page by
        # page, until a larger one has been freed. That can take half the time of an update.
        np.empty(2**21)
        self.check_examples()

    def check_examples(self) -> None:
        """Compare the program with graphs of examples, unless they are known to agree."""
        if not self.recording.known:
            self._compare(spread(len(self.X)))

    def check_graph(self) -> None:
        """Compare the program with graphs recorded now, for a few examples.

        Raises:
            ValueError: they differ.
        """
        if not self.recording.known:
            self.write()
            self._compare(self.recording.tried)

    def _compare(self, examples: Sequence[int]) -> None:
        rows = self.columns(*floats(self.X[examples], self.y[examples]))
        for i, ours in zip(examples, replay(self.program, rows, self.theta)):
            loss = self.recording.example(i)
            theirs = loss.data
            if not np.isclose(ours, theirs, rtol=1e-6, atol=1e-9, equal_nan=True):
                if not math.isfinite(ours) and is_large(loss):
                    continue  # the training diverges, which an update finds
                raise _disagreement(i, theirs, ours)

    @cached_property
    def program(self) -> Program:
        """The losses, and their gradient."""
        return self.recording.compile(outputs=False)

    @cached_property
    def _replay(self) -> Callable[[Array], Array]:
        """Gives the losses of a batch, and writes their gradient."""
        # The numbers of a training do not depend on what else is installed.
        return self.program.bind(self.theta, self.gradient, native=False)

    @cached_property
    def evaluation(self) -> Program:
        """What gives the losses and the outputs."""
        return self.recording.compile(outputs=True)

    def columns(self, X: Array, y: Array) -> Any:
        """As in `GraphEngine`."""
        return self.recording.columns(X, y)

    def train_on(self, batch: Batch, lr: float) -> float:
        """As in `GraphEngine`."""
        self._unit = math.inf  # there is no gradient while it is being written
        losses = self._replay(batch.data)
        b = len(batch.rows)
        total = float(np.add.reduce(losses))
        if not math.isfinite(total):
            self._check_losses(batch, losses, lr)
        if self._plain and lr / b > TINY:  # else the gradient could not be got back from the step
            step = step_of(self.rule, self.state, self.theta, self.gradient, lr / b)
            self._unit = lr
        else:
            self._unit = b
            mean = np.divide(self.gradient, b, out=self._mean)
            step = step_of(self.rule, self.state, self.theta, mean, lr)
        self._follow(batch, step, lr)
        return total / b

    def _follow(self, batch: Batch, step: Array, lr: float) -> None:
        """Subtract a step from the parameters, if they stay finite."""
        # If the sum of squares is finite, no step is large enough to take a parameter to infinity.
        if not math.isfinite(float(step.dot(step))):
            self._check_step(batch, step, lr)
        self.theta -= step

    def evaluate(self, parts: Parts) -> tuple[Array, Array]:
        """As in `GraphEngine`."""
        forward, columns = self.evaluation.forward, self.columns
        result = np.concatenate([forward(columns(X, y), self.theta) for X, y in parts])
        return result[:, 0], result[:, 1] if self.recording.bare else result[:, 1:]

    def write(self) -> None:
        """Write the trained numbers, and the mean gradient of the last batch, into the Values."""
        if math.isinf(self._unit):  # there is none
            self.gradient[:] = 0.0
        grads = (self.gradient / self._unit).tolist()
        assign(self.parameters, self.theta.tolist())
        assign(self.parameters, grads, name="grad")

    def read(self) -> Array:
        """As `Engine.read`; they are what is trained from here on."""
        self.theta[:] = super().read()
        return self.theta

    def _check_losses(self, batch: Batch, losses: Array, lr: float) -> None:
        """Raise if a loss is not finite, and say where it comes from."""
        bad = np.flatnonzero(~np.isfinite(losses))
        if not len(bad):  # only the sum is not finite
            return
        self._restore()
        loss, i = self.recording.replayed(batch.data[bad[0]].tolist()), batch.rows[bad[0]]
        if math.isfinite(loss.data) and not is_large(loss):
            raise _disagreement(i, loss.data, losses[bad[0]])
        raise FloatingPointError(diagnosis(loss, i, lr))

    def _check_step(self, batch: Batch, step: Array, lr: float) -> None:
        """Raise if a step leads to inf or nan."""
        new = self.theta - step
        if not np.isfinite(new).all():
            self._replay(batch.data)  # the gradient again, over which the step was written
            mean = self.gradient / len(batch.rows)
            self._restore()
            check_step(new, mean, self.parameters, lr)

    def _restore(self) -> None:
        """Go back to the last finite numbers, without gradients."""
        self.gradient[:] = 0.0
        self.write()


def _disagreement(i: int, recorded: float, replayed: float) -> ValueError:
    return disagreement(i, f"the loss recorded is {recorded}, but the program gives {replayed}")
