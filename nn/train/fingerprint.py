"""Fingerprints: whether a function, and the data that it uses, have stayed the same.

Equal things have equal fingerprints, in every process of one Python version. A fingerprint looks
at:

- numbers, texts, arrays, generators, and anything else that can be pickled: their content;
- a function: its code with its docstring, its defaults, and the variables of the functions around
  it; and the global variables that it uses, with functions and classes of its own module looked at
  likewise;
- functions and classes of other modules: their names alone, if they can be imported by these; other
  functions, as the schedules that `cosine` makes, are looked at too, but for the global variables.

What a function reads while it runs, such as a file, can't be seen.
"""

import dis
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import partial, reduce
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))


def fingerprint(thing: Any, module: str | None = None) -> str:
    """64 hexadecimal digits, the same for what is the same.

    Args:
        thing: a function, or any other object.
        module: the module whose functions are looked at; that of ``thing`` if not given.

    >>> fingerprint({"lr": 0.1}) == fingerprint({"lr": 0.1}), fingerprint(1) == fingerprint(1.0)
    (True, False)
    """
    return _Reader(module or module_of(thing)).digest(thing)


def inner(function: Any) -> Any:
    """The function in a `functools.partial`."""
    while isinstance(function, partial):
        function = function.func
    return function


def module_of(function: Any) -> str | None:
    """The name of the module that a function is from."""
    return getattr(inner(function), "__module__", None)


def name_of(function: Any) -> str:
    """What a function is called."""
    function = inner(function)
    return str(getattr(function, "__qualname__", type(function).__qualname__))


class _Reader:
    """Reads things part by part; of functions and classes, those of one module."""

    def __init__(self, module: str | None) -> None:
        self.module = module
        self.known: dict[int, tuple[Any, str]] = {}  # with the thing, so that its id stays taken

    def digest(self, thing: Any) -> str:
        if isinstance(thing, PLAIN):
            return _hashed(type(thing).__name__, repr(thing))
        if id(thing) not in self.known:
            self.known[id(thing)] = thing, "inside itself"  # until all of it is read
            self.known[id(thing)] = thing, _hashed(*self._parts(thing))
        return self.known[id(thing)][1]

    def _parts(self, thing: Any) -> Iterator[str | memoryview]:
        yield type(thing).__name__
        if isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
            yield repr((thing.dtype.descr, thing.shape))
            yield np.ascontiguousarray(thing).reshape(-1).view(np.uint8).data
        elif type(thing) in (list, tuple):  # others have more to them
            yield from map(self.digest, thing)
        elif isinstance(thing, set | frozenset):
            yield from sorted(map(self.digest, thing))
        elif type(thing) is dict:
            yield from self._mapping(thing)
        elif isinstance(thing, partial):
            yield from map(self.digest, (thing.func, thing.args, thing.keywords))
        elif isinstance(thing, MethodType):
            yield from map(self.digest, (thing.__func__, thing.__self__))
        elif isinstance(thing, CodeType):
            yield from self._code(thing)
        elif isinstance(thing, FunctionType) and (self._is_own(thing) or not _importable(thing)):
            yield from self._function(thing)
        elif isinstance(thing, property):
            yield from map(self.digest, (thing.fget, thing.fset, thing.fdel))
        elif isinstance(thing, type) and self._is_own(thing):
            own = {  # without what Python adds, such as the line on which a class begins
                name: part for name, part in vars(thing).items()
                if isinstance(part, FunctionType) or not name.startswith("__")
            }  # fmt: skip
            yield from map(self.digest, (thing.__qualname__, thing.__bases__, own))
        elif isinstance(thing, ModuleType):
            yield thing.__name__
        elif not isinstance(thing, FunctionType | type) and hasattr(thing, "__wrapped__") and (
            self._is_own(thing) or not _importable(thing)
        ):  # fmt: skip
            yield self.digest(thing.__wrapped__)  # as functools.cache has it
        elif isinstance(thing, type) or hasattr(thing, "__qualname__"):
            yield f"{getattr(thing, '__module__', '')}.{thing.__qualname__}"
        else:
            yield from self._object(thing)

    def _is_own(self, thing: Any) -> bool:
        return getattr(thing, "__module__", None) in ("__main__", self.module)

    def _mapping(self, items: Mapping[Any, Any]) -> Iterator[str]:
        for key, value in items.items():
            yield from (self.digest(key), self.digest(value))

    def _function(self, function: FunctionType) -> Iterator[str]:
        code = function.__code__
        yield from map(self.digest, (code, function.__defaults__, function.__kwdefaults__))
        for cell in function.__closure__ or ():
            try:
                yield self.digest(cell.cell_contents)
            except ValueError:  # a variable that was never set
                yield "unset"
        if not self._is_own(function):
            return
        for name in sorted(_globals_in(code)):
            yield name
            if name in function.__globals__:  # else a builtin
                yield self.digest(function.__globals__[name])

    def _code(self, code: CodeType) -> Iterator[str]:
        yield code.co_code.hex()
        for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_consts):
            yield self.digest(names)

    def _object(self, thing: Any) -> Iterator[str]:
        """What `pickle` would save of it; if it can't be pickled, its class alone."""
        yield self.digest(type(thing))
        try:
            kept = thing.__reduce_ex__(2)
        except Exception:  # the object may raise anything
            return
        if isinstance(kept, str):
            yield kept
            return
        how, given, *rest = kept
        yield from map(self.digest, (how, given))
        for part in rest:  # the state, and the entries of subclasses of list and dict
            yield self.digest(list(part) if isinstance(part, Iterator) else part)


def _importable(function: Any) -> bool:
    """Whether importing its name gives this object."""
    try:
        module: Any = sys.modules.get(function.__module__)
        return reduce(getattr, function.__qualname__.split("."), module) is function
    except AttributeError:
        return False


def _globals_in(code: CodeType) -> set[str]:
    """The global names that are read in a function, and in the functions in it."""
    names = {
        step.argval for step in dis.get_instructions(code) if step.opname in
        ("LOAD_GLOBAL", "LOAD_NAME")
    }  # fmt: skip
    return names.union(*(_globals_in(c) for c in code.co_consts if isinstance(c, CodeType)))


def _hashed(*parts: str | memoryview) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()
