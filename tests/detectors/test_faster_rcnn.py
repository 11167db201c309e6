"""Faster R-CNN, and its region proposal network as a proposer like any other."""

import dataclasses

import numpy as np
import pytest
import small_detectors

from minircnn.boxes import AnchorSettings
from minircnn.data import Scenes
from minircnn.detectors import RegionProposalNetwork, StorageError, load_detector, save_detector
from minircnn.heads import ProposalLayerSettings
from minircnn.proposals import ProposalSettings, SlidingWindow, make_proposer

CLASSES = ("cat", "dog")
WINDOWS = SlidingWindow(sizes=(40,), aspect_ratios=(1.0,), relative_stride=0.5)


@pytest.fixture(scope="module")
def image():
    return Scenes("train", count=1, size=128, heights=(24, 56)).image(0)


@pytest.fixture
def detector():
    return small_detectors.faster_rcnn(CLASSES)


def test_proposals_come_from_the_map_and_lie_in_the_photo(detector, image):
    found, proposals = detector.detect(image), detector.propose(detector.look(image))
    assert 0 < len(proposals) <= detector.proposing.top_after
    assert (proposals >= 0).all()
    assert (proposals <= 128).all()
    assert len(found) > 0
    again = detector.detect(image, proposals=proposals)
    np.testing.assert_array_equal(again.boxes, found.boxes)
    np.testing.assert_array_equal(again.scores, found.scores)


def test_a_scaled_photo_is_proposed_in_its_own_pixels(detector, image):
    """Twice the scale, twice the anchors: the same regions of the photo, up to the map's finer cells."""
    large = dataclasses.replace(detector, scale=dataclasses.replace(detector.scale, short_side=256))
    boxes = large.propose(large.look(image))
    assert (boxes[:, 2:] - boxes[:, :2] >= large.proposing.min_size - 1e-3).all()
    assert boxes.max() <= 128


def test_another_proposer_takes_the_place_of_the_network(detector, image):
    other = dataclasses.replace(detector, proposer=WINDOWS)
    np.testing.assert_array_equal(other.propose(other.look(image)), WINDOWS.propose(image))
    assert detector.proposal_source == "The region proposal network"
    assert other.proposal_source == "Sliding window"


def test_storage_keeps_anchors_and_rules_of_proposing(tmp_path, image):
    shapes = AnchorSettings(base_size=8.0, ratios=(1.0, 3.0), scales=(2.0, 4.0), rounded=False)
    rules = ProposalLayerSettings(top_before=None, nms_iou=0.5, top_after=7, min_size=2.0)
    detector = small_detectors.faster_rcnn(CLASSES, anchors=shapes, proposing=rules)
    save_detector(tmp_path / "a.safetensors", detector)
    again = load_detector(tmp_path / "a.safetensors")
    assert again.network.anchors == shapes
    assert again.proposing == rules
    assert again.proposer is None
    np.testing.assert_array_equal(again.detect(image).boxes, detector.detect(image).boxes)


def test_rules_that_make_no_sense_are_refused_before_detecting(detector, image):
    detector.proposing = "best"
    with pytest.raises(ValueError, match="proposing must be"):
        detector.detect(image)


def test_the_network_proposes_to_others(tmp_path, detector, image):
    path = tmp_path / "model.safetensors"
    save_detector(path, detector)
    proposer = make_proposer(ProposalSettings(method="rpn", path=str(tmp_path), limit=5))
    assert proposer == RegionProposalNetwork(str(tmp_path), 5)
    boxes = proposer.propose(image)
    np.testing.assert_array_equal(boxes, detector.propose(detector.look(image))[:5])
    other = small_detectors.fast_rcnn(CLASSES, RegionProposalNetwork(path))
    save_detector(tmp_path / "fast.safetensors", other)
    assert load_detector(tmp_path / "fast.safetensors").proposer == RegionProposalNetwork(str(path))


def test_only_a_faster_rcnn_proposes(tmp_path):
    with pytest.raises(ValueError, match=r"need a Faster R-CNN \(--proposals.path RUN\)"):
        make_proposer(ProposalSettings(method="rpn"))
    save_detector(tmp_path / "fast.safetensors", small_detectors.fast_rcnn(CLASSES, WINDOWS))
    with pytest.raises(ValueError, match="only a Faster R-CNN has a region proposal network"):
        RegionProposalNetwork(tmp_path / "fast.safetensors")
    with pytest.raises((OSError, StorageError)):
        RegionProposalNetwork(tmp_path / "none.safetensors")
