"""The checks of exercises: right solutions pass, quite different ones too; mistakes are named."""

import itertools
import math
import re
import sys
import threading
import time
from collections import deque
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, exercises, primitive
from autograd.exercises import Case, check, checking, comparing
from autograd.exercises.checking import TASKS
from autograd.exercises.comparing import agree, is_unfinished, written
from autograd.exercises.limits import within
from autograd.functions import exp, sigmoid
from nn import exercises as nn_exercises
from tests import wrong_answers
from tests.cases import for_each
from tests.near_misses import KIND, NEAR_MISSES
from tests.said import SAID

BY_NAME = {name: task.check for name, task in TASKS.items()}
assert exercises, nn_exercises
REPORTS = {}


@pytest.fixture(autouse=True)
def give_up_sooner(monkeypatch):
    """A check gives up after one second, which leaves enough for all but what never ends."""
    monkeypatch.setattr(checking, "SECONDS", 1.0)


def report_of(task, things):
    """What a check says of things, asked once: a sweep that never ends takes its second."""
    key = task, *map(id, things)
    if key not in REPORTS:
        REPORTS[key] = things, BY_NAME[task](*things)  # kept with them: an id is then theirs alone
    return REPORTS[key][1]


# A student's Value, in one piece, with all the classic mistakes as switches.

SLOPES = {
    "+": lambda a, b: (1.0, 1.0), "-": lambda a, b: (1.0, -1.0), "*": lambda a, b: (b, a),
    "/": lambda a, b: (1 / b, -a / b**2), "**": lambda a, b: (b * a ** (b - 1), 0.0),
    "neg": lambda a: (-1.0,), "exp": lambda a: (math.exp(a),), "log": lambda a: (1 / a,),
    "sin": lambda a: (math.cos(a),), "tanh": lambda a: (1 - math.tanh(a) ** 2,),
    "relu": lambda a: (float(a > 0),),
}  # fmt: skip


def own_value(order="post", assign=False, reset="inner", lazy=False, slopes=None, **methods):
    """A class; ``order`` is how its sweep goes, ``reset`` what it sets to 0 before."""
    slopes = {**SLOPES, **(slopes or {})}

    class Value:
        def __init__(self, data, op="", inputs=()):
            self.data, self.grad, self.op, self.inputs = data, 0.0, op, inputs
            self.partials = slopes[op](*[v.data for v in inputs]) if op else ()

        def new(self, op, data, *others):
            return Value(data, op, (self, *others))

        def __add__(self, o):
            o = wrap(o)
            return self.new("+", self.data + o.data, o)

        def __sub__(self, o):
            o = wrap(o)
            return self.new("-", self.data - o.data, o)

        def __mul__(self, o):
            o = wrap(o)
            return self.new("*", self.data * o.data, o)

        def __truediv__(self, o):
            o = wrap(o)
            return self.new("/", self.data / o.data, o)

        def __pow__(self, o):
            o = wrap(o)
            return self.new("**", self.data**o.data, o)

        def __neg__(self):
            return self.new("neg", -self.data)

        def __radd__(self, o):
            return wrap(o) + self

        def __rmul__(self, o):
            return wrap(o) * self

        def __rsub__(self, o):
            return wrap(o) - self

        def __rtruediv__(self, o):
            return wrap(o) / self

        def exp(self):
            return self.new("exp", math.exp(self.data))

        def log(self):
            return self.new("log", math.log(self.data))

        def sin(self):
            return self.new("sin", math.sin(self.data))

        def tanh(self):
            return self.new("tanh", math.tanh(self.data))

        def relu(self):
            return self.new("relu", max(0.0, self.data))

        def push(self):
            partials = slopes[self.op](*[v.data for v in self.inputs]) if self.op else ()
            for v, d in zip(self.inputs, partials if lazy else self.partials):
                v.grad = self.grad * d if assign else v.grad + self.grad * d

        def backward(self):
            nodes = orders[order](self)
            for v in nodes:
                if reset == "all" or (reset == "inner" and v.inputs):
                    v.grad = 0.0
            if self.inputs:
                self.grad = 1.0
            else:
                self.grad += 1.0
            if order == "recursive":
                recurse(self)
            else:
                for v in nodes:
                    v.push()

    def wrap(x):
        return x if isinstance(x, Value) else Value(x)

    def recurse(v):
        v.push()
        for u in v.inputs:
            recurse(u)

    for name, method in methods.items():
        setattr(Value, name, method)
    return Value


def post_order(root, visited=True):
    nodes, seen = [], set()

    def visit(v):
        if visited and v in seen:
            return
        seen.add(v)
        for u in v.inputs:
            visit(u)
        nodes.append(v)

    visit(root)
    return nodes[::-1]


def pre_order(root):
    nodes = []

    def visit(v):
        if v not in nodes:
            nodes.append(v)
            for u in v.inputs:
                visit(u)

    visit(root)
    return nodes


def breadth_first(root):
    nodes = [root]
    for v in nodes:
        nodes += [u for u in dict.fromkeys(v.inputs) if u not in nodes]
    return nodes


def kahn(root):
    nodes = breadth_first(root)
    users = dict.fromkeys(nodes, 0)
    for v in nodes:
        for u in v.inputs:
            users[u] += 1
    ready, order = [root], []
    while ready:
        v = ready.pop()
        order.append(v)
        for u in v.inputs:
            users[u] -= 1
            if users[u] == 0:
                ready.append(u)
    return order


orders = {
    "post": post_order, "pre": pre_order, "breadth": breadth_first, "kahn": kahn,
    "recursive": pre_order, "no visited set": partial(post_order, visited=False),
}  # fmt: skip


def seen_by(key, inputs=lambda v: zip(v.inputs, v.partials)):
    """A Value whose order remembers the nodes by a key, and whose sweep takes these inputs."""

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if key(v) not in seen:
                seen.add(key(v))
                for u in v.inputs:
                    visit(u)
                order.append(v)

        visit(self)
        for v in order:
            v.grad = 0.0 if v.inputs else v.grad
        self.grad += 1.0
        for v in reversed(order):
            for u, d in inputs(v):
                u.grad += v.grad * d

    return own_value(backward=backward)


class TapeValue:
    """Another right design: a tape of closures, in the order of the forward pass."""

    tape: list = []  # noqa: RUF012

    def __init__(self, data):
        self.data, self.grad = data, 0.0

    def _op(self, data, *shares):
        z = TapeValue(data)
        z.is_inner = True
        TapeValue.tape.append((z, [(v, d) for v, d in shares if isinstance(v, TapeValue)]))
        return z

    @staticmethod
    def _n(x):
        return x.data if isinstance(x, TapeValue) else x

    def __add__(self, o):
        return self._op(self.data + self._n(o), (self, 1), (o, 1))

    __radd__ = __add__

    def __mul__(self, o):
        return self._op(self.data * self._n(o), (self, self._n(o)), (o, self.data))

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, o):
        return self + o * -1

    def __rsub__(self, o):
        return -self + o

    def __pow__(self, n):
        return self._op(self.data**n, (self, n * self.data ** (n - 1)))

    def __truediv__(self, o):
        return self * o**-1

    def __rtruediv__(self, o):
        return self**-1 * o

    def exp(self):
        return self._op(math.exp(self.data), (self, math.exp(self.data)))

    def log(self):
        return self._op(math.log(self.data), (self, 1 / self.data))

    def sin(self):
        return self._op(math.sin(self.data), (self, math.cos(self.data)))

    def tanh(self):
        return self._op(math.tanh(self.data), (self, 1 / math.cosh(self.data) ** 2))

    def relu(self):
        return self._op(self.data * (self.data > 0), (self, 1.0 * (self.data > 0)))

    def backward(self):
        for z, _ in TapeValue.tape:
            z.grad = 0.0
        self.grad += 1.0
        for z, shares in reversed(TapeValue.tape):
            for v, d in shares:
                v.grad += z.grad * d


@pytest.mark.parametrize(
    "Value",
    [autograd.Value, own_value(), own_value("kahn"), TapeValue],
    ids=["ours", "own", "kahn", "tape"],
)
def test_right_values(Value):
    assert exercises.check_forward(Value), exercises.check_forward(Value)
    assert exercises.check_backward(Value), exercises.check_backward(Value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("Value", "words"),
    [
        (own_value(assign=True), "+="),
        (
            own_value(
                __eq__=lambda a, b: isinstance(b, type(a)) and a.data == b.data,
                __hash__=lambda a: hash(a.data),
            ),
            "two nodes of the same number are taken for one",
        ),
        (seen_by(lambda v: v.data), "two nodes of the same number are taken for one"),
        (seen_by(id, inputs=lambda v: dict(zip(v.inputs, v.partials)).items()), "one input twice"),
        (own_value(slopes={"sin": lambda a: (0.0,)}), "this operation hands on nothing"),
        (own_value("pre"), "no topological order"),
        (own_value("breadth"), "no topological order"),
        (own_value("recursive"), "a diamond is counted twice"),
        (own_value("no visited set"), "a diamond is counted twice"),
        (own_value(reset="none"), "gradients of inner nodes are left over"),
        (own_value(reset="all"), "the gradient of a leaf is set to 0 too"),
        (own_value(lazy=True), "data was changed between forward and backward"),
        (own_value(__rsub__=lambda self, o: self - o), "the reversed -"),
        (own_value(__rtruediv__=lambda self, o: self / o), "the reversed /"),
        (own_value(slopes={"/": lambda a, b: (1 / b, a / b**2)}), "the sign: d(a/b)/db"),
        (own_value(slopes={"**": lambda a, n: (n * a**n, 0)}), "the power is one less"),
        (own_value(slopes={"tanh": lambda a: (1 - a * a,)}), "1 - tanh(x)^2, not"),
        (own_value(slopes={"sin": lambda a: (-math.cos(a),)}), "the sign: d sin"),
        (own_value(slopes={"-": lambda a, b: (1.0, 1.0)}), "d(a - b)/db = -1"),
    ],
)
def test_mistakes_in_a_value_are_named(Value, words):
    report = report_of("backward", (Value,))
    assert report.state == "wrong"
    assert words in report.mistakes[0], report


def test_mistakes_in_the_forward_pass_are_named():
    reversed_ = own_value(__rsub__=lambda self, o: self - o, __rtruediv__=lambda self, o: self / o)
    mistakes = exercises.check_forward(reversed_).mistakes
    assert any("the reversed -" in m for m in mistakes)
    assert any("the reversed /" in m for m in mistakes)


@pytest.mark.slow
def test_a_sweep_along_every_path_ends_and_is_named():
    def backward(self, share=1.0):
        self.grad += share
        for v, d in zip(self.inputs, self.partials):
            v.backward(share * d)

    report = exercises.check_backward(own_value(backward=backward))
    assert any("every path" in m for m in report.mistakes), report


# Functions: right in two ways, and wrong in the classic ones


def central(f, x, h):
    def at(i, step):
        return f([v + step * (j == i) for j, v in enumerate(x)])

    return [(at(i, h) - at(i, -h)) / (2 * h) for i in range(len(x))]


def central_arrays(f, x, h):
    x = np.array(x)
    return np.array([(f(x + h * e) - f(x - h * e)) / h / 2 for e in np.eye(len(x))])


def central_of_ints(f, x, h):
    slopes = []
    for i in range(len(x)):
        up, down = np.array(x), np.array(x)
        up[i] += h
        down[i] -= h
        slopes.append((f(up) - f(down)) / (2 * h))
    return slopes


def central_at_once(f, x, h):
    x, moved = np.array(x, float)[:, None], h * np.eye(len(x))
    return (f(x + moved) - f(x - moved)) / (2 * h)


def central_by_index(f, x, h):
    return [central(f, x, h)[x.index(v)] for v in x]


def central_by_number(f, x, h):
    return [(f([v + h * (v == w) for v in x]) - f([v - h * (v == w) for v in x])) / (2 * h)
            for w in x]  # fmt: skip


def central_not_put_back(f, x, h):
    x, slopes = list(x), []
    for i in range(len(x)):
        x[i] += h
        up = f(x)
        x[i] -= 2 * h
        slopes.append((up - f(x)) / (2 * h))
    return slopes


def topological_kahn(root):
    order = breadth_first_values(root)
    result = []
    while order:
        ready = [
            v for v in order
            if all(u in result for u in v.inputs if isinstance(u, autograd.Value))
        ]  # fmt: skip
        result += ready
        order = [v for v in order if v not in ready]
    return result


def breadth_first_values(root):
    nodes = [root]
    for v in nodes:
        nodes += [
            u for u in dict.fromkeys(v.inputs)
            if isinstance(u, autograd.Value) and u not in nodes
        ]  # fmt: skip
    return nodes


def by_shortest_way(root, turned=1):
    away, found = {root: 0}, [root]
    for v in found:
        for u in v.inputs:
            if isinstance(u, Value) and u not in away:
                away[u] = away[v] + 1
                found.append(u)
    return sorted(found[::turned], key=lambda v: -away[v])


def topological_by(key, root):
    seen, order = set(), []

    def visit(v):
        if isinstance(v, Value) and key(v) not in seen:
            seen.add(key(v))
            for u in v.inputs:
                visit(u)
            order.append(v)

    visit(root)
    return order


def topological_of_two(root):
    order = []

    def visit(v):
        if isinstance(v, Value) and v not in order:
            for u in v.inputs[:2]:
                visit(u)
            order.append(v)

    visit(root)
    return order


def topological_with_numbers(root):
    seen = {}

    def visit(v):
        if v not in seen:
            for u in getattr(v, "inputs", ()):
                visit(u)
            seen[v] = True

    visit(root)
    return list(seen)


def topological_twice(root):
    inputs = [u for u in root.inputs if isinstance(u, autograd.Value)]
    return [v for u in inputs for v in topological_twice(u)] + [root]


def topological_without_root(root):
    return autograd.topological_order(root)[:-1]


def topological_shallow(root):
    inputs = [u for u in dict.fromkeys(root.inputs) if isinstance(u, autograd.Value)]
    return [*inputs, root]


def swish_by_exp():
    return primitive(
        "swish2", lambda x: x * sigmoid(x),
        lambda z, x: (sigmoid(x) + x * exp(x) * sigmoid(-x) ** 2,),
    )  # fmt: skip


def swish(partials, value=lambda x: x * sigmoid(x)):
    return primitive("swish", value, partials)


E, S, C = math.exp(2), math.sin(2), math.cos(2)
BISHOP = (
    {"x1": 1, "x2": 2, "v3": 2, "v4": S, "v5": E, "v6": 2 - S, "v7": E + 2 - S},
    {"x1": 1, "x2": 0, "v3": 2, "v4": 0, "v5": 2 * E, "v6": 2, "v7": 2 * E + 2},
    {"x1": 2 + 2 * E, "x2": 1 + E - C, "v3": 1 + E, "v4": -1, "v5": 1, "v6": 1, "v7": 1},
)
ROUNDED = tuple({k: round(v, 3) for k, v in d.items()} for d in BISHOP)


def stable_sigmoid(a):
    return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))


def stable_sigmoids(a):
    return np.array([stable_sigmoid(v) for v in a])


def softmax(a):
    e = np.exp(a - np.max(a))
    return e / e.sum()


def naive_softmax(a):
    return np.exp(a) / np.exp(a).sum()


def recursion(theta, a, top, g_prime):
    delta = [None] * len(a)
    delta[-1] = top
    for l in range(len(a) - 2, 0, -1):
        delta[l] = g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1])
    return delta


def recursion_by_loops(theta, a, top, g_prime):
    delta = [list(top)]
    for l in range(len(a) - 2, 0, -1):
        row = []
        for j in range(len(a[l])):
            total = sum(theta[l + 1][k][j] * delta[0][k] for k in range(len(delta[0])))
            row.append(float(g_prime(a[l][j : j + 1])[0] * total))
        delta.insert(0, row)
    return delta


def changed_recursion(change):
    def error_signals(theta, a, top, g_prime):
        delta = [None] * len(a)
        delta[-1] = top
        for l in range(len(a) - 2, 0, -1):
            delta[l] = change(theta, a, delta, g_prime, l)
        return delta

    return error_signals


def skip_gradients(through=1, beside=1, slope=True, skipped=1, sign=1, turned=False):
    """The four gradients, or what a mistake makes of them."""

    def gradients(theta1, theta2, skip, x, y):
        x1 = np.tanh(theta1 @ x)
        top = sign * (theta2 @ x1 + skipped * skip @ x - y)
        below = (1 - x1**2 if slope else 1.0) * (theta2.T @ top)
        outer = [np.outer(below, x), np.outer(top, x1), np.outer(top, x)]
        return [
            *(g.T if turned else g for g in outer),
            through * theta1.T @ below + beside * skip.T @ top,
        ]

    return gradients


def skip_by_the_engine(theta1, theta2, skip, x, y):
    values = [[[Value(v) for v in row] for row in np.atleast_2d(part).tolist()]
              for part in (theta1, theta2, skip, x)]  # fmt: skip
    rows1, rows2, skips, (inputs,) = values
    x1 = [autograd.dot(row, inputs).tanh() for row in rows1]
    a = [autograd.dot(t, x1) + autograd.dot(s, inputs) for t, s in zip(rows2, skips)]
    autograd.sum([(v - t) ** 2 / 2 for v, t in zip(a, y.tolist())]).backward()
    return [
        np.reshape([v.grad for row in part for v in row], shape)
        for part, shape in zip(values, (theta1.shape, theta2.shape, skip.shape, x.shape))
    ]


def shared_gradients(w, x, delta):
    by_w, by_x = np.zeros(len(w)), np.zeros(len(x))
    for j, d in enumerate(delta):
        by_w += d * x[j : j + len(w)]
        by_x[j : j + len(w)] += d * w
    return by_w, by_x


def curvature(a):
    p = 1 / (1 + np.exp(-a))
    return p * (1 - p)


(kind_of_point,) = wrong_answers.things_of("kind_of_point", f"{KIND}\nkind_of_point = kind")


def kind_by_definiteness(gradient, H, tolerance):
    def definite(A):
        return bool(np.all(np.linalg.eigh(A).eigenvalues > tolerance))

    if gradient @ gradient > tolerance**2:
        return "not critical"
    if definite(H) or definite(-H):
        return "minimum" if definite(H) else "maximum"
    low, *_, high = np.linalg.eigvalsh(H)
    return "saddle" if low < -tolerance and high > tolerance else "undecided"


def kind_by_determinant(gradient, H, tolerance):
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    return "minimum" if np.linalg.det(H) > 0 else "saddle"


def batches(n, b, rng):
    order = rng.permutation(n)
    return [order[i * b : (i + 1) * b] for i in range(n // b)]


def batches_by_shuffle(n, b, rng):
    order = list(range(n))
    rng.shuffle(order)
    while len(order) >= b:
        yield order[:b]
        del order[:b]


def in_order(n, b, rng):
    return [np.arange(i * b, (i + 1) * b) for i in range(n // b)]


def by_own_seed(n, b, rng):
    return batches(n, b, np.random.default_rng(0))


def shuffling_on():
    """Batches cut from an array that is kept, and shuffled from one epoch to the next."""
    kept = {}

    def minibatches(n, b, rng):
        order = kept.setdefault(n, np.arange(n))
        rng.shuffle(order)
        return [order[i * b : (i + 1) * b] for i in range(n // b)]

    return minibatches


def never_staying(n, b, rng):
    """Sattolo's permutations, which move every index."""
    order = list(range(n))
    for i in range(n - 1):
        j = int(rng.integers(i + 1, n))
        order[i], order[j] = order[j], order[i]
    return [order[i * b : (i + 1) * b] for i in range(n // b)]


def logistic_gradient(theta, X, y):
    return sum((stable_sigmoid(x @ theta) - t) * x for x, t in zip(X, y))


def logistic_gradient_arrays(theta, X, y):
    return X.T @ (np.tanh(X @ theta / 2) / 2 + 0.5 - y)


def momentum(theta, v, g, lr, m):
    v = m * v + g
    return theta - lr * v, v


def decay(lr, factor, every):
    return lambda t: lr * factor ** ((t - 1) // every)


def decay_by_loop(lr, factor, every):
    def rate(t):
        now = lr
        for u in range(1, t):
            if u % every == 0:
                now *= factor
        return now

    return rate


def doubling(b, every):
    return lambda epoch: b * 2 ** ((epoch - 1) // every)


def standardised(train, test, least=0.0):
    mean, std = train.mean(axis=0), train.std(axis=0)
    std[std <= least] = 1
    return (train - mean) / std, (test - mean) / std


def huber(a, line=lambda a: abs(a) - 0.5, parabola=lambda a: a * a / 2):
    return autograd.where(1 - abs(a), parabola(a), line(a))


def huber_by_if(a, line=lambda a: abs(a) - 0.5, parabola=lambda a: a * a / 2):
    return parabola(a) if abs(a).data <= 1 else line(a)


def exponentials(s):
    return [v.exp() for v in s]


def shares(s):
    total = sum(s)
    return [v / total for v in s]


def attend(
    q, keys, values, weights=lambda s: shares(exponentials(s)), d=lambda q, keys: len(q) ** 0.5
):
    p = weights([sum(a * b for a, b in zip(q, k)) / d(q, keys) for k in keys])
    return [sum(p_s * v[j] for p_s, v in zip(p, values)) for j in range(len(values[0]))]


def attend_by_nodes(q, keys, values):
    s = [autograd.dot(q, k) / math.sqrt(len(q)) for k in keys]
    p = [(v - autograd.logsumexp(s)).exp() for v in s]
    return [autograd.dot(p, column) for column in zip(*values)]


def attend_with_numbers(q, keys, values):
    p = softmax([sum(a.data * b.data for a, b in zip(q, k)) / len(q) ** 0.5 for k in keys])
    return [sum(float(p_s) * v[j] for p_s, v in zip(p, values)) for j in range(len(values[0]))]


def constants(rows):
    """The numbers of lists of Values."""
    return [[v.data for v in row] for row in rows]


def attend_by_a_list(q, keys, values):
    return attend(q, keys, values, d=lambda q, keys: q + 1)


def attend_that_empties_its_lists(q, keys, values):
    result = attend(q, keys, values)
    for given in (q, keys, values):
        given.clear()
    return result


def all_to_the_largest(s):
    return [float(v.data == max(w.data for w in s)) for v in s]


def confusion(true, predicted, K):
    M = np.zeros((K, K), int)
    np.add.at(M, (true, predicted), 1)
    return M


def confusion_by_loops(true, predicted, K):
    pairs = list(zip(true, predicted))
    return [[sum(t == i and p == j for t, p in pairs) for j in range(K)] for i in range(K)]


RIGHT = [
    ("topological_order", (autograd.topological_order,)),
    ("topological_order", (topological_kahn,)),
    ("central_difference", (central,)),
    ("central_difference", (central_arrays,)),
    ("swish", (swish(lambda z, x: (sigmoid(x) + z * (1 - sigmoid(x)),)),)),
    ("swish", (swish_by_exp(),)),
    ("bishop", BISHOP),
    ("bishop", ROUNDED),
    ("gaussian", (lambda a, y: (y - a) ** 2 / 2, lambda a, y: a - y)),
    ("gaussian", (lambda a, y: 0.5 * abs(a - y) ** 2, lambda a, y: -(y - a))),
    (
        "bernoulli",
        (lambda a, y: np.logaddexp(0, a) - y * a, lambda a, y: stable_sigmoid(a) - y),
    ),
    ("bernoulli", (nn.bernoulli_nll, lambda a, y: (np.tanh(a / 2) + 1) / 2 - y)),
    (
        "categorical",
        (
            lambda a, y: np.log(np.exp(a - a[y]).sum()) if a[y] == a.max()
            else np.log(np.exp(a - a.max()).sum()) + a.max() - a[y],
            lambda a, y: softmax(a) - np.eye(len(a))[y],
        ),
    ),
    (
        "categorical",
        (nn.categorical_nll, lambda a, y: [p - (k == y) for k, p in enumerate(softmax(a))]),
    ),
    ("error_signals", (recursion,)),
    ("error_signals", (recursion_by_loops,)),
    (
        "weight_gradients",
        (lambda delta, x: [None, *[np.outer(d, v) for d, v in zip(delta[1:], x)]],),
    ),
    (
        "weight_gradients",
        (lambda delta, x: [[[d * v for v in below] for d in at]
                           for at, below in zip(delta[1:], x)],),
    ),
    ("skip_gradients", (skip_gradients(),)),
    ("skip_gradients", (skip_by_the_engine,)),
    ("shared_gradients", (shared_gradients,)),
    ("shared_gradients", (lambda w, x, d: (np.correlate(x, d, "valid"), np.convolve(d, w)),)),
    ("outer_product", (curvature, lambda J, r: J.T @ np.diag(r) @ J)),
    ("outer_product", (curvature, lambda J, r: sum(c * np.outer(b, b) for b, c in zip(J, r)))),
    ("kind_of_point", (kind_of_point,)),
    ("kind_of_point", (kind_by_definiteness,)),
    ("minibatches", (batches,)),
    ("minibatches", (nn.minibatches,)),
    ("minibatches", (batches_by_shuffle,)),
    ("batch_gradient", (logistic_gradient,)),
    ("batch_gradient", (logistic_gradient_arrays,)),
    ("sgd_step", (momentum,)),
    ("sgd_step", (lambda theta, v, g, lr, m: [theta - lr * g - lr * m * v, g + m * v],)),
    ("step_decay", (decay,)),
    ("step_decay", (nn.step_decay,)),
    ("step_decay", (decay_by_loop,)),
    ("growing", (doubling,)),
    ("growing", (lambda b, every: nn.growing(b, 2, every),)),
    ("standardise", (standardised,)),
    (
        "standardise",
        (lambda train, test: tuple(
            (X - train.mean(0)) / np.where(np.ptp(train, axis=0) > 0, train.std(0), 1)
            for X in (train, test)
        ),),
    ),
    ("confusion_matrix", (confusion,)),
    ("confusion_matrix", (confusion_by_loops,)),
    ("xor", ([[1, 1], [1, 1]], [0, -1], [[1, -2]], [-0.5])),
    ("xor", (np.array([[1.0, -1], [-1, 1]]), np.zeros(2), np.ones((1, 2)), np.array([-0.5]))),
    ("mirror", ([1, 2, 4, -4, -2, -1],)),
    ("mirror", ([1, 10**5, 10**10, -(10**10), -(10**5), -1],)),
    ("mirror", ([1, 10**20, 10**40, -(10**40), -(10**20), -1],)),
    ("mirror", ([0.1, 0.2, 0.4, -0.4, -0.2, -0.1],)),
    ("mirror", ([Fraction(1, 3), 0.25, 1, -1, -0.25, Fraction(-1, 3)],)),
    ("mirror", (np.array([14.2, -3.5, 7.1, -7.1, 3.5, -14.2]),)),
    ("huber", (huber,)),
    ("huber", (lambda a: abs(a) - 0.5 + (1 - abs(a)).relu() ** 2 / 2,)),
    ("attend", (attend,)),
    ("attend", (attend_by_nodes,)),
]  # fmt: skip


@for_each(("task", "things"), RIGHT)
def test_right_solutions(task, things):
    before = time.perf_counter()
    report = BY_NAME[task](*things)
    assert report and report.state == "right", report
    assert time.perf_counter() - before < 2
    assert report.mistakes == []


def test_every_task_has_two_right_solutions():
    tasks = [task for task, _ in RIGHT]
    assert all(tasks.count(task) >= 2 for task in TASKS if task not in ("forward", "backward"))


def recursion_upward(theta, a, top, g_prime):
    delta = [None, top]
    for l in range(2, len(a)):
        delta.append(g_prime(a[l]) * (theta[l].T @ delta[l - 1]))
    return delta


def recursion_in_place_upward(theta, a, top, g_prime):
    delta = [None] * len(a)
    delta[-1] = top
    for l in range(1, len(a) - 1):
        delta[l] = g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1])
    return delta


def slope_of_sigmoid(a):
    return stable_sigmoid(a) * (1 - stable_sigmoid(a))


def nll_from_p(log_of, K=False):
    """A likelihood by way of p, which is clipped, or has eps added to it."""

    def nll(a, y):
        if K:
            return -log_of(softmax(a)[y])
        p = stable_sigmoid(a)
        return -y * log_of(p) - (1 - y) * log_of(1 - p)

    return nll


FROM_P = [
    (lambda p: np.log(np.clip(p, 1e-12, 1 - 1e-12)), "p is clipped"),
    (lambda p: np.log(p + 1e-12), "eps is added"),
]
BERNOULLI_DELTA = lambda a, y: stable_sigmoid(a) - y  # noqa: E731
CATEGORICAL_DELTA = lambda a, y: softmax(a) - np.eye(len(a))[y]  # noqa: E731


def counting_epochs(b, every):
    calls = 0

    def size(epoch):
        nonlocal calls
        calls += 1
        return b * 2 ** ((calls - 1) // every)

    return size


WRONG = [
    *[("bernoulli", (nll_from_p(from_p), BERNOULLI_DELTA), words) for from_p, words in FROM_P],
    *[("categorical", (nll_from_p(from_p, K=True), CATEGORICAL_DELTA), words)
      for from_p, words in FROM_P],
    (
        "bernoulli",
        (nn.bernoulli_nll, lambda a, y: (stable_sigmoid(a) - y) * slope_of_sigmoid(a)),
        "the slope of a squared error",
    ),
    (
        "bernoulli",
        (nn.bernoulli_nll, lambda a, y: (stable_sigmoid(a) - y) / slope_of_sigmoid(a)),
        "the slope by p",
    ),
    (
        "categorical",
        (lambda a, y: nn.categorical_nll(a, y) / len(a),
         lambda a, y: CATEGORICAL_DELTA(a, y) / len(a)),
        "one number of the true class",
    ),
    (
        "categorical",
        (lambda a, y: nn.categorical_nll(a, y) / math.log(2),
         lambda a, y: CATEGORICAL_DELTA(a, y) / len(a)),
        "all K derivatives",
    ),
    (
        "categorical",
        (lambda a, y: nn.categorical_nll(a, y) / math.log(2),
         lambda a, y: CATEGORICAL_DELTA(a, y) * softmax(a) * (1 - softmax(a))),
        "base e",
    ),
    (
        "categorical",
        (nn.categorical_nll, lambda a, y: CATEGORICAL_DELTA(a, y) * softmax(a) * (1 - softmax(a))),
        "the slope of a squared error",
    ),
    ("categorical", (nn.categorical_nll, lambda *x: CATEGORICAL_DELTA(*x)[:, None]), "a column"),
    ("gaussian", (lambda a, y: (y - a) ** 2 / 2, lambda a, y: (y - a) ** 2 / 2), "the loss itself"),
    ("error_signals", (lambda t, a, d, g: recursion(t, a, d, lambda a: a * (1 - a)),), "a(1 - a)"),
    (
        "error_signals",
        (changed_recursion(lambda t, a, d, g, l: -g(a[l]) * (t[l + 1].T @ d[l + 1])),),
        "turns at every layer",
    ),
    ("error_signals", (lambda t, a, d, g: recursion(t, a, -d, g),), "the sign of every Delta"),
    ("error_signals", (lambda *args: [d if d is None else d[:, None] for d in recursion(*args)],),
     "a column"),
    ("error_signals", (lambda *args: [0, *recursion(*args)[1:]],), "where None belongs"),
    (
        "weight_gradients",
        (lambda delta, x: [None, *[-np.outer(d, v) for d, v in zip(delta[1:], x)]],),
        "the sign",
    ),
    (
        "weight_gradients",
        (lambda delta, x: [0, *[np.outer(d, v) for d, v in zip(delta[1:], x)]],),
        "where None belongs",
    ),
    ("skip_gradients", (skip_gradients(beside=0),), "a share by the skip too"),
    ("skip_gradients", (skip_gradients(through=0),), "through the hidden units too"),
    ("skip_gradients", (skip_gradients(skipped=0),), "the skip is missing there"),
    ("skip_gradients", (skip_gradients(slope=False),), "g' is missing"),
    ("skip_gradients", (skip_gradients(turned=True),), "are transposed"),
    ("skip_gradients", (skip_gradients(sign=-1),), "the sign"),
    ("skip_gradients", (lambda *parts: [*skip_gradients()(*parts)[:3],
                                        skip_gradients()(*parts)[3][:, None]],), "a column"),
    ("skip_gradients", (lambda *parts: skip_gradients()(*parts)[:3],), "there are four"),
    ("skip_gradients", (lambda t1, t2, s, x, y: [t1.T @ x, t2, s, x],), "the shapes"),
    ("shared_gradients", (lambda w, x, d: (d[-1] * x[len(d) - 1 :], np.convolve(d, w)),),
     "= where += belongs"),
    ("shared_gradients", (lambda w, x, d: (np.correlate(x, d) / len(d), np.convolve(d, w)),),
     "not their mean"),
    ("shared_gradients", (lambda w, x, d: (np.correlate(x, d)[::-1], np.convolve(d, w)),),
     "not x_{j-k}"),
    ("shared_gradients", (lambda w, x, d: (np.correlate(x, d), np.convolve(d, w[::-1])),),
     "turned round in dL/dx"),
    ("shared_gradients", (lambda w, x, d: (np.correlate(x, d), np.convolve(d, w)[: len(d)]),),
     "too few entries"),
    ("shared_gradients", (lambda *parts: [v[:, None] for v in shared_gradients(*parts)],),
     "a column"),
    ("outer_product", (lambda a: a * (1 - a), lambda J, r: J.T @ np.diag(r) @ J), "not a(1 - a)"),
    ("outer_product", (stable_sigmoids, lambda J, r: J.T @ np.diag(r) @ J),
     "differentiate once more"),
    ("outer_product", (lambda a: curvature(a)[:, None], lambda J, r: J.T @ np.diag(r) @ J),
     "a column"),
    ("outer_product", (curvature, lambda J, r: J.T @ J), "each outer product has the factor r_i"),
    ("outer_product", (curvature, lambda J, r: J.T @ np.diag(r**2) @ J), "not squared"),
    ("outer_product", (curvature, lambda J, r: J.T @ np.diag(r) @ J / len(r)), "not their mean"),
    ("outer_product", (curvature, lambda J, r: np.outer(r**0.5 @ J, r**0.5 @ J)),
     "the outer product of the sum"),
    ("outer_product", (curvature, lambda J, r: J @ J.T), "J J^T"),
    ("outer_product", (curvature, lambda J, r: J.T @ (J * r)), "the shapes"),
    ("kind_of_point", (kind_by_determinant,), "the determinant does not tell"),
    ("kind_of_point", (lambda g, H, t: kind_of_point(g, H, t, of=np.diag),),
     "the diagonal does not tell"),
    ("kind_of_point", (lambda g, H, t: kind_of_point(0 * g, H, t),), "the gradient comes first"),
    ("kind_of_point", (lambda g, H, t: kind_of_point(np.linalg.norm(g) // t * 9 * t, H, 1e-12,
                                                     length=abs),), "has no sign"),
    ("kind_of_point", (lambda g, H, t: kind_of_point(g, -H, t),), "curves up"),
    (
        "batch_gradient",
        (lambda theta, X, y: sum((stable_sigmoid(x @ theta) - t) * slope_of_sigmoid(x @ theta) * x
                                 for x, t in zip(X, y)),),
        "the slope of a squared error",
    ),
    ("batch_gradient", (lambda *args: logistic_gradient(*args)[:, None],), "a column"),
    ("sgd_step", (lambda *args: [w[:, None] for w in momentum(*args)],), "a column"),
    ("sgd_step", (lambda w, v, g, lr, m: (w - lr * (v + m * g), v + m * g),), "stands at g"),
    ("sgd_step", (lambda w, v, g, lr, m: (w - lr * m * (m * v + g), m * v + g),), "comes in twice"),
    ("sgd_step", (lambda w, v, g, lr, m: (w - lr * (m * v + g) / 2, m * v + g),), "half a step"),
    (
        "step_decay",
        (lambda lr, f, k: lambda t: lr * math.exp(-f * (t - 1) / k),),
        "it sinks smoothly",
    ),
    ("growing", (lambda b, k: lambda e: b * e,), "after every `period` epochs"),
    ("step_decay", (lambda lr, f, k: lambda t: lr * f ** ((t - 1) % k),), "// counts whole steps"),
    ("growing", (lambda b, k: lambda e: b * 2 ** (e % k),), "// counts whole steps"),
    ("growing", (counting_epochs,), "must not count its calls"),
    ("backward", (own_value(slopes={"exp": lambda a: (a,)}),), "exp(x)' = exp(x)"),
    *[("bishop", (BISHOP[0], BISHOP[1], BISHOP[2] | {name: wrong}), "the sum of both shares")
      for name, wrong in (("x1", 2.0), ("x2", 1 - C))],
    ("central_difference", (lambda f, x, h: central(f, x, h / 2),), "half a step"),
    ("central_difference", (lambda f, x, h: central(f, x, 1e-5),), "the error h^2"),
    ("error_signals", (recursion_upward,), "the loop runs forward"),
    ("error_signals", (recursion_in_place_upward,), "is None still"),
    (
        "minibatches",
        (lambda n, b, rng: [o[i * b : (i + 1) * b] for o in [rng.permutation(n)]
                            for i in range(round(n / b))],),
        "n / b is rounded",
    ),
    ("central_difference", (lambda f, x, h: central_arrays(f, x, h)[:, None],), "a column"),
    ("central_difference", (central_of_ints,), "x holds ints"),
    ("central_difference", (central_at_once,), "not of arrays"),
    ("swish", (swish(lambda z, x: (z / x + z * (1 - z / x),)),), "not z / x"),
    ("swish", (swish(lambda z, x: (sigmoid(x) + x * x * (1 - x),)),), "a(1 - a)"),
    ("swish", (swish(lambda x, z: (sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)),)),), "z for x"),
    ("huber", (partial(huber, parabola=lambda a: a * a),), "not a^2"),
    ("huber", (partial(huber, line=abs),), "the pieces meet at 1"),
    ("huber", (partial(huber, line=lambda a: a - 0.5),), "goes up to the left"),
    ("huber", (lambda a: autograd.where(abs(a) - 1, a * a / 2, abs(a) - 0.5),), "are exchanged"),
    ("huber", (huber_by_if,), "keeps both pieces"),
    ("huber", (lambda a: autograd.where(abs(a) > 1, abs(a) - 0.5, a * a / 2),), "a comparison"),
    ("huber", (lambda a: huber(Value(a.data)),), "the graph is lost"),
    ("attend", (partial(attend, weights=exponentials),), "do not add up to 1"),
    ("attend", (partial(attend, weights=lambda s: s),), "are no weights"),
    ("attend", (lambda *x: attend(*x)[0],), "in a list"),
    ("attend", (partial(attend, d=lambda q, keys: 1),), "are divided by the root"),
    ("attend", (partial(attend, d=lambda q, keys: len(q)),), "not by d"),
    ("attend", (partial(attend, d=lambda q, keys: len(keys) ** 0.5),), "not of the number"),
    ("attend", (partial(attend, weights=shares),), "go by the scores"),
    ("attend", (partial(attend, weights=all_to_the_largest),), "takes all"),
    ("attend", (attend_with_numbers,), "compute with the Values"),
    ("attend", (lambda q, k, v: attend(constants([q])[0], k, v),), "compute with the Values"),
    ("attend", (lambda q, k, v: attend(q, constants(k), v),), "compute with the Values"),
    ("attend", (lambda q, k, v: attend(q, k, constants(v)),), "compute with the Values"),
    ("attend", (lambda *x: [v.data for v in attend(*x)],), "does a float come back"),
    ("topological_order", (topological_with_numbers,), "a plain number is in the list"),
    ("topological_order", (topological_twice,), "a node stands in the list twice"),
    ("topological_order", (topological_without_root,), "the root is missing"),
    ("topological_order", (topological_shallow,), "some Values are missing"),
    ("topological_order", (partial(topological_by, lambda v: v.data),), "are taken for one"),
    ("topological_order", (partial(topological_by, lambda v: v.label),), "are taken for one"),
    ("topological_order", (topological_of_two,), "an input is missing"),
    ("topological_order", (breadth_first_values,), "a node stands before its inputs"),
    ("topological_order", (by_shortest_way,), "a node stands before its inputs"),
    ("topological_order", (partial(by_shortest_way, turned=-1),), "before its inputs"),
    ("topological_order", (lambda r: autograd.topological_order(r)[::-1],), "before its inputs"),
    (
        "central_difference",
        (lambda f, x, h: [(f([v + h * (i == j) for j, v in enumerate(x)]) - f(x)) / h
                          for i in range(len(x))],),
        "to one side",
    ),
    ("central_difference", (lambda f, x, h: [2 * g for g in central(f, x, h)],), "divide by 2h"),
    (
        "central_difference",
        (lambda f, x, h: [(f([v + h for v in x]) - f([v - h for v in x])) / (2 * h)] * len(x),),
        "all inputs are moved at once",
    ),
    ("central_difference", (central_not_put_back,), "not put back"),
    ("central_difference", (central_by_index,), "not by their number"),
    ("central_difference", (central_by_number,), "not by their number"),
    ("swish", (swish(lambda z, x: (sigmoid(x),)),), "the share of the second factor"),
    ("swish", (swish(lambda z, x: (z * (1 - sigmoid(x)),)),), "the share of the first factor"),
    ("swish", (swish(lambda z, x: sigmoid(x) + z * (1 - sigmoid(x))),), "partials is a tuple"),
    (
        "swish",
        (swish(lambda z, x: (z / x + z * (1 - z / x),), lambda x: x / (1 + math.exp(-x))),),
        "those of math, or an if",
    ),
    (
        "swish",
        (swish(lambda z, x: (1 / (1 + exp(-x)) + z * (1 - 1 / (1 + exp(-x))),),
               lambda x: x * exp(x) / (1 + exp(x)) if not isinstance(x, float)
               else x * math.exp(x) / (1 + math.exp(x)) if x > -700 else math.nan),),
        "overflows",
    ),
    ("bishop", (BISHOP[0], BISHOP[1], BISHOP[2] | {"v3": 1}), "the sum of both shares"),
    ("bishop", (BISHOP[0], BISHOP[1], BISHOP[2] | {"x2": 1 + E + C}), "the sign: f holds -sin"),
    ("bishop", (BISHOP[0], BISHOP[1], BISHOP[2] | {"v4": 1}), "by v4 is -1"),
    ("bishop", (BISHOP[0] | {"v4": 0.0349}, *BISHOP[1:]), "not degrees"),
    ("bishop", (BISHOP[0], BISHOP[1] | {"v4": C}, BISHOP[2]), "its tangent is 0"),
    ("gaussian", (lambda a, y: (y - a) ** 2, lambda a, y: 2 * (a - y)), "the half"),
    ("gaussian", (lambda a, y: (y - a) ** 2 / 2, lambda a, y: y - a), "the sign"),
    (
        "bernoulli",
        (lambda a, y: -y * np.log(stable_sigmoid(a)) - (1 - y) * np.log(1 - stable_sigmoid(a)),
         lambda a, y: stable_sigmoid(a) - y),
        "overflow",
    ),
    (
        "bernoulli",
        (lambda a, y: np.logaddexp(0, a) - y * a, lambda a, y: np.exp(a) / (1 + np.exp(a)) - y),
        "overflow",
    ),
    (
        "bernoulli",
        (lambda a, y: np.logaddexp(0, a) - y * a, lambda a, y: 1 / (1 + math.exp(-a)) - y),
        "overflow",
    ),
    (
        "bernoulli",
        (lambda a, y: np.logaddexp(0, a) - y * a, lambda a, y: y - stable_sigmoid(a)),
        "the sign",
    ),
    (
        "bernoulli",
        (lambda a, y: np.logaddexp(0, a) - (1 - y) * a, lambda a, y: stable_sigmoid(a) - y),
        "are exchanged",
    ),
    (
        "categorical",
        (lambda a, y: -np.log(naive_softmax(a)[y]), lambda a, y: softmax(a) - np.eye(len(a))[y]),
        "overflow",
    ),
    (
        "categorical",
        (nn.categorical_nll, lambda a, y: naive_softmax(a) - np.eye(len(a))[y]),
        "overflow",
    ),
    ("categorical", (nn.categorical_nll, lambda a, y: softmax(a) - y), "one-hot"),
    ("categorical", (nn.categorical_nll, lambda a, y: np.eye(len(a))[y] - softmax(a)), "sign"),
    (
        "error_signals",
        (changed_recursion(lambda t, a, d, g, l: g(a[l]) * (t[l + 1] @ d[l + 1])),),
        "to be transposed",
    ),
    (
        "error_signals",
        (changed_recursion(lambda t, a, d, g, l: t[l + 1].T @ d[l + 1]),),
        "g' is missing",
    ),
    (
        "error_signals",
        (changed_recursion(lambda t, a, d, g, l: g(np.tanh(a[l])) * (t[l + 1].T @ d[l + 1])),),
        "g' is taken at x",
    ),
    ("error_signals", (lambda *args: recursion(*args)[:0:-1],), "the order"),
    ("error_signals", (lambda t, a, d, g: recursion(t, a, d * g(a[-1]), g),), "g' at the top"),
    ("error_signals", (lambda *args: recursion(*args)[:-1],), "Delta^(L) is missing"),
    (
        "weight_gradients",
        (lambda delta, x: [np.outer(v, d) for d, v in zip(delta[1:], x)],),
        "transposed",
    ),
    (
        "weight_gradients",
        (lambda delta, x: [np.outer(d, v) for d, v in zip(delta[1:], x[1:])],),
        "the layer",
    ),
    (
        "minibatches",
        (lambda n, b, rng: [o for o in [rng.permutation(n)] for o in
                            [o[i : i + b] for i in range(0, n, b)]],),
        "the last, smaller batch",
    ),
    (
        "minibatches",
        (lambda n, b, rng: [o[i : i + b] for o in [rng.permutation(n)]
                            for i in range(0, n - b, b)],),
        "one batch too few",
    ),
    (
        "minibatches",
        (lambda n, b, rng: [rng.integers(n, size=b) for _ in range(n // b)],),
        "without replacement",
    ),
    (
        "minibatches",
        (in_order,),
        "the data in their order",
    ),
    (
        "minibatches",
        (by_own_seed,),
        "every epoch has the same order",
    ),
    (
        "minibatches",
        (lambda n, b, rng: batches(n, b, np.random.default_rng()),),
        "chance that is not from rng",
    ),
    (
        "minibatches",
        (lambda n, b, rng: [rng.permutation(np.arange(i * b, (i + 1) * b))
                            for i in range(n // b)],),
        "always the same is left out",
    ),
    (
        "minibatches",
        (lambda n, b, rng: [o[i : i + b - 1] for o in [rng.permutation(n)]
                            for i in range(0, n - b + 1, b)],),
        "exactly b indices",
    ),
    ("minibatches", (shuffling_on(),), "kept from one epoch to the next"),
    ("minibatches", (never_staying,), "swapped with itself too"),
    (
        "batch_gradient",
        (lambda theta, X, y: logistic_gradient(theta, X, y) / len(X),),
        "where the sum was asked",
    ),
    ("batch_gradient", (lambda theta, X, y: -logistic_gradient(theta, X, y),), "the sign"),
    (
        "batch_gradient",
        (lambda theta, X, y: X.T @ (np.exp(X @ theta) / (1 + np.exp(X @ theta)) - y),),
        "overflows",
    ),
    ("sgd_step", (lambda theta, v, g, lr, m: (theta + lr * (m * v + g), m * v + g),), "the sign"),
    ("sgd_step", (lambda theta, v, g, lr, m: (theta - lr * v, m * v + g),), "as it was before"),
    ("sgd_step", (lambda theta, v, g, lr, m: (theta - lr * g, g),), "momentum is missing"),
    (
        "sgd_step",
        (lambda theta, v, g, lr, m: momentum(theta, v, (1 - m) * g, lr, m),),
        "not (1 - momentum) g",
    ),
    (
        "sgd_step",
        (lambda theta, v, g, lr, m: (theta - m * v - lr * g, m * v + lr * g),),
        "lr is in v",
    ),
    ("sgd_step", (lambda theta, v, g, lr, m: theta - lr * (m * v + g),), "a pair comes back"),
    (
        "sgd_step",
        (lambda theta, v, g, lr, m: (theta - lr * (m * v + g), lr * (m * v + g)),),
        "lr is in v",
    ),
    (
        "sgd_step",
        (lambda theta, v, g, lr, m: (theta - (m * v + g), m * v + g),),
        "lr is missing",
    ),
    ("sgd_step", (lambda theta, v, g, lr, m: (theta - lr * g, m * v + g),), "without the new v"),
    (
        "sgd_step",
        (lambda theta, v, g, lr, m: (theta + lr * (m * v - g), m * v - g),),
        "the sign of v",
    ),
    (
        "sgd_step",
        (lambda theta, v, g, lr, m: (theta - lr * (g + m * (m * v + g)), m * v + g),),
        "Nesterov",
    ),
    ("step_decay", (lambda lr, f, k: lambda t: lr * f ** (t // k),), "count from 1"),
    ("step_decay", (lambda lr, f, k: lambda t: lr * f ** ((t - 1) / k),), "//, not /"),
    ("step_decay", (lambda lr, f, k: lambda t: lr * f ** (t - 1),), "at every update"),
    ("step_decay", (lambda lr, f, k: lr * f,), "a function of t"),
    ("growing", (lambda b, k: lambda e: b * 2 ** (e // k),), "(epoch - 1) // period"),
    ("growing", (lambda b, k: lambda e: b * (1 + (e - 1) // k),), "not b, 2b, 3b"),
    ("growing", (lambda b, k: lambda e: b * 2 ** (e - 1),), "not after each"),
    ("growing", (lambda b, k: lambda e: b * 2.0 ** ((e - 1) // k),), "make it an int"),
    (
        "standardise",
        (lambda a, b: ((a - a.mean(0)) / np.maximum(a.std(0), 1e-9),
                       (b - b.mean(0)) / b.std(0)),),
        "by its own mean",
    ),
    (
        "standardise",
        (lambda a, b: tuple(
            (X - np.vstack([a, b]).mean(0)) / np.vstack([a, b]).std(0) for X in (a, b)
        ),),
        "not to be looked at",
    ),
    (
        "standardise",
        (lambda a, b: ((a - a.mean(0)) / a.std(0), (b - a.mean(0)) / a.std(0)),),
        "divide by 1",
    ),
    (
        "standardise",
        (lambda a, b: ((a - a.mean(0)) / a.std(0, ddof=1), (b - a.mean(0)) / a.std(0, ddof=1)),),
        "divides by n",
    ),
    (
        "standardise",
        (lambda a, b: ((a - a.mean()) / a.std(), (b - a.mean()) / a.std()),),
        "one per column",
    ),
    ("confusion_matrix", (lambda t, p, K: confusion(p, t, K),), "exchanged"),
    ("confusion_matrix", (lambda t, p, K: np.minimum(confusion(t, p, K), 1),), "counts once"),
    ("xor", ([[1, 1], [1, 1]], [0, -1], [[1, 0]], [-0.5]), "this is OR"),
    ("xor", ([[1, 1], [1, 1]], [0, -1], [[0, 1]], [-0.5]), "this is AND"),
    ("mirror", ([1, 2, 3, -3, -2, -1],), "a sum of its own"),
    ("mirror", ([1, 2, 4, 4, 2, 1],), "opposite in sign"),
    ("mirror", ([0.1, 0.2, 0.3, -0.3, -0.2, -0.1],), "a sum of its own"),
    ("standardise", (lambda a, b: standardised(a, b)[0],), "two are asked"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "things", "words"), WRONG)
def test_classic_mistakes_are_named(task, things, words):
    report = report_of(task, things)
    assert report.state == "wrong"
    assert any(words in mistake for mistake in report.mistakes), report
    assert words in repr(report).replace("\n" + " " * 14, " ")


@pytest.mark.slow
@for_each(
    ("task", "source"), [(task, source) for task in NEAR_MISSES for source in NEAR_MISSES[task]]
)
def test_what_is_wrong_in_a_corner_alone_does_not_pass(task, source):
    assert report_of(task, tuple(wrong_answers.things_of(task, source))).state == "wrong", source
    assert not wrong_answers.is_right(task, wrong_answers.things_of(task, source)), source


@for_each("around_0", ["minimum", "saddle", "undecided"])
def test_minimum_and_maximum_are_said_to_be_turned_only_where_both_are(around_0):
    def by_determinant(gradient, H, tolerance):
        if np.linalg.norm(gradient) > tolerance:
            return "not critical"
        size = np.linalg.det(H)
        return around_0 if abs(size) < tolerance else "minimum" if size > 0 else "saddle"

    def without_maxima(*arguments):
        return kind_of_point(*arguments).replace("maximum", "minimum")

    named = report_of("kind_of_point", (by_determinant,)).mistakes
    assert any("the determinant does not tell" in mistake for mistake in named)
    assert not any("curves up" in mistake for mistake in named)
    assert not any("curves up" in m for m in report_of("kind_of_point", (without_maxima,)).mistakes)


@pytest.mark.slow
def test_no_wrong_answer_passes_and_no_right_one_is_refused(monkeypatch):
    """A sample; ``python tests/wrong_answers.py`` tries all."""
    monkeypatch.setattr(checking, "SECONDS", 0.4)
    tried = 0
    for task, sources in wrong_answers.solutions().items():
        for source in sources:
            assert wrong_answers.is_right(task, wrong_answers.things_of(task, source)), task
        wrong, survivors, refused = wrong_answers.try_task(task, sources, most=3, seed=1)
        assert not survivors and not refused, (task, survivors, refused)
        tried += wrong
        assert wrong_answers.try_forms(task, sources[:1])[1] == [], task
    assert tried > 50


# A hint that is not true is worse than none


def decay_that_calls_a_number(lr, factor, every):  # its line is in the report
    return lambda t: lr(t)


@pytest.mark.parametrize(
    ("task", "thing", "words"),
    [
        ("step_decay", lambda lr, f, k: lambda t: lr * math.exp(-f * t / k), "count its calls"),
        ("step_decay", lambda lr, f, k: lambda t: lr * f ** (t - 1), "count its calls"),
        ("step_decay", lambda lr, f, k: lambda t: lr * f ** (t // k), "count its calls"),
        ("growing", lambda b, every: lambda epoch: b * epoch, "count its calls"),
        ("step_decay", lambda lr, f, k: lambda t: lr, "stops changing"),
        ("step_decay", lambda lr, f, k: lambda t: lr * f ** ((t - 1) % k), "stops changing"),
        ("step_decay", lambda lr, f, k: lambda t: f * lr ** ((t - 1) // k), "stops changing"),
        ("error_signals", recursion_upward, "the shapes"),
        ("weight_gradients", lambda delta, x: [np.squeeze(np.outer(d, v))
                                               for d, v in zip(delta[1:], x)], "entries alone"),
        ("error_signals", recursion_in_place_upward, "the shapes"),
        (
            "backward",
            own_value(__eq__=lambda a, b: isinstance(b, type(a)) and a.data == b.data,
                      __hash__=lambda a: hash(a.data)),
            "= where += belongs",
        ),
        ("backward", own_value(slopes={"**": lambda a, n: (n * a**n, 0)}), "= where += belongs"),
        ("backward", seen_by(lambda v: v.data), "= where += belongs"),
        ("backward", seen_by(id, lambda v: dict(zip(v.inputs, v.partials)).items()), "where +="),
        ("backward", own_value(slopes={"relu": lambda a: (float(a < 0),)}), "nothing arrives"),
        ("backward", own_value("upward"), "this operation hands on nothing"),
        ("backward", own_value(assign=True), "the gradient of a leaf is set to 0"),
        ("backward", own_value(assign=True), "the .data of one"),
        ("backward", own_value("pre"), "breadth first"),
        ("growing", 3, "gives back a function"),
        ("step_decay", decay_that_calls_a_number, "def rate"),
        ("standardise", lambda a, b: ((a - a.mean(axis=0)) / a.mean(axis=0),) * 2, "divide by 1"),
        ("shared_gradients", lambda w, x, delta: (x, x), "np.zeros_like"),
        ("forward", type("Value", (), {"__init__": lambda self, x: setattr(self, "data", x)}),
         "a plain number"),
        ("attend", attend_by_a_list, "does a float come back"),
        ("bernoulli", (lambda a, y: nn.bernoulli_nll(min(500, max(-500, a)), y),
                       lambda a, y: BERNOULLI_DELTA(a, y)), "no p is left"),
        (
            "minibatches",
            lambda n, b, rng: [o[i * b : (i + 1) * b] for o in [rng.permutation(n)]
                               for i in range(round(n / b))],
            "the last, smaller batch",
        ),
    ],
)  # fmt: skip
def test_what_is_not_so_is_not_said(task, thing, words):
    report = report_of(task, thing if isinstance(thing, tuple) else (thing,))
    assert report.state == "wrong" and words not in repr(report).replace("\n" + " " * 14, " ")


@for_each(
    ("thing", "words"),
    [
        (in_order, "the data in their order: shuffle"),
        (by_own_seed, "every epoch has the same order"),
        (shuffling_on(), "kept from one epoch"),
        (lambda n, b, rng: batches(n, b, np.random.default_rng()), "chance that is not from rng"),
    ],
)
def test_of_batches_without_chance_one_thing_is_said(thing, words):
    (mistake,) = nn_exercises.check_minibatches(thing).mistakes
    assert words in mistake


def test_one_number_is_no_proof_and_two_explanations_are_none():
    @check("f")
    def check_triple(f):
        for x in (2, 3):
            known = {"squared": x * x, "plus 2": x + 2, "times 2": 2 * x}
            yield Case(f"f({x})", lambda x=x: f(x), 3 * x, known)

    del TASKS["triple"]
    assert check_triple(lambda x: 4).mistakes == []  # of x = 2 alone
    assert check_triple(lambda x: x * x if x == 2 else 0).mistakes == []
    assert check_triple(lambda x: 2 * x).mistakes == ["times 2"]
    assert check_triple(lambda x: x + 2).mistakes == ["plus 2"]

    @check("f")
    def check_alike(f):
        for x in (2, 3):
            yield Case(f"f({x})", lambda x=x: f(x), x, {"doubled": 2 * x, "added to itself": x + x})

    del TASKS["alike"]
    assert check_alike(lambda x: 2 * x).mistakes == []


# The contract of reports


def test_one_mistake_is_one_block():
    report = report_of("backward", (own_value(assign=True),))
    text, page = repr(report), report._repr_mimebundle_()["text/html"]
    count = sum("+=" in m for o in report.outcomes for m in o.mistakes)
    assert count > 10 and text.count("= where += belongs") == 1
    assert f"and {count - 1} more, the same" in text and f"and {count - 1} more, the same" in page
    assert len(report.outcomes) > 100  # all are kept

    def fails(x):
        return x / 0

    assert repr(trial(fails)).count("ZeroDivisionError") == 1


def test_what_is_printed_is_kept_of_the_first_wrong_case(capsys):
    def double(x):
        print(f"x is {x} \x1b[2J")
        return 4

    report = trial(double)
    assert capsys.readouterr().out == ""
    assert report.printed == "x is 3 \\x1b[2J\n"  # no control characters
    page = report._repr_mimebundle_()["text/html"]
    assert "<summary>what your code printed</summary>" in page and "x is 3" in repr(report)
    assert trial(lambda x: 2 * x if print(x) is None else 0).printed == "2\n"


def test_after_a_cell_that_failed_the_check_says_what_it_looks_at():
    shell = pytest.importorskip("IPython").core.interactiveshell.InteractiveShell.instance()
    try:
        shell.push({"trial": trial})
        shell.run_cell("def double(x):\n    return 2 * x")
        assert shell.run_cell("trial(double).note", silent=False).result == ""
        shell.run_cell("def double(x)\n    return 3 * x")
        report = shell.run_cell("trial(double)").result
        assert "SyntaxError" in report.note and "from before" in repr(report)
        assert report.note in report._repr_mimebundle_()["text/html"]
    finally:
        type(shell).clear_instance()


# In a file of its own, so that this one is a student's.
TRIAL = """
from autograd.exercises import Case, check

@check("double")
def check_double(double):
    yield Case("double(2)", lambda: double(2), 4, {"fails": lambda got: got / 0}, "2 x")
    yield Case("double(3)", lambda: double(3), 6, {"squared": 9}, "2 x")
"""


def trial(f):
    names = {}
    exec(compile(TRIAL, "checks.py", "exec"), names)
    del TASKS["double"]
    return names["check_double"](f)


def no_return(x):
    2 * x


def hole(x):
    """A docstring, then nothing."""
    ...


def half_done(x):
    y = ...
    return y + x


def refuses(x):
    raise NotImplementedError


def test_not_done_yet():
    for f in (hole, half_done, refuses, ...):
        report = trial(f)
        assert report.state == "not done" and not report, report
        assert repr(report) == "double: not done yet"
    assert "is a return missing" in repr(trial(no_return))

    def partly(x):
        return 4 if x == 2 else ...

    report = trial(partly)
    assert report.title == "double: not done yet, 1 of 2 right"


def test_a_case_that_looks_at_what_an_unfinished_one_left_is_not_done_either():
    @check("f")
    def check_calls(f):
        seen = []
        yield Case("f(print)", lambda: f(seen.append), 2)
        yield Case("print is called", lambda: len(seen), 2)

    def unfinished(give): ...

    del TASKS["calls"]
    assert check_calls(unfinished).state == "not done"
    assert check_calls(lambda give: 3).state == "wrong"


def test_holes_are_found():
    class Empty:
        def f(self): ...

    def annotated(x: "tuple[int, ...]", y):
        return y[..., 0]

    assert is_unfinished(Empty) and is_unfinished({"a": [1, ...]}) and is_unfinished(hole)
    assert not is_unfinished(annotated) and not is_unfinished(no_return)
    assert not is_unfinished(math.sin) and not is_unfinished({"a": 1})


def test_an_exception_is_the_students_with_their_line():
    def helper(x):
        return x / 0

    def double(x):
        return helper(x)

    text = repr(trial(double))
    assert "ZeroDivisionError: division by zero" in text
    assert "in your helper, test_exercises.py, line" in text and "return x / 0" in text

    def by_engine(x):
        return autograd.dot([1.0], [1.0, x])

    text = repr(trial(by_engine))
    assert "ValueError: w and x must have the same length" in text
    assert "in your by_engine" in text and "return autograd.dot([1.0], [1.0, x])" in text


def endless(x):
    while True:
        x += 1


def stubborn(x):
    end = time.perf_counter() + 10  # it may end by nothing else, and tests after it want to run
    while time.perf_counter() < end:
        try:  # noqa: SIM105
            x = max(x, 1)
        except:  # noqa: E722
            pass


@pytest.mark.slow
@pytest.mark.parametrize("f", [endless, stubborn, lambda x: time.sleep(60)])
def test_an_endless_loop_ends(f, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", seconds := 2.0 if f is endless else 1.0)
    before = time.perf_counter()
    report = trial(f)
    assert time.perf_counter() - before < 5
    assert report.state == "wrong" and f"no end within {seconds:.0f} seconds" in repr(report)


@pytest.mark.slow
def test_what_swallows_its_end_is_ended_later_on():
    swallowed = []

    def stubborn(x):
        while len(swallowed) < 25:  # 20 come while the check waits
            try:
                time.sleep(0.001)
            except BaseException:
                swallowed.append(1)

    before = set(threading.enumerate())
    assert "no end within 1 seconds" in repr(trial(stubborn))
    assert len(swallowed) < 25
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
    assert len(swallowed) == 25


@pytest.mark.slow
def test_nothing_is_printed_where_much_memory_is_freed_at_the_end(monkeypatch):
    def lists():
        while True:
            yield [0]

    printed = []
    monkeypatch.setattr(threading, "excepthook", printed.append)
    assert within(0.4, lambda: list(lists()))
    assert printed == []


def test_a_result_without_an_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(comparing, "MOST_ENTRIES", 1000)
    for result in (itertools.count(), itertools.cycle([2]), (x for x in itertools.count())):
        report = trial(lambda x, result=result: result)
        assert "more than 1,000 entries came: does the result ever end?" in repr(report)


def test_whatever_is_raised_is_reported():
    def leaves(*_):
        sys.exit(3)

    def deep(x):
        return deep(x)

    for f, name in ((leaves, "SystemExit: 3"), (deep, "RecursionError")):
        assert name in repr(trial(f))
    ending = own_value(backward=leaves)
    assert "SystemExit: 3" in repr(report_of("backward", (ending,)))


def test_html_is_escaped_and_says_the_same():
    report = trial(lambda x: "<img src=x onerror=alert(1)>")
    bundle = report._repr_mimebundle_()
    assert bundle["text/plain"] == repr(report)
    page = bundle["text/html"]
    assert "<img" not in page and "&lt;img" in page
    assert "expected" in page and "double(2)" in page


def test_comparing():
    assert agree(1 + 1e-12, 1) and not agree(1.001, 1) and agree(math.nan, math.nan)
    assert agree([1, 2], np.array([1.0, 2.0])) and agree((1, [2, 3]), [1, (2, 3)])
    assert not agree([1, 2], [1, 2, 3]) and not agree([[1, 2]], [1, 2]) and not agree(1, [1])
    assert not agree(None, 0.0) and not agree("1", 1) and agree("a", "a")
    assert agree(True, True) and not agree(1, None)
    assert agree(autograd.Value(3.0), 3.0) and agree([autograd.Value(3.0)], [3.0])
    assert agree({"a": 1.0}, {"a": 1}) and not agree({"a": 1}, {"b": 1})
    assert written([0.1234567, autograd.Value(2.0, label="x")]) == "[0.123457, x]"
    assert written(np.array([1.0, 2.0])) == "[1., 2.]"
    assert len(written("x" * 10_000)) <= 400


def test_check_refuses_what_it_cannot_work_with():
    with pytest.raises(ValueError, match="check_<task>"):
        check("f")(lambda f: [])
    with pytest.raises(TypeError, match="takes Value"):
        exercises.check_forward()


def test_hints_and_help_call_arguments_by_their_names(monkeypatch):
    said = []
    monkeypatch.setattr(Case, "__post_init__", lambda case: said.extend(case.mistakes))
    for task, things in RIGHT:
        TASKS[task].check(*things)
        told = TASKS[task].check.__doc__
        signature = " ".join(re.findall(r"``(\w+\(.*?\))``", told))
        named = re.findall(r"(?:`|// )([a-z]\w*)(?:`| is 0)", " ".join([*said, told]))
        if signature:
            assert set(named) <= set(re.findall(r"\w+", signature)), task
        said.clear()


@for_each(
    ("arguments", "words"),
    [
        ((3.0, 1), r"run must be a function .* got 3 in the case 'f\(1\)'"),
        (
            (int, lambda got: got > 0),
            "expected must be what should come; .* write right=, got <func",
        ),
        ((int, 1, {9: "x is squared"}), "mistakes must be as .*, got {9: 'x is squared'}"),
        ((int, 1, ["x is squared"]), "mistakes must be as"),
        ((int, 1, {}, "", 3), "right must be a function .* got 3"),
        ((int, 1, {}, "", False), "right must be a function .* got False"),
        ((int, 1, {}, "", 0), "right must be a function .* got 0"),
        ((int, 1, {}, "", ValueError), r"right must .* write raises\(ValueError\), got <class"),
        (
            (int, 1, {}, "", exercises.raises),
            r"right must .* write raises\(ValueError\), got <func",
        ),
        ((int, 1, {"it": KeyError}), r"mistakes must be .* write raises\(KeyError\), got {'it'"),
        ((int, 1, {"it": exercises.raises}), r"mistakes must be .* write raises\(KeyError\)"),
        ((int, ValueError), r"expected must be .* write right=raises\(ValueError\), got"),
        ((int, 1, {}, "", None, "x"), "tolerance must be a number >= 0, got 'x'"),
        ((int, 1, {}, "", None, float("nan")), "tolerance must be a number"),
        ((int, 1, {}, ["x"]), r"look must be a text, got \['x'\]"),
        ((int, 1, {}, "", None, 0.0, 2), "slow must be a text"),
    ],
)
def test_a_case_refuses_what_would_make_every_answer_wrong(arguments, words):
    with pytest.raises(TypeError, match=words):
        Case("f(1)", *arguments)
    assert Case("type(f(1))", int, float).expected is float


def test_a_mistake_in_a_check_is_raised():
    @check("f")
    def check_broken(f):
        yield Case("f()", f, 1)
        raise KeyError("mine")

    del TASKS["broken"]
    with pytest.raises(KeyError, match="mine"):
        check_broken(lambda: 1)


@for_each(
    "cases",
    [
        lambda f: [Case("f(1)", lambda: f({}["b"]), 1)],
        lambda f: [Case("f(1)", lambda: np.sqrtt(f(1)), 1)],
        lambda f: [Case("f(1)", lambda: f(1) + nowhere, 1)],  # noqa: F821
        lambda f: [Case("f(1)", lambda: f(1), "one", right=lambda got: got == nowhere)],  # noqa: F821
        lambda f: [Case("f(1)", lambda: f(1), 1, {"it": lambda got: np.sqrtt(got)})],
    ],
)
def test_what_a_check_raises_by_itself_is_no_mistake_of_a_student(cases):
    def check_slipping(f):
        yield from cases(f)

    with pytest.raises((KeyError, NameError, AttributeError), match=r"b|nowhere|sqrtt"):
        check("f")(check_slipping)(lambda x: 2)
    del TASKS["slipping"]


def raise_one(*_):
    raise ValueError("mine")


@for_each("task", [*TASKS])
@for_each(
    "junk",
    [
        lambda *_: None, lambda *_: 3, lambda *_: [1], lambda *_: "x", lambda *_: iter([1, 2]),
        lambda *_: (i for i in [1]), lambda *_: np.zeros(3), lambda *_: [None] * 3, lambda *_: {},
        lambda *_: print, raise_one, lambda: [1.0], int, print,
    ],
)  # fmt: skip
def test_whatever_is_handed_in_has_a_report(task, junk):
    report = TASKS[task].check(*[junk] * len(TASKS[task].takes))
    assert report.state == "wrong", report


@for_each(
    ("minibatches", "words"),
    [
        (lambda n, b, rng: rng.permutation(n), "look at"),
        (lambda n, b, rng: rng.permutation(n).tolist(), "look at"),
        (lambda n, b, rng: rng.permutation(n)[:b], "look at"),
        (lambda n, b, rng: iter(rng.permutation(n)), "look at"),
        (lambda n, b, rng: [None] * (n // b), "look at"),
    ],
)
def test_indices_in_place_of_batches_are_wrong(minibatches, words):
    report = nn_exercises.check_minibatches(minibatches)
    assert report.state == "wrong" and words in repr(report)


@for_each("gives", [None, 2, KeyError])
def test_what_a_check_keeps_from_case_to_case_may_be_missing(gives):
    @check("f")
    def check_keeping(f):
        seen, got = [], {}

        def keep():
            got["last"] = f(seen.append)
            return len(got["last"])

        yield Case("the last", keep, 2)
        yield Case("what is given first", lambda: seen[0], 1)
        yield Case("its last entry", lambda: got["last"][-1], 1)

    def f(give):
        if gives is KeyError:
            raise KeyError("mine")
        return gives

    del TASKS["keeping"]
    assert [o.state for o in check_keeping(f).outcomes] == ["wrong"] * 3


class Stack:
    def __init__(self, *entries):
        self.entries = list(entries)

    def __iter__(self):
        return iter(self.entries)


@for_each(
    ("gives", "expected", "right", "state"),
    [
        (range(0, 6, 2), range(0, 6, 2), None, "right"),
        (range(0, 6, 2), [0, 2, 4], None, "right"),
        (deque([1, 2]), deque([1, 2]), None, "right"),
        (deque([1, 2]), [1, 2], None, "right"),
        (deque([1, 2]), np.array([1, 2]), None, "right"),
        ({"a": 1}.values(), (1,), None, "right"),
        (deque([1, 2]), "these", lambda got: got.pop() == 2, "right"),
        (deque([1, 2]), "these", lambda got: got == [1, 2], "right"),
        (deque([1, 3]), "these", lambda got: got == [1, 2], "wrong"),
        (Stack(1, 2), "a stack", lambda got: isinstance(got, Stack), "right"),
        (Stack(1, 2), "a stack", lambda got: got.entries.pop() == 2, "right"),
        (Stack(1, 2), "a list", lambda got: got == [1, 2], "wrong"),
        (Stack(1, 2), [1, 2], None, "right"),
    ],
)
def test_what_comes_one_by_one_is_tried_as_it_is(gives, expected, right, state):
    @check("f")
    def check_one_by_one(f):
        yield Case("f()", lambda: f(), expected, right=right)

    del TASKS["one_by_one"]
    assert check_one_by_one(lambda: gives).state == state


def test_that_a_result_cannot_be_used_is_said_only_where_no_mistake_is_named():
    report = nn_exercises.check_step_decay(lambda lr, factor, every: lr)
    assert "gives back a function of t" in repr(report) and "can't be used" not in repr(report)


def test_whose_name_is_nowhere_is_told_by_the_last_call():
    @check("f")
    def check_callback(f):
        yield Case("f(g)", lambda: f(lambda x: np.sqrtt(x)), 1)

    del TASKS["callback"]
    with pytest.raises(AttributeError, match="sqrtt"):
        check_callback(lambda g: g(1))
    own = check_callback(lambda g: np.sqrtt(1))
    assert own.state == "wrong" and "sqrtt" in repr(own)
    assert check_callback(lambda g: nowhere).state == "wrong"  # noqa: F821


def test_a_name_that_is_nowhere_in_a_students_class_is_theirs():
    class Counter:
        def up(self):
            return nowhere  # noqa: F821

    @check("Counter")
    def check_counter(Counter):
        yield Case("Counter().up()", lambda: Counter().up(), 1)
        yield Case("a key", lambda: {}["b"], 1)

    del TASKS["counter"]
    report = check_counter(Counter)
    assert [o.state for o in report.outcomes] == ["wrong"] * 2


@for_each("given", [None, 3.0, [("f(1)", int, 1)], ["f(1)"]])
def test_a_check_that_yields_no_cases_is_told_so(given):
    def check_given(f):
        return given

    with pytest.raises(TypeError, match=r"check_given must yield cases, yield Case\(...\), got"):
        check("f")(check_given)(int)
    del TASKS["given"]


@for_each(
    ("kinds", "named", "got"),
    [
        ((), {}, "got nothing"),
        (("ValueError",), {}, "got 'ValueError'"),
        ((ValueError("x"),), {}, r"got ValueError\('x'\)"),
        ((ValueError, "words"), {}, "words=, .* got 'words'"),
        ((ValueError, int), {}, "got <class 'int'>"),
        ((ValueError,), {"words": 3}, "got 3"),
    ],
)
def test_raises_takes_kinds_of_exceptions(kinds, named, got):
    with pytest.raises(TypeError, match=f"raises takes kinds of exceptions.*{got}$"):
        exercises.raises(*kinds, **named)


def test_an_exception_may_be_right():
    def root(x):
        if x < 0:
            raise ValueError("no root")
        return x**0.5

    @check("root")
    def check_root(root):
        negative = exercises.raises(ValueError)
        yield Case("root(-1)", lambda: root(-1), "a ValueError", right=negative)

    del TASKS["root"]
    assert check_root(root)
    for wrong in (lambda x: 0.0, lambda x: [][1], lambda x: ValueError("given back")):
        assert check_root(wrong).state == "wrong"

    def later(x):
        raise NotImplementedError

    assert check_root(later).state == "not done"


@for_each(
    ("gives", "words"),
    [
        (
            [2.0],
            ["IndexError: list index out of range", "it can't be used", "'list' object has no"],
        ),
        (None, ["'NoneType' object is not subscriptable", "is a return missing?"]),
        (2.0, ["'float' object is not subscriptable", "look at what came of your code: it can't"]),
    ],
)
def test_what_cannot_be_done_with_a_result_is_the_students(gives, words):
    @check("f")
    def check_using(f):
        yield Case("f(1)[1]", lambda: f(1)[1], 1)
        yield Case("f(1)", lambda: f(1), "of 3", right=lambda got: got.shape == (3,))
        before = f(1)
        yield Case("f(1)[2]", lambda: before[2], 1)

    del TASKS["using"]
    report = check_using(lambda x: gives)
    assert [o.state for o in report.outcomes] == ["wrong"] * 3
    assert all(w in " ".join(repr(report).split()) for w in words)


# What is easily overlooked


def assigning(*ops):
    """A Value whose sweep has = for += where a node of one of these operations hands on."""
    Value = own_value()
    add = Value.push

    def push(self):
        if self.op in ops:
            for v, d in zip(self.inputs, self.partials):
                v.grad = self.grad * d
        else:
            add(self)

    Value.push = push
    return Value


@pytest.mark.parametrize("op", SLOPES)
def test_an_assignment_in_any_operation_is_found(op):
    report = exercises.check_backward(assigning(op))
    assert any("+=" in mistake for mistake in report.mistakes), report


def lost_graph(self, other):
    return type(self)(other + self.data)


@pytest.mark.parametrize("name", ["__radd__", "__rmul__"])
def test_a_reflected_operator_that_loses_the_graph_is_found(name):
    assert not exercises.check_backward(own_value(**{name: lost_graph}))


def shifted_by(middle):
    """A likelihood and its slope, with another number than the largest taken off."""

    def nll(a, y):
        return np.log(np.exp(a - middle(a)).sum()) - (a[y] - middle(a))

    def delta(a, y):
        e = np.exp(a - middle(a))
        return e / e.sum() - np.eye(len(a))[y]

    return nll, delta


def rotated(n, b, rng):
    order = np.roll(np.arange(n), rng.integers(n))
    return [order[i * b : (i + 1) * b] for i in range(n // b)]


def neighbours(n, b, rng):
    """Batches of neighbours, begun anywhere, in any order, and shuffled within."""
    return [rng.permutation(batch) for batch in rng.permutation(rotated(n, b, rng))]


def in_strides(n, b, rng):
    """Every seventh, begun anywhere."""
    order = rng.integers(n) + 7 * np.arange(n) if n % 7 else rng.permutation(n)
    return (order % n)[: n // b * b].reshape(-1, b)


def counting_calls(lr, factor, every):
    def rate(t):
        nonlocal lr
        if t > 1 and (t - 1) % every == 0:
            lr *= factor
        return lr

    return rate


@pytest.mark.parametrize(
    ("task", "things", "words"),
    [
        *[
            ("categorical", things, "overflow")
            for middle in (lambda a: a[0], lambda a: a[-1], np.mean, np.median, min)
            for nll, delta in [shifted_by(middle)]
            for things in ((nll, CATEGORICAL_DELTA), (nn.categorical_nll, delta))
        ],
        ("minibatches", (rotated,), "begun elsewhere"),
        ("minibatches", (neighbours,), "again and again"),
        ("minibatches", (in_strides,), "again and again"),
        (
            "step_decay",
            (lambda lr, f, k: lambda t: max(lr * f ** ((t - 1) // k), 1e-3),),
            "stops changing",
        ),
        ("growing", (lambda b, k: lambda e: min(b * 2 ** ((e - 1) // k), 64),), "stops changing"),
        ("standardise", (partial(standardised, least=0.5),), "a small deviation is not 0"),
        (
            "minibatches",
            (lambda n, b, rng: np.array(batches(n, b, rng), dtype=float),),
            "holds floats",
        ),
        ("step_decay", (counting_calls,), "must not count its calls"),
        ("error_signals", (lambda *args: [*recursion(*args)[1:], None],), "one place off"),
        (
            "error_signals",
            (lambda t, a, d, g: recursion(t, a, d, lambda a: 1 - np.tanh(a) ** 2),),
            "not always that of tanh",
        ),
        ("mirror", ([1, 1, 1, -1, -1, -1],), "two single bits have one sum"),
    ],
)
def test_wrong_solutions_that_nearly_pass(task, things, words):
    report = report_of(task, things)
    assert any(words in mistake for mistake in report.mistakes), report


@pytest.mark.parametrize(
    ("task", "things"),
    [
        ("topological_order", (lambda root: iter(autograd.topological_order(root)),)),
        ("central_difference", (lambda f, x, h: (g for g in central(f, x, h)),)),
        ("central_difference", (lambda f, x, h: central(f, [*map(Fraction, x)], Fraction(h)),)),
        ("attend", (attend_that_empties_its_lists,)),
        ("standardise", (lambda a, b: iter(standardised(a, b)),)),
        ("sgd_step", (lambda *given: dict(enumerate(momentum(*given))).values(),)),
        ("shared_gradients", (lambda *given: tuple(map(iter, shared_gradients(*given))),)),
        ("gaussian", (lambda a, y: np.float32((y - a) ** 2 / 2), lambda a, y: np.float32(a - y))),
        ("growing", (lambda b, every: lambda epoch: np.int64(doubling(b, every)(epoch)),)),
    ],
)
def test_other_forms_of_right_results(task, things):
    report = BY_NAME[task](*things)
    assert report, report


def gaussian_hole(a, y):
    """Nothing yet."""
    ...


def test_a_hole_does_not_hide_what_is_wrong_beside_it():
    report = nn_exercises.check_gaussian(lambda a, y: (y - a) ** 2, gaussian_hole)
    assert report.state == "wrong" and any("the half" in m for m in report.mistakes)
    assert {o.state for o in report.outcomes[4:]} == {"not done"}


@pytest.mark.slow
def test_printing_for_ever_is_cut_off(capsys, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.5)

    def chatty(x):
        while True:
            print("still here", x)

    report = trial(chatty)
    assert "no end" in repr(report) and "still here 2" in repr(report)
    said = capsys.readouterr().out
    assert said == "" and report.printed.startswith("still here 2") and len(report.printed) < 3000


def test_what_cannot_be_shown():
    def endless_list(x):
        loop = []
        loop.append(loop)
        return loop

    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError

    def mute(x):
        raise MuteError

    assert "can't be shown" in repr(trial(endless_list))
    assert "can't be shown" in repr(trial(mute))
    assert "can't be shown" in repr(trial(lambda x: 10**5000))


def test_the_arguments_of_an_exception_are_no_hint():
    report = nn_exercises.check_step_decay(lambda lr, factor: None)
    assert "the arguments: it is called as the task says" in repr(report)
    assert "gives back a function" not in repr(report)


def test_a_check_needs_names_and_cases_and_a_name_of_its_own():
    with pytest.raises(TypeError, match="takes the names"):
        check(lambda f: [])

    def check_swish(swish):
        yield Case("1", lambda: 1, 1)

    with pytest.raises(ValueError, match=r"there is a task 'swish' in autograd\.exercises"):
        check("swish")(check_swish)

    @check("nothing")
    def check_nothing(nothing):
        yield from ()

    del TASKS["nothing"]
    with pytest.raises(TypeError, match=r"run must be a function .* got 0\.5 in the case 'f\(1\)'"):
        Case("f(1)", 0.5, 1.0)
    with pytest.raises(ValueError, match="yields no case"):
        check_nothing(1)


# The rest of the mistakes that checks name


def number(x):
    return getattr(x, "data", x)


orders["upward"] = lambda root: post_order(root)[::-1]


def without_chain(self):
    for v, d in zip(self.inputs, self.partials):
        v.grad += d


def tuple_of(f, x, h):
    return f(*[v + h for v in x])


def copy_by_name(f, x, h):
    slopes = []
    for i in range(len(x)):
        up = down = x
        up[i] += h
        down[i] -= h
        slopes.append((f(up) - f(down)) / (2 * h))
    return slopes


def returns_in_the_loop(f, x, h):
    for slope in central(f, x, h):
        return slope
    return None


def returns_in_the_loop_as_list(f, x, h):
    return central(f, x, h)[:1]


def down_to_0(theta, a, top, g_prime):
    delta = [None] * len(a)
    delta[-1] = top
    for l in range(len(a) - 2, -1, -1):
        delta[l] = g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1])
    return delta


def scaled_in_place(train, test):
    train = (train - train.mean(0)) / train.std(0)
    return train, (test - train.mean(0)) / train.std(0)


def wrong_bishop(part, **entries):
    return tuple(d | entries if i == part else d for i, d in enumerate(BISHOP))


def leaves_alone(self):
    BACKWARD(self)
    for v in post_order(self):
        v.grad = 0.0 if v.inputs else v.grad


BACKWARD = own_value().backward
GAUSSIAN_DELTA, BERNOULLI_NLL = (lambda a, y: a - y), (lambda a, y: np.logaddexp(0, a) - y * a)
REST = [
    ("topological_order", (lambda root: [u for v in [root] for u in v.inputs if u.inputs],)),
    ("central_difference", (returns_in_the_loop,)),
    ("central_difference", (returns_in_the_loop_as_list,)),
    ("central_difference", (tuple_of,)),
    ("central_difference", (copy_by_name,)),
    ("central_difference", (lambda f, x, h: [-g for g in central(f, x, h)],)),
    ("central_difference", (lambda f, x, h: [g * 2 * h / 2 * h for g in central(f, x, h)],)),
    ("central_difference", (lambda f, x, h: list(map(round, central(f, x, h))),)),
    ("swish", (swish(lambda x: (sigmoid(x),)),)),
    ("swish", (swish(lambda z, x: (sigmoid(x) + x * sigmoid(x),)),)),
    ("swish", (swish(lambda z, x: (1.0907842487848955,)),)),
    ("swish", (lambda x: x * sigmoid(x),)),
    ("bishop", wrong_bishop(0, v6=2 + S)),
    ("bishop", wrong_bishop(1, v3=1)),
    ("bishop", wrong_bishop(1, v3=3)),
    ("bishop", wrong_bishop(1, v5=E)),
    ("bishop", wrong_bishop(2, x2=-C)),
    ("bishop", wrong_bishop(2, x1=1 + E)),
    ("forward", (own_value(__sub__=lambda s, o: type(s)(number(o) - s.data)),)),
    ("forward", (own_value(__truediv__=lambda s, o: type(s)(number(o) / s.data)),)),
    ("forward", (own_value(__mul__=lambda s, o: type(s)(s.data * o.data)),)),
    ("forward", (own_value(__radd__=lambda s, o: o + s),)),
    ("forward", (own_value(__radd__=lambda s, o: type(s)(s.data + o.data)),)),
    ("forward", (own_value(__rsub__=lambda s, o: s - o),)),
    ("forward", (own_value(__rtruediv__=lambda s, o: s / o),)),
    ("backward", (own_value(backward=lambda self: None),)),
    ("backward", (own_value(slopes={"*": lambda a, b: (a, b)}),)),
    ("backward", (own_value(slopes={"/": lambda a, b: (1 / b, -a / b)}),)),
    ("backward", (own_value(slopes={"neg": lambda a: (1.0,)}),)),
    ("backward", (own_value(slopes={"**": lambda a, n: (a ** (n - 1), 0)}),)),
    ("backward", (own_value(slopes={"log": lambda a: (math.log(a),)}),)),
    ("backward", (own_value(slopes={"tanh": lambda a: (1 - math.tanh(a),)}),)),
    ("backward", (own_value(slopes={"relu": lambda a: (1.0,)}),)),
    ("backward", (own_value("upward"),)),
    ("backward", (own_value(backward=leaves_alone),)),
    ("backward", (own_value(push=without_chain),)),
    (
        "error_signals",
        (changed_recursion(lambda t, a, d, g, l: g(a[l]) * (t[l].T @ d[l + 1])),),
    ),
    ("error_signals", (down_to_0,)),
    ("error_signals", (lambda t, a, d, g: [None, d],)),
    (
        "weight_gradients",
        (lambda delta, x: [None, *[d[0] * v[0] for d, v in zip(delta[1:], x)]],),
    ),
    ("weight_gradients", (lambda delta, x: [None, np.outer(delta[1], x[0])],)),
    ("weight_gradients", (lambda delta, x: [np.outer(d, v) for d, v in zip(delta, x)],)),
    ("weight_gradients", (lambda delta, x: [d * v for d, v in zip(delta[1:], x)],)),
    ("standardise", (lambda a, b: (a - a.mean(0), b - a.mean(0)),)),
    ("standardise", (lambda a, b: ((a - a.mean(0)) / a.var(0), (b - a.mean(0)) / a.var(0)),)),
    (
        "standardise",
        (lambda a, b: ((a - a.mean(0)) / (a.std(0) + 1e-8), (b - a.mean(0)) / (a.std(0) + 1e-8)),),
    ),
    ("standardise", (lambda a, b: standardised(a, b)[::-1],)),
    ("standardise", (lambda a, b: standardised(a, b)[0][:2],)),
    ("standardise", (scaled_in_place,)),
    ("confusion_matrix", (lambda t, p, K: confusion(t, p, K) / 6,)),
    ("confusion_matrix", (lambda t, p, K: confusion(t, p, 3),)),
    ("xor", ([[0, 0], [0, 0]], [0, 0], [[0, 0]], [0])),
    ("xor", ([[1, 1], [1, 1]], [0, -1], [[-1, 2]], [0.5])),
    ("gaussian", (lambda a, y: -((y - a) ** 2) / 2, GAUSSIAN_DELTA)),
    ("gaussian", (lambda a, y: (y - a) ** 2 / 2 + np.log(2 * np.pi) / 2, GAUSSIAN_DELTA)),
    ("gaussian", (lambda a, y: np.exp(-((y - a) ** 2) / 2), GAUSSIAN_DELTA)),
    ("bernoulli", (lambda a, y: -BERNOULLI_NLL(a, y), lambda a, y: a - y)),
    ("bernoulli", (lambda a, y: np.exp(-BERNOULLI_NLL(a, y)), lambda a, y: stable_sigmoid(a))),
    ("categorical", (lambda a, y: np.log(softmax(a)[y]), lambda a, y: a - np.eye(len(a))[y])),
    ("categorical", (lambda a, y: softmax(a)[y], lambda a, y: 1.0)),
    ("categorical", (lambda a, y: -a[y], lambda a, y: softmax(a) - np.eye(len(a))[y])),
    ("minibatches", (lambda n, b, rng: [batch + 1 for batch in batches(n, b, rng)],)),
    ("batch_gradient", (lambda theta, X, y: X.T @ [stable_sigmoid(a) for a in X @ theta],)),
    ("batch_gradient", (lambda theta, X, y: float(logistic_gradient(theta, X, y).sum()),)),
    ("batch_gradient", (lambda theta, X, y: X.T @ (X @ theta - y),)),
    (
        "batch_gradient",
        (lambda theta, X, y: [(stable_sigmoid(x @ theta) - t) * x for x, t in zip(X, y)],),
    ),
    ("sgd_step", (lambda *arguments: momentum(*arguments)[::-1],)),
    ("sgd_step", (lambda *arguments: [momentum(*arguments)[0]],)),
    ("sgd_step", (lambda theta, v, g, lr, m: (theta - lr * (m * v + g), v),)),
    ("growing", (lambda b, every: b,)),
]  # fmt: skip


@pytest.mark.slow
def test_every_mistake_that_a_check_names_is_recognised():
    tried = [(task, things) for task, things, _ in WRONG] + REST
    for test in (
        test_mistakes_in_a_value_are_named, test_wrong_solutions_that_nearly_pass,
    ):  # fmt: skip
        rows = test.pytestmark[0].args[1]
        tried += [("backward", (row[0],)) if len(row) == 2 else tuple(row[:2]) for row in rows]
    for task, sources in NEAR_MISSES.items():
        tried += [(task, wrong_answers.things_of(task, source)) for source in sources]
    for task, rows in SAID.items():
        tried += [(task, wrong_answers.things_of(task, source)) for source, _ in rows]
    found = {(task, m) for task, things in tried for m in report_of(task, things).mistakes}
    right = dict(RIGHT) | {"forward": (autograd.Value,), "backward": (autograd.Value,)}
    named = {
        (task, mistake)
        for task, things in right.items()
        for case in BY_NAME[task].__wrapped__(*things)
        for mistake in case.mistakes
    }
    assert len(named) > 130
    assert named - found == set()
