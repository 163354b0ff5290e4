"""Two ways to compute one and the same update of a training.

`GraphEngine` records every example as scalars and sweeps its graph. `ProgramEngine` records one
example, compiles its graph, and replays that for whole batches: the same numbers, much sooner.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

import autograd
from autograd import Program, Value, topological_order

from .losses import bernoulli_nll, categorical_nll, gaussian_nll
from .module import Array, Module, is_static, numbers, replay
from .optim import SGD, refusal

Loss = Callable[[Any, Any], Any]
LIKELIHOODS = (gaussian_nll, bernoulli_nll, categorical_nll)
CHECKED = 8  # examples that a program is tried on
TINY = 1e-200  # a rate


class GraphEngine:
    """Every example of every batch recorded as scalars."""

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array, momentum: float) -> None:
        self.net, self.loss = net, loss
        self.rows, self.targets = X.tolist(), y.tolist()
        self.sgd = SGD(net.parameters(), 0.0, momentum)

    def step(self, batch: Any, lr: float) -> float:
        """One update with the mean gradient of a batch; the mean loss before it.

        Raises:
            FloatingPointError: a loss or a parameter would not be finite. Nothing is changed then.
        """
        self.sgd.lr = lr
        self.sgd.zero_grad()
        total, b = 0.0, len(batch)
        try:
            for i in batch.tolist():
                loss = loss_of(self.loss, self.net(self.rows[i]), self.targets[i], i)
                if not math.isfinite(loss.data):
                    raise FloatingPointError(diagnosis(loss, i, lr))
                (loss / b).backward()
                total += loss.data
            self.sgd.step()
        except (FloatingPointError, TypeError):
            self.sgd.zero_grad()
            raise
        return total / b

    @property
    def velocity(self) -> Array:
        """The last step, which momentum carries on, ``(m,)``."""
        return np.array(self.sgd.velocity, dtype=float)

    @velocity.setter
    def velocity(self, velocity: Array) -> None:
        self.sgd.velocity = velocity.tolist()

    def evaluate(self, X: Array, y: Array) -> tuple[Array, Array]:
        """The losses and the outputs for examples, ``(n,)`` and ``(n,)`` or ``(n, d_L)``."""
        losses, outputs = [], []
        for i, (row, target) in enumerate(zip(X.tolist(), y.tolist())):
            a = self.net(row)
            losses.append(loss_of(self.loss, a, target, i).data)
            outputs.append(numbers(a))
        return np.array(losses), np.array(outputs)

    def write(self) -> None:
        """Let the Values hold the trained numbers: they do."""

    read = write

    def prepare(self, evaluated: bool) -> None:
        """Find out what can't be done before anything is changed."""
        if self.loss not in LIKELIHOODS:
            for i, (row, target) in enumerate(zip(self.rows, self.targets)):
                loss_of(self.loss, self.net(row), target, i)

    def check_examples(self) -> None:
        """Any graph will do."""

    check_graph = check_examples


class ProgramEngine:
    """One example recorded and compiled, then replayed for every batch."""

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array, momentum: float) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        self.parameters = list(net.parameters())
        self.momentum = momentum
        self.recording = Recording(net, loss, X, y)
        m = len(self.parameters)
        self.theta = np.array([p.data for p in self.parameters], dtype=float)
        self.gradient, self._velocity = np.zeros(m), np.zeros(m)
        # Without momentum, a step takes the place of its gradient: one array less to go through.
        self._step = np.zeros(m) if momentum else self.gradient
        self._unit: float = 1  # the mean gradient is `gradient` over this

    def prepare(self, evaluated: bool) -> None:
        """Compile what will be needed."""
        _ = self._replay, self.data, self.evaluation if evaluated else None
        # The allocator gives arrays of a megabyte back to the system, to fetch them again page by
        # page, until it has seen a larger one freed. That can be half the time of an update.
        np.empty(2**21)
        self.check_examples()

    def check_examples(self) -> None:
        """Compare the program with a graph of each example, unless they are known to agree."""
        if not self.known:
            self._compare(range(len(self.X)))

    @property
    def known(self) -> bool:
        """Whether network and loss are known to record one and the same graph for all examples."""
        return is_static(self.net) and self.loss in LIKELIHOODS

    def check_graph(self) -> None:
        """Compare the program with graphs recorded now, for a few examples.

        Raises:
            ValueError: they differ.
        """
        if not self.known:
            self.write()
            self._compare(self.recording.tried)

    def _compare(self, examples: Sequence[int]) -> None:
        for i, ours in zip(examples, replay(self._program, self.data[examples], self.theta)):
            theirs = self.recording.example(i).data
            if not np.isclose(ours, theirs, rtol=1e-6, atol=1e-9, equal_nan=True):
                raise ValueError(
                    f"engine='program' can't be used here, use 'graph': the loss of example {i} "
                    f"is {theirs}, and by the program {ours}. The graph is not the same for every "
                    "example: a Python `if` on numbers (use autograd.where), or a number that has "
                    "changed since the start"
                )

    @cached_property
    def _program(self) -> Program:
        """The losses, and their gradient."""
        return self.recording.compile(outputs=False)

    @cached_property
    def _replay(self) -> Callable[[Array], Array]:
        """Gives the losses of a batch, and writes their gradient."""
        return self._program.bind(self.theta, self.gradient)

    @cached_property
    def evaluation(self) -> Program:
        """What gives the losses and the outputs."""
        return self.recording.compile(outputs=True)

    @cached_property
    def data(self) -> Array:
        """The examples as the program takes them."""
        return self.recording.columns(self.X, self.y)

    def step(self, batch: Any, lr: float) -> float:
        """As in `GraphEngine`."""
        self._unit = math.inf  # while the gradient is being written there is none
        losses = self._replay(self.data.take(batch, axis=0))
        self._unit = b = len(batch)
        total = float(np.add.reduce(losses))
        if not math.isfinite(total):
            self._check_losses(batch, losses, lr)
        direction, rate = self.gradient, lr / b
        out: Array | None = self._step
        if self.momentum:
            self._velocity *= self.momentum
            self._velocity += self.gradient / b
            direction, rate = self._velocity, lr
        elif rate > TINY:
            self._unit = lr
        else:  # from a step that small the gradient would not come back
            out = None
        step = np.multiply(direction, rate, out=out)
        # Finite squares are those of numbers too small to take a parameter to infinity.
        if not math.isfinite(float(step.dot(step))):
            self._check_step(batch, step, lr)
        self.theta -= step
        return total / b

    @property
    def velocity(self) -> Array:
        """As in `GraphEngine`."""
        return self._velocity

    @velocity.setter
    def velocity(self, velocity: Array) -> None:
        self._velocity[:] = velocity

    def evaluate(self, X: Array, y: Array) -> tuple[Array, Array]:
        """As in `GraphEngine`."""
        result = replay(self.evaluation, self.recording.columns(X, y), self.theta)
        bare = isinstance(self.recording.a, Value)
        return result[:, 0], result[:, 1] if bare else result[:, 1:]

    def write(self) -> None:
        """Let the Values hold the trained numbers, and the mean gradient of the last batch."""
        grads = (self.gradient / self._unit).tolist()
        for p, number, grad in zip(self.parameters, self.theta.tolist(), grads):
            p.data, p.grad = number, grad

    def read(self) -> None:
        """Take over the numbers of the Values, which a callback may have changed.

        Raises:
            FloatingPointError: one is not finite.
        """
        self.theta[:] = [p.data for p in self.parameters]
        bad = np.flatnonzero(~np.isfinite(self.theta))
        if len(bad):
            name = self.parameters[bad[0]].label or "a parameter"
            raise FloatingPointError(
                f"{name} is {self.theta[bad[0]]}: only finite numbers can be trained"
            )

    def _check_losses(self, batch: Any, losses: Array, lr: float) -> None:
        """Refuse a loss that is not finite, and say where it comes from."""
        bad = np.flatnonzero(~np.isfinite(losses))
        if not len(bad):  # it was the sum of them
            return
        self._restore()
        i = int(batch[bad[0]])
        raise FloatingPointError(diagnosis(self.recording.example(i), i, lr))

    def _check_step(self, batch: Any, step: Array, lr: float) -> None:
        """Refuse a step that leads to infinity, or nowhere."""
        bad = np.flatnonzero(~np.isfinite(self.theta - step))
        if len(bad):
            j = bad[0]
            number = float(self.theta[j] - step[j])
            self._replay(self.data.take(batch, axis=0))  # the gradient, whose place the step took
            grad = float(self.gradient[j]) / len(batch)
            self._restore()
            raise FloatingPointError(refusal(self.parameters[j].label, number, grad, lr))

    def _restore(self) -> None:
        """The last finite numbers, with no gradients."""
        self.gradient[:] = 0.0
        self.write()


class Recording:
    """The graph of one example, the first of ``X`` and ``y``, with its target among the inputs."""

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        x = [Value(v) for v in X[0].tolist()]
        self.a = net(x)
        self.outputs = _values(self.a)
        K = len(self.outputs)
        classes = y.ndim == 1 and K > 1 and bool(np.isin(y, np.arange(K)).all())
        forms = [False, True] if classes else [False]  # a class index, if it must be, as one-hot
        for self.one_hot in [True] if loss is categorical_nll and y.ndim == 1 else forms:
            row = self._targets(y[:1])[0].tolist()
            several = self.one_hot or y.ndim == 2
            target = [Value(v, label=f"y[{k}]" if several else "y") for k, v in enumerate(row)]
            try:
                self.root = loss_of(loss, self.a, target if several else target[0], 0)
                break
            except Exception as error:
                failure = error
        else:
            raise ValueError(
                f"the loss can't be recorded for engine='program', where a target is a Value (a "
                f"class index: a vector of them, one-hot): {failure}. Use engine='graph'"
            ) from failure
        self.inputs = [*x, *target]
        n = len(X)
        _, first = np.unique(y, axis=0, return_index=True)  # of every class
        tried = {*first[: CHECKED // 2].tolist(), *range(0, n, -(-2 * n // CHECKED))}
        self.tried = sorted(tried)

    def columns(self, X: Array, y: Array) -> Array:
        """Examples as the program takes them, inputs and targets side by side."""
        return np.hstack([X, self._targets(y)])

    def compile(self, outputs: bool) -> Program:
        """The program of the loss, or of the loss and the outputs, tried on a few examples."""
        roots = [self.root, *self.outputs] if outputs else self.root
        rows = self.columns(self.X[self.tried], self.y[self.tried])
        examples = [(row, self._record(i, outputs)) for row, i in zip(rows, self.tried)]
        try:
            return autograd.compile(roots, self.inputs, self.net.parameters(), check=examples)
        except ValueError as error:
            raise ValueError(f"engine='program' can't be used here, use 'graph': {error}") from None

    def example(self, i: int) -> Value:
        """The loss of example ``i``, recorded with its numbers."""
        loss: Value = self._record(i, outputs=False)
        return loss

    def _record(self, i: int, outputs: bool) -> Any:
        a = self.net(self.X[i].tolist())
        root = loss_of(self.loss, a, self.y[i].tolist(), i)
        return [root, *_values(a)] if outputs else root

    def _targets(self, y: Array) -> Array:
        """One row per example: a class index as one-hot."""
        if self.one_hot or (self.loss is categorical_nll and y.ndim == 1):
            if y.ndim == 2:
                return y
            return np.asarray(np.eye(len(self.outputs))[y.astype(int)])
        return y.reshape(len(y), -1)


def loss_of(loss: Loss, a: Any, target: Any, example: int, of: str = "") -> Value:
    """The loss of an example.

    Raises:
        TypeError: it is no Value.
    """
    value = loss(a, target)
    if not isinstance(value, Value):
        name = getattr(loss, "__name__", repr(loss))
        raise TypeError(
            f"the loss must return a Value, but {name} gives {value!r} ({type(value).__name__}) "
            f"for {of}example {example}. Where a loss may be a plain number, as with Python's "
            "max(0, v), write it with autograd: v.relu(), autograd.max, autograd.where"
        )
    return value


def _values(a: Any) -> list[Value]:
    """What a network returned, as a list of Values."""
    return [v if isinstance(v, Value) else Value(v) for v in ([a] if isinstance(a, Value) else a)]


def diagnosis(loss: Value, example: int, lr: float) -> str:
    """Where a loss that is not finite comes from."""
    nodes = topological_order(loss)
    node = next((node for node in nodes if not math.isfinite(node.data)), loss)
    inputs = [f"{v.data if isinstance(v, Value) else v:.4g}" for v in node.inputs]
    if len(inputs) > 6:
        inputs[6:] = ["..."]
    how = f", {node.op} of {', '.join(inputs)}" if node.op else ""
    return (
        f"the loss of example {example} is {loss.data}. The first node that is not finite: "
        f"{node.label or 'unlabelled'} = {node.data}{how}. Try a smaller lr than {lr:g}"
    )
