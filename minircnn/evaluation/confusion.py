"""How good a class for every pixel is: four figures of one table of counts over the whole set.

Pixel accuracy, mean accuracy, mean IoU and frequency weighted IoU, as Long, Shelhamer and Darrell define them
("Fully convolutional networks for semantic segmentation", 2015, section 5). The table is summed over all
photos first: the mean over photos of each photo's IoU is another number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minircnn.arrays import as_plain
from minircnn.checks import checked
from minircnn.checks import class_names as rule_of_names
from minircnn.scene import VOID
from minircnn.structures import FloatArray, IntArray


def confusion_matrix(truth: IntArray, predicted: IntArray, columns: int, *, void: int = VOID) -> IntArray:
    """Count the pixels of each pair of classes.

    Parameters
    ----------
    truth : (H, W) int array
        0..columns − 1, or `void`: such pixels do not count.
    predicted : (H, W) int array
        0..columns − 1; where the truth is void, whatever it is.
    columns : int
        Number of classes, background included.
    void : int

    Returns
    -------
    (columns, columns) int64 array
        A row for each true class, a column for each predicted one.

    Raises
    ------
    ValueError
        If the shapes differ or a number is no class.

    Examples
    --------
    >>> from minircnn.evaluation import confusion_matrix
    >>> confusion_matrix(np.array([[0, 1, 1, 255]]), np.array([[0, 1, 0, 7]]), columns=2)
    array([[1, 0],
           [1, 1]])
    """
    truth, predicted = as_plain(truth, "truth"), as_plain(predicted, "the prediction")
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is of shape {truth.shape}, the prediction of {predicted.shape}")
    counts = truth != void
    pairs = {}
    for name, values in (("truth", truth), ("the prediction", predicted)):
        if values.dtype.kind not in "iu":
            raise ValueError(f"{name} must be whole numbers, got dtype {values.dtype}")
        own = values[counts].astype(np.int64)
        if own.size and not (own.min() >= 0 and own.max() < columns):
            wrong = own[(own < 0) | (own >= columns)][0]
            raise ValueError(f"{name} holds class {wrong}, and there are 0..{columns - 1}")
        pairs[name] = own
    places = pairs["truth"] * columns + pairs["the prediction"]
    table: IntArray = np.bincount(places, minlength=columns**2).reshape(columns, columns)
    return table


@dataclass(frozen=True)
class PixelResult:
    """What a table of counts says.

    Parameters
    ----------
    pixel_accuracy : float
        Right pixels of all.
    mean_accuracy : float
        Mean over the classes that occur of the share of their pixels that is right.
    mean_iou : float
        Mean over the classes that occur or are predicted of TP / (TP + FP + FN).
    weighted_iou : float
        IoU weighted by how many pixels each class has.
    accuracy, iou : dict of str to float
        Of each class, ``background`` first; NaN where there is nothing to divide by. A class that does not
        occur and is predicted somewhere has an IoU of 0.
    counts : (K+1, K+1) int array
        The table, a row for each true class.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    weighted_iou: float
    accuracy: dict[str, float]
    iou: dict[str, float]
    counts: IntArray = field(repr=False)

    def table(self) -> str:
        """Return plain text: a row for each class, then the four figures."""
        width = max(len(name) for name in (*self.iou, "weighted IoU"))
        rows = [f"{'class':<{width}}  {'IoU':>6}  {'accuracy':>8}  {'pixels':>9}"]
        for name, pixels in zip(self.iou, self.counts.sum(axis=1), strict=True):
            values = (f"{_shown(self.iou[name]):>6}", f"{_shown(self.accuracy[name]):>8}", f"{pixels:>9}")
            rows.append(f"{name:<{width}}  {'  '.join(values)}")
        four = {
            "mean IoU": self.mean_iou,
            "weighted IoU": self.weighted_iou,
            "pixel acc.": self.pixel_accuracy,
            "mean acc.": self.mean_accuracy,
        }
        return "\n".join([*rows, "", *(f"{n:<{width}}  {_shown(v):>6}" for n, v in four.items())])

    def to_record(self) -> dict[str, Any]:
        """Return the figures, ready for JSON (None where there is none)."""
        names = ("pixel_accuracy", "mean_accuracy", "mean_iou", "weighted_iou")
        figures = {name: getattr(self, name) for name in names}
        record: dict[str, Any] = {name: None if np.isnan(v) else v for name, v in figures.items()}
        for name in ("accuracy", "iou"):
            record[name] = {k: None if np.isnan(v) else v for k, v in getattr(self, name).items()}
        return record


def evaluate_class_maps(
    predicted: Sequence[IntArray],
    truth: Sequence[IntArray],
    class_names: Sequence[str],
    *,
    void: int = VOID,
) -> PixelResult:
    """Return the figures of predicted class maps over a whole set of photos.

    Parameters
    ----------
    predicted, truth : sequences of (H, W) int arrays, one per photo in the same order
        0 background, 1..K the classes; `void` pixels of the truth do not count.
    class_names : sequence of str
        The K classes.
    void : int

    Raises
    ------
    ValueError
        If there is no photo, the maps do not fit together, or a number is no class.

    Examples
    --------
    >>> from minircnn.evaluation import evaluate_class_maps
    >>> result = evaluate_class_maps([np.array([[0, 1, 1, 1]])], [np.array([[0, 0, 1, 1]])], ("cat", "dog"))
    >>> round(result.mean_iou, 4), result.iou["dog"]  # (1/2 + 2/3) / 2
    (0.5833, nan)
    """
    names = ("background", *checked("class_names", tuple(class_names), rule_of_names))
    if len(set(names)) < len(names):
        raise ValueError("class_names: 'background' is class 0 and needs no name")
    if not truth or len(predicted) != len(truth):
        raise ValueError(f"predictions of {len(predicted)} photos but the truth of {len(truth)}")
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for i, (found, known) in enumerate(zip(predicted, truth, strict=True)):
        try:
            counts += confusion_matrix(known, found, len(names), void=void)
        except ValueError as error:
            raise ValueError(f"photo {i}: {error}") from None
    return pixel_figures(counts, names)


def pixel_figures(counts: IntArray, names: Sequence[str]) -> PixelResult:
    """Return the figures of a table of counts (K+1, K+1) of classes with these names."""
    right, occurs = np.diag(counts).astype(float), counts.sum(axis=1).astype(float)  # (K+1,)
    union = occurs + counts.sum(axis=0) - right
    accuracy, iou = _ratio(right, occurs), _ratio(right, union)
    total = occurs.sum()
    weighted = float((occurs * np.nan_to_num(iou)).sum() / total) if total else float("nan")
    return PixelResult(
        float(right.sum() / total) if total else float("nan"),
        _mean_of_numbers(accuracy),
        _mean_of_numbers(iou),
        weighted,
        dict(zip(names, accuracy.tolist(), strict=True)),
        dict(zip(names, iou.tolist(), strict=True)),
        counts,
    )


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, NaN where whole is 0."""
    ratio: FloatArray = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio


def _mean_of_numbers(values: FloatArray) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")


def _shown(value: float) -> str:
    return "absent" if np.isnan(value) else f"{value:.4f}"
