"""Benchmarks, run by ``python -m tests.benchmarks``; no tests."""

import os

for library in ("OPENBLAS", "MKL", "OMP"):  # one thread, and that before NumPy is imported
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
