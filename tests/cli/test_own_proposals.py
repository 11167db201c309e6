"""A detector that proposes by itself goes through every command; it takes what any newcomer takes."""

import dataclasses
import json
import re
from dataclasses import dataclass, field

import numpy as np
import pytest
import small_detectors

import minircnn.cli.demo as demo_module
import minircnn.cli.train as train_module
from minircnn.cli import main
from minircnn.cli.demo.contest import Trained
from minircnn.cli.demo.report import HEADER, comparison_rows, demo_report
from minircnn.cli.explain.steps import follow, steps_of
from minircnn.cli.running import open_detector
from minircnn.data import Scenes, export_voc
from minircnn.detectors import DETECTORS, FastRCNN, ImageScale, StorageError, load_detector, register
from minircnn.detectors.running import run_detector
from minircnn.detectors.storage import read_bundle, write_bundle
from minircnn.imaging import write_image
from minircnn.proposals import SlidingWindow, write_proposals
from minircnn.training import (
    RECIPES,
    FastRCNNTrainer,
    NetworkSettings,
    Recipe,
    RoISampling,
    SolverSettings,
    add_recipe,
    read_log,
)

TEST = Scenes("test", count=2, size=96, heights=(20, 48))
SIDE = 32
TILES = (96 // SIDE) ** 2


class Tiles(FastRCNN):
    """Proposes the tiles of a chessboard over the photo."""

    title = "Tiles"
    proposes = True

    def propose(self, view, image_id=""):
        if self.proposer is not None:
            return super().propose(view, image_id)
        height, width = (side // SIDE * SIDE for side in view.image.shape[:2])
        y, x = (corner.ravel() for corner in np.mgrid[0:height:SIDE, 0:width:SIDE])
        return np.stack([x, y, x + SIDE, y + SIDE], axis=1).astype(np.float32)


def parts_of(detector):
    return {own.name: getattr(detector, own.name) for own in dataclasses.fields(detector)}


@dataclass(frozen=True)
class TilesSettings(NetworkSettings):
    """What Fast R-CNN's trainer asks for, and no proposals."""

    detector = "tiles"

    solver: SolverSettings = field(default_factory=lambda: SolverSettings(iterations=2, learning_rate=0.01))
    scale, training_scales, start = ImageScale(short_side=None), (), None
    sampling, bbox_loss_weight = RoISampling(), 1.0
    class_agnostic = keep_maps = False
    bbox_loss, roi_pooling, frozen_outputs = "smooth-l1", "max", ()


class TilesTrainer(FastRCNNTrainer):
    def make_detector(self, proposer):
        return Tiles(**{**parts_of(super().make_detector(SlidingWindow())), "proposer": proposer})


def train_tiles(job):
    """Train, and see that what is trained on are the objects alone."""
    assert [boxes.shape for boxes in job.proposals] == [(0, 4)] * len(job.dataset)
    trainer = TilesTrainer(job.dataset, job.proposals, job.settings)
    assert [len(record) for record in trainer.records] == [
        len(job.dataset.annotations(i)) for i in range(len(job.dataset))
    ]
    trainer.train(job.loop)
    return trainer.detector(job.proposer)


@pytest.fixture(scope="module", autouse=True)
def tiles():
    """Make the kind known as long as these tests run."""
    register("tiles")(Tiles)
    presets = {"paper": TilesSettings(), "scenes-quick": TilesSettings()}
    add_recipe(Recipe("tiles", TilesSettings, presets, train_tiles, "Train it.", trainer=TilesTrainer))
    train_module._add_command(RECIPES["tiles"])
    yield
    del DETECTORS["tiles"], RECIPES["tiles"], train_module.train_app["tiles"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Folder of a VOC folder, one photo of which has no object, and photos."""
    root = tmp_path_factory.mktemp("own")
    export_voc(Scenes("train", count=3, size=96, heights=(20, 48)), root / "voc", "train")
    export_voc(TEST, root / "voc", "test")
    empty = sorted((root / "voc" / "Annotations").glob("train*"))[1]
    empty.write_text(re.sub("<object>.*</object>", "", empty.read_text("utf-8"), flags=re.DOTALL), "utf-8")
    (root / "photos").mkdir()
    for index, name in enumerate(TEST.image_ids):
        write_image(root / "photos" / f"{name}.png", TEST.image(index))
    return root


@pytest.fixture(scope="module")
def run(root):
    """A run, validated meanwhile."""
    more = ["--validate", "test", "--validate-every", "1", "--jobs", "1"]
    assert main(["train", "tiles", str(root / "voc"), "--out", str(root / "run"), *more]) == 0
    return root / "run"


def test_its_run_keeps_no_proposals_and_is_validated(root, run, capsys):
    assert not (run / "proposals").exists()
    assert not any(name.startswith("proposals") for name in json.loads((run / "settings.json").read_text()))
    records = read_log(run / "validation.log.jsonl")
    assert [record["iteration"] for record in records] == [1, 2]
    assert [record["photos"] for record in records] == [2, 2]
    again = ["train", "tiles", str(root / "voc"), "--out", str(root / "again"), "--json", "--jobs", "1"]
    assert main(again) == 0
    assert list(json.loads(capsys.readouterr().out)["seconds"]) == ["training"]


def test_it_is_stored_without_a_proposer(run, tmp_path):
    detector = load_detector(run / "model.safetensors")
    assert isinstance(detector, Tiles)
    assert detector.proposer is None
    arrays, header = read_bundle(run / "model.safetensors")
    assert header["proposer"] is None
    write_bundle(tmp_path / "fast.safetensors", arrays, {**header, "detector": "fast-rcnn"})
    with pytest.raises(StorageError, match="proposer must be a proposer, got None"):
        load_detector(tmp_path / "fast.safetensors")
    write_bundle(tmp_path / "other.safetensors", arrays, {**header, "proposer": 5})
    with pytest.raises(StorageError, match="a proposer is described by its type and settings, got 5"):
        load_detector(tmp_path / "other.safetensors")


def test_a_kind_that_does_not_propose_needs_a_proposer(run):
    detector = load_detector(run / "model.safetensors")
    with pytest.raises(ValueError, match="proposer must be a proposer, or none, got 5"):
        dataclasses.replace(detector, proposer=5)
    with pytest.raises(ValueError, match="proposer must be a proposer, got None"):
        FastRCNN(**parts_of(detector))
    with pytest.raises(ValueError, match="proposer must be a proposer, got None"):
        FastRCNN.propose(detector, detector.look(TEST.image(0)))


def test_what_it_judged_is_what_it_proposed(run):
    detector = load_detector(run / "model.safetensors")
    photo = TEST.image(0)
    boxes = detector.propose(detector.look(photo))
    found = detector.detect(photo)
    np.testing.assert_array_equal(found.scores, detector.detect(photo, proposals=boxes).scores)
    outcome = run_detector(detector, TEST, None)
    assert outcome.with_proposing
    np.testing.assert_array_equal(outcome.proposals[0], boxes)
    np.testing.assert_array_equal(outcome.detections[0].scores, found.scores)
    np.testing.assert_array_equal(outcome.detections[0].boxes, found.boxes)
    given = run_detector(detector, TEST, [boxes, boxes[:1]])
    assert not given.with_proposing
    assert [len(own) for own in given.proposals] == [TILES, 1]
    detector.proposer = SlidingWindow((40,))
    windows = run_detector(detector, TEST, None).proposals[0]
    np.testing.assert_array_equal(windows, SlidingWindow((40,)).propose(photo))


def test_it_is_evaluated_with_the_boxes_it_proposes(root, run, capsys):
    call = ["evaluate", str(run), str(root / "voc"), "--jobs", "1"]
    assert main(call) == 0
    text = capsys.readouterr().out
    assert f"proposals: {TILES} a photo" in text
    assert "s a photo with its proposals" in text
    assert main([*call, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["proposals"]["num_proposals"] == TILES
    assert result["seconds_include_proposals"] is True


def test_there_are_no_proposals_to_keep(root, run, tmp_path, capsys):
    data, kept = str(root / "voc"), ["--proposal-folder", str(tmp_path / "kept")]
    for call in (["evaluate", str(run), data], ["train", "tiles", data, "--out", str(tmp_path / "run")]):
        assert main([*call, *kept]) == 2
        assert "Tiles proposes by itself" in capsys.readouterr().err
    assert main(["train", "tiles", data, "--out", str(tmp_path / "run"), "--proposals.limit", "5"]) == 2
    assert not (tmp_path / "run").exists()


def test_detect_takes_boxes_from_outside_all_the_same(root, run, tmp_path, capsys):
    photo = root / "photos" / f"{TEST.image_ids[0]}.png"
    call = ["detect", str(run), str(photo), "--min-score", "0", "--json", "--out"]
    assert main([*call, str(tmp_path / "own")]) == 0
    own = json.loads(capsys.readouterr().out)[0]["detections"]
    write_proposals(tmp_path / "boxes.npz", {photo.stem: np.array([[10.0, 10, 40, 40]])})
    assert main([*call, str(tmp_path / "given"), "--proposals", str(tmp_path / "boxes.npz")]) == 0
    given = json.loads(capsys.readouterr().out)[0]["detections"]
    assert len(given) < len(own)
    assert main([*call, str(tmp_path / "narrow"), "--max-width", "50"]) == 1
    assert "--max-width is for selective search" in (said := capsys.readouterr().err)
    assert "Tiles itself" in said


def test_it_is_explained(run):
    steps = {step.key: step for step in steps_of(follow(open_detector(run), TEST.image(0)))}
    assert steps["proposals"].text.startswith(f"Tiles itself names {TILES} boxes")


def test_its_training_is_estimated(root, tmp_path, capsys):
    call = ["train", "tiles", str(root / "voc"), "--out", str(tmp_path / "run"), "--jobs", "1"]
    assert main([*call, "--estimate", "--json", "--validate", "test"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert [part["name"] for part in parts] == ["training", "validation"]
    assert all(part["seconds"] > 0 for part in parts)


def test_the_demonstration_has_it_beside_the_others(run, tmp_path):
    fast = small_detectors.fast_rcnn(TEST.class_names, SlidingWindow((48,)))
    own = Tiles(**{**parts_of(fast), "proposer": None})
    runs = [Trained(own, run, 1.0, []), Trained(fast, run, 1.0, [])]
    plan = demo_module.Plan([], 2, 2, window_photos=1)
    contestants = demo_module._contest(runs, TEST, plan, tmp_path, jobs=1)
    first, second = (dict(zip(HEADER, row, strict=True)) for row in comparison_rows(contestants)[:2])
    assert (first["detector"], first["boxes"]) == ("Tiles", TILES)
    assert first["s/photo"] == first["CNN s"]
    assert second["s/photo"] > second["CNN s"]
    records = [contestant.to_record() for contestant in contestants[:2]]
    assert records[0]["seconds_per_photo_without_proposals"] is None
    assert records[1]["seconds_per_photo_without_proposals"] == second["CNN s"]
    demo_report(contestants, runs, TEST, quick=True).save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert f"Tiles itself names {TILES} boxes a photo" in page
    assert "times as long, which makes its proposals, too" in page
