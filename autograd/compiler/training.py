"""A training as loop nests: many updates of the parameters of a program, one after another.

An update gathers its examples, runs the program forward and backward, and follows the mean
gradient. It is made whole or not at all: before parameters are changed, the loss and a bound of the
step are looked at, and if one is not finite, the training stops there. What is to be said about it
is left to others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .expressions import Expr, LackError
from .listing import Listing
from .loops import Nests
from .nests import (
    BATCH,
    GRADIENT,
    OUT,
    STEADY,
    THETA,
    Array,
    Fold,
    For,
    Let,
    Product,
    Stop,
    Store,
    fixed,
    plus,
    times,
    whole,
)  # fmt: skip

# What is given to a training, beside what a program needs.
X, Y, ROWS, RATES, LOSSES, STEP = "X", "y", "rows", "rates", "losses", "step"
UPDATE = whole.name("u", ())
X_ROW, Y_ROW = whole.name("X.row", ()), whole.name("y.row", ())

# Of the parameters' numbers theta, the mean gradient g, the rate and the state: the step, to be
# subtracted from theta, and the new state.
Rule = Callable[..., tuple[Any, dict[str, Any]]]


@dataclass
class Training:
    """Updates of a program's parameters.

    Args:
        listing: the program of the loss; its inputs are x, then the target.
        single: whether each batch is one example.
        inputs: how many numbers x has.
        classes: of a class index as the target: how many classes there are; else 0.
        state: of the rule: what it keeps, by name, each an array like the parameters or a number.
        rule: how a gradient becomes a step; None for the plain one, rate times gradient.

    Attributes:
        nests: the program's arrays and constants.
        gather: puts the examples of a batch side by side.
        body: one update.
    """

    listing: Listing
    single: bool
    inputs: int
    classes: int = 0
    state: dict[str, bool] = field(default_factory=dict)
    rule: Rule | None = None

    def __post_init__(self) -> None:
        nests = self.nests = Nests(self.listing, self.single)
        self.m, self.b = nests.m, nests.b
        first = times(UPDATE, self.b)
        self.gather = gather(nests, self.inputs, self.classes, first)
        self.body: list[Any] = [*self.gather, *nests.forward, *self._loss()]
        backward, products = nests.backward, []
        if self.rule is None and "flat" not in self.listing.views:
            products = [n for n in backward if isinstance(n, Product) and n.out.memory == GRADIENT]
            backward = [nest for nest in backward if nest not in products]
        self.body += backward
        self.body += self._step(products) if self.rule is None else self._by_rule(self.rule)

    def _load(self, memory: str, place: Any) -> Any:
        return _load(self.nests, memory, place)

    def _loss(self) -> list[Any]:
        """The mean loss is kept; the training stops if it is not finite."""
        i, total = self.nests.index(), self.nests.scalar()
        count = self.m.make("count", self.b)
        return [
            Fold(total, "add", i, 0, self.b, self._load(OUT, i)),
            Store(LOSSES, UPDATE, total / count),
            Stop(total),
        ]

    # The step

    def _step(self, products: list[Product]) -> list[Any]:
        """The plain step: products that are gradients of matrices are subtracted as computed."""
        rate = self.nests.scalar()
        given = [Let(rate, self._load(RATES, UPDATE) / self.m.make("count", self.b))]
        matrices = {product.out.start for product in products}
        others = [
            Array(GRADIENT, view.start, (view.width, 1), (view.rows, view.columns))
            for view in self.listing.views.values()
            if view is not None and view.start not in matrices
        ]
        if "flat" in self.listing.views or not products:
            others = [Array(GRADIENT, 0, (1,), (self.listing.parameters,))]
        bound = self.nests.spare(3)
        at = [plus(bound, i) for i in range(3)]
        guard: list[Any] = [Store(STEADY, at[0], 0.0)]
        for array in others:
            guard += self._squares(array, at[0])
        for product in products:
            # No entry of a product is larger than the roots of the sums of squares of its factors.
            for place, factor in zip(at[1:], (product.a, product.b)):
                guard += [Store(STEADY, place, 0.0), *self._squares(factor, place)]
            both = self._load(STEADY, at[1]) * self._load(STEADY, at[2])
            guard.append(Store(STEADY, at[0], both, "add"))
        guard.append(Stop(rate * (rate * self._load(STEADY, at[0]))))
        steps: list[Any] = []
        for product in products:
            out = Array(THETA, product.out.start, product.out.strides, product.out.shape)
            steps.append(Product(out, product.a, product.b, "step", rate))
        return [*given, *guard, *steps, *[self._subtract(array, rate) for array in others]]

    def _subtract(self, array: Array, rate: Expr) -> Any:
        """Parameters follow their gradient, in loops over its entries."""

        def follow(at: list[Any]) -> list[Any]:
            place = array.place(at)
            return [Store(THETA, place, -(rate * self._load(GRADIENT, place)), "add")]

        return self._over(array, follow)

    def _by_rule(self, rule: Rule) -> list[Any]:
        """The step of a rule, subtracted when it is known to be finite."""
        m, i, size = self.m, self.nests.index(), self.listing.parameters
        place = {name: i if is_array else 0 for name, is_array in self.state.items()}
        state = {name: self._load(f"state.{name}", at) for name, at in place.items()}
        g = self._load(GRADIENT, i) / m.make("count", self.b)
        step, new = rule(m, state, self._load(THETA, i), g, self._load(RATES, UPDATE))
        for name, x in new.items():
            if (
                not self.state[name]
                and isinstance(x, Expr)
                and x not in fixed([x], lambda part: part is i)
            ):
                raise LackError(f"a number {name!r} that becomes one for each parameter")
        # What is the same for all parameters is computed before.
        same = fixed([step, *new.values()], lambda x: x is i)
        before = [Let(x, x) for x in same if x.m is not whole]
        lets = [Let(self.nests.scalar(), x) for x in (step, *new.values())]
        stores: dict[bool, list[Any]] = {True: [], False: []}
        for name, let in zip(new, lets[1:]):
            is_array = self.state[name]
            stores[is_array].append(
                Store(f"state.{name}", place[name], let.name if is_array else let.value)
            )
        lets = [let for let, name in zip(lets, ("", *new)) if not name or self.state[name]]
        stores[True].append(Store(STEP, i, lets[0].name))
        k, total = self.nests.index(), self.nests.scalar()
        return [
            *before,
            For(i, 0, size, [*lets, *stores[True]], is_free=True),
            *stores[False],
            Fold(total, "add", k, 0, size, self._load(STEP, k) * self._load(STEP, k)),
            Stop(total, after_rule=True),
            _each(self.nests, size, lambda k: [Store(THETA, k, -self._load(STEP, k), "add")]),
        ]

    def _over(self, array: Array, body: Callable[[Any], list[Any]]) -> Any:
        """Loops over all entries of an array."""
        (nest,) = self._around(array.shape, body, free=True)
        return nest

    def _around(
        self, shape: Sequence[Any], body: Callable[[list[Any]], list[Any]], free: bool
    ) -> list[Any]:
        """Loops over all indices of a shape; along axes of length 1 there is but 0."""
        at = [0 if n == 1 else self.nests.index() for n in shape]
        nests = body(at)
        for i, n in reversed(list(zip(at, shape))):
            if n != 1:
                nests = [For(i, 0, n, nests, is_free=free)]
        return nests

    def _squares(self, array: Array, place: Any) -> list[Any]:
        """The sum of squares of the entries is added to what stands at a place."""
        *rows, n = array.shape
        k, total = self.nests.index(), self.nests.scalar()

        def added(at: list[Any]) -> list[Any]:
            x = self._load(array.memory, array.place((*at, k)))
            return [Fold(total, "add", k, 0, n, x * x), Store(STEADY, place, total, "add")]

        return self._around(rows, added, free=False)


def gather(nests: Nests, inputs: int, classes: int, first: Any = 0) -> list[Any]:
    """The examples of a batch, inputs and targets side by side; ``first`` is the place in the rows.

    The lengths of a row of X and of y have the names `X_ROW` and `Y_ROW`.
    """
    width = nests.listing.inputs - inputs

    def example(j: Any) -> list[Any]:
        row = whole.make("table", plus(first, j), info=ROWS)
        start, x, y = times(j, nests.inputs), times(row, X_ROW), times(row, Y_ROW)
        after = plus(start, nests.size(inputs))

        def target(k: Any) -> Any:
            if not classes:
                return _load(nests, Y, plus(y, k))
            differs = nests.m.make("differs", _load(nests, Y, y), nests.m.make("count", k))
            return nests.m.choose(differs, 0.0, 1.0)

        def column(i: Any) -> list[Any]:
            return [Store(BATCH, plus(start, i), _load(nests, X, plus(x, i)))]

        return [
            _each(nests, nests.size(inputs), column),
            _each(nests, nests.size(width), lambda k: [Store(BATCH, plus(after, k), target(k))]),
        ]

    return [_each(nests, nests.b, example, free=False)]


def _load(nests: Nests, memory: str, place: Any) -> Any:
    return nests.m.make("load", place, info=memory, shape=())


def _each(nests: Nests, n: Any, body: Callable[[Any], list[Any]], free: bool = True) -> For:
    """A loop over ``n`` indices."""
    i = nests.index()
    return For(i, 0, n, body(i), is_free=free)
