"""Our detectors made of compiled parts: OpenCV, PyTorch with the same weights, torchvision's operators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import torch
from torchvision.ops import batched_nms, clip_boxes_to_image, nms, roi_pool

from benchmarks.boxes import warp_with_opencv
from benchmarks.networks import twin
from benchmarks.proposals import opencv_search
from minircnn.detectors import RCNN, FasterRCNN, FastRCNN, ImageScale, SPPNet
from minircnn.detectors.sppnet import image_scales

PROPOSALS = 500
"""As many as both searches find on the photo, and more."""


class Peer(ABC):
    """What looks at a photo, proposes and judges in the place of `detector`; maps lie in memory as `layout`.

    Proposals are OpenCV's, unless a peer makes its own.
    """

    device = "cpu"
    """Where Fast R-CNN's peer may also be told to work: PyTorch's name of a GPU."""

    def __init__(self, detector: Any, photo: Any, layout: torch.memory_format) -> None:
        self.detector, self.photo, self.layout = detector, photo, layout

    @abstractmethod
    def look(self) -> Any:
        """Return what is made of the photo once, for all regions."""

    def propose(self, seen: Any) -> torch.Tensor:
        """Return the regions (R, 4) to judge."""
        return torch.from_numpy(opencv_proposals(self.photo))

    @abstractmethod
    def judge(self, seen: Any, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores (R, K) of regions `boxes` (R, 4), and where each class would move them (R, K, 4)."""

    @torch.inference_mode()
    def detect(self) -> Any:
        """Return the boxes (D, 4) that are found in the photo."""
        post, size = self.detector.postprocess, self.photo.shape[:2]
        seen = self.look()
        scores, moved = self.judge(seen, self.propose(seen))
        best, order = scores.topk(min(post.top_per_class, len(scores)), dim=0)  # (T, K)
        row, label = torch.nonzero(best >= post.min_score, as_tuple=True)
        some, own = best[row, label], clip_boxes_to_image(moved[order[row, label], label], size)
        return own[batched_nms(own, some, label, post.nms_iou)[: post.max_detections]].cpu().numpy()


def opencv_proposals(photo: Any) -> Any:
    """Return the first boxes (R, 4) of OpenCV's selective search in its fast mode."""
    found = opencv_search(np.ascontiguousarray(photo[:, :, ::-1]))
    large = (found[:, 2:] >= 20).all(axis=1)
    found = found[large][:PROPOSALS].astype(np.float32)
    return np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)


def move(boxes: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Return boxes (R, 4) moved by each class' `offsets` (R, K, 4)."""
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]
    centre = (boxes[:, 2:] + boxes[:, :2])[:, None] / 2 + offsets[..., :2] * size
    half = size * torch.exp(offsets[..., 2:]) / 2
    return torch.cat([centre - half, centre + half], dim=2)


class SeenMap(NamedTuple):
    """A map (1, C, H, W), and how much larger its photo was for the network."""

    map: torch.Tensor
    scale: float


class MapPeer(Peer):
    """A peer that convolves the photo once."""

    def __init__(self, detector: Any, photo: Any, layout: torch.memory_format, scale: ImageScale) -> None:
        super().__init__(detector, photo, layout)
        self.features = twin(detector.network.features).eval().to(self.device, memory_format=layout)
        self.head = twin(detector.network.head).eval().to(self.device)
        self.pool = detector.network.pool
        self.scale = scale

    def look(self) -> SeenMap:
        """Return the map."""
        pixels, factor = self.detector.network_input(self.photo, self.scale)  # ours, or scores would differ
        x = torch.from_numpy(pixels).to(self.device).contiguous(memory_format=self.layout)
        return SeenMap(self.features(x), float(factor))


class FastRCNNPeer(MapPeer):
    """Fast R-CNN with torchvision's RoI pooling."""

    def __init__(self, detector: FastRCNN, photo: Any, layout: torch.memory_format) -> None:
        super().__init__(detector, photo, layout, detector.scale)
        outputs = detector.network.outputs
        self.cls_score, self.bbox_pred = (
            twin(layer).to(self.device) for layer in (outputs.cls_score, outputs.bbox_pred)
        )
        self.mean, self.std = (
            torch.tensor(np.array(a), device=self.device) for a in (detector.target_mean, detector.target_std)
        )

    def judge(self, seen: SeenMap, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pool each region from the map."""
        last = boxes.new_tensor([0.0, 0.0, 1.0, 1.0])  # torchvision includes the last pixel of a region
        rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes * seen.scale - last], dim=1)
        fc7 = self.head(roi_pool(seen.map, rois, self.pool.output_size, self.pool.spatial_scale))
        offsets = self.bbox_pred(fc7).reshape(len(boxes), -1, 4) * self.std + self.mean
        return self.cls_score(fc7).softmax(dim=1)[:, 1:], move(boxes, offsets[:, 1:])


class FasterRCNNPeer(FastRCNNPeer):
    """Fast R-CNN with a region proposal network on its map."""

    detector: FasterRCNN

    def __init__(self, detector: FasterRCNN, photo: Any, layout: torch.memory_format) -> None:
        super().__init__(detector, photo, layout)
        rpn = detector.network.rpn
        parts = (rpn.window, rpn.cls_score, rpn.bbox_pred)
        self.window, self.objectness, self.offsets = (twin(p).to(memory_format=layout) for p in parts)

    def propose(self, seen: SeenMap) -> torch.Tensor:
        """Return the best of the moved anchors."""
        settings, (_, _, height, width) = self.detector.proposing, seen.map.shape
        hidden = self.window(seen.map)
        logits = self.objectness(hidden).reshape(2, -1, height, width)  # background of all, object of all
        scores = (logits[1] - logits[0]).sigmoid().permute(1, 2, 0).reshape(-1)
        offsets = self.offsets(hidden).reshape(-1, 4, height, width).permute(2, 3, 0, 1).reshape(-1, 1, 4)
        anchors = torch.from_numpy(self.detector.network.anchors_on(seen.map.numpy()))
        size = (self.photo.shape[0] * seen.scale, self.photo.shape[1] * seen.scale)
        boxes = clip_boxes_to_image(move(anchors, offsets)[:, 0], size)  # type: ignore[arg-type]
        least = settings.min_size * seen.scale
        large = torch.nonzero((boxes[:, 2:] - boxes[:, :2] >= least).all(dim=1))[:, 0]
        best = large[scores[large].topk(min(settings.top_before or len(large), len(large))).indices]
        kept = best[nms(boxes[best], scores[best], settings.nms_iou)[: settings.top_after]]
        return boxes[kept] / seen.scale


class LinearParts:
    """A detector's SVMs and box regressors."""

    def __init__(self, detector: RCNN | SPPNet) -> None:
        svms, boxes = detector.svms, detector.regressors
        self.svms, self.intercepts = torch.tensor(svms.coef_), torch.tensor(svms.intercept_)
        self.regressors = torch.tensor(boxes.weight).flatten(0, 1)  # (4K, D)
        self.shifts = torch.tensor(boxes.bias)

    def judge(
        self, pool5: torch.Tensor, fc7: torch.Tensor, boxes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Ask the SVMs what each region is, and the regressors where."""
        offsets = (pool5 @ self.regressors.T).reshape(len(boxes), -1, 4) + self.shifts
        return fc7 @ self.svms.T + self.intercepts, move(boxes, offsets)


class SPPNetPeer(MapPeer):
    """SPP-net at one scale: torchvision's RoI pooling once for each level of the pyramid."""

    detector: SPPNet

    def __init__(self, detector: SPPNet, photo: Any, layout: torch.memory_format) -> None:
        (scale,) = image_scales(detector.scales)
        super().__init__(detector, photo, layout, scale)
        self.linear = LinearParts(detector)

    def judge(self, seen: SeenMap, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pool a pyramid for each region from the map."""
        rois = torch.cat(
            [torch.zeros(len(boxes), 1), self._cells(boxes * seen.scale, seen.map.shape[2:])], dim=1
        )
        pyramid = [roi_pool(seen.map, rois, level, 1.0).flatten(1) for level in self.pool.levels]
        pool5 = torch.cat(pyramid, dim=1)
        return self.linear.judge(pool5, self.head(pool5), boxes)

    def _cells(self, boxes: torch.Tensor, size: torch.Size) -> torch.Tensor:
        """Return the first and the last cell of each region, (R, 4): those whose positions lie inside."""
        scaled = boxes.double() * self.pool.spatial_scale
        limits = torch.tensor([size[1] - 1, size[0] - 1])
        first = (scaled[:, :2].floor() + 1).clamp(torch.zeros(2), limits)
        last = (scaled[:, 2:].ceil() - 1).minimum(limits).maximum(first)
        return torch.cat([first, last], dim=1).float()


class RCNNPeer(Peer):
    """R-CNN: OpenCV cuts and resizes the crops, and the network runs for each."""

    detector: RCNN

    def __init__(self, detector: RCNN, photo: Any, layout: torch.memory_format) -> None:
        super().__init__(detector, photo, layout)
        network = detector.network
        self.features = twin(network.features).eval().to(memory_format=layout)
        self.last_pool, self.head = twin(network.last_pool).eval(), twin(network.head).eval()
        self.linear = LinearParts(detector)

    def look(self) -> Any:
        """Return the photo, (H, W, 3)."""
        return self.photo.astype(np.float32)

    def judge(self, seen: Any, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Warp the regions and run the network on them, as many at once as the detector does."""
        normalization = self.detector.normalization
        parts = []
        for some in boxes.split(self.detector.batch):
            crops = warp_with_opencv(seen, some.numpy(), normalization.fill)
            x = torch.from_numpy(normalization.apply(crops)).contiguous(memory_format=self.layout)
            pool5 = self.last_pool(self.features(x)).contiguous()
            parts.append(self.linear.judge(pool5.flatten(1), self.head(pool5), some))
        scores, moved = zip(*parts, strict=True)
        return torch.cat(scores), torch.cat(moved)
