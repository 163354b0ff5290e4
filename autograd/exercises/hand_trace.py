"""The task of an evaluation trace by hand."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

from .checking import Case, check
from .comparing import Test, agree, agrees_with, any_of, plain


@check("bishop_values", "bishop_tangents", "bishop_adjoints")
def check_bishop(values: Any, tangents: Any, adjoints: Any) -> Iterator[Case]:
    """The evaluation trace of f = x1 x2 + exp(x1 x2) - sin(x2) at (1, 2), by hand.

    v3 = x1 x2, v4 = sin(x2), v5 = exp(v3), v6 = v3 - v4, v7 = v5 + v6 = f (Bishop and Bishop 2024,
    section 8.2). Three dictionaries by the names x1, x2, v3, ..., v7: the values; their tangents,
    derivatives by x1; and the adjoints, derivatives of f. Three correct digits will do, rounded
    or cut off.
    """
    e, s, c = math.exp(2), math.sin(2), math.cos(2)
    names = ["x1", "x2", "v3", "v4", "v5", "v6", "v7"]
    right = {
        "value": dict(zip(names, [1, 2, 2, s, e, 2 - s, e + 2 - s])),
        "tangent": dict(zip(names, [1, 0, 2, 0, 2 * e, 2, 2 * e + 2])),
        "adjoint": dict(zip(names, [2 + 2 * e, 1 + e - c, 1 + e, -1, 1, 1, 1])),
    }
    degrees = math.sin(math.radians(2))
    missing = "v3 goes into v5 and into v6: its adjoint is the sum of both shares"
    mistakes: dict[tuple[str, str], Mapping[str, Any]] = {
        ("value", "v4"): {"the sine of 2 radians, not degrees": degrees},
        ("value", "v6"): {"v6 = v3 - v4, not +": 2 + s},
        ("tangent", "v3"): {"d(x1 x2)/dx1 = x2": 1.0, "x2 does not move with x1": 3.0},
        ("tangent", "v4"): {"x2 does not move with x1: its tangent is 0": c},
        ("tangent", "v5"): {"the chain rule: exp(v3) times the tangent of v3": e},
        ("adjoint", "v3"): {missing: any_of(1.0, e, tolerance=2e-3)},
        ("adjoint", "v4"): {"v6 = v3 - v4: the partial derivative by v4 is -1": 1.0},
        ("adjoint", "x1"): {missing: any_of(2.0, 2 * e, tolerance=2e-3), "dv3/dx1 = x2": 1 + e},
        ("adjoint", "x2"): {
            "the sign: f holds -sin(x2), whose derivative is -cos(x2)": 1 + e + c,
            "x2 goes into v3 and into v4: its adjoint is the sum of both shares": any_of(
                1 + e, -c, tolerance=2e-3
            ),
            missing: any_of(1 - c, e - c, tolerance=2e-3),
        },
    }
    every = [text for known in mistakes.values() for text in known]
    shared = {text for text in every if every.count(text) > 1}
    for kind, given in (("value", values), ("tangent", tangents), ("adjoint", adjoints)):
        order = names if kind != "adjoint" else names[::-1]
        for name in order:
            entry = partial(itemgetter(name), given)
            # A number by hand is one answer, not one of a program's: one case tells.
            known = {
                f"{text} ({kind} of {name})" if text in shared else text: gives
                for text, gives in mistakes.get((kind, name), {}).items()
            }
            number = right[kind][name]
            yield Case(f"the {kind} of {name}", entry, f"{number:.6g}", known,
                       right=_three_digits(number), tolerance=2e-3)  # fmt: skip


def _three_digits(number: float) -> Test:
    """Whether an answer, in three digits, is the number rounded or cut off."""
    if number == 0:
        return agrees_with(0.0, 2e-3)
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - 2)
    forms = {f"{v:.3g}" for v in (number, math.trunc(number / unit) * unit)}
    # 1.091 for 1.0907 is right too: it is 2 - 0.909, and that was rounded.
    return lambda got: agree(got, number, 0.01) and f"{float(plain(got)):.3g}" in forms
