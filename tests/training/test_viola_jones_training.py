"""Training cascades: what a stage learns, where negatives come from, when it ends, and that it goes on."""

import dataclasses
import json
import logging

import numpy as np
import pytest
from skimage import data
from trained_detectors import SCENES, settings_of

from minircnn.data.selection import SomePhotos
from minircnn.detectors import ViolaJones
from minircnn.features import enumerate_haar
from minircnn.heads.cascade import Cascade, ScanSettings, build_cascade, judge_windows, scan
from minircnn.training import (
    CascadeSettings,
    TrainingInterrupted,
    ViolaJonesSettings,
    train,
    train_cascade,
)
from minircnn.training.viola_jones.negatives import NegativePool
from minircnn.training.viola_jones.positives import (
    GreyPhotos,
    boxes_of_class,
    cut_positives,
    note_odd_classes,
)
from minircnn.training.viola_jones.stage import stage_threshold, train_stage
from minircnn.training.viola_jones.trace import TRACE_FILE, read_trace

SMALL = CascadeSettings(
    window=(12, 12),
    features=150,
    stages=3,
    layer_sizes=(),
    most_features=6,
    negatives=200,
    least_negatives=20,
)


def discs(count, seed=0, side=12):
    """Bright discs on dark ground, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(x, y) < side / 3
    noise = rng.integers(-25, 25, (count, side, side))
    return np.clip(60 + 110 * inside + noise, 0, 255).astype(np.uint8)


def ground(count=4, seed=1, side=60):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (side, side + i), dtype=np.uint8) for i in range(count)]


def same(one, other):
    assert one.trace == other.trace
    assert one.reason == other.reason
    for name, array in one.cascade.arrays().items():
        np.testing.assert_array_equal(array, other.cascade.arrays()[name], err_msg=name)


def test_a_cascade_finds_what_it_learned():
    trained = train_cascade(discs(120), ground(), SMALL, seed=3)
    depth, _ = judge_windows(discs(200, seed=9), trained.cascade, min_std=10)
    assert (depth == trained.cascade.stages).mean() > 0.9
    passing = [scan(photo, trained.cascade).left for photo in ground(3, seed=77)]
    left = np.sum(passing, axis=0)
    assert left[-1] < 0.02 * left[0]


def test_it_is_deterministic_and_goes_on_where_it_was():
    kept = []
    whole = train_cascade(discs(60), ground(), SMALL, seed=5, keep=kept.append)
    same(train_cascade(discs(60), ground(), SMALL, seed=5), whole)
    assert len(kept) >= 2
    for so_far in kept:
        same(train_cascade(discs(60), ground(), SMALL, seed=5, begun=so_far), whole)
    other = train_cascade(discs(60), ground(), SMALL, seed=6)
    assert other.trace != whole.trace


def test_each_stage_keeps_the_objects_that_were_asked_for():
    settings = CascadeSettings(
        window=(12, 12), features=100, stages=2, hit_rate=0.9, layer_sizes=(2, 3), negatives=150, margin=1
    )
    trained = train_cascade(discs(200), ground(), settings, mirror=True)
    assert [record["features"] for record in trained.trace] == [2, 3]
    assert all(record["hit_rate"] >= 0.9 for record in trained.trace)
    rates = [record["detection_rate"] for record in trained.trace]
    assert rates == sorted(rates, reverse=True)
    assert trained.cascade.margin == 1
    assert trained.reason == "all 2 stages are trained"


def test_the_threshold_keeps_the_part_of_objects():
    votes = np.arange(1000.0)
    for rate in (1.0, 0.995, 0.9, 0.5):
        threshold = stage_threshold(votes, 1e9, rate)
        assert (votes >= threshold).mean() == pytest.approx(rate)
    assert stage_threshold(votes + 100, 60.0, 0.9) == 30  # AdaBoost's own is lower than it must be


def test_what_a_stage_says_of_itself_is_what_the_cascade_does():
    positives, negatives = discs(80), np.stack([photo[:12, :12] for photo in ground(90)])
    stage = train_stage(positives, negatives, positives, enumerate_haar(12, 12), SMALL, 0)
    cascade = build_cascade(12, 12, stage.features, [(stage.weak(0), stage.threshold)], margin=0)
    for crops, rate in ((positives, stage.hit_rate), (negatives, stage.false_alarm)):
        assert (judge_windows(crops, cascade)[0] == 1).mean() == pytest.approx(rate)


def test_negatives_pass_all_stages_and_overlap_no_object():
    photos = ground()
    objects = [np.array([[10.0, 10, 40, 40]])] * len(photos)
    weak = dataclasses.replace(SMALL, layer_sizes=(1, 1, 1), hit_rate=1.0)
    noise = np.stack([photo[:, :12] for photo in ground(60, seed=5, side=12)])  # nothing to learn
    trained = train_cascade(noise, photos, weak, avoid=objects)
    pool = NegativePool(photos, objects, SMALL, ScanSettings())
    assert trained.cascade.stages == 3
    for stages in (0, 1, 2):
        part = trained.cascade.first(stages)
        drawn = pool.draw(part, np.random.default_rng(0), "", False)
        assert len(drawn.crops) == SMALL.negatives
        assert (judge_windows(drawn.crops, part, min_std=10)[0] == stages).all()
        assert drawn.false_alarms <= drawn.windows
    # windows elsewhere only: none shows what lies in the middle of the object
    bright = [np.where(np.hypot(*(np.mgrid[:60, :60] - 25)) < 8, 255, photo[:60, :60]) for photo in photos]
    pool = NegativePool([b.astype(np.uint8) for b in bright], objects, SMALL, ScanSettings())
    crops = pool.draw(Cascade.empty(12, 12), np.random.default_rng(0), "", False).crops
    assert (crops == 255).mean(axis=(1, 2)).max() < 0.1


def test_windows_that_were_kept_are_those_that_a_search_finds():
    photos = ground()
    none = [np.zeros((0, 4))] * len(photos)
    trained = train_cascade(discs(60), photos, SMALL)
    used = NegativePool(photos, none, SMALL, ScanSettings())
    for stages in range(trained.cascade.stages):
        part = trained.cascade.first(stages)
        fresh = NegativePool(photos, none, SMALL, ScanSettings())
        one, other = (pool.draw(part, np.random.default_rng(1), "", False) for pool in (used, fresh))
        np.testing.assert_array_equal(one.crops, other.crops)
        assert (one.windows, one.false_alarms) == (other.windows, other.false_alarms)
    assert used._kept


@pytest.mark.parametrize(
    ("sides", "words"), [((60, 8), "0 windows of 12×12 pixels"), ((60, 60), "0 of them")]
)
def test_without_windows_that_can_be_negatives_there_is_no_cascade(sides, words):
    photos = [photo[: sides[0], : sides[1]] for photo in ground(3)]
    everywhere = [np.array([[0.0, 0, x, y]]) for y in (60,) for x in (60,) for _ in photos]
    with pytest.raises(ValueError, match=f"{words}.*add photos without the object"):
        train_cascade(discs(60), photos, dataclasses.replace(SMALL, negative_iou=1e-6), avoid=everywhere)


def test_a_data_set_without_usable_objects_is_refused():
    class Difficult(SomePhotos):
        def annotations(self, index):
            found = super().annotations(index)
            return dataclasses.replace(found, difficult=np.ones(len(found.boxes), bool))

    with pytest.raises(ValueError, match=r"has no \(not difficult\) object to train on"):
        note_odd_classes(Difficult(SCENES, [0, 1]), SMALL)


def test_it_ends_when_no_false_alarms_are_left_and_says_so():
    photos = [np.tile(np.arange(60, dtype=np.uint8) * 4, (60, 1))] * 3
    photos.append(ground(1)[0][:14])
    trained = train_cascade(discs(60), photos, SMALL)
    assert trained.cascade.stages < SMALL.stages
    assert "in all 4 photos are still false alarms, fewer than cascade.least_negatives (20)" in trained.reason


@pytest.mark.parametrize(
    ("positives", "photos", "words"),
    [
        (discs(5, side=9), ground(), r"positives must be grey windows \(N, 12, 12\) uint8, got \(5, 9, 9\)"),
        (np.full((5, 12, 12), 9, np.uint8), ground(), "none of the 5 positives has a standard deviation"),
        (discs(5), [], "there is no photo to look for negatives in"),
        (np.zeros((0, 12, 12), np.uint8), ground(), "none of the 0 positives"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(positives, photos, words):
    with pytest.raises(ValueError, match=words):
        train_cascade(positives, photos, SMALL)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window": (24,)}, r"cascade\.window must be a height and a width"),
        ({"window": (2, 24)}, r"cascade\.window must be between 4 and 256"),
        ({"kinds": ("five",)}, r"cascade\.kinds must be one of two-across"),
        ({"margin": 12}, r"cascade\.margin must be below half of the window's sides"),
        (
            {"least_negatives": 20_000},
            r"cascade\.least_negatives must be at most cascade\.negatives \(10000\)",
        ),
    ],
)
def test_settings_that_make_no_sense(changes, words):
    with pytest.raises(ValueError, match=words):
        CascadeSettings(**changes)


def test_the_objects_of_a_data_set_fill_the_window():
    photos = GreyPhotos(SCENES)
    settings = CascadeSettings(window=(20, 14))
    crops = cut_positives(SCENES, photos, 3, settings)
    boxes = boxes_of_class(SCENES, 3)
    assert crops.shape == (sum(map(len, boxes)), 20, 14)
    assert len(photos) == len(SCENES)
    with pytest.raises(IndexError):
        photos[len(photos)]


def test_a_run_writes_its_trace_and_resumes_to_the_same_detector(tmp_path, caplog):
    settings = settings_of("viola-jones")
    with caplog.at_level(logging.WARNING, logger="minircnn"):
        whole = train(SCENES, settings, tmp_path / "whole", progress=False)
    assert "classes with few objects to learn from" in caplog.text
    with pytest.raises(TrainingInterrupted, match="stopped after 2 stages, which are kept"):
        train(SCENES, settings, tmp_path / "parts", progress=False, stop_after=2)
    assert len(read_trace(tmp_path / "parts")) == 2
    again = train(SCENES, settings, tmp_path / "parts", progress=False, resume=True)
    assert again.model_path.read_bytes() == whole.model_path.read_bytes()
    texts = [(tmp_path / name / TRACE_FILE).read_text() for name in ("whole", "parts")]
    assert texts[0] == texts[1]
    assert isinstance(whole.detector, ViolaJones)
    records = [json.loads(line) for line in texts[0].splitlines()]
    assert {record["class"] for record in records} <= set(SCENES.class_names)


def test_a_trace_that_is_none_is_named(tmp_path):
    assert read_trace(tmp_path) == []
    (tmp_path / TRACE_FILE).write_text('{"class": "a"}\n')
    with pytest.raises(ValueError, match=r"viola-jones\.trace\.jsonl, line 1: is no record of a stage"):
        read_trace(tmp_path)


def test_objects_of_another_shape_than_the_window_are_said(tmp_path, caplog):
    settings = ViolaJonesSettings(
        cascade=CascadeSettings(window=(8, 24), stages=1, negatives=200, features=20)
    )
    with caplog.at_level(logging.WARNING, logger="minircnn"):
        train(SCENES, settings, tmp_path, progress=False)
    assert "and the window 8×24 (height × width) is stretched to them" in caplog.text


@pytest.mark.slow
def test_a_toy_that_is_trained_on_the_faces_of_scikit_image():
    """100 faces teach a few stages: most faces pass, most windows do not."""
    subset = data.lfw_subset()  # (200, 25, 25), faces first
    crops = np.rint(subset * 255).astype(np.uint8)
    faces = crops[:100]
    photos = [data.camera(), data.coins(), data.moon(), data.text(), data.page(), data.clock()]
    settings = CascadeSettings(
        window=(25, 25), features=1500, stages=6, layer_sizes=(), negatives=1500, hit_rate=0.98, margin=1
    )
    trained = train_cascade(faces[:70], photos, settings, mirror=True)
    passed = judge_windows(crops, trained.cascade, min_std=10)[0] == trained.cascade.stages
    assert passed[70:100].mean() > 0.7
    assert passed[100:].mean() < 0.2


@pytest.mark.slow
def test_faces_of_the_web_find_those_of_a_benchmark(shared_data):
    """A small training on Caltech's crops, on half of the CMU photos; the whole one reaches more."""
    folder = shared_data / "classical"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    from benchmarks.faces import FaceBenchmark

    outcome = FaceBenchmark(folder, crops=1500, photos=60, stages=9, test_photos=40).run()
    assert outcome.ap > 0.5
