"""R-CNN: regions with CNN features, four parts made one after the other.

``propose → warp → CNN → SVMs → box regression → NMS``

Girshick, Donahue, Darrell, Malik, *Rich feature hierarchies for accurate object detection and semantic
segmentation*, CVPR 2014.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from minircnn.arrays import Array, HostArray, is_host, like, to_host
from minircnn.backbones import Backbone, Normalization
from minircnn.boxes import decode
from minircnn.checks import instance, one_of, record, require, require_order, whole
from minircnn.detectors.base import View, register
from minircnn.detectors.linear_parts import LinearPartsDetector
from minircnn.detectors.network import RegionNetwork
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.imaging import WarpMode, as_image, gather_regions, warp_regions, with_border
from minircnn.nn import Linear, MaxPool2d, Sequential
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import FloatArray, ImageArray


class RCNNNetwork(RegionNetwork):
    """The CNN of one warped crop: features, last max pooling, fully connected head, (K+1)-way output.

    ``fc8`` is used to fine-tune the layers below (section 2.3); detection uses the SVMs instead.
    """

    def __init__(
        self, backbone: Backbone, num_classes: int, *, rng: np.random.Generator | None = None
    ) -> None:
        self.description = backbone.describe()
        self.features: Sequential = backbone.features
        self.last_pool = backbone.last_pool
        self.head: Sequential = backbone.head
        self.fc8 = Linear(backbone.feature_dim, num_classes + 1, rng=rng, std=0.01)
        # The new layer starts from noise and learns ten times as fast as the pre-trained ones
        # (weights 10, bias 20 against 1, 2 in the released prototxt).
        self.fc8.weight.lr_multiplier, self.fc8.bias.lr_multiplier = 10.0, 20.0
        self.fc8.bias.decay_multiplier = 0.0

    def forward(self, crops: Array) -> tuple[Array, Array]:
        """Return pool5 (R, D5) and fc7 (R, D7) of normalised crops (R, 3, S, S)."""
        pool5 = stage("pool5")(self.last_pool.forward)(self.features(crops))  # (R, C, P, P)
        fc7 = self.head(pool5)
        return pool5.reshape(len(crops), -1), fc7

    def __call__(self, crops: Array) -> tuple[Array, Array]:
        """Return ``forward(crops)``."""
        return self.forward(crops)

    def logits(self, crops: Array) -> Array:
        """Return the logits (R, K+1) of normalised crops (R, 3, S, S)."""
        return stage("outputs")(self.fc8.forward)(self.forward(crops)[1])

    def backward(self, d_logits: Array) -> None:
        """Backpropagate `d_logits` (R, K+1) down to the first trainable layer."""
        d_fc7 = stage("outputs")(self.fc8.backward)(d_logits)
        d_pool5 = self.head.backward(d_fc7)
        if self.last_pool.needs_input_grad:
            self.features.backward(stage("pool5")(self.last_pool.backward)(d_pool5))

    @property
    def pool(self) -> MaxPool2d:
        """What brings the features of a region to the one size that the head takes."""
        return self.last_pool


@dataclass(frozen=True)
class WarpSettings:
    """How a region becomes a crop of fixed size (appendix A)."""

    crop_size: int = 227
    """Side of the square crop: 227 for AlexNet, 224 for VGG16 and SqueezeNet."""
    context: int = 16
    """Pixels of surroundings around the box, in the crop's own frame: 16 of 227."""
    mode: WarpMode = "warp"
    """Whether a box is stretched to the square, or keeps its shape: see :func:`warp_regions`."""

    def __post_init__(self) -> None:
        require(self, "warp", crop_size=whole(1), context=whole(0), mode=one_of(*get_args(WarpMode)))
        # or nothing is left for the region itself
        require_order("2 * warp.context", 2 * self.context, "warp.crop_size", self.crop_size, below=True)

    def apply(self, image: ImageArray, boxes: FloatArray, fill: Any) -> npt.NDArray[np.float32]:
        """Return the crops (R, S, S, 3) of regions `boxes` (R, 4), `fill` where the photo shows nothing."""
        return warp_regions(image, boxes, self.crop_size, context=self.context, fill=fill, mode=self.mode)

    def gather(self, photo: Array, boxes: FloatArray) -> Array:
        """Return the crops that :meth:`apply` does, of a `photo` :func:`with_border`, where it lives."""
        return gather_regions(photo, boxes, self.crop_size, context=self.context, mode=self.mode)


@dataclass(frozen=True)
class PhotoToCut(View):
    """A photo, and what its regions are cut from."""

    pixels: Array
    """The photo itself, (H, W, 3); or on the network's device, once for all regions, the photo normalised and
    with a border of zeros, (H + 1, W + 1, 3) float32."""


@register("rcnn")
@dataclass
class RCNN(LinearPartsDetector[PhotoToCut]):
    """A trained R-CNN detector.

    Parameters
    ----------
    network : RCNNNetwork
    normalization : Normalization
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer
    svms : LinearSVMs
        One per class; background has none.
    regressors : BoxRegressors
    warping : WarpSettings
    postprocess : PostprocessSettings
    batch : int
        Crops sent through the network at once: bounds the memory of ``detect``.
    """

    title = "R-CNN"

    network: RCNNNetwork
    normalization: Normalization
    class_names: tuple[str, ...]
    proposer: Proposer | None
    svms: LinearSVMs
    regressors: BoxRegressors
    warping: WarpSettings = field(default_factory=WarpSettings)
    postprocess: PostprocessSettings = field(default_factory=PostprocessSettings)
    batch: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", warping=instance(WarpSettings))

    def look(self, image: ImageArray) -> PhotoToCut:
        """Return the photo as it is: all work is done per region. A device gets it once."""
        self.network.eval()
        if is_host(self.network.on):
            return PhotoToCut(image, image)
        normalised = self.normalization.apply(as_image(image))[0].transpose(1, 2, 0)  # (H, W, 3)
        return PhotoToCut(image, like(with_border(normalised), self.network.on))

    def judge(self, view: PhotoToCut, boxes: FloatArray) -> tuple[HostArray, HostArray]:
        """Warp each region, run the CNN on it, ask the SVMs what it is and the regressors where."""
        crops = self.warp(view.pixels, boxes)  # (R, 3, S, S)
        pool5, fc7 = self.network(crops)  # (R, D5), (R, D7): one pass of the CNN for each region
        scores = self.svms.scores(fc7)  # (R, K)
        offsets = self.regressors.offsets(pool5)  # (R, K, 4)
        return to_host(scores), decode(boxes, to_host(offsets))

    @stage("warp and normalise")
    def warp(self, pixels: Array, boxes: FloatArray) -> Array:
        """Return the crops (R, 3, S, S) of regions `boxes` (R, 4), as the network takes them.

        They are cut from `pixels`, a photo, or what :meth:`look` made of it for the network's device.
        """
        if not is_host(pixels):
            return self.warping.gather(pixels, boxes).transpose(0, 3, 1, 2)
        crops = self.warping.apply(pixels, boxes, self.normalization.fill)
        return like(self.normalization.apply(crops), self.network.on)

    def region_features(self, view: PhotoToCut, boxes: FloatArray) -> tuple[Array, Array]:
        """Return pool5 (R, D5) and fc7 (R, D7) of regions `boxes` (R, 4), as `judge` sees them."""
        return self.network(self.warp(view.pixels, boxes))

    def passes(self, regions: float) -> float:
        """Return the number of regions: the convolutional layers run for each."""
        return regions

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        settings = {**self.common_settings(), "warp": dataclasses.asdict(self.warping)}
        return settings, self.all_arrays()

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> RCNN:
        """Return the detector that `state` described."""
        network, normalization = cls.load_network(RCNNNetwork, settings, arrays)
        detector = cls(
            network,
            normalization,
            warping=record(WarpSettings, settings["warp"], "warp"),
            **cls.linear_fields(arrays),
            **cls.common_fields(settings),
        )
        # one crop tells whether the network takes its size, and the regressors what it makes of it
        blank, whole_photo = np.zeros((1, 1, 3), np.uint8), np.array([[0, 0, 1, 1]], np.float32)
        try:
            detector.judge(detector.look(blank), whole_photo)
        except ValueError as error:
            raise ValueError(f"warp.crop_size {detector.warping.crop_size} does not fit ({error})") from error
        return detector
