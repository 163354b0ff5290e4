"""A network's file is checked against what it says, before anything is built; and what is saved."""

import inspect
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from functools import partial

import numpy as np
import pytest

from autograd.value import short_repr
from nn import MLP, Layer, gaussian_nll, load, save
from nn.data.tables import Table
from nn.train.archive import PER_CHARACTER, short
from nn.train.checkpoints import load_table
from tests import cases
from tests.cases import bits, names

X = np.random.default_rng(0).normal(size=(12, 2))
Y = X.sum(axis=1)
make_net = partial(cases.make_net, d0=2, hidden=(3,))
train = partial(cases.train, loss=gaussian_nll, X=X, y=Y)
NETWORK = {"class": "MLP", "d0": 2, "widths": [3, 1], "activation": ["tanh"], "bias": True}


def pack(path, network=NETWORK, arrays=None, compressed=False, **about):
    """Write a file that says what it likes."""
    write = np.savez_compressed if compressed else np.savez
    about = json.dumps({"network": network, **about})
    write(path, about=np.array(about), **(make_net().state_dict() if arrays is None else arrays))


def refused(path, *messages):
    """Loading is refused, with little memory, and the file is named."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"damaged|format") as info:
            load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert repr(str(path)) in str(info.value)
    for message in messages:
        assert message in str(info.value)
    assert len(str(info.value)) < 600
    return peak


# What a file says, and what is in it


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d0": 100_000_000}, "layers.0.weight must have shape (3, 100000000), got (3, 2)"),
        ({"widths": [5000, 5000], "activation": ["tanh"]}, "shape (5000, 2), got (3, 2)"),
        ({"widths": [3] * 4000, "activation": ["tanh"] * 3999}, "missing ["),
        ({"d0": 10**30}, "shape"),
        ({"d0": 2.0}, "whole"),
        ({"d0": True}, "whole"),
        ({"widths": [3, "1"]}, "whole"),
        ({"widths": "31"}, "list"),
        ({"bias": "no"}, "bias must be true or false"),
        ({"bias": 1}, "bias must be true or false"),
        ({"bias": None}, "bias must be true or false"),
        ({"bias": [True]}, "bias must be true or false"),
        ({"bias": [True, "no"]}, "bias must be true or false"),
        ({"bias": [True, False]}, "unknown ['layers.1.bias']"),
        ({"activation": "tanh"}, "activation must be a list"),
        ({"activation": ["tanh", "tanh", "tanh"]}, "activation must be a list"),
        ({"activation": ["a" * 10_000]}, "unknown activation"),
        ({"activation": [["tanh"]]}, "unknown activation"),
        ({"dropout": 0.5}, "dropout"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_claims_that_do_not_go_with_the_arrays_are_refused_at_once(change, message, tmp_path):
    pack(tmp_path / "net.npz", NETWORK | change)
    peak = refused(tmp_path / "net.npz", message if len(message) < 100 else "")
    assert peak < 30_000_000
    net = make_net()
    with pytest.raises(ValueError, match=r"net\.npz' is of another network"):
        train(net, resume=tmp_path / "net.npz")


def raw(path, members):
    """An archive of these members, ``(name, bytes)``, packed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("which", ["about.npy", "layers.0.weight.npy"])
def test_a_member_that_is_there_twice_is_refused(which, tmp_path):
    save(make_net(), tmp_path / "net.npz")
    members = members_of(tmp_path / "net.npz")
    other = MLP(2, [3, 1], "tanh", rng=np.random.default_rng(9))
    save(other, tmp_path / "other.npz")
    raw(tmp_path / "net.npz", [*members, (which, dict(members_of(tmp_path / "other.npz"))[which])])
    refused(tmp_path / "net.npz", f"it has {which.removesuffix('.npy')} twice")
    raw(tmp_path / "net.npz", [*members, ("notes.txt", b"hello")])
    refused(tmp_path / "net.npz", "notes.txt in it is not an array")


def test_a_file_that_says_nothing_of_a_network_is_refused(tmp_path):
    np.savez(tmp_path / "net.npz", **make_net().state_dict())
    refused(tmp_path / "net.npz", "nothing in it says which network it holds")
    for about in ("{}", "[]", "3", "null", '{"network": "MLP"}', '{"network": null}'):
        np.savez(tmp_path / "net.npz", about=np.array(about), **make_net().state_dict())
        refused(tmp_path / "net.npz", "it does not say which network it holds")
    for about in (np.array([json.dumps({"network": NETWORK})]), np.array(3.0), np.array(b"{}")):
        np.savez(tmp_path / "net.npz", about=about, **make_net().state_dict())
        refused(tmp_path / "net.npz", "its description is not a text")


@pytest.mark.parametrize("n", [1, 499, 500, 501, 10_000])
def test_what_an_error_quotes_is_cut_at_500_characters(n):
    text = "x" * n
    assert short(text) == (text if n <= 500 else "x" * 497 + "...")
    assert short(ValueError(text)) == short(text)


@pytest.mark.parametrize("n", [1, 58, 59, 100])
def test_what_an_error_shows_of_an_object_is_cut_at_60_characters(n):
    assert short_repr("x" * n) == (f"'{'x' * n}'" if n <= 58 else "'" + "x" * 56 + "...")


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    text = json.dumps({"network": NETWORK})
    for twice in (
        text.replace('"bias": true', '"bias": true, "bias": false'),
        text.replace("{", '{"network": {}, ', 1),
    ):
        np.savez(tmp_path / "net.npz", about=np.array(twice), **make_net().state_dict())
        refused(tmp_path / "net.npz", "key twice")


def declared(size, name="layers.0.weight.npy"):
    """Members of which one unpacks to much more than its array needs, or says that it does."""

    def change(path):
        save(make_net(), path)
        raw(path, [(n, d + b"\0" * size if n == name else d) for n, d in members_of(path)])

    return change


def says_less(path):
    """A member that unpacks to 50 MB, and declares what its array needs."""
    declared(50_000_000)(path)
    data = bytearray(path.read_bytes())
    size = (50_000_000 + 128 + 48).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (128 + 48).to_bytes(4, "little")))


def text_bomb(path):
    data = io.BytesIO()
    np.savez_compressed(data, about=np.array("[" * 10_000_000))
    path.write_bytes(data.getvalue())


def header_bomb(path):
    """A header that says that the array is large, without one."""
    save(make_net(), path)
    members = dict(members_of(path))
    name, small, large = "layers.0.weight.npy", b"(3, 2), }", b"(3, 99999999), }"
    assert small.ljust(len(large)) in members[name]
    members[name] = members[name].replace(small.ljust(len(large)), large)
    raw(path, members.items())


def long_header(path):
    save(make_net(), path)
    members = dict(members_of(path))
    head = b"\x93NUMPY\x02\x00" + (40_000_000).to_bytes(4, "little") + b" " * 40_000_000
    raw(path, (members | {"layers.0.weight.npy": head}).items())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (declared(50_000_000), "layers.0.weight must take 176 bytes, and takes 50000176"),
        (declared(1), "layers.0.weight must take 176 bytes, and takes 177"),
        (declared(1, "about.npy"), "about has data after its end"),
        (says_less, "CRC"),
        (header_bomb, "layers.0.weight must have shape (3, 2), got (3, 99999999)"),
        (long_header, "format (2, 0)"),
    ],
    ids=["declared", "one byte", "after the text", "undeclared", "header", "long header"],
)
def test_what_unpacks_to_more_than_it_should_is_not_unpacked(make, message, tmp_path):
    make(tmp_path / "net.npz")
    assert os.path.getsize(tmp_path / "net.npz") < 200_000
    assert refused(tmp_path / "net.npz", message) < 5_000_000


def test_the_limit_is_that_of_the_user(tmp_path):
    net = MLP(2, [40, 1], rng=np.random.default_rng(0))
    save(net, tmp_path / "net.npz")
    with pytest.raises(ValueError, match=r"limit is 50,000: .*load\(path, limit=(\d+)\)") as info:
        load(tmp_path / "net.npz", limit=50_000)
    needed = int(str(info.value).rpartition("=")[2].removesuffix(")"))
    assert bits(load(tmp_path / "net.npz", limit=needed)) == bits(net)
    with pytest.raises(ValueError, match="limit is 100"):
        load(tmp_path / "net.npz", limit=100)
    for bad in (0, -1, 1.5, "100"):
        with pytest.raises((ValueError, TypeError), match="limit must be a positive whole number"):
            load(tmp_path / "net.npz", limit=bad)
    table = Table(("a", "b"), "y", (), (0.0, 0.0), (1.0, 1.0), 0.0, 1.0, "gaussian")
    save(net, tmp_path / "table.npz", table)
    with pytest.raises(ValueError, match="limit is 50,000"):
        load_table(tmp_path / "table.npz", limit=50_000)
    assert load_table(tmp_path / "table.npz")[1] == table


@pytest.mark.slow
def test_a_text_that_unpacks_to_more_than_the_limit_is_not_unpacked(tmp_path):
    text_bomb(tmp_path / "net.npz")
    assert os.path.getsize(tmp_path / "net.npz") < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="limit is 200,000,000"):
            load(tmp_path / "net.npz", limit=2 * 10**8)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_the_estimate_of_memory_is_no_less_than_what_is_taken(tmp_path):
    for d0, widths in ((30, [200, 30]), (1, [2000, 1])):
        net = MLP(d0, widths, rng=np.random.default_rng(0))
        save(net, tmp_path / "net.npz")
        tracemalloc.start()
        try:
            load(tmp_path / "net.npz")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        with pytest.raises(ValueError, match="limit"):
            load(tmp_path / "net.npz", limit=peak)


def test_packed_arrays_of_other_numbers_are_read_as_before(tmp_path):
    arrays = {k: np.asfortranarray(a.astype("f4")) for k, a in make_net().state_dict().items()}
    pack(tmp_path / "net.npz", arrays=arrays, compressed=True)
    net = load(tmp_path / "net.npz")
    for name, array in net.state_dict().items():
        assert array.tolist() == arrays[name].tolist()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="of POSIX")
def test_a_network_can_come_through_a_pipe(tmp_path):
    save(make_net(), tmp_path / "net.npz")
    os.mkfifo(tmp_path / "pipe")
    data = (tmp_path / "net.npz").read_bytes()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    assert bits(load(tmp_path / "pipe")) == bits(make_net())
    writer.join()


# Formats


def test_files_without_a_format_are_read(tmp_path):
    pack(tmp_path / "net.npz")
    assert bits(load(tmp_path / "net.npz")) == bits(make_net())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (2, "is of format 2, which a later version of chalkgrad has written"),
        (10**9, "reads formats up to 1. Update chalkgrad"),
        ("2", "its format is '2'"),
        (True, "its format is True"),
        (-1, "its format is -1"),
        (1.0, "its format is 1.0"),
    ],
)
def test_other_formats_are_refused_in_words(made, message, tmp_path):
    pack(tmp_path / "net.npz", {"class": "Unheard of"}, format=made)
    refused(tmp_path / "net.npz", message)
    with pytest.raises(ValueError, match="format"):
        train(make_net(), resume=tmp_path / "net.npz")


# Networks that were changed


def test_a_changed_top_activation_is_kept(tmp_path):
    net = make_net()
    net.layers[-1].activation = "softplus"
    save(net, tmp_path / "net.npz")
    same = load(tmp_path / "net.npz")
    assert [layer.activation for layer in same.layers] == ["tanh", "softplus"]
    assert same.layers[-1].neurons[0].activation == "softplus"
    assert same.predict(X).tolist() == net.predict(X).tolist()
    assert same.predict(X).tolist() != make_net().predict(X).tolist()
    train(net, checkpoint=tmp_path / "c.npz")
    with pytest.raises(ValueError, match="is of another network"):
        train(make_net(), epochs=3, resume=tmp_path / "c.npz")
    train(same, epochs=3, resume=tmp_path / "c.npz")


@pytest.mark.parametrize("bare", [0, 1])
def test_a_layer_without_biases_is_kept(bare, tmp_path):
    net = make_net()
    for neuron in net.layers[bare].neurons:
        neuron.b = None
    for p in net.parameters():
        p.data += 0.5
    save(net, tmp_path / "net.npz")
    same = load(tmp_path / "net.npz")
    assert bits(same) == bits(net)
    assert [layer.b is None for layer in same.layers] == [bare == 0, bare == 1]
    assert same.predict(X).tolist() == net.predict(X).tolist()


def one_bias_less(net):
    net.layers[0].neurons[1].b = None


def one_weight_less(net):
    net.layers[0].neurons[1].w.pop()


def unknown_activation(net):
    net.layers[0].activation = "sine"


def other_layer(net):
    class Mine(Layer):
        pass

    net.layers[1] = Mine(3, 1)


def other_neuron(net):
    class Mine(type(net.layers[0].neurons[0])):
        pass

    net.layers[0].neurons[0] = Mine(2)


@pytest.mark.parametrize(
    "change", [one_bias_less, one_weight_less, unknown_activation, other_layer, other_neuron]
)
def test_a_network_that_a_file_can_not_describe_is_not_saved(change, tmp_path):
    net = make_net()
    change(net)
    with pytest.raises(ValueError, match=r"layer [12]"):
        save(net, tmp_path / "net.npz")
    assert names(tmp_path) == []


# One training has one checkpoint


def test_a_second_training_with_the_same_checkpoint_is_refused(tmp_path):
    file, others = tmp_path / "c.npz", []
    (tmp_path / "link.npz").symlink_to("c.npz")

    def try_another(epoch, update, loss, net):
        if others:
            return
        for path in (file, tmp_path / "link.npz"):
            other = make_net()
            before = bits(other)
            for resume in (None, file):
                with pytest.raises(
                    BlockingIOError, match=r"npz' is the checkpoint of another"
                ) as info:
                    train(other, checkpoint=path, resume=resume, epochs=9)
                others.append(str(info.value))
            assert bits(other) == before
        train(make_net(), checkpoint=tmp_path / "other.npz")  # of another name: may

    train(make_net(), checkpoint=file, callbacks=[try_another])
    assert len(others) == 4
    assert names(tmp_path) == ["c.npz", "link.npz", "other.npz"]
    train(make_net(), checkpoint=file)


def test_of_two_threads_one_trains(tmp_path):
    barrier, results = threading.Barrier(2), []

    def wait(*_):
        results.append("trains")
        barrier.wait(20)

    def run():
        try:
            train(make_net(), epochs=1, checkpoint=tmp_path / "c.npz", callbacks=[wait])
        except BlockingIOError:
            results.append("refused")
            for _ in range(3):
                barrier.wait(20)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused", *["trains"] * 3]
    assert names(tmp_path) == ["c.npz"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_training_that_fails_lets_go(error, tmp_path):
    def fail(*_):
        raise error

    for _ in range(2):
        with pytest.raises(error):
            train(make_net(), checkpoint=tmp_path / "c.npz", callbacks=[fail])
        assert names(tmp_path) == ["c.npz"]
    with pytest.raises(ValueError, match="epochs"):
        train(make_net(), epochs=0, checkpoint=tmp_path / "new.npz")
    assert names(tmp_path) == ["c.npz"]


HOLDS = """
import sys, time
import numpy as np
from nn import MLP, fit, gaussian_nll
def say(*_):
    print("trains", flush=True)
    time.sleep(60)
fit(MLP(2, [3, 1], "tanh"), gaussian_nll, [[1.0, 2.0]], [1.0], epochs=1, batch_size=1, lr=0.1,
    progress=False, checkpoint=sys.argv[1], callbacks=[say])
"""


@pytest.mark.slow
def test_another_process_is_kept_out_until_it_is_killed(tmp_path):
    file = tmp_path / "c.npz"
    command = [sys.executable, "-c", HOLDS, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline().strip() == b"trains"
            before = file.read_bytes()
            with pytest.raises(BlockingIOError, match="still running: wait for its end"):
                train(make_net(), checkpoint=file)
            assert file.read_bytes() == before
        finally:
            process.kill()
    assert names(tmp_path) == [".c.npz.lock", "c.npz"]
    train(make_net(), checkpoint=file)
    assert names(tmp_path) == ["c.npz"]


def test_a_checkpoint_may_go_to_a_device():
    train(make_net(), checkpoint="/dev/null" if os.name != "nt" else "NUL")
    assert not os.path.exists("/dev/.null.lock")


def test_a_description_of_more_than_the_limit_is_not_read(tmp_path):
    save(MLP(2, [1] * 30), tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        needed = len(file["about"].item()) * PER_CHARACTER
    with pytest.raises(ValueError, match="its description alone would take"):
        load(tmp_path / "net.npz", limit=needed - 1)
    with pytest.raises(ValueError, match="limit") as refused:  # for what it says is to come
        load(tmp_path / "net.npz", limit=needed + 8192)
    assert "its description" not in str(refused.value)


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("member", ["about", "layers.0.weight"])
def test_a_member_compressed_as_numpy_never_does_is_refused(packed, member, tmp_path):
    save(MLP(2, [1]), tmp_path / "net.npz")
    with zipfile.ZipFile(tmp_path / "net.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data, packed if name == f"{member}.npy" else zipfile.ZIP_STORED)
    with pytest.raises(ValueError, match=f"{member} is compressed in a way that NumPy never uses"):
        load(tmp_path / "net.npz")


def test_the_limit_is_4_gib_if_not_given():
    for function in (load, load_table):
        assert inspect.signature(function).parameters["limit"].default == 4 * 2**30


def test_arrays_with_more_at_their_end_or_of_a_later_format_are_refused(tmp_path):
    save(make_net(), tmp_path / "net.npz")
    members = members_of(tmp_path / "net.npz")
    longer = [(name, data + b"x" * (name == "about.npy")) for name, data in members]
    raw(tmp_path / "net.npz", longer)
    refused(tmp_path / "net.npz", "about has data after its end")
    later = io.BytesIO()
    np.lib.format.write_array(later, np.zeros((3, 2)), version=(2, 0))
    raw(tmp_path / "net.npz", [*members[:1], ("layers.0.weight.npy", later.getvalue()), *[
        member for member in members[1:] if member[0] != "layers.0.weight.npy"
    ]])  # fmt: skip
    refused(tmp_path / "net.npz", "layers.0.weight is an array of NumPy's format (2, 0), and not")
