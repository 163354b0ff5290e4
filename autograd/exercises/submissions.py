"""A student's submission: loading it, and trying all checks on it.

Run as a program it does so for one submission in a process of its own, that may crash or hang:
``python -m autograd.exercises.submissions SUBMISSION RESULTS MODULE ...`` writes a line of JSON for
each task to the file RESULTS.
"""

import ast
import importlib
import importlib.util
import json
import linecache
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .checking import TASKS
from .limits import TimeUp, is_students, line_of, places_of, within

LOADING = 20.0  # seconds
MISSING = "missing"


@dataclass(frozen=True)
class Result:
    """How a task went: ``state`` is a report's, or "missing"; ``text`` is the report."""

    task: str
    state: str
    text: str


def import_checks(modules: Sequence[str]) -> None:
    """Import the modules that hold checks, by name or, ending in .py, by path.

    Raises:
        ImportError: one is not there.
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
    """The Python files and notebooks of a submission, which is one or a folder of them."""
    if submission.is_file():
        return [submission] if submission.suffix in (".py", ".ipynb") else []
    return sorted(
        path
        for suffix in ("*.py", "*.ipynb")
        for path in submission.rglob(suffix)
        if not any(part.startswith((".", "__")) for part in path.relative_to(submission).parts)
    )


def submissions_in(folder: Path) -> dict[str, Path]:
    """The submissions in a folder by name: each Python file, notebook, or folder with such."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not path.name.startswith((".", "__")) and files_of(path):
            found[path.stem if path.is_file() and path.stem not in found else path.name] = path
    return found


def _pieces(path: Path) -> Iterator[tuple[str, str]]:
    """The pieces of code in a file, with names: one, or a notebook's cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield str(path), text
        return
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    for i, cell in enumerate(cells, start=1):
        lines = "".join(cell["source"]).splitlines()
        # What is no Python: magics and commands, by whole cells or by lines.
        if not (lines and lines[0].startswith("%%")):
            kept = ["" if line.startswith(("%", "!")) else line for line in lines]
            yield f"{path.name}, cell {i}", "\n".join(kept)


def load(submission: Path) -> tuple[dict[str, Any], list[str]]:
    """Run a submission. What it defined, and what it raised; after an error the next cell runs."""
    names: dict[str, Any] = {}
    errors: list[str] = []
    for path in files_of(submission):
        module = ModuleType("submission")
        module.__dict__.update(__file__=str(path), display=print)
        sys.modules["submission"] = module
        sys.path.insert(0, str(path.parent))
        try:
            for name, code in _pieces(path):
                # So that an error can show its line, and a hole be found.
                linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
                _run(name, code, module, errors)
        except (OSError, ValueError, KeyError, TypeError) as error:
            errors.append(f"{path.name} can't be read: {error}")
        names.update((n, v) for n, v in module.__dict__.items() if not _is_imported(v))
    return names, errors


def _is_imported(thing: Any) -> bool:
    """Whether something is another module's: ``from nn import minibatches`` is no solution."""
    module, name = (getattr(thing, a, None) for a in ("__module__", "__name__"))
    return module != "submission" and getattr(sys.modules.get(str(module)), str(name), 0) is thing


def _run(name: str, code: str, module: ModuleType, errors: list[str]) -> None:
    try:
        exec(compile(ast.parse(code, name), name, "exec"), module.__dict__)
    except TimeUp:
        raise
    except BaseException as error:
        frames = [p for p in places_of(error) if is_students(p[0], {"autograd"}, __file__)]
        at = f"\nin {line_of(*frames[-1])}" if frames else ""
        errors.append(f"{type(error).__name__}: {error}{at}")


def try_all(submission: Path, results: Path) -> None:
    """Load a submission, and write the result of each task as a line, when it is there."""
    loaded: list[tuple[dict[str, Any], list[str]]] = []
    here = os.getcwd()
    os.chdir(submission if submission.is_dir() else submission.parent)
    where = within(LOADING, lambda: loaded.append(load(submission)))
    os.chdir(here)
    if where is None:
        names, errors = loaded[0]
    else:
        names, errors = {}, [f"it did not end within {LOADING:.0f} seconds"]
    with results.open("a", encoding="utf-8") as file:
        for task in TASKS.values():
            absent = [name for name in task.takes if name not in names]
            if absent:
                text = "\n".join([f"not handed in: {', '.join(absent)}", *errors])
                result = Result(task.name, MISSING, text)
            else:
                report = task.check(*[names[name] for name in task.takes])
                result = Result(task.name, report.state, repr(report))
            print(json.dumps(asdict(result)), file=file, flush=True)


if __name__ == "__main__":
    submission, results, *modules = sys.argv[1:]
    import_checks(modules)
    try_all(Path(submission), Path(results))
    os._exit(0)  # whatever threads a student's code has left at work
