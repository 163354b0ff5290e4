"""What a report says of a wrong answer is true of it: what is listed for it, and no more."""

import pytest

from autograd.exercises.checking import TASKS
from tests.said import SAID
from tests.wrong_answers import things_of


@pytest.mark.slow
@pytest.mark.parametrize("task", SAID)
def test_all_that_is_said_of_a_wrong_answer(task):
    for source, words in SAID[task]:
        report = TASKS[task].check(*things_of(task, source))
        assert report.state == "wrong", source
        assert len(report.mistakes) == len(words), (source, report)
        assert all(any(w in m for m in report.mistakes) for w in words), (source, report)
