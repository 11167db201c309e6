"""Faster R-CNN: the proposals move inside; the network that judges regions also says where to look.

``convolve the photo → region proposal network on the map → proposals → as Fast R-CNN``

Ren, He, Girshick and Sun, *Faster R-CNN*, NIPS 2015 (PAMI 2017).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from minircnn.arrays import Array, HostArray, to_host
from minircnn.backbones import Backbone
from minircnn.boxes import AnchorSettings, base_anchors, grid_anchors
from minircnn.checks import checked, instance, record, require, whole
from minircnn.detectors.base import register
from minircnn.detectors.fast_rcnn import (
    FastRCNN,
    FastRCNNNetwork,
    PhotoMap,
    RoIPooling,
    stored_form,
    stored_scale,
)
from minircnn.heads import ProposalLayerSettings, RPNHead, ScoredBoxes, propose
from minircnn.profiling import stage
from minircnn.structures import FloatArray


class FasterRCNNNetwork(FastRCNNNetwork):
    """Fast R-CNN's network, and a region proposal network on the same feature map.

    Parameters
    ----------
    backbone : Backbone
    num_classes : int
        K, without background.
    anchors : AnchorSettings
        In pixels of the network's input.
    rpn_width : int
        Channels of the 3×3 convolution of the region proposal network.
    class_agnostic : bool
        One box regression for all classes, in the place of one for each as in the paper.
    roi_pooling : {"max", "align"}
        As in :class:`FastRCNNNetwork`.
    rng : numpy Generator, optional
        Draws the new layers; None leaves them zero, to be loaded.
    """

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        anchors: AnchorSettings,
        *,
        rpn_width: int = 512,
        class_agnostic: bool = False,
        roi_pooling: RoIPooling = "max",
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            backbone, num_classes, class_agnostic=class_agnostic, roi_pooling=roi_pooling, rng=rng
        )
        self.anchors, self.rpn_width, self.stride = anchors, rpn_width, backbone.stride
        self.rpn = RPNHead(backbone.channels, anchors.num_anchors, width=rpn_width, rng=rng)

    def anchors_on(self, feature_map: Array) -> FloatArray:
        """Return the anchors (H·W·A, 4) of all cells of a map (N, C, H, W), on the host."""
        _, _, height, width = feature_map.shape
        anchors = grid_anchors(base_anchors(self.anchors), height, width, self.stride)
        single: FloatArray = anchors.astype(np.float32)
        return single

    def backward_jointly(
        self, d_cls_score: Array, d_bbox_pred: Array, d_objectness: Array, d_offsets: Array
    ) -> Array:
        """Backpropagate through both branches and what they share; the gradients lie in the parameters."""
        d_map_regions = self.backward_to_map(d_cls_score, d_bbox_pred)
        d_map_rpn = self.rpn.backward(d_objectness, d_offsets)
        if d_map_rpn is None:
            return None
        return self.features.backward(d_map_regions + d_map_rpn)  # the two branches meet

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode, skipping every gradient nobody uses; call it again after freezing layers."""
        super().prepare_training(input_grad=input_grad)
        self.rpn.prepare_training(input_grad=input_grad or self.features.trainable)


@register("faster-rcnn")
@dataclass
class FasterRCNN(FastRCNN):
    """A trained Faster R-CNN detector: a Fast R-CNN that proposes from its own feature map.

    Parameters
    ----------
    network : FasterRCNNNetwork
    proposer : Proposer or None
        None: the region proposal network. Anything else is asked in its place, to compare.
    proposing : ProposalLayerSettings
    """

    title = "Faster R-CNN"
    proposes: ClassVar[bool] = True

    network: FasterRCNNNetwork
    proposing: ProposalLayerSettings = field(default_factory=ProposalLayerSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", proposing=instance(ProposalLayerSettings))

    @property
    def proposal_source(self) -> str:
        """Where the regions come from, in words that begin a sentence."""
        return "The region proposal network" if self.proposer is None else super().proposal_source

    def propose(self, view: PhotoMap, image_id: str = "") -> FloatArray:
        """Return the regions (R, 4) to judge, in pixels of the photo, best first."""
        if self.proposer is not None:
            return super().propose(view, image_id)
        boxes: FloatArray = self.scored_proposals(view, self.proposing).boxes
        return boxes

    @stage("proposals")
    def scored_proposals(self, view: PhotoMap, proposing: ProposalLayerSettings) -> ScoredBoxes:
        """Return what the region proposal network finds in a photo, in its pixels, on the host."""
        # which of the anchors become proposals is decided on the host, as what becomes of these later
        objectness, offsets = map(to_host, self.network.rpn(view.map))  # (1, M, 2), (1, M, 4)
        anchors = self.network.anchors_on(view.map)
        height, width = view.image.shape[:2]
        size = (float(height * view.scale), float(width * view.scale))
        found = propose(objectness[0], offsets[0], anchors, size, proposing, float(view.scale))
        boxes = found.boxes / view.scale
        limits = np.array([width, height, width, height], np.float32)
        return ScoredBoxes(np.minimum(boxes, limits), found.scores)  # for rounding's sake

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        settings, arrays = super().state()
        own = {
            "anchors": dataclasses.asdict(self.network.anchors),
            "rpn_width": self.network.rpn_width,
            "proposing": dataclasses.asdict(self.proposing),
        }
        return settings | own, arrays

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> FasterRCNN:
        """Return the detector that `state` described."""
        make = functools.partial(
            FasterRCNNNetwork,
            anchors=record(AnchorSettings, settings["anchors"], "anchors"),
            rpn_width=checked("rpn_width", settings["rpn_width"], whole(1)),
            **stored_form(settings),
        )
        network, normalization = cls.load_network(make, settings, arrays)
        return cls(
            network,
            normalization,
            target_mean=arrays["target_mean"],
            target_std=arrays["target_std"],
            scale=stored_scale(settings["scale"]),
            proposing=record(ProposalLayerSettings, settings["proposing"], "proposing"),
            **cls.common_fields(settings),
        )
