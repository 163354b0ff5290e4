"""The lecture "Backpropagation and SGD" on the scalar engine `autograd`.

Networks (`MLP`), their losses (`gaussian_nll`, `bernoulli_nll`, `categorical_nll`), the recursion
by hand (`backpropagate`) and stochastic gradient descent (`fit`).

>>> import numpy as np
>>> from nn import MLP, bernoulli_nll, fit
>>> net = MLP(2, [4, 1], activation="tanh", rng=np.random.default_rng(0))
>>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
>>> history = fit(net, bernoulli_nll, X, y, epochs=300, batch_size=4, lr=1.0, progress=False,
...               rng=np.random.default_rng(1))
>>> (net.predict(X) > 0).tolist()
[False, True, True, False]
"""

from . import datasets, plots
from .backprop import Backpropagation, backpropagate
from .checkpoints import load, load_table, save
from .draw import NetworkDrawing
from .draw import draw as draw  # by name: `*` would hide autograd.draw
from .film import Film
from .history import Epoch, History
from .losses import bernoulli_nll, categorical_nll, gaussian_nll
from .module import Module
from .network import MLP, Layer, Neuron
from .optim import SGD, cosine, growing, inverse_time, minibatches, step_decay
from .tables import Table, load_csv
from .training import DrawGraph, evaluate, fit

__all__ = [
    "MLP",
    "SGD",
    "Backpropagation",
    "DrawGraph",
    "Epoch",
    "Film",
    "History",
    "Layer",
    "Module",
    "NetworkDrawing",
    "Neuron",
    "Table",
    "backpropagate",
    "bernoulli_nll",
    "categorical_nll",
    "cosine",
    "datasets",
    "evaluate",
    "fit",
    "gaussian_nll",
    "growing",
    "inverse_time",
    "load",
    "load_csv",
    "load_table",
    "minibatches",
    "plots",
    "save",
    "step_decay",
]
