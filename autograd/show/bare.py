"""A picture that needs no style sheet: what its style says stands in attributes too.

Whoever serves a page may forbid it styles and images of its own, for instance by the policy
``default-src 'self'``. SVG in the page still shows, as far as it is painted by attributes; and
where its style is let through, that goes before all attributes.
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .colours import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
# Rounded to three digits, which nobody sees.
COLOURS = {
    name: "#" + "".join(f"{round(int(two, 16) / 17):x}" for two in pairs)
    for name, *pairs in re.findall(r"(--\w+): #(..)(..)(..);", LIGHT)
}
# What an element has from those around it, and what it is where nobody says it.
INHERITED = {
    "fill": "#000", "fill-opacity": "1", "visibility": "visible",
    "font-family": "", "font-size": "medium", "font-weight": "normal", "text-anchor": "start",
    "stroke": "none", "stroke-width": "1", "stroke-opacity": "1", "stroke-dasharray": "none",
}  # fmt: skip
OWN = ("opacity", "display")
SHAPES = ("rect", "circle", "path", "line", "polyline", "polygon")
TEXTS = ("text", "tspan")
MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
# A tag, classes, and attributes that must be there: what else CSS has is for pages that run.
COMPOUND = re.compile(r"([a-z]*)((?:\.[\w-]+)*)((?:\[[\w-]+\])*)")


class Simple(NamedTuple):
    """One part of a selector: what an element must have."""

    tag: str
    classes: frozenset[str]
    attributes: frozenset[str]

    def fits(self, element: ET.Element) -> bool:
        """Whether the element has it."""
        return (
            self.tag in ("", element.tag)
            and self.classes <= {*element.get("class", "").split()}
            and self.attributes <= {*element.keys()}
        )


Rule = tuple[list[Simple], dict[str, str]]


Wanted = dict[ET.Element, dict[str, str]]


def bare(svg: str, title: str) -> tuple[str, str]:
    """A picture of ours as an element of a page, painted in light colours; and its style apart."""
    root = ET.fromstring(svg)
    sheets = root.findall(f"{SVG}style")
    style = "".join(sheet.text or "" for sheet in sheets)
    for sheet in sheets:
        root.remove(sheet)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
    wanted: Wanted = {}
    _paint(root, sorted(_rules(style), key=_weight), [], INHERITED, wanted)
    _gather(root, wanted)
    for element, attributes in wanted.items():
        for name, text in attributes.items():
            if element is not root or text != INHERITED.get(name):
                element.set(name, text)
    root.set("role", "img")
    root.set("aria-label", title)
    # The page has colours of its own, light and dark.
    style = MEDIA.sub("", re.sub(r"--\w+: ?#\w+;\s*", "", style))
    return ET.tostring(root, encoding="unicode").replace(" />", "/>"), style


def _rules(style: str) -> Iterator[Rule]:
    """The rules of a style that can match a picture at rest, a selector each."""
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", MEDIA.sub("", style)):
        said = dict(re.findall(r"([\w-]+):\s*([^;]+?)\s*(?:;|$)", body))
        painted = {
            name: re.sub(
                r"var\((--\w+)\)", lambda of: COLOURS.get(of[1], "none"), text
            ).removesuffix("px")
            for name, text in said.items()
            if name in (*INHERITED, *OWN, "paint-order")
        }
        for selector in re.split(r",(?![^()]*\))", selectors):
            parts = [COMPOUND.fullmatch(part) for part in selector.split()]
            if painted and all(parts):
                yield [_simple(*part.groups()) for part in parts if part], painted


def _simple(tag: str, classes: str, attributes: str) -> Simple:
    return Simple(
        tag, frozenset(classes.split(".")[1:]), frozenset(re.findall(r"[\w-]+", attributes))
    )


def _weight(rule: Rule) -> tuple[int, int]:
    """What CSS calls specificity: of two rules, the one with more of it wins."""
    parts = rule[0]
    return (
        sum(len(part.classes) + len(part.attributes) for part in parts),
        sum(part.tag != "" for part in parts),
    )


def _paint(
    element: ET.Element,
    rules: Sequence[Rule],
    above: list[ET.Element],
    given: Mapping[str, str],
    wanted: Wanted,
) -> None:
    """Find what an element, and all in it, wants to be said that its attributes do not say."""
    said = {name: text for name, text in element.items() if name in (*INHERITED, *OWN)}
    own = dict(said)
    for parts, painted in rules:
        if parts[-1].fits(element) and _stands_in(above, parts[:-1]):
            own |= painted
    halo = own.pop("paint-order", None)  # around letters: it takes much, and adds little
    if halo:
        own = {name: text for name, text in own.items() if not name.startswith("stroke")}
    now = {**given, **own}
    wants = {name: own[name] for name in OWN if name in own}
    if element.tag in ("svg", *SHAPES, *TEXTS):
        wants |= {name: now[name] for name in INHERITED if now[name]}
    if element.tag in SHAPES:
        wants = {
            name: text for name, text in wants.items() if not name.startswith(("font", "text"))
        }
    if element.tag != "svg" and now["stroke"] == "none":  # but where there is style, a halo is
        some = ("stroke-opacity", "stroke-dasharray") if halo else ()
        wants = {k: text for k, text in wants.items() if k in some or not k.startswith("stroke-")}
    inside = given if element.tag == "tspan" else said  # a text's own words are not gathered
    wanted[element] = {name: text for name, text in wants.items() if inside.get(name) != text}
    for child in element:
        _paint(child, rules, [*above, element], now, wanted)


def _gather(element: ET.Element, wanted: Wanted) -> None:
    """Have a group say what most in it want (most of what is said), and those no more.

    What the whole picture has is not touched: a script may put something of its own there.
    """
    if element.tag in TEXTS:
        return
    for child in element:
        _gather(child, wanted)
    for name in INHERITED:
        votes = Counter(wanted[child][name] for child in element if name in wanted[child])
        if not votes:
            continue
        most = max(votes, key=lambda text: votes[text] * len(f"{name}{text}"))
        most = wanted[element].setdefault(name, element.get(name, most))
        for child in element:
            if wanted[child].get(name) == most:
                del wanted[child][name]


def _stands_in(above: Sequence[ET.Element], parts: Sequence[Simple]) -> bool:
    """Whether elements around it fit the parts, in their order."""
    around = iter(above)
    return all(any(part.fits(element) for element in around) for part in parts)
