"""A folder of submissions: who passed what, in points and pages, for Gradescope, and resumed."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import autograd.exercises.__main__ as command
import nn.exercises
from autograd.exercises import Case, cage, check, judge, loading, submissions
from autograd.exercises.cage import Limits
from autograd.exercises.checking import TASKS
from autograd.exercises.grading import feedback, gradescope, junit, running
from autograd.exercises.grading.grades import Grades, handed_in
from autograd.exercises.grading.kept import Kept
from autograd.exercises.grading.tasks import NOTEBOOKS, chosen
from autograd.exercises.judge import Result
from tests import browser
from tests.cases import for_each, outside

RIGHT = "def growing(b, every):\n    return lambda epoch: b * 2 ** ((epoch - 1) // every)\n"
WRONG = RIGHT.replace("epoch - 1", "epoch")

# What a teacher may write: a case that is hidden, and a check that ends the process it runs in.
CHECKS = """
import os
from autograd.exercises import Case, check

@check("triple")
def check_triple(triple):
    '''Three times x.'''
    yield Case("triple(2)", lambda: triple(2), 6, {"twice, not three times": 4})
    yield Case("triple(1234)", lambda: triple(1234), 3702, hidden=True)

@check("crashing")
def check_crashing(crashing):
    yield Case("crashing()", lambda: os._exit(3), 1)

@check("telling")
def check_telling(telling):
    yield Case("telling()", telling, "nothing")
"""
# It tells what it was given: in what it prints, in an exception, and in a later task.
TELLTALE = """
import sys
seen = []

def triple(x):
    seen.append(x)
    print(seen)
    if x > 2:
        raise ValueError(seen)
    return 3 * x

def telling():
    return f"seen {seen}"
"""


def notebook(*cells):
    return json.dumps(
        {
            "cells": [
                {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {},
                 "outputs": [], "execution_count": None}
                for cell in cells
            ],
            "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
        }
    )  # fmt: skip


def submit(folder):
    """Submissions of all kinds."""
    folder.mkdir()
    cells = ["%%time\n" + RIGHT, "x = !ls", "    %time 1", "growing?", "await asyncio.sleep(0)"]
    (folder / "anna.ipynb").write_bytes(b"\xef\xbb\xbf" + notebook(*cells).encode())
    berta = folder / "berta"
    (berta / "solutions").mkdir(parents=True)
    (berta / "solutions" / "work.py").write_text(RIGHT)
    cells = ["%matplotlib inline\nfrom nn import minibatches, step_decay", "1 / 0", WRONG,
             "def sgd_step(theta, v, g, lr, momentum):\n    ...", "display(growing)"]  # fmt: skip
    (berta / "work.ipynb").write_text(notebook(*cells))
    (berta / "late.py").write_text("def step_decay(*_): return lambda t: 1.0\n")
    os.utime(berta / "late.py", (2e9, 2e9))
    (folder / "carl.py").write_text("def growing(b, every:\n")
    ends = "import os\ndef sgd_step(*arguments):\n    os._exit(3)\ndef crashing(): ...\n"
    (folder / "dora.py").write_text(f"{ends}{RIGHT}import time\ntime.sleep(0.5)\n")
    (folder / "emil.py").write_text(TELLTALE)
    (folder / "fritz.py").write_text(RIGHT)
    os.utime(folder / "fritz.py", (2e9, 2e9))
    (folder / "Zoë <b>.py").write_bytes(f"# coding: latin-1\n# é\n{RIGHT}".encode("latin-1"))
    (folder / "notes.txt").write_text("nothing")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A folder, and what is printed of it: everything at once, as processes take their time."""
    folder = tmp_path_factory.mktemp("graded")
    submit(folder / "work")
    (folder / "my_checks.py").write_text(CHECKS)
    (folder / "tasks.txt").write_text("4\ngrowing=2.5\n")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = command.main([*arguments(folder), "--workers", "2"])
    for name in ("triple", "crashing", "telling"):
        del TASKS[name]
    assert status == 1
    return folder, said.getvalue()


def arguments(folder):
    files = {"csv": "t.csv", "points": "p.csv", "junit": "j.xml", "feedback": "f", "resume": "kept"}
    options = [f"--{name}={folder / file}" for name, file in files.items()]
    tasks = ["--tasks", f"@{folder / 'tasks.txt'}", "triple", "crashing", "telling"]
    checks = f"--checks={folder / 'my_checks.py'}"
    return [str(folder / "work"), *options, checks, "--due", "2030-05-01", *tasks]


def rows(path):
    head, *lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    return head, {line[0]: dict(zip(head[1:], line[1:], strict=True)) for line in lines}


@pytest.mark.slow
class TestAFolder:
    def test_the_cells_of_the_table_say_how_it_went(self, graded):
        head, found = rows(graded[0] / "t.csv")
        assert head == ["submission", *NOTEBOOKS[4], "triple", "crashing", "telling"]
        assert list(found) == ["Zoë <b>", "anna", "berta", "carl", "dora", "emil", "fritz"]
        assert {name: states["growing"] for name, states in found.items()} == {
            "Zoë <b>": "right", "anna": "right", "berta": "wrong", "carl": "no result",
            "dora": "right", "emil": "missing", "fritz": "no result",
        }  # fmt: skip
        # imported from nn, not written; a hole; what came too late
        assert [found["berta"][t] for t in ("minibatches", "sgd_step", "step_decay")] == [
            "missing", "not done", "missing",
        ]  # fmt: skip

    def test_a_crash_costs_one_task(self, graded):
        _, found = rows(graded[0] / "t.csv")
        assert found["dora"] == dict.fromkeys(found["dora"], "missing") | {
            "growing": "right", "sgd_step": "no result", "crashing": "no result",
        }  # fmt: skip
        assert "dora, crashing: no result: the process that grades it ended, with st" in graded[1]

    def test_points_are_in_a_file_of_their_own(self, graded):
        head, found = rows(graded[0] / "p.csv")
        assert head[-2:] == ["total", "of"]
        assert found["anna"]["growing"] == found["anna"]["total"] == "2.5"
        assert found["berta"]["total"] == "0" and found["berta"]["of"] == "9.5"

    def test_what_is_printed(self, graded):
        said = graded[1]
        assert "--- berta, growing" in said and "count from 1" in said  # a mistake, by name
        assert "ZeroDivisionError: division by zero" in said
        assert "work.ipynb, cell 2, line 1" in said and "late.py came too late" in said
        assert "carl: no result: when it was loaded: SyntaxError" in said
        assert "fritz: no result: it came too late" in said
        assert "7/7" in said  # the bar of tqdm
        assert ("no bubblewrap" in said) == (cage.bwrap() is None)

    def test_hidden_cases_are_hidden_from_students_alone(self, graded):
        folder, said = graded
        page = (folder / "f" / "emil.html").read_text(encoding="utf-8")
        assert "a hidden case" in page and "1234" not in page
        assert "wrong     triple(1234) (hidden)" in said and "ValueError: [2, 1234]" in said
        assert "got       'seen []'" in said  # the next task knows nothing of it
        assert "1234" in (folder / "j.xml").read_text(encoding="utf-8")

    def test_a_page_for_each(self, graded):
        pages = {path.name: path.read_text(encoding="utf-8")
                 for path in (graded[0] / "f").iterdir()}  # fmt: skip
        assert len(pages) == 7
        assert "Zoë &lt;b&gt;: 2.5 of 9.5 points" in pages["Zoë _b_.html"]
        assert "count from 1" in pages["berta.html"] and "SyntaxError" in pages["carl.html"]
        for page in pages.values():
            assert "<script" not in page and "http" not in page.replace("http-equiv", "")

    def test_junit_is_xml_that_others_read(self, graded):
        root = ET.parse(graded[0] / "j.xml").getroot()
        cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
        assert len(cases) == 7 * 8
        points = {p.get("name"): p.get("value") for p in cases["anna", "growing"].iter("property")}
        assert points == {"points": "2.5", "max_points": "2.5"}
        assert [child.tag for child in cases["anna", "growing"]] == ["properties"]
        for name, kind in (
            ("berta", "failure"),
            ("emil", "skipped"),
            ("carl", "error"),
            ("fritz", "error"),
        ):
            assert cases[name, "growing"].find(kind) is not None
        (suite,) = [s for s in root if s.get("name") == "dora"]
        counts = [suite.get(n) for n in ("tests", "failures", "skipped", "errors")]
        assert counts == ["8", "0", "5", "2"]

    def test_a_second_run_grades_nothing_anew(self, graded, monkeypatch, capsys):
        folder, _ = graded
        kept = {path: path.read_bytes() for path in (folder / "kept").iterdir()}
        assert len(kept) == 7
        before = {name: (folder / name).read_bytes() for name in ("t.csv", "p.csv", "j.xml")}
        monkeypatch.setattr(running.subprocess, "Popen", None)  # no worker can be started
        assert command.main(arguments(folder)) == 1
        for name in ("triple", "crashing", "telling"):
            del TASKS[name]
        assert before == {name: (folder / name).read_bytes() for name in before}
        assert kept == {path: path.read_bytes() for path in (folder / "kept").iterdir()}

    @pytest.mark.tools("browser", "axe")
    def test_axe_finds_nothing(self, graded):
        driver = browser.start()
        try:
            for dark in (False, True):
                feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
                driver.get((graded[0] / "f" / "berta.html").as_uri())
                driver.execute_script(
                    "document.querySelectorAll('details').forEach((d) => { d.open = true; })"
                )
                assert browser.violations(driver, browser.COLOURS if dark else None) == []
            driver.set_window_size(320, 800)
            assert driver.execute_script(
                "return document.documentElement.scrollWidth <= innerWidth"
            )
        finally:
            driver.quit()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "anna.py").write_text(RIGHT)
    (work / "ben.py").write_text(RIGHT + "while True: pass\n")
    options = [str(work), "--tasks", "growing", "step_decay", "--resume", str(tmp_path / "kept")]
    process = subprocess.Popen(
        [sys.executable, "-m", "autograd.exercises", *options, "--workers", "1"],
        env=outside(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not list((tmp_path / "kept").glob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, to all of the group
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    # What is kept is written before it is counted.
    assert re.search(rb"interrupted after [01] of 2: the same command goes on from here\n$", said)
    (path,) = (tmp_path / "kept").glob("*.json")
    before = path.stat().st_mtime_ns
    assert json.loads(path.read_text())["growing"]["state"] == "right"
    (work / "ben.py").write_text(WRONG)
    assert command.main(options) == 1
    assert path.stat().st_mtime_ns == before
    assert len(list((tmp_path / "kept").iterdir())) == 2


# Without processes


def test_a_worker_that_was_stopped_starts_no_process(monkeypatch, tmp_path):
    worker = running.Worker([], Limits())
    worker.stop()
    monkeypatch.setattr(running.subprocess, "Popen", None)
    with pytest.raises(running.StoppedError):
        worker.results(tmp_path, ["growing"])


def result(task, state, text="said", shown=None, html=""):
    return Result(task, state, text, text if shown is None else shown, html)


NOT = "no result: its process ended"
GRADES = Grades(
    {
        "anna": {"a": result("a", "right"), "b": result("b", "took too long", "it took too long")},
        "ben": {"a": result("a", "no result", NOT), "b": result("b", "no result", NOT)},
        "Anna": {"a": result("a", "missing"), "b": result("b", "wrong", "12 | 34", "12")},
    },
    {"a": 2.0, "b": 0.5},
)


def test_the_table():
    assert GRADES.table().splitlines()[3:7] == [
        "       1   2   right",
        "anna   ✓   ~    1 of 2",
        "ben    !   !    0 of 2",
        "Anna   ·   ✗    0 of 2",
    ]
    assert GRADES.failures() == ["anna, b: it took too long", f"ben: {NOT}"]
    assert handed_in(GRADES.results) == {"a", "b"}
    assert [GRADES.total(name) for name in GRADES.results] == [2.0, 0.0, 0.0]


def test_pages_have_names_that_differ_on_all_systems():
    assert list(feedback.pages(GRADES)) == ["anna.html", "ben.html", "Anna-2.html"]
    strange = Grades(dict.fromkeys(["../x", "x\\n", "a:b"], GRADES.results["anna"]), GRADES.points)
    assert list(feedback.pages(strange)) == [".._x.html", "x_n.html", "a_b.html"]


def test_results_for_gradescope():
    data = json.loads(gradescope.results(GRADES, "Anna"))
    assert data["score"] == 0.0 and data["stdout_visibility"] == "hidden"
    a, b, hidden = data["tests"]
    assert (a["name"], a["score"], a["max_score"], a["visibility"]) == ("a", 0.0, 2.0, "visible")
    assert b["output"] == "12" and b["status"] == "failed"
    assert (hidden["output"], hidden["visibility"]) == ("12 | 34", "hidden")
    assert "max_score" not in hidden
    anna = json.loads(gradescope.results(GRADES, "anna"))
    assert anna["score"] == 2.0 and anna["tests"][0]["status"] == "passed"


def test_control_characters_reach_no_file():
    """They are written out where results are made: `printable`."""
    text = "\\x1b[2J\\u202e <b>&"
    grades = Grades({"x": {"a": result("a", "wrong", text)}}, {"a": 1.0})
    data = junit.xml(grades)
    assert ET.fromstring(data).find(".//failure").text == text
    page = feedback.one(grades, "x").decode()
    assert "&lt;b&gt;&amp;" in page and "<b>&" not in page


def test_files_that_are_no_submissions_are_named(tmp_path, monkeypatch):
    for name in ("anna.py", "ben.zip", "carl.txt", "dora\x1b.rar", ".hidden", "t.csv", "fritz.csv"):
        (tmp_path / name).touch()
    (tmp_path / "emil").mkdir()
    monkeypatch.chdir(tmp_path)
    for folder in (".", str(tmp_path), f"../{tmp_path.name}"):
        options = command.grading_parser().parse_args([folder, "--csv", "emil/../t.csv"])
        said = (
            "left out, as no Python file, notebook or archive: carl.txt, dora\\x1b.rar, fritz.csv"
        )
        assert list(command._passed_over(options)) == [said]
    options = command.grading_parser().parse_args([".", "-k", "anna"])
    assert list(command._passed_over(options)) == []


def test_tasks_by_name_and_by_notebook():
    assert chosen(["4"]) == dict.fromkeys(NOTEBOOKS[4], 1.0)
    assert chosen(["growing", "4=2", "sgd_step=0"])["growing"] == 2.0
    assert {name for names in NOTEBOOKS.values() for name in names} <= TASKS.keys()
    for words, said in (
        (["growng"], "no task 'growng': a notebook from 1 to 7, or topological_order"),
        (["8"], "no task '8'"), (["growing=x"], "points are a number from 0 on, got 'growing=x'"),
        (["4=-1"], "got '4=-1'"), (["4=inf"], "got '4=inf'"), (["4="], "got '4='"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(said)):
            chosen(words)


def test_cases_after_a_hidden_one_are_hidden():
    @check("f")
    def check_hidden(f):
        yield Case("f(1)", lambda: f(1), 1)
        yield Case("f(2)", lambda: f(2), 22, {"as it is": 2}, hidden=True)
        yield Case("f(3)", lambda: f(3), 33)

    del TASKS["hidden"]
    report = check_hidden(lambda x: print("given", x) or x)
    assert str(report) == (
        "hidden: 1 of 3 right\n  right     f(1)\n  wrong     a hidden case\n"
        "    and 1 more, the same\n  printed\n    given 1"
    )
    html = report._repr_mimebundle_()["text/html"]
    assert "a hidden case" in html and "f(2)" not in html and "22" not in html
    assert "f(3) (hidden)" in str(report.unveiled) and "expected  33" in str(report.unveiled)
    assert not report.unveiled


def test_students_are_not_told_what_a_process_said_at_its_end():
    ended = judge.none(TASKS["growing"], "its process ended, with status 1\n1234")
    assert ended.text.endswith("\n1234")
    assert ended.shown == "no result: its process ended, with status 1"


def test_what_went_wrong_is_told_where_no_task_was_handed_in():
    grades = Grades({"carl": {"a": result("a", "no result", NOT)}}, {})
    assert grades.failures() == [f"carl: {NOT}"]


def test_a_name_that_may_be_meant_is_told():
    text = f"not handed in: growing{judge.MEANT} growing where you wrote Growing?"
    results = {"growing": result("growing", "missing", text), "swish": result("swish", "missing")}
    assert Grades({"carl": results}, {}).failures() == [f"carl, {text}"]


def submitted(source):
    """A submission that was run, as a module."""
    module = ModuleType(loading.MODULE)
    exec(source, module.__dict__)
    return module


@for_each(
    "written, near",
    [
        ("def Growing(): 0", {"growing": "Growing"}),
        ("def grow(): 0", {"growing": "grow"}),
        ("def minibatch(): 0", {"minibatches": "minibatch"}),
        ("def mini_batches(): 0", {"minibatches": "mini_batches"}),
        ("def topologicalOrder(): 0", {"topological_order": "topologicalOrder"}),
        ("def standardize(): 0", {"standardise": "standardize"}),
        ("categorial_nll = lambda a, y: 0", {"categorical_nll": "categorial_nll"}),
        ("class value: 0", {"Value": "value"}),
        ("def value(): 0", {}),  # a class is asked
        ("class Growing: 0", {}),  # a function is
        ("Growing = 3", {}),
        ("from math import fsum as minibatch", {}),
        ("class Odd:\n    def __getattribute__(self, name): 1 / 0\nminibatch = Odd()", {}),
        ("def sigmoid(): 0\ndef step(): 0\ndef batch(): 0\ndef outer(): 0\ndef gauss(): 0", {}),
        ("def gradient(): 0\ndef back(): 0\ndef decay(): 0\ndef mean(): 0\ndef order(): 0", {}),
    ],
)
def test_which_name_may_be_meant(written, near):
    wanted = [name for task in TASKS.values() for name in task.takes]
    found = {name: loading.meant(name, [submitted(written)], wanted) for name in wanted}
    assert {name: other for name, other in found.items() if other} == near


def test_a_function_of_another_library_is_an_answer_under_a_name_of_its_own():
    for written, is_one in (
        ("import numpy; gaussian_delta = numpy.subtract", True),
        ("from operator import sub as gaussian_delta", True),
        ("from autograd import log as gaussian_delta", False),  # ours has the right answers
        ("from nn import gaussian_nll as gaussian_delta", False),
        ("def gaussian_delta(a, y): return a - y", True),
        ("import nn; gaussian_nll = nn.gaussian_nll", False),
        ("from math import fsum", False),
    ):
        module = submitted(written)
        *_, name = (n for n in module.__dict__ if n[:2] != "__")
        assert loading.is_imported(name, getattr(module, name)) != is_one, written
    delta = submitted("import numpy; f = numpy.subtract").f
    assert nn.exercises.check_gaussian(lambda a, y: (y - a) ** 2 / 2, delta)


def test_what_is_kept_is_of_one_content_and_one_version(tmp_path):
    path = tmp_path / "anna.py"
    path.write_text(RIGHT)
    computed = []

    def compute(tasks):
        computed.append(list(tasks))
        return {task: result(task, "right") for task in tasks}

    def ask(*tasks, limits=None):
        kept = Kept(tmp_path / "kept", limits or Limits())
        assert list(kept.completed(path, tasks, compute)) == list(tasks)
        return computed.pop() if computed else []

    (tmp_path / "kept").mkdir()
    assert ask("a") == ["a"] and ask("a") == []
    assert ask("b", "a") == ["b"] and ask("a", "b") == []
    (file,) = (tmp_path / "kept").iterdir()
    whole = file.read_bytes()
    for damaged in (whole[:-9], b"[]", b'{"a": 1}', whole.replace(b'"right"', b'"passed"')):
        file.write_bytes(damaged)
        assert ask("a", "b") == ["a", "b"] and ask("a", "b") == []
    assert ask("a", limits=Limits(loading=1.0)) == ["a"]
    assert ask("a", limits=Limits(due=time.time() + 9)) == []
    assert ask("a", limits=Limits(due=0.0)) == ["a"]
    path.write_text(WRONG)
    assert ask("a") == ["a"]
    path.unlink()
    path.symlink_to("ben.py")
    assert ask("a") == ["a"] and ask("a") == ["a"]  # nothing to keep


def test_what_checks_import_counts_too(tmp_path, monkeypatch, capsys):
    (tmp_path / "beside.py").write_text("EXPECTED = 1\n")
    source = 'from autograd.exercises import Case, check\nimport beside\n\n@check("f")\n'
    source += 'def check_beside(f):\n    yield Case("f()", f, beside.EXPECTED)\n'
    (tmp_path / "own_checks.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    submissions.import_checks([str(tmp_path / "own_checks.py")])
    path = tmp_path / "anna.py"
    path.write_text(RIGHT)

    def keeps():
        kept, computed = Kept(tmp_path / "kept", Limits()), []
        kept.completed(path, ["a"], lambda tasks: computed.append(1) or {"a": result("a", "right")})
        return not computed

    (tmp_path / "kept").mkdir()
    try:
        assert not keeps() and keeps()
        (tmp_path / "beside.py").write_text("EXPECTED = 2\n")
        assert not keeps() and keeps()
        with pytest.raises(SystemExit):
            command.main(["gradescope", str(tmp_path), "--checks", str(tmp_path / "own_checks.py")])
        assert "the archive would not have beside.py: copy into" in capsys.readouterr().err
        assert not (tmp_path / "autograder.zip").exists()
    finally:
        del TASKS["beside"], sys.modules["beside"], sys.modules["own_checks"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["nowhere"], "there is no folder nowhere"),
        ([__file__], "is a file: give the folder that it lies in"),
        (["empty"], "no Python file, notebook, or folder"),
        ([".", "--checks", "gone.py"], "no file"),
        ([".", "--csv", "gone/table.csv"], "there is no folder"),
        ([".", "--feedback", "gone/pages"], "--feedback: there is no folder"),
        ([".", "--feedback", "a.py"], "--feedback: a.py is no folder"),
        ([".", "--points", "empty"], "--points: empty is a folder"),
        ([".", "--tasks", "growng"], "--tasks: there is no task 'growng'"),
        ([".", "-k", "zoe"], "no submission has 'zoe' in its name"),
        ([".", "--workers", "0"], "--workers: a number from 1 on, got 0"),
        (
            [".", "--due", "tomorrow"],
            "--due: a date or a time such as 2026-05-31T23:59, got 'tomorrow'",
        ),
        (["gradescope", "nowhere"], "there is no folder nowhere"),
        (["gradescope", ".", "--checks", "json"], "not the module json"),
    ],
)
def test_bad_command_lines(tmp_path, monkeypatch, options, words, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit):
        command.main(options)
    assert words in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.py", "empty"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "check(f)",
            "NameError: name 'check' is not defined\nin <module>, c.py, line 1: check",
        ),
        ("import gone", "No module named 'gone'\nin <module>, c.py, line 1: import gone"),
        ("{}['b']", "KeyError: 'b'\nin <module>, c.py, line 1: {}['b']"),
        ("x = (", "SyntaxError: '(' was never closed (c.py, line 1)"),
    ],
)
def test_a_file_of_checks_that_fails_is_named_with_its_line(tmp_path, capsys, source, words):
    (tmp_path / "anna.py").write_text(RIGHT)
    (tmp_path / "c.py").write_text(f"{source}\ndef check_it(f): pass\n")
    with pytest.raises(SystemExit):
        command.main([str(tmp_path), "--checks", str(tmp_path / "c.py")])
    assert f"--checks: {words}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = (", "SyntaxError: '(' was never closed (c.py, line 1)\n"),
        ("import gone", "No module named 'gone'\nin <module>, c.py, line 1: import gone\n"),
        (None, "there is no file {path}\n"),
    ],
)
def test_no_line_of_ours_is_named_for_a_file_of_checks(tmp_path, source, words):
    (tmp_path / "anna.py").write_text(RIGHT)
    path = (tmp_path / "c.py").resolve()
    if source is not None:
        path.write_text(source)
    run = [sys.executable, "-m", "autograd.exercises", str(tmp_path), "--checks", str(path)]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    _, _, said = ended.stderr.partition("python -m autograd.exercises: error: ")
    assert said == "--checks: " + words.format(path=path)


def test_what_checks_import_is_found_wherever_it_lies(tmp_path):
    (tmp_path / "checks").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "checks" / "beside.py").write_text("import elsewhere\n")
    (tmp_path / "lib" / "elsewhere.py").write_text("import wave\n")
    source = "from autograd.exercises import Case, check\nimport beside, bisect, calendar\n"
    source += "import sys\nassert __file__.rpartition('/')[0] in sys.path[-1:]\n"
    (tmp_path / "checks" / "own.py").write_text(source)
    program = (
        "import sys\nfrom pathlib import Path\nfrom autograd.exercises import submissions as s\n"
        "path = Path(sys.argv[1])\ns.import_checks([str(path)])\n"
        "assert str(path.parent) not in sys.path\n"
        # As if the checks lay in the home folder, in which Python is.
        "top = Path('/checks.py')\nprint(sorted(p.name for p in s.imported_beside([path, top])))"
    )
    path = (tmp_path / "checks" / "own.py").resolve()
    places = os.pathsep.join([str(cage.ROOT), str(tmp_path / "lib")])
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=tmp_path, text=True, check=False,
        capture_output=True, env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    assert (ended.stdout, ended.stderr) == ("['beside.py', 'elsewhere.py']\n", "")


def test_progress_without_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with command.progress(2) as step:
        step(), step()
    assert capsys.readouterr().err == "\r1 of 2 submissions\r2 of 2 submissions\n"


# Gradescope


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_an_autograder_as_gradescope_lays_it_out(tmp_path, capsys):
    """What is ours comes by the wheel; libraries are those from here, as nothing is to be fetched.

    They lie where a cage does not show them. In Gradescope's containers there may be none either.
    """
    root = tmp_path / "autograder"
    for name in ("submission", "results"):
        (root / name).mkdir(parents=True)
    (tmp_path / "my_checks.py").write_text(CHECKS)
    checks = ["--checks", str(tmp_path / "my_checks.py")]
    tasks = ["--tasks", "growing=2", "step_decay", "triple"]
    assert command.main(["gradescope", str(tmp_path), *tasks, *checks]) == 0
    for name in ("triple", "crashing", "telling"):
        del TASKS[name]
    assert "autograder.zip: 3 tasks, 4 points" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        archive.extractall(root / "source")
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
    (root / "run_autograder").write_bytes((root / "source" / "run_autograder").read_bytes())
    (root / "submission" / "work.py").write_text(TELLTALE + RIGHT)
    python = sys._base_executable
    quick = f'"{python}" -c "import pip" && [ "$2" = venv ] && shift 2'  # pip takes long to install
    venv = f'exec "{python}" -m venv --without-pip --system-site-packages "$@"'
    for name, lines in (
        ("bwrap", "exit 1"),
        ("python3", f'{quick} && {venv}\nexec "{python}" "$@"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)
    environment = outside() | {
        "AUTOGRADER": str(root), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1",
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    for program in ("source/setup.sh", "run_autograder"):
        done = subprocess.run(
            ["bash", str(root / program)], env=environment, cwd=tmp_path, capture_output=True,
            text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        library = next((root / "source" / "venv" / "lib").glob("python*")) / "site-packages"
        assert (library / "autograd" / "exercises" / "wire.py").exists()
        (library / "libraries.pth").write_text(str(Path(pytest.__file__).parent.parent))
    found = json.loads((root / "results" / "results.json").read_text())
    assert found["score"] == 2.0
    growing, step_decay, triple, more = found["tests"]
    assert growing["output"].startswith("growing: all 9 right")
    assert step_decay["output"] == "not handed in: step_decay"
    assert "1234" not in triple["output"] and "1234" in more["output"]
    assert more["visibility"] == "hidden"
