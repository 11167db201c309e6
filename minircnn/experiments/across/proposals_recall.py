"""How well proposals cover the objects (Uijlings et al. 2013, tables 2 to 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from minircnn.evaluation import proposal_recall
from minircnn.experiments.across.boxes import (
    FlatSegmentation,
    dense_windows,
    prefixes,
    proposal_settings,
    random_boxes,
    region_proposals,
    selective_search,
)
from minircnn.experiments.base import Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.imaging.colour import ColourSpace
from minircnn.proposals import Strategy
from minircnn.structures import FloatArray
from minircnn.training import RECIPES

_STRATEGIES: tuple[tuple[ColourSpace, str, float, Mapping[str, float]], ...] = (
    ("RGB", "C", 50, {"mabo": 0.635}),  # table 3: similarities
    ("RGB", "T", 50, {"mabo": 0.581}),
    ("RGB", "S", 50, {"mabo": 0.640}),
    ("RGB", "F", 50, {"mabo": 0.634}),
    ("RGB", "CTSF", 50, {"mabo": 0.676}),
    ("I", "CTSF", 50, {"mabo": 0.670}),  # colour spaces
    ("Lab", "CTSF", 50, {"mabo": 0.690, "boxes": 328}),
    ("rgI", "CTSF", 50, {"mabo": 0.693}),
    ("HSV", "CTSF", 50, {"mabo": 0.693, "boxes": 463}),
    ("rgb", "CTSF", 50, {"mabo": 0.647}),
    ("C", "CTSF", 50, {"mabo": 0.615}),
    ("H", "CTSF", 50, {"mabo": 0.644}),
    ("RGB", "CTSF", 100, {"mabo": 0.671}),  # thresholds
    ("RGB", "CTSF", 150, {"mabo": 0.668}),
    ("RGB", "CTSF", 250, {"mabo": 0.647}),
    ("RGB", "CTSF", 500, {"mabo": 0.585}),
    ("RGB", "CTSF", 1000, {"mabo": 0.477}),
)
_QUICK = ("RGB-C-50", "RGB-CTSF-50", "HSV-CTSF-50", "RGB-CTSF-1000")

_MODES: dict[str, tuple[str, Mapping[str, float]]] = {  # table 5, VOC 2007 test
    "single": ("single: 1 strategy", {"recall": 0.840, "mabo": 0.690, "boxes": 289}),
    "fast": ("fast: 8 strategies", {"recall": 0.980, "mabo": 0.804, "boxes": 2134}),
    "quality": ("quality: 80 strategies", {"recall": 0.991, "mabo": 0.879, "boxes": 10_097}),
}

_FLAT = tuple(50.0 * i for i in range(1, 21))  # 50, 100, …, 1000


def rows(bench: Bench) -> Sequence[Row]:
    """Return single strategies, hierarchy against flat segmentation, modes, and other sources of boxes."""
    single = [
        _row(
            f"{colour}-{letters}-{k:g}",
            f"{colour}, {' + '.join(letters)}, k = {k:g}",
            partial(selective_search, strategies=(Strategy(colour, letters, k),)),
            published,
        )
        for colour, letters, k, published in _STRATEGIES
    ]
    pair = tuple(Strategy("RGB", "CTSF", k) for k in (50, 100))
    table2 = [
        _row("flat", "20 segmentations, k = 50 to 1000", _flat, {"mabo": 0.673, "boxes": 597}),
        _row(
            "hierarchies",
            "2 hierarchies, k = 50 and 100",
            partial(selective_search, strategies=pair),
            {"mabo": 0.719, "boxes": 625},
        ),
    ]
    modes = [
        _row(mode, title, partial(selective_search, mode=mode), published)
        for mode, (title, published) in _MODES.items()
        if not (bench.quick and mode == "quality")
    ]
    others = [
        _row("windows", "dense windows", dense_windows),
        _row("random", "random boxes, as many as fast", _random),
    ]
    if bench.preset in RECIPES["faster-rcnn"].presets:
        others.insert(0, _row("rpn", "region proposal network", region_proposals))
    return [row for row in single if not bench.quick or row.name in _QUICK] + table2 + modes + others


def _row(
    name: str,
    title: str,
    source: Callable[[Bench], list[FloatArray]],
    published: Mapping[str, float] | None = None,
) -> Row:
    return Row(name, title, partial(_measure, source=source), published or {})


def _measure(bench: Bench, source: Callable[[Bench], list[FloatArray]]) -> Measurement:
    boxes = source(bench)
    annotations = [bench.test.annotations(index) for index in range(len(bench.test))]
    counts = prefixes(max(1, *(len(own) for own in boxes)))
    results = [proposal_recall(boxes, annotations, max_proposals=count) for count in counts]
    last = results[-1]
    return Measurement(
        {
            "mabo": last.mabo,
            "recall": last.class_recall[0],
            "recall_07": last.class_recall[1],
            "boxes": last.num_proposals,
        },
        {
            "MABO": [(result.num_proposals, result.mabo) for result in results],
            "recall": [(result.num_proposals, result.class_recall[0]) for result in results],
        },
    )


def _flat(bench: Bench) -> list[FloatArray]:
    return bench.proposals(bench.test, FlatSegmentation(_FLAT, proposal_settings(bench).min_size))


def _random(bench: Bench) -> list[FloatArray]:
    return random_boxes(bench, selective_search(bench, mode="fast"))


add_experiment(
    Experiment(
        name="proposals-recall",
        title="What proposals cover",
        source="Selective Search (Uijlings et al. 2013), tables 2 to 5",
        teaches="Which ways of grouping find which objects, and how many boxes cover nearly all?",
        differs=(
            "Boxes with a short side (below 10 pixels on the scenes, 20 on photos) are left out. The paper "
            "measures tables 2 to 4 on VOC 2007 train and val, and the modes (table 5) on test; here all "
            "are measured on the test photos. Selective search is ranked under one seed, so its rows are the "
            "same in every run; the region proposal network, the order of the windows and the random boxes "
            "follow the seed."
        ),
        columns=[
            Column("mabo", "MABO"),
            Column("recall", "recall, IoU 0.5"),
            Column("recall_07", "recall, IoU 0.7"),
            Column("boxes", "boxes/photo", 0),
        ],
        rows=rows,
        effects=[
            Effect("all similarities against size alone", "RGB-CTSF-50", "RGB-S-50", "mabo", exact=True),
            Effect("HSV against RGB", "HSV-CTSF-50", "RGB-CTSF-50", "mabo", exact=True),
            Effect("k = 1000 against k = 50", "RGB-CTSF-1000", "RGB-CTSF-50", "mabo", exact=True),
            Effect("hierarchies against flat segmentations", "hierarchies", "flat", "mabo", exact=True),
            Effect("eight strategies against one", "fast", "single", "mabo", exact=True),
            Effect("selective search against as many random boxes", "fast", "random", "mabo"),
        ],
        curve_titles=("boxes per photo", "share of the objects, or mean overlap"),
        minutes=9,
        seeds=1,
    )
)
