"""A detector that is validated while it is trained: the same updates, the best one kept, an early end."""

import dataclasses
import json

import numpy as np
import pytest
from trained_detectors import settings_of, train_shortly

from minircnn.data import Scenes
from minircnn.data.opening import FirstPhotos
from minircnn.detectors import load_detector
from minircnn.detectors.storage import read_bundle
from minircnn.evaluation import evaluate_voc
from minircnn.training import (
    OtherDataError,
    TrainingInterrupted,
    Validation,
    compute_proposals,
    read_log,
    train,
)
from minircnn.training.validation import BEST_FILE, LAST_FILE, LOG_FILE, Validator

SCENES = Scenes("train", count=4, size=64, heights=(16, 32))
OTHERS = Scenes("val", count=3, size=64, heights=(16, 32))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where proposals are shared, and a run that nothing disturbs lies."""
    return tmp_path_factory.mktemp("validation")


@pytest.fixture(scope="module")
def straight(place):
    """Six updates, a validation after every second."""
    return trainer_in(place, place)("straight")


@pytest.fixture
def trained(tmp_path, place):
    """Train Fast R-CNN for six updates in a folder of this name."""
    return trainer_in(tmp_path, place)


def trainer_in(folder, place):
    def run(name, *, every=2, patience=None, validate=True, dataset=OTHERS, **options):
        settings = settings_of("fast-rcnn")
        solver = dataclasses.replace(settings.solver, iterations=6)
        return train(
            SCENES,
            dataclasses.replace(settings, solver=solver),
            folder / name,
            progress=False,
            proposal_folder=place / "proposals",
            validation=Validation(dataset, every, patience, **options.pop("told", {})) if validate else None,
            **options,
        )

    return run


@pytest.fixture
def scores(monkeypatch):
    """Let the validations show these mAPs, one after the other; what is measured counts for nothing."""

    def show(*values):
        coming = iter(values)
        measure = Validator._measure

        def pretended(self, detector, interrupted):
            result = measure(self, detector, interrupted)
            return None if result is None else dataclasses.replace(result, map=next(coming))

        monkeypatch.setattr(Validator, "_measure", pretended)

    return show


def weights(path):
    return {name: array.tobytes() for name, array in read_bundle(path)[0].items()}


def lines_of(folder):
    """Return the log of validations but for the seconds."""
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_log(folder / LOG_FILE)]


def test_validation_changes_no_update(trained, straight, tmp_path):
    plain = trained("plain", validate=False)
    assert weights(plain.model_path) == weights(straight.model_path.with_name(LAST_FILE))
    assert plain.validation is None
    assert not (tmp_path / "plain" / LOG_FILE).exists()
    assert straight.validation.last_iteration == 6


def test_the_log_tells_what_an_evaluation_of_the_same_detector_tells(straight):
    run = straight
    detector = load_detector(run.model_path)
    proposals = compute_proposals(OTHERS, detector.proposer, progress=False)
    found = [detector.detect(OTHERS.image(i), proposals=boxes) for i, boxes in enumerate(proposals)]
    result = evaluate_voc(found, [OTHERS.annotations(i) for i in range(len(OTHERS))])
    log = lines_of(run.model_path.parent)
    assert [line["iteration"] for line in log] == [2, 4, 6]
    best = max(log, key=lambda line: line["mAP"])
    assert best["iteration"] == run.validation.best_iteration
    assert best["mAP"] == run.validation.best_map == result.map
    expected = {f"AP {name}": own.ap for name, own in result.per_class.items() if own.ap is not None}
    assert {name: value for name, value in best.items() if name.startswith("AP ")} == expected
    assert best["photos"] == 3


def test_the_best_is_the_model_and_the_last_is_kept_beside_it(trained, scores, tmp_path):
    scores(0.1, 0.5, 0.3)
    run = trained("run")
    folder = tmp_path / "run"
    assert (folder / BEST_FILE).read_bytes() == run.model_path.read_bytes()
    assert weights(run.model_path) != weights(folder / LAST_FILE)
    assert dataclasses.astuple(run.validation) == (4, 0.5, 6, 0.3, False)
    assert weights(run.model_path) == {
        name: array.tobytes() for name, array in run.detector.state()[1].items()
    }


def test_the_first_of_equals_is_the_best(trained, scores):
    scores(0.4, 0.4, 0.4)
    assert trained("run").validation.best_iteration == 2


def test_patience_ends_the_training_and_what_goes_on_has_ended(trained, scores, tmp_path):
    scores(0.1, 0.5, 0.3, 0.5, 0.9)
    run = trained("run", every=1, patience=2)
    assert dataclasses.astuple(run.validation) == (2, 0.5, 4, 0.5, True)
    model = run.model_path.read_bytes()
    again = trained("run", every=1, patience=2, resume=True)
    assert again.model_path.read_bytes() == model
    assert again.validation == run.validation
    assert len(read_log(tmp_path / "run" / "fast-rcnn.log.jsonl")) == 4


@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_run_that_is_stopped_and_resumed_validates_as_one_that_is_not(stop, trained, straight, tmp_path):
    there = straight.model_path.parent
    with pytest.raises(TrainingInterrupted):
        trained("stopped", stop_after=stop)
    resumed = trained("stopped", resume=True)
    assert lines_of(tmp_path / "stopped") == lines_of(there)
    for name in ("model.safetensors", LAST_FILE, BEST_FILE):
        assert (tmp_path / "stopped" / name).read_bytes() == (there / name).read_bytes()
    assert resumed.validation == straight.validation


def test_an_interruption_does_not_wait_for_the_validation(trained, straight, monkeypatch, tmp_path):
    """It is made first when the run goes on."""
    measure = Validator._measure
    with monkeypatch.context() as patch:
        patch.setattr(Validator, "_measure", lambda self, detector, _: measure(self, detector, True))
        with pytest.raises(TrainingInterrupted):
            trained("broken", stop_after=2)
    assert lines_of(tmp_path / "broken") == []
    trained("broken", resume=True)
    assert lines_of(tmp_path / "broken") == lines_of(straight.model_path.parent)


def test_other_photos_cannot_be_compared(trained, tmp_path):
    with pytest.raises(TrainingInterrupted):
        trained("run", stop_after=3)
    with pytest.raises(OtherDataError, match=r"other photos.*--validate-photos.*delete validation.log.jsonl"):
        trained("run", dataset=FirstPhotos(OTHERS, 2), resume=True)
    (tmp_path / "run" / LOG_FILE).unlink()
    assert trained("run", dataset=FirstPhotos(OTHERS, 2), resume=True).validation.last_iteration == 6


def test_validation_may_begin_when_a_run_goes_on(trained, tmp_path):
    with pytest.raises(TrainingInterrupted):
        trained("run", validate=False, stop_after=3)
    options = {"validate": "val", "patience": 3}
    run = trained("run", resume=True, data_options=options)
    assert run.validation.last_iteration == 6
    kept = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert {name: kept[f"data.{name}"] for name in options} == options


def test_a_best_detector_that_is_lost_is_said(trained, scores, caplog, tmp_path):
    scores(0.5, 0.3, 0.2)
    lose = {"after": lambda: (tmp_path / "run" / BEST_FILE).unlink(missing_ok=True)}
    run = trained("run", told=lose)
    assert "the best detector is lost" in caplog.text
    assert weights(run.model_path) == weights(tmp_path / "run" / LAST_FILE)


def test_every_validation_is_told(trained):
    told = []
    trained("run", told={"after": lambda: told.append(1)})
    assert len(told) == 3


def test_photos_that_are_trained_on_are_said(trained, caplog):
    trained("run", dataset=FirstPhotos(SCENES, 2))
    assert "2 of the 2 photos to validate on are trained on, too" in caplog.text


@pytest.mark.parametrize("name", ["rcnn", "sppnet", "hog-svm", "viola-jones", "bag-of-words"])
def test_what_is_no_detector_yet_cannot_be_validated(name, tmp_path):
    with pytest.raises(
        ValueError, match=f"{name}: there is no detector before its last part.*minircnn evaluate"
    ):
        train_shortly(name, tmp_path / name, validation=Validation(OTHERS))
    assert not (tmp_path / name).exists()


def test_validation_on_other_classes_or_on_nothing_is_refused(trained, tmp_path):
    other = Scenes("val", count=2, size=64, heights=(16, 32))
    other.class_names = ("cat", "dog")
    with pytest.raises(ValueError, match="no class in common"):
        trained("run", dataset=other)
    assert not (tmp_path / "run").exists()

    class Empty(Scenes):
        def annotations(self, index):
            truth = super().annotations(index)
            return dataclasses.replace(truth, difficult=np.ones(len(truth), bool))

    with pytest.raises(ValueError, match=r"no \(not difficult\) object to validate on"):
        Validation(Empty("val", count=2))


@pytest.mark.parametrize(
    ("every", "iterations", "interval"), [(None, 1000, 100), (None, 7, 1), (30, 1000, 30)]
)
def test_a_tenth_of_the_updates_lie_between_two_validations(every, iterations, interval):
    assert Validation(OTHERS, every).interval(iterations) == interval


@pytest.mark.parametrize("numbers", [{"every": 0}, {"patience": 0}, {"every": 1.5}])
def test_numbers_without_sense_are_refused(numbers):
    with pytest.raises(ValueError, match=f"validation.{next(iter(numbers))}"):
        Validation(OTHERS, **numbers)
