"""Messages between the process of a student's code and the one that judges it, and replies."""

import builtins
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .limits import Place, Told, places_of, places_of_told, places_told
from .wire import ALWAYS, METHODS, DamagedError, Peer, name_of

MOST = 16 << 20  # bytes of a message
EXCEPTIONS = [
    k for k in vars(builtins).values() if isinstance(k, type) and issubclass(k, BaseException)
]


def pack(message: Any) -> bytes:
    """A message as bytes: its length, then JSON."""
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(data) > MOST:
        raise ValueError(f"it is too large to be looked at: {len(data) >> 20} MB")
    return struct.pack(">I", len(data)) + data


def unpacked(read: Callable[[int], bytes]) -> Any:
    """The next message, or None at the end.

    Raises:
        DamagedError: it is none.
    """
    head = read(4)
    if not head:
        return None
    try:
        (length,) = struct.unpack(">I", head)
        if length > MOST:
            raise ValueError("too long")
        data = read(length)
        if len(data) < length:
            raise ValueError("cut off")
        message = json.loads(data)
        if not isinstance(message, list) or not message or not isinstance(message[0], str):
            raise ValueError("no message")
        return message
    except (ValueError, struct.error, RecursionError, UnicodeError) as error:
        raise DamagedError(f"what it sent can't be read: {error}") from None


def perform(peer: Peer, message: list[Any]) -> list[Any]:
    """Do what the other side asks for: ``["do", number, method, args, kwargs]``; the reply.

    Lists, dictionaries and arrays among the arguments that were changed go back with it, as the
    caller's own would have been changed.
    """
    _, number, method, args, kwargs = message
    thing = peer.thing(number)
    args, kwargs = peer.decode(args), peer.decode(kwargs)
    before = [peer.encode(a) for a in args]
    if method == "__call__":
        result = thing(*args, **kwargs)
    elif peer.only_functions or method not in (*METHODS, *ALWAYS):
        raise DamagedError(f"it asks for {method!r}")
    elif method == "__getattr__":
        result = getattr(thing, *args)
    elif method == "__setattr__":
        result = None
        setattr(thing, *args)
    else:
        result = getattr(type(thing), method)(thing, *args)
    if result is NotImplemented:
        return ["not implemented"]
    after = [peer.encode(a) for a in args]
    changed = [[i, new] for i, (old, new) in enumerate(zip(before, after)) if old != new]
    return ["value", peer.encode(result), changed]


def failure(error: BaseException) -> list[Any]:
    """The reply that tells of an exception."""
    kind = type(error)
    base = next(k for k in kind.__mro__ if k in EXCEPTIONS)
    try:
        text = str(error)
    except Exception:
        text = "its message can't be shown"
    return ["error", kind.__name__, base.__name__, text[:1000], places_told(places_of(error))]


def error_of(message: list[Any]) -> BaseException:
    """The exception that `failure` tells of: of a built-in type, or of one derived from it.

    Raises:
        DamagedError: it tells of none.
    """
    try:
        _, name, base, text, told = message
        kind: Any = next(k for k in EXCEPTIONS if k.__name__ == base)
        text = str(text)
        places = places_from(told)
    except (ValueError, TypeError, StopIteration) as problem:
        raise DamagedError(f"what it sent can't be used: {problem}") from None
    error: Any = None
    if name == base:
        try:
            error = kind(text)
        except TypeError:  # it takes more arguments
            error = None
    if error is None or str(error) != text:
        body = {"__str__": lambda self: text, "__init__": lambda self: None}
        kind = type(name_of(name), (kind,), body)
        error = kind.__new__(kind)
    error.elsewhere = places
    return error  # type: ignore[no-any-return]


def places_from(told: Any) -> Sequence[Place]:
    """The calls that another process says it is in.

    Raises:
        ValueError, TypeError: it says none.
    """
    rows: list[Told] = [(str(f), str(file), int(n), str(line)) for f, file, n, line in told[-200:]]
    return places_of_told(rows)


def restore(old: Any, new: Any) -> None:
    """Change a list, dictionary or array into what it has become on the other side."""
    if isinstance(old, list) and isinstance(new, list):
        if len(old) == len(new):
            for i, (a, b) in enumerate(zip(old, new)):
                one_array = isinstance(a, np.ndarray) and np.shape(a) == np.shape(b)
                if type(a) is type(b) and (one_array or isinstance(a, list | dict)):
                    restore(a, b)
                else:
                    old[i] = b
        else:
            old[:] = new
    elif isinstance(old, dict) and isinstance(new, dict):
        old.clear()
        old.update(new)
    elif isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and old.shape == new.shape:
        old[...] = new


def pieces(read: Callable[[int], bytes], n: int) -> Iterator[bytes]:
    """The next n bytes of a pipe, as they come."""
    while n > 0:
        piece = read(min(n, 1 << 16))
        if not piece:
            return
        n -= len(piece)
        yield piece
