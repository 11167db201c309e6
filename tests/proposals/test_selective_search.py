import numpy as np
import pytest

from minircnn.boxes import box_iou
from minircnn.imaging import read_image
from minircnn.proposals import (
    SelectiveSearch,
    SelectiveSearchResult,
    Strategy,
    selective_search,
    strategies,
)
from minircnn.proposals.selective_search import _first_of_equal


@pytest.fixture(scope="module")
def photo():
    """Coloured things on a textured ground, 90 × 120."""
    rng = np.random.default_rng(5)
    image = rng.integers(90, 130, (90, 120, 3))
    image[15:55, 20:60] = [220, 40, 40]
    image[50:85, 70:110] = rng.integers(0, 60, (35, 40, 1)) + np.array([30, 160, 60])
    return image.astype(np.uint8)


def test_modes_are_those_of_the_paper():
    assert [len(strategies(m)) for m in ("single", "fast", "quality")] == [1, 8, 80]
    assert strategies("single") == (Strategy("HSV", "CTSF", 100),)
    assert len(set(strategies("quality"))) == 80
    with pytest.raises(ValueError, match="mode must be one of single, fast, quality"):
        strategies("slow")


def test_things_are_found_and_boxes_are_clean(photo):
    boxes = selective_search(photo, "fast")
    assert boxes.dtype == np.float32
    things = np.array([[20.0, 15, 60, 55], [70, 50, 110, 85]])
    assert (box_iou(things, boxes.astype(float)).max(axis=1) > 0.9).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes[:, 2:] - boxes[:, :2] >= 20).all()
    assert (boxes >= 0).all()
    assert (boxes <= [120, 90, 120, 90]).all()
    np.testing.assert_array_equal(boxes, np.rint(boxes))


def test_seed_changes_the_order_only(photo):
    first, again, other = (SelectiveSearch(seed=s).propose(photo) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.unique(first, axis=0), np.unique(other, axis=0))


def test_result_leads_back_to_the_regions(photo):
    result = selective_search(photo, "fast", min_size=0, return_hierarchy=True)
    assert isinstance(result, SelectiveSearchResult)
    assert result.strategies == strategies("fast")
    assert len(result.hierarchies) == 8
    for box, (h, region) in zip(result.boxes, result.source, strict=True):
        np.testing.assert_array_equal(result.hierarchies[h].boxes[region], box)
    every = np.concatenate([h.boxes for h in result.hierarchies])
    np.testing.assert_array_equal(np.unique(every, axis=0), np.unique(result.boxes, axis=0))
    for strategy, tree in zip(result.strategies, result.hierarchies, strict=True):
        assert tree.similarities == strategy.similarities
        assert len(tree.children) == tree.num_initial - 1


def test_rank_prefers_the_top_of_the_hierarchy(photo):
    """i·u: the whole photo (i = 1) comes before a typical later region."""
    places = []
    for seed in range(20):
        boxes = selective_search(photo, "single", seed=seed, min_size=0)
        whole = np.flatnonzero((boxes == [0, 0, 120, 90]).all(axis=1))
        assert len(whole) == 1
        places.append(whole[0] / len(boxes))
    assert np.mean(places) < 0.3


def test_max_width_scales_back(photo):
    boxes = SelectiveSearch("single", max_width=60).propose(photo)
    assert (boxes <= [120, 90, 120, 90]).all()
    assert boxes[:, 2].max() == 120
    assert box_iou(np.array([[20.0, 15, 60, 55]]), boxes.astype(float)).max() > 0.7
    wide = SelectiveSearch("single", max_width=500).propose(photo)
    np.testing.assert_array_equal(wide, SelectiveSearch("single").propose(photo))


def test_quality_with_processes_equals_one_process(photo):
    one = SelectiveSearch("quality", min_size=0).propose(photo[:60, :60])
    two = SelectiveSearch("quality", min_size=0, n_jobs=2).propose(photo[:60, :60])
    np.testing.assert_array_equal(one, two)
    fast = SelectiveSearch("fast", min_size=0).propose(photo[:60, :60])
    assert len(one) > len(fast)


def test_own_strategies(photo):
    own = (Strategy("RGB", "S", 30), Strategy("C", "TF", 80), Strategy("rgb", "CT", 30))
    result = SelectiveSearch(strategies=own).search(photo)
    assert [h.similarities for h in result.hierarchies] == ["S", "TF", "CT"]
    assert len(result.boxes)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 3), (7, 200)])
def test_any_shape(shape):
    """Thin and tiny photos work; their boxes are just too small to be kept by default."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    boxes = selective_search(image, min_size=0)
    assert (boxes == [0, 0, shape[1], shape[0]]).all(axis=1).sum() == 1
    assert selective_search(image).shape == (0, 4)


def test_flat_photo_gives_one_box():
    boxes = selective_search(np.full((40, 50, 3), 9, np.uint8))
    np.testing.assert_array_equal(boxes, [[0, 0, 50, 40]])


def test_demo_photo_is_covered_as_well_as_by_the_original_code(shared_data):
    """Recall at IoU 0.5 of 1 and mean best overlap 0.659, as the recorded boxes of the original have."""
    folder = shared_data / "demo_voc2007"
    photo = read_image(folder / "JPEGImages/000004.jpg")
    recorded = np.load(folder / "000004_boxes.npy").astype(float) + np.array([0, 0, 1, 1])
    # the seven cars of 000004.xml, converted from 1-based inclusive pixels
    cars = np.array(
        [
            [13, 311, 84, 362],
            [362, 330, 500, 389],
            [235, 328, 334, 375],
            [175, 327, 252, 364],
            [139, 320, 189, 359],
            [108, 325, 150, 353],
            [84, 323, 121, 350],
        ]
    ) - np.array([1.0, 1, 0, 0])
    theirs = box_iou(cars, recorded).max(axis=1)
    boxes = selective_search(photo, "fast").astype(float)
    ours = box_iou(cars, boxes).max(axis=1)
    assert theirs.mean() == pytest.approx(0.6588587, abs=1e-6)
    assert (ours >= 0.5).mean() == (theirs >= 0.5).mean() == 1
    assert ours.mean() >= theirs.mean()
    assert 0.7 * len(recorded) < len(boxes) < 1.1 * len(recorded)


def test_equal_boxes_are_found_in_photos_of_any_size():
    # 65,536 and more pixels: sides that take more than 16 bits
    boxes = np.array(
        [[0, 0, 65536, 40], [0, 1, 0, 40], [0, 0, 65536, 40], [65536, 0, 70000, 40], [0, 1, 4464, 40]]
    )
    assert _first_of_equal(boxes.astype(np.float64)).tolist() == [0, 1, 3, 4]
    assert _first_of_equal(np.zeros((0, 4))).tolist() == []
