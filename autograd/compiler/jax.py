"""Programs for JAX: the source that is read, line by line, with functions of JAX.

JAX's arrays can't be changed. So where the source writes to rows of an array, the printed one makes
a new array, which takes over the name, and the turns of a loop hand their arrays on from one to the
next (``jax.lax.scan``). Users' own primitives are printed from their formulas.

It is made of the text, and only when it is asked for: a program that is kept for the next graph
keeps nothing but texts. Nothing here imports JAX before that.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy.typing as npt

from .checking import as_floats
from .formulas import functions_of
from .names import RESERVED, Names
from .numpy import CALLED, listed
from .own import OnArrays

Functions = Mapping[str, Any]
Constants = Mapping[str, npt.NDArray[Any]]


class JaxProgram:
    """What `Program.jax` gives: ``f(batch, parameters)`` is the losses and the gradient.

    Attributes:
        source: the program as Python, over ``jax.numpy``. To run it elsewhere: ``exec(source,
            {**constants})``, which defines ``losses_and_gradient(batch, flat)``.
        constants: arrays that the source uses by name.
        inputs, parameters: how many columns a batch has, and how many numbers the parameters are.

    Raises:
        ModuleNotFoundError: JAX is not installed.
        ValueError: a user's own primitive can't be printed.
    """

    def __init__(
        self,
        source: str,
        constants: Constants,
        functions: Functions,
        inputs: int,
        parameters: int,
    ) -> None:
        try:
            import jax
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "program.jax() needs JAX: pip install jax (part of the extra chalkgrad[jax])"
            ) from None
        self._jax = jax
        self.source, self.constants = printed(source, functions, constants), dict(constants)
        self.inputs, self.parameters = inputs, parameters
        namespace: dict[str, Any] = dict(constants)
        exec(compile(self.source, "<autograd.compile, for JAX>", "exec"), namespace)
        self._views, self._run = namespace["views"], namespace["program"]
        self._both = namespace["losses_and_gradient"]

    def __call__(self, batch: Any, parameters: Any) -> tuple[Any, Any]:
        """The outputs for the rows of ``batch``, and the gradient of their sum.

        The gradient is that of the program's own backward pass.

        Args:
            batch: one example per row, ``(b, inputs)``.
            parameters: their numbers, ``(parameters,)``.

        Returns:
            Losses ``(b,)``, or ``(b, k)`` for a program of k roots, and the gradient.

        Raises:
            ValueError: an argument is of another shape, or does not hold real numbers.
        """
        batch, flat = self._arrays(batch, parameters)
        losses, gradient = self._both(batch, flat)
        # Without examples it is 0 also where a partial derivative is infinite.
        return losses, gradient if len(batch) else self._jax.numpy.zeros_like(flat)

    def forward(self, batch: Any, parameters: Any) -> Any:
        """The outputs alone: a function that JAX differentiates by its own rules.

        Args:
            batch: as above.
            parameters: likewise.

        Raises:
            ValueError: as above.
        """
        batch, flat = self._arrays(batch, parameters)
        return self._run(batch, self._views(flat))

    def _arrays(self, batch: Any, parameters: Any) -> tuple[Any, Any]:
        """Both as JAX's arrays, of its default floats."""
        x, flat = self._floats(batch, "batch"), self._floats(parameters, "parameters")
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise ValueError(
                "batch must have one row per example and one column per input, shape "
                f"(b, {self.inputs}), got {x.shape}"
            )
        if flat.shape != (self.parameters,):
            raise ValueError(
                f"parameters must be a vector of {self.parameters} numbers, got shape {flat.shape}"
            )
        return x, flat

    def _floats(self, x: Any, name: str) -> Any:
        jnp = self._jax.numpy
        if any(isinstance(part, self._jax.Array) for part in self._jax.tree.leaves(x)):
            x = jnp.asarray(x)
            if jnp.issubdtype(x.dtype, jnp.complexfloating):
                raise ValueError(f"{name} must hold real numbers, got dtype {x.dtype}")
        else:
            x = as_floats(x, name)
        return jnp.asarray(x, jnp.result_type(float))


def printed(source: str, functions: Functions, constants: Constants) -> str:
    """The source of a program for JAX.

    Args:
        source: the program as it is read.
        functions: users' own primitives, as in `Program`.
        constants: arrays by their names in the source.

    Raises:
        ValueError: a user's own primitive can't be printed.
    """
    calls = {
        node.func.id: len(node.args)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    own = {
        name: f.__self__ for name, f in functions.items()
        if getattr(f, "__func__", None) is OnArrays.value
    }  # fmt: skip
    formulas = [line for name in own for line in functions_of(name, own[name], calls[name])]
    head, _, rest = source.partition("def views(")
    rest = rest.replace(": into gradients.", ", in place of gradients.")
    numbers = {name for name, array in constants.items() if array.dtype.kind == "f"}
    text = _Printer("\n".join([*formulas, f"def views({rest}"]), numbers)
    special = sorted(CALLED.keys() & text.names)
    return "\n".join([
        "import jax" + (f" as {text.jax}" if text.jax != "jax" else ""),
        f"import jax.numpy as {text.jnp}",
        *([f"from jax.scipy.special import {', '.join(special)}"] if special else []),
        head.rstrip(),
        "",
        "",
        *text.functions(),
        *[line for name in own for line in _differentiated(text.jax, name)],
        "def losses_and_gradient(batch, flat):",
        '    """Outputs for a batch, and the gradient of their sum by the flat vector."""',
        f"    parameters, transposed = {text.jax}.vjp(views, flat)",
        f"    zeros = {text.jax}.tree.map({text.jnp}.zeros_like, parameters)",
        "    outputs, gradients = program(batch, parameters, zeros)",
        "    return outputs, transposed(gradients)[0]",
        "",
    ])  # fmt: skip


def _differentiated(jax: str, name: str) -> list[str]:
    """A user's own primitive, differentiated by its own partial derivatives."""
    return [
        f"def jvp_{name}(x, dx):",
        f"    z = {name}(*x)",
        f"    return z, sum(d * v for d, v in zip(d_{name}(z, *x), dx))",
        "", "",
        f"{name} = {jax}.custom_jvp({name})",
        f"{name}.defjvp(jvp_{name})",
        "", "",
    ]  # fmt: skip


class _Rewriting(ast.NodeTransformer):
    """Expressions as JAX takes them.

    Args:
        jnp: what ``jax.numpy`` is called.
        numbers: constants of NumPy's, of which a loop may not take entries.
        views: names that stand for other shapes of an array, each with that expression.
    """

    def __init__(self, jnp: str, numbers: set[str], views: dict[str, ast.expr]) -> None:
        self.jnp, self.numbers, self.views = jnp, numbers, views

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.views:
            return self.views[node.id]
        if node.id == "np":
            node.id = self.jnp
        if node.id in self.numbers:
            return ast.Call(ast.Name(f"{self.jnp}.asarray", ast.Load()), [node], [])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        index = node.slice
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        # JAX takes no lists. An array of NumPy's is known when the function is compiled.
        parts = [
            ast.Call(ast.Name("np.array", ast.Load()), [part], []) if isinstance(part, ast.List)
            else self.visit(part)
            for part in parts
        ]  # fmt: skip
        node.value, node.slice = self.visit(node.value), parts[0]
        if len(parts) > 1:
            node.slice = ast.Tuple(parts)
        return node


class _Printer:
    """Functions over NumPy, printed anew for JAX, with the comments on their lines.

    Attributes:
        names: all names in the text.
        jax, jnp: what JAX and ``jax.numpy`` are called: labels may have taken the names.
    """

    def __init__(self, text: str, numbers: set[str]) -> None:
        self.lines, self.tree = text.splitlines(), ast.parse(text)
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        self.names = {node.id for node in nodes}
        new = Names([*RESERVED, *self.names]).new
        self.jax, self.jnp, self.turn, self.arrays = map(new, ("jax", "jnp", "turn", "arrays"))
        # Arrays of which rows are written.
        self.written = {
            node.value.id for node in ast.walk(self.tree)
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
        }  # fmt: skip
        self.views: dict[str, ast.expr] = {}
        self.rewriting = _Rewriting(self.jnp, numbers, self.views)
        self.gradients: list[str] = []

    def functions(self) -> Iterator[str]:
        """All of them."""
        for function in self.tree.body:
            assert isinstance(function, ast.FunctionDef)
            arguments = [argument.arg for argument in function.args.args]
            yield self.lines[function.lineno - 1]
            yield from self.block(function.body, "    ", set(arguments))
            yield from ["", ""]

    def block(self, statements: list[ast.stmt], indent: str, known: set[str]) -> Iterator[str]:
        """Statements, after which more names are ``known``."""
        for statement in statements:
            above, line = self.lines[statement.lineno - 2], self.lines[statement.lineno - 1]
            if above.lstrip().startswith("#"):
                yield above
            if isinstance(statement, ast.For):
                yield from self.loop(statement, indent, known)
            elif isinstance(statement, ast.If):
                yield line
                yield from self.block(statement.body, f"{indent}    ", known)
            elif isinstance(statement, ast.Return) and indent == "    " and "gradients" in known:
                yield f"{indent}{self.text(statement)}, ({listed(self.gradients)})"
            elif isinstance(statement, ast.Assign | ast.AugAssign):
                text = self.assignment(statement)
                known.update(_assigned([statement]))
                if text:
                    _, mark, shape = line.partition("  # ")
                    yield f"{indent}{text}{mark}{shape}"
            else:  # a docstring, or a return
                yield f"{indent}{self.text(statement)}" if '"""' not in line else line

    def assignment(self, statement: ast.Assign | ast.AugAssign) -> str:
        """An assignment: one to rows of an array makes a new array."""
        is_sum, value = isinstance(statement, ast.AugAssign), statement.value
        target = statement.target if is_sum else statement.targets[0]  # type: ignore[union-attr]
        if isinstance(target, ast.Tuple):
            names = _assigned([statement])
            if ast.unparse(value) == "gradients":
                self.gradients = names
            return f"{listed(names)} = {self.text(value)}"
        if isinstance(target, ast.Name) and target.id in self.written and _is_reshape(value):
            self.views[target.id] = self.rewriting.visit(value)
            return ""
        if not isinstance(target, ast.Subscript):
            return self.text(statement)
        name, text = ast.unparse(target.value), self.text(value)
        base = _base(name, self.views)
        if ast.unparse(target.slice) == ":" and name == base:
            sum_or_all = f"{base} + {text}" if is_sum else f"{self.jnp}.full_like({base}, {text})"
            return f"{base} = {sum_or_all}"
        rows: Any = self.rewriting.visit(target)
        rows.value = ast.Attribute(rows.value, "at")
        changed = f"{base} = {ast.unparse(rows)}.{'add' if is_sum else 'set'}({text})"
        return changed if name == base else f"{changed}.reshape({base}.shape)"

    def loop(self, loop: ast.For, indent: str, known: set[str]) -> Iterator[str]:
        """A loop: a function of the arrays that its turns hand on, and of the turn."""
        handed = [name for name in _assigned(loop.body) if name in known]
        arrays, steps = listed(handed), loop.iter
        assert isinstance(steps, ast.Call)
        is_back = ast.unparse(steps.func) == "reversed"
        if is_back:
            steps = steps.args[0]
        yield f"{indent}def {self.turn}({self.arrays}, t):"
        yield f"{indent}    {arrays} = {self.arrays}"
        yield from self.block(loop.body, f"{indent}    ", {*known})
        yield f"{indent}    return ({arrays}), None"
        turns = ast.unparse(steps).replace("range", f"{self.jnp}.arange")
        order = ", reverse=True" if is_back else ""
        yield f"{indent}{arrays} = {self.jax}.lax.scan({self.turn}, ({arrays}), {turns}{order})[0]"

    def text(self, node: ast.AST) -> str:
        """An expression or a statement."""
        return ast.unparse(self.rewriting.visit(node))


def _assigned(statements: Iterable[ast.stmt]) -> list[str]:
    """The names that statements give to arrays, or to which they write; each once."""
    found: dict[str, None] = {}
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name | ast.Subscript) and isinstance(node.ctx, ast.Store):
                found[ast.unparse(node if isinstance(node, ast.Name) else node.value)] = None
    return list(found)


def _base(name: str, views: Mapping[str, ast.expr]) -> str:
    """The array that holds the rows of an array: that of a view, if it is one."""
    if name not in views:
        return name
    reshaped: Any = views[name]
    return ast.unparse(reshaped.func.value)


def _is_reshape(value: ast.expr) -> bool:
    """Whether it is an array that has a name, in another shape."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
        return False
    return value.func.attr == "reshape" and isinstance(value.func.value, ast.Name)
