"""How good detections and proposals are: VOC and COCO average precision, kinds of error, recall and MABO."""

from minircnn.evaluation.bootstrap import BootstrapInterval, bootstrap_voc
from minircnn.evaluation.coco_ap import CocoResult, evaluate_coco
from minircnn.evaluation.coco_files import read_coco_detections, write_coco_detections
from minircnn.evaluation.errors import DetectionErrors, detection_errors
from minircnn.evaluation.pairing import JoinedClasses, join_classes, relabel
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
    "ProposalResult",
    "VocFiles",
    "VocResult",
    "average_precision",
    "bootstrap_voc",
    "detection_errors",
    "evaluate_coco",
    "evaluate_voc",
    "find_voc_files",
    "join_classes",
    "mabo",
    "proposal_recall",
    "read_coco_detections",
    "read_photo_records",
    "read_voc_detections",
    "read_voc_files",
    "relabel",
    "write_coco_detections",
    "write_voc_detections",
]
