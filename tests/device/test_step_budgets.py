"""What a step of training asks of a GPU: how often the host waits for it, and how many kernels it starts."""

import dataclasses

import pytest
from counting import counted
from small_trainings import SCENES, Photos, parts, proposals

from minircnn.data import SingleDigits
from minircnn.detectors import ImageScale
from minircnn.nn import clip_gradients
from minircnn.training import RECIPES
from minircnn.training.pretraining import PRETRAIN_PRESETS, PretrainTrainer
from minircnn.training.rcnn import FineTuneSettings


def update(trainer, clip_norm=10.0):
    """Do all that an update does."""
    trainer.state.network.zero_grad()
    trainer.step(0)
    if clip_norm is not None:
        clip_gradients(trainer.state.network.named_parameters(), clip_norm)
    trainer.state.optimizer.step()


def work_of(trainer, clip_norm=10.0):
    """Return what the first update asks of the GPU."""
    with counted() as work:
        update(trainer, clip_norm)
    return work


@pytest.mark.parametrize(("make", "settings"), parts())
def test_an_update_of_every_trainer_stays_within_the_budget(make, settings, gpu):
    """It waits for at most four losses, the norm of the gradients, and two arrays to propose from."""
    work_of(make(SCENES, proposals(), settings, device="cuda")).check(launches=500, waits=8)


def test_an_update_of_a_pretraining_waits_for_its_loss_and_the_norm(gpu):
    settings = dataclasses.replace(PRETRAIN_PRESETS["digits-quick"], batch=4)
    work_of(PretrainTrainer(SingleDigits(count=40), settings, device="cuda")).check(waits=2)


BUDGETS = {"fast-rcnn": (500, 4), "rcnn": (250, 2)}
"""Launches and waits of an update with the papers' settings: of two photos of 600 × 1000 pixels and 128 of
their regions through VGG16, the first four convolutions frozen (Fast R-CNN); and of 128 crops of 227 × 227
pixels through AlexNet (R-CNN), whose gradients are not clipped."""


def trainer_of(name, photos, **changes):
    """Return a trainer with the paper's settings but for what is changed."""
    settings = RECIPES[name].presets["paper"]
    frozen = ("conv1_1", "conv1_2", "conv2_1", "conv2_2") if name == "fast-rcnn" else ()
    backbone = dataclasses.replace(settings.backbone, frozen=frozen, widths=changes.pop("widths", None))
    settings = dataclasses.replace(settings, backbone=backbone, **changes)
    return RECIPES[name].trainer(photos, proposals(photos), settings, device="cuda")


def papers_work(name, photos, **changes):
    return work_of(trainer_of(name, photos, **changes), clip_norm=10.0 if name == "fast-rcnn" else None)


@pytest.mark.parametrize("name", BUDGETS)
def test_the_papers_networks_stay_within_their_budgets(name, gpu):
    """On photos so small, and so few crops, that they are counted in a second."""
    changes = {"widths": (16, 16)}
    if name == "fast-rcnn":
        changes["scale"] = ImageScale(short_side=None)
    else:
        changes["fine_tune"] = FineTuneSettings(foreground=1, background=1)
    launches, waits = BUDGETS[name]
    papers_work(name, Photos(2, 48, 80), **changes).check(launches, waits)
