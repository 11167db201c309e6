"""Data sets: the built-in scenes, PASCAL VOC folders, COCO JSON, and what is checked and changed in them."""

from minircnn.data.augment import FlippedDataset, flip_annotations, flip_image
from minircnn.data.check import check_dataset
from minircnn.data.coco import COCODataset
from minircnn.data.export import export_voc, voc_tree
from minircnn.data.problems import DatasetError, OnBadBox, OnBadPhoto, Problem
from minircnn.data.report import DataReport
from minircnn.data.scenes import Scenes
from minircnn.data.voc import VOCDataset

__all__ = [
    "COCODataset",
    "DataReport",
    "DatasetError",
    "FlippedDataset",
    "OnBadBox",
    "OnBadPhoto",
    "Problem",
    "Scenes",
    "VOCDataset",
    "check_dataset",
    "export_voc",
    "flip_annotations",
    "flip_image",
    "voc_tree",
]
