"""What must be the same when a run is continued: its settings and its data."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from minircnn.detectors import StorageError
from minircnn.training.fingerprint import (
    DataFingerprint,
    OtherDataError,
    read_fingerprint,
    summary_difference,
    write_fingerprint,
)
from minircnn.training.old_runs import checkpoint_notes_data, find_checkpoint, read_settings, write_settings
from minircnn.training.settings import RunSettings, as_json

logger = logging.getLogger("minircnn")

MAY_CHANGE = frozenset({"cache_dtype"})
"""Settings that may be others when a run goes on: no network depends on them, and what does is made again."""

_BEFORE = {
    "class_agnostic": False,
    "crop_mode": "warp",
    "keep_maps": False,
    "frozen_outputs": [],
    "roi_pooling": "max",
    "bbox_loss": "smooth-l1",
}
"""What runs did that are older than the setting; for others that is what None stands for."""


def bind_data(folder: Path, data: DataFingerprint, *, fresh: bool) -> DataFingerprint:
    """Note in `folder` which data its run is trained on, or see that it is still the same.

    Parameters
    ----------
    fresh : bool
        The run begins: what lies in the folder of another one does not count.

    Raises
    ------
    OtherDataError
        If the run was begun with other data.
    """
    stored = None if fresh else read_fingerprint(folder)
    if stored is not None and stored.adopted and not checkpoint_notes_data(folder):
        stored = None  # nothing was trained with what was adopted, which may have been a mistake
    if stored is None:
        adopted = not fresh and find_checkpoint(folder) is not None
        if adopted:
            logger.warning(
                "%s was begun by a version that did not note its data: whether it goes on with the same "
                "photos and boxes cannot be checked",
                folder,
            )
        data = replace(data, adopted=adopted)
        write_fingerprint(folder, data)
        return data
    difference = stored.difference(data)
    if difference is not None:
        raise OtherDataError(_refusal(str(folder), difference, folder))
    data = replace(data, adopted=stored.adopted)
    if data.proposals is not None and stored.proposals is None:  # made later than the photos are read
        write_fingerprint(folder, data)
    return data


def changed_settings(
    stored: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]
) -> dict[str, str]:
    """Return those of the settings `names` that differ, each with ``NAME: 1 then, 2 now``."""
    then = _BEFORE | dict(stored)
    return {
        name: f"{name}: {then.get(name)!r} then, {now.get(name)!r} now"
        for name in sorted(names)
        if now.get(name) != then.get(name)
    }


def require_same_settings(
    what: str, stored: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]
) -> None:
    """Raise StorageError naming those of the settings `names` that differ; `what` was trained with them."""
    changed = changed_settings(stored, now, set(names) - MAY_CHANGE)
    if changed:
        raise StorageError(
            f"{what} was trained with other settings ({', '.join(changed.values())}); "
            "resume with the same settings or start in another folder"
        )


def settle_settings(folder: Path, stored: Mapping[str, Any], settings: RunSettings) -> None:
    """Take `settings` for the run in `folder`, begun with the `stored` ones, as far as they may change.

    As long as nothing was trained all may; afterwards they must be the same as far as the run's version knew
    them, but for `MAY_CHANGE`.

    Raises
    ------
    StorageError
        If the run was trained with other settings.
    """
    now = as_json(settings)
    names = set(now)
    if find_checkpoint(folder) is not None:
        require_same_settings(f"the run in {folder}", stored, now, stored.keys() & now.keys())
        names &= MAY_CHANGE
    changed = changed_settings(stored, now, names)
    if changed:
        begun = "the network stays" if names == MAY_CHANGE else "nothing was trained yet"
        logger.info("%s: %s, the run takes the new settings (%s)", folder, begun, ", ".join(changed))
        opened = {name: value for name, value in stored.items() if name.startswith("data.")}
        write_settings(folder, settings.detector, now | opened)


def require_same_data(path: Path, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise OtherDataError if the checkpoint `path` was made with other data, as far as summaries tell."""
    difference = summary_difference(stored, now)
    if difference is not None:
        raise OtherDataError(_refusal(str(path), difference, path.parent))


def _refusal(what: str, difference: str, folder: Path) -> str:
    stored = read_settings(folder)
    source = stored.get("data.source")
    began = "" if source is None else f" ({shlex.join([str(source), *_data_words(stored)])})"
    return (
        f"{what} was trained on other data: {difference}; continue with the data it began with{began}, "
        "or start in another folder"
    )


def _data_words(stored: Mapping[str, Any]) -> list[str]:
    """Return the options of the command line that open the data of a run, from its settings."""
    words = []
    for name, value in stored.items():
        if name.startswith("data.") and name != "data.source" and value is not None:
            words += [f"--{name.removeprefix('data.').replace('_', '-')}", str(value)]
    return words
