"""What a check is: cases that a student's code is tried on, and the report of how they went.

>>> @check("double")
... def check_double(double):
...     '''``double(x)`` is twice x.'''
...     yield Case("double(3)", lambda: double(3), 6, {"x is squared, not doubled": 9})
>>> check_double(lambda x: x * x)
double: 0 of 1 right
  wrong     double(3)
    expected  6
    got       9
    look at   x is squared, not doubled
"""

import inspect
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import wraps
from types import FrameType
from typing import Any

from .cases import Case
from .comparing import (
    LISTED,
    Test,
    agrees_with,
    entries_of,
    holes_in,
    is_list_asked,
    is_unfinished,
    not_finite,
    raising,
    written,
)
from .limits import (
    RAISED,
    Place,
    TimeUp,
    codes_in,
    is_given_up,
    is_students,
    line_of,
    names_nothing,
    places_of,
    within,
)
from .reports import (
    MARKS,
    NOT_DONE,
    RIGHT,
    WRONG,
    Outcome,
    Printed,
    Report,
    note_of_a_failed_cell,
    surely,
)

__all__ = ["MARKS", "NOT_DONE", "RIGHT", "TASKS", "WRONG", "Case", "Outcome", "Report", "check"]

MISCALLED = re.compile(r"(positional|keyword|required) argument")  # what Python says
UNUSABLE = "what came of your code: it can't be used as the task says"
SECONDS = 2.0  # after which a check gives up


@dataclass(frozen=True)
class Task:
    """A check, and the names that a submission must define for it."""

    name: str
    takes: tuple[str, ...]
    check: Callable[..., Report]


TASKS: dict[str, Task] = {}


def check(*takes: str) -> Callable[[Callable[..., Iterable[Case]]], Callable[..., Report]]:
    """Make a check out of a function that yields cases.

    Args:
        takes: the names of what students hand in, one for each argument of the function.

    Returns:
        A decorator. The decorated function, ``check_<task>``, gives a `Report`, and the task is put
        on the list of those that ``python -m autograd.exercises`` tries on submissions.

    Raises:
        TypeError: there are no names: ``@check`` needs its brackets.
        ValueError: the function's name does not begin with ``check_``, or another module has a task
            of that name; or, when it is called, it yields no case.
    """
    if not takes or not all(isinstance(name, str) for name in takes):
        raise TypeError('check takes the names of what students hand in: @check("softsign")')

    def decorate(cases: Callable[..., Iterable[Case]]) -> Callable[..., Report]:
        if not cases.__name__.startswith("check_"):
            raise ValueError(f"a check is called check_<task>, got {cases.__name__!r}")
        name = cases.__name__.removeprefix("check_")
        before = TASKS.get(name)
        if before is not None and before.check.__module__ != cases.__module__:
            raise ValueError(f"there is a task {name!r} in {before.check.__module__} already")

        @wraps(cases)
        def checked(*things: Any) -> Report:
            if len(things) != len(takes):
                raise TypeError(f"{cases.__name__} takes {', '.join(takes)}, got {len(things)}")
            run = _Run(cases, things)
            if not run.outcomes:
                raise ValueError(f"{cases.__name__} yields no case")
            outcomes = tuple(run.diagnosed())
            return Report(name, outcomes, run.printed(), note_of_a_failed_cell())

        TASKS[name] = Task(name, takes, checked)
        return checked

    return decorate


class _Run:
    """The cases of a check, tried one after the other within `SECONDS`."""

    def __init__(self, cases: Callable[..., Iterable[Case]], things: Sequence[Any]) -> None:
        self.outcomes: list[Outcome] = []
        self._cases = cases
        self._unfinished = any(map(is_unfinished, things))
        self._called = False  # has a student's function been called so far?
        self._calls = False  # does the current case call one?
        self._at_hole = False  # did the last case that called any call one with a hole?
        self._raised: BaseException | None = None  # by such a function
        self._failed: BaseException | None = None  # why a test could not work with a result
        self._only_functions = all(map(inspect.isfunction, things))
        self._things = [self._noting(t) if inspect.isfunction(t) else t for t in things]
        self._methods = {
            f.__code__
            for thing in things if inspect.isclass(thing)
            for f in vars(thing).values() if inspect.isfunction(f)
        }  # fmt: skip
        self._holes = holes_in(filter(inspect.isclass, things))
        self._case: Case | None = None
        self._tried: list[Case] = []  # those of the outcomes
        self._elsewhere: dict[int, tuple[str, ...]] = {}  # where to look if no mistake is known
        self._denied: set[str] = set()  # mistakes that would have given another number
        self._said: list[str] = []  # what was printed in each
        self._printed = Printed()
        with warnings.catch_warnings(), redirect_stdout(self._printed):
            warnings.simplefilter("ignore")  # of overflow and the like: the numbers show it
            where = within(SECONDS, self._try_all)
        if where is not None:
            self._give_up(where)

    def diagnosed(self) -> list[Outcome]:
        """The outcomes, with the mistakes that are beyond doubt, and where to look."""
        listed = Counter(mistake for case in self._tried for mistake in case.mistakes)
        computed = {
            mistake
            for case in self._tried
            for mistake, gives in case.mistakes.items()
            if not callable(gives) or getattr(gives, "of_results", False)
        }
        outcomes = surely(self.outcomes, listed, computed, self._denied)
        found = any(o.mistakes for o in outcomes)  # what can't be used is so because of it
        elsewhere = {
            i: look
            for i, look in self._elsewhere.items()
            if not (found and look[0].startswith(UNUSABLE))
        }
        return [
            replace(o, look=(*o.look, *o.mistakes) or elsewhere.get(i, ()))
            for i, o in enumerate(outcomes)
        ]

    def printed(self) -> str:
        """What was printed in the first wrong case, or else in the first that printed."""
        said = [(o, said) for o, said in zip(self.outcomes, self._said) if said and not o.hidden]
        wrong = [said for o, said in said if o.state == WRONG]
        return next(iter([*wrong, *[said for _, said in said]]), "")

    def _try_all(self) -> None:
        cases = self._cases(*self._things)
        for case in cases if isinstance(cases, Iterable) else [cases]:
            if not isinstance(case, Case):
                name = self._cases.__name__
                raise TypeError(f"{name} must yield cases, yield Case(...), got {written(case)}")
            self._case, self._calls, self._raised = case, False, None
            outcome = self._try(case)
            if is_given_up():  # a bare `except:` has swallowed TimeUp: the result is no answer
                return
            self._note(case, outcome)

    def _note(self, case: Case, outcome: Outcome) -> None:
        self._tried.append(case)
        self.outcomes.append(replace(outcome, hidden=any(c.hidden for c in self._tried)))

    def _noting(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """A student's function, which notes that it is called, and what it raises."""
        unfinished = is_unfinished(f)

        @wraps(f)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._at_hole = unfinished or (self._at_hole and self._calls)
            self._called = self._calls = True
            try:
                return f(*args, **kwargs)
            except RAISED as error:
                self._raised = error
                raise

        return call

    def _try(self, case: Case) -> Outcome:
        error: BaseException | None = None
        try:
            got = case.run()
            if isinstance(got, Iterator) or (not case.right and is_list_asked(got, case.expected)):
                got = entries_of(got)
        except TimeUp:
            raise
        except BaseException as raised:  # also SystemExit: a check always ends in a report
            got = error = raised
        self._said.append(self._printed.taken())
        outcome = self._judge(case, got, error)
        self._printed.taken()  # of calls that only a diagnosis made
        return outcome

    def _judge(self, case: Case, got: Any, error: BaseException | None) -> Outcome:
        if error is not None and self._is_the_checks(error):
            raise error
        self._failed = None
        if type(error) is NotImplementedError:
            return Outcome(case.what, NOT_DONE)
        right = case.right or agrees_with(case.expected, case.tolerance)
        raised = error is not None
        told = getattr(right, "of_errors", False) if raised else not isinstance(got, BaseException)
        if told and self._holds(right, got):  # an exception that is given back is not raised
            return Outcome(case.what, RIGHT)
        if case.right and not raised and type(got).__name__ in LISTED:
            with suppress(*RAISED):
                got = entries_of(got)
            if isinstance(got, list):
                return self._judge(case, got, None)
        failed = self._failed if case.right else None
        near = max(1e-6, case.tolerance)
        mistakes = tuple(
            mistake
            for mistake, gives in case.mistakes.items()
            if (error is None or getattr(gives, "of_errors", False))
            and self._holds(gives if callable(gives) else agrees_with(gives, near), got)
        )
        if self._is_missing(case, got):
            return Outcome(case.what, NOT_DONE)
        if not mistakes and error is None and not self._holds(not_finite, got):
            self._denied |= {m for m, gives in case.mistakes.items() if not callable(gives)}
        look: list[str] = []
        line = "" if error is None else self._line(places_of(error))
        if case.look and error is None:
            self._elsewhere[len(self.outcomes)] = (case.look,)
        elif failed is not None:
            why = f"{type(failed).__name__}: {_text(failed)}"
            self._elsewhere[len(self.outcomes)] = (f"{UNUSABLE} ({why})",)
        elif error is not None and not (
            line or error is self._raised or hasattr(error, "elsewhere")
        ):
            self._elsewhere[len(self.outcomes)] = (UNUSABLE,)
        # None where a number was to come; the student's own line in a traceback tells more.
        if got is None or (error is not None and not line and "NoneType" in _text(error)):
            look.insert(0, "it gives back None: is a return missing?")
        if isinstance(error, TypeError) and not line and MISCALLED.search(_text(error)):
            look.insert(0, "the arguments: it is called as the task says")
        shown = written(got) if error is None else f"{type(error).__name__}: {_text(error)}{line}"
        expected = case.expected if case.right else written(case.expected)
        if shown == expected:  # in six digits
            shown, expected = repr(got), repr(case.expected)
        return Outcome(case.what, WRONG, str(expected), shown, tuple(look), mistakes)

    def _is_missing(self, case: Case, got: Any) -> bool:
        """Whether something that the case needs is not done yet."""
        if not self._unfinished:
            return False
        if self._holes:  # of a class: is a method that has a hole called?
            with raising(self._holes):
                try:
                    case.run()
                except NotImplementedError:
                    return True
                except TimeUp:
                    raise
                except BaseException:  # also SystemExit
                    return False
            return False
        if all(isinstance(thing, Mapping) for thing in self._things):  # is this entry there?
            return isinstance(got, LookupError) or is_unfinished(got)
        return self._at_hole or any(is_unfinished(t) for t in self._things if not callable(t))

    def _is_the_checks(self, error: BaseException) -> bool:
        """Whether an exception is a mistake in the check, not of or because of a student's code."""
        if getattr(error, "slip", False):  # in the middle of a call
            return True
        if hasattr(error, "elsewhere"):
            return False
        if names_nothing(error):
            return not self._ends_in_theirs(error)
        # Nothing of theirs was there yet: what they give may lack an entry that a check asks for.
        return isinstance(error, LookupError) and self._only_functions and not self._called

    def _ends_in_theirs(self, error: BaseException) -> bool:
        """Whether the last call in an exception is in a student's code, libraries left out.

        What a student's function calls may be the check's again, which handed it over.
        """
        for frame, _ in reversed(places_of(error)):
            if self._is_students(frame):
                return True
            if is_students(frame, {"autograd"}, ""):
                # A check and what it is tried on may be in one file.
                file, own = self._cases.__code__.co_filename, codes_in(self._cases.__code__)
                code = frame.f_code
                return code in self._methods or (
                    error is self._raised and code.co_filename == file and code not in own
                )
        return error is self._raised

    def _holds(self, test: Test, got: Any) -> bool:
        """Whether a test is true; it is not true for results that it can't work with."""
        try:
            return bool(test(got))
        except RAISED as error:
            if self._is_the_checks(error):
                raise
            self._failed = error
            return False

    def _give_up(self, where: Sequence[Place]) -> None:
        case = self._case
        what = case.what if case is not None else "the first case"
        expected = "" if case is None else case.expected if case.right else written(case.expected)
        got = f"no end within {SECONDS:.0f} seconds{self._line(where)}"
        slow = case.slow if case is not None else Case.slow
        look, found = ((slow,), ()) if slow == Case.slow else ((), (slow,))
        case = case or Case(what, bool, None)
        self._said.append(self._printed.taken())
        self._note(case, Outcome(what, WRONG, str(expected), got, look, found))

    def _line(self, frames: Sequence[Place]) -> str:
        """The last of the student's own lines in a call, as text."""
        for frame, number in reversed(frames):
            if self._is_students(frame):
                return f"\nin your {line_of(frame, number)}"
        return ""

    def _is_students(self, frame: FrameType) -> bool:
        ours = {"autograd", str(self._cases.__module__).partition(".")[0]} - {"__main__"}
        return is_students(frame, ours, self._cases.__code__.co_filename)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "its message can't be shown"
