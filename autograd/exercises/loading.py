"""A student's submission, loaded: its files are run, one after the other, as a notebook is."""

import ast
import asyncio
import inspect
import json
import linecache
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from .limits import TimeUp, line_of, places_of

TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
MAGIC = re.compile(r"^(\s*)(?:[%!?].*|\w+\s*=\s*[%!].*|[\w.]+\?{1,2}\s*)$")
MODULE = "_submission_"
NOT_THEIRS = {"solutions", "venv", "env", "site-packages"}  # folders


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
        module.__dict__.update(__file__=str(path), display=print, get_ipython=Silent)
        modules.append(module)  # early: a cell that never ends has defined something
        sys.modules[MODULE] = module
        sys.path.insert(0, str(path.parent))
        try:
            for name, code in _pieces(path):
                # So that an error can show its line, and a hole be found.
                linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
                _run(name, code, module, errors)
        except Exception as error:  # no notebook, another encoding
            errors.append(f"{path.name} can't be read: {error}")


class Silent:
    """Stands in for IPython's shell, and for the checks: whatever it is to do, it does nothing.

    It is false: what a notebook trains and draws as soon as a check is right takes long, and tells
    nobody anything here.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent()

    def __call__(self, *_: Any, **__: Any) -> "Silent":  # noqa: D102
        return self

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return ""


def is_imported(thing: Any) -> bool:
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
