"""The film of a training: its frames and their numbers, its curve, and the training left alone."""

import json
import re
import xml.etree.ElementTree as ET
from functools import partial
from urllib.parse import unquote

import numpy as np
import pytest

from autograd.show.notation import digits
from nn import MLP, Film, Module, bernoulli_nll, categorical_nll, fit, gaussian_nll
from nn.show.film import dense_at_first
from nn.show.snapshots import snapshot
from tests import cases
from tests.cases import for_each, train

DELTA = "\N{GREEK CAPITAL LETTER DELTA}"
SVG = "{http://www.w3.org/2000/svg}"
X = np.random.default_rng(5).normal(size=(8, 2))
Y = np.array([0, 1, 2, 0, 1, 2, 1, 0])
EXAMPLE = [0.4, -1.2]
make_net = partial(cases.make_net, d_L=3, d0=2, hidden=(3,))


def shoot(net, *callbacks, **options):
    """4 epochs of 4 updates with these callbacks."""
    options = {"loss": categorical_nll, "y": Y, "epochs": 4, "batch_size": 2, "lr": 0.3} | options
    return train(net, X=X, callbacks=callbacks, **options)


def with_gradients(net):
    return [(p.data, p.grad) for p in net.parameters()]


class Recorder:
    """A callback that keeps epoch, loss and parameters, by update; 0 is the start."""

    def begin(self, net, loss, updates):
        self.updates, self.seen = updates, {0: (0, None, net.state_dict())}

    def __call__(self, epoch, update, loss, net):
        self.seen[update] = (epoch, loss, net.state_dict())


def page_of(film):
    """What the page has: the frames, and the picture."""
    (data,) = re.findall(
        r'<script type="application/json">(.*?)</script>', film.player().fragment(), re.S
    )
    (picture,) = re.findall(r"data:image/svg\+xml,([^\"]+)", film.player().fragment())
    return json.loads(data)["frames"], ET.fromstring(unquote(picture))


def changes_of(frame):
    """By element id and attribute; a text's attribute is not written."""
    return {(name, *(attribute or ["text"])): v for name, v, *attribute in frame["changes"]}


def states(frames):
    """The state of the picture in each frame, by element id and attribute."""
    state = {}
    for frame in frames:
        state = state | changes_of(frame)
        yield state


def curve_of(svg):
    points = svg.find(f".//{SVG}polyline").get("points").split()
    return [tuple(map(float, point.split(","))) for point in points]


def short(x):
    """As a circle may say it: in three digits, or two."""
    return {digits(float(f"{x:.3g}")), digits(float(f"{x:.2g}"))}


# Which frames there are


@pytest.mark.parametrize(
    ("every", "updates"),
    [(1, range(17)), (3, [*range(0, 16, 3), 16]), (4, [0, 4, 8, 12, 16]), (16, [0, 16]),
     (17, [0, 16])],
)  # fmt: skip
def test_frames_are_taken_at_the_start_after_every_so_many_updates_and_at_the_end(every, updates):
    net, recorder = make_net(), Recorder()
    film = Film(net, EXAMPLE, 2, every=every)
    shoot(net, recorder, film)
    titles = ["Start: before update 1."]
    for t in updates[1:]:
        epoch, loss, _ = recorder.seen[t]
        titles.append(f"Update {t}, epoch {epoch}: loss {digits(loss)}, the mean of the batch.")
    frames, _ = page_of(film)
    assert [frame["title"] for frame in frames] == titles
    assert len(film) == len(film.player()) == len(titles)


@pytest.mark.parametrize("engine", ["program", "graph"])
@pytest.mark.parametrize(
    ("loss", "d_L", "activation", "y", "label"),
    [
        (categorical_nll, 3, "relu", Y, 2),
        (categorical_nll, 3, "tanh", Y, [0.25, 0.25, 0.5]),
        (bernoulli_nll, 1, "sigmoid", Y % 2, 1),
        (gaussian_nll, 2, "softplus", X, [0.5, -1.0]),
        (gaussian_nll, 1, "linear", X[:, 0], 0.5),
    ],
)
def test_the_numbers_of_a_frame_are_those_of_the_network_then(
    engine, loss, d_L, activation, y, label
):
    net, recorder = make_net(d_L=d_L, activation=activation), Recorder()
    film = Film(net, EXAMPLE, label, every=2)
    shoot(net, film, recorder, loss=loss, y=y, engine=engine)
    then = make_net(d_L=d_L, activation=activation)
    sweeps = []
    for t in range(0, 17, 2):
        then.load_state_dict(recorder.seen[t][2])
        sweeps.append(snapshot(then, EXAMPLE, label, loss))
    assert len({n.loss for n in sweeps}) == 9  # it does learn
    largest = {l: max(np.abs(n.theta[l]).max() for n in sweeps) for l in (1, 2)}
    frames, _ = page_of(film)
    assert len(frames) == 9
    for n, frame, state in zip(sweeps, frames, states(frames), strict=True):
        assert frame["lines"][0] == f"This example, target y = {label}: loss {digits(n.loss)}"
        outputs = [f"a2[{j}] = {digits(a)}" for j, a in enumerate(n.x[2])]
        assert frame["lines"][1:] == [", ".join(outputs)]
        shown = {f"u0_{j}x": ("x", v) for j, v in enumerate(EXAMPLE)}
        shown |= {f"u1_{j}x": ("x", v) for j, v in enumerate(n.x[1])}
        for l in (1, 2):
            for j, (a, delta) in enumerate(zip(n.a[l], n.delta[l], strict=True)):
                shown |= {f"u{l}_{j}a": ("a", a), f"u{l}_{j}d": (DELTA, delta)}
                off = l == 1 and activation == "relu" and a <= 0
                assert state[f"u{l}_{j}", "class"] == ("neuron off" if off else "neuron")
                sign = "plus" if delta > 0 else "minus" if delta < 0 else "none"
                assert state[f"u{l}_{j}f", "class"] == sign
            for (j, i), w in np.ndenumerate(n.theta[l]):
                assert state[f"w{l}_{j}_{i}", "class"] == ("w plus" if w > 0 else "w minus")
                width = float(state[f"w{l}_{j}_{i}", "stroke-width"])
                assert width == pytest.approx(0.3 + 3.7 * abs(w) / largest[l], abs=0.051)
        assert {name for name, attribute in state if attribute == "text"} == set(shown)
        for name, (letter, v) in shown.items():
            assert state[name, "text"] in {f"{letter} {text}" for text in short(v)}


# The training is what it would be without


@pytest.mark.parametrize("engine", ["program", "graph"])
@pytest.mark.parametrize(("momentum", "every"), [(0.0, 1), (0.9, 1), (0.9, 3)])
def test_a_filmed_training_ends_where_it_would_end_without(engine, momentum, every):
    plain, filmed = make_net(), make_net()
    film = Film(filmed, EXAMPLE, 2, every=every)
    options = {"engine": engine, "momentum": momentum, "validation": (X, Y)}
    rows = [shoot(plain, **options).rows, shoot(filmed, film, **options).rows]
    assert with_gradients(plain) == with_gradients(filmed)
    assert rows[0] == rows[1]
    assert len(film) == 1 + len({*range(every, 17, every), 16})


@pytest.mark.parametrize("engine", ["program", "graph"])
def test_a_film_is_the_same_alone_and_among_other_callbacks(engine):
    def page(every, *others):
        net = make_net()
        film, *more = [Film(net, EXAMPLE, 2, every=k) for k in (every, *others)]
        shoot(net, *more, film, engine=engine)
        return film.player().fragment()

    assert page(4) == page(4, 1)
    assert page(3) == page(3, 4)
    assert page(3) != page(4)


def test_looking_at_the_film_changes_nothing(tmp_path):
    net = make_net()
    film = Film(net, EXAMPLE, 2, every=4)
    shoot(net, film)
    before, page = with_gradients(net), film.player().fragment()
    film.save(tmp_path / "film.html")
    repr(film)
    assert with_gradients(net) == before
    for p in net.parameters():  # a film is of the past
        p.data = 0.0
    assert film.player().fragment() == page


# Resuming, and once more


def resumed(tmp_path, every):
    """A film of the epochs after a checkpoint, and what was recorded then."""
    net = make_net()
    shoot(net, epochs=1, checkpoint=tmp_path / "run.npz")
    film, recorder = Film(net, EXAMPLE, 2, every=every), Recorder()
    shoot(net, recorder, film, resume=tmp_path / "run.npz")
    return film, recorder


def test_the_film_of_a_resumed_training_shows_the_rest(tmp_path):
    net, whole = make_net(), Recorder()
    shoot(net, whole)
    film, recorder = resumed(tmp_path, every=4)
    assert len(recorder.updates) == 12
    frames, _ = page_of(film)
    updates = [re.match(r"Update (\d+), epoch (\d)", frame["title"]) for frame in frames[1:]]
    assert [found.groups() for found in updates] == [("8", "2"), ("12", "3"), ("16", "4")]
    for t, frame in zip((4, 8, 12, 16), frames, strict=True):
        net.load_state_dict(whole.seen[t][2])
        n = snapshot(net, EXAMPLE, 2, categorical_nll)
        assert frame["lines"][0].endswith(f"loss {digits(n.loss)}")


@pytest.mark.parametrize("every", [1, 3, 4, 5])
def test_the_mark_of_a_resumed_training_stands_on_its_update(tmp_path, every):
    film, recorder = resumed(tmp_path, every)
    frames, svg = page_of(film)
    curve = curve_of(svg)
    assert len(curve) == 12
    for frame, state in list(zip(frames, states(frames), strict=True))[1:]:
        t = int(re.match(r"Update (\d+)", frame["title"])[1])
        at = float(state["mark", "cx"]), float(state["mark", "cy"])
        assert at == curve[t - 5], f"update {t}: its loss was {recorder.seen[t][1]}"


@pytest.mark.slow
def test_the_film_of_a_resumed_training_has_no_more_frames_than_allowed(tmp_path):
    # 399 updates after the first: 200 multiples of 2, and the start
    net, options = make_net(), {"batch_size": 8, "lr": 0.01}
    shoot(net, epochs=1, checkpoint=tmp_path / "run.npz", **options)
    with pytest.raises(ValueError, match=r"201 frames of 399 updates, .* give every=3 or more"):
        shoot(net, Film(net, EXAMPLE, 2, every=2), epochs=400, resume=tmp_path / "run.npz",
              **options)  # fmt: skip
    film = Film(net, EXAMPLE, 2, every=3)
    shoot(net, film, epochs=400, resume=tmp_path / "run.npz", **options)
    assert len(film) == 1 + 399 // 3 + 1  # the start, every third update, and the last


def test_a_film_of_two_trainings_starts_anew():
    net, other = make_net(), make_net()
    film, once = Film(net, EXAMPLE, 2, every=3), Film(other, EXAMPLE, 2, every=3)
    shoot(net, film)
    shoot(other)
    shoot(net, film, epochs=2)
    shoot(other, once, epochs=2)
    assert len(film) == 4  # at updates 0, 3, 6 and 8
    assert film.player().fragment() == once.player().fragment()


def test_an_interrupted_training_leaves_the_film_up_to_then():
    net, recorder = make_net(), Recorder()
    film = Film(net, EXAMPLE, 2, every=3)

    def stop(epoch, update, loss, net):
        if update == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shoot(net, recorder, film, stop)
    frames, svg = page_of(film)
    assert len(frames) == 3
    assert len(curve_of(svg)) == 7
    assert frames[-1]["title"].startswith("Update 6, epoch 2")


# What is refused


@pytest.mark.parametrize("every", [0, -1, 1.5, 2.0, True, "3"])
def test_every_is_a_positive_whole_number(every):
    with pytest.raises(ValueError, match=f"every.*{every}"):
        Film(make_net(), EXAMPLE, 2, every=every)


def test_only_an_mlp_can_be_filmed():
    with pytest.raises(TypeError, match="must be an MLP"):
        Film(Module(), EXAMPLE, 2)


WRONG = {
    "net": (lambda net: Film(make_net(seed=1), EXAMPLE, 2), "another network"),
    "x": (lambda net: Film(net, [1.0], 2), "x must have 2 entries, got 1"),
    "y": (lambda net: Film(net, EXAMPLE, 3), "class index from 0 to 2, got 3"),
    "probabilities": (lambda net: Film(net, EXAMPLE, [0.5, 0.5]), "3 probabilities"),
    "frames": (lambda net: Film(net, EXAMPLE, 2, every=1), "200 is the most"),
    "one-hot": (lambda net: Film(net, EXAMPLE, 2, data=(X, np.eye(3)[Y])), r"y of shape \(n,\)"),
    "classes": (lambda net: Film(net, EXAMPLE, 2, data=(X, Y + 7)), "must hold classes, 0 to 2"),
    "nan": (
        lambda net: Film(net, EXAMPLE, 2, data=(X * np.nan, Y)),
        r"data\[0\] holds numbers that are not finite",
    ),
    "nothing": (lambda net: Film(net, EXAMPLE, 2, data=(X[:0], Y[:0])), r"got shapes \(0, 2\)"),
}


@for_each("engine", ["program", "graph"])
@for_each("what", WRONG)
def test_what_does_not_fit_is_refused_before_the_training(tmp_path, what, engine):
    net, rng = make_net(), np.random.default_rng(3)
    before, state = with_gradients(net), rng.bit_generator.state
    make, complaint = WRONG[what]
    film, calls = make(net), []
    with pytest.raises(ValueError, match=complaint):
        shoot(net, film, lambda *call: calls.append(call), rng=rng, epochs=100, engine=engine,
              checkpoint=tmp_path / "run.npz")  # fmt: skip
    assert with_gradients(net) == before
    assert rng.bit_generator.state == state
    assert (len(film), calls, list(tmp_path.iterdir())) == (0, [], [])


def test_a_resume_that_is_refused_changes_nothing(tmp_path):
    shoot(make_net(seed=7), epochs=1, checkpoint=tmp_path / "run.npz")
    net, rng = make_net(), np.random.default_rng(3)
    before, state = with_gradients(net), rng.bit_generator.state
    with pytest.raises(ValueError, match="200 is the most"):
        shoot(net, Film(net, EXAMPLE, 2, every=1), epochs=100, rng=rng, resume=tmp_path / "run.npz")
    assert with_gradients(net) == before
    assert rng.bit_generator.state == state


def test_a_refused_training_leaves_an_earlier_film_as_it_was():
    net = make_net()
    film = Film(net, EXAMPLE, 2, every=3)
    shoot(net, film)
    page = film.player().fragment()
    with pytest.raises(ValueError, match="200 is the most"):
        shoot(net, film, epochs=1000)
    assert film.player().fragment() == page
    with pytest.raises(ValueError, match="same length"):  # 2 is no target for three numbers
        shoot(net, film, loss=gaussian_nll, y=np.eye(3)[Y])
    assert film.player().fragment() == page


@for_each("updates", [200, 201, 398, 399, 400, 598, 599, 1000, 12_345, 10**6])
def test_too_many_frames_are_refused_with_an_every_that_works(updates):
    net = make_net()
    with pytest.raises(ValueError, match=f"{updates + 1:,} frames of {updates:,} updates") as info:
        Film(net, EXAMPLE, 2, every=1).begin(net, categorical_nll, range(1, updates + 1))
    advice = int(re.search(r"give every=(\d+) or more", str(info.value))[1])
    assert 1 + -(-updates // advice) <= 200
    Film(net, EXAMPLE, 2, every=advice).begin(net, categorical_nll, range(1, updates + 1))
    with pytest.raises(ValueError, match="200 is the most"):  # it is the smallest
        Film(net, EXAMPLE, 2, every=advice - 1 or 1).begin(
            net, categorical_nll, range(1, updates + 1)
        )


def test_two_hundred_frames_are_not_too_many():
    net = make_net()
    Film(net, EXAMPLE, 2, every=1).begin(net, categorical_nll, range(1, 200))
    Film(net, EXAMPLE, 2, every=5).begin(net, categorical_nll, range(1, 996))


@pytest.mark.slow
def test_a_frame_keeps_no_more_weights_than_are_drawn():
    net = MLP(2, [1000, 1], rng=np.random.default_rng(0))
    film = Film(net, [0.5, -1.0], 1)
    film.begin(net, bernoulli_nll, range(1, 11))
    ((_, _, shot, _),) = film._shots
    assert [len(rows) for rows in shot.theta] == [0, 39, 1]
    assert [len(rows) for rows in shot.d_theta] == [0, 39, 1]
    assert len(shot.theta[2][0]) == 39
    largest = max(abs(w.data) for neuron in net.layers[0].neurons for w in neuron.w)
    assert shot.scale.theta[1] == largest  # of all of them
    assert len(page_of(film)[0]) == 1


# The page


def test_the_changes_lead_from_the_first_frame_to_the_picture():
    net = make_net(activation="relu")
    film = Film(net, EXAMPLE, 2, every=4)
    shoot(net, film)
    frames, svg = page_of(film)
    first, *_, last = states(frames)
    assert first.keys() == last.keys()  # so that the page can go back to it
    assert sum(first[key] != last[key] for key in first) > 10
    elements = {element.get("id"): element for element in svg.iter() if element.get("id")}
    assert {name for name, _ in last} == set(elements)
    for (name, attribute), value in last.items():
        element = elements[name]
        assert (element.text if attribute == "text" else element.get(attribute)) == value
    for l, layer in enumerate(net.layers, start=1):  # to hover over
        for (j, i), w in np.ndenumerate(layer.theta):
            text = elements[f"w{l}_{j}_{i}"].findtext(f"{SVG}title")
            assert text.startswith(f"theta{l}[{j},{i}] = {digits(w)}, gradient ")
    for frame, before in zip(frames[1:], states(frames[:-1]), strict=True):
        for key, value in changes_of(frame).items():
            assert before[key] != value  # a change


@pytest.mark.parametrize("every", [1, 3, 5])
def test_the_mark_moves_along_the_curve(every):
    net, recorder = make_net(), Recorder()
    film = Film(net, EXAMPLE, 2, every=every)
    shoot(net, film, recorder)
    frames, svg = page_of(film)
    curve = curve_of(svg)
    losses = [recorder.seen[t][1] for t in range(1, 17)]
    assert len(curve) == 16
    x, y = np.array(curve).T
    np.testing.assert_allclose(np.diff(x), (x[-1] - x[0]) / 15, atol=0.11)
    bottom, top = 240, y.min()  # where 0 and the largest loss are
    assert top == 50
    np.testing.assert_allclose(
        y, bottom - (bottom - top) * np.array(losses) / max(losses), atol=0.06
    )
    marks = [(float(s["mark", "cx"]), float(s["mark", "cy"])) for s in states(frames)]
    taken = sorted({*range(every, 17, every), 16})
    assert marks == [curve[0], *[curve[t - 1] for t in taken]]
    width, height = float(svg.get("width")), float(svg.get("height"))
    assert all(0 < at_x < width and 0 < at_y < height for at_x, at_y in curve)
    neurons = [float(circle.get("cx")) for circle in svg.findall(f"{SVG}g/{SVG}circle")]
    assert x[0] > max(neurons) + 36  # beside the network, not over it
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"1", "16", "0", "update t", digits(float(f"{max(losses):.3g}"))} <= set(texts)


def test_the_curve_of_many_updates_keeps_its_extremes():
    net = make_net()
    film = Film(net, EXAMPLE, 2, every=1000)
    losses = np.random.default_rng(0).uniform(1, 2, size=5000)
    losses[1234], losses[3210] = 10.0, 0.0
    film.begin(net, categorical_nll, range(1, 5001))
    for t, loss in enumerate(losses.tolist(), start=1):
        film(1, t, loss, net)
    frames, svg = page_of(film)
    curve = curve_of(svg)
    assert len(curve) < 1000
    x0 = float(next(states(frames))["mark", "cx"])
    at = {y: x for x, y in curve}
    assert at[50.0] == pytest.approx(x0 + 270 * 1234 / 4999, abs=0.06)
    assert at[240.0] == pytest.approx(x0 + 270 * 3210 / 4999, abs=0.06)
    assert [x for x, _ in curve] == sorted(x for x, _ in curve)
    mark = list(states(frames))[2]
    assert float(mark["mark", "cx"]) == pytest.approx(x0 + 270 * 1999 / 4999, abs=0.06)
    assert float(mark["mark", "cy"]) == pytest.approx(240 - 190 * losses[1999] / 10, abs=0.06)


@pytest.mark.parametrize("loss", [0.0, 2.0])
def test_a_training_of_one_update_has_a_curve_too(loss):
    net = make_net()
    film = Film(net, EXAMPLE, 2, every=1)
    film.begin(net, categorical_nll, range(1, 2))
    film(1, 1, loss, net)
    frames, svg = page_of(film)
    (point,) = curve_of(svg)
    marks = [(float(s["mark", "cx"]), float(s["mark", "cy"])) for s in states(frames)]
    assert marks == [point, point]
    assert point[1] == (50 if loss else 240)


def test_a_film_without_an_update_shows_the_start():
    net = make_net()
    film = Film(net, EXAMPLE, 2)
    film.begin(net, categorical_nll, range(1, 6))
    frames, svg = page_of(film)
    assert len(frames) == len(film) == 1
    assert curve_of(svg) == []


def test_a_film_of_no_frames_yet_says_what_to_do(tmp_path):
    film = Film(make_net(), EXAMPLE, 2)
    assert len(film) == 0
    assert "callbacks=[film]" in repr(film) and "MLP(2, [3, 3]" in repr(film)
    assert film._repr_mimebundle_() == {"text/plain": repr(film)}
    for show in (film.player, lambda: film.save(tmp_path / "film.html")):
        with pytest.raises(ValueError, match=r"no frames yet.*callbacks=\[film\]"):
            show()
    assert list(tmp_path.iterdir()) == []


def test_a_film_shows_itself_and_is_saved(tmp_path):
    net = make_net()
    film = Film(net, EXAMPLE, 2, every=4)
    shoot(net, film)
    bundle = film._repr_mimebundle_()
    assert bundle["text/html"] == film.player().fragment()
    lines = bundle["text/plain"].splitlines()
    assert bundle["text/plain"] == repr(film)
    assert len(lines) == 5
    assert lines[0].startswith("0. Start: before update 1. This example, target y = 2: loss")
    assert lines[4].startswith("4. Update 16, epoch 4: loss ")
    film.save(tmp_path / "film.html")
    page = (tmp_path / "film.html").read_text(encoding="utf-8")
    assert film.player().standing() in page
    assert "over 16 updates</title>" in page
    with pytest.raises(ValueError, match=r"\.html"):
        film.save(tmp_path / "film.svg")


def test_a_long_film_is_a_short_text():
    net = make_net()
    film = Film(net, EXAMPLE, 2, every=1)
    shoot(net, film, epochs=10)
    lines = repr(film).splitlines()
    assert len(film) == 41 and len(lines) == 21
    assert [line.split(".")[0] for line in (lines[9], lines[11], lines[20])] == ["9", "31", "40"]


@pytest.mark.slow
def test_a_film_of_200_frames_is_a_page_of_less_than_3_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(8 * 199, 64)), rng.integers(10, size=8 * 199)
    net = MLP(64, [32, 10], rng=rng)
    film = Film(net, inputs[0], int(labels[0]), every=1)
    fit(net, categorical_nll, inputs, labels, epochs=1, batch_size=8, lr=0.05, progress=False,
        rng=rng, callbacks=[film])  # fmt: skip
    assert len(film) == 200
    film.save(tmp_path / "film.html")
    assert 100_000 < (tmp_path / "film.html").stat().st_size < 3_000_000


@for_each("n", [0, 1, 2, 7, 50])
@for_each("most", [1, 2, 3, 7, 20])
def test_what_is_dense_at_first_has_both_ends_and_is_never_too_much(n, most):
    chosen = dense_at_first(n, most)
    assert len(chosen) == min(n, len(chosen)) <= most
    assert most == 1 or chosen[:1] == [0][:n]
    assert chosen[-1:] == [n - 1][:n]
    if n <= most:
        assert chosen == [*range(n)]
    gaps = np.diff(chosen)
    assert list(gaps[gaps > 0]) == list(gaps)
    assert len(gaps) < 3 or gaps[0] <= gaps[-1]


def test_a_film_of_two_frames_has_the_start_and_the_end():
    film = Film(make_net(), EXAMPLE, 2, frames=2)
    shoot(film.net, film)
    assert len(film) == 2
