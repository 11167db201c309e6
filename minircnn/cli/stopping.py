"""What a training says when it is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minircnn.cli.output import note
from minircnn.training import TrainingInterrupted
from minircnn.training.old_runs import SETTINGS_FILE, find_checkpoint, read_settings


def require_run(out: Path) -> None:
    """Raise FileNotFoundError where no run was begun in `out` that could be continued."""
    if not (out / SETTINGS_FILE).exists() and find_checkpoint(out) is None:
        raise FileNotFoundError(
            f"{out}: there is no run to continue in this folder; leave --resume away to begin one there"
        )


@contextmanager
def way_on(out: Path, again: str) -> Iterator[None]:
    """Say how to continue a run that is stopped inside: with the command `again`."""
    try:
        yield
    except TrainingInterrupted as stop:
        raise TrainingInterrupted(f"{stop}:\n  {again}", stop.signum) from stop
    except (KeyboardInterrupt, OSError):  # of a full disk, say
        if read_settings(out):
            note(f"to continue later: {again}")
        raise
