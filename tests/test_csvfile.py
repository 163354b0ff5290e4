"""CSV files block by block: the numbers are `float`'s to the bit, and what is said is the same."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nn.data import cells, csvfile
from nn.data.cells import parsed
from nn.data.csvfile import CsvFile
from tests.cases import examples, for_each


def numbers(file, names):
    """Columns as an array, ``(n, d)``."""
    columns = file.columns(names)[1]
    return np.column_stack([columns[name].numbers for name in names])


def texts_of(cells):
    """The texts of a column, row by row."""
    return [cells.texts[k] for k in cells.codes]


def check(path, texts):
    """Each cell of a file is read at once, and is `float`'s number to the bit."""
    rows = [f"{a},{b}" for a, b in zip(texts[::2], texts[1::2], strict=True)]
    path.write_text("\n".join(["a,b", *rows]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvfile, "numbers_or_gaps", lambda texts: pytest.fail(f"by cell: {texts}"))
        patch.setattr(csvfile, "_may_lose", lambda values: False)
        X = numbers(CsvFile(path), "ab").ravel()
    np.testing.assert_array_equal(
        X.view(np.int64), np.array(list(map(float, texts))).view(np.int64)
    )


@pytest.mark.parametrize("written", [repr, "{:.6f}".format, "{:.17g}".format, "{:.12e}".format])
@pytest.mark.parametrize("scale", [1e-200, 1e-2, 1.0, 1e5])
def test_random_numbers_are_the_same_bits(written, scale, tmp_path):
    x = np.random.default_rng(0).normal(scale=scale, size=2_000).tolist()
    check(tmp_path / "x.csv", list(map(written, x)))


def midpoints():
    """Decimals at, and next to, the middle of two neighbouring floats."""
    rng = np.random.default_rng(1)
    for k in range(23):
        for _ in range(20):
            w = int(rng.integers(2**53, 9 * 10**18))
            x = float(Fraction(w, 10**k))
            middle = (Fraction(x) + Fraction(math.nextafter(x, math.inf))) / 2 * 10**k
            for whole in (w, math.floor(middle), math.ceil(middle), math.floor(middle) + 2):
                digits = f"{whole:0{k + 1}d}"
                yield f"{digits[: len(digits) - k]}.{digits[len(digits) - k :]}"


def test_the_hardest_numbers_are_the_same_bits_too(tmp_path):
    check(tmp_path / "x.csv", list(midpoints()))


CELLS = st.one_of(
    st.floats().map(repr),
    st.decimals(allow_nan=False, places=4).map(str),
    st.text("0123456789.", min_size=1, max_size=26),
    st.text("0123.-", min_size=1, max_size=5),
    st.text("01.,;\t-+eE_ \"\r\n'x\0é\u2028\uff11", max_size=5),
    st.sampled_from(
        ["1", "-2.5", "1e5", "yes", " 3", "4 ", '"5"', "", "1e999", "1_000", "\r", "6"]
    ),
)
LINES = st.lists(
    st.tuples(
        st.one_of(st.lists(CELLS, min_size=3, max_size=3), st.lists(CELLS, max_size=4)),
        st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]),
    ),
    max_size=6,
)


def outcome(path, names, texts, careful, block):
    """Each column's numbers as bits, or its texts, and places; or what is said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvfile, "BLOCK", block)
        if careful:
            patch.setattr(csvfile, "Block", Never)
        try:
            file = CsvFile(path, header=True)
            places, columns = file.columns(file.header, file.header[:texts])
        except ValueError as error:
            return str(error)
    found = {
        name: texts_of(cells) if cells.numbers is None else cells.numbers.view(np.int64).tolist()
        for name, cells in columns.items()
    }
    return found, list(places), file.notes, list(file.rows())


class Never:
    """A block that does not fit: all is read cell by cell."""

    fits = False

    def __init__(self, *args):
        pass


@examples(100)
@given(LINES, st.sampled_from([",", ";", "\t"]), st.sampled_from([1, 12, 2**20]), st.booleans())
@example([(["1", "2", "x"], "\r\n"), (["3", '"4"', "y"], "\n")], ",", 1, True)
def test_a_file_read_at_once_is_the_file_read_cell_by_cell(
    tmp_path_factory, lines, delimiter, block, bom
):
    path = tmp_path_factory.getbasetemp() / "some.csv"
    rows = "".join(delimiter.join(cells) + end for cells, end in lines)
    text = delimiter.join("abk") + "\n" + rows
    path.write_bytes(b"\xef\xbb\xbf" * bom + text.encode())
    read_at_once, read_by_cell = (outcome(path, "abk", 1, careful, block) for careful in (0, 1))
    assert read_at_once == read_by_cell


@examples(100)
@given(st.lists(CELLS, max_size=6), st.sampled_from([1, 2**20]), st.booleans())
@example(["1", "", "2"], 2**20, True)
@example(["1", ""], 2**20, True)
def test_so_is_a_file_of_one_column(tmp_path_factory, cells, block, number):
    path = tmp_path_factory.getbasetemp() / "some.csv"
    path.write_bytes(("k\n" + "\n".join(cells)).encode())
    read_at_once, read_by_cell = (
        outcome(path, "k", 0 if number else 1, careful, block) for careful in (0, 1)
    )
    assert read_at_once == read_by_cell


@pytest.fixture
def kinds(monkeypatch):
    """As what NumPy has read numbers."""
    kinds, loadtxt = [], np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *args, **options: (
        kinds.append(options["dtype"]) or loadtxt(*args, **options)))  # fmt: skip
    return kinds


def test_short_numerals_are_read_as_whole_numbers(tmp_path, kinds):
    texts = ["12.375", "-0.5", "-0", "-0.000", "0", "5.", ".5", "-.25", "07", "0.1", "1", "-1",
             "9007199254740992", "0.30000000000000", "-12345.7890123", "-.5"]  # fmt: skip
    check(tmp_path / "x.csv", texts)
    assert kinds == [np.int64]
    for odd in ("9007199254740993", "0.1000000000000000", "1e5", "+1", " 1"):
        kinds.clear()
        check(tmp_path / "x.csv", ["1", odd])
        assert kinds[-1] is float


def test_so_they_are_beside_words(tmp_path, kinds):
    path = tmp_path / "x.csv"
    path.write_text("a,k,b\n-1.5,x-1.2.3,2\n0.1,größe,-0\n", encoding="utf-8")
    _, columns = CsvFile(path).columns("bak", "k")
    assert columns["b"].numbers.tolist() == [2.0, 0.0]
    assert columns["a"].numbers.tolist() == [-1.5, 0.1]
    assert math.copysign(1, columns["b"].numbers[1]) == -1
    assert texts_of(columns["k"]) == ["x-1.2.3", "größe"]
    assert kinds == [np.int64]


@for_each("odd", [".-5", "x1", "--1", "1.2.3", "..", "-.", "1.-", "- 1", "1_0", "inf", "1e400"])
def test_what_only_looks_like_a_numeral_is_none(odd, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"a,b,k\n1,2,x\n3,{odd},y\n")
    _, columns = CsvFile(path).columns("abk")
    assert texts_of(columns["b"]) == ["2", odd]
    assert columns["a"].numbers.tolist() == [1.0, 3.0]


@for_each(
    "gap", ["", "  ", '""', "NA", "n/a", "?", "-", "NaN", "null", "#N/A", "-nan", ".", "--", "<NA>"]
)
def test_what_is_missing_is_no_number_and_no_text(gap, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"a,b,k\n1,2,x\n3,{gap},y\n5,6,{gap}\n")
    _, columns = CsvFile(path).columns("abk")
    np.testing.assert_array_equal(columns["b"].numbers, [2.0, math.nan, 6.0])
    assert columns["b"].missing.tolist() == [False, True, False]
    assert columns["k"].missing.tolist() == [False, False, True]


@pytest.mark.parametrize("block", [1, 12, 2**20])
def test_words_below_numbers_make_a_column_of_texts(tmp_path, monkeypatch, block):
    monkeypatch.setattr(csvfile, "BLOCK", block)
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(9)) + "9,oops\n10,10\n")
    _, columns = CsvFile(path).columns("ab")
    assert columns["a"].numbers.tolist() == [*range(11)]
    assert texts_of(columns["b"]) == [*map(str, range(9)), "oops", "10"]


def test_whole_numbers_that_are_no_floats_stay_apart(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n9007199254740992,1e300\n9007199254740993,1\n9007199254740992,2\n")
    _, columns = CsvFile(path).columns("ab")
    assert not columns["a"].are_numbers
    assert columns["a"].texts == ("9007199254740992", "9007199254740993")
    assert columns["b"].as_numbers.values.tolist() == [1e300, 1.0, 2.0]


@examples(100)
@given(st.binary(max_size=30), st.sampled_from([1, 2**20]))
def test_so_are_bytes_that_may_be_no_text(tmp_path_factory, junk, block):
    path = tmp_path_factory.getbasetemp() / "some.csv"
    path.write_bytes(b"a,b,k\n1,2,x\n" + junk + b"\n3,4,y\n")
    assert outcome(path, "abk", 1, False, block) == outcome(path, "abk", 1, True, block)


def test_plain_files_are_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(csvfile, "numbers_or_gaps", lambda texts: pytest.fail("cell by cell"))
    monkeypatch.setattr(csvfile, "_Records", lambda rows: pytest.fail("cell by cell"))
    for end in ("\n", "\r\n"):
        for cut in (",", ";", ", "):
            path = tmp_path / "some.csv"
            rows = [
                cut.join([f"{i}.5", f"{-i:6}", "größe" if i % 2 else "1-2.3"]) for i in range(99)
            ]
            path.write_bytes(end.join([cut.join("abk"), *rows]).encode())
            file = CsvFile(path)
            places, columns = file.columns("k", "k")
            assert numbers(file, "ab").tolist() == [[i + 0.5, -i] for i in range(99)]
            assert texts_of(columns["k"]) == ["größe" if i % 2 else "1-2.3" for i in range(99)]
            assert list(places) == list(range(2, 101))


@pytest.mark.parametrize("text", ["1_0", "nan", "-inf", "1e400", "", "x"])
def test_finite_is_parsed_of_each(text):
    assert cells.finite(["1", text]) is parsed(text) is None
    assert cells.finite(["1", " 2e3 "]).tolist() == [1, 2000]
