"""Alternating training of Faster R-CNN: four stages, by which two networks come to share their convolutions.

=====  ====================  =====================================================  ========================
stage  trains                begins with                                            proposals
=====  ====================  =====================================================  ========================
1      RPN and convolutions  the backbone's weights                                 –
2      Fast R-CNN and        the backbone's weights, again: nothing is shared yet   those of stage 1
       convolutions
3      RPN alone             stage 2, whose convolutions are frozen: now shared     –
4      Fast R-CNN's own      stage 3                                                those of stage 3
       layers alone
=====  ====================  =====================================================  ========================

Faster R-CNN, section 3.2.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from minircnn.arrays import HostArray, like
from minircnn.detectors import FasterRCNN, FasterRCNNNetwork
from minircnn.profiling import stage
from minircnn.progress import progress_bar
from minircnn.proposals import Proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.fast_rcnn import FastRCNNTrainer
from minircnn.training.faster_rcnn.joint import (
    FasterRCNNTrainer,
    detector_of,
    first_network,
    fixed_box_units,
)
from minircnn.training.faster_rcnn.rpn import ObjectBatch, loss_of_anchors
from minircnn.training.faster_rcnn.settings import FasterRCNNSettings
from minircnn.training.kept_arrays import read_kept, write_kept
from minircnn.training.recipe import TrainingJob, TrainingPart

logger = logging.getLogger("minircnn")

Weights = Mapping[str, HostArray]


@dataclass(frozen=True)
class Stage:
    """One of the four.

    Parameters
    ----------
    name : str
        Behind the run's name in the files of the stage.
    frozen : tuple of str
        Parts of the network that it does not train.
    shared : bool
        Whether it begins with the network of the stage before.
    what : str
        In words, for the log.
    """

    name: str
    frozen: tuple[str, ...]
    shared: bool
    what: str

    @property
    def trains_rpn(self) -> bool:
        """Whether the region proposal network is trained; else Fast R-CNN's layers are."""
        return "rpn" not in self.frozen

    @property
    def trainer(self) -> type[RPNStage] | type[RegionStage]:
        """What makes its updates."""
        return RPNStage if self.trains_rpn else RegionStage


STAGES = (
    Stage("-1-rpn", ("head", "outputs"), shared=False, what="the RPN and its convolutions"),
    Stage("-2-regions", ("rpn",), shared=False, what="Fast R-CNN and convolutions of its own"),
    Stage("-3-rpn", ("features", "head", "outputs"), shared=True, what="the RPN on these convolutions"),
    # the run's own checkpoint and log
    Stage("", ("features", "rpn"), shared=True, what="Fast R-CNN's own layers on them"),
)


class RPNStage(FasterRCNNTrainer):
    """Stages 1 and 3: the region proposal network learns; nothing is judged."""

    def __init__(self, *data: Any, plan: Stage, weights: Weights | None = None, **place: Any) -> None:
        self.plan, self.weights = plan, weights
        super().__init__(*data, **place)

    def make_network(self, num_classes: int, rng: np.random.Generator) -> FasterRCNNNetwork:
        """Return the network to train."""
        return prepare(super().make_network(num_classes, rng), self.plan, self.weights)

    def gradients(self, batch: ObjectBatch) -> dict[str, float]:
        """Run `batch` forward and backward; return the losses of the anchors by name."""
        with stage("forward"):
            feature_map = self.convolutions(like(batch.images, self.network.on))
            objectness, offsets = self.network.rpn(feature_map)
        anchors = self.network.anchors_on(feature_map)
        loss = loss_of_anchors(objectness, offsets, anchors, batch, self.settings.rpn, self.state.rng)
        self.batches.begin_next(self.make_batch)
        with stage("backward"):
            d_map = self.network.rpn.backward(loss.d_objectness, loss.d_offsets)
            if d_map is not None:
                self.network.features.backward(d_map)
        return {"loss": loss.total, "objectness": loss.objectness, "anchors": loss.localization}

    def proposing_detector(self) -> FasterRCNN:
        """Return the detector that proposes for the next stage.

        As in the released code, all boxes enter non-maximum suppression here.
        """
        proposing = dataclasses.replace(self.settings.training_proposals, top_before=None)
        detector: FasterRCNN = self.detector(None)
        return dataclasses.replace(detector, proposing=proposing)


class RegionStage(FastRCNNTrainer):
    """Stages 2 and 4: Fast R-CNN's training, on what the stage before proposes."""

    network: FasterRCNNNetwork

    def __init__(self, *data: Any, plan: Stage, weights: Weights | None = None, **place: Any) -> None:
        self.plan, self.weights = plan, weights
        super().__init__(*data, **place)

    def make_network(self, num_classes: int, rng: np.random.Generator) -> FasterRCNNNetwork:
        """Return the network to train."""
        own = cast(FasterRCNNSettings, self.settings)
        network, self.first = first_network(own, self.backbone, self.dataset.class_names, rng)
        return prepare(network, self.plan, self.weights)

    def new_box_units(self) -> tuple[FloatArray, FloatArray]:
        """Return the mean and standard deviation of box targets, (K+1, 4) each, in which they are learnt."""
        return fixed_box_units(len(self.dataset.class_names))

    def make_detector(self, proposer: Proposer | None) -> FasterRCNN:
        """Return a detector with the network in its present state."""
        return detector_of(self, (self.target_mean, self.target_std), proposer)


def prepare(network: FasterRCNNNetwork, plan: Stage, weights: Weights | None) -> FasterRCNNNetwork:
    """Give `network` the `weights` of the stage before, where it begins with them, and freeze its parts."""
    if weights is not None:
        network.load_state_dict(weights)
    for part in plan.frozen:
        getattr(network, part).freeze()
    return network


def train_alternately(job: TrainingJob[FasterRCNNSettings]) -> FasterRCNN:
    """Train the four stages one after the other; each has a checkpoint and a log of its own."""
    weights: Weights | None = None
    proposals: Sequence[FloatArray] = job.proposals
    for number, plan in enumerate(STAGES, start=1):
        last = number == len(STAGES)
        loop = dataclasses.replace(
            job.loop, name=job.loop.name + plan.name, validator=job.loop.validator if last else None
        )
        weights = weights if plan.shared else None
        logger.info("stage %d of %d: %s", number, len(STAGES), plan.what)
        trainer: RPNStage | RegionStage = plan.trainer(
            job.dataset,
            proposals,
            job.settings,
            plan=plan,
            weights=weights,
            device=job.device,
            map_folder=job.map_folder,
        )
        trainer.train(loop)
        if isinstance(trainer, RPNStage):
            proposals = propose_in_all(trainer.proposing_detector(), job, number)
        weights = trainer.network.state_dict()
    detector: FasterRCNN = trainer.detector(job.proposer)
    return detector


def stages_of(settings: FasterRCNNSettings) -> list[TrainingPart] | None:
    """Return the four stages where training is alternating, None where it is in one."""
    if settings.schedule != "alternating":
        return None
    return [
        TrainingPart(
            plan.name,
            f"stage {number}",
            plan.what,
            functools.partial(plan.trainer, plan=plan),
            RPNStage.proposing_detector if plan.trains_rpn else None,
        )
        for number, plan in enumerate(STAGES, start=1)
    ]


@stage("proposals of all photos")
def propose_in_all(
    detector: FasterRCNN, job: TrainingJob[FasterRCNNSettings], number: int
) -> list[FloatArray]:
    """Return what `detector` proposes in every photo, for the next stage to learn from.

    The boxes are kept in the run's folder, under a digest of the network that made them.
    """
    digest = hashlib.sha256()
    for name, array in detector.network.state_dict().items():
        digest.update(name.encode() + array.tobytes())
    folder = job.folder / f"proposals-{number}-{digest.hexdigest()[:12]}"
    photos = range(len(job.dataset.image_ids))
    title = f"proposals of stage {number}"
    return [
        _proposed(detector, job.dataset, index, folder / f"{index}.npy")
        for index in progress_bar(photos, show=job.loop.progress, desc=title, unit="photo")
    ]


def _proposed(detector: FasterRCNN, dataset: DetectionDataset, index: int, path: Path) -> FloatArray:
    """Return the boxes that are kept at `path`, or what `detector` proposes in photo `index`."""
    try:
        return read_kept(path)
    except (FileNotFoundError, ValueError):  # a damaged file counts as none
        boxes = detector.propose(detector.look(dataset.image(index)))
        write_kept(path, boxes)
        return boxes
