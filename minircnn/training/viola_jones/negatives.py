"""Negatives for the next stage: windows without the object that all stages so far let pass (section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.boxes import box_iou
from minircnn.detectors.viola_jones import grow
from minircnn.heads.cascade import Cascade, ScanSettings, judge_windows
from minircnn.heads.cascade.levels import Level, image_levels
from minircnn.heads.cascade.scan import Places, scan_levels
from minircnn.imaging import as_grey, resize_exact
from minircnn.progress import progress_bar
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.training.viola_jones.settings import CascadeSettings

_KEPT_WINDOWS, _KEPT_BYTES = 5_000, 512 << 20
"""Of a photo, and of all photos: windows that passed are kept, as no later stage lets others pass."""
_SHARE, _LEAST_SHARE = 4, 50
"""A photo gives at most so many times its share of negatives, or so many: they come from many photos."""


@dataclass(frozen=True)
class Negatives:
    """What was found for one stage.

    Parameters
    ----------
    crops : (n, h, w) uint8 array
    windows, false_alarms : int
        Windows of the photos that were searched, and those of them that pass all stages so far.
    photos : int
        That were searched.
    """

    crops: ImageArray
    windows: int
    false_alarms: int
    photos: int


class NegativePool:
    """Photos in which false alarms are looked for; of one cascade that only grows.

    Parameters
    ----------
    photos : sequence of (H, W) or (H, W, 3) uint8 arrays
    avoid : sequence of (G, 4) float arrays
        Objects in each, no window that overlaps one is a negative.
    settings : CascadeSettings
    scan : ScanSettings
    """

    def __init__(
        self,
        photos: Sequence[ImageArray],
        avoid: Sequence[FloatArray],
        settings: CascadeSettings,
        scan: ScanSettings,
    ) -> None:
        self.photos, self.avoid, self.settings = photos, avoid, settings
        self.scan = replace(scan, scaled="image", skip=False, step=None)
        self._kept: dict[int, tuple[ImageArray, int]] = {}
        self._bytes = 0

    def draw(self, cascade: Cascade, rng: np.random.Generator, title: str, show: bool) -> Negatives:
        """Return false alarms of `cascade`, from photos in random order until there are enough."""
        wanted = self.settings.negatives
        order = rng.permutation(len(self.photos))
        share = max(_LEAST_SHARE, -(-_SHARE * wanted // max(1, len(order))))
        for most in (share, wanted):  # where all photos were searched in vain each gives all that it has
            crops: list[ImageArray] = []
            found = windows = photos = held = 0
            with progress_bar(total=wanted, desc=title, unit="window", show=show, leave=False) as bar:
                for photo in order:
                    own, count, searched = self._of_photo(int(photo), cascade, most, rng)
                    crops.append(own)
                    found, windows, photos = found + count, windows + searched, photos + 1
                    held += len(own)
                    bar.update(len(own))
                    if held >= wanted:
                        break
            if held >= wanted or held == found:
                break
        shape = (0, *self.settings.shape)
        together = np.concatenate([np.zeros(shape, np.uint8), *crops])
        rows = np.sort(rng.permutation(len(together))[:wanted])
        return Negatives(together[rows], windows, found, photos)

    def _of_photo(
        self, photo: int, cascade: Cascade, most: int, rng: np.random.Generator
    ) -> tuple[ImageArray, int, int]:
        """Return up to `most` false alarms in a photo, how many there are, and how many windows."""
        if photo in self._kept:
            crops, windows = self._kept.pop(photo)
            self._bytes -= crops.nbytes
            depth, _ = judge_windows(crops, cascade, min_std=self.scan.min_std)
            crops = crops[depth == cascade.stages]
            self._keep(photo, crops, windows)
            return _some(crops, most, rng), len(crops), windows
        image = as_grey(self.photos[photo])
        levels = image_levels(image.shape, self.settings.shape, self.scan)
        if not levels:
            return np.zeros((0, *self.settings.shape), np.uint8), 0, 0
        places = scan_levels(image, cascade, self.scan, levels)
        rows = self._apart(photo, places, levels, cascade)
        if len(rows) <= _KEPT_WINDOWS:
            crops = cut_windows(image, levels, places, rows, self.settings.shape)
            self._keep(photo, crops, int(places.left[0]))
            return _some(crops, most, rng), len(rows), int(places.left[0])
        some = _some(rows, most, rng)
        crops = cut_windows(image, levels, places, some, self.settings.shape)
        return crops, len(rows), int(places.left[0])

    def _apart(self, photo: int, places: Places, levels: Sequence[Level], cascade: Cascade) -> IntArray:
        """Return which windows overlap no object."""
        objects = self.avoid[photo]
        boxes = grow(places.boxes(levels, cascade), self.settings.growth)
        if len(objects) == 0 or len(boxes) == 0:
            return np.arange(len(boxes))
        highest = box_iou(boxes.astype(np.float64), objects.astype(np.float64)).max(axis=1)
        return np.flatnonzero(highest <= self.settings.negative_iou)

    def _keep(self, photo: int, crops: ImageArray, windows: int) -> None:
        if self._bytes + crops.nbytes <= _KEPT_BYTES:
            self._kept[photo] = crops, windows
            self._bytes += crops.nbytes


def _some(rows: npt.NDArray[Any], most: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Return up to `most` of the rows, at random and in their order."""
    return rows[np.sort(rng.permutation(len(rows))[:most])]


def cut_windows(
    image: ImageArray,
    levels: Sequence[Level],
    places: Places,
    rows: IntArray,
    window: tuple[int, int],
) -> ImageArray:
    """Return the pixels (n, h, w) of those windows of the scaled grey `image` that are named by `rows`."""
    crops = np.zeros((len(rows), *window), np.uint8)
    for number in np.unique(places.level[rows]):
        own = np.flatnonzero(places.level[rows] == number)
        scaled = resize_exact(image, levels[number].height, levels[number].width)
        views = np.lib.stride_tricks.sliding_window_view(scaled, window)
        crops[own] = views[places.y[rows[own]], places.x[rows[own]]]
    return crops
