"""Execute notebooks as a reader does, cell by cell: ``python tests/run_notebooks.py FOLDER``.

Wants ``nbclient`` and ``ipykernel`` beside the package; the notebooks run in their folder. Fails where a cell
raises, or one that ends with a figure does not show it.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def run(path):
    """Execute the notebook `path` and return how many figures it shows."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=900,
        startup_timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
    ).execute()
    figures = [cell for cell in notebook.cells if "figure" in cell.metadata.get("tags", [])]
    for cell in figures:
        if not any("image/png" in output.get("data", {}) for output in cell.outputs):
            sys.exit(f"{path.name}: a cell shows no figure:\n{cell.source}")
    return len(figures)


def main(folder):
    """Execute all notebooks of `folder`."""
    paths = sorted(folder.glob("*.ipynb"))
    if not paths:
        sys.exit(f"{folder} has no notebook")
    for path in paths:
        print(path.name, end=" ", flush=True)
        start = time.perf_counter()
        figures = run(path)
        print(f"ran in {time.perf_counter() - start:.0f} s and shows {figures} figures")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
