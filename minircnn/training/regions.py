"""The training regions of a data set: ground truth and proposals, with labels and box targets."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from minircnn.boxes import assign, box_iou, encode
from minircnn.profiling import stage
from minircnn.structures import Annotations, BoolArray, DetectionDataset, FloatArray, ImageArray, IntArray

logger = logging.getLogger("minircnn")


@dataclass(frozen=True)
class RegionRecord:
    """The regions of one photo, ground truth first: R = G objects and P proposals.

    Thousands of photos have millions of regions, so what follows from the rest is computed at every use, for
    the few regions of a step. The proposals are those it was given, not a copy.

    Parameters
    ----------
    gt : (G, 4) float32 array
        The ground-truth boxes, in pixels of the photo.
    gt_labels : (G,) int array
    proposals : (P, 4) float32 array
    best_iou : (R,) float32 array
        IoU with the object each region overlaps most.
    best_gt : (R,) int array
        Row of that object in `gt`, in the smallest integers that hold it; -1 where the region overlaps none.
    num_classes : int
        K.
    width : int
        Of the photo, in pixels.
    """

    gt: FloatArray
    gt_labels: IntArray
    proposals: FloatArray
    best_iou: FloatArray
    best_gt: IntArray
    num_classes: int
    width: int

    def __len__(self) -> int:
        return len(self.best_iou)

    @property
    def num_gt(self) -> int:
        """Number of ground-truth boxes, G."""
        return len(self.gt)

    @property
    def boxes(self) -> FloatArray:
        """All regions, (R, 4) float32."""
        return np.concatenate([self.gt, self.proposals])

    @property
    def labels(self) -> IntArray:
        """Class of the object that each region overlaps most, (R,) int64; 0 where it overlaps none."""
        return np.append(self.gt_labels.astype(np.int64), 0)[self.best_gt]  # -1 is the last

    def targets(self, rows: IntArray | BoolArray | slice = slice(None)) -> FloatArray:
        """Return the offsets from the regions `rows` to that object, (n, 4) float32; zeros where none is."""
        best = self.best_gt[rows]
        matched = best >= 0
        targets = np.zeros((len(best), 4), dtype=np.float32)
        targets[matched] = encode(self.boxes[rows][matched], self.gt[best[matched]])
        return targets

    @property
    def class_iou(self) -> FloatArray:
        """Largest IoU with an object of each class, (R, K) float32."""
        iou = box_iou(self.boxes, self.gt)  # (R, G)
        class_iou = np.zeros((len(self), self.num_classes), dtype=np.float32)
        for label in np.unique(self.gt_labels):
            class_iou[:, label - 1] = iou[:, self.gt_labels == label].max(axis=1)
        return class_iou


def region_record(annotations: Annotations, proposals: FloatArray) -> RegionRecord:
    """Assign the proposals of one photo to its objects.

    Objects marked difficult are left out of training altogether, as in the papers' code.
    """
    gt = annotations.boxes[~annotations.difficult].astype(np.float32)  # (G, 4)
    labels = annotations.labels[~annotations.difficult]
    return record_of(gt, labels, proposals, len(annotations.class_names), annotations.width)


def record_of(
    gt: FloatArray, gt_labels: IntArray, proposals: FloatArray | None, num_classes: int, width: int
) -> RegionRecord:
    """Assign the proposals (P, 4), or none, of a photo of this `width` to its objects (G, 4)."""
    proposals = np.asarray([] if proposals is None else proposals, dtype=np.float32).reshape(-1, 4)
    assignment = assign(np.concatenate([gt, proposals]), gt)
    best_gt = assignment.best_gt.astype(np.min_scalar_type(-1 - len(gt)))
    return RegionRecord(gt, gt_labels, proposals, assignment.best_iou, best_gt, num_classes, width)


def region_records(dataset: DetectionDataset, proposals: Sequence[FloatArray]) -> list[RegionRecord]:
    """Build the record of every photo of `dataset`, given the proposals of each.

    Raises
    ------
    ValueError
        If no photo has an object to learn from.
    """
    records = [region_record(dataset.annotations(i), boxes) for i, boxes in enumerate(proposals)]
    _report(dataset, records)
    if not any(record.num_gt for record in records):
        raise ValueError(f"data set {dataset.name} has no (not difficult) object to train on")
    return records


def _report(dataset: DetectionDataset, records: Sequence[RegionRecord]) -> None:
    """Say what there is to learn from, and warn of photos and classes that have nothing."""
    labels = np.concatenate([record.labels[: record.num_gt] for record in records])
    regions = sum(len(record) for record in records)
    logger.info("%s: %d photos, %d objects, %d regions", dataset.name, len(records), len(labels), regions)
    unseen = [name for label, name in enumerate(dataset.class_names, start=1) if label not in labels]
    if unseen:
        logger.warning("%s: no object to learn %s from", dataset.name, ", ".join(map(repr, unseen)))
    empty = sum(record.num_gt == 0 for record in records)
    if empty:
        logger.warning("%s: %d of %d photos have no object to learn from", dataset.name, empty, len(records))


class HasImages(Protocol):
    """Whatever has images by number."""

    def image(self, index: int) -> ImageArray:
        """Return image `index`, (H, W, 3) uint8 RGB."""
        ...


class ImageReader:
    """Reads images, keeping the most recent ones in memory.

    A few hundred photos stay decoded from epoch to epoch. Of thousands, an epoch in random order finds few of
    the recent ones again. Where a step reads one or two, decoding them is a small part of it, and more memory
    would gain little. The files the operating system keeps, in memory that it can take back.

    Parameters
    ----------
    dataset : HasImages
    max_bytes : int
        Of the images kept.
    """

    MAX_BYTES: ClassVar[int] = 256 << 20

    def __init__(self, dataset: HasImages, max_bytes: int = MAX_BYTES) -> None:
        self._source, self.max_bytes = dataset, max_bytes
        self._kept: OrderedDict[int, ImageArray] = OrderedDict()  # the least recent first
        self._bytes = 0

    def read(self, index: int) -> ImageArray:
        """Return image `index` (H, W, 3) uint8."""
        with stage("read photo"):
            image = self._kept.pop(index, None)
            if image is None:
                image = self._source.image(index)
                self._bytes += image.nbytes
            self._kept[index] = image
            while self._bytes > self.max_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return image

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process without the images."""
        return type(self), (self._source, self.max_bytes)


class PhotoReader(ImageReader):
    """Reads the photos of a data set, which it knows."""

    def __init__(self, dataset: DetectionDataset, max_bytes: int = ImageReader.MAX_BYTES) -> None:
        super().__init__(dataset, max_bytes)
        self.dataset = dataset


def epoch_order(seed: int, epoch: int, count: int) -> IntArray:
    """Return the order of `count` photos in `epoch`: a function of its arguments, so nothing to store."""
    return np.random.default_rng([seed, epoch]).permutation(count)
