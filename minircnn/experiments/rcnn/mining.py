"""Hard negatives against random ones: objective and mAP against the examples seen (R-CNN, section 2.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from minircnn.arrays import HostArray
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import TunedRCNN, mean_ap, svm_scores, tuned_rcnn
from minircnn.experiments.rcnn.svm_objective import Fitted, FullProblem
from minircnn.heads import LinearSVMs, MiningRound, MiningState, mine_and_train
from minircnn.structures import BoolArray, IntArray
from minircnn.training import as_json

_LOOKS = 10
"""At the SVMs during the pass, about."""
_RANDOM_SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of as many negatives as mining trains on."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each choice of negatives."""
    return [
        Row("random", "as many at random", _random),
        Row("hard", "hard negatives, in one pass", _hard, {"map": 0.542}),
        Row("all", "all negatives", _all),
    ]


def _random(bench: Bench) -> Measurement:
    tuned, problem = _material(bench)
    most = float(_mined(bench, tuned, problem)[-1, :, -1].sum() / problem.num_negatives.sum())
    rng = np.random.default_rng(bench.seed)
    order = rng.permutation(len(problem))
    counts = [round(share * most * len(order)) for share in _RANDOM_SHARES]
    return _judged(bench, tuned, problem, [problem.solve(order[:count], rng) for count in counts])


def _hard(bench: Bench) -> Measurement:
    tuned, problem = _material(bench)
    return _judged(bench, tuned, problem, list(_mined(bench, tuned, problem)))


def _all(bench: Bench) -> Measurement:
    tuned, problem = _material(bench)
    return _judged(bench, tuned, problem, [_solved(bench, tuned, problem)])


def _material(bench: Bench) -> tuple[TunedRCNN, FullProblem]:
    tuned = tuned_rcnn(bench)
    return tuned, FullProblem(tuned.train, tuned.settings.svm)


def _judged(bench: Bench, tuned: TunedRCNN, problem: FullProblem, steps: Sequence[Fitted]) -> Measurement:
    """Return the values of the last step and the curves of all."""
    least = problem.objective(_solved(bench, tuned, problem))
    maps, objectives, seen = [], [], []
    for fitted in steps:
        svms = LinearSVMs.from_weights(fitted[:, :-2].astype(np.float32), fitted[:, -2].astype(np.float32))
        scores = svm_scores(svms, tuned.test)
        maps.append(mean_ap(bench, tuned.test, scores, tuned.settings.postprocess))
        objectives.append(problem.objective(fitted))
        seen.append(float(fitted[:, -1].mean()))
    return Measurement(
        {"map": maps[-1], "objective": objectives[-1], "negatives": seen[-1]},
        {
            "mAP": list(zip(seen, maps, strict=True)),
            "least objective / objective": [
                (n, least / own) for n, own in zip(seen, objectives, strict=True)
            ],
        },
    )


def _solved(bench: Bench, tuned: TunedRCNN, problem: FullProblem) -> Fitted:
    """Return the SVMs trained on all negatives."""
    return bench.kept_array(
        _key(bench, tuned, "all"),
        lambda: problem.solve(np.arange(len(problem)), np.random.default_rng(bench.seed)),
    )


def _mined(bench: Bench, tuned: TunedRCNN, problem: FullProblem) -> HostArray:
    """Return the SVMs of the mining pass at some moments, the last one at its end, (S, K, D + 2)."""
    return bench.kept_array(_key(bench, tuned, "mined"), lambda: _mine(bench, tuned, problem))


def _key(bench: Bench, tuned: TunedRCNN, what: str) -> dict[str, object]:
    return {"mining": what, "settings": as_json(tuned.settings), "data": bench.fingerprint(bench.train)}


def _mine(bench: Bench, tuned: TunedRCNN, problem: FullProblem) -> HostArray:
    cache, classes = tuned.train.cache, problem.labels.shape[1]
    settings = dataclasses.replace(problem.settings, score_rows=max(1, len(problem) // _LOOKS))
    steps: list[Fitted] = []

    def look(now: Callable[[], MiningState]) -> None:
        state = now()
        seen = (state.labels < 0).sum(axis=0) + _evicted(state.trace, classes)
        steps.append(np.column_stack([state.weights.T * problem.scale, state.intercepts, seen]))

    mined = mine_and_train(
        [cache.fc7[problem.labels[:, k] > 0] for k in range(classes)],
        _photos(tuned, problem),
        settings=settings,
        scale=float(problem.scale),
        rng=np.random.default_rng(bench.seed),
        between=look,
    )
    *before, last = mined.trace  # which trains all classes
    seen = last.num_negatives + _evicted(before, classes)
    return np.stack([*steps, np.column_stack([mined.svms.coef_, mined.svms.intercept_, seen])])


def _photos(tuned: TunedRCNN, problem: FullProblem) -> Iterator[tuple[HostArray, BoolArray]]:
    """Yield the features of each photo's regions, and which of them may be negatives of each class."""
    for photo in range(len(tuned.train.records)):
        yield tuned.train.cache.photo(photo), problem.labels[tuned.train.rows(photo)] < 0


def _evicted(trace: Sequence[MiningRound], classes: int) -> IntArray:
    """Return how many negatives of each class were dropped in these rounds, (K,)."""
    evicted = np.zeros(classes, np.int64)
    for done in trace:
        evicted[done.classes] += done.num_evicted
    return evicted


add_experiment(
    Experiment(
        name="mining",
        title="Hard negatives against random ones",
        source="R-CNN, section 2.3",
        teaches="How near does one pass for hard negatives come to the solution on all of them?",
        differs=(
            f"{PRE_TRAINING} Without box regression. The objective is that of the problem with all "
            "negatives, the mean over classes; the paper tells of the pass, and gives no curves."
        ),
        columns=[
            MAP,
            Column("objective", "objective on all negatives", 4),
            Column("negatives", "negatives trained on, of a class", 0),
        ],
        rows=rows,
        effects=[
            Effect("hard over random negatives", "hard", "random"),
            Effect("hard over random negatives, objective", "hard", "random", "objective", ratio=True),
            Effect("all over hard negatives", "all", "hard"),
            Effect("all over hard negatives, objective", "all", "hard", "objective", ratio=True),
        ],
        curve_titles=("negatives trained on, mean of the classes", "mAP; least objective / objective"),
        minutes=15,
    )
)
