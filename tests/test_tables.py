"""CSV files: what `load_csv` reads, infers and refuses, tables in files, and `predict_csv`."""

import codecs
import csv
import json
import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from nn import (
    MLP,
    Table,
    bernoulli_nll,
    categorical_nll,
    datasets,
    gaussian_nll,
    load,
    load_csv,
    load_table,
    save,
)
from nn.data import csvfile
from nn.data.datasets import standard
from nn.data.predictions import predict_csv
from tests.cases import for_each


def write(path, header, rows, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def column(tmp_path, answers, **options):
    """What `load_csv` makes of a target column, beside an input 0, 1, ..."""
    rows = [[i, answer] for i, answer in enumerate(answers)]
    return load_csv(write(tmp_path / "some.csv", ["x", "answer"], rows), "answer", **options)


def text_file(tmp_path, text):
    path = tmp_path / "some.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def original(data):
    """The rows of a data set as they were, training part first."""
    X = np.vstack([data.X_train, data.X_test]) * data.x_scale + data.x_mean
    return np.column_stack([X, np.concatenate([data.y_train, data.y_test])])


def lines(n, line="{0},{1},{2}"):
    """Rows of two inputs and one of two classes."""
    return [line.format(i, i * i, "no" if i % 3 else "yes") for i in range(n)]


# Real data, there and back

# Slow: scikit-learn's import alone takes a second.
REAL = [
    pytest.param(name, marks=pytest.mark.slow)
    for name in ("iris", "diabetes", "breast_cancer", "digits")
]


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("name", REAL)
def test_a_csv_file_of_real_data_gives_the_data_set_that_load_gives(tmp_path, name, seed):
    from sklearn import datasets as bundled  # takes a second

    bunch = getattr(bundled, f"load_{name}")()
    known = datasets.load(name, seed=seed, test_size=0.3)
    answers = [known.classes[k] for k in bunch.target] if known.classes else bunch.target.tolist()
    rows = [[*row, answer] for row, answer in zip(bunch.data.tolist(), answers, strict=True)]
    path = write(tmp_path / f"{name}.csv", [*bunch.feature_names, known.target], rows)
    data = load_csv(path, known.target, seed=seed, test_size=0.3)
    assert (data.name, data.features, data.target) == (name, known.features, known.target)
    assert data.classes == tuple(sorted(known.classes))
    assert (data.loss, data.outputs) == (known.loss, known.outputs)
    for part in ("X_train", "X_test", "x_mean", "x_scale", "y_mean", "y_scale"):
        np.testing.assert_array_equal(getattr(data, part), getattr(known, part))
    for part in ("y_train", "y_test"):
        ours, theirs = getattr(data, part).tolist(), getattr(known, part).tolist()
        if known.classes:  # sorted here, in scikit-learn's order there
            ours, theirs = [data.classes[k] for k in ours], [known.classes[k] for k in theirs]
        assert ours == theirs


def test_the_target_may_be_any_column(tmp_path):
    rows = [[k, i, -i * i] for i, k in enumerate("abcab" * 4)]
    last = load_csv(write(tmp_path / "1.csv", ["x", "y", "k"], [[*r[1:], r[0]] for r in rows]), "k")
    first = load_csv(write(tmp_path / "2.csv", ["k", "x", "y"], rows), "k")
    assert first.features == last.features == ("x", "y")
    np.testing.assert_array_equal(first.X_train, last.X_train)
    np.testing.assert_array_equal(first.y_test, last.y_test)


# Which loss


@for_each(
    "answers, loss, classes",
    [
        (["no", "yes"], bernoulli_nll, ("no", "yes")),
        (["yes", "no", "maybe"], categorical_nll, ("maybe", "no", "yes")),
        ([f"w{i:02d}" for i in range(12)], categorical_nll, tuple(f"w{i:02d}" for i in range(12))),
        ([1, 0], bernoulli_nll, ("0", "1")),
        ([7, -2], bernoulli_nll, ("-2", "7")),
        (["2.0", "1.0"], bernoulli_nll, ("1.0", "2.0")),
        ([10, 9, 1], categorical_nll, ("1", "9", "10")),  # by their size, not as words
        (list(range(10)), categorical_nll, tuple("0123456789")),
        (["(2)", "(0)", "(1)"], categorical_nll, ("(0)", "(1)", "(2)")),
        (["1", "2", "none"], categorical_nll, ("1", "2", "none")),
        (list(range(11)), gaussian_nll, ()),
        ([0.5, 1.5], gaussian_nll, ()),
        ([1, 2, 2.5], gaussian_nll, ()),
    ],
)
def test_what_the_target_holds_says_which_loss_fits(tmp_path, answers, loss, classes):
    data = column(tmp_path, answers * 4)
    assert (data.loss, data.classes) == (loss, classes)
    assert data.outputs == (len(classes) if loss is categorical_nll else 1)
    found = np.concatenate([data.y_train, data.y_test]) * data.y_scale + data.y_mean
    expected = [classes.index(str(a)) if classes else a for a in answers] * 4
    x = np.concatenate([data.X_train, data.X_test])[:, 0] * data.x_scale[0] + data.x_mean[0]
    np.testing.assert_allclose(found[np.argsort(x)], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("answers", "loss", "classes", "outputs"),
    [
        ([0, 1, 2], gaussian_nll, (), 1),
        ([0, 1], categorical_nll, ("0", "1"), 2),
        (["no", "yes"], categorical_nll, ("no", "yes"), 2),
        ([0.5, 1.5], bernoulli_nll, ("0.5", "1.5"), 1),
        (list(range(12)), categorical_nll, tuple(map(str, range(12))), 12),
    ],
)
def test_a_loss_of_ones_own_overrules(tmp_path, answers, loss, classes, outputs):
    data = column(tmp_path, answers * 4, loss=loss)
    assert (data.loss, data.classes, data.outputs) == (loss, classes, outputs)
    if not classes:
        assert data.y_train.mean() == pytest.approx(0, abs=1e-12)
        assert data.y_train.std() == pytest.approx(1)


def test_a_number_written_in_two_ways_is_one_class(tmp_path):
    data = column(tmp_path, ["0", "1", "1.0"] * 4)
    assert (len(data.classes), data.loss) == (2, bernoulli_nll)


# How the file is written


@for_each("delimiter", [",", ";", "\t"])
@for_each("end", ["\n", "\r\n"])
@for_each("bom", [b"", codecs.BOM_UTF8])
def test_delimiter_line_end_and_byte_order_mark_do_not_matter(tmp_path, delimiter, end, bom):
    text = end.join(delimiter.join(line.split(",")) for line in ["größe,b,k", *lines(12)])
    data = load_csv(text_file(tmp_path, bom + text.encode()), "k")
    assert (data.features, data.classes) == (("größe", "b"), ("no", "yes"))
    rows = sorted(original(data).round(9).tolist())
    assert rows == [[i, i * i, i % 3 == 0] for i in range(12)]


def test_quoted_cells_may_hold_delimiters_newlines_and_quotes(tmp_path):
    words = ['two\nlines, and "more"', "one, line"]
    rows = [[i, words[i % 2]] for i in range(10)]
    data = load_csv(write(tmp_path / "some.csv", ["width, in m", "answer"], rows), "answer")
    assert (data.features, data.classes) == (("width, in m",), tuple(sorted(words)))


def test_spaces_around_cells_do_not_matter(tmp_path):
    text = "\n".join([" a ,b , k", *lines(12, " {0}, {1} , {2} ")])
    data = load_csv(text_file(tmp_path, text), "k")
    assert (data.features, data.classes) == (("a", "b"), ("no", "yes"))


@pytest.mark.parametrize("name", ["width, height, depth", "two\nlines"])
def test_a_quoted_name_does_not_hide_the_delimiter(tmp_path, name):
    rows = "\n".join(f"{i};{i % 2}" for i in range(9))
    path = text_file(tmp_path, f'"{name}";k\n{rows}\n')
    assert load_csv(path, "k").features == (name,)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_blank_lines_are_skipped(tmp_path, delimiter):
    rows = [delimiter.join(line.split(",")) for line in lines(12)]
    plain = load_csv(text_file(tmp_path, "\n".join([delimiter.join("abk"), *rows])), "k")
    spaced = "\n".join([delimiter.join("abk"), "", *rows[:5], "", "", *rows[5:], "", ""])
    data = load_csv(text_file(tmp_path, spaced), "k")
    np.testing.assert_array_equal(data.X_train, plain.X_train)
    np.testing.assert_array_equal(data.y_train, plain.y_train)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_blank_lines_may_come_first(tmp_path, delimiter):
    text = "\n\n" + "\n".join(["a,b,k", *lines(12)]).replace(",", delimiter)
    assert load_csv(text_file(tmp_path, text), "k").features == ("a", "b")


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path):
    """A blank line is a row, a cell of three lines is in one row, and the header is row 1."""
    text = 'a,k\n1,"x\ny\nz"\n\n2,w\n3\n'
    with pytest.raises(ValueError, match=r"some\.csv, row 5: .* column 'k' is missing"):
        load_csv(text_file(tmp_path, text), "k")


# What is refused


@pytest.mark.parametrize("cell", ["many", "inf"])
def test_a_target_of_regression_that_is_no_finite_number_is_refused(tmp_path, cell):
    with pytest.raises(ValueError, match=rf"some\.csv, row 4, column 'answer': '{cell}'"):
        column(tmp_path, [0.5, 1.5, cell, 2.5, 3.5], loss=gaussian_nll)


def test_so_is_a_word_among_many_numbers(tmp_path):
    with pytest.raises(ValueError, match=r"row 22, column 'answer': 'oops' is not a finite number"):
        column(tmp_path, [*range(20), "oops"])


def test_words_among_numbers_that_would_be_too_many_classes_are_named(tmp_path):
    answers = [i / 3 if i % 6 != 5 else "error" for i in range(60)]
    with pytest.raises(
        ValueError, match=r"row 7, column 'answer': 'error' is not.*as most cells.*empty.*: 10$"
    ):
        column(tmp_path, answers)


def test_numbers_of_more_digits_than_floats_have_are_no_words(tmp_path):
    text = "a,k\n" + "\n".join(f"{i * 7 % 5},{10**18 + 10**15 * i + 1}" for i in range(12))
    with pytest.raises(ValueError, match=r"as 1000000000000000001: .* say --loss gaussian"):
        load_csv(text_file(tmp_path, text), "k")
    assert load_csv(text_file(tmp_path, text), "k", loss=gaussian_nll).classes == ()


def test_a_file_that_is_not_there_is_an_os_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        load_csv(tmp_path / "absent.csv", "k")


@for_each(
    "text, complaint",
    [
        ("a,b,c\n1,2,3\n4,5,6\n", r"no column 'k'.*a, b, c"),
        ("k\n1\n2\n", "no column beside the target 'k'"),
        ("", "header and at least one row"),
        ("\n\n", "header and at least one row"),
        ("a,k\n", "header and at least one row"),
        ("a,k\n1,2\n3\n", "row 3: it has 1 cells, the header 2, so that column 'k' is missing"),
        ("a,k\n1,2\n\n3,4,5\n", "row 4: it has 3 cells, the header 2, so that '5' stands in no"),
        ('a,k\n1,"2\n', "no CSV file"),
        ("a,k\n1,no\n2,no\n", "column 'k': all 2 rows say 'no'"),
        ("a,k\n1,3\n2,3\n3,3\n", "column 'k': all 3 rows say '3'"),
        ("a,k\n1,x\n2,y\n3,z\n4,x\n", "column 'k' has 3 different words in 4 rows"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_by_name(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=rf"(?s)some\.csv.*{complaint}"):
        load_csv(text_file(tmp_path, text), "k")


@pytest.mark.parametrize("loss", [None, gaussian_nll])
def test_a_constant_target_written_in_two_ways_is_refused(tmp_path, loss):
    with pytest.raises(ValueError, match=r"some\.csv, column 'answer'"):
        column(tmp_path, ["5", "5.0"] * 5, loss=loss)


def test_two_classes_are_what_bernoulli_nll_takes(tmp_path):
    with pytest.raises(ValueError, match=r"some\.csv, column 'answer' has 3 classes.*bernoulli"):
        column(tmp_path, ["a", "b", "c"] * 4, loss=bernoulli_nll)


def test_a_foreign_loss_is_refused(tmp_path):
    with pytest.raises(ValueError, match="loss must be gaussian_nll, bernoulli_nll"):
        column(tmp_path, [0, 1] * 4, loss=lambda a, y: a - y)


@pytest.mark.parametrize("test_size", [0, 1, 0.01])
def test_a_test_size_that_leaves_a_part_empty_is_refused(tmp_path, test_size):
    with pytest.raises(ValueError, match="test_size"):
        column(tmp_path, [0, 1] * 4, test_size=test_size)


def test_a_column_that_is_constant_on_the_training_part_is_not_scaled(tmp_path):
    # The mean of many 0.1 is not quite 0.1, and their deviation not quite 0.
    rows = [[i, 0.1, i % 2] for i in range(100)]
    rows[-1][1] = 0.7
    path = write(tmp_path / "some.csv", ["a", "b", "k"], rows)
    seed = next(s for s in range(99) if np.random.default_rng(s).permutation(100)[:20].max() == 99)
    data = load_csv(path, "k", seed=seed)
    assert data.x_scale[1] == 1
    np.testing.assert_allclose(data.X_train[:, 1], 0, atol=1e-12)
    assert data.X_test[:, 1].max() == pytest.approx(0.6)


# Large files, and odd ones


def test_rounding_of_huge_numbers_is_no_huge_input():
    X = np.column_stack([np.full(60, 2.0**60 + 256 * 7), 2.0**60 + 256 * (np.arange(60) % 16)])
    mean, scale = standard(X)
    assert abs((X - mean) / scale).max() <= 1
    assert scale[0] == 1 and (X[:, 0] == mean[0]).all()


@pytest.mark.parametrize("block", [1, 2, 3, 7, 8192])
def test_lines_are_read_in_blocks_of_any_length(tmp_path, monkeypatch, block):
    monkeypatch.setattr(csvfile, "BLOCK", block)
    text = (
        'a,b,k\r\n1,2,x\r\n\r\n 3 ,4e0,"x"\r\n5,6,"y\r\n\r\nz, ""w"""\r\n'
        "\uff17,8, x \r\n\r\n\r\n9,10,y\r\n-11,1.25,y\r\n"
    )
    file = csvfile.CsvFile(text_file(tmp_path, text))
    places, columns = file.columns(["b", "a", "k"], ["k"])
    assert columns["a"].numbers.tolist() == [1, 3, 5, 7, 9, -11]
    assert columns["b"].numbers.tolist() == [2, 4, 6, 8, 10, 1.25]
    k = columns["k"]
    assert [k.texts[i] for i in k.codes] == ["x", "x", 'y\r\n\r\nz, "w"', "x", "y", "y"]
    assert list(places) == [2, 4, 5, 6, 9, 10]
    rows = list(csv.reader(text.splitlines(keepends=True)))
    assert list(file.rows()) == [(i, row) for i, row in enumerate(rows, 1) if row and i > 1]


@pytest.mark.parametrize("block", [1, 2**20])
@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,2", "row 6: it has 2 cells, the header 3"),
        ("1,2,3,4", "row 6: it has 4 cells, the header 3"),
        ("  ", "row 6: it has 1 cells, the header 3"),
        ('1,2,"x', "no CSV file: row 6"),
    ],
)
def test_the_first_wrong_row_is_named_in_any_block(tmp_path, monkeypatch, block, line, complaint):
    monkeypatch.setattr(csvfile, "BLOCK", block)
    text = "\n".join(["a,b,k", *lines(4), line, *lines(9)])
    with pytest.raises(ValueError, match=rf"some\.csv.*{complaint}"):
        load_csv(text_file(tmp_path, text), "k")


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_long_header_is_read(tmp_path, delimiter):
    names = [f"a_long_name_of_column_{i}" for i in range(6000)]
    assert len(delimiter.join(names)) > csv.field_size_limit()
    rows = [[*range(6000)], [*range(1, 6001)]]
    file = csvfile.CsvFile(write(tmp_path / "wide.csv", names, rows, delimiter))
    assert file.header == names
    _, columns = file.columns(names[1:])
    assert [columns[name].numbers.tolist() for name in names[1:]] == list(
        map(list, zip(*[row[1:] for row in rows], strict=True))
    )


def test_a_cell_that_is_too_long_is_refused_in_right_words(tmp_path):
    long = "x" * 140_000
    for text, place in ((f"{long},k\n1,2\n", 1), (f"a,k\n1,2\n1,{long}\n1,2\n", 3)):
        with pytest.raises(ValueError, match=rf"row {place}.*more than 131,072 characters.*quote"):
            list(csvfile.CsvFile(text_file(tmp_path, text)).rows())


@pytest.mark.parametrize("before", ["", "a,k\n1,2\n"])
def test_a_line_that_is_too_long_is_refused_in_right_words(tmp_path, before, monkeypatch):
    assert csvfile.LONGEST == 10_000_000
    monkeypatch.setattr(csvfile, "LONGEST", 100_000)  # as long ones take a second
    path = text_file(tmp_path, before + "1," * 60_000)
    with pytest.raises(ValueError, match="a line of more than 100,000 characters"):
        load_csv(path, "k")


@pytest.mark.slow
@pytest.mark.parametrize("answers", [list("abc"), [0.5, 1.5, 2.5]])
def test_a_table_takes_a_small_multiple_of_its_numbers(tmp_path, monkeypatch, answers):
    monkeypatch.setattr(csvfile, "BLOCK", 2**16)
    monkeypatch.setattr(datasets, "BLOCK", 1024)
    rng = np.random.default_rng(0)
    rows = [[*row, answers[i % 3]] for i, row in enumerate(rng.normal(size=(20_000, 20)).round(5))]
    path = write(tmp_path / "some.csv", [*map(str, range(20)), "k"], rows)
    tracemalloc.start()
    try:
        data = load_csv(path, "k")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    block = 30 * csvfile.BLOCK  # of bytes, and of what is known of their cells
    assert peak < 3 * (data.X_train.nbytes + data.X_test.nbytes) + block


# Tables in files


def table_of(loss, classes=("b", "a"), d0=2):
    """A table of d0 inputs with scales of its own."""
    names = {gaussian_nll: "gaussian", bernoulli_nll: "bernoulli", categorical_nll: "categorical"}
    scaled = {"y_mean": 3.0, "y_scale": 0.5} if loss is gaussian_nll else {}
    return Table(
        tuple(f"x{i}" for i in range(d0)), "k", () if scaled else tuple(classes),
        tuple(0.5 * i for i in range(d0)), tuple(2.0 + i for i in range(d0)),
        **{"y_mean": 0.0, "y_scale": 1.0, **scaled}, loss=names[loss],
    )  # fmt: skip


def net_for(table, seed=0):
    rng = np.random.default_rng(seed)
    return MLP(len(table.features), [3, table.outputs], "tanh", rng=rng)


@pytest.mark.parametrize("name", ["moons", *REAL])
def test_a_network_keeps_its_table_in_a_file(tmp_path, name):
    data = datasets.load(name)
    table = Table.of(data)
    assert (table.features, table.target, table.classes) == (
        data.features, data.target, data.classes,
    )  # fmt: skip
    net = net_for(table)
    save(net, tmp_path / "net.npz", table=table)
    same, read_back = load_table(tmp_path / "net.npz")
    assert read_back == table
    assert table.x_mean == tuple(data.x_mean.tolist())
    assert (table.y_scale, table.outputs) == (data.y_scale, data.outputs)
    np.testing.assert_array_equal(same.predict(data.X_test), net.predict(data.X_test))
    np.testing.assert_array_equal(
        load(tmp_path / "net.npz").predict(data.X_test), net.predict(data.X_test)
    )


def test_a_file_without_a_table_is_refused(tmp_path):
    save(MLP(2, [1]), tmp_path / "net.npz")
    with pytest.raises(ValueError, match=r"net\.npz.*not the names and scales"):
        load_table(tmp_path / "net.npz")
    with pytest.raises(FileNotFoundError):
        load_table(tmp_path / "absent.npz")


def edited(tmp_path, table, change):
    """A network's file with another text about its table."""
    path = tmp_path / "net.npz"
    save(net_for(table), path, table=table)
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(arrays["about"].item())
    about["table"] = change(about["table"])
    np.savez(path, **{**arrays, "about": np.array(json.dumps(about))})
    return path


def test_an_edit_that_damages_nothing_is_read(tmp_path):
    path = edited(tmp_path, table_of(bernoulli_nll), lambda table: {**table, "y_mean": 0})
    assert load_table(path)[1] == table_of(bernoulli_nll)


@for_each(
    "changes",
    [
        {"features": ["x0"]},
        {"features": ["x0", "x1", "x2"]},
        {"features": ["x0", 1]},
        {"features": None},
        {"features": ["x0", "x1", "x2"], "x_mean": [0, 0, 0], "x_scale": [1, 1, 1]},
        {"target": None},
        {"target": 3},
        {"classes": ["a", "b", None]},
        {"classes": ["a", "b"]},
        {"classes": ["a", "b", "c", "d"]},
        {"classes": 3},
        {"x_mean": [0.0]},
        {"x_mean": [0.0, "1"]},
        {"x_mean": [0.0, math.nan]},
        {"x_mean": 0.0},
        {"x_scale": [1.0, 0.0]},
        {"x_scale": [1.0, math.inf]},
        {"x_scale": [1.0, None]},
        {"y_mean": "0"},
        {"y_mean": None},
        {"y_mean": -math.inf},
        {"y_scale": 0},
        {"loss": "hinge"},
        {"loss": None},
        {"loss": ["categorical"]},
        {"loss": "gaussian"},
        {"loss": "bernoulli"},
        {"more": 1},
    ],
    ids=repr,
)
def test_a_damaged_table_is_refused(tmp_path, changes):
    table = table_of(categorical_nll, "abc")
    path = edited(tmp_path, table, lambda about: {**about, **changes})
    with pytest.raises(ValueError, match=r"net\.npz.* is damaged"):
        load_table(path)


@pytest.mark.parametrize("name", table_of(bernoulli_nll).to_json())
def test_a_table_without_one_of_its_parts_is_refused(tmp_path, name):
    path = edited(
        tmp_path, table_of(bernoulli_nll), lambda t: {k: v for k, v in t.items() if k != name}
    )
    with pytest.raises(ValueError, match=r"net\.npz.* is damaged"):
        load_table(path)


@pytest.mark.parametrize("about", [None, [], 3, "table"], ids=repr)
def test_what_is_no_table_at_all_is_refused(tmp_path, about):
    with pytest.raises(ValueError, match=r"net\.npz.* is damaged"):
        load_table(edited(tmp_path, table_of(bernoulli_nll), lambda _: about))


def test_a_scale_too_large_for_a_float_is_refused(tmp_path):
    path = edited(tmp_path, table_of(gaussian_nll), lambda table: {**table, "y_scale": 10**400})
    with pytest.raises(ValueError, match=r"net\.npz.* is damaged"):
        load_table(path)


@pytest.mark.parametrize("loss", ["hinge", "Gaussian", ""])
def test_a_table_for_an_unknown_loss_is_refused(tmp_path, loss):
    path = edited(tmp_path, table_of(gaussian_nll), lambda table: {**table, "loss": loss})
    with pytest.raises(ValueError, match=r"net\.npz.* is damaged"):
        load_table(path)


@pytest.mark.parametrize("classes", [[], ["a"], ["a", "b", "c"]], ids=repr)
def test_a_table_for_bernoulli_nll_without_two_classes_is_refused(tmp_path, classes):
    path = edited(tmp_path, table_of(bernoulli_nll), lambda table: {**table, "classes": classes})
    with pytest.raises(ValueError, match=r"net\.npz.* is damaged"):
        load_table(path)


# predict_csv


CASES = [
    (gaussian_nll, ()),
    (bernoulli_nll, ("no", "yes")),
    (categorical_nll, ("a", "b", "c")),
]


def inputs(n=40, d0=2, seed=3):
    return np.random.default_rng(seed).normal(size=(n, d0)).round(3)


@pytest.mark.parametrize(("loss", "classes"), CASES)
@pytest.mark.parametrize("n", [1, 40])
def test_predictions_are_those_of_the_network_on_standardised_rows(tmp_path, loss, classes, n):
    table, X = table_of(loss, classes), inputs(n)
    net, path = net_for(table), write(tmp_path / "in.csv", ["x0", "x1"], X.tolist())
    assert predict_csv(net, table, path, tmp_path / "out.csv").n == n
    header, *rows = read(tmp_path / "out.csv")
    a = net.predict((X - [0.0, 0.5]) / [2.0, 3.0])
    assert header == ["x0", "x1", "predicted k", *[f"P({c})" for c in classes]]
    np.testing.assert_array_equal([[float(v) for v in row[:2]] for row in rows], X)
    answers = [row[2] for row in rows]
    if loss is gaussian_nll:
        np.testing.assert_allclose([float(v) for v in answers], 0.5 * a + 3, rtol=1e-12)
        return
    P = np.array([[float(v) for v in row[3:]] for row in rows])
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=3e-6)
    if loss is bernoulli_nll:
        expected = np.column_stack([1 / (1 + np.exp(a)), 1 / (1 + np.exp(-a))])
    else:
        expected = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(P, expected, rtol=2e-6)
    assert answers == [classes[k] for k in expected.argmax(axis=1)]
    if n > 1:
        assert set(answers) > {classes[0]}  # not all the same


@pytest.mark.slow
def test_a_network_predicts_the_table_it_was_loaded_with(tmp_path):
    data = datasets.load("iris", seed=1)
    net, table = net_for(Table.of(data)), Table.of(data)
    rows = data.X_test * data.x_scale + data.x_mean
    path = write(tmp_path / "iris.csv", data.features, rows.tolist())
    save(net, tmp_path / "net.npz", table=table)
    predict_csv(*load_table(tmp_path / "net.npz"), path, tmp_path / "out.csv")
    predicted = [row[len(data.features)] for row in read(tmp_path / "out.csv")[1:]]
    assert predicted == [data.classes[k] for k in net.predict(data.X_test).argmax(axis=1)]


def test_columns_may_stand_in_another_order_and_the_target_among_them(tmp_path):
    table = table_of(bernoulli_nll)
    net, X = net_for(table), inputs(5)
    plain = write(tmp_path / "in.csv", ["x0", "x1"], X.tolist())
    predict_csv(net, table, plain, tmp_path / "plain.csv")
    answers = ["b", "", "unknown", "a", "3"]  # whatever: it is not read
    rows = [[x1, k, x0] for (x0, x1), k in zip(X.tolist(), answers, strict=True)]
    other = write(tmp_path / "other.csv", ["x1", "k", "x0"], rows, delimiter=";")
    predict_csv(net, table, other, tmp_path / "out.csv")
    header, *rows = read(tmp_path / "out.csv")
    assert header == ["x1", "k", "x0", "predicted k", "P(b)", "P(a)"]
    assert [row[1] for row in rows] == answers
    assert [row[3:] for row in rows] == [row[2:] for row in read(tmp_path / "plain.csv")[1:]]


@pytest.mark.parametrize(
    ("header", "cell", "complaint"),
    [
        (["x0", "k"], 1, r"in\.csv is without \['x1'\].* This one has x0, k"),
        (["x0", "X1"], 1, r"in\.csv is without \['x1'\]"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_nothing_is_written(
    tmp_path, header, cell, complaint
):
    table = table_of(bernoulli_nll)
    path = write(tmp_path / "in.csv", header, [[1] * len(header), [cell] * len(header)])
    out = tmp_path / "out.csv"
    out.write_text("as it was")
    with pytest.raises(ValueError, match=complaint):
        predict_csv(net_for(table), table, path, out)
    assert out.read_text() == "as it was"
    with pytest.raises(ValueError, match=complaint):
        predict_csv(net_for(table), table, path, tmp_path / "new.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    table = table_of(bernoulli_nll)
    path = write(tmp_path / "in.csv", ["x0", "x1"], [[1, 2]])
    with pytest.raises(FileNotFoundError):
        predict_csv(net_for(table), table, path, tmp_path / "absent" / "out.csv")
    with pytest.raises(FileNotFoundError):
        predict_csv(net_for(table), table, tmp_path / "absent.csv", tmp_path / "out.csv")


def test_names_of_classes_may_hold_commas_quotes_and_newlines(tmp_path):
    names = ("one, two", 'a "b"', "x\ny")
    table = replace(table_of(categorical_nll, names), target="which, then?")
    X = inputs(60)
    path = write(tmp_path / "in.csv", ["x0", "x1"], X.tolist())
    predict_csv(net_for(table), table, path, tmp_path / "out.csv")
    header, *rows = read(tmp_path / "out.csv")
    assert header[2:] == ["predicted which, then?", *[f"P({name})" for name in names]]
    assert {len(row) for row in rows} == {6}
    assert {row[2] for row in rows} == set(names)


@pytest.mark.parametrize(("loss", "classes"), CASES[1:])
def test_extreme_outputs_are_sure_predictions(tmp_path, loss, classes):
    # Warnings are errors here: an overflow would be one.
    table = replace(table_of(loss, classes), x_mean=(0.0, 0.0), x_scale=(1.0, 1.0))
    net = MLP(2, [table.outputs], rng=np.random.default_rng(0))
    for j, neuron in enumerate(net.layers[0].neurons):
        neuron.w[0].data, neuron.w[1].data = float(1 - j), 0.0
    X = [[1e300, 0], [-1e300, 0], [800, 0], [-800, 0]]
    predict_csv(net, table, write(tmp_path / "in.csv", ["x0", "x1"], X), tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")[1:]
    last, first = (classes[1], classes[0]) if loss is bernoulli_nll else (classes[0], classes[2])
    assert [row[2] for row in rows] == [last, first, last, first]
    for row in rows:
        P = dict(zip(classes, map(float, row[3:]), strict=True))
        assert P[row[2]] == 1 and sum(P.values()) == 1


def test_a_table_of_another_loss_is_refused():
    data = replace(datasets.load("moons"), loss=lambda a, y: a)
    with pytest.raises(ValueError, match="loss must be gaussian_nll, bernoulli_nll or"):
        Table.of(data)
