"""What a page computes with that trains networks: programs, first weights and optimizers.

All of it is printed as JavaScript from what Python runs: a program from the recorded graph of a
network with its loss, for any widths; the variance of first weights from an activation's row; the
step of an optimizer from its own code.
"""

from __future__ import annotations

import copy
import math
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograd.compiler import javascript, scripts
from autograd.compiler.javascript import Scalars, Text
from autograd.compiler.kernels import PRODUCTS, Kernels
from autograd.compiler.nests import Numbers, Size, plus, times, whole
from autograd.show.player import in_script

from ..arrays import Array
from ..model.activations import ACTIVATIONS, Activation
from ..model.likelihoods import Loss, likelihood_of
from ..model.module import Module, structure_of
from ..model.network import MLP
from ..train.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop, make_rule
from ..train.recording import CHECKED, Recording
from ..train.stepping import Optimizer
from ..train.tracing import Setting, check_state, traced

DEEPEST = 4  # hidden layers that there is a program for, unless the network has more
OPEN = ("momentum", "weight_decay")  # settings of our own optimizers that a page can move
PRIMES = [n for n in range(2, 2000) if all(n % k for k in range(2, math.isqrt(n) + 1))]
# Programs by activation and number of hidden layers, and the loops that they call.
Printed = tuple[dict[str, list[str]], Kernels]
OWN = "own"  # the name of the only program of a network that is no usual one


@dataclass(frozen=True)
class Programs:
    """What a page computes with.

    Attributes:
        text: JavaScript that defines PROGRAMS, VARIANCES, RULES and NETWORK.
        network: of the network that the page begins with: its ``widths``, ``activation`` and
            ``bias``; whether it has ``layers``, so that others can be chosen; how many ``classes``
            there are, if a target is a class index, else 0; how many ``outputs`` there must be,
            None for any number; and its parameters ``theta``, which are not in the text.
        activations, optimizers: what can be chosen. There are first weights from a seed for all of
            the activations but perhaps the network's own.
    """

    text: str
    network: dict[str, Any]
    activations: list[str]
    optimizers: list[str]


def programs(
    net: Module,
    loss: Loss,
    X: Array,
    y: Array,
    optimizer: Optimizer | None = None,
    *,
    alone: bool = False,
) -> Programs:
    """Print what a page needs to train ``net``, and networks of other widths.

    Args:
        net: the network. Of one that is no `MLP` as it was made, only its own program is printed.
        loss: as in `fit`.
        X: inputs, ``(n, d_0)``, to record the network at.
        y: targets, as in `fit`, whose form is that of all data of the page.
        optimizer: a rule to be among those of the page, in place of the one of its kind.
        alone: only networks of this depth and activation, of any widths: a tenth of the text, and
            of the time to print it.

    Raises:
        ValueError: network, loss, or ``optimizer`` can't be recorded or printed.
    """
    recording = Recording(net, loss, X, y)
    of_classes = recording.one_hot and y.ndim == 1
    is_known = likelihood_of(loss) is not None
    own = _usual(net, recording.parameters, X)
    found: Printed | None = None
    if own is not None:
        # What a loss of one's own does with other numbers of outputs is not known.
        outputs = None if is_known else recording.d_L
        family = _Family(loss, of_classes, outputs, own.bias, tuple(ACTIVATIONS.values()))
        try:
            found = family.with_own(own.hidden, None if is_known else y, alone)
        except ValueError:
            if is_known:
                raise
    name = OWN if own is None or found is None else _named(own.hidden)
    if own is None or found is None:
        own, pool = _Usual([X.shape[1], recording.d_L], (), False), Kernels()
        classes = recording.d_L if of_classes else 0
        # Its outputs have no names to be found by: they come from a program of their own.
        loss_alone, all_of_it = [
            scripts.passes(recording.compile(outputs), X.shape[1], classes, pool)
            for outputs in (False, True)
        ]
        found = {OWN: [f"(d) => withOutputs(({loss_alone})(d), ({all_of_it})(d))"]}, pool
    by_name, pool = found
    variances = {} if name == OWN else dict(_variances(ACTIVATIONS))
    by_name = {
        key: texts for key, texts in by_name.items()
        if key == name or key in variances
    }  # fmt: skip
    rules = _rules(optimizer)
    network = {
        "widths": own.widths, "activation": name, "bias": own.bias, "layers": name != OWN,
        "classes": recording.d_L if of_classes else 0,
        "outputs": None if name != OWN and is_known else recording.d_L,
    }  # fmt: skip
    text = "\n".join([
        "const { PROGRAMS, VARIANCES, RULES } = (() => {", javascript.RUNTIME, PRODUCTS,
        pool.text, "return {", f"PROGRAMS: {_object({k: _list(v) for k, v in by_name.items()})},",
        f"VARIANCES: {_object(variances)},", f"RULES: {_object(rules)}", "};", "})();",
        f"const NETWORK = {in_script(network)};",
    ])  # fmt: skip
    network["theta"] = recording.theta.tolist()
    return Programs(text, network, list(by_name), list(rules))


def _object(texts: dict[str, str]) -> str:
    """An object of texts."""
    inside = ",\n".join([f"{in_script(key)}: {text}" for key, text in texts.items()])
    return f"{{\n{inside}\n}}"


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(texts)}]"


# Networks


@dataclass(frozen=True)
class _Usual:
    """A network as `MLP` makes it.

    Attributes:
        hidden: the activations of its hidden layers.
    """

    widths: Sequence[int]
    hidden: tuple[str, ...]
    bias: bool


def _usual(net: Module, parameters: list[Any], X: Array) -> _Usual | None:
    """What an `MLP` was made from; None if the network is something else."""
    structure = structure_of(net, parameters, X)
    if structure is None or not isinstance(net, MLP):
        return None
    widths = [structure.inputs, *[len(layer.neurons) for layer in net.layers]]
    hidden = tuple([layer.activation for layer in net.layers[:-1]])
    own = _Usual(widths, hidden, net.layers[0].neurons[0].b is not None)
    again = MLP(widths[0], widths[1:], hidden, own.bias)
    return own if again.structure(again.parameters()) == structure else None


@dataclass(frozen=True)
class _Family:
    """Networks of all widths and of the activations ``rows``, with one loss and form of targets.

    Attributes:
        outputs: how many there are; None for any number.
    """

    loss: Loss
    of_classes: bool
    outputs: int | None
    bias: bool
    rows: tuple[Activation, ...]

    def printed(self, y: Array | None = None) -> Printed:
        """The programs of those that can be printed.

        Args:
            y: targets to record the loss with; None for any that there are.

        Raises:
            ValueError: programs are not the same for all widths.
        """
        pool, found = Kernels(), dict[str, list[str]]()
        if y is not None:
            first, other = (self.program(("tanh",), pool, y, turn, CHECKED) for turn in (0, 1))
            if first != other:
                raise ValueError("the loss depends on the widths")
        for row in self.rows:
            with suppress(ValueError):
                depths = range(DEEPEST + 1)
                found[row.name] = [self.program((row.name,) * n, pool, y) for n in depths]
        return found, pool

    def with_own(self, own: tuple[str, ...], y: Array | None, alone: bool) -> Printed:
        """The same, and the program of a network with these activations of its hidden layers.

        Or that program alone.

        Raises:
            ValueError: it can't be printed, or programs are not the same for all widths.
        """
        if alone:
            found, pool = dict[str, list[str]](), Kernels()
        else:
            found, pool = _of_known_loss(self) if y is None else self.printed(y)
        found, pool, name = dict(found), Kernels(dict(pool.names)), _named(own)
        if alone or name not in ACTIVATIONS:
            found[name] = [*["null"] * len(own), self.program(own, pool, y)]
        elif name not in found or len(own) > DEEPEST:
            depths = range(max(DEEPEST, len(own)) + 1)
            found[name] = [self.program((name,) * n, pool, y) for n in depths]
        return found, pool

    def program(
        self, hidden: tuple[str, ...], pool: Kernels, y: Array | None, turn: int = 0, tried: int = 1
    ) -> str:
        """The program of networks with these activations, recorded at other widths each turn.

        A loss of one's own is tried on so many examples.
        """
        widths, opened = _open(len(hidden), self.outputs, self.bias, turn)
        net = MLP(widths[0], widths[1:], hidden, self.bias, rng=np.random.default_rng(0))
        d_L = widths[-1]
        some: Any = np.arange(d_L) if self.of_classes else np.eye(d_L)
        targets: Array = some if y is None else y
        X = np.random.default_rng(0).normal(size=(len(targets), widths[0]))
        recording = Recording(net, self.loss, X, targets)
        recording.tried = recording.tried[:tried]
        program = recording.compile(outputs=False)
        classes = d_L if self.of_classes else 0
        return scripts.passes(program, widths[0], classes, pool, opened)


_of_known_loss = lru_cache(8)(_Family.printed)


def _named(hidden: tuple[str, ...]) -> str:
    """What the activations of hidden layers are called together."""
    if len(set(hidden)) > 1:
        return ", ".join(hidden)
    return hidden[0] if hidden else "tanh"


def _open(
    hidden: int, outputs: int | None, bias: bool, turn: int
) -> tuple[list[int], scripts.Open]:
    """Widths to record a network at, and what the numbers stand for that come from them."""
    least = bisect(PRIMES, 6 + (outputs or 0))
    for first in range(least, len(PRIMES) - hidden - 2):
        widths = PRIMES[first : first + hidden + 2]
        if outputs is not None:
            widths[-1] = outputs
        opened = _sizes(widths, outputs is None, bias)
        if opened is not None:
            if turn == 0:
                return widths, opened
            turn -= 1
    raise ValueError(f"a network of {outputs} outputs is too wide to be recorded for all widths")


def _sizes(widths: list[int], all_open: bool, bias: bool) -> scripts.Open | None:
    """What numbers stand for; None if one stands for two things."""
    sizes: dict[int, Size] = {}
    names: dict[str, Any] = {}
    opened = len(widths) if all_open else len(widths) - 1
    d: list[Any] = [Size(n, whole.name(f"d{l}", ())) for l, n in enumerate(widths[:opened])]
    d += widths[opened:]
    found, start = [*d, plus(d[0], d[-1])], 0
    for l in range(1, len(d)):
        width = plus(d[l - 1], int(bias))
        found += [width, plus(start, d[l - 1])]
        start = plus(start, times(d[l], width))
        if start.formula not in [getattr(size, "formula", None) for size in found]:
            names[f"w{l}"] = start.formula
            start = Size(start, whole.name(f"w{l}", ()))
        found.append(start)
    for size in found:
        if isinstance(size, Size) and sizes.setdefault(size, size).formula is not size.formula:
            return None
    if not all_open and widths[-1] in sizes:
        return None
    return scripts.Open(sizes, names, f"[{', '.join([f'd{l}' for l in range(opened)])}] = d")


# First weights and optimizers


def _variances(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The variances of first weights, by activation: functions of a layer's widths."""
    for name in names:
        m = Scalars()
        m.compares = False
        widths = m.name("dIn", ()), m.name("dOut", ())
        text = Text()
        try:
            variance: Any = ACTIVATIONS[name].variance(*widths)
            text.prepare([variance])
            written = text.written(variance)
        except Exception:  # whatever a function may do with what is no number
            continue
        yield name, f"(dIn, dOut) => {{ {' '.join(text.lines)} return {written}; }}"


def _rules(optimizer: Optimizer | None) -> dict[str, str]:
    """Optimizers, by name; one that is given, in place of the one of its kind."""
    given = {} if optimizer is None else {type(optimizer).__name__.lower(): optimizer}
    found: dict[str, str] = {}
    for name in dict.fromkeys([*OPTIMIZERS, *given]):
        try:
            found[name] = _rule(given[name] if name in given else make_rule(name))
        except Exception as error:  # whatever another's rule may do
            if name in given:
                raise ValueError(f"the optimizer {optimizer!r} can't be printed: {error}") from None
    return found


def _rule(rule: Optimizer) -> str:
    """An optimizer: its state, its open settings and its step."""
    m, rule = Numbers(), copy.copy(rule)
    # What a setting of another's that is 0 means is not known.
    ours = type(rule) in (SGD, RMSprop, Adam, AdamW)
    settings = {name: getattr(rule, name) for name in OPEN if ours and hasattr(rule, name)}
    for name in settings:
        setattr(rule, name, Setting(m, m.name(f"s.{name}", ())))
    state = rule.start(3)
    check_state(state, 3)
    starts = []
    for name, array in state.items():
        first = float(array.flat[0])
        if not (array == first).all():
            raise ValueError(f"the state {name!r} does not start at one number")
        fill = f".fill({javascript.number(first)[0]})" if first else ""
        starts.append(f"{name}: new Float64Array({'n' if array.ndim else 1}){fill}")
    arrays = {name: array.ndim > 0 for name, array in state.items()}
    return (
        f"{{ settings: {in_script(settings)}, start: (n) => ({{ {', '.join(starts)} }}),\n"
        f"step: {scripts.rule(traced(rule), arrays, m)} }}"
    )
