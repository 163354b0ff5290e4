"""kill -9 at any moment: files are whole, what goes on ends in the same bits, nothing is left over.

A few moments by default. 100 of `save`, of `fit` and of the command line each, with

    CHALKGRAD_LONG=1 python -m pytest tests/test_kills.py -s

which also prints how many there were, and where they were.
"""

import json
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from nn import MLP, load, save
from tests.cases import names

pytestmark = pytest.mark.slow

LONG = bool(os.environ.get("CHALKGRAD_LONG"))

SAVE = """
import sys
import numpy as np
from nn import MLP, save
nets = [MLP(3, [20, 1], rng=np.random.default_rng(seed)) for seed in (0, 1)]
print("ready", flush=True)
while True:
    for net in nets:
        save(net, sys.argv[1])
"""

FIT = """
import os, sys
import numpy as np
from nn import MLP, categorical_nll, cosine, fit, growing

file, kind, every = sys.argv[1:]
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
y = X[:, :3].argmax(axis=1)
net = MLP(4, [6, 3], "tanh", rng=rng)
print("ready", flush=True)
fit(
    net, categorical_nll, X, y, epochs=80, batch_size=growing(6, 1.5, 60),
    lr=cosine(0.2, 3000), momentum=0.9, validation=(X[:9], y[:9]),
    rng=np.random.Generator(getattr(np.random, kind)(7)), progress=False,
    checkpoint=file, checkpoint_every=int(every), resume=file if os.path.exists(file) else None,
)
"""

COMMAND = """
import os, sys
from nn import cli
from nn.show import plots

cli.svg = lambda figure: "curves"  # of its files, those are tried here that training goes into;
plots.FIGURES = plots.FIGURES[:1]  # figures take most of its time (its report: test_pages)
file, out = sys.argv[1:]
print("ready", flush=True)
resume = ["--resume", file] if os.path.exists(file) else []
sys.exit(cli.main(["train", "moons", "--widths", "4", "--epochs", "25", "--batch-size", "8",
                   "--quiet", "--checkpoint", file, "--out", out, *resume]))
"""


def run(script, *arguments, after=None, writes=0):
    """Run a script to its end, or kill it on the way.

    Args:
        script: says that it is ready, and goes on.
        arguments: of the script; the first is the file that it writes.
        after: how many seconds to wait before it is killed; never, if not given.
        writes: how many times it must have written its file before these seconds begin. A wait by
            the clock alone would end before the first time, or after the last, on a busy machine.

    Returns:
        Whether it was killed.
    """
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"ready"
        last = written(arguments[0])
        while writes and process.poll() is None:
            if (now := written(arguments[0])) != last:
                last, writes = now, writes - 1
            time.sleep(0.0005)
        try:
            process.communicate(timeout=300 if after is None else after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            assert after is not None, "it does not end"
            return True
    assert process.returncode == 0
    return False


def written(file):
    """What is another after each time that a file is written; None as long as there is none."""
    try:
        about = os.stat(file)
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_mtime_ns


def test_save_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    """And one leftover at most, whatever the number of kills; the next save clears it."""
    file, moments = tmp_path / "net.npz", random.Random(0)
    nets = [MLP(3, [20, 1], rng=np.random.default_rng(seed)) for seed in (0, 1)]
    good = []
    for net in nets:
        save(net, file)
        good.append(file.read_bytes())
    left = 0
    for _ in range(100 if LONG else 4):
        assert run(SAVE, file, after=moments.uniform(0.0, 0.1))
        assert file.read_bytes() in good
        assert load(file).layers
        assert len(names(tmp_path)) <= 2
        left += len(names(tmp_path)) - 1
    if LONG:
        print(f"\nsave: killed 100 times, {left} times while a file was being written")
    save(nets[0], file)
    assert names(tmp_path) == ["net.npz"]
    assert file.read_bytes() == good[0]


def killed_again_and_again(script, folder, arguments, kills, seed):
    """Trainings in chains of processes, ``kills`` of which are killed: how far each was, in epochs.

    Args:
        script: trains to the end, from its checkpoint if there is one.
        folder: for the checkpoints, each of which must be as the first, of a training never killed.
        arguments: of the script after its checkpoint, a function of the number of the chain.
        kills: how many.
        seed: of the moments.
    """
    whole = folder / "whole.npz"
    assert not run(script, whole, *arguments(0))
    moments, landed, chain = random.Random(seed), [], 0
    while len(landed) < kills:
        chain += 1
        file = folder / f"{chain}.npz"
        # The first before anything is written, then later and later, so that it gets on.
        in_chain = 0
        while run(
            script, file, *arguments(chain),
            writes=moments.randint(2, 4) if in_chain else 0,
            # In 0.3 s most come to the end, where other files are written.
            after=moments.uniform(0.0, moments.choice([0.01, 0.3]) if LONG else 0.01)
            if len(landed) < kills else None,
        ):  # fmt: skip
            in_chain += 1
            landed.append(0)
            if file.exists():
                assert load(file).layers
                with np.load(file) as archive:
                    about = json.loads(archive["about"].item())
                landed[-1] = len(about["training"]["history"])
        assert file.read_bytes() == whole.read_bytes()
        assert all(name.endswith(".npz") for name in names(folder)), "something is left over"
    return landed


@pytest.mark.parametrize(("kind", "every"), [("PCG64", 1), ("MT19937", 2)])
def test_a_training_killed_at_any_moment_ends_as_one_never_killed(kind, every, tmp_path):
    kills = 50 if LONG else 4
    landed = killed_again_and_again(FIT, tmp_path, lambda _: (kind, every), kills, kind)
    if LONG:
        print(f"\nfit, {kind}: killed {kills} times, after these epochs: {sorted(landed)}")
    assert len(landed) == kills
    assert len(set(landed)) > (2 if LONG else 1)  # they were killed on the way


def test_the_command_line_killed_at_any_moment_ends_as_if_never_killed(tmp_path):
    kills, outs = 100 if LONG else 2, tmp_path / "out"
    (tmp_path / "checkpoints").mkdir()
    landed = killed_again_and_again(
        COMMAND, tmp_path / "checkpoints", lambda chain: (outs / str(chain),), kills, 0
    )
    if LONG:
        print(f"\ncommand line: killed {kills} times, after these epochs: {sorted(landed)}")
    first = outs / "0"
    for out in outs.iterdir():
        assert names(out) == names(first)  # no half of a file
        for name in ("network.npz", "history.csv"):
            assert (out / name).read_bytes() == (first / name).read_bytes()
