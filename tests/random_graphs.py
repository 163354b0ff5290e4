"""Random graphs, and how a program of one is compared with the graph, recorded row by row."""

import inspect
import math
import random

import numpy as np

import autograd
from autograd import Value, primitive, topological_order


def values(*numbers):
    return [Value(x) for x in numbers]


def record(build, row, numbers):
    """The graph that ``build(inputs, parameters)`` makes at these numbers: a list of roots."""
    inputs, parameters = values(*row), values(*numbers)
    root = build(inputs, parameters)
    return inputs, parameters, [root] if isinstance(root, Value) else root


def by_graph(build, rows, numbers):
    """Outputs ``(b, k)``, the gradient of their sum, and the size of what was summed for them."""
    outputs, gradient, size = [], np.zeros(len(numbers)), 1.0
    for row in rows:
        _, parameters, roots = record(build, row, numbers)
        outputs.append([root.data for root in roots])
        for root in roots:
            root.backward()
            size += sum_of_sizes(root)
        with np.errstate(invalid="ignore"):  # inf - inf
            gradient += [p.grad for p in parameters]
    return np.array(outputs).reshape(len(rows), -1), gradient, size


def sum_of_sizes(root):
    """The largest number in a graph, or sum of the sizes of all paths' products of partials."""
    order = topological_order(root)
    paths = dict.fromkeys(order, 0.0)
    paths[root] = 1.0
    for node in reversed(order):
        for v, d in zip(node.inputs, node.partials, strict=True):
            if isinstance(v, Value):
                paths[v] += paths[node] * abs(d)
    return max(max(paths.values()), max(abs(v.data) for v in order))


def assert_same(build, rows, numbers, tolerance=1e-12):
    """A program gives the numbers of the graph, infinities and nans included; it is returned."""
    rows = np.asarray(rows, dtype=float)
    inputs, parameters, roots = record(build, rows[0], numbers)
    root = roots[0] if len(roots) == 1 else roots
    program = autograd.compile(root, inputs, parameters)
    outputs, gradient, size = by_graph(build, rows.tolist(), numbers)
    if len(roots) == 1:
        outputs = outputs[:, 0]
    losses, derivative = program(rows)
    atol = tolerance * size if math.isfinite(size) else 0.0
    np.testing.assert_allclose(losses, outputs, rtol=1e-12, atol=atol)
    np.testing.assert_allclose(derivative, gradient, rtol=1e-12, atol=atol)
    np.testing.assert_array_equal(program.forward(rows), losses)
    losses, derivative = by_source(program, rows, numbers)
    np.testing.assert_allclose(losses, outputs, rtol=1e-12, atol=atol)
    np.testing.assert_allclose(derivative, gradient, rtol=1e-12, atol=atol)
    return program


def numbers(n, seed=0):
    return (0.5 * np.random.default_rng(seed).normal(size=n)).tolist()


def program_of(build, n, m, b=3):
    """The program of a graph of n inputs and m parameters, compared with the graph."""
    return assert_same(build, np.reshape(numbers(b * n), (b, n)), numbers(m, seed=1))


def only_compiled(build, n, m):
    inputs, parameters, roots = record(build, numbers(n), numbers(m))
    return autograd.compile(roots if len(roots) > 1 else roots[0], inputs, parameters)


def by_source(program, rows, numbers):
    """What the source gives, as it is to be read; what is run looks otherwise.

    Room for arrays is full of nan, so that nothing is read before it is written.
    """
    namespace = {**program.constants, **program.functions, "empty": empty}
    exec(program.source.replace("np.empty(", "empty("), namespace)
    views, run = namespace["views"], namespace["program"]
    gradient = np.empty(len(numbers))
    with np.errstate(all="ignore"):
        return run(rows, views(np.array(numbers, dtype=float)), views(gradient)), gradient


def empty(shape, dtype=float):
    array = np.full(shape, np.nan)
    return array.astype(dtype) if dtype is float else np.random.default_rng(0).random(shape) < 0.5


# Users' own primitives, of one, two and three inputs.
cube = primitive("cube", lambda x: x * x * x, lambda z, x: (3 * x * x,))
hypot = primitive(
    "hypot", lambda x, y: autograd.sqrt(x * x + y * y + 1), lambda z, x, y: (x / z, y / z)
)
mixed = primitive(
    "mixed", lambda x, y, c: x * y + autograd.sin(c), lambda z, x, y, c: (y, x, autograd.cos(c))
)
ONE = {
    "exp": lambda v, r: v.tanh().exp(),
    "log": lambda v, r: (v * v + 1.0).log(),
    "sqrt": lambda v, r: (v * v + 0.5).sqrt(),
    "sin": lambda v, r: v.sin(),
    "cos": lambda v, r: v.cos(),
    "tanh": lambda v, r: v.tanh(),
    "sigmoid": lambda v, r: v.sigmoid(),
    "softplus": lambda v, r: v.softplus(),
    "neg": lambda v, r: -v,
    "pos": lambda v, r: +v,
    "relu": lambda v, r: smooth(v, r).relu(),
    "abs": lambda v, r: abs(smooth(v, r)),
    "step": lambda v, r: autograd.step(smooth(v, r)),
    "cube": lambda v, r: cube(v.tanh()),
}
ONE |= {
    name: lambda v, r, f=f: f(v)
    for name, f in vars(autograd.functions).items()
    if name in autograd.__all__
    and name not in ONE
    and list(inspect.signature(f).parameters) == ["x"]
}
TWO = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: autograd.tanh(a) * b,
    "/": lambda a, b: autograd.sin(a) / (autograd.cos(b) + 2.0),
    "**": lambda a, b: (autograd.cos(a) + 1.5) ** (b if type(b) is float else b.tanh()),
    "hypot": hypot,
}
MANY = {"sum": autograd.sum, "max": autograd.max, "logsumexp": autograd.logsumexp}


def smooth(v, r):
    """``v`` itself, if it is a leaf; else away from where rounding alone decides a kink's side."""
    shift = r.uniform(0.1, 0.9)
    return v if v.op == "" else v + shift


def grow(r, leaves, size):
    """All nodes of a graph that the seed alone decides: no number has a say in its structure."""
    pool = list(leaves)

    def pick():
        return r.choice(pool[-6:] if r.random() < 0.5 else pool)

    def number_or_node():
        return r.choice([0.5, -1.25, 2.0, 1.0, 0.0, 3.0]) if r.random() < 0.2 else pick()

    for _ in range(size):
        kind = r.choice(["one", "one", "two", "two", "many", "where", "mixed", "dot", "affine"])
        d = r.randint(1, 4)
        vector = [pick(), *[number_or_node() for _ in range(d - 1)]]
        r.shuffle(vector)
        if kind == "one":
            new = [ONE[r.choice(list(ONE))](pick(), r)]
        elif kind == "two":
            operands = [pick(), number_or_node()]
            r.shuffle(operands)
            new = [TWO[r.choice(list(TWO))](*operands)]
        elif kind == "many":
            name = r.choice(list(MANY))
            if name == "max":
                vector = [smooth(v, r) if isinstance(v, Value) else v for v in vector]
            new = [MANY[name](vector)]
        elif kind == "where":
            new = [autograd.where(smooth(pick(), r), number_or_node(), number_or_node())]
        elif kind == "mixed":
            new = [mixed(pick().tanh(), number_or_node(), number_or_node())]
        elif kind == "dot":
            w = [number_or_node() for _ in vector]
            pair = [w, vector] if r.random() < 0.5 else [vector, w]
            new = [autograd.dot(*pair, number_or_node() if r.random() < 0.5 else None)]
        else:
            rows = range(r.randint(1, 3))
            pool_of_weights = leaves if r.random() < 0.6 else pool
            theta = [[r.choice(pool_of_weights) for _ in vector] for _ in rows]
            new = autograd.affine(theta, vector, [pick() for _ in rows] if d > 2 else None)
        squashed = r.random()
        pool += [v.sin() if squashed < 0.3 or kind in ("dot", "affine") else v for v in new]
    return pool


class RandomGraph:
    """A graph from a seed: a few leaves of each kind, some unused, and one root or several."""

    MOST = (3, 4, 2)  # inputs, parameters, constants

    def __init__(self, seed):
        r = random.Random(seed)
        self.counts = [r.randint(0, most) for most in self.MOST]
        if sum(self.counts) == 0:
            self.counts[r.randrange(3)] = 1
        self.size, self.structure = r.randint(0, 14), r.random()
        self.roots = r.choice([1, 1, 1, 2, 3])
        self.numbers = [self.draw(r) for _ in range(self.counts[1])]
        self.constants = [self.draw(r) for _ in range(self.counts[2])]
        b = r.choice([1, 2, 4])
        self.rows = [[self.draw(r) for _ in range(self.counts[0])] for _ in range(b)]

    @staticmethod
    def draw(r):
        return float(r.randint(-1, 1)) if r.random() < 0.15 else r.gauss(0.0, 1.0)

    def __call__(self, inputs, parameters):
        r = random.Random(self.structure)
        pool = grow(r, [*inputs, *parameters, *values(*self.constants)], self.size)
        return [pool[-1], *[r.choice(pool) for _ in range(self.roots - 1)]]
