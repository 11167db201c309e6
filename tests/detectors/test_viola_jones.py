"""Viola and Jones' detector: scores that rank, boxes inside the photo, a face found without a download."""

import dataclasses

import numpy as np
import pytest
from skimage import data
from skimage.data import lbp_frontal_face_cascade_filename

from minircnn.boxes import box_iou, group_boxes
from minircnn.detectors import GroupingSettings, ViolaJones, load_detector, save_detector
from minircnn.detectors.viola_jones import NOT_FOUND, cut_boxes, grow, squashed
from minircnn.heads.cascade import Cascade, ScanSettings, scan
from minircnn.imaging import as_grey

FACE = np.array([177, 66, 272, 161])  # OpenCV's frontalface_default, grouped


@pytest.fixture(scope="module")
def detector():
    return ViolaJones.from_cascade_file(lbp_frontal_face_cascade_filename(), "face")


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()[:300, 50:400]


def test_the_astronaut_has_a_face_and_no_download(detector, astronaut):
    found = detector.detect(astronaut).above(detector.usual_min_score)
    assert found.names()[0] == "face"
    face = FACE - [50, 0, 50, 0]
    assert box_iou(found.boxes[:1], face[None].astype(float))[0, 0] > 0.6
    assert len(found) == 1


def test_the_score_is_the_number_of_windows_and_a_part_below_one(detector, astronaut):
    view = detector.look(astronaut)
    windows = scan(as_grey(astronaut), detector.cascades[0]).boxes
    _, counts, _ = group_boxes(windows)
    np.testing.assert_array_equal(np.floor(view.scores[:, 0]), counts)
    assert len(view.windows) == len(counts) > 0


def test_boxes_from_outside_are_ranked_by_how_far_they_come(detector, astronaut):
    face = (FACE - [50, 0, 50, 0]).astype(np.float32)
    view = detector.look(astronaut)
    boxes = np.stack([face, [5, 200, 60, 255], [0, 0, 20, 290]]).astype(np.float32)
    scores, places = detector.judge(view, boxes)
    assert 0 <= scores[0, 0] < 1
    assert (scores[1:, 0] < 0).all()
    assert (scores[1:, 0] >= -detector.cascades[0].stages).all()
    np.testing.assert_array_equal(places[:, 0], boxes)


def test_a_class_whose_scan_did_not_name_a_window_has_not_found_it(detector, astronaut):
    cascade = detector.cascades[0]
    two = ViolaJones((cascade, Cascade.none(24, 24)), ("face", "nothing"))
    windows, scores = two.scan(astronaut)
    alone, own = detector.scan(astronaut)
    np.testing.assert_array_equal(windows, alone)
    np.testing.assert_array_equal(scores[:, 0], own[:, 0])
    assert (scores[:, 1] == NOT_FOUND).all()
    assert set(two.detect(astronaut).names()) == {"face"}
    same = ViolaJones((cascade, cascade), ("face", "again"))
    windows, scores = same.scan(astronaut)
    assert len(windows) == len(alone)
    np.testing.assert_array_equal(scores[:, 0], scores[:, 1])


def test_detections_are_grown_back_and_stay_inside(detector, astronaut):
    grown = dataclasses.replace(detector, growth=0.25)
    boxes, larger = detector.scan(astronaut)[0], grown.scan(astronaut)[0]
    np.testing.assert_allclose(larger[0], grow(boxes[:1], 0.25)[0])
    edge = astronaut[60:, 120:]  # cuts through the hair
    found = dataclasses.replace(grown, growth=2.0).detect(edge)
    assert found.boxes.min() >= 0
    assert (found.boxes[:, 2:] <= edge.shape[1::-1]).all()


def test_growing_and_cutting_are_inverse(rng):
    photo = rng.integers(0, 256, (50, 60), dtype=np.uint8)
    inner = np.array([[10.0, 12, 34, 36]])
    crop = cut_boxes(photo, grow(inner, 1 / 6), 1 / 6, 24, 24)
    np.testing.assert_array_equal(crop[0], photo[12:36, 10:34])
    outside = cut_boxes(photo, np.array([[-5.0, 0, 5, 10]]), 0.0, 10, 10)
    np.testing.assert_array_equal(outside[0, :, :5], np.repeat(photo[:10, :1], 5, axis=1))
    assert cut_boxes(photo, np.zeros((0, 4)), 0.0, 8, 8).shape == (0, 8, 8)


def test_margins_are_squashed_in_their_order():
    values = squashed(np.array([0.0, 0.1, 3.0, 1e9]))
    assert (np.diff(values) > 0).all()
    assert values.min() == 0
    assert values.max() < 1


def test_settings_survive_the_file(detector, astronaut, tmp_path):
    changed = dataclasses.replace(
        detector,
        scan_settings=ScanSettings(scale_factor=1.3, min_size=60, max_size=200),
        grouping=GroupingSettings(1, 0.3),
        growth=0.1,
    )
    save_detector(tmp_path / "m.safetensors", changed)
    loaded = load_detector(tmp_path / "m.safetensors")
    assert loaded.scan_settings == changed.scan_settings
    assert loaded.grouping == changed.grouping
    assert loaded.growth == 0.1
    np.testing.assert_array_equal(loaded.detect(astronaut).boxes, changed.detect(astronaut).boxes)


def test_what_makes_no_detector_is_refused(detector):
    with pytest.raises(ValueError, match="one Cascade for each of the 2 classes, got 1"):
        ViolaJones(detector.cascades, ("a", "b"))
    with pytest.raises(ValueError, match="growth must be"):
        dataclasses.replace(detector, growth=np.nan)
    with pytest.raises(ValueError, match=r"grouping\.min_neighbors must be"):
        GroupingSettings(-1)
    with pytest.raises(ValueError, match="runs on the CPU"):
        detector.to(object())
