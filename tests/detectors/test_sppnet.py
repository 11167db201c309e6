"""SPP-net: one map for all regions, pyramids as in the textbook, the right scale for each region."""

import dataclasses

import numpy as np
import pytest
import small_detectors
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.backbones import build_backbone
from minircnn.data import Scenes
from minircnn.detectors.sppnet import LEVELS, SPPNet, SPPNetNetwork, image_scales, nearest_scale
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.nn import Module, SpatialPyramidPool, gradcheck, softmax_cross_entropy
from minircnn.proposals import SlidingWindow
from minircnn.textbook import box_iou, spatial_pyramid_pool
from minircnn.training import RECIPES, train
from minircnn.training.regions import region_record
from minircnn.training.sppnet import SPPNetSettings, SPPNetTrainer
from minircnn.training.svms import SVMSettings, negative_regions

BOXES = np.array([[5, 5, 60, 60], [10, 20, 30, 40], [0, 0, 96, 96], [70, 3, 75, 90]], dtype=np.float32)
SCENES = Scenes("train", count=3, size=96, heights=(20, 44))


def sppnet(rng, *, scales=(), target_side=224):
    backbone = build_backbone("tiny", rng=rng)
    network = SPPNetNetwork(backbone, 3, rng=rng)
    svms = LinearSVMs.from_weights(rng.normal(size=(3, 128)).astype(np.float32), np.zeros(3, np.float32))
    length = 64 * sum(level**2 for level in LEVELS)
    weight = rng.normal(0, 1e-4, (3, 4, length)).astype(np.float32)
    regressors = BoxRegressors(weight, np.zeros((3, 4), np.float32))
    parts = (network, backbone.normalization, ("a", "b", "c"), SlidingWindow(), svms, regressors)
    return SPPNet(*parts, scales, target_side)


def test_the_map_is_that_of_fast_rcnn(rng):
    detector = sppnet(rng)
    fast = small_detectors.fast_rcnn("abc", SlidingWindow())
    fast.network.features.load_state_dict(detector.network.features.state_dict())
    image = SCENES.image(0)
    (feature_map,) = detector.look(image).maps
    np.testing.assert_array_equal(feature_map, fast.look(image).map)
    assert detector.passes(2000) == fast.passes(2000) == 1
    assert dataclasses.replace(detector, scales=(480, 576, 688)).passes(2000) == 3


windows = st.tuples(st.floats(-20, 120), st.floats(-20, 120), st.floats(0.1, 90), st.floats(0.1, 90))


@settings(deadline=None)
@given(st.lists(windows, min_size=1, max_size=5), st.sampled_from([4, 8, 16]), st.integers(0, 2**32 - 1))
def test_pyramids_equal_the_textbook_on_any_window(found, stride, seed):
    rois = np.array([[x, y, x + w, y + h] for x, y, w, h in found])
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((2, 2, rng.integers(1, 14), rng.integers(1, 14)))
    owner = rng.integers(0, 2, len(rois))
    layer = SpatialPyramidPool(LEVELS, 1 / stride)
    layer.eval()
    expected, _ = spatial_pyramid_pool(maps, rois, owner, LEVELS, 1 / stride)
    np.testing.assert_array_equal(layer(maps, rois, owner), expected)
    for (rows, columns), level in zip(layer.bins(rois, maps.shape[2:]), LEVELS, strict=True):
        assert rows.shape == columns.shape == (len(rois), level, 2)
        assert (rows[..., 0] < rows[..., 1]).all()  # none is empty
        assert (columns[..., 1] <= maps.shape[3]).all()


@settings(deadline=None)
@given(st.lists(windows, min_size=1, max_size=8), st.sets(st.integers(100, 1200), min_size=1, max_size=5))
def test_a_region_takes_the_scale_nearest_to_the_target(found, sides):
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in found], dtype=np.float32)
    scales = tuple(np.float32(side / 375) for side in sorted(sides))
    for box, chosen in zip(boxes, nearest_scale(scales, boxes, 224), strict=True):
        area = float(box[2] - box[0]) * float(box[3] - box[1])
        distances = [abs(area * float(s) ** 2 - 224**2) for s in scales]
        assert distances[chosen] == pytest.approx(min(distances), rel=1e-5)


def test_regions_at_several_scales_come_back_in_their_order(rng):
    detector = sppnet(rng, scales=(96, 192, 384), target_side=60)
    image = SCENES.image(0)
    view = detector.look(image)
    assert [m.shape[2] for m in view.maps] == [24, 48, 96]
    chosen = nearest_scale(view.scales, BOXES, 60)
    assert len(set(chosen)) > 1
    scores, boxes = detector.judge(view, BOXES)
    for i, side in enumerate(detector.scales):
        alone = dataclasses.replace(detector, scales=(side,))
        own = chosen == i
        if own.any():
            one, moved = alone.judge(alone.look(image), BOXES[own])
            np.testing.assert_allclose(scores[own], one, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(boxes[own], moved, rtol=1e-4, atol=1e-3)


def test_a_backbone_without_fully_connected_layers_is_refused():
    with pytest.raises(ValueError, match="SPP-net needs fully connected layers, and squeezenet1_1 has none"):
        SPPNetNetwork(build_backbone("squeezenet1_1"), 3)


class _Loss(Module):
    def __init__(self, network, labels):
        self.network, self.labels = network, labels

    def forward(self, images, rois, owner):
        loss, self.slope = softmax_cross_entropy(
            self.network.logits_from_map(self.network.features(images), rois, owner), self.labels
        )
        return np.array([loss])

    def backward(self, dy):
        self.network.backward(self.slope * dy[0])


@pytest.mark.slow
def test_gradients_reach_every_layer_through_the_pyramid(rng):
    backbone = build_backbone("tiny", rng=rng, channels=(3, 4, 4, 4), widths=(8, 8))
    network = SPPNetNetwork(backbone, 2, levels=(1, 2), rng=rng)
    network.astype(np.float64)
    network.fc8.weight.data = rng.standard_normal(network.fc8.weight.data.shape)
    rois = np.array([[0, 0, 20, 20], [4, 2, 18, 23], [8, 8, 24, 24]], dtype=np.float64)
    inputs = rng.standard_normal((2, 3, 24, 24)), rois, np.array([0, 1, 1])
    report = gradcheck(_Loss(network, np.array([1, 0, 2])), *inputs, rng=rng, step=1e-7, tolerance=1e-5)
    assert report.ok, str(report)
    assert {row.name for row in report.rows} >= {"network.features.conv1.weight", "network.fc8.bias"}


@pytest.mark.parametrize("pretrained", [True, False])
def test_pretrained_convolutions_stay_and_random_ones_learn(pretrained, rng, tmp_path):
    preset = RECIPES["sppnet"].presets["scenes-quick"]
    backbone = preset.backbone
    if pretrained:
        arrays = dict(build_backbone("tiny", rng=rng).named_parameters())
        np.savez(tmp_path / "w.npz", **{name: p.data for name, p in arrays.items()})
        backbone = dataclasses.replace(backbone, weights=str(tmp_path / "w.npz"))
    windows = SlidingWindow(sizes=(30, 50))
    proposals = [windows.propose(SCENES.image(i)) for i in range(len(SCENES))]
    trainer = SPPNetTrainer(SCENES, proposals, dataclasses.replace(preset, backbone=backbone))
    before = trainer.network.state_dict()
    trainer.step(0)
    trainer.state.optimizer.step()
    for name, value in trainer.network.state_dict().items():
        stays = pretrained and name.startswith("features.")
        assert np.array_equal(before[name], value) == stays, name


def test_negatives_are_no_near_duplicates(rng):
    annotations = SCENES.annotations(0)
    corner = rng.uniform(0, 50, (200, 2))
    proposals = np.concatenate([corner, corner + rng.uniform(10, 45, (200, 2))], axis=1).astype(np.float32)
    record = region_record(annotations, proposals)
    every = negative_regions(record, SVMSettings())
    np.testing.assert_array_equal(every, record.class_iou < 0.3)
    few = negative_regions(record, SVMSettings(duplicate_iou=0.7))
    overlap = box_iou(record.boxes, record.boxes)
    for k in range(record.num_classes):
        kept, rows = np.flatnonzero(few[:, k]), np.flatnonzero(every[:, k])
        assert 0 < len(kept) < len(rows)
        assert set(kept) < set(rows)
        assert (overlap[np.ix_(kept, kept)] - np.eye(len(kept)) <= 0.7).all()
        for row in set(rows) - set(kept):  # each that is left out has a better ranked twin
            assert overlap[row, kept[kept < row]].max() > 0.7


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"levels": ()}, "levels must be"),
        ({"levels": (2, 0)}, "levels must be"),
        ({"scales": (600, -5)}, "scales must be"),
        ({"target_side": 0}, "target_side must be at least 1"),
        ({"svm": {"duplicate_iou": 3}}, r"svm\.duplicate_iou must be between 0 and 1"),
    ],
)
def test_senseless_settings_are_named(values, words):
    with pytest.raises(ValueError, match=words):
        SPPNetSettings(**{k: SVMSettings(**v) if isinstance(v, dict) else v for k, v in values.items()})


def test_fully_connected_layers_can_be_frozen(rng):
    preset = RECIPES["sppnet"].presets["scenes-quick"]
    backbone = dataclasses.replace(preset.backbone, frozen=("fc7",))
    proposals = [BOXES] * len(SCENES)
    trainer = SPPNetTrainer(SCENES, proposals, dataclasses.replace(preset, backbone=backbone))
    assert not trainer.network.head.fc7.trainable
    assert trainer.network.head.fc6.trainable


def test_what_cannot_be_trained_fails_before_proposals_and_leaves_no_run(tmp_path):
    preset = RECIPES["sppnet"].presets["scenes-quick"]
    backbone = dataclasses.replace(preset.backbone, name="squeezenet1_1")
    with pytest.raises(ValueError, match=r"squeezenet1_1 has none: set backbone\.widths"):
        train(SCENES, dataclasses.replace(preset, backbone=backbone), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_narrow_strip_is_not_blown_up(rng):
    detector = sppnet(rng, scales=(688,))
    pixels, factor = detector.network_input(np.zeros((2, 300, 3), np.uint8), image_scales((688,))[0])
    assert max(pixels.shape) == 4096
    assert factor == pytest.approx(4096 / 300)
