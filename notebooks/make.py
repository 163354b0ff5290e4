"""Keep the notebooks fresh: run the course, and make the exercises out of their solutions.

    python notebooks/make.py                    # all
    python notebooks/make.py 3_backpropagation  # one notebook of the course
    python notebooks/make.py otter FOLDER       # the exercises for otter-grader, into a folder
    python notebooks/make.py nbgrader FOLDER    # and for nbgrader
    python notebooks/make.py site [FOLDER]      # the course as a static site: website.py

The course's notebooks are edited in Jupyter, and are stored with what they show. An exercise is a
solution, in notebooks/solutions, with holes: see holes.py.
"""

import copy
import re
import sys
from pathlib import Path

import graders
import nbformat
from holes import for_students, hole, rewritten
from nbclient import NotebookClient
from nbformat import NotebookNode

HERE = Path(__file__).parent
COURSE, EXERCISES, SOLUTIONS = HERE, HERE / "exercises", HERE / "solutions"


def exercise_of(solution: NotebookNode) -> NotebookNode:
    """The notebook that students open."""
    exercise = copy.deepcopy(solution)
    exercise.cells = list(for_students(solution))
    for cell in exercise.cells:
        if cell.cell_type == "code":
            cell.source = rewritten(cell.source, hole)
    return exercise


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Without what differs from run to run though nothing has changed: ids, times, versions.

    Graphviz writes its version into comments of its pictures.
    """
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"
        cell.metadata = {k: cell.metadata[k] for k in ("jupyter", "tags") if cell.metadata.get(k)}
        for output in cell.get("outputs", []):
            if "image/svg+xml" in output.get("data", {}):
                svg = output.data["image/svg+xml"]
                output.data["image/svg+xml"] = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    return notebook


def read(path: Path) -> NotebookNode:
    """A notebook from a file."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """A notebook into a file."""
    nbformat.write(tidy(notebook), path)  # type: ignore[no-untyped-call]
    print(path.relative_to(HERE.parent))


def run(path: Path, folder: Path = HERE, seconds: float | None = None) -> NotebookNode:
    """A notebook as it is after a run in a folder, each cell within so many seconds."""
    notebook = read(path)
    place = {"metadata": {"path": folder}}
    NotebookClient(notebook, timeout=seconds, resources=place, coalesce_streams=True).execute()
    return notebook


def main(names: list[str]) -> None:
    """Run the course's notebooks, all or those named, and make all exercises.

    Or make the exercises for a grader, or the site.
    """
    if len(names) == 2 and names[0] in ("otter", "nbgrader"):
        solutions = {path.stem: read(path) for path in sorted(SOLUTIONS.glob("*.ipynb"))}
        for path in graders.make(names[0], solutions, Path(names[1])):
            print(path)
        return
    if names[:1] == ["site"]:
        from website import build  # needs JupyterLite, which the rest does not

        folder = Path(names[1]) if len(names) > 1 else HERE.parent / "dist" / "site"
        build(folder, [*sorted(COURSE.glob("*.ipynb")), *sorted(EXERCISES.glob("*.ipynb"))])
        print(f"serve it: {sys.executable} -m http.server --directory {folder}")
        return
    for path in sorted(COURSE.glob("*.ipynb")):
        if not names or path.stem in names:
            write(run(path), path)
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        solution = read(path)
        write(exercise_of(solution), EXERCISES / path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
