"""Convolutional networks cut where regions are pooled, and the reading of their weights."""

from minircnn.backbones.alexnet import alexnet
from minircnn.backbones.base import BACKBONES, Backbone
from minircnn.backbones.build import build_backbone
from minircnn.backbones.normalization import Normalization
from minircnn.backbones.squeezenet import squeezenet1_0, squeezenet1_1
from minircnn.backbones.tiny import tiny
from minircnn.backbones.vgg16 import vgg16
from minircnn.backbones.weights import WeightsError, load_weights, read_weights

__all__ = [
    "BACKBONES",
    "Backbone",
    "Normalization",
    "WeightsError",
    "alexnet",
    "build_backbone",
    "load_weights",
    "read_weights",
    "squeezenet1_0",
    "squeezenet1_1",
    "tiny",
    "vgg16",
]
