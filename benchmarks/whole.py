"""From photo to boxes, against the same made of compiled parts.

The peer proposes with OpenCV's selective search, runs a PyTorch network with the same weights, and pools
regions and suppresses boxes with torchvision's operators. Both look at the photo at the same scale and judge
as many proposals. That they compute the same is checked on the same proposals; in the contest each takes its
own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from skimage.data import coffee
from torchvision.ops import batched_nms, clip_boxes_to_image, roi_pool

from benchmarks.convolution import better_layout
from benchmarks.detection import CLASSES
from benchmarks.harness import Contest, Work
from benchmarks.networks import twin
from minircnn import pretrained
from minircnn.backbones import vgg16
from minircnn.detectors import FastRCNN, FastRCNNNetwork, ImageScale
from minircnn.proposals import SelectiveSearch

PROPOSALS = 500
"""As many as both searches find on the photo, and more."""
_SIGMA, _K = 0.8, 50


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    peer = "OpenCV, PyTorch and torchvision"
    for name, build in (
        ("Fast R-CNN, SqueezeNet 1.1, 400 pixels", _squeezenet),
        ("Fast R-CNN, VGG16, 600 pixels", _vgg16),
    ):
        yield Work("whole detection", name, peer, partial(_contest, build))


def _squeezenet() -> FastRCNN:
    detector: Any = pretrained.load()
    # box voting has no counterpart in torchvision
    post = dataclasses.replace(detector.postprocess, vote_iou=None)
    return dataclasses.replace(detector, scale=ImageScale(400, 1000), postprocess=post)


def _vgg16() -> FastRCNN:
    """Return a detector of random weights: times depend on the shapes only."""
    backbone = vgg16(rng=np.random.default_rng(0))
    network = FastRCNNNetwork(backbone, len(CLASSES), rng=np.random.default_rng(1))
    columns = len(CLASSES) + 1
    mean, std = np.zeros((columns, 4), np.float32), np.full((columns, 4), 0.1, np.float32)
    return FastRCNN(network, backbone.normalization, CLASSES, None, mean, std)


def _contest(build: Callable[[], FastRCNN]) -> Contest:
    photo = coffee()  # 400 × 600
    search = SelectiveSearch("fast", limit=PROPOSALS, n_jobs=2)
    detector = dataclasses.replace(build(), proposer=search)
    theirs = better_layout(partial(_peer, detector, photo))
    peer = _peer(detector, photo, torch.channels_last)

    def check(ours: Any, boxes: Any) -> str:
        assert len(ours) > 0
        assert len(boxes) > 0
        proposals = search.propose(photo)
        assert len(proposals) == PROPOSALS
        mine = detector.detect(photo, proposals=proposals)
        scores, boxes = peer(proposals)
        assert len(mine) == len(scores), f"{len(mine)} and {len(scores)} detections of the same proposals"
        score = float(np.abs(mine.scores - scores).max())
        place = float(np.median(np.abs(mine.boxes - boxes).max(axis=1)))  # equal scores may change places
        assert score < 1e-3, f"scores differ by {score:.2g}"
        assert place < 0.1, f"boxes differ by {place:.2g} pixels"
        return f"{len(mine)} detections of the same proposals, scores within {score:.0e}"

    return Contest(lambda: detector.detect(photo), lambda: theirs()[1], check)


def opencv_proposals(photo: Any) -> Any:
    """Return the first boxes (R, 4) of OpenCV's selective search in its fast mode."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(photo[:, :, ::-1]))
    search.switchToSelectiveSearchFast(base_k=_K, inc_k=_K, sigma=_SIGMA)
    found = search.process()
    large = (found[:, 2:] >= 20).all(axis=1)
    found = found[large][:PROPOSALS].astype(np.float32)
    return np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)


def _peer(detector: FastRCNN, photo: Any, layout: torch.memory_format) -> Callable[..., Any]:
    """Return the peer: proposals, or none for its own search, to scores (D,) and boxes (D, 4)."""
    network, post = detector.network, detector.postprocess
    parts = [network.features, network.head, network.outputs.cls_score, network.outputs.bbox_pred]
    features, head, cls_score, bbox_pred = (twin(part).eval() for part in parts)
    features.to(memory_format=layout)
    pool = network.roi_pool
    mean, std = (torch.tensor(np.array(a)) for a in (detector.target_mean, detector.target_std))
    height, width = photo.shape[:2]

    @torch.inference_mode()
    def run(proposals: Any = None) -> Any:
        boxes = torch.tensor(opencv_proposals(photo) if proposals is None else proposals)
        pixels, scale = detector.network_input(photo, detector.scale)  # ours, or scores would differ
        x = torch.from_numpy(pixels).contiguous(memory_format=layout)
        regions = boxes * float(scale)
        last = torch.tensor([0.0, 0.0, 1.0, 1.0])  # torchvision includes the last pixel of a region
        rois = torch.cat([torch.zeros(len(boxes), 1), regions - last], dim=1)
        fc7 = head(roi_pool(features(x), rois, pool.output_size, pool.spatial_scale))
        scores = cls_score(fc7).softmax(dim=1)[:, 1:]
        t = (bbox_pred(fc7).reshape(len(boxes), -1, 4) * std + mean)[:, 1:]
        size = (boxes[:, 2:] - boxes[:, :2])[:, None]
        centre = (boxes[:, 2:] + boxes[:, :2])[:, None] / 2 + t[..., :2] * size
        half = size * torch.exp(t[..., 2:]) / 2
        moved = torch.cat([centre - half, centre + half], dim=2)
        best, order = scores.topk(min(post.top_per_class, len(boxes)), dim=0)  # (T, K)
        row, label = torch.nonzero(best >= post.min_score, as_tuple=True)
        some, own = best[row, label], clip_boxes_to_image(moved[order[row, label], label], (height, width))
        kept = batched_nms(own, some, label, post.nms_iou)[: post.max_detections]
        return some[kept].numpy(), own[kept].numpy()

    return run
