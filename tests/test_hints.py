"""What a report says of a wrong answer is true of it: no more is said than is listed here."""

import pytest

from autograd.exercises.checking import TASKS
from tests.near_misses_graphs import POWER, SWEEP, VALUE, changed
from tests.right_answers import CLOSURES
from tests.right_answers import SWEEP as CLOSURES_SWEEP
from tests.wrong_answers import things_of

CLOSURES += CLOSURES_SWEEP
SUM = """\
            self.grad += out.grad
            other.grad += out.grad
"""
PRODUCT = """\
            self.grad += b * out.grad
            other.grad += a * out.grad
"""
BELOW = "        out = Value(self.data + other.data, (self, other))\n"
SHORTEST, FORGOTTEN = "mend these first", "one of the two operands gets nothing"
SEED = "        self.grad += 1.0\n"

# A student's Value in which one thing is wrong, and all that is said of it.
VALUES = [
    (changed(VALUE, ("data, 0.0", "data, 1.0")), ["0.0 before any sweep"]),
    (changed(VALUE, ("u.grad += v", "u.grad -= v")), ["the same wrong factor"]),
    (changed(VALUE, (SEED, "        self.grad -= 1.0\n")), ["the same wrong factor"]),
    (changed(VALUE, (SEED, "")), ["nothing arrives"]),
    (changed(VALUE, (SWEEP, "        pass\n")), ["nothing arrives"]),
    (
        changed(VALUE, (SEED, ""), ("        for v in order:", SEED + "        for v in order:")),
        ["nothing arrives"],
    ),
    (changed(VALUE, ("reversed(order)", "order")), ["further than the inputs of the root"]),
    (
        changed(CLOSURES, (CLOSURES_SWEEP, "    def backward(self):\n        self.grad = 1\n"
                                           "        self._backward()\n")),
        ["further than the inputs of the root"],
    ),
    (
        changed(CLOSURES, ("Value(a * b, (self, other))", "Value(a * b)")),
        ["further than the inputs of the root"],
    ),
    (
        changed(CLOSURES, (BELOW, BELOW.replace("(self, other)", "(self,)"))),
        ["hands nothing on", FORGOTTEN],  # a - b is a + -b there
    ),
    (changed(CLOSURES, (SUM, SUM.replace("            other.grad += out.grad\n", ""))),
     [SHORTEST, FORGOTTEN]),
    (changed(VALUE, ("(self, o), (o.data, self.data)", "(self,), (o.data,)")),
     [SHORTEST, FORGOTTEN]),
    (changed(VALUE, ("(self, o), (o.data, self.data)", "(o,), (self.data,)")),
     [SHORTEST, FORGOTTEN, "hands on nothing"]),  # x * 2 to x
    (changed(CLOSURES, (SUM, SUM.replace("other", "self"))), [SHORTEST]),
    (changed(CLOSURES, (PRODUCT, PRODUCT.replace(" * out.grad", ""))), ["its own gradient times"]),
    (changed(CLOSURES, (SUM, SUM.replace("out.grad", "1.0"))), ["its own gradient times"]),
    (changed(CLOSURES, ("slope * out.grad", "slope")), ["its own gradient times"]),
    (changed(CLOSURES, ("self.grad += slope", "self.grad = slope")), ["= where += belongs"]),
    (changed(CLOSURES, (PRODUCT, PRODUCT.replace("+=", "="))), ["= where += belongs"]),
    (changed(VALUE, (POWER, POWER.replace("(n *", "(2 * n *"))), []),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "source", "words"),
    [("backward", *row) for row in VALUES],
    ids=lambda part: part[:20] if isinstance(part, str) else None,
)
def test_all_that_is_said_of_a_wrong_answer(task, source, words):
    report = TASKS[task].check(*things_of(task, source))
    assert report.state == "wrong"
    assert len(report.mistakes) == len(words), report
    assert all(any(w in m for m in report.mistakes) for w in words), report
