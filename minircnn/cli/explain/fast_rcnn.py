"""What Fast R-CNN has to show: the one feature map, RoI pooling, and two outputs from the same features."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from minircnn.arrays import Array, like, to_host
from minircnn.cli.explain.steps import EXPLAINERS, Followed, Step, moving_step, proposals_step, scores_step
from minircnn.detectors.fast_rcnn import FastRCNN
from minircnn.nn import RoIAlign, RoIPool
from minircnn.structures import FloatArray
from minircnn.viz import draw_feature_map, draw_roi_align, draw_roi_pool

ROIS = 3  # shown on the map


@EXPLAINERS.register("fast-rcnn")
def fast_rcnn_steps(followed: Followed) -> list[Step]:
    """Explain in the order of the paper's figure 1."""
    return [
        proposals_step(followed),
        photo_map_step(followed, followed.proposals[followed.best(ROIS)]),
        *region_steps(followed),
    ]


def photo_map_step(followed: Followed, regions: FloatArray) -> Step:
    """Show `regions` (R, 4) on the one map of the photo."""
    pool = cast(FastRCNN, followed.detector).network.roi_pool
    return feature_map_step(followed, regions, followed.view.map, followed.view.scale, pool.spatial_scale)


def region_steps(followed: Followed) -> list[Step]:
    """Explain what is done with each region: it is pooled, scored and moved."""
    detector = cast(FastRCNN, followed.detector)
    return [
        _roi_pooling(followed, detector),
        scores_step(
            followed,
            "Class probabilities",
            f"{_layers(detector)} the pooled values into features, and the first of two sibling layers turns "
            f"these into a probability of each of {len(followed.detector.class_names)} classes and of "
            "background.",
        ),
        moving_step(
            followed,
            "Box offsets",
            f"The second sibling layer says {_for_which(detector)} how the region's centre and size should "
            "change, from the same features: both were learned together.",
        ),
    ]


def _layers(detector: FastRCNN) -> str:
    """Say what lies between pooling and the two outputs, up to the verb."""
    names = [name for name, _ in detector.network.head.children() if name.startswith("fc")]
    words = {1: "A fully connected layer turns", 2: "Two fully connected layers turn"}
    return words.get(len(names), "The layers behind the pooling turn")


def _for_which(detector: FastRCNN) -> str:
    return "once for all classes" if detector.network.class_agnostic else "for every class"


def feature_map_step(
    followed: Followed,
    regions: FloatArray,
    feature_map: Array,
    scale: float,
    cells_per_pixel: float,
    passes: int = 1,
) -> Step:
    """Show `regions` (R, 4) on a map of the photo times `scale`, one of as many as there were passes."""
    features = to_host(feature_map)[0]  # (C, H, W)
    channels, height, width = features.shape
    once = "once" if passes == 1 else f"{passes} times, once at each scale; of this one it leaves"
    return Step(
        "features",
        "Feature map",
        f"The whole photo goes through the convolutional layers {once}: {channels} channels of {height} × "
        f"{width} cells, one cell per {1 / cells_per_pixel:.0f} pixels. A region of the photo is a region "
        "of the map.",
        draw_feature_map(
            features,
            regions,
            spatial_scale=cells_per_pixel * float(scale),
            image=followed.image,
        ),
        f"The {len(regions)} regions that score best here, on the photo and on the map."
        if len(regions)
        else "The mean of all channels, and the channels with the highest values.",
        f"{channels} × {height} × {width}, computed "
        + ("once" if passes == 1 else f"at each of {passes} scales"),
    )


def _roi_pooling(followed: Followed, detector: FastRCNN) -> Step:
    """Show how the cells of one region become a grid of fixed size, on its strongest channel."""
    pool, view = detector.network.roi_pool, followed.view
    roi = followed.proposals[followed.best(1)] * view.scale  # (1, 4)
    if isinstance(pool, RoIAlign):
        return _roi_align(pool, view.map, roi)
    return _roi_maxima(pool, view.map, roi)


def _roi_maxima(pool: RoIPool, feature_map: Array, roi: FloatArray) -> Step:
    p, q = pool.output_size
    rows, columns = (bins[0] for bins in pool.bins(roi, feature_map.shape[2:]))  # (P, 2), (Q, 2)
    pooled = to_host(pool(feature_map, like(roi, feature_map)))[0]  # (C, P, Q)
    channel = int(pooled.max(axis=(1, 2)).argmax())
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    cells = to_host(feature_map)[0, channel, top:bottom, left:right]
    return Step(
        "pooling",
        "RoI pooling",
        f"The cells under a region are cut into {p} × {q} bins, and the maximum of each bin is kept: every "
        "region, large or small, becomes a grid of the same size. Neighbouring bins may share cells.",
        draw_roi_pool(cells, np.asarray(rows - top), np.asarray(columns - left), pooled[channel]),
        f"The best region on channel {channel}, where it is strongest. Rings mark the maxima.",
        f"{bottom - top} × {right - left} cells become {p} × {q}",
    )


def _roi_align(pool: RoIAlign, feature_map: Array, roi: FloatArray) -> Step:
    p, q = pool.output_size
    rows, columns = (points[0] for points in pool.points(roi))  # (P, S), (Q, S)
    pooled = to_host(pool(feature_map, like(roi, feature_map)))[0]  # (C, P, Q)
    channel = int(pooled.max(axis=(1, 2)).argmax())
    height, width = feature_map.shape[2:]
    top, bottom = _cells_about(rows, height)
    left, right = _cells_about(columns, width)
    cells = to_host(feature_map)[0, channel, top:bottom, left:right]
    return Step(
        "pooling",
        "RoI align",
        f"A region is cut into {p} × {q} bins without rounding it to cells. In each bin the map is read at "
        f"{pool.samples**2} points, interpolated between the four cells around each, and the mean is kept: "
        "every region, large or small, becomes a grid of the same size.",
        draw_roi_align(cells, rows - top, columns - left, pooled[channel]),
        f"The best region on channel {channel}, where it is strongest. Dots are the points of each bin.",
        f"{bottom - top} × {right - left} cells become {p} × {q}",
    )


def _cells_about(points: FloatArray, size: int) -> tuple[int, int]:
    """Return the first of `size` cells that `points` lie between and one past the last; one at least."""
    first = min(max(0, math.floor(points.min())), size - 1)
    return first, max(first + 1, min(size, math.ceil(points.max()) + 1))
