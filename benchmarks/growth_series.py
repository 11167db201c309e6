"""What ``python -m benchmarks.growth`` measures: pieces of work, the size that doubles, and their own order.

No peer takes part, so this needs nothing but the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.growth_runs import (
    SIDES,
    Run,
    clustered,
    dense_descriptors,
    detection,
    face_cascade,
    faster_rcnn_detection,
    hog_windows,
    key_points,
    max_pooling,
    nms_run,
    ridge,
    roi_pooling,
    scattered,
    segmentation,
    selective_search,
    sppnet_detection,
    svms,
    training_step,
    vgg16_detection,
    vgg16_run,
    warping,
)


@dataclass(frozen=True)
class Order:
    """How work ought to grow.

    Parameters
    ----------
    text : str
        For people.
    cost : callable
        Takes the size and what the run returned; proportional to the work, in any unit.
    """

    text: str
    cost: Callable[[int, Any], float]


@dataclass(frozen=True)
class Series:
    """One piece of work and its sizes.

    Parameters
    ----------
    name, unit : str
        What is done, and what `sizes` count.
    time, memory : Order
    sizes : tuple of int
    prepare : callable
        Takes a size and returns the run, whose data it has made.
    """

    name: str
    unit: str
    time: Order
    memory: Order
    sizes: tuple[int, ...]
    prepare: Callable[[int], Run]


def linear(text: str) -> Order:
    """Return the order of work in proportion to the size."""
    return Order(text, lambda size, _: float(size))


def constant(text: str) -> Order:
    """Return the order of what the size does not change."""
    return Order(text, lambda size, _: 1.0)


def sorting(text: str) -> Order:
    """Return the order of a sort."""
    return Order(text, lambda size, _: size * math.log(size))


def series() -> Iterator[Series]:
    """Yield all series, in the order of a photo's way through the detectors."""
    yield from _of_pixels()
    yield from _of_regions()
    yield from _of_detections()
    yield from _of_examples()


def _of_pixels() -> Iterator[Series]:
    pixels = tuple(SIDES)
    sort, flat = sorting("pixels · log pixels"), linear("pixels")
    yield Series("graph segmentation", "pixels", sort, flat, pixels, segmentation)
    yield Series("selective search, fast", "pixels", sort, flat, pixels, selective_search)
    yield Series("faces by a cascade, LBP", "pixels", flat, flat, pixels, face_cascade)
    windows = Order("windows of 64 × 128", lambda _, windows: float(windows))
    yield Series("people by HOG, all scales", "pixels", windows, flat, pixels, hog_windows)
    yield Series("SIFT key points", "pixels", flat, flat, pixels, key_points)
    yield Series("dense SIFT", "pixels", flat, flat, pixels, dense_descriptors)
    yield Series("VGG16 convolutions", "pixels", flat, flat, pixels, vgg16_run)
    yield Series("max pooling, 64 channels", "pixels", flat, flat, pixels, max_pooling)


def _of_regions() -> Iterator[Series]:
    flat, sizes = linear("regions"), _doubling(128)
    yield Series("warping to 227 × 227", "regions", flat, constant("one block"), sizes, warping)
    yield Series("RoI pooling, 512 × 7 × 7", "regions", flat, flat, sizes, roi_pooling)
    sizes = _doubling(2500)
    for name, order, make in (
        ("clustered", Order("boxes · kept boxes", lambda size, kept: float(size * len(kept))), clustered),
        ("scattered", sorting("boxes · log boxes"), scattered),
    ):
        yield Series(
            f"NMS, {name} boxes", "boxes", order, linear("boxes"), sizes, partial(nms_run, make=make)
        )


def _of_detections() -> Iterator[Series]:
    flat, run = linear("photo + proposals"), partial(detection, classes=20)
    yield Series("Fast R-CNN detection, 20 classes", "proposals", flat, flat, _doubling(250), run)
    flat, run = linear("photo + classes"), partial(detection, 1000)
    yield Series("Fast R-CNN detection, 1,000 proposals", "classes", flat, flat, _doubling(10), run)
    same, run = constant("the same work"), vgg16_detection
    flat = linear("photo + regions at once")  # the maps may lie in memory that a run before has left
    yield Series("Fast R-CNN detection, VGG16", "regions at once", same, flat, _doubling(64), run)
    flat, one = linear("photo + proposals"), constant("the photo and one batch")
    yield Series("SPP-net detection, 20 classes", "proposals", flat, one, _doubling(250), sppnet_detection)
    flat, pixels = linear("pixels"), tuple(SIDES)
    yield Series("Faster R-CNN detection", "pixels", flat, flat, pixels, faster_rcnn_detection)
    flat = linear("photos")
    yield Series("training step", "photos", flat, flat, _doubling(1), training_step)


def _of_examples() -> Iterator[Series]:
    sizes, flat, run = _doubling(1000), linear("examples"), partial(svms, classes=10)
    yield Series("linear SVMs, 10 classes", "examples", _passes("examples"), flat, sizes, run)
    yield Series("ridge regression", "examples", flat, flat, sizes, ridge)
    flat, run = linear("classes"), partial(svms, 4000)
    yield Series("linear SVMs, 4,000 examples", "classes", _passes("classes"), flat, _doubling(5), run)


def _passes(unit: str) -> Order:
    """Return the order of a descent: the size at each pass over the examples."""
    return Order(f"{unit} · passes", lambda size, fit: float(size * fit.epochs))


def _doubling(first: int) -> tuple[int, ...]:
    return tuple(first << i for i in range(len(SIDES)))
