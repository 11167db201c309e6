"""Training SPP-net: fully connected layers fine-tuned on pyramids, then SVMs and box regressions (section 4).

Back-propagation through the pyramid would be slow with the original code, so the convolutional layers stay as
they were pre-trained. Where no pre-trained weights are given they are trained too: frozen random ones would
stay random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minircnn.arrays import Device
from minircnn.checks import each, flag, instance, require, whole
from minircnn.detectors import PostprocessSettings
from minircnn.detectors.sppnet import LEVELS, MAX_LEVEL, MAX_LONG_SIDE, SPPNet, SPPNetNetwork, image_scales
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.profiling import stage
from minircnn.proposals import ProposalSettings, Proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.backbone import check_backbone
from minircnn.training.box_regression import BoxRegressionSettings
from minircnn.training.linear_parts import LinearPartsSettings, classification_gradients, train_in_parts
from minircnn.training.photo_batches import PhotoBatch, PhotoSampler, RoISampling
from minircnn.training.presets import CLASSROOM_SHARE, QUICK_PROPOSALS, SCENE_PROPOSALS, shortened
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.settings import BackboneSettings, SolverSettings
from minircnn.training.svms import SVMSettings
from minircnn.training.trainer import Trainer


@dataclass(frozen=True)
class SPPNetSettings(LinearPartsSettings):
    """Everything that decides an SPP-net training run."""

    detector = "sppnet"

    postprocess: PostprocessSettings = field(default_factory=lambda: PostprocessSettings(min_score=-1.5))
    """How the finished detector turns scores into detections (−1.5 in the released code)."""
    batch: int = 512
    """The finished detector judges so many regions at once: fewer need less memory."""
    levels: tuple[int, ...] = LEVELS
    """Bins along each side of every level of the pyramid (1, 2, 3 and 6: 50 bins)."""
    scales: tuple[int, ...] = (688,)
    """Shorter sides: 688 alone, or 480, 576, 688, 864 and 1200, of which each region takes its own when
    detecting, and each photo a random one in training; empty: the photo's own size."""
    target_side: int = 224
    """A region takes the scale at which it holds nearest to this number of pixels squared (224)."""
    sampling: RoISampling = field(default_factory=RoISampling)
    """A quarter foreground, background of IoU in [0.1, 0.5)."""
    solver: SolverSettings = field(
        default_factory=lambda: SolverSettings(iterations=300_000, learning_rate=1e-4, step=250_000)
    )
    """250,000 updates at 0.0001 and 50,000 at a tenth of it."""
    keep_maps: bool = False
    """Keep the maps that the first convolutions, up to one that is trained (backbone.frozen), make of the
    photos on disk, in half precision. Where none is trained, all updates but the first of each photo are then
    some ten times faster. They take about a megabyte a photo and orientation."""
    svm: SVMSettings = field(default_factory=lambda: SVMSettings(duplicate_iou=0.7))
    """As R-CNN's, without negatives that overlap another by more than 0.7."""
    box_regression: BoxRegressionSettings = field(
        default_factory=lambda: BoxRegressionSettings(regularization=4000.0, min_iou=0.5)
    )
    """From regions of IoU above 0.5; λ is 4000 in the released code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", target_side=whole(1), levels=each(whole(1, MAX_LEVEL), least=1))
        require(self, "", scales=each(whole(1, MAX_LONG_SIDE)), keep_maps=flag)
        require(self, "", sampling=instance(RoISampling), solver=instance(SolverSettings))


class SPPNetTrainer(Trainer[SPPNetSettings, PhotoBatch]):
    """Makes batches of photos and their regions, and computes the gradients of their classification."""

    work = "fine-tuning"
    network: SPPNetNetwork

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: SPPNetSettings,
        *,
        device: Device = "cpu",
        map_folder: Path | None = None,
    ) -> None:
        super().__init__(dataset, proposals, settings, device=device)
        self.sampler = PhotoSampler(
            self.photo_inputs(settings.keep_maps, map_folder),
            self.records,
            settings.sampling,
            image_scales(settings.scales)[0],
            settings.scales,
            self.flip,
            settings.seed,
        )

    @property
    def solver(self) -> SolverSettings:
        """How the network is updated, and how often."""
        return self.settings.solver

    def make_network(self, num_classes: int, rng: np.random.Generator) -> SPPNetNetwork:
        """Return the network to train; pre-trained convolutional layers stay as they are."""
        network = SPPNetNetwork(self.backbone, num_classes, levels=self.settings.levels, rng=rng)
        chosen = self.settings.backbone
        if chosen.weights and chosen.frozen is None:
            network.features.freeze()
        for name, layer in network.head.children():  # of the backbone's head these names were frozen in vain
            if name in (chosen.frozen or ()):
                layer.freeze()
        return network

    def make_batch(self, iteration: int, rng: np.random.Generator | None = None) -> PhotoBatch:
        """Draw photos and regions."""
        return self.sampler.draw(iteration, rng or self.state.rng)

    def gradients(self, batch: PhotoBatch) -> dict[str, float]:
        """Run `batch` forward and backward; return the loss."""
        images, rois, image_index, labels, _ = batch.on(self.network.fc8.weight.data)
        with stage("forward"):
            logits = self.network.logits_from_map(self.convolutions(images), rois, image_index)
        self.batches.begin_next(self.make_batch)
        return classification_gradients(self.network, logits, labels)

    def make_detector(self, proposer: Proposer | None) -> SPPNet:
        """Return a detector with the network in its present state; SVMs and regressors know nothing yet."""
        classes, dim = len(self.dataset.class_names), self.backbone.feature_dim
        return SPPNet(
            self.network,
            self.backbone.normalization,
            self.dataset.class_names,
            proposer,
            LinearSVMs.none(classes, dim),
            BoxRegressors.none(classes),
            self.settings.scales,
            self.settings.target_side,
            self.settings.postprocess,
            self.settings.batch,
        )


def check_sppnet(settings: SPPNetSettings) -> SPPNetNetwork:
    """Raise where the network of `settings` cannot be built; else return it, untrained."""
    return SPPNetNetwork(check_backbone(settings), 2, levels=settings.levels)


def train_sppnet(job: TrainingJob[SPPNetSettings]) -> SPPNet:
    """Make the four parts one after the other: the network, its features, the SVMs, the box regressions."""
    trainer = SPPNetTrainer(
        job.dataset, job.proposals, job.settings, device=job.device, map_folder=job.map_folder
    )
    detector: SPPNet = train_in_parts(trainer, job)
    return detector


# From random weights the digits of two photos are too few to learn from at a time, and without a box loss
# each photo must give more regions than Fast R-CNN's. Chosen on the validation scenes.
_SCENES = SPPNetSettings(
    proposals=SCENE_PROPOSALS,
    scales=(),
    sampling=RoISampling(images=4, rois_per_image=64, fg_fraction=0.5),
    solver=SolverSettings(iterations=1000, learning_rate=0.03, step=750, clip_norm=10.0),
)

SPPNET_PRESETS: dict[str, SPPNetSettings] = {
    "paper": SPPNetSettings(backbone=BackboneSettings("alexnet")),
    "pretrained": SPPNetSettings(
        backbone=BackboneSettings("vgg16"),
        proposals=ProposalSettings(limit=1000),
        scales=(400,),
        solver=SolverSettings(iterations=1000, learning_rate=0.001, step=750, clip_norm=10.0),
    ),
    "small": SPPNetSettings(
        proposals=ProposalSettings(limit=1000),
        scales=(320,),
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
        "sppnet",
        SPPNetSettings,
        SPPNET_PRESETS,
        train_sppnet,
        """Train SPP-net: one pass over each photo, four parts.

        Every region is pooled from the photo's feature map into a pyramid of 50 bins. The fully connected
        layers learn to classify these (without pre-trained weights the convolutional layers too); their
        features of every region are kept on disk; one linear SVM and one ridge regression per class are
        fitted to them. Ctrl-C while the network trains writes a checkpoint.
        """,
        check_sppnet,
        validates=False,  # SVMs are fitted to the network when it is done
        trainer=SPPNetTrainer,
    )
)
