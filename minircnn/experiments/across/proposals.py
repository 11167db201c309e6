"""Number and kind of proposals against accuracy (Fast R-CNN, figure 3 and section 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from joblib import delayed

from minircnn.arrays import HostArray
from minircnn.data.records import one_photo
from minircnn.evaluation import evaluate_voc, proposal_recall
from minircnn.experiments.across.boxes import (
    dense_windows,
    prefixes,
    proposal_settings,
    random_boxes,
    region_proposals,
    selective_search,
)
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.progress import progress_bar
from minircnn.structures import DetectionDataset, Detections, FloatArray
from minircnn.training import RECIPES, as_json
from minircnn.training.code_digest import digest_of_files
from minircnn.workers import run_tasks

_FACTORS = (0.125, 0.25, 0.5, 1, 2, 4, 8)
"""Numbers of proposals, in those that the detector was trained with."""

_IOUS = tuple(0.5 + 0.05 * i for i in range(10))

Boxes = list[FloatArray]


def rows(bench: Bench) -> Sequence[Row]:
    """Return ever more proposals of one search, then other kinds, for one trained detector."""
    limit = proposal_settings(bench).limit
    counts = [max(1, round(factor * limit)) for factor in _FACTORS]
    sweep = [
        Row(
            f"search-x{factor:g}",
            f"selective search, {count} boxes",
            partial(_measure, kind="search", counts=tuple(counts), count=count),
            x=count,
        )
        for factor, count in zip(_FACTORS, counts, strict=True)
    ]
    # model M on VOC 2007: 59.2 with selective search, 52.9 with 45,000 dense boxes
    kinds = [
        _kind("trained", "selective search, as trained", {"map": 0.592}),
        _kind("windows", "dense windows", {"map": 0.529}),
        _kind("mixed", "as trained, and dense windows", {}),
        _kind("random", "random boxes, as many as trained", {}),
        _kind("truth", "the objects' own boxes", {}),
    ]
    if "faster-rcnn" in _trained(bench):
        kinds.insert(1, _kind("rpn", "region proposal network, as many", {}))
    return sweep + kinds


def _trained(bench: Bench) -> list[str]:
    """Return the detectors that are trained: one judges, the other proposes if there are settings for it."""
    return [name for name in ("fast-rcnn", "faster-rcnn") if bench.preset in RECIPES[name].presets]


def _kind(name: str, title: str, published: Mapping[str, float]) -> Row:
    return Row(name, title, partial(_measure, kind=name), published)


def _measure(
    bench: Bench, kind: str, counts: tuple[int, ...] | None = None, count: int | None = None
) -> Measurement:
    """Measure a detector with the first `count` boxes of a kind, and what leads there; default: all."""
    found = _curve(bench, kind, counts)
    last = len(found) if counts is None or count is None else counts.index(count) + 1
    boxes, accuracy, recall = found[:last].T
    return Measurement(
        {"map": accuracy[-1], "recall": recall[-1], "boxes": boxes[-1]},
        {
            "mAP": list(zip(boxes, accuracy, strict=True)),
            "average recall": list(zip(boxes, recall, strict=True)),
        },
    )


def _curve(bench: Bench, kind: str, counts: tuple[int, ...] | None) -> HostArray:
    """Return boxes a photo, mAP and average recall (n, 3) with the first `counts` of a kind of boxes."""
    key = {
        "of": [kind, counts, digest_of_files(Path(__file__).parent.glob("*.py"))],
        "settings": [as_json(bench.settings(name)) for name in _trained(bench)],
        "data": [bench.fingerprint(data) for data in (bench.train, bench.test)],
    }
    return bench.kept_array(key, lambda: _computed(bench, _KINDS[kind](bench), counts))


def _computed(bench: Bench, boxes: Boxes, counts: tuple[int, ...] | None) -> HostArray:
    """Return the curve of these `boxes`; without `counts`, at 10, 20, 50 and so on of them, and at all."""
    detector = bench.trained(bench.settings("fast-rcnn"))
    counts = counts or tuple(prefixes(max(1, *(len(own) for own in boxes))))
    tasks = (
        delayed(_detect_each)(detector, *one_photo(bench.test, i), own, counts) for i, own in enumerate(boxes)
    )
    bar = progress_bar(
        run_tasks(tasks, bench.jobs),
        show=bench.progress,
        total=len(boxes),
        desc="detecting",
        unit="photo",
        delay=1,
    )
    detections = list(zip(*bar, strict=True))  # by count, then by photo
    truth = [bench.test.annotations(index) for index in range(len(bench.test))]
    lines = []
    for count, found in zip(counts, detections, strict=True):
        covered = proposal_recall(boxes, truth, _IOUS, max_proposals=count)
        lines.append(
            (covered.num_proposals, evaluate_voc(list(found), truth).map, float(np.mean(covered.recall)))
        )
    return np.array(lines)


def _detect_each(
    detector: Any, dataset: DetectionDataset, index: int, boxes: FloatArray, counts: Sequence[int]
) -> list[Detections]:
    """Return what is found in a photo among the first of `boxes`, for several numbers of them.

    A region's score does not depend on the others, so all are judged once, and only the decision is repeated.
    """
    view = detector.look(dataset.image(index))
    scores, places = detector.judge_in_batches(view, boxes[: max(counts)])
    return [detector.decide(view, scores[:count], places[:count]) for count in counts]


def _as_trained(bench: Bench) -> Boxes:
    return bench.proposals(bench.test, bench.settings("fast-rcnn").proposer())


def _many(bench: Bench) -> Boxes:
    return selective_search(bench, mode="fast" if bench.quick else "quality")


def _mixed(bench: Bench) -> Boxes:
    pairs = zip(_as_trained(bench), dense_windows(bench), strict=True)
    return [np.concatenate(pair) for pair in pairs]


def _truth(bench: Bench) -> Boxes:
    return [bench.test.annotations(index).boxes.astype(np.float32) for index in range(len(bench.test))]


_KINDS: dict[str, Callable[[Bench], Boxes]] = {
    "search": _many,
    "trained": _as_trained,
    "rpn": region_proposals,
    "windows": dense_windows,
    "mixed": _mixed,
    "random": lambda bench: random_boxes(bench, _as_trained(bench)),
    "truth": _truth,
}


add_experiment(
    Experiment(
        name="proposals",
        title="Number and kind of proposals",
        source="Fast R-CNN, section 5.5 and figure 3",
        teaches="Do more proposals make a better detector, and does it matter where they come from?",
        differs=(
            "One detector, trained with the usual proposals (fast mode), judges all kinds and numbers of "
            "boxes; the paper trains model M anew for each. The search whose number of boxes varies is the "
            "quality mode, as there. The figure published for dense windows is that of 45,000 a photo, with "
            "which the detector was also trained."
        ),
        columns=[MAP, Column("recall", "average recall, IoU 0.5 to 0.95"), Column("boxes", "boxes/photo", 0)],
        rows=rows,
        effects=[
            Effect("four times as many proposals", "search-x4", "search-x1"),
            Effect("four times as many proposals, objects covered", "search-x4", "search-x1", "recall"),
            Effect("selective search instead of dense windows", "trained", "windows"),
            Effect("dense windows besides", "mixed", "trained"),
            Effect("the network's proposals instead of selective search", "rpn", "trained"),
            Effect("perfect proposals", "truth", "trained"),
        ],
        x_title="proposals of selective search",
        curve_titles=("boxes per photo", "mAP, average recall"),
        minutes=12,
        seeds=1,
    )
)
