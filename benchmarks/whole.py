"""From photo to boxes, against the same made of compiled parts (:mod:`benchmarks.whole_peers`).

Both look at the photo at the same scale and judge as many proposals. That they compute the same is checked on
the same proposals; in the contest each takes its own. Of weights that are drawn at random, times depend on
their shapes only. (Detectors without a network: HOG and the cascade, in rows of their own.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from skimage.data import coffee

from benchmarks.convolution import better_layout
from benchmarks.detection import CLASSES, box_units, linear_parts, random_fast_rcnn, random_rcnn
from benchmarks.harness import Contest, Work, close_to
from benchmarks.whole_peers import PROPOSALS, FasterRCNNPeer, FastRCNNPeer, Peer, RCNNPeer, SPPNetPeer
from minircnn import pretrained
from minircnn.backbones import alexnet, squeezenet1_1, vgg16
from minircnn.boxes import AnchorSettings
from minircnn.detectors import (
    RCNN,
    FasterRCNN,
    FasterRCNNNetwork,
    FastRCNN,
    ImageScale,
    SPPNet,
    SPPNetNetwork,
)
from minircnn.proposals import SelectiveSearch

MakePeer = Callable[[Any, Any, torch.memory_format], Peer]


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    names = "OpenCV, PyTorch and torchvision"
    cases: list[tuple[str, Callable[[], Any], MakePeer]] = [
        ("R-CNN, AlexNet", _rcnn, RCNNPeer),
        ("SPP-net, SqueezeNet 1.1, 400 pixels", _sppnet, SPPNetPeer),
        ("Fast R-CNN, SqueezeNet 1.1, 400 pixels", _squeezenet, FastRCNNPeer),
        ("Fast R-CNN, VGG16, 600 pixels", _vgg16, FastRCNNPeer),
        ("Faster R-CNN, VGG16, 600 pixels", _faster, FasterRCNNPeer),
    ]
    for name, build, peer in cases:
        yield Work("whole detection", name, names, partial(_contest, build, peer))


def _rcnn() -> RCNN:
    return dataclasses.replace(random_rcnn(alexnet(rng=np.random.default_rng(0))), batch=128)


def _sppnet() -> SPPNet:
    backbone = squeezenet1_1(rng=np.random.default_rng(0), widths=(1024, 1024))
    network = SPPNetNetwork(backbone, len(CLASSES), rng=np.random.default_rng(1))
    svms, regressors = linear_parts(backbone.feature_dim, 50 * backbone.channels)
    return SPPNet(
        network,
        backbone.normalization,
        CLASSES,
        SelectiveSearch(),
        svms=svms,
        regressors=regressors,
        scales=(400,),
    )


def _squeezenet() -> FastRCNN:
    detector: Any = pretrained.load()
    # box voting has no counterpart in torchvision
    post = dataclasses.replace(detector.postprocess, vote_iou=None)
    return dataclasses.replace(detector, scale=ImageScale(400, 1000), postprocess=post)


def _vgg16() -> FastRCNN:
    return random_fast_rcnn(vgg16(rng=np.random.default_rng(0)), {})


def _faster() -> FasterRCNN:
    backbone = vgg16(rng=np.random.default_rng(0))
    network = FasterRCNNNetwork(backbone, len(CLASSES), AnchorSettings(), rng=np.random.default_rng(1))
    return FasterRCNN(network, backbone.normalization, CLASSES, None, *box_units())


def _contest(build: Callable[[], Any], make_peer: MakePeer) -> Contest:
    photo, detector = coffee(), build()  # 400 × 600
    if not detector.proposes:
        detector.proposer = SelectiveSearch("fast", limit=PROPOSALS, n_jobs=2)
    theirs = better_layout(lambda layout: make_peer(detector, photo, layout).detect)

    def check(ours: Any, boxes: Any) -> str:
        assert len(ours) > 0
        assert len(boxes) > 0
        view = detector.look(photo)
        proposals = detector.propose(view)
        judged = detector.judge_in_batches(view, proposals)
        peer = make_peer(detector, photo, torch.channels_last)
        with torch.inference_mode():
            seen = peer.look()
            assert len(peer.propose(seen)) == len(proposals)
            same = peer.judge(seen, torch.from_numpy(proposals))
        # of what is decided after that, suppression is compared in rows of its own
        return f"scores and boxes of the same proposals {close_to(1e-3)(judged, same)}"

    return Contest(lambda: detector.detect(photo), theirs, check)
