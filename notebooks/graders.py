"""The exercises for other graders: their formats, with the solutions and checks that are here.

A task is a cell with a solution, and after it a cell that ends with its check,
``exercises.check_<task>(...)``, below what the check needs. Both graders run a student's code and
the check in one process, so a pass can be faked there; `autograd.exercises` keeps the two apart.
"""

import ast
import builtins
import re
from pathlib import Path
from typing import Any

import nbformat
from holes import BEGIN, END, HOLE, Solution, for_students, hole, rewritten
from nbformat import NotebookNode

from autograd.exercises.grading.gradescope import wheel

CHECK = re.compile(r"^[\w.]*exercises\.check_(\w+)\(.*\)$")
Cell = NotebookNode


def task_of(cell: Cell) -> str | None:
    """The task that a cell checks, if that is what its last line does."""
    if cell.cell_type != "code":
        return None
    match = CHECK.match(cell.source.split("\n")[-1])
    return match and match[1]


def has_solution(cell: Cell) -> bool:
    """Whether there is a solution in a cell."""
    return cell.cell_type == "code" and BEGIN in cell.source


def _notebook(cells: list[Cell]) -> NotebookNode:
    for i, cell in enumerate(cells):
        cell.id = f"cell-{i}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


# otter-grader

CONFIG = """# ASSIGNMENT CONFIG
name: {name}
export_cell: false
tests:
    ok_format: false
autograder_files:
    - {wheel}
requirements:
    - chalkgrad[demo] @ file:///autograder/source/files/{wheel}"""


def otter(solution: NotebookNode, name: str, wheel_name: str) -> NotebookNode:
    """A notebook in the format of ``otter assign``."""
    raw, code = nbformat.v4.new_raw_cell, nbformat.v4.new_code_cell
    cells = [raw(CONFIG.format(name=name, wheel=wheel_name))]
    waiting: list[Cell] = []  # from a solution to its check
    for cell in for_students(solution):
        if has_solution(cell):
            solved = code(rewritten(cell.source, _prompted))
            waiting = [raw("# BEGIN SOLUTION"), solved, raw("# END SOLUTION")]
        elif waiting and (task := task_of(cell)):
            cells += [raw(f"# BEGIN QUESTION\nname: {task}\npoints: 1"), *waiting]
            cells += [raw("# BEGIN TESTS"), code(_test(task, cell.source)), raw("# END TESTS")]
            cells += [raw("# END QUESTION"), cell]
            waiting = []
        else:
            cells.append(cell)
    return _notebook(cells)


def _prompted(solution: Solution) -> list[str]:
    """A solution as otter finds it, with the hole in a text before it."""
    indent = solution.indent
    before = [f'{indent}""" # BEGIN PROMPT', *hole(solution), f'{indent}""" # END PROMPT']
    inside = [f"{indent}# BEGIN SOLUTION NO PROMPT", *solution.lines, f"{indent}# END SOLUTION"]
    return [*before, *inside]


def _test(task: str, source: str) -> str:
    """A check as a function of the names that it takes from the notebook."""
    *before, last = source.split("\n")
    names = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)} | set(vars(builtins))
    needed = dict.fromkeys(n.id for n in names if n.id not in stored)
    body = [*before, f"report = {last}", 'assert report, f"\\n{report}"']
    head = f"def test_{task}({', '.join(sorted(needed))}):"
    return "\n".join([head, *[f"    {line}" for line in body]])


# nbgrader

COURSE = f"""c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {{"python": "{HOLE}"}}
"""


def nbgrader(solution: NotebookNode) -> NotebookNode:
    """A notebook in the format of nbgrader's ``source`` folder."""
    cells: list[Cell] = []
    waiting: Cell | None = None  # a solution, until its check
    for cell in for_students(solution):
        cells.append(cell)
        if has_solution(cell):
            waiting = cell
        elif waiting is not None and (task := task_of(cell)):
            waiting.source = rewritten(waiting.source, _region)
            waiting.metadata["nbgrader"] = _metadata(task, solution=True)
            *before, last = cell.source.split("\n")
            lines = [f"report = {last}", "display(report)", "assert report, report.title"]
            cell.source = "\n".join([*before, *lines])
            cell.metadata["nbgrader"] = _metadata(
                f"check_{task}", grade=True, locked=True, points=1
            )
            waiting = None
    return _notebook(cells)


def _region(solution: Solution) -> list[str]:
    """A solution as nbgrader finds it, which knows one hole: those for names stand before it."""
    indent = solution.indent
    before = [line for line in solution.instead if not line.strip().startswith("return")]
    return [*before, indent + BEGIN, *solution.lines, indent + END]


def _metadata(name: str, **more: Any) -> dict[str, Any]:
    row = {"grade": False, "solution": False, "task": False, "locked": False}
    return row | {"grade_id": name, "schema_version": 3, "cell_type": "code"} | more


# Both


def make(kind: str, solutions: dict[str, NotebookNode], folder: Path) -> list[Path]:
    """Write all notebooks of solutions for a grader into a folder, which is made; the files."""
    found = {}
    if kind == "otter":
        name, data = wheel()
        found[folder / name] = data
        texts = {folder / f"{stem}.ipynb": otter(n, stem, name) for stem, n in solutions.items()}
    else:
        found[folder / "nbgrader_config.py"] = COURSE.encode()
        texts = {
            folder / "source" / stem / f"{stem}.ipynb": nbgrader(notebook)
            for stem, notebook in solutions.items()
        }
    found |= {path: nbformat.writes(notebook).encode() for path, notebook in texts.items()}
    for path, data in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(found)
