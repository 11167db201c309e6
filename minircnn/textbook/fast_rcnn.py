"""Fast R-CNN in one function: from a photo and its proposals to class probabilities and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from minircnn.structures import FloatArray
from minircnn.textbook.boxes import decode
from minircnn.textbook.convolution import conv2d
from minircnn.textbook.fully_connected import linear, relu
from minircnn.textbook.losses import softmax
from minircnn.textbook.pooling import max_pool2d
from minircnn.textbook.roi_pooling import roi_pool


def fast_rcnn_forward(
    weights: Mapping[str, FloatArray],
    layers: Sequence[str],
    image: FloatArray,
    rois: FloatArray,
    roi_size: int,
    target_mean: FloatArray,
    target_std: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return probabilities (R, K+1), column 0 being background, and one box per class (R, K+1, 4).

    Girshick 2015, figure 1. `image` (3, H, W) is normalised, `rois` (R, 4) are in its pixels. `layers` names
    3 × 3 convolutions, each with a ReLU, and 2 × 2 max poolings, as in VGG16: conv1_1, conv1_2, pool1, ...
    `weights` holds theirs by name, conv1_1.weight, conv1_1.bias, ..., and those of fc6, fc7, cls_score and
    bbox_pred. The offsets were trained in units of `target_std` (K+1, 4) and from `target_mean` (K+1, 4).
    """

    def of(layer: str) -> tuple[FloatArray, FloatArray]:
        return weights[f"{layer}.weight"], weights[f"{layer}.bias"]

    # once for the photo
    x, stride = image[None], 1  # (1, 3, H, W)
    for layer in layers:
        if layer.startswith("conv"):
            x = relu(conv2d(x, *of(layer), padding=1))
        else:
            x, _ = max_pool2d(x, 2, stride=2, ceil_mode=True)
            stride *= 2

    # once for each region
    of_photo = np.zeros(len(rois), dtype=int)
    pooled, _ = roi_pool(x, rois, of_photo, (roi_size, roi_size), 1 / stride)  # (R, C, P, P)
    fc6 = relu(linear(pooled.reshape(len(rois), -1), *of("fc6")))
    fc7 = relu(linear(fc6, *of("fc7")))  # (R, D)
    probabilities = softmax(linear(fc7, *of("cls_score")))  # (R, K+1)
    offsets = linear(fc7, *of("bbox_pred")).reshape(len(rois), -1, 4)  # (R, K+1, 4)
    boxes = np.zeros(offsets.shape)
    for r, label in np.ndindex(probabilities.shape):
        offset = offsets[r, label] * target_std[label] + target_mean[label]
        boxes[r, label] = decode(rois[r].tolist(), offset.tolist())
    return probabilities, boxes
