"""Approximate joint training of Faster R-CNN: both losses in one step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import Array, Device, like, to_host
from minircnn.backbones import Backbone
from minircnn.detectors import FasterRCNN, FasterRCNNNetwork, FastRCNN
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.faster_rcnn.anchor_check import check_anchors
from minircnn.training.faster_rcnn.rpn import ObjectBatch, ObjectSampler, loss_of_anchors, proposed_records
from minircnn.training.faster_rcnn.settings import FasterRCNNSettings
from minircnn.training.photo_batches import draw_regions
from minircnn.training.regions import RegionRecord
from minircnn.training.shared_map import SharedMapTrainer, freeze_outputs, load_first, require_alike
from minircnn.training.trainer import Trainer

TARGET_STD = (0.1, 0.1, 0.2, 0.2)
"""The second stage's box targets are divided by these; they are known before there is any proposal."""


class FasterRCNNTrainer(SharedMapTrainer[FasterRCNNSettings, ObjectBatch]):
    """Approximate joint training: makes batches of photos, and the gradients of both losses in one step."""

    network: FasterRCNNNetwork
    sampler: ObjectSampler
    sampler_type = ObjectSampler

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: FasterRCNNSettings,
        *,
        device: Device = "cpu",
        map_folder: Path | None = None,
    ) -> None:
        super().__init__(dataset, proposals, settings, device=device, map_folder=map_folder)
        check_anchors(dataset, self.records, settings.anchors, settings.scale, settings.rpn.negative_iou)

    def new_box_units(self) -> tuple[FloatArray, FloatArray]:
        """Return fixed units: there is no proposal yet to measure them on."""
        return fixed_box_units(len(self.dataset.class_names))

    def make_network(self, num_classes: int, rng: np.random.Generator) -> FasterRCNNNetwork:
        """Return the network to train."""
        network, self.first = first_network(self.settings, self.backbone, self.dataset.class_names, rng)
        return network

    def make_batch(self, iteration: int, rng: np.random.Generator | None = None) -> ObjectBatch:
        """Draw photos with their objects."""
        return self.sampler.draw_objects(iteration, rng or self.state.rng)

    def gradients(self, batch: ObjectBatch) -> dict[str, float]:
        """Run `batch` forward and backward; return the losses of both branches by name."""
        network, settings, rng = self.network, self.settings, self.state.rng
        with stage("forward"):
            feature_map = self.convolutions(like(batch.images, network.on))  # (N, C, ~H/stride, ~W/stride)
            objectness, offsets = network.rpn(feature_map)  # (N, M, 2), (N, M, 4)
        anchors = network.anchors_on(feature_map)  # (M, 4)
        rpn = loss_of_anchors(objectness, offsets, anchors, batch, settings.rpn, rng)
        # Proposals are taken as if they were given: how the loss depends on their coordinates is left out,
        # which makes this training approximate.
        found = to_host(objectness), to_host(offsets)
        records = proposed_records(*found, anchors, batch, settings.training_proposals)
        rois, image_index, labels, targets = self.draw_rois(records, rng)
        with stage("forward"):
            cls_score, bbox_pred = network.forward_from_map(feature_map, rois, image_index)
        self.batches.begin_next(self.make_batch)
        loss = self.region_loss(cls_score, bbox_pred, labels, targets)
        stage("backward")(network.backward_jointly)(
            loss.d_cls_score, loss.d_bbox_pred, rpn.d_objectness, rpn.d_offsets
        )
        return {
            "loss": rpn.total + loss.total,
            "objectness": rpn.objectness,
            "anchors": rpn.localization,
            "classification": loss.classification,
            "localisation": loss.localisation,
        }

    def draw_rois(self, records: Sequence[RegionRecord], rng: np.random.Generator) -> tuple[Array, ...]:
        """Draw regions of each photo: rois (R, 4), image index (R,), labels (R,), box targets (R, 4).

        As a network takes them: regions and index on the host, the others where it lives.
        """
        rois, labels, targets = [], [], []
        for record in records:
            chosen, is_foreground = draw_regions(record, self.settings.sampling, rng)
            label = np.where(is_foreground, record.labels[chosen], 0)
            rois.append(record.boxes[chosen])
            labels.append(label)
            targets.append((record.targets(chosen) - self.target_mean[label]) / self.target_std[label])
        index = np.repeat(np.arange(len(rois)), [len(r) for r in rois])
        wanted = (like(np.concatenate(part), self.network.on) for part in (labels, targets))
        return np.concatenate(rois), index, *wanted

    def make_detector(self, proposer: Proposer | None) -> FasterRCNN:
        """Return a detector with the network in its present state."""
        return detector_of(self, (self.target_mean, self.target_std), proposer)


def first_network(
    settings: FasterRCNNSettings, backbone: Backbone, class_names: tuple[str, ...], rng: np.random.Generator
) -> tuple[FasterRCNNNetwork, FastRCNN | None]:
    """Return the network as training begins with it, and the detector that its weights are of, if any."""
    network = FasterRCNNNetwork(
        backbone,
        len(class_names),
        settings.anchors,
        rpn_width=settings.rpn.width,
        class_agnostic=settings.class_agnostic,
        roi_pooling=settings.roi_pooling,
        rng=rng,
    )
    freeze_outputs(network, settings.frozen_outputs)
    if settings.start is None:
        return network, None
    first = load_first(settings.start, "fast-rcnn", "faster-rcnn")
    require_alike(network, first, class_names)
    # a Fast R-CNN has no region proposal network: that one stays as it was drawn
    network.load_state_dict(network.state_dict() | first.network.state_dict())
    return network, first


def detector_of(
    trainer: Trainer[Any, Any], units: tuple[Array, Array], proposer: Proposer | None
) -> FasterRCNN:
    """Return a detector with the network of `trainer` in its present state, its boxes in these `units`."""
    settings: FasterRCNNSettings = trainer.settings
    return FasterRCNN(
        trainer.network,
        trainer.backbone.normalization,
        trainer.dataset.class_names,
        proposer,
        *units,
        settings.scale,
        settings.postprocess,
        settings.batch,
        settings.proposing,
    )


def fixed_box_units(num_classes: int) -> tuple[FloatArray, FloatArray]:
    """Return the mean and standard deviation of the box targets, (K+1, 4) each."""
    std = np.tile(np.array(TARGET_STD, np.float32), (num_classes + 1, 1))
    return np.zeros_like(std), std
