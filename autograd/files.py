"""Writing files so that no file is ever half written, and only its content changes.

A file is written under a temporary name, ``.writing-`` and 32 digits, and then renamed. If a writer
is killed, its temporary file is removed by the next writer in that folder.
"""

import errno
import os
import re
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from .locks import Locked, take

Path = str | os.PathLike[str]
LEFT = re.compile(r"\.writing-[0-9a-f]{32}")
LINKS = 40  # one to the next, as many as Linux follows
UNABLE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # to sync


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name always holds the old content or the new, never a part.

    When this returns, the new content is on the disk, to stay there if the power fails. A link
    stays a link: what it leads to is written. An older file keeps its mode and owner (its other
    names, hard links, keep the old content). Pipes and other special files, such as
    ``/dev/stdout``, are written into.

    Raises:
        FileNotFoundError: its folder does not exist.
        IsADirectoryError: it is a folder itself.
        OSError: it can't be written, because the disk is full, the file or its folder is read-only,
            or links lead in a circle. The old content stays.
    """
    memoryview(data)  # text is refused before anything is opened
    with naming(path):
        target = Target.of(path)
        if target.is_regular:
            _replace(target, data)
        else:
            _write_into(target, data)


@dataclass(frozen=True)
class Target:
    """What a path leads to.

    Attributes:
        path: the path without links.
        about: what the system says of the file; None if there is none yet.
        descriptor: if the path stands for an open file of this process, as /dev/stdout does, that
            file's descriptor.
    """

    path: str
    about: os.stat_result | None
    descriptor: int | None

    @classmethod
    def of(cls, path: Path) -> "Target":
        """Follow the links of ``path``.

        Raises:
            OSError: they lead nowhere, or to a folder.
        """
        name = os.fspath(path)
        try:
            about = os.stat(name)
        except FileNotFoundError:
            about = None
        if not os.path.basename(name) or (about is not None and stat.S_ISDIR(about.st_mode)):
            raise IsADirectoryError(f"can't write {name!r}: it is a folder")
        end, link = name, ""
        for _ in range(LINKS):
            folder = os.path.dirname(end) or os.curdir
            if not os.path.isdir(folder):
                raise FileNotFoundError(
                    f"can't write {name!r}: {link}there is no folder {folder!r}"
                )
            end = os.path.join(os.path.realpath(folder), os.path.basename(end))
            descriptor = _descriptor(end)
            if descriptor is not None or not os.path.islink(end):
                return cls(end, about, descriptor)
            end = os.path.join(os.path.dirname(end), os.readlink(end))
            link = f"it is a link to {end!r}, and "
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with a name, or will be one."""
        return self.descriptor is None and (self.about is None or stat.S_ISREG(self.about.st_mode))


def ending(path: Path) -> str:
    """What the name of a file ends in, in small letters: ``".svg"``, or "".

    Raises:
        TypeError: ``path`` is no path; a number would stand for an open file.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the path of a file, text or a Path, got {path!r}")
    return os.path.splitext(path)[1].lower()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make the system's errors name ``path``, whichever file they are about."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # it is in words already
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _descriptor(path: str) -> int | None:
    """The open file of this process that a path stands for; None if it stands for none."""
    folder, name = os.path.split(path)
    is_one = name.isdecimal() and folder in ("/dev/fd", os.path.realpath("/proc/self/fd"))
    return int(name) if is_one else None


def _write_into(target: Target, data: bytes) -> None:
    if target.descriptor is None:
        descriptor = os.open(target.path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    else:
        for stream in (sys.stdout, sys.stderr):  # what was printed earlier must come first
            with suppress(AttributeError, ValueError):  # there is none, or it is closed
                stream.flush()
        descriptor = os.dup(target.descriptor)
    with open(descriptor, "wb") as file:
        file.write(data)


def _replace(target: Target, data: bytes) -> None:
    folder = os.path.dirname(target.path)
    if target.about is not None and not os.access(target.path, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only")
    _clear(folder)
    new = _begin(folder, 0o666 if target.about is None else 0o600)
    try:
        with open(new.descriptor, "wb", closefd=False) as file:
            file.write(data)
        if target.about is not None:
            _take_over(new.descriptor, target.about)
        _sync(new.descriptor)
        if os.name == "nt":  # Windows can't rename an open file
            new.leave()
        _rename(new.path, target.path)
    except BaseException:
        new.remove()
        with suppress(OSError):  # if it was unlocked above
            os.unlink(new.path)
        raise
    new.leave()
    _sync_folder(folder)


def _begin(folder: str, mode: int) -> Locked:
    """A new file to write, which stays locked as long as its writer lives."""
    while True:
        path = os.path.join(folder, f".writing-{uuid.uuid4().hex}")
        try:
            new = take(path, os.O_CREAT | os.O_EXCL, mode)
        except OSError as error:
            why = f"{error.strerror}: no new file can be made in {folder!r}"
            raise OSError(error.errno, why) from None
        if new is not None:  # else another writer has just taken it for an abandoned file
            return new


def _clear(folder: str) -> None:
    """Remove the files that killed writers have left in a folder, but no file of a live writer."""
    with suppress(OSError), os.scandir(folder) as entries:  # it may be writable, not readable
        left = [
            e.path for e in entries if LEFT.fullmatch(e.name) and e.is_file(follow_symlinks=False)
        ]
        for path in left:
            with suppress(OSError):
                if os.name == "nt" and time.time() - os.lstat(path).st_mtime < 60:
                    continue  # its writer may have closed it, to rename it now
                file = take(path, flags=0, safe=True)
                if file is not None:
                    file.remove()


def _take_over(descriptor: int, old: os.stat_result) -> None:
    """Give a new file the owner and mode of the old one."""
    if sys.platform == "win32":
        return
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        for owner in ((old.st_uid, -1), (-1, old.st_gid)):
            with suppress(OSError):  # only root may give away files
                os.fchown(descriptor, *owner)
    if stat.S_IMODE(new.st_mode) != stat.S_IMODE(old.st_mode):
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _rename(old: str, new: str) -> None:
    """Rename a file; on Windows, wait a little while other programs have the target open."""
    for seconds in (0.01, 0.1, 1.0) if os.name == "nt" else ():
        try:
            return os.replace(old, new)
        except PermissionError:
            time.sleep(seconds)
    return os.replace(old, new)


def _sync(descriptor: int) -> None:
    """Wait until a file is on the disk."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNABLE:
            raise


def _sync_folder(folder: str) -> None:
    """Wait until the names in a folder are on the disk; Windows has no such thing."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # it may be writable, but not readable
        return
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)
