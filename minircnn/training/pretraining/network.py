"""A backbone as what it first was: a classifier of whole images."""

from __future__ import annotations

import math

import numpy as np

from minircnn.backbones import Backbone
from minircnn.detectors import RCNNNetwork
from minircnn.nn import Linear, Sequential


class ClassifierNetwork(RCNNNetwork):
    """R-CNN's network of one crop, with an output for each of the K classes and none for background.

    The output is called ``fc8``, as in AlexNet and VGG16: whoever loads the weights for a detector leaves it
    out, as the classes are others.
    """

    def __init__(
        self, backbone: Backbone, num_classes: int, *, rng: np.random.Generator | None = None
    ) -> None:
        self.description = backbone.describe()
        self.features: Sequential = backbone.features
        self.last_pool = backbone.last_pool
        self.head: Sequential = backbone.head
        # 0.01 was meant for 4096 features
        std = 0.01 * math.sqrt(4096 / backbone.feature_dim)
        self.fc8 = Linear(backbone.feature_dim, num_classes, rng=rng, std=std)
        self.fc8.bias.decay_multiplier = 0.0
