"""Runs of version 0.1.0, brought to today's form: their settings, and the names of their files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minircnn import files
from minircnn.detectors.storage import read_bundle
from minircnn.training.regions import RegionRecord

logger = logging.getLogger("minircnn")

SETTINGS_FILE = "settings.json"
CHECKPOINT_ENDING = ".checkpoint.safetensors"

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


class SettingsError(ValueError):
    """A file that holds no settings of a run; the message names it."""


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the run in `folder`, with its detector; nothing where there is no run.

    A checkpoint holds them too: a run that has one is not lost with its ``settings.json``. One that has none
    has trained nothing yet and may start over.
    """
    try:
        return parse_settings(folder / SETTINGS_FILE)
    except FileNotFoundError as error:
        missing: Exception = error
    except SettingsError as error:
        missing = error
    checkpoint = find_checkpoint(folder)
    if checkpoint is None:
        if isinstance(missing, SettingsError):
            logger.warning("%s; nothing was trained yet: the run starts over", missing)
        return {}
    logger.warning("%s; the settings are those of %s", missing, checkpoint)
    detector = checkpoint.name.removesuffix(CHECKPOINT_ENDING)
    settings = upgrade_settings(read_bundle(checkpoint)[1].get("settings", {}))
    return {"detector": detector.replace("_", "-"), **settings}


def parse_settings(path: Path) -> dict[str, Any]:
    """Return the settings in the file `path`.

    Raises
    ------
    SettingsError
        If it holds anything else.
    FileNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}")
    try:
        stored = json.loads(files.read_text(path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} cannot be read ({error})") from error
    if not isinstance(stored, dict) or not isinstance(stored.get("detector"), str):
        raise SettingsError(f"{path} holds no settings of a run")
    return {**upgrade_settings(stored), "detector": stored["detector"].replace("_", "-")}


def find_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the run in `folder`, if it has one."""
    return next(iter(sorted(folder.glob(f"*{CHECKPOINT_ENDING}"))), None)


def write_settings(folder: Path, detector: str, flat: Mapping[str, Any]) -> None:
    """Write the settings of a run."""
    text = json.dumps({"detector": detector, **flat}, indent=2)
    files.write_text(folder / SETTINGS_FILE, text + "\n")


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
    if warping is None:
        return None
    size, context = warping.crop_size, warping.context
    warp = f"WarpSettings(crop_size={size}, context={context}, crop_batch={detector.batch})"
    digest = hashlib.sha256(f"({warp}, {dtype!r}, {min_iou!r})".encode())
    for name, array in detector.network.state_dict().items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    for record in records:
        digest.update(np.ascontiguousarray(record.boxes).tobytes())
    return digest.hexdigest()
