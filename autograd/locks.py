"""Locked files: while one writer has a file, no other can; when a process dies, its locks end.

The system's locks keep processes apart, and end when the process does, even by kill -9. This module
also keeps the threads of one process apart.
"""

import errno
import os
import sys
import threading
from contextlib import suppress

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Identity = tuple[int, int]  # identifies a file under any name: the device, and the inode on it

TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class Locked:
    """A file that this process has locked; as `take` gives it.

    Attributes:
        path: its name.
        descriptor: to write into it.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path, self.descriptor = path, descriptor
        self.identity = _identity(os.fstat(descriptor))

    def leave(self) -> None:
        """Unlock the file and close it, unless that has been done."""
        with _mutex:
            if self in _ours:
                _ours.discard(self)
                os.close(self.descriptor)

    def remove(self) -> None:
        """Remove the file, unlock it and close it, unless it has been left before."""
        with _mutex:
            if self not in _ours:
                return
            _ours.discard(self)
            if os.name == "nt":  # Windows can't remove a file that is open here or elsewhere
                os.close(self.descriptor)
            with suppress(OSError):
                if _identity_of(self.path) == self.identity:  # not a newer one
                    os.unlink(self.path)
            if os.name != "nt":
                os.close(self.descriptor)


_mutex = threading.Lock()
_ours: set[Locked] = set()


def take(
    path: str, flags: int = os.O_CREAT, mode: int = 0o666, safe: bool = False
) -> Locked | None:
    """Open a file to read and write, and lock it.

    Args:
        path: the file, which must not be a link.
        flags: additional flags for `os.open`.
        mode: of a file that is made.
        safe: whether to raise an error if the system has no locks, as on some network drives.

    Returns:
        The file; None if it is locked already, by another process or by this one.

    Raises:
        OSError: it can't be opened, or locked.
    """
    flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with _mutex:
        while True:
            # A file that this process has locked must not be opened: closing it ends the lock.
            if _identity_of(path) in {locked.identity for locked in _ours}:
                return None
            descriptor = os.open(path, flags, mode)
            try:
                if not _lock(descriptor, safe):
                    os.close(descriptor)
                    return None
                locked = Locked(path, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if _identity_of(path) == locked.identity:
                _ours.add(locked)
                return locked
            os.close(descriptor)  # its last owner has just removed it: try again


def _lock(descriptor: int, safe: bool) -> bool:
    """Lock a file by the system; whether that worked."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, 2**30, os.SEEK_SET)  # after the content, which others may read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            # Not flock: its locks live on in children, and a worker that outlives its killed
            # training would go on holding the checkpoint.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        if safe:
            raise
    return True


def _identity(about: os.stat_result) -> Identity:
    return about.st_dev, about.st_ino


def _identity_of(path: str) -> Identity | None:
    try:
        return _identity(os.lstat(path))
    except FileNotFoundError:
        return None


def _forget() -> None:
    """After a fork: a child has neither its parent's locks nor the threads that hold them."""
    global _mutex
    _mutex = threading.Lock()  # a thread of the parent may have had it
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
