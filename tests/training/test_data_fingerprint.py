"""A run goes on with the data it began with, or says what is other."""

import dataclasses
import json
import logging
import shutil

import numpy as np
import pytest
from trained_detectors import SCENES, settings_of

from minircnn.data import Scenes, VOCDataset, export_voc
from minircnn.detectors import StorageError
from minircnn.detectors.storage import read_bundle, write_bundle
from minircnn.imaging import write_image
from minircnn.proposals import ProposalSettings, write_proposals
from minircnn.training import FolderInUseError, LoopSettings, TrainingInterrupted, train
from minircnn.training.fingerprint import (
    DataFingerprint,
    OtherDataError,
    read_fingerprint,
    summary_difference,
)
from minircnn.training.old_runs import read_settings
from minircnn.training.recipe import RECIPES

SETTINGS = dataclasses.replace(
    settings_of("fast-rcnn"), proposals=ProposalSettings("sliding-window", limit=40)
)
CHECKPOINT = "fast-rcnn.checkpoint.safetensors"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A VOC folder, and a run on it that was stopped after two updates."""
    root = tmp_path_factory.mktemp("stopped")
    export_voc(SCENES, root / "voc", "train")
    export_voc(Scenes("val", count=2, size=128, heights=(24, 56)), root / "voc", "val")
    with pytest.raises(TrainingInterrupted):
        train(VOCDataset(root / "voc"), SETTINGS, root / "run", stop_after=2, progress=False)
    return root


@pytest.fixture
def place(stopped, tmp_path):
    """A copy of both, to be changed."""
    return shutil.copytree(stopped, tmp_path / "copy")


def resume(place, dataset=None, **options):
    dataset = dataset or VOCDataset(place / "voc")
    return train(dataset, SETTINGS, place / "run", resume=True, progress=False, **options)


def edit(place, number, old, new):
    file = sorted((place / "voc" / "Annotations").glob("train*.xml"))[number]
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def replace_photo(place):
    write_image(VOCDataset(place / "voc").path(2), np.zeros((128, 128, 3), np.uint8))


def rename_class(place):
    for file in (place / "voc" / "Annotations").glob("*"):
        file.write_text(file.read_text().replace("<name>0<", "<name>zero<").replace("<name>1<", "<name>a<"))


def drop_object(place):
    text = sorted((place / "voc" / "Annotations").glob("train*.xml"))[1].read_text()
    start, end = text.index("<object>"), text.index("</object>") + len("</object>")
    edit(place, 1, text[start:end], "")


def shift_box(place):
    text = sorted((place / "voc" / "Annotations").glob("train*.xml"))[0].read_text()
    xmin = text[text.index("<xmin>") : text.index("</xmin>")]
    edit(place, 0, xmin, f"<xmin>{int(xmin.removeprefix('<xmin>')) + 1}")


def change_label(place):
    text = sorted((place / "voc" / "Annotations").glob("train*.xml"))[3].read_text()
    name = text[text.index("<object>") :].partition("<name>")[2].partition("<")[0]
    edit(place, 3, f"<name>{name}</name>\n", f"<name>{'2' if name != '2' else '3'}</name>\n")


def reverse_list(place):
    file = place / "voc" / "ImageSets" / "Main" / "train.txt"
    file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))


CHANGES = {
    "a replaced photo": (replace_photo, r"photo 3 \('train_00002'\) is another photo now"),
    "a renamed class": (rename_class, r"class 1 was '\d', is '\w+' now"),
    "an object less": (drop_object, r"photo 2 \('train_00001'\) had \d object\(s\), has \d now"),
    "a moved box": (shift_box, r"photo 1 \('train_00000'\): its boxes differ"),
    "another class": (change_label, r"photo 4 \('train_00003'\): its classes differ"),
    "a flag": (
        lambda place: edit(place, 0, "<difficult>0", "<difficult>1"),
        r"photo 1 \('train_00000'\): its difficult flags differ",
    ),
    "another order": (reverse_list, r"photo 1 was 'train_00000', is 'train_00003' now"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_is_not_continued_with_changed_data(place, change):
    make, difference = CHANGES[change]
    make(place)
    before = {p.name: p.read_bytes() for p in (place / "run").iterdir() if p.is_file()}
    with pytest.raises(OtherDataError, match=difference) as refused:
        resume(place)
    assert str(place / "run") in str(refused.value)
    assert "another folder" in str(refused.value)
    assert {p.name: p.read_bytes() for p in (place / "run").iterdir() if p.is_file()} == before


@pytest.mark.parametrize("change", CHANGES)
def test_the_checkpoint_alone_knows_its_data_too(place, change):
    CHANGES[change][0](place)
    (place / "run" / "data.json").unlink()
    with pytest.raises(OtherDataError, match=f"{CHECKPOINT} was trained on other data"):
        resume(place)


def test_another_split_is_refused_with_both_named(place):
    with pytest.raises(OtherDataError, match="the run had 4 photos of voc-train, this is 2 of voc-val"):
        resume(place, VOCDataset(place / "voc", "val"))


def test_the_options_that_open_the_data_are_named(stopped, tmp_path):
    options = {"source": "my data", "split": "train", "photos": None, "on_bad_box": "drop"}
    dataset = VOCDataset(stopped / "voc")
    train(dataset, SETTINGS, tmp_path, progress=False, data_options=options)
    assert read_settings(tmp_path)["data.on_bad_box"] == "drop"
    with pytest.raises(OtherDataError, match=r"\('my data' --split train --on-bad-box drop\)"):
        train(VOCDataset(stopped / "voc", "val"), SETTINGS, tmp_path, resume=True, progress=False)


def test_data_that_moved_and_a_renamed_photo_are_the_same_data(place, stopped):
    expected = resume(shutil.copytree(stopped, place.parent / "straight"))
    (place / "voc").rename(place / "elsewhere")
    root = place / "elsewhere"
    for kind in ("JPEGImages", "Annotations"):
        (file,) = (root / kind).glob("train_00001.*")
        file.rename(file.with_stem("renamed"))
    names = root / "ImageSets" / "Main" / "train.txt"
    names.write_text(names.read_text().replace("train_00001", "renamed"))
    run = resume(place, VOCDataset(root))
    one, other = (read_bundle(r.model_path)[0] for r in (expected, run))
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def test_mirrored_photos_belong_to_the_data(place):
    dataset = VOCDataset(place / "voc", flippable=False)
    with pytest.raises(OtherDataError, match="could be mirrored then"):
        resume(place, dataset)


def test_a_changed_file_of_proposals_is_refused(stopped, tmp_path):
    boxes, dataset = np.float32([[0, 0, 60, 60], [20, 20, 90, 100]]), VOCDataset(stopped / "voc")
    proposals = ProposalSettings("file", path=str(tmp_path / "boxes.npz"))
    settings = dataclasses.replace(SETTINGS, proposals=proposals)
    for shift, stop_after in ((0, 2), (0, 3), (1, None)):
        kept = {name: boxes + shift * (name == "train_00002") for name in dataset.image_ids}
        write_proposals(tmp_path / "boxes.npz", kept)
        with pytest.raises((TrainingInterrupted, OtherDataError)) as stop:
            train(dataset, settings, tmp_path / "run", resume=True, progress=False, stop_after=stop_after)
    assert r"photo 3 ('train_00002'): its proposals differ" in str(stop.value)
    (tmp_path / "run" / "data.json").unlink()
    with pytest.raises(OtherDataError, match="its proposals differ"):
        train(dataset, settings, tmp_path / "run", resume=True, progress=False)


def without_data(run, checkpoint=CHECKPOINT):
    """Make the run in folder `run` one of a version that noted nothing of its data."""
    (run / "data.json").unlink()
    arrays, meta = read_bundle(run / checkpoint)
    meta["settings"] = {k: v for k, v in meta["settings"].items() if not k.startswith("data.")}
    write_bundle(run / checkpoint, arrays, meta)


def test_a_run_of_an_older_version_goes_on_with_a_word_and_is_bound_from_then_on(place, caplog):
    without_data(place / "run")
    with caplog.at_level(logging.WARNING, "minircnn"), pytest.raises(TrainingInterrupted):
        resume(place, stop_after=3)
    assert "cannot be checked" in caplog.text
    assert read_fingerprint(place / "run").adopted
    shift_box(place)
    with pytest.raises(OtherDataError, match="its boxes differ"):
        resume(place)


def test_data_that_nothing_was_trained_on_do_not_bind_an_older_run(place, monkeypatch):
    without_data(place / "run")
    monkeypatch.setattr("minircnn.training.run.compute_proposals", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        resume(place, VOCDataset(place / "voc", "val"))  # by mistake
    monkeypatch.undo()
    resume(place)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', '{"format": 1, "photos": [[1, 2]]}'])
def test_a_damaged_record_of_the_data_is_said_and_the_checkpoint_decides(place, caplog, text):
    (place / "run" / "data.json").write_text(text)
    shift_box(place)
    with pytest.raises(OtherDataError, match=f"{CHECKPOINT} was trained on other data"):
        resume(place)
    assert "data.json cannot be read" in caplog.text


def test_a_flipped_bit_in_the_record_of_the_data_is_not_blamed_on_the_photos(place, caplog):
    path = place / "run" / "data.json"
    record = path.read_text()
    digest = json.loads(record)["photos"][0][1]
    path.write_text(record.replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:]))
    resume(place)
    assert "data.json cannot be read (it does not hold what was written" in caplog.text


def test_a_record_of_a_newer_version_is_refused(place):
    path = place / "run" / "data.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(OtherDataError, match=r"data\.json was written by a newer minircnn \(format 2\)"):
        resume(place)


def test_a_trainer_alone_binds_its_checkpoints_to_the_data(tmp_path):
    boxes = [np.float32([[0, 0, 60, 60], [20, 20, 90, 100]])] * 2
    made = [Scenes(split, count=2, size=128, heights=(24, 56)) for split in ("train", "val")]
    from minircnn.training import FastRCNNTrainer

    with pytest.raises(TrainingInterrupted):
        FastRCNNTrainer(made[0], boxes, SETTINGS).train(
            LoopSettings(tmp_path, "fast-rcnn", progress=False, stop_after=1)
        )
    loop = LoopSettings(tmp_path, "fast-rcnn", progress=False, resume=True)
    with pytest.raises(OtherDataError, match="not those of scenes-train"):
        FastRCNNTrainer(made[1], boxes, SETTINGS).train(loop)


def test_a_class_more_or_less_is_named():
    then = DataFingerprint.of(SCENES).summary()
    now = {**then, "data.class_names": then["data.class_names"][:-1]}
    assert summary_difference(then, now) == "class 10 ('9') is missing now"
    assert summary_difference(now, then) == "class 10 ('9') is new"
    assert summary_difference(then, then) is None
    assert summary_difference({}, then) is None


def test_other_settings_are_refused_before_anything_is_computed(place, monkeypatch):
    monkeypatch.setattr("minircnn.training.run.compute_proposals", lambda *_, **__: 1 / 0)
    settings = dataclasses.replace(SETTINGS, seed=1)
    with pytest.raises(StorageError, match=r"the run in .* other settings \(seed: 0 then, 1 now\)"):
        train(VOCDataset(place / "voc"), settings, place / "run", resume=True, progress=False)


def test_a_run_that_trained_nothing_takes_other_settings_and_notes_them(place, caplog):
    (place / "run" / CHECKPOINT).unlink()
    settings = dataclasses.replace(SETTINGS, batch=7)
    with caplog.at_level(logging.INFO, "minircnn"):
        train(VOCDataset(place / "voc"), settings, place / "run", resume=True, progress=False)
    assert "nothing was trained yet" in caplog.text
    assert read_settings(place / "run")["batch"] == 7
    with pytest.raises(StorageError, match="batch: 7 then"):
        resume(place)


def test_a_run_that_trained_nothing_still_has_its_data(place):
    (place / "run" / CHECKPOINT).unlink()
    shift_box(place)
    with pytest.raises(OtherDataError, match="its boxes differ"):
        resume(place)


@pytest.mark.parametrize("text", ["", "{", '{\n  "detector": "fast', "\n"])
def test_half_of_the_settings_is_mended_from_the_checkpoint(place, text):
    whole = read_settings(place / "run")
    (place / "run" / "settings.json").write_text(text)
    found = read_settings(place / "run")
    assert {name: found[name] for name in whole} == whole
    with pytest.raises(FolderInUseError, match="--resume"):
        train(VOCDataset(place / "voc"), SETTINGS, place / "run", progress=False)
    (place / "run" / CHECKPOINT).unlink()
    assert read_settings(place / "run") == {}


@pytest.mark.parametrize(
    "text", ["[]", "null", "5", '{"editor.fontSize": 9}', "// an editor's\n{}", '{"detector": 3}', '"text"']
)
def test_settings_of_something_else_are_refused_and_left_alone(tmp_path, text):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(ValueError, match=r"settings\.json holds no settings of a training run"):
        train(SCENES, SETTINGS, tmp_path, progress=False)
    assert (tmp_path / "settings.json").read_text() == text


def test_every_recipe_keeps_the_data_in_its_checkpoints():
    """Recipes share one trainer, so it is enough that each is one of it, or has no network to check."""
    from minircnn.training import Trainer

    for recipe in RECIPES.values():
        if recipe.trainer is not None:  # what has no network makes no checkpoints
            assert recipe.trainer.train is Trainer.train


def test_cached_features_of_an_older_version_are_trusted_in_a_run_of_it_only(tmp_path, monkeypatch):
    trusted = []

    def asked(*arguments, trust_old, digests, **options):
        trusted.append(trust_old)
        assert len(digests) == len(SCENES)
        raise KeyboardInterrupt

    monkeypatch.setattr("minircnn.training.linear_parts.cache_features", asked)
    settings = dataclasses.replace(settings_of("rcnn"), proposals=SETTINGS.proposals)
    for old in (False, True, True):
        if old and trusted == [False]:
            without_data(tmp_path, "rcnn.checkpoint.safetensors")
        with pytest.raises(KeyboardInterrupt):
            train(SCENES, settings, tmp_path, resume=True, progress=False)
    assert trusted == [False, True, True]
