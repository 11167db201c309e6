"""A cascade for larger windows: the paper scales the detector, not the photo (section 5)."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from minircnn.features import HaarFeatures, LBPFeatures
from minircnn.heads.cascade.record import Cascade
from minircnn.structures import IntArray


def scale_cascade(cascade: Cascade, scale: float) -> Cascade:
    """Return `cascade` for windows `scale` times as large, in whole pixels.

    Rounding changes how large a feature's rectangles are in relation to each other, so their weights are
    changed to undo it: a uniform window still gives 0, and the same window enlarged about the same value.
    """
    height, width = round(cascade.height * scale), round(cascade.width * scale)
    margin = round(cascade.margin * scale)
    if isinstance(cascade.features, LBPFeatures):
        # rounded down, three blocks stay inside
        cells = np.floor(cascade.features.cells * scale).astype(np.int64)
        features: HaarFeatures | LBPFeatures = LBPFeatures(cells)
        return dataclasses.replace(cascade, height=height, width=width, features=features, margin=margin)
    old = cascade.features
    rectangles = np.where(
        old.tilted[:, None, None],
        np.floor(old.rectangles * scale).astype(np.int64),  # whose corners stay inside
        _rounded_edges(old.rectangles, scale),
    )
    inner = (height - 2 * margin) * (width - 2 * margin)
    share = np.maximum(_areas(old.rectangles), 1) / np.maximum(_areas(rectangles), 1)
    weights = (old.weights * share * (inner / cascade.area)).astype(np.float32)
    features = HaarFeatures(rectangles, weights, old.tilted)
    return dataclasses.replace(cascade, height=height, width=width, features=features, margin=margin)


def _rounded_edges(rectangles: IntArray, scale: float) -> IntArray:
    """Return rectangles whose edges were scaled and rounded: neighbours stay neighbours."""
    first = np.rint(rectangles[..., :2] * scale)
    last = np.rint((rectangles[..., :2] + rectangles[..., 2:]) * scale)
    return np.concatenate([first, last - first], axis=-1).astype(np.int64)


def _areas(rectangles: IntArray) -> npt.NDArray[np.float64]:
    """Return the area of each, up to the factor 2 of tilted ones."""
    return (rectangles[..., 2] * rectangles[..., 3]).astype(np.float64)
