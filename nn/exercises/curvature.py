"""The tasks of the second derivatives: the outer-product approximation, and critical points."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd.exercises import COLUMN, Case, a_column, agrees_with, check, of_results, raises
from autograd.exercises.comparing import agree

from .forms import called

SIGMOID = "sigma(a)(1 - sigma(a)) is the slope of sigma at a, not a(1 - a)"
DELTA = "the first derivative is Delta = sigma(a) - y: differentiate once more"
UNWEIGHTED = "the second derivative by a is missing: each outer product has the factor r_i"
SQUARED = "r_i comes in once, not squared"
OF_ROWS = "J J^T is (n, n): the sum over the examples is J^T ... J, (m, m)"
MEAN = "the sum over the examples, not their mean"
SUM_FIRST = "the outer product of the sum: sum the products b_i b_i^T, not the b_i"


@check("bernoulli_curvature", "outer_product")
def check_outer_product(bernoulli_curvature: Any, outer_product: Any) -> Iterator[Case]:
    """``bernoulli_curvature(a)`` and ``outer_product(J, r)``, the sum of r_i b_i b_i^T.

    The first is d^2 L_i / da_i^2 of the Bernoulli loss, by entries of ``a`` ``(n,)``. In the
    second, row i of ``J`` ``(n, m)`` is b_i = da_i/dtheta, and ``r`` ``(n,)`` holds the r_i.
    """
    for values in ([0.0, 1.0, -2.0], [3.0, -0.5]):
        a = np.array(values)
        p = 1 / (1 + np.exp(-a))
        right = p * (1 - p)
        yield Case(
            f"bernoulli_curvature({values})", partial(bernoulli_curvature, a.copy()), right,
            {
                SIGMOID: a * (1 - a), DELTA: p,
                COLUMN: a_column(agrees_with(right, 1e-6)),
            },
        )  # fmt: skip
    for n, m in ((4, 2), (3, 3), (2, 3), (4, 1)):
        rng = np.random.default_rng(10 * n + m)
        J, r = rng.normal(size=(n, m)), rng.uniform(0.05, 0.25, size=n)
        weighted = J * r[:, None]
        total = (J * r[:, None] ** 0.5).sum(axis=0)
        yield Case(
            f"outer_product of {n} examples and {m} parameter{'s' * (m > 1)}",
            partial(called, outer_product, J.copy(), r.copy()), J.T @ weighted,
            {
                UNWEIGHTED: J.T @ J, SQUARED: weighted.T @ weighted, MEAN: J.T @ weighted / n,
                SUM_FIRST: np.outer(total, total),
                OF_ROWS: lambda got, n=n, m=m: n != m and np.shape(got) == (n, n),
                "the shapes: r multiplies the rows of J, J * r[:, None]":
                    raises(ValueError, words="broadcast"),
                "the shape is (m, m), (1, 1) for one parameter":
                    lambda got, m=m: m == 1 and np.size(got) == 1 and np.ndim(got) < 2,
            },
        )  # fmt: skip

    def is_else_right(got: Any) -> bool:
        """Whether equal examples count once, and others are summed."""
        return agree(got, [[1, 2], [2, 1]]) and agree(called(outer_product, J, r), J.T @ weighted)

    yield Case(
        "outer_product([[1, 2], [1, 2], [0, 1]], [1, 1, -3]), two examples that are the same",
        partial(
            called, outer_product, np.array([[1.0, 2], [1, 2], [0, 1]]), np.array([1.0, 1, -3])
        ),
        [[2, 4], [4, 5]],
        {
            "an example that comes twice counts twice": of_results(is_else_right),
            "r_i may be negative, and comes in with its sign": [[2, 4], [4, 11]],
        },
    )


BY_SIGN = "the determinant does not tell: two negative eigenvalues make it positive"
BY_DIAGONAL = "the diagonal does not tell: where other entries are large, an eigenvalue is below 0"
NOT_CRITICAL = (
    "the gradient comes first: where its length is above the tolerance, the point is not critical"
)
ROUNDED = "an eigenvalue that is 0 up to the tolerance has no sign"
TURNED = "minimum and maximum: where all eigenvalues are positive the function curves up"
GIVEN = "the tolerance is the one that is given, for the gradient and for the eigenvalues"
SHORT = "a gradient that is not longer than the tolerance counts as 0, not one of zeros alone"
LENGTH = "the length of the gradient is the root of the sum of its squares: np.linalg.norm"
EACH = "each eigenvalue by itself is compared with the tolerance, not their product"
RELATIVE = "an eigenvalue is compared with the tolerance as it is, however large another one is"
TIE = "a number that equals the tolerance is not beyond it: > and <, not >= and <="

Gradient = tuple[float, ...]
# What is asked to tell mistakes apart, with a tolerance of 0.01.
ZERO, SHORTEST, SHORT_ENOUGH, FAR = (0.0, 0.0), (1e-300, 0.0), (0.009, 0.0), (300.0, 300.0)


@check("kind_of_point")
def check_kind_of_point(kind_of_point: Any) -> Iterator[Case]:
    """``kind_of_point(gradient, H, tolerance)``: what the eigenvalues of H say of a point.

    ``"not critical"`` if the length of the gradient is above the tolerance. Otherwise
    ``"minimum"`` if every eigenvalue is above the tolerance, ``"maximum"`` if every one is below
    minus the tolerance, ``"saddle"`` if there is one of each, and else ``"undecided"``.
    """
    rng = np.random.default_rng(0)

    def matrix(*eigenvalues: float) -> Any:
        Q = np.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))[0]
        H = Q @ np.diag(eigenvalues) @ Q.T
        return (H + H.T) / 2

    tolerance = 0.01

    def turned_round(H: Any, gradient: Any) -> list[Any]:
        return [kind_of_point(gradient.copy(), A, tolerance) for A in (H.copy(), -H)]

    def by_determinant(got: Any) -> bool:
        """Whether a maximum is a minimum, and a saddle, of a negative determinant, is one."""
        saddle = kind_of_point(np.zeros(2), np.diag([2.0, -0.5]), tolerance)
        return bool(got == ["minimum", "minimum"] and saddle == "saddle")

    def is_critical(*gradient: float) -> bool:
        """Whether a point of this gradient is critical, up to 0.01, as the answer has it."""
        found = kind_of_point(np.array(gradient), np.diag([1.0, 2.0]), 0.01)
        return bool(found != "not critical")

    def says(critical: Sequence[Gradient], others: Sequence[Gradient], got: Any) -> bool:
        """Whether it is not critical, and for it these gradients are, and these others are not."""
        if got not in ("not critical", ["not critical", "not critical"]):
            return False
        return all(is_critical(*g) for g in critical) and not any(is_critical(*g) for g in others)

    short = partial(says, [ZERO], [SHORTEST])

    def goes_on(far_too: bool, wrong: str, got: Any) -> bool:
        """Whether this comes of a gradient that is too long, and of one far longer, or not."""
        return bool(got == wrong and is_critical(*FAR) == far_too)

    # Minimum and maximum in one case: only an answer that has both wrong has turned them.
    for up, small, mistakes in (
        ((2.0, 0.5), (0.0, 0.0), {BY_SIGN: of_results(by_determinant)}),
        ((1.0, 0.014), (0.005, -0.004), {SHORT: short}),
    ):
        yield Case(
            f"|gradient| {np.linalg.norm(small):.2g}, the eigenvalues {list(up)}, then "
            f"{[-value for value in up]}, tolerance {tolerance}",
            partial(turned_round, matrix(*up), np.array(small)), ["minimum", "maximum"],
            {TURNED: ["maximum", "minimum"], **mistakes},
        )  # fmt: skip

    def of_long(wrong: str) -> dict[str, Any]:
        return {NOT_CRITICAL: partial(goes_on, True, wrong), LENGTH: partial(goes_on, False, wrong)}

    points: list[tuple[str, Any, Gradient, dict[str, Any]]] = [
        ("saddle", (2.0, -0.5), (0.0, 0.0), {}),
        ("saddle", (-1.0, -2.0, 3.0), (0.0, 0.0, 0.0), {BY_SIGN: "minimum"}),
        ("saddle", [[1.0, 2.0], [2.0, 1.0]], (0.0, 0.0), {BY_DIAGONAL: "minimum"}),
        ("saddle", [[-1.0, 3.0], [3.0, -1.0]], (0.0, 0.0), {BY_DIAGONAL: "maximum"}),
        ("saddle", (1.0, -0.014, 0.0), (0.0, 0.0, 0.0), {}),
        ("saddle", (-1.0, 0.014, 0.0), (0.0, 0.0, 0.0), {}),
        ("undecided", (1.0, -0.007), (0.0, 0.0), {ROUNDED: "saddle"}),
        ("undecided", (-1.0, 0.007), (0.0, 0.0), {ROUNDED: "saddle"}),
        ("undecided", (1.0, 0.007), (0.0, 0.0), {ROUNDED: "minimum"}),
        ("undecided", (-1.0, -0.007), (0.0, 0.0), {ROUNDED: "maximum"}),
        ("undecided", (0.0, 0.0), (0.0, 0.0), {}),
        ("not critical", (1.0, 2.0), (0.008, -0.008), of_long("minimum")),
        ("not critical", (1.0, -2.0, 1.0), (-0.014, 0.0, 0.0), of_long("saddle")),
        ("not critical", (-1.0, -2.0), (0.0, -3.0), of_long("maximum")),
    ]
    for kind, of, gradient, gives in points:
        H = np.array(of) if np.ndim(of) == 2 else matrix(*of)
        told = f"the entries {of}" if np.ndim(of) == 2 else f"the eigenvalues {list(of)}"
        yield Case(
            f"|gradient| {np.linalg.norm(gradient):.2g}, {told}, tolerance {tolerance}",
            partial(kind_of_point, np.array(gradient), H, tolerance), kind, gives,
        )  # fmt: skip

    def ties(wrong: str, got: Any) -> bool:
        """Whether this comes, and not because the tolerance that is given does not come in."""
        other = kind_of_point(np.array([0.3, 0.0]), np.diag([1.0, 0.2]), 0.5)
        return bool(got == wrong and other == "undecided")

    # The eigenvalues of diagonal matrices come out exactly: so ties with the tolerance are ties.
    Pair = tuple[float, float]
    diagonals: list[tuple[str, Pair, Pair, float, dict[str, Any]]] = [
        ("undecided", (1.0, 0.2), (0.3, 0.0), 0.5, {
            GIVEN: partial(says, [SHORTEST], []), SHORT: short, ROUNDED: "minimum",
        }),
        ("minimum", (1.0, 2.0), (0.006, -0.007), 0.01, {
            LENGTH: partial(says, [SHORTEST, SHORT_ENOUGH], []), SHORT: short,
            GIVEN: partial(says, [SHORTEST], [SHORT_ENOUGH]),
        }),
        ("minimum", (0.05, 0.05), (0.0, 0.0), 0.01, {EACH: "undecided"}),
        ("undecided", (5.0, 0.004), (0.0, 0.0), 0.01, {EACH: "minimum", ROUNDED: "minimum"}),
        ("saddle", (0.05, -0.05), (0.0, 0.0), 0.01, {EACH: "undecided"}),
        ("undecided", (5.0, -0.004), (0.0, 0.0), 0.01, {EACH: "saddle", ROUNDED: "saddle"}),
        ("minimum", (100.0, 0.05), (0.0, 0.0), 0.01, {RELATIVE: "undecided"}),
        ("minimum", (1.0, 2.0), (0.25, 0.0), 0.25, {TIE: partial(ties, "not critical")}),
        ("undecided", (1.0, 0.25), (0.0, 0.0), 0.25, {TIE: partial(ties, "minimum")}),
        ("undecided", (-1.0, -0.25), (0.0, 0.0), 0.25, {TIE: partial(ties, "maximum")}),
    ]  # fmt: skip
    for kind, diagonal, gradient, tolerance, gives in diagonals:
        yield Case(
            f"the gradient {list(gradient)}, H = np.diag({list(diagonal)}), tolerance {tolerance}",
            partial(kind_of_point, np.array(gradient), np.diag(diagonal), tolerance), kind, gives,
        )  # fmt: skip
