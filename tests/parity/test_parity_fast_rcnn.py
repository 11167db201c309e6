"""Whole Fast R-CNN training steps against a PyTorch twin: same weights, photos and regions.

In float64: in float32 the two sum in different order, and after some steps a maximum or a ReLU that is nearly
tied falls the other way in one of them, which changes single gradients by more than the tolerance.
"""

import dataclasses
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from minircnn.data import Scenes  # noqa: E402
from minircnn.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential  # noqa: E402
from minircnn.training import FAST_RCNN_PRESETS, FastRCNNTrainer  # noqa: E402

functional = torch.nn.functional


def _torch_roi_pool(features, rois, image_index, size, scale):
    """RoI max pooling as the loop of the definition, differentiable through PyTorch's own max."""
    _, _, height, width = features.shape
    rows = []
    for (x1, y1, x2, y2), n in zip(rois.tolist(), image_index.tolist(), strict=True):
        left, top = math.floor(x1 * scale + 0.5), math.floor(y1 * scale + 0.5)
        right, bottom = math.floor((x2 - 1) * scale + 0.5), math.floor((y2 - 1) * scale + 0.5)
        h, w = max(bottom - top + 1, 1), max(right - left + 1, 1)
        cells = []
        for p in range(size):
            for q in range(size):
                ys = slice(*(min(max(v + top, 0), height) for v in (p * h // size, -(-(p + 1) * h // size))))
                xs = slice(*(min(max(v + left, 0), width) for v in (q * w // size, -(-(q + 1) * w // size))))
                cell = features[n, :, ys, xs]
                empty = features.new_zeros(features.shape[1])
                cells.append(cell.amax(dim=(1, 2)) if cell.numel() else empty)
        rows.append(torch.stack(cells, dim=1).reshape(-1, size, size))
    return torch.stack(rows)


class _Twin:
    """The same network, computed and differentiated by PyTorch."""

    def __init__(self, network):
        self.network = network
        self.weights = {
            name: torch.tensor(np.ascontiguousarray(p.data), requires_grad=True)
            for name, p in network.named_parameters()
        }
        self.momentum = {name: torch.zeros_like(w) for name, w in self.weights.items()}

    def _run(self, layers, x, prefix):
        for name, layer in layers.children():
            weight, bias = (self.weights.get(f"{prefix}{name}.{part}") for part in ("weight", "bias"))
            if isinstance(layer, Conv2d):
                g = layer.geometry
                x = functional.conv2d(x, weight, bias, g.stride, g.padding, groups=g.groups)
            elif isinstance(layer, Linear):
                x = functional.linear(x, weight, bias)
            elif isinstance(layer, ReLU):
                x = functional.relu(x)
            elif isinstance(layer, MaxPool2d):
                x = functional.max_pool2d(
                    x, layer.kernel_size, layer.stride, layer.padding, ceil_mode=layer.ceil_mode
                )
            elif isinstance(layer, Flatten):
                x = x.flatten(1)
            elif isinstance(layer, Sequential):
                x = self._run(layer, x, f"{prefix}{name}.")
            else:
                assert isinstance(layer, Dropout)
                assert layer.rate == 0
        return x

    def loss(self, batch, lam):
        net = self.network
        features = self._run(net.features, torch.tensor(np.ascontiguousarray(batch.images)), "features.")
        size = net.roi_pool.output_size
        size = size if isinstance(size, int) else size[0]
        pooled = _torch_roi_pool(features, batch.rois, batch.image_index, size, net.roi_pool.spatial_scale)
        x = self._run(net.head, pooled, "head.")
        w = self.weights
        scores = functional.linear(x, w["outputs.cls_score.weight"], w["outputs.cls_score.bias"])
        offsets = functional.linear(x, w["outputs.bbox_pred.weight"], w["outputs.bbox_pred.bias"])
        labels = torch.tensor(batch.labels)
        own = offsets.reshape(len(labels), -1, 4)[torch.arange(len(labels)), labels]
        difference = (own - torch.tensor(batch.bbox_targets))[labels > 0].abs()
        smooth = torch.where(difference < 1, 0.5 * difference**2, difference - 0.5).sum() / len(labels)
        return functional.cross_entropy(scores, labels) + lam * smooth

    def update(self, lr, momentum, decay):
        """Caffe's rule, written out: v = m v + lr (g + wd w); w = w - v."""
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                w = self.weights[name]
                gradient = w.grad + decay * parameter.decay_multiplier * w
                v = self.momentum[name]
                v.mul_(momentum).add_(gradient, alpha=lr * parameter.lr_multiplier)
                w -= v
                w.grad = None


def _in_float64(batch):
    return dataclasses.replace(
        batch,
        images=batch.images.astype(np.float64),
        rois=batch.rois.astype(np.float64),
        bbox_targets=batch.bbox_targets.astype(np.float64),
    )


def _relative(ours, theirs):
    theirs = theirs.detach().numpy()
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-6)


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
    twin = _Twin(trainer.network)
    solver = trainer.settings.solver
    for iteration in range(20):
        batch = _in_float64(trainer.make_batch(iteration))
        trainer.network.zero_grad()
        losses = trainer.gradients(batch)
        loss = twin.loss(batch, trainer.settings.bbox_loss_weight)
        loss.backward()
        assert losses["loss"] == pytest.approx(loss.item(), rel=1e-4)
        for name, parameter in trainer.network.named_parameters():
            assert _relative(parameter.grad, twin.weights[name].grad) < 1e-4, (iteration, name)
        trainer.state.optimizer.lr = solver.learning_rate
        trainer.state.optimizer.step()
        twin.update(solver.learning_rate, solver.momentum, solver.weight_decay)
        for name, parameter in trainer.network.named_parameters():
            assert _relative(parameter.data, twin.weights[name]) < 1e-4, (iteration, name)
    assert np.isfinite(losses["loss"])
