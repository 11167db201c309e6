"""Detectors from before the networks, against OpenCV."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.data import astronaut, lbp_frontal_face_cascade_filename

from benchmarks.harness import Contest, Work, total_bytes
from minircnn.features import integral_image, tilted_integral_image
from minircnn.heads.cascade import read_cascade, scan
from minircnn.imaging import exact_grey, resize_exact

HEIGHT, WIDTH = 480, 640


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    size = f"{WIDTH} × {HEIGHT}"
    if hasattr(cv2, "CascadeClassifier"):  # some builds of OpenCV lack it
        for path in haar_files():
            yield Work("cascade", f"{path.stem}, {size}", "OpenCV", partial(_cascade, path))
        yield Work("cascade", f"scikit-image's patterns, {size}", "OpenCV", _patterns)
    yield Work("integral images", f"upright and tilted, {size}", "OpenCV", _integrals)


def haar_files() -> list[Path]:
    """Return the cascades of frontal and turned faces that OpenCV ships, or those of the tests."""
    shared = Path(os.environ.get("MINIRCNN_SHARED_DATA", "."))
    folders = (Path(cv2.__file__).parent / "data", shared / "classical" / "cascades")
    names = ("haarcascade_frontalface_default.xml", "haarcascade_profileface.xml")
    found = ([folder / name for folder in folders if (folder / name).is_file()] for name in names)
    return [paths[0] for paths in found if paths]


def photo() -> Any:
    """Return a grey photo of 640 × 480 pixels with a face."""
    return resize_exact(exact_grey(astronaut()[: 512 * 3 // 4]), HEIGHT, WIDTH)


def _cascade(path: Path) -> Contest:
    image, theirs, ours = photo(), cv2.CascadeClassifier(str(path)), read_cascade(path)
    return Contest(
        lambda: scan(image, ours).boxes, lambda: theirs.detectMultiScale(image, 1.1, 0), same_windows
    )


def _patterns() -> Contest:
    path = Path(lbp_frontal_face_cascade_filename())
    with tempfile.TemporaryDirectory() as folder:
        mended = Path(folder) / "mended.xml"  # OpenCV refuses the misspelt tag
        mended.write_text(path.read_text().replace("featuhreParams", "featureParams"))
        theirs = cv2.CascadeClassifier(str(mended))
    image, ours = photo(), read_cascade(path)
    return Contest(
        lambda: scan(image, ours).boxes, lambda: theirs.detectMultiScale(image, 1.1, 0), same_windows
    )


def same_windows(ours: Any, theirs: Any) -> str:
    """Check that both let the same windows pass."""
    clipped = np.clip(ours, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    rows = np.concatenate([clipped[:, :2], clipped[:, 2:] - clipped[:, :2]], axis=1).astype(int)
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, np.asarray(theirs).tolist()))
    return f"{len(ours)} windows, the same"


def _integrals() -> Contest:
    image = photo()

    def ours() -> Any:
        return integral_image(image, np.int32), tilted_integral_image(image, np.int32)

    def theirs() -> Any:
        upright, _, tilted = cv2.integral3(image)
        return upright, tilted

    return Contest(ours, theirs, _equal, moved=total_bytes(image, *ours()))


def _equal(ours: Any, theirs: Any) -> str:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    return "equal"
