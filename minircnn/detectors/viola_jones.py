"""Viola and Jones' detector: an attentional cascade over all windows of a photo (CVPR 2001)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.arrays import HostArray
from minircnn.boxes import clip_boxes, group_boxes
from minircnn.checks import instance, real, record, require, whole
from minircnn.detectors.base import register
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.detectors.windows import WindowDetector
from minircnn.heads.cascade import Cascade, ScanSettings, judge_windows, read_cascade, scan
from minircnn.imaging import as_grey, resize_exact
from minircnn.proposals import Proposer
from minircnn.structures import FloatArray, ImageArray

Float32 = npt.NDArray[np.float32]

NOT_FOUND = -1000.0
"""Score of a class whose own scan did not name a window: below that of any window it rejects."""


@dataclass(frozen=True)
class GroupingSettings:
    """How windows that fire together become one detection."""

    min_neighbors: int = 3
    """A detection takes more windows than this (3 in OpenCV); 0: each window is one."""
    eps: float = 0.2
    """How far edges of windows of a group may lie apart, as a part of their sides (0.2 in OpenCV)."""

    def __post_init__(self) -> None:
        require(self, "grouping", min_neighbors=whole(0), eps=real(0, 1, below=True))


@register("viola-jones")
@dataclass
class ViolaJones(WindowDetector):
    """One attentional cascade per class, on integral images of the grey photo.

    It works on the host, whatever array library the photo's other detectors use. The score of a detection is
    the number of windows that were grouped into it, plus a part below 1 that tells how far they exceeded the
    last stage's threshold at best. A box from outside that passes has only this part; one that is rejected
    has minus the number of stages that it did not pass.

    Parameters
    ----------
    cascades : tuple of Cascade
        One per class, all with windows of any size.
    class_names : tuple of str
        The K foreground classes.
    scan_settings : ScanSettings
    grouping : GroupingSettings
    growth : float
        By which part of a window its box is larger on each side: the cascade may look at the middle of the
        object only.
    proposer : Proposer or None
        None: the windows of the scan.
    postprocess : PostprocessSettings
    batch : int
        Boxes from outside that are judged at once.
    """

    title = "Viola–Jones"
    usual_min_score = 0.0

    cascades: tuple[Cascade, ...]
    class_names: tuple[str, ...]
    scan_settings: ScanSettings = field(default_factory=ScanSettings)
    grouping: GroupingSettings = field(default_factory=GroupingSettings)
    growth: float = 0.0
    proposer: Proposer | None = None
    postprocess: PostprocessSettings = field(
        default_factory=lambda: PostprocessSettings(min_score=NOT_FOUND / 2)
    )
    batch: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", scan_settings=instance(ScanSettings), grouping=instance(GroupingSettings))
        require(self, "", growth=real(-0.45, 10))
        if len(self.cascades) != len(self.class_names) or not all(
            isinstance(cascade, Cascade) for cascade in self.cascades
        ):
            raise ValueError(
                f"cascades must be one Cascade for each of the {len(self.class_names)} classes, "
                f"got {len(self.cascades)}"
            )
        self.cascades = tuple(self.cascades)

    @classmethod
    def from_cascade_file(cls, path: Path | str, class_name: str = "object", **fields: Any) -> ViolaJones:
        """Return the detector of a cascade in OpenCV's XML format; see :func:`read_cascade`."""
        return cls((read_cascade(path),), (class_name,), **fields)

    def scan(self, image: ImageArray) -> tuple[Float32, Float32]:
        """Return the grouped windows (R, 4) of `image`, each once, and scores (R, K).

        A class whose own scan did not name a window gives it the score `NOT_FOUND`.
        """
        grey = as_grey(image)
        row: dict[bytes, int] = {}
        boxes: list[Float32] = []
        scores: list[Float32] = []
        for label, cascade in enumerate(self.cascades):
            for box, score in zip(*self.scan_class(grey, cascade), strict=True):
                place = row.setdefault(box.tobytes(), len(boxes))
                if place == len(boxes):
                    boxes.append(box)
                    scores.append(np.full(len(self.cascades), NOT_FOUND, np.float32))
                scores[place][label] = max(score, scores[place][label])
        kinds = len(self.cascades)
        return (
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(scores, np.float32).reshape(-1, kinds),
        )

    def scan_class(self, grey: ImageArray, cascade: Cascade) -> tuple[Float32, Float32]:
        """Return what a cascade finds in a `grey` photo (H, W): grouped boxes (R, 4), scores (R,)."""
        found = scan(grey, cascade, self.scan_settings)
        merged, counts, group = group_boxes(found.boxes, **asdict(self.grouping))
        best = np.full(len(merged), -np.inf)
        np.maximum.at(best, group[group >= 0], found.margins[group >= 0])
        boxes = clip_boxes(grow(merged, self.growth), *grey.shape).astype(np.float32)
        whole_ones = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        scores = (counts + squashed(best)).astype(np.float32)
        return boxes[whole_ones], scores[whole_ones]

    def judge_crops(self, image: ImageArray, boxes: FloatArray) -> Float32:
        """Return the scores (R, K) of `boxes` (R, 4), each cut out, shrunk by `growth` and resized."""
        grey = as_grey(image)
        scores = np.empty((len(boxes), len(self.cascades)), np.float32)
        for label, cascade in enumerate(self.cascades):
            crops = cut_boxes(grey, boxes, self.growth, cascade.height, cascade.width)
            depth, margin = judge_windows(crops, cascade, min_std=self.scan_settings.min_std)
            passed = depth == cascade.stages
            scores[:, label] = np.where(passed, squashed(margin), depth - cascade.stages)
        return scores

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        own = {
            "scan": asdict(self.scan_settings),
            "grouping": asdict(self.grouping),
            "growth": self.growth,
        }
        arrays = {
            f"cascade{number}.{name}": array
            for number, cascade in enumerate(self.cascades)
            for name, array in cascade.arrays().items()
        }
        return {**self.common_settings(), **own}, arrays

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> ViolaJones:
        """Return the detector that `state` described."""
        cascades = []
        for number in range(len(settings["class_names"])):
            prefix = f"cascade{number}."
            own = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
            cascades.append(Cascade.from_arrays(own))
        return cls(
            tuple(cascades),
            scan_settings=record(ScanSettings, settings["scan"], "scan"),
            grouping=record(GroupingSettings, settings["grouping"], "grouping"),
            growth=settings["growth"],
            **cls.common_fields(settings),
        )


def squashed(margin: FloatArray) -> FloatArray:
    """Return margins (R,) brought into [0, 1), in their order."""
    positive = np.maximum(margin, 0.0)
    result: FloatArray = positive / (1.0 + positive)
    return result


def grow(boxes: FloatArray, growth: float) -> FloatArray:
    """Return boxes (R, 4) larger by a part `growth` of their sides on each side."""
    sides = (boxes[:, 2:] - boxes[:, :2]) * growth
    larger: FloatArray = np.concatenate([boxes[:, :2] - sides, boxes[:, 2:] + sides], axis=1)
    return larger


def cut_boxes(grey: ImageArray, boxes: FloatArray, growth: float, height: int, width: int) -> ImageArray:
    """Return the windows (R, height, width) inside `boxes` (R, 4) of a photo (H, W) that `grow` would make.

    Edges are rounded to whole pixels, one at least; what lies outside the photo repeats its border.
    """
    inner = grow(boxes.astype(np.float64), -growth / (1.0 + 2.0 * growth))
    first = np.floor(inner[:, :2] + 0.5).astype(int)
    last = np.maximum(np.floor(inner[:, 2:] + 0.5).astype(int), first + 1)
    crops = np.empty((len(boxes), height, width), np.uint8)
    for number, ((x1, y1), (x2, y2)) in enumerate(zip(first, last, strict=True)):
        rows = np.clip(np.arange(y1, y2), 0, grey.shape[0] - 1)
        columns = np.clip(np.arange(x1, x2), 0, grey.shape[1] - 1)
        crops[number] = resize_exact(grey[rows][:, columns], height, width)
    return crops
