"""Words that a reader takes for one, though they are written in two ways."""

from collections.abc import Iterable
from unicodedata import category, normalize

from autograd.show.notation import shortened
from autograd.value import short_repr


def told_apart(words: Iterable[str]) -> str:
    """What is said of words that look alike, in brackets; "" if there are none.

    >>> told_apart(["Basel", "basel", "Bern"])
    " ('Basel' and 'basel': told apart, so write one in one way)"
    """
    alike = dict[str, set[str]]()
    for text in words:
        alike.setdefault(_as_seen(text), set()).add(text)
    twice = [_apart(texts) for texts in alike.values() if len(texts) > 1]
    return f" ({', '.join(shortened(twice))}: told apart, so write one in one way)" if twice else ""


def _as_seen(text: str) -> str:
    r"""A word as a reader sees it, whatever its capitals, spaces, invisible marks and codes.

    >>> _as_seen("Caf\u00e9\u200b") == _as_seen("cafe\u0301")
    True
    """
    seen = (c for c in normalize("NFKC", text) if c.isspace() or category(c)[0] != "C")
    return " ".join("".join(seen).casefold().split())


def _apart(texts: Iterable[str]) -> str:
    """Words that a reader may take for one, written so that they are seen to differ."""
    show = short_repr if len({normalize("NFC", text) for text in texts}) > 1 else ascii
    return " and ".join(map(show, sorted(texts)))
