"""Sweeps: the same numbers everywhere, what is kept, who may die, tables, plots, `--sweep`."""

import csv
import functools
import json
import math
import os
import signal
import sys
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

import nn
import nn.sweeping
from nn import MLP, Adam, Epoch, History, bernoulli_nll, fit, sweep
from nn.cli import main
from nn.train.fingerprint import fingerprint
from nn.train.schedules import cosine
from tests.cases import for_each

X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
GRID = {"lr": [0.1, 1.0], "batch_size": [1, 4]}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def xor(seed, lr, batch_size=2, folder=None):
    """A training of some milliseconds."""
    if folder is not None and lr == 1.0 and seed == 1 and die(Path(folder) / "died"):
        os.kill(os.getpid(), signal.SIGKILL)
    weights, batches = np.random.default_rng(seed).spawn(2)
    net = MLP(2, [2, 1], activation="tanh", rng=weights)
    return fit(net, bernoulli_nll, X, Y, epochs=2, batch_size=batch_size, lr=lr, rng=batches,
               progress=False, engine="graph")  # fmt: skip


def die(mark):
    """Whether it is the first time, which leaves a mark."""
    if mark.exists():
        return False
    mark.touch()
    return True


def made(loss, seed=0, epochs=2, **settings):
    """A history that is not trained, but made up."""
    return History([Epoch(e, e, 0.1, 1, loss / e + seed, **settings) for e in range(1, epochs + 1)])


def all_of(trainings):
    """All that came out, for comparison."""
    return [(t.settings, t.seed, t.outcome, t.history and t.history.rows) for t in trainings]


def quiet(train, grid, **options):
    return sweep(train, grid, progress=False, **options)


# The same numbers everywhere


@pytest.fixture(scope="module")
def here():
    """The trainings of the grid, here and one after the other."""
    return all_of(quiet(xor, GRID, seeds=3))


def test_each_training_is_one_call(here):
    calls = [
        ({"lr": lr, "batch_size": b}, s) for lr in (0.1, 1.0) for b in (1, 4) for s in range(3)
    ]
    assert here == [(call, s, "trained", xor(s, **call).rows) for call, s in calls]
    assert len({rows[-1].loss for *_, rows in here}) == 12


def test_a_value_or_a_seed_more_changes_no_other(here):
    more = quiet(xor, {"batch_size": [2, 4, 1], "lr": [1.0, 0.3, 0.1]}, seeds=[5, 2, 0, 1])
    for settings, seed, _, rows in here:
        [same] = [t for t in more.where(**settings) if t.seed == seed]
        assert same.history.rows == rows


class Backwards(Executor):
    """Trains what it is given last first, once it has all."""

    def __init__(self, n):
        self.n, self.calls = n, []

    def submit(self, function, *arguments):
        self.calls.append((Future(), function, arguments))
        if len(self.calls) == self.n:
            for future, f, given in reversed(self.calls):
                future.set_result(f(*given))
        return self.calls[-1][0]


def test_the_order_of_completion_does_not_matter(here, tmp_path):
    assert all_of(quiet(xor, GRID, seeds=3, executor=Backwards(12), path=tmp_path)) == here
    assert all_of(quiet(xor, GRID, seeds=3, executor=Backwards(0), path=tmp_path)) == here
    with ThreadPoolExecutor(4) as threads:
        assert all_of(quiet(xor, GRID, seeds=3, executor=threads)) == here


@pytest.mark.slow
def test_processes_of_which_one_dies(here, tmp_path):
    pool = functools.partial(ProcessPoolExecutor, 2, mp_context=get_context("spawn"))
    with pool() as executor:
        assert all_of(quiet(xor, GRID, seeds=3, executor=executor)) == here
        train = functools.partial(xor, folder=str(tmp_path))
        grid, path = {"lr": [0.1, 1.0], "batch_size": [4]}, tmp_path / "kept"
        quiet(train, {**grid, "lr": [0.1]}, seeds=3, path=path, executor=executor)
        with pytest.warns(RuntimeWarning, match=r"of 6 trainings were lost .*: call sweep again"):
            first = quiet(train, grid, seeds=3, path=path, executor=executor)
        assert [t.outcome for t in first][:3] == ["trained"] * 3
        assert first[4].outcome == "lost" and "BrokenProcessPool" in first[4].why
        with pytest.warns(RuntimeWarning, match="lost"):  # the pool is broken: nothing more comes
            quiet(train, grid, seeds=3, path=path, executor=executor)
    whole = all_of(quiet(train, grid, seeds=3, path=path))
    assert whole == [row for row in here if row[0]["batch_size"] == 4]


@pytest.mark.slow
def test_dask_of_which_one_worker_is_killed(here, tmp_path):
    import dask
    from distributed import Client, LocalCluster

    quick = {"distributed.scheduler.allowed-failures": 0}  # or it would try elsewhere first
    cluster = functools.partial(LocalCluster, n_workers=2, threads_per_worker=1, silence_logs=50,
                                dashboard_address=":0")  # fmt: skip
    with dask.config.set(quick), cluster() as two, Client(two) as client:
        executor = client.get_executor()
        assert all_of(quiet(xor, GRID, seeds=3, executor=executor)) == here
        train = functools.partial(xor, folder=str(tmp_path))
        grid, path = {"lr": [0.1, 1.0], "batch_size": [4]}, tmp_path / "kept"
        with pytest.warns(RuntimeWarning, match=r"of 6 trainings were lost .*: call sweep again"):
            first = quiet(train, grid, seeds=3, path=path, executor=executor)
        outcomes = [t.outcome for t in first]
        assert first[4].outcome == "lost" and "KilledWorker" in first[4].why
        assert outcomes.count("trained") >= 3
        assert len(list(path.iterdir())) == outcomes.count("trained")
        whole = all_of(quiet(train, grid, seeds=3, path=path, executor=executor))
    assert whole == [row for row in here if row[0]["batch_size"] == 4]
    assert not active_children()


# What is kept


def test_each_is_written_when_it_is_there_and_only_missing_ones_are_trained(tmp_path):
    calls = []

    def train(seed, lr):
        calls.append((lr, seed, len(list(tmp_path.iterdir()))))
        return xor(seed, lr)

    first = quiet(train, {"lr": [0.1, 1.0]}, seeds=2, path=tmp_path)
    assert calls == [(0.1, 0, 0), (0.1, 1, 1), (1.0, 0, 2), (1.0, 1, 3)]
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    calls.clear()
    assert all_of(quiet(train, {"lr": [0.1, 1.0]}, seeds=2, path=tmp_path)) == all_of(first)
    assert not calls
    sorted(tmp_path.iterdir())[0].unlink()
    more = quiet(train, {"lr": np.array([0.3, 1.0, 0.1])}, seeds=[1, 0], path=str(tmp_path))
    assert {(0.3, 0), (0.3, 1)} < {(lr, seed) for lr, seed, _ in calls}
    assert len(calls) == 3
    assert [(t.settings["lr"], t.seed) for t in more][:2] == [(0.3, 1), (0.3, 0)]
    assert all((tmp_path / name).read_bytes() == data for name, data in files.items())


RATES = [0.1, 1.0]


def scaled(seed, lr, factor=1.0):
    """Uses data, an argument with a default, and another function."""
    return xor(seed, lr * factor * RATES[1])


def test_another_function_or_data_is_refused_and_nothing_changed(tmp_path, monkeypatch):
    def old(seed, lr):
        return scaled(seed, lr)

    def commented(seed, lr):
        return scaled(seed, lr)  # which changes nothing

    def new(seed, lr):
        return scaled(seed, 2 * lr)

    def run(train):
        return quiet(train, {"lr": [0.1]}, seeds=2, path=tmp_path)

    def refused(train, what):
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        with pytest.raises(ValueError, match=what):
            run(train)
        assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    for function in (old, commented, new):
        function.__qualname__ = "train"
    first = run(old)
    assert all_of(run(commented)) == all_of(first)
    refused(new, "train has changed since, or data or options that it uses: .*|changed since")
    refused(functools.partial(old), "changed since")
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "RATES", [0.1, 2.0])
        refused(old, "changed since")
    with monkeypatch.context() as patch:
        patch.setattr(scaled, "__defaults__", (2.0,))
        refused(old, "changed since")
    new.__qualname__ = "other"
    refused(new, "of another training function: that is train, and this one other")
    assert all_of(run(old)) == all_of(first)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda kept: {}, "KeyError"),
        (lambda kept: [], "TypeError"),
        (lambda kept: {**kept, "format": 2}, "its format is 2"),
        (lambda kept: {**kept, "seed": 1}, "its settings are not those"),
        (lambda kept: {**kept, "settings": {"lr": "0.2"}}, "its settings are not those"),
        (lambda kept: {**kept, "outcome": {"history": []}}, "its history is empty"),
        (lambda kept: {**kept, "outcome": {"history": [{"epoch": 1}]}}, "TypeError"),
        (lambda kept: {**kept, "python": "2.7"}, f"Python was 2.7 then, and is {PYTHON}"),
    ],
)
def test_damaged_files_are_refused_by_name(damage, what, tmp_path):
    quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)
    [file] = tmp_path.iterdir()
    kept = damage(json.loads(file.read_text()))
    if "Python was" in what:
        kept["fingerprint"] = "0"
    file.write_text(json.dumps(kept))
    with pytest.raises(ValueError, match=f"{file.name}.*{what}"):
        quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)


def test_a_file_that_is_nested_too_deep_is_damaged(tmp_path):
    quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)
    [file] = tmp_path.iterdir()
    file.write_text("[" * 100_000)
    with pytest.raises(ValueError, match=f"{file.name}' is damaged"):
        quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("epoch", 3, "its history has gaps"),
        ("epoch", 2.0, "its history has epoch = 2.0"),
        ("updates", 0, "its history has updates = 0"),
        ("updates", True, "its history has updates = True"),
        ("batch_size", None, "its history has batch_size = None"),
        ("lr", "0.1", "its history has lr = '0.1'"),
        ("loss", True, "its history has loss = True"),
        ("loss", None, "its history has loss = None"),
        ("validation_loss", "1", "its history has validation_loss = '1'"),
    ],
)
def test_histories_that_no_training_leaves_are_refused(column, value, what, tmp_path):
    quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)
    [file] = tmp_path.iterdir()
    kept = json.loads(file.read_text())
    kept["outcome"]["history"][1][column] = value
    file.write_text(json.dumps(kept))
    with pytest.raises(ValueError, match=f"{file.name}' is damaged.*{what}"):
        quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)


def test_a_history_made_by_hand_with_gaps_is_a_mistake(tmp_path):
    def train(seed):
        return History(made(1.0, seed).rows[1:])

    with pytest.raises(RuntimeError, match=r"train\(seed=0\) failed(?s:.*)its history has gaps"):
        quiet(train, {}, path=tmp_path)
    assert not list(tmp_path.iterdir())


def test_schedules_that_look_alike_are_not_taken_for_one_another(tmp_path):
    def train(seed, lr):
        return xor(seed, lr(1))

    def run(**rates):
        results = quiet(train, {"lr": rates}, seeds=1, path=tmp_path)
        return [t.history[-1].loss for t in results]

    [low], [high] = run(rate=cosine(0.5, 6)), run(rate=cosine(5.0, 6))
    assert low == xor(0, 0.5)[-1].loss != high == xor(0, 5.0)[-1].loss
    assert run(a=cosine(0.5, 6), b=cosine(5.0, 6)) == [low, high]


def test_a_train_that_closes_over_another_schedule_is_refused(tmp_path):
    def with_rate(rate):
        def train(seed):
            return xor(seed, rate(1))

        return train

    quiet(with_rate(cosine(0.5, 6)), {}, seeds=1, path=tmp_path)
    quiet(with_rate(cosine(0.5, 6)), {}, seeds=1, path=tmp_path)
    with pytest.raises(ValueError, match="changed since"):
        quiet(with_rate(cosine(5.0, 6)), {}, seeds=1, path=tmp_path)


def test_values_that_look_alike_have_files_of_their_own(tmp_path):
    locks = {"a": threading.Lock(), "b": threading.Lock()}  # which can't be pickled
    rates = {"these": functools.partial(dict.get, {locks["a"]: 1.0, locks["b"]: 2.0})}

    def by_lock(seed, lock):
        return made(rates["these"](lock))

    for _ in range(2):
        results = quiet(by_lock, {"lock": locks}, seeds=1, path=tmp_path)
        assert [t.history[-1].loss for t in results] == [0.5, 1.0]
    assert len(list(tmp_path.iterdir())) == 2


def test_names_and_order_of_a_grid(tmp_path):
    fits = functools.partial(quiet, xor, seeds=1, path=tmp_path)
    first = fits({"lr": [0.1], "batch_size": [4]})
    renamed = fits({"lr": {"constant": 0.1}, "batch_size": [4]})
    assert all_of(renamed) == all_of(first)
    assert renamed.combinations[0].texts["lr"] == "constant"
    assert len(list(tmp_path.iterdir())) == 2
    fits({"batch_size": [4], "lr": [0.1]})
    assert len(list(tmp_path.iterdir())) == 2


def test_no_part_of_a_file_is_taken_for_the_whole(tmp_path):
    quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)
    [file] = tmp_path.iterdir()
    data = file.read_bytes().rstrip()
    for n in range(0, len(data), 7):
        file.write_bytes(data[:n])
        with pytest.raises(ValueError, match="is damaged"):
            quiet(xor, {"lr": [0.1]}, seeds=1, path=tmp_path)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match=r"path must be a folder, and .*file' is a file"):
        quiet(xor, {"lr": [0.1]}, path=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


class Scale:
    """A class of this module: what is in it counts, wherever it stands and whatever its words."""

    factor = 2.0

    def __call__(self, x):
        return x * self.factor

    @property
    def half(self):
        return self.factor / 2


def test_the_fingerprint_of_a_module_is_its_name(monkeypatch):
    before = fingerprint(math)
    monkeypatch.setattr(math, "added", 1, raising=False)
    assert fingerprint(math) == before != fingerprint(json)


def test_fingerprints_of_classes_of_the_same_module(monkeypatch):
    def train(seed):
        return Scale()(seed)

    before = fingerprint(train), fingerprint(functools.partial(train, Scale()))
    monkeypatch.setattr(Scale, "__doc__", "Other words.")
    monkeypatch.setattr(Scale, "__firstlineno__", 3, raising=False)
    assert (fingerprint(train), fingerprint(functools.partial(train, Scale()))) == before
    monkeypatch.setattr(Scale, "factor", 3.0)
    assert fingerprint(train) != before[0]
    monkeypatch.setattr(Scale, "factor", 2.0)
    with monkeypatch.context() as patch:
        patch.setattr(Scale, "__call__", lambda self, x: x + self.factor)
        assert fingerprint(train) != before[0]
    assert fingerprint(train) == before[0]
    monkeypatch.setattr(Scale, "half", property(lambda self: self.factor / 3))
    assert fingerprint(train) != before[0]


def test_a_constant_that_is_also_the_docstring_counts():
    def kind(seed):
        """relu"""
        return "relu"

    before = fingerprint(kind)
    kind.__code__ = kind.__code__.replace(
        co_consts=tuple("tanh" if c == "relu" else c for c in kind.__code__.co_consts)
    )
    kind.__doc__ = "tanh"
    assert kind(0) == "tanh" and fingerprint(kind) != before


def test_functions_of_other_modules_count_by_name_where_that_leads_to_them(monkeypatch):
    before = fingerprint([cosine, np.sum])
    monkeypatch.setattr(cosine, "__defaults__", (0.1,))
    assert fingerprint([cosine, np.sum]) == before
    wrapped = [functools.wraps(math.sin)(cosine(lr, 6)) for lr in (0.5, 0.6)]
    assert {f.__qualname__ for f in wrapped} == {"sin"}
    assert fingerprint([wrapped[0]]) != fingerprint([wrapped[1]])


def test_fingerprints():
    def adder(a):
        return lambda x: x + a

    def cached(a):
        return functools.cache(adder(a))

    same = [
        (np.arange(3.0), np.arange(3.0)),
        (np.asfortranarray(np.eye(3)[:, :2]), np.eye(3)[:, :2].copy()),
        ({1, 2, 3}, {3, 2, 1}),
        (Adam(betas=(0.9, 0.99)), Adam(betas=(0.9, 0.99))),
        (adder(1), adder(1)),
        (MLP(2, [1], rng=np.random.default_rng(0)), MLP(2, [1], rng=np.random.default_rng(0))),
        (np.random.default_rng(1), np.random.default_rng(1)),
    ]
    for a, b in same:
        assert fingerprint(a) == fingerprint(b)
    other = [
        1, 1.0, True, "1", b"1", None, [1], (1,), {1: 2}, {2: 1}, {1}, {2}, np.arange(3),
        np.arange(3.0),
        np.arange(3.0).reshape(1, 3), np.arange(3, dtype=np.float32), Adam(), Adam(eps=1e-7),
        adder(1), adder(2), cached(1), cached(2), len, max, np, np.exp, MLP,
        np.random.default_rng(0), np.random.default_rng(1),
        MLP(2, [1], rng=np.random.default_rng(0)), MLP(2, [1], rng=np.random.default_rng(1)),
        functools.partial(max, 1), functools.partial(max, 2), [1, [2]], [[1], 2], 0.0, -0.0,
    ]  # fmt: skip
    assert len({fingerprint(thing) for thing in other}) == len(other)
    around = [1]
    around.append(around)
    assert fingerprint(around) != fingerprint([1])
    assert len(fingerprint(threading.Lock())) == 64  # which can't be pickled


def test_fingerprints_look_at_every_part_of_a_function():
    def of(*lines):
        names = {"__name__": __name__, "RATE": 1.0, "scale": lambda x: 2 * x}
        exec("\n".join(lines), names)
        return fingerprint(names["f"], __name__)

    other = [
        ["def f(x): return x"],
        ["def f(y): return y"],
        ["def f(x=1): return x"],
        ["def f(x=2): return x"],
        ["def f(*, x=1): return x"],
        ["def f(*, x=2): return x"],
        ["def f(x): return RATE"],
        ["RATE = 2.0", "def f(x): return RATE"],
        ["def f(x): return lambda: RATE"],
        ["RATE = 2.0", "def f(x): return lambda: RATE"],
        ["def f(x): return scale(x)"],
        ["def scale(x): return 3 * x", "def f(x): return scale(x)"],
        ["def f(x): return x.real"],
        ["def f(x): return x.imag"],
        ["def f(x): return max(x)"],
        ["def f(x): return min(x)"],
        ["def g():", "    def f(x): return y", "    return f", "    y = 1", "f = g()"],  # unset
        ["def g():", "    y = 1", "    def f(x): return y", "    return f", "f = g()"],
        ["def g():", "    y = 2", "    def f(x): return y", "    return f", "f = g()"],
        ["class f:", "    x = 1"],
        ["class f:", "    x = 2"],
        ["class f(list):", "    x = 1"],
    ]
    assert len({of(*lines) for lines in other}) == len(other)
    for lines in other:
        assert of(*lines) == of("unused = 1", *lines, "later = 2")


class Counted(dict):
    """With entries, and a state."""


def test_fingerprints_look_at_every_part_of_an_object():
    def counted(entries, **state):
        thing = Counted(entries)
        vars(thing).update(state)
        return thing

    other = [
        counted({}), counted({1: 2}), counted({1: 3}), counted({}, a=1), counted({}, a=2),
        {1: 2}, ["ab", "c"], ["a", "bc"], ["abc"], "\ud800", "\ud801", {"a": 1, "b": 2},
        np.zeros(2, dtype=[("x", float)]), np.zeros(2, dtype=[("y", float)]),
        np.array([1, "a"], dtype=object), np.array([1, "b"], dtype=object),
        [].append, {}.get, property(len), property(max), property(len, len),
    ]  # fmt: skip
    assert len({fingerprint(thing) for thing in other}) == len(other)
    assert fingerprint(counted({1: 2}, a=1)) == fingerprint(counted({1: 2}, a=1))


# What goes wrong


def test_one_that_diverges_is_a_row(tmp_path):
    calls = []

    def train(seed, lr):
        calls.append(seed)
        if lr > 1 and seed:
            raise FloatingPointError("epoch 1, update 3: the loss is nan")
        return xor(seed, lr)

    for n in (6, 0):  # the second time it is read from its file
        results = quiet(train, {"lr": [0.1, 5.0]}, seeds=3, path=tmp_path)
        assert [t.outcome for t in results] == ["trained"] * 4 + ["diverged"] * 2
        assert results[5].history is None and results[5].why.endswith("update 3: the loss is nan")
        assert results.best == {"lr": 0.1}
        assert len(calls) == n
        calls.clear()  # as data that it uses, it is part of the function
    assert repr(results).splitlines()[0].split() == ["lr", "seeds", "diverged", "loss"]
    assert repr(results).splitlines()[2].split()[:3] == ["5.0", "3", "2"]
    assert "the last epoch of those that came to an end: mean" in repr(results)


BEGUN = []  # the seeds of trainings that were begun


def failing(seed, lr):
    """One seed is a mistake of the program's."""
    BEGUN.append(seed)
    if seed == 2:
        raise ZeroDivisionError("a mistake")
    time.sleep(0.05 if seed > 3 else 0)
    return xor(seed, lr)


class AtOnce(Executor):
    """Trains when it is asked to."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def test_a_mistake_begins_no_more():
    BEGUN.clear()
    with pytest.raises(RuntimeError, match="a mistake"):
        quiet(failing, {"lr": [0.1]}, seeds=9, executor=AtOnce())
    assert BEGUN == [0, 1, 2]


@pytest.mark.parametrize("threads", [0, 1])
def test_a_mistake_ends_the_sweep_and_what_is_done_is_kept(threads, tmp_path):
    BEGUN.clear()
    pool = ThreadPoolExecutor(threads) if threads else None
    with pytest.raises(
        RuntimeError, match=r"(?s)failing\(lr=0.1, seed=2\) failed.*raise Zero.*take"
    ):
        quiet(failing, {"lr": [0.1]}, seeds=50, path=tmp_path, executor=pool)
    assert 2 <= len(list(tmp_path.iterdir())) < 40
    if pool:
        pool.shutdown()
    assert len(BEGUN) < 40


def interrupted(seed, lr):
    """As if Ctrl-C were pressed in the third."""
    BEGUN.append(seed)
    if seed == 2:
        raise KeyboardInterrupt
    time.sleep(0.05 if seed > 3 else 0)
    return xor(seed, lr)


@pytest.mark.parametrize("threads", [0, 1])
def test_an_interrupt_keeps_what_is_done_and_begins_no_more(threads, tmp_path):
    BEGUN.clear()
    pool = ThreadPoolExecutor(threads) if threads else None
    with pytest.raises(KeyboardInterrupt):
        quiet(interrupted, {"lr": [0.1]}, seeds=50, path=tmp_path, executor=pool)
    assert 2 <= len(list(tmp_path.iterdir())) < 40
    if pool:
        pool.shutdown()
    assert len(BEGUN) < 40


def test_none_that_comes_back(tmp_path):
    with ThreadPoolExecutor(1, initializer=lambda: 1 / 0) as broken, pytest.raises(
        RuntimeError, match=r"no training came back .*BrokenThreadPool.*__main__"
    ):  # fmt: skip
        quiet(xor, {"lr": [0.1]}, seeds=2, executor=broken)


def test_what_is_no_history():
    with pytest.raises(RuntimeError, match=r"<lambda> must return the History that fit returned, "):
        quiet(lambda seed: 3, {})


def typed_in(seed, lr):
    """Stands for a function of a notebook."""


@pytest.mark.parametrize("kind", ["lambda", "inside", "notebook"])
def test_functions_that_processes_could_not_import(kind, monkeypatch):
    def inside(seed, lr):
        return xor(seed, lr)

    functions = {"lambda": lambda seed, lr: xor(seed, lr), "inside": inside, "notebook": typed_in}
    if kind == "notebook":
        monkeypatch.setattr(typed_in, "__module__", "__main__")
        monkeypatch.setattr(sys.modules["__main__"], "typed_in", typed_in, raising=False)
        monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with ProcessPoolExecutor(1) as pool, pytest.raises(
        TypeError, match=r"can't be sent to other processes \(.*\).* file of its own.*import it"
    ):  # fmt: skip
        quiet(functions[kind], {"lr": [0.1]}, executor=pool)


@pytest.mark.parametrize("value", [cosine(0.5, 6), threading.Lock()])
def test_values_that_can_not_be_sent_to_processes(value, tmp_path):
    with ProcessPoolExecutor(1) as pool, pytest.raises(
        TypeError, match=r"grid\['lr'\] has falling, which can't be sent .*\(.*\): try numbers"
    ):  # fmt: skip
        quiet(xor, {"lr": {"constant": 0.1, "falling": value}}, executor=pool, path=tmp_path / "no")
    assert not (tmp_path / "no").exists()


class Client:
    """As dask's."""

    def get_executor(self):
        raise NotImplementedError


REFUSED = [
    (xor, [("lr", [1])], {}, "grid must have the values to try by name"),
    (xor, {"lr": 0.1}, {}, r"grid\['lr'\] must be a list of values"),
    (xor, {"lr": "0.1"}, {}, r"grid\['lr'\] must be a list of values"),
    (xor, {"lr": []}, {}, r"grid\['lr'\] has no values"),
    (xor, {"lr": [0.1, np.float64(0.1)]}, {}, "has 0.1 more than once"),
    (xor, {"lr": [lambda t: 0.1]}, {}, "give names to its values, {'lr': {'a name': value"),
    (xor, {"seed": [1]}, {}, "grid must not have 'seed'"),
    (xor, {1: [1]}, {}, "grid must not have 1"),
    (xor, {"lr": [0.1]}, {"seeds": 0}, "seeds must be a positive whole number, got 0"),
    (xor, {"lr": [0.1]}, {"seeds": 1.5}, "seeds must be a positive whole number, got 1.5"),
    (xor, {"lr": [0.1]}, {"seeds": []}, "seeds must hold one seed or more"),
    (xor, {"lr": [0.1]}, {"seeds": [1, 1]}, "each once"),
    (xor, {"lr": [0.1]}, {"seeds": [-1]}, "from 0 up, got -1"),
    (3, {}, {}, "train must be a function"),
    (xor, {"lrr": [0.1]}, {}, r"xor can't be called as xor\(lrr=0.1, seed=0\): "),
    (xor, {}, {}, "missing a required argument: 'lr'"),
    (xor, {"lr": [0.1]}, {"executor": 2}, "must be a concurrent.futures.Executor, got int"),
    (xor, {"lr": [0.1]}, {"executor": Client()}, "got Client: write client.get_executor()"),
]  # fmt: skip


@for_each("train, grid, options, what", REFUSED)
def test_refusals_come_before_anything_is_done(train, grid, options, what, tmp_path):
    with pytest.raises((ValueError, TypeError), match=what):
        quiet(train, grid, path=tmp_path / "folder", **options)
    assert not (tmp_path / "folder").exists()


# The table, the parts, the files


def test_the_table():
    losses = {
        ("a", 0): 1.0,
        ("a", 1): 2.0,
        ("a", 2): 4.0,
        ("b", 0): 0.5,
        ("b", 1): 0.5,
        ("b", 2): 0.5,
    }

    def train(seed, kind, width):
        loss = losses[kind, seed] * width
        return History(
            [Epoch(1, 1, 0.1, 1, 9.0, loss + 1, 0.25), Epoch(2, 2, 0.1, 1, 9.0, loss, 0.5)]
        )

    results = quiet(train, {"kind": ["a", "b"], "width": [1, 10]}, seeds=3)
    mean, sd = np.mean([1, 2, 4]), np.std([1, 2, 4], ddof=1)
    assert repr(results).splitlines() == [
        "kind  width  seeds  validation loss  validation accuracy",
        f"a     1      3      {mean:.4g} ± {sd:.2g}      0.5 ± 0",
        f"a     10     3      {10 * mean:.4g} ± {10 * sd:.2g}       0.5 ± 0",
        "b     1      3      0.5 ± 0          0.5 ± 0",
        "b     10     3      5 ± 0            0.5 ± 0",
        "(the last epoch: mean ± standard deviation over seeds)",
    ]
    assert results.best == {"kind": "b", "width": 1}
    part = results.where(kind="a", width=10)
    assert len(part) == 3 and part[0].settings == {"kind": "a", "width": 10}
    assert len(results) == 12 and [t.seed for t in results[:4]] == [0, 1, 2, 0]
    with pytest.raises(ValueError, match="tried were kind: a, b; width: 1, 10"):
        results.where(kind="c")
    with pytest.raises(ValueError, match="no training has"):
        results.where(lr=1)


def test_one_seed_has_no_deviation_and_losses_of_training_count_without_validation():
    results = quiet(lambda seed: made(3.0), {}, seeds=1)
    assert repr(results).splitlines()[:2] == ["seeds  loss", "1      1.5"]


@pytest.mark.slow
def test_losses_near_the_largest_float():
    results = quiet(lambda seed, scale: made(scale * (1 - seed / 5)), {"scale": [1e308]}, seeds=3)
    assert repr(results).splitlines()[1].split() == ["1e+308", "3", "4e+307", "±", "1e+307"]
    huge = quiet(lambda seed, a: made(a * (-1) ** seed), {"a": [1.7e308, 1.0]}, seeds=[0, 2, 4])
    assert repr(huge).splitlines()[1].split()[:3] == ["1.7e+308", "3", "8.5e+307"]
    assert huge.best == {"a": 1.0}
    largest = sys.float_info.max
    signs = quiet(lambda seed: made(largest * (-1) ** seed), {}, seeds=2)
    assert repr(signs).splitlines()[1].split() == ["2", "0", "±", "1.3e+308"]
    for factor in (1.0, -1.0):
        high = quiet(lambda seed, a: made(a), {"a": [factor * 9e149, factor * largest, 1e-300]})
        assert high.plot()._repr_png_().startswith(b"\x89PNG")


def test_values_by_name(tmp_path):
    def train(seed, lr):
        return made(lr(2))

    rates = {"falling": lambda t: 1 / t, "constant": lambda t: 1.0}
    results = quiet(train, {"lr": rates}, seeds=1, path=tmp_path)
    assert [c.texts["lr"] for c in results.combinations] == ["falling", "constant"]
    assert results.where(lr="falling")[0] is results.where(lr=rates["falling"])[0] is results[0]
    assert all_of(quiet(train, {"lr": rates}, seeds=1, path=tmp_path)) == all_of(results)


def test_signs_in_html_and_where_the_output_takes_only_ascii(capsys):
    results = quiet(lambda seed, kind: made(1.0, seed), {"kind": ["<b>&", "\x1b[31m"]}, seeds=2)
    shown = results._repr_html_()
    assert "&lt;b&gt;&amp;" in shown and "<b>" not in shown
    assert shown.count("<tr>") == 3 and "<caption>" in shown and 'scope="col"' in shown
    assert "\x1b" not in repr(results)

    class Ascii:
        encoding = "ascii"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", Ascii())
        text = repr(results)
    assert "1 +- 0.71" in text and text.isascii()


def test_to_csv(tmp_path):
    def train(seed, lr):
        if seed:
            raise FloatingPointError
        return xor(seed, lr)

    results = quiet(train, {"lr": [0.1]}, seeds=2)
    results.to_csv(tmp_path / "table.csv")
    with open(tmp_path / "table.csv", newline="") as file:
        head, first, second = csv.reader(file)
    assert head == ["lr", "seed", "outcome", "epoch", "updates", "batch_size", "loss"]
    assert first == ["0.1", "0", "trained", "2", "4", "2", repr(results[0].history[-1].loss)]
    assert second == ["0.1", "1", "diverged", "", "", "", ""]


# The plot


def plotted(seed, lr, width=1, kind=""):
    """Curves of different lengths; the largest rate diverges with some seeds."""
    if lr == 9 and seed < 2:
        raise FloatingPointError
    return made(lr * width, seed, epochs=3 + seed)


def test_curves_have_bands_over_seeds():
    results = quiet(plotted, {"lr": [1, 2, 9], "width": [1, 2]}, seeds=3)
    figure = results.plot()
    assert [ax.get_title() for ax in figure.axes] == ["width = 1", "width = 2"]
    assert len(figure.axes[0].get_shared_y_axes().get_siblings(figure.axes[0])) == 2
    for ax, width in zip(figure.axes, (1, 2), strict=True):
        lines = [line for line in ax.lines if len(line.get_xdata())]
        for line, lr in zip(lines, (1, 2, 9), strict=True):
            per_epoch = [
                [lr * width / e + s for s in range(2 if lr == 9 else 0, 3) if e <= 3 + s]
                for e in range(1, 6)
            ]
            assert line.get_xdata().tolist() == [1, 2, 3, 4, 5]
            assert line.get_ydata().tolist() == pytest.approx([np.mean(n) for n in per_epoch])
        first = ax.collections[0].get_paths()[0].vertices
        for e in (1, 2, 3):
            at = first[first[:, 0] == e, 1]
            assert (at.min(), at.max()) == pytest.approx((width / e, width / e + 2))
        assert len(ax.collections) == 2  # one seed alone has no band
        assert [text.get_text() for text in ax.texts] == ["9: 2 of 3 diverged"]
        assert ax.get_yscale() == "log"
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["1", "2", "9"]
    assert legend.get_title().get_text() == "lr"
    by_width = results.plot(by="width")
    assert [ax.get_title() for ax in by_width.axes][:3] == ["lr = 1", "lr = 2", "lr = 9"]


def test_panels_stand_in_columns_by_the_last_setting():
    grid = {"lr": [1, 2], "width": [1, 2, 3], "kind": ["a", "b"]}
    figure = quiet(plotted, grid, seeds=1).plot()
    assert [ax.get_title() for ax in figure.axes][:2] == [
        "width = 1\nkind = a",
        "width = 1\nkind = b",
    ]
    assert figure.axes[0].get_gridspec().ncols == 2


@pytest.mark.slow
def test_a_plot_of_nothing_of_much_and_of_names_that_mean_something():
    def diverging(seed, lr):
        raise FloatingPointError

    [ax] = quiet(diverging, {"lr": [1]}, seeds=2).plot().axes
    assert [text.get_text() for text in ax.texts] == ["2 of 2 diverged"]
    many = quiet(plotted, {"lr": range(1, 9), "width": range(1, 50)}, seeds=1)
    with pytest.raises(ValueError, match="at most 48 panels, and this would make 49"):
        many.plot()
    many.where(lr=1)
    with pytest.raises(ValueError, match="by='width' has 49 values, and there are 8 colours"):
        many.plot(by="width")
    with pytest.raises(ValueError, match="by must be one of lr, width, got 'depth'"):
        many.plot(by="depth")
    assert many.where(width=3).plot()._repr_png_().startswith(b"\x89PNG")
    infinite = quiet(lambda seed: made(math.inf if seed else 1.0), {}, seeds=2)
    assert infinite.plot()._repr_png_().startswith(b"\x89PNG")
    assert repr(infinite).splitlines()[1].split() == ["2", "inf"]
    odd = quiet(lambda seed, kind: made(1.0), {"kind": ["$x$", "_y", "z" * 99]}, seeds=2).plot()
    assert odd._repr_png_().startswith(b"\x89PNG")


def test_progress(capsys, tmp_path):
    sweep(xor, {"lr": [0.1, 1.0]}, seeds=2, path=tmp_path)
    assert "4/4" in capsys.readouterr().err
    sweep(xor, {"lr": [0.1, 1.0]}, seeds=2, path=tmp_path, progress=False)
    assert capsys.readouterr() == ("", "")


# The command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL = ["train", "moons", "--epochs", "2", "--widths", "2", "--batch-size", "80", "--quiet"]


@pytest.mark.slow
def test_sweep_of_options(folder, capsys):
    command = [
        *SMALL,
        "--sweep",
        "lr=0.03,0.1",
        "optimizer=sgd,adam",
        "--seeds",
        "2",
        "--seed",
        "3",
    ]
    assert main(command) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0].startswith("data     moons: 320 examples to train on, and 80 to choose by")
    assert lines[1] == "sweep    2 of lr x 2 of optimizer, 2 seeds each"
    assert lines[2].split() == ["lr", "optimizer", "seeds", "validation", "loss", "validation",
                                "accuracy"]  # fmt: skip
    assert [line.split()[:3] for line in lines[3:7]] == [
        [lr, rule, "2"] for lr in ("0.03", "0.1") for rule in ("sgd", "adam")
    ]
    made = folder / "runs" / "moons-sweep"
    assert {path.name for path in made.iterdir()} == {"trainings", "trainings.csv", "curves.svg"}
    assert len(list((made / "trainings").iterdir())) == 8
    before = (made / "trainings.csv").read_bytes()
    for file in list((made / "trainings").iterdir())[:2]:
        file.unlink()
    assert main(command) == 0
    assert capsys.readouterr().out == out
    assert (made / "trainings.csv").read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("quick_files")
def test_a_row_of_the_command_is_the_training_with_these_options(folder):
    """With a part kept aside to stop by, the same part as that to choose by."""
    small = ["train", "moons", "--epochs", "2", "--batch-size", "80", "--quiet"]
    own = ["--patience", "9", "--loss", "bernoulli"]
    assert (
        main([*small, *own, "--sweep", "lr=0.3", "widths=3 2", "--seeds", "1", "--seed", "4"]) == 0
    )
    with open("runs/moons-sweep/trainings.csv", newline="") as file:
        [row] = csv.DictReader(file)
    alone = ["--widths", "3", "2", "--lr", "0.3", "--seed", "4", "--out", "alone"]
    assert main([*SMALL, *own, *alone]) == 0
    with open("alone/history.csv", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    for column in ("loss", "validation_loss", "validation_accuracy", "updates"):
        assert row[column] == last[column]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_files")
def test_workers_are_spawned_processes(folder, monkeypatch):
    def pool(n, mp_context):
        assert (n, mp_context.get_start_method()) == (3, "spawn")
        return ThreadPoolExecutor(n)

    monkeypatch.setattr(nn.sweeping, "ProcessPoolExecutor", pool)
    assert main([*SMALL, "--sweep", "momentum=0,0.9", "--seeds", "2", "--workers", "3"]) == 0


def fit_or_stop(*arguments, **options):
    """As if Ctrl-C were pressed in the second training."""
    BEGUN.append(options)
    if len(BEGUN) == 2:
        raise KeyboardInterrupt
    return fit(*arguments, **options)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_files")
def test_a_sweep_that_is_interrupted_goes_on(folder, capsys, monkeypatch):
    BEGUN.clear()
    once = nn.sweeping.train_once
    monkeypatch.setattr(nn.sweeping, "fit", fit_or_stop)
    command = [*SMALL, "--sweep", "lr=0.1", "--seeds", "3"]
    assert main(command) == 130
    assert "interrupted, give the same command again to go on" in capsys.readouterr().err
    assert main(command) == 0 and nn.sweeping.train_once is once
    assert len(BEGUN) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("quick_files")
def test_a_file_that_has_changed_is_not_mixed(folder, capsys):
    table = folder / "table.csv"
    table.write_text("x,y\n" + "".join(f"{i},{i % 3 + i / 7}\n" for i in range(20)))
    options = "--target y --epochs 1 --batch-size 5 --quiet --sweep lr=0.01 --seeds 1"
    command = ["train", "table.csv", *options.split()]
    assert main(command) == 0
    table.write_text(table.read_text() + "20,3\n")
    with pytest.raises(SystemExit):
        main(command)
    assert "changed since" in capsys.readouterr().err
    Path("trainings.csv").write_text(table.read_text())
    with pytest.raises(SystemExit):
        main(["train", "trainings.csv", *options.split(), "--out", "."])
    assert "would be written over" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"table.csv has changed since the sweep began"):
        nn.sweeping.train_once({"data": "table.csv", "lr": None, "batch_size": ["5"]}, "other", 0)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--sweep lrr=1,2", "unknown option 'lrr', choose from widths, activation, loss, epochs, "
         "batch-size, lr, optimizer, momentum"),
        ("--sweep seed=1,2", "unknown option 'seed', choose from"),
        ("--sweep no-bias=1", "unknown option 'no-bias', choose from"),
        ("--sweep lr", "write lr=VALUE,VALUE, got 'lr'"),
        ("--sweep lr=", "write lr=VALUE,VALUE"),
        ("--sweep lr=1,,2", "write lr=VALUE,VALUE"),
        ("--sweep lr=1 lr=2", "lr is given twice"),
        ("--sweep lr=1,1", "has 1 more than once"),
        ("--sweep lr=0.1,much", "argument --lr: must be a number"),
        ("--sweep optimizer=sgd,best", "argument --optimizer: invalid choice: 'best'"),
        ("--sweep optimizer=sgd,adam momentum=0.9", "momentum"),
        ("--sweep batch-size=321", "--batch-size 321 is more than the 320 examples"),
        ("--sweep widths=9000000", "parameters"),
        ("--sweep loss=gaussian", "--loss gaussian is for"),
        ("--sweep lr=1 --batch-size 1 2", "give --sweep batch-size=1,2"),
        ("--sweep lr=1 --resume run.npz", "a sweep goes on by itself"),
        ("--sweep lr=1 --checkpoint run.npz", "a sweep goes on by itself"),
        ("--sweep lr=0.1 --lr 0.2", "--lr is swept: leave it out, or move its value to --sweep lr"),
        ("--lr 0.2 --batch 16 --sweep epochs=1 batch-size=1,16", "--batch-size is swept: leave it"),
        ("--widths --sweep widths=2", "--widths is swept: leave it"),
        ("--nesterov --sweep nesterov=1", "unknown option 'nesterov'"),
        ("--seeds 3", "--seeds is for trainings of --sweep"),
        ("--workers 3", "--workers is for trainings of --sweep"),
    ],
)  # fmt: skip
def test_options_that_are_refused(options, what, folder, capsys):
    with pytest.raises(SystemExit) as info:
        main(["train", "moons", *options.split()])
    assert info.value.code == 2
    out, err = capsys.readouterr()
    assert what in err and len(err.splitlines()) == 1 and out == ""
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("out", "can't write into out: it is a file. Give another --out"),
        ("out/trainings", "trainings: it is a file"),
        ("out/curves.svg/file", "curves.svg: it is a folder"),
    ],
)
def test_an_out_that_can_not_be_written_is_refused_first(file, what, folder, capsys):
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("mine")
    with pytest.raises(SystemExit):
        main([*SMALL, "--sweep", "lr=0.1", "--out", "out"])
    out, err = capsys.readouterr()
    assert what in err and out == "" and (folder / file).read_text() == "mine"


class Slowly(Executor):
    """Of four, the second fails while the first is under way; the others can be cancelled."""

    def __init__(self):
        self.calls = []

    def submit(self, function, *arguments):
        self.calls.append((Future(), function, arguments))
        if len(self.calls) == 4:
            threading.Thread(target=self.work).start()
        return self.calls[-1][0]

    def work(self):
        (first, f, given), (second, g, failing), *others = self.calls
        first.set_running_or_notify_cancel()
        second.set_result(g(*failing))
        while not all(future.cancelled() for future, *_ in others):
            time.sleep(0.001)
        time.sleep(0.02)  # the cancelled ones come before it
        first.set_result(f(*given))


def one_fails(seed):
    if seed == 1:
        raise ZeroDivisionError("a mistake")
    return made(1.0, seed)


def test_what_is_under_way_when_one_fails_is_waited_for_and_kept(tmp_path):
    with pytest.raises(RuntimeError, match="a mistake"):
        quiet(one_fails, {}, seeds=4, path=tmp_path, executor=Slowly())
    [file] = tmp_path.iterdir()
    assert json.loads(file.read_text())["seed"] == 0


@pytest.mark.parametrize(
    ("lowest", "scale"), [(0.5, "log"), (1e-9, "log"), (0.0, "linear"), (-0.5, "linear")]
)
def test_a_logarithmic_axis_is_for_losses_above_zero(lowest, scale):
    def train(seed, lr):
        return made(lowest if lr == 1 else 1.0)

    results = quiet(train, {"lr": [1, 2]}, seeds=1)
    [ax] = results.plot().axes
    assert ax.get_yscale() == scale


@pytest.fixture
def columns_of(monkeypatch):
    """How many columns a plot of a grid would have."""
    found = []
    monkeypatch.setattr(nn.train.trainings, "_figure", lambda panels, wide, *_: found.append(wide))

    def columns(grid):
        quiet(lambda seed, lr, **settings: made(lr), {"lr": [1, 2], **grid}, seeds=1).plot()
        return found.pop()

    return columns


def test_panels_of_one_setting_fill_a_square(columns_of):
    shapes = [columns_of({"width": list(range(n))}) for n in (1, 2, 3, 4, 5, 6, 9, 10)]
    assert shapes == [1, 2, 3, 2, 3, 3, 3, 4]


def test_panels_of_two_settings_stand_in_a_column_for_each_of_the_last(columns_of):
    grids = [{"width": [1, 2], "kind": list(range(n))} for n in (1, 2, 3, 6, 7)]
    assert [columns_of(grid) for grid in grids] == [2, 2, 3, 6, 4]


def test_a_plot_takes_as_many_colours_and_panels_as_can_be_told_apart(columns_of):
    def plots(lr, width):
        grid = {"lr": range(lr), "width": range(width)}
        return quiet(lambda seed, **settings: made(1.0), grid, seeds=1)

    many = plots(lr=9, width=9)
    with pytest.raises(ValueError, match="by='width' has 9 values, and there are 8 colours"):
        many.plot(by="width")
    with pytest.raises(ValueError, match="by must be one of lr, width, got 'depth'"):
        many.plot(by="depth")
    with pytest.raises(
        ValueError, match=r"at most 48 panels, and this would make 49: .*where\(lr="
    ):
        plots(lr=49, width=2).plot()
    assert plots(lr=48, width=2).plot() is None
    assert plots(lr=1, width=8).plot() is None


@pytest.mark.slow
def test_panels_have_room_marks_and_notes_that_stand_one_below_the_other():
    def train(seed, lr, width):
        if seed < lr:
            raise FloatingPointError
        return made(lr, seed, epochs=1)

    results = quiet(train, {"width": [1, 2, 3, 4, 5], "lr": [1, 2]}, seeds=2)
    figure = results.plot(by="lr")
    panels = figure.axes
    assert figure.get_size_inches().tolist() == pytest.approx([1.6 + 2.5 * 3, 1.0 + 2.2 * 2])
    assert [ax.axison for ax in panels] == [True] * 5 + [False]
    below = [ax.xaxis.get_major_ticks()[0].label1.get_visible() for ax in panels[:5]]
    assert below == [False, False, True, True, True]  # the third has nothing below
    for ax in panels[:5]:
        assert [t.get_text() for t in ax.texts] == ["1: 1 of 2 diverged", "2: 2 of 2 diverged"]
        first, second = (t.get_position() for t in ax.texts)
        assert first == (-4, -4) and second[0] == -4 and second[1] < first[1] - 8
        assert [line.get_marker() for line in ax.lines if len(line.get_xdata())] == ["o"]
        assert len(ax.collections) == 0  # one seed has no band
    one = results.where(width=1, lr=1).plot()
    assert one.get_size_inches().tolist() == [7.0, 3.8] and not one.legends
    two = results.where(lr=1).plot(by="lr")
    assert two.axes[0].get_title() == "width = 1"
    assert one.get_supylabel() == "loss per example" and one.get_supxlabel() == "epoch"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], "-"), ([1.5], "1.5"), ([1.0, 2.0], "1.5 ± 0.71"), ([1.0, math.inf], "inf"),
     ([math.nan, 1.0], "nan"), ([1.0, 1.0, 4.0], "2 ± 1.7")],
)  # fmt: skip
def test_a_mean_with_its_deviation(numbers, text):
    assert nn.train.trainings._mean(numbers) == text


def test_the_best_has_the_least_loss_and_one_that_is_no_number_comes_last():
    losses = {"a": math.nan, "b": 2.0, "c": 1.0, "d": math.inf}
    results = quiet(lambda seed, kind: made(2 * losses[kind]), {"kind": list(losses)}, seeds=1)
    assert results.best == {"kind": "c"}
    assert results.where(kind="a").best == {"kind": "a"}

    def train(seed, kind):
        if kind == "c" and seed:
            raise FloatingPointError
        return made(2 * losses[kind])

    results = quiet(train, {"kind": ["a", "b", "c", "d"]}, seeds=2)
    assert results.best == {"kind": "b"}  # c is lower, but one of its trainings diverged
    with pytest.raises(ValueError, match="no combination came to its end with every seed"):
        results.where(kind="c").best  # noqa: B018


def test_scores_are_shown_where_all_epochs_have_them():
    def train(seed, kind):
        some = kind == "some" and seed
        return History([Epoch(e, e, 0.1, 1, 3.0, 2.0, None if some else 0.5) for e in (1, 2)])

    both = quiet(train, {"kind": ["all", "some"]}, seeds=2)
    head = ["kind", "seeds", "validation", "loss"]
    assert repr(both).splitlines()[0].split() == head
    assert repr(both.where(kind="all")).splitlines()[0].split() == [*head, "validation", "accuracy"]


class Scripted(Executor):
    """Gives what it is told, one thing for each training: an error, or the training's outcome."""

    def __init__(self, *script):
        self.script = iter(script)

    def submit(self, function, *arguments):
        todo, future = next(self.script), Future()
        if todo == "refuse":
            raise BrokenExecutor("gone")
        if isinstance(todo, BaseException):
            future.set_exception(todo)
        else:
            future.set_result(function(*arguments))
        return future


def test_trainings_that_are_lost_are_warned_of_and_trained_again(tmp_path):
    def train(seed):
        return made(1.0, seed)

    for options, advice in (({"path": tmp_path}, "call sweep again"), ({}, "with path=, sweep")):
        executor = Scripted("train", OSError("cut off"), "refuse", "train")
        with pytest.warns(RuntimeWarning, match=f"2 of 4 trainings were lost .*{advice}") as seen:
            results = quiet(train, {}, seeds=4, executor=executor, **options)
        assert seen[0].filename == __file__
        assert [t.outcome for t in results] == ["trained", "lost", "lost", "trained"]
        assert [t.why for t in results[1:3]] == ["OSError: cut off", "BrokenExecutor: gone"]
        assert repr(results).splitlines()[0].split() == ["seeds", "lost", "loss"]
    results = quiet(train, {}, seeds=4, executor=Scripted("train", "train"), path=tmp_path)
    assert [t.outcome for t in results] == ["trained"] * 4


def test_an_error_of_the_executor_itself_ends_the_sweep():
    executor = Scripted("train", ZeroDivisionError("odd"), "train", "train")
    with pytest.raises(RuntimeError, match=r"seed=1\) failed(?s:.*)ZeroDivisionError: odd") as info:
        quiet(lambda seed: made(1.0, seed), {}, seeds=4, executor=executor)
    assert isinstance(info.value.__cause__, ZeroDivisionError)


def test_a_function_without_a_signature_is_called_as_it_is(monkeypatch):
    def no_signature(train):
        raise ValueError

    monkeypatch.setattr(nn.train.sweep, "signature", no_signature)
    assert len(quiet(lambda seed: made(1.0, seed), {}, seeds=2)) == 2


def test_deviations_near_the_largest_float():
    half = sys.float_info.max / 2
    assert nn.train.trainings._mean([half, -half]) == "0 ± 1.3e+308"
    assert nn.train.trainings._deviation([1e300, 3e300]) == pytest.approx(math.sqrt(2) * 1e300)


def test_fingerprints_of_methods_and_of_what_pickles_by_name():
    one, other = Scale(), Scale()
    other.factor = 3.0
    methods = [one.__call__, other.__call__, NotImplemented, *map(TypeVar, "TS")]
    assert len({fingerprint(thing, __name__) for thing in methods}) == 5
    assert fingerprint(one.__call__, __name__) == fingerprint(Scale().__call__, __name__)


def test_there_are_five_seeds_if_not_told():
    assert [t.seed for t in quiet(lambda seed: made(1.0, seed), {})] == [0, 1, 2, 3, 4]
