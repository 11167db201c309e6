"""What ran, and the steps that all detectors share: proposals, scores, suppression, detections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minircnn.arrays import to_host
from minircnn.boxes import clip_boxes, nms, nms_explained
from minircnn.detectors import RegionDetector
from minircnn.registry import Registry
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray
from minircnn.viz import draw_boxes, draw_detections, draw_nms, draw_proposals
from minircnn.viz.report import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEFORE, AFTER = "#E69F00", "#56B4E9"
_NMS_BOXES = 20
_APART = 0.3  # IoU of regions shown together


@dataclass(frozen=True)
class Step:
    """One step, explained.

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
class Followed:
    """One photo on its way through a detector: what each step returned, before anything is dropped.

    Parameters
    ----------
    detector : RegionDetector
    view : View
        What ``look`` returned.
    proposals : (R, 4) float array
        In pixels of the photo.
    scores : (R, K) float array
    boxes : (R, K, 4) float array
        Both from ``judge``, on the host.
    found : Detections
    """

    detector: RegionDetector[Any]
    view: Any
    proposals: FloatArray
    scores: FloatArray
    boxes: FloatArray
    found: Detections

    @property
    def image(self) -> ImageArray:
        """The photo (H, W, 3)."""
        image: ImageArray = self.view.image
        return image

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
        return f"{self.detector.class_names[label - 1]} {self.scores[region, label - 1]:.2f}"

    def moved(self, region: int) -> FloatArray:
        """Return the (4,) box of `region` as its best class moves it, clipped to the photo."""
        box = self.boxes[region, self.label(region) - 1]
        clipped: FloatArray = clip_boxes(box[None], *self.image.shape[:2])[0]
        return clipped


def follow(detector: RegionDetector[Any], image: ImageArray, image_id: str = "") -> Followed:
    """Run `detector` on a photo, and keep what every step returns.

    Raises
    ------
    ValueError
        If there is nothing to explain.
    """
    view = detector.look(image)
    proposals = np.asarray(detector.propose(view, image_id), dtype=np.float32)
    if len(proposals) == 0:
        raise ValueError(
            f"{detector.proposal_source} names no box in this photo, hence there is no step to show: "
            + ("take a photo with an object" if detector.proposer is None else "is it very small?")
        )
    scores, boxes = detector.judge_in_batches(view, proposals)
    found = detector.decide(view, scores, boxes)
    return Followed(detector, view, proposals, to_host(scores), to_host(boxes), found)


Explainer: TypeAlias = Callable[[Followed], list[Step]]

EXPLAINERS: Registry[Explainer] = Registry("explanation")
"""What a detector has to show until suppression, in its own order, by its name."""


def steps_of(followed: Followed) -> list[Step]:
    """Return all steps of what ran, in order."""
    explain = EXPLAINERS.get(followed.detector.name, usual_steps)
    return [*explain(followed), suppression_step(followed), detections_step(followed)]


def usual_steps(followed: Followed) -> list[Step]:
    """Show proposals, scores and moved boxes: what every detector has."""
    return [
        proposals_step(followed),
        scores_step(followed, "Scores", "Every region gets a score of each class."),
        moving_step(followed, "Boxes", "A region seldom fits its object exactly: its box is moved."),
    ]


def proposals_step(followed: Followed) -> Step:
    """Show where the detector looks."""
    how, proposals = followed.detector.proposal_source, followed.proposals
    return Step(
        "proposals",
        "Proposals",
        f"{how} names {len(proposals):,} boxes that may hold something, without saying what. All that "
        "follows looks into these boxes only.",
        draw_proposals(followed.image, proposals),
        "Best rank first.",
        f"{len(proposals):,} boxes",
    )


def scores_step(followed: Followed, title: str, text: str, *, count: int = 8) -> Step:
    """Show the regions with the highest scores, as the proposals lie."""
    best = followed.best(count)
    names = [followed.name(int(r)) for r in best]
    top = followed.scores[best]  # (count, K)
    classes = [int(k) for k in np.argsort(-top.max(axis=0), kind="stable")[:6]]
    rows = [[f"region {r}", *(float(v) for v in top[i, classes])] for i, r in enumerate(best)]
    return Step(
        "scores",
        title,
        text,
        draw_boxes(
            followed.image, followed.proposals[best], names, f"The {len(best)} best regions that lie apart"
        ),
        "Class and score of each, before boxes are moved or removed.",
        f"best: {names[0]}",
        (["", *(followed.detector.class_names[k] for k in classes)], rows),
    )


def moving_step(followed: Followed, title: str, text: str, *, count: int = 4) -> Step:
    """Show boxes before and after they were moved."""
    best = [int(r) for r in followed.best(count)]
    before = followed.proposals[best]
    after = np.stack([followed.moved(r) for r in best])
    figure = draw_boxes(
        followed.image,
        np.concatenate([before, after]),
        [*[""] * len(best), *(followed.name(r) for r in best)],
        "Before (orange) and after (blue)",
        colour=[*[BEFORE] * len(best), *[AFTER] * len(best)],
    )
    rows = [
        [followed.name(r), *(" ".join(f"{v:.0f}" for v in box) for box in (b, a))]
        for r, b, a in zip(best, before, after, strict=True)
    ]
    shift = float(np.abs(after - before).mean())
    return Step(
        "regression",
        title,
        text,
        figure,
        "The best regions, each in another place.",
        f"edges move by {shift:.1f} pixels on average",
        (["region", "x1 y1 x2 y2 before", "after"], rows),
    )


def suppression_step(followed: Followed) -> Step:
    """Show what non-maximum suppression removes of the best class."""
    label = followed.label(int(followed.best(1)[0]))
    scores = followed.scores[:, label - 1]
    order = np.argsort(-scores, kind="stable")[:_NMS_BOXES]
    boxes = np.asarray(clip_boxes(followed.boxes[order, label - 1], *followed.image.shape[:2]))
    kept, owner = nms_explained(boxes, scores[order], followed.detector.postprocess.nms_iou)
    name = followed.detector.class_names[label - 1]
    vote = followed.detector.postprocess.vote_iou
    voting = (
        ""
        if vote is None
        else (
            " A box that stays, drawn here as it was, then becomes the mean of all boxes of its class that "
            f"overlap it by {vote:g} or more, weighted by their scores (box voting)."
        )
    )
    return Step(
        "suppression",
        "Non-maximum suppression",
        "Neighbouring regions find the same object. Greedily, class by class, the best box stays, and "
        "every box that overlaps it by an IoU of more than "
        f"{followed.detector.postprocess.nms_iou:g} goes; then the best of the rest, and so on.{voting}",
        draw_nms(followed.image, boxes, scores[order], kept, owner),
        f"The {len(order)} best boxes of class {name}.",
        f"class {name}: {len(kept)} of {len(order)} boxes stay",
    )


def detections_step(followed: Followed) -> Step:
    """Show the end."""
    found, min_score = followed.found, followed.detector.usual_min_score
    shown = found.above(min_score)
    rows = [
        [record["class"], record["score"], " ".join(f"{v:.0f}" for v in record["box"])]
        for record in shown.to_records()
    ]
    return Step(
        "detections",
        "Detections",
        f"What is left with a score of at least {min_score:g}: {len(shown)} of {len(found)} boxes.",
        draw_detections(followed.image, found, min_score=min_score),
        "The result.",
        f"{len(shown)} with a score of at least {min_score:g}",
        (["class", "score", "x1 y1 x2 y2"], rows),
    )
