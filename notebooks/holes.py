"""The solutions in the cells of a notebook, and the holes that students find in their places.

A solution stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION``. Its hole is ``...``, or
what follows ``### INSTEAD`` as comments. Cells with the tag ``solution`` are for teachers.
"""

import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nbformat import NotebookNode

BEGIN, INSTEAD, END = "### BEGIN SOLUTION", "### INSTEAD", "### END SOLUTION"
HOLE = "...  # your code here"


class Solution(NamedTuple):
    """A solution: its indentation, its lines, and what is to stand in their place, if told."""

    indent: str
    lines: list[str]
    instead: list[str]


def hole(solution: Solution) -> list[str]:
    """What students find."""
    return solution.instead or [solution.indent + HOLE]


def rewritten(source: str, write: Callable[[Solution], list[str]]) -> str:
    """The source of a cell, with each of its solutions written in a way."""
    lines: list[str] = []
    for part in _parts(iter(source.split("\n"))):
        lines += [part] if isinstance(part, str) else write(part)
    return "\n".join(lines)


def for_students(solution: NotebookNode) -> Iterator[NotebookNode]:
    """The cells of a notebook, as copies without outputs, but for those for teachers."""
    for cell in copy.deepcopy(solution.cells):
        if "solution" not in cell.metadata.get("tags", []):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            yield cell


def _parts(lines: Iterator[str]) -> Iterator[str | Solution]:
    """The lines of a cell, and its solutions."""
    for line in lines:
        if line.strip() != BEGIN:
            yield line
            continue
        indent = line[: len(line) - len(line.lstrip())]
        found = Solution(indent, [], [])
        in_solution = True
        for inner in lines:
            if inner.strip() == END:
                break
            if inner.strip() == INSTEAD:
                in_solution = False
            elif in_solution:
                found.lines.append(inner)
            else:
                found.instead.append(indent + inner.strip().removeprefix("#").removeprefix(" "))
        else:
            raise ValueError("a solution begins, and never ends")
        yield found
