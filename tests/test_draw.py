"""The picture of a graph: what is in it, that any label is safe, and what happens without Graphviz.

The pictures are laid out for real, as SVG, and read back: a box is a group of class "node", an
arrow a group of class "edge", and every text in them stands where a reader would see it.
It is pygraphviz that lays them out, as `dot` is hidden from tests: that one has its own test.
"""

import functools
import math
import os
import re
import shutil
import struct
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Drawing, Value, dot, draw, primitive, sin
from autograd.show.layout import lay_out
from tests.cases import examples, expression, for_each

INF, NAN = math.inf, math.nan
MINUS = "\N{MINUS SIGN}"  # as printed in a picture


# ----------------------------------------------------------------------------- reading a picture


@dataclass
class Box:
    """A box of the picture.

    Its texts, those among them in red, its fill as (red, green, blue), how its lines are drawn
    as (shape, width, dashes), and where it begins.
    """

    texts: list[str]
    red: list[str]
    fill: tuple[int, int, int] | None
    look: list[tuple[str, str, str]]
    left: float

    @property
    def head(self):
        """All that stands above the numbers."""
        end = self.texts.index("value") if "value" in self.texts else len(self.texts)
        return "".join(self.texts[:end])

    @property
    def numbers(self):
        return dict(zip(self.texts[-4::2], self.texts[-3::2], strict=True))

    @property
    def dashed(self):
        return any(dashes for _, _, dashes in self.look)


def tag(element):
    return element.tag.split("}")[1]


def rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def is_red(text):
    colour = text.get("fill") or ""
    if not colour.startswith("#"):
        return colour == "red"
    red, green, blue = rgb(colour)
    return red > 2 * max(green, blue)


def shown(text):
    """The text of an element; Graphviz writes some spaces as ones that do not break."""
    return (text.text or "").replace("\N{NO-BREAK SPACE}", " ")


def picture(drawing):
    """Boxes by id, and the arrows as (from, to, text)."""
    boxes, arrows = {}, []
    for group in ET.fromstring(drawing.render("svg")).iter():
        if group.get("class") not in ("node", "edge"):
            continue
        parts = list(group.iter())
        (title,) = [e.text for e in parts if tag(e) == "title"]
        texts = [e for e in parts if tag(e) == "text"]
        if group.get("class") == "edge":
            arrows.append((*title.split("->"), "".join(map(shown, texts)).strip()))
            continue
        shapes = [e for e in parts if tag(e) in ("polygon", "path")]
        fills = [e.get("fill") for e in shapes if (e.get("fill") or "").startswith("#")]
        boxes[title] = Box(
            texts=[shown(e) for e in texts],
            red=[shown(e) for e in texts if is_red(e)],
            fill=rgb(fills[0]) if fills else None,
            look=[
                (tag(e), e.get("stroke-width", ""), e.get("stroke-dasharray", "")) for e in shapes
            ],
            left=min(float(e.get("x")) for e in texts),
        )
    return boxes, arrows


def legend(drawing):
    """What stands below the graph."""
    (graph,) = [e for e in ET.fromstring(drawing.render("svg")) if e.get("class") == "graph"]
    return "\n".join(shown(e) for e in graph if tag(e) == "text").strip()


def title(drawing):
    """What a pointer over the picture, or a screen reader, says it is."""
    return ET.fromstring(drawing.render("svg")).find("{*}g/{*}title").text


def box(drawing, head):
    (found,) = [b for b in picture(drawing)[0].values() if b.head == head]
    return found


def heads(drawing):
    return sorted(b.head for b in picture(drawing)[0].values())


def arrows(drawing):
    """The arrows, with what stands in the boxes at their ends: (from, to, text)."""
    boxes, ends = picture(drawing)
    return sorted((boxes[a].head, boxes[b].head, text) for a, b, text in ends)


def rows(text):
    """The lines of the text form, cut into their columns."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


@pytest.fixture
def f():
    return expression()


def chain(n):
    v = Value(1.0)
    for _ in range(n - 1):
        v = v.sin()
    return v


# ------------------------------------------------------------------------------ what is in it


def test_every_node_is_there_once_with_label_operation_value_and_gradient(f):
    boxes, _ = picture(draw(f))
    assert sorted(
        (b.head, b.numbers["value"], b.numbers["grad"]) for b in boxes.values()
    ) == sorted(
        [
            ("x", "2", "5.5"),
            ("y", "5", "1.716"),
            ("v1 = log(x)", "0.6931", "1"),
            ("v2 = x * y", "10", "1"),
            ("v3 = v1 + v2", "10.69", "1"),
            ("v4 = sin(y)", MINUS + "0.9589", MINUS + "1"),
            ("f = v3 - v4", "11.65", "1"),
        ]
    )
    assert draw(f).size == 7


def test_every_arrow_carries_the_local_derivative(f):
    assert arrows(draw(f)) == sorted(
        [
            ("x", "v1 = log(x)", "0.5"),
            ("x", "v2 = x * y", "5"),
            ("y", "v2 = x * y", "2"),
            ("y", "v4 = sin(y)", "0.2837"),
            ("v1 = log(x)", "v3 = v1 + v2", "1"),
            ("v2 = x * y", "v3 = v1 + v2", "1"),
            ("v3 = v1 + v2", "f = v3 - v4", "1"),
            ("v4 = sin(y)", "f = v3 - v4", MINUS + "1"),
        ]
    )


@for_each(
    "number, text",
    [
        (0.0, "0"),
        (-0.0, MINUS + "0"),
        (1.23456, "1.235"),
        (-1.23456, MINUS + "1.235"),
        (0.000123456, "0.0001235"),
        (123456.0, "1.235e+05"),
        (-1.5e-7, f"{MINUS}1.5e{MINUS}07"),
        (1e300, "1e+300"),
        (INF, "inf"),
        (-INF, MINUS + "inf"),
        (NAN, "nan"),
    ],
)
def test_numbers_have_four_significant_digits_and_may_be_anything(number, text):
    v = Value(number, label="v")
    assert box(draw(v), "v").numbers == {"value": text, "grad": "0"}
    assert rows(str(draw(v)))[1] == ["v", text, "0"]
    v.data, v.grad = 0.0, number
    assert box(draw(v), "v").numbers == {"value": "0", "grad": text}


def test_minus_zero_is_shown_as_that_wherever_it_stands():
    """It is another number: 1 / -0.0 is minus infinity."""
    y = Value(-0.0, label="x") * -0.0
    y.data, y.grad, y.label = -0.0, -0.0, "y"
    drawing = draw(y)
    zero = MINUS + "0"
    assert heads(drawing) == ["x", f"y = x * ({zero})", zero]
    assert box(drawing, f"y = x * ({zero})").numbers == {"value": zero, "grad": zero}
    assert {text for _, _, text in arrows(drawing)} == {"", zero}
    assert rows(repr(drawing))[1:] == [["x", zero, "0"], ["y", f"x * ({zero})", zero, zero]]


def test_a_node_used_twice_by_one_operation_has_two_arrows():
    x = Value(3.0, label="x")
    assert arrows(draw(x * x)) == [("x", "v1 = x * x", "3")] * 2
    assert arrows(draw(autograd.sum([x, x, x]))) == [("x", "v1 = sum", "1")] * 3


def test_a_shared_node_is_one_box():
    x = Value(3.0, label="x")
    y = x * 2.0
    assert draw(y + y.sin()).size == 4
    boxes, ends = picture(draw(y + y.sin()))
    assert len(ends) == 5
    assert len(boxes) == 4 + 1  # and the constant 2


def test_plain_numbers_are_shown_as_constants():
    x = Value(3.0, label="x")
    boxes, ends = picture(draw(2.5 * x - 1))
    constants = {name: b.head for name, b in boxes.items() if "value" not in b.texts}
    assert sorted(constants.values()) == ["1", "2.5"]
    assert {text for a, _, text in ends if a in constants} == {""}
    assert all(boxes[name].fill is None for name in constants), "constants have no gradient"


def test_an_operation_of_many_inputs_shows_them_all():
    w = [Value(float(i), label=f"w{i}") for i in range(5)]
    x = [Value(10.0 + i, label=f"x{i}") for i in range(5)]
    assert arrows(draw(dot(w, x))) == sorted(
        [(f"w{i}", "v1 = dot", str(10 + i)) for i in range(5)]
        + [(f"x{i}", "v1 = dot", str(i)) for i in range(5)]
    )


def test_leaves_inner_nodes_and_the_root_look_different(f):
    drawing = draw(f)
    leaf, inner, root = box(drawing, "x"), box(drawing, "v4 = sin(y)"), box(drawing, "f = v3 - v4")
    assert leaf.look == box(drawing, "y").look
    assert inner.look == box(drawing, "v1 = log(x)").look
    assert leaf.look != inner.look
    assert inner.look != root.look
    assert root.look != leaf.look


def test_the_picture_has_a_title(f):
    assert title(draw(f)) == "computation graph"


def test_a_leaf_alone_is_a_picture():
    boxes, ends = picture(draw(Value(3.0, label="x")))
    assert [b.head for b in boxes.values()] == ["x"]
    assert ends == []


def test_the_picture_runs_from_left_to_right(f):
    where = {b.head: b.left for b in picture(draw(f))[0].values()}
    path = [where[head] for head in ("x", "v1 = log(x)", "v3 = v1 + v2", "f = v3 - v4")]
    assert path == sorted(set(path))


def test_a_picture_of_the_first_moment_has_no_gradients():
    x = Value(2.0, label="x")
    assert {b.numbers["grad"] for b in picture(draw(x * x))[0].values()} == {"0"}
    assert x.grad == 0.0, "drawing computes no gradient"


def test_a_picture_stays_as_it_was_made():
    x = Value(2.0, label="x")
    drawing = draw(x)
    before = drawing.source, repr(drawing)
    x.data, x.label = 7.0, "z"
    assert (drawing.source, repr(drawing)) == before


def test_before_backward_the_legend_says_what_to_do():
    x = Value(2.0, label="x")
    y = x * x
    assert legend(draw(y)) == "No gradients yet: call backward() first."
    x.grad = -0.0
    assert legend(draw(y)) == "No gradients yet: call backward() first."


def test_with_gradients_the_legend_explains_the_picture(f):
    text = legend(draw(f))
    assert "No gradients" not in text
    for word in ("grad = ", "arrow", "Rounded", "thick", "blue", "orange", "deeper"):
        assert word in text
    for word in ("dashed", "not finite", "again", "plain number"):  # there is none
        assert word not in text


@pytest.mark.parametrize("grad", [1.0, -1e-300, INF, NAN])
@pytest.mark.parametrize("of", ["the result", "an input"])
def test_one_gradient_is_enough_for_the_legend(grad, of):
    x = Value(2.0, label="x")
    y = x * x
    (y if of == "the result" else x).grad = grad
    assert "No gradients" not in legend(draw(y))
    colour = "blue" if grad == 1 else "orange" if math.isfinite(grad) else "yellow: not finite"
    for word in ("blue", "orange", "yellow: not finite"):
        assert (word in legend(draw(y))) == (word == colour)
    assert ("red: not finite" in legend(draw(y))) == (not math.isfinite(grad))


# ----------------------------------------------------------------------------- names and formulas


def head(row):
    """What stands in a box, by the node's row of the text form."""
    return f"{row[0]} = {row[1]}" if len(row) == 4 else row[0]


def test_made_up_names_are_the_same_in_picture_and_text(f):
    table = rows(repr(draw(f)))[1:]
    assert heads(draw(f)) == sorted(map(head, table))
    numbers = {
        b.head: (b.numbers["value"], b.numbers["grad"]) for b in picture(draw(f))[0].values()
    }
    assert numbers == {head(row): tuple(row[-2:]) for row in table}
    made_up = [row[0] for row in table if row[0] not in ("x", "y", "f")]
    assert made_up == ["v1", "v2", "v3", "v4"]


def test_made_up_names_that_are_labels_are_left_out_in_picture_and_text():
    x, y = Value(2.0, label="v2"), Value(3.0, label="v1")
    root = (x.sin() * y).exp()
    drawing = draw(root)
    assert heads(drawing) == ["v1", "v2", "v3 = sin(v2)", "v4 = v3 * v1", "v5 = exp(v4)"]
    assert sorted(map(head, rows(repr(drawing))[1:])) == heads(drawing)


def test_made_up_names_are_the_same_where_the_graph_is_cut(f):
    product = f.inputs[0].inputs[1]
    drawing = draw(f, stop=[product])
    names = {row[0] for row in rows(repr(drawing))[1:]}
    assert names == {h.split(" = ")[0] for h in heads(drawing)}
    assert "f = v3 - v4" in heads(drawing)
    assert ["f", "v3 - v4", "11.65", "1"] in rows(repr(drawing))


def test_an_input_without_a_label_has_its_made_up_name_in_the_picture():
    drawing = draw(Value(2.0) * Value(3.0).sin())
    names = {row[0] for row in rows(repr(drawing))[1:]}
    assert names == {h.split(" = ")[0] for h in heads(drawing)}


def test_a_result_with_many_inputs_shows_its_operation_alone():
    w = [Value(float(i), label=f"w{i}") for i in range(3)]
    a = dot(w, [1.0, 2.0, 3.0])
    a.label = "a1[0]"
    drawing = draw(a.tanh())
    assert [h for h in heads(drawing) if h.startswith(("a", "v"))] == [
        "a1[0] = dot", "v1 = tanh(a1[0])",
    ]  # fmt: skip
    assert "w0 * 1 + w1 * 2 + w2 * 3" in repr(drawing), "the text form has room for more"


# ------------------------------------------------------------------------------------- colours


def graded(*gradients):
    """A picture of leaves with these gradients: the fills of their boxes, in order."""
    leaves = [Value(1.0, label=f"v{i}") for i in range(len(gradients))]
    root = autograd.sum(leaves)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        leaf.grad = gradient
    drawing = draw(root)
    return [box(drawing, leaf.label).fill for leaf in leaves]


def paleness(fill):
    return sum(fill)


def test_the_sign_of_the_gradient_is_the_colour():
    up, little_up, nothing, little_down, down = graded(1.0, 0.01, 0.0, -0.01, -1.0)
    for red, _, blue in (up, little_up):
        assert blue > red
    for red, _, blue in (down, little_down):
        assert red > blue
    assert len(set(nothing)) == 1, "no gradient, no colour"


def test_a_larger_gradient_has_a_deeper_colour():
    fills = graded(4.0, 1.0, 0.1, -0.1, -1.0, -4.0)
    assert paleness(fills[0]) < paleness(fills[1]) < paleness(fills[2])
    assert paleness(fills[5]) < paleness(fills[4]) < paleness(fills[3])


def test_colours_are_relative_to_the_largest_gradient_of_the_picture():
    assert graded(1.0, -0.5) == graded(1e-30, -0.5e-30) == graded(1e300, -0.5e300)


def test_gradients_that_are_not_finite_stand_out_and_spoil_no_other_colour():
    colours = set(graded(1.0, 0.0, -1.0))
    *bad, good, down = graded(NAN, INF, -INF, 1.0, -1.0)
    assert not colours & set(bad)
    assert [good, down] == graded(1.0, -1.0)


@pytest.mark.parametrize("number", [NAN, INF, -INF])
def test_numbers_that_are_not_finite_are_red_and_no_others(number):
    v = Value(number, label="inf")  # a label is no number
    text = box(draw(v), "inf").numbers["value"]
    assert box(draw(v), "inf").red == [text]
    v.grad = number
    assert box(draw(v), "inf").red == [text, text]
    v.data = 1e300
    assert box(draw(v), "inf").red == [text]
    assert box(draw(v), "inf").numbers == {"value": "1e+300", "grad": text}


def test_finite_numbers_are_not_red(f):
    assert [b.red for b in picture(draw(f))[0].values()] == [[]] * 7


# ------------------------------------------------------------------------------ hostile labels

SHOWN = {  # what is written, and what a reader sees
    "{": "{",
    "|": "|",
    "{a|b}": "{a|b}",
    "<b>": "<b>",
    "<": "<",
    ">": ">",
    '"': '"',
    "'": "'",
    "line\nbreak": "line\\nbreak",
    "carriage\r": "carriage\\r",
    "\\N": "\\N",
    "\\G": "\\G",
    "\\n": "\\n",
    "back\\": "back\\",
    "\\\\": "\\\\",
    "\N{GRINNING FACE}": "\N{GRINNING FACE}",
    "θ₁": "θ₁",
    "</TABLE>": "</TABLE>",
    "</TD></TR></TABLE>>]; evil [label=<": "</TD></TR></TABLE>>]; evil [label=<",
    "<!-- ": "<!-- ",
    "]]>": "]]>",
    "&amp;": "&amp;",
    "&#92;": "&#92;",
    "&": "&",
    "nul\0": "nul\\x00",
    "\x1b[31m": "\\x1b[31m",
    "\ud800": "\\ud800",
    "\ufffe": "\\ufffe",
    "%s {0}": "%s {0}",
    "x" * 1000: "x" * 39 + "…",
    "<" * 1000: "<" * 39 + "…",
}


def short(text):
    """A text as a box has room for it."""
    return text if len(text) <= 40 else text[:39] + "…"


@for_each("label", list(SHOWN), ids=lambda label: ascii(label[:20])[1:-1])
def test_any_label_is_shown_as_it_is(label):
    v = Value(1.0, label=label)
    y = 2.0 * v
    y.label = "y"
    formula = short(f"2 * {SHOWN[label]}")
    assert heads(draw(y)) == sorted([SHOWN[label], f"y = {formula}", "2"])
    assert len(picture(draw(y))[1]) == 2
    assert SHOWN[label].strip() in repr(draw(y))
    assert len(repr(draw(y)).splitlines()) == 3, "a head, and a line per node"


@for_each("label", list(SHOWN), ids=lambda label: ascii(label[:20])[1:-1])
def test_any_label_does_for_an_inner_node_and_as_the_symbol_of_an_operation(label):
    op = primitive(label or "?", lambda x: x + 1, lambda z, x: (1.0,))
    y = op(Value(1.0, label="x"))
    y.label = label
    formula = short(f"{SHOWN[label]}(x)")
    assert heads(draw(y)) == sorted(["x", f"{SHOWN[label]} = {formula}"])
    assert heads(draw(y, stop=[y])) == [f"{SHOWN[label]} = {SHOWN[label]}"], "cut off: it alone"


@for_each("label", list(SHOWN), ids=lambda label: ascii(label[:20])[1:-1])
def test_any_label_does_as_the_symbol_of_an_operation_of_many_inputs(label):
    op = primitive(label, lambda x, y, z: x + y + z, lambda _, x, y, z: (1.0, 1.0, 1.0))
    y = op(*(Value(1.0, label=name) for name in "abc"))
    y.label = label
    assert heads(draw(y)) == sorted(["a", "b", "c", f"{SHOWN[label]} = {SHOWN[label]}"])


def elements(drawing):
    return sorted({tag(e) for e in ET.fromstring(drawing.render("svg")).iter()})


@functools.cache
def elements_of_x():
    return elements(draw(2.0 * Value(1.0, label="x")))


@pytest.mark.slow
@examples(30)
@given(st.text(st.characters(), max_size=60))
def test_no_text_can_add_anything_to_the_picture(label):
    drawing = draw(2.0 * Value(1.0, label=label))
    assert elements(drawing) == elements_of_x()
    boxes, ends = picture(drawing)
    assert (len(boxes), len(ends)) == (3, 2)
    drawing.source.encode()
    repr(drawing).encode()


# ------------------------------------------------------------------------------ stop and limit


def test_stop_draws_a_node_without_what_came_before_it():
    x = Value(2.0, label="x")
    a = x * x
    a.label = "a"
    b = a.sin() + x
    b.label = "b"
    drawing = draw(b, stop=[a])
    assert heads(drawing) == ["a = *", "b = v1 + x", "v1 = sin(a)", "x"]
    assert [(s, t) for s, t, _ in arrows(drawing)] == [
        ("a = *", "v1 = sin(a)"), ("v1 = sin(a)", "b = v1 + x"), ("x", "b = v1 + x"),
    ]  # fmt: skip
    assert ["a", "4", "0"] in rows(str(drawing)), "a formula of what is not shown says nothing"
    assert len(picture(draw(a.sin(), stop={a}))[0]) == 2


def test_a_node_that_is_cut_off_has_a_dashed_border_and_no_other_has(f):
    total, sine = f.inputs
    assert [b.head for b in picture(draw(f))[0].values() if b.dashed] == []
    boxes = picture(draw(f, stop=[total]))[0].values()
    assert sorted(b.head for b in boxes if b.dashed) == ["v3 = +"]
    assert sorted(b.head for b in boxes if not b.dashed) == ["f = v3 - v4", "v4 = sin(y)", "y"]
    boxes = picture(draw(f, stop=[total, sine]))[0].values()
    assert sorted(b.head for b in boxes if b.dashed) == ["v3 = +", "v4 = sin"]
    assert sorted(b.head for b in boxes if not b.dashed) == ["f = v3 - v4"]


def test_a_cut_node_of_many_inputs_shows_the_operation_alone():
    a = dot([Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)])
    a.label = "a"
    drawing = draw(a.exp(), stop=[a])
    assert heads(drawing) == ["a = dot", "v5 = exp(a)"]
    assert box(drawing, "a = dot").dashed


def test_stop_at_something_else_changes_nothing(f):
    assert draw(f, stop=[Value(1.0)]).source == draw(f).source
    assert draw(f, stop=[]).source == draw(f).source


@pytest.mark.parametrize("stop", [3, ["v1"], "v1", [1.0], [None], [[Value(1.0)]]])
def test_stop_must_hold_values(f, stop):
    with pytest.raises(TypeError, match=r"stop must hold nodes of the graph, in a list, got"):
        draw(f, stop=stop)


def test_stop_at_the_root_draws_the_root(f):
    boxes, ends = picture(draw(f, stop=[f]))
    assert [(b.head, b.dashed) for b in boxes.values()] == [("f = -", True)]
    assert ends == []


def test_limit_is_the_most_nodes_that_are_drawn(f):
    assert draw(f, limit=7).size == 7
    with pytest.raises(ValueError, match=r"7 nodes.*6"):
        draw(f, limit=6)


@pytest.mark.slow
def test_past_two_thousand_nodes_the_picture_is_refused_and_alternatives_named():
    assert draw(chain(2000)).size == 2000
    root = chain(2001)
    with pytest.raises(ValueError, match="2001 nodes") as error:
        draw(root)
    assert "draw(node)" in str(error.value)
    assert "stop=" in str(error.value)
    assert draw(root, limit=3000).size == 2001
    (before,) = root.inputs
    assert draw(root, stop=[before]).size == 2


@pytest.mark.parametrize("root", [None, 1.0, "x", [Value(1.0)], sin])
def test_only_a_value_can_be_drawn(root):
    with pytest.raises(TypeError, match="root must be a Value"):
        draw(root)


# ---------------------------------------------------------------------------------------- text


def test_the_text_lists_nodes_inputs_first_with_formula_value_and_gradient(f):
    table = rows(repr(draw(f)))
    assert table[1] == ["x", "2", "5.5"]
    assert table[2][1:] == ["log(x)", "0.6931", "1"]
    assert table[3] == ["y", "5", "1.716"]
    assert table[4][1:] == ["x * y", "10", "1"]
    log, product, total, sine = (table[i][0] for i in (2, 4, 5, 6))
    assert table[5][1:] == [f"{log} + {product}", "10.69", "1"]
    assert table[6][1:] == ["sin(y)", MINUS + "0.9589", MINUS + "1"]
    assert table[7] == ["f", f"{total} - {sine}", "11.65", "1"]
    assert len({row[0] for row in table}) == 8, "every name is another"


@for_each(
    "g, formula, in_picture",
    [
        (lambda x: -x, "-(x)", None),
        (lambda x: 2 * x, "2 * x", None),
        (lambda x: x * x, "x * x", None),
        (lambda x: 2 - x, "2 - x", None),
        (lambda x: x**-2.5, f"x ** ({MINUS}2.5)", None),
        (lambda x: x / 3.0, "x / 3", None),
        (lambda x: x.log(), "log(x)", None),
        (lambda x: autograd.sum([x]), "sum(x)", None),
        (lambda x: autograd.max([x, 1.0]), "max(x, 1)", None),
        (lambda x: autograd.max([x, 1.0, x]), "max(x, 1, x)", "max"),
        (lambda x: dot([x], [4.0]), "x * 4", None),
        (lambda x: dot([x], [4.0], 0.5), "x * 4 + 0.5", "dot"),
        (lambda x: abs(x), "abs(x)", None),
    ],
)
def test_formulas(g, formula, in_picture):
    """In the text, and in the picture, where an operation of many inputs stands alone."""
    y = g(Value(2.0, label="x"))
    assert rows(repr(draw(y)))[2][:2] == ["v1", formula]
    y.label = "y"
    assert rows(repr(draw(y)))[2][:2] == ["y", formula]
    assert box(draw(y), f"y = {in_picture or formula}")


def test_a_made_up_name_is_nobodys_label():
    x = Value(2.0, label="v1")
    table = rows(repr(draw(x.sin() * x.cos() + x)))
    names = [row[0] for row in table[1:5]]
    assert len(set(names)) == 4, names


def test_a_label_that_was_taken_away_is_none():
    x = Value(2.0, label="x")
    x.label = None
    assert rows(repr(draw(x * x)))[1][0] == "v1"


def test_a_formula_of_very_many_inputs_is_cut_short():
    values = [Value(1.0, label=f"value {i}") for i in range(300)]
    assert max(map(len, repr(draw(autograd.sum(values))).splitlines())) < 200


# --------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [(".png", b"\x89PNG\r\n\x1a\n"), (".pdf", b"%PDF-"), (".svg", b"<?xml"), (".SVG", b"<?xml")],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_save(f, tmp_path, suffix, magic, kind):
    draw(f).save(kind(tmp_path / f"f{suffix}"))
    data = (tmp_path / f"f{suffix}").read_bytes()
    assert data.startswith(magic)
    if suffix.lower() == ".svg":
        assert tag(ET.fromstring(data)) == "svg"
    assert os.listdir(tmp_path) == [f"f{suffix}"]


def test_save_as_dot_writes_the_source(f, tmp_path):
    draw(f).save(tmp_path / "f.dot")
    assert (tmp_path / "f.dot").read_bytes().decode() == draw(f).source


@pytest.mark.parametrize("name", ["f", "f.", "f.jpeg", "f.svg.txt", ".svg"])
def test_an_unknown_kind_of_file_is_refused_and_not_made(f, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf or \.dot"):
        draw(f).save(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("format", ["jpeg", "", "SVG", "dot", "svg -O", "../x"])
def test_render_refuses_other_formats(f, format):
    with pytest.raises(ValueError, match="svg, png, pdf"):
        draw(f).render(format)


@pytest.mark.parametrize("name", ["f.svg", "f.dot"])
def test_a_write_that_fails_leaves_the_old_file(f, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        draw(f).save(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize("name", ["f.svg", "f.dot"])
def test_a_missing_folder_is_named(f, tmp_path, name):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        draw(f).save(tmp_path / "nowhere" / name)
    assert os.listdir(tmp_path) == []


# ------------------------------------------------------------------------------------- Jupyter


def test_a_drawing_shows_itself_in_jupyter(f):
    bundle = draw(f)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml", "image/png"}
    assert bundle["text/plain"] == repr(draw(f))
    assert type(bundle["image/svg+xml"]) is str
    assert tag(ET.fromstring(bundle["image/svg+xml"].encode())) == "svg"
    assert isinstance(draw(f), Drawing)


def test_a_value_shows_its_graph_in_jupyter(f):
    bundle = f._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(f)
    assert bundle["image/svg+xml"] == draw(f)._repr_mimebundle_()["image/svg+xml"]


@pytest.mark.slow
def test_a_value_at_the_end_of_a_huge_graph_shows_its_repr():
    root = chain(50_000)
    assert root._repr_mimebundle_() == {"text/plain": repr(root)}


@pytest.mark.parametrize("number", [NAN, INF, -INF])
def test_values_that_are_not_finite_have_a_display(number):
    x = Value(number, label="x")
    y = x * 0.0
    y.backward()
    assert "image/svg+xml" in y._repr_mimebundle_()


# ------------------------------------------------------------- with Graphviz, and without it

posix = pytest.mark.skipif(os.name == "nt", reason="a program as a script of the shell")


@pytest.fixture
def nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.fixture
def fake_dot(tmp_path_factory, monkeypatch):
    def install(script):
        folder = tmp_path_factory.mktemp("bin")
        (folder / "dot").write_bytes(script)
        (folder / "dot").chmod(0o755)
        (folder / "cat").symlink_to(shutil.which("cat"))
        monkeypatch.setenv("PATH", str(folder))  # alone: past a broken one a real one is found

    return install


# Asked for a layout it has one of a single box; for a picture it says what it was asked for.
FAKE = b"""#!/bin/sh
if [ "$1" = -Tplain ]; then
    echo "graph 1 2 1"
    echo "node n0 1 0.5 1.5 0.8 x solid box black lightgrey"
else
    echo "asked for: $@"
    cat
fi
"""


@posix
def test_the_program_dot_comes_first(fake_dot, tmp_path):
    fake_dot(FAKE)
    x = Value(2.0, label="x")
    made = draw(x).render("svg").decode()
    assert "-Tsvg" in made.splitlines()[0]
    box = next(line for line in draw(x).source.splitlines() if "n0" in line)
    assert box.strip().rstrip("]") in made, "dot is given the source"
    assert 'pos="72.0,36.0"' in made, "in its place"
    assert draw(x)._repr_mimebundle_()["image/svg+xml"] == made
    draw(x).save(tmp_path / "x.png")
    assert b"-Tpng" in (tmp_path / "x.png").read_bytes().splitlines()[0]


def test_a_display_is_laid_out_once(f, monkeypatch):
    asked = []

    def counted(source, format):
        asked.append((format, "layout=nop2" in source))
        return lay_out(source, format)

    monkeypatch.setattr("autograd.show.graph.lay_out", counted)
    assert len(draw(f)._repr_mimebundle_()) == 4
    assert [format for format, in_place in asked if not in_place] == ["plain"]
    assert sorted(format for format, in_place in asked if in_place) == ["png", "svg"]


def test_a_display_makes_only_what_is_asked_for(f, monkeypatch):
    drawing = draw(f)
    assert set(drawing._repr_mimebundle_(exclude={"text/html"})) == {
        "text/plain", "image/svg+xml", "image/png"}  # fmt: skip
    monkeypatch.setattr("autograd.show.graph.lay_out", None)  # all is in its place already
    assert set(drawing._repr_mimebundle_(include={"text/html"})) == {"text/plain", "text/html"}
    assert set(f._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}


def test_a_drawing_is_of_the_moment_it_was_made(f):
    drawing = draw(f)
    page, picture = drawing._page()._svg, drawing.render("svg")
    for v in autograd.topological_order(f):
        v.grad = 123.0
    assert ">123<" in draw(f)._page()._svg
    assert drawing._page()._svg == page and ">123<" not in page
    assert drawing.render("svg") == picture


@pytest.mark.slow
def test_a_png_has_no_more_pixels_than_one_can_make_and_read(f, tmp_path):
    def pixels(root):
        return struct.unpack(">II", draw(root).render("png")[16:24])

    width, height = pixels(f)
    assert 800 < width < 1200 and 300 < height < 500
    h = Value(0.5, label="h")
    for t in range(20):
        h = (h * Value(0.1, label=f"x{t}")).tanh()
    width, height = pixels(h)
    assert width > 5000 and 11e6 < width * height < 12.5e6, "in smaller letters"
    nodes = [Value(1.0)]
    for _ in range(39):  # each from all before it
        nodes.append(autograd.sum(nodes))
    root = nodes[-1]
    for make in (draw(root).render, lambda _: draw(root).save(tmp_path / "root.png")):
        with pytest.raises(ValueError, match=r"as PNG.* [\d,]+ by [\d,]+ pixels.*\.svg, \.pdf"):
            make("png")
    assert os.listdir(tmp_path) == []
    assert "image/png" not in draw(root)._repr_mimebundle_()


def test_of_a_graph_that_is_large_the_display_is_a_page_alone():
    x = Value(1.0, label="x")
    many = autograd.sum([x * float(i) for i in range(100)])
    assert set(draw(many)._repr_mimebundle_()) == {"text/plain", "text/html"}


@pytest.mark.slow
@pytest.mark.tools("dot")
def test_the_real_dot_makes_the_same_picture(f, monkeypatch, tmp_path):
    hostile = autograd.sum([Value(1.0, label=label) for label in SHOWN])
    cut = draw(f, stop=[f.inputs[0]])
    drawings = [draw(f), cut, draw(hostile), draw(Value(NAN, label="x") * -0.0)]

    def seen():
        boxes = [picture(drawing)[0].values() for drawing in drawings]
        return (
            [sorted((b.head, b.numbers, b.red, b.fill, b.dashed) for b in bs) for bs in boxes],
            [arrows(drawing) for drawing in drawings],
            [legend(drawing) for drawing in drawings],
            [title(drawing) for drawing in drawings],
        )

    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        by_pygraphviz = seen()
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert seen() == by_pygraphviz
    assert [b.head for b in picture(cut)[0].values() if b.dashed] == ["v3 = +"]
    assert "install" not in repr(draw(f))
    assert set(f._repr_mimebundle_()) == set(draw(f)._repr_mimebundle_())
    assert len(f._repr_mimebundle_()) == 4
    for suffix, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF-"), ("svg", b"<?xml")):
        draw(f).save(tmp_path / f"f.{suffix}")
        assert (tmp_path / f"f.{suffix}").read_bytes().startswith(magic)


def test_without_dot_pygraphviz_does_it(f, tmp_path):
    assert shutil.which("dot") is None
    assert len(picture(draw(f))[0]) == 7
    assert "install" not in repr(draw(f))
    draw(f).save(tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_with_neither_the_text_is_shown_and_what_to_install(f, nothing):
    *table, advice = repr(draw(f)).splitlines()
    assert rows("\n".join(table))[4][1:] == ["x * y", "10", "1"]
    assert len(table) == 8
    assert "install" in advice
    assert "graphviz" in advice.lower()
    assert "chalkgrad[demo]" in advice
    assert draw(f)._repr_mimebundle_() == {"text/plain": repr(draw(f))}


def test_with_neither_a_value_shows_its_text(f, nothing):
    (text,) = f._repr_mimebundle_().values()
    assert repr(f) in text
    assert "x * y" in text
    assert text.count("install") == repr(draw(f)).count("install") > 0


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_with_neither_saving_says_what_to_install(f, nothing, tmp_path, suffix):
    with pytest.raises(RuntimeError, match="install"):
        draw(f).save(tmp_path / f"f.{suffix}")
    with pytest.raises(RuntimeError, match="install"):
        draw(f).render(suffix)
    assert os.listdir(tmp_path) == []


def test_with_neither_the_source_can_still_be_saved(f, nothing, tmp_path):
    draw(f).save(tmp_path / "f.dot")
    assert (tmp_path / "f.dot").read_text(encoding="utf-8") == draw(f).source


@posix
@pytest.mark.parametrize(
    "script",
    [b"#!/bin/sh\ncat >/dev/null\necho broken >&2\nexit 1\n", b"", b"#!/nowhere/at/all\n"],
    ids=["it fails", "it is empty", "its interpreter is missing"],
)
def test_a_broken_dot_is_an_error_to_save_and_none_to_show(f, fake_dot, tmp_path, script):
    fake_dot(script)
    (tmp_path / "f.svg").write_bytes(b"old")
    for value in (f, draw(f)):
        assert "text/plain" in value._repr_mimebundle_()
        assert repr(value)
    with pytest.raises(RuntimeError, match="dot"):
        draw(f).save(tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f.svg"]


@posix
def test_a_dot_that_prints_nonsense_does_not_break_the_display(f, fake_dot):
    fake_dot(b"#!/bin/sh\ncat >/dev/null\nprintf '\\377\\376'\n")
    assert repr(f) in f._repr_mimebundle_()["text/plain"]
    assert "x * y" in draw(f)._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize("error", ["ImportError", "OSError", "RuntimeError"])
def test_a_broken_pygraphviz_is_as_good_as_none(f, tmp_path, monkeypatch, error):
    (tmp_path / "pygraphviz.py").write_text(f"raise {error}('a library is missing')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    assert "install" in repr(draw(f))
    assert set(f._repr_mimebundle_()) == {"text/plain"}
    with pytest.raises(RuntimeError, match="install"):
        draw(f).render()


@posix
def test_a_newcomer_who_installs_dot_need_not_start_again(nothing, fake_dot):
    drawing = draw(Value(2.0, label="x"))
    assert "install" in repr(drawing)
    with pytest.raises(RuntimeError, match="install Graphviz"):
        drawing.render()
    fake_dot(FAKE)
    assert "install" not in repr(drawing)
    assert drawing.render().startswith(b"asked for: ")


def test_the_root_has_a_thicker_border():
    x = Value(2.0, label="x")
    f = (x * x).tanh()
    f.label = "f"
    widths = {
        b.head: max(float(w or 1) for _, w, _ in b.look) for b in picture(draw(f))[0].values()
    }
    assert widths.pop("f = tanh(v1)") == 3 and set(widths.values()) == {1}, widths
