"""What Viola and Jones' detector has to show: integral image, features, stages, grouping."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from minircnn.boxes import clip_boxes
from minircnn.cli.curves import TRAINING_PICTURES
from minircnn.cli.explain.steps import AFTER, BEFORE, EXPLAINERS, Followed, Step
from minircnn.detectors import ViolaJones
from minircnn.detectors.viola_jones import cut_boxes, grow
from minircnn.features import integral_image
from minircnn.heads.cascade import Cascade, scan
from minircnn.imaging import as_grey
from minircnn.structures import ImageArray
from minircnn.training.viola_jones.trace import read_trace
from minircnn.viz import (
    draw_boxes,
    draw_cascade_training,
    draw_haar_features,
    draw_integral_image,
    draw_surviving_windows,
)

_FEATURES, _PANELS = 8, 6


@TRAINING_PICTURES.register("viola-jones")
def training_picture(folder: Path) -> Any:
    """Return the picture of a run's stages, or None before the first."""
    trace = read_trace(folder)
    return draw_cascade_training(trace, f"viola-jones: {folder.resolve().name}") if trace else None


@EXPLAINERS.register("viola-jones")
def viola_jones_steps(followed: Followed) -> list[Step]:
    """Explain in the order of the paper: sections 2, 3, 4 and 5."""
    detector = cast(ViolaJones, followed.detector)
    best = int(followed.best(1)[0])
    cascade = detector.cascades[followed.label(best) - 1]
    name = detector.class_names[followed.label(best) - 1]
    grey = as_grey(followed.image)
    return [
        _integral_image(followed.image, grey),
        _features(followed, detector, cascade, grey, best),
        _stages(followed, detector, cascade, grey, name),
        _grouping(followed, detector, cascade, grey, name),
    ]


def _integral_image(image: ImageArray, grey: ImageArray) -> Step:
    sums = integral_image(grey)
    return Step(
        "integral",
        "Integral image",
        "Each entry is the sum of all grey levels above and left of it. The sum of any box then takes four "
        "look-ups, however large the box is.",
        draw_integral_image(image, sums),
        "Dark is 0, bright the sum of the whole photo.",
        f"{grey.size:,} pixels, {int(sums[-1, -1]):,} in all",
    )


def _features(
    followed: Followed, detector: ViolaJones, cascade: Cascade, grey: ImageArray, best: int
) -> Step:
    """Show the features of the first stages on the best window."""
    box = followed.proposals[[best]]
    window = cut_boxes(grey, box, detector.growth, cascade.height, cascade.width)[0]
    stage_of = np.repeat(np.arange(cascade.stages), np.diff(cascade.stage_start))
    trees = np.arange(min(_FEATURES, len(stage_of)))
    features = cascade.features.rows(cascade.node_feature[trees, 0])
    kind = (
        "Haar features: the pixels below white are added, those below black subtracted"
        if cascade.kind == "haar"
        else "Local binary patterns: which of eight blocks are at least as bright as the middle one"
    )
    return Step(
        "features",
        "Features",
        f"{kind}. Each is compared with a threshold and gives a vote. The cascade asks "
        f"{cascade.node_feature.size:,} of them in {cascade.stages} stages, but of most windows only the "
        "first few.",
        draw_haar_features(window, features, [f"stage {stage_of[tree] + 1}" for tree in trees]),
        f"The first {len(trees)} on the best window, {cascade.width} × {cascade.height} pixels.",
        f"{int(cascade.stage_start[1])} in the first stage",
    )


def _stages(followed: Followed, detector: ViolaJones, cascade: Cascade, grey: ImageArray, name: str) -> Step:
    """Show which windows are left after some of the stages."""
    shown = np.unique(np.geomspace(1, cascade.stages, min(_PANELS, cascade.stages)).round().astype(int))
    boxes, titles = [], []
    for stages in shown:
        found = scan(grey, cascade.first(int(stages)), detector.scan_settings)
        boxes.append(found.boxes)
        titles.append(f"after stage {stages}: {len(found.boxes):,}")
    left = scan(grey, cascade, detector.scan_settings).left
    asked = np.diff(cascade.stage_start)
    mean = float((left[:-1] * asked).sum() / max(int(left[0]), 1))
    rows = [
        [str(stage), int(asked[stage - 1]), int(left[stage - 1]), int(left[stage])]
        for stage in range(1, cascade.stages + 1)
    ]
    return Step(
        "stages",
        "The attentional cascade",
        "A window that any stage rejects is not looked at again, so the many windows without an object cost "
        f"little: here {mean:.1f} weak classifiers for a window on average.",
        draw_surviving_windows(followed.image, boxes, titles),
        f"Windows of class {name} that are left.",
        f"{int(left[0]):,} windows, {int(left[-1]):,} pass all {cascade.stages} stages",
        (["stage", "weak classifiers", "windows before", "left"], rows),
    )


def _grouping(
    followed: Followed, detector: ViolaJones, cascade: Cascade, grey: ImageArray, name: str
) -> Step:
    """Show how windows that fire together become one box."""
    windows = scan(grey, cascade, detector.scan_settings).boxes
    around = clip_boxes(grow(windows, detector.growth), *grey.shape)
    merged, scores = detector.scan_class(grey, cascade)
    texts = [f"{name} {score:.2f}" for score in scores]
    least = detector.grouping.min_neighbors
    return Step(
        "grouping",
        "Grouping",
        "An object is found by several windows, at shifted places and sizes. Windows that are alike become "
        f"their mean if they are more than {least}; their number is the whole part of the score, and how far "
        "the best of them exceeds the last threshold its fraction.",
        draw_boxes(
            followed.image,
            np.concatenate([around, merged]),
            [*[""] * len(around), *texts],
            "Windows (orange) and what they become (blue)",
            colour=[*[BEFORE] * len(around), *[AFTER] * len(merged)],
        ),
        f"Class {name}.",
        f"{len(windows)} windows become {len(merged)} box{'' if len(merged) == 1 else 'es'}",
    )
