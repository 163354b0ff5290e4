"""Graphs in Graphviz's language, laid out: by its program `dot`, by `pygraphviz`, or by Viz.js.

`WAYS` lists them in the order in which they are tried. `pygraphviz`, whose wheel brings Graphviz
along, runs it in this process. Viz.js is Graphviz for browsers: a page that runs Python gives its
instance to Python as the global `viz` (`globalThis.viz = await Viz.instance()`), as ours does. All
fail in the same way, with Graphviz's own message, and warn on ``sys.stderr``.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple


class Way(NamedTuple):
    """A way to lay out graphs.

    Attributes:
        name: what the user knows it by.
        is_here: whether it is installed.
        run: gives the picture, or None, and what Graphviz said, of a graph and a format.
    """

    name: str
    is_here: Callable[[], bool]
    run: Callable[[str, str], tuple[bytes | None, str]]


def lay_out(source: str, format: str) -> bytes:
    """What Graphviz makes of a graph in its language.

    Raises:
        RuntimeError: nothing that can lay it out is installed, or it failed.
    """
    way = next((way for way in WAYS if way.is_here()), None)
    if way is None:
        raise RuntimeError(f"nothing here can lay out a graph. {advice()}")
    try:
        picture, said = way.run(source, format)
    except OSError as error:
        raise RuntimeError(f"{way.name} failed to lay out the graph: {error}") from error
    if picture is None:
        raise RuntimeError(f"{way.name} failed to lay out the graph: {' '.join(said.split())}")
    if said:  # a warning, for instance
        print(said, file=sys.stderr)
    return picture


def layout_tool() -> str | None:
    """What lays out graphs here: the name of a way, or nothing."""
    return next((way.name for way in WAYS if way.is_here()), None)


def advice() -> str:
    """What to install where nothing lays out graphs."""
    install = "install Graphviz (apt install graphviz, brew install graphviz)"
    error = _import_error()
    if error is not None and getattr(error, "name", None) != "pygraphviz":
        return f"pygraphviz is installed, but fails: {error}. Mend that, or {install}"
    pip = "pip install pygraphviz (part of the extra chalkgrad[demo])"
    return f"To see the picture, {install} or: {pip}"


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


def _import_error() -> Exception | None:
    """Why pygraphviz can't be had: it is not there, or a library of the system is missing."""
    try:
        import pygraphviz  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        return error
    return None


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


def _viz() -> Any:
    """The page's instance of Viz.js, or None."""
    if sys.platform != "emscripten":
        return None
    import js  # the page's globals

    return getattr(js, "viz", None)


def _by_viz(source: str, format: str) -> tuple[bytes | None, str]:
    """The picture, or None, and what Graphviz said."""
    import js

    # It measures texts by tables, one for each font, and has none for a list of fonts. So it takes
    # the widest that readers may see in its place: then no text is too wide for its box.
    fonts, widest = '"Helvetica,Arial,sans-serif"', '"DejaVu Sans"'
    source = source.replace(fonts, widest)
    done = _viz().render(source, js.JSON.parse(f'{{"format": "{format}"}}'))
    said = "\n".join(f"{(e.level or 'error').title()}: {e.message}" for e in done.errors)
    picture = done.output.replace(widest, fonts).encode() if done.status == "success" else None
    return picture, _said(said.encode())


def _said(stderr: bytes) -> str:
    """What Graphviz says of the graph, without what Fontconfig says of this machine's fonts.

    Above all the old one in pygraphviz's wheel complains: it does not know newer settings. Viz.js,
    which sees no fonts, has no width for some letters.
    """
    lines = stderr.decode(errors="replace").splitlines()
    about_fonts = re.compile("Fontconfig |.*no (hard-coded metrics|value for width)")
    return "\n".join(line for line in lines if not about_fonts.match(line))


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


WAYS = [
    Way("dot", lambda: shutil.which("dot") is not None, _by_dot),
    Way("pygraphviz", lambda: _import_error() is None, _by_pygraphviz),
    Way("viz", lambda: _viz() is not None, _by_viz),
]
