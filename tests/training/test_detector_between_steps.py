"""A detector may be at work between two steps of its training."""

import numpy as np
import pytest
from trained_detectors import SCENES, settings_of

from minircnn.proposals import SlidingWindow
from minircnn.training import FastRCNNTrainer, RCNNTrainer
from minircnn.training.sppnet import SPPNetTrainer

WINDOWS = SlidingWindow(sizes=(40, 70), relative_stride=0.5)
TRAINERS = {"fast-rcnn": FastRCNNTrainer, "rcnn": RCNNTrainer, "sppnet": SPPNetTrainer}


@pytest.mark.parametrize("name", TRAINERS)
def test_the_next_step_is_that_of_a_training_undisturbed(name):
    boxes = [WINDOWS.propose(SCENES.image(i)) for i in range(len(SCENES))]
    losses = []
    for disturbed in (False, True):
        trainer = TRAINERS[name](SCENES, boxes, settings_of(name))
        losses.append([])
        for iteration in range(3):
            trainer.network.zero_grad()
            losses[-1].append(trainer.step(iteration)["loss"])
            trainer.state.optimizer.step()
            if disturbed:
                trainer.detector(WINDOWS).detect(SCENES.image(0))
                assert not trainer.network.training
    assert losses[0] == losses[1]
    assert np.isfinite(losses).all()
