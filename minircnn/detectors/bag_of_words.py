"""Bag of visual words: the photo becomes words once, every region the histogram of those in it.

``dense SIFT → nearest words → selective search → pyramid of histograms → SVMs → NMS``

Uijlings, van de Sande, Gevers and Smeulders, *Selective search for object recognition*, IJCV 2013, section 4:
the detector for which selective search was made, a year before R-CNN put a network in the histogram's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray
from minircnn.checks import instance, record, require, require_array, whole
from minircnn.detectors.base import RegionDetector, View, register
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.features import (
    DenseSiftSettings,
    SpatialPyramidSettings,
    Vocabulary,
    WordMap,
    photo_words,
    region_features,
)
from minircnn.heads import LinearSVMs
from minircnn.imaging import resize_image, smooth
from minircnn.proposals import Proposer
from minircnn.structures import FloatArray, ImageArray

MAX_SIDE = 500
"""Longer side of the photos of PASCAL VOC, for which the methods were made."""


@dataclass(frozen=True)
class WordsView(View):
    """A photo and its words."""

    words: WordMap
    scale: float
    """Pixels of what the words were found in per pixel of the photo."""


@register("bag-of-words")
@dataclass
class BagOfWords(RegionDetector[WordsView]):
    """A trained detector by visual words. It runs on the CPU alone.

    Parameters
    ----------
    vocabulary : Vocabulary
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer
    svms : LinearSVMs
        One per class, on pyramids of histograms; background has none.
    dense : DenseSiftSettings
        Where descriptors are taken.
    pyramid : SpatialPyramidSettings
        How the words of a region become features.
    max_side : int
        Photos with a longer side are shrunk to it first, which bounds time and memory.
    postprocess : PostprocessSettings
    batch : int
        Regions judged at once.
    """

    title = "Bag of words"
    usual_min_score = 0.0  # the margin of an SVM

    vocabulary: Vocabulary
    class_names: tuple[str, ...]
    proposer: Proposer | None
    svms: LinearSVMs
    dense: DenseSiftSettings = field(default_factory=DenseSiftSettings)
    pyramid: SpatialPyramidSettings = field(default_factory=SpatialPyramidSettings)
    max_side: int = MAX_SIDE
    postprocess: PostprocessSettings = field(default_factory=PostprocessSettings)
    batch: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", vocabulary=instance(Vocabulary), svms=instance(LinearSVMs))
        require(self, "", dense=instance(DenseSiftSettings), pyramid=instance(SpatialPyramidSettings))
        require(self, "", max_side=whole(16))
        words, classes = len(self.vocabulary), len(self.class_names)
        require_array("the words of the vocabulary", self.vocabulary.centers, (words, self.dense.length))
        require_array("the SVMs' weight", self.svms.coef_, (classes, self.pyramid.length(words)))
        require_array("the SVMs' bias", self.svms.intercept_, (classes,))

    def look(self, image: ImageArray) -> WordsView:
        """Replace each patch of the photo by its nearest word."""
        pixels, scale = shrunk(image, self.max_side)
        return WordsView(image, photo_words(pixels, self.vocabulary, self.dense), scale)

    def judge(self, view: WordsView, boxes: FloatArray) -> tuple[Array, Array]:
        """Ask the SVMs what the words of each region are those of; a region stays where it is."""
        scores = self.svms.scores(self.region_features(view, boxes))  # (R, K)
        places = np.repeat(boxes[:, None].astype(np.float32), len(self.class_names), axis=1)
        return scores, places  # (R, K), (R, K, 4)

    def region_features(self, view: WordsView, boxes: FloatArray) -> HostArray:
        """Return the features (R, D) of regions (R, 4), as `judge` sees them."""
        return region_features(view.words, boxes * np.float32(view.scale), self.pyramid)

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        own = {"dense": asdict(self.dense), "pyramid": asdict(self.pyramid), "max_side": self.max_side}
        arrays = {
            "vocabulary": self.vocabulary.centers,
            "svm.weight": self.svms.coef_,
            "svm.bias": self.svms.intercept_,
        }
        return {**self.common_settings(), **own}, arrays

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> BagOfWords:
        """Return the detector that `state` described."""
        return cls(
            vocabulary=Vocabulary(arrays["vocabulary"]),
            svms=LinearSVMs.from_weights(arrays["svm.weight"], arrays["svm.bias"]),
            dense=record(DenseSiftSettings, settings["dense"], "dense"),
            pyramid=record(SpatialPyramidSettings, settings["pyramid"], "pyramid"),
            max_side=settings["max_side"],
            **cls.common_fields(settings),
        )


def shrunk_size(height: int, width: int, max_side: int) -> tuple[int, int, float]:
    """Return the size of a photo whose longer side is at most `max_side`, and by what it was scaled."""
    scale = min(1.0, max_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale)), scale


def shrunk(image: ImageArray, max_side: int) -> tuple[ImageArray, float]:
    """Return a photo whose longer side is at most `max_side`, and by what it was scaled."""
    height, width, scale = shrunk_size(image.shape[0], image.shape[1], max_side)
    if scale == 1:
        return image, scale
    blurred = smooth(image, 0.5 / scale)  # finer detail would become false gradients
    resized = resize_image(blurred, height, width)
    return np.clip(np.rint(resized), 0, 255).astype(np.uint8), scale
