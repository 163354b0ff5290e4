"""A network of one hidden layer, and one of a convolution, with softmax."""

import autograd
from autograd import affine, dot

from .kind import Kind, linear, one_hot, torch, weights


def negative_log_softmax(a, y):
    """Of the class at which ``y`` has its 1."""
    return autograd.logsumexp(a) - dot(y, a)


def mlp(d0: int = 64, d1: int = 32, d2: int = 10, plain: bool = False) -> Kind:
    """A hidden layer of relus; ``plain``: with ``+`` and ``*`` alone."""
    layer = linear if plain else affine

    def record(x, y, W1, b1, W2, b2):
        x1 = [a.relu() for a in layer(W1, x, b1)]
        return negative_log_softmax(layer(W2, x1, b2), y)

    def twin(x, k, W1, b1, W2, b2):
        F = torch.nn.functional
        x1 = F.linear(x, W1, b1).relu()
        return F.cross_entropy(F.linear(x1, W2, b2), k, reduction="none")

    return Kind(
        lambda rng, b: [rng.normal(size=(b, d0)), one_hot(rng, d2, b)],
        lambda rng: [
            weights(rng, d1, d0), rng.normal(size=d1), weights(rng, d2, d1), rng.normal(size=d2),
        ],
        record,
        twin,
        lambda x, y: (x, y.argmax(1)),
    )  # fmt: skip


def conv(
    side: int = 8, filters: int = 4, width: int = 3, classes: int = 10, plain: bool = False
) -> Kind:
    """Filters slid over an image, relus, a layer; ``plain``: with ``+`` and ``*`` alone."""
    layer = linear if plain else affine
    places = side - width + 1

    def record(image, y, W, b, V, c):
        maps = []
        for w, bias in zip(W, b):
            for i in range(places):
                for j in range(places):
                    if plain:
                        a = bias
                        for p in range(width):
                            for q in range(width):
                                a = a + w[p][q] * image[i + p][j + q]
                    else:
                        patch = [v for row in image[i : i + width] for v in row[j : j + width]]
                        a = dot([v for row in w for v in row], patch, bias)
                    maps.append(a.relu())
        return negative_log_softmax(layer(V, maps, c), y)

    def twin(image, k, W, b, V, c):
        F = torch.nn.functional
        maps = F.conv2d(image[:, None], W[:, None], b).relu().flatten(1)
        return F.cross_entropy(F.linear(maps, V, c), k, reduction="none")

    return Kind(
        lambda rng, b: [rng.normal(size=(b, side, side)), one_hot(rng, classes, b)],
        lambda rng: [
            weights(rng, filters, width, width), rng.normal(size=filters),
            weights(rng, classes, filters * places * places), rng.normal(size=classes),
        ],
        record,
        twin,
        lambda x, y: (x, y.argmax(1)),
    )  # fmt: skip
