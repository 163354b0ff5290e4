"""Where batches come from: arrays of any kind, mapped files, sources of the user's own."""

import importlib.util
import json
import tracemalloc
from functools import partial

import numpy as np
import pytest

from nn import (
    MLP,
    EarlyStopping,
    Film,
    Module,
    bernoulli_nll,
    categorical_nll,
    evaluate,
    fit,
    gaussian_nll,
)
from nn.train import batches, examples
from nn.train.batches import permutation, spread
from nn.train.examples import Examples
from tests import cases
from tests.cases import for_each, make_net, numbers

ENGINES = ["program", "graph"]
train = partial(cases.train, lr=0.01)
both_engines = pytest.mark.parametrize("engine", ENGINES)


def problem(loss=gaussian_nll, n=30, d0=3):
    rng = np.random.default_rng(0)
    X = rng.integers(-9, 10, size=(n, d0)).astype(float)
    if loss is gaussian_nll:
        return X, rng.integers(-3, 4, size=n).astype(float), 1
    K = 2 if loss is bernoulli_nll else 3
    return X, rng.integers(0, K, size=n).astype(float), 1 if K == 2 else 3


def mapped(tmp_path, array, name="X"):
    """The array as a file, mapped."""
    np.save(tmp_path / f"{name}.npy", array)
    return np.load(tmp_path / f"{name}.npy", mmap_mode="r")


class Frame:
    """What NumPy sees of a DataFrame: an array that lies by columns."""

    def __init__(self, array):
        self.array = np.asfortranarray(array)

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)

    def __iter__(self):
        return iter(["a", "b", "c"])  # a DataFrame gives the names of its columns


class Loader:
    """What `fit` sees of a ``torch.utils.data.DataLoader``: a length, lists of what NumPy takes."""

    def __init__(self, X, y, b):
        self.X, self.y, self.b = X, y, b

    def __len__(self):
        return -(-len(self.X) // self.b)

    def __iter__(self):
        for i in range(0, len(self.X), self.b):
            yield [Frame(self.X[i : i + self.b]), self.y[i : i + self.b].tolist()]


# Arrays of any kind

KINDS = {
    "by columns": np.asfortranarray,
    "float32": np.float32,
    "int8": np.int8,
    "a list": np.ndarray.tolist,
    "with gaps between columns": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "with gaps between rows": lambda X: np.repeat(X, 2, axis=0)[::2],
    "backwards": lambda X: X[::-1].copy()[::-1],
    "part of a wider one": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "masked nowhere": np.ma.masked_array,
    "a frame": Frame,
}


@both_engines
@pytest.mark.parametrize("kind", [*KINDS, "a mapped file", "a mapped file by columns"])
def test_any_kind_of_array_trains_to_the_same_bits(tmp_path, kind, engine):
    X, y, _ = problem()
    expected, net = make_net(), make_net()
    history = train(expected, gaussian_nll, X, y, engine=engine, validation=(X, y))
    if kind in KINDS:
        given = KINDS[kind](X)
    else:
        given = mapped(tmp_path, X if kind == "a mapped file" else np.asfortranarray(X))
    rows = train(net, gaussian_nll, given, y, engine=engine, validation=(given, y)).rows
    assert numbers(net) == numbers(expected)
    assert rows == history.rows
    scores = evaluate(net, gaussian_nll, given, y, engine=engine)
    assert scores == evaluate(net, gaussian_nll, X, y, engine=engine)


def test_bools_are_numbers():
    X, y, _ = problem(bernoulli_nll)
    nets = make_net(), make_net()
    train(nets[0], bernoulli_nll, X > 0, y > 0)
    train(nets[1], bernoulli_nll, (X > 0).astype(float), y)
    assert numbers(nets[0]) == numbers(nets[1])


def test_a_mask_with_gaps_is_refused_with_its_place():
    X, y, _ = problem()
    X = np.ma.masked_array(X, mask=False)
    X[3, 1] = np.ma.masked
    net = make_net()
    before = numbers(net)
    with pytest.raises(ValueError, match=r"X\[3, 1\] is masked"):
        train(net, gaussian_nll, X, y)
    with pytest.raises(ValueError, match=r"y\[2\] is masked"):
        train(net, gaussian_nll, X.data, np.ma.masked_equal(np.arange(30), 2))
    assert numbers(net) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "copies"),
    [(np.asarray, 0), (np.int16, 0), (np.ma.masked_array, 0), (np.asfortranarray, 1)],
)  # fmt: skip
def test_a_training_copies_its_data_once_at_most(tmp_path, kind, copies):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 9, size=(300_000, 10)).astype(float), rng.normal(size=300_000)
    given, net = kind(X), make_net(d0=10)
    size = np.asarray(given).nbytes
    tracemalloc.start()
    try:
        train(net, gaussian_nll, given, y, epochs=1, batch_size=4096, validation=(given, y),
              checkpoint=tmp_path / "run.npz")  # fmt: skip
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    rest = 20e6  # the permutation, losses, parts of the data, and what the engine takes
    assert peak < copies * size + rest
    assert copies == 0 or peak > size  # else the copy was not seen


def test_data_are_not_copied_for_the_engine():
    X, y, _ = problem()
    for array in (X, X.astype(np.float32)):
        opened = Examples(array, y).open(make_net(), gaussian_nll, 1)
        assert np.shares_memory(opened[0], array)
        assert np.shares_memory(opened[1], y)


def test_changes_of_a_private_map_are_kept(tmp_path, monkeypatch):
    X, y, _ = problem()
    mapped(tmp_path, np.zeros_like(X))
    private = np.load(tmp_path / "X.npy", mmap_mode="c")
    private[:] = X
    monkeypatch.setattr(examples, "MAPPED", 1)  # pages are let go all the time
    net, expected = make_net(), make_net()
    train(net, gaussian_nll, private, y)
    train(expected, gaussian_nll, X, y)
    assert numbers(net) == numbers(expected)
    assert (private == X).all()


def test_pages_of_a_map_are_let_go(tmp_path, monkeypatch):
    X, y, _ = problem()
    asked = []
    monkeypatch.setattr(examples, "MAPPED", 1)
    monkeypatch.setattr(Examples, "_advise", lambda self, option: asked.append(option))
    train(make_net(), gaussian_nll, mapped(tmp_path, X), y)
    assert "MADV_DONTNEED" in asked
    assert "MADV_RANDOM" in asked
    data = Examples(mapped(tmp_path, X), y)
    for read in (lambda: data.take(np.arange(3)), lambda: list(data.parts()), data.fingerprint):
        data._check = lambda *_: None
        data._check.as_read = data._check
        asked.clear()
        read()
        assert "MADV_DONTNEED" in asked


# What is read batch by batch is checked as it is read


def with_bad_row(array, i, value):
    array = array.copy()
    array[i] = value
    return array


@both_engines
@pytest.mark.parametrize("what", ["X", "y", "label", "source"])
def test_a_bad_row_met_on_the_way_stops_with_the_last_finite_parameters(
    tmp_path, monkeypatch, what, engine
):
    X, y, _ = problem(bernoulli_nll)
    monkeypatch.setattr(batches, "MOST", 3)  # some are looked at beforehand
    place = r"X\[23, 1\] is nan"
    data = mapped(tmp_path, with_bad_row(X, (23, 1), np.nan)), y
    if what != "X":
        place = r"y\[23\] is inf" if what == "y" else r"y\[23\] .*must lie in \[0, 1\].*2"
        bad = with_bad_row(y, 23, np.inf if what == "y" else 2.0)
        data = mapped(tmp_path, X), mapped(tmp_path, bad, "y")
    if what == "source":
        data = (lambda epoch: ((X[i : i + 4], data_y[i : i + 4]) for i in range(0, 30, 4)),)
        data_y = with_bad_row(y, 23, 2.0)
    seen, net = [], make_net()
    with pytest.raises(ValueError, match=rf"^epoch 1, update \d: {place}") as info:
        train(net, bernoulli_nll, *data, engine=engine,
              callbacks=[lambda *row: seen.append(numbers(row[-1]))])  # fmt: skip
    order = np.arange(30) if what == "source" else np.random.default_rng(1).permutation(30)
    update = order.tolist().index(23) // 4 + 1
    assert f"update {update}:" in str(info.value)
    assert len(seen) == update - 1 > 0
    assert numbers(net) == seen[-1]


def test_a_bad_row_of_mapped_validation_data_is_named(tmp_path):
    X, y, _ = problem()
    bad = mapped(tmp_path, with_bad_row(X, (23, 1), np.nan))
    with pytest.raises(ValueError, match=r"the validation X\[23, 1\] is nan"):
        train(make_net(), gaussian_nll, X, y, validation=(bad, y))
    with pytest.raises(ValueError, match=r"^X\[23, 1\] is nan"):
        evaluate(make_net(), gaussian_nll, bad, y)


def test_it_is_said_which_X_does_not_fit_the_network():
    X, y, _ = problem()
    with pytest.raises(
        ValueError, match=r"^the validation X does not fit the network: x must have"
    ):
        train(make_net(), gaussian_nll, X, y, validation=(X[:, 1:], y))
    with pytest.raises(ValueError, match=r"^X does not fit the network: x must have"):
        train(make_net(), gaussian_nll, X[:, 1:], y)


# Targets


@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll, categorical_nll])
def test_a_known_loss_is_not_called_for_every_target(loss):
    calls = []

    class Counting(Module):
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, x):
            calls.append(x)
            return self.inner(x)

        def parameters(self):
            return self.inner.parameters()

    X, y, d_L = problem(loss, n=5000)
    y = y + np.linspace(0, 0.1, 5000) if loss is gaussian_nll else y
    Examples(X, y).open(Counting(make_net(d_L)), loss, 1)
    assert len(calls) == 1
    if loss is not gaussian_nll:
        with pytest.raises(ValueError, match=r"^y\[4999\] does not fit"):
            Examples(X, [*y[:-1].tolist(), 7.5]).open(make_net(d_L), loss, 1)


def test_a_loss_of_ones_own_is_tried_on_a_bounded_sample():
    X, _, _ = problem(n=20_000)
    tried = []

    def loss(a, y):
        tried.append(y)
        return (a - y) ** 2

    Examples(X, np.arange(20_000.0)).open(make_net(), loss, 1)
    assert len(tried) == len(set(tried)) == len(spread(20_000)) <= batches.MOST
    assert min(tried) == 0 and max(tried) > 19_900
    assert list(spread(7)) == list(range(7))


# Epochs, and their order


def test_absurdly_many_epochs_are_refused_at_once():
    X, y, _ = problem()
    with pytest.raises(ValueError, match=r"epochs must be 10,000,000 at most.*1,000,000,000,000"):
        train(make_net(), gaussian_nll, X, y, epochs=10**21)


def test_blocks_are_shuffled_and_rows_within_them(monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 10)
    order = permutation(34, np.random.default_rng(3), "blocks")
    assert sorted(order) == list(range(34))
    blocks = order // 10
    assert np.count_nonzero(np.diff(blocks)) == 3  # each block stays in one piece
    assert np.diff(blocks).min() < 0
    assert all(np.diff(order[order // 10 == k]).min() < 0 for k in range(4))
    rows = permutation(34, np.random.default_rng(0), "rows")
    assert rows.tolist() == np.random.default_rng(0).permutation(34).tolist()


def test_blocks_train_in_their_order(monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 10)
    X, y, _ = problem()
    net, expected = make_net(), make_net()
    train(net, gaussian_nll, X, y, shuffle="blocks", epochs=1)
    order = permutation(30, np.random.default_rng(1), "blocks")[:28]
    source = [(X[rows], y[rows]) for rows in order.reshape(7, 4)]
    train(expected, gaussian_nll, source, epochs=1)
    assert numbers(net) == numbers(expected)
    with pytest.raises(ValueError, match="shuffle must be 'rows' or 'blocks'"):
        train(net, gaussian_nll, X, y, shuffle=True)


# Sources


def cut(X, y, b):
    """A source: epochs of batches of b, each in an order of its own."""

    def source(epoch):
        order = np.random.default_rng(epoch).permutation(len(X))
        for i in range(0, len(X), b):
            yield X[order[i : i + b]], y[order[i : i + b]]

    return source


@both_engines
@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll, categorical_nll])
def test_a_source_trains_as_its_batches_by_hand(loss, engine):
    X, y, d_L = problem(loss)
    net, expected = make_net(d_L), make_net(d_L)
    history = train(net, loss, cut(X, y, 8), engine=engine, lr=lambda t: 0.1 / t, validation=(X, y))
    assert [(row.updates, row.batch_size, row.lr) for row in history] == [
        (4, 8, 0.1 / 4), (8, 8, 0.1 / 8),
    ]  # fmt: skip
    losses = []
    for t, (A, b) in enumerate([*cut(X, y, 8)(1), *cut(X, y, 8)(2)], start=1):
        step = train(expected, loss, A, b, epochs=1, batch_size=len(A), lr=0.1 / t, engine=engine)
        losses.append(step[0].loss)
    np.testing.assert_allclose(numbers(net), numbers(expected), rtol=1e-9, atol=1e-12)
    assert history[0].loss == pytest.approx(np.mean(losses[:4]))
    assert history[-1].validation_loss == evaluate(net, loss, X, y, engine=engine)["loss"]


def test_a_loader_trains_as_its_arrays():
    X, y, _ = problem(bernoulli_nll)
    net, expected, updates = make_net(), make_net(), []

    class Watch:
        def begin(self, net, loss, range_of_updates):
            updates.append(range_of_updates)

        def __call__(self, *row):
            pass

    train(net, bernoulli_nll, Loader(X, y, 10), callbacks=[Watch()])
    train(expected, bernoulli_nll, lambda epoch: Loader(X, y, 10), callbacks=[Watch()])
    assert numbers(net) == numbers(expected)
    assert updates == [range(1, 7), range(1, 1)]  # a function says nothing of its length


if importlib.util.find_spec("torch"):

    def test_torch_loaders_train():
        import torch

        X, y, _ = problem(bernoulli_nll)
        X = X.astype(np.float32)
        pairs = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(y))
        net, expected = make_net(), make_net()
        train(net, bernoulli_nll, torch.utils.data.DataLoader(pairs, batch_size=10))
        train(expected, bernoulli_nll, Loader(X, y, 10))
        assert numbers(net) == numbers(expected)


@both_engines
def test_a_source_is_resumed_at_its_epoch(tmp_path, engine):
    X, y, _ = problem()
    path, options = tmp_path / "run.npz", {"engine": engine, "validation": (X, y)}
    whole, net = make_net(), make_net()
    history = train(whole, gaussian_nll, cut(X, y, 8), epochs=4, **options)
    train(net, gaussian_nll, cut(X, y, 8), epochs=2, checkpoint=path, **options)
    asked, fresh = [], make_net()

    def source(epoch):
        asked.append(epoch)
        return cut(X, y, 8)(epoch)

    resumed = train(fresh, gaussian_nll, source, epochs=4, resume=path, **options)
    assert asked == [3, 4]  # the batch that is looked at first is trained on
    assert numbers(fresh) == numbers(whole)
    assert resumed.rows == history.rows
    with pytest.raises(ValueError, match="other data"):
        train(fresh, gaussian_nll, X, y, epochs=4, resume=path, **options)


def test_early_stopping_ends_a_source():
    X, y, _ = problem(bernoulli_nll)
    stopping = EarlyStopping(patience=2)
    history = train(make_net(), bernoulli_nll, cut(X, y, 8), epochs=50, lr=0.3,
                    validation=(X, 1 - y), callbacks=[stopping])  # fmt: skip
    assert len(history) < 50 and stopping.stopped


X30, Y30, _ = problem()


@for_each(
    ("source", "options", "kind", "words"),
    [
        (iter([(X30, Y30)]), {}, TypeError, "is an iterator, used up after one epoch"),
        (cut(X30, Y30, 8)(1), {}, TypeError, "is an iterator, used up after one epoch"),
        (lambda: [(X30, Y30)], {}, TypeError, r"def source\(epoch\)"),
        (cut(X30, Y30, 8), {"batch_size": 8}, TypeError, "batch_size is its own"),
        (cut(X30, Y30, 8), {"shuffle": "blocks"}, TypeError, "leave shuffle out"),
        (cut(X30, Y30, 8), {"y": Y30}, TypeError, "leave y out"),
        (X30, {"batch_size": 8}, TypeError, "y, the targets, is missing"),
        (X30, {"y": Y30}, TypeError, "batch_size is missing"),
        (lambda epoch: [], {}, ValueError, "gave no batch for epoch 1"),
        (lambda epoch: [X30], {}, ValueError, r"pairs \(X, y\), got ndarray"),
        (lambda epoch: [(X30, Y30[:5])], {}, ValueError, "y must have one target per row"),
        (lambda epoch: [(X30[:, :2], Y30)], {}, ValueError, r"\b3\b.*\b2\b"),
        (lambda epoch: [(X30 * np.nan, Y30)], {}, ValueError, r"X\[0, 0\] is nan"),
        (lambda epoch: [(X30, Y30[:, None] * [1, 1])], {}, ValueError, r"y\[0\] does not fit"),
    ],
)
def test_what_is_no_source_is_refused_before_any_change(source, options, kind, words):
    net = make_net()
    before = numbers(net)
    with pytest.raises(kind, match=words):
        fit(net, gaussian_nll, source, epochs=2, lr=0.1, progress=False, **options)
    assert numbers(net) == before


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ((X30[:, :2], Y30), r"the first one had rows of shapes \(3,\) and \(\)"),
        ((X30, Y30[:, None]), r"the first one had rows of shapes \(3,\) and \(\)"),
        ("Xy", r"pairs \(X, y\)"),
    ],
)
def test_a_later_batch_of_another_kind_stops_the_training(second, words):
    net, once = make_net(), make_net()
    train(once, gaussian_nll, lambda epoch: [(X30, Y30)], epochs=1)
    with pytest.raises(ValueError, match=rf"^epoch 1, update 2: .*{words}"):
        train(net, gaussian_nll, lambda epoch: [(X30, Y30), second])
    assert numbers(net) == numbers(once)


def test_a_source_that_is_used_up_stops_the_training():
    iterator = iter([(X30, Y30)])
    with pytest.raises(ValueError, match="epoch 2, update 2: the source gave no batch for epoch 2"):
        train(make_net(), gaussian_nll, lambda epoch: iterator)


def test_an_error_of_the_source_itself_comes_through():
    def source(epoch):
        yield X30, Y30
        json.loads("{")

    with pytest.raises(json.JSONDecodeError):
        train(make_net(), gaussian_nll, source)


def own_categorical(a, y):
    return categorical_nll(a, y)


@both_engines
@pytest.mark.parametrize("bad", [-1, 1.5, 5])
def test_a_class_that_there_is_not_is_refused_in_any_batch(bad, engine):
    X = np.ones((2, 3))
    for source, validation in (
        (lambda epoch: iter([(X, [0, 2]), (X, [1, bad])]), None),
        (lambda epoch: iter([(X, [0, 2])]), (np.ones((9001, 3)), [*[0] * 9000, bad])),
    ):
        net = MLP(3, [3], rng=np.random.default_rng(0))
        with pytest.raises(ValueError, match=rf"{bad:g}"):
            fit(net, own_categorical, source, epochs=1, lr=0.1, engine=engine, progress=False,
                validation=validation)  # fmt: skip


def test_a_source_that_forgets_to_yield():
    for source in (lambda epoch: None, lambda epoch: 3, lambda epoch: dict):
        with pytest.raises(TypeError, match=r"source\(1\) must give an iterator.*does it yield"):
            train(make_net(), gaussian_nll, source)
    with pytest.raises(TypeError, match="not be a class"):
        train(make_net(), gaussian_nll, Loader)


def test_a_list_of_masked_rows_has_gaps_too():
    X, y, _ = problem()
    rows = [np.ma.masked_greater(row, 0.0) for row in X]
    with pytest.raises(ValueError, match=r"X\[\d+, \d+\] is masked"):
        fit(make_net(), gaussian_nll, rows, y, epochs=1, batch_size=4, lr=0.1, progress=False)


@pytest.mark.slow
def test_a_film_of_a_source_without_a_length_has_its_end_and_its_limit():
    X, y, _ = problem(bernoulli_nll)
    net = make_net()
    film = Film(net, X[0], y[0], every=5)
    train(net, bernoulli_nll, lambda epoch: iter([(X, y)] * 7), epochs=1, callbacks=[film])
    assert len(film) == 3  # the start, 5, and 7, the end
    assert "Update 7, epoch 1" in repr(film)
    film = Film(net, X[0], y[0], every=1)
    train(
        net, bernoulli_nll, lambda epoch: iter([(X[:2], y[:2])] * 450), callbacks=[film], epochs=1
    )
    assert 100 < len(film) <= 202
    assert film.every == 4


def test_a_film_ends_where_a_training_ends_early():
    X, y, _ = problem(bernoulli_nll)
    net = make_net()
    film, stopping = Film(net, X[0], y[0], every=100), EarlyStopping(1)
    history = fit(net, bernoulli_nll, X, y, epochs=50, batch_size=8, lr=0.5, progress=False,
                  validation=(X, 1 - y), callbacks=[film, stopping])  # fmt: skip
    assert len(history) < 50
    assert f"Update {history[-1].updates}," in repr(film)


@pytest.mark.parametrize(("bytes_", "many"), [(1, 1), (79, 1), (80, 2), (400, 10), (10**9, 1024)])
def test_so_much_is_looked_at_together(bytes_, many, monkeypatch):
    monkeypatch.setattr(examples, "PART", bytes_)
    n = 2500
    data = Examples(np.zeros((n, 4)), np.zeros(n))  # 5 floats each, 40 bytes
    cuts = list(data._cuts())
    assert [i for cut in cuts for i in cut] == list(range(n))
    assert {len(cut) for cut in cuts[:-1]} == {many} and len(cuts[-1]) <= many


@pytest.mark.parametrize(("bytes_", "many"), [(1, 6), (479, 6), (480, 12), (10**6, 24)])
def test_so_many_batches_are_prepared_together(bytes_, many, monkeypatch):
    monkeypatch.setattr(examples, "AT_ONCE", bytes_)
    X = np.arange(100.0).reshape(25, 4)
    data = Examples(X, X[:, 0], batch_size=6)  # a batch is 240 bytes
    spans = list(data.spans(1, np.random.default_rng(0)))
    assert [len(span.rows) for span in spans] == [many] * (24 // many)
    assert sum(span.updates for span in spans) == data.updates(1) == 4
    places = [int(i) for span in spans for i in span.places]
    assert len(places) == len(set(places)) == 24
    for span in spans:
        inputs, targets = span.examples()
        assert inputs.tolist() == X[span.places].tolist()
        assert targets.tolist() == X[span.places, 0].tolist()


@pytest.mark.parametrize("part", [1, 100, 2**23])
def test_a_fingerprint_tells_every_number_and_the_shapes(part, monkeypatch):
    monkeypatch.setattr(examples, "PART", part)
    X, y = np.arange(14.0).reshape(7, 2), np.arange(7.0)
    found = {Examples(X, y).fingerprint(), Examples(X, y[:, None]).fingerprint()}
    for array in (X, y):
        for i in range(array.size):
            kept, array.flat[i] = array.flat[i], -1.0
            found.add(Examples(X, y).fingerprint())
            array.flat[i] = kept
    assert len(found) == 2 + 14 + 7
    assert Examples(X.astype(np.float32), y.astype(int)).fingerprint() in found


def test_rows_that_lie_apart_are_copied_once_but_never_a_mapped_file(tmp_path):
    apart, together = np.asfortranarray(np.eye(3)[:, :2]), np.eye(3)
    copied = examples._by_rows(apart)
    assert copied.flags.c_contiguous and copied.tolist() == apart.tolist()
    assert examples._by_rows(together) is together
    assert examples._by_rows(apart[:, 0]).base is apart[:, 0].base
    np.save(tmp_path / "X.npy", apart)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert not mapped.flags.c_contiguous and examples._by_rows(mapped) is mapped


def test_a_loss_of_ones_own_is_tried_on_all_targets_of_the_first_batch():
    seen = []

    def loss(a, y):
        value = getattr(y, "data", y)
        seen.append(value)
        if value == 3.0:
            raise ValueError("three is too many")
        return (a - y) * (a - y)

    def source(epoch):
        yield np.zeros((4, 3)), np.array([0.0, 1.0, 2.0, 3.0])

    net = make_net()
    before = numbers(net)
    for engine in ("program", "graph"):
        with pytest.raises(ValueError, match=r"y\[3\] does not fit the loss: three is too many"):
            cases.train(net, loss, source, engine=engine)
    assert numbers(net) == before and {0.0, 1.0, 2.0, 3.0} <= set(seen)
