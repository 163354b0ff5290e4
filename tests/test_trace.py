"""The evaluation trace: the published table, the engine's numbers, and what is shown of them."""

import math
import operator
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import autograd
from autograd import Value, dot, grad, topological_order, trace, where
from autograd.show.notation import digits
from tests.cases import examples

INF, NAN = math.inf, math.nan
MINUS = "\N{MINUS SIGN}"


def baydin(x1=None, x2=None):
    """f = ln x1 + x1 x2 - sin x2 at (2, 5), labelled as in the paper."""
    x1 = Value(2.0, label="v-1") if x1 is None else x1
    x2 = Value(5.0, label="v0") if x2 is None else x2
    v1, v2, v3 = x1.log(), x1 * x2, x2.sin()
    v4 = v1 + v2
    v5 = v4 - v3
    for v, label in zip((v1, v2, v3, v4, v5), ("v1", "v2", "v3", "v4", "v5"), strict=True):
        v.label = label
    return v5


def table(root):
    return {row[0]: row for row in trace(root).rows}


def as_float(text):
    return float(text.replace(MINUS, "-"))


# ------------------------------------------------------------------------------- what it computes


def test_the_values_of_the_published_table():
    """Baydin, Pearlmutter, Radul and Siskind (2018), table 3, left."""
    published = {
        "v-1": 2, "v0": 5, "v1": 0.693, "v2": 10, "v3": -0.959, "v4": 10.693, "v5": 11.652,
    }  # fmt: skip
    rows = table(baydin())
    assert rows.keys() == published.keys()
    for name, value in published.items():
        assert as_float(rows[name][3]) == pytest.approx(value, rel=5e-4)


def test_the_adjoints_of_the_published_table():
    """The same, right: of v-1 and v0 what they are in the end."""
    published = {"v-1": 5.5, "v0": 1.716, "v1": 1, "v2": 1, "v3": -1, "v4": 1, "v5": 1}
    rows = table(baydin())
    for name, adjoint in published.items():
        assert as_float(rows[name][7]) == pytest.approx(adjoint, rel=5e-4)


def test_the_value_and_the_derivative_of_table_2():
    """By the forward mode, dy/dx1 = 5.5."""
    rows = table(baydin())
    assert (rows["v5"][3], rows["v-1"][7]) == ("11.65", "5.5")


def test_a_row_says_how():
    f = baydin(Value(2.0, label="x"), Value(5.0, label="y"))
    assert trace(f).rows == [
        ("x", "", "", "2", "x̄", "v̄2 × ∂v2/∂x + v̄1 × ∂v1/∂x", "1 × 5 + 1 × 0.5", "5.5"),
        ("v1", "log(x)", "log(2)", "0.6931", "v̄1", "v̄4 × ∂v4/∂v1", "1 × 1", "1"),
        ("y", "", "", "5", "ȳ", "v̄3 × ∂v3/∂y + v̄2 × ∂v2/∂y", f"({MINUS}1) × 0.2837 + 1 × 2",
         "1.716"),
        ("v2", "x * y", "2 * 5", "10", "v̄2", "v̄4 × ∂v4/∂v2", "1 × 1", "1"),
        ("v4", "v1 + v2", "0.6931 + 10", "10.69", "v̄4", "v̄5 × ∂v5/∂v4", "1 × 1", "1"),
        ("v3", "sin(y)", "sin(5)", f"{MINUS}0.9589", "v̄3", "v̄5 × ∂v5/∂v3", f"1 × ({MINUS}1)",
         f"{MINUS}1"),
        ("v5", "v4 - v3", f"10.69 - ({MINUS}0.9589)", "11.65", "v̄5", "", "", "1"),
    ]  # fmt: skip


SMOOTH = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": lambda x, y: x / (1.5 + y * y),
    "power": lambda x, y: (x * x + 1) ** y.sin(),
    "reflected": lambda x, y: 2 / (2 - x.cos()) - y,
    "sin": lambda x, y: x.sin(),
    "tanh": lambda x, y: (x + y).tanh(),
    "sigmoid": lambda x, y: y.sigmoid(),
    "sum": lambda x, y: autograd.sum([x, y, x, 1.0]),
    "dot": lambda x, y: dot([x, y], [y, 0.5], x),
    "logsumexp": lambda x, y: autograd.logsumexp([x, y, 1.0]),
    "max": lambda x, y: autograd.max([x, y]),
    "where": lambda x, y: where(x, y, 2.0),
}
operation = st.tuples(st.sampled_from(sorted(SMOOTH)), st.integers(0, 100), st.integers(0, 100))
recipe = st.lists(operation, min_size=1, max_size=10)
anything = st.floats(-3, 3) | st.sampled_from([0.0, -0.0, 1e200, INF, -INF, NAN])


def build(leaves, recipe):
    nodes = list(leaves)
    for name, i, j in recipe:
        nodes.append(SMOOTH[name](nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]))
    return nodes[-1]


@examples(120)
@given(st.tuples(*[st.floats(-2, 2)] * 3), recipe)
def test_the_adjoints_of_the_leaves_are_those_of_grad(point, recipe):
    leaves = [Value(x, label=f"x{i}") for i, x in enumerate(point)]
    root = build(leaves, recipe)
    assume(all(abs(v.data) < 1e3 for v in topological_order(root)))
    rows = table(root)
    size = max(abs(as_float(row[7])) for row in rows.values())
    for leaf, d in zip(leaves, grad(lambda *x: build(x, recipe))(*point), strict=True):
        shown = as_float(rows[leaf.label][7]) if leaf.label in rows else 0.0
        assert abs(shown - d) <= 5.1e-4 * abs(d) + 1e-12 * size


@examples(120)
@given(st.tuples(anything, anything, anything), recipe)
def test_every_row_has_the_numbers_of_the_engine(point, recipe):
    root, twin = (build([Value(x) for x in point], recipe) for _ in range(2))
    twin.backward()
    rows = [(row[3], row[7]) for row in trace(root).rows]
    assert rows == [(digits(v.data), digits(v.grad)) for v in topological_order(twin)]


@examples(60)
@given(st.tuples(anything, anything, anything), recipe, anything)
def test_no_gradient_is_read_or_changed(point, recipe, left_over):
    root, twin = (build([Value(x) for x in point], recipe) for _ in range(2))
    order = topological_order(root)
    for v in order:
        v.grad = left_over
    shown = trace(root)
    assert (repr(shown), shown._repr_html_()) == (repr(trace(twin)), trace(twin)._repr_html_())
    assert {v.grad.hex() for v in order} == {left_over.hex()}


def test_the_table_is_of_the_moment_it_was_made():
    x = Value(2.0, label="x")
    shown = trace(x * x)
    before = repr(shown)
    x.data, x.label = 7.0, "y"
    assert repr(shown) == before


def test_the_root_s_adjoint_is_1():
    for root in (baydin(), Value(3.0), Value(NAN, label="x") * INF):
        root.grad = 5.0
        assert trace(root).rows[-1][5:] == ("", "", "1")


def test_a_leaf_alone():
    assert trace(Value(3.0, label="x")).rows == [("x", "", "", "3", "x̄", "", "", "1")]
    assert trace(Value(3.0)).rows[0][0] == "v1"


def test_a_value_that_no_longer_follows_from_its_inputs_is_pointed_out():
    x = Value(2.0, label="x")
    root = x * x + 1.0
    x.data = 3.0
    assert [row[1:4] for row in trace(root).rows] == [
        ("", "", "3"), ("x * x", "3 * 3 (changed since)", "4"), ("v1 + 1", "4 + 1", "5"),
    ]  # fmt: skip
    assert trace(root).rows[0][6:] == ("1 × 2 + 1 × 2", "4")  # as it was recorded
    x.data = 2.0
    assert "changed" not in repr(trace(root))


@pytest.mark.slow
@examples(120)
@given(st.tuples(anything, anything, anything), recipe)
def test_otherwise_nothing_is_said_to_have_changed(point, recipe):
    assert "changed" not in repr(trace(build([Value(x) for x in point], recipe)))


def test_numbers_that_are_not_finite():
    x = Value(0.0, label="x")
    rows = table(x.log() * Value(INF, label="y") + Value(NAN, label="z"))
    assert [rows[name][3] for name in ("x", "v1", "y", "v2", "z")] == [
        "0", f"{MINUS}inf", "inf", f"{MINUS}inf", "nan",
    ]  # fmt: skip
    assert rows["x"][6:] == ("inf × inf", "inf")
    assert rows["y"][6:] == (f"1 × ({MINUS}inf)", f"{MINUS}inf")


def test_a_long_sum_over_the_uses_is_shortened_and_counted():
    x = Value(2.0, label="x")
    row = trace(autograd.sum([x] * 30)).rows[0]
    assert row[5] == (
        "v̄1 × ∂v1/∂x (input 1) + v̄1 × ∂v1/∂x (input 2) + v̄1 × ∂v1/∂x (input 3) + … 26 more … + "
        "v̄1 × ∂v1/∂x (input 30)"
    )
    assert row[6:] == ("1 × 1 + 1 × 1 + 1 × 1 + … 26 more … + 1 × 1", "30")


@pytest.mark.parametrize("root", [3.0, None, "x", [Value(1.0)]], ids=repr)
def test_a_root_that_is_no_value_is_a_type_error(root):
    with pytest.raises(TypeError, match=f"root must be a Value, got {type(root).__name__}"):
        trace(root)


# ----------------------------------------------------------------------------------- as text


def plain(text):
    """One character per column: without accents, and with a filler after wide characters."""
    return "".join(
        c + "~" * (unicodedata.east_asian_width(c) in "WF")
        for c in text
        if not unicodedata.combining(c)
    )


def equations(row):
    return [f"= {t}" if t and i % 4 else t for i, t in enumerate(row)]


def starts(line, cells):
    """At which column each of the cells that are not empty begins, in a line that is these."""
    found, at = {}, 0
    for i, cell in enumerate(map(plain, cells)):
        if cell:
            at += len(line[at:]) - len(line[at:].lstrip(" "))
            assert line.startswith(cell, at)
            found[i] = at
            at += len(cell)
    assert at == len(line)
    return found


def columns(shown):
    """Where each column begins, if it does so in the same place in all lines."""
    head, *lines = map(plain, repr(shown).splitlines())
    assert len(lines) == len(shown.rows)
    found = {(0, head.index("forward, downward")), (4, head.index("backward, upward"))}
    for line, row in zip(lines, shown.rows, strict=True):
        found |= set(starts(line, equations(row)).items())
    assert len(found) == len(dict(found))
    return [at for _, at in sorted(found)]


@examples(60)
@given(st.tuples(anything, anything, anything), recipe)
def test_columns_are_aligned(point, recipe):
    labels = ["x", "y", "\N{GREEK SMALL LETTER THETA}1[0,0]"]  # ȳ is one character, x̄ is two
    shown = trace(
        build([Value(x, label=label) for x, label in zip(point, labels, strict=True)], recipe)
    )
    at = columns(shown)
    assert at == sorted(set(at))
    assert not any(line.endswith(" ") for line in repr(shown).splitlines())


def test_columns_are_aligned_where_a_label_is_long_or_has_an_accent_of_its_own():
    x = Value(1.0, label="e\N{COMBINING ACUTE ACCENT}t\N{LATIN SMALL LETTER E WITH ACUTE}")
    y = Value(2.0, label="long " * 20)
    assert len(columns(trace(x * y + x))) == 8


def test_columns_are_aligned_where_characters_are_wide():
    x, y = Value(1.0, label="変数"), Value(2.0, label="\N{FULLWIDTH LATIN SMALL LETTER X}y")
    assert len(columns(trace((x * y + x).exp()))) == 8


@pytest.mark.parametrize("label", ["", "x", "abc", "a label that is longer than the head"])
def test_columns_are_aligned_for_a_leaf_alone(label):
    shown = trace(Value(2.0, label=label))
    assert len(columns(shown)) == 4
    assert repr(shown).splitlines()[0].split("  ")[0] == "forward, downward"


@pytest.mark.parametrize("label", ["two\nlines", "\x00", "a\u2028b", "\ud800"], ids=ascii)
def test_a_label_stays_on_its_line_and_can_be_written_out(label):
    shown = trace(Value(1.0, label=label).exp())
    assert len(repr(shown).splitlines()) == 3
    assert (repr(shown) + shown._repr_html_()).encode()


def chain(n):
    """A graph of n nodes."""
    v = Value(1.0, label="x")
    for _ in range(n - 1):
        v = -v
    return v


@pytest.mark.parametrize("n", [1, 200, 201, 202, 1_000, 1_234])
def test_a_long_trace_is_shown_without_its_middle(n):
    shown = trace(chain(n))
    assert len(shown.rows) == n
    lines = repr(shown).splitlines()[1:]
    gap, left_out = None, 0
    for i, line in enumerate(lines):
        if m := re.fullmatch("… ([0-9,]+) more …", line):
            gap, left_out = i, int(m[1].replace(",", ""))
    if n <= 200:
        assert gap is None and len(lines) == n
        return
    assert gap == 100
    assert len(lines) == 201
    assert left_out + 200 == n
    for line, row in zip(
        lines[:100] + lines[101:], shown.rows[:100] + shown.rows[-100:], strict=True
    ):
        starts(plain(line), equations(row))


@pytest.mark.slow
def test_thousands_that_are_left_out_are_written_with_a_comma():
    shown = trace(chain(2_000))
    assert "… 1,800 more …" in repr(shown)
    assert "… 1,800 more …" in shown._repr_html_()


# ----------------------------------------------------------------------------------- as HTML


class Page(HTMLParser):
    """The tags in a piece of HTML, and the texts of its cells by row."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.rows = set(), [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        assert self.open[-1] in ("td", "th")
        self.rows[-1][-1] += data


TAGS = {"table", "thead", "tbody", "tr", "th", "td"}


def test_the_html_has_all_the_cells():
    shown = trace(baydin())
    page = Page(shown._repr_html_())
    assert page.tags == TAGS
    assert page.rows[0] == ["forward, downward", "backward, upward"]
    assert page.rows[1:] == [equations(row) for row in shown.rows]


HOSTILE = [
    "<script>",
    "</td></tr></table><b>",
    "<img src=x onerror=alert(1)>",
    "a & b &lt; c &amp;",
    "\" onclick='x'",
    "<!--",
    "{0} %s \\",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_is_shown_as_text(label):
    shown = trace(Value(2.0, label=label) * Value(3.0, label="y"))
    page = Page(shown._repr_html_())
    assert page.tags == TAGS
    assert page.rows[1][0] == label
    assert page.rows[1:] == [equations(row) for row in shown.rows]
    assert label in page.rows[3][1]
    assert repr(shown).splitlines()[1].startswith(label)


def test_the_symbol_of_a_primitive_is_shown_as_text():
    bold = autograd.primitive("<b>", lambda x: x, lambda z, x: (1.0,))
    page = Page(trace(bold(Value(1.0, label="x")))._repr_html_())
    assert page.tags == TAGS
    assert page.rows[2][1] == "= <b>(x)"


def test_a_long_trace_in_html():
    shown = trace(chain(1_000))
    _, *rows = Page(shown._repr_html_()).rows
    assert len(rows) == 201
    assert rows[100][0] == "… 800 more …"
    assert all(len(row) == 8 for row in rows)
    assert rows[:100] == [equations(row) for row in shown.rows[:100]]
    assert rows[101:] == [equations(row) for row in shown.rows[-100:]]
