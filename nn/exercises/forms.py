"""The forms that results come in."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from autograd.exercises.checking import Case
from autograd.exercises.comparing import agree, entries_of


def listed(x: Any) -> Any:
    """A result with lists in place of generators, and of what else is no array, at any depth."""
    if isinstance(x, str | Mapping) or hasattr(x, "__array__") or not isinstance(x, Iterable):
        return x
    return [listed(v) for v in entries_of(x)]


CHANGED = (
    "what was given is changed: make a new list or array. b = a is a second name for the old one, "
    "and b[0] = 1 or b *= 2 changes it"
)


def unchanged(f: Callable[..., Any], arguments: Mapping[str, Any]) -> Case:
    """The case that a function leaves these arguments, by their names, as they are."""

    def changed() -> list[str]:
        given = deepcopy(list(arguments.values()))
        called(f, *given)
        return [n for n, v in zip(arguments, given) if not agree(v, arguments[n])]

    return Case(f"which of {', '.join(arguments)} differ after the call", changed, [], look=CHANGED)


def called(f: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives, with lists in place of generators."""
    return listed(f(*arguments))
