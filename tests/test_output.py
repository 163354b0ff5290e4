"""What is printed where the output isn't UTF-8, and what would steer a terminal."""

import html
import io
import re
import sys

import numpy as np
import pytest

import nn
from autograd import Value, draw, exercises, gradcheck, steps, trace
from autograd.show.notation import for_output, in_ascii
from nn.cli import main

RED = "\x1b[31mred"


def graph(x="x", y=RED):
    x, y = Value(2.0, label=x), Value(-5.0, label=y)
    root = x * y - y.sin()
    root.backward()
    return root


class Output(io.TextIOWrapper):
    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding)

    def text(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


def refusing(x):
    raise ValueError(f"{RED} \N{MINUS SIGN} \N{MULTIPLICATION SIGN}")


SHOWN = {
    "draw": lambda: draw(graph()),
    "trace": lambda: trace(graph()),
    "a step": lambda: list(steps(graph()))[-1],
    "gradcheck": lambda: gradcheck(lambda x: x.sin(), -2.0),
    "the player": lambda: draw(graph()).steps(),
    "a report": lambda: exercises.check_swish(refusing),
    "the network": lambda: nn.draw(
        nn.MLP(2, [3, 1], rng=np.random.default_rng(0)), [1.0, -2.0], 1.0, nn.gaussian_nll
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("name", SHOWN)
def test_what_is_printed_fits_the_output_and_steers_no_terminal(name, encoding, monkeypatch):
    try:
        shown = SHOWN[name]()
    except RuntimeError:
        pytest.skip("nothing here can lay out a graph")
    output = Output(encoding)
    monkeypatch.setattr(sys, "stdout", output)
    print(shown)
    text = output.text()
    monkeypatch.undo()
    assert "\x1b" not in text
    assert len(text) > 20
    if encoding == "utf-8":
        assert text.rstrip("\n") == str(shown)


def test_in_ascii_a_table_keeps_its_columns_and_its_signs(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Output("cp1252"))
    text = repr(trace(graph(y="y[1]")))
    monkeypatch.undo()
    assert text.isascii()
    assert "y[1]_bar  = v2_bar * dv2/dy[1] + v1_bar * dv1/dy[1]" in text
    rows = text.splitlines()[1:]
    assert len({row.index("_bar") // 30 for row in rows}) == 1
    assert len({row.rindex("  = ") for row in rows}) == 1
    monkeypatch.setattr(sys, "stdout", Output("ascii"))
    assert "v1.grad += 1 * 1  (0 -> 1)" in str(list(steps(graph()))[1])
    assert "-10" in repr(draw(graph()))


def test_letters_of_a_label_that_the_output_lacks_are_written_out(monkeypatch):
    text = "\N{GREEK SMALL LETTER THETA}e\N{COMBINING ACUTE ACCENT}"
    monkeypatch.setattr(sys, "stdout", Output("ascii"))
    assert for_output([text]) == ["\\u03b8\\xe9"]
    monkeypatch.setattr(sys, "stdout", None)
    assert for_output([text]) == [text]
    assert in_ascii("\N{MINUS SIGN}1 \N{HORIZONTAL ELLIPSIS} 2") == "-1 ... 2"


def test_right_to_left_marks_and_other_controls_are_written_out_too():
    assert for_output(["a\u202eb\x07\n\tc"]) == ["a\\u202eb\\x07\n\tc"]


def hostile_file(folder):
    path = folder / "table.csv"
    path.write_text(f"{RED},y\n1.0,a\n2.0,b\n3.0,a\nx,b\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "arguments",
    [
        lambda path: [path, "--target", "y"],  # the cell x is not a number
        lambda path: [path, "--target", "z"],  # the columns are listed
        lambda path: [path + RED, "--target", "y"],
        lambda path: ["moons", "--optimizer", RED],
    ],
)
def test_the_command_line_writes_out_what_would_steer_a_terminal(arguments, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", *arguments(hostile_file(tmp_path)), "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    text = capsys.readouterr().err
    assert "\x1b" not in text
    assert r"\x1b[31mred" in text


@pytest.mark.parametrize("engine", ["graph", "program"])
def test_errors_write_out_what_would_steer_a_terminal(engine):
    net = nn.MLP(1, [2, 1], rng=np.random.default_rng(0))
    for p in net.parameters():
        p.label = RED
    X, y = np.array([[1.0], [2.0]]), np.array([100.0, 200.0])
    settings = {"epochs": 9, "batch_size": 1, "lr": 1e308, "progress": False, "engine": engine}
    with pytest.raises(FloatingPointError, match=r"step would set .*x1b") as caught:
        nn.fit(net, nn.gaussian_nll, X, y, **settings)
    assert "\x1b" not in str(caught.value)

    def named(a, y):
        loss = (a - y).exp()
        loss.label = RED
        return loss

    net = nn.MLP(1, [1], rng=np.random.default_rng(0))
    with pytest.raises(FloatingPointError, match="x1b") as caught:
        nn.fit(net, named, 1e4 * X, y, **{**settings, "lr": 1.0})
    assert "\x1b" not in str(caught.value)


# Where a notebook lets no script through, as marimo does, a page stands in a frame.


def test_in_marimo_pages_stand_in_frames():
    root = graph()
    net = nn.MLP(2, [1], rng=np.random.default_rng(0))
    x, loss = [1.0, -1.0], nn.bernoulli_nll
    film = nn.Film(net, x, 1.0)
    assert film._mime_() == ("text/plain", repr(film))  # no frame yet
    for shown in (draw(root).steps(), draw(root).live(), nn.draw(net, x, 1.0, loss)):
        kind, frame = shown._mime_()
        assert kind == "text/html"
        (inside,) = re.fullmatch(r'<iframe [^>]* srcdoc="([^"]*)"></iframe>', frame).groups()
        page = html.unescape(inside)
        assert page.startswith("<!DOCTYPE html>")
        assert shown._repr_mimebundle_()["text/html"] in page


@pytest.mark.tools("dot")
def test_in_marimo_a_graph_has_a_frame_where_it_can_be_laid_out(monkeypatch):
    root = graph()
    for shown in (root, draw(root)):
        kind, frame = shown._mime_()
        assert kind == "text/html" and "data-chalkgrad" in frame
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    kind, text = root._mime_()
    assert kind == "text/plain" and text.startswith(repr(root))
