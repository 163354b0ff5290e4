"""What moves step by step: a pendulum, a neural ODE, bodies, spins, and the logistic map."""

from autograd import affine

from .kind import Kind, halved_squares, torch, weights


def runge_kutta(f, z, h):
    """A step of the classical fourth-order method; ``z`` is a list of numbers, or a tensor."""

    def moved(k, h):
        return [a + h * b for a, b in zip(z, k)] if isinstance(z, list) else z + h * k

    k1 = f(z)
    k2 = f(moved(k1, h / 2))
    k3 = f(moved(k2, h / 2))
    k4 = f(moved(k3, h))
    if not isinstance(z, list):
        return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return [v + h / 6 * (a + 2 * b + 2 * c + d) for v, a, b, c, d in zip(z, k1, k2, k3, k4)]


def pendulum(steps: int = 100, every: int = 10, h: float = 0.05) -> Kind:
    """A damped pendulum, whose length and damping are fitted to its angle at some moments."""

    def record(start, seen, length, damping):
        def f(z):
            angle, speed = z
            return [speed, -(9.81 / length) * angle.sin() - damping * speed]

        z, angles = [*start], []
        for i in range(steps):
            z = runge_kutta(f, z, h)
            if (i + 1) % every == 0:
                angles.append(z[0])
        return halved_squares(angles, seen)

    def twin(start, seen, length, damping):
        def f(z):
            angle, speed = z
            return torch.stack([speed, -(9.81 / length) * angle.sin() - damping * speed])

        z, angles = start.T, []
        for i in range(steps):
            z = runge_kutta(f, z, h)
            if (i + 1) % every == 0:
                angles.append(z[0])
        return (torch.stack(angles, 1) - seen).square().sum(1) / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, 2)), rng.normal(size=(b, steps // every))],
        lambda rng: [rng.uniform(0.5, 2.0, size=()), rng.uniform(0.1, 0.3, size=())],
        record,
        twin,
    )


def neural_ode(steps: int = 8, hidden: int = 16, h: float = 0.25) -> Kind:
    """A network's flow in the plane (Chen et al., Neural ordinary differential equations, 2018)."""

    def record(start, end, W, b, V, c):
        z = [*start]
        for _ in range(steps):
            z = runge_kutta(lambda z: affine(V, [a.tanh() for a in affine(W, z, b)], c), z, h)
        return halved_squares(z, end)

    def twin(z, end, W, b, V, c):
        linear = torch.nn.functional.linear
        for _ in range(steps):
            z = runge_kutta(lambda z: linear(linear(z, W, b).tanh(), V, c), z, h)
        return (z - end).square().sum(1) / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, 2)), rng.normal(size=(b, 2))],
        lambda rng: [
            weights(rng, hidden, 2), rng.normal(size=hidden),
            weights(rng, 2, hidden), rng.normal(size=2),
        ],
        record,
        twin,
    )  # fmt: skip


def n_body(n: int = 4, steps: int = 10, h: float = 0.05, softening: float = 0.1) -> Kind:
    """Bodies that attract each other in the plane; the masses are fitted to where they end."""

    def record(places, speeds, ends, masses):
        places, speeds = [[*p] for p in places], [[*v] for v in speeds]
        for _ in range(steps):
            for i in range(n):
                pull_x = pull_y = 0.0
                for j in range(n):
                    if j != i:
                        dx, dy = places[j][0] - places[i][0], places[j][1] - places[i][1]
                        r2 = dx * dx + dy * dy + softening
                        g = masses[j] / (r2 * r2.sqrt())
                        pull_x, pull_y = pull_x + g * dx, pull_y + g * dy
                speeds[i] = [speeds[i][0] + h * pull_x, speeds[i][1] + h * pull_y]
            places = [[p + h * v for p, v in zip(*pair)] for pair in zip(places, speeds)]
        return sum(halved_squares(p, e) for p, e in zip(places, ends))

    def twin(places, speeds, ends, masses):
        for _ in range(steps):
            d = places[:, None, :] - places[:, :, None]  # (b, i, j, 2)
            r2 = d.square().sum(3) + softening
            g = masses / (r2 * r2.sqrt())
            speeds = speeds + h * (g[..., None] * d).sum(2)
            places = places + h * speeds
        return (places - ends).square().sum((1, 2)) / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, n, 2)) for _ in range(3)],
        lambda rng: [rng.uniform(0.5, 2.0, size=n)],
        record,
        twin,
    )


def ising(side: int = 5, sweeps: int = 10) -> Kind:
    """Mean-field magnetizations of spins on a torus, m = tanh(J (sum of 4 neighbours) + B h)."""

    def record(h, seen, J, B):
        places = range(side)
        m = [[(B * h[i][j]).tanh() for j in places] for i in places]
        for _ in range(sweeps):
            m = [
                [
                    (
                        J
                        * (m[i - 1][j] + m[(i + 1) % side][j] + m[i][j - 1] + m[i][(j + 1) % side])
                        + B * h[i][j]
                    ).tanh()
                    for j in places
                ]
                for i in places
            ]
        return sum(halved_squares(p, q) for p, q in zip(m, seen))

    def twin(h, seen, J, B):
        field = B * h
        m = field.tanh()
        for _ in range(sweeps):
            around = m.roll(1, 1) + m.roll(-1, 1) + m.roll(1, 2) + m.roll(-1, 2)
            m = (J * around + field).tanh()
        return (m - seen).square().sum((1, 2)) / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, side, side)), rng.uniform(-1, 1, (b, side, side))],
        lambda rng: [rng.uniform(0.1, 0.4, size=()), rng.uniform(0.5, 1.5, size=())],
        record,
        twin,
    )


def logistic_map(steps: int = 1000) -> Kind:
    """The recurrence x = r x (1 - x), whose r is fitted; it ends in a cycle, not in chaos."""

    def record(x, seen, r):
        for _ in range(steps):
            x = r * x * (1 - x)
        return (x - seen) ** 2 / 2

    def twin(x, seen, r):
        for _ in range(steps):
            x = r * x * (1 - x)
        return (x - seen).square() / 2

    return Kind(
        lambda rng, b: [rng.uniform(0.2, 0.8, b), rng.uniform(0.2, 0.8, b)],
        lambda rng: [rng.uniform(3.1, 3.3, size=())],
        record,
        twin,
    )
