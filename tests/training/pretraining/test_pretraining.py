"""A backbone learns to classify: its gradients, its weights' file, its resumption."""

import dataclasses
import json

import numpy as np
import pytest

from minircnn.backbones import build_backbone
from minircnn.data import ImageFolder, SingleDigits
from minircnn.imaging import write_image
from minircnn.nn import softmax_cross_entropy
from minircnn.training import (
    BackboneSettings,
    FolderInUseError,
    OtherDataError,
    SolverSettings,
    TrainingInterrupted,
)
from minircnn.training.pretraining import (
    ACCURACY_LOG,
    PRETRAIN_PRESETS,
    WEIGHTS_FILE,
    ClassifierNetwork,
    HeldOut,
    PretrainSettings,
    PretrainTrainer,
    estimate_pretraining,
    load_classifier,
    pretrain,
)
from minircnn.weights import WeightsError, open_weights

FEW = PretrainSettings(
    backbone=BackboneSettings("tiny", widths=(16, 12)),
    solver=SolverSettings(iterations=6, learning_rate=0.02, step=4),
    batch=8,
)
LEARN, HELD_OUT = SingleDigits("learn", count=20), SingleDigits("held-out", count=10)


def run(folder, settings=FEW, **options):
    return pretrain(LEARN, settings, folder, held_out=HELD_OUT, progress=False, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretraining") / "run"
    return folder, run(folder)


def test_the_weights_are_those_of_the_backbone_and_its_output(finished):
    folder, result = finished
    file = open_weights(result.weights_path)
    backbone = build_backbone("tiny", widths=(16, 12))
    assert set(file.arrays) == {n for n, _ in backbone.named_parameters()} | {"fc8.weight", "fc8.bias"}
    assert file.record["backbone"] == "tiny"
    assert file.record["class_names"] == list("0123456789")
    assert result.weights_path == folder / WEIGHTS_FILE


def test_a_detectors_backbone_begins_with_all_that_fits(finished):
    path = finished[1].weights_path
    arrays = open_weights(path).arrays
    same = build_backbone("tiny", widths=(16, 12), weights=path)
    assert all(np.array_equal(p.data, arrays[name]) for name, p in same.named_parameters())
    other = build_backbone("tiny", weights=path, rng=np.random.default_rng(0))
    convolutions = dict(other.features.named_parameters())
    assert all(np.array_equal(p.data, arrays[name]) for name, p in convolutions.items())


def test_the_accuracy_is_that_of_the_stored_weights(finished):
    folder, result = finished
    _, network = load_classifier(result.weights_path)
    backbone = build_backbone("tiny")
    assert HeldOut(HELD_OUT, 48).accuracy(network, backbone.normalization) == result.accuracy
    log = [json.loads(line) for line in (folder / ACCURACY_LOG).read_text().splitlines()]
    assert [line["iteration"] for line in log] == list(range(7))
    assert log[-1]["accuracy"] == result.accuracy
    assert (result.images, result.held_out) == (20, 10)


@pytest.mark.parametrize("stop", [0, 1, 3, 5])
def test_stopped_and_resumed_equals_uninterrupted(finished, tmp_path, stop):
    with pytest.raises(TrainingInterrupted):
        run(tmp_path / "run", stop_after=stop)
    # what a kill leaves: lines of updates that the checkpoint does not hold
    with (tmp_path / "run" / ACCURACY_LOG).open("a") as log:
        log.write('{"iteration": 5, "accuracy": 0.5}\n{"itera')
    run(tmp_path / "run", resume=True)
    for name in (WEIGHTS_FILE, ACCURACY_LOG):
        assert (tmp_path / "run" / name).read_bytes() == (finished[0] / name).read_bytes()


def test_a_finished_run_is_resumed_to_itself(finished, tmp_path):
    before = finished[1].weights_path.read_bytes()
    log = (finished[0] / ACCURACY_LOG).read_bytes()
    assert run(finished[0], resume=True).accuracy == finished[1].accuracy
    assert finished[1].weights_path.read_bytes() == before
    assert (finished[0] / ACCURACY_LOG).read_bytes() == log


def test_a_folder_is_used_once(finished):
    with pytest.raises(FolderInUseError, match="continue it with --resume"):
        run(finished[0])


def test_other_images_do_not_continue_a_run(finished):
    with pytest.raises(OtherDataError, match="trained on other data"):
        pretrain(LEARN, FEW, finished[0], held_out=SingleDigits("held-out", count=10, seed=1), resume=True)


def test_held_out_images_have_the_same_classes(tmp_path):
    with pytest.raises(ValueError, match=r"held out are images of .*, not of"):
        pretrain(LEARN, FEW, tmp_path / "run", held_out=SingleDigits("held-out", digits=(1, 2)))


def test_a_crop_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="crop_size 40 does not fit tiny, whose crops have 48"):
        PretrainTrainer(LEARN, dataclasses.replace(FEW, crop_size=40))


def test_gradients_are_those_of_finite_differences(rng):
    backbone = build_backbone("tiny", channels=(2, 2, 3, 3), widths=(5,), roi_size=2, rng=rng)
    network = ClassifierNetwork(backbone, 3, rng=rng)
    network.prepare_training()
    for _, parameter in network.named_parameters():
        start = parameter.data.astype(np.float64)
        parameter.data = start + 0.1 * rng.standard_normal(start.shape)  # no bias on the kink of a ReLU
    x, labels = rng.standard_normal((4, 3, 16, 16)), np.array([0, 2, 1, 2])
    _, gradient = softmax_cross_entropy(network.logits(x), labels)
    network.backward(gradient)
    for _, parameter in network.named_parameters():
        place = np.unravel_index(np.argmax(np.abs(parameter.grad)), parameter.grad.shape)
        losses = []
        for step in (1e-6, -1e-6):
            kept = parameter.data[place]
            parameter.data[place] = kept + step
            losses.append(softmax_cross_entropy(network.logits(x), labels)[0])
            parameter.data[place] = kept
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(parameter.grad[place], rel=1e-4, abs=1e-8)


def test_an_epoch_shows_every_image_once():
    trainer = PretrainTrainer(LEARN, dataclasses.replace(FEW, batch=5))
    seen = [number for step in range(8) for number in trainer._numbers(5 * step, 5)]
    assert sorted(seen[:20]) == sorted(seen[20:]) == list(range(20))
    assert seen[:20] != seen[20:]


@pytest.fixture
def stripes(tmp_path):
    """Photos of several shapes, whose left half is dark and whose right half is bright."""
    for name in ("left", "right"):
        for number in range(4):
            image = np.zeros((60 + 40 * (number % 2), 90, 3), np.uint8)
            image[:, 45:] = 200
            path = tmp_path / "photos" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, image if name == "left" else image[:, ::-1])
    return ImageFolder(tmp_path / "photos")


def test_squares_are_cut_from_photos_of_any_shape(stripes):
    trainer = PretrainTrainer(stripes, dataclasses.replace(FEW, flip=False))
    pixels, labels = trainer.make_batch(0)
    assert pixels.shape == (8, 3, 48, 48)
    brighter = pixels[..., -1].mean(axis=(1, 2)) > pixels[..., 0].mean(axis=(1, 2))
    assert np.array_equal(brighter, labels == 0)


def test_mirroring_is_asked_for_and_allowed(stripes):
    assert PretrainTrainer(stripes, FEW).flip
    assert not PretrainTrainer(LEARN, FEW).flip
    pixels, labels = PretrainTrainer(stripes, FEW).make_batch(0)
    brighter = pixels[..., -1].mean(axis=(1, 2)) > pixels[..., 0].mean(axis=(1, 2))
    assert not np.array_equal(brighter, labels == 0)


def test_a_share_of_a_folder_is_held_out(stripes, tmp_path):
    result = pretrain(stripes, dataclasses.replace(FEW, held_out=0.25), tmp_path / "run", progress=False)
    assert (result.images, result.held_out) == (6, 2)


def test_an_estimate_writes_nothing_and_leaves_the_weights(stripes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    training, accuracy = estimate_pretraining(stripes, FEW, done=2)
    assert training.what == "4 updates"
    assert training.seconds > 0
    assert accuracy.what.endswith("times 2 images")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_classifier_is_refused(finished, tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, **open_weights(finished[1].weights_path).arrays)
    with pytest.raises(WeightsError, match="is no classifier that minircnn pretrain wrote"):
        load_classifier(path)


@pytest.mark.parametrize("name", PRETRAIN_PRESETS)
def test_every_preset_builds(name):
    settings = PRETRAIN_PRESETS[name]
    if name == "paper":
        assert (settings.backbone.name, settings.batch, settings.solver.learning_rate) == (
            "alexnet",
            128,
            0.01,
        )
    else:
        assert PretrainTrainer(LEARN, settings).size == 48


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"held_out": 0.0}, "held_out must be between 0 and 1"),
        ({"held_out": 1.0}, "held_out must be between 0 and 1"),
        ({"crop_size": 0}, "crop_size must be at least 1, or none"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        PretrainSettings(**given)
