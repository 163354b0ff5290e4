"""The pages in a real browser: the stepper and the network, saved, exported, and in JupyterLab."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from traitlets.config import Config

import nn
from autograd import Drawing, Value, draw, topological_order
from autograd.show.notation import digits
from nn.cli import main
from tests import browser
from tests.browser import Page

pytestmark = [pytest.mark.slow, pytest.mark.tools("browser")]

HOSTILE = [
    "</script><script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "</text></svg><b>",
    "]]><!--",
    "&lt;b&gt; & \" ' \\u003c",
    "\N{GREEK SMALL LETTER THETA}\N{SNOWMAN}",
]


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture(autouse=True)
def light(driver):
    scheme(driver, "light")


def scheme(driver, value):
    feature = {"name": "prefers-color-scheme", "value": value}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def example():
    """f = ln x + x y - sin y of Baydin et al. (2018), with x used twice, y twice."""
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    f = x.log() + x * y - y.sin()
    f.label = "f"
    return f


@pytest.fixture
def page(driver, tmp_path):
    return open_page(driver, tmp_path, draw(example()).steps())


def open_page(driver, tmp_path, player):
    player.save(tmp_path / "page.html")
    return Page(driver, (tmp_path / "page.html").as_uri())


# ------------------------------------------------------------------------------- the saved page


def test_the_last_step_shows_the_gradients_that_the_engine_computes(page):
    f = example()
    f.backward()
    page.press("last")
    for i, v in enumerate(topological_order(f)):
        assert page.text(f"#n{i}v") == digits(v.data)
        assert page.text(f"#n{i}g") == digits(v.grad)
    assert page.complaints() == []


def test_values_fill_in_first_and_gradients_after(page):
    numbers = [
        page.run("return [...root.querySelectorAll('svg [id$=' + arguments[0] + ']')].filter("
                 "e => e.matches('text') && e.textContent !== '').length", letter)
        for _ in range(page.last + 1)
        for letter in ("v", "g")
        if letter == "v" or not page.press("next" if page.at < page.last else "last")
    ]  # fmt: skip
    values, gradients = numbers[::2], numbers[1::2]
    assert values == [2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7]
    # Read one step later than the values.
    assert gradients == [0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7]


def test_on_paper_the_finished_picture_without_controls(driver, page):
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.at == page.last
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not page.find(".controls").is_displayed()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert page.find(".controls").is_displayed()
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.at == 0
    page.press("next")  # whoever has gone somewhere prints that
    for event in ("beforeprint", "afterprint"):
        page.run("dispatchEvent(new Event(arguments[0]))", event)
        assert page.at == 1


def test_every_control(page):
    last = page.last
    assert page.at == 0
    page.press("next")
    page.press("next")
    assert page.at == 2
    page.press("previous")
    assert page.at == 1
    page.press("last")
    assert page.at == last
    page.press("first")
    assert page.at == 0
    page.press("play")
    page.wait(lambda: page.at == 2)
    page.press("play")  # it pauses
    held = page.at
    time.sleep(1.2)
    assert page.at == held
    slider = page.find("input[type=range]")
    slider.send_keys(Keys.END)
    assert page.at == last
    slider.send_keys(Keys.ARROW_LEFT)
    assert page.at == last - 1
    assert page.complaints() == []


def test_buttons_that_lead_nowhere_say_so_and_keep_the_focus(page):
    def enabled():
        names = ("first", "previous", "play", "next", "last")
        ends = [page.find(f"[data-do={n}]").get_attribute("aria-disabled") for n in names]
        return [n for n, end in zip(names, ends, strict=True) if end != "true"]

    assert enabled() == ["play", "next", "last"]
    page.press("next")
    assert enabled() == ["first", "previous", "play", "next", "last"]
    page.press("last")
    assert enabled() == ["first", "previous", "play"]
    # At the end the button pressed still has the keys: not so if it were disabled.
    page.keys(Keys.ARROW_LEFT)
    assert page.at == page.last - 1
    page.press("first")
    page.keys(Keys.END)
    assert page.at == page.last
    page.keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert page.at == 1


def test_playing_ends_at_the_last_step_and_begins_again(page):
    page.press("last")
    page.press("previous")
    page.press("play")
    page.wait(lambda: page.at == page.last)
    assert page.find("[data-do=play]").get_attribute("aria-label") == "Play (space)"
    page.press("play")
    assert page.at == 0


def test_keys(page):
    page.click("#n0")
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert page.at == 1
    page.keys(Keys.END)
    assert page.at == page.last
    page.keys(Keys.HOME)
    assert page.at == 0
    page.find("[data-do=first]")
    page.run("root.querySelector('[data-do=next]').focus()")
    page.keys(Keys.ENTER)
    page.keys(Keys.SPACE)
    assert page.at == 2


def test_back_is_the_way_forth(page):
    """Wherever one comes from, a step looks the same."""
    seen = {}
    for _ in range(page.last + 1):
        seen[page.at] = page.picture, page.caption
        if page.at < page.last:
            page.press("next")
    assert len(seen) == page.last + 1
    walk = random.Random(0)
    for _ in range(40):
        move = walk.choice(["first", "previous", "next", "last", "slide"])
        if move == "slide":
            to = walk.randrange(page.last + 1)
            page.run("const s = root.querySelector('input'); s.value = arguments[0];"
                     "s.dispatchEvent(new Event('input'))", to)  # fmt: skip
            assert page.at == to
        else:
            page.run("root.querySelector('[data-do=' + arguments[0] + ']').click()", move)
        assert (page.picture, page.caption) == seen[page.at]


def test_the_chain_rule_stands_below_in_numbers_and_adds_up(page):
    page.press("last")
    page.press("previous")
    assert page.caption.splitlines() == [
        "Backward: v2 = x * y, v2.grad = 1",
        "x.grad += 1 × 5 (0 → 5)",
        "y.grad += 1 × 2 (−0.2837 → 1.716)",
    ]
    page.press("next")
    assert page.caption.splitlines()[1] == "x.grad += 1 × 0.5 (5 → 5.5)"


def test_the_active_node_and_its_arrows_are_lit(page):
    def lit():
        return page.run("return [...root.querySelectorAll('[data-on]')].map(e => e.id)")

    page.press("last")
    assert lit() == ["n1e0", "n1"]  # v1 = log(x), and the arrow from x
    page.press("previous")
    assert lit() == ["n3e0", "n3e1", "n3"]


def test_a_click_shows_the_whole_sum_over_the_uses(page):
    detail = "return root.querySelector('.detail').innerText"
    page.click("#n0")
    assert page.run(detail).splitlines() == [
        "x = 2",
        "x.grad = v2.grad × ∂v2/∂x + v1.grad × ∂v1/∂x",
        "= 1 × 5 + 1 × 0.5 = 5.5",
    ]
    page.click("#n0")
    assert page.find(".detail").is_displayed() is False
    page.run("root.querySelector('#n3').focus()")
    page.keys(Keys.ENTER)
    assert page.run(detail).startswith("v2 = x * y = 10")
    page.keys(Keys.ESCAPE)
    assert page.find(".detail").is_displayed() is False


def test_what_a_screen_reader_is_told(page):
    labels = page.run("return [...root.querySelectorAll('.controls button')].map(b => b.ariaLabel)")
    assert labels == [
        "First step (Home)", "Previous step (left arrow)", "Play (space)",
        "Next step (right arrow)", "Last step (End)", "1\u00d7, the speed of play: change",
    ]  # fmt: skip
    assert page.find(".caption").get_attribute("aria-live") == "polite"
    page.press("last")
    # A box's name is what stands in it, its gradient too.
    assert page.find("#n3").aria_role == "button"
    assert page.find("#n3").accessible_name == "v2 = x * y value 10 grad 1"
    page.press("first")
    assert page.text("figcaption").startswith("Computation graph of f")
    assert page.find("input").get_attribute("aria-valuetext").startswith("Start")
    assert "Computation graph of f" in page.find(".stage svg").get_attribute("aria-label")


@pytest.mark.parametrize("value", ["light", "dark"])
def test_ink_stands_out_from_paper(driver, page, value):
    scheme(driver, value)
    expected = value == "dark"
    page.wait(lambda: page.run("return root.querySelector('.player.dark') !== null") == expected)
    colours = page.run(
        "const css = (e, p) => getComputedStyle(e)[p].match(/[0-9.]+/g).slice(0, 3).map(Number);"
        "return [css(root.querySelector('.player'), 'backgroundColor'),"
        " css(root.querySelector('.stage svg'), 'backgroundColor'),"
        " css(root.querySelector('.caption'), 'color'),"
        " css(root.querySelector('#n0v'), 'fill')]"
    )
    page_paper, paper, text, ink = (sum(c) / 3 for c in colours)
    assert abs(page_paper - text) > 150 and abs(paper - ink) > 150
    assert (paper < 100) == expected


def test_labels_are_text_whatever_they_say(driver, tmp_path):
    leaves = [Value(float(i), label=label) for i, label in enumerate(HOSTILE, start=1)]
    root = leaves[0]
    for v in leaves[1:]:
        root = root * v
        root.label = v.label + "<i>"
    player = draw(root).steps()
    data = re.search(r'<script type="application/json">(.*?)</script>', player.fragment(), re.S)
    assert not set("<>&") & set(data[1])
    page = open_page(driver, tmp_path, player)
    for _ in range(page.last):
        page.press("next")
    assert driver.title != "broken"
    assert page.run("return root.querySelectorAll('img, b b, script, i').length") == 0
    shown = page.run("return root.querySelector('#n0 .name').textContent")
    assert shown == "</script><script>document.title='broken…"
    page.click("#n1")
    assert "<img src=x onerror" in page.text(".detail")
    assert page.complaints() == []


@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 0.0])
def test_numbers_that_are_not_finite(driver, tmp_path, x):
    v = Value(x, label="x")
    root = v * v + v.log()
    page = open_page(driver, tmp_path, draw(root).steps())
    page.press("last")
    root.backward()
    assert page.text("#n0v") == digits(x) and page.text("#n0g") == digits(v.grad)
    assert page.find("#n0f").get_attribute("class") == "odd"
    assert page.complaints() == []


def test_a_graph_of_one_node(driver, tmp_path):
    page = open_page(driver, tmp_path, draw(Value(3.0, label="x")).steps())
    page.press("last")
    assert (page.text("#n0v"), page.text("#n0g"), page.last) == ("3", "1", 1)


def test_one_input_twice_has_two_arrows(driver, tmp_path):
    x = Value(3.0, label="x")
    page = open_page(driver, tmp_path, draw(x * x).steps())
    page.press("last")
    assert page.caption.splitlines()[1:] == ["x.grad += 1 × 3 (0 → 3)", "x.grad += 1 × 3 (3 → 6)"]
    assert page.run("return root.querySelectorAll('.edge').length") == 2


def test_several_players_in_one_page(driver, tmp_path):
    player = draw(example()).steps()
    body = player.fragment() * 2 + draw(Value(1.0).exp()).steps().fragment()
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html>{body}", encoding="utf-8")
    pages = [Page(driver, (tmp_path / "page.html").as_uri(), i) for i in range(3)]
    pages[1].press("last")
    pages[2].press("next")
    assert [page.at for page in pages] == [0, 11, 1]


# -------------------------------------------------------------------------------- the network


def network():
    net = nn.MLP(2, [3, 2, 1], ["relu", "tanh"], rng=np.random.default_rng(0))
    return net, [0.5, -1.0], 1


def test_the_network_layer_by_layer(driver, tmp_path):
    net, x, y = network()
    page = open_page(driver, tmp_path, nn.draw(net, x, y, nn.bernoulli_nll).steps())
    assert page.last == 7  # three layers, the loss, three layers
    page.press("last")
    assert "Delta1[0] = 1 × (0.8247 × 1.085 + (−0.8003) × 0.1047) = 0.8109" in page.caption
    result = nn.backpropagate(net, nn.bernoulli_nll, x, y)
    for l in (1, 2, 3):
        for j, (a, delta) in enumerate(zip(result.a[l], result.delta[l], strict=True)):
            assert page.text(f"#u{l}_{j}a") == f"a {digits(float(f'{a:.3g}'))}"
            shown = {f"Δ {digits(float(f'{d:.3g}'))}" for d in (delta, delta + 0.0)}  # −0 or 0
            assert page.text(f"#u{l}_{j}d") in shown
            off = page.find(f"#u{l}_{j}").get_attribute("class") == "neuron off"
            assert off == (l == 1 and a <= 0)
            for i, d in enumerate(result.gradients[l][j]):
                title = page.text(f"#w{l}_{j}_{i} title")
                w = net.layers[l - 1].neurons[j].w[i].data
                weight = f"theta{l}[{j},{i}] = {digits(w)}, gradient "
                assert title in {weight + digits(float(g)) for g in (d, d + 0.0)}  # −0 or 0
    page.click("#u1_2")
    assert "Delta1[2] = 0 ×" in page.text(".detail")
    assert page.complaints() == []


def test_a_network_alone_has_no_controls(driver, tmp_path):
    nn.draw(*network(), nn.bernoulli_nll).save(tmp_path / "net.html")
    page = Page(driver, (tmp_path / "net.html").as_uri())
    assert not page.find(".controls").is_displayed()
    page.click("#u3_0")
    assert "Delta3[0] = 0.3792 - 1 = −0.6208" in page.text(".detail")


# ------------------------------------------------------------------- the report, and the film in it


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of one, of a table whose words would like to be markup."""
    folder = tmp_path_factory.mktemp("report")
    rows = ["a,b,<kind>"]
    for i in range(60):
        word = "<b>&one" if i % 7 > 3 else "<img src=x onerror=document.title='broken'>"
        rows.append(f"{i % 7},{(i * i) % 11},{word}")
    (folder / "table.csv").write_text("\n".join(rows), encoding="utf-8")
    assert main(["train", str(folder / "table.csv"), "--target", "<kind>", "--epochs", "3",
                 "--out", str(folder), "--widths", "3", "--quiet"]) == 0  # fmt: skip
    return (folder / "report.html").as_uri()


@pytest.mark.parametrize("value", ["light", "dark"])
def test_the_report(driver, report, value):
    scheme(driver, value)
    network, film = Page(driver, report, 0), Page(driver, report, 1)
    still = "return [...document.querySelectorAll('[data-chalkgrad] > svg')]"
    still += ".map((e) => e.checkVisibility())"
    assert driver.execute_script(still) == [False] * 3  # for where no script may be: test_bare
    assert driver.title != "broken"
    assert driver.find_elements(By.CSS_SELECTOR, "body > b, img[src=x]") == []
    images = driver.find_elements(By.CSS_SELECTOR, ".figures svg")
    # All that are for two classes and two columns; which these are is tested with the plots.
    expected = ["confusion matrix", "decision regions"]
    found = [image.accessible_name for image in images]
    assert found[0] == "loss and score by epoch"
    assert [name for name in found if name in expected] == expected
    mattered = ["what mattered", *sorted(name for name in found if name.startswith("prediction"))]
    assert set(found[1:]) <= {row.name for row in nn.show.plots.FIGURES} | set(mattered)
    assert mattered == ["what mattered", "prediction by a", "prediction by b"]
    assert all(image.size["width"] > 100 < image.size["height"] for image in images)
    text = driver.find_element(By.TAG_NAME, "body").text
    assert "--target '<kind>'" in text and "delta1 = " in text
    assert network.last == 5
    network.press("last")
    assert network.caption.startswith("Backward, layer 1")
    assert film.last == 9  # 48 examples to train on, 16 a batch, 3 epochs: 9 updates
    places = set()
    for _ in range(film.last):
        film.press("next")
        places.add(film.find("#mark").get_attribute("cx"))
    assert len(places) == 9
    assert film.caption.startswith("Update 9, epoch 3")
    assert film.complaints() == []


def test_a_report_is_no_wider_than_its_window_however_long_its_words_are(driver, tmp_path):
    rows = "".join(f"{i % 7},{i % 2}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"{'how_satisfied_are_you_' * 6},t\n{rows}", encoding="utf-8")
    out = tmp_path / "out"
    nn.cli.main(["train", str(tmp_path / "t.csv"), "--target", "t", "--epochs", "1", "--quiet",
                 "--out", str(out)])  # fmt: skip
    size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        driver.get((out / "report.html").as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_several_batchings_in_one_report(driver, tmp_path):
    assert main(["train", "moons", "--batch-size", "1", "full", "grow:4:2:1", "--epochs", "3",
                 "--out", str(tmp_path), "--widths", "3", "--quiet"]) == 0  # fmt: skip
    page = Page(driver, (tmp_path / "report.html").as_uri())
    shown = driver.find_elements(By.CSS_SELECTOR, ".figures svg")
    assert [e.accessible_name for e in shown[:3]] == [f"loss against {a}" for a in nn.plots.AGAINST]
    text = driver.find_element(By.TAG_NAME, "body").text
    for row in ("1 1,200 ", "full 3 ", "grow:4:2:1 175 "):
        assert row in text
    assert page.complaints() == []


def test_a_report_is_whole_or_the_old_one(tmp_path, monkeypatch):
    """Until the last moment, when all of the new one is written: what can't go wrong after that,
    nor before, at any moment of `write_whole`, is tested by test_kills."""
    report, rename = tmp_path / "report.html", os.replace

    def stopped(source, target, **settings):
        if Path(target).name == report.name:
            written.append(Path(source).read_bytes())
            raise OSError("stopped")
        return rename(source, target, **settings)

    monkeypatch.setattr(nn.cli, "svg", lambda figure: "curves")  # the report is tried alone,
    monkeypatch.setattr(nn.show.plots, "FIGURES", nn.show.plots.FIGURES[:1])  # and with few figures
    train = ["train", "moons", "--epochs", "1", "--widths", "3", "--quiet", "--out", str(tmp_path)]
    assert main([*train, "--seed", "0"]) == 0
    old, written = report.read_bytes(), []
    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(SystemExit):
        main([*train, "--seed", "1"])
    assert report.read_bytes() == old and b"--seed 1" not in old
    assert written[0].endswith(b"</html>\n") and b"--seed 1" in written[0]


# ---------------------------------------------------------------------- notebooks, their export


OUTPUTS = ".jp-OutputArea-output img"


def notebook(path, *displays):
    """A notebook with these displays as its outputs, as Jupyter would have saved it."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    for i, shown in enumerate(displays, start=1):
        output = nbformat.v4.new_output(
            "execute_result", shown._repr_mimebundle_(), execution_count=i
        )
        nb.cells.append(nbformat.v4.new_code_cell("shown", outputs=[output], execution_count=i))
    nbformat.write(nb, path)
    return nb


def test_the_export_of_a_notebook(driver, tmp_path):
    player = draw(example()).steps()
    nb = notebook(tmp_path / "steps.ipynb", player, player)
    exporter = HTMLExporter()
    html, _ = exporter.from_notebook_node(nb)
    # nbconvert's own page asks the network for its libraries; ours must not.
    html = re.sub(r'<script[^>]* src="https://[^>]*></script>', "", html)
    (tmp_path / "steps.html").write_text(html, encoding="utf-8")
    for i in (0, 1):
        page = Page(driver, (tmp_path / "steps.html").as_uri(), i)
        page.press("last")
        assert page.text("#n0g") == "5.5"


def test_a_graph_in_an_export_that_is_sanitised(driver, tmp_path):
    # As the docstring says: bleach, which nbconvert asks, lets neither scripts nor images in HTML.
    (priority,) = re.findall(r"display_data_priority='(.*?)'", Drawing.__doc__)
    config = Config({"NbConvertBase": {"display_data_priority": json.loads(priority)}})
    exporter = HTMLExporter(sanitize_html=True, config=config)
    html, _ = exporter.from_notebook_node(notebook(tmp_path / "graph.ipynb", draw(example())))
    html = re.sub(r'<script[^>]* src="https://[^>]*></script>', "", html)
    (tmp_path / "graph.html").write_text(html, encoding="utf-8")
    driver.get((tmp_path / "graph.html").as_uri())
    (image,) = driver.find_elements(By.CSS_SELECTOR, OUTPUTS)
    assert image.is_displayed() and image.size["width"] > 300
    (output,) = driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output")
    assert output.text == "", "and nothing of a page that was taken apart"


def test_without_scripts_the_finished_picture_shows(driver, tmp_path):
    draw(example()).steps().save(tmp_path / "page.html")
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get((tmp_path / "page.html").as_uri())
        image = driver.find_element(By.CSS_SELECTOR, "[data-chalkgrad] > svg")
        assert image.is_displayed() and image.size["width"] > 300
        assert driver.find_elements(By.TAG_NAME, "button") == []
        assert driver.find_element(By.TAG_NAME, "h1").text == image.accessible_name
        assert image.aria_role in ("img", "image")
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A running JupyterLab, its folder, and its address."""
    folder = tmp_path_factory.mktemp("lab")
    home = tmp_path_factory.mktemp("jupyter")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    environment = {**os.environ, **{name: str(home / name) for name in places}}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        "--port=0", "--IdentityProvider.token=", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--notebook-dir={folder}",
    ]  # fmt: skip
    log = open(home / "log", "w+b")  # noqa: SIM115
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = None
        for _ in range(600):
            found = list((home / "JUPYTER_RUNTIME_DIR").glob("jpserver-*.json"))
            if found and found[0].stat().st_size:
                address = json.loads(found[0].read_text())["url"].replace("localhost", "127.0.0.1")
                break
            if process.poll() is not None:
                break
            time.sleep(0.1)
        log.seek(0)
        assert address, log.read().decode()
        for _ in range(100):
            try:
                urllib.request.urlopen(address + "api").read()
                break
            except OSError:
                time.sleep(0.1)
        yield folder, address, environment
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        log.close()


def open_notebook(driver, lab, name, displays, trusted):
    folder, address, environment = lab
    nb = notebook(folder / name, *displays)
    if trusted:
        NotebookNotary(data_dir=environment["JUPYTER_DATA_DIR"]).sign(nb)
    page = Page(driver, f"{address}lab/tree/{name}?reset")
    page.wait(lambda: len(driver.find_elements(By.CSS_SELECTOR, OUTPUTS)) == len(displays))
    return page


def test_in_jupyterlab(driver, lab):
    """Players and pages that compute, in one notebook: JupyterLab takes seconds to open one."""
    player, live = draw(example()).steps(), draw(example()).live()
    neurons = nn.draw(*network(), nn.bernoulli_nll).steps()
    net = nn.MLP(2, [3, 1], activation="tanh", rng=np.random.default_rng(0))
    xor = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    playground = nn.live(net, nn.bernoulli_nll, xor, batch_size=2)
    displays = [player, player, neurons, live, live, playground]
    page = open_notebook(driver, lab, "trusted.ipynb", displays, trusted=True)
    page.wait(lambda: page.run("return root !== null"))
    page.press("last")
    assert page.text("#n0g") == "5.5"
    page.number = 1  # the same object, shown twice
    assert page.at == 0
    page.click("#n0")
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)  # which JupyterLab has its own use for
    assert page.at == 2
    page.keys(Keys.END)
    assert page.at == page.last
    page.keys(Keys.ARROW_RIGHT, Keys.HOME)  # at an end too; JupyterLab would scroll to its top
    assert page.at == 0
    page.number = 2
    page.press("next")
    assert page.caption.startswith("Forward, layer 1")
    page.number = 3
    page.click("#n0")
    page.keys(Keys.ARROW_UP, Keys.ARROW_UP)  # which JupyterLab has its own use for
    assert page.text("#n0v") == "2.2"
    page.number = 4  # the same object, shown twice
    assert page.text("#n0v") == "2"
    page.press("sweep")
    page.press("last")
    assert page.text("#n0g") == "5.5"
    page.number = 5
    page.press("epoch")
    assert "update 2, epoch 1" in page.text(".status")


def test_in_jupyterlab_untrusted(driver, lab):
    displays = [draw(example()).steps(), draw(example()), draw(example()).live()]
    page = open_notebook(driver, lab, "untrusted.ipynb", displays, trusted=False)
    images = driver.find_elements(By.CSS_SELECTOR, OUTPUTS)
    page.wait(lambda: all(image.size["width"] > 200 for image in images))
    # JupyterLab took the scripts out, and our attributes: pictures are left, and no dead buttons.
    assert driver.find_elements(By.CSS_SELECTOR, "[data-chalkgrad]") == []
    assert driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output button") == []
    for output in driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output"):
        assert output.text == ""
