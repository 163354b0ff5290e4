"""Any graph: its program gives what it gives, and both what mpmath gives with 50 digits.

350 random graphs by default, every second one of patterns that people write, every fifth one
against mpmath. 100,000 with

    CHALKGRAD_LONG=1 python -m pytest tests/test_random_graphs.py -n 2
"""

import os
from types import SimpleNamespace
from unittest import mock

import mpmath
import numpy as np
import pytest
import random_patterns
from random_graphs import RandomGraph, assert_same, by_graph, record
from random_patterns import PatternGraph

from autograd import Value, topological_order
from autograd.compiler import numpy as printer
from autograd.primitives import SIGMOID, TABLE
from tests.cases import many

LONG = bool(os.environ.get("CHALKGRAD_LONG"))
GRAPHS = 100_000 if LONG else 350
PARTS = 5  # odd: each has both kinds with wide layers and without
EXACT = 5  # of so many graphs one is compared with mpmath

mp = mpmath.mp.clone()
mp.dps = 50


def maximum(x, y):
    return x if x > y else mp.mpf(y)


MP = SimpleNamespace(
    exp=mp.exp, log=mp.log, log1p=lambda x: mp.log(1 + x), sqrt=mp.sqrt, sin=mp.sin, cos=mp.cos,
    tanh=mp.tanh, erf=mp.erf, erfc=mp.erfc, abs=abs, pow=mp.power, sum=mp.fsum, maximum=maximum,
    where=lambda c, a, b: a if c > 0 else b, step=lambda x: mp.mpf(x > 0), max=max,
)  # fmt: skip
MP.sigmoid = SIGMOID.on(MP)[0]


def mixed_partials(z, x):
    return ((x[1], x[0], mp.cos(x[2])),)


# Value and partial derivatives of the generator's own primitives, by symbol.
OWN = {
    "cube": (lambda x: x**3, lambda z, x: (3 * x**2,)),
    "hypot": (lambda x, y: mp.sqrt(x * x + y * y + 1), lambda z, x, y: (x / z, y / z)),
    "mixed": (lambda x: x[0] * x[1] + mp.sin(x[2]), mixed_partials),
}


def flat(arguments):
    return [v for x in arguments for v in (x if isinstance(x, tuple) else (x,))]


def exactly(graph):
    """Outputs of all rows and the gradient of their sum, with 50 digits."""
    outputs, gradient = [], [mp.mpf(0)] * len(graph.numbers)
    for row in graph.rows:
        _, parameters, roots = record(graph, row, graph.numbers)
        seen = set()
        order = [v for root in roots for v in topological_order(root, seen)]
        z, partials, d = {}, {}, dict.fromkeys(order, mp.mpf(0))
        for node in order:
            if node.primitive is None:
                z[node] = mp.mpf(node.data)
                continue
            value, slopes = OWN.get(node.op) or node.primitive.on(MP)
            given = tuple(
                tuple(z.get(v, v) for v in x) if isinstance(x, tuple) else z.get(x, x)
                for x in node.arguments
            )
            z[node] = value(*given)
            partials[node] = slopes(z[node], *given)
        for root in roots:
            d[root] += 1
        for node in filter(partials.get, reversed(order)):
            for x, slopes in zip(node.arguments, partials[node], strict=True):
                # A bias stands behind w: the slopes of x have a place for it, x has none.
                pairs = zip(x, slopes, strict=False) if isinstance(x, tuple) else [(x, slopes)]
                for v, slope in pairs:
                    if isinstance(v, Value):
                        d[v] += d[node] * slope
        outputs.append([z[root] for root in roots])
        gradient = [g + d.get(p, 0) for g, p in zip(gradient, parameters, strict=True)]
    return np.array(outputs, dtype=float), np.array(gradient, dtype=float)


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, PARTS))]
)
def test_any_graph(part):
    seeds = range(part, GRAPHS, PARTS)
    for seed in seeds[: many(len(seeds))]:
        wide = printer.WIDE if seed % 2 else 1  # what is laid out as a wide layer's product
        kind = PatternGraph if seed // PARTS % 2 else RandomGraph
        try:
            graph = kind(seed)
            with mock.patch.object(printer, "WIDE", wide):
                assert_same(graph, np.reshape(graph.rows, (len(graph.rows), -1)), graph.numbers)
            if seed // PARTS % EXACT == 0:
                outputs, gradient, size = by_graph(graph, graph.rows, graph.numbers)
                exact = exactly(graph)
                np.testing.assert_allclose(outputs, exact[0], rtol=1e-12, atol=1e-12 * size)
                np.testing.assert_allclose(gradient, exact[1], rtol=1e-12, atol=1e-12 * size)
        except Exception as error:
            raise AssertionError(f"{kind.__name__}({seed})") from error


def test_random_graphs_have_everything():
    graphs = [RandomGraph(seed) for seed in range(200)]
    recorded = [(g, *record(g, g.rows[0], g.numbers)) for g in graphs]
    nodes = [v for *_, roots in recorded for root in roots for v in topological_order(root)]
    assert {v.primitive for v in nodes} >= set(TABLE)
    assert {v.op for v in nodes} >= {"cube", "hypot", "mixed"}
    leaf_roots = [(v in i, v in p) for _, i, p, roots in recorded for v in roots if not v.op]
    assert set(leaf_roots) == {(True, False), (False, True), (False, False)}
    assert {len(roots) for *_, roots in recorded} == {1, 2, 3}
    assert {len(g.rows) for g in graphs} == {1, 2, 4}


@pytest.mark.slow
def test_patterns_have_everything(monkeypatch):
    used = set()

    def noted(name, f):
        return lambda *arguments: (used.add(name), f(*arguments))[1]

    expected = set()
    for choices in ("PATTERNS", "STEPS", "RESULTS"):
        found = getattr(random_patterns, choices)
        names = [f"{choices}[{i}]" for i in range(len(found))]
        monkeypatch.setattr(random_patterns, choices, [*map(noted, names, found)])
        expected |= {*names}
    graphs = [PatternGraph(seed) for seed in range(400)]
    recorded = [record(g, g.rows[0], g.numbers) for g in graphs]
    assert used == expected
    sizes = [len(topological_order(roots[0])) for *_, roots in recorded]
    assert max(sizes) > 250 and np.mean(sizes) > 40
    # Equal steps: recorded again, the same seed gives the same graph.
    again = [record(g, g.rows[0], g.numbers) for g in graphs]
    assert sizes == [len(topological_order(roots[0])) for *_, roots in again]
