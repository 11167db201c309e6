"""A detector stored in half precision: half the size, and nearly the same detections."""

import numpy as np
import pytest
from small_detectors import fast_rcnn
from trained_detectors import SCENES, train_shortly

from minircnn.boxes import box_iou
from minircnn.detectors import DETECTORS, NetworkDetector, load_detector, save_detector
from minircnn.detectors.storage import read_bundle
from minircnn.proposals import SlidingWindow


@pytest.fixture(scope="module", params=sorted(DETECTORS))
def files(request, tmp_path_factory):
    """Return the file of a trained detector, and the same in half precision."""
    folder = tmp_path_factory.mktemp(request.param)
    full = train_shortly(request.param, folder / "run").model_path
    save_detector(folder / "half.safetensors", load_detector(full), half=True)
    return full, folder / "half.safetensors"


def test_scores_and_boxes_are_nearly_the_same(files):
    """Bounds: 1 % of the largest score, and of its sides for a box; few regions change places at all."""
    full, half = map(load_detector, files)
    photo = SCENES.image(0)
    view = full.look(photo)
    regions = full.propose(view)
    scores, boxes = full.judge_in_batches(view, regions)
    other_scores, other_boxes = half.judge_in_batches(half.look(photo), regions)
    assert np.abs(other_scores - scores).max() < 0.01 * np.abs(scores).max()
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 1)
    assert (np.abs(other_boxes - boxes) / np.tile(sides, 2)).max() < 0.01
    found, again = full.detect(photo, proposals=regions), half.detect(photo, proposals=regions)
    overlap = box_iou(found.boxes[:5], again.boxes) if len(found) else np.ones((1, 1))
    assert (overlap.max(axis=1) > 0.98).all()


def test_it_is_smaller_and_stays_what_it_is(files, tmp_path):
    full, half = files
    if issubclass(DETECTORS[read_bundle(full)[1]["detector"]], NetworkDetector):
        assert half.stat().st_size < 0.62 * full.stat().st_size
    arrays, meta = read_bundle(half)
    assert meta == read_bundle(full)[1]
    matrices = {array.dtype for array in arrays.values() if array.ndim > 1 and array.dtype.kind == "f"}
    assert matrices <= {np.dtype("f2"), np.dtype("f4")}
    save_detector(tmp_path / "again.safetensors", load_detector(half), half=True)
    assert (tmp_path / "again.safetensors").read_bytes() == half.read_bytes()


@pytest.mark.parametrize("number", [7e4, 1e-7, 3e-8])
def test_what_half_precision_cannot_hold_stays(number, tmp_path):
    detector = fast_rcnn(("cat",), SlidingWindow())
    weight = next(p for _, p in detector.network.named_parameters() if p.data.ndim == 4)
    weight.data[...] = np.random.default_rng(0).uniform(0.5, 1, weight.data.shape) * number
    save_detector(tmp_path / "x.safetensors", detector, half=True)
    arrays, _ = read_bundle(tmp_path / "x.safetensors")
    kept = [array for array in arrays.values() if array.dtype == np.float32 and array.ndim > 1]
    assert any(np.array_equal(array, weight.data) for array in kept)
