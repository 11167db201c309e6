"""What the region proposal network learns from: photos with their objects, and labelled anchors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, like
from minircnn.boxes import (
    anchors_inside,
    encode,
    flip_boxes,
    label_anchors,
    sample_anchors,
)
from minircnn.heads import ProposalLayerSettings, propose
from minircnn.nn import RPNLoss, rpn_loss
from minircnn.profiling import stage
from minircnn.structures import FloatArray, IntArray
from minircnn.training.faster_rcnn.settings import RPNSettings
from minircnn.training.photo_batches import PhotoSampler, pad_together
from minircnn.training.regions import RegionRecord, record_of


@dataclass(frozen=True)
class ObjectBatch:
    """What one step sees: photos, and where their objects lie."""

    images: FloatArray
    """(N, 3, H, W) float32: normalised photos, padded to one size. Or their maps (N, C, h, w)."""
    sizes: list[tuple[float, float]]
    """Height and width of each photo as it is scaled, without the padding."""
    scales: list[float]
    """Pixels of the network's input per pixel of each photo."""
    records: list[RegionRecord]
    """The objects of each photo, no other region, as the photo is scaled and mirrored."""


class ObjectSampler(PhotoSampler):
    """Draws the photos of every step with their objects; regions are found by the network itself."""

    def draw_objects(self, iteration: int, rng: np.random.Generator) -> ObjectBatch:
        """Draw the photos of `iteration`."""
        images, sizes, scales, records = [], [], [], []
        for index in self.photo_indices(iteration):
            record, truth = self.records[index], self.inputs.photos.dataset.annotations(index)
            flip = self.flip and rng.random() < 0.5
            pixels, factor = self.inputs.read(index, self.draw_scale(rng), mirrored=flip)
            gt = flip_boxes(record.gt, record.width) if flip else record.gt
            width = round(truth.width * factor)
            images.append(pixels)
            sizes.append((truth.height * factor, truth.width * factor))
            scales.append(factor)
            records.append(
                record_of(gt * np.float32(factor), record.gt_labels, None, record.num_classes, width)
            )
        return ObjectBatch(pad_together(images), sizes, scales, records)


def anchor_targets(
    anchors: FloatArray, gt: FloatArray, size: tuple[float, float], rpn: RPNSettings, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Label the anchors (N, 4) of one photo, and say how those of objects should move.

    Anchors across the border are left out (section 3.1.3).

    Returns
    -------
    labels : (N,) int64 array
        1 object, 0 background, -1 left out.
    targets : (N, 4) float32 array
        Zeros where the label is not 1.
    """
    labelled = label_anchors(
        anchors,
        gt,
        positive_iou=rpn.positive_iou,
        negative_iou=rpn.negative_iou,
        usable=anchors_inside(anchors, size),
    )
    labels = sample_anchors(
        labelled.labels, count=rpn.anchors_per_image, object_fraction=rpn.object_fraction, rng=rng
    )
    targets = np.zeros((len(anchors), 4), np.float32)
    objects = labels == 1
    targets[objects] = encode(anchors[objects], gt[labelled.best_gt[objects]])
    return labels, targets


@stage("anchor targets")
def loss_of_anchors(
    objectness: Array,
    offsets: Array,
    anchors: FloatArray,
    batch: ObjectBatch,
    rpn: RPNSettings,
    rng: np.random.Generator,
) -> RPNLoss:
    """Return the loss of the region proposal network on a batch, its gradients shaped as its outputs.

    `objectness` (N, M, 2) and `offsets` (N, M, 4) are those of the anchors (M, 4) in each of N photos.
    """
    xp = array_namespace(objectness)
    drawn = [
        anchor_targets(anchors, record.gt, size, rpn, rng)
        for record, size in zip(batch.records, batch.sizes, strict=True)
    ]
    labels, targets = (like(np.concatenate(part), objectness) for part in zip(*drawn, strict=True))
    loss = rpn_loss(
        xp.reshape(objectness, (-1, 2)),
        xp.reshape(offsets, (-1, 4)),
        labels,
        targets,
        lam=rpn.loss_weight,
        sigma=rpn.sigma,
    )
    return RPNLoss(
        loss.total,
        loss.objectness,
        loss.localization,
        xp.reshape(loss.d_objectness, objectness.shape),
        xp.reshape(loss.d_offsets, offsets.shape),
    )


def proposed_records(
    objectness: HostArray,
    offsets: HostArray,
    anchors: FloatArray,
    batch: ObjectBatch,
    settings: ProposalLayerSettings,
) -> list[RegionRecord]:
    """Return what the network proposes in each photo of a batch, matched with the photo's objects.

    As for :func:`loss_of_anchors`, but on the host.
    """
    records = []
    for i, (record, size) in enumerate(zip(batch.records, batch.sizes, strict=True)):
        found = propose(objectness[i], offsets[i], anchors, size, settings, batch.scales[i])
        records.append(record_of(record.gt, record.gt_labels, found.boxes, record.num_classes, record.width))
    return records
