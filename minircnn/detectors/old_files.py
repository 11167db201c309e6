"""Files of version 0.1.0, brought to today's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minircnn.arrays import HostArray


def upgrade_detector(
    settings: Mapping[str, Any], arrays: Mapping[str, HostArray]
) -> tuple[dict[str, Any], dict[str, HostArray]]:
    """Return settings and arrays of a detector file of format 1 as those of format 2.

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
