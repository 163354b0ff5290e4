"""All tasks on one submission: the checks run here, the student's code in a process of its own.

A check gets stand-ins for what was handed in (see `wire`), so what it expects, and what tells right
from wrong, is never where the student's code is. A process that ends, does not answer, or sends
what is no message costs the task that was tried; the rest is tried in a new one. After hidden cases
it is ended too: a student's code could tell of them in a later task.
"""

import contextvars
import queue
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cage import Cage, Limits
from .checking import TASKS, Task
from .limits import APART, Place, TimeUp, is_students, line_of, names_nothing
from .messages import error_of, failure, pack, perform, pieces, places_from, restore, unpacked
from .submissions import RefusedError, late_files, printable
from .wire import DamagedError, Peer

MISSING, LATE, NO_RESULT = "missing", "took too long", "no result"
NO_ANSWER = "it did not answer"
STILL = "it was still at work"
MEANT = "; did you mean"


@dataclass(frozen=True)
class Result:
    """How a task went.

    Attributes:
        task: its name.
        state: that of the report; "missing", nothing was handed in; "took too long", it had to be
            ended; or "no result".
        text: the report for teachers, or what happened instead.
        shown: the same for students, of whose hidden cases it says nothing.
        html: that as HTML, if it is a report.
    """

    task: str
    state: str
    text: str
    shown: str
    html: str = ""


class GoneError(Exception):
    """The student's process has ended, or was ended."""


class Door:
    """The judge's side of the pipe."""

    def __init__(self, submission: Path, limits: Limits) -> None:
        self.cage = Cage(submission, limits)
        self.submission, self.limits = submission, limits
        self.loaded = False  # the submission
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
                    if names_nothing(error) and not hasattr(error, "elsewhere"):
                        vars(error)["slip"] = True
                        raise  # a mistake in what a check handed over
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
        try:
            given = self._peer.encode(args), self._peer.encode(kwargs)
        except TypeError as error:
            vars(error)["slip"] = method == "__call__"  # a check hands over what can't be
            raise
        reply = self.ask("do", number, method, *given)
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


def graded(
    submission: Path, tasks: Sequence[Task] | None = None, limits: Limits | None = None
) -> Iterator[Result]:
    """The results of tasks, all if None, on a submission: one for each, whatever it does."""
    limits = limits or Limits()
    waiting = list(TASKS.values() if tasks is None else tasks)
    while waiting:
        lost: Sequence[Task] = []
        why = ""
        try:
            door = Door(submission, limits)
        except (RefusedError, OSError) as error:
            lost, why = waiting, str(error)
        else:
            try:
                for result in _session(door, waiting):
                    waiting = waiting[1:]
                    yield _printable(result)
            except GoneError:
                lost = waiting[:1] if door.loaded else waiting
            finally:
                why = door.end()
        waiting = waiting[len(lost) :]
        for task in lost:
            yield _printable(none(task, why))


def grade(
    submission: Path, tasks: Sequence[Task] | None = None, limits: Limits | None = None
) -> dict[str, Result]:
    """What `graded` gives, by task."""
    return {result.task: result for result in graded(submission, tasks, limits)}


def none(task: Task, why: str) -> Result:
    """The result of a task that has none: it did not answer, or something else happened.

    Students are told the first line: in the others may stand what their code was given.
    """
    late = why.startswith(NO_ANSWER)
    text = f"it took too long: {why}" if late else f"no result: {why}"
    shown = text.partition("\n")[0].removesuffix(":")
    return Result(task.name, LATE if late else NO_RESULT, text, shown)


def _printable(result: Result) -> Result:
    text, shown, html = map(printable, (result.text, result.shown, result.html))
    return Result(result.task, result.state, text, shown, html)


def _session(door: Door, tasks: Sequence[Task]) -> Iterator[Result]:
    """The results that one process gives, in the order of the tasks; the rest is to be tried.

    Raises:
        GoneError: it ended in the next task, or, if the door says so, before it was loaded.
    """
    wanted = sorted({name for task in tasks for name in task.takes})
    loading, answer = door.limits.loading, door.limits.answer
    reply = door.ask("load", str(door.cage.submission), wanted, loading, seconds=loading + answer)
    try:
        kind, files, errors, near = reply
        files = {str(n): sorted({str(f) for f in places}) for n, places in files.items()}
        errors = [str(e) for e in errors]
        near = {str(n): str(other)[:100] for n, other in near.items() if str(other).isidentifier()}
        if kind != "loaded":
            raise ValueError
    except (ValueError, TypeError, AttributeError):
        door.close("what it sent can't be used")
        raise GoneError from None
    door.loaded = True
    late = [f"{name} came too late" for name in late_files(door.submission, door.limits.due)]
    for task in tasks:
        if errors and not files:  # it may well be there, but can't be read
            text = "\n".join([f"no result: when it was loaded: {errors[0]}", *errors[1:]])
            yield Result(task.name, NO_RESULT, text, text)
            continue
        absent = [name for name in task.takes if name not in files]
        twice = [name for name in task.takes if len(files.get(name, ())) > 1]
        if absent:
            asked = [f"{MEANT} {n} where you wrote {near[n]}?" for n in absent if n in near]
            first = "".join([f"not handed in: {', '.join(absent)}", *asked])
            text = "\n".join([first, *late, *errors])
            yield Result(task.name, MISSING, text, text)
        elif twice:
            where = " and ".join(files[twice[0]])
            yield none(task, f"{twice[0]} is defined differently in {where}")
        else:
            yield _judged(door, task)
            if not door.open:
                return


def _judged(door: Door, task: Task) -> Result:
    """How a task went.

    Raises:
        GoneError: the process ended in it.
    """
    answer = door.limits.answer
    try:
        things = [door.result(door.ask("take", n, seconds=answer)) for n in task.takes]
        report = _tried(task, things)
        door.settle()
        if report and door.open:
            wrong = [door.result(door.ask("decoy", seconds=answer)) for _ in task.takes]
            if _passes(task, wrong):
                return none(task, "a known wrong answer passes this check too")
            door.settle()
    except GoneError:
        raise
    except (Exception, SystemExit) as error:
        door.close("the check failed")
        line = line_of_the_check(error)
        return none(task, f"the check failed, by {type(error).__name__}:\n{error}"[:1000] + line)
    if not door.open and door.trouble != STILL:
        raise GoneError
    if any(outcome.hidden for outcome in report.outcomes):
        door.close("it has seen hidden cases")
    html = report._repr_mimebundle_()["text/html"]
    return Result(task.name, report.state, repr(report.unveiled), repr(report), html)


def _tried(task: Task, things: Sequence[Any]) -> Any:
    """What a check gives, which knows that no student's code runs in this process."""
    context = contextvars.copy_context()
    context.run(APART.set, True)
    return context.run(task.check, *things)


def line_of_the_check(error: BaseException) -> str:
    """Where in a teacher's own files an exception was raised, as a line to follow others."""
    ours = str(Path(__file__).parents[1])  # by the file: what is run by python -m is __main__
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        is_ours = frame.f_code.co_filename.startswith(ours)
        # Outside of `_tried` a teacher's looks like a student's.
        if not is_ours and is_students(frame, {"autograd"}, ""):
            return f"\nin {line_of(frame, number)}"
    return ""


def _passes(task: Task, things: Sequence[Any]) -> bool:
    try:
        return bool(_tried(task, things))
    except (Exception, SystemExit):
        return False
