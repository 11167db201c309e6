"""One stage: boosting until it rejects enough, its threshold set on objects it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.features import HaarFeatures, haar_values
from minircnn.heads import AdaBoost, Stump
from minircnn.heads.cascade import WeakTree
from minircnn.heads.cascade.stages import THRESHOLD_SLACK
from minircnn.structures import ImageArray
from minircnn.training.viola_jones.settings import CascadeSettings

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrainedStage:
    """A stage and what is known of it.

    Parameters
    ----------
    stumps : list of Stump
        Their features are rows of `features`.
    features : HaarFeatures
    threshold : float
    hit_rate : float
        Part of the held-out objects that passed the earlier stages, which it lets pass.
    false_alarm : float
        Part of its negatives that it lets pass.
    """

    stumps: list[Stump]
    features: HaarFeatures
    threshold: float
    hit_rate: float
    false_alarm: float

    def weak(self, offset: int) -> list[WeakTree]:
        """Return the weak classifiers, if the features of the stages before are `offset` many."""
        trees = []
        for number, stump in enumerate(self.stumps):
            votes = (0.0, stump.alpha) if stump.above else (stump.alpha, 0.0)
            trees.append(WeakTree([(0, -1, offset + number, stump.threshold)], votes))
        return trees


def train_stage(
    positives: ImageArray,
    negatives: ImageArray,
    held_out: ImageArray,
    features: HaarFeatures,
    settings: CascadeSettings,
    number: int,
) -> TrainedStage:
    """Train stage `number` (from 0) on windows (n, h, w) uint8 that passed all stages before it."""
    values = haar_values(
        features, np.concatenate([positives, negatives, held_out]), margin=settings.margin
    )  # (F, P + N + V)
    learned = len(positives) + len(negatives)
    boost = AdaBoost(values[:, :learned], np.arange(learned) < len(positives))
    votes, total = np.zeros(values.shape[1]), 0.0
    planned = settings.layer_sizes[number] if number < len(settings.layer_sizes) else None
    while True:
        stump = boost.round()
        alpha = np.float32(stump.alpha)
        votes += alpha * stump.positive(values[stump.feature])
        total += float(alpha)
        threshold = stage_threshold(votes[learned:], total, settings.hit_rate)
        passes = votes >= float(threshold - THRESHOLD_SLACK)
        false_alarm = float(passes[len(positives) : learned].mean())
        done = len(boost.stumps)
        complete = done >= planned if planned else false_alarm <= settings.false_alarm
        if complete or done >= settings.most_features:
            break
    chosen = features.rows(np.array([stump.feature for stump in boost.stumps]))
    return TrainedStage(boost.stumps, chosen, float(threshold), float(passes[learned:].mean()), false_alarm)


def stage_threshold(votes: Float64, total: float, hit_rate: float) -> np.float32:
    """Return the threshold that lets pass a part `hit_rate` of objects with these `votes` (V,).

    It is AdaBoost's own, half of the `total`, or lower (section 4.1).
    """
    lost = int(np.floor((1.0 - hit_rate) * len(votes) + 1e-9))
    return np.float32(min(0.5 * total, float(np.sort(votes)[lost])))
