"""What a photo takes, stage by stage, in the papers' sizes (Fast R-CNN, table 4; Faster R-CNN, table 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn.backbones import build_backbone
from minircnn.data.photos import load_photo
from minircnn.experiments.across.operations import of_detection
from minircnn.experiments.across.random_detectors import (
    FIVE_SCALES,
    Maker,
    fast_rcnn,
    faster_rcnn,
    rcnn,
    sppnet,
)
from minircnn.experiments.base import Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.profiling import Stage, profiled
from minircnn.proposals import SelectiveSearch
from minircnn.structures import FloatArray, ImageArray

_DETECTORS: dict[str, tuple[str, Maker]] = {
    "rcnn": ("R-CNN", rcnn),
    "sppnet": ("SPP-net", sppnet),
    "sppnet-5": ("SPP-net, five scales", partial(sppnet, scales=FIVE_SCALES)),
    "fast-rcnn": ("Fast R-CNN", fast_rcnn),
    "fast-rcnn-svd": ("Fast R-CNN, truncated SVD", partial(fast_rcnn, thin=True)),
    "faster-rcnn": ("Faster R-CNN", faster_rcnn),
}
_NETWORKS = {"alexnet": "AlexNet", "vgg16": "VGG16"}

_PUBLISHED: dict[str, Mapping[str, float]] = {
    "rcnn-alexnet": {"seconds": 9.8, "whole": 53.0},  # the whole: on a CPU
    "rcnn-vgg16": {"seconds": 47.0},
    "sppnet-5-vgg16": {"seconds": 2.3},
    "fast-rcnn-alexnet": {"seconds": 0.10},
    "fast-rcnn-vgg16": {"seconds": 0.32, "convolutions": 0.146, "proposals": 1.51, "whole": 1.83},
    "fast-rcnn-svd-alexnet": {"seconds": 0.06},
    "fast-rcnn-svd-vgg16": {"seconds": 0.22},
    "faster-rcnn-vgg16": {"seconds": 0.198, "convolutions": 0.141, "proposals": 0.010, "whole": 0.198},
}

_STAGES = {
    "input": ("warp and normalise", "scale and normalise"),
    "convolutions": ("convolutions",),
    "pooling": ("pool5", "pyramid pooling", "RoI pooling"),
    "head": ("fully connected", "outputs", "SVMs", "box regression"),
    "selection": ("decoding", "clipping and NMS"),
}
"""Columns, and the stages of a profile that they add up."""

_PROPOSALS, _QUICK_PROPOSALS = 2000, 16
_SHORT_SIDE, _QUICK_SHORT_SIDE = 600, 120
_QUICK_WIDTHS = (64, 64)
_WARM_UP = 8


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each detector with each network; the quick form has the small network only."""
    return [
        Row(
            f"{name}-{network}",
            f"{title}, {_NETWORKS[network]}",
            partial(_measure, make=make, network=network),
            _PUBLISHED.get(f"{name}-{network}", {}),
        )
        for network in _NETWORKS
        if network == "alexnet" or not bench.quick
        for name, (title, make) in _DETECTORS.items()
    ]


def _measure(bench: Bench, make: Maker, network: str) -> Measurement:
    rng = np.random.default_rng(bench.seed)
    narrow: dict[str, Any] = {"widths": _QUICK_WIDTHS} if bench.quick else {}
    backbone = build_backbone(network, rng=rng, **narrow)
    detector = make(backbone, _QUICK_SHORT_SIDE if bench.quick else _SHORT_SIDE, rng)
    image = photo()[:_QUICK_SHORT_SIDE] if bench.quick else photo()
    proposals, searched = _search(bench, image)
    given = None if detector.proposer is None else proposals
    # filters are brought into the form that convolutions want once, and kept
    detector.detect(image, proposals=None if given is None else given[:_WARM_UP])
    with profiled() as profile:
        detector.detect(image, proposals=given)
    regions = len(detector.propose(detector.look(image))) if given is None else len(given)
    products = of_detection(detector, image, regions)
    own = _sum(profile, ("proposals",))  # of a network that proposes
    return Measurement(
        {
            "seconds": profile.seconds,
            "products": products / 1e9,
            "rate": products / 1e9 / profile.seconds,
            "proposals": own if given is None else searched,
            "whole": profile.seconds + (0.0 if given is None else searched),
            **{column: _sum(profile, stages) for column, stages in _STAGES.items()},
            "regions": regions,
        }
    )


def photo() -> ImageArray:
    """Return a photo of the size that VOC's have: 600 × 800 pixels once its shorter side is 600."""
    return load_photo("skimage/astronaut.png")[:375, :500]


def _search(bench: Bench, image: ImageArray) -> tuple[FloatArray, float]:
    """Return the proposals of a photo, and what they took."""
    limit = bench.limit or (_QUICK_PROPOSALS if bench.quick else _PROPOSALS)
    search = SelectiveSearch(limit=limit)
    with profiled() as profile:
        boxes = search.propose(image)
    return boxes, profile.seconds


def _sum(profile: Stage, names: Sequence[str]) -> float:
    return sum(profile.children[name].seconds for name in names if name in profile.children)


def _ratio(what: str, of: str, than: str, column: str = "seconds") -> Effect:
    return Effect(what, of, than, column, ratio=True)


add_experiment(
    Experiment(
        name="timing",
        title="Seconds for a photo, and where they go",
        source="Fast R-CNN, table 4; Faster R-CNN, table 5; R-CNN, section 2.2",
        teaches="Of the factor 146 between R-CNN and Fast R-CNN, how much is arithmetic that is left out?",
        differs=(
            "One photo of 375 × 500 pixels, scaled to 600 × 800, its 2,000 best proposals, 20 classes, and "
            "random weights: no time depends on them. Ours are seconds on this machine's processors, the "
            "published ones are on a K40 graphics card (but 53 s for R-CNN with AlexNet and its proposals, "
            "on a CPU). Multiply-adds are counted for all regions and as the layers define them; our "
            "convolutions need fewer, and regions on the same cells of the map are judged once. AlexNet is "
            "Caffe's, model S of the paper. The 2.3 s published for SPP-net are those of five scales. "
            "Filters are prepared beforehand, and nothing is read from a disk."
        ),
        columns=[
            Column("seconds", "s/photo without selective search", 3, "time"),
            Column("products", "10⁹ multiply-adds", 1, "exact"),
            Column("regions", "regions judged", 0, "exact"),
            Column("rate", "10⁹ multiply-adds/s", 0, "time"),
            Column("proposals", "proposals, s", 3, "time"),
            Column("input", "warping or scaling, s", 3, "time"),
            Column("convolutions", "convolutions, s", 3, "time"),
            Column("pooling", "pooling of regions, s", 3, "time"),
            Column("head", "fully connected and outputs, s", 3, "time"),
            Column("selection", "decoding and NMS, s", 3, "time"),
            Column("whole", "s/photo with proposals", 3, "time"),
        ],
        rows=rows,
        effects=[
            _ratio("R-CNN : Fast, VGG16, time", "rcnn-vgg16", "fast-rcnn-vgg16"),
            _ratio("R-CNN : Fast, VGG16, multiply-adds", "rcnn-vgg16", "fast-rcnn-vgg16", "products"),
            _ratio("R-CNN : Fast, AlexNet, time", "rcnn-alexnet", "fast-rcnn-alexnet"),
            _ratio("R-CNN : Fast, AlexNet, multiply-adds", "rcnn-alexnet", "fast-rcnn-alexnet", "products"),
            _ratio("truncated SVD, VGG16, time", "fast-rcnn-svd-vgg16", "fast-rcnn-vgg16"),
            _ratio("Fast : Faster, VGG16, with proposals", "fast-rcnn-vgg16", "faster-rcnn-vgg16", "whole"),
        ],
        minutes=6,
        seeds=1,
        network="AlexNet and VGG16 with random weights, on one photo",
        trains=False,
    )
)
