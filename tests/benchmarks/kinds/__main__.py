"""Kinds of programs beside PyTorch, all or some: ``python -m tests.benchmarks.kinds LSTM HMM``."""

import sys

from .timing import main

main(*sys.argv[1:])
