"""Pictures that need no style sheet, and pages under policies that forbid nearly all."""

import http.server
import re
import threading
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import nn
from autograd import draw
from autograd.show.bare import bare
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


def painted(body):
    """The elements of a bare picture with this body, in their order."""
    root = ET.fromstring(bare(document(10, 10, STYLE, body)))
    return root, [*root.iter()][1:]


def test_what_the_style_says_stands_in_attributes():
    root, (rect, other, group, inner, text, end, image, small) = painted(
        '<rect class="box" width="1"/><rect class="plus box" fill-opacity="0.5"/>'
        '<g class="on node" id="n1" data-x="1"><circle class="box"/><text>&lt;b&gt;</text>'
        '<text id="n1v">2</text></g><image class="last" href="data:," opacity="1"/>'
        '<text class="last halo"/>'
    )
    assert root.tag == "svg" and root.get("viewBox") == "0 0 10 10"
    assert root.get("font-family") == "Helvetica, Arial, sans-serif"
    paper = {"fill": "#fff", "stroke": "#1c1c1c", "stroke-width": "2"}
    assert rect.attrib == {"width": "1", **paper}
    assert other.attrib == {"fill-opacity": "0.5", **paper}  # of equals, the later rule
    assert group.attrib == {}
    assert inner.attrib == {**paper, "fill": "red"}  # the more specific rule
    assert text.attrib == {"fill": "#1c1c1c"} and text.text == "<b>"
    assert end.attrib == {"fill": "#1c1c1c", "text-anchor": "end"}
    assert image.attrib == {"href": "data:,", "opacity": "1"}  # it has no letters
    assert small.attrib == {"fill": "#1c1c1c", "font-size": "9"}  # and letters have no halo


def test_of_two_rules_the_more_specific_one_wins():
    for rules in ("rect { fill: red; } * { }", "g .a { fill: red; } .a { fill: blue; }",
                  "rect.a { fill: red; } .a { fill: blue; }"):  # fmt: skip
        root = ET.fromstring(bare(document(1, 1, rules, '<g><rect class="a"/></g>')))
        assert root.find(".//rect").get("fill") == "red", rules


def test_what_is_inherited_is_not_said_again():
    _, (group, outer, inner) = painted('<g fill="blue"><g fill="blue"/><g fill="none"/></g>')
    assert [e.attrib for e in (group, outer, inner)] == [{"fill": "blue"}, {}, {"fill": "none"}]


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


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Addresses of pages under a policy, as a function of their name and the policy."""
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages().items():
        page.save(folder / f"{name}.html")
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
            policy = policies[self.policy]
            self.send_header("Content-Security-Policy", policy)
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
return [...document.querySelectorAll('.bare svg, [data-chalkgrad] > img')].map((e) => [
  e.localName,
  e.getBoundingClientRect().width > 100 && (e.complete ?? true) && e.naturalWidth !== 0,
])
"""


@pytest.mark.slow
@pytest.mark.tools("browser")
@for_each("name", ["steps", "live", "film", "network", "playground"])
def test_under_any_policy_the_finished_picture_is_shown_once(name, served, driver):
    for policy, tag in (("strict", "svg"), ("sandboxed", "img")):
        driver.get(served(name, policy))
        shown = driver.execute_script(SHOWN)
        assert [tag, True] in shown and ["svg", tag == "svg"] in shown, (policy, shown)
        if policy == "strict":  # painted as with its style: no box is black
            fills = driver.execute_script(
                "return [...document.querySelectorAll('.bare svg :is(rect, circle)')]"
                ".map((e) => getComputedStyle(e).fill)"
            )
            assert fills and "rgb(0, 0, 0)" not in fills


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
