"""Record once, replay over arrays: a graph of scalars as a NumPy program for whole batches.

`compile` takes the graph of one example. Nodes of one primitive that are ready together become one
array operation; sums of products, however they were written, become matrix products; equal steps of
a recurrence become a loop. The result is written out as Python: the forward pass, then the backward
pass. Inside, a batch is columns, ``(d, b)``.

>>> import autograd
>>> from autograd import Value
>>> w, x = Value(3.0, label="w"), Value(0.0, label="x")
>>> program = autograd.compile((w * x).sin(), inputs=[x], parameters=[w])
>>> losses, gradient = program([[0.0], [1.0]])
>>> losses.round(4).tolist(), gradient.round(4).tolist()
([0.0, 0.1411], [-0.99])
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ..value import Value, topological_order
from ..vectors import data_of
from .cases import formulas_of
from .checking import as_floats, check_example, check_leaves, list_of, pair
from .lowering import Lowering
from .structure import Kept, Structure, are_sound, structure_of
from .written import Operation, Written

if TYPE_CHECKING:
    from .jax import JaxProgram

Array = npt.NDArray[np.float64]


class Program:
    """What `compile` makes: ``program(batch)`` gives the losses and the gradient of their sum.

    Attributes:
        source: the program as Python: ``views`` finds the parameters in a flat vector, ``program``
            is the forward and the backward pass.
        code: the program that is run: the source line by line, except for where results lie in
            memory (``autograd.compiler.numpy``). The numbers are the same up to rounding. A few
            examples are run in machine code instead, where llvmlite is installed and the graph has
            hundreds of nodes; or one, with short arrays, in plain floats; and a large batch block
            by block.
        inputs: the Values that the columns of a batch stand for.
        parameters: the Values that the gradient is taken by, in the order of its entries.
        graph_size: how many nodes the recorded graph has.
        operations: the array operations that the nodes were grouped into, a list of `Operation`.
        constants: arrays that the source uses by name; short ones are written out in it. They are
            read-only, since programs of graphs with the same structure share them.
        functions: users' own primitives and their partial derivatives, and functions that NumPy
            lacks, by their names in the source. To run the source yourself: ``exec(source,
            {**constants, **functions})``.
    """

    def __init__(self, written: Written, inputs: list[Value], parameters: list[Value]) -> None:
        self._written = written
        self.source, self.code = written.source, written.code
        self.inputs, self.parameters = inputs, parameters
        self.graph_size = written.graph_size
        self.constants, self.functions = dict(written.constants), dict(written.functions)
        self.operations: list[Operation] = list(written.operations)

    def __call__(
        self,
        batch: ArrayLike,
        parameters: ArrayLike | None = None,
        out: Array | None = None,
    ) -> tuple[Array, Array]:
        """The outputs for the rows of ``batch``, and the gradient of their sum.

        Args:
            batch: one example per row, ``(b, len(inputs))``.
            parameters: their numbers, ``(len(parameters),)``; those of the Values if not given.
            out: where to write the gradient, an array of floats ``(len(parameters),)``; a new one
                if not given.

        Returns:
            Losses ``(b,)``, or ``(b, k)`` for a program of k roots, and the gradient.

        Raises:
            ValueError: an argument is of another shape, or does not hold real numbers.
        """
        batch, vector = self._batch(batch), self._vector(parameters)
        if out is None:
            out = np.empty(len(self.parameters))
        else:
            self._check(vector, out)
        outputs = self._outputs(batch, vector, out)
        if len(batch) == 0:  # also where a partial derivative is infinite
            out[:] = 0.0
        return outputs, out

    def forward(self, batch: ArrayLike, parameters: ArrayLike | None = None) -> Array:
        """The outputs alone, without the backward pass."""
        return self._outputs(self._batch(batch), self._vector(parameters), None)

    def _outputs(self, batch: Array, vector: Array, out: Array | None) -> Array:
        written = self._written
        outputs = written.in_machine_code(batch, vector, out)
        if outputs is None:
            with np.errstate(all="ignore"):
                run = written.bind(vector, out, native=False)
                outputs = _own(run(batch), batch, vector)
        return outputs

    def bind(
        self, parameters: Array, out: Array, *, native: bool = True
    ) -> Callable[[Array], Array]:
        """The program with its vectors given once and for all, for a training loop to call.

        Args:
            parameters: the vector to read the parameters from, ``(len(parameters),)``.
            out: the vector to write the gradient to, likewise.
            native: whether small batches may be run in machine code, where it is installed.

        Returns:
            A function of a batch, an array of floats ``(b, len(inputs))``, that returns the outputs
            and writes the gradient. It checks nothing, and leaves NumPy's warnings on. The outputs
            may be read-only, or share memory with the batch or the parameters: copy what you keep.

        Raises:
            ValueError: an argument is not such a vector of floats in one piece, or both are the
                same.

        >>> import autograd
        >>> w, x = Value(3.0), Value(0.0)
        >>> theta, gradient = np.array([3.0]), np.zeros(1)
        >>> losses_of = autograd.compile(w * x, [x], [w]).bind(theta, gradient)
        >>> losses_of(np.array([[10.0]])), gradient
        (array([30.]), array([10.]))
        """
        self._check(parameters, out)
        return self._written.bind(parameters, out, native)

    def _check(self, parameters: Array, out: Array) -> None:
        """Whether these are vectors to read from and to write to."""
        m = len(self.parameters)
        for name, vector in (("parameters", parameters), ("out", out)):
            if not isinstance(vector, np.ndarray) or vector.dtype != float or vector.shape != (m,):
                raise ValueError(f"{name} must be an array of {m} floats, got {vector!r}")
            if not vector.flags.c_contiguous or (name == "out" and not vector.flags.writeable):
                raise ValueError(f"{name} must be in one piece, and out writeable: give a copy")
        if np.may_share_memory(parameters, out):
            raise ValueError(
                "out must not be the vector of the parameters, which it would overwrite"
            )

    @property
    def size(self) -> tuple[int, int, int]:
        """How large it is: what the parts of one run are, by which to choose how to run it.

        How many statements are run, and how many multiplications the matrix products of one example
        are; and how many statements are written.
        """
        return self._written.calls

    def jax(self) -> JaxProgram:
        """The program for JAX: ``f(batch, parameters)`` gives the losses and the gradient.

        It is the same source over ``jax.numpy``, for ``jax.jit``, ``jax.vmap`` and JAX's devices,
        and the gradient is that of its backward pass. ``f.forward(batch, parameters)`` gives the
        losses alone: ``jax.grad`` differentiates them by rules of JAX's own, by which relu has the
        slope 1/2 at 0, and a branch of `where` that is not taken may make a gradient nan.

        It computes in JAX's floats, of 32 bits unless ``jax_enable_x64`` is set.

        Raises:
            ModuleNotFoundError: JAX is not installed.
            ValueError: a user's own primitive is written in another way than with operators and
                the functions of `autograd`.
        """
        from .jax import JaxProgram

        m, n = len(self.parameters), len(self.inputs)
        return JaxProgram(self.source, self.constants, self.functions, n, m)

    def _batch(self, batch: ArrayLike) -> Array:
        array = as_floats(batch, "batch")
        if array.ndim != 2 or array.shape[1] != len(self.inputs):
            raise ValueError(
                "batch must have one row per example and one column per input, shape "
                f"(b, {len(self.inputs)}), got {array.shape}"
            )
        return array

    def _vector(self, parameters: ArrayLike | None) -> Array:
        """A flat vector of parameters, by default that of the Values."""
        m = len(self.parameters)
        if parameters is None:
            return data_of(self.parameters)
        flat = as_floats(parameters, "parameters")
        if flat.shape != (m,):
            raise ValueError(f"parameters must be a vector of {m} numbers, got shape {flat.shape}")
        return np.ascontiguousarray(flat)

    def __repr__(self) -> str:
        rows = [(o.name, o.op, f"{o.nodes:,}", f"({o.nodes}, {'b' if o.varies else 1})")
                for o in self.operations]  # fmt: skip
        if len(rows) > 40:
            rows[20:-20] = [("...", "", "", "")]
        table = [("name", "op", "nodes", "shape"), *rows]
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in table
        ]
        return "\n".join([self._summary(), *lines])

    def _summary(self) -> str:
        return (
            f"Program of {_count(len(self.inputs), 'input')} and "
            f"{_count(len(self.parameters), 'parameter')}: {_count(self.graph_size, 'node')} of "
            f"the graph in {_count(len(self.operations), 'array operation')}"
        )

    def _repr_markdown_(self) -> str:
        return f"{self._summary()}\n\n```python\n{self.source}```\n"


_kept: Kept[Written] = Kept()  # by structure, for the next graph with the same structure


def compile(
    root: Value | Sequence[Value],
    inputs: Iterable[Value],
    parameters: Iterable[Value],
    check: Iterable[tuple[Sequence[float], Any]] = (),
) -> Program:
    """Turn a recorded graph into a program that runs on whole batches.

    Args:
        root: the result for one example, such as its loss; or several results.
        inputs: the leaves that differ from example to example.
        parameters: the leaves that are trained. Every other leaf is a constant, and nodes computed
            from constants alone keep their recorded numbers.
        check: examples to try: pairs of the inputs' numbers and of a ``root`` newly recorded for
            them, to be compared with the program. For the graph is frozen: of ``if x.data > 0``
            only the branch taken was recorded.

    The numbers are those of the graph up to rounding: sums are NumPy's, not exact as in
    `autograd.sum`, and a sum of products is a dot, whether it was written with ``+`` and ``*`` or
    with `autograd.dot`. Equal nodes are computed once. Where six steps or more do the same, each
    with the results of the one before, the program has a loop.

    Programs are kept, and used again for graphs that differ in numbers alone: the next network of
    the same widths, activations and labels needs no compiling.

    Raises:
        TypeError: ``root``, an input, a parameter or a root in ``check`` is not a Value.
        ValueError: an input or a parameter is not a leaf, or is given twice; a primitive can't run
            on arrays; or the program differs from an example of ``check``.
    """
    roots = root if isinstance(root, Value) else list_of(root, "root")
    inputs, parameters = list_of(inputs, "inputs"), list_of(parameters, "parameters")
    program = Program(_find(roots, inputs, parameters), inputs, parameters)
    n = 1 if isinstance(roots, Value) else len(roots)
    for i, example in enumerate(check if np.iterable(check) else [check]):
        row, recorded = pair(example, f"check[{i}]")
        batch = np.atleast_2d(as_floats(row, f"the inputs of check[{i}]"))
        if batch.shape != (1, len(inputs)):
            raise ValueError(
                f"the inputs of check[{i}] must be {_count(len(inputs), 'number')}, got shape "
                f"{np.shape(row)}"
            )
        check_example(f"check[{i}]", recorded, n, *of_one(program, batch), program.parameters)
    return program


def of_one(
    program: Program, batch: ArrayLike, parameters: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Outputs and gradient of one example, by the program for batches, however it is run alone."""
    out = np.empty(len(program.parameters))
    with np.errstate(all="ignore"):
        run = program._written.by_arrays(program._vector(parameters), out)
        return run(program._batch(batch)), out


def compile_as(
    key: Structure,
    record: Callable[[], Value | Sequence[Value]],
    inputs: list[Value],
    parameters: list[Value],
    owner: Any,
) -> Program:
    """As `compile`, for those who know the structure of a graph without recording it.

    Args:
        key: equal for graphs of one structure, labels left aside.
        record: gives the root; called where no program is kept for that key.
        inputs: as in `compile`; the program takes over the list.
        parameters: likewise.
        owner: the network whose parameters they are.
    """
    key = (*key, len(inputs), len(parameters))
    written = _kept.get(key)
    if written is None or not are_sound(parameters, owner):
        with collector_paused():
            written = _find(record(), inputs, parameters, key)
    return Program(written, inputs, parameters)


def _find(
    root: Value | Sequence[Value],
    inputs: list[Value],
    parameters: list[Value],
    key: Structure | None = None,
) -> Written:
    """The program of a graph, one that is kept if there is; for a new ``key`` it is made."""
    several = not isinstance(root, Value)
    roots = [root] if isinstance(root, Value) else list(root)
    place = check_leaves(roots, inputs, parameters)
    with collector_paused():
        seen = set(place)
        order = [node for root in roots for node in topological_order(root, seen)]
        del seen  # of a large network it takes much memory
        place.update(zip(order, count(len(place))))
        written = None
        if key is None:
            key = (several, *structure_of(roots, order, place, len(inputs)), *formulas_of(order))
            written = _kept.get(key)
        if written is None:
            written = Written(Lowering(roots, order, place, inputs, parameters, several))
            _kept.keep(key, written, {node.primitive for node in order if node.primitive})
        return written


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without Python's search for cyclic garbage: compiling leaves little of it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _own(outputs: Array, *others: Array) -> Array:
    """``outputs`` as an array that the caller may change."""
    shared = any(np.may_share_memory(outputs, other) for other in others)
    return outputs.copy() if shared or not outputs.flags.writeable else outputs


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")
