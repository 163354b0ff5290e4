"""The process in which a submission runs: started, confined, listened to, and ended for good.

With ``bwrap`` (bubblewrap, on Linux) it sees no network, of the system only what Python needs, to
be read alone, of this package no checks, and of the submissions a copy of its own. Elsewhere it has
a copy as well, and limits, but can read what the teacher can; if that is root, what everybody can.
"""

import ctypes
import math
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .loading import files_of
from .submissions import copied

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What of this folder a student's process imports; the rest, the checks, it is not to read.
SHOWN = ("comparing.py", "confine.py", "limits.py", "loading.py", "messages.py", "stand_ins.py",
         "student.py", "wire.py")  # fmt: skip
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache",
          "/etc/alternatives", "/etc/fonts", "/etc/localtime")  # fmt: skip
PLOTS = ".matplotlib"  # the folder in which it keeps things; no submission's name begins so
KEPT = 1000  # bytes of what it writes, from the beginning and from the end
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Limits:
    """What a submission's process may use.

    Attributes:
        memory: bytes of address space.
        file: bytes of a file that it writes.
        loading: seconds until it is loaded.
        answer: seconds for what takes none, and for Python to start.
        processor: seconds of processor time, in all.
        submission: bytes of a submission.
        due: the time, in seconds since 1970, after which files are late.
    """

    memory: int = 4 << 30
    file: int = 64 << 20
    loading: float = 20.0
    answer: float = 10.0
    processor: int = 120
    submission: int = 100 << 20
    due: float = math.inf


@cache
def bwrap() -> str | None:
    """Where bubblewrap is, if it works: inside many containers it may not."""
    program = shutil.which("bwrap") if sys.platform == "linux" else None
    if program is None:
        return None
    tried = [program, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc"]
    tried += [sys.executable, "-c", ""]
    try:
        done = subprocess.run(tried, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if done else None


@cache
def stranger() -> int | None:
    """Without a cage, who root's submissions run as: nobody, if nobody can read what they need."""
    if bwrap() is not None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    try:
        user = pwd.getpwnam("nobody").pw_uid
        tried = [sys.executable, "-c", "import autograd.exercises, nn"]
        options: Any = {"user": user, "group": user, "extra_groups": []}
        done = subprocess.run(tried, capture_output=True, timeout=60, check=False, cwd="/",
                              env=_environment(Path("/")), **options)  # fmt: skip
    except (KeyError, OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode else user


@cache
def fonts() -> list[Path]:
    """What matplotlib has found out about fonts: alone, each submission would take seconds to."""
    if find_spec("matplotlib") is None:
        return []
    ask = "import matplotlib, matplotlib.font_manager; print(matplotlib.get_cachedir())"
    try:
        found = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True,
                               stdin=subprocess.DEVNULL, timeout=60, check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return list(Path(found.stdout.strip()).glob("fontlist-*.json"))


class Cage:
    """A process with a submission's copy; its pipes are ``to`` and ``of``.

    Raises:
        RefusedError: the submission is not tried: see `copied`.
    """

    def __init__(self, submission: Path, limits: Limits) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name).resolve()
        try:
            self.submission = copied(submission, folder, limits.submission, limits.due)
            if any(b"plot" in path.read_bytes() for path in files_of(self.submission)):
                (folder / PLOTS).mkdir()
                for path in fonts():
                    shutil.copy(path, folder / PLOTS)
        except BaseException:
            self._folder.cleanup()
            raise
        command = [sys.executable, str(HERE / "student.py")]
        command += [str(limits.memory), str(limits.processor), str(limits.file)]
        program = bwrap()
        if program is not None:
            command = [program, *_walls(folder), *command]
        options: Any = {}
        user = stranger()
        if user is not None:
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, user, user)
            options = {"user": user, "group": user, "extra_groups": []}
        _adopt_orphans()
        self._before = _children()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=_environment(folder), cwd=folder, start_new_session=True, bufsize=0, **options,
        )  # fmt: skip
        self.to: Any = self._process.stdin
        self.of: Any = self._process.stdout
        self._first, self._last, self._count = b"", deque[bytes](), 0
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Read what it writes for people, however much, and keep both ends."""
        error: Any = self._process.stderr
        while piece := os.read(error.fileno(), 1 << 16):
            self._first = (self._first + piece)[:KEPT]
            self._count += len(piece)
            self._last.append(piece[-KEPT:])
            while len(self._last) > 1 and sum(map(len, self._last)) - len(self._last[0]) >= KEPT:
                self._last.popleft()

    def kill(self) -> None:
        """End the process, at once, with all that it has started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (AttributeError, ProcessLookupError, PermissionError):  # Windows has no groups
            self._process.kill()

    def end(self, ending: bool = True) -> str:
        """End it, remove its copy, and say how it ended; a process that is ending may do so."""
        status = self._process.poll()
        if status is None and ending:
            try:
                status = self._process.wait(0.5)
            except subprocess.TimeoutExpired:
                status = None
        self.kill()
        ended = self._process.wait()
        _end_orphans(self._before | {self._process.pid})
        self._listener.join(2.0)
        self._folder.cleanup()
        status = ended if status is None else status
        how = f"signal {-status}" if status < 0 else f"status {status}"
        last = self.said().strip().splitlines()[-3:]
        return "\n".join([f"its process ended, with {how}", *last])

    def close(self) -> None:
        """Close the pipes, when nobody reads them any more."""
        pipes: list[Any] = [self.to, self.of, self._process.stderr]
        for pipe in pipes:
            pipe.close()

    def said(self) -> str:
        """The beginning and the end of what it wrote to standard output and error."""
        last = b"".join(self._last)[-KEPT:]
        if self._count <= KEPT:
            text = self._first
        elif self._count <= 2 * KEPT:
            text = self._first + last[-(self._count - KEPT) :]
        else:
            text = self._first + b"\n...\n" + last
        return text.decode("utf-8", "replace")


def _environment(folder: Path) -> dict[str, str]:
    """Of the teacher's variables those that programs need; none with a secret in it."""
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "WINDIR", "LD_LIBRARY_PATH", "TZ")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return found | threads | {
        "HOME": str(folder), "TMPDIR": str(folder), "MPLBACKEND": "Agg", "PYTHONUTF8": "1",
        "MPLCONFIGDIR": str(folder / PLOTS),
        "PYTHONPATH": os.pathsep.join(_paths()), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def _libraries() -> list[str]:
    """Where Python and what is installed for it stand."""
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages()]
    places += [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    found = [os.path.realpath(p) for p in places] + places
    return [p for p in dict.fromkeys(found) if os.path.isdir(p) and p != "/"]


def _paths() -> list[str]:
    """What is imported from: our packages, and libraries; not the folder that we started in."""
    libraries = _libraries()
    inside = [p for p in sys.path if p and any(Path(p).is_relative_to(q) for q in libraries)]
    return list(dict.fromkeys([str(ROOT), *inside]))


def _walls(folder: Path) -> list[str]:
    """The options of bubblewrap."""
    walls = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for path in SYSTEM:
        walls += ["--ro-bind-try", path, path]
    for path in _libraries():
        walls += ["--ro-bind", path, path]
    for package in ("autograd", "nn"):
        walls += ["--ro-bind", str(ROOT / package), str(ROOT / package)]
    for hidden in (HERE, ROOT / "nn" / "exercises"):
        walls += ["--tmpfs", str(hidden)]
    for name in SHOWN:
        walls += ["--ro-bind", str(HERE / name), str(HERE / name)]
    walls += ["--remount-ro", str(HERE), "--remount-ro", str(ROOT / "nn" / "exercises")]
    walls += ["--proc", "/proc", "--dev", "/dev", "--bind", str(folder), str(folder)]
    return [*walls, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(folder)]


def _adopt_orphans() -> None:
    """Become the parent of what a submission leaves behind, on Linux, so that it can be ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children() -> set[int]:
    """The processes that this one has started or adopted, in other sessions than its own."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat") if sys.platform == "linux" else ():
        try:
            fields = entry.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and int(fields[3]) != os.getsid(0):
            found.add(int(entry.parent.name))
    return found


def _end_orphans(known: set[int]) -> None:
    """End the processes that were adopted, and those that are adopted when these end."""
    for _ in range(100):
        orphans = _children() - known
        if not orphans:
            return
        for pid in orphans:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue
        time.sleep(0.01)
