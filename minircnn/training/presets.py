"""Settings that suit a kind of data: the papers' own, and those for small networks and few photos.

A preset is a starting point: every field can still be replaced, in Python with `dataclasses.replace`, on the
command line with the option of the field's name.

======================  ==============================================================================
``paper``               the papers' own, for PASCAL VOC and an ImageNet network (VGG16, AlexNet)
``pretrained``          SqueezeNet 1.1 with ImageNet weights (``--backbone.weights``), a few hundred photos
``small``               the tiny network from random weights, a few hundred photos
``scenes``              the built-in scenes, from random weights, in minutes on two cores
``scenes-quick``        the same in seconds: to see that everything runs, not to detect well
======================  ==============================================================================
"""

from __future__ import annotations

import dataclasses

from minircnn.detectors import ImageScale
from minircnn.training.configs import BackboneSettings, ProposalSettings, SolverSettings
from minircnn.training.fast_rcnn_settings import FastRCNNSettings, RoISampling
from minircnn.training.rcnn_settings import FineTuneSettings, RCNNSettings

_SCENE_PROPOSALS = ProposalSettings(min_size=10.0, limit=400)
_QUICK_PROPOSALS = dataclasses.replace(_SCENE_PROPOSALS, limit=150)
_SQUEEZENET = BackboneSettings("squeezenet1_1")

# From random weights the digits of two photos are too few to learn from at a time: half of the regions are
# foreground, and they come from four photos.
_FAST_SCENES = FastRCNNSettings(
    proposals=_SCENE_PROPOSALS,
    scale=ImageScale(short_side=None),
    sampling=RoISampling(images=4, rois_per_image=32, fg_fraction=0.5),
    solver=SolverSettings(iterations=1200, learning_rate=0.03, step=850, clip_norm=10.0),
)
_RCNN_SCENES = RCNNSettings(
    proposals=_SCENE_PROPOSALS,
    fine_tune=FineTuneSettings(
        solver=SolverSettings(iterations=450, learning_rate=0.03, step=340, clip_norm=10.0)
    ),
)

FAST_RCNN_PRESETS: dict[str, FastRCNNSettings] = {
    "paper": FastRCNNSettings(backbone=BackboneSettings("vgg16")),
    "pretrained": FastRCNNSettings(
        backbone=_SQUEEZENET,
        scale=ImageScale(short_side=400, max_long_side=640),
        solver=SolverSettings(iterations=1000, learning_rate=0.003, step=750, clip_norm=10.0),
    ),
    "small": FastRCNNSettings(
        scale=ImageScale(short_side=320, max_long_side=512),
        sampling=RoISampling(fg_fraction=0.5),
        solver=SolverSettings(iterations=1500, learning_rate=0.02, step=1100, clip_norm=10.0),
    ),
    "scenes": _FAST_SCENES,
    "scenes-quick": dataclasses.replace(
        _FAST_SCENES,
        proposals=_QUICK_PROPOSALS,
        solver=dataclasses.replace(_FAST_SCENES.solver, iterations=180, step=140),
    ),
}

RCNN_PRESETS: dict[str, RCNNSettings] = {
    "paper": RCNNSettings(backbone=BackboneSettings("alexnet")),
    "pretrained": RCNNSettings(
        backbone=_SQUEEZENET,
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
    "scenes": _RCNN_SCENES,
    "scenes-quick": dataclasses.replace(
        _RCNN_SCENES,
        proposals=_QUICK_PROPOSALS,
        fine_tune=FineTuneSettings(
            solver=dataclasses.replace(_RCNN_SCENES.fine_tune.solver, iterations=100, step=75)
        ),
    ),
}
