"""Networks over sequences: an RNN, an LSTM, attention, and a GPT."""

import math

from autograd import affine, dot

from .kind import Kind, halved_squares, linear, one_hot, torch, weights


def rnn(T: int = 20, d: int = 8, plain: bool = False) -> Kind:
    """The state is tanh(W h + U x_t + b), the output v h; ``plain``: with ``+`` and ``*`` alone."""
    layer = linear if plain else affine

    def record(x, y, W, U, b, v):
        h = [0.0] * d
        for x_t in x:
            h = [(p + q).tanh() for p, q in zip(layer(W, h), layer(U, x_t, b))]
        (a,) = layer([v], h)
        return (a - y) ** 2 / 2

    def twin(x, y, W, U, b, v):
        h0, zero = x.new_zeros(1, len(x), d), torch.zeros_like(b)
        # What torch.nn.RNN calls.
        _, h = torch.rnn_tanh(x, h0, (U, W, b, zero), True, 1, 0.0, False, False, True)
        return (h[0] @ v - y).square() / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, T, d)), rng.normal(size=b)],
        lambda rng: [
            weights(rng, d, d), weights(rng, d, d), rng.normal(size=d), weights(rng, d),
        ],
        record,
        twin,
    )  # fmt: skip


def lstm(T: int = 10, d: int = 8) -> Kind:
    """Hochreiter and Schmidhuber's cell with a forget gate; the gates in the order i, f, g, o."""

    def record(x, y, W, U, b, v):
        h = c = [0.0] * d
        for x_t in x:
            a = [p + q for p, q in zip(affine(W, h), affine(U, x_t, b))]
            i, f = [z.sigmoid() for z in a[:d]], [z.sigmoid() for z in a[d : 2 * d]]
            g, o = [z.tanh() for z in a[2 * d : 3 * d]], [z.sigmoid() for z in a[3 * d :]]
            c = [f[j] * c[j] + i[j] * g[j] for j in range(d)]
            h = [o[j] * c[j].tanh() for j in range(d)]
        return (dot(v, h) - y) ** 2 / 2

    def twin(x, y, W, U, b, v):
        start, zero = x.new_zeros(1, len(x), d), torch.zeros_like(b)
        # What torch.nn.LSTM calls.
        _, h, _ = torch.lstm(x, (start, start), (U, W, b, zero), True, 1, 0.0, False, False, True)
        return (h[0] @ v - y).square() / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, T, d)), rng.normal(size=b)],
        lambda rng: [
            weights(rng, 4 * d, d), weights(rng, 4 * d, d), rng.normal(size=4 * d), weights(rng, d),
        ],
        record,
        twin,
    )  # fmt: skip


def softmax(s):
    """As everybody writes it, with the builtin sum."""
    e = [v.exp() for v in s]
    total = sum(e)
    return [v / total for v in e]


def attention(n: int = 8, d: int = 8) -> Kind:
    """One head over n tokens (Vaswani et al., Attention is all you need, 2017, equation 1)."""

    def record(x, y, Q, K, V):
        q, k, v = ([affine(W, x_t) for x_t in x] for W in (Q, K, V))
        loss = 0.0
        for q_t, y_t in zip(q, y):
            p = softmax([dot(q_t, k_s) / math.sqrt(d) for k_s in k])
            loss = loss + halved_squares([dot(p, column) for column in zip(*v)], y_t)
        return loss

    def twin(x, y, Q, K, V):
        q, k, v = (torch.nn.functional.linear(x, W) for W in (Q, K, V))
        p = ((q @ k.transpose(1, 2)) / math.sqrt(d)).softmax(2)
        return (p @ v - y).square().sum((1, 2)) / 2

    return Kind(
        lambda rng, b: [rng.normal(size=(b, n, d)), rng.normal(size=(b, n, d))],
        lambda rng: [weights(rng, d, d), weights(rng, d, d), weights(rng, d, d)],
        record,
        twin,
    )


def normalized(x):
    """Over its root mean square (Zhang and Sennrich, Root mean square layer normalization)."""
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def gpt(n: int = 16, vocabulary: int = 27, d: int = 16, heads: int = 4) -> Kind:
    """A GPT of one block in plain scalars: GPT-2's layout with RMSNorm and relus, without biases.

    An example is n + 1 tokens, each a vector with a 1 in it: every token but the last is read, and
    every token but the first predicted.
    """
    size = d // heads

    def record(tokens, E, P, Q, K, V, O, W1, W2, H):
        keys, values, losses = [], [], []
        for t in range(n):
            # The token's row of E: the example has the 1 at its place.
            token = linear([list(column) for column in zip(*E)], tokens[t])
            x = normalized([e + p for e, p in zip(token, P[t])])
            z = normalized(x)
            q = linear(Q, z)
            keys.append(linear(K, z))
            values.append(linear(V, z))
            mixed = []
            for i in range(0, d, size):
                scores = [sum(q[j] * k[j] for j in range(i, i + size)) / size**0.5 for k in keys]
                p = softmax(scores)
                mixed += [sum(p_s * v[j] for p_s, v in zip(p, values)) for j in range(i, i + size)]
            x = [a + b for a, b in zip(x, linear(O, mixed))]
            hidden = [a.relu() for a in linear(W1, normalized(x))]
            x = [a + b for a, b in zip(x, linear(W2, hidden))]
            logits = linear(H, normalized(x))
            p = softmax(logits)
            losses.append(-sum(y * p_k for y, p_k in zip(tokens[t + 1], p)).log())
        return sum(losses) / n

    def twin(tokens, E, P, Q, K, V, O, W1, W2, H):
        F = torch.nn.functional
        b = len(tokens)
        x = F.rms_norm(F.embedding(tokens[:, :-1], E) + P, (d,), eps=1e-5)
        z = F.rms_norm(x, (d,), eps=1e-5)
        q, k, v = (F.linear(z, W).view(b, n, heads, size).transpose(1, 2) for W in (Q, K, V))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(mixed.transpose(1, 2).reshape(b, n, d), O)
        x = x + F.linear(F.linear(F.rms_norm(x, (d,), eps=1e-5), W1).relu(), W2)
        logits = F.linear(F.rms_norm(x, (d,), eps=1e-5), H)
        losses = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        return losses.view(b, n).mean(1)

    return Kind(
        lambda rng, b: [one_hot(rng, vocabulary, b, n + 1)],
        lambda rng: [
            rng.normal(size=(vocabulary, d)), rng.normal(size=(n, d)), weights(rng, d, d),
            weights(rng, d, d), weights(rng, d, d), weights(rng, d, d), weights(rng, 4 * d, d),
            weights(rng, d, 4 * d), weights(rng, vocabulary, d),
        ],
        record,
        twin,
        lambda tokens: (tokens.argmax(2),),
    )  # fmt: skip
