"""Fast R-CNN and Faster R-CNN computed and differentiated by PyTorch, layer for layer as ours."""

import math

import numpy as np
import torch

from minircnn.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential

functional = torch.nn.functional


def torch_roi_pool(features, rois, image_index, size, scale):
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


class Twin:
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
        """Fast R-CNN's multi-task loss of a batch."""
        features = self.features(batch.images)
        rois = batch.rois, batch.image_index, batch.labels, batch.bbox_targets
        return self.loss_of_regions(features, *rois, lam)

    def features(self, images):
        """The feature map of normalised photos."""
        return self._run(self.network.features, torch.tensor(np.ascontiguousarray(images)), "features.")

    def rpn(self, features):
        """Logits (N, M, 2) and offsets (N, M, 4) of all anchors: rows, columns, anchors."""
        hidden = self._run(self.network.rpn.window, features, "rpn.window.")
        w = self.weights
        scores = functional.conv2d(hidden, w["rpn.cls_score.weight"], w["rpn.cls_score.bias"])
        offsets = functional.conv2d(hidden, w["rpn.bbox_pred.weight"], w["rpn.bbox_pred.bias"])
        count, _, height, width = scores.shape
        scores = scores.reshape(count, 2, -1, height, width).permute(0, 3, 4, 2, 1)
        offsets = offsets.reshape(count, -1, 4, height, width).permute(0, 3, 4, 1, 2)
        return scores.reshape(count, -1, 2), offsets.reshape(count, -1, 4)

    def loss_of_regions(self, features, rois, image_index, labels, targets, lam):
        """The multi-task loss of regions on a map."""
        net = self.network
        size = net.roi_pool.output_size
        size = size if isinstance(size, int) else size[0]
        pooled = torch_roi_pool(features, rois, image_index, size, net.roi_pool.spatial_scale)
        x = self._run(net.head, pooled, "head.")
        w = self.weights
        scores = functional.linear(x, w["outputs.cls_score.weight"], w["outputs.cls_score.bias"])
        offsets = functional.linear(x, w["outputs.bbox_pred.weight"], w["outputs.bbox_pred.bias"])
        labels = torch.tensor(labels)
        own = offsets.reshape(len(labels), -1, 4)[torch.arange(len(labels)), labels]
        difference = (own - torch.tensor(targets))[labels > 0].abs()
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

    def assert_same_step(self, trainer, losses, loss, where):
        """Compare loss and gradients, update both, and compare the weights; all to 1e-4."""
        loss.backward()
        assert abs(losses["loss"] - loss.item()) <= 1e-4 * abs(loss.item()), where
        for name, parameter in self.network.named_parameters():
            assert _relative(parameter.grad, self.weights[name].grad) < 1e-4, (where, name)
        solver = trainer.settings.solver
        trainer.state.optimizer.lr = solver.learning_rate
        trainer.state.optimizer.step()
        self.update(solver.learning_rate, solver.momentum, solver.weight_decay)
        for name, parameter in self.network.named_parameters():
            assert _relative(parameter.data, self.weights[name]) < 1e-4, (where, name)


def _relative(ours, theirs):
    theirs = theirs.detach().numpy()
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-6)
