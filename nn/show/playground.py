"""The playground: a page in which a network trains, on data that one chooses, paints or brings.

The page carries the recorded program of the loss, printed as JavaScript (`programs`), so an
activation, a loss or an optimizer that was added in Python is in it at once. It needs neither
Python nor a network.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from autograd.show.colours import document
from autograd.show.live import SPACE, live_style, squeezed
from autograd.show.player import HERE as SHOW
from autograd.show.player import Page, in_script, running

from ..arrays import Array, check_examples, check_positive, check_seed, check_whole
from ..data import datasets
from ..data.datasets import Dataset
from ..model.likelihoods import check_loss, likelihood_of
from ..model.module import Module, check_network, own_gradients
from ..model.network import MLP
from ..train.examples import Examples
from ..train.optimizers import OPTIMIZERS, make_rule
from ..train.recording import loss_of
from ..train.stepping import Optimizer
from .network import draw
from .packing import Set, encoded, fewest_letters
from .programs import programs

HERE = Path(__file__).parent
PARTS = (
    "random", "engine", "data", "table", "columns", "colours", "network", "region", "outcome",
    "curves", "run", "panels", "noise", "out", "task", "sets", "brought", "look",
)  # fmt: skip
# Where controls stand at first, of those that are not arguments.
CONTROLS = {
    "n": 200, "noise": 0.0, "labels": 0.0, "points": "", "schedule": "constant", "every": 500,
    "grow": 1.0, "period": 5, "small": 0, "speed": "100", "axis": "updates", "noise_shown": 1,
    "lines_shown": 1, "goal": "", "ask": "", "title": "", "hide": "", "panel": "",
}  # fmt: skip
LARGEST = 5_000_000  # letters of data in a page
STILL = 60_000  # letters of a picture for where no script runs


@cache  # when a page is made, not at import: it takes a while
def _script() -> str:
    shared = [(SHOW / f"{name}.js").read_text("utf-8") for name in ("stage", "common")]
    own = [(HERE / f"play_{name}.js").read_text("utf-8") for name in PARTS]
    return squeezed("\n".join([*shared, *own, (HERE / "play.js").read_text("utf-8")]))


@cache
def _style() -> str:
    return live_style() + SPACE.sub(r"\1", (HERE / "play.css").read_text("utf-8"))


def live(
    net: Module,
    loss: Any,
    data: Any,
    *,
    validation: Any = None,
    batch_size: int = 16,
    lr: float = 0.1,
    momentum: float = 0.0,
    optimizer: str | Optimizer = "sgd",
    seed: int = 0,
    picture: tuple[int, int] | None = None,
) -> Playground:
    """A page in which the network trains: the playground.

    It shows itself in Jupyter, and has ``.save("page.html")``. Training starts from the network's
    parameters as they are now; the network itself is not changed.

    Args:
        net: the network. Of an `MLP`, widths and activation can be changed in the page.
        loss: the loss of one example, ``loss(a, y)``.
        data: a pair ``(X, y)`` as `fit` takes it; or a data set, by ``datasets.load("iris")`` or
            `load_csv`; or several data sets, for a menu.
        validation: of a pair, the examples held out, ``(X, y)``.
        batch_size: where the controls stand at first, as in `fit`; so do the next three.
        lr: the rate.
        momentum: of SGD.
        optimizer: a name, or a rule with settings of its own.
        seed: of the batches: those of ``fit(..., rng=np.random.default_rng(seed))``.
        picture: rows and columns of pixels, if that is what the inputs are.

    Raises:
        ValueError: the data don't fit the network or the loss, or are too large for a page; or
            the loss, an activation or the optimizer can't be printed as JavaScript.
        TypeError: the data are neither a pair nor a data set, ``net`` is not a network, or ``loss``
            not a loss.

    >>> from nn import bernoulli_nll
    >>> net = MLP(2, [4, 1], activation="tanh", rng=np.random.default_rng(0))
    >>> live(net, bernoulli_nll, ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]))
    Playground of MLP(2, [4, 1], activation='tanh', bias=True), bernoulli_nll, 4 examples
    """
    check_network(net)
    check_loss(loss)
    sets = _sets(net, data, validation, loss, picture, seed)
    return Playground(
        net, loss, sets, batch_size=batch_size, lr=lr, momentum=momentum, optimizer=optimizer,
        seed=seed,
    )  # fmt: skip


class Playground(Page):
    """A page in which networks train, as `live` makes it.

    Args:
        net, loss, batch_size, lr, momentum, optimizer, seed: as `live`'s.
        sets: data sets, the first one to begin with.
        alone: whether the number of layers and the activation stay as they are: such a page is
            smaller, and sooner made.

    Raises:
        ValueError: as `live`.
    """

    def __init__(
        self,
        net: Module,
        loss: Any,
        sets: Sequence[Set],
        *,
        batch_size: int = 16,
        lr: float = 0.1,
        momentum: float = 0.0,
        optimizer: str | Optimizer = "sgd",
        seed: int = 0,
        alone: bool = False,
    ) -> None:
        check_positive(lr=lr)
        check_seed(seed)
        check_whole("batch_size", batch_size)
        first, rule = sets[0], make_rule(optimizer, **({"momentum": momentum} if momentum else {}))
        Examples(first.X, first.y).open(net, loss, 1)
        _check_size(sets)
        made = programs(net, loss, first.X, first.y, rule, alone=alone)
        likelihood = likelihood_of(loss)
        name = "own" if likelihood is None else likelihood.name
        self.title = f"Playground of {net!r}, {_name_of(loss)}, {len(first.X)} examples"
        self._text = self.title
        self._svg = _still(net, loss, first, self.title)
        self._script = "\n".join([made.text, _script()])
        network = dict(made.network)
        theta = network.pop("theta")
        layers = network["layers"]
        rule_name, is_ours = type(rule).__name__.lower(), type(rule) in OPTIMIZERS.values()
        self._data = {
            "title": self.title,
            "likelihood": {
                "name": name,
                "known": likelihood is not None,
                "link": "" if likelihood is None else likelihood.link,
                "score": "" if likelihood is None else likelihood.score.name,
            },
            "loss": _name_of(loss),
            "targets": first.y[0].size,
            "oneHot": network["classes"] > 0,
            "classes": network["classes"] or 2,
            "sets": [one.packed for one in sets],
            "net": {**network, "fixed": not layers, "theta": encoded(theta),
                    "drawn": isinstance(net, MLP) and layers and _is_drawn(net, theta, seed)},
            "rules": {rule_name: [repr(rule), is_ours]} if rule.given else {},
            "recorded": _recorded(net, loss, first),
            "settings": {
                **CONTROLS, "set": first.name, "held": first.held, "seed": seed, "lr": lr,
                "hidden": network["widths"][1:-1], "activation": network["activation"],
                "optimizer": rule_name, "momentum": getattr(rule, "momentum", 0.0),
                "b": min(batch_size, first.train),
            },
        }  # fmt: skip

    def _around(self, picture: str, style: str) -> str:
        return running("play", picture, _style(), self._data, self._script)


def _sets(net: Module, data: Any, validation: Any, loss: Any, picture: Any, seed: int) -> list[Set]:
    """The data as sets for a page."""
    if isinstance(data, Dataset):
        data = [data]
    if isinstance(data, Sequence) and data and all(isinstance(one, Dataset) for one in data):
        if validation is not None:
            raise ValueError("validation is for a pair (X, y): a data set has its own test part")
        return [Set.of(one, source_of(one, seed)) for one in data]
    X, y = _pair(data, "data")
    X_held, y_held = (X[:0], y[:0]) if validation is None else _pair(validation, "validation")
    if X_held.shape[1:] != X.shape[1:] or y_held.shape[1:] != y.shape[1:]:
        raise ValueError(
            f"validation must have the columns of the data, {X.shape[1]} and y of shape "
            f"(n, {', '.join(map(str, y.shape[1:]))}), got {X_held.shape} and {y_held.shape}"
        )
    if picture is not None and np.prod(picture) != X.shape[1]:
        raise ValueError(
            f"picture={picture} is {np.prod(picture)} pixels, and X has {X.shape[1]} columns"
        )
    likelihood, d0 = likelihood_of(loss), X.shape[1]
    K = 0
    if likelihood is not None and likelihood.classes[0] and y.ndim == 1:
        K = int(y.max(initial=1)) + 1 if likelihood.one_hot else 2
        if likelihood.one_hot and isinstance(net, MLP):  # a class may have no example
            K = max(K, len(net.layers[-1].neurons))
    X, y = np.concatenate([X, X_held]), np.concatenate([y, y_held])
    return [
        Set(
            "your data", X, y, len(X) - len(X_held), [f"x0[{i}]" for i in range(d0)],
            classes=[str(k) for k in range(K)], picture=picture,
            darkest=float(X.max(initial=0.0)) or 1.0,
        )
    ]  # fmt: skip


def _check_size(sets: Sequence[Set]) -> None:
    """Raise if there are more data than a page takes."""
    size, least = sum(fewest_letters(one.X) for one in sets), "at least "
    if size <= LARGEST:
        least, size = "", sum(len(in_script(one.packed)) for one in sets)
    if size > LARGEST:
        raise ValueError(
            f"the data would take {least}{size / 1e6:.1f} MB in the page, and "
            f"{LARGEST / 1e6:.0f} MB is the most: give fewer examples, such as "
            f"(X[:{len(sets[0].X) * LARGEST // size}], y[...])"
        )


def _pair(data: Any, name: str) -> tuple[Array, Array]:
    """Examples as floats."""
    try:
        X, y = data
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a pair (X, y), or a data set such as datasets.load('moons'), got "
            f"{type(data).__name__}"
        ) from None
    X, y = check_examples(X, y)
    return X.astype(float), y.astype(float)


def source_of(data: Dataset, seed: int) -> str | None:
    """Python that makes the set again, if it is one of those with a name."""
    if data.name not in datasets.NAMES:
        return None
    again = datasets.load(data.name, seed=seed)
    same = again.X_train.shape == data.X_train.shape and (again.X_train == data.X_train).all()
    if not same:
        return None
    how = f'datasets.load("{data.name}"{f", seed={seed}" if seed else ""})'
    return f"from nn import datasets\n\ndata = {how}\nX, y = data.X_train, data.y_train\n"


def _is_drawn(net: MLP, theta: Sequence[float], seed: int) -> bool:
    """Whether an MLP has the weights of ``MLP(..., rng=np.random.default_rng(seed))``."""
    layers = net.layers
    widths = [len(layer.neurons) for layer in layers]
    fresh = MLP(
        len(layers[0].neurons[0].w), widths,
        activation=[layer.activation for layer in layers[:-1]] or "relu",
        bias=layers[0].neurons[0].b is not None, rng=np.random.default_rng(seed),
    )  # fmt: skip
    return [p.data for p in fresh.parameters()] == list(theta)


def _recorded(net: Module, loss: Any, data: Set) -> dict[str, Any]:
    """The loss of the first example and some of its gradient, by the engine."""
    y = data.y[0].tolist()
    with own_gradients(net):
        root = loss_of(loss, net(data.X[0].tolist()), y, 0)
        root.backward()
        gradient = [p.grad for p in net.parameters()]
        every = -(-len(gradient) // 1000)
        return {
            "loss": encoded([root.data]),
            "every": every,
            "gradient": encoded(gradient[::every]),
        }


def _name_of(loss: Any) -> str:
    return getattr(loss, "__name__", type(loss).__name__)


def _still(net: Module, loss: Any, data: Set, title: str) -> str:
    """A picture for where no script runs: the network with the numbers of the first example."""
    if isinstance(net, MLP):
        svg = draw(net, data.X[0].tolist(), data.y[0].tolist(), loss).svg()
        if len(svg) <= STILL:
            return svg
    text = html.escape(f"{title}. It trains where scripts may run: open the page in a browser.")
    return document(900, 60, "text { font-size: 14px; }", f'<text x="10" y="34">{text}</text>')
