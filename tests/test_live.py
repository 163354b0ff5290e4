"""Live graphs: rows printed as JavaScript, and the pages in which numbers are moved."""

import html
import itertools
import json
import math
import random
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

import autograd
import nn
from autograd import Value, draw, primitive, topological_order
from autograd import primitives as p
from autograd.compiler import javascript
from autograd.functions import apply
from autograd.show.live import _recorded_anew, squeezed
from autograd.show.notation import digits
from tests import browser
from tests.browser import Page
from tests.cases import for_each
from tests.random_graphs import hypot, mixed, sum_of_sizes

CHROMIUM = [pytest.mark.slow, pytest.mark.tools("browser")]
HARD = [
    0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1.49, 27.5, 1e-300, 5e-324, 1e300, 710.0, -745.0, 40.0,
    -40.0, math.inf, -math.inf, math.nan,
]  # fmt: skip
LENGTHS = {"where": (3,), "sum": (4,), "dot": (3, 2), "logsumexp": (3,), "max": (3,)}


def example():
    """f = ln x + x y - sin y of Baydin et al. (2018), with x used twice, y twice."""
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    f = x.log() + x * y - y.sin()
    f.label = "f"
    return f


def of_every_primitive(start):
    """A sum of every row of the table, and of users' own, each of leaves of its own."""
    numbers = iter(start)

    def leaf(k):
        return Value(next(numbers), label=f"x{k}")

    terms = []
    for row in p.TABLE:
        lengths = LENGTHS.get(row.symbol, (None,) * row.value.__code__.co_argcount
                              if hasattr(row.value, "__code__") else None)  # fmt: skip
        if lengths is None:
            lengths = (None,) * (2 if row in (p.ADD, p.SUB, p.MUL, p.DIV, p.POW) else 1)
        x = [leaf(row.symbol) if n is None else tuple(leaf(row.symbol) for _ in range(n))
             for n in lengths]  # fmt: skip
        terms.append(apply(row, *x))
    terms += [hypot(leaf("h"), leaf("h")), mixed(leaf("m"), leaf("m"), 0.25)]
    a, b, c = leaf("a"), leaf("b"), leaf("c")
    for n, k in ((1, 0), (0, 1), (1, 1)):  # of x^y by x and by y
        terms.append(apply(p.power_derivative(n, k), leaf("x"), leaf("y")))
    terms += [a**3.0, 2.0**b, c**-0.5, c**0.0, autograd.dot([a, 0.5], [2.0, b]), 1.0 - c]
    return autograd.sum(terms)


def compared(root, leaves, page_values, page_gradients, rtol=1e-12):
    """The page's numbers beside those of the engine, recorded anew at the same leaves."""
    order = topological_order(root)
    for v, x in zip((v for v in order if not v.op), leaves, strict=True):
        v.data = float(x)
    fresh = _recorded_anew(order)
    fresh[root].backward()
    values = [fresh[v].data for v in order]
    gradients = [fresh[v].grad for v in order]
    size = sum_of_sizes(fresh[root])
    atol = rtol * size if math.isfinite(size) else 0.0
    for mine, engines in ((page_values, values), (page_gradients, gradients)):
        np.testing.assert_allclose(
            np.array(mine, dtype=float), np.array(engines), rtol=rtol, atol=atol
        )


# ------------------------------------------------------------------------------------ the printer


@for_each("row", p.TABLE, ids=lambda row: row.symbol)
def test_every_row_of_the_table_prints(row):
    lengths = LENGTHS.get(row.symbol)
    for arguments in [lengths] if lengths else [(None,), (None, None)]:
        try:
            text = javascript.row(row, arguments)
        except ValueError:
            continue
        break
    inputs = sum(n or 1 for n in arguments)
    assert text.startswith("(x, d, o) => {") and text.count("d[o") == inputs


def test_a_product_is_printed_as_one_would_write_it():
    assert javascript.row(p.DIV, (None, None)) == (
        "(x, d, o) => {\n  const t0 = x[0] / x[1];\n  d[o] = 1 / x[1]; d[o + 1] = -t0 / x[1];\n"
        "  return t0;\n}"
    )
    assert "return pow(x[0], 3);" in javascript.row(p.POW, (None, 3.0))


def test_parentheses_stand_where_they_must():
    def value(x, y):
        return x - (y - (x - y)) / -(x * -y) - -x

    own = primitive("own", value, lambda z, x, y: (1.0, -math.inf))
    text = javascript.row(own.rows[0], (None, None))
    assert "return x[0] - (x[1] - (x[0] - x[1])) / -(x[0] * -x[1]) - -x[0];" in text
    assert "d[o + 1] = -Infinity;" in text


@pytest.mark.parametrize("value", [
    lambda x: autograd.where(x >= 1.0, x * x, x), lambda x: autograd.where(x <= 1.0, x, x * x),
    lambda x: x * (x >= 1.0) + x * (x < 1.0),
])  # fmt: skip
def test_comparisons_with_the_end_included_are_printed(value):
    own = primitive("own", value, lambda z, x: (autograd.where(x >= 1.0, 2 * x, 1.0),))
    text = javascript.row(own.rows[0], (None,))
    assert re.search(r"x\[0\] (>=|<=) 1", text) and "x[0] >= 1" in text


REFUSED = {
    "if": (lambda x: x if x > 0 else -x, "branch"),
    "math": (lambda x: math.sin(x), "real number"),
    "numpy": (lambda x: np.sin(x), "ufunc"),
    "==": (lambda x: autograd.where(x == 0.0, 1.0, x), "=="),
    "none": (lambda x: None, "NoneType"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_printed_is_refused_by_name_and_the_picture_still_shows(kind):
    value, why = REFUSED[kind]
    x = Value(2.0)
    own = primitive(f"own {kind}", value, lambda z, x: (1.0,))
    if kind == "none":  # which could not even be recorded
        with pytest.raises(ValueError, match=f"JavaScript.*'own {kind}'.*{why}"):
            javascript.row(own.rows[0], (None,))
        return
    f = own(x) * 2.0
    with pytest.raises(ValueError, match=f"JavaScript.*'own {kind}'.*{why}.*autograd.where"):
        draw(f).live()
    assert b"</svg>" in draw(f).render("svg")
    assert len(draw(f).steps()) == 6


def test_a_row_that_uses_a_function_that_the_printer_lacks_is_refused_by_name():
    row = p.Primitive("gamma", lambda m: (lambda x: m.gamma(x), lambda z, x: (z,)))
    with pytest.raises(ValueError, match="'gamma' uses the function 'gamma', which the printer"):
        javascript.row(row, (None,))


def test_an_expression_has_no_truth_and_can_be_raised_to_a_power():
    m = javascript.Scalars()
    x = m.name("x", ())
    with pytest.raises(TypeError, match="branch"):
        bool(x)
    assert abs(x) is m.abs(x) and x**2.0 is m.pow(x, 2.0) and 2.0**x is m.pow(2.0, x)
    assert autograd.sin(x) is m.sin(x)


# --------------------------------------------------------------------------------------- the page


def chain(n):
    """A graph of n nodes: n / 2 leaves, and as many products and sums."""
    f = Value(0.5, label="x0")
    for i in range(1, n // 2 + n % 2):
        x = Value(0.1 * i, label=f"x{i}")
        f = f * x if i % 2 else f + x
    return f


def test_a_page_of_20_nodes_is_small(tmp_path):
    x = Value(0.7, label="x")
    functions = [Value.sin, Value.exp, Value.tanh, lambda v: v * x, Value.softplus, Value.sigmoid]
    deep = x
    for i in range(19):
        deep = functions[i % 6](deep)
    wide = autograd.logsumexp([Value(0.1 * i, label=f"z{i}") for i in range(19)])
    for f in (chain(21), deep, wide):
        assert 20 <= len(topological_order(f)) <= 21
        page = draw(f).live()
        page.save(tmp_path / "page.html")
        assert len(page.fragment().encode()) < 80_000  # what a notebook keeps
        assert (tmp_path / "page.html").stat().st_size < 80_000


@pytest.mark.slow
def test_50_000_nodes_are_refused_with_the_alternatives():
    with pytest.raises(ValueError, match=r"50001 nodes.*draw\(node\).*trace\(root\)"):
        draw(chain(50_001))
    f = chain(2_003)  # however many are shown of it
    with pytest.raises(ValueError, match=r"2003 nodes.*draw\(node\).*stop=nodes.*trace\(root\)"):
        draw(f, stop=f.inputs).live()


def test_what_it_is_in_a_terminal_and_in_a_file(tmp_path):
    live = draw(example()).live()
    assert repr(live).splitlines()[0] == "x = 2, gradient 5.5"
    with pytest.raises(ValueError, match=r"path must end in \.html"):
        live.save(tmp_path / "page.htm")
    for drawn in (live, draw(example()), draw(example()).steps()):
        with pytest.raises(TypeError, match=r"path must be the path of a file.* got 3"):
            drawn.save(3)  # nothing is written into whatever file is open as 3
    assert not list(tmp_path.iterdir())
    bundle = live._repr_mimebundle_()
    assert bundle["text/html"] == live.fragment() and bundle["text/plain"] == repr(live)


def test_only_a_panel_that_there_is_can_be_open_at_first():
    with pytest.raises(ValueError, match=r"panel must be one of slice, .*, or None, got 'tangent'"):
        draw(example()).live("tangent")


def test_a_drawing_leaves_the_graph_as_it_was():
    f = example()
    draw(f).live()
    assert [v.grad for v in topological_order(f)] == [0.0] * 7


def test_the_page_carries_the_engines_numbers():
    x = Value(-0.0, label="x")
    f = x.log() * 2.0
    live = draw(f).live()
    data = json.loads(re.search(r'json">(.*?)</script>', live.fragment(), re.S)[1])
    f.backward()
    assert data["values"] == [-0.0, "-Infinity", "-Infinity"]
    assert data["gradients"] == ["-Infinity", 2.0, 1.0] and data["constants"] == [2.0]
    assert not data["stale"]
    x.data = 1.0
    assert draw(f).live()._data["stale"]


def test_text_and_picture_are_of_the_numbers_that_the_leaves_have_now():
    x = Value(2.0, label="x")
    f = x * 3.0
    x.data = 5.0
    live = draw(f).live()
    assert repr(live) == "x = 5, gradient 3\nv1 = 15, gradient 1"
    assert ">15</text>" in live._svg and ">6</text>" not in live._svg
    assert (f.data, x.grad) == (6.0, 0.0)


# ------------------------------------------------------------------------------ in a real browser


@pytest.fixture(scope="module")
def driver():
    driver = browser.start(1200, 1000)
    yield driver
    driver.quit()


class LivePage(Page):
    """A live page: `live` in its scripts is what runs there."""

    def __init__(self, driver, folder, root, panel=None, **options):
        self.root = root
        self.order = topological_order(root)
        draw(root, **options).live(panel).save(folder / "live.html")
        super().__init__(driver, (folder / "live.html").as_uri())

    def run(self, script, *arguments):
        return super().run(f"const live = root.host.live; {script}", *arguments)

    def numbers(self):
        return self.run("return [live.values(), live.gradients()]")

    def tap(self, name):
        """Press a button, without the way of the pointer."""
        self.run(f"root.querySelector('[data-do={name}]').click()")

    def type(self, field, text):
        self.run(
            "const e = root.querySelector(`[data-field=${arguments[0]}]`);"
            "e.value = arguments[1]; e.dispatchEvent(new Event('input', { bubbles: true }))",
            field, text,
        )  # fmt: skip

    def set(self, leaf, x):
        self.run("live.set(arguments[0], arguments[1]); live.flush()", leaf, x)

    def said(self, selector=".panel"):
        """The lines of a part of the page that are not empty."""
        text = self.run("return root.querySelector(arguments[0]).innerText", selector)
        return re.sub(r"\n+", "\n", text).strip()


@pytest.fixture
def page(driver, tmp_path):
    return LivePage(driver, tmp_path, example())


DRAGS = """
const seen = [];
let seed = arguments[0];
const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const send = (target, name, x, shiftKey) => target.dispatchEvent(new PointerEvent(name,
  { bubbles: true, composed: true, button: 0, pointerId: 1, clientX: x, clientY: 0, shiftKey }));
for (let k = 0; k < 200; k++) {
  const i = live.leaves[Math.floor(chance() * live.leaves.length)];
  const group = live.stage.of.get(i).group, shift = chance() < 0.3;
  send(group, "pointerdown", 100, shift);
  const spread = chance() < 0.5 ? 200 : 3000;
  for (let move = 0; move < 3; move++) {
    send(window, "pointermove", 100 + spread * (chance() - 0.5), shift);
  }
  send(window, "pointerup", 100, shift);
  const written = live.stage.nodes.map(({ value, grad }) => [value.text.data, grad.text.data]);
  seen.push([live.leaves.map((j) => live.graph.v[j]), live.values(), live.gradients(), written]);
}
return JSON.stringify(seen, (_, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x);
"""


def map_list(f, x):
    return list(map(f, x))


Y = 2  # where y of the example stands in the order


def number_of(x):
    return float(x.replace("Infinity", "inf")) if isinstance(x, str) else x


def test_the_page_has_the_graph_as_data():
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    a = x * w
    f = a.tanh() + a
    data = draw(f, stop=[a]).live()._data
    order = topological_order(f)
    assert data["shown"] == [order.index(v) for v in (a, order[3], f)]
    assert data["cut"] == [order.index(a)]
    assert [data["rows"][order.index(v)] for v in (x, w)] == [-1, -1]
    assert len({data["rows"][order.index(v)] for v in (a, order[3], f)} - {-1}) == 3
    assert data["inputs"][order.index(a)] == [order.index(x), order.index(w)]


class TestInChromium:
    """What the pages do."""

    pytestmark = CHROMIUM

    def test_after_200_random_drags_the_numbers_are_the_engines(self, driver, tmp_path):
        r = random.Random(0)
        root = of_every_primitive(r.uniform(0.2, 1.5) for _ in range(100))
        page = LivePage(driver, tmp_path, root)
        seen = json.loads(page.run(DRAGS, 1))
        assert len({tuple(leaves) for leaves, *_ in seen}) == 200
        for leaves, values, gradients, _ in seen:
            compared(
                root, map(number_of, leaves), map_list(number_of, values),
                map_list(number_of, gradients),
            )  # fmt: skip
        assert page.complaints() == []

    def test_numbers_at_the_edges_of_ieee(self, driver, tmp_path):
        root = of_every_primitive(iter(lambda: 0.5, None))
        page = LivePage(driver, tmp_path, root)
        r, count = random.Random(1), len([v for v in page.order if not v.op])
        points = [[x] * count for x in HARD]
        points += [[r.choice(HARD) for _ in range(count)] for _ in range(100)]
        # Of a power of two Values, programs too have another derivative at nan ** 0 and -0 ** y.
        base = next(i for i, v in enumerate(v for v in page.order if not v.op) if v.label == "x**")
        for x in (1.0, -1.0):
            for y in (
                math.inf,
                -math.inf,
                math.nan,
            ):  # JavaScript's own power is nan at all of them
                points.append([x] * count)
                points[-1][base + 1] = y
        for point in points:
            if not point[base] or point[base] != point[base]:
                point[base] = 3.0
        seen = page.run(
            "return JSON.stringify(arguments[0].map((point) => {"
            " live.leaves.forEach((i, k) => live.set(i, Number(point[k])));"
            " return [live.values(), live.gradients()].map((list) => list.map(String)); }))",
            [[str(x).replace("inf", "Infinity").replace("nan", "NaN") for x in point]
             for point in points],
        )  # fmt: skip
        for point, (values, gradients) in zip(points, json.loads(seen), strict=True):
            compared(root, point, map_list(number_of, values), map_list(number_of, gradients))
        assert page.complaints() == []

    def test_what_is_written_is_what_is_computed(self, page):
        page.set(Y, -0.75)
        values, gradients = page.numbers()
        for k in range(7):
            assert page.text(f"#n{k}v") == digits(values[k])
            assert page.text(f"#n{k}g") == digits(gradients[k])
        x, y = Value(2.0), Value(-0.75)
        f = x.log() + x * y - y.sin()
        f.backward()
        assert values[-1] == pytest.approx(f.data, rel=1e-13)
        assert [gradients[0], gradients[Y]] == pytest.approx([x.grad, y.grad], rel=1e-13)
        assert page.text("#n3e0t") == digits(-0.75)  # at the arrow: d(x * y)/dx = y
        assert page.find("#n0f").get_attribute("class") == "minus"
        assert "agrees with the recorded gradient" in page.said(".agree")

    def test_only_what_is_different_is_written(self, page):
        changed = page.run(
            "const observer = new MutationObserver(() => {});"
            "observer.observe(live.stage.svg, { subtree: true, characterData: true });"
            "live.set(2, 6); live.flush();"
            "return observer.takeRecords().map((r) => r.target.parentNode.id)"
        )
        # Neither x's value, nor v1 = log(x), nor gradients that are 1 as before.
        assert sorted(changed) == [
            "n0g", "n2g", "n2v", "n3e0t", "n3v", "n4v", "n5e0t", "n5v", "n6v"
        ]  # fmt: skip

    def test_the_pointer_the_keys_and_what_is_typed(self, page):
        assert page.said(".hint").startswith("Drag a number in a rounded box")
        page.click("#n0")  # a click alone changes nothing
        assert page.numbers()[0][0] == 2.0
        page.keys(Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
        assert page.numbers()[0][0] == 2.1
        chain = browser.actions(page.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_LEFT)
        chain.key_up(Keys.SHIFT).perform()
        assert page.numbers()[0][0] == 2.09
        assert page.find("#n0").get_attribute("aria-valuetext").startswith("2.09, gradient 5.478")
        assert not page.find(".hint").is_displayed()
        page.keys("-3.5", Keys.ENTER)
        assert page.numbers()[0][0] == -3.5 and page.text("#n6v") == "nan"
        page.keys(Keys.ARROW_UP)  # the box has the focus again
        assert page.numbers()[0][0] == -3.4
        page.keys(Keys.DELETE)
        assert page.numbers()[0][0] == 2.0
        page.keys(Keys.PAGE_DOWN, Keys.ENTER)
        assert page.said(".detail").splitlines() == [
            "v1 = log(x) = log(2) = 0.6931", "v1.grad = v3.grad × ∂v3/∂v1", "= 1 × 1 = 1",
        ]  # fmt: skip
        page.keys(Keys.ESCAPE, Keys.PAGE_DOWN, Keys.ARROW_UP)
        assert not page.find(".detail").is_displayed()
        assert page.numbers()[0][Y] == 5.1
        page.type("value", "3/4")
        assert page.numbers()[0][Y] == 0.75
        page.type("value", "three")
        assert page.find("[data-field=value]").get_attribute("aria-invalid") == "true"
        assert page.numbers()[0][Y] == 0.75
        page.press("reset")
        assert page.numbers()[0][Y] == 5.0
        page.set(0, 7.0)
        page.press("reset-all")
        assert page.numbers()[0][0] == 2.0
        page.run("const s = root.querySelector('select'); s.value = 0;"
                 "s.dispatchEvent(new Event('change'))")  # fmt: skip
        assert page.run("return live.leaf") == 0
        assert page.run("return root.querySelectorAll('svg [tabindex=\"0\"]').length") == 1
        assert page.complaints() == []

    def test_what_is_out_of_sight_is_right_when_it_is_seen(self, page):
        for _ in range(6):
            page.click("[data-view=in]")
        page.wait(lambda: page.run("return live.stage.visible.length") < 5)
        assert page.run("return root.querySelectorAll('[data-out]').length") > 0
        page.set(0, 3.0)
        page.set(Y, 4.0)
        page.click("[data-view=fit]")
        page.wait(lambda: page.run("return live.stage.visible.length") == 7)
        values, gradients = page.numbers()
        for k in range(7):
            assert page.text(f"#n{k}v") == digits(values[k])
            assert page.text(f"#n{k}g") == digits(gradients[k])
        assert page.run("return root.querySelectorAll('[data-out]').length") == 0

    def test_a_node_that_is_drawn_anew_is_one_number(self, driver, tmp_path):
        x, c = Value(0.9, label="x"), Value(1.0, label="c")
        f = c
        for _ in range(30):
            f = f * x + 0.1
        page = LivePage(driver, tmp_path, f)
        page.click("[data-view=fit]")
        copies = "[...root.querySelectorAll('[data-as=n1v]')]"
        assert page.run(f"return {copies}.length") > 3
        page.run("while (live.stage.far) { root.querySelector('[data-view=in]').click();"
                 "live.stage.look(); }")  # fmt: skip
        page.run(f"{copies}.at(-1).closest('.node').scrollIntoView(); live.stage.look()")
        page.run(
            "const box = root.querySelectorAll('[data-again=n1]');"
            "const send = (on, name, x) => on.dispatchEvent(new PointerEvent(name,"
            " { bubbles: true, button: 0, clientX: x }));"
            "send(box[box.length - 1].querySelector('text'), 'pointerdown', 0);"
            "send(window, 'pointermove', 30); send(window, 'pointerup', 30); live.flush()"
        )
        assert page.numbers()[0][1] == pytest.approx(0.93)
        page.run(f"{copies}.at(-1).closest('.node').scrollIntoView(); live.stage.look()")
        assert page.run(f"return {copies}.at(-1).textContent") == "0.93"
        assert page.complaints() == []

    def test_layers_fold_and_unfold(self, driver, tmp_path):
        net = nn.MLP(2, [3, 3, 1], "tanh", rng=np.random.default_rng(0))
        loss = nn.bernoulli_nll(net([1.0, -0.5]), 1)
        page = LivePage(driver, tmp_path, loss)
        whole = page.run("return live.stage.visible.length")
        fold = "const t = root.querySelector('[data-fold=\"\"]'); t.checked = arguments[0];"
        fold += "t.dispatchEvent(new Event('change'))"
        page.run(fold, True)
        assert page.run("return live.stage.visible.length") < 0.5 * whole
        page.tap("paths")
        assert page.find(".fold[data-on]").is_displayed()
        leaf = page.run("return live.leaf")
        page.set(leaf, 0.25)
        page.run(fold, False)
        page.run("live.stage.look()")
        k = page.run("return live.stage.of.get(arguments[0]).k", leaf)
        page.run("live.stage.base.show(live.stage.of.get(arguments[0]).group)", leaf)
        page.wait(lambda: page.text(f"#n{k}v") == "0.25")
        assert page.complaints() == []

    def test_slice_and_nudge(self, page):
        page.press("slice")
        assert "∂f/∂x = 5.5" in page.said()
        ends = page.run("return root.querySelector('.tangent').getAttribute('d')")
        (x0, y0), (x1, y1) = [map(float, point.split()) for point in re.split("[ML]", ends)[1:]]
        scale = page.run(
            "const { plot } = live, r = plot.range(0, 2), box = plot.window.getBBox();"
            "return 2 * r.half / box.width / ((r.high - r.low) / box.height)"
        )
        assert -(y1 - y0) / (x1 - x0) / scale == pytest.approx(5.5, rel=1e-2)
        dot = page.run("return root.querySelector('.dot').getAttribute('cx')")
        page.run(
            "const box = root.querySelector('.dot').getBoundingClientRect();"
            "const send = (on, name, dx) => on.dispatchEvent(new PointerEvent(name, {"
            " bubbles: true, button: 0, clientX: box.left + box.width / 2 + dx }));"
            "send(root.querySelector('.dot'), 'pointerdown', 0); send(window, 'pointermove', 60);"
            "send(window, 'pointerup', 60); live.flush();"
        )
        assert page.numbers()[0][0] > 2.2
        assert page.run("return root.querySelector('.dot').getAttribute('cx')") != dot
        page.press("wider")
        page.press("narrower")
        page.tap("reset-all")
        page.press("nudge")
        page.type("delta", "0.1")
        x, y = 2.0, 5.0
        true = (math.log(x + 0.1) + (x + 0.1) * y) - (math.log(x) + x * y)
        assert (
            f"5.5 × 0.1 = 0.55. True change of f: {digits(true)}. "
            f"Difference: {digits(true - 0.55)}." in page.said()
        )
        page.run("const r = root.querySelector('.panel input[type=range]'); r.value = -40;"
                 "r.dispatchEvent(new Event('input'))")  # fmt: skip
        assert "δ = −0.6" in page.said()
        assert page.complaints() == []

    def test_paths_add_up_to_the_gradient(self, page):
        page.press("paths")
        assert page.said().splitlines() == [
            "2 paths from x to f. Along each the local derivatives are multiplied:",
            "x → v1 → v3 → f: 1 × 1 × 0.5 = 0.5",
            "x → v2 → v3 → f: 1 × 1 × 5 = 5",
            "Their sum is the gradient: 0.5 + 5 = 5.5 = ∂f/∂x",
        ]
        lit = "return [...root.querySelectorAll('[data-on]')].map((e) => e.id).sort()"
        assert len(page.run(lit)) == 5 + 5
        page.run("root.querySelector('[data-path]').focus()")
        assert page.run(lit) == ["n0", "n1", "n1e0", "n4", "n4e0", "n6", "n6e0"]
        page.tap("paths")
        assert page.run(lit) == []

    def test_many_paths_are_counted(self, driver, tmp_path):
        f = x = Value(0.5, label="x")
        for _ in range(70):
            f = f + f
        page = LivePage(driver, tmp_path, f)
        page.press("paths")
        assert f"{2**70:,} paths lead from x to v70" in page.said()
        assert "each of the 140 arrows once" in page.said()
        assert page.run("return root.querySelectorAll('[data-path]').length") == 0
        f.backward()
        assert page.said().splitlines()[-1] == f"∂v70/∂x = {digits(x.grad)}"

    def test_a_branch_not_taken_has_no_share(self, driver, tmp_path):
        x = Value(-2.0, label="x")
        f = autograd.where(x, x.log(), x * 3.0)
        f.label = "f"
        page = LivePage(driver, tmp_path, f)
        page.press("paths")
        assert page.said().splitlines()[1:] == [
            "x → v1 → f: no share, a branch that is not taken",
            "x → v2 → f: 1 × 3 = 3",
            "x → f: no share, a branch that is not taken",
            "Their sum is the gradient: 3 = 3 = ∂f/∂x",
        ]
        page.set(0, 2.0)  # it chooses anew
        assert page.said().splitlines()[-1] == "Their sum is the gradient: 0.5 = 0.5 = ∂f/∂x"

    def test_predict(self, driver, tmp_path):
        page = LivePage(driver, tmp_path, example(), "predict")  # open at first
        assert [page.text(f"#n{k}g") for k in range(7)] == ["?"] * 6 + ["1"]
        page.type("answer", "-1")
        page.press("answer")
        assert page.said(".verdict").splitlines() == [
            "Right.", "v4.grad = f.grad × ∂f/∂v4", "= 1 × (−1) = −1",
        ]  # fmt: skip
        page.run("live.pick(3)")  # not the next one: v2
        page.type("answer", "half")
        page.press("answer")
        assert "half is not a number" in page.said(".verdict")
        page.type("answer", "1/2")
        page.press("answer")
        assert page.said(".verdict").startswith("Not 0.5.")
        assert page.text(".score") == "1 of 2 right"
        assert page.text("#n3g") == "1" and page.text("#n0g") == "?"
        page.click("[data-field=arrows]")
        assert page.text("#n3e0t") == "?"
        page.click("[data-field=arrows]")
        page.press("new")
        values, gradients = page.numbers()
        assert (values[0], values[Y]) != (2.0, 5.0) and np.isfinite([*values, *gradients]).all()
        assert page.text("#n0v") == digits(values[0]) and page.text("#n0g") == "?"
        page.tap("predict")
        assert page.text("#n0g") == digits(gradients[0])
        assert page.complaints() == []

    def test_a_gradient_of_nan_can_be_answered(self, driver, tmp_path):
        x = Value(-1.0, label="x")
        f = x.log() * 2.0
        page = LivePage(driver, tmp_path, f, "predict")
        page.run("live.pick(0)")
        page.type("answer", "nan")
        page.press("answer")
        f.backward()
        assert (math.isnan(x.grad), page.said(".verdict").splitlines()[0]) == (False, "Not nan.")
        x = Value(0.0, label="x")
        page = LivePage(driver, tmp_path, x.log() * x, "predict")
        page.run("live.pick(0)")
        page.type("answer", "NaN")
        page.press("answer")
        assert page.said(".verdict").splitlines()[0] == "Right."
        assert page.text(".score") == "1 of 1 right"

    def test_a_number_with_a_comma_is_refused_where_it_could_mean_two(self, page):
        for text, x in [("1,5", 1.5), ("0,125", 0.125), ("-3,25", -3.25), ("12,3456", 12.3456)]:
            page.type("value", text)
            assert page.numbers()[0][0] == x
        for text in ("1,000", "-1,000", "12,345", "1,000,000", "1,000.5"):
            page.type("value", text)
            assert page.numbers()[0][0] == 12.3456
            assert page.find("[data-field=value]").get_attribute("aria-invalid") == "true"
            assert page.said(".meaning") == (
                f"{text} is not a number: write 1000, 2.5, −0.1 or 3/4."
            )
        page.type("value", "1000")
        assert page.numbers()[0][0] == 1000.0 and page.said(".meaning").startswith("∂f/∂x")

    @pytest.mark.parametrize(
        ("x", "delta"),
        [(2.0, "0.2"), (-0.8, "0.05"), (10000.0, "1000"), (3e-7, "2e-8"), (0.0, "0.1"),
         (99.0, "5"), (math.inf, "0.1"), (math.nan, "0.1")],
    )  # fmt: skip
    def test_a_nudge_begins_at_about_a_tenth_of_the_number(self, driver, tmp_path, x, delta):
        x, y = Value(x, label="x"), Value(40.0, label="y")
        page = LivePage(driver, tmp_path, x * y, "nudge")
        chosen = "return root.querySelector('[data-field=delta]').value"
        page.run("live.choose(0)")
        assert page.run(chosen) == delta
        page.type("delta", "0.7")
        page.run("live.set(0, 1.0); live.flush()")  # what was typed stays
        assert page.run(chosen) == "0.7"
        page.run("live.choose(1)")
        assert page.run(chosen) == "2"
        assert "Move y by δ = 2" in page.said()

    def test_ticks_have_the_digits_that_tell_them_apart(self, driver, tmp_path):
        read = (
            "return [...root.querySelectorAll('.axes text:not(.name)')].map((e) => ["
            "e.getAttribute('text-anchor'), e.textContent, e.getBBox().x, e.getBBox().width])"
        )
        x = Value(0.5, label="x")
        for root in (x * 1e-3 + 10_000.0, x * -2.0 - 1e9, x * x):
            page = LivePage(driver, tmp_path, root, "slice")
            found = page.run(read)
            for anchor in ("middle", "end"):
                texts = [text for kind, text, *_ in found if kind == anchor]
                assert len(texts) > 2
                numbers = [float(text.replace("−", "-")) for text in texts]
                gaps = np.diff(numbers)
                assert gaps.min() > 0 and np.ptp(gaps) < 1e-6 * gaps.max(), texts
            assert all(left >= 0 for *_, left, _ in found), "none is cut off"
        x = Value(100_000.25, label="x")
        page = LivePage(driver, tmp_path, x * x, "slice")
        for _ in range(18):
            page.tap("narrower")
        found = sorted((x, x + width) for kind, _, x, width in page.run(read) if kind == "middle")
        assert len(found) > 1 and all(a[1] < b[0] for a, b in itertools.pairwise(found))

    def test_numbers_are_rounded_as_python_rounds_them(self, driver):
        r = random.Random(0)
        numbers = [float(f"{r.randrange(10**5)}5e{r.randrange(-9, 4)}") for _ in range(3000)]
        numbers += [r.randrange(10**6) / 2**k for k in range(1, 8) for _ in range(300)]
        numbers += [r.uniform(-1, 1) * 10 ** r.uniform(-12, 12) for _ in range(1000)]
        numbers += [math.ldexp(m, -k) for m in range(1, 300) for k in (1, 2, 3, 4, 20)]
        script = (Path(autograd.__file__).parent / "show" / "common.js").read_text("utf-8")
        driver.get("data:text/html,<p>")
        seen = driver.execute_script(f"{script}; return arguments[0].map(number)", numbers)
        assert seen == [digits(x) for x in numbers]

    def test_descend(self, driver, tmp_path):
        x, y = Value(3.0, label="x"), Value(1.0, label="y")
        f = x * x + y * y
        page = LivePage(driver, tmp_path, f)
        page.press("descend")
        page.press("step")
        page.press("step")
        assert page.numbers()[0][:2] == pytest.approx([3.0 * 0.8**2, 3.0**2 * 0.8**4])
        rows = page.run("return [...root.querySelectorAll('tbody tr')].map((r) => r.innerText)")
        assert [row.split()[1] for row in rows] == ["3", "2.4", "1.92"]
        page.press("restart")
        assert page.numbers()[0][0] == 3.0
        page.run("const s = root.querySelector('[data-field=who]'); s.value = 'all';"
                 "s.dispatchEvent(new Event('change'))")  # fmt: skip
        page.press("step")
        assert page.run("return live.leaves.map((i) => live.graph.v[i])") == [2.4, 0.8]
        page.type("rate", "1.1")
        page.press("step")
        assert "has gone up" in page.said(".said")
        # The window has grown with the trail.
        ends = page.run("const b = live.plot.window.getBBox(); return [b.x, b.x + b.width]")
        trail = page.run(
            "return [...root.querySelectorAll('.past')].map((c) => +c.getAttribute('cx'))"
        )
        assert len(trail) == 3 and ends[0] < min(trail) < max(trail) < ends[1]
        page.run("for (let k = 0; k < 80; k++) if (live.panels.descend.step()) break")
        assert re.match(r"Diverged after \d+ updates: v3 = \d.*e\+\d", page.said(".said"))
        page.press("restart")
        page.type("rate", "0.5")
        page.press("run")
        page.wait(lambda: "At rest" in page.said(".said"))
        assert page.text("[data-do=run]") == "Run"
        assert page.complaints() == []

    def test_the_sweep_at_the_numbers_of_now(self, page):
        page.set(0, 1.0)
        page.press("sweep")
        assert [page.text(f"#n{k}v") for k in range(7)] == ["1", "", "5", "", "", "", ""]
        x, y = Value(1.0, label="x"), Value(5.0, label="y")
        f = x.log() + x * y - y.sin()
        f.label = "f"
        steps = list(autograd.steps(f))
        for _ in range(5):
            page.tap("next")
        assert page.text("#n6v") == digits(f.data) and page.text("#n6g") == ""
        page.tap("next")
        assert page.text("#n6g") == "1" and page.text("#n5g") == "0"
        for step in steps[1:]:
            page.tap("next")
            title, *lines = page.said(".caption").splitlines()
            assert title == f"Backward: {step.title}, {step.names[step.node]}.grad = " + digits(
                step.grad
            )
            assert lines == [line.replace("  ", " ") for line in step.lines()]
        assert page.text(".panel output") == "11 / 11" and page.text("#n0g") == digits(6.0)
        page.press("previous")
        page.press("last")
        page.press("first")
        page.press("play")
        page.wait(lambda: page.text(".panel output") == "2 / 11")
        page.press("play")
        page.run("const r = root.querySelector('.panel input'); r.value = 11;"
                 "r.dispatchEvent(new Event('input'))")  # fmt: skip
        page.set(0, 2.0)  # also while it stands still
        assert page.text("#n0g") == "5.5"
        assert page.complaints() == []

    @pytest.mark.tools("browser", "axe")
    @pytest.mark.parametrize("dark", [False, True])
    def test_axe_finds_nothing(self, driver, page, dark):
        rules = browser.COLOURS if dark else None  # nothing else is of the scheme
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        try:
            page.wait(lambda: page.run("return live.element.matches('.dark')") == dark)
            assert browser.violations(driver, rules) == []
            for name in ("slice", "nudge", "paths", "predict", "descend", "sweep"):
                page.tap(name)
                if name in ("predict", "descend", "sweep"):
                    page.type("answer", "1") if name == "predict" else None
                    page.tap({"predict": "answer", "descend": "step", "sweep": "next"}[name])
                page.run("live.flush(); live.stage.rest()")
                assert browser.violations(driver, rules) == [], name
        finally:
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def test_values_that_overflow_are_shown_and_the_page_goes_on(self, driver, tmp_path):
        x = Value(1.0, label="x")
        page = LivePage(driver, tmp_path, x.exp() - (x * x).exp())
        for name in ("slice", "nudge", "paths", "descend", "sweep", "predict"):
            page.tap(name)
            page.set(0, 800.0)
            if name == "sweep":
                page.tap("last")
            assert page.text("#n1v") == "inf" and page.text("#n4v") == "nan"
            page.set(0, math.pi)
        assert page.text("#n1v") == digits(math.exp(math.pi))
        assert page.complaints() == []

    @pytest.mark.parametrize("at", [(1e300, 1e300), (1.7e308, 2.0), (1e-300, 1e-300)])
    def test_what_is_far_out_of_the_window_is_no_error(self, driver, tmp_path, at):
        a, b = (Value(x, label=label) for x, label in zip(at, "ab", strict=True))
        page = LivePage(driver, tmp_path, (a * b + a / b).tanh() + (a - b))
        for name in ("slice", "nudge", "descend"):
            page.tap(name)
        for _ in range(2):
            page.press("step")
        assert page.complaints() == []

    def test_a_tangent_is_spoken_of_where_there_is_one(self, driver, tmp_path):
        x = Value(0.0, label="x")
        page = LivePage(driver, tmp_path, x.sqrt())
        page.press("slice")
        assert page.said().endswith("no tangent here: x = 0, v1 = 0, ∂v1/∂x = inf.")
        page.set(0, 4.0)
        assert "the line has the slope ∂v1/∂x = 0.25" in page.said()

    def test_at_rest_the_gradient_is_what_it_is(self, driver, tmp_path):
        page = LivePage(driver, tmp_path, 1e-10 * Value(3.0, label="x") ** 2)
        page.press("descend")
        page.press("step")
        assert page.said(".said") == "At rest: the gradient is no larger than 6e−10 here."
        page.set(0, 0.0)
        page.press("step")
        assert page.said(".said") == "At rest: the gradient is 0 here."

    def test_the_picture_is_not_searched_for_each_of_many_nodes(self, driver, tmp_path):
        counting = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source":
            "window.searches = 0; const search = Element.prototype.querySelectorAll;"
            "Element.prototype.querySelectorAll = function (...given) {"
            " window.searches += 1; return search.apply(this, given); };"})  # fmt: skip
        try:
            LivePage(driver, tmp_path, chain(300))
            assert 0 < driver.execute_script("return searches") < 100
            draw(chain(300)).steps().save(tmp_path / "steps.html")
            Page(driver, (tmp_path / "steps.html").as_uri()).press("last")
            assert 0 < driver.execute_script("return searches") < 100
        finally:
            driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", counting)

    def test_labels_are_text_whatever_they_say(self, driver, tmp_path):
        root = Value(2.0, label="</script><script>document.title='broken'</script>")
        for label in ["<img src=x onerror=\"document.title='broken'\">", "</text></svg>%22'\"><b>",
                      "]]><!--", "&lt;b&gt; & \" ' \\u003c `${1}`", "θ☃ %41"]:  # fmt: skip
            root = root * Value(1.5, label=label)
            root.label = label + "<i>"
        page = LivePage(driver, tmp_path, root)
        for name in ("slice", "nudge", "paths", "predict", "descend", "sweep"):
            page.tap(name)
            page.run("live.pick(live.graph.root)")
        assert driver.title.startswith("Computation graph of θ☃ %41<i>")
        assert page.run("return root.querySelectorAll('img, i, script, .live svg b').length") == 0
        assert page.text("#n1 .name").startswith("<img src=x onerror")
        assert page.text("#n7 .name").startswith("&lt;b&gt; & \" ' \\u003c `${1}`")
        assert page.complaints() == []

    def test_a_number_stands_behind_a_name_that_is_read_from_right_to_left(self, driver, tmp_path):
        f = Value(2.0, label="שלום") * Value(3.0, label="سلام")
        page = LivePage(driver, tmp_path, f)
        # Where the name and the number behind it stand, in a line from left to right.
        where = (
            "const text = root.querySelector('.meaning').firstChild, all = text.data;"
            "const [a, b] = [all.indexOf('שלום'), all.indexOf(' = 3') + 3].map((at) => {"
            "  const range = document.createRange(); range.setStart(text, at);"
            "  range.setEnd(text, at + 1); return range.getBoundingClientRect().left; });"
            "return b - a"
        )
        assert page.run(where) > 0
        assert "\u2068" not in repr(draw(f)) + repr(draw(f).live()) + draw(f).source
        draw(f).steps().save(tmp_path / "steps.html")
        assert "\u2068שלום\u2069.grad += 1" in (tmp_path / "steps.html").read_text("utf-8")
        plain = draw(Value(2.0, label="x").exp()).steps().fragment()
        assert "\u2068" not in plain

    def test_a_slip_that_is_taken_back_is_forgotten(self, page):
        said = page.said(".meaning")
        for text in ("2", "2x", "2", "2x", ""):
            page.type("value", text)
            wrong = page.said(".meaning") == "2x is not a number: write 1000, 2.5, −0.1 or 3/4."
            assert wrong == (text == "2x")
        assert page.said(".meaning") == said

    def test_the_rate_that_is_typed_is_the_one_that_is_spoken_of(self, page):
        page.press("descend")
        assert page.said(".said").endswith("down towards a smaller f.")
        page.type("rate", "-0.1")  # at once, without a step
        assert "2 − (−0.1) × 5.5 = 2.55, up towards a larger f." in page.said(".said")

    def test_a_graph_that_cannot_be_moved(self, driver, tmp_path):
        f = example()
        page = LivePage(driver, tmp_path, f, stop=topological_order(f)[1:])
        assert not page.find(".bar").is_displayed()
        page.press("sweep")
        page = LivePage(driver, tmp_path, Value(3.0, label="x"))
        assert page.text("#n0v") == "3" and page.text("#n0g") == "1"
        assert page.complaints() == []

    def test_without_scripts_and_exported_from_a_notebook(self, driver, tmp_path):
        live = draw(example()).live()
        import nbformat  # these take seconds
        from nbconvert import HTMLExporter

        output = nbformat.v4.new_output("display_data", live._repr_mimebundle_())
        cells = [nbformat.v4.new_code_cell(outputs=[output], id=name) for name in ("a", "b")]
        notebook = nbformat.v4.new_notebook(cells=cells)
        body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
        (tmp_path / "page.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{body}", "utf-8")
        first, second = [Page(driver, (tmp_path / "page.html").as_uri(), i) for i in range(2)]
        first.press("slice")
        assert second.run("return root.querySelector('.panel').hidden")
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            driver.get((tmp_path / "page.html").as_uri())
            sizes = driver.execute_cdp_cmd("Runtime.evaluate", {
                "expression": "document.images[0].naturalWidth"})  # fmt: skip
            assert sizes["result"]["value"] > 300
        finally:
            driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_label_stands_in_a_page_as_it_is(tmp_path):
    label = ' d="M2.0 -1z" class="name" 7.0 l 3.0'
    x = Value(2.0, label=label)
    page = draw(x * 3.0).live()
    page.save(tmp_path / "page.html")
    for text in (page.fragment(), (tmp_path / "page.html").read_text("utf-8")):
        text = html.unescape(html.unescape(unquote(text)))
        assert f">{label}<" in text.replace("'", '"')


def test_a_page_has_the_functions_that_its_rows_call_and_no_other():
    x = Value(0.5, label="x")
    known = re.findall(r"^(?:function|const) (\w+)", javascript.RUNTIME, re.M)
    for f, there in (
        (x * x, set()),
        (x**2.5, {"pow"}),
        (autograd.max([x, x * x]), {"maximum", "minimum", "max", "sum"}),  # two are one piece
        (autograd.erf(x), {"gaussian", "erfNear", "erfcFar", "erf"}),
    ):
        rows = draw(f).live()._script.split("return[")[0]
        assert {name for name in known if re.search(rf"(function|let) ?{name}\b", rows)} == there


def test_scripts_lose_what_is_needed_only_to_be_read():
    script = """
    // what it is for
    const name = "two  words // kept";   // not kept
    let text = `a  ${ name }`, found = /[/ ]x/g.test(text);
    if (found || a < b) {
        b = a / 2 - 1;
    }
    list.map((x) => x.constant + "const;}").map(({ y }, i) => (y) => call(i));
    for (const x of list) return (x) => x;
    """
    assert squeezed(script) == (
        'let name="two  words // kept";let text=`a  ${ name }`,found=/[/ ]x/g.test(text);'
        "if(found||a<b){b=a/2-1}"
        'list.map(x=>x.constant+"const;}").map(({y},i)=>y=>call(i));for(let x of list)return(x)=>x;'
    )
