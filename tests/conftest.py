"""The tests see a bare machine: neither Graphviz's program `dot` nor a browser, unless marked.

A test with the mark ``tools`` sees what there is: `dot`, by which pictures are laid out then, and
Chromium. Where it can't do without, the mark says so, ``tools("dot")`` or ``tools("browser")``, and
the test is skipped where there is none; ``tools("browser", "axe")`` wants npm's axe-core as well.
``pytest --bare -m tools`` runs the marked tests as on a machine with neither; the others are
always on one. So no new test can depend on a tool unnoticed: without the mark it does not find it,
and with the mark CI runs it both ways.

A test with the mark ``slow`` takes seconds: it runs notebooks, a browser, processes to be killed.
All others are the fast subset, ``-m "not slow"``, which CI runs once more on the lowest versions
that pyproject.toml declares, with the warning filters that users have. The files with most slow
tests are begun first, so that no worker is left alone with one at the end.
"""

import os
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

TOOLS = ("dot", "chromium", "chromium-browser", "chromedriver")
INSTALL = {
    "dot": "no `dot`: install Debian's graphviz",
    "browser": "no browser: install Debian's chromium and chromium-driver",
    "axe": "no axe-core: npm install axe-core, and its axe.min.js as CHALKGRAD_AXE",
}
WITH_TOOLS = "CHALKGRAD_PATH_WITH_TOOLS"  # in the environment, so that workers of xdist know it


def pytest_addoption(parser):
    parser.addoption("--bare", action="store_true", help="hide `dot` and browsers from all tests")


def pytest_configure(config):
    if WITH_TOOLS not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="bare")
        config.add_cleanup(folder.cleanup)
        os.environ[WITH_TOOLS] = os.environ["PATH"]
        os.environ["PATH"] = without_tools(os.environ["PATH"], Path(folder.name))
    # xdist would begin with the files of most tests, which take no time, and end with notebooks.
    config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)  # before `-m` takes some away
def pytest_collection_modifyitems(items):
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def without_tools(path, folder):
    """The PATH with links to all programs but the tools, in place of folders that hold tools."""
    places = path.split(os.pathsep)
    for i, place in enumerate(places):
        if any(shutil.which(tool, path=place) for tool in TOOLS):
            places[i] = str(folder / str(i))
            os.mkdir(places[i])
            for program in Path(place).iterdir():
                if program.stem not in TOOLS:
                    with suppress(OSError):  # Windows wants a privilege
                        (Path(places[i]) / program.name).symlink_to(program)
    return os.pathsep.join(places)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """A test with its fixtures, in its own PATH."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("tools") and not item.config.getoption("--bare"):
            patch.setenv("PATH", os.environ[WITH_TOOLS])
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    there = {
        "dot": shutil.which("dot"),
        "browser": chromium and shutil.which("chromedriver"),
        "axe": os.environ.get("CHALKGRAD_AXE"),
    }
    for mark in item.iter_markers("tools"):
        for need in mark.args:
            if not there[need]:
                pytest.skip(INSTALL[need])


def pytest_terminal_summary(terminalreporter):
    """What tests have measured, after them, whichever process they ran in."""
    rows = [
        row
        for report in terminalreporter.stats.get("passed", ())
        for name, row in getattr(report, "user_properties", ())
        if name == "worst ulp"
    ]
    if rows:
        terminalreporter.section("worst error of each primitive at hard points, in ulp")
        table = [("row", "first derivatives", "the same, recorded", "second"), *sorted(rows)]
        widths = [max(map(len, column)) for column in zip(*table)]
        for row in table:
            line = "  ".join(f"{text:<{width}}" for text, width in zip(row, widths))
            terminalreporter.write_line(line.rstrip())
