"""R-CNN: regions with CNN features, four parts made one after the other.

``propose → warp → CNN → SVMs → box regression → NMS``

Girshick, Donahue, Darrell, Malik, *Rich feature hierarchies for accurate object detection and semantic
segmentation*, CVPR 2014.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minircnn.backbones import Normalization
from minircnn.boxes import decode
from minircnn.detectors.crops import RCNNNetwork, WarpSettings, extract_features, feature_batches
from minircnn.detectors.postprocess import PostprocessSettings, select_detections
from minircnn.nn.parallel import matmul
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray


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

    def all_offsets(self, features: FloatArray) -> FloatArray:
        """Return the box offsets (R, K, 4) that every class predicts from pool5 `features` (R, D5)."""
        classes, coordinates, dim = self.weight.shape
        offsets: FloatArray = matmul(features, self.weight.reshape(-1, dim).T)  # (R, 4K)
        return offsets.reshape(-1, classes, coordinates) + self.bias


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
        proposals = np.asarray(proposals, dtype=np.float32)
        scores, offsets = self.score(image, proposals)

        def boxes_of_class(label: int, index: IntArray) -> FloatArray:
            if offsets is None:
                return proposals[index]
            boxes: FloatArray = decode(proposals[index], offsets[index, label - 1])
            return boxes

        with stage("decoding and NMS"):
            return select_detections(
                scores,
                boxes_of_class,
                image_size=image.shape[:2],
                class_names=self.class_names,
                settings=self.postprocess,
            )

    def score(self, image: ImageArray, proposals: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Score `proposals` (R, 4), in pixels of `image`, in one pass of the CNN for each of them.

        Features are weighed batch by batch and forgotten: pool5 of all regions (2,000 × 25,088 numbers for
        VGG16) would be 200 MB, of which the regressors leave 4K numbers per region.

        Returns
        -------
        scores : (R, K) array
            Of the SVMs.
        offsets : (R, K, 4) array or None
            Of the box regressors, if the detector has any.
        """
        regressors = self.box_regressors
        scores = np.empty((len(proposals), len(self.class_names)), np.float32)
        offsets = None if regressors is None else np.empty((*scores.shape, 4), np.float32)
        for rows, fc7, pool5 in feature_batches(
            self.network, self.normalization, self.warp, image, proposals
        ):
            with stage("SVMs"):
                scores[rows] = self.svm_scores(fc7)
            if regressors is not None and offsets is not None:
                with stage("box regression"):
                    offsets[rows] = regressors.all_offsets(pool5)
        return scores, offsets

    def region_features(self, image: ImageArray, proposals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Run the CNN once per proposal; return fc7 (R, D7) and pool5 (R, D5) on the host, R > 0."""
        return extract_features(self.network, self.normalization, self.warp, image, proposals)

    def svm_scores(self, fc7: FloatArray) -> FloatArray:
        """Return the (R, K) SVM scores of fc7 features (R, D7)."""
        scores: FloatArray = matmul(fc7, self.svm_weight) + self.svm_bias
        return scores
