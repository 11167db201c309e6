"""SPP-net: the photo is convolved once, every region becomes a pyramid of maxima of one length.

``propose → convolve the photo → spatial pyramid pooling → fc6, fc7 → SVMs → box regression → NMS``

He, Zhang, Ren, Sun, *Spatial pyramid pooling in deep convolutional networks for visual recognition*, ECCV
2014, section 4. The step from R-CNN to Fast R-CNN: convolutions are shared already, training is still in
parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, like, to_host
from minircnn.backbones import Backbone, Normalization
from minircnn.backbones.base import FullyConnected, fully_connected
from minircnn.boxes import box_area, decode
from minircnn.checks import checked, each, require, whole
from minircnn.detectors.base import View, register
from minircnn.detectors.image_scale import ImageScale
from minircnn.detectors.linear_parts import LinearPartsDetector
from minircnn.detectors.network import RegionNetwork
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.nn import Dropout, Linear, Scale, Sequential, SpatialPyramidPool
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import FloatArray, ImageArray, IntArray

LEVELS = (1, 2, 3, 6)
"""Bins along each side of every level of the pyramid: 50 in all (section 4.1)."""

MAX_LEVEL = 64
"""More bins along a side than this would be more than there are cells in any photo's map."""

MAX_LONG_SIDE = 4096
"""Of a scaled photo, in pixels. The paper has no bound; a narrow strip would fill the memory."""


class SPPNetNetwork(RegionNetwork):
    """Backbone features, pyramid pooling, fully connected layers of their own, (K+1)-way output.

    ``fc8`` is used to fine-tune the layers below; detection uses the SVMs instead.

    Parameters
    ----------
    backbone : Backbone
        Its convolutional layers, and the widths of its fully connected ones; these start anew, as fc6 reads a
        pyramid here, and fc7 reads fc6. (The paper's network was trained with its pyramid on ImageNet.)
    num_classes : int
        K, without background.
    levels : tuple of int
    rng : numpy Generator, optional
        Draws what is new; None leaves it zero, to be loaded.

    Raises
    ------
    ValueError
        If the backbone has no fully connected layers.
    """

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        levels: tuple[int, ...] = LEVELS,
        rng: np.random.Generator | None = None,
    ) -> None:
        theirs = [layer for _, layer in backbone.head.children()]
        widths = [len(layer.bias.data) for layer in theirs if isinstance(layer, Linear)]
        if not widths:
            raise ValueError(
                f"SPP-net needs fully connected layers, and {backbone.name} has none: set backbone.widths"
            )
        self.description, self.smallest_input = backbone.describe(), backbone.smallest_input
        self.features: Sequential = backbone.features
        self.pyramid = SpatialPyramidPool(levels, 1.0 / backbone.stride)
        bins = sum(level**2 for level in levels)
        inputs = bins * backbone.channels
        dropout = next((layer.rate for layer in theirs if isinstance(layer, Dropout)), 0.0)
        factor = next((layer.factor for layer in theirs if isinstance(layer, Scale)), 1.0)
        layers = fully_connected(tuple(widths), inputs=inputs, dropout=dropout, rng=rng, pooled_scale=factor)
        self.head: Sequential = FullyConnected(**layers)
        self.fc8 = Linear(
            backbone.feature_dim, num_classes + 1, rng=rng, std=0.01 * (4096 / widths[-1]) ** 0.5
        )

    def logits_from_map(self, feature_map: Array, rois: Array, image_index: Array) -> Array:
        """Return the logits (R, K+1) of regions (R, 4) with maps (N, C, h, w), for fine-tuning."""
        pool5 = self.pyramid(feature_map, rois, image_index)  # (R, 50·C)
        return stage("outputs")(self.fc8.forward)(self.head(pool5))

    def backward(self, d_logits: Array) -> None:
        """Backpropagate `d_logits` (R, K+1) down to the first trainable layer."""
        d_fc7 = stage("outputs")(self.fc8.backward)(d_logits)
        d_pool5 = self.head.backward(d_fc7)
        if self.pyramid.needs_input_grad:
            self.features.backward(self.pyramid.backward(d_pool5))

    @property
    def pool(self) -> SpatialPyramidPool:
        """What brings the features of a region to the one size that the head takes."""
        return self.pyramid


@dataclass(frozen=True)
class ScaledMaps(View):
    """A photo, and what the convolutional layers make of it at every scale."""

    maps: tuple[Array, ...]
    """(1, C, ~H/stride, ~W/stride) each."""
    scales: tuple[np.float32, ...]
    """Pixels of the network's input per pixel of the photo."""


@register("sppnet")
@dataclass
class SPPNet(LinearPartsDetector[ScaledMaps]):
    """A trained SPP-net detector.

    Parameters
    ----------
    network : SPPNetNetwork
    normalization : Normalization
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer
    svms : LinearSVMs
        One per class; background has none.
    regressors : BoxRegressors
    scales : tuple of int
        Shorter sides to which the photo is scaled: 688, or 480, 576, 688, 864 and 1200 (section 4.1); empty:
        the photo's own size.
    target_side : int
        Of several scales a region takes the one at which it holds nearest to this number of pixels squared.
    postprocess : PostprocessSettings
    batch : int
        Regions judged at once: with the photo's size it bounds the memory of ``detect``.
    """

    title = "SPP-net"

    network: SPPNetNetwork
    normalization: Normalization
    class_names: tuple[str, ...]
    proposer: Proposer | None
    svms: LinearSVMs
    regressors: BoxRegressors
    scales: tuple[int, ...] = (688,)
    target_side: int = 224
    postprocess: PostprocessSettings = field(
        default_factory=lambda: PostprocessSettings(min_score=-1.5)  # as in the released code
    )
    batch: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", scales=each(whole(1, MAX_LONG_SIDE)), target_side=whole(1))

    def look(self, image: ImageArray) -> ScaledMaps:
        """Run the convolutional layers over the whole photo, once per scale."""
        self.network.eval()
        inputs = [self.network_input(image, scale) for scale in image_scales(self.scales)]
        maps = tuple(self.network.features(pixels) for pixels, _ in inputs)
        return ScaledMaps(image, maps, tuple(factor for _, factor in inputs))

    def judge(self, view: ScaledMaps, boxes: FloatArray) -> tuple[HostArray, HostArray]:
        """Pool a pyramid for each region, ask the SVMs what it is and the regressors where."""
        pool5, fc7 = self.region_features(view, boxes)  # (R, 50·C), (R, D7)
        scores = self.svms.scores(fc7)  # (R, K)
        offsets = self.regressors.offsets(pool5)  # (R, K, 4)
        return to_host(scores), decode(boxes, to_host(offsets))

    def region_features(self, view: ScaledMaps, boxes: FloatArray) -> tuple[Array, Array]:
        """Return pool5 (R, 50·C) and fc7 (R, D7) of regions (R, 4), each from the map of its scale."""
        scale_of = nearest_scale(view.scales, boxes, self.target_side)  # (R,)
        rows = [np.flatnonzero(scale_of == i) for i in range(len(view.maps))]
        pyramids = [
            self.network.pyramid(feature_map, boxes[own] * factor)
            for feature_map, factor, own in zip(view.maps, view.scales, rows, strict=True)
            if len(own)
        ]
        pool5 = pyramids[0]
        if len(pyramids) > 1:  # back to the order of the boxes
            xp, place = array_namespace(pool5), like(np.argsort(np.concatenate(rows)), pool5)
            pool5 = xp.take(xp.concat(pyramids), place, axis=0)
        return pool5, self.network.head(pool5)

    def passes(self, regions: float) -> float:
        """Return the number of scales: the convolutional layers run once for each."""
        return float(max(1, len(self.scales)))

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        own = {
            "levels": list(self.network.pyramid.levels),
            "scales": list(self.scales),
            "target_side": self.target_side,
        }
        return {**self.common_settings(), **own}, self.all_arrays()

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> SPPNet:
        """Return the detector that `state` described."""
        levels = checked("levels", settings["levels"], each(whole(1, MAX_LEVEL), least=1))
        make = partial(SPPNetNetwork, levels=levels)
        network, normalization = cls.load_network(make, settings, arrays)
        return cls(
            network,
            normalization,
            scales=settings["scales"],
            target_side=settings["target_side"],
            **cls.linear_fields(arrays),
            **cls.common_fields(settings),
        )


def image_scales(sides: tuple[int, ...]) -> list[ImageScale]:
    """Return the scales with these shorter sides, or the photo's own."""
    return [ImageScale(side, MAX_LONG_SIDE) for side in sides or (None,)]


def nearest_scale(scales: tuple[np.float32, ...], boxes: FloatArray, target_side: int) -> IntArray:
    """Return which scale (R,) brings each box (R, 4) nearest to `target_side`² pixels."""
    pixels = box_area(boxes)[:, None] * np.square(np.array(scales, dtype=np.float64))  # (R, S)
    nearest: IntArray = np.abs(pixels - target_side**2).argmin(axis=1)
    return nearest
