"""What Faster R-CNN has to show: the feature map first, then anchors, objectness and its own proposals."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np

from minircnn.arrays import to_host
from minircnn.boxes import nms_explained
from minircnn.cli.explain.fast_rcnn import fast_rcnn_steps, photo_map_step, region_steps
from minircnn.cli.explain.steps import EXPLAINERS, Followed, Step, proposals_step
from minircnn.detectors import FasterRCNN
from minircnn.nn import softmax
from minircnn.structures import FloatArray
from minircnn.viz import draw_anchors, draw_nms, draw_objectness

_NMS_BOXES = 100
_POINTS = 60  # of centres along the longer side at most: more would hide the photo


@EXPLAINERS.register("faster-rcnn")
def faster_rcnn_steps(followed: Followed) -> list[Step]:
    """Explain in the order of the paper's figure 2; with proposals from elsewhere it is a Fast R-CNN."""
    detector = cast(FasterRCNN, followed.detector)
    if detector.proposer is not None:
        return fast_rcnn_steps(followed)
    objectness = _objectness(followed, detector)
    return [
        photo_map_step(followed, np.zeros((0, 4), np.float32)),
        _anchors(followed, detector, objectness),
        _heat(followed, detector, objectness),
        _suppressed_proposals(followed, detector),
        proposals_step(followed),
        *region_steps(followed),
    ]


def _objectness(followed: Followed, detector: FasterRCNN) -> FloatArray:
    """Return how likely each anchor of each cell is an object (H, W, A)."""
    feature_map = followed.view.map
    scores, _ = detector.network.rpn(feature_map)
    probability: FloatArray = to_host(softmax(scores[0])[:, 1])
    return probability.reshape(*feature_map.shape[2:], detector.network.rpn.num_anchors)


def _anchors(followed: Followed, detector: FasterRCNN, objectness: FloatArray) -> Step:
    """Show the anchors of the cell that is surest of an object."""
    network, scale = detector.network, float(followed.view.scale)
    height, width, count = objectness.shape
    anchors = to_host(network.anchors_on(followed.view.map)).reshape(height, width, count, 4) / scale
    row, column, best = (int(i) for i in np.unravel_index(objectness.argmax(), objectness.shape))
    own = anchors[row, column]  # (A, 4)
    every = -(-max(height, width) // _POINTS)
    centres = (anchors[::every, ::every, 0, :2] + anchors[::every, ::every, 0, 2:]) / 2
    shapes = [(ratio, size) for ratio in network.anchors.ratios for size in network.anchors.scales]
    rows = [
        [f"{ratio:g}", f"{size:g}", f"{x2 - x1:.0f} × {y2 - y1:.0f}", float(score)]
        for (ratio, size), (x1, y1, x2, y2), score in zip(shapes, own, objectness[row, column], strict=True)
    ]
    return Step(
        "anchors",
        "Anchors",
        f"At every cell stand the same {count} boxes, {len(network.anchors.ratios)} ratios of "
        f"{len(network.anchors.scales)} scales. A small network slides over the map; of each anchor it says "
        "how likely it holds an object, of whatever class, and how it should move to fit it.",
        draw_anchors(
            followed.image, own, centres=centres, title=f"The {count} anchors of cell {row}, {column}"
        ),
        f"Those of the cell that is surest of an object (anchor {best + 1}). The points are the centres of "
        f"{'all cells' if every == 1 else f'every {every}th cell of a row, and of every {every}th row'}.",
        f"{height} × {width} cells × {count} = {height * width * count:,} anchors",
        (["height : width", "scale", "pixels of the photo", "objectness"], rows),
    )


def _heat(followed: Followed, detector: FasterRCNN, objectness: FloatArray) -> Step:
    """Show where an object of each scale is likely."""
    network, scale = detector.network, float(followed.view.scale)
    settings = network.anchors
    sides = [settings.base_size * size / scale for size in settings.scales]
    likely = int((objectness > 0.5).sum())
    return Step(
        "objectness",
        "Objectness",
        "The probability of an object, of every anchor of every cell. It knows no classes: those come later. "
        "Small anchors light up on small objects, large ones on large objects.",
        draw_objectness(
            followed.image,
            objectness,
            [f"anchors of about {side:.0f} pixels" for side in sides],
            num_scales=len(sides),
            cell=network.stride / scale,
        ),
        "One map a scale; of the ratios the likeliest counts.",
        f"{likely:,} of {objectness.size:,} anchors say more than 0.5",
    )


def _suppressed_proposals(followed: Followed, detector: FasterRCNN) -> Step:
    """Show the best moved anchors, before and after non-maximum suppression."""
    layer = detector.proposing
    everything = dataclasses.replace(layer, nms_iou=1.0, top_after=_NMS_BOXES)  # no IoU is larger
    boxes, scores = detector.scored_proposals(followed.view, everything)
    kept, owner = nms_explained(boxes, scores, layer.nms_iou)
    before = "All" if layer.top_before is None else f"The best {layer.top_before:,}"
    return Step(
        "moved",
        "From anchors to proposals",
        f"Every anchor is moved by its offsets and clipped to the photo; those with a side below "
        f"{layer.min_size:g} pixels go. {before} enter non-maximum suppression: the likeliest box stays, and "
        f"every box that overlaps it by an IoU of more than {layer.nms_iou:g} goes. Of what is left, the "
        f"likeliest {layer.top_after:,} are the proposals.",
        draw_nms(followed.image, boxes, scores, kept, owner, "Neighbouring anchors propose the same boxes"),
        f"The {len(boxes)} likeliest boxes before suppression, and what stays of them.",
        f"{len(kept)} of the best {len(boxes)} boxes stay",
    )
