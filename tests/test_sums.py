"""Code written with + and * becomes the program of code written with `dot`; nothing is done twice.

Each idea shows on a line of the source or in the list of operations, and changes no number.
"""

import math
import operator
from functools import reduce
from itertools import chain

import numpy as np
import pytest
from random_graphs import assert_same, numbers, only_compiled, program_of

import autograd
from autograd import Value
from autograd.compiler.shares import SEPARATE
from autograd.compiler.sums import ALIKE, ALONE, LAYER, LONG


def rows_of(p, n, m):
    """A matrix of the first numbers."""
    return [p[i * m : i * m + m] for i in range(n)]


def ops(program):
    return [o.op for o in program.operations]


def lines_of(program):
    return [line.split("  #")[0].strip() for line in program.source.splitlines()]


def dotted(w, x, b):
    return autograd.dot(w, x, b)


WAYS = {
    "builtin sum": lambda w, x, b: sum(p * q for p, q in zip(w, x, strict=True)) + b,
    "started with the bias": lambda w, x, b: sum((p * q for p, q in zip(w, x, strict=True)), b),
    "factors swapped": lambda w, x, b: sum(q * p for p, q in zip(w, x, strict=True)) + b,
    "factors mixed": lambda w, x, b: x[0] * w[0] + w[1] * x[1] + x[2] * w[2] + w[3] * x[3] + b,
    "bias in the middle": lambda w, x, b: w[0] * x[0] + w[1] * x[1] + b + w[2] * x[2] + w[3] * x[3],
    "from the right": lambda w, x, b: (
        w[0] * x[0] + (w[1] * x[1] + (w[2] * x[2] + (w[3] * x[3] + b)))),
    "autograd.sum": lambda w, x, b: autograd.sum([p * q for p, q in zip(w, x, strict=True)]) + b,
    "sums of sums": lambda w, x, b: autograd.sum(
        [w[0] * x[0] + w[1] * x[1], autograd.sum([w[2] * x[2], w[3] * x[3]]), b]),
}  # fmt: skip


def network(inner):
    def build(x, p):
        h = [inner(w, x, b).tanh() for w, b in zip(rows_of(p, 3, 4), p[12:], strict=True)]
        return autograd.sum(h)

    return build


@pytest.mark.parametrize("way", WAYS)
def test_a_layer_reads_as_if_written_with_dot(way):
    program = program_of(network(WAYS[way]), 4, 15)
    assert program.source == only_compiled(network(dotted), 4, 15).source
    assert ops(program) == ["dot", "tanh", "sum"]


def test_the_graph_is_still_counted_as_recorded():
    plain = only_compiled(network(WAYS["builtin sum"]), 4, 15)
    assert plain.graph_size == 4 + 15 + 3 * (4 + 4 + 1 + 1) + 1


def test_two_layers_are_matrix_products_and_so_are_their_gradients():
    def build(x, p):
        z = x
        for theta in (rows_of(p, 3, 3), rows_of(p[9:], 3, 3)):
            z = [sum(w * v for w, v in zip(row, z, strict=True)).tanh() for row in theta]
        return autograd.sum([v * v for v in z])

    program = program_of(build, 3, 18)
    assert program.source.count(" @ ") == 5
    assert ops(program).count("*") == 1  # the squares


def test_products_with_a_label_stay():
    def build(x, p):
        terms = [w * v for w, v in zip(p, x, strict=True)]
        terms[2].label = "third"
        return sum(terms).tanh()

    program = program_of(build, 7, 7)
    assert next((o.name, o.op, o.nodes) for o in program.operations) == ("third", "*", 1)
    assert [(o.op, o.nodes) for o in program.operations][1] == ("dot", 1)
    assert "theta_2 = flat[[[0, 1, 3, 4, 5, 6]]]" in lines_of(program)


def test_a_labelled_sum_keeps_its_name_and_a_labelled_part_of_it_stays():
    def build(x, p):
        first = sum(w * v for w, v in zip(p[:6], x[:6], strict=True))
        first.label = "first"
        whole = first + sum(w * v for w, v in zip(p[6:], x[6:], strict=True))
        whole.label = "whole"
        return whole.tanh()

    program = program_of(build, 12, 12)
    # What builtin sum begins with is gone, and "first" is a node of its own.
    names = [(o.name, o.op) for o in program.operations]
    assert ("first", "dot") in names
    assert ("whole", "+") in names


@pytest.mark.parametrize("used", ["twice", "as root"])
def test_products_and_sums_used_elsewhere_stay(used):
    def build(x, p):
        terms = [w * v for w, v in zip(p, x, strict=True)]
        part = sum(terms[:7])
        whole = part + sum(terms[7:])
        return [whole * terms[0] * part] if used == "twice" else [whole, terms[0], part]

    program = program_of(build, 14, 14)
    found = [(o.op, o.nodes) for o in program.operations]
    assert found[0] == ("*", 1)
    assert "theta_2 = flat[None, 1:7]" in lines_of(program)  # the others of the part
    assert "theta_3 = flat[None, 7:14]" in lines_of(program)
    assert program.source.count(" @ ") == 4


def test_a_product_that_stands_twice_in_one_sum_stays():
    def build(x, p):
        terms = [w * v for w, v in zip(p, x, strict=True)]
        return sum([*terms, terms[2]])

    assert [o.nodes for o in program_of(build, 7, 7).operations if o.op == "*"] == [1]


def test_the_zero_that_the_builtin_sum_begins_with_is_gone():
    program = program_of(lambda x, p: sum([p[i] * x[i] for i in range(8)]), 8, 8)
    assert "0.0" not in program.source
    program = program_of(lambda x, p: sum([v.sin() for v in x]), 3, 0)
    assert "v2 = v1.sum(axis=0, keepdims=True)" in lines_of(program)
    assert "0.0" not in program.source


def test_a_sum_of_zeros_is_the_zero_of_the_graph():
    for build in (one_sum(2), one_sum(6), lambda x, p: sum(x)):
        program = assert_same(lambda x, p, f=build: 1.0 / f(x, p), [[-0.0] * 8] * 2, [1.0] * 8)
        assert program.forward([[-0.0] * 8]) == [math.inf]


def one_sum(n):
    return lambda x, p: sum([p[i] * x[i] for i in range(n)])


@pytest.mark.parametrize(
    ("n", "op"), [(ALONE - 1, "*"), (ALONE, "dot"), (LAYER - 1, "dot"), (LAYER, "dot")]
)
def test_a_sum_alone_is_a_dot_from_four_products_on(n, op):
    assert ops(program_of(one_sum(n), n, n))[0] == op


def test_products_of_several_kinds_are_a_dot_only_as_part_of_a_layer():
    def build(x, p):
        z = [x[0].sin(), x[1].cos(), x[2].exp(), x[3].tanh(), x[4]]
        return sum(w * v for w, v in zip(p, z, strict=True))

    assert "dot" not in ops(program_of(build, 5, 5))

    def layers(x, p):
        z = [x[0].sin(), x[1].cos(), x[2].exp()]
        a = [sum(w * v for w, v in zip(row, z, strict=True)) for row in rows_of(p, 2, 3)]
        return a[0].tanh() * a[1]

    program = program_of(layers, 3, 6)
    assert [(o.op, o.nodes) for o in program.operations if o.op == "dot"] == [("dot", 2)]


def test_one_row_of_weights_over_many_vectors_is_a_layer_too():
    def build(x, p):
        z = [x[i].sin() if i % 2 else x[i].cos() for i in range(6)]
        a = [p[0] * u + p[1] * v for u, v in zip(z[::2], z[1::2], strict=True)]
        return autograd.sum([v.tanh() for v in a])

    assert [(o.op, o.nodes) for o in program_of(build, 6, 2).operations if o.op == "dot"] == [
        ("dot", 3)
    ]


def terms(x):
    return [x.sin(), x.cos(), x.exp(), x.tanh(), 2.0 / x, x - 1.0, abs(x), x.softplus()]


@pytest.mark.parametrize(("n", "op"), [(LONG - 1, "+"), (LONG, "sum")])
def test_a_chain_of_other_terms_is_one_sum_if_it_is_long(n, op):
    program = program_of(lambda x, p: reduce(operator.add, terms(x[0])[:n]), 1, 0)
    assert ops(program)[-1] == op
    sums = [o.nodes for o in program.operations if o.op == op]
    assert sum(sums) == (1 if op == "sum" else n - 1)


@pytest.mark.parametrize(("n", "op"), [(ALIKE - 1, "+"), (ALIKE, "sum")])
def test_a_chain_of_terms_of_one_kind_is_one_sum_sooner(n, op):
    program = program_of(lambda x, p: reduce(operator.add, [v.sin() for v in x[:n]]), 3, 0)
    assert ops(program) == ["sin", op]


def test_constants_are_left_alone():
    def build(x, p):
        c = Value(2.0) * Value(3.0) + Value(4.0) * 5.0
        return x[0] * p[0] + c

    program = program_of(build, 1, 1)
    assert ops(program) == ["*", "+"]
    assert "v2 = v1 + 26.0" in lines_of(program)


# Infinities


def test_terms_are_added_as_they_are_where_they_are_not_finite():
    def build(x, p):
        return sum([p[i] * x[i] for i in range(6)])

    rows = [[math.inf, 1.0, -math.inf, 1.0, 1.0, 1.0], [0.0] * 6, [math.nan, *[1.0] * 5]]
    assert_same(build, rows, [1.0, 2.0, 3.0, 0.0, 1.0, 1.0])


# Equal nodes


def test_equal_nodes_are_computed_once():
    def build(x, p):
        return [(x[0] * p[0]).sin() * (x[0] * p[0]).sin(), (x[0] * p[0]).sin()]

    program = program_of(build, 1, 1)
    assert [(o.op, o.nodes) for o in program.operations] == [("*", 1), ("sin", 1), ("*", 1)]


def test_equal_vectors_make_equal_nodes():
    def build(x, p):
        a = autograd.logsumexp([x[0] * p[0], x[1]])
        return autograd.dot([a, x[0]], p) * autograd.dot([a, x[0]], list(p)) - autograd.logsumexp(
            [x[0] * p[0], x[1]]
        )

    found = [(o.op, o.nodes) for o in program_of(build, 2, 2).operations]
    assert found == [("*", 1), ("logsumexp", 1), ("dot", 1), ("*", 1), ("-", 1)]


def test_constants_make_equal_nodes_only_with_the_same_sign_of_zero():
    def build(x, p):
        return [1.0 / (x[0] * 0.0), 1.0 / (x[0] * -0.0), 1.0 / (x[0] * 0.0), x[0] * Value(0.0)]

    program = assert_same(build, [[1.0], [-1.0]], [])
    assert [(o.op, o.nodes) for o in program.operations] == [("*", 2), ("/", 2)]
    infinite = [[math.inf, -math.inf, math.inf, 0.0], [-math.inf, math.inf, -math.inf, 0.0]]
    assert program.forward([[1.0], [-1.0]]).tolist() == infinite


def test_leaves_with_the_same_number_are_not_equal():
    def build(x, p):
        leaves = [*x, *p, Value(0.5), 0.5]
        return autograd.sum([(v * x[0]).sin() * k for k, v in enumerate(leaves, 1)])

    program = assert_same(build, [[0.5, 0.5], [1.0, 2.0]], [0.5, 0.5])
    assert [o.nodes for o in program.operations] == [2, 2, 1, 5, 1]


def test_nodes_of_other_labels_are_not_equal():
    def build(x, p):
        a, b = x[0].sin(), x[0].sin()
        a.label, b.label = "a", "b"
        return a * b

    assert [(o.name, o.nodes) for o in program_of(build, 1, 0).operations][:1] != [("a", 1)]
    assert [o.nodes for o in program_of(build, 1, 0).operations] == [2, 1]


def test_what_a_sum_became_is_equal_to_what_it_was():
    def build(x, p):
        first, second = (sum(w * v for w, v in zip(p, x, strict=True)) for _ in "ab")
        return first.sin() * second.cos()

    found = [(o.op, o.nodes) for o in program_of(build, 6, 6).operations]
    assert found == [("dot", 1), ("sin", 1), ("cos", 1), ("*", 1)]


def test_neurons_over_equal_vectors_are_one_layer():
    def build(x, p):
        a = [sum(w * (v * 2.0 - 1.0) for w, v in zip(row, x, strict=True)).tanh()
             for row in rows_of(p, 3, 4)]  # fmt: skip
        return autograd.sum(a)

    found = [(o.op, o.nodes) for o in program_of(build, 4, 12).operations]
    assert found == [("*", 4), ("-", 4), ("dot", 3), ("tanh", 3), ("sum", 1)]


def test_neurons_over_zeros_of_other_signs_are_two_layers():
    def build(x, p):
        a = [autograd.dot(p[:2], [zero, x[0]]) for zero in (0.0, -0.0)]
        return [1.0 / v for v in a]

    program = assert_same(build, [[-0.0], [1.0]], [1.0, 2.0])
    assert [(o.op, o.nodes) for o in program.operations] == [("dot", 2), ("/", 2)]


# Weights that are shared


def test_a_transposed_matrix_is_a_view():
    def build(x, p):
        W = rows_of(p, 3, 4)
        h = [autograd.dot(row, x).tanh() for row in W]
        y = [autograd.dot(column, h) for column in zip(*W, strict=True)]
        return autograd.sum([v * v for v in y])

    program = program_of(build, 4, 12)
    assert "v3 = theta.T @ v2" in lines_of(program)
    assert "d_theta[:] += (d_v3 @ v2.T).T" in lines_of(program)
    assert "theta @ d_v3" in program.source
    assert "flat[[" not in program.source and ".T.T" not in program.source
    assert not program.constants


def convolution(x, p):
    kernels = rows_of(p, 2, 3)
    return autograd.sum(
        [sum(w * v for w, v in zip(row, x[i : i + 3], strict=True)).tanh()
         for row in kernels for i in range(len(x) - 2)]
    )  # fmt: skip


def test_a_convolution_is_one_product_over_stacked_columns():
    program = program_of(convolution, 8, 6)
    assert [(o.op, o.nodes) for o in program.operations] == [
        ("dot", 12), ("tanh", 12), ("sum", 1),
    ]  # fmt: skip
    assert "v1 = (theta @ inputs.reshape(3, 6 * len(batch))).reshape(12, len(batch))" in lines_of(
        program
    )
    assert program.source.count(" @ ") == 2


def rnn(T, d=3, n=2, bias=False, first=0.0):
    def build(x, p):
        U, W, b = rows_of(p, d, n), rows_of(p[n * d :], d, d), p[n * d + d * d :]
        h = [first] * d
        for t in range(T):
            given = x[n * t : n * t + n]
            h = [
                (
                    sum(u * v for u, v in zip(U[i], given, strict=True))
                    + sum(w * v for w, v in zip(W[i], h, strict=True))
                    + (b[i] if bias else 0.0)
                ).tanh()
                for i in range(d)
            ]
        return sum(h)

    return build


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("T", [3, 9])
def test_the_inputs_of_a_recurrent_network_are_projected_by_one_product(T, bias):
    program = program_of(rnn(T, bias=bias), 2 * T, 18)
    shape = f"reshape(2, {T} * len(batch))"
    assert program.source.count(f"theta @ inputs.{shape}") == 1
    assert program.source.count(f"inputs.{shape}.T") == 1
    assert ("dot", 3 * T) in [(o.op, o.nodes) for o in program.operations]


def test_weights_of_no_parameters_and_inputs_of_no_batch_are_stacked_too():
    def build(x, p):
        theta = [[v.sin() for v in row] for row in rows_of(p, 2, 2)]
        vectors = [[p[0] * k, p[1] - k] for k in (1.0, 2.0, 3.0)]
        a = [autograd.dot(row, z) for z in vectors for row in theta]
        vectors = [[v * x[0] for v in z] for z in vectors]
        b = [autograd.dot(row, z) for z in vectors for row in theta]
        return [autograd.sum([v.tanh() for v in a]), autograd.sum([v.tanh() for v in b])]

    found = [(o.op, o.nodes, o.varies) for o in program_of(build, 1, 4).operations]
    assert ("dot", 6, False) in found and ("dot", 6, True) in found


def test_layers_with_other_weights_biases_or_widths_are_not_stacked():
    def build(x, p):
        a = [autograd.dot(p[:2], x[:2], p[4]), autograd.dot(p[:2], x[2:], p[5])]
        b = [autograd.dot(p[2:4], x[:2], p[4]), autograd.dot(p[:3], x[:3], p[4])]
        return autograd.sum([v.tanh() for v in a + b])

    dots = [o.nodes for o in program_of(build, 4, 6).operations if o.op == "dot"]
    assert sorted(dots) == [1, 1, 2]


def test_some_positions_of_a_stacked_layer_may_not_be_reached():
    def build(x, p):
        a = [autograd.dot(w, x[i : i + 2], b) for w, b in zip(rows_of(p, 2, 2), p[4:], strict=True)
             for i in range(3)]  # fmt: skip
        a = [autograd.where(v, (v * 2.0).log(), -v) for v in a]
        return autograd.sum([autograd.where(x[0], a[0], a[1]), autograd.max(a[2:])])

    rows = [[1.0, 2.0, 3.0, 4.0], [-1.0, 0.5, 0.25, -3.0], [0.0, 0.0, 0.0, 0.0]]
    assert_same(build, rows, [0.5, -0.25, 1.0, 0.75, 0.1, -0.2])


# Rows that get several shares


def sines(p, x, times):
    return [(w * x).sin() for w, n in zip(p, times, strict=True) for _ in range(n)]


def weighted(times):
    """Each sine so many times, each time with another weight."""

    def build(x, p):
        return autograd.dot([c * x[0] for c in numbers(sum(times))], sines(p, x[1], times))

    return build


def test_even_shares_are_summed_over_an_axis():
    program = program_of(weighted([2] * 3), 2, 3)
    assert ".reshape(3, 2, len(batch)).sum(axis=1)" in program.source

    def scattered(x, p):
        z = [(w * x[1]).sin() for w in p]
        return autograd.dot([c * x[0] for c in numbers(6)], [z[i] for i in (0, 1, 2, 2, 0, 1)])

    assert ".reshape(2, 3, len(batch)).sum(axis=0)" in program_of(scattered, 2, 3).source


def test_uneven_shares_are_sums_one_by_one_or_of_runs():
    few = program_of(weighted(range(1, SEPARATE + 1)), 2, SEPARATE)
    assert "reduceat" not in few.source
    many = program_of(weighted(range(1, SEPARATE + 2)), 2, SEPARATE + 1)
    assert many.source.count("np.add.reduceat(") == 1


@pytest.mark.parametrize("n", [3, SEPARATE + 2])
def test_equal_shares_are_counted(n):
    program = program_of(lambda x, p: autograd.sum(sines(p, x[0], range(1, n + 1))), 1, n)
    assert "reduceat" not in program.source
    inputs = np.array([[0.5], [2.0]])
    at = np.arange(1.0, n + 1) * inputs * np.cos(numbers(n, seed=1) * inputs)
    theta = numbers(n, seed=1)
    np.testing.assert_allclose(program(inputs, theta)[1], at.sum(axis=0), rtol=1e-13)


def test_shares_of_some_examples_are_summed_too():
    def build(x, p):
        v = sines(p, x[0], range(1, SEPARATE + 3))
        return autograd.sum([autograd.where(x[1] - i / 50, a, 0.0) for i, a in enumerate(v)])

    assert_same(build, [[0.5, 1.5], [-0.25, 2.5], [2.0, -1.0]], numbers(SEPARATE + 2))


@pytest.mark.parametrize("build", [convolution, rnn(6), weighted(range(1, 20))])
def test_nothing_is_added_entry_by_entry(build):
    n, m = {convolution: (8, 6)}.get(build, (12, 19))
    program = program_of(build, n, m)
    assert "add.at" not in program.source + program.code
    assert not set(chain.from_iterable(line.split() for line in lines_of(program))) & {"ufunc"}
