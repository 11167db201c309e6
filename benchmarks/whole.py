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

import numpy as np
import torch
from skimage.data import coffee
from torchvision.ops import batched_nms, clip_boxes_to_image, roi_pool

from benchmarks.convolution import better_layout
from benchmarks.detection import random_fast_rcnn
from benchmarks.harness import Contest, Work, close_to
from benchmarks.networks import twin
from benchmarks.proposals import opencv_search
from minircnn import pretrained
from minircnn.backbones import vgg16
from minircnn.detectors import FastRCNN, ImageScale
from minircnn.proposals import SelectiveSearch

PROPOSALS = 500
"""As many as both searches find on the photo, and more."""


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
    return random_fast_rcnn(vgg16(rng=np.random.default_rng(0)), {})


def _contest(build: Callable[[], FastRCNN]) -> Contest:
    photo = coffee()  # 400 × 600
    search = SelectiveSearch("fast", limit=PROPOSALS, n_jobs=2)
    detector = dataclasses.replace(build(), proposer=search)
    theirs = better_layout(lambda layout: partial(_detect, _peer(detector, photo, layout), detector, photo))

    def check(ours: Any, boxes: Any) -> str:
        assert len(ours) > 0
        assert len(boxes) > 0
        proposals = search.propose(photo)
        assert len(proposals) == PROPOSALS
        judged = detector.judge_in_batches(detector.look(photo), proposals)
        peer = _peer(detector, photo, torch.channels_last)(proposals)
        # of what is decided after that, suppression is compared in rows of its own
        return f"scores and boxes of the same proposals {close_to(1e-3)(judged, peer)}"

    return Contest(lambda: detector.detect(photo), theirs, check)


def opencv_proposals(photo: Any) -> Any:
    """Return the first boxes (R, 4) of OpenCV's selective search in its fast mode."""
    found = opencv_search(np.ascontiguousarray(photo[:, :, ::-1]))
    large = (found[:, 2:] >= 20).all(axis=1)
    found = found[large][:PROPOSALS].astype(np.float32)
    return np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)


def _peer(detector: FastRCNN, photo: Any, layout: torch.memory_format) -> Callable[[Any], Any]:
    """Return what judges proposals (R, 4) in the peer: scores (R, K) and boxes (R, K, 4)."""
    network = detector.network
    parts = [network.features, network.head, network.outputs.cls_score, network.outputs.bbox_pred]
    features, head, cls_score, bbox_pred = (twin(part).eval() for part in parts)
    features.to(memory_format=layout)
    pool = network.roi_pool
    mean, std = (torch.tensor(np.array(a)) for a in (detector.target_mean, detector.target_std))

    @torch.inference_mode()
    def judge(proposals: Any) -> Any:
        boxes = torch.tensor(proposals)
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
        return scores, torch.cat([centre - half, centre + half], dim=2)

    return judge


@torch.inference_mode()
def _detect(judge: Callable[[Any], Any], detector: FastRCNN, photo: Any) -> Any:
    """Return the boxes (D, 4) that the peer finds in a photo."""
    post, size = detector.postprocess, photo.shape[:2]
    scores, moved = judge(opencv_proposals(photo))
    best, order = scores.topk(min(post.top_per_class, len(scores)), dim=0)  # (T, K)
    row, label = torch.nonzero(best >= post.min_score, as_tuple=True)
    some, own = best[row, label], clip_boxes_to_image(moved[order[row, label], label], size)
    return own[batched_nms(own, some, label, post.nms_iou)[: post.max_detections]].numpy()
