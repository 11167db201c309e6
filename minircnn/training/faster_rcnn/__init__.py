"""Training Faster R-CNN: proposals and detections learnt in one step, or by turns."""

from __future__ import annotations

import dataclasses

from minircnn.boxes import AnchorSettings
from minircnn.detectors import FasterRCNN, ImageScale, PostprocessSettings
from minircnn.heads import ProposalLayerSettings
from minircnn.training.backbone import ALL_CONVOLUTIONS, check_backbone
from minircnn.training.faster_rcnn.alternating import STAGES, stages_of, train_alternately
from minircnn.training.faster_rcnn.joint import FasterRCNNTrainer
from minircnn.training.faster_rcnn.settings import FasterRCNNSettings, RPNSettings
from minircnn.training.photo_batches import RoISampling
from minircnn.training.presets import CLASSROOM_SHARE, SQUEEZENET, shortened
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.settings import BackboneSettings, SolverSettings
from minircnn.training.shared_map import load_first

__all__ = [
    "FASTER_RCNN_PRESETS",
    "STAGES",
    "FasterRCNNSettings",
    "FasterRCNNTrainer",
    "RPNSettings",
    "train_alternately",
    "train_faster_rcnn",
]


def check_faster_rcnn(settings: FasterRCNNSettings) -> None:
    """Raise where the network of `settings` cannot be built, or what it begins with cannot be read."""
    check_backbone(settings)
    if settings.start is not None:
        load_first(settings.start, "fast-rcnn", "faster-rcnn")


def train_faster_rcnn(job: TrainingJob[FasterRCNNSettings]) -> FasterRCNN:
    """Train both branches of one network, jointly or by turns."""
    if job.settings.schedule == "alternating":
        return train_alternately(job)
    trainer = FasterRCNNTrainer(
        job.dataset, job.proposals, job.settings, device=job.device, map_folder=job.map_folder
    )
    trainer.train(job.loop)
    detector: FasterRCNN = trainer.detector(job.proposer)
    return detector


# 97 % of the digits, higher than wide, overlap one of these by IoU 0.7 (minircnn anchors scenes).
_SCENES = FasterRCNNSettings(
    anchors=AnchorSettings(
        base_size=4.0, ratios=(1.4, 2.2), scales=(5.0, 7.0, 9.0, 11.5, 14.0), rounded=False
    ),
    rpn=RPNSettings(width=64, anchors_per_image=64),
    proposing=ProposalLayerSettings(top_before=2000, top_after=300, min_size=8.0),
    training_proposals=ProposalLayerSettings(top_before=2000, top_after=300, min_size=8.0),
    scale=ImageScale(short_side=None),
    sampling=RoISampling(images=4, rois_per_image=64, fg_fraction=0.5, bg_iou_low=0.0),
    # half as many updates again as Fast R-CNN: until the proposals are good there is little to judge
    solver=SolverSettings(iterations=1800, learning_rate=0.03, step=1260, clip_norm=10.0),
)

FASTER_RCNN_PRESETS: dict[str, FasterRCNNSettings] = {
    "paper": FasterRCNNSettings(backbone=BackboneSettings("vgg16")),
    "pretrained": FasterRCNNSettings(
        backbone=dataclasses.replace(SQUEEZENET, widths=(448,), roi_size=3, frozen=(ALL_CONVOLUTIONS,)),
        # 96 % of VOC's objects, scaled so, overlap one of these by IoU 0.5; one of the paper's 73 %
        anchors=AnchorSettings(scales=(3.0, 5.0, 9.0, 15.0, 24.0)),
        rpn=RPNSettings(width=256),
        postprocess=PostprocessSettings(min_score=0.01, vote_iou=0.5),
        scale=ImageScale(short_side=448, max_long_side=896),
        sampling=RoISampling(images=2, rois_per_image=64, bg_iou_low=0.0),
        solver=SolverSettings(iterations=10_000, learning_rate=0.02, step=7000, clip_norm=1.0),
        class_agnostic=True,
        keep_maps=True,
    ),
    "scenes": _SCENES,
    "classroom": dataclasses.replace(_SCENES, solver=shortened(_SCENES.solver, CLASSROOM_SHARE)),
    "scenes-quick": dataclasses.replace(
        _SCENES, solver=dataclasses.replace(_SCENES.solver, iterations=180, step=140)
    ),
}

add_recipe(
    Recipe(
        "faster-rcnn",
        FasterRCNNSettings,
        FASTER_RCNN_PRESETS,
        train_faster_rcnn,
        """Train Faster R-CNN: the network proposes where to look and judges it.

        No proposals are computed beforehand: a region proposal network slides over the feature map of the
        photo, and what it proposes is judged by Fast R-CNN's layers on the same map. Both learn in every
        step, or, with --schedule alternating, in four stages by turns. Ctrl-C stops after the step at hand
        and writes a checkpoint.
        """,
        check_faster_rcnn,
        trainer=FasterRCNNTrainer,
        several=stages_of,
    )
)
