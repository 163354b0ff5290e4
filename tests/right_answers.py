"""Right answers in other words, and what forms they and their results may have."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from fractions import Fraction
from functools import partial, wraps
from types import MappingProxyType

import numpy as np


def _each(convert, x):
    """A result with each array and number of it converted; None and the nesting stay."""
    if isinstance(x, np.ndarray) and x.dtype != object:
        return convert(x)
    if isinstance(x, list | tuple):
        return type(x)(_each(convert, v) for v in x)
    return convert(x) if isinstance(x, int | float | np.number) else x


def _single(x):
    return np.asarray(x, np.float32) if np.ndim(x) else np.float32(x)


def _readonly(x):
    x = np.array(x)
    x.flags.writeable = False
    return x


def _strided(x):
    x = np.asarray(x)
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype) if x.ndim else None
    if wide is None:
        return x
    wide[..., ::2] = x
    return wide[..., ::2]


def _tupled(x):
    return tuple(map(_tupled, x)) if isinstance(x, list) else x


def _generator(x):
    return (v for v in x) if isinstance(x, list | tuple) or np.ndim(x) else x


def _nested(x):
    """Generators down to the numbers."""
    return (_nested(v) for v in x) if isinstance(x, list | tuple) or np.ndim(x) else x


def _column(x):
    """(d,) as (d, 1); matrices stay."""
    x = np.asarray(x)
    return x[:, None] if x.ndim == 1 else x


def _lists(x):
    return x.tolist() if isinstance(x, np.ndarray) else x


class _Table:
    """What gives itself as an array, as a DataFrame does."""

    def __init__(self, x):
        self._x = np.asarray(x)

    def __array__(self, dtype=None, copy=None):
        return np.array(self._x, dtype)


RESULTS = {
    "lists": partial(_each, _lists),
    "tuples": partial(_each, lambda x: _tupled(_lists(x))),
    "outer tuple": lambda x: tuple(x) if isinstance(x, list | tuple) or np.ndim(x) else x,
    "outer list": lambda x: list(x) if isinstance(x, list | tuple) or np.ndim(x) else x,
    "a generator": _generator,
    "generators in generators": _nested,
    "float32": partial(_each, _single),
    "float64 arrays": partial(_each, np.asarray),
    "NumPy's numbers": partial(_each, lambda x: np.asarray(x)[()]),
    "columns first": partial(_each, lambda x: np.asarray(x, order="F")),
    "read-only": partial(_each, _readonly),
    "strided": partial(_each, _strided),
    "tables": partial(_each, lambda x: _Table(x) if np.ndim(x) else x),
    "a deque": lambda x: deque(x) if isinstance(x, list | tuple) or np.ndim(x) == 1 else x,
    "matrices": partial(_each, lambda x: np.asmatrix(x) if np.ndim(x) == 2 else x),
    "objects": partial(_each, lambda x: np.asarray(x, object) if np.ndim(x) else x),
    "int64 arrays": partial(_each, lambda x: np.asarray(x, np.int64)),
    "int32 arrays": partial(_each, lambda x: np.asarray(x, np.int32)),
    "floats": partial(_each, lambda x: np.asarray(x, float).tolist()),
    "an array, of column": partial(_each, _column),
}
ARRAYS = [
    "lists", "tuples", "outer tuple", "outer list", "a generator", "float32", "float64 arrays",
    "columns first", "read-only", "strided", "objects", "tables", "a deque", "matrices",
]  # fmt: skip
NUMBERS = ["float32", "float64 arrays", "NumPy's numbers", "read-only"]
WHOLE = ["lists", "tuples", "outer tuple", "a generator", "int64 arrays", "int32 arrays"]
DATA = [
    name for name in ARRAYS if name not in ("a generator", "a deque")
]  # which can be read once alone
FORMS = {
    "topological_order": ["outer tuple", "a generator"],
    "central_difference": [*ARRAYS, "NumPy's numbers", "an array, of column"],
    "gaussian": NUMBERS,
    "bernoulli": NUMBERS,
    "categorical": [*ARRAYS, "NumPy's numbers", "an array, of column"],
    "error_signals": [*ARRAYS, "generators in generators", "an array, of column"],
    "weight_gradients": [*ARRAYS, "generators in generators"],
    "skip_gradients": [*ARRAYS, "generators in generators", "an array, of column"],
    "shared_gradients": [*ARRAYS, "generators in generators", "an array, of column"],
    "outer_product": [*ARRAYS, "generators in generators", "an array, of column"],
    "minibatches": [*WHOLE, "strided", "read-only", "outer list"],
    "batch_gradient": [*ARRAYS, "an array, of column"],
    "sgd_step": [*ARRAYS, "generators in generators", "an array, of column"],
    "step_decay": NUMBERS,
    "growing": ["NumPy's numbers", "int64 arrays"],
    "standardise": [*ARRAYS, "generators in generators"],
    "confusion_matrix": [
        *ARRAYS,
        "generators in generators",
        "int64 arrays",
        "int32 arrays",
        "floats",
    ],
    "xor": [*DATA, "floats"],
    "mirror": [*DATA, "floats", "int32 arrays"],
    "attend": ["outer tuple", "a generator", "a deque"],
}


class _Object:
    """Something with a state, that can be called."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.function(*arguments)

    def method(self, *arguments):
        return self(*arguments)


def _decorated(function):
    @wraps(function)
    def logged(*arguments, **named):
        print("called with", arguments)
        return function(*arguments, **named)

    return logged


def _with_defaults(function):
    def other(*arguments, tolerance=1e-9, verbose=False):
        return function(*arguments)

    return other


def _renamed(function):
    """With names of arguments that nobody expects."""
    names = ", ".join(f"argument_{i}" for i in range(function.__code__.co_argcount)) or "*all"
    return eval(f"lambda {names}: function({names})", {"function": function})


def _subclass(kind):
    return type("MyValue", (kind,), {"__doc__": "Mine.", "more": property(lambda self: 1)})


def _positional(function):
    return lambda *arguments: function(*arguments)


# What is handed in may be anything that can be called, and a class any that behaves like one.
CALLABLES = {
    "a lambda": _positional,
    "a partial": partial,
    "an object": _Object,
    "a method": lambda function: _Object(function).method,
    "a static method": lambda function: type("Box", (), {"f": staticmethod(function)}).f,
    "decorated, and it prints": _decorated,
    "with more arguments": _with_defaults,
    "with other names of arguments": _renamed,
}
CLASSES = {
    "a subclass": _subclass,
    "made by a function": _positional,
    "made by a partial": partial,
    "a subclass of a subclass": lambda kind: _subclass(_subclass(kind)),
    "a subclass that shows itself": lambda kind: type(
        "Shown", (kind,), {"__repr__": lambda self: f"Value({self.data})"}
    ),
    "made by an object": _Object,
    "made by a method": lambda kind: _Object(kind).method,
}


def _mapped(convert):
    return lambda table: {key: convert(v) for key, v in table.items()}


MAPPINGS = {
    "ordered": OrderedDict,
    "read-only mapping": MappingProxyType,
    "last one first": lambda table: dict(reversed(table.items())),
    "with more entries": lambda table: {**table, "mine": 3.0},
    "sixteen digits": _mapped(lambda v: v * (1 + 1e-15)),
    "four digits": _mapped(lambda v: float(f"{v:.4g}")),
    "numbers of NumPy": _mapped(np.float64),
    "single numbers of NumPy": _mapped(np.float32),
    "arrays of one number": _mapped(np.asarray),
    "fractions": _mapped(Fraction),
}
MADE = {**CALLABLES, **CLASSES, **MAPPINGS}


def made_in_form(name, thing):
    """A function, class or mapping in another form; what has no such form, as it is."""
    if isinstance(thing, type):
        forms = CLASSES
    else:
        forms = CALLABLES if callable(thing) else MAPPINGS if isinstance(thing, Mapping) else {}
    return forms[name](thing) if name in forms else thing


def in_form(name, thing):
    """A function whose results come in another form, or data in that form."""
    form = RESULTS[name]
    if not callable(thing):
        return form(thing)

    @wraps(thing)
    def other(*arguments):
        result = thing(*arguments)
        return in_form(name, result) if callable(result) else form(result)

    return other


# As in micrograd: an operation leaves a function that spreads its gradient.
CLOSURES = """
class Value:
    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0
        self._children = set(children)
        self._backward = lambda: None
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def spread():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = spread
        return out
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        a, b = self.data, other.data
        out = Value(a * b, (self, other))
        def spread():
            self.grad += b * out.grad
            other.grad += a * out.grad
        out._backward = spread
        return out
    def _map(self, z, slope):
        out = Value(z, (self,))
        def spread():
            self.grad += slope * out.grad
        out._backward = spread
        return out
    def __pow__(self, n):
        return self._map(self.data ** n, n * self.data ** (n - 1))
    def exp(self):
        return self._map(math.exp(self.data), math.exp(self.data))
    def log(self):
        return self._map(math.log(self.data), 1 / self.data)
    def sin(self):
        return self._map(math.sin(self.data), math.cos(self.data))
    def tanh(self):
        return self._map(math.tanh(self.data), 1 - math.tanh(self.data) ** 2)
    def relu(self):
        return self._map(max(0.0, self.data), float(self.data > 0))
    def __neg__(self):
        return self * -1
    def __sub__(self, other):
        return self + -other
    def __truediv__(self, other):
        return self * (other ** -1 if isinstance(other, Value) else 1 / other)
    def __rsub__(self, other):
        return -self + other
    def __rtruediv__(self, other):
        return self ** -1 * other
    __radd__ = __add__
    __rmul__ = __mul__
"""
SWEEP = """\
    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            v, ready = stack.pop()
            if ready:
                order.append(v)
            elif v not in seen:
                seen.add(v)
                stack.append((v, True))
                stack.extend((u, False) for u in v._children)
        for v in order:
            if v._children:
                v.grad = 0
        self.grad = self.grad + 1
        for v in order[::-1]:
            v._backward()
"""
# As on a tape: each node knows its place, and the sweep goes from the end to the start.
TAPE = """
TAPE = []

class Value:
    def __init__(self, data, *shares):
        self.data, self.grad, self.shares = data, 0.0, shares
        self.place = len(TAPE)
        TAPE.append(self)
    def __add__(self, other):
        if not isinstance(other, Value):
            return Value(self.data + other, (self, 1.0))
        return Value(self.data + other.data, (self, 1.0), (other, 1.0))
    def __mul__(self, other):
        if not isinstance(other, Value):
            return Value(self.data * other, (self, other))
        return Value(self.data * other.data, (self, other.data), (other, self.data))
    def __neg__(self):
        return Value(-self.data, (self, -1.0))
    def __sub__(self, other):
        return self + (-other)
    def __pow__(self, n):
        return Value(self.data**n, (self, n * self.data ** (n - 1)))
    def __truediv__(self, other):
        return self * (other**-1 if isinstance(other, Value) else 1 / other)
    def __radd__(self, other):
        return self + other
    def __rmul__(self, other):
        return self * other
    def __rsub__(self, other):
        return (-self) + other
    def __rtruediv__(self, other):
        return Value(other / self.data, (self, -other / self.data**2))
    def exp(self):
        return Value(np.exp(self.data), (self, np.exp(self.data)))
    def log(self):
        return Value(np.log(self.data), (self, 1 / self.data))
    def sin(self):
        return Value(np.sin(self.data), (self, np.cos(self.data)))
    def tanh(self):
        return Value(np.tanh(self.data), (self, 1 / np.cosh(self.data) ** 2))
    def relu(self):
        return Value(self.data * (self.data > 0), (self, self.data > 0))
"""
TAPE_SWEEP = """\
    def backward(self):
        for v in TAPE[: self.place + 1]:
            v.grad = v.grad * (not v.shares)
        self.grad += 1.0
        for v in reversed(TAPE[: self.place + 1]):
            for u, d in v.shares:
                u.grad += v.grad * d
"""
OTHERS = {
    "topological_order": [
        """
def topological_order(root):
    order = []
    stack = [(root, False)]
    seen = set()
    while stack:
        v, ready = stack.pop()
        if ready:
            order.append(v)
        elif v not in seen:
            seen.add(v)
            stack.append((v, True))
            for u in v.inputs:
                if isinstance(u, Value):
                    stack.append((u, False))
    return order
""",
        """
def topological_order(root):
    found = [root]
    for v in found:
        for u in v.inputs:
            if isinstance(u, Value) and not any(u is w for w in found):
                found.append(u)
    order = []
    while found:
        for v in found:
            if all(u in order for u in v.inputs if isinstance(u, Value)):
                order.append(v)
        found = [v for v in found if v not in order]
    return order
""",
    ],
    "central_difference": [
        """
def central_difference(f, x, h):
    slopes = []
    for i in range(len(x)):
        old = x[i]
        x[i] = old + h
        up = f(x)
        x[i] = old - h
        down = f(x)
        x[i] = old
        slopes.append((up - down) / (2 * h))
    return slopes
""",
        """
def central_difference(f, x, h):
    x = np.array(x)
    return np.array([(f(x + h * e) - f(x - h * e)) / h / 2 for e in np.eye(len(x))])
""",
    ],
    "bernoulli": [
        """
def bernoulli_nll(a, y):
    return max(a, 0) - a * y + math.log1p(math.exp(-abs(a)))

def bernoulli_delta(a, y):
    if a > 0:
        return 1 / (1 + math.exp(-a)) - y
    return math.exp(a) / (1 + math.exp(a)) - y
""",
        """
def bernoulli_nll(a, y):
    return np.logaddexp(0, a) - y * a

def bernoulli_delta(a, y):
    return (np.tanh(a / 2) + 1) / 2 - y
""",
    ],
    "categorical": [
        """
def categorical_nll(a, y):
    m = max(a)
    total = sum(math.exp(v - m) for v in a)
    return math.log(total) + m - a[y]

def categorical_delta(a, y):
    m = max(a)
    e = [math.exp(v - m) for v in a]
    return [v / sum(e) - (k == y) for k, v in enumerate(e)]
""",
        """
def categorical_nll(a, y):
    return np.logaddexp.reduce(a) - a[y]

def categorical_delta(a, y):
    a -= a.max()
    np.exp(a, out=a)
    a /= a.sum()
    a[y] -= 1
    return a
""",
    ],
    "error_signals": [
        """
def error_signals(theta, a, delta_top, g_prime):
    delta = [delta_top]
    for l in range(len(a) - 2, 0, -1):
        row = []
        for j in range(len(a[l])):
            total = 0.0
            for k in range(len(delta[0])):
                total += theta[l + 1][k, j] * delta[0][k]
            row.append(g_prime(a[l])[j] * total)
        delta.insert(0, row)
    return delta
""",
        """
def error_signals(theta, a, delta_top, g_prime):
    delta = delta_top
    found = [delta]
    for weights, below in zip(theta[:1:-1], a[-2:0:-1]):
        delta = delta @ weights * g_prime(below)
        found.append(delta)
    return [None, *found[::-1]]
""",
    ],
    "weight_gradients": [
        """
def weight_gradients(delta, x):
    return [None] + [d[:, None] * v[None, :] for d, v in zip(delta[1:], x)]
""",
        """
def weight_gradients(delta, x):
    grads = [None]
    for l in range(1, len(x)):
        grads.append([[d * v for v in x[l - 1]] for d in delta[l]])
    return grads
""",
    ],
    "skip_gradients": [
        """
def skip_gradients(theta1, theta2, skip, x, y):
    x1 = np.tanh(theta1.dot(x))
    top = np.hstack([theta2, skip]).dot(np.concatenate([x1, x])) - y
    below = top.dot(theta2) * (1 - x1 * x1)
    by_x = below.dot(theta1) + top.dot(skip)
    return below[:, None] * x, top[:, None] * x1, top[:, None] * x, by_x
""",
    ],
    "shared_gradients": [
        """
def shared_gradients(w, x, delta):
    by_w, by_x = np.zeros(len(w)), np.zeros(len(x))
    for j, d in enumerate(delta):
        by_w += d * x[j : j + len(w)]
        by_x[j : j + len(w)] += d * w
    return by_w, by_x
""",
    ],
    "outer_product": [
        """
def bernoulli_curvature(a):
    return 1 / (2 + np.exp(a) + np.exp(-a))

def outer_product(J, r):
    return sum(c * np.outer(b, b) for c, b in zip(r, J))
""",
    ],
    "kind_of_point": [
        """
def kind_of_point(gradient, H, tolerance):
    low, *_, high = np.sort(np.linalg.eigvalsh(H))
    if np.sqrt(gradient @ gradient) > tolerance:
        return "not critical"
    if low > tolerance:
        return "minimum"
    if high < -tolerance:
        return "maximum"
    return "saddle" if low < -tolerance and high > tolerance else "undecided"
""",
        """
def kind_of_point(gradient, H, tolerance):
    if sum(v * v for v in gradient) ** 0.5 > tolerance:
        return "not critical"
    signs = {int(v > tolerance) - int(v < -tolerance) for v in np.linalg.eigvalsh(H).tolist()}
    if {1, -1} <= signs:
        return "saddle"
    return {(1,): "minimum", (-1,): "maximum"}.get(tuple(signs), "undecided")
""",
    ],
    "minibatches": [
        """
def minibatches(n, b, rng):
    order = list(range(n))
    rng.shuffle(order)
    batches = []
    while len(order) >= b:
        batches.append(order[:b])
        order = order[b:]
    return batches
""",
        """
def minibatches(n, b, rng):
    order = rng.permutation(n)
    for start in range(0, n - b + 1, b):
        yield order[start : start + b]
""",
        """
def minibatches(n, b, rng):
    k = n // b
    return rng.choice(n, size=k * b, replace=False).reshape(k, b)
""",
    ],
    "batch_gradient": [
        """
def batch_gradient(theta, X, y):
    total = np.zeros(len(theta))
    for x, t in zip(X, y):
        a = x @ theta
        total += (np.tanh(a / 2) / 2 + 0.5 - t) * x
    return total
""",
    ],
    "sgd_step": [
        """
def sgd_step(theta, v, g, lr, momentum):
    v *= momentum
    v += g
    theta -= lr * v
    return theta, v
""",
        """
def sgd_step(theta, v, g, lr, momentum):
    return [theta - lr * g - lr * momentum * v, g + momentum * v]
""",
    ],
    "step_decay": [
        """
def step_decay(lr, factor, every):
    def rate(t):
        now = lr
        for u in range(1, t):
            if u % every == 0:
                now *= factor
        return now
    return rate
""",
    ],
    "growing": [
        """
def growing(b, period):
    sizes = {}
    def size(epoch):
        if epoch not in sizes:
            sizes[epoch] = b << (epoch - 1) // period
        return sizes[epoch]
    return size
""",
        """
def growing(b, period):
    def size(epoch):
        now = b
        while epoch > period:
            now = 2 * now
            epoch -= period
        return now
    return size
""",
    ],
    "standardise": [
        """
def standardise(X_train, X_test):
    m = X_train.mean(axis=0)
    s = X_train.std(axis=0)
    s[s == 0] = 1
    X_train -= m
    X_test -= m
    X_train /= s
    X_test /= s
    return X_train, X_test
""",
        """
def standardise(X_train, X_test):
    n, d = X_train.shape
    parts = [[[0.0] * d for _ in X_train], [[0.0] * d for _ in X_test]]
    for j in range(d):
        m = sum(X_train[:, j]) / n
        s = (sum((v - m) ** 2 for v in X_train[:, j]) / n) ** 0.5
        for part, X in zip(parts, (X_train, X_test)):
            for i in range(len(X)):
                part[i][j] = (X[i, j] - m) / (s if s > 0 else 1)
    return parts
""",
    ],
    "confusion_matrix": [
        """
def confusion_matrix(true, predicted, K):
    M = np.zeros((K, K), dtype=int)
    np.add.at(M, (true, predicted), 1)
    return M
""",
        """
def confusion_matrix(true, predicted, K):
    return np.bincount(K * true + predicted, minlength=K * K).reshape(K, K)
""",
    ],
    "xor": [
        """
xor_theta1 = np.array([[1, -1], [-1, 1]])
xor_b1 = np.zeros(2)
xor_theta2 = np.ones((1, 2))
xor_b2 = np.array([-0.25])
""",
    ],
    "mirror": [
        """
mirror_weights = -np.array([9.0, 3.0, 1.0, -1.0, -3.0, -9.0])
""",
    ],
    "huber": [
        """
def huber(a):
    size = abs(a)
    return autograd.where(size - 1, size - 0.5, 0.5 * size**2)
""",
        """
def huber(a):
    return abs(a) - 0.5 + (1 - abs(a)).relu() ** 2 / 2
""",
    ],
    "attend": [
        """
def attend(q, keys, values):
    scores = [autograd.dot(q, k) * len(q) ** -0.5 for k in keys]
    log_total = autograd.logsumexp(scores)
    p = [autograd.exp(a - log_total) for a in scores]
    d = len(values[0])
    return [autograd.sum([p[s] * values[s][j] for s in range(len(p))]) for j in range(d)]
""",
        """
def attend(q, keys, values):
    e = []
    for k in keys:
        score = sum(a * b for a, b in zip(q, k)) / math.sqrt(len(q))
        e.append(score.exp())
    total = sum(e)
    return [sum(e[s] * values[s][j] for s in range(len(e))) / total for j in range(len(values[0]))]
""",
    ],
    "gaussian": [
        """
def gaussian_nll(a, y):
    return 0.5 * abs(a - y) ** 2

def gaussian_delta(a, y):
    return -(y - a)
""",
    ],
    "bishop": [
        """
e2, s, c = math.exp(2), math.sin(2), math.cos(2)
bishop_values = dict(x1=1.0, x2=2.0, v3=2.0, v4=s, v5=e2, v6=2 - s, v7=e2 + 2 - s)
bishop_tangents = dict(x1=1.0, x2=0.0, v3=2.0, v4=0.0, v5=2 * e2, v6=2.0, v7=2 * e2 + 2)
bishop_adjoints = dict(
    x1=2 * (1 + e2), x2=1 + e2 - c, v3=1 + e2, v4=-1.0, v5=1.0, v6=1.0, v7=1.0
)
""",
        # Three digits, cut off.
        """
bishop_values = dict(x1=1, x2=2, v3=2, v4=0.909, v5=7.38, v6=1.09, v7=8.47)
bishop_tangents = dict(x1=1, x2=0, v3=2, v4=0, v5=14.7, v6=2, v7=16.7)
bishop_adjoints = dict(x1=16.7, x2=8.80, v3=8.38, v4=-1, v5=1, v6=1, v7=1)
""",
        # Three digits, rounded, and computed on with.
        """
bishop_values = dict(x1=1, x2=2, v3=2, v4=0.909, v5=7.39, v6=1.091, v7=8.481)
bishop_tangents = dict(x1=1, x2=0, v3=2, v4=0, v5=14.78, v6=2, v7=16.78)
bishop_adjoints = dict(x1=16.78, x2=8.806, v3=8.39, v4=-1, v5=1, v6=1, v7=1)
""",
    ],
    "forward": [CLOSURES, TAPE],
    "backward": [CLOSURES + SWEEP, TAPE + TAPE_SWEEP],
    "swish": [
        """
swish = autograd.primitive(
    "swish",
    lambda x: x / (1 + autograd.exp(-x)),
    lambda z, x: ((1 + autograd.exp(-x) * (1 + x)) / (1 + autograd.exp(-x)) ** 2,),
)
""",
        """
swish = autograd.primitive(
    "silu",
    lambda x: x * (1 + autograd.tanh(x / 2)) / 2,
    lambda z, x: (0.5 * (1 + autograd.tanh(x / 2)) + x / 4 * (1 - autograd.tanh(x / 2) ** 2),),
)
""",
    ],
}
