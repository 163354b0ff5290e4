"""The playground: what its page computes is what `fit` computes, and all of it can be used."""

import base64
import io
import itertools
import json
import re
import warnings
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest

import nn
from autograd import log, primitive
from nn import MLP, Module, bernoulli_nll, categorical_nll, datasets, gaussian_nll
from nn.cli import main
from nn.show.report import LARGEST
from nn.show.report import _again as again
from tests import browser

ROOT = Path(nn.__file__).parent.parent
XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]


def net(widths=(2, 4, 1), activation="tanh", seed=0, **settings):
    rng = np.random.default_rng(seed)
    return MLP(widths[0], list(widths[1:]), activation=activation, rng=rng, **settings)


def flower(n=60, K=3):
    """Points of K classes around a circle."""
    k, t = np.arange(n) % K, np.linspace(0, 2 * np.pi, n)
    return np.column_stack([np.cos(t), np.sin(t)]) + 0.3 * k[:, None], k


class TestRefusals:
    """What can't become a page is said before anything is written."""

    def test_what_is_no_data(self):
        with pytest.raises(TypeError, match=r"data must be a pair \(X, y\), or a data set such as"):
            nn.live(net(), bernoulli_nll, 3)
        with pytest.raises(ValueError, match="X must have shape"):
            nn.live(net(), bernoulli_nll, ([1, 2], [0, 1]))
        with pytest.raises(ValueError, match=r"X\[1, 0\] is nan"):
            nn.live(net(), bernoulli_nll, ([[0, 1], [np.nan, 1]], [0, 1]))
        with pytest.raises(ValueError, match="bernoulli_nll"):
            nn.live(net(), bernoulli_nll, ([[0, 1], [1, 1]], [0, 7]))

    def test_what_does_not_fit(self):
        _X, _y = XOR
        with pytest.raises(ValueError, match="validation must have the columns of the data, 2"):
            nn.live(net(), bernoulli_nll, XOR, validation=([[1.0]], [0]))
        with pytest.raises(ValueError, match="validation is for a pair"):
            nn.live(net(), bernoulli_nll, datasets.load("moons"), validation=XOR)
        with pytest.raises(ValueError, match="is 9 pixels, and X has 2 columns"):
            nn.live(net(), bernoulli_nll, XOR, picture=(3, 3))
        for settings, match in [({"lr": 0}, "lr"), ({"seed": -1}, "seed"),
                                ({"batch_size": 0}, "batch_size"),
                                ({"optimizer": "adm"}, "unknown optimizer"),
                                ({"optimizer": "adam", "momentum": 0.5}, "momentum")]:  # fmt: skip
            with pytest.raises(ValueError, match=match):
                nn.live(net(), bernoulli_nll, XOR, **settings)

    def test_too_much_data(self):
        X = np.random.default_rng(0).normal(size=(40_000, 20))
        with pytest.raises(ValueError, match=r"9\.\d MB in the page, and 5 MB is the most"):
            nn.live(net((20, 2, 1)), gaussian_nll, (X, X[:, 0]))

    def test_a_primitive_that_can_not_be_printed(self):
        odd = primitive("odd", lambda a: a if a > 0 else -a, lambda z, a: (1.0,))

        class Odd(Module):
            def __init__(self):
                self.inside = net((2, 1))

            def parameters(self):
                return self.inside.parameters()

            def __call__(self, x):
                return odd(self.inside(x))

        with pytest.raises(ValueError, match="odd"):
            nn.live(Odd(), gaussian_nll, XOR)

    @pytest.mark.slow
    def test_the_network_is_as_before(self):
        network = net()
        network.parameters()[0].grad = 7.0
        before = [(p.data, p.grad) for p in network.parameters()]
        nn.live(network, bernoulli_nll, XOR)
        assert [(p.data, p.grad) for p in network.parameters()] == before

    @pytest.mark.slow
    def test_nothing_is_written_if_it_fails(self, tmp_path):
        page = nn.live(net(), bernoulli_nll, XOR)
        with pytest.raises(ValueError, match="html"):
            page.save(tmp_path / "page.txt")
        assert not list(tmp_path.iterdir())


class TestTheFile:
    @pytest.mark.slow
    def test_sizes(self):
        """A playground without its data stays below 400 kB."""
        for network, loss, data in [(net((2, 16, 16, 1)), bernoulli_nll, XOR),
                                    (net((2, 8, 3)), categorical_nll, flower())]:  # fmt: skip
            assert len(nn.live(network, loss, data).fragment().encode()) < 400_000

    @pytest.mark.slow
    def test_a_class_without_examples_is_one(self):
        X, y = flower()
        page = nn.live(net((2, 4, 3)), categorical_nll, (X, y % 2))
        assert page._data["sets"][0]["classes"] == ["0", "1", "2"]

    def test_where_no_script_runs_there_is_a_picture(self):
        page = nn.live(net(), bernoulli_nll, XOR)
        assert '<img alt="Playground of MLP(2, [4, 1]' in page.fragment()
        assert repr(page) == (
            "Playground of MLP(2, [4, 1], activation='tanh', bias=True), bernoulli_nll, 4 examples"
        )

    def test_names_stay_data(self):
        data = datasets.load("moons")
        hostile = "</script><script>document.title='broken'</script>"
        data = type(data)(**{**vars(data), "features": (hostile, "<b>"), "name": hostile})
        assert "document.title" in nn.live(net(), bernoulli_nll, data).fragment()
        assert "<script>document.title" not in nn.live(net(), bernoulli_nll, data).fragment()


class TestCommand:
    @pytest.mark.slow
    def test_writes_a_page(self, tmp_path, capsys):
        out = tmp_path / "page.html"
        assert main(["play", "moons", "--widths", "3", "--out", str(out)]) == 0
        assert "open it in a browser" in capsys.readouterr().out
        assert "Playground of MLP(2, [3, 1]" in out.read_text(encoding="utf-8")

    def test_a_table(self, tmp_path, capsys):
        table, out = tmp_path / "t.csv", tmp_path / "page.html"
        table.write_text("a,b,kind\n" + "".join(f"{i},{i * i % 7},k{i % 3}\n" for i in range(30)))
        assert main(["play", str(table), "--target", "kind", "--out", str(out)]) == 0
        assert "categorical_nll" in out.read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("arguments", "match"),
        [(["nothing"], "unknown data set"), (["moons", "--widths", "0"], "d1 must be"),
         (["moons", "--seed", "-1"], "--seed"), (["moons", "--lr", "-1"], "lr"),
         (["moons", "--out", "page.txt"], "html")],
    )  # fmt: skip
    def test_refusals(self, arguments, match, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit):
            main(["play", *arguments])
        assert match in capsys.readouterr().err
        assert not list(tmp_path.iterdir())


def test_a_report_has_one_or_a_file_beside_it(tmp_path):
    page, beside = nn.live(net(), bernoulli_nll, XOR), tmp_path / "playground.html"
    assert page.standing() in again(page, 100_000, beside) and not beside.exists()
    assert page.standing() not in again(page, LARGEST, beside)
    assert "href='playground.html'" in again(page, LARGEST, beside) and beside.exists()


# ------------------------------------------------------------------------------- in a real browser


class Play(browser.Page):
    """A playground in a browser; `p` in scripts is its object."""

    def js(self, script, *arguments):
        find = "const p = document.querySelector('[data-chalkgrad=play]').play;"
        return self.driver.execute_script(find + script, *arguments)

    def later(self, script, *arguments):
        """The same for a script that calls `done`."""
        find = "const done = arguments[arguments.length - 1];"
        find += "const p = document.querySelector('[data-chalkgrad=play]').play;"
        return self.driver.execute_async_script(find + script, *arguments)

    @property
    def theta(self):
        return np.array(self.js("return [...p.net.theta]"))

    def change(self, **settings):
        for name, value in settings.items():
            self.js("p.change(...arguments)", name, value)

    def drop(self, name, text):
        """A file is dropped onto the page."""
        return self.later(
            "p.readFile(new File([arguments[1]], arguments[0]));"
            "setTimeout(() => done([p.message.textContent, p.settings.set]), 150)", name, text
        )  # fmt: skip

    def python(self):
        """The Python lines, run: the network and the history that they make."""
        self.js("if (p.tab !== 'out') p.toggle('out'); p.refresh()")
        code = self.js("return p.panels.out.python.textContent")
        names = {}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(code.replace("    rng=", "    progress=False, rng="), names)
        return np.array([p.data for p in names["net"].parameters()]), names["history"]


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture
def opened(driver, tmp_path):
    """Opens a playground, each in a file of its own: the same one would not be loaded again."""
    numbers = itertools.count()

    def open_page(page, address=""):
        path = tmp_path / f"page{next(numbers)}.html"
        page.save(path)
        return Play(driver, path.as_uri() + address)

    return open_page


RUNS = [
    ((2, 4, 1), bernoulli_nll, "moons", {"b": 7, "lr": 0.3, "held": 0.4}),
    ((2, 4, 1), bernoulli_nll, "moons", {
        "hidden": [5, 3], "activation": "sigmoid", "momentum": 0.9, "schedule": "cosine",
        "every": 400, "grow": 1.5, "period": 2, "b": 5, "seed": 3}),
    ((2, 4, 1), bernoulli_nll, "circles", {"set": "circles", "n": 90, "noise": 0.1, "seed": 2}),
    ((4, 6, 3), categorical_nll, "iris", {"optimizer": "adam", "lr": 0.01, "b": 11}),
    ((4, 6, 3), categorical_nll, "iris", {
        "hidden": [], "schedule": "inverse", "every": 30, "b": 4, "grow": 2, "period": 2}),
    ((10, 5, 1), gaussian_nll, "diabetes", {
        "activation": "gelu", "optimizer": "rmsprop", "lr": 0.003, "schedule": "halved",
        "every": 50}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.tools("browser")
class TestInABrowser:
    @pytest.mark.parametrize(("widths", "loss", "name", "settings"), RUNS)
    def test_the_python_lines_make_the_same_run(self, opened, widths, loss, name, settings):
        """More than 100 updates, from seeds alone: parameters and losses to 1e-9."""
        data = datasets.load("moons" if name == "circles" else name)
        page = opened(nn.live(net(widths, seed=0), loss, data, batch_size=8))
        page.change(**settings)
        while page.js("return p.run.updates") < 120:
            page.press("epoch")
        theta, history = page.python()
        assert history[-1].updates == page.js("return p.run.updates")
        np.testing.assert_allclose(page.theta, theta, rtol=1e-9, atol=1e-10)
        losses = page.js("return p.run.training.losses")
        last = history[-1].updates - (history[-2].updates if len(history) > 1 else 0)
        assert np.mean(losses[-last:]) == pytest.approx(history[-1].loss, rel=1e-9)
        assert not page.complaints()

    def test_the_lines_have_what_the_page_was_given(self, opened):
        """Rules with settings, an activation a layer; other weights than those of a trained net."""
        moons = datasets.load("moons")
        several = MLP(2, [4, 3, 1], activation=["tanh", "relu"], rng=np.random.default_rng(0))
        for network, rule in [(several, nn.SGD(momentum=0.9, nesterov=True)),
                              (net(), nn.AdamW(weight_decay=0.1)),
                              (net(), nn.RMSprop())]:  # fmt: skip
            page = opened(nn.live(network, bernoulli_nll, moons, optimizer=rule, lr=0.01, seed=0))
            page.change(momentum=0.5)
            page.press("step")
            page.press("epoch")
            theta, history = page.python()
            assert history[-1].updates == page.js("return p.run.updates")
            np.testing.assert_allclose(page.theta, theta, rtol=1e-9, atol=1e-10)
        page = opened(nn.live(several, bernoulli_nll, moons))
        page.js("p.pick(p.picture.units.find((u) => u.l === 2))")
        assert "x2[0] = relu(a)" in page.text(".detail")
        trained = net()
        trained.parameters()[0].data = 0.5
        page = opened(nn.live(trained, bernoulli_nll, moons), "#seed=5")
        page.press("epoch")
        np.testing.assert_allclose(page.theta, page.python()[0], rtol=1e-9, atol=1e-10)

    def test_looking_at_the_next_batch_draws_nothing(self, opened):
        made = nn.live(net(), bernoulli_nll, datasets.load("moons"))
        runs = []
        for looks in (False, True):
            page = opened(made)
            page.change(b=100)
            for _ in range(9):
                if looks:
                    rows = page.js("p.change('b', 80); p.change('b', 100);"
                                   "return [...p.run.training.peek()]")  # fmt: skip
                page.press("step")
                if looks:
                    assert rows == page.js("return [...p.run.training.rows]")
            runs.append(page.theta)
        np.testing.assert_array_equal(*runs)

    def test_the_score_and_the_loss_are_evaluates(self, opened):
        for widths, loss, name in [
            ((2, 4, 1), bernoulli_nll, "moons"), ((4, 6, 3), categorical_nll, "iris"),
            ((10, 5, 1), gaussian_nll, "diabetes"),
        ]:  # fmt: skip
            data, network = datasets.load(name), net(widths)
            page = opened(nn.live(network, loss, data))
            look = page.js("return p.run.look()")
            for part, (X, y) in {"": (data.X_train, data.y_train),
                                 "held": (data.X_test, data.y_test)}.items():  # fmt: skip
                loss_name, score = ("held", "heldScore") if part else ("loss", "score")
                scores = nn.evaluate(network, loss, X, y)
                assert look[loss_name] == pytest.approx(scores["loss"], rel=1e-12)
                expected = scores["r2"] if "r2" in scores else scores["accuracy"]
                assert look[score] == pytest.approx(expected, rel=1e-9)
            assert "agrees with the engine" in page.text(".agree")

    def test_losses_and_networks_of_ones_own(self, opened):
        """A loss, a primitive and a Module that the page has never heard of."""
        cube = primitive("cube", lambda a: a * a * a, lambda z, a: (3.0 * a * a,))

        def cauchy(a, y):
            return log(1.0 + (a - y) * (a - y))

        class Own(Module):
            def __init__(self):
                self.first, self.second = net((2, 3)), net((3, 1))

            def parameters(self):
                return [*self.first.parameters(), *self.second.parameters()]

            def __call__(self, x):
                return self.second([cube(0.5 * a) for a in self.first(x)])

        X, y = np.array(XOR[0]), np.array([0.3, -1.0, 2.0, 0.1])
        for network in (net(), Own()):
            page = opened(nn.live(network, cauchy, (X, y), batch_size=2, lr=0.1))
            page.js("for (let k = 0; k < 50; k++) p.update()")
            nn.fit(network, cauchy, X, y, epochs=25, batch_size=2, lr=0.1, progress=False,
                   rng=np.random.default_rng(0))  # fmt: skip
            expected = [p.data for p in network.parameters()]
            np.testing.assert_allclose(page.theta, expected, rtol=1e-9)
            page.js("p.chooseExample(2)")
            seen = page.js("return p.probe.number('a', p.net.L, 0, 0)")
            assert seen == pytest.approx(network(X[2].tolist()).data, rel=1e-9)
            for name in ("data", "network", "training", "noise", "compare", "task", "out"):
                page.press(name)
            assert page.js("return p.panels.network.layers.hidden") == isinstance(network, Own)
            assert not page.complaints()

    def test_several_targets(self, opened):
        """All are shown, and data of one target are not offered."""
        X = np.array(XOR[0])
        page = opened(nn.live(net((2, 4, 2)), gaussian_nll, (X, X + np.array([0.5, 3.0]))))
        assert "y = 0.5, 3;" in page.text(".chosen")
        page.press("data")
        assert page.js("return p.menu().map(([name]) => name)") == ["your data"]
        assert "one target" in page.drop("mine.csv", "a,b,c\n1,2,3\n2,3,5\n3,4,4\n")[0]
        assert page.js("return p.points.n") == 4

    def test_one_input(self, opened):
        """What is drawn over it is the mean of y: probabilities, if it is a class."""
        x = np.linspace(-2, 2, 30)[:, None]
        for loss, widths in [(bernoulli_nll, (1, 3, 1)), (categorical_nll, (1, 3, 2))]:
            page = opened(nn.live(net(widths), loss, (x, (x[:, 0] > 0.3).astype(int))))
            drawn = page.js(
                "for (let i = 0; i < p.net.size; i++) p.net.theta[i] *= 20;"
                "const seen = [], { region } = p, toY = region.toY.bind(region);"
                "p.look(); region.layers[1].fill(0);"
                "region.toY = (v) => { seen.push(v); return toY(v); };"
                "region.draw(); return seen"
            )
            assert min(drawn) >= 0 and max(drawn) <= 1 and max(drawn) > 0.9

    def test_while_it_plays(self, opened):
        """However often it is started, it goes on once a frame; other data stop it."""
        page = opened(nn.live(net(), bernoulli_nll, datasets.load("moons")))
        page.js("p.change('held', 0); for (let k = 0; k < 21; k++) p.playButton.click()")
        most = page.later(
            "let most = 0, now = 0; const frame = p.frame.bind(p);"
            "p.frame = (at) => { now += 1; most = Math.max(most, now); frame(at); };"
            "const tick = () => { now = 0; requestAnimationFrame(tick); }; tick();"
            "setTimeout(() => done(most), 200)"
        )
        assert most == 1 and page.js("return p.playing && p.run.updates > 0")
        slow = "const to = performance.now() + 20; while (performance.now() < to);"
        assert page.js(f"const from = performance.now(), next = p.inTurn(0, 1, () => {{ {slow} }});"
                       "return next - from") >= 100  # fmt: skip
        page.change(held=0.3)
        assert not page.js("return p.playing || p.run.updates")
        page.press("play")
        page.change(set="circles")
        assert "held out" in page.text(".status") and not page.complaints()

    def test_narrow_wide_and_on_paper(self, opened):
        page = opened(nn.live(net((4, 6, 3)), categorical_nll, datasets.load("iris")))
        assert page.text(".neuron title") == "sepal length (cm)"
        cdp = page.driver.execute_cdp_cmd
        size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": False}
        cdp("Emulation.setDeviceMetricsOverride", size)
        for name in ("data", "network", "training", "noise", "compare", "task", "out"):
            page.js("p.toggle(arguments[0])", name)
            assert page.js("return document.documentElement.scrollWidth") <= 360, name
        cdp("Emulation.setDeviceMetricsOverride", {**size, "width": 3840})
        try:
            page.wait(lambda: page.js("return p.curves.width") > 1900, 10)
            assert "45" in page.js(
                "const context = p.curves.canvas.getContext('2d'), seen = [];"
                "context.fillText = (text) => seen.push(text); p.curves.draw(); return seen"
            )
        finally:
            cdp("Emulation.clearDeviceMetricsOverride", {})
        light = page.js("return p.colours.paper")
        page.js("p.element.classList.add('dark'); p.colours.fresh()")
        dark = page.js("return p.colours.paper")
        page.js("dispatchEvent(new Event('beforeprint'))")
        assert page.js("return p.colours.paper") == light != dark
        page.js("dispatchEvent(new Event('afterprint'))")
        assert page.js("return p.element.classList.contains('dark')")

    def test_the_one_in_a_report(self, driver, tmp_path):
        """Of the network that was trained, from the same first weights; widths can be changed."""
        main(["train", "moons", "--epochs", "1", "--widths", "3", "2", "--quiet",
              "--out", str(tmp_path)])  # fmt: skip
        page = Play(driver, (tmp_path / "report.html").as_uri(), player=2)
        page.js("document.querySelector('details:has([data-chalkgrad=play])').open = true")
        page.press("network")
        assert page.js("return [...p.panel.querySelectorAll('button:disabled')].length") == 2
        assert page.js("return p.panel.querySelector('[data-choice=activation]').length") == 1
        page.change(hidden=[4, 5])
        page.press("step")
        assert page.js("return [p.net.widths.join(), p.run.updates]") == ["2,4,5,1", 1]
        assert not page.complaints()

    def test_every_control(self, opened):
        """All buttons, fields, boxes and menus are used; nothing fails, and the run goes on."""
        page = opened(nn.live(net(), bernoulli_nll, datasets.load("moons")))
        used = 0
        for tab in ("data", "network", "training", "noise", "compare", "task"):
            page.js("p.begin({}); if (p.tab !== arguments[0]) p.toggle(arguments[0])", tab)
            for kind, act in [
                ("button:not([disabled])", "e.click()"),
                ("select", "e.selectedIndex = (e.selectedIndex + 1) % e.options.length;"
                           "e.dispatchEvent(new Event('change'))"),
                ("input[type=checkbox]", "e.click()"),
                ("input[type=range]", "e.value = 700; e.dispatchEvent(new Event('input'))"),
                ("input[type=text]:not([readonly])", "e.value = '3';"
                 "e.dispatchEvent(new Event('change'))"),
            ]:  # fmt: skip
                used += page.js(
                    "let used = 0; for (let k = 0; k < 40; k++) {"
                    f"  const e = p.panel.querySelectorAll(`{kind}`)[k];"
                    f"  if (!e) break; {act}; p.update(); p.numbers(); used += 1; "
                    "} return used"
                )  # fmt: skip
        page.js("p.begin({}); for (const radio of p.kinds.querySelectorAll('input')) radio.click()")
        assert used > 40
        assert not page.complaints()
        assert page.js("return p.run.updates") == 0
        page.press("step")
        assert page.js("return p.run.updates") == 1

    def test_the_address_restores_the_page(self, opened):
        made = nn.live(net(), bernoulli_nll, datasets.load("moons"))
        page = opened(made)
        page.change(set="xor", hidden=[6, 2], activation="relu", lr=0.25, b=9, noise=0.2, held=0.3)
        page.change(seed=4)  # of the run; the data stay as they are
        page.press("epoch")
        page.press("rewind")
        page.press("epoch")
        theta, address = page.theta, page.js("return location.hash")
        assert "The page has no data called mine.csv" in opened(made, "#set=mine.csv").text(
            ".message"
        )
        again = opened(made, address)
        again.press("epoch")
        np.testing.assert_array_equal(again.theta, theta)

    @pytest.mark.parametrize("address", [
        "#hidden=-3&lr=0&b=1e99&activation=<b>&optimizer=constructor&schedule=toString",
        "#hidden=9999&set=__proto__&speed=x&panel=constructor&points=1,2;a,b,c;NaN,1,1",
        "#title=<img src=x onerror=alert(1)>&ask=</script><script>document.title='broken'</script>",
        "#goal=loss%3C0.1;alert(1)&held=7&labels=-1&noise=1e300&n=1e12&grow=0&period=0&every=-1",
    ])  # fmt: skip
    def test_hostile_addresses(self, opened, address):
        page = opened(nn.live(net(), bernoulli_nll, XOR), address)
        if page.js("return p.task.answered"):
            page.press("step")
        assert page.js("return document.title") != "broken"
        assert not page.js("return p.element.querySelector('.task img, .task script')")
        assert not page.complaints()

    def test_what_an_address_says_in_vain_is_said(self, opened):
        page = nn.live(net(), bernoulli_nll, datasets.load("moons"))
        address = ("#hidden=3-x&lr=1,5&b=4&activation=tanhx&goal=loss<=0.2&rate=2&panel=data,x"
                   "&hide=out&title=A <b>&seed=007&noise=0.10&set=xor")  # fmt: skip
        said = opened(page, address).text(".message")
        assert said == (
            "Left out, since the address asks for what can't be: hidden=3-x, lr=1,5, "
            "activation=tanhx, goal=loss<=0.2, rate=2, panel=data,x."
        )
        fine = "#hidden=08-4&lr=5e-1&goal=held<0.2&hide=data,out"
        assert opened(page, fine).text(".message") == ""
        both = opened(page, "#set=mine.csv&b=0.5").text(".message")
        assert "no data called mine.csv" in both and both.endswith("be: b=0.5.")

    def test_a_table_is_dropped(self, opened):
        page = opened(nn.live(net(), bernoulli_nll, XOR))
        rows = "".join(
            f'{i};"{i * 7 % 11},{i % 10}";{["red", "blue", ""][i % 3]};{"yes" if i % 2 else "no"}\n'
            for i in range(40)
        )
        message, name = page.drop("mine.csv", f"number;decimal;colour;answer\n{rows}")
        assert "40 examples; target: answer" in message and name == "mine.csv"
        assert page.js("return p.points.classes") == ["no", "yes"]
        page.press("epoch")
        message, name = page.drop("bad.csv", "a,b\n1,2\n3\n")
        assert "row" in message and name == "mine.csv"
        message, _ = page.drop("numbers.csv", "a,b\n" + "".join(f"{i},{i}\n" for i in range(30)))
        assert "two" in message
        page.change(noise=0.1)
        assert page.js("return [p.settings.set, p.points.n]") == ["mine.csv", 40]
        assert page.drop("your data", "a,b\n" + "1,x\n2,y\n" * 4)[1] == "your data (file)"
        hostile = "<img src=x onerror=\"document.title='broken'\">"
        page.drop("h.csv", f"{hostile},b\n1,x\n2,y\n3,x\n4,y\n5,x\n6,y\n")
        page.press("epoch")
        assert page.js("return document.title") != "broken"
        assert not [line for line in page.complaints() if "404" not in line]

    def test_points_are_painted(self, opened):
        page = opened(nn.live(net(), bernoulli_nll, XOR))
        page.press("data")
        page.press("paint")
        page.press("clear")
        assert page.js("return p.points.n") == 0
        page.js("p.toggle('out')")
        assert "no points" in page.js("return p.panels.out.python.textContent")
        page.js("p.toggle('data')")
        box = page.find("canvas.region")
        for k, (dx, dy) in enumerate([(-80, -80), (80, 80), (-80, 80), (80, -80)]):
            page.js("p.brush = arguments[0]", k // 2)
            browser.actions(page.driver).move_to_element_with_offset(box, dx, dy).click().perform()
        points = page.js("return [...p.points.y]")
        assert points == [0, 0, 1, 1]
        page.press("done")
        page.change(held=0, lr=1, b=4)
        page.js("for (let k = 0; k < 300; k++) p.update(); p.look()")
        assert "100.0% right" in page.text(".status")
        theta, _ = page.python()
        np.testing.assert_allclose(page.theta, theta, rtol=1e-7, atol=1e-8)
        page.change(points="9,9,1;-30,0,0")
        page.js("p.change('noise', 1); p.change('noise', 0)")
        low, high = page.js("return [p.region.x[0], p.region.y[1]]")
        assert low <= -30 and high >= 9
        page.js("p.paint(); p.change('set', 'xor')")
        assert not page.js("return p.painting")

    def test_a_rate_too_large(self, opened):
        page = opened(nn.live(net(activation="relu"), gaussian_nll, XOR, lr=0.1, batch_size=4))
        before = page.theta
        page.change(lr=10)
        page.js("for (let k = 0; k < 2000; k++) if (!p.update()) break")
        page.wait(lambda: "largest stable rate" in page.text(".message"))
        rate = float(page.text(".message").split("about ")[1].split(". Rewind")[0])
        assert 0.05 < rate < 10
        page.press("rewind")
        np.testing.assert_array_equal(page.theta, before)
        page.change(lr=rate)
        page.js("for (let k = 0; k < 300; k++) p.update(); p.look()")
        assert page.js("return p.run.looks.at(-1).loss < p.run.looks[0].loss")
        assert page.js("p.trainData.X.fill(1e200); return p.run.stable(1)") is None

    def test_weights_are_taken_away(self, opened):
        network = net((2, 3, 2, 1))
        page = opened(nn.live(network, bernoulli_nll, XOR))
        page.press("step")
        text = page.js("return btoa(String.fromCharCode(...p.file('npz')))")
        with np.load(io.BytesIO(base64.b64decode(text))) as state:
            network.load_state_dict(dict(state))
        np.testing.assert_array_equal([p.data for p in network.parameters()], page.theta)
        state = json.loads(page.js("return new TextDecoder().decode(p.file('json'))"))
        other = net((2, 3, 2, 1), seed=5)
        other.load_state_dict({name: np.array(a) for name, a in state.items()})
        np.testing.assert_array_equal([p.data for p in other.parameters()], page.theta)
        text = page.js("return btoa(String.fromCharCode(...p.file('points')))")
        with np.load(io.BytesIO(base64.b64decode(text))) as data:
            np.testing.assert_array_equal(data["X"], XOR[0])
            np.testing.assert_array_equal(data["y"], XOR[1])

    def test_goals(self, opened):
        made = nn.live(net(), bernoulli_nll, datasets.load("moons"))
        page = opened(made, "#goal=loss<0.5@200&lr=0.5&hide=data,out&panel=data")
        assert not page.js("return p.tab")
        assert "a loss under 0.5 in 200 updates" in page.text(".task")
        assert not page.js("return p.tabs.querySelector('[data-do=data], [data-do=out]')")
        for _ in range(20):
            page.js("p.advance(10)")
        assert "Reached after" in page.text(".task")
        page.press("task")
        page.press("task3")
        assert "learn? Four" in page.text(".task")
        page = opened(made, "#goal=loss<0.001@30&lr=0.01")
        page.js("p.advance(100)")
        assert "Not yet" in page.text(".task") and page.js("return p.run.updates") == 30
        page = opened(made, "#ask=Will it learn?")
        assert page.js("return p.playButton.disabled")
        page.js("p.task.element.querySelector('input').value = 'yes'")
        page.press("predict")
        page.press("rewind")
        assert not page.js("return p.playButton.disabled")

    def test_the_tasks_of_the_exercises(self, opened):
        """Each address in the exercises is read whole."""
        found = 0
        made = nn.live(net((2, 8, 1)), bernoulli_nll, datasets.load("moons"))
        for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
            for address in re.findall(r"\(playground.html(#[^)]*)\)", path.read_text("utf-8")):
                page = opened(made, address)
                settings, found = page.js("return p.settings"), found + 1
                for name, text in parse_qsl(address[1:]):
                    value = settings[name]
                    value = "-".join(map(str, value)) if name == "hidden" else value
                    assert str(value) == text or float(value) == float(text), (address, name)
                assert page.js("return !p.settings.goal || p.task.goal !== null")
        assert found == 6

    def test_two_runs_side_by_side(self, opened):
        page = opened(nn.live(net(), bernoulli_nll, datasets.load("moons"), batch_size=4))
        page.press("compare")
        page.press("pin")
        page.change(b=40)
        for axis, times in [("updates", 1), ("epochs", 10), ("evaluations", 10)]:
            page.press("rewind")
            page.change(axis=axis)
            page.js("p.advance(20)")
            assert page.js("return [p.run.updates, p.pinned.updates]") == [20, 20 * times]
        assert "Pinned (dashed)" in page.text(".caption")
        page.change(b=4, grow=3, period=1)
        page.press("rewind")
        for epochs in (1, 2, 3):
            page.press("epoch")
            assert page.js("return p.run.time(p.run.updates, 'epochs')") == pytest.approx(epochs)
        page.press("noise")
        now = page.run(
            "return ['batch', 'true'].map((name) => root.querySelector(`.slice .${name}`)"
            ".getAttribute('d').match(/L90.0 ([\\d.]+)/)[1])"
        )
        assert now[0] == now[1]
        page.press("network")
        for text, seed in [("x", 0), ("501", 501)]:
            page.js("const field = p.panel.querySelector('[data-field=seed]'); field.value ="
                    "arguments[0]; field.dispatchEvent(new Event('change'))", text)  # fmt: skip
            assert page.js("return p.settings.seed") == seed
            assert bool(page.text(".message")) == (seed == 0)

    def test_a_weight_is_dragged(self, opened):
        page = opened(nn.live(net(), bernoulli_nll, XOR))
        before, loss = page.theta, page.js("return p.run.looks.at(-1).loss")
        line = page.find(".hit")
        drag = browser.actions(page.driver).move_to_element(line).click_and_hold()
        drag.move_by_offset(0, -40).release().perform()
        changed = np.flatnonzero(page.theta != before)
        assert len(changed) == 1 and page.theta[changed[0]] > before[changed[0]]
        assert page.js("return p.run.looks.at(-1).loss") != loss
        away = page.find("[data-do=rewind]")
        browser.actions(page.driver).move_to_element(line).move_to_element(away).perform()
        assert not page.text(".message")

    def test_a_units_line_of_the_recursion(self, opened):
        network = net((2, 3, 2, 1))
        page = opened(nn.live(network, bernoulli_nll, XOR))
        page.js("p.chooseExample(1)")
        pass_ = nn.backpropagate(network, bernoulli_nll, XOR[0][1], XOR[1][1])
        for l in (1, 2, 3):
            for j, delta in enumerate(pass_.delta[l]):
                assert page.js("return p.probe.number('delta', ...arguments)", l, j, 0) == (
                    pytest.approx(delta, rel=1e-12)
                )
        page.js("p.pick(p.picture.units.find((u) => u.l === 2 && u.j === 1))")
        text = page.text(".detail")
        assert "x2[1] = tanh(a)" in text and "\u03942[1] = g'(a)" in text
        page.js(
            "const f = p.detail.fields[0].text; f.value = '1.5';"
            "f.dispatchEvent(new Event('change'))"
        )
        assert 1.5 in page.theta

    def test_digits(self, opened):
        """Wide layers are cells and heat maps; weights of the first layer are images; a pad."""
        page = opened(nn.live(net((64, 32, 10)), categorical_nll, datasets.load("digits")))
        page.press("epoch")
        canvas = page.find("canvas.pad")
        hand = browser.actions(page.driver).move_to_element(canvas).click_and_hold()
        hand.move_by_offset(0, 40).move_by_offset(0, -80).release().perform()
        assert "your drawing" in page.text(".chosen")
        assert not page.complaints()

    @pytest.mark.tools("browser", "axe")
    def test_barriers(self, opened):
        page = opened(nn.live(net((4, 6, 3)), categorical_nll, datasets.load("iris")))
        for scheme in ("light", "dark"):
            feature = {"name": "prefers-color-scheme", "value": scheme}
            page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
            rules = None if scheme == "light" else browser.COLOURS
            for name in ("data", "network", "training", "noise", "compare", "task", "out"):
                page.js("p.toggle(arguments[0])", name)
                page.js("p.pick(p.picture.units[5])")
                assert not browser.violations(page.driver, rules), (scheme, name)

    def test_speed(self, opened, capsys):
        for widths, loss, name in [((2, 16, 16, 1), bernoulli_nll, "moons"),
                                   ((64, 32, 10), categorical_nll, "digits")]:  # fmt: skip
            page = opened(nn.live(net(widths), loss, datasets.load(name)))
            rate = page.js(
                "p.advance(50); const from = performance.now(); let k = 0;"
                "while (performance.now() - from < 300) { p.run.update(); k += 1; }"
                "return k / (performance.now() - from) * 1000"
            )
            with capsys.disabled():
                print(f"\n{'-'.join(map(str, widths))}, b = 16: {rate:,.0f} updates a second")
