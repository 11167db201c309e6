"""R-CNN and Fast R-CNN from scratch in NumPy, with an optional CuPy backend.

A detection in five lines::

    from minircnn import load_detector, read_image
    from minircnn.viz import draw_detections
    image = read_image("photo.jpg")
    detections = load_detector("runs/fast/model.safetensors").detect(image)
    draw_detections(image, detections)

The names below are loaded when they are first used, so that importing the package takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from minircnn.backbones import build_backbone
    from minircnn.boxes import box_iou, decode, encode, nms
    from minircnn.data import COCODataset, Scenes, VOCDataset, check_dataset
    from minircnn.data.opening import open_dataset
    from minircnn.detectors import RCNN, Detector, FastRCNN, load_detector, save_detector
    from minircnn.evaluation import evaluate_coco, evaluate_voc, proposal_recall
    from minircnn.imaging import read_image, write_image
    from minircnn.nn import gradcheck
    from minircnn.proposals import (
        ProposalFile,
        SelectiveSearch,
        SlidingWindow,
        graph_segmentation,
        selective_search,
    )
    from minircnn.structures import Annotations, Detections
    from minircnn.training import FastRCNNSettings, RCNNSettings, train

_HOME = {
    "minircnn.backbones": ("build_backbone",),
    "minircnn.boxes": ("box_iou", "decode", "encode", "nms"),
    "minircnn.data": ("COCODataset", "Scenes", "VOCDataset", "check_dataset"),
    "minircnn.data.opening": ("open_dataset",),
    "minircnn.detectors": ("RCNN", "Detector", "FastRCNN", "load_detector", "save_detector"),
    "minircnn.evaluation": ("evaluate_coco", "evaluate_voc", "proposal_recall"),
    "minircnn.imaging": ("read_image", "write_image"),
    "minircnn.nn": ("gradcheck",),
    "minircnn.proposals": (
        "ProposalFile",
        "SelectiveSearch",
        "SlidingWindow",
        "graph_segmentation",
        "selective_search",
    ),
    "minircnn.structures": ("Annotations", "Detections"),
    "minircnn.training": ("FastRCNNSettings", "RCNNSettings", "train"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "RCNN",
    "Annotations",
    "COCODataset",
    "Detections",
    "Detector",
    "FastRCNN",
    "FastRCNNSettings",
    "ProposalFile",
    "RCNNSettings",
    "Scenes",
    "SelectiveSearch",
    "SlidingWindow",
    "VOCDataset",
    "box_iou",
    "build_backbone",
    "check_dataset",
    "decode",
    "encode",
    "evaluate_coco",
    "evaluate_voc",
    "gradcheck",
    "graph_segmentation",
    "load_detector",
    "nms",
    "open_dataset",
    "proposal_recall",
    "read_image",
    "save_detector",
    "selective_search",
    "train",
    "write_image",
]


def __getattr__(name: str) -> Any:
    """Load the part that `name` stands for (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'minircnn' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
