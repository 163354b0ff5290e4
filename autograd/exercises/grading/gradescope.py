"""For Gradescope: its results, and the archive of an autograder that writes them.

The formats are those of https://gradescope-autograders.readthedocs.io: it unpacks the archive into
/autograder/source and runs setup.sh there, once; then, for each submission, run_autograder, which
reads /autograder/submission and writes /autograder/results/results.json.
"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from ..cage import ROOT
from ..checking import RIGHT
from .grades import Grades

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, when it builds the machine on which submissions are graded.
set -euo pipefail
root=${AUTOGRADER:-/autograder}
if ! { command -v bwrap && python3 -c "import ensurepip, venv"; } >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3 python3-venv bubblewrap
fi
python3 -m venv "$root/source/venv"
"$root/source/venv/bin/python" -m pip install "$(echo "$root"/source/chalkgrad-*.whl)[demo]"
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this for each submission.
root=${{AUTOGRADER:-/autograder}}
cd "$root/source"
venv/bin/python -m autograd.exercises "$root/submission" \\
    --gradescope "$root/results/results.json" --tasks @tasks.txt {checks}
"""


def results(grades: Grades, name: str) -> bytes:
    """The results of a submission, as results.json.

    What students are not to see of a task, its hidden cases, has an entry of its own that only
    teachers see.
    """
    tests: list[dict[str, Any]] = []
    for result in grades.row(name):
        score, most = grades.scored(result), grades.points[result.task]
        status = "passed" if result.state == RIGHT else "failed"
        tests.append({
            "name": result.task, "score": score, "max_score": most, "status": status,
            "output": result.shown, "output_format": "text", "visibility": "visible",
        })  # fmt: skip
        if result.text != result.shown:
            tests.append({
                "name": f"{result.task}, for teachers", "output": result.text,
                "output_format": "text", "visibility": "hidden",
            })  # fmt: skip
    data = {"score": grades.total(name), "stdout_visibility": "hidden", "tests": tests}
    return json.dumps(data, indent=1).encode("ascii")


def archive(points: Mapping[str, float], checks: Sequence[Path]) -> bytes:
    """The autograder as a zip archive: its setup needs Debian's and Python's registries alone.

    Args:
        points: the tasks that are set, and what each gives.
        checks: files with checks of one's own, which go with it.
    """
    tasks = "".join(f"{name}={worth!r}\n" for name, worth in points.items())
    named = " ".join(f"--checks checks/{i}/{path.name}" for i, path in enumerate(checks))
    wheel_name, wheel_data = wheel()
    return _zipped({
        "setup.sh": SETUP.encode(), "run_autograder": RUN.format(checks=named).encode(),
        "tasks.txt": tasks.encode(), wheel_name: wheel_data,
        **{f"checks/{i}/{path.name}": path.read_bytes() for i, path in enumerate(checks)},
    })  # fmt: skip


def wheel() -> tuple[str, bytes]:
    """This package as a wheel, made of what is installed here: its name, and its content."""
    ours = distribution("chalkgrad")
    folder = f"chalkgrad-{ours.version}.dist-info"
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for package in ("autograd", "nn")
        for path in sorted((ROOT / package).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files[f"{folder}/METADATA"] = (ours.read_text("METADATA") or "").encode()
    files[f"{folder}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: chalkgrad\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    rows = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(data)}\n")
    files[f"{folder}/RECORD"] = "".join([*rows, f"{folder}/RECORD,,\n"]).encode()
    return f"chalkgrad-{ours.version}-py3-none-any.whl", _zipped(files)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """Files as an archive, the same one whenever it is made; programs may be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            program = name in ("setup.sh", "run_autograder")
            info.external_attr = (0o755 if program else 0o644) << 16
            zipped.writestr(info, data)
    return buffer.getvalue()
