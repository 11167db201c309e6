"""How a region becomes a square crop: four ways, with and without surroundings (R-CNN, appendix A)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

from minircnn.experiments.base import MAP, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import mean_ap, rcnn_settings, svm_scores, tuned_rcnn
from minircnn.imaging import WarpMode

_MODES: dict[WarpMode, str] = {
    "unscaled": "A  at its own size",
    "square_with_context": "B  square with context",
    "square_without_context": "C  square without context",
    "warp": "D  warped",
}
_MOST_PROPOSALS = 150
"""Eight networks are trained, and see all regions of all photos."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each way and each amount of context; in a quick run with context alone."""
    return [
        Row(
            f"{mode}-{padding}",
            f"{title}, {padding} pixels of context",
            partial(_measure, mode=mode, padding=padding),
            {"map": 0.542} if (mode, padding) == ("warp", 16) else {},
        )
        for (mode, title), padding in product(_MODES.items(), (16,) if bench.quick else (0, 16))
    ]


def _measure(bench: Bench, mode: WarpMode, padding: int) -> Measurement:
    limit = rcnn_settings(bench).proposals.limit
    tuned = tuned_rcnn(
        bench,
        {
            "crop_mode": mode,
            "context": 0 if padding == 0 else None,  # 16 of 227, in proportion to the crop
            "proposals.limit": min(limit or _MOST_PROPOSALS, _MOST_PROPOSALS),
        },
    )
    scores = svm_scores(tuned.detector.svms, tuned.test)
    return Measurement({"map": mean_ap(bench, tuned.test, scores, tuned.settings.postprocess)})


add_experiment(
    Experiment(
        name="warp",
        title="Warping and its alternatives",
        source="R-CNN, appendix A and figure 7",
        teaches="How should a region of any shape become a square, and with how much around it?",
        differs=(
            f"{PRE_TRAINING} They stood in squares. Context is counted in crops of 227 "
            "pixels and scaled with ours (16 of 227 are 3 of 48). 150 proposals a photo, as eight networks "
            "are trained; without box regression. The paper says that D with 16 pixels was better than all "
            "others by 3 to 5 points; 4 stand for them. Its figure 7 shows A for comparison only."
        ),
        columns=[MAP],
        rows=rows,
        effects=[
            Effect("warping over squares with context", "warp-16", "square_with_context-16", published=0.04),
            Effect(
                "warping over squares without context", "warp-16", "square_without_context-16", published=0.04
            ),
            Effect("context for warping", "warp-16", "warp-0", published=0.04),
            Effect("warping over no scaling", "warp-16", "unscaled-16"),
        ],
        minutes=20,
        seeds=1,
    )
)
