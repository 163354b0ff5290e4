"""The forms that results come in."""

from collections.abc import Callable, Iterator
from typing import Any


def listed(x: Any) -> Any:
    """A result with lists in place of generators, at any depth."""
    return [listed(v) for v in x] if isinstance(x, Iterator | list | tuple) else x


def called(f: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives, with lists in place of generators."""
    return listed(f(*arguments))
