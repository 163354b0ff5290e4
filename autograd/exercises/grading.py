"""The test that pytest runs for each submission and task: see ``autograd.exercises.__main__``."""

from typing import Any

import pytest

from .checking import NOT_DONE, RIGHT
from .judge import MISSING


def test_submission(result: Any) -> None:
    """A task of a submission is right; what is missing, or not done yet, is skipped."""
    if result.state in (MISSING, NOT_DONE):
        pytest.skip(result.text)
    if result.state != RIGHT:
        pytest.fail(result.text, pytrace=False)
