"""A training that begins with a finished Fast R-CNN."""

import dataclasses

import numpy as np
import pytest
from trained_detectors import SCENES, settings_of, train_shortly

from minircnn.data import Scenes
from minircnn.detectors import StorageError
from minircnn.training import FastRCNNTrainer, TrainingInterrupted, train

BOXES = np.array([[5, 5, 60, 60], [20, 20, 100, 110], [40, 10, 90, 80]], np.float32)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return train_shortly("fast-rcnn", tmp_path_factory.mktemp("first") / "run")


def going_on(start, **changes):
    return dataclasses.replace(settings_of("fast-rcnn"), start=str(start), **changes)


@pytest.mark.parametrize("place", ["file", "folder"])
def test_weights_and_units_are_those_of_the_first(first, place):
    start = first.model_path if place == "file" else first.model_path.parent
    trainer = FastRCNNTrainer(SCENES, [BOXES] * len(SCENES), going_on(start))
    stored = first.detector.network.state_dict()
    for name, array in trainer.network.state_dict().items():
        np.testing.assert_array_equal(array, stored[name])
    np.testing.assert_array_equal(trainer.target_mean, first.detector.target_mean)
    np.testing.assert_array_equal(trainer.target_std, first.detector.target_std)


def test_an_output_layer_that_is_frozen_stays_as_it_is(first):
    settings = going_on(first.model_path, frozen_outputs=("cls_score",))
    trainer = FastRCNNTrainer(SCENES, [BOXES] * len(SCENES), settings)
    trainer.step(0)
    outputs = trainer.network.outputs
    assert outputs.cls_score.weight.grad is None
    assert outputs.cls_score.bias.grad is None
    assert outputs.bbox_pred.weight.grad.any()


@pytest.mark.parametrize(
    ("start", "names", "words"),
    [
        ("run", ("fc7",), "frozen_outputs must be one of cls_score, bbox_pred, each of them"),
        (None, ("cls_score",), r"frozen_outputs cls_score: random weights .* name a detector .* \(--start\)"),
    ],
)
def test_what_cannot_be_frozen_is_refused(start, names, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(settings_of("fast-rcnn"), start=start, frozen_outputs=names)


def test_it_goes_on_bit_for_bit(first, tmp_path):
    settings = going_on(first.model_path, seed=3)
    whole = train(SCENES, settings, tmp_path / "whole", progress=False)
    with pytest.raises(TrainingInterrupted):
        train(SCENES, settings, tmp_path / "parts", progress=False, stop_after=2)
    parts = train(SCENES, settings, tmp_path / "parts", progress=False, resume=True)
    assert whole.model_path.read_bytes() == parts.model_path.read_bytes()
    assert whole.model_path.read_bytes() != first.model_path.read_bytes()


def test_what_does_not_fit_is_refused_by_name(first, tmp_path):
    class Renamed(Scenes):
        def __init__(self):
            super().__init__("train", count=2)
            self.class_names = (*self.class_names[:-1], "ten")

    for data, changes, words in (
        (Renamed(), {}, "start: its classes must be as in this training"),
        (
            SCENES,
            {"class_agnostic": True},
            "start: its class_agnostic must be as in this training, True, got False",
        ),
        (
            SCENES,
            {"roi_pooling": "align"},
            "start: its roi_pooling must be as in this training, align, got max",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            FastRCNNTrainer(data, [BOXES] * len(data), going_on(first.model_path, **changes))
    backbone = dataclasses.replace(settings_of("fast-rcnn").backbone, widths=(16,))
    with pytest.raises(ValueError, match="start: its backbone must be as in this training"):
        FastRCNNTrainer(SCENES, [BOXES] * len(SCENES), going_on(first.model_path, backbone=backbone))


def test_no_detector_is_found_out_before_the_work(tmp_path):
    for start, error, words in (
        (tmp_path / "no.safetensors", FileNotFoundError, "no file"),
        (tmp_path, FileNotFoundError, r"model\.safetensors"),
    ):
        with pytest.raises(error, match=words):
            train(SCENES, going_on(start), tmp_path / "run", progress=False)
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(StorageError, match="damaged"):
        train(SCENES, going_on(tmp_path / "bad.safetensors"), tmp_path / "run", progress=False)
    other = train_shortly("sppnet", tmp_path / "other")
    with pytest.raises(ValueError, match=r"start must be a fast-rcnn, .* kind sppnet"):
        train(SCENES, going_on(other.model_path), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
