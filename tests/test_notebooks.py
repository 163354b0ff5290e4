"""The notebooks run, what they show is what is stored, and exercises come from solutions."""

import ast
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import numpy as np
import pytest

from nn import datasets
from nn.data.datasets import NAMES as DATASETS
from tests.cases import outside, starred

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))
import holes  # noqa: E402
import make  # noqa: E402

COURSE = sorted(NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted(make.SOLUTIONS.glob("*.ipynb"))
EXERCISES = sorted(make.EXERCISES.glob("*.ipynb"))
NAMES = [path.stem for path in COURSE]
pytestmark = pytest.mark.slow
SECONDS = 120  # the most that a cell may take


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the notebooks' folder, for what they read and write."""
    folder = tmp_path_factory.mktemp("run") / "notebooks"
    return shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))


def run(path, folder):
    """A notebook after a run in a folder, by a kernel that knows of no test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - outside().keys():
            patch.delenv(name)  # a kernel in a test does not watch the file stderr
        return make.run(path, folder, SECONDS)


@pytest.fixture(scope="module")
def fresh(folder):
    """All notebooks after a run, by path: the course, rearranged, then exercises and solutions."""
    notebooks = {path: rearranged(read(path)) for path in COURSE}
    return run_together(notebooks | {path: read(path) for path in [*EXERCISES, *SOLUTIONS]}, folder)


def run_together(notebooks, folder):
    """The cells of notebooks after a run, by path: one kernel, which forgets all names in between.

    A kernel and its imports take longer than what most notebooks compute. An exception is an
    output of its notebook, and does not keep the others from running.
    """
    together, begins = nbformat.v4.new_notebook(), {}
    for path, notebook in notebooks.items():
        place = str(folder / path.parent.relative_to(NOTEBOOKS))
        # Without `freeze`, what IPython collects each time takes longer than some notebooks.
        afresh = nbformat.v4.new_code_cell(
            f"import gc, os; gc.freeze(); os.chdir({place!r})\n%reset -f"
        )
        begins[path] = len(together.cells) + 1
        together.cells += [afresh, *notebook.cells]
    for i, cell in enumerate(together.cells):
        cell.id, cell.metadata["tags"] = f"cell-{i}", ["raises-exception"]
    nbformat.write(together, folder / "together.ipynb")
    cells = run(folder / "together.ipynb", folder).cells
    return {path: cells[i : i + len(notebooks[path].cells)] for path, i in begins.items()}


def read(path):
    return nbformat.read(path, as_version=4)


def words_of(html):
    """The words that a piece of HTML shows, sorted: its layout may differ."""
    html = re.sub(r"<(style|script)\b.*?</\1>|<!--.*?-->|data:image/[^\"']*", " ", html, flags=re.S)
    return sorted(set(re.sub(r"<[^>]*>", " ", html).split()))


def texts_of(svg):
    """The texts that a picture by Graphviz shows, a line for each box, arrow and legend, sorted.

    Not its titles and comments, in which one version of Graphviz writes what another does not.
    """
    groups = [[*map(ET.Element.itertext, g.findall("{*}text"))] for g in ET.fromstring(svg).iter()]
    lines = [" ".join(" ".join("".join(text) for text in group).split()) for group in groups]
    found = [line for line in lines if line]
    assert found, "a picture without a word"
    return Lines(sorted(found, key=lambda line: (NUMBER.sub("#", line), numbers_in(line))))


class Lines(tuple):
    """Lines that are compared one by one, their numbers too."""


def shown(cell):
    """What a cell shows: what it printed, which may come in pieces, then its other outputs."""
    printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    return [printed, *[kinds(o.get("data", {})) for o in cell.outputs if o.output_type != "stream"]]


def kinds(data):
    """What an output shows, by its kind: texts as they are, pages and pictures by their words."""
    read = {"text/plain": str, "text/html": words_of, "image/svg+xml": texts_of}
    return {kind: read[kind](it) if kind in read else None for kind, it in data.items()}


NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def numbers_in(text):
    return [float(x.replace("−", "-")) for x in NUMBER.findall(text)]


def alike(stored, fresh):
    """Whether two outputs say the same: numbers up to a few per cent, that machines differ by."""
    if isinstance(stored, dict):
        return stored.keys() == fresh.keys() and all(alike(stored[k], fresh[k]) for k in stored)
    if isinstance(stored, Lines):
        return len(stored) == len(fresh) and all(map(alike, stored, fresh))
    if isinstance(stored, list):
        return {NUMBER.sub("#", w) for w in stored} == {NUMBER.sub("#", w) for w in fresh}
    if stored is None:
        return True
    # An object's place in memory is of the run; so is the width of a column of numbers.
    stored, fresh = (
        re.sub(r"\s+|-{4,}", " ", re.sub(r"0x[0-9a-f]+", "0x", text)) for text in (stored, fresh)
    )
    if NUMBER.sub("#", stored) != NUMBER.sub("#", fresh):
        return False
    pairs = zip(numbers_in(stored), numbers_in(fresh), strict=True)
    return all(abs(a - b) <= 0.05 * max(abs(a), abs(b)) + 1e-6 for a, b in pairs)


@pytest.mark.tools
@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_stored_outputs_are_fresh(fresh, path):
    """What is stored came from top to bottom; here the core path is run first, without a star.

    The starred sections follow, the last one first. So the core path needs none of them, and none
    needs another: they are there for whom they interest, in any order.
    """
    compare(path, [fresh[path][i] for i in np.argsort(core_first(read(path)))])


def core_first(notebook):
    """Where the cells of a notebook stand: its core path, then its starred sections, last first."""
    headings = [*starred(notebook.cells)]
    order = [None, *reversed([*dict.fromkeys(h for h in headings if h)])]
    return sorted(range(len(headings)), key=lambda i: order.index(headings[i]))


def rearranged(notebook):
    """A notebook with its core path first, then its starred sections, from the last on."""
    cells = [notebook.cells[i] for i in core_first(notebook)]
    return nbformat.v4.new_notebook(cells=cells)


def test_the_core_path_comes_first():
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    texts = ["# 1. Title", "## One", "## ★ Two (3 min)", "### Two, too", "## Three\n\nA text.",
             "## ★ Four (1 min)", "A text.\n\n## No star"]  # fmt: skip
    cells = [cell for i, text in enumerate(texts) for cell in (markdown(text), code(f"{i}"))]
    notebook = rearranged(nbformat.v4.new_notebook(cells=cells))
    assert [c.source for c in notebook.cells if c.cell_type == "code"] == [*"0145623"]


def compare(path, fresh):
    """Whether what a notebook has stored is what it shows after a run."""
    name = path.stem
    stored = read(path)
    counts = [c.execution_count for c in stored.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "not run from top to bottom"
    for old, new in zip(stored.cells, fresh, strict=True):
        if old.cell_type != "code":
            continue
        assert all(output.output_type != "error" for output in old.outputs)
        assert all(output.get("name") != "stderr" for output in [*old.outputs, *new.outputs]), (
            old.source
        )
        if "varies" not in old.metadata.get("tags", []):
            a, b = shown(old), shown(new)
            assert len(a) == len(b) and all(map(alike, a, b)), (
                f"what is stored is stale, run `python notebooks/make.py {name}`:\n"
                f"{old.source}\n\nstored: {a}\n\nnow: {b}"
            )


def test_a_stale_output_is_found():
    text = {"text/plain": "loss 0.6931 after 10 updates"}
    assert alike(text, {"text/plain": "loss 0.6932 after 10 updates"})
    assert not alike(text, {"text/plain": "loss 0.7931 after 10 updates"})
    assert not alike(text, {"text/plain": "loss 0.6931 after 12 updates"})
    assert not alike(text, {"text/plain": "error 0.6931 after 10 updates"})
    assert not alike(text, {"text/plain": text["text/plain"], "image/png": None})
    page = kinds({"text/html": "<style>b {}</style><p>grad <b>2.5</b></p>"})
    assert alike(page, kinds({"text/html": "<p>grad</p> 2.6"}))
    assert not alike(page, kinds({"text/html": "<p>data</p> 2.5"}))


def drawing(*boxes, title="<title>%3</title>"):
    """A picture as Graphviz writes it."""
    groups = "".join(f'<g class="node"><title>n0</title>{"".join(b)}</g>' for b in boxes)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><!-- Title: %3 --><g>{title}{groups}</g></svg>'
    return kinds({"image/svg+xml": '<?xml version="1.0" encoding="UTF-8"?>\n' + svg})


def test_pictures_are_compared_by_what_they_show():
    name, value, grad = "<text>x</text>", "<text>value\u00a02.5</text>", "<text>grad −1</text>"
    stored = drawing((name, value), (grad,))
    assert stored == {"image/svg+xml": ("grad −1", "x value 2.5")}
    for same in (
        drawing((name, value), (grad,), title=""),
        drawing((grad,), (name, value), title="<title>of another version</title>"),
        drawing((name, "<text>value 2.6</text>"), (grad,)),
    ):
        assert alike(stored, same)
    for other in (
        drawing((name, "<text>value 3.5</text>"), (grad,)),
        drawing((name, value), ("<text>grad 1</text>",)),
        drawing(("<text>y</text>", value), (grad,)),
        drawing((value, name), (grad,)),
        drawing((name, value)),
        drawing((name, value), (grad,), (grad,)),
        drawing((name,), (value, grad)),
        drawing((name, value), (grad,), ("<text>%3</text>",)),
    ):
        assert not alike(stored, other) and not alike(other, stored)
    with pytest.raises(AssertionError, match="without a word"):
        drawing((), title="<title>grad −1</title>")


def test_stored_pictures_have_texts_to_compare():
    outputs = [o.data for p in COURSE for c in read(p).cells for o in c.get("outputs", [])
               if "image/svg+xml" in o.get("data", {})]  # fmt: skip
    lines = [kinds(data)["image/svg+xml"] for data in outputs]
    assert len(lines) >= 5 and min(map(len, lines)) >= 5
    for data, texts in zip(outputs, lines, strict=True):
        for row in data["text/plain"].splitlines()[1:]:
            assert any({row.split()[0], *row.split()[-2:]} <= set(text.split()) for text in texts)


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_is_for(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown" and re.match(r"# \d\. ", cells[0].source)
    assert "you will be able to" in cells[0].source
    assert 'hasattr(autograd, "Value")' in cells[1].source
    assert any("assert " in cell.source for cell in cells)
    assert path.stat().st_size < 1_500_000
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert max(len(source.splitlines()) for source in code[1:]) <= 30  # below the imports
    for source in code:
        if "replacement=True" in source:
            assert "with replacement" in " ".join(cell.source for cell in cells)


def words_in_code(path):
    """The strings in a notebook's code, and the parts of the names of what it imports."""
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    words = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            words.update(part for name in names for part in name.split("."))
    return words


def test_stochastic_gradient_descent_needs_no_scikit_learn(monkeypatch):
    for module in [*[m for m in sys.modules if m.split(".")[0] == "sklearn"], "sklearn"]:
        monkeypatch.setitem(sys.modules, module, None)
    bundled = {"sklearn"}
    for name in DATASETS:
        try:
            datasets.load(name)
        except ModuleNotFoundError:
            bundled.add(name)
    assert len(bundled) > 1 and "moons" not in bundled
    for folder in (make.COURSE, make.EXERCISES, make.SOLUTIONS):
        assert words_in_code(folder / "4_stochastic_gradient_descent.ipynb").isdisjoint(bundled)
    assert not words_in_code(make.COURSE / "5_real_data.ipynb").isdisjoint(bundled)  # is found


def test_every_notebook_has_exercises_and_solutions():
    assert NAMES == [path.stem for path in SOLUTIONS] == [path.stem for path in EXERCISES]
    assert len(NAMES) == 7


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_exercises_are_made_from_solutions(path):
    made = make.tidy(make.exercise_of(read(path)))
    assert made == read(make.EXERCISES / path.name), "run `python notebooks/make.py none`"


def reports(cells):
    """The titles of the reports that the cells of a notebook show."""
    cells = [cell for cell in cells if cell.cell_type == "code"]
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    return [
        output.data["text/plain"].splitlines()[0]
        for cell in cells
        for output in cell.outputs
        if "data" in output and re.match(r"\w+: (all|not|\d+ of) ", output.data["text/plain"])
    ]


@pytest.mark.tools
@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_exercises_run_with_their_holes(fresh, path):
    titles = reports(fresh[path])
    assert len(titles) >= 2 and all(": not done yet" in title for title in titles), titles


@pytest.mark.tools
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_are_right(fresh, path):
    titles = reports(fresh[path])
    assert len(titles) >= 2 and all(re.search(r": all \d+ right$", title) for title in titles)


def test_every_task_is_in_an_exercise():
    from autograd.exercises.checking import TASKS
    from nn import exercises

    assert exercises
    sources = " ".join(cell.source for path in EXERCISES for cell in read(path).cells)
    assert [name for name in TASKS if f"check_{name}(" not in sources] == []


def test_holes():
    cell = [
        "def f(x):", "    ### BEGIN SOLUTION", "    y = x", "    return y", "    ### END SOLUTION",
        "### BEGIN SOLUTION", "a = {1: 2}", "### INSTEAD", "# a = {1: ...}", "### END SOLUTION",
        "f(1)",
    ]  # fmt: skip
    assert holes.rewritten("\n".join(cell), holes.hole).split("\n") == [
        "def f(x):", "    ...  # your code here", "a = {1: ...}", "f(1)",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="never ends"):
        holes.rewritten("\n".join(cell[:3]), holes.hole)
