"""Ctrl-C at any moment: a network has the numbers from before an update or from after it.

A KeyboardInterrupt is raised at one opcode after the other of all Python code of `autograd` and
`nn` that runs: where a signal can come in, between opcodes, it has come in.
"""

import itertools
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd.vectors import assign
from nn import MLP, SGD, Adam, AdamW, EarlyStopping, RMSprop, fit, gaussian_nll
from nn.train.batches import Batch
from nn.train.engines import GraphEngine
from tests.cases import bits

OURS = tuple(str(Path(package.__file__).parent) for package in (autograd, nn))
RULES = {
    "sgd": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True, weight_decay=0.1),
    "rmsprop": RMSprop(momentum=0.5, centered=True),
    "adam": Adam(),
    "adamw": AdamW(),
}
X = np.random.default_rng(0).normal(size=(4, 2))
Y = X.sum(axis=1)


def interrupted(run, moment, functions):
    """Run, and raise a KeyboardInterrupt at an opcode; whether there were so many.

    ``functions``: the names of those to be interrupted; all, if None.
    """
    left = moment

    def trace(frame, event, arg):
        nonlocal left
        code = frame.f_code
        if not code.co_filename.startswith(OURS):
            return None
        if functions is not None and code.co_name not in functions:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return left < 0


def everywhere(case, functions=None, every=1):
    """Interrupt what ``case()`` gives, a run and a look, at one moment after the other.

    Returns what is seen before and after, each time; the last run comes to its end.
    """
    seen, more = [], True
    for moment in itertools.count(0, every):
        if not more:
            break
        run, look = case()
        seen.append(look())
        more = interrupted(run, moment, functions)
        seen.append(look())
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_step_is_made_whole_or_not_at_all(rule):
    """Parameters and state: the second step, so that the state is not that of the start."""

    def case():
        parameters = [Value(x) for x in (0.5, -1.0, 2.0)]
        optimizer = RULES[rule].over(parameters)

        def step():
            for p in parameters:
                p.grad = 3.0 * p.data
            optimizer.step()

        def look():
            state = {name: array.tolist() for name, array in optimizer.state.items()}
            return repr((bits(parameters), state))

        step()
        return step, look

    seen = everywhere(case)
    assert len(seen) > 200
    assert len(set(seen)) == 2
    assert seen[0] != seen[-1]


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
def test_an_update_of_the_graph_engine_is_made_whole_or_not_at_all(rule):
    def case():
        net = MLP(2, [2, 1], "tanh", rng=np.random.default_rng(0))
        engine = GraphEngine(net, gaussian_nll, X, Y, RULES[rule])

        def look():
            state = {name: array.tolist() for name, array in engine.state.items()}
            return repr((bits(net.parameters()), state))

        examples = engine.columns(X, Y)
        engine.train_on(Batch(examples[:2], [0, 1]), 0.1)
        return lambda: engine.train_on(Batch(examples[2:4], [2, 3]), 0.1), look

    seen = everywhere(case, every=61) + everywhere(case, {"step", "assign", "update", "zero_grad"})
    assert len(set(seen)) == 2
    assert seen[0] != seen[-1]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["program", "graph"])
def test_an_interrupted_training_leaves_the_numbers_of_an_update(engine):
    """Also while the trained numbers are put into the network, at the end or for a callback."""
    updates = set()

    def case():
        net = MLP(2, [1], rng=np.random.default_rng(0))
        note = lambda *_: updates.add(repr(bits(net.parameters())))  # noqa: E731
        note()
        stopping = EarlyStopping(patience=9)

        def run():
            fit(
                net, gaussian_nll, X, Y, epochs=2, batch_size=2, lr=0.1, momentum=0.5,
                rng=np.random.default_rng(1), progress=False, callbacks=[note, stopping],
                validation=(X, -Y), engine=engine,
            )  # fmt: skip

        return run, lambda: repr(bits(net.parameters()))

    case()[0]()  # all updates are known
    assert len(updates) == 5
    # Where numbers are put in place; the rest of an update is tried above.
    functions = {"step", "assign", "write", "read", "end", "after_update", "after_epoch"}
    seen = everywhere(case, functions, every=61 if engine == "program" else 13)
    assert set(seen) <= updates
    assert len(set(seen)) == 5 or engine == "program"


def test_values_get_all_their_numbers_or_none():
    values = [Value(float(i)) for i in range(4)]

    def case():
        assign(values, [0.0, 1.0, 2.0, 3.0])
        return lambda: assign(values, [5, np.float64(6), 7.0, True]), lambda: repr(values)

    seen = everywhere(case)
    assert len(set(seen)) == 2
    assert [v.data for v in values] == [5.0, 6.0, 7.0, 1.0]
    assert all(type(v.data) is float for v in values)
    for wrong, error in (([1.0, 2.0, 3.0, "4"], TypeError), ([1.0, 2.0, 3.0], ValueError)):
        with pytest.raises(error):
            assign(values, wrong)
        assert [v.data for v in values] == [5.0, 6.0, 7.0, 1.0]
    assign([], [])


def test_a_subclass_with_data_of_its_own_is_told():
    told = []

    class Loud(Value):
        @property
        def data(self):
            return self._data

        @data.setter
        def data(self, number):
            told.append(number)
            self._data = number

    loud = Loud(1.0)
    assign([loud, Value(1.0)], [2.0, 3.0])
    assert told == [2.0]
    assert loud.data == 2.0


def test_the_check_of_moments_finds_a_loop():
    """Were the numbers put in place one by one, it would be seen."""
    values = [Value(0.0) for _ in range(4)]

    def one_by_one():
        for v in values:
            v.data = 1.0

    def case():
        assign(values, [0.0] * 4)
        return one_by_one, lambda: repr(values)

    with suppress(KeyboardInterrupt):
        assert len(set(everywhere(case))) == 5
