"""One step of training Fast R-CNN against the same step in PyTorch with torchvision's RoI pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import roi_pool

from benchmarks.convolution import better_layout
from benchmarks.harness import Contest, Work
from benchmarks.networks import twin
from minircnn.arrays import like
from minircnn.backbones import Backbone, tiny, vgg16
from minircnn.detectors import FastRCNNNetwork
from minircnn.nn import SGD, Conv2d, multi_task_loss

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


class Batch(NamedTuple):
    """Two photos and 64 regions of each, a quarter of them foreground; shapes as in `minircnn.training`."""

    images: Any
    rois: Any
    image_index: Any
    labels: Any
    targets: Any


def _step(build: Callable[[], Backbone], size: tuple[int, int]) -> Contest:
    backbone = build()
    network = FastRCNNNetwork(backbone, CLASSES, rng=np.random.default_rng(1))
    network.prepare_training()
    batch = random_batch(backbone, size)
    theirs = better_layout(partial(torch_step, network, batch))
    return Contest(our_step(network, batch), theirs, _agree)


def our_step(network: FastRCNNNetwork, batch: Batch) -> Callable[[], tuple[float, Any]]:
    """Return an update where the network lives: it returns the loss and the last convolution's gradient."""
    images, labels, targets = (like(a, network.on) for a in (batch.images, batch.labels, batch.targets))
    optimizer = SGD(network.named_parameters(), lr=LEARNING_RATE)
    last = [layer for layer in network.features.modules() if isinstance(layer, Conv2d)][-1]

    def run() -> tuple[float, Any]:
        optimizer.zero_grad()
        scores, offsets = network(images, batch.rois, batch.image_index)
        loss = multi_task_loss(scores, offsets, labels, targets)
        network.backward(loss.d_cls_score, loss.d_bbox_pred)
        optimizer.step()
        return loss.total, last.weight.grad

    return run


def _agree(ours: tuple[float, Any], theirs: tuple[float, Any]) -> str:
    """Compare the losses and the gradient of the last convolution's weight."""
    loss = abs(ours[0] - theirs[0]) / abs(theirs[0])
    expected = theirs[1].numpy()
    gradient = np.abs(ours[1] - expected).max() / np.abs(expected).max()
    assert loss < 1e-4, f"losses {ours[0]} and {theirs[0]}"
    assert gradient < 1e-2, f"gradients differ by {gradient:.2g} of their largest value"
    return f"loss within {loss:.0e}, gradient within {gradient:.0e}"


def random_batch(backbone: Backbone, size: tuple[int, int]) -> Batch:
    rng = np.random.default_rng(2)
    height, width = size
    pixels = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    corners = rng.integers(0, [width - 16, height - 16], (128, 2))
    sides = rng.integers(16, [width, height], (128, 2))
    rois = np.concatenate([corners, np.minimum(corners + sides, [width, height])], axis=1).astype(np.float32)
    labels = np.where(np.arange(128) % 4 == 0, rng.integers(1, CLASSES + 1, 128), 0)
    targets = rng.normal(size=(128, 4)).astype(np.float32)
    return Batch(backbone.normalization.apply(pixels), rois, np.repeat([0, 1], 64), labels, targets)


class TorchTwin:
    """The same network in PyTorch on its `device`, with the same weights, loss and optimiser."""

    def __init__(
        self, network: FastRCNNNetwork, layout: torch.memory_format, lr: float, device: str = "cpu"
    ) -> None:
        parts = [network.features, network.head, network.outputs.cls_score, network.outputs.bbox_pred]
        self.modules = [twin(part).to(device) for part in parts]
        self.modules[0].to(memory_format=layout)
        self.layout, self.device, self.pool = layout, device, network.roi_pool
        self.pairs, groups = [], []
        for part, module in zip(parts, self.modules, strict=True):
            for (_, parameter), weight in zip(part.named_parameters(), module.parameters(), strict=True):
                weight.requires_grad_(parameter.trainable)
                self.pairs.append((parameter, weight))
                rate, decay = lr * parameter.lr_multiplier, 5e-4 * parameter.decay_multiplier
                groups.append({"params": [weight], "lr": rate, "weight_decay": decay})
        self.trained = [group for group in groups if group["params"][0].requires_grad]
        self.optimizer = torch.optim.SGD(self.trained, momentum=0.9)

    def inputs(self, batch: Batch) -> tuple[Any, ...]:
        """Return what :meth:`gradients` takes."""
        # torchvision includes the last pixel of a region
        regions = np.concatenate([batch.image_index[:, None], batch.rois - [0, 0, 1, 1]], axis=1)
        x = torch.tensor(batch.images, device=self.device).contiguous(memory_format=self.layout)
        rest = (regions.astype(np.float32), batch.labels, batch.targets)
        return x, *(torch.tensor(array, device=self.device) for array in rest)

    def gradients(self, x: Any, boxes: Any, labels: Any, targets: Any) -> float:
        """Return the loss; its gradients lie in the parameters."""
        features, head, cls_score, bbox_pred = self.modules
        self.optimizer.zero_grad(set_to_none=True)
        y = head(roi_pool(features(x), boxes, self.pool.output_size, self.pool.spatial_scale))
        offsets = bbox_pred(y).reshape(len(labels), -1, 4)[
            torch.arange(len(labels), device=self.device), labels
        ]
        is_object = labels > 0
        localisation = functional.smooth_l1_loss(offsets[is_object], targets[is_object], reduction="sum")
        loss = functional.cross_entropy(cls_score(y), labels) + localisation / len(labels)
        loss.backward()
        return float(loss.item())

    def hand_over(self) -> None:
        """Copy the weights into the network that this is the twin of."""
        for parameter, weight in self.pairs:
            parameter.data[...] = weight.detach().cpu().numpy()


def torch_step(
    network: FastRCNNNetwork, batch: Batch, layout: torch.memory_format, device: str = "cpu"
) -> Callable[[], tuple[float, Any]]:
    """Return the same step in PyTorch, from the same weights; its gradient is a tensor."""
    peer = TorchTwin(network, layout, LEARNING_RATE, device)
    inputs = peer.inputs(batch)
    last = [module for module in peer.modules[0] if isinstance(module, nn.Conv2d)][-1].weight

    def run() -> tuple[float, Any]:
        loss = peer.gradients(*inputs)
        peer.optimizer.step()
        return loss, last.grad

    return run
