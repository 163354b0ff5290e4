"""README: its code runs and prints what it says, and its two commands are where CI looks."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.tools
def test_code_blocks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 8
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README.md", "README.md", 0)
    assert len(test.examples) >= 30
    report: list[str] = []
    doctest.DocTestRunner().run(test, out=report.append)
    assert not report, "".join(report)
    assert (tmp_path / "graph.svg").exists()


def test_first_two_commands():
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
        for line in block.splitlines()
    ]
    assert lines[0].startswith("python3 -m venv") and lines[0].endswith("-m nn train digits")
    assert lines[1].startswith("python3 -m venv") and lines[1].endswith(
        "-m pytest -n auto --dist loadfile"
    )


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", README))))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()


def test_picture_is_of_the_first_example():
    picture = (ROOT / "notebooks/pictures/graph.svg").read_text(encoding="utf-8")
    for text in (">5.5<", ">1.716<", ">11.65<", ">log(x)<", ">sin(y)<"):
        assert text in picture
