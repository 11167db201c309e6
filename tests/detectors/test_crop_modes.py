"""R-CNN's crops: how a region becomes a square is part of the detector."""

import dataclasses

import numpy as np
import pytest
import small_detectors

from minircnn import Scenes
from minircnn.detectors import WarpSettings, load_detector, save_detector
from minircnn.imaging import warp_regions
from minircnn.proposals import SlidingWindow
from minircnn.training import RCNN_PRESETS, RCNNTrainer

MODES = ["warp", "square_with_context", "square_without_context", "unscaled"]
BOXES = np.array([[4, 4, 60, 20], [30, 10, 44, 70]], np.float32)


@pytest.mark.parametrize("mode", MODES)
def test_a_detector_keeps_its_mode(rng, tmp_path, mode):
    detector = small_detectors.rcnn(("a", "b"), SlidingWindow())
    detector.warping = WarpSettings(48, 3, mode)
    image = rng.integers(0, 256, (80, 90, 3), dtype=np.uint8)
    fill = detector.normalization.fill
    crops = warp_regions(image, BOXES, 48, context=3, mode=mode, fill=fill)
    np.testing.assert_array_equal(detector.warp(image, BOXES), detector.normalization.apply(crops))
    save_detector(tmp_path / "model.safetensors", detector)
    again = load_detector(tmp_path / "model.safetensors")
    assert again.warping == detector.warping
    np.testing.assert_array_equal(again.warp(image, BOXES), detector.warp(image, BOXES))


def test_a_file_from_before_there_were_modes_warps():
    settings, arrays = small_detectors.rcnn(("a", "b"), SlidingWindow()).state()
    del settings["warp"]["mode"]
    detector = small_detectors.rcnn(("a",), SlidingWindow()).from_state(settings, arrays)
    assert detector.warping.mode == "warp"


def test_training_sees_what_the_detector_sees():
    scenes = Scenes("train", count=2)
    settings = dataclasses.replace(RCNN_PRESETS["scenes-quick"], crop_mode="square_without_context")
    proposals = [np.array([[10, 10, 100, 60]], np.float32)] * 2
    trainer = RCNNTrainer(scenes, proposals, settings)
    assert trainer.make_detector(SlidingWindow()).warping == WarpSettings(48, 3, settings.crop_mode)
    batch = trainer.make_batch(0)
    # long regions leave much of a square to the mean colour, which is 0; warped ones nothing
    assert (batch.pixels == 0).all(axis=1).mean() > 0.1


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"warp\.mode must be one of"):
        WarpSettings(48, 3, "stretch")
    with pytest.raises(ValueError, match="crop_mode must be one of"):
        dataclasses.replace(RCNN_PRESETS["scenes"], crop_mode="stretch")
