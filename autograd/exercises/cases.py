"""A case of a check: what is tried, what should come, and what classic mistakes give instead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from .comparing import Test, raises, written


@dataclass(frozen=True)
class Case:
    """One thing that a student's code is tried on.

    Attributes:
        what: what is tried, as a student would write it: ``relu(-2)``.
        run: a function without arguments that does it.
        expected: what should come: a number, a sequence or array of them, or anything that ``==``
            compares; with ``right``, a description.
        mistakes: classic mistakes. Each is a sentence that says where to look, with the result that
            the mistake gives; or with a function that is true for such results; or, if it
            raises, with ``raises(KeyError)``.
        look: where to look if it is another mistake.
        right: a function that is true for right answers, if there is more than one; or
            ``raises(ValueError)``, if it is right to raise one. Others get no exception.
        tolerance: the largest error, relative to ``expected`` or to 1, whichever is larger.
        slow: where to look if it takes too long.
        hidden: whether students are told no more than how it went. That holds for the cases after
            it too, in which their code could tell what it was given before.

    Raises:
        TypeError: ``run`` is not a function, but perhaps a result: write ``lambda: relu(-2)``;
            ``expected`` is a function, which belongs to ``right``; or another is of a wrong kind.
    """

    what: str
    run: Callable[[], Any]
    expected: Any
    mistakes: Mapping[str, Any] = field(default_factory=dict)
    look: str = ""
    right: Test | None = None
    tolerance: float = 1e-9
    slow: str = "a loop that never ends: does what its condition looks at ever change?"
    hidden: bool = False

    def __post_init__(self) -> None:
        is_function = callable(self.expected) and not isinstance(self.expected, type)
        is_map = isinstance(self.mistakes, Mapping)
        is_number = isinstance(self.tolerance, Real) and self.tolerance >= 0
        for name, fits, what in (
            ("run", callable(self.run), "a function that tries it, as in lambda: f(1.0)"),
            ("expected", not is_function, "what should come; for a function write right="),
            ("expected", not _is_of_errors(self.expected),
             "what should come; for an exception write right=raises(ValueError)"),
            ("right", self.right is None or callable(self.right),
             "a function that is true for right answers"),
            ("right", not _is_of_errors(self.right),
             "a function; for an exception write raises(ValueError)"),
            ("mistakes", is_map and all(isinstance(m, str) for m in self.mistakes),
             'as {"where to look": what the mistake gives}'),
            ("mistakes", not (is_map and any(map(_is_of_errors, self.mistakes.values()))),
             "what mistakes give; for an exception write raises(KeyError)"),
            ("tolerance", is_number, "a number >= 0"),
            *[(n, isinstance(getattr(self, n), str), "a text") for n in ("what", "look", "slow")],
        ):  # fmt: skip
            if not fits:
                got = f"got {written(getattr(self, name))} in the case {self.what!r}"
                raise TypeError(f"{name} must be {what}, {got}")


def _is_of_errors(x: Any) -> bool:
    """Whether something is a kind of exceptions, or raises without its brackets."""
    return x is raises or (isinstance(x, type) and issubclass(x, BaseException))
