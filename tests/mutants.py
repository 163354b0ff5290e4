"""Mutation testing: small mistakes put into the code, and the share of them that no test notices.

    python tests/mutants.py --count 400 --seed 0 --json mutants.jsonl
    python tests/mutants.py --count 400 --seed 0 --json mutants.jsonl --resume

A mutant is the code with one change (see `mutations`). Of all that there are some are drawn, each
as likely as the others. Each is tried on the tests that run its line, the quickest first, until one
fails, or takes far longer than it should. It survives where none does. Only the fast subset is run
(``-m "not slow"``). Some survivors are equivalent, as ``i != n`` is to ``i < n`` where i counts up
to n: only a reader can tell.

All this happens in a copy of the checkout, whose tests are collected once. A function is mutated by
giving it its new code in a fork of that process. What runs on import is imported anew, and the
tests with it. So a mutant takes a second, where a new process would take ten. POSIX only.
"""

import argparse
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import hypothesis
import pytest
from mutations import mutants_of

ROOMS = ["autograd", "nn/model", "nn/train"]
PROFILE = "mutants"  # of hypothesis: the same examples in each run, and no time lost on small ones
OPTIONS = ["-m", "not slow", "-s", "-qq", "--no-header", "--no-summary", "-p", "no:cacheprovider"]
Cache = type(functools.cache(len))
OPTIONS += [f"--hypothesis-profile={PROFILE}", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


def in_fork(work, seconds):
    """What ``work(answer)`` answers in a fork of this process; None if it does not in that time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answer")

        def answer(x):
            path.write_text(json.dumps(x))
            os._exit(0)

        process = os.fork()
        if process == 0:
            try:
                os.setsid()
                nothing = os.open(os.devnull, os.O_RDWR)
                for file in range(3):
                    os.dup2(nothing, file)
                work(answer)
            except BaseException as error:
                answer(f"{type(error).__name__}: {error}")
            finally:
                os._exit(1)
        end = time.monotonic() + seconds
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.killpg(process, signal.SIGKILL)
                os.waitpid(process, 0)
                break
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):  # what the tests have started
            os.killpg(process, signal.SIGKILL)
        return json.loads(path.read_text()) if path.exists() else None


def run(items, plugin):
    """Run tests that are collected."""
    config = items[0].config
    config.pluginmanager.register(plugin)
    for item, following in zip(items, [*items[1:], None], strict=True):
        config.hook.pytest_runtest_protocol(item=item, nextitem=following)


class Recorder:
    """Notes how long each test takes, which fail, and, in ``lines``, which lines each runs."""

    def __init__(self, lines):
        self.lines, self.trace = lines, None
        self.times, self.failed = {}, []
        caches = (thing for thing in gc.get_objects() if isinstance(thing, Cache))
        self.caches = [c.cache_clear for c in caches if is_ours(sys.modules.get(c.__module__))]
        self.caches.append(sys.modules["autograd.compiler"]._kept._by_key.clear)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        for clear in self.caches:  # what was made for another test, each would make alone
            clear()
        if self.trace is None or sys.gettrace() is not self.trace:  # a test has set its own
            self.lines.start()
            self.trace = sys.gettrace()
        self.lines.switch_context(item.nodeid)
        before = sum(os.times()[:4])  # in CPU time, that of its processes with it
        try:
            return (yield)
        finally:
            self.times[item.nodeid] = sum(os.times()[:4]) - before

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)


class Judge:
    """Answers with the first test that fails; a test that takes far too long ends the process."""

    def __init__(self, times, answer):
        self.times, self.answer = times, answer

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        found = {item.nodeid: item for item in items}
        items[:] = [found[name] for name in self.times if name in found]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        signal.setitimer(signal.ITIMER_PROF, 3 + 10 * self.times[item.nodeid])
        return (yield)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.answer(report.nodeid)

    pytest_collectreport = pytest_runtest_logreport


def is_ours(module):
    return (getattr(module, "__file__", None) or "").startswith(os.getcwd() + os.sep)


def lines_on_import():
    """For each file the lines that run when it is imported."""
    importing = coverage.Coverage(data_file=None, source=["autograd", "nn"], config_file=False)
    importing.start()
    for package in ("autograd", "nn"):
        for module in pkgutil.walk_packages([package], f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    importing.stop()
    data = importing.get_data()
    return {os.path.relpath(file): set(data.lines(file)) for file in data.measured_files()}


def new_code(old, new):
    """For each function of a module the code it has after a change; None where they don't match."""
    pairs = {}

    def match(a, b):
        pairs[a] = b
        inner, others = ([c for c in x.co_consts if isinstance(c, CodeType)] for x in (a, b))
        same = len(inner) == len(others) and a.co_freevars == b.co_freevars
        return same and all(
            match(*pair) for pair in zip(inner, others, strict=True) if pair[0] != pair[1]
        )

    return pairs if match(old, new) else None


class Mutants:
    """What pytest does with the tests that it has collected, in place of running them."""

    def __init__(self, arguments, output, on_import):
        self.arguments, self.output, self.on_import = arguments, output, on_import

    def pytest_runtestloop(self, session):
        gc.unfreeze()  # tests/conftest.py has hidden what was imported: here it is looked for
        paths = [
            path
            for room in map(Path, self.arguments.rooms)
            for path in ([room] if room.is_file() else sorted(room.rglob("*.py")))
            if "exercises" not in path.parts
        ]
        seed, known = self.arguments.seed, {}
        every = [mutant for path in paths for mutant in mutants_of(str(path), seed)]
        drawn = sorted(every, key=lambda mutant: mutant.rank)[: self.arguments.count]
        if self.arguments.resume and self.output.exists():
            for row in map(json.loads, self.output.read_text().splitlines()):
                known[row["file"], row["old"], row["rank"]] = row["result"]
        print(f"{len(drawn)} of {len(every)} mutants, {len(session.items)} tests", flush=True)
        self.record(session.items)
        survivors = []
        for i, mutant in enumerate(drawn, start=1):
            result = known.get((mutant.file, mutant.old, mutant.rank), "survived")
            if result.startswith("survived"):
                began = time.monotonic()
                result = self.result(mutant)
                row = asdict(mutant) | {"result": result, "seconds": time.monotonic() - began}
                if self.output:
                    with self.output.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
            if result.startswith("survived"):
                survivors.append(mutant)
                print(f"{i:4} {mutant} ({result})", flush=True)
        low, high = wilson(len(survivors), len(drawn))
        share = len(survivors) / len(drawn)
        print(f"{len(survivors)} of {len(drawn)} survive: {share:.1%} ({low:.1%} to {high:.1%})")
        return True

    def record(self, items):
        """Run all tests once without a mutant."""
        self.items = {item.nodeid: item for item in items}
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder, "lines"))

            def work(answer):
                lines = coverage.Coverage(file, source=["autograd", "nn"], config_file=False)
                lines.set_option("run:disable_warnings", ["trace-changed"])
                recorder = Recorder(lines)
                run(items, recorder)
                lines.stop()
                lines.save()
                answer([recorder.times, recorder.failed])

            found = in_fork(work, 3600)
            if not isinstance(found, list):
                raise RuntimeError(f"the tests can't be recorded: {found}")
            self.times, failed = found
            for name in failed:
                print(f"left out, as it fails without a mutant: {name}")
                self.times.pop(name, None)
            data = coverage.CoverageData(file)
            data.read()
            self.tests = {
                os.path.relpath(path): {
                    line: self.times.keys() & set(names)
                    for line, names in data.contexts_by_lineno(path).items()
                }
                for path in data.measured_files()
            }
        ours = (os.path.abspath("autograd"), os.path.abspath("nn"))
        functions = (thing for thing in gc.get_objects() if type(thing) is FunctionType)
        self.functions = [f for f in functions if f.__code__.co_filename.startswith(ours)]
        gc.freeze()  # else each fork copies what its collector looks at

    def result(self, mutant):
        """Whether a mutant is killed, and by which test."""
        path = Path(mutant.file).absolute()
        source = path.read_bytes()
        lines = range(mutant.lines[0], mutant.lines[1] + 1)
        of_file = self.tests.get(mutant.file, {})
        names = set().union(*(of_file.get(line, ()) for line in lines))
        imported = mutant.place == "FunctionDef" and self.on_import.get(mutant.file, set()) & {
            *lines
        }
        codes = None
        if mutant.place == "" or imported:
            # A test that reads a table runs no line of it: so all tests of the files with some.
            names = set().union(*of_file.values()) or set(self.times)
            near = {name.split("::")[0] for name in names}
            names = {name for name in self.times if name.split("::")[0] in near}
        else:
            both = (source, mutant.applied(source))
            codes = new_code(*(compile(text, path, "exec") for text in both))
        names = sorted(names, key=lambda name: (self.times[name], name))
        if not names:
            return "survived: no test runs it"

        def work(answer):
            judge = Judge({name: self.times[name] for name in names}, answer)
            if codes is None:
                for name in [name for name, module in sys.modules.items() if is_ours(module)]:
                    del sys.modules[name]
                files = sorted({name.split("::")[0] for name in names})
                code = pytest.main([*OPTIONS, *files], plugins=[judge])
                answer("" if code in (0, 5) else f"pytest, which ends with {code}")
            for function in self.functions:
                if function.__code__.co_filename == str(path):
                    function.__code__ = codes.get(function.__code__, function.__code__)
            run([self.items[name] for name in names], judge)
            answer("")

        path.write_bytes(mutant.applied(source))  # also for processes that tests start
        try:
            failed = in_fork(work, 60 + 20 * sum(self.times[name] for name in names))
        finally:
            path.write_bytes(source)
        if failed is None:
            return "killed: it hangs"
        return f"killed by {failed}" if failed else f"survived {len(names)} tests"


def wilson(k, n, z=1.96):
    """The 95% interval of a share, k seen of n (Wilson 1927)."""
    middle, half = k + z * z / 2, z * (k * (n - k) / n + z * z / 4) ** 0.5
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)


def main():
    parser = argparse.ArgumentParser(description="Which share of small mistakes no test notices.")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help="folders or files")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="a file to add a line to for each mutant")
    parser.add_argument(
        "--resume", action="store_true", help="leave out what --json says is killed"
    )
    arguments = parser.parse_args()
    output = arguments.json and arguments.json.absolute()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder, "checkout").resolve()
        leave = shutil.ignore_patterns(".venv", ".git", "__pycache__")
        shutil.copytree(Path(__file__).parent.parent, there, ignore=leave)
        os.chdir(there)
        del sys.modules["mutations"]  # pytest looks into all files there
        sys.path[0] = os.environ["PYTHONPATH"] = str(there)
        # Bytecode of a module of the same size and second would be taken for that of the mutant.
        sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a fork has no other threads
        os.environ["COVERAGE_CORE"] = "ctrace"  # the one that knows tests apart
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile(
            PROFILE, derandomize=True, database=None, deadline=None, phases=phases
        )
        return pytest.main(OPTIONS, plugins=[Mutants(arguments, output, lines_on_import())])


if __name__ == "__main__":
    sys.exit(main())
