"""Fast R-CNN: one network sees the photo once; every region is pooled from its feature map.

``propose → convolve the photo → RoI pooling → fc6, fc7 → class scores and box offsets → decode → NMS``

Girshick, *Fast R-CNN*, ICCV 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minircnn.arrays import Array, like, to_host
from minircnn.backbones import Backbone, Normalization
from minircnn.boxes import decode
from minircnn.detectors.postprocess import PostprocessSettings, select_detections
from minircnn.heads.roi_head import SiblingHeads
from minircnn.imaging import scale_to
from minircnn.nn import Layer, RoIPool, Sequential, softmax
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray


class FastRCNNNetwork(Layer):
    """The trainable part: backbone features, RoI pooling, fully connected head, two sibling outputs.

    Parameters
    ----------
    backbone : Backbone
        Its last max pooling layer is left out: RoI pooling takes its place (section 2.2).
    num_classes : int
        K, without background.
    rng : numpy Generator, optional
        Draws the two output layers; None leaves them zero, to be loaded.
    """

    def __init__(
        self, backbone: Backbone, num_classes: int, *, rng: np.random.Generator | None = None
    ) -> None:
        self.backbone_name, self.backbone_options = backbone.name, backbone.options
        self.features: Sequential = backbone.features
        self.roi_pool = RoIPool(backbone.roi_size, 1.0 / backbone.stride)
        self.head: Sequential = backbone.head
        self.outputs = SiblingHeads(backbone.feature_dim, num_classes, rng=rng)

    def forward_regions(self, images: Array, rois: Array, image_index: Array) -> tuple[Array, Array]:
        """Score regions of a batch of photos.

        Parameters
        ----------
        images : (N, 3, H, W) float array
            Normalised photos.
        rois : (R, 4) float array
            Regions in pixels of `images`.
        image_index : (R,) int array
            Which photo each region lies in.

        Returns
        -------
        cls_score : (R, K+1) array
            Logits, column 0 is background.
        bbox_pred : (R, 4(K+1)) array
            Normalised box offsets.
        """
        return self.score_map(self.feature_map(images), rois, image_index)

    def feature_map(self, images: Array) -> Array:
        """Return the map (N, C, ~H/stride, ~W/stride) of normalised photos (N, 3, H, W)."""
        with stage("convolutions"):
            return self.features.forward(images)

    def score_map(self, feature_map: Array, rois: Array, image_index: Array) -> tuple[Array, Array]:
        """Score regions, given the photos' feature map."""
        with stage("RoI pooling"):
            pooled = self.roi_pool.forward(feature_map, rois, image_index)  # (R, C, P, P)
        with stage("fully connected"):
            features = self.head.forward(pooled)  # (R, D)
        with stage("outputs"):
            return self.outputs.forward_both(features)

    def backward_regions(self, d_cls_score: Array, d_bbox_pred: Array) -> None:
        """Backpropagate through everything `forward_regions` did; the gradients lie in the parameters."""
        with stage("outputs"):
            d_features = self.outputs.backward_both(d_cls_score, d_bbox_pred)
        with stage("fully connected"):
            d_pooled = self.head.backward(d_features)
        if not self.roi_pool.needs_input_grad:
            return
        with stage("RoI pooling"):
            d_map = self.roi_pool.backward(d_pooled)
        with stage("convolutions"):
            self.features.backward(d_map)

    def __sizeof__(self) -> int:
        """Return the bytes of the parameters."""
        return sum(int(parameter.data.nbytes) for _, parameter in self.named_parameters())

    def prepare_training(self) -> None:
        """Enter training mode, skipping every gradient nobody uses; call it again after freezing layers."""
        self.train()
        self.features.stop_input_gradient()
        self.roi_pool.needs_input_grad = self.features.trainable


@dataclass(frozen=True)
class ImageScale:
    """To which size photos are scaled before the network.

    Parameters
    ----------
    short_side, max_long_side : int or None
        The shorter side becomes `short_side` unless the longer one would exceed `max_long_side`
        (600 and 1000, section 3); None keeps the photo's own size.
    """

    short_side: int | None = 600
    max_long_side: int = 1000

    def apply(self, image: ImageArray) -> tuple[ImageArray | FloatArray, float]:
        """Return the photo (h, w, 3), values 0..255 (float32 where it is scaled), and the scale factor."""
        if self.short_side is None:
            return image, 1.0
        return scale_to(image, self.short_side, self.max_long_side)


@dataclass
class FastRCNN:
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
        undone in `detect`, not hidden in the weights.
    scale : ImageScale
    postprocess : PostprocessSettings
    region_batch : int
        Regions pooled and scored at once: with the photo's size it bounds the memory of `detect`.
    """

    network: FastRCNNNetwork
    normalization: Normalization
    class_names: tuple[str, ...]
    proposer: Proposer
    target_mean: FloatArray
    target_std: FloatArray
    scale: ImageScale = field(default_factory=ImageScale)
    postprocess: PostprocessSettings = field(default_factory=lambda: PostprocessSettings(min_score=0.01))
    region_batch: int = 512

    def __sizeof__(self) -> int:
        """Return the bytes of the network: schedulers (Dask) send what is large to each process once."""
        return self.network.__sizeof__()

    def detect(
        self, image: ImageArray, *, proposals: FloatArray | None = None, image_id: str = ""
    ) -> Detections:
        """Find the objects in `image` (H, W, 3) uint8 RGB; see :class:`~minircnn.detectors.base.Detector`."""
        if proposals is None:
            with stage("proposals"):
                proposals = self.proposer.propose(image, image_id=image_id)
        if len(proposals) == 0:
            return Detections.empty(self.class_names)
        probabilities, deltas = self.score(image, proposals)
        candidates = like(np.asarray(proposals, dtype=np.float32), deltas)

        def boxes_of_class(label: int, index: Array) -> Array:
            return decode(candidates[index], deltas[index, 4 * label : 4 * label + 4])

        with stage("decoding and NMS"):
            return select_detections(
                probabilities[:, 1:],
                boxes_of_class,
                image_size=image.shape[:2],
                class_names=self.class_names,
                settings=self.postprocess,
            )

    def score(self, image: ImageArray, proposals: FloatArray) -> tuple[Array, Array]:
        """Score `proposals` (R, 4), in pixels of `image`, in one pass of the convolutional layers.

        Returns
        -------
        probabilities : (R, K+1) array
        deltas : (R, 4(K+1)) array
            Box offsets with the target normalisation undone.
        """
        self.network.eval()
        weight = self.network.outputs.cls_score.weight.data
        pixels, factor = self.network_input(image)
        feature_map = self.network.feature_map(like(pixels, weight))
        rois, same = self._distinct_rois(np.asarray(proposals, dtype=np.float32) * np.float32(factor))
        cls_score, bbox_pred = self._score_rois(feature_map, rois)
        deltas = bbox_pred[same]  # (R, 4(K+1))
        deltas *= self.target_std.ravel()
        deltas += self.target_mean.ravel()
        return like(softmax(cls_score[same]), weight), like(deltas, weight)

    def network_input(self, image: ImageArray) -> tuple[FloatArray, float]:
        """Return the photo as the network takes it, (1, 3, h, w) float32, and the factor it was scaled by."""
        with stage("scale and normalise"):
            scaled, factor = self.scale.apply(image)
            return self.normalization.apply(scaled), factor

    def _score_rois(self, feature_map: Array, rois: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the outputs (R, K+1) and (R, 4(K+1)) of `rois`, `region_batch` at a time, on the host."""
        cls_score, bbox_pred = (
            np.empty((len(rois), layer.bias.data.shape[0]), np.float32)
            for layer in (self.network.outputs.cls_score, self.network.outputs.bbox_pred)
        )
        for start in range(0, len(rois), self.region_batch):
            block = slice(start, start + self.region_batch)
            own = like(rois[block], feature_map)
            owner = like(np.zeros(len(own), np.int64), feature_map)
            scores, offsets = self.network.score_map(feature_map, own, owner)
            cls_score[block], bbox_pred[block] = to_host(scores), to_host(offsets)
        return cls_score, bbox_pred

    def _distinct_rois(self, rois: FloatArray) -> tuple[FloatArray, IntArray]:
        """Keep one of all regions that fall on the same cells of the feature map; their outputs are equal."""
        cells = np.concatenate(self.network.roi_pool.cells(rois), axis=1)  # (R, 4)
        _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        return rois[first], inverse.reshape(-1)
