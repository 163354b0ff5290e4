"""SGD's step, mini-batches, and the schedules of the learning rate and the batch size."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from autograd import Value
from nn import (
    MLP,
    SGD,
    Optimizer,
    cosine,
    fit,
    gaussian_nll,
    growing,
    inverse_time,
    minibatches,
    step_decay,
)
from tests.cases import for_each

# SGD


def test_an_optimizer_of_nothing_is_refused():
    parameters = iter([Value(1.0)])
    list(parameters)  # it is used up
    with pytest.raises(ValueError, match="parameters is empty"):
        SGD(parameters, lr=0.1)


class Own(Optimizer):
    """A rule that returns what it is told to."""

    def __init__(self, parameters=None, lr=None, *, first=dict, then=np.zeros_like):
        super().__init__(parameters, lr)
        self.first, self.then = first, then

    def start(self, m):
        return self.first()

    def update(self, state, theta, g, lr):
        return self.then(g)


RETURNED = [
    *[("start", {"first": first}) for first in (lambda: None, lambda: [0.0])],
    *[("update", {"then": then}) for then in (
        lambda g: None, lambda g: 0.1, lambda g: g.tolist(), lambda g: g[:1], lambda g: g[:, None],
        lambda g: g * 1j,
    )],
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings"), RETURNED)
def test_a_rule_of_ones_own_that_returns_something_else_is_told_what(name, settings):
    message = f"{name} of Own must return .*, got "
    parameters = [Value(1.0), Value(2.0)]
    with pytest.raises(TypeError, match=message):
        Own(parameters, 0.1, **settings).step()
    assert [p.data for p in parameters] == [1.0, 2.0]
    for engine in ("graph", "program"):
        net = MLP(1, [1], rng=np.random.default_rng(0))
        before = [p.data for p in net.parameters()]
        with pytest.raises(TypeError, match=message):
            fit(net, gaussian_nll, [[1.0], [2.0]], [1.0, 2.0], epochs=1, batch_size=2, lr=0.1,
                optimizer=Own(**settings), engine=engine, progress=False)  # fmt: skip
        assert [p.data for p in net.parameters()] == before


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_a_step_is_the_recursion_written_out(momentum):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=3), rng.normal(size=(20, 3))
    rates = rng.uniform(0.01, 0.2, size=20)
    parameters = [Value(w) for w in start.tolist()]
    sgd = SGD(parameters, lr=1.0, momentum=momentum)

    w, v = start.copy(), np.zeros(3)
    for g, lr in zip(gradients, rates, strict=True):
        for p, g_i in zip(parameters, g, strict=True):
            p.grad = g_i
        sgd.lr = lr  # a new rate acts on the velocity at once, as in PyTorch
        sgd.step()
        v = momentum * v + g
        w = w - lr * v
        np.testing.assert_allclose([p.data for p in parameters], w, rtol=1e-14)


def test_momentum_as_in_pytorch():
    # g = 1 all along: v = 1, 1.5, 1.75, 1.875. The first step is the whole gradient (no damping),
    # and lr stands before the velocity, not inside it.
    p = Value(0.0)
    sgd = SGD([p], lr=1.0, momentum=0.5)
    course = []
    for lr in (1.0, 1.0, 1.0, 2.0):
        p.grad, sgd.lr = 1.0, lr
        sgd.step()
        course.append(p.data)
    assert course == [-1.0, -2.5, -4.25, -8.0]


def test_without_momentum_a_step_is_minus_lr_times_the_gradient():
    p = Value(1.0)
    sgd = SGD([p], lr=0.25)
    (p * p).backward()
    sgd.step()
    assert p.data == 0.5
    assert p.grad == 2.0  # left for the reader; zero_grad is what clears it


def test_gradients_add_up_until_zero_grad():
    p, other = Value(3.0), Value(1.0)
    sgd = SGD([p], lr=1.0)
    (p * 2).backward()
    (p * 2).backward()
    other.grad = 1.0
    assert p.grad == 4.0
    sgd.zero_grad()
    assert (p.grad, other.grad) == (0.0, 1.0)
    sgd.step()
    assert p.data == 3.0


def test_a_rate_of_zero_changes_nothing():
    p = Value(3.0)
    p.grad = 5.0
    SGD([p], lr=0.0).step()
    assert p.data == 3.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_step_that_is_not_finite_is_refused_whole(bad):
    parameters = [Value(1.0, label="first"), Value(2.0, label="second"), Value(3.0)]
    sgd = SGD(parameters, lr=0.5, momentum=0.5)

    def step(*gradients):
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g
        sgd.step()

    step(1.0, 1.0, 1.0)  # v = 1
    with pytest.raises(FloatingPointError, match="second"):
        step(1.0, bad, 1.0)
    assert [p.data for p in parameters] == [0.5, 1.5, 2.5]
    step(1.0, 1.0, 1.0)  # v = 1.5: the velocity has forgotten the refused step too
    assert [p.data for p in parameters] == [-0.25, 0.75, 1.75]


def test_a_finite_gradient_can_overflow_too():
    p = Value(1.0, label="w")
    p.grad = 1e200
    with pytest.raises(FloatingPointError, match=r"w.*smaller lr"):
        SGD([p], lr=1e200).step()
    assert p.data == 1.0


@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf, -math.inf, True, False])
def test_lr_must_be_a_finite_number_from_0_up(lr):
    with pytest.raises(ValueError, match="lr"):
        SGD([Value(1.0)], lr)
    sgd = SGD([Value(1.0)], 0.1)
    with pytest.raises(ValueError, match="lr"):
        sgd.lr = lr
    assert sgd.lr == 0.1


@pytest.mark.parametrize("momentum", [-0.1, 1.0, 1.5, math.nan])
def test_momentum_must_lie_from_0_to_below_1(momentum):
    with pytest.raises(ValueError, match="momentum"):
        SGD([Value(1.0)], 0.1, momentum)


# Mini-batches


@for_each(
    ("n", "b"), [(1, 1), (2, 1), (2, 2), (7, 2), (7, 7), (12, 3), (12, 5), (100, 7), (100, 100)]
)
def test_an_epoch_is_a_permutation_cut_in_batches(n, b):
    rng = np.random.default_rng(0)
    batches = minibatches(n, b, rng)
    assert len(batches) == n // b
    assert all(len(batch) == b for batch in batches)
    indices = np.concatenate(batches).tolist()
    assert all(type(i) is int and 0 <= i < n for i in indices)
    assert len(set(indices)) == len(indices)  # each at most once

    batches = minibatches(n, b, rng, drop_last=False)
    assert [len(batch) for batch in batches] == [b] * (n // b) + [n % b] * (n % b > 0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))


def test_every_permutation_turns_up_equally_often():
    rng = np.random.default_rng(0)
    counts = Counter(tuple(np.concatenate(minibatches(3, 1, rng)).tolist()) for _ in range(6000))
    assert len(counts) == 6
    assert all(850 < count < 1150 for count in counts.values())  # 1,000, give or take 5 sigma


def test_the_left_out_examples_are_others_every_epoch():
    rng = np.random.default_rng(0)
    met = {i for _ in range(50) for batch in minibatches(5, 3, rng) for i in batch.tolist()}
    assert met == set(range(5))


def test_with_replacement_every_index_is_drawn_independently():
    rng = np.random.default_rng(0)
    batches = minibatches(10, 3, rng, replacement=True)
    assert [len(batch) for batch in batches] == [3, 3, 3]
    last = minibatches(10, 3, rng, drop_last=False, replacement=True)
    assert [len(batch) for batch in last] == [3, 3, 3, 1]
    drawn = np.concatenate([minibatches(10, 10, rng, replacement=True)[0] for _ in range(2000)])
    assert all(1750 < count < 2250 for count in np.bincount(drawn, minlength=10))
    # An example is missed by an epoch with probability (1 - 1/10)^10 = 0.349.
    missed = [10 - len(set(row)) for row in drawn.reshape(2000, 10).tolist()]
    assert np.mean(missed) / 10 == pytest.approx(0.349, abs=0.02)


@pytest.mark.parametrize("replacement", [False, True])
def test_the_same_seed_gives_the_same_batches(replacement):
    def make(seed):
        rng = np.random.default_rng(seed)
        epochs = [minibatches(20, 3, rng, replacement=replacement) for _ in range(3)]
        return [batch.tolist() for epoch in epochs for batch in epoch]

    assert make(1) == make(1)
    assert make(1) != make(2)
    assert make(1)[:6] != make(1)[6:12]  # and every epoch another order


@pytest.mark.parametrize("batch_size", [0, -1, 11, 2.0, "2", None])
def test_a_batch_size_outside_1_to_n_is_refused(batch_size):
    with pytest.raises(ValueError, match=rf"batch_size.*10.*{batch_size!r}"):
        minibatches(10, batch_size, np.random.default_rng(0))


def test_a_batch_size_may_be_a_numpy_integer():
    assert len(minibatches(10, np.int64(5), np.random.default_rng(0))) == 2


# Learning rates


def test_step_decay():
    lr = step_decay(0.8, 0.5, every=3)
    assert [lr(t) for t in range(1, 11)] == [0.8] * 3 + [0.4] * 3 + [0.2] * 3 + [0.1]
    assert step_decay(1.0, 1.0, every=1)(10**6) == 1.0


def test_inverse_time():
    assert [inverse_time(1.0)(t) for t in (1, 2, 4, 10)] == [1.0, 0.5, 0.25, 0.1]
    lr = inverse_time(0.3, t0=10)
    assert lr(1) == 0.3
    assert lr(11) == pytest.approx(0.15, rel=1e-15)  # half of it, t0 updates later
    assert lr(10**9) == pytest.approx(0.3 * 10 / 10**9, rel=1e-7)


def test_sgd_with_rate_1_over_t_is_the_running_mean():
    """SGD on (x_i - m)^2 / 2, one example after the other, with lr(t) = 1/t."""
    sample = np.random.default_rng(0).normal(3.0, 2.0, size=200).tolist()
    m = Value(-100.0)  # forgotten by the first step
    sgd, lr = SGD([m], lr=0.0), inverse_time(1.0)
    for t, x in enumerate(sample, start=1):
        sgd.zero_grad()
        ((x - m) ** 2 / 2).backward()
        sgd.lr = lr(t)
        sgd.step()
        assert m.data == pytest.approx(math.fsum(sample[:t]) / t, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("t0", [1.0, 10.0])
def test_inverse_time_meets_the_conditions_of_robbins_and_monro(t0):
    lr = inverse_time(1.0, t0)
    # The sum from 2^k + 1 to 2^(k+1) does not fade: the whole has no bound.
    doublings = [sum(lr(t) for t in range(2**k + 1, 2 ** (k + 1) + 1)) for k in range(6, 14)]
    assert all(s > 0.5 for s in doublings)
    # The squares: bounded by what an integral says, sum (t0/(t0+s))^2 <= 1 + t0.
    squares = np.cumsum([lr(t) ** 2 for t in range(1, 20_000)])
    assert squares[-1] < 1 + t0
    assert squares[-1] - squares[9_999] < t0**2 / 10_000


def test_cosine():
    lr = cosine(0.4, updates=5)
    assert lr(1) == 0.4
    assert lr(2) == pytest.approx(0.2 * (1 + math.cos(math.pi / 4)), rel=1e-15)
    assert lr(3) == pytest.approx(0.2, rel=1e-15)
    assert lr(5) == 0.0
    assert lr(1000) == 0.0  # and not up again
    lr = cosine(0.4, updates=100, final=0.1)
    rates = [lr(t) for t in range(1, 101)]
    assert (rates[0], rates[-1]) == (0.4, pytest.approx(0.1, rel=1e-15))
    assert all(a > b for a, b in pairwise(rates))
    assert cosine(0.4, updates=1)(1) == 0.4


# Batch sizes


def test_growing():
    size = growing(4, 2, period=2)
    assert [size(epoch) for epoch in range(1, 8)] == [4, 4, 8, 8, 16, 16, 32]
    size = growing(4, 1.5, period=1)
    assert [size(epoch) for epoch in range(1, 5)] == [4, 6, 9, 14]  # 13.5 rounds to even
    assert all(type(size(epoch)) is int for epoch in range(1, 30))


def test_growing_goes_on_however_long_the_training():
    # `fit` caps a schedule at n; until then the number may be as large as it likes.
    assert growing(4)(10_000) > 10**9


# Errors


@for_each("bad", [0, -1, math.nan, math.inf])
@for_each(
    ("name", "make"),
    [
        ("lr", lambda v: step_decay(v)),
        ("factor", lambda v: step_decay(0.1, v)),
        ("every", lambda v: step_decay(0.1, 0.5, v)),
        ("lr", lambda v: inverse_time(v)),
        ("t0", lambda v: inverse_time(0.1, v)),
        ("lr", lambda v: cosine(v, 10)),
        ("updates", lambda v: cosine(0.1, v)),
        ("batch_size", lambda v: growing(v)),
        ("factor", lambda v: growing(4, v)),
        ("period", lambda v: growing(4, 2, v)),
    ],
)
def test_a_schedule_refuses_what_is_not_positive(name, make, bad):
    with pytest.raises(ValueError, match=name):
        make(bad)


def test_growing_does_not_shrink():
    with pytest.raises(ValueError, match="factor"):  # it would come down to batches of 0
        growing(4, 0.5)


@pytest.mark.parametrize("flag", ["drop_last", "replacement"])
def test_flags_of_minibatches_are_true_or_false(flag):
    with pytest.raises(ValueError, match=f"{flag} must be True or False, got 'no'"):
        minibatches(10, 2, np.random.default_rng(0), **{flag: "no"})


@pytest.mark.parametrize("rng", [None, 0, np.random, np.random.RandomState(0)])
def test_minibatches_come_from_a_generator(rng):
    with pytest.raises(TypeError, match="rng"):
        minibatches(10, 2, rng)
    with pytest.raises(TypeError, match="rng"):
        minibatches(10, 2, rng, replacement=True)
