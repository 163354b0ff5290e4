"""All submissions, side by side: each worker is a process, and grades one after the other.

What ends a worker, such as a check that crashes, costs the task that it was at.
"""

import json
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..cage import Limits
from ..checking import TASKS
from ..judge import Result, none
from .kept import Kept

Results = dict[str, Result]  # by task


class StoppedError(Exception):
    """Grading was stopped."""


class Worker:
    """A process that grades; when it has ended, another one takes its place."""

    def __init__(self, modules: Sequence[str], limits: Limits) -> None:
        self._modules, self._limits = modules, limits
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def results(self, submission: Path, tasks: Sequence[str]) -> Results:
        """The results of tasks on a submission.

        Raises:
            StoppedError: it was stopped.
        """
        found: Results = {}
        while waiting := [task for task in tasks if task not in found]:
            if self._stopped:
                raise StoppedError
            for result in self._answers(submission, waiting):
                found[result.task] = result
            lost = [task for task in tasks if task not in found]
            if lost and not self._stopped:
                status = self._status()
                why = f"the process that grades it ended, with status {status}"
                found[lost[0]] = none(TASKS[lost[0]], why)
        return found

    def _answers(self, submission: Path, tasks: Sequence[str]) -> Iterator[Result]:
        """The answers of the process, until it ends."""
        if self._process is None:
            command = [sys.executable, "-m", f"{__package__}.worker", *self._modules]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, encoding="ascii",
            )  # fmt: skip
        job = {"submission": str(submission), "tasks": tasks, "limits": asdict(self._limits)}
        to, of = self._process.stdin, self._process.stdout
        assert to is not None
        assert of is not None
        try:
            to.write(json.dumps(job) + "\n")
            to.flush()
            for _ in tasks:
                yield Result(**json.loads(of.readline()))
        except (OSError, ValueError):  # it has ended
            return

    def _status(self) -> int:
        """How the process ended."""
        assert self._process is not None
        try:
            self._process.communicate(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        status, self._process = self._process.wait(), None
        return status

    def stop(self) -> None:
        """End the process, and with it what it is at."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()


def grade_all(
    submissions: Mapping[str, Path],
    tasks: Sequence[str],
    modules: Sequence[str],
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    kept: Kept | None = None,
) -> Iterator[tuple[str, Results]]:
    """Each submission's name and results, as it is done.

    Args:
        submissions: the paths, by name.
        tasks: the names of the tasks.
        modules: those that hold the checks, as `import_checks` takes them.
        limits: what a submission may use.
        workers: how many are graded at a time; None is one for each processor.
        kept: results of an earlier run, which are not computed again; new ones are added.
    """
    limits = limits or Limits()
    crew = [Worker(modules, limits) for _ in range(min(workers or _processors(), len(submissions)))]
    free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in crew:
        free.put(worker)

    def grade(submission: Path) -> Results:
        def compute(missing: Sequence[str]) -> Results:
            worker = free.get()
            try:
                return worker.results(submission, missing)
            finally:
                free.put(worker)

        return compute(tasks) if kept is None else kept.completed(submission, tasks, compute)

    with ThreadPoolExecutor(max(len(crew), 1)) as pool:
        try:
            futures: dict[Any, str] = {
                pool.submit(grade, path): name for name, path in submissions.items()
            }
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in crew:
                worker.stop()


def _processors() -> int:
    affinity: Callable[[int], Any] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
