"""Training R-CNN: four parts, made one after the other (section 2.3).

The CNN is fine-tuned as a (K+1)-way classifier of warped regions; its features of every region are kept on
disk; one linear SVM per class is trained on them; one ridge regression per class learns to move boxes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

import numpy as np

from minircnn.arrays import Device, like
from minircnn.backbones import Backbone
from minircnn.boxes import sample_rcnn
from minircnn.checks import instance, one_of, optional, real, require, require_order, whole
from minircnn.detectors import RCNN, RCNNNetwork, WarpSettings
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.imaging import WarpMode
from minircnn.profiling import stage
from minircnn.proposals import ProposalSettings, Proposer
from minircnn.structures import DetectionDataset, FloatArray, IntArray
from minircnn.training.backbone import check_backbone
from minircnn.training.linear_parts import LinearPartsSettings, classification_gradients, train_in_parts
from minircnn.training.presets import (
    CLASSROOM_SHARE,
    QUICK_PROPOSALS,
    SCENE_PROPOSALS,
    SQUEEZENET,
    shortened,
)
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.settings import BackboneSettings, SolverSettings
from minircnn.training.trainer import Trainer


@dataclass(frozen=True)
class FineTuneSettings:
    """The CNN trained as a (K+1)-way classifier of warped regions (section 2.3, appendix B)."""

    foreground: int = 32
    """Crops of objects per step (32), drawn uniformly over all photos and classes."""
    background: int = 96
    """Other crops per step (96)."""
    fg_iou: float = 0.5
    """Least IoU of a foreground crop with an object (0.5); all others are background."""
    solver: SolverSettings = field(default_factory=lambda: SolverSettings(iterations=70_000, step=20_000))
    """0.001, a tenth of the rate of pre-training, times 0.1 every 20,000 steps."""

    def __post_init__(self) -> None:
        require(self, "fine_tune", foreground=whole(1), background=whole(0), solver=instance(SolverSettings))
        require(self, "fine_tune", fg_iou=real(0, 1, above=True))


@dataclass(frozen=True)
class RCNNSettings(LinearPartsSettings):
    """Everything that decides an R-CNN training run."""

    detector = "rcnn"

    crop_size: int | None = None
    """Side of the warped crop; None takes the backbone's own (227 for AlexNet, 224 for VGG16)."""
    context: int | None = None
    """Pixels of surroundings in the crop; None takes 16 of 227, in proportion to the crop."""
    crop_mode: WarpMode = "warp"
    """``warp`` stretches a region to the square crop (appendix A); ``square_with_context`` cuts the tightest
    square about it; ``square_without_context`` blanks what lies beside the region there; ``unscaled`` takes
    the photo's own pixels."""
    fine_tune: FineTuneSettings = field(default_factory=FineTuneSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", crop_size=optional(whole(1)), context=optional(whole(0)))
        require(self, "", fine_tune=instance(FineTuneSettings), crop_mode=one_of(*get_args(WarpMode)))
        if self.crop_size is not None and self.context is not None:
            require_order("2 * context", 2 * self.context, "crop_size", self.crop_size, below=True)


class Crops(NamedTuple):
    """What one step of fine-tuning sees."""

    pixels: FloatArray
    """(B, 3, S, S) float32, normalised."""
    labels: IntArray
    """(B,), 0 for background."""


class RCNNTrainer(Trainer[RCNNSettings, Crops]):
    """Makes batches of warped regions and computes the gradients of their classification."""

    work = "fine-tuning"
    # each crop may come from another photo: decoding them took a tenth to a fifth of a step
    photo_bytes = 1 << 30
    network: RCNNNetwork

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: RCNNSettings,
        *,
        device: Device = "cpu",
    ) -> None:
        super().__init__(dataset, proposals, settings, device=device)
        self.warping = warping_of(settings, self.backbone)
        # One long list of all regions of all photos, photo i's from first[i] on: a crop is drawn uniformly.
        self.first = np.cumsum([0, *(len(r) for r in self.records)])
        self.is_foreground = np.concatenate([r.best_iou for r in self.records]) >= settings.fine_tune.fg_iou

    @property
    def solver(self) -> SolverSettings:
        """How the network is updated, and how often."""
        return self.settings.fine_tune.solver

    @property
    def photos_per_step(self) -> int:
        """Each crop may come from another photo."""
        return self.settings.fine_tune.foreground + self.settings.fine_tune.background

    def make_network(self, num_classes: int, rng: np.random.Generator) -> RCNNNetwork:
        """Return the network to train."""
        return RCNNNetwork(self.backbone, num_classes, rng=rng)

    def places(self, regions: IntArray) -> tuple[IntArray, IntArray]:
        """Return the photo of each region (R,) of the long list, and its row in that photo's record."""
        photo = np.searchsorted(self.first, regions, side="right") - 1
        return photo, regions - self.first[photo]

    def make_batch(self, iteration: int, rng: np.random.Generator | None = None) -> Crops:
        """Draw regions of all photos; warp them."""
        tuning, rng = self.settings.fine_tune, rng or self.state.rng
        sample = sample_rcnn(
            self.is_foreground, num_foreground=tuning.foreground, num_background=tuning.background, rng=rng
        )
        chosen = sample.indices
        photo, row = self.places(chosen)
        mirrored = rng.random(len(chosen)) < (0.5 if self.flip else 0.0)
        size = self.warping.crop_size
        crops = np.empty((len(chosen), size, size, 3), dtype=np.float32)
        labels = np.zeros(len(chosen), dtype=np.int64)
        for index in np.unique(photo):
            here = photo == index
            record = self.records[index]
            crops[here] = self.warping.apply(
                self.photos.read(int(index)), record.boxes[row[here]], self.backbone.normalization.fill
            )
            labels[here] = record.labels[row[here]]
        labels[len(sample.foreground) :] = 0
        crops[mirrored] = crops[mirrored][:, :, ::-1]
        return Crops(self.backbone.normalization.apply(crops), labels)

    def gradients(self, batch: Crops) -> dict[str, float]:
        """Run `batch` forward and backward; return the loss."""
        crops, labels = (like(part, self.network.fc8.weight.data) for part in batch)
        logits = stage("forward")(self.network.logits)(crops)
        self.batches.begin_next(self.make_batch)
        return classification_gradients(self.network, logits, labels)

    def make_detector(self, proposer: Proposer | None) -> RCNN:
        """Return a detector with the network in its present state; SVMs and regressors know nothing yet."""
        classes, dim = len(self.dataset.class_names), self.backbone.feature_dim
        return RCNN(
            self.network,
            self.backbone.normalization,
            self.dataset.class_names,
            proposer,
            LinearSVMs.none(classes, dim),
            BoxRegressors.none(classes),
            self.warping,
            self.settings.postprocess,
            self.settings.batch,
        )


def warping_of(settings: RCNNSettings, backbone: Backbone) -> WarpSettings:
    """Return how regions become crops: as `settings` say, or as `backbone` wants them."""
    size = settings.crop_size or backbone.crop_size
    # 16 of 227 pixels in the paper; other crops keep the proportion
    context = round(16 * size / 227) if settings.context is None else settings.context
    return WarpSettings(size, context, settings.crop_mode)


def check_rcnn(settings: RCNNSettings) -> None:
    """Raise where the network of `settings` cannot be built, or does not take their crops.

    Raises
    ------
    ValueError
        Naming the size of the crop.
    """
    backbone = check_backbone(settings)
    size = warping_of(settings, backbone).crop_size
    backbone.eval()
    try:  # in a context of its own, as this is no part of the training that a profile counts
        Context().run(backbone.forward, np.zeros((1, 3, size, size), np.float32))
    except Exception as error:  # each layer says in its own way that its input has another size
        raise ValueError(
            f"crop_size {size} does not fit {backbone.name}, whose crops have {backbone.crop_size}"
        ) from error


def train_rcnn(job: TrainingJob[RCNNSettings]) -> RCNN:
    """Make the four parts one after the other: the CNN, its features, the SVMs, the box regressions."""
    trainer = RCNNTrainer(job.dataset, job.proposals, job.settings, device=job.device)
    detector: RCNN = train_in_parts(trainer, job)
    return detector


_SCENES = RCNNSettings(
    proposals=SCENE_PROPOSALS,
    fine_tune=FineTuneSettings(
        solver=SolverSettings(iterations=450, learning_rate=0.03, step=340, clip_norm=10.0)
    ),
)

RCNN_PRESETS: dict[str, RCNNSettings] = {
    "paper": RCNNSettings(backbone=BackboneSettings("alexnet")),
    "pretrained": RCNNSettings(
        backbone=SQUEEZENET,
        proposals=ProposalSettings(limit=700),
        crop_size=112,
        fine_tune=FineTuneSettings(
            solver=SolverSettings(iterations=120, learning_rate=0.001, step=90, clip_norm=10.0)
        ),
    ),
    "small": RCNNSettings(
        proposals=ProposalSettings(limit=1000),
        fine_tune=FineTuneSettings(
            solver=SolverSettings(iterations=600, learning_rate=0.02, step=450, clip_norm=10.0)
        ),
    ),
    "scenes": _SCENES,
    "classroom": dataclasses.replace(
        _SCENES, fine_tune=FineTuneSettings(solver=shortened(_SCENES.fine_tune.solver, CLASSROOM_SHARE))
    ),
    "scenes-quick": dataclasses.replace(
        _SCENES,
        proposals=QUICK_PROPOSALS,
        fine_tune=FineTuneSettings(
            solver=dataclasses.replace(_SCENES.fine_tune.solver, iterations=100, step=75)
        ),
    ),
}

add_recipe(
    Recipe(
        "rcnn",
        RCNNSettings,
        RCNN_PRESETS,
        train_rcnn,
        """Train R-CNN: four parts, made one after the other.

        The CNN learns to classify warped regions; its features of every region are kept on disk (the size is
        announced first); one linear SVM per class is trained on them with hard negative mining; one ridge
        regression per class learns to move boxes. Ctrl-C while the CNN trains writes a checkpoint.
        """,
        check_rcnn,
        validates=False,  # SVMs are fitted to the network when it is done
        trainer=RCNNTrainer,
    )
)
