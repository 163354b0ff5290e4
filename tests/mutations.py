"""Every small mistake that a file of code could hold: what `mutants` tries.

An operator or a number is another one, a condition always holds or never, a bound is off by one, a
statement is missing, nothing is returned.

Left out: strings and f-strings (that a text reads well no test can say), docstrings, annotations,
what only type checkers read, and a name's only assignment, without which anything fails.
"""

import ast
import copy
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OTHERS = {  # what an operator is mistaken for
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}


@dataclass(frozen=True)
class Mutant:
    """One change: bytes ``start`` to ``stop`` of a file are ``new`` instead of ``old``."""

    file: str
    lines: tuple[int, int]  # of the statement, or of its head
    start: int
    stop: int
    kind: str
    old: str
    new: str
    place: str  # "FunctionDef" or "Lambda", in whose body it stands; "" for what runs on import
    rank: float  # a draw takes the lowest, so that it stays the same where other code is changed

    def applied(self, source: bytes) -> bytes:
        """The source with the change, and with as many lines as before."""
        lost = "\n" * (self.old.count("\n") - self.new.count("\n"))
        new = f"{self.new[:-1]}{lost})" if self.new[-1] == ")" else self.new + lost
        return source[: self.start] + new.encode() + source[self.stop :]

    def __str__(self) -> str:
        return f"{self.file}:{self.lines[0]}: {self.kind}: {self.old} -> {self.new}"


def mutants_of(file: str, seed: int) -> Iterator[Mutant]:
    """Every mutant of a file; ``seed`` chooses among what an operator may be mistaken for."""
    source = Path(file).read_bytes()
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    times: Counter[object] = Counter()

    def visit(
        node: ast.AST, head: tuple[int, int], place: str, again: set[str]
    ) -> Iterator[Mutant]:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            head = (node.lineno, max(node.lineno, last))
        statement = source[begins[head[0] - 1] : begins[head[1]]]
        key = (seed, file, statement, type(node).__name__, getattr(node, "col_offset", 0))
        times[key] += 1
        rng = random.Random(repr((key, times[key])))
        for kind, old, new in changes(node, again, rng):
            start = begins[old.lineno - 1] + old.col_offset
            stop = begins[old.end_lineno - 1] + old.end_col_offset
            text = ast.unparse(ast.fix_missing_locations(new))
            text = f"({text})" if isinstance(new, ast.expr) else text
            was = source[start:stop].decode()
            yield Mutant(file, head, start, stop, kind, was, text, place, rng.random())
        if isinstance(node, ast.FunctionDef):
            names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
            stored = Counter(n.id for n in names if isinstance(n.ctx, ast.Store))
            again = {name for name, count in stored.items() if count > 1}
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns"):
                continue
            is_body = field == "body" and isinstance(node, ast.FunctionDef | ast.Lambda)
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, head, type(node).__name__ if is_body else place, again)

    return visit(ast.parse(source), (1, 1), "", set())


def changes(node, again, rng):
    """What a node may be mistaken for: the kind, what is replaced (it or a part), by what.

    ``again`` names what is assigned more than once in the function.
    """
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                other = rng.choice(OTHERS[type(op)])()
                yield "comparison", node, with_(node, ops=[*ops[:i], other, *ops[i + 1 :]])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OTHERS:
            if not is_text(left) and not is_text(right):
                yield "arithmetic", node, with_(node, op=rng.choice(OTHERS[type(op)])())
        case ast.AugAssign(op=op) if type(op) in OTHERS:
            yield "arithmetic", node, with_(node, op=OTHERS[type(op)][0]())
        case ast.BoolOp(op=op):
            yield "boolean", node, with_(node, op=OTHERS[type(op)][0]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not", node, operand
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield "sign", node, operand
        case ast.Constant(value=bool() | int() | float() as x):
            yield "constant", node, ast.Constant(other_number(x, rng))
        case ast.Slice(lower=lower, upper=upper):
            for bound in (lower, upper):
                if bound and not isinstance(bound, ast.Constant):
                    yield "index", bound, ast.BinOp(bound, ast.Add(), ast.Constant(1))
        case ast.Return(value=None):
            yield "return", node, ast.Pass()
        case ast.Return(value=value) if ast.unparse(value) != "None":
            yield "return", node, ast.Return(ast.Constant(None))
        case ast.Break():
            yield "loop", node, ast.Continue()
        case ast.Continue():
            yield "loop", node, ast.Break()
        case ast.If(test=test) | ast.IfExp(test=test):
            yield "condition", test, ast.Constant(rng.random() < 0.5)
        case ast.While(test=test):
            yield "condition", test, ast.Constant(False)
        case ast.comprehension(ifs=tests):
            for test in tests:
                yield "condition", test, ast.Constant(rng.random() < 0.5)
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring, or ...
            pass
        case ast.Assign(targets=[ast.Tuple()]):
            pass
        case ast.Assign(targets=[ast.Name(id=name)]) if name not in again:
            pass
        case (
            ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Raise() | ast.Delete() | ast.Assert()
        ):
            yield "deletion", node, ast.Pass()


def with_(node, **fields):
    """The node with other fields."""
    changed = copy.copy(node)
    vars(changed).update(fields)
    return changed


def is_text(node):
    return isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str)


def other_number(x, rng):
    """Another number of the same type."""
    if isinstance(x, bool):
        return not x
    return x + (rng.choice((1, -1)) if isinstance(x, int) else 1.0 if abs(x) < 1e15 else x)
