"""Runs of version 0.1.0, brought to today's form: their settings, and the names of their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.detectors.storage import read_bundle
from minircnn.files import read_bytes, write_text
from minircnn.training.regions import RegionRecord

SETTINGS_FILE = "settings.json"
CHECKPOINT_ENDING = ".checkpoint.safetensors"
_BEGINNING = b'{\n  "detector"'
"""Of the settings of every run, also where the rest was lost."""

RENAMED = {
    "nms_iou": "postprocess.nms_iou",
    "min_score": "postprocess.min_score",
    "region_batch": "batch",
    "crop_batch": "batch",
    "box_regression.alpha": "box_regression.regularization",
}
"""What settings were called then, and are called now."""


def upgrade_settings(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, flat as :func:`as_json` makes them, under their present names."""
    then = {"proposals.max_width": None}  # photos kept their full size
    return then | {RENAMED.get(name, name): value for name, value in flat.items()}


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the run in `folder`, with its detector; nothing where there is no run.

    Where the file is damaged the checkpoint tells. Version 0.1.0 could leave half a file if it was killed at
    the wrong moment: without a checkpoint nothing was done yet.

    Raises
    ------
    ValueError
        If the file is none of a training run.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}
    content = read_bytes(path)
    stored = _parse(content) or _settings_of_checkpoint(folder)
    if stored:
        stored = upgrade_settings(stored)
        return {**stored, "detector": stored["detector"].replace("_", "-")}
    if content.strip() and content[: len(_BEGINNING)] != _BEGINNING[: len(content)]:
        raise ValueError(f"{path} holds no settings of a training run: name another folder")
    return {}


def _parse(content: bytes) -> dict[str, Any] | None:
    """Return the settings that a file with this `content` holds, None if it holds none."""
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return stored if isinstance(stored, dict) and isinstance(stored.get("detector"), str) else None


def _settings_of_checkpoint(folder: Path) -> dict[str, Any]:
    """Return the settings that the checkpoint in `folder` keeps; nothing where there is none."""
    path = find_checkpoint(folder)
    if path is None:
        return {}
    settings = read_bundle(path)[1].get("settings", {})
    # what it says of the data tells them again, but not how they were opened
    own = {name: value for name, value in settings.items() if not name.startswith("data.")}
    return {"detector": path.name.removesuffix(CHECKPOINT_ENDING), **own}


def find_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the run in `folder`, if it has one."""
    return next(iter(sorted(folder.glob(f"*{CHECKPOINT_ENDING}"))), None)


def checkpoint_notes_data(folder: Path) -> bool:
    """Return whether the checkpoint in `folder` tells its data, as those of version 0.1.0 do not."""
    path = find_checkpoint(folder)
    return path is not None and "data.digest" in read_bundle(path)[1].get("settings", {})


def write_settings(folder: Path, detector: str, flat: Mapping[str, Any]) -> None:
    """Write the settings of a run."""
    text = json.dumps({"detector": detector, **flat}, indent=2)
    write_text(folder / SETTINGS_FILE, text + "\n")


def adopt_old_run(folder: Path) -> None:
    """Give checkpoint and log of a run of version 0.1.0 the names that are looked for now."""
    for name in ("checkpoint.safetensors", "log.jsonl"):
        old, new = folder / f"fast_rcnn.{name}", folder / f"fast-rcnn.{name}"
        if old.is_file() and not new.exists():
            old.rename(new)


def old_feature_key(detector: Any, records: Sequence[RegionRecord], dtype: str, min_iou: float) -> str | None:
    """Return the key that version 0.1.0 gave to the features of an R-CNN; None for other detectors.

    Caching them again may take hours.
    """
    warping = getattr(detector, "warping", None)
    if warping is None or warping.mode != "warp":  # which was all that it could
        return None
    size, context = warping.crop_size, warping.context
    warp = f"WarpSettings(crop_size={size}, context={context}, crop_batch={detector.batch})"
    digest = hashlib.sha256(f"({warp}, {dtype!r}, {min_iou!r})".encode())
    for name, array in detector.network.state_dict().items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    for record in records:
        digest.update(np.ascontiguousarray(record.boxes).tobytes())
    return digest.hexdigest()
