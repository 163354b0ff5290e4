"""Who passed what: as a table, as CSV, and in points."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..checking import MARKS, NOT_DONE, RIGHT, WRONG
from ..judge import LATE, MEANT, MISSING, NO_RESULT, Result

SIGNS = {state: mark for state, (mark, _) in MARKS.items()} | {
    MISSING: "·",
    LATE: "~",
    NO_RESULT: "!",
}
WORDS = {  # of a legend
    RIGHT: "right", WRONG: "wrong", NOT_DONE: "not done yet", MISSING: "not handed in",
    LATE: "took too long", NO_RESULT: "no result",
}  # fmt: skip


@dataclass(frozen=True)
class Grades:
    """What came of all submissions.

    Attributes:
        results: by the submission's name, then by task.
        points: what each task gives that is set; none of them is left out.
    """

    results: Mapping[str, Mapping[str, Result]]
    points: Mapping[str, float]

    @cached_property
    def most(self) -> float:
        """The points that can be had."""
        return sum(self.points.values())

    def row(self, name: str) -> list[Result]:
        """The results of a submission, in the order of the tasks."""
        return [self.results[name][task] for task in self.points]

    def scored(self, result: Result) -> float:
        """The points of a result: all if every case is right, otherwise none."""
        return self.points[result.task] if result.state == RIGHT else 0.0

    def total(self, name: str) -> float:
        """The points of a submission."""
        return sum(map(self.scored, self.row(name)))

    def table(self) -> str:
        """A line for each submission, a column for each task."""
        legend = [f"{i:>3}  {task}" for i, task in enumerate(self.points, start=1)]
        width = max(map(len, self.results), default=0)
        head = " " * width + "".join(f"{i:>4}" for i in range(1, len(legend) + 1)) + "   right"
        lines = []
        for name in self.results:
            states = [result.state for result in self.row(name)]
            signs = "".join(f"{SIGNS[state]:>4}" for state in states)
            lines.append(f"{name:<{width}}{signs}{states.count(RIGHT):>5} of {len(states)}")
        signs = "   ".join(f"{SIGNS[state]} {word}" for state, word in WORDS.items())
        return "\n".join([*legend, "", head, *lines, "", signs])

    def failures(self) -> list[str]:
        """What went wrong beside wrong answers, once for each."""
        found = dict[str, None]()  # in order
        for name, results in self.results.items():
            whole = failed(results.values())
            for result in results.values():
                if result.state == MISSING:
                    first, _, errors = result.text.partition("\n")
                    if MEANT in first:
                        found[f"{name}, {first}"] = None
                    line = f"{name}, when it was loaded: {errors}" if errors else ""
                elif result.state in (NO_RESULT, LATE):
                    line = f"{name}{'' if whole else f', {result.task}'}: {result.text}"
                else:
                    continue
                found[line.replace("\n", "\n    ")] = None
        return [line for line in found if line]

    def csv(self) -> bytes:
        """The table as CSV: a cell says how it went."""
        rows = [[name, *[r.state for r in self.row(name)]] for name in self.results]
        return written(["submission", *self.points], rows)

    def points_csv(self) -> bytes:
        """The points as CSV, with their sum, and what it could be."""
        rows = [
            [name, *[f"{self.scored(r):g}" for r in self.row(name)],
             f"{self.total(name):g}", f"{self.most:g}"]
            for name in self.results
        ]  # fmt: skip
        return written(["submission", *self.points, "total", "of"], rows)


def failed(results: Collection[Result]) -> bool:
    """Whether there is no result at all, for one reason."""
    return (
        all(r.state in (NO_RESULT, LATE) for r in results) and len({r.text for r in results}) == 1
    )


def handed_in(results: Mapping[str, Mapping[str, Result]]) -> set[str]:
    """The tasks that anybody has handed in."""
    return {
        task
        for tasks in results.values()
        if not failed(tasks.values())
        for task, result in tasks.items()
        if result.state != MISSING
    }


def written(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode("utf-8", "backslashreplace")
