"""What stands around the code says the same as the code: versions, CI, hooks, the changelog."""

import os
import re
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml

import autograd
import nn
from tests.cases import for_each

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # which pytest needs there

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, HATCH = PYPROJECT["project"], PYPROJECT["tool"]["hatch"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == autograd.__version__ == metadata("chalkgrad")["Version"]
    assert nn.__version__ == autograd.__version__ and "version" not in PROJECT  # in one place
    assert citation["license"] == PROJECT["license"]
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["title"].startswith(f"{PROJECT['name']}: ")


def test_ci_mirrors_what_is_run_here():
    ci = read(".github/workflows/ci.yml")
    jobs = ci["jobs"]
    assert [step["run"] for step in jobs["all"]["steps"] if "run" in step] == [".ci/run"]
    assert os.name == "nt" or (ROOT / ".ci" / "run").stat().st_mode & 0o111
    matrix = jobs["fast"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert all(isinstance(version, str) for version in matrix["python"])  # 3.10 would be 3.1
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    versions = [tuple(map(int, version.split("."))) for version in matrix["python"]]
    assert versions == [(3, minor) for minor in range(10, 15)]
    install, tests = [step["run"] for step in jobs["fast"]["steps"] if "run" in step]
    assert install == 'python -m pip install -e ".[test]"'
    assert tests.startswith("python -m pytest ") and tests.endswith('-m "not slow"')


def test_hooks_are_the_tools_that_the_tests_install():
    (repo,) = read(".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    tools = set()
    for hook in repo["hooks"]:
        assert hook["language"] == "system"
        tools.add(re.search(r"exec (\w+)", hook["entry"])[1])
    pinned = {name.split("==")[0] for name in PYPROJECT["dependency-groups"]["dev"] if "==" in name}
    assert tools == {"ruff", "mypy"} == pinned


def test_the_changelog_keeps_to_its_form():
    """https://keepachangelog.com/en/1.1.0: newest first, by kinds of changes, a date each."""
    title, *headings = re.findall(r"^#+ .*$", CHANGELOG, flags=re.MULTILINE)
    assert title == "# Changelog"
    assert "https://keepachangelog.com/en/1.1.0/" in CHANGELOG
    releases = [heading for heading in headings if heading.startswith("## ")]
    assert releases[0] == headings[0] == "## [Unreleased]"
    dates = [
        re.fullmatch(r"## \[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)", heading)[1]
        for heading in releases[1:]
    ]
    assert dates == sorted(dates, reverse=True)
    for release in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.*)$", release, flags=re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds]  # each once, in their order
        for part in re.split(r"^### .*$", release, flags=re.MULTILINE)[1:]:
            assert all(re.match(r"- |  |$", line) for line in part.splitlines())


def test_the_source_distribution_holds_what_the_tests_read():
    include = HATCH["build"]["targets"]["sdist"]["include"]
    for path in ROOT.iterdir():
        if path.name in ("LICENSE", "pyproject.toml", ".gitignore"):
            continue  # hatch takes them along
        if path.is_file() and path.name != ".git":
            assert f"/{path.name}" in include
    assert {"/.ci", "/.github", "/autograd", "/nn", "/tests", "/notebooks"} <= set(include)


def test_on_pypi_no_link_of_readme_leads_nowhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "[CITATION.cff](CITATION.cff)" in text and "[![" in text and "\n![" in text
    for rule in HATCH["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(rule["pattern"], rule["replacement"], text)
    links = re.findall(r"\]\(([^)]*)", text)
    assert links and all(link.startswith("https://") for link in links)
    assert "![" not in text and "cite chalkgrad: CITATION.cff." in text
    assert "| _A frame of a film: a network" in text


def test_cases_that_share_a_test_are_all_tried_and_the_one_that_fails_is_named():
    tried = []

    @for_each("x", [1, 2])
    @for_each("y, z", [(3, 4), (5, 6)], ids=lambda number: f"<{number}>")
    def all_right(x, y, z):
        tried.append((x, y, z))

    all_right()
    assert tried == [(1, 3, 4), (1, 5, 6), (2, 3, 4), (2, 5, 6)]

    @for_each("x", ["a", "b", "3"], ids=["one", "two", "three"])
    def is_refused(x):
        with pytest.raises(ValueError, match="invalid literal"):
            int(x)

    with pytest.raises(AssertionError) as info:
        is_refused()
    assert str(info.value) == "is_refused: x = three"
    assert "DID NOT RAISE" in str(info.value.__cause__)
