"""Pictures that need no style sheet, and pages under policies that forbid nearly all."""

import http.server
import re
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import nn
from autograd import draw
from autograd.show import player
from autograd.show.bare import INHERITED, bare
from autograd.show.colours import PAINT, document
from nn.cli import main
from tests import browser
from tests.cases import expression, for_each, make_net

STYLE = f"""{PAINT}
.box {{ fill: var(--paper); stroke: var(--ink); stroke-width: 2; }} .on .box {{ fill: red }}
.box[data-on], .box:hover {{ fill: green; }}
@media print {{ .box {{ fill: pink; }} }}
.node text:not([class], [id]), .last {{ font-size: 9px; }}
.halo {{ stroke: var(--paper); stroke-width: 3px; paint-order: stroke; }}
[data-as], .node [id] {{ text-anchor: end; }}
"""


def painted(body, style=STYLE):
    """The elements of a bare picture with this body, in their order."""
    root = ET.fromstring(bare(document(10, 10, style, body), "its title")[0])
    return root, [*root.iter()][1:]


def looks(root):
    """What each element of a picture looks like by its attributes and those around it."""

    def of(element, given):
        own = {name: text for name, text in element.items() if name in INHERITED}
        now = {**given, **own}
        return [now] + [look for child in element for look in of(child, now)]

    seen = [{k: v for k, v in now.items() if v != INHERITED[k]} for now in of(root, {})][1:]
    return [now if "stroke" in now else {**now, "stroke-width": None} for now in seen]


def test_what_the_style_says_stands_in_attributes_too():
    body = (
        '<rect class="box" width="1"/><rect class="plus box" fill-opacity="0.5"/>'
        '<g class="on node" id="n1" data-x="1"><circle class="box"/><text>&lt;b&gt;</text>'
        '<text id="n1v">2</text></g><image class="last" href="data:," opacity="1"/>'
        '<text class="last halo"/>'
    )
    root, elements = painted(body)
    rect, other, _, inner, text, end, _, small = looks(root)
    assert root.tag == "svg" and root.get("viewBox") == "0 0 10 10"
    assert (root.get("role"), root.get("aria-label")) == ("img", "its title")
    font = {"font-family": "Helvetica, Arial, sans-serif", "stroke-width": None}
    paper = {**font, "fill": "#fff", "stroke": "#222", "stroke-width": "2"}
    assert rect == paper
    assert other == {"fill-opacity": "0.5", **paper}  # of equals, the later rule
    assert inner == {**paper, "fill": "red"}  # the more specific rule
    assert text == {"fill": "#222", **font} and elements[4].text == "<b>"
    assert end == {"fill": "#222", "text-anchor": "end", **font}
    assert elements[6].attrib == {"class": "last", "href": "data:,", "opacity": "1"}
    assert small == {"fill": "#222", "font-size": "9", **font}  # and letters have no halo
    # What it was called it is called still; and a script may add to it what has a style alone.
    told = [(e.tag, e.get("class"), e.get("id")) for e in ET.fromstring(f"<g>{body}</g>").iter()]
    assert [(e.tag, e.get("class"), e.get("id")) for e in elements] == told[1:]
    assert {*root.keys()} & {*INHERITED} == {"font-family"}


def test_the_style_is_apart_and_leaves_colours_to_the_page():
    picture, style = bare(document(1, 1, STYLE, "<g/>"), "")
    assert "<style" not in picture and "background: var(--paper)" in style
    assert ".on .box { fill: red }" in style
    assert "@media" not in style and not re.search(r"--\w+:", style)


def test_of_two_rules_the_more_specific_one_wins():
    for rules in ("rect { fill: red; } * { }", "g .a { fill: red; } .a { fill: blue; }",
                  "rect.a { fill: red; } .a { fill: blue; }"):  # fmt: skip
        root, _ = painted('<g><rect class="a"/></g>', rules)
        assert looks(root)[1]["fill"] == "red", rules


def test_what_is_said_already_stays_and_what_most_want_is_said_once():
    _, elements = painted(
        '<g><rect class="a"/><rect class="a"/><g fill="blue"><rect class="a"/><rect/></g>'
        '<text>x<tspan class="a">y</tspan></text><polyline class="c"/></g>',
        ".a { fill: red; } rect { stroke-width: 7; } .c { fill: none; stroke: blue; }",
    )
    group, one, other, blue, inside, plain, text, word, line = [e.attrib for e in elements]
    assert group == {"fill": "red"} and one == other == {"class": "a"}
    assert blue == {"fill": "blue"} and inside == {"class": "a", "fill": "red"} and plain == {}
    assert text == {"fill": "#000"} and word == {"class": "a", "fill": "red"}
    assert line == {"class": "c", "fill": "none", "stroke": "blue"}


def pages():
    """A page of each kind, by name."""
    net, moons = make_net(1, 2), nn.datasets.load("moons")
    film = nn.Film(net, moons.X_train[0].tolist(), 1.0)
    nn.fit(
        net, nn.bernoulli_nll, moons.X_train, moons.y_train, epochs=1, batch_size=100, lr=0.1,
        progress=False, callbacks=[film], rng=np.random.default_rng(0),
    )  # fmt: skip
    return {
        "steps": draw(expression()).steps(),
        "live": draw(expression()).live(),
        "film": film,
        "network": nn.draw(net, [0.5, -1.0], 1.0, nn.bernoulli_nll),
        "playground": nn.live(net, nn.bernoulli_nll, moons),
    }


def course():
    """The policy of a course site, and frames for a page there, as autograd/README.md has them."""
    readme = (Path(__file__).parents[1] / "autograd/README.md").read_text(encoding="utf-8")
    policy = re.search(r"`(script-src [^`]*)`", readme)[1]
    sandbox = re.search(r"sandbox=\"[^`]*\"", readme)[0]
    frame = re.search(r"<iframe [^`]*</iframe>", readme)[0]
    return policy, f"{frame}<iframe src='film.html' {sandbox}></iframe>"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Addresses of pages under a policy, as a function of their name and the policy."""
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages().items():
        page.save(folder / f"{name}.html")
    both = "".join(pages()[name].fragment() for name in ("steps", "live", "live", "playground"))
    policy, frames = course()
    (folder / "course.html").write_text(both + frames, encoding="utf-8")
    quick = ["--lr", "0.1", "--widths", "2", "--epochs", "1", "--quiet"]
    assert main(["train", "iris", *quick, "--out", str(folder)]) == 0  # report.html

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def do_GET(self):
            self.policy, self.path = re.fullmatch(r"/(\w+)(/.*)", self.path).groups()
            super().do_GET()

        def end_headers(self):
            policies = {"none": "", "strict": "default-src 'self'", "sandboxed": "sandbox"}
            policies["course"] = f"{policies['strict']}; {policy}"
            self.send_header("Content-Security-Policy", policies[self.policy])
            super().end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield lambda name, policy: f"http://127.0.0.1:{server.server_port}/{policy}/{name}.html"
        server.shutdown()


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


SHOWN = """
return [...document.querySelectorAll('main :is(svg, img)')].map((e) => [
  e.localName, e.getBoundingClientRect().width > 100,
])
"""


@pytest.mark.slow
@pytest.mark.tools("browser")
@for_each("name", ["steps", "live", "film", "network", "playground"])
def test_under_any_policy_the_finished_picture_is_shown_once(name, served, driver):
    for policy in ("strict", "sandboxed"):
        driver.get(served(name, policy))
        assert driver.execute_script(SHOWN) == [["svg", True]]
        # Painted as with its style: no box is black, and no curve is filled.
        fills = driver.execute_script(
            "return [...document.querySelectorAll('main :is(rect, circle, polyline)')]"
            ".map((e) => [e.localName, getComputedStyle(e).fill])"
        )
        assert fills and "rgb(0, 0, 0)" not in {fill for _, fill in fills}
        assert {fill for tag, fill in fills if tag == "polyline"} <= {"none"}


PARTS = """
const roots = [...document.querySelectorAll('[data-chalkgrad]')].map((host) => host.shadowRoot);
return roots.flatMap((root) => [...root.querySelectorAll('.picture *')]).map((e) => {
  const style = getComputedStyle(e), letters = e.localName === 'text' || e.localName === 'tspan';
  const names = ['fill', 'fillOpacity', 'opacity', 'stroke', 'visibility'];
  if (style.stroke !== 'none') names.push('strokeWidth', 'strokeOpacity', 'strokeDasharray');
  if (letters) names.push('fontSize', 'fontWeight', 'fontFamily', 'textAnchor');
  return [e.localName, e.id, e.getAttribute('class'), ...names.map((name) => style[name])];
}).filter(([name]) => !['g', 'title', 'style'].includes(name));
"""


@pytest.mark.slow
@pytest.mark.tools("browser")
@for_each("name", ["steps", "live", "film", "network"])
def test_it_runs_as_with_the_picture_of_a_notebook(name, served, driver, tmp_path):
    """A page of its own has another picture than a fragment, and nobody sees that."""
    fragment = pages()[name]._repr_mimebundle_()["text/html"]
    (tmp_path / "fragment.html").write_bytes(player.page("", fragment))
    for scheme in ("light", "dark"):
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name, "value": value} for name, value in features.items()]
        })  # fmt: skip
        seen = []
        for url in (served(name, "none"), (tmp_path / "fragment.html").as_uri()):
            driver.get(url)
            seen.append(driver.execute_script(PARTS))
        assert seen[0] and seen[0] == seen[1]


@pytest.mark.slow
@pytest.mark.tools("browser")
def test_a_course_site_has_pages_as_the_readme_embeds_them(served, driver):
    running = "return [...document.querySelectorAll('[data-chalkgrad]')].map((e) => !!e.shadowRoot)"
    for policy, runs in (("none", True), ("course", True), ("strict", False)):
        driver.get(served("course", policy))
        assert driver.execute_script(running) == [runs] * 4
        frames = driver.find_elements("css selector", "iframe")
        assert len(frames) == 2
        for frame in frames:
            driver.switch_to.frame(frame)
            assert driver.execute_script(running) == [runs]
            driver.switch_to.default_content()


LOOKS = """
return [...document.querySelectorAll('.figures svg')].map((figure) => [
  figure.getAttribute('aria-label'), figure.getBoundingClientRect().width > 100,
  [...figure.querySelectorAll('*')].map((e) => { const style = getComputedStyle(e);
    return [e.localName, style.fill, style.stroke, style.strokeWidth, style.strokeLinejoin,
            style.strokeLinecap, style.strokeDasharray, style.opacity, style.fillOpacity]; }),
])
"""


@pytest.mark.slow
@pytest.mark.tools("browser")
def test_figures_of_a_report_look_the_same_under_any_policy(served, driver):
    driver.get(served("report", "none"))
    there = driver.execute_script(LOOKS)
    assert {"loss and score by epoch", "confusion matrix"} <= {name for name, *_ in there}
    driver.get(served("report", "strict"))
    assert driver.execute_script(LOOKS) == there
    for _, large, elements in there:
        assert large and len({tuple(element[1:3]) for element in elements}) > 3
