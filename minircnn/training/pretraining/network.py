"""A backbone as what it first was: a classifier of whole images."""

from __future__ import annotations

import math

import numpy as np

from minircnn.arrays import Array
from minircnn.backbones import Backbone
from minircnn.detectors.network import RegionNetwork
from minircnn.nn import Linear, Module, Sequential
from minircnn.profiling import stage


class ClassifierNetwork(RegionNetwork):
    """Features, last max pooling, fully connected head, and an output for each of the K classes.

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

    def logits(self, images: Array) -> Array:
        """Return the logits (N, K) of normalised images (N, 3, S, S)."""
        pooled = stage("pool5")(self.last_pool.forward)(self.features(images))
        return stage("outputs")(self.fc8.forward)(self.head(pooled))

    def backward(self, d_logits: Array) -> None:
        """Backpropagate `d_logits` (N, K) down to the first trainable layer."""
        d_pooled = self.head.backward(stage("outputs")(self.fc8.backward)(d_logits))
        if self.last_pool.needs_input_grad:
            self.features.backward(stage("pool5")(self.last_pool.backward)(d_pooled))

    @property
    def pool(self) -> Module:
        """What brings the map of an image to the size that the head takes."""
        return self.last_pool
