import hashlib
from itertools import combinations

import numpy as np
import pytest

from minircnn.boxes import box_iou
from minircnn.data import Scenes
from minircnn.data.digits import all_digits, digit_samples, render_digit, tight_box
from minircnn.data.photos import load_photo, photo_names

RECORDED_LABELS = [4, 1, 7, 4, 5, 2]
RECORDED_BOXES = [
    [154.0, 152.0, 171.0, 179.0],
    [61.0, 97.0, 97.0, 146.0],
    [14.0, 46.0, 54.0, 113.0],
    [135.0, 23.0, 162.0, 64.0],
    [142.0, 90.0, 167.0, 127.0],
    [92.0, 43.0, 112.0, 79.0],
]
RECORDED_PIXELS = "d2599a18131462f7"

SPLITS = ("train", "val", "test")


def test_splits_share_neither_digits_nor_photos():
    for a, b in combinations(SPLITS, 2):
        assert not set(digit_samples(a)) & set(digit_samples(b))
        assert not set(photo_names(a)) & set(photo_names(b))
    assert sum(len(digit_samples(s)) for s in SPLITS) == 1797


def test_no_photo_of_one_split_is_another_splits_photo_under_another_name():
    prints = {
        name: hashlib.sha256(load_photo(name).tobytes()).hexdigest()
        for s in SPLITS
        for name in photo_names(s)
    }
    assert len(set(prints.values())) == len(prints)


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_has_every_digit(split):
    assert set(all_digits()[1][digit_samples(split)]) == set(range(10))


@pytest.mark.parametrize("name", [name for s in SPLITS for name in photo_names(s)])
def test_bundled_photos_are_rgb_and_protected(name):
    photo = load_photo(name)
    assert photo.dtype == np.uint8
    assert photo.ndim == 3
    assert photo.shape[2] == 3
    assert min(photo.shape[:2]) >= 192
    assert not photo.flags.writeable


def test_a_scene_can_be_made_on_its_own_and_a_longer_set_begins_with_the_shorter():
    short, long = Scenes("val", count=4), Scenes("val", count=9)
    alone = Scenes("val").image(3)
    for index in (3, 0, 2, 1):
        np.testing.assert_array_equal(short.image(index), long.image(index))
        np.testing.assert_array_equal(short.annotations(index).boxes, long.annotations(index).boxes)
    np.testing.assert_array_equal(alone, short.image(3))


def test_seeds_splits_and_indices_differ():
    images = [
        Scenes("val").image(0),
        Scenes("val").image(1),
        Scenes("val", seed=1).image(0),
        Scenes("test").image(0),
    ]
    assert all((a != b).any() for a, b in combinations(images, 2))


def test_what_is_returned_may_be_changed():
    scenes = Scenes("val")
    before = scenes.image(0)
    scenes.image(0)[:] = 0
    scenes.annotations(0).boxes[:] = 0
    np.testing.assert_array_equal(scenes.image(0), before)
    assert scenes.annotations(0).boxes.any()


def test_scenes_are_well_formed():
    scenes = Scenes("train", count=60)
    labels = []
    for index in range(len(scenes)):
        image, truth = scenes.image(index), scenes.annotations(index)
        assert image.shape == (192, 192, 3)
        assert image.dtype == np.uint8
        assert truth.image_id == scenes.image_ids[index]
        assert 1 <= len(truth) <= 7
        assert (truth.boxes[:, :2] >= 0).all()
        assert (truth.boxes[:, 2:] <= 192).all()
        heights = truth.boxes[:, 3] - truth.boxes[:, 1]
        assert (heights >= 24).all()
        assert (heights <= 76).all()
        overlap = box_iou(truth.boxes, truth.boxes) - np.eye(len(truth))
        assert (overlap <= 0.1 + 1e-6).all()
        labels.extend(truth.labels)
    assert set(labels) == set(range(1, 11))


def test_recorded_scene_is_reproduced():
    truth = Scenes("train").annotations(3)
    assert truth.labels.tolist() == RECORDED_LABELS
    assert truth.boxes.tolist() == RECORDED_BOXES
    # background ihc.png: a lossless file, so that no JPEG decoder has a say
    assert hashlib.sha256(Scenes("train").image(3).tobytes()).hexdigest()[:16] == RECORDED_PIXELS


def test_ink_stands_out_from_the_photo():
    """A scene minus the same scene without digits is large at the ink and only noise elsewhere."""
    scenes = Scenes("test", count=10, digits=(1, 1))
    for index in range(len(scenes)):
        image = scenes.image(index).astype(float)
        x1, y1, x2, y2 = scenes.annotations(index).boxes[0].astype(int)
        inside = image[y1:y2, x1:x2]
        ring = image[max(y1 - 4, 0) : y2 + 4, max(x1 - 4, 0) : x2 + 4]
        assert np.abs(inside.reshape(-1, 3).mean(0) - ring.reshape(-1, 3).mean(0)).max() > 2


@pytest.mark.parametrize(("height", "width"), [(20, 8), (48, 30), (80, 80)])
def test_rendered_digit_has_the_wanted_size_and_a_tight_box(height, width):
    samples = all_digits()[0]
    for index in range(0, 1797, 60):
        coverage = render_digit(samples[index], height, width)
        x1, y1, x2, y2 = tight_box(coverage)
        assert abs((y2 - y1) - height) <= 0.2 * height + 2
        assert abs((x2 - x1) - width) <= 0.2 * width + 2
        assert coverage.min() >= 0
        assert coverage.max() <= 1
        ink = coverage > 0.5
        assert not ink[:y1].any()
        assert not ink[y2:].any()
        assert ink[y1:y2, x1].any()
        assert ink[y1:y2, x2 - 1].any()
        assert ink[y1, x1:x2].any()
        assert ink[y2 - 1, x1:x2].any()


def test_digits_may_not_be_mirrored():
    assert Scenes.flippable is False


@pytest.mark.parametrize("size", [96, 300])
def test_other_sizes(size):
    scenes = Scenes("val", count=2, size=size, heights=(16, 40), digits=(2, 2))
    assert scenes.image(1).shape == (size, size, 3)
    assert len(scenes.annotations(1)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"split": "trainval"},
        {"digits": (0, 3)},
        {"digits": (4, 3)},
        {"heights": (20, 200)},
        {"heights": (40, 20)},
        {"seed": -1},
        {"count": 0},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Scenes(**wrong)


@pytest.mark.parametrize("index", [-1, 100])
def test_index_outside_is_refused(index):
    with pytest.raises(IndexError, match=r"0\.\.99"):
        Scenes("val").image(index)


@pytest.mark.parametrize("split", SPLITS)
def test_the_masks_of_a_scene_have_the_boxes_of_its_annotations(split):
    scenes = Scenes(split, count=12)
    for index in range(len(scenes)):
        scene, truth = scenes.scene(index), scenes.annotations(index)
        objects = scene.objects()
        np.testing.assert_array_equal(objects.boxes, truth.boxes)
        np.testing.assert_array_equal(objects.labels, truth.labels)
        assert (objects.class_names, objects.image_id) == (truth.class_names, truth.image_id)
        assert scene.masks.sum(axis=0).max() == 1  # no digit covers another
        assert [s.label for s in scene.panoptic().segments] == [*truth.labels, 0]  # background last


def test_masks_lie_on_the_ink():
    """Half of a mask and more differs clearly from the noise of a scene that lacks the digit's colour."""
    scenes = Scenes("val", count=4)
    for index in range(len(scenes)):
        image = scenes.image(index).astype(float)
        for mask in scenes.scene(index).masks:
            rows, columns = np.nonzero(mask)
            around = np.zeros_like(mask)
            around[max(rows.min() - 3, 0) : rows.max() + 4, max(columns.min() - 3, 0) : columns.max() + 4] = 1
            inside, outside = image[mask].mean(axis=0), image[around & ~mask].mean(axis=0)
            assert np.abs(inside - outside).max() > 25
