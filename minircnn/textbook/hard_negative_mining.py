"""Hard negative mining: an SVM trained on more negatives than fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from minircnn.structures import FloatArray, IntArray

Trainer = Callable[[FloatArray, IntArray], tuple[FloatArray, float]]


def mine_hard_negatives(
    positives: FloatArray,
    photos: Iterable[FloatArray],
    train: Trainer,
    hard_above: float = -1.0001,
    evict_below: float = -1.2,
    retrain_after: int = 2000,
) -> tuple[FloatArray, float]:
    """Return weight (D,) and intercept of one class's SVM, after one pass over the photos.

    Girshick et al. 2014, section 2.3, after Felzenszwalb et al. 2010, section 4. `positives` (P, D) are the
    features of the class's objects, `photos` those (R, D) of each photo's negatives; ``train(features,
    labels)`` returns an SVM, as `fit_linear_svm` does.
    """
    weight: FloatArray = np.zeros(positives.shape[1])
    intercept = 0.0
    cache: list[FloatArray] = []  # the hard negatives found so far
    trained, added = False, 0
    for negatives in photos:
        hard = [x for x in negatives if x @ weight + intercept > hard_above]  # the first photo's all
        cache += hard
        added += len(hard)
        if not trained or added > retrain_after:
            weight, intercept = train(*_examples(positives, cache))
            cache = [x for x in cache if x @ weight + intercept >= evict_below]  # the others have become easy
            trained, added = True, 0
    return train(*_examples(positives, cache))


def _examples(positives: FloatArray, negatives: list[FloatArray]) -> tuple[FloatArray, IntArray]:
    labels = np.array([1] * len(positives) + [-1] * len(negatives))
    return np.array([*positives, *negatives], dtype=float), labels
