"""What a detector is made of is checked once, and what it is given at every photo."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import small_detectors

from minircnn.detectors import PostprocessSettings, load_detector, save_detector, select_detections
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.proposals import SlidingWindow

NAMES = ("cat", "dog")
WHOLE = np.array([[0, 0, 40, 30]])
PHOTO = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)


@pytest.fixture(params=[small_detectors.fast_rcnn, small_detectors.rcnn, small_detectors.sppnet])
def detector(request):
    return request.param(NAMES, SlidingWindow((20,)))


def assert_refused(detector, words, **fields):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(detector, **fields)


@pytest.mark.parametrize("batch", [0, -1, 2.0, math.nan, True, None, "5"])
def test_a_batch_is_a_number_of_regions_also_when_it_is_set_later(detector, batch):
    assert_refused(detector, "^batch must be", batch=batch)
    detector.batch = batch
    with pytest.raises(ValueError, match=r"^batch must be"):
        detector.detect(PHOTO, proposals=WHOLE)


def test_what_every_detector_is_made_of(detector):
    for names in ("ab", ("a",), ("a", "b", "c"), ("a", "a"), ("a", ""), ("a", 3), (), None, {"a", "b"}):
        assert_refused(detector, "^class_names must be", class_names=names)
    assert dataclasses.replace(detector, class_names=["a", "b"]).class_names == ("a", "b")
    assert_refused(detector, "postprocess must be PostprocessSettings", postprocess={"nms_iou": 0.3})
    assert_refused(detector, "proposer must be a proposer, got None", proposer=None)
    assert_refused(detector, "normalization must be Normalization", normalization=None)
    assert_refused(detector, "network must be RegionNetwork", network=object())


EXCHANGED = {
    "class_names": [(), ("cat",), ("cat", "dog", "cow"), ("cat", "cat"), "ab", None],
    "postprocess": [None, {"nms_iou": 0.3}, PostprocessSettings],
    "proposer": [None, 5],
    "normalization": [None],
    "network": [None],
    "target_std": [np.zeros((3, 4), np.float32), -np.ones((3, 4), np.float32), None],
    "target_mean": [np.zeros(4, np.float32)],
    "scale": [None, 600],
    "svms": [None],
    "regressors": [None],
    "warping": [None],
    "scales": [None, (0,)],
    "target_side": [0, math.nan],
}


def test_a_part_exchanged_later_must_fit_too(detector, tmp_path):
    for part, values in EXCHANGED.items():
        for value in values if hasattr(detector, part) else []:
            changed = copy.copy(detector)
            setattr(changed, part, value)
            with pytest.raises(ValueError, match=part):
                changed.detect(PHOTO, proposals=WHOLE)
            with pytest.raises(ValueError, match=part):
                save_detector(tmp_path / "model.safetensors", changed)
    assert not list(tmp_path.iterdir())
    detector.class_names, detector.batch = ["a", "b"], np.int64(2)
    assert detector.detect(PHOTO, proposals=WHOLE).class_names == ("a", "b")
    save_detector(tmp_path / "model.safetensors", detector)
    assert load_detector(tmp_path / "model.safetensors").batch == 2


def test_there_is_a_score_and_a_box_for_each_class():
    scores, boxes = np.full((3, 2), 0.5), np.tile([0.0, 0, 9, 9], (3, 2, 1))
    settings = PostprocessSettings()
    assert len(select_detections(scores, boxes, (9, 9), NAMES, settings)) == 2
    for wrong in (("cat",), ("cat", "dog", "cow")):  # a column would be lost, or one be missing
        with pytest.raises(ValueError, match="a column for each class"):
            select_detections(scores, boxes, (9, 9), wrong, settings)
    for few in (boxes[:2], boxes[:, :1], boxes[..., :3]):
        with pytest.raises(ValueError, match="a column for each class"):
            select_detections(scores, few, (9, 9), NAMES, settings)


def test_target_statistics_are_of_every_column_and_finite():
    detector = small_detectors.fast_rcnn(NAMES, SlidingWindow())
    mean, std = detector.target_mean, detector.target_std
    for wrong in (mean[:1], mean[0], mean[:, :1], np.zeros((4, 3), np.float32)):
        assert_refused(detector, r"target_mean must have shape \(3, 4\)", target_mean=wrong)
        assert_refused(detector, r"target_std must have shape \(3, 4\)", target_std=wrong)
    assert_refused(detector, "target_mean holds numbers that are not finite", target_mean=mean + np.nan)
    assert_refused(detector, "target_std holds numbers that are not finite", target_std=mean + np.inf)
    assert_refused(detector, "target_std must be above 0 everywhere", target_std=std - std)
    assert_refused(
        detector, "target_mean must hold floating-point numbers, got int", target_mean=mean.astype(int)
    )
    assert_refused(detector, "target_mean must be an array, got 0", target_mean=0)
    assert_refused(detector, "scale must be ImageScale", scale=600)


@pytest.mark.parametrize("make", [small_detectors.rcnn, small_detectors.sppnet])
def test_svms_and_regressors_are_of_every_class_and_of_the_network(make):
    detector = make(NAMES, SlidingWindow())
    one, two = np.zeros((1, 4, 9), np.float32), np.zeros((2, 4, 9), np.float32)
    assert_refused(detector, r"SVMs' weight must have shape \(2, 128\)", svms=LinearSVMs.none(1, 128))
    assert_refused(detector, r"SVMs' weight must have shape \(2, 128\)", svms=LinearSVMs.none(2, 64))
    assert_refused(detector, "box regressors' weight must", regressors=BoxRegressors(one, one[:, :, 0]))
    assert_refused(detector, "box regressors' weight must", regressors=BoxRegressors(two, two[:, :, 0]))
    assert_refused(detector, "svms must be LinearSVMs", svms=None)
    dataclasses.replace(detector, regressors=BoxRegressors.none(2))


def test_own_settings_of_each_detector():
    assert_refused(
        small_detectors.sppnet(NAMES, SlidingWindow()), "target_side must be at least 1", target_side=0
    )
    assert_refused(small_detectors.sppnet(NAMES, SlidingWindow()), "scales must be", scales=(0,))
    assert_refused(small_detectors.rcnn(NAMES, SlidingWindow()), "warping must be WarpSettings", warping=48)


@pytest.mark.parametrize(
    "image", [PHOTO / 255, PHOTO > 9, PHOTO[..., 0], PHOTO[:0], PHOTO.tolist()], ids=range(5)
)
def test_a_detector_looks_at_photos_only(detector, image):
    for look in (detector.look, detector.detect, lambda image: detector.detect(image, proposals=[])):
        with pytest.raises(ValueError, match="a photo must be"):
            look(image)


def test_the_way_a_photo_lies_in_memory_changes_nothing(detector):
    read_only = PHOTO.copy()
    read_only.flags.writeable = False
    expected = detector.detect(PHOTO)
    for photo in (np.asfortranarray(PHOTO), PHOTO[::-1].copy()[::-1], read_only):
        np.testing.assert_array_equal(detector.detect(photo).boxes, expected.boxes)
        np.testing.assert_array_equal(detector.detect(photo).scores, expected.scores)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_and_boxes_that_are_no_numbers_do_not_vanish(bad, xp):
    scores, boxes = np.full((3, 2), 0.5), np.tile([0.0, 0, 9, 9], (3, 2, 1))
    for wrong in ("score", "box"):
        broken = {"score": scores.copy(), "box": boxes.copy()}
        broken[wrong][1, 0] = bad
        arrays = (xp.asarray(broken["score"]), xp.asarray(broken["box"]))
        with pytest.raises(ValueError, match=f"the {wrong} of a region is not finite"):
            select_detections(*arrays, (20, 20), NAMES, PostprocessSettings())


def test_a_network_of_nan_is_not_stored_and_finds_not_nothing(detector, tmp_path):
    parameter = next(p for _, p in detector.network.named_parameters())
    parameter.data[...] = np.nan
    with pytest.raises(ValueError, match=r"array network\..* holds numbers that are not finite"):
        save_detector(tmp_path / "m.safetensors", detector)
    assert not (tmp_path / "m.safetensors").exists()
    with pytest.raises(ValueError, match="is not finite"):
        detector.detect(PHOTO, proposals=WHOLE)


def test_compression_needs_whole_ranks(detector, tmp_path):
    save_detector(tmp_path / "m.safetensors", detector)
    for rank in (0, -1, 10**6, 2.5, True, "8", None):
        with pytest.raises(ValueError, match="rank"):
            load_detector(tmp_path / "m.safetensors", svd={"fc6": rank})


@pytest.mark.filterwarnings("error")
def test_weights_too_large_to_compute_with_are_told_in_words_alone(detector):
    for _, parameter in detector.network.named_parameters():
        parameter.data *= np.float32(1e20)
    with pytest.raises(ValueError, match="is not finite"):
        detector.detect(PHOTO, proposals=WHOLE)
