"""``minircnn evaluate --errors``: the tables, the JSON, the sections of the report and the gallery."""

import json
import shutil

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.data import VOCDataset
from minircnn.evaluation import detection_errors, write_voc_detections
from minircnn.evaluation.errors import KINDS
from minircnn.structures import Detections


def evaluate(capsys, *arguments):
    """Return exit code, standard output and standard error."""
    capsys.readouterr()
    code = main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def found(workspace, tmp_path_factory):
    """Detections of every kind made from the objects: their folder, they themselves, the objects."""
    data = VOCDataset(workspace / "voc", "test")
    truth = [data.annotations(index) for index in range(len(data))]
    several = [_of_every_kind(one) for one in truth]
    folder = tmp_path_factory.mktemp("errors") / "devkit"
    write_voc_detections(folder, "test", data.image_ids, several)
    return folder, several, truth


def _of_every_kind(truth):
    """Find the first object twice, and with the wrong class well and loosely; and a corner without object."""
    x1, y1, x2, y2 = np.round(truth.boxes[0])
    label, middle = int(truth.labels[0]), np.round((x1 + 2 * x2) / 3)
    other = label % len(truth.class_names) + 1
    boxes = [[x1, y1, x2, y2], [x1, y1, x2, y2 - 1], [x1, y1, x2, y2], [middle, y1, x2, y2], [94, 94, 96, 96]]
    labels = [label, label, other, other, other]
    return Detections(
        np.array(boxes, float), np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array(labels), truth.class_names
    )


def test_the_tables(workspace, found, capsys):
    code, out, _ = evaluate(capsys, workspace / "voc", "--detections", found[0], "--errors")
    assert code == 0
    assert "errors at IoU 0.5, background up to 0.1; mAP by TIDE's matching: 0." in out
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line}
    expected = detection_errors(*found[1:], method="area")
    for kind in KINDS:
        assert lines[kind][1:3] == [str(expected.total.counts[kind]), f"{expected.total.gains[kind]:.3f}"]
    assert lines["duplicate"][1] == "2"
    for heading in ("false positives", "false negatives", "size", "worst classes"):
        assert f"\n{heading}" in out


@pytest.mark.parametrize(("metric", "method"), [("voc", "area"), ("voc07", "11point"), ("coco", "101point")])
def test_the_record(workspace, found, capsys, metric, method):
    arguments = (workspace / "voc", "--detections", found[0], "--metric", metric, "--json")
    code, out, _ = evaluate(capsys, *arguments, "--errors")
    assert code == 0
    errors = json.loads(out)["errors"]
    assert errors == json.loads(json.dumps(detection_errors(*found[1:], method=method).to_record()))
    assert "errors" not in json.loads(evaluate(capsys, *arguments)[1])


def test_the_pages(workspace, found, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    arguments = (workspace / "voc", "--detections", found[0], "--errors", "--out", tmp_path)
    code, _, said = evaluate(capsys, *arguments)
    assert code == 0
    assert f"errors: {tmp_path / 'errors.html'}" in said
    report = (tmp_path / "report.html").read_text()
    for heading in ("What goes wrong", "Errors by class", "Errors by size", "Photos with the most mistakes"):
        assert f">{heading}</h2>" in report
    gallery = (tmp_path / "errors.html").read_text()
    for kind in KINDS:
        assert f">{kind.capitalize()}</h2>" in gallery
    name = found[2][0].class_names[found[2][0].labels[0] - 1]
    assert f"but the object is “{name}” (IoU 1.00)." in gallery
    assert "on an object that a better detection has found" in gallery
    code, _, said = evaluate(capsys, *arguments)
    assert code == 1
    assert "report.html exists" in said


def test_an_old_gallery_is_in_the_way_before_the_work(workspace, found, tmp_path, capsys):
    (tmp_path / "errors.html").write_text("mine")
    arguments = (workspace / "voc", "--detections", found[0], "--out", tmp_path)
    code, out, said = evaluate(capsys, *arguments, "--errors")
    assert (code, out) == (1, "")
    assert "errors.html exists" in said
    assert evaluate(capsys, *arguments)[0] == 0
    assert (tmp_path / "errors.html").read_text() == "mine"


def test_without_the_photos_there_is_no_gallery(workspace, found, tmp_path, capsys):
    shutil.copytree(workspace / "voc", tmp_path / "voc")
    shutil.rmtree(tmp_path / "voc" / "JPEGImages")
    code, _, said = evaluate(
        capsys, tmp_path / "voc", "--detections", found[0], "--errors", "--out", tmp_path / "r"
    )
    assert code == 0
    assert "no photos in the report" in said
    assert "What goes wrong" in (tmp_path / "r" / "report.html").read_text()
    assert not (tmp_path / "r" / "errors.html").exists()


def test_a_difficult_object_under_a_false_detection_is_named(workspace, found, tmp_path, capsys):
    shutil.copytree(workspace / "voc", tmp_path / "voc")
    for file in (tmp_path / "voc" / "Annotations").glob("*.xml"):
        file.write_text(file.read_text().replace("<difficult>0</difficult>", "<difficult>1</difficult>"))
    code, _, _ = evaluate(
        capsys, tmp_path / "voc", "--detections", found[0], "--errors", "--out", tmp_path / "r"
    )
    assert code == 0
    gallery = (tmp_path / "r" / "errors.html").read_text()
    assert (
        "where no object is (largest IoU 0.00). A difficult object, which does not count, is there" in gallery
    )


def test_errors_of_a_detector(workspace, capsys):
    code, out, _ = evaluate(
        capsys, workspace / "fast", workspace / "voc", "--jobs", "1", "--errors", "--json",
        "--proposal-folder", workspace / "proposals",
    )  # fmt: skip
    assert code == 0
    result = json.loads(out)
    assert result["errors"]["objects"] == sum(one["num_gt"] for one in result["per_class"].values())


def test_a_threshold_below_the_background_is_refused(workspace, found, capsys):
    code, _, said = evaluate(capsys, workspace / "voc", "--detections", found[0], "--errors", "--iou", "0.1")
    assert code == 2
    assert "--errors needs an --iou above 0.1" in said
