"""The graph of one example, recorded to be replayed for all."""

import math
from typing import Any

import numpy as np

import autograd
from autograd import Program, Value, topological_order
from autograd.show.notation import printable

from ..arrays import Array
from ..model.likelihoods import Loss, are_classes, likelihood_of
from ..model.module import Module, is_static
from .batches import RowError, floats, spread

CHECKED = 8  # examples that a program is tried on


class Recording:
    """The graph of the first example of ``X`` and ``y``, with its target among the inputs."""

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        x = [Value(v) for v in X[0].astype(float).tolist()]
        self.a = net(x)
        self.outputs = values(self.a)
        K = len(self.outputs)
        classes = y.ndim == 1 and K > 1 and bool(are_classes(y, K).all())
        forms = [False, True] if classes else [False]  # a class index as one-hot, if necessary
        likelihood = likelihood_of(loss)
        known = likelihood is not None and likelihood.one_hot
        for self.one_hot in [True] if known else forms:
            row = self._targets(y[:1])[0].astype(float).tolist()
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
        self.inputs, self._d0, self._several = [*x, *target], len(x), several
        n = len(X)
        some = np.array(spread(n))
        _, first = np.unique(y[some], axis=0, return_index=True)  # of every class
        tried = {*some[first[: CHECKED // 2]].tolist(), *range(0, n, -(-2 * n // CHECKED))}
        self.tried = sorted(tried)

    def columns(self, X: Array, y: Array) -> Array:
        """Examples as the program takes them, inputs and targets side by side."""
        return np.hstack([X, self._targets(y)])

    @property
    def known(self) -> bool:
        """Whether network and loss are known to record the same graph for all examples."""
        return is_static(self.net) and likelihood_of(self.loss) is not None

    def compile(self, outputs: bool) -> Program:
        """The program of the loss, or of the loss and the outputs.

        It is tried on a few examples, unless their graphs are known to be the same.
        """
        roots = [self.root, *self.outputs] if outputs else self.root
        tried = [] if self.known else self.tried
        rows = self.columns(*floats(self.X[tried], self.y[tried]))
        examples = [(row, self._record(i, outputs)) for row, i in zip(rows, tried)]
        try:
            return autograd.compile(roots, self.inputs, self.net.parameters(), check=examples)
        except ValueError as error:
            raise ValueError(f"engine='program' can't be used here, use 'graph': {error}") from None

    def example(self, i: int) -> Value:
        """The loss of example ``i``, recorded with its numbers."""
        loss: Value = self._record(i, outputs=False)
        return loss

    def replayed(self, row: list[float]) -> Value:
        """The recorded loss of an example, given as the program takes it: a row of `columns`."""
        x, target = row[: self._d0], row[self._d0 :]
        return loss_of(self.loss, self.net(x), target if self._several else target[0], 0)

    def _record(self, i: int, outputs: bool) -> Any:
        x, y = floats(self.X[i], self.y[i])
        a = self.net(x.tolist())
        root = loss_of(self.loss, a, y.tolist(), i)
        return [root, *values(a)] if outputs else root

    def _targets(self, y: Array) -> Array:
        """One row per example: a class index as one-hot."""
        if self.one_hot and y.ndim == 1:
            K = len(self.outputs)
            if likelihood_of(self.loss) is None:  # other targets have been checked
                bad = y[~are_classes(y, K)]
                if len(bad):
                    raise RowError(f"a target is {bad[0]:g}, and no class index from 0 to {K - 1}")
            return np.asarray(np.eye(K)[y.astype(int)])
        return y.reshape(len(y), math.prod(y.shape[1:]))


def loss_of(loss: Loss, a: Any, target: Any, example: int, of: str = "") -> Value:
    """The loss of an example.

    Raises:
        TypeError: it is not a Value.
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


def values(a: Any) -> list[Value]:
    """What a network returned, as a list of Values."""
    return [v if isinstance(v, Value) else Value(v) for v in ([a] if isinstance(a, Value) else a)]


def diagnosis(loss: Value, example: int, lr: float) -> str:
    """Where a loss that is not finite comes from."""
    nodes = topological_order(loss)
    node = next((node for node in nodes if not math.isfinite(node.data)), loss)
    inputs = [f"{v.data if isinstance(v, Value) else v:.4g}" for v in node.inputs]
    if len(inputs) > 6:
        inputs[6:] = ["..."]
    how = f", {printable(node.op)} of {', '.join(inputs)}" if node.op else ""
    return (
        f"the loss of example {example} is {loss.data}. The first node that is not finite: "
        f"{printable(node.label) or 'unlabelled'} = {node.data}{how}. Try a smaller lr than {lr:g}"
    )
