"""Settings that suit a kind of data: the papers' own, and those for training small networks on few photos.

A preset is a starting point: every field can still be replaced, in Python with `dataclasses.replace`, on the
command line with the option of the field's name.
"""

from __future__ import annotations

from minircnn.detectors import ImageScale
from minircnn.training.configs import (
    BackboneSettings,
    FastRCNNSettings,
    FineTuneSettings,
    ProposalSettings,
    RCNNSettings,
    SolverSettings,
)

_SCENE_PROPOSALS = ProposalSettings(min_size=10.0, limit=400)
_OWN_SIZE = ImageScale(short_side=None)

FAST_RCNN_PRESETS: dict[str, FastRCNNSettings] = {
    # The paper's: a pre-trained VGG16 or AlexNet on PASCAL VOC.
    "paper": FastRCNNSettings(backbone=BackboneSettings("vgg16")),
    # The built-in scenes from random weights, in minutes on two cores.
    "scenes": FastRCNNSettings(
        proposals=_SCENE_PROPOSALS,
        scale=_OWN_SIZE,
        solver=SolverSettings(iterations=2000, learning_rate=0.01, step=1500, clip_norm=10.0),
    ),
}

RCNN_PRESETS: dict[str, RCNNSettings] = {
    "paper": RCNNSettings(backbone=BackboneSettings("alexnet")),
    "scenes": RCNNSettings(
        proposals=_SCENE_PROPOSALS,
        fine_tune=FineTuneSettings(
            solver=SolverSettings(iterations=1000, learning_rate=0.01, step=750, clip_norm=10.0)
        ),
    ),
}
