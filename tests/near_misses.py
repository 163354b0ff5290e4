"""Wrong answers that are right nearly everywhere: a check must have the case that tells.

Each is Python source, as in `tests.right_answers`; a comment says what is wrong with it.
"""

from tests.right_answers import OTHERS

# A right `kind(gradient, H, tolerance)`, and what can be changed in it: how the length of the
# gradient is taken, and the eigenvalues.
KIND = """
def kind(gradient, H, tolerance, length=np.linalg.norm, of=np.linalg.eigvalsh):
    if length(gradient) > tolerance:
        return "not critical"
    up, down = (of(H) > tolerance).sum(), (of(H) < -tolerance).sum()
    if up and down:
        return "saddle"
    return {(len(H), 0): "minimum", (0, len(H)): "maximum"}.get((up, down), "undecided")
"""

NEAR_MISSES = {
    "kind_of_point": [
        KIND + source
        for source in (
            """
def kind_of_point(gradient, H, tolerance):  # the tolerance of the examples
    return kind(gradient, H, 0.01)
""",
            """
def kind_of_point(gradient, H, tolerance):  # another length
    return kind(gradient, H, tolerance, length=lambda g: abs(g).sum())
""",
            """
def kind_of_point(gradient, H, tolerance):  # the product of two eigenvalues for each of them
    if len(H) > 2 or kind(gradient, H, tolerance) == "not critical":
        return kind(gradient, H, tolerance)
    size = np.linalg.det(H)
    if abs(size) <= tolerance:
        return "undecided"
    return "saddle" if size < 0 else "minimum" if np.trace(H) > 0 else "maximum"
""",
            """
def kind_of_point(gradient, H, tolerance):  # the tolerance relative to the largest
    def of(H):
        values = np.linalg.eigvalsh(H)
        return values / max(1, abs(values).max())
    return kind(gradient, H, tolerance, of=of)
""",
            """
def kind_of_point(gradient, H, tolerance):  # >= for the gradient
    return kind(gradient, H, tolerance, length=lambda g: np.nextafter(np.linalg.norm(g), 9))
""",
            """
def kind_of_point(gradient, H, tolerance):  # >= for the eigenvalues
    return kind(gradient, H, tolerance, of=lambda H: np.linalg.eigvalsh(H) * (1 + 1e-15))
""",
        )
    ],
    "error_signals": [
        """
def error_signals(theta, a, delta_top, g_prime):  # three layers at most
    delta = [None] * (len(a) - 1) + [delta_top]
    for l in range(len(a) - 2, max(0, len(a) - 4), -1):
        delta[l] = g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1])
    return delta
""",
        """
def error_signals(theta, a, delta_top, g_prime):  # (1,) becomes a number
    delta = [None] * (len(a) - 1) + [delta_top]
    for l in range(len(a) - 2, 0, -1):
        delta[l] = np.squeeze(g_prime(a[l]) * (theta[l + 1].T @ delta[l + 1]))
    return delta
""",
    ],
    "weight_gradients": [
        """
def weight_gradients(delta, x):  # two layers
    return [None, np.outer(delta[1], x[0]), np.outer(delta[2], x[1])]
""",
        """
def weight_gradients(delta, x):  # two layers at most
    return [None, *[np.outer(delta[l], x[l - 1]) for l in (1, 2) if l < len(x)]]
""",
        """
def weight_gradients(delta, x):  # the first layer and the last
    return [None, np.outer(delta[1], x[0]), np.outer(delta[-1], x[-2])][: len(x)]
""",
        """
def weight_gradients(delta, x):  # a layer of one unit loses its axis
    return [None, *[np.squeeze(np.outer(d, v)) for d, v in zip(delta[1:], x)]]
""",
    ],
    "outer_product": [
        OTHERS["outer_product"][0] + source
        for source in (
            """
def outer_product(J, r):  # equal examples count once
    return sum(c * np.outer(b, b) for b, c in {tuple(b): c for b, c in zip(J, r)}.items())
""",
            """
def outer_product(J, r):  # equal r_i count once
    return sum(c * np.outer(b, b) for c, b in dict(zip(r, J)).items())
""",
            """
def outer_product(J, r):  # no negative r_i
    return J.T @ np.diag(abs(r)) @ J
""",
            """
def outer_product(J, r):  # (1, 1) becomes a number
    return np.squeeze(J.T @ np.diag(r) @ J)
""",
        )
    ],
}
