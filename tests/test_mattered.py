"""What mattered to a network, in the report: shuffled columns, dependence, gradients by input."""

from itertools import chain, pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from nn import MLP, datasets, table_data
from nn.show import mattered, report


def table(folder, answer="number"):
    """Words, a number that is used and one that is not, and a target made of them."""
    rng = np.random.default_rng(0)
    lines = ["kind,size,noise,y"]
    for _ in range(200):
        kind, size, noise = rng.choice(["a", "b", "c"]), rng.normal(5, 2), rng.normal()
        y = 3 * size + 10 * (kind == "b")
        lines.append(f"{kind},{size},{noise},{y if answer == 'number' else ['no', 'yes'][y > 18]}")
    (folder / "t.csv").write_text("\n".join(lines))
    return table_data(folder / "t.csv", "y")


def linear(data):
    """The network of one layer that is y itself, for the table above."""
    net = MLP(len(data.features), [1])
    weights = [10.0 * (name == "kind = b") + 3.0 * (name == "size") for name in data.features]
    theta = np.array(weights) * data.x_scale / data.y_scale
    b = (np.dot(weights, data.x_mean) - data.y_mean) / data.y_scale
    net.load_state_dict({"layers.0.weight": theta[None], "layers.0.bias": [b]})
    assert np.allclose(net.predict(data.X_test), data.y_test)
    return net


def test_what_the_network_does_not_use_does_not_matter(tmp_path):
    data = table(tmp_path)
    found = {one.column: one for one in mattered.importances(linear(data), data)}
    assert list(found) == ["size", "kind", "noise"]  # variances 36, 22 and 0
    assert found["noise"].drop == found["noise"].spread == 0.0
    assert len(found["kind"].places) == 3
    # Shuffled, a part leaves twice its variance unexplained.
    y = data.y_test * data.y_scale
    size = data.X_test[:, found["size"].places[0]] * data.x_scale[found["size"].places[0]] * 3
    assert found["size"].drop == pytest.approx(2 * size.var() / y.var(), rel=0.25)


def test_the_dependence_of_a_linear_network_is_a_line(tmp_path):
    data = table(tmp_path)
    net = linear(data)
    columns = dict(mattered.columns_of(data))
    names, size, means = mattered.dependence(net, data, columns["size"])
    assert names == []
    assert np.allclose(np.diff(means) / np.diff(size), 3.0)
    names, _, means = mattered.dependence(net, data, columns["kind"])
    assert names == ["c", "b", "a"]
    assert np.allclose(means - means[0], [0, 10, 0])


def test_the_gradient_by_input_is_that_of_differences(tmp_path):
    data = table(tmp_path, "words")
    net = MLP(len(data.features), [4, 1], activation="tanh", rng=np.random.default_rng(0))
    found = {name: move for name, _, move in mattered.gradient_by_input(net, data)}
    x, h = data.X_test[0], 1e-6
    a = net.predict(data.X_test[:1])[0]
    sign = 1.0 if a > 0 else -1.0
    for i, name in enumerate(data.features):
        step = h / data.x_scale[i] if "kind" in name else h
        up, down = (
            net.predict(np.array([x + s * step * (np.arange(len(x)) == i)]))[0] for s in (1, -1)
        )
        log_p = [-np.logaddexp(0, -sign * v) for v in (up, down)]
        assert found[name] == pytest.approx((log_p[0] - log_p[1]) / (2 * h), rel=1e-5)
    moves = [abs(m) for _, _, m in mattered.gradient_by_input(net, data)]
    assert moves == sorted(moves, reverse=True)


def test_a_number_moves_in_its_own_units(tmp_path):
    data = table(tmp_path)
    found = {
        name: (value, move) for name, value, move in mattered.gradient_by_input(linear(data), data)
    }
    size = data.features.index("size")
    assert found["size"][1] == pytest.approx(3 * data.x_scale[size])
    assert found["kind = b"][1] == pytest.approx(10)
    assert found["size"][0] == pytest.approx(
        data.X_test[0, size] * data.x_scale[size] + data.x_mean[size]
    )
    said, rows = mattered.would_change(linear(data), data)
    assert said.startswith("It says ")
    assert rows[1][0] == "kind = b"
    assert float(rows[1][2]) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["iris", "moons", "diabetes"])
def test_bundled_data_have_pictures_of_it(name):
    if name != "moons":
        pytest.importorskip("sklearn")
    data = datasets.load(name)
    net = MLP(len(data.features), [data.outputs], rng=np.random.default_rng(0))
    found = mattered.importances(net, data)
    drawn = dict(mattered.figures(net, data, found))
    assert len(drawn) == 1 + min(3, len(data.features))
    axes = drawn[f"prediction by {found[0].column}"].axes[0]
    assert len(axes.lines) == {"iris": 3, "moons": 1, "diabetes": 1}[name]
    bars = drawn["what mattered"].axes[0].patches
    assert [bar.get_width() for bar in bars][::-1] == [one.drop for one in found[:12]]


@pytest.mark.parametrize("answer", ["nein", "ein sehr langes Wort", "number"])
def test_no_text_of_a_picture_is_cut_or_over_another(tmp_path, answer):
    rows = ["Wohnfläche der Wohnung,umsatz,Ort,Gekündigt im Dezember"]
    for i in range(200):
        y = i * 37 % 101 if answer == "number" else [answer, "ja"][i * 7 % 3 == 0]
        town = ["Unterammergau West", "W" * 18, "b"][i % 3]
        rows.append(f"{i * 7 % 11 * 1.5e-3 - 0.02},{i * 13 % 17 * 12345.5},{town},{y}")
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    data = table_data(tmp_path / "t.csv", "Gekündigt im Dezember")
    net = MLP(len(data.features), [4, data.outputs], rng=np.random.default_rng(0))
    drop = mattered.Importance("Wohnfläche der Wohnung", (0,), -0.011, 0.001)
    found = mattered.importances(net, data)
    drawn = (mattered.figures(net, data, some) for some in (found, [drop]))
    for which, figure in chain.from_iterable(drawn):
        figure.draw_without_rendering()
        (axes,), whole = figure.axes, figure.bbox
        for text in filter(Text.get_text, (axes.xaxis.label, axes.yaxis.label)):
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1, (which, text.get_text())
            assert whole.y0 <= box.y0 and box.y1 <= whole.y1, (which, text.get_text())
        boxes = [tick.get_window_extent() for tick in axes.get_xticklabels()]
        shown = [b for b in boxes if axes.bbox.x0 - 9 < b.x0 + b.width / 2 < axes.bbox.x1 + 9]
        assert all(a.x1 < b.x0 for a, b in pairwise(shown)), which


def test_a_number_with_gaps_is_a_line_without_them(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal() if i % 7 else ''},{i % 2 == 0},{rng.normal()}" for i in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["x,even,y", *rows]))
    data = table_data(tmp_path / "t.csv", "y")
    columns = dict(mattered.columns_of(data))
    assert data.features == ("x", "x missing", "even")
    net = MLP(3, [1])
    net.load_state_dict({"layers.0.weight": [[0.0, 5.0, 1.0]], "layers.0.bias": [0.0]})
    names, x, means = mattered.dependence(net, data, columns["x"])
    assert names == []
    assert len(x) > 20
    filled = -5.0 * data.x_mean[1] / data.x_scale[1] + data.X_test[:, 2].mean()
    assert np.allclose(means, filled * data.y_scale + data.y_mean)
    assert mattered.dependence(net, data, columns["even"])[0] == ["no", "yes"]


def test_words_and_gaps_are_called_by_their_names(tmp_path):
    words, truths = ["u = v", "w", "", "missing", "w"], ["True", "False", "", "False"]
    rows = [f"{words[i % 5]},{truths[i % 4]},{i * 7 % 11}" for i in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["a = b,on,y", *rows]))
    data = table_data(tmp_path / "t.csv", "y", test_size=0.2)
    columns, net = dict(mattered.columns_of(data)), MLP(len(data.features), [1])
    names = mattered.dependence(net, data, columns["a = b"])[0]
    assert sorted(names) == ["missing", "missing", "u = v", "w"]  # the word, and none
    assert sorted(mattered.dependence(net, data, columns["on"])[0]) == ["missing", "no", "yes"]


def test_of_many_columns_the_report_says_that_it_is_not_shown(monkeypatch, tmp_path):
    data = table(tmp_path)
    assert "shuffled" in report._mattered(linear(data), data)
    monkeypatch.setattr(mattered, "COLUMNS", 2)
    said = "It is shown for 2 columns at most, and not for 3."
    assert report._mattered(linear(data), data) == f"<h2>What mattered</h2><p>{said}</p>"
