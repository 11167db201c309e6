"""One step of training Fast R-CNN against the same step in PyTorch with torchvision's RoI pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torchvision.ops import roi_pool

from benchmarks.convolution import better_layout
from benchmarks.harness import Contest, Work
from benchmarks.networks import twin
from minircnn.backbones import Backbone, tiny, vgg16
from minircnn.detectors import FastRCNNNetwork
from minircnn.nn import SGD, multi_task_loss

CLASSES = 20
LEARNING_RATE = 1e-12
"""So small that both sides stay where they started, however often they are timed."""


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    yield Work(
        "training step", "tiny, 2 × 192 × 192, 64 regions each", "PyTorch", partial(_step, _tiny, (192, 192))
    )
    yield Work(
        "training step",
        "VGG16, conv1 and conv2 frozen, 2 × 600 × 800",
        "PyTorch",
        partial(_step, _vgg16, (600, 800)),
    )


def _tiny() -> Backbone:
    return tiny(rng=np.random.default_rng(0))


def _vgg16() -> Backbone:
    backbone = vgg16(rng=np.random.default_rng(0), dropout=0.0)  # both sides would drop different units
    for name in backbone.frozen:
        getattr(backbone.features, name).freeze()
    return backbone


def _step(build: Callable[[], Backbone], size: tuple[int, int]) -> Contest:
    backbone = build()
    network = FastRCNNNetwork(backbone, CLASSES, rng=np.random.default_rng(1))
    network.prepare_training()
    images, rois, image_index, labels, targets = _batch(backbone, size)
    sides = [
        _torch_step(network, layout, images, rois, image_index, labels, targets)
        for layout in (torch.contiguous_format, torch.channels_last)
    ]
    optimizer = SGD(network.named_parameters(), lr=LEARNING_RATE)

    def ours() -> tuple[float, Any]:
        optimizer.zero_grad()
        scores, offsets = network.forward_regions(images, rois, image_index)
        loss = multi_task_loss(scores, offsets, labels, targets)
        network.backward_regions(loss.d_cls_score, loss.d_bbox_pred)
        optimizer.step()
        return (
            loss.total,
            network.features.conv4.weight.grad if build is _tiny else network.features.conv5_3.weight.grad,
        )

    theirs = better_layout(lambda layout: sides[layout is torch.channels_last])
    return Contest(ours, theirs, _agree)


def _agree(ours: tuple[float, Any], theirs: tuple[float, Any]) -> str:
    """Compare the losses and the gradient of the last convolution's weight."""
    loss = abs(ours[0] - theirs[0]) / abs(theirs[0])
    gradient = np.abs(ours[1] - theirs[1]).max() / np.abs(theirs[1]).max()
    assert loss < 1e-4, f"losses {ours[0]} and {theirs[0]}"
    assert gradient < 1e-2, f"gradients differ by {gradient:.2g} of their largest value"
    return f"loss within {loss:.0e}, gradient within {gradient:.0e}"


def _batch(backbone: Backbone, size: tuple[int, int]) -> tuple[Any, ...]:
    """Return images, regions, their image, labels and box targets: a quarter foreground."""
    rng = np.random.default_rng(2)
    height, width = size
    pixels = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    corners = rng.integers(0, [width - 16, height - 16], (128, 2))
    sides = rng.integers(16, [width, height], (128, 2))
    rois = np.concatenate([corners, np.minimum(corners + sides, [width, height])], axis=1).astype(np.float32)
    labels = np.where(np.arange(128) % 4 == 0, rng.integers(1, CLASSES + 1, 128), 0)
    targets = rng.normal(size=(128, 4)).astype(np.float32)
    return backbone.normalization.apply(pixels), rois, np.repeat([0, 1], 64), labels, targets


def _torch_step(
    network: FastRCNNNetwork,
    layout: torch.memory_format,
    images: Any,
    rois: Any,
    image_index: Any,
    labels: Any,
    targets: Any,
) -> Callable[[], tuple[float, Any]]:
    features, head = twin(network.features).to(memory_format=layout), twin(network.head)
    outputs = [twin(network.outputs.cls_score), twin(network.outputs.bbox_pred)]
    trained = []
    for ours, module in [
        (network.features, features),
        (network.head, head),
        *zip([network.outputs.cls_score, network.outputs.bbox_pred], outputs, strict=True),
    ]:
        for (_, parameter), weight in zip(ours.named_parameters(), module.parameters(), strict=True):
            weight.requires_grad_(parameter.trainable)
            if parameter.trainable:
                trained.append(
                    {
                        "params": [weight],
                        "lr": LEARNING_RATE * parameter.lr_multiplier,
                        "weight_decay": 5e-4 * parameter.decay_multiplier,
                    }
                )
    optimizer = torch.optim.SGD(trained, lr=LEARNING_RATE, momentum=0.9)
    last = [m for m in features if isinstance(m, torch.nn.Conv2d)][-1].weight
    x = torch.tensor(images).contiguous(memory_format=layout)
    # torchvision includes the last pixel of a region
    boxes = torch.tensor(
        np.concatenate([image_index[:, None], rois - [0, 0, 1, 1]], axis=1).astype(np.float32)
    )
    own, wanted = torch.tensor(labels), torch.tensor(targets)
    pool = network.roi_pool

    def run() -> tuple[float, Any]:
        optimizer.zero_grad(set_to_none=True)
        y = head(roi_pool(features(x), boxes, pool.output_size, pool.spatial_scale))
        offsets = outputs[1](y).reshape(len(own), -1, 4)[torch.arange(len(own)), own]
        is_object = own > 0
        localisation = functional.smooth_l1_loss(
            offsets[is_object], wanted[is_object], reduction="sum"
        ) / len(own)
        loss = functional.cross_entropy(outputs[0](y), own) + localisation
        loss.backward()
        optimizer.step()
        return loss.item(), last.grad.numpy()

    return run
