"""The report of a check, in text and in Jupyter: one block for one mistake."""

import html
import io
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any

from ..show.notation import ELLIPSIS, for_output

RIGHT, WRONG, NOT_DONE = "right", "wrong", "not done"
MARKS = {  # a page may set colours of its own
    RIGHT: ("✓", "var(--right, #2a9d5c)"),
    WRONG: ("✗", "var(--wrong, #d1495b)"),
    NOT_DONE: (ELLIPSIS, "var(--not-done, #8a8a8a)"),
}
HIDDEN = "a hidden case"
MORE = 12  # lines of what was printed that text shows


@dataclass(frozen=True)
class Outcome:
    """How a case went: ``state`` is "right", "wrong" or "not done".

    Of one that is ``hidden`` a report says no more than that.
    """

    what: str
    state: str
    expected: str = ""
    got: str = ""
    look: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def veiled(self) -> "Outcome":
        """What students are told of it."""
        return Outcome(HIDDEN, self.state, hidden=True) if self.hidden else self

    @property
    def cause(self) -> object:
        """What wrong cases have in common that one block can stand for; None if they have not."""
        if self.state != WRONG:
            return self.state
        if self.hidden:
            return HIDDEN
        if self.look or ("Error" in self.got and "\nin your " in self.got):
            return self.look, self.look or self.got
        return None


@dataclass(frozen=True)
class Report:
    """What a check found. It is true if all is right, and shows itself in text and in Jupyter.

    Attributes:
        task: the name of the task.
        outcomes: one for each case.
        printed: what the student's code printed in the first case that is wrong; if none is, in
            the first in which it printed.
        note: what to know before reading it.
    """

    task: str
    outcomes: tuple[Outcome, ...]
    printed: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        return self.state == RIGHT

    @property
    def state(self) -> str:
        """Of all: "right"; "not done" where something is missing, but nothing wrong; or "wrong"."""
        states = {outcome.state for outcome in self.outcomes}
        return WRONG if WRONG in states else NOT_DONE if NOT_DONE in states else RIGHT

    @property
    def mistakes(self) -> list[str]:
        """The classic mistakes that were recognised, those that explain most first."""
        found = Counter(m for outcome in self.outcomes for m in outcome.mistakes)
        return [mistake for mistake, _ in found.most_common()]

    @property
    def unveiled(self) -> "Report":
        """The report for teachers, in which nothing is hidden."""
        shown = (
            replace(o, what=f"{o.what} (hidden)", hidden=False) if o.hidden else o
            for o in self.outcomes
        )
        return replace(self, outcomes=tuple(shown))

    @property
    def title(self) -> str:
        """The report in a line."""
        n, right = len(self.outcomes), sum(o.state == RIGHT for o in self.outcomes)
        if self.state == NOT_DONE:
            return f"{self.task}: not done yet" + (f", {right} of {n} right" if right else "")
        return f"{self.task}: all {n} right" if self else f"{self.task}: {right} of {n} right"

    def __repr__(self) -> str:
        lines = [self.title, *[f"  {row}" for row in wrap(self.note, 96)]]
        for first, others in self._blocks():
            lines.append(f"  {first.state:<10}{first.what}")
            if first.state != WRONG:
                lines += [f"  {o.state:<10}{o.what}" for o in others]
                continue
            for name, text in _rows(first):
                rows = [part for row in text.split("\n") for part in wrap(row, 88) or [""]]
                lines.append(f"    {name:<10}" + ("\n" + " " * 14).join(rows))
            if others:
                lines.append(f"    and {len(others)} more, the same")
        if self.printed:
            shown = self.printed.rstrip("\n").split("\n")
            cut = [f"    {ELLIPSIS}"] * (len(shown) > MORE)
            lines += ["  printed", *[f"    {line[:200]}" for line in shown[:MORE]], *cut]
        return "\n".join(line.rstrip() for line in for_output(lines))

    def _shown(self) -> Sequence[Outcome]:
        """All outcomes as students see them, or none if nothing was begun."""
        begun = any(outcome.state != NOT_DONE for outcome in self.outcomes)
        return [outcome.veiled for outcome in self.outcomes] if begun else []

    def _blocks(self) -> list[tuple[Outcome, list[Outcome]]]:
        """The outcomes, each with the later ones that are wrong in the same way."""
        blocks: list[tuple[Outcome, list[Outcome]]] = []
        by_cause: dict[object, list[Outcome]] = {}
        for o in self._shown():
            if o.state == WRONG and o.cause is not None and o.cause in by_cause:
                by_cause[o.cause].append(o)
                continue
            blocks.append((o, []))
            if o.state == WRONG:
                by_cause[o.cause] = blocks[-1][1]
        return blocks

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        mark, colour = MARKS[self.state]
        parts = [
            f'<div style="border-left: 4px solid {colour}; padding: 2px 12px; text-align: left">'
            f"<b>{mark} {html.escape(self.title)}</b>"
        ]
        if self.note:
            parts.append(f"<div>{html.escape(self.note)}</div>")
        shown = self._shown()
        done = [o for o in shown if o.state == RIGHT]
        if done:
            parts.append(_folded(f"{len(done)} right", _names(done)))
        for first, others in self._blocks():
            if first.state == RIGHT:
                continue
            mark, colour = MARKS[first.state]
            parts.append(
                f'<div style="margin-top: 4px"><b style="color: {colour}">{mark}</b> '
                f"{first.state}: <code>{html.escape(first.what)}</code></div>"
            )
            for name, text in _rows(first):
                escaped = html.escape(text).replace("\n", "<br>")
                text = f"<code>{escaped}</code>" if name in ("expected", "got") else escaped
                parts.append(f'<div style="margin-left: 2em">{name}: {text}</div>')
            if others:
                more = _folded(f"and {len(others)} more, the same", _names(others))
                parts.append(f'<div style="margin-left: 2em">{more}</div>')
        if self.printed:
            text = f'<pre style="margin: 0 2em">{html.escape(self.printed)}</pre>'
            parts.append(_folded("what your code printed", text))
        parts.append("</div>")
        return {"text/plain": repr(self), "text/html": "".join(parts)}


def _folded(summary: str, inside: str) -> str:
    return f"<details><summary>{summary}</summary>{inside}</details>"


def _names(outcomes: Sequence[Outcome]) -> str:
    return "<br>".join(f"<code>{html.escape(o.what)}</code>" for o in outcomes)


def _rows(outcome: Outcome) -> list[tuple[str, str]]:
    """What a report says below a case."""
    if outcome.state != WRONG or outcome.hidden:
        return []
    rows = [("expected", outcome.expected), ("got", outcome.got)]
    return rows + [("look at" if i == 0 else "or at", text) for i, text in enumerate(outcome.look)]


def surely(
    outcomes: Sequence[Outcome], listed: Counter[str], computed: set[str], denied: set[str]
) -> list[Outcome]:
    """The outcomes, with only those mistakes that are beyond doubt.

    One number may come about in many ways. A mistake that is told by what it computes is named
    where it explains two cases, if so many list it, and where no other one explains as many.

    Args:
        outcomes: the outcomes, with all mistakes that fit.
        listed: in how many cases a mistake is known.
        computed: mistakes that are told by what they compute; others say what can be seen.
        denied: mistakes that give one result in a case where another number came.
    """
    found = Counter(m for o in outcomes for m in o.mistakes)
    kept = []
    for o in outcomes:
        fit = [m for m in o.mistakes if m in computed and m not in denied]
        sure = [m for m in fit if found[m] >= min(2, listed[m])]
        sure.sort(key=lambda m: -found[m])
        if len(sure) > 1 and found[sure[0]] == found[sure[1]]:
            sure = []
        names = sure[:1] or [m for m in o.mistakes if m not in computed]
        kept.append(replace(o, mistakes=tuple(names)))
    return kept


def note_of_a_failed_cell() -> str:
    """In a notebook, after a cell that did not run: what is checked is older than what is seen."""
    shell: Any = None
    if "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
    error = getattr(getattr(shell, "last_execution_result", None), "error_before_exec", None)
    if error is None:
        return ""
    return (
        f"The cell that ran before this one failed ({type(error).__name__}) and defined nothing: "
        "this looks at the definition from before."
    )


class Printed(io.StringIO):
    """What a student's code prints during a case, up to a limit: it might print for ever."""

    MOST = 2000

    def write(self, text: str) -> int:
        """Keep a text, or what fits of it."""
        return super().write(text) if self.tell() < self.MOST else len(text)

    def taken(self) -> str:
        """What there is, which is then gone; control characters as escapes."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        text = text if len(text) < self.MOST else f"{text[: self.MOST]}{ELLIPSIS}\n"
        return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
