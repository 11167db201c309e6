"""Detectors that judge every window of a photo at once, as all did before there were proposals.

What they make of the photo holds the scores of all its windows already: integral images and a cascade, or
gradient cells and a filter. So ``look`` scans, ``propose`` names the windows, ``judge`` reads their scores. A
box from outside is no window of the scan; it is cut out, brought to the window's size and judged alone.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from minircnn.arrays import Array
from minircnn.columns import check_boxes
from minircnn.detectors.base import RegionDetector, View
from minircnn.structures import BoolArray, FloatArray, ImageArray, IntArray

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WindowView(View):
    """A photo that was scanned.

    Parameters
    ----------
    windows : (R, 4) float32 array
        Boxes of the windows that are worth judging, inside the photo, in pixels. A box may occur once.
    scores : (R, K) float32 array
        What the scan gave them.
    """

    windows: Float32
    scores: Float32

    def __post_init__(self) -> None:
        super().__post_init__()
        check_boxes(self.windows, "windows")

    def are_all(self, boxes: FloatArray) -> bool:
        """Return whether `boxes` (R, 4) are all windows of the scan, in their order."""
        return np.array_equal(boxes, self.windows)

    def rows(self, boxes: FloatArray) -> tuple[BoolArray, IntArray]:
        """Return which of `boxes` (R, 4) are windows of the scan, and the rows of those that are."""
        rows = np.array([self._row.get(box.tobytes(), -1) for box in boxes.astype(np.float32)], np.int64)
        return rows >= 0, rows[rows >= 0]

    @cached_property
    def _row(self) -> dict[bytes, int]:
        """Where a window stands, made once for all batches of boxes."""
        return {window.tobytes(): row for row, window in enumerate(self.windows)}


class WindowDetector(RegionDetector[WindowView]):
    """A detector that finds its windows and their scores in one scan of the photo.

    Heirs write `scan` and `judge_crops`.
    """

    proposes: ClassVar[bool] = True

    @abstractmethod
    def scan(self, image: ImageArray) -> tuple[Float32, Float32]:
        """Return the windows (R, 4) of `image` worth judging, inside it and each once, and scores (R, K)."""

    @abstractmethod
    def judge_crops(self, image: ImageArray, boxes: FloatArray) -> Float32:
        """Return the scores (R, K) of `boxes` (R, 4), each cut out and brought to the window's size."""

    def look(self, image: ImageArray) -> WindowView:
        """Scan the photo."""
        return WindowView(image, *self.scan(image))

    def propose(self, view: WindowView, image_id: str = "") -> FloatArray:
        """Return the windows (R, 4) of the scan; a proposer given to the detector goes before them."""
        if self.proposer is not None:
            return super().propose(view, image_id)
        return view.windows

    def judge(self, view: WindowView, boxes: FloatArray) -> tuple[Array, Array]:
        """Read the scores of windows of the scan, and judge other boxes on their own crops."""
        scores = np.empty((len(boxes), len(self.class_names)), np.float32)
        if view.are_all(boxes):
            scores[...] = view.scores
        else:
            known, rows = view.rows(boxes)
            scores[known] = view.scores[rows]
            if not known.all():
                scores[~known] = self.judge_crops(view.image, boxes[~known])
        places = np.repeat(boxes[:, None].astype(np.float32), len(self.class_names), axis=1)
        return scores, places  # (R, K), (R, K, 4): a window does not move

    def batches(self, view: WindowView, proposals: FloatArray) -> list[IntArray]:
        """Return all at once where only scores are read: nothing large is made of them."""
        if view.are_all(proposals):
            return [np.arange(len(proposals))]
        return super().batches(view, proposals)
