"""Which package this is, and HIPS's autograd, of the same name, beside it or over it."""

import re
import runpy
import sys
import types
import warnings
from pathlib import Path

import pytest

import autograd.__main__ as command
import nn
from autograd import about

GROUND = Path(nn.__file__).parent / "ground.py"


def test_a_package_of_the_same_name_is_found_by_what_pip_wrote_of_it(tmp_path):
    for name in ("autograd", "autograd_gamma-0.5.dist-info", "chalkgrad-0.1.0.dist-info"):
        (tmp_path / name).mkdir()
        assert about.neighbour(tmp_path) is None
    (tmp_path / "autograd-1.8.0.dist-info").mkdir()
    assert about.neighbour(tmp_path) == "autograd-1.8.0.dist-info"
    assert about.neighbour(tmp_path / "nowhere") is None


def test_it_is_said_once_with_the_cure(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        about.warn_of_neighbour(tmp_path)
    (tmp_path / "autograd-1.8.0.dist-info").mkdir()
    with pytest.warns(UserWarning, match="uninstalling one breaks the other") as caught:
        about.warn_of_neighbour(tmp_path)
    (warning,) = caught
    assert "(autograd-1.8.0.dist-info)" in str(warning.message)
    assert str(warning.message).endswith(about.CURE)
    assert "\n" not in str(warning.message)


@pytest.mark.parametrize("file", ["/site-packages/autograd/__init__.py", None])
def test_nn_refuses_another_autograd_or_what_is_left_of_one(file, monkeypatch):
    other = types.ModuleType("autograd")
    other.__path__, other.__file__ = ["/site-packages/autograd"], file
    monkeypatch.setitem(sys.modules, "autograd", other)
    with pytest.raises(ImportError, match=r"/site-packages/autograd.* is not chalkgrad's") as info:
        runpy.run_path(str(GROUND))
    assert str(info.value).endswith(about.CURE)


def test_python_m_autograd_says_which_it_is(capsys):
    assert command.main() == 0
    lines = dict(
        re.findall(r"^(package|python|layout|beside) +(.*)$", capsys.readouterr().out, re.M)
    )
    assert lines["package"] == f"chalkgrad {nn.__version__}, in {about.HERE}"
    assert lines["beside"] == "no other package of this name"
    assert len(lines) == 4


def test_python_m_autograd_says_what_extras_lack(monkeypatch):
    required = [
        "numpy>=1.25",
        "matplotlib>=3.8; extra == 'demo'",
        "no-such-thing>=2; extra == 'demo'",
        'numpy>=0.6; (sys_platform != "darwin") and extra == "jax"',
        "chalkgrad[demo]; extra == 'notebooks'",
    ]
    monkeypatch.setattr(command.metadata, "requires", lambda name: required)
    assert command.extras() == ["demo: lacks no-such-thing", "jax: complete"]

    def not_there(name):
        raise command.metadata.PackageNotFoundError

    monkeypatch.setattr(command.metadata, "requires", not_there)
    assert command.extras() == ["unknown: chalkgrad runs from a folder, and is not installed"]


def test_python_m_autograd_names_the_other_package_and_fails(capsys, monkeypatch):
    monkeypatch.setattr(command, "neighbour", lambda: "autograd-1.8.0.dist-info")
    assert command.main() == 1
    said = capsys.readouterr().out
    assert said.startswith("package  chalkgrad ")
    assert said.endswith(f"beside   autograd-1.8.0.dist-info. The cure: {about.CURE}\n")
    monkeypatch.setattr(command, "autograd", types.ModuleType("autograd"))  # theirs is on top
    assert command.main() == 1
    assert capsys.readouterr().out.startswith("package  not chalkgrad's: autograd-1.8.0.dist-info")
