"""Many trainings side by side: a table of their last epochs, and small plots of their curves."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import stdev
from typing import Any

import numpy as np

from autograd.files import Path, write_whole
from autograd.show.notation import columns, for_output, printable

from ..figures import INK, new_figure, plain_text
from ..model.likelihoods import SCORES
from .evaluation import mean_of
from .history import Epoch, History

HIGHEST = 1e150  # in a plot; matplotlib puts ticks far beyond the largest number
PANELS = 48  # in a plot; more are too small to be read
WAITING, TRAINED, DIVERGED, LOST = "waiting", "trained", "diverged", "lost"
CAPTION = "the last epoch: mean ± standard deviation over seeds"
WITH_GAPS = CAPTION.replace("epoch", "epoch of those that came to an end")


@dataclass(frozen=True)
class Training:
    """One of many trainings, before and after it.

    Attributes:
        settings: what was tried, by name.
        texts: the settings as they are shown.
        seed: where its random numbers come from.
        history: what `fit` returned; None if it did not come to an end.
        outcome: "trained"; "diverged"; or "lost", if the process that it ran in has died.
        why: the reason, in words, if it has no history.
    """

    settings: dict[str, Any]
    texts: dict[str, str]
    seed: int
    history: History | None = None
    outcome: str = WAITING
    why: str = ""

    def __str__(self) -> str:
        """The arguments, as in a call."""
        plain = (bool, int, float, str, type(None))
        given = [f"{name}={repr(value) if isinstance(value, plain) else self.texts[name]}"
                 for name, value in self.settings.items()]  # fmt: skip
        return ", ".join([*given, f"seed={self.seed}"])


@dataclass(frozen=True)
class Combination:
    """The trainings of one combination of settings, seed by seed."""

    settings: dict[str, Any]
    texts: dict[str, str]
    trainings: list[Training]

    @property
    def histories(self) -> list[History]:
        """The histories of the trainings that came to an end."""
        return [t.history for t in self.trainings if t.history is not None]

    def count(self, outcome: str) -> int:
        """How many trainings have this outcome."""
        return sum(t.outcome == outcome for t in self.trainings)

    def last(self, column: str) -> list[float]:
        """The last entry of a column of `Epoch`, for each history."""
        return [getattr(history[-1], column) for history in self.histories]

    def bands(self, column: str) -> Iterator[tuple[int, float, float, float]]:
        """For each epoch the mean, the least and the greatest, over the seeds that got there."""
        for rows in _by_epoch(self.histories):
            numbers = [getattr(row, column) for row in rows]
            yield rows[0].epoch, mean_of(numbers), min(numbers), max(numbers)


def _by_epoch(histories: Sequence[History]) -> Iterator[list[Epoch]]:
    for i in range(max(map(len, histories), default=0)):
        yield [history[i] for history in histories if len(history) > i]


class Trainings(Sequence[Training]):
    """What `sweep` returns: the trainings, in the order of the grid; shown as a table.

    Attributes:
        names: of the settings.
        combinations: the trainings of each combination of settings together.
    """

    def __init__(self, names: Sequence[str], trainings: Sequence[Training]) -> None:
        self.names, self._trainings = list(names), list(trainings)
        groups: dict[tuple[str, ...], list[Training]] = {}
        for t in trainings:
            groups.setdefault(tuple(t.texts.values()), []).append(t)
        self.combinations = [
            Combination(group[0].settings, group[0].texts, group) for group in groups.values()
        ]

    def __getitem__(self, index: Any) -> Any:
        return self._trainings[index]

    def __len__(self) -> int:
        return len(self._trainings)

    def where(self, **settings: Any) -> Trainings:
        """The trainings with the given settings: ``results.where(batch_size=16)``.

        Raises:
            ValueError: there are none.
        """
        found = [
            t for t in self._trainings
            if all(k in t.settings and (t.settings[k] is v or v in (t.settings[k], t.texts[k]))
                   for k, v in settings.items())
        ]  # fmt: skip
        if not found:
            tried = [
                f"{k}: {', '.join(dict.fromkeys(t.texts[k] for t in self))}" for k in self.names
            ]
            raise ValueError(f"no training has {settings}; tried were {'; '.join(tried)}")
        return Trainings(self.names, found)

    @property
    def best(self) -> dict[str, Any]:
        """The settings with the smallest mean of the last loss (of validation, if there is one).

        Combinations of which any training diverged or was lost are left out.

        Raises:
            ValueError: none is left.
        """
        whole = [c for c in self.combinations if len(c.histories) == len(c.trainings)]
        if not whole:
            raise ValueError("no combination came to its end with every seed")
        column = self._columns()[0]
        return min(whole, key=lambda c: _or_last(mean_of(c.last(column)))).settings

    def _columns(self) -> list[str]:
        """The columns of `Epoch` to look at: the loss, of validation where all have it; scores."""
        histories = [history for c in self.combinations for history in c.histories]
        held_out = ["validation_loss", *(f"validation_{name}" for name in SCORES)]
        there = [
            column for column in held_out
            if histories and all(getattr(row, column) is not None for h in histories for row in h)
        ]  # fmt: skip
        return there if "validation_loss" in there else ["loss"]

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """The head and the rows, one per combination."""
        shown = [o for o in (DIVERGED, LOST) if any(t.outcome == o for t in self._trainings)]
        measured = self._columns()
        head = [*map(printable, self.names), "seeds", *shown, *map(_title, measured)]
        rows = [
            [*map(printable, c.texts.values()), str(len(c.trainings)),
             *(str(c.count(o)) for o in shown), *(_mean(c.last(column)) for column in measured)]
            for c in self.combinations
        ]  # fmt: skip
        return head, rows

    @property
    def _caption(self) -> str:
        return CAPTION if all(t.history for t in self._trainings) else WITH_GAPS

    def __repr__(self) -> str:
        head, rows = self._table()
        flat = iter(for_output([*head, *(text for row in rows for text in row), self._caption]))
        table = [[next(flat) for _ in row] for row in (head, *rows)]
        widths = [max(map(columns, column)) for column in zip(*table)]
        lines = [
            "  ".join(text + " " * (w - columns(text)) for text, w in zip(row, widths)).rstrip()
            for row in table
        ]
        return "\n".join([*lines, f"({next(flat)})"])

    def _repr_html_(self) -> str:
        """The table in Jupyter."""
        head, rows = self._table()
        top = "".join(
            f'<th scope="col" style="text-align:left">{html.escape(t)}</th>' for t in head
        )
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{html.escape(t)}</td>' for t in row)
            + "</tr>" for row in rows
        )  # fmt: skip
        return (f"<table><caption>{self._caption}</caption><thead><tr>{top}</tr></thead>"
                f"<tbody>{body}</tbody></table>")  # fmt: skip

    def to_csv(self, path: Path) -> None:
        """Write a row per training, with its last epoch, as a CSV file, whole or not at all."""
        ends = [t.history[-1] for t in self._trainings if t.history]
        fields = [
            f
            for f in Epoch.__dataclass_fields__
            if f not in self.names and any(getattr(e, f) is not None for e in ends)
        ]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow([*self.names, "seed", "outcome", *fields])
        for t in self._trainings:
            last = asdict(t.history[-1]) if t.history else {}
            table.writerow([*t.texts.values(), t.seed, t.outcome, *map(last.get, fields)])
        write_whole(path, text.getvalue().encode())

    def plot(self, by: str | None = None) -> Any:
        """Curves of the loss in small plots: the mean over seeds, in a band of all of them.

        The band goes from the least to the greatest. The loss is that of validation, if there is
        one; numbers beyond 1e150 are left out. All panels have the same axes. The figure shows
        itself in Jupyter, and is saved by its ``savefig(path)``.

        Args:
            by: the setting to show by colours; the others are shown by panels. If not given, the
                first setting with at most 8 values.

        Raises:
            ValueError: ``by`` is not a setting, or has too many values; or there are over 48
                panels.
            ModuleNotFoundError: matplotlib is not installed.
        """
        by = self._told_apart(by)
        inks = list(dict.fromkeys(c.texts[by] for c in self.combinations)) if by else [""]
        others = [name for name in self.names if name != by]
        panels: dict[tuple[str, ...], list[Combination]] = {}
        for c in self.combinations:
            panels.setdefault(tuple(c.texts[name] for name in others), []).append(c)
        if len(panels) > PANELS:
            raise ValueError(
                f"plot shows at most {PANELS} panels, and this would make {len(panels)}: choose a "
                f"part by where({self.names[0]}=...), or another by="
            )
        titles = [
            "\n".join(f"{plain_text(name)} = {plain_text(text)}" for name, text in zip(others, key))
            for key in panels
        ]
        last = len({key[-1:] for key in panels}) if len(others) > 1 else 1
        wide = last if 1 < last <= 6 else math.ceil(math.sqrt(len(panels)))
        if len(panels) < 4 and last == 1:
            wide = len(panels)
        return _figure(
            [*zip(titles, panels.values())], wide, self._columns()[0], by, dict(zip(inks, INK))
        )

    def _told_apart(self, by: str | None) -> str | None:
        """The setting for the colours; None if all have too many values."""
        many = {name: len({c.texts[name] for c in self.combinations}) for name in self.names}
        if by is None:
            return next((name for name, n in many.items() if 1 < n <= len(INK)), None)
        if by not in many:
            raise ValueError(f"by must be one of {', '.join(self.names)}, got {by!r}")
        if many[by] > len(INK):
            raise ValueError(f"by={by!r} has {many[by]} values, and there are {len(INK)} colours")
        return by


def _figure(
    panels: Sequence[tuple[str, Sequence[Combination]]],
    wide: int,
    column: str,
    by: str | None,
    inks: Mapping[str, str],
) -> Any:
    """Small plots of a column, so many side by side: panels with their titles, and the inks.

    ``inks`` are by the texts of the setting ``by``.
    """
    high = math.ceil(len(panels) / wide)
    size = (7.0, 3.8) if len(panels) == 1 else (1.6 + 2.5 * wide, 1.0 + 2.2 * high)
    figure, axes = new_figure(size, high, wide, share=True)
    for i, (ax, (title, group)) in enumerate(zip(axes, panels)):
        notes = [_draw(ax, c, column, inks[c.texts[by] if by else ""], by) for c in group]
        for line, (note, ink) in enumerate(filter(None, notes)):
            ax.annotate(note, (1, 1), (-4, -4 - 11 * line), xycoords="axes fraction", fontsize=8,
                        textcoords="offset points", ha="right", va="top", color=ink)  # fmt: skip
        ax.set_title(title, fontsize="medium")
        ax.grid(alpha=0.3)
        if i + wide >= len(panels):  # the lowest in its column
            ax.xaxis.set_tick_params(labelbottom=True)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    drawn = [(mean, low) for _, group in panels for c in group
             for _, mean, low, _ in c.bands(column) if abs(mean) < HIGHEST]  # fmt: skip
    if drawn and all(low > 0 for _, low in drawn):
        axes[0].set_yscale("log")
    axes[0].xaxis.get_major_locator().set_params(integer=True)
    figure.supxlabel("epoch", fontsize="medium")
    figure.supylabel(f"{_title(column)} per example", fontsize="medium")
    figure.suptitle("mean over seeds, in a band from the least to the greatest", fontsize="medium")
    if by:
        figure.legend(
            [axes[0].plot([], [], color=ink)[0] for ink in inks.values()],
            [plain_text(text) for text in inks], title=plain_text(by), loc="outside right upper",
        )  # fmt: skip
    return figure


def _draw(ax: Any, c: Combination, column: str, ink: str, by: str | None) -> tuple[str, str] | None:
    """Draw the curve and the band of a combination; a note and its ink if trainings did not end."""
    bands = [*c.bands(column)]
    if bands:
        epochs, means, lows, highs = np.array(bands).T
        for numbers in (means, lows, highs):
            numbers[~(abs(numbers) < HIGHEST)] = np.nan  # which is left out
        ax.plot(epochs, means, color=ink, marker="o" if len(epochs) == 1 else None)
        if len(c.histories) > 1:
            ax.fill_between(epochs, lows, highs, color=ink, alpha=0.2, linewidth=0)
    counts = [f"{c.count(o)} of {len(c.trainings)} {o}" for o in (DIVERGED, LOST) if c.count(o)]
    if not counts:
        return None
    return f"{plain_text(c.texts[by])}: {', '.join(counts)}" if by else ", ".join(counts), ink


def _title(column: str) -> str:
    """Of a column of `Epoch`."""
    name = column.removeprefix("validation_")
    label = SCORES[name].label if name in SCORES else name
    return label if name == column else f"validation {label}"


def _mean(numbers: Sequence[float]) -> str:
    """The mean, and the standard deviation (with n - 1) if there are two numbers or more."""
    if not numbers:
        return "-"
    if not all(map(math.isfinite, numbers)):
        return f"{mean_of(numbers):.4g}"
    spread = f" ± {_deviation(numbers):.2g}" if len(numbers) > 1 else ""
    return f"{mean_of(numbers):.4g}{spread}"


def _deviation(numbers: Sequence[float]) -> float:
    """The standard deviation, even if its square is beyond the floats."""
    try:
        return stdev(numbers)
    except OverflowError:
        largest = max(map(abs, numbers))
        return largest * stdev([x / largest for x in numbers])


def _or_last(loss: float) -> float:
    return math.inf if math.isnan(loss) else loss
