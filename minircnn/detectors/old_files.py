"""Files of older versions, brought to today's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minircnn.arrays import HostArray


def upgrade_detector(
    version: int, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]
) -> tuple[dict[str, Any], dict[str, HostArray]]:
    """Return settings and arrays of a detector file of format `version` in today's form.

    Up to format 2, Fast R-CNN had one box regression for each class, always; up to format 3, it and Faster
    R-CNN had RoI pooling.
    """
    new, new_arrays = _from_first(settings, arrays) if version == 1 else (dict(settings), dict(arrays))
    if version <= 2 and new["detector"] == "fast-rcnn":
        new["class_agnostic"] = False
    if version <= 3 and new["detector"] in ("fast-rcnn", "faster-rcnn"):
        new["roi_pooling"] = "max"
    return new, new_arrays


def _from_first(
    settings: Mapping[str, Any], arrays: Mapping[str, HostArray]
) -> tuple[dict[str, Any], dict[str, HostArray]]:
    """Return settings and arrays of format 1 (version 0.1.0) as those of format 2.

    Then the batch had a name and a place of its own in each detector, SVM weights were (D, K), and box
    regressors could be missing.
    """
    new, arrays = dict(settings), dict(arrays)
    new["backbone"] = {"name": new["backbone"], "options": new.pop("backbone_options")}
    if new["detector"] == "fast-rcnn":
        new["batch"] = new.pop("region_batch", 512)
        return new, arrays
    new["warp"] = dict(new["warp"])
    new["batch"] = new["warp"].pop("crop_batch", 128)
    arrays["svm.weight"] = arrays["svm.weight"].T
    classes = len(new["class_names"])
    arrays.setdefault("bbox.weight", np.zeros((classes, 4, 0), np.float32))
    arrays.setdefault("bbox.bias", np.zeros((classes, 4), np.float32))
    return new, arrays
