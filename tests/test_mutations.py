"""The small mistakes that mutants.py tries: which there are, and that each is one."""

import ast
from pathlib import Path

from mutations import mutants_of

from nn.train import schedules

SOURCE = '''\
"""Not this 1."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    x: int = 1 + 2


def f(a: "int < 1", b=2) -> int:
    """Not this 2."""
    if a <= b and not (
        a
        or b
    ):
        raise ValueError(f"not {a + b} this")
    for i in a[b:]:
        if i == "not this":
            continue
        b = -i
        b += 0.5
    return "a" + b
'''

EXPECTED = """\
8 constant 2
10 condition a<=bandnot(aorb)
10 boolean a<=bandnot(aorb)
10 comparison a<=b
10 not not(aorb)
10 boolean aorb
14 deletion raiseValueError(f"not{a+b}this")
15 index b
16 condition i=="notthis"
16 comparison i=="notthis"
17 loop continue
18 deletion b=-i
18 sign -i
19 arithmetic b+=0.5
19 deletion b+=0.5
19 constant 0.5
20 return return"a"+b
"""


def test_every_mistake_that_it_knows(tmp_path):
    path = tmp_path / "file.py"
    path.write_text(SOURCE)
    mutants = list(mutants_of(str(path), 0))
    found = [f"{m.lines[0]} {m.kind} {''.join(m.old.split())}\n" for m in mutants]
    assert sorted(found) == sorted(EXPECTED.splitlines(keepends=True))
    assert {m.place for m in mutants if m.lines[0] > 8} == {"FunctionDef"}
    assert [m.place for m in mutants if m.lines[0] == 8] == [""]  # a default is of the import


def test_each_is_another_program_with_as_many_lines():
    source = Path(schedules.__file__).read_bytes()
    mutants = list(mutants_of(schedules.__file__, 0))
    assert len(mutants) > 30
    for mutant in mutants[::3]:
        changed = mutant.applied(source)
        assert changed.count(b"\n") == source.count(b"\n")
        assert ast.unparse(ast.parse(changed)) != ast.unparse(ast.parse(source))


def test_a_seed_draws_the_same_wherever_else_the_file_is_changed(tmp_path):
    path = tmp_path / "file.py"
    draws = []
    for head in ("", "y = 3\n\n\n"):
        path.write_text(head + SOURCE)
        mutants = [m for m in mutants_of(str(path), 1) if m.old != "3"]
        draws.append([(m.kind, m.old, m.new, m.rank) for m in mutants])
    assert draws[0] == draws[1]
    assert draws[0] != [(m.kind, m.old, m.new, m.rank) for m in mutants_of(str(path), 2)]
