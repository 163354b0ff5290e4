"""Sums of products become dots, however they were written.

People write ``w[0] * x[0] + w[1] * x[1] + b``, or ``sum(wi * xi for ...)``. Recorded, this is a
node for each product and each sum; `autograd.dot` records one, from which the compiler makes a
matrix product. Here a chain of ``+`` over products that are used nowhere else becomes a dot, and a
long chain over other terms one sum. Only the order in which terms are added changes.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .. import primitives as p
from ..value import Value

LAYER = 6  # products with parameters, over one vector or with one row of weights: a matrix product
ALONE = 4  # products of a sum that is no part of a layer, all of one kind
LONG, ALIKE = 8, 3  # terms of a sum without products; if one primitive computes them all

Product = tuple[Any, Any]  # the weight, and what it is multiplied by


class Rewritten:
    """A node that is computed in another way than it was recorded.

    Attributes:
        recorded: the node in whose place it stands; None for a part of one.
        primitive, arguments, label: as of a Value.
    """

    __slots__ = ("arguments", "label", "primitive", "recorded")

    def __init__(self, recorded: Any, primitive: p.Primitive, *arguments: Any) -> None:
        self.recorded, self.primitive, self.arguments = recorded, primitive, arguments
        self.label = "" if recorded is None else recorded.label

    @property
    def data(self) -> Any:
        """The number that was recorded; a part of a node has none."""
        return self.recorded.data

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What it is computed from, in order."""
        return tuple([v for x in self.arguments for v in (x if type(x) is tuple else (x,))])


class Chain:
    """A sum over terms: products of which ``parts`` may become dots, and ``others``.

    Products with leaves are kept apart from products with what is computed, such as ``U x`` and
    ``W h`` in a recurrent network: the former do not have to wait for the latter. So are products
    with plain numbers, as those of the first state often are.
    """

    def __init__(self, node: Value, terms: list[Any], products: dict[Any, Product]) -> None:
        self.node, self.terms = node, terms
        split: dict[str, list[Any]] = {"leaf": [], "number": [], "computed": []}
        for v in terms:
            if v in products:
                x = products[v][1]
                kind = "leaf" if _is_leaf(x) else "computed"
                split["number" if type(x) is float else kind].append(v)
        self.parts = list(filter(None, split.values()))
        if min(map(len, self.parts), default=2) < 2:
            self.parts = [[v for part in self.parts for v in part]]
        self.vectors = [tuple(zip(*[products[v] for v in part])) for part in self.parts]


def with_dots(
    order: Sequence[Value], roots: Sequence[Value], place: dict[Any, int], parameters: range
) -> list[Any]:
    """The nodes of a graph, some of them as a `Rewritten` one, and without what those replace.

    Args:
        order: all nodes except inputs and parameters, each after the nodes it is computed from.
        roots: what is computed.
        place: of inputs, parameters and nodes, 0, 1, ...; new nodes get the next ones.
        parameters: the places of parameters.
    """
    uses = _uses(order, roots)
    chains = _chains(order, uses, place, parameters) if uses else []
    size: Counter[Any] = Counter()  # of layers: by their vector, and by a row of their weights
    for chain in chains:
        for w, x in chain.vectors:
            size.update({("x", x): len(x), ("w", w): len(w)})
    gone: set[Any] = set()
    new: dict[Any, list[Any]] = {}
    for chain in chains:
        dots = []
        for part, (w, x) in zip(chain.parts, chain.vectors):
            is_layer = all(place.get(v, -1) in parameters for v in w)
            in_layer = is_layer and max(size["x", x], size["w", w]) >= LAYER
            if in_layer or (len(w) >= ALONE and _alike(w) and _alike(x)):
                dots.append((part, w, x))
        if dots or _is_long(chain.node, chain.terms):
            new[chain.node], removed = _rewritten(chain, dots, place, parameters)
            gone.update(removed)
            gone |= _inside(chain.node, chain.terms)
    if not new:
        return list(order)
    for node, parts in new.items():
        for part in parts:
            place[part] = place[node] if part.recorded is not None else len(place)
    return [v for node in order if node not in gone for v in new.get(node, (node,))]


def _uses(order: Sequence[Value], roots: Sequence[Value]) -> dict[Any, int]:
    """How often sums and products are used that have no label and are no result.

    Empty if there are no sums.
    """
    inner = {v for v in order if v.primitive in (p.ADD, p.MUL, p.SUM) and not v.label}
    if not any(v.primitive in (p.ADD, p.SUM) for v in order):
        return {}
    uses = dict.fromkeys(inner, 0)
    seen: Counter[int] = Counter()  # a layer's neurons share their inputs
    for node in order:
        for x in node.arguments:
            if type(x) is tuple:
                seen[id(x)] += 1
                if seen[id(x)] <= 2:
                    for v in x:
                        if v in uses:
                            uses[v] += 1
            elif x in uses:
                uses[x] += 1
    for root in roots:
        uses.pop(root, None)
    return uses


def _chains(
    order: Sequence[Value], uses: dict[Any, int], place: dict[Any, int], parameters: range
) -> list[Chain]:
    """The sums of a graph, as long as they can be."""
    constants: set[Any] = set()
    for node in order:
        if node.primitive is None or all(
            type(v) is float or v in constants
            for x in node.arguments
            for v in (x if type(x) is tuple else (x,))
        ):
            constants.add(node)
    found: list[Chain] = []
    inside: set[Any] = set()
    for node in reversed(order):
        if node.primitive not in (p.ADD, p.SUM) or node in inside or node in constants:
            continue
        terms, products = [], {}
        stack: list[Any] = list(reversed(node.inputs))
        while stack:
            v = stack.pop()
            if uses.get(v) == 1 and v not in constants:
                if v.primitive is not p.MUL:
                    inside.add(v)
                    stack.extend(reversed(v.inputs))
                    continue
                a, b = v.inputs
                b_is_weight = place.get(b, -1) in parameters and place.get(a, -1) not in parameters
                products[v] = (b, a) if b_is_weight else (a, b)
            if type(v) is not float or v != 0.0:  # the builtin sum begins with 0
                terms.append(v)
        if len(products) > 1 or _is_long(node, terms):
            found.append(Chain(node, terms, products))
    return found


def _inside(node: Value, terms: list[Any]) -> set[Any]:
    """The partial sums between a sum and its terms."""
    ends, inside = set(terms), set()
    stack: list[Any] = list(node.inputs)
    while stack:
        v = stack.pop()
        if v not in ends and type(v) is not float:
            inside.add(v)
            stack.extend(v.inputs)
    return inside


def _rewritten(
    chain: Chain, dots: list[Any], place: dict[Any, int], parameters: range
) -> tuple[list[Rewritten], list[Any]]:
    """New nodes for a sum, the last of them in its place; and the products that they replace."""
    removed = [v for part, _, _ in dots for v in part]
    others = list(chain.terms)
    for v in removed:
        _remove(others, v)
    bias = [v for v in others if place.get(v, -1) in parameters][:1] if dots else []
    for v in bias:
        _remove(others, v)
    new = []
    for i, (_, w, x) in enumerate(dots):
        whole = len(dots) == 1 and not others
        new.append(Rewritten(chain.node if whole else None, p.DOT, w if i else (*w, *bias), x))
    summands = [*new, *others]
    if _is_long(chain.node, summands):
        new.append(Rewritten(chain.node, p.SUM, tuple(summands)))
    else:
        total = summands[0]
        for i, v in enumerate(summands[1:], 2):
            last = i == len(summands)
            total = Rewritten(chain.node if last else None, p.ADD, total, v)
            new.append(total)
    return new, removed


def _remove(values: list[Any], v: Any) -> None:
    """Remove one entry that is ``v`` itself: == of a Value and a number would warn."""
    del values[next(i for i, other in enumerate(values) if other is v)]


def _is_long(node: Value, terms: list[Any]) -> bool:
    """Whether a sum over terms is better one operation."""
    return node.primitive is p.ADD and len(terms) >= (ALIKE if _alike(terms) else LONG)


def _alike(values: Sequence[Any]) -> bool:
    """Whether one primitive computes all of them, or all are leaves."""
    return len({None if _is_leaf(v) else v.primitive for v in values}) == 1


def _is_leaf(v: Any) -> bool:
    return type(v) is float or v.primitive is None
