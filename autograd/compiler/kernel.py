"""The tape machine: one function in machine code that runs the tape of any graph.

A tape says of each node which row of the table of primitives computes it, and where the numbers
stand that it is computed from. So the machine is two loops over the nodes, with a case (`cases`)
for each row: in order they compute their values; in reverse they hand their gradients on.
"""

from collections.abc import Sequence

from .cases import GIVEN, Case
from .llvm import number, with_functions

NOTHING = number(-0.0)  # a node's gradient before a share has come: no sum of shares is -0.0

# What the machine is given besides a batch: addresses, and numbers; 8 bytes each.
ADDRESSES = ("code", "places", "values", "gradients", "roots")
NUMBERS = ("nodes", "outputs", "inputs", "leaves")

# A node is four whole numbers: its case, and where its arguments stand, as in `cases.GIVEN`.
NODE = """
  %case = load i32, ptr %node
  %a.at = getelementptr i32, ptr %node, i64 1
  %a.32 = load i32, ptr %a.at
  %a = sext i32 %a.32 to i64
  %b.at = getelementptr i32, ptr %node, i64 2
  %b.32 = load i32, ptr %b.at
  %b = sext i32 %b.32 to i64
  %n.at = getelementptr i32, ptr %node, i64 3
  %n.32 = load i32, ptr %n.at
  %n = sext i32 %n.32 to i64
"""

# `values` holds the numbers of inputs, parameters, nodes in order, constants; `gradients` likewise.
# Inputs and constants get shares as well where a vector has them among others; nobody reads these.
MACHINE = f"""
define internal double @value(ptr %values, ptr %places, ptr %node) alwaysinline nounwind {{{{{NODE}
  switch i32 %case, label %none [ {{value_labels}} ]
{{value_cases}}
none:
  unreachable
}}}}

define internal void @shares(
  ptr %values, ptr %places, ptr %node, ptr %gradients, double %z, double %d
) alwaysinline nounwind {{{{{NODE}
  switch i32 %case, label %none [ {{shares_labels}} ]
{{shares_cases}}
none:
  ret void
}}}}

define i64 @tape(ptr %head, ptr %batch, ptr %results, i64 %rows, i64 %back) nounwind {{{{
{{head}}
  %input.bytes = shl i64 %inputs, 3
  %leaf.bytes = shl i64 %leaves, 3
  call void @llvm.memset.p0.i64(ptr %gradients, i8 0, i64 %leaf.bytes, i1 false)
  %with.gradient = icmp ne i64 %back, 0
  %seed = select i1 %with.gradient, double {number(1.0)}, double 0.0
  br label %example

example:
  %row = phi i64 [ 0, %0 ], [ %row.next, %done ]
  %row.left = icmp slt i64 %row, %rows
  br i1 %row.left, label %begin, label %end
begin:
  %input = mul i64 %row, %inputs
  %input.at = getelementptr double, ptr %batch, i64 %input
  call void @llvm.memcpy.p0.p0.i64(ptr %values, ptr %input.at, i64 %input.bytes, i1 false)
  br label %forward

forward:
  %i = phi i64 [ 0, %begin ], [ %i.next, %compute ]
  %i.left = icmp slt i64 %i, %nodes
  br i1 %i.left, label %compute, label %seeds
compute:
  %i.code = shl i64 %i, 2
  %i.node = getelementptr i32, ptr %code, i64 %i.code
  %i.z = call double @value(ptr %values, ptr %places, ptr %i.node)
  %i.place = add i64 %leaves, %i
  %i.z.at = getelementptr double, ptr %values, i64 %i.place
  store double %i.z, ptr %i.z.at
  %i.d.at = getelementptr double, ptr %gradients, i64 %i.place
  store double {NOTHING}, ptr %i.d.at
  %i.next = add i64 %i, 1
  br label %forward

seeds:
  %k = phi i64 [ 0, %forward ], [ %k.next, %root ]
  %k.left = icmp slt i64 %k, %outputs
  br i1 %k.left, label %root, label %backward
root:
  %k.root.at = getelementptr i32, ptr %roots, i64 %k
  %k.root.32 = load i32, ptr %k.root.at
  %k.root = sext i32 %k.root.32 to i64
  %k.z.at = getelementptr double, ptr %values, i64 %k.root
  %k.z = load double, ptr %k.z.at
  %result.first = mul i64 %row, %outputs
  %result = add i64 %result.first, %k
  %result.at = getelementptr double, ptr %results, i64 %result
  store double %k.z, ptr %result.at
  %k.d.at = getelementptr double, ptr %gradients, i64 %k.root
  %k.d = load double, ptr %k.d.at
  %k.seeded = fadd double %k.d, %seed
  store double %k.seeded, ptr %k.d.at
  %k.next = add i64 %k, 1
  br label %seeds

backward:
  %j.after = phi i64 [ %nodes, %seeds ], [ %j, %next ]
  %j.left = icmp sgt i64 %j.after, 0
  %j.sweep = and i1 %j.left, %with.gradient
  br i1 %j.sweep, label %sweep, label %done
sweep:
  %j = sub i64 %j.after, 1
  %j.place = add i64 %leaves, %j
  %d.at = getelementptr double, ptr %gradients, i64 %j.place
  %d = load double, ptr %d.at
  %d.bits = bitcast double %d to i64
  %d.none = icmp eq i64 %d.bits, {-(2**63)}
  br i1 %d.none, label %next, label %hand_on
hand_on:
  %z.at = getelementptr double, ptr %values, i64 %j.place
  %z = load double, ptr %z.at
  %j.code = shl i64 %j, 2
  %j.node = getelementptr i32, ptr %code, i64 %j.code
  call void @shares(
    ptr %values, ptr %places, ptr %j.node, ptr %gradients, double %z, double %d
  )
  br label %next
next:
  br label %backward

done:
  %row.next = add i64 %row, 1
  br label %example
end:
  ret i64 0
}}}}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def machine(cases: Sequence[Case]) -> str:
    """The text of the machine.

    Case 4 i of a tape is row i, where no gradient is handed on; 4 i + 1, 2 and 3 hand it on to the
    first, the second, or both of its arguments.
    """
    functions: set[str] = set()
    texts: list[str] = []
    labels: dict[str, list[str]] = {"value": [], "shares": []}
    blocks: dict[str, list[str]] = {"value": [], "shares": []}
    for i, case in enumerate(cases):
        functions |= case.functions
        texts.append(case.text.replace("ROW", str(i)))
        labels["value"] += [f"i32 {4 * i + wanted}, label %row{i}" for wanted in range(4)]
        blocks["value"].append(
            f"row{i}:\n  %z{i} = call double @value.{i}({GIVEN})\n  ret double %z{i}"
        )
        for wanted in range(1, 2**case.parts):
            labels["shares"].append(f"i32 {4 * i + wanted}, label %row{i}.{wanted}")
            blocks["shares"].append(
                f"row{i}.{wanted}:\n  call void @shares.{i}.{wanted}"
                f"({GIVEN}, ptr %gradients, double %z, double %d)\n  ret void"
            )
    text = MACHINE.format(
        head="\n".join(_head()),
        value_labels=" ".join(labels["value"]),
        value_cases="\n".join(blocks["value"]),
        shares_labels=" ".join(labels["shares"]),
        shares_cases="\n".join(blocks["shares"]),
    )
    return with_functions("\n".join([*texts, text]), functions, inline=False)


def _head() -> list[str]:
    """Lines that read what the machine is given besides a batch."""
    lines = []
    for i, name in enumerate((*ADDRESSES, *NUMBERS)):
        lines.append(f"  %{name}.at = getelementptr i64, ptr %head, i64 {i}")
        kind = "ptr" if name in ADDRESSES else "i64"
        lines.append(f"  %{name} = load {kind}, ptr %{name}.at")
    return lines
