"""Build the site, and try it in Chromium: the course runs, and nothing is asked of other hosts.

It installs what it needs by npm. Whatever a page or Python in it asks of another host arrives at
this script, which refuses it and fails. So what only Pyodide's own server has can't be had: NumPy
comes from a package of npm that brings it along, and matplotlib is a stand-in that draws nothing.
"""

import json
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "notebooks")]

import make  # noqa: E402
import website  # noqa: E402

from tests import browser  # noqa: E402

NUMPY = "@bentopdf/pymupdf-wasm@0.11.16"
FOLDER = "/some/folder/"  # a site must not need the root of its host
# Chromium's own, whatever it shows.
BROWSERS = ("update", "clients2", "accounts", "content-autofill", "optimizationguide-pa")
SECONDS = 120  # for a notebook: enough on a machine with other work
NAMES = ("1_the_computation_graph", "3_backpropagation", "6_learning_representations")


class Site(SimpleHTTPRequestHandler):
    """Serves the site in a folder of its host; to all other hosts it is the way, and closed."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        if not self.path.startswith("/"):
            self.refuse()
        elif self.path.startswith(FOLDER):
            self.path = "/" + self.path.removeprefix(FOLDER)
            super().do_GET()
        else:
            self.send_error(404)

    def refuse(self) -> None:
        host = self.path.split("//")[-1].split("/")[0].split(":")[0]
        if host.split(".")[0] not in BROWSERS:
            self.asked.append(self.path)
        self.send_error(502)

    do_CONNECT = do_POST = refuse  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


def wheels(folder: Path) -> Path:
    """What stands for the wheels of Pyodide's own server."""
    website.run("npm", "install", "--silent", "--prefix", folder, NUMPY)
    assets = folder / "node_modules" / NUMPY.rpartition("@")[0] / "assets"
    (numpy,) = assets.glob("numpy-*.whl")
    (folder / "wheels").mkdir()
    stand_in = (ROOT / ".ci" / "matplotlib_stand_in.py").read_text("utf-8")
    codes = {"matplotlib": stand_in, "sqlite3": "raise ModuleNotFoundError"}
    numpy.rename(folder / "wheels" / numpy.name)
    for name, code in codes.items():
        info = f"{name}-0.dist-info"
        with zipfile.ZipFile(folder / "wheels" / f"{name}-0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", code)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder / "wheels"


OPEN = """
const panel = window.jupyterapp?.shell?.currentWidget;
return Boolean(panel?.content?.model?.cells?.length && document.querySelector(".jp-Cell"));
"""
START = """
const panel = jupyterapp.shell.currentWidget;
panel.sessionContext.ready
  .then(() => panel.sessionContext.session.kernel.info)
  .then(() => { window.started = true; })
  .then(() => jupyterapp.commands.execute("notebook:run-all-cells"))
  .then(() => { window.ended = true; });
"""
CELLS = "return jupyterapp.shell.currentWidget.content.model.toJSON().cells"


class Reader:
    """Somebody at the site, who has just opened a browser."""

    def __init__(self, site: str) -> None:
        self.site = site
        host = site.removesuffix(FOLDER)
        self.driver = browser.start(1400, 1000, [f"--proxy-server={host}"])

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self.driver.quit()

    def wait(self, script: str) -> float:
        """Until a script says yes; the seconds that it took."""
        begun = time.monotonic()
        while not self.driver.execute_script(script):
            if time.monotonic() > begun + SECONDS:
                said = "\n".join(line["message"] for line in self.driver.get_log("browser")[-20:])
                raise SystemExit(f"{self.driver.current_url}: not within {SECONDS} s:\n{said}")
            time.sleep(0.1)
        return time.monotonic() - begun

    def open(self, name: str) -> float:
        """Open a notebook; the seconds that it took."""
        begun = time.monotonic()
        self.driver.get(f"{self.site}lab/index.html?path={name}.ipynb")
        self.wait(OPEN)
        return time.monotonic() - begun

    def run(self, name: str) -> list[Any]:
        """Run a notebook whole; its cells of code."""
        opened = self.open(name)
        self.driver.execute_script(START)
        started = self.wait("return window.started")
        ran = self.wait("return window.ended")
        cells = [c for c in self.driver.execute_script(CELLS) if c["cell_type"] == "code"]
        print(f"{name}: open in {opened:.0f} s, Python in {started:.0f} s, ran in {ran:.0f} s")
        for cell in cells:
            for out in cell["outputs"]:
                if out["output_type"] == "error" or out.get("name") == "stderr":
                    raise SystemExit(f"{name}:\n{cell['source']}\n{json.dumps(out, indent=1)}")
            if cell["source"].strip() and not cell["execution_count"]:
                raise SystemExit(f"{name} was not run to its end: {cell['source']}")
        return cells


CLICK = """
const players = [...document.querySelectorAll(".jp-OutputArea [data-chalkgrad]")];
const root = players.map((e) => e.shadowRoot).find(  // of several steps
  (e) => e.querySelector("[data-do=speed]") && e.querySelector("[type=range]").max > 1);
const slider = root.querySelector("[type=range]");
root.querySelector("[data-do=first]").click();
root.querySelector("[data-do=next]").click();
return slider.value;
"""
CHECK = """
from autograd.exercises import Case, check

@check("twice")
def check_twice(twice):
    "``twice(x)``: 2 x."
    yield Case("twice(1.0)", lambda: twice(1.0), 2.0)
"""
ENDLESS = """
def twice(x):
    while x < 2:
        x = x + 0

print(check_twice(twice))
"""
ASK = """
const [code, done] = arguments;
const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
const asked = kernel.requestExecute({ code });
let said = "";
asked.onIOPub = (message) => { said += message.content.text ?? ""; };
asked.done.then(() => done(said));
"""


def try_notebooks(site: str, folder: str) -> None:
    """Run notebooks of a folder, each in a browser of its own."""
    for name in NAMES:
        with Reader(site) as reader:
            driver = reader.driver
            driver.set_script_timeout(SECONDS)
            shown = [out for cell in reader.run(folder + name) for out in cell["outputs"]]
            assert len(shown) > 5, shown
            if folder:  # what has no end is named, and its line
                driver.execute_async_script(ASK, CHECK)
                said = driver.execute_async_script(ASK, ENDLESS)
                assert "no end within 2 seconds" in said and "in your twice, line" in said, said
            else:
                assert any("<svg" in str(out) for out in shown), "no graph was laid out"
                if name == NAMES[0]:
                    assert driver.execute_script(CLICK) == "1"


def try_pages(site: str) -> None:
    """The first page, its links, its players; and what it says where the notebooks can't run."""
    with Reader(site) as reader:
        driver = reader.driver
        driver.get(site)
        links = [link.get_attribute("href") for link in driver.find_elements("tag name", "a")]
        assert len(links) == 17 and all(link.startswith(site) for link in links), links
        assert alerts(driver) == []
        for link in links[:3]:
            page = browser.Page(driver, link)
            page.wait(lambda page=page: page.run("return root.querySelector('button') !== null"))
            assert not [line for line in driver.get_log("browser") if line["level"] == "SEVERE"]
        full = "navigator.storage.estimate = () => Promise.resolve({ quota: 9e6, usage: 8e6 });"
        for broken, said in (
            ("delete WebAssembly.Tag;", "This browser is too old"),
            (full, "no room to store your work"),
            ("indexedDB.open = () => { throw new Error(); };", "no room to store your work"),
        ):
            order = "Page.addScriptToEvaluateOnNewDocument"
            script = driver.execute_cdp_cmd(order, {"source": broken})
            for place in ("", "lab/index.html"):
                driver.get(site + place)
                reader.wait("return document.querySelector('p[role=alert]') !== null")
                assert said in alerts(driver)[0], (place, alerts(driver))
            order = "Page.removeScriptToEvaluateOnNewDocument"
            driver.execute_cdp_cmd(order, {"identifier": script["identifier"]})


def alerts(driver: Any) -> list[str]:
    """What `check.js` says."""
    return [alert.text for alert in driver.find_elements("css selector", "p[role=alert]")]


def main() -> None:
    """Build the site, serve it, and try it."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        begun = time.monotonic()
        folders = (make.COURSE, make.EXERCISES, make.SOLUTIONS)
        notebooks = [path for folder in folders for path in sorted(folder.glob("*.ipynb"))]
        website.build(work / "site", notebooks, wheels(work))
        size = sum(p.stat().st_size for p in (work / "site").rglob("*") if p.is_file()) / 1e6
        print(f"built in {time.monotonic() - begun:.0f} s, {size:.0f} MB")
        assert size < 60, "the site is to stay under 60 MB"
        config = work / "site" / "jupyter-lite.json"
        settings = json.loads(config.read_text("utf-8"))
        settings["jupyter-config-data"]["exposeAppInBrowser"] = True  # for this script
        config.write_text(json.dumps(settings))
        handler = partial(Site, directory=str(work / "site"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            site = f"http://127.0.0.1:{server.server_port}{FOLDER}"
            with ThreadPoolExecutor(1) as pool:
                courses = pool.submit(try_notebooks, site, "")
                try_pages(site)
                try_notebooks(site, "solutions/")
                courses.result()
            server.shutdown()
    assert not Site.asked, f"asked of other hosts: {Site.asked}"
    print(f"{time.monotonic() - begun:.0f} s in all, nothing asked of other hosts")


if __name__ == "__main__":
    main()
