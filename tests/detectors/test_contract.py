"""What holds for every detector that is registered, whatever its parts."""

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import small_detectors
from trained_detectors import SCENES, train_shortly

from minircnn.detectors import (
    DETECTORS,
    NetworkDetector,
    PostprocessSettings,
    RegionDetector,
    StorageError,
    View,
    load_detector,
    register,
    save_detector,
)
from minircnn.detectors.storage import write_bundle
from minircnn.proposals import SelectiveSearch
from minircnn.training import RECIPES

PROPOSALS = np.array(
    [
        [5, 5, 60, 60],
        [5, 5, 60, 61],
        [70, 20, 127, 120],
        [0, 0, 128, 128],
        [30, 90, 31, 91],
        [30.2, 90, 70, 120],
    ],
    dtype=np.float32,
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A detector of every recipe."""
    folder = tmp_path_factory.mktemp("trained")
    return {name: train_shortly(name, folder / name).detector for name in RECIPES}


@pytest.fixture(params=sorted(RECIPES))
def detector(request, trained):
    return copy.copy(trained[request.param])


@pytest.fixture(scope="module")
def image():
    return SCENES.image(0)


def assert_same(one, other):
    np.testing.assert_array_equal(one.boxes, other.boxes)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_every_detector_can_be_trained():
    assert set(RECIPES) == set(DETECTORS)
    for name, kind in DETECTORS.items():
        assert kind.name == name
        assert kind.title
        assert np.isfinite(kind.usual_min_score)


def test_detections_are_sorted_inside_the_photo_and_repeatable(detector, image):
    found = detector.detect(image, proposals=PROPOSALS)
    assert len(found) > 0
    assert found.class_names == SCENES.class_names
    assert (np.diff(found.scores) <= 0).all()
    assert found.boxes.min() >= 0
    assert (found.boxes <= 128).all()
    assert_same(found, detector.detect(image, proposals=PROPOSALS))


def test_the_order_of_proposals_does_not_matter(detector, image):
    found = detector.detect(image, proposals=PROPOSALS)
    turned = detector.detect(image, proposals=PROPOSALS[::-1])
    np.testing.assert_allclose(turned.scores, found.scores, rtol=1e-4, atol=1e-6)


def test_judge_gives_a_score_and_a_box_for_each_region_and_class(detector, image):
    scores, boxes = detector.judge(detector.look(image), PROPOSALS)
    classes = len(SCENES.class_names)
    assert scores.shape == (len(PROPOSALS), classes)
    assert boxes.shape == (len(PROPOSALS), classes, 4)
    assert np.isfinite(scores).all()
    assert np.isfinite(boxes).all()


@pytest.mark.parametrize("none", [[], (), [[]], np.empty(0), np.zeros((0, 4)), np.zeros((0, 5), int)])
def test_no_proposals_in_any_form(detector, image, none):
    assert len(detector.detect(image, proposals=none)) == 0


@pytest.mark.parametrize("count", [0, 1])
def test_no_proposal_and_one(detector, image, count):
    found = detector.detect(image, proposals=PROPOSALS[:count])
    assert (len(found) > 0) == (count > 0)
    assert found.class_names == SCENES.class_names


@pytest.mark.parametrize(
    ("proposals", "words"),
    [
        (np.array([[0, 0, 9, 9], [0, np.nan, 9, 9]]), r"proposal 1 is not finite: \[0.0, nan, 9.0, 9.0\]"),
        (np.zeros((3, 5)), r"proposals must have shape \(R, 4\), got \(3, 5\)"),
        ([[1, 2, 3, 4], [1, 2, 3]], "rows of different lengths"),
        ([["0", "0", "9", "9"]], "proposals must be numbers, got <U1"),
        (np.ones((2, 4), bool), "proposals must be numbers, got bool"),
        ([[5, 5, 60, 60], [60, 5, 5, 60]], r"proposal 1 is reversed or empty .*\[60, 5, 5, 60\]"),
        ([[5, 5, 60, 60], [5, 60, 60, 60]], "proposal 1 is reversed or empty"),
        ([[200, 200, 300, 300]], "proposal 0 does not lie in the photo of 128×128 pixels"),
        ([[100, 100, 128.6, 120]], "proposal 0 does not lie in the photo"),
        ([[-0.6, 0, 20, 20]], "proposal 0 does not lie in the photo"),
        ([[-0.4, 0, -0.1, 20]], "proposal 0 does not lie in the photo"),
        ([[1e6, 1e6, 2e6, 2e6], [-np.inf, 0, 9, 9]], r"proposal 0 .* \(2 such boxes\)"),
    ],
)
def test_proposals_that_are_no_boxes_are_named(detector, image, proposals, words):
    with pytest.raises(ValueError, match=words):
        detector.detect(image, proposals=proposals)
    with pytest.raises(ValueError, match=words):
        detector.judge_in_batches(detector.look(image), proposals)


def test_proposals_may_stick_out_by_half_a_pixel_as_those_of_a_file(detector, image):
    over = np.array([[-0.4, -0.5, 60, 60], [70, 20, 128.5, 128.3]])
    cut = np.array([[0, 0, 60, 60], [70, 20, 128, 128]])
    assert_same(detector.detect(image, proposals=over), detector.detect(image, proposals=cut))


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (40, 30)])
def test_tiny_and_uniform_photos_run(detector, size):
    photo = np.full((*size, 3), 128, np.uint8)
    assert np.isfinite(detector.detect(photo).scores).all()
    whole = np.array([[0, 0, size[1], size[0]]], dtype=np.float32)
    assert np.isfinite(detector.detect(photo, proposals=whole).scores).all()


def test_own_proposals_are_used_by_default(detector, image):
    found = detector.detect(image)
    assert_same(found, detector.detect(image, proposals=detector.propose(detector.look(image))))
    if detector.proposer is not None:
        assert_same(found, detector.detect(image, proposals=detector.proposer.propose(image)))


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_batches_change_nothing_but_memory(detector, image, batch):
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 80, (30, 2))
    proposals = np.concatenate(
        [PROPOSALS, PROPOSALS, np.hstack([corner, corner + rng.uniform(5, 45, (30, 2))])]
    )
    view = detector.look(image)
    scores, boxes = detector.judge_in_batches(view, proposals)
    detector.batch = batch
    some_scores, some_boxes = detector.judge_in_batches(view, proposals)
    np.testing.assert_allclose(some_scores, scores, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(some_boxes, boxes, rtol=1e-4, atol=1e-3)


def test_batches_hold_each_region_once(detector, image):
    detector.batch = 4
    proposals = np.concatenate([PROPOSALS, PROPOSALS])
    batches = detector.batches(detector.look(image), proposals)
    assert sorted(np.concatenate(batches)) == list(range(len(proposals)))
    assert 2 <= len(batches) <= 3


def test_a_stored_detector_detects_the_same(detector, image, tmp_path):
    save_detector(tmp_path / "model.safetensors", detector)
    loaded = load_detector(tmp_path / "model.safetensors")
    assert type(loaded) is type(detector)
    assert loaded.proposer == detector.proposer
    assert loaded.postprocess == detector.postprocess
    assert loaded.batch == detector.batch
    assert_same(detector.detect(image), loaded.detect(image))
    assert not list(tmp_path.glob("*.partial"))


def test_a_pickled_detector_detects_the_same(detector, image):
    assert_same(detector.detect(image), pickle.loads(pickle.dumps(detector)).detect(image))


def test_threads_detect_the_same(detector):
    photos = [SCENES.image(i) for i in range(4)]
    alone = [detector.detect(photo, proposals=PROPOSALS) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(
            alone, pool.map(lambda p: detector.detect(p, proposals=PROPOSALS), photos), strict=True
        ):
            assert_same(one, other)


def test_a_network_says_how_large_it_is(detector):
    """So that schedulers send it to each process once."""
    if not isinstance(detector, NetworkDetector):
        return
    arrays = detector.state()[1]
    assert 0.5 < sys.getsizeof(detector) / sum(array.nbytes for array in arrays.values()) < 1.5


def test_svd_of_full_rank_changes_nothing_and_of_low_rank_shrinks(detector, image, tmp_path):
    save_detector(tmp_path / "model.safetensors", detector)
    if not isinstance(detector, NetworkDetector):
        with pytest.raises(ValueError, match="no fully connected layers"):
            load_detector(tmp_path / "model.safetensors", svd={"fc6": 8})
        return
    full = load_detector(tmp_path / "model.safetensors", svd={"fc6": 128, "fc7": 128})
    before, after = (d.detect(image, proposals=PROPOSALS) for d in (detector, full))
    np.testing.assert_allclose(before.scores, after.scores, rtol=1e-3, atol=1e-4)
    low = load_detector(tmp_path / "model.safetensors", svd={"fc6": 8})
    count = sum(p.data.size for _, p in low.network.head.named_parameters())
    assert count < sum(p.data.size for _, p in detector.network.head.named_parameters()) / 4
    with pytest.raises(KeyError, match="fc9"):
        load_detector(tmp_path / "model.safetensors", svd={"fc9": 8})


def test_distinct_regions_come_as_unique_rows_of_cells(rng):
    detector = small_detectors.fast_rcnn("abc", SelectiveSearch(min_size=10))
    corner = rng.uniform(-40, 40, (300, 2))
    rois = np.concatenate([corner, corner + rng.uniform(1, 30, (300, 2))], axis=1).round(-1)
    kept, same = detector.distinct(rois)
    cells = np.concatenate(detector.network.roi_pool.cells(rois), axis=1)
    _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    assert len(kept) < 300
    np.testing.assert_array_equal(kept, rois[first])
    np.testing.assert_array_equal(same, inverse.reshape(-1))


def test_fast_rcnn_judges_equal_regions_once_and_alike(image):
    detector = small_detectors.fast_rcnn("abc", SelectiveSearch(min_size=10))
    asked = []
    forward = detector.network.head.forward
    detector.network.head.forward = lambda pooled: asked.append(len(pooled)) or forward(pooled)
    scores, boxes = detector.judge(detector.look(image), PROPOSALS[[0, 1, 0]])
    assert asked == [len(detector.distinct(PROPOSALS[[0, 1]])[0])]
    np.testing.assert_array_equal(scores[0], scores[2])
    np.testing.assert_array_equal(boxes[0], boxes[2])
    detector.batch = 1
    asked.clear()
    detector.judge_in_batches(detector.look(image), PROPOSALS[[0, 2, 0, 2]])
    assert asked == [1, 1]  # equal regions share a batch, and are one in it


def test_fast_rcnn_scores_are_probabilities(image):
    detector = small_detectors.fast_rcnn("abc", SelectiveSearch(min_size=10))
    scores, _ = detector.judge(detector.look(image), PROPOSALS)
    assert (scores > 0).all()
    assert (scores.sum(axis=1) < 1).all()  # background has the rest


def test_regressors_that_know_nothing_leave_boxes_where_they_are(image):
    detector = small_detectors.rcnn("abc", SelectiveSearch(min_size=10))
    detector.regressors = type(detector.regressors).none(3)
    _, boxes = detector.judge(detector.look(image), PROPOSALS)
    np.testing.assert_allclose(boxes, np.repeat(PROPOSALS[:, None], 3, axis=1), atol=1e-4)


def test_files_that_hold_no_detector_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_detector(tmp_path / "none.safetensors")
    write_bundle(tmp_path / "new.safetensors", {"a": np.zeros(1)}, {"format": 2, "detector": "yolo"})
    with pytest.raises(StorageError, match=r"new\.safetensors holds a detector of the unknown kind 'yolo'"):
        load_detector(tmp_path / "new.safetensors")
    (tmp_path / "text.safetensors").write_text("no model")
    with pytest.raises(StorageError, match=r"text\.safetensors"):
        load_detector(tmp_path / "text.safetensors")


def test_a_newcomer_needs_look_and_judge_and_a_name(tmp_path, image):
    """The smallest detector there can be: the darker a region, the more it is a hole."""

    @register("darkness")
    class Darkness(RegionDetector[View]):
        title = "Darkness"
        usual_min_score = 0.5

        def __init__(self, proposer, class_names=("hole",), postprocess=None, batch=7):
            self.proposer, self.class_names, self.batch = proposer, class_names, batch
            self.postprocess = postprocess or PostprocessSettings()

        def look(self, image):
            return View(image)

        def judge(self, view, boxes):
            grey = [view.image[y1:y2, x1:x2].mean() for x1, y1, x2, y2 in boxes.astype(int)]
            return 1 - np.array(grey)[:, None] / 255, boxes[:, None]

        def state(self):
            return self.common_settings(), {}

        @classmethod
        def from_state(cls, settings, arrays):
            return cls(**cls.common_fields(settings))

    try:
        detector = Darkness(SelectiveSearch(min_size=10))
        found = detector.detect(image)
        assert (np.diff(found.scores) <= 0).all()
        save_detector(tmp_path / "d.safetensors", detector)
        assert_same(load_detector(tmp_path / "d.safetensors").detect(image), found)
        with pytest.raises(ValueError, match="Darkness has no fully connected layers"):
            load_detector(tmp_path / "d.safetensors", svd={"fc6": 1})
    finally:
        del DETECTORS["darkness"]
