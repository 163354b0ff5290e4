"""The graph of a computation as a `Player`: values fill in forward, gradients backward."""

from dataclasses import replace

from ..value import Value
from .arrange import Arrangement, Layout, arranged, inputs_of, plan_of
from .colours import fill
from .groups import groups_of
from .notation import TIMES, digits, factor, formula, isolated, shortened
from .picture import Picture
from .player import Frame, Player
from .steps import Share, Step, backward_steps, is_stale, uses

FOLDED = 80  # nodes, above which a still picture is shown folded at first


class Stepper:
    """The player of a graph.

    Args:
        nodes: those that are shown, in topological order, the root last.
        cut: those among them whose inputs are not shown.
        order: the whole graph in topological order: what is not shown passes on gradients too.
        names: of all of them.
        layout: lays out a graph in Graphviz's language, ``layout(source, "plain")``.
        shown: the gradients in the finished picture; those of a sweep from 0 if not given.
        arrangement: where all stands, with room for these gradients; else it is laid out here,
            with room for what they are from step to step.
    """

    def __init__(
        self,
        nodes: list[Value],
        cut: set[Value],
        order: list[Value],
        names: dict[Value, str],
        layout: Layout,
        shown: dict[Value, float] | None = None,
        arrangement: Arrangement | None = None,
    ) -> None:
        names = isolated(names)
        self.nodes, self.cut, self.names = nodes, cut, names
        self.steps = [replace(step, names=names) for step in backward_steps(order)]
        self.step_of = {step.node: step for step in self.steps}
        self.uses = uses(self.steps)
        # The longest number that each gradient ever is, for the width of its box.
        longest = {
            v: max((len(digits(share.after)) for _, share in found), default=1)
            for v, found in self.uses.items()
        }
        # The inputs that are drawn, in order: an edge each.
        self.inputs = {node: inputs_of(node, cut) for node in nodes}
        self.grads = {self.steps[0].node: 1.0}
        self.grads.update({v: found[-1][1].after for v, found in self.uses.items()})
        self.shown = shown if shown is not None else self.grads
        if arrangement is None:
            arrangement = arranged(plan_of(nodes, cut, names, self.shown, longest), layout)
        self.picture = Picture(nodes, cut, names, self.shown, arrangement)
        self.ids, self.largest = self.picture.ids, self.picture.largest

    def player(self) -> Player:
        """The graph step by step."""
        frames = [self._start(), *self._forward(), *self._backward()]
        root = self.names[self.nodes[-1]]
        title = f"Computation graph of {root}, {len(self.nodes)} nodes, with values and gradients"
        groups = groups_of(self.nodes, self.cut, self.picture.boxes)
        return Player(self.picture.svg, frames, self._details(), title, groups=groups)

    def still(self, step: Step | None) -> Player:
        """One frame, the finished picture, perhaps with a step lit."""
        root = self.nodes[-1]
        title = f"Computation graph of {self.names[root]}, {len(self.nodes)} nodes"
        caption = f"{self.names[root]} = {digits(root.data)}"
        fresh = all(grad == 0.0 for grad in self.shown.values())
        lines = ["No gradients yet: call backward() first."] if fresh else []
        lit: list[str] = []
        if step is not None:
            caption, lines = f"{step.title}, {step.names[step.node]}.grad = {digits(step.grad)}", []
            shares = enumerate(step.shares)
            lit = self._lit(step.node, {i for i, share in shares if share.is_given})
        groups = groups_of(self.nodes, self.cut, self.picture.boxes)
        folded = len(self.nodes) > FOLDED
        if groups and folded:
            lines.append("It is shown folded: click a box to unfold it.")
        if any(name.startswith(("layer", "the input")) for name in groups):
            lines.append("This is a network: nn.draw(net, x, y, loss) shows its neurons.")
        frame = Frame(caption, lines, lit, {})
        return Player(
            self.picture.svg, [frame], self._details(), title, groups=groups, folded=folded
        )

    # The frames

    def _start(self) -> Frame:
        changes: dict[tuple[str, str], str] = {}
        given = [v for v in self.nodes if not self.inputs[v]]
        for v, name in self.ids.items():
            changes[f"{name}v", "text"] = digits(v.data) if not self.inputs[v] else ""
            changes[f"{name}g", "text"] = ""
            changes |= self._fill(v, 0.0)
            changes.update({(f"{name}e{i}t", "text"): "" for i in self._labelled(v)})
        lines = shortened([f"{self.names[v]} = {digits(v.data)}" for v in given], most=6)
        return Frame(
            "Start: these numbers are given.", lines, [self.ids[v] for v in given], changes
        )

    def _forward(self) -> list[Frame]:
        frames = []
        for v, name in self.ids.items():
            if not self.inputs[v]:
                continue
            value = digits(v.data)
            lines = [f"= {formula(v, None, most=6)} = {value}"]
            if is_stale(v):
                lines = [f"= {value}, as it was recorded: an input was changed since"]
            step = self.step_of[v]
            partials = [
                f"{step.partial_name(share)} = {digits(share.partial)}"
                for share in step.shares if isinstance(share.input, Value)
            ]  # fmt: skip
            lines.append(f"At the arrows: {', '.join(shortened(partials))}")
            changes = {(f"{name}v", "text"): value}
            changes.update(
                {(f"{name}e{i}t", "text"): digits(d) for i, d in self._labelled(v).items()}
            )
            how = formula(v, self.names, most=6)
            title = f"Forward: {self.names[v]} = {how}"
            lit = self._lit(v, set(range(len(self.inputs[v]))))
            frames.append(Frame(title, lines, lit, changes))
        return frames

    def _backward(self) -> list[Frame]:
        root = self.nodes[-1]
        changes = {(f"{name}g", "text"): "0" for name in self.ids.values()}
        changes |= self._gradient(root, 1.0)
        name = self.names[root]
        lines = [f"{name}.grad = d{name}/d{name} = 1"]
        frames = [Frame("Backward: all gradients are 0, but for the result's.", lines,
                        [self.ids[root]], changes)]  # fmt: skip
        for step in self.steps[1:]:
            shares = [s for s in step.shares if s.is_given and s.input in self.ids]
            if not shares:
                continue
            changes = {}
            for share in shares:
                if isinstance(share.input, Value):
                    changes |= self._gradient(share.input, share.after)
            title = f"Backward: {step.title}, {step.names[step.node]}.grad = {digits(step.grad)}"
            lit = self._lit(step.node, {share.position for share in shares})
            frames.append(Frame(title, step.lines(), lit, changes))
        return frames

    def _lit(self, v: Value, edges: set[int]) -> list[str]:
        """The node with these of its edges, as far as they are drawn."""
        if v not in self.ids:
            return []
        name = self.ids[v]
        return [name, *[f"{name}e{i}" for i in range(len(self.inputs[v])) if i in edges]]

    def _labelled(self, v: Value) -> dict[int, float]:
        """The edges of a node that come from Values, and so have a number: its partials."""
        return {i: d for i, (x, d) in enumerate(self.inputs[v]) if isinstance(x, Value)}

    def _gradient(self, v: Value, grad: float) -> dict[tuple[str, str], str]:
        return {(f"{self.ids[v]}g", "text"): digits(grad), **self._fill(v, grad)}

    def _fill(self, v: Value, grad: float) -> dict[tuple[str, str], str]:
        paint, depth = fill(grad, self.largest)
        name = f"{self.ids[v]}f"
        return {(name, "class"): paint, (name, "fill-opacity"): depth}

    def _details(self) -> dict[str, list[str]]:
        """For each node, how its value came about, and its gradient as a sum over its uses."""
        details = {}
        for v in self.nodes:
            name = self.names[v]
            value = f"{name} = {digits(v.data)}"
            if self.inputs[v]:
                value = f"{name} = {formula(v, self.names, 6)} = {digits(v.data)}"
            grad = self.grads.get(v, 0.0)
            why = "it is the result itself" if v is self.nodes[-1] else "no share reaches it"
            lines = [f"{name}.grad = {digits(grad)}: {why}"]
            if self.uses[v]:
                lines = self._sum(v, self.uses[v])
            if v in self.shown and self.shown[v] != grad and not (grad != grad != self.shown[v]):
                lines = [
                    f"{name}.grad = {digits(self.shown[v])}, as it stands; "
                    f"one sweep from 0 makes it {digits(grad)}"
                ]
            details[self.ids[v]] = [value, *lines]
        return details

    def _sum(self, v: Value, found: list[tuple[Step, Share]]) -> list[str]:
        letters, numbers = [], []
        for step, share in found:
            at = step.names[step.node]
            letters.append(f"{at}.grad {TIMES} {step.partial_name(share)}")
            numbers.append(f"{factor(step.grad)} {TIMES} {factor(share.partial)}")
        return [
            f"{self.names[v]}.grad = {' + '.join(shortened(letters))}",
            f"= {' + '.join(shortened(numbers))} = {digits(self.grads[v])}",
        ]
