"""The stage in a browser: fitted, zoomed, searched, folded, by keyboard; no barriers anywhere."""

import math
import time

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import autograd
import nn
from autograd import Value, draw, trace
from autograd.show.notation import digits
from autograd.show.player import page as whole_page
from nn.cli import main
from tests import browser
from tests.browser import COLOURS, Page, violations
from tests.cases import expression

pytestmark = [pytest.mark.slow, pytest.mark.tools("browser")]


@pytest.fixture(scope="module")
def driver():
    driver = browser.start(900, 800)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


def media(driver, **features):
    features = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def network_graph(*widths):
    net = nn.MLP(2, [*widths], activation="tanh", rng=np.random.default_rng(0))
    loss = nn.bernoulli_nll(net([Value(0.5), Value(-1.0)]), 1)
    loss.label = "loss"
    loss.backward()
    return loss


def recurrent(steps):
    """h = tanh(w h + u x + b), again and again, with the same three parameters."""
    w, u, b = (Value(v, label=label) for v, label in ((0.5, "w"), (0.3, "u"), (0.1, "b")))
    h = Value(0.0, label="h0")
    for t in range(1, steps + 1):
        h = (w * h + u * Value(0.1 * t, label=f"x{t}") + b).tanh()
        h.label = f"h{t}"
    return h


def filmed():
    data = nn.datasets.load("moons")
    net = nn.MLP(2, [8, 1], activation="tanh", rng=np.random.default_rng(0))
    film = nn.Film(net, data.X_test[0], data.y_test[0], data=(data.X_test, data.y_test))
    nn.fit(net, nn.bernoulli_nll, data.X_train, data.y_train, epochs=2, batch_size=20, lr=0.5,
           rng=np.random.default_rng(1), progress=False, callbacks=[film])  # fmt: skip
    return film


def open_page(driver, folder, shown, name):
    shown.save(folder / f"{name}.html")
    return Page(driver, (folder / f"{name}.html").as_uri())


# ------------------------------------------------------------------------------------- barriers


def pages(folder):
    """One of every kind."""
    f = expression()
    net = nn.MLP(4, [6, 3], rng=np.random.default_rng(0))
    x = [0.5, -1.0, 0.0, 2.0]
    one = nn.draw(net, x, 1, nn.categorical_nll, picture=np.reshape(x, (2, 2)))
    way = {"b = 1": [(0.0, 0.0), (1.0, 0.5), (0.5, 0.9)], "b = n": [(0.0, 0.0), (0.5, 0.5)]}
    walks = nn.walks(lambda u, v: (u - 1) ** 2 + v**2, way, (-1, -1), (2, 2))
    shown = {"still": draw(f), "steps": draw(f).steps(), "folded": draw(network_graph(8, 8, 1)),
             "network": one, "layers": one.steps(), "film": filmed(), "walks": walks}  # fmt: skip
    for name, it in shown.items():
        it.save(folder / f"{name}.html")
    table = whole_page("A trace", f"<h1>A trace</h1>{trace(f)._repr_html_()}")
    (folder / "trace.html").write_bytes(table)
    assert main(["train", "moons", "--epochs", "2", "--widths", "3", "--quiet",
                 "--out", str(folder)]) == 0  # fmt: skip
    return [*shown, "trace", "report"]


GROUND = """
const shown = document.querySelector("[data-chalkgrad]");
return [document.documentElement, document.body, shown, ...(shown?.shadowRoot?.children ?? [])].map(
  (e) => e && getComputedStyle(e).color).join()"""  # of letters, which a scheme changes


@pytest.mark.tools("browser", "axe")
def test_no_page_has_a_barrier_that_axe_knows(driver, folder):
    found = {}
    for name in pages(folder):
        media(driver, prefers_color_scheme="dark")
        shown = Page(driver, (folder / f"{name}.html").as_uri())
        found[name, "dark"] = violations(driver, COLOURS)  # nothing else is of the scheme
        ground = driver.execute_script(GROUND)
        media(driver, prefers_color_scheme="light")
        shown.wait(lambda ground=ground: driver.execute_script(GROUND) != ground)
        found[name, "light"] = violations(driver)
        assert shown.complaints() == []
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.tools("browser", "axe")
def test_axe_finds_a_barrier_where_there_is_one(driver, folder):
    (folder / "bad.html").write_text("<!DOCTYPE html><img src='data:,'><button></button>")
    driver.get((folder / "bad.html").as_uri())
    assert {line.split(":")[0] for line in violations(driver)} >= {"image-alt", "button-name"}
    (folder / "pale.html").write_text("<p style='color: #eee; background: #fff'>pale</p>")
    driver.get((folder / "pale.html").as_uri())
    assert [line.split(":")[0] for line in violations(driver, COLOURS)] == ["color-contrast"]


# ------------------------------------------------------------------------------------- keyboard


def test_one_tab_stop_for_all_boxes_and_up_and_down_between_them(driver, folder):
    page = open_page(driver, folder, draw(expression()).steps(), "keys")
    stops = "return root.querySelectorAll('.stage svg [tabindex=\"0\"]').length"
    focused = "return root.activeElement.id"
    assert page.run(stops) == 1
    page.run("root.querySelector('#n0').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.run(focused) == "n2"
    page.keys(Keys.ARROW_UP)
    assert (page.run(focused), page.run(stops), page.at) == ("n1", 1, 0)
    page.keys(Keys.ARROW_RIGHT)  # still the steps, and the focus stays
    assert (page.run(focused), page.at) == ("n1", 1)


def test_an_arrow_key_moves_the_player_that_is_in_sight(driver, folder):
    body = draw(expression()).steps().fragment() + "<p style='height: 1500px'></p>"
    body += draw(expression()).steps().fragment() + draw(expression())._page().fragment()
    (folder / "two.html").write_text(f"<!DOCTYPE html>{body}", encoding="utf-8")
    first = Page(driver, (folder / "two.html").as_uri(), 0)
    first.keys(Keys.ARROW_RIGHT)
    driver.execute_script("scrollTo(0, 2000)")
    first.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert first.at == 1
    first.number = 1
    assert first.at == 2


def test_keys_do_not_scroll_the_page(driver, folder):
    body = "<p style='height: 900px'></p>" + draw(expression()).steps().fragment()
    (folder / "low.html").write_text(f"<!DOCTYPE html>{body}<p style='height: 900px'></p>")
    page = Page(driver, (folder / "low.html").as_uri())
    page.press("next")
    before = driver.execute_script("return scrollY")
    assert before > 0
    page.keys(Keys.HOME, Keys.HOME, Keys.ARROW_LEFT, Keys.END, Keys.END)
    assert driver.execute_script("return scrollY") == before
    assert page.at == page.last


def test_the_speed_of_play_can_be_chosen(driver, folder):
    page = open_page(driver, folder, draw(expression()).steps(), "speed")
    seen = [page.text("[data-do=speed]")]
    for _ in range(4):
        page.press("speed")
        seen.append(page.text("[data-do=speed]"))
    assert seen == ["1×", "2×", "4×", "½×", "1×"]
    page.press("speed"), page.press("speed")
    begin = time.monotonic()
    page.press("play")
    page.wait(lambda: page.at >= 8)
    assert page.run("return root.querySelector('[data-do=speed]').textContent") == "4×"
    assert time.monotonic() - begin < 8 * 0.9  # as it takes at 1x at least; no more is asserted


# ------------------------------------------------------------------------------ fit, zoom, pan


def scale_of(page):
    return page.run("const s = root.querySelector('.view svg');"
                    "return s.clientWidth / s.getAttribute('width')")  # fmt: skip


def test_fit_zoom_and_the_overview(driver, folder):
    page = open_page(driver, folder, draw(recurrent(8)), "zoom")
    fits = ("const v = root.querySelector('.view'); return [v.scrollWidth <= v.clientWidth + 1,"
            " v.scrollHeight <= v.clientHeight + 1]")  # fmt: skip
    assert scale_of(page) == pytest.approx(0.75, abs=0.01)  # it can be read
    assert page.find(".map").is_displayed()
    page.click("[data-view=fit]")
    assert page.run(fits) == [True, True]
    assert not page.find(".map").is_displayed()
    small_scale = scale_of(page)
    page.click("[data-view=in]")
    assert scale_of(page) == pytest.approx(1.3 * small_scale, rel=0.02)
    for _ in range(8):
        page.click("[data-view=in]")
    box = page.find(".map")
    assert page.run("return root.querySelector('.view').scrollLeft") != 0
    page.run("""
        const map = root.querySelector('.map'), box = map.getBoundingClientRect();
        map.dispatchEvent(new PointerEvent('pointerdown', {clientX: box.right, clientY: box.top}));
        """)
    assert box.is_displayed()
    view = "const v = root.querySelector('.view');"
    place = f"{view} return v.scrollWidth - v.clientWidth - v.scrollLeft"
    assert abs(page.run(place)) <= 2
    assert page.complaints() == []


def test_a_mouse_drags_the_picture_and_picks_nothing_by_that(driver, folder):
    page = open_page(driver, folder, draw(recurrent(8)), "drag")
    actions = browser.actions(driver)
    actions.move_to_element(page.find(".again")).click_and_hold().move_by_offset(-90, 0).release()
    actions.perform()
    assert page.run("return root.querySelector('.view').scrollLeft") == pytest.approx(90, abs=3)
    assert not page.find(".detail").is_displayed()
    page.click(".again")
    assert page.find(".detail").is_displayed()


@pytest.mark.parametrize("width", [360, 600, 900, 1200])
def test_no_page_is_wider_than_its_window(driver, folder, width):
    driver.set_window_size(width, 900)
    try:
        page = open_page(driver, folder, draw(expression()).steps(), "width")
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert page.find("[data-do=next]").is_displayed()
    finally:
        driver.set_window_size(900, 800)


def test_a_film_of_eight_neurons_is_seen_whole(driver, folder):
    page = open_page(driver, folder, filmed(), "whole")
    cut = """
        const view = root.querySelector('.view').getBoundingClientRect();
        const places = [...root.querySelectorAll('.neuron')].map(e => e.getBoundingClientRect());
        return places.filter(b => b.top < view.top || b.bottom > view.bottom).length;"""
    assert page.run(cut) == 0


def test_texts_stay_inside_their_boxes(driver, folder):
    x, y = Value(-1.2345e-300, label="Wave%@mmmmmW"), Value(-123456.0, label="MMMM")
    graph = x * y + (x * 1.2345e10).exp()
    graph.backward()
    net = nn.MLP(3, [5, 2], activation="tanh", rng=np.random.default_rng(0))
    for p in net.parameters():
        p.data *= 1e-3
    shown = [draw(graph), nn.draw(net, [-0.000123, -1.0, -1.23e-7], 1, nn.categorical_nll)]
    over = """
        const bad = [];
        for (const text of root.querySelectorAll('.node:not(.fold) text')) {
          const box = text.closest('.node').querySelector('.frame').getBoundingClientRect();
          const t = text.getBoundingClientRect();
          if (t.left < box.left + 2 || t.right > box.right - 2) bad.push(text.textContent);
        }
        for (const text of root.querySelectorAll('.neuron text')) {
          const c = text.closest('.neuron').querySelector('.ring').getBoundingClientRect();
          const t = text.getBoundingClientRect(), r = c.width / 2;
          const [x, y] = [c.left + r, c.top + r], inset = t.height * 0.2;
          for (const px of [t.left, t.right]) for (const py of [t.top + inset, t.bottom - inset])
            if (Math.hypot(px - x, py - y) > r) bad.push(text.textContent);
        }
        return bad;"""
    for i, it in enumerate(shown):
        assert open_page(driver, folder, it, f"inside{i}").run(over) == []


# --------------------------------------------------------------------------- search, and folding


def visible(page):
    return page.run("return [...root.querySelectorAll('.node')].filter(e => e.style.display !== "
                    "'none').map(e => e.id || e.querySelector('.name').textContent)")  # fmt: skip


def test_a_search_finds_and_shows(driver, folder):
    page = open_page(driver, folder, draw(recurrent(8)), "search")
    field = page.find("[type=search]")
    field.send_keys("h")
    assert page.text(".hits") == "1 of 17"  # h0 to h8, and w * h0 to w * h7
    field.clear()
    field.send_keys("h7")
    assert page.text(".hits") == "1 of 2"
    field.send_keys(Keys.ENTER)
    assert page.text(".hits") == "2 of 2"
    seen = ("const b = root.querySelector('[data-found]').getBoundingClientRect(), v ="
            " root.querySelector('.view').getBoundingClientRect();"
            "return b.left >= v.left && b.right <= v.right")  # fmt: skip
    assert page.run(seen)
    field.send_keys("nobody")
    assert page.text(".hits") == "none"


def test_layers_fold_and_unfold(driver, folder):
    root = network_graph(8, 8, 1)
    page = open_page(driver, folder, draw(root), "layers")
    folds = ["layer 3 ▸", "layer 2 ▸", "layer 1 ▸", "the input ▸"]
    shown = visible(page)
    assert sorted(name for name in shown if "▸" in name) == sorted(folds)
    assert len(shown) < 12  # of 146, it is folded at first
    assert "nn.draw(net, x, y, loss)" in page.caption
    page.run("root.querySelector('details').open = true")
    page.click("[data-fold='layer 1']")
    opened = visible(page)
    assert "layer 1 ▸" not in opened
    assert len(opened) == len(shown) - 1 + 2 * 8 + 8 + 8 + 8  # theta, b, a, x
    page.click("[data-fold='']")
    page.click("[data-fold='']")
    total = len(autograd.topological_order(root))
    assert len(visible(page)) == total
    original = page.run("return root.querySelector('#n5').getAttribute('transform')")
    page.click("[data-fold='layer 2']")
    page.run("root.querySelector('.node.fold:not([style*=none])').focus()")
    page.keys(Keys.ENTER)  # by keyboard too
    assert len(visible(page)) == total
    assert page.run("return root.querySelector('#n5').getAttribute('transform')") == original
    assert page.complaints() == []


def test_folded_boxes_do_not_lie_over_each_other(driver, folder):
    page = open_page(driver, folder, draw(network_graph(8, 8, 1)), "apart")
    page.run("root.querySelector('details').open = true")
    page.click("[data-fold='layer 2']")
    meet = """
        const boxes = [...root.querySelectorAll('.node')].filter(e => e.style.display !== 'none')
          .map(e => e.querySelector('.frame').getBoundingClientRect());
        return boxes.filter((a, i) => boxes.some((b, j) => j < i && a.left < b.right && b.left <
          a.right && a.top < b.bottom && b.top < a.bottom)).length;"""
    assert page.run(meet) == 0


def test_a_label_folds_what_it_alone_was_computed_from(driver, folder):
    page = open_page(driver, folder, draw(recurrent(8)), "labels")
    before = visible(page)
    page.run("root.querySelector('details').open = true")
    page.click("[data-fold='h3']")
    after = visible(page)
    assert "h3 ▸" in after
    assert len(before) - len(after) == 5 - 1  # w*h, u*x, two sums, tanh
    field = page.find("[type=search]")
    field.send_keys("h3")
    assert len(visible(page)) == len(before)  # what is found is unfolded


def test_layers_of_neurons_fold(driver, folder):
    net = nn.MLP(2, [16, 16, 1], activation="tanh", rng=np.random.default_rng(0))
    page = open_page(driver, folder, nn.draw(net, [0.5, 1.0], 1, nn.bernoulli_nll), "circles")
    page.run("root.querySelector('details').open = true")
    page.click("[data-fold='layer 1']")
    hidden = ("return [...root.querySelectorAll('.neuron, .w')].filter(e => e.style.display ==="
              " 'none').length")  # fmt: skip
    assert page.run("return [...root.querySelectorAll('.neuron')].filter(e => e.style.display === "
                    "'none').length") == 16  # fmt: skip
    page.click("[data-fold='layer 1']")
    assert page.run(hidden) == 0


# ------------------------------------------------------------------------ numbers, and two places


def test_what_is_drawn_anew_changes_with_what_it_repeats(driver, folder):
    page = open_page(driver, folder, draw(recurrent(12)).steps(), "again")
    copies = ("return [...root.querySelectorAll('[data-as]')].filter(e => e.textContent !=="
              " root.querySelector('#' + e.dataset.as).textContent).length")  # fmt: skip
    assert page.run("return root.querySelectorAll('.again').length") > 20
    for name in ("last", "previous", "first", "next"):
        page.press(name)
        assert page.run(copies) == 0
    assert page.run("return root.querySelector('.again .name').textContent").endswith(", again")
    page.press("last")
    page.run("root.querySelector('.again').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert page.find(".detail").is_displayed()


def test_a_weight_is_read_by_a_touch_near_its_line_and_by_keyboard(driver, folder):
    net = nn.MLP(2, [3, 1], activation="tanh", rng=np.random.default_rng(0))
    page = open_page(driver, folder, nn.draw(net, [0.5, -1.0], 1, nn.bernoulli_nll), "weight")
    page.run("""
        const w = root.querySelector('#w2_0_1'), p = w.getPointAtLength(w.getTotalLength() / 2);
        const at = new DOMPoint(p.x, p.y + 5).matrixTransform(w.getScreenCTM());
        root.querySelector('.stage svg').dispatchEvent(
          new MouseEvent('click', {bubbles: true, clientX: at.x, clientY: at.y}));""")
    text = digits(net.layers[0].neurons[2].w[0].data)
    found = digits(net.layers[1].neurons[0].w[1].data)
    assert page.text(".detail").startswith(f"theta2[0,1] = {found}gradient")
    page.keys(Keys.ESCAPE)
    page.run("root.querySelector('#u1_2').focus()")
    page.keys(Keys.ENTER)
    assert f"theta1[2,:] = {text}, " in page.text(".detail")


# --------------------------------------------------------------------------------- dark, on paper


def test_a_picture_that_is_saved_follows_the_reader_s_colours(driver, folder):
    net = nn.MLP(2, [2, 1], rng=np.random.default_rng(0))
    nn.draw(net, [0.5, 1.0], 1, nn.bernoulli_nll).save(folder / "net.svg")
    draw(expression()).save(folder / "f.svg")
    scripts = {
        "net": "return getComputedStyle(document.documentElement).backgroundColor",
        "f": "return getComputedStyle(document.querySelector('.graph > polygon')).fill",
    }
    for name, script in scripts.items():
        seen = []
        for scheme in ("light", "dark"):
            media(driver, prefers_color_scheme=scheme)
            driver.get((folder / f"{name}.svg").as_uri())
            seen.append(driver.execute_script(script))
        assert seen == ["rgb(255, 255, 255)", "rgb(27, 28, 30)"]
    media(driver, prefers_color_scheme="light")


def test_on_paper_the_whole_graph(driver, folder):
    page = open_page(driver, folder, draw(recurrent(8)), "paper")
    page.click("[data-view=in]")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        whole = ("const v = root.querySelector('.view'), s = v.firstChild.getBoundingClientRect();"
                 "return [s.width <= v.clientWidth + 1, s.height <= v.clientHeight + 1,"
                 " getComputedStyle(v).overflow]")  # fmt: skip
        assert page.run(whole) == [True, True, "visible"]
        assert not page.find(".tools").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("kind", ["still", "live", "network", "report"])
def test_paper_is_light_and_has_no_controls(driver, folder, kind):
    net = nn.MLP(2, [3, 1], rng=np.random.default_rng(0))
    shown = {"still": draw(expression()), "live": draw(expression()).live("slice"),
             "network": nn.draw(net, [1.0, 2.0], 1, nn.bernoulli_nll).steps()}  # fmt: skip
    media(driver, prefers_color_scheme="dark")
    if kind == "report":
        assert main(["train", "moons", "--epochs", "1", "--widths", "3", "--quiet",
                     "--out", str(folder)]) == 0  # fmt: skip
        page = Page(driver, (folder / "report.html").as_uri())
    else:
        page = open_page(driver, folder, shown[kind], "dark")
    look = (
        "const [frame, picture] = [root.querySelector('.player, .live'), root.querySelector("
        "'.view > svg')], of = (e, name) => getComputedStyle(e)[name]; return [of(document.body, "
        "'color'), of(frame, 'backgroundColor'), of(frame, 'color'), of(picture, "
        "'backgroundColor'), of(picture.querySelector('text'), 'fill')]"
    )
    dark = page.run(look)
    assert dark[1] == dark[3] == "rgb(27, 28, 30)"
    feature = [{"name": "prefers-color-scheme", "value": "dark"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": feature})
    try:
        ink = "rgb(28, 28, 28)"
        paper = "rgb(255, 255, 255)"
        assert page.run(look)[:4] == ["rgb(0, 0, 0)", paper, ink, paper]
        assert page.run(look)[4] in (ink, "rgb(92, 92, 92)")
        seen = (
            "return [...root.querySelectorAll('button, select, [type=range], .tools, .bar, .tabs')]"
            ".filter((e) => e.checkVisibility()).map((e) => e.outerHTML)"
        )
        assert page.run(seen) == []
        if kind == "report":
            filters = "return getComputedStyle(document.querySelector('.figures svg')).filter"
            assert driver.execute_script(filters) == "none"
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_on_paper_all_boxes_of_a_live_page_are_written(driver, folder):
    page = open_page(driver, folder, draw(recurrent(12)).live(), "paper")
    page.run(
        "root.querySelectorAll('[data-fold]')[0].click(); if (root.querySelector('[data-fold]')"
        ".checked) root.querySelectorAll('[data-fold]')[0].click()"
    )
    out = "return root.querySelectorAll('.node[data-out]').length"
    assert page.run(out) > 5
    page.run(
        "addEventListener('beforeprint', () => { document.title = String(root.querySelectorAll("
        "'.far, [data-out]').length) })"
    )
    driver.print_page()
    assert driver.title == "0"
    assert page.run(out) > 5


def test_the_region_and_the_mark_move_with_the_film(driver, folder):
    page = open_page(driver, folder, filmed(), "film")
    seen = set()
    for _ in range(6):
        seen.add(page.run("return root.querySelector('#region').getAttribute('href')"))
        page.press("next")
    assert len(seen) > 3
    assert all(address.startswith("data:image/png;base64,") for address in seen)
    page.wait(lambda: page.run("return root.querySelector('#region').getBBox().width > 100"))
    assert page.complaints() == []
    assert math.isfinite(float(page.find("#mark").get_attribute("cx")))
    assert driver.find_element(By.TAG_NAME, "main")
