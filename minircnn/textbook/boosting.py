"""AdaBoost as in table 1 of Viola and Jones (CVPR 2001), every threshold of every feature tried."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minircnn.structures import FloatArray


class WeakClassifier(NamedTuple):
    """One feature compared with a threshold, and its vote."""

    feature: int
    threshold: float
    polarity: int
    """1: positive below the threshold; −1: positive from it on."""
    alpha: float

    def __call__(self, example: Any) -> bool:
        """Return h(x) for the values of one example's features."""
        value = example[self.feature]
        return bool(value < self.threshold if self.polarity == 1 else value >= self.threshold)


def ada_boost(examples: FloatArray, labels: list[bool], rounds: int) -> list[WeakClassifier]:
    """Return the weak classifiers of so many rounds, for `examples` (N, F)."""
    positives = sum(labels)
    weights = [1 / (2 * positives) if y else 1 / (2 * (len(labels) - positives)) for y in labels]
    chosen = []
    for _ in range(rounds):
        weights = [w / sum(weights) for w in weights]
        error, best = _best_weak_classifier(examples, labels, weights)
        beta = max(error, 1e-10) / (1 - max(error, 1e-10))
        best = best._replace(alpha=math.log(1 / beta))
        right = [best(x) == y for x, y in zip(examples, labels, strict=True)]
        weights = [w * beta if ok else w for w, ok in zip(weights, right, strict=True)]
        chosen.append(best)
    return chosen


def _best_weak_classifier(
    examples: FloatArray, labels: list[bool], weights: list[float]
) -> tuple[float, WeakClassifier]:
    """Return the least weighted error, and who has it."""
    best: tuple[float, WeakClassifier] | None = None
    for feature in range(examples.shape[1]):
        values = np.unique(examples[:, feature])
        for threshold in (values[:-1] + values[1:]) / 2:
            for polarity in (-1, 1):
                weak = WeakClassifier(feature, float(threshold), polarity, 0.0)
                error = sum(w for x, y, w in zip(examples, labels, weights, strict=True) if weak(x) != y)
                if best is None or error < best[0]:
                    best = error, weak
    if best is None:
        raise ValueError("no feature differs between the examples")
    return best


def is_positive(weak: list[WeakClassifier], example: Any) -> bool:
    """Return what the strong classifier says: the votes for it are at least half of all."""
    votes = sum(h.alpha for h in weak if h(example))
    return votes >= sum(h.alpha for h in weak) / 2


def passes_cascade(stages: list[tuple[list[WeakClassifier], float]], example: Any) -> int:
    """Return how many stages, each with its threshold, an example passes before one rejects it."""
    for depth, (weak, threshold) in enumerate(stages):
        if sum(h.alpha for h in weak if h(example)) < threshold:
            return depth
    return len(stages)
