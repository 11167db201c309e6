"""Tiny trained detectors and data sets that all tests of the command line share."""

import shutil

import pytest

from minircnn import pretrained
from minircnn.cli import main
from minircnn.data import Scenes, export_voc
from minircnn.imaging import write_image


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """Folder with two photos, a VOC folder of two scenes, and a run of each detector."""
    root = tmp_path_factory.mktemp("cli")
    scenes = Scenes("test", count=2, size=96, heights=(20, 48))
    (root / "photos").mkdir()
    for index, image_id in enumerate(scenes.image_ids):
        write_image(root / "photos" / f"{image_id}.png", scenes.image(index))
    export_voc(scenes, root / "voc", "test")
    export_voc(Scenes("train", count=2, size=96, heights=(20, 48)), root / "voc", "train")
    common = [str(root / "voc"), "--preset", "scenes", "--jobs", "1", "--proposals.limit", "50"]
    assert main(["train", "fast-rcnn", *common, "--out", str(root / "fast"), "--solver.iterations", "3"]) == 0
    few = ["--fine-tune.solver.iterations", "2", "--fine-tune.background", "8", "--fine-tune.foreground", "4"]
    assert main(["train", "rcnn", *common, "--out", str(root / "rcnn"), *few]) == 0
    return root


@pytest.fixture
def stand_in(workspace, tmp_path_factory, monkeypatch):
    """Let a detector of the workspace be the one that comes with the package."""
    folder = tmp_path_factory.mktemp("pretrained")
    shutil.copy(workspace / "fast" / "model.safetensors", folder / f"{pretrained.DEFAULT}.safetensors")
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    return folder / f"{pretrained.DEFAULT}.safetensors"
