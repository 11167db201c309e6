"""One photo through the stages of Fast R-CNN."""

from __future__ import annotations

import numpy as np

from minircnn.arrays import Array, like, to_host
from minircnn.boxes import decode
from minircnn.cli.explain_stages import (
    ScoredRegions,
    Stage,
    detections_stage,
    moving_stage,
    proposals_stage,
    require_proposals,
    scores_stage,
    suppression_stage,
)
from minircnn.cli.running import proposer_name, usual_min_score
from minircnn.detectors import FastRCNN
from minircnn.nn.roi_pool import split_cells
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.viz import draw_feature_map, draw_roi_pool

_ROIS = 3  # shown on the map


def fast_rcnn_stages(detector: FastRCNN, image: ImageArray) -> list[Stage]:
    """Explain what `detector` does with `image`, in the order of the paper's figure 1."""
    proposals = np.asarray(detector.proposer.propose(image), dtype=np.float32)
    require_proposals(proposals)
    probabilities, deltas = (to_host(part) for part in detector.score(image, proposals))

    def refine(label: int, index: IntArray) -> FloatArray:
        moved: FloatArray = decode(proposals[index], deltas[index, 4 * label : 4 * label + 4])
        return moved

    regions = ScoredRegions(
        image, proposals, probabilities[:, 1:], refine, detector.class_names, detector.postprocess
    )
    scaled, factor = detector.scale.apply(image)
    weight = detector.network.outputs.cls_score.weight.data
    feature_map = detector.network.features.forward(like(detector.normalization.apply(scaled), weight))
    rois = proposals[regions.best(_ROIS)] * np.float32(factor)
    return [
        proposals_stage(image, proposals, proposer_name(detector)),
        _feature_map(detector, scaled, feature_map, rois),
        _roi_pooling(detector, feature_map, rois[:1]),
        scores_stage(
            regions,
            "Class probabilities",
            "Two fully connected layers turn the pooled values into features, and the first of two sibling "
            f"layers into a probability of each of {len(detector.class_names)} classes and of background.",
        ),
        moving_stage(
            regions,
            "Box offsets",
            "The second sibling layer says for every class how the region's centre and size should change, "
            "from the same features: both were learned together.",
        ),
        suppression_stage(regions),
        detections_stage(image, detector.detect(image, proposals=proposals), usual_min_score(detector)),
    ]


def _feature_map(
    detector: FastRCNN, scaled: ImageArray | FloatArray, feature_map: Array, rois: FloatArray
) -> Stage:
    """Show the one map from which all regions are pooled."""
    features = to_host(feature_map)[0]  # (C, H, W)
    pool = detector.network.roi_pool
    channels, height, width = features.shape
    return Stage(
        "features",
        "Feature map",
        f"The whole photo goes through the convolutional layers once: {channels} channels of {height} × "
        f"{width} cells, one cell per {1 / pool.spatial_scale:.0f} pixels. A region of the photo is a region "
        "of the map.",
        draw_feature_map(
            features,
            rois,
            spatial_scale=pool.spatial_scale,
            image=np.clip(np.rint(scaled), 0, 255).astype(np.uint8),
        ),
        f"The {len(rois)} regions that will score best, on the photo and on the map.",
        f"{channels} × {height} × {width}, computed once",
    )


def _roi_pooling(detector: FastRCNN, feature_map: Array, roi: FloatArray) -> Stage:
    """Show how the cells of one region become a grid of fixed size, on its strongest channel."""
    pool = detector.network.roi_pool
    height, width = feature_map.shape[2:]
    p, q = pool.output_size
    first = np.floor(roi[:, :2].astype(float) * pool.spatial_scale + 0.5).astype(np.int64)  # (1, 2): x, y
    last = np.floor((roi[:, 2:].astype(float) - 1) * pool.spatial_scale + 0.5).astype(np.int64)
    size = np.maximum(last - first + 1, 1)
    rows = split_cells(first[:, 1], size[:, 1], p, height)[0]  # (P, 2)
    columns = split_cells(first[:, 0], size[:, 0], q, width)[0]  # (Q, 2)
    owner = like(np.zeros(1, dtype=np.int64), feature_map)
    pooled = to_host(pool.forward(feature_map, like(roi, feature_map), owner))[0]  # (C, P, Q)
    channel = int(pooled.max(axis=(1, 2)).argmax())
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    cells = to_host(feature_map)[0, channel, top:bottom, left:right]
    return Stage(
        "pooling",
        "RoI pooling",
        f"The cells under a region are cut into {p} × {q} bins, and the maximum of each bin is kept: every "
        "region, large or small, becomes a grid of the same size. Neighbouring bins may share cells.",
        draw_roi_pool(cells, rows - top, columns - left, pooled[channel]),
        f"The best region on channel {channel}, where it is strongest. Rings mark the maxima.",
        f"{bottom - top} × {right - left} cells become {p} × {q}",
    )
