"""Histograms of oriented gradients: one photo against scikit-image, all scales of it against OpenCV."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
from skimage.data import astronaut
from skimage.feature import hog

from benchmarks.harness import Contest, Work, close_to
from minircnn.boxes import clip_boxes
from minircnn.detectors import HogSVM
from minircnn.features import HOG_STYLES, hog_blocks

HEIGHT, WIDTH = 480, 640


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    yield Work("HOG", f"people at all scales, {WIDTH} × {HEIGHT}", "OpenCV", _all_scales)
    for kind in ("color", "gray"):
        yield Work("HOG", f"one scale, {WIDTH} × {HEIGHT}, {kind}", "scikit-image", partial(_one_scale, kind))


def _photo() -> Any:
    return np.ascontiguousarray(np.tile(astronaut(), (1, 2, 1))[:HEIGHT, :WIDTH])


def _all_scales() -> Contest:
    """Each finds all windows with a score of −1 or more, unmerged: there are no people in the photo."""
    photo, numbers = _photo(), np.ravel(cv2.HOGDescriptor_getDefaultPeopleDetector())
    reversed_ = np.ascontiguousarray(photo[:, :, ::-1])
    people, peer = HogSVM.people(numbers), cv2.HOGDescriptor()
    peer.setSVMDetector(numbers)

    def ours() -> Any:
        boxes, scores = people.raw_windows(photo, -1.0)
        return _sorted(np.column_stack([clip_boxes(boxes, HEIGHT, WIDTH), scores]))

    def theirs() -> Any:
        found, scores = peer.detectMultiScale(reversed_, -1.0, (8, 8), (0, 0), 1.05, 0)
        boxes = np.array(found, np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return _sorted(np.column_stack([boxes, np.ravel(scores)]))

    return Contest(ours, theirs, close_to(1e-5))


def _sorted(windows: Any) -> Any:
    """Return windows (R, 5) by their edges: OpenCV's threads finish in any order."""
    return windows[np.lexsort(windows[:, :4].T)]


def _one_scale(kind: str) -> Contest:
    photo, axis = (_photo(), -1) if kind == "color" else (_photo()[:, :, 1].copy(), None)
    return Contest(
        lambda: hog_blocks(photo, HOG_STYLES["skimage"]),
        lambda: hog(photo, feature_vector=False, channel_axis=axis).reshape(58, 78, -1),
        close_to(1e-6),
    )
