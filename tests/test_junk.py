"""Junk in place of any argument gets an answer, or an error in the project's own words, soon.

The error is of a kind that the docstring names.

For each function and each argument a few pieces of junk by default; all of them, and all pairs of
arguments, with

    CHALKGRAD_LONG=1 python -m pytest tests/test_junk.py -n 2
"""

import inspect
import math
import os
import random
import re
import signal
import warnings

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from tests.cases import for_each

LONG = bool(os.environ.get("CHALKGRAD_LONG"))
SECONDS = 20  # far more than any call takes

JUNK = {
    "None": lambda: None,
    "True": lambda: True,
    "0": lambda: 0,
    "-1": lambda: -1,
    "2": lambda: 2,
    "2.5": lambda: 2.5,
    "nan": lambda: math.nan,
    "-inf": lambda: -math.inf,
    "10**400": lambda: 10**400,
    "1j": lambda: 1j,
    "text": lambda: "junk",
    "empty text": lambda: "",
    "bytes": lambda: b"junk",
    "[]": lambda: [],
    "()": lambda: (),
    "{}": lambda: {},
    "[1]": lambda: [1.0],
    "['a']": lambda: ["a"],
    "[None]": lambda: [None],
    "[[1, 2], [3]]": lambda: [[1.0, 2.0], [3.0]],
    "set": lambda: {1.0},
    "generator": lambda: (v for v in (1.0, 2.0)),
    "array": lambda: np.ones((2, 2)),
    "empty array": lambda: np.empty((0, 2)),
    "array of objects": lambda: np.array([None, "a"], dtype=object),
    "array of times": lambda: np.array(["2026-01-01"], dtype="M8[D]"),
    "NumPy's number": lambda: np.float32(1.5),
    "Value": lambda: Value(1.0),
    "node": lambda: Value(1.0) * 2.0,
    "[Value]": lambda: [Value(1.0)],
    "Value of nan": lambda: Value(math.nan),
    "object": lambda: object(),
    "class": lambda: dict,
    "function": lambda: lambda *given, **named: None,
    "the same": lambda: lambda x: x,
    "module": lambda: math,
    "network": lambda: nn.MLP(2, [1], rng=np.random.default_rng(0)),
}

# What an error from deep inside says, which no user can do anything with.
INSIDE = re.compile(
    r"has no attribute|object is not (iterable|callable|subscriptable|reversible)|"
    r"object of type .* has no len|not supported between|unsupported operand|"
    r"cannot unpack|not enough values to unpack|too many values to unpack|"
    r"index out of range|unhashable type|object cannot be interpreted"
)
EXPECTED = (TypeError, ValueError, OSError, FloatingPointError, RuntimeError, ModuleNotFoundError)


def net():
    return nn.MLP(2, [3, 1], "tanh", rng=np.random.default_rng(0))


def data():
    return np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 1, 0, 1, 0])


def square(x):
    return x * x


def graph():
    w, x = Value(1.5, label="w"), Value(0.5, label="x")
    return (w * x).sin(), [x], [w]


def fit(**given):
    X, y = data()
    settings = {"X": X, "y": y, "net": net(), "loss": nn.bernoulli_nll, "epochs": 2,
                "batch_size": 2, "lr": 0.1, "progress": False, **given}  # fmt: skip
    return nn.fit(**settings)


def by_name(function, **given):
    """A function, and what it is given by name; both made anew for each call."""
    return function, lambda: {name: make() for name, make in given.items()}


def compiled(root, inputs, parameters, batch, theta):
    return autograd.compile(root, inputs, parameters)(batch, theta)


GRAPH = {"root": lambda: graph()[0]}
CALLS = {
    "Value": by_name(Value, data=lambda: 1.0, label=lambda: "x"),
    "dot": by_name(autograd.dot, w=lambda: [Value(1.0)], x=lambda: [2.0], b=lambda: 1.0),
    "affine": by_name(
        autograd.affine, theta=lambda: [[Value(1.0)]], x=lambda: [2.0], b=lambda: [1.0]
    ),
    "sum": by_name(autograd.sum, values=lambda: [Value(1.0), 2.0]),
    "max": by_name(autograd.max, values=lambda: [Value(1.0), 2.0]),
    "logsumexp": by_name(autograd.logsumexp, values=lambda: [Value(1.0), 2.0]),
    "where": by_name(autograd.where, c=lambda: Value(1.0), a=lambda: 2.0, b=lambda: 3.0),
    "exp": by_name(autograd.exp, x=lambda: Value(1.0)),
    "erf": by_name(autograd.erf, x=lambda: Value(1.0)),
    "primitive": by_name(
        lambda symbol, value, partials, x: autograd.primitive(symbol, value, partials)(x),
        symbol=lambda: "square", value=lambda: square, partials=lambda: lambda z, x: (2 * x,),
        x=lambda: Value(1.0),
    ),
    "grad": by_name(lambda f, x: autograd.grad(f)(x), f=lambda: square, x=lambda: 1.0),
    "hessian": by_name(lambda f, x: autograd.hessian(f)(x), f=lambda: square, x=lambda: 1.0),
    "jacobian": by_name(lambda f, x: autograd.jacobian(f)(x), f=lambda: square, x=lambda: 1.0),
    "jvp": by_name(autograd.jvp, f=lambda: square, x=lambda: [1.0], v=lambda: [2.0]),
    "finite_difference": by_name(
        lambda f, x, h: autograd.finite_difference(f, x, h=h),
        f=lambda: square, x=lambda: 1.0, h=lambda: 1e-3,
    ),
    "gradcheck": by_name(
        lambda f, x, gradient, h, tolerance: autograd.gradcheck(
            f, x, gradient=gradient, h=h, tolerance=tolerance
        ),
        f=lambda: square, x=lambda: 1.0, gradient=lambda: lambda x: 2 * x, h=lambda: 1e-3,
        tolerance=lambda: 1e-5,
    ),
    "topological_order": by_name(autograd.topological_order, **GRAPH),
    "trace": by_name(autograd.trace, **GRAPH),
    "steps": by_name(lambda root: list(autograd.steps(root)), **GRAPH),
    "draw": by_name(
        autograd.draw, **GRAPH, stop=lambda: (), limit=lambda: 100, step=lambda: None
    ),
    "compile": by_name(
        compiled, root=lambda: graph()[0], inputs=lambda: [], parameters=lambda: [],
        batch=lambda: np.empty((1, 0)), theta=lambda: None,
    ),
    "replay": by_name(
        lambda f, keep, examples: [
            (replayed := autograd.replay(f, keep))(1.0), replayed.sum(examples)
        ],
        f=lambda: square, keep=lambda: 4, examples=lambda: [(2.0,)],
    ),
    "MLP": by_name(
        nn.MLP, d0=lambda: 2, widths=lambda: [3, 1], activation=lambda: "tanh",
        bias=lambda: True, rng=lambda: np.random.default_rng(0),
    ),
    "Layer": by_name(nn.Layer, d_in=lambda: 2, d_out=lambda: 2, activation=lambda: "relu"),
    "a network's call": by_name(lambda x: net()(x), x=lambda: [1.0, 2.0]),
    "predict": by_name(lambda X: net().predict(X), X=lambda: data()[0]),
    "load_state_dict": by_name(
        lambda state: net().load_state_dict(state), state=lambda: net().state_dict()
    ),
    "gaussian_nll": by_name(nn.gaussian_nll, a=lambda: Value(1.0), y=lambda: 1.0),
    "bernoulli_nll": by_name(nn.bernoulli_nll, a=lambda: Value(1.0), y=lambda: 1),
    "categorical_nll": by_name(
        nn.categorical_nll, a=lambda: [Value(1.0), Value(2.0)], y=lambda: 1
    ),
    "backpropagate": by_name(
        nn.backpropagate, net=net, loss=lambda: nn.bernoulli_nll, x=lambda: [1.0, 2.0],
        y=lambda: 1,
    ),
    "minibatches": by_name(
        nn.minibatches, n=lambda: 6, batch_size=lambda: 2, rng=lambda: np.random.default_rng(0)
    ),
    "cosine": by_name(nn.cosine, lr=lambda: 0.1, updates=lambda: 5, final=lambda: 0.0),
    "growing": by_name(nn.growing, batch_size=lambda: 2, factor=lambda: 2.0, period=lambda: 5),
    "inverse_time": by_name(nn.inverse_time, lr=lambda: 0.1, t0=lambda: 1.0),
    "step_decay": by_name(nn.step_decay, lr=lambda: 0.1, factor=lambda: 0.5, every=lambda: 9),
    "SGD": by_name(
        lambda parameters, lr, momentum: nn.SGD(parameters, lr, momentum).step(),
        parameters=lambda: net().parameters(), lr=lambda: 0.1, momentum=lambda: 0.9,
    ),
    "Adam": by_name(
        lambda parameters, lr, betas, eps: nn.Adam(parameters, lr, betas, eps=eps).step(),
        parameters=lambda: net().parameters(), lr=lambda: 0.1, betas=lambda: (0.9, 0.99),
        eps=lambda: 1e-8,
    ),
    "EarlyStopping": by_name(
        nn.EarlyStopping, patience=lambda: 2, restore_best=lambda: True, monitor=lambda: "loss"
    ),
    "fit": by_name(
        fit, net=net, loss=lambda: nn.bernoulli_nll, X=lambda: data()[0], y=lambda: data()[1],
        epochs=lambda: 2, batch_size=lambda: 2, lr=lambda: 0.1, momentum=lambda: 0.5,
        rng=lambda: np.random.default_rng(0), validation=data, callbacks=lambda: [],
        engine=lambda: "program", checkpoint=lambda: "kept.npz", resume=lambda: None,
        optimizer=lambda: "sgd",
    ),
    "evaluate": by_name(
        nn.evaluate, net=net, loss=lambda: nn.bernoulli_nll, X=lambda: data()[0],
        y=lambda: data()[1], engine=lambda: "program",
    ),
    "save": by_name(nn.save, net=net, path=lambda: "net.npz", table=lambda: None),
    "load": by_name(nn.load, path=lambda: "net.npz"),
    "load_table": by_name(nn.load_table, path=lambda: "table.npz"),
    "load_csv": by_name(
        nn.load_csv, path=lambda: "table.csv", target=lambda: "y", loss=lambda: None,
        test_size=lambda: 0.5, seed=lambda: 0,
    ),
    "datasets.load": by_name(nn.datasets.load, name=lambda: "moons", test_size=lambda: 0.2,
                             seed=lambda: 0),
    "find_lr": by_name(
        nn.find_lr, net=net, loss=lambda: nn.bernoulli_nll, X=lambda: data()[0],
        y=lambda: data()[1], batch_size=lambda: 2, rates=lambda: [0.1], updates=lambda: 2,
    ),
    "nn.draw": by_name(
        nn.draw, net=net, x=lambda: [1.0, 2.0], y=lambda: 1, loss=lambda: nn.bernoulli_nll
    ),
    "live": by_name(nn.live, net=net, loss=lambda: nn.bernoulli_nll, data=data),
    "table_data": by_name(
        nn.table_data, source=lambda: "table.csv", target=lambda: "y", kinds=lambda: None
    ),
    "plots.losses": by_name(
        nn.plots.losses, histories=lambda: {"a": fit()}, against=lambda: "epochs"
    ),
    "plots.decision_regions": by_name(
        nn.plots.decision_regions, net=net, X=lambda: data()[0], y=lambda: data()[1],
        classes=lambda: ["a", "b"], features=lambda: ["u", "v"],
    ),
    "plots.confusion_matrix": by_name(
        nn.plots.confusion_matrix, true=lambda: [0, 1], predicted=lambda: [1, 1],
        classes=lambda: ["a", "b"],
    ),
    "plots.misclassified": by_name(
        nn.plots.misclassified, X=lambda: np.zeros((2, 6)), true=lambda: [0, 1],
        predicted=lambda: [1, 1], classes=lambda: ["a"], shape=lambda: (2, 3), most=lambda: 1,
    ),
    "sweep": by_name(
        nn.sweep, train=lambda: lambda seed, lr: fit(lr=lr), grid=lambda: {"lr": [0.1]},
        seeds=lambda: 1, path=lambda: None, executor=lambda: None, progress=lambda: False,
    ),
}  # fmt: skip

# Where a call is not that of the public function of its name: whose docstrings name its errors.
DOCUMENTED = {
    "a network's call": [nn.MLP.__call__],
    "predict": [nn.MLP.predict],
    "load_state_dict": [nn.MLP.load_state_dict],
    "datasets.load": [nn.datasets.load],
    "nn.draw": [nn.draw],
    "plots.losses": [nn.plots.losses],
    "plots.decision_regions": [nn.plots.decision_regions],
    "plots.confusion_matrix": [nn.plots.confusion_matrix],
    "plots.misclassified": [nn.plots.misclassified],
    "compile": [autograd.compile, autograd.Program.__call__],
    "replay": [autograd.replay, autograd.Replayed.sum],
    "SGD": [nn.SGD, nn.SGD.step],
    "Adam": [nn.Adam, nn.Adam.step],
}


def is_documented(name, error):
    """Whether `help` of what was called names this kind of error, or a kind of kinds."""
    usual = [getattr(autograd, name, None) or getattr(nn, name, None)]
    texts = [inspect.getdoc(thing) for thing in DOCUMENTED.get(name, usual)]
    kinds = type(error).__mro__[: type(error).__mro__.index(Exception)]
    return any(f"{kind.__name__}:" in text for kind in kinds for text in texts)


# What comes of a function that users have written comes through as it is.
OWN = {
    ("grad", "f"), ("hessian", "f"), ("jacobian", "f"), ("jvp", "f"), ("finite_difference", "f"),
    ("gradcheck", "f"), ("gradcheck", "gradient"), ("primitive", "x"), ("primitive", "value"),
    ("primitive", "partials"),
}  # fmt: skip


# A class is a function too, as which it is called.
CALLED = {("fit", "batch_size"), ("fit", "lr"), ("replay", "f"), ("sweep", "train")}


class TooLateError(Exception):
    """A call took too long."""


def late(*_):
    raise TooLateError


def complaint(name, given):
    """What is wrong with the answer to a call; None if nothing is."""
    function, _ = CALLS[name]
    before = signal.signal(signal.SIGALRM, late) if hasattr(signal, "SIGALRM") else None
    if before is not None:
        signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the numbers are junk
            function(**given)
    except TooLateError:
        return f"took more than {SECONDS} s"
    except EXPECTED as error:
        if INSIDE.search(str(error)) or not is_documented(name, error):
            return f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        if before is not None:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    return None


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nn.save(net(), "net.npz")
    (tmp_path / "table.csv").write_text("a,b,y\n1,2,0\n3,4,1\n5,7,0\n6,8,1\n")
    table = nn.Table.of(nn.load_csv("table.csv", "y", test_size=0.5))
    nn.save(net(), "table.npz", table)


def ways(name):
    """The arguments to put junk into, and the junk."""
    arguments = CALLS[name][1]()
    ones = [
        {a: j}
        for a in arguments
        if (name, a) not in OWN
        for j in JUNK
        if not (j == "class" and (name, a) in CALLED)
    ]
    if not LONG:
        return random.Random(name).sample(ones, min(len(ones), 25))
    pairs = [{**one, **other} for one in ones for other in ones if [*one] < [*other]]
    return ones + random.Random(name).sample(pairs, min(len(pairs), 200))


@pytest.mark.parametrize("name", CALLS)
def test_junk_gets_an_answer(name):
    complaints = {}
    for junk in ways(name):
        given = {**CALLS[name][1](), **{a: JUNK[j]() for a, j in junk.items()}}
        found = complaint(name, given)
        if found:
            complaints[", ".join(f"{a}={j}" for a, j in junk.items())] = found
    assert not complaints, "\n".join(f"{name}({k}): {v}" for k, v in complaints.items())


@for_each("name", CALLS)
def test_without_junk_all_is_well(name):
    CALLS[name][0](**CALLS[name][1]())
