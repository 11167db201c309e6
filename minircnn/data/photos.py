"""Real photographs inside the scikit-image and scikit-learn wheels: backgrounds without a download."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from minircnn.structures import ImageArray

Split = Literal["train", "val", "test"]

# Only files inside the wheels since scikit-image 0.24; nothing here goes through pooch. Left out: pictures
# that show writing or clock faces (page, text, clock_motion), drawings, and motorcycle_right, which is
# motorcycle_left from a few centimetres beside it.
_PHOTOS: dict[Split, tuple[str, ...]] = {
    "train": (
        "skimage/astronaut.png",
        "skimage/coffee.png",
        "skimage/motorcycle_left.png",
        "skimage/camera.png",
        "skimage/gravel.png",
        "skimage/ihc.png",
        "skimage/retina.jpg",
        "sklearn/flower.jpg",
    ),
    "val": ("skimage/rocket.jpg", "skimage/brick.png", "skimage/moon.png"),
    "test": (
        "skimage/chelsea.png",
        "skimage/grass.png",
        "skimage/hubble_deep_field.jpg",
        "skimage/coins.png",
        "sklearn/china.jpg",
    ),
}

_FOLDERS = {"skimage": ("skimage", "data"), "sklearn": ("sklearn.datasets", "images")}


EXAMPLES = {
    "astronaut": "skimage/astronaut.png",
    "cat": "skimage/chelsea.png",
    "motorbike": "skimage/motorcycle_left.png",
}
"""Photos to try a detector on, by what they show: NASA's astronaut (public domain), Stefan van der Walt's cat
(CC0), and the motorbike of the Middlebury 2014 stereo benchmark, of which no license is said."""


def photo_names(split: Split) -> tuple[str, ...]:
    """Return the background photos of `split` as ``library/file``; no photo is in two splits."""
    return _PHOTOS[split]


def photo_path(name: str) -> Path:
    """Return the file of the bundled photo `name`, ``library/file``."""
    library, file = name.split("/")
    package, folder = _FOLDERS[library]
    return Path(str(files(package) / folder / file))


@cache
def load_photo(name: str) -> ImageArray:
    """Return the bundled photo `name` as a read-only (H, W, 3) uint8 RGB array.

    Parameters
    ----------
    name : str
        One of :func:`photo_names`.

    Raises
    ------
    FileNotFoundError
        If the installed library does not hold the file.
    """
    with Image.open(photo_path(name)) as picture:
        photo = np.asarray(picture.convert("RGB")).copy()  # (H, W, 3)
    photo.flags.writeable = False
    return photo
