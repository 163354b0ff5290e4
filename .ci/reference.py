"""Write the API reference: what every public name is, made from the docstrings by pdoc.

    python .ci/reference.py             # into dist/reference, which git ignores
    python .ci/reference.py FOLDER

A name in backticks is a link to its entry; and each entry links to the notebooks of the course, and
to READMEs, where they use the name. Whatever pdoc warns of is an error.
"""

from __future__ import annotations

import ast
import doctest
import json
import os
import re
import sys
import types
import warnings
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

import pdoc.doc
import pdoc.doc_types
import pdoc.render

import autograd
import nn
import nn.estimators

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    "autograd": autograd,
    "nn": nn,
    "nn.datasets": nn.datasets,
    "nn.estimators": nn.estimators,
    "nn.plots": nn.plots,
}


def public(module: types.ModuleType) -> list[str]:
    """The names that TAB offers."""
    return [name for name in dir(module) if not name.startswith("__")]


# Annotations stay as they are written: evaluated, an ArrayLike takes ten lines.


class Written(str):
    """An annotation that prints without quotes."""

    __repr__ = str.__str__


# The first module that has a name: `load` is that of networks, `datasets.load` that of data.
OURS: dict[str, str] = {}
for house, module in MODULES.items():
    for name in public(module):
        OURS.setdefault(name, f"{house}.{name}")


def as_written(annotation: Any, *_: Any) -> Any:
    """In place of pdoc's evaluation; public classes get their full names, to become links."""
    if not isinstance(annotation, str):
        return annotation
    full = {name: where for name, where in OURS.items() if name[0].isupper()}
    return Written(re.sub(r"\w+", lambda word: full.get(word[0], word[0]), annotation))


# Where the course and READMEs use a name


def programs(path: Path) -> Iterator[str]:
    """The Python in a notebook's cells, or in a README's examples."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "code":
                yield "".join(line for line in cell["source"] if not line.startswith(("%", "!")))
    else:
        yield "".join(example.source for example in doctest.DocTestParser().get_examples(text))


def used_in(path: Path) -> set[str]:
    """The public names that a file imports and uses, or reaches as ``nn.fit``: in full."""
    nodes = [node for program in programs(path) for node in ast.walk(ast.parse(program))]
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
    }
    imported.update({module: module for module in ("autograd", "nn")})
    found = {imported.get(node.id, "") for node in nodes if isinstance(node, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{imported.get(node.value.id)}.{node.attr}")
    return found


def examples() -> dict[str, list[Path]]:
    """The files with examples, by the full name of what they use; READMEs are the last."""
    places: dict[str, list[Path]] = {}
    pages = [ROOT / name for name in ("README.md", "autograd/README.md", "nn/README.md")]
    for path in (*sorted((ROOT / "notebooks").glob("*.ipynb")), *pages):
        for name in used_in(path):
            places.setdefault(name, []).append(path)
    return places


# Pages


def page(name: str, module: types.ModuleType) -> pdoc.doc.Module:
    """What is documented of a module: its public names, by the name under which users have it."""
    front = types.ModuleType(name, module.__doc__)
    front.__all__ = public(module)  # type: ignore[attr-defined]
    for member in front.__all__:  # type: ignore[attr-defined]
        setattr(front, member, getattr(module, member))
    return pdoc.doc.Module(front)


def hide_inner(doc: pdoc.doc.Doc[Any]) -> None:
    """Leave out decorators and base classes that no user meets."""
    if isinstance(doc, pdoc.doc.Function):
        doc.decorators = []
    if isinstance(doc, pdoc.doc.Class):
        doc.bases = [base for base in doc.bases if base[1] in OURS]


def name_in_full(doc: pdoc.doc.Doc[Any], own: Container[str]) -> None:
    """Write names of other pages in full in a docstring, as `nn.fit` in one of `nn.plots`."""
    doc.docstring = re.sub(
        r"(?<!`)`(\w+)`(?!`)",
        lambda name: name[0] if name[1] in own else f"`{OURS.get(name[1], name[1])}`",
        doc.docstring,
    )


def link_examples(doc: pdoc.doc.Doc[Any], places: Mapping[str, list[Path]], folder: Path) -> None:
    """Add the links to the examples, relative to the page in ``folder``, to a docstring."""
    links = []
    for path in places.get(doc.fullname, ()):
        title = path.relative_to(ROOT).with_suffix("").as_posix().replace("_", " ")
        links.append(f"[{title}]({os.path.relpath(path, folder).replace(os.sep, '/')})")
    if links:
        doc.docstring = f"{doc.docstring}\n\nExamples: {', '.join(links)}"


def write(folder: Path) -> None:
    """All pages, their index and the search."""
    pdoc.doc.safe_eval_type = pdoc.doc_types.safe_eval_type = as_written
    pdoc.render.configure(docformat="google", show_source=False)
    pages = {name: page(name, module) for name, module in MODULES.items()}
    pages["nn"].submodules = [pages["nn.datasets"], pages["nn.plots"]]
    places = examples()
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in pages.items():
        file = folder / f"{name.replace('.', '/')}.html"
        file.parent.mkdir(exist_ok=True)
        for member in module.members.values():
            hide_inner(member)
            for doc in (member, *getattr(member, "own_members", ())):
                name_in_full(doc, own={*module.members, *getattr(member, "members", ())})
            link_examples(member, places, file.parent)
        file.write_text(pdoc.render.html_module(module, pages), encoding="utf-8")
    (folder / "index.html").write_text(pdoc.render.html_index(pages), encoding="utf-8")
    (folder / "search.js").write_text(pdoc.render.search_index(pages), encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "reference"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(target)
    print(target / "index.html")
