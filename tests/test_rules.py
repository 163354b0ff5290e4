"""The algebra of programs: every rule shows in a line of source, and changes no number."""

import re

import numpy as np
import pytest

import autograd
from autograd import Value, compiler
from autograd.compiler import lowering, rules
from autograd.compiler.expressions import Arithmetic
from autograd.compiler.structure import Kept
from nn import MLP, categorical_nll


def relu(w, u, x):
    return (w * x).relu()


def logsumexp(w, u, x):
    return autograd.logsumexp([w * x, u * x])


def surprise(w, u, x):
    return categorical_nll([w * x, u * x], [Value(1.0, label="y"), Value(0.0, label="y")])


# For each rule, by its pattern: a graph, and the line of its source that is another without it.
LINES = {
    "add(x, x)": (lambda w, u, x: (lambda v: v + v)(w * x), "v2 = 2.0 * v1"),
    "add(x, neg(y))": (lambda w, u, x: w * x + -(u * x).sin(), "v3 = v1[0:1] - v2"),
    "add(maximum(neg(x), 0.0), log1p(y))": (
        lambda w, u, x: (-(w * x)).softplus(), "v2 = np.log1p(e) - np.minimum(v1, 0.0)"),
    "mul(1.0, x)": (
        relu, "d_w[:] = (np.sign(v2) * x).sum(axis=1, keepdims=True)"),
    "mul(c, x)": (lambda w, u, x: u - w * x, "d_w[:] = -x.sum(axis=1, keepdims=True)"),
    "mul(neg(x), u)": (lambda w, u, x: -(w * x) * u, "v2 = -(v1 * u)"),
    "mul(c, mul(d, x))": (
        lambda w, u, x: (w * x) ** 2 * 2.0,
        "d_w[:] = (4.0 * v1 * x).sum(axis=1, keepdims=True)"),
    "div(neg(x), u)": (lambda w, u, x: -(w * x) / u, "v2 = -(v1 / u)"),
    "div(x, 1.0)": (lambda w, u, x: w * x / 1.0, "v2 = v1"),
    "neg(neg(x))": (lambda w, u, x: -(-(w * x)), "return v1[0]"),  # noqa: B002
    "abs(neg(x))": (lambda w, u, x: abs(-(w * x)), "v2 = np.abs(v1)"),
    "pow(x, 1.0)": (
        lambda w, u, x: (w * x) ** 2, "d_w[:] = (2.0 * v1 * x).sum(axis=1, keepdims=True)"),
    "sum(neg(x), k)": (
        lambda w, u, x: autograd.sum([-(w * x), -(u * x)]),
        "v2 = -v1.sum(axis=0, keepdims=True)"),
    "sum(div(x, sum(x, k)), k)": (
        surprise, "d_a_y = np.broadcast_to(-1.0, (1, len(batch)))"),
    "sum(where(q, x, 0.0), k)": (
        logsumexp, "t2 = e.sum(axis=0, keepdims=True, where=t1) + "
                   "((~t1).sum(axis=0, keepdims=True) - 1.0)"),
    "greater(sub(u, v), 0.0)": (logsumexp, "t1 = top > v1"),
    "greater(neg(x), 0.0)": (
        lambda w, u, x: abs(w * x),
        "t1 = np.where(v1 > 0.0, 1.0, np.where(v1 < 0.0, -1.0, v2)) * x"),
    "where(q, 1.0, 0.0)": (
        lambda w, u, x: autograd.step(w * x), "v2 = (v1 > 0.0).astype(float)"),
    "where(q, 0.0, 1.0)": (
        logsumexp, "t2 = e.sum(axis=0, keepdims=True, where=t1) + "
                   "((~t1).sum(axis=0, keepdims=True) - 1.0)"),
    "where(q, mul(where(q, u, 0.0), v), 0.0)": (
        lambda w, u, x: autograd.where(x, (w * x).sin() * u, u),
        "d_w[:] = np.where(t1, u * np.cos(v1) * x, 0.0).sum(axis=1, keepdims=True)"),
    "where(q, mul(float(q), u), 0.0)": (
        lambda w, u, x: autograd.where(x, w * x, u),
        "d_w[:] = np.where(t1, x, 0.0).sum(axis=1, keepdims=True)"),
    "or(q, not(q))": (
        lambda w, u, x: (lambda v: autograd.where(x, v.sin(), v.cos()))(w * x),
        "d_w[:] = (d_v1 * x).sum(axis=1, keepdims=True)"),
    "where(greater(x, 0.0), 1.0, y)": (
        relu, "d_w[:] = (np.sign(v2) * x).sum(axis=1, keepdims=True)"),
    "where(greater(x, 0.0), 1.0, exp(neg(abs(x))))": (
        lambda w, u, x: (w * x).sigmoid(), "v2 = np.exp(np.minimum(v1, 0.0)) / t1"),
    "where(less(x, 0.0), 1.0, exp(neg(abs(x))))": (
        lambda w, u, x: (-(w * x)).sigmoid(), "v2 = np.exp(-np.maximum(v1, 0.0)) / t1"),
}  # fmt: skip


def program_of(build):
    w, u, x = Value(1.5, label="w"), Value(-0.5, label="u"), Value(0.5, label="x")
    return autograd.compile(build(w, u, x), [x], [w, u])


def use_rules(rules, monkeypatch):
    monkeypatch.setattr(lowering, "RULES", rules)
    monkeypatch.setattr(compiler, "_kept", Kept())  # no program made with other rules


def lines_of(program):
    return {line.split("  #")[0].strip() for line in program.source.splitlines()}


def test_every_rule_has_a_line():
    assert [repr(pattern) for pattern, _ in rules.RULES] == list(LINES)


@pytest.mark.parametrize("pattern", LINES)
def test_a_rule_shows_in_the_source_and_changes_no_number(pattern, monkeypatch):
    build, line = LINES[pattern]
    program = program_of(build)
    assert line in lines_of(program)
    use_rules([rule for rule in rules.RULES if repr(rule[0]) != pattern], monkeypatch)
    without = program_of(build)
    assert line not in lines_of(without)
    batch = np.array([[0.5], [-2.0], [0.0], [700.0]])
    for a, b in zip(program(batch), without(batch), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_without_any_rule_the_numbers_are_the_same(monkeypatch):
    net = MLP(3, [4, 3], "softplus", rng=np.random.default_rng(0))
    x, y = [Value(0.5) for _ in range(3)], [Value(float(j == 0)) for j in range(3)]
    root = categorical_nll(net(x), y)
    program = autograd.compile(root, x + y, net.parameters())
    use_rules([], monkeypatch)
    plain = autograd.compile(root, x + y, net.parameters())
    assert len(plain.source) > len(program.source)
    batch = np.hstack([np.random.default_rng(1).normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 1, 0]]])
    for a, b in zip(program(batch), plain(batch), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def test_variables_stand_for_what_their_kind_allows():
    m = Arithmetic(rules.rewriting(tuple(rules.RULES)))
    x = m.name("x", (2, "b"))
    for u in (m.name("u", (2, "b")), m.exp(x), 3.0):  # u is anything
        assert repr(-x / u) == f"neg(div(x, {u!r}))"
    assert repr(1.0 - x) == "sub(1.0, x)"
    assert repr(m.make("add", 1.0, 1.0)) == "add(1.0, 1.0)"  # the x of x + x is an array
    assert repr(m.choose(m.make("greater", 1.0, x), 1.0, 0.0)) == "greater(1.0, x)"
    assert repr(m.make("where", x, 1.0, 0.0)) == "where(x, 1.0, 0.0)"  # and q a condition


@pytest.mark.parametrize("move", ["rows", "reshape", "full"])
def test_a_condition_moved_elsewhere_is_one(move):
    m = Arithmetic(rules.rewriting(tuple(rules.RULES)))
    condition = m.name("x", (2, 1)) > 0.0
    moved = getattr(m, move)(condition, range(1) if move == "rows" else (1, 2))
    assert moved.is_condition
    assert repr(m.exp(moved)) == f"exp(float({moved!r}))"


def test_a_slice_is_not_given_a_name():
    source = program_of(lambda w, u, x: (w * x).sin() * (w * x) + (u * x).cos()).source
    assert not re.search(r"^ *\w+ = v1\[0:1\]", source, re.MULTILINE)
    assert source.count("v1[0:1]") > 1


def test_products_are_matched_in_both_orders():
    for build in (lambda w, u, x: u * -(w * x), lambda w, u, x: -(w * x) * u):
        assert "v2 = -(v1 * u)" in lines_of(program_of(build))


def test_powers_of_two_come_together_only_where_the_result_is_ordinary():
    program = program_of(lambda w, u, x: (w * x) ** 2 * 2.0**1023)
    assert program([[0.5]])[1][0] == 2.0**1023 * 0.75  # 2 times 2**1023 is infinite
    assert "8.98846567431158e+307 * (2.0 * v1)" in program.source
