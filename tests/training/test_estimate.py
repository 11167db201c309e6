"""What a training will take, before it is done; nothing is written."""

import dataclasses

import numpy as np
import pytest
from trained_detectors import settings_of

from minircnn.backbones import build_backbone
from minircnn.data import Scenes
from minircnn.proposals import make_proposer
from minircnn.training import RECIPES, Recipe, Validation, compute_proposals, estimate
from minircnn.training.estimate import estimate_training
from minircnn.training.proposals import unlimited
from minircnn.training.rcnn import RCNNTrainer

SCENES = Scenes("train", count=8, size=64, heights=(16, 32))
OTHERS = Scenes("val", count=3, size=64, heights=(16, 32))


@pytest.fixture
def second(monkeypatch):
    """Let each thing that is timed take a second."""
    now = iter(range(10_000))
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: float(next(now)))


def estimated(name, folder, **options):
    parts = estimate_training(SCENES, settings_of(name), folder, **options)
    return {part.name: part for part in parts}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_tried_and_nothing_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = estimated(name, tmp_path / "proposals")
    assert not list(tmp_path.iterdir())
    if RECIPES[name].estimate is not None:  # no network: parts of its own
        assert len(parts) > 1
        assert all(part.seconds is None or part.seconds > 0 for part in parts.values())
        return
    later = ["features", "SVMs, box regressions"] if name in ("rcnn", "sppnet") else []
    first = [] if name == "faster-rcnn" else ["proposals"]
    assert list(parts) == [*first, "training", *later]
    assert all(part.seconds > 0 for part in parts.values() if part.name != "SVMs, box regressions")
    assert parts["training"].memory > 50e6
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("second")
def test_times_grow_with_the_work(tmp_path):
    validation = Validation(OTHERS, every=1)
    parts = estimated("fast-rcnn", tmp_path, validation=validation)
    assert parts["proposals"].seconds == 8 + 3  # photos
    assert parts["training"].seconds == settings_of("fast-rcnn").solver.iterations == 4
    assert parts["validation"].what == "4 times 3 photos"
    assert parts["validation"].seconds >= 4 * 3 * 2  # a look and a judgement each
    half = estimated("fast-rcnn", tmp_path, validation=validation, n_jobs=2, done=3)
    assert half["proposals"].seconds == (8 + 3) / 2
    assert half["training"].seconds == 1
    assert half["validation"].what == "1 times 3 photos"


def test_each_stage_of_alternating_training_is_tried(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = dataclasses.replace(settings_of("faster-rcnn"), schedule="alternating")
    work = {part.name: part.what for part in estimate_training(SCENES, settings, tmp_path)}
    assert work == {
        "stage 1": "4 updates: the RPN and its convolutions",
        "proposals of stage 1": "8 photos",
        "stage 2": "4 updates: Fast R-CNN and convolutions of its own",
        "stage 3": "4 updates: the RPN on these convolutions",
        "proposals of stage 3": "8 photos",
        "stage 4": "4 updates: Fast R-CNN's own layers on them",
    }
    assert not list(tmp_path.iterdir())
    options = {"validation": Validation(OTHERS, every=1), "done": 4 + 4 + 1}
    left = {part.name: part for part in estimate_training(SCENES, settings, tmp_path, **options)}
    assert [part.what.split()[0] for part in left.values()] == ["0", "0", "0", "3", "8", "4", "4"]
    assert left["stage 1"].seconds == left["proposals of stage 1"].seconds == 0
    assert left["proposals of stage 3"].disk > 0
    assert left["validation"].what == "4 times 3 photos"  # of the last stage


def test_photos_whose_proposals_are_kept_are_not_counted(tmp_path):
    settings = settings_of("fast-rcnn")
    proposer = make_proposer(settings.proposals, seed=settings.seed)
    compute_proposals(SCENES, proposer, folder=tmp_path, progress=False)
    part = estimated("fast-rcnn", tmp_path, validation=Validation(OTHERS))["proposals"]
    assert part.what == "3 photos, of 8 they are kept"
    assert part.disk > 0
    part = estimated("fast-rcnn", tmp_path)["proposals"]
    assert (part.seconds, part.disk, part.memory) == (0, 0, None)
    assert unlimited(proposer).limit is None


@pytest.mark.parametrize("name", ["rcnn", "sppnet"])
def test_the_feature_files_are_measured_before_they_are_made(name, tmp_path):
    whole = estimated(name, tmp_path)["features"]
    halved = dataclasses.replace(settings_of(name), cache_dtype="float16")
    (half,) = (p for p in estimate_training(SCENES, halved, tmp_path) if p.name == "features")
    assert half.disk == whole.disk / 2 > 0


@pytest.mark.parametrize("name", ["fast-rcnn", "sppnet"])
def test_kept_maps_are_counted_once_a_photo_and_orientation(name, tmp_path):
    preset = RECIPES[name].presets["scenes-quick"]
    weights = tmp_path / "tiny.npz"
    tiny = build_backbone("tiny", rng=np.random.default_rng(0))
    np.savez(weights, **{name: parameter.data for name, parameter in tiny.named_parameters()})
    backbone = dataclasses.replace(preset.backbone, frozen=("convolutions",), weights=str(weights))
    settings = dataclasses.replace(preset, backbone=backbone, keep_maps=True)
    parts = {part.name: part for part in estimate_training(SCENES, settings, tmp_path)}
    side = SCENES.image(0).shape[0] // 4  # of a map: the network's stride is 4
    assert parts["maps"].disk == len(SCENES) * 64 * side**2 * 2  # digits are not mirrored; half precision
    assert parts["maps"].seconds > 0


@pytest.mark.usefixtures("second")
def test_each_crop_of_a_step_may_come_from_another_photo(tmp_path, monkeypatch):
    """Of thousands of photos few stay in memory: a step reads more than the sample has."""
    updates = settings_of("rcnn").fine_tune.solver.iterations
    assert estimated("rcnn", tmp_path)["training"].seconds == updates  # these eight stay
    monkeypatch.setattr(RCNNTrainer, "photo_bytes", 0)
    # the four of the sample are read in a second, and so are the four others at every update
    assert estimated("rcnn", tmp_path)["training"].seconds == 2 * updates


def test_a_recipe_without_a_trainer_says_so(tmp_path, monkeypatch):
    recipe = RECIPES["fast-rcnn"]
    without = Recipe("fast-rcnn", recipe.settings, recipe.presets, recipe.train, "")
    monkeypatch.setitem(RECIPES, "fast-rcnn", without)
    with pytest.raises(ValueError, match="fast-rcnn: its recipe names no trainer"):
        estimated("fast-rcnn", tmp_path)


def test_a_data_set_without_objects_is_refused(tmp_path):
    class Hard(Scenes):
        def annotations(self, index):
            truth = super().annotations(index)
            return dataclasses.replace(truth, difficult=truth.labels > 0)

    with pytest.raises(ValueError, match=r"no \(not difficult\) object to train on"):
        estimate_training(Hard("train", count=2), settings_of("fast-rcnn"), tmp_path)
