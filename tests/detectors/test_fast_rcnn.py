"""Fast R-CNN's own choices."""

import numpy as np
import pytest
from small_detectors import fast_rcnn

from minircnn.detectors import load_detector, save_detector
from minircnn.detectors.storage import StorageError, read_bundle, write_bundle
from minircnn.nn import RoIPool
from minircnn.proposals import SelectiveSearch

NAMES = ("cat", "dog")
BOXES = np.array([[5, 5, 60, 60], [40, 20, 110, 90]], np.float32)


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (120, 130, 3), dtype=np.uint8)


def test_one_regression_moves_the_boxes_of_all_classes_alike(image):
    """As if every class had the same block of its own."""
    one = fast_rcnn(NAMES, SelectiveSearch(), class_agnostic=True)
    each = fast_rcnn(NAMES, SelectiveSearch())
    each.network.load_state_dict(
        {
            name: np.tile(array, (3, 1) if array.ndim == 2 else 3) if "bbox_pred" in name else array
            for name, array in one.network.state_dict().items()
        }
    )
    found, expected = (detector.judge(detector.look(image), BOXES) for detector in (one, each))
    for some, other in zip(found, expected, strict=True):
        assert some.shape == other.shape
        np.testing.assert_allclose(some, other, rtol=1e-5)
    np.testing.assert_array_equal(found[1][:, 0], found[1][:, 1])


@pytest.mark.parametrize("form", [{"class_agnostic": True}, {"roi_pooling": "align"}])
def test_the_form_of_the_network_is_stored(form, image, tmp_path):
    detector = fast_rcnn(NAMES, SelectiveSearch(), **form)
    save_detector(tmp_path / "model.safetensors", detector)
    again = load_detector(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(
        again.detect(image, proposals=BOXES).boxes, detector.detect(image, proposals=BOXES).boxes
    )


def test_files_from_before_roi_align_have_roi_pooling(image, tmp_path):
    detector = fast_rcnn(NAMES, SelectiveSearch())
    save_detector(tmp_path / "new.safetensors", detector)
    arrays, meta = read_bundle(tmp_path / "new.safetensors")
    write_bundle(tmp_path / "strange.safetensors", arrays, {**meta, "roi_pooling": "mean"})
    with pytest.raises(StorageError, match="roi_pooling must be one of max, align"):
        load_detector(tmp_path / "strange.safetensors")
    del meta["roi_pooling"]
    write_bundle(tmp_path / "old.safetensors", arrays, {**meta, "format": 3})
    assert isinstance(load_detector(tmp_path / "old.safetensors").network.roi_pool, RoIPool)


def test_with_roi_align_only_equal_regions_are_judged_once(image):
    """Regions on the same cells are pooled differently there."""
    near = BOXES[:1] + np.array([0, 0, 0.5, 0.5], np.float32)
    boxes = np.concatenate([BOXES, near, BOXES])
    for roi_pooling, different in (("max", 2), ("align", 3)):
        detector = fast_rcnn(NAMES, SelectiveSearch(), roi_pooling=roi_pooling)
        assert len(detector.distinct(boxes)[0]) == different
        scores, _ = detector.judge(detector.look(image), boxes)
        np.testing.assert_array_equal(scores[:2], scores[3:])
        assert (scores[0] == scores[2]).all() == (roi_pooling == "max")


def test_files_from_before_the_choice_have_a_regression_for_each_class(image, tmp_path):
    detector = fast_rcnn(NAMES, SelectiveSearch())
    save_detector(tmp_path / "new.safetensors", detector)
    arrays, meta = read_bundle(tmp_path / "new.safetensors")
    del meta["class_agnostic"], meta["postprocess"]["vote_iou"]
    write_bundle(tmp_path / "old.safetensors", arrays, {**meta, "format": 2})
    again = load_detector(tmp_path / "old.safetensors")
    np.testing.assert_array_equal(
        again.detect(image, proposals=BOXES).scores, detector.detect(image, proposals=BOXES).scores
    )
