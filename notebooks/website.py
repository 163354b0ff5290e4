"""The course as a static site, whose notebooks run in the reader's browser: nothing is installed.

    python notebooks/make.py site          # into dist/site
    python notebooks/make.py site FOLDER

JupyterLite shows the notebooks, Pyodide is Python as WebAssembly, and Viz.js is Graphviz as
WebAssembly. All that the course needs is put into the folder; what can't be had while it is built
stays a link to Pyodide's own server, and is named.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat

HERE = Path(__file__).parent
ROOT = HERE.parent
ASSETS = HERE / "website"  # the first page, what looks at the browser, and what makes byte code
VIZ = "@viz-js/viz@3.31.0"
PYODIDE = "0.29.3"  # the one that jupyterlite-pyodide-kernel 0.7.2 is made for
SERVER = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
RUNTIME = ("pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
# Which the kernel loads as it starts: from the lock, all at once, and not one by one from PyPI.
KERNEL = [
    "micropip",
    "piplite",
    "sqlite3",
    "ipykernel",
    "comm",
    "pyodide_kernel",
    "jedi",
    "ipython",
]
OTHERS = ["comm==0.2.3", "graphviz==0.21"]  # from PyPI, beside those that Pyodide lists
# Graphviz is ready before Python is: drawing can't wait.
WITH_VIZ = """
globalThis.loadPyodide = ((load) => async (options) => {
  globalThis.viz = await Viz.instance();
  return load(options);
})(globalThis.loadPyodide);
"""


def build(folder: Path, notebooks: Sequence[Path], wheels: Path | None = None) -> None:
    """Build the site.

    Args:
        folder: where to; an older site there is replaced.
        notebooks: which to take along, in the order of the first page.
        wheels: a folder of wheels to take in place of Pyodide's; they need no other package.

    Raises:
        FileExistsError: the folder holds something else.
        CalledProcessError: npm, pip or JupyterLite failed; they have said why.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "jupyter-lite.json").exists():
        raise FileExistsError(f"{folder} holds something else than a site: name another folder")
    with tempfile.TemporaryDirectory() as name:
        work, made = Path(name), Path(name) / "made"
        runtime = work / "lite" / "static" / "pyodide"
        runtime.mkdir(parents=True)
        put_runtime(runtime, work, wheels)
        for path in notebooks:
            target = work / "lite" / "files" / path.relative_to(HERE)
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(cleared(path), target)  # type: ignore[no-untyped-call]
        settings = {"loadPyodideOptions": {"packages": KERNEL}}
        config = {
            "jupyter-lite-schema-version": 0,
            "jupyter-config-data": {
                "appName": "chalkgrad",
                "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": settings},
            },
        }
        (work / "lite" / "jupyter-lite.json").write_text(json.dumps(config))
        run(
            sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", work / "lite",
            "--output-dir", made, "--apps", "lab", "--no-sourcemaps", cwd=work,
        )  # fmt: skip
        put_pages(made, notebooks)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, folder)


def cleared(path: Path) -> Any:
    """A notebook without outputs, for the kernel of the site."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    if re.search(
        r"datasets\.load\(\"(?!moons)|datasets\.load\(name", "".join(c.source for c in code)
    ):
        # Pyodide fetches what a cell imports, not what a function in a library imports later.
        code[0].source = f"import sklearn  # brings the data sets\n{code[0].source}"
    notebook.metadata.kernelspec = {"name": "python", "display_name": "Python (Pyodide)"}
    return notebook


def put_runtime(runtime: Path, work: Path, wheels: Path | None) -> None:
    """Pyodide with Viz.js, our wheel and all that the course imports."""
    run("npm", "install", "--silent", "--prefix", work, f"pyodide@{PYODIDE}", VIZ)
    modules = work / "node_modules"
    for name in RUNTIME:
        shutil.copy(modules / "pyodide" / name, runtime)
    scripts = (modules / "pyodide" / "pyodide.js", modules / "@viz-js/viz/dist/viz-global.js")
    texts = [
        re.sub(r"^//# sourceMappingURL.*", "", s.read_text("utf-8"), flags=re.M) for s in scripts
    ]
    (runtime / "pyodide.js").write_text("\n".join([*texts, WITH_VIZ]), encoding="utf-8")

    lock = json.loads((modules / "pyodide" / "pyodide-lock.json").read_text("utf-8"))
    packages: dict[str, Any] = lock["packages"]
    del packages["autograd"]  # another one, which would be put over ours when it is imported
    own = sorted(wheels.glob("*.whl")) if wheels else []
    for wheel in own:
        packages[key(wheel.name.split("-")[0])]["depends"] = []
    wanted = needed(packages, ["ipython", "jedi", "micropip", "sqlite3", "numpy", "matplotlib"])
    found = work / "wheels"
    pure = [p for p in wanted if p["file_name"].endswith("-none-any.whl")]
    pip("download", found, *OTHERS, *(f"{p['name']}=={p['version']}" for p in pure))
    pip("wheel", found, ROOT)
    kernel = Path(sys.prefix, "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension")
    for wheel in [*(kernel / "static" / "pypi").glob("*.whl"), *own]:
        if not wheel.name.startswith("widgetsnbextension"):
            shutil.copy(wheel, found)
    far = [p["name"] for p in wanted if not here(p, found) and not fetched(p, found)]
    if far:
        print(f"not here, and left to {SERVER} when a notebook is opened: {', '.join(far)}")
    for package in packages.values():
        package["file_name"] = SERVER + package["file_name"]
    for wheel in found.glob("*.whl"):
        shutil.copy(wheel, runtime)
    run("node", ASSETS / "precompile.mjs", modules / "pyodide", runtime)
    for wheel in sorted(runtime.glob("*.whl")):
        entry = entry_of(wheel)
        known = packages.get(key(entry["name"]), {})
        packages[key(entry["name"])] = {"imports": [], "depends": []} | known | entry
    packages["chalkgrad"] |= {
        "imports": ["autograd", "nn"],
        "depends": ["numpy", "graphviz", "matplotlib"],
    }
    (runtime / "pyodide-lock.json").write_text(json.dumps(lock))


def needed(packages: dict[str, Any], names: Iterable[str]) -> list[Any]:
    """Packages of Pyodide's list, with what they depend on."""
    waiting, found = list(names), {}
    while waiting:
        name = key(waiting.pop())
        if name not in found:
            found[name] = packages[name]
            waiting += packages[name]["depends"]
    return list(found.values())


def key(name: str) -> str:
    """A package's name as Pyodide's list has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def here(package: Any, found: Path) -> bool:
    """Whether a folder has a wheel of a package."""
    return any(key(wheel.name.split("-")[0]) == key(package["name"]) for wheel in found.iterdir())


def fetched(package: Any, found: Path) -> bool:
    """Fetch a wheel from Pyodide's server, if it can be reached and gives what the list says."""
    try:
        with urllib.request.urlopen(SERVER + package["file_name"], timeout=30) as answer:
            data = answer.read()
    except OSError:
        return False
    if hashlib.sha256(data).hexdigest() != package["sha256"]:
        return False
    (found / package["file_name"]).write_bytes(data)
    return True


def entry_of(wheel: Path) -> dict[str, Any]:
    """What Pyodide's list says of a wheel."""
    name, version = wheel.name.split("-")[:2]
    return {
        "name": key(name), "version": version, "file_name": wheel.name, "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(), "package_type": "package",
        "unvendored_tests": False,
    }  # fmt: skip


def put_pages(made: Path, notebooks: Sequence[Path]) -> None:
    """The first page, the players and the playground; and a look at the browser on each page."""
    from autograd import Value, draw
    from nn import MLP, bernoulli_nll, datasets, live

    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    f = x.log() + x * y - y.sin()
    f.label = "f"
    f.backward()
    (made / "players").mkdir()
    draw(f).steps().save(made / "players" / "steps.html")
    draw(f).live().save(made / "players" / "live.html")
    net = MLP(2, [8, 4, 1], activation="tanh", rng=None)
    live(net, bernoulli_nll, datasets.load("moons")).save(made / "players" / "playground.html")

    shutil.copy(ASSETS / "check.js", made)
    lab = made / "lab" / "index.html"
    text = lab.read_text("utf-8")
    lab.write_text(text.replace("<head>", '<head><script src="../check.js"></script>', 1), "utf-8")
    rows = "\n".join(row_of(path, notebooks) for path in notebooks if path.parent == HERE)
    page = (ASSETS / "index.html").read_text("utf-8").replace("<!-- the course -->", rows)
    (made / "index.html").write_text(page, encoding="utf-8")


def row_of(path: Path, notebooks: Sequence[Path]) -> str:
    """A line of the first page: a notebook of the course, and its exercises."""
    title = nbformat.read(path, as_version=4).cells[0].source.split("\n")[0].lstrip("# ")  # type: ignore[no-untyped-call]
    exercises = path.parent / "exercises" / path.name
    places = {escape(title): path}
    if exercises in notebooks:
        places["exercises"] = exercises
    links = [
        f'<a href="lab/index.html?path={place.relative_to(HERE).as_posix()}">{name}</a>'
        for name, place in places.items()
    ]
    return f"<li>{', '.join(links)}</li>"


def pip(command: str, target: Path, *what: object) -> None:
    """Download wheels that run everywhere, or make one, without what they depend on."""
    pure = [
        "--only-binary",
        ":all:",
        "--implementation",
        "py",
        "--abi",
        "none",
        "--platform",
        "any",
    ]
    options = [*pure, "--python-version", "3.13", "-d"] if command == "download" else ["-w"]
    run(sys.executable, "-m", "pip", "-q", command, "--no-deps", *options, target, *what)


def run(*command: object, cwd: Path | None = None) -> None:
    """A program, which says nothing unless it fails."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        done.check_returncode()
