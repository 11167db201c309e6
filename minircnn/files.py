"""Files written whole or not at all, and text read whatever system wrote it.

Everything the package writes goes through here: a reader, or a run that goes on after a crash, finds the old
file or the new one, never half of one.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PARTIAL = ".partial"
"""Ending of a file that is being written; what is left of one can be deleted."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TextError(ValueError):
    """A text file is in no encoding that can be told for sure; the message names the file and the mend."""


def write_bytes(path: Path | str, payload: bytes) -> Path:
    """Write `payload` to `path` atomically, making missing folders, and return the path.

    The file is complete on the disk before it takes its name. A link is followed; what is no file (a device,
    a pipe) is written to directly.

    Raises
    ------
    OSError
        Naming `path`, if it cannot be written or the disk is full; what was there before is untouched.
    """
    path = Path(path)
    with _named(path):
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(payload)
            return path
        # a name of its own for each process, so that two of them do not write into one file
        partial = target.with_name(f".{target.name}.{os.getpid()}{PARTIAL}")
        try:
            _write_and_sync(partial, payload)
            os.replace(partial, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(partial)
            raise
    return path


def write_text(path: Path | str, text: str) -> Path:
    """Write `text` to `path` as UTF-8, as :func:`write_bytes` does."""
    return write_bytes(path, text.encode("utf-8"))


def append_line(path: Path | str, line: str) -> None:
    """Append `line` and a line end to `path`, in one write: a crash leaves at most one torn last line.

    Raises
    ------
    OSError
        Naming `path`, if it cannot be written.
    """
    path = Path(path)
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            _write_all(handle, line.encode("utf-8") + b"\n")
        finally:
            os.close(handle)


def append_pieces(path: Path | str, pieces: Iterable[bytes]) -> None:
    """Append `pieces` to `path` as they come: what has come before a crash or an interruption stays.

    Raises
    ------
    OSError
        Naming `path`, if it cannot be written; and what `pieces` raises.
    """
    path = Path(path)
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        for piece in pieces:
            with _named(path):
                _write_all(handle, piece)
        with _named(path):
            os.fsync(handle)
    finally:
        os.close(handle)


def rename(path: Path | str, name: Path | str) -> None:
    """Give a file that is complete its name, in the place of what had it."""
    os.replace(path, name)


def remove_partial(path: Path, *, older_than: float = 0.0) -> None:
    """Delete the partial file `path` of a process that was killed, if it is so many seconds old."""
    with suppress(OSError):
        if path.name.endswith(PARTIAL) and time.time() - path.stat().st_mtime >= older_than:
            os.unlink(path)


def read_bytes(path: Path | str) -> bytes:
    """Return what `path` holds.

    Raises
    ------
    OSError
        If it is missing, cannot be read, or is no file.
    """
    require_file(path)
    return Path(path).read_bytes()


def require_file(path: Path | str) -> None:
    """Raise OSError if `path` is missing or no file; a pipe would be waited for without end."""
    path = Path(path)
    if not stat.S_ISREG(path.stat().st_mode):
        what = "a folder" if path.is_dir() else "a pipe or a device"
        raise OSError(f"{path}: is {what}, not a file")


def read_text(path: Path | str) -> str:
    """Return the text of `path`: UTF-8, or what the byte order mark at its start says (UTF-16 of Windows).

    Raises
    ------
    TextError
        If it is neither.
    OSError
        As :func:`read_bytes`.
    """
    return decode(read_bytes(path), str(path))


def read_json(path: Path | str) -> Any:
    """Return what the JSON file `path` holds.

    Raises
    ------
    ValueError
        If it is no JSON; a :class:`TextError` if it is no text.
    OSError
        As :func:`read_bytes`.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error


def decode(payload: bytes, what: str) -> str:
    """Return `payload` as text, as :func:`read_text` does; `what` names it in the error."""
    encoding = next((name for mark, name in _MARKS if payload.startswith(mark)), "utf-8")
    try:
        text = payload.decode(encoding)
    except UnicodeDecodeError as error:
        raise TextError(
            f"{what}: is no {encoding.upper().removesuffix('-SIG')} text "
            f"(byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    if "\0" in text:  # UTF-16 without its mark, or no text at all
        raise TextError(f"{what}: is no UTF-8 text (it holds zero bytes); save it as UTF-8")
    return text


def _write_and_sync(path: Path, payload: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        _write_all(handle, payload)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, payload: bytes) -> None:
    """Write all of `payload`; one call may take only a part of it."""
    rest = memoryview(payload)
    while rest:
        rest = rest[os.write(handle, rest) :]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an OSError name `path`, where it names no file or a partial one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename = str(path)
        raise
