"""The cascade: windows judged one by one, whole photos, and what must hold however it is computed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cascades import random_haar, random_lbp

from minircnn.features import HaarFeatures, deviations, haar_values, lbp_codes
from minircnn.heads.cascade import Cascade, ScanSettings, judge_windows, scale_cascade, scan
from minircnn.heads.cascade.levels import image_levels, window_scales
from minircnn.imaging import resize_exact

KINDS = {
    "stumps": random_haar,
    "trees": lambda seed=0: random_haar(seed, depth=2),
    "tilted": lambda seed=0: random_haar(seed, tilted=True),
    "patterns": random_lbp,
}


@pytest.fixture(params=KINDS, scope="module")
def cascade(request):
    return KINDS[request.param](3)


def photo(seed=0, height=61, width=83):
    rng = np.random.default_rng(seed)
    smooth = resize_exact(rng.integers(0, 256, (9, 11), dtype=np.uint8), height, width)
    return np.clip(smooth + rng.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)


def judge_slowly(crop, cascade, min_std):
    """Return how many stages one window passes, by the definition."""
    if cascade.kind == "haar":
        if deviations(crop[None], margin=cascade.margin)[0] <= min_std:
            return 0
        values = haar_values(cascade.features, crop[None], margin=cascade.margin)[:, 0]
    else:
        values = lbp_codes(cascade.features, crop[None])[:, 0]
    for stage in range(cascade.stages):
        votes = 0.0
        for tree in range(cascade.stage_start[stage], cascade.stage_start[stage + 1]):
            node = 0
            while True:
                value = values[cascade.node_feature[tree, node]]
                if cascade.kind == "haar":
                    left = value < cascade.node_threshold[tree, node]
                else:
                    left = cascade.node_subset[tree, node, value]
                node = cascade.children[tree, node, 0 if left else 1]
                if node <= 0:
                    break
            votes += float(cascade.leaves[tree, -node])
        if votes < float(cascade.stage_threshold[stage]) - 1e-5:
            return stage
    return cascade.stages


def test_windows_are_judged_by_the_definition(cascade):
    image = photo(1)
    views = np.lib.stride_tricks.sliding_window_view(image, (cascade.height, cascade.width))
    crops = views.reshape(-1, *views.shape[2:])[::37]
    depth, margin = judge_windows(crops, cascade, min_std=10)
    slow = [judge_slowly(crop, cascade, 10) for crop in crops]
    np.testing.assert_array_equal(depth, slow)
    assert 0 < (depth == cascade.stages).sum() < len(depth)
    assert (margin[depth == cascade.stages] >= 0).all()
    judged = deviations(crops, margin=cascade.margin) > 10 if cascade.kind == "haar" else depth >= 0
    assert (margin[(depth < cascade.stages) & judged] < 0).all()


@pytest.mark.parametrize("skip", [False, True])
def test_a_scan_judges_each_window_it_visits(cascade, skip):
    image, how = photo(2, 38, 50), ScanSettings(scale_factor=1.4, skip=skip)
    found = scan(image, cascade, how)
    expected, visited = [], 0
    for level in image_levels(image.shape, (cascade.height, cascade.width), how):
        scaled = resize_exact(image, level.height, level.width)
        for y in range(0, level.rows, level.step):
            skipped = False
            for x in range(0, level.columns, level.step):
                if skipped:
                    skipped = False
                    continue
                crop = scaled[y : y + cascade.height, x : x + cascade.width]
                visited += 1
                depth = judge_slowly(crop, cascade, how.min_std)
                flat = cascade.kind == "haar" and deviations(crop[None], margin=1)[0] <= how.min_std
                skipped = skip and depth == 0 and not flat
                if depth == cascade.stages:
                    edges = np.float32([x, y, cascade.width, cascade.height]) * level.scale
                    left, top, width, height = np.rint(edges)
                    expected.append((left, top, left + width, top + height))
    assert sorted(map(tuple, found.boxes.tolist())) == sorted(expected)
    assert found.left[0] == visited
    assert found.left[-1] == len(expected) > 0


@pytest.mark.parametrize("scaled", ["image", "detector"])
def test_survivors_shrink_and_the_memory_at_once_changes_nothing(cascade, scaled):
    image, how = photo(3), ScanSettings(scaled, 1.3)
    whole = scan(image, cascade, how)
    assert (np.diff(whole.left) <= 0).all()
    for most in (1, 3000):
        parts = scan(image, cascade, how, most=most)
        np.testing.assert_array_equal(parts.boxes, whole.boxes)
        np.testing.assert_array_equal(parts.margins, whole.margins)
        np.testing.assert_array_equal(parts.left, whole.left)
    for stages in range(cascade.stages):
        assert len(scan(image, cascade.first(stages), how).boxes) == whole.left[stages] or stages == 0


@given(st.integers(0, 50), st.integers(0, 2), st.floats(0, 3))
@settings(max_examples=20)
def test_a_lower_threshold_never_rejects_more(seed, stage, less):
    cascade = random_haar(seed)
    lowered = cascade.stage_threshold.copy()
    lowered[stage] -= np.float32(less)
    before, after = (
        scan(photo(seed), one, ScanSettings(skip=False))
        for one in (cascade, cascade.with_thresholds(lowered))
    )
    assert set(map(tuple, before.boxes.tolist())) <= set(map(tuple, after.boxes.tolist()))


def test_without_thresholds_all_windows_pass(cascade):
    low = cascade.with_thresholds(np.full(cascade.stages, -1e6))
    found = scan(photo(4), low, ScanSettings(min_std=0))
    assert found.left[0] == found.left[-1] == len(found.boxes)
    nothing = scan(photo(4), Cascade.none(cascade.height, cascade.width))
    assert nothing.left[0] > 0
    assert len(nothing.boxes) == 0


@given(st.integers(0, 100), st.sampled_from([1, 2]), st.integers(0, 20))
@settings(max_examples=20)
def test_light_changes_nothing(seed, gain, offset):
    image, how = photo(seed) // 3, ScanSettings(min_std=0, skip=False)
    lit = image * gain + offset
    one, other = (scan(some.astype(np.uint8), random_haar(seed), how) for some in (image, lit))
    if gain == 1:  # a scaled image is rounded, and twice as bright it is not twice as bright everywhere
        np.testing.assert_array_equal(one.boxes, other.boxes)
    first = [len(found.boxes[found.boxes[:, 2] - found.boxes[:, 0] == 10]) for found in (one, other)]
    assert first[0] == first[1]


def test_a_scaled_detector_gives_a_uniform_window_nothing_and_an_enlarged_one_the_same():
    cascade = random_haar(5)
    larger = scale_cascade(cascade, 2.0)
    crops = np.random.default_rng(0).integers(0, 256, (5, 12, 10), dtype=np.uint8)
    doubled = crops.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(
        haar_values(larger.features, doubled, margin=2),
        haar_values(cascade.features, crops, margin=1),
        rtol=1e-4,
        atol=1e-6,
    )
    odd = scale_cascade(cascade, 1.37)
    flat = np.full((1, odd.height, odd.width), 99, np.uint8)
    raw = haar_values(odd.features, flat, margin=odd.margin)
    np.testing.assert_allclose(raw, 0, atol=99 * odd.height * odd.width * 1e-4)


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.9, 3.3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_scaled_detector_stays_in_its_window(kind, scale):
    larger = scale_cascade(KINDS[kind](7), scale)  # its constructor looks
    assert larger.stages > 0


def test_a_detector_of_the_first_size_finds_what_a_scaled_image_does(cascade):
    image = photo(6)
    sides = {"min_size": 0, "max_size": max(cascade.height, cascade.width)}
    one = scan(image, cascade, ScanSettings("image", step=1, skip=False, **sides))
    other = scan(image, cascade, ScanSettings("detector", **sides))
    rows = [sorted(map(tuple, found.boxes.tolist())) for found in (one, other)]
    # OpenCV's stripes may leave out rows at the bottom
    assert set(rows[0]) <= set(rows[1])
    assert len(rows[0]) > 0


def test_sizes_of_windows():
    sizes = [round(24 * float(s)) for s in window_scales((100, 200), (24, 24), ScanSettings(scale_factor=2))]
    assert sizes == [24, 48, 96]
    near = ScanSettings(scale_factor=2, min_size=60, max_size=60)
    assert window_scales((100, 200), (24, 24), near) == [np.float32(2)]  # 48 is nearest to 60
    assert window_scales((23, 200), (24, 24), ScanSettings()) == []
    assert window_scales((100, 200), (24, 24), ScanSettings(scale_factor=2, min_size=30, max_size=90)) == [2]


@pytest.mark.parametrize("size", [(1, 1), (11, 40), (12, 10), (13, 11)])
def test_tiny_photos(cascade, size):
    found = scan(np.full(size, 7, np.uint8), cascade)
    assert len(found.left) == cascade.stages + 1
    if cascade.kind == "haar":
        assert len(found.boxes) == 0


def test_wrong_photos_and_windows_are_refused(cascade):
    with pytest.raises(ValueError, match=r"a grey image \(H, W\) uint8, got \(5, 5, 3\)"):
        scan(np.zeros((5, 5, 3), np.uint8), cascade)
    with pytest.raises(ValueError, match=r"windows must have shape \(N, 12, "):
        judge_windows(np.zeros((2, 5, 5), np.uint8), cascade)
    depth, _ = judge_windows(np.zeros((0, cascade.height, cascade.width), np.uint8), cascade)
    assert len(depth) == 0


def test_arrays_and_back(cascade):
    again = Cascade.from_arrays(cascade.arrays())
    assert (again.height, again.width, again.margin) == (cascade.height, cascade.width, cascade.margin)
    for name, array in cascade.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    image = photo(8)
    np.testing.assert_array_equal(scan(image, again).boxes, scan(image, cascade).boxes)


def test_stages_can_follow():
    one, other = random_haar(1, stages=(2, 3)), random_haar(2, stages=(4,))
    both = one.followed_by(other)
    assert both.stages == 3
    crops = np.random.default_rng(0).integers(0, 256, (300, 12, 10), dtype=np.uint8)
    first, second = (judge_windows(crops, part)[0] == part.stages for part in (one, other))
    np.testing.assert_array_equal(judge_windows(crops, both)[0] == 3, first & second)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"leaves": np.zeros((13, 5), np.float32)}, r"leaves must have shape \(13, 2\)"),
        ({"node_threshold": np.full((13, 1), np.nan, np.float32)}, "node_threshold holds a number that is"),
        ({"node_feature": np.full((13, 1), 99)}, "asks a feature that is none of the 13"),
        ({"children": np.full((13, 1, 2), 1)}, "leads to a node or a leaf that it does not have"),
        ({"children": np.full((13, 1, 2), -2)}, "leads to a node or a leaf that it does not have"),
        ({"stage_start": np.array([0, 3, 3, 13])}, "each stage needs a weak classifier"),
        ({"height": 5}, "a feature leaves the window of 10×5"),
        ({"margin": 6}, "too small"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(random_haar(), **changes)


def test_rectangles_outside_the_window_are_refused():
    cascade = random_haar()
    rectangles = cascade.features.rectangles.copy()
    rectangles[0, 0, 0] = -1
    with pytest.raises(ValueError, match="leaves the window"):
        dataclasses.replace(
            cascade, features=HaarFeatures(rectangles, cascade.features.weights, cascade.features.tilted)
        )


def test_scan_settings():
    with pytest.raises(ValueError, match=r"scan\.step must be 1, 2 or none where scan\.scaled is image"):
        ScanSettings(step=1.5)
    assert ScanSettings("detector", step=1.5).step == 1.5
    with pytest.raises(ValueError, match=r"scan\.min_size must be at most scan\.max_size \(10\), got 20"):
        ScanSettings(min_size=20, max_size=10)
    with pytest.raises(ValueError, match=r"scan\.scale_factor must be at least 1\.001"):
        ScanSettings(scale_factor=1.0001)


def test_a_cascade_without_stages_comes_back_from_its_arrays():
    again = Cascade.from_arrays(Cascade.empty(12, 10, margin=0).arrays())
    assert (again.height, again.width, again.stages, again.margin) == (12, 10, 0, 0)
