"""erf and erfc."""

from typing import Any

from .exponentials import exp_parts, scaled
from .pairs import fast_two_sum, polynomial, product, quotient, two_product, two_sum

# erf(x) / x - 1 by z = x^2, for x up to 0.83, to 2^-55
ERF = (
    0.12837916709551256, -0.376126389031835, 0.11283791670940244, -0.026866170641754086,
    0.005223977586095155, -0.000854832434517215, 0.00012055219088790315, -1.4922529635306683e-05,
    1.6406867741379384e-06, -1.5751577895025758e-07, 1.0838061947634561e-08,
)  # fmt: skip
# (1 + 2 x) exp(x^2) erfc(x) by t = (x - 3.5) / (x + 3.5), for x from 0.47 to 27.3, to
# 2^-55
ERFC = (
    1.2423492448711544, -0.1400091801376194, -0.010555596332218342, 0.09751909515325541,
    -0.11508959816018866, 0.08798315382498069, -0.04882332582797686, 0.01909933094054062,
    -0.004215019907013876, -0.00030226786126906664, 0.0005643844138842532, -0.00012151250330379645,
    -4.278222376560843e-05, 2.4261188645846815e-05, 2.328313069540605e-06, -3.814889098098718e-06,
    -4.4275516226558923e-08, 6.007685760812103e-07, -7.877152501773975e-09, -9.3437534269186e-08,
    5.485976199565076e-10, 1.0522143723370408e-08,
)  # fmt: skip


def erf_near(m: Any, x: Any) -> Any:
    """erf(x) for |x| up to 0.83."""
    return m.fma(x, polynomial(m, x * x, ERF), x)


def erfc_far(m: Any, x: Any) -> Any:
    """erfc(x) for x >= 0.47.

    The rounding error of x^2, which exp magnifies, is kept. Source: M. Shepherd, J. Laframboise,
    Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < inf, 1981.
    """
    x = m.choose(x > 28.0, 28.0, x)  # from where it is 0; nan stays
    high, low = quotient(m, (7.0, 0.0), two_sum(x, 3.5))
    t = 1.0 - high - low
    series = fast_two_sum(ERFC[0], t * polynomial(m, t, ERFC[1:]))
    scaled_up = quotient(m, series, fast_two_sum(2.0 * x, 1.0))
    square, square_low = two_product(m, x, x)
    k, r, rest = exp_parts(m, (-square, -square_low))
    high, low = product(m, scaled_up, fast_two_sum(1.0, r, rest))
    return scaled(m, high + low, k)


def erf(m: Any, x: Any) -> Any:
    """Below 1 ulp. Found: 0.85."""
    size = m.abs(x)
    return m.choose(size < 0.82, erf_near(m, x), m.copysign(1.0 - erfc_far(m, size), x))


def erfc(m: Any, x: Any) -> Any:
    """Below 1.4 ulp; the most where it is a little below 0.5. Found: 1.32."""
    size = m.abs(x)
    far = erfc_far(m, size)
    return m.choose(size < 0.477, 1.0 - erf_near(m, x), m.choose(x < 0.0, 2.0 - far, far))
