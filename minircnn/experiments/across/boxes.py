"""What proposals are compared with: boxes that know nothing of the photo, and other searches in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from minircnn.boxes import suggest_anchors
from minircnn.detectors.rpn_proposer import RegionProposalNetwork
from minircnn.experiments.bench import Bench
from minircnn.imaging.colour import convert
from minircnn.imaging.filters import smooth
from minircnn.proposals import ProposalSettings, SelectiveSearch, SlidingWindow
from minircnn.proposals.graph_segmentation import segment_scales
from minircnn.proposals.grid_edges import GridEdges
from minircnn.structures import FloatArray, ImageArray

_SIGMA = 0.8
"""Of the Gaussian before a segmentation, as in selective search."""


@dataclass(frozen=True)
class FlatSegmentation:
    """Propose the segments of several segmentations, nothing grouped: the paper's alternative (table 2).

    Parameters
    ----------
    scales : tuple of float
        Thresholds k, each also the smallest segment in pixels, as in selective search.
    min_size : float
        Boxes with a side shorter than this many pixels are dropped.
    """

    scales: tuple[float, ...]
    min_size: float

    def propose(self, image: ImageArray, *, image_id: str = "") -> FloatArray:
        """Return the different boxes (R, 4) of all segments, in random order: segments have no rank."""
        edges = GridEdges(smooth(convert(image, "RGB"), _SIGMA))
        segmentations = segment_scales(edges, [(k, round(k)) for k in self.scales])
        places = [place for labels in segmentations for place in ndimage.find_objects(labels + 1)]
        corners = [(x.start, y.start, x.stop, y.stop) for y, x in places]
        boxes = np.unique(np.array(corners, np.float32), axis=0)
        large = (boxes[:, 2:] - boxes[:, :2] >= self.min_size).all(axis=1)
        return np.random.default_rng(0).permutation(boxes[large])


def proposal_settings(bench: Bench) -> ProposalSettings:
    """Return where the detectors of the bench have their proposals from."""
    settings: ProposalSettings = bench.settings("fast-rcnn").proposals
    return settings


def selective_search(bench: Bench, **fields: Any) -> list[FloatArray]:
    """Return all boxes of a search in each test photo: a mode, or some strategies.

    Its order is that of seed 0, so that seeds share the search.
    """
    own = proposal_settings(bench)
    search = SelectiveSearch(min_size=own.min_size, max_width=own.max_width, **fields)
    return bench.proposals(bench.test, search)


def region_proposals(bench: Bench) -> list[FloatArray]:
    """Return what the region proposal network of a Faster R-CNN trained on the bench finds.

    As many boxes a photo as the other detectors are given, at most.
    """
    folder = bench.trained_in(bench.settings("faster-rcnn"))
    network = RegionProposalNetwork(folder, limit=proposal_settings(bench).limit)
    return bench.proposals(bench.test, network)


def dense_windows(bench: Bench) -> list[FloatArray]:
    """Return windows of the shapes that the training photos' objects have, everywhere, in random order."""
    objects = [bench.train.annotations(index).boxes for index in range(len(bench.train))]
    boxes = np.concatenate(objects)
    shapes = suggest_anchors(boxes[:, 2:] - boxes[:, :2], num_scales=4)
    windows = SlidingWindow(
        sizes=tuple(scale * shapes.base_size for scale in shapes.scales),
        aspect_ratios=tuple(1 / ratio for ratio in shapes.ratios),  # width over height
    )
    return shuffled(bench.proposals(bench.test, windows), bench.seed)


def shuffled(boxes: Sequence[FloatArray], seed: int) -> list[FloatArray]:
    """Return the boxes of each photo in random order, the same whatever the other photos are."""
    return [np.random.default_rng([seed, index]).permutation(own) for index, own in enumerate(boxes)]


def random_boxes(bench: Bench, like: Sequence[FloatArray]) -> list[FloatArray]:
    """Return boxes drawn at random in each test photo, as many as `like` has there."""
    least, boxes = proposal_settings(bench).min_size, []
    for index, own in enumerate(like):
        truth = bench.test.annotations(index)  # knows the photo's size
        rng = np.random.default_rng([bench.seed, index])
        boxes.append(random_in(truth.height, truth.width, len(own), least, rng))
    return boxes


def random_in(height: int, width: int, count: int, least: float, rng: np.random.Generator) -> FloatArray:
    """Return `count` boxes (count, 4) in a photo of this size, their sides `least` or longer.

    Both ends of a side are drawn uniformly, then moved apart by `least`.
    """
    limits = np.array([width, height], np.float64)
    shortest = np.minimum(least, limits)
    ends = np.sort(rng.random((count, 2, 2)), axis=1) * (limits - shortest)  # first and last end; x and y
    ends[:, 1] += shortest
    boxes: FloatArray = ends.reshape(count, 4).astype(np.float32)
    return boxes


def prefixes(longest: int) -> list[int]:
    """Return the numbers of boxes at which curves are drawn: 10, 20, 50, 100, …, and `longest`."""
    steps = [digit * 10**power for power in range(1, 6) for digit in (1, 2, 5)]
    return [step for step in steps if step < longest] + [longest]
