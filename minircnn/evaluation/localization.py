"""How good one label with one box is, and where one of each cannot be enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.boxes import box_iou
from minircnn.checks import checked, whole
from minircnn.evaluation.pairing import paired_classes, require_threshold
from minircnn.structures import Annotations, Detections, IntArray


def localization_error(
    guesses: Sequence[Detections],
    truth: Sequence[Annotations],
    labels: IntArray,
    *,
    limit: int = 5,
    iou_threshold: float = 0.5,
) -> float:
    """Return the share of photos that no guess gets right: the error of ILSVRC's localization task.

    A guess is right if it names the photo's label and its box overlaps any object of that label by at least
    the threshold.

    Parameters
    ----------
    guesses, truth : sequences, one record per photo in the same order
        Guesses come best first.
    labels : (N,) int array
        The label of each photo, 1..K.
    limit : int
        So many guesses of a photo count; ILSVRC takes five.
    iou_threshold : float

    Raises
    ------
    ValueError
        If there is no photo, the records do not fit together, or a photo has no object of its label.

    Examples
    --------
    >>> from minircnn import Annotations, Detections
    >>> from minircnn.evaluation import localization_error
    >>> truth = Annotations(np.array([[0.0, 0, 4, 4]]), np.array([1]), ("cat", "dog"), 9, 9)
    >>> boxes = np.array([[0.0, 0, 4, 4], [0, 0, 4, 3]])
    >>> guess = Detections(boxes, np.array([0.9, 0.8]), np.array([2, 1]), ("cat", "dog"))
    >>> [localization_error([guess], [truth], np.array([1]), limit=k) for k in (1, 2)]
    [1.0, 0.0]
    """
    paired_classes(guesses, truth)
    require_threshold(iou_threshold, "iou_threshold")
    checked("limit", limit, whole(1))
    if np.shape(labels) != (len(truth),):
        raise ValueError(f"{np.size(labels)} labels but {len(truth)} photos")
    wrong = 0
    for i, (guess, known, label) in enumerate(zip(guesses, truth, labels, strict=True)):
        objects = known.boxes[known.labels == label]
        if not len(objects):
            raise ValueError(f"photo {i} ({known.image_id}) has no object of its label {label}")
        named = guess.boxes[:limit][guess.labels[:limit] == label]
        right = len(named) and (box_iou(named, objects) >= iou_threshold).any()
        wrong += not right
    return wrong / len(truth)


@dataclass(frozen=True)
class LocalizationLimits:
    """Photos, by their place in the list, at which one label with one box fails.

    Parameters
    ----------
    several : tuple of int
        There are two objects or more, and the answer can only be one.
    none : tuple of int
        There is no object, and the answer is one all the same.
    wrong_class : tuple of int
        The box is that of an object, the label is not.
    """

    several: tuple[int, ...]
    none: tuple[int, ...]
    wrong_class: tuple[int, ...]


def localization_limits(
    guesses: Sequence[Detections], truth: Sequence[Annotations], *, iou_threshold: float = 0.5
) -> LocalizationLimits:
    """Return where a localizer fails in each of the three ways that detection mends.

    Of each photo the first guess counts, and difficult objects do not. Records that do not fit together raise
    ValueError.
    """
    paired_classes(guesses, truth)
    require_threshold(iou_threshold, "iou_threshold")
    several, none, wrong_class = [], [], []
    for i, (guess, known) in enumerate(zip(guesses, truth, strict=True)):
        objects, labels = known.boxes[~known.difficult], known.labels[~known.difficult]
        if len(objects) > 1:
            several.append(i)
        if not len(guess):
            continue
        if not len(objects):
            none.append(i)
            continue
        overlap = box_iou(guess.boxes[:1].astype(np.float64), objects.astype(np.float64))[0]
        best = int(overlap.argmax())
        if overlap[best] >= iou_threshold and labels[best] != guess.labels[0]:
            wrong_class.append(i)
    return LocalizationLimits(tuple(several), tuple(none), tuple(wrong_class))
