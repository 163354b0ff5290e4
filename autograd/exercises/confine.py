"""What a process may use, said by itself before it runs a student's code, and for good.

Limits of memory, processor time and file size where there are any (not on Windows); on Linux, on
the usual processors, no more processes: threads may be started, but a call of fork is refused.
"""

import ctypes
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # with an errno
EAGAIN, ENOSYS = 11, 38
CLONE_THREAD = 0x00010000
# Of an architecture: its number, and those of fork, vfork, clone, clone3 (fork is clone on ARM).
CALLS = {
    "x86_64": (0xC000003E, (57, 58), 56, 435),
    "aarch64": (0xC00000B7, (), 220, 435),
}


def confine(memory: int, seconds: int, file: int) -> None:
    """Limit the bytes of memory, the seconds of processor time, and the bytes of a file."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    for name, most in (
        ("RLIMIT_AS", memory), ("RLIMIT_CPU", seconds), ("RLIMIT_FSIZE", file), ("RLIMIT_CORE", 0),
    ):  # fmt: skip
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):  # macOS knows no limit of memory
            continue
    no_more_processes()


def no_more_processes() -> bool:
    """Refuse fork and clone, but for threads; whether that can be done here."""
    if sys.platform != "linux" or platform.machine() not in CALLS or sys.maxsize < 2**32:
        return False
    architecture, forks, clone, clone3 = CALLS[platform.machine()]
    load, equal, bits, give = 0x20, 0x15, 0x45, 0x06  # instructions of the packet filter
    # clone3 hides its flags in memory: without it the C library takes clone.
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, REFUSE | EAGAIN)]
    program += [(load, 0, 0, 0), (equal, 0, 1, clone3), (give, 0, 0, REFUSE | ENOSYS)]
    if architecture == CALLS["x86_64"][0]:  # the numbers of x32 begin here
        program += [(0x35, 0, 1, 0x40000000), (give, 0, 0, REFUSE | ENOSYS)]
    for call in forks:
        program += [(equal, 0, 1, call), (give, 0, 0, REFUSE | EAGAIN)]
    program += [(equal, 1, 0, clone), (give, 0, 0, ALLOW), (load, 0, 0, 16)]
    program += [(bits, 1, 0, CLONE_THREAD), (give, 0, 0, REFUSE | EAGAIN), (give, 0, 0, ALLOW)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong]
    return bool(
        prctl(PR_SET_NO_NEW_PRIVS, 1, None, 0, 0) == 0
        and prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0) == 0
    )
