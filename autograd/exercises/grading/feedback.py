"""Feedback for students: a page each, which needs nothing else, not even scripts."""

import html
from collections.abc import Mapping

from ...show.player import page
from ..checking import MARKS, NOT_DONE
from ..judge import Result
from .grades import SIGNS, WORDS, Grades

STYLE = """
.report { --right: #1c7a45; --wrong: #b3263f; --not-done: #5c5c5c; }
@media screen and (prefers-color-scheme: dark) {
  .report { --right: #5ccf90; --wrong: #ff8f9f; --not-done: #b0b0b0; }
}
body { max-width: 48rem; margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 1.8rem 0 0.4rem; }
td, th { text-align: left; padding: 2px 16px 2px 0; }
pre { white-space: pre-wrap; font-size: 13px; }
@media print { section { break-inside: avoid; } }
"""
COLOURS = {state: colour for state, (_, colour) in MARKS.items()}


def pages(grades: Grades) -> Mapping[str, bytes]:
    """A page for each submission, by the name of its file."""
    found: dict[str, bytes] = {}
    taken = set[str]()  # on some systems, Anna.html and anna.html are one file
    for name in grades.results:
        stem = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name)
        file = stem
        while file.casefold() in taken:
            file = f"{stem}-{len(taken)}"
        taken.add(file.casefold())
        found[f"{file}.html"] = one(grades, name)
    return found


def one(grades: Grades, name: str) -> bytes:
    """The page of a submission: its points, and what each task was found to be."""
    row = grades.row(name)
    lines = "".join(
        f"<tr><td><a href=\"#{r.task}\">{r.task}</a></td><td>{_mark(r)} {WORDS[r.state]}</td>"
        f"<td>{grades.scored(r):g} of {grades.points[r.task]:g}</td></tr>"
        for r in row
    )  # fmt: skip
    parts = "".join(
        f'<section id="{r.task}"><h2>{r.task}</h2>{r.html or _plain(r)}</section>' for r in row
    )
    title = html.escape(name)
    body = (
        f'<div class="report"><h1>{title}: {grades.total(name):g} of {grades.most:g} points</h1>'
        "<table><thead><tr><th>task</th><th>result</th><th>points</th></tr></thead>"
        f"<tbody>{lines}</tbody></table>{parts}</div>"
    )
    return page(name, body, STYLE)


def _mark(result: Result) -> str:
    colour = COLOURS.get(result.state, COLOURS[NOT_DONE])
    return f'<b style="color: {colour}">{SIGNS[result.state]}</b>'


def _plain(result: Result) -> str:
    """What is said of a task that has no report."""
    return f"<pre>{html.escape(result.shown)}</pre>"
