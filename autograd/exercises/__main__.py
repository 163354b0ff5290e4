"""For teachers: all checks on a folder of submissions, by pytest, and a table of who passed what.

    python -m autograd.exercises FOLDER

A submission is a Python file, a notebook, or a folder of these. Other arguments go to pytest:
``-m minibatches`` tries that task alone, ``-k anna`` one submission, ``--junitxml=results.xml``
writes a file. Submissions run as programs on this machine, each in a process of its own.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..show.notation import for_output
from .checking import MARKS, NOT_DONE, RIGHT, SECONDS, TASKS, WRONG
from .submissions import LOADING, MISSING, Result, import_checks, submissions_in

CHECKS = ("autograd.exercises", "nn.exercises")
# So that `-k Zoë` finds a submission of that name.
UNESCAPED = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"
SIGNS = {state: mark for state, (mark, _) in MARKS.items()} | {MISSING: "·"}


class Grading:
    """A plugin for pytest: a test per submission and task, a marker per task, and a table."""

    def __init__(self, submissions: Mapping[str, Path], modules: Sequence[str]) -> None:
        self._submissions, self._modules = submissions, modules
        self._results: dict[str, dict[str, Result]] = {}  # by submission, then by task
        self.tried: dict[tuple[str, str], Result] = {}  # what was asked for

    def pytest_configure(self, config: Any) -> None:
        """A marker for each task."""
        for name, task in TASKS.items():
            summary = (task.check.__doc__ or "").partition("\n")[0]
            config.addinivalue_line("markers", f"{name}: {summary}")

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """One for each pair of a submission and a task, with the task as its marker."""
        import pytest

        pairs = [
            pytest.param((name, task), id=f"{name}-{task}", marks=getattr(pytest.mark, task))
            for name in self._submissions
            for task in TASKS
        ]
        metafunc.parametrize("result", pairs, indirect=True)

    def result_of(self, name: str, task: str) -> Result:
        """How a task went, from a process that tries all tasks of a submission at once."""
        if name not in self._results:
            self._results[name] = self._try(self._submissions[name])
        self.tried[name, task] = self._results[name][task]
        return self.tried[name, task]

    def _try(self, submission: Path) -> dict[str, Result]:
        """All tasks of a submission. After one that ends the process, the rest in a new one."""
        tasks, results = list(TASKS), dict[str, Result]()
        start = 0
        while start < len(tasks):
            lines, end = self._process(submission, start)
            begun = [line["begun"] for line in lines if "begun" in line]
            results.update((line["task"], Result(**line)) for line in lines if "begun" not in line)
            if not begun:  # it fails as it is loaded
                results.update((task, Result(task, WRONG, end)) for task in tasks[start:])
                break
            if begun[-1] not in results:
                results[begun[-1]] = Result(begun[-1], WRONG, end)
            start = tasks.index(begun[-1]) + 1
        return results

    def _process(self, submission: Path, start: int) -> tuple[list[dict[str, str]], str]:
        """The lines that a process wrote about a submission, and how the process ended."""
        with tempfile.TemporaryDirectory() as folder:
            file, said = Path(folder, "results"), Path(folder, "said")
            file.touch()
            command = [sys.executable, "-m", "autograd.exercises.submissions"]
            command += [str(submission.resolve()), str(file), str(start), *self._modules]
            try:
                with said.open("wb") as stderr:
                    process = subprocess.run(
                        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=stderr, check=False,
                        env=os.environ | {"MPLBACKEND": "Agg",
                                          "PYTHONPATH": os.pathsep.join(sys.path)},
                        timeout=2 * LOADING + (SECONDS + 2) * len(TASKS),
                    )  # fmt: skip
                last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
                end = "\n".join([f"its process ended, with status {process.returncode}", *last])
            except subprocess.TimeoutExpired:
                end = "its process did not end"
            text = file.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()], end

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table comes before the list of what failed, which pytest prints."""
        terminalreporter.section("who passed what")
        for line in for_output(self.table().split("\n")):
            terminalreporter.write_line(line)

    def rows(self) -> tuple[list[str], dict[str, list[str]]]:
        """The tasks that anybody has handed in, and their states in each submission."""
        names = list(dict.fromkeys(name for name, _ in self.tried))
        tasks = [
            task for task in TASKS
            if any(r.task == task and r.state != MISSING for r in self.tried.values())
        ]  # fmt: skip
        states = {
            name: [self.tried[name, task].state if (name, task) in self.tried else MISSING
                   for task in tasks]
            for name in names
        }  # fmt: skip
        return tasks, states

    def table(self) -> str:
        """A line for each submission, a column for each task."""
        tasks, states = self.rows()
        if not self.tried:
            known = ", ".join(TASKS)
            return f"nothing was tried: no task, or no submission, of that name. Tasks: {known}"
        if not tasks:
            return "\n".join(["no task was handed in", *self._errors()])
        legend = [f"{i:>3}  {task}" for i, task in enumerate(tasks, start=1)]
        width = max(map(len, states))
        head = " " * width + "".join(f"{i:>4}" for i in range(1, len(tasks) + 1)) + "   right"
        lines = [
            f"{name:<{width}}" + "".join(f"{SIGNS[state]:>4}" for state in row)
            + f"{row.count(RIGHT):>5} of {len(tasks)}"
            for name, row in states.items()
        ]  # fmt: skip
        signs = f"{SIGNS[RIGHT]} right   {SIGNS[WRONG]} wrong   {SIGNS[NOT_DONE]} not done yet   "
        signs += f"{SIGNS[MISSING]} not handed in"
        return "\n".join([*legend, "", head, *lines, "", signs, *self._errors()])

    def _errors(self) -> list[str]:
        """What went wrong when submissions were loaded, once for each."""
        found = {
            name: errors.replace("\n", "\n    ")
            for (name, _), result in self.tried.items()
            if result.state == MISSING
            for _, _, errors in [result.text.partition("\n")]
            if errors
        }
        return [f"{name}, when it was loaded: {errors}" for name, errors in found.items()]

    def csv(self) -> bytes:
        """The table as CSV."""
        tasks, states = self.rows()
        text = io.StringIO()
        rows = [["submission", *tasks], *[[name, *row] for name, row in states.items()]]
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode("utf-8", "backslashreplace")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; options that it does not know go to pytest."""
    parser = argparse.ArgumentParser(
        prog="python -m autograd.exercises",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the folder of submissions")
    parser.add_argument("--checks", action="append", default=[], metavar="MODULE",
                        help="a module, or a Python file, with checks of your own")  # fmt: skip
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table to a CSV file")
    parser.add_argument("-n", "--numprocesses", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args(arguments)
    if options.numprocesses is not None:
        parser.error("submissions are tried one after the other: leave out -n")
    if options.csv is not None and not options.csv.resolve().parent.is_dir():
        parser.error(f"--csv: there is no folder {options.csv.resolve().parent}")
    if not options.folder.is_dir():
        parser.error(f"there is no folder {options.folder}")
    submissions = submissions_in(options.folder)
    if not submissions:
        parser.error(f"no Python file, notebook, or folder with such in {options.folder}")
    modules = [
        str(Path(m).resolve()) if m.endswith(".py") else m for m in (*CHECKS, *options.checks)
    ]
    try:
        import_checks(modules)
    except (ImportError, SyntaxError, TypeError, ValueError) as error:
        parser.error(f"--checks: {error}")
    try:
        import pytest
    except ModuleNotFoundError:
        parser.error("this needs pytest: pip install pytest (part of the extra chalkgrad[test])")

    class WithFixture(Grading):
        @pytest.fixture
        def result(self, request: Any) -> Result:
            return self.result_of(*request.param)

    grading = WithFixture(submissions, modules)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "pytest.ini")  # not that of a surrounding project
        settings.write_text(f"[pytest]\n{UNESCAPED} = true\n", encoding="utf-8")
        quiet = ["-q", "-p", "no:cacheprovider", "--tb=short", f"--rootdir={folder}"]
        test = str(Path(__file__).with_name("grading.py"))
        status = pytest.main(["-c", str(settings), *quiet, test, *rest], plugins=[grading])
    if options.csv is not None and status in (0, 1):  # it ran
        write_whole(options.csv, grading.csv())
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
