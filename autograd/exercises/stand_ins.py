"""Stand-ins for what stays in a student's process: functions, objects, classes.

``ask(method, *args, **kwargs)`` asks the thing itself: see `wire`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

Ask = Callable[..., Any]


def reference_of(x: Any) -> int | None:
    """The number under which the other side knows what this stands for; None of other things."""
    if isinstance(x, Remote | RemoteClass):
        number = vars(x).get("_number")
    else:
        number = getattr(x, "_number", None) if type(x) is _FUNCTION else None
    return number if type(number) is int else None


_FUNCTION = type(lambda: None)


def function_of(ask: Ask, number: int, name: str, unfinished: bool) -> Any:
    """A function; if it stands for one that has a hole in it, it has one too, as checks look."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return ask("__call__", *args, **kwargs)

    def call_unfinished(*args: Any, **kwargs: Any) -> Any:
        answer = ask("__call__", *args, **kwargs)
        ...
        return answer

    made: Any = call_unfinished if unfinished else call
    made.__name__ = made.__qualname__ = name
    made._number = number
    return made


class Remote:
    """An object. Its subclasses have the operators and so on that the thing itself has."""

    def __init__(self, ask: Ask, number: int) -> None:
        self.__dict__.update(_ask=ask, _number=number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_ipython_display_":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self.__dict__["_ask"]("__getattr__", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_ask"]("__setattr__", name, value)

    def __repr__(self) -> str:
        return str(self.__dict__["_ask"]("__repr__"))

    def __hash__(self) -> int:
        return hash((Remote, self.__dict__["_number"]))

    def __eq__(self, other: object) -> Any:
        return self is other


def _equals(self: Any, other: Any) -> Any:
    # What a student's own == says of a number that was expected decides nothing.
    return self.__dict__["_ask"]("__eq__", other) if isinstance(other, Remote) else NotImplemented


@cache
def _kind(name: str, methods: frozenset[str]) -> type[Remote]:
    def forwarding(method: str) -> Callable[..., Any]:
        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            return self.__dict__["_ask"](method, *args, **kwargs)

        return forward

    made: dict[str, Any] = {m: forwarding(m) for m in methods}
    if "__eq__" in methods:
        made |= {"__eq__": _equals, "__hash__": Remote.__hash__}
    return type(name, (Remote,), made)


def object_of(ask: Ask, number: int, name: str, methods: frozenset[str]) -> Remote:
    """An object of a type of this name, with these methods."""
    return _kind(name, methods)(ask, number)


class RemoteClass(type):
    """The type of classes that stand for others."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return cls.__dict__["_ask"][0]("__call__", *args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls.__dict__["_ask"][0]("__getattr__", name)

    def __setattr__(cls, name: str, value: Any) -> None:
        cls.__dict__["_ask"][0]("__setattr__", name, value)


def class_of(ask: Ask, number: int, name: str, holes: dict[str, Any]) -> Any:
    """A class; those of its methods that have a hole are there, as checks look for them."""
    safe = {n: f for n, f in holes.items() if n != "_ask"}
    # Not as plain functions, which would be taken for methods.
    return RemoteClass(name, (), {**safe, "_ask": (ask,), "_number": number})
