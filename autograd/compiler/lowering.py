"""From a recorded graph to a program: what `compile` does, step by step.

1. Sums (`sums`): a chain of ``+`` over products becomes a dot, as if it had been recorded as one.
2. Levels (`levels`): when each node is computed; of equal nodes, one is.
3. Groups (`groups`): nodes of one level and one kind become one array operation. Its rows are
   ordered as its operands' rows are. Layers with the same weights over several vectors are one
   group.
4. Loops (`recurrences`, `recurring`): levels that repeat become a loop over the groups of one step.
5. Order: each group and each loop is computed as late as its users allow.
6. Forward: they compute their values, one after another, as expressions on a `Sheet`.
7. Backward: in reverse, each passes its gradient on to its operands.
8. Listing (`listing`): what is written on the sheet, as data to be printed; expressions that are
   used more than once have names.
"""

from collections import defaultdict
from itertools import chain, islice
from typing import Any

import numpy as np

from .. import primitives as p
from ..value import Value
from .expressions import ALL, Arithmetic
from .groups import Elementwise, Group, Layer, Stacked
from .levels import Levels
from .listing import Listing
from .names import RESERVED, Names
from .operands import Operands
from .recurrences import Wiring
from .recurring import Loop
from .rules import RULES, rewriting
from .sheet import Sheet
from .sums import with_dots

STACKED = (p.SUM, p.MAX, p.LOGSUMEXP, p.DOT)  # one array for the whole vector


class Lowering:
    """A recorded graph as a program.

    Args:
        roots: what is computed.
        order: all nodes except inputs and parameters, each after the nodes it is computed from.
        place: of inputs, parameters and nodes, 0, 1, ..., in this order.
        inputs, parameters: the leaves that are not constants.
        several: whether each root is a column of the outputs.

    Attributes:
        listing: the program, as data.
        names: the names in use in it.
        groups: the array operations.
        graph_size: how many nodes were recorded.
        roots, inputs, parameters, several: what is computed, and how many inputs and parameters
            there are; as given.
    """

    def __init__(
        self,
        roots: list[Value],
        order: list[Value],
        place: dict[Any, int],
        inputs: list[Value],
        parameters: list[Value],
        several: bool,
    ) -> None:
        leaves = len(inputs) + len(parameters)
        self.roots, self.several = roots, several
        self.inputs, self.parameters = len(inputs), len(parameters)
        recorded = len(order)
        order = with_dots(order, roots, place, range(len(inputs), leaves))
        self.m, self.names = Arithmetic(rewriting(tuple(RULES))), Names(RESERVED)
        self.sheet = Sheet(self.m, self.names)
        self.operands = Operands(self.sheet, place, inputs, parameters)
        self.levels = Levels(order, place, leaves, self.operands.varies)
        used = self.levels.is_used
        for root in roots:
            used[place[root]] = 1
        self.groups = self._group()
        self.graph_size = recorded + sum(used[:leaves])
        with np.errstate(all="ignore"):
            self.listing = self._listing(roots, len(inputs), len(parameters), several)

    def _group(self) -> list[Group | Loop]:
        """The groups, each after its operands and as late as its users allow."""
        kinds: dict[Any, list[Any]] = defaultdict(list)
        vectors: dict[Any, int] = {}
        for level, node, codes in self.levels.nodes:
            if type(node.arguments[0]) is not tuple:
                kinds[(level, Elementwise, node.primitive, *codes)].append(node)
            else:
                kinds[(level, *self._kind(node, vectors))].append(node)
        levels: list[list[Group]] = []
        places = 1
        depths: defaultdict[int, list[Any]] = defaultdict(list)
        for kind, nodes in kinds.items():
            depths[kind[0]].append((kind[1], nodes, ()))
        for depth in sorted(depths):
            levels.append([])
            for _, nodes, _ in depths[depth]:
                if len(nodes) > 1:  # rows in the order of the operands' rows
                    nodes.sort(key=self._first_places)
            for what, nodes, more in self._with_positions(depths[depth]):
                group = what(self.operands, nodes, *more)
                self.operands.hold(group)
                levels[-1].append(group)
                places += 1
                group.place = places
        wiring = Wiring(levels, self.operands)
        parts: list[Any] = levels
        for found in reversed(wiring.recurrences()):
            steps = slice(found.start, found.start + found.period * found.steps)
            parts[steps] = [[Loop(self.operands, wiring, found)]]
        return self._as_late_as_possible(list(chain.from_iterable(parts)))

    def _as_late_as_possible(self, parts: list[Group | Loop]) -> list[Group | Loop]:
        """Groups and loops, each as late as its users allow."""
        for part in parts:
            part.latest = len(parts)
        for part in reversed(parts):
            at = map(self.operands.stands, chain.from_iterable(part.operand_nodes()))
            for operand in {source.computed_by for source, _ in filter(None, at)} - {None, part}:
                operand.latest = min(operand.latest, part.latest - 1)
        return sorted(parts, key=lambda part: part.latest)

    def _with_positions(self, found: list[Any]) -> list[Any]:
        """Groups of one depth; layers with the same weights over several vectors as one.

        A group is its class, its nodes, and what else the class needs.
        """
        layers: defaultdict[Any, list[Any]] = defaultdict(list)
        for group in found:
            if group[0] is Layer:
                _, x, b = self.operands.layer_parts(group[1][0])
                layers[len(group[1]), len(x), b is None].append(group)
        varies = self.operands.varies
        for alike in layers.values():
            same: defaultdict[Any, list[Any]] = defaultdict(list)
            for group in alike if len(alike) > 1 else ():
                neurons = list(map(self.operands.layer_parts, group[1]))
                biases = [b for _, _, b in neurons]
                by_input = not varies.isdisjoint(neurons[0][1])
                if by_input == (group[1][0] in varies) and varies.isdisjoint(biases):
                    same[(by_input, *[w for w, _, _ in neurons], *biases)].append(group)
            for several in filter(lambda several: len(several) > 1, same.values()):
                nodes = [node for nodes in zip(*[group[1] for group in several]) for node in nodes]
                place = found.index(several[0])
                found = [group for group in found if all(group is not one for one in several)]
                found.insert(place, (Layer, nodes, (len(several),)))
        return found

    def _kind(self, node: Value, vectors: dict[Any, int]) -> tuple[Any, ...]:
        """What the nodes of one group have in common; first the group's class."""
        primitive, arguments = node.primitive, node.arguments
        varies = node in self.operands.varies
        if primitive is p.DOT:
            parts = self.operands.neuron(node)
            if parts:
                _, x, b = parts
                # Neurons of one layer share the tuple; equal ones will do too.
                same = vectors.get(id(x))
                if same is None:
                    same = vectors.setdefault(tuple(map(self.levels.name, x)), len(vectors))
                    if x is arguments[1]:
                        vectors[id(x)] = same
                return Layer, same, b is None, varies
            return Stacked, primitive, *map(len, arguments)
        if primitive in STACKED:
            return Stacked, primitive, len(arguments[0]), varies
        # Of a vector whose entries differ in meaning: which are constant, and which vary.
        depth, place = self.levels.depth, self.operands.place
        return (
            Elementwise,
            primitive,
            *[(depth[place.get(v, -1)] >= 0) + (v in self.operands.varies) for v in node.inputs],
        )

    def _first_places(self, node: Value) -> list[tuple[int, int]]:
        parts = self.operands.neuron(node) if node.primitive is p.DOT else None
        found = map(self.operands.stands, node.inputs if parts is None else parts[0])
        return [(source.place, row) for source, row in islice(filter(None, found), 3)]

    def _listing(self, roots: list[Value], n: int, m: int, several: bool) -> Listing:
        sheet = self.sheet
        for group in self.groups:
            group.compute()
        outputs = self.m.full(self.operands.gather(roots), (len(roots), "b"))
        result = outputs.T if several else self.m.make("item", outputs, info=0, shape=("b",))
        turn = self.m.next_serial()
        start = sheet.state("set", "d_flat", self.m.zeros(()), index=ALL)
        self.operands.scatter(roots, 1.0, varies=True)
        for group in reversed(self.groups):
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
