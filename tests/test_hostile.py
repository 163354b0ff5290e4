"""Hostile submissions: none passes, none harms another, and the rest are graded as ever."""

import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

import nn.exercises
from autograd.exercises import Case, cage, check, checking, confine, judge, submissions
from autograd.exercises.cage import Limits
from autograd.exercises.checking import TASKS
from autograd.exercises.grading import running
from tests.cases import outside

LIMITS = Limits(
    memory=2 << 30, file=1 << 20, loading=2.0, answer=5.0, processor=20, submission=1 << 20
)
pytestmark = pytest.mark.slow  # a process each
CAGED = pytest.mark.skipif(cage.bwrap() is None, reason="needs bubblewrap")
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
assert nn.exercises

# What an honest student hands in: one task right, one wrong, as it must stay.
HONEST = """
def step_decay(lr, factor, every):
    return lambda t: lr * factor ** ((t - 1) // every)

def growing(b, every):
    return lambda epoch: b
"""
GRADED = ("wrong", "right")  # growing, step_decay
NOTHING = ("no result", "no result")


@pytest.fixture(autouse=True)
def give_up_sooner(monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 1.0)


def graded(path, *names):
    results = judge.grade(path, [TASKS[name] for name in names], LIMITS)
    assert list(results) == list(names)
    return harmless(results)


def harmless(results):
    """Results, which can be shown in a terminal."""
    for result in results.values():
        for text in (result.text, result.shown, result.html):
            assert submissions.printable(text) == text
            assert len(text) < 20_000
    return results


def side_by_side(paths, *names, workers):
    """The results of submissions by name. Most of the time they wait, so they wait together."""
    modules = ("autograd.exercises", "nn.exercises")
    run = running.grade_all(paths, names, modules, limits=LIMITS, workers=workers)
    return {name: harmless(results) for name, results in run}


def in_growing(code):
    """A submission that does something when ``growing`` is called."""
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return f"{HONEST}\ndef growing(b, every):\n{body}"


ALWAYS = """
class Always:
    def yes(self, *_):
        return True
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = __bool__ = yes
    __hash__ = lambda self: 0
    __sub__ = __rsub__ = __abs__ = lambda self, *_: 0.0
    __float__ = lambda self: 4.0
    __len__ = lambda self: 5
"""

# Name: source, the states of `growing` and `step_decay`, and words in the result of `growing`.
HOSTILE = {
    # Ending early, with a result of one's own
    "exits": (HONEST + "import os; os._exit(0)", NOTHING, "status 0"),
    "exits in a sys.exit": (HONEST + "import sys; sys.exit(0)", GRADED, ""),
    "exits in a task": (in_growing("import os; os._exit(0)"), ("no result", "right"), "status 0"),
    "leaves a task": (in_growing("raise SystemExit(0)"), GRADED, "SystemExit"),
    "asks who runs it": (
        in_growing("import sys; raise ValueError(sys.argv == [__file__])"), GRADED, "True",
    ),
    "appends results": (
        HONEST + """
import os, sys, json
line = json.dumps({"task": "growing", "state": "right", "text": ""}) + "\\n"
for name in [*sys.argv, "results", "/tmp/results"]:
    try:
        open(name, "a").write(line)
    except OSError:
        pass
print(line); sys.stderr.write(line); os._exit(0)
""", NOTHING, "",
    ),
    "writes results to every descriptor": (
        HONEST + """
import os
for fd in range(3, 30):
    try:
        os.write(fd, b'{"task": "growing", "state": "right", "text": ""}\\n' * 9)
    except OSError:
        pass
""", NOTHING, "can't be read",
    ),
    "forges replies": (
        in_growing("""
import os, json, struct
data = json.dumps(["value", ["yours", 10**9], [[99, None]]]).encode()
for fd in range(3, 30):
    try: os.write(fd, struct.pack(">I", len(data)) + data)
    except OSError: pass
return lambda epoch: b
"""), ("no result", "right"), "can't be used",
    ),
    "asks the judge for what is not its own": (
        in_growing("""
import os, json, struct
for method in ("__getattr__", "__setattr__", "__call__"):
    data = json.dumps(["do", 0, method, ["tuple", ["__globals__"]], ["dict", []]]).encode()
    for fd in range(3, 30):
        try: os.write(fd, struct.pack(">I", len(data)) + data)
        except OSError: pass
return lambda epoch: b
"""), ("no result", "right"), "it asks for number 0",
    ),
    "half a message": (
        in_growing("""
import os, struct
for fd in range(3, 30):
    try: os.write(fd, struct.pack(">I", 1 << 20) + b"[")
    except OSError: pass
os._exit(0)
"""), ("no result", "right"), "cut off",
    ),
    "a message of 4 GB": (
        in_growing("""
import os
for fd in range(3, 30):
    try: os.write(fd, b"\\xff" * 8)
    except OSError: pass
return lambda epoch: b
"""), ("no result", "right"), "too long",
    ),
    "closes descriptors": (HONEST + "import os; os.closerange(0, 100)", NOTHING, ""),
    "is another program": (
        HONEST + "import os; os.execv('/bin/sleep', ['sleep', '600'])", None, "",
    ),
    "crashes": (in_growing("import ctypes; ctypes.string_at(0)"), ("no result", "right"), ""),
    # Changing or reading what decides
    "patches Report": (
        HONEST + "from autograd.exercises.checking import Report; Report.state = 'right'",
        GRADED, "",
    ),
    "patches the comparison": (
        HONEST + "import autograd.exercises.comparing as c; c.agree = lambda *a: True", GRADED, "",
    ),
    "patches the module that talks": (
        HONEST + """
import autograd.exercises.messages as m, autograd.exercises.wire as w
w.Peer.encode = lambda *a: 4
m.failure = m.perform = lambda *a: ["value", True, []]
""", ("wrong", "wrong"), "",
    ),
    "reads frames": (
        in_growing("""
import sys
frame = sys._getframe()
while frame:
    for space in (frame.f_locals, frame.f_globals):
        for name in ("expected", "case", "right"):
            if name in space:
                return lambda epoch: getattr(space[name], "expected", space[name])
    frame = frame.f_back
return lambda epoch: b
"""), GRADED, "expected  [4, 4, 8, 8, 16]",
    ),
    "searches all objects": (
        in_growing("""
import gc
found = [x for x in gc.get_objects() if type(x).__name__ in ("Case", "Task", "Report")]
return lambda epoch: found[0] if found else b
"""), GRADED, "got       [4, 4, 4, 4, 4]",
    ),
    "is equal to everything": (
        ALWAYS + in_growing("return lambda epoch: Always()"), GRADED, "",
    ),
    "a list that is equal to everything": (
        ALWAYS + in_growing("return Always()"), GRADED, "",
    ),
    "a float that is equal to everything": (
        in_growing("""
class F(float):
    __eq__ = __le__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *_: 0.0
    __hash__ = None
return lambda epoch: F(4.5)
"""), GRADED, "[4.5, 4.5",
    ),
    "an array of what is equal to everything": (
        ALWAYS + in_growing("""
import numpy as np
return lambda epoch: np.array([Always()] * 5, dtype=object)
"""), GRADED, "",
    ),
    "patches builtins": (
        HONEST + """
import builtins, json, time
json.dumps = lambda *a, **k: '["value", true, []]'
time.perf_counter = time.monotonic = lambda: 0.0
builtins.len = lambda x: 5
builtins.isinstance = lambda *a: True
""", None, "",
    ),
    "replaces streams": (
        HONEST + "import sys; sys.stdout = sys.stderr = sys.stdin = sys.__stdout__ = None",
        GRADED, "",
    ),
    "runs at exit": (
        HONEST + "import atexit, os; atexit.register(os._exit, 0)", GRADED, "",
    ),
    "handles signals": (
        HONEST + """
import signal
for s in signal.valid_signals():
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
""", GRADED, "",
    ),
    # Using up what there is
    "a call into C without end": (
        in_growing("return sum(range(10**15))"), ("took too long", "right"), "it did not answer",
    ),
    "a loop without end": (in_growing("while True: b += 1"), GRADED, "in your growing, mallory.py"),
    "a loop that can't be stopped": (
        in_growing("""
while True:
    try:
        while True: b = max(b, 1)
    except BaseException: pass
"""), GRADED, "no end within",
    ),
    "loading without end": (HONEST + "while True: pass", GRADED, ""),
    "stops itself": (
        HONEST + "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        ("took too long", "took too long"), "it did not answer",
    ),
    "recursion": (in_growing("return growing(b, every)"), GRADED, "RecursionError"),
    "threads go on": (
        HONEST + """
import threading, time
def work():
    while True: time.sleep(0.001)
for _ in range(5): threading.Thread(target=work).start()
""", GRADED, "",
    ),
    "memory": (HONEST + "x = bytearray(3 << 30)", GRADED, ""),
    "memory in a task": (in_growing("x = bytearray(100 << 30)"), GRADED, "MemoryError"),
    "prints without end": (in_growing("while True: print('x' * 999)"), GRADED, "no end within"),
    "600 MB on stderr": (
        HONEST + "import os\nfor _ in range(600): os.write(2, b'x' * (1 << 20))\nos._exit(1)",
        None, "",
    ),
    "a large file": (
        HONEST + """
with open("large", "wb") as file:
    for _ in range(2000): file.write(b"x" * (1 << 20))
""", GRADED, "",
    ),
    "a large result": (in_growing("return lambda e: [0.5] * 10**7"), GRADED, "too large"),
    "a large integer": (in_growing("return lambda e: 1 << 10**8"), GRADED, "too large"),
    "a deep result": (
        in_growing("x = []\nfor _ in range(10**5): x = [x]\nreturn lambda e: x"), GRADED, "",
    ),
    "a list that holds itself": (
        in_growing("x = []\nx.append(x)\nreturn lambda e: x"), GRADED, "",
    ),
    "an iterator without end": (
        in_growing("import itertools\nreturn lambda e: itertools.count()"), GRADED, "",
    ),
    "a message that never ends": (
        in_growing("""
class E(Exception):
    def __str__(self):
        while True: pass
raise E
"""), GRADED, "no end within",
    ),
    # What reaches the terminal
    "escape sequences": (
        in_growing(r"raise ValueError('\x1b[2J\x1b]0;right\x07\x9b\u202e\r')"), GRADED, r"\x1b[2J",
    ),
    "escape sequences as a result": (
        in_growing(r"return lambda e: type('\x1b[2J', (), {})()"), GRADED, "",
    ),
    "escape sequences at the end": (
        HONEST + r"import os; os.write(2, b'\x1b[2J\x00\xff'); os._exit(1)", NOTHING, r"\x1b[2J",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The results of all of them, by name, and of those that are none."""
    folder = tmp_path_factory.mktemp("bad")
    said = bad_submissions(folder)
    bad = submissions.submissions_in(folder)
    assert bad.keys() - said.keys() == {"anna", "zoe"}
    paths = {f"bad: {name}": path for name, path in bad.items()}
    for name, (source, _, _) in HOSTILE.items() if os.name == "posix" else ():
        paths[name] = tmp_path_factory.mktemp("hostile") / "mallory.py"
        paths[name].write_text(source)
    longest = ("stops itself", "is another program", "a call into C without end")
    paths = {name: paths[name] for name in [*longest, *paths] if name in paths}  # they begin
    return side_by_side(paths, "growing", "step_decay", "swish", workers=6), said


@POSIX
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_does_not_pass(name, hostile):
    _, states, words = HOSTILE[name]
    found = hostile[0][name]
    assert list(found) == ["growing", "step_decay", "swish"]
    assert found["growing"].state != "right" and found["swish"].state != "right"
    if states is not None:
        assert (found["growing"].state, found["step_decay"].state) == states, found
    assert words in found["growing"].text


@POSIX
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a large file", "File too large"),
        ("loading without end", "it did not end within 2 seconds"),
        pytest.param(
            "memory", "MemoryError",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="needs Linux"),
        ),
    ],
)  # fmt: skip
def test_limits_hold(name, words, hostile):
    assert words in hostile[0][name]["swish"].text


@POSIX
def test_processor_time_is_limited(tmp_path):
    path = tmp_path / "mallory.py"
    path.write_text(HONEST + "while True: pass")
    [result] = judge.grade(path, [TASKS["growing"]], Limits(processor=1)).values()
    assert result.state == "no result" and ("signal" in result.text or "status" in result.text)


def test_there_are_forty():
    assert len(HOSTILE) >= 40


# What needs a cage: other people's things


@CAGED
def test_others_can_neither_be_read_nor_changed(tmp_path):
    right = tmp_path / "anna.py"
    right.write_text(HONEST.replace("epoch: b", "epoch: b * 2 ** ((epoch - 1) // every)"))
    folder = tmp_path / "mallory"
    folder.mkdir()
    root = Path(cage.ROOT)
    with socket.create_server(("127.0.0.1", 0)) as server:
        attack = f"""
import glob, os, shutil, signal, socket
seen = []
try:
    exec(open({str(right)!r}).read()); seen.append("anna")
except OSError:
    pass
shutil.rmtree({str(tmp_path)!r}, ignore_errors=True)
for name in glob.glob({str(root)!r} + "/*/exercises/*.py"):
    if "check_growing" in open(name).read(): seen.append(name)
    try: open(name, "a").close(); seen.append("can change " + name)
    except OSError: pass
for name in ("/etc/shadow", "/root", "/home", {str(root / "tests")!r}, {str(root / "notebooks")!r}):
    if os.path.exists(name) and os.access(name, os.R_OK) and os.path.isfile(name): seen.append(name)
if glob.glob({str(root)!r} + "/notebooks/**/*.ipynb", recursive=True): seen.append("solutions")
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 1); seen.append("network")
except OSError:
    pass
for name in ("/x", "/usr/x", "/dev/shm/x", {str(root / "autograd" / "x")!r}):
    try: open(name, "x").close(); os.remove(name); seen.append("wrote " + name)
    except OSError: pass
if "SECRET_OF_A_TEACHER" in os.environ: seen.append("environment")
if len([p for p in os.listdir("/proc") if p.isdigit()]) > 5: seen.append("processes")
open("mine", "w").write("allowed")
raise ValueError("seen: " + ", ".join(seen))
"""
        (folder / "work.py").write_text(HONEST + attack)
        before = {p: hashlib.sha256(p.read_bytes()).digest()
                  for p in [*root.glob("*/exercises/*.py"), *tmp_path.rglob("*.py")]}  # fmt: skip
        os.environ["SECRET_OF_A_TEACHER"] = "x"
        try:
            found = graded(folder, "growing", "step_decay", "swish")
        finally:
            del os.environ["SECRET_OF_A_TEACHER"]
    assert found["swish"].text.splitlines()[1] == "ValueError: seen: "
    assert (found["growing"].state, found["step_decay"].state) == GRADED
    assert before == {p: hashlib.sha256(p.read_bytes()).digest() for p in before}
    assert not (folder / "mine").exists()  # it had a copy
    assert graded(right, "growing")["growing"].state == "right"


@CAGED
@pytest.mark.parametrize("target", ["os.getppid()", "-1"])
def test_it_can_end_nobody_else(target, tmp_path):
    path = tmp_path / "mallory.py"
    path.write_text(HONEST + f"import os; os.kill({target}, 9)")
    assert graded(path, "growing")["growing"].state in ("no result", "wrong")


# With and without a cage


@POSIX
@pytest.mark.parametrize(
    ("caged", "filtered"), [pytest.param(True, True, marks=CAGED), (False, True), (False, False)]
)
def test_nothing_is_left_running(caged, filtered, tmp_path, monkeypatch):
    if not caged:
        monkeypatch.setattr(cage, "bwrap", lambda: None)
        monkeypatch.setattr(cage, "stranger", lambda: None)  # who may not read the library below
    if not filtered:  # a processor for which there is no filter of calls
        library = tmp_path / "library"
        library.mkdir()
        unknown = "import platform\nplatform.machine = lambda: 'unknown'\n"
        (library / "sitecustomize.py").write_text(unknown)
        paths = cage._paths()
        monkeypatch.setattr(cage, "_paths", lambda: [str(library), *paths])
    path = tmp_path / "mallory.py"
    path.write_text(HONEST + """
import os, subprocess
left = 0
for start in (
    lambda: os.fork() or os.execv("/bin/sleep", ["sleep", "987"]),
    lambda: subprocess.Popen(["/bin/sleep", "987"], start_new_session=True),
    lambda: os.posix_spawn("/bin/sleep", ["sleep", "987"], {}),
):
    for _ in range(20):
        try:
            start(); left += 1
        except OSError:
            pass
raise ValueError(f"{left} processes")
""")  # fmt: skip
    found = graded(path, "growing", "swish")
    assert found["growing"].state == "wrong"
    if sys.platform == "linux":
        if not filtered:
            assert "ValueError: 60 processes" in found["swish"].text
        elif confine.platform.machine() in confine.CALLS:
            assert "ValueError: 0 processes" in found["swish"].text
        assert not list(sleepers(987))


def sleepers(seconds):
    """The processes that sleep for so long."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes().endswith(b"sleep\0%d\0" % seconds):
                yield int(entry.parent.name)
        except OSError:
            continue


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_what_calls_setsid_is_ended_too():
    """Where processes can't be forbidden."""
    cage._adopt_orphans()
    before = cage._children()
    code = "import os\nfor _ in range(3):\n    if not os.fork():\n        os.setsid()\n"
    code += "        os.fork()\n        os.execv('/bin/sleep', ['sleep', '986'])\n"
    subprocess.run([sys.executable, "-c", code], check=True, start_new_session=True)
    time.sleep(0.1)
    assert len(cage._children() - before) >= 3
    cage._end_orphans(before)
    assert not cage._children() - before and not list(sleepers(986))


@POSIX
def test_without_a_cage_results_are_as_safe(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no bwrap there
    paths = {}
    for name in ("a call into C without end", "exits in a task", "forges replies", "crashes"):
        paths[name] = tmp_path / f"{name}.py"
        paths[name].write_text(HOSTILE[name][0])
    for name, found in side_by_side(paths, "growing", "step_decay", workers=2).items():
        assert tuple(r.state for r in found.values()) == HOSTILE[name][1], found


@POSIX
def test_without_a_cage_roots_submissions_are_not_roots(tmp_path, monkeypatch):
    monkeypatch.setattr(cage, "bwrap", lambda: None)
    cage.stranger.cache_clear()
    if cage.stranger() is None:  # nobody is root here, or Python is root's alone
        return
    (tmp_path / "mallory.py").write_text(f"""
import os
seen = [os.geteuid() == 0]
for path in ({str(cage.HERE / "judge.py")!r}, f"/proc/{{os.getppid()}}/mem"):
    try: open(path, "r+b"); seen.append(path)
    except OSError: pass
open("mine", "w").write("allowed")
raise ValueError(f"seen: {{seen}}")
""")  # fmt: skip
    found = graded(tmp_path / "mallory.py", "growing")
    cage.stranger.cache_clear()
    assert "ValueError: seen: [False]" in found["growing"].text


@POSIX
def test_of_600_mb_both_ends_are_kept(tmp_path):
    path = tmp_path / "mallory.py"
    endless = "for _ in range(600): os.write(2, b'x' * (1 << 20))"
    path.write_text(f"import os\nos.write(2, b'begin')\n{endless}\nos.write(2, b'end')")
    inside = cage.Cage(path, LIMITS)
    message = judge.pack(["load", str(inside.submission), [], 20.0])
    inside.to.write(message)
    assert judge.unpacked(inside.of.read)[0] == "loaded"
    inside.end()
    inside.close()
    said = inside.said()
    assert said.startswith("begin") and said.endswith("end") and len(said) < 2100


# Notebooks, and what is no submission


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})


@POSIX
def test_magics_and_shell_escapes_do_nothing(tmp_path):
    path = tmp_path / "mallory.ipynb"
    path.write_text(notebook(
        "!touch made", "%%bash\ntouch made", "%%script sh\ntouch made", "x = !touch made",
        "get_ipython().system('touch made')",
        "get_ipython().run_cell_magic('bash', '', 'touch made')",
        "import os\nimport nn\nfrom autograd import exercises\nexercises.check_forward(int).title\n"
        "from nn.exercises import check_growing\nreport = nn.exercises.check_growing(None)\n"
        "assert not report, report.title\n" + HONEST,
        "if os.path.exists('made'): raise ValueError('made')",
    ))  # fmt: skip
    found = graded(path, "growing", "step_decay", "swish")
    assert [r.state for r in found.values()] == [*GRADED, "missing"]
    assert found["swish"].text == "not handed in: swish"


def bad_submissions(folder):
    """Name: what is said of it. Beside them stand two right ones."""
    right = HONEST.replace("epoch: b", "epoch: b * 2 ** ((epoch - 1) // every)")
    (folder / "anna.py").write_text(right)
    with zipfile.ZipFile(folder / "zoe.zip", "w") as archive:
        archive.writestr("folder/work.py", right)
    (folder / "empty.py").write_text("")
    (folder / "binary.py").write_bytes(bytes(range(256)))
    (folder / "coded.py").write_text("# coding: nonsense\n")
    (folder / "wide.py").write_text(HONEST, encoding="utf-16")
    (folder / "wider.py").write_text(HONEST, encoding="utf-16-le")
    (folder / "capital.py").write_text(HONEST.replace("growing", "Growing"))
    (folder / "text.ipynb").write_text("no JSON")
    (folder / "list.ipynb").write_text("[1]")
    (folder / "nothing").mkdir()
    two = folder / "two"
    two.mkdir()
    (two / "a.ipynb").write_text(notebook(HONEST))
    (two / "b.ipynb").write_text(notebook(HONEST.replace("epoch: b", "epoch: 2 * b")))
    for name, path in (
        ("climbs", "../anna.py"),
        ("absolute", "/anna.py"),
        ("deep", "a/../../b.py"),
    ):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(path, HONEST)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"#" * (5 << 20))
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with tarfile.open(folder / "tarred.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("work.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    said = {
        "empty": "not handed in", "binary": "binary.py can't be read",
        "coded": "coded.py can't be read",
        "wide": "wide.py can't be read: invalid or missing encoding declaration for 'wide.py'",
        "wider": "wider.py can't be read: it is no text",
        "capital": "not handed in: growing; did you mean growing where you wrote Growing?",
        "text": "can't be read", "list": "can't be read", "nothing": "no Python file",
        "two": "growing is defined differently in a.ipynb and b.ipynb",
        "climbs": "leads out of it", "absolute": "leads out of it", "deep": "leads out of it",
        "bomb": "more than", "broken": "can't be read", "tarred": "is a link",
    }  # fmt: skip
    if os.name == "posix":
        (folder / "link.py").symlink_to(folder / "anna.py")
        os.mkfifo(folder / "pipe.py")
        os.mkfifo(folder / "nothing" / "work.py")
        os.mkfifo(two / "c.ipynb")
        (two / "link.py").symlink_to(folder / "anna.py")
        said |= {"link": "it is a link", "pipe": "it is no file"}
    return said


def test_bad_input_is_a_line_each(hostile):
    found, said = hostile
    for name, words in said.items():
        result = found[f"bad: {name}"]["growing"]
        assert words in result.text, name
        assert "submission-" not in result.text  # where its copy was
        assert result.state in ("missing", "no result")
    for name in ("anna", "zoe"):
        assert found[f"bad: {name}"]["growing"].state == "right"


@POSIX
def test_the_table_has_a_line_for_everybody(tmp_path):
    right = HONEST.replace("epoch: b", "epoch: b * 2 ** ((epoch - 1) // every)")
    (tmp_path / "anna.py").write_text(right)
    (tmp_path / "\x1b[2Jben.py").write_text("raise ValueError('\\x1b[2J')")
    (tmp_path / "carl.py").write_text("import os; os._exit(0)")
    (tmp_path / "dora.py").symlink_to("anna.py")
    (tmp_path / "two\nlines.py").write_text("")
    table = tmp_path / "table.csv"
    process = subprocess.run(
        [sys.executable, "-m", "autograd.exercises", str(tmp_path), "--csv", str(table)],
        env=outside(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    said = process.stdout + process.stderr
    assert process.returncode == 1, said
    assert "\x1b" not in said
    assert "carl: no result: its process ended, with status 0" in said
    assert "dora: no result: it is a link to something else" in said
    assert ("no bubblewrap" in said) == (cage.bwrap() is None)
    rows = [line.split(",") for line in table.read_text().splitlines()]
    states = {row[0]: row[1:] for row in rows[1:]}
    assert rows[0] == ["submission", "step_decay", "growing"]
    assert states == {
        "anna": ["right", "right"], r"\x1b[2Jben": ["no result", "no result"],
        "carl": ["no result", "no result"], "dora": ["no result", "no result"],
        r"two\nlines": ["missing", "missing"],
    }  # fmt: skip


def test_a_check_that_anything_passes_is_found_out(tmp_path):
    @check("growing")
    def check_anything(growing):
        yield Case("growing(4, 2)", lambda: growing(4, 2), "anything", right=lambda got: True)

    task = TASKS.pop("anything")
    path = tmp_path / "anna.py"
    path.write_text(HONEST)
    result = judge.grade(path, [task], LIMITS)["anything"]
    assert result.state == "no result" and "a known wrong answer passes" in result.text


def test_a_check_that_fails_is_no_result(tmp_path):
    @check("growing")
    def check_failing(growing):
        yield Case("growing(4, 2)", lambda: 1, 1)
        raise KeyError("mine")

    task = TASKS.pop("failing")
    path = tmp_path / "anna.py"
    path.write_text(HONEST)
    found = judge.grade(path, [task, TASKS["step_decay"]], LIMITS)
    assert "the check failed, by KeyError" in found["failing"].text
    assert "in check_failing, test_hostile.py, line" in found["failing"].text
    assert 'raise KeyError("mine")' in found["failing"].text
    assert found["failing"].shown == "no result: the check failed, by KeyError"
    assert found["step_decay"].state == "right"


def test_what_a_check_hands_over_wrongly_is_no_mistake_of_a_student(tmp_path):
    @check("f")
    def check_object(f):
        yield Case("f(object)", lambda: f(object()), 1)

    @check("f")
    def check_callback(f):
        yield Case("f(g)", lambda: f(lambda: nowhere), 1)  # noqa: F821

    @check("f")
    def check_called(f):
        yield Case("f(g)", lambda: f(lambda x: x), 1)

    tasks = [TASKS.pop(name) for name in ("object", "callback", "called")]
    path = tmp_path / "anna.py"
    path.write_text("def f(g):\n    return g() if callable(g) else 1\n")
    found = judge.grade(path, [*tasks], LIMITS)
    said = found["object"].text
    assert "an object of type object can't be handed to a submission\nin <lambda>" in said
    assert "the check failed, by NameError:\nname 'nowhere' is not" in found["callback"].text
    assert "in <lambda>, test_hostile.py" in found["callback"].text
    assert found["called"].state == "wrong" and "in your f, anna.py" in found["called"].text


def test_lines_of_a_teachers_other_files_are_not_called_the_students(tmp_path):
    helper = {"__name__": "helper"}
    source = "def first(x):\n    return x[0]\n\ndef broken(x):\n    return nowhere"
    exec(compile(source, "helper.py", "exec"), helper)

    @check("f")
    def check_first(f):
        yield Case("f()", lambda: helper["first"](f()), 1)

    @check("f")
    def check_broken(f):
        yield Case("f()", lambda: helper["broken"](f()), 1)

    tasks = [TASKS.pop("first"), TASKS.pop("broken")]
    path = tmp_path / "anna.py"
    path.write_text("def f():\n    return 1\n")
    found = judge.grade(path, tasks, LIMITS)
    assert found["first"].state == "wrong"
    assert "not subscriptable\n    look at   what came of your code" in found["first"].text
    assert "the check failed, by NameError" in found["broken"].text
    assert "in broken, helper.py, line 5" in found["broken"].text


def test_messages_that_are_none():
    for data in (b"\0", b"\0\0\0\1", b"\0\0\0\2{}", b"\0\0\0\2[]", b"\0\0\0\3[1]", b"\xff" * 9):
        with pytest.raises(judge.DamagedError):
            judge.unpacked(io.BytesIO(data).read)
    deep = b"[" * 10**5
    with pytest.raises(judge.DamagedError):
        judge.unpacked(io.BytesIO(len(deep).to_bytes(4, "big") + deep).read)
    peer = judge.Peer(lambda *a: None, only_functions=True)
    for data in (
        {}, [], ["what"], ["array", "<f8", [10**9], ""], ["array", "|O", [1], "AAAAAAAA"],
        ["array", "<f8", [-1], ""], ["mine", 0], ["yours", 0], ["yours", "x"], ["yours", -1],
        ["value", [[0, "x", "", None, []]], ["mine", 0]], ["value", [], ["list", []]],
        ["value", [[0, 1.0, "", "os.system", [1.0]]], ["mine", 0]], ["object", "x", "y", []],
        ["class", 0, "a\0b", []], ["function", None, "f", False], ["dict", [[["list", []], 1]]],
        ["int", "0x"], ["generator", 0, ["dict", []]], ["list", 5], ["range", "a"],
    ):  # fmt: skip
        with pytest.raises(judge.DamagedError):
            peer.decode(data)
