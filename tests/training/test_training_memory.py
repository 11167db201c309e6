"""A training step gives back what it took; NumPy reports its arrays to tracemalloc."""

import dataclasses
import tracemalloc

import pytest

from minircnn.data import Scenes
from minircnn.kernels import threads
from minircnn.proposals import SlidingWindow
from minircnn.training import (
    FAST_RCNN_PRESETS,
    RCNN_PRESETS,
    FastRCNNTrainer,
    LoopSettings,
    RCNNTrainer,
    compute_proposals,
)

SCENES = Scenes("train", count=2, size=128, heights=(24, 56))
FAST = dataclasses.replace(
    FAST_RCNN_PRESETS["scenes"],
    sampling=dataclasses.replace(FAST_RCNN_PRESETS["scenes"].sampling, images=2, rois_per_image=16),
    solver=dataclasses.replace(FAST_RCNN_PRESETS["scenes"].solver, iterations=2),
)
SLOW = dataclasses.replace(
    RCNN_PRESETS["scenes"],
    fine_tune=dataclasses.replace(RCNN_PRESETS["scenes"].fine_tune, foreground=4, background=12),
)


@pytest.fixture(scope="module")
def proposals():
    return compute_proposals(SCENES, SlidingWindow(sizes=(40, 70)), limit=60, progress=False)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Each thread makes scratch memory of its own at its first piece of work, whenever that comes."""
    monkeypatch.setattr(threads._Workers, "threads", lambda self: 1)


@pytest.mark.parametrize(("make", "settings"), [(FastRCNNTrainer, FAST), (RCNNTrainer, SLOW)])
def test_steps_do_not_pile_up(make, settings, proposals):
    tracemalloc.start()
    try:
        trainer = make(SCENES, proposals, settings)
        network = trainer.network
        held = []
        for iteration in range(4):
            trainer.step(iteration)
            full = tracemalloc.get_traced_memory()[0]
            gradients = sum(p.grad.nbytes for _, p in network.named_parameters() if p.grad is not None)
            network.zero_grad()
            held.append(tracemalloc.get_traced_memory()[0])
            assert gradients > 0
            assert full - held[-1] >= 0.9 * gradients  # a slice of a larger array would keep the whole
    finally:
        tracemalloc.stop()
    # what stays is one step's activations, whose number varies a little with the regions drawn
    assert max(held[1:]) < held[0] * 1.1


def test_a_finished_training_has_no_gradients(proposals):
    trainer = FastRCNNTrainer(SCENES, proposals, FAST)
    trainer.train(LoopSettings(progress=False))
    assert all(parameter.grad is None for _, parameter in trainer.network.named_parameters())
