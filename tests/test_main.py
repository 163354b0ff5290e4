"""The command line: what it prints and writes, its options, and how it refuses."""

import errno
import html
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

import nn.choosing
import nn.cli
from nn.cli import main
from nn.data.datasets import NAMES
from nn.train.validation import Trial
from tests.cases import names


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every test runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """A report has tests of its own, in a browser; here a few make all files, one for each loss.

    Nor are networks compared, except where that is what is tested.
    """
    if not any(part in request.node.name for part in ("hidden", "not_given")):
        monkeypatch.setattr(nn.choosing, "WIDTHS", nn.choosing.WIDTHS[:1])
    names = ("iris", "diabetes", "moons")
    whole = (*(f"its_files[{name}]" for name in names), "in_the_report", "four_rows")
    if not any(part in request.node.name for part in whole):
        request.getfixturevalue("quick_files")


def train(*options):
    """A short, quiet training on moons, which need no scikit-learn, or as the options say."""
    data = () if options and options[0] in NAMES else ("moons",)
    short = () if "--epochs" in options else ("--epochs", "2")
    return main(["train", *data, *options, *short, "--quiet"])


def history(folder):
    """history.csv as a list of dictionaries."""
    head, *rows = (folder / "history.csv").read_text().splitlines()
    return [dict(zip(head.split(","), row.split(","), strict=True)) for row in rows]


def printed(text):
    """The lines on stdout by their first word."""
    return dict(line.split(maxsplit=1) for line in text.splitlines())


@pytest.mark.parametrize(
    ("argv", "prog"), [("/bin/chalkgrad", "chalkgrad"), ("nn", "python -m nn")]
)
def test_the_version_and_by_what_name_it_was_called(argv, prog, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [argv])
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"chalkgrad {nn.__version__}\n"
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["fly"])
    assert capsys.readouterr().err.startswith(f"{prog}: ")


def test_without_a_command_the_commands_are_named(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main([])
    message = "python -m nn: give a command, with --help for more: train, predict, play\n"
    assert capsys.readouterr() == ("", message)


# data: its sizes, its loss, its score, the widths, m = sum of d_l (d_{l-1} + 1)
RUNS = {
    "digits": (1438, 359, "categorical_nll", "accuracy", "64 -> 3 (relu) -> 10", 3 * 65 + 10 * 4),
    "iris": (120, 30, "categorical_nll", "accuracy", "4 -> 3 (relu) -> 3", 3 * 5 + 3 * 4),
    "breast_cancer": (455, 114, "bernoulli_nll", "accuracy", "30 -> 3 (relu) -> 1", 3 * 31 + 4),
    "diabetes": (354, 88, "gaussian_nll", "R^2", "10 -> 3 (relu) -> 1", 3 * 11 + 4),
    "moons": (400, 100, "bernoulli_nll", "accuracy", "2 -> 3 (relu) -> 1", 3 * 3 + 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("data", RUNS)
def test_every_data_set_trains_and_writes_its_files(data, folder, capsys):
    n, n_test, loss, score, network, m = RUNS[data]
    assert train(data, "--widths", "3", "--batch-size", "50", "--epochs", "2") == 0
    out, err = capsys.readouterr()
    lines = printed(out)
    assert data in lines["data"]
    assert re.findall(r"\d+", lines["data"]) == [str(n), str(n_test)]
    assert lines["network"].startswith(network)
    assert f"m = {m} " in lines["network"]
    assert lines["loss"] == loss
    updates = f"2 epochs, batch size 50: {2 * (n // 50)} updates"
    lr = lines["rate"].partition(":")[0]
    assert lines["SGD"] == f"{updates}; lr {lr}, weight decay {1 / n:.4g}"
    for part in ("train", "test"):
        balanced = r", balanced [\d.]+%" if score == "accuracy" else ""
        said = rf"loss -?[\d.]+, {re.escape(score)} -?[\d.]+%?{balanced}"
        assert re.fullmatch(said, lines[part])
    assert lines["beside"].startswith("always ")
    assert "%" not in err  # --quiet: no bar

    written = folder / "runs" / data
    assert sorted(p.name for p in written.iterdir()) == [
        "curves.svg", "graph.svg", "history.csv", "network.npz", "report.html",
    ]  # fmt: skip
    for name in ("curves.svg", "graph.svg"):
        assert name in lines["wrote"]
        assert ET.parse(written / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert "loss" in (written / "graph.svg").read_text()
    rows = history(written)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert f"loss {float(rows[-1]['test_loss']):.4f}," in lines["test"]


@pytest.mark.slow
def test_the_test_part_is_not_called_validation_in_the_report(folder):
    from matplotlib import rc_context

    for more, part, other in [
        ([], "test", "validation"),
        (["--patience", "9"], "validation", "test"),
    ]:
        with rc_context({"svg.fonttype": "none"}):  # so texts are in the file
            assert train("--batch-size", "50", "100", "--lr", "0.1", "--widths", "2", *more) == 0
        written = folder / "runs/moons"
        columns = [name for name in history(written)[0] if name.startswith(("test", "validation"))]
        assert columns == [f"{part}_loss", f"{part}_accuracy"]
        curves = (written / "curves.svg").read_text()
        assert f"{part} (end of epoch)" in curves and f"{part} accuracy" in curves
        assert other not in curves
        assert f"Dashed is the loss on the {part} part." in (written / "report.html").read_text()


@pytest.mark.slow
def test_what_is_not_given_fits_the_data(folder, capsys):
    assert main(["train", "moons", "--quiet"]) == 0
    lines = printed(capsys.readouterr().out)
    taken, others = lines["training"].split(" rather than ")
    epochs = int(re.fullmatch(r"(50|13) epochs \(loss 0\.0\d+\)", taken)[1])
    assert "the usual 200 epochs with weight decay 0.0025 (0.0" in others
    assert "200 epochs with weight decay 0.025 (0." in others
    lr = lines["rate"].partition(":")[0]
    updates = f"{epochs} epochs, batch size 16: {epochs * 25} updates"
    assert lines["SGD"] == f"{updates}; lr cosine:{lr}, weight decay 0.0025"
    assert lines["data"] == "moons: 400 examples to train on, 100 to test"
    assert re.match(
        r"hidden: one of 32 units \(loss 0\.0\d+\) rather than none \(0\.2\d+\), .* mean of 5",
        lines["layers"],
    )
    assert "falls to 0" in lines["rate"]
    assert float(re.search(r"accuracy ([\d.]+)%", lines["test"])[1]) > 95


def test_a_rare_far_value_is_brought_nearer_and_that_is_said(folder, capsys):
    rows = [f"{i % 7},{1 if i == 9 else 0},{i % 3}" for i in range(400)]
    (folder / "rare.csv").write_text("\n".join(["a,b,y", *rows]))
    run = ["--target", "y", "--as", "b=number", "--epochs", "1", "--lr", "0.1", "--quiet"]
    assert main(["train", "rare.csv", *run]) == 0
    said = printed(capsys.readouterr().out)["inputs"]
    assert said.endswith("(rare values far from the mean: so that they are at 15)")
    data = nn.table_data("rare.csv", target="y", kinds={"b": "number"})
    assert data.X_train[:, 1].max() == pytest.approx(15)
    assert data.X_train[:, 0].std() == pytest.approx(1)


@pytest.mark.slow
def test_no_hidden_layer_is_taken_where_none_is_needed(folder, capsys, monkeypatch):
    monkeypatch.setattr(nn.train.defaults, "UPDATES", 100)
    rows = [f"{i},{i * 7 % 11},{2 * i - i * 7 % 11}" for i in range(40)]
    (folder / "line.csv").write_text("\n".join(["a,b,y", *rows]))
    run = ["train", "line.csv", "--target", "y", "--quiet"]
    assert main(run) == 0
    lines = printed(capsys.readouterr().out)
    assert lines["layers"].startswith("hidden: none (loss ")
    assert lines["network"].startswith("2 -> 1 (identity)")
    assert main([*run, "--epochs", "50", "--lr", "0.1"]) == 0
    assert printed(capsys.readouterr().out)["layers"].startswith("hidden: none (")
    assert main([*run, "--epochs", "5", "--lr", "0.1", "--widths", "3"]) == 0
    assert "layers" not in printed(capsys.readouterr().out)


def test_epochs_are_chosen_where_neither_they_nor_a_part_kept_aside_say(
    folder, capsys, monkeypatch
):
    monkeypatch.setattr(nn.train.defaults, "UPDATES", 4)
    monkeypatch.setattr(nn.train.defaults, "EPOCHS", 2)
    asked = []

    def try_networks(nets, *data, optimizers, epochs, tune, best_epoch, **settings):
        decays = [rule.given.get("weight_decay") for rule in optimizers]
        asked.append((tune, best_epoch, epochs, decays))
        first, *others = optimizers
        return [
            *(Trial(net, first, None, {}, 2, 0.5, 0) for net in nets),
            *([Trial(nets[0], first, None, {}, 1, 0.375, 0)] if tune else []),
            *(Trial(nets[0], o, None, {}, 2, 0.25, 0) for o in others if tune and not best_epoch),
        ]

    monkeypatch.setattr(nn.choosing, "try_networks", try_networks)
    monkeypatch.setattr(nn.choosing, "WIDTHS", ((3,), ()))
    rows = [f"{i},{i * 7 % 11},{2 * i - i * 7 % 11}" for i in range(40)]
    (folder / "line.csv").write_text("\n".join(["a,b,y", *rows]))
    run = ["line.csv", "--target", "y", "--lr", "0.01", "--quiet"]
    for more in ([], ["--widths", "3"]):
        assert main(["train", *run, *more]) == 0
        lines = printed(capsys.readouterr().out)
        assert lines["training"] == (
            "2 epochs with weight decay 0.3125 (loss 0.25) rather than 1 epochs (0.375) or the "
            "usual 2 epochs with weight decay 0.01 (0.5), on examples kept aside, the mean of 5 "
            "trainings"
        )
        assert lines["SGD"].startswith("2 epochs, ")
        assert lines["SGD"].endswith("weight decay 0.3125")
        assert len(history(folder / "runs" / "line")) == 2
    for more in (["--weight-decay", "0.5"], ["--optimizer", "adam"], ["--patience", "1"]):
        assert main(["train", *run, *more]) == 0
        lines = printed(capsys.readouterr().out)
        assert lines["training"].startswith("1 epochs (loss 0.375) rather than the usual 2 epochs ")
        assert len(history(folder / "runs" / "line")) == 1
    for more in (["--batch-size", "16", "32"], ["--epochs", "3"]):
        assert main(["train", *run, *more]) == 0
        assert "training" not in printed(capsys.readouterr().out)
    decays = [0.01, 0.3125]
    assert asked[:4] == [(True, False, None, of) for of in (decays, decays, [0.5], [None])]
    assert [of[:3] for of in asked[4:]] == [
        (True, True, None),
        (False, False, None),
        (False, False, 3),
    ]


def test_it_is_said_why_a_rate_is_taken(monkeypatch):
    rates = {1.0: 2.5, 0.3: 1.15, 0.1: 1.0}
    monkeypatch.setattr(nn.choosing, "RATES", (3.0, 1.0, 0.3, 0.1))
    for lr, falls, words in (
        (
            0.3,
            True,
            "0.3: of 1, 0.3, 0.1, the largest with nearly the least loss in some 200 updates "
            "each (at 3 it grew, or did on the farthest examples); it falls",
        ),
        (0.1, False, "0.1: of 1, 0.3, 0.1, the one with the least loss in some 200"),
        (0.1, True, "0.1: at larger ones that were tried, a training diverged; it falls to 0"),
        (0.03, False, "0.03: at larger ones that were tried, a training diverged"),
    ):
        assert nn.choosing._rate(lr, rates, falls).startswith(words)


def test_what_is_tried_is_said_and_why_not(folder, capsys, monkeypatch):
    monkeypatch.setattr(nn.choosing, "WIDTHS", ((3,), ()))
    monkeypatch.setattr(nn.train.defaults, "UPDATES", 4)
    monkeypatch.setattr(nn.train.defaults, "EPOCHS", 2)
    rows = [f"{i},{i * 7 % 11},{2 * i - i * 7 % 11}" for i in range(40)]
    for n, options, tried in (
        (40, (), "networks, rates, decays, epochs"),
        (40, ("--lr", "0.01"), "networks, decays, epochs"),
        (40, ("--optimizer", "adam", "--widths", "3"), "rates, epochs"),
        (40, ("--epochs", "2"), "networks, rates"),
        (40, ("--lr", "0.01", "--widths", "3", "--patience", "1"), "epochs"),
        (40, ("--lr", "0.01", "--widths", "3", "--epochs", "2"), None),
        (12, (), "rates"),
        (12, ("--lr", "0.01"), None),
    ):
        (folder / "line.csv").write_text("\n".join(["a,b,y", *rows[:n]]))
        assert main(["train", "line.csv", "--target", "y", "--quiet", *options]) == 0
        lines = printed(capsys.readouterr().out)
        assert lines.get("trying") == tried
        if n == 12:
            assert lines["layers"] == (
                "hidden: one of 3 units: 10 examples are too few to compare networks on"
            )


@pytest.mark.slow
def test_four_rows_train_and_none_is_kept_for_testing(folder, capsys):
    (folder / "xor.csv").write_text("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    run = ["xor.csv", "--target", "y", "--widths", "4", "--epochs", "50", "--quiet"]
    assert main(["train", *run]) == 0
    lines = printed(capsys.readouterr().out)
    assert lines["data"] == "xor: 4 examples to train on, too few to keep some to test"
    assert "batch size 4: 50 updates" in lines["SGD"]
    assert "test" not in lines
    report = (folder / "runs" / "xor" / "report.html").read_text()
    assert "on 4 examples, all of them seen" in report
    assert "not seen" not in report


def test_at_a_rate_that_diverges_later_the_next_is_taken(folder, capsys, monkeypatch):
    monkeypatch.setattr(nn.train.validation, "find_lr", lambda *a, **k: (1e3, {1e3: 0.0}))
    monkeypatch.setattr(nn.choosing, "next_rate", {1e3: 0.1, 0.1: None}.get)
    run = ("diabetes", "--widths", "3", "--checkpoint", "kept.npz")
    assert train(*run) == 0
    lines = printed(capsys.readouterr().out)
    assert lines["again"] == "at the next rate, 0.1"
    assert lines["diverged"].startswith("epoch 1, update ")
    assert nn.load(folder / "kept.npz")
    monkeypatch.setattr(nn.choosing, "next_rate", lambda lr: None)
    assert train("diabetes", "--widths", "3", "--out", "none") == 1
    assert "training stopped: epoch 1" in capsys.readouterr().err


def test_a_training_learns(folder, capsys):
    assert train("moons", "--widths", "8", "--epochs", "10") == 0
    lines = printed(capsys.readouterr().out)
    assert float(re.search(r"accuracy ([\d.]+)%", lines["test"])[1]) > 85


def test_without_quiet_there_is_a_bar(capsys):
    pytest.importorskip("tqdm")
    assert main(["train", "moons", "--epochs", "1", "--batch-size", "200", "--widths", "2"]) == 0
    assert "2/2" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "batch_sizes", "updates"),
    [
        ("40", ["40"] * 3, ["3", "6", "9"]),
        ("full", ["120"] * 3, ["1", "2", "3"]),
        ("120", ["120"] * 3, ["1", "2", "3"]),
        ("grow:20:2:1", ["20", "40", "80"], ["6", "9", "10"]),
        ("grow:100:1.5:2", ["100", "100", "120"], ["1", "2", "3"]),
    ],
)
def test_batch_sizes(option, batch_sizes, updates, folder):
    assert train("iris", "--batch-size", option, "--epochs", "3", "--widths", "2") == 0
    rows = history(folder / "runs" / "iris")
    assert [row["batch_size"] for row in rows] == batch_sizes
    assert [row["updates"] for row in rows] == updates


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "rates"),  # those of updates 2, 4 and 6
    [
        ("0.25", [0.25, 0.25, 0.25]),
        ("1e-3", [0.001, 0.001, 0.001]),
        ("step:0.8:0.5:2", [0.8, 0.4, 0.2]),
        ("1/t:0.3:2", [0.3 * 2 / 3, 0.3 * 2 / 5, 0.3 * 2 / 7]),
        ("cosine:0.4", [0.2 * (1 + 0.8090169943749475), 0.2 * (1 - 0.30901699437494745), 0.0]),
    ],
)
def test_learning_rates(option, rates, folder):
    options = ("--batch-size", "60", "--epochs", "3", "--widths", "2")
    assert train("iris", "--lr", option, *options) == 0
    rows = history(folder / "runs" / "iris")
    assert [float(row["lr"]) for row in rows] == pytest.approx(rates, rel=1e-12, abs=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "network", "m"),
    [
        (("--widths",), "4 -> 3 (identity)", 4 * 3 + 3),
        (("--widths", "--no-bias"), "4 -> 3 (identity)", 4 * 3),
        (("--widths", "5", "--no-bias"), "4 -> 5 (relu) -> 3 (identity)", 4 * 5 + 5 * 3),
        (
            ("--widths", "5", "2", "--activation", "tanh"),
            "4 -> 5 (tanh) -> 2 (tanh) -> 3 (identity)",
            25 + 12 + 9,
        ),
        (
            ("--widths", "5", "2", "--activation", "sigmoid", "softplus"),
            "4 -> 5 (sigmoid) -> 2 (softplus) -> 3 (identity)",
            25 + 12 + 9,
        ),
    ],
)
def test_networks(options, network, m, capsys):
    assert train("iris", *options, "--batch-size", "60") == 0
    line = printed(capsys.readouterr().out)["network"]
    assert line.startswith(f"{network}, m = {m} ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "loss", "outputs"),
    [
        ("moons", "categorical", 2),
        ("moons", "bernoulli", 1),
        ("iris", "categorical", 3),
        ("diabetes", "gaussian", 1),
    ],
)
def test_losses(data, loss, outputs, capsys):
    assert train(data, "--loss", loss, "--widths", "2", "--batch-size", "50", "--epochs", "1") == 0
    lines = printed(capsys.readouterr().out)
    assert lines["loss"] == f"{loss}_nll"
    assert f"-> {outputs} (identity)" in lines["network"]


def test_out_names_the_folder(folder, capsys):
    assert train("--out", "some/where", "--batch-size", "60") == 0
    assert len(list((folder / "some" / "where").iterdir())) == 5
    assert not (folder / "runs").exists()
    assert "some" in printed(capsys.readouterr().out)["wrote"]


@pytest.mark.slow
def test_the_seed_makes_the_numbers(folder):
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        options = ("--momentum", "0.5", "--batch-size", "30")
        assert train("--seed", seed, "--out", out, *options) == 0
    a, b, c = ((folder / out / "history.csv").read_bytes() for out in "abc")
    assert a == b
    assert a != c


# Refusals


def refused(capsys, folder, *options):
    """The one line on stderr of a command that is refused before anything is done."""
    with pytest.raises(SystemExit) as info:
        train(*options)
    assert info.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.endswith("\n")
    assert "Traceback" not in err
    assert list(folder.iterdir()) == []
    return err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--loss", "foo"), ["--loss", "foo", "categorical"]),
        (("--batch-size", "0"), ["--batch-size", "0"]),
        (("--batch-size", "-4"), ["--batch-size", "-4"]),
        (("--batch-size", "99999"), ["--batch-size", "99999", "400"]),
        (("--batch-size", "2.5"), ["--batch-size", "2.5"]),
        (("--batch-size", "grow:4"), ["--batch-size", "grow:4", "grow:START:FACTOR:EPOCHS"]),
        (("--batch-size", "grow:0:2:5"), ["--batch-size", "grow:0:2:5"]),
        (("--batch-size", "grow:8:0.1:1"), ["--batch-size", "grow:8:0.1:1"]),
        (("--batch-size", "full:2"), ["--batch-size", "full:2"]),
        (("--lr", "abc"), ["--lr", "abc", "cosine:LR"]),
        (("--lr", "-1"), ["--lr", "-1"]),
        (("--lr", "nan"), ["--lr", "nan"]),
        (("--lr", "inf"), ["--lr", "inf"]),
        (("--lr", "step:0.1:0.5"), ["--lr", "step:0.1:0.5", "step:LR:FACTOR:UPDATES"]),
        (("--lr", "step:0.1:0.5:0"), ["--lr", "step:0.1:0.5:0"]),
        (("--lr", "1/t:0.1:-1"), ["--lr", "1/t:0.1:-1"]),
        (("--lr", "cosine:x"), ["--lr", "cosine:x"]),
        (("--lr", "cosine:-1"), ["lr", "-1"]),
        (("--momentum", "2"), ["momentum", "2"]),
        (("--momentum", "-0.5"), ["momentum", "-0.5"]),
        (("--momentum", "nan"), ["momentum", "nan"]),
        (("--momentum", "x"), ["--momentum", "x"]),
        (("--activation", "foo"), ["--activation", "foo", "softplus"]),
        (("--activation", "relu", "tanh"), ["activations", "1", "2"]),
        (("--widths", "0"), ["--widths", "0"]),
        (("--widths", "x"), ["--widths", "x"]),
        (("--widths", "1000000000"), ["--widths", "4,000,000,001 parameters", "2,000,000"]),
        (("--epochs", "0"), ["--epochs", "0"]),
        (("--epochs", "1.5"), ["--epochs", "1.5"]),
        (("--seed", "-1"), ["--seed", "-1"]),
        (("--seed", "x"), ["--seed", "x"]),
        (("--out", ""), ["--out", "empty"]),
        (("--frobnicate",), ["--frobnicate"]),
        *[
            pytest.param(
                ("digits", "--loss", loss), ["--loss", loss, "digits", "10"], marks=pytest.mark.slow
            )  # scikit-learn's import alone takes a second
            for loss in ("bernoulli", "gaussian")
        ],
        pytest.param(
            ("diabetes", "--loss", "categorical"),
            ["--loss", "categorical", "diabetes"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_refused_with_one_line(options, named, folder, capsys):
    line = refused(capsys, folder, *options)
    assert all(word in line for word in named)


def test_an_unknown_data_set_is_refused_with_the_known_ones(folder, capsys):
    for unknown in ("mnist", ""):
        with pytest.raises(SystemExit) as info:
            main(["train", unknown])
        out, err = capsys.readouterr()
        assert (info.value.code, out, len(err.splitlines())) == (2, "", 1)
        assert all(name in err for name in (repr(unknown), *NAMES))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["train"], ["fly"]])
def test_an_incomplete_command_is_refused_with_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as info:
        main(arguments)
    assert info.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_missing_scikit_learn_is_one_line(monkeypatch, folder, capsys):
    for module in ["sklearn", *[m for m in sys.modules if m.startswith("sklearn.")]]:
        monkeypatch.setitem(sys.modules, module, None)
    assert "pip install" in refused(capsys, folder, "iris")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "taken/runs"), "taken is no folder. Give another --out"),
        (("--checkpoint", "nowhere/c.npz"), "can't write 'nowhere/c.npz': there is no folder"),
    ],
)
def test_what_can_not_be_written_is_said_before_anything_is_tried(
    folder, capsys, options, said, monkeypatch
):
    monkeypatch.setattr(nn.cli, "choose", lambda *_: pytest.fail("networks are tried"))
    (folder / "taken").touch()
    with pytest.raises(SystemExit):
        train(*options)
    assert said in capsys.readouterr().err


def test_a_folder_that_can_not_be_made_is_named(folder, capsys, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(SystemExit):
        train("--out", "new")
    said = (
        "can't make the folder new, or write into it: No space left on device. Give another --out"
    )
    assert said in capsys.readouterr().err


def test_a_checkpoint_may_be_in_the_folder_that_is_made(folder):
    assert train("--out", "new", "--checkpoint", "new/c.npz") == 0
    assert (folder / "new" / "c.npz").exists()


def test_a_folder_that_can_not_be_made_is_one_line(folder, capsys):
    (folder / "taken").write_text("a file")
    with pytest.raises(SystemExit) as info:
        train("--out", "taken")
    assert info.value.code == 2
    err = capsys.readouterr().err
    assert "taken" in err
    assert len(err.splitlines()) == 1
    assert (folder / "taken").read_text() == "a file"


@pytest.mark.slow
@pytest.mark.parametrize("data", ["iris", "diabetes"])
def test_divergence_ends_with_one_clear_line(data, folder, capsys):
    assert train(data, "--lr", "1e300", "--widths", "3") == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert re.search(r"epoch \d+, update \d+:", err)
    assert "smaller lr" in err
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_an_interrupted_training_writes_nothing(monkeypatch, folder, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(nn.cli, "fit", interrupted)
    assert train() == 130
    err = capsys.readouterr().err
    assert "interrupted" in err
    assert len(err.splitlines()) == 1
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as info:
        main(arguments)
    assert info.value.code == 0
    out = capsys.readouterr().out
    assert "train" in out
    if "train" in arguments:
        words = (*NAMES, "--widths", "--lr", "cosine:LR", "1/t:LR:T0", "grow:START:FACTOR:EPOCHS")
        assert all(word in out for word in words)


# The whole thing, as a student runs it


@pytest.mark.slow
@pytest.mark.tools
def test_the_defaults_learn_to_read_digits(folder):
    run = subprocess.run(
        [sys.executable, "-m", "nn", "train", "digits"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    lines = printed(run.stdout)
    assert float(re.search(r"accuracy ([\d.]+)%", lines["test"])[1]) >= 95.0
    assert "287 kept aside" in lines["data"]
    assert "on the examples kept aside" in lines["takes"]
    written = folder / "runs" / "digits"
    rows = history(written)
    best = min(rows, key=lambda row: float(row["validation_loss"]))
    assert f"that of epoch {best['epoch']}, the best one" in lines["stopped"]
    assert float(rows[-1]["validation_accuracy"]) >= 0.95
    assert ET.parse(written / "graph.svg").getroot().tag.endswith("svg")


def test_that_an_earlier_training_is_replaced_is_said(folder, capsys):
    for more, said in [([], False), ([], True), (["--out", "another"], False)]:
        assert train(*more) == 0
        wrote = printed(capsys.readouterr().out)["wrote"]
        assert ("in place of the files of an earlier training" in wrote) == said


def test_without_a_layout_tool_the_graph_is_written_as_text(folder, capsys, monkeypatch):
    monkeypatch.setattr("autograd.show.layout.WAYS", [])
    assert main(["train", "moons", "--epochs", "1", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "graph.dot" in printed
    assert "install" in printed
    assert (folder / "runs/moons/graph.dot").read_text(encoding="utf-8").startswith("digraph")


# Checkpoints


KEPT = ("--widths", "3", "--momentum", "0.9", "--batch-size", "grow:16:2:2", "--seed", "3")


def refused_late(capsys, *options):
    """The one line on stderr of a training that is refused, with exit code 2."""
    with pytest.raises(SystemExit) as info:
        train(*options)
    assert info.value.code == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    return err


@pytest.mark.slow
@pytest.mark.parametrize("data", [pytest.param("iris", marks=pytest.mark.slow), "moons"])
def test_a_resumed_training_writes_the_same_files(data, folder):
    run = (data, *KEPT)
    assert train(*run, "--epochs", "4", "--checkpoint", "whole.npz", "--out", "whole") == 0
    assert train(*run, "--epochs", "2", "--checkpoint", "part.npz", "--out", "part") == 0
    half = (folder / "part.npz").read_bytes()
    assert half != (folder / "whole.npz").read_bytes()
    go_on = ("--resume", "part.npz", "--checkpoint", "rest.npz", "--out", "rest")
    assert train(*run, "--epochs", "4", *go_on) == 0
    assert (folder / "part.npz").read_bytes() == half
    for name in ("{}.npz", "{}/history.csv"):
        whole, rest = (folder / name.format(which) for which in ("whole", "rest"))
        assert rest.read_bytes() == whole.read_bytes()
    assert [row["epoch"] for row in history(folder / "rest")] == ["1", "2", "3", "4"]
    files = sorted(p.name for p in folder.iterdir())
    assert files == ["part", "part.npz", "rest", "rest.npz", "whole", "whole.npz"]


def test_a_checkpoint_holds_the_network(folder):
    assert train(*KEPT, "--checkpoint", "net.npz") == 0
    assert repr(nn.load(folder / "net.npz")) == "MLP(2, [3, 1], activation='relu', bias=True)"


def test_without_the_option_there_is_no_checkpoint(folder):
    assert train(*KEPT) == 0
    assert [path.name for path in folder.rglob("*.npz")] == ["network.npz"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("every", "kept"), [((), 3), (("--checkpoint-every", "2"), 2), (("--checkpoint-every", "5"), 0)]
)
def test_checkpoints_are_written_every_so_many_epochs(every, kept, folder, capsys, monkeypatch):
    def fit(*arguments, **options):
        def interrupt(epoch, *_):
            if epoch == 4:
                raise KeyboardInterrupt

        return nn.fit(*arguments, **{**options, "callbacks": [interrupt]})

    with monkeypatch.context() as patch:
        patch.setattr(nn.cli, "fit", fit)
        options = (*KEPT, "--epochs", "6", "--checkpoint", "net.npz", *every)
        assert train(*options) == 130
    err = capsys.readouterr().err
    assert "go on with --resume net.npz" in err
    assert len(err.splitlines()) == 1
    seen = []

    def resumed(*arguments, **options):
        def see(epoch, *_):
            seen.append(epoch)

        options["callbacks"].append(see)
        return nn.fit(*arguments, **options)

    monkeypatch.setattr(nn.cli, "fit", resumed)
    assert train(*options, "--resume", "net.npz", "--out", "resumed") == 0
    assert min(seen) == kept + 1
    monkeypatch.setattr(nn.cli, "fit", nn.fit)
    assert train(*KEPT, "--epochs", "6", "--checkpoint", "whole.npz", "--out", "whole") == 0
    for name in ("{}/history.csv", "{}.npz"):
        first, second = (name.format(which) for which in ("resumed", "whole"))
        first = first.replace("resumed.npz", "net.npz")
        assert (folder / first).read_bytes() == (folder / second).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "named"),
    [
        (("--widths", "4"), "another network"),
        (("--widths", "3", "--activation", "tanh"), "another network"),
        (("--widths", "3", "--no-bias"), "another network"),
        (("--widths", "3", "--epochs", "1"), "2 epochs"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, tuple) else x,
)
def test_what_does_not_fit_a_checkpoint_is_one_line(other, named, folder, capsys):
    assert train(*KEPT, "--checkpoint", "net.npz") == 0
    before = (folder / "net.npz").read_bytes()
    capsys.readouterr()
    line = refused_late(capsys, *KEPT, *other, "--resume", "net.npz", "--checkpoint", "net.npz")
    assert "'net.npz'" in line
    assert named in line
    assert (folder / "net.npz").read_bytes() == before


def test_a_missing_or_damaged_checkpoint_is_one_line(folder, capsys):
    assert "gone.npz" in refused_late(capsys, "--resume", "gone.npz")
    (folder / "text.npz").write_text("epoch,loss")
    assert "'text.npz' is not a network file" in refused_late(capsys, "--resume", "text.npz")
    assert "no folder" in refused_late(capsys, "--checkpoint", "no/where.npz")
    assert not [*folder.rglob("*.csv")]


@pytest.mark.parametrize("every", ["0", "-1", "1.5", "x"])
def test_every_is_a_whole_number(every, folder, capsys):
    line = refused(capsys, folder, "--checkpoint", "net.npz", "--checkpoint-every", every)
    assert "--checkpoint-every" in line
    assert every in line


def test_an_existing_checkpoint_is_not_begun_anew(folder, capsys):
    assert train(*KEPT, "--checkpoint", "net.npz") == 0
    before = (folder / "net.npz").read_bytes()
    capsys.readouterr()
    line = refused_late(capsys, *KEPT, "--checkpoint", "net.npz")
    assert "--resume net.npz" in line
    assert (folder / "net.npz").read_bytes() == before


def test_another_seed_has_another_test_set_and_is_not_resumed(folder, capsys):
    assert train(*KEPT, "--checkpoint", "net.npz") == 0
    capsys.readouterr()
    assert "other data" in refused_late(capsys, *KEPT, "--seed", "1", "--resume", "net.npz")


# A table of one's own


@pytest.fixture
def table(folder):
    lines = ["size,weight,kind", *(f"{i % 9},{i * i % 13},{'ab'[i % 9 > 4]}" for i in range(60))]
    (folder / "things.csv").write_text("\n".join(lines))
    return folder


def test_a_table_of_ones_own_is_learned_and_predicted(table, capsys):
    assert main(["train", "things.csv", "--target", "kind", "--epochs", "30", "--quiet"]) == 0
    lines = printed(capsys.readouterr().out)
    assert lines["loss"] == "bernoulli_nll"
    assert lines["columns"] == "kind (to predict): 2 classes: a, b; so the loss is bernoulli_nll"
    assert main(["predict", "runs/things/network.npz", "things.csv"]) == 0
    head, *rows = (table / "things-predicted.csv").read_text().splitlines()
    assert head == "size,weight,kind,predicted kind,P(a),P(b)"
    assert sum(row.split(",")[2] == row.split(",")[3] for row in rows) > 50
    again = ["predict", "runs/things/network.npz", "things.csv", "--header"]
    assert main([*again, "yes"]) == 0
    with pytest.raises(SystemExit):
        main([*again, "no"])
    assert "is without ['size', 'weight']" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("train things.csv", "--target COLUMN, one of: size, weight, kind"),
        ("train things.csv --target color", "has no column 'color'"),
        ("train things.csv --target kind --loss gaussian", "column 'kind' holds words ('a', 'b')"),
        ("train none.csv --target kind", "none.csv"),
        ("train iris --target kind", "--target is for files"),
        ("train thing", "unknown data set 'thing'"),
        ("train iris --only size", "--only is for files"),
        ("train things.csv --target kind --as size=colour", "must be COLUMN=number|truth|date"),
        ("train things.csv --target kind --without size weight", "no column beside the target"),
        ("train iris --batch-size 1 1", "each only once"),
        ("train iris --batch-size 1 16 --checkpoint run.npz", "for one --batch-size"),
        ("train moons --checkpoint runs/moons/network.npz", "would be written over"),
        ("predict none.npz things.csv", "none.npz"),
        ("predict net.npz things.csv", "not the names and scales of a table's columns"),
        ("predict things.csv things.csv", "is not a network file"),
        ("predict net.npz things.csv --out net.npz", "not the names and scales of a table's"),
    ],
)
def test_what_can_t_be_done_is_one_line_and_changes_nothing(table, arguments, complaint, capsys):
    nn.save(nn.MLP(2, [1]), table / "net.npz")
    before = {p: p.read_bytes() for p in table.rglob("*") if p.is_file()}
    with pytest.raises(SystemExit) as stop:
        main(arguments.split())
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert complaint in err and len(err.splitlines()) == 1
    assert {p: p.read_bytes() for p in table.rglob("*") if p.is_file()} == before


@pytest.fixture
def people(folder):
    """19 of 20 rows say no; words, gaps, dates and ids among the inputs."""
    lines = ["id,age,sex,since,left"]
    for i in range(200):
        age, since = "" if i % 9 == 0 else i % 60, f"{1 + i % 28}.{1 + i % 12}.{2000 + i % 5}"
        lines.append(f"{i},{age},{['female', 'male'][i % 2]},{since},{'no' if i % 20 else 'yes'}")
    (folder / "people.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.slow
def test_what_became_of_columns_is_said_and_in_the_report(people, capsys):
    assert main(["train", "people.csv", "--target", "left", "--epochs", "2", "--quiet"]) == 0
    out = capsys.readouterr().out
    said = [
        "left (to predict): 2 classes: no, yes; so the loss is bernoulli_nll",
        "id: left out: it numbers the rows",
        "sex: words, an input for each: female, male",
        "since: dates, day.month.year: year, month, day, weekday as numbers",
        "23 missing, filled by the median", "always 'no', the commonest class: accuracy 9",
        "balanced 50.00%", "ridge regression on 0 and 1: accuracy ",
    ]  # fmt: skip
    report = html.unescape((people / "runs/people/report.html").read_text())
    for text in said:
        assert text in out
    for text in [
        "an input for each: female, male",
        "always 'no', the commonest class",
        "right of t",
        "ridge regression on 0 and 1",
    ]:
        assert text in report
    more = ["--only", "age", "sex", "--as", "age=words", "--missing", "drop", "--out", "again"]
    assert main(["train", "people.csv", "--target", "left", "--epochs", "1", "--quiet", *more]) == 0
    out = capsys.readouterr().out
    assert "age: words" in out and "since:" not in out and "none of them" not in out
    assert "23 of 200 left out, since in them a cell is missing" in out


def test_predictions_are_printed_and_notes_kept_apart(people, capsys):
    assert main(["train", "people.csv", "--target", "left", "--epochs", "1", "--quiet"]) == 0
    (people / "more.csv").write_text("note,sex,since,age\n=1+1,other,1.2.2003,\n")
    capsys.readouterr()
    before = names(people)
    assert main(["predict", "runs/people/network.npz", "more.csv", "--out", "-"]) == 0
    out, err = capsys.readouterr()
    head, row = out.splitlines()
    assert head == "note,sex,since,age,predicted left,P(no),P(yes)"
    assert row.startswith("'=1+1,other,1.2.2003,,")
    assert "'other': not among the words of the training: taken as none of them" in err
    assert "column 'age': 1 missing, filled" in err
    assert names(people) == before


def test_a_name_is_one_line_and_predictions_are_in_utf_8(table, monkeypatch, capsys):
    text = (table / "things.csv").read_text().replace("size", '"größe\n(m)"')
    (table / "things.csv").write_text(text, encoding="utf-8")
    assert main(["train", "things.csv", "--target", "kind", "--epochs", "1", "--quiet"]) == 0
    assert "größe (m), weight: numbers\n" in capsys.readouterr().out
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    assert main(["predict", "runs/things/network.npz", "things.csv", "--out", "-"]) == 0
    assert output.buffer.getvalue().decode().startswith('"größe\n(m)",weight,kind,')
    main(["predict", "runs/things/network.npz", "things.csv", "--out", "once.csv"])
    output.seek(0)
    output.truncate()
    main(["predict", "runs/things/network.npz", "once.csv", "--out", "twice.csv"])
    output.flush()
    assert b"with 'predicted kind (2)'\n" in output.buffer.getvalue()


@pytest.mark.parametrize("out", ["runs/things/network.npz", "things.csv"])
def test_predictions_are_not_written_over_what_they_are_made_from(table, out, capsys):
    assert main(["train", "things.csv", "--target", "kind", "--epochs", "1", "--quiet"]) == 0
    capsys.readouterr()
    before = (table / out).read_bytes()
    with pytest.raises(SystemExit) as stop:
        main(["predict", "runs/things/network.npz", "things.csv", "--out", out])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert "would be written over" in err and len(err.splitlines()) == 1
    assert (table / out).read_bytes() == before


def test_a_loss_that_is_not_finite_at_the_end_is_said(table, capsys):
    lines = ["size,weight", *(f"{i % 9},{i * 1.5}" for i in range(60))]
    (table / "numbers.csv").write_text("\n".join(lines))
    options = "--target weight --lr 1e9 --epochs 2 --quiet"
    assert main(["train", "numbers.csv", *options.split()]) == 1
    assert "Try a smaller" in capsys.readouterr().err
