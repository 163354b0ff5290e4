"""For teachers: all checks on a folder of submissions, by pytest, and a table of who passed what.

    python -m autograd.exercises FOLDER

A submission is a Python file, a notebook, or a folder or an archive of these. Other arguments go
to pytest: ``-m minibatches`` tries that task alone, ``-k anna`` one submission,
``--junitxml=results.xml`` writes a file. Submissions run in processes of their own, with limits; on
Linux with bubblewrap installed (``bwrap``), in a cage.
"""

import argparse
import csv
import io
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..show.notation import for_output
from .cage import bwrap
from .checking import MARKS, NOT_DONE, RIGHT, TASKS, WRONG
from .judge import LATE, MISSING, NO_RESULT, Result, grade
from .submissions import import_checks, may_hold_python, submissions_in

CHECKS = ("autograd.exercises", "nn.exercises")
# So that `-k Zoë` finds a submission of that name.
UNESCAPED = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"
SIGNS = {state: mark for state, (mark, _) in MARKS.items()} | {
    MISSING: "·",
    LATE: "~",
    NO_RESULT: "!",
}

UNCAGED = (
    "warning: the submissions ran in no cage, as there is no bubblewrap (bwrap) here that works. "
    "They had limits, but could read and change what you can: files, and even this process."
)


class Grading:
    """A plugin for pytest: a test per submission and task, a marker per task, and a table."""

    def __init__(self, submissions: Mapping[str, Path]) -> None:
        self._submissions = submissions
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
        """How a task went, all tasks of a submission being tried at once."""
        if name not in self._results:
            self._results[name] = grade(self._submissions[name])
        self.tried[name, task] = self._results[name][task]
        return self.tried[name, task]

    def said_before(self, name: str, task: str) -> bool:
        """Whether what failed has failed another task of the submission: once said is enough."""
        return self._failed(name) and next(t for n, t in self.tried if n == name) != task

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table comes before the list of what failed, which pytest prints."""
        terminalreporter.section("who passed what")
        for line in for_output(self.table().split("\n")):
            terminalreporter.write_line(line)
        if bwrap() is None:
            terminalreporter.write_line(UNCAGED)

    def rows(self) -> tuple[list[str], dict[str, list[str]]]:
        """The tasks that anybody has handed in, and their states in each submission."""
        names = list(dict.fromkeys(name for name, _ in self.tried))
        tasks = [
            task for task in TASKS
            if any(t == task and r.state != MISSING and not self._failed(name)
                   for (name, t), r in self.tried.items())
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
        signs += f"{SIGNS[MISSING]} not handed in   "
        signs += f"{SIGNS[LATE]} took too long   {SIGNS[NO_RESULT]} no result"
        return "\n".join([*legend, "", head, *lines, "", signs, *self._errors()])

    def _failed(self, name: str) -> bool:
        """Whether a submission has no result at all, for one reason."""
        results = self._results[name].values()
        no_result = all(r.state in (NO_RESULT, LATE) for r in results)
        return no_result and len({r.text for r in results}) == 1

    def _errors(self) -> list[str]:
        """What went wrong beside wrong answers, once for each."""
        found = dict[str, None]()  # in order
        for (name, task), result in self.tried.items():
            if result.state == MISSING:
                _, _, errors = result.text.partition("\n")
                line = f"{name}, when it was loaded: {errors}" if errors else ""
            elif result.state in (NO_RESULT, LATE):
                line = f"{name}{'' if self._failed(name) else f', {task}'}: {result.text}"
            else:
                continue
            found[line.replace("\n", "\n    ")] = None
        return [line for line in found if line]

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
    if not any(map(may_hold_python, submissions.values())):
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
            result = self.result_of(*request.param)
            if self.said_before(*request.param):
                pytest.skip(result.text)
            return result

    grading = WithFixture(submissions)
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
