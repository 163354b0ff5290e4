"""Results of an earlier run, so that one that was interrupted goes on where it was.

A folder has a file for each submission, plain JSON, written whole or not at all. Its name tells
what was graded, and by what. With another content, and by other checks or another Python, a
submission is graded anew.
"""

import hashlib
import inspect
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...files import write_whole
from ..cage import ROOT, Limits, bwrap
from ..checking import MARKS, TASKS
from ..judge import LATE, MISSING, NO_RESULT, Result
from ..submissions import contents, imported_beside, late_files

STATES = {*MARKS, MISSING, LATE, NO_RESULT}


class Kept:
    """The results in a folder.

    Args:
        folder: where the files are, and are written.
        limits: under which submissions are graded.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._version = _version(limits)

    def completed(
        self,
        submission: Path,
        tasks: Sequence[str],
        compute: Callable[[Sequence[str]], dict[str, Result]],
    ) -> dict[str, Result]:
        """The results of tasks on a submission: those that are kept, and the others computed."""
        path = self._path(submission)
        if path is None:
            return compute(tasks)
        found = _read(path)
        missing = [task for task in tasks if task not in found]
        if missing:
            found |= compute(missing)
            data = {name: asdict(result) for name, result in found.items()}
            write_whole(path, json.dumps(data, indent=1).encode("ascii"))
        return {task: found[task] for task in tasks}

    def _path(self, submission: Path) -> Path | None:
        """The file of a submission; None for one that can't be read, or is too large."""
        digest = hashlib.sha256(self._version)
        taken = 0
        try:
            for name, opened in contents(submission):
                digest.update(f"\0{name}\0".encode("utf-8", "surrogatepass"))
                with opened() as file:
                    while piece := file.read(1 << 16):
                        taken += len(piece)
                        if taken > self._limits.submission:
                            return None
                        digest.update(piece)
            digest.update(repr(late_files(submission, self._limits.due)).encode())
        except OSError:
            return None
        return self._folder / f"{digest.hexdigest()[:32]}.json" if taken else None


def _read(path: Path) -> dict[str, Result]:
    """The results in a file; those alone that are whole."""
    try:
        rows = json.loads(path.read_bytes())
        return {name: _result(name, row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _result(name: str, row: Any) -> Result:
    result = Result(**row)
    if result.task != name or not all(isinstance(v, str) for v in row.values()):
        raise ValueError(f"no result of {name}")
    if result.state not in STATES:
        raise ValueError(f"there is no state {result.state}")
    return result


def _version(limits: Limits) -> bytes:
    """What results depend on beside the submission: all our code, the checks', and what runs it."""
    files = {path for package in ("autograd", "nn") for path in (ROOT / package).rglob("*.py")}
    checks = {Path(inspect.getfile(inspect.unwrap(task.check))) for task in TASKS.values()}
    files |= checks | imported_beside(checks)
    limits = replace(limits, due=math.inf)  # which files are late is told by each submission
    digest = hashlib.sha256(repr((sys.version, np.__version__, bwrap(), limits)).encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.digest()
