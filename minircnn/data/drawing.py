"""How the built-in pictures are drawn: squares of photos, digits in ink that stands out, a sensor's noise.

Only elementary arithmetic is used, so that the pixels are the same on every platform.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minircnn.data.digits import all_digits, render_digit
from minircnn.data.photos import load_photo
from minircnn.structures import FloatArray, ImageArray, IntArray

_COLOUR_TRIES = 40
_MIN_LUMINANCE_CONTRAST = 60.0
_MIN_COLOUR_DISTANCE = 110.0
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def photo_square(names: Sequence[str], size: int, rng: np.random.Generator) -> ImageArray:
    """Cut a square out of one of the bundled photos `names`, perhaps mirrored, dimmed or brightened.

    Returns
    -------
    (size, size, 3) uint8 array
    """
    photo = load_photo(names[int(rng.integers(len(names)))])
    side = min(size * _uniform(rng, 0.75, 1.75), *photo.shape[:2])
    top, left = (int(rng.random() * (length - side)) for length in photo.shape[:2])
    box = (left, top, left + int(side), top + int(side))
    crop = Image.fromarray(photo).resize((size, size), Image.Resampling.BICUBIC, box=box)
    pixels = np.asarray(crop)  # (size, size, 3)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    gain, offset = _uniform(rng, 0.7, 1.1), _uniform(rng, -20, 20)
    return np.clip(pixels * gain + offset, 0, 255).astype(np.uint8)


def draw_digit(
    samples: IntArray, digits: Sequence[int], heights: tuple[int, int], rng: np.random.Generator
) -> tuple[FloatArray, int]:
    """Draw one of the handwritten `samples`; the `digits` are equally likely.

    Parameters
    ----------
    samples : (S,) int array
        Indices into ``sklearn.datasets.load_digits``.
    digits : sequence of int
        0..9, those that may be drawn.
    heights : (int, int)
        Smallest and largest height of the ink in pixels, about.

    Returns
    -------
    coverage : (h, w) float64 array
        0..1.
    digit : int
    """
    scans, targets = all_digits()
    digit = int(digits[int(rng.integers(len(digits)))])
    candidates = samples[targets[samples] == digit]
    sample = scans[candidates[rng.integers(len(candidates))]]
    height = int(rng.integers(heights[0], heights[1] + 1))
    columns = int((sample > 96).any(0).sum())
    # 8x8 samples fill the height; a stretch about the writer's own aspect keeps a 1 narrow.
    width = max(height * columns / 8 * _uniform(rng, 0.8, 1.4), 0.25 * height, 12)
    return render_digit(sample, height, round(width)), digit


def lay_ink(canvas: FloatArray, coverage: FloatArray, rng: np.random.Generator) -> None:
    """Lay ink of a colour that stands out on `canvas` (h, w, 3), in place; the photo shines through a little.

    Parameters
    ----------
    coverage : (h, w) float64 array
        0..1.
    """
    colour = _ink_colour(canvas.astype(np.uint8), rng)
    alpha = (coverage * _uniform(rng, 0.85, 1.0))[:, :, None]
    canvas[:] = canvas * (1 - alpha) + colour * alpha


def noisy(canvas: FloatArray, rng: np.random.Generator) -> ImageArray:
    """Return `canvas` (H, W, 3) as uint8, with the noise of a sensor over photo and ink alike."""
    noise = rng.integers(-6, 7, size=canvas.shape)
    image: ImageArray = np.clip(np.floor(canvas + 0.5) + noise, 0, 255).astype(np.uint8)
    return image


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * rng.random()


def _ink_colour(around: ImageArray, rng: np.random.Generator) -> FloatArray:
    """Draw a colour that stands out from the mean of `around` (h, w, 3) in lightness and overall."""
    # An integer sum is exact, so the choice below is the same on every platform.
    mean = around.reshape(-1, 3).sum(axis=0, dtype=np.int64) / (around.size // 3)  # (3,)
    for _ in range(_COLOUR_TRIES):
        colour = np.array([_uniform(rng, 0, 255) for _ in range(3)])
        difference = colour - mean
        luminance = abs(float((difference * _LUMINANCE).sum()))
        if luminance >= _MIN_LUMINANCE_CONTRAST and (difference**2).sum() >= _MIN_COLOUR_DISTANCE**2:
            return colour
    return np.full(3, 15.0 if float((mean * _LUMINANCE).sum()) > 127 else 240.0)
