"""The READMEs: their code runs and prints what they say, their links and tables hold, and README's
two commands are where CI looks.
"""

import doctest
import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

import autograd.exercises.__main__ as grading
from autograd.exercises.checking import TASKS
from autograd.exercises.grading.tasks import NOTEBOOKS
from nn import cli, exercises
from tests.cases import for_each, starred

assert exercises  # whose tasks are on the list
ROOT = Path(__file__).parent.parent
ROOMS = ("autograd", "nn", "tests", "notebooks")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(
        [*ROOT.glob("*.md"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.md"))]
    )
}
README = PAGES["README.md"]
PICTURES = ROOT / "notebooks" / "pictures"
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", flags=re.MULTILINE)


def blocks(page, language):
    return [text for kind, text in FENCE.findall(PAGES[page]) if kind == language]


def commands(page):
    return [line for block in blocks(page, "sh") for line in block.splitlines()]


WITH_CODE = [page for page in PAGES if blocks(page, "python")]
TRAINING = {"nn/README.md": [pytest.mark.slow]}  # some twenty trainings


def test_every_room_with_a_door_has_a_page():
    assert PAGES.keys() >= {
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "autograd/README.md", "nn/README.md",
        "autograd/exercises/README.md", "notebooks/README.md", "tests/benchmarks/README.md",
    }  # fmt: skip
    doors = set(re.findall(r"\]\(([\w/.]+\.md)\)", README))
    assert doors == PAGES.keys() - {"README.md"}


def test_readme_is_a_page():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert max(len(line) for line in lines if "![" not in line) <= 250  # no page in a line


# Code


@pytest.mark.slow
@pytest.mark.tools
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=TRAINING.get(page, [])) for page in WITH_CODE]
)
def test_code_blocks(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = blocks(page, "python")
    if not importlib.util.find_spec("jax"):  # no wheels for Macs with Intel's processors
        code = [block for block in code if "import jax" not in block]
    assert all(block.startswith(">>> ") for block in code)
    test = doctest.DocTestParser().get_doctest("\n".join(code), {}, page, page, 0)
    report: list[str] = []
    tasks = dict(TASKS)
    try:
        doctest.DocTestRunner().run(test, out=report.append)
    finally:
        TASKS.clear(), TASKS.update(tasks)  # without those of a page
    assert not report, "".join(report)
    saved = re.findall(r'(?:save|savefig)\("([^"]+)"\)', "\n".join(code))
    assert all((tmp_path / name).exists() for name in saved)


def test_most_pages_have_code():
    assert len(WITH_CODE) >= 5
    assert sum(len(blocks(page, "python")) for page in WITH_CODE) >= 30


@for_each("page", PAGES)
def test_every_block_is_of_a_kind_that_is_tested(page):
    assert {kind for kind, _ in FENCE.findall(PAGES[page])} <= {"python", "sh", "text"}
    assert PAGES[page].count("```") == 2 * len(FENCE.findall(PAGES[page]))
    assert not re.search(r"\n\n    [^ ]", FENCE.sub("", PAGES[page])), "a block without a fence"


# Commands


def test_first_two_commands():
    first, second = commands("README.md")
    assert first.startswith("python3 -m venv") and first.endswith("-m nn train digits")
    assert second.startswith("python3 -m venv") and second.endswith(
        "-m pytest -n auto --dist loadfile"
    )


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_commands_name_what_there_is(page, monkeypatch):
    """Options of the command line are known to it; modules, files and folders exist."""
    given = []
    for name in ("train", "predict"):
        monkeypatch.setattr(cli, name, given.append)
    for command in commands(page):
        for part in command.split("&&"):
            program, *words = shlex.split(part, comments=True)
            program = program.removeprefix(".venv/bin/")
            if program in ("pre-commit", ".ci/run", "jupyter"):
                assert program != ".ci/run" or (ROOT / program).exists()
                assert program != "jupyter" or (ROOT / words[1]).is_dir()
                continue
            assert program in ("python", "python3")
            if words[0] != "-m":
                assert (ROOT / words[0]).is_file()
            elif words[1] == "nn" and "--help" not in words:
                before = len(given)
                assert cli.main(words[2:]) == 0
                assert len(given) == before + 1
            else:
                # An environment made by uv has no pip.
                assert words[1] == "pip" or importlib.util.find_spec(words[1]) is not None


@pytest.mark.slow
@pytest.mark.tools
@pytest.mark.usefixtures("quick_files")
def test_the_commands_for_a_table_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{'' if i % 7 else i},{'mf'[i % 2]},{'no' if i % 3 else 'yes'},{int(i % 3 == 0)}"
            for i in range(60)]  # fmt: skip
    text = "\n".join(["age,sex,alive,survived", *rows])
    for name in ("titanic.csv", "more.csv"):
        (tmp_path / name).write_text(text + "\n")
    train, predict = [line for line in commands("nn/README.md") if ".csv" in line]
    for command in (train, predict):
        assert cli.main(shlex.split(command, comments=True)[3:]) == 0
    assert (tmp_path / "more-predicted.csv").read_text().count("\n") == len(rows) + 1


@pytest.mark.slow
def test_the_table_of_submissions(tmp_path, capsys):
    """What the page for teachers says of anna and ben."""
    batches = blocks("autograd/exercises/README.md", "python")[0]
    anna = "".join(re.findall(r"^(?:>>> (?=def)|\.\.\. )(.*\n)", batches, flags=re.MULTILINE))
    (tmp_path / "anna.py").write_text(anna + "\ndef central_difference(f, x, h):\n    ...\n")
    (tmp_path / "ben.py").write_text(anna.replace("range(0, n, b)", "range(0, n - b + 1, b)"))
    assert grading.main([str(tmp_path), "--tasks", "central_difference", "minibatches"]) == 1
    (table,) = blocks("autograd/exercises/README.md", "text")
    assert table in capsys.readouterr().out


# Links, names, tables


@for_each("page", PAGES)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", PAGES[page])
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if not link.startswith("http"):
            path, _, heading = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), link
            assert not heading, "links to headings are not tested"


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"CHANGELOG.md"}))  # which tells of what was
def test_files_that_are_named_exist(page):
    names = re.findall(r"`([\w/]+/[\w.]*\.(?:py|js|css|md|toml|ipynb|cff|yml|yaml))`", PAGES[page])
    for name in names:
        assert (ROOT / name).exists() or ((ROOT / page).parent / name).exists(), name


@pytest.mark.parametrize("room", ["autograd", "nn"])
def test_a_page_names_all_its_rooms(room):
    page = PAGES[f"{room}/README.md"]
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    first = " ".join(row.split("|")[1] for row in rows)
    for path in (ROOT / room).iterdir():
        if path.is_dir() and (path / "__init__.py").exists():
            assert f"`{path.name}/`" in first
        elif path.suffix == ".py" and not path.name.startswith("__"):
            assert f"`{path.name}`" in first


def test_the_page_of_the_engine_names_all_files_of_the_compiler():
    rows = "\n".join(re.findall(r"^\| .*$", PAGES["autograd/README.md"], flags=re.MULTILINE))
    files = [path.name for path in (ROOT / "autograd" / "compiler").glob("*.py")]
    assert len(files) > 15
    assert [name for name in files if f"`{name}`" not in rows] == ["__init__.py"]


def test_the_page_for_teachers_lists_all_tasks():
    page = PAGES["autograd/exercises/README.md"]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (\d) \|$", page, flags=re.MULTILINE)
    assert {name: tuple(re.findall(r"`(\w+)`", takes)) for name, takes, _ in rows} == {
        name: task.takes for name, task in TASKS.items()
    }
    for name, _, number in rows:
        (notebook,) = (ROOT / "notebooks" / "exercises").glob(f"{number}_*.ipynb")
        assert f"check_{name}(" in notebook.read_text(encoding="utf-8")
        assert name in NOTEBOOKS[int(number)]


@pytest.mark.slow
def test_what_tests_and_benchmarks_share_can_be_imported():
    for path in (ROOT / "tests").rglob("*.py"):
        if not path.name.startswith(("test_", "__main__", "conftest")):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def test_the_page_of_benchmarks_names_them_all():
    for path in (ROOT / "tests" / "benchmarks").glob("*.py"):
        assert path.name == "__init__.py" or f"({path.name})" in PAGES["tests/benchmarks/README.md"]


def test_contributing_says_what_each_test_guards():
    names = re.findall(r"`(test_\w+)`", PAGES["CONTRIBUTING.md"])
    assert set(names) == {path.stem for path in (ROOT / "tests").rglob("test_*.py")}


def test_recipes_name_tables_that_there_are():
    items = re.findall(r"^\d\. (.*\n(?: .*\n)*)", PAGES["CONTRIBUTING.md"], flags=re.MULTILINE)
    tried = 0
    for item in items:
        tests = [path for name in re.findall(r"`(test_\w+)`", item)
                 for path in (ROOT / "tests").rglob(f"{name}.py")]  # fmt: skip
        files = tests or [ROOT / name for name in re.findall(r"`([\w/]+/\w+\.py)`", item)]
        text = "\n".join(path.read_text(encoding="utf-8") for path in files)
        for name in re.findall(r"`([A-Z]{4,}|__all__)`", item) if files else ():
            assert re.search(rf"^{name}\b", text, flags=re.MULTILINE), item
            tried += 1
    assert tried >= 10


def test_the_top_level_holds_nothing_else():
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - ignored
    assert there == {
        "pyproject.toml", "README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md",
        "CITATION.cff", *ROOMS,
    }  # fmt: skip


# The course


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def minutes(cells):
    """By the rule that the page of the course gives."""
    words = sum(len("".join(c["source"]).split()) for c in cells if c["cell_type"] == "markdown")
    return words / 150 + sum(c["cell_type"] == "code" and not folded(c) for c in cells)


def folded(cell):
    """Whether a cell shows its output alone: a check of what has been said, or an answer."""
    return cell["metadata"].get("jupyter", {}).get("source_hidden", False)


def rows_of_the_course():
    row = r"^\| \[(\d)\. (.*)\]\((.*)\) \| .* \| (\d+) \| (\d+) \| \[(\d+)\]\((.*)\) \| .* \|$"
    return re.findall(row, PAGES["notebooks/README.md"], flags=re.MULTILINE)


def test_the_course_takes_as_long_as_it_says():
    rows = rows_of_the_course()
    assert [row[0] for row in rows] == list("1234567")
    for number, title, file, _, reading, writing, exercise in rows:
        path = ROOT / "notebooks" / file
        assert "".join(cells_of(path)[0]["source"]).startswith(f"# {number}. {title}\n")
        assert abs(minutes(cells_of(path)) - int(reading)) <= 5
        solution = ROOT / "notebooks" / exercise.replace("exercises/", "solutions/")
        code = "\n".join(
            "".join(c["source"]) for c in cells_of(solution) if c["cell_type"] == "code"
        )
        written = re.findall(
            r"### BEGIN SOLUTION\n(.*?)### (?:END SOLUTION|INSTEAD)", code, flags=re.DOTALL
        )
        lines = [line for part in written for line in part.splitlines() if line.strip()]
        text = minutes(c for c in cells_of(ROOT / "notebooks" / exercise) if "markdown" in
                       c["cell_type"])  # fmt: skip
        assert abs(text + 3 * len(lines) - int(writing)) <= 5


def test_one_can_finish_the_core_path():
    """At most 40 cells that are not folded, and 45 minutes; stars say how long they take."""
    for number, _, file, core, *_ in rows_of_the_course():
        sections = {}
        cells = cells_of(ROOT / "notebooks" / file)
        for heading, cell in zip(starred(cells), cells, strict=True):
            sections.setdefault(heading, []).append(cell)
        path = sections.pop(None)
        assert sum(not folded(cell) for cell in path) <= 40, number
        assert abs(minutes(path) - int(core)) <= 2 and int(core) <= 45, number
        for heading, section in sections.items():
            said = re.search(r" \((\d+) min\)$", heading)
            assert said and abs(minutes(section) - int(said[1])) <= 1, (number, heading)


# Pictures


def test_the_pictures_are_small_and_all_shown():
    shown = {
        Path(name).name
        for text in PAGES.values()
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    }
    files = [path for path in PICTURES.iterdir() if path.suffix in (".svg", ".png")]
    assert shown == {path.name for path in files}
    made = (PICTURES / "make.py").read_text(encoding="utf-8")
    assert all(f'"{path.name}"' in made for path in files)
    assert all(path.stat().st_size <= 100_000 for path in files)
    assert sum(path.stat().st_size for path in files) <= 500_000


def test_pictures_have_a_ground_of_their_own():
    """They are read on a light page and on a dark one."""
    for path in PICTURES.glob("*.png"):
        with Image.open(path) as image:
            assert "A" not in image.mode and "transparency" not in image.info
            assert image.convert("L").getextrema()[1] == 255
    for path in PICTURES.glob("*.svg"):
        assert '<polygon fill="white"' in path.read_text(encoding="utf-8")


def test_picture_is_of_the_first_example():
    picture = (PICTURES / "graph.svg").read_text(encoding="utf-8")
    for text in (">5.5<", ">1.716<", ">11.65<", ">log(x)<", ">sin(y)<"):
        assert text in picture
