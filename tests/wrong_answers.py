"""Wrong answers that no check must let pass, and right ones that none may refuse.

    python tests/wrong_answers.py
    python tests/wrong_answers.py --task minibatches --show

Wrong answers are the right solutions of the course's exercises (notebooks/solutions), and some that
stand here, with one mistake each (see `spoilt`). Whether a mistake changes anything is told without
the check: by `TRUTHS`, on random input. To them come those of `NEAR_MISSES`. Right answers are
those whose results come in other forms: lists for arrays, tuples, generators, float32 (see
`FORMS`); and those that are methods, objects, partials and subclasses in place of functions and
classes (see `MADE`).
"""

import argparse
import ast
import contextlib
import copy
import difflib
import io
import json
import math
import random
import sys
import types
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import autograd  # noqa: E402
import autograd.exercises as ours  # noqa: E402
import nn  # noqa: E402
import nn.exercises  # noqa: E402
from autograd.exercises import checking  # noqa: E402
from autograd.exercises.checking import TASKS  # noqa: E402
from autograd.exercises.limits import within  # noqa: E402
from tests.near_misses import NEAR_MISSES  # noqa: E402
from tests.right_answers import FORMS, MADE, OTHERS, in_form, made_in_form  # noqa: E402
from tests.truths import TRUTHS  # noqa: E402

assert ours and nn

MOST = 200  # wrong answers a check
SECONDS = 0.4  # for one: most that never end are wrong in the first case


# Mistakes


SWAPS = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Div, ast.Mod, ast.Mult),
    ast.Pow: (ast.Mult,), ast.MatMult: (ast.Mult,), ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
WORDS = {  # functions and methods that are mistaken for each other
    "exp": ("log",), "log": ("exp", "log2"), "max": ("min", "sum"), "min": ("max",),
    "sum": ("mean", "max"), "std": ("var",), "mean": ("sum", "median"), "sin": ("cos",),
    "cos": ("sin",), "tanh": ("sin",), "logaddexp": ("maximum",), "outer": ("inner",),
    "append": ("extend",), "permutation": ("integers",), "sigmoid": ("tanh",), "dot": ("sum",),
    "reversed": ("list",), "abs": ("float",), "ravel": ("sort",),
}  # fmt: skip


# In these an expression may have the wrong sign, be half, twice, or one too much.
WHOLE = ast.Return | ast.Assign | ast.AugAssign | ast.Tuple | ast.BinOp | ast.ListComp | ast.Dict


def _call(name, *arguments):
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _times(node, factor):
    return ast.BinOp(node, ast.Mult(), ast.Constant(factor))


def _plus(node, number):
    return ast.BinOp(node, ast.Add(), ast.Constant(number))


def _instead(node, parent, names):
    """What may stand in the place of an expression, each once."""
    if isinstance(node, ast.BinOp):
        yield from (ast.BinOp(node.left, op(), node.right) for op in SWAPS.get(type(node.op), ()))
        yield node.left
        yield node.right
        if not isinstance(node.op, ast.Add | ast.Mult):
            yield ast.BinOp(node.right, node.op, node.left)
        if isinstance(node.op, ast.FloorDiv):
            quotient = ast.BinOp(node.left, ast.Div(), node.right)
            yield _call("round", quotient)
            yield ast.UnaryOp(
                ast.USub(),
                ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right),
            )
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in SWAPS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (
            ast.Constant(v)
            for v in dict.fromkeys((node.value + 1, node.value - 1, 2 * node.value, -node.value, 0))
            if v != node.value
        )
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from (ast.Name(name, ast.Load()) for name in names if name != node.id)
        for word in WORDS.get(node.id, ()):
            yield ast.Name(word, ast.Load())
    elif isinstance(node, ast.Attribute):
        if node.attr == "T":
            yield node.value
        for word in WORDS.get(node.attr, ()):
            yield ast.Attribute(node.value, word, node.ctx)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if isinstance(node.slice, ast.Slice):
            for part in ("lower", "upper"):
                bound = getattr(node.slice, part)
                if bound is not None:
                    for new in (_plus(bound, 1), _plus(bound, -1), None):
                        changed = copy.copy(node.slice)
                        setattr(changed, part, new)
                        yield ast.Subscript(node.value, changed, node.ctx)
        elif not isinstance(node.slice, ast.Tuple | ast.Constant):
            for step in (1, -1):
                yield ast.Subscript(node.value, _plus(node.slice, step), node.ctx)
        yield ast.Attribute(node, "T", ast.Load())
    elif isinstance(node, ast.Call):
        arguments = node.args
        if len(arguments) == 1:
            yield arguments[0]
        if len(arguments) == 2:
            yield ast.Call(node.func, arguments[::-1], node.keywords)
        if isinstance(node.func, ast.Name) and node.func.id == "range":
            for i, a in enumerate(arguments):
                for step in (1, -1):
                    new = [*arguments[:i], _plus(a, step), *arguments[i + 1 :]]
                    yield ast.Call(node.func, new, [])
        for i in range(len(node.keywords)):
            rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
            yield ast.Call(node.func, arguments, rest)
    elif isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load):
        for elements in (node.elts[::-1], node.elts[:-1], node.elts[1:]):
            yield type(node)(elements, node.ctx)
    if (
        isinstance(parent, WHOLE)
        and isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Subscript)
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ):
        yield ast.UnaryOp(ast.USub(), node)
        yield _times(node, 0.5)
        yield _times(node, 2)
        yield _plus(node, 1)


def _statements(node):
    """What may stand in the place of a statement."""
    if isinstance(node, ast.AugAssign):
        target = copy.deepcopy(node.target)
        yield ast.Assign([target], node.value, lineno=1)
        for op in SWAPS.get(type(node.op), ()):
            yield ast.AugAssign(node.target, op(), node.value)
    if isinstance(node, ast.If):
        yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield ast.If(ast.Constant(True), node.body, node.orelse)
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.If | ast.For):
        yield ast.Pass()


def spoilt(source):
    """All sources with one mistake: operators, signs, indices, missing terms, half, twice."""
    tree = ast.parse(source)
    for function in ast.walk(tree):  # docstrings are no code
        body = getattr(function, "body", None)
        if isinstance(function, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(function):
            function.body = body[1:] or [ast.Pass()]
    scopes: dict[int, list[str]] = {}

    def scope(node, names):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            names = [*names, *(a.arg for a in node.args.args)]
            names += [
                n.id for n in ast.walk(node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            ]  # fmt: skip
        scopes[id(node)] = [n for n in dict.fromkeys(names) if n != "self"]
        for child in ast.iter_child_nodes(node):
            scope(child, names)

    scope(tree, [])
    found = {}
    for parent in list(ast.walk(tree)):
        for name, value in ast.iter_fields(parent):
            places = [(i, v) for i, v in enumerate(value)] if isinstance(value, list) else []
            for i, node in places or [(None, value)]:
                if isinstance(node, ast.expr):
                    others = list(_instead(node, parent, scopes[id(node)]))
                elif isinstance(node, ast.stmt):
                    others = list(_statements(node))
                else:
                    continue
                for other in others:
                    if i is None:
                        setattr(parent, name, other)
                    else:
                        value[i] = other
                    with contextlib.suppress(Exception):
                        found[ast.unparse(ast.fix_missing_locations(tree))] = None
                    if i is None:
                        setattr(parent, name, node)
                    else:
                        value[i] = node
    found.pop(ast.unparse(tree), None)
    return list(found)


# The solutions


def solutions():
    """The code of the course's solutions, by task: sources of all the cells that it needs."""
    by_task = {}
    for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        code = [c for c in code if "### BEGIN SOLUTION" in c]
        defined = {}
        for cell in code:
            for node in ast.parse(cell).body:
                names = (
                    [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef)
                    else [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
                )  # fmt: skip
                defined.update(dict.fromkeys(names, ast.unparse(node)))
        for task in TASKS.values():
            if all(name in defined for name in task.takes):
                parts = dict.fromkeys(defined[name] for name in task.takes)
                if task.name == "batch_gradient":
                    parts = [defined["sigmoid"], *parts]
                if task.name in ("forward", "backward"):
                    parts = [defined["as_value"], *parts]
                    if task.name == "backward":
                        more = ["topological_order", "backward"]
                        parts += [*(defined[n] for n in more), "Value.backward = backward"]
                by_task[task.name] = ["\n".join(parts)]
    for task, sources in OTHERS.items():
        by_task[task] += sources
    return by_task


def things_of(task, source):
    """What a source defines for a task, or None if it fails."""
    names = {"np": np, "math": math, "autograd": autograd, "Value": autograd.Value}
    names["__name__"] = "_student_"
    sys.modules["_student_"] = types.ModuleType("_student_")
    try:
        exec(compile(source, "<student>", "exec"), names)
        return [names[name] for name in TASKS[task].takes]
    except Exception:
        return None


def is_right(task, things):
    """Whether an answer is right, whatever the check says."""
    answer = []

    def ask():
        with contextlib.suppress(Exception):
            answer.append(bool(TRUTHS[task](*things)))

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return within(3.0, ask) is None and answer == [True]


def passes(task, things):
    """What the check says."""
    with contextlib.redirect_stdout(io.StringIO()):
        return bool(TASKS[task].check(*things))


def try_task(task, sources, most=MOST, seed=0):
    """The figures of a task: how many wrong answers, those that pass, right ones refused."""
    mutants = [m for source in sources for m in spoilt(source)]
    random.Random(seed).shuffle(mutants)
    wrong, survivors, refused = 0, [], []
    for source in mutants:
        if wrong >= most:
            break
        things = things_of(task, source)
        if things is None:
            continue
        passed = passes(task, things)
        right = is_right(task, things_of(task, source))
        wrong += not right
        if passed and not right:
            survivors.append(source)
        if right and not passed:
            refused.append(source)
    return wrong, survivors, refused


def forms_of(task, things):
    """The names of the forms that an answer may have, and the answer in each."""
    for name in FORMS.get(task, ()):
        yield name, [t if isinstance(t, Mapping) else in_form(name, t) for t in things]
    for name in MADE:
        made = [made_in_form(name, t) for t in things]
        if any(new is not old for new, old in zip(made, things, strict=True)):
            yield name, made


def try_forms(task, sources):
    """How many right answers in other forms there are, and those that are refused."""
    count, refused = 0, []
    for source in sources:
        for name, _ in forms_of(task, things_of(task, source)):
            things = dict(forms_of(task, things_of(task, source)))[name]  # none tried before
            count += 1
            with contextlib.redirect_stdout(io.StringIO()):
                report = TASKS[task].check(*things)
            if not report and not ("column" in name and "column" in repr(report)):
                refused.append((name, source, report))
    return count, refused


def _change(source, sources):
    """The lines by which an answer differs from the nearest of the right ones."""
    diffs = [
        [line for line in difflib.ndiff(ast.unparse(ast.parse(s)).split("\n"), source.split("\n"))
         if line[0] in "+-"]
        for s in sources
    ]  # fmt: skip
    return "\n".join(min(diffs, key=len))


def main():
    """All of them; the figures are printed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--task", action="append", help="this task alone")
    parser.add_argument("--most", type=int, default=MOST, help="wrong answers a check")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print the answers themselves")
    options = parser.parse_args()
    checking.SECONDS = SECONDS
    bad = 0
    print(f"{'task':20} {'wrong':>6} {'pass':>6}  {'equal':>6} refused   {'forms':>6} refused")
    for task, sources in solutions().items():
        if options.task and task not in options.task:
            continue
        assert all(is_right(task, things_of(task, s)) for s in sources), task
        wrong, survivors, equal = try_task(task, sources, options.most, options.seed)
        near = NEAR_MISSES.get(task, [])
        wrong += len(near)
        survivors += [source for source in near if passes(task, things_of(task, source))]
        forms, refused = try_forms(task, sources)
        bad += len(survivors) + len(refused)
        print(
            f"{task:20} {wrong:6} {len(survivors):6}  {len(equal):14}   {forms:6} {len(refused):7}",
            flush=True,
        )
        if options.show:
            for source in survivors:
                print("--- passes, and is wrong", _change(source, sources), sep="\n")
            for source in equal:
                report = TASKS[task].check(*things_of(task, source))
                print("--- refused, and is right", _change(source, sources), report, sep="\n")
            for name, source, report in refused:
                print(f"--- refused as {name}", source, report, sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
