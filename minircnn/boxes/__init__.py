"""Boxes: geometry, coding as regression targets, suppression of doubles, matching to objects, anchors."""

from minircnn.boxes.anchor_labels import (
    BACKGROUND,
    IGNORED,
    OBJECT,
    AnchorLabels,
    label_anchors,
    sample_anchors,
)
from minircnn.boxes.anchor_suggestion import best_anchor_iou, suggest_anchors
from minircnn.boxes.anchors import AnchorSettings, anchors_inside, base_anchors, grid_anchors
from minircnn.boxes.coding import MAX_LOG_SCALE, decode, encode
from minircnn.boxes.geometry import box_area, box_iou, clip_boxes, flip_boxes, large_enough
from minircnn.boxes.grouping import group_boxes
from minircnn.boxes.matching import Assignment, Sample, assign, sample_fast_rcnn, sample_rcnn
from minircnn.boxes.nms_rules import NMS_RULES, NmsRule
from minircnn.boxes.suppression import batched_nms, nms, nms_explained
from minircnn.boxes.voting import vote_boxes

__all__ = [
    "BACKGROUND",
    "IGNORED",
    "MAX_LOG_SCALE",
    "NMS_RULES",
    "OBJECT",
    "AnchorLabels",
    "AnchorSettings",
    "Assignment",
    "NmsRule",
    "Sample",
    "anchors_inside",
    "assign",
    "base_anchors",
    "batched_nms",
    "best_anchor_iou",
    "box_area",
    "box_iou",
    "clip_boxes",
    "decode",
    "encode",
    "flip_boxes",
    "grid_anchors",
    "group_boxes",
    "label_anchors",
    "large_enough",
    "nms",
    "nms_explained",
    "sample_anchors",
    "sample_fast_rcnn",
    "sample_rcnn",
    "suggest_anchors",
    "vote_boxes",
]
