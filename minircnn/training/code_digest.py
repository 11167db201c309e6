"""A digest of the package's code: what was made by another version must not be taken for this one's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import minircnn

_APART = {"cli", "exercises", "experiments", "interop", "pretrained", "textbook", "viz"}
"""Rooms that no training enters."""


def code_digest() -> str:
    """Return a digest of the modules that a training may use."""
    root = Path(minircnn.__file__).parent
    used = (path for path in root.rglob("*.py") if not _APART & set(path.relative_to(root).parts))
    return digest_of_files(used)


def digest_of_files(paths: Iterable[Path]) -> str:
    """Return a digest of the names and contents of source files, in whatever order they come."""
    root = Path(minircnn.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
