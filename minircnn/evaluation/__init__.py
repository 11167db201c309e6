"""How good detections and proposals are: PASCAL VOC and COCO average precision, recall and MABO."""

from minircnn.evaluation.coco_ap import CocoResult, evaluate_coco
from minircnn.evaluation.recall import ClassOverlap, ProposalResult, mabo, proposal_recall
from minircnn.evaluation.voc_ap import ClassResult, VocResult, average_precision, evaluate_voc
from minircnn.evaluation.voc_files import read_voc_detections, write_voc_detections

__all__ = [
    "ClassOverlap",
    "ClassResult",
    "CocoResult",
    "ProposalResult",
    "VocResult",
    "average_precision",
    "evaluate_coco",
    "evaluate_voc",
    "mabo",
    "proposal_recall",
    "read_voc_detections",
    "write_voc_detections",
]
