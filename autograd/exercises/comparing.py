"""Whether two results are the same, how they are written, and whether something is missing."""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np

from ..show.notation import ELLIPSIS

Test = Callable[[Any], bool]
MOST_ENTRIES = 10**6  # of a result that comes one by one


def is_unfinished(thing: Any) -> bool:
    """Whether a student's function, class or data still has a hole, ``...``, in it."""
    if thing is ...:
        return True
    if isinstance(thing, Mapping):
        return any(map(is_unfinished, thing.values()))
    if isinstance(thing, list | tuple):
        return any(map(is_unfinished, thing))
    if inspect.isclass(thing):
        return bool(holes_in([thing]))
    if not inspect.isfunction(thing):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return ... in thing.__code__.co_consts
    nodes = list(ast.walk(tree))
    # Not those of x[..., 0] or tuple[int, ...]: these mean something.
    meant = {id(n) for s in nodes if isinstance(s, ast.Subscript) for n in ast.walk(s.slice)}
    return any(isinstance(n, ast.Constant) and n.value is ... and id(n) not in meant for n in nodes)


Hole = tuple[type, str, Any]  # a class, and a method of it that has a hole


def holes_in(classes: Iterable[Any]) -> list[Hole]:
    """The methods of classes that still have a hole in them."""
    return [
        (c, name, f)
        for c in classes
        for name, f in vars(c).items()
        if inspect.isfunction(f) and is_unfinished(f)
    ]


@contextmanager
def raising(holes: Sequence[Hole]) -> Iterator[None]:
    """Inside the ``with``, methods with a hole raise NotImplementedError when they are called."""

    def missing(*_: Any, **__: Any) -> Any:
        raise NotImplementedError

    for c, name, _ in holes:
        setattr(c, name, missing)
    try:
        yield
    finally:
        for c, name, f in holes:
            setattr(c, name, f)


# What comes in order and is no list, by the names of its types: in a folder, others stand for it.
LISTED = {"deque", "dict_keys", "dict_values", "dict_items", "range"}


def is_list_asked(got: Any, expected: Any) -> bool:
    """Whether a list is expected, and what comes can be made one: a deque, a dictionary's values.

    Not what is a list, or data of another kind, already.
    """
    kept = (str, bytes, list, tuple, Mapping, Set)
    asked = isinstance(expected, list | tuple) or hasattr(expected, "__array__")
    can_be = isinstance(got, Iterable) and not isinstance(got, kept)
    return asked and can_be and not hasattr(got, "__array__")


def entries_of(entries: Iterable[Any]) -> list[Any]:
    """The entries of a result; itertools.count() would fill the memory before time is up."""
    found = []
    for entry in islice(entries, MOST_ENTRIES + 1):  # not in one call, which nothing could end
        found.append(entry)  # noqa: PERF402
    if len(found) > MOST_ENTRIES:
        raise ValueError(f"more than {MOST_ENTRIES:,} entries came: does the result ever end?")
    return found


def plain(x: Any) -> Any:
    """Numbers in place of Values, the student's own ones too, also inside sequences.

    And arrays in place of what gives itself as an array, as a DataFrame.
    """
    if isinstance(x, np.ndarray):
        return plain(x.tolist()) if x.dtype == object else np.asarray(x)  # no np.matrix
    if isinstance(x, list | tuple):
        return [plain(v) for v in x]
    if isinstance(x, Mapping):
        return {key: plain(v) for key, v in x.items()}
    if isinstance(getattr(x, "data", None), int | float):
        return x.data
    return np.asarray(x) if hasattr(x, "__array__") and not isinstance(x, np.generic) else x


def _is_sequence(x: Any) -> bool:
    return isinstance(x, list) or (isinstance(x, np.ndarray) and x.ndim > 0)


def agree(got: Any, expected: Any, tolerance: float = 1e-9) -> bool:
    """Whether two results are the same: numbers up to rounding, sequences entry by entry."""
    got, expected = plain(got), plain(expected)
    if isinstance(expected, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == expected.keys()
            and all(agree(got[key], v, tolerance) for key, v in expected.items())
        )
    if _is_sequence(got) != _is_sequence(expected):
        return False
    if _is_sequence(expected):
        return len(got) == len(expected) and all(
            agree(a, b, tolerance) for a, b in zip(got, expected)
        )
    number = Real | np.ndarray  # an array of no dimensions, here
    if isinstance(expected, bool | np.bool_) or not isinstance(expected, number):
        return bool(got == expected)
    if isinstance(got, bool | np.bool_) or not isinstance(got, number):
        return False
    a, b = float(got), float(expected)
    if not (math.isfinite(a) and math.isfinite(b)):
        return a == b or (math.isnan(a) and math.isnan(b))
    single = isinstance(got, np.float32) or getattr(got, "dtype", None) == np.float32
    return abs(a - b) <= max(tolerance, 1e-5 * single) * max(1.0, abs(b))


def agrees_with(expected: Any, tolerance: float) -> Test:
    """Whether something that comes agrees with what is expected, as a function."""
    return lambda got: agree(got, expected, tolerance)


def written(x: Any) -> str:
    """A result as a report writes it; if it can't be written, its type and the reason."""
    try:
        return _written(x)
    except Exception as error:  # its __repr__ fails, or a list contains itself
        return f"a {type(x).__name__} that can't be shown ({type(error).__name__})"


def _written(x: Any) -> str:
    """Values by label, numbers in six digits, and not too long."""
    label = getattr(x, "label", "")
    x = plain(list(x) if isinstance(x, tuple) else x) if not isinstance(x, list) else x
    if label and isinstance(label, str):
        text = label
    elif isinstance(x, np.ndarray):
        text = np.array2string(x, precision=6, separator=", ", threshold=40)
    elif isinstance(x, list):
        text = f"[{', '.join(map(_written, x[:12]))}{f', {ELLIPSIS}' * (len(x) > 12)}]"
    elif isinstance(x, float | np.floating):
        text = f"{x:.6g}"
    else:
        text = repr(x)
    return text if len(text) <= 400 else f"{text[:399]}{ELLIPSIS}"


def any_of(*values: Any, tolerance: float = 1e-6) -> Test:
    """For `Case.mistakes`: a mistake that gives one of several values."""
    return of_results(lambda got: any(agree(got, value, tolerance) for value in values))


def unlike(expected: Any, mistakes: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `Case.mistakes` that give something else than is expected."""
    return {text: v for text, v in mistakes.items() if callable(v) or not agree(v, expected, 1e-6)}


def a_column(right: Test) -> Test:
    """For `Case.mistakes`: right, but for (d, 1) where (d,) was to come, alone or in a list."""

    def is_column(v: Any) -> bool:
        return isinstance(v, np.ndarray) and v.dtype != object and v.shape[1:] == (1,)

    def flat(got: Any) -> Any:
        if isinstance(got, list | tuple):
            return [flat(v) for v in got]
        return got.ravel() if is_column(got) else got

    def test(got: Any) -> bool:
        entries = got if isinstance(got, list | tuple) else [got]
        return any(map(is_column, entries)) and right(flat(got))

    return test


COLUMN = "a column, (d, 1), where (d,) is asked: give v.ravel() back, or index v[:, 0]"


def of_results(test: Test) -> Test:
    """Mark a test of `Case.mistakes` as one for what a mistake computes, which others may too.

    Such a mistake is named where it explains two cases, if so many list it; without the mark, a
    test says what can be seen in the result, and that is true of a single one.
    """
    test.of_results = True  # type: ignore[attr-defined]
    return test


def of_errors(test: Test) -> Test:
    """Mark a test, of `Case.mistakes` or ``right``, as one that may be given an exception."""
    test.of_errors = True  # type: ignore[attr-defined]
    return test


def raises(*kinds: type[BaseException], words: str = "") -> Test:
    """For `Case.mistakes` or ``right``: raises this kind of exception, with these words in it.

    Raises:
        TypeError: there is no kind, or one is no class of exceptions; or ``words`` is no text.
    """
    wrong = [k for k in kinds if not (isinstance(k, type) and issubclass(k, BaseException))]
    if not kinds or wrong or not isinstance(words, str):
        got = written([words] if not isinstance(words, str) else wrong)[1:-1] or "nothing"
        raise TypeError(
            "raises takes kinds of exceptions, and what they say by words=, as in "
            f'raises(ValueError, words="not in"), got {got}'
        )
    return of_errors(lambda got: isinstance(got, kinds) and words in str(got))


@of_errors
def not_finite(got: Any) -> bool:
    """For `Case.mistakes`: a mistake that overflows, by an exception or by inf and nan."""
    if isinstance(got, BaseException):
        # What math.log(0) says, up to Python 3.13 and after.
        words = ("math domain error", "expected a positive input")
        return isinstance(got, ArithmeticError) or any(w in str(got) for w in words)
    return got is not None and not np.isfinite(np.asarray(plain(got), float)).all()


def overflows(near: Callable[[], Any]) -> Test:
    """For `Case.mistakes`: `not_finite` far out, and finite at a point that is near."""
    return of_errors(lambda got: not_finite(got) and not not_finite(near()))
