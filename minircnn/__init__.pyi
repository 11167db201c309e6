"""The names that ``from minircnn import ...`` offers, each with its home: the only place that lists them."""

__version__: str

from . import pretrained as pretrained
from .backbones import build_backbone as build_backbone
from .boxes import AnchorSettings as AnchorSettings
from .boxes import box_iou as box_iou
from .boxes import decode as decode
from .boxes import encode as encode
from .boxes import nms as nms
from .boxes import nms_explained as nms_explained
from .data import COCODataset as COCODataset
from .data import Scenes as Scenes
from .data import VOCDataset as VOCDataset
from .data import check_dataset as check_dataset
from .data.opening import open_dataset as open_dataset
from .detectors import RCNN as RCNN
from .detectors import FasterRCNN as FasterRCNN
from .detectors import FastRCNN as FastRCNN
from .detectors import RegionDetector as RegionDetector
from .detectors import SPPNet as SPPNet
from .detectors import ViolaJones as ViolaJones
from .detectors import load_detector as load_detector
from .detectors import save_detector as save_detector
from .evaluation import detection_errors as detection_errors
from .evaluation import evaluate_coco as evaluate_coco
from .evaluation import evaluate_voc as evaluate_voc
from .evaluation import proposal_recall as proposal_recall
from .imaging import read_image as read_image
from .imaging import write_image as write_image
from .nn import gradcheck as gradcheck
from .panoptic import PanopticMap as PanopticMap
from .panoptic import Segment as Segment
from .proposals import ProposalFile as ProposalFile
from .proposals import SelectiveSearch as SelectiveSearch
from .proposals import SlidingWindow as SlidingWindow
from .proposals import graph_segmentation as graph_segmentation
from .proposals import selective_search as selective_search
from .scene import Scene as Scene
from .structures import Annotations as Annotations
from .structures import Detections as Detections
from .training import FasterRCNNSettings as FasterRCNNSettings
from .training import FastRCNNSettings as FastRCNNSettings
from .training import RCNNSettings as RCNNSettings
from .training import SPPNetSettings as SPPNetSettings
from .training import ViolaJonesSettings as ViolaJonesSettings
from .training import train as train
