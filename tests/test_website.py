"""Python in a browser, as far as it shows without one; `.ci/site.py` tries it in Chromium."""

import importlib
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograd.exercises import limits
from autograd.show import layout
from nn.train.callbacks import progress_bar

GRAPH = 'digraph { a [fontname="Helvetica,Arial,sans-serif"] }'


@pytest.fixture
def viz(monkeypatch):
    """A page that runs Python, and gives it Viz.js: it says what is in `said`."""
    page = SimpleNamespace(said=[], asked=[], status="success", output="<svg/>")

    def render(source, options):
        page.asked.append((source, options))
        errors = [SimpleNamespace(level=level, message=text) for level, text in page.said]
        return SimpleNamespace(status=page.status, output=page.output, errors=errors)

    js = SimpleNamespace(viz=SimpleNamespace(render=render), JSON=SimpleNamespace(parse=eval))
    monkeypatch.setitem(sys.modules, "js", js)
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(layout, "WAYS", [layout.WAYS[0], layout.WAYS[2]])
    return page


def test_the_ways_to_lay_out_are_tried_in_their_order(monkeypatch):
    assert [way.name for way in layout.WAYS] == ["dot", "pygraphviz", "viz"]
    assert layout.layout_tool() == "pygraphviz"
    monkeypatch.setattr(layout, "WAYS", layout.WAYS[2:])
    assert layout.layout_tool() is None  # no browser
    with pytest.raises(RuntimeError, match="nothing here can lay out a graph"):
        layout.lay_out(GRAPH, "svg")


def test_the_page_lays_out_and_what_it_says_of_fonts_is_not_shown(viz, capsys):
    assert layout.layout_tool() == "viz"
    viz.said = [("warning", "no value for width of non-ascii character 226.")]
    viz.output = '<text font-family="DejaVu Sans">'
    assert layout.lay_out(GRAPH, "svg") == b'<text font-family="Helvetica,Arial,sans-serif">'
    assert viz.asked == [('digraph { a [fontname="DejaVu Sans"] }', {"format": "svg"})]
    assert capsys.readouterr().err == ""
    viz.said = [("warning", "using box for unknown shape Zorb")]
    layout.lay_out(GRAPH, "svg")
    assert capsys.readouterr().err == "Warning: using box for unknown shape Zorb\n"


def test_an_error_of_the_page_s_layout_is_graphviz_s_own(viz):
    viz.status, viz.said = "failure", [("error", "syntax error in line 1 near 'hello'")]
    with pytest.raises(RuntimeError, match=r"viz failed .*: Error: syntax error in line 1 near"):
        layout.lay_out("hello", "svg")


def test_a_browser_has_no_bar_which_would_need_a_thread(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    with progress_bar(True, 10) as bar:
        assert bar is None


# ------------------------------------------------------------------- limits without threads


@pytest.fixture
def no_threads(monkeypatch):
    monkeypatch.setattr(limits, "THREADS", False)


def endless():
    x = 0
    while True:
        x = x + 1


def test_what_has_no_end_is_ended_in_its_line(no_threads):
    traced = sys.gettrace()
    where = limits.within(0.05, endless)
    frame, line = where[-1]
    assert frame.f_code is endless.__code__
    assert limits.line_of(frame, line).endswith(("while True:", "x = x + 1"))
    assert sys.gettrace() is traced


def test_what_ends_in_time_is_left_alone_and_its_errors_are_raised(no_threads):
    done = []
    assert limits.within(5.0, lambda: done.append(1)) is None
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        limits.within(5.0, lambda: 1 / 0)
    assert sys.gettrace() is None or "coverage" in sys.modules


# ------------------------------------------------------------------- byte code in its archives


@pytest.mark.parametrize("name", ["a_package-1.0-py3-none-any.whl", "library.zip"])
def test_byte_code_lies_where_python_finds_it(tmp_path, monkeypatch, name):
    """Also if the source was changed later: its time is not that of the file unpacked."""
    website = Path(__file__).parent.parent / "notebooks" / "website"
    monkeypatch.syspath_prepend(website)
    precompile = importlib.import_module("precompile").precompile
    del sys.modules["precompile"]
    sources = {"packed/__init__.py": "", "packed/inner.py": "A = 1\n", "packed/a.py": "{{ a }} }"}
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        for path, text in sources.items():
            archive.writestr(path, text)
    precompile(tmp_path / name)
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert {path: archive.read(path).decode() for path in sources} == sources
        assert len(archive.namelist()) == 5  # none for what is no Python
        if name.endswith(".whl"):
            archive.extractall(tmp_path / "site")
            (tmp_path / "site" / "packed" / "inner.py").write_text("A = 2\n")
    monkeypatch.syspath_prepend(tmp_path / ("site" if name.endswith(".whl") else name))
    inner = importlib.import_module("packed.inner")
    del sys.modules["packed"]
    del sys.modules["packed.inner"]
    assert inner.A == 1
    assert inner.__file__.endswith("packed/inner.py" if name.endswith(".whl") else "inner.pyc")
