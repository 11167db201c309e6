"""Every number of every record of settings: what makes no sense is refused where it comes in, by its name."""

import dataclasses
import json
import math
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from minircnn.detectors import ImageScale, PostprocessSettings, WarpSettings
from minircnn.heads import MiningSettings
from minircnn.proposals import ProposalSettings, SelectiveSearch, SlidingWindow, Strategy
from minircnn.training import RECIPES, FineTuneSettings, RoISampling, SolverSettings, as_json, train
from minircnn.training.box_regression import BoxRegressionSettings
from minircnn.training.fast_rcnn import FastRCNNSettings
from minircnn.training.linear_parts import LinearPartsSettings
from minircnn.training.rcnn import RCNNSettings
from minircnn.training.settings import BackboneSettings
from minircnn.training.sppnet import SPPNetSettings
from minircnn.training.svms import SVMSettings

EXAMPLES = {Strategy: Strategy("HSV", "CTSF", 100.0)}


def _records_in(settings):
    yield settings
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from _records_in(value)


KINDS = {type(r) for recipe in RECIPES.values() for r in _records_in(recipe.settings())} | {
    WarpSettings,
    MiningSettings,
    SelectiveSearch,
    SlidingWindow,
    Strategy,
}
"""Whatever a recipe's settings hold, and what a detector's file holds besides."""


def _numbers():
    """Yield kind, field and type of every number, and whether it may be None."""
    for kind in sorted(KINDS, key=lambda kind: kind.__name__):
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            types = set(get_args(hints[field.name])) or {hints[field.name]}
            for number in types & {int, float}:
                if types <= {int, float, type(None)}:
                    yield kind, field.name, number, type(None) in types


NUMBERS = list(_numbers())
NEGATIVE = {"min_score", "hard_above", "evict_below", "n_jobs", "sigma_shift"}
"""Where −1 means something."""
MINING = ("MiningSettings", "SVMSettings", "WordSVMSettings")
ZERO = {
    ("ProposalSettings", "min_size"),
    ("SelectiveSearch", "min_size"),
    *((kind.__name__, "seed") for kind in KINDS),
    *((kind, "weight_decay") for kind in ("SolverSettings",)),
    ("SolverSettings", "momentum"),
    ("BackboneSettings", "dropout"),
    ("FineTuneSettings", "background"),
    ("FastRCNNSettings", "bbox_loss_weight"),
    ("FasterRCNNSettings", "bbox_loss_weight"),
    ("RPNSettings", "loss_weight"),
    ("ProposalLayerSettings", "nms_iou"),
    ("RoISampling", "bg_iou_low"),
    ("PostprocessSettings", "min_score"),
    ("PostprocessSettings", "nms_iou"),
    ("BoxRegressionSettings", "min_iou"),
    ("RCNNSettings", "context"),
    *(("HogSVMSettings", field) for field in ("rounds", "group_neighbors")),
    ("HogSettings", "sigma_shift"),
    ("NegativeSettings", "hard_above"),
    ("PyramidSettings", "padding"),
    *(("WindowSVMSettings", field) for field in ("bias_feature", "tol")),
    ("WarpSettings", "context"),
    *((kind, field) for kind in MINING for field in ("bias_feature", "tol")),
    *((kind, field) for kind in MINING for field in ("hard_above", "retrain_after")),
    ("SVMSettings", "duplicate_iou"),
    *(
        ("CascadeSettings", field)
        for field in ("false_alarm", "held_out", "negative_iou", "crop_inset", "margin")
    ),
    *(("GroupingSettings", field) for field in ("min_neighbors", "eps")),
    *(("ScanSettings", field) for field in ("min_std", "min_size")),
    *(("WordSVMSettings", field) for field in ("duplicate_iou", "least_iou", "rounds")),
    *(("DenseSiftSettings", field) for field in ("blur", "least_contrast")),
}
"""Where 0 means something."""


def _make(kind, field, value):
    if kind in EXAMPLES:
        return dataclasses.replace(EXAMPLES[kind], **{field: value})
    return kind(**{field: value})


def test_the_walk_meets_every_record():
    assert {kind for kind, *_ in NUMBERS} >= {SolverSettings, SVMSettings, SPPNetSettings, SelectiveSearch}
    assert len(NUMBERS) > 60


@pytest.mark.parametrize(
    ("kind", "field", "number", "optional"), NUMBERS, ids=[f"{k.__name__}.{f}" for k, f, *_ in NUMBERS]
)
def test_a_number_makes_sense_or_is_refused_by_its_name(kind, field, number, optional):
    refused = [math.nan, math.inf, -math.inf, 1e30, -1e30, 1e308, 10**400, True, np.True_, "3", [1], {}]
    refused += [0.5, 10.0] if number is int else []
    refused += [] if optional else [None]
    refused += [] if field in NEGATIVE else [-1]
    refused += [] if (kind.__name__, field) in ZERO else [0]
    for value in refused:
        with pytest.raises(ValueError, match=rf"\b{field}\b.* must "):
            _make(kind, field, value)


@pytest.mark.parametrize("kind", sorted(KINDS, key=lambda kind: kind.__name__))
def test_no_field_takes_a_thing_of_another_kind(kind):
    """Names, flags, tuples and inner records too."""
    for field in dataclasses.fields(kind):
        if field.init:
            for value in (object(), 1.5j, b"x"):
                with pytest.raises(ValueError, match=rf"\b{field.name}\b"):
                    _make(kind, field.name, value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: ImageScale(800, 600),
            r"scale\.short_side must be at most scale\.max_long_side \(600\), got 800",
        ),
        (
            lambda: FastRCNNSettings(training_scales=(600, 1200)),
            r"training_scales must be at most scale\.max_long_side \(1000\), got 1200",
        ),
        (lambda: RoISampling(bg_iou_low=0.5), r"sampling\.bg_iou_low must be below sampling\.bg_iou_high"),
        (lambda: RoISampling(fg_iou=0.4), r"sampling\.bg_iou_high must be at most sampling\.fg_iou \(0\.4\)"),
        (lambda: RoISampling(fg_fraction=0.001), r"sampling\.fg_fraction must leave one foreground region"),
        (lambda: WarpSettings(32, 16), r"2 \* warp\.context must be below warp\.crop_size \(32\), got 32"),
        (lambda: RCNNSettings(crop_size=32, context=16), r"context must be below crop_size"),
        (lambda: SVMSettings(evict_below=0.0), r"svm\.evict_below must be at most svm\.hard_above"),
        (lambda: SPPNetSettings(scales=(5000,)), r"scales must be between 1 and 4096, each of them"),
        (lambda: SPPNetSettings(levels=(1, 10**9)), r"levels must be between 1 and 64"),
        (lambda: BackboneSettings(frozen="conv1"), r"backbone\.frozen must be .*got 'conv1'"),
        (lambda: BackboneSettings(name="resnet"), r"backbone\.name must be one of .*tiny.*, got 'resnet'"),
        (lambda: BackboneSettings(weights=""), r"backbone\.weights must be the name of a file, or none"),
        (lambda: LinearPartsSettings(cache_dtype="float8"), r"cache_dtype must be one of float16, float32"),
        (lambda: FastRCNNSettings(flip=1), r"flip must be true or false, got 1"),
        (
            lambda: FastRCNNSettings(postprocess={"nms_iou": 0.3}),
            r"postprocess must be PostprocessSettings\(\.\.\.\)",
        ),
        (lambda: ProposalSettings(mode="slow"), r"proposals\.mode must be one of single, fast, quality"),
        (lambda: SlidingWindow(sizes=()), r"sizes must be one value or more"),
        (
            lambda: SlidingWindow(aspect_ratios=(1.0, math.nan)),
            r"aspect_ratios must be above 0, each of them",
        ),
        (lambda: Strategy("XYZ", "CTSF", 100), r"Strategy\.colour must be one of"),
        (lambda: Strategy("HSV", "CX", 100), r"Strategy\.similarities must be letters of CTSF"),
        (lambda: SelectiveSearch(mode=["fast"]), r"mode must be one of single, fast, quality"),
        (lambda: SelectiveSearch(strategies=()), r"strategies must be one value or more, or none"),
        (lambda: SelectiveSearch(n_jobs=0), r"n_jobs must be"),
    ],
)
def test_values_that_do_not_go_together_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("size", [5, 20, 100])
def test_a_crop_that_the_network_does_not_take_fails_before_the_proposals(size, tmp_path):
    preset = RECIPES["rcnn"].presets["scenes-quick"]
    with pytest.raises(ValueError, match=rf"crop_size {size} does not fit tiny, whose crops have 48"):
        train(None, dataclasses.replace(preset, crop_size=size), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_what_numpy_and_paths_give_is_kept_as_json_knows_it():
    solver = SolverSettings(iterations=np.int64(7), learning_rate=np.float32(0.5))
    settings = FastRCNNSettings(
        solver=solver,
        training_scales=[np.int32(200)],
        proposals=ProposalSettings(method="file", path=Path("boxes.npz")),
        postprocess=PostprocessSettings(min_score=np.float64(0.25)),
    )
    flat = json.loads(json.dumps(as_json(settings)))
    assert flat["solver.iterations"] == 7
    assert flat["solver.learning_rate"] == 0.5
    assert flat["training_scales"] == [200]
    assert flat["proposals.path"] == "boxes.npz"
    assert settings.training_scales == (200,)


def test_the_ends_that_mean_something_are_accepted():
    SolverSettings(momentum=0, weight_decay=0, gamma=1)
    PostprocessSettings(nms_iou=1, min_score=-1e9, top_per_class=1, max_detections=1)
    RoISampling(images=1, rois_per_image=1, fg_fraction=1, fg_iou=1, bg_iou_low=0, bg_iou_high=1)
    FineTuneSettings(foreground=1, background=0)
    BoxRegressionSettings(regularization=1e-6, min_iou=0)
    SVMSettings(negative_iou=1, bias_feature=0, duplicate_iou=None)
    ImageScale(600, 600)
