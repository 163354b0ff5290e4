"""`replay`: the same numbers as the function itself, for each structure, and no stale answer."""

import copy
import gc
import math
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Value, grad, gradcheck, hessian, jvp, replay, topological_order
from autograd.replays import EVERY
from autograd.show.steps import is_stale
from nn import MLP, SGD, categorical_nll, gaussian_nll
from tests.cases import examples, numbers
from tests.random_graphs import RandomGraph, sum_of_sizes, values


def counted(f):
    """``f``, with the arguments of each run in ``.runs``."""

    def counting(*args, **kwargs):
        counting.runs.append(args)
        return f(*args, **kwargs)

    counting.runs = []
    return counting


def total(roots):
    """A sum in which each root has a weight of its own."""
    return autograd.sum([(i + 1.5) * root for i, root in enumerate(roots)])


# The mathematics: as the function itself


@given(st.integers(0, 10**6))
@examples(40)
def test_random_functions_give_the_numbers_of_the_graph(seed):
    graph = RandomGraph(seed)
    passed, m = len(graph.numbers) // 2, len(graph.numbers)

    def build(own, given_ones, x):
        return graph(x, [*given_ones, *own])

    for_f, for_replay = values(*graph.numbers), values(*graph.numbers)
    replayed = replay(lambda *args: build(for_replay[passed:], *args))
    for turn, row in enumerate([*graph.rows, *graph.rows]):
        for v in (*for_f, *for_replay):
            v.grad = 0.0
        for i in range(m):
            for_f[i].data = for_replay[i].data = graph.numbers[i] + 0.1 * turn
        expected = build(for_f[passed:], for_f[:passed], values(*row))
        got = replayed(for_replay[:passed], row)
        size = max(sum_of_sizes(root) for root in expected)
        atol = 1e-12 * size if math.isfinite(size) else 0.0
        np.testing.assert_allclose(numbers(got), numbers(expected), rtol=1e-12, atol=atol)
        if len(expected) > 1:
            expected, got = [total(expected)], [total(got)]
        expected[0].backward()
        got[0].backward()
        grads = [[v.grad for v in some] for some in (for_replay, for_f)]
        np.testing.assert_allclose(*grads, rtol=1e-11, atol=5 * m * atol)


def rnn(W, u, xs, target):
    h = [Value(0.0), Value(0.0)]  # made inside: constants
    for x in xs:
        h = [(autograd.dot(row, h) + v * x).tanh() for row, v in zip(W, u, strict=True)]
    return (h[0] + h[1] - target) ** 2


def test_training_over_sequences_of_different_lengths():
    rng = np.random.default_rng(0)
    sequences = [(rng.normal(size=int(rng.integers(1, 6))), float(rng.normal())) for _ in range(40)]
    ends = []
    for wrap in (lambda f: f, replay):
        W, u = [values(0.3, -0.2), values(0.1, 0.4)], values(0.5, -0.5)
        f = counted(lambda xs, target, W=W, u=u: rnn(W, u, xs, target))
        loss_of, parameters, losses = wrap(f), [*W[0], *W[1], *u], []
        sgd = SGD(parameters, lr=0.05)
        for x, y in sequences * 3:
            sgd.zero_grad()
            loss = loss_of(x, y) + 0.01 * (W[0][0] ** 2)  # composes with other Values
            loss.backward()
            sgd.step()
            losses.append(loss.data)
        ends.append([*losses, *numbers(parameters)])
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-9)
    lengths = {len(x) for x, _ in sequences}
    assert len(loss_of.programs) == len(lengths) == 5
    assert len(f.runs) == 3 * 5  # each recorded twice at the first call, and once at the second


def test_rows_of_a_table_get_their_gradients_however_often_they_are_passed():
    """As tokens of words: one program for all words of one length."""
    rng = np.random.default_rng(1)
    table = [values(*row) for row in rng.normal(size=(5, 3))]
    head = [values(*row) for row in rng.normal(size=(5, 3))]

    def loss(rows, classes):
        mean = [autograd.sum(column) / len(rows) for column in zip(*rows, strict=True)]
        return autograd.sum([categorical_nll(autograd.affine(head, mean), y) for y in classes])

    f = counted(loss)
    loss_of = replay(f)
    leaves = [v for row in [*table, *head] for v in row]
    words = [[0, 1, 1, 2], [3, 3, 3, 3], [4, 0, 4, 1], [2, 2, 0, 0]]
    for word in words:
        grads = []
        for g, y in ((loss, [2, 0]), (loss_of, np.eye(5)[[2, 0]])):
            for v in leaves:
                v.grad = 0.0
            result = g([table[i] for i in word], y)
            result.backward()
            grads.append([result.data, *[v.grad for v in leaves]])
        np.testing.assert_allclose(grads[1], grads[0], rtol=1e-12, atol=1e-15)
    assert len(f.runs) == 3
    assert len(loss_of.programs) == 1


def test_lists_of_values_of_other_lengths_have_programs_of_their_own():
    total_of = replay(lambda rows: autograd.sum(rows) * len(rows))
    for n in (1, 2, 3, 2, 1, 2, 3):
        assert total_of(values(*[1.0] * n)).data == n * n
    assert len(total_of.programs) == 3


def test_a_weight_that_is_also_an_argument_gets_both_shares():
    w = Value(3.0)
    score = replay(lambda a, b: a * b * w)
    for _ in range(3):
        w.grad = 0.0
        score(w, w).backward()
        assert w.grad == 27.0


def test_arguments_may_be_computed():
    w = Value(2.0)
    score = replay(lambda a: a.sin() * w)
    for x in (0.5, 0.25, 0.125):
        w.grad = 0.0
        h = w * x
        score(h).backward()
        assert w.grad == pytest.approx(math.sin(2 * x) + 2 * x * math.cos(2 * x), rel=1e-14)
        assert h.grad == pytest.approx(2 * math.cos(2 * x), rel=1e-14)


def test_data_of_values_from_outside_are_read_at_each_call():
    net = MLP(2, [3, 1], rng=np.random.default_rng(0))
    loss_of = replay(lambda x, y: gaussian_nll(net(x), y))
    for step in range(2 * EVERY + 3):
        for v in net.parameters():
            v.data += 0.01
        x, y = [0.1 * step, 1.0], 0.5
        assert loss_of(x, y).data == pytest.approx(gaussian_nll(net(x), y).data, rel=1e-12)


def test_the_gradient_is_that_of_the_call_whatever_happens_to_data_since():
    w = Value(3.0)
    square = replay(lambda x: x * w * w)
    result = square(2.0)
    w.data = 100.0
    result.backward()
    assert w.grad == 12.0


def test_results_keep_their_nesting():
    several = replay(lambda x: {"a": [x * x, x.exp()], "b": (x, np.array([x + 1.0, x * 3.0]))})
    x = Value(2.0)
    for _ in range(3):
        result = several(x)
        assert numbers(result["a"]) == [4.0, pytest.approx(math.e**2)]
        assert type(result["b"]) is tuple
        assert result["b"][0].data == 2.0
        assert numbers(result["b"][1]) == [3.0, 6.0]
    x.grad = 0.0
    result["a"][0].backward()
    assert x.grad == 4.0
    result["b"][1][1].backward()
    assert x.grad == 7.0


def test_of_several_results_one_may_be_infinite():
    pair = replay(lambda x: [x.log(), x * 2.0])
    for x in (Value(1.0), Value(2.0), Value(0.0)):
        one, other = pair(x)
        other.backward()
        assert x.grad == 2.0
    assert one.data == -math.inf


def test_arguments_may_be_nested_and_named():
    w = Value(2.0)

    def f(x, *more, scale=1.0, names=("a",)):
        return w * x["a"][0] * x["b"] + autograd.sum([m[0, 1] for m in more]) * scale * len(names)

    replayed = replay(f)
    for a in (1.0, 2.0, 3.0):
        args = {"a": (a,), "b": np.float32(2.0)}, np.array([[1.0, a]]), np.array([[3.0, 4.0]])
        assert replayed(*args, scale=0.5, names=("a", "b")).data == 4.0 * a + a + 4.0
        assert replayed(*args).data == 4.0 * a + a + 4.0
    assert len(replayed.programs) == 2
    program = replayed.programs[0]
    assert [v.label for v in program.inputs] == [
        "x['a'][0]", "x['b']",
        "more[0][0,0]", "more[0][0,1]", "more[1][0,0]", "more[1][0,1]", "scale",
    ]  # fmt: skip


def test_ints_and_all_that_is_no_number_are_structure():
    w = values(10.0, 20.0, 30.0)
    f = counted(lambda i, x: w[i] * x)
    pick = replay(f)
    for _ in range(4):
        assert [pick(i, 2.0).data for i in (0, 1, 2, True)] == [20.0, 40.0, 60.0, 40.0]
    assert len(pick.programs) == 4
    assert len(f.runs) == 12
    shapes = replay(lambda x: autograd.sum(x.ravel()) * x.shape[0])
    assert shapes(np.ones((2, 3))).data == 12.0
    assert shapes(np.ones((3, 2))).data == 18.0
    chosen = replay(lambda index, x: autograd.sum([x[i] for i in index]))
    x = [1.0, 2.0, 4.0]
    assert [chosen(np.array(i), x).data for i in ([0, 1], [2, 2], [0, 1])] == [3.0, 8.0, 3.0]


def test_a_number_and_nothing_are_two_structures():
    @autograd.replay
    def f(x, scale):
        return x * 2.0 if scale is None else x * scale

    x = Value(3.0)
    assert [f(x, s).data for s in (5.0, None, 4.0, None)] == [15.0, 6.0, 12.0, 6.0]


def test_signed_zeros_and_infinities_are_numbers():
    copysign = replay(lambda x: 1.0 / x)
    assert [copysign(x).data for x in (0.0, -0.0, math.inf, math.nan)][:3] == [
        math.inf, -math.inf, 0.0
    ]  # fmt: skip


def test_a_function_of_numbers_alone():
    square = replay(lambda x: x * x)
    result = [square(x) for x in (1.0, 2.0, 3.0)][-1]
    assert result.data == 9.0
    assert result.inputs == ()
    constant = replay(lambda n: Value(float(n)))
    assert constant(3).data == 3.0
    same = replay(lambda x: x)
    v = Value(4.0)
    for _ in range(3):
        assert same(v).data == 4.0
    same(v).backward()
    assert v.grad == 1.0


def test_whether_a_result_is_stale_can_be_told():
    w = Value(3.0)
    result = replay(lambda x: x * w)(2.0)
    assert not is_stale(result)
    w.data = 4.0
    assert is_stale(result)
    assert result.data == 6.0


# Batches


def test_the_sum_over_examples_is_one_node():
    rng = np.random.default_rng(2)
    net = MLP(2, [3, 1], rng=rng)
    f = counted(lambda xs, y: autograd.sum([gaussian_nll(net(x), y) for x in xs]))
    loss_of = replay(f)
    batch = [(rng.normal(size=(int(rng.integers(1, 4)), 2)), float(rng.normal())) for _ in range(9)]
    for _ in range(3):
        result = loss_of.sum(batch)
        expected = autograd.sum([f(*args) for args in batch])
        grads = []
        for root in (expected, result):
            net.zero_grad()
            root.backward()
            grads.append([v.grad for v in net.parameters()])
        assert result.data == pytest.approx(expected.data, rel=1e-13)
        np.testing.assert_allclose(grads[1], grads[0], rtol=1e-11, atol=1e-14)
    assert len(loss_of.programs) == 3
    same = loss_of.sum(batch[:1] * 4)
    assert same.data == pytest.approx(4 * f(*batch[0]).data, rel=1e-14)
    assert len(topological_order(same)) == 1 + len(net.parameters())


def test_examples_with_values_of_their_own_are_summed_too():
    table, w = values(1.0, 2.0, 3.0), Value(2.0)
    score = replay(lambda v, x: v * w * x)
    for _ in range(3):
        for v in table:
            v.grad = 0.0
        result = score.sum((table[i], float(i)) for i in (0, 1, 2, 2))
        result.backward()
        assert result.data == 2.0 * (2.0 + 6.0 + 6.0)
        assert [v.grad for v in table] == [0.0, 2.0, 8.0]


def test_what_sum_refuses():
    square = replay(lambda x: x * x)
    with pytest.raises(ValueError, match="examples is empty"):
        square.sum([])
    with pytest.raises(TypeError, match=r"examples\[1\] must be a tuple .* got 2.0: .* \(x,\)"):
        square.sum([(1.0,), 2.0])
    with pytest.raises(TypeError, match="examples must be tuples of arguments, in a list, got 3"):
        square.sum(3)
    with pytest.raises(TypeError, match="several Values"):
        replay(lambda x: [x, x]).sum([(1.0,)])


# Derivatives of the result


def test_derivatives_of_any_order_record_anew():
    w = Value(2.0)
    cubic = replay(lambda x, y: w * x**3 * y)
    assert grad(cubic)(2.0, 5.0) == (120.0, 16.0)
    assert grad(lambda x: grad(lambda x: cubic(x, 5.0))(x))(2.0) == 120.0
    np.testing.assert_allclose(hessian(cubic)(2.0, 5.0), [[120.0, 24.0], [24.0, 0.0]], rtol=1e-14)
    assert jvp(cubic, [2.0, 5.0], [1.0, 1.0]) == (80.0, 136.0)
    assert gradcheck(cubic, 2.0, 5.0)
    assert gradcheck(grad(cubic), 2.0, 5.0)
    fifth = replay(lambda x, v: x * x * v)  # through arguments that are computed
    assert grad(grad(lambda v: fifth(v * v, v)))(2.0) == pytest.approx(20 * 2.0**3)
    assert grad(grad(lambda v: fifth(v, v)))(2.0) == 12.0  # v^3, each place on its own
    summed = hessian(lambda v: fifth.sum([(1.0, v), (3.0, v), (v, 2.0)]))(2.0)
    np.testing.assert_allclose(summed, [[4.0]], rtol=1e-14)


def test_a_replayed_function_inside_another_is_recorded_with_it():
    w = Value(3.0)
    inner = replay(lambda x: x * w)
    outer = replay(lambda x: inner(x) ** 2 + inner.sum([(x,), (x,)]))
    for x in (1.0, 2.0, 4.0):
        assert outer(x).data == 9.0 * x * x + 6.0 * x
    assert inner.programs == []
    outer(1.0).backward()
    assert w.grad == 8.0


def test_what_is_replayed_is_not_compiled_once_more():
    x = Value(2.0)
    double = replay(lambda v: v * 2.0)
    with pytest.raises(ValueError, match=r"f is replayed, .* compile what f\.__wrapped__"):
        autograd.compile(double(x).sin(), [x], [])
    with pytest.raises(ValueError, match="f is replayed"):
        autograd.draw(double(x)).live()
    assert "f(" in str(autograd.trace(double(x)))
    assert str(next(autograd.steps(double(x)))).startswith("v2.grad = 1")


# Nothing is stale without being noticed


def branching(x):
    return x * 2.0 if x > 0 else x * 3.0


def test_a_branch_is_found_at_the_second_call_and_its_program_is_dropped():
    f = replay(branching)
    f(1.0)
    with pytest.raises(ValueError, match=r"call 2 of branching .* `if` .* autograd.where"):
        f(-1.0)
    assert f.programs == []
    assert f(-1.0).data == -3.0  # recorded anew


@pytest.mark.parametrize("f", [lambda x, b: x if b else -x, lambda x, b: -x if b == 0 else x])
def test_whether_a_number_is_0_is_asked_with_a_warning(f):
    with pytest.warns(UserWarning, match="always true|never true") as caught:
        assert replay(f)(Value(1.0), 0.0).data == 1.0
    assert caught[0].filename == __file__


def test_a_branch_is_found_at_every_64th_call():
    f = replay(branching)
    for n in range(1, EVERY):
        f(float(n))
    with pytest.raises(ValueError, match=f"call {EVERY} of branching"):
        f(-1.0)
    assert f.programs == []
    for n in range(1, 2 * EVERY):
        f(float(n))
    with pytest.raises(ValueError, match=f"call {2 * EVERY} of branching"):
        f(-1.0)


def test_each_structure_has_checks_of_its_own():
    f = replay(lambda x: branching(x[-1]))
    for n in range(5):
        f([1.0] * (n + 1))
    for n in range(5):
        with pytest.raises(ValueError, match="call 2"):
            f([-1.0] * (n + 1))


def test_of_a_batch_another_example_is_checked_each_time():
    f = replay(branching)
    with pytest.raises(ValueError, match="call 2 of branching"):
        f.sum([(1.0,), (-1.0,), (1.0,)])
    assert f.programs == []
    for call in range(2, EVERY):
        f.sum([(1.0,), (1.0,), (-1.0 if call > 2 else 1.0,)])
    with pytest.raises(ValueError, match=f"call {EVERY} of branching"):
        f.sum([(1.0,), (1.0,), (-1.0,)])


def test_a_gradient_that_differs_is_found_too():
    kink = replay(lambda x: x * x if x.data >= 0.0 else x)
    kink(Value(1.0))
    kink.__wrapped__ = lambda x: x + 0.0 * x.data
    with pytest.raises(ValueError, match=r"gradient recorded is 1\., but the program gives 0\."):
        kink(Value(0.0))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, seen: x * len(seen),
        lambda x, seen: x * Value(float(len(seen))),
        lambda x, seen: [x, x] if len(seen) % 2 else [x],
    ],
)
def test_a_function_that_is_not_the_same_twice_is_refused_at_once(f):
    seen = []
    replayed = replay(lambda x: f(x, seen.append(1) or seen))
    with pytest.raises(ValueError, match="call 1 of f "):
        replayed(Value(2.0))
    assert replayed.programs == []


def test_a_number_from_outside_is_frozen_and_found_when_it_changes():
    rate = [1.0]
    f = replay(lambda x: x * rate[0])
    f(1.0)
    rate[0] = 2.0
    with pytest.raises(
        ValueError, match=r"What f reads besides .* frozen too: make it an argument"
    ):
        f(1.0)
    detached = replay(lambda x: x * x.data)
    detached(Value(1.0))
    with pytest.raises(ValueError, match="call 2"):
        detached(Value(2.0))


def test_a_value_replaced_by_another_is_found_even_if_their_numbers_are_equal():
    w = [Value(2.0, label="w0")]
    f = replay(lambda x: x * w[0])
    f(1.0)
    w[0] = Value(2.0)
    with pytest.raises(ValueError, match=r"'w0'.* is not used any more.* change its .data instead"):
        f(1.0)
    assert f(1.0).inputs == (w[0],)
    for _ in range(2, EVERY):
        f(1.0)
    w[0] = Value(3.0)
    with pytest.raises(ValueError, match=f"call {EVERY} "):
        f(1.0)


def test_an_error_of_the_function_comes_through_and_keeps_nothing():
    def f(x):
        if x > 3:
            raise KeyError("too large")
        return x * 1.0

    replayed = replay(f)
    with pytest.raises(KeyError, match="too large"):
        replayed(4.0)
    replayed(1.0)
    with pytest.raises(KeyError, match="too large"):
        replayed(4.0)
    assert replayed.programs == []
    assert gc.isenabled()
    assert replayed(1.0).data == 1.0


def test_a_value_computed_outside_is_refused():
    h = Value(2.0) * 3.0
    with pytest.raises(ValueError, match=r"computed outside by '\*': make it an argument"):
        replay(lambda x: x * h)(1.0)


def test_checks_leave_gradients_alone():
    w = Value(2.0)
    f = replay(lambda x: x * w)
    w.grad = 5.0
    for _ in range(EVERY):
        f(1.0)
    assert w.grad == 5.0


# What is kept


def test_the_least_recently_used_programs_are_dropped():
    f = counted(lambda x: autograd.sum(x))
    short = replay(f, keep=2)
    for n in (1, 1, 1, 1, 2, 1, 3, 1):  # 3 takes the place of 2
        short([1.0] * n)
    assert [len(p.inputs) for p in short.programs] == [3, 1]
    runs = len(f.runs)
    short([1.0] * 2)
    assert len(f.runs) == runs + 2


def test_no_graph_is_kept_alive():
    class Marked(Value):
        __slots__ = ("__weakref__",)

    alive = weakref.WeakSet()

    def f(x):
        made = Marked(1.0)
        alive.add(made)
        return x * made

    replayed = replay(f)
    results = [replayed(float(n)) for n in range(5)]
    assert len(results) == 5
    gc.collect()
    assert len(alive) == 0


def test_a_warning_says_which_argument_has_a_new_structure_each_time():
    f = replay(lambda x, token: x * token, keep=4)
    for token in range(7):
        f(1.0, token)
    with pytest.warns(UserWarning, match="recorded for 8 structures in 8 calls.* 'token'.* Ints"):
        f(1.0, 7)
    f(1.0, 8)
    fine = replay(lambda x, token: x * token, keep=4)
    for _ in range(3):
        for token in range(20):
            for x in (1.0, 2.0, 3.0):
                fine(x, token)


@pytest.mark.filterwarnings("ignore:f was recorded")
@pytest.mark.slow
def test_threads_share_one_function():
    w = Value(2.0)
    f = replay(lambda x: autograd.sum(x) * w, keep=3)
    wrong = []

    def work(k):
        for n in range(150):
            x = [float(k + n)] * (1 + n % 5)
            if f(x).data != 2.0 * sum(x):
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(f.programs) <= 3
    assert gc.isenabled()


# The wrapper, and its errors


def test_it_looks_like_the_function():
    @replay
    def loss_of(x):
        """The loss."""
        return x * 1.0

    assert (loss_of.__name__, loss_of.__doc__) == ("loss_of", "The loss.")
    assert repr(loss_of) == "<loss_of, replayed: 0 calls, 0 structures recorded, 0 programs kept>"
    loss_of(1.0)
    assert "1 call, 1 structure recorded, 1 program kept" in repr(loss_of)
    loss_of(2.0)
    assert "2 calls, 1 structure recorded, 1 program kept" in repr(loss_of)
    net = MLP(1, [1], rng=np.random.default_rng(0))
    assert replay(net)([2.0]).data == net([2.0]).data


def test_a_method_can_be_decorated():
    class Model:
        def __init__(self, w):
            self.w = Value(w)

        @replay
        def loss(self, x):
            return self.w * x

    one, two = Model(2.0), Model(3.0)
    for _ in range(3):
        assert [one.loss(5.0).data, two.loss(5.0).data] == [10.0, 15.0]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({1.0, 2.0}, r"argument 'x' holds \{1.0, 2.0\} \(set\).* lists, tuples, dictionaries"),
        ([[1.0], {2}], r"argument 'x' holds \{2\} \(set\)"),
        (iter([1.0]), "argument 'x' holds <list_iterator .* read only once: give a list"),
        (bytearray(b"a"), "argument 'x' holds bytearray"),
    ],
)
def test_arguments_that_have_no_structure_are_named(argument, message):
    with pytest.raises(TypeError, match=message):
        replay(lambda w, x: w)(1.0, argument)
    with pytest.raises(TypeError, match=message):
        replay(lambda w, x: w)(1.0, x=argument)


def test_arguments_of_what_has_no_signature_are_counted():
    with pytest.raises(TypeError, match="argument 'argument1' holds bytearray"):
        replay(max)(1.0, bytearray(b"a"))


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: 1.0, r"returned 1.0 \(float\), not a Value: write autograd.where"),
        (lambda x: None, "returned None"),
        (lambda x: [x, "text"], "returned 'text'"),
        (lambda x: [], r"returned \[\], without any Value"),
    ],
)
def test_what_is_no_value_is_not_replayed(f, message):
    with pytest.raises(TypeError, match=message):
        replay(f)(2.0)


def test_masked_numbers_are_not_replayed():
    f = replay(lambda x: autograd.sum(x))
    with pytest.raises(TypeError, match=r"argument 'x' holds numbers that are masked"):
        f(np.ma.array([1.0, 2.0], mask=[False, True]))
    assert f(np.ma.array([1.0, 2.0])).data == 3.0


def test_what_replay_refuses():
    with pytest.raises(TypeError, match="f must be a function, got 3"):
        replay(3)
    with pytest.raises(TypeError, match=r"keep must be an int.* got 2\.5"):
        replay(len, keep=2.5)
    with pytest.raises(ValueError, match="keep must be at least 1, got 0"):
        replay(len, keep=0)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        replay(lambda x, y: x)(1.0)


def test_a_copy_replays_on():
    """From Python 3.13 on, iterators of itertools in what is copied are warned of, or refused."""
    tanh = replay(lambda x: (2.0 * x.sin()).tanh())
    tanh(Value(1.0))
    again = copy.deepcopy(tanh)
    assert [f(Value(0.5)).data for f in (tanh, again)] == [math.tanh(2.0 * math.sin(0.5))] * 2
