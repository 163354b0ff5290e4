"""A student's submission: loading it, and trying all checks on it.

Run as a program, it does so for one submission in a process of its own, which may crash or hang:
``python -m autograd.exercises.submissions SUBMISSION RESULTS START MODULE ...`` writes two lines of
JSON for each task from number START on to the file RESULTS, one before it is tried and one after.
"""

import ast
import asyncio
import importlib
import importlib.util
import inspect
import json
import linecache
import os
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .checking import TASKS
from .limits import TimeUp, line_of, places_of, within

TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
MAGIC = re.compile(r"^(\s*)(?:[%!?].*|\w+\s*=\s*[%!].*|[\w.]+\?{1,2}\s*)$")

LOADING = 20.0  # seconds
MISSING = "missing"
MODULE = "_submission_"
NOT_THEIRS = {"solutions", "venv", "env", "site-packages"}  # folders


@dataclass(frozen=True)
class Result:
    """How a task went: ``state`` is that of the report, or "missing"; ``text`` is the report."""

    task: str
    state: str
    text: str


def import_checks(modules: Sequence[str]) -> None:
    """Import the modules that hold checks, by name or, ending in .py, by path.

    Raises:
        ImportError: one does not exist.
    """
    for name in modules:
        if name.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(name).stem, name)
            if spec is None or spec.loader is None or not Path(name).exists():
                raise ImportError(f"there is no file {name}")
            module = importlib.util.module_from_spec(spec)
            sys.modules[module.__name__] = module
            spec.loader.exec_module(module)
        else:
            importlib.import_module(name)


def files_of(submission: Path) -> list[Path]:
    """The Python files and notebooks of a submission, which is one or a folder of them.

    Hidden folders, environments, and folders called ``solutions`` are left out.
    """
    if submission.is_file():
        return [submission] if submission.suffix in (".py", ".ipynb") else []
    return sorted(
        path
        for suffix in ("*.py", "*.ipynb")
        for path in submission.rglob(suffix)
        if not any(
            part.startswith((".", "__")) or part in NOT_THEIRS
            for part in path.relative_to(submission).parts
        )
    )


def submissions_in(folder: Path) -> dict[str, Path]:
    """The submissions in a folder by name: each Python file, notebook, or folder of these."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not path.name.startswith((".", "__")) and files_of(path):
            found[path.stem if path.is_file() and path.stem not in found else path.name] = path
    return found


def _pieces(path: Path) -> Iterator[tuple[str, str]]:
    """The pieces of code in a file, with names: one, or a notebook's cells."""
    if path.suffix == ".py":
        with tokenize.open(path) as file:  # heeds a BOM, and a line such as # coding: latin-1
            yield str(path), file.read()
        return
    notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for i, cell in enumerate(cells, start=1):
        yield f"{path}, cell {i}", as_python("".join(cell["source"]))


PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")  # their body is Python


def as_python(source: str) -> str:
    """A cell without magics and commands, each line where it was."""
    first, newline, body = source.partition("\n")
    if first.startswith("%%"):
        return newline + body if first.split()[0] in PYTHON_CELLS else ""
    lines = source.split("\n")
    while True:
        try:
            compile("\n".join(lines), "cell", "exec", TOP_LEVEL_AWAIT)
        except SyntaxError as error:
            n = (error.lineno or 0) - 1
            if 0 <= n < len(lines) and MAGIC.match(lines[n]):
                lines[n] = MAGIC.sub(r"\1pass", lines[n])
                continue
        return "\n".join(lines)


def load(submission: Path, modules: list[ModuleType], errors: list[str]) -> None:
    """Run a submission, each file as a module, and note what it raises; then the next cell runs."""
    for path in files_of(submission):
        module = ModuleType(MODULE)
        module.__dict__.update(__file__=str(path), display=print, get_ipython=_Silent)
        modules.append(module)  # early: a cell that never ends has defined something
        sys.modules[MODULE] = module
        sys.path.insert(0, str(path.parent))
        try:
            for name, code in _pieces(path):
                # So that an error can show its line, and a hole be found.
                linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
                _run(name, code, module, errors)
        except (OSError, ValueError, KeyError, TypeError) as error:
            errors.append(f"{path.name} can't be read: {error}")


class _Silent:
    """Stands in for IPython's shell: whatever it is asked to do, it does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _is_imported(thing: Any) -> bool:
    """Whether something is another module's: ``from nn import minibatches`` is no solution."""
    module, name = (getattr(thing, a, None) for a in ("__module__", "__name__"))
    return module != MODULE and getattr(sys.modules.get(str(module)), str(name), 0) is thing


def _run(name: str, code: str, module: ModuleType, errors: list[str]) -> None:
    try:
        program = compile(code, name, "exec", TOP_LEVEL_AWAIT, dont_inherit=True)
        awaited = eval(program, module.__dict__)
        if inspect.iscoroutine(awaited):
            asyncio.run(awaited)
    except TimeUp:
        raise
    except BaseException as error:
        frames = [p for p in places_of(error) if p[0].f_globals.get("__name__") == MODULE]
        at = f"\nin {line_of(*frames[-1])}" if frames else ""
        errors.append(f"{type(error).__name__}: {error}{at}")


def try_all(submission: Path, results: Path, start: int) -> None:
    """Load a submission, and write the result of each task, from a given one on, as it comes."""
    modules: list[ModuleType] = []
    errors: list[str] = []
    here = os.getcwd()
    os.chdir(submission if submission.is_dir() else submission.parent)
    where = within(LOADING, lambda: load(submission, modules, errors))
    os.chdir(here)
    names = {n: v for m in modules for n, v in list(m.__dict__.items()) if not _is_imported(v)}
    if where is not None:
        errors.append(f"it did not end within {LOADING:.0f} seconds")
    with results.open("a", encoding="utf-8") as file:
        for task in list(TASKS.values())[start:]:
            print(json.dumps({"begun": task.name}), file=file, flush=True)
            absent = [name for name in task.takes if name not in names]
            if absent:
                text = "\n".join([f"not handed in: {', '.join(absent)}", *errors])
                result = Result(task.name, MISSING, text)
            else:
                report = task.check(*[names[name] for name in task.takes])
                result = Result(task.name, report.state, repr(report))
            print(json.dumps(asdict(result)), file=file, flush=True)


if __name__ == "__main__":
    submission, results, start, *modules = sys.argv[1:]
    import_checks(modules)
    try_all(Path(submission), Path(results), int(start))
    os._exit(0)  # even if a student's code has left threads at work
