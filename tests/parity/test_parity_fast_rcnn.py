"""Whole Fast R-CNN training steps against a PyTorch twin: same weights, photos and regions.

In float64: in float32 the two sum in different order, and after some steps a maximum or a ReLU that is nearly
tied falls the other way in one of them, which changes single gradients by more than the tolerance.
"""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch_twin import Twin  # noqa: E402

from minircnn.data import Scenes  # noqa: E402
from minircnn.nn import Dropout  # noqa: E402
from minircnn.training import FAST_RCNN_PRESETS, FastRCNNTrainer  # noqa: E402


def _in_float64(batch):
    return dataclasses.replace(
        batch,
        images=batch.images.astype(np.float64),
        rois=batch.rois.astype(np.float64),
        bbox_targets=batch.bbox_targets.astype(np.float64),
    )


@pytest.mark.slow
def test_twenty_training_steps_equal_pytorch():
    scenes = Scenes("train", count=6)
    preset = FAST_RCNN_PRESETS["scenes"]
    sampling = dataclasses.replace(preset.sampling, rois_per_image=8)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    proposals = []
    for i in range(len(scenes)):
        boxes = scenes.annotations(i).boxes
        jittered = np.concatenate([boxes + rng.uniform(-12, 12, boxes.shape) for _ in range(12)])
        jittered[:, 2:] = np.maximum(jittered[:, 2:], jittered[:, :2] + 4)
        proposals.append(np.clip(jittered, 0, 192))
    trainer = FastRCNNTrainer(scenes, proposals, dataclasses.replace(preset, sampling=sampling))
    trainer.network.astype(np.float64)
    for layer in trainer.network.modules():
        if isinstance(layer, Dropout):
            layer.rate = 0.0
    twin = Twin(trainer.network)
    for iteration in range(20):
        batch = _in_float64(trainer.make_batch(iteration))
        trainer.network.zero_grad()
        losses = trainer.gradients(batch)
        loss = twin.loss(batch, trainer.settings.bbox_loss_weight)
        twin.assert_same_step(trainer, losses, loss, iteration)
    assert np.isfinite(losses["loss"])
