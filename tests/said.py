"""Wrong answers, and all that a report is to say of each: words of its hints, and no hint more.

Each is Python source, as in `tests.near_misses`.
"""

from tests.near_misses import KIND
from tests.near_misses_graphs import DIFFERENCES, ORDER, POWER, SWEEP, VALUE, changed
from tests.right_answers import CLOSURES, OTHERS
from tests.right_answers import SWEEP as CLOSURES_SWEEP

CLOSURES += CLOSURES_SWEEP
SUM = """\
            self.grad += out.grad
            other.grad += out.grad
"""
PRODUCT = """\
            self.grad += b * out.grad
            other.grad += a * out.grad
"""
BELOW = "        out = Value(self.data + other.data, (self, other))\n"
SHORTEST, FORGOTTEN = "mend these first", "one of the two operands gets nothing"
SEED = "        self.grad += 1.0\n"
MARKED = changed(
    VALUE, ("data, 0.0\n", "data, 0.0\n        self.met = False\n"), ("v not in seen", "not v.met"),
    ("seen.add(v)", "v.met = True"),
)  # fmt: skip

# A student's Value in which one thing is wrong, and all that is said of it.
SAID_OF_VALUES = [
    (changed(VALUE, ("data, 0.0", "data, 1.0")), ["0.0 before any sweep"]),
    (
        changed(VALUE, ("    def __neg__", "    def __eq__(self, o):\n        return self is o\n"
                                           "    def __neg__")),
        ["a class has no hash"],
    ),
    (changed(VALUE, ("u.grad += v", "u.grad -= v")), ["the same wrong factor"]),
    (changed(VALUE, (SEED, "        self.grad -= 1.0\n")), ["the same wrong factor"]),
    (changed(VALUE, (SEED, "")), ["nothing arrives"]),
    (changed(VALUE, (SWEEP, "        pass\n")), ["nothing arrives"]),
    (
        changed(VALUE, (SEED, ""), ("        for v in order:", SEED + "        for v in order:")),
        ["nothing arrives"],
    ),
    (changed(VALUE, ("reversed(order)", "order")), ["further than the inputs of the root"]),
    (
        changed(CLOSURES, (CLOSURES_SWEEP, "    def backward(self):\n        self.grad = 1\n"
                                           "        self._backward()\n")),
        ["further than the inputs of the root"],
    ),
    (
        changed(CLOSURES, ("Value(a * b, (self, other))", "Value(a * b)")),
        ["further than the inputs of the root"],
    ),
    (
        changed(CLOSURES, (BELOW, BELOW.replace("(self, other)", "(self,)"))),
        ["hands nothing on", FORGOTTEN],  # a - b is a + -b there
    ),
    (changed(CLOSURES, (SUM, SUM.replace("            other.grad += out.grad\n", ""))),
     [SHORTEST, FORGOTTEN]),
    (changed(VALUE, ("(self, o), (o.data, self.data)", "(self,), (o.data,)")),
     [SHORTEST, FORGOTTEN]),
    (changed(VALUE, ("(self, o), (o.data, self.data)", "(o,), (self.data,)")),
     [SHORTEST, FORGOTTEN, "hands on nothing"]),  # x * 2 to x
    (changed(CLOSURES, (SUM, SUM.replace("other", "self"))), [SHORTEST]),
    (changed(CLOSURES, (PRODUCT, PRODUCT.replace(" * out.grad", ""))), ["its own gradient times"]),
    (changed(CLOSURES, (SUM, SUM.replace("out.grad", "1.0"))), ["its own gradient times"]),
    (changed(CLOSURES, ("slope * out.grad", "slope")), ["its own gradient times"]),
    (changed(CLOSURES, ("self.grad += slope", "self.grad = slope")), ["= where += belongs"]),
    (changed(CLOSURES, (PRODUCT, PRODUCT.replace("+=", "="))), ["= where += belongs"]),
    (changed(VALUE, (POWER, POWER.replace("(n *", "(2 * n *"))), []),
    (MARKED, ["kept from sweep to sweep"]),
    (changed(MARKED, (SEED, "        self.grad = 1.0\n")), ["kept from sweep to sweep"]),
    (changed(VALUE, ("            if v.inputs:\n                v.grad", "            v.grad")),
     ["the gradient of a leaf is set to 0"]),
]  # fmt: skip
LOGISTIC = """
def batch_gradient(theta, X, y):
    total = np.zeros(len(theta))
    for x, t in zip(X, y):
        total += (np.tanh(x @ theta / 2) / 2 + 0.5 - t) * x
    return total
"""
SHARED = """
def shared_gradients(w, x, delta):
    return np.correlate(x, delta, "valid"), np.convolve(delta, w)
"""
OUTER = """
def weight_gradients(delta, x):
    return [None, *map(np.outer, delta[1:], x)]
"""
BATCHES = """
def minibatches(n, b, rng):
    order = rng.permutation(n)
    return [order[i * b : (i + 1) * b] for i in range(n // b)]
"""
RETURN = "    return total\n"
SAID = {
    "backward": SAID_OF_VALUES,
    "topological_order": [
        (changed(ORDER, ("return order", f"return {entry}")), ["of the Values themselves"])
        for entry in (
            "[v.label for v in order]", "[v.data for v in order]", "[Value(v.data) for v in order]",
        )
    ] + [
        (changed(ORDER, ("not hasattr", "not getattr(v, 'inputs', ()) or not hasattr")),
         ["the leaves are missing"]),
        (changed(ORDER, ("\ndef topological_order(root):\n    order, seen = [], []",
                         "\nseen = set()\ndef topological_order(root):\n    order = []"),
                 ("seen.append", "seen.add")),
         ["kept from call to call"]),
        (changed(ORDER, ("(root):", "(root, order=[]):"), ("order, seen = [], []", "seen = []")),
         ["Values of another graph", "in the list twice"]),
        (changed(ORDER, ("v in seen", "v.grad < 0"), ("seen.append(v)", "v.grad = -1.0")),
         ["kept from call to call"]),
        (changed(ORDER, ("in v.inputs", "in v.inputs[:1]")), ["an input is missing"]),
        (changed(ORDER, ('if not hasattr(v, "inputs") or v in seen', "if v in seen"),
                 ("in v.inputs", 'in getattr(v, "inputs", ())')),
         ["a plain number is in the list"]),
    ],
    "central_difference": [
        (changed(DIFFERENCES, ("return slopes", "return slopes[:1] * len(x)")), []),
        (changed(DIFFERENCES, ("return slopes", "return [round(v, 3) for v in slopes]")), []),
        (changed(DIFFERENCES, ("slopes = []", "slopes = np.zeros_like(np.array(x))"),
                 ("slopes.append(", "slopes[i] = (")), ["np.zeros_like of ints"]),
    ],
    "gaussian": [
        (OTHERS["gaussian"][0] + f"def gaussian_nll(a, y): return {loss}", [])
        for loss in ("round((y - a) ** 2 / 2, 3)", "int((y - a) ** 2) / 2", "(y - a) ** 2 // 1 / 2")
    ] + [(OTHERS["gaussian"][0] + "def gaussian_delta(a, y): return round(a - y, 1)", [])],
    "bernoulli": [
        (OTHERS["bernoulli"][1] + "def bernoulli_nll(a, y): return np.logaddexp(0, -a)",
         ["y is missing"]),
        (OTHERS["bernoulli"][1]
         + "def bernoulli_delta(a, y): return (np.tanh(a / 2) + 1) / 2 - (y > 0.5)", []),
    ],
    "weight_gradients": [
        (changed(OUTER, ("map(np.outer, delta[1:], x)",
                         "[np.outer(d, v).ravel() for d, v in zip(delta[1:], x)]")),
         ["the shapes are (d_l, d_(l-1))"]),
        (changed(OUTER, ("[None, *map(np.outer, delta[1:], x)]", "np.outer(delta[-1], x[-2])")),
         ["the gradient of one layer alone"]),
        (changed(OUTER, ("[None, *map(np.outer, delta[1:], x)]",
                         "np.array([*map(np.outer, delta[1:], x)])")),
         ["arrays of different shapes"]),
    ],
    "skip_gradients": [
        (OTHERS["skip_gradients"][0] + """
def skip_gradients(theta1, theta2, skip, x, y):
    return 0.0, 0.0, 0.0, theta2 @ (theta2 @ np.tanh(theta1 @ x) + skip @ x - y)
""", ["theta.T @ Delta"]),
    ],
    "swish": [
        ("swish = autograd.primitive('swish', lambda x: None, lambda z, x: (1.0,))", []),
        ("""
swish = autograd.primitive(
    "swish", lambda x: x * autograd.sigmoid(x),
    lambda z, x: autograd.sigmoid(x) * (1 + x - z),
)
""", ["partials is a tuple"]),
    ],
    "huber": [
        ("def huber(a): return autograd.where(abs(a) > 1, abs(a) - 0.5, a * a / 2)",
         ["by an if, a comparison, or a.data"]),
    ],
    "shared_gradients": [
        (changed(SHARED, ("return ", "return (")) .rstrip() + ")[::-1]", ["the order of the pair"]),
    ],
    "kind_of_point": [
        (KIND + """
def kind_of_point(gradient, H, tolerance):
    return kind(gradient, H, tolerance, of=lambda H: np.linalg.svd(H)[1])
""", []),
        (KIND + """
def kind_of_point(gradient, H, tolerance):
    return "not critical" if gradient.any() else kind(gradient, H, tolerance)
""", ["counts as 0, not one of zeros alone"]),
        (KIND + """
def kind_of_point(gradient, H, tolerance):
    return "not critical" if abs(gradient).sum() > tolerance else kind(gradient, H, tolerance)
""", ["np.linalg.norm"]),
    ] + [
        (KIND + f"""
def kind_of_point(gradient, H, tolerance):
    return "not critical" if {length} > tolerance else kind(0 * gradient, H, tolerance)
""", ["np.linalg.norm"])
        for length in ("np.sum(gradient**2)", "np.mean(abs(gradient))", "max(gradient)")
    ] + [
        (KIND + """
def kind_of_point(gradient, H, tolerance):
    close = np.allclose(gradient, 0)
    return kind(0 * gradient, H, tolerance) if close else "not critical"
""", ["the tolerance is the one that is given"]),
        (KIND + """
def kind_of_point(gradient, H, tolerance):
    return "not critical" if np.linalg.norm(gradient) > 0.01 else kind(gradient, H, tolerance)
""", ["the tolerance is the one that is given"]),
    ],
    "minibatches": [
        (changed(BATCHES, ("rng.p", "1 + rng.p")), ["from 0 to n - 1"]),
        (changed(BATCHES, ("rng.permutation(n)\n", "list(range(n))\n    for i in range(n):\n"
                           "        j = rng.integers(n)\n"
                           "        order[i], order[j] = order[j], order[i]\n")),
         ["some orders come more often"]),
        (changed(BATCHES, ("(i + 1) * b]", "b]")), ["exactly b indices"]),  # none of chance
        (changed(BATCHES, ("(i + 1) * b]", "(i + 1) * b - 1]")), ["exactly b indices"]),
    ],
    "batch_gradient": [
        (changed(LOGISTIC, ("+=", "=")), ["the gradient of one example alone"]),
        (changed(LOGISTIC, (RETURN, f"    {RETURN}")), ["the gradient of one example alone"]),
        (changed(LOGISTIC, ("zip(X, y)", "zip(X[:-1], y)")), ["one example is left out"]),
        (changed(LOGISTIC, ("zip(X, y)", "zip(X[1:], y[1:])")), ["one example is left out"]),
        (changed(LOGISTIC, (RETURN, "    return total / 2\n")), []),
    ],
    "outer_product": [
        (OTHERS["outer_product"][0]
         + "def outer_product(J, r): return J[1:].T @ np.diag(r[1:]) @ J[1:]", []),
    ],
    "sgd_step": [
        ("""
def sgd_step(theta, v, g, lr, momentum):
    v = momentum * v + g
    return np.round(theta - lr * v, 3), v
""", []),
    ],
    "mirror": [("mirror_weights = [1, 2, 4, -4, -2]", [])],
}  # fmt: skip
