"""Running a student's code, which may loop for ever or raise; the line shown is the student's."""

import contextvars
import ctypes
import os
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from time import monotonic, sleep
from types import CodeType, FrameType, ModuleType, SimpleNamespace
from typing import Any, cast

Place = tuple[FrameType, int]  # of a call: its frame, and the line it is at
Told = tuple[str, str, int, str]  # of a call in another process: function, file, number, line

STDLIB = (sysconfig.get_paths()["stdlib"], os.path.dirname(os.__file__))  # one may be an archive
PACKAGES = {"site-packages", "dist-packages"}
LIBRARIES = {"autograd", "nn", "numpy", "matplotlib"}
THREADS = sys.platform != "emscripten"  # Python in a browser has none

APART = contextvars.ContextVar("APART", default=False)  # is a student's code in another process?

# What a student's code may raise, be it called by a case or to tell what is wrong; not TimeUp.
RAISED = (Exception, SystemExit, KeyboardInterrupt)


class TimeUp(BaseException):
    """Raised in code that does not end."""


class Elsewhere:
    """Stands for the frame of a call in a student's own code, in a process of its own."""

    def __init__(self, told: Told) -> None:
        function, file, self.number, self.line = told
        self.f_globals = {"__name__": "_submission_"}
        self.f_code = SimpleNamespace(co_filename=file, co_name=function)


def places_told(places: Sequence[Place]) -> list[Told]:
    """The student's own among some calls, as data for another process."""
    ours = {"autograd", "nn", "__main__"}
    return [
        (frame.f_code.co_name, frame.f_code.co_filename, number, _source(frame, number)[:500])
        for frame, number in list(places)[-200:]
        if is_students(frame, ours, "")
    ]


def places_of_told(told: Sequence[Told]) -> list[Place]:
    """`places_told`, on the other side."""
    return [(cast("FrameType", Elsewhere(place)), place[2]) for place in told]


def within(seconds: float, work: Callable[[], Any]) -> Sequence[Place] | None:
    """Do ``work``, for at most this many seconds.

    It runs in a thread of its own, which can be given up. Only code that lets no other thread run,
    such as one call into C that takes minutes, keeps everybody waiting.

    Returns:
        None if it ended; otherwise the calls it was in, outermost first.
    """
    if not THREADS:
        return _within_by_lines(seconds, work)
    failures: list[BaseException] = []
    ended: list[BaseException] = []

    def guarded() -> None:
        try:
            try:
                work()
            except TimeUp as error:
                ended.append(error)  # what its calls hold may be much: to free it takes time here
            except BaseException as error:
                failures.append(error)
            # TimeUp is sent again and again. One that was sent meanwhile is raised here, not after
            # the end, where Python would print it.
            thread.over = True  # type: ignore[attr-defined]
            sleep(0)
        except TimeUp:
            thread.over = True  # type: ignore[attr-defined]

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


def _within_by_lines(seconds: float, work: Callable[[], Any]) -> Sequence[Place] | None:
    """`within` without a thread: before each line and each call, it looks at the clock.

    So it can't end a single call into C, nor code that swallows `TimeUp` by a bare ``except:``.
    """
    end = monotonic() + seconds
    where: list[Place] = []

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        if monotonic() > end:
            where.extend(list(traceback.walk_stack(frame))[::-1])
            raise TimeUp
        # Of what is not the student's only calls are seen: it would be several times as slow.
        known = event == "call" and str(frame.f_globals.get("__name__")).split(".")[0] in LIBRARIES
        return None if known else watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        work()
    except TimeUp:
        pass
    finally:
        sys.settrace(before)
    return where or None


def _stop(thread: threading.Thread) -> Sequence[Place] | None:
    """End a thread; the calls it was in, if it was still at work."""
    if not thread.is_alive():
        return None
    thread.given_up = True  # type: ignore[attr-defined]
    where = stack_of(thread)
    # If it waits for another process, that one knows where it is.
    where += getattr(thread, "elsewhere", lambda: [])()
    _end(thread, 1.0)
    if thread.is_alive():  # it would slow down all that follows
        threading.Thread(target=_end, args=(thread, 60.0), daemon=True).start()
    return where


def _end(thread: threading.Thread, seconds: float) -> None:
    """Raise `TimeUp` in a thread again and again, until it ends: a bare ``except:`` swallows it.

    Most loops around such an ``except:`` end by one that comes between two rounds.
    """
    end = monotonic() + seconds
    while thread.is_alive() and not getattr(thread, "over", False) and monotonic() < end:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeUp)
        )
        thread.join(0.05)


def stack_of(thread: threading.Thread) -> list[Place]:
    """The calls that a thread is in, outermost first."""
    return list(traceback.walk_stack(sys._current_frames().get(thread.ident or 0)))[::-1]


def is_given_up() -> bool:
    """Whether the work of this thread was given up, and it has swallowed `TimeUp`."""
    return getattr(threading.current_thread(), "given_up", False)


def places_of(error: BaseException) -> list[Place]:
    """Where an exception was raised, outermost call first."""
    here = list(traceback.walk_tb(error.__traceback__))
    return here + list(getattr(error, "elsewhere", []))


def names_nothing(error: BaseException) -> bool:
    """Whether an exception is of a name that is nowhere: no variable, no module, nothing in one."""
    missing = isinstance(error, AttributeError) and isinstance(error.obj, ModuleType)
    return missing or isinstance(error, NameError | ImportError)


def codes_in(code: CodeType) -> set[CodeType]:
    """The code of a function, and of those that it makes."""
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return {code}.union(*map(codes_in, inner))


def is_students(frame: FrameType, ours: Collection[str], our_file: str) -> bool:
    """Whether a call is in a student's own code: not in a library, nor in our packages or files."""
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    file = frame.f_code.co_filename
    return (
        (isinstance(frame, Elsewhere) or not APART.get())
        and package not in ours
        and file != our_file
        and not file.startswith(STDLIB)
        and not PACKAGES & set(Path(file).parts)
        and not file.startswith("<frozen")
    )


def line_of(frame: FrameType, line_number: int) -> str:
    """A line of code, and where it stands: ``f, work.py, line 3: return 1 / x``."""
    code = frame.f_code
    # The file of a notebook's cell has a made-up name.
    made_up = "ipykernel_" in code.co_filename or code.co_filename.startswith("<ipython-input")
    file = "" if made_up else f"{Path(code.co_filename).name}, "
    return f"{code.co_name}, {file}line {line_number}: {_source(frame, line_number)}"


def _source(frame: FrameType, line_number: int) -> str:
    if isinstance(frame, Elsewhere):
        return frame.line
    [line] = traceback.StackSummary.extract([(frame, line_number)])
    return (line.line or "").strip()
