"""Machine code: loop nests of programs, updates of a training, and which engine `fit` takes.

What the engines have in common is tested for each in test_engines.py and test_checkpoints.py. What
vectors could do wrong is compiled here as users have it, which takes ten times as long.
"""

import os

import numpy as np
import pytest
from random_graphs import RandomGraph, record
from random_patterns import PatternGraph

import autograd
from autograd import compiler, primitive
from autograd.compiler import llvm
from autograd.compiler.native import Trainer
from autograd.compiler.structure import Kept
from nn import (
    MLP,
    SGD,
    Adam,
    Optimizer,
    bernoulli_nll,
    categorical_nll,
    fit,
    gaussian_nll,
    growing,
)  # fmt: skip
from nn.train import choice, native
from tests.cases import HARD_POWERS, for_each, hard_power, many

of_vectors = Kept()  # nothing that has been compiled without


@pytest.fixture
def vectors(monkeypatch):
    """All is compiled as users have it, with vectors; without, for the fast subset."""
    if "CHALKGRAD_FAST" not in os.environ:
        monkeypatch.setattr(llvm, "LEVEL", 3)
        monkeypatch.setattr(compiler, "_kept", of_vectors)


# Programs


def updated(program, rows, theta, updates=1, rate=0.0, single=False):
    """The mean losses, the parameters and the last gradient of updates with the same batch."""
    listing = program._written.listing
    trainer = Trainer(listing, single, listing.inputs - 1, 0, {}, None)
    theta, gradient, losses = np.array(theta, float), np.zeros(len(theta)), np.zeros(updates)
    made = trainer(updates, len(rows), {
        "X": np.ascontiguousarray(rows[:, :-1]), "y": np.ascontiguousarray(rows[:, -1]),
        "rows": np.tile(np.arange(len(rows)), updates), "theta": theta, "gradient": gradient,
        "rates": np.full(updates, rate), "losses": losses, "step": np.empty(len(theta)),
    })  # fmt: skip
    return made, losses, theta, gradient


def graphs(kind, seeds):
    """Programs of random graphs of one result and two inputs or more."""
    for seed in seeds:
        graph = kind(seed)
        rows = np.reshape(graph.rows, (len(graph.rows), -1)).astype(float)
        inputs, parameters, roots = record(graph, graph.rows[0], graph.numbers)
        if len(roots) == 1 and len(inputs) > 1 and parameters:
            yield seed, autograd.compile(roots[0], inputs, parameters), rows, graph.numbers


@pytest.mark.parametrize(("level", "seeds", "kind"), [
    (0, range(60), RandomGraph), (0, range(60), PatternGraph),
    (3, range(60, 68), RandomGraph),
    pytest.param(3, range(60, 68), PatternGraph, marks=pytest.mark.slow),
])  # fmt: skip
def test_random_graphs(kind, level, seeds, monkeypatch):
    monkeypatch.setattr(llvm, "LEVEL", level)
    tried = 0
    for seed, program, rows, theta in graphs(kind, seeds[: many(len(seeds))]):
        outputs, gradient = program(rows, theta)
        for single in {False, len(rows) == 1}:
            made, losses, _, ours = updated(program, rows, theta, single=single)
            if not np.isfinite(outputs.sum()):
                assert made == 0, f"{kind.__name__}({seed})"
                continue
            size = 1.0 + max(np.abs(outputs).max(), np.nan_to_num(np.abs(gradient)).max())
            np.testing.assert_allclose(
                losses, outputs.mean(), rtol=1e-11, atol=1e-12 * size, err_msg=f"{kind}({seed})"
            )
            np.testing.assert_allclose(
                ours, gradient, rtol=1e-11, atol=1e-12 * size, err_msg=f"{kind}({seed})"
            )
            tried += 1
    assert tried >= len(seeds[: many(len(seeds))]) // 10


@for_each("b", [1, 4, 5])
def test_powers_at_signed_zeros_and_nan(b):
    inputs, parameters, (root,) = record(hard_power, [0.0, 0.0], [2.0, 3.0])
    program = autograd.compile(root, inputs, parameters)
    for theta in HARD_POWERS:
        losses, expected = program(np.zeros((b, 2)), theta)
        _, _, _, gradient = updated(program, np.zeros((b, 2)), theta)
        if np.isfinite(losses).all():  # elsewhere it stops before the gradient
            np.testing.assert_array_equal(gradient, expected)


# Trainings


def problem(d0, classes, n=40, seed=0):
    """Inputs, and class indices; or 0 and 1 if there is one class."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d0))
    return X, rng.integers(max(2, classes), size=n).astype(float)


def trained(engine, loss, X, y, sizes, *, seed=3, **options):
    """A network after a training, and its history."""
    net = MLP(X.shape[1], sizes, activation=options.pop("activation", "tanh"),
              rng=np.random.default_rng(seed))  # fmt: skip
    options = {"epochs": 2, "batch_size": 4, "lr": 0.1, **options}
    history = fit(net, loss, X, y, rng=np.random.default_rng(1), progress=False, engine=engine,
                  **options)  # fmt: skip
    return net, history


def both(loss, X, y, sizes, **options):
    """The same training in machine code and by NumPy."""
    (net, history), (other, expected) = (
        trained(engine, loss, X, y, sizes, **options) for engine in ("native", "program")
    )
    assert (history.engine, expected.engine) == ("native", "program")
    for what in ("data", "grad"):
        ours, theirs = ([getattr(p, what) for p in n.parameters()] for n in (net, other))
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose([r.loss for r in history], [r.loss for r in expected], rtol=1e-12)
    return net, history


# Products are computed in tiles of 4 rows, and of 32, 8, 4 and 1 columns: all that is left over;
# long sums in 4 vectors.
@pytest.mark.parametrize(("widths", "b"), [
    ((3, 5, 2), 1), ((3, 5, 2), 4), ((3, 5, 2), 11), ((7, 33, 4), 3), ((7, 33, 4), 5),
    ((7, 33, 4), 39), ((1, 9, 1), 1), ((1, 9, 1), 5), ((46, 6, 3), 4), ((46, 6, 3), 39),
    ((99, 67, 2), 3), ((99, 67, 2), 11),
])  # fmt: skip
def test_products_of_all_sizes(widths, b, vectors):
    d0, hidden, d_L = widths
    X, y = problem(d0, d_L)
    loss = categorical_nll if d_L > 1 else bernoulli_nll
    both(loss, X, y, [hidden, hidden + 1, d_L], batch_size=b)


OPTIMIZERS = ["sgd", SGD(momentum=0.9, nesterov=True), SGD(weight_decay=0.1), "adam", "adamw",
              "rmsprop"]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer, vectors):
    X, y = problem(3, 1)
    both(bernoulli_nll, X, y, [4, 1], optimizer=optimizer, epochs=4)


@for_each("optimizer", OPTIMIZERS)
def test_optimizers_after_each_example(optimizer):
    X, y = problem(3, 1)
    both(bernoulli_nll, X, y, [4, 1], optimizer=optimizer, batch_size=1)


class Signs(SGD):
    """An optimizer of one's own; it keeps a number of its own kind."""

    def start(self, m):
        return {"last": np.zeros(m), "scale": np.ones(())}

    def update(self, state, theta, g, lr):
        last = state["last"]
        step = np.sign(g + 0.5 * last)
        last[:] = g
        state["scale"] *= 0.99
        step *= lr * state["scale"]
        return step


class Untraceable(SGD):
    def update(self, state, theta, g, lr):
        return lr * g / (1.0 + float(np.linalg.norm(g)))


def test_an_optimizer_of_ones_own():
    X, y = problem(3, 1)
    both(bernoulli_nll, X, y, [4, 1], optimizer=Signs())
    with pytest.raises(ValueError, match=r"use 'program': .* the rule Untraceable"):
        trained("native", bernoulli_nll, X, y, [4, 1], optimizer=Untraceable())


def test_batches_that_grow_from_one_example():
    X, y = problem(3, 3)
    both(categorical_nll, X, y, [4, 3], batch_size=growing(1, 3, period=1), epochs=4)


@pytest.mark.parametrize("kind", [
    lambda X: X.astype(np.float32), np.asfortranarray, np.ndarray.tolist,
    lambda X: np.repeat(X, 2, axis=0)[::2],
])  # fmt: skip
def test_any_kind_of_array(kind):
    X, y = problem(3, 3)
    nets = []
    for inputs, targets in ((X, y), (kind(X), kind(y))):
        net = MLP(3, [4, 3], rng=np.random.default_rng(0))
        fit(net, categorical_nll, inputs, targets, epochs=2, batch_size=4, lr=0.1, progress=False,
            engine="native", rng=np.random.default_rng(0))  # fmt: skip
        nets.append([p.data for p in net.parameters()])
    np.testing.assert_allclose(*nets, rtol=1e-6)


def test_targets_of_several_numbers_and_own_losses():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    both(gaussian_nll, X, y, [4, 2])
    both(lambda a, y: sum((u - v).abs() for u, v in zip(a, y, strict=True)), X, y, [4, 2])


squareplus = primitive(
    "squareplus", lambda x: 0.5 * (x + autograd.sqrt(x * x + 4)),
    lambda z, x: (z / autograd.sqrt(x * x + 4),),
)  # fmt: skip
floored = primitive("floored", lambda x: np.floor(getattr(x, "data", x)), lambda z, x: (0.0 * x,))


def test_a_primitive_of_ones_own():
    X, y = problem(3, 1)
    both(lambda a, y: squareplus(a) - y * a, X, y, [4, 1])
    with pytest.raises(ValueError, match="use 'program': machine code lacks"):
        trained("native", lambda a, y: floored(a) ** 2 - y, X, y, [4, 1])


def test_a_primitive_may_be_called_as_a_derivative_is():
    d_one = primitive("d_one", lambda x: x * x * x, lambda z, x: (3.0 * x * x,))
    X, y = problem(3, 1)
    both(lambda a, y: d_one(a) * d_one(a) + d_one(a - y).tanh(), X, y, [4, 1])


def test_an_update_that_is_not_finite_is_that_of_the_program():
    X, y = problem(2, 1)
    X[17] = 1e200
    cases = [("sgd", 1.0), (Adam(eps=0.0), 1.0), (SGD(momentum=0.5), 1e300)]
    for optimizer, lr in cases:
        seen = []
        for engine in ("native", "program"):
            net = MLP(2, [3, 1], activation="relu", rng=np.random.default_rng(0))
            with pytest.raises(FloatingPointError) as error:
                fit(net, gaussian_nll, X, y, epochs=3, batch_size=2, lr=lr, progress=False,
                    engine=engine, optimizer=optimizer, rng=np.random.default_rng(0))  # fmt: skip
            seen.append((str(error.value), [p.data for p in net.parameters()]))
        assert seen[0][0] == seen[1][0]
        np.testing.assert_allclose(seen[0][1], seen[1][1], rtol=1e-12)


def test_a_step_larger_than_its_bound_is_the_programs(monkeypatch):
    """The bound of a step is not finite, and the step is: the training goes on."""
    X, y = problem(2, 1)
    X[3] = [1e160, 0.0]
    asked = []
    train_on = native.NativeEngine.train_on
    monkeypatch.setattr(native.NativeEngine, "train_on", lambda *a: asked.append(1) or train_on(*a))
    net = MLP(2, [1], bias=False, rng=np.random.default_rng(0))
    fit(net, lambda a, y: (a * 1e-160 - y).tanh(), X, y, epochs=1, batch_size=1, lr=1e-3,
        progress=False, engine="native")  # fmt: skip
    assert all(np.isfinite([p.data for p in net.parameters()]))


def test_a_step_that_overflows_by_its_rate_is_not_made():
    """Delta and x are finite, and so is their product: ten of it is not."""
    X, y = [[1e154, 0.0], [0.0, 0.0]], [[-1e154, 0.0], [0.0, 0.0]]
    for engine in ("native", "program"):
        net = MLP(2, [2], bias=False, rng=np.random.default_rng(0))
        for theta in net.parameters():
            theta.data = 0.0
        with pytest.raises(FloatingPointError, match=r"the step would set theta1\[0,0\] to -inf"):
            fit(net, gaussian_nll, X, y, epochs=1, batch_size=2, lr=20.0, progress=False,
                engine=engine)  # fmt: skip
        assert [theta.data for theta in net.parameters()] == [0.0] * 4


def test_looks_come_when_they_are_due():
    X, y = problem(3, 1)
    seen = {}

    class Look:
        looks_every = 7

        def __init__(self, name):
            self.rows = seen.setdefault(name, [])

        def __call__(self, epoch, update, loss, net):
            numbers = [p.data for p in net.parameters()] if update % 7 == 0 else []
            self.rows.append([epoch, update, loss, *numbers])

    for engine in ("native", "program"):
        trained(engine, bernoulli_nll, X, y, [4, 1], callbacks=[Look(engine)], epochs=3)
    for ours, theirs in zip(seen["native"], seen["program"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11)


# Which engine


def engine_of(updates, sizes=(4, 1), b=1, **options):
    X, y = problem(3, 1, n=updates * b)
    given = {"engine": "auto", "epochs": 1, "batch_size": b, "activation": "relu", **options}
    return trained(given.pop("engine"), bernoulli_nll, X, y, list(sizes), **given)[1].engine


def test_auto_counts_updates_and_statements(monkeypatch):
    assert engine_of(20) == "program"
    monkeypatch.setattr(choice, "LOADED", 0.0)
    monkeypatch.setattr(choice, "COMPILED", 0.0)
    assert engine_of(20) == "native"
    monkeypatch.setattr(choice, "LARGE", 1)
    assert engine_of(20) == "native"  # one example: no products of matrices
    assert engine_of(20, b=2) == "program"


def test_without_llvmlite_numpy_goes_on(monkeypatch):
    monkeypatch.setattr(choice, "LOADED", 0.0)
    monkeypatch.setattr(choice, "COMPILED", 0.0)
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    assert engine_of(20) == "program"
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chalkgrad\[native\]'"):
        engine_of(20, engine="native")


def test_where_llvmlite_does_not_run_one_line_says_so(monkeypatch):
    monkeypatch.setattr(choice, "LOADED", 0.0)
    monkeypatch.setattr(choice, "COMPILED", 0.0)

    def broken(text):
        raise OSError("libLLVM.so: cannot open shared object file")

    monkeypatch.setattr("autograd.compiler.native.Code", broken)
    with pytest.warns(UserWarning, match="does not run here .*NumPy goes on"):
        assert engine_of(20, sizes=(5, 1)) == "program"
    with pytest.raises(ValueError, match="use 'program': llvmlite does not run here"):
        engine_of(20, sizes=(6, 1), engine="native")


def test_a_long_program_is_left_to_numpy(monkeypatch):
    monkeypatch.setattr("autograd.compiler.written.LOOPED", 20)
    X, y = problem(2, 1)
    with pytest.raises(ValueError, match="machine code lacks room for so long a program"):
        trained("native", gaussian_nll, X, y, [7, 7, 1])


def test_a_checkpoint_knows_its_engine(tmp_path, monkeypatch):
    X, y = problem(3, 1)
    file = tmp_path / "training.npz"
    _, whole = trained("native", bernoulli_nll, X, y, [4, 1], epochs=4)
    trained("native", bernoulli_nll, X, y, [4, 1], epochs=2, checkpoint=file)
    _, history = trained("auto", bernoulli_nll, X, y, [4, 1], epochs=4, resume=file)
    assert history.engine == "native"
    assert [row.loss for row in history] == [row.loss for row in whole]
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    with pytest.raises(ValueError, match="made by engine='native', which is not installed"):
        trained("auto", bernoulli_nll, X, y, [4, 1], epochs=4, resume=file)
    _, other = trained("program", bernoulli_nll, X, y, [4, 1], epochs=4, resume=file)
    assert other.engine == "program"
    np.testing.assert_allclose([r.loss for r in other], [r.loss for r in whole], rtol=1e-11)


def test_the_same_structure_is_compiled_once(monkeypatch):
    X, y = problem(3, 1)
    trained("native", bernoulli_nll, X, y, [5, 1])
    monkeypatch.setattr("autograd.compiler.native.Code", None)
    trained("native", bernoulli_nll, X, y, [5, 1], seed=8)
    with pytest.raises(TypeError):
        trained("native", bernoulli_nll, X, y, [5, 1], optimizer="adam")


def test_the_program_engine_is_numpy_whatever_is_installed(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "autograd.compiler.written.Written.in_machine_code", lambda *_: asked.append(1)
    )
    X, y = problem(30, 1)
    trained("program", bernoulli_nll, X, y, [30, 1], batch_size=1)
    assert not asked


class Own(Optimizer):
    """A rule with a state, by name, and a function that makes the step."""

    def __init__(self, state, step):
        super().__init__(None, None)
        self.state_at_start, self.step_of, self.t = state, step, 0

    def start(self, m):
        return {name: make(m) for name, make in self.state_at_start.items()}

    def update(self, state, theta, g, lr):
        return self.step_of(self, state, g, lr)


def counting(rule, state, g, lr):
    rule.t += 1
    return lr / rule.t * g


def averaging(rule, state, g, lr):
    state["v"] *= 0.9
    state["v"] += g
    return lr * state["v"]


def counted(rule, state, g, lr):
    state["v"] += 1
    return lr * g


def first_is_fixed(rule, state, g, lr):
    step = lr * g
    step[0] = 0.0
    return step


noise = np.random.default_rng(0)


@pytest.mark.parametrize(("state", "step", "why"), [
    ({}, counting, "changes by itself"),
    ({}, lambda rule, state, g, lr: lr * g + lr * noise.normal(), "gives different steps"),
    ({"v": lambda m: np.zeros(m, np.float32)}, averaging, "no array of floats"),
    ({"v": lambda m: np.zeros(1)}, averaging, "no array of floats"),
    ({"v": lambda m: np.zeros((), int)}, counted, "no array of floats"),
    ({"v": lambda m: np.zeros(2 * m)[::2]}, averaging, "no array of floats"),
    ({"v": lambda m: 0.0}, counted, "no array of floats"),
    ({}, lambda rule, state, g, lr: lr * g * (g.sum() > 0), "Stand|no attribute"),
    ({}, first_is_fixed, "an index, 0"),
])  # fmt: skip
def test_rules_that_are_left_to_numpy(state, step, why):
    X, y = problem(3, 1)
    with pytest.raises(ValueError, match=f"machine code can't run the rule Own: it has .*({why})"):
        trained("native", bernoulli_nll, X, y, [4, 1], optimizer=Own(state, step))


def test_a_number_that_becomes_one_for_each_parameter_is_left_to_numpy():
    def spread(rule, state, g, lr):
        state["v"] = state["v"] + g
        return lr * state["v"]

    X, y = problem(3, 1)
    rule = Own({"v": lambda m: np.zeros(())}, spread)
    with pytest.raises(ValueError, match="'v'"):
        trained("native", bernoulli_nll, X, y, [4, 1], optimizer=rule)


def test_settings_that_a_callback_changes_are_obeyed():
    X, y = problem(3, 1)
    rows = []
    for engine in ("native", "program"):
        rule = SGD(momentum=0.5)

        def change(epoch, update, loss, net, rule=rule):
            rule.momentum = 0.95 if update > 8 else 0.5

        _, history = trained(engine, bernoulli_nll, X, y, [4, 1], optimizer=rule, epochs=4,
                             callbacks=[change])  # fmt: skip
        rows.append([row.loss for row in history])
    np.testing.assert_allclose(*rows, rtol=1e-11)


def test_what_a_primitive_reads_is_read_anew_for_each_training():
    scale = [1.0]
    scaled = primitive("scaled", lambda x: scale[0] * x * x, lambda z, x: (2 * scale[0] * x,))
    X, y = problem(3, 1)
    for scale[0] in (1.0, 3.0):
        both(lambda a, y: scaled(a - y), X, y, [4, 1])


def test_data_that_shrink_during_the_training_are_not_read_beyond():
    X, y = problem(3, 1)

    def shrink(epoch, update, loss, net):
        if update == 3:
            X.resize((5, 3), refcheck=False)

    with pytest.raises(IndexError, match="another shape"):
        trained("native", bernoulli_nll, X, y, [4, 1], callbacks=[shrink])
