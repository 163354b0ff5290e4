"""From a recorded graph to a program: what `compile` does, step by step.

1. Group: nodes of one primitive and one depth become one array operation (a `Group`); its rows are
   ordered as its operands' rows are.
2. Forward: each group computes its value, as late as its uses allow.
3. Backward: each group in reverse passes its gradient on to its operands.
"""

from collections import defaultdict
from itertools import islice
from typing import Any

import numpy as np

from .. import primitives as p
from ..value import Value
from .expressions import ALL, Arithmetic, Listing
from .groups import Elementwise, Group, Layer, Stacked, neuron
from .names import RESERVED, Names
from .operands import Operands, Sheet
from .rules import RULES, rewriting

STACKED = (p.SUM, p.MAX, p.LOGSUMEXP, p.DOT)  # one array for the whole vector


class Lowering:
    """A recorded graph as a program.

    Args:
        roots: what is computed.
        order: all nodes except inputs and parameters, each after the nodes it is computed from.
        inputs, parameters: the leaves that are not constants.
        several: whether each root is a column of the outputs.

    Attributes:
        listing: the program, as data.
        names: the names in use in it.
        groups: the array operations.
        graph_size: how many nodes were recorded.
    """

    def __init__(
        self,
        roots: list[Value],
        order: list[Value],
        inputs: list[Value],
        parameters: list[Value],
        several: bool,
    ) -> None:
        self.m, self.names = Arithmetic(rewriting(tuple(RULES))), Names(RESERVED)
        self.sheet = Sheet(self.m, self.names)
        self.operands = Operands(self.sheet, inputs, parameters)
        used = set(roots).union(*[node.inputs for node in order])
        self.graph_size = len(order) + len(self.operands.source.keys() & used)
        self.groups = self._group(order)
        with np.errstate(all="ignore"):
            self.listing = self._listing(roots, len(inputs), len(parameters), several)

    def _group(self, order: list[Value]) -> list[Group]:
        """The groups, each after its operands and as late as its users allow."""
        source = self.operands.source
        depth: dict[Any, Any] = {}  # of nodes that are not constant; of a leaf it is 0
        kinds: dict[Any, list[Value]] = defaultdict(list)
        vectors: dict[Any, Any] = {}
        for node in order:
            below: set[Any] = set(map(depth.get, node.inputs)) - {None}
            if below or not source.keys().isdisjoint(node.inputs):  # else it is a constant
                depth[node] = 1 + max(below, default=0)
                if not self.operands.varies.isdisjoint(node.inputs):
                    self.operands.varies.add(node)
                kinds[(depth[node], *self._kind(node, depth.keys(), vectors))].append(node)
        groups: list[Group] = []
        for kind, nodes in sorted(kinds.items(), key=lambda item: item[0][0]):
            nodes.sort(key=self._first_places)  # rows in the order of the operands' rows
            group = kind[1](self.operands, nodes)
            self.operands.place(group)
            groups.append(group)
            group.place = 1 + len(groups)
            group.latest = len(kinds)
        for group in reversed(groups):
            for operand in set().union(*[map(source.get, v) for v in group.operand_nodes()]):
                if isinstance(operand, Group):
                    operand.latest = min(operand.latest, group.latest - 1)
        return sorted(groups, key=lambda group: group.latest)

    def _kind(self, node: Value, variable: Any, vectors: dict[Any, Any]) -> tuple[Any, ...]:
        """What the nodes of one group have in common; first the group's class."""
        primitive, arguments = node.primitive, node.arguments
        varies = node in self.operands.varies
        if primitive is p.DOT:
            parts = neuron(node, self.operands.varies)
            if parts:
                _, x, b = parts
                # Neurons of one layer share the tuple; equal ones will do too.
                same = vectors.get(id(x)) or vectors.setdefault(x, x)
                if x is arguments[1]:
                    vectors[id(x)] = same
                return Layer, id(same), b is None, varies
            return Stacked, primitive, *map(len, arguments)
        if primitive in STACKED:
            return Stacked, primitive, len(arguments[0]), varies
        # An operand is constant, fixed by the parameters, or varies with the inputs.
        return (
            Elementwise,
            primitive,
            *[
                (v in variable or v in self.operands.source) + (v in self.operands.varies)
                for v in node.inputs
            ],
        )

    def _first_places(self, node: Value) -> list[tuple[int, int]]:
        parts = neuron(node, self.operands.varies) if node.primitive is p.DOT else None
        source, row = self.operands.source, self.operands.row
        operands = node.inputs if parts is None else parts[0]
        found = islice((v for v in operands if v in source), 3)
        return [(source[v].place, row[v]) for v in found]

    def _listing(self, roots: list[Value], n: int, m: int, several: bool) -> Listing:
        sheet = self.sheet
        for group in self.groups:
            self.m.running = group.primitive
            group.compute()
        outputs = self.m.full(self.operands.gather(roots), (len(roots), "b"))
        result = outputs.T if several else self.m.make("item", outputs, info=0, shape=("b",))
        turn = self.m.next_serial()
        start = sheet.state("set", "d_flat", self.m.zeros(()), index=ALL)
        self.operands.scatter(roots, 1.0, varies=True)
        for group in reversed(self.groups):
            self.m.running = group.primitive
            group.pass_on()
        parameters = self.operands.parameters
        parameters.finish(start)
        listing = Listing(
            n, m, parameters.views, sheet.constants, sheet.functions,
            forward=[s for s in sheet.statements if s.serial < turn],
            result=result,
            backward=[s for s in sheet.statements if s.serial > turn],
        )  # fmt: skip
        listing.name_shared(turn, self.names.new, sheet.wishes)
        return listing
