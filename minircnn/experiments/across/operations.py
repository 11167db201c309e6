"""How many multiplications with an addition a detector's layers ask for, counted from their shapes.

It is the arithmetic of the layers as they are defined; Winograd's convolutions get by with fewer products.
Layers without products of weights (ReLU, pooling, normalisation) count as none.
"""

from __future__ import annotations

from typing import Any

from minircnn.detectors import RCNN, FasterRCNN, FastRCNN, SPPNet
from minircnn.detectors.sppnet import image_scales
from minircnn.nn import Conv2d, Flatten, Linear, MaxPool2d, Module, Sequential
from minircnn.structures import ImageArray

Shape = tuple[int, ...]


def multiply_adds(layer: Module, shape: Shape) -> tuple[int, Shape]:
    """Return what `layer` takes for one input of `shape`, (C, H, W) or (D,), and the shape of its output.

    Raises
    ------
    ValueError
        If the layer has weights and is none of those that are known.
    """
    if isinstance(layer, Sequential):
        total = 0
        for _, inner in layer.children():
            count, shape = multiply_adds(inner, shape)
            total += count
        return total, shape
    if isinstance(layer, Conv2d):
        height, width = layer.geometry.output_size(*shape[1:])
        return height * width * layer.weight.data.size, (len(layer.bias.data), height, width)
    if isinstance(layer, Linear):
        return layer.weight.data.size, (len(layer.bias.data),)
    if isinstance(layer, MaxPool2d):
        channels, height, width = shape
        return 0, (channels, layer.output_size(height), layer.output_size(width))
    if isinstance(layer, Flatten):
        channels, height, width = shape
        return 0, (channels * height * width,)
    if next(iter(layer.named_parameters()), None) is not None:
        raise ValueError(f"the products of a {type(layer).__name__} cannot be counted")
    return 0, shape


def of_detection(detector: Any, image: ImageArray, regions: int) -> int:
    """Return what `detector` takes for a photo with so many regions, all of them different.

    Raises
    ------
    TypeError
        If it is none of those with a network.
    """
    if isinstance(detector, RCNN):
        return regions * (_crop(detector) + _linear_parts(detector))
    if isinstance(detector, SPPNet):
        maps = sum(_map(detector, image, scale)[0] for scale in image_scales(detector.scales))
        return maps + regions * (_head(detector) + _linear_parts(detector))
    if isinstance(detector, FastRCNN):
        photo, shape = _map(detector, image, detector.scale)
        if isinstance(detector, FasterRCNN):
            photo += _region_proposals(detector.network.rpn, shape)
        outputs = detector.network.outputs
        return photo + regions * (_head(detector) + _weights(outputs.cls_score, outputs.bbox_pred))
    raise TypeError(f"the products of {detector.title} cannot be counted")


def _map(detector: Any, image: ImageArray, scale: Any) -> tuple[int, Shape]:
    """Return what the convolutions of a photo take, and the shape of its map."""
    pixels, _ = detector.network_input(image, scale)
    return multiply_adds(detector.network.features, tuple(pixels.shape[1:]))


def _crop(detector: RCNN) -> int:
    """Return what the network takes for a warped region."""
    network, side = detector.network, detector.warping.crop_size
    convolutions, shape = multiply_adds(network.features, (3, side, side))
    pooled = multiply_adds(network.last_pool, shape)[1]
    return convolutions + multiply_adds(network.head, pooled)[0]


def _head(detector: Any) -> int:
    """Return what the fully connected layers take for a region: as many products as they have weights."""
    named = detector.network.head.named_parameters()
    return sum(parameter.data.size for name, parameter in named if name.endswith("weight"))


def _region_proposals(rpn: Any, shape: Shape) -> int:
    """Return what the region proposal network takes for a map of this shape."""
    window, hidden = multiply_adds(rpn.window, shape)
    return window + sum(multiply_adds(layer, hidden)[0] for layer in (rpn.cls_score, rpn.bbox_pred))


def _linear_parts(detector: Any) -> int:
    """Return what SVMs and box regressors take for a region."""
    return int(detector.svms.coef_.size + detector.regressors.weight.size)


def _weights(*layers: Linear) -> int:
    return sum(layer.weight.data.size for layer in layers)
