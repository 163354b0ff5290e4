"""Networks in files, and trainings that go on where they were.

Flipped bits and truncations are tried in test_damage.py, kill -9 in test_kills.py.
"""

import io
import itertools
import json
import math
import pickle
import re
import time
from functools import partial

import numpy as np
import pytest

from autograd import Value
from nn import (
    MLP,
    Layer,
    Module,
    Neuron,
    bernoulli_nll,
    cosine,
    gaussian_nll,
    growing,
    load,
    load_table,
    save,
)
from nn.train import checkpoints
from tests import cases
from tests.cases import make_net, names, numbers

ENGINES = ["native", "program", "graph"]
KINDS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = RNG.normal(size=20)

train = partial(cases.train, loss=gaussian_nll, X=X, y=Y, epochs=3, momentum=0.5)


def make_rng(kind="PCG64", seed=1):
    return np.random.Generator(getattr(np.random, kind)(seed))


# Networks in files


@pytest.mark.parametrize(
    "net",
    [
        make_net(),
        make_net(3, 2, (5, 1, 4), ["relu", "softplus", "sigmoid"]),
        make_net(2, 4, (), [], bias=False),
        make_net(1, 1, (2,), "linear", bias=False),
    ],
    ids=repr,
)
def test_a_network_comes_back_bit_for_bit(net, tmp_path):
    for i, p in enumerate(net.parameters()):
        p.data = [p.data, 0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3][i % 6]
    save(net, tmp_path / "net.npz")
    same = load(tmp_path / "net.npz")
    assert type(same) is MLP
    assert repr(same) == repr(net)
    assert [p.data.hex() for p in same.parameters()] == [p.data.hex() for p in net.parameters()]
    assert [p.label for p in same.parameters()] == [p.label for p in net.parameters()]
    assert [l.activation for l in same.layers] == [l.activation for l in net.layers]
    assert not any(p.grad for p in same.parameters())
    save(same, str(tmp_path / "again.npz"))  # a path may be a string
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "net.npz").read_bytes()
    assert names(tmp_path) == ["again.npz", "net.npz"]


def test_the_name_of_a_file_is_taken_as_it_is(tmp_path):
    save(make_net(), tmp_path / "net")
    assert names(tmp_path) == ["net"]
    assert numbers(load(tmp_path / "net")) == numbers(make_net())


def test_the_arrays_have_the_names_and_shapes_of_pytorch(tmp_path):
    net = make_net(2, 3, (5, 4))
    save(net, tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archive:
        arrays = dict(archive)
    about = json.loads(arrays.pop("about").item())
    assert about == {
        "format": 1,
        "network": {
            "class": "MLP", "d0": 3, "widths": [5, 4, 2], "activation": ["tanh"] * 2, "bias": True
        },
    }  # fmt: skip
    shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "layers.0.weight": (5, 3),
        "layers.0.bias": (5,),
        "layers.1.weight": (4, 5),
        "layers.1.bias": (4,),
        "layers.2.weight": (2, 4),
        "layers.2.bias": (2,),
    }
    assert all(array.dtype == float for array in arrays.values())
    for l, layer in enumerate(net.layers):
        weights = [[w.data for w in neuron.w] for neuron in layer.neurons]
        assert arrays[f"layers.{l}.weight"].tolist() == weights
        assert arrays[f"layers.{l}.bias"].tolist() == [neuron.b.data for neuron in layer.neurons]


def test_a_network_without_bias_has_no_such_arrays():
    assert [*make_net(bias=False).state_dict()] == ["layers.0.weight", "layers.1.weight"]


def test_a_checkpoint_is_a_network_file_too(tmp_path):
    net = make_net()
    train(net, checkpoint=tmp_path / "file.npz")
    assert numbers(load(tmp_path / "file.npz")) == numbers(net)


class Line(Module):
    """A module of one's own."""

    def __init__(self, m=2):
        self.c = [Value(float(i)) for i in range(m)]

    def __call__(self, x):
        return self.c[0] + self.c[1] * x[0]

    def parameters(self):
        return self.c


def test_states_of_the_other_modules():
    layer = Layer(3, 2, rng=make_rng())
    state = layer.state_dict()
    assert {name: array.shape for name, array in state.items()} == {"weight": (2, 3), "bias": (2,)}
    assert [*Layer(3, 2, bias=False).state_dict()] == ["weight"]
    other = Layer(3, 2)
    other.load_state_dict({name: state[name].tolist() for name in ("bias", "weight")})
    assert numbers(other) == numbers(layer)
    assert other.theta.tolist() == state["weight"].tolist()
    for module in (Line(), Neuron(3, rng=make_rng())):
        assert [*module.state_dict()] == ["parameters"]
        assert module.state_dict()["parameters"].tolist() == numbers(module)
        before = numbers(module)
        module.load_state_dict({"parameters": np.arange(len(before)) + 0.5})
        assert numbers(module) == [i + 0.5 for i in range(len(before))]


@pytest.mark.parametrize("make", [Line, lambda: Neuron(3, rng=make_rng()), lambda: Layer(3, 2)])
def test_the_numbers_of_another_module_come_back_as_load_says(make, tmp_path):
    net, other, path = make(), make(), tmp_path / "net.npz"
    for parameter in net.parameters():
        parameter.data += 0.25
    save(net, path)
    with pytest.raises(ValueError, match=f"holds '{type(net).__name__}', not an MLP") as error:
        load(path)
    lines = str(error.value).partition("yourself, then ")[2]
    exec(lines, {"numpy": np, "path": path, "net": other})
    assert numbers(other) == numbers(net)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (make_net, "layers.1.weight"),
        (lambda: Layer(3, 2, rng=make_rng()), "weight"),
        (lambda: Layer(3, 2, rng=make_rng()), "bias"),
        (Line, "parameters"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(make, name):
    net = make()
    before, state = numbers(net), {name: array + 1 for name, array in net.state_dict().items()}
    bad = state[name].copy()
    bad.flat[-1] = math.nan
    rest = {key: array for key, array in state.items() if key != name}
    for wrong, message in (
        (rest, rf"missing \['{name}'\]"),
        ({**state, "more": np.zeros(2)}, r"unknown \['more'\]"),
        ({**rest, name: state[name][..., None]}, rf"{name} must have shape"),
        ({**rest, name: state[name][:-1]}, rf"{name} must have shape"),
        ({**rest, name: bad}, rf"{name} .*not finite"),
        ({**rest, name: state[name].astype(str)}, rf"{name} must be an array of real numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            net.load_state_dict(wrong)
        assert numbers(net) == before
    net.load_state_dict(state)
    assert numbers(net) == [x + 1 for x in before]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_network_that_is_not_finite_is_not_saved(bad, tmp_path):
    net = make_net()
    save(net, tmp_path / "net.npz")
    old = (tmp_path / "net.npz").read_bytes()
    net.parameters()[5].data = bad
    with pytest.raises(ValueError, match=r"layers\.0\.weight .*not finite"):
        save(net, tmp_path / "net.npz")
    assert (tmp_path / "net.npz").read_bytes() == old
    with pytest.raises(ValueError, match="not finite"):
        save(net, tmp_path / "other.npz")
    assert names(tmp_path) == ["net.npz"]


def test_save_needs_its_folder_and_load_its_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder"):
        save(make_net(), tmp_path / "no" / "net.npz")
    with pytest.raises(FileNotFoundError, match=r"net\.npz"):
        load(tmp_path / "net.npz")
    assert names(tmp_path) == []


def test_load_builds_no_module_of_ones_own(tmp_path):
    net = Line()
    save(net, tmp_path / "line.npz")
    with pytest.raises(ValueError, match=r"line\.npz.*'Line'"):
        load(tmp_path / "line.npz")
    train(net, checkpoint=tmp_path / "line.npz", X=X[:, :1])
    with pytest.raises(ValueError, match=r"line\.npz.*'Line'"):
        load(tmp_path / "line.npz")


# Resumed is never interrupted


SETTINGS = {
    "plain": {"momentum": 0.0},
    "momentum": {"momentum": 0.9},
    "schedules": {"batch_size": growing(2, 2, 2), "lr": cosine(0.3, 40), "momentum": 0.9},
    "validation": {"validation": (X[:7], Y[:7])},
    "bernoulli": {"loss": bernoulli_nll, "y": (Y > 0) * 1, "validation": (X, (Y > 0) * 1)},
    "every 2": {"checkpoint_every": 2},
    "every 4": {"checkpoint_every": 4},
    "every 9": {"checkpoint_every": 9},
}


def check_resumed(folder, done, epochs=6, make=make_net, kind="PCG64", given=False, **options):
    """Train in one go, and in two parts: the same files, numbers, rows and generators."""
    whole, part, resumed = make(), make(), make()
    for i, p in enumerate(resumed.parameters()):
        p.data = i / 7
    rng = make_rng(kind)
    history = train(whole, epochs=epochs, rng=rng, checkpoint=folder / "whole.npz", **options)
    first = folder / "first.npz"
    train(part, epochs=done, rng=make_rng(kind), checkpoint=first, **options)
    before = first.read_bytes()
    other = make_rng(kind, seed=99) if given else None
    rows = train(
        resumed, epochs=epochs, resume=first, checkpoint=folder / "second.npz", rng=other, **options
    )
    assert list(rows) == list(history)
    assert [row.epoch for row in rows] == [*range(1, epochs + 1)]
    assert [x.hex() for x in numbers(resumed)] == [x.hex() for x in numbers(whole)]
    assert (folder / "second.npz").read_bytes() == (folder / "whole.npz").read_bytes()
    assert first.read_bytes() == before
    assert names(folder) == ["first.npz", "second.npz", "whole.npz"]
    if given:
        assert other.random(3).tolist() == rng.random(3).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_resumed_training_ends_as_one_never_interrupted(setting, engine, tmp_path):
    for done in (1, 3, 5):
        folder = tmp_path / str(done)
        folder.mkdir()
        check_resumed(folder, done, engine=engine, **SETTINGS[setting])


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_generator_can_be_resumed(kind, given, tmp_path):
    check_resumed(tmp_path, 2, kind=kind, given=given)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_module_of_ones_own_can_be_resumed(engine, tmp_path):
    check_resumed(tmp_path, 2, make=Line, engine=engine, X=X[:, :1])


def test_a_generator_that_holds_half_a_number_can_be_resumed(tmp_path):
    def half():
        rng = make_rng()
        rng.integers(2**32, dtype=np.uint32)  # the other 32 bits are kept for the next one
        return rng

    whole, resumed = make_net(), make_net()
    train(whole, epochs=4, rng=half(), checkpoint=tmp_path / "whole.npz")
    train(make_net(), epochs=2, rng=half(), checkpoint=tmp_path / "part.npz")
    train(resumed, epochs=4, resume=tmp_path / "part.npz", checkpoint=tmp_path / "part.npz")
    assert numbers(resumed) == numbers(whole)
    assert (tmp_path / "part.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("stop", [1, 12, 15, 16, 29])  # of 30 updates in 6 epochs
def test_an_interrupted_training_goes_on_from_its_last_checkpoint(stop, every, engine, tmp_path):
    file, options = (
        tmp_path / "file.npz",
        {"checkpoint_every": every, "engine": engine, "epochs": 6},
    )

    def interrupt(epoch, update, loss, net):
        if update == stop:
            raise KeyboardInterrupt

    whole, net = make_net(), make_net()
    history = train(whole, checkpoint=tmp_path / "whole.npz", **options)
    with pytest.raises(KeyboardInterrupt):
        train(net, checkpoint=file, callbacks=[interrupt], **options)
    about = json.loads(np.load(file)["about"].item())
    assert len(about["training"]["history"]) == (stop - 1) // 5 // every * every
    seen = []
    rows = train(
        net, resume=file, checkpoint=file, callbacks=[lambda e, u, *_: seen.append((e, u))],
        **options,
    )  # fmt: skip
    done = (stop - 1) // 5 // every * every
    assert seen == [(1 + (u - 1) // 5, u) for u in range(5 * done + 1, 31)]
    assert list(rows) == list(history)
    assert numbers(net) == numbers(whole)
    assert file.read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_a_checkpoint_is_written_at_the_start_and_after_every_so_many_epochs(tmp_path):
    file, seen = tmp_path / "file.npz", []

    def look(epoch, update, loss, net):
        about = json.loads(np.load(file)["about"].item())
        seen.append(len(about["training"]["history"]))
        assert names(tmp_path) == [".file.npz.lock", "file.npz"]

    train(
        make_net(), epochs=8, batch_size=20, checkpoint_every=3, checkpoint=file, callbacks=[look]
    )
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6]
    assert len(json.loads(np.load(file)["about"].item())["training"]["history"]) == 8
    assert names(tmp_path) == ["file.npz"]


def test_checkpoints_do_not_change_the_training(tmp_path):
    with_them, without = make_net(), make_net()
    history = train(with_them, checkpoint=tmp_path / "file.npz")
    assert list(train(without)) == list(history)
    assert numbers(with_them) == numbers(without)


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_left_to_do_when_all_epochs_are_done(engine, tmp_path):
    file, net, other = tmp_path / "file.npz", make_net(), make_net(seed=5)
    history = train(net, checkpoint=file, engine=engine)
    before, calls = file.read_bytes(), []
    rows = train(
        other, epochs=3, resume=file, checkpoint=file, engine=engine,
        callbacks=[lambda *_: calls.append(1)],
    )  # fmt: skip
    assert list(rows) == list(history)
    assert numbers(other) == numbers(net)
    assert file.read_bytes() == before
    assert not calls
    assert names(tmp_path) == ["file.npz"]


def test_fewer_epochs_than_done_are_refused(tmp_path):
    file, net = tmp_path / "file.npz", make_net(seed=5)
    train(make_net(), checkpoint=file)
    before = numbers(net)
    with pytest.raises(ValueError, match=r"file\.npz.* 3 epochs.* 2$"):
        train(net, epochs=2, resume=file)
    assert numbers(net) == before


def test_one_engine_goes_on_where_the_other_was(tmp_path):
    whole = make_net()
    train(whole, epochs=4)
    for first, second in itertools.permutations(ENGINES, 2):
        net = make_net(seed=5)
        train(make_net(), epochs=2, checkpoint=tmp_path / "file.npz", engine=first)
        train(net, epochs=4, resume=tmp_path / "file.npz", engine=second)
        np.testing.assert_allclose(numbers(net), numbers(whole), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_folder_that_is_missing_is_told_before_anything_is_trained(resumed, tmp_path):
    train(make_net(), epochs=1, checkpoint=tmp_path / "file.npz")
    net, calls = make_net(seed=5), []
    before = numbers(net)
    options = {"resume": tmp_path / "file.npz"} if resumed else {}
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere'"):
        train(
            net, checkpoint=tmp_path / "nowhere" / "file.npz",
            callbacks=[lambda *_: calls.append(1)], **options,
        )  # fmt: skip
    assert not calls
    if not resumed:
        assert numbers(net) == before
    assert names(tmp_path) == ["file.npz"]


@pytest.mark.parametrize("every", [0, -1, 1.5, None])
def test_every_is_a_positive_whole_number(every, tmp_path):
    with pytest.raises(ValueError, match="checkpoint_every must be a positive whole number"):
        train(make_net(), checkpoint_every=every, checkpoint=tmp_path / "file.npz")
    assert names(tmp_path) == []


def test_a_diverging_training_leaves_a_good_checkpoint(tmp_path):
    file, net = tmp_path / "file.npz", make_net()
    with pytest.raises(FloatingPointError):
        train(net, lr=lambda t: 0.1 if t <= 12 else 1e308, checkpoint=file)
    two = make_net()
    train(two, epochs=2, checkpoint=tmp_path / "two.npz")
    assert file.read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert names(tmp_path) == ["file.npz", "two.npz"]


# Damaged files, and those of something else


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint after 2 epochs."""
    train(make_net(), epochs=2, checkpoint=tmp_path / "file.npz")
    return tmp_path / "file.npz"


def unpacked(path):
    """The arrays in a file, and what it says about them."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    return arrays, json.loads(arrays.pop("about").item())


def pack(path, arrays, about):
    text = about if isinstance(about, str) else json.dumps(about)
    np.savez(path, about=np.array(text), **arrays)


def check_named(path, error):
    assert repr(str(path)) in str(error)


def check_refused(path, *messages, loads=False, make=make_net, kind="PCG64"):
    """Neither resumed nor, unless ``loads``, loaded: an error that names it, and no change."""
    net, rng = make(seed=5), make_rng(kind)
    for i, p in enumerate(net.parameters()):
        p.grad = float(i)
    before, state = numbers(net), rng.bit_generator.state
    for given in (rng, None):
        with pytest.raises(ValueError, match=re.escape(repr(str(path)))) as info:
            train(net, epochs=4, resume=path, rng=given, checkpoint=path.parent / "new.npz")
        for message in messages:
            assert message in str(info.value)
        assert len(str(info.value)) > len(repr(str(path))) + 20
    assert numbers(net) == before
    assert [p.grad for p in net.parameters()] == [*range(len(before))]
    np.testing.assert_equal(rng.bit_generator.state, state)
    assert not (path.parent / "new.npz").exists()
    if loads:
        assert load(path).layers
    else:
        with pytest.raises(ValueError, match=re.escape(repr(str(path)))):
            load(path)


@pytest.mark.parametrize(
    "length", [0, 1, 2, 4, 10, 22, 0.1, 0.25, 0.5, 0.75, 0.9, -100, -22, -2, -1]
)
def test_a_truncated_file_is_refused(length, checkpoint):
    data = checkpoint.read_bytes()
    length = int(length * len(data)) if isinstance(length, float) else length
    checkpoint.write_bytes(data[:length])
    check_refused(checkpoint, "damaged")


def test_more_at_the_end_or_the_start_never_gives_other_numbers(checkpoint):
    data, net = checkpoint.read_bytes(), load(checkpoint)
    for other in (data + b"x" * 50, b"x" * 50 + data, data + data, data[:100] + data):
        checkpoint.write_bytes(other)
        try:
            assert numbers(load(checkpoint)) == numbers(net)
        except ValueError as error:
            check_named(checkpoint, error)


def other_files():
    """Files that hold something else."""
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    objects = io.BytesIO()
    np.savez(objects, about=np.array([{}, None], dtype=object))
    numbers_only = io.BytesIO()
    np.savez(numbers_only, about=np.zeros(3), a=np.zeros(3))
    plain = io.BytesIO()
    np.savez(plain, a=np.zeros(3))
    empty = io.BytesIO()
    np.savez(empty)
    return {
        "text": b"epoch,loss\n1,0.5\n",
        "pickle": pickle.dumps({"about": "{}"}),
        "npy": array.getvalue(),
        "objects": objects.getvalue(),
        "about no text": numbers_only.getvalue(),
        "another archive": plain.getvalue(),
        "empty archive": empty.getvalue(),
    }


@pytest.mark.parametrize("name", other_files())
def test_a_file_of_something_else_is_refused(name, tmp_path):
    (tmp_path / "file.npz").write_bytes(other_files()[name])
    check_refused(tmp_path / "file.npz", "is not a network file, or damaged: ")


def test_a_pickle_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Bomb.go, ())

        @staticmethod
        def go():
            raise AssertionError("code in a file was run")

    bombs = np.empty(1, dtype=object)
    bombs[0] = time.sleep
    np.savez(tmp_path / "file.npz", about=bombs, **make_net().state_dict())
    check_refused(tmp_path / "file.npz", "holds Python objects: a pickle")


@pytest.mark.parametrize(
    "other",
    [
        {"hidden": (5,)},
        {"hidden": (4, 4)},
        {"hidden": (), "activation": []},
        {"activation": "relu"},
        {"bias": False},
        {"d0": 2},
        {"d_L": 2},
    ],
    ids=str,
)
def test_the_file_of_another_network_is_refused(other, checkpoint):
    def make(seed):
        return make_net(seed=seed, **other)

    path = checkpoint
    net, rng = make(5), make_rng()
    before, state = numbers(net), rng.bit_generator.state
    d0, d_L = other.get("d0", 3), other.get("d_L", 1)
    data = {"X": X[:, :d0], "y": Y if d_L == 1 else np.stack([Y] * d_L, axis=1)}
    with pytest.raises(ValueError, match="is of another network") as info:
        train(net, resume=path, rng=rng, **data)
    assert repr(str(path)) in str(info.value)
    assert "[4, 1]" in str(info.value)
    assert numbers(net) == before
    assert rng.bit_generator.state == state


def test_the_file_of_another_class_is_refused(checkpoint, tmp_path):
    net = Line(21)
    with pytest.raises(ValueError, match=r"file\.npz.* another network.*MLP.*Line"):
        train(net, resume=checkpoint)
    assert numbers(net) == [*range(21)]
    line = tmp_path / "line.npz"
    train(Line(), checkpoint=line, X=X[:, :1])
    net = Line(3)
    with pytest.raises(ValueError, match=r"line\.npz.*shape"):
        train(net, resume=line, X=X[:, :1], epochs=5)
    assert numbers(net) == [0, 1, 2]


def test_a_network_alone_is_no_training_to_resume(tmp_path):
    save(make_net(), tmp_path / "net.npz")
    check_refused(tmp_path / "net.npz", "no training to resume", "load", loads=True)


def without(name):
    return lambda arrays, about: arrays.pop(name)


def with_(name, array):
    return lambda arrays, about: arrays.update({name: array})


def spoilt(name, number):
    def change(arrays, about):
        arrays[name].flat[-1] = number

    return change


def told(*path, value):
    """A change of one entry of ``about``; an entry that is not to be there is `KeyError`."""

    def change(arrays, about):
        for key in path[:-1]:
            about = about[key]
        if value is KeyError:
            del about[path[-1]]
        else:
            about[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("layers.1.weight"), "missing ['layers.1.weight']"),
        (without("layers.0.bias"), "missing ['layers.0.bias']"),
        (with_("layers.2.weight", np.zeros((1, 1))), "unknown ['layers.2.weight']"),
        (with_("layers.0.weight", np.zeros((3, 4))), "layers.0.weight must have shape (4, 3)"),
        (with_("layers.0.weight", np.full((4, 3), "a")), "real numbers"),
        (with_("layers.0.weight", np.ones((4, 3)) * 1j), "real numbers"),
        (spoilt("layers.0.weight", math.nan), "layers.0.weight holds numbers that are not finite"),
        (spoilt("layers.1.bias", math.inf), "layers.1.bias holds numbers that are not finite"),
        (spoilt("layers.1.bias", -math.inf), "layers.1.bias holds numbers that are not finite"),
        (told("network", value=KeyError), "network"),
        (told("network", value=[]), "network"),
        (told("network", value=None), "network"),
    ],
)
def test_a_damaged_network_is_refused(change, message, checkpoint):
    arrays, about = unpacked(checkpoint)
    change(arrays, about)
    pack(checkpoint, arrays, about)
    check_refused(checkpoint, message)


@pytest.mark.parametrize(
    "change",
    [
        told("network", "class", value="Transformer"),
        told("network", "d0", value=0),
        told("network", "d0", value="3"),
        told("network", "d0", value=KeyError),
        told("network", "widths", value=[]),
        told("network", "widths", value=7),
        told("network", "widths", value=[4, -1]),
        told("network", "activation", value=["sine"]),
        told("network", "activation", value=["tanh"] * 3),
        told("network", "activation", value=None),
        told("network", "activation", value=[["tanh"]]),
    ],
)
def test_a_network_that_can_not_be_is_refused(change, checkpoint):
    arrays, about = unpacked(checkpoint)
    change(arrays, about)
    pack(checkpoint, arrays, about)
    check_refused(checkpoint, "another network")


ROW = {"epoch": 1, "updates": 5, "lr": 0.1, "batch_size": 4, "loss": 1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("optimizer.velocity"), "missing ['optimizer.velocity']"),
        (
            with_("optimizer.velocity", np.zeros(20)),
            "optimizer.velocity must have shape (21,), got (20,)",
        ),
        (
            with_("optimizer.velocity", np.zeros((21, 1))),
            "optimizer.velocity must have shape (21,)",
        ),
        (with_("optimizer.velocity", np.full(21, "a")), "velocity"),
        (
            spoilt("optimizer.velocity", math.nan),
            "optimizer.velocity holds numbers that are not finite",
        ),
        (
            spoilt("optimizer.velocity", math.inf),
            "optimizer.velocity holds numbers that are not finite",
        ),
        (told("training", value=KeyError), "no training to resume"),
        (told("training", value=[]), ""),
        (told("training", value=None), ""),
        (told("training", "history", value=KeyError), "history"),
        (told("training", "history", value=None), ""),
        (told("training", "history", value=[{**ROW, "epoch": 2}]), "its history has gaps"),
        (told("training", "history", value=[ROW, {**ROW, "epoch": 3}]), "its history has gaps"),
        (told("training", "history", value=[ROW, ROW]), "its history has gaps"),
        *[
            (told("training", "history", value=[{**ROW, name: x}]), f"{name} = {x!r}")
            for name, values in {
                "epoch": (0, True, 1.0),
                "updates": (0, -1, 2.5, True),
                "batch_size": (0, False, 1.5),
                "lr": ("0.1", None, True),
                "loss": ([1.0], None, False),
                "validation_loss": ("1", True),
            }.items()
            for x in values
        ],
        (told("training", "history", value=[{**ROW, "mood": 1}]), "mood"),
        (told("training", "history", value=[{"epoch": 1}]), "updates"),
        (told("training", "history", value=[[1, 5]]), ""),
        (told("training", "generator", value=KeyError), "generator"),
        (told("training", "generator", value=None), ""),
        (told("training", "generator", value="PCG64"), ""),
        (told("training", "generator", "bit_generator", value="Dice"), "Dice"),
        (told("training", "generator", "bit_generator", value="Generator"), "Generator"),
        (told("training", "generator", "bit_generator", value="MT19937"), ""),
        (told("training", "generator", "bit_generator", value=["PCG64"]), "PCG64"),
        (told("training", "generator", "bit_generator", value=KeyError), "bit_generator"),
        (told("training", "generator", "state", value=KeyError), "state"),
        (told("training", "generator", "state", value={}), ""),
        (told("training", "generator", "state", "state", value="x"), ""),
        (told("training", "generator", "state", "inc", value=None), ""),
        (told("training", "generator", "has_uint32", value=KeyError), "has_uint32"),
    ],
)
def test_a_damaged_training_is_refused(change, message, checkpoint):
    arrays, about = unpacked(checkpoint)
    change(arrays, about)
    pack(checkpoint, arrays, about)
    check_refused(checkpoint, message, loads=True)


@pytest.mark.parametrize(
    "change",
    [
        told("training", "history", value=[{**ROW, "updates": "many"}]),
        told("training", "history", value=[{**ROW, "updates": None}]),
        told("training", "generator", "state", "state", value=-1),
        told("training", "generator", "state", "state", value=2**128),
        told("training", "generator", "state", "inc", value=2**200),
        told("training", "generator", "uinteger", value=2**70),
        told("training", "generator", "has_uint32", value=2**70),
    ],
)
def test_numbers_out_of_range_in_a_training_are_refused(change, checkpoint):
    arrays, about = unpacked(checkpoint)
    change(arrays, about)
    pack(checkpoint, arrays, about)
    check_refused(checkpoint, loads=True)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"network": {"class": "MLP"}', "{'network': {}}"]
)
def test_an_about_that_is_no_description_is_refused(text, checkpoint):
    arrays, _ = unpacked(checkpoint)
    pack(checkpoint, arrays, text)
    check_refused(checkpoint, "damaged")


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_of_another_kind_is_refused(kind, tmp_path):
    file = tmp_path / "file.npz"
    train(make_net(), rng=make_rng(kind), checkpoint=file)
    for other in KINDS:
        if other == kind:
            continue
        net, rng = make_net(seed=5), make_rng(other)
        before, state = numbers(net), rng.bit_generator.state
        with pytest.raises(ValueError, match=rf"file\.npz.* {kind}, and rng is {other}"):
            train(net, epochs=4, resume=file, rng=rng)
        assert numbers(net) == before
        np.testing.assert_equal(rng.bit_generator.state, state)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_file_can_not_be_resumed(engine, tmp_path):
    net = make_net()
    with pytest.raises(FileNotFoundError, match=r"gone\.npz"):
        train(net, resume=tmp_path / "gone.npz", checkpoint=tmp_path / "new.npz", engine=engine)
    assert numbers(net) == numbers(make_net())
    assert names(tmp_path) == []


# What a training must have in common with the one that it goes on with


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"y": Y + 1.0}, "other data"),
        ({"X": X[:17], "y": Y[:17]}, "other data"),
        ({"loss": bernoulli_nll}, "another loss"),
        ({"loss": lambda a, y: gaussian_nll(a, y)}, "another loss"),
        ({"momentum": 0.9}, "another optimizer"),
    ],
    ids=["numbers", "examples", "labels", "loss", "momentum"],
)
def test_another_training_is_not_resumed(change, named, tmp_path):
    if named == "another loss":
        first = {"y": (Y > 0).astype(float)}  # suits both
        change = change | first
    else:
        first = {}
    net = make_net()
    train(net, checkpoint=tmp_path / "c.npz", **first)
    before = numbers(net)
    with pytest.raises(ValueError, match=f"c.npz' can't be resumed: it is a training with {named}"):
        train(net, epochs=5, resume=tmp_path / "c.npz", **change)
    assert numbers(net) == before


def test_true_is_no_file(capfd):
    with pytest.raises(TypeError):
        train(make_net(), resume=True)
    with pytest.raises(TypeError):
        load(1)
    print("still here", flush=True)
    assert "still here" in capfd.readouterr().out


def test_a_folder_is_told_apart(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        save(make_net(), tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("MT19937", {"pos": 625}),
        ("MT19937", {"pos": -1}),
        ("Philox", {"buffer_pos": 5}),
        ("Philox", {"buffer_pos": -1}),
    ],
)
def test_a_generator_beyond_its_numbers_is_refused(kind, change):
    last = {"pos": 624, "buffer_pos": 4}
    state = json.loads(json.dumps(make_rng(kind).bit_generator.state, default=np.ndarray.tolist))
    ((name, number),) = change.items()
    inside = state["state"] if name == "pos" else state
    for fine in (1, last[name]):
        inside[name] = fine
        checkpoints._check_generator_state(state)
    inside[name] = number
    # From 2.5 on, NumPy refuses it itself.
    with pytest.raises(ValueError, match=r"out of|must be between"):
        checkpoints._check_generator_state(state)


def test_what_is_saved_is_a_network_and_a_table(tmp_path):
    with pytest.raises(TypeError, match="net must be a network, a Module, got 3"):
        save(3, tmp_path / "net.npz")
    with pytest.raises(TypeError, match=r"table must be a Table, .* got 3"):
        save(make_net(), tmp_path / "net.npz", table=3)
    assert not list(tmp_path.iterdir())


def test_a_callback_that_refuses_a_resumed_training_changes_nothing(tmp_path):
    train(make_net(), checkpoint=tmp_path / "net.npz")

    class Refuses:
        def begin(self, net, loss, updates):
            raise ValueError("not this one")

        def end_epoch(self, row, net):
            return False

    net, rng = make_net(seed=5), make_rng(seed=9)
    before, state = numbers(net), rng.bit_generator.state
    for given in (rng, None):
        with pytest.raises(ValueError, match="not this one"):
            train(net, epochs=4, resume=tmp_path / "net.npz", rng=given, callbacks=[Refuses()])
        assert numbers(net) == before
    assert rng.bit_generator.state == state


@pytest.mark.parametrize("wrong", [3, b"file.npz", ["file.npz"]])
def test_a_file_is_named_by_a_path(wrong):
    net = make_net(1)
    X, y = np.zeros((4, 3)), np.zeros(4)
    for name in ("checkpoint", "resume"):
        with pytest.raises(TypeError, match=rf"^{name} must be the path of a file.*got .*(3|file)"):
            cases.train(net, gaussian_nll, X, y, **{name: wrong})
    for call in (partial(save, net), load, load_table):
        with pytest.raises(TypeError, match=r"^path must be the path of a file"):
            call(wrong)
