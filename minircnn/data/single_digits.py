"""Built-in images with one label each: single digits on photos, drawn as those of the scenes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from minircnn.checks import checked, whole
from minircnn.data.digits import digit_samples
from minircnn.data.drawing import draw_digit, lay_ink, noisy, photo_square
from minircnn.data.photos import photo_names
from minircnn.structures import ImageArray, IntArray

Part = Literal["learn", "held-out"]
Task = Literal["digits", "photos"]

DIGITS = "digits"
"""The word that names these images on the command line."""

_HELD_OUT_SAMPLES = 0.15  # the last ones of the training split; the file is grouped by writer
_HELD_OUT_PHOTOS = 2
_DEFAULT_COUNT: dict[Part, int] = {"learn": 4000, "held-out": 500}


class SingleDigits:
    """One digit each on a crop of a photo, from the training split of :class:`~minircnn.data.Scenes` alone.

    No digit sample and no photo of the splits val and test is shown. The part ``held-out`` has samples of its
    own, and in the task ``digits`` photos of its own, too. Image `index` depends on ``(seed, part, index)``
    alone.

    Satisfies :class:`~minircnn.data.labelled.LabelledImages`. ``flippable`` is false, as of the scenes.

    Parameters
    ----------
    part : {"learn", "held-out"}
    count : int, optional
        Number of images. Default: 4,000 and 500 for the two parts.
    task : {"digits", "photos"}
        What is asked: which digit it is, or which photo lies behind it.
    digits : sequence of int
        Those that are drawn, 0..9.
    size : int
        Height and width of an image in pixels.
    seed : int

    Raises
    ------
    ValueError
        If a word is unknown, or a number makes no sense.
    IndexError
        From the methods, if the index is not in ``0..count-1``.

    Examples
    --------
    >>> from minircnn.data import SingleDigits
    >>> digits = SingleDigits("learn", count=3)
    >>> digits.image(0).shape, [digits.label(i) for i in range(3)]
    ((54, 54, 3), [5, 9, 5])
    """

    flippable = False

    def __init__(
        self,
        part: Part = "learn",
        *,
        count: int | None = None,
        task: Task = "digits",
        digits: Sequence[int] = range(10),
        size: int = 54,
        seed: int = 0,
    ) -> None:
        for name, value, known in (("part", part, get_args(Part)), ("task", task, get_args(Task))):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        self.digits = tuple(sorted({checked("digits", digit, whole(0, 9)) for digit in digits}))
        if len(self.digits) < 2:
            raise ValueError(f"digits must be two or more of 0..9, got {tuple(digits)}")
        self.count: int = checked("count", _DEFAULT_COUNT[part] if count is None else count, whole(1))
        self.size, self.seed = checked("size", size, whole(32)), checked("seed", seed, whole(0))
        self.part: Part = part
        self.task: Task = task
        names = photo_names("train")
        held_out, rest = names[-_HELD_OUT_PHOTOS:], names[:-_HELD_OUT_PHOTOS]
        # which photo it is can only be asked of photos that were seen
        self._photos = names if task == "photos" else held_out if part == "held-out" else rest
        self._samples = _samples(part)
        photos = tuple(name.partition("/")[2].partition(".")[0] for name in names)
        self.class_names = photos if task == "photos" else tuple(map(str, self.digits))
        self.name = f"{task}-{part}"
        self.image_ids: Sequence[str] = tuple(f"{part}_{index:05d}" for index in range(self.count))

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return (
            f"SingleDigits({self.part!r}, count={self.count}, task={self.task!r}, digits={self.digits}, "
            f"size={self.size}, seed={self.seed})"
        )

    def image(self, index: int) -> ImageArray:
        """Return image `index` as a fresh (size, size, 3) uint8 RGB array."""
        rng, label, photo = self._begin(index)
        digit = self.digits[label] if self.task == "digits" else int(rng.choice(self.digits))
        canvas = photo_square([photo], self.size, rng).astype(np.float64)
        # a digit fills most of its image, as it does the box of a region
        heights = (self.size * 7 // 10, self.size * 9 // 10)
        coverage, _ = draw_digit(self._samples, [digit], heights, rng)
        coverage = coverage[: self.size, : self.size]
        height, width = coverage.shape
        y, x = (self._near_the_middle(side, rng) for side in (height, width))
        lay_ink(canvas[y : y + height, x : x + width], coverage, rng)
        return noisy(canvas, rng)

    def _near_the_middle(self, length: int, rng: np.random.Generator) -> int:
        room = self.size - length
        return int(np.clip(room // 2 + rng.integers(-(self.size // 10), self.size // 10 + 1), 0, room))

    def label(self, index: int) -> int:
        """Return the class of image `index`, a column 0..K−1 of ``class_names``."""
        _, label, _ = self._begin(index)
        return label

    def photo_digest(self, index: int) -> str:
        """Return a digest of what decides image `index`."""
        self._require(index)
        return hashlib.sha256(f"{self!r} {index}".encode()).hexdigest()

    def _begin(self, index: int) -> tuple[np.random.Generator, int, str]:
        """Return the generator of image `index`, its label, and its photo's name."""
        self._require(index)
        number = 3 + get_args(Part).index(self.part)  # the splits of the scenes are 0 to 2
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, number, index)))
        label = int(rng.integers(len(self.class_names)))
        photo = label if self.task == "photos" else int(rng.integers(len(self._photos)))
        return rng, label, self._photos[photo]

    def _require(self, index: int) -> None:
        if not 0 <= index < self.count:
            raise IndexError(f"{self.name} has images 0..{self.count - 1}, asked for {index}")


def _samples(part: Part) -> IntArray:
    own = digit_samples("train")
    border = len(own) - round(_HELD_OUT_SAMPLES * len(own))
    return own[border:] if part == "held-out" else own[:border]
