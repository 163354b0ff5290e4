"""Stands for matplotlib where it can't be had, and draws nothing."""

import sys

import numpy as np


class Anything:
    """Has whatever attribute it is asked for, and takes any arguments."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __iter__(self):
        return iter([self])

    def __getitem__(self, index):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def subplots(self, rows=1, columns=1, squeeze=True, **kwargs):
        axes = np.empty((rows, columns), dtype=object)
        axes.fill(self)
        return axes.squeeze()[()] if squeeze else axes


class Figure(Anything):
    pass


def subplots(*args, **kwargs):
    return Anything(), Anything().subplots(*args, **kwargs)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Anything()


__version__ = "0"
__path__ = []
pyplot = sys.modules[__name__]
for name in ("pyplot", "figure", "ticker", "colors", "cm", "collections", "patches", "lines"):
    sys.modules[f"matplotlib.{name}"] = pyplot
