"""Fast R-CNN: one network sees the photo once; every region is pooled from its feature map.

``propose → convolve the photo → RoI pooling → fc6, fc7 → class scores and box offsets → decode → NMS``

Girshick, *Fast R-CNN*, ICCV 2015.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from minircnn.arrays import Array, HostArray, to_host
from minircnn.backbones import Backbone, Normalization
from minircnn.boxes import decode
from minircnn.checks import checked, flag, instance, one_of, record, require, require_array
from minircnn.detectors.base import View, register
from minircnn.detectors.image_scale import ImageScale
from minircnn.detectors.network import NetworkDetector, RegionNetwork
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.heads import SiblingHeads
from minircnn.kernels.split import split
from minircnn.nn import RoIAlign, RoIPool, Sequential, softmax
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import FloatArray, ImageArray, IntArray

RoIPooling = Literal["max", "align"]
"""How a region's cells become a grid: their maxima (Fast R-CNN), or interpolated means (Mask R-CNN)."""

_POOLS: dict[RoIPooling, type[RoIPool] | type[RoIAlign]] = {"max": RoIPool, "align": RoIAlign}


class FastRCNNNetwork(RegionNetwork):
    """The trainable part: backbone features, RoI pooling, fully connected head, two sibling outputs.

    Parameters
    ----------
    backbone : Backbone
        Its last max pooling layer is left out: RoI pooling takes its place (section 2.2).
    num_classes : int
        K, without background.
    class_agnostic : bool
        One box regression for all classes, in the place of one for each as in the paper.
    roi_pooling : {"max", "align"}
        Maxima of whole cells as in the paper, or means of values interpolated between them.
    rng : numpy Generator, optional
        Draws the two output layers; None leaves them zero, to be loaded.
    """

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        class_agnostic: bool = False,
        roi_pooling: RoIPooling = "max",
        rng: np.random.Generator | None = None,
    ) -> None:
        self.description, self.smallest_input = backbone.describe(), backbone.smallest_input
        self.features: Sequential = backbone.features
        self.class_agnostic, self.roi_pooling = class_agnostic, roi_pooling
        self.roi_pool = _POOLS[roi_pooling](backbone.roi_size, 1.0 / backbone.stride)
        self.head: Sequential = backbone.head
        self.outputs = SiblingHeads(backbone.feature_dim, num_classes, class_agnostic=class_agnostic, rng=rng)

    def forward(self, images: Array, rois: Array, image_index: Array) -> tuple[Array, Array]:
        """Score regions of a batch of photos.

        Parameters
        ----------
        images : (N, 3, H, W) float array
            Normalised photos.
        rois : (R, 4) float array
            Regions in pixels of `images`; on the host, so that a device need not be waited for.
        image_index : (R,) int array
            Which photo each region lies in; where `rois` are.

        Returns
        -------
        cls_score : (R, K+1) array
            Logits, column 0 is background.
        bbox_pred : (R, 4(K+1)) or (R, 4) array
            Normalised box offsets, of every class or of all.
        """
        feature_map = self.features(images)  # (N, C, ~H/stride, ~W/stride)
        return self.forward_from_map(feature_map, rois, image_index)

    def forward_from_map(self, feature_map: Array, rois: Array, image_index: Array) -> tuple[Array, Array]:
        """Score regions of photos whose map is known; see :meth:`forward`."""
        pooled = self.roi_pool(feature_map, rois, image_index)  # (R, C, P, P)
        fc7 = self.head(pooled)  # (R, D)
        return self.outputs(fc7)

    def __call__(self, images: Array, rois: Array, image_index: Array) -> tuple[Array, Array]:
        """Return ``forward(images, rois, image_index)``."""
        return self.forward(images, rois, image_index)

    def backward(self, d_cls_score: Array, d_bbox_pred: Array) -> Array:
        """Backpropagate through everything `forward` did; the gradients lie in the parameters."""
        d_map = self.backward_to_map(d_cls_score, d_bbox_pred)
        return None if d_map is None else self.features.backward(d_map)

    def backward_to_map(self, d_cls_score: Array, d_bbox_pred: Array) -> Array:
        """Backpropagate through :meth:`forward_from_map`; return dLoss/d(map), None where nobody uses it."""
        cls_score, bbox_pred = self.outputs.cls_score, self.outputs.bbox_pred
        with stage("outputs"):
            d_fc7 = cls_score.backward(d_cls_score) + bbox_pred.backward(d_bbox_pred)  # the two heads meet
        d_pooled = self.head.backward(d_fc7)
        return self.roi_pool.backward(d_pooled) if self.roi_pool.needs_input_grad else None

    @property
    def pool(self) -> RoIPool | RoIAlign:
        """What brings the features of a region to the one size that the head takes."""
        return self.roi_pool


@dataclass(frozen=True)
class PhotoMap(View):
    """A photo and what the convolutional layers make of it."""

    map: Array
    """(1, C, ~H/stride, ~W/stride)."""
    scale: np.float32
    """Pixels of the network's input per pixel of the photo."""


@register("fast-rcnn")
@dataclass
class FastRCNN(NetworkDetector[PhotoMap]):
    """A trained Fast R-CNN detector.

    Parameters
    ----------
    network : FastRCNNNetwork
    normalization : Normalization
        How the backbone wants its photos.
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer
    target_mean, target_std : (K+1, 4) float arrays
        The box targets were trained as ``(t - mean) / std``, per class. They are stored as such and
        undone in `judge`, not hidden in the weights. On the host, wherever the network lives.
    scale : ImageScale
    postprocess : PostprocessSettings
    batch : int
        Regions pooled and scored at once: with the photo's size it bounds the memory of ``detect``.
    """

    title = "Fast R-CNN"
    usual_min_score = 0.5  # a probability

    network: FastRCNNNetwork
    normalization: Normalization
    class_names: tuple[str, ...]
    proposer: Proposer | None
    target_mean: HostArray
    target_std: HostArray
    scale: ImageScale = field(default_factory=ImageScale)
    postprocess: PostprocessSettings = field(default_factory=lambda: PostprocessSettings(min_score=0.01))
    batch: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", scale=instance(ImageScale))
        self.require_columns(self.network.outputs.cls_score)
        columns = len(self.class_names) + 1
        require_array("target_mean", self.target_mean, (columns, 4))
        require_array("target_std", self.target_std, (columns, 4), positive=True)

    def look(self, image: ImageArray) -> PhotoMap:
        """Run the convolutional layers over the whole photo, once."""
        self.network.eval()
        pixels, scale = self.network_input(image, self.scale)  # (1, 3, h, w)
        return PhotoMap(image, self.network.features(pixels), scale)

    def judge(self, view: PhotoMap, boxes: FloatArray) -> tuple[HostArray, HostArray]:
        """Pool each region from the map; fully connected layers and two outputs say what it is and where."""
        rois, same = self.distinct(boxes * view.scale)  # (U, 4), and which of them each region is: (R,)
        pooled = self.network.roi_pool(view.map, rois)  # (U, C, P, P)
        fc7 = self.network.head(pooled)  # (U, D)
        # what is left is little, in many small steps: work for the host
        cls_score, bbox_pred = map(to_host, self.network.outputs(fc7))  # (U, K+1), (U, 4(K+1) or 4)
        scores = softmax(cls_score[same])[:, 1:]  # (R, K), without background
        offsets = (
            bbox_pred.reshape(len(rois), -1, 4)[same] * self.target_std + self.target_mean
        )  # (R, K+1, 4)
        return scores, decode(boxes, offsets[:, 1:])

    def distinct(self, rois: FloatArray) -> tuple[FloatArray, IntArray]:
        """Keep one of all regions that are pooled from the same places; their outputs are equal."""
        places = self.network.roi_pool.places(rois)  # (R, 4)
        # the order of NumPy's unique rows, in a third of their time
        order = np.lexsort(places.T[::-1])  # equal rows side by side
        places = places[order]
        starts = np.ones(len(rois), dtype=bool)  # where other ones begin
        starts[1:] = (places[1:] != places[:-1]).any(axis=1)
        same = np.empty(len(rois), dtype=np.int64)
        same[order] = np.cumsum(starts) - 1
        return rois[order[starts]], same

    def batches(self, view: PhotoMap, proposals: FloatArray) -> list[IntArray]:
        """As in the base, but a batch counts different regions: those on the same cells go together."""
        if len(proposals) <= self.batch:
            return super().batches(view, proposals)
        rois, same = self.distinct(proposals * view.scale)
        order = np.argsort(same, kind="stable")
        ends = np.searchsorted(same[order], [some.stop for some in split(len(rois), size=self.batch)])
        return np.split(order, ends[:-1])

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        statistics = {"target_mean": self.target_mean, "target_std": self.target_std}
        settings = {
            **self.common_settings(),
            "scale": dataclasses.asdict(self.scale),
            "class_agnostic": self.network.class_agnostic,
            "roi_pooling": self.network.roi_pooling,
        }
        return settings, self.network_arrays() | statistics

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> FastRCNN:
        """Return the detector that `state` described."""
        make = functools.partial(FastRCNNNetwork, **stored_form(settings))
        network, normalization = cls.load_network(make, settings, arrays)
        return cls(
            network,
            normalization,
            target_mean=arrays["target_mean"],
            target_std=arrays["target_std"],
            scale=stored_scale(settings["scale"]),
            **cls.common_fields(settings),
        )


def stored_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what in a file decides the form of a network."""
    return {
        "class_agnostic": checked("class_agnostic", settings["class_agnostic"], flag),
        "roi_pooling": checked("roi_pooling", settings["roi_pooling"], one_of(*_POOLS)),
    }


def stored_scale(fields: Any) -> ImageScale:
    """Return the scale in a file; older ones may hold a shorter side that the longer one never allowed."""
    if isinstance(fields, Mapping):
        short, long = fields.get("short_side"), fields.get("max_long_side")
        if type(short) is type(long) is int and short > long > 0:
            fields = {**fields, "short_side": long}
    return record(ImageScale, fields, "scale")
