"""Boxes: their geometry, their coding as regression targets, suppression of doubles, matching to objects."""

from minircnn.boxes.coding import MAX_LOG_SCALE, decode, encode
from minircnn.boxes.geometry import box_area, box_iou, clip_boxes, flip_boxes, large_enough
from minircnn.boxes.matching import Assignment, Sample, assign, sample_fast_rcnn, sample_rcnn
from minircnn.boxes.nms_rules import NMS_RULES, NmsRule
from minircnn.boxes.suppression import batched_nms, nms, nms_explained
from minircnn.boxes.voting import vote_boxes

__all__ = [
    "MAX_LOG_SCALE",
    "NMS_RULES",
    "Assignment",
    "NmsRule",
    "Sample",
    "assign",
    "batched_nms",
    "box_area",
    "box_iou",
    "clip_boxes",
    "decode",
    "encode",
    "flip_boxes",
    "large_enough",
    "nms",
    "nms_explained",
    "sample_fast_rcnn",
    "sample_rcnn",
    "vote_boxes",
]
