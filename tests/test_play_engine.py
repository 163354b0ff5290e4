"""The engine of the playground, run by a real browser: networks, trainings, and NumPy's generator.

Programs are compared with those in Python, for other widths than they were printed at; trainings,
from a seed alone, with `fit`; random numbers with NumPy's.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import autograd
from autograd import primitive
from autograd.show.live import squeezed
from nn import MLP, SGD, Adam, bernoulli_nll, categorical_nll, fit, gaussian_nll
from nn.model import activations
from nn.model.activations import ACTIVATIONS, Activation
from nn.model.module import Module
from nn.model.network import Layer
from nn.show import programs as printing
from nn.show.programs import programs
from nn.train import optimizers
from nn.train.engines import ProgramEngine
from nn.train.optimizers import RMSprop
from nn.train.schedules import growing, inverse_time
from nn.train.stepping import Optimizer
from tests import browser

IN_BROWSER = [pytest.mark.slow, pytest.mark.tools("browser")]
squeezed_once = cache(squeezed)
SHOW = Path(printing.__file__).parent
SCRIPT = "\n".join(
    squeezed((SHOW / f"{name}.js").read_text(encoding="utf-8"))
    for name in ("play_random", "play_engine")
)
TOOLS = """
const flat = (array) => Float64Array.from(array.flat());
const data = (X, y) => ({ X: flat(X), y: flat(y), n: X.length });
const all = (n) => Int32Array.from({ length: n }, (_, i) => i);
// Schedules as in nn.train.schedules.
const inverseTime = (lr, t0) => (t) => (lr * t0) / (t0 + t - 1);
const growing = (b, factor, period) => (epoch) => b * factor ** Math.floor((epoch - 1) / period);
const begun = ({ widths, activation, seed, X, y, theta, ...options }) => {
  const net = new Net(widths, activation);
  if (theta) net.theta.set(theta);
  else net.start(seed);
  return new Training(net, data(X, y), { seed, ...options,
    size: options.grows ? growing(...options.grows) : () => options.b,
    rate: options.falls ? inverseTime(...options.falls) : () => options.lr });
};
"""


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture
def few():
    """Few activations, where not all need be printed."""
    rows = dict(ACTIVATIONS)
    for name in {*rows} - {"tanh", "relu", "linear"}:
        del ACTIVATIONS[name]
    yield
    ACTIVATIONS.clear()
    ACTIVATIONS.update(rows)  # in their order


def run(driver, printed, script, *given):
    """A script, after what Python printed and the scripts of the engine."""
    text = "" if printed is None else squeezed_once(printed.text)
    return driver.execute_script(f"{text}\n{SCRIPT}\n{TOOLS}\n{script}", *given)


def targets_of(loss, rng, n, d_L):
    if loss is categorical_nll:
        return rng.integers(d_L, size=n)
    shape = n if d_L == 1 else (n, d_L)
    return rng.integers(2, size=shape) if loss is bernoulli_nll else rng.normal(size=shape)


def examples(loss, n, d_0, d_L):
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, d_0)), targets_of(loss, rng, n, d_L)


class TestRandom:
    pytestmark = IN_BROWSER

    def test_all_draws_are_those_of_numpy(self, driver):
        seeds = [0, 1, 12345, 2**32 - 1, 2**32, 2**53 + 1, 2**64 - 1, 2**64, 2**130 + 9]
        seen = run(driver, None, """
            return arguments[0].map((seed) => {
              const random = new Random(seed);
              const first = [random.next(), random.normal(), Array.from(random.permutation(8))];
              const { state } = random;
              const then = [random.normal(), random.below(1), random.next()];
              const again = new Random(0);
              again.state = state;
              return [...first, ...then, again.normal(), again.below(1), again.next()];
            });""", [str(seed) for seed in seeds])  # fmt: skip
        for seed, draws in zip(seeds, seen, strict=True):
            rng = np.random.default_rng(seed)
            first = [rng.random(), rng.normal(), rng.permutation(8).tolist()]
            then = [rng.normal(), 0, rng.random()]
            assert draws == [*first, *then, *then], seed

    def test_normals_of_all_layers(self, driver):
        """They may differ by the last digit where their tables do; here they do not."""
        seen = run(driver, None, """
            const random = new Random(3);
            return Array.from({ length: 100000 }, () => random.normal());""")  # fmt: skip
        np.testing.assert_allclose(
            seen, np.random.default_rng(3).normal(size=100_000), rtol=2.3e-16, atol=0
        )

    def test_permutations_of_any_length(self, driver):
        lengths = [0, 1, 2, 3, 7, 8, 9, 100, 1000, 4097]
        seen = run(driver, None, """
            const random = new Random(5);
            return arguments[0].map((n) => Array.from(random.permutation(n)));
        """, lengths)  # fmt: skip
        rng = np.random.default_rng(5)
        assert seen == [rng.permutation(n).tolist() for n in lengths]


# Programs

WIDTHS = [(3, 2), (1, 1, 2), (2, 5, 1), (4, 1, 6, 3), (2, 9, 4, 1, 2), (1, 2, 3, 4, 5, 2)]


def check_widths(driver, printed, loss, activation, widths, bias=True):
    """Losses, gradients and the numbers of layers, of networks of some widths."""
    cases, engines = [], []
    for d in widths:
        X, y = examples(loss, 5, d[0], d[-1])
        net = MLP(d[0], d[1:], activation, bias, rng=np.random.default_rng(1))
        for p in net.parameters():
            p.data += 0.1
        engine = ProgramEngine(net, loss, X, y, SGD())
        engines.append((net, engine, X, y))
        cases.append((d, engine.theta.tolist(), X.tolist(), y.tolist()))
    seen = run(driver, printed, """
        const [activation, cases] = arguments;
        return cases.map(([widths, theta, X, y]) => {
          const net = new Net(widths, activation), given = data(X, y);
          net.theta.set(theta);
          const forward = Array.from(net.forward(given, all(5)));
          const losses = Array.from(net.backward(given, [4, 2, 2]));
          const layers = widths.map((d, l) => ["a", "x", "delta"].map((name) =>
            Array.from({ length: d }, (_, j) => net.number(name, l, j, 0))));
          const places = widths.slice(1).map((d, l) =>
            [net.weight(l + 1, d - 1, widths[l] - 1), net.bias(l + 1, 0)]);
          return [forward, losses, Array.from(net.gradient), layers, places, net.size];
        });""", activation, cases)  # fmt: skip
    for d, (net, engine, X, y), found in zip(widths, engines, seen, strict=True):
        forward, losses, gradient, layers, places, size = found
        close = {"rtol": 1e-11, "atol": 1e-12, "err_msg": f"{loss.__name__} {activation} {d}"}
        outputs, _ = engine.program(engine.columns(X, y), engine.theta)
        np.testing.assert_allclose(forward, outputs, **close)
        rows = [4, 2, 2]
        outputs, expected = engine.program(engine.columns(X[rows], y[rows]), engine.theta)
        np.testing.assert_allclose(losses, outputs, **close)
        np.testing.assert_allclose(gradient, expected, **close)
        assert size == len(engine.theta)
        # The numbers of layers, from a recorded example.
        root = engine.recording.example(4)
        root.backward()
        nodes = {v.label: v for v in autograd.topological_order(root) if v.label}
        assert layers[0][1] == X[4].tolist()
        for l in range(1, len(d)):
            a, x, delta = layers[l]
            of = [nodes[f"a{l}[{j}]"] for j in range(d[l])]
            np.testing.assert_allclose(a, [v.data for v in of], **close)
            np.testing.assert_allclose(delta, [v.grad for v in of], **close)
            of = [nodes.get(f"x{l}[{j}]", v) for j, v in enumerate(of)]
            np.testing.assert_allclose(x, [v.data for v in of], **close)
        labels = [p.label for p in net.parameters()]
        for l, (weight, b) in enumerate(places, start=1):
            assert labels[weight] == f"theta{l}[{d[l] - 1},{d[l - 1] - 1}]"
            assert labels[b] == f"b{l}[0]" if bias else b == -1


class TestPrograms:
    pytestmark = IN_BROWSER

    @pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll, categorical_nll])
    def test_any_widths(self, driver, loss):
        """Those of width 1 too, and other numbers of outputs than the data have."""
        X, y = examples(loss, 30, 2, 3)
        printed = programs(MLP(2, [4, 3]), loss, X, y)
        assert printed.activations == [*ACTIVATIONS]
        for k, activation in enumerate(ACTIVATIONS):
            some = WIDTHS if activation == "tanh" else WIDTHS[1 + k % 5 :: 5]
            if loss is categorical_nll:
                some = [d if d[-1] > 1 else (*d[:-1], 4) for d in some]
            check_widths(driver, printed, loss, activation, some)

    def test_without_bias_and_with_probabilities_as_targets(self, driver, few):
        X, y = examples(gaussian_nll, 9, 2, 1)
        printed = programs(MLP(2, [3, 1], bias=False), gaussian_nll, X, y)
        check_widths(driver, printed, gaussian_nll, "relu", WIDTHS, bias=False)
        printed = programs(MLP(2, [3, 3]), categorical_nll, X, np.eye(3)[[0, 1, 2] * 3])
        seen, = run(driver, printed, """
            const net = new Net([2, 1, 2], "relu");
            net.theta.fill(0.5);
            return [Array.from(net.forward(data([[1, 2]], [[0.25, 0.75]]), [0]))];""")  # fmt: skip
        np.testing.assert_allclose(seen, math.log(2.0))

    def test_a_loss_of_ones_own(self, driver, few):
        def absolute(a, y):
            return autograd.sum([abs(u - v) ** 1.5 for u, v in zip(a, y, strict=True)])

        def huber(a, y):
            return autograd.where(abs(a - y) - 1.0, abs(a - y) - 0.5, (a - y) ** 2 / 2.0)

        for loss, d_L in ((absolute, 3), (huber, 1)):
            X, y = examples(loss, 20, 2, d_L)
            printed = programs(MLP(2, [4, d_L], "tanh"), loss, X, y)
            assert printed.network["outputs"] == d_L
            assert printed.network["layers"]
            some = [(*d[:-1], d_L) for d in WIDTHS]
            check_widths(driver, printed, loss, "tanh", some)
            check_widths(driver, printed, loss, "relu", some[2:4])

    def test_an_activation_of_ones_own(self, driver, few, monkeypatch):
        sine = primitive("sine", lambda a: autograd.sin(a), lambda z, a: (autograd.cos(a),))
        row = Activation("sine", sine, np.sin, np.cos, lambda d_in, d_out: 6.0 / d_in**2)
        monkeypatch.setitem(ACTIVATIONS, "sine", row)
        X, y = examples(bernoulli_nll, 20, 2, 1)
        net = MLP(2, [3, 1], "sine", rng=np.random.default_rng(2))
        printed = programs(net, bernoulli_nll, X, y)
        check_widths(driver, printed, bernoulli_nll, "sine", WIDTHS)
        seen = run(driver, printed, "return Array.from(new Net([2, 3, 1], 'sine').start(2).theta);")
        np.testing.assert_allclose(seen, [p.data for p in net.parameters()], rtol=1e-15)

    def test_hidden_layers_of_several_kinds(self, driver, few):
        X, y = examples(gaussian_nll, 8, 2, 1)
        net = MLP(2, [3, 4, 1], ["tanh", "relu"], rng=np.random.default_rng(4))
        printed = programs(net, gaussian_nll, X, y)
        engine = ProgramEngine(net, gaussian_nll, X, y, SGD())
        theta, losses = run(driver, printed, """
            const net = new Net([2, 3, 4, 1], NETWORK.activation).start(4);
            return [Array.from(net.theta), Array.from(net.forward(data(...arguments), all(8)))];
        """, X.tolist(), y.tolist())  # fmt: skip
        np.testing.assert_allclose(theta, engine.theta, rtol=1e-15)
        expected, _ = engine.program(engine.columns(X, y), engine.theta)
        np.testing.assert_allclose(losses, expected, rtol=1e-12)

    def test_a_network_that_is_no_usual_one(self, driver):
        class Skips(Module):
            def __init__(self):
                self.layers = [Layer(2, 2, "tanh"), Layer(2, 1, "linear")]

            def parameters(self):
                return [p for layer in self.layers for p in layer.parameters()]

            def __call__(self, x):
                return self.layers[1]([u + v for u, v in zip(x, self.layers[0](x), strict=True)])

        net = Skips()
        X, y = examples(gaussian_nll, 8, 2, 1)
        printed = programs(net, gaussian_nll, X, y, Adam())
        assert printed.activations == ["own"]
        assert not printed.network["layers"]
        given = {
            "widths": [2, 1], "activation": "own", "seed": 1, "X": X.tolist(), "y": y.tolist(),
            "theta": printed.network["theta"], "b": 3, "lr": 0.1, "optimizer": "adam",
        }  # fmt: skip
        theta = run(driver, printed, """
            const training = begun(arguments[0]);
            for (let u = 0; u < 20; u++) training.update();
            return Array.from(training.net.theta);""", given)  # fmt: skip
        fit(net, gaussian_nll, X, y, epochs=10, batch_size=3, lr=0.1, optimizer="adam",
            rng=np.random.default_rng(1), progress=False)  # fmt: skip
        np.testing.assert_allclose(theta, [p.data for p in net.parameters()], atol=1e-11)


# Trainings


class Lion(Optimizer):
    """The sign of a mean (Chen et al. 2023)."""

    def start(self, m):
        return {"mean": np.full(m, 0.125)}

    def update(self, state, theta, g, lr):
        step = lr * np.sign(0.9 * state["mean"] + 0.1 * g)
        state["mean"] *= 0.99
        state["mean"] += 0.01 * g
        return step

    def __init__(self, parameters=None, lr=None):
        super().__init__(parameters, lr)


TRAIN = """
const training = begun(arguments[0]);
const batches = [];
while (training.updates < arguments[1] && training.update()) {
  batches.push([training.epoch, training.b, training.rate]);
}
const { losses, diverged, updates, evaluations, net } = training;
return { losses, diverged, updates, evaluations, batches, theta: Array.from(net.theta) };
"""


class TestTrainings:
    pytestmark = IN_BROWSER

    @pytest.mark.parametrize(
        ("loss", "widths", "activation", "optimizer", "name", "settings"),
        [
            (gaussian_nll, [2, 6, 4, 1], "tanh", None, "sgd", {}),
            (gaussian_nll, [1, 5, 2], "gelu", SGD(momentum=0.9, weight_decay=0.01), "sgd",
             {"momentum": 0.9, "weight_decay": 0.01}),
            (bernoulli_nll, [2, 5, 5, 1], "relu", "adam", "adam", {}),
            (bernoulli_nll, [3, 1], "tanh", RMSprop(momentum=0.5), "rmsprop", {"momentum": 0.5}),
            (categorical_nll, [2, 4, 3], "silu", SGD(momentum=0.8, nesterov=True), "sgd", None),
            (categorical_nll, [2, 3, 3, 3], "softplus", "adamw", "adamw", {}),
            (gaussian_nll, [2, 4, 1], "sigmoid", Lion(), "lion", None),
        ],
    )  # fmt: skip
    def test_a_seed_alone_gives_the_training_of_fit(
        self, driver, loss, widths, activation, optimizer, name, settings
    ):
        """With batches that grow and a rate that falls; settings in the page, or as given."""
        X, y = examples(loss, 50, widths[0], widths[-1])
        net = MLP(widths[0], widths[1:], activation, rng=np.random.default_rng(11))
        printed = programs(net, loss, X, y, optimizer if settings is None else None)
        given = {
            "widths": widths, "activation": activation, "seed": 11, "X": X.tolist(),
            "y": y.tolist(), "grows": [3, 2, 15], "falls": [0.05, 100.0], "optimizer": name,
            "settings": settings or {},
        }  # fmt: skip
        seen = run(driver, printed, TRAIN, given, 500)
        losses, rates = [], inverse_time(0.05, 100.0)
        history = fit(
            net, loss, X, y, epochs=110, batch_size=growing(3, 2, 15), lr=rates,
            optimizer=optimizer, rng=np.random.default_rng(11), progress=False, engine="program",
            callbacks=[lambda epoch, update, value, net: losses.append(value)],
        )  # fmt: skip
        assert len(losses) == 500
        assert seen["updates"] == 500
        assert seen["diverged"] is None
        np.testing.assert_allclose(seen["losses"], losses, rtol=0, atol=1e-9)
        theta = [p.data for p in net.parameters()]
        np.testing.assert_allclose(seen["theta"], theta, rtol=0, atol=1e-9)
        batches = {epoch: (b, rate) for epoch, b, rate in seen["batches"]}
        assert [(row.batch_size, row.lr) for row in history] == list(batches.values())
        assert seen["evaluations"] == sum(b for _, b, _ in seen["batches"])

    @pytest.mark.parametrize("lr", [20.0, 1e200, 1.7e308])
    def test_it_stops_where_fit_does(self, driver, few, lr):
        """At a loss, or a step, that is not finite; parameters are those from before."""
        X, y = examples(gaussian_nll, 12, 2, 1)
        y *= 100.0
        net = MLP(2, [3, 1], "relu", rng=np.random.default_rng(0))
        printed = programs(net, gaussian_nll, X, y)
        given = {
            "widths": [2, 3, 1], "activation": "relu", "seed": 0, "X": X.tolist(),
            "y": y.tolist(), "b": 4, "lr": lr,
        }  # fmt: skip
        seen = run(driver, printed, TRAIN, given, 400)
        with pytest.raises(FloatingPointError, match=f"update {seen['diverged']['update']}:"):
            fit(net, gaussian_nll, X, y, epochs=200, batch_size=4, lr=lr, progress=False,
                rng=np.random.default_rng(0))  # fmt: skip
        assert seen["updates"] == seen["diverged"]["update"] - 1
        assert (seen["diverged"]["loss"] is None) == (lr < 1e300)  # else it is the step
        np.testing.assert_allclose(
            seen["theta"], [p.data for p in net.parameters()], rtol=1e-9, atol=1e-12
        )

    def test_a_snapshot_gives_the_same_bits_again(self, driver, few):
        """As often as it is restored; in the midst of an epoch, other settings in between."""
        X, y = examples(categorical_nll, 20, 2, 3)
        printed = programs(MLP(2, [3, 3], "tanh"), categorical_nll, X, y)
        given = {
            "widths": [2, 3, 3], "activation": "tanh", "seed": 8, "X": X.tolist(), "b": 3,
            "y": y.tolist(), "lr": 0.1, "optimizer": "adam",
        }  # fmt: skip
        first, again, other, state = run(driver, printed, """
            const training = begun(arguments[0]);
            const on = (n) => {
              for (let u = 0; u < n; u++) training.update();
              return [training.losses.length, ...training.losses.slice(-n), ...training.net.theta,
                training.epoch, training.updates, training.evaluations, ...training.rows];
            };
            on(8);
            const kept = training.snapshot();
            const first = on(15);
            training.change({ rate: () => 0.5, settings: { weight_decay: 0.1 }, size: () => 5 });
            training.restore(kept);
            const again = on(15);
            training.restore(kept);
            training.change({ rate: () => 0.5, settings: { weight_decay: 0.1 }, size: () => 5 });
            const other = on(15);
            training.restore(kept);
            const { b, settings, rate } = training;
            return [first, again, other, [b, settings.weight_decay, rate]];
        """, given)  # fmt: skip
        assert first == again
        assert first[:16] != other[:16]
        assert other[-5:] != first[-5:]
        assert state == [3, 0, 0.1]

    def test_speed(self, driver, few):
        """Printed only."""
        for loss, widths in ((gaussian_nll, [2, 16, 16, 1]), (categorical_nll, [64, 32, 10])):
            X, y = examples(loss, 200, widths[0], widths[-1])
            printed = programs(MLP(widths[0], widths[1:], "tanh"), loss, X, y)
            given = {
                "widths": widths, "activation": "tanh", "seed": 0, "X": X.tolist(),
                "y": y.tolist(), "b": 16, "lr": 0.01,
            }  # fmt: skip
            rate = run(driver, printed, """
                const training = begun(arguments[0]), go = (n) => {
                  const start = performance.now();
                  for (let u = 0; u < n; u++) training.update();
                  return n / (performance.now() - start) * 1000;
                };
                go(300);
                return go(600);""", given)  # fmt: skip
            print(f"{widths}, b = 16: {rate:.0f} updates a second")


# What can be told without a browser


def small(loss=gaussian_nll, activation="tanh", optimizer=None):
    X, y = examples(loss, 6, 2, 1)
    return programs(MLP(2, [2, 1], activation), loss, X, y, optimizer)


@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll, categorical_nll])
def test_no_number_of_the_recorded_widths_stands_in_a_program(loss):
    """Recorded at other widths, it is the same text."""
    family = printing._Family(loss, loss is categorical_nll, None, True, ())
    pool = printing.Kernels()
    for activation in ("tanh", "relu", "gelu"):
        first, other = (family.program((activation,) * 2, pool, None, k) for k in (0, 3))
        assert first == other, activation


def test_a_loss_that_depends_on_the_widths_leaves_the_network_as_it_is(few):
    def hidden(a, y):
        return (a - y) ** 2 * float(len(a.inputs))

    printed = small(hidden)
    assert not printed.network["layers"]
    assert printed.activations == ["own"]


@pytest.mark.slow
def test_texts_are_small():
    for loss in (gaussian_nll, bernoulli_nll, categorical_nll):
        X, y = examples(loss, 6, 2, 3)
        printed = programs(MLP(2, [2, 3]), loss, X, y)
        assert len(squeezed(printed.text)) + len(SCRIPT) < 150_000


def test_what_is_opened_is_closed(few):
    for loss in (gaussian_nll, categorical_nll):
        text = small(loss).text
        assert text.count("{") > 100
        assert [text.count(a) - text.count(b) for a, b in ("{}", "()", "[]")] == [0, 0, 0]


def test_what_cannot_be_printed_is_not_offered(few, monkeypatch):
    floored = primitive("floored", lambda a: float(math.floor(a)), lambda z, a: (0.0,))
    row = Activation("floored", floored, np.floor, np.zeros_like, activations.he)
    odd = Activation("odd", autograd.sin, np.sin, np.cos, lambda n, m: math.sqrt(n))

    class Drawn(Lion):
        def update(self, state, theta, g, lr):
            return lr * g if g[0] > 0 else 2.0 * lr * g

    monkeypatch.setitem(ACTIVATIONS, "floored", row)
    monkeypatch.setitem(ACTIVATIONS, "odd", odd)
    monkeypatch.setitem(optimizers.OPTIMIZERS, "drawn", Drawn)
    monkeypatch.setitem(optimizers.OPTIMIZERS, "lion", Lion)
    printed = small()
    assert not {"floored", "odd"} & {*printed.activations}
    assert printed.optimizers == ["sgd", "rmsprop", "adam", "adamw", "lion"]
    assert "odd" in small(activation="odd").activations  # though not from a seed
    with pytest.raises(ValueError, match="the primitive 'floored' can't run on arrays"):
        small(activation="floored")
    with pytest.raises(ValueError, match=r"the optimizer Drawn\(\) can't be printed: "):
        small(optimizer=Drawn())


def test_a_state_must_start_at_one_number(few):
    class Ramp(Lion):
        def start(self, m):
            return {"mean": np.arange(float(m))}

    with pytest.raises(ValueError, match="the state 'mean' does not start at one number"):
        small(optimizer=Ramp())
