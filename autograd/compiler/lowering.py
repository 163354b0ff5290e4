"""From a recorded graph to a program: what `compile` does, step by step.

1. Group: nodes of one primitive and one depth become one array operation (a `Group`); its rows are
   ordered as its operands' rows are.
2. Forward: each group computes its value, as late as its uses allow.
3. Backward: each group in reverse passes its gradient on to its operands.
"""

from collections import defaultdict
from typing import Any

import numpy as np

from .. import primitives as p
from ..value import Value, topological_order
from .expressions import ALL, Arithmetic, Listing
from .groups import Elementwise, Group, Layer, Stacked, neuron
from .names import RESERVED, Names
from .operands import Operands, Sheet
from .rules import RULES, rewriting

STACKED = (p.SUM, p.MAX, p.LOGSUMEXP, p.DOT)  # one array for the whole vector


class Lowering:
    """A recorded graph as a program.

    Attributes:
        listing: the program, as data.
        names: the names in use in it.
        groups: the array operations.
        graph_size: how many nodes were recorded.
    """

    def __init__(
        self, roots: list[Value], inputs: list[Value], parameters: list[Value], several: bool
    ) -> None:
        self.m, self.names = Arithmetic(rewriting(tuple(RULES))), Names(RESERVED)
        self.sheet = Sheet(self.m, self.names)
        self.operands = Operands(self.sheet, inputs, parameters)
        seen: set[Value] = set()
        order = [v for root in roots for v in topological_order(root, seen)]
        self.graph_size = len(order)
        self.groups = self._group(order)
        with np.errstate(all="ignore"):
            self.listing = self._listing(roots, len(inputs), len(parameters), several)

    def _group(self, order: list[Value]) -> list[Group]:
        """The groups, each after its operands, and as late as its uses allow."""
        source = self.operands.source
        depth: dict[Any, int] = dict.fromkeys(source, 0)
        kinds: dict[Any, list[Value]] = defaultdict(list)
        vectors: dict[Any, Any] = {}
        for node in order:
            if node in depth or node.primitive is None:
                continue
            depths = [depth[v] for v in node.inputs if v in depth]
            if depths:  # else it is a constant
                depth[node] = 1 + max(depths)
                if not self.operands.varies.isdisjoint(node.inputs):
                    self.operands.varies.add(node)
                kinds[(depth[node], *self._kind(node, depth, vectors))].append(node)
        groups: list[Group] = []
        for kind, nodes in sorted(kinds.items(), key=lambda item: item[0][0]):
            nodes.sort(key=self._first_places)  # rows in the order of the operands' rows
            group = kind[1](self.operands, nodes)
            self.operands.place(group)
            groups.append(group)
            group.number = 1 + len(groups)
            group.latest = len(kinds)
        for group in reversed(groups):
            for operand in {source.get(v) for nodes in group.operand_nodes() for v in nodes}:
                if isinstance(operand, Group):
                    operand.latest = min(operand.latest, group.latest - 1)
        return sorted(groups, key=lambda group: group.latest)

    def _kind(self, node: Value, variable: Any, vectors: dict[Any, Any]) -> tuple[Any, ...]:
        """What nodes share that become one group: its class first."""
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
            *[(v in variable) + (v in self.operands.varies) for v in node.inputs],
        )

    def _first_places(self, node: Value) -> list[tuple[int, int]]:
        parts = neuron(node, self.operands.varies) if node.primitive is p.DOT else None
        source, row = self.operands.source, self.operands.row
        found = [v for v in (node.inputs if parts is None else parts[0]) if v in source][:3]
        return [(source[v].number, row[v]) for v in found]

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
