"""The picture of a network, and the player: the numbers are right, the picture and page sound."""

import copy
import json
import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, draw
from autograd.show.bare import bare
from autograd.show.notation import digits
from autograd.show.player import Frame, Player, differences
from nn import MLP, backpropagate, bernoulli_nll, categorical_nll, gaussian_nll
from nn.show.snapshots import snapshot
from tests.cases import ACTIVATIONS, LOSSES, assert_close, random_case

INF, NAN = math.inf, math.nan
MINUS = "\N{MINUS SIGN}"


def small():
    """2 inputs, a relu that is on and one that is off, one output; all by pen and paper."""
    net = MLP(2, [2, 1], "relu")
    for layer, theta, b in zip(
        net.layers, ([[1, 2], [-3, 1]], [[0.5, 4]]), ([0.5, 0], [-1]), strict=True
    ):
        for neuron, weights, bias in zip(layer.neurons, theta, b, strict=True):
            neuron.b.data = bias
            for w, number_ in zip(neuron.w, weights, strict=True):
                w.data = number_
    return net, [1.0, 2.0], 0.75


def wide(*widths, seed=0, activation="tanh"):
    """A drawing of a network of these widths, inputs first."""
    rng = np.random.default_rng(seed)
    net = MLP(widths[0], list(widths[1:]), activation, rng=rng)
    return net, nn.draw(net, rng.normal(size=widths[0]), [0.0] * widths[-1], gaussian_nll)


def drawing(loss=gaussian_nll):
    return nn.draw(*small(), loss)


# ---------------------------------------------------------------------------------- the numbers


@pytest.mark.slow
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("L", [1, 2, 3, 4])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_numbers_are_those_of_the_recursion_by_hand(activation, loss, L, bias):
    for seed in range(4):
        net, x, y = random_case(activation, loss, L, bias, seed, mixed=True)
        by_hand = backpropagate(net, loss, x, y)
        n = snapshot(net, x, y, loss)
        assert n.loss == loss(net(x), y).data
        assert n.a[0] == n.delta[0] == n.theta[0] == n.d_theta[0] == n.b[0] == []
        assert {len(numbers) for numbers in (n.x, n.a, n.delta, n.slope, n.theta, n.b)} == {L + 1}
        assert_close(n.x[0], x)
        for l, layer in enumerate(net.layers, start=1):
            assert_close(n.a[l], by_hand.a[l])
            assert_close(n.x[l], by_hand.x[l])
            assert_close(n.delta[l], by_hand.delta[l])
            assert_close(n.d_theta[l], by_hand.gradients[l])
            assert n.theta[l] == layer.theta.tolist()
            assert n.b[l] == (layer.b.tolist() if bias else [])
            if l < L:
                above = np.array(n.theta[l + 1]).T @ n.delta[l + 1]
                assert_close(np.array(n.slope[l]) * above, n.delta[l])
        assert n.slope[L] == [1.0] * len(n.a[L])


def test_the_numbers_of_a_small_network_by_pen_and_paper():
    n = snapshot(*small(), gaussian_nll)
    assert n.x == [[1, 2], [5.5, 0], [1.75]]
    assert n.a == [[], [5.5, -1], [1.75]]
    assert n.slope[1] == [1, 0]
    assert n.delta == [[], [0.5, 0], [1]]
    assert n.d_theta == [[], [[0.5, 1], [0, 0]], [[5.5, 0]]]
    assert n.loss == 0.5


@pytest.mark.parametrize("make", [np.array, tuple, lambda x: [Value(v) for v in x]])
def test_an_example_can_be_an_array_or_values(make):
    net, x, y = small()
    assert snapshot(net, make(x), y, gaussian_nll) == snapshot(net, x, y, gaussian_nll)


def test_a_loss_of_one_s_own():
    net, x, y = small()
    n = snapshot(net, x, y, lambda a, y: (a - y) ** 4)
    assert n.delta[2] == [4.0]
    text = repr(nn.draw(net, x, y, lambda a, y: (a - y) ** 4).steps())
    assert "Delta2 = dL/da2" in text


def state(net, values=()):
    return [(p.data.hex(), p.grad.hex()) for p in [*net.parameters(), *values]]


def raises(a, y):
    a.backward()
    raise ZeroDivisionError("a loss that fails")


def test_parameters_and_the_example_are_left_as_they_were():
    net, x, y = small()
    x = [Value(v) for v in x]
    for i, v in enumerate([*net.parameters(), *x]):
        v.grad = NAN if i == 3 else i - 0.5
    before = state(net, x)
    shown = nn.draw(net, x, y, gaussian_nll)
    shown.svg(), shown.steps(), repr(shown)
    assert state(net, x) == before
    assert shown.svg() == drawing().svg()  # what was in .grad did not matter
    with pytest.raises(ZeroDivisionError):
        nn.draw(net, x, y, raises)
    for wrong in ([1.0], [1.0, 2.0, 3.0], ["a", "b"]):
        with pytest.raises((ValueError, TypeError)):
            nn.draw(net, wrong, y, gaussian_nll)
    assert state(net, x) == before


def test_a_drawing_is_of_the_moment_it_was_made():
    net, x, y = small()
    shown = nn.draw(net, x, y, gaussian_nll)
    before = shown.svg(), repr(shown), repr(shown.steps())
    for p in net.parameters():
        p.data = p.grad = 9.0
    assert (shown.svg(), repr(shown), repr(shown.steps())) == before


# ----------------------------------------------------------------------------- what is refused


def test_what_is_no_mlp():
    net, x, y = small()
    for wrong in (net.layers[0], net.layers[0].neurons[0], net.__call__, None):
        with pytest.raises(TypeError, match="net must be an MLP"):
            nn.draw(wrong, x, y, gaussian_nll)


def test_an_mlp_that_does_more_than_its_layers():
    class Residual(MLP):
        def __call__(self, x):
            return super().__call__(x) + x[0]

    class Named(MLP):
        pass

    with pytest.raises(TypeError, match="net must be an MLP, with an MLP's own __call__"):
        nn.draw(Residual(2, [1]), [1.0, 2.0], 0.0, gaussian_nll)
    assert nn.draw(Named(2, [1]), [1.0, 2.0], 0.0, gaussian_nll).svg()


@pytest.mark.parametrize("result", [0.5, None, [1.0]], ids=repr)
def test_a_loss_that_is_no_value(result):
    with pytest.raises(TypeError, match="loss must return a Value, got"):
        nn.draw(*small(), lambda a, y: result)


@pytest.mark.parametrize("x", [[], [1.0], [1.0, 2.0, 3.0], np.ones(3)], ids=len)
def test_an_example_of_another_length(x):
    net, _, y = small()
    with pytest.raises(ValueError, match=f"x must have 2 entries, got {len(x)}"):
        nn.draw(net, x, y, gaussian_nll)


def test_an_example_that_is_not_made_of_numbers():
    net, _, y = small()
    with pytest.raises(TypeError, match="must be a real number, got 'a'"):
        nn.draw(net, ["a", "b"], y, gaussian_nll)
    with pytest.raises(ValueError, match="one example, 2 numbers, got 2 rows"):
        nn.draw(net, np.ones((2, 3)), y, gaussian_nll)


@pytest.mark.parametrize("x", [3.0, Value(3.0), iter([1.0, 2.0])], ids=lambda x: type(x).__name__)
def test_an_example_that_is_no_sequence_is_refused_by_its_name(x):
    """As the network itself refuses it."""
    net, _, y = small()
    with pytest.raises(TypeError, match="x must be a sequence"):
        nn.draw(net, x, y, gaussian_nll)


def test_a_target_that_does_not_fit():
    net, x, _ = small()
    with pytest.raises(ValueError, match="a and y must have the same length, got 1 and 2"):
        nn.draw(net, x, [1.0, 2.0], gaussian_nll)
    with pytest.raises(ValueError, match=r"y must lie in \[0, 1\]"):
        nn.draw(net, x, 2, bernoulli_nll)
    with pytest.raises(ValueError, match="categorical_nll needs two outputs or more"):
        nn.draw(net, x, 0, categorical_nll)
    with pytest.raises(ValueError, match="y must be a class index from 0 to 2, got 3"):
        nn.draw(MLP(2, [3]), x, 3, categorical_nll)
    with pytest.raises(TypeError, match="a target must be a number or a Value, got '1'"):
        nn.draw(net, x, "1", gaussian_nll)


# -------------------------------------------------------------------------------- the picture


class Picture:
    """An SVG, read back: elements by id, circles and lines."""

    def __init__(self, svg):
        self.root = ET.fromstring(svg)
        assert tag(self.root) == "svg"
        with_id = [e for e in self.root.iter() if "id" in e.keys()]  # noqa: SIM118
        self.ids = {e.get("id"): e for e in with_id}
        assert len(self.ids) == len(with_id)
        self.neurons = self.classed("g", "neuron")
        self.lines = self.classed("path", "w")

    def classed(self, kind, name):
        return {
            i: e
            for i, e in self.ids.items()
            if tag(e) == kind and e.get("class").split()[0] == name
        }

    def texts(self, name):
        return [e.text for e in self.root.iter() if e.get("class") == name]


def tag(element):
    return element.tag.split("}")[1]


def picture(shown):
    return Picture(shown.svg())


def weights(net):
    """The weights by the ids of their lines."""
    return {
        f"w{l}_{j}_{i}": w.data
        for l, layer in enumerate(net.layers, start=1)
        for j, neuron in enumerate(layer.neurons)
        for i, w in enumerate(neuron.w)
    }


@pytest.mark.parametrize("widths", [(1, 1), (2, 3, 1), (4, 13, 2, 3), (12, 1), (40, 2)])
def test_a_circle_for_every_unit_and_a_line_for_every_weight(widths):
    net, shown = wide(*widths)
    found = picture(shown)
    assert found.neurons.keys() == {f"u{l}_{j}" for l, d in enumerate(widths) for j in range(d)}
    assert found.lines.keys() == weights(net).keys()
    assert found.texts("note") == []


@pytest.mark.parametrize("d", [41, 42, 64, 500])
def test_a_wide_layer_is_shown_without_its_middle(d):
    _, shown = wide(d, 3, 1)
    found = picture(shown)
    units = sorted(int(name[3:]) for name in found.neurons if name.startswith("u0_"))
    assert len(units) == 39
    assert units[0] == 0 and units[-1] == d - 1
    assert found.texts("note") == [f"⋮ {d - 39} more"]
    assert found.lines.keys() == {
        *(f"w1_{j}_{i}" for j in range(3) for i in units),
        *(f"w2_0_{j}" for j in range(3)),
    }
    gaps = [b - a - 1 for a, b in pairwise(units) if b > a + 1]
    assert gaps == [d - 39]


def test_64_inputs_are_39_circles_and_25_more():
    found = picture(wide(64, 41, 1)[1])
    assert [sum(n.startswith(f"u{l}_") for n in found.neurons) for l in (0, 1, 2)] == [39, 39, 1]
    assert found.texts("note") == ["⋮ 25 more", "⋮ 2 more"]
    assert len(found.lines) == 39 * 39 + 39


def test_circles_do_not_overlap_and_stay_in_the_picture():
    found = picture(wide(64, 5, 41, 2)[1])
    width, height = (float(found.root.get(name)) for name in ("width", "height"))
    columns = {}
    for group in found.neurons.values():
        (ring,) = [e for e in group if e.get("class") == "ring"]
        x, y, r = (float(ring.get(name)) for name in ("cx", "cy", "r"))
        assert r <= x <= width - r and r <= y <= height - r
        columns.setdefault(x, []).append((y, r))
    assert len(columns) == 4
    for circles in columns.values():
        for (y0, r0), (y1, r1) in pairwise(sorted(circles)):
            assert y1 - y0 >= r0 + r1


@pytest.mark.parametrize(("d", "least"), [(12, 36), (13, 30), (16, 25), (24, 15), (40, 9)])
def test_circles_of_wide_layers_use_the_height_that_twelve_large_ones_have(d, least):
    shown = wide(2, d, d, 1)[1]
    twelve = wide(2, 12, 1)[1]
    found = picture(shown)
    radii = [float(e.get("r")) for g in found.neurons.values() for e in g if e.get("class")
             == "ring"]  # fmt: skip
    assert min(radii) >= least
    assert float(found.root.get("height")) <= float(picture(twelve).root.get("height")) + 20
    has_numbers = [len(texts(g)) > 0 for name, g in found.neurons.items() if name[1] == "1"]
    assert all(has_numbers) == (least >= 30)


def texts(group):
    return [e for e in group if e.tag.endswith("text")]


def test_the_legend_explains_what_there_is_and_nothing_else():
    net = MLP(2, [2, 1], activation="relu", rng=np.random.default_rng(0))
    first, second, output = net.layers[0].neurons[0], net.layers[0].neurons[1], net.layers[1]

    def legend(y, *weights):
        for w, value in zip([*first.w, *second.w, *output.neurons[0].w], weights, strict=True):
            w.data = value
        shown = nn.draw(net, [1.0, 2.0], y, gaussian_nll)
        return " ".join(reversed(picture(shown).texts("legend"))).removesuffix(
            " On a page, click a circle or a line for its numbers."
        )

    circle = "Circle: filled by its error signal \u0394 (Delta) = dL/da"
    assert legend(11.0, 1.0, 2.0, 3.0, 1.0, 1.0, 1.0) == (
        f"Line: a weight; blue positive, wider for larger. {circle}, orange negative."
    )
    assert legend(9.0, 1.0, 2.0, 3.0, 1.0, 1.0, 1.0) == (
        f"Line: a weight; blue positive, wider for larger. {circle}, likewise."
    )
    off = "Dashed and crossed: a relu that is off (a \u2264 0), so that nothing passes."
    assert legend(9.0, -1.0, -2.0, 3.0, 1.0, 1.0, 1.0) == (
        "Line: a weight; blue positive, orange negative, wider for larger. "
        f"{circle}, orange negative. {off}"
    )
    assert legend(10.0, 1.0, 2.0, 3.0, 1.0, 1.0, 1.0) == (
        "Line: a weight; blue positive, wider for larger."
    )
    assert "yellow not finite" in legend(0.0, NAN, 2.0, 3.0, 1.0, 1.0, 1.0)


def test_lines_lead_from_circle_to_circle():
    found = picture(wide(3, 4, 2)[1])

    def centre(name):
        (ring,) = [e for e in found.neurons[name] if e.get("class") == "ring"]
        return ring.get("cx"), ring.get("cy")

    assert len(found.lines) == 3 * 4 + 4 * 2
    for name, line in found.lines.items():
        l, j, i = map(int, name[1:].split("_"))
        ends = re.fullmatch(r"M(\S+) (\S+)L(\S+) (\S+)", line.get("d")).groups()
        assert (ends[:2], ends[2:]) == (centre(f"u{l - 1}_{i}"), centre(f"u{l}_{j}"))


@pytest.mark.parametrize("seed", range(5))
def test_a_line_is_wider_for_a_larger_weight(seed):
    net, shown = wide(5, 6, 4, seed=seed)
    found, theta = picture(shown), weights(net)
    for l in (1, 2):
        layer = sorted((name for name in theta if name[1] == str(l)), key=lambda n: abs(theta[n]))
        widths = [float(found.lines[name].get("stroke-width")) for name in layer]
        assert widths == sorted(widths)
        assert 0 < widths[0] < widths[-1] / 2
        assert widths[-1] == 4.0


def test_the_sign_of_a_weight_is_a_class():
    net, _, _ = small()
    net.layers[1].neurons[0].w[1].data = 0.0
    net.layers[0].neurons[0].w[0].data = NAN
    found = picture(nn.draw(net, [1.0, 1.0], 1.0, gaussian_nll))
    assert {name: line.get("class") for name, line in found.lines.items()} == {
        "w1_0_0": "w odd", "w1_0_1": "w plus", "w1_1_0": "w minus", "w1_1_1": "w plus",
        "w2_0_0": "w plus", "w2_0_1": "w none",
    }  # fmt: skip
    assert [found.lines[name].get("stroke-width") for name in ("w1_0_0", "w2_0_1")] == [
        "4.0",
        "0.3",
    ]


def test_signs_of_many_weights():
    net, shown = wide(7, 9, 3)
    lines = picture(shown).lines
    assert len(lines) == 7 * 9 + 9 * 3
    for name, line in lines.items():
        assert line.get("class") == ("w plus" if weights(net)[name] > 0 else "w minus")


def test_a_line_says_the_weight_and_its_gradient():
    found = picture(drawing())
    titles = {name: line.find("{*}title").text for name, line in found.lines.items()}
    assert titles == {
        "w1_0_0": "theta1[0,0] = 1, gradient 0.5",
        "w1_0_1": "theta1[0,1] = 2, gradient 1",
        "w1_1_0": f"theta1[1,0] = {MINUS}3, gradient 0",
        "w1_1_1": "theta1[1,1] = 1, gradient 0",
        "w2_0_0": "theta2[0,0] = 0.5, gradient 5.5",
        "w2_0_1": "theta2[0,1] = 4, gradient 0",
    }


def test_a_circle_says_its_numbers():
    found = picture(drawing())
    titles = {name: group.find("{*}title").text for name, group in found.neurons.items()}
    assert titles == {
        "u0_0": "x0[0] = 1",
        "u0_1": "x0[1] = 2",
        "u1_0": "a1[0] = 5.5, x1[0] = 5.5, b1[0] = 0.5, Delta1[0] = 0.5",
        "u1_1": f"a1[1] = {MINUS}1, x1[1] = 0, b1[1] = 0, Delta1[1] = 0",
        "u2_0": f"a2[0] = 1.75, b2[0] = {MINUS}1, Delta2[0] = 1",
    }
    texts = {
        name: [e.text for e in group if tag(e) == "text"] for name, group in found.neurons.items()
    }
    assert texts == {
        "u0_0": ["x 1"],
        "u0_1": ["x 2"],
        "u1_0": ["a 5.5", "x 5.5", "Δ 0.5"],
        "u1_1": [f"a {MINUS}1", "x 0", "Δ 0"],
        "u2_0": ["a 1.75", "Δ 1"],
    }
    assert found.texts("head") == ["x0: the input", "a1, x1 = relu(a1)", "a2: the output"]


def test_a_circle_is_filled_by_its_error_signal():
    found = picture(drawing())
    fills = {i: (found.ids[f"{i}f"].get("class"), float(found.ids[f"{i}f"].get("fill-opacity")))
             for i in found.neurons if f"{i}f" in found.ids}  # fmt: skip
    assert fills.keys() == {"u1_0", "u1_1", "u2_0"}
    assert (fills["u1_0"][0], fills["u1_1"], fills["u2_0"][0]) == ("plus", ("none", 0.0), "plus")
    assert 0 < fills["u1_0"][1] < fills["u2_0"][1] < 1
    net, x, _ = small()
    assert picture(nn.draw(net, x, 5.0, gaussian_nll)).ids["u2_0f"].get("class") == "minus"
    assert picture(nn.draw(net, x, NAN, gaussian_nll)).ids["u2_0f"].get("class") == "odd"


@pytest.mark.parametrize("seed", range(4))
def test_only_a_relu_that_is_off_looks_so(seed):
    rng = np.random.default_rng(seed)
    hidden = ["relu", "tanh", "relu", "linear"]
    net = MLP(3, [6, 5, 6, 4, 3], hidden, rng=rng)
    net.layers[0].neurons[2].w = [Value(0.0) for _ in range(3)]  # a is exactly 0
    x = rng.normal(size=3).tolist()
    a = backpropagate(net, gaussian_nll, x, [0.0] * 3).a
    found = picture(nn.draw(net, x, [0.0] * 3, gaussian_nll))
    for name, group in found.neurons.items():
        l, j = map(int, name[1:].split("_"))
        off = 1 <= l <= 4 and hidden[l - 1] == "relu" and a[l][j] <= 0
        assert group.get("class") == ("neuron off" if off else "neuron")
    assert found.neurons["u1_2"].get("class") == "neuron off"
    assert sum(group.get("class") == "neuron" for group in found.neurons.values()) > 15


@pytest.mark.parametrize("x", [[INF, 1.0], [NAN, 1.0], [1e308, 1e308], [0.0, 0.0]], ids=str)
def test_numbers_that_are_not_finite(x):
    net, _, y = small()
    shown = nn.draw(net, x, y, gaussian_nll)
    found = picture(shown)
    assert len(found.neurons) == 5 and len(found.lines) == 6
    text = found.neurons["u0_0"].find("{*}text").text
    assert text == f"x {digits(x[0])}"
    assert len(shown.steps()) == 6
    assert "nan" not in {line.get("stroke-width") for line in found.lines.values()}


def test_the_table():
    head, *lines = repr(drawing()).splitlines()
    assert head == "MLP(2, [2, 1], activation='relu', bias=True), loss 0.5"
    assert [line.split() for line in lines] == [
        ["layer", "unit", "a", "x", "delta"],
        ["0", "0", "1"],
        ["0", "1", "2"],
        ["1", "0", "5.5", "5.5", "0.5"],
        ["1", "1", f"{MINUS}1", "0", "0"],
        ["2", "0", "1.75", "1.75", "1"],
    ]
    assert len({len(line) for line in lines}) == 1
    end = lines[0].index("x")
    assert [line[end : end + 2] for line in lines[1:]] == [
        "1 ",
        "2 ",
        "5 ",
        "0 ",
        "5 ",
    ]  # to the right


def test_the_table_of_a_large_network_is_shown_without_its_middle():
    lines = repr(wide(500, 3, 1)[1]).splitlines()
    assert len(lines) < 100
    assert any("…" in line for line in lines)
    assert [line.split()[:2] for line in (lines[2], lines[-1])] == [["0", "0"], ["2", "0"]]


# ------------------------------------------------------------------------------- in steps


def states(frames):
    """The state of the picture after each frame; the first one sets all that changes."""
    state = {}
    for i, frame in enumerate(frames):
        assert i == 0 or frame.changes.keys() <= state.keys()
        state = {**state, **frame.changes}
        yield state


def finished(frames):
    return list(states(frames))[-1]


def shows(svg, state):
    """Whether a picture is in a state."""
    ids = Picture(svg).ids
    return all(
        (ids[name].text or "" if attribute == "text" else ids[name].get(attribute)) == value
        for (name, attribute), value in state.items()
    )


def test_differences():
    before = {("a", "text"): "1", ("b", "class"): "x"}
    after = {("a", "text"): "2", ("b", "class"): "x", ("c", "text"): ""}
    assert differences(before, after) == {("a", "text"): "2", ("c", "text"): ""}
    assert differences({}, after) == after
    assert differences(after, after) == {}
    assert {**before, **differences(before, after)} == after


@pytest.mark.parametrize("L", [1, 2, 3, 4])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_frames_lead_to_the_finished_picture(loss, L):
    for activation in ACTIVATIONS:
        net, x, y = random_case(activation, loss, L, True, seed=L, mixed=True)
        shown = nn.draw(net, x, y, loss)
        player = shown.steps()
        assert len(player) == len(player.frames) == 2 * L + 2
        assert shows(shown.svg(), finished(player.frames))
        for frame, (before, after) in zip(
            player.frames[1:], pairwise(states(player.frames)), strict=True
        ):
            assert frame.changes == differences(before, after)  # nothing is said twice


@pytest.mark.parametrize("widths", [(64, 13, 2), (3, 45, 1)])
def test_the_frames_of_a_wide_network(widths):
    _, shown = wide(*widths, activation="relu")
    assert shows(shown.svg(), finished(shown.steps().frames))


def test_what_a_frame_lights_is_in_the_picture():
    _, shown = wide(64, 13, 2, activation="relu")
    ids = picture(shown).ids
    frames = shown.steps().frames
    assert sum(bool(frame.active) for frame in frames) >= len(frames) - 1
    for frame in frames:
        assert set(frame.active) <= ids.keys()
        assert len(set(frame.active)) == len(frame.active)


def test_values_come_forward_and_error_signals_backward():
    seen = [
        {name for (name, attribute), text in state.items() if attribute == "text" and text}
        for state in states(drawing().steps().frames)
    ]
    inputs, layer, top = {"u0_0x", "u0_1x"}, {"u1_0a", "u1_0x", "u1_1a", "u1_1x"}, {"u2_0a"}
    assert seen[:4] == [inputs, inputs | layer, inputs | layer | top, inputs | layer | top]
    assert seen[4] == seen[3] | {"u2_0d"}
    assert seen[5] == seen[4] | {"u1_0d", "u1_1d"}


def test_a_relu_is_off_from_its_forward_step_on_and_no_circle_is_filled_before_its_turn():
    frames = drawing().steps().frames
    assert frames[0].changes["u1_1", "class"] == "neuron"
    assert frames[1].changes["u1_1", "class"] == "neuron off"
    assert all(("u1_1", "class") not in frame.changes for frame in frames[2:])
    assert frames[0].changes["u2_0f", "class"] == frames[0].changes["u1_0f", "class"] == "none"
    assert frames[4].changes["u2_0f", "class"] == frames[5].changes["u1_0f", "class"] == "plus"


def test_the_captions():
    frames = drawing().steps().frames
    assert [(frame.title, *frame.lines) for frame in frames] == [
        ("Start: the input x0.", "x0[0] = 1", "x0[1] = 2"),
        (
            "Forward, layer 1: a1 = theta1 x0 + b1, x1 = relu(a1)",
            "a1[0] = 1 × 1 + 2 × 2 + 0.5 = 5.5",
            "x1[0] = relu(5.5) = 5.5",
            f"a1[1] = ({MINUS}3) × 1 + 1 × 2 + 0 = {MINUS}1",
            f"x1[1] = relu({MINUS}1) = 0",
        ),
        (
            "Forward, layer 2: a2 = theta2 x1 + b2, the output",
            f"a2[0] = 0.5 × 5.5 + 4 × 0 + ({MINUS}1) = 1.75",
        ),
        ("The loss of this example.", "target y = 0.75, loss = 0.5"),
        (
            "Backward, layer 2: Delta2 = dL/da2 = a2 - y",
            "Delta2[0] = 1.75 - 0.75 = 1",
            "dL/dtheta2[0,0] = Delta2[0] × x1[0] = 1 × 5.5 = 5.5",
        ),
        (
            "Backward, layer 1: Delta1[j] = g'(a1[j]) sum_k theta2[k,j] Delta2[k];  "
            "dL/dtheta1[j,i] = Delta1[j] x0[i]",
            "Delta1[0] = 1 × (0.5 × 1) = 0.5",
            "dL/dtheta1[0,0] = Delta1[0] × x0[0] = 0.5 × 1 = 0.5",
            "Delta1[1] = 0 × (4 × 1) = 0",
            "dL/dtheta1[1,0] = Delta1[1] × x0[0] = 0 × 1 = 0",
        ),
    ]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_captions_numbers_are_those_of_the_recursion(loss):
    net, x, y = random_case("tanh", loss, 3, True, seed=5, mixed=True)
    by_hand = backpropagate(net, loss, x, y)
    results = {}
    for line in (line for frame in nn.draw(net, x, y, loss).steps().frames for line in frame.lines):
        if m := re.match(r"(\w+\[\d+\]|dL/dtheta\d\[\d+,0\]) = ", line):
            results[m[1]] = line.split(" = ")[-1]
    for l in (1, 2, 3):
        for j in range(min(2, len(by_hand.a[l]))):
            assert results[f"a{l}[{j}]"] == digits(by_hand.a[l][j])
            assert results[f"Delta{l}[{j}]"] == digits(by_hand.delta[l][j])
            assert results[f"dL/dtheta{l}[{j},0]"] == digits(by_hand.gradients[l][j][0])
            if f"x{l}[{j}]" in results:
                assert results[f"x{l}[{j}]"] == digits(by_hand.x[l][j])
    assert "x1[0]" in results and "x0[0]" in results


@pytest.mark.parametrize(
    ("loss", "signal"),
    [
        (lambda a, y: autograd.sum(a), ""),
        (gaussian_nll, " = a1 - y"),
        (bernoulli_nll, " = sigmoid(a1) - y"),
    ],
)
def test_the_error_signal_at_the_top_is_that_of_the_loss(loss, signal):
    net, y = MLP(2, [2], rng=np.random.default_rng(0)), [0.0, 1.0]
    frame = nn.draw(net, [1.0, 2.0], y, loss).steps().frames[-1]
    assert frame.title == f"Backward, layer 1: Delta1 = dL/da1{signal}"
    delta = snapshot(net, [1.0, 2.0], y, loss).delta[1]
    for j, line in enumerate(frame.lines[::2]):
        difference = f"{digits(delta[j] + y[j])} - {digits(y[j])} = " if signal else ""
        assert line == f"Delta1[{j}] = {difference}{digits(delta[j])}"


def test_a_class_index_is_written_as_one_hot_in_the_error_signal():
    net = MLP(2, [3], rng=np.random.default_rng(0))
    frame = nn.draw(net, [1.0, 2.0], 1, categorical_nll).steps().frames[-1]
    assert frame.title == "Backward, layer 1: Delta1 = dL/da1 = softmax(a1) - y, y as one-hot"
    assert [re.search(" - (.*) = ", line)[1] for line in frame.lines[:4:2]] == ["0", "1"]


def test_a_weight_that_the_loss_has_in_it_gets_its_share_from_there_too():
    net, x, y = small()
    decayed = net.layers[0].neurons[0].w[0]
    frame = nn.draw(net, x, y, lambda a, y: gaussian_nll(a, y) + 2 * decayed).steps().frames[-1]
    gradients = [line for line in frame.lines if line.startswith("dL/dtheta")]
    assert gradients == [
        "dL/dtheta1[0,0] = Delta1[0] × x0[0] = 0.5 × 1 + 2 (the loss has this weight in it) = 2.5",
        "dL/dtheta1[1,0] = Delta1[1] × x0[0] = 0 × 1 = 0",
    ]


def test_a_network_without_biases_and_linear_layers_is_written_without_them():
    net = MLP(1, [1, 1], "linear", bias=False)
    for p in net.parameters():
        p.data = 2.0
    frames = nn.draw(net, [3.0], 0.0, gaussian_nll).steps().frames
    assert frames[1].lines == ["a1[0] = 2 × 3 = 6"]
    assert frames[1].title == "Forward, layer 1: a1 = theta1 x0"
    assert "g'" not in frames[-1].title
    assert frames[-1].lines[0] == "Delta1[0] = 2 × 12 = 24"


def test_the_numbers_of_a_large_layer_are_shortened_and_counted():
    _, shown = wide(30, 20, 1)
    lines = shown.steps().frames[1].lines
    assert lines[-1] == "… and 18 more: click a circle"
    assert "… 27 more …" in lines[0]  # 30 products and a bias, 4 of them shown
    assert len(lines) == 5


def test_in_a_terminal_the_steps_are_numbered():
    player = drawing().steps()
    lines = repr(player).splitlines()
    assert [line for line in lines if not line.startswith("    ")] == [
        f"{i}. {frame.title}" for i, frame in enumerate(player.frames)
    ]


# ---------------------------------------------------------------------------------- as a file


@pytest.mark.parametrize("name", ["net.svg", "net.SVG", "net.html", "net.HTML"])
def test_save(tmp_path, name):
    shown = drawing()
    shown.save(tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    if name.lower().endswith("svg"):
        assert text == shown.svg()
    else:
        page = Html(text)
        assert (page.svg, page.alt) == (named(bare(shown.svg(), page.alt)[0]), page.title)
        assert len(page.data["frames"]) == 1
        assert shows(page.svg, changes_of(page.data["frames"][0]))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["net.png", "net", "net.svg.txt", ".svg"])
def test_another_suffix_is_a_value_error_and_no_file_is_left(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must end in \.svg or \.html, got"):
        drawing().save(str(tmp_path / name))
    with pytest.raises(TypeError, match=r"path must be the path of a file.* got None"):
        drawing().save(None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["steps.svg", "steps", "steps.htm"])
def test_a_player_is_saved_as_html_only(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must end in \.html, got"):
        drawing().steps().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    for shown, name in (
        (drawing(), "net.svg"),
        (drawing(), "net.html"),
        (drawing().steps(), "s.html"),
    ):
        with pytest.raises(FileNotFoundError):
            shown.save(tmp_path / "nowhere" / name)
    assert list(tmp_path.iterdir()) == []


def test_what_only_the_picture_of_a_graph_has_is_refused_with_advice():
    drawing = nn.draw(MLP(2, [3, 1]), [1.0, 2.0], 1, bernoulli_nll)
    with pytest.raises(AttributeError, match=r"no 'live': .*autograd\.draw\(loss.*\)\.live\(\)"):
        drawing.live()
    with pytest.raises(AttributeError, match=r"no 'source': it has \.svg\(\)"):
        drawing.source  # noqa: B018
    with pytest.raises(AttributeError, match=r"no 'nothing'$"):
        drawing.nothing()
    assert not hasattr(drawing, "live")
    assert copy.deepcopy(drawing).svg() == drawing.svg()


def test_in_jupyter_it_is_a_table_and_a_page():
    shown = drawing()
    bundle = shown._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/html"}
    assert bundle["text/plain"] == repr(shown)
    assert Html(bundle["text/html"]).svg == in_page(shown.svg())


# --------------------------------------------------------------------------------- the player


class Html(HTMLParser):
    """A player's page, or its fragment: tags, title, the picture, and the data."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.alt, self.title, self.within = [], [], None, "", None
        self.feed(text)
        self.close()
        self.raw, self.script = self.scripts
        self.data = json.loads(self.raw)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.within = tag
        if tag == "script":
            self.scripts.append("")
        elif tag == "img":
            assert attributes.keys() == {"alt", "src"}
            self.alt = attributes["alt"]
            picture = attributes["src"].removeprefix("data:image/svg+xml,")
            self.svg = unquote(picture, errors="strict")
        elif tag == "svg":  # of a page that is saved
            self.alt = attributes["aria-label"]
            svg = self.rawdata[self.rawdata.index("<svg") :].partition("</svg>")[0] + "</svg>"
            self.svg = named(svg)

    def handle_endtag(self, tag):
        self.within = None

    def handle_data(self, data):
        if self.within == "script":
            self.scripts[-1] += data
        elif self.within == "title" and "svg" not in self.tags:
            self.title += data


def named(svg):
    """SVG of a page as a document."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def changes_of(frame):
    """By element id and attribute; a text's attribute is not written."""
    return {(name, *(attribute or ["text"])): value for name, value, *attribute in frame["changes"]}


def in_page(svg):
    """A picture as it stands in a page: with single quotes, and in one line."""
    return svg.replace('"', "'").replace("\n", " ")


PLAYER_TAGS = ["div", "img", "script", "script"]
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"><img src=x onerror='alert(1)'>",
    "back\\slash \\u003c \\",
    "quotes \" ' `",
    "a\u2028b\u2029c",
    "&lt; &amp; &",
    "]]></svg>",
    "\x00\x1b\x7f",
    "\ud800",
    "\U0001f600 \N{GREEK SMALL LETTER THETA}",
    "${x} {y} %s",
]


@pytest.mark.tools
@pytest.mark.parametrize("label", HOSTILE, ids=ascii)
def test_a_label_is_data_in_the_page_of_a_graph(tmp_path, label):
    x = Value(2.0, label=label)
    root = x * 3.0
    root.label = label
    player = draw(root).steps()
    page = Html(player.fragment())
    assert page.tags == PLAYER_TAGS
    assert not set("<>&") & set(page.raw)
    written = "".join(c if c.isprintable() else repr(c)[1:-1] for c in label)
    assert len(written) <= 40
    assert page.data["frames"][0]["lines"] == [f"{written} = 2"]
    assert page.data["details"]["n0"][0] == f"{written} = 2"
    assert written in page.alt
    assert Picture(page.svg).ids["n0"].find("{*}text[@class='name']").text == written
    player.save(tmp_path / "page.html")
    saved = Html((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert saved.title == saved.alt == player.title
    assert saved.data | {"css": ""} == page.data | {"css": ""} and saved.tags.count("script") == 2
    assert saved.svg == named(bare(page.svg, player.title)[0])
    assert Picture(saved.svg).ids["n0"].find("{*}text[@class='name']").text == written
    assert player._repr_mimebundle_()["text/plain"].encode()


@pytest.mark.parametrize("y", HOSTILE, ids=ascii)
def test_a_target_is_data_in_the_page_of_a_network(tmp_path, y):
    net, x, _ = small()
    shown = nn.draw(net, x, y, lambda a, y: a * a)
    player = shown.steps()
    page = Html(player.fragment())
    assert page.tags == PLAYER_TAGS
    assert not set("<>&") & set(page.raw)
    assert page.data["frames"][3]["lines"] == [player.frames[3].lines[0]]
    assert ET.fromstring(shown.svg()) is not None
    for name, it in (("net.svg", shown), ("net.html", shown), ("steps.html", player)):
        it.save(tmp_path / name)


def test_the_data_of_a_page():
    shown = drawing()
    player = shown.steps()
    data = Html(player.fragment()).data
    assert [frame["title"] for frame in data["frames"]] == [f.title for f in player.frames]
    assert [frame["lines"] for frame in data["frames"]] == [list(f.lines) for f in player.frames]
    for frame, f in zip(data["frames"], player.frames, strict=True):
        assert changes_of(frame) == f.changes
    assert data["details"].keys() == picture(shown).neurons.keys()
    assert data["details"]["u1_0"] == [
        "neuron 0 of layer 1",
        "a1[0] = 1 × 1 + 2 × 2 + 0.5 = 5.5",
        "x1[0] = relu(5.5) = 5.5",
        "b1[0] = 0.5",
        "Delta1[0] = 1 × (0.5 × 1) = 0.5",
        "dL/dtheta1[0,0] = Delta1[0] × x0[0] = 0.5 × 1 = 0.5",
        "dL/db1[0] = Delta1[0] = 0.5",
        "theta1[0,:] = 1, 2",
        "dL/dtheta1[0,:] = 0.5, 1",
    ]
    assert data["details"]["u0_1"] == ["x0[1] = 2", "an input"]
    assert (data["word"], data["interval"]) == ("step", 2000)


def test_a_player_of_one_s_own():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><text id="t">b</text></svg>'
    frames = [Frame("<1>", ["&"], ["t"], {("t", "text"): "<a>"}), Frame("2", [], [], {})]
    player = Player(svg, frames, {"t": ["<t>"]}, 'a "title" & <b>', "as text", "update", 50)
    assert (repr(player), len(player)) == ("as text", 2)
    assert repr(Player(svg, frames, {}, "a title")) == "0. <1>\n    &\n1. 2"
    page = Html(player.fragment())
    assert page.tags == PLAYER_TAGS
    assert (page.alt, page.svg) == ('a "title" & <b>', in_page(svg))
    first, second = page.data["frames"]
    assert first == {
        "title": "<1>", "lines": ["&"], "active": ["t"], "changes": [["t", "<a>"]],
    }  # fmt: skip
    assert second["changes"] == []
    assert (page.data["details"], page.data["word"], page.data["interval"]) == (
        {"t": ["<t>"]}, "update", 50,
    )  # fmt: skip


def test_a_page_asks_nothing_of_the_network(tmp_path):
    drawing().steps().save(tmp_path / "steps.html")
    text = (tmp_path / "steps.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    addresses = set(re.findall(r"https?://[^\s\"']+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not a place


def shared_graph(n):
    """A graph of n nodes, most of them with two arrows."""
    v, y = Value(1.5, label="x"), Value(2.0, label="y")
    for _ in range(n - 2):
        v = v * y
    return v


def test_the_page_of_a_graph_of_20_nodes_is_small(tmp_path):
    root = shared_graph(20)
    assert len(autograd.topological_order(root)) == 20
    page = draw(root).steps()
    page.save(tmp_path / "page.html")
    assert len(page.fragment().encode()) < 60_000  # what a notebook keeps
    assert (tmp_path / "page.html").stat().st_size < 65_000


@pytest.mark.tools
@pytest.mark.parametrize("x", [2.0, 0.0, INF, NAN], ids=str)
def test_the_frames_of_a_graph_lead_to_its_finished_picture(x):
    v, y = Value(x, label="x"), Value(5.0, label="y")
    root = v.log() + v * y - 2.0 * y.sin()
    player = draw(root).steps()
    assert shows(Html(player.fragment()).svg, finished(player.frames))
    root.backward()
    state = finished(player.frames)
    for i, node in enumerate(autograd.topological_order(root)):
        assert state[f"n{i}v", "text"] == digits(node.data)
        assert state[f"n{i}g", "text"] == digits(node.grad)


def test_captions_and_boxes_call_a_node_by_one_name_where_the_graph_is_cut_off():
    x = Value(2.0, label="x")
    middle = (x * x).exp()
    root = middle.sin() * 3.0
    player = draw(root, stop=[middle]).steps()
    boxes = {
        group.find("{*}text[@class='name']").text
        for name, group in Picture(Html(player.fragment()).svg).ids.items()
        if re.fullmatch(r"n\d+", name)
    }
    assert boxes == {"v2", "v3", "v4"}  # as in print(step), where v1 is x * x
    backward = [frame for frame in player.frames if frame.title.startswith("Backward: v")]
    assert [frame.title for frame in backward] == [
        "Backward: v4 = v3 * 3, v4.grad = 1",
        "Backward: v3 = sin(v2), v3.grad = 3",
    ]
    assert set(re.findall(r"v\d+", repr(player))) == boxes


def test_a_loss_with_a_bias_of_its_own_in_it_is_said_so():
    net = make_net_with_bias_of_one()
    bias = net.layers[0].neurons[0].b
    drawn = nn.draw(net, [1.0, 2.0], 0.0, lambda a, y: gaussian_nll(a, y) + 5 * bias * bias)
    lines = drawn.steps()._data["details"]["u1_0"]
    delta = net([1.0, 2.0]).data
    total = delta + 10.0
    assert f"dL/db1[0] = Delta1[0] + 10 (the loss has this bias in it) = {digits(total)}" in lines


def make_net_with_bias_of_one():
    net = MLP(2, [1], rng=np.random.default_rng(0))
    net.layers[0].neurons[0].b.data = 1.0
    return net


def test_a_target_that_is_a_value_keeps_its_gradient():
    y = Value(1.0)
    y.grad = 0.25
    drawn = nn.draw(make_net_with_bias_of_one(), [1.0, 2.0], y, gaussian_nll)
    assert y.grad == 0.25
    assert "target y = 1," in drawn.steps().frames[2].lines[0]


def test_probabilities_are_not_called_one_hot():
    net = MLP(2, [2], rng=np.random.default_rng(0))
    titles = [
        nn.draw(net, [1.0, 2.0], y, categorical_nll).steps().frames[-1].title
        for y in (1, [0.2, 0.8])
    ]
    assert ["one-hot" in title for title in titles] == [True, False]
