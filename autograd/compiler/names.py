"""Identifiers for the source that `compile` writes: made from labels, valid, and unique."""

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from typing import Any

# What the source uses itself.
RESERVED = (
    "b", "batch", "d_flat", "erf", "erfc", "flat", "float", "gradients", "len", "np", "parameters",
    "program", "range", "reversed", "t", "views",
)  # fmt: skip
MADE_UP = ("c", "index", "t", "v")  # for constants, indexes, lines, and nodes without a label


class Names:
    """The names in use; ``reserved`` ones are taken from the start."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._taken = set(reserved)
        self._counts: Counter[str] = Counter()

    def new(self, wish: str) -> str:
        """A free identifier, ``wish`` itself if that is one.

        >>> names = Names(["np"])
        >>> [names.new(wish) for wish in ("a1", "a1", "np", "lambda", "my label", "v", "v")]
        ['a1', 'a1_2', 'np_2', 'lambda_', 'my_label', 'v1', 'v2']
        """
        stem = _identifier(wish)
        counted = stem in MADE_UP  # always numbered, from 1; other names only if they come again
        free = stem
        while counted or free in self._taken:
            counted = False
            self._counts[stem] += 1
            count = self._counts[stem]
            free = f"{stem}{count}" if stem in MADE_UP else f"{stem}_{count + 1}"
        self._taken.add(free)
        return free

    def pair(self, wish: str) -> str:
        """A free name, and with it the name of its derivative, which has ``d_`` before it."""
        name = self.new(wish)
        while f"d_{name}" in self._taken:
            name = self.new(wish)
        self._taken.add(f"d_{name}")
        return name


@lru_cache
def _identifier(wish: str) -> str:
    """The identifier most like ``wish``."""
    stem = re.sub(r"\W", "_", unicodedata.normalize("NFKC", wish))
    if not stem.isidentifier():  # a digit comes first, or a letter that Python does not take
        stem = "_" + re.sub(r"\W", "_", stem, flags=re.ASCII)
    return f"{stem}_" if keyword.iskeyword(stem) or stem == "__debug__" else stem


def common_label(nodes: Iterable[Any]) -> str:
    """The label that nodes share, without the index in brackets; empty if they share none."""
    texts = list(map(attrgetter("label"), nodes))
    label = _without_index(texts[0])
    # Many labels are looked at in one text, which is sooner done: as often as there are labels, it
    # has the beginning, the end, and no bracket but those.
    n, lines = len(texts), "\n".join(["", *texts, ""])
    if (
        lines.count(f"\n{label}[") == lines.count("]\n") == lines.count("\n") - 1 == n
        and lines.count("[") == n * label.count("[") + n
    ):
        return label
    return label if {label}.issuperset(map(_without_index, texts)) else ""


def _without_index(label: str) -> str:
    return label.rpartition("[")[0] if label[-1:] == "]" else label
