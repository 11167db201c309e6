"""Selective search (Uijlings, van de Sande, Gevers and Smeulders, IJCV 2013).

Segment the photo into small regions, merge the most similar neighbours until one region is left, and
propose the bounding box of every region on the way. Several strategies (colour space, threshold of the
segmentation, similarities) make mistakes in different places, so their boxes are pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast, overload

import numpy as np
import numpy.typing as npt
from joblib import delayed

from minircnn.checks import Refused, each, one_of, optional, real, require, whole
from minircnn.imaging.colour import convert
from minircnn.imaging.filters import smooth
from minircnn.imaging.photo import as_image
from minircnn.imaging.resize import resize_image
from minircnn.proposals.base import ProposalSettings, register
from minircnn.proposals.graph_segmentation import segment_scales
from minircnn.proposals.grid_edges import GridEdges
from minircnn.proposals.hierarchy import Hierarchy, group
from minircnn.proposals.region_features import (
    neighbouring_regions,
    quantise_colour,
    quantise_texture,
    region_features,
)
from minircnn.proposals.strategy import MODES, Mode, Strategy, as_strategy, strategies
from minircnn.proposals.watching import Steps
from minircnn.structures import ImageArray
from minircnn.workers import run_tasks

_SIGMA = 0.8
_BYTES, _SECONDS, _SECONDS_EACH = 330, 1e-6, 0.6e-6  # per pixel: of any search, and of each strategy
MOST_JOBS = 1024
"""Processes of one search; no machine has more processors."""


@dataclass(frozen=True)
class SelectiveSearchResult:
    """Proposals and where they come from.

    Parameters
    ----------
    boxes : (R, 4) float32 array
        Best rank first, no two equal.
    source : (R, 2) int array
        Hierarchy and region of each box; where several regions have the same box, the best ranked.
    strategies : tuple of Strategy
    hierarchies : tuple of Hierarchy
        One per strategy. If the photo was resized (`max_width`), in pixels of the resized photo.
    """

    boxes: npt.NDArray[np.float32]
    source: npt.NDArray[np.intp]
    strategies: tuple[Strategy, ...]
    hierarchies: tuple[Hierarchy, ...]


def _job_count(value: Any) -> int:
    """Rule: a number of processes, as joblib counts them: -1 are all processors, -2 all but one."""
    count: int = whole(-MOST_JOBS, MOST_JOBS)(value)
    if count == 0:
        raise Refused("1 or more processes, or -1 for all processors")
    return count


@register("selective-search")
@dataclass(frozen=True)
class SelectiveSearch:
    """Propose regions by hierarchical grouping.

    Parameters
    ----------
    mode : {"single", "fast", "quality"}
        1, 8 or 80 strategies (Uijlings et al., table 4).
    min_size : float
        Boxes with a side shorter than this many pixels are dropped, as R-CNN does.
    seed : int
        Of the random part of the ranks. The same for every photo, so that a photo's proposals do not
        depend on which photos came before.
    max_width : int, optional
        Wider photos are shrunk to this width first (R-CNN used 500); boxes are scaled back.
    n_jobs : int
        Processes, as joblib counts them; the result does not depend on it.
    strategies : tuple of Strategy, optional
        Instead of those of `mode`.
    limit : int, optional
        Return at most this many boxes, those of best rank.

    Examples
    --------
    >>> from minircnn import SelectiveSearch
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 255
    >>> SelectiveSearch("single", min_size=15).propose(image)
    array([[18.,  8., 52., 32.],
           [20., 10., 50., 30.],
           [ 0.,  0., 60., 40.]], dtype=float32)
    """

    from_pixels_alone: ClassVar[bool] = True

    mode: Mode = "fast"
    min_size: float = 20.0
    seed: int = 0
    max_width: int | None = None
    n_jobs: int = 1
    strategies: tuple[Strategy, ...] | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        name = "SelectiveSearch"
        require(self, name, mode=one_of(*MODES), min_size=real(0), seed=whole(0), n_jobs=_job_count)
        require(self, name, max_width=optional(whole(1)), limit=optional(whole(1)))
        require(self, name, strategies=optional(each(as_strategy, least=1)))

    @classmethod
    def from_settings(cls, settings: ProposalSettings, seed: int) -> SelectiveSearch:
        """Return the search that `settings` ask for."""
        mode = cast(Mode, settings.mode)
        return cls(
            mode=mode,
            min_size=float(settings.min_size),
            limit=settings.limit,
            max_width=settings.max_width,
            seed=seed,
        )

    def estimate(self, height: int, width: int) -> tuple[float, float]:
        """Return about how much memory (bytes) and time (seconds) the search in a photo will take.

        Measured on natural photos of 1 to 4 megapixels; the memory grows in proportion to the pixels, and
        the time a little faster.
        """
        chosen = strategies(self.mode) if self.strategies is None else self.strategies
        shrink = 1.0 if self.max_width is None else min(1.0, self.max_width / max(width, 1))
        pixels = height * width * shrink**2
        return _BYTES * pixels, (_SECONDS + _SECONDS_EACH * len(chosen)) * pixels

    def propose(self, image: ImageArray, *, image_id: str = "") -> npt.NDArray[np.float32]:
        """Return the (R, 4) proposals for `image`, best rank first."""
        return self.search(image).boxes

    def search(self, image: ImageArray) -> SelectiveSearchResult:
        """Return the proposals for `image` together with the hierarchies they come from.

        Raises
        ------
        ValueError
            If the image is no RGB image, or the mode or a strategy is unknown.
        """
        chosen = strategies(self.mode) if self.strategies is None else self.strategies
        height, width = as_image(image).shape[:2]
        small, scale = image, 1.0
        if self.max_width is not None and width > self.max_width:
            scale = self.max_width / width
            resized = resize_image(image, max(1, round(height * scale)), self.max_width)
            small = np.rint(resized).astype(np.uint8)
        hierarchies = _hierarchies(small, chosen, self.n_jobs)
        boxes, source = _ranked(hierarchies, np.random.default_rng(self.seed))
        if scale != 1.0:
            back = [width / small.shape[1], height / small.shape[0]] * 2
            boxes = np.rint(boxes * back)
        keep = (boxes[:, 2:] - boxes[:, :2] >= self.min_size).all(axis=1)
        boxes, source = boxes[keep], source[keep]
        unique = _first_of_equal(boxes)[: self.limit]
        return SelectiveSearchResult(
            boxes[unique].astype(np.float32), source[unique], chosen, tuple(hierarchies)
        )


@overload
def selective_search(
    image: ImageArray,
    mode: Mode = ...,
    *,
    seed: int = ...,
    min_size: float = ...,
    max_width: int | None = ...,
    n_jobs: int = ...,
    return_hierarchy: Literal[False] = ...,
) -> npt.NDArray[np.float32]: ...
@overload
def selective_search(
    image: ImageArray,
    mode: Mode = ...,
    *,
    seed: int = ...,
    min_size: float = ...,
    max_width: int | None = ...,
    n_jobs: int = ...,
    return_hierarchy: Literal[True],
) -> SelectiveSearchResult: ...
def selective_search(
    image: ImageArray,
    mode: Mode = "fast",
    *,
    seed: int = 0,
    min_size: float = 20.0,
    max_width: int | None = None,
    n_jobs: int = 1,
    return_hierarchy: bool = False,
) -> npt.NDArray[np.float32] | SelectiveSearchResult:
    """Propose regions of a photo by selective search.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    mode, seed, min_size, max_width, n_jobs
        As for :class:`SelectiveSearch`.
    return_hierarchy : bool
        Return all regions and merges as well.

    Returns
    -------
    (R, 4) float32 array, or SelectiveSearchResult
        ``x1, y1, x2, y2`` in pixels of `image`, half-open, best rank first, no two equal. About 2,000
        for a photo of 500 × 375 pixels in fast mode.

    Examples
    --------
    >>> from minircnn import selective_search
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 255
    >>> found = selective_search(image, "single", return_hierarchy=True)
    >>> len(found.boxes), found.strategies[0].colour
    (3, 'HSV')
    """
    proposer = SelectiveSearch(mode, min_size, seed, max_width, n_jobs)
    result = proposer.search(image)
    return result if return_hierarchy else result.boxes


def _hierarchies(image: ImageArray, chosen: Sequence[Strategy], n_jobs: int) -> list[Hierarchy]:
    """Return the hierarchy of every strategy; one task per colour space."""
    colours = list(dict.fromkeys(s.colour for s in chosen))
    tasks = [[s for s in chosen if s.colour == colour] for colour in colours]
    if n_jobs == 1 or len(tasks) == 1:
        steps = Steps(len(tasks) + len(chosen))
        done = [_one_colour(image, task, steps) for task in tasks]
    else:
        done = list(run_tasks((delayed(_one_colour)(image, task) for task in tasks), n_jobs))
    found = {
        s: h
        for task, hierarchies in zip(tasks, done, strict=True)
        for s, h in zip(task, hierarchies, strict=True)
    }
    return [found[s] for s in chosen]


def _one_colour(image: ImageArray, chosen: Sequence[Strategy], steps: Steps | None = None) -> list[Hierarchy]:
    """Return the hierarchies of strategies of one colour space; they share what they can."""
    steps = steps or Steps(1 + len(chosen))
    channels = convert(image, chosen[0].colour)
    edges = GridEdges(smooth(channels, _SIGMA))
    scales = list(dict.fromkeys(s.k for s in chosen))
    segmentations = segment_scales(edges, [(k, round(k)) for k in scales])
    colour_bins, texture_bins = quantise_colour(channels), quantise_texture(channels)
    prepared = {
        k: (labels, region_features(labels, colour_bins, texture_bins), neighbouring_regions(labels))
        for k, labels in zip(scales, segmentations, strict=True)
    }
    steps.step()
    hierarchies = []
    for strategy in chosen:
        hierarchies.append(group(*prepared[strategy.k], strategy.similarities))
        steps.step()
    return hierarchies


def _ranked(
    hierarchies: Sequence[Hierarchy], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Pool the regions of all hierarchies in pseudo-random order (section 4 of the paper).

    Region number i from the top of its hierarchy gets the value i·u, u uniform in 0..1, and small values go
    first: the large regions tend to come early without all of them leading. The initial regions, which
    have no order among them, share the last i.
    """
    values, boxes, source = [], [], []
    for h, hierarchy in enumerate(hierarchies):
        place = np.minimum(np.arange(len(hierarchy), 0, -1), len(hierarchy.children) + 1)
        values.append(place * rng.random(len(hierarchy)))
        boxes.append(hierarchy.boxes)
        source.append(np.stack([np.full(len(hierarchy), h), np.arange(len(hierarchy))], axis=1))
    order = np.argsort(np.concatenate(values), kind="stable")
    return np.concatenate(boxes)[order], np.concatenate(source)[order]


def _first_of_equal(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the indices, ascending, of the first of every set of equal boxes."""
    order = np.lexsort(boxes.T)  # stable: the first of equal boxes comes first
    is_first = np.ones(len(boxes), dtype=bool)
    is_first[1:] = (boxes[order[1:]] != boxes[order[:-1]]).any(axis=1)
    return np.sort(order[is_first])
