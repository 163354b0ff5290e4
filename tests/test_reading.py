"""Files as people have them: packing, letters, what stands between cells, headers, bad files."""

import gzip
import io
import sys
import types
import zipfile
from datetime import time, timedelta

import numpy as np
import pytest

from nn import gaussian_nll, load_csv, table_data
from nn.data import csvfile
from nn.data import text as texts
from nn.data.csvfile import CsvFile
from nn.train.baselines import baselines
from tests.cases import for_each

PLAIN = "größe,b,k\n1,2,no\n3,4.5,yes\n-5,6,no\n"
CELLS = {"größe": [1, 3, -5], "b": [2, 4.5, 6]}


def saved(tmp_path, data, name="some.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def check_plain(file):
    """A file that says what PLAIN says."""
    assert file.header == ["größe", "b", "k"]
    _, columns = file.columns(file.header)
    assert {n: columns[n].as_numbers.values.tolist() for n in CELLS} == CELLS
    assert [columns["k"].texts[i] for i in columns["k"].codes] == ["no", "yes", "no"]


# Letters and packing


@for_each(
    "data, note",
    [
        (PLAIN.encode("utf-8-sig"), ""),
        (PLAIN.encode("utf-16"), "UTF-16"),
        (PLAIN.encode("utf-16-le"), "UTF-16-LE"),
        (b"\xfe\xff" + PLAIN.encode("utf-16-be"), "UTF-16"),
        (PLAIN.encode("latin-1"), "Latin-1"),
        (gzip.compress(PLAIN.encode()), ""),
        (gzip.compress(PLAIN.encode("latin-1")), "Latin-1"),
        (PLAIN.replace("\n", "\r").encode(), ""),  # of old Macs
    ],
)
def test_letters_and_packing_do_not_matter(tmp_path, data, note):
    file = CsvFile(saved(tmp_path, data))
    check_plain(file)
    assert note in " ".join(file.notes) and bool(file.notes) == bool(note)


def test_letters_of_windows_are_read_too(tmp_path):
    file = CsvFile(saved(tmp_path, "price,k\n1,“a€”\n2,b\n".encode("cp1252")))
    assert file.columns(["k"])[1]["k"].texts == ("“a€”", "b")
    with pytest.raises(ValueError, match=r"no column '性'.*no UTF-8, so they are read as Window"):
        table_data(saved(tmp_path, "性,k\n1,2\n3,4\n".encode("gbk")), "性")
    file = CsvFile(saved(tmp_path, b"price,k\n1,\x81\n2,b\n"))  # no letter there: Latin-1
    assert file.columns(["k"])[1]["k"].texts == ("\x81", "b")


# What stands between cells


@for_each(
    "text",
    [
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", ";").replace("4.5", "4,5"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", " "),
        PLAIN.replace(",", "   ").replace("\n", " \n"),
        PLAIN.replace(",", " \t ").replace("\n", "\n  "),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "sep=,\r\n" + PLAIN,
        PLAIN.replace(",", ",").replace("\n", ",\n").replace("k,", "k"),  # one too many below
    ],
)
def test_what_stands_between_cells_does_not_matter(tmp_path, text):
    check_plain(CsvFile(saved(tmp_path, text)))


def test_a_row_is_counted_from_the_first_line_also_below_sep(tmp_path):
    path = saved(tmp_path, "sep=;\na;k\n1;x\n2\n")
    with pytest.raises(ValueError, match="row 4: it has 1 cells"):
        list(CsvFile(path).rows())


def test_a_quote_may_stand_behind_a_space(tmp_path):
    lines = [f'{i * 0.5}, {i}, "{"a, b" if i % 3 else "c, d"}"' for i in range(12)]
    for names in ("x, w, k", 'x, "w", "k"'):
        file = CsvFile(saved(tmp_path, "\n".join([names, *lines])))
        assert file.header == ["x", "w", "k"] and not file.notes
        assert file.columns(["k"])[1]["k"].texts == ("c, d", "a, b")


def test_sentences_do_not_hide_the_delimiter(tmp_path):
    text = "when,what\n2020-01-01 10:00,one two\n2020-01-02 11:00,two three\n"
    assert CsvFile(saved(tmp_path, text)).header == ["when", "what"]
    quotes = 'text\tk\n"so", he said\t1\nit is 5" long\t2\n"no end\t1\n'
    file = CsvFile(saved(tmp_path, quotes, "reviews.tsv"))
    assert file.columns(["text"])[1]["text"].texts[2] == '"no end'
    assert "quotes" in file.notes[0]


def test_decimal_commas_do_not_hide_the_delimiter_beside_words(tmp_path):
    text = "a;town;day\n" + "".join(f"{i},5;b{i % 3};{i + 1}.3.2024\n" for i in range(20))
    assert CsvFile(saved(tmp_path, text)).header == ["a", "town", "day"]


@for_each(
    "delimiter, row",
    [(",", "+49 151 {0},{0}.5,y"), ("\t", "{0},5\tso, or so\ty"), (";", "{0} {0} 1;{0},5;y")],
)
def test_the_names_are_no_title_of_what_another_delimiter_cuts(tmp_path, delimiter, row):
    rows = [row.format(1000 + i) for i in range(20)]
    file = CsvFile(saved(tmp_path, "\n".join([delimiter.join("abk"), *rows])))
    assert file.header == ["a", "b", "k"] and file.notes == []


def test_row_names_as_r_writes_them_are_a_column(tmp_path):
    file = CsvFile(saved(tmp_path, 'a,k\n"1",2,x\n"2",3,y\n'))
    assert file.header == ["column 1", "a", "k"]
    assert [row for _, row in file.rows()] == [["1", "2", "x"], ["2", "3", "y"]]
    assert "the first is taken for the row's name" in file.notes[0]


def test_a_delimiter_too_many_at_the_end_of_rows_shifts_nothing(tmp_path):
    rows = [f"{'yn'[i % 2]};{i / 4};{i % 7};\n" for i in range(300)]
    file = CsvFile(saved(tmp_path, "k;a;b\n" + "".join(rows)))
    assert file.columns(["a"])[1]["a"].numbers.tolist() == [i / 4 for i in range(300)]
    assert next(file.rows()) == (2, ["y", "0.0", "0"])
    assert "the last is empty: it is left out" in file.notes[0]
    for quote in ("", '"'):  # as blocks and cell by cell
        rows[250] = f"{quote}y{quote};1;2;x\n"
        file = CsvFile(saved(tmp_path, "k;a;b\n" + "".join(rows)))
        with pytest.raises(ValueError, match="row 252: it has 4 cells, the header 3, so that 'x'"):
            file.columns(["a"])


@for_each("line", ["1,{0:03},y", "{1},5,y"])  # 1,013 and 12,5 without quotes
def test_a_comma_in_a_number_is_no_row_name(tmp_path, line):
    text = "a,k\n" + "".join(line.format(i, i % 9) + "\n" for i in range(40))
    with pytest.raises(ValueError, match="row 2: it has 3 cells, the header 2, so that 'y'"):
        table_data(saved(tmp_path, text), "k")


# Headers


@for_each(
    "above, said",
    [
        ("# made by me\n# so, it is\n", "'# made by me', '# so it is'"),
        ("Report 2024\n\n", "'Report 2024'"),
        ("Report 2024,,\n,,\n", "'Report 2024'"),
        (",,\n", "empty ones"),
    ],
)
def test_what_stands_above_a_table_is_left_out_and_said(tmp_path, above, said):
    for data in (above + PLAIN, "sep=,\n" + above + PLAIN):
        file = CsvFile(saved(tmp_path, data))
        check_plain(file)
        assert file.notes == [f"rows above the header, or the data, are left out: {said}"]
        first = data.count("\n") - PLAIN.count("\n") + 2
        assert [place for place, _ in file.rows()] == [first, first + 1, first + 2]
    semicolons = above.replace(",", ";") + PLAIN.replace(",", ";")
    check_plain(CsvFile(saved(tmp_path, semicolons)))
    bare = CsvFile(saved(tmp_path, above + "1,2,x\n3,4,y\n5,4,x\n"))
    assert len(list(bare.rows())) == 3 and "no header" in bare.notes[1]


def test_a_comment_of_as_many_cells_as_the_names_below_is_no_header(tmp_path):
    comments = "# this, that, those\n# x, y, z\n"
    file = CsvFile(saved(tmp_path, comments + PLAIN))
    check_plain(file)
    assert "'# this that those', '# x y z'" in file.notes[0]


def test_a_name_or_a_row_is_not_above_the_table(tmp_path):
    for data in (
        "#id,b,k\n#1,2,x\n#2,3,y\n", "#,b,k\n1,2,x\n2,3,y\n", ",a\n0,1\n1,2\n", "#a\tb\n1\t2\n",
        "5,,\n1,2,3\n1,,4\n",
    ):  # fmt: skip
        path = saved(tmp_path, data)
        assert not any("above" in note for note in CsvFile(path).notes)
    assert len(list(CsvFile(saved(tmp_path, "x,,\n1,2,3\n"), header=False).rows())) == 2


SURVEY = [f"{20 + 7 * i % 50},{i % 5 + 1},{'yes' if i % 3 else 'no'}" for i in range(12)]


@for_each(
    "below",
    [
        ["How old are you?,How happy are you?,Would you come again?"],
        ["Your age?,Happy?,Again?", '"{""ImportId"":""Q1""}","{""ImportId"":""Q2""}",QID3'],
        ["1. How old are you?,2. How happy are you?,3. Would you come again?"],
        ["Information (years),Infinite (points),"],
        ["(years),(points),"],
        ["How old?,2. Happy?,Again?"],
        ["int,int,str"],
        ["---,---,---"],
    ],
)
def test_rows_below_the_names_that_are_no_data_are_left_out_and_said(tmp_path, below):
    lines = ["age,happy,again", *below, *SURVEY]
    file = CsvFile(saved(tmp_path, "\n".join(lines)))
    assert "rows below the names that are no data are left out: " in file.notes[0]
    assert [place for place, _ in file.rows()] == [*range(len(below) + 2, len(lines) + 1)]


@for_each(
    "first",
    [
        "unknown,3,yes",  # a missing number
        "unknown,3,maybe",
        "unknown,none,no",  # an answer that comes again
        "<18,>5,maybe",  # bounds
        "inf,-inf,maybe",
        "18 or more,4 at least,maybe",
        "oops,,maybe",
        "Unknown,Refused,maybe",
        "<LOD,<LOD,maybe",
        "pending,withdrawn,",
        "would not say that at all,would not say that at all,maybe",
        "years,points,maybe",  # these are said of the columns, as missing
    ],
)
def test_a_row_with_words_for_numbers_is_one_all_the_same(tmp_path, first):
    lines = ["age,happy,again", first, *SURVEY]
    assert len(list(CsvFile(saved(tmp_path, "\n".join(lines))).rows())) == len(SURVEY) + 1


@for_each("end", ["\n", "\r\n", "\r"])
@for_each("names", ["age,happy,again", '"age","happy",again', "age,2020,2021"])
def test_names_that_come_again_are_no_row(tmp_path, names, end, monkeypatch):
    lines = [names, *SURVEY[:5], names, *SURVEY[5:8], "", "\ufeff" + names, *SURVEY[8:]]
    path = saved(tmp_path, end.join(lines))
    for block in (1, 100, csvfile.BLOCK):
        monkeypatch.setattr(csvfile, "BLOCK", block)
        file = CsvFile(path)
        assert len([note for note in file.notes if "2 rows that say the names again" in note]) == 1
        places, columns = file.columns(["age"])
        assert list(places) == [2, 3, 4, 5, 6, 8, 9, 10, 13, 14, 15, 16]
        assert columns["age"].numbers.tolist() == [20 + 7 * i % 50 for i in range(12)]
    assert [place for place, _ in file.rows()] == list(places)  # which predict writes


def test_a_row_of_the_same_numbers_as_names_that_are_numbers_is_one(tmp_path):
    file = CsvFile(saved(tmp_path, "1,2,3\n4,5,6\n1,2,3\n"), header=True)
    assert len(list(file.rows())) == 2


def test_an_error_says_which_row_has_the_names(tmp_path):
    for above in ("made by me,2024,x\n", "a,b\n"):
        with pytest.raises(ValueError, match=r"Row 2 has it: .* delete the rows above it"):
            table_data(saved(tmp_path, above + PLAIN), "k")
    with pytest.raises(ValueError, match="no column 'z'") as refused:
        table_data(saved(tmp_path, PLAIN), "z")
    assert "has it" not in str(refused.value)
    with pytest.raises(ValueError, match=r"header=True.*Row 1 has it$"):
        table_data(saved(tmp_path, "2019,2021,k\n1,2,x\n2,3,y\n"), "k")


@for_each(
    "text, header",
    [
        ("1.5,2,x\n3,4,y\n5,6,x\n", False),
        ("5,1,2,3\n4,1,2,3\n", False),
        ("1,2\n2.5,4\n3,6\n", False),
        ("x,red\ny,red\nx,blue\n", False),  # red comes again
        ("shape,colour\nx,red\nx,blue\n", True),
        ("0,1,2,k\n3.5,4,5,x\n3,4,5,y\n", True),  # as pandas counts
        ("country,1990,1991,1992\nFrance,1,2,3\nSpain,4,5,6\n", True),
        ("a,b\n", True),
        (",a,k\n0,1,x\n1,2,y\n", True),
    ],
)
def test_whether_there_is_a_header(tmp_path, text, header):
    path = saved(tmp_path, text)
    file = CsvFile(path)
    n = len(list(file.rows()))
    assert n == text.count("\n") - header
    assert ("no header was found" in " ".join(file.notes)) == (not header)
    assert len(list(CsvFile(path, header=not header).rows())) == n + (1 if header else -1)


def test_a_header_of_numbers_is_doubted_aloud(tmp_path):
    file = CsvFile(saved(tmp_path, "1990,1991,1992\n3.5,4,5\n3,4,5\n"))
    assert file.header == ["1990", "1991", "1992"]
    assert "the names in the header are numbers" in file.notes[0]
    path = saved(tmp_path, "-0.26,6.02,0\n" + "1.5,2.5,1\n0.5,2.25,0\n" * 9)
    with pytest.raises(ValueError, match=r"no column '0'.*no header was found.*has numbers"):
        load_csv(path, "0")
    assert load_csv(path, "column 3").features == ("column 1", "column 2")


def test_names_are_made_to_differ(tmp_path):
    file = CsvFile(saved(tmp_path, "a,,a,a (2)\n1,2,3,x\n4,5,6,y\n"))
    assert file.header == ["a", "column 2", "a (3)", "a (2)"]
    assert file.notes == [
        "column 2 has no name: it is called 'column 2' here",
        "column 3 is another 'a': it is called 'a (3)' here",
    ]


# Spreadsheets, parquet, DataFrames


def test_a_spreadsheet_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["größe", "b", "k"], [1, 2, "no"], [3, 4.5, "yes"], [-5, 6, "no"]):
        book.active.append(row)
    book.save(tmp_path / "some.xlsx")
    check_plain(CsvFile(tmp_path / "some.xlsx"))
    book.create_sheet("more")
    book.save(tmp_path / "some.xlsx")
    assert CsvFile(tmp_path / "some.xlsx").notes == ["its first sheet, 'Sheet', is read"]
    with pytest.raises(ValueError, match=r"no column 'z'.*its first sheet, 'Sheet', is read"):
        table_data(tmp_path / "some.xlsx", "z")


@for_each("state", ["visible", "hidden", "veryHidden"])
def test_a_sheet_that_is_hidden_or_empty_is_not_the_first(tmp_path, state):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    if state != "visible":
        for row in (["a", "k"], [5, "x"], [6, "y"]):
            book.active.append(row)
    book.active.sheet_state = state
    sheet = book.create_sheet("data")
    for row in (["a", "k"], [1, "n"], [2, "y"]):
        sheet.append(row)
    book.active = 1
    book.save(tmp_path / "some.xlsx")
    file = CsvFile(tmp_path / "some.xlsx")
    assert file.columns(["a"])[1]["a"].numbers.tolist() == [1, 2]
    assert file.notes == ["its first sheet that is shown and not empty, 'data', is read"]


def test_rows_of_a_spreadsheet_in_which_nothing_stands_are_none(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["a", "k"], [1, "x"], [None, None], [2, "y"], [3, None]):
        book.active.append(row)
    book.active.cell(2**20, 2**14).font = openpyxl.styles.Font(bold=True)  # the last of all cells
    book.save(tmp_path / "some.xlsx")
    file = CsvFile(tmp_path / "some.xlsx")
    assert list(file.rows()) == [(2, ["1", "x"]), (4, ["2", "y"]), (5, ["3", ""])]
    assert file.header == ["a", "k"] and file.notes == []
    with zipfile.ZipFile(tmp_path / "some.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.xml", b"0" * 80_000_000)
    with pytest.raises(ValueError, match=r"unpacks to more than .* Save it as CSV"):
        CsvFile(tmp_path / "some.xlsx")


def test_formulas_of_a_spreadsheet_without_results_are_said(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book, path = openpyxl.Workbook(), tmp_path / "some.xlsx"
    for row in (["a", "k"], [1, "=A2*2"], [2, "=A3*2"]):
        book.active.append(row)
    book.save(path)
    titled = openpyxl.Workbook()
    for row in (["Balances"], ["a", "b", "k"], [1, 5, "x"], [2, "=B3+1", "y"], [3, "=B4+1", "x"]):
        titled.active.append(row)
    titled.save(tmp_path / "titled.xlsx")
    with pytest.raises(ValueError, match=r"not stored, the first in B4: o"):
        CsvFile(tmp_path / "titled.xlsx")
    with pytest.raises(ValueError, match=r"'Sheet' has formulas .* not stored, the first in B2: o"):
        CsvFile(path)
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data.replace(b"</f><v />", b"</f><v>0</v>", 1))
    np.testing.assert_array_equal(CsvFile(path).columns(["k"])[1]["k"].numbers, [0, np.nan])


@pytest.mark.slow
def test_frames_and_parquet_files_go_where_files_do(tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    big = [2**53 + 1, 2**53, 2**53 + 1, 5]
    data = {
        "n": [1.5, None, 0.1, -2.0], "id": big, "word": ["a", "b", None, "a"],
        "on": [True, False, True, True], "k": ["x", "y", "x", "y"],
    }  # fmt: skip
    frame = pandas.DataFrame(data)
    frame["day"] = pandas.to_datetime(["2020-01-31", "2020-02-01", None, "2021-01-01"])
    frame.to_parquet(tmp_path / "some.parquet")
    for source in (frame, polars.from_pandas(frame), tmp_path / "some.parquet"):
        _, columns = CsvFile(source).columns(["n", "id", "word", "on", "day"])
        np.testing.assert_array_equal(columns["n"].numbers, [1.5, np.nan, 0.1, -2.0])
        assert columns["id"].texts == ("9007199254740993", "9007199254740992", "5")
        assert columns["word"].missing.tolist() == [False, False, True, False]
        found = table_data(source, "k", kinds={"id": "words"})
        assert found.name in ("table", "some")
        assert [column.kind for column in found.columns] == [
            "number", "words", "words", "truth", "date",
        ]  # fmt: skip


def test_names_of_a_frame_are_found_as_it_has_them():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    data = {
        " size\n(m) ": [i * 1.5 for i in range(20)],
        "a\u00a0b": [1, 2] * 10,
        " k": ["x", "y"] * 10,
    }
    for frame in (pandas.DataFrame(data), polars.DataFrame(data)):
        found = table_data(frame, " k", only=[" size\n(m) "])
        assert (found.features, found.target) == (("size\n(m)",), "k")
        assert table_data(frame, "k", without=["a b"]).features == found.features
        assert table_data(frame, "k", kinds={"a\u00a0b": "words"}).features[1] == "a\u00a0b = 1"
    two = pandas.DataFrame({"a  b": range(20), "a b": [0.5, 1.5] * 10, "k": ["x", "y"] * 10})
    assert table_data(two, "k", only=["a b"]).features == ("a b",)


def test_an_index_with_a_name_is_said_and_names_of_two_levels_are_refused(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(20), "b": range(20), "k": ["x", "y"] * 10})
    assert "its index, 'b', is not read" in table_data(frame.set_index("b"), "k").told[0][1]
    with pytest.raises(ValueError, match=r"no column 'k'.*its index, 'k', is not read"):
        table_data(frame.set_index("k"), "k")
    frame.columns = pandas.MultiIndex.from_product([["x"], list("abk")])
    with pytest.raises(ValueError, match=r"one name, got several, as \('x', 'a'\)"):
        table_data(frame, "x")
    parquet = pytest.importorskip("pyarrow.parquet")
    frame.columns = list("abk")
    frame.iloc[[3, 1, 2]].to_parquet(tmp_path / "some.parquet")
    assert parquet.read_schema(tmp_path / "some.parquet").names[3:] == ["__index_level_0__"]
    assert CsvFile(tmp_path / "some.parquet").header == ["a", "b", "k"]


def test_times_are_read_with_their_fractions(tmp_path):
    polars, parquet = pytest.importorskip("polars"), pytest.importorskip("pyarrow.parquet")
    times = [time(i % 24, 30, microsecond=i % 2) for i in range(40)]
    frame = polars.DataFrame({"at": times, "k": ["x", "y"] * 20})
    parquet.write_table(frame.to_arrow(), tmp_path / "some.parquet")
    for source in (frame, tmp_path / "some.parquet"):
        assert table_data(source, "k").features == ("at hour",)


@pytest.mark.slow
@for_each("kind", ["lists", "durations"])
def test_a_column_that_is_no_text_is_named(tmp_path, kind):
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    cells = [[1, 2], [3]] if kind == "lists" else [timedelta(hours=1), timedelta(hours=2)]
    frame = polars.DataFrame({"a": [1, 2], "odd": cells, "k": ["x", "y"]})
    frame.write_parquet(tmp_path / "some.parquet")
    for source in (frame, tmp_path / "some.parquet"):
        if source is frame or kind == "lists":
            with pytest.raises(ValueError, match=r"column 'odd': its cells can't be .* Drop"):
                table_data(source, "k")
    assert CsvFile(frame.drop("odd")).header == ["a", "k"]


@for_each("name", ["openpyxl", "pyarrow.parquet"])
def test_what_is_not_installed_is_said(tmp_path, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, None)
        data = b"PK\3\4" if name == "openpyxl" else b"PAR1"
        with pytest.raises(ModuleNotFoundError, match=rf"read by {name.split('.')[0]}: pip inst"):
            CsvFile(saved(tmp_path, data, "x.bin"))


@for_each("junk", [3, None, [[1, 2]], np.ones((2, 2)), types.SimpleNamespace(columns=["a"])])
def test_what_is_no_table_is_a_type_error(junk):
    with pytest.raises(TypeError, match="source must be a path or a DataFrame, got"):
        table_data(junk, "k")


# Bad files


@for_each(
    "data, complaint",
    [
        (b"a,k\n1,\0\n", r"some\.csv, row 2: there are zero bytes"),
        (b"\0\1\2\3" * 50, "zero bytes"),
        (b"a,b,k\n1,2,x\n" + b"\0" * 200, r"row 3: there are zero bytes"),
        (b"", "empty"),
        (b"\n\n\n", "at least one row"),
        (
            b"a,k\n1,2\n3,4,5\n",
            "row 3: it has 3 cells, the header 2, so that '5' stands in no column",
        ),
        (gzip.compress(b"a,k\n1,2\n")[:-9], "is damaged: it can't be unpacked"),
        (b"PK\3\4 and so on", "is a zip archive, and no spreadsheet"),
        (b"PAR1 and so on", "can't be read as a table"),
        (b"\xd0\xcf\x11\xe0 and so on", r"save it as \.xlsx"),
        (b"PK\3\4" + b"." * 26 + b"mimetypeapplication/vnd.oasis.open", "is an OpenDocument file"),
        (b"\n<!DOCTYPE html>\n<p>a,k</p>\n", "is a web page, or XML"),
        (b'[\n {"a": 1, "k": 2}\n]\n', "is JSON: save it as CSV UTF-8, or make a DataFrame of it"),
        (b'{"a": 1, "k": 2}\n{"a": 2, "k": 2}\n', "is JSON"),
        (b"\xff\xfea\0,\0\0\xd8", "is no text, though it begins as utf-16"),
        (gzip.compress(b"0" * 20_000_000), "a line of more than 10,000,000 characters"),
        (gzip.compress(b"1,2\n" * 20_000_000, 1), "unpacks to more than"),
        (b"k\n1\n2\n1\n2\n", "no column beside the target 'k'"),
        (b"a,k\n1,2\n", "one row to be used: one to train on and one to test on"),
        (b"a,k\n1,\n2,?\n", "column 'k': all cells are empty"),
        (b"a,k\n,x\n,y\n,x\n", r"no column left to predict 'k' from.*it has no values\)$"),
    ],
    ids=lambda x: repr(x)[:40],
)
def test_a_bad_file_is_refused_in_the_users_words(tmp_path, data, complaint):
    for name in ("openpyxl", "pyarrow"):
        pytest.importorskip(name)
    with pytest.raises(ValueError, match=complaint) as refused:
        table_data(saved(tmp_path, data), "k")
    assert "test_size" not in str(refused.value)


def test_an_empty_path_is_no_folder():
    with pytest.raises(ValueError, match="source is an empty name"):
        table_data("", "k")


def test_a_note_below_a_table_is_named(tmp_path):
    text = PLAIN + "\n* as of 2024\n"
    with pytest.raises(ValueError, match=r"row 6: it has 1 cells.* If it is a note, and no row"):
        table_data(saved(tmp_path, text), "k")


def test_decimal_commas_between_commas_are_doubted(tmp_path):
    rows = [f"{i * 37 % 91},{i % 10},{i * 100}" for i in range(12)]
    file = CsvFile(saved(tmp_path, "\n".join(["size,price", *rows])))
    assert file.notes[0].endswith("(or has a number a decimal comma, as 71,5? Then put quotes "
                                  "around such numbers, or semicolons between cells)")  # fmt: skip
    named = [f"{i},{row}" for i, row in enumerate(rows, 1)]  # as R writes them
    file = CsvFile(saved(tmp_path, "\n".join(["size,rest,price", *named])))
    assert file.notes[0].endswith("the first is taken for the row's name")
    with pytest.raises(ValueError, match=r"too few\? If 1,5 is one number, put quotes"):
        table_data(saved(tmp_path, "a,b,k\n" + "1,5,2.5,x\n0,5,3.5,y\n" * 4), "k")


def test_a_lazy_frame_is_refused_with_what_makes_a_frame():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"got LazyFrame: \.collect\(\) makes one of it"):
        table_data(polars.DataFrame({"a": [1, 2], "k": [0, 1]}).lazy(), "k")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file in it"):
        table_data(tmp_path, "k")


def test_a_pipe_is_read_once(tmp_path, monkeypatch):
    reads = []
    monkeypatch.setattr(texts.Path, "read_bytes", lambda path: reads.append(path) or PLAIN.encode())
    check_plain(CsvFile("some pipe"))
    assert len(reads) == 1


def test_a_wide_table_is_read(tmp_path):
    out = io.StringIO()
    for i in range(-1, 12):
        print(*(f"x{j}" if i < 0 else i * j for j in range(10_000)), sep=",", file=out)
    file = CsvFile(saved(tmp_path, out.getvalue()))
    file.header = Unsearched(file.header)
    _, columns = file.columns(file.header)
    assert columns["x9999"].numbers.tolist() == [9999 * i for i in range(12)]


class Unsearched(list):
    """Names in which none is looked for: for each of thousands, that takes minutes."""

    def index(self, *args):
        pytest.fail("a name is looked for from the first one on")


# What is told, or refused, so that nothing is silently something else


def told_of(folder, head, line, n=40, **options):
    """What is told of a table with such lines, the target being y."""
    (folder / "t.csv").write_text("\n".join([head, *map(line, range(n))]))
    return dict(table_data(folder / "t.csv", "y", **options).told)


def test_a_column_of_numbers_that_gives_the_target_away_is_said(tmp_path):
    told = told_of(tmp_path, "x,leak,y", lambda i: f"{i * 7 % 13},{i % 2},{'ab'[i % 2]}")
    assert "alone tells 'y'" in told["leak"]
    told = told_of(tmp_path, "x,cents,y", lambda i: f"{i * 7 % 13},{i * i * 100},{i * i}")
    assert "alone tells 'y'" in told["cents"]
    told = told_of(tmp_path, "x,gross,y", lambda i: f"{i},{round(1.19 * i**2, 1)},{i * i}")
    assert "alone tells 'y'" in told["gross"]
    told = told_of(tmp_path, "x,gap,y", lambda i: f"{i},{i * i * 3 if i % 20 else ''},{i * i}")
    assert "alone tells 'y'" in told["gap"]
    told = told_of(tmp_path, "x,near,y", lambda i: f"{i * 7 % 13},{i * i + i % 2 * 50},{i * i}")
    assert not any("alone tells" in what for what in told.values())
    told = told_of(
        tmp_path, "x,far,y", lambda i: f"{i},{i % 7 if i else 999},{i % 5 if i else 999}"
    )
    assert not any("alone tells" in what for what in told.values())
    told = told_of(tmp_path, "x,w,y", lambda i: f"{i},{'uv'[i == 9]},{'pq'[i == 9]}")
    assert not any("alone tells" in what for what in told.values())
    told = told_of(tmp_path, "x,few,y", lambda i: f"{i},{i * i if i % 5 else ''},{i * i}")
    assert not any("alone tells" in what for what in told.values())


def test_numbers_beside_words_are_left_out_with_a_way_to_take_them(tmp_path):
    table = "z,x,y", lambda i: f"{i % 5},{i * 1.5 if i % 4 else 'unknown'},{i % 7 * 1.1}"
    assert "as number, 'unknown' would be missing" in told_of(tmp_path, *table)["x"]
    assert "'unknown': no number" in told_of(tmp_path, *table, kinds={"x": "number"})["x"]


def test_points_that_may_stand_between_thousands_are_doubted(tmp_path):
    def line(i):
        return f"{i % 7},5;{i + 1}.{i * 37 % 900 + 101};{i % 11},2"

    assert "between thousands?" in str(told_of(tmp_path, "x;price;y", line))
    plain = told_of(tmp_path, "x;price;y", lambda i: line(i).replace(",", "."))
    assert "between thousands" not in str(plain)


def test_options_that_can_do_nothing_are_refused(tmp_path):
    table = "town,y", lambda i: f"{'ab'[i % 2]},{i * 1.5}"
    for options in ({"without": ["y"]}, {"kinds": {"y": "words"}}):
        with pytest.raises(ValueError, match="'y' is the column to predict"):
            told_of(tmp_path, *table, **options)
    with pytest.raises(ValueError, match="column 'town': none of its cells is a number"):
        told_of(tmp_path, *table, kinds={"town": "number"})


def test_columns_of_a_frame_may_be_called_by_numbers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(40, 4)))
    data = table_data(frame, 3, without=[0], kinds={1: "number"})
    assert (data.features, data.target) == (("1", "2"), "3")


def test_a_row_of_totals_is_doubted_aloud(tmp_path):
    rows = [(f"shop {i % 3}", i % 7 + 0.1, 10 * i + 3) for i in range(12)]
    total = ("Total", f"{sum(row[1] for row in rows):.1f}", sum(row[2] for row in rows))

    def told(rows):
        text = "\n".join(",".join(map(str, row)) for row in [("shop", "hours", "sales"), *rows])
        return str(table_data(saved(tmp_path, text), "sales").told)

    said = "row 14, the last, has the sum of all above it in 'sales', 'hours': a total?"
    assert said in told([*rows, total])
    assert "a total?" not in told(rows) + told([*rows, (*total[:2], "")])  # a row without a target
    ones = [("shop 1", 0, i) for i in range(4)]  # of which the next is no total
    assert "a total?" not in told([*rows[:1], *ones, ("shop 1", 0.1, 9.5)])


def test_a_class_that_counts_as_missing_is_named(tmp_path):
    path = tmp_path / "signs.csv"
    path.write_text("a,k\n" + "".join(f"{i},{('++', '--')[i % 2]}\n" for i in range(30)))
    with pytest.raises(ValueError, match=r"all 15 rows say '\+\+' \('--' counts as missing\)"):
        table_data(path, "k")


def test_a_quote_that_is_not_closed_is_said(tmp_path):
    path = tmp_path / "quote.csv"
    path.write_text('a,k\n1,"x\n' + "2,y\n" * 30)
    with pytest.raises(ValueError, match=r"row 2: a quote .* is opened in it, and not closed"):
        table_data(path, "k")


@for_each(
    "one, other, shown",
    [
        ("Yes", "yes", "'Yes' and 'yes'"),
        ("New  York", "New York", "'New  York' and 'New York'"),
        ("a\u200b", "a", r"'a' and 'a\u200b'"),  # a space without a width
        ("b\x1a", "b", r"'b' and 'b\x1a'"),  # where files ended in DOS
        ("Caf\u00e9", "Cafe\u0301", r"'Cafe\u0301' and 'Caf\xe9'"),  # Windows' and macOS's
    ],
)
def test_classes_that_a_reader_takes_for_one_are_doubted(tmp_path, one, other, shown):
    rows = [f"{i},{(one, 'no', other)[i % 3]}" for i in range(30)]
    data = table_data(saved(tmp_path, "\n".join(["a,k", *rows])), "k")
    said = dict(data.told)["k (to predict)"]
    assert said.startswith("3 classes: ")
    assert said.endswith(f" ({shown}: told apart, so write one in one way)")


def test_words_that_a_reader_takes_for_one_are_doubted_as_inputs_too(tmp_path):
    told = told_of(tmp_path, "x,w,y", lambda i: f"{i},{('plus', 'Plus', 'basis')[i % 3]},{i * i}")
    assert told["w"].endswith(" ('Plus' and 'plus': told apart, so write one in one way)")


def test_numbers_that_may_be_days_are_doubted(tmp_path):
    told = told_of(tmp_path, "x,day,y", lambda i: f"{i},202401{i % 28 + 1:02},{i * i}")
    assert told["day"] == "numbers (dates? Then --as day=date)"
    told = told_of(tmp_path, "x,day,y", lambda i: f"{i},202401{i % 32 + 1:02},{i * i}")
    assert "dates" not in str(told)


def test_words_are_no_target_of_a_loss_for_numbers(tmp_path):
    with pytest.raises(ValueError, match=r"'y' holds words \('a', 'b'\), and gaussian_nll is for"):
        told_of(tmp_path, "x,y", lambda i: f"{i},{'ab'[i % 2]}", loss=gaussian_nll)


def test_columns_of_polars_may_be_called_like_patterns():
    polars = pytest.importorskip("polars")
    numbers = np.random.default_rng(0).normal(size=(30, 3))
    frame = polars.DataFrame(dict(zip(["*", "^x.*$", "y"], numbers.T.tolist(), strict=True)))
    assert table_data(frame, "y").features == ("*", "^x.*$")
    lists = frame.with_columns(polars.Series("*", [[1]] * 30))
    with pytest.raises(ValueError, match=r"column '\*': its cells can't be written as text"):
        table_data(lists, "y")


def test_a_note_below_the_table_is_no_class_in_silence(tmp_path):
    rows = [("uv"[i % 2], i * 7 % 13, i % 5) for i in range(20)]

    def told(rows):
        path = tmp_path / "some.csv"
        path.write_text("\n".join(",".join(map(str, row)) for row in [("y", "a", "b"), *rows]))
        return str(table_data(path, "y").told)

    said = "row 22, the last, has nothing but 'y', as no other row has it: a note below the table?"
    assert said in told([*rows, ("* preliminary", "", "")])
    assert "a note" not in told([*rows, ("u", "", "")]) + told([*rows, ("w", "", 1)])


def test_long_words_are_said_in_short(tmp_path):
    rows = [(word * 5000, k, word * 4000) for k in range(1, 9) for word in "uv"]
    path = tmp_path / "some.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in [("y", "a", "b"), *rows]))
    data = table_data(path, "y")
    assert data.classes == ("u" * 5000, "v" * 5000)
    assert all(len(said) < 200 for _, said in data.told)
    assert all(len(row.name) < 100 for row in baselines(data))


@for_each("head", ["", "body weight,y\n"])
def test_a_space_before_a_unit_parts_no_cells(tmp_path, head):
    path = saved(tmp_path, head + "".join(f"{50 + i} kg,{'ab'[i % 2]}\n" for i in range(20)))
    _, y = CsvFile(path).header
    data = table_data(path, y)
    assert data.classes == ("a", "b") and ("numbers, in kg" in str(data.told))


def test_a_price_with_a_decimal_comma_is_known_in_a_row_that_is_too_long(tmp_path):
    path = saved(tmp_path, "price,y\n12 EUR,a\n13 EUR,b\n12,50 EUR,a\n")
    with pytest.raises(ValueError, match=r"If 12,50 EUR is one number, put quotes around such"):
        list(CsvFile(path).rows())
