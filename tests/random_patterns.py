"""Random graphs of what people write in scalars: sums of products, recurrences, shared weights.

As in `random_graphs` the seed alone decides the structure. Steps of a recurrence are equal because
each is made anew from the same seed; some recurrences have one step that is not.
"""

import itertools
import operator
import random
from functools import reduce

from random_graphs import ONE, RandomGraph, grow, values

import autograd
from autograd import Value

NUMBERS = [0.5, -1.25, 2.0, 1.0, 0.0, 3.0, -1.0]


class Pattern:
    """What the patterns choose from: the nodes so far, and the leaves, for weights."""

    def __init__(self, r, pool, leaves):
        self.r, self.pool, self.leaves = r, pool, leaves

    def pick(self):
        return self.r.choice(self.pool[-6:] if self.r.random() < 0.5 else self.pool)

    def number_or(self, value):
        return self.r.choice(NUMBERS) if self.r.random() < 0.15 else value

    def vector(self, n):
        """Nodes: some leaves in a row or backwards, new nodes of one kind, or any, also twice."""
        r, way = self.r, self.r.random()
        if way < 0.4 and n <= len(self.leaves):
            start = r.randint(0, len(self.leaves) - n)
            return self.leaves[start : start + n][:: r.choice([1, 1, -1])]
        if way < 0.7:
            seed, name = r.random(), r.choice(list(ONE))
            return [ONE[name](self.pick(), random.Random(seed)) for _ in range(n)]
        return [self.pick() for _ in range(n)]

    def matrix(self, rows, columns):
        """Weights: leaves row by row, over and over, or anywhere, with numbers; or by columns."""
        r = self.r
        if r.random() < 0.25:
            return transposed(self.matrix(columns, rows))
        entries = [self.number_or(r.choice(self.leaves)) for _ in range(rows * columns)]
        if r.random() < 0.7:
            start = r.randrange(len(self.leaves))
            around = itertools.cycle(self.leaves)
            entries = [*itertools.islice(around, start, start + rows * columns)]
        return [entries[i * columns :][:columns] for i in range(rows)]

    def product(self):
        """A term of a sum: mostly a product of two."""
        v, kind = self.pick(), self.r.choice(["two"] * 5 + ["three", "square", "minus", "alone"])
        if kind == "alone":
            return v
        other = v if kind == "square" else self.number_or(self.pick())
        z = v * other if self.r.random() < 0.5 else other * v
        return {"three": z * v, "minus": -z}.get(kind, z)

    def total(self, terms):
        """Their sum, one way or another."""
        return self.r.choice([*WAYS.values()])(terms, self)

    def inner(self):
        """A way to write ``sum w_i x_i (+ b)``: as a node, or with ``+`` and ``*``."""
        way = self.r.choice([*WAYS.values()])

        def written(w, x, b=None):
            a = way([p * q for p, q in zip(w, x, strict=True)], self)
            return a if b is None else a + b

        return autograd.dot if self.r.random() < 0.3 else written


WAYS = {
    "builtin": lambda terms, _: sum(terms),
    "start": lambda terms, g: sum(terms, g.number_or(g.pool[0])),
    "chain": lambda terms, _: reduce(operator.add, terms),
    "right": lambda terms, _: reduce(lambda s, v: v + s, terms[::-1]),
    "node": lambda terms, _: autograd.sum(terms),
    "minus": lambda terms, _: reduce(operator.sub, terms),
    "halves": lambda terms, _: sum(terms[: len(terms) // 2]) + sum(terms[len(terms) // 2 :]),
    "tree": lambda terms, _: tree(terms),
}


def tree(terms):
    half = len(terms) // 2
    return tree(terms[:half]) + tree(terms[half:]) if half else terms[0]


def transposed(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def sums(g):
    """Sums of products; some products stand in two sums, or twice in one; some sums are reused."""
    terms = [g.product() for _ in range(g.r.randint(1, 6))]
    if g.r.random() < 0.2:
        terms.append(g.r.choice(terms))
    a = g.total(terms)
    if g.r.random() < 0.3:
        return [*itertools.accumulate(terms)]
    if g.r.random() < 0.3:
        return [a, g.total([a, g.r.choice(terms), a * g.pick()])]
    if g.r.random() < 0.3:
        return [a, g.total(g.r.sample(terms, g.r.randint(1, len(terms))))]
    return [a]


def layer(g):
    """A matrix times a vector, or times two; perhaps its transpose times the result."""
    rows, columns, inner = g.r.randint(1, 4), g.r.randint(1, 5), g.inner()
    theta = g.matrix(rows, columns)
    bias = g.vector(rows) if g.r.random() < 0.5 else [None] * rows
    found = []
    for _ in range(g.r.choice([1, 1, 2])):
        x = g.vector(columns)
        a = [inner(w, x, b) for w, b in zip(theta, bias, strict=True)]
        if g.r.random() < 0.3:
            z = [v.tanh() for v in a]
            a = [inner(w, z) for w in transposed(theta)]
        found += a
    return found


def uneven(g):
    """Sums of products of more and more terms, as in causal attention."""
    n, inner = g.r.randint(2, 5), g.inner()
    w, x = g.vector(n), g.vector(n)
    ends = g.r.choice([range(1, n + 1), range(n, 0, -1), [g.r.randint(1, n) for _ in range(3)]])
    return [inner(w[:i], x[:i]) for i in ends]


def convolution(g):
    """Weights slid over a vector, a maximum or a mean of what they give."""
    r, inner = g.r, g.inner()
    width, stride, n = r.randint(1, 3), r.choice([1, 1, 2]), r.randint(3, 7)
    x, bias, shift = g.vector(n), g.pick(), r.uniform(0.1, 0.9)
    found = []
    for w in g.matrix(r.randint(1, 2), width):
        a = [inner(w, x[i : i + width], bias) for i in range(0, n - width + 1, stride)]
        found.append([(v + shift).relu() for v in a] if r.random() < 0.5 else a)
    if r.random() < 0.3:
        return [autograd.max([v + i / 7 for i, v in enumerate(row)]) for row in found]
    return [g.total(row) for row in found] if r.random() < 0.3 else [*itertools.chain(*found)]


def attention(g):
    """Positions with the same weights, and a softmax over them."""
    r, inner, d, n = g.r, g.inner(), g.r.randint(1, 3), g.r.randint(2, 4)
    tokens = [[v.sin() for v in g.vector(d)] for _ in range(n)]
    q, k, v = ([[inner(w, x) for w in W] for x in tokens] for W in (g.matrix(d, d) for _ in "qkv"))
    found, causal = [], r.random() < 0.5
    for t in range(n):
        end = t + 1 if causal else n
        scores = [inner(q[t], k[s]) / d**0.5 for s in range(end)]
        e = [s.exp() for s in scores]
        z = sum(e)
        p = [v / z for v in e]
        if r.random() < 0.1:
            p = [(s - autograd.logsumexp(scores)).exp() for s in scores]
        found += [sum(p_s * row[j] for p_s, row in zip(p, v, strict=False)) for j in range(d)]
    return found


def distances(g):
    """All pairs of two vectors."""
    x, y, w = g.vector(g.r.randint(1, 3)), g.vector(g.r.randint(1, 3)), g.pick()
    d2 = [[(p - q) * (p - q) for q in y] for p in x]
    kernel = [[(-v / (w * w + 1.0)).exp() for v in row] for row in d2]
    return [g.total(row) for row in g.r.choice([kernel, transposed(kernel), d2])]


def elimination(g):
    """A system of equations is solved, the diagonal being large."""
    n = g.r.randint(2, 4)
    A = [[v.sin() for v in g.vector(n)] for _ in range(n)]
    y = g.vector(n)
    for i in range(n):
        A[i][i] = A[i][i] + 4.0
    for k in range(n):
        for i in range(k + 1, n):
            f = A[i][k] / A[k][k]
            A[i] = [*A[i][: k + 1], *[a - f * b for a, b in zip(A[i], A[k], strict=True)][k + 1 :]]
            y[i] = y[i] - f * y[k]
    return [*y, sum((A[k][k] * A[k][k]).log() for k in range(n))]


def grid(g):
    """Each cell from those above and to the left, as in dynamic programming."""
    x, y, soft = g.vector(g.r.randint(2, 4)), g.vector(g.r.randint(2, 4)), g.r.random() < 0.5
    R = {}
    for (i, p), (j, q) in itertools.product(enumerate(x), enumerate(y)):
        before = [R[at] for at in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if at in R]
        R[i, j] = (p - q) * (p - q)
        if before:
            shifted = [v + k / 7 for k, v in enumerate(before)]  # no two are tied
            R[i, j] = R[i, j] + (autograd.logsumexp(before) if soft else autograd.max(shifted))
    return g.r.choice([[R[len(x) - 1, len(y) - 1]], [*R.values()]])


# A step: the next state from the last one, what is shared by all steps, and what is this step's.
def any_step(s, state, shared, x):
    pool = grow(s, [*state, *shared, *x], s.randint(1, 4))
    return [v.tanh() if s.random() < 0.5 else v.sin() for v in pool[-len(state) :]]


def logistic(s, state, shared, x):
    return [shared[0].sigmoid() * 3.0 * v * (1 - v) for v in state]


def cell(s, state, shared, x):
    inner = Pattern(s, [*state, *shared], shared).inner()
    w = [[s.choice(shared) for _ in state] for _ in state]
    if s.random() < 0.6:
        w = [(shared * 9)[i : i + len(state)] for i in range(0, len(state) ** 2, len(state))]
    given = sum(u * v for u, v in zip(shared, x, strict=False))
    return [(inner(row, state) + given).tanh() for row in w]


def gated(s, state, shared, x):
    f = (shared[0] * state[-1] + sum(x)).sigmoid()
    return [f * v + (1 - f) * shared[-1].tanh() for v in state]


def branch(s, state, shared, x):
    shift, slope = s.uniform(0.1, 0.9), s.choice([0.5, 2.0])
    return [autograd.where(v + shift, slope * v + sum(x), shared[0] - v).sin() for v in state]


def largest(s, state, shared, x):
    shift = s.uniform(0.1, 0.9)
    return [autograd.max([v.sin() + shift, shared[0] * v, *x]).tanh() for v in state]


def leapfrog(s, state, shared, x):
    *places, speed = state
    speed = speed - 0.1 * shared[0] * sum(v.sin() for v in places or [speed])
    return [*[v + 0.1 * speed for v in places], speed]


def running(s, state, shared, x):
    w, v = itertools.cycle(shared), itertools.cycle([*x, shared[0]])
    return [a + next(w) * next(v) for a in state]


def register(s, state, shared, x):
    return [(shared[0] * state[-1] + sum(x, state[0])).tanh(), *state[:-1]]


STEPS = [
    any_step, any_step, any_step, logistic, cell, cell, gated, branch, largest, leapfrog, running,
    register,
]  # fmt: skip


def recurrence(g):
    """Equal steps, perhaps with inputs or constants of their own, perhaps with one that differs."""
    r, T, d = g.r, g.r.choice([2, 3, 5, 8, 12]), g.r.randint(1, 3)
    step, seed = r.choice(STEPS), r.random()
    shared = [r.choice(g.leaves) for _ in range(r.randint(1, 4))]
    state = [r.choice([g.pick(), Value(0.5), Value(0.0)]) for _ in range(d)]
    if step is logistic:  # outside of 0 and 1 it leaves all bounds
        state = [v.sigmoid() for v in state]
    inputs, around = r.choice([0, 0, 1, 2]), itertools.cycle(g.leaves)
    constant = r.choice(
        [lambda t: None, lambda t: None, lambda t: 0.25, lambda t: t / 8, lambda t: r.gauss(0, 1)]
    )
    odd = r.randrange(T) if r.random() < 0.3 else None
    how = r.choice(["another step", "others shared", "swapped", "halved", "shifted"])
    states = []
    for t in range(T):
        differs = how if t == odd else ""
        state = step(
            random.Random(seed + (differs == "another step")),
            state[::-1] if differs == "swapped" else state,
            shared[::-1] if differs == "others shared" else shared,
            [*itertools.islice(around, inputs)],
        )
        if differs == "halved":
            state = [v * 0.5 for v in state]
        c = 1.0 if differs == "shifted" else constant(t)
        if c is not None and step is not logistic:
            state = [state[0] + c, *state[1:]]
        states.append(state)
    last = [row[-1] for row in states]
    return r.choice(RESULTS)(g, states, last)


# What is done with the states of all steps, and the last entry of each.
RESULTS = [
    lambda g, states, last: states[-1],
    lambda g, states, last: [*itertools.chain(*states)],
    lambda g, states, last: [*g.r.choice(states), *states[-1]],
    lambda g, states, last: [g.total(last)],
    lambda g, states, last: [g.inner()(last, g.vector(len(last)))],
    lambda g, states, last: [autograd.max([v + i / 7 for i, v in enumerate(last)])],
    lambda g, states, last: [squares(last, g.vector(len(last)))],
]


def squares(x, y):
    return sum((v - w) ** 2 for v, w in zip(x, y, strict=True))


def twice(g):
    """A recurrence that begins with what a layer gives, or another recurrence."""
    first = [v.tanh() for v in g.r.choice([layer, recurrence, convolution])(g)]
    return recurrence(Pattern(g.r, first, g.leaves))


def passes(g):
    """Two loops over the same leaves: where they say so, the state stays as it was."""
    T, shared, found = g.r.choice([8, 9, 10]), g.r.sample(g.leaves, min(2, len(g.leaves))), []
    mask = [*itertools.islice(itertools.cycle(g.leaves), T)]
    for squash in g.r.sample([lambda v: v.tanh(), lambda v: v.sin()], 2):
        h = g.pick().sin()
        for m in mask:
            new = squash(shared[0] * h + shared[-1])
            h = autograd.where(m + 0.05, new, h)
        found.append(h)
    return found


PATTERNS = [
    sums, sums, layer, layer, uneven, convolution, attention, distances, elimination, grid,
    recurrence, recurrence, recurrence, recurrence, twice, passes,
]  # fmt: skip


class PatternGraph(RandomGraph):
    """A graph of one to three patterns, with other nodes around them."""

    MOST = (8, 12, 2)

    def __call__(self, inputs, parameters):
        r = random.Random(self.structure)
        pool = leaves = [*inputs, *parameters, *values(*self.constants)]
        for _ in range(r.choice([1, 1, 2, 3])):
            pool = grow(r, pool, r.randint(0, 2))
            new = r.choice(PATTERNS)(Pattern(r, pool, leaves))
            squash = r.choice([*SQUASH, None])
            pool += [(squash or r.choice(SQUASH))(v) for v in new if isinstance(v, Value)]
        return [pool[-1], *[r.choice(pool) for _ in range(self.roots - 1)]]


SQUASH = [lambda v: v, lambda v: v.sin(), lambda v: v.tanh()]
