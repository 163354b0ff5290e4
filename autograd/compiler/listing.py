"""Programs, as data: statements that use expressions, and loops of them."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy.typing as npt

from ..primitives import Primitive
from .expressions import ALL, Expr, Index, Shape, lengths

LONGEST = 5  # operations in a statement; a longer expression is split into several
WISHES = {"exp": "e", "max": "top", "sum": "total"}  # names of statements that have no label


class At(NamedTuple):
    """Where a step's array stands among the arrays of all steps, and rows of it.

    Attributes:
        step: which one; in a loop (``inside``), counted from the step that is running.
    """

    step: int
    inside: bool
    rows: Index = ALL


@dataclass(eq=False)
class Statement:
    """What is done with an expression, its ``value``.

    Attributes:
        serial: its place in the order of making.
        kind: ``"let"`` gives it the name; ``"set"`` and ``"add"`` put it into, or add it to,
            rows of the array of that name; ``"loop"`` and ``"back"`` run a ``body`` for each of the
            ``steps``, in order or in the reverse order.
        index: those rows; None for ``"let"``, and for all rows of an array that a let made.
        shape: the result's.
    """

    serial: int
    kind: str
    name: str
    value: Any
    index: Index | At | None = None
    shape: Shape = ()
    body: list["Statement"] = field(default_factory=list)
    steps: range = range(0)
    loop: Any = None


def every(statements: Iterable[Statement]) -> Iterator[Statement]:
    """All statements, those in the bodies of loops included."""
    for statement in statements:
        yield statement
        yield from statement.body


class Own(NamedTuple):
    """A user's own primitive: its value and its partial derivatives, as functions of arrays.

    Attributes:
        is_vector: whether it takes one vector; else it takes numbers.
    """

    value: Callable[..., Any]
    partials: Callable[..., Any]
    primitive: Primitive
    is_vector: bool


@dataclass(frozen=True)
class View:
    """An array ``(rows, columns)`` inside a flat vector; from row to row it is ``width``."""

    start: int
    rows: int
    columns: int
    width: int


Users = defaultdict[Expr, list[str]]


@dataclass
class Listing:
    """A program, as data: what a printer prints.

    Attributes:
        inputs, parameters: how many columns a batch has, and how many numbers the flat vector.
        views: the arrays of parameters by name; None for the flat vector itself.
        constants: arrays of numbers by name.
        functions: users' own primitives, by name.
        forward: the statements that compute the ``result``.
        backward: those that compute the gradient, written to arrays named ``d_`` and the view's.
        named: expressions that are used more than once, or are long, each with the statement that
            gives it a name.
        local: names of arrays that a loop need not keep of all steps.
    """

    inputs: int
    parameters: int
    views: Mapping[str, View | None]
    constants: Mapping[str, npt.NDArray[Any]]
    functions: Mapping[str, Own]
    forward: list[Statement]
    result: Expr
    backward: list[Statement]
    named: dict[Expr, Statement] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)

    @property
    def statements(self) -> list[Statement]:
        """All of them."""
        return list(every([*self.forward, *self.backward]))

    @cached_property
    def users(self) -> Users:
        """The expressions of the program, each with the operations or kinds of statement using it.

        The parts of an expression with a name count once, however often the expression is used.
        """
        return _users([*_values(self.statements), (self.result, "result")])

    @property
    def scopes(self) -> list[tuple[list[Statement], int]]:
        """The statements outside of loops, and those of each loop; with how often they run."""
        outer = [*self.forward, *self.backward]
        loops = [s for s in outer if s.body]
        return [([s for s in outer if not s.body], 1), *[(s.body, len(s.steps)) for s in loops]]

    @property
    def calls(self) -> tuple[int, int, int]:
        """How often statements are run, and how many there are; between, as `multiplications`."""
        run = sum([len(statements) * times for statements, times in self.scopes])
        return run, self.multiplications, len(self.statements)

    @property
    def multiplications(self) -> int:
        """Of all matrix products, for one example."""
        return sum(
            [
                times * math.prod(lengths((*x.shape, x.args[0].shape[1])))
                for statements, times in self.scopes
                for x in _users(_values(statements))
                if x.op == "matmul"
            ]
        )

    def block(self, least: int, most: int) -> int:
        """How many examples to run at once, of a batch with many.

        The memory of arrays of ``most`` numbers is used again; for larger ones the system gives it
        out anew each time, which may cost more than all else. But no fewer than ``least``, and so
        many that a block costs no more by itself, a microsecond for each statement and a nanosecond
        for each parameter, than its numbers do, a nanosecond each.
        """
        # The arrays of all steps of a loop are left out: a step needs but one of them at a time.
        sizes = [
            (_per_example(s.shape), times)
            for statements, times in self.scopes
            for s in statements
            if len(s.shape) < 3
        ]
        numbers = sum([size * n for size, n in sizes]) or 1
        largest = max([size for size, _ in sizes], default=0) or 1
        by_itself = 1000 * sum([n for _, n in sizes]) + self.parameters
        return max(least, most // largest, by_itself // numbers)

    def name_shared(
        self, turn: int, new_name: Callable[[str], str], wishes: Mapping[Expr, str]
    ) -> None:
        """Give expressions used more than once, and parts of long ones, statements of their own.

        Expressions made before ``turn`` are computed in the forward pass. In a loop, what changes
        from step to step is named there, and kept of all steps if both passes use it; what does not
        is computed before.
        """

        def let(x: Expr) -> Statement:
            wish = wishes.get(x, WISHES.get(x.op, "t"))
            statement = Statement(x.serial, "let", new_name(wish), x, shape=x.shape)
            self.named[x] = statement
            return statement

        outer = [*self.forward, *self.backward]
        found = [*_values(outer), (self.result, "result")]
        loops: defaultdict[Any, list[Statement]] = defaultdict(list)
        for statement in filter(lambda statement: statement.body, outer):
            loops[statement.loop].append(statement)
            inside = _users(_values(statement.body))
            fixed = [a for x in inside if x.loop for a in x.args if _is_fixed(a)]
            fixed += [s.value for s in statement.body if _is_fixed(s.value)]
            found += [(a, "loop") for a in fixed for _ in "ab"]  # as used twice
        for x in _worth_a_name(_users(found, lambda x: x.loop is None)):
            (self.forward if x.serial < turn else self.backward).append(let(x))
        for passes in loops.values():
            used = [_users(_values(each.body), lambda x: bool(x.loop)) for each in passes]
            own = {x for users in used for x in _worth_a_name(users)}
            for x in sorted(own, key=lambda x: x.serial):
                first = passes[0 if x in used[0] else 1]
                first.body.append(statement := let(x))
                if len(used) == 2 and x in used[0] and x in used[1]:
                    room = (first.steps.stop, *x.shape)
                    array = x.m.empty(room, x.is_condition)
                    self.forward.append(
                        Statement(x.serial, "let", statement.name, array, shape=room)
                    )
                    statement.kind, statement.index = "set", At(0, inside=True)
            for each in passes:
                each.body.sort(key=lambda statement: statement.serial)
        for part in (self.forward, self.backward):
            part.sort(key=lambda statement: statement.serial)
        self._find_local()

    def _find_local(self) -> None:
        """Arrays of a loop's steps that are read in the same step alone, and forward alone."""
        loops = [s for s in self.forward if s.body]
        rest = [s for s in [*self.forward, *self.backward] if s not in loops]
        elsewhere = _users([*_values(every(rest)), (self.result, "result")])
        kept = {x.info for x in elsewhere if x.op == "name"}
        kept |= {statement.name for statement in self.named.values()}
        for loop in loops:
            inside = _users(_values(loop.body))
            kept |= {x.args[0].info for x in inside if x.op == "earlier" and x.info > 0}
            for statement in loop.body:
                if statement.index == At(0, inside=True) and statement.name not in kept:
                    self.local.add(statement.name)
                    statement.kind, statement.index = "let", None
        self.forward = [s for s in self.forward if s.name not in self.local]


def _values(statements: Iterable[Statement]) -> list[tuple[Any, str]]:
    """The values of statements, each with what is done with it."""
    return [(s.value, s.kind) for s in statements]


def _users(
    found: Iterable[tuple[Any, str]], within: Callable[[Expr], bool] = lambda x: True
) -> Users:
    """Expressions and their parts, those ``within``, each with what uses it."""
    users: Users = defaultdict(list)
    stack = list(found)
    while stack:
        x, user = stack.pop()
        if not isinstance(x, Expr) or not within(x):
            continue
        users[x].append(user)
        # What costs nothing gets no name: then each of its uses computes its parts.
        if len(users[x]) == 1 or x.is_cheap:
            stack += [(a, x.op) for a in x.args]
    return users


def _worth_a_name(users: Users) -> list[Expr]:
    """What is used more than once, and parts of long expressions; in the order of making."""
    own: set[Expr] = set()
    sizes: dict[Expr, int] = {}  # how many operations an expression adds to its statement

    def size(x: Any) -> int:
        return 0 if x in own else sizes.get(x, 0)

    for x in sorted(users, key=lambda x: x.serial):
        while (inside := sum(map(size, x.args))) >= LONGEST:
            own.add(max(x.args, key=size))
        sizes[x] = inside + (not x.is_cheap)
        if len(users[x]) > 1 and not x.is_cheap:
            own.add(x)
    return sorted(own, key=lambda x: x.serial)


def _is_fixed(x: Any) -> bool:
    """Whether it is an expression that is the same at all steps of a loop."""
    return isinstance(x, Expr) and x.loop is None


def _per_example(shape: Shape) -> int:
    """How many numbers an array of this shape has for each example; 0 if it does not vary."""
    if not any(isinstance(n, str) for n in shape):
        return 0
    return math.prod(lengths(shape))
