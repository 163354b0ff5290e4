"""What `training` compares `nn.fit` with, each written as its users write it.

All train the same network by SGD, with `LR` as the rate: relu in the hidden layers, and the mean
logistic loss of one output, or softmax loss of many. A side is made of the network, whose weights
it copies, and the data; its `train` makes some epochs, and returns the losses of the last one.
"""

from functools import cache, partial
from typing import Any, Protocol

import numpy as np

import nn

LR = 0.01


class Side(Protocol):
    """A network to be trained; ``b`` examples make a batch."""

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None: ...

    def train(self, epochs: int) -> Any:
        """The losses of the last epoch, one for each batch, or their mean."""


def weights(net: nn.MLP) -> tuple[list[Any], list[Any]]:
    """Matrices ``(d_in, d_out)`` and biases."""
    thetas = [layer.theta.T.copy() for layer in net.layers]
    return thetas, [layer.b.copy() for layer in net.layers if layer.b is not None]


class Textbook:
    """The lecture's equations in NumPy, layer by layer, a batch being rows, ``(b, d)``."""

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None:
        self.thetas, self.biases = weights(net)
        self.X, self.y, self.b = X, y, b

    def step(self, x: Any, y: Any) -> Any:
        """One update; the mean loss before it."""
        b = len(x)
        xs = [x]
        for theta, bias in zip(self.thetas[:-1], self.biases[:-1]):
            xs.append(np.maximum(xs[-1] @ theta + bias, 0.0))
        a = xs[-1] @ self.thetas[-1] + self.biases[-1]
        if a.shape[1] > 1:
            z = a - a.max(axis=1, keepdims=True)
            e = np.exp(z)
            total = e.sum(axis=1, keepdims=True)
            rows = np.arange(b)
            loss = (np.log(total[:, 0]) - z[rows, y]).mean()
            delta = e / total
            delta[rows, y] -= 1.0
        else:
            y = y[:, None]
            loss = (np.logaddexp(0.0, a) - y * a).mean()
            delta = 1.0 / (1.0 + np.exp(-a)) - y
        delta /= b
        for l in reversed(range(len(self.thetas))):
            theta, bias = self.thetas[l], self.biases[l]
            d_theta, d_bias = xs[l].T @ delta, delta.sum(axis=0)
            if l:
                delta = (delta @ theta.T) * (xs[l] > 0)
            theta -= LR * d_theta
            bias -= LR * d_bias
        return loss

    def train(self, epochs: int) -> Any:
        """As `Side.train`."""
        rng, losses = np.random.default_rng(1), []
        for _ in range(epochs):
            batches = nn.minibatches(len(self.X), self.b, rng)
            losses = [self.step(self.X[rows], self.y[rows]) for rows in batches]
        return losses


class TextbookDigits(Textbook):
    """The same, written out for one hidden layer and ten classes."""

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None:
        super().__init__(net, X, y, b)
        (self.W1, self.W2), (self.b1, self.b2) = self.thetas, self.biases

    def step(self, x: Any, y: Any) -> Any:
        """One update; the mean loss before it."""
        a1 = x @ self.W1 + self.b1
        h = np.maximum(a1, 0.0)
        a2 = h @ self.W2 + self.b2
        z = a2 - a2.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        rows = np.arange(len(x))
        loss = (np.log(total[:, 0]) - z[rows, y]).mean()
        d2 = e / total
        d2[rows, y] -= 1.0
        d2 /= len(x)
        d1 = (d2 @ self.W2.T) * (a1 > 0)
        self.W2 -= LR * (h.T @ d2)
        self.b2 -= LR * d2.sum(axis=0)
        self.W1 -= LR * (x.T @ d1)
        self.b1 -= LR * d1.sum(axis=0)
        return loss


def by_hand(net: nn.MLP, X: Any, y: Any, b: int) -> Side:
    """NumPy."""
    is_digits = [len(layer.neurons) for layer in net.layers] == [32, 10]
    return (TextbookDigits if is_digits else Textbook)(net, X, y, b)


class PyTorch:
    """An idiomatic loop, the batches taken from tensors by index."""

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None:
        import torch

        torch.set_num_threads(1)
        modules: list[Any] = []
        for theta, bias in zip(*weights(net)):
            linear = torch.nn.Linear(*theta.shape, dtype=torch.float64)
            state = {"weight": torch.from_numpy(theta.T), "bias": torch.from_numpy(bias)}
            linear.load_state_dict(state)
            modules += [linear, torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*modules[:-1])
        classes = len(net.layers[-1].neurons) > 1
        self.criterion = torch.nn.CrossEntropyLoss() if classes else torch.nn.BCEWithLogitsLoss()
        self.X = torch.from_numpy(X)
        self.y = torch.from_numpy(y) if classes else torch.from_numpy(y[:, None].astype(float))
        self.b = b

    def train(self, epochs: int) -> Any:
        """As `Side.train`."""
        import torch

        optimizer = torch.optim.SGD(self.model.parameters(), lr=LR)
        rng, losses = np.random.default_rng(1), list[float]()
        for _ in range(epochs):
            losses = []
            for batch in nn.minibatches(len(self.X), self.b, rng):
                rows = torch.from_numpy(batch)
                optimizer.zero_grad()
                loss = self.criterion(self.model(self.X[rows]), self.y[rows])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        return losses


@cache
def jax_epoch() -> Any:
    """An epoch in one call: `jax.lax.scan` over its batches."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def mean_loss(layers: Any, x: Any, y: Any) -> Any:
        *hidden, (theta, bias) = layers
        for w, c in hidden:
            x = jax.nn.relu(x @ w + c)
        a = x @ theta + bias
        if a.shape[1] == 1:
            a = a[:, 0]
            return jnp.mean(jax.nn.softplus(a) - y * a)
        picked = jnp.take_along_axis(a, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(a, axis=1) - picked)

    @partial(jax.jit, donate_argnums=0)
    def epoch(layers: Any, X: Any, y: Any, batches: Any) -> Any:
        def update(layers: Any, rows: Any) -> Any:
            loss, gradient = jax.value_and_grad(mean_loss)(layers, X[rows], y[rows])
            return jax.tree.map(lambda p, g: p - LR * g, layers, gradient), loss

        return jax.lax.scan(update, layers, batches)

    return epoch


class Jax:
    """A compiled epoch, the parameters donated to it."""

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None:
        self.epoch, self.b, self.n = jax_epoch(), b, len(X)
        import jax

        self.layers = jax.tree.map(jax.numpy.array, list(zip(*weights(net))))
        self.X, self.y = jax.device_put(X), jax.device_put(y)

    def train(self, epochs: int) -> Any:
        """As `Side.train`."""
        rng, losses = np.random.default_rng(1), None
        for _ in range(epochs):
            order = rng.permutation(self.n)[: self.n // self.b * self.b]
            batches = order.reshape(-1, self.b)
            self.layers, losses = self.epoch(self.layers, self.X, self.y, batches)
        return np.asarray(losses)


@cache
def numba_epoch() -> Any:
    """An epoch in one call: loops, the inner ones over neighbours, and no gradient kept."""
    import numba

    def epoch(thetas: Any, biases: Any, xs: Any, deltas: Any, X: Any, y: Any, batches: Any) -> Any:
        updates, b = batches.shape
        losses = np.zeros(updates)
        last, classes = len(thetas), biases[-1].size
        for u in range(updates):
            for e in range(b):  # one example after the other, forward and backward
                row = batches[u, e]
                xs[0][e] = X[row]
                for l in range(last):
                    theta, x, a = thetas[l], xs[l][e], xs[l + 1][e]
                    a[:] = biases[l]
                    for i in range(x.size):
                        for j in range(a.size):
                            a[j] += x[i] * theta[i, j]
                    if l < last - 1:
                        for j in range(a.size):
                            a[j] = max(a[j], 0.0)
                a, delta = xs[last][e], deltas[last][e]
                if classes == 1:
                    losses[u] += np.logaddexp(0.0, a[0]) - y[row] * a[0]
                    delta[0] = (1.0 / (1.0 + np.exp(-a[0])) - y[row]) / b
                else:
                    largest, total = a.max(), 0.0
                    for j in range(classes):
                        delta[j] = np.exp(a[j] - largest)
                        total += delta[j]
                    losses[u] += np.log(total) + largest - a[y[row]]
                    for j in range(classes):
                        delta[j] /= total * b
                    delta[y[row]] -= 1.0 / b
                for l in range(last - 1, 0, -1):
                    theta, x, above, below = thetas[l], xs[l][e], deltas[l + 1][e], deltas[l][e]
                    for i in range(x.size):
                        total = 0.0
                        if x[i] > 0.0:
                            for j in range(above.size):
                                total += theta[i, j] * above[j]
                        below[i] = total
            for l in range(last):
                theta, bias = thetas[l], biases[l]
                for e in range(b):
                    x, delta = xs[l][e], deltas[l + 1][e]
                    for i in range(x.size):
                        for j in range(delta.size):
                            theta[i, j] -= LR * x[i] * delta[j]
                    for j in range(delta.size):
                        bias[j] -= LR * delta[j]
            losses[u] /= b
        return losses

    return numba.njit(epoch)


class Numba:
    """A compiled epoch over arrays that are made once."""

    def __init__(self, net: nn.MLP, X: Any, y: Any, b: int) -> None:
        thetas, biases = weights(net)
        widths = [X.shape[1], *map(len, biases)]
        rooms = [tuple(np.empty((b, d)) for d in widths) for _ in range(2)]
        self.epoch, self.b = numba_epoch(), b
        # Arrays of one kind, so that a layer can be picked by its number.
        self.given = (tuple(thetas), tuple(biases), *rooms, X, y)

    def train(self, epochs: int) -> Any:
        """As `Side.train`."""
        n = len(self.given[-1])
        rng, losses = np.random.default_rng(1), None
        for _ in range(epochs):
            batches = rng.permutation(n)[: n // self.b * self.b].reshape(-1, self.b)
            losses = self.epoch(*self.given, batches)
        return losses
