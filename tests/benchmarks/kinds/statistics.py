"""Likelihoods and prices: a Kalman filter, an HMM, soft-DTW, a Gaussian process, Black-Scholes."""

import math

import numpy as np

import autograd
from autograd import erf, grad

from .kind import Kind, halved_squares, torch


def kalman(T: int = 20, dt: float = 0.5) -> Kind:
    """A body whose speed drifts, seen with noise; how much of both is fitted (Kalman 1960)."""

    def record(seen, log_q, log_r):
        q, r = log_q.exp(), log_r.exp()
        place, speed = 0.0, 0.0
        p00, p01, p11 = 1.0, 0.0, 1.0
        loss = 0.0
        for z in seen:
            place = place + dt * speed
            p00 = p00 + 2 * dt * p01 + dt * dt * p11 + q * dt**3 / 3
            p01 = p01 + dt * p11 + q * dt**2 / 2
            p11 = p11 + q * dt
            e, s = z - place, p00 + r
            loss = loss + ((2 * math.pi * s).log() + e * e / s) / 2
            k0, k1 = p00 / s, p01 / s
            place, speed = place + k0 * e, speed + k1 * e
            p00, p01, p11 = (1 - k0) * p00, (1 - k0) * p01, p11 - k1 * p01
        return loss

    F = np.array([[1.0, dt], [0.0, 1.0]])
    noise = np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])

    def twin(seen, log_q, log_r):
        F_, r = torch.from_numpy(F), log_r.exp()
        Q = log_q.exp() * torch.from_numpy(noise)
        x, P = seen.new_zeros(len(seen), 2), torch.eye(2, dtype=seen.dtype)
        errors, sizes = [], []
        for z in seen.unbind(1):
            x, P = x @ F_.T, F_ @ P @ F_.T + Q
            e, s = z - x[:, 0], P[0, 0] + r
            k = P[:, 0] / s
            x, P = x + e[:, None] * k, P - torch.outer(k, P[0])
            errors.append(e)
            sizes.append(s)
        e, s = torch.stack(errors, 1), torch.stack(sizes)
        return ((2 * math.pi * s).log() + e.square() / s).sum(1) / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, T)).cumsum(axis=1)],
        lambda rng: [rng.normal(size=()), rng.normal(size=())],
        record,
        twin,
    )


def hmm(T: int = 20, K: int = 4) -> Kind:
    """The forward algorithm in logarithms; in state k what is seen is normal around its mean."""

    def record(seen, A, means):
        log_p = [[a - autograd.logsumexp(row) for a in row] for row in A]
        alpha = [-((seen[0] - mean) ** 2) / 2 for mean in means]
        for x in seen[1:]:
            alpha = [
                autograd.logsumexp([a + row[j] for a, row in zip(alpha, log_p)])
                - (x - means[j]) ** 2 / 2
                for j in range(K)
            ]
        return -autograd.logsumexp(alpha)

    def twin(seen, A, means):
        log_p = A.log_softmax(1)
        emitted = -(seen[:, :, None] - means).square() / 2
        alpha, *rest = emitted.unbind(1)
        for e in rest:
            alpha = (alpha[:, :, None] + log_p).logsumexp(1) + e
        return -alpha.logsumexp(1)

    return Kind(
        lambda rng, b: [rng.normal(size=(b, T))],
        lambda rng: [rng.normal(size=(K, K)), rng.normal(size=K)],
        record,
        twin,
    )


def soft_dtw(n: int = 8, m: int = 8) -> Kind:
    """How far a sequence is from a template, in time warped (Cuturi and Blondel 2017)."""

    def record(x, template):
        R: dict[tuple[int, int], autograd.Value] = {}
        for i in range(n):
            for j in range(m):
                before = [R[p] for p in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if p in R]
                cost = (x[i] - template[j]) ** 2
                R[i, j] = cost - autograd.logsumexp([-v for v in before]) if before else cost
        return R[n - 1, m - 1]

    def twin(x, template):
        # Diagonal by diagonal: all cells of one are independent.
        pad = torch.nn.functional.pad
        cost = (x[:, :, None] - template).square().flip(2)
        last = older = None
        for k in range(n + m - 1):
            R = cost.diagonal(m - 1 - k, 1, 2)  # of cells (i, k - i), by i
            if k:
                # Row i of the last diagonal is at i - first; cells outside count as infinite.
                first = max(0, k - m + 1)
                above = pad(last, (1, 1), value=1e30)[:, first - max(0, k - m) :][:, : R.shape[1]]
                left = pad(last, (1, 1), value=1e30)[:, first - max(0, k - m) + 1 :][
                    :, : R.shape[1]
                ]
                before = [above, left]
                if k > 1:
                    shift = first - max(0, k - m - 1)
                    before.append(pad(older, (1, 1), value=1e30)[:, shift:][:, : R.shape[1]])
                R = R - (-torch.stack(before)).logsumexp(0)
            last, older = R, last
        return last[:, 0]

    return Kind(
        lambda rng, b: [rng.normal(size=(b, n))],
        lambda rng: [rng.normal(size=m)],
        record,
        twin,
    )


def lu(n: int = 6) -> Kind:
    """The likelihood of a Gaussian process by elimination: a solve and a log-determinant."""

    def record(x, y, log_width, log_noise):
        width, noise = log_width.exp(), log_noise.exp()
        A = [[(-((p - q) ** 2) / width).exp() for q in x] for p in x]
        for i in range(n):
            A[i][i] = A[i][i] + noise
        y = [*y]
        for k in range(n):
            for i in range(k + 1, n):
                f = A[i][k] / A[k][k]
                for j in range(k + 1, n):
                    A[i][j] = A[i][j] - f * A[k][j]
                y[i] = y[i] - f * y[k]
        return sum(y[k] * y[k] / A[k][k] + A[k][k].log() for k in range(n)) / 2

    def twin(x, y, log_width, log_noise):
        A = (-(x[:, :, None] - x[:, None, :]).square() / log_width.exp()).exp()
        A = A + log_noise.exp() * torch.eye(n, dtype=x.dtype)
        L = torch.linalg.cholesky(A)
        z = torch.linalg.solve_triangular(L, y[:, :, None], upper=False)
        return z.square().sum((1, 2)) / 2 + L.diagonal(0, 1, 2).log().sum(1)

    return Kind(
        lambda rng, b: [rng.normal(size=(b, n)), rng.normal(size=(b, n))],
        lambda rng: [rng.normal(size=()), rng.uniform(-2.0, -1.0, size=())],
        record,
        twin,
    )


def black_scholes() -> Kind:
    """An option's price and greeks to second order, recorded derivatives, fitted to those seen."""

    def price(S, sigma, K, T, r, erf):
        spread = sigma * T.sqrt()
        d1 = ((S / K).log() + (r + sigma * sigma / 2) * T) / spread
        p, q = ((1 + erf(d / math.sqrt(2))) / 2 for d in (d1, d1 - spread))
        return S * p - K * (-r * T).exp() * q

    def record(S, K, T, seen, sigma, r):
        def f(S, sigma):
            return price(S, sigma, K, T, r, erf)

        delta, vega = grad(f)(S, sigma)
        gamma, vanna = grad(lambda *x: grad(f)(*x)[0])(S, sigma)
        _, volga = grad(lambda *x: grad(f)(*x)[1])(S, sigma)
        return halved_squares([f(S, sigma), delta, vega, gamma, vanna, volga], seen)

    def twin(S, K, T, seen, sigma, r):
        x = [S.clone().requires_grad_(), sigma.expand(len(S))]
        z = price(*x, K, T, r, torch.erf)
        delta, vega = torch.autograd.grad(z.sum(), x, create_graph=True)
        gamma, vanna = torch.autograd.grad(delta.sum(), x, create_graph=True)
        (volga,) = torch.autograd.grad(vega.sum(), x[1:], create_graph=True)
        greeks = torch.stack([z, delta, vega, gamma, vanna, volga], 1)
        return (greeks - seen).square().sum(1) / 2

    return Kind(
        lambda rng, b: [
            rng.uniform(0.8, 1.2, b), rng.uniform(0.8, 1.2, b), rng.uniform(0.5, 2.0, b),
            rng.uniform(size=(b, 6)),
        ],
        lambda rng: [rng.uniform(0.1, 0.4, size=()), rng.uniform(0.01, 0.05, size=())],
        record,
        twin,
    )  # fmt: skip
