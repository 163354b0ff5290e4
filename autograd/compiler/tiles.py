"""Matrix products in machine code, tile by tile.

A tile is some rows and columns of a product that are kept in registers while the sum runs: then
each number loaded is used several times. What is over at the edges is computed in smaller tiles.
"""

from __future__ import annotations

from .llvm import Lines

VECTOR = 4  # numbers in a vector
HEIGHT = 4  # rows of a tile
# Columns, for tiles of several rows and of one: some eight sums run beside each other, as many as a
# processor can keep going.
WIDTHS = {False: (2 * VECTOR, VECTOR, 1), True: (8 * VECTOR, 2 * VECTOR, VECTOR, 1)}

Tile = tuple[int, int, str]  # rows, columns, and what is done with the result


def tile(height: int, width: int, how: str, inline: bool) -> str:
    """The function that computes so many rows and columns of a product."""
    lines, many = Lines(), max(1, width // VECTOR)
    kind, suffix = (f"<{VECTOR} x double>", f"v{VECTOR}f64") if width > 1 else ("double", "f64")
    sums = [[f"%s{r}.{v}" for v in range(many)] for r in range(height)]
    at = lines.new("mul i64 %i, %b.row")
    row = lines.new(f"getelementptr double, ptr %b, i64 {at}")
    b = []
    for v in range(many):
        at = lines.new(f"getelementptr double, ptr {row}, i64 {v * VECTOR}")
        b.append(lines.new(f"load {kind}, ptr {at}, align 8"))
    along = lines.new("mul i64 %i, %a.column")
    phis = []
    for r in range(height):
        down = lines.new(f"mul i64 {r}, %a.row")
        at = lines.new(f"getelementptr double, ptr %a, i64 {lines.new(f'add i64 {down}, {along}')}")
        x = lines.new(f"load double, ptr {at}, align 8")
        if width > 1:
            x = spread(lines, x)
        for v in range(many):
            fma = f"call {kind} @llvm.fmuladd.{suffix}"
            new = lines.new(f"{fma}({kind} {x}, {kind} {b[v]}, {kind} {sums[r][v]})")
            zero = "zeroinitializer" if width > 1 else "0.0"
            phis.append(f"  {sums[r][v]} = phi {kind} [ {zero}, %entry ], [ {new}, %loop ]")
            sums[r][v] = new
    body, lines.lines = lines.lines, []
    if how == "step":
        step = lines.new("fneg double %rate")
        if width > 1:
            step = spread(lines, step)
    for r in range(height):
        down = lines.new(f"mul i64 {r}, %c.row")
        for v in range(many):
            at = lines.new(f"add i64 {down}, {v * VECTOR}")
            at = lines.new(f"getelementptr double, ptr %c, i64 {at}")
            total = sums[r][v]
            if how != "set":
                old = lines.new(f"load {kind}, ptr {at}, align 8")
            if how == "add":
                total = lines.new(f"fadd {kind} {old}, {total}")
            elif how == "step":
                total = lines.new(f"{fma}({kind} {step}, {kind} {total}, {kind} {old})")
            lines.line(f"store {kind} {total}, ptr {at}, align 8")
    if how == "step":  # the gradient itself, if it is asked for
        lines.line("br i1 %keep, label %keep.it, label %end")
        lines.lines.append("keep.it:")
        for r in range(height):
            down = lines.new(f"mul i64 {r}, %c.row")
            for v in range(many):
                at = lines.new(f"add i64 {down}, {v * VECTOR}")
                at = lines.new(f"getelementptr double, ptr %g, i64 {at}")
                lines.line(f"store {kind} {sums[r][v]}, ptr {at}, align 8")
        lines.line("br label %end")
        lines.lines.append("end:")
    end = "\n".join(lines.lines)
    given = "ptr noalias %a, ptr noalias %b, ptr noalias %c"
    sizes = "i64 %a.row, i64 %a.column, i64 %b.row, i64 %c.row, i64 %k"
    if how == "step":
        given, sizes = f"{given}, ptr noalias %g", f"{sizes}, double %rate, i1 %keep"
    return "\n".join([
        f"define internal void @tile.{height}.{width}.{how}"
        f"({given}, {sizes})"
        f" {'' if inline else 'noinline '}nounwind {{",
        "entry:", "  br label %loop", "loop:",
        "  %i = phi i64 [ 0, %entry ], [ %i.next, %loop ]", *phis, *body,
        "  %i.next = add nsw i64 %i, 1", "  %more = icmp slt i64 %i.next, %k",
        "  br i1 %more, label %loop, label %done", "done:", end, "  ret void", "}",
    ])  # fmt: skip


def spread(lines: Lines, x: str) -> str:
    """A vector of equal numbers."""
    kind = f"<{VECTOR} x double>"
    first = lines.new(f"insertelement {kind} poison, double {x}, i64 0")
    mask = f"<{VECTOR} x i32> zeroinitializer"
    return lines.new(f"shufflevector {kind} {first}, {kind} poison, {mask}")
