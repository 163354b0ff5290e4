"""A process that grades, one submission after the other: see `running`, which starts it.

    python -m autograd.exercises.grading.worker MODULE ...

It imports the modules of checks. A line of its input, JSON, is a submission; a line of its output
is a result.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from ..cage import Limits
from ..checking import TASKS
from ..judge import graded
from ..submissions import import_checks


def main() -> None:
    """Until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the teacher's Ctrl-C: the parent ends this
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what runs inside is ended too
    answers = open(os.dup(1), "w", encoding="ascii")  # noqa: SIM115
    os.dup2(2, 1)  # what a check prints is no answer
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    import_checks(sys.argv[1:])
    for line in sys.stdin:
        job = json.loads(line)
        tasks = [TASKS[name] for name in job["tasks"]]
        for result in graded(Path(job["submission"]), tasks, Limits(**job["limits"])):
            print(json.dumps(asdict(result)), file=answers, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)
