"""A folder of trainings: a JSON file for each, written whole as soon as the training is done."""

import json
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograd.files import write_whole

from .fingerprint import fingerprint, module_of, name_of
from .history import History, read_rows
from .trainings import DIVERGED, TRAINED, Training

FORMAT = 1


class Folder:
    """The folder where the trainings of one function are kept; it is made if there is none.

    Args:
        path: the folder.
        train: the function. A training of another function with the same settings and seed in the
            folder is an error.

    Raises:
        NotADirectoryError: ``path`` is a file.
        OSError: nothing can be written there.
    """

    def __init__(self, path: str | os.PathLike[str], train: Callable[..., Any]) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"path must be a folder, and {str(path)!r} is a file")
        self.path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.path):  # checks that the folder can be written
            pass
        self.module = module_of(train)
        self.of = {"train": name_of(train), "fingerprint": fingerprint(train), "python": _python()}

    def read(self, training: Training) -> Training | None:
        """The training with its outcome, if it is in the folder.

        Raises:
            ValueError: its file is of another function, or damaged; the error names it.
            OSError: it can't be read.
        """
        file = self._file(training)
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            kept = json.loads(text)
            if kept["format"] != FORMAT:
                raise ValueError(f"its format is {kept['format']!r}, and this one reads {FORMAT}")
            if (kept["settings"], kept["seed"]) != (training.texts, training.seed):
                raise ValueError("its settings are not those that its name stands for")
            then = {name: kept[name] for name in self.of}
            done = with_outcome(training, kept["outcome"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{str(file)!r} is damaged, or no training ({type(error).__name__}: {error}): "
                "remove it, and it is trained again"
            ) from None
        if then != self.of:
            raise ValueError(self._other(file, then))
        return done

    def write(self, training: Training, outcome: dict[str, Any]) -> None:
        """Keep an outcome, whole or not at all.

        Raises:
            OSError: it can't be written.
        """
        kept = {"format": FORMAT, **self.of, "settings": training.texts, "seed": training.seed,
                "outcome": outcome}  # fmt: skip
        write_whole(self._file(training), (json.dumps(kept, indent=1) + "\n").encode())

    def _file(self, training: Training) -> Path:
        """A training's file: its name stands for the settings, in any order, values and texts."""
        which = fingerprint([
            (name, training.texts[name], fingerprint(value, self.module))
            for name, value in sorted(training.settings.items())
        ])  # fmt: skip
        return self.path / f"{which[:16]}-seed{training.seed}.json"

    def _other(self, file: Path, then: dict[str, str]) -> str:
        """What is different about the function, in words."""
        name, now = self.of["train"], self.of["python"]
        what = f"{name} has changed since, or data or options that it uses"
        if then["train"] != name:
            what = f"that is {then['train']}, and this one {name}"
        elif then["python"] != now:
            what = f"Python was {then['python']} then, and is {now} now"
        return (
            f"{str(file)!r} is of another training function: {what}. Their numbers are not mixed: "
            "give another path, or remove the folder to train all again"
        )


def with_outcome(training: Training, outcome: dict[str, Any]) -> Training:
    """A training with its outcome.

    Raises:
        KeyError, TypeError, ValueError: ``outcome`` is not an outcome.
    """
    if DIVERGED in outcome:
        return replace(training, outcome=DIVERGED, why=str(outcome[DIVERGED]))
    rows = read_rows(outcome["history"])
    if not rows:
        raise ValueError("its history is empty")
    return replace(training, outcome=TRAINED, history=History(rows))


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])
