"""How well anchors fit the objects of a data set, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minircnn.boxes import AnchorSettings
from minircnn.cli.output import table
from minircnn.detectors import ImageScale
from minircnn.evaluation.errors.sizes import SIZES
from minircnn.structures import DetectionDataset, FloatArray, IntArray

_THRESHOLDS = (0.5, 0.7)
_HEADER = ["anchors", "share of the photo", "objects", "IoU ≥ 0.5", "IoU ≥ 0.7", "mean IoU"]


def _rows(name: str, iou: FloatArray, bands: IntArray) -> list[list[Any]]:
    """Return how well anchors fit: all objects, and those of each band of sizes."""
    parts = {"all": iou, **{band: iou[bands == i] for i, band in enumerate(SIZES)}}
    return [[name, part, len(own), *_fit(own).values()] for part, own in parts.items()]


def _fit(iou: FloatArray) -> dict[str, float | None]:
    """Return the shares of objects that anchors reach, and the mean IoU; None where there is no object."""
    known = len(iou) > 0
    shares = {f"recall_{level:g}": float((iou >= level).mean()) if known else None for level in _THRESHOLDS}
    return {**shares, "mean_iou": float(iou.mean()) if known else None}


def fit_record(settings: AnchorSettings, iou: FloatArray, bands: IntArray) -> dict[str, Any]:
    """Return a set of anchors and how well it fits, ready for JSON."""
    by_size = {
        band: {"objects": int((bands == i).sum()), **_fit(iou[bands == i])} for i, band in enumerate(SIZES)
    }
    named = {name: getattr(settings, name) for name in ("base_size", "ratios", "scales", "rounded")}
    return {**named, **_fit(iou), "by_size": by_size}


def measured_record(
    dataset: DetectionDataset, sides: FloatArray, scale: ImageScale, stride: float
) -> dict[str, Any]:
    """Return what was measured, ready for JSON."""
    return {
        "data": dataset.name,
        "photos": len(dataset.image_ids),
        "objects": len(sides),
        "short_side": scale.short_side,
        "max_long_side": scale.max_long_side,
        "stride": stride,
    }


def measured_words(dataset: DetectionDataset, sides: FloatArray, scale: ImageScale, stride: float) -> str:
    """Say what was measured."""
    low, middle, high = np.quantile(np.sqrt(sides.prod(axis=1)), (0.05, 0.5, 0.95))
    size = "own size" if scale.short_side is None else f"{scale.short_side} pixels (shorter side)"
    return (
        f"{dataset.name}: {len(dataset.image_ids):,} photos at their {size}, {len(sides):,} objects of about "
        f"{middle:.0f} pixels (nine of ten: {low:.0f} to {high:.0f}), stride {stride:g}"
    )


def fit_words(compared: Mapping[str, AnchorSettings], fits: Mapping[str, FloatArray], bands: IntArray) -> str:
    """Say which sets of anchors are compared, and how well each fits."""
    lines = []
    for name, own in compared.items():
        pixels = ", ".join(f"{own.base_size * scale:.0f}" for scale in own.scales)
        ratios = ", ".join(f"{ratio:g}" for ratio in own.ratios)
        lines.append(f"{name}: {own.num_anchors} anchors, height : width {ratios}; sides of {pixels} pixels")
    rows = [row for name, iou in fits.items() for row in _rows(name, iou, bands)]
    return "\n".join([*lines, table(_HEADER, rows)])
