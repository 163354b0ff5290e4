"""Columns by what they are: what is recognised, what becomes of it, what a network's file keeps."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime
from math import nan

import numpy as np
import pytest

from nn import MLP, Table, bernoulli_nll, fit, load_csv, load_table, save, table_data
from nn.arrays import numeric_array
from nn.data.cells import Cells
from nn.data.columns import Column
from nn.data.csvfile import CsvFile
from nn.data.dates import WAYS, numbers_in, way_of
from nn.data.kinds import KINDS, kind_of, word
from nn.data.predictions import harmless, predictions
from tests.cases import for_each

DATES = ["2020-01-31", "2021-02-28", "2021-03-01", "2020-12-24"]


def table(tmp_path, header, rows, name="some.csv", delimiter=","):
    path = tmp_path / name
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def cells_of(tmp_path, texts, delimiter=","):
    rows = [[text, "end"] for text in texts]
    return CsvFile(table(tmp_path, ["x", "end"], rows, delimiter=delimiter), True).columns(["x"])[
        1
    ]["x"]


def original(data):
    """All inputs, unscaled, and targets, in the order of the input "at"."""
    X = np.vstack([data.X_train, data.X_test]) * data.x_scale + data.x_mean
    y = np.concatenate([data.y_train, data.y_test])
    order = np.argsort(X[:, data.features.index("at")])
    return dict(zip(data.features, X[order].T.round(9).tolist(), strict=True)), y[order]


def data_of(tmp_path, texts, **options):
    """A column x of texts, beside a column that counts, and a target."""
    rows = [[i * 1.5, text, "no" if i % 2 else "yes"] for i, text in enumerate(texts)]
    return table_data(table(tmp_path, ["at", "x", "k"], rows), "k", **options)


# What is recognised


@for_each(
    "texts, kind",
    [
        (["1", "-2.5", "1e3", "", "7"], "number"),
        (["1,234", "12", "1,000,000.5", "3"], "number"),
        (["$5", "$1,200", "$7.50", "$9"], "number"),
        (["5%", "7 %", "12.5%", "0%"], "number"),
        (["1'234", "12", "5", "1'000'000"], "number"),
        (["1 234,5", "12", "5", "6"], "number"),
        (["True", "false", "TRUE", ""], "truth"),
        (DATES, "date"),
        ([f"{day} 10:30:00" for day in DATES], "date"),
        ([f"{day}T10:30:00.500Z" for day in DATES], "date"),
        (["1/31/2020", "2/1/2020", "3/15/2021", "5/6/2020"], "date"),
        (["31.1.2020", "1.2.2020", "15.3.2021", "6.5.2020"], "date"),
        (["Jan 5, 2020", "Feb 6, 2020", "Mar 7, 2021", "May 1, 2020"], "date"),
        (["10:30", "11:45", "23:59", "00:00"], "date"),
        (["10:30 AM", "1:45 PM", "11:59:30 PM"], "date"),
        (["Jan 5 2020", "February 6 2020", "March 7 2021"], "date"),
        (["2020.01.31", "2020.02.01", "2021.03.15"], "date"),
        (["Fri, 31 Jan 2020", "Mon, 1 Mar 2021 10:30:00"], "date"),
        (["Fri Jan 31 10:30:00 2020", "Mon Mar  1 11:00:00 2021"], "date"),
        (["Jan-20", "Feb-20", "Mar-21"], "date"),
        (["2020年1月31日", "2021年3月1日"], "date"),
        (["2020/01", "2020/12", "2021/03", "2021/03"], "date"),
        (["01/2020", "12/2020", "3/2021", "03/2021"], "date"),
        (["Friday, January 31, 2020", "Monday, March 1, 2021"], "date"),
        (["1/20", "1/2", "3/4", "1/2"], "words"),
        (["True", "0", "1.0", ""], "truth"),
        (["1", "0", "1", "0"], "number"),
        (["a", "b", "a", "b"], "words"),
        (["1", "2", "none", "1"], "words"),
        (["9007199254740993", "9007199254740992"] * 2, "words"),
        (["#NUM!", "3", "#NAME?", "4", "#N/A N/A", "#ZAHL!", "-1.#IND"], "number"),
        (["2020-13-01", "x", "y", "z"], "words"),
        (["9" * 5000, "1" * 5000, "7", "7"], "words"),  # Python makes no whole number of so many
        (["(0)", "(1)", "", "(2)"], "words"),
        *(
            ([text, text.replace("3", "4")], "words")
            for text in (
                "A3",
                "3rd",
                "3th grade",
                "Room 3",
                "Q3 2024",
                "v1.3",
                "1-3",
                "3 of 5",
                "Class 3",
                "3 PM",
                "BMW 3",
                "3-star",
                "3-May",
                "2024Q3",
                "3–5",
                "3SsnP5",
                "5'3\"",
                "0x3F",
                "30+",
            )
        ),
        (["7A", "7B", "8A"], "words"),
        (["7a", "8a", "9a"], "words"),
        (["1970s", "1980s"], "words"),
        (["1 h", "2 h", "5 h"], "number"),
        (["1.5h", "2h", "5h"], "number"),
        ([f"{i}h" for i in range(24)], "number"),
        (["2XL", "3XL", "XL", "L"], "words"),
        (["1.5k", "3k", "5.5k"], "words"),
        (["$1.5k", "$3k", "$0.5k"], "words"),
        (["$5m", "$3.5m", "$2m"], "words"),
        (["5m", "3.5m", "2m"], "number"),
        (["3 million", "1.5 million"], "words"),
        (["3 Mio. EUR", "1.5 Mio. EUR"], "words"),
        (["1", "1-", "2", "2-", "3"], "words"),
        (["0-", "10-", "20-"], "words"),
        ([f"{i}-" for i in range(20)], "words"),
        (["5-", *map(str, range(20))], "number"),
        (["5-", "3.5"], "number"),
        (["5- EUR", "3 EUR"], "number"),
        (["1\u2212", "1", "2"], "words"),
        (["47 107", "45,310", "46 200", "44,100"], "words"),
        (["12 kg", "13 lb"], "words"),
        (["12 kg", "13"], "words"),
        (["(1)", "(2)", "(350)", "(2)"], "number"),
        (["(0)", "(1)", "5", "(2)"], "number"),
    ],
)
def test_what_a_column_is(tmp_path, texts, kind):
    assert kind_of(cells_of(tmp_path, texts)).name == kind


@for_each(
    "texts, delimiter, values, said",
    [
        (["12,5", "0,25", "-3", "7"], ";", [12.5, 0.25, -3, 7], "decimal commas"),
        (["1,234", "2,500"], ";", [1.234, 2.5], "decimal commas"),
        (["1,234", "2,500"], ",", [1234, 2500], "commas between thousands"),
        (["1.234,5", "12,5", "1.000.000"], ";", [1234.5, 12.5, 1e6], "points between thousands"),
        (["0,871", "0,5"], ",", [0.871, 0.5], "decimal commas"),
        (["$1,200", "$7.5"], ",", [1200, 7.5], "in $"),
        (["5 %", "7%"], ",", [5, 7], "in %"),
        (["\u22125%", "\u22120.5 %", "5%"], ",", [-5, -0.5, 5], "in %"),
        (["-$5.1", "+$1,200", "($7)", "- 5"], ",", [-5.1, 1200, -7, nan], "in $, ($7) as \u22127"),
        (["40%", "0.4", "0"], ",", [40, 0.4, 0], "without a unit or in % (taken as one scale"),
        (["$13", "20 €", "0"], ",", [13, 20, 0], "in $ or in € (taken as one scale"),
        (["40%", "0", "", "70%"], ",", [40, 0, nan, 70], "in %"),
        (["(5.00)", "(-5)", "()", "4"], ",", [-5, nan, nan, 4], "(5.00) as \u22125"),
        (["125,97-", "3", "-"], ";", [-125.97, 3, nan], "decimal commas, 125,97- as \u2212125.97"),
        (["1.234,50-", "-7,5-", "x-"], ";", [-1234.5, nan, nan], "1.234,50- as \u22121234.5"),
        (["$5-", "\u2212$3", "$7 -"], ",", [-5, -3, -7], "in $, $5- as \u22125"),
        (["1.5D+03", "-.5d-1", "2.D0", "3D4", "1.5D"], ",", [1500, -0.05, 2, nan, nan], ""),
        (["12,50 EUR", "9,90EUR", ""], ";", [12.5, 9.9, nan], "with decimal commas, in EUR"),
        (["EUR 1,200.50", "-EUR5", "3 EUR"], ",", [1200.5, -5, 3], "thousands, in EUR"),
        (["125,97- EUR", "3 EUR"], ";", [-125.97, 3], "in EUR"),
        (["1'200 CHF", "CHF 7"], ",", [1200, 7], "in CHF"),
        (["₹1,50,000", "₹ 7"], ",", [150000, 7], "in ₹"),
        (["CHF 12.-", "CHF 13.50", "-12.-- CHF"], ",", [12, 13.5, -12], "in CHF"),
        (["5,- €", "5,5 €", "125,9- €"], ";", [5, 5.5, -125.9], "in €, 125,9- € as \u2212125.9"),
        (["5,– EUR", "–5,5 EUR", "–"], ";", [5, -5.5, nan], "with decimal commas, in EUR"),
        (["US$ 5", "-R$7", "$3"], ",", [5, -7, 3], "in $ or in R$ or in US$ (taken as one scale"),
        (["Rs. 1,200", "Rs 7"], ",", [1200, 7], "in Rs"),
        (["5 €/m²", "7.5 €/m²"], ",", [5, 7.5], "in €/m²"),
        (["5 % vol", "7% vol"], ",", [5, 7], "in %"),
        (["00012 DD", "80331 DD"], ",", [12, 80331], "in DD, some as 00012 DD (names?"),
        (["80 kg", "75.5kg", "0"], ",", [80, 75.5, 0], "in kg"),
        (["5 km/h", "-7 km/h"], ",", [5, -7], "in km/h"),
        (["98 °F", "\u22121.5 °F"], ",", [98, -1.5], "in °F"),
        (["120mmHg", "90 mmHg"], ",", [120, 90], "in mmHg"),
        (["10 µg/m³", "1e3 µg/m³"], ",", [10, 1000], "in µg/m³"),
        (["12 sq. ft.", "5 sq. ft."], ",", [12, 5], "in sq. ft."),
        (["1 year", "2 years"], ",", [1, 2], "in year"),
        (["\u200b5", "\u202a-6\u202c"], ",", [5, -6], ""),
        ([*["12 kg"] * 40, "13", "$5", "7%", "0"], ",", [*[12] * 40, nan, nan, nan, 0], "in kg"),
        (["12 kg", "13 Kg", "14 KG", "15 KGS"], ",", [12, 13, 14, 15], "in kg"),
        ([*["12 mW"] * 20, "13 MW"], ",", [*[12] * 20, nan], "in mW"),
        (["1,234", "12-"], ",", [1234, -12], "12- as \u221212"),
        ([*["12 kg"] * 10, "13 lb"], ",", [*[12] * 10, nan], "in kg"),
        (["1\u202f234", "5"], ",", [1234, 5], "spaces between thousands"),
        (["1\u2009234,5", "5"], ",", [1234.5, 5], "spaces between thousands"),
        (["47 107", "1 200", "45,310"], ";", [47107, 1200, nan], "spaces between thousands"),
        (["1\u00a0234,50", "643,97", "-7"], ";", [1234.5, 643.97, -7], "spaces between thousands"),
        (["1,50,000", "-12,34,56,789.5", "99,000"], ",", [150000, -123456789.5, 99000], "commas"),
        (["1,5,000", "12,34"], ",", [nan, 12.34], "decimal commas"),
        (["1.234", "2.5"], ";", [1.234, 2.5], ""),
        (["600", "970", "1.007", "2.783"] * 3, ",", [600, 970, 1007, 2783] * 3, "points between"),
        (["600", "970", "1,007", "2,783"] * 3, ";", [600, 970, 1007, 2783] * 3, "commas between"),
        (["750", "", "1.500", "2.000", "0"] * 3, ";", [750, nan, 1500, 2000, 0] * 3, "points"),
        (["600", "970", "1.007"], ",", [600, 970, 1.007], "1.007 (or thousands? Then wri"),
        (["1", "1.333", "1.667", "2"] * 3, ",", [1, 1.333, 1.667, 2] * 3, "decimals as in 1.333"),
        (["1", "1,333", "1,667", "2"] * 3, ";", [1, 1.333, 1.667, 2] * 3, "Then write 1333)"),
        (["1.234", "2.000", "0.512"] * 9, ",", [1.234, 2, 0.512] * 9, ""),
        (["200", "1.234", "0.512"] * 9, ",", [200, 1.234, 0.512] * 9, ""),
        (["200", "1.234", "1.5"] * 9, ",", [200, 1.234, 1.5] * 9, ""),
        (["2000", "1.234"] * 9, ",", [2000, 1.234] * 9, ""),
    ],
)
def test_numbers_in_whatever_way_they_are_written(tmp_path, texts, delimiter, values, said):
    numbers = cells_of(tmp_path, texts, delimiter).as_numbers
    np.testing.assert_array_equal(numbers.values, values)
    assert said in numbers.said and bool(numbers.said) == bool(said)
    assert ("one scale" in numbers.said) == ("one scale" in said)


def test_a_few_words_among_many_numbers_are_missing_and_said(tmp_path):
    data = data_of(tmp_path, [*range(30), "oops"])
    assert "'oops': no number, taken as missing" in dict(data.told)["x"]
    x, _ = original(data)
    assert x["x"][:30] == list(range(30))
    assert x["x"][30] == data.columns[1].fill[0]


def test_numbers_with_zeros_before_them_are_doubted(tmp_path):
    zips = ["01067", "80331", "10115"]
    rows = [[zips[i % 3], f"{i % 12 + 1:02d}", "ny"[i % 2]] for i in range(30)]
    told = dict(table_data(table(tmp_path, ["zip", "month", "k"], rows), "k").told)
    assert told["zip"] == "numbers, some as 01067 (names? Then --as zip=words)"
    assert told["month"] == "numbers"
    path = table(tmp_path, ["zip", "month", "k"], rows)
    told = dict(table_data(path, "k", kinds={"zip": "words"}).told)
    assert told["zip"] == "words, an input for each: 01067, 10115, 80331"
    rows = [[i * 1.5, f"01{100 + i}"] for i in range(30)]
    told = dict(table_data(table(tmp_path, ["at", "zip"], rows), "zip").told)
    said = "numbers written plainly, some as 01100 (names? Then --loss categorical)"
    assert told["zip (to predict)"].startswith(said)


def test_what_is_in_doubt_is_said(tmp_path):
    told = dict(data_of(tmp_path, [f"{i % 9 * 3}" if i % 4 else "<5" for i in range(40)]).told)
    assert "most are numbers: as number, '<5' would be missing" in told["x"]
    told = dict(data_of(tmp_path, [f"{i % 3}.5k" for i in range(40)]).told)
    assert told["x"].endswith("0.5k, 1.5k, 2.5k (numbers with 'k' behind them? Write them out)")
    told = dict(data_of(tmp_path, [f"{1 + i % 9}/{1 + i % 8}/2020" for i in range(40)]).told)
    assert told["x"].startswith("dates, month/day/year (or day before month?")
    told = dict(data_of(tmp_path, [f"{1 + i % 9}/{1 + i % 28}/2020" for i in range(40)]).told)
    assert told["x"].startswith("dates, month/day/year: ")
    rows = [[i * 1.5, f"{1 + i % 5}.{i:03d},5 €"] for i in range(40)]
    path = table(tmp_path, ["at", "price"], rows, delimiter=";")
    said = "numbers with decimal commas, and points between thousands, in €, 40 different ones"
    assert dict(table_data(path, "price").told)["price (to predict)"].startswith(said)


def test_each_way_to_write_a_date_is_read_back():
    when = datetime(2021, 11, 24, 15, 45, 30)
    for way in WAYS[1:]:
        parts = numbers_in(when.strftime(way), way)
        assert parts is not None, way
        if "%d" in way and ("%Y" in way or "%y" in way):
            assert parts[:4] == (2021, 11, 24, 2), way
        if "%M" in way:
            assert parts[4] == pytest.approx(15.75, abs=0.01), way
    assert numbers_in("2021-11-24 15:45:30", WAYS[0]) == (2021, 11, 24, 2, 15.758333333333333)
    assert numbers_in("2021-11-24 12:00:00.000000123", WAYS[0]) == (2021, 11, 24, 2, 12.0)
    for end in ("Z", "+00", " +0100", "-05:30", ".0", ".7+02:00", ".1234567 Z"):
        assert numbers_in(f"2021-11-24T15:45:00{end}", WAYS[0])[:4] == (2021, 11, 24, 2), end
    for text in ("2021-W47", "2021-W47-3", "20211124", "2021-11-24T15", "2021-11-24 15:45 h"):
        assert numbers_in(text, WAYS[0]) is None, text  # whatever Python's version reads
    assert numbers_in("15:45:00.000000123", "%H:%M:%S.%f") == (1900, 1, 1, 0, 15.75)
    assert way_of(["13/1/2020", "1/2/2020"] * 3) == "%d/%m/%Y"
    assert way_of(["1/13/2020", "1/2/2020"] * 3) == "%m/%d/%Y"
    assert way_of(["a", "b", "2020-01-01"]) is None


# What becomes of it


def test_words_become_indicators(tmp_path):
    texts = ["red", "blue", "", "red", "blue", "green", "red", "blue", "", "black"] * 3
    data = data_of(tmp_path, [*texts, "once"])
    x, _ = original(data)
    names = [f"x = {w}" for w in ("black", "blue", "green", "red")]
    rare = ["x = other"] if "x = other" in x else []  # in training, if it stands there
    assert list(x) == ["at", *names, *rare, "x missing"]
    for name in names:
        assert x[name][:-1] == [float(name == f"x = {text}") for text in texts]
        assert x[name][-1] == 0.0
    assert x["x missing"] == [*(float(text == "") for text in texts), 0.0]


def test_rare_words_share_an_input(tmp_path):
    texts = [f"w{i:02d}" for i in range(30) for _ in range(30 - i)]
    data = data_of(tmp_path, texts)
    about = data.columns[1].about
    assert about == {"words": [f"w{i:02d}" for i in range(20)], "other": True}
    x, _ = original(data)
    assert x["x = other"] == [float(text >= "w20") for text in texts]
    assert "'other' for 10 rarer ones" in dict(data.told)["x"]


def test_dates_become_what_varies_in_them(tmp_path):
    data = data_of(tmp_path, [*DATES, ""] * 4)
    x, _ = original(data)
    assert list(x) == ["at", "x year", "x month", "x day", "x weekday", "x missing"]
    assert x["x month"][:4] == [1, 2, 3, 12]
    assert x["x weekday"][:4] == [4, 6, 0, 3]
    same = data_of(tmp_path, ["2020-01-05", "2020-01-06"] * 5)
    assert same.features == ("at", "x day", "x weekday")
    months = data_of(tmp_path, [f"{1 + i:02}/{2010 + i}" for i in range(10)])
    assert months.features == ("at", "x year", "x month")  # a first of the month was no day


@for_each(
    "digits, years",
    [
        (range(60, 80), range(1960, 1980)),  # Python has 2060 and 1969
        (range(25, 100), range(1925, 2000)),
        ([*range(70, 100), 0, 3], [*range(1970, 2000), 2000, 2003]),
        ([24, 25], [2024, 2025]),
        ([99, 0, 1], [1999, 2000, 2001]),
    ],
)
def test_years_of_two_digits_stand_together(tmp_path, digits, years):
    data = data_of(tmp_path, [f"15.03.{i:02d}" for i in digits] * 3)
    x, _ = original(data)
    assert x["x year"] == [*years] * 3
    column, now = data.columns[1], datetime.now().year
    assert column.about["last"] <= now + 10
    assert f"day.month.year of {column.about['last'] - 99} to {column.about['last']}: " in str(
        data.told
    )
    cells = cells_of(tmp_path, [f"1.1.{i:02d}" for i in (digits[0], digits[-1])])
    assert column.numbers(cells, np.arange(2))[:, 0].tolist() == [years[0], years[-1]]  # alone
    old = Column("x", "date", (0.0,), False, {"way": "%d.%m.%y", "parts": ["year"]})
    assert old.numbers(cells_of(tmp_path, ["1.1.60", "1.1.69"]), np.arange(2)).ravel().tolist() == [
        2060, 1969,
    ]  # fmt: skip


def test_plans_lie_ahead(tmp_path):
    now = datetime.now().year
    years = [now - 1 + i for i in range(5)]
    data = data_of(tmp_path, [f"1.1.{year % 100:02d}" for year in years] * 3)
    assert original(data)[0]["x year"] == years * 3


def test_gaps_are_filled_by_the_median_of_the_training_part(tmp_path):
    texts = [str(i * i) if i % 5 else "NA" for i in range(40)]
    data = data_of(tmp_path, texts, seed=4)
    x, _ = original(data)
    gaps = np.array(texts) == "NA"
    of_all = np.median([float(text) for text in texts if text != "NA"])
    assert x["x missing"] == gaps.astype(float).tolist()
    train = np.round((data.X_train * data.x_scale + data.x_mean)[:, 1:], 9)
    expected = np.median(train[train[:, 1] == 0, 0])
    assert set(np.array(x["x"])[gaps]) == {expected} != {of_all}
    assert f"{gaps.sum()} missing, filled by the median, {expected:g}" in dict(data.told)["x"]


def test_rows_with_gaps_can_be_dropped(tmp_path):
    texts = [str(i) if i % 5 else "" for i in range(40)]
    data = data_of(tmp_path, texts, missing="drop")
    assert data.features == ("at", "x")
    assert len(data.X_train) + len(data.X_test) == 32
    assert ("rows", "8 of 40 left out, since in them a cell is missing") in data.told


@for_each(
    "gap",
    [
        "", "NA", "?", "-", "nan", "n/a", "NULL", "<NA>", "NaT", "\\N", ".", "--", "#NULL!",
        "#VALUE!", "#DIV/0!", "#REF!", "N.A.", "(null)", "-nan",
    ],
)  # fmt: skip
def test_rows_without_a_target_are_left_out_and_counted(tmp_path, gap):
    rows = [[i * 1.5, gap if i in (3, 8) else "ab"[i % 2]] for i in range(20)]
    data = table_data(table(tmp_path, ["at", "k"], rows), "k")
    assert data.classes == ("a", "b")
    assert len(data.X_train) + len(data.X_test) == 18
    assert ("rows", "2 of 20 left out, since in them 'k' is missing") in data.told
    numbers = [[i * 1.5, gap if i in (3, 8) else i / 3] for i in range(20)]
    data = table_data(table(tmp_path, ["at", "k"], numbers), "k")
    assert data.classes == () and len(data.X_train) + len(data.X_test) == 18


@for_each(
    "name, texts, why",
    [
        ("PassengerId", range(5, 25), "it numbers the rows"),
        ("id", [*range(19), 40], "it numbers the rows"),
        ("", range(20), "it numbers the rows"),
        ("Unnamed: 0", range(20), "it numbers the rows"),
        ("name", [f"name {i}" for i in range(20)], "it has 20 different words in 20 rows"),
        ("gap", [""] * 20, "it has no values"),
        ("same", ["x"] * 20, "it says the same in all rows"),
        ("", [i * 7 % 41 for i in range(20)], "it numbers the rows"),  # of some rows, in any order
        ("", [i * 7 % 5 for i in range(20)], None),
        ("Unnamed: 0.1", [i * 7 % 41 for i in range(20)], "it numbers the rows"),
        ("rownames", range(20), "it numbers the rows"),
        ("RowNumber", range(20), "it numbers the rows"),
        ("serial_number", range(20), "it numbers the rows"),
        ("sample index", range(5, 25), "it numbers the rows"),
        ("body mass index", [15 + 7 * i % 26 for i in range(20)], None),
        ("number", range(20), None),
        ("volume", range(5, 25), None),
        ("id", [*range(10), *range(10)], None),
        ("paid", range(5, 25), None),
    ],
)
def test_what_only_names_rows_is_left_out(tmp_path, name, texts, why):
    rows = [[text, i * 1.5, i % 2] for i, text in enumerate(texts)]
    data = table_data(table(tmp_path, [name, "at", "k"], rows), "k")
    own = name or "column 1"
    assert ((own, f"left out: {why}") in data.told) == (why is not None)
    assert (own in data.features) == (why is None)


def test_constant_columns_are_only_shifted(tmp_path):
    rows = [[0.1 + 0.2 if i % 2 else 0.3, 5, i * 1.5, "no" if i % 3 else "yes"] for i in range(50)]
    data = load_csv(table(tmp_path, ["a", "b", "at", "k"], rows), "k")
    assert data.x_scale[:2].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(data.X_train[:, :2], 0, atol=1e-15)


def test_columns_are_chosen(tmp_path):
    rows = [[i * 1.5, 10 + i, i % 4, i % 2] for i in range(20)]
    path = table(tmp_path, ["at", "id", "n", "k"], rows)
    assert table_data(path, "k").features == ("at", "n")
    assert table_data(path, "k", without=["n"]).features == ("at",)
    assert table_data(path, "k", without="n").features == ("at",)
    assert table_data(path, "k", only=["n", "id"], kinds={"id": "number"}).features == ("id", "n")
    words = table_data(path, "k", kinds={"n": "words"})
    assert words.features == ("at", "n = 0", "n = 1", "n = 2", "n = 3")
    whole = [[f"2020{1 + i % 12:02d}{1 + i % 28:02d}", i * 1.5, i % 2] for i in range(40)]
    path = table(tmp_path, ["day", "at", "k"], whole)
    dated = table_data(path, "k", kinds={"day": "date"})
    assert dated.features == ("day month", "day day", "day weekday", "at")


@for_each(
    "options, complaint",
    [
        ({"without": ["m"]}, "no column 'm'"),
        ({"only": ["m"]}, "no column 'm'"),
        ({"kinds": {"m": "words"}}, "no column 'm'"),
        ({"kinds": {"n": "word"}}, "the kind of 'n' must be 'number' or"),
        ({"missing": "skip"}, "missing must be 'fill' or 'drop'"),
        ({"only": ["k"]}, "no column beside the target"),
        ({"without": ["at", "n"]}, "no column beside the target"),
        ({"kinds": {"n": "date"}}, "column 'n': its cells are no dates"),
    ],
)
def test_what_can_t_be_chosen_is_refused(tmp_path, options, complaint):
    path = table(tmp_path, ["at", "n", "k"], [[i * 1.5, i % 4, i % 2] for i in range(20)])
    with pytest.raises(ValueError, match=complaint):
        table_data(path, "k", **options)


def test_the_words_of_the_target_are_classes_however_numbers_are_written(tmp_path):
    rows = [[i * 1.5, ["0", "1", "1.0"][i % 3]] for i in range(30)]
    data = table_data(table(tmp_path, ["at", "k"], rows), "k")
    assert data.classes == ("0", "1") and data.loss is bernoulli_nll
    assert "to predict a number: --loss gaussian" in dict(data.told)["k (to predict)"]
    assert word("1.0") == "1" and word("1.5") == "1.5" and word("007") == "007"
    big = [[i * 1.5, 2**53 + i % 3] for i in range(30)]
    assert len(table_data(table(tmp_path, ["at", "k"], big), "k").classes) == 3


@for_each("word", ["None", "unknown", "missing"])
def test_a_word_that_may_say_nothing_is_a_class_and_doubted_among_numbers(tmp_path, word):
    rows = [[i * 1.5, word if i % 8 == 0 else i % 2] for i in range(40)]
    data = table_data(table(tmp_path, ["at", "k"], rows), "k")
    assert data.classes == ("0", "1", word)
    assert f"(is '{word}' an answer, among numbers?" in dict(data.told)["k (to predict)"]
    rows = [[i * 1.5, [word, "red", "1"][i % 3]] for i in range(40)]
    data = table_data(table(tmp_path, ["at", "k"], rows), "k")
    assert "answer" not in dict(data.told)["k (to predict)"]


def test_whole_numbers_that_hardly_repeat_are_numbers(tmp_path):
    rows = [[i * 1.5, 100 * i] for i in range(8)]
    assert table_data(table(tmp_path, ["at", "k"], rows), "k").classes == ()


# What is kept


def trained(tmp_path):
    """A network for a table with all kinds of columns, not trained; and the table's path."""
    rows = [
        [
            i / 4 if i % 7 else "",
            "abc"[i % 3] if i % 5 else "NA",
            DATES[i % 4],
            i % 2 == 0,
            i,
            i % 2,
        ]
        for i in range(60)
    ]
    path = table(tmp_path, ["n", "w", "day", "on", "id", "k"], rows)
    data = table_data(path, "k")
    net = MLP(len(data.features), [4, data.outputs], "tanh", rng=np.random.default_rng(0))
    save(net, tmp_path / "net.npz", Table.of(data))
    return path, data, net


def test_a_network_s_file_keeps_the_columns(tmp_path):
    _, data, _ = trained(tmp_path)
    assert [column.kind for column in data.columns] == ["number", "words", "date", "truth"]
    _, kept = load_table(tmp_path / "net.npz")
    assert kept == Table.of(data)
    assert kept.columns == data.columns
    json.dumps(kept.to_json())


@for_each(
    "change",
    [
        {"kind": "picture"}, {"kind": None}, {"name": 3}, {"fill": [nan]}, {"fill": ["1"]},
        {"fill": []}, {"fill": [1.0, 2.0]}, {"gaps": 1}, {"gaps": False}, {"about": None},
        {"name": "other"},
    ],
)  # fmt: skip
def test_a_damaged_column_is_refused(tmp_path, change):
    about = json.loads(json.dumps(Table.of(trained(tmp_path)[1]).to_json()))
    Table.from_json(about)
    about["columns"][0] = {**about["columns"][0], **change}
    with pytest.raises((ValueError, KeyError, TypeError)):
        Table.from_json(about)


@for_each(
    "kind, about",
    [
        ("words", {"words": [], "other": True}),
        ("words", {"words": ["a", "a"], "other": True}),
        ("words", {"words": "ab", "other": True}),
        ("words", {"words": ["a"], "other": 1}),
        ("words", {"words": ["a"]}),
        ("date", {"way": "%q", "parts": ["year"]}),
        ("date", {"way": WAYS[0], "parts": ["century"]}),
        ("date", {"way": WAYS[0], "parts": []}),
        ("date", {"way": WAYS[0], "parts": ["year"], "last": "2068"}),
        ("date", {"way": WAYS[0], "parts": ["year"], "last": 9}),
        ("number", {"spelling": "Roman", "units": []}),
        ("number", {"spelling": "plain", "units": [3]}),
        ("number", {"spelling": "plain", "units": 3}),
    ],
)
def test_so_is_what_a_kind_can_t_keep(kind, about):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Column.from_json({"name": "x", "kind": kind, "fill": [0.0], "gaps": False, "about": about})


# Predictions


def read(text):
    head, *rows = csv.reader(io.StringIO(text))
    return head, rows


def test_rows_come_back_with_predictions_in_any_order_and_with_more_columns(tmp_path):
    path, data, net = trained(tmp_path)
    kept = Table.of(data)
    file = CsvFile(path)
    rows = [row for _, row in file.rows()]
    order = [3, 1, 0, 2]  # without id and k
    other = [[*[row[j] for j in order], f"note {i}"] for i, row in enumerate(rows)]
    head = [*[file.header[j] for j in order], "note"]
    there = read(predictions(net, kept, path).text)
    found = read(predictions(net, kept, table(tmp_path, head, other, "other.csv", ";")).text)
    assert found[0] == [*head, "predicted k", "P(0)", "P(1)"]
    assert [row[:5] for row in found[1]] == other
    assert [row[5:] for row in found[1]] == [row[6:] for row in there[1]]
    a = net.predict(np.vstack([data.X_train, data.X_test]))
    p = sorted(float(row[8 - 1]) for row in there[1])
    np.testing.assert_allclose(sorted(1 - 1 / (1 + np.exp(-a))), p, atol=1e-6)


def test_cells_that_were_not_met_are_read_as_said(tmp_path):
    _, data, net = trained(tmp_path)
    head = ["n", "w", "day", "on"]
    rows = [["", "a", DATES[0], "True"], ["1", "new", DATES[0], "True"],
            ["oops", "a", "24 Dec 2020", "True"], ["1", "a", "", "maybe"]]  # fmt: skip
    found = predictions(net, Table.of(data), table(tmp_path, head, rows, "new.csv"))
    notes = " | ".join(found.notes)
    assert found.n == 4
    for part in (
        "'n': 'oops': no number, so taken as missing", "'w': 'new': not among the words",
        "'on': 'maybe': no truth", "'day': 1 missing, filled by the training's median",
    ):  # fmt: skip
        assert part in notes
    assert "24 Dec" not in notes  # a date all the same
    cells = CsvFile(tmp_path / "new.csv").columns(head, head)[1]
    every = np.arange(4)
    by_name = {column.name: column.numbers(cells[column.name], every) for column in data.columns}
    assert by_name["n"][:, 0].tolist() == [data.columns[0].fill[0], 1, data.columns[0].fill[0], 1]
    assert by_name["n"][:, 1].tolist() == [1, 0, 1, 0]
    assert by_name["w"][:, :3].tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert by_name["day"][2, :2].tolist() == [2020, 12]
    assert by_name["on"][:3].ravel().tolist() == [1, 1, 1]


def test_dates_are_read_as_in_training_or_as_only_they_can_be(tmp_path):
    rows = [[f"{1 + i % 12}/{1 + i % 28}/2024", "ny"[i % 2]] for i in range(60)]
    data = table_data(table(tmp_path, ["d", "k"], rows), "k")
    assert "month/day/year:" in dict(data.told)["d"]
    net = MLP(len(data.features), [1], rng=np.random.default_rng(0))

    def says(*dates):
        new = table(tmp_path, ["d", "more"], [[date, 1] for date in dates], "new.csv")
        found = predictions(net, Table.of(data), new)
        return [row[2:] for row in read(found.text)[1]], found.notes

    april, june = (says(date)[0] for date in ("4/6/2024", "6/4/2024"))
    assert april != june
    # In a column with 25/3/2024, months stand second, whatever stood first in training.
    found, (note,) = says("6/4/2024", "25/3/2024")
    assert found[:1] == april
    assert note.endswith("dates as day/month/year, in training as month/day/year: they are read "
                         "as they look here")  # fmt: skip
    found, notes = says("6/4/2024", "25/3/2024", "3/25/2024")  # of both kinds: as in training
    assert found[:1] == june and not notes


def test_years_of_two_digits_are_not_read_where_those_of_the_training_had_four(tmp_path):
    rows = [[f"{1 + i % 12}/{13 + i % 15}/{1960 + i % 30}", i % 7, i % 2] for i in range(40)]
    data = table_data(table(tmp_path, ["x", "n", "k"], rows), "k")
    new = table(tmp_path, ["x", "n"], [["3/25/65", 1], ["4/26/66", 2]], name="new.csv")
    cells = CsvFile(new).columns(["x"], ["x"])[1]["x"]
    column = next(one for one in data.columns if one.name == "x")
    assert KINDS["date"].unknown(cells, column.about) == ["3/25/65", "4/26/66"]


def test_dates_of_two_kinds_in_a_column_are_said(tmp_path):
    rows = [[f"{1 + i % 12}/{1 + i % 28}/2024", "ny"[i % 2]] for i in range(60)]
    rows[7][0] = "2024-01-31"
    told = dict(table_data(table(tmp_path, ["d", "k"], rows), "k").told)
    assert "month/day/year, some year-month-day (write all alike): " in told["d"]


def test_what_is_true_may_be_1_in_new_rows(tmp_path):
    _, data, net = trained(tmp_path)
    on = next(column for column in data.columns if column.kind == "truth")
    rows = [["1", "a", DATES[0], text] for text in ("1", "0", "1.0", "FALSE")]
    new = table(tmp_path, ["n", "w", "day", "on"], rows, "new.csv")
    assert not any("truth" in note for note in predictions(net, Table.of(data), new).notes)
    _, cells = CsvFile(new).columns(["on"], ["on"])
    assert on.numbers(cells["on"], np.arange(4))[:, 0].tolist() == [1, 0, 1, 0]


THOUSANDS = [f"{1 + i}.{i * 37 % 1000:03},5" for i in range(40)]


@for_each(
    "met, texts, values, note",
    [
        (THOUSANDS, ["1.234", "1.234,5", "7"], [1234, 1234.5, 7], ""),
        (["1,234", "2,5"] * 10, ["1,234", "0,5"], [1.234, 0.5], ""),
        (
            THOUSANDS,
            ["1234.5", "987.125", "12.5"],
            [1234.5, 987.125, 12.5],
            "written plainly, in training with decimal commas, and points between thousands",
        ),
        (
            ["1,234", "2,500"] * 10,
            ["1,234", "1,5", "x"],
            [1234, None, None],
            "(with commas between thousands)",
        ),
        ([f"{i}.5" for i in range(20)], ["1,234", "x"], [None] * 2, "(written plainly)"),
        (
            [f"{i}.5" for i in range(20)],
            ["1,25", "3"],
            [1.25, 3],
            "numbers with decimal commas, in training written plainly: they are read as they look",
        ),
        ([f"{i}.5" for i in range(20)], ["600", "1.007"] * 3, [600, 1.007] * 3, "read as decimal"),
        (["5%", "7 %"] * 10, ["0.4", "0", "3"], [0.4, 0, 3], "without a unit, in training in %"),
        (["0.5", "0.25"] * 10, ["40%", "0.4"], [40, 0.4], "without a unit or in %, in training wi"),
        (["$5", "7"] * 10, ["$3", "4"], [3, 4], ""),
        (["80 kg", "7,5kg"] * 10, ["1,234 kg", "2 kg"], [1.234, 2], ""),
        (["80 kg", "75 kg"] * 10, ["170 lb", "9 lb"], [None] * 2, "no number in kg as in training"),
        (
            ["80 kg", "75 kg"] * 10,
            ["80 kg", "170 lb"],
            [80, None],
            "'170 lb': no number in kg as in",
        ),
        (["80 kg", "75 kg"] * 10, ["80", "7"], [80, 7], "without a unit, in training in kg"),
        (["80 years", "75 years"] * 10, ["1 year"], [1], ""),
        (["80", "75"] * 10, ["80 kg"], [None], "'80 kg': no number without a unit as in training"),
        (["80", "75"] * 10, ["80 kg", "7"], [None, 7], "'80 kg': no number without a unit as in"),
        (["80", "75"] * 10, ["5.5k", "7"], [None, 7], "'5.5k': no number without a unit as in tr"),
        (["$80", "$75"] * 10, ["80 kg"], [None], "'80 kg': no number in $ as in training"),
        (["0 kg", "0"] * 10, ["0 kg"], [0], ""),
        (["80 kg", "75 kg"] * 10, ["$80", "7%"], [None] * 2, "'$80', '7%': no number in kg as in"),
        (["80 kg", "75 kg"] * 10, ["80", "9 KG", "7 kgs", "0"], [80, 9, 7, 0], "without a unit or"),
        (["80 kg", "75 kg"] * 10, [*["5 lb"] * 20, "80"], [*[None] * 20, 80], "without a unit, in"),
    ],
)
def test_numbers_are_read_as_they_were_written_in_training(tmp_path, met, texts, values, note):
    rows = [[text, i * 1.5, "no" if i % 2 else "yes"] for i, text in enumerate(met)]
    delimiter = ";" if "2,5" in met else ","
    data = table_data(table(tmp_path, ["x", "at", "k"], rows, delimiter=delimiter), "k", seed=1)
    kept = Table.from_json(json.loads(json.dumps(Table.of(data).to_json())))
    new = table(tmp_path, ["x", "at"], [[text, 1] for text in texts], "new.csv")
    column, net = kept.columns[0], MLP(2, [1], rng=np.random.default_rng(0))
    cells = CsvFile(new).columns(["x"], ["x"] if column.wants_texts else [])[1]["x"]
    cells = replace(cells, new=True)
    found = column.numbers(cells, np.arange(len(texts))).ravel().tolist()
    assert found == pytest.approx([column.fill[0] if v is None else v for v in values])
    notes = " | ".join(predictions(net, kept, new).notes)
    assert note in notes and bool(note) == bool(notes)


def test_a_network_of_old_reads_numbers_as_they_look(tmp_path):
    column = Column("x")
    for texts, values in ((["1,234", "5"], [1234, 5]), (["0,25", "5"], [0.25, 5])):
        cells = cells_of(tmp_path, texts)
        assert column.numbers(cells, np.arange(2)).ravel().tolist() == values


def test_one_row_is_predicted_and_files_without_a_header_are(tmp_path):
    lines = [f"{i / 4},{i % 3 / 7},{'ab'[i % 2]}" for i in range(30)]
    path = tmp_path / "bare.csv"
    path.write_text("\n".join(lines))
    data = table_data(path, "column 3")
    net = MLP(2, [3, 1], rng=np.random.default_rng(0))
    whole = read(predictions(net, Table.of(data), path).text)[1]
    (tmp_path / "one.csv").write_text(lines[4])
    assert read(predictions(net, Table.of(data), tmp_path / "one.csv").text)[1] == whole[4:5]

    (tmp_path / "names.csv").write_text(f"a,b,k\n{lines[4]}\n")
    found = predictions(net, Table.of(data), tmp_path / "names.csv")
    assert read(found.text)[1][1:] == whole[4:5]
    assert "columns without names: so the first row, a, b, k, is taken for data" in str(found.notes)


def test_a_table_without_names_is_refused_and_that_is_said(tmp_path):
    _, data, net = trained(tmp_path)
    bare = table(tmp_path, ["1", "2"], [[3, 4], [5, 6]], "bare.csv")
    with pytest.raises(ValueError, match=r"is without .*no header was found.*--header yes"):
        predictions(net, Table.of(data), bare)


def test_predictions_beside_earlier_ones_have_names_of_their_own(tmp_path):
    rows = [[i * 7 % 11, "ny"[i % 2]] for i in range(40)]
    data = table_data(table(tmp_path, ["a", "k"], rows), "k")
    net = MLP(1, [1], rng=np.random.default_rng(0))
    again = table(tmp_path, ["a", "predicted k", "P(n)"], [[1, "n", 0.9]], "again.csv")
    found = predictions(net, Table.of(data), again)
    assert read(found.text)[0][3:] == ["predicted k (2)", "P(n) (2)", "P(y)"]
    assert "another 'predicted k': it is called 'predicted k (2)' here" in str(found.notes)


def test_numbers_are_read_once_in_each_way(tmp_path, monkeypatch):
    rows = [[f"{i},5", "ny"[i % 2]] for i in range(40)]
    data = table_data(table(tmp_path, ["a", "k"], rows, delimiter=";"), "k")
    new = table(tmp_path, ["a"], [[f"{i}.25"] for i in range(30)], "new.csv", ";")
    ways, once = [], Cells._numbers_in
    monkeypatch.setattr(
        Cells, "_numbers_in", lambda self, way, word: ways.append(way.name) or once(self, way, word)
    )
    predictions(MLP(1, [1], rng=np.random.default_rng(0)), Table.of(data), new)
    assert sorted(ways) == sorted({*ways}) and "decimal commas" in ways


def test_what_was_only_tried_is_not_said(tmp_path):
    rows = [[i * 7 % 11, i * 3 % 7, i * 5 % 9, "ny"[i % 2]] for i in range(40)]
    path = table(tmp_path, ["2019", "2020", "2020", "k"], rows)
    data = table_data(path, "k", header=True)
    new = table(tmp_path, ["2019", "2020", "2020"], [[3, 4, 5], [5, 6, 1]], "new.csv")
    found = predictions(MLP(3, [1], rng=np.random.default_rng(0)), Table.of(data), new)
    assert found.n == 2 and "no header" not in str(found.notes)
    assert str(found.notes).count("another '2020'") == 1


@for_each(
    "cell, written",
    [
        ("=1+1", "'=1+1"), ("+1+1", "'+1+1"), ("-1+1", "'-1+1"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("-1.5", "-1.5"), ("+3", "+3"), ("-1,5", "-1,5"),
        ("-", "-"), ("a=1", "a=1"), ("", ""), ("-1e5", "-1e5"), ("-cmd", "'-cmd"), ("--", "--"),
        ("-nan", "'-nan"), ("\n=1", "'\n=1"), ("\uff1d1", "'\uff1d1"),
        ("-$5", "-$5"), ("-A1", "'-A1"),
    ],
)  # fmt: skip
def test_formulas_are_made_harmless(cell, written):
    assert harmless(cell) == written


def test_so_they_are_in_what_is_written(tmp_path):
    rows = [[i * 1.5, "=cmd|' /C calc'!A0", i % 2] for i in range(20)]
    path = table(tmp_path, ["at", "@note", "k"], rows)
    data = table_data(path, "k")
    net = MLP(1, [1], rng=np.random.default_rng(0))
    head, rows = read(predictions(net, Table.of(data), path).text)
    assert head[1] == "'@note" and {row[1] for row in rows} == {"'=cmd|' /C calc'!A0"}


def test_each_kind_is_tried_here():
    assert list(KINDS) == ["number", "truth", "date", "words"]


# DataFrames as X


@pytest.mark.slow
def test_fit_takes_a_frame_of_numbers_and_refuses_words_by_name():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"a": [1.0, 2.0, 3.0], "b": [True, False, True], "c": [3, 1, 2]}
    for library in (pandas, polars):
        X = numeric_array(library.DataFrame(columns), "X")
        np.testing.assert_array_equal(X, [[1, 1, 3], [2, 0, 1], [3, 1, 2]])
        net = MLP(3, [1], rng=np.random.default_rng(0))
        options = {"epochs": 1, "batch_size": 3, "lr": 0.1, "progress": False}
        fit(net, bernoulli_nll, library.DataFrame(columns), [0, 1, 1], **options)
        before = net.state_dict()
        words = library.DataFrame({**columns, "sex": ["m", "f", "m"]})
        with pytest.raises(
            ValueError, match=r"X has a column 'sex'.*nn\.table_data\(frame, target"
        ):
            fit(net, bernoulli_nll, words, [0, 1, 1], epochs=1, batch_size=3, lr=0.1)
        for name, array in net.state_dict().items():
            np.testing.assert_array_equal(array, before[name])


def test_a_column_that_gives_the_target_away_is_said(tmp_path):
    rows = [[i * 1.5, ["no", "yes"][i % 2], "ab"[i % 3 > 0], i % 2] for i in range(40)]
    path = table(tmp_path, ["at", "alive", "w", "survived"], rows)
    told = [which for which, what in table_data(path, "survived").told if "alone tells" in what]
    assert told == ["alive"]
    rows[7][1] = rows[9][1] = ""  # and where a few cells are missing
    path = table(tmp_path, ["at", "alive", "w", "survived"], rows)
    told = [which for which, what in table_data(path, "survived").told if "alone tells" in what]
    assert told == ["alive"]


def test_prices_with_a_currency_are_predicted_as_numbers(tmp_path):
    rows = [[i * 7 % 11, f"{i * 3 % 37},50 EUR"] for i in range(40)]
    path = table(tmp_path, ["a", "price"], rows, delimiter=";")
    data = table_data(path, "price")
    assert data.classes == () and "decimal commas, in EUR" in dict(data.told)["price (to predict)"]
    found = predictions(MLP(1, [1], rng=np.random.default_rng(0)), Table.of(data), path)
    assert found.text.splitlines()[1].startswith('0,"0,50 EUR",')
    cold = table(tmp_path, ["a", "t"], [[i, "-5 °C"] for i in range(3)])
    found = predictions(MLP(1, [1], rng=np.random.default_rng(0)), Table.of(data), cold)
    assert found.text.splitlines()[1].startswith("0,-5 °C,")  # a number, and no formula


def test_rows_are_predicted_whatever_their_numbers_say(tmp_path):
    rows = [[i * 7 % 11, i % 5, "ny"[i % 2]] for i in range(40)]
    data = table_data(table(tmp_path, ["a", "b", "k"], rows), "k")
    net = MLP(2, [1], rng=np.random.default_rng(0))
    odd = [["oops", 3, "z"], ["oops", "", "z"], ["unknown", "none", ""]]
    for first in odd:
        new = table(tmp_path, ["a", "b", "k"], [first, *rows], "new.csv")
        found = predictions(net, Table.of(data), new)
        assert found.n == len(rows) + 1
        lines = found.text.splitlines()[1:]
        assert [line.split(",")[:3] for line in lines] == [
            list(map(str, r)) for r in [first, *rows]
        ]
    new = table(tmp_path, ["a", "b", "k"], [["How old?", "How happy?", "Again?"], *rows], "new.csv")
    found = predictions(net, Table.of(data), new)
    lines = found.text.splitlines()[1:]
    assert found.n == len(rows) and "left out: 'How old?" in str(found.notes)
    assert [line.split(",")[:3] for line in lines] == [list(map(str, row)) for row in rows]


def test_numbers_in_several_units_are_said_where_they_are_not_read(tmp_path):
    rows = [[f"{i * i}.5 {'EUR' if i % 2 else 'USD'}", i * 3 % 17, "ny"[i % 2]] for i in range(30)]
    path = table(tmp_path, ["price", "a", "k"], rows)
    said = "(numbers in EUR or in USD? Write all in one unit)"
    assert said in dict(table_data(path, "k").told)["price"]
    for target, kinds in (("price", {}), ("k", {"price": "number"})):
        with pytest.raises(ValueError, match=re.escape(said)):
            table_data(path, target, kinds=kinds)
    rows = [[f"{i * i} {'abcde'[i % 5] * 4} St", i * 3 % 17, "ny"[i % 2]] for i in range(30)]
    path = table(tmp_path, ["address", "a", "k"], rows)
    assert dict(table_data(path, "k").told)["address"].endswith("30 different words in 30 rows")


@for_each(
    "units, said",
    [
        (["km/h", "m/s"], " (numbers in km/h or in m/s? Write all in one unit)"),
        (["Celsius", "Kelvins"], " (numbers in Celsius or in Kelvins? Write all in one unit)"),
        (["", "kg"], " (numbers without a unit or in kg? Write all in one unit)"),
        (["g", "Kg", "kg"], " (numbers in Kg or in g? Write all in one unit)"),
        (["A", "B", "C"], ""),
        (["Main St", "Elm St"], ""),
        (["k"], " (numbers with 'k' behind them? Write them out)"),
        (["k", "M", ""], " (numbers with 'M' behind them? Write them out)"),
        (["k", "kg"], " (numbers in k or in kg? Write all in one unit)"),
    ],
)
def test_units_are_said_as_they_are_written(tmp_path, units, said):
    texts = [f"{i * i + 2} {units[i % len(units)]}" for i in range(30)]
    assert cells_of(tmp_path, texts).in_several_units == said
