"""Kinds of programs that people write in scalars, each with its twin in PyTorch.

A `Kind` records one example as anybody would write it, number by number; its twin computes the same
for a batch as one writes it in PyTorch. `KINDS` has those that are measured, by name, and `SMALL`
the same ways of writing at sizes for tests.
"""

from . import dynamics, networks, patternless, sequences, statistics
from .kind import Kind

__all__ = ["KINDS", "SMALL", "Kind"]

KINDS: dict[str, Kind] = {
    "MLP": networks.mlp(),
    "MLP, plain": networks.mlp(plain=True),
    "conv": networks.conv(),
    "conv, plain": networks.conv(plain=True),
    "RNN": sequences.rnn(),
    "RNN, plain": sequences.rnn(plain=True),
    "LSTM": sequences.lstm(),
    "attention": sequences.attention(),
    "GPT, 7 tokens": sequences.gpt(7),
    "GPT, 16 tokens": sequences.gpt(16),
    "pendulum": dynamics.pendulum(),
    "neural ODE": dynamics.neural_ode(),
    "n-body": dynamics.n_body(),
    "Ising": dynamics.ising(),
    "logistic map": dynamics.logistic_map(),
    "Kalman filter": statistics.kalman(),
    "HMM": statistics.hmm(),
    "soft-DTW": statistics.soft_dtw(),
    "LU": statistics.lu(),
    "Black-Scholes": statistics.black_scholes(),
    "random graph": patternless.random_graph(),
}

SMALL: dict[str, Kind] = {
    "MLP": networks.mlp(5, 4, 3),
    "MLP, plain": networks.mlp(5, 4, 3, plain=True),
    "conv": networks.conv(4, 2, 3, 3),
    "conv, plain": networks.conv(4, 2, 3, 3, plain=True),
    "RNN": sequences.rnn(4, 3),
    "RNN, plain": sequences.rnn(4, 3, plain=True),
    "LSTM": sequences.lstm(4, 2),
    "attention": sequences.attention(3, 4),
    "GPT": sequences.gpt(3, vocabulary=5, d=4, heads=2),
    "pendulum": dynamics.pendulum(12, 4),
    "neural ODE": dynamics.neural_ode(3, 3),
    "n-body": dynamics.n_body(3, 3),
    "Ising": dynamics.ising(3, 3),
    "logistic map": dynamics.logistic_map(60),
    "Kalman filter": statistics.kalman(5),
    "HMM": statistics.hmm(5, 3),
    "soft-DTW": statistics.soft_dtw(4, 3),
    "LU": statistics.lu(4),
    "Black-Scholes": statistics.black_scholes(),
    "random graph": patternless.random_graph(90),
}
