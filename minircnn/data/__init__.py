"""Data sets: the built-in scenes, PASCAL VOC folders, COCO JSON, and what is checked and changed in them."""

from minircnn.data.augment import FlippedDataset, flip_annotations, flip_image
from minircnn.data.check import check_dataset
from minircnn.data.coco import COCODataset
from minircnn.data.coco_panoptic import COCOPanoptic
from minircnn.data.coco_scenes import COCOScenes
from minircnn.data.export import export_voc, voc_tree
from minircnn.data.image_folder import ImageFolder
from minircnn.data.problems import DatasetError, OnBadBox, OnBadPhoto, Problem
from minircnn.data.report import DataReport
from minircnn.data.run_lengths import decode_runs, encode_runs, format_runs, parse_runs
from minircnn.data.scenes import Scenes
from minircnn.data.segmentations import read_segmentation
from minircnn.data.single_digits import SingleDigits
from minircnn.data.voc import VOCDataset
from minircnn.data.voc_scenes import VOC_CLASSES, VOCScenes

__all__ = [
    "VOC_CLASSES",
    "COCODataset",
    "COCOPanoptic",
    "COCOScenes",
    "DataReport",
    "DatasetError",
    "FlippedDataset",
    "ImageFolder",
    "OnBadBox",
    "OnBadPhoto",
    "Problem",
    "Scenes",
    "SingleDigits",
    "VOCDataset",
    "VOCScenes",
    "check_dataset",
    "decode_runs",
    "encode_runs",
    "export_voc",
    "flip_annotations",
    "flip_image",
    "format_runs",
    "parse_runs",
    "read_segmentation",
    "voc_tree",
]
