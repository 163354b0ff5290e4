"""The three losses: their values to the last digits, their error signals, what they refuse."""

import functools
import math

import mpmath
import numpy as np
import pytest

import autograd
from autograd import Value
from nn import MLP, bernoulli_nll, categorical_nll, gaussian_nll
from nn.model.likelihoods import check_loss
from tests.cases import for_each

mp = mpmath.mp.clone()
mp.dps = 50

TAILS = [0.0, 0.3, 1.0, 5.0, 20.0, 36.7, 40.0, 100.0, 700.0, 745.0, 1e4, 1e10, 1e300]


def gaussian_reference(a, y):
    return sum((mp.mpf(y_k) - mp.mpf(a_k)) ** 2 / 2 for a_k, y_k in zip(a, y, strict=True))


@functools.cache
def softplus_reference(a):
    """log(1 + exp(a)) to 50 digits of its own size, however small it is."""
    if a > 10**6:
        return mp.mpf(a)
    with mp.workdps(60 + int(abs(a))):  # 1 + exp(a) needs that many digits
        return mp.log(1 + mp.exp(mp.mpf(a))) if a > -(10**4) else mp.mpf(0)


def bernoulli_reference(a, y):
    return sum(
        mp.mpf(y_k) * softplus_reference(-a_k) + (1 - mp.mpf(y_k)) * softplus_reference(a_k)
        for a_k, y_k in zip(a, y, strict=True)
    )


def categorical_reference(a, y):
    """-log of the probability of class ``y``, from exponentials of 500 digits."""
    with mp.workdps(500):
        total = sum(mp.exp(mp.mpf(a_k) - mp.mpf(a[y])) for a_k in a)
        return mp.log(total)


def values(a):
    return [Value(a_k) for a_k in a]


def sigmoid(a):
    return 1 / (1 + np.exp(-np.asarray(a)))


def softmax(a):
    e = np.exp(np.asarray(a) - np.max(a))
    return e / e.sum()


def close(number, reference, rel=1e-15):
    """Whether a float has the digits of a reference: a few units in the last place."""
    return abs(mp.mpf(number) - reference) <= rel * abs(reference) + mp.mpf(5e-324)


# Values


@pytest.mark.parametrize(("a", "y"), [(3.0, 1.0), (0.1, 0.3), (-1e100, 2.0), (1e-9, 0.0)])
def test_gaussian_to_the_last_digits(a, y):
    assert close(gaussian_nll(Value(a), y).data, gaussian_reference([a], [y]))


@pytest.mark.parametrize("y", [0, 1, 0.25, 0.5])
@for_each("a", [s * t for t in TAILS for s in (1, -1)])
def test_bernoulli_to_the_last_digits_in_the_tails_too(a, y):
    loss = bernoulli_nll(Value(a), y)
    loss.backward()
    assert math.isfinite(loss.data)
    assert close(loss.data, bernoulli_reference([a], [y]))


def test_bernoulli_at_40():
    assert bernoulli_nll(Value(40.0), 1).data == pytest.approx(4.248354255291589e-18, rel=4e-16)
    assert bernoulli_nll(Value(-40.0), 0).data == pytest.approx(4.248354255291589e-18, rel=4e-16)


def test_the_error_signal_of_a_sure_bernoulli_keeps_its_digits():
    a = Value(40.0)
    bernoulli_nll(a, 1).backward()
    assert close(a.grad, -1 / (1 + mp.exp(40)))


@for_each("y", [0, 1, 2])
@for_each(
    "a",
    [
        [40.0, 0.0, -3.0],
        [1.0, 2.0, 3.0],
        [0.0, 0.0, 0.0],
        [36.7, 0.0, 0.5],
        [-1000.0, 0.0, 1000.0],
        [700.0, -45.0, 699.5],
        [0.1, 100.0, 100.1],
    ],
)
def test_categorical_to_the_last_digits_in_the_tails_too(a, y):
    loss = categorical_nll(values(a), y).data
    assert close(loss, categorical_reference(a, y), rel=2e-14 if max(a) > 500 else 4e-15)


def test_a_sure_class_keeps_the_digits_of_its_tiny_loss():
    expected = math.exp(-40) + math.exp(-43)  # log(1 + s) is s, for an s as small as that
    for y in (0, [1, 0, 0], [1.0, 0.0, 0.0]):
        loss = categorical_nll(values([40.0, 0.0, -3.0]), y).data
        assert loss == pytest.approx(expected, rel=1e-15)
    # The same shifted, and the class at another place.
    assert categorical_nll(values([0.0, 40.0]), 1).data == pytest.approx(4.248354255291589e-18)
    assert categorical_nll(values([60.0, 100.0]), 1).data == pytest.approx(4.248354255291589e-18)


@for_each("a", [[1e300, 0.0], [-1e300, 1e300], [1e300, 1e300], [-1e300, -1e300]])
@for_each("y", [0, 1, [0.5, 0.5]])
def test_categorical_is_finite_for_huge_outputs(a, y):
    outputs = values(a)
    loss = categorical_nll(outputs, y)
    loss.backward()
    assert math.isfinite(loss.data)
    assert loss.data >= 0
    assert all(-1 <= v.grad <= 1 for v in outputs)
    if y == 0:
        expected = max(a[1] - a[0], 0.0) or (math.log(2) if a[0] == a[1] else 0.0)
        assert loss.data == pytest.approx(expected, rel=1e-15)


# What the values mean: minus the log of a probability, or of a density


@pytest.mark.parametrize(("a", "y"), [(0.3, 1.1), (-2.0, 0.5), (4.0, 4.0)])
def test_gaussian_is_the_negative_log_density_of_a_normal(a, y):
    density = math.exp(-((y - a) ** 2) / 2) / math.sqrt(2 * math.pi)
    constant = math.log(2 * math.pi) / 2
    assert gaussian_nll(Value(a), y).data + constant == pytest.approx(-math.log(density), rel=1e-14)


@pytest.mark.parametrize("a", [-3.0, 0.0, 0.7])
def test_bernoulli_is_the_negative_log_probability(a):
    p = 1 / (1 + math.exp(-a))
    assert bernoulli_nll(Value(a), 1).data == pytest.approx(-math.log(p), rel=1e-14)
    assert bernoulli_nll(Value(a), 0).data == pytest.approx(-math.log(1 - p), rel=1e-14)


@pytest.mark.parametrize("y", [0, 1, 2, 3])
def test_categorical_is_the_negative_log_probability(y):
    a = [0.2, -1.0, 3.0, 0.0]
    p = math.exp(a[y]) / sum(math.exp(v) for v in a)
    assert categorical_nll(values(a), y).data == pytest.approx(-math.log(p), rel=1e-14)


def test_categorical_with_probabilities_is_the_cross_entropy():
    a, y = [0.2, -1.0, 3.0], [0.5, 0.2, 0.3]
    expected = -sum(p * math.log(q) for p, q in zip(y, softmax(a), strict=True))
    assert categorical_nll(values(a), y).data == pytest.approx(expected, rel=1e-14)


def test_two_classes_are_a_bernoulli():
    for a in (-2.0, 0.5, 30.0):
        two = categorical_nll(values([0.0, a]), 1).data
        assert two == pytest.approx(bernoulli_nll(Value(a), 1).data, rel=1e-14)


# Error signals


@pytest.mark.parametrize(
    ("loss", "mean", "a", "y"),
    [
        (gaussian_nll, np.asarray, [0.5, -2.0, 3.0], [1.0, 1.0, 1.0]),
        (bernoulli_nll, sigmoid, [0.5, -2.0, 3.0], [1, 0, 0]),
        (bernoulli_nll, sigmoid, [0.5, -2.0, 30.0], [0.25, 0.5, 0.75]),
        (categorical_nll, softmax, [0.5, -2.0, 3.0], [0, 1, 0]),
        (categorical_nll, softmax, [0.5, -2.0, 3.0], [0.5, 0.2, 0.3]),
    ],
)
def test_the_error_signal_is_the_mean_minus_y(loss, mean, a, y):
    outputs = values(a)
    loss(outputs, y).backward()
    np.testing.assert_allclose([v.grad for v in outputs], mean(a) - np.array(y), atol=2e-16 * 8)


@for_each("a", [-40.0, -1.0, 0.0, 2.5, 40.0])
@for_each("y", [0.0, 1.0])
def test_the_error_signal_of_a_single_output(a, y):
    for loss, mean in ((gaussian_nll, lambda a: a), (bernoulli_nll, sigmoid)):
        output = Value(a)
        loss(output, y).backward()
        assert output.grad == pytest.approx(mean(a) - y, abs=1e-15)


@pytest.mark.parametrize("y", [0, 1, 2])
def test_the_error_signal_of_a_class_index(y):
    a = [0.5, -2.0, 3.0]
    outputs = values(a)
    categorical_nll(outputs, y).backward()
    np.testing.assert_allclose([v.grad for v in outputs], softmax(a) - np.eye(3)[y], atol=1e-15)


def test_the_error_signal_can_be_read_off_a_network():
    net = MLP(2, [3, 3], "tanh", rng=np.random.default_rng(0))
    outputs = net([1.0, -1.0])
    categorical_nll(outputs, 2).backward()
    p = softmax([v.data for v in outputs])
    np.testing.assert_allclose([v.grad for v in outputs], p - [0, 0, 1], atol=1e-15)


@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll])
def test_several_outputs_are_summed(loss):
    a, y = [0.5, -2.0, 3.0], [1.0, 0.0, 0.5]
    each = [loss(Value(a_k), y_k).data for a_k, y_k in zip(a, y, strict=True)]
    assert loss(values(a), y).data == pytest.approx(sum(each), rel=1e-15)


@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll])
def test_one_output_in_a_list_is_that_output(loss):
    assert loss([Value(0.5)], [1.0]).data == loss(Value(0.5), 1.0).data
    assert loss(Value(0.5), [1.0]).data == loss(Value(0.5), 1.0).data


# What y may be


@for_each("loss", [gaussian_nll, bernoulli_nll])
@for_each("y", [1, True, 1.0, np.float64(1), np.int64(1), np.float32(1), Value(1.0)])
def test_a_target_may_be_any_number_or_a_value(loss, y):
    assert loss(Value(0.3), y).data == loss(Value(0.3), 1.0).data


@for_each("loss", [gaussian_nll, bernoulli_nll])
@for_each("make", [list, tuple, np.array, values])
def test_targets_may_be_any_sequence(loss, make):
    expected = loss([Value(0.3), Value(2.0)], [1.0, 0.0]).data
    assert loss([Value(0.3), Value(2.0)], make([1.0, 0.0])).data == expected


@pytest.mark.parametrize("y", [3, np.int64(3), 3.0, np.float64(3.0), np.array(3)])
def test_a_class_may_be_any_whole_number(y):
    a = [0.5, 1.5, -1.0, 2.0]
    assert categorical_nll(values(a), y).data == categorical_nll(values(a), [0, 0, 0, 1]).data


@pytest.mark.parametrize("make", [list, tuple, np.array, values])
def test_class_probabilities_may_be_any_sequence(make):
    a = [0.5, 1.5, -1.0]
    expected = categorical_nll(values(a), [0.25, 0.25, 0.5]).data
    assert categorical_nll(values(a), make([0.25, 0.25, 0.5])).data == expected


@pytest.mark.parametrize(
    ("loss", "a", "y", "expected"),
    [
        (gaussian_nll, [0.5, 2.0], [1.0, 0.0], [0.5, -2.0]),  # y - a
        (bernoulli_nll, [0.5, 2.0], [1.0, 0.0], [-0.5, -2.0]),  # -a
    ],
)
def test_targets_that_are_values_get_a_gradient(loss, a, y, expected):
    targets = values(y)
    loss(values(a), targets).backward()
    assert [v.grad for v in targets] == pytest.approx(expected, rel=1e-14)


# Refusals


@pytest.mark.parametrize("y", [2, -1, 1.5, -0.25, math.nan, math.inf, np.int64(2)])
def test_bernoulli_refuses_targets_outside_0_and_1(y):
    with pytest.raises(ValueError, match=rf"{float(y):g}"):
        bernoulli_nll(Value(0.0), y)
    with pytest.raises(ValueError, match=rf"{float(y):g}"):
        bernoulli_nll(values([0.0, 0.0]), [0, y])


@for_each("y", [3, -1, 1.5, 100, math.nan, math.inf, np.int64(3), np.float64(1.5)])
def test_categorical_refuses_what_is_no_class(y):
    with pytest.raises(ValueError, match=rf"{float(y):g}"):
        categorical_nll(values([0.0, 1.0, 2.0]), y)


@for_each(
    ("y", "named"),
    [
        ([1, 0], "2$"),
        ([2], r"1: of class indices in a column, \(n, 1\), give y\.ravel\(\)$"),
        ([1, 0, 0, 0], "4"),
        ([], "0"),
        ([0.5, 0.4, 0.2], r"1\.1"),
        ([0, 0, 0], "0"),
        ([1, 1, 0], "2"),
        ([1.5, -0.5, 0.0], r"-0\.5"),
        ([math.nan, 0.5, 0.5], "nan"),
    ],
)
def test_categorical_refuses_what_are_no_probabilities(y, named):
    with pytest.raises(ValueError, match=named):
        categorical_nll(values([0.0, 1.0, 2.0]), y)


def test_categorical_checks_values_for_shape_alone():
    with pytest.raises(ValueError, match=r"3 probabilities, one per class, got 2"):
        categorical_nll(values([0.0, 1.0, 2.0]), values([1.0, 0.0]))
    with pytest.raises(ValueError, match="3 probabilities, got a single Value"):
        categorical_nll(values([0.0, 1.0, 2.0]), Value(1.0))
    assert categorical_nll(values([0.0, 1.0]), values([1.0, 1.0])).op == "logsumexp"


@pytest.mark.parametrize("a", [Value(1.0), [Value(1.0)]])
@pytest.mark.parametrize("y", [0, [1]])
def test_categorical_needs_two_classes(a, y):
    with pytest.raises(ValueError, match=r"two outputs.*bernoulli"):
        categorical_nll(a, y)


@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll])
def test_a_different_number_of_outputs_and_targets_is_refused(loss):
    with pytest.raises(ValueError, match=r"\b2\b.*\b3\b"):
        loss(values([0.0, 0.0]), [0, 1, 1])
    with pytest.raises(ValueError, match=r"\b2\b.*\b1\b"):
        loss(values([0.0, 0.0]), 1)
    with pytest.raises(ValueError, match=r"\b1\b.*\b2\b"):
        loss(Value(0.0), [1, 0])
    with pytest.raises(ValueError, match="empty"):
        loss([], [])


# The node


@pytest.mark.parametrize(
    "loss",
    [
        gaussian_nll(Value(1.0), 0),
        gaussian_nll([Value(1.0), Value(2.0)], [0, 0]),
        bernoulli_nll(Value(1.0), 0),
        bernoulli_nll([Value(1.0), Value(2.0)], [0, 1]),
        categorical_nll([Value(1.0), Value(2.0)], 1),
    ],
)
def test_the_node_is_labelled_loss(loss):
    assert isinstance(loss, Value)
    assert loss.label == "loss"


def test_targets_in_single_precision():
    assert bernoulli_nll(Value(1.0), np.float32(0.1)).data == bernoulli_nll(
        Value(1.0), float(np.float32(0.1))
    ).data  # fmt: skip
    y = np.array([0.1, 0.2, 0.7], dtype=np.float32)  # sums to 1 to seven digits
    assert math.isfinite(categorical_nll([Value(0.0), Value(1.0), Value(2.0)], y).data)


@pytest.mark.parametrize("y", [None, "1", "yes", "", b"yes", 1j])
@pytest.mark.parametrize("loss", [gaussian_nll, bernoulli_nll])
def test_a_target_that_is_no_number(loss, y):
    with pytest.raises(TypeError, match="target must be a number"):
        loss(Value(1.0), y)


@pytest.mark.parametrize("y", [1, [0.0, 1.0], np.array([0, 1])])
def test_a_class_that_is_ruled_out_by_its_score_does_no_harm(y):
    # log(exp(-inf) + exp(1)) - 1 = 0, and softmax(a) - y = 0
    a = [Value(-math.inf), Value(1.0)]
    loss = categorical_nll(a, y)
    loss.backward()
    assert loss.data == 0.0
    assert [v.grad for v in a] == [0.0, 0.0]


def test_the_class_that_is_ruled_out_has_no_chance():
    assert categorical_nll([Value(-math.inf), Value(1.0)], 0).data == math.inf


def test_a_program_knows_which_example_rules_a_class_out():
    a = [Value(-math.inf), Value(1.0), Value(2.0)]
    y = values([0.0, 1.0, 0.0])
    program = autograd.compile(categorical_nll(a, y), y, a)
    p = math.e / (math.e + math.e**2)
    for target, loss, gradient in (
        ([0.0, 1.0, 0.0], -math.log(p), [0.0, p - 1, 1 - p]),
        ([0.0, 0.0, 1.0], -math.log(1 - p), [0.0, p, -p]),
        ([0.0, 0.5, 0.5], -math.log(p * (1 - p)) / 2, [0.0, p - 0.5, 0.5 - p]),
    ):
        got = program([target])
        np.testing.assert_allclose(got[0], [loss], rtol=1e-14)
        np.testing.assert_allclose(got[1], gradient, rtol=1e-14, atol=1e-16)
    assert program.forward(np.eye(3)[:1]) == math.inf
    half = values([0.5, 0.5])
    assert math.isnan(categorical_nll([Value(math.inf), Value(0.0)], half).data)


@for_each(
    ("a", "y", "loss", "slope"),
    [
        (math.inf, 1, 0.0, 0.0),
        (math.inf, 0, math.inf, 1.0),
        (math.inf, 0.5, math.inf, 0.5),
        (-math.inf, 0, 0.0, 0.0),
        (-math.inf, 1, math.inf, -1.0),
    ],
)
def test_odds_without_end_are_sure_of_a_target(a, y, loss, slope):
    for target in (y, Value(float(y))):
        one, masked = Value(a), [Value(0.5), Value(a)]
        bernoulli_nll(one, target).backward()
        assert bernoulli_nll(Value(a), target).data == bernoulli_nll(a, y) == loss
        assert one.grad == slope
        several = bernoulli_nll(masked, [1, target])
        several.backward()
        assert several.data == loss + bernoulli_nll(0.5, 1) and masked[1].grad == slope
    x, t = Value(a), Value(float(y))
    program = autograd.compile(bernoulli_nll(x, t), [t], [x])
    assert program.forward([[1.0], [0.0]]).tolist() == [bernoulli_nll(a, 1), bernoulli_nll(a, 0)]


def test_a_class_that_is_nearly_sure_keeps_the_others_part():
    near = [1.0, 1e-7, 0.0]
    a = [0.5, 40.0, -3.0]
    exact = sum(y * (math.log(sum(map(math.exp, a))) - v) for y, v in zip(near, a, strict=True))
    assert categorical_nll([Value(v) for v in a], near).data == pytest.approx(exact, rel=1e-6)


def test_what_is_no_output_and_no_loss_is_refused():
    for wrong in ("a", "", None, [1.0, "a"]):
        with pytest.raises(TypeError, match="a must be a Value or a number, or several, got"):
            gaussian_nll(wrong, [0.0] * (len(wrong) if isinstance(wrong, list) else 1))
    for wrong in (3, "gaussian", int):
        with pytest.raises(TypeError, match="loss must be a function"):
            check_loss(wrong)
    check_loss(gaussian_nll)
