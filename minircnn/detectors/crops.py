"""R-CNN's way from regions to features: every region is warped to a crop, and the CNN runs once per crop.

Detection and the training of the SVMs and box regressors share it (sections 2.1 and 2.2, appendix A).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Array, like, to_host
from minircnn.backbones import Backbone, Normalization
from minircnn.imaging import warp_regions
from minircnn.nn import Layer, Linear, Sequential
from minircnn.profiling import stage
from minircnn.structures import BoolArray, FloatArray, ImageArray


class RCNNNetwork(Layer):
    """The CNN of one warped crop: features, last max pooling, fully connected head, (K+1)-way output.

    ``fc8`` is used to fine-tune the layers below (section 2.3); detection uses the SVMs instead.
    """

    def __init__(
        self, backbone: Backbone, num_classes: int, *, rng: np.random.Generator | None = None
    ) -> None:
        self.backbone_name, self.backbone_options = backbone.name, backbone.options
        self.features: Sequential = backbone.features
        self.last_pool = backbone.last_pool
        self.head: Sequential = backbone.head
        self.fc8 = Linear(backbone.feature_dim, num_classes + 1, rng=rng, std=0.01)
        # The new layer starts from noise and learns ten times as fast as the pre-trained ones
        # (weights 10, bias 20 against 1, 2 in the released prototxt).
        self.fc8.weight.lr_multiplier, self.fc8.bias.lr_multiplier = 10.0, 20.0
        self.fc8.bias.decay_multiplier = 0.0

    def forward(self, x: Array) -> Array:
        """Return the logits (R, K+1) of normalised crops `x` (R, 3, S, S)."""
        fc7, _ = self.crop_features(x)
        with stage("outputs"):
            return self.fc8.forward(fc7)

    def backward(self, dy: Array) -> Array:
        """Backpropagate `dy` (R, K+1) down to the first trainable layer."""
        with stage("outputs"):
            d_fc7 = self.fc8.backward(dy)
        with stage("fully connected"):
            d_pooled = self.head.backward(d_fc7)
        if self.last_pool.needs_input_grad:
            with stage("convolutions"):
                self.features.backward(self.last_pool.backward(d_pooled))
        return None

    def crop_features(self, x: Array) -> tuple[Array, Array]:
        """Return what the SVMs and the regressors see of crops `x`: fc7 (R, D7) and pool5 (R, D5)."""
        with stage("convolutions"):
            pool5 = self.last_pool.forward(self.features.forward(x))
        with stage("fully connected"):
            return self.head.forward(pool5), pool5.reshape(pool5.shape[0], -1)

    def __sizeof__(self) -> int:
        """Return the bytes of the parameters."""
        return sum(int(parameter.data.nbytes) for _, parameter in self.named_parameters())

    def prepare_training(self) -> None:
        """Enter training mode, skipping every gradient nobody uses; call it again after freezing layers."""
        self.train()
        self.features.stop_input_gradient()
        self.last_pool.needs_input_grad = self.features.trainable


@dataclass(frozen=True)
class WarpSettings:
    """How a region becomes a crop of fixed size (appendix A).

    Parameters
    ----------
    crop_size : int
        Side of the square crop: 227 for AlexNet, 224 for VGG16 and SqueezeNet.
    context : int
        Pixels of surroundings around the box, in the crop's own frame: 16 of 227.
    crop_batch : int
        Crops sent through the network at once: bounds the memory of `detect`.
    """

    crop_size: int = 227
    context: int = 16
    crop_batch: int = 128


def warp_batches(
    normalization: Normalization, warp: WarpSettings, image: ImageArray, boxes: FloatArray
) -> Iterator[FloatArray]:
    """Yield the normalised crops (B, 3, S, S) of `boxes` (R, 4), `warp.crop_batch` at a time."""
    for start in range(0, len(boxes), warp.crop_batch):
        block = boxes[start : start + warp.crop_batch]
        with stage("warp and normalise"):
            crops = normalization.apply(
                warp_regions(image, block, warp.crop_size, context=warp.context, fill=normalization.fill)
            )
        yield crops


def feature_batches(
    network: RCNNNetwork,
    normalization: Normalization,
    warp: WarpSettings,
    image: ImageArray,
    boxes: FloatArray,
) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Warp the `boxes` (R, 4) of `image` and run the CNN on them, `warp.crop_batch` at a time.

    Yields
    ------
    rows : slice
        Which of the boxes.
    fc7 : (B, D7) array
    pool5 : (B, D5) array
        Both on the host.
    """
    network.eval()
    weight = network.fc8.weight.data
    start = 0
    for crops in warp_batches(normalization, warp, image, boxes):
        fc7, pool5 = network.crop_features(like(crops, weight))
        yield slice(start, start + len(fc7)), to_host(fc7), to_host(pool5)
        start += len(fc7)


def extract_features(
    network: RCNNNetwork,
    normalization: Normalization,
    warp: WarpSettings,
    image: ImageArray,
    boxes: FloatArray,
    *,
    pool5_of: BoolArray | None = None,
    dtype: str = "float32",
) -> tuple[FloatArray, FloatArray]:
    """Compute the features of every box (R, 4) of `image`, R > 0.

    Parameters
    ----------
    pool5_of : (R,) bool array, optional
        The P boxes whose pool5 is wanted; default: all.
    dtype : str
        Of the result.

    Returns
    -------
    fc7 : (R, D7) array
    pool5 : (P, D5) array
    """
    wanted = np.ones(len(boxes), dtype=bool) if pool5_of is None else pool5_of
    first = np.cumsum([0, *wanted])  # row of pool5 that each box would get
    fc7 = pool5 = np.empty((0, 0), dtype)
    for rows, own7, own5 in feature_batches(network, normalization, warp, image, boxes):
        if rows.start == 0:  # the first batch shows how wide the features are
            fc7 = np.empty((len(boxes), own7.shape[1]), dtype)
            pool5 = np.empty((int(first[-1]), own5.shape[1]), dtype)
        fc7[rows] = own7
        pool5[first[rows.start] : first[rows.stop]] = own5[wanted[rows]]
    return fc7, pool5
