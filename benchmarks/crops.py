"""``python -m benchmarks.crops VOC``: how well cut-out objects are told apart, by features of three ages.

The same linear SVMs on histograms of gradients, on visual words, and on what a network trained on ImageNet
computes. Their cost C is chosen on the training crops, in three parts by photo; the test crops are used once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cyclopts import App
from skimage.feature import hog

from minircnn.backbones import build_backbone
from minircnn.cli.output import note, table
from minircnn.data.opening import open_dataset
from minircnn.features import (
    DenseSiftSettings,
    SpatialPyramidSettings,
    Vocabulary,
    dense_sift,
    k_means,
    photo_words,
    region_features,
)
from minircnn.heads import LinearSVMs
from minircnn.imaging import exact_grey, resize_image
from minircnn.structures import ImageArray, IntArray

Float32 = npt.NDArray[np.float32]
Crops = list[ImageArray]
Describe = Callable[[Crops], Float32]

SIDE = 160  # the longer one of a crop
COSTS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
PARTS = 3

app = App(name="python -m benchmarks.crops", help=__doc__)


@app.default
def main(
    data: str,
    *,
    split: str = "trainval",
    test: str = "test",
    weights: Path | None = None,
    words: int = 200,
    cells: tuple[float, ...] = (12.0, 18.0, 27.0),
    color: str = "grey",
    only: str = "",
    final: bool = True,
) -> None:
    """Print the accuracy of each kind of feature on crops of a VOC folder.

    Parameters
    ----------
    weights
        Of SqueezeNet 1.1; without them its row is left out.
    words, cells, color
        Of the bag of words.
    only
        The row whose name contains this.
    final
        ``--no-final`` leaves the test crops alone: for trying settings.
    """
    crops, labels, photos = load_crops(data, split)
    others, truth, _ = load_crops(data, test)
    most = np.bincount(truth).max() / len(truth)
    note(f"{len(crops)} crops to train on, {len(others)} to test on; the most frequent class: {most:.1%}")
    dense = DenseSiftSettings(4, cells, color=color)  # type: ignore[arg-type]
    kinds: dict[str, Callable[[], Describe]] = {
        "HOG": lambda: hog_features,
        f"bag of {words} words": lambda: bag_of_words(crops, words, dense),
    }
    if weights is not None:
        kinds["SqueezeNet 1.1"] = lambda: squeezenet(weights)
    part = np.random.default_rng(0).permutation(photos.max() + 1)[photos] % PARTS
    rows = []
    for name, make in kinds.items():
        if only.lower() not in name.lower():
            continue
        clock = time.process_time()
        describe = make()
        features, mirrored = describe(crops), describe([np.ascontiguousarray(c[:, ::-1]) for c in crops])
        tried = {cost: tried_on_parts(features, mirrored, labels, part, cost) for cost in COSTS}
        cost = max(tried, key=tried.__getitem__)
        accuracy = float("nan")
        if final:
            svms = fit([features, mirrored], labels, cost)
            accuracy = float((svms.predict(describe(others)) == truth).mean())
        seconds = time.process_time() - clock
        rows.append([name, features.shape[1], cost, f"{tried[cost]:.3f}", f"{accuracy:.3f}", round(seconds)])
        note(f"{name}: {', '.join(f'C {c:g}: {a:.3f}' for c, a in tried.items())}; test: {accuracy:.3f}")
    print(table(["features", "numbers", "C", "training crops, 3 parts", "test crops", "CPU seconds"], rows))


def load_crops(data: str, split: str) -> tuple[Crops, IntArray, IntArray]:
    """Return the objects that are not difficult, cut out, with their labels and photos."""
    dataset = open_dataset(data, split)
    crops, labels, photos = [], [], []
    for index in range(len(dataset.image_ids)):
        truth, image = dataset.annotations(index), dataset.image(index)
        for box, label, difficult in zip(truth.boxes, truth.labels, truth.difficult, strict=True):
            if not difficult:
                x1, y1, x2, y2 = np.rint(box).astype(int)
                crops.append(resized(image[y1:y2, x1:x2], SIDE))
                labels.append(label)
                photos.append(index)
    return crops, np.array(labels), np.array(photos)


def resized(image: ImageArray, side: int, *, square: bool = False) -> ImageArray:
    """Return `image` with this longer side, or stretched to a square."""
    scale = side / max(image.shape[:2])
    height, width = (side, side) if square else (max(1, round(n * scale)) for n in image.shape[:2])
    return np.clip(np.rint(resize_image(image, height, width)), 0, 255).astype(np.uint8)


def hog_features(crops: Crops) -> Float32:
    """Return scikit-image's histograms of oriented gradients of crops stretched to 96 × 96."""
    squares = [exact_grey(resized(crop, 96, square=True)) for crop in crops]
    found = [hog(s, 9, (12, 12), (2, 2), block_norm="L2-Hys", transform_sqrt=True) for s in squares]
    return np.array(found, np.float32)


def bag_of_words(crops: Crops, size: int, dense: DenseSiftSettings) -> Describe:
    """Return what makes pyramids of histograms, with a vocabulary of these crops."""
    rng = np.random.default_rng(0)
    drawn = []
    for crop in crops:
        descriptors = dense_sift(crop, dense)[0].reshape(-1, dense.length)
        drawn.append(descriptors[rng.permutation(len(descriptors))[:100]])
    vocabulary = Vocabulary(k_means(np.concatenate(drawn), size, rng=rng, most_steps=15).centers)
    pyramid = SpatialPyramidSettings((1, 2))

    def describe(some: Crops) -> Float32:
        whole = [np.array([[0, 0, crop.shape[1], crop.shape[0]]], np.float32) for crop in some]
        words = (photo_words(crop, vocabulary, dense) for crop in some)
        return np.concatenate([region_features(w, box, pyramid) for w, box in zip(words, whole, strict=True)])

    return describe


def squeezenet(weights: Path) -> Describe:
    """Return what makes the means of SqueezeNet's last map, 512 numbers, of crops stretched to its input."""
    backbone = build_backbone("squeezenet1_1", weights=str(weights))
    backbone.eval()

    def describe(some: Crops) -> Float32:
        found = []
        for crop in some:
            pixels = backbone.normalization.apply(resized(crop, backbone.crop_size, square=True))
            found.append(backbone.forward(pixels)[0])
        return np.array(found, np.float32)

    return describe


def fit(features: list[Any], labels: IntArray, cost: float) -> LinearSVMs:
    """Return SVMs fitted to the crops, upright and mirrored."""
    return LinearSVMs(cost, tol=1e-2).fit(np.concatenate(features), np.tile(labels, len(features)))


def tried_on_parts(
    features: Float32, mirrored: Float32, labels: IntArray, part: IntArray, cost: float
) -> float:
    """Return the accuracy on each part of the crops of SVMs trained on the others, on average."""
    right = []
    for own in range(PARTS):
        rest = part != own
        svms = fit([features[rest], mirrored[rest]], labels[rest], cost)
        right.append((svms.predict(features[~rest]) == labels[~rest]).mean())
    return float(np.mean(right))


if __name__ == "__main__":
    app()
