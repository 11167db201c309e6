"""SIFT and visual words: key points beside OpenCV and scikit-image, dense descriptors and k-means."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
from skimage.data import astronaut
from skimage.feature import SIFT
from sklearn.cluster import KMeans

from benchmarks.harness import Contest, Work, close_to
from minircnn.features import SIFT_STYLES, DenseSiftSettings, dense_sift, k_means, sift_features
from minircnn.imaging import exact_grey, resize_exact

NEAR, ALIKE = 0.02, 0.5  # pixels within which key points are the same: of OpenCV, of scikit-image


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    yield Work("SIFT", "640 × 480, grey, OpenCV's settings", "OpenCV", _opencv)
    yield Work("SIFT", "640 × 480, grey", "scikit-image", _scikit_image)
    for step in (8, 4):
        yield Work(
            "dense SIFT", f"640 × 480, every {step} pixels", "OpenCV, point by point", partial(_dense, step)
        )
    yield Work("k-means", "20,000 descriptors, 200 words, 10 steps", "scikit-learn", _k_means)


def _photo() -> Any:
    return exact_grey(resize_exact(astronaut(), 480, 640))


def _opencv() -> Contest:
    photo, theirs = _photo(), cv2.SIFT_create()

    def check(ours: Any, found: Any) -> str:
        xy = np.array([point.pt for point in found[0]], np.float32)
        return _shared(ours[0].xy, xy, NEAR, 0.999)

    return Contest(
        lambda: sift_features(photo, SIFT_STYLES["opencv"]),
        lambda: theirs.detectAndCompute(photo, None),
        check,
    )


def _scikit_image() -> Contest:
    photo = _photo()

    def theirs() -> Any:
        sift = SIFT()
        sift.detect_and_extract(photo)
        return sift.keypoints

    def check(ours: Any, keypoints: Any) -> str:
        return _shared(keypoints[:, ::-1], ours[0].xy, ALIKE, 0.95)  # it keeps more of low contrast

    return Contest(lambda: sift_features(photo, SIFT_STYLES["opencv"]), theirs, check)


def _shared(found: Any, wanted: Any, near: float, least: float) -> str:
    """Check that nearly all positions `wanted` (n, 2) are among those `found` (m, 2)."""
    hits = [bool((np.abs(found - point).max(axis=1) <= near).any()) for point in wanted]
    share = float(np.mean(hits))
    assert share >= least, f"only {share:.2%} of the key points are shared"
    return f"{share:.1%} of {len(wanted):,} points within {near:g} pixels"


def _dense(step: int) -> Contest:
    photo, size = _photo(), 4.0
    blur = (1.6**2 - 0.5**2) ** 0.5  # OpenCV's of the level on which it describes
    settings = DenseSiftSettings(step, (1.5 * size,), blur, root=False)
    _, grid = dense_sift(photo, settings)
    points = [cv2.KeyPoint(float(x), float(y), size, 0.0, 0, 0) for y in grid.rows for x in grid.columns]
    theirs = cv2.SIFT_create()

    def check(ours: Any, found: Any) -> str:
        some = ours.any(axis=1)  # of flat patches they describe the noise of rounding
        assert some.mean() > 0.5
        return close_to(0.02)(ours[some], found[some])  # theirs are whole numbers up to 255

    return Contest(
        lambda: np.minimum(512 * dense_sift(photo, settings)[0].reshape(-1, 128), 255),
        lambda: theirs.compute(photo, points)[1],
        check,
    )


def _k_means() -> Contest:
    rng = np.random.default_rng(0)
    middle = rng.random((400, 128), np.float32)
    samples = middle[rng.integers(0, 400, 20_000)] + rng.normal(0, 0.3, (20_000, 128)).astype(np.float32)
    start = samples[:200]
    options = {"n_init": 1, "max_iter": 10, "tol": 0.0, "algorithm": "lloyd"}

    def check(ours: Any, theirs: Any) -> str:
        ratio = ours.inertia[-1] / theirs.inertia_
        assert abs(ratio - 1) < 1e-3, f"inertia differs by a factor of {ratio:.4f}"
        return f"inertia within {abs(ratio - 1):.0e}"

    return Contest(
        lambda: k_means(samples, 200, rng=rng, start=start, most_steps=10, tolerance=0.0),
        lambda: KMeans(200, init=start, **options).fit(samples),
        check,
    )
