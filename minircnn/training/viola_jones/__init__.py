"""Training Viola and Jones' detector: one attentional cascade per class."""

from minircnn.training.viola_jones.cascade import TrainedCascade, train_cascade
from minircnn.training.viola_jones.recipe import VIOLA_JONES_PRESETS, train_viola_jones
from minircnn.training.viola_jones.settings import CascadeSettings, ViolaJonesSettings

__all__ = [
    "VIOLA_JONES_PRESETS",
    "CascadeSettings",
    "TrainedCascade",
    "ViolaJonesSettings",
    "train_cascade",
    "train_viola_jones",
]
