"""Files are written whole or not at all (autograd/files.py)."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograd.files import write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
