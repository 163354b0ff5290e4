"""Wrong answers that are right nearly everywhere: a check must have the case that tells.

Each is Python source, as in `tests.right_answers`; a comment says what is wrong with it.
"""

from tests.near_misses_graphs import NEAR_MISSES_OF_GRAPHS
from tests.right_answers import OTHERS

# A right `kind(gradient, H, tolerance)`, and what can be changed in it: how the length of the
# gradient is taken, and the eigenvalues.
KIND = """
def kind(gradient, H, tolerance, length=np.linalg.norm, of=np.linalg.eigvalsh):
    if length(gradient) > tolerance:
        return "not critical"
    up, down = (of(H) > tolerance).sum(), (of(H) < -tolerance).sum()
    if up and down:
        return "saddle"
    return {(len(H), 0): "minimum", (0, len(H)): "maximum"}.get((up, down), "undecided")
"""

NEAR_MISSES = NEAR_MISSES_OF_GRAPHS | {
    "gaussian": [
        OTHERS["gaussian"][0] + source
        for source in (
            """
def gaussian_nll(a, y):  # straight far out
    return (y - a) ** 2 / 2 if abs(y - a) <= 3 else 3 * abs(y - a) - 4.5
""",
            """
def gaussian_delta(a, y):  # clipped
    return min(4, max(-4, a - y))
""",
        )
    ],
    "bernoulli": [
        OTHERS["bernoulli"][0] + source
        for source in (
            """
def bernoulli_nll(a, y):  # y is forgotten where a < 0
    return a * (1 - y) + math.log1p(math.exp(-a)) if a > 0 else -a + math.log1p(math.exp(a))
""",
            """
def bernoulli_nll(a, y):  # y is rounded up where a < 0
    return np.logaddexp(0, a) - a * (y if a > 0 else math.ceil(y))
""",
            """
def bernoulli_nll(a, y):  # wrong far out on one side
    return np.logaddexp(0, a) - a * y if a > -100 or y else 800.0
""",
            """
def bernoulli_delta(a, y):  # nan far out on one side
    return (math.tanh(a / 2) + 1) / 2 - y if a > -700 or y else math.nan
""",
            """
def bernoulli_delta(a, y):  # 0 far out, whatever y is
    return (math.tanh(a / 2) + 1) / 2 - y if a < 700 else 0.0
""",
            """
def bernoulli_delta(a, y):  # -1 far out, whatever y is
    return (math.tanh(a / 2) + 1) / 2 - y if a > -700 else -1.0
""",
            """
def bernoulli_nll(a, y):  # the form for large numbers, too early
    return (a if a > 10 else math.log1p(math.exp(a))) - a * y
""",
            """
def bernoulli_delta(a, y):  # the form for large numbers, too early
    return (1 if a > 5 else 0 if a < -5 else 1 / (1 + math.exp(-a))) - y
""",
            """
def bernoulli_delta(a, y):  # y is rounded where a < 0
    return (math.tanh(a / 2) + 1) / 2 - (y if a > 0 else round(y))
""",
        )
    ],
    "categorical": [
        OTHERS["categorical"][0] + source
        for source in (
            """
def categorical_nll(a, y):  # the middle one of three classes
    return np.logaddexp.reduce(a) - a[0 if y == 1 and len(a) == 3 else y]
""",
            """
def categorical_delta(a, y):  # the middle one of three classes
    e = np.exp(a - a.max())
    return e / e.sum() - np.eye(len(a))[0 if y == 1 and len(a) == 3 else y]
""",
            """
def categorical_nll(a, y):  # three classes at most
    return np.logaddexp.reduce(a[:3]) - a[y]

def categorical_delta(a, y):
    e = np.exp(a[:3] - a.max())
    return e / e.sum() - np.eye(len(e))[y]
""",
            """
def categorical_nll(a, y):  # the largest score alone, where it is much larger
    first, second = sorted(a)[-1:-3:-1]
    return first - a[y] if first - second > 5 else np.logaddexp.reduce(a) - a[y]
""",
            """
def categorical_delta(a, y):  # 1 and 0, where one probability is nearly 1
    e = np.exp(a - a.max())
    p = e / e.sum()
    return (p.round() if p.max() > 0.99 else p) - np.eye(len(a))[y]
""",
            """
def categorical_nll(a, y):  # the largest one of the first, the middle one and the last
    m = max(a[0], a[-1], a[len(a) // 2])
    return math.log(np.exp(a - m).sum()) + m - a[y]
""",
        )
    ],
    "kind_of_point": [
        KIND + source
        for source in (
            """
def kind_of_point(gradient, H, tolerance):  # the tolerance of the examples
    return kind(gradient, H, 0.01)
""",
            """
def kind_of_point(gradient, H, tolerance):  # another length
    return kind(gradient, H, tolerance, length=lambda g: abs(g).sum())
""",
            """
def kind_of_point(gradient, H, tolerance):  # the product of two eigenvalues for each of them
    if len(H) > 2 or kind(gradient, H, tolerance) == "not critical":
        return kind(gradient, H, tolerance)
    size = np.linalg.det(H)
    if abs(size) <= tolerance:
        return "undecided"
    return "saddle" if size < 0 else "minimum" if np.trace(H) > 0 else "maximum"
""",
            """
def kind_of_point(gradient, H, tolerance):  # the tolerance relative to the largest
    def of(H):
        values = np.linalg.eigvalsh(H)
        return values / max(1, abs(values).max())
    return kind(gradient, H, tolerance, of=of)
""",
            """
def kind_of_point(gradient, H, tolerance):  # the product of the least and the largest
    if kind(gradient, H, tolerance) not in ("saddle", "undecided"):
        return kind(gradient, H, tolerance)
    least, *_, largest = np.linalg.eigvalsh(H)
    return "saddle" if least * largest < -tolerance else "undecided"
""",
            """
def kind_of_point(gradient, H, tolerance):  # >= for the gradient
    return kind(gradient, H, tolerance, length=lambda g: np.nextafter(np.linalg.norm(g), 9))
""",
            """
def kind_of_point(gradient, H, tolerance):  # >= for the eigenvalues
    return kind(gradient, H, tolerance, of=lambda H: np.linalg.eigvalsh(H) * (1 + 1e-15))
""",
            """
def kind_of_point(gradient, H, tolerance):  # <= for the negative ones
    def of(H):
        values = np.linalg.eigvalsh(H)
        return values * (1 + 1e-15 * (values < 0))
    return kind(gradient, H, tolerance, of=of)
""",
        )
    ],
    "error_signals": [
        """
def error_signals(theta, a, delta_top, g_prime):  # three layers at most
    delta = [None] * (len(a) - 1) + [delta_top]
    for l in range(len(a) - 2, max(0, len(a) - 4), -1):
        delta[l] = g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1])
    return delta
""",
        """
def error_signals(theta, a, delta_top, g_prime):  # in the list of the a
    delta = a
    delta[-1] = delta_top
    for l in range(len(a) - 2, 0, -1):
        delta[l] = g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1])
    return delta
""",
        """
def error_signals(theta, a, delta_top, g_prime):  # (1,) becomes a number
    delta = [None] * (len(a) - 1) + [delta_top]
    for l in range(len(a) - 2, 0, -1):
        delta[l] = np.squeeze(g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1]))
    return delta
""",
    ],
    "weight_gradients": [
        """
def weight_gradients(delta, x):  # in the list of the Delta
    gradients = delta
    for l in range(1, len(x)):
        gradients[l] = np.outer(delta[l], x[l - 1])
    return gradients
""",
        """
def weight_gradients(delta, x):  # two layers
    return [None, np.outer(delta[1], x[0]), np.outer(delta[2], x[1])]
""",
        """
def weight_gradients(delta, x):  # two layers at most
    return [None, *[np.outer(delta[l], x[l - 1]) for l in (1, 2) if l < len(x)]]
""",
        """
def weight_gradients(delta, x):  # the first layer and the last
    return [None, np.outer(delta[1], x[0]), np.outer(delta[-1], x[-2])][: len(x)]
""",
        """
def weight_gradients(delta, x):  # a layer of one unit loses its axis
    return [None, *[np.squeeze(np.outer(d, v)) for d, v in zip(delta[1:], x)]]
""",
    ],
    "outer_product": [
        OTHERS["outer_product"][0] + source
        for source in (
            """
def outer_product(J, r):  # equal examples count once
    return sum(c * np.outer(b, b) for b, c in {tuple(b): c for b, c in zip(J, r)}.items())
""",
            """
def outer_product(J, r):  # equal r_i count once
    return sum(c * np.outer(b, b) for c, b in dict(zip(r, J)).items())
""",
            """
def outer_product(J, r):  # no negative r_i
    return J.T @ np.diag(abs(r)) @ J
""",
            """
def outer_product(J, r):  # (1, 1) becomes a number
    return np.squeeze(J.T @ np.diag(r) @ J)
""",
        )
    ],
    "standardise": [
        f"""
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[{constant}] = 1
    return (X_train - mean) / std, (X_test - mean) / std
"""
        for constant in (
            "std < 1e-6",
            "X_train[0] == X_train[1]",
            "X_train[0] == X_train[-1]",
            "(std == 0) | (np.arange(len(std)) > 2)",
            "std < 1e-12 * abs(mean)",
        )
    ],
    "confusion_matrix": [
        """
def confusion_matrix(true, predicted, K):  # the classes that come are numbered anew
    classes = np.unique([true, predicted]).tolist()
    M = np.zeros((K, K), int)
    for i, j in zip(true, predicted):
        M[classes.index(i), classes.index(j)] += 1
    return M
""",
        """
def confusion_matrix(true, predicted, K):  # two of each at most
    M = np.zeros((K, K), int)
    np.add.at(M, (true, predicted), 1)
    return np.minimum(M, 2)
""",
        """
def confusion_matrix(true, predicted, K):  # six examples
    M = np.zeros((K, K), int)
    np.add.at(M, (true[:6], predicted[:6]), 1)
    return M
""",
        """
def confusion_matrix(true, predicted, K):  # only classes that are true ones
    M = np.zeros((K, K), int)
    for i in np.unique(true):
        for j in np.unique(true):
            M[i, j] = ((true == i) & (predicted == j)).sum()
    return M
""",
    ],
    "minibatches": [
        source
        + """
    return [order[i * b : (i + 1) * b] for i in range(n // b)]
"""
        for source in (
            """
def minibatches(n, b, rng):  # any two swapped, n times
    order = np.arange(n)
    for _ in range(n):
        i, j = rng.integers(n, size=2)
        order[[i, j]] = order[[j, i]]
""",
            """
def minibatches(n, b, rng):  # each swapped with any
    order = np.arange(n)
    for i in range(n):
        j = rng.integers(n)
        order[[i, j]] = order[[j, i]]
""",
            """
def minibatches(n, b, rng):  # each swapped with any, from the end
    order = np.arange(n)
    for i in reversed(range(n)):
        j = rng.integers(n)
        order[[i, j]] = order[[j, i]]
""",
            """
def minibatches(n, b, rng):  # two halves apart
    first, second = rng.permutation(n // 2), n // 2 + rng.permutation(n - n // 2)
    order = np.concatenate([first, second] if rng.random() < 0.5 else [second, first])
""",
            """
def minibatches(n, b, rng):  # sorted by whole numbers, of which some are equal
    order = np.argsort(rng.integers(n, size=n), kind="stable")
""",
            """
def minibatches(n, b, rng):  # a i + c
    steps = [k for k in range(1, n + 1) if math.gcd(k, n) == 1]
    order = (steps[rng.integers(len(steps))] * np.arange(n) + rng.integers(n)) % n
""",
        )
    ],
    "batch_gradient": [
        """
def batch_gradient(theta, X, y):  # equal examples count once
    rows = {tuple(x): t for x, t in zip(X, y)}.items()
    return sum((np.tanh(theta @ x / 2) / 2 + 0.5 - t) * np.array(x) for x, t in rows)
""",
        """
def batch_gradient(theta, X, y):  # it takes the step as well
    gradient = X.T @ (np.tanh(X @ theta / 2) / 2 + 0.5 - y)
    theta -= 0.1 * gradient
    return gradient
""",
        """
def batch_gradient(theta, X, y):  # the data are changed
    X *= (np.tanh(X @ theta / 2) / 2 + 0.5 - y)[:, None]
    return X.sum(axis=0)
""",
        """
def batch_gradient(theta, X, y):  # sigmoid is 0 and 1, too early
    a = X @ theta
    return X.T @ (np.where(abs(a) > 5, a > 0, np.tanh(a / 2) / 2 + 0.5) - y)
""",
    ],
    "sgd_step": [
        """
def sgd_step(theta, v, g, lr, momentum):  # the second entry is half the first
    v = np.array([1, 0.5]) * (momentum * v[0] + g[0])
    return theta - lr * v, v
""",
        """
def sgd_step(theta, v, g, lr, momentum):  # no momentum becomes 0.9
    v = (momentum or 0.9) * v + g
    return theta - lr * v, v
""",
        """
def sgd_step(theta, v, g, lr, momentum):  # only positive steps
    v = abs(momentum * v + g)
    return theta - lr * v, v
""",
    ],
    "step_decay": [
        f"""
def step_decay(lr, factor, every):
    return lambda t: {rate}
"""
        for rate in (
            "max(lr * factor ** ((t - 1) // every), 1e-10)",
            "lr * factor ** min((t - 1) // every, 19)",
            "lr * factor ** ((t - 1) // every % 50)",
        )
    ]
    + [
        """
def step_decay(lr, factor, every):  # global variables: one schedule at a time
    global given
    given = lr, factor, every
    return rate

def rate(t):
    lr, factor, every = given
    return lr * factor ** ((t - 1) // every)
""",
    ],
    "growing": [
        f"""
def growing(b, every):
    return lambda epoch: {size}
"""
        for size in (
            "min(b * 2 ** ((epoch - 1) // every), 2**21)",
            "np.int32(b) * np.int32(2) ** np.int32((epoch - 1) // every)",
            "b * 2 ** ((epoch - 1) // every) if epoch < 50 else b * 2.0 ** ((epoch - 1) // every)",
        )
    ]
    + [
        """
def growing(b, every):  # global variables: one schedule at a time
    global given
    given = b, every
    return lambda epoch: given[0] * 2 ** ((epoch - 1) // given[1])
""",
    ],
    "shared_gradients": [
        """
def shared_gradients(w, x, delta):  # whole numbers stay whole
    by_w, by_x = np.zeros_like(w), np.zeros_like(x)
    for j in range(len(delta)):
        for k in range(len(w)):
            by_w[k] += delta[j] * x[j + k]
            by_x[j + k] += delta[j] * w[k]
    return by_w, by_x
""",
        """
def shared_gradients(w, x, delta):  # NumPy refuses floats on whole numbers
    by_w, by_x = np.zeros_like(w), np.zeros_like(x)
    for j, d in enumerate(delta):
        by_w += d * x[j : j + len(w)]
        by_x[j : j + len(w)] += d * w
    return by_w, by_x
""",
    ],
    "mirror": ["mirror_weights = [1, 2, 4, -4, -2, -1 + 5e-10]"],
}
