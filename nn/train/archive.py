"""Reading a network's file: its contents are checked before anything is built from them.

A file may come from anywhere. So an array is read only after its name, its shape, and its declared
and packed sizes have been checked, and nothing is unpacked beyond a limit.
"""

import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from autograd.files import Path

from ..arrays import Array, check_path, check_whole

FORMAT = 1  # of new files; earlier ones have no format number, and are the same otherwise
LIMIT = 4 * 2**30  # bytes
HEADER = 16_384  # bytes: more than NumPy reads as the header of an array
PER_CHARACTER = 32  # bytes that a character of `about` takes at most: as an array, as text, parsed


class Archive:
    """An open file.

    Attributes:
        about: the description in it, from JSON.
        names: the names of its arrays.
    """

    def __init__(self, file: IO[bytes], limit: int) -> None:
        if file.read(2) != b"PK":
            raise ValueError("it is not an .npz archive")
        self._zip = zipfile.ZipFile(file)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._zip.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise ValueError(f"{name} in it is not an array")
            if name in self._members:
                raise ValueError(f"it has {name} twice")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{name} is compressed in a way that NumPy never uses")
            self._members[name] = member
        if "about" not in self._members:
            raise ValueError("nothing in it says which network it holds")
        needed = self._members["about"].file_size // 4 * PER_CHARACTER  # 4 bytes are a letter
        if needed > limit:
            raise LimitError(
                f"its description alone would take {needed:,} bytes of memory, and the limit is "
                f"{limit:,}: if it is what you want, give a much larger limit="
            )
        self.about = self._described()
        self.names = [name for name in self._members if name != "about"]

    def _described(self) -> dict[str, Any]:
        with self._zip.open(self._members["about"]) as file:
            shape, dtype = _header(file, "about")
            if dtype.kind != "U" or shape != ():
                raise ValueError("its description is not a text")
        about = json.loads(self._read("about").item(), object_pairs_hook=_once)
        if not isinstance(about, dict) or not isinstance(about.get("network"), dict):
            raise ValueError("it does not say which network it holds")
        return about

    def check(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise unless the arrays of these names, which are there, have these shapes.

        Raises:
            ValueError: one has another shape or size, or does not hold real numbers.
        """
        for name, shape in shapes.items():
            with self._zip.open(self._members[name]) as file:
                got, dtype = _header(file, name)
                size = file.tell() + math.prod(shape) * dtype.itemsize
            if got != shape:
                raise ValueError(f"{name} must have shape {shape}, got {got}")
            if dtype.kind not in "biuf":
                raise ValueError(f"{name} must be an array of real numbers, got dtype {dtype}")
            if self._members[name].file_size != size:
                declared = self._members[name].file_size
                raise ValueError(f"{name} must take {size} bytes, and takes {declared}")

    def arrays(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
        """The arrays of these names and shapes, after the same checks."""
        self.check(shapes)
        return {name: self._read(name) for name in shapes}

    def _read(self, name: str) -> Any:
        with self._zip.open(self._members[name]) as file:
            array = np.lib.format.read_array(file, allow_pickle=False, max_header_size=HEADER)
            if file.read(1):  # reading to the end also compares the checksum
                raise ValueError(f"{name} has data after its end")
        return array


@contextmanager
def opened(path: Path, limit: int = LIMIT) -> Iterator[Archive]:
    """A network's file, opened, with its description read and its arrays not yet.

    Raises:
        ValueError: it is not one, is damaged, of a later format, or needs more memory than the
            limit.
        OSError: it can't be read.
    """
    check_whole("limit", limit)
    check_path("path", path)
    with open(path, "rb") as on_disk:
        file: IO[bytes] = on_disk
        if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):  # zip archives are read from the end
            file = io.BytesIO(file.read())
        try:
            archive = Archive(file, limit)
        except LimitError as error:
            raise ValueError(f"{quoted(path)}: {error}") from None
        except Exception as error:  # whatever a damaged archive may raise
            raise ValueError(
                f"{quoted(path)} is not a network file, or damaged: {short(error)}"
            ) from None
        made = archive.about.get("format", 0)
        if type(made) is not int or made < 0:
            raise ValueError(f"{quoted(path)} is damaged: its format is {short(repr(made))}")
        if made > FORMAT:
            raise ValueError(
                f"{quoted(path)} is of format {short(made)}, which a later version of chalkgrad "
                f"has written: this one reads formats up to {FORMAT}. Update chalkgrad to read it"
            )
        yield archive


class LimitError(ValueError):
    """A network would take more memory than the limit."""


def check_limit(needed: int, limit: int) -> None:
    """Raise if the memory needed is more than the limit, both in bytes.

    Raises:
        LimitError: it is more.
    """
    if needed > limit:
        raise LimitError(
            f"it would take {needed:,} bytes of memory, and the limit is {limit:,}: if it is what "
            f"you want, load(path, limit={needed})"
        )


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the type of the array in an .npy file."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{name} is an array of NumPy's format {version}, and not (1, 0)")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=HEADER)
    if dtype.hasobject:
        raise ValueError(
            f"{name} holds Python objects: a pickle, which could run code, is not read"
        )
    return shape, dtype


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, checked to have no key twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its description has a key twice")
    return found


def short(x: object) -> str:
    """A short text of something in a file, or of an error that may quote much of a file."""
    text = str(x)
    return text if len(text) <= 500 else f"{text[:497]}..."


def quoted(path: Path) -> str:
    """The path, as errors show it."""
    return repr(os.fspath(path))
