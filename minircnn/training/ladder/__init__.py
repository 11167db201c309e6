"""The rungs beside detection, done small: one label with one box, a class for every pixel, both merged."""

from minircnn.training.ladder.fitting import LadderSettings, SceneDataset
from minircnn.training.ladder.localizer import Localizer, LocalizerSettings, train_localizer
from minircnn.training.ladder.merging import cut_masks, merge_panoptic
from minircnn.training.ladder.segmenter import Segmenter, SegmenterSettings, train_segmenter

__all__ = [
    "LadderSettings",
    "Localizer",
    "LocalizerSettings",
    "SceneDataset",
    "Segmenter",
    "SegmenterSettings",
    "cut_masks",
    "merge_panoptic",
    "train_localizer",
    "train_segmenter",
]
