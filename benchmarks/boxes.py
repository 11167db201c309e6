"""Boxes and crops: suppression and overlaps against torchvision, warped regions against OpenCV."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
import torchvision

from benchmarks.growth_runs import clustered, regions_of, scattered
from benchmarks.harness import Contest, Work, close_to, identical, total_bytes
from minircnn.boxes import batched_nms, box_iou, nms
from minircnn.imaging import warp_frame, warp_regions

CROP, CONTEXT, FILL = 227, 16, (123.0, 117.0, 104.0)


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    for count in (2_000, 20_000):
        for name, make in (("clustered", clustered), ("scattered", scattered)):
            yield Work("NMS", f"{count:,} {name} boxes", "torchvision", partial(_nms, make, count))
    yield Work("NMS", "20 classes of 100 boxes at once", "torchvision", _batched_nms)
    for others in (2_000, 50):
        yield Work("IoU matrix", f"2,000 × {others:,} boxes", "torchvision", partial(_iou, others))
    for count in (128, 500):
        yield Work("warping", f"{count} regions to {CROP} × {CROP}", "OpenCV", partial(_warp, count))


def _nms(make: Any, count: int) -> Contest:
    rng = np.random.default_rng(0)
    boxes, scores = make(rng, count), rng.permutation(count).astype(np.float32) / count
    t_boxes, t_scores = torch.from_numpy(boxes), torch.from_numpy(scores)
    return Contest(
        lambda: nms(boxes, scores, 0.3), lambda: torchvision.ops.nms(t_boxes, t_scores, 0.3), identical
    )


def _batched_nms() -> Contest:
    rng = np.random.default_rng(0)
    boxes = np.concatenate([clustered(rng, 100) for _ in range(20)])
    scores, labels = rng.permutation(2_000).astype(np.float32) / 2_000, np.repeat(np.arange(20), 100)
    tensors = [torch.from_numpy(array) for array in (boxes, scores, labels)]
    return Contest(
        lambda: batched_nms(boxes, scores, labels, 0.3),
        lambda: torchvision.ops.batched_nms(*tensors, 0.3),
        identical,
    )


def _iou(others: int) -> Contest:
    rng = np.random.default_rng(0)
    a, b = clustered(rng, 2_000), clustered(rng, others)
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    return Contest(
        lambda: box_iou(a, b),
        lambda: torchvision.ops.box_iou(ta, tb),
        close_to(1e-6),
        moved=total_bytes(a, b) + 4 * len(a) * len(b),
    )


def _warp(count: int) -> Contest:
    """Regions of a 500 × 375 photo, as large as proposals are."""
    rng = np.random.default_rng(0)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (375, 500, 3)).astype(np.float32), (0, 0), 2)
    boxes = regions_of(rng, count, 375, 500)
    return Contest(
        lambda: warp_regions(photo, boxes, CROP, context=CONTEXT, fill=FILL),
        lambda: warp_with_opencv(photo, boxes),
        close_to(1e-4),
        moved=total_bytes(photo) + 4.0 * count * CROP**2 * 3,
    )


def warp_with_opencv(photo: Any, boxes: Any, fill: Any = FILL) -> Any:
    """Cut what the photo shows of every frame, let OpenCV resize it, paste it on the fill colour."""
    height, width = photo.shape[:2]
    crops = np.empty((len(boxes), CROP, CROP, 3), dtype=np.float32)
    frames = warp_frame(boxes, CROP, CONTEXT)
    shown = np.clip(frames, 0, [width, height, width, height])
    scale = CROP / np.tile(frames[:, 2:] - frames[:, :2], 2)  # (R, 4), crop pixels per pixel of the photo
    start = np.floor((shown - frames)[:, :2] * scale[:, :2] + 0.5).astype(int)
    size = np.clip(np.floor((shown[:, 2:] - shown[:, :2]) * scale[:, :2] + 0.5).astype(int), 1, CROP)
    start = np.minimum(start, CROP - size)
    for crop, (x1, y1, x2, y2), (x, y), (w, h) in zip(
        crops, shown.astype(int).tolist(), start.tolist(), size.tolist(), strict=True
    ):
        if (w, h) == (CROP, CROP):
            cv2.resize(photo[y1:y2, x1:x2], (w, h), dst=crop, interpolation=cv2.INTER_LINEAR)
        else:
            crop[:] = fill
            crop[y : y + h, x : x + w] = cv2.resize(
                photo[y1:y2, x1:x2], (w, h), interpolation=cv2.INTER_LINEAR
            )
    return crops
