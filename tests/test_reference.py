"""The API reference that CONTRIBUTING's command makes: all public names, and links that lead on."""

import builtins
import html
import inspect
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

import autograd
import nn

pytestmark = pytest.mark.slow  # all pages are made, by pdoc

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "autograd": autograd,
    "nn": nn,
    "nn/datasets": nn.datasets,
    "nn/plots": nn.plots,
}
# What a single pair of backticks may name beside our own.
OTHERS = {
    *dir(builtins),
    "autograd",
    "copy.copy",
    "concurrent.futures.Executor",
    "copy.deepcopy",
    "numpy.memmap",
    "pickle",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-W", "error", ROOT / ".ci" / "reference.py", folder]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert run.stdout.split() == [str(folder / "index.html")]
    return folder


def text_of(folder, page):
    return (folder / f"{page}.html").read_text(encoding="utf-8")


def entries(text):
    return set(re.findall(r'<section id="([\w.]+)">', text))


@pytest.mark.parametrize("page", PAGES)
def test_each_public_name_has_an_entry_and_no_other(page, folder):
    module = PAGES[page]
    names = {*module.__all__, *(name for name in dir(module) if not name.startswith("__"))}
    pages = {name for name in names if inspect.ismodule(getattr(module, name))}
    assert entries(text_of(folder, page)) == names - pages
    for name in pages:
        assert f'href="{page}/{name}.html"' in text_of(folder, page)
        assert f"{page}/{name}" in PAGES


def test_no_page_shows_an_inner_name(folder):
    """By their modules: autograd.value.Value is autograd.Value to users."""
    inner = r"\b(autograd|nn)\.(advice|value|compiler|derivatives|model|train|data|show)\.\w+"
    for page in PAGES:
        body = re.sub(r"<a[^>]*>|<script.*?</script>", "", text_of(folder, page), flags=re.DOTALL)
        assert {m[0] for m in re.finditer(inner, body)} <= {"autograd.compiler.numpy"}


def test_signatures_are_as_short_as_in_help(folder):
    """Evaluated by pdoc, as it does otherwise, an ArrayLike would take ten lines."""
    fit = re.sub(r"<[^>]+>", "", text_of(folder, "nn").partition('<section id="fit">')[2])
    assert "X: ArrayLike | Source" in html.unescape(fit)[:400]
    for page in PAGES:
        assert "_NestedSequence" not in text_of(folder, page)


def docstrings(module):
    """Of the public names and of their members."""
    for name in dir(module):
        thing = getattr(module, name)
        if name.startswith("__") or inspect.ismodule(thing):
            continue
        yield name, inspect.getdoc(thing) or ""
        if inspect.isclass(thing):
            for member in dir(thing):
                inner = inspect.getattr_static(thing, member)
                if not member.startswith("_") and (
                    inspect.isroutine(inner) or hasattr(inner, "fget")
                ):
                    yield f"{name}.{member}", inspect.getdoc(inner) or ""


def references(text):
    return set(re.findall(r"(?<!`)`([\w.]+)`(?!`)", text))


@pytest.mark.parametrize("page", PAGES)
def test_names_in_backticks_are_links(page, folder):
    text = text_of(folder, page)
    found = 0
    for name, docstring in docstrings(PAGES[page]):
        for reference in references(docstring) - OTHERS:
            found += 1
            link = rf'<code><a href="[^"]+">(\w+\.)*{re.escape(reference)}</a></code>'
            assert re.search(link, text), f"{name} names `{reference}`, which is no public name"
    assert found > 5 or "/" in page


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page, folder):
    text = re.sub(r"<script.*?</script>", "", text_of(folder, page), flags=re.DOTALL)
    links = set(re.findall(r'href="([^"]*)"', text))
    assert len(links) > 10
    for link in links:
        if link.startswith("https://pdoc.dev"):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (folder / f"{page}.html").parent / file if file else folder / f"{page}.html"
        assert target.exists(), link
        if anchor and target.suffix == ".html":
            assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), link


EXAMPLES = {
    ("nn", "fit"): {"4_stochastic_gradient_descent.ipynb", "nn/README.md"},
    ("nn", "backpropagate"): {"3_backpropagation.ipynb"},
    ("autograd", "compile"): {"README.md"},
    ("autograd", "Value"): {"1_the_computation_graph.ipynb"},
    ("nn/datasets", "load"): {"5_real_data.ipynb"},
}


def linked_examples(folder, page, name):
    section = (
        text_of(folder, page).partition(f'<section id="{name}">')[2].partition("</section>")[0]
    )
    links = re.findall(r'href="([^"]*\.(?:ipynb|md))"', section)
    at = (folder / f"{page}.html").parent
    files = [(at / link).resolve().relative_to(ROOT).as_posix() for link in links]
    return {file.removeprefix("notebooks/"): link for file, link in zip(files, links, strict=True)}


@pytest.mark.parametrize(("page", "name"), EXAMPLES)
def test_entries_link_to_the_examples_that_use_them(page, name, folder):
    assert EXAMPLES[page, name] <= {*linked_examples(folder, page, name)}


def test_each_linked_example_has_the_name_in_it(folder):
    counted = 0
    for page, module in PAGES.items():
        for name in entries(text_of(folder, page)):
            for link in linked_examples(folder, page, name).values():
                file = (folder / f"{page}.html").parent / link
                assert re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")), (name, link)
                counted += 1
        assert hasattr(module, "__all__")
    assert counted > 50
