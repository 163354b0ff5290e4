"""Copies and pickles of graphs: any depth, the same rows, and what is shared stays shared."""

import copy
import io
import pickle
import sys
import threading

import numpy as np
import pytest

import autograd
from autograd import Value, compile, copies, grad, primitive, topological_order
from autograd import primitives as p
from nn import MLP, categorical_nll
from tests.cases import for_each

square = primitive("sq", lambda x: x * x, lambda z, x: (2 * x,))
fma = primitive("fma", lambda x, y, z: x * y + z, lambda _, x, y, z: (y, x, 1.0))


def pickled(protocol):
    return lambda x: pickle.loads(pickle.dumps(x, protocol))


def pickled_by_python(x):
    return pickle._loads(pickle._dumps(x))


WAYS = [copy.deepcopy, *map(pickled, range(pickle.HIGHEST_PROTOCOL + 1)), pickled_by_python]
ways = pytest.mark.parametrize(
    "travel", WAYS, ids=["deepcopy", *map(str, range(len(WAYS) - 2)), "Python"]
)


def graph(seed=0):
    """A network's loss, own primitives, and a node that is used in many places."""
    net = MLP(3, [4, 3], "tanh", rng=np.random.default_rng(seed))
    x = [Value(0.5, label="x"), Value(-1.0), 2.0]
    loss = categorical_nll(net(x), 1)
    root = square(loss) + fma(loss, x[0], x[1]) * loss**2 - loss / 3.0
    root.label = "root"
    return root


def assert_same_graph(a, b):
    """Node for node: numbers, names, rows of the table, and which of the nodes are one."""
    nodes, copies = topological_order(a), topological_order(b)
    assert len(nodes) == len(copies)
    twin = dict(zip(nodes, copies, strict=True))
    for v, w in twin.items():
        assert type(v) is type(w)
        assert v is not w
        assert (v.data, v.grad, v.label, v.partials) == (w.data, w.grad, w.label, w.partials)
        assert v.primitive is w.primitive
        assert len(v.arguments) == len(w.arguments)
        for x, y in zip(v.inputs, w.inputs, strict=True):
            assert (twin[x] is y) if isinstance(x, Value) else x == y


@ways
def test_a_copy_is_the_same_graph_of_new_nodes(travel):
    root = graph()
    root.backward()
    again = travel(root)
    assert_same_graph(root, again)
    grads = [v.grad for v in topological_order(root)]
    for v in topological_order(again):
        v.grad = 0.0
    again.backward()
    assert [v.grad for v in topological_order(again)] == grads
    assert [v.grad for v in topological_order(root)] == grads


@ways
def test_a_copy_of_several_roots_keeps_what_they_share(travel):
    root = graph()
    nodes = topological_order(root)
    roots = [nodes[0], root, root.inputs[0], nodes[7], root * nodes[0], nodes[-3]]
    again = travel({"roots": roots, "nodes": nodes})
    assert_same_graph(autograd.sum(roots), autograd.sum(again["roots"]))
    assert topological_order(again["nodes"][-1]) == again["nodes"]
    assert again["roots"][1] is again["nodes"][-1]
    assert again["roots"][4].inputs == (again["nodes"][-1], again["nodes"][0])


@ways
def test_the_neurons_of_a_copied_layer_go_on_sharing_their_inputs(travel):
    net = MLP(3, [4, 1], rng=np.random.default_rng(0))
    a = travel(net([1.0, Value(2.0), Value(3.0)]))
    neurons = [v for v in topological_order(a) if v.op == "dot"]
    assert len({id(v.arguments[1]) for v in neurons}) == 2


@pytest.mark.slow
@ways
def test_a_deep_graph_travels_without_recursion(travel):
    x = v = Value(1.0)
    for _ in range(5_000):
        v = v + 1.0
    again, leaf, half = travel([v * x, x, v])
    assert sys.getrecursionlimit() <= 5_000
    assert again.data == 5_001.0
    assert again.inputs == (half, leaf)
    again.backward()
    assert leaf.grad == 5_002.0


def test_many_roots_take_the_time_of_one():
    nodes = topological_order(autograd.sum([graph(seed) for seed in range(5)]))
    assert len(pickle.dumps(nodes)) < 1.3 * len(pickle.dumps(nodes[-1]))
    assert len(pickle.dumps(nodes[::-1])) < 1.3 * len(pickle.dumps(nodes[-1]))


def test_a_pickle_holds_no_more_than_its_root():
    x = Value(1.0)
    for_later = pickle.Pickler(io.BytesIO())
    root = (x.exp() * x).sin()
    for_later.dump(root)  # and is kept
    assert len(pickle.dumps(x)) < 400
    assert len(topological_order(pickle.loads(pickle.dumps(root.inputs[0])))) == 3


def test_fields_stand_in_the_order_of_earlier_pickles():
    x = Value(3.0, label="x")
    f = x * x
    f.label = "f"
    f.backward()
    fields = (9.0, 3.0, 3.0, 1.0, "*", x, x, "f")  # as before labels were checked
    assert (*copies._fields(f)[:4], f.op, *copies._fields(f)[5:]) == fields


def test_picklers_that_take_turns_do_not_mix_their_graphs_up():
    v = Value(1.0)
    for _ in range(3000):
        v = v + 1.0
    files = [io.BytesIO() for _ in range(3)]
    picklers = [pickle.Pickler(file) for file in files]
    for root in (v.inputs[0], v, v):
        for pickler in picklers:
            pickler.dump(root)
    for file in files:
        file.seek(0)
        unpickler = pickle.Unpickler(file)
        first, second, third = unpickler.load(), unpickler.load(), unpickler.load()
        assert second is third
        assert second.inputs[0] is first
        assert len(topological_order(second)) == 3001


def test_after_an_error_in_the_middle_a_pickler_goes_on():
    class Refusing(Value):
        def __getstate__(self):
            raise pickle.PicklingError

    deep = Value(1.0)
    for _ in range(3000):
        deep = deep + 1.0
    pickler = pickle.Pickler(io.BytesIO())
    with pytest.raises(pickle.PicklingError):
        pickler.dump(Refusing(0.0) * deep)  # the rest of the graph is never reached
    pickler.dump(deep)


def test_threads_pickle_side_by_side():
    roots = [graph(seed) for seed in range(4)]
    found = {}

    def work(i):
        for _ in range(20):
            found[i] = pickle.loads(pickle.dumps(roots[i % 2]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        assert_same_graph(roots[i % 2], found[i])


def test_a_shallow_copy_has_the_same_inputs():
    root = graph()
    again = copy.copy(root)
    assert again is not root
    assert again.inputs == root.inputs
    assert (again.data, again.partials, again.label) == (root.data, root.partials, "root")
    again.data, again.label = 5.0, "other"
    assert root.label == "root"


class Kept(Value):
    """Keeps its label in a slot of its own."""

    __slots__ = ("label",)


def test_a_subclass_may_keep_its_label_otherwise():
    x = Kept(2.0, label="x")
    for again in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (again.data, again.label) == (2.0, "x")


class Unit(Value):
    """Attributes, in slots and without."""

    __slots__ = ("unit",)

    def __init__(self, data, unit):
        super().__init__(data)
        self.unit = unit


class Tagged(Unit):
    def __init__(self, data, unit, **attributes):
        super().__init__(data, unit)
        self.__dict__.update(attributes)


class Terse(Value):
    def __getstate__(self):
        return {"kept": self.kept}

    def __setstate__(self, state):
        self.kept, self.restored = state["kept"], True


@for_each("travel", [*WAYS, copy.copy])
def test_the_attributes_of_a_subclass_travel(travel):
    x = Tagged(2.0, "m", colour=["red"])
    again = travel(x)
    assert (type(again), again.data, again.unit, again.colour) == (Tagged, 2.0, "m", ["red"])
    assert (again.colour is x.colour) == (travel is copy.copy)
    y = Unit(3.0, "s")
    assert travel(y).unit == "s"
    z = Terse(4.0)
    z.kept, z.left_behind = 1, threading.Lock()
    assert (travel(z).data, travel(z).kept, travel(z).restored) == (4.0, 1, True)
    assert not hasattr(travel(z), "left_behind")


def test_only_what_a_subclass_has_added_is_its_state():
    assert copies._state(Value(1.0)) is None
    assert copies._state(Unit(1.0, "m")) == {"unit": "m"}
    assert copies._state(Tagged(1.0, "m", a=2)) == {"unit": "m", "a": 2}
    empty = copies._empty(Unit)
    assert copies._state(empty) == {}


@ways
def test_attributes_may_lead_back_to_the_graph(travel):
    x = Tagged(2.0, None)
    nodes = [Tagged(0.0, x) for _ in range(500)]
    root = autograd.sum([x, *nodes])
    for v in (x, *nodes):
        v.root = root
    again = travel(root)
    leaves = again.inputs
    assert all(v.root is again for v in leaves)
    assert all(v.unit is leaves[0] for v in leaves[1:])


class Registered(Value):
    def __reduce__(self):
        return float, (self.data,)


def test_a_subclass_may_say_itself_how_it_is_pickled():
    assert pickle.loads(pickle.dumps(Registered(2.0))) == 2.0


# Rows of the table


@for_each("row", p.TABLE, ids=lambda row: row.symbol)
def test_a_row_travels_by_its_name(row):
    assert pickle.loads(pickle.dumps(row)) is row
    assert copy.deepcopy(row) is copy.copy(row) is row


@ways
def test_own_primitives_travel_by_reference(travel):
    x, y = Value(2.0), Value(3.0)
    again = travel(square(x) + fma(x, y, 1.0))
    assert_same_graph(again, square(x) + fma(x, y, 1.0))
    (leaf,) = [v for v in topological_order(again) if v.data == 2.0 and not v.op]
    assert compile(again, [leaf], [])([[5.0]])[0].tolist() == [25.0 + 16.0]


def test_an_own_primitive_without_a_name_is_refused_with_advice_and_is_deepcopied():
    own = primitive("own", lambda x: x * x, lambda z, x: (2 * x,))
    root = own(Value(3.0))
    with pytest.raises(pickle.PicklingError, match=r"'own' can't be.*own = autograd\.primitive"):
        pickle.dumps(root)
    assert copy.deepcopy(root).primitive is root.primitive
    assert grad(own)(3.0) == 6.0


def test_a_pickle_whose_primitive_is_gone_says_which(monkeypatch):
    data = pickle.dumps(square(Value(3.0)))
    monkeypatch.setattr(sys.modules[__name__], "square", None)
    with pytest.raises(pickle.UnpicklingError, match=rf"{__name__}\.square is no primitive"):
        pickle.loads(data)


def parabola(x):
    return x * x


parabola_of = autograd.replay(parabola)


@autograd.replay
def decorated(x):
    return x * x


@ways
def test_a_replayed_function_travels_without_its_programs(travel):
    for f in (parabola_of, decorated, autograd.replay(parabola, keep=3)):
        assert f(3.0).data == travel(f)(3.0).data == 9.0
    assert travel(decorated) is decorated
    assert travel(autograd.replay(parabola, keep=3))._keep == 3


def test_a_copy_of_a_replayed_function_records_the_values_that_it_reads():
    w = Value(2.0)
    times = autograd.replay(lambda x: w * x)
    times(3.0)
    again = copy.deepcopy([times, w])[0]  # a function is copied as it is: it goes on reading w
    again(3.0).backward()
    assert (again(5.0).data, w.grad) == (10.0, 3.0)


def test_programs_and_what_they_gave_say_what_to_pickle_instead():
    x = Value(3.0)
    program = compile(x * x, [x], [])
    with pytest.raises(pickle.PicklingError, match=r"a program can't .*pickle its graph"):
        pickle.dumps(program)
    assert copy.deepcopy(program)([[2.0]])[0].tolist() == copy.copy(program)([[2.0]])[0].tolist()
    with pytest.raises(pickle.PicklingError, match=r"what parabola gave, .* parabola\.__wrapped__"):
        pickle.dumps(parabola_of(x))
    assert copy.deepcopy(parabola_of(x)).data == 9.0
