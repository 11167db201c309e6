"""What SPP-net has to show: the feature map, the pyramid of one region, SVM scores, ridge regression."""

from __future__ import annotations

from typing import cast

import numpy as np

from minircnn.arrays import to_host
from minircnn.cli.explain.fast_rcnn import ROIS, feature_map_step
from minircnn.cli.explain.rcnn import ridge_step
from minircnn.cli.explain.steps import EXPLAINERS, Followed, Step, proposals_step, scores_step
from minircnn.detectors.sppnet import SPPNet, nearest_scale
from minircnn.viz import draw_roi_pool


@EXPLAINERS.register("sppnet")
def sppnet_steps(followed: Followed) -> list[Step]:
    """Explain in the order of the paper's figure 5."""
    detector = cast(SPPNet, followed.detector)
    maps, scales = followed.view.maps, followed.view.scales
    best = followed.proposals[followed.best(len(followed.proposals))]
    scale_of = nearest_scale(scales, best, detector.target_side)
    scale = int(scale_of[0])  # that of the very best
    feature_map, factor = maps[scale], scales[scale]
    shown = best[scale_of == scale][:ROIS]
    numbers = detector.regressors.weight.shape[2]
    return [
        proposals_step(followed),
        feature_map_step(
            followed, shown, feature_map, factor, detector.network.pyramid.spatial_scale, len(maps)
        ),
        _pyramid(detector, to_host(feature_map)[0], shown[:1] * factor, numbers),
        scores_step(
            followed,
            "SVM scores",
            f"Fully connected layers turn a pyramid into {detector.svms.coef_.shape[1]:,} numbers (fc7). One "
            "linear SVM per class weighs them; a score above 0 means yes.",
        ),
        ridge_step(followed, numbers),
    ]


def _pyramid(detector: SPPNet, features: np.ndarray, roi: np.ndarray, numbers: int) -> Step:
    """Show the finest level of the pyramid of one region on its strongest channel."""
    pyramid = detector.network.pyramid
    finest = int(np.argmax(pyramid.levels))
    level = pyramid.levels[finest]
    rows, columns = (bins[0] for bins in pyramid.bins(roi, features.shape[1:])[finest])  # (l, 2) each
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    region = features[:, top:bottom, left:right]
    channel = int(region.max(axis=(1, 2)).argmax())
    cells = region[channel]
    pooled = [[cells[a:b, c:d].max() for c, d in columns - left] for a, b in rows - top]
    return Step(
        "pyramid",
        "Spatial pyramid pooling",
        f"The cells under a region are cut into {', '.join(f'{n} × {n}' for n in pyramid.levels)} bins, and "
        f"the maximum of each bin is kept, channel by channel: {numbers:,} numbers for every region, large "
        "or small.",
        draw_roi_pool(
            cells,
            rows - top,
            columns - left,
            np.array(pooled),
            f"The level of {level} × {level} bins: the maximum of each",
        ),
        f"The best region on channel {channel}, where it is strongest: its level of {level} × {level} bins. "
        "Rings mark the maxima.",
        f"{bottom - top} × {right - left} cells become {sum(n * n for n in pyramid.levels)} bins",
    )
