"""Training Fast R-CNN: one stage, one loss, two photos and their regions a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minircnn.arrays import Device, to_host
from minircnn.checks import each, file_name, flag, instance, optional, real, require, require_order, whole
from minircnn.detectors import FastRCNN, FastRCNNNetwork, ImageScale, PostprocessSettings, load_detector
from minircnn.nn import multi_task_loss
from minircnn.profiling import stage
from minircnn.proposals import ProposalSettings, Proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.backbone import ALL_CONVOLUTIONS, check_backbone
from minircnn.training.photo_batches import PhotoBatch, PhotoSampler, RoISampling
from minircnn.training.presets import (
    CLASSROOM_SHARE,
    QUICK_PROPOSALS,
    SCENE_PROPOSALS,
    SQUEEZENET,
    shortened,
)
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.regions import RegionRecord
from minircnn.training.run_folder import MODEL_FILE
from minircnn.training.settings import BackboneSettings, GivenProposalsSettings, SolverSettings
from minircnn.training.trainer import Trainer


@dataclass(frozen=True)
class FastRCNNSettings(GivenProposalsSettings):
    """Everything that decides a Fast R-CNN training run."""

    detector = "fast-rcnn"

    postprocess: PostprocessSettings = field(default_factory=lambda: PostprocessSettings(min_score=0.01))
    """How the finished detector turns scores into detections."""
    batch: int = 512
    """The finished detector pools and scores so many regions at once: fewer need less memory."""
    scale: ImageScale = field(default_factory=ImageScale)
    """600 for the shorter side, at most 1000 for the longer one (section 5.2)."""
    training_scales: tuple[int, ...] = ()
    """Shorter sides, one drawn for each photo of a batch (480, 576, 688, 864 and 1200 in section 5.2); empty:
    always `scale`."""
    sampling: RoISampling = field(default_factory=RoISampling)
    solver: SolverSettings = field(default_factory=SolverSettings)
    bbox_loss_weight: float = 1.0
    """λ of equation 1; 1 in the paper."""
    class_agnostic: bool = False
    """One box regression for all classes, which few photos teach better than one for each (the paper's)."""
    keep_maps: bool = False
    """Keep the maps that the first convolutions, up to one that is trained (backbone.frozen), make of the
    photos on disk, in half precision. Where none is trained, all updates but the first of each photo are then
    some ten times faster. They take about a megabyte a photo and orientation."""

    start: str | None = None
    """A trained Fast R-CNN to begin with, file or run's folder, of the same network and classes: its frozen
    layers may be thawed now, at a lower rate. None begins with the backbone's weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", start=optional(file_name))
        require(self, "", scale=instance(ImageScale), sampling=instance(RoISampling))
        require(self, "", solver=instance(SolverSettings))
        require(self, "", training_scales=each(whole(1)), bbox_loss_weight=real(0))
        require(self, "", class_agnostic=flag, keep_maps=flag)
        largest = max(self.training_scales, default=0)
        require_order("training_scales", largest, "scale.max_long_side", self.scale.max_long_side)


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


class FastRCNNTrainer(Trainer[FastRCNNSettings, PhotoBatch]):
    """Makes batches of photos and their regions, and computes the gradients of the multi-task loss."""

    network: FastRCNNNetwork
    first: FastRCNN | None
    """What training begins with."""

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: FastRCNNSettings,
        *,
        device: Device = "cpu",
        map_folder: Path | None = None,
    ) -> None:
        super().__init__(dataset, proposals, settings, device=device)
        sampling = settings.sampling
        if self.first is None:
            self.target_mean, self.target_std = target_statistics(
                self.records,
                len(dataset.class_names),
                sampling.fg_iou,
                class_agnostic=settings.class_agnostic,
            )
        else:  # the units its box regression has learnt
            self.target_mean, self.target_std = (
                to_host(self.first.target_mean),
                to_host(self.first.target_std),
            )
        self.sampler = PhotoSampler(
            self.photo_inputs(settings.keep_maps, map_folder),
            self.records,
            sampling,
            settings.scale,
            settings.training_scales,
            self.flip,
            settings.seed,
        )

    @property
    def solver(self) -> SolverSettings:
        """How the network is updated, and how often."""
        return self.settings.solver

    def make_network(self, num_classes: int, rng: np.random.Generator) -> FastRCNNNetwork:
        """Return the network to train."""
        agnostic = self.settings.class_agnostic
        network = FastRCNNNetwork(self.backbone, num_classes, class_agnostic=agnostic, rng=rng)
        self.first = None if self.settings.start is None else load_first(self.settings.start)
        if self.first is not None:
            _require_alike(network, self.first, self.dataset.class_names)
            network.load_state_dict(self.first.network.state_dict())
        return network

    def make_batch(self, iteration: int) -> PhotoBatch:
        """Draw photos and regions; their targets are normalised per class."""
        batch = self.sampler.draw(iteration, self.state.rng)
        targets = (batch.bbox_targets - self.target_mean[batch.labels]) / self.target_std[batch.labels]
        return dataclasses.replace(batch, bbox_targets=targets)

    def gradients(self, batch: PhotoBatch) -> dict[str, float]:
        """Run `batch` forward and backward; return the losses of equation 1 by name."""
        images, rois, image_index, labels, targets = batch.on(self.network.outputs.cls_score.weight.data)
        with stage("forward"):
            feature_map = self.convolutions(images)  # (N, C, ~H/stride, ~W/stride)
            cls_score, bbox_pred = self.network.forward_from_map(feature_map, rois, image_index)
        loss = stage("loss")(multi_task_loss)(
            cls_score, bbox_pred, labels, targets, lam=self.settings.bbox_loss_weight
        )
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


def load_first(start: str) -> FastRCNN:
    """Return the detector that a training begins with, from its file or the folder of its run.

    Raises
    ------
    OSError, StorageError
        If there is no detector.
    ValueError
        If it is of another kind.
    """
    path = Path(start)
    first = load_detector(path / MODEL_FILE if path.is_dir() else path)
    if not isinstance(first, FastRCNN):
        raise ValueError(f"start must be a Fast R-CNN, {path} holds a detector of the kind {first.name}")
    return first


def _require_alike(network: FastRCNNNetwork, first: FastRCNN, class_names: tuple[str, ...]) -> None:
    """Raise ValueError unless `network` is to be what the detector `first` is."""
    for what, own, theirs in (
        ("classes", list(class_names), list(first.class_names)),
        ("backbone", network.description, first.network.description),
        ("class_agnostic", network.class_agnostic, first.network.class_agnostic),
    ):
        if own != theirs:
            raise ValueError(f"start: its {what} must be as in this training, {own}, got {theirs}")


def check_fast_rcnn(settings: FastRCNNSettings) -> None:
    """Raise where the network of `settings` cannot be built, or what it begins with cannot be read."""
    check_backbone(settings)
    if settings.start is not None:
        load_first(settings.start)


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
