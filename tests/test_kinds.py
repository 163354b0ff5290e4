"""Kinds of programs that people write in scalars: the program is the graph, and so is PyTorch."""

import numpy as np
import pytest
from benchmarks.kinds import KINDS, SMALL, timing
from benchmarks.kinds.kind import flat, rows, to_values, torch, vector
from random_graphs import assert_same

from tests.cases import for_each

B = 3


def drawn(kind):
    rng = np.random.default_rng(0)
    return kind.inputs(rng, B), kind.parameters(rng)


def builder(kind, inputs, parameters):
    """What records an example, of flat lists of Values."""

    def nested(leaves, arrays):
        leaves = iter(leaves)
        return [filled(np.shape(array), leaves) for array in arrays]

    def build(x, theta):
        return kind.record(*nested(x, [array[0] for array in inputs]), *nested(theta, parameters))

    return build


def filled(shape, leaves):
    """Nested lists of the next leaves."""
    return [filled(shape[1:], leaves) for _ in range(shape[0])] if shape else next(leaves)


@pytest.mark.parametrize("name", SMALL)
def test_program_is_graph(name):
    inputs, parameters = drawn(SMALL[name])
    build = builder(SMALL[name], inputs, parameters)
    assert_same(build, rows(inputs), vector(parameters).tolist())


@for_each("name", SMALL)
def test_all_parameters_count(name):
    inputs, parameters = drawn(SMALL[name])
    program = SMALL[name].example(inputs, parameters).compile()
    losses, gradient = program(rows(inputs))
    assert np.isfinite(losses).all() and len(set(losses)) == B
    ends = np.cumsum([np.size(array) for array in parameters])
    assert all(part.any() for part in np.split(gradient, ends[:-1]))


def test_what_is_measured_is_tested():
    assert {name.split(", ")[0] for name in KINDS} == {name.split(", ")[0] for name in SMALL}


def test_a_row_of_the_table(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    cells = timing.row(SMALL["RNN"], 1).split()
    assert len(cells) == (9 if torch else 7)
    assert all(float(cell.rstrip("x")) > 0.0 for cell in cells[:-2])
    assert int(cells[-1]) > 10  # lines
    assert len(timing.row(SMALL["RNN"], 5).split()) == (3 if torch else 1)


def test_sides_that_differ_are_refused():
    inputs, parameters = drawn(SMALL["HMM"])
    program, *_ = timing.program_side(SMALL["HMM"], inputs, parameters)
    losses, gradient = program()
    wrong = (losses + 1e-6, gradient)
    with pytest.raises(AssertionError, match="tolerance"):
        timing.compare([program, lambda: wrong])


def test_values_are_nested_as_arrays_are():
    array = np.arange(12.0).reshape(2, 3, 2)
    nested = to_values(array)
    assert nested[1][2][0].data == array[1, 2, 0]
    assert [v.data for v in flat(nested)] == array.ravel().tolist()


if torch:  # elsewhere there is nothing to skip

    @pytest.mark.parametrize("name", SMALL)
    def test_twin_is_program(name):
        inputs, parameters = drawn(SMALL[name])
        program, *_ = timing.program_side(SMALL[name], inputs, parameters)
        ours = timing.numbers(program())
        theirs = timing.numbers(timing.torch_side(SMALL[name], inputs, parameters)())
        size = np.abs(ours).max()
        np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-9 * size)
