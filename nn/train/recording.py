"""The graph of one example, recorded to be replayed for all."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

import autograd
from autograd import Program, Value, topological_order
from autograd.compiler import compile_as, of_one
from autograd.compiler.checking import difference
from autograd.show.notation import printable
from autograd.value import short_repr
from autograd.vectors import data_of

from ..arrays import Array
from ..model.likelihoods import Loss, are_classes, likelihood_of
from ..model.module import Module, is_static, structure_of, values
from .batches import RowError, floats, spread

CHECKED = 8  # examples that a program is tried on
INSTEAD = "engine='program' can't be used here, use 'graph'"
LARGE = 1e300  # near the largest float, 1.8e308


class Recording:
    """The graph of the first example of ``X`` and ``y``, with its target among the inputs.

    Attributes:
        parameters: the network's, as a list.
        theta: their numbers at the start.
    """

    def __init__(self, net: Module, loss: Loss, X: Array, y: Array) -> None:
        self.net, self.loss, self.X, self.y = net, loss, X, y
        self.parameters: list[Value] = list(net.parameters())
        self.theta = data_of(self.parameters)
        self._x = [Value(v) for v in X[0].astype(float).tolist()]
        self._key: tuple[Any, ...] | None = None  # by which the graph is known before it is there
        likelihood, structure = likelihood_of(loss), structure_of(net, self.parameters, X)
        if (
            likelihood is not None
            and structure is not None
            # A score of -inf or inf is left out, if it has weight 0: that is another graph.
            and _scores_are_finite(net, self.theta, X[0])
        ):
            self._expect(structure.outputs, likelihood.one_hot)
            self._key = structure, loss, self._several, len(self._target)
        else:
            a = self.net(self._x)
            self._graph = a, self._find_form(a)

    @cached_property
    def tried(self) -> list[int]:
        """The examples that a program is tried on, some of every class among them."""
        n, some = len(self.X), np.array(spread(len(self.X)))
        _, first = np.unique(self.y[some], axis=0, return_index=True)
        return sorted({*some[first[: CHECKED // 2]].tolist(), *range(0, n, -(-2 * n // CHECKED))})

    def _expect(self, d_L: int, one_hot: bool) -> None:
        """A network of so many outputs, a class index being given as one-hot or as it is."""
        self.d_L, self.one_hot, self._several = d_L, one_hot, one_hot or self.y.ndim == 2
        row = self._targets(self.y[:1])[0].astype(float).tolist()
        labels = [f"y[{k}]" for k in range(len(row))] if self._several else ["y"]
        self._target = [Value(v, label=label) for v, label in zip(row, labels)]

    def _find_form(self, a: Any) -> Value:
        """The loss of the outputs ``a``, with targets as a loss of the user's own can take them."""
        K = len(values(a))
        classes = self.y.ndim == 1 and K > 1 and bool(are_classes(self.y, K).all())
        likelihood = likelihood_of(self.loss)
        known = likelihood is not None and likelihood.one_hot
        # A class index, if it must be, as one-hot.
        for one_hot in [True] if known else [False, True] if classes else [False]:
            self._expect(K, one_hot)
            try:
                return self._loss(a)
            except Exception as error:
                failure = error
        raise ValueError(
            "the loss can't be recorded for engine='program', where a target is a Value (a class "
            f"index: a vector of them, one-hot): {failure}. Use engine='graph'"
        ) from failure

    def _loss(self, a: Any) -> Value:
        return loss_of(self.loss, a, self._target if self._several else self._target[0], 0)

    @cached_property
    def _graph(self) -> tuple[Any, Value]:
        """The outputs and the loss."""
        a = self.net(self._x)
        return a, self._loss(a)

    @property
    def bare(self) -> bool:
        """Whether the network's output is a Value, and not a list of one."""
        return self.d_L == 1 if self._key else isinstance(self._graph[0], Value)

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

        def record() -> Any:
            a, root = self._graph
            return [root, *values(a)] if outputs else root

        inputs, parameters = [*self._x, *self._target], self.parameters
        tried = [] if self.known else self.tried
        rows = self.columns(*floats(self.X[tried], self.y[tried]))
        recorded = [self._record(i, outputs) for i in tried]
        try:
            if self._key:
                return compile_as((*self._key, outputs), record, inputs, parameters, self.net)
            program = autograd.compile(record(), inputs, parameters)
        except ValueError as error:
            raise ValueError(f"{INSTEAD}: {error}") from None
        for i, row, roots in zip(tried, rows, recorded):
            if found := difference(roots, *of_one(program, row[None]), parameters):
                raise disagreement(i, found)
        return program

    def losses(self) -> Iterator[Value]:
        """The loss that is there, then those of examples that are tried, recorded one by one."""
        yield self._graph[1]
        yield from map(self.example, self.tried)

    def example(self, i: int) -> Value:
        """The loss of example ``i``, recorded with its numbers."""
        [loss] = self._record(i, outputs=False)
        return loss

    def replayed(self, row: list[float]) -> Value:
        """The loss of an example as the program takes it, a row of `columns`, recorded."""
        x, target = row[: len(self._x)], row[len(self._x) :]
        return loss_of(self.loss, self.net(x), target if self._several else target[0], 0)

    def _record(self, i: int, outputs: bool) -> list[Value]:
        x, y = floats(self.X[i], self.y[i])
        a = self.net(x.tolist())
        root = loss_of(self.loss, a, y.tolist(), i)
        return [root, *values(a)] if outputs else [root]

    def check_classes(self, y: Array) -> None:
        """Targets that become one-hot must be class indices.

        Raises:
            RowError: one is none.
        """
        if likelihood_of(self.loss) is None:  # else they have been checked
            bad = y[~are_classes(y, self.d_L)]
            if len(bad):
                raise RowError(
                    f"a target is {bad[0]:g}, and no class index from 0 to {self.d_L - 1}"
                )

    def _targets(self, y: Array) -> Array:
        """One row per example: a class index as one-hot."""
        if self.one_hot and y.ndim == 1:
            self.check_classes(y)
            return np.asarray(np.eye(self.d_L)[y.astype(int)])
        return y.reshape(len(y), math.prod(y.shape[1:]))


def _scores_are_finite(net: Any, theta: Array, x: Array) -> bool:
    """Whether the outputs of an MLP are finite for sure: no number in it is large enough."""
    widest = 1 + max(len(neuron.w) for layer in net.layers for neuron in layer.neurons[:1])
    grows = math.log10(widest * max(1.0, float(np.abs(theta).max())) + 1.0)  # from layer to layer
    start = math.log10(1.0 + float(np.abs(x.astype(float)).max()))
    return start + len(net.layers) * grows < 300


def loss_of(loss: Loss, a: Any, target: Any, example: int, of: str = "") -> Value:
    """The loss of an example.

    Raises:
        TypeError: it is not a Value; or ``a`` or the target is of another kind than the loss takes.
    """
    try:
        value = loss(a, target)
    # What Python raises there; errors in the words of the loss itself come through.
    except (TypeError, LookupError, AttributeError) as error:
        is_column = isinstance(target, list) and len(target) == 1
        cure = ". For y of shape (n, 1) it is a list of one: y.ravel() gives numbers" * is_column
        raise TypeError(
            f"the loss {_name(loss)} raises {type(error).__name__} for {of}example {example}, "
            f"where a is {short_repr(a)} and y is {short_repr(target)}: {error}{cure}"
        ) from error
    if not isinstance(value, Value):
        raise TypeError(
            f"the loss must return a Value, but {_name(loss)} gives {value!r} "
            f"({type(value).__name__}) for {of}example {example}. Where a loss may be a plain "
            "number, as with Python's max(0, v), write it with autograd: v.relu(), autograd.max, "
            "autograd.where"
        )
    return value


def check_learns(loss: Loss, recorded: Iterable[Value], parameters: Sequence[Value]) -> None:
    """Raise unless a parameter goes into one of these losses of examples.

    Raises:
        ValueError: none does.
    """
    known = set(parameters)
    if known and all(known.isdisjoint(topological_order(root)) for root in recorded):
        raise ValueError(
            f"no parameter of the network goes into the loss {_name(loss)}, of any example, so "
            "that nothing is learned: compute with Values, in the loss and in the network, not "
            "with their .data or with other numbers; and with those that net.parameters() gives"
        )


def _name(loss: Loss) -> str:
    return str(loss.__name__) if hasattr(loss, "__name__") else repr(loss)


def disagreement(example: int, how: str) -> ValueError:
    """The error where a program does not give what is recorded for an example."""
    return ValueError(
        f"{INSTEAD}: for example {example} {how}. So the loss, or the network, does not do the "
        "same for every example: there is a Python `if` on numbers (use autograd.where(c, a, b)), "
        "or something that changes from call to call, as a counter, a setting or chance"
    )


def is_large(loss: Value) -> bool:
    """Whether numbers of a graph are so large that a sum overflows, here or in another order."""
    nodes = topological_order(loss)
    return any(abs(node.data) > LARGE and not _is_beyond_domain(node) for node in nodes)


def diagnosis(loss: Value, example: int, lr: float) -> str:
    """Where a loss that is not finite comes from, in its graph or in the program's sums."""
    nodes = topological_order(loss)
    advice = f"Try a smaller lr than {lr:g}; or at the first update, smaller X and y"
    if math.isfinite(loss.data):
        return (
            f"numbers of example {example}, whose loss is {loss.data:.4g}, are near the largest "
            "float, 1.8e308: as they are added for all examples at once, a sum is beyond it. "
            f"{advice}"
        )
    node = next((node for node in nodes if not math.isfinite(node.data)), loss)
    inputs = [f"{v.data if isinstance(v, Value) else v:.4g}" for v in node.inputs]
    if len(inputs) > 6:
        inputs[6:] = ["..."]
    op = printable(node.op)
    how = f", {op} of {', '.join(inputs)}" if op else ""
    if _is_beyond_domain(node):
        advice = (
            f"There, {op} has no finite value, however small lr is. A network's outputs may be any "
            "numbers: write the loss so that it has a value for all of them"
        )
    return (
        f"the loss of example {example} is {loss.data}. The first node that is not finite: "
        f"{printable(node.label) or 'unlabelled'} = {node.data}{how}. {advice}"
    )


def _is_beyond_domain(node: Value) -> bool:
    """Whether a node is not finite as log(-1), log(0) and 1/0 are: not because it is too large."""
    x = [v.data if isinstance(v, Value) else v for v in node.inputs]
    # Of more inputs, large ones give inf - inf.
    few = 0 < len(x) <= 2 and all(map(math.isfinite, x))
    return few and (math.isnan(node.data) or 0.0 in x)
