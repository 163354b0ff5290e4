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

from .losses import categorical_nll
from .network import Array, Module, numbers, replay
from .optim import SGD, refusal

Loss = Callable[[Any, Any], Any]
CHECKED = 8  # examples that a program is tried on


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
                loss = self.loss(self.net(self.rows[i]), self.targets[i])
                if not math.isfinite(loss.data):
                    raise FloatingPointError(diagnosis(loss, i, lr))
                (loss / b).backward()
                total += loss.data
            self.sgd.step()
        except FloatingPointError:
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
        for row, target in zip(X.tolist(), y.tolist()):
            a = self.net(row)
            losses.append(self.loss(a, target).data)
            outputs.append(numbers(a))
        return np.array(losses), np.array(outputs)

    def write(self) -> None:
        """Let the Values hold the trained numbers: they do."""

    read = write

    def prepare(self, evaluated: bool) -> None:
        """Find out what can't be done before anything is changed."""


class ProgramEngine:
    """One example recorded and compiled, then replayed for every batch."""

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array, momentum: float) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        self.parameters = net.parameters()
        self.momentum = momentum
        self.recording = Recording(net, loss, X, y)
        self.theta = np.array([p.data for p in self.parameters], dtype=float)
        self.gradient = np.zeros(len(self.parameters))
        self.velocity = np.zeros(len(self.parameters))
        self._step = np.zeros(len(self.parameters))
        self._b = 1

    def prepare(self, evaluated: bool) -> None:
        """Compile what will be needed."""
        _ = self._replay, self.data, self.evaluation if evaluated else None

    @cached_property
    def _replay(self) -> Callable[[Array], Array]:
        """Gives the losses of a batch, and writes their gradient."""
        return self.recording.compile(outputs=False).bind(self.theta, self.gradient)

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
        self._b = b = len(batch)
        losses, gradient = self._replay(self.data.take(batch, axis=0)), self.gradient
        total = float(np.add.reduce(losses))
        if not math.isfinite(total):
            self._check_losses(batch, losses, lr)
        if self.momentum:
            self.velocity *= self.momentum
            self.velocity += gradient / b
            gradient, b_lr = self.velocity, lr
        else:
            b_lr = lr / b
        step = np.multiply(gradient, b_lr, out=self._step)
        # Finite squares are those of numbers too small to take a parameter to infinity.
        if not math.isfinite(step.dot(step)):
            self._check_step(step, lr)
        self.theta -= step
        return total / b

    def evaluate(self, X: Array, y: Array) -> tuple[Array, Array]:
        """As in `GraphEngine`."""
        result = replay(self.evaluation, self.recording.columns(X, y), self.theta)
        bare = isinstance(self.recording.a, Value)
        return result[:, 0], result[:, 1] if bare else result[:, 1:]

    def write(self) -> None:
        """Let the Values hold the trained numbers, and the mean gradient of the last batch."""
        for p, number, grad in zip(
            self.parameters, self.theta.tolist(), (self.gradient / self._b).tolist()
        ):
            p.data, p.grad = number, grad

    def read(self) -> None:
        """Take over the numbers of the Values, which a callback may have changed."""
        self.theta[:] = [p.data for p in self.parameters]

    def _check_losses(self, batch: Any, losses: Array, lr: float) -> None:
        """Refuse a loss that is not finite, and say where it comes from."""
        bad = np.flatnonzero(~np.isfinite(losses))
        if not len(bad):  # it was the sum of them
            return
        self._restore()
        i = int(batch[bad[0]])
        loss = self.loss(self.net(self.X[i].tolist()), self.y[i].tolist())
        raise FloatingPointError(diagnosis(loss, i, lr))

    def _check_step(self, step: Array, lr: float) -> None:
        """Refuse a step that leads to infinity, or nowhere."""
        bad = np.flatnonzero(~np.isfinite(self.theta - step))
        if len(bad):
            j = bad[0]
            number, grad = float(self.theta[j] - step[j]), float(self.gradient[j]) / self._b
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
        outputs = self.a if isinstance(self.a, Sequence) else [self.a]
        self.outputs = [a if isinstance(a, Value) else Value(a) for a in outputs]
        row = self._targets(y[:1])[0].tolist()
        several = len(row) > 1 or y.ndim == 2
        target = [Value(v, label=f"y[{k}]" if several else "y") for k, v in enumerate(row)]
        try:
            self.root = loss(self.a, target if several else target[0])
        except Exception as error:
            raise ValueError(
                f"the loss can't be recorded for engine='program', where a target is a Value, the "
                f"same graph for all examples ({error}): use engine='graph'"
            ) from error
        self.inputs = [*x, *target]

    def columns(self, X: Array, y: Array) -> Array:
        """Examples as the program takes them, inputs and targets side by side."""
        return np.hstack([X, self._targets(y)])

    def compile(self, outputs: bool) -> Program:
        """The program of the loss, or of the loss and the outputs, tried on a few examples."""
        n = len(self.X)
        _, first = np.unique(self.y, axis=0, return_index=True)  # of every class
        tried = sorted({*first[: CHECKED // 2].tolist(), *range(0, n, -(-2 * n // CHECKED))})
        roots = [self.root, *self.outputs] if outputs else self.root
        examples = [
            (self.columns(self.X[[i]], self.y[[i]])[0], self._record(i, outputs)) for i in tried
        ]
        try:
            return autograd.compile(roots, self.inputs, self.net.parameters(), check=examples)
        except ValueError as error:
            raise ValueError(f"engine='program' can't be used here, use 'graph': {error}") from None

    def _record(self, i: int, outputs: bool) -> Any:
        """Example ``i``, recorded with its numbers."""
        a = self.net(self.X[i].tolist())
        root = self.loss(a, self.y[i].tolist())
        if not outputs:
            return root
        return [root, *(a if isinstance(a, Sequence) else [a])]

    def _targets(self, y: Array) -> Array:
        """One row per example: a class index as one-hot."""
        if self.loss is categorical_nll and y.ndim == 1:
            return np.asarray(np.eye(len(self.outputs))[y.astype(int)])
        return y.reshape(len(y), -1)


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
