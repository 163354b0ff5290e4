"""Files are written whole or not at all (autograd/files.py)."""

import errno
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from autograd import files, locks
from autograd.files import write_whole
from autograd.locks import take
from tests.cases import names


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("data", [b"", b"hello\r\n\x00\xff", b"x" * 1_000_000])
def test_the_bytes_are_written_and_nothing_else_is_left(tmp_path, kind, data):
    write_whole(kind(tmp_path / "a.bin"), data)
    assert (tmp_path / "a.bin").read_bytes() == data
    assert names(tmp_path) == ["a.bin"]


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"a long old text")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("name", ["plain", ".hidden", "two words.txt", "ünï😀.svg", "x" * 250])
def test_any_name_will_do(tmp_path, name):
    write_whole(tmp_path / name, b"1")
    assert (tmp_path / name).read_bytes() == b"1"


def test_a_bare_name_goes_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("a.txt", b"here")
    assert (tmp_path / "a.txt").read_bytes() == b"here"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_that_open_gives(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "ours", b"1")
        (tmp_path / "theirs").write_bytes(b"1")
        after = os.umask(umask)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs")}
    assert modes == {0o666 & ~umask}
    assert after == umask, "the umask of the process was changed"


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("there_was_one", [True, False])
def test_a_write_that_fails_leaves_the_folder_as_it_was(
    tmp_path, monkeypatch, error, there_was_one
):
    if there_was_one:
        (tmp_path / "a.txt").write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)):
        write_whole(tmp_path / "a.txt", b"new")
    assert names(tmp_path) == (["a.txt"] if there_was_one else [])
    if there_was_one:
        assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_text_is_refused_and_the_old_file_stays(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"old")
    with pytest.raises(TypeError):
        write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_a_missing_folder_is_named_and_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "a.txt", b"1")
    assert names(tmp_path) == []


def test_a_folder_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").write_bytes(b"1")
    with pytest.raises(OSError):  # noqa: PT011  which one depends on the system
        write_whole(tmp_path / "a", b"1")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["inside"]


def test_a_reader_never_meets_half_a_file(tmp_path):
    path = tmp_path / "a.bin"
    size = 200_000
    write_whole(path, b"0" * size)

    def write(digit):
        for _ in range(10):
            write_whole(path, digit * size)

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, digit) for digit in (b"1", b"2", b"3")]
        while not all(writer.done() for writer in writers):
            seen = path.read_bytes()
            assert len(seen) == size
            assert len(set(seen)) == 1
        for writer in writers:
            writer.result()
    assert names(tmp_path) == ["a.bin"]


# What stands at the path already

posix = pytest.mark.skipif(os.name == "nt", reason="of POSIX")


def chain(folder, *links):
    """Links in a row, each to the next."""
    for link, end in pairwise(links):
        (folder / link).symlink_to(end)
    return folder / links[0]


@posix
@pytest.mark.parametrize("there_is_one", [True, False])
def test_links_are_followed_and_stay(tmp_path, there_is_one):
    (tmp_path / "inner").mkdir()
    end = tmp_path / "inner" / "end"
    if there_is_one:
        end.write_bytes(b"old")
    link = chain(tmp_path, "a", str(tmp_path / "b"), "inner/end")
    write_whole(link, b"new")
    assert link.is_symlink() and (tmp_path / "b").is_symlink() and not end.is_symlink()
    assert end.read_bytes() == b"new"
    assert names(tmp_path) == ["a", "b", "inner"]
    assert names(tmp_path / "inner") == ["end"]


@posix
def test_a_folder_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "deep").mkdir()
    (tmp_path / "link").symlink_to("real/deep")
    write_whole(tmp_path / "link" / ".." / "a", b"1")  # of what the link leads to
    assert names(tmp_path / "real") == ["a", "deep"]


@posix
def test_links_that_lead_nowhere_are_refused_and_named(tmp_path):
    chain(tmp_path, "a", "b", "a")
    chain(tmp_path, "out", str(tmp_path / "gone" / "x"))
    for name, error, words in (
        ("a", OSError, "Too many levels of symbolic links: '.*a'"),
        ("out", FileNotFoundError, r"out': it is a link to '.*x', and there is no folder '.*gone'"),
    ):
        with pytest.raises(error, match=words):
            write_whole(tmp_path / name, b"1")
    (tmp_path / "in").symlink_to(tmp_path)
    with pytest.raises(IsADirectoryError, match="in': it is a folder"):
        write_whole(tmp_path / "in", b"1")
    assert names(tmp_path) == ["a", "b", "in", "out"]


@pytest.mark.parametrize("name", ["", "new/", "there/", ".", "there/.."])
def test_what_names_no_file_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError, match=r"can't write"):
        write_whole(name, b"1")
    assert names(tmp_path) == ["there"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666, 0o4711])
def test_the_mode_of_an_older_file_stays(tmp_path, mode):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_the_owner_of_an_older_file_stays(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.chown(path, 12, 34)
    write_whole(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


@posix
def test_nobody_else_can_read_a_private_file_while_it_is_written(tmp_path, monkeypatch):
    path, modes = tmp_path / "a", []
    path.write_bytes(b"old")
    path.chmod(0o600)
    begin = files._begin
    monkeypatch.setattr(files, "_begin", lambda *given: note(begin(*given)))

    def note(new):
        modes.append(stat.S_IMODE(os.fstat(new.descriptor).st_mode))
        return new

    write_whole(path, b"new")
    assert modes == [0o600]


@posix
def test_a_read_only_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write all files
    with pytest.raises(PermissionError, match=r"read-only: '.*a'"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_told_with_the_name_given(tmp_path, monkeypatch, number):
    (tmp_path / "a").write_bytes(b"old")

    def fail(*_):
        raise OSError(number, os.strerror(number), "a name that nobody knows")

    monkeypatch.setattr(files, "take", fail)
    with pytest.raises(OSError, match=r"no new file can be made in '.*': '.*a'") as info:
        write_whole(tmp_path / "a", b"new")
    assert info.value.errno == number
    assert info.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_is_told_with_the_name_given(tmp_path, monkeypatch, call):
    (tmp_path / "a").write_bytes(b"old")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error", "a name that nobody knows")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match=r"Input/output error: '.*a'"):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@posix
def test_file_and_folder_are_synced_in_this_order(tmp_path, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace

    def noting_sync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        size = os.fstat(descriptor).st_size if kind == "file" else None
        done.append((kind, size))
        fsync(descriptor)

    def noting_replace(*given):
        done.append(("name", None))
        replace(*given)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(os, "replace", noting_replace)
    write_whole(tmp_path / "a", b"12345")
    assert done == [("file", 5), ("name", None), ("folder", None)]


@posix
def test_where_nothing_can_be_synced_the_file_is_written_all_the_same(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fail)
    write_whole(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


@posix
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_into(tmp_path, linked):
    os.mkfifo(tmp_path / "pipe")
    path = chain(tmp_path, "link", "pipe") if linked else tmp_path / "pipe"
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit((tmp_path / "pipe").read_bytes)
        write_whole(path, b"x" * 200_000)
        assert read.result(timeout=20) == b"x" * 200_000
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert names(tmp_path) == ["link", "pipe"][not linked :]


@posix
def test_devices_are_written_into_and_stay(tmp_path):
    write_whole("/dev/null", b"1")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    write_whole(chain(tmp_path, "null", "/dev/null"), b"1")
    assert stat.S_ISCHR(os.stat(tmp_path / "null").st_mode)
    assert not [name for name in os.listdir("/dev") if name.startswith(".writing-")]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="of Linux")
def test_a_full_disk_is_told():
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        write_whole("/dev/full", b"1")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="of Linux")
@pytest.mark.parametrize("to", ["pipe", "file", "end of a file"])
def test_standard_output_gets_the_content_among_what_is_printed(tmp_path, to):
    script = (
        "from autograd.files import write_whole\n"
        "print('before')\nwrite_whole('/dev/stdout', b'content\\n')\nprint('after')"
    )
    out, said = tmp_path / "out", b"before\ncontent\nafter\n"
    out.write_bytes(b"old\n")
    if to == "pipe":
        got = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    else:
        with out.open("ab" if to == "end of a file" else "wb") as file:
            subprocess.run([sys.executable, "-c", script], stdout=file, check=True)
        got = out.read_bytes()
    assert got == (b"old\n" if to == "end of a file" else b"") + said
    assert os.path.islink("/dev/stdout")
    assert names(tmp_path) == ["out"]


# What writers that were killed leave

KILLED = """
import os, signal, sys
from autograd import files
def sync(descriptor):
    print("here", flush=True)
    {then}
files._sync = sync
files.write_whole(sys.argv[1], b"new" * 1000)
"""


def writing(folder):
    return [name for name in names(folder) if name.startswith(".writing-")]


@pytest.mark.slow
@posix
def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    script = KILLED.format(then="os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "a")], capture_output=True)
        assert len(writing(tmp_path)) == 1  # that of the first is gone
    assert (tmp_path / "a").read_bytes() == b"old"
    own = [".writing-notes", f".writing-{'0' * 31}", f"x.writing-{'0' * 32}"]
    for name in own:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / f".writing-{'1' * 32}").mkdir()
    (tmp_path / f".writing-{'2' * 32}").symlink_to("a")
    write_whole(tmp_path / "b", b"1")
    assert names(tmp_path) == sorted(
        [*own, f".writing-{'1' * 32}", f".writing-{'2' * 32}", "a", "b"]
    )


@pytest.mark.slow
@posix
def test_what_a_live_writer_has_is_left_alone(tmp_path):
    script = KILLED.format(then="sys.stdin.read()")
    command = [sys.executable, "-c", script, str(tmp_path / "a")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"here\n"
        before = writing(tmp_path)
        assert len(before) == 1
        write_whole(tmp_path / "b", b"1")
        assert writing(tmp_path) == before
        process.communicate()
        assert process.returncode == 0
    assert (tmp_path / "a").read_bytes() == b"new" * 1000
    assert names(tmp_path) == ["a", "b"]


def test_nor_what_another_thread_has(tmp_path, monkeypatch):
    sync, inner = files._sync, []

    def sync_after_another(descriptor):
        if not inner:
            inner.append(writing(tmp_path))
            write_whole(tmp_path / "b", b"1")
            inner.append(writing(tmp_path))
        sync(descriptor)

    monkeypatch.setattr(files, "_sync", sync_after_another)
    write_whole(tmp_path / "a", b"new")
    assert inner[0] == inner[1] and len(inner[0]) == 1
    assert names(tmp_path) == ["a", "b"]


@posix
def test_where_there_are_no_locks_nothing_is_cleared(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    left = tmp_path / f".writing-{'0' * 32}"
    left.write_bytes(b"perhaps of a live writer")
    monkeypatch.setattr("fcntl.lockf", fail)
    write_whole(tmp_path / "a", b"1")
    assert names(tmp_path) == [left.name, "a"]


@pytest.mark.slow
@posix
def test_writers_of_one_folder_do_not_disturb_each_other(tmp_path):
    script = (
        "import sys\nfrom autograd.files import write_whole\n"
        "for i in range(40): write_whole(sys.argv[1], sys.argv[2].encode() * 5000)"
    )
    commands = [[sys.executable, "-c", script, str(tmp_path / name), name] for name in "abb"]
    with ExitStack() as stack:
        processes = [stack.enter_context(subprocess.Popen(command)) for command in commands]
        for _ in range(20):
            write_whole(tmp_path / "c", b"c")
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert names(tmp_path) == ["a", "b", "c"]
    assert (tmp_path / "b").read_bytes() == b"b" * 5000


# Locks


def test_a_locked_file_is_taken_by_one_at_a_time(tmp_path):
    path = str(tmp_path / "lock")
    locked = locks.take(path)
    assert (locked.path, os.fstat(locked.descriptor).st_size) == (path, 0)
    assert locks.take(path) is None
    os.link(path, path + "2")
    assert locks.take(path + "2") is None  # the same file by another name
    other = locks.take(str(tmp_path / "other"))
    locked.leave()
    locked.leave()  # again, which does nothing
    again = locks.take(path)
    assert again is not None
    locked.remove()  # it is not this one's any more
    assert os.path.exists(path) and locks.take(path) is None
    again.remove()
    assert not os.path.exists(path)
    again.leave()
    for thing in (locked, again):
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(thing.descriptor)
    other.leave()
    assert os.path.exists(tmp_path / "other")


def test_a_newer_file_of_the_same_name_is_not_removed(tmp_path):
    path = tmp_path / "lock"
    locked = locks.take(str(path))
    path.rename(tmp_path / "older")
    path.write_text("newer")
    locked.remove()
    assert path.read_text() == "newer" and (tmp_path / "older").exists()
    locked = locks.take(str(path))
    path.unlink()
    locked.remove()  # which is gone already


def test_a_file_that_was_removed_while_it_was_being_locked_is_opened_anew(tmp_path, monkeypatch):
    path, lock, times = tmp_path / "lock", locks._lock, []

    def removed_the_first_time(descriptor, safe):
        times.append(descriptor)
        if len(times) == 1:
            path.unlink()
        return lock(descriptor, safe)

    monkeypatch.setattr(locks, "_lock", removed_the_first_time)
    locked = locks.take(str(path))
    assert len(times) == 2 and path.stat().st_ino == os.fstat(locked.descriptor).st_ino
    locked.remove()


@posix
def test_what_the_system_says_of_a_lock(tmp_path, monkeypatch):
    path = str(tmp_path / "lock")

    def take(number, **options):
        def lockf(descriptor, how):
            opened.append(descriptor)
            raise OSError(number, "no")

        monkeypatch.setattr(locks.fcntl, "lockf", lockf)
        return locks.take(path, **options)

    opened = []
    for number in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
        assert take(number) is take(number, safe=True) is None
    with pytest.raises(OSError, match="no"):
        take(errno.ENOLCK, safe=True)
    for descriptor in opened:
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(descriptor)
    locked = take(errno.ENOLCK)  # where the system has no locks, threads are still kept apart
    assert locks.take(path) is None
    locked.leave()
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="link"):
        locks.take(str(tmp_path / "link"))
    with pytest.raises(FileNotFoundError):
        locks.take(str(tmp_path / "missing"), flags=0)


@pytest.mark.slow
@posix
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork beside threads
def test_a_child_has_not_the_locks_of_its_parent_and_does_not_hold_them(tmp_path):
    path = str(tmp_path / "lock")
    held = locks.take(path)
    (read, write), (until, end) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:  # no test in here
        with suppress(BaseException):
            held.remove()
            os.write(write, b"ours" if locks.take(path) is None else b"free")
            os.read(until, 1)
        os._exit(0)
    assert os.read(read, 4) == b"ours"
    assert names(tmp_path) == ["lock"]
    held.leave()
    script = "import sys\nfrom autograd import locks\nprint(locks.take(sys.argv[1]) is None)"
    other = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    os.write(end, b"1")
    os.waitpid(child, 0)
    for descriptor in (read, write, until, end):
        os.close(descriptor)
    assert other.stdout == "False\n", other.stderr


def test_a_lock_is_removed_by_its_owner_alone(tmp_path):
    path = str(tmp_path / ".lock")
    first = take(path)
    os.unlink(path)  # by hand
    second = take(path)
    assert second is not None
    first.remove()
    assert os.path.exists(path)
    assert take(path) is None
    second.remove()
    assert not os.path.exists(path)


def test_a_number_is_an_open_file_only_where_open_files_are(tmp_path):
    write_whole(tmp_path / "1", b"data")
    assert (tmp_path / "1").read_bytes() == b"data"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="of Linux")
@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"])
def test_an_open_file_is_written_where_it_stands(folder, tmp_path):
    with open(tmp_path / "file", "wb", buffering=0) as file:
        file.write(b"before, ")
        write_whole(f"{folder}/{file.fileno()}", b"data")
    expected = b"data" if "thread" in folder else b"before, data"
    assert (tmp_path / "file").read_bytes() == expected


def test_what_a_killed_writer_has_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    left, live = (tmp_path / f".writing-{digit * 32}" for digit in "ab")
    left.write_text("a part")
    held = locks.take(str(live))
    write_whole(tmp_path / "a", b"whole")
    assert names(tmp_path) == [live.name, "a"]
    held.leave()
    write_whole(tmp_path / "a", b"whole")
    assert names(tmp_path) == ["a"]


@posix
def test_a_file_stays_locked_until_it_has_its_name(tmp_path, monkeypatch):
    def rename(old, new):
        assert locks.take(old) is None
        os.replace(old, new)

    monkeypatch.setattr(files, "_rename", rename)
    write_whole(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    again = locks.take(str(tmp_path / "a"))
    assert again is not None
    again.leave()


@posix
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EIO])
def test_a_disk_that_can_not_sync_is_no_error_but_one_that_fails_is(number, tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(number, "no")

    write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", fsync)
    if number == errno.EIO:
        with pytest.raises(OSError, match="no"):
            write_whole(tmp_path / "a", b"new")
    else:
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == (b"old" if number == errno.EIO else b"new")
    assert names(tmp_path) == ["a"]


@posix
def test_a_folder_that_can_not_be_read_is_not_synced(tmp_path, monkeypatch):
    def no(*_):
        raise PermissionError

    monkeypatch.setattr(os, "open", no)
    files._sync_folder(str(tmp_path))


@posix
def test_after_a_fork_a_child_has_no_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_ours", {"a lock of the parent"})
    monkeypatch.setattr(locks, "_mutex", threading.Lock())
    locks._mutex.acquire()  # by a thread that the child does not have
    locks._forget()
    assert not locks._ours
    assert locks._mutex.acquire(blocking=False)
