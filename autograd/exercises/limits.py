"""Running a student's code, which may loop for ever or raise; the line shown is the student's."""

import contextvars
import ctypes
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

Place = tuple[FrameType, int]  # of a call: its frame, and the line it is at

STDLIB = sysconfig.get_paths()["stdlib"]
PACKAGES = {"site-packages", "dist-packages"}


class TimeUp(BaseException):
    """Raised in code that does not end."""


def within(seconds: float, work: Callable[[], Any]) -> Sequence[Place] | None:
    """Do ``work``, for at most this many seconds.

    It runs in a thread of its own, which can be given up. Only code that lets no other thread run,
    such as one call into C that takes minutes, keeps everybody waiting.

    Returns:
        None if it ended; otherwise the calls it was in, outermost first.
    """
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except TimeUp:
            pass
        except BaseException as error:
            failures.append(error)

    # In a copy of the caller's context, so that ContextVars hold the same here.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(guarded,), daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:  # also when the user interrupts
        where = _stop(thread)
    if failures:
        raise failures[0]
    return where


def _stop(thread: threading.Thread) -> Sequence[Place] | None:
    """End a thread; the calls it was in, if it was still at work."""
    if not thread.is_alive():
        return None
    thread.given_up = True  # type: ignore[attr-defined]
    where = list(traceback.walk_stack(sys._current_frames().get(thread.ident or 0)))[::-1]
    for _ in range(20):  # more than once: a bare `except:` swallows it
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeUp)
        )
        thread.join(0.05)
        if not thread.is_alive():
            break
    return where


def is_given_up() -> bool:
    """Whether the work of this thread was given up, and it has swallowed `TimeUp`."""
    return getattr(threading.current_thread(), "given_up", False)


def places_of(error: BaseException) -> list[Place]:
    """Where an exception was raised, outermost call first."""
    return list(traceback.walk_tb(error.__traceback__))


def is_students(frame: FrameType, ours: Collection[str], our_file: str) -> bool:
    """Whether a call is in a student's own code: not in a library, nor in our packages or files."""
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    file = frame.f_code.co_filename
    return (
        package not in ours
        and file != our_file
        and not file.startswith(STDLIB)
        and not PACKAGES & set(Path(file).parts)
        and not file.startswith("<frozen")
    )


def line_of(frame: FrameType, line_number: int) -> str:
    """A line of code, and where it stands: ``f, work.py, line 3: return 1 / x``."""
    code = frame.f_code
    [line] = traceback.StackSummary.extract([(frame, line_number)])
    # The file of a notebook's cell has a made-up name.
    file = "" if "ipykernel_" in code.co_filename else f"{Path(code.co_filename).name}, "
    return f"{code.co_name}, {file}line {line_number}: {(line.line or '').strip()}"
