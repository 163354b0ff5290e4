"""`replay`: a function that is recorded once for each structure of its arguments, then replayed.

A function of numbers and Values records a graph at every call. Here only the first call of a
structure (lengths, shapes, ints) does; what was recorded becomes a program, which the other calls
run. The result is one Value, a node whose partial derivatives are what the program gave.

>>> import autograd
>>> from autograd import Value
>>> w = Value(2.0)
>>> loss_of = autograd.replay(lambda x, y: autograd.sum([(w * a - y) ** 2 for a in x]))
>>> loss_of([1.0, 2.0], 3.0), loss_of([1.0, 2.0, 3.0], 4.0)  # two lengths, two programs
(Value(data=2.0, grad=0.0), Value(data=8.0, grad=0.0))
>>> loss = loss_of([1.0, 3.0], 5.0)
>>> loss.backward()
>>> loss.data, w.grad
(10.0, 0.0)
"""

from __future__ import annotations

import functools
import math
import pickle
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from . import functions as recorded
from . import primitives as p
from .compiler import Program, collector_paused, compile, of_one
from .compiler.checking import check_example
from .compiler.structure import Kept
from .copies import place_of
from .derivatives import backward_pass
from .recordings import Given, Recording, given_to, is_recording, names_of, rebuilt, record_function
from .value import Value, check_function, record, short_repr
from .vectors import data_of

Array = npt.NDArray[np.float64]

EVERY = 64  # calls of one structure, from check to check

FROZEN = (
    "What f reads besides its arguments and the data of Values is frozen too: make it an argument. "
    "The program is dropped"
)


def replay(f: Callable[..., Any], keep: int = 64) -> Replayed:
    """``f``, recorded at the first call for each structure of its arguments, and replayed after.

    ``replay(f)`` takes what ``f`` takes and gives what it gives: a Value whose ``data`` is the same
    up to rounding and whose ``backward()`` adds the same gradients to the same Values. It suits a
    function that is called again and again, such as the loss of an example, also where examples
    differ in length.

    What may differ from call to call without recording:

    - numbers: floats, and arrays of them. ``f`` is given Values in their place (of an array, an
      array of Values);
    - Values among the arguments. ``f`` is given others in their place; the gradient reaches those
      that were passed, such as the rows ``[wte[t] for t in tokens]`` of a table;
    - ``data`` of Values that ``f`` reads besides, its parameters: they are found in the graph.

    The rest is structure: how the arguments are nested, their lengths and shapes; ints, bools,
    strings, None; other objects by equality. For each structure there is a program of its own. So
    pass a token or a class as an int where few different ones occur, and else as Values (a row) or
    floats (1.0 at its place among zeros).

    What a recording can't see (a Python ``if`` on numbers, chance, ``.data`` that is read, plain
    numbers and Values from outside that were replaced by others) is looked for: ``f`` is recorded
    afresh at the first two calls of each structure and at every 64th, and compared with the
    program. In between ``f`` does not run. Don't ask whether a number is 0 by ``if b`` or
    ``b == 0``: ``f`` gets a Value, for which the first is always true and the second never, with a
    warning.

    Args:
        f: a function of numbers and Values, in lists, tuples, dictionaries and arrays or not, that
            returns a Value; or several, in a list, tuple, dictionary or array: then each call takes
            one backward pass per Value.
        keep: how many programs to keep; the one that was used longest ago is dropped.

    Derivatives of higher order through the result are taken on ``f`` recorded anew. To `compile`
    a graph, record ``f`` itself: ``replay(f).__wrapped__``.

    Raises:
        TypeError: ``f`` is not a function, or ``keep`` not an int; when it is called, an argument
            is a set, an iterator or the like, or ``f`` returns something other than Values.
        ValueError: ``keep`` is less than 1; when it is called, a check finds that ``f`` is not what
            was recorded, and the program is dropped; ``f`` uses a Value that was computed outside;
            or a primitive can't run on arrays.

    >>> w, table = Value(3.0), [Value(1.0), Value(2.0)]
    >>> score = replay(lambda rows: sum(rows) * w)
    >>> score([table[0], table[1], table[0]]).backward()
    >>> [v.grad for v in table], w.grad
    ([6.0, 3.0], 4.0)
    """
    check_function(f)
    if type(keep) is not int:
        raise TypeError(f"keep must be an int, the number of programs, got {short_repr(keep)}")
    if keep < 1:
        raise ValueError(f"keep must be at least 1, got {keep}")
    return Replayed(f, keep)


class Replayed:
    """What `replay` makes: called like the function, with the same result."""

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(self, f: Callable[..., Any], keep: int) -> None:
        functools.update_wrapper(self, f, updated=())
        name = getattr(f, "__name__", "")
        self.__name__ = name if name.isidentifier() else "f"
        self._keep = keep
        self._kept: Kept[_Tape] = Kept(most=math.inf, many=keep)
        self._calls = self._made = 0  # of batches and examples; of programs

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method of ``instance``, where it stands in a class."""
        return self if instance is None else MethodType(self, instance)

    @property
    def programs(self) -> list[Program]:
        """The programs that are kept, the last used one at the end."""
        return [tape.program for _, tape in self._kept.items()]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As the function, replayed where its structure has been met."""
        if is_recording():  # as a part of a function that is itself to be replayed
            return self.__wrapped__(*args, **kwargs)
        return self._results([given_to(self.__wrapped__, args, kwargs)])

    def sum(self, examples: Iterable[tuple[Any, ...]]) -> Value:
        """The sum over ``examples`` of the function, as one Value: a batch at array speed.

        Examples of one structure run together, as the rows of one batch, if no Values are among
        their arguments, or the same ones; the others run one by one. A batch counts as one call:
        when it is checked, one of its examples is, each time another one.

        Args:
            examples: tuples, each the arguments of one call.

        Raises:
            TypeError: an example is not a tuple, or the function returns several Values.
            ValueError: there are no examples.

        >>> w = Value(2.0)
        >>> loss_of = replay(lambda x, y: (w * x - y) ** 2)
        >>> loss_of.sum([(1.0, 1.0), (2.0, 0.0)]).data
        17.0
        """
        try:
            examples = list(examples)
        except TypeError:
            raise TypeError(
                f"examples must be tuples of arguments, in a list, got {short_repr(examples)}"
            ) from None
        for i, args in enumerate(examples):
            if not isinstance(args, tuple):
                raise TypeError(
                    f"examples[{i}] must be a tuple of arguments, got {short_repr(args)}: for one "
                    "argument write (x,)"
                )
        if not examples:
            raise ValueError("examples is empty: give at least one tuple of arguments")
        if is_recording():
            return self._total([self.__wrapped__(*args) for args in examples])
        groups: dict[Any, list[Given]] = defaultdict(list)
        for args in examples:
            given = given_to(self.__wrapped__, args, {})
            groups[given.key, tuple(given.values)].append(given)
        return self._total([self._results(group) for group in groups.values()])

    def _total(self, results: list[Any]) -> Value:
        if not all(isinstance(v, Value) for v in results):
            raise TypeError(f"{self.__name__} returns several Values: only one can be summed")
        total: Value = results[0] if len(results) == 1 else recorded.sum(results)
        return total

    def _results(self, group: list[Given]) -> Any:
        """What the function returns, summed over a group of one structure and the same Values.

        What was recorded for the structure is checked, if it is time to.
        """
        self._calls += 1
        key = group[0].key
        tape = self._kept.get(key)
        if tape is None:
            with collector_paused():
                tape = _Tape(self.__wrapped__, self.__name__, group[0])
            self._kept.keep(key, tape)
            self._made += 1
            if self._made == 2 * self._keep and self._calls < 2 * self._made:
                self._warn(group[0])
            if len(group) == 1:
                return tape.results(group)
        tape.calls = call = tape.calls + 1
        if call == 2 or call % EVERY == 0:
            given = group[(1 + call // EVERY) % len(group)]
            try:
                with collector_paused():
                    tape.check(call, given, record_function(self.__wrapped__, given, _leaf))
            except BaseException:
                self._kept.drop(key)
                raise
        return tape.results(group)

    def _warn(self, given: Given) -> None:
        """Say that nearly every call is recorded, and which argument makes it so."""
        keys = [key[-len(given.key) :] for key, _ in self._kept.items()]
        names = names_of(self.__wrapped__, given.args, given.kwargs)
        different = [len(set(column)) for column in zip(*keys)][-len(names) :]
        name = names[different.index(max(different))] if names else ""
        warnings.warn(
            f"{self.__name__} was recorded for {self._made} structures in {self._calls} calls, "
            f"which is slower than to call the function itself: {name!r} has another structure "
            "nearly every time. Ints are structure: pass floats where they are numbers, and Values "
            "that they are an index of",
            stacklevel=4,
        )

    def __reduce__(self) -> Any:
        # Without its programs, which are recorded anew. Where it has taken the name of f, as by
        # @replay, that name is what a pickle has to hold.
        _, name = place_of(self)
        return name or (replay, (self.__wrapped__, self._keep))

    def __repr__(self) -> str:
        counts = {"call": self._calls, "structure": self._made, "program": len(self.programs)}
        calls, made, kept = (f"{n:,} {what}{'s' * (n != 1)}" for what, n in counts.items())
        return f"<{self.__name__}, replayed: {calls}, {made} recorded, {kept} kept>"


class _Tape:
    """What was recorded for one structure, as a program, with the Values that it reads.

    Attributes:
        program: its inputs are the numbers among the arguments, and for several results ``seed``,
            1 for the one that the gradient is taken of and 0 for the others; its parameters are the
            Values among the arguments, then those that were there before the function ran.
        outputs: how many results there are.
        form: how they are nested.
        calls: how many there were; the recording was the first.
    """

    size = 0  # no bytes are counted, only tapes

    def __init__(self, f: Callable[..., Any], name: str, given: Given) -> None:
        self.f, self.name, self.calls = f, name, 1
        first, again = record_function(f, given, _leaf), record_function(f, given, _leaf)
        # What the function makes is new each time; what both graphs share is read at each call.
        self.shared = [v for v in first.order if v in again.nodes]
        for v in self.shared:
            if v.primitive is not None:
                raise ValueError(
                    f"{name} uses {short_repr(v)}, which was computed outside by {v.op!r}: make it "
                    "an argument, or compute it inside"
                )
        self.form = rebuilt(first.result, lambda v, name: Value(0.0), "")  # without the graph
        self.outputs = len(first.roots)
        root: Any = first.roots[0]
        seeds: list[Value] = []
        if self.outputs > 1:
            seeds = [Value(1.0, label=f"seed[{i}]") for i in range(self.outputs)]
            root = [recorded.where(seed, v, 0.0) for seed, v in zip(seeds, first.roots)]
        leaves = [*first.values, *self.shared]
        self.program = compile(root, [*first.numbers, *seeds], leaves)
        self.check(1, given, again)

    def check(self, call: int, given: Given, anew: Recording) -> None:
        """Compare the program with the function, newly recorded for the same arguments.

        Raises:
            ValueError: they differ.
        """
        where = f"call {call} of {self.name} with this structure"
        gone = next((v for v in self.shared if v not in anew.nodes), None)
        if gone is not None:
            raise ValueError(
                f"{where}: {short_repr(gone)} is not used any more. Either another Value has taken "
                "its place: change its .data instead, or make it an argument; or a Python `if` "
                "left it out: use autograd.where(c, a, b) instead. The program is dropped"
            )
        rows = self.rows([given], [1.0] * self.outputs)
        point = data_of([*given.values, *self.shared])
        outputs, gradient = of_one(self.program, rows, point)
        leaves = [*anew.values, *self.shared]
        try:
            check_example(where, anew.roots, self.outputs, outputs, gradient, leaves)
        except ValueError as error:
            raise ValueError(f"{error}. {FROZEN}") from None

    def results(self, group: list[Given]) -> Any:
        """What the function returns, summed over examples whose Values are the same."""
        nodes = iter([_Run(self, group, i).node() for i in range(self.outputs)])
        return rebuilt(self.form, lambda v, name: next(nodes), "")

    def rows(self, group: list[Given], seeds: list[float]) -> Array:
        """The batch for examples: their numbers."""
        end = seeds if self.outputs > 1 else []
        return np.array([[*given.numbers, *end] for given in group], float)


class _Run(p.Primitive):
    """A tape run for some examples: their result ``i``, summed, as a primitive of the Values."""

    __slots__ = ("group", "i", "known", "point", "rows", "tape", "values")

    def __init__(self, tape: _Tape, group: list[Given], i: int) -> None:
        self.symbol, self.chooses, self.function = tape.name, False, None
        self.tape, self.group, self.i = tape, group, i
        self.rows = tape.rows(group, [float(j == i) for j in range(tape.outputs)])
        self.values = (*group[0].values, *tape.shared)
        self.point = data_of(self.values)
        self.known = self._at(self.point)

    def node(self) -> Value:
        """The result; a leaf if it depends on no Values."""
        if not self.values:
            return Value(self.known[0])
        return record(self, self.values, self.point)

    def _at(self, x: Any) -> tuple[float, tuple[float, ...]]:
        """The value, and the derivatives by the Values, where these are ``x``."""
        outputs, gradient = self.tape.program(self.rows, np.array(x))
        if self.tape.outputs > 1:
            outputs = outputs[:, self.i]
        return p.SUM.value_at(tuple(outputs.tolist())), tuple(gradient.tolist())

    def __reduce__(self) -> NoReturn:
        raise pickle.PicklingError(
            f"what {self.symbol} gave, replayed, can't be pickled, as its graph was not recorded: "
            f"pickle what {self.symbol}.__wrapped__(...) gives, which records it"
        )

    # The row on floats, which a primitive of the table keeps in slots.

    def value(self, x: Any) -> float:
        return (self.known if x is self.point else self._at(x))[0]

    def partials(self, z: float, x: Any) -> tuple[Any, ...]:
        return ((self.known if x is self.point else self._at(x))[1],)

    def on(self, m: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """As arithmetic only that of Values will do: the function is recorded anew."""
        if m is recorded:
            return self.value, self._partials_anew
        raise ValueError(
            f"{self.symbol} is replayed, and can't be compiled once more: compile what "
            f"{self.symbol}.__wrapped__(...) gives, which is recorded"
        )

    def _partials_anew(self, z: Value, x: Any) -> tuple[Any, ...]:
        ds: list[Any] = []
        for given in self.group:
            anew = record_function(self.tape.f, given, _same)
            leaves = [*anew.values, *self.tape.shared]
            more = backward_pass(anew.roots[self.i], leaves, recorded=True)
            ds = [a + b for a, b in zip(ds, more)] if ds else more
        return (tuple(ds),)


def _leaf(v: Value, name: str) -> Value:
    """What is recorded in place of an argument: a leaf, named after the place where it stands."""
    return Value(v.data, label=name)


def _same(v: Value, name: str) -> Value:
    """What stands for an argument where the derivative is to reach it, once for each place."""
    return record(p.POS, v, v.data)
