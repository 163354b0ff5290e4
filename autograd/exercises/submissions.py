"""The submissions in a folder, and the checks that are tried on them."""

import importlib
import importlib.util
import math
import os
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from .limits import PACKAGES, STDLIB
from .loading import NOT_THEIRS, files_of

Open = Callable[[], Any]

SUFFIXES = (".py", ".ipynb")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
MOST_FILES = 2000


_BROUGHT: list[set[str]] = []  # the names of the modules that came with a module of checks


def import_checks(modules: Sequence[str]) -> None:
    """Import the modules that hold checks, by name or, ending in .py, by path.

    Meanwhile a module beside such a file is found, if there is no other of its name.

    Raises:
        ImportError: one does not exist.
    """
    for name in modules:
        before = set(sys.modules)
        if name.endswith(".py"):
            _import_file(Path(name).resolve())
        else:
            importlib.import_module(name)
        _BROUGHT.append(set(sys.modules) - before)


def _import_file(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.exists():
        raise ImportError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    beside = str(path.parent)
    sys.path.append(beside)  # last: submissions may lie there too, and be called as a library is
    try:
        spec.loader.exec_module(module)
    finally:
        if sys.path[-1:] == [beside]:  # the checks may have changed it
            sys.path.pop()


def imported_beside(checks: Iterable[Path]) -> set[Path]:
    """The files that were imported beside those of checks, and are a teacher's own.

    They may lie anywhere: they are not Python's own, not installed, and not ours.
    """
    known = {path.resolve() for path in checks}
    root = Path(__file__).resolve().parents[2]
    others = {root / "autograd", root / "nn", *(Path(folder).resolve() for folder in STDLIB)}
    together = [set(_files_of_modules(names)) for names in _BROUGHT]
    return {
        path
        for path in set().union(*(files for files in together if files & known)) - known
        if path.is_file() and not PACKAGES & set(path.parts) and not others & set(path.parents)
    }


def _files_of_modules(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        if file := getattr(sys.modules.get(name), "__file__", None):
            yield Path(file).resolve()


def submissions_in(folder: Path) -> dict[str, Path]:
    """The submissions in a folder by name: each Python file, notebook, archive, and folder.

    What is named like one and is none, such as a link, is among them: its student is to be told.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        is_folder = path.is_dir() and not path.is_symlink()
        if is_folder or path.suffix in SUFFIXES or path.name.endswith(ARCHIVES):
            stem = path.name if is_folder else path.name.removesuffix(".gz").rpartition(".")[0]
            name, stem = (printable(n).replace("\n", "\\n") for n in (path.name, stem))
            found[name if stem in found else stem] = path
    return found


def passed_over(folder: Path, written: Iterable[Path | None]) -> list[str]:
    """The names of the files beside the submissions that are none, nor written by the grading."""
    known = {*submissions_in(folder).values(), *written}
    others = [path for path in sorted(folder.iterdir()) if path not in known and path.is_file()]
    return [printable(path.name) for path in others if not path.name.startswith((".", "__"))]


def may_hold_python(path: Path) -> bool:
    """Whether a submission is one that can be tried, as far as its name tells."""
    return path.name.endswith(ARCHIVES) or path.suffix in SUFFIXES or bool(files_of(path))


def printable(text: str) -> str:
    """A text without what a terminal obeys: such characters as Python would write them."""
    return "".join(
        c if c.isprintable() or c == "\n" else "    " if c == "\t"
        else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text.replace("\r\n", "\n")
    )  # fmt: skip


class RefusedError(Exception):
    """A submission that is not tried, and why."""


def contents(submission: Path) -> Iterator[tuple[str, Open]]:
    """The plain files of a submission, by their paths in it; an archive is one."""
    if submission.is_dir() and not submission.is_symlink():
        yield from _files(submission)
    elif submission.is_file() and not submission.is_symlink():
        yield submission.name, partial(submission.open, "rb")


def late_files(submission: Path, due: float) -> list[str]:
    """The files of a submission that were changed after a time, in seconds since 1970."""
    folder = submission if submission.is_dir() else submission.parent
    return [name for name, _ in contents(submission) if (folder / name).stat().st_mtime > due]


def copied(submission: Path, into: Path, most: int, due: float = math.inf) -> Path:
    """A copy of a submission: its plain files and folders, no links and no pipes; or of an archive.

    Args:
        submission: the file, folder or archive.
        into: the folder that the copy comes into.
        most: the bytes of its files, in all.
        due: the time, in seconds since 1970, after which files are late, and left out. Of an
            archive its own time counts.

    Raises:
        RefusedError: it is a link, no file, too large, too late, without Python files, or an
            archive that can't be read or has files that would come to lie outside.
    """
    if submission.is_symlink():
        raise RefusedError("it is a link to something else")
    if not (submission.is_dir() or submission.is_file()):
        raise RefusedError("it is no file")
    late = late_files(submission, due)
    if late and submission.is_file():
        raise RefusedError("it came too late")
    target = into / submission.name
    try:
        if submission.name.endswith(ARCHIVES):
            target = into / "archive"
            target.mkdir()
            _write(_members(submission), target, most)
        elif submission.is_dir():
            target.mkdir()
            _write((file for file in _files(submission) if file[0] not in late), target, most)
        else:
            _write(contents(submission), into, most)
    except (
        OSError, RuntimeError, ValueError, EOFError,
        zipfile.BadZipFile, tarfile.TarError, zlib.error,
    ) as error:  # fmt: skip
        raise RefusedError(f"it can't be read: {error}") from None
    if not files_of(target):
        came = f" that came in time: {', '.join(late)} came too late" if late else ""
        raise RefusedError(f"no Python file or notebook in it{came}")
    return target


def _files(folder: Path) -> Iterator[tuple[str, Open]]:
    """The plain files in a folder, by their paths in it; links are not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_THEIRS)
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(folder)), partial(path.open, "rb")


def _members(archive: Path) -> Iterator[tuple[str, Open]]:
    """The plain files in an archive, by their paths."""
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    yield info.filename, partial(zipped.open, info)
        return
    with tarfile.open(archive) as tarred:
        for member in tarred:
            if member.isfile():
                yield member.name, partial(_opened, tarred, member)
            elif not member.isdir():
                raise RefusedError(f"{member.name} in the archive is a link, or no file")


def _opened(tarred: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    file = tarred.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} is no file")
    return file


def _write(files: Iterable[tuple[str, Open]], into: Path, most: int) -> None:
    """Write files below a folder, piece by piece: what they say of their sizes is not trusted."""
    taken = 0
    for number, (name, opened) in enumerate(files):
        parts = PurePosixPath(name.replace("\\", "/") if os.sep == "\\" else name).parts
        if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
            raise RefusedError(f"the path {name} leads out of it")
        if number >= MOST_FILES or len(parts) > 30:
            raise RefusedError("it holds too many files")
        target = into.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened() as source, target.open("wb") as copy:
            while piece := source.read(1 << 16):
                taken += len(piece)
                if taken > most:
                    raise RefusedError(f"it holds more than {most >> 20} MB")
                copy.write(piece)
