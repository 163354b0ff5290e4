"""The report of a training: one page that needs nothing else."""

import html
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograd.files import write_whole
from autograd.show.notation import digits, shortened
from autograd.show.player import page

from ..data.datasets import Dataset
from ..figures import element
from ..model.network import MLP
from ..train.baselines import SHOWN, Baseline
from ..train.callbacks import EarlyStopping
from ..train.history import History
from ..train.recording import Recording
from . import mattered, plots
from .film import Film
from .network import draw
from .playground import Playground

LARGEST = 3_000_000  # letters of a report with a playground in it
PLAYGROUND = "playground.html"
MOST_CLASSES = 50  # that are listed
STYLE = """
body { max-width: 1100px; margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin-bottom: 0.8rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 2px 14px 2px 0; vertical-align: top; }
th, td:first-child { max-width: 36vw; }
@media (max-width: 700px) { td { max-width: 46vw; } }
pre { overflow-x: auto; padding: 10px; border: 1px solid #8886; border-radius: 6px;
  font-size: 13px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; }
.figures figure { margin: 0; max-width: 100%; } .figures figcaption { font-size: 13px; }
.figures svg { background: white; border: 1px solid #8886; border-radius: 6px; padding: 4px;
  max-width: calc(100% - 10px); height: auto; }
@media screen and (prefers-color-scheme: dark) {
  .figures svg { filter: invert(0.88) hue-rotate(180deg); }
}
.note { opacity: 0.75; }
@media print {
  figure { break-inside: avoid; } h2 { break-after: avoid; } pre { white-space: pre-wrap; }
}
"""


@dataclass(frozen=True)
class Run:
    """One training: how its batches were chosen, how it went, and what came of it.

    Attributes:
        name: of the batching, as it was asked for.
        net: the trained network.
        history: its course.
        scores: by part, "train" and "test", what `evaluate` gave.
        film: the film of it.
        stopping: what could end it early, or None.
    """

    name: str
    net: MLP
    history: History
    scores: Mapping[str, Mapping[str, float]]
    film: Film
    stopping: EarlyStopping | None = None

    @property
    def part(self) -> str:
        """What was evaluated after every epoch: a part kept aside, or else the test part."""
        return "test" if self.stopping is None else "validation"

    @property
    def stopped(self) -> str:
        """Where early stopping has left it, in words; empty without."""
        if self.stopping is None:
            return ""
        n = len(self.history)
        when = f"after epoch {n}" if self.stopping.stopped else f"at the end, after epoch {n}"
        return f"{when}; the network is that of epoch {self.stopping.best_epoch}, the best one"


def write_report(
    path: str | os.PathLike[str],
    data: Dataset,
    runs: Sequence[Run],
    facts: Mapping[str, str],
    command: str,
    again: Playground | None = None,
    beside: Sequence[Baseline] = (),
) -> None:
    """Write the report of one training, or of several that differ in their batches.

    Args:
        path: the file, written whole or not at all.
        data: what was trained on.
        runs: the trainings; details are those of the first.
        facts: names and texts to stand at the top.
        command: what made it.
        again: the same network before its training, to be trained in the page; in a file of its own
            beside it, ``playground.html``, if the page would become too large.
        beside: what could be had without a network.

    Raises:
        OSError: the file can't be written.
        ModuleNotFoundError: matplotlib is not installed.
    """
    run = runs[0]
    several = len(runs) > 1
    unseen, shown = len(data.X_test) > 0, data.shown
    part = "test" if unseen else "train"
    title = f"{data.name}: {_scores(run.scores[part], 1)} on "
    title += f"{len(shown.X_test)} {'unseen examples' if unseen else 'examples, all of them seen'}"
    title += f" ({beside[0].name}: {_scores(beside[0].scores, 1)})" if beside else ""
    if several:
        title = f"{data.name}: {len(runs)} ways to choose the batches"
    parts = [f"<h1>{html.escape(title)}</h1>", _table(facts.items())]
    parts.append(f"<p>Made by</p><pre tabindex='0'>{html.escape(command)}</pre>")
    if data.told:
        parts.append(f"<h2>What the columns are</h2>{_table(data.told)}<h2>What came of it</h2>")
    if several:
        parts.append(_comparison(runs))
        parts.append(f"<p class='note'>What follows is of batch size {html.escape(run.name)}.</p>")
    rows = [("part", "loss per example", "")] + [
        (part, f"{scores['loss']:.4g}", _scores(scores)) for part, scores in run.scores.items()
    ]
    rows += [(row.name, "", f"test: {_scores(row.scores)}") for row in beside]
    outcome = plots.Outcome.of(shown, run.net)
    if not data.classes:
        error = float(np.sqrt(np.mean((outcome.true - outcome.predicted) ** 2)))
        rows.append((part, f"typical error {error:.4g}", f"root mean square, of {data.target}"))
        note = f"The loss is of {data.target} standardised: less its mean, over its deviation."
        parts.append(f"<p class='note'>{html.escape(note)}</p>")
    parts.append(_table(rows))
    if 1 < len(data.classes) <= MOST_CLASSES:
        parts.append(_by_class(data, outcome, part))
    parts.append("<h2>How it learned</h2>")
    parts.append(_figures([("loss and score by epoch", run.history.plot(run.part))]))
    if run.stopped:
        parts.append(f"<p class='note'>Stopped {html.escape(run.stopped)}.</p>")
    those = "that it has not seen" if unseen else "that it was trained on, too few to keep some"
    parts.append(f"<h2>What it does with examples {those}</h2>")
    parts.append(_figures(plots.figures(outcome)))
    parts.append(_mattered(run.net, shown))
    x, y = shown.X_test[0].tolist(), shown.y_test[0].item()
    parts.append("<h2>One example, forward and backward</h2>")
    parts.append(
        f"<p>The first {'test ' * unseen}example goes through the network, layer by layer; then "
        "its error signal goes back. Click through it, or press an arrow key.</p>"
        f"<p class='note'>{html.escape(_example(shown))}</p>"
    )
    parts.append(draw(run.net, x, y, data.loss, picture=data.picture).steps().standing())
    parts.append("<h2>The film of the training</h2>")
    parts.append(
        "<p>The same example while the network learned. The curve is the loss of the batches.</p>"
    )
    parts.append(run.film.player().standing())
    if again is not None:
        parts.append(_again(again, sum(map(len, parts)), Path(path).with_name(PLAYGROUND)))
    parts.append("<h2>The program of the training</h2>")
    parts.append(
        "<p>The graph of one example, recorded number by number, was written out as NumPy for "
        "whole batches, and replayed for every update: line by line as here, but for where results "
        "are put in memory.</p>"
    )
    recording = Recording(run.net, data.loss, data.X_train, data.y_train)
    source = recording.compile(outputs=False).source
    parts.append(f"<pre tabindex='0'>{html.escape(source)}</pre>")
    write_whole(path, page(title, "\n".join(parts), STYLE))


def _mattered(net: MLP, data: Dataset) -> str:
    """What the network goes by: its columns, and for one example its inputs."""
    heading, n = "<h2>What mattered</h2><p>", len(mattered.columns_of(data))
    if n > mattered.COLUMNS:
        return (
            f"{heading}It is shown for {mattered.COLUMNS} columns at most, and not for {n:,}.</p>"
        )
    found = mattered.importances(net, data)
    said, rows = mattered.would_change(net, data)
    return (
        f"{heading}How much the score falls when a column is shuffled, and what the "
        "network predicts on average when a column says the same in all rows. It is what the "
        "network goes by, not what is so in the world.</p>"
        f"{_figures(mattered.figures(net, data, found))}<p>And for the first example, by one sweep "
        f"back through the network: {html.escape(said)}</p>{_table(rows)}<p class='note'>* of a "
        "number, a tenth of a standard deviation; of what is 0 or 1 for a word, a tenth of the way "
        "from 0 to 1. It is the slope there, so it holds for small steps.</p>"
    )


def _again(playground: Playground, size: int, beside: Path) -> str:
    """The playground, or the way to it."""
    title = "<h2>Train it again</h2>"
    fragment = playground.standing()
    if size + len(fragment) <= LARGEST:
        return (
            f"{title}<details><summary>Train it in this page: from the same first weights, with "
            f"settings and widths of your own</summary>{fragment}</details>"
        )
    playground.save(beside)
    return (
        f"{title}<p><a href='{beside.name}'>{beside.name}</a> is a page in which it trains: from "
        "the same first weights, with settings of your own.</p>"
    )


def _example(data: Dataset) -> str:
    """The first test example in the table's own numbers and words."""
    X = data.X_test[0] * data.x_scale + data.x_mean
    columns = [f"x0[{i}] is {name}, {digits(v)}" for i, (name, v) in enumerate(
        zip(data.features, X.tolist()))]  # fmt: skip
    y = data.y_test[0].item()
    if data.classes:
        what = f"y = {digits(y)}, {data.target} is {data.classes[int(y)]}"
    else:
        what = f"y = {digits(y)}, {data.target} is {digits(y * data.y_scale + data.y_mean)}"
    given = ", ".join(shortened(columns, most=8))
    return f"In numbers of the table (the network sees them standardised): {given}; {what}."


def _by_class(data: Dataset, outcome: plots.Outcome, part: str) -> str:
    """How many examples of each class there are, and how many of a part are right."""
    rows = [(data.target, "to train on", "to test on", f"right of those to {part} on")]
    for k, name in enumerate(data.classes):
        here = outcome.true == k
        right = int((outcome.predicted[here] == k).sum())
        share = f"{right} ({right / here.sum():.0%})" if here.any() else "none"
        n_train, n_test = (int((y == k).sum()) for y in (data.y_train, data.y_test))
        rows.append((name, f"{n_train}", f"{n_test}", share))
    return _table(rows)


def _comparison(runs: Sequence[Run]) -> str:
    """The trainings side by side."""
    histories = {run.name: run.history for run in runs}
    rows = [("batch size", "updates", *runs[0].scores)]
    rows += [
        (run.name, f"{run.history[-1].updates:,}",
         *[f"loss {scores['loss']:.4g}, {_scores(scores)}" for scores in run.scores.values()])
        for run in runs
    ]  # fmt: skip
    figures = [
        (f"loss against {against}", plots.losses(histories, against)) for against in plots.AGAINST
    ]
    dashed = f" Dashed is the loss on the {runs[0].part} part." * (len(runs[0].scores) > 1)
    return (
        "<h2>The batchings compared</h2><p>All start from the same weights, with the same seed."
        f"{dashed}</p>{_table(rows)}{_figures(figures)}"
    )


def _scores(scores: Mapping[str, float], most: int | None = None) -> str:
    """Scores in words, all or the first."""
    said = [s.sentence.format(scores[name]) for name, s in SHOWN.items() if name in scores]
    return ", ".join(said[:most])


def _table(rows: Any) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{body}</table>"


def _figures(figures: Iterable[tuple[str, Any]]) -> str:
    shown = "".join(
        f"<figure>{element(figure, what)}<figcaption>{html.escape(what)}</figcaption></figure>"
        for what, figure in figures
    )
    return f'<div class="figures">{shown}</div>'
