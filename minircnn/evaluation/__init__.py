"""How good an answer of each rung is: labels, boxes, masks, classes of pixels and panoptic segments.

For detections and proposals there are VOC and COCO average precision, kinds of error, recall and MABO.
"""

from minircnn.evaluation.bootstrap import BootstrapInterval, bootstrap_voc
from minircnn.evaluation.classification import multilabel_average_precision, top_k_accuracy
from minircnn.evaluation.coco_ap import CocoResult, evaluate_coco
from minircnn.evaluation.coco_files import read_coco_detections, write_coco_detections
from minircnn.evaluation.confusion import PixelResult, confusion_matrix, evaluate_class_maps
from minircnn.evaluation.errors import DetectionErrors, detection_errors
from minircnn.evaluation.localization import LocalizationLimits, localization_error, localization_limits
from minircnn.evaluation.mask_ap import MaskDetections, evaluate_coco_masks, mask_iou
from minircnn.evaluation.pairing import JoinedClasses, join_classes, relabel
from minircnn.evaluation.panoptic import (
    PanopticClass,
    PanopticFigures,
    PanopticResult,
    evaluate_panoptic,
)
from minircnn.evaluation.photo_records import read_photo_records
from minircnn.evaluation.recall import ClassOverlap, ProposalResult, mabo, proposal_recall
from minircnn.evaluation.voc_ap import ClassResult, VocResult, average_precision, evaluate_voc
from minircnn.evaluation.voc_files import read_voc_detections, read_voc_files, write_voc_detections
from minircnn.evaluation.voc_names import VocFiles, find_voc_files

__all__ = [
    "BootstrapInterval",
    "ClassOverlap",
    "ClassResult",
    "CocoResult",
    "DetectionErrors",
    "JoinedClasses",
    "LocalizationLimits",
    "MaskDetections",
    "PanopticClass",
    "PanopticFigures",
    "PanopticResult",
    "PixelResult",
    "ProposalResult",
    "VocFiles",
    "VocResult",
    "average_precision",
    "bootstrap_voc",
    "confusion_matrix",
    "detection_errors",
    "evaluate_class_maps",
    "evaluate_coco",
    "evaluate_coco_masks",
    "evaluate_panoptic",
    "evaluate_voc",
    "find_voc_files",
    "join_classes",
    "localization_error",
    "localization_limits",
    "mabo",
    "mask_iou",
    "multilabel_average_precision",
    "proposal_recall",
    "read_coco_detections",
    "read_photo_records",
    "read_voc_detections",
    "read_voc_files",
    "relabel",
    "top_k_accuracy",
    "write_coco_detections",
    "write_voc_detections",
]
