"""The playground's data: points made and painted, tables read, packed sets; in a real browser.

The scripts run as a page carries them, squeezed. A generator is a tape of numbers: where Python
drew the same ones, sets are compared with what NumPy makes of them.
"""

import base64
import csv
import io
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from autograd.show.live import squeezed
from nn.data.cells import MISSING, parsed
from nn.data.datasets import _moons, load
from nn.data.reading import load_csv, table_data
from nn.show.packing import Set, encoded
from tests import browser

pytestmark = [pytest.mark.slow, pytest.mark.tools("browser")]

SHOW = Path(__file__).parent.parent / "nn" / "show"
NAMES = ("play_table", "play_columns", "play_data")
SCRIPT = squeezed("\n".join((SHOW / f"{name}.js").read_text(encoding="utf-8") for name in NAMES))
RUN = """
class Tape {
  constructor(drawn) {
    this.drawn = drawn;
    this.at = 0;
  }
  take(kind) {
    const [is, value] = this.drawn[this.at++] ?? ["at its end"];
    if (is !== kind) throw new Error(`the tape is ${is}, not ${kind}`);
    return value;
  }
  next() { return this.take("next"); }
  normal() { return this.take("normal"); }
  permutation(n) {
    const order = this.take("permutation");
    if (order.length !== n) throw new Error(`an order of ${order.length}, not of ${n}`);
    return Int32Array.from(order);
  }
}
class Random { // any numbers, where they do not matter
  constructor(seed) { this.state = seed + 1; }
  next() { return (this.state = (this.state * 16807) % 2147483647) / 2147483647; }
  normal() { return 2 * this.next() - 1; }
  permutation(n) { return Int32Array.from({ length: n }, (_, i) => n - 1 - i); }
}
const base64 = (array) =>
  btoa(Array.from(new Uint8Array(array.buffer), (c) => String.fromCharCode(c)).join(""));
const sent = (x) => {
  if (x instanceof Float64Array) return { floats: base64(x) };
  if (ArrayBuffer.isView(x)) return { whole: Array.from(x), kind: x.constructor.name };
  if (Array.isArray(x)) return x.map(sent);
  if (x === null || typeof x !== "object") return Number.isNaN(x) ? null : x;
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, sent(v)]));
};
const calls = {
  made, painted, heldOut, noisy, shuffledLabels, decoded, unpacked, csvRecords, readTable,
  numeral: (text) => Float64Array.of(numeralOf(text, false)),
  sorted: (words) => words.sort(byCharacters),
  menu: () => MADE.map(({ kind, name, likelihoods, d0 }) => ({ kind, name, likelihoods, d0 })),
  onPoints: (then, points, likelihood, classes, ...more) =>
    calls[then](painted(points, likelihood, classes), ...more),
  table: (text, options) => tableSet(readTable(text, "t.csv"), options),
  onTable: (then, text, options, ...more) => calls[then](calls.table(text, options), ...more),
  repeated: (text, times) => readTable(text.repeat(times), "t.csv"),
  targets: (text, likelihood) => targetsFor(readTable(text, "t.csv"), likelihood),
};
return arguments[0].map(([call, ...given]) => {
  const tapes = [], arrived = (x) => {
    if (Array.isArray(x)) return x.map(arrived);
    if (x === null || typeof x !== "object") return x;
    if ("tape" in x) return tapes[tapes.push(new Tape(x.tape)) - 1];
    return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, arrived(v)]));
  };
  try {
    const result = sent(calls[call](...given.map(arrived)));
    if (tapes.some(({ at, drawn }) => at !== drawn.length)) throw new Error("some tape is left");
    return { result };
  } catch (error) {
    return { error: error.message, kind: error.constructor.name };
  }
});
"""


class Recorder:
    """A generator that keeps what it has drawn."""

    def __init__(self, seed):
        self.rng, self.drawn = np.random.default_rng(seed), []

    def keep(self, kind, x):
        self.drawn.append((kind, x.tolist() if isinstance(x, np.ndarray) else x))
        return x

    def random(self):
        return self.keep("next", self.rng.random())

    def normal(self):
        return self.keep("normal", self.rng.normal())

    def permutation(self, n):
        return self.keep("permutation", self.rng.permutation(n))

    @property
    def tape(self):
        return {"tape": self.drawn}


def received(x):
    if isinstance(x, list):
        return [received(v) for v in x]
    if not isinstance(x, dict):
        return x
    if "floats" in x:
        return np.frombuffer(base64.b64decode(x["floats"]))
    if "whole" in x:
        return x["whole"]
    return {k: received(v) for k, v in x.items()}


class Page:
    """Calls functions of the scripts, many at once."""

    def __init__(self, driver):
        self.driver = driver

    def answers(self, calls):
        """What each call returned, or its error."""
        return self.driver.execute_script(f"{SCRIPT}\n{RUN}", calls)

    def __call__(self, *calls):
        """What each call returned."""
        results = self.answers(calls)
        for call, answer in zip(calls, results, strict=True):
            assert "error" not in answer, (answer, call)
        return [received(answer["result"]) for answer in results]

    def refusals(self, *calls):
        results = self.answers(calls)
        for call, answer in zip(calls, results, strict=True):
            assert answer.get("kind") == "Error", (answer, call)
        return [answer["error"] for answer in results]


@pytest.fixture(scope="module")
def page():
    driver = browser.start()
    yield Page(driver)
    driver.quit()


def refused(page, *cases):
    """Calls, and what each one's error says."""
    calls, said = zip(*((case[:-1], case[-1]) for case in cases), strict=True)
    for error, part in zip(page.refusals(*calls), said, strict=True):
        assert part in error


def inputs(data):
    return data["X"].reshape(data["n"], data["d0"])


def check_set(data):
    """What every set has."""
    n, d0 = data["n"], data["d0"]
    assert len(data["y"]) == n and data["X"].shape == (n * d0,)
    assert len(data["features"]) == d0 == len(data["mean"]) == len(data["scale"])
    assert sorted(data["train"] + data["held"]) == list(range(n))
    assert [i for i in range(n) if data["test"][i]] == data["held"]
    assert np.isfinite(data["X"]).all() and np.isfinite(data["y"]).all()
    if data["classes"]:
        assert set(data["y"]) <= set(range(len(data["classes"])))
        assert (data["yMean"], data["yScale"]) == (0, 1)


# Points


def run_source(source, seed=0):
    """What the lines of Python make, and what they drew."""
    drawn = Recorder(seed)
    space = {"Recorder": lambda given: drawn if given == seed else None}
    exec(source.replace("np.random.default_rng(", "Recorder("), space)
    return space, drawn


def test_made_points_are_those_of_their_lines_of_python(page):
    (menu,) = page(["menu"])
    cases = [
        (row["kind"], {"n": n, "noise": noise, "seed": 5, "likelihood": likelihood, "classes": K})
        for row in menu
        for likelihood in row["likelihoods"]
        for n, noise in [(2, 0.5), (101, 0.0), (60, 0.3)]
        for K in ([2, 5] if likelihood == "categorical" and n > 2 else [2])
    ]
    drafts = page(*(["made", *case] for case in cases))
    runs = [run_source(draft["source"], 5) for draft in drafts]
    sets = page(*(
        ["made", kind, {**given, "rng": drawn.tape}]
        for (kind, given), (_, drawn) in zip(cases, runs, strict=True)
    ))  # fmt: skip
    d0 = {row["kind"]: row["d0"] for row in menu}
    for (kind, given), (space, _), data in zip(cases, runs, sets, strict=True):
        check_set(data)
        assert (data["n"], data["d0"]) == (given["n"], d0[kind])
        assert data["likelihood"] == given["likelihood"] and data["held"] == []
        np.testing.assert_allclose(inputs(data), space["X"], rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(data["y"], space["y"], rtol=1e-13, atol=1e-13)
        if given["likelihood"] == "gaussian":
            assert data["classes"] == []
            continue
        counts = Counter(data["y"])
        assert len(data["classes"]) == given["classes"]
        if kind != "xor":
            assert max(counts.values()) - min(counts.values()) <= 1
    # Drawn and not counted off: the tape of one kind does not fit another.
    (answer,) = page.answers([["made", "plane", {"n": 2, "rng": runs[0][1].tape}]])
    assert answer["error"].startswith("the tape is")


def test_made_points_stand_where_people_know_them(page):
    (menu,) = page(["menu"])
    names = [row["kind"] for row in menu]
    assert names == ["circles", "xor", "moons", "blobs", "spirals", "plane", "waves", "sine"]
    for name, data in zip(
        names, page(*(["made", name, {"n": 300}] for name in names)), strict=True
    ):
        X, y = inputs(data), data["y"]
        assert 0.45 < np.abs(X).max() <= 1.01 and len(np.unique(X, axis=0)) == 300
        assert np.abs(y).max() <= 1.0
        if data["classes"] and name != "blobs":
            X, y = X[(apart := np.hypot(*X.T) > 0.2)], y[apart]  # spirals begin in one place
            between = np.hypot(*(X[y == 0][:, None] - X[y == 1][None]).T)
            assert between.min() > 0.05, name
    circles, xor, moons, blobs, *_ = page(*(["made", name, {"n": 501}] for name in names))
    radius = np.hypot(*inputs(circles).T)
    assert radius[circles["y"] == 0].max() <= 0.5 and radius[circles["y"] == 1].min() >= 0.7
    np.testing.assert_array_equal(xor["y"], (np.sign(inputs(xor)).prod(axis=1) < 0))
    X, y = _moons(501, 0.0, 0)
    ours = inputs(moons) * moons["scale"] + moons["mean"]
    for k in (0, 1):
        theirs = sorted(np.round(X[y == k], 9).tolist())
        np.testing.assert_allclose(sorted(np.round(ours[moons["y"] == k], 9).tolist()), theirs)
    blobs, spirals = page(
        ["made", "blobs", {"n": 400, "classes": 4}], ["made", "spirals", {"n": 500, "classes": 5}]
    )
    arms = [inputs(spirals)[spirals["y"] == k] @ [1, 1j] for k in range(5)]
    for k, arm in enumerate(arms):
        np.testing.assert_allclose(arm, arms[0] * np.exp(-2j * np.pi * k / 5), atol=1e-12)
        assert (np.diff(np.unwrap(np.angle(arm))) < 0).all()
        assert abs(np.ptp(np.unwrap(np.angle(arm))) / (2 * np.pi) - 3.5 / 5) < 0.01
    assert blobs["likelihood"] == "categorical" and len(blobs["classes"]) == 4
    X, y = inputs(blobs), blobs["y"]
    centres = np.array([X[y == k].mean(axis=0) for k in range(4)])
    np.testing.assert_allclose(np.hypot(*centres.T), 0.6, atol=0.1)


def test_points_that_cannot_be_made_are_refused(page):
    refused(
        page,
        ("made", "rings", {}, 'no points of the kind "rings": choose from circles, xor'),
        ("made", "xor", {**GAUSSIAN}, "made for bernoulli, not for gaussian"),
        ("made", "moons", {"n": 1}, "The number of points must be a whole number from 2"),
        ("made", "moons", {"n": 2.5}, "The number of points must be a whole number from 2"),
        ("made", "moons", {"noise": -1}, "The noise must be a number from 0 on, got -1"),
        ("made", "moons", {"noise": "x"}, "The noise must be a number from 0 on, got x"),
        ("made", "blobs", {"classes": 60, "n": 100}, "whole number from 2 to 50, got 60"),
        ("painted", [], "bernoulli", "There are no points yet"),
        (
            "painted",
            [[0, 0, 2]],
            "bernoulli",
            "class of point 1 must be a whole number from 0 to 1",
        ),
        ("painted", [[0, 0, 0.5]], "categorical", "class of point 1 must be a whole number from 0"),
        ("painted", [[0, 0, 0], [0, None, 1]], "bernoulli", "Point 2 is not of finite numbers"),
        ("painted", [[0, 0, 0]], "bernoulli", ["a", "b", "c"], "bernoulli is for two classes"),
    )


def test_painted_points(page):
    points = [[0.1, -0.2, 1], [0.3, 1e-7, 0], [-1.5, 0.7, 1]]
    two, three, numbers = page(
        ["painted", points, "bernoulli", ["no", "yes"]],
        ["painted", points, "categorical"],
        ["painted", [[*x, 10 * y - 0.5] for *x, y in points], "gaussian"],
    )
    for data in (two, three, numbers):
        check_set(data)
        space, _ = run_source(data["source"])
        np.testing.assert_array_equal(inputs(data), [x for *x, _ in points])
        np.testing.assert_array_equal(space["X"], inputs(data))
        np.testing.assert_array_equal(space["y"], data["y"])
    assert two["classes"] == ["no", "yes"] and two["y"].tolist() == [1, 0, 1]
    assert two["notes"] == [] and three["notes"] == ["Of 3 classes, 2 have points."]
    assert numbers["classes"] == [] and numbers["y"].tolist() == [9.5, -0.5, 9.5]


# Parts, noise


def points_of(targets):
    return [[0.25 * i, (-1) ** i * (i + 1.0), y] for i, y in enumerate(targets)]


def test_a_share_is_held_out_of_each_class(page):
    rng = np.random.default_rng(1)
    cases = []
    for share in (0.0, 0.1, 0.2, 0.29, 0.5, 0.9):
        for counts in ([50, 50], [7, 93], [1, 30, 5], [2] * 12, [0, 4, 9]):
            drawn = Recorder(len(cases))
            y = rng.permutation(np.repeat(np.arange(len(counts)), counts)).tolist()
            wanted = round(len(y) * share)
            order = drawn.permutation(len(y)) if wanted else []
            call = ["onPoints", "heldOut", points_of(y), "categorical", len(counts), share]
            cases.append((call, drawn, np.array(y), counts, share, wanted, order))
    sets = page(*([*call, drawn.tape] for call, drawn, *_ in cases))
    for (_, _, y, counts, share, wanted, order), data in zip(cases, sets, strict=True):
        check_set(data)
        held = data["held"]
        room = sum(max(0, count - 1) for count in counts)
        assert len(held) == min(wanted, room)
        for k, count in enumerate(counts):
            ours = [i for i in held if y[i] == k]
            assert len(ours) <= max(0, count - 1)
            assert abs(len(ours) - count * share) < 1 or len(ours) == count - 1 or wanted > room - 3
            assert sorted(ours) == sorted([i for i in order if y[i] == k][: len(ours)])
        space, _ = run_source(data["source"])
        if held:
            assert space["held"].tolist() == held and space["train"].tolist() == data["train"]
    (few,) = page(["onPoints", "heldOut", points_of([0, 1]), "bernoulli", 2, 0.2, {"tape": []}])
    assert few["held"] == [] and few["notes"] == ["None are held out: 2 are too few for that."]
    refused(page, *(
        ("onPoints", "heldOut", points_of([0, 1]), "bernoulli", 2, share, "from 0 to below 1")
        for share in (-0.1, 1, "a")
    ))  # fmt: skip


def test_noise_and_targets_replaced_at_random(page):
    y = [0, 1, 2, 1, 0, 2, 2, 1, 0, 1, 2, 0]
    noise, classes, numbers = Recorder(0), Recorder(1), Recorder(2)
    normals = np.array([noise.normal() for _ in range(24)]).reshape(12, 2)
    chosen = classes.permutation(12)[:6]
    drawn = [classes.random() for _ in chosen]
    moved = numbers.permutation(12)[:4]
    order = numbers.permutation(4)
    shares = {"tape": []}
    noisy, other, replaced, same, none = page(
        ["onPoints", "noisy", points_of(y), "categorical", 3, 0.5, noise.tape],
        ["onPoints", "shuffledLabels", points_of(y), "categorical", 3, 0.5, classes.tape],
        ["onPoints", "shuffledLabels", points_of(range(12)), "gaussian", 0, 0.3, numbers.tape],
        ["onPoints", "noisy", points_of(y), "categorical", 3, 0, shares],
        ["onPoints", "shuffledLabels", points_of(y), "categorical", 3, 0, shares],
    )
    X = np.array([x for *x, _ in points_of(y)])
    np.testing.assert_allclose(inputs(noisy), X + 0.5 * X.std(axis=0) * normals, rtol=1e-12)
    assert noisy["source"] is None and "0.5 standard deviations" in noisy["notes"][-1]
    expected = np.array(y)
    expected[chosen] = np.floor(3 * np.array(drawn))
    np.testing.assert_array_equal(other["y"], expected)
    expected = np.arange(12.0)
    expected[moved] = moved[order]
    np.testing.assert_array_equal(replaced["y"], expected)
    assert replaced["notes"] == ["The targets of 4 of 12 training rows were replaced at random."]
    assert same["source"] and none["source"] and same["notes"] == none["notes"] == []
    refused(
        page,
        ("onPoints", "noisy", points_of(y), "categorical", 3, -1, shares, "from 0 on, got -1"),
        ("onPoints", "shuffledLabels", points_of(y), "categorical", 3, 2, shares,
         "from 0 to 1, got 2"),
    )  # fmt: skip


def test_held_out_rows_keep_their_targets_and_do_not_set_the_noise(page):
    text = "x,z,t\n" + "".join(f"{i * i},{i},{i}\n" for i in range(20))
    order = {"tape": [("permutation", list(range(20)))]}
    given = {"target": "t", "likelihood": "gaussian", "held": 0.5, "rng": order}
    moved, noise = Recorder(0), Recorder(1)
    normals = np.array([noise.normal() for _ in range(40)])
    moved.permutation(10), moved.permutation(10)
    plain, shuffled, loud = page(
        ["table", text, given],
        ["onTable", "shuffledLabels", text, given, 1, moved.tape],
        ["onTable", "noisy", text, given, 2, noise.tape],
    )
    for data in (plain, shuffled, loud):
        assert data["held"] == list(range(10))
    np.testing.assert_array_equal(shuffled["y"][:10], plain["y"][:10])
    np.testing.assert_array_equal(np.sort(shuffled["y"][10:]), plain["y"][10:])
    assert shuffled["y"].tolist() != plain["y"].tolist()
    # Standardised by the training rows, they have the standard deviation 1.
    np.testing.assert_allclose(loud["X"] - plain["X"], 2.0 * normals, rtol=1e-9, atol=1e-13)


# Tables as they stand in files


ODD = ["", "a", "0", "1.5", "-", " x ", 'say "no"', '"', '""', "a,b", "a;b", "a\tb", "a|b",
       "two\nlines", "\r\n", "\n", "é", "\U0001f600", "<img src=x onerror=alert(1)>", "'", "=1+1",
       "__proto__",
       "constructor", "${x}", "\\", "\u2028", "null"]  # fmt: skip


def test_cells_come_back_as_pythons_csv_wrote_them(page):
    rng = random.Random(0)
    cases = []
    for k in range(300):
        delimiter, width = rng.choice(",;\t|"), rng.randint(2, 5)
        rows = [[
            rng.choice([*ODD, "".join(rng.choices('ab1" ,;\t|\n\r.', k=rng.randint(0, 6)))])
            for _ in range(width)
        ] for _ in range(rng.randint(1, 6))]  # fmt: skip
        end = rng.choice(["\r\n", "\n", "\r"])
        quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
        written = text.getvalue()
        cases.append((rows, written.removesuffix(end) if k % 3 == 0 else written, delimiter))
    read = page(*(["csvRecords", text, delimiter, "f"] for _, text, delimiter in cases))
    for (rows, text, _), records in zip(cases, read, strict=True):
        assert [place for place, _ in records] == list(range(1, len(rows) + 1)), text
        for row, (_, cells) in zip(rows, records, strict=True):
            assert [c.strip() for c in cells] == [c.strip() for c in row], text


def test_numbers_are_pythons_to_the_last_bit(page):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**64, size=400, dtype=np.uint64).view(float)
    x = x[np.isfinite(x)]
    texts = [f(v) for v in x.tolist() for f in (repr, lambda v: f"{v:.17e}", lambda v: f"{v:.5g}")]
    texts += [f"{v:.{k}f}" for k in range(18) for v in rng.normal(scale=100.0, size=10)]
    texts += ["1", "+1", "-0", "-0.0", ".5", "5.", "-.5e-3", "1E5", "1e+05", "007", "4.9e-324",
              "2e-324", "1.7976931348623157e308", "1.7976931348623159e308", "9007199254740993",
              "0." + "3" * 400, "1e999", "-1e999", "inf", "Infinity", "nan", "1_000", "0x10", "0b1",
              "1e", "e5", ".", "+", "--1", "1.2.3", "1,5", "", "1 2", "1n", "½", "1e5.5", "true",
              "[1]"]  # fmt: skip
    for text, found in zip(texts, page(*(["numeral", text] for text in texts)), strict=True):
        expected = parsed(text)
        if expected is None:
            assert np.isnan(found[0]), text
        else:
            assert found[0].hex() == expected.hex(), text


TABLES = {  # of each text: the columns' names, kinds and missing, how many rows, parts of its notes
    "a,b\n1,2\n3,4\n": ("a b", "nn", (0, 0), 2),
    "\ufeffa;b\r\n1,5;2\r\n3,25;4": ("a b", "nn", (0, 0), 2, "decimal points in a."),
    "1,5;2,5;3,5\n1,25;2,5;4,5\n7,5;1,5;2,5\n": (
        "column 1/column 2/column 3", "nnn", (0, 0, 0), 3, "No header was found",
        "decimal points in column 1, column 2, column 3."),
    "a\tb\n1\tx, y\n2\tz\n": ("a b", "nw", (0, 0), 2),
    "a|b\n1|x\n2|\n": ("a b", "nw", (0, 1), 2),
    "a , b\n 1 , x \n\n 2 , \"y\" \n": ("a b", "nw", (0, 0), 2),
    "a,b,c\n1,NA,?\nnan,-,x\nn/a,NULL,y\n": ("a b c", "new", (2, 3, 1), 3),
    # The same cells say nothing as in files that Python reads.
    "a,b\n1,2\n" + "".join(f"{cell},{cell.upper()}\n" for cell in sorted(MISSING - {""})): (
        "a b", "nn", (len(MISSING) - 1,) * 2, len(MISSING)),
    "5.1,3,rose\n4.9,2,lily\n": ("column 1/column 2/column 3", "nnw", (0, 0, 0), 2, "No header"),
    "p,x,p\np,s,n\ne,x,n\n": ("column 1/column 2/column 3", "www", (0, 0, 0), 3, "No header"),
    "a,b,a\nc,d,e\nf,d,e\n": ("column 1/column 2/column 3", "www", (0, 0, 0), 3, "No header"),
    'a, k\n1, "x, y"\n2, z\n': ("a k", "nw", (0, 0), 2),
    "a,k\n1,x\na,k\n2,y\n\ufeffa,k\n": ("a k", "nw", (0, 0), 2, "the names again are left out: 2."),
    "2019,2020\n1,2\n2019,2020\n": (
        "column 1/column 2", "nn", (0, 0), 3, "No header was found"),
    **{"age;k\n" + rows + "20;no\n30;yes\n" * 3: ("age k", "nw", (0, 0), 6, note)
       for rows, note in (("1. How old are you?;Informed?\n", "1. How old are you? Informed?."),
                          ("---;----\n" * 2, "out: --- ----, --- ----."))},
    **{"age,k\n" + row + "20,no\n30,yes\n" * 3: ("age k", kinds, (0, 0), 7)
       for row, kinds in (("unknown,yes\n", "ww"), ("None,never\n", "ww"), ("<18,never\n", "ww"))},
    '\ufeff"a b",c\n1,2\n3,4\n': ("a b/c", "nn", (0, 0), 2),
    "class,odor\np,x\ne,y\n": ("class odor", "ww", (0, 0), 2),
    "red,sweet\nred,sour\nblue,sweet\n": ("column 1/column 2", "ww", (0, 0), 3, "No header"),
    "0,1,2\n3,x,5\n6,y,8\n": ("0 1 2", "nwn", (0, 0, 0), 2),
    ",a,a\n1,2,3\n4,5,6\n": ("column 1/a/a (2)", "nnn", (0, 0, 0), 2, 'Column 3 is called "a (2)"'),
    "a,a,a (2)\n1,2,3\n4,5,6\n": ("a/a (3)/a (2)", "nnn", (0, 0, 0), 2, "name each column, once"),
    '"a\nb","say ""no"""\n1,2\n3,4\n': ('a\nb/say "no"', "nn", (0, 0), 2),
    "a,b\n1,1.234\n2,\"1,5\"\n": ("a b", "nw", (0, 0), 2),
    "a;b\n1;1.234\n2;1,5\n": ("a b", "nw", (0, 0), 2),
    "a,b\n" + "".join(f"{i},{i}\n" for i in range(19)) + "inf,20\n": (
        "a b", "nn", (1, 0), 20, '1 of 20 cells are no finite numbers, "inf" the first'),
    "a,b\n" + "".join(f"{i % 5},{i}\n" for i in range(19)) + "few,20\n": ("a b", "wn", (0, 0), 20),
    "a,b\n1,2\n3,\ufffd\n": ("a b", "nw", (0, 0), 2, "no text in UTF-8"),
}  # fmt: skip


def test_tables_as_people_have_them(page):
    tables = page(*(["readTable", text, "t.csv"] for text in TABLES))
    for (text, expected), table in zip(TABLES.items(), tables, strict=True):
        names, kinds, missing, n, *notes = expected
        names = names.split("/" if "/" in names else " ")
        columns = table["columns"]
        assert table["names"] == names == [column["name"] for column in columns], text
        assert "".join(column["kind"][0] for column in columns) == kinds, text
        assert tuple(column["missing"] for column in columns) == missing, text
        assert table["n"] == n and all(len(column["values"]) == n for column in columns), text
        assert len(table["notes"]) == len(notes), (text, table["notes"])
        for part, note in zip(notes, table["notes"], strict=True):
            assert part in note
    decimal = tables[1]["columns"][0]["values"]
    assert decimal.tolist() == [1.5, 3.25]
    assert tables[6]["columns"][2]["values"] == [None, "x", "y"]


def test_files_that_are_no_tables_are_refused(page):
    wide = ",".join(map(str, range(2001)))
    refused(
        page,
        ("readTable", "", "t.csv", "t.csv is empty"),
        ("readTable", "\ufeff \n\n", "t.csv", "t.csv is empty"),
        ("readTable", "a,b\n", "t.csv", "too few rows: it must have a header and at least two"),
        ("readTable", "a,b\n1,2", "t.csv", "too few rows"),
        ("readTable", "1,2", "t.csv", "too few rows"),
        ("readTable", "a\n1\n2\n", "t.csv", "t.csv has one column"),
        ("readTable", "a,b\n1,2\n\n3\n", "t.csv", "t.csv, row 4: it has 1 cells, the first row 2"),
        ("readTable", "a,b\n1,2\n3,4,5\n", "t.csv", "row 3: it has 3 cells, the first row 2"),
        ("readTable", 'a,b\n1,2\n3,"4\n', "t.csv", "t.csv, row 3, column 2: a quote is opened and"),
        ("readTable", 'a,b\n"1" x,2\n3,4\n', "t.csv", 't.csv, row 2, column 1: after the closing'),
        ("readTable", "sep=;\na;b\n1;2\n3\n", "t.csv", "row 4: it has 1 cells, the first row 2"),
        ("readTable", "a,b\n1,\0\n3,4\n", "t.csv", "t.csv is no text: it holds zero bytes"),
        ("readTable", f"{wide}\n{wide}\n{wide}\n", "t.csv", "has 2001 columns, more than the 2000"),
    )  # fmt: skip
    kinds = "".join(",".join(f"{j}w{i % 20}" for j in range(110)) + f",{i}\n" for i in range(60))
    header = ",".join(f"c{j}" for j in range(110)) + ",t\n"
    refused(
        page,
        (
            "table",
            header + kinds,
            {"target": "t", "likelihood": "gaussian"},
            "inputs or more of 60 rows",
        ),
    )
    (long,) = page.refusals(["repeated", "a,b\n", 1250001])
    assert "5,000,004 characters, more than the 5,000,000" in long and "python -m nn train" in long
    (names,) = page(["sorted", ["b", "a", "B", "\uffee", "\U0001f600", "ab", "", "é", "a"]])
    assert names == sorted(names)


# From tables to sets


BERNOULLI, CATEGORICAL, GAUSSIAN = (
    {"likelihood": name} for name in ("bernoulli", "categorical", "gaussian")
)


def written(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def test_a_set_is_what_numpy_makes_of_the_table(page):
    rng, cases = random.Random(0), []
    for k in range(12):
        n, words = rng.randint(70, 120), ["red", "blue", "Green", "é"][: 2 + k % 3]
        size = [
            rng.choice([None, rng.gauss(50, 20)]) if k % 2 else rng.gauss(50, 20) for _ in range(n)
        ]
        colour = [rng.choice(words if k % 4 else [*words, None]) for _ in range(n)]
        many = [f"w{int(rng.random() ** 1.5 * 26)}" for _ in range(n)]
        y = [rng.gauss(1e3, 5) for _ in range(n)]
        rows = [["size", "same", "colour", "id", "gone", "many", "y"]] + [
            ["NA" if s is None else repr(s), "7", c or "", f"id {i}", "", many[i], repr(t)]
            for i, (s, c, t) in enumerate(zip(size, colour, y, strict=True))
        ]
        for place in sorted(rng.sample(range(1, 60), k % 3)):  # without a target
            rows.insert(place, ["1e6", "8", "none", "id", "gone", "w99", ""])
        drawn = Recorder(k)
        order = drawn.permutation(n)
        given = {"target": "y", "likelihood": "gaussian", "held": 0.25, "skip": ["many"] * (k % 2)}
        call = ["table", written(rows), {**given, "rng": drawn.tape}]
        cases.append((call, n, size, colour, many, y, order, k))
    sets = page(*(case[0] for case in cases))
    for (_, n, size, colour, many, y, order, k), data in zip(cases, sets, strict=True):
        check_set(data)
        held = sorted(order[: round(0.25 * n)].tolist())
        train = [i for i in range(n) if i not in held]
        assert data["held"] == held and data["train"] == train
        names, columns = [], []

        def add(name, values, names=names, columns=columns):
            names.append(name)
            columns.append(np.array(values, dtype=float))

        present = [size[i] for i in train if size[i] is not None]
        add("size", [np.median(present) if s is None else s for s in size])
        if any(size[i] is None for i in train):
            add("size missing", [s is None for s in size])
        kinds = sorted({colour[i] for i in train} - {None})
        for kind in kinds[1:] if len(kinds) == 2 else kinds:
            add(f"colour = {kind}", [c == kind for c in colour])
        if any(colour[i] is None for i in train):
            add("colour missing", [c is None for c in colour])
        counts = Counter(many[i] for i in train)
        if not k % 2 and len(counts) <= len(train) / 2:
            often = sorted(sorted(counts), key=lambda w: -counts[w])[:20]
            for kind in sorted(often):
                add(f"many = {kind}", [w == kind for w in many])
            if len(counts) > 20:
                add("many = other", [w not in often for w in many])
        assert data["features"] == names
        X, y = np.stack(columns, axis=1), np.array(y)
        mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
        np.testing.assert_allclose(data["mean"], mean, rtol=1e-12)
        np.testing.assert_allclose(data["scale"], scale, rtol=1e-12)
        np.testing.assert_allclose(inputs(data), (X - mean) / scale, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(data["yMean"], y[train].mean(), rtol=1e-13)
        np.testing.assert_allclose(data["yScale"], y[train].std(), rtol=1e-12)
        np.testing.assert_allclose(data["y"] * data["yScale"] + data["yMean"], y, rtol=1e-13)
        notes = " ".join(data["notes"])
        assert "since all training rows say the same: same." in notes
        assert "since their words differ from row to row: id" in notes
        assert "since they have no values: gone." in notes
        assert (f"{k % 3} of {n + k % 3} rows have no target: they" in notes) == (k % 3 > 0)
        assert ("as you said: many" in notes) == bool(k % 2)
        assert (f"size ({size.count(None)})" in notes) == (None in size)
    assert sum("many = other" in data["features"] for data in sets) > 2


def test_a_plain_table_is_split_as_load_csv_splits_it(page, tmp_path):
    rng = np.random.default_rng(3)
    rows = [["a", "b", "t"], *rng.normal(size=(350, 3)).tolist()]
    rows[8][1] = 1000.0  # so far from the others that it is brought nearer
    path = tmp_path / "plain.csv"
    path.write_text(written(rows), encoding="utf-8")
    theirs, drawn = load_csv(path, "t", test_size=0.3, seed=11), Recorder(11)
    drawn.permutation(350)
    given = {"target": "t", "likelihood": "gaussian", "held": 0.3, "rng": drawn.tape}
    (data,) = page(["table", written(rows), given])
    both = [inputs(data)[data[part]] for part in ("train", "held")]
    for ours, X in zip(both, (theirs.X_train, theirs.X_test), strict=True):
        close = {"rtol": 1e-10, "atol": 1e-12}
        np.testing.assert_allclose(sorted(ours.tolist()), sorted(X.tolist()), **close)
    np.testing.assert_allclose(data["mean"], theirs.x_mean, rtol=1e-12)
    assert np.abs(np.concatenate(both)[:, 1]).max() == pytest.approx(15)


def _table(head, *columns, n=40, delimiter=","):
    """A table with a column of noise and a target: each column is a function of the row."""
    rng = np.random.default_rng(0)
    rows = [[*(of(i) for of in columns), f"{rng.normal():.3f}", i % 2] for i in range(n)]
    heads = [[*head, "noise", "t"]] if head is not None else []
    return "\n".join(delimiter.join(map(str, row)) for row in [*heads, *rows]) + "\n"


@pytest.mark.parametrize(("text", "features", "note"), [
    *((_table([name], lambda i: i + 1), ["noise"], f"number the rows: {name}.") for name in (
        "id", "ID", "customer_id", "customerId", "Größen-Nr.", "Unnamed: 0", "row names")),
    (_table([""], lambda i: i), ["noise"], "number the rows: column 1."),  # as pandas writes it
    (_table(["id"], lambda i: i % 8), ["id", "noise"], ""),
    (_table(["fluid"], lambda i: i), ["fluid", "noise"], ""),
    (_table(["mass index"], lambda i: 3 * i), ["mass index", "noise"], ""),
    (_table(None, lambda i: i), ["column 2"], "number the rows: column 1."),
    (_table(None, lambda i: 2 * i), ["column 1", "column 2"], ""),
    (_table(["p"], lambda i: 600 + i if i % 2 else f"1.{200 + i}"), ["p", "noise"],
     'In the column "p", 1.200 is read as 1200.'),
    (_table(["p"], lambda i: 600 + i if i % 2 else f"1,{200 + i}", delimiter=";"), ["p", "noise"],
     'In the column "p", 1,200 is read as 1200.'),
    (_table(["p"], lambda i: 1 + i % 3 if i % 2 else f"1.{200 + i}"), ["p", "noise"], ""),
    (_table(["p"], lambda i: f"1.{200 + i}"), ["p", "noise"], ""),
    (_table(["w"], lambda i: ["1", "1.0", "x"][i % 3]), ["w = x", "noise"], "kinds: w (2)."),
    ("sep=;\n" + _table(["a"], lambda i: f"{i}5,5", delimiter=";"), ["a", "noise"],
     "Commas are taken as decimal points in a."),
])  # fmt: skip
def test_columns_say_what_they_say_in_python(page, tmp_path, text, features, note):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    target = "t" if "noise" in text else "column 3"
    theirs = table_data(tmp_path / "t.csv", target)
    given = {"target": target, "likelihood": "bernoulli", "held": 0, "rng": {"tape": []}}
    (data,) = page(["table", text, given])
    assert data["features"] == features
    assert note in " ".join(data["notes"])
    if "w = x" in features:  # of two words, Python makes two inputs
        return
    assert list(theirs.features) == features
    both = np.concatenate([theirs.X_train, theirs.X_test]) * theirs.x_scale + theirs.x_mean
    ours = inputs(data) * data["scale"] + data["mean"]
    np.testing.assert_allclose(np.sort(ours, axis=0), np.sort(both, axis=0), rtol=1e-9, atol=1e-9)


def test_numbers_that_only_python_reads_are_said(page):
    said = "Numbers with units, or marks between thousands, are read, if at all, in Python alone"
    given = {"target": "t", "likelihood": "bernoulli", "held": 0, "rng": {"tape": []}}
    forms = ("{} kg", "{}%", "EUR {}.50", "$1,{}", "{} - {}", "no {}")
    texts = [_table(["p"], lambda i, form=form: f'"{form.format(100 + i, i)}"') for form in forms]
    found = page(*(["table", text, given] for text in texts))
    assert [said in " ".join(data["notes"]) for data in found] == [True] * 4 + [False] * 2


def test_classes_and_which_columns_would_do(page):
    text = (
        "n,two,three,word,half,t\n1,b,3,yes,0.5,0\n1.0,a,1.0,no,1.5,1\n2,b,3.0,no,2.5,\n3,a,20,yes,3.5,1\n"
        "4,a,1,no,7,0\n5,b,1,é,8,0\n"
    )
    options = {"held": 0, "rng": {"tape": []}}
    targets, kinds = ("two", "three", "t"), (BERNOULLI, CATEGORICAL, BERNOULLI)
    two, three, numbers = page(*(
        ["table", text, {**options, "target": target, **likelihood}]
        for target, likelihood in zip(targets, kinds, strict=True)
    ))  # fmt: skip
    for data in (two, three, numbers):
        check_set(data)
        assert data["target"] in ("two", "three", "t") and data["target"] not in data["features"]
    assert two["classes"] == ["a", "b"] and two["y"].tolist() == [1, 0, 1, 0, 0, 1]
    # By their size, a number being one class however it is written.
    assert three["classes"] == ["1.0", "3", "20"] and three["y"].tolist() == [1, 0, 1, 2, 0, 0]
    assert (
        numbers["n"] == 5 and "1 of 6 rows have no target: they are left out." in numbers["notes"]
    )
    found = page(*(["targets", text, name] for name in ("bernoulli", "categorical", "gaussian")))
    assert found == [["two", "t"], ["two", "three", "word", "t"], ["n", "three", "half", "t"]]
    long = "x,k\n" + "".join(f"{i},{i % 51}\n" for i in range(200))
    flat = "x,k\n1,2\n5,2\n1,3\n2,2\n"
    backwards = {"tape": [("permutation", [3, 2, 1, 0])]}
    refused(
        page,
        ("table", text, {**options, "target": "three", **BERNOULLI},
         '"three" has 3 different values, and bernoulli is for two. Columns that would do: two'),
        ("table", text, {**options, "target": "word", **GAUSSIAN},
         '"word" holds words, and gaussian is for numbers. Columns that would do: n, three, half'),
        ("table", text, {**options, "target": "half", **CATEGORICAL},
         '"half" has 6 different values in 6 rows: too many to be classes. Columns that'),
        ("table", text, {**options, "target": "x", **GAUSSIAN},
         't.csv has no column "x". Its columns: n, two, three'),
        ("table", long, {**options, "target": "k", **CATEGORICAL},
         "has 51 different values, more than the 50 classes that a page takes. No column"),
        ("table", "d,y\na,1\nb,2\nc,3\n", {**options, "target": "y", **GAUSSIAN},
         'no column left to predict "y" from. Left out, since their words differ'),
        ("table", "d,y\n1,\n2,\n", {**options, "target": "y", **GAUSSIAN}, "has no values"),
        ("table", "d,y\n1,2\n2,2\n", {**options, "target": "y", **GAUSSIAN},
         "says the same in all rows"),
        ("table", flat, {"held": 0.5, "target": "k", "likelihood": "gaussian", "rng": backwards},
         '"k" says the same in all training rows'),
        ("table", "d,y\n1e300,1\n-1e300,2\n", {**options, "target": "y", **GAUSSIAN},
         'the column "d" can\'t be standardised'),
        ("table", "d,y\n1e-300,1\n-1e-300,2\n", {**options, "target": "y", **GAUSSIAN},
         'the column "d" can\'t be standardised'),
    )  # fmt: skip


def test_names_are_only_data(page):
    bad = ["<img src=x onerror=document.title='x'>", "</script><script>document.title='x'</script>",
           "__proto__", "${document.title='x'}"]  # fmt: skip
    rows = [bad, *([i, bad[i % 2], i % 3, bad[3 - i % 2]] for i in range(9))]
    given = {"target": bad[3], "likelihood": "bernoulli", "held": 0, "rng": {"tape": []}}
    before = page.driver.title
    (data,) = page(["table", written(rows), given])
    assert data["target"] == bad[3] and data["classes"] == sorted(bad[2:])
    assert data["features"] == [bad[0], f"{bad[1]} = {max(bad[:2])}", bad[2]]
    assert page.driver.title == before
    for word in ("innerHTML", "insertAdjacent", "document", "Function", "eval(", "fetch"):
        assert word not in SCRIPT


# What Python sends


def test_numbers_are_packed_to_the_same_bits(page):
    rng = np.random.default_rng(0)
    arrays = [
        np.array([]), np.array([1.5]), np.array([0.0, -0.0] * 40), rng.normal(size=(7, 3)),
        np.array([np.inf, -np.inf, 5e-324, -5e-324, 1.7e308] * 9),
        np.arange(256.0).repeat(3), np.arange(257.0).repeat(3), np.arange(256.0),
        rng.integers(17, size=(50, 64)) / 16.0, rng.integers(2**63, size=99).view(float),
    ]  # fmt: skip
    texts = [json.loads(json.dumps(encoded(array))) for array in arrays]
    for array, text, found in zip(
        arrays, texts, page(*(["decoded", t] for t in texts)), strict=True
    ):
        assert found.tobytes() == np.ravel(array).tobytes()
        kinds = len(set(np.ravel(array).view(np.uint64).tolist()))
        size = 8 * kinds + (1 if kinds <= 256 else 2) * array.size
        assert set(text) == ({"palette", "places"} if size < array.nbytes else {"numbers"})
        assert sum(len(base64.b64decode(part)) for part in text.values()) == min(array.nbytes, size)


@pytest.mark.parametrize("name", ["moons", "iris", "diabetes", "digits"])
def test_sets_are_packed_whole(page, name):
    theirs = load(name, test_size=0.25, seed=4)
    (data,) = page(
        ["unpacked", json.loads(json.dumps(Set.of(theirs, "x = 1").packed, allow_nan=False))]
    )
    check_set(data)
    X = inputs(data)
    for rows, X_part, y_part in [
        (data["train"], theirs.X_train, theirs.y_train),
        (data["held"], theirs.X_test, theirs.y_test),
    ]:  # fmt: skip
        np.testing.assert_array_equal(X[rows], X_part)
        np.testing.assert_array_equal(data["y"][rows], y_part)
    np.testing.assert_array_equal(data["mean"], theirs.x_mean)
    np.testing.assert_array_equal(data["scale"], theirs.x_scale)
    assert (data["yMean"], data["yScale"]) == (theirs.y_mean, theirs.y_scale)
    for entry in ("features", "classes"):
        assert tuple(data[entry]) == getattr(theirs, entry)
    assert (data["name"], data["source"], data["notes"]) == (name, "x = 1", [])


def test_sets_of_several_targets(page):
    X, y = np.arange(18.0).reshape(9, 2), np.arange(27.0).reshape(9, 3)
    (data,) = page(["unpacked", Set("three", X, y, 7, ["a", "b"]).packed])
    assert (data["n"], data["d0"], len(data["y"])) == (9, 2, 27)
    assert (list(data["train"]), list(data["held"])) == (list(range(7)), [7, 8])
