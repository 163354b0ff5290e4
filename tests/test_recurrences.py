"""A recurrence is a loop: equal steps print as one `for`, and their numbers are those of the graph.

Each test compares a program with the graph, row by row, and looks at a line of its source.
"""

import math
import re

import numpy as np
import pytest
from random_graphs import assert_same, by_source, only_compiled, program_of
from random_patterns import PatternGraph

import autograd
from autograd import Value, primitive
from autograd.compiler.levels import LATE
from autograd.compiler.recurrences import PERIOD, STEPS

LOOP = re.compile(r"^    for t in (\w+)\((\d+), (\d+)\):$", re.MULTILINE)


def loops(program):
    """Those of the forward pass: from which step to which one."""
    return [(int(a), int(b)) for kind, a, b in LOOP.findall(program.source) if kind == "range"]


def steps(program):
    """How many steps each of its loops has."""
    return [b - a for a, b in loops(program)]


def lines(program):
    return len(program.source.splitlines())


def logistic(T):
    def build(x, p):
        v = x[0]
        for _ in range(T):
            v = p[0] * v * (1 - v)
        return v

    return build


def pendulum(T):
    """By the method of Runge and Kutta; its length is to be learned."""

    def slope(state, length):
        angle, speed = state
        return speed, -9.81 / length * angle.sin()

    def moved(state, k, h):
        return [s + h * d for s, d in zip(state, k, strict=True)]

    def build(x, p):
        state, h, length = [x[0], x[1]], 0.01, p[0].exp()
        for _ in range(T):
            k1 = slope(state, length)
            k2 = slope(moved(state, k1, h / 2), length)
            k3 = slope(moved(state, k2, h / 2), length)
            k4 = slope(moved(state, k3, h), length)
            state = [
                s + h / 6 * (a + 2.0 * b + 2.0 * c + d)
                for s, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
            ]
        return state[0]

    return build


def kalman(T):
    """A filter of one dimension: minus the logarithm of the density of what is seen."""

    def build(x, p):
        mean, variance, loss = Value(0.0), Value(1.0), 0.0
        q, r = p[0].exp(), p[1].exp()
        for t in range(T):
            predicted = variance + q
            s = predicted + r
            gain, error = predicted / s, x[t] - mean
            loss = loss + (s.log() + error * error / s) / 2.0
            mean, variance = mean + gain * error, (1.0 - gain) * predicted
        return loss

    return build


def rnn(T, d=3, n=2):
    def build(x, p):
        U = [p[i * n : i * n + n] for i in range(d)]
        W = [p[n * d + i * d : n * d + i * d + d] for i in range(d)]
        h = [0.0] * d
        for t in range(T):
            h = [
                (autograd.dot(u, x[n * t : n * t + n]) + autograd.dot(w, h)).tanh()
                for u, w in zip(U, W, strict=True)
            ]
        return autograd.sum(h)

    return build


PROGRAMS = {  # as a function of T, with how many inputs and parameters, and how many lines at most
    "logistic map": (logistic, lambda T: 1, 1, 60),
    "pendulum": (pendulum, lambda T: 2, 1, 200),
    "Kalman filter": (kalman, lambda T: T, 2, 135),
    "recurrent network": (rnn, lambda T: 2 * T, 15, 80),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_repeats_is_printed_once_however_often(name):
    build, n, m, most = PROGRAMS[name]
    program = program_of(build(20), n(20), m)
    assert len(steps(program)) == 1 and steps(program)[0] > 15
    longer = only_compiled(build(40), n(40), m)
    assert lines(longer) == lines(program) < most
    assert steps(longer)[0] == steps(program)[0] + 20


def test_a_thousand_steps_of_the_logistic_map_take_less_than_sixty_lines():
    program = program_of(logistic(1000), 1, 1, b=2)
    assert lines(program) < 60
    assert loops(program) == [(1, 1000)]
    assert [(o.op, o.nodes) for o in program.operations][-3:] == [
        ("*", 999), ("-", 999), ("*", 999),
    ]  # fmt: skip
    assert "for t in reversed(range(1, 1000)):" in program.source


def test_a_loop_needs_six_steps():
    # One step stands before the loop.
    assert steps(program_of(logistic(STEPS + 1), 1, 1)) == [STEPS]
    assert steps(program_of(logistic(STEPS), 1, 1)) == []


def test_arrays_that_only_a_step_needs_are_not_kept():
    def build(x, p):
        v = x[0]
        for _ in range(10):
            v = v + (v * 0.5 + 1.0) * p[0]
        return v

    program = program_of(build, 1, 1)
    assert steps(program) == [9]
    # Of a step, the backward pass needs what p[0] is multiplied by, and the states no one.
    assert program.source.count("np.empty((10, 1, len(batch)))") == 2


# Steps that differ


@pytest.mark.parametrize("at", [0, 1, 4, 10, 18, 19])
@pytest.mark.parametrize("change", ["constant", "primitive", "wiring", "sign of zero", "label"])
def test_a_step_that_differs_in_one_place_is_not_one_of_the_loop(at, change):
    def build(x, p):
        before, v = x[0], x[0].sin()
        for t in range(20):
            odd = t == at
            a = v * (2.0 if change == "constant" and odd else 0.5)
            a = a.cos() if change == "primitive" and odd else a.sin()
            a = a + (before if change == "wiring" and odd else v) * p[0]
            a = a + (0.0 if change == "sign of zero" and odd else -0.0)
            if change == "label" and odd:
                a.label = "odd"
            before, v = v, a
        return v

    assert sum(steps(program_of(build, 1, 1))) >= 10 or 6 < at < 14


def test_constants_of_each_step_are_an_array():
    def build(x, p):
        v = x[0]
        for t in range(12):
            v = (v * (0.1 * t) + p[0]).sin()
        return v

    program = program_of(build, 1, 1)
    assert steps(program) == [11]
    assert [array.shape for array in program.constants.values()] == [(11, 1)]


def test_inputs_and_parameters_of_each_step_are_arrays():
    def build(x, p):
        v = x[0]
        for t in range(12):
            v = (v * x[t] + p[t]).sin() * p[12]
        return v

    program = program_of(build, 12, 13)
    assert steps(program) == [11]
    assert "batch[:, 1:12]" in program.source
    assert "flat[1:12" in program.source


def test_a_layer_whose_weights_and_inputs_are_others_at_each_step():
    def build(x, p):
        v, w = x[0], [(q * 2.0).sin() for q in p]
        for t in range(12):
            v = autograd.dot([0.5, w[t % 3]], [v, x[t % 2].cos()]).sin()
        return v

    program = program_of(build, 2, 3)
    assert steps(program)
    assert " @ " in program.source.split("    for t in")[1]


def test_steps_that_read_another_input_in_no_order_are_a_loop_too():
    def build(x, p):
        v = x[0]
        for t in (3, 1, 1, 2, 0, 3, 3, 2, 1, 0):
            v = (v * x[t] + p[t]).sin()
        return v

    assert steps(program_of(build, 4, 4)) == [9]


def test_two_inputs_that_vary_in_the_same_way():
    def build(x, p):
        u, v = x[0], x[1]
        for t in range(10):
            given = x[t % 3].sin()
            u, v = (u + v * given).tanh(), (v + u + given).sin() + given
        return [u, v]

    assert steps(program_of(build, 3, 0, b=1)) and steps(program_of(build, 3, 0))


def test_a_network_whose_layers_have_weights_of_their_own_stays_as_it_is():
    def build(x, p):
        z = x
        for l in range(10):
            z = [autograd.dot(p[4 * l + 2 * j : 4 * l + 2 * j + 2], z).tanh() for j in range(2)]
        return autograd.sum(z)

    assert steps(program_of(build, 2, 40)) == []


# What a loop reads, and what reads it


def test_a_state_of_several_numbers_and_of_several_steps_before():
    def build(x, p):
        a, b, c = x[0], x[1], x[1].sin()
        for _ in range(15):
            a, b, c = (a * p[0] + c).sin(), a, (b - p[1] * c).cos()
        return [a * b, c]

    assert steps(program_of(build, 2, 2))


def test_all_rows_of_one_step_are_an_entry_of_the_stack():
    program = program_of(rnn(9), 18, 15)
    assert loops(program) == [(1, 8)]
    assert re.search(r"^    v\d+ = v1\[.*\] \+ v\d+\[7\]  #", program.source, re.MULTILINE)
    assert re.search(r"^    d_v\d+\[7\] \+= ", program.source, re.MULTILINE)


@pytest.mark.parametrize("back", [2, 3, 5])
def test_steps_that_read_what_was_some_steps_ago(back):
    def build(x, p):
        v = [x[i].sin() for i in range(back)]
        for _ in range(20):
            v.append((v[-1] * p[0] + v[-back]).sin())
        return [v[-1], v[-2]]

    program = program_of(build, back, 1)
    assert steps(program)
    assert f"[t - {back}]" in program.source


def test_nodes_in_the_middle_may_be_results_or_be_read_later():
    def build(x, p):
        v = [x[0]]
        for _ in range(14):
            v.append((v[-1] * p[0]).sin())
        return [v[5], v[9], v[14] + v[7] * v[8], autograd.sum(v[2:12]), v[0], v[1]]

    assert steps(program_of(build, 1, 1))


def test_all_states_at_once():
    def build(x, p):
        v = [x[0].sin()]
        for _ in range(14):
            v.append((v[-1] * p[0]).sin())
        return autograd.sum([a.exp() for a in v])

    program = program_of(build, 1, 1)
    # Those of the last steps could not wait for long, and are not part of the loop.
    assert max(o.nodes for o in program.operations if o.op == "exp") > 10
    assert program.operations[-1].op == "sum"


def test_losses_of_all_steps_are_computed_together_after_the_loop():
    def build(x, p):
        v, losses = x[0], []
        for t in range(LATE + 6):
            v = (v * p[0] + x[t]).sin()
            losses.append((v - 1.0) ** 2)
        return autograd.sum(losses)

    program = program_of(build, LATE + 6, 1)
    for op in ("-", "**"):
        assert max(o.nodes for o in program.operations if o.op == op) == LATE + 4
    assert len(steps(program)) == 1


def test_two_recurrences_one_after_the_other():
    def build(x, p):
        v = x[0]
        for _ in range(10):
            v = (v * p[0]).sin()
        for _ in range(12):
            v = v + (v * p[1]).exp() * 0.1
        return v

    assert steps(program_of(build, 1, 2)) == [9, 12]


def test_two_recurrences_side_by_side():
    def build(x, p):
        u, v = x[0], x[1]
        for _ in range(10):
            u, v = (u * p[0]).sin(), (v + p[1]).cos()
        return u * v

    assert len(steps(program_of(build, 2, 2))) == 1


def test_a_recurrence_over_the_states_of_a_recurrence():
    def build(x, p):
        v, states = x[0], []
        for _ in range(10):
            v = (v * p[0]).sin()
            states.append(v)
        u = x[1]
        for a in reversed(states):
            u = (u * a + p[1]).cos()
        w = u
        for a in states:
            w = (w * a + p[1]).tanh()
        return w

    program = program_of(build, 2, 2)
    assert sum(steps(program)) > 20


def test_a_recurrence_of_parameters_alone_does_not_depend_on_the_batch():
    def build(x, p):
        v = p[0]
        for _ in range(10):
            v = (v * p[1]).sin() + v
        return v * x[0]

    program = program_of(build, 1, 2)
    assert steps(program) == [9] or steps(program) == [10]
    assert "np.empty((10, 1, 1))" in program.source
    assert {o.varies for o in program.operations[:-1]} == {False}


def test_a_state_that_begins_with_parameters_or_numbers_and_then_varies():
    def build(x, p):
        a, b = p[0], 0.5
        for t in range(12):
            a, b = (a * x[t] + b).sin(), (p[1] * a - 0.25 * x[0]).cos()
        return a * b

    assert steps(program_of(build, 12, 2))


def test_what_is_the_same_in_all_steps_is_computed_once_before_the_loop():
    def build(x, p):
        v = x[0]
        for _ in range(10):
            v = (v * p[0].exp() + x[1].sin()).sin()
        return v

    program = program_of(build, 2, 1)
    before = program.source.split("    for t in")[0]
    assert "np.exp(" in before and "np.sin(" in before
    assert [o.nodes for o in program.operations if o.op == "exp"] == [1]


def test_parts_of_an_expression_that_are_the_same_in_all_steps_come_before_the_loop():
    def build(x, p):
        v = x[0].exp()
        for _ in range(10):
            v = (v + 1.0) ** p[0]
        return v

    program = assert_same(build, [[0.5], [-1.0]], [0.5])
    before, loop = program.source.split("    for t in reversed(range(")
    assert " - 1.0" in before.split("# backward")[1]
    assert " - 1.0" not in loop.split("    d_theta")[0]


def test_own_primitives_and_vectors_in_a_loop():
    cube = primitive("cube", lambda x: x * x * x, lambda z, x: (3 * x * x,))
    mixed = primitive("mixed", lambda x, y: x * y + 1.0, lambda z, x, y: (y, x))

    def build(x, p):
        u, v = x[0], x[1]
        for _ in range(10):
            u, v = mixed(u.sin(), p[0]), autograd.logsumexp([cube(u.cos()), v, p[1]]) - 1.0
        return u + v

    program = program_of(build, 2, 2)
    assert steps(program)
    loop = program.source.split("    for t in")[1]
    assert "cube(" in loop and "mixed(" in loop


def test_layers_over_several_vectors_in_a_loop():
    def build(x, p):
        z = [x[:2], x[2:]]
        for _ in range(8):
            z = [[(v[0] * p[0] + v[1] * p[1] + w * p[2]).tanh() for w in v] for v in z]
            z = [[autograd.dot(p[3 * j : 3 * j + 2], v).sin() for j in range(2)] for v in z]
        return autograd.sum(z[0] + z[1])

    assert steps(program_of(build, 4, 6))


def test_long_steps_are_found_and_too_long_ones_are_left_as_they_are():
    def chain(length):
        def build(x, p):
            v = x[0]
            for _ in range(STEPS + 1):
                for k in range(length):  # no shorter period
                    v = v.sin() if k % 7 == 3 or k == 1 else (v * p[0]).cos()
            return v

        return build

    assert steps(only_compiled(chain(12), 1, 1))
    assert steps(only_compiled(lambda x, p: chain(PERIOD + 9)(x, p), 1, 1)) != [STEPS]


# Branches


def test_a_branch_that_is_not_taken_poisons_nothing():
    def build(x, p):
        v = x[0]
        for _ in range(10):
            v = autograd.where(v, (v * p[0]).log(), (v - 1.0).exp() * p[1])
        return v

    # log of what is below 0 is nan where it is not taken, and 1/0 is its partial at 0.
    program = assert_same(build, [[1.5], [-2.0], [0.0], [3.0]], [1.5, 0.5])
    assert steps(program)
    assert np.isfinite(program([[1.5], [-2.0], [0.0]])[1]).all()


def test_a_step_that_no_gradient_reaches_gives_none_even_at_infinity():
    def build(x, p):
        v, w = x[0], p[0]
        for _ in range(9):
            v = autograd.where(x[1], v * 0.5 + w, (v * w).sqrt() + 1.0 / (v - v))
        return v

    program = assert_same(build, [[1.0, 1.0], [2.0, 1.0]], [0.5])
    assert steps(program)
    assert np.isfinite(program([[1.0, 1.0]])[1]).all()
    assert_same(build, [[1.0, -1.0], [2.0, 1.0]], [0.5])


@pytest.mark.parametrize("outside", ["computed", "layer"])
def test_what_is_read_from_outside_in_no_branch_taken_gets_no_gradient(outside):
    def build(x, p):
        w = [v.sqrt() for v in p]  # at 0 the slope is infinite
        u = v = x[0]
        for _ in range(9):
            used = v * w[0] if outside == "computed" else autograd.dot(w, [u, v])
            u, v = v, autograd.where(x[1], v * 0.5 + 1.0, used)
        return v

    program = assert_same(build, [[1.0, 1.0], [2.0, 1.0]], [0.0, 0.0])
    assert steps(program)
    assert program([[1.0, 1.0], [2.0, 1.0]])[1].tolist() == [0.0, 0.0]
    assert_same(build, [[1.0, -1.0], [2.0, 1.0]], [0.25, 4.0])


def test_an_infinite_state_that_is_chosen_away_at_the_end():
    def build(x, p):
        v, u = x[0], x[0]
        for _ in range(12):
            v, u = v * v * 8.0 + p[0], (u * p[0]).sin() + 0.1
        return autograd.where(x[1], v, u)

    rows = [[1e30, -1.0], [0.1, 1.0], [-5.0, -1.0]]
    program = assert_same(build, rows, [0.25])
    assert steps(program)
    assert np.isfinite(program(rows[:1])[1]).all()


def test_maxima_in_a_loop():
    def build(x, p):
        u, v = x[0], x[1]
        for t in range(10):
            u, v = autograd.max([u * p[0], v + 0.1, p[1]]), abs(v - u).relu() + 0.3 * x[t % 2]
        return [u, autograd.max([u, v])]

    assert steps(program_of(build, 2, 2, b=5))


def test_steps_and_conditions_alone_have_no_gradient():
    def build(x, p):
        v = x[0]
        for _ in range(10):
            v = autograd.step(v - 0.5)
        return v + p[0]

    program = program_of(build, 1, 1)
    assert program([[1.0], [0.0]])[1].tolist() == [2.0]


# Names


def test_the_label_of_all_steps_is_the_name_in_the_loop():
    def build(x, p):
        h = x[0]
        for t in range(10):
            h = (h * p[0]).sin()
            h.label = f"h{t}"
        return h

    program = program_of(build, 1, 1)
    assert re.search(r"^        h\[t\] = np.sin\(", program.source, re.MULTILINE)


def test_other_labels_in_each_step_have_no_name():
    def build(x, p):
        h = x[0]
        for t in range(10):
            h = (h * p[0]).sin()
            h.label = "abcdefghij"[t]
        return h

    assert lines(program_of(build, 1, 1)) > 10


# Batches


@pytest.mark.parametrize("build", [logistic(20), pendulum(8)])
def test_no_rows_and_many_rows(build):
    program = only_compiled(build, 2 if build.__qualname__.startswith("pend") else 1, 1)
    n = len(program.inputs)
    for b in (0, 1, 2, 300):
        batch = np.abs(np.random.default_rng(b).normal(size=(b, n))) * 0.3
        losses, gradient = program(batch, [0.7])
        ones = [program(row[None], [0.7]) for row in batch]
        np.testing.assert_allclose(losses, [float(a[0]) for a, _ in ones], rtol=1e-12)
        total = np.sum([d for _, d in ones], axis=0) if ones else np.zeros(1)
        np.testing.assert_allclose(gradient, total, rtol=1e-11)
        np.testing.assert_array_equal(program.forward(batch, [0.7]), losses)


def test_an_overflow_in_the_middle_is_that_of_the_graph():
    program = assert_same(logistic(30), [[3.0], [0.5]], [4.0])
    assert program.forward([[3.0]]).tolist() == [-math.inf]


def test_two_loops_over_the_same_leaves_read_them_each_for_itself():
    """The first loop must not read what only the second one computes."""
    a, b, x = [Value(v) for v in (0.5, 0.3, 0.7)]
    mask = [Value(v) for v in (1.0, 0.0) * 4]
    h = x * 1.0
    for m in mask:
        h = autograd.where(m, (a * h + 1.0).tanh(), h)
    q = h.exp()
    for m in mask:
        q = autograd.where(m, (b * q).sin(), q)
    program = autograd.compile(q, [*mask, x], [a, b])
    assert len(LOOP.findall(program.source)) == 2
    rows = np.random.default_rng(0).integers(0, 2, (50, 9)).astype(float)
    each = [program(row[None]) for row in rows]
    for losses, gradient in (program(rows), by_source(program, rows, [0.5, 0.3])):
        np.testing.assert_allclose(losses, [loss[0] for loss, _ in each], rtol=1e-13)
        np.testing.assert_allclose(gradient, sum(d for _, d in each), rtol=1e-12)


def test_a_constant_is_no_node_with_the_same_number():
    def build(x, p):
        square, v, total = x[0] * x[0], x[0], 0.0
        for t in range(9):
            v = v + (1.0 if t == 7 else square)  # which is 1.0 where it is recorded
            total = total + v
        return (total * p[0]).sin()

    assert_same(build, [[-1.0], [0.5]], [0.7])


@pytest.mark.parametrize("seed", [52990, 32798])
def test_what_the_longer_run_has_found(seed):
    """A constant for a node of the same number; steps that do not vary after one that does."""
    graph = PatternGraph(seed)
    assert_same(graph, np.reshape(graph.rows, (len(graph.rows), -1)), graph.numbers)
