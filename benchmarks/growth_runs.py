"""The pieces of work that ``python -m benchmarks.growth`` measures, each with data of a given size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from skimage.data import astronaut, coffee, lbp_frontal_face_cascade_filename

from benchmarks.detection import CLASSES, box_units
from minircnn.backbones import Backbone, tiny, vgg16
from minircnn.boxes import AnchorSettings, nms
from minircnn.detectors import (
    RCNN,
    FasterRCNN,
    FasterRCNNNetwork,
    FastRCNN,
    FastRCNNNetwork,
    HogSVM,
    ImageScale,
    PostprocessSettings,
    SPPNet,
    SPPNetNetwork,
    WarpSettings,
)
from minircnn.features import SIFT_STYLES, dense_sift, sift_features
from minircnn.heads import BoxRegressor, BoxRegressors, LinearSVMs, fit_one_vs_rest
from minircnn.heads.cascade import read_cascade, scan
from minircnn.imaging import exact_grey, resize_image, warp_regions
from minircnn.kernels.split import split
from minircnn.nn import SGD, MaxPool2d, RoIPool, multi_task_loss
from minircnn.proposals import SelectiveSearch, SlidingWindow, graph_segmentation

SIDES = {h * w: (h, w) for h, w in ((128, 128), (128, 256), (256, 256), (256, 512), (512, 512))}
"""Height and width of photos and maps by their pixels, which double."""

Run = Callable[[], Any]


def _photo(pixels: int) -> Any:
    return np.rint(resize_image(astronaut(), *SIDES[pixels])).astype(np.uint8)


def _map(pixels: int, channels: int) -> Any:
    """Return values (1, C, H, W) that lie channels last, as our layers pass them on."""
    values = np.random.default_rng(0).standard_normal((1, *SIDES[pixels], channels), dtype=np.float32)
    return values.transpose(0, 3, 1, 2)


def segmentation(pixels: int) -> Run:
    return partial(graph_segmentation, _photo(pixels))


def selective_search(pixels: int) -> Run:
    return partial(SelectiveSearch("fast").propose, _photo(pixels))


def face_cascade(pixels: int) -> Run:
    """Scan for faces with scikit-image's cascade of binary patterns."""
    cascade = read_cascade(lbp_frontal_face_cascade_filename())
    return partial(scan, exact_grey(_photo(pixels)), cascade)


def hog_windows(pixels: int) -> Run:
    """Score all windows of a person's size, by weights of chance, and return how many there are."""
    people = HogSVM.people(np.random.default_rng(0).normal(0, 0.01, 3781))
    photo = _photo(pixels)
    return lambda: sum(scores[0].size for _, scores in people.levels(photo))


def key_points(pixels: int) -> Run:
    photo = exact_grey(_photo(pixels))
    return lambda: sift_features(photo, SIFT_STYLES["opencv"])[1]


def dense_descriptors(pixels: int) -> Run:
    photo = exact_grey(_photo(pixels))
    return lambda: dense_sift(photo)[0]


def vgg16_run(pixels: int) -> Run:
    backbone = vgg16(rng=np.random.default_rng(0), widths=(8, 8))  # its fully connected layers are not used
    backbone.features.eval()
    return partial(backbone.features.forward, _map(pixels, 3))


def max_pooling(pixels: int) -> Run:
    layer = MaxPool2d(2)
    layer.eval()
    return partial(layer.forward, _map(pixels, 64))


def regions_of(rng: np.random.Generator, count: int, height: int, width: int) -> Any:
    """Return (count, 4) float32 boxes within a photo, as large as proposals are."""
    low = rng.uniform(0, 0.9, (count, 2))
    high = np.minimum(low + rng.uniform(0.05, 0.7, (count, 2)), 1)
    return (np.concatenate([low, high], axis=1) * [width, height, width, height]).astype(np.float32)


def clustered(rng: np.random.Generator, count: int) -> Any:
    """Return (count, 4) float32 boxes jittered about 80 objects of a photo, as detections are."""
    centres, sides = rng.uniform(0, 1000, (80, 2)), rng.uniform(40, 200, (80, 2))
    of = rng.integers(0, 80, count)
    centre = centres[of] + rng.normal(0, 0.1, (count, 2)) * sides[of]
    half = sides[of] * np.exp(rng.normal(0, 0.2, (count, 2))) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def scattered(rng: np.random.Generator, count: int) -> Any:
    """Return (count, 4) float32 boxes on an area that grows with them: few suppress each other."""
    low = rng.uniform(0, 100 * np.sqrt(count), (count, 2))
    return np.concatenate([low, low + rng.uniform(20, 180, (count, 2))], axis=1).astype(np.float32)


def warping(regions: int) -> Run:
    """Warp in the blocks of R-CNN's detection, each block's crops being forgotten before the next's."""
    photo = coffee()
    boxes = regions_of(np.random.default_rng(0), regions, *photo.shape[:2])
    normalization = vgg16(widths=(8, 8)).normalization

    def run() -> None:
        for some in split(len(boxes), size=RCNN.batch):
            crops = warp_regions(photo, boxes[some], WarpSettings.crop_size, fill=normalization.fill)
            normalization.apply(crops)

    return run


def roi_pooling(regions: int) -> Run:
    rng = np.random.default_rng(0)
    maps = np.maximum(rng.standard_normal((1, 38, 50, 512), dtype=np.float32), 0).transpose(0, 3, 1, 2)
    rois, layer = regions_of(rng, regions, 600, 800), RoIPool(7, 1 / 16)
    layer.eval()
    return partial(layer.forward, maps, rois, np.zeros(regions, np.int64))


def nms_run(boxes: int, *, make: Callable[[np.random.Generator, int], Any]) -> Run:
    rng = np.random.default_rng(0)
    return partial(nms, make(rng, boxes), rng.permutation(boxes).astype(np.float32), 0.3)


def detection(
    proposals: int,
    classes: int,
    *,
    build: Callable[..., Backbone] = tiny,
    short_side: int | None = None,
    batch: int = 512,
) -> Run:
    """Every class has its hundred boxes before suppression, as no score is too low."""
    photo = coffee()
    backbone = build(rng=np.random.default_rng(0))
    detector = FastRCNN(
        FastRCNNNetwork(backbone, classes, rng=np.random.default_rng(1)),
        backbone.normalization,
        tuple(f"class {k}" for k in range(1, classes + 1)),
        SlidingWindow(),  # not asked: the proposals are given
        *box_units(classes),
        ImageScale(short_side),
        PostprocessSettings(min_score=0.0),
        batch,
    )
    boxes = regions_of(np.random.default_rng(2), proposals, *photo.shape[:2])
    return partial(detector.detect, photo, proposals=boxes)


def sppnet_detection(proposals: int) -> Run:
    """Judge proposals by linear SVMs of chance for 20 classes, on one map of the photo."""
    photo, rng = coffee(), np.random.default_rng(0)
    backbone = tiny(rng=rng)
    weight = rng.normal(0, 0.01, (len(CLASSES), backbone.feature_dim)).astype(np.float32)
    detector = SPPNet(
        SPPNetNetwork(backbone, len(CLASSES), rng=rng),
        backbone.normalization,
        CLASSES,
        SlidingWindow(),  # not asked: the proposals are given
        LinearSVMs.from_weights(weight, np.zeros(len(CLASSES), np.float32)),
        BoxRegressors.none(len(CLASSES)),
        scales=(),
    )
    boxes = regions_of(np.random.default_rng(2), proposals, *photo.shape[:2])
    return partial(detector.detect, photo, proposals=boxes)


def faster_rcnn_detection(pixels: int) -> Run:
    """Propose and judge on one map, with weights of chance for 20 classes."""
    backbone, rng = tiny(rng=np.random.default_rng(0)), np.random.default_rng(1)
    detector = FasterRCNN(
        FasterRCNNNetwork(backbone, len(CLASSES), AnchorSettings(), rpn_width=64, rng=rng),
        backbone.normalization,
        CLASSES,
        None,
        *box_units(),
        ImageScale(None),
    )
    return partial(detector.detect, _photo(pixels))


def vgg16_detection(batch: int) -> Run:
    """2,000 proposals on a photo of 600 × 900 pixels, as the papers have it."""
    return detection(2000, 20, build=vgg16, short_side=600, batch=batch)


def training_step(photos: int) -> Run:
    """64 regions a photo of 192 × 192, a quarter of them objects of one of 20 classes."""
    rng = np.random.default_rng(0)
    backbone = tiny(rng=rng)
    network = FastRCNNNetwork(backbone, 20, rng=rng)
    network.prepare_training()
    optimizer = SGD(network.named_parameters(), lr=1e-9)  # stays where it started, however often it is run
    regions = 64 * photos
    images = backbone.normalization.apply(rng.integers(0, 256, (photos, 192, 192, 3), dtype=np.uint8))
    rois, owner = regions_of(rng, regions, 192, 192), np.repeat(np.arange(photos), 64)
    labels = np.where(np.arange(regions) % 4 == 0, rng.integers(1, 21, regions), 0)
    targets = rng.normal(size=(regions, 4)).astype(np.float32)

    def run() -> float:
        optimizer.zero_grad()
        loss = multi_task_loss(*network(images, rois, owner), labels, targets)
        network.backward(loss.d_cls_score, loss.d_bbox_pred)
        optimizer.step()
        return loss.total

    return run


def svms(examples: int, classes: int) -> Run:
    """Sparse non-negative features of mean norm 20 with a slight pull to their class; half is background."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((examples, 1024), dtype=np.float32) - np.float32(0.6)
    kind = rng.integers(0, 2 * classes, examples)
    x += 0.2 * rng.standard_normal((2 * classes, 1024), dtype=np.float32)[kind]
    np.maximum(x, 0, out=x)
    x *= 20 / np.linalg.norm(x, axis=1).mean()
    labels = np.where(kind[:, None] == np.arange(classes), 1, -1)
    return lambda: fit_one_vs_rest(x, labels, tol=1e-3, rng=np.random.default_rng(1))


def ridge(examples: int) -> Run:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((examples, 1000), dtype=np.float32)  # as wide as the least number of examples
    return partial(BoxRegressor().fit, x, rng.normal(size=(examples, 4)).astype(np.float32))
