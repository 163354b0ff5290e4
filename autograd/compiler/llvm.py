"""Machine code: text for LLVM, printed line by line, compiled by llvmlite and called.

A line gives a new name to the result of one operation. Numbers are ``double``, conditions ``i1``,
places in memory ``ptr``, whole numbers ``i64``. What a processor has no instruction for, such as
exp, stands in `elementary` as a function of what it has, and is printed beside the code that calls
it.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from itertools import count
from typing import Any

from .elementary import FUNCTIONS, TABLES
from .expressions import Arithmetic, Expr, LackError

SHORT = 12  # lines of a function
MAGIC = 1.5 * 2.0**52  # added to a whole number, it leaves that number in the last bits
LEVEL = 3  # of optimization; at 0, LLVM compiles ten times as fast, to slow code
INSTALL = "pip install 'chalkgrad[native]'"


def number(x: float) -> str:
    """A number, exactly."""
    return f"0x{struct.pack('>d', x).hex().upper()}"


# How an operation is written: in a line, or in several, whose results are {a}, {b}, ...
WRITTEN: dict[str, tuple[str, ...]] = {
    "neg": ("fneg double {0}",),
    "add": ("fadd double {0}, {1}",),
    "sub": ("fsub double {0}, {1}",),
    "mul": ("fmul double {0}, {1}",),
    "div": ("fdiv double {0}, {1}",),
    "greater": ("fcmp ogt double {0}, {1}",),
    "less": ("fcmp olt double {0}, {1}",),
    "at_least": ("fcmp oge double {0}, {1}",),
    "at_most": ("fcmp ole double {0}, {1}",),
    "differs": ("fcmp une double {0}, {1}",),
    "not": ("xor i1 {0}, true",),
    "and": ("and i1 {0}, {1}",),
    "or": ("or i1 {0}, {1}",),
    "where": ("select i1 {0}, double {1}, double {2}",),
    "float": ("uitofp i1 {0} to double",),
    "abs": ("call double @llvm.fabs.f64(double {0})",),
    "copysign": ("call double @llvm.copysign.f64(double {0}, double {1})",),
    "sqrt": ("call double @llvm.sqrt.f64(double {0})",),
    "fma": ("call double @llvm.fma.f64(double {0}, double {1}, double {2})",),
    # The nearest whole number; halfway, the even one.
    "nearest": ("call double @llvm.rint.f64(double {0})",),
    # 2^k for a whole number k from -1022 to 1023.
    "two_to": (
        f"fadd double {{0}}, {number(MAGIC + 1023.0)}",
        "bitcast double {a} to i64",
        "shl i64 {b}, 52",
        "bitcast i64 {c} to double",
    ),
    # Of x = 2^k f, with f from 1 to 2, x positive and no smaller than 2^-1022: k and f.
    "exponent": (
        "bitcast double {0} to i64",
        "lshr i64 {a}, 52",
        f"or i64 {{b}}, {0x433 << 52}",
        "bitcast i64 {c} to double",
        f"fsub double {{d}}, {number(2.0**52 + 1023.0)}",
    ),
    "fraction": (
        "bitcast double {0} to i64",
        f"and i64 {{a}}, {2**52 - 1}",
        f"or i64 {{b}}, {0x3FF << 52}",
        "bitcast i64 {c} to double",
    ),
}


class Lines:
    """Lines of a function's body.

    Attributes:
        lines: the text so far.
        functions: the names of functions in `elementary.FUNCTIONS` that it calls.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.functions: set[str] = set()
        self._names = count()

    def line(self, text: str) -> None:
        """A line without a result."""
        self.lines.append(f"  {text}")

    def new(self, text: str) -> str:
        """A line whose result gets a name."""
        name = f"%v{next(self._names)}"
        self.line(f"{name} = {text}")
        return name

    def operation(self, op: str, *args: str) -> str:
        """The result of an operation on numbers.

        Raises:
            LackError: machine code has no such operation.
        """
        if op in FUNCTIONS or op in TABLES:
            self.functions.add(op)
            arguments = ", ".join([f"double {a}" for a in args])
            return self.new(f"call double @{function_name(op)}({arguments})")
        if op not in WRITTEN:
            raise LackError(op)
        made: dict[str, str] = {}
        for letter, template in zip("abcdefgh", WRITTEN[op]):
            made[letter] = self.new(template.format(*args, **made))
        return made[letter]

    def value(self, x: Any, leaf: Callable[[Expr], str | None], known: dict[Any, str]) -> str:
        """An expression of single numbers.

        Args:
            x: the expression, or a plain number.
            leaf: gives the operand that an expression is, or None if it is to be computed.
            known: what has been computed already, by expression; it is added to.
        """
        if not isinstance(x, Expr):
            return number(x)
        if x not in known:
            found = leaf(x)
            if found is None:
                found = self.operation(x.op, *[self.value(a, leaf, known) for a in x.args])
            known[x] = found
        return known[x]


def function_name(op: str) -> str:
    """What a function of `elementary` is called in the text."""
    return f"chalk.{op}"


def with_functions(text: str, functions: set[str], inline: bool = True) -> str:
    """A text with the functions that it calls, and those that these call.

    They are copied to where they are called, for loops over arrays to be fast; or, if not
    ``inline``, only short ones.
    """
    texts, waiting, seen = [text], sorted(functions), set(functions)
    while waiting:
        definition, called = _function(waiting.pop())
        if not inline and definition.count("\n") > SHORT:
            definition = definition.replace("alwaysinline", "noinline", 1)
        texts.append(definition)
        waiting += sorted(called - seen)
        seen |= called
    return "\n".join(texts)


@cache
def _function(op: str) -> tuple[str, set[str]]:
    """A function of `elementary` as text, and the functions that it calls."""
    name = function_name(op)
    if op in TABLES:
        return _table(name, TABLES[op]()), set()
    m, lines = Arithmetic(), Lines()
    arguments = [m.name(letter, ()) for letter in "xyz"[: FUNCTIONS[op].__code__.co_argcount - 1]]
    result = lines.value(
        FUNCTIONS[op](m, *arguments), lambda x: f"%{x.info}" if x.op == "name" else None, {}
    )
    head = ", ".join([f"double %{a.info}" for a in arguments])
    body = "\n".join([*lines.lines, f"  ret double {result}"])
    return (
        f"define internal double @{name}({head}) alwaysinline nounwind {{\n{body}\n}}",
        lines.functions,
    )


def _table(name: str, entries: list[float]) -> str:
    """A function that looks up a number, by its place in a table of 128."""
    listed = ", ".join([f"double {number(x)}" for x in entries])
    return f"""@{name}.entries = internal constant [128 x double] [{listed}]
define internal double @{name}(double %x) alwaysinline nounwind {{
  %a = fadd double %x, {number(MAGIC)}
  %b = bitcast double %a to i64
  %c = and i64 %b, 127
  %d = getelementptr double, ptr @{name}.entries, i64 %c
  %e = load double, ptr %d
  ret double %e
}}"""


@cache
def is_installed() -> bool:
    """Whether llvmlite is there."""
    return find_spec("llvmlite") is not None


class Code:
    """Compiled text; it lives as long as this object.

    Args:
        text: one or more functions.
        loops: whether it consists of loops over arrays. Else it is compiled five times as fast,
            and runs as fast.
    """

    def __init__(self, text: str, loops: bool = True) -> None:
        binding, machine = _machine(LEVEL if loops else min(LEVEL, 1))
        module = binding.parse_assembly(text)
        module.triple = machine.triple
        module.data_layout = str(machine.target_data)
        options = binding.create_pipeline_tuning_options(speed_level=LEVEL)
        # Vectors are made of loops; what else would be tried made code no faster, and took ten
        # times as long to compile.
        options.loop_vectorization = True
        options.slp_vectorization = options.loop_unrolling = options.loop_interleaving = False
        passes = binding.create_pass_builder(machine, options)
        if loops:
            manager = passes.getModulePassManager()
        else:
            manager = binding.create_new_module_pass_manager()
            manager.add_sroa_pass()
            manager.add_always_inliner_pass()
            manager.add_instruction_combine_pass()
            manager.add_simplify_cfg_pass()
        manager.run(module, passes)
        self._engine = binding.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()

    def function(self, name: str, *arguments: Any, result: Any = ctypes.c_int64) -> Any:
        """A function to call, by its name, the types of its arguments and that of its result."""
        address = self._engine.get_function_address(name)
        return ctypes.CFUNCTYPE(result, *arguments)(address)


def _machine(level: int) -> tuple[Any, Any]:
    """The part of llvmlite that compiles, and this machine's processor.

    A new one for each text: the compiled code owns it, and frees it.
    """
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=level,
        jit=True,
    )
    return binding, machine
