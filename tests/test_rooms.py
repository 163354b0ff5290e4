"""The house: imports run one way, files are short, and no name stands for two things."""

import ast
import importlib
from pathlib import Path

import pytest

import nn
from tests.cases import for_each

ROOT = Path(nn.__file__).parent
# From the ground floor up: a room imports from those before it, and from itself.
FLOORS = [
    "ground",
    "arrays",
    "figures",
    "model",
    "data",
    "train",
    "estimators",
    "show",
    "data_options",
    "options",
    "choosing",
    "sweeping",
    "playing",
    "cli",
]
FILES = sorted(ROOT.rglob("*.py"))


def floor(path):
    """The room that a file stands in."""
    inside = path.relative_to(ROOT)
    return inside.parts[0].removesuffix(".py")


def imported(path):
    """All rooms of `nn` that a file imports from, wherever in the file, and for types alone too."""
    package = ["nn", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            whole = [*above, *(node.module or "").split(".")]
            names = [[*filter(None, whole), alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        yield from (name[1] for name in names if name[0] == "nn" and len(name) > 1)


@for_each("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    room = floor(path)
    if room in ("__init__", "__main__"):  # they re-export, and start
        return
    if room == "exercises":  # tasks for students, who need no more than arrays
        assert set(imported(path)) <= {"arrays", "exercises"}
        return
    for name in imported(path):
        assert FLOORS.index(name) <= FLOORS.index(room), f"{room} imports from {name}"


def test_the_check_of_imports_sees_them():
    assert set(imported(ROOT / "train" / "fit.py")) == {"arrays", "model", "train"}
    assert set(imported(ROOT / "cli.py")) >= {"data", "options", "show"}


@for_each("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_reads_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("room", [path.parent for path in FILES if path.name == "__init__.py"])
def test_no_function_hides_a_module(room):
    package = importlib.import_module(".".join(["nn", *room.relative_to(ROOT).parts]))
    modules = {path.stem for path in room.glob("*.py")} | {path.name for path in room.iterdir()}
    hidden = [name for name in modules & vars(package).keys() if callable(vars(package)[name])]
    assert not hidden
