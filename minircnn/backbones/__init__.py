"""Convolutional networks cut where regions are pooled, and where their weights come from."""

from minircnn.backbones.alexnet import alexnet
from minircnn.backbones.alexnet_torchvision import alexnet_torchvision
from minircnn.backbones.base import BACKBONES, Backbone
from minircnn.backbones.build import build_backbone
from minircnn.backbones.loading import load_weights
from minircnn.backbones.normalization import Normalization
from minircnn.backbones.origins import ORIGINS, Origins
from minircnn.backbones.squeezenet import squeezenet1_0, squeezenet1_1
from minircnn.backbones.tiny import tiny
from minircnn.backbones.vgg16 import vgg16
from minircnn.weights import WeightsError, read_weights

__all__ = [
    "BACKBONES",
    "ORIGINS",
    "Backbone",
    "Normalization",
    "Origins",
    "WeightsError",
    "alexnet",
    "alexnet_torchvision",
    "build_backbone",
    "load_weights",
    "read_weights",
    "squeezenet1_0",
    "squeezenet1_1",
    "tiny",
    "vgg16",
]
