"""Training Fast R-CNN: one stage, one loss, two photos and their regions a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Device, like
from minircnn.boxes import flip_boxes, sample_fast_rcnn
from minircnn.detectors import FastRCNN, FastRCNNNetwork, ImageScale, PostprocessSettings
from minircnn.nn import multi_task_loss
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import BoolArray, DetectionDataset, FloatArray, IntArray
from minircnn.training.backbone import make_backbone
from minircnn.training.checkpoint import start_training
from minircnn.training.configs import as_json
from minircnn.training.fast_rcnn_settings import FastRCNNSettings, RoISampling
from minircnn.training.loop import LoopSettings, train_loop
from minircnn.training.regions import PhotoReader, RegionRecord, epoch_order, region_records


@dataclass(frozen=True)
class Batch:
    """What one step sees.

    Parameters
    ----------
    images : (N, 3, H, W) float32 array
        Normalised photos, the smaller ones padded with zeros (the mean colour) at the right and bottom.
    rois : (R, 4) float32 array
        In pixels of `images`.
    image_index, labels : (R,) int arrays
    bbox_targets : (R, 4) float32 array
        Normalised offsets; used where the label is not 0.
    """

    images: FloatArray
    rois: FloatArray
    image_index: IntArray
    labels: IntArray
    bbox_targets: FloatArray


def target_statistics(
    records: Sequence[RegionRecord], num_classes: int, fg_iou: float
) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of the box targets of every class, each (K+1, 4).

    Over all regions with IoU ≥ `fg_iou`, ground truth included, as in the released code. A class with fewer
    than ten such regions takes the statistics of all classes together: its own would be noise, or zero.
    """
    chosen = [record.best_iou >= fg_iou for record in records]
    targets = np.concatenate([r.targets[c] for r, c in zip(records, chosen, strict=True)]).astype(np.float64)
    labels = np.concatenate([r.labels[c] for r, c in zip(records, chosen, strict=True)])
    mean = np.tile(targets.mean(axis=0), (num_classes + 1, 1))
    # Regions that all equal their object have no spread to normalise by: 1 leaves their zeros alone.
    spread = targets.std(axis=0)
    std = np.tile(np.where(spread > 1e-6, spread, 1.0), (num_classes + 1, 1))
    for label in range(1, num_classes + 1):
        own = targets[labels == label]
        if len(own) >= 10 and (own.std(axis=0) > 1e-6).all():
            mean[label], std[label] = own.mean(axis=0), own.std(axis=0)
    return mean.astype(np.float32), std.astype(np.float32)


class FastRCNNTrainer:
    """Makes batches and computes the gradients of one step.

    Parameters
    ----------
    dataset : DetectionDataset
    proposals : sequence of (R, 4) arrays
        Candidate boxes of every photo, in pixels.
    settings : FastRCNNSettings
    device : {"cpu", "cuda"}
    """

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: FastRCNNSettings,
        *,
        device: Device = "cpu",
    ) -> None:
        self.dataset, self.settings = dataset, settings
        self.photos = PhotoReader(dataset)
        self.records = region_records(dataset, proposals)
        self.usable = np.array([i for i, record in enumerate(self.records) if len(record)])
        num_classes = len(dataset.class_names)
        self.target_mean, self.target_std = target_statistics(
            self.records, num_classes, settings.sampling.fg_iou
        )
        rng = np.random.default_rng(settings.seed)
        self.backbone = make_backbone(settings.backbone, rng)
        self.network = FastRCNNNetwork(self.backbone, num_classes, rng=rng)
        self.state = start_training(self.network, settings.solver, rng, device)

    def step(self, iteration: int) -> dict[str, float]:
        """Compute the losses of a fresh batch and add their gradients to the parameters."""
        with stage("make batch"):
            batch = self.make_batch(iteration)
        return self.gradients(batch)

    def gradients(self, batch: Batch) -> dict[str, float]:
        """Run `batch` forward and backward; return the losses of equation 1 by name."""
        weight = self.network.outputs.cls_score.weight.data
        with stage("forward"):
            cls_score, bbox_pred = self.network.forward_regions(
                like(batch.images, weight), like(batch.rois, weight), like(batch.image_index, weight)
            )
        with stage("loss"):
            loss = multi_task_loss(
                cls_score,
                bbox_pred,
                like(batch.labels, weight),
                like(batch.bbox_targets, weight),
                lam=self.settings.bbox_loss_weight,
            )
        with stage("backward"):
            self.network.backward_regions(loss.d_cls_score, loss.d_bbox_pred)
        return {"loss": loss.total, "classification": loss.classification, "localisation": loss.localisation}

    def make_batch(self, iteration: int) -> Batch:
        """Draw the photos and regions of `iteration`."""
        sampling, rng = self.settings.sampling, self.state.rng
        photos, rois, labels, targets = [], [], [], []
        for index in self._photo_indices(iteration):
            record = self.records[index]
            flip = self.settings.flip and self.dataset.flippable and rng.random() < 0.5
            chosen, is_foreground = draw_regions(record, sampling, rng)
            image, factor = self._draw_scale().apply(self.photos.read(index))
            boxes, offsets = record.boxes[chosen], record.targets[chosen]
            if flip:
                # mirrored regions keep their IoU; only the horizontal offset changes sign
                image, boxes = image[:, ::-1], flip_boxes(boxes, record.width)
                offsets = offsets * np.array([-1, 1, 1, 1], np.float32)
            photos.append(self.backbone.normalization.apply(image)[0])  # (3, h, w)
            rois.append(boxes * np.float32(factor))
            label = np.where(is_foreground, record.labels[chosen], 0)
            labels.append(label)
            targets.append((offsets - self.target_mean[label]) / self.target_std[label])
        return Batch(
            _pad_together(photos),
            np.concatenate(rois),
            np.repeat(np.arange(len(rois)), [len(r) for r in rois]),
            np.concatenate(labels),
            np.concatenate(targets),
        )

    def _draw_scale(self) -> ImageScale:
        """Return the scale of the next photo of a batch."""
        sides, scale = self.settings.training_scales, self.settings.scale
        if not sides:
            return scale
        return dataclasses.replace(scale, short_side=int(self.state.rng.choice(sides)))

    def _photo_indices(self, iteration: int) -> list[int]:
        """Return the photos of `iteration`: an epoch visits each once, those without regions excepted."""
        start = iteration * self.settings.sampling.images
        indices = []
        for position in range(start, start + self.settings.sampling.images):
            epoch, place = divmod(position, len(self.usable))
            order = epoch_order(self.settings.seed, epoch, len(self.usable))
            indices.append(int(self.usable[order[place]]))
        return indices

    def detector(self, proposer: Proposer) -> FastRCNN:
        """Return the detector in its present state of training."""
        settings = self.settings
        return FastRCNN(
            self.network,
            self.backbone.normalization,
            self.dataset.class_names,
            proposer,
            self.target_mean,
            self.target_std,
            settings.scale,
            PostprocessSettings(min_score=settings.min_score, nms_iou=settings.nms_iou),
            settings.region_batch,
        )


def draw_regions(
    record: RegionRecord, sampling: RoISampling, rng: np.random.Generator
) -> tuple[IntArray, BoolArray]:
    """Draw the regions of one photo; return their indices and which are foreground.

    A photo that has neither foreground nor background in the wanted range of IoU gives background of any
    lower IoU instead, so that no photo with proposals is ever lost.
    """
    for low in (sampling.bg_iou_low, 0.0):
        sample = sample_fast_rcnn(
            record.best_iou,
            num_rois=sampling.rois_per_image,
            fg_fraction=sampling.fg_fraction,
            fg_iou=sampling.fg_iou,
            bg_iou=(low, sampling.bg_iou_high),
            rng=rng,
        )
        if len(sample):
            break
    return sample.indices, np.arange(len(sample)) < len(sample.foreground)


def train_fast_rcnn(trainer: FastRCNNTrainer, loop: LoopSettings) -> None:
    """Train to the last iteration of the trainer's settings; see :func:`train_loop` for what is raised."""
    with stage("training"):
        train_loop(
            trainer.step,
            trainer.state,
            solver=trainer.settings.solver,
            loop=loop,
            settings=as_json(trainer.settings),
        )


def _pad_together(photos: list[FloatArray]) -> FloatArray:
    """Stack photos (3, h, w) of different sizes into one (N, 3, H, W) array, padded with zeros.

    Channels are last in memory, as in the photos and as convolution wants them.
    """
    height, width = (max(photo.shape[axis] for photo in photos) for axis in (1, 2))
    batch = np.zeros((len(photos), height, width, 3), dtype=np.float32).transpose(0, 3, 1, 2)
    for place, photo in zip(batch, photos, strict=True):
        place[:, : photo.shape[1], : photo.shape[2]] = photo
    return batch
