"""The exercises for otter-grader and nbgrader: all tasks, our checks, and the real tools."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograd.exercises.grading.tasks import NOTEBOOKS
from tests.cases import for_each, outside

sys.path.insert(0, str(Path(__file__).parent.parent / "notebooks"))
import graders
import make

SOLUTIONS = sorted(make.SOLUTIONS.glob("*.ipynb"))
pytestmark = pytest.mark.slow  # what reads notebooks takes three seconds to import


def sources(notebook, kind="code"):
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


@for_each("path", SOLUTIONS, ids=lambda path: path.stem)
def test_each_task_is_a_question(path):
    tasks = NOTEBOOKS[int(path.stem[0])]
    notebook = graders.otter(make.read(path), path.stem, "x.whl")
    names = [s.split("name: ")[1].split("\n")[0] for s in sources(notebook, "raw") if "QUEST" in s
             and "name" in s]  # fmt: skip
    assert sorted(names) == sorted(tasks)
    code = sources(notebook)
    for source in code:
        ast.parse(source)
        assert "###" not in source
    for task in tasks:
        (test,) = [s for s in code if s.startswith(f"def test_{task}(")]
        assert f"exercises.check_{task}(" in test
    assert "For teachers" not in " ".join(sources(notebook, "markdown"))


@for_each("path", SOLUTIONS, ids=lambda path: path.stem)
def test_each_task_is_graded(path):
    tasks = NOTEBOOKS[int(path.stem[0])]
    notebook = graders.nbgrader(make.read(path))
    rows = [c.metadata["nbgrader"] for c in notebook.cells if "nbgrader" in c.metadata]
    assert sorted(r["grade_id"] for r in rows if r["solution"]) == sorted(tasks)
    graded = [r for r in rows if r["grade"]]
    assert sorted(r["grade_id"] for r in graded) == sorted(f"check_{task}" for task in tasks)
    assert all(r["points"] == 1 and r["locked"] for r in graded)
    for source in sources(notebook):
        ast.parse(source)


# A notebook with two tasks, one with a hole of its own.
TASKS = [
    "from nn import exercises",
    "### BEGIN SOLUTION\nmirror_weights = [1, 2, 4, -4, -2, -1]\n### INSTEAD\n"
    "# mirror_weights = ...  # your numbers\n### END SOLUTION",
    "exercises.check_mirror(mirror_weights)",
    "def growing(b, every):\n    ### BEGIN SOLUTION\n"
    "    return lambda epoch: b * 2 ** ((epoch - 1) // every)\n    ### END SOLUTION",
    "exercises.check_growing(growing)",
]
# The tools' own programs, in one process: their imports take most of the time.
RUN = """
import json, shutil, sys
from pathlib import Path
import nbformat
from otter.assign import main as assign
from otter.run import main as run
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

def submit(path, target):
    "One task right, one wrong."
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.source.startswith("def growing"):
            cell.source = "def growing(b, every):\\n    return lambda epoch: b"
        if cell.source.startswith("mirror_weights = "):
            cell.source = "mirror_weights = [1, 3, 9, -9, -3, -1]"
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)

folder, found = Path(sys.argv[1]), {}
assign(str(folder / "otter" / "sheet.ipynb"), str(folder / "made"), no_pdfs=True)
student = folder / "made" / "student" / "sheet.ipynb"
submit(student, folder / "anna" / "sheet.ipynb")
(archive,) = (folder / "made" / "autograder").glob("*.zip")
run(str(folder / "anna" / "sheet.ipynb"), autograder=str(archive), output_dir=str(folder))
found["otter"] = json.loads((folder / "results.json").read_text())["tests"]
found["student"] = [cell.source for cell in nbformat.read(student, 4).cells]

root = folder / "nbgrader"
config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
config.CourseDirectory.root = str(root)
api = NbGraderAPI(config=config)
made = api.generate_assignment("sheet")
assert made["success"], made
release = root / "release" / "sheet" / "sheet.ipynb"
submit(release, root / "submitted" / "anna" / "sheet" / "sheet.ipynb")
made = api.autograde("sheet", "anna")
assert made["success"], made
with api.gradebook as book:
    grades = book.find_submission_notebook("sheet", "sheet", "anna").grades
    found["nbgrader"] = {grade.name: grade.score for grade in grades}
found["released"] = [cell.source for cell in nbformat.read(release, 4).cells]
Path(sys.argv[2]).write_text(json.dumps(found))
"""


@pytest.mark.tools("graders")
def test_the_real_tools(tmp_path):
    """They give a point for what is right, none for what is wrong, and students find holes."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in TASKS])
    for kind in ("otter", "nbgrader"):
        graders.make(kind, {"sheet": notebook}, tmp_path / kind)
    tools = Path(os.environ["CHALKGRAD_GRADERS"])
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"  # nbgrader runs alembic
    done = subprocess.run(
        [tools / "python", "-c", RUN, tmp_path, tmp_path / "found.json"],
        env=outside() | {"PATH": path}, cwd=tmp_path,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    scores = {test["name"]: (test.get("score"), test.get("max_score")) for test in found["otter"]}
    assert scores["growing"] == (0.0, 1.0) and scores["mirror"] == (1.0, 1.0)
    assert "of 9 right" in str(found["otter"])  # our report
    assert found["nbgrader"] == {"check_mirror": 1.0, "check_growing": 0.0}
    hole = "def growing(b, every):\n    ...  # your code here"
    assert hole in found["student"] and hole in found["released"]
    assert "mirror_weights = ...  # your numbers" in found["student"]
    for source in found["student"] + found["released"]:
        assert "1, 2, 4" not in source and "2 ** " not in source
