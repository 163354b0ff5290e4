"""What tests have measured, shown after them, whichever process they ran in."""


def pytest_terminal_summary(terminalreporter):
    rows = [
        row
        for report in terminalreporter.stats.get("passed", ())
        for name, row in getattr(report, "user_properties", ())
        if name == "worst ulp"
    ]
    if rows:
        terminalreporter.section("worst error of each primitive at hard points, in ulp")
        table = [("row", "first derivatives", "the same, recorded", "second"), *sorted(rows)]
        widths = [max(map(len, column)) for column in zip(*table)]
        for row in table:
            line = "  ".join(f"{text:<{width}}" for text, width in zip(row, widths))
            terminalreporter.write_line(line.rstrip())
