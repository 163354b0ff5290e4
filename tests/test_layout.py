"""Laying out by `dot` and by pygraphviz: the same errors and warnings, and nothing about fonts."""

import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

from autograd.show.layout import lay_out, layout_tool
from tests.conftest import TOOLS

TOOL = ["pygraphviz", pytest.param("dot", marks=pytest.mark.tools("dot"))]
posix = pytest.mark.skipif(os.name == "nt", reason="Fontconfig and files as on POSIX")
GRAPH = "digraph { a -> b }"
WARNED = "digraph { a [shape=zorb]; a -> b:x }"
WARNINGS = ["Warning: node b, port x unrecognized", "Warning: using box for unknown shape zorb"]


# ------------------------------------------------------------------------------- the two machines


def test_a_test_sees_no_tool_unless_it_is_marked():
    assert [tool for tool in TOOLS if shutil.which(tool)] == []
    assert layout_tool() == "pygraphviz"


@pytest.mark.tools("dot", "browser")
def test_a_test_that_is_marked_sees_the_tools():
    assert shutil.which("dot") and shutil.which("chromedriver")
    assert layout_tool() == "dot"


def test_what_keeps_pygraphviz_from_loading_is_said(monkeypatch, tmp_path):
    """Its wheel needs libraries of the system, which a container may lack."""
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libXrender.so.1: no such file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    said = (
        r"^nothing here .*\. pygraphviz is installed, but fails: libXrender.*, or install Graphviz"
    )
    with pytest.raises(RuntimeError, match=said):
        lay_out(GRAPH, "svg")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)  # not installed
    with pytest.raises(RuntimeError, match=r"^nothing here can .*\. To see the picture, install"):
        lay_out(GRAPH, "svg")


@posix
@pytest.mark.tools
def test_only_the_tools_are_hidden():
    for program in ("sh", "cat", "env"):
        assert shutil.which(program)


# --------------------------------------------------------------------------- errors and warnings


@pytest.mark.parametrize("tool", TOOL)
@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("digraph { a -> ", r"syntax error in line 1"),
        ("hello", r"syntax error in line 1 near 'hello'"),
        ("digraph { a [label=<<b>x>] }", r"mismatched tag in line 1.* in label of node a"),
    ],
)
def test_an_error_has_graphviz_s_own_message(tool, source, complaint, capfd):
    assert layout_tool() == tool
    with pytest.raises(RuntimeError, match=f"^{tool} failed to lay out the graph: .*{complaint}"):
        lay_out(source, "svg")
    assert capfd.readouterr() == ("", ""), "it is said once"


@pytest.mark.parametrize("tool", TOOL)
def test_a_warning_is_passed_on(tool, capfd):
    assert layout_tool() == tool
    assert b"<svg" in lay_out(WARNED, "svg")
    out, err = capfd.readouterr()
    assert (out, sorted(err.splitlines())) == ("", WARNINGS)
    assert b"<svg" in lay_out(GRAPH, "svg")
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------------------ stderr and fonts


@pytest.fixture
def fonts(tmp_path, monkeypatch):
    """Settings of fonts with a word that no Fontconfig knows, as old ones don't know new words."""
    settings = "<fontconfig><dir>/usr/share/fonts</dir><unheard-of/></fontconfig>"
    (tmp_path / "fonts.conf").write_text(f'<?xml version="1.0"?>{settings}')
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))


def python(code):
    """What a fresh process prints, and what it writes on stderr."""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout, process.stderr


@pytest.mark.slow
@posix
@pytest.mark.parametrize("tool", TOOL)
def test_complaints_about_fonts_are_kept_from_the_user(tool, fonts):
    alone = {
        "dot": f"import subprocess; subprocess.run(['dot', '-Tsvg'], input=b'{GRAPH}')",
        "pygraphviz": f"import pygraphviz as p; p.AGraph('{GRAPH}').draw(format='svg', prog='dot')",
    }
    assert "Fontconfig warning: " in python(alone[tool])[1], "else nothing is proven here"
    picture = "from autograd import Value, draw; print(draw(Value(2.0) * 3).render('svg'))"
    out, err = python(picture)
    assert "<svg" in out
    assert err == ""
    lay_out_warned = f"from autograd.show.layout import lay_out; lay_out('{WARNED}', 'svg')"
    assert sorted(python(lay_out_warned)[1].splitlines()) == WARNINGS


@pytest.mark.slow
@posix
def test_no_complaint_about_fonts_in_jupyter(fonts, monkeypatch):
    # In a test a kernel does not watch the file stderr: this one is to be as for a user.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    cells = [
        "from autograd import Value\nValue(2.0) * 3",
        # What is written to the file is read by a thread of the kernel, which takes its time.
        "import os, sys, time\nos.write(2, b'to the file\\n')\n"
        "print('to Python', file=sys.stderr)\ntime.sleep(0.5)",
    ]
    import nbformat  # these take seconds
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    picture, written = (cell.outputs for cell in notebook.cells)
    assert [output.output_type for output in picture] == ["execute_result"]
    assert "image/svg+xml" in picture[0].data
    text = "".join(output.text for output in written if output.name == "stderr")
    # Pieces of two streams may come one inside the other.
    assert sorted(text.replace("\n", "")) == sorted("to Pythonto the file")


@pytest.fixture
def drawn(monkeypatch):
    """Has something done while Graphviz is at work, by pygraphviz in this process."""
    import pygraphviz

    draw = pygraphviz.AGraph.draw

    def replace(work):
        def working(self, *arguments, **options):
            work()
            return draw(self, *arguments, **options)

        monkeypatch.setattr(pygraphviz.AGraph, "draw", working)

    return replace


def test_what_others_write_meanwhile_is_passed_on(drawn, capfd):
    drawn(lambda: os.write(2, b"from another thread\n"))
    lay_out(GRAPH, "svg")
    assert capfd.readouterr() == ("", "from another thread\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr() == ("", "afterwards\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError])
def test_stderr_is_as_before_whatever_happens(drawn, capfd, error):
    def fail():
        raise error("stopped")

    drawn(fail)
    before = os.fstat(2)
    with pytest.raises(RuntimeError if error is ValueError else error, match="stopped"):
        lay_out(GRAPH, "svg")
    assert os.path.samestat(os.fstat(2), before)
    os.write(2, b"afterwards\n")
    assert capfd.readouterr() == ("", "afterwards\n")


def test_threads_may_draw_at_the_same_time(capfd):
    sources = [f"digraph {{ n{i} -> b }}" for i in range(8)] * 3
    made = {}

    def work(i):
        made[i] = lay_out(sources[i], "svg").decode()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(sources))]
    before = os.fstat(2)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [re.search(r"n\d", made[i])[0] for i in range(len(sources))] == [
        s[10:12] for s in sources
    ]
    assert os.path.samestat(os.fstat(2), before)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@posix
@pytest.mark.parametrize("closed", ["2", "0, 2"])
def test_without_stderr_it_draws_all_the_same(closed):
    code = f"""if True:
        import os, sys
        from autograd.show.layout import lay_out
        sys.stderr = None
        for file in ({closed},):
            os.close(file)
        print(lay_out("{GRAPH}", "svg"))
        try:
            lay_out("hello", "svg")
        except RuntimeError as error:
            print(error)
        try:
            os.fstat(2)
        except OSError as error:
            print("closed again")
    """
    picture, error, again = python(code)[0].splitlines()
    assert "<svg" in picture
    assert "syntax error in line 1 near 'hello'" in error
    assert again == "closed again"


@posix
@pytest.mark.parametrize("closed", [(2,), (0, 2)])
def test_stderr_that_is_closed_stays_closed(closed):
    before = {file: os.dup(file) for file in closed}
    for file in closed:
        os.close(file)
    try:
        assert b"<svg" in lay_out(GRAPH, "svg")
        with pytest.raises(RuntimeError, match="syntax error in line 1"):
            lay_out("hello", "svg")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(2)
    finally:
        for file, kept in before.items():
            os.dup2(kept, file)
            os.close(kept)
