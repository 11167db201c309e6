"""What holds for every detector, whatever its parts."""

import numpy as np
import pytest

from minircnn.backbones import build_backbone
from minircnn.data import Scenes
from minircnn.detectors import (
    RCNN,
    BoxRegressors,
    FastRCNN,
    FastRCNNNetwork,
    ImageScale,
    RCNNNetwork,
    StorageError,
    WarpSettings,
    load_detector,
    save_detector,
)
from minircnn.proposals import SelectiveSearch

NAMES = ("cat", "dog", "owl")
PROPOSALS = np.array(
    [
        [5, 5, 60, 60],
        [5, 5, 60, 61],
        [100, 20, 191, 120],
        [0, 0, 192, 192],
        [30, 90, 31, 91],
        [30.2, 90, 70, 130],
    ],
    dtype=np.float32,
)


def _fast_rcnn():
    rng = np.random.default_rng(0)
    backbone = build_backbone("tiny", rng=rng)
    network = FastRCNNNetwork(backbone, len(NAMES), rng=rng)
    return FastRCNN(
        network,
        backbone.normalization,
        NAMES,
        SelectiveSearch(min_size=10),
        np.zeros((4, 4), np.float32),
        np.full((4, 4), 0.1, np.float32),
        ImageScale(short_side=None),
    )


def _rcnn():
    rng = np.random.default_rng(0)
    backbone = build_backbone("tiny", rng=rng)
    network = RCNNNetwork(backbone, len(NAMES), rng=rng)
    return RCNN(
        network,
        backbone.normalization,
        NAMES,
        SelectiveSearch(min_size=10),
        rng.normal(size=(backbone.feature_dim, 3)).astype(np.float32),
        np.zeros(3, np.float32),
        BoxRegressors(rng.normal(0, 1e-4, (3, 4, 64 * 36)).astype(np.float32), np.zeros((3, 4), np.float32)),
        WarpSettings(crop_size=48, context=3),
    )


@pytest.fixture(params=[_fast_rcnn, _rcnn], ids=["fast_rcnn", "rcnn"])
def detector(request):
    return request.param()


@pytest.fixture(scope="module")
def image():
    return Scenes("train", count=1).image(0)


def test_detections_are_sorted_inside_the_photo_and_repeatable(detector, image):
    found = detector.detect(image, proposals=PROPOSALS)
    assert len(found) > 0
    assert found.class_names == NAMES
    assert (np.diff(found.scores) <= 0).all()
    assert found.boxes.min() >= 0
    assert (found.boxes <= 192).all()
    again = detector.detect(image, proposals=PROPOSALS)
    np.testing.assert_array_equal(found.boxes, again.boxes)


def test_the_order_of_proposals_does_not_matter(detector, image):
    found = detector.detect(image, proposals=PROPOSALS)
    turned = detector.detect(image, proposals=PROPOSALS[::-1])
    np.testing.assert_allclose(turned.scores, found.scores, rtol=1e-4, atol=1e-6)


def test_no_proposals_give_no_detections(detector, image):
    found = detector.detect(image, proposals=np.zeros((0, 4), np.float32))
    assert len(found) == 0
    assert found.class_names == NAMES


def test_a_uniform_photo_runs(detector):
    found = detector.detect(np.full((40, 30, 3), 128, np.uint8))
    assert np.isfinite(found.scores).all()


def test_own_proposer_is_used_by_default(detector, image):
    found = detector.detect(image)
    expected = detector.detect(image, proposals=detector.proposer.propose(image))
    np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_a_stored_detector_detects_the_same(detector, image, tmp_path):
    save_detector(tmp_path / "model.safetensors", detector)
    loaded = load_detector(tmp_path / "model.safetensors")
    assert type(loaded) is type(detector)
    assert loaded.proposer == detector.proposer
    before, after = (d.detect(image, proposals=PROPOSALS) for d in (detector, loaded))
    np.testing.assert_array_equal(before.boxes, after.boxes)
    np.testing.assert_array_equal(before.scores, after.scores)
    assert not list(tmp_path.glob("*.partial"))


def test_svd_of_full_rank_changes_nothing_and_of_low_rank_shrinks(detector, image, tmp_path):
    save_detector(tmp_path / "model.safetensors", detector)
    full = load_detector(tmp_path / "model.safetensors", svd={"fc6": 128, "fc7": 128})
    before, after = (d.detect(image, proposals=PROPOSALS) for d in (detector, full))
    np.testing.assert_allclose(before.scores, after.scores, rtol=1e-3, atol=1e-4)
    low = load_detector(tmp_path / "model.safetensors", svd={"fc6": 8})
    count = sum(p.data.size for _, p in low.network.head.named_parameters())
    assert count < sum(p.data.size for _, p in detector.network.head.named_parameters()) / 4
    with pytest.raises(KeyError, match="fc9"):
        load_detector(tmp_path / "model.safetensors", svd={"fc9": 8})


def test_equal_regions_are_scored_once_and_alike(image):
    detector = _fast_rcnn()
    probabilities, deltas = detector.score(image, PROPOSALS[[0, 1, 0]])
    np.testing.assert_array_equal(probabilities[0], probabilities[2])
    np.testing.assert_array_equal(deltas[0], deltas[2])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_regions_scored_in_small_batches_are_scored_alike(image):
    detector = _fast_rcnn()
    whole, _ = detector.score(image, PROPOSALS)
    detector.region_batch = 2
    parts, _ = detector.score(image, PROPOSALS)
    np.testing.assert_allclose(whole, parts, rtol=1e-5)


def test_files_that_hold_no_detector_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_detector(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no model")
    with pytest.raises(StorageError, match=r"text\.safetensors"):
        load_detector(tmp_path / "text.safetensors")
