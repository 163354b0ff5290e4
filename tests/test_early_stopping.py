"""Early stopping: when it stops, what it gives back, and how it goes on from a file."""

import math
from functools import partial

import numpy as np
import pytest

import nn
from nn import MLP, SGD, EarlyStopping, Epoch, bernoulli_nll, fit, gaussian_nll
from nn.cli import main
from tests import cases
from tests.cases import bits, numbers

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2))
Y = X[:, 0] / 2 + rng.normal(size=20)
Z = rng.normal(size=(40, 2))
HELD_OUT = Z, Z[:, 0] / 2 + rng.normal(size=40)
make_net = partial(cases.make_net, d0=2, hidden=(8,), seed=1)
# The best of 40 epochs is then the 18th, after some that were no better than those before.


class Kept:
    """A callback that keeps what the network was after each epoch."""

    def __init__(self):
        self.parameters = {}

    def end_epoch(self, row, net):
        self.parameters[row.epoch] = numbers(net)


def trained(stopping, net=None, epochs=60, callbacks=(), **options):
    net = make_net() if net is None else net
    options = {"validation": HELD_OUT, "rng": np.random.default_rng(2), **options}
    history = fit(
        net, gaussian_nll, X, Y, epochs=epochs, batch_size=5, lr=0.1, progress=False,
        callbacks=[*callbacks, *([] if stopping is None else [stopping])], **options,
    )  # fmt: skip
    return net, history


def first_stop(values, patience):
    """The epoch after which it stops, and the best one before it: by the definition."""
    for epoch in range(1, len(values) + 1):
        best = int(np.argmin(values[:epoch])) + 1
        if epoch - best >= patience:
            return epoch, best
    return len(values), int(np.argmin(values)) + 1


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["native", "program", "graph"])
@pytest.mark.parametrize("patience", [1, 3, 10])
def test_it_stops_after_so_many_epochs_without_a_better_one(patience, engine):
    _, whole = trained(None, engine=engine)
    end, best = first_stop([row.validation_loss for row in whole], patience)
    assert end < 60
    stopping, kept = EarlyStopping(patience), Kept()
    net, history = trained(stopping, callbacks=[kept], engine=engine)
    assert list(history) == list(whole)[:end]
    assert (stopping.best_epoch, stopping.stopped) == (best, True)
    assert np.array_equal(numbers(net), kept.parameters[best])


def test_without_restore_best_the_last_parameters_stay():
    kept = Kept()
    net, history = trained(EarlyStopping(3, restore_best=False), callbacks=[kept])
    assert np.array_equal(numbers(net), kept.parameters[len(history)])


def test_the_best_comes_back_also_where_it_did_not_stop():
    stopping, kept = EarlyStopping(100), Kept()
    net, history = trained(stopping, callbacks=[kept], epochs=24)
    assert (len(history), stopping.stopped) == (24, False)
    best = min(history, key=lambda row: row.validation_loss).epoch
    assert best < 24
    assert np.array_equal(numbers(net), kept.parameters[best])


def test_it_can_look_at_the_score():
    stopping = EarlyStopping(4, monitor="score")
    _, whole = trained(None)
    end, best = first_stop([-row.validation_r2 for row in whole], 4)
    _, history = trained(stopping)
    assert (len(history), stopping.best_epoch) == (end, best)


def test_one_that_was_used_begins_afresh():
    stopping = EarlyStopping(3)
    first = trained(stopping)
    second = trained(stopping)
    assert list(first[1]) == list(second[1])
    assert np.array_equal(numbers(first[0]), numbers(second[0]))


def test_a_loss_that_is_not_a_number_is_never_the_best():
    stopping, net = EarlyStopping(2), make_net()
    start = numbers(net)
    stopping.start(net)
    ends = []
    for epoch, loss in enumerate([math.nan, math.inf], start=1):
        ends.append(stopping.end_epoch(Epoch(epoch, epoch, 0.1, 1, 1.0, loss), net))
    assert ends == [False, True]
    assert stopping.best_epoch == 0
    net.parameters()[0].data = 9.0
    stopping.end(net)  # there is nothing to give back
    assert numbers(net)[0] == 9.0 != start[0]


# On from a file


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["native", "program", "graph"])
@pytest.mark.parametrize("until", [1, 7, 15, 20])
def test_an_interrupted_training_stops_where_it_would_have(until, engine, tmp_path):
    file, whole = tmp_path / "run.npz", EarlyStopping(6)
    net, history = trained(whole, engine=engine)
    assert until < len(history)

    def interrupt(epoch, update, loss, net):
        if epoch > until:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(EarlyStopping(6), callbacks=[interrupt], checkpoint=file, engine=engine)
    again = EarlyStopping(6)
    resumed, rest = trained(again, checkpoint=file, resume=file, engine=engine)
    assert list(rest) == list(history)
    assert bits(resumed) == bits(net)
    assert (again.best_epoch, again.stopped) == (whole.best_epoch, True)


def test_a_stopped_training_is_returned_as_it_was(tmp_path):
    file, calls = tmp_path / "run.npz", []
    net, history = trained(EarlyStopping(3), checkpoint=file)
    assert not np.array_equal(numbers(nn.load(file)), numbers(net))  # it holds the last ones
    before, stopping = file.read_bytes(), EarlyStopping(3)
    again, same = trained(stopping, callbacks=[lambda *_: calls.append(1)], checkpoint=file,
                          resume=file)  # fmt: skip
    assert list(same) == list(history)
    assert bits(again) == bits(net)
    assert (calls, stopping.stopped) == ([], True)
    assert file.read_bytes() == before


def test_a_stopped_training_goes_on_with_more_patience(tmp_path):
    file = tmp_path / "run.npz"
    trained(EarlyStopping(3), checkpoint=file)
    net, history = trained(EarlyStopping(9), resume=file)
    patient, whole = trained(EarlyStopping(9))
    assert list(history) == list(whole)
    assert bits(net) == bits(patient)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        (EarlyStopping(3), None, r"another early stopping \(loss, and now None\)"),
        (None, EarlyStopping(3), r"another early stopping \(None, and now loss\)"),
        (EarlyStopping(3), EarlyStopping(3, monitor="score"), "loss, and now score"),
    ],
)
def test_another_stopping_is_not_resumed(first, second, named, tmp_path):
    file, net = tmp_path / "run.npz", make_net()
    trained(first, checkpoint=file, epochs=4)
    before = numbers(net)
    with pytest.raises(ValueError, match=named):
        trained(second, net, resume=file)
    assert np.array_equal(numbers(net), before)


@pytest.mark.parametrize(
    ("best", "named"),
    [
        (None, "missing ['stopping.best']"),
        (np.zeros(3), "stopping.best must have shape (33,)"),
        (np.full(33, math.nan), "stopping.best holds numbers that are not finite"),
    ],
)
def test_a_damaged_file_is_refused(best, named, tmp_path):
    file = tmp_path / "run.npz"
    trained(EarlyStopping(3), checkpoint=file)
    arrays = dict(np.load(file))
    del arrays["stopping.best"]
    np.savez(file, **arrays, **({} if best is None else {"stopping.best": best}))
    with pytest.raises(ValueError, match="can't be resumed") as info:
        trained(EarlyStopping(3), resume=file)
    assert named in str(info.value)


# Bad input: refused before anything starts


def own_loss(a, y):
    return (a - y) ** 2


@pytest.mark.parametrize(
    ("callbacks", "options", "error", "named"),
    [
        ([EarlyStopping(3)], {"validation": None}, ValueError, r"give validation=\(X, y\)"),
        ([EarlyStopping(3)] * 2, {}, ValueError, "one EarlyStopping at most"),
        (EarlyStopping(3), {}, TypeError, r"write \[it\]"),
        ([3], {}, TypeError, "must be a function, or have begin or end_epoch, got 3"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_starts(
    callbacks, options, error, named, tmp_path
):
    net, file = make_net(), tmp_path / "run.npz"
    before = numbers(net)
    options = {"validation": HELD_OUT, **options}
    with pytest.raises(error, match=named):
        fit(net, gaussian_nll, X, Y, epochs=3, batch_size=5, lr=0.1, progress=False,
            callbacks=callbacks, checkpoint=file, **options)  # fmt: skip
    assert np.array_equal(numbers(net), before)
    assert not file.exists()


def test_a_loss_without_a_score_has_none_to_look_at():
    with pytest.raises(ValueError, match="a loss with a score"):
        fit(make_net(), own_loss, X, Y, epochs=3, batch_size=5, lr=0.1, progress=False,
            validation=HELD_OUT, callbacks=[EarlyStopping(2, monitor="score")])  # fmt: skip
    history = fit(make_net(), own_loss, X, Y, epochs=3, batch_size=5, lr=0.1, progress=False,
                  validation=HELD_OUT, callbacks=[EarlyStopping(2)])  # fmt: skip
    assert len(history)


@pytest.mark.parametrize("patience", [0, -1, 1.5, "3", None, True])
def test_patience_is_a_positive_whole_number(patience):
    with pytest.raises(ValueError, match="patience must be a positive whole number"):
        EarlyStopping(patience)


@pytest.mark.parametrize("flag", ["no", 1, None, "loss"])
def test_restore_best_is_true_or_false(flag):
    with pytest.raises(ValueError, match="restore_best must be True or False"):
        EarlyStopping(3, flag)


def test_before_the_first_epoch_there_is_no_best():
    stopping, net = EarlyStopping(2), make_net()
    assert (stopping.best_epoch, stopping.stopped, len(stopping.best_parameters)) == (0, False, 0)
    before = numbers(net)
    stopping.start(net)
    assert (stopping.best_epoch, stopping.stopped) == (0, False)
    assert stopping.best_parameters.tolist() == before
    net.parameters()[0].data = 9.0
    stopping.end(net)  # no epoch has ended: nothing comes back
    assert numbers(net) == [9.0, *before[1:]]


def test_as_good_is_not_better():
    stopping, net = EarlyStopping(2), make_net()
    stopping.start(net)
    rows = [Epoch(e, e, 0.1, 1, 1.0, loss) for e, loss in enumerate([0.5, 0.25, 0.25, 0.25], 1)]
    assert [stopping.end_epoch(row, net) for row in rows] == [False, False, False, True]
    assert stopping.best_epoch == 2


def test_what_to_look_at_is_the_loss_or_the_score():
    with pytest.raises(ValueError, match="monitor must be 'loss' or 'score', got 'accuracy'"):
        EarlyStopping(3, monitor="accuracy")


# Callbacks of epochs


def test_a_callback_can_end_the_training():
    class Enough:
        def end_epoch(self, row, net):
            return row.epoch == 3

    _, history = trained(None, callbacks=[Enough(), Kept()])
    assert len(history) == 3


@pytest.mark.parametrize("engine", ["native", "program", "graph"])
def test_a_callback_of_epochs_sees_the_network_and_may_change_it(engine):
    class Reset:
        def end_epoch(self, row, net):
            assert not np.array_equal(numbers(net), start)
            net.load_state_dict(make_net().state_dict())

    start = numbers(make_net())
    net, _ = trained(None, callbacks=[Reset()], epochs=2, engine=engine)
    assert np.array_equal(numbers(net), start)


# On the command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_patience_on_the_command_line(folder, request, capsys):
    arguments = ["train", "moons", "--patience", "2", "--epochs", "60", "--lr", "4", "--quiet",
                 "--widths", "4", "--checkpoint", "run.npz", "--out", "out"]  # fmt: skip
    main(arguments)
    out = capsys.readouterr().out
    lines = dict(line.split(" ", 1) for line in out.splitlines())
    assert "320 examples to train on, 80 kept aside, 100 to test" in lines["data"]
    assert "2 epochs in turn" in lines["stops"]
    n = len((folder / "out" / "history.csv").read_text().splitlines()) - 1
    assert 2 < n < 60
    assert f"after epoch {n}; the network is that of epoch {n - 2}" in lines["stopped"]
    assert lines["stopped"].strip() in (folder / "out" / "report.html").read_text()
    # The test part had no say: what stopped it was a fifth of the training part.
    moons = nn.datasets.load("moons")
    net = MLP(2, [4, 1], rng=np.random.default_rng(0).spawn(2)[0])
    history = fit(
        net, bernoulli_nll, moons.X_train[:320], moons.y_train[:320], epochs=60, batch_size=16,
        lr=4.0, rng=np.random.default_rng(0).spawn(2)[1], progress=False,
        validation=(moons.X_train[320:], moons.y_train[320:]), callbacks=[EarlyStopping(2)],
        optimizer=SGD(weight_decay=1 / 320),
    )  # fmt: skip
    assert len(history) == n
    assert np.array_equal(numbers(nn.load("out/network.npz")), numbers(net))
    # Resumed, it is what it was.
    request.getfixturevalue("quick_files")
    main([*arguments[:-1], "again", "--resume", "run.npz"])
    assert np.array_equal(numbers(nn.load("again/network.npz")), numbers(net))


def test_patience_must_be_a_positive_whole_number_there_too(folder, capsys):
    with pytest.raises(SystemExit) as info:
        main(["train", "moons", "--patience", "0"])
    assert info.value.code == 2
    assert "--patience" in capsys.readouterr().err


@pytest.mark.parametrize("score", ["validation_accuracy", "validation_r2"])
@pytest.mark.parametrize(("monitor", "best"), [("loss", 2), ("score", 3)])
def test_the_best_is_by_what_it_was_told_to_look_at(monitor, best, score):
    stopping, net = EarlyStopping(3, monitor=monitor), make_net()
    stopping.start(net)
    for epoch, (loss, s) in enumerate(
        [(3.0, 0.1), (1.0, 0.2), (2.0, 0.4), (2.5, 0.4), (1.0, 0.3)], 1
    ):
        row = Epoch(epoch, epoch, 0.1, 1, 1.0, validation_loss=loss, **{score: s})
        assert stopping.end_epoch(row, net) == (epoch - best >= 3)
    assert (stopping.best_epoch, stopping.stopped) == (best, best == 2)
    with pytest.raises(ValueError, match="monitor"):
        EarlyStopping(3, monitor="accuracy")
