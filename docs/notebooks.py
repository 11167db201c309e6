"""Every walkthrough as a Jupyter notebook and as a script: ``python -m docs.notebooks OUT`` writes them all.

As a hook of the site's build it puts both beside their page, which links to them. They hold no results.
Running them needs the installed package with its ``viz`` extra, and no file of this repository.
"""

import posixpath
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from docs.blocks import blocks_of
from docs.cells import cells_of
from minircnn import __version__

FOLDER = "walkthroughs"
FIGURE = "figure"  # the tag of the cells that end with one
_DOCS = Path(__file__).parent
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_NOTE = "*A page of minircnn's documentation. To run it takes minircnn {} with its `viz` extra.*"
_LINKS = (
    '<p class="downloads">Run this page yourself: <a href="{0}.ipynb" download>notebook</a>, '
    '<a href="{0}.py" download>script</a>.</p>'
)


def notebook(text: str, name: str, url: str = "") -> nbformat.NotebookNode:
    """Return a page as a notebook; the arguments are those of :func:`docs.cells.cells_of`."""
    first, *rest = cells_of(text, name, url)
    heading, _, below = first.text.partition("\n")
    cells = [new_markdown_cell(f"{heading}\n\n{_NOTE.format(__version__)}\n{below}")]
    for cell in rest:
        new = new_code_cell if cell.kind == "code" else new_markdown_cell
        cells.append(new(cell.text, metadata={"tags": [FIGURE]} if cell.shows_figure else {}))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # the same in every build
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    made = new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(made)
    return made


def reason_against(text: str) -> str:
    """Return why a page cannot be a notebook, or nothing."""
    used = any("benchmarks" in block.code for block in blocks_of(text) if block.is_executed)
    return "it reads the repository's benchmarks" if used else ""


def write(text: str, name: str, path: Path, url: str = "") -> None:
    """Write a page as the notebook `path` and the script beside it."""
    made = notebook(text, name, url)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    # no header in the script
    made.metadata["jupytext"] = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}
    path.with_suffix(".py").write_text(jupytext.writes(made, fmt="py:percent"), encoding="utf-8")


def on_page_content(html: str, page: Any, config: Any, **_: Any) -> str:
    """Write a walkthrough's notebook and script into the built site, and link to them below its heading."""
    source = Path(page.file.abs_src_path)
    text = source.read_text(encoding="utf-8")
    if not page.file.src_uri.startswith(f"{FOLDER}/") or reason_against(text):
        return html
    path = Path(config.site_dir, posixpath.dirname(page.url), source.stem).with_suffix(".ipynb")
    write(text, page.file.src_uri, path, urljoin(config.site_url, page.url) if config.site_url else "")
    heading, end, below = html.partition("</h1>")
    return f"{heading}{end}\n{_LINKS.format(source.stem)}{below}"


def main(out: Path) -> None:
    """Write the notebooks and scripts of all walkthroughs into the folder `out`."""
    for page in sorted((_DOCS / FOLDER).glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if reason := reason_against(text):
            print(f"{page.name} is left out: {reason}")
        else:
            write(text, page.name, out / f"{page.stem}.ipynb")
            print(f"{out / page.stem}.ipynb and .py")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.notebooks OUT")
    main(Path(sys.argv[1]))
