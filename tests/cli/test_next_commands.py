"""Commands that training prints are complete: they do what they say when they are typed."""

import json
import re
import shlex
import shutil

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.cli.next_commands import command_line, split_to_evaluate
from minircnn.data import Scenes, VOCDataset, export_voc
from minircnn.detectors.storage import read_bundle
from minircnn.training import train
from minircnn.training.old_runs import read_settings

FEW = ["--preset", "scenes", "--jobs", "1", "--proposals.method", "sliding-window", "--proposals.limit", "20"]
FEW += ["--solver.iterations", "3"]


def scenes(split, count=2):
    return Scenes(split, count=count, size=96, heights=(20, 48))


@pytest.fixture
def voc(tmp_path):
    """A VOC folder with a name that a shell would take apart."""
    root = tmp_path / "my $data; 'here'"
    export_voc(scenes("train"), root, "train")
    return root


@pytest.fixture
def stop_after(monkeypatch):
    """Let ``minircnn train`` be interrupted after so many updates."""

    def stop(count):
        monkeypatch.setattr(
            "minircnn.cli.train.train", lambda *a, **k: train(*a, **k, stop_after=count, progress=False)
        )

    return stop


def typed(text, word):
    """The command that follows `word` in what was printed, as a shell hands it over."""
    (line,) = re.findall(rf"{word}:?\s+(minircnn .*)", text)
    return shlex.split(line)[1:]


def coco(folder):
    photos = folder / "photos"
    export_voc(scenes("train"), folder / "voc", "train")
    dataset = VOCDataset(folder / "voc")
    (folder / "voc" / "JPEGImages").rename(photos)
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "digit"}]}
    for i, image_id in enumerate(dataset.image_ids):
        name = dataset.path(i).name
        content["images"].append({"id": i, "file_name": name, "height": 96, "width": 96})
        for box in dataset.annotations(i).boxes.tolist():
            number = len(content["annotations"])
            bbox = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            content["annotations"].append(
                {"id": number, "image_id": i, "category_id": 1, "bbox": bbox, "iscrowd": 0, "area": 1}
            )
        assert image_id in name
    (folder / "my labels.json").write_text(json.dumps(content))
    return folder / "my labels.json", photos


@pytest.mark.parametrize("lists", [(), ("val",), ("test",), ("test", "val")])
def test_the_next_command_measures_on_a_list_that_is_there(voc, tmp_path, capsys, lists):
    for split in lists:
        export_voc(scenes(split), voc, split)
    assert main(["train", "fast-rcnn", str(voc), "--out", str(tmp_path / "a run"), *FEW]) == 0
    command = typed(capsys.readouterr().err, "next")
    assert command[:3] == ["evaluate", str(tmp_path / "a run"), str(voc)]
    assert command[3:] == ["--split", "val" if "val" in lists else "test" if lists else "train"]
    assert main([*command, "--json", "--jobs", "1"]) == 0


def test_the_next_command_for_a_coco_file_names_its_photos(tmp_path, capsys):
    file, photos = coco(tmp_path)
    options = ["--images", str(photos), "--on-bad-box", "drop", "--out", str(tmp_path / "run"), *FEW]
    assert main(["train", "fast-rcnn", str(file), *options]) == 0
    command = typed(capsys.readouterr().err, "next")
    assert command[3:] == ["--on-bad-box", "drop", "--images", str(photos)]
    assert main([*command, "--json", "--jobs", "1"]) == 0


def test_the_command_after_an_interruption_finishes_the_run(voc, tmp_path, capsys, stop_after):
    export_voc(scenes("val", 4), voc, "val")
    straight, out = tmp_path / "straight", tmp_path / "a run"
    options = ["--split", "val", "--photos", "3", "--proposal-folder", str(tmp_path / "kept"), *FEW]
    assert main(["train", "fast-rcnn", str(voc), "--out", str(straight), *options]) == 0
    capsys.readouterr()
    stop_after(1)
    assert main(["train", "fast-rcnn", str(voc), "--out", str(out), *options]) == 130
    command = typed(capsys.readouterr().err, r"continue with --resume from .*")
    stop_after(None)
    assert main(command) == 0
    one, other = (read_bundle(folder / "model.safetensors")[0] for folder in (straight, out))
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)
    assert not (out / "proposals").exists()  # they are where they were


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device", "x.npy")])
def test_a_run_stopped_outside_the_network_says_how_to_go_on_too(voc, tmp_path, capsys, monkeypatch, error):
    def stopped(*arguments, **options):
        raise error

    monkeypatch.setattr("minircnn.training.run.compute_proposals", stopped)
    assert main(["train", "fast-rcnn", str(voc), "--out", str(tmp_path / "run"), *FEW]) in (1, 130)
    command = typed(capsys.readouterr().err, "to continue later")
    monkeypatch.undo()
    assert main(command) == 0


def test_nothing_is_said_of_a_run_that_did_not_begin(voc, tmp_path, capsys, monkeypatch):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("minircnn.cli.train.train", stopped)
    assert main(["train", "fast-rcnn", str(voc), "--out", str(tmp_path / "run"), *FEW]) == 130
    assert "--resume" not in capsys.readouterr().err


def test_resume_takes_the_photos_of_the_run(voc, tmp_path, capsys, stop_after):
    """A forgotten --split does not train on another one."""
    export_voc(scenes("val", 4), voc, "val")
    common = ["train", "fast-rcnn", str(voc), "--out", str(tmp_path / "run")]
    stop_after(1)
    assert main([*common, "--split", "val", "--photos", "3", *FEW]) == 130
    assert main([*common, "--resume"]) == 130
    assert json.loads((tmp_path / "run" / "data.json").read_text())["name"].endswith("-val")
    capsys.readouterr()
    assert main([*common, "--resume", "--split", "train"]) == 1
    said = capsys.readouterr().err
    assert "class" in said or "the run had 3 photos of" in said
    assert "--split val --photos 3" in said
    assert main([*common, "--resume", "--photos", "2"]) == 1
    assert "the run had 3 photos of" in capsys.readouterr().err


def test_resume_finds_the_photos_of_a_coco_file(tmp_path, monkeypatch, stop_after):
    file, photos = coco(tmp_path)
    monkeypatch.chdir(tmp_path)
    stop_after(1)
    common = ["train", "fast-rcnn", str(file), "--out", str(tmp_path / "run")]
    assert main([*common, "--images", photos.name, *FEW]) == 130
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    stop_after(None)
    assert main([*common, "--resume"]) == 0
    assert read_settings(tmp_path / "run")["data.images"] == str(photos)


def test_a_renamed_class_is_refused(voc, tmp_path, capsys, stop_after):
    """Classes are sorted by name: a new name can exchange the columns that were learned."""
    stop_after(1)
    common = ["train", "fast-rcnn", str(voc), "--out", str(tmp_path / "run")]
    assert main([*common, *FEW]) == 130
    last = VOCDataset(voc).class_names[-1]
    for file in (voc / "Annotations").glob("*.xml"):
        file.write_text(file.read_text().replace(f"<name>{last}<", "<name>!<"))
    capsys.readouterr()
    assert main([*common, "--resume"]) == 1
    assert re.search(r"trained on other data: class 1 was '\d', is '!' now", capsys.readouterr().err)


def test_split_to_evaluate_is_another_one_where_there_is(voc, tmp_path):
    assert split_to_evaluate("scenes", "train") == "val"
    assert split_to_evaluate("scenes", "val") == "test"
    lists = voc / "ImageSets" / "Main"
    for split in ("trainval", "val", "digit_test"):
        shutil.copy(lists / "train.txt", lists / f"{split}.txt")
    assert split_to_evaluate(str(voc), "train") == "val"
    assert split_to_evaluate(str(voc), "trainval") == "trainval"  # val is a part of it
    assert split_to_evaluate(str(tmp_path / "none"), "train") == "train"
    (tmp_path / "empty").mkdir()
    assert split_to_evaluate(str(tmp_path / "empty"), "train") == "train"


def test_lists_of_other_names_are_evaluated_too(voc):
    lists = voc / "ImageSets" / "Main"
    shutil.move(lists / "train.txt", lists / "Train.txt")
    assert split_to_evaluate(str(voc), None) == "Train"
    shutil.copy(lists / "Train.txt", lists / "Validation.txt")
    assert split_to_evaluate(str(voc), None) == "Validation"
    shutil.copy(lists / "Train.txt", lists / "trainval.txt")
    assert split_to_evaluate(str(voc), "trainval") == "trainval"


def test_what_training_left_out_evaluation_leaves_out_too(voc, tmp_path, capsys):
    next((voc / "JPEGImages").glob("*")).unlink()
    out = str(tmp_path / "run")
    assert main(["train", "fast-rcnn", str(voc), "--out", out, "--on-bad-photo", "drop", *FEW]) == 0
    command = shlex.split(re.search("next: (.*)", capsys.readouterr().err)[1])
    assert command[-2:] == ["--on-bad-photo", "drop"]
    assert main([*command[1:], "--jobs", "1"]) == 0


def test_words_of_a_command_are_quoted():
    options = {"split": "a b", "photos": 3, "images": None, "profile": True, "json": False}
    line = command_line("train", "x y", options=options)
    assert line == "minircnn train 'x y' --split 'a b' --photos 3 --profile"


def test_names_with_a_dash_in_front_are_no_options(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    export_voc(scenes("train"), tmp_path / "-voc", "train")
    assert main(["check-data", "--", "-voc"]) == 0
    assert capsys.readouterr().err.endswith("next: minircnn train fast-rcnn ./-voc --out runs/fast\n")
    line = command_line("train", "-x", options={"out": "-y", "resume": True})
    assert line == "minircnn train ./-x --out=-y --resume"
