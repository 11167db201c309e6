"""What R-CNN has to show: warped crops, SVM scores, ridge regression."""

from __future__ import annotations

from typing import cast

from minircnn.cli.explain.steps import EXPLAINERS, Followed, Step, moving_step, proposals_step, scores_step
from minircnn.detectors import RCNN
from minircnn.imaging import WarpMode
from minircnn.viz import draw_warps

_CROPS = 16

_BECOMES: dict[WarpMode, str] = {
    "warp": "is stretched to",
    "square_with_context": "is shown in its tightest square, of",
    "square_without_context": "is shown alone in its tightest square, of",
    "unscaled": "is shown at its own size in",
}


@EXPLAINERS.register("rcnn")
def rcnn_steps(followed: Followed) -> list[Step]:
    """Explain in the order of the paper's figure 1."""
    detector, regions = cast(RCNN, followed.detector), len(followed.proposals)
    return [
        proposals_step(followed),
        _warps(followed, detector),
        scores_step(
            followed,
            "SVM scores",
            f"The CNN turns every crop into {detector.svms.coef_.shape[1]:,} numbers (fc7), one pass per "
            f"region: {regions:,} passes. One linear SVM per class weighs them; a score above 0 means yes.",
        ),
        ridge_step(followed, detector.regressors.weight.shape[2]),
    ]


def ridge_step(followed: Followed, numbers: int) -> Step:
    """Show the boxes that ridge regression moves, reading so many `numbers` of each region."""
    return moving_step(
        followed,
        "Box regression",
        "A region seldom fits its object exactly. A ridge regression per class reads from pool5 "
        f"({numbers:,} numbers) how centre and size should change.",
    )


def _warps(followed: Followed, detector: RCNN) -> Step:
    """Show the crops that the CNN gets, those of the best regions."""
    best = followed.best(_CROPS)
    size, context = detector.warping.crop_size, detector.warping.context
    crops = detector.warping.apply(followed.image, followed.proposals[best], detector.normalization.fill)
    return Step(
        "warps",
        "Warped crops",
        f"Every region, whatever its shape, {_BECOMES[detector.warping.mode]} {size} × {size} pixels with "
        f"{context} pixels of its surroundings; beyond the photo stands the mean colour.",
        draw_warps(crops, [followed.name(int(r)) for r in best]),
        f"Those of the {len(best)} regions apart from each other that score best.",
        f"{len(followed.proposals):,} crops of {size} × {size}",
    )
