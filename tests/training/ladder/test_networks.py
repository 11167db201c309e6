"""The segmenter and the localizer: gradients by finite differences, trainings that repeat and go on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minircnn.boxes import box_iou
from minircnn.data import Scenes
from minircnn.evaluation import evaluate_class_maps
from minircnn.nn import Module, gradcheck
from minircnn.structures import Annotations
from minircnn.training import SolverSettings, TrainingInterrupted
from minircnn.training.ladder import (
    Localizer,
    LocalizerSettings,
    Segmenter,
    SegmenterSettings,
    fitting,
    train_localizer,
    train_segmenter,
)
from minircnn.training.ladder.localizer import place_targets

NAMES = ("cat", "dog")
SHORT = SolverSettings(iterations=4, learning_rate=0.02, step=4, clip_norm=10.0)


def drawn(network, rng):
    """Give every weight a size at which gradients can be compared; outputs begin next to zero."""
    network.astype(np.float64)
    for _, parameter in network.named_parameters():
        shape = parameter.data.shape
        parameter.data = rng.standard_normal(shape) * np.sqrt(2 / max(np.prod(shape[1:]), 1))
    return network


@pytest.mark.parametrize("shape", [(24, 24), (18, 25)])
def test_the_gradients_of_a_segmenter(shape, rng):
    network = drawn(Segmenter(NAMES, width=5), rng)
    x = rng.standard_normal((2, 3, *shape))
    assert network.forward(x).shape == (2, 3, *shape)
    report = gradcheck(network, x, rng=rng, step=1e-7, tolerance=1e-5, max_elements=12)
    assert report.ok, report
    assert {row.name for row in report.rows} >= {
        "x",
        "fine.weight",
        "coarse.fc6.weight",
        "features.conv1.bias",
    }


class Joined(Module):
    """A localizer whose two outputs are one array, as the check wants it."""

    def __init__(self, network):
        self.network = network

    def forward(self, x):
        return np.concatenate(self.network.forward(x), axis=1)

    def backward(self, dy):
        return self.network.backward(dy[:, :3], dy[:, 3:])


@pytest.mark.parametrize("shape", [(24, 24), (18, 25)])
def test_the_gradients_of_a_localizer(shape, rng):
    network = drawn(Localizer(NAMES, width=5), rng)
    report = gradcheck(
        Joined(network),
        rng.standard_normal((2, 3, *shape)),
        rng=rng,
        step=1e-7,
        tolerance=1e-5,
        max_elements=4,
    )
    assert report.ok, report


def test_a_segmenter_learns_one_scene(rng):
    scenes = Scenes("train", count=1, size=64, digits=(1, 1), heights=(28, 32))
    solver = SolverSettings(iterations=25, learning_rate=0.05, step=25, clip_norm=10.0)
    network = train_segmenter(scenes, SegmenterSettings(images=1, solver=solver), progress=False)
    found, truth = network.class_map(scenes.image(0)), scenes.scene(0).class_map()
    assert found.dtype == np.uint8
    label = scenes.class_names[scenes.scene(0).labels[0] - 1]
    assert evaluate_class_maps([found], [truth], scenes.class_names).iou[label] > 0.5


def test_a_localizer_learns_one_scene():
    scenes = Scenes("train", count=1, size=64, digits=(1, 1), heights=(28, 32))
    solver = SolverSettings(iterations=40, learning_rate=0.02, step=40, clip_norm=10.0)
    network = train_localizer(scenes, LocalizerSettings(images=1, solver=solver), progress=False)
    guess, truth = network.locate(scenes.image(0), limit=3), scenes.annotations(0)
    assert len(guess) == 3
    assert guess.labels[0] == truth.labels[0]
    assert (np.diff(guess.scores) <= 0).all()
    assert guess.scores.sum() <= 1
    assert box_iou(guess.boxes[:1], truth.boxes)[0, 0] > 0.7


@pytest.mark.parametrize(
    ("train", "settings"),
    [
        (train_segmenter, SegmenterSettings(images=2, solver=SHORT, width=8)),
        (train_localizer, LocalizerSettings(images=2, solver=SHORT, width=8)),
    ],
    ids=["segmenter", "localizer"],
)
def test_a_training_repeats_and_goes_on(train, settings, tmp_path, monkeypatch):
    scenes = Scenes("train", count=3, size=64, heights=(20, 32))
    whole = train(scenes, settings, tmp_path / "whole", progress=False).state_dict()
    first = fitting.loop_of
    monkeypatch.setattr(f"{train.__module__}.loop_of", lambda *given: replace(first(*given), stop_after=2))
    with pytest.raises(TrainingInterrupted):
        train(scenes, settings, tmp_path / "parts", progress=False)
    monkeypatch.undo()
    rest = train(scenes, settings, tmp_path / "parts", resume=True, progress=False).state_dict()
    for name, values in whole.items():
        np.testing.assert_array_equal(rest[name], values)
    (log,) = (tmp_path / "parts").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["iteration"] for line in lines] == [1, 2, 3, 4]
    other = train(scenes, replace(settings, seed=1), progress=False).state_dict()
    assert any((other[name] != values).any() for name, values in whole.items())


def test_a_training_is_not_continued_with_other_photos(tmp_path):
    settings = SegmenterSettings(images=1, solver=replace(SHORT, iterations=1), width=8)
    train_segmenter(Scenes("train", count=2, size=64, heights=(20, 32)), settings, tmp_path, progress=False)
    with pytest.raises(ValueError, match="photos: '2 of scenes-train' then, '3 of scenes-train' now"):
        train_segmenter(
            Scenes("train", count=3, size=64, heights=(20, 32)),
            settings,
            tmp_path,
            resume=True,
            progress=False,
        )


@pytest.mark.parametrize("train", [train_segmenter, train_localizer])
def test_the_convolutions_of_another_are_begun_with(train):
    scenes = Scenes("train", count=1, size=64, heights=(20, 32))
    given = Segmenter(NAMES, rng=np.random.default_rng(5)).features
    kind = SegmenterSettings if train is train_segmenter else LocalizerSettings
    still = kind(images=1, solver=SolverSettings(iterations=1, learning_rate=1e-12, step=1, weight_decay=0))
    network = train(scenes, still, convolutions=given, progress=False)
    for name, values in given.state_dict().items():
        np.testing.assert_allclose(network.features.state_dict()[name], values, atol=1e-8)


def test_what_each_place_is_to_say():
    boxes, none = np.array([[4.0, 8.0, 20.0, 24.0]]), np.zeros((0, 4))
    truth = Annotations(boxes, np.array([2]), NAMES, 32, 24)
    labels, distances = place_targets(truth, (4, 3))
    assert labels.tolist() == [[0, 0, 0], [0, 2, 0], [0, 2, 0], [0, 0, 0]]  # centres at 4, 12, 20
    np.testing.assert_array_equal(distances[:, 1, 1] * 32, [8, 4, 8, 12])
    assert not distances[:, labels == 0].any()
    both = Annotations(np.array([[5.0, 9, 13, 17], *boxes]), np.array([1, 2]), NAMES, 32, 24)
    assert place_targets(both, (4, 3))[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 0]]
    hard = replace(truth, difficult=np.array([True]))
    assert place_targets(hard, (4, 3))[0].tolist() == [[0, 0, 0], [0, 255, 0], [0, 255, 0], [0, 0, 0]]
    for array in place_targets(Annotations(none, np.zeros(0, int), NAMES, 32, 24), (4, 3)):
        assert not array.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SegmenterSettings(images=0), "images must be at least 1"),
        (lambda: SegmenterSettings(background_weight=0), "background_weight must be above 0"),
        (lambda: SegmenterSettings(width=1.5), "width must be a whole number"),
        (lambda: LocalizerSettings(bbox_loss_weight=-1), "bbox_loss_weight must be at least 0"),
        (lambda: Segmenter(("a", "a")), "class_names must be"),
        (lambda: Localizer(()), "class_names must be"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
