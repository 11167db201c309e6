"""Whole Faster R-CNN joint training steps against a PyTorch twin, in float64 (as for Fast R-CNN)."""

import copy
import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch_twin import Twin  # noqa: E402

from minircnn.data import Scenes  # noqa: E402
from minircnn.training import FASTER_RCNN_PRESETS, FasterRCNNTrainer  # noqa: E402
from minircnn.training.faster_rcnn.rpn import anchor_targets, proposed_records  # noqa: E402

functional = torch.nn.functional


def _rpn_loss(scores, offsets, labels, targets, settings):
    """Equation 1 as the released code normalises it: both parts by the anchors that were drawn."""
    labels, targets = torch.tensor(labels), torch.tensor(targets, dtype=torch.float64)
    objectness = functional.cross_entropy(scores, labels, ignore_index=-1)
    boxes = functional.smooth_l1_loss(
        offsets[labels == 1], targets[labels == 1], beta=1 / settings.sigma**2, reduction="sum"
    )
    return objectness + settings.loss_weight * boxes / (labels >= 0).sum()


def _loss(twin, trainer, batch, rng):
    """The loss of a joint step: what is drawn follows from the twin's own outputs."""
    network, settings = trainer.network, trainer.settings
    features = twin.features(batch.images)
    scores, offsets = twin.rpn(features)
    anchors = network.anchors_on(features.detach().numpy())
    drawn = [
        anchor_targets(anchors, record.gt, size, settings.rpn, rng)
        for record, size in zip(batch.records, batch.sizes, strict=True)
    ]
    labels, targets = (np.concatenate(part) for part in zip(*drawn, strict=True))
    rpn = _rpn_loss(scores.reshape(-1, 2), offsets.reshape(-1, 4), labels, targets, settings.rpn)
    outputs = scores.detach().numpy(), offsets.detach().numpy()  # here the gradient ends
    records = proposed_records(*outputs, anchors, batch, settings.training_proposals)
    regions = trainer.draw_rois(records, rng)
    return rpn + twin.loss_of_regions(features, *regions, settings.bbox_loss_weight)


@pytest.mark.slow
def test_twenty_joint_training_steps_equal_pytorch():
    torch.set_num_threads(1)
    preset = FASTER_RCNN_PRESETS["scenes"]
    settings = dataclasses.replace(
        preset,
        sampling=dataclasses.replace(preset.sampling, images=2, rois_per_image=8),
        rpn=dataclasses.replace(preset.rpn, width=8),
        training_proposals=dataclasses.replace(preset.training_proposals, top_before=200, top_after=30),
    )
    scenes = Scenes("train", count=6)
    trainer = FasterRCNNTrainer(scenes, [np.zeros((0, 4), np.float32)] * len(scenes), settings)
    trainer.network.astype(np.float64)
    twin = Twin(trainer.network)
    for iteration in range(20):
        batch = trainer.make_batch(iteration)
        batch = dataclasses.replace(batch, images=batch.images.astype(np.float64))
        rng = copy.deepcopy(trainer.state.rng)
        trainer.network.zero_grad()
        losses = trainer.gradients(batch)
        loss = _loss(twin, trainer, batch, rng)
        twin.assert_same_step(trainer, losses, loss, iteration)
    assert np.isfinite(losses["loss"])
