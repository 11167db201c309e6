"""Training Fast R-CNN: one stage, one loss, two photos and their regions a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.detectors import FastRCNN, FastRCNNNetwork, ImageScale, PostprocessSettings
from minircnn.profiling import stage
from minircnn.proposals import ProposalSettings, Proposer
from minircnn.structures import FloatArray
from minircnn.training.backbone import ALL_CONVOLUTIONS, check_backbone
from minircnn.training.photo_batches import PhotoBatch, RoISampling
from minircnn.training.presets import (
    CLASSROOM_SHARE,
    QUICK_PROPOSALS,
    SCENE_PROPOSALS,
    SQUEEZENET,
    shortened,
)
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.regions import RegionRecord
from minircnn.training.settings import BackboneSettings, GivenProposalsSettings, SolverSettings
from minircnn.training.shared_map import (
    SharedMapSettings,
    SharedMapTrainer,
    freeze_outputs,
    load_first,
    require_alike,
)


@dataclass(frozen=True)
class FastRCNNSettings(SharedMapSettings, GivenProposalsSettings):
    """Everything that decides a Fast R-CNN training run."""

    detector = "fast-rcnn"


def target_statistics(
    records: Sequence[RegionRecord], num_classes: int, fg_iou: float, *, class_agnostic: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of the box targets of every class, each (K+1, 4).

    Over all regions with IoU ≥ `fg_iou`, ground truth included, as in the released code. A class with fewer
    than ten such regions takes the statistics of all classes together: its own would be noise, or zero. So do
    all where one regression serves them (`class_agnostic`).
    """
    chosen = [record.best_iou >= fg_iou for record in records]
    targets = np.concatenate([r.targets(c) for r, c in zip(records, chosen, strict=True)]).astype(np.float64)
    labels = np.concatenate([r.labels[c] for r, c in zip(records, chosen, strict=True)])
    mean = np.tile(targets.mean(axis=0), (num_classes + 1, 1))
    # Regions that all equal their object have no spread to normalise by: 1 leaves their zeros alone.
    spread = targets.std(axis=0)
    std = np.tile(np.where(spread > 1e-6, spread, 1.0), (num_classes + 1, 1))
    for label in () if class_agnostic else range(1, num_classes + 1):
        own = targets[labels == label]
        if len(own) >= 10 and (own.std(axis=0) > 1e-6).all():
            mean[label], std[label] = own.mean(axis=0), own.std(axis=0)
    return mean.astype(np.float32), std.astype(np.float32)


class FastRCNNTrainer(SharedMapTrainer[SharedMapSettings, PhotoBatch]):
    """Makes batches of photos and their regions, and computes the gradients of the multi-task loss."""

    network: FastRCNNNetwork

    def make_network(self, num_classes: int, rng: np.random.Generator) -> FastRCNNNetwork:
        """Return the network to train."""
        settings = self.settings
        network = FastRCNNNetwork(
            self.backbone,
            num_classes,
            class_agnostic=settings.class_agnostic,
            roi_pooling=settings.roi_pooling,
            rng=rng,
        )
        self.first = None if settings.start is None else load_first(settings.start, "fast-rcnn")
        if self.first is not None:
            require_alike(network, self.first, self.dataset.class_names)
            network.load_state_dict(self.first.network.state_dict())
        freeze_outputs(network, settings.frozen_outputs)
        return network

    def new_box_units(self) -> tuple[FloatArray, FloatArray]:
        """Return the statistics of the regions that are close to an object."""
        classes, settings = len(self.dataset.class_names), self.settings
        return target_statistics(
            self.records, classes, settings.sampling.fg_iou, class_agnostic=settings.class_agnostic
        )

    def make_batch(self, iteration: int, rng: np.random.Generator | None = None) -> PhotoBatch:
        """Draw photos and regions; their targets are normalised per class."""
        batch = self.sampler.draw(iteration, rng or self.state.rng)
        targets = (batch.bbox_targets - self.target_mean[batch.labels]) / self.target_std[batch.labels]
        return dataclasses.replace(batch, bbox_targets=targets)

    def gradients(self, batch: PhotoBatch) -> dict[str, float]:
        """Run `batch` forward and backward; return the losses of equation 1 by name."""
        images, rois, image_index, labels, targets = batch.on(self.network.outputs.cls_score.weight.data)
        with stage("forward"):
            feature_map = self.convolutions(images)  # (N, C, ~H/stride, ~W/stride)
            cls_score, bbox_pred = self.network.forward_from_map(feature_map, rois, image_index)
        self.batches.begin_next(self.make_batch)
        loss = self.region_loss(cls_score, bbox_pred, labels, targets)
        stage("backward")(self.network.backward)(loss.d_cls_score, loss.d_bbox_pred)
        return {"loss": loss.total, "classification": loss.classification, "localisation": loss.localisation}

    def make_detector(self, proposer: Proposer | None) -> FastRCNN:
        """Return a detector with the network in its present state."""
        return FastRCNN(
            self.network,
            self.backbone.normalization,
            self.dataset.class_names,
            proposer,
            self.target_mean,
            self.target_std,
            self.settings.scale,
            self.settings.postprocess,
            self.settings.batch,
        )


def check_fast_rcnn(settings: FastRCNNSettings) -> None:
    """Raise where the network of `settings` cannot be built, or what it begins with cannot be read."""
    check_backbone(settings)
    if settings.start is not None:
        load_first(settings.start, "fast-rcnn")


def train_fast_rcnn(job: TrainingJob[FastRCNNSettings]) -> FastRCNN:
    """Train one network with one loss."""
    trainer = FastRCNNTrainer(
        job.dataset, job.proposals, job.settings, device=job.device, map_folder=job.map_folder
    )
    trainer.train(job.loop)
    detector: FastRCNN = trainer.detector(job.proposer)
    return detector


# From random weights the digits of two photos are too few to learn from at a time: half of the regions are
# foreground, and they come from four photos.
_SCENES = FastRCNNSettings(
    proposals=SCENE_PROPOSALS,
    scale=ImageScale(short_side=None),
    sampling=RoISampling(images=4, rois_per_image=32, fg_fraction=0.5),
    solver=SolverSettings(iterations=1200, learning_rate=0.03, step=850, clip_norm=10.0),
)

FAST_RCNN_PRESETS: dict[str, FastRCNNSettings] = {
    "paper": FastRCNNSettings(backbone=BackboneSettings("vgg16")),
    "pretrained": FastRCNNSettings(
        backbone=dataclasses.replace(SQUEEZENET, widths=(448,), roi_size=3, frozen=(ALL_CONVOLUTIONS,)),
        proposals=ProposalSettings(limit=1000),
        postprocess=PostprocessSettings(min_score=0.01, vote_iou=0.5),
        scale=ImageScale(short_side=448, max_long_side=896),
        solver=SolverSettings(iterations=20_000, learning_rate=0.02, step=14_000, clip_norm=1.0),
        class_agnostic=True,
        keep_maps=True,
    ),
    "small": FastRCNNSettings(
        proposals=ProposalSettings(),
        scale=ImageScale(short_side=320, max_long_side=512),
        sampling=RoISampling(fg_fraction=0.5),
        solver=SolverSettings(iterations=1500, learning_rate=0.02, step=1100, clip_norm=10.0),
    ),
    "scenes": _SCENES,
    "classroom": dataclasses.replace(_SCENES, solver=shortened(_SCENES.solver, CLASSROOM_SHARE)),
    "scenes-quick": dataclasses.replace(
        _SCENES,
        proposals=QUICK_PROPOSALS,
        solver=dataclasses.replace(_SCENES.solver, iterations=180, step=140),
    ),
}

add_recipe(
    Recipe(
        "fast-rcnn",
        FastRCNNSettings,
        FAST_RCNN_PRESETS,
        train_fast_rcnn,
        """Train Fast R-CNN: one network, one loss, one stage.

        Proposals are computed first and kept. Then every step takes two photos and 64 regions of each: the
        photo is convolved once, each region is pooled from the feature map, and two sibling layers say what
        it is and how its box should move. Ctrl-C stops after the step at hand and writes a checkpoint.
        """,
        check_fast_rcnn,
        trainer=FastRCNNTrainer,
    )
)
