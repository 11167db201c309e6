"""Training by visual words: its negatives, its rounds, what is kept and told."""

import dataclasses
import json

import numpy as np
import pytest
from trained_detectors import SCENES, settings_of, train_shortly

from minircnn.boxes import box_iou
from minircnn.detectors import load_detector
from minircnn.training import RECIPES, train
from minircnn.training.bag_of_words import TRACE_FILE, rounds, vocabulary
from minircnn.training.bag_of_words.rounds import first_negatives
from minircnn.training.bag_of_words.settings import VocabularySettings, WordSVMSettings
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.regions import record_of

NAME = "bag-of-words"


def trace_of(folder):
    return [json.loads(line) for line in (folder / TRACE_FILE).read_text().splitlines()]


def test_first_negatives_overlap_an_object_and_not_each_other(rng):
    corner = rng.uniform(0, 60, (200, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(10, 40, (200, 2))], axis=1).astype(np.float32)
    record = record_of(np.float32([[20, 20, 60, 60], [50, 50, 90, 90]]), np.array([1, 3]), boxes, 3, 100)
    settings = WordSVMSettings()
    negative = first_negatives(record, settings)
    assert negative[:, [0, 2]].any(axis=0).all()
    assert not negative[:, 1].any()  # no object of this class
    for k in (0, 2):
        overlap = record.class_iou[negative[:, k], k]
        assert overlap.min() >= 0.2
        assert overlap.max() < 0.5
        own = record.boxes[negative[:, k]]
        between = box_iou(own, own)
        np.fill_diagonal(between, 0)
        assert between.max() <= 0.7


def test_what_no_object_touches_is_no_first_negative():
    record = record_of(np.float32([[0, 0, 10, 10]]), np.array([1]), np.float32([[50, 50, 60, 60]]), 2, 100)
    assert not first_negatives(record, WordSVMSettings(least_iou=0.0)).any()


def test_without_a_limit_duplicates_stay():
    record = record_of(np.float32([[0, 0, 10, 10]]), np.array([1]), np.float32([[0, 0, 10, 3]] * 3), 1, 100)
    assert first_negatives(record, WordSVMSettings(duplicate_iou=None)).sum() == 3
    assert first_negatives(record, WordSVMSettings()).sum() == 1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp(NAME) / "run"
    return train_shortly(NAME, folder), folder


def test_rounds_are_told_one_a_line(run):
    _, folder = run
    words, *told = trace_of(folder)
    settings = settings_of(NAME)
    assert words["stage"] == "vocabulary"
    assert words["words"] == settings.vocabulary.size
    assert words["inertia"][-1] <= words["inertia"][0]
    assert [line["stage"] for line in told] == [f"round {n}" for n in range(settings.svm.rounds + 1)]
    assert sum(told[0]["hard"]) == 0
    assert sum(told[1]["hard"]) > 0
    objects = np.concatenate([SCENES.annotations(i).labels for i in range(len(SCENES))])
    assert told[0]["positives"] == np.bincount(objects, minlength=11)[1:].tolist()  # digits are not mirrored


def test_hard_regions_are_of_photos_without_the_class(run, monkeypatch):
    seen = []
    found = rounds._hard_regions
    monkeypatch.setattr(rounds, "_hard_regions", lambda *a: seen.append(found(*a)) or seen[-1])
    _, folder = run
    train(
        SCENES,
        dataclasses.replace(settings_of(NAME), seed=1),
        folder.parent / "other",
        progress=False,
        proposal_folder=folder.parent / "proposals",
    )
    (hard,) = seen
    assert len(hard)
    for photo, _, k in hard:
        assert k + 1 not in SCENES.annotations(int(photo)).labels
    assert len(np.unique(hard[:, [0, 2]], axis=0)) == len(hard)  # one a photo and class


class Flippable:
    """The scenes, said to be the same when they are mirrored; one object is difficult."""

    def __init__(self, flippable):
        self.flippable = flippable

    def __getattr__(self, name):
        return getattr(SCENES, name)

    def __len__(self):
        return len(SCENES)

    def annotations(self, index):
        own = SCENES.annotations(index)
        difficult = np.zeros(len(own.labels), bool)
        difficult[0] = True
        return dataclasses.replace(own, difficult=difficult)


@pytest.mark.parametrize("flip", [True, False])
def test_mirrored_objects_count_where_allowed(tmp_path, flip):
    settings = dataclasses.replace(settings_of(NAME), flip=flip)
    train(Flippable(True), settings, tmp_path, progress=False)
    own = sum(len(SCENES.annotations(i).labels) - 1 for i in range(len(SCENES)))
    assert sum(trace_of(tmp_path)[1]["positives"]) == own * (2 if flip else 1)
    assert len(list(tmp_path.glob("words/*/*-mirrored.npy"))) == (len(SCENES) if flip else 0)


def test_finished_rounds_and_words_are_not_made_again(run, monkeypatch, tmp_path):
    _, folder = run
    before = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()

    def refuse(*arguments, **options):
        raise AssertionError("made again")

    monkeypatch.setattr(vocabulary, "k_means", refuse)
    monkeypatch.setattr(rounds, "mine_and_train", refuse)
    train_shortly(NAME, folder, resume=True)
    assert (folder / "model.safetensors").read_bytes() == before


def test_k_means_goes_on_where_it_was_stopped(run, tmp_path, monkeypatch):
    _, folder = run
    monkeypatch.setattr(CheckpointClock, "due", lambda self: True)
    steps = []
    real = vocabulary.k_means

    def stopped(*arguments, progress, **options):
        def note(step, *rest):
            progress(step, *rest)
            steps.append(step)
            if len(steps) == 3:
                raise KeyboardInterrupt

        return real(*arguments, progress=note, **options)

    monkeypatch.setattr(vocabulary, "k_means", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_shortly(NAME, tmp_path / "run")
    train_shortly(NAME, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()
    assert trace_of(tmp_path / "run") == trace_of(folder)


def test_too_few_descriptors_name_the_mend(tmp_path):
    dense = dataclasses.replace(settings_of(NAME).dense, step=120)
    few = dataclasses.replace(settings_of(NAME), dense=dense)
    with pytest.raises(ValueError, match=r"descriptors, too few for 60 words: --vocabulary\.size \d"):
        train(SCENES, few, tmp_path, progress=False)


def test_the_detector_is_what_the_settings_say(run):
    made, folder = run
    settings = settings_of(NAME)
    stored = load_detector(folder / "model.safetensors")
    assert stored.dense == settings.dense
    assert stored.pyramid == settings.pyramid
    assert len(stored.vocabulary) == settings.vocabulary.size
    assert stored.svms.coef_.any(axis=1).all()
    assert made.detector.name == NAME


@pytest.mark.parametrize("preset", RECIPES[NAME].presets)
def test_presets_agree_with_each_other(preset):
    settings = RECIPES[NAME].presets[preset]
    assert settings.detector == NAME
    assert settings.svm.least_iou < settings.svm.negative_iou
    assert settings.vocabulary.size <= settings.vocabulary.descriptors


def test_more_words_than_descriptors_are_refused():
    with pytest.raises(ValueError, match=r"vocabulary\.size must be"):
        VocabularySettings(size=100, descriptors=50)
    with pytest.raises(ValueError, match=r"svm\.least_iou must be"):
        WordSVMSettings(least_iou=0.5, negative_iou=0.4)
