"""The tape machine: any graph in machine code, with the numbers of the graph.

Here it runs graphs of all sizes and batches of all sizes; else only where it is worth while.
"""

import copy
import functools
import gc
import itertools
import math
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from random_graphs import RandomGraph, by_graph, mixed, record, values
from random_patterns import PatternGraph

import autograd
from autograd import Value, compiler, primitive
from autograd import primitives as p
from autograd.compiler import tape
from autograd.compiler.structure import Kept
from autograd.compiler.tape import Tape
from autograd.functions import apply
from nn import MLP, categorical_nll
from tests.cases import for_each, many

pytest.importorskip("llvmlite")

INF, NAN = math.inf, math.nan
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    3.0,
    -2.5,
    30.0,
    710.0,
    -745.0,
    1e-320,
    1e300,
    INF,
    -INF,
    NAN,
]


@pytest.fixture(autouse=True)
def runs(monkeypatch):
    """All graphs run on the machine, in batches too. How many examples each run had."""
    found = []
    run = Tape.__call__

    @functools.wraps(run)
    def noted(self, batch, *rest):
        outputs = run(self, batch, *rest)
        if outputs is not None:
            found.append(len(batch))
        return outputs

    monkeypatch.setattr(Tape, "__call__", noted)
    monkeypatch.setattr(tape, "SMALLEST", 0)
    monkeypatch.setattr(tape, "OPERATION", 10**9)
    monkeypatch.setattr(compiler, "_kept", Kept())
    return found


def compiled(build, n, m):
    inputs, parameters, roots = record(build, [0.5] * n, [0.75] * m)
    return autograd.compile(roots if len(roots) > 1 else roots[0], inputs, parameters)


def assert_same(build, rows, numbers, tolerance=1e-12):
    """A tape gives the numbers of the graph, of all rows and of each."""
    rows = np.reshape(np.array(rows, float), (len(rows), -1))
    inputs, parameters, roots = record(build, rows[0], numbers)
    program = autograd.compile(roots, inputs, parameters)
    with np.errstate(all="ignore"):
        outputs, gradient, size = by_graph(build, rows.tolist(), numbers)
    atol = tolerance * size if math.isfinite(size) else 0.0
    found, slopes = program(rows, numbers)
    np.testing.assert_allclose(found, outputs, rtol=1e-12, atol=atol)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-12, atol=atol)
    np.testing.assert_array_equal(program.forward(rows, numbers), found)
    alone = [program(row[None], numbers) for row in rows]
    np.testing.assert_array_equal(np.concatenate([outputs for outputs, _ in alone]), found)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(sum(d for _, d in alone), slopes, rtol=1e-12, atol=atol)


# Any graph


@pytest.mark.parametrize("kind", [RandomGraph, PatternGraph])
def test_any_graph(kind, runs):
    seeds = range(many(60))
    for seed in seeds:
        graph = kind(seed)
        try:
            assert_same(graph, graph.rows, graph.numbers)
        except Exception as error:
            raise AssertionError(f"{kind.__name__}({seed})") from error
    assert len(runs) >= 3 * len(seeds)  # each with and without gradient, and row by row


def test_any_graph_at_kinks_and_where_numbers_are_not_finite():
    differ = 0
    for seed in range(many(100)):
        graph, rng = RandomGraph(seed), np.random.default_rng(seed)
        special = [0.0, -0.0, 1.0, -1.0, 2.0, INF, -INF, NAN]
        odds = [0.2, 0.1, 0.2, 0.2, 0.1, 0.08, 0.07, 0.05]
        row = rng.choice(special, (1, graph.counts[0]), p=odds)
        numbers = rng.choice(special, graph.counts[1], p=odds).tolist()
        try:
            assert_same(graph, row, numbers)
        except AssertionError:
            differ += 1
    assert differ == 0


# Each row of the table

FEW = [0.0, -0.0, 1.0, -2.5, 710.0, INF, -INF, NAN]
VECTORS = [
    *[x for n in (1, 2) for x in itertools.product(FEW, repeat=n)],
    *[*itertools.product(FEW, repeat=3)][::5],
    *[tuple(np.random.default_rng(n).normal(0.0, 3.0, n).tolist()) for n in range(4, 12)],
    (2.0, 1.0, 2.0, 2.0, -1.0), (1e308, 1e308, -1e308, 0.5), (5.0,) * 40,
]  # fmt: skip


def arguments_of(row):
    """Arguments for a row, each a number or a vector."""
    if row in (p.SUM, p.LOGSUMEXP, p.MAX):
        return [(x,) for x in VECTORS]
    if row is p.DOT:
        pairs = [(x, x[::-1]) for x in VECTORS]
        return [*pairs, *[((*w, 1.5), x) for w, x in pairs]]
    if row is p.WHERE:
        return [(x,) for x in VECTORS if len(x) == 3]
    if row in (p.ADD, p.SUB, p.MUL, p.DIV, p.POW):
        # At these the row for arrays and expressions has other derivatives than that for floats.
        differ = [(NAN, 0.0), (NAN, -0.0), (-0.0, 1e-320)] if row is p.POW else []
        pairs = itertools.product(SPECIAL, repeat=2)
        return [pair for pair in pairs if str(pair) not in map(str, differ)]
    return [(x,) for x in SPECIAL]


def flat(arguments):
    return [v for x in arguments for v in (x if type(x) is tuple else (x,))]


def nested(numbers, arguments):
    """Numbers, nested as the arguments are."""
    numbers = iter(numbers)
    return tuple(
        tuple(next(numbers) for _ in x) if type(x) is tuple else next(numbers) for x in arguments
    )


@for_each("row", p.TABLE, ids=[row.symbol for row in p.TABLE])
def test_a_row_alone_is_that_of_floats(row):
    programs = {}
    for arguments in arguments_of(row):
        given = flat(arguments)
        form = tuple(len(x) if type(x) is tuple else 0 for x in arguments)
        if form not in programs:
            leaves = values(*given)
            node = apply(row, *nested(leaves, arguments))
            programs[form] = autograd.compile(node, [], leaves)
        z, partials = row.at(*arguments)
        ds = [
            d for x, part in zip(arguments, partials, strict=True)
            for d in (part[: len(x)] if type(x) is tuple else [part])
        ]  # fmt: skip
        found, gradient = programs[form](np.zeros((1, 0)), given)
        # A sum of floats is exact, in eager mode alone.
        atol = 4e-16 * sum(map(abs, flat(arguments))) if row in (p.SUM, p.DOT) else 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            np.testing.assert_allclose(
                found, [z], rtol=2e-15, atol=atol if math.isfinite(atol) else 0.0,
                err_msg=str(arguments),
            )  # fmt: skip
        np.testing.assert_allclose(gradient, ds, rtol=2e-15, err_msg=str(arguments))


@for_each("row", [p.ADD, p.SUB, p.MUL, p.DIV, p.POW, p.DOT, p.WHERE, p.MAX, p.LOGSUMEXP, p.SUM])
def test_an_argument_may_be_a_parameter_an_input_or_a_number(row):
    arguments = ((1.5, 0.5), (0.25, 3.0)) if row is p.DOT else ((1.5, 0.5, -2.0),)
    if row in (p.ADD, p.SUB, p.MUL, p.DIV, p.POW):
        arguments = (1.5, 2.0)
    given = flat(arguments)
    expected = flat([
        part[: len(x)] if type(x) is tuple else part
        for x, part in zip(arguments, row.at(*arguments)[1], strict=True)
    ])  # fmt: skip
    for kinds in itertools.product("pin", repeat=len(given)):
        if set(kinds) == {"n"}:
            continue
        leaves = [x if kind == "n" else Value(x) for x, kind in zip(given, kinds, strict=True)]
        of = {kind: [v for v, k in zip(leaves, kinds, strict=True) if k == kind] for kind in "pi"}
        node = apply(row, *nested(leaves, arguments))
        program = autograd.compile(node, of["i"], of["p"])
        outputs, gradient = program([[v.data for v in of["i"]]])
        ds = [d for d, kind in zip(expected, kinds, strict=True) if kind == "p"]
        np.testing.assert_allclose(outputs, [row.at(*arguments)[0]], rtol=1e-15)
        np.testing.assert_allclose(gradient, ds, rtol=1e-15)


# What a graph may be


def test_numbers_that_are_used_twice_get_both_shares():
    def build(x, p):
        v = p[0] * p[0] + p[0] / p[0]
        return autograd.dot([v, v, p[1]], [v, p[1], v], v) + autograd.max([v, v, p[1]]) + v**2

    assert_same(build, [[]], [1.5, 0.25])


@for_each("c", [2.0, 3.0, 1.0, 0.0, -1.0, 0.5, -0.5, 2.5])
def test_powers_by_plain_numbers(c):
    for x in (0.5, -2.0, 0.0, -0.0, 1e200, INF, -INF):
        assert_same(lambda _, p: p[0] ** c + c ** p[1], [[]], [x, 0.7], tolerance=0.0)


def test_what_is_not_taken_gets_no_share():
    def build(x, p):
        bad = p[0] / x[0]  # 0 times inf
        safe = autograd.where(x[1], bad.log() * bad, p[1])
        return [safe, autograd.max([safe, x[1] * 0.0 - 5.0]), autograd.step(bad) * p[1]]

    for row in ([0.0, -1.0], [0.0, 1.0], [2.0, 1.0], [-0.0, NAN], [NAN, -1.0]):
        assert_same(build, [row], [1.5, 0.25])
        assert_same(build, [row], [-0.0, 3.0])
    _, gradient = compiled(build, 2, 2)([[0.0, -1.0]], [1.5, 0.25])
    assert np.isfinite(gradient).all()


def test_a_gradient_of_minus_zero_is_one():
    def build(x, p):  # the share of p[0] * x is -0.0 times inf
        return (p[0] * x[0]) * -x[1] + p[1]

    assert_same(build, [[INF, 0.0], [2.0, 0.0]], [1.5, 0.25])
    _, gradient = compiled(build, 2, 2)([[INF, 0.0]], [1.5, 0.25])
    np.testing.assert_array_equal(gradient, [NAN, 1.0])


def test_roots_may_be_leaves_and_constants_and_the_same():
    def build(x, p):
        return [x[0], p[0], Value(3.0), p[0], p[0] * p[0], x[0]]

    assert_same(build, [[2.0], [4.0]], [5.0, 1.0])  # p[1] is not in the graph
    assert compiled(build, 1, 2)([[2.0]], [5.0, 1.0])[1].tolist() == [12.0, 0.0]


def test_constants_are_kept_by_value():
    c = Value(3.0)
    programs = []
    for number in (3.0, 3.0, 4.0):
        c = Value(number)
        w = Value(2.0)
        programs.append(autograd.compile((c * c).sin() * w - (-0.0), [], [w]))
    first, second, third = programs
    assert first._written.tape is second._written.tape is not third._written.tape
    empty = np.zeros((1, 0))
    assert [program(empty)[0][0] for program in programs] == [
        2.0 * math.sin(n * n) for n in (3, 3, 4)
    ]


@pytest.mark.parametrize("b", [1, 2, 5])
def test_batches_need_not_be_in_one_piece(b, runs):
    program = compiled(lambda x, p: (x[0] * p[0] - x[1]).sin(), 2, 1)
    theta, out = np.array([1.5]), np.zeros(1)
    batch = np.random.default_rng(0).normal(size=(4 * b, 5))[::4, 1:4:2]
    run = program.bind(theta, out)
    losses = run(batch)
    np.testing.assert_allclose(losses, np.sin(1.5 * batch[:, 0] - batch[:, 1]), rtol=1e-15)
    np.testing.assert_allclose(
        out, [(np.cos(1.5 * batch[:, 0] - batch[:, 1]) * batch[:, 0]).sum()], rtol=1e-13
    )
    theta[0], first = 2.0, losses.copy()
    np.testing.assert_array_equal(run(batch), program(batch.copy(), [2.0])[0])
    np.testing.assert_array_equal(losses, first)  # the caller's own
    assert set(runs) == {b}
    assert run(np.zeros((0, 2))).tolist() == []


def test_a_batch_of_no_example_has_gradient_0():
    program = compiled(lambda x, p: p[0].log() * x[0], 1, 1)
    losses, gradient = program(np.zeros((0, 1)), [0.0])
    assert (losses.shape, gradient.tolist()) == ((0,), [0.0])


def test_each_thread_computes_for_itself():
    def build(x, p):
        v = x[0]
        for _ in range(2000):
            v = (v * p[0]).sin() + x[1]
        return v

    program = compiled(build, 2, 1)
    rows = np.random.default_rng(0).normal(size=(8, 2))
    expected = [program(row[None], [0.9]) for row in rows]
    wrong = []

    def call(i):
        for _ in range(50):
            losses, gradient = program(rows[i : i + 1], [0.9])
            if losses[0] != expected[i][0][0] or gradient[0] != expected[i][1][0]:
                wrong.append(i)

    threads = [threading.Thread(target=call, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_no_value_is_kept_and_copies_share_the_tape():
    program = compiled(lambda x, p: (x[0] * p[0]).sin(), 1, 1)
    written = program._written
    again = copy.deepcopy(program)
    assert again([[2.0]], [3.0])[0].tolist() == [math.sin(6.0)]
    assert again._written.tape is written.tape
    del program, again
    seen, waiting = set(), [written.tape]
    while waiting:
        found = waiting.pop()
        if id(found) not in seen and not isinstance(found, type | type(sys)):
            seen.add(id(found))
            assert not isinstance(found, Value)
            waiting += [
                x for x in gc.get_referents(found) if x is not globals() and not callable(x)
            ]


def test_checks_run_the_program_for_batches(monkeypatch):
    w, x = Value(2.0), Value(3.0)

    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(Tape, "__call__", refuse)
    autograd.compile((w * x).sin(), [x], [w], check=[([3.0], (w * x).sin())])
    replayed = autograd.replay(lambda x: (w * x).sin())
    with pytest.raises(AssertionError):
        replayed(3.0)  # the check was made before


def test_replayed_functions_run_on_it(runs):
    w = [Value(0.1 * i) for i in range(5)]
    loss_of = autograd.replay(lambda x: autograd.sum([(v * x).tanh() for v in w]))
    for x in (1.0, 2.0, 3.0):
        loss = loss_of(x)
        loss.backward()
        expected = [x / math.cosh(v.data * x) ** 2 for v in w]
        assert loss.data == pytest.approx(sum(math.tanh(v.data * x) for v in w), rel=1e-14)
        assert [v.grad for v in w] == pytest.approx(expected, rel=1e-13)
        for v in w:
            v.grad = 0.0
    assert runs == [1, 1, 1]


# Users' own primitives

scaled = primitive("scaled", lambda x: 3.0 * x, lambda z, x: (3.0,))
ratio = primitive(
    "ratio",
    lambda x, y: autograd.logsumexp([x, y, 0.0]) / (1.0 + autograd.max([x * x, y])),
    lambda z, x, y: (autograd.where(x, autograd.sigmoid(x), y), autograd.step(y) * z),
)
arctan = primitive("arctan", lambda x: np.arctan(x), lambda z, x: (1.0 / (1.0 + x * x),))


def test_own_primitives_of_any_number_of_arguments(runs):
    def build(x, p):
        v = ratio(p[0], x[0])
        return scaled(v) + mixed(v, p[1], 2.0) * ratio(v, 0.5) + mixed(p[0], p[0], p[0])

    assert_same(build, [[0.5], [-1.0], [INF], [NAN]], [1.5, -0.25])
    assert len(runs) == 6


def test_a_kernel_with_own_primitives_is_compiled_once(monkeypatch):
    texts = []
    code = tape.Code
    monkeypatch.setattr(tape, "Code", lambda text, **more: texts.append(text) or code(text, **more))
    own = primitive("own", lambda x: x * 7.25, lambda z, x: (7.25,))
    for k in range(3):
        program = compiled(lambda x, p, k=k: own(x[0] * p[0]) + k, 1, 1)
        assert program([[2.0]], [1.0])[0].tolist() == [14.5 + k]
    assert len(texts) == 1
    # Nor is the primitive kept by it: another one of the same formula is the same to it.
    other = primitive("other", lambda x: x * 7.25, lambda z, x: (7.25,))
    assert compiled(lambda x, p: other(x[0] * p[0]), 1, 1)([[2.0]], [1.0])[0].tolist() == [14.5]
    assert len(texts) == 1


def test_a_formula_that_does_not_take_expressions_runs_in_numpy(runs):
    program = compiled(lambda x, p: arctan(x[0] * p[0]), 1, 1)
    assert program._written.tape is None
    losses, gradient = program([[2.0]], [1.5])
    assert losses.tolist() == [np.arctan(3.0)]
    assert gradient.tolist() == pytest.approx([0.2], rel=1e-15)
    assert runs == []


def test_so_does_a_formula_that_is_too_long(monkeypatch, runs):
    def long(x):
        for i in range(2000):
            x = x * 0.5 + i
        return x

    endless = primitive("endless", long, lambda z, x: (0.5**2000,))
    program = compiled(lambda x, p: endless(x[0] * p[0]), 1, 1)
    assert program._written.tape is None
    assert program([[2.0]])[0].tolist() == [long(1.5)]


# When it runs


def chain(n):
    def build(x, p):
        v = x[0]
        for _ in range(n):
            v = v * p[0] + x[1]
        return v

    return build


@pytest.mark.slow
def test_small_graphs_do_not_wait_for_it(monkeypatch):
    monkeypatch.undo()
    assert compiled(chain(100), 2, 1)._written.tape is None
    large = compiled(chain(200), 2, 1)
    assert large._written.tape.most > 100
    code = (
        "import sys, autograd\n"
        "w = autograd.Value(2.0)\n"
        "v = w\n"
        "for _ in range(int(sys.argv[1])): v = v * w\n"
        "program = autograd.compile(v, [], [w])\n"
        "assert 'llvmlite' not in sys.modules\n"
        "program([[]])\n"
        "sys.exit('llvmlite' in sys.modules)"
    )
    for n, expected in ((100, 0), (400, 1)):
        run = subprocess.run([sys.executable, "-c", code, str(n)], check=False)
        assert run.returncode == expected


def test_where_arrays_are_faster_they_run(monkeypatch, runs):
    monkeypatch.setattr(tape, "OPERATION", 1000)

    def of(sizes):
        net = MLP(sizes[0], sizes[1:], rng=np.random.default_rng(0))
        x, y = values(*[0.5] * sizes[0]), values(*[1.0] + [0.0] * (sizes[-1] - 1))
        return autograd.compile(categorical_nll(net(x), y), x + y, net.parameters())

    assert of([300, 200, 10])._written.tape is None
    program = of([4, 5, 3])
    most = program._written.tape.most
    assert 1 < most < 1000
    batch = np.random.default_rng(0).normal(size=(most + 1, 7))
    for b in (1, most, most + 1):
        program(batch[:b])
    assert runs == [1, most]


def test_its_memory_counts(monkeypatch):
    monkeypatch.setattr(tape, "SMALLEST", 10**9)
    without = compiled(chain(1000), 2, 1)._written
    assert without.tape is None
    monkeypatch.setattr(tape, "SMALLEST", 0)
    monkeypatch.setattr(compiler, "_kept", Kept())
    written = compiled(chain(1000), 2, 1)._written
    assert written.size - without.size == written.tape.size
    assert 2000 * 32 < written.tape.size < 2000 * 40


def test_without_llvmlite_all_runs_as_before(monkeypatch, runs):
    monkeypatch.setattr(tape, "is_installed", lambda: False)
    program = compiled(chain(400), 2, 1)
    assert program._written.tape is None
    assert_same(chain(400), [[0.5, 0.25]], [0.9])
    assert runs == []


@pytest.mark.parametrize(
    "error", [ImportError("no such file"), OSError("cannot load"), RuntimeError("LLVM\nline 2")]
)
def test_where_llvmlite_fails_one_line_says_so_and_all_goes_on(error, monkeypatch):
    def fail(text, loops):
        raise error

    tape.machine.cache_clear()
    monkeypatch.setattr(tape, "Code", fail)
    monkeypatch.setattr(Tape, "__call__", Tape.__call__.__wrapped__)
    try:
        program = compiled(chain(400), 2, 1)
        with pytest.warns(
            RuntimeWarning, match=r"fails \((no such file|cannot load|LLVM)\)\. Install"
        ) as found:
            losses = program([[0.5, 0.25]], [0.9])[0]
        assert [w.filename for w in found] == [__file__]
        assert_same(chain(400), [[0.5, 0.25]], [0.9])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert program([[0.5, 0.25]], [0.9])[0].tolist() == losses.tolist()
            other = compiled(chain(500), 2, 1)
            other([[0.5, 0.25]])
    finally:
        tape.machine.cache_clear()


def test_same_bits_in_every_run():
    def build(x, p):
        return autograd.sum([(v * x[0]).tanh().exp() for v in p])

    first = compiled(build, 1, 9)([[0.3]], np.linspace(-1.0, 1.0, 9))
    tape.machine.cache_clear()
    compiler._kept = Kept()
    again = compiled(build, 1, 9)([[0.3]], np.linspace(-1.0, 1.0, 9))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
