"""The stages that both detectors share: the proposals before, suppression and detections after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minircnn.boxes import clip_boxes, nms, nms_explained
from minircnn.detectors import PostprocessSettings
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray
from minircnn.viz import draw_boxes, draw_detections, draw_nms, draw_proposals
from minircnn.viz.report import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEFORE, AFTER = "#E69F00", "#56B4E9"
_NMS_BOXES = 20
_APART = 0.3  # IoU of regions shown together


@dataclass(frozen=True)
class Stage:
    """One stage, explained.

    Parameters
    ----------
    key : str
        Short name, for files.
    title, text : str
    figure : matplotlib Figure
    caption : str
    fact : str
        What happened, in a few words with numbers.
    table : (header, rows), optional
    """

    key: str
    title: str
    text: str
    figure: Figure
    caption: str
    fact: str
    table: Table | None = None


@dataclass(frozen=True)
class ScoredRegions:
    """All regions of one photo with their scores, before anything is dropped.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    proposals : (R, 4) float array
        In pixels of `image`.
    scores : (R, K) float array
        On the host.
    refine : callable
        ``refine(label, index)`` returns the (len(index), 4) moved boxes of proposals `index`.
    class_names : tuple of str
    settings : PostprocessSettings
    """

    image: ImageArray
    proposals: FloatArray
    scores: FloatArray
    refine: Callable[[int, IntArray], FloatArray]
    class_names: tuple[str, ...]
    settings: PostprocessSettings

    def best(self, count: int) -> IntArray:
        """Return up to `count` regions with a high score of any class, best first, each in another place.

        The very best ones would all lie on the same object.
        """
        highest = self.scores.max(axis=1)  # (R,)
        apart: IntArray = nms(self.proposals, highest, _APART)[:count]
        return apart

    def label(self, region: int) -> int:
        """Return the class (1..K) with the highest score of `region`."""
        return int(self.scores[region].argmax()) + 1

    def name(self, region: int) -> str:
        """Return e.g. ``dog 0.93`` for `region`."""
        label = self.label(region)
        return f"{self.class_names[label - 1]} {self.scores[region, label - 1]:.2f}"

    def moved(self, region: int) -> FloatArray:
        """Return the (4,) box of `region` as its best class moves it, clipped to the photo."""
        box = self.refine(self.label(region), np.array([region]))
        clipped: FloatArray = clip_boxes(box, *self.image.shape[:2])[0]
        return clipped


def require_proposals(proposals: FloatArray) -> None:
    """Raise where there is nothing to explain."""
    if len(proposals) == 0:
        raise ValueError("there is no proposal in this photo, hence no stage to show: is it very small?")


def proposals_stage(image: ImageArray, proposals: FloatArray, how: str) -> Stage:
    """Show where the detector looks."""
    return Stage(
        "proposals",
        "Proposals",
        f"{how} names {len(proposals):,} boxes that may hold something, without saying what. All that "
        "follows looks into these boxes only.",
        draw_proposals(image, proposals),
        "Best rank first.",
        f"{len(proposals):,} boxes",
    )


def scores_stage(regions: ScoredRegions, title: str, text: str, *, count: int = 8) -> Stage:
    """Show the regions with the highest scores, as the proposals lie."""
    best = regions.best(count)
    names = [regions.name(int(r)) for r in best]
    top = regions.scores[best]  # (count, K)
    classes = [int(k) for k in np.argsort(-top.max(axis=0), kind="stable")[:6]]
    rows = [[f"region {r}", *(float(v) for v in top[i, classes])] for i, r in enumerate(best)]
    return Stage(
        "scores",
        title,
        text,
        draw_boxes(
            regions.image, regions.proposals[best], names, f"The {len(best)} best regions that lie apart"
        ),
        "Class and score of each, before boxes are moved or removed.",
        f"best: {names[0]}",
        (["", *(regions.class_names[k] for k in classes)], rows),
    )


def moving_stage(regions: ScoredRegions, title: str, text: str, *, count: int = 4) -> Stage:
    """Show boxes before and after they were moved."""
    best = [int(r) for r in regions.best(count)]
    before = regions.proposals[best]
    after = np.stack([regions.moved(r) for r in best])
    figure = draw_boxes(
        regions.image,
        np.concatenate([before, after]),
        [*[""] * len(best), *(regions.name(r) for r in best)],
        "Before (orange) and after (blue)",
        colour=[*[BEFORE] * len(best), *[AFTER] * len(best)],
    )
    rows = [
        [regions.name(r), *(" ".join(f"{v:.0f}" for v in box) for box in (b, a))]
        for r, b, a in zip(best, before, after, strict=True)
    ]
    shift = float(np.abs(after - before).mean())
    return Stage(
        "regression",
        title,
        text,
        figure,
        "The best regions, each in another place.",
        f"edges move by {shift:.1f} pixels on average",
        (["region", "x1 y1 x2 y2 before", "after"], rows),
    )


def suppression_stage(regions: ScoredRegions) -> Stage:
    """Show what non-maximum suppression removes of the best class."""
    label = regions.label(int(regions.best(1)[0]))
    scores = regions.scores[:, label - 1]
    order = np.argsort(-scores, kind="stable")[:_NMS_BOXES]
    boxes = np.asarray(clip_boxes(regions.refine(label, order), *regions.image.shape[:2]))
    kept, owner = nms_explained(boxes, scores[order], regions.settings.nms_iou)
    name = regions.class_names[label - 1]
    return Stage(
        "suppression",
        "Non-maximum suppression",
        "Neighbouring regions find the same object. Class by class the best box stays, and every box that "
        f"overlaps it by an IoU of more than {regions.settings.nms_iou:g} goes; then the best of the rest, "
        "and so on.",
        draw_nms(regions.image, boxes, scores[order], kept, owner),
        f"The {len(order)} best boxes of class {name}.",
        f"class {name}: {len(kept)} of {len(order)} boxes stay",
    )


def detections_stage(image: ImageArray, found: Detections, min_score: float) -> Stage:
    """Show the end."""
    shown = found.above(min_score)
    rows = [
        [record["class"], record["score"], " ".join(f"{v:.0f}" for v in record["box"])]
        for record in shown.to_records()
    ]
    return Stage(
        "detections",
        "Detections",
        f"What is left with a score of at least {min_score:g}: {len(shown)} of {len(found)} boxes.",
        draw_detections(image, found, min_score=min_score),
        "The result.",
        f"{len(shown)} with a score of at least {min_score:g}",
        (["class", "score", "x1 y1 x2 y2"], rows),
    )
