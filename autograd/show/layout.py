"""Graphs in Graphviz's language, laid out: by its program `dot`, or by `pygraphviz`.

The program is taken where there is one. `pygraphviz`, whose wheel brings Graphviz along, runs it in
this process. Both fail in the same way, with Graphviz's own message, and warn on ``sys.stderr``.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

ADVICE = (
    "To see the picture, install Graphviz (apt install graphviz, brew install graphviz) "
    "or: pip install pygraphviz (part of the extra chalkgrad[demo])"
)


def lay_out(source: str, format: str) -> bytes:
    """What Graphviz makes of a graph in its language.

    Raises:
        RuntimeError: nothing that can lay it out is installed, or it failed.
    """
    tool = layout_tool()
    if tool is None:
        raise RuntimeError(f"nothing here can lay out a graph. {ADVICE}")
    try:
        picture, said = (_by_dot if tool == "dot" else _by_pygraphviz)(source, format)
    except OSError as error:
        raise RuntimeError(f"{tool} failed to lay out the graph: {error}") from error
    if picture is None:
        raise RuntimeError(f"{tool} failed to lay out the graph: {' '.join(said.split())}")
    if said:  # a warning, for instance
        print(said, file=sys.stderr)
    return picture


def layout_tool() -> str | None:
    """What lays out graphs here: ``"dot"``, ``"pygraphviz"``, or nothing."""
    if shutil.which("dot"):
        return "dot"
    try:
        import pygraphviz  # noqa: F401
    except (ImportError, OSError, RuntimeError):  # not there, or a library of its is missing
        return None
    return "pygraphviz"


def _by_dot(source: str, format: str) -> tuple[bytes | None, str]:
    """The picture, or None, and what Graphviz said."""
    done = subprocess.run(
        [shutil.which("dot") or "dot", f"-T{format}"],
        input=source.encode(),
        capture_output=True,
        check=False,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # no black window on Windows
    )
    said = _said(done.stderr)
    if done.returncode:
        return None, said or f"exit code {done.returncode}"
    return done.stdout, said


def _by_pygraphviz(source: str, format: str) -> tuple[bytes | None, str]:
    """The picture, or None, and what Graphviz said."""
    import pygraphviz

    picture, failure = None, ""
    with tempfile.TemporaryFile() as file:
        with _stderr_into(file):
            try:
                picture = bytes(pygraphviz.AGraph(string=source).draw(format=format, prog="dot"))
            except ValueError as error:  # says that it failed; why is said on stderr
                failure = str(error)
        file.seek(0)
        said = _said(file.read())
    # Some errors leave a picture, without what was wrong: `dot` has an exit code then.
    if picture is None or re.search(r"^Error: ", said, re.MULTILINE):
        return None, said or failure
    return picture, said


def _said(stderr: bytes) -> str:
    """What Graphviz says of the graph, without what Fontconfig says of this machine's fonts.

    Above all the old one in pygraphviz's wheel complains: it does not know newer settings.
    """
    lines = stderr.decode(errors="replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith("Fontconfig "))


_STDERR = threading.Lock()


@contextmanager
def _stderr_into(file: IO[bytes]) -> Iterator[None]:
    """What is written on stderr goes into a file, also what C writes past ``sys.stderr``."""
    with _STDERR:
        try:
            stderr = os.dup(2)
        except OSError:  # as in a program without a console
            stderr = None
        try:
            os.dup2(file.fileno(), 2)
            yield
        finally:
            if stderr is None:
                os.close(2)
            else:
                os.dup2(stderr, 2)
                os.close(stderr)
