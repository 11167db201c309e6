"""Keep what the pages' blocks print, so that a page whose prose has changed is built in seconds.

A hook of the site's build, which works only where the variable MINIRCNN_KEPT_BLOCKS names a folder. A block's
result is kept under a digest of the blocks of its session up to it, of the files of `_SEEN_BY_BLOCKS` but for
prose, and of the libraries' versions: not of the environment, nor of what lies outside the checkout. Blocks
of a session that were taken from the folder are run after all when a later one, which may use their names,
has to be.

Two builds at a time may share a folder. One that begins with the last page (MINIRCNN_LAST_PAGE_FIRST) meets
the other in the middle, and both are done in half the time.
"""

import hashlib
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from markdown_exec._internal.formatters import python

from minircnn.files import write_text

_ROOT = Path(__file__).resolve().parents[1]
_SEEN_BY_BLOCKS = ("minircnn", "docs", "benchmarks", "tests", "pyproject.toml", "mkdocs.yml")
_VARIABLE = "MINIRCNN_KEPT_BLOCKS"
_BACKWARDS = "MINIRCNN_LAST_PAGE_FIRST"

Run = Callable[..., str]


class KeptBlocks:
    """Runs the blocks that `folder` does not hold; `seen` is a digest of all that they can see."""

    def __init__(self, run: Run, folder: Path, seen: str) -> None:
        self._run, self._folder, self._seen = run, folder, seen
        self._digests: dict[str, str] = {}  # of a session, up to its latest block
        self._not_run: dict[str, list[Callable[[], str]]] = defaultdict(list)

    def __call__(self, code: str, *, session: str | None = None, **options: Any) -> str:
        """Return what a block prints."""
        before = self._digests.get(session, "") if session else ""
        parts = [self._seen, before, code, repr(sorted(options.items()))]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
        if session:
            self._digests[session] = digest
        run = partial(self._run, code, session=session, **options)
        file = self._folder / f"{digest}.html"
        if file.is_file():
            if session:
                self._not_run[session].append(run)
            return file.read_text(encoding="utf-8")
        if session:
            for earlier in self._not_run.pop(session, ()):
                earlier()
        printed = run()  # raises where the block does: then nothing is kept
        if not file.is_file():  # a block that tells seconds prints others in another build
            write_text(file, printed)
        return file.read_text(encoding="utf-8")


def on_startup(**_: Any) -> None:
    """Put the kept blocks between the pages and Python, if a folder for them is named."""
    if folder := os.environ.get(_VARIABLE):
        python._run_python = KeptBlocks(python._run_python, Path(folder), _all_but_prose())


def on_files(files: Any, **_: Any) -> Any:
    """Let the pages be made from the last to the first, if asked."""
    return type(files)(list(files)[::-1]) if os.environ.get(_BACKWARDS) else files


def _all_but_prose() -> str:
    """Return a digest of the versions of Python and the libraries, and of all files that a block can see."""
    digest = hashlib.sha256(sys.version.encode())
    for line in sorted(f"{found.name} {found.version}" for found in distributions()):
        digest.update(line.encode())
    for place in _SEEN_BY_BLOCKS:
        for path in sorted([_ROOT / place, *(_ROOT / place).rglob("*")]):
            if path.is_file() and path.suffix not in (".md", ".pyc"):
                digest.update(path.relative_to(_ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
