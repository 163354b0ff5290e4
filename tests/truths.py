"""Whether an answer to an exercise is right, told by random input, and by no check."""

# ruff: noqa: B023, B905

import math
from itertools import pairwise, product

import numpy as np

import autograd

RNG = np.random.default_rng


def close(a, b, tolerance=1e-7):
    """Whether arrays, nested lists or numbers are the same in shape and value."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and bool(np.allclose(a, b, tolerance, tolerance))


def graphs():
    """Roots of random graphs, and of some chosen ones."""
    rng = RNG(0)
    for size in (1, 2, 3, 5, 8, 13, 20):
        for _ in range(6):
            nodes = [autograd.Value(float(rng.normal())) for _ in range(1 + size // 4)]
            for _ in range(size):
                i, j = rng.integers(len(nodes), size=2)
                kind = rng.integers(4)
                a, b = nodes[i], nodes[j]
                nodes.append([a * b, a + b, -a, a * 2.0][kind])
            yield nodes[-1]
    x, y, z = map(autograd.Value, (8.0, 2.0, 16.0))
    yield autograd.where(x, y, z)
    yield ((x / 4) * x) / 16
    yield (x + 1) + (x * x)
    yield (x * x) + (x + 1)
    yield (y * 2) * (y + 2)
    yield (y * 2) + (y * 2)
    yield autograd.Value(2.0) * y
    yield 5 - x * y


def topological_order(f):
    for root in graphs():
        order, right = list(f(root)), autograd.topological_order(root)
        if len(order) != len(right) or {*map(id, order)} != {*map(id, right)}:
            return False
        place = {id(v): i for i, v in enumerate(order)}
        for v in order:
            for u in v.inputs:
                if isinstance(u, autograd.Value) and place[id(u)] >= place[id(v)]:
                    return False
    x = autograd.Value(1.0)
    for _ in range(40):
        x = x + x
    return len(list(f(x))) == 41


def central_difference(f):
    rng = RNG(0)
    for d in (1, 2, 4):
        w, x, h = rng.normal(size=d), rng.normal(size=d).tolist(), float(rng.uniform(0.05, 0.3))
        x[-1] = x[0] = float(rng.normal()) if d < 4 else 0.0

        def g(v, w=w):
            return float(np.sum(w * np.array(v) ** 3) + np.prod(np.array(v)))

        kept = list(x)
        right = [(g(x + h * e) - g(x - h * e)) / (2 * h) for e in np.eye(d)]
        if not close(list(f(g, x, h)), right) or x != kept:
            return False
        if not close(list(f(sum, x, h)), [1.0] * d):
            return False
    whole = list(f(lambda v: v[0] * max(v[1], v[2]), [2, 3, 5], 0.1))
    return close(whole, [5.0, 0.0, 2.0])


def swish(f):
    for x in (-30.0, -2.5, -0.3, 0.0, 0.7, 1.0, 3.3, 20.0):
        s = 1 / (1 + math.exp(-x))
        one = autograd.grad(f)
        if not close(f(x), x * s) or not close(one(x), s + x * s * (1 - s)):
            return False
        if not close(autograd.grad(one)(x), s * (1 - s) * (2 + x * (1 - 2 * s))):
            return False
    v = autograd.Value(0.5)
    if len(autograd.topological_order(f(v))) != 2 or abs(f(-1000.0)) > 1e-9 or f(1000.0) != 1000.0:
        return False
    if not close(f(np.array([1.0, -2.0])), [1 / (1 + math.exp(-1)), -2 / (1 + math.exp(2))]):
        return False
    program = autograd.compile(f(v), inputs=[v], parameters=[])
    return close(program.forward([[2.0], [-1.0]]), [2 / (1 + math.exp(-2)), -1 / (1 + math.e)])


def bishop(values, tangents, adjoints):
    e, s, c = math.exp(2), math.sin(2), math.cos(2)
    right = (
        {"x1": 1, "x2": 2, "v3": 2, "v4": s, "v5": e, "v6": 2 - s, "v7": e + 2 - s},
        {"x1": 1, "x2": 0, "v3": 2, "v4": 0, "v5": 2 * e, "v6": 2, "v7": 2 * e + 2},
        {"x1": 2 + 2 * e, "x2": 1 + e - c, "v3": 1 + e, "v4": -1, "v5": 1, "v6": 1, "v7": 1},
    )

    def is_right(got, number):
        if number == 0:
            return abs(got) <= 2e-3
        unit = 10.0 ** (math.floor(math.log10(abs(number))) - 2)
        close_by = round(number / unit), math.trunc(number / unit)
        return round(float(got) / unit) in close_by

    return all(
        is_right(g[k], v) for g, r in zip((values, tangents, adjoints), right) for k, v in r.items()
    )


UNARY = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
}  # fmt: skip


def forward(Value):
    rng = RNG(0)
    for _ in range(5):
        x, y = rng.uniform(0.3, 2.0, size=2).tolist()
        a, b = Value(x), Value(y)
        pairs = [
            (a + 2, x + 2), (a - 2, x - 2), (a * 2, x * 2), (a / 2, x / 2), (2 + a, 2 + x),
            (2 - a, 2 - x), (2 * a, 2 * x), (2 / a, 2 / x),
            (a + b, x + y), (a - b, x - y), (a * b, x * y), (a / b, x / y), (a + y, x + y),
            (a - y, x - y), (a * y, x * y), (a / y, x / y), (x + b, x + y), (x - b, x - y),
            (x * b, x * y), (x / b, x / y), (a**3, x**3), (a**-1.5, x**-1.5), (-a, -x),
            (a**2, x**2), ((-a) ** 3, -(x**3)), (a**0.5, x**0.5), (Value(0.0) ** 2, 0.0),
        ]  # fmt: skip
        if not all(close(z.data, exact) for z, exact in pairs):
            return False
        for name, g in UNARY.items():
            for v in (x, y) if name == "log" else (x, -y, 0.0) if name == "relu" else (x, -y):
                leaf = Value(v)
                if not close(getattr(leaf, name)().data, g(v)) or leaf.data != v:
                    return False
        if a.data != x or b.data != y:
            return False
    return True


def _program(rng):
    """A random expression as a function of a list of leaves, for any kind of Value."""
    steps = [
        (rng.integers(15), rng.integers(99), rng.integers(99), float(rng.uniform(0.5, 2)))
        for _ in range(rng.integers(2, 12))
    ]

    def run(leaves):
        nodes = list(leaves)
        for kind, i, j, c in steps:
            a, b = nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]
            nodes.append(
                [
                    lambda: a + b, lambda: a - b, lambda: a * b, lambda: a / (b * b + 1.0),
                    lambda: c - a, lambda: c / (a * a + c), lambda: c * a + c, lambda: -a,
                    lambda: c + a, lambda: (a.relu() + c) * b,
                    lambda: a.sin(), lambda: a.tanh(), lambda: (a * a + c).log(),
                    lambda: a.sin().exp(), lambda: (a.tanh() + 0.01).relu() + (a * a + c) ** -1.5,
                ][kind]()
            )  # fmt: skip
        return nodes[-1] + nodes[-2] * 0.5

    return run


def backward(Value):
    rng = RNG(0)
    if not close(Value(3.0).grad, 0.0):
        return False
    for _ in range(60):
        run = _program(rng)
        start = rng.uniform(0.5, 2, size=3).tolist()
        mine, exact = [*map(Value, start)], [*map(autograd.Value, start)]
        root, other = run(mine), run(exact)
        for _ in range(2):
            root.backward()
            other.backward()
        if not all(close(a.grad, b.grad) for a, b in zip(mine, exact)):
            return False
        (mine[0] * root).backward()
        (exact[0] * other).backward()
        if not all(close(a.grad, b.grad) for a, b in zip(mine, exact)):
            return False
    for op in (lambda x: x**3, lambda x: x.log(), lambda x: 1 / x, lambda x: x.tanh(),
               lambda x: x * x, lambda x: x.exp(), lambda x: x.sin(), lambda x: x.relu(),
               lambda x: -x, lambda x: x - 1, lambda x: 1 - x, lambda x: x / 3):  # fmt: skip
        a, b = Value(1.3), autograd.Value(1.3)
        f, g = op(a), op(b)
        a.data = -2.5
        f.data = 9.0  # of no use to anybody
        for _ in range(2):
            f.backward()
            g.backward()
        if not close([a.grad, f.grad], [b.grad, g.grad]):
            return False
    for _ in range(2):
        start = rng.uniform(0.5, 2, size=2).tolist()
        found = []
        for kind in (Value, autograd.Value):
            a, b = map(kind, start)
            parts = [a / b, a.exp(), b.sin(), a - a, b / b, 0.5 - a, b * 0.5]
            f = (parts[0] * parts[1] + parts[2]).tanh() + parts[3] + parts[4] * parts[5] * parts[6]
            a.data = b.data = 7.0
            f.backward()
            f.backward()
            found.append([v.grad for v in (a, b, *parts, f)])
        if not close(*found):
            return False
    for op, v, slope in (
        (lambda x: x.relu(), -0.7, 0), (lambda x: x.relu(), 0.2, 1), (lambda x: x.relu(), 0.0, 0),
        (lambda x: x**2, 0.0, 0), (lambda x: x**3, -2.0, 12), (lambda x: x * 2 + x, 0.0, 3),
        (lambda x: x**0.5, 4.0, 0.25),
    ):  # fmt: skip
        x = Value(v)
        op(x).backward()
        if not close(x.grad, slope):
            return False
    x = Value(3.0)
    x.backward()
    x.backward()
    if x.grad != 2.0:
        return False
    x = y = Value(1.0)
    for _ in range(30):
        y = y + y
    y.backward()
    return x.grad == 2.0**30


def gaussian(nll, delta):
    points = [(1.5, -0.3), (-2.0, 3.0), (0.0, 0.0), (4.0, 4.0), (0.5, 1.25), (9.0, -3.0)]
    return all(close(nll(a, y), (y - a) ** 2 / 2) and close(delta(a, y), a - y) for a, y in points)


def bernoulli(nll, delta):
    for a in (-900.0, -40.0, -12.0, -3.0, -0.5, 0.0, 0.2, 2.0, 12.0, 30.0, 900.0):
        for y in (0, 1, 0.3):
            p = math.exp(-np.logaddexp(0, -a))
            if not close(nll(a, y), np.logaddexp(0, a) - y * a) or not close(delta(a, y), p - y):
                return False
    return True


def categorical(nll, delta):
    rng = RNG(0)
    for K in (2, 3, 5):
        large = [1e3 * np.ones(K), -1e3 * np.ones(K), 1e3 * np.arange(K), -1e3 * np.arange(K)]
        large += [2e3 * np.eye(K)[1], 12.0 * np.eye(K)[0]]
        for a in [*(rng.normal(size=K) * s for s in (0.5, 3, 1000)), *large]:
            e = np.exp(a - a.max())
            for y in range(K):
                exact = math.log(e.sum()) + a.max() - a[y]
                if not close(nll(a.copy(), y), exact):
                    return False
                if not close(delta(a.copy(), y), e / e.sum() - np.eye(K)[y]):
                    return False
    return True


def _layers(got):
    got = list(got)
    return got[1:] if got and got[0] is None else got


def error_signals(f):
    rng = RNG(0)
    for widths in ((2, 3, 1), (3, 3, 3), (4, 2, 5, 3, 2), (1, 1, 1), (5, 2)):
        theta = [None, *(rng.normal(size=(m, d)) for d, m in pairwise(widths))]
        a = [None, *(rng.normal(size=m) for m in widths[1:])]
        top = rng.normal(size=widths[-1])
        for g in (np.cos, lambda v: 1 / (1 + v * v)):
            right = [top]
            for l in range(len(a) - 2, 0, -1):
                right.insert(0, g(a[l]) * (theta[l + 1].T @ right[0]))
            f(theta, a, top.copy(), g)  # which leaves a as it is
            got = _layers(f(theta, a, top.copy(), g))
            if len(got) != len(right) or not all(map(close, got, right)):
                return False
    return True


def weight_gradients(f):
    rng = RNG(0)
    for widths in ((2, 3, 1), (3, 3, 3), (4, 2, 5, 3, 2), (1, 1, 1), (5, 2)):
        x = [rng.normal(size=d) for d in widths]
        delta = [None, *(rng.normal(size=d) for d in widths[1:])]
        right = [np.outer(d, v) for d, v in zip(delta[1:], x)]
        f(delta, x)  # which leaves both as they are
        got = _layers(f(delta, x))
        if len(got) != len(right) or not all(map(close, got, right)):
            return False
    return True


def skip_gradients(f):
    rng = RNG(0)
    for d, h, k in ((2, 3, 1), (3, 3, 3), (4, 2, 2), (1, 1, 1)):
        parts = [rng.normal(size=s) for s in ((h, d), (k, h), (k, d), d, k)]

        def loss(v, parts=parts, d=d, h=h, k=k):
            sizes = np.cumsum([h * d, k * h, k * d])
            one, two, skip, x = np.split(v, sizes)
            a = two.reshape(k, h) @ np.tanh(one.reshape(h, d) @ x) + skip.reshape(k, d) @ x
            return np.sum((a - parts[4]) ** 2) / 2

        flat = np.concatenate([v.ravel() for v in parts[:4]])
        slopes = [(loss(flat + e) - loss(flat - e)) / 2e-5 for e in 1e-5 * np.eye(len(flat))]
        got = list(f(*(v.copy() for v in parts)))
        if [np.shape(v) for v in got] != [v.shape for v in parts[:4]]:
            return False
        if not close(np.concatenate([np.ravel(v) for v in got]), slopes, 1e-6):
            return False
    return True


def shared_gradients(f):
    rng = RNG(0)
    for K, d in ((2, 5), (3, 3), (1, 6), (4, 9)):
        w, x, delta = rng.normal(size=K), rng.normal(size=d), rng.normal(size=d - K + 1)
        by_w = [sum(delta[j] * x[j + k] for j in range(d - K + 1)) for k in range(K)]
        by_x = [sum(delta[j] * w[i - j] for j in range(d - K + 1) if 0 <= i - j < K)
                for i in range(d)]  # fmt: skip
        got = list(f(w.copy(), x.copy(), delta.copy()))
        if len(got) != 2 or not close(got[0], by_w) or not close(got[1], by_x):
            return False
    got = list(f(np.array([1]), np.array([1, 2]), np.array([0.5, 0.25])))
    return close(got[0], [1.0]) and close(got[1], [0.5, 0.25])


def outer_product(curvature, product):
    rng = RNG(0)
    for n, m in ((3, 2), (2, 4), (3, 3), (1, 1)):
        a, J, r = rng.normal(size=n), rng.normal(size=(n, m)), rng.uniform(0.01, 0.3, size=n)
        if not close(curvature(a.copy()), 1 / (4 * np.cosh(a / 2) ** 2)):
            return False
        J[-1] = J[0]
        for r_i in (r, -r, 0 * r + 1):
            right = np.zeros((m, m))
            for i in range(n):
                right += r_i[i] * J[i][:, None] * J[i][None, :]
            if not close(product(J.copy(), r_i.copy()), right):
                return False
    return True


def kind_of_point(f):
    rng = RNG(0)
    for _ in range(400):
        m, tolerance = int(rng.integers(2, 5)), float(10.0 ** rng.uniform(-4, -1))
        near = tolerance * rng.choice([0.0, 0.4, 0.7, 1.5, 3.0, 50.0], size=m)
        lam = near * rng.choice([-1.0, 1.0, 1.0], size=m) * rng.choice([-1.0, 1.0])
        Q = np.linalg.qr(rng.normal(size=(m, m)))[0]
        g = rng.normal(size=m)
        g *= tolerance * rng.choice([0.0, 0.7, 0.7, 1.4]) / np.linalg.norm(g)
        down, up = (lam < -tolerance).sum(), (lam > tolerance).sum()
        kind = (
            "not critical" if np.linalg.norm(g) > tolerance else "saddle" if down and up
            else "minimum" if up == m else "maximum" if down == m else "undecided"
        )  # fmt: skip
        if str(f(g, Q @ np.diag(lam) @ Q.T, tolerance)) != kind:
            return False
    H, tied, flat = np.diag([1.0, 2.0]), np.array([0.0, 0.5]), np.zeros(2)
    ties = [str(f(*point)) for point in ((tied, H, 0.5), (flat, H, 1.0), (flat, -H, 1.0))]
    return ties == ["minimum", "undecided", "undecided"]


def minibatches(f):
    left_out = set()
    for n in range(1, 15):
        for b in range(1, n + 1):
            rng, orders = RNG(n), []
            for _ in range(3):
                batches = [np.asarray(v).tolist() for v in f(n, b, rng)]
                flat = [i for batch in batches for i in batch]
                if [len(v) for v in batches] != [b] * (n // b) or len({*flat}) < len(flat):
                    return False
                if not all(type(i) is int and 0 <= i < n for i in flat):
                    return False
                orders.append(flat)
            again = RNG(n)
            if [int(i) for v in f(n, b, again) for i in v] != orders[0]:
                return False
            if n > 7 and orders[0] == orders[1]:
                return False
            left_out |= {(n, b, i) for o in orders for i in set(range(n)) - set(o)}
    places, pairs = np.zeros((20, 20)), np.zeros((20, 20))
    for seed in range(300):
        batches = [np.asarray(v).tolist() for v in f(20, 5, RNG(seed))]
        for place, i in enumerate(i for v in batches for i in v):
            places[place, i] += 1
        for v in batches:
            pairs[np.ix_(v, v)] += 1
    pairs = pairs[np.triu_indices(20, 1)]
    at_random = bool((abs(places - 15) < 25).all() and pairs.min() > 20 and pairs.max() < 110)
    early = 0.0
    for seed in range(80):
        order = np.concatenate([np.asarray(v) for v in f(300, 1, RNG(seed))])
        early += np.sign(order - np.arange(300)).sum()
    firsts = sum(int(np.ravel(next(iter(f(2, 1, RNG(seed)))))[0]) for seed in range(300))
    at_random = at_random and 105 < firsts < 195
    return at_random and abs(early) < 500 and len({i for n, b, i in left_out}) > 10


def batch_gradient(f):
    rng = RNG(0)
    for n, d in ((1, 1), (2, 3), (4, 4), (7, 2)):
        X, theta, y = rng.normal(size=(n, d)), rng.normal(size=d), rng.integers(2, size=n)
        X[-1], y[-1] = X[0], y[0]
        theta *= 12 / abs(X @ theta).max()
        right = X.T @ (1 / (1 + np.exp(-X @ theta)) - y)
        for _ in range(2):  # with the same arrays, which it leaves as they are
            if not close(f(theta, X, y), right):
                return False
    return close(f(np.array([2.0]), np.array([[900.0], [-900.0]]), np.array([0, 1])), [1800.0])


def sgd_step(f):
    rng = RNG(0)
    for d in (1, 3):
        for m in (0.0, 0.5, 0.9):
            theta, v, g = rng.normal(size=(3, d) if d > 1 else (3, 2, 2))
            got = f(theta.copy(), v.copy(), g.copy(), 0.3, m)
            new = m * v + g
            if len(got) != 2 or not close(got[0], theta - 0.3 * new) or not close(got[1], new):
                return False
    return True


def step_decay(f):
    for lr, factor, every in ((0.7, 0.3, 2), (1.0, 0.9, 5), (0.2, 0.5, 1), (3.0, 2.0, 3)):
        rate = f(lr, factor, every)
        f(1.0, 0.5, 7)  # another one
        for t in (1, 2, 3, 7, 4, 1, 12, 5, 6, 30):
            if not close(rate(t), lr * factor ** ((t - 1) // every), 1e-12):
                return False
        right = factor ** (300 // every)
        if not close(rate(301) / lr / right, 1):
            return False
    return True


def growing(f):
    for b, every in ((3, 2), (10, 5), (1, 1), (7, 3)):
        size = f(b, every)
        f(5, 4)  # another one
        for epoch in (1, 2, 3, 7, 4, 1, 12, 5, 6, 36 * every):
            z = size(epoch)
            if int(z) != b * 2 ** ((epoch - 1) // every) or not isinstance(z, int | np.integer):
                return False
    return True


def standardise(f):
    rng = RNG(0)
    for n, m, d in ((5, 3, 2), (2, 4, 3), (8, 8, 1), (4, 4, 4), (5, 3, 6), (6, 2, 2)):
        train, test = rng.normal(2, 3, size=(n, d)), rng.normal(2, 3, size=(m, d))
        train[n // 2 + 1 :, 0] = train[0, 0]  # not constant, for all that
        train[1, -1] = train[0, -1]
        flat = d > 1
        if flat:
            train[:, 1] = 4.0 if n < 6 else 0.0
        mean, std = train.mean(axis=0), train.std(axis=0)
        std = np.where(std == 0, 1, std)
        got = list(f(train.copy(), test.copy()))
        if len(got) != 2 or not close(got[0], (train - mean) / std):
            return False
        if not close(got[1], (test - mean) / std):
            return False
        for unit in (1e4, 1e7) if not flat else ():
            if not close(f(train / unit, test / unit)[0], got[0]):
                return False
    return True


def confusion_matrix(f):
    rng = RNG(0)
    for K in (2, 3, 5):
        for n in (1, 4, 30):
            true, predicted = rng.integers(K, size=(2, n))
            right = np.zeros((K, K))
            for i, j in zip(true, predicted):
                right[i, j] += 1
            if not close(f(true, predicted, K), right):
                return False
    return True


def xor(theta1, b1, theta2, b2):
    parts = [np.asarray(v, float) for v in (theta1, b1, theta2, b2)]
    if [v.shape for v in parts] != [(2, 2), (2,), (1, 2), (1,)]:
        return False
    for x in product((0, 1), repeat=2):
        z = parts[2] @ np.maximum(parts[0] @ np.array(x) + parts[1], 0) + parts[3]
        if (z[0] > 0) != (sum(x) == 1) or z[0] == 0:
            return False
    return True


def mirror(weights):
    w = np.asarray(weights, float)
    return w.shape == (6,) and all(
        (abs(w @ np.array(x)) < 1e-12) == (x == x[::-1]) for x in product((0, 1), repeat=6)
    )


def huber(f):
    def exact(a):
        return a * a / 2 if abs(a) <= 1 else abs(a) - 0.5

    points = (-4.0, -1.05, -0.7, -0.1, 0.0, 0.3, 0.95, 1.5, 60.0)
    for at in points:
        x = autograd.Value(at)
        z = f(x)
        z.backward()
        if not close(z.data, exact(at)) or not close(x.grad, min(1.0, max(-1.0, at))):
            return False
        out = autograd.compile(z, inputs=[x], parameters=[]).forward([[v] for v in points])
        if not close(out, [exact(v) for v in points]):
            return False
    return True


def attend(f):
    rng = RNG(0)
    for n, d, k in ((1, 2, 1), (3, 2, 4), (2, 5, 2), (4, 4, 4), (5, 1, 3)):
        parts = [rng.normal(size=s) for s in ((d,), (n, d), (n, k))]
        q, keys, values = (
            [*map(autograd.Value, parts[0].tolist())],
            *([[*map(autograd.Value, row)] for row in p.tolist()] for p in parts[1:]),
        )
        got = list(f(q, keys, values))
        e = np.exp(parts[1] @ parts[0] / math.sqrt(d))
        if not close([v.data for v in got], e / e.sum() @ parts[2]):
            return False
        c = rng.normal(size=k)
        sum(float(t) * v for t, v in zip(c, got)).backward()
        p, s = e / e.sum(), parts[2] @ c
        if not close([v.grad for v in q], (p * (s - p @ s)) @ parts[1] / math.sqrt(d)):
            return False
        if not close([[v.grad for v in row] for row in values], np.outer(p, c)):
            return False
        ds = p * (s - p @ s)
        if not close(
            [[v.grad for v in row] for row in keys], np.outer(ds, parts[0]) / math.sqrt(d)
        ):
            return False
    return True


TRUTHS = {
    f.__name__: f
    for f in (
        topological_order, central_difference, swish, bishop, forward, backward, gaussian,
        bernoulli, categorical, error_signals, weight_gradients, skip_gradients, shared_gradients,
        outer_product, kind_of_point, minibatches, batch_gradient,
        sgd_step, step_decay, growing, standardise, confusion_matrix, xor, mirror, huber, attend,
    )
}  # fmt: skip
