"""Fetch published weights: broken downloads go on where they stopped, and what came is checked."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from minircnn import files
from minircnn.progress import progress_bar
from minircnn.weights.catalogue import CATALOGUE, PublishedWeights, cached_file
from minircnn.weights.record import WeightsError

PART = ".part"
"""Ending of a file of which the rest is still to come."""

_PIECE = 1 << 16
"""Bytes; so many are lost at most where a connection breaks off."""
_SECONDS = (10, 60)
"""To wait for a connection, and for the next bytes."""


class FetchError(RuntimeError):
    """Published weights could not be downloaded; the message says how to get them otherwise."""


def fetch(name: str, folder: Path | None = None) -> Path:
    """Return the file of the published weights `name`, downloaded if it is not there yet.

    Parameters
    ----------
    name : str
        In :data:`CATALOGUE`.
    folder : Path, optional
        Where it lies or will lie; default ``MINIRCNN_CACHE`` or the system's place for such files. A download
        that broke off leaves ``NAME.part`` there, and the next call asks for the rest only.

    Raises
    ------
    WeightsError
        If there is no such name, or the file that is there is another one.
    FetchError
        If the server cannot be reached, refuses, breaks off or sends something else.
    """
    if name not in CATALOGUE:
        raise WeightsError(f"no published weights are called {name!r}; there are {', '.join(CATALOGUE)}")
    weights = CATALOGUE[name]
    path = cached_file(weights, folder)
    if path.exists():
        if not is_genuine(path, weights):
            raise WeightsError(
                f"{path}: is not the published file, whose SHA-256 is {weights.sha256}: delete it, then fetch"
            )
        return path
    import pooch

    level = pooch.get_logger().level
    pooch.get_logger().setLevel(logging.WARNING)  # its advice is for those who write programs
    try:
        pooch.retrieve(
            weights.url, None, fname=path.name, path=path.parent, downloader=_Download(weights, path)
        )
    finally:
        pooch.get_logger().setLevel(level)
    return path


def is_genuine(path: Path, weights: PublishedWeights) -> bool:
    """Tell whether the file's SHA-256 is that of `weights`, as far as that is known."""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size).startswith(weights.sha256)


@lru_cache
def _digest(path: Path, changed: int, size: int) -> str:
    """Return the SHA-256 of a file that was `changed` then: half a gigabyte takes a second."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Broken(Exception):
    """The server sent too little or too much."""


class _Download:
    """What pooch calls to download a file; its own downloaders begin anew each time."""

    def __init__(self, weights: PublishedWeights, path: Path) -> None:
        self.weights = weights
        self.path = path
        self.part = path.with_name(path.name + PART)

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Write what lies at `url` to `output_file`."""
        import requests

        try:
            self.receive(url)
        except (requests.RequestException, _Broken) as error:
            raise self.failure(_reason(error)) from error
        if not is_genuine(self.part, self.weights):
            size = self.part.stat().st_size
            self.part.unlink()
            raise self.failure(f"the {size:,} bytes that came are another file: their SHA-256 is wrong")
        files.rename(self.part, output_file)

    def receive(self, url: str) -> None:
        """Add to the part what is missing of it, or all where the server sends nothing less."""
        import requests

        there = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
        with requests.get(url, headers=headers, stream=True, timeout=_SECONDS) as response:
            if response.status_code == 416 and there:  # nothing lies behind what is there
                return
            response.raise_for_status()
            if not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
                self.part.unlink(missing_ok=True)
                there = 0
            length = response.headers.get("Content-Length", "")
            total = there + int(length) if length.isdecimal() else None
            with progress_bar(
                total=total, initial=there, desc=self.path.name, unit="B", unit_scale=True, delay=1
            ) as bar:
                files.append_pieces(self.part, self.pieces(response, bar))
        if total is not None and self.part.stat().st_size < total:
            raise _Broken(f"the connection broke off after {self.part.stat().st_size:,} of {total:,} bytes")

    def pieces(self, response: Any, bar: Any) -> Iterator[bytes]:
        """Yield what the server sends, unless it is far more than it should be."""
        most = 2 * self.weights.size
        for piece in response.iter_content(_PIECE):
            bar.update(len(piece))
            most -= len(piece)
            if most < 0:
                raise _Broken(f"the server sends more than twice the {self.weights.size:,} bytes expected")
            yield piece

    def failure(self, reason: str) -> FetchError:
        """Return the error that says what happened and what can be done."""
        kept = ""
        with suppress(OSError):
            kept = (
                f" What came is kept ({self.part.stat().st_size:,} bytes): the same call goes on from there."
            )
        return FetchError(
            f"{self.weights.url} was not downloaded: {reason}.{kept} Without a connection: download it "
            f"elsewhere (about {self.weights.size / 1e6:,.0f} MB) and put it there: {self.path}"
        )


def _reason(error: Exception) -> str:
    """Return in a few words why there was no answer."""
    import requests

    if isinstance(error, requests.HTTPError):
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "there is no connection to the server, or it broke off"
    return str(error)
