"""Training Viola and Jones' detector: one attentional cascade per class."""

from minircnn.training.viola_jones.cascade import TrainedCascade, train_cascade
from minircnn.training.viola_jones.settings import CascadeSettings, ViolaJonesSettings

__all__ = [
    "CascadeSettings",
    "TrainedCascade",
    "ViolaJonesSettings",
    "train_cascade",
]
