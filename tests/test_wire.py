"""What crosses between judge and student: every check says the same of a thing and its stand-in."""

import io
from fractions import Fraction

import numpy as np
import pytest

import autograd
from autograd.exercises import checking
from autograd.exercises.messages import error_of, failure, pack, perform, restore, unpacked
from autograd.exercises.wire import DamagedError, Peer
from tests import test_exercises
from tests.test_exercises import BY_NAME, REST, RIGHT, WRONG


def crossed(message):
    return unpacked(io.BytesIO(pack(message)).read)


class Pair:
    """Both sides in one process, each message through its bytes."""

    def __init__(self):
        self.judge = Peer(lambda *a, **k: self.ask(self.judge, self.student, *a, **k), True)
        self.student = Peer(lambda *a, **k: self.ask(self.student, self.judge, *a, **k))

    def ask(self, me, other, number, method, *args, **kwargs):
        message = crossed(["do", number, method, me.encode(args), me.encode(kwargs)])
        try:
            reply = perform(other, message)
        except DamagedError:
            raise
        except BaseException as error:
            reply = failure(error)
        reply = crossed(reply)
        if reply[0] == "not implemented":
            return NotImplemented
        if reply[0] == "error":
            raise error_of(reply)
        for i, new in reply[2]:
            restore(args[i], me.decode(new))
        return me.decode(reply[1])

    def hand_in(self, *things):
        return [self.judge.decode(crossed(["value", self.student.encode(t)])[1]) for t in things]


def all_solutions():
    yield from RIGHT
    yield from ((task, things) for task, things, _ in WRONG)
    yield from REST
    for test in (
        test_exercises.test_wrong_solutions_that_nearly_pass,
        test_exercises.test_other_forms_of_right_results,
    ):
        yield from (row[:2] for row in test.pytestmark[0].args[1])
    for test in (
        test_exercises.test_right_values,
        test_exercises.test_mistakes_in_a_value_are_named,
    ):
        for row in test.pytestmark[0].args[1]:
            Value = row[0] if isinstance(row, tuple) else row
            yield from (("forward", (Value,)), ("backward", (Value,)))


def without_places(report):
    """A report without the student's lines: where a loop is when it is stopped is chance.

    And without what is not seen across a pipe: that two lists are one.
    """
    return [
        (o.what, o.state, o.expected, o.got.partition("\nin your")[0],
         [m for m in o.mistakes if "the two lists are one" not in m])
        for o in report.outcomes
    ]  # fmt: skip


@pytest.mark.slow
def test_checks_say_the_same_of_stand_ins(monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 1.0)
    tried = 0
    for task, things in all_solutions():
        there = BY_NAME[task](*Pair().hand_in(*things))
        if "no end within" not in repr(there):
            here = BY_NAME[task](*things)
            assert without_places(there) == without_places(here), (task, things)
            tried += 1
    assert tried > 200


def test_plain_things_come_as_they_were():
    pair = Pair()
    for x in (
        None, True, 1, -(10**30), 1.5, float("inf"), "é\ud800", ..., [1, [2.0]], (1, "a"),
        {"a": ...}, {1, 2}, range(3), 1 + 2j, np.float32(0.5), np.int64(7), np.bool_(True),
        Fraction(-1, 3), Fraction(1, 10**40),
    ):  # fmt: skip
        [y] = pair.hand_in(x)
        assert y == x and type(y) is type(x)
    for x in (np.arange(6.0).reshape(2, 3), np.zeros((0, 2)), np.array(1), np.array([True])):
        [y] = pair.hand_in(x)
        assert np.array_equal(x, y) and x.dtype == y.dtype and x.shape == y.shape
    assert pair.hand_in(np.select([True], ["saddle"], "undecided")) == ["saddle"]


def test_a_fraction_by_0_is_no_message():
    with pytest.raises(DamagedError):
        Pair().judge.decode(["fraction", 1, 0])


def test_what_a_call_changes_is_changed_here():
    def change(numbers, array, table, nested):
        numbers.append(3.0)
        array *= 2
        table["b"] = 1
        nested[0][0] = 5.0
        nested[1] = np.ones((2, 3))

    [stand_in] = Pair().hand_in(change)
    array, inner = np.ones(2), np.zeros(1)
    numbers, table, nested = [1.0], {}, [inner, np.zeros(2)]
    stand_in(numbers, array, table, nested)
    assert numbers == [1.0, 3.0] and table == {"b": 1}
    assert array.tolist() == [2, 2] and inner.tolist() == [5.0] and nested[1].shape == (2, 3)


def test_graphs_keep_their_nodes():
    def twice(x):
        return x * x, x

    [stand_in] = Pair().hand_in(twice)
    x = autograd.Value(3.0, label="x")
    y, same = stand_in(x)
    assert same is x and y.inputs == (x, x)
    y.backward()
    assert x.grad == 6.0


def test_a_student_asks_for_no_more_than_calls():
    pair = Pair()
    pair.judge.encode(lambda: 1)
    for method in ("__getattr__", "__setattr__", "__repr__", "__reduce__", "__eq__"):
        with pytest.raises(DamagedError):
            perform(pair.judge, ["do", 0, method, ["tuple", []], ["dict", []]])


def test_what_is_equal_to_everything_is_equal_to_nothing_here():
    class Always:
        def __eq__(self, other):
            return True

        __hash__ = None

    a, b = Pair().hand_in(Always(), Always())
    assert a != 1 and a != [1] and a != "right" and bool(a == b)
