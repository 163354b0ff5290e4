"""Programs and trainings printed as JavaScript for pages, run by a real browser.

Random graphs, and what users write, are compared with the program; trainings with `ProgramEngine`.
"""

import base64
import re

import numpy as np
import pytest
from random_graphs import RandomGraph, cube, hypot, record
from random_patterns import PatternGraph
from test_native import Signs, floored, graphs, squareplus
from test_recurrences import kalman, pendulum

import autograd
from autograd import primitive
from autograd.compiler import javascript, kernels, scripts
from nn import MLP, SGD, Adam, AdamW, RMSprop, bernoulli_nll, categorical_nll, gaussian_nll
from nn.train.batches import Batch
from nn.train.engines import ProgramEngine
from nn.train.tracing import traced
from tests import browser
from tests.cases import ACTIVATIONS, HARD_POWERS, LOSSES, hard_power, many

CHROMIUM = [pytest.mark.slow, pytest.mark.tools("browser")]

# Bytes, as numbers that are not finite would not go through JSON.
RUN = """
const decode = (kind, text) =>
  new kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const encode = (array) =>
  btoa(Array.from(new Uint8Array(array.buffer), (c) => String.fromCharCode(c)).join(""));
const train = (net, step, b, m) => {
  const { rows } = m, state = (name) => `state.${name}`;
  const names = Object.keys(m).filter((n) => n.startsWith("state.")).map((n) => n.slice(6));
  let now = Object.fromEntries(names.map((name) => [name, m[state(name)]]));
  let next = Object.fromEntries(names.map((name) => [name, m[state(name)].slice()]));
  for (let u = 0; u < m.rates.length; u++) {
    m.rows = rows.subarray(u * b, (u + 1) * b);
    net.backward(b, m);
    m.losses[u] = m.out.reduce((total, loss) => total + loss) / b;
    if (!Number.isFinite(m.losses[u])) return u;
    if (!step(m, m.rates[u], b, {}, now, next)) return -u - 1;
    [now, next] = [next, now];
    for (const name of names) m[state(name)] = now[name];
  }
  return m.rates.length;
};
return arguments[1].map(([script, call, b, arrays, rows]) => {
  const [net, step] = new Function(`${arguments[0]}\\n${script}`)();
  const m = net.memory(b);
  for (const name in m) m[name].fill(NaN);
  for (const name in arrays) m[name] = decode(Float64Array, arrays[name]);
  m.rows = Int32Array.from(rows);
  const made = call === "train" ? train(net, step, b, m) : net[call](b, m);
  const seen = {};
  for (const name in m) if (name !== "rows") seen[name] = encode(m[name]);
  return [made ?? null, seen];
});
"""

BEFORE = f"{javascript.RUNTIME}\n{kernels.PRODUCTS}"
PLAIN = scripts.rule(traced(SGD()), {})


def script(program, inputs, classes=0, rule=PLAIN):
    """Both passes of a program, and a rule, as what a page runs."""
    pool = kernels.Kernels()
    passes = scripts.passes(program, inputs, classes, pool)
    return f"{pool.text}\nreturn [({passes})([]), {rule}];"


class Pages:
    """Runs what is printed; all in one page."""

    def __init__(self, driver):
        self.driver = driver

    def __call__(self, jobs):
        """Of each job (script, call, b, arrays, rows): what it returned, and all arrays."""
        sent = [
            (script, call, b, {k: encoded(a) for k, a in arrays.items()}, np.ravel(rows).tolist())
            for script, call, b, arrays, rows in jobs
        ]
        for made, seen in self.driver.execute_script(RUN, BEFORE, sent):
            yield made, {k: np.frombuffer(base64.b64decode(a)) for k, a in seen.items()}


def encoded(array):
    return base64.b64encode(np.asarray(array, dtype=float).tobytes()).decode()


@pytest.fixture(scope="module")
def pages():
    driver = browser.start()
    yield Pages(driver)
    driver.quit()


# Programs


def jobs_of(program, rows, theta):
    """Jobs for a program: forward, backward, and an update."""
    b, text = len(rows), script(program, len(program.inputs) - 1)
    arrays = {
        "X": rows[:, :-1], "y": rows[:, -1], "theta": theta,
        "gradient": np.full(len(theta), np.nan), "rates": [0.25], "losses": [np.nan],
        "step": np.empty(len(theta)),
    }  # fmt: skip
    # Backwards, so that they are looked up.
    arrays["X"], arrays["y"] = arrays["X"][::-1], arrays["y"][::-1]
    places = np.arange(b)[::-1]
    return [(text, call, b, arrays, places) for call in ("forward", "backward", "train")]


def compare(seen, program, rows, theta, which):
    """What the jobs of a program gave, beside what it gives."""
    (_, forward), (_, backward), (made, trained) = seen
    outputs, gradient = program(rows, theta)
    size = 1.0 + max(np.abs(outputs).max(), np.nan_to_num(np.abs(gradient)).max())
    close = {"rtol": 1e-11, "atol": 1e-12 * size, "err_msg": which}
    np.testing.assert_array_equal(forward["out"], backward["out"], err_msg=which)
    np.testing.assert_allclose(forward["out"], outputs, **close)
    assert np.isnan(forward["gradient"]).all()
    if not np.isfinite(outputs.sum()):
        assert made == 0, which
        np.testing.assert_array_equal(trained["theta"], theta)
        return False
    np.testing.assert_allclose(backward["gradient"], gradient, **close)
    np.testing.assert_array_equal(backward["theta"], theta)
    if made == 1:
        np.testing.assert_allclose(trained["losses"], outputs.mean(), **close)
        np.testing.assert_allclose(trained["gradient"], gradient, **close)
        step = 0.25 / len(rows) * gradient
        np.testing.assert_allclose(trained["theta"], theta - step, **close)
    return made == 1


def check_programs(pages, cases):
    """Run programs in the page."""
    jobs = [job for _, program, *given in cases for job in jobs_of(program, *given)]
    seen = list(pages(jobs))
    return sum([
        compare(seen[3 * k : 3 * k + 3], program, rows, theta, str(which))
        for k, (which, program, rows, theta) in enumerate(cases)
    ])  # fmt: skip


class TestInABrowser:
    pytestmark = CHROMIUM

    @pytest.mark.parametrize("kind", [RandomGraph, PatternGraph])
    def test_random_graphs(self, pages, kind):
        cases = [
            (f"{kind.__name__}({seed})", program, rows, np.array(numbers, dtype=float))
            for seed, program, rows, numbers in graphs(kind, range(many(80)))
        ]
        assert check_programs(pages, cases) > many(80) // 8

    def test_graphs_of_several_outputs(self, pages):
        """A page asks for those of a network, with all columns as inputs."""
        jobs, expected = [], []
        for seed in range(many(40)):
            graph = RandomGraph(seed)
            rows = np.reshape(graph.rows, (len(graph.rows), -1)).astype(float)
            inputs, parameters, roots = record(graph, graph.rows[0], graph.numbers)
            if len(roots) == 1 or not inputs:
                continue
            program = autograd.compile(roots, inputs, parameters)
            text = script(program, len(inputs))
            arrays = {"X": rows, "y": [], "theta": graph.numbers}
            jobs.append((text, "forward", len(rows), arrays, np.arange(len(rows))))
            expected.append(program.forward(rows))
        assert len(jobs) > many(40) // 5
        for (_, seen), outputs in zip(pages(jobs), expected, strict=True):
            ours = seen["out"].reshape(outputs.shape)
            np.testing.assert_allclose(ours, outputs, rtol=1e-11, atol=1e-12)

    def test_powers_at_signed_zeros_and_nan(self, pages):
        inputs, parameters, (root,) = record(hard_power, [0.0, 0.0], [2.0, 3.0])
        program, rows = autograd.compile(root, inputs, parameters), np.zeros((4, 2))
        jobs = [jobs_of(program, rows, np.array(theta))[1] for theta in HARD_POWERS]
        for (_, seen), theta in zip(pages(jobs), HARD_POWERS, strict=True):
            np.testing.assert_array_equal(seen["gradient"], program(rows, theta)[1], str(theta))

    def test_recurrences_and_what_people_write(self, pages):
        def own(x, p):
            return squareplus(p[0] * x[0]) + cube(p[1] * x[1]) * hypot(p[0], x[1])

        def largest(x, p):
            """All are negative; the largest has the gradient."""
            return autograd.max([-autograd.exp(a * x[0]) * x[1] ** 2 for a in p])

        def far_apart(x, p):
            """Parameters here and there, by a table of their places."""
            terms = [autograd.tanh(p[k * k % 300] * x[k % 2]) for k in range(60)]
            return autograd.sum(terms) * p[0]

        rng, cases = np.random.default_rng(0), []
        kinds = [(kalman(24), 24, 2), (pendulum(24), 2, 1), (own, 2, 2), (largest, 2, 5),
                 (far_apart, 2, 300)]  # fmt: skip
        for build, n, m in kinds:
            rows, theta = 0.5 * rng.normal(size=(3, n)), 0.5 * rng.normal(size=m)
            inputs, parameters, (root,) = record(build, rows[0], theta)
            program = autograd.compile(root, inputs, parameters)
            loops = [s for s in program._written.listing.statements if s.body]
            assert (len(loops) > 0) == (n == 24 or m == 1)
            cases += [(str(build), program, rows[:b], theta) for b in (3, 1)]
        assert check_programs(pages, cases) == 10

    @pytest.mark.parametrize("b", [1, 5])
    def test_losses_and_activations(self, pages, b):
        check_trainings(pages, [
            Case(loss, activation=activation, b=b, targets=targets)
            for activation in ACTIVATIONS
            for loss in LOSSES
            for targets in ([1, 2] if loss is gaussian_nll else [1])
        ])  # fmt: skip

    def test_optimizers(self, pages):
        rules = [
            SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), SGD(weight_decay=0.1), Adam(),
            AdamW(), RMSprop(), RMSprop(momentum=0.5, centered=True), Signs(),
        ]  # fmt: skip
        check_trainings(pages, [Case(loss, rule) for rule in rules for loss in LOSSES])

    def test_products_of_all_sizes(self, pages):
        """Tiles have 4 rows and columns, and at the edges one."""
        check_trainings(pages, [Case(categorical_nll, b=b, widths=widths)
                                for b in (2, 4, 7, 8)
                                for widths in ([4, 5, 3], [9, 2], [6, 8, 4])])  # fmt: skip

    def test_networks_without_bias_and_losses_of_ones_own(self, pages):
        def huber(a, y):
            return squareplus(a - y) * autograd.where(a - y, 1.0, 0.5)

        check_trainings(pages, [Case(loss, bias=bias, b=b) for bias in (False, True)
                                for loss in (huber, bernoulli_nll) for b in (1, 3)])  # fmt: skip

    def test_it_stops_before_what_is_not_finite(self, pages):
        """As many updates are made as by the program, and no parameter has changed since."""
        made = check_trainings(pages, [
            Case(gaussian_nll, rule, activation=activation, b=b, far=far)
            for b in (1, 4)
            for rule, activation, far in [
                (SGD(), "relu", (9, 1e200, 1.0)), (Adam(), "linear", (0, 1e300, 1.0)),
                (SGD(), "linear", (7, 1e150, 1e12)), (Adam(eps=0.0), "relu", (1, 1.0, 1.0)),
                (SGD(momentum=0.5), "linear", (6, 1e150, 1e12)),
            ]
        ])  # fmt: skip
        assert made == 2 * [9, 0, -8, -1, -7]


# Trainings

UPDATES = 50


class Case:
    """A training: by the program, in NumPy, and what a page needs for it."""

    def __init__(self, loss, rule=None, *, activation="tanh", b=3, targets=1, widths=(5, 4),
                 bias=True, lr=0.05, far=None):  # fmt: skip
        rng = np.random.default_rng(0)
        self.b, self.finite = b, far is None
        self.which = f"{loss.__name__} {rule!r} {activation} b={b} {widths}"
        widths = [*widths, targets if loss is not categorical_nll else 3]
        X = rng.normal(size=(30, 3))
        y = rng.normal(size=(30, targets) if targets > 1 else 30)
        if loss is not gaussian_nll:
            y = rng.integers(widths[-1] if widths[-1] > 1 else 2, size=30).astype(float)
        self.rows = rng.integers(30, size=(UPDATES, b))
        if far is not None:
            update, x, faster = far
            X[0] = x
            self.rows[self.rows == 0] = 1
            self.rows[update, -1] = 0
        net = MLP(3, widths, activation, bias, rng=rng)
        engine = self.engine = ProgramEngine(net, loss, X, y, rule or SGD())
        self.rates = lr * rng.uniform(0.5, 1.0, size=UPDATES)
        if far is not None:
            self.rates[update] *= faster
        classes = engine.recording.d_L if engine.recording.one_hot and y.ndim == 1 else 0
        size = len(engine.theta)
        given = {f"state.{name}": np.array(array) for name, array in engine.state.items()}
        state = {name: array.ndim > 0 for name, array in engine.state.items()}
        text = script(engine.program, 3, classes, scripts.rule(traced(engine.rule), state))
        given |= {
            "X": X, "y": y, "theta": engine.theta, "gradient": np.full(size, np.nan),
            "rates": self.rates, "losses": np.full(UPDATES, np.nan), "step": np.empty(size),
        }  # fmt: skip
        self.job = text, "train", b, {k: np.array(v) for k, v in given.items()}, self.rows
        self.X, self.y = X, y

    def train(self):
        """The losses of the updates that can be made."""
        losses = []
        for rows, lr in zip(self.rows, self.rates, strict=True):
            batch = Batch(self.engine.columns(self.X[rows], self.y[rows]), rows)
            try:
                with np.errstate(all="ignore"):
                    losses.append(self.engine.train_on(batch, lr))
            except FloatingPointError:
                break
        return losses


def check_trainings(pages, cases):
    """The same in the page as by the program; what the page returned."""
    returned = []
    for case, (made, seen) in zip(cases, pages([case.job for case in cases]), strict=True):
        losses, engine = case.train(), case.engine
        done = -made - 1 if made < 0 else made
        close = {"rtol": 1e-11, "atol": 1e-11, "err_msg": case.which}
        assert done == len(losses), case.which
        assert (done == UPDATES) == case.finite, case.which
        np.testing.assert_allclose(seen["losses"][:done], losses, **close)
        np.testing.assert_allclose(seen["theta"], engine.theta, **close)
        if case.finite:
            engine.write()
            gradient = [p.grad for p in engine.parameters]
            np.testing.assert_allclose(seen["gradient"] / case.b, gradient, **close)
            for name, array in engine.state.items():
                np.testing.assert_allclose(seen[f"state.{name}"], np.ravel(array), **close)
        elif made < 0:
            assert not np.isfinite(seen["step"]).all()
        returned.append(made)
    return returned


# What can be told without a browser


def one(function):
    """The program of a function of an input, a target and a parameter."""
    x, y, p = autograd.Value(0.5), autograd.Value(0.25), autograd.Value(2.0)
    return autograd.compile(function(p * x) - y, [x, y], [p])


def test_a_row_that_cannot_be_printed_is_refused_by_name(monkeypatch):
    with pytest.raises(ValueError, match=r"JavaScript can't print the primitive 'floored' \("):
        script(one(floored), 1)
    monkeypatch.setattr(javascript, "CALLED", javascript.CALLED - {"tanh"})
    lacks = "the primitive 'tanh' uses the function 'tanh', which the printer for JavaScript lacks"
    with pytest.raises(ValueError, match=lacks):
        script(one(autograd.tanh), 1)
    own = primitive("own", lambda x: 2.0 * autograd.tanh(x), lambda z, x: (1.0 - x,))
    with pytest.raises(ValueError, match=lacks.replace("primitive 'tanh'", "primitive 'own'")):
        script(one(own), 1)

    def rule(m, state, theta, g, lr):
        return m.make("tanh", g) * lr, {}

    with pytest.raises(ValueError, match="JavaScript can't print the rule's 'tanh'"):
        scripts.rule(rule, {})


def test_what_stays_the_same_in_a_loop_is_computed_before_it():
    text = script(one(autograd.tanh), 1)
    parameter, inside = re.search(
        r"const (t\d+) = m\d\[0\];\nfor [^\n]*\nm\d\[i\d\] = (t\d+) \* m\d\[i\d \* 2\];", text
    ).groups()
    assert parameter == inside


def test_loops_that_differ_in_nothing_but_places_are_one_function():
    net, rng = MLP(3, [4, 4, 4, 4, 2], "tanh"), np.random.default_rng(0)
    engine = ProgramEngine(net, gaussian_nll, rng.normal(size=(5, 3)), np.ones((5, 2)), SGD())
    text = script(engine.program, 3)
    assert len(re.findall(r"tanh\(m\d", text)) == 2  # of the first layer, which stands at 0
    assert len(re.findall(r"^k\d+\(", text, flags=re.MULTILINE)) > len(
        re.findall(r"^function k\d+", text, flags=re.MULTILINE)
    )
