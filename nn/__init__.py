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

from . import ground as ground  # before all that imports from autograd
from .data import datasets
from .data.reading import load_csv, table_data
from .data.tables import Table
from .ground import __version__ as __version__
from .model.backprop import Backpropagation, backpropagate
from .model.likelihoods import bernoulli_nll, categorical_nll, gaussian_nll
from .model.module import Module
from .model.network import MLP, Layer, Neuron
from .model.pytorch import to_torch
from .show import plots
from .show.film import Film
from .show.graphs import DrawGraph
from .show.network import NetworkDrawing
from .show.network import draw as draw  # by name: `*` would hide autograd.draw
from .show.playground import live
from .show.walks import walks
from .train import optimizers
from .train.batches import minibatches
from .train.callbacks import EarlyStopping
from .train.checkpoints import load, load_table, save
from .train.defaults import find_lr
from .train.evaluation import evaluate
from .train.fit import fit
from .train.history import Epoch, History
from .train.optimizers import *  # noqa: F403  (all of them, whatever there are)
from .train.schedules import cosine, growing, inverse_time, step_decay
from .train.sweep import sweep
from .train.trainings import Training, Trainings

__all__ = [
    "MLP",
    "Backpropagation",
    "DrawGraph",
    "EarlyStopping",
    "Epoch",
    "Film",
    "History",
    "Layer",
    "Module",
    "NetworkDrawing",
    "Neuron",
    "Table",
    "Training",
    "Trainings",
    "backpropagate",
    "bernoulli_nll",
    "categorical_nll",
    "cosine",
    "datasets",
    "evaluate",
    "find_lr",
    "fit",
    "gaussian_nll",
    "growing",
    "inverse_time",
    "live",
    "load",
    "load_csv",
    "load_table",
    "minibatches",
    "plots",
    "save",
    "step_decay",
    "sweep",
    "table_data",
    "to_torch",
    "walks",
]
__all__ += optimizers.__all__


def __dir__() -> list[str]:
    """What TAB offers after ``nn.``: the public names, and none of the inner modules."""
    return [*__all__, "draw", *(name for name in globals() if name.startswith("__"))]
