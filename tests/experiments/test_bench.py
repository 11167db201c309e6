"""What experiments share."""

import dataclasses

import numpy as np
import pytest

from minircnn.experiments import EXPERIMENTS, trials_of
from minircnn.experiments.bench import digest
from minircnn.experiments.settings import changed, shortened
from minircnn.training import RECIPES, BackboneSettings


def test_settings_are_changed_by_dotted_name():
    settings = RECIPES["rcnn"].presets["scenes"]
    other = changed(settings, {"svm.negative_iou": 0.1, "seed": 4, "fine_tune.solver.step": 7})
    assert (other.svm.negative_iou, other.seed, other.fine_tune.solver.step) == (0.1, 4, 7)
    assert changed(other, {}) == other
    with pytest.raises(ValueError, match="no setting 'negative'"):
        changed(settings, {"svm.negative": 1})


def test_every_solver_is_shortened():
    settings = shortened(RECIPES["rcnn"].presets["scenes"], 0.1)
    assert settings.fine_tune.solver.iterations == 45
    assert shortened(settings, 1e-6).fine_tune.solver.step == 1
    longer = shortened(RECIPES["rcnn"].presets["scenes"], 2).fine_tune.solver
    assert (longer.iterations, longer.step) == (900, 680)


def test_the_backbone_takes_the_place_of_the_presets(quick_bench):
    bench = dataclasses.replace(
        quick_bench,
        preset="pretrained",
        backbone=BackboneSettings("squeezenet1_1", weights="own.npz"),
        limit=9,
    )
    settings = bench.seeded(3).settings("fast-rcnn")
    own = RECIPES["fast-rcnn"].presets["pretrained"].backbone
    assert settings.backbone == dataclasses.replace(own, weights="own.npz")
    assert settings.proposals.limit == 9
    assert settings.seed == 3


def test_boxes_are_not_moved_by_votes_that_no_paper_has(quick_bench):
    bench = dataclasses.replace(quick_bench, preset="pretrained")
    assert RECIPES["fast-rcnn"].presets["pretrained"].postprocess.vote_iou is not None
    assert bench.settings("fast-rcnn").postprocess.vote_iou is None


def test_other_weights_under_the_same_name_are_told_apart(quick_bench, tmp_path):
    path = tmp_path / "own.safetensors"
    backbone = BackboneSettings("tiny", weights=str(path))
    seen = set()
    for content in (b"some", b"others"):
        path.write_bytes(content)
        bench = dataclasses.replace(quick_bench, backbone=backbone, _memory={})
        seen |= {bench.weights_digest(), trials_of(EXPERIMENTS["svd"], bench, [0])[0].path}
    assert len(seen) == 4
    published = BackboneSettings("squeezenet1_1", weights="squeezenet1_1")
    assert dataclasses.replace(quick_bench, backbone=published).weights_digest() is None
    assert quick_bench.weights_digest() is None


def test_a_detector_is_trained_once(quick_bench, monkeypatch):
    settings = quick_bench.settings("fast-rcnn")
    folder = quick_bench.trained_in(settings)
    monkeypatch.setattr("minircnn.experiments.bench.train", None)
    assert quick_bench.trained_in(settings) == folder
    assert quick_bench.trained(settings).class_names == quick_bench.train.class_names


def test_arrays_are_kept_by_what_they_follow_from(quick_bench, tmp_path):
    bench = dataclasses.replace(quick_bench, folder=tmp_path)
    calls = []

    def compute():
        calls.append(1)
        return np.arange(5.0)

    for _ in range(2):
        np.testing.assert_array_equal(bench.kept_array({"what": "five"}, compute), np.arange(5.0))
    assert len(calls) == 1
    (path,) = (tmp_path / "arrays").iterdir()
    path.write_bytes(b"damaged")
    np.testing.assert_array_equal(bench.kept_array({"what": "five"}, compute), np.arange(5.0))
    assert len(calls) == 2


def test_a_digest_does_not_depend_on_the_order_of_names():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})
