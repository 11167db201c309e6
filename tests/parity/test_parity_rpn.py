"""Anchors, labels and the loss of the region proposal network against PyTorch, and torchvision where it is.

A twin of a few lines is written from the definitions. torchvision itself imports only beside the PyTorch that
it was built for; its conventions are absorbed where they differ: anchors about the corner of a cell, sides
rounded after scaling, and one logit where the paper has two.
"""

import numpy as np
import pytest
from test_parity_boxes import torch_iou

from minircnn.boxes import (
    AnchorSettings,
    anchors_inside,
    base_anchors,
    encode,
    grid_anchors,
    label_anchors,
    sample_anchors,
)
from minircnn.nn import rpn_loss

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402

SIZE = 600, 800
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-6}


@pytest.fixture
def case(rng):
    """Anchors inside a photo of 600 x 800 and nine objects of 20 to 400 pixels on it."""
    anchors = grid_anchors(base_anchors(AnchorSettings()), 38, 50, 16)
    anchors = anchors[anchors_inside(anchors, SIZE)]
    centres, sides = rng.uniform([100, 100], [700, 500], (9, 2)), rng.uniform(20, 400, (9, 2))
    limits = [800, 600, 800, 600]
    objects = np.clip(np.concatenate([centres - sides / 2, centres + sides / 2], axis=1), 0, limits)
    return anchors, objects


def torch_labels(anchors, objects):
    """The rules in order: low overlap, then the best of each object, then high overlap."""
    iou = torch_iou(torch, torch.from_numpy(anchors), torch.from_numpy(objects))
    labels = torch.full((len(anchors),), -1)
    labels[iou.amax(dim=1) < 0.3] = 0
    for column in iou.T:
        if column.max() > 0:
            labels[column == column.max()] = 1
    labels[iou.amax(dim=1) >= 0.7] = 1
    return labels.numpy()


def predictions(rng, rows, dtype):
    return rng.standard_normal((rows, 2)).astype(dtype), rng.normal(0, 0.5, (rows, 4)).astype(dtype)


def test_labels_equal_the_twin(case):
    found = label_anchors(*case)
    np.testing.assert_array_equal(found.labels, torch_labels(*case))
    counts = [int((found.labels == label).sum()) for label in (1, 0, -1)]
    assert min(counts) >= 9  # all three happen


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("lam", [1.0, 10.0])
def test_loss_and_gradients_equal_autograd(case, rng, dtype, lam):
    anchors, objects = case
    found = label_anchors(anchors, objects)
    labels = sample_anchors(found.labels, rng=rng)
    targets = encode(anchors, objects[np.maximum(found.best_gt, 0)]).astype(dtype)
    objectness, offsets = predictions(rng, len(anchors), dtype)
    ours = rpn_loss(objectness, offsets, labels, targets, lam=lam)

    t_objectness, t_offsets = (torch.from_numpy(a).requires_grad_() for a in (objectness, offsets))
    t_labels, positive = torch.from_numpy(labels), torch.from_numpy(labels == 1)
    classification = F.cross_entropy(t_objectness, t_labels, ignore_index=-1)
    near, drawn = torch.from_numpy(targets)[positive], int((labels >= 0).sum())
    boxes = F.smooth_l1_loss(t_offsets[positive], near, beta=1 / 9, reduction="sum") / drawn
    (classification + lam * boxes).backward()
    assert drawn == 256
    assert ours.objectness == pytest.approx(float(classification.detach()), rel=TOLERANCE[dtype])
    assert ours.localization == pytest.approx(float(boxes.detach()), rel=TOLERANCE[dtype])
    for gradient, expected in ((ours.d_objectness, t_objectness), (ours.d_offsets, t_offsets)):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, expected.grad.numpy(), rtol=0, atol=TOLERANCE[dtype])


def torchvision_rpn():
    """Return torchvision's region proposal network, drawing every anchor, and its anchor generator."""
    rpn = pytest.importorskip("torchvision.models.detection.rpn", exc_type=(ImportError, RuntimeError))
    generator = rpn.AnchorGenerator(((128, 256, 512),), ((0.5, 1.0, 2.0),))
    everything = {"training": 2000, "testing": 2000}
    network = rpn.RegionProposalNetwork(
        generator, rpn.RPNHead(4, 9), 0.7, 0.3, 10**6, 0.5, everything, everything, 0.7
    )
    return network, generator


def test_anchors_equal_torchvision():
    _, generator = torchvision_rpn()
    theirs = generator.generate_anchors((128, 256, 512), (0.5, 1.0, 2.0), dtype=torch.float64)
    exact = base_anchors(AnchorSettings(rounded=False)) - 8  # about the corner of the cell
    np.testing.assert_array_equal(np.round(exact), theirs.numpy())
    generator.cell_anchors = [theirs]
    (grid,) = generator.grid_anchors([[38, 50]], [[torch.tensor(16), torch.tensor(16)]])
    ours = grid_anchors(np.round(exact), 38, 50, 16)
    np.testing.assert_array_equal(ours, grid.numpy())
    assert anchors_inside(ours, SIZE).sum() == 5_954


def test_labels_targets_and_losses_equal_torchvision(case, rng):
    network, _ = torchvision_rpn()
    anchors, objects = case
    t_anchors, t_objects = torch.from_numpy(anchors), torch.from_numpy(objects)
    (t_labels,), (matched,) = network.assign_targets_to_anchors([t_anchors], [{"boxes": t_objects}])
    found = label_anchors(anchors, objects)
    np.testing.assert_array_equal(found.labels, t_labels.numpy())
    positive = found.labels == 1
    own = objects[found.best_gt[positive]]
    np.testing.assert_array_equal(own, matched.numpy()[positive])

    t_targets = network.box_coder.encode([matched], [t_anchors])
    targets = np.zeros_like(anchors)
    targets[positive] = encode(anchors[positive], own)
    np.testing.assert_allclose(targets[positive], t_targets[0].numpy()[positive], rtol=0, atol=1e-6)

    objectness, offsets = predictions(rng, len(anchors), np.float64)
    ours = rpn_loss(objectness, offsets, found.labels, targets)
    logit = torch.from_numpy(objectness[:, 1:] - objectness[:, :1])
    theirs = network.compute_loss(
        logit, torch.from_numpy(offsets), [t_labels.double()], [torch.from_numpy(targets)]
    )
    assert ours.objectness == pytest.approx(float(theirs[0]), rel=1e-9)
    assert ours.localization == pytest.approx(float(theirs[1]), rel=1e-9)


def test_torchvision_makes_every_anchor_positive_for_an_object_that_none_overlaps(case):
    """The trap, which is not followed here."""
    network, _ = torchvision_rpn()
    anchors, far = case[0], np.array([[9000.0, 9000.0, 9010.0, 9010.0]])
    (labels,), _ = network.assign_targets_to_anchors(
        [torch.from_numpy(anchors)], [{"boxes": torch.from_numpy(far)}]
    )
    assert (labels == 1).all()
    assert (label_anchors(anchors, far).labels == 0).all()
