"""R-CNN: regions with CNN features, four parts made one after the other.

``propose → warp → CNN → SVMs → box regression → NMS``

Girshick, Donahue, Darrell, Malik, *Rich feature hierarchies for accurate object detection and semantic
segmentation*, CVPR 2014.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from minircnn.arrays import Array, like, to_host
from minircnn.backbones import Backbone, Normalization
from minircnn.boxes import decode
from minircnn.detectors.postprocess import PostprocessSettings, select_detections
from minircnn.imaging import warp_regions
from minircnn.nn import Layer, Linear, Sequential
from minircnn.proposals import Proposer
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray


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
        return self.fc8.forward(self.head.forward(self.last_pool.forward(self.features.forward(x))))

    def backward(self, dy: Array) -> Array:
        """Backpropagate `dy` (R, K+1) down to the first trainable layer."""
        d_pooled = self.head.backward(self.fc8.backward(dy))
        if self.last_pool.needs_input_grad:
            self.features.backward(self.last_pool.backward(d_pooled))
        return None

    def crop_features(self, x: Array) -> tuple[Array, Array]:
        """Return what the SVMs and the regressors see of crops `x`: fc7 (R, D7) and pool5 (R, D5)."""
        pool5 = self.last_pool.forward(self.features.forward(x))
        return self.head.forward(pool5), pool5.reshape(pool5.shape[0], -1)

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
        Crops sent through the network at once: bounds the memory.
    """

    crop_size: int = 227
    context: int = 16
    crop_batch: int = 128


@dataclass
class BoxRegressors:
    """The linear box regressors, one per class, as arrays.

    Parameters
    ----------
    weight : (K, 4, D5) float array
    bias : (K, 4) float array
        Zero rows leave boxes as they are (a class with too few examples to learn from).
    """

    weight: FloatArray
    bias: FloatArray

    def offsets(self, label: int, features: FloatArray) -> FloatArray:
        """Return the box offsets (R, 4) that class `label` (1..K) predicts from pool5 `features` (R, D5)."""
        offsets: FloatArray = features @ self.weight[label - 1].T + self.bias[label - 1]
        return offsets


@dataclass
class RCNN:
    """A trained R-CNN detector.

    Parameters
    ----------
    network : RCNNNetwork
    normalization : Normalization
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer
    svm_weight : (D7, K) float array
        One column per class; background has none.
    svm_bias : (K,) float array
    box_regressors : BoxRegressors or None
        None: the proposals' own boxes are reported (the paper's row without "BB").
    warp : WarpSettings
    postprocess : PostprocessSettings
    """

    network: RCNNNetwork
    normalization: Normalization
    class_names: tuple[str, ...]
    proposer: Proposer
    svm_weight: FloatArray
    svm_bias: FloatArray
    box_regressors: BoxRegressors | None = None
    warp: WarpSettings = field(default_factory=WarpSettings)
    postprocess: PostprocessSettings = field(default_factory=PostprocessSettings)

    def detect(
        self, image: ImageArray, *, proposals: FloatArray | None = None, image_id: str = ""
    ) -> Detections:
        """Find the objects in `image` (H, W, 3) uint8 RGB; see :class:`~minircnn.detectors.base.Detector`."""
        if proposals is None:
            proposals = self.proposer.propose(image, image_id=image_id)
        if len(proposals) == 0:
            return Detections.empty(self.class_names)
        proposals = np.asarray(proposals, dtype=np.float32)
        fc7, pool5 = self.region_features(image, proposals)
        scores = self.svm_scores(fc7)  # (R, K)

        def boxes_of_class(label: int, index: IntArray) -> FloatArray:
            if self.box_regressors is None:
                return proposals[index]
            boxes: FloatArray = decode(proposals[index], self.box_regressors.offsets(label, pool5[index]))
            return boxes

        return select_detections(
            scores,
            boxes_of_class,
            image_size=image.shape[:2],
            class_names=self.class_names,
            settings=self.postprocess,
        )

    def region_features(self, image: ImageArray, proposals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Run the CNN once per proposal; return fc7 (R, D7) and pool5 (R, D5) on the host."""
        return extract_features(self.network, self.normalization, self.warp, image, proposals)

    def svm_scores(self, fc7: FloatArray) -> FloatArray:
        """Return the (R, K) SVM scores of fc7 features (R, D7)."""
        scores: FloatArray = fc7 @ self.svm_weight + self.svm_bias
        return scores


def warp_batches(
    normalization: Normalization, warp: WarpSettings, image: ImageArray, boxes: FloatArray
) -> Iterator[FloatArray]:
    """Yield the normalised crops (B, 3, S, S) of `boxes` (R, 4), `warp.crop_batch` at a time."""
    for start in range(0, len(boxes), warp.crop_batch):
        block = boxes[start : start + warp.crop_batch]
        crops = warp_regions(image, block, warp.crop_size, context=warp.context, fill=normalization.fill)
        yield normalization.apply(crops)


def extract_features(
    network: RCNNNetwork,
    normalization: Normalization,
    warp: WarpSettings,
    image: ImageArray,
    boxes: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Warp every box (R, 4) of `image` and run the CNN on it; return fc7 (R, D7) and pool5 (R, D5), R > 0."""
    network.eval()
    weight = network.fc8.weight.data
    parts = [
        tuple(to_host(f) for f in network.crop_features(like(crops, weight)))
        for crops in warp_batches(normalization, warp, image, boxes)
    ]
    return np.concatenate([fc7 for fc7, _ in parts]), np.concatenate([pool5 for _, pool5 in parts])
