"""Damaged files, with flipped bits or without their end, are refused or hold the same bits.

A few damages by default. 3,000 flips and every truncation, of a network and of a checkpoint, with

    CHALKGRAD_LONG=1 python -m pytest tests/test_damage.py -n 2
"""

import os
import random
from functools import partial

import numpy as np
import pytest

from nn import gaussian_nll, load, save
from nn.train.checkpoints import own_arrays, read_checkpoint
from nn.train.optimizers import make_rule
from tests import cases
from tests.cases import make_net

LONG = bool(os.environ.get("CHALKGRAD_LONG"))
FLIPS = 3000 if LONG else 150  # of each file
STEP = 1 if LONG else 61  # bytes from truncation to truncation

RULE = make_rule("sgd", momentum=0.5)
X = np.random.default_rng(0).normal(size=(8, 3))
Y = X.sum(axis=1)
train = partial(cases.train, loss=gaussian_nll, X=X, y=Y, optimizer=RULE)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network and a checkpoint, by name."""
    folder = tmp_path_factory.mktemp("damage")
    save(make_net(), folder / "network")
    train(make_net(), epochs=2, checkpoint=folder / "checkpoint")
    return folder


def loaded(path):
    """All that `load` makes of a file."""
    net = load(path)
    return repr(net), [p.data.hex() for p in net.parameters()]


def resumed(path):
    """All that ``fit(resume=...)`` takes from a file."""
    net = make_net(seed=5)
    own = own_arrays(RULE.start(len(net.parameters())), None)
    got = read_checkpoint(path, net, own, 9, None, {})
    arrays = {name: array.tobytes() for name, array in {**got.network, **got.own}.items()}
    return arrays, got.rows, got.generator


def outcome(look, path):
    """What a look finds, or None if the file is refused, with words that name it."""
    try:
        return look(path)
    except ValueError as error:
        text = str(error)
    assert repr(str(path)) in text
    assert len(text) < 1500
    return None


def check(path, good, damaged):
    """Whether damaged data are refused; if not, they are as good."""
    path.write_bytes(damaged)
    found = {look: outcome(look, path) for look in good}
    for look, got in found.items():
        assert got is None or got == good[look], look
    return all(got is None for got in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["network", "checkpoint"])
@pytest.mark.parametrize("part", range(4))
def test_flipped_bits_are_refused_or_do_not_matter(name, part, files, tmp_path):
    data, places = (files / name).read_bytes(), random.Random(f"{name} {part}")
    looks = [loaded] if name == "network" else [loaded, resumed]
    good = {look: look(files / name) for look in looks}
    refused = 0
    for _ in range(FLIPS // 4):
        damaged = bytearray(data)
        for place in places.sample(range(8 * len(data)), places.choice([1, 1, 1, 2, 8])):
            damaged[place // 8] ^= 1 << place % 8
        refused += check(tmp_path / "file", good, damaged)
    assert refused > 0.6 * (FLIPS // 4)


@pytest.mark.parametrize("name", ["network", "checkpoint"])
def test_a_file_cut_off_anywhere_is_refused(name, files, tmp_path):
    data = (files / name).read_bytes()
    looks = [loaded] if name == "network" else [loaded, resumed]
    good = {look: look(files / name) for look in looks}
    cuts = sorted({*range(0, len(data), STEP), *range(len(data) - 30, len(data))})
    for length in cuts:
        assert check(tmp_path / "file", good, data[:length]), f"cut off at {length}"


@pytest.mark.parametrize("seed", range(3))
def test_a_training_goes_on_from_a_damaged_file_as_from_a_whole_one_or_not_at_all(
    seed, files, tmp_path
):
    data, places = (files / "checkpoint").read_bytes(), random.Random(seed)
    whole = make_net()
    history = train(whole, epochs=3)
    for _ in range(20):
        damaged = bytearray(data)
        place = places.randrange(8 * len(data))
        damaged[place // 8] ^= 1 << place % 8
        (tmp_path / "file").write_bytes(damaged)
        net, rng = make_net(seed=6), np.random.default_rng(9)
        before, state = [p.data for p in net.parameters()], rng.bit_generator.state
        try:
            rows = train(net, epochs=3, resume=tmp_path / "file", rng=rng)
        except ValueError:
            assert [p.data for p in net.parameters()] == before
            assert rng.bit_generator.state == state
        else:
            assert list(rows) == list(history)
            assert [p.data for p in net.parameters()] == [p.data for p in whole.parameters()]
