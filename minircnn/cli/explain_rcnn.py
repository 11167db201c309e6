"""One photo through the stages of R-CNN."""

from __future__ import annotations

import numpy as np

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
from minircnn.detectors import RCNN
from minircnn.imaging import warp_regions
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.viz import draw_warps

_CROPS = 16


def rcnn_stages(detector: RCNN, image: ImageArray) -> list[Stage]:
    """Explain what `detector` does with `image`, in the order of the paper's figure 1."""
    proposals = np.asarray(detector.proposer.propose(image), dtype=np.float32)
    require_proposals(proposals)
    fc7, pool5 = detector.region_features(image, proposals)

    def refine(label: int, index: IntArray) -> FloatArray:
        if detector.box_regressors is None:
            return proposals[index]
        moved: FloatArray = decode(proposals[index], detector.box_regressors.offsets(label, pool5[index]))
        return moved

    regions = ScoredRegions(
        image, proposals, detector.svm_scores(fc7), refine, detector.class_names, detector.postprocess
    )
    return [
        proposals_stage(image, proposals, proposer_name(detector)),
        _warps(detector, regions),
        scores_stage(
            regions,
            "SVM scores",
            f"The CNN turns every crop into {fc7.shape[1]:,} numbers (fc7), one pass per region: "
            f"{len(proposals):,} passes. One linear SVM per class weighs them; a score above 0 means yes.",
        ),
        moving_stage(
            regions,
            "Box regression",
            "A region seldom fits its object exactly. A ridge regression per class reads from pool5 "
            f"({pool5.shape[1]:,} numbers) how centre and size should change.",
        ),
        suppression_stage(regions),
        detections_stage(image, detector.detect(image, proposals=proposals), usual_min_score(detector)),
    ]


def _warps(detector: RCNN, regions: ScoredRegions) -> Stage:
    """Show the crops that the CNN gets, those of the best regions."""
    best = regions.best(_CROPS)
    size, context = detector.warp.crop_size, detector.warp.context
    crops = warp_regions(
        regions.image, regions.proposals[best], size, context=context, fill=detector.normalization.fill
    )
    return Stage(
        "warps",
        "Warped crops",
        f"Every region, whatever its shape, is stretched to {size} × {size} pixels with {context} pixels of "
        "its surroundings; beyond the photo stands the mean colour.",
        draw_warps(crops, [regions.name(int(r)) for r in best]),
        f"Those of the {len(best)} regions apart from each other that will score best.",
        f"{len(regions.proposals):,} crops of {size} × {size}",
    )
