"""A student's submission, loaded: its files are run, one after the other, as a notebook is."""

import ast
import asyncio
import inspect
import json
import linecache
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .limits import TimeUp, line_of, places_of

TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
MAGIC = re.compile(r"^(\s*)(?:[%!?].*|\w+\s*=\s*[%!].*|[\w.]+\?{1,2}\s*)$")
MODULE = "_submission_"
OURS = ("autograd", "nn")  # what has the right answers
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
                if "\0" in code:
                    raise ValueError("it is no text: there are null bytes in it")
                # So that an error can show its line, and a hole be found.
                linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
                _run(name, code, module, errors)
        except Exception as error:  # no notebook, another encoding
            # Not the place of this copy of it, which nobody knows.
            why = str(error).replace(str(path), path.name)
            errors.append(f"{path.name} can't be read: {why}")


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


def is_imported(name: str, thing: Any) -> bool:
    """Whether what a submission has under a name is no answer, but a function of another module.

    ``from nn import minibatches`` and ``from sklearn.metrics import confusion_matrix`` are none;
    ``gaussian_delta = numpy.subtract``, which has another name there, is one, as in a notebook.
    """
    module, own = (str(getattr(thing, a, None)) for a in ("__module__", "__name__"))
    if module == MODULE or getattr(sys.modules.get(module), own, 0) is not thing:
        return False
    return own == name or module.partition(".")[0] in OURS


def meant(name: str, modules: Iterable[ModuleType], wanted: Iterable[str]) -> str:
    """The function or class of a submission that may be meant by a name that is not there.

    Its name differs by capitals and underscores alone, by a letter or so, or is cut short within a
    word: ``grow`` for ``growing``. A name is that of a class if it begins with a capital. Nothing,
    "", if none is near, or is nearer to another name that is wanted.
    """
    wanted = set(wanted)
    near = {}
    for module in modules:
        for other, thing in list(module.__dict__.items()):
            # By its type: another thing may do anything when it is asked for an attribute.
            is_class = issubclass(type(thing), type)
            if other in wanted or not (is_class or type(thing) is FunctionType):
                continue
            if thing.__module__ == MODULE and is_class == name[0].isupper():
                near[str(other)] = _nearness(str(other), name)
    best = max(near, key=near.__getitem__, default="")
    if near.get(best, 0.0) < 0.85 or near[best] < max(_nearness(best, w) for w in wanted):
        return ""
    return best


def _nearness(found: str, name: str) -> float:
    """How near a name is to another one, up to 1."""
    a, b = (n.replace("_", "").casefold() for n in (found, name))
    rest = name[len(found) :]
    if a == b or (len(found) > len(rest) and name == found + rest and "_" not in rest):
        return 1.0
    return SequenceMatcher(None, a, b).ratio()


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
