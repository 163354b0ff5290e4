"""Walks over a loss surface; films that are dense at first, with a region or a picture beside."""

import base64
import math
import re
import struct
import warnings
import zlib

import numpy as np
import pytest

import nn
from nn import Film, bernoulli_nll, categorical_nll, fit, walks
from nn.show.rasters import between, gray, png
from tests.cases import for_each


def bowl(u, v):
    return (u - 1) ** 2 + 2 * v**2


WAYS = {
    "b = 1": [(0.0, 0.0), (0.5, 1.0), (1.0, -1.0), (1.5, 0.5)],
    "b = n": [(0.0, 0.0), (1.0, 0.0)],
}
SPAN = (-1.0, -2.0), (3.0, 2.0)


def decoded(address):
    """A PNG file of ours, read by its specification: indices (h, w) and palette."""
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"), validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, {}
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert zlib.crc32(kind + body) == check
        parts[kind] = body
        at += 12 + length
    width, height, bits, colour, *_ = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (bits, colour) == (8, 3)
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], [tuple(parts[b"PLTE"][i : i + 3]) for i in range(0, len(parts[b"PLTE"]), 3)]


# --------------------------------------------------------------------------------- small pictures


def test_a_png_says_what_it_was_given():
    indices = np.arange(12).reshape(3, 4) % 3
    found, palette = decoded(png(indices, [(1, 2, 3), (4, 5, 6), (250, 0, 9)]))
    assert found.tolist() == indices.tolist()
    assert palette == [(1, 2, 3), (4, 5, 6), (250, 0, 9)]


def test_pixels_are_dark_where_large():
    levels, palette = decoded(gray(np.array([[0.0, 16.0], [8.0, 0.0]])))
    assert levels.tolist() == [[0, 15], [8, 0]]
    assert (palette[0], palette[15]) == ((255, 255, 255), (0, 0, 0))
    assert not decoded(gray(np.ones((2, 3))))[0].any()  # all alike
    assert between((0, 0, 0), (10, 20, 30), 3) == [(0, 0, 0), (5, 10, 15), (10, 20, 30)]


# ------------------------------------------------------------------------------------------ walks


def test_a_frame_for_each_update_and_each_run_in_it():
    player = walks(bowl, WAYS, *SPAN, batch_sizes={"b = 1": [1, 1, 2]}, names=("w", "u"))
    assert [frame.title for frame in player.frames] == [
        "The start.", "After update 1.", "After update 2.", "After update 3.",
    ]  # fmt: skip
    assert list(player.frames[2].lines) == [
        "b = 1: w = 1, u = −1, loss 2", "b = n: w = 1, u = 0, loss 0",
    ]  # fmt: skip
    last = player.frames[3].changes
    assert last["b0", "text"] == "update 3: b = 2"
    assert player.frames[2].changes["b1", "text"] == "over after update 1"
    # From left to right w, from below u; a panel is 240 wide and high.
    assert (float(last["h0", "cx"]), float(last["h0", "cy"])) == (240 * 2.5 / 4, 240 * 1.5 / 4)
    drawn = [float(f.changes["w0", "stroke-dasharray"].split()[0]) for f in player.frames]
    steps = 240 / 4 * np.hypot(*np.diff(WAYS["b = 1"], axis=0).T)
    np.testing.assert_allclose(np.diff(drawn), steps, atol=0.11)
    assert "b = n: 1 updates, loss 0 at the end" in repr(player)


def test_the_surface_is_light_where_the_loss_is_low():
    svg = walks(bowl, WAYS, *SPAN)._svg
    levels, palette = decoded(re.search(r'href="([^"]+)"', svg)[1])
    low = np.unravel_index(levels.argmin(), levels.shape)
    assert abs(low[0] - 32) <= 4 and abs(low[1] - 32) <= 4  # (1, 0), the middle
    assert sum(palette[0]) > sum(palette[-1])


def test_long_walks_are_dense_at_first():
    way = np.linspace(0, 1, 5001)[:, None] * [1.0, 0.0]
    titles = [frame.title for frame in walks(bowl, {"w": way}, *SPAN).frames]
    assert len(titles) <= 200
    at = [int(title.split()[2].rstrip(".")) for title in titles[1:]]
    assert at[:3] == [1, 2, 3] or at[0] <= 1
    assert at[-1] == 5000
    gaps = np.diff(at)
    assert gaps[:20].mean() < gaps[-20:].mean() / 5


@for_each(
    ("change", "complaint"),
    [
        ({"runs": {}}, "at least one run"),
        ({"runs": {"a": [(0.0, np.nan)]}}, r"runs\['a'\] must hold finite numbers"),
        ({"runs": {"a": [(0.0, 1.0, 2.0)]}}, r"got shape \(1, 3\)"),
        ({"batch_sizes": {"b = 1": [1]}}, r"batch_sizes\['b = 1'\] must hold .* 3 updates, got 1"),
        ({"low": (3.0, 0.0)}, "low must be below high"),
        ({"low": (-np.inf, 0.0)}, "two finite numbers each"),
        ({"frames": 0}, "frames"),
        ({"batch_sizes": {"b = 2": [1]}}, r"batch_sizes\['b = 2'\] is of no run: .*'b = 1'"),
        ({"batch_sizes": {"b = n": [2.5]}}, r"batch_sizes\['b = n'\] must hold positive whole"),
        ({"batch_sizes": {"b = n": [np.nan]}}, "positive whole"),
        ({"batch_sizes": {"b = n": 3}}, r"1 updates, got shape \(\)"),
        ({"names": ("w",)}, r"names must be two texts.*\('w',\)"),
        ({"names": ("a", "b", "c")}, "names must be two texts"),
        ({"names": "wu"}, "names must be two texts"),
        ({"names": None}, "names must be two texts"),
        ({"loss": lambda u: u}, r"loss must take two arrays.*\(64, 64\).*positional argument"),
        ({"loss": lambda u, v: math.sin(u)}, "loss must take two arrays"),
        ({"loss": lambda u, v: 1.0}, r"loss must give .* shape \(\)"),
        ({"loss": lambda u, v: u * np.nan}, "loss must give a finite number"),
    ],
)
def test_walks_that_are_none_are_refused(change, complaint):
    refused(ValueError, change, complaint)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"loss": None}, "loss must be a function of two parameters, got None"),
        ({"runs": [(0.0, 0.0)]}, r"runs must be a dict with a text for each run.*got list"),
        ({"runs": None}, "runs must be a dict.*got NoneType"),
        ({"runs": {1: [(0.0, 0.0)]}}, r"runs must be a dict with a text.*got dict\[1\]"),
        ({"batch_sizes": [1]}, "batch_sizes must be a dict.*got list"),
        ({"names": (1, 2)}, r"names must be two texts.*\(1, 2\)"),
    ],
)
def test_what_is_of_another_type_is_refused(change, complaint):
    refused(TypeError, change, complaint)


def test_a_walk_to_where_the_loss_overflows_is_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        player = walks(bowl, {"a": [(0.0, 0.0), (1e308, -1e308)]}, *SPAN)
    assert player.frames[-1].lines[0].endswith("loss inf")


def refused(error, change, complaint):
    settings = {"loss": bowl, "runs": WAYS, "low": SPAN[0], "high": SPAN[1]} | change
    with pytest.raises(error, match=complaint):
        walks(settings.pop("loss"), **settings)


# ------------------------------------------------------------------------------------------ films


def net_and_data(d=2, outputs=1):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, d))
    net = nn.MLP(d, [3, outputs], activation="tanh", rng=np.random.default_rng(1))
    return net, X, (X[:, 0] > 0).astype(int)


def train(net, X, y, film, epochs, loss=bernoulli_nll, **options):
    return fit(net, loss, X, y, epochs=epochs, batch_size=8, lr=0.3, progress=False,
               rng=np.random.default_rng(2), callbacks=[film], **options)  # fmt: skip


@pytest.mark.parametrize("engine", ["program", pytest.param("graph", marks=pytest.mark.slow)])
def test_a_film_shows_each_early_update_and_few_late_ones(engine):
    net, X, y = net_and_data()
    film, states = Film(net, X[0], 1, frames=20), {}
    film_and_all = [film, lambda epoch, t, loss, net: states.update({t: net.state_dict()})]
    fit(net, bernoulli_nll, X, y, epochs=25, batch_size=8, lr=0.3, progress=False, engine=engine,
        rng=np.random.default_rng(2), callbacks=film_and_all)  # fmt: skip
    at = [updates for _, updates, _, _ in film._shots]
    assert len(at) <= 20
    assert (at[0], at[1], at[-1]) == (0, 1, 200)
    assert at == sorted(set(at))
    gaps = np.diff(at)
    assert gaps[1] <= 2 and gaps[-1] > 15
    for _, t, shot, _ in film._shots[1:]:  # the numbers are those of that update
        np.testing.assert_array_equal(shot.theta[1][0][0], states[t]["layers.0.weight"][0, 0])


def test_a_short_training_is_filmed_update_by_update():
    net, X, y = net_and_data()
    film = Film(net, X[0], 1)
    train(net, X, y, film, epochs=2)
    assert [updates for _, updates, _, _ in film._shots] == list(range(17))


def test_where_no_length_is_known_frames_are_left_out_as_it_goes():
    class Source:  # without a length
        def __iter__(self):
            yield from ((X[i : i + 2], y[i : i + 2]) for i in range(0, 64, 2))

    net, X, y = net_and_data()
    film = Film(net, X[0], 1, frames=30)
    fit(net, bernoulli_nll, Source(), epochs=4, lr=0.1, progress=False, callbacks=[film])
    at = [updates for _, updates, _, _ in film._shots]
    assert len(at) <= 32 and at[-1] == 128
    assert len(set(np.diff(at[:-1]))) == 1


def test_the_region_of_a_frame_is_that_of_the_network_then():
    net, X, y = net_and_data()
    film = Film(net, X[0], 1, data=(X, y))
    train(net, X, y, film, epochs=3)
    levels, palette = decoded(film._shots[-1][3])
    region = film._region
    a = net.predict(region.grid).reshape(levels.shape)
    middle = len(palette) // 2
    assert palette[middle] == (255, 255, 255)
    clear = abs(a) > 0.5
    assert ((levels > middle) == (a > 0))[clear].all()
    assert clear.sum() > 100
    # Rows go down, the second input goes up.
    assert region.grid[0, 1] > region.grid[-1, 1]
    assert region.grid[0, 0] < region.grid[-1, 0]
    assert film._shots[0][3] != film._shots[-1][3]
    svg = film.player()._svg
    assert svg.count('class="point"') == 64
    assert film.player().frames[1].changes["region", "href"] == film._shots[1][3]


def test_the_region_of_several_classes_is_the_class_that_is_chosen():
    net, X, y = net_and_data(outputs=3)
    film = Film(net, X[0], 1)
    train(net, X, y, film, epochs=1, loss=categorical_nll)
    levels, _ = decoded(film._shots[-1][3])
    chosen = net.predict(film._region.grid).argmax(axis=1)
    assert levels.ravel().tolist() == chosen.tolist()


def test_a_network_of_three_inputs_has_no_region():
    net, X, y = net_and_data(d=3)
    film = Film(net, X[0], 1)
    train(net, X, y, film, epochs=1)
    assert "region" not in film.player()._svg
    with pytest.raises(ValueError, match="data is for a network of two inputs, this one has 3"):
        Film(net, X[0], 1, data=(X, y))


def test_data_that_do_not_fit_are_refused_before_the_training():
    net, X, y = net_and_data()
    before = net.state_dict()
    with pytest.raises(ValueError, match=r"data must be \(X, y\).*\(64, 2\) and \(3,\)"):
        train(net, X, y, Film(net, X[0], 1, data=(X, y[:3])), epochs=1)
    assert all((before[k] == v).all() for k, v in net.state_dict().items())


def test_the_picture_that_goes_in_is_shown_in_drawing_steps_and_film():
    net, X, y = net_and_data(d=4)
    pixels = np.array([[0.0, 3.0], [1.0, 2.0]])
    drawing = nn.draw(net, X[0], 1, bernoulli_nll, picture=pixels)
    film = Film(net, X[0], 1, picture=pixels)
    train(net, X, y, film, epochs=1)
    for svg in (drawing.svg(), drawing.steps()._svg, film.player()._svg):
        levels, _ = decoded(re.search(r'class="pixels" href="([^"]+)"', svg)[1])
        assert levels.tolist() == [[0, 15], [5, 10]]
        assert "2 × 2 pixels" in svg
    assert 'class="pixels" href' not in nn.draw(net, X[0], 1, bernoulli_nll).svg()


@pytest.mark.parametrize("picture", [[1.0, 2.0], [[1.0, np.nan]], [[]]])
def test_what_is_no_picture_is_refused(picture):
    net, X, _ = net_and_data(d=4)
    with pytest.raises(ValueError, match="picture must hold rows and columns of finite numbers"):
        nn.draw(net, X[0], 1, bernoulli_nll, picture=picture)
    with pytest.raises(ValueError, match="picture must hold rows and columns of finite numbers"):
        Film(net, X[0], 1, picture=picture)
