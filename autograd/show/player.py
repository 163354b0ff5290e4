"""A picture that changes step by step, with buttons and a slider: one page that needs nothing else.

The picture is an SVG in its finished state. A `Frame` says what it changes, so that the page can
go forth and back. `player.js` does that where scripts run; elsewhere the finished picture shows.
All text reaches the page as data: a label can't become markup.
"""

import hashlib
import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import ending, write_whole
from .bare import bare
from .colours import PAGE as PAGE_COLOURS
from .notation import for_output

HERE = Path(__file__).parent


def script(*names: str) -> str:
    """Scripts of this room as one, for a page: in a function, without comments and indentation."""
    lines = [
        line.strip()
        for name in names
        for line in (HERE / name).read_text(encoding="utf-8").splitlines()
    ]
    code = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f"(() => {{\n{code}\n}})();"


def style(*names: str) -> str:
    """Styles of this room as one, without indentation."""
    texts = ((HERE / name).read_text(encoding="utf-8") for name in names)
    return "\n".join(line.strip() for text in texts for line in text.splitlines())


SCRIPT = script("stage.js", "player.js")
FOLDING = script("stage.js", "fold.js", "player.js")
STYLE, FOLDED = PAGE_COLOURS + style("player.css", "stage.css"), style("fold.css")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
@media screen {{ :root {{ color-scheme: light dark; }} }}
body {{ margin: 1rem; font: 15px/1.5 system-ui, sans-serif; }}
.aside {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
{style}
@media screen and (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee; }}
  [data-chalkgrad] > svg {{ filter: invert(1) hue-rotate(180deg); }} }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(title: str, body: str, style: str = "") -> bytes:
    """A whole page around a piece of HTML, that may ask no network for anything."""
    return PAGE.format(title=html.escape(title), body=body, style=style).encode()


@dataclass(frozen=True)
class Frame:
    """One state of the picture.

    Attributes:
        title: what happens, in a line.
        lines: more of it, below the title.
        active: ids of the elements that are lit in this frame alone, by an attribute ``data-on``.
        changes: what is different from the frame before, by element id and attribute; the
            attribute ``text`` is the element's text. The first frame sets all that others change.
    """

    title: str
    lines: Sequence[str]
    active: Sequence[str]
    changes: Mapping[tuple[str, str], str]


def differences(
    before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """The changes that lead from one whole state of a picture to another."""
    return {key: value for key, value in after.items() if before.get(key) != value}


def in_script(data: Any) -> str:
    """Data as JSON, to stand in a script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # Only "</script>" would end it; without these three, nothing can.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def svg_url(svg: str) -> str:
    """An SVG document as an address, to stand in double quotes."""
    # Not in base64, which would be a third longer. An attribute ends at a double quote alone.
    svg = svg.replace("'", "&#39;").replace('"', "'").replace("\n", " ")
    svg = svg.replace("%", "%25").replace("#", "%23").replace("&", "&amp;")
    return f"data:image/svg+xml,{svg}"


def running(kind: str, picture: str, style: str, data: Mapping[str, Any], script: str) -> str:
    """A page that computes, as a piece of HTML: its picture, its data, and what runs there.

    The script starts the pages that it is for, ``[data-program="PROGRAM"]``, and no other.
    """
    name = hashlib.sha256(script.encode()).hexdigest()[:16]
    return (
        f'<div data-chalkgrad="{kind}" data-program="{name}" data-lm-suppress-shortcuts="true">\n'
        f"{picture}\n"
        f'<script type="application/json">{in_script({"css": style, **data})}</script>\n'
        f"<script>\n// {READABLE}\n"
        f'(() => {{\nconst PROGRAM = "{name}";\n{script}\n}})();\n</script>\n</div>'
    )


READABLE = "chalkgrad: to be read in autograd/show and nn/show"


class Framed:
    """What shows itself as a page in Jupyter, and as one in marimo, whose cells run no scripts.

    There the page stands in a frame.
    """

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        raise NotImplementedError

    def _mime_(self) -> tuple[str, str]:
        bundle = self._repr_mimebundle_(include={"text/html"})
        if "text/html" not in bundle:
            return "text/plain", bundle["text/plain"]
        inside = html.escape(page(type(self).__name__, bundle["text/html"]).decode())
        return "text/html", f'<iframe {FRAME} srcdoc="{inside}"></iframe>'


FRAME = (
    'style="width: 100%; height: 30rem; border: 0" onload="this.style.height = '
    "this.contentDocument.documentElement.offsetHeight + 20 + 'px'\""
)


class Page(Framed):
    """What shows itself in Jupyter, and has ``.save("page.html")``.

    Attributes:
        title: what it is.
    """

    title: str
    _text: str  # the same for a terminal
    _svg: str  # its picture, finished

    def _around(self, picture: str, style: str) -> str:
        """The page's content around its picture, that is shown until it runs."""
        raise NotImplementedError

    def fragment(self) -> str:
        """The page's content as a piece of HTML, to stand in any page."""
        image = f'<img alt="{html.escape(self.title)}" src="{svg_url(self._svg)}">'
        return self._around(image, "")

    def standing(self) -> str:
        """The same for a page of its own, with a picture that needs neither script nor style."""
        return self._around(*bare(self._svg, self.title))

    def __repr__(self) -> str:
        return for_output([self._text])[0]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.fragment()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a page that works from a file, without a network: whole or not at all.

        Raises:
            TypeError: ``path`` is no path.
            ValueError: the name does not end in .html.
            OSError: the file can't be written.
        """
        if ending(path) != ".html":
            raise ValueError(f"path must end in .html, got {str(path)!r}")
        heading = f'<h1 class="aside">{html.escape(self.title)}</h1>'
        write_whole(path, page(self.title, heading + self.standing()))


class Player(Page):
    """A picture in steps: a page.

    Args:
        svg: the picture in its last state.
        frames: its states.
        details: by element id, the lines to show when it is clicked, a title first.
        title: what the picture is of.
        text: the same for a terminal; the frames' own text, if not given.
        word: what a frame is called, "step" or "update".
        interval: milliseconds from frame to frame when it plays.
        groups: by name, ids of boxes that can be folded into one.
        folded: whether they are at first.
    """

    def __init__(
        self,
        svg: str,
        frames: Sequence[Frame],
        details: Mapping[str, Sequence[str]],
        title: str,
        text: str | None = None,
        word: str = "step",
        interval: int = 900,
        groups: Mapping[str, Sequence[str]] | None = None,
        folded: bool = False,
    ) -> None:
        self.frames, self.title = list(frames), title
        self._svg = svg
        lines = ["\n    ".join([f"{i}. {f.title}", *f.lines]) for i, f in enumerate(frames)]
        self._text = "\n".join(lines) if text is None else text
        self._data = {"details": details, "word": word, "interval": interval}
        self._data |= {"groups": groups or {}, "folded": folded}

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.frames)

    def _around(self, picture: str, style: str) -> str:
        frames = [
            {
                "title": frame.title,
                "lines": frame.lines,
                "active": frame.active,
                "changes": [
                    [name, value] if attribute == "text" else [name, value, attribute]
                    for (name, attribute), value in frame.changes.items()
                ],
            }
            for frame in self.frames
        ]
        code, css = (FOLDING, STYLE + FOLDED) if self._data["groups"] else (SCRIPT, STYLE)
        data = in_script({"css": css + style, "frames": frames, **self._data})
        return (
            '<div data-chalkgrad="player" data-lm-suppress-shortcuts="true">\n'
            f"{picture}\n"
            f'<script type="application/json">{data}</script>\n'
            f"<script>\n{code}</script>\n</div>"
        )
