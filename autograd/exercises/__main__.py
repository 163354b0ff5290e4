"""For teachers: checks on a folder of submissions, and a table of who passed what.

    python -m autograd.exercises FOLDER
    python -m autograd.exercises gradescope FOLDER

A submission is a Python file, a notebook, or a folder or an archive of these. They run in processes
of their own, with limits; on Linux with bubblewrap installed (``bwrap``), in a cage.

The second command writes an autograder for Gradescope into a folder, autograder.zip. In both, a
word @FILE stands for the lines of a file.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..show.notation import for_output
from .cage import Limits, bwrap, stranger
from .checking import NOT_DONE, RIGHT, TASKS, WRONG
from .grading import feedback, gradescope, junit
from .grading.grades import Grades, failed, handed_in
from .grading.kept import Kept
from .grading.running import grade_all
from .grading.tasks import chosen
from .judge import MISSING, line_of_the_check
from .submissions import (
    import_checks,
    imported_beside,
    may_hold_python,
    passed_over,
    submissions_in,
)

CHECKS = ("autograd.exercises", "nn.exercises")
ARCHIVE = "autograder.zip"
GRADED = "submission"  # the one that Gradescope hands over
UNCAGED = (
    "warning: the submissions ran in no cage, as there is no bubblewrap (bwrap) here that works. "
    "They had limits, but could "
)


def parser_of(command: str, description: str | None, what: str) -> argparse.ArgumentParser:
    """The options that both commands have."""
    parser = argparse.ArgumentParser(
        prog=f"python -m autograd.exercises{command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        fromfile_prefix_chars="@",
    )
    add = parser.add_argument
    add("folder", type=Path, help=what)
    add("--tasks", nargs="+", default=[], metavar="TASK", action="extend",
        help="the tasks that are set, by name or by the number of their notebook, with the "
        "points of each: --tasks 1 2 growing=3")  # fmt: skip
    add("--checks", action="append", default=[], metavar="MODULE",
        help="a module, or a Python file, with checks of your own")  # fmt: skip
    return parser


def seconds(text: str) -> float:
    """A date or a time as seconds since 1970."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        wanted = f"a date or a time such as 2026-05-31T23:59, got {text!r}"
        raise argparse.ArgumentTypeError(wanted) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 if nothing that was handed in is wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) > 1 and arguments[0] == "gradescope" and arguments[1][:2] != "--":
        return pack(arguments[1:])
    parser = grading_parser()
    options = parser.parse_args(arguments)
    _refuse(parser, options)
    submissions = _submissions(parser, options)
    modules, points = _tasks(parser, options)
    limits = Limits() if options.due is None else Limits(due=options.due)
    for folder in filter(None, (options.feedback, options.resume)):
        folder.mkdir(exist_ok=True)
    kept = None if options.resume is None else Kept(options.resume, limits)
    run = grade_all(submissions, list(points), modules,
                    limits=limits, workers=options.workers, kept=kept)  # fmt: skip
    found = {}
    try:
        with progress(len(submissions)) as step:
            for name, results in run:
                found[name] = results
                step()
    except KeyboardInterrupt:
        again = "" if kept is None else ": the same command goes on from here"
        parser.exit(130, f"interrupted after {len(found)} of {len(submissions)}{again}\n")
    found = {name: found[name] for name in submissions}
    if not options.tasks and options.gradescope is None:
        asked = handed_in(found)
        points = {task: worth for task, worth in points.items() if task in asked}
    grades = Grades(found, points)
    for line in for_output([*_said(grades), *_passed_over(options)]):
        print(line)
    _write(grades, options)
    states = {result.state for name in found for result in grades.row(name)}
    whole = any(failed(results.values()) for results in found.values())
    return int(options.gradescope is None and (whole or bool(states - {RIGHT, NOT_DONE, MISSING})))


def grading_parser() -> argparse.ArgumentParser:
    """The options by which a folder is graded."""
    parser = parser_of("", __doc__, "the folder of submissions")
    add = parser.add_argument
    add("-k", dest="only", metavar="NAME", help="only submissions with this in their name")
    add("--due", type=seconds, metavar="TIME",
        help="files changed after it are left out: 2026-05-31T23:59")  # fmt: skip
    add("--workers", type=int, metavar="N",
        help="how many are graded at a time; else one for each processor")  # fmt: skip
    add("--resume", type=Path, metavar="FOLDER",
        help="keep results here, and go on from those that are there")  # fmt: skip
    add("--csv", type=Path, metavar="FILE", help="write the table to a CSV file")
    add("--points", type=Path, metavar="FILE", help="write the points to a CSV file")
    add("--junit", type=Path, metavar="FILE", help="write the results as JUnit's XML")
    add("--feedback", type=Path, metavar="FOLDER", help="write a page for each student")
    add("--gradescope", type=Path, metavar="FILE",
        help="the folder is one submission: write Gradescope's results.json")  # fmt: skip
    return parser


def _refuse(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with an error, before anything is graded, if something could not be done after it."""
    if options.workers is not None and options.workers < 1:
        parser.error(f"--workers: a number from 1 on, got {options.workers}")
    for name in ("csv", "points", "junit", "gradescope", "feedback", "resume"):
        path: Path | None = getattr(options, name)
        if path is None:
            continue
        if not path.resolve().parent.is_dir():
            parser.error(f"--{name}: there is no folder {path.resolve().parent}")
        if name in ("feedback", "resume"):
            if path.exists() and not path.is_dir():
                parser.error(f"--{name}: {path} is no folder")
        elif path.is_dir():
            parser.error(f"--{name}: {path} is a folder")


def pack(arguments: Sequence[str]) -> int:
    """The command ``gradescope``."""
    what = "An autograder for Gradescope, to be uploaded there."
    parser = parser_of(" gradescope", what, f"the folder that {ARCHIVE} comes into")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"there is no folder {options.folder}")
    _, points = _tasks(parser, options)
    if others := [module for module in options.checks if not module.endswith(".py")]:
        parser.error(f"--checks: a file, which goes with the archive, not the module {others[0]}")
    if more := sorted(path.name for path in imported_beside(map(Path, options.checks))):
        parser.error(f"--checks: the archive would not have {', '.join(more)}: copy into the file "
                     "of checks what it imports from there")  # fmt: skip
    write_whole(options.folder / ARCHIVE, gradescope.archive(points, [*map(Path, options.checks)]))
    print(f"{options.folder / ARCHIVE}: {len(points)} tasks, {sum(points.values()):g} points")
    return 0


def _submissions(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> Mapping[str, Path]:
    """The submissions that are asked for."""
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file: give the folder that it lies in")
    if not options.folder.is_dir():
        parser.error(f"there is no folder {options.folder}")
    if options.gradescope is not None:
        return {GRADED: options.folder}
    submissions = submissions_in(options.folder)
    if not any(map(may_hold_python, submissions.values())):
        parser.error(f"no Python file, notebook, or folder with such in {options.folder}")
    only = options.only or ""
    found = {name: path for name, path in submissions.items() if only in name}
    if not found:
        parser.error(f"-k: no submission has {only!r} in its name")
    return found


def _tasks(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> tuple[list[str], dict[str, float]]:
    """The modules with checks, imported; and the tasks that are set."""
    modules = [
        str(Path(m).resolve()) if m.endswith(".py") else m for m in (*CHECKS, *options.checks)
    ]
    try:
        import_checks(modules)
    except (Exception, SystemExit) as error:
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        parser.error(f"--checks: {kind}{error}{line_of_the_check(error)}")
    try:
        return modules, chosen(options.tasks or list(TASKS))
    except ValueError as error:
        parser.error(f"--tasks: {error}")


def _said(grades: Grades) -> Iterator[str]:
    """What is printed: the reports of what is wrong, then the table."""
    for name in grades.results:
        for result in grades.row(name):
            if result.state == WRONG:
                yield f"--- {name}, {result.task}"
                yield from [*result.text.split("\n"), ""]
    yield from grades.table().split("\n") if grades.points else ["no task was handed in"]
    yield from (line for text in grades.failures() for line in text.split("\n"))
    if bwrap() is None:
        yours = "read and change what you can: files, and even this process."
        yield UNCAGED + (yours if stranger() is None else "read what everybody can.")


def _passed_over(options: argparse.Namespace) -> Iterator[str]:
    """Files of other kinds, by which a student may have meant a submission."""
    if options.gradescope is None and options.only is None:
        written = [path and path.resolve() for path in (options.csv, options.points, options.junit)]
        if names := passed_over(options.folder.resolve(), written):
            yield f"left out, as no Python file, notebook or archive: {', '.join(names)}"


def _write(grades: Grades, options: argparse.Namespace) -> None:
    """The files that are asked for."""
    for path, write in (
        (options.csv, grades.csv),
        (options.points, grades.points_csv),
        (options.junit, lambda: junit.xml(grades)),
        (options.gradescope, lambda: gradescope.results(grades, GRADED)),
    ):
        if path is not None:
            write_whole(path, write())
    if options.feedback is not None:
        for name, data in feedback.pages(grades).items():
            write_whole(options.feedback / name, data)


@contextmanager
def progress(total: int) -> Iterator[Callable[[], Any]]:
    """A function to call after each submission: tqdm's bar, or a line that counts."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        done = count(1)
        yield lambda: print(f"\r{next(done)} of {total} submissions", end="", file=sys.stderr)
        print(file=sys.stderr)
        return
    with tqdm(total=total, unit="submission") as bar:
        yield bar.update


if __name__ == "__main__":
    sys.exit(main())
