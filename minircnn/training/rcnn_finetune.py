"""R-CNN, stage 1: the CNN is fine-tuned as a (K+1)-way classifier of warped regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minircnn.arrays import Device, like
from minircnn.boxes import sample_rcnn
from minircnn.detectors import RCNNNetwork, WarpSettings
from minircnn.imaging import warp_regions
from minircnn.nn import softmax_cross_entropy
from minircnn.profiling import stage
from minircnn.structures import DetectionDataset, FloatArray, IntArray
from minircnn.training.backbone import make_backbone
from minircnn.training.checkpoint import start_training
from minircnn.training.configs import as_json
from minircnn.training.loop import LoopSettings, train_loop
from minircnn.training.rcnn_settings import RCNNSettings
from minircnn.training.regions import PhotoReader, region_records


def warp_settings(settings: RCNNSettings, crop_size: int) -> WarpSettings:
    """Return the warp of `settings`; `crop_size` is the backbone's own."""
    size = settings.crop_size or crop_size
    # 16 of 227 pixels in the paper; other crops keep the proportion
    context = round(16 * size / 227) if settings.context is None else settings.context
    return WarpSettings(crop_size=size, context=context, crop_batch=settings.crop_batch)


class FineTuner:
    """Makes batches of warped regions and computes the gradients of one step.

    Parameters
    ----------
    dataset : DetectionDataset
    proposals : sequence of (R, 4) arrays
        Candidate boxes of every photo, in pixels.
    settings : RCNNSettings
    device : {"cpu", "cuda"}
    """

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: RCNNSettings,
        *,
        device: Device = "cpu",
    ) -> None:
        self.dataset, self.settings = dataset, settings
        self.photos = PhotoReader(dataset)
        self.records = region_records(dataset, proposals)
        rng = np.random.default_rng(settings.seed)
        self.backbone = make_backbone(settings.backbone, rng)
        self.warp = warp_settings(settings, self.backbone.crop_size)
        self.network = RCNNNetwork(self.backbone, len(dataset.class_names), rng=rng)
        self.state = start_training(self.network, settings.fine_tune.solver, rng, device)
        # One long list of all regions of all photos: a crop is drawn uniformly from it.
        self.photo_of_region = np.repeat(np.arange(len(self.records)), [len(r) for r in self.records])
        self.row_of_region = np.concatenate([np.arange(len(r)) for r in self.records])
        self.is_foreground = np.concatenate([r.best_iou for r in self.records]) >= settings.fine_tune.fg_iou

    def step(self, iteration: int) -> dict[str, float]:
        """Compute the loss of a fresh batch and add its gradients to the parameters."""
        with stage("make batch"):
            crops, labels = self.make_batch()
        weight = self.network.fc8.weight.data
        with stage("forward"):
            logits = self.network.forward(like(crops, weight))
        with stage("loss"):
            loss, d_logits = softmax_cross_entropy(logits, like(labels, weight))
        with stage("backward"):
            self.network.backward(d_logits)
        return {"loss": loss}

    def make_batch(self) -> tuple[FloatArray, IntArray]:
        """Draw regions and return their normalised crops (B, 3, S, S) and labels (B,)."""
        stage, rng = self.settings.fine_tune, self.state.rng
        sample = sample_rcnn(
            self.is_foreground, num_foreground=stage.foreground, num_background=stage.background, rng=rng
        )
        chosen = sample.indices
        photo, row = self.photo_of_region[chosen], self.row_of_region[chosen]
        mirrored = rng.random(len(chosen)) < (0.5 if self.settings.flip and self.dataset.flippable else 0.0)
        crops = np.empty((len(chosen), self.warp.crop_size, self.warp.crop_size, 3), dtype=np.float32)
        labels = np.zeros(len(chosen), dtype=np.int64)
        for index in np.unique(photo):
            here = photo == index
            record = self.records[index]
            crops[here] = warp_regions(
                self.photos.read(int(index)),
                record.boxes[row[here]],
                self.warp.crop_size,
                context=self.warp.context,
                fill=self.backbone.normalization.fill,
            )
            labels[here] = record.labels[row[here]]
        labels[len(sample.foreground) :] = 0
        crops[mirrored] = crops[mirrored][:, :, ::-1]
        return self.backbone.normalization.apply(crops), labels


def fine_tune(tuner: FineTuner, loop: LoopSettings) -> None:
    """Train to the last iteration of the tuner's settings; see :func:`train_loop` for what is raised."""
    with stage("fine-tuning"):
        train_loop(
            tuner.step,
            tuner.state,
            solver=tuner.settings.fine_tune.solver,
            loop=loop,
            settings=as_json(tuner.settings),
        )
