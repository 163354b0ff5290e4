"""Matrix products in machine code, tile by tile.

A tile is some rows and columns of a product that are kept in registers while the sum runs: then
each number loaded is used several times. What is over at the edges is computed in smaller tiles.
"""

from __future__ import annotations

from .llvm import Lines

VECTOR = 4  # numbers in a vector
HEIGHT = 4  # rows of a tile
DOTS = 8  # rows that are multiplied with a column together
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


def dots(height: int, how: str, inline: bool) -> str:
    """The function that multiplies so many rows with a column, all of them neighbours in memory."""
    rows, kind = range(height), f"<{VECTOR} x double>"
    lines = Lines()

    def terms(kind: str, suffix: str, i: str, sums: str) -> list[str]:
        """The sums with what is at index ``i`` of the rows and of the column."""
        at = lines.new(f"getelementptr double, ptr %b, i64 {i}")
        x, found = lines.new(f"load {kind}, ptr {at}, align 8"), []
        for r in rows:
            down = lines.new(f"mul i64 {r}, %a.row")
            at = lines.new(f"getelementptr double, ptr %a, i64 {lines.new(f'add i64 {down}, {i}')}")
            a = lines.new(f"load {kind}, ptr {at}, align 8")
            fma = f"call {kind} @llvm.fmuladd.{suffix}"
            found.append(lines.new(f"{fma}({kind} {a}, {kind} {x}, {kind} {sums}{r})"))
        return found

    sums = terms(kind, f"v{VECTOR}f64", "%i", "%s")
    vectors, lines.lines = lines.lines, []
    rest = terms("double", "f64", "%j", "%u")
    singles, lines.lines = lines.lines, []
    for r in rows:
        at = lines.new(f"getelementptr double, ptr %c, i64 {lines.new(f'mul i64 {r}, %c.row')}")
        total = f"%z{r}"
        if how == "add":
            total = lines.new(f"fadd double {lines.new(f'load double, ptr {at}')}, {total}")
        lines.line(f"store double {total}, ptr {at}")
    reduced = f"call reassoc double @llvm.vector.reduce.fadd.v{VECTOR}f64(double 0.0, {kind}"
    return "\n".join([
        f"define internal void @dots.{height}.{how}(ptr noalias %a, ptr noalias %b, "
        "ptr noalias %c, i64 %a.row, i64 %c.row, i64 %k) "
        f"{'' if inline else 'noinline '}nounwind {{",
        "entry:", f"  %whole = and i64 %k, {-VECTOR}", "  %some = icmp sgt i64 %whole, 0",
        "  br i1 %some, label %loop, label %middle",
        "loop:", "  %i = phi i64 [ 0, %entry ], [ %i.next, %loop ]",
        *[f"  %s{r} = phi {kind} [ zeroinitializer, %entry ], [ {sums[r]}, %loop ]" for r in rows],
        *vectors, f"  %i.next = add nsw i64 %i, {VECTOR}",
        "  %more = icmp slt i64 %i.next, %whole", "  br i1 %more, label %loop, label %sums",
        "sums:", *[f"  %t{r} = {reduced} {sums[r]})" for r in rows], "  br label %middle",
        "middle:", *[f"  %m{r} = phi double [ 0.0, %entry ], [ %t{r}, %sums ]" for r in rows],
        "  %left = icmp slt i64 %whole, %k", "  br i1 %left, label %rest, label %done",
        "rest:", "  %j = phi i64 [ %whole, %middle ], [ %j.next, %rest ]",
        *[f"  %u{r} = phi double [ %m{r}, %middle ], [ {rest[r]}, %rest ]" for r in rows],
        *singles, "  %j.next = add nsw i64 %j, 1",
        "  %again = icmp slt i64 %j.next, %k", "  br i1 %again, label %rest, label %done",
        "done:", *[f"  %z{r} = phi double [ %m{r}, %middle ], [ {rest[r]}, %rest ]" for r in rows],
        *lines.lines, "  ret void", "}",
    ])  # fmt: skip


def spread(lines: Lines, x: str) -> str:
    """A vector of equal numbers."""
    kind = f"<{VECTOR} x double>"
    first = lines.new(f"insertelement {kind} poison, double {x}, i64 0")
    mask = f"<{VECTOR} x i32> zeroinitializer"
    return lines.new(f"shufflevector {kind} {first}, {kind} poison, {mask}")
