"""The plots: what each figure shows, corner cases, and what is refused."""

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import cycle

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from nn import MLP, Epoch, History, bernoulli_nll, datasets, fit, plots
from nn.figures import INK, element, svg
from tests.cases import for_each


def history(losses, b=5, per=4, held_out=None, start=0):
    """A course of trainings with ``per`` updates of ``b`` examples in an epoch."""
    held_out = held_out or [None] * len(losses)
    return History(
        [
            Epoch(i, start + i * per, 0.1, b, loss, validation)
            for i, (loss, validation) in enumerate(zip(losses, held_out, strict=True), start=1)
        ]
    )


def only(figure):
    (axes,) = figure.axes
    return axes


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def linear(rows, bias):
    """A network without a hidden layer, with these weights."""
    net = MLP(2, [len(rows)])
    weights = {"layers.0.weight": np.array(rows, float), "layers.0.bias": np.array(bias, float)}
    net.load_state_dict(weights)
    return net


def grid_classes(axes):
    """What the coloured areas say at a place: the colours there, without the examples."""
    (areas,) = [c for c in axes.collections if hasattr(c, "levels")]
    colours = [to_hex(c[:3]) for c in areas.get_facecolor()]

    def at(x, y):
        return [
            colour for path, colour in zip(areas.get_paths(), colours, strict=True)
            if len(path) and path.contains_point((x, y))
        ]  # fmt: skip

    return at


# losses


def test_losses_shows_each_history_by_name():
    one = history([3.0, 2.0, 1.5])
    two = history([2.0, 1.0], held_out=[2.5, 1.25])
    figure = plots.losses({"one": one, "two": two})
    axes = only(figure)
    assert isinstance(figure, Figure)
    lines = axes.get_lines()
    assert [line.get_linestyle() for line in lines] == ["-", "-", "--"]
    assert [to_hex(line.get_color()).upper() for line in lines] == [INK[0], INK[1], INK[1]]
    assert [line.get_xdata().tolist() for line in lines] == [[1, 2, 3], [1, 2], [1, 2]]
    assert [line.get_ydata().tolist() for line in lines] == [[3, 2, 1.5], [2, 1], [2.5, 1.25]]
    assert legend(axes) == ["one", "two"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss per example")
    assert axes.get_title() == "negative log likelihood (dashed: held out)"
    assert axes.get_yscale() == "log"


def test_losses_against_updates_and_gradient_evaluations():
    # 4 updates of 5 examples in the first epoch, then 2 of 10, then 1 of 20
    rows = [Epoch(1, 4, 0.1, 5, 3.0), Epoch(2, 6, 0.1, 10, 2.0), Epoch(3, 7, 0.1, 20, 1.0)]
    for against, places, label in (
        ("epochs", [1, 2, 3], "epoch"),
        ("updates", [4, 6, 7], "update t"),
        ("gradient evaluations", [20, 40, 60], "gradient evaluations (examples seen)"),
    ):
        axes = only(plots.losses({"one": History(rows)}, against))
        (line,) = axes.get_lines()
        assert list(line.get_xdata()) == places
        assert list(line.get_ydata()) == [3, 2, 1]
        assert axes.get_xlabel() == label


def test_losses_of_a_real_training():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    net = MLP(2, [4, 1], "tanh", rng=np.random.default_rng(0))
    run = fit(net, bernoulli_nll, X, y, epochs=5, batch_size=2, lr=0.5, progress=False,
              rng=np.random.default_rng(1), validation=(X, y))  # fmt: skip
    axes = only(plots.losses({"XOR": run}, "gradient evaluations"))
    trained, held_out = axes.get_lines()
    assert list(trained.get_xdata()) == list(held_out.get_xdata()) == [4, 8, 12, 16, 20]
    assert list(trained.get_ydata()) == [row.loss for row in run]
    assert list(held_out.get_ydata()) == [row.validation_loss for row in run]


@pytest.mark.parametrize("against", plots.AGAINST)
def test_a_history_of_one_epoch_is_a_point(against):
    axes = only(plots.losses({"one": history([2.0], held_out=[3.0])}, against))
    assert [line.get_marker() for line in axes.get_lines()] == ["o", "o"]
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [1, 1]
    longer = only(plots.losses({"two": history([2.0, 1.0])}, against))
    assert longer.get_lines()[0].get_marker() == "None"


@pytest.mark.parametrize("loss", [0.0, -1.0])
def test_a_loss_that_is_not_positive_has_no_logarithm(loss):
    axes = only(plots.losses({"one": history([2.0, loss]), "two": history([1.0])}))
    assert axes.get_yscale() == "linear"


def test_losses_of_more_histories_than_colours():
    axes = only(plots.losses({f"run {i}": history([1.0 + i, 1.0]) for i in range(12)}))
    assert [line.get_ydata()[0] for line in axes.get_lines()] == [1.0 + i for i in range(12)]
    assert legend(axes) == [f"run {i}" for i in range(12)]


@pytest.mark.parametrize("against", ["epoch", "", "time"])
def test_losses_against_something_else_is_refused(against):
    with pytest.raises(ValueError, match=f"against.*gradient evaluations.*'{against}'"):
        plots.losses({"one": history([1.0])}, against)


@pytest.mark.parametrize("histories", [{}, {"none": History()}, {"a": history([1]), "b": []}])
def test_losses_without_an_epoch_are_refused(histories):
    with pytest.raises(ValueError, match="histories"):
        plots.losses(histories)


# decision_regions


def test_one_output_decides_by_its_sign():
    net = linear([[1, 0]], [0])  # class 1 where x_0 > 0
    X, y = [[-1, -1], [-1, 1], [1, -1], [2, 1]], [0, 1, 1, 1]
    axes = only(plots.decision_regions(net, X, y, ["left", "right"], ["width", "height"]))
    at = grid_classes(axes)
    assert at(-0.5, 0.3) == at(-1.3, -1.1) == [INK[1].lower()]
    assert at(0.5, 0.3) == at(2.3, 1.1) == [INK[0].lower()]  # blue is positive
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")
    assert axes.get_title() == "decision regions"
    assert legend(axes) == ["left", "right"]
    points = [c for c in axes.collections if not hasattr(c, "levels")]
    assert [p.get_offsets().tolist() for p in points] == [[[-1, -1]], [[-1, 1], [1, -1], [2, 1]]]
    assert [to_hex(p.get_facecolor()[0]).upper() for p in points] == [INK[1], INK[0]]


def test_several_outputs_decide_by_the_largest():
    net = linear([[-3, -3], [3, 0], [0, 3]], [0, 0, 0])
    X, y = [[-2, -2], [2, 0], [0, 2]], [0, 1, 2]
    at = grid_classes(axes := only(plots.decision_regions(net, X, y)))
    points = np.random.default_rng(0).uniform(-2, 2, size=(60, 2))
    a = np.sort(net.predict(points), axis=1)
    clear = points[a[:, -1] - a[:, -2] > 0.5]  # not on a border
    chosen = net.predict(clear).argmax(axis=1)
    assert set(chosen.tolist()) == {0, 1, 2}
    assert [at(*p) for p in clear] == [[INK[k].lower()] for k in chosen]
    assert legend(axes) == ["0", "1", "2"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x_0", "x_1")


@pytest.mark.slow
def test_a_network_that_chooses_one_class_everywhere():
    for bias, k in ((-1, 0), (1, 1)):
        net = linear([[0, 0]], [bias])
        for y in ([0, 0], [1, 1], [0, 1]):
            axes = only(plots.decision_regions(net, [[0, 0], [1, 1]], y))
            assert grid_classes(axes)(0.5, 0.5) == [INK[1 - k].lower()]
            assert legend(axes) == ["0", "1"]


def test_a_class_that_no_example_has_is_named_if_it_is_chosen():
    net = linear([[0, 0], [0, 0], [0, 0]], [0, 0, 1])
    axes = only(plots.decision_regions(net, [[0, 0], [1, 1]], [0, 1], ["a", "b", "c"]))
    assert grid_classes(axes)(0.5, 0.5) == [INK[2].lower()]
    assert legend(axes) == ["a", "b", "c"]


def test_examples_on_one_line_or_at_one_place_leave_room():
    net = linear([[1, 0]], [0])
    for X in ([[3, 7]], [[3, 7], [3, 9]]):
        axes = only(plots.decision_regions(net, X, [0] * len(X)))
        assert axes.get_xlim() == pytest.approx((2.85, 3.15))
        low, high = axes.get_ylim()
        assert low < 7 and high > X[-1][1]


def test_regions_of_twelve_classes():
    angles = np.arange(12) * math.pi / 6
    X = 3 * np.column_stack([np.cos(angles), np.sin(angles)])
    net = linear(X, np.zeros(12))
    axes = only(plots.decision_regions(net, X, np.arange(12)))
    assert legend(axes) == [str(k) for k in range(12)]
    at = grid_classes(axes)
    assert [at(*x) for x in 0.9 * X] == [[INK[k % len(INK)].lower()] for k in range(12)]
    many = plots.decision_regions(net, X, np.arange(12) * 5)
    assert "<svg" in svg(many)  # without a warning that nothing has room
    assert only(many).get_legend() is None


@for_each(
    ("X", "y", "complaint"),
    [
        ([[1, 2, 3]], [0], r"shape \(n, 2\), got \(1, 3\)"),
        ([1, 2], [0, 1], r"shape \(n, 2\), got \(2,\)"),
        (np.zeros((0, 2)), [], r"shape \(n, 2\), got \(0, 2\)"),
        ([["a", "b"]], [0], "X must be an array of real numbers"),
        ([[1, 2], [3]], [0, 1], "X must be an array of numbers"),
        ([[1, 2], [3, 4]], [0], "one class per row of X, 2, got 1"),
        ([[1, 2], [3, 4]], [0, 0.5], "y must be a vector of class indices"),
        ([[1, 2], [3, 4]], [0, -1], "y must be a vector of class indices"),
        ([[1, 2], [3, 4]], [[0], [1]], "y must be a vector of class indices"),
        ([[1, 2], [3, 4]], ["a", "b"], "y must be an array of real numbers"),
    ],
)
def test_regions_of_what_does_not_fit_are_refused(X, y, complaint):
    with pytest.raises(ValueError, match=complaint):
        plots.decision_regions(linear([[1, 0]], [0]), X, y)


def test_regions_of_a_network_of_other_inputs_are_refused():
    with pytest.raises(ValueError, match="must have 3 entries, got 2"):
        plots.decision_regions(MLP(3, [1]), [[1, 2], [3, 4]], [0, 1])


# confusion_matrix


def cells(axes):
    """The texts in the matrix, by row and column."""
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text for text in axes.texts
    }


def test_a_confusion_matrix_counts():
    true, predicted = [0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 0, 1, 1, 1, 2, 0, 2, 2]
    axes = only(plots.confusion_matrix(true, predicted, ["a", "b", "c"]))
    texts = cells(axes)
    counts = [[int(texts[i, j].get_text()) for j in range(3)] for i in range(3)]
    assert counts == [[2, 1, 0], [0, 2, 0], [1, 0, 3]]
    assert axes.get_title() == "7 of 9 right"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == ["a", "b", "c"]
    (image,) = axes.collections
    shares = [[2 / 3, 1 / 3, 0], [0, 1, 0], [0.25, 0, 0.75]]  # of each true class
    np.testing.assert_allclose(image.get_array(), shares)
    assert image.get_clim() == (0, 1)
    low, high = sorted(axes.get_ylim())
    assert low < 0 and high > 2 and axes.get_ylim()[0] > axes.get_ylim()[1]  # row 0 on top
    # dark cells have white numbers
    assert to_rgb(texts[0, 0].get_color()) == to_rgb(texts[2, 2].get_color()) == (1, 1, 1)
    assert to_rgb(texts[0, 1].get_color()) == to_rgb(texts[1, 0].get_color()) == (0, 0, 0)


def test_the_cells_of_a_matrix_are_the_same_whatever_a_user_has_set():
    for shading in ("nearest", "gouraud"):
        with rc_context({"pcolor.shading": shading}):
            test_a_confusion_matrix_counts()


def test_a_confusion_matrix_against_counting():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 12, size=(2, 500))
    axes = only(plots.confusion_matrix(true, predicted))
    texts = cells(axes)
    assert len(texts) == 144
    for (i, j), text in texts.items():
        assert int(text.get_text()) == int(((true == i) & (predicted == j)).sum())
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [str(k) for k in range(12)]
    assert axes.get_title() == f"{int((true == predicted).sum())} of 500 right"


@pytest.mark.parametrize(("classes", "K"), [((), 1), (["a"], 1), (["a", "b", "c"], 3)])
def test_a_confusion_matrix_of_a_single_class(classes, K):
    axes = only(plots.confusion_matrix([0, 0], [0, 0], classes))
    texts = cells(axes)
    assert {place: text.get_text() for place, text in texts.items()} == {
        (i, j): "2" if (i, j) == (0, 0) else "0" for i in range(K) for j in range(K)
    }
    assert axes.get_title() == "2 of 2 right"


def test_a_class_that_has_no_name_is_shown_by_its_number():
    axes = only(plots.confusion_matrix([0, 2], [1, 2], ["a"]))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "1", "2"]


PAIRS = [
    ([0, 1], [0], "same length, got 2 and 1"),
    ([], [], "true must be a vector of class indices"),
    ([0, 1], [0, 1.5], "predicted must be a vector of class indices"),
    ([0, -1], [0, 1], "true must be a vector of class indices"),
    ([0, math.nan], [0, 1], "true must be a vector of class indices"),
    ([0, math.inf], [0, 1], "true must be a vector of class indices"),
    ([[0, 1]], [[0, 1]], "true must be a vector of class indices"),
    (["a"], ["b"], "true must be an array of real numbers"),
]


@for_each(("true", "predicted", "complaint"), PAIRS)
def test_what_holds_no_class_indices_is_refused(true, predicted, complaint):
    with pytest.raises(ValueError, match=complaint):
        plots.confusion_matrix(true, predicted)
    with pytest.raises(ValueError, match=complaint):
        plots.misclassified(np.zeros((len(true), 64)), true, predicted)


# predicted_against_observed


def test_predictions_stand_against_observations():
    observed, predicted = [1.0, 2.0, 3.0], [1.5, -2.0, 3.5]
    axes = only(plots.predicted_against_observed(observed, predicted, "height"))
    (points,) = axes.collections
    assert points.get_offsets().tolist() == [[1, 1.5], [2, -2], [3, 3.5]]
    (line,) = axes.get_lines()
    assert list(line.get_xdata()) == list(line.get_ydata()) == [-2, 3.5]
    assert axes.get_xlabel() == "observed height"
    assert axes.get_ylabel().startswith("predicted height")
    assert axes.get_title() == "3 examples"
    assert legend(axes) == ["predicted = observed"]


def test_one_prediction_is_enough():
    axes = only(plots.predicted_against_observed([2.0], [2.0]))
    assert axes.collections[0].get_offsets().tolist() == [[2, 2]]
    assert axes.get_xlabel() == "observed y"


@pytest.mark.parametrize(
    ("observed", "predicted", "complaint"),
    [
        ([1, 2], [1], r"one length, got shapes \(2,\) and \(1,\)"),
        ([], [], "one length"),
        ([[1]], [[1]], "vectors of one length"),
        ([1, math.nan], [1, 2], "finite"),
        ([1, 2], [1, math.inf], "finite"),
        (["1"], [1], "observed must be an array of real numbers"),
        ([1], ["1"], "predicted must be an array of real numbers"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(observed, predicted, complaint):
    with pytest.raises(ValueError, match=complaint):
        plots.predicted_against_observed(observed, predicted)


# misclassified


def images(n, height=8, width=8):
    return np.arange(n * height * width, dtype=float).reshape(n, -1)


def shown(figure):
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.collections]


def test_misclassified_shows_the_wrong_ones():
    X, true, predicted = images(5, 2, 3), [0, 1, 2, 1, 0], [0, 2, 2, 0, 1]
    figure = plots.misclassified(X, true, predicted, ["a", "b", "c"], shape=(2, 3))
    pictures = shown(figure)
    assert len(pictures) == 3
    for picture, i in zip(pictures, (1, 3, 4), strict=True):
        np.testing.assert_array_equal(picture, X[i].reshape(2, 3))
    for axes, i in zip(figure.axes, (1, 3, 4), strict=False):
        (cells,) = axes.collections
        assert cells.get_clim() == (X[i].min(), X[i].max())
        assert cells.get_array().mask.tolist() == (X[i] == X[i].min()).reshape(2, 3).tolist()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["b taken\nfor c", "b taken\nfor a", "a taken\nfor b"]
    assert figure.get_suptitle() == "3 of 5 wrong"
    assert not any(axes.axison for axes in figure.axes)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 5, 6, 20, 21])
def test_misclassified_shows_the_first_ones(n):
    figure = plots.misclassified(images(n), [0] * n, [11] * n)
    assert [int(picture[0, 0]) for picture in shown(figure)] == [64 * i for i in range(min(n, 20))]
    assert figure.axes[0].get_title() == "0 taken\nfor 11"
    more = ", the first 20" if n > 20 else ""
    assert figure.get_suptitle() == f"{n} of {n} wrong{more}"
    assert not any(axes.axison for axes in figure.axes)  # those without an image too


def test_misclassified_shows_as_many_as_it_is_told():
    figure = plots.misclassified(images(5), [0] * 5, [1] * 5, most=2)
    assert len(shown(figure)) == 2
    assert figure.get_suptitle() == "5 of 5 wrong, the first 2"


def test_an_image_may_be_blank():
    ET.fromstring(svg(plots.misclassified(np.full((1, 64), 5.0), [0], [1])))


def test_none_may_be_wrong():
    figure = plots.misclassified(images(3), [0, 1, 2], [0, 1, 2])
    assert shown(figure) == []
    assert figure.get_suptitle() == "0 of 3 wrong"
    assert not any(axes.axison for axes in figure.axes)
    ET.fromstring(svg(figure))


@pytest.mark.parametrize(
    ("X", "shape"), [(images(2), (8, 7)), (images(3), (8, 8)), (images(2)[0], (8, 8))]
)
def test_images_of_another_shape_are_refused(X, shape):
    with pytest.raises(ValueError, match=rf"2 images of {shape[0]} x {shape[1]}"):
        plots.misclassified(X, [0, 1], [1, 1], shape=shape)


# calibration


def test_a_calibration_is_how_often_it_is_right_by_how_sure_it_is():
    p = np.array([0.9, 0.98, 0.62, 0.66, 0.64, 1.0, 0.5])
    true = [0, 1, 0, 0, 1, 0, 0]  # the first class is the most probable one, of all
    axes = only(plots.calibration(true, np.column_stack([p, 1 - p])))
    x, y = axes.lines[1].get_data()
    np.testing.assert_allclose(x, [0.5, 0.64, 0.96])
    np.testing.assert_allclose(y, [1.0, 2 / 3, 2 / 3])
    assert [text.get_text() for text in axes.texts] == ["1", "3", "3"]
    assert [list(ends) for ends in axes.lines[0].get_data()] == [[0, 1], [0, 1]]


def test_a_calibration_against_counting():
    rng = np.random.default_rng(0)
    p, true = rng.dirichlet(np.ones(3), 500), rng.integers(3, size=500)
    x, y = only(plots.calibration(true, p, bins=4)).lines[1].get_data()
    expected = []
    for low in (0.25, 0.5, 0.75):
        rows = [(max(v), int(np.argmax(v)) == k) for v, k in zip(p, true, strict=True)]
        rows = [row for row in rows if low <= row[0] < low + 0.25]
        expected.append(np.mean(rows, axis=0))
    np.testing.assert_allclose(np.column_stack([x, y]), expected)


@pytest.mark.parametrize(
    ("true", "probabilities", "message"),
    [
        ([0, 1], [[0.5, 0.5]], r"shape \(2, K\)"),
        ([0, 2], [[0.5, 0.5]] * 2, r"a column per class, got \(2, 2\)"),
        ([0, 1], [0.5, 0.5], r"shape \(2, K\)"),
        ([0], [[1.5, -0.5]], r"lie in \[0, 1\]"),
        ([0], [[math.nan, 0.5]], r"lie in \[0, 1\]"),
        ([0.5], [[1.0, 0.0]], "class indices"),
    ],
)
def test_probabilities_that_are_none_are_refused(true, probabilities, message):
    with pytest.raises(ValueError, match=message):
        plots.calibration(true, probabilities)


@pytest.mark.parametrize("bins", [0, 1.5, None])
def test_bins_are_a_positive_whole_number(bins):
    with pytest.raises(ValueError, match="bins must be a positive whole number"):
        plots.calibration([0], [[1.0, 0.0]], bins)


# All of them


X, Y = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0, 1, 1]
FIGURES = {
    "losses": lambda: plots.losses({"one": history([2.0, 1.0]), "two": history([3.0])}),
    "decision_regions": lambda: plots.decision_regions(linear([[1, 0]], [-0.5]), X, Y),
    "confusion_matrix": lambda: plots.confusion_matrix(Y, [1, 0, 1], ["setosa", "virginica"]),
    "calibration": lambda: plots.calibration(Y, [[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]]),
    "predicted_against_observed": lambda: plots.predicted_against_observed([1, 2], [1, 3]),
    "misclassified": lambda: plots.misclassified(images(3), Y, [1, 0, 1]),
}


def test_they_are_all_here():
    own = {
        name for name, f in vars(plots).items() if getattr(f, "__module__", "") == plots.__name__
    }
    public = {name for name in own if name.islower() and name[0] != "_"}
    assert public == {*FIGURES, "figures"}


# In the report

REPORTED = {
    "iris": ["confusion matrix", "calibration"],
    "moons": ["confusion matrix", "calibration", "decision regions"],
    "digits": ["confusion matrix", "calibration", "misclassified"],
    "diabetes": ["predicted against observed"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REPORTED)
def test_the_report_shows_what_fits_the_data(name):
    data = datasets.load(name)
    net = MLP(data.X_train.shape[1], [data.outputs], rng=np.random.default_rng(0))
    outcome = plots.Outcome.of(data, net)
    shown = dict(plots.figures(outcome))
    assert list(shown) == REPORTED[name]
    assert all(isinstance(figure, Figure) for figure in shown.values())
    assert len(outcome.X) == len(outcome.true) == len(outcome.predicted) == len(data.X_test)


def test_every_figure_of_the_report_is_shown_somewhere():
    assert {name for names in REPORTED.values() for name in names} == {
        row.name for row in plots.FIGURES
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_itself_in_jupyter(name):
    assert FIGURES[name]()._repr_png_().startswith(b"\x89PNG")
    assert not hasattr(FIGURES[name](), "_repr_svg_")  # both would be stored


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_svg_every_time(name):
    text, figure = svg(FIGURES[name]()), FIGURES[name]()
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert svg(figure) == text
    assert svg(figure) == text, "the second time"


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_as_an_element_needs_no_style(name):
    with rc_context({"svg.fonttype": "none"}):
        text = element(FIGURES[name](), hostile := "<b>\"'")
    root, plain = ET.fromstring(text), ET.fromstring(svg(FIGURES[name]()))
    assert (root.get("role"), root.get("aria-label")) == ("img", hostile) and hostile not in text
    again = ET.fromstring(element(FIGURES[name](), "the same, shown a second time"))
    ids, *others = ([e.get("id") for e in r.iter() if e.get("id")] for r in (root, again, plain))
    assert len(ids) == len({*ids}) and not {*ids} & {*others[0], *others[1]}
    used = re.findall(r'(?:href="|url\()#([^")]*)', text)
    assert {*used} == {*ids}
    assert not {"image", "style", "script", "text", "metadata"} & {
        e.tag.partition("}")[2] for e in root.iter()
    }
    assert "style=" not in text
    # What was said in styles, that of the style sheet too, stands in attributes.
    style = plain.find(".//{*}style").text
    assert style == "*{stroke-linejoin: round; stroke-linecap: butt}"
    styles = [style[2:-1], *(e.get("style", "") for e in plain.iter())]
    for one, times in Counter("; ".join(filter(None, styles)).split("; ")).items():
        key, value = one.split(": ")
        assert sum(e.get(key) == value for e in root.iter()) >= times, one


@pytest.mark.slow
@pytest.mark.parametrize(("name", "suffix"), [*zip(FIGURES, cycle(["svg", "png", "pdf"]))])
def test_a_figure_can_be_saved(tmp_path, name, suffix):
    path = tmp_path / f"figure.{suffix}"
    FIGURES[name]().savefig(path)
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", FIGURES)
def test_without_matplotlib_it_says_what_to_install(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"matplotlib.*pip install matplotlib.*demo"):
        FIGURES[name]()


@pytest.mark.slow
def test_pyplot_is_not_imported():
    program = """
import sys
from nn import MLP, plots
from nn.figures import svg
svg(plots.confusion_matrix([0, 1], [0, 0]))
plots.decision_regions(MLP(2, [1]), [[0, 1], [1, 0]], [0, 1])._repr_png_()
plots.predicted_against_observed([1, 2], [1, 3])
plots.misclassified([[0.0] * 64], [0], [1])
print("matplotlib.figure" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.stdout.split(), ran.stderr) == (["True", "False"], "")


# Names from a table can be anything.


@pytest.mark.slow
@pytest.mark.parametrize("name", ["$a^^b$", "50$-100$", "_<ä>"])
def test_names_are_shown_as_they_are(name):
    figures = [
        plots.losses({name: history([1.0]), "b": history([2.0])}),
        plots.decision_regions(linear([[1, 0]], [-0.5]), X, Y, [name, "b"]),
        plots.decision_regions(linear([[1, 0]], [-0.5]), X, Y, features=["b", name]),
        plots.confusion_matrix(Y, [1, 0, 1], [name, "b"]),
        plots.predicted_against_observed([1, 2], [1, 3], name),
        plots.misclassified(images(3), Y, [1, 0, 1], [name, "b"]),
    ]
    for figure in figures:
        with rc_context({"svg.fonttype": "none"}):  # text as text
            picture = ET.fromstring(svg(figure))
        assert name in " ".join(picture.itertext())
