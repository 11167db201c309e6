"""Histograms of oriented gradients and linear SVMs: people, before there were proposals (CVPR 2005).

A window of one size slides over the photo at many scales. Its histograms are weighed by one linear SVM per
class; all scores of a level come from one product (:mod:`minircnn.features.hog_windows`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.array_files import read_npy, read_npz
from minircnn.arrays import Array, HostArray
from minircnn.boxes import clip_boxes, group_boxes
from minircnn.checks import checked, instance, mapping, optional, record, require, require_array, whole
from minircnn.detectors.base import register
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.detectors.windows import Float32, WindowDetector, WindowView
from minircnn.features import HOG_STYLES, HogSettings, HogWindows, Level, PyramidSettings
from minircnn.files import read_text
from minircnn.heads import LinearSVMs
from minircnn.proposals import Proposer
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray


@register("hog-svm")
@dataclass
class HogSVM(WindowDetector):
    """A trained detector of oriented gradients and linear SVMs. It runs on the CPU.

    Parameters
    ----------
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer or None
        None: it looks at all windows.
    svms : LinearSVMs
        One per class, on the descriptors of windows.
    windows : HogWindows
        What a window is, and where windows stand.
    group_neighbors : int, optional
        Merge windows with a score above 0 that are alike, and drop groups of no more than so many, as OpenCV
        does (2 there), before suppression. None: suppression alone.
    postprocess : PostprocessSettings
    batch : int
        Boxes from outside that are judged at once.
    """

    title = "HOG + SVM"
    usual_min_score = 0.0  # the margin of an SVM

    class_names: tuple[str, ...]
    proposer: Proposer | None
    svms: LinearSVMs
    windows: HogWindows
    group_neighbors: int | None = None
    postprocess: PostprocessSettings = field(
        default_factory=lambda: PostprocessSettings(top_per_class=500)  # an object fires tens of windows
    )
    batch: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", svms=instance(LinearSVMs), windows=instance(HogWindows))
        require(self, "", group_neighbors=optional(whole(0)))
        classes = len(self.class_names)
        require_array("the SVMs' weight", self.svms.coef_, (classes, self.windows.dim))
        require_array("the SVMs' bias", self.svms.intercept_, (classes,))

    @classmethod
    def people(cls, numbers: HostArray | Path | str, **fields: Any) -> HogSVM:
        """Return the detector of people that OpenCV's numbers make.

        Parameters
        ----------
        numbers : (3781,) array, or the name of a file of it
            ``cv2.HOGDescriptor_getDefaultPeopleDetector()``: weights of a window's 105 blocks and a bias.
            Files are ``.npy``, ``.npz`` or text.
        **fields
            Of the detector, instead of OpenCV's own: e.g. `windows` with padding.

        Raises
        ------
        ValueError
            If there are not so many.
        """
        windows = fields.pop("windows", HogWindows(hog=HOG_STYLES["opencv"]))
        values = read_numbers(numbers) if isinstance(numbers, str | Path) else np.asarray(numbers).ravel()
        width, height = windows.window
        if len(values) != windows.dim + 1:
            raise ValueError(
                f"a window of {width}×{height} pixels takes {windows.hog.window_sum(height, width)} + 1 = "
                f"{windows.dim + 1:,} numbers (blocks across · blocks down · numbers of a block, and the "
                f"bias), got {len(values):,}"
            )
        if values.dtype.kind not in "biuf" or not (abs(values) <= np.finfo(np.float32).max).all():
            raise ValueError("the numbers of the detector must be finite, and within single precision")
        values = values.astype(np.float32)
        svms = LinearSVMs.from_weights(values[None, :-1], values[-1:])
        return cls(("person",), None, svms, windows, **fields)

    def levels(self, image: ImageArray) -> Iterator[tuple[Level, Float32]]:
        """Yield every level of the pyramid with the scores (K, rows, columns) of its windows."""
        weight, bias = (np.asarray(a, np.float32) for a in (self.svms.coef_, self.svms.intercept_))
        for level in self.windows.levels(image):
            yield level, self.windows.scores(image, level, weight, bias)

    def raw_windows(self, image: ImageArray, threshold: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Return all windows (R, 4) of which any class scores `threshold` or more, and their scores (R, K).

        With their margin, and not clipped to the photo.
        """
        boxes: list[FloatArray] = [np.zeros((0, 4))]
        scores = [np.zeros((0, len(self.class_names)), np.float32)]
        for level, own in self.levels(image):
            places = np.argwhere((own >= threshold).any(axis=0))
            boxes.append(self.windows.boxes(level, places))
            scores.append(own[:, places[:, 0], places[:, 1]].T)
        return np.concatenate(boxes), np.concatenate(scores)

    def scan(self, image: ImageArray) -> tuple[Float32, Float32]:
        """Return the boxes of objects (R, 4) in the best windows of every class, and the scores (R, K).

        Boxes are clipped to the photo. Of windows that become the same box each class keeps its best score.
        As many are returned as decisions are made from: `postprocess.top_per_class` of each class, from
        `postprocess.min_score`.
        """
        windows, scores = self.raw_windows(image, self.postprocess.min_score)
        boxes = clip_boxes(self.windows.objects(windows), *image.shape[:2]).astype(np.float32)
        inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, scores = _distinct(boxes[inside], scores[inside])
        rows = _best_of_each(scores, self.postprocess.top_per_class)
        return boxes[rows], scores[rows]

    def judge_crops(self, image: ImageArray, boxes: FloatArray) -> Float32:
        """Return the scores (R, K) of `boxes` (R, 4), each cut out with its margin and resized."""
        scores: Float32 = self.svms.scores(self.windows.of_boxes(image, boxes)).astype(np.float32)
        return scores

    def decide(self, view: WindowView, scores: Array, boxes: Array) -> Detections:
        """Merge windows that are alike, where that is asked for; then suppress as all detectors do."""
        if self.group_neighbors is not None:
            scores, boxes = self._grouped(scores, boxes, self.group_neighbors)
        return super().decide(view, scores, boxes)

    def _grouped(self, scores: Array, boxes: Array, neighbors: int) -> tuple[Array, Array]:
        """Return a row for each group of a class: its mean box, and the best score, for that class alone."""
        least = max(self.usual_min_score, self.postprocess.min_score)
        below = np.nextafter(np.float32(self.postprocess.min_score), np.float32(-np.inf))
        all_scores = [np.zeros((0, scores.shape[1]), np.float32)]
        all_boxes = [np.zeros((0, 4), np.float32)]
        for k in range(scores.shape[1]):
            own = scores[:, k] >= least
            merged, _, group = group_boxes(boxes[own, k], min_neighbors=neighbors)
            best = np.full((len(merged), scores.shape[1]), below, np.float32)
            np.maximum.at(best[:, k], group[group >= 0], scores[own, k][group >= 0])
            all_scores.append(best)
            all_boxes.append(merged.astype(np.float32))
        places = np.repeat(np.concatenate(all_boxes)[:, None], scores.shape[1], axis=1)
        return np.concatenate(all_scores), places

    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""
        own = {"windows": asdict(self.windows), "group_neighbors": self.group_neighbors}
        arrays = {"svm.weight": self.svms.coef_, "svm.bias": self.svms.intercept_}
        return {**self.common_settings(), **own}, arrays

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]) -> HogSVM:
        """Return the detector that `state` described."""
        return cls(
            svms=LinearSVMs.from_weights(arrays["svm.weight"], arrays["svm.bias"]),
            windows=_windows_of(settings["windows"]),
            group_neighbors=settings["group_neighbors"],
            **cls.common_fields(settings),
        )


def _windows_of(settings: Any) -> HogWindows:
    """Return the windows that ``asdict`` described."""
    parts = dict(checked("windows", settings, mapping))
    for name, kind in (("hog", HogSettings), ("pyramid", PyramidSettings)):
        parts[name] = record(kind, parts.get(name), f"windows.{name}")
    return record(HogWindows, parts, "windows")


def _distinct(boxes: Float32, scores: Float32) -> tuple[Float32, Float32]:
    """Return each box once, in the order in which they came, with the best score of each class."""
    _, first, same = np.unique(boxes, axis=0, return_index=True, return_inverse=True)
    best = np.full((len(first), scores.shape[1]), -np.inf, np.float32)
    np.maximum.at(best, same.reshape(-1), scores)
    order = np.argsort(first)
    return boxes[first[order]], best[order]


def _best_of_each(scores: Float32, count: int) -> IntArray:
    """Return the rows that are among the `count` best of any class, in their order."""
    chosen = np.zeros(len(scores), bool)
    chosen[np.argsort(-scores, axis=0, kind="stable")[:count]] = True
    return np.flatnonzero(chosen)


def read_numbers(path: Path | str) -> HostArray:
    """Return the numbers (n,) in a file: the array of an ``.npy``, the longest of an ``.npz``, or text.

    Raises
    ------
    ValueError
        If the file holds no numbers, naming it.
    FileNotFoundError
        If there is none.
    """
    path = Path(path)
    try:
        if path.suffix == ".npz":
            arrays = read_npz(path)
            if not arrays:
                raise ValueError("it holds no array")
            named = [a for name, a in arrays.items() if "people" in name] or list(arrays.values())
            array = max(named, key=lambda a: a.size)
        elif path.suffix == ".npy":
            array = read_npy(path)
        else:
            array = np.array([float(word) for word in read_text(path).replace(",", " ").split()])
        if array.dtype.kind not in "iuf" or array.size == 0 or not np.isfinite(array).all():
            raise ValueError("they must be finite numbers")
    except FileNotFoundError:
        raise
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: no numbers can be read ({error})") from error
    return array.ravel()
