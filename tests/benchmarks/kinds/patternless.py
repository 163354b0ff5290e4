"""A graph without any pattern: no two nodes are of one kind for a reason."""

import random

from .kind import Kind


def random_graph(nodes: int = 6000, inputs: int = 4, parameters: int = 10) -> Kind:
    """So many nodes, each computed from one or two of the fifty before it."""

    def grown(leaves):
        r, pool = random.Random(0), list(leaves)
        ends = set(range(len(pool)))  # those that nothing is computed from yet: they are added up
        while len(pool) + len(ends) < nodes + len(leaves):
            i, j = (r.randrange(max(0, len(pool) - 50), len(pool)) for _ in "ij")
            a, b, kind = pool[i], pool[j], r.randrange(7)
            if kind < 3:
                new = (a + b, a - b, a * b)[kind]
                ends.discard(j)
            else:
                new = (a.sin, a.tanh, a.sigmoid, a.cos)[kind - 3]()
            ends.discard(i)
            ends.add(len(pool))
            pool.append(new)
        return sum(pool[i] for i in sorted(ends))

    def record(x, theta):
        return grown([*x, *theta])

    def twin(x, theta):
        return grown([*x.unbind(1), *theta.unbind()])

    return Kind(
        lambda rng, b: [rng.normal(size=(b, inputs))],
        lambda rng: [rng.normal(size=parameters)],
        record,
        twin,
    )
