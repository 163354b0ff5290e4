"""The forms that results come in."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def listed(x: Any) -> Any:
    """A result with lists in place of generators, and of what else is no array, at any depth."""
    if isinstance(x, str | Mapping) or hasattr(x, "__array__") or not isinstance(x, Iterable):
        return x
    return [listed(v) for v in x]


def called(f: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives, with lists in place of generators."""
    return listed(f(*arguments))
