"""A picture that needs no style sheet: what its style says stands in attributes.

Whoever serves a page may forbid it styles and images of its own, for instance by the policy
``default-src 'self'``. SVG in the page still shows, as far as it is painted by attributes.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .colours import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
COLOURS = dict(re.findall(r"(--\w+): (#\w+)", LIGHT))
INHERITED = (
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "visibility", "paint-order", "font-family", "font-size", "font-weight", "text-anchor",
)  # fmt: skip
OWN = ("opacity", "display")
SHAPES = ("rect", "circle", "path", "image")
DROPPED = re.compile(r"class|id|style|data-.*|aria-.*|role|tabindex")
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
            self.tag in ("", element.tag.removeprefix(SVG))
            and self.classes <= {*element.get("class", "").split()}
            and self.attributes <= {*element.keys()}
        )


Rule = tuple[list[Simple], dict[str, str]]


def bare(svg: str) -> str:
    """A picture of ours as an element of a page, in light colours, painted by attributes alone."""
    root = ET.fromstring(svg)
    rules = sorted(_rules("".join(e.text or "" for e in root.iter(f"{SVG}style"))), key=_weight)
    _paint(root, rules, [], {})
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _rules(style: str) -> Iterator[Rule]:
    """The rules of a style that can match a picture at rest, a selector each."""
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", MEDIA.sub("", style)):
        said = dict(re.findall(r"([\w-]+):\s*([^;]+?)\s*(?:;|$)", body))
        painted = {
            name: re.sub(r"var\((--\w+)\)", lambda of: COLOURS.get(of[1], "none"), text)
            .replace("#ffffff", "#fff")
            .removesuffix("px")
            for name, text in said.items()
            if name in (*INHERITED, *OWN)
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
) -> None:
    """Write into an element, and into all in it, what is not inherited anyway."""
    own = {name: text for name, text in element.items() if name in (*INHERITED, *OWN)}
    for parts, painted in rules:
        if parts[-1].fits(element) and _stands_in(above, parts[:-1]):
            own |= painted
    if own.pop("paint-order", None):  # a halo around letters: it takes much, and adds little
        own = {name: text for name, text in own.items() if not name.startswith("stroke")}
    if element.tag.removeprefix(SVG) in SHAPES:
        own = {name: text for name, text in own.items() if not name.startswith(("font", "text"))}
    for child in [*element]:
        if child.tag == f"{SVG}style":
            element.remove(child)
        else:
            _paint(child, rules, [*above, element], {**given, **own})
    element.tag = element.tag.removeprefix(SVG)
    for name in [*element.keys()]:
        if DROPPED.fullmatch(name) or name in own:
            del element.attrib[name]
    for name, text in own.items():
        if given.get(name) != text or name in OWN:
            element.set(name, text)


def _stands_in(above: Sequence[ET.Element], parts: Sequence[Simple]) -> bool:
    """Whether elements around it fit the parts, in their order."""
    around = iter(above)
    return all(any(part.fits(element) for element in around) for part in parts)
