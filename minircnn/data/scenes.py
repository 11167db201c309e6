"""The built-in data set: real handwritten digits on crops of real photographs, without a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.boxes import box_iou
from minircnn.data.digits import digit_samples, tight_box
from minircnn.data.drawing import draw_digit, lay_ink, noisy, photo_square
from minircnn.data.photos import Split, photo_names
from minircnn.scene import Scene
from minircnn.structures import Annotations, BoolArray, FloatArray, ImageArray, IntArray

_Box = tuple[int, int, int, int]

DIGIT_NAMES: tuple[str, ...] = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")

DEFAULT_COUNT: dict[Split, int] = {"train": 400, "val": 100, "test": 200}

_SPLIT_NUMBER: dict[Split, int] = {"train": 0, "val": 1, "test": 2}

_MAX_BOX_IOU = 0.1
_PLACEMENT_TRIES = 40


@dataclass(frozen=True)
class _Scene:
    image: ImageArray
    boxes: FloatArray
    labels: IntArray
    masks: BoolArray


def _most_iou(box: _Box, others: list[_Box]) -> float:
    """Return the largest IoU of `box` with one of `others`, 0 if there are none."""
    if not others:
        return 0.0
    return float(box_iou(np.array([box], dtype=np.float64), np.array(others, dtype=np.float64)).max())


class Scenes:
    """Handwritten digits at varied size, aspect and colour on crops of real photographs.

    Ten classes, ``"0"`` to ``"9"``. The digits are scikit-learn's bundled 8x8 scans, drawn as smooth bold
    strokes; the backgrounds are photographs bundled with scikit-image and scikit-learn. The three splits
    share neither a digit sample nor a photo, whatever their seeds. Scene `index` depends on
    ``(seed, split, index)`` alone: it can be made on its own, and a longer data set begins with the
    shorter one. Only elementary arithmetic is used, so that the pixels are the same on every platform.

    Satisfies :class:`minircnn.structures.DetectionDataset`. ``flippable`` is false: a mirrored digit is no
    longer that digit (2, 3, 4, 5, 6, 7 and 9 become signs that nobody writes), so mirrored copies would
    teach shapes that never occur and blur the differences that matter, such as 2 against 5.

    Parameters
    ----------
    split : {"train", "val", "test"}
    count : int, optional
        Number of scenes. Default: 400, 100 and 200 for the three splits.
    size : int
        Height and width of a scene in pixels.
    seed : int
        Any non-negative number.
    digits : (int, int)
        Fewest and most digits of a scene (a digit for which no free place is found is left out; one is
        always there).
    heights : (int, int)
        Smallest and largest height of the ink in pixels, about.

    Raises
    ------
    ValueError
        If the split is unknown, a range is empty or the largest digit does not fit a scene.
    IndexError
        From :meth:`image`, :meth:`annotations` and :meth:`scene`, if the index is not in ``0..count-1``.

    Examples
    --------
    >>> from minircnn import Scenes
    >>> scenes = Scenes("train", count=3)
    >>> len(scenes), scenes.image(0).shape, scenes.annotations(0).labels
    (3, (192, 192, 3), array([10,  9,  1,  4,  8,  6]))
    """

    flippable = False
    class_names: tuple[str, ...] = DIGIT_NAMES

    def __init__(
        self,
        split: Split = "train",
        *,
        count: int | None = None,
        size: int = 192,
        seed: int = 0,
        digits: tuple[int, int] = (3, 7),
        heights: tuple[int, int] = (28, 72),
    ) -> None:
        if split not in DEFAULT_COUNT:
            raise ValueError(f"split must be one of {', '.join(DEFAULT_COUNT)}, got {split!r}")
        if not 1 <= digits[0] <= digits[1]:
            raise ValueError(f"digits must be (fewest, most) with 1 <= fewest <= most, got {digits}")
        if not 8 <= heights[0] <= heights[1] <= size // 2:
            raise ValueError(
                f"heights must satisfy 8 <= smallest <= largest <= size / 2, got {heights}, {size}"
            )
        if seed < 0 or (count is not None and count < 1):
            raise ValueError(f"seed must be >= 0 and count >= 1, got seed={seed}, count={count}")
        self.split: Split = split
        self.count = DEFAULT_COUNT[split] if count is None else count
        self.size, self.seed, self.digits, self.heights = size, seed, digits, heights
        self.name = f"scenes-{split}"
        self.image_ids: Sequence[str] = tuple(f"{split}_{index:05d}" for index in range(self.count))
        self._latest: tuple[int, _Scene] | None = None

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"Scenes({self.split!r}, count={self.count}, size={self.size}, seed={self.seed})"

    def image(self, index: int) -> ImageArray:
        """Return scene `index` as a fresh (size, size, 3) uint8 RGB array."""
        return self._scene(index).image.copy()

    def annotations(self, index: int) -> Annotations:
        """Return the digits of scene `index`; boxes are tight around ink of coverage above 0.5."""
        scene = self._scene(index)
        return Annotations(
            scene.boxes.copy(), scene.labels.copy(), DIGIT_NAMES, self.size, self.size, self.image_ids[index]
        )

    def scene(self, index: int) -> Scene:
        """Return the digits of scene `index` pixel by pixel: ink of coverage above 0.5, all else background.

        No digit covers another, and nothing is void.
        """
        made = self._scene(index)
        return Scene(made.masks.copy(), made.labels.copy(), DIGIT_NAMES, image_id=self.image_ids[index])

    def _scene(self, index: int) -> _Scene:
        if not 0 <= index < self.count:
            raise IndexError(f"{self.name} has scenes 0..{self.count - 1}, asked for {index}")
        if self._latest is None or self._latest[0] != index:  # image and annotations are asked for in turn
            self._latest = (index, self._compose(index))
        return self._latest[1]

    def _compose(self, index: int) -> _Scene:
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, _SPLIT_NUMBER[self.split], index)))
        canvas = photo_square(photo_names(self.split), self.size, rng).astype(np.float64)  # (size, size, 3)
        inked = np.zeros(canvas.shape[:2], dtype=bool)
        boxes: list[_Box] = []
        labels: list[int] = []
        masks: list[BoolArray] = []
        for _ in range(rng.integers(self.digits[0], self.digits[1] + 1)):
            coverage, digit = draw_digit(digit_samples(self.split), range(10), self.heights, rng)
            place = self._find_place(coverage, boxes, inked, rng)
            if place is None:
                continue
            window, box = place
            lay_ink(canvas[window], coverage, rng)
            inked[window] |= coverage > 0
            mask = np.zeros_like(inked)
            mask[window] = coverage > 0.5
            boxes.append(box)
            labels.append(digit + 1)
            masks.append(mask)
        return _Scene(
            noisy(canvas, rng),
            np.array(boxes, dtype=np.float32),
            np.array(labels, dtype=np.int64),
            np.array(masks),
        )

    def _find_place(
        self, coverage: FloatArray, boxes: list[_Box], inked: BoolArray, rng: np.random.Generator
    ) -> tuple[tuple[slice, slice], _Box] | None:
        """Return a window of the scene where the digit covers no other's ink, and its box; or None."""
        height, width = coverage.shape
        left, top, right, bottom = tight_box(coverage)
        for _ in range(_PLACEMENT_TRIES):
            x = int(rng.integers(self.size - width + 1))
            y = int(rng.integers(self.size - height + 1))
            window, box = np.s_[y : y + height, x : x + width], (x + left, y + top, x + right, y + bottom)
            if not (inked[window] & (coverage > 0)).any() and _most_iou(box, boxes) <= _MAX_BOX_IOU:
                return window, box
        return None
