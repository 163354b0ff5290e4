"""All tasks on one submission: the checks run here, the student's code in a process of its own.

A check gets stand-ins for what was handed in (see `wire`), so what it expects, and what tells right
from wrong, is never where the student's code is. A process that ends, does not answer, or sends
what is no message costs the task that was tried; the rest is tried in a new one.
"""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cage import Cage, Limits
from .checking import TASKS, Task
from .limits import Place, TimeUp
from .messages import error_of, failure, pack, perform, pieces, places_from, restore, unpacked
from .submissions import RefusedError, printable
from .wire import DamagedError, Peer

MISSING, LATE, NO_RESULT = "missing", "took too long", "no result"
NO_ANSWER = "it did not answer"
STILL = "it was still at work"
ANSWER = 10.0  # seconds, for what takes none, and for Python to start


@dataclass(frozen=True)
class Result:
    """How a task went.

    Attributes:
        task: its name.
        state: that of the report; "missing", nothing was handed in; "took too long", it had to be
            ended; or "no result".
        text: the report, or what happened instead.
    """

    task: str
    state: str
    text: str


class GoneError(Exception):
    """The student's process has ended, or was ended."""


class Door:
    """The judge's side of the pipe."""

    def __init__(self, submission: Path, limits: Limits) -> None:
        self.cage = Cage(submission, limits)
        self.trouble = ""  # why it was ended
        self._asked = 0  # replies that are awaited
        self._peer = Peer(self._do, only_functions=True)
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._at: queue.SimpleQueue[Sequence[Place]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.open = True

    def _read(self) -> None:
        def read(n: int) -> bytes:
            return b"".join(pieces(self.cage.of.read, n))

        try:
            while (message := unpacked(read)) is not None:
                if message[0] == "at":
                    self._at.put(places_from(message[1]))
                elif self._messages.qsize() > 2:
                    raise DamagedError("it sends what nobody has asked for")
                else:
                    self._messages.put(message)
        except DamagedError as error:
            self._messages.put(error)
        except (OSError, ValueError, TypeError, IndexError) as error:
            self._messages.put(DamagedError(f"what it sent can't be used: {error}"))
        self._messages.put(None)

    def _send(self, message: Any) -> None:
        data = memoryview(pack(message))
        try:
            while data:
                data = data[self.cage.to.write(data) :]
        except (OSError, ValueError):
            self.open = False
            raise GoneError("its process has ended") from None

    def ask(self, *message: Any, seconds: float | None = None) -> Any:
        """Send a message; the reply. Without seconds it waits until it is stopped by `within`."""
        if not self.open:
            raise GoneError("its process has ended")
        thread: Any = threading.current_thread()
        before = getattr(thread, "elsewhere", list)
        thread.elsewhere = self._where
        self._asked += 1
        try:
            self._send(list(message))
            while True:
                reply = self._next(seconds)
                if reply[0] != "do":
                    self._asked -= 1
                    return reply
                try:
                    answer = perform(self._peer, reply)
                except (DamagedError, GoneError, TimeUp):
                    raise
                except Exception as error:
                    answer = failure(error)
                self._send(answer)
        except DamagedError as error:
            self.close(str(error))
            raise GoneError("what it sent can't be used") from None
        finally:
            thread.elsewhere = before

    def _next(self, seconds: float | None) -> Any:
        waited = 0.0
        while True:
            try:
                message = self._messages.get(timeout=0.05)  # so that TimeUp can be raised here
            except queue.Empty:
                waited += 0.05
                if seconds is not None and waited > seconds:
                    self.close(NO_ANSWER)
                    raise GoneError(NO_ANSWER) from None
                continue
            if message is None:
                self.open = False
                raise GoneError("its process has ended")
            if isinstance(message, DamagedError):
                raise message
            return message

    def _where(self) -> Sequence[Place]:
        """In which lines of the student's code it is; then it is ended."""
        try:
            self._send(["where"])
            found = self._at.get(timeout=1.5)
        except (queue.Empty, GoneError):
            found = []
            self.close(NO_ANSWER)
        self.close(STILL)
        return found

    def settle(self) -> None:
        """After a check that was stopped while it waited for a reply: nobody waits for it now."""
        if self._asked and self.open:
            self.close(STILL)

    def close(self, why: str) -> None:
        """End the process, and say why; the first reason counts."""
        self.trouble = self.trouble or why
        self.open = False
        self.cage.kill()

    def _do(self, number: int, method: str, *args: Any, **kwargs: Any) -> Any:
        encode = self._peer.encode
        reply = self.ask("do", number, method, encode(args), encode(kwargs))
        return self.result(reply, args)

    def result(self, reply: Any, args: Sequence[Any] = ()) -> Any:
        """What a reply gives, or raises; arguments that were changed are changed here too."""
        try:
            if reply[0] == "not implemented":
                return NotImplemented
            if reply[0] == "error":
                raise error_of(reply)
            if reply[0] != "value":
                raise DamagedError("what it sent is no reply")
            _, result, changed = reply
            for i, new in changed:
                restore(args[i], self._peer.decode(new))
            return self._peer.decode(result)
        except (DamagedError, IndexError, TypeError, ValueError) as error:
            if getattr(error, "elsewhere", None) is not None:
                raise
            told = isinstance(error, DamagedError)
            self.close(str(error) if told else "what it sent can't be used")
            raise GoneError("what it sent can't be used") from None

    def end(self) -> str:
        """End the process, and say how it ended."""
        how = self.cage.end(ending=not self.open)
        self._reader.join(2.0)
        self.cage.close()
        return f"{self.trouble}, and was ended" if self.trouble else how


def grade(
    submission: Path, tasks: Sequence[Task] | None = None, limits: Limits | None = None
) -> dict[str, Result]:
    """The results of all tasks on a submission: one for each, whatever it does."""
    limits = limits or Limits()
    waiting = list(TASKS.values() if tasks is None else tasks)
    results: dict[str, Result] = {}
    while waiting:
        found: Sequence[Result] = []
        unsure: Sequence[Task] = waiting
        why = ""
        try:
            door = Door(submission, limits)
        except (RefusedError, OSError) as error:
            why = str(error)
        else:
            try:
                found, unsure = _session(door, waiting, limits)
            finally:
                why = door.end()
        results.update((result.task, result) for result in found)
        for task in unsure:
            late = f"it took too long: {why}"
            result = Result(task.name, LATE, late) if why.startswith(NO_ANSWER) else none(task, why)
            results[task.name] = result
        waiting = [task for task in waiting if task.name not in results]
    return {t: Result(t, r.state, printable(r.text)) for t, r in results.items()}


def none(task: Task, why: str) -> Result:
    """The result of a task that has none."""
    return Result(task.name, NO_RESULT, f"no result: {why}")


def _session(
    door: Door, tasks: Sequence[Task], limits: Limits
) -> tuple[list[Result], Sequence[Task]]:
    """The results that one process gives, and the tasks that it ended in; the rest is to be tried.

    All tasks, if it ended before it was loaded.
    """
    wanted = sorted({name for task in tasks for name in task.takes})
    try:
        reply = door.ask("load", str(door.cage.submission), wanted, limits.loading,
                         seconds=limits.loading + ANSWER)  # fmt: skip
    except GoneError:
        return [], tasks
    try:
        kind, files, errors = reply
        files = {str(n): sorted({str(f) for f in places}) for n, places in files.items()}
        errors = [str(e) for e in errors]
        if kind != "loaded":
            raise ValueError
    except (ValueError, TypeError, AttributeError):
        door.close("what it sent can't be used")
        return [], tasks
    results = []
    for task in tasks:
        absent = [name for name in task.takes if name not in files]
        twice = [name for name in task.takes if len(files.get(name, ())) > 1]
        if absent:
            text = "\n".join([f"not handed in: {', '.join(absent)}", *errors])
            results.append(Result(task.name, MISSING, text))
        elif twice:
            where = " and ".join(files[twice[0]])
            results.append(none(task, f"{twice[0]} is defined differently in {where}"))
        else:
            result = _judged(door, task)
            if result is None:
                return results, [task]
            results.append(result)
            if not door.open:
                break
    return results, []


def _judged(door: Door, task: Task) -> Result | None:
    """How a task went; None if the process ended in it."""
    try:
        report = task.check(*[door.result(door.ask("take", n, seconds=ANSWER)) for n in task.takes])
        door.settle()
        if report and door.open:
            wrong = [door.result(door.ask("decoy", seconds=ANSWER)) for _ in task.takes]
            if _passes(task, wrong):
                return none(task, "a known wrong answer passes this check too")
            door.settle()
    except GoneError:
        return None
    except (Exception, SystemExit) as error:
        door.close("the check failed")
        return none(task, f"the check failed, by {type(error).__name__}: {error}"[:1000])
    if not door.open and door.trouble != STILL:
        return None
    return Result(task.name, report.state, repr(report))


def _passes(task: Task, things: Sequence[Any]) -> bool:
    try:
        return bool(task.check(*things))
    except (Exception, SystemExit):
        return False
