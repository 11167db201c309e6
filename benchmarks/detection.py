"""Fast R-CNN against R-CNN: the same network, photo and proposals; both sides are ours.

Girshick (Fast R-CNN, 2015, table 4) reports 47 seconds against 0.32, or 0.22 with truncated SVD, on a GPU and
without the time for proposals. The weights here are random: times depend on the shapes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from skimage.data import coffee

from benchmarks.harness import Contest, Work
from minircnn.backbones import Backbone, vgg16
from minircnn.detectors import RCNN, FastRCNN, FastRCNNNetwork, RCNNNetwork, WarpSettings
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.nn import Linear, Sequential
from minircnn.proposals import SelectiveSearch

CLASSES = tuple(f"class {k}" for k in range(1, 21))
PROPOSALS = 2000


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    for name, ranks in (
        ("VGG16", {}),
        ("VGG16, fc6 of rank 1024, fc7 of rank 256", {"fc6": 1024, "fc7": 256}),
    ):
        yield Work("Fast R-CNN detection", name, "R-CNN (ours)", partial(_detection, ranks))


def _detection(ranks: dict[str, int]) -> Contest:
    image = coffee()  # 400 × 600: scaled to 600 × 900 for Fast R-CNN
    proposer = SelectiveSearch("quality", limit=PROPOSALS)
    proposals = proposer.propose(image)
    assert len(proposals) == PROPOSALS
    fast, slow = (
        random_fast_rcnn(vgg16(rng=np.random.default_rng(0)), ranks),
        random_rcnn(vgg16(rng=np.random.default_rng(0))),
    )

    def check(ours: Any, theirs: Any) -> str:
        assert len(ours) > 0
        assert len(theirs) > 0
        return "two detectors with random weights: only their times are compared"

    return Contest(
        lambda: fast.detect(image, proposals=proposals),
        lambda: slow.detect(image, proposals=proposals),
        check,
        rounds=1,
    )


def random_fast_rcnn(backbone: Backbone, ranks: dict[str, int]) -> FastRCNN:
    """Return a detector with random weights, `ranks` of whose layers are compressed."""
    network = FastRCNNNetwork(backbone, len(CLASSES), rng=np.random.default_rng(1))
    for name, rank in ranks.items():  # the two thin layers that truncated SVD leaves, section 3.1
        outputs, inputs = getattr(network.head, name).weight.data.shape
        rng = np.random.default_rng(2)
        thin = Sequential(vt=Linear(inputs, rank, rng=rng), u=Linear(rank, outputs, rng=rng))
        setattr(network.head, name, thin)
    return FastRCNN(network, backbone.normalization, CLASSES, SelectiveSearch(), *box_units())


def box_units(classes: int = len(CLASSES)) -> tuple[Any, Any]:
    """Return a mean and a standard deviation of box targets, (K+1, 4) each."""
    shape = (classes + 1, 4)
    return np.zeros(shape, np.float32), np.full(shape, 0.1, np.float32)


def random_rcnn(backbone: Backbone) -> RCNN:
    """Return a detector with random weights."""
    svms, regressors = linear_parts(backbone.feature_dim, backbone.channels * backbone.roi_size**2)
    return RCNN(
        RCNNNetwork(backbone, len(CLASSES), rng=np.random.default_rng(3)),
        backbone.normalization,
        CLASSES,
        SelectiveSearch(),
        svms,
        regressors,
        WarpSettings(crop_size=backbone.crop_size),
        batch=16,
    )


def linear_parts(fc7: int, pool5: int) -> tuple[LinearSVMs, BoxRegressors]:
    """Return SVMs of `fc7` and regressors of `pool5` numbers, with random weights."""
    rng, k = np.random.default_rng(3), len(CLASSES)
    svms = LinearSVMs.from_weights(rng.normal(size=(k, fc7)).astype(np.float32), np.zeros(k, np.float32))
    weight = (rng.normal(size=(k, 4, pool5)) * 1e-4).astype(np.float32)
    return svms, BoxRegressors(weight, np.zeros((k, 4), np.float32))
