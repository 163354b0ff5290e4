"""Programs are kept by structure: what makes two graphs share one, and what does not."""

import gc
import math
import struct
import threading
import weakref

import numpy as np
import pytest

import autograd
from autograd import Value, compiler
from autograd.compiler.structure import MANY, MOST, Kept
from nn import MLP, Layer, Module, bernoulli_nll, categorical_nll, evaluate, fit, gaussian_nll
from tests.cases import labelled


@pytest.fixture(autouse=True)
def lowered(monkeypatch):
    """The graphs that are lowered during a test, into programs that none had kept before."""
    found = []

    class Lowering(compiler.Lowering):
        def __init__(self, *given):
            found.append(given)
            super().__init__(*given)

    monkeypatch.setattr(compiler, "_kept", Kept())
    monkeypatch.setattr(compiler, "Lowering", Lowering)
    return found


def graph(w=1.5, x=0.5, c=2.0, label="w", build=lambda w, x, c: (w * x + c).sin()):
    w, x = Value(w, label=label), Value(x, label="x")
    return build(w, x, c), [x], [w]


def test_graphs_that_differ_in_numbers_alone_share_a_program(lowered):
    programs = [autograd.compile(*graph(w, x)) for w, x in ((1.5, 0.5), (-2.0, 3.0), (0.0, 7.0))]
    assert len(lowered) == 1
    for w, program in zip((1.5, -2.0, 0.0), programs, strict=True):
        losses, gradient = program([[2.0]])
        assert losses[0] == math.sin(w * 2.0 + 2.0)
        assert gradient[0] == 2.0 * math.cos(w * 2.0 + 2.0)
        assert program.parameters[0].data == w
    assert len({program.source for program in programs}) == 1


def chain(symbol):
    return autograd.primitive(symbol, lambda v: v * v, lambda z, v: (2.0 * v,))


square, other_square = chain("square"), chain("square")
shared = [Value(0.25), Value(0.5)]

# Graphs of one w and one x, each another one: in wiring, constants, labels, primitives or places.
OTHERS = {
    "the first": {},
    "constant": {"c": 3.0},
    "zero": {"c": 0.0},
    "minus zero": {"c": -0.0},
    "nan": {"c": math.nan},
    "constant Value": {"c": Value(2.0, label="c")},
    "constant Value of another number": {"c": Value(3.0, label="c")},
    "constant node": {"c": Value(1.0) + 1.0},
    "constant node of other numbers": {"c": Value(1.0) + 2.0},
    "label": {"label": "u"},
    "no label": {"label": ""},
    "primitive": {"build": lambda w, x, c: (w * x + c).cos()},
    "primitives, one again": {"build": lambda w, x, c: (w * x).sin().cos().sin()},
    "primitives, another again": {"build": lambda w, x, c: (w * x).sin().cos().cos()},
    "order": {"build": lambda w, x, c: (x * w + c).sin()},
    "place": {"build": lambda w, x, c: (w * x + c).sin() + x},
    "twice": {"build": lambda w, x, c: (w * w + c).sin()},
    "own": {"build": lambda w, x, c: square(w * x)},
    "another own of the same name": {"build": lambda w, x, c: other_square(w * x)},
    "dot": {"build": lambda w, x, c: autograd.dot([w, w], [x, 1.0])},
    "dot with a bias": {"build": lambda w, x, c: autograd.dot([w], [x], w)},
    "a node with a label": {"build": lambda w, x, c: labelled("a", (w * x + c).sin())},
    "max": {"build": lambda w, x, c: autograd.max([w, x])},
    "max of three": {"build": lambda w, x, c: autograd.max([w, x, w])},
    "where": {"build": lambda w, x, c: autograd.where(w, x, w)},
}


def test_what_differs_has_a_program_of_its_own(lowered):
    for i, (name, given) in enumerate(OTHERS.items(), start=1):
        for _ in range(2):
            root, x, w = graph(**given)
            program = autograd.compile(root, x, w)
            losses, gradient = program([[0.5]])
            root.backward()
            np.testing.assert_allclose(losses[0], root.data, err_msg=name)
            np.testing.assert_allclose(gradient[0], w[0].grad, err_msg=name)
            assert program.graph_size == len(autograd.topological_order(root))
        assert len(lowered) == i, name


def test_one_root_and_a_list_of_one_are_not_the_same(lowered):
    root, x, w = graph()
    assert autograd.compile(root, x, w)([[1.0]])[0].shape == (1,)
    assert autograd.compile([root], x, w)([[1.0]])[0].shape == (1, 1)
    assert len(lowered) == 2


def test_the_places_of_inputs_and_parameters_count(lowered):
    def build(swapped, unused):
        a, b, c = Value(1.0), Value(2.0), Value(3.0)
        inputs = [b, a] if swapped else [a, b]
        return autograd.compile(a - b * c, inputs, [c, Value(0.0)] if unused else [c])

    ways = [build(*way)([[10.0, 1.0]]) for way in ((0, 0), (1, 0), (0, 1), (1, 1))]
    assert [loss[0] for loss, _ in ways] == [7.0, -29.0, 7.0, -29.0]
    assert [gradient.tolist() for _, gradient in ways] == [[-1], [-10], [-1, 0], [-10, 0]]
    assert len(lowered) == 4


def test_a_constant_is_known_to_the_last_bit(lowered):
    bits = struct.unpack("d", struct.pack("q", struct.unpack("q", struct.pack("d", 2.0))[0] + 1))
    for c in (2.0, bits[0]):
        program = autograd.compile(*graph(c=c, build=lambda w, x, c: w * x + c))
        assert program([[0.0]])[0][0] == c
    assert len(lowered) == 2


def test_networks_of_one_architecture_share_programs(lowered):
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int)
    settings = {"epochs": 1, "batch_size": 8, "lr": 0.1, "progress": False}
    for seed in range(3):
        net = MLP(3, [4, 2], rng=np.random.default_rng(seed))
        fit(net, categorical_nll, X, y, **settings, validation=(X, y))
        evaluate(net, categorical_nll, X, y)
        np.testing.assert_allclose(net.predict(X), [[v.data for v in net(x)] for x in X.tolist()])
    assert len(lowered) == 3  # the loss; the loss and the outputs; the outputs


@pytest.mark.parametrize(
    "edit",
    [
        lambda net: setattr(net.layers[0], "activation", "tanh"),
        lambda net: net.layers[0].neurons[0].w.__setitem__(0, net.layers[0].neurons[1].w[1]),
        lambda net: net.layers[0].neurons[0].w.__setitem__(0, Value(0.5)),  # the same, unlabelled
        lambda net: net.layers.insert(1, net.layers[1]),
    ],
)
def test_an_edited_network_has_another_program(edit, lowered):
    X = np.random.default_rng(0).normal(size=(40, 2))
    for edited in (False, True):
        net = MLP(2, [2, 2], rng=np.random.default_rng(0))
        if edited:
            edit(net)
        leaves = list(dict.fromkeys(net.parameters()))
        x = [Value(0.5, label="x0[0]"), Value(1.0, label="x0[1]")]
        program = autograd.compile(net(x), x, leaves)
        np.testing.assert_allclose(
            program.forward(X), [[v.data for v in net(row)] for row in X.tolist()], rtol=1e-14
        )
    assert len(lowered) == 2


@pytest.fixture
def recorded(monkeypatch):
    """How many graphs of networks are recorded."""
    calls = []
    own = MLP.__call__
    monkeypatch.setattr(MLP, "__call__", lambda net, x: calls.append(net) or own(net, x))
    return calls


def test_a_known_network_is_recorded_once(recorded):
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    for seed in range(3):
        net = MLP(3, [4, 2], rng=np.random.default_rng(seed))
        expected = [[v.data for v in net(row)] for row in X.tolist()]
        before = len(recorded)
        outputs = net.predict(X)
        loss = evaluate(net, categorical_nll, X, y)["loss"]
        fit(net, categorical_nll, X, y, epochs=1, batch_size=8, lr=0.1, progress=False)
        assert (len(recorded) == before) == (seed > 0)
        np.testing.assert_allclose(outputs, expected, rtol=1e-14)
        losses = [
            categorical_nll([Value(v) for v in a], int(t)).data
            for a, t in zip(expected, y, strict=True)
        ]
        assert math.isclose(loss, math.fsum(losses) / 40, rel_tol=1e-13)


class Doubled(MLP):
    """Says that it is static, and what it computes is its own."""

    static = True

    def __call__(self, x):
        return 2.0 * super().__call__(x)


class Shifted(Layer):
    def outputs(self, x):
        return [v + 1.0 for v in super().outputs(x)]


def shifted():
    net = MLP(2, [3, 1], rng=np.random.default_rng(0))
    net.layers[0] = Shifted(2, 3, rng=np.random.default_rng(0))
    return net


def other_activation():
    net = MLP(2, [3, 1], rng=np.random.default_rng(0))
    net.layers[0].activation = "tanh"
    return net


@pytest.mark.parametrize(
    "make", [lambda: Doubled(2, [3, 1], rng=np.random.default_rng(0)), shifted, other_activation]
)
def test_what_computes_something_else_has_another_program(make):
    X = np.random.default_rng(0).normal(size=(40, 2))
    first = MLP(2, [3, 1], rng=np.random.default_rng(0)).predict(X)
    net = make()
    outputs = net.predict(X)
    assert not np.allclose(outputs, first)
    np.testing.assert_allclose(outputs, [net(row).data for row in X.tolist()], rtol=1e-14)


@pytest.mark.parametrize(
    "spoil",
    [lambda w: w[1], lambda w: 2.0 * w[0], lambda w: 0.5],
    ids=["twice", "computed", "float"],
)
def test_parameters_that_are_none_are_refused_also_where_a_program_is_kept(spoil):
    X = np.random.default_rng(0).normal(size=(40, 2))
    net, other = MLP(2, [3, 1]), MLP(2, [3, 1])
    other.layers[0].neurons[0].w[0] = spoil(other.layers[0].neurons[0].w)
    with pytest.raises((ValueError, TypeError)) as first:
        other.predict(X)
    for _ in range(3):
        net.predict(X)
    net.layers[0].neurons[0].w[0] = spoil(net.layers[0].neurons[0].w)
    for late in (net, other):  # the one was known to be in order, the other was not
        with pytest.raises(first.type) as again:
            late.predict(X)
        assert str(again.value) == str(first.value)


def frozen(net):
    top = net.layers[1].parameters()
    net.parameters = lambda: top


def with_a_frozen_layer(net):
    net.layers[0].parameters = lambda: []


class FrozenLayer(Layer):
    def parameters(self):
        return []


def with_a_layer_of_a_kind_that_is_frozen(net):
    net.layers[0].__class__ = FrozenLayer


FROZEN = [frozen, with_a_frozen_layer, with_a_layer_of_a_kind_that_is_frozen]


def as_an_iterator(net):
    own = net.parameters()
    net.parameters = lambda: iter(own)


def with_another(net):
    own = [*net.parameters(), Value(0.5)]
    net.parameters = lambda: own


def reordered(net):
    own = net.parameters()[::-1]
    net.parameters = lambda: own


def replaced(net):
    layer = net.layers[0]
    net.layers[0].outputs = lambda x: [v * 2.0 for v in Layer.outputs(layer, x)]


@pytest.mark.parametrize(
    "change",
    [
        *FROZEN,
        reordered,
        replaced,
        as_an_iterator,
        with_another,
        lambda net: net.layers[0].neurons.reverse(),
        lambda net: net.layers[0].neurons[1].w.reverse(),
        lambda net: setattr(net.layers[0].neurons[1], "w", [Value(0.5), Value(-0.5)]),
        lambda net: [setattr(neuron, "b", None) for neuron in net.layers[0].neurons],
        lambda net: setattr(net.layers[0], "activation", "relu"),
    ],
)
def test_a_network_that_changes_is_not_taken_for_what_it_was(change):
    X = np.random.default_rng(0).normal(size=(40, 2))
    net = MLP(2, [3, 1], "tanh", rng=np.random.default_rng(0))
    net.layers[0].neurons[1].b.data = 0.25
    for _ in range(2):
        before = net.predict(X)
    change(net)
    for _ in range(2):
        after = net.predict(X)
        np.testing.assert_allclose(after, [net(row).data for row in X.tolist()], atol=1e-14)
    assert (after != before).any() or change in (*FROZEN, reordered, as_an_iterator, with_another)


@pytest.mark.parametrize("change", [*FROZEN, reordered, replaced, with_another])
@pytest.mark.parametrize("changed_first", [False, True])
def test_a_network_with_something_redefined_shares_no_program(change, changed_first):
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = (X[:, 0] > 0) * 1.0
    nets = {}
    for changed in (changed_first, not changed_first):
        trained = []
        for engine in ("program", "graph"):
            net = MLP(2, [3, 1], "tanh", rng=np.random.default_rng(0))
            if changed:
                change(net)
            fit(net, bernoulli_nll, X, y, epochs=1, batch_size=8, lr=0.5, engine=engine,
                rng=np.random.default_rng(1), progress=False)  # fmt: skip
            np.testing.assert_allclose(net.predict(X), [net(row).data for row in X.tolist()])
            trained.append([v.data for layer in net.layers for v in layer.parameters()])
        np.testing.assert_allclose(*trained, rtol=1e-9)
        nets[changed] = trained[0]
    assert nets[False] != nets[True] or change in (reordered, with_another)


@pytest.mark.parametrize("masked_first", [False, True])
def test_a_masked_class_is_left_out_also_where_a_program_is_kept(masked_first):
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    for masked in (masked_first, not masked_first):
        net = MLP(2, [4, 3], rng=np.random.default_rng(0))
        if masked:
            net.layers[-1].neurons[2].b.data = -math.inf
        losses = [evaluate(net, categorical_nll, X, y, engine=engine)["loss"]
                  for engine in ("program", "graph")]  # fmt: skip
        assert math.isfinite(losses[1])
        assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_rows_of_another_width_are_refused_also_where_a_program_is_kept():
    net = MLP(2, [3, 1])
    net.predict(np.zeros((40, 2)))
    with pytest.raises(ValueError, match="x must have 2 entries, got 3"):
        net.predict(np.zeros((40, 3)))


def test_no_network_is_kept_alive(lowered):
    class Watched(Value):
        pass

    net = MLP(2, [3, 1], "elu", rng=np.random.default_rng(0))
    for neuron in net.layers[0].neurons:
        neuron.w = [Watched(w.data) for w in neuron.w]
    parameter, network = weakref.ref(net.layers[0].neurons[0].w[0]), weakref.ref(net)
    X = np.zeros((40, 2))
    net.predict(X)
    evaluate(net, gaussian_nll, X, X[:, 0])
    for engine in ("program", "native"):
        fit(net, bernoulli_nll, X, X[:, 0], epochs=1, batch_size=8, lr=0.1, progress=False,
            engine=engine)  # fmt: skip
    lowered.clear()
    del net, neuron
    gc.collect()
    assert parameter() is None
    assert network() is None


@pytest.mark.parametrize("run", [False, True])
def test_no_recurrence_is_kept_alive(lowered, run):
    class Watched(Value):
        pass

    x, r = Watched(0.5), Watched(3.2)
    v = x
    for _ in range(40):
        v = r * v * (1 - v)
    there = weakref.ref(x), weakref.ref(r)
    program = autograd.compile(v, [x], [r])
    if run:
        program([[0.5]])
    lowered.clear()
    del program, x, r, v
    gc.collect()
    assert [found() for found in there] == [None, None]


def test_a_network_with_a_primitive_of_its_own_is_not_kept_alive_either(lowered):
    class Own(Module):
        def __init__(self):
            self.w = Value(0.5)
            self.act = autograd.primitive(
                "act", lambda a: a * self.w.data, lambda z, a: (self.w.data + 0 * a,)
            )

        def __call__(self, x):
            return self.act(self.w * x[0])

        def parameters(self):
            return [self.w]

    net, X = Own(), np.ones((8, 1))
    there = weakref.ref(net)
    fit(net, gaussian_nll, X, X[:, 0], epochs=1, batch_size=4, lr=0.1, progress=False)
    lowered.clear()
    del net
    gc.collect()
    assert there() is None


def test_primitives_that_can_be_imported_are_kept(lowered):
    for _ in range(2):
        autograd.compile(*graph(build=lambda w, x, c: square(w * x)))
    assert len(lowered) == 1


class Sized:
    def __init__(self, size):
        self.size = size


def test_what_is_kept_is_bounded():
    kept = Kept()
    third = MOST // 3
    for name in "abc":
        kept.keep((name,), Sized(third))
    assert kept.get(("a",))  # used again, so that it is dropped last
    kept.keep(("d",), Sized(third))
    assert [bool(kept.get((name,))) for name in "abcd"] == [True, False, True, True]
    kept.keep(("e",), Sized(MOST + 1))  # too large to be kept, which is no reason to drop others
    assert [bool(kept.get((name,))) for name in "abcde"] == [True, False, True, True, False]
    for i in range(MANY + 5):
        kept.keep((str(i),), Sized(1))
    assert [bool(kept.get((str(i),))) for i in range(MANY + 5)] == [False] * 5 + [True] * MANY


def test_the_size_of_a_program_is_that_of_its_text_and_its_constants():
    x = Value(1.0)
    chain = [x * (0.5 * k * k) for k in range(100)]
    for i in range(50):
        chain.append(chain[-1].sin() if i * i % 7 % 2 and i % 5 else chain[-1].tanh())
    program = autograd.compile(chain, [x], [])
    text, numbers = len(program.source) + len(program.code), 8 * 100
    assert numbers == program.constants["c1"].nbytes
    assert text > 4000
    listing = 500 * len(program._written.example._listing.users)
    assert program._written.size == pytest.approx(3 * text + numbers + listing, abs=2500)


def test_a_program_is_its_owners():
    first, second = (autograd.compile(*graph()) for _ in range(2))
    first.operations.clear()
    first.functions["np"] = first.constants["c"] = None
    assert len(second.operations) == 3
    assert second.functions == {}
    assert "c" not in second.constants
    root, x, w = graph(build=lambda w, x, c: autograd.dot([w] * 12, [x, *range(1, 12)]))
    for array in autograd.compile(root, x, w).constants.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_threads_that_compile_at_once_get_what_they_ask_for():
    wrong = []

    def work(c):
        for i in range(30):
            program = autograd.compile(*graph(c=float(i % 5), build=lambda w, x, c: w * x + c))
            if program([[2.0]], [c])[0][0] != 2.0 * c + i % 5:
                wrong.append((c, i))

    threads = [threading.Thread(target=work, args=(float(c),)) for c in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
