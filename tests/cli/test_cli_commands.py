"""Every command, on a few small photos: what it writes, what it prints, what scripts can read."""

import json

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.data import Scenes, export_voc

COMMANDS = [
    ["demo"],
    ["propose"],
    ["pretrain"],
    ["train", "fast-rcnn"],
    ["train", "rcnn"],
    ["detect"],
    ["evaluate"],
    ["explain"],
    ["check-data"],
    ["anchors"],
    ["gradcheck"],
]


def run_json(capsys, *arguments):
    capsys.readouterr()
    code = main([str(a) for a in arguments] + ["--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches(command, capsys):
    assert main([*command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "For example:" in text
    assert "Next: " in text
    assert f"minircnn {' '.join(command)}" in text
    assert "--seed" in text
    assert "--device" in text


def test_help_of_the_whole_names_every_command(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f" {command[0]} " in text for command in COMMANDS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("0.")


def test_check_data_reports_sound_data(workspace, capsys):
    code, report = run_json(capsys, "check-data", workspace / "voc", "--decode")
    assert code == 0
    assert report["ok"]
    assert report["splits"] == {"test": 2, "train": 2}
    assert main(["check-data", str(workspace / "voc")]) == 0
    assert "no problems" in capsys.readouterr().out


def test_check_data_fails_on_a_bad_box(tmp_path, capsys):
    voc = bad_voc(tmp_path)
    code, report = run_json(capsys, "check-data", voc)
    assert code == 1
    assert [p["kind"] for p in report["problems"]] == ["outside"]


def bad_voc(folder):
    """A VOC folder of one scene with one box that reaches outside."""
    export_voc(Scenes("train", count=1, size=96, heights=(20, 48)), folder / "voc", "train")
    file = next((folder / "voc" / "Annotations").glob("*.xml"))
    text = file.read_text()
    start, end = text.index("<xmax>") + 6, text.index("</xmax>")
    file.write_text(f"{text[:start]}500{text[end:]}")
    return folder / "voc"


def test_bad_boxes_are_refused_or_dropped(tmp_path, workspace, capsys):
    voc = bad_voc(tmp_path)
    arguments = ["propose", str(voc), "--split", "train", "--jobs", "1"]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "xml" in error
    assert "--on-bad-box drop" in error
    assert main([*arguments, "--on-bad-box", "drop"]) == 0


def test_propose_on_a_photo_draws_and_saves(workspace, tmp_path, capsys):
    photo = workspace / "photos" / "test_00000.png"
    boxes = tmp_path / "boxes.npz"
    code, result = run_json(
        capsys, "propose", photo, "--out", tmp_path / "p", "--save", boxes, "--limit", "20"
    )
    assert code == 0
    assert np.shape(result["boxes"]) == (20, 4)
    assert {p.name for p in (tmp_path / "p").iterdir()} == {
        "test_00000.proposals.png",
        "test_00000.hierarchy.png",
    }
    again = ["propose", photo, "--method", "file", "--path", boxes, "--out", tmp_path / "q"]
    code, reread = run_json(capsys, *again)
    assert code == 0
    np.testing.assert_array_equal(reread["boxes"], result["boxes"])


def test_propose_on_a_data_set_measures_recall(workspace, capsys):
    code, result = run_json(capsys, "propose", workspace / "voc", "--method", "sliding-window", "--jobs", "1")
    assert code == 0
    assert result["photos"] == 2
    assert 0 <= result["recall"][0] <= 1


@pytest.mark.parametrize("detector", ["fast", "rcnn"])
def test_detect_writes_pictures_and_json(workspace, tmp_path, capsys, detector):
    out = tmp_path / "found"
    arguments = ["detect", workspace / detector, workspace / "photos", "--out", out, "--min-score", "-5"]
    code, records = run_json(capsys, *arguments)
    assert code == 0
    assert [record["image"][-14:] for record in records] == ["test_00000.png", "test_00001.png"]
    assert {"class", "score", "box"} == records[0]["detections"][0].keys()
    assert json.loads((out / "test_00000.json").read_text()) == records[0]
    assert (out / "test_00001.png").read_bytes()[1:4] == b"PNG"


def test_detect_with_svd_and_proposals_from_a_file(workspace, tmp_path, capsys):
    boxes = tmp_path / "boxes.npz"
    np.savez(boxes, test_00000=np.array([[5, 5, 40, 60]], dtype=np.float32))
    code, records = run_json(
        capsys, "detect", workspace / "fast", workspace / "photos" / "test_00000.png",
        "--svd", "fc6=8,fc7=8", "--proposals", boxes, "--min-score", "0", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    assert len(records) == 1


@pytest.mark.parametrize("metric", ["voc", "voc07", "coco"])
def test_evaluate(workspace, tmp_path, capsys, metric):
    kept = ["--proposal-folder", workspace / "proposals", "--jobs", "1"]
    code, result = run_json(
        capsys, "evaluate", workspace / "fast", workspace / "voc", "--metric", metric, *kept,
        "--out", tmp_path / "report",
    )  # fmt: skip
    assert code == 0
    assert result["photos"] == 2
    assert ("stats" in result) == (metric == "coco")
    assert "http" not in page_without_namespaces(tmp_path / "report" / "report.html")
    assert main(["evaluate", *map(str, (workspace / "rcnn", workspace / "voc", *kept))]) == 0
    assert "proposals:" in capsys.readouterr().out


def page_without_namespaces(path):
    """A page's text without the addresses that only name a format."""
    return path.read_text("utf-8").replace("http://www.w3.org/", "")


@pytest.mark.parametrize(
    ("detector", "stages"),
    [
        ("fast", ["proposals", "features", "pooling", "scores", "regression", "suppression", "detections"]),
        ("rcnn", ["proposals", "warps", "scores", "regression", "suppression", "detections"]),
    ],
)
def test_explain_shows_every_stage(workspace, tmp_path, capsys, detector, stages):
    photo = workspace / "photos" / "test_00001.png"
    code, result = run_json(capsys, "explain", workspace / detector, photo, "--out", tmp_path)
    assert code == 0
    assert [stage["stage"] for stage in result["stages"]] == stages
    assert sorted(p.stem[3:] for p in tmp_path.glob("*.png")) == sorted(stages)
    assert "<img" in (tmp_path / "explained.html").read_text("utf-8")
    assert main(["explain", str(workspace / detector), str(photo), "--out", str(tmp_path)]) == 1
    assert "--overwrite" in capsys.readouterr().err


def test_gradcheck_passes(capsys):
    code, result = run_json(capsys, "gradcheck", "--elements", "4")
    assert code == 0
    assert result["ok"]
    assert {"Conv2d", "RoIPool", "whole Fast R-CNN"} <= {row["part"] for row in result["rows"]}


def test_gradcheck_finds_a_wrong_gradient(capsys, monkeypatch):
    from minircnn.nn import ReLU

    monkeypatch.setattr(ReLU, "backward", lambda self, dy: dy)
    code, result = run_json(capsys, "gradcheck", "--elements", "30")
    assert code == 1
    assert not result["ok"]


def test_best_balance_is_the_best_f1_of_all_thresholds():
    from minircnn.cli.pages import best_balance
    from minircnn.detectors.running import Outcome
    from minircnn.structures import Annotations, Detections

    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 30], [50, 50, 60, 60]], dtype=np.float32)
    labels = np.ones(4, dtype=np.int64)
    truth = Annotations(boxes[:3], labels[:3], ("a",), 64, 64)
    # right, right, wrong, right: F1 is 2/4, 4/5, 4/6 and 6/7
    order = np.array([0, 1, 3, 2])
    found = Detections(boxes[order], np.array([0.9, 0.8, 0.7, 0.6], dtype=np.float32), labels, ("a",))
    balance = best_balance(Outcome([found], [truth], [], []), usual=0.5)
    assert balance.score == pytest.approx(0.6)
    assert (balance.precision, balance.recall) == (0.75, 1.0)
    nothing = best_balance(Outcome([Detections.empty(("a",))], [truth], [], []), usual=0.5)
    assert (nothing.score, nothing.precision, nothing.recall) == (0.5, 0.0, 0.0)


@pytest.mark.parametrize("scores", [[0.73361] * 4, [0.73361, 0.73352, 0.73352, 0.2], [7, 7, 3, -2.5]])
def test_what_the_best_threshold_promises_is_what_it_keeps(scores):
    """Ranks are cut between two scores, never inside a run of equal ones; what is shown is not rounded up."""
    from minircnn.cli.pages import best_balance
    from minircnn.detectors.running import Outcome
    from minircnn.structures import Annotations, Detections

    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10], [0, 50, 10, 60]], dtype=np.float32)
    labels = np.ones(4, dtype=np.int64)
    truth = Annotations(boxes[[0, 2]], labels[:2], ("a",), 64, 64)
    for dtype in (np.float32, np.float64):
        found = Detections(boxes, np.array(scores, dtype=dtype), labels, ("a",))
        balance = best_balance(Outcome([found], [truth], [], []), usual=0.5)
        kept = found.above(float(str(balance.score)))
        right = sum(box.tolist() in boxes[[0, 2]].tolist() for box in kept.boxes)
        assert (balance.precision, balance.recall) == (right / len(kept), right / 2)
        assert len(str(balance.score)) <= 7
