"""The folder of a run belongs to one process at a time."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from minircnn import files
from minircnn.detectors.storage import MODEL_FILE
from minircnn.training.old_runs import adopt_old_run, find_checkpoint, read_settings, write_settings
from minircnn.training.same_run import settle_settings
from minircnn.training.settings import RunSettings, as_json

logger = logging.getLogger("minircnn")

_LOCK_FILE = ".lock"
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}
"""What file systems answer that know no locks."""
_LOOK_EVERY = 1.0
"""Seconds between two looks at whether another process has finished."""
_SHARED = ("proposals", "maps")
"""Folders in that of a run which other runs may use, too."""
_SHARED_FOR = 3600.0
"""Seconds for which another run that shares one may still be writing a partial file."""


class FolderInUseError(ValueError):
    """The output folder already holds a run, or another process trains in it now."""


class FolderBusyError(FolderInUseError):
    """Another process trains in the folder now."""


@contextmanager
def claim(
    folder: Path, settings: RunSettings, data_options: Mapping[str, Any], *, resume: bool
) -> Iterator[bool]:
    """Keep other trainings out of `folder` inside the block, and see that it holds the run of `settings`.

    Yields whether the run begins. `data_options` are kept with its settings.

    Raises
    ------
    FolderInUseError
        If another process trains there, or there is a run and `resume` is False, or one of another detector.
    StorageError
        If the run to resume was begun with other settings.
    """
    with locked(folder):
        yield _enter(folder, settings, data_options, resume=resume)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other trainings out of `folder` inside the block, and clear away what a killed one was writing.

    The operating system takes the lock away when the process ends, however it ends.

    Raises
    ------
    FolderBusyError
        If another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise FolderBusyError(
            f"{folder}: another process is training there; wait until it has ended, or name another folder"
        ) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        logger.warning("%s: this file system has no locks; start no second training there", folder)
    try:
        _remove_partial_files(folder)
        yield
    finally:
        lock.release()


def unless_done(done: Callable[[], bool], train: Callable[[], object]) -> None:
    """Call `train` where `done` does not hold, and wait while another process does it."""
    waiting = False
    while not done():
        try:
            train()
        except FolderBusyError as busy:
            if not waiting:
                logger.info("%s", busy)
            waiting = True
            time.sleep(_LOOK_EVERY)


def _enter(folder: Path, settings: RunSettings, data_options: Mapping[str, Any], *, resume: bool) -> bool:
    """Bring the settings in `folder` and `settings` together; return whether the run begins."""
    stored = read_settings(folder)
    if not stored:
        if not resume and ((folder / MODEL_FILE).exists() or find_checkpoint(folder)):
            raise FolderInUseError(f"{folder} already holds a trained network: name another folder")
        opened = {f"data.{name}": value for name, value in data_options.items()}
        write_settings(folder, settings.detector, as_json(settings) | opened)
        return True
    if not resume:
        raise FolderInUseError(
            f"{folder} already holds a training run: continue it with --resume, or name another folder"
        )
    kind = stored.get("detector")
    if kind != settings.detector:
        raise FolderInUseError(
            f"{folder} holds a run of {kind}, not of {settings.detector}: name another folder"
        )
    adopt_old_run(folder)
    settle_settings(folder, stored, settings)
    return False


def keep_options(folder: Path, data_options: Mapping[str, Any]) -> None:
    """Note in the settings of the run in `folder` how its data is opened from now on."""
    stored = read_settings(folder)
    now = stored | {f"data.{name}": value for name, value in data_options.items()}
    if now != stored:
        write_settings(folder, now.pop("detector"), now)


def _remove_partial_files(folder: Path) -> None:
    """Delete what a killed process was writing; other runs may be writing proposals or maps here."""
    for path in folder.rglob(f"*{files.PARTIAL}"):
        shared = path.relative_to(folder).parts[0] in _SHARED
        files.remove_partial(path, older_than=_SHARED_FOR if shared else 0.0)
