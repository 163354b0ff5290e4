"""The pictures of the READMEs, made anew by the library itself.

    .venv/bin/python -m notebooks.pictures.make

Needs the extra `test`, and Chromium with its driver: what pages show is photographed in a browser.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from autograd import Value, draw
from nn import MLP, Film, bernoulli_nll, datasets, fit, live, plots
from nn.figures import png
from tests import browser

HERE = Path(__file__).parent


def example():
    """f = log(x) + x y - sin(y) of README, after its sweep."""
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    f = x.log() + x * y - y.sin()
    f.label = "f"
    f.backward()
    return f


def trained():
    """The moons, a network that has learned them, and the film of it."""
    moons = datasets.load("moons")
    net = MLP(2, [8, 1], activation="tanh", rng=np.random.default_rng(0))
    film = Film(net, moons.X_test[0], moons.y_test[0], every=10)
    fit(net, bernoulli_nll, moons.X_train, moons.y_train, epochs=40, batch_size=16, lr=0.5,
        rng=np.random.default_rng(1), progress=False, callbacks=[film])  # fmt: skip
    return moons, net, film


def write(image, name):
    """A PNG in at most 256 colours, which is a third as large."""
    image = Image.open(io.BytesIO(image)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(HERE / name, optimize=True)


def photograph(driver, player, title, folder):
    """A player at the first frame of such a title, without the page around it."""
    player.save(folder / "player.html")
    view = browser.Page(driver, (folder / "player.html").as_uri())
    at = next(i for i, frame in enumerate(player.frames) if title in frame.title)
    view.run(
        "const slider = root.querySelector('input'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input'))",
        at,
    )
    return view.find(".player").screenshot_as_png


def playground(driver, folder):
    """The playground after 600 updates, without what unfolds below it."""
    net = MLP(2, [8, 4, 1], activation="tanh", rng=np.random.default_rng(0))
    live(net, bernoulli_nll, datasets.load("moons"), lr=0.3).save(folder / "playground.html")
    view = browser.Page(driver, (folder / "playground.html").as_uri())
    driver.execute_script("document.querySelector('[data-chalkgrad]').play.advance(600)")
    view.run("for (const e of root.querySelectorAll('.tabs, .foot')) e.hidden = true")
    return view.find(".play").screenshot_as_png


def report(driver, folder):
    """The top of the report that README's first command writes."""
    subprocess.run([sys.executable, "-m", "nn", "train", "digits"], cwd=folder, check=True)
    driver.get((folder / "runs" / "digits" / "report.html").as_uri())
    return driver.get_screenshot_as_png()


def main():
    """All pictures."""
    draw(example()).save(HERE / "graph.svg")
    moons, net, film = trained()
    regions = plots.decision_regions(net, moons.X_test, moons.y_test, moons.classes)
    write(png(regions), "regions.png")
    driver = browser.start(1000, 1250)
    try:
        light = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", light)
        driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            steps = draw(example()).steps()
            write(photograph(driver, steps, "Backward: v2", folder), "steps.png")
            write(photograph(driver, film.player(), "Update 200", folder), "film.png")
            write(playground(driver, folder), "playground.png")
            write(report(driver, folder), "report.png")
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
