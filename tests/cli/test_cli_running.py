"""What bounds the memory of a detector, and how many processes share the photos."""

import json

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.cli.options import network_job_count
from minircnn.cli.running import open_detector
from minircnn.detectors import save_detector


def test_batches_are_stored_and_can_be_replaced(workspace, tmp_path):
    fast = open_detector(workspace / "fast", batch=33)
    assert fast.batch == 33
    save_detector(tmp_path / "fast.safetensors", fast)
    assert open_detector(tmp_path / "fast.safetensors").batch == 33
    rcnn = open_detector(workspace / "rcnn", batch=9)
    assert rcnn.batch == 9
    save_detector(tmp_path / "rcnn.safetensors", rcnn)
    assert open_detector(tmp_path / "rcnn.safetensors").batch == 9
    assert open_detector(workspace / "fast").batch == 512
    assert open_detector(workspace / "rcnn").batch == 128


@pytest.mark.parametrize(
    ("detector", "option", "message"),
    [
        ("fast", {"batch": 0}, "--batch must be 1 or more, got 0"),
        ("rcnn", {"batch": -1}, "--batch must be 1 or more, got -1"),
    ],
)
def test_impossible_batches_are_refused(workspace, detector, option, message):
    with pytest.raises(ValueError, match=message):
        open_detector(workspace / detector, **option)


def test_training_stores_the_batch(workspace, tmp_path):
    common = [str(workspace / "voc"), "--preset", "scenes", "--jobs", "1", "--proposals.limit", "20"]
    run = ["train", "fast-rcnn", *common, "--out", str(tmp_path), "--solver.iterations", "1"]
    assert main([*run, "--batch", "77"]) == 0
    assert open_detector(tmp_path).batch == 77
    assert main(["train", "fast-rcnn", *common, "--out", str(tmp_path / "x"), "--batch", "0"]) != 0


@pytest.mark.parametrize("detector", ["fast", "rcnn"])
def test_processes_and_batches_change_no_result(workspace, tmp_path, capsys, detector):
    def found(name, *more):
        capsys.readouterr()
        arguments = ["detect", workspace / detector, workspace / "photos", "--out", tmp_path / name, "--json"]
        assert main([*map(str, arguments), "--min-score", "-5", *more]) == 0
        return [photo["detections"] for photo in json.loads(capsys.readouterr().out)]

    alone = found("alone")
    assert all(alone)
    assert found("shared", "--jobs", "2") == alone  # to the last bit
    assert {path.name for path in (tmp_path / "shared").iterdir()} == {
        f"test_0000{number}.{ending}" for number in (0, 1) for ending in ("png", "json")
    }
    # another batch makes other matrix products, which round in another order
    for one, other in zip(alone, found("small", "--batch", "7"), strict=True):
        np.testing.assert_allclose(
            [box["score"] for box in one], [box["score"] for box in other], rtol=1e-4, atol=1e-5
        )


def test_unreadable_photos_are_named_by_other_processes_too(workspace, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.png").write_text("no picture")
    whole = workspace / "photos" / "test_00000.png"
    (tmp_path / "photos" / whole.name).write_bytes(whole.read_bytes())
    arguments = ["detect", workspace / "fast", tmp_path / "photos", "--out", tmp_path / "out", "--jobs", "2"]
    assert main([*map(str, arguments)]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert (tmp_path / "out" / "test_00000.json").is_file()
    assert not (tmp_path / "out" / "broken.json").exists()


def test_evaluation_does_not_depend_on_the_number_of_processes(workspace, tmp_path, capsys):
    def result(jobs):
        capsys.readouterr()
        kept = ["--proposal-folder", str(workspace / "proposals"), "--jobs", str(jobs), "--json"]
        assert main(["evaluate", str(workspace / "fast"), str(workspace / "voc"), *kept]) == 0
        return json.loads(capsys.readouterr().out)

    one, two = result(1), result(9)  # two photos need no more than two
    assert (one.pop("processes"), two.pop("processes")) == (1, 2)
    del one["seconds_per_photo"], two["seconds_per_photo"]
    assert one == two


def test_the_network_runs_in_one_process_unless_asked():
    assert network_job_count(0, "cpu") == 1
    assert network_job_count(3, "cpu") == 3
    assert network_job_count(3, "cuda") == 1
    with pytest.raises(ValueError, match="--jobs"):
        network_job_count(-1, "cpu")
