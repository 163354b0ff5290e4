"""The functions that machine code is made with, against `mpmath`: each to 1 ulp (erfc: 1.4).

All are compiled once, each in a loop over arrays, of which LLVM makes one over vectors.
"""

import ctypes
import itertools
import math
import struct
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from autograd.compiler.elementary import FUNCTIONS, circular, error_functions, exponentials, pairs
from autograd.compiler.llvm import Code, Lines, with_functions
from tests.cases import examples, for_each, many

pytest.importorskip("llvmlite", reason="no llvmlite: install chalkgrad[native]")

INF, NAN = math.inf, math.nan
LEAST, LARGEST = 5e-324, 1.7976931348623157e308
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _forty_digits():
    with mp.workdps(40):
        yield


def loop(op):
    """A function of LLVM's that applies ``op`` to all entries of its arrays; what it calls."""
    lines = Lines()
    letters = arguments(op)
    result = lines.operation(op, *[f"%{letter}" for letter in letters])
    loads = [
        f"  %p{letter} = getelementptr double, ptr %{letter}s, i64 %i\n"
        f"  %{letter} = load double, ptr %p{letter}"
        for letter in letters
    ]
    heads = ", ".join([f"ptr noalias %{letter}s" for letter in letters])
    text = "\n".join(
        [
            f"define void @all.{op}({heads}, ptr noalias %out, i64 %n) {{",
            "entry:",
            "  br label %loop",
            "loop:",
            "  %i = phi i64 [0, %entry], [%next, %loop]",
            *loads,
            *lines.lines,
            "  %to = getelementptr double, ptr %out, i64 %i",
            f"  store double {result}, ptr %to",
            "  %next = add i64 %i, 1",
            "  %more = icmp slt i64 %next, %n",
            "  br i1 %more, label %loop, label %done",
            "done:",
            "  ret void",
            "}",
        ]
    )
    return text, lines.functions


def arguments(op):
    return "xyz"[: FUNCTIONS[op].__code__.co_argcount - 1]


@cache
def compiled():
    loops = [loop(op) for op in FUNCTIONS]
    return Code(with_functions("\n".join([text for text, _ in loops]), {*FUNCTIONS}))


def run(op, *arrays):
    """The function ``op`` of arrays, or of numbers."""
    arrays = [np.array(x, float) for x in arrays]
    out = np.empty(arrays[0].shape)
    types = [ctypes.c_void_p] * (len(arrays) + 1)
    function = compiled().function(f"all.{op}", *types, ctypes.c_int64, result=None)
    function(*[x.ctypes.data for x in (*arrays, out)], out.size)
    return out[()]


# Points: numbers of all sizes and signs, and where a function is hard to compute.


def of_bits(bits):
    """The float with these 64 bits."""
    (x,) = struct.unpack("<d", struct.pack("<Q", bits))
    return x


def anywhere():
    return [of_bits(bits) for bits in rng.integers(0, 2**64, many(400), np.uint64).tolist()]


def between(low, high):
    return rng.uniform(low, high, many(200)).tolist()


def beside(*numbers):
    """The floats next to these, on both sides, and they themselves."""
    return [y for x in numbers for y in (math.nextafter(x, -INF), x, math.nextafter(x, INF))]


def around(centre):
    """At all distances from it, of either sign."""
    sizes = 10.0 ** rng.uniform(-17, -1, many(100)) * rng.choice([-1.0, 1.0], many(100))
    return (centre + sizes).tolist()


def tiny():
    """Up to the least float, of either sign."""
    sizes = 10.0 ** rng.uniform(-323, -8, many(100)) * rng.choice([-1.0, 1.0], many(100))
    return [*sizes.tolist(), LEAST, -LEAST, *beside(2.0**-1022, -(2.0**-1022))]


def ones(*lists):
    return [(x,) for x in itertools.chain(anywhere(), *lists)]


def twos():
    return list(zip(anywhere(), anywhere(), strict=True))


def multiples_of_half_pi():
    """The floats nearest to some, and those that are nearest to one of all floats there are."""
    ks = [*range(1, many(300)), *[2**k for k in range(1, 1000, 1000 // many(200))]]
    hardest = 6381956970095103.0 * 2.0**797  # J.-M. Muller, Elementary Functions, table 11.1
    return [*[float(k * mp.pi / 2) for k in ks], hardest, -hardest, 1e22, 1e300, LARGEST]


def powers():
    """x^y that are floats: of any size, next to the ends, and with a base next to 1."""
    x = abs(np.array([*anywhere(), *around(1.0), *between(0.1, 4.0), *between(0.1, 4.0)]))
    with np.errstate(all="ignore"):
        t = rng.uniform(-745.2, 709.8, x.shape)
        t[-many(200) :] = rng.choice([-745.0, -708.5, 709.5], many(200))
        y = t / np.log(x)
    whole = rng.integers(-300, 300, many(200)).astype(float)
    negative = zip(between(-4.0, -0.1), whole.tolist(), strict=True)
    squares = [(x, y) for x in between(-9.0, 9.0) for y in (1.0, 2.0, -1.0, 3.0)]
    roots = [(x, y) for x in between(0.0, 9.0) for y in (0.5, -0.5, 1.5)]
    return [*twos(), *zip(x.tolist(), y.tolist(), strict=True), *negative, *squares, *roots]


# The exact results; None is nan. What is far below the least float, or far above the largest, need
# not be exact.


def mp_exp(x):
    return mp.exp(max(min(x, 1000.0), -1000.0))


def mp_log(x):
    return mp.log(x) if x > 0 else -mp.inf if x == 0 else None


def mp_log1p(x):
    return mp.log1p(x) if x > -1 else -mp.inf if x == -1 else None


def mp_pow(x, y):
    sign = math.copysign(1.0, x) if y % 2.0 == 1.0 else 1.0
    if x == 0.0 or y == 0.0:
        return sign * (mpf(1) if y == 0.0 else mpf(0) if y > 0.0 else mp.inf)
    return sign * mp_exp(y * mp.log(abs(x))) if x > 0.0 or y.is_integer() else None


def mp_erfc(x):
    return mp.erfc(max(min(x, 40.0), -40.0))


class Case(NamedTuple):
    """A function's points, exact results, and the error it may have, in ulp."""

    points: list
    exact: object
    most: float = 1.0


with mp.workdps(40):
    CASES = {
        "maximum": Case(twos(), max, 0.0),
        "minimum": Case(twos(), min, 0.0),
        "sign": Case(ones(tiny()), mp.sign, 0.0),
        "exp": Case(
            ones(between(-746, 710), between(709.4, 709.79), between(-745.2, -707), between(-1, 1),
                 beside(709.782712893384, -745.1332191019412, -708.3964185322641), tiny()), mp_exp,
        ),
        "log": Case(ones(map(abs, tiny()), around(1.0), between(0.5, 2.0)), mp_log),
        "log1p": Case(
            ones(tiny(), around(0.0), around(-1.0), between(-1, 1), between(1, 9), beside(-1.0)),
            mp_log1p,
        ),
        "pow": Case(powers(), mp_pow),
        "tanh": Case(ones(tiny(), around(0.0), between(-1, 1), between(-22, 22)), mp.tanh),
        "sin": Case(ones(tiny(), between(-9, 9), multiples_of_half_pi()), mp.sin),
        "cos": Case(ones(tiny(), between(-9, 9), multiples_of_half_pi()), mp.cos),
        "erf": Case(ones(tiny(), around(0.0), between(-1, 1), between(-6, 6)), mp.erf),
        "erfc": Case(
            ones(tiny(), between(-6, 6), between(0.47, 0.5), between(1, 27.3), between(26.5, 27.3)),
            mp_erfc, 1.4,
        ),
    }  # fmt: skip
functions = pytest.mark.parametrize("op", CASES)


def error(got, exact):
    """How far a result is from the exact one, in ulp."""
    if exact is None or math.isnan(got):
        return 0.0 if exact is None and math.isnan(got) else INF
    if mp.isinf(exact):
        return 0.0 if got == exact else INF
    # inf stands for 2^1024, the next after the largest float, and what is larger.
    got, exact = [max(min(mpf(v), mpf(2) ** 1024), -(mpf(2) ** 1024)) for v in (got, exact)]
    return float(abs(got - exact) / mpf(math.ulp(float(min(abs(exact), mpf(LARGEST))))))


def check(op, points):
    """Compares a function with the exact results, at points that are numbers."""
    points = [x for x in points if not any(map(math.isnan, x)) and not any(map(math.isinf, x))]
    results = run(op, *np.array(points).T).tolist()
    for x, got in zip(points, results, strict=True):
        exact = CASES[op].exact(*x)
        off = error(got, exact)
        assert off <= CASES[op].most, f"{op}{x} is {got}, {off:.2f} ulp from {mp.nstr(exact, 20)}"


def test_every_function_is_tested():
    assert set(CASES) == set(FUNCTIONS)


@functions
def test_to_the_last_digit(op):
    check(op, CASES[op].points)


@functions
def test_at_any_bits(op):
    bits = st.integers(0, 2**64 - 1).map(of_bits)

    @examples(100)
    @given(st.tuples(*[bits | st.floats() for _ in arguments(op)]))
    def at(x):
        if not any(map(math.isnan, x)) and not any(map(math.isinf, x)):
            with mp.workdps(40):
                check(op, [x])

    at()


@functions
def test_alone_and_among_others_a_number_gives_the_same_bits(op):
    points = np.array([*CASES[op].points[:: many(23)], *CASES[op].points[-5:]]).T
    alone = [run(op, *x) for x in points.T]
    for n in (1, 2, 3):  # the last ones are computed one by one, if their number is not right
        assert run(op, *points[:, n:]).tobytes() == np.array(alone[n:]).tobytes()


@functions
def test_no_function_branches(op):
    """So that LLVM can compute several numbers at once."""
    text = with_functions("", {op})
    assert " br " not in text
    assert "declare" not in text  # nor calls what is not here


SPECIAL = {  # at 0.0, -0.0, inf, -inf
    "sign": (0.0, 0.0, 1.0, -1.0),
    "exp": (1.0, 1.0, INF, 0.0),
    "log": (-INF, -INF, INF, NAN),
    "log1p": (0.0, -0.0, INF, NAN),
    "tanh": (0.0, -0.0, 1.0, -1.0),
    "sin": (0.0, -0.0, NAN, NAN),
    "cos": (1.0, 1.0, NAN, NAN),
    "erf": (0.0, -0.0, 1.0, -1.0),
    "erfc": (1.0, 1.0, 0.0, 2.0),
}


def is_same(x, y):
    return repr(float(x)) == repr(float(y))  # nan equals nan; 0.0 and -0.0 differ


@pytest.mark.parametrize("op", SPECIAL)
def test_special_numbers(op):
    for x, expected in zip((0.0, -0.0, INF, -INF), SPECIAL[op], strict=True):
        assert is_same(run(op, x), expected), (op, x)
    assert math.isnan(run(op, NAN))
    assert math.isnan(run(op, -NAN))


def test_every_function_has_its_special_numbers():
    assert {*SPECIAL, "maximum", "minimum", "pow"} == set(FUNCTIONS)


@for_each("op, x, y, expected", [
    ("log", -LEAST, None, NAN),
    ("log", LEAST, None, -744.4400719213812),
    ("log1p", -1.0, None, -INF),
    ("log1p", -1.0000000000000002, None, NAN),
    ("log1p", LARGEST, None, 709.782712893384),
    ("exp", 709.7827128933841, None, INF),
    ("exp", -745.1332191019411, None, LEAST),
    ("exp", -745.1332191019412, None, 0.0),
    ("erfc", 27.226, None, LEAST),
    ("erfc", 27.3, None, 0.0),
    ("tanh", 5e-324, None, 5e-324),
    ("cos", 6381956970095103.0 * 2.0**797, None, -4.687165924254628e-19),
    ("sin", 1e22, None, -0.8522008497671888),
    ("maximum", NAN, 1.0, NAN),
    ("maximum", 1.0, NAN, NAN),
    ("maximum", -INF, 1.0, 1.0),
    ("minimum", NAN, 1.0, NAN),
    ("minimum", 1.0, NAN, NAN),
    ("minimum", INF, 1.0, 1.0),
])  # fmt: skip
def test_by_number(op, x, y, expected):
    assert is_same(run(op, x) if y is None else run(op, x, y), expected)


# C's annex F.10.4.4, in its order; by Python's 0.5 too, for which NumPy takes the square root.
@for_each("x, y, expected", [
    (0.0, -3.0, INF), (-0.0, -3.0, -INF),
    (0.0, -2.0, INF), (-0.0, -2.0, INF), (-0.0, -2.5, INF), (0.0, -INF, INF), (-0.0, -INF, INF),
    (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0),
    (0.0, 2.0, 0.0), (-0.0, 2.0, 0.0), (-0.0, 2.5, 0.0), (-0.0, INF, 0.0),
    (-1.0, INF, 1.0), (-1.0, -INF, 1.0),
    (1.0, NAN, 1.0), (1.0, INF, 1.0), (1.0, -INF, 1.0), (1.0, 0.3, 1.0),
    (NAN, 0.0, 1.0), (NAN, -0.0, 1.0), (INF, 0.0, 1.0), (-INF, -0.0, 1.0), (0.0, 0.0, 1.0),
    (-8.0, 1.0 / 3.0, NAN), (-LEAST, 0.5, NAN), (-LARGEST, -0.5, NAN),
    (0.5, -INF, INF), (-0.5, -INF, INF), (1.5, -INF, 0.0), (-1.5, -INF, 0.0),
    (0.5, INF, 0.0), (-0.5, INF, 0.0), (1.5, INF, INF), (-1.5, INF, INF),
    (-INF, -3.0, -0.0), (-INF, -2.0, 0.0), (-INF, -2.5, 0.0),
    (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, 2.5, INF), (-INF, 0.5, INF),
    (INF, -2.0, 0.0), (INF, 2.0, INF), (INF, LEAST, INF), (INF, -LEAST, 0.0),
    (NAN, 1.0, NAN), (-1.0, NAN, NAN), (2.0, NAN, NAN), (0.0, NAN, NAN), (INF, NAN, NAN),
    (-1.0, 2.0**53 - 1.0, -1.0), (-1.0, 2.0**53, 1.0), (-1.0, LARGEST, 1.0),
    (-2.0, 1023.0, -(2.0**1023)), (-2.0, 1024.0, INF), (-2.0, 1025.0, -INF),
    (2.0, -1074.0, LEAST), (-2.0, -1073.0, -2.0 * LEAST), (2.0, -1076.0, 0.0),
    (-2.0, -1077.0, -0.0),
    (LEAST, 1.0, LEAST), (LEAST, -1.0, INF), (3.0, 5.0, 243.0), (10.0, 22.0, 1e22),
])  # fmt: skip
def test_powers_by_number(x, y, expected):
    assert is_same(run("pow", x, y), expected)


def test_powers_of_special_numbers_as_in_c():
    numbers = [0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 1e-300, 1e308, LEAST, 2.0**53 - 1, 1 - 2.0**-53, INF]
    x, y = np.array(list(itertools.product([*numbers, *[-v for v in numbers], NAN], repeat=2))).T
    with np.errstate(all="ignore"):
        expected = np.float_power(x, y)
    np.testing.assert_array_max_ulp(run("pow", x, y), expected, 1)
    np.testing.assert_array_equal(np.signbit(expected[expected == 0.0]),
                                  np.signbit(run("pow", x, y)[expected == 0.0]))  # fmt: skip


# What functions are made of


def test_sums_with_their_rounding_errors_are_exact():
    for x, y in zip(between(-1, 1), around(0.0), strict=False):
        for a, b in ((x, y), (y, x), (x, x), (0.0, x)):
            total, left = pairs.two_sum(a, b)
            assert total == a + b
            assert Fraction(total) + Fraction(left) == Fraction(a) + Fraction(b)
            if abs(a) >= abs(b) or a == 0.0:
                assert pairs.fast_two_sum(a, b) == (total, left)
                assert pairs.fast_two_sum(a, b, 0.5) == (total, left + 0.5)


def log_ratio(s, terms):
    """log((1 + s) / (1 - s)) without so many terms of its series, over s^(2 terms + 1)."""
    return mp.fsum(2 * s ** (2 * n) / (2 * (n + terms) + 1) for n in range(60))


def mp_erfc_scaled(t):
    x = mpf("3.5") * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def by_square(f):
    return lambda z: f(mp.sqrt(z))


S = (math.sqrt(2.0) - 1.0) / (math.sqrt(2.0) + 1.0)
POLYNOMIALS = {  # the coefficients, the function, from where to where, and the bits that are right
    "EXP": (exponentials.EXP, lambda r: (mp.exp(r) - 1 - r) / r**2,
            -math.log(2) / 2, math.log(2) / 2, 58.3),
    "LOG": (exponentials.LOG, by_square(lambda s: log_ratio(s, 1)), 0.0, S**2, 51.4),
    "LOG_REST": (exponentials.LOG_REST, by_square(lambda s: log_ratio(s, 3)), 0.0, S**2, 51.7),
    "SIN": (circular.SIN, by_square(lambda r: (mp.sin(r) - r) / r**3), 0.0, math.pi**2 / 16, 54.8),
    "COS": (circular.COS, by_square(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4),
            0.0, math.pi**2 / 16, 58.5),
    "ERF": (error_functions.ERF, by_square(lambda x: mp.erf(x) / x - 1), 0.0, 0.83**2, 55.0),
    "ERFC": (error_functions.ERFC, mp_erfc_scaled, -3.03 / 3.97, 23.8 / 30.8, 55.9),
}  # fmt: skip


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_follow_their_functions(name):
    coefficients, f, low, high, bits = POLYNOMIALS[name]
    for x in mpmath.linspace(mpf(low), mpf(high), 101):
        x += mpf(10) ** -9 if x == 0 else 0
        off = abs(mp.fsum(c * x**n for n, c in enumerate(coefficients)) - f(x))
        assert off <= mpf(2) ** -bits, (x, mp.log(off, 2))


def test_constants():
    with mp.workdps(400):
        assert abs(exponentials.LN2_HIGH + mpf(exponentials.LN2_LOW) - mp.log(2)) < mpf(2) ** -86
        assert abs(mpf(circular.PI_2[0]) + circular.PI_2[1] - mp.pi / 2) < mpf(2) ** -109
        digits = circular.two_over_pi()
        assert len(digits) == 128
        for j in range(61):  # as many as the largest float needs
            parts = [mpf(digits[j + 3 * i]) / 2 ** (48 * i) for i in range(4)]
            left = (mpf(2) ** (16 * j + 1) / mp.pi - mp.fsum(parts)) % 4
            assert 0 <= left < mpf(2) ** -190
