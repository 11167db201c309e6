"""The region proposal network: a small network slides over the feature map and proposes (Faster R-CNN, 3.1).

At every cell of the map it looks at 3 × 3 cells, and says of each of A anchors whether it is an object, and
how its box should move to fit it. It knows no classes.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minircnn.arrays import Array, array_namespace
from minircnn.boxes import clip_boxes, decode, large_enough, nms
from minircnn.checks import optional, real, require, whole
from minircnn.kernels.layout import elementwise
from minircnn.nn import Conv2d, Module, ReLU, Sequential, softmax
from minircnn.nn.checks import require_whole
from minircnn.profiling import stage


class RPNHead(Module):
    """A 3×3 convolution with ReLU, and two sibling 1×1 convolutions: ``cls_score`` and ``bbox_pred``.

    All three start from a Gaussian of standard deviation 0.01 with biases zero (section 3.1.3).

    Parameters
    ----------
    channels : int
        C of the map.
    num_anchors : int
        A, anchors of a cell.
    width : int
        Channels of the 3×3 convolution (512 for VGG16).
    rng : numpy.random.Generator, optional
        Draws the weights; None leaves them zero, to be loaded.
    """

    def __init__(
        self, channels: int, num_anchors: int, *, width: int = 512, rng: np.random.Generator | None = None
    ) -> None:
        require_whole(1, channels=channels, num_anchors=num_anchors, width=width)
        self.num_anchors = num_anchors
        conv = Conv2d(channels, width, 3, padding=1, rng=rng, std=0.01)
        self.window = Sequential(conv=conv, relu=ReLU())
        # channels: background of every anchor, then object of every anchor, as in the released code
        self.cls_score = Conv2d(width, 2 * num_anchors, 1, rng=rng, std=0.01)
        self.bbox_pred = Conv2d(width, 4 * num_anchors, 1, rng=rng, std=0.01)
        self._size: tuple[int, ...] | None = None

    @stage("RPN")
    def forward(self, feature_map: Array) -> tuple[Array, Array]:
        """Judge the anchors of every cell of a map (N, C, H, W).

        Returns
        -------
        objectness : (N, H·W·A, 2) array
            Logits of background and object, in the order of :func:`~minircnn.boxes.grid_anchors`.
        offsets : (N, H·W·A, 4) array
            By which each anchor should move.
        """
        hidden = self.window(feature_map)  # (N, D, H, W)
        count, _, height, width = hidden.shape
        self._size = (count, height, width)
        xp, a = array_namespace(hidden), self.num_anchors
        scores = xp.reshape(self.cls_score(hidden), (count, 2, a, height, width))
        offsets = xp.reshape(self.bbox_pred(hidden), (count, a, 4, height, width))
        return (
            xp.reshape(xp.permute_dims(scores, (0, 3, 4, 2, 1)), (count, -1, 2)),
            xp.reshape(xp.permute_dims(offsets, (0, 3, 4, 1, 2)), (count, -1, 4)),
        )

    def __call__(self, feature_map: Array) -> tuple[Array, Array]:
        """Return ``forward(feature_map)``."""
        return self.forward(feature_map)

    @stage("RPN")
    def backward(self, d_objectness: Array, d_offsets: Array) -> Array:
        """Return dLoss/d(map), or None where it is not needed, given what `forward` returned's gradients."""
        (count, height, width), a = self.kept(self._size), self.num_anchors
        xp = array_namespace(d_objectness)
        d_scores = xp.permute_dims(xp.reshape(d_objectness, (count, height, width, a, 2)), (0, 4, 3, 1, 2))
        d_boxes = xp.permute_dims(xp.reshape(d_offsets, (count, height, width, a, 4)), (0, 3, 4, 1, 2))
        d_hidden = self.cls_score.backward(xp.reshape(d_scores, (count, 2 * a, height, width)))
        d_other = self.bbox_pred.backward(xp.reshape(d_boxes, (count, 4 * a, height, width)))
        return self.window.backward(elementwise(operator.add, d_hidden, d_other))

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode; the map's gradient is computed only with `input_grad`."""
        super().prepare_training(input_grad=input_grad)
        self.window.prepare_training(input_grad=input_grad)


@dataclass(frozen=True)
class ProposalLayerSettings:
    """Which of all the moved anchors become proposals (section 3.3)."""

    top_before: int | None = 6000
    """Best boxes that enter non-maximum suppression (12,000 in training); ``none``: all."""
    nms_iou: float = 0.7
    """NMS drops boxes that overlap a better one by more than this (0.7)."""
    top_after: int = 300
    """Most proposals of a photo (300; 2,000 in training)."""
    min_size: float = 16.0
    """Boxes with a side below are dropped, in pixels of the photo (16 in the released code)."""

    def __post_init__(self) -> None:
        require(self, "proposal layer", top_before=optional(whole(1)), nms_iou=real(0, 1))
        require(self, "proposal layer", top_after=whole(1), min_size=real(0, above=True))


class ScoredBoxes(NamedTuple):
    """What the region proposal network proposes, best first."""

    boxes: Array
    """(P, 4), in pixels of the network's input."""
    scores: Array
    """(P,): the probability of an object."""


@stage("proposal layer")
def propose(
    objectness: Array,
    offsets: Array,
    anchors: Array,
    image_size: tuple[float, float],
    settings: ProposalLayerSettings,
    scale: float = 1.0,
) -> ScoredBoxes:
    """Turn the outputs for one photo into proposals: decode, clip, drop the small, keep the best, NMS.

    Each of these waits for the GPU if the arrays lie there; bring them to the host first.

    Parameters
    ----------
    objectness : (N, 2) array
        Logits of background and object.
    offsets, anchors : (N, 4) arrays
    image_size : (float, float)
        Height and width of the photo as the network sees it.
    settings : ProposalLayerSettings
    scale : float
        Pixels of the network's input per pixel of the photo, in which `settings.min_size` is measured.

    Returns
    -------
    ScoredBoxes
        Equal scores stay in the order of the anchors.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a number is not finite.
    """
    xp = array_namespace(objectness, offsets, anchors)
    scores = softmax(objectness)[:, 1]  # (N,)
    boxes = clip_boxes(decode(anchors, offsets), *image_size)  # (N, 4)
    large = xp.nonzero(large_enough(boxes, settings.min_size * scale))[0]  # (L,)
    order = xp.argsort(xp.take(scores, large), descending=True, stable=True)
    count = large.shape[0] if settings.top_before is None else min(settings.top_before, large.shape[0])
    best = xp.take(large, order[:count])  # (B,)
    boxes, scores = xp.take(boxes, best, axis=0), xp.take(scores, best)
    kept = nms(boxes, scores, settings.nms_iou, limit=settings.top_after)  # (P,)
    return ScoredBoxes(xp.take(boxes, kept, axis=0), xp.take(scores, kept))
