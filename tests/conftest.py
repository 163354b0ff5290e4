"""The tests see a bare machine: neither Graphviz's program `dot` nor a browser, unless marked.

A test with the mark ``tools`` sees what there is: `dot`, by which pictures are laid out then, and
Chromium. Where it can't do without, the mark says so, ``tools("dot")`` or ``tools("browser")``, and
the test is skipped where there is none; ``tools("browser", "axe")`` wants npm's axe-core as well,
``tools("graders")`` other graders, in an environment of their own: see .ci/run.
``pytest --bare -m tools`` runs the marked tests as on a machine with neither; the others are
always on one. So no new test can depend on a tool unnoticed: without the mark it does not find it,
and with the mark CI runs it both ways.

A test with the mark ``slow`` takes a fifth of a second or more, or is one of many that do together:
notebooks, pages in a browser, plots, processes, whole trainings from the command line. All others
are the fast subset, ``-m "not slow"``: the strongest quick tests of every room, in less than a
minute on two quiet cores. CI runs it once more on the lowest versions that pyproject.toml declares,
with the warning filters that users have. The files with most slow tests are begun first, so that no
worker is left alone with one at the end.
"""

import gc
import os
import re
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
    "graders": "no graders: an environment with chalkgrad[graders], its bin as CHALKGRAD_GRADERS",
    "axe": "no axe-core: npm install axe-core, and its axe.min.js as CHALKGRAD_AXE",
}
WHOLE = re.compile(r"^pytestmark = .*\bslow\b", re.MULTILINE)
WITH_TOOLS = "CHALKGRAD_PATH_WITH_TOOLS"  # in the environment, so that workers of xdist know it


def pytest_addoption(parser):
    parser.addoption("--bare", action="store_true", help="hide `dot` and browsers from all tests")


def pytest_configure(config):
    from autograd.compiler import llvm

    llvm.LEVEL = 0  # tests compile much and run it little; tests/test_native.py has it all
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30:
        # Folders of tests in memory: a disk takes longer to make sure of files than all else does.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))
    if WITH_TOOLS not in os.environ:
        place = os.environ.get("PYTEST_DEBUG_TEMPROOT")
        folder = tempfile.TemporaryDirectory(prefix="bare", dir=place)
        config.add_cleanup(folder.cleanup)
        os.environ[WITH_TOOLS] = os.environ["PATH"]
        os.environ["PATH"] = without_tools(os.environ["PATH"], Path(folder.name))
    if config.option.markexpr == "not slow":
        os.environ["CHALKGRAD_FAST"] = "1"  # see `many` in tests/cases.py
    # xdist would begin with the files of most tests, which take no time, and end with notebooks.
    config.option.loadscopereorder = False


@pytest.fixture
def quick_files(monkeypatch):
    """The command line draws no curves and writes no report: these take most of its time."""
    from nn import cli, sweeping

    for module in (cli, sweeping):
        monkeypatch.setattr(
            module, "svg", lambda figure: "<svg xmlns='http://www.w3.org/2000/svg'/>"
        )
    monkeypatch.setattr(cli, "write_report", lambda path, *_: path.write_text("report"))


def pytest_ignore_collect(collection_path, config):
    """For the fast subset, a file that is slow as a whole is not imported: it takes seconds too."""
    if config.option.markexpr == "not slow" and collection_path.name.startswith("test_"):
        return WHOLE.search(collection_path.read_text(encoding="utf-8")) and True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path):
    """No doctests are looked for in this folder: it takes as long as the import of its files."""
    found = yield
    tests = Path(__file__).parent in file_path.parents
    return [one for one in found if not (tests and type(one) is not pytest.Module)]


def pytest_collection():
    gc.disable()  # what is collected stays: looking through it again and again finds nothing


def pytest_collection_finish():
    gc.enable()
    gc.freeze()  # nor does the collector look through it later, test by test,
    gc.set_threshold(50_000)  # nor as often through the rest: that took a twentieth of the time


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
    for mark in item.iter_markers("tools"):
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        there = {
            "dot": shutil.which("dot"),
            "browser": chromium and shutil.which("chromedriver"),
            "axe": os.environ.get("CHALKGRAD_AXE"),
            "graders": os.environ.get("CHALKGRAD_GRADERS"),
        }
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
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            line = "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
            terminalreporter.write_line(line.rstrip())
